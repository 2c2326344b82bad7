-- The whole store. user_id leads every index of a person's rows; texts that are ordered or compared have the collation "C".
--
-- Rows that every write adds carry no foreign key to users: the write holds its user's row anyway, and erasure takes both.

create table meta (
	key   text primary key,
	value text not null
);

-- One row for each person who ever wrote. The row carries what a write must bump: its number, and the counters of names. No
-- index names what a write changes, so that an update stays on its page.
create table users (
	user_id        text        collate "C" primary key,
	seq            bigint      not null default 0, -- the last number of the change log
	floor          bigint      not null default 0, -- the log holds floor + 1 .. seq
	numbers        bigint      not null default 0, -- the last task number
	conversations  bigint      not null default 0, -- the last conversation number
	pending        bigint      not null default 0, -- tasks by status
	completed      bigint      not null default 0,
	deleted        bigint      not null default 0,
	settings       text, -- null: the defaults
	revoked_before timestamptz,
	created_at     timestamptz not null
) with (fillfactor = 50);

-- The current state of each task, as far as lists and rules ask for it. The task itself is its current version.
create table tasks (
	user_id        text        collate "C" not null references users (user_id),
	number         bigint      not null,
	uid            text        collate "C" not null,
	version        bigint      not null,
	status         smallint    not null check (status between 0 and 2), -- pending, completed, deleted
	priority       smallint    not null check (priority between 0 and 3),
	due_at         timestamptz,
	floating       boolean     not null, -- pending, with a due date that follows the user's zone
	created_at     timestamptz not null,
	ended_at       timestamptz, -- when it was completed or deleted
	title          text        collate "C" not null, -- folded, and cut to what an index takes
	series_id      text        collate "C",
	occurrence_key text        collate "C",
	predecessor    text        collate "C",
	words          tsvector, -- folded words: of the title with the weight A, of the description with B; null: look at the task itself
	primary key (user_id, number),
	constraint tasks_uid unique (user_id, uid),
	constraint tasks_occurrence unique (user_id, series_id, occurrence_key),
	constraint tasks_predecessor unique (user_id, predecessor)
);
create index tasks_by_created on tasks (user_id, status, created_at, uid) include (number);
create index tasks_by_due on tasks (user_id, status, due_at, uid) include (number);
create index tasks_by_priority on tasks (user_id, status, priority, uid) include (number);
create index tasks_by_title on tasks (user_id, status, title, uid) include (number);
create index tasks_by_uid on tasks (user_id, status, uid) include (number);
create index tasks_by_end on tasks (user_id, status, ended_at);
create index tasks_floating on tasks (user_id, number) where floating;
create index tasks_trashed on tasks (ended_at, user_id) where status = 2;

-- What filters ask of every task, in a byte each; a row holds many tasks of a user.
create table facets (
	user_id text    collate "C" not null,
	chunk   integer not null,
	data    bytea   not null,
	primary key (user_id, chunk)
) with (fillfactor = 50);

-- Which tasks of a stretch hold a word, in title or description. A B-tree on words, because row-level security keeps operators of
-- full-text search from driving a plan.
create table words (
	user_id text    collate "C" not null,
	word    text    collate "C" not null, -- folded
	chunk   integer not null,
	hits    bytea   not null,
	primary key (user_id, word, chunk)
);

create table task_tags (
	user_id text   collate "C" not null,
	tag     text   collate "C" not null, -- folded
	task    bigint not null,
	primary key (user_id, tag, task)
);
create index task_tags_by_task on task_tags (user_id, task);

-- Every state of a task. The current one has no until; outdated ones serve undo, Activity and the past.
create table versions (
	user_id  text        collate "C" not null,
	task     bigint      not null,
	version  bigint      not null,
	id       bigint      generated always as identity, -- the order of writing
	seq      bigint      not null,
	op_id    text        collate "C" not null,
	turn_id  text        collate "C" not null,
	saved_at timestamptz not null,
	until    timestamptz, -- when the next version came
	doc      text        not null, -- tandem.Task; text, because jsonb refuses some strings and forgets the order
	primary key (user_id, task, version)
);
create index versions_by_op on versions (user_id, op_id, seq);
create index versions_by_turn on versions (user_id, turn_id, seq) where turn_id <> '';
create index versions_outdated on versions (until, user_id) where until is not null;

