-- What a turn and a promise bring about later is found under the id of the trace that they came from. An older program leaves it empty.
alter table turns add column trace_id text not null default '';
alter table reminders add column trace_id text not null default '';

grant select (trace_id) on reminders to tandem_sweep;
grant create on schema public to tandem_sweep;
set local role tandem_sweep;

drop function due_reminders(timestamptz, bigint);
create function due_reminders(until timestamptz, most bigint)
	returns table (user_id text, task_uid text, reminder_id text, generation bigint, due_at timestamptz, timed boolean, trace_id text)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$
		select r.user_id, r.task_uid, r.reminder_id, r.generation, r.due_at, r.timed, r.trace_id from public.reminders r
		where r.due_at <= until order by r.due_at limit most $$;

drop function untimed_reminders(timestamptz, bigint);
create function untimed_reminders(until timestamptz, most bigint)
	returns table (user_id text, task_uid text, reminder_id text, generation bigint, due_at timestamptz, timed boolean, trace_id text)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$
		select r.user_id, r.task_uid, r.reminder_id, r.generation, r.due_at, r.timed, r.trace_id from public.reminders r
		where r.due_at <= until and not r.timed order by r.due_at limit most $$;

revoke all on function due_reminders(timestamptz, bigint), untimed_reminders(timestamptz, bigint) from public;
grant execute on function due_reminders(timestamptz, bigint), untimed_reminders(timestamptz, bigint) to tandem_app, tandem_worker;

set local role tandem_owner;
revoke create on schema public from tandem_sweep;
