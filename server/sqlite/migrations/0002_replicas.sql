-- What the workers need to know more of: when an event was written and with which number, which reminders have their timer, how
-- often an event was too much for its consumer, and which notifications are under way.

alter table outbox add column seq integer not null default 0;
alter table outbox add column at integer not null default 0;

alter table reminders add column timed integer not null default 0; -- 1: a timer is set for this generation
create index reminders_untimed on reminders (due_at, user_id) where timed = 0;
create index reminders_timed on reminders (user_id) where timed = 1;

-- Failures of consumers. They belong to no one: an event's id is nothing of its content.
create table failures (
	consumer text    not null,
	event_id text    not null,
	count    integer not null,
	at       integer not null,
	primary key (consumer, event_id)
) without rowid;
create index failures_by_age on failures (at);

alter table notices add column silent integer not null default 0; -- it came in quiet hours

-- Notices on their way out of the product, each to one address.
create table deliveries (
	user_id  text    not null,
	event_id text    not null, -- notices.id
	channel  text    not null,
	target   text    not null, -- of web push: pushes.id
	state    text    not null default 'waiting' check (state in ('waiting', 'sent', 'failed', 'dropped')),
	attempts integer not null default 0,
	next_at  integer not null, -- when it may be tried: waiting, or the end of the lease of an attempt
	primary key (user_id, event_id, channel, target),
	foreign key (user_id, event_id) references notices (user_id, id) on delete cascade
) without rowid;
create index deliveries_due on deliveries (next_at, user_id) where state = 'waiting';
