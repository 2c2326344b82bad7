-- What the assistant's model used for a person on the newest day, in UTC, on which it was asked.
create table spending (
	user_id text    primary key,
	day     integer not null, -- since 1970
	tokens  integer not null
) without rowid;
