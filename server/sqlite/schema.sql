CREATE TABLE meta (
	key   text primary key,
	value text not null
) without rowid;
CREATE TABLE users (
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
CREATE TABLE tasks (
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
CREATE INDEX tasks_by_created on tasks (user_id, status, created_at, uid);
CREATE INDEX tasks_by_due on tasks (user_id, status, due_at, uid);
CREATE INDEX tasks_by_priority on tasks (user_id, status, priority, uid);
CREATE INDEX tasks_by_title on tasks (user_id, status, title, uid);
CREATE INDEX tasks_by_uid on tasks (user_id, status, uid);
CREATE INDEX tasks_floating on tasks (user_id, id) where floating = 1;
CREATE INDEX tasks_trashed on tasks (ended_at, user_id) where status = 2;
CREATE TABLE facets (
	id      integer primary key,
	user_id text    not null references users (user_id),
	data    blob    not null
);
CREATE INDEX facets_by_user on facets (user_id);
CREATE TABLE task_tags (
	user_id text    not null,
	tag     text    not null, -- folded
	id      integer not null,
	primary key (user_id, tag, id)
) without rowid;
CREATE INDEX task_tags_by_task on task_tags (user_id, id);
CREATE VIRTUAL TABLE words using fts5 (
	text, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '7 8 9'
);
CREATE VIRTUAL TABLE terms using fts5vocab (words, 'row');
CREATE TABLE versions (
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
CREATE INDEX versions_by_op on versions (user_id, op_id, seq);
CREATE INDEX versions_by_turn on versions (user_id, turn_id, seq) where turn_id <> '';
CREATE INDEX versions_outdated on versions (until, user_id) where until is not null;
CREATE TABLE reminders (
	user_id     text    not null references users (user_id),
	reminder_id text    not null,
	task        integer not null,
	generation  integer not null,
	due_at      integer not null, timed integer not null default 0, trace_id text not null default '',
	primary key (user_id, reminder_id)
) without rowid;
CREATE INDEX reminders_by_task on reminders (user_id, task);
CREATE INDEX reminders_due on reminders (due_at, user_id);
CREATE TABLE changes (
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
CREATE TABLE outbox (
	id      integer primary key autoincrement,
	user_id text not null references users (user_id),
	topic   text not null,
	event   text not null
, seq integer not null default 0, at integer not null default 0);
CREATE TABLE operations (
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
CREATE INDEX operations_by_caller on operations (user_id, caller, seq) where tasks > 0;
CREATE INDEX operations_by_age on operations (at, user_id);
CREATE TABLE clients (
	user_id  text    not null references users (user_id),
	client   text    not null,
	last_mid integer not null,
	at       integer not null,
	primary key (user_id, client)
) without rowid;
CREATE INDEX clients_by_age on clients (at, user_id);
CREATE TABLE mids (
	user_id text    not null references users (user_id),
	client  text    not null,
	mid     integer not null,
	seq     integer not null,
	result  text,
	at      integer not null,
	primary key (user_id, client, mid)
) without rowid;
CREATE INDEX mids_by_age on mids (at, user_id);
CREATE TABLE inbox (
	user_id  text    not null references users (user_id),
	consumer text    not null,
	event_id text    not null,
	at       integer not null,
	primary key (user_id, consumer, event_id)
) without rowid;
CREATE INDEX inbox_by_age on inbox (at, user_id);
CREATE TABLE conversations (
	user_id    text    not null references users (user_id),
	number     integer not null,
	title      text    not null,
	created_at integer not null,
	updated_at integer not null,
	primary key (user_id, number)
) without rowid;
CREATE TABLE messages (
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
CREATE INDEX messages_by_conversation on messages (user_id, conversation, position);
CREATE TABLE turns (
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
	seq          integer not null, trace_id text not null default '',
	primary key (user_id, id),
	foreign key (user_id, conversation) references conversations (user_id, number) on delete cascade
) without rowid;
CREATE UNIQUE INDEX turns_running on turns (user_id, conversation) where status = 'running';
CREATE INDEX turns_by_conversation on turns (user_id, conversation);
CREATE INDEX turns_by_end on turns (ended_at, user_id) where ended_at is not null;
CREATE TABLE approvals (
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
CREATE INDEX approvals_open on approvals (user_id, created_at) where open = 1;
CREATE INDEX approvals_by_hash on approvals (user_id, tool, hash);
CREATE INDEX approvals_expiring on approvals (expires_at, user_id) where open = 1;
CREATE INDEX approvals_by_age on approvals (expires_at, user_id);
CREATE TABLE notices (
	user_id     text    not null references users (user_id),
	id          text    not null,
	reminder_id text    not null,
	generation  integer not null,
	task        text    not null, -- its uid
	number      integer not null,
	title       text    not null,
	due         text, -- tandem.Due
	fired_at    integer not null,
	shown       integer not null default 1, silent integer not null default 0, -- until it is dismissed
	primary key (user_id, id),
	unique (user_id, reminder_id, generation)
) without rowid;
CREATE INDEX notices_by_task on notices (user_id, task);
CREATE INDEX notices_shown on notices (user_id, fired_at) where shown = 1;
CREATE INDEX notices_by_age on notices (fired_at, user_id);
CREATE TABLE tokens (
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
CREATE TABLE devices (
	user_id      text    not null references users (user_id),
	id           text    not null,
	hash         text    not null unique,
	name         text    not null,
	created_at   integer not null,
	last_seen_at integer not null,
	primary key (user_id, id)
) without rowid;
CREATE TABLE feeds (
	user_id    text    primary key references users (user_id),
	hash       text    not null unique,
	created_at integer not null
) without rowid;
CREATE TABLE pushes (
	user_id      text not null references users (user_id),
	id           text not null,
	device       text not null,
	subscription text not null,
	primary key (user_id, id)
) without rowid;
CREATE TABLE keys (
	key     text    primary key,
	owner   text    not null,
	done    integer not null,
	expires integer not null
) without rowid;
CREATE INDEX keys_by_age on keys (expires);
CREATE TABLE audit (
	id       integer primary key autoincrement,
	user_id  text    not null,
	event_id text    not null,
	topic    text    not null,
	at       integer not null,
	event    text    not null,
	unique (user_id, event_id)
);
CREATE INDEX audit_by_age on audit (at);
CREATE INDEX audit_by_topic on audit (topic, id);
CREATE TABLE dead_letters (
	id       integer primary key autoincrement,
	user_id  text    not null, -- empty where the event does not say
	topic    text    not null,
	consumer text    not null,
	reason   text    not null,
	at       integer not null,
	event    blob    not null
);
CREATE INDEX dead_letters_by_age on dead_letters (at);
CREATE INDEX dead_letters_by_user on dead_letters (user_id);
CREATE INDEX reminders_untimed on reminders (due_at, user_id) where timed = 0;
CREATE INDEX reminders_timed on reminders (user_id) where timed = 1;
CREATE TABLE failures (
	consumer text    not null,
	event_id text    not null,
	count    integer not null,
	at       integer not null,
	primary key (consumer, event_id)
) without rowid;
CREATE INDEX failures_by_age on failures (at);
CREATE TABLE deliveries (
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
CREATE INDEX deliveries_due on deliveries (next_at, user_id) where state = 'waiting';
CREATE INDEX tasks_by_end on tasks (user_id, status, ended_at) where ended_at is not null;
CREATE INDEX operations_by_conversation on operations (user_id, conversation, seq) where tasks > 0 and conversation > 0;
CREATE TABLE spending (
	user_id text    primary key,
	day     integer not null, -- since 1970
	tokens  integer not null
) without rowid;
