-- The whole store. Instants are milliseconds since 1970; user_id leads every index of a person's rows.

create table meta (
	key   text primary key,
	value text not null
) without rowid;

-- One row for each person who ever wrote. The row carries what a write must bump: its number, and the counters of names.
create table users (
	ordinal        integer primary key autoincrement, -- never reused: it is part of row ids and of search words
	user_id        text    not null unique,
	seq            integer not null default 0, -- the last number of the change log
	floor          integer not null default 0, -- the log holds floor + 1 .. seq
	numbers        integer not null default 0, -- the last task number
	conversations  integer not null default 0, -- the last conversation number
	pending        integer not null default 0, -- tasks by status
	completed      integer not null default 0,
	deleted        integer not null default 0,
	settings       text, -- null: the defaults
	revoked_before integer not null default 0,
	created_at     integer not null
);

-- The state of a task as far as lists ask for it; the task itself is its current version.
create table tasks (
	id             integer primary key, -- the user's ordinal and the task's number, see taskID
	user_id        text    not null references users (user_id),
	number         integer not null,
	uid            text    not null,
	version        integer not null,
	current        integer not null, -- versions.id
	status         integer not null check (status between 0 and 2), -- pending, completed, deleted
	priority       integer not null check (priority between 0 and 3),
	due_at         integer,
	floating       integer not null check (floating in (0, 1)), -- pending, with a due date that follows the user's zone
	created_at     integer not null,
	ended_at       integer, -- when it was completed or deleted
	title          text    not null, -- folded
	series_id      text,
	occurrence_key text,
	predecessor    text,
	unique (user_id, uid),
	unique (user_id, series_id, occurrence_key),
	unique (user_id, predecessor)
);
create index tasks_by_created on tasks (user_id, status, created_at, uid);
create index tasks_by_due on tasks (user_id, status, due_at, uid);
create index tasks_by_priority on tasks (user_id, status, priority, uid);
create index tasks_by_title on tasks (user_id, status, title, uid);
create index tasks_by_uid on tasks (user_id, status, uid);
create index tasks_by_end on tasks (user_id, status, ended_at);
create index tasks_floating on tasks (user_id, id) where floating = 1;
create index tasks_trashed on tasks (ended_at, user_id) where status = 2;

-- What lists ask of every task, a byte each; see facets.go.
create table facets (
	id      integer primary key,
	user_id text    not null references users (user_id),
	data    blob    not null
);
create index facets_by_user on facets (user_id);

create table task_tags (
	user_id text    not null,
	tag     text    not null, -- folded
	id      integer not null,
	primary key (user_id, tag, id)
) without rowid;
create index task_tags_by_task on task_tags (user_id, id);

-- Folded words of titles and descriptions, each behind a short token of its user, so that no prefix leads to another's words.
-- rowid: twice the task's id, plus one for the description.
create virtual table words using fts5 (
	text, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '7 8 9'
);
create virtual table terms using fts5vocab (words, 'row');

-- Every state of a task. What undo and as_of read.
create table versions (
	id       integer primary key,
	user_id  text    not null references users (user_id),
	task     integer not null,
	version  integer not null,
	seq      integer not null,
	op_id    text    not null,
	turn_id  text    not null,
	saved_at integer not null,
	until    integer, -- when the next version came; null: current
	doc      text    not null, -- tandem.Task
	unique (user_id, task, version)
);
create index versions_by_op on versions (user_id, op_id, seq);
create index versions_by_turn on versions (user_id, turn_id, seq) where turn_id <> '';
create index versions_outdated on versions (until, user_id) where until is not null;

-- Promises to speak up: the scheduled reminders of pending tasks.
create table reminders (
	user_id     text    not null references users (user_id),
	reminder_id text    not null,
	task        integer not null,
	generation  integer not null,
	due_at      integer not null,
	primary key (user_id, reminder_id)
) without rowid;
create index reminders_by_task on reminders (user_id, task);
create index reminders_due on reminders (due_at, user_id);

-- What each number changed. The row itself is read where it lives: only its newest state is ever sent.
create table changes (
	user_id text    not null references users (user_id),
	seq     integer not null,
	n       integer not null,
	kind    text    not null,
	id      text    not null,
	version integer not null,
	actor   text    not null,
	turn_id text    not null,
	client  text    not null,
	mid     integer not null,
	at      integer not null,
	primary key (user_id, seq, n)
) without rowid;

create table outbox (
	id      integer primary key autoincrement,
	user_id text not null references users (user_id),
	topic   text not null,
	event   text not null
);
create index outbox_by_user on outbox (user_id);

-- Operations by their id: what a repeated call gets, and what undo may name.
create table operations (
	user_id      text    not null references users (user_id),
	op_id        text    not null,
	hash         text    not null,
	seq          integer not null, -- 0: changed nothing
	tasks        integer not null, -- how many it changed
	turn_id      text    not null,
	conversation integer not null,
	caller       text    not null,
	result       text, -- of a success
	refusal      text, -- of a final refusal
	at           integer not null,
	primary key (user_id, op_id)
) without rowid;
create index operations_by_caller on operations (user_id, caller, seq) where tasks > 0;
create index operations_by_conversation on operations (user_id, conversation, seq) where tasks > 0;
create index operations_by_age on operations (at, user_id);

-- Socket clients and the numbers of their mutations.
create table clients (
	user_id  text    not null references users (user_id),
	client   text    not null,
	last_mid integer not null,
	at       integer not null,
	primary key (user_id, client)
) without rowid;
create index clients_by_age on clients (at, user_id);

