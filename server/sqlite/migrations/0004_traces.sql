-- What a turn and a promise bring about later is found under the id of the trace that they came from.
alter table turns add column trace_id text not null default '';
alter table reminders add column trace_id text not null default '';