-- Promises that wait for their time. timed: the timer service knows this generation.
create table reminders (
	user_id     text        collate "C" not null,
	reminder_id text        collate "C" not null,
	task        bigint      not null,
	task_uid    text        collate "C" not null,
	generation  bigint      not null,
	due_at      timestamptz not null,
	timed       boolean     not null default false,
	primary key (user_id, reminder_id)
);
create index reminders_by_task on reminders (user_id, task);
create index reminders_due on reminders (due_at, user_id);
create index reminders_untimed on reminders (due_at, user_id) where not timed;
create index reminders_timed on reminders (user_id, reminder_id) where timed;

create table changes (
	user_id text        collate "C" not null,
	seq     bigint      not null,
	n       integer     not null,
	kind    text        not null,
	id      text        collate "C" not null,
	version bigint      not null,
	actor   text        not null,
	turn_id text        not null,
	client  text        not null,
	mid     bigint      not null,
	at      timestamptz not null,
	primary key (user_id, seq, n)
);

-- Events that wait for the relay, on one of eight lists by user. An empty topic: no event, only a reason to ping the user.
create table outbox (
	partition smallint    not null check (partition between 0 and 7),
	id        bigint      generated always as identity,
	user_id   text        collate "C" not null,
	seq       bigint      not null,
	topic     text        not null,
	event     text        not null,
	at        timestamptz not null,
	primary key (partition, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
create index outbox_by_user on outbox (user_id);

create table operations (
	user_id      text        collate "C" not null,
	op_id        text        collate "C" not null,
	hash         text        not null,
	seq          bigint      not null, -- 0: changed nothing
	tasks        bigint      not null, -- how many it changed
	turn_id      text        not null,
	conversation bigint      not null,
	caller       text        collate "C" not null,
	result       text, -- of a success
	refusal      text, -- of a final refusal
	at           timestamptz not null,
	primary key (user_id, op_id)
);
create index operations_by_caller on operations (user_id, caller, seq) where tasks > 0;
create index operations_by_conversation on operations (user_id, conversation, seq) where tasks > 0;
create index operations_by_age on operations (at, user_id);

create table clients (
	user_id  text        collate "C" not null,
	client   text        collate "C" not null,
	last_mid bigint      not null,
	at       timestamptz not null,
	primary key (user_id, client)
);
create index clients_by_age on clients (at, user_id);

create table mids (
	user_id text        collate "C" not null,
	client  text        collate "C" not null,
	mid     bigint      not null,
	seq     bigint      not null,
	result  text,
	at      timestamptz not null,
	primary key (user_id, client, mid)
);
create index mids_by_age on mids (at, user_id);

create table inbox (
	user_id  text        collate "C" not null,
	consumer text        collate "C" not null,
	event_id text        collate "C" not null,
	at       timestamptz not null,
	primary key (user_id, consumer, event_id)
);
create index inbox_by_age on inbox (at, user_id);

create table conversations (
	user_id    text        collate "C" not null references users (user_id),
	number     bigint      not null,
	title      text        not null,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	primary key (user_id, number)
);

create table messages (
	user_id      text        collate "C" not null,
	id           text        collate "C" not null,
	position     bigint      generated always as identity, -- the order of writing
	conversation bigint      not null,
	turn_id      text        not null,
	role         text        not null,
	text         text        not null,
	tool_calls   text        not null, -- []tandem.ToolCall
	engine       text        not null,
	status       text        not null,
	created_at   timestamptz not null,
	primary key (user_id, id),
	foreign key (user_id, conversation) references conversations (user_id, number) on delete cascade
);
create index messages_by_conversation on messages (user_id, conversation, position);

create table turns (
	user_id      text        collate "C" not null,
	id           text        collate "C" not null,
	conversation bigint      not null,
	message_id   text        not null,
	text         text        not null,
	zone         text        not null,
	hash         text        not null,
	status       text        not null,
	engine       text        not null,
	reply        text        not null,
	calls        text        not null, -- []tandem.ToolCall
	n            bigint      not null,
	cancel       boolean     not null default false,
	lease_owner  text        not null,
	lease_until  timestamptz not null,
	attempt      bigint      not null,
	started_at   timestamptz not null,
	ended_at     timestamptz,
	response     text,
	seq          bigint      not null,
	primary key (user_id, id),
	foreign key (user_id, conversation) references conversations (user_id, number) on delete cascade
);
create unique index turns_running on turns (user_id, conversation) where status = 'running';
create index turns_by_conversation on turns (user_id, conversation);
create index turns_by_lease on turns (lease_until, user_id) where status = 'running';
create index turns_by_end on turns (ended_at, user_id) where ended_at is not null;

create table approvals (
	user_id      text        collate "C" not null references users (user_id),
	id           text        collate "C" not null,
	kind         text        not null,
	tool         text        collate "C" not null,
	summary      text        not null,
	items        text        not null,
	more         bigint      not null,
	args         text        not null,
	hash         text        collate "C" not null,
	conversation bigint      not null,
	turn_id      text        not null,
	caller       text        not null,
	run_state    text        not null,
	created_at   timestamptz not null,
	expires_at   timestamptz not null,
	decided_at   timestamptz,
	decided_by   text        not null default '',
	decision     text        not null default '',
	open         boolean     not null default true, -- on devices
	primary key (user_id, id)
);
create index approvals_open on approvals (user_id, created_at) where open;
create index approvals_by_hash on approvals (user_id, tool, hash);
create index approvals_by_conversation on approvals (user_id, conversation);
create index approvals_expiring on approvals (expires_at, user_id) where open;
create index approvals_by_age on approvals (expires_at, user_id) where not open;

create table notices (
	user_id     text        collate "C" not null references users (user_id),
	id          text        collate "C" not null,
	reminder_id text        collate "C" not null,
	generation  bigint      not null,
	task        text        collate "C" not null, -- its uid
	number      bigint      not null,
	title       text        not null,
	due         text, -- tandem.Due
	fired_at    timestamptz not null,
	silent      boolean     not null, -- it came in quiet hours
	shown       boolean     not null default true, -- until it is dismissed
	primary key (user_id, id),
	unique (user_id, reminder_id, generation)
);
create index notices_by_task on notices (user_id, task);
create index notices_shown on notices (user_id, fired_at) where shown;
create index notices_dismissed on notices (user_id, fired_at) where not shown;
create index notices_by_age on notices (fired_at, user_id);

-- Notices on their way out of the product, each to one address.
create table deliveries (
	user_id  text        collate "C" not null,
	event_id text        collate "C" not null, -- notices.id
	channel  text        collate "C" not null,
	target   text        collate "C" not null, -- of web push: pushes.id
	state    text        not null default 'waiting' check (state in ('waiting', 'sent', 'failed', 'dropped')),
	attempts integer     not null default 0,
	next_at  timestamptz not null, -- when it may be tried: waiting, or the end of the lease of an attempt
	primary key (user_id, event_id, channel, target),
	foreign key (user_id, event_id) references notices (user_id, id) on delete cascade
);
create index deliveries_due on deliveries (next_at, user_id) where state = 'waiting';

create table tokens (
	user_id      text        collate "C" not null references users (user_id),
	id           text        collate "C" not null,
	hash         text        collate "C" not null unique,
	name         text        not null,
	scopes       text        not null,
	created_at   timestamptz not null,
	last_used_at timestamptz,
	expires_at   timestamptz,
	primary key (user_id, id)
);

create table devices (
	user_id      text        collate "C" not null references users (user_id),
	id           text        collate "C" not null,
	hash         text        collate "C" not null unique,
	name         text        not null,
	created_at   timestamptz not null,
	last_seen_at timestamptz not null,
	primary key (user_id, id)
);

create table feeds (
	user_id    text        collate "C" primary key references users (user_id),
	hash       text        collate "C" not null unique,
	created_at timestamptz not null
);

create table pushes (
	user_id      text collate "C" not null references users (user_id),
	id           text collate "C" not null,
	device       text not null,
	subscription text not null,
	primary key (user_id, id)
);

create table audit (
	id       bigint      generated always as identity primary key,
	user_id  text        collate "C" not null,
	event_id text        collate "C" not null,
	topic    text        not null,
	at       timestamptz not null,
	event    text        not null,
	unique (user_id, event_id)
);
create index audit_by_user on audit (user_id, id);
create index audit_by_age on audit (at, user_id);
create index audit_by_topic on audit (topic, id);

create table dead_letters (
	id       bigint      generated always as identity primary key,
	user_id  text        collate "C" not null, -- empty where the event does not say
	topic    text        not null,
	consumer text        not null,
	reason   text        not null,
	at       timestamptz not null,
	event    bytea       not null
);
create index dead_letters_by_user on dead_letters (user_id, at);
create index dead_letters_by_age on dead_letters (at, user_id);

-- Nobody's rows: claims on idempotency keys, and how often an event could not be taken.
create table keys (
	key     text        collate "C" primary key,
	owner   text        not null,
	done    boolean     not null,
	expires timestamptz not null
);
create index keys_by_age on keys (expires);
create table failures (
	consumer text        collate "C" not null,
	event_id text        collate "C" not null,
	count    integer     not null,
	at       timestamptz not null,
	primary key (consumer, event_id)
);
create index failures_by_age on failures (at);

-- Each person's transaction sees that person's rows and no others. Without a person there are no rows: a transaction's setting
-- reads as '' afterwards, never as null.
do $$
declare
	name text;
begin
	for name in select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
		where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relowner = current_user::regrole
	loop
		execute format('alter table %I enable row level security', name);
		execute format('alter table %I force row level security', name);
		execute format($p$create policy own on %I
			using (user_id = (select nullif(current_setting('app.user_id', true), '')))
			with check (user_id = (select nullif(current_setting('app.user_id', true), '')))$p$, name);
		execute format('grant select, insert, update, delete on %I to tandem_app, tandem_worker', name);
	end loop;
end $$;
grant select on meta to tandem_app, tandem_worker;
grant select, insert, update, delete on keys, failures to tandem_app, tandem_worker;

-- The relay publishes for everyone; operators read the trail and what was set aside.
create policy relay on outbox for select to tandem_worker using (true);
create policy relay_done on outbox for delete to tandem_worker using (true);
create policy read_all on audit for select to tandem_worker using (true);
create policy operate on dead_letters to tandem_worker using (true) with check (true);

-- What looks for work among everyone gives names and numbers, never contents. These functions belong to a role that can log in
-- nowhere and read just these columns; what they find is then read in the name of its owner.
grant select (user_id, seq, floor) on users to tandem_sweep;
grant select (user_id, status, ended_at) on tasks to tandem_sweep;
grant select (user_id, until) on versions to tandem_sweep;
grant select (user_id, reminder_id, task_uid, generation, due_at, timed), update (timed) on reminders to tandem_sweep;
grant select (user_id, at) on operations, clients, mids, inbox, audit, dead_letters to tandem_sweep;
grant select (user_id, id, status, lease_until, ended_at) on turns to tandem_sweep;
grant select (user_id, id, expires_at, open) on approvals to tandem_sweep;
grant select (user_id, fired_at) on notices to tandem_sweep;
grant select (user_id, event_id, channel, target, state, next_at) on deliveries to tandem_sweep;
grant select (user_id, id, hash) on tokens, devices to tandem_sweep;
grant select (user_id, hash) on feeds to tandem_sweep;
do $$
declare
	name text;
begin
	foreach name in array array['users', 'tasks', 'versions', 'reminders', 'operations', 'clients', 'mids', 'inbox', 'audit', 'dead_letters', 'turns',
		'approvals', 'notices', 'deliveries', 'tokens', 'devices', 'feeds']
	loop
		execute format('create policy sweep on %I for select to tandem_sweep using (true)', name);
	end loop;
end $$;
create policy sweep_timed on reminders for update to tandem_sweep using (true) with check (true);

grant create on schema public to tandem_sweep;
set local role tandem_sweep;

-- The last numbers of many users.
create function heads(users text[]) returns table (user_id text, seq bigint)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$ select u.user_id, u.seq from public.users u where u.user_id = any (heads.users) $$;

-- Everyone who has data, by name, behind a name.
create function users_after(name text, most bigint) returns table (user_id text)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$ select u.user_id from public.users u where u.user_id > users_after.name order by 1 limit most $$;

-- Users with more than so many numbers in their log.
create function long_logs(numbers bigint) returns table (user_id text)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$ select u.user_id from public.users u where u.seq - u.floor > long_logs.numbers $$;

-- A secret names its owner.
create function device_by_hash(hash text) returns table (user_id text, id text)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$ select d.user_id, d.id from public.devices d where d.hash = device_by_hash.hash $$;
create function token_by_hash(hash text) returns table (user_id text, id text)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$ select t.user_id, t.id from public.tokens t where t.hash = token_by_hash.hash $$;
create function feed_by_hash(hash text) returns table (user_id text)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$ select f.user_id from public.feeds f where f.hash = feed_by_hash.hash $$;

-- Promises whose time comes, the earliest first.
create function due_reminders(until timestamptz, most bigint)
	returns table (user_id text, task_uid text, reminder_id text, generation bigint, due_at timestamptz, timed boolean)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$
		select r.user_id, r.task_uid, r.reminder_id, r.generation, r.due_at, r.timed from public.reminders r
		where r.due_at <= until order by r.due_at limit most $$;

-- Promises whose time comes and of which the timer service was not told.
create function untimed_reminders(until timestamptz, most bigint)
	returns table (user_id text, task_uid text, reminder_id text, generation bigint, due_at timestamptz, timed boolean)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$
		select r.user_id, r.task_uid, r.reminder_id, r.generation, r.due_at, r.timed from public.reminders r
		where r.due_at <= until and not r.timed order by r.due_at limit most $$;

create function overdue_reminders(before timestamptz) returns bigint
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$ select count(*) from public.reminders r where r.due_at <= before $$;

-- Notes that the timer service knows these generations.
create function timers_set(users text[], ids text[], generations bigint[]) returns void
	language sql volatile security definer set search_path = pg_catalog, public, pg_temp
	as $$
		update public.reminders r set timed = true
		from unnest(users, ids, generations) as told (user_id, reminder_id, generation)
		where r.user_id = told.user_id and r.reminder_id = told.reminder_id and r.generation = told.generation and not r.timed $$;

-- Notes for some reminders that the timer service does not know them any more; gives how many.
create function timers_forget(most bigint) returns bigint
	language sql volatile security definer set search_path = pg_catalog, public, pg_temp
	as $$
		with batch as (select r.user_id, r.reminder_id from public.reminders r where r.timed limit most),
		gone as (
			update public.reminders r set timed = false from batch
			where r.user_id = batch.user_id and r.reminder_id = batch.reminder_id returning 1)
		select count(*) from gone $$;

-- Deliveries that may be tried, those that wait longest first.
create function due_deliveries(until timestamptz, most bigint) returns table (user_id text, event_id text, channel text, target text)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$
		select d.user_id, d.event_id, d.channel, d.target from public.deliveries d
		where d.state = 'waiting' and d.next_at <= until order by d.next_at limit most $$;

-- Running turns whose holder is late.
create function late_turns(before timestamptz, most bigint) returns table (user_id text, id text)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$
		select t.user_id, t.id from public.turns t
		where t.status = 'running' and t.lease_until < before order by t.lease_until limit most $$;

-- Questions that nobody answered in time.
create function expired_approvals(before timestamptz, most bigint) returns table (user_id text, id text)
	language sql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$
		select a.user_id, a.id from public.approvals a where a.open and a.expires_at <= before order by a.expires_at limit most $$;

-- Owners of rows of a kind that are older than a moment.
create function owners_of(kind text, before timestamptz, most bigint) returns table (user_id text)
	language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
	as $$
	begin
		case kind
		when 'versions' then return query select distinct s.user_id from (select x.user_id from public.versions x where x.until <= before limit most) s;
		when 'operations' then return query select distinct s.user_id from (select x.user_id from public.operations x where x.at <= before limit most) s;
		when 'mids' then return query select distinct s.user_id from (select x.user_id from public.mids x where x.at <= before limit most) s;
		when 'clients' then return query select distinct s.user_id from (select x.user_id from public.clients x where x.at <= before limit most) s;
		when 'inbox' then return query select distinct s.user_id from (select x.user_id from public.inbox x where x.at <= before limit most) s;
		when 'turns' then return query select distinct s.user_id from (select x.user_id from public.turns x where x.ended_at <= before limit most) s;
		when 'approvals' then return query
			select distinct s.user_id from (select x.user_id from public.approvals x where not x.open and x.expires_at <= before limit most) s;
		when 'audit' then return query select distinct s.user_id from (select x.user_id from public.audit x where x.at <= before limit most) s;
		when 'dead_letters' then return query select distinct s.user_id from (select x.user_id from public.dead_letters x where x.at <= before limit most) s;
		when 'notices' then return query select distinct s.user_id from (select x.user_id from public.notices x where x.fired_at <= before limit most) s;
		when 'tasks' then return query
			select distinct s.user_id from (select x.user_id from public.tasks x where x.status = 2 and x.ended_at <= before limit most) s;
		end case;
	end $$;

do $$
declare
	f regprocedure;
begin
	for f in select p.oid from pg_proc p where p.proowner = 'tandem_sweep'::regrole and p.pronamespace = 'public'::regnamespace
	loop
		execute format('revoke all on function %s from public', f);
		execute format('grant execute on function %s to tandem_app, tandem_worker', f);
	end loop;
end $$;

set local role tandem_owner;
revoke create on schema public from tandem_sweep;