create table mids (
	user_id text    not null references users (user_id),
	client  text    not null,
	mid     integer not null,
	seq     integer not null,
	result  text,
	at      integer not null,
	primary key (user_id, client, mid)
) without rowid;
create index mids_by_age on mids (at, user_id);

-- Events that a consumer has had its effect for.
create table inbox (
	user_id  text    not null references users (user_id),
	consumer text    not null,
	event_id text    not null,
	at       integer not null,
	primary key (user_id, consumer, event_id)
) without rowid;
create index inbox_by_age on inbox (at, user_id);

create table conversations (
	user_id    text    not null references users (user_id),
	number     integer not null,
	title      text    not null,
	created_at integer not null,
	updated_at integer not null,
	primary key (user_id, number)
) without rowid;

create table messages (
	position     integer primary key autoincrement, -- the order of writing
	user_id      text    not null,
	id           text    not null,
	conversation integer not null,
	turn_id      text    not null,
	role         text    not null,
	text         text    not null,
	tool_calls   text    not null, -- []tandem.ToolCall
	engine       text    not null,
	status       text    not null,
	created_at   integer not null,
	unique (user_id, id),
	foreign key (user_id, conversation) references conversations (user_id, number) on delete cascade
);
create index messages_by_conversation on messages (user_id, conversation, position);

create table turns (
	user_id      text    not null,
	id           text    not null,
	conversation integer not null,
	message_id   text    not null,
	text         text    not null,
	zone         text    not null,
	hash         text    not null,
	status       text    not null,
	engine       text    not null,
	reply        text    not null,
	calls        text    not null, -- []tandem.ToolCall
	n            integer not null,
	cancel       integer not null default 0,
	lease_owner  text    not null,
	lease_until  integer not null,
	attempt      integer not null,
	started_at   integer not null,
	ended_at     integer,
	response     text,
	seq          integer not null,
	primary key (user_id, id),
	foreign key (user_id, conversation) references conversations (user_id, number) on delete cascade
) without rowid;
create unique index turns_running on turns (user_id, conversation) where status = 'running';
create index turns_by_conversation on turns (user_id, conversation);
create index turns_by_lease on turns (lease_until, user_id) where status = 'running';
create index turns_by_end on turns (ended_at, user_id) where ended_at is not null;

create table approvals (
	user_id      text    not null references users (user_id),
	id           text    not null,
	kind         text    not null,
	tool         text    not null,
	summary      text    not null,
	items        text    not null,
	more         integer not null,
	args         text    not null,
	hash         text    not null,
	conversation integer not null,
	turn_id      text    not null,
	caller       text    not null,
	run_state    text    not null,
	created_at   integer not null,
	expires_at   integer not null,
	decided_at   integer,
	decided_by   text    not null default '',
	decision     text    not null default '',
	open         integer not null default 1, -- on devices
	primary key (user_id, id)
) without rowid;
create index approvals_open on approvals (user_id, created_at) where open = 1;
create index approvals_by_hash on approvals (user_id, tool, hash);
create index approvals_expiring on approvals (expires_at, user_id) where open = 1;
create index approvals_by_age on approvals (expires_at, user_id);

create table notices (
	user_id     text    not null references users (user_id),
	id          text    not null,
	reminder_id text    not null,
	generation  integer not null,
	task        text    not null, -- its uid
	number      integer not null,
	title       text    not null,
	due         text, -- tandem.Due
	fired_at    integer not null,
	shown       integer not null default 1, -- until it is dismissed
	primary key (user_id, id),
	unique (user_id, reminder_id, generation)
) without rowid;
create index notices_by_task on notices (user_id, task);
create index notices_shown on notices (user_id, fired_at) where shown = 1;
create index notices_by_age on notices (fired_at, user_id);

create table tokens (
	user_id      text    not null references users (user_id),
	id           text    not null,
	hash         text    not null unique,
	name         text    not null,
	scopes       text    not null,
	created_at   integer not null,
	last_used_at integer,
	expires_at   integer,
	primary key (user_id, id)
) without rowid;

create table devices (
	user_id      text    not null references users (user_id),
	id           text    not null,
	hash         text    not null unique,
	name         text    not null,
	created_at   integer not null,
	last_seen_at integer not null,
	primary key (user_id, id)
) without rowid;

create table feeds (
	user_id    text    primary key references users (user_id),
	hash       text    not null unique,
	created_at integer not null
) without rowid;

create table pushes (
	user_id      text not null references users (user_id),
	id           text not null,
	device       text not null,
	subscription text not null,
	primary key (user_id, id)
) without rowid;

-- Idempotency keys of consumers. They belong to no one: a key holds an event's id and nothing of its content.
create table keys (
	key     text    primary key,
	owner   text    not null,
	done    integer not null,
	expires integer not null
) without rowid;
create index keys_by_age on keys (expires);

-- The trail and the letters that could not be taken belong to a user by name alone: they may outlive the account's rows.
create table audit (
	id       integer primary key autoincrement,
	user_id  text    not null,
	event_id text    not null,
	topic    text    not null,
	at       integer not null,
	event    text    not null,
	unique (user_id, event_id)
);
create index audit_by_age on audit (at);
create index audit_by_topic on audit (topic, id);

create table dead_letters (
	id       integer primary key autoincrement,
	user_id  text    not null, -- empty where the event does not say
	topic    text    not null,
	consumer text    not null,
	reason   text    not null,
	at       integer not null,
	event    blob    not null
);
create index dead_letters_by_age on dead_letters (at);
create index dead_letters_by_user on dead_letters (user_id);
