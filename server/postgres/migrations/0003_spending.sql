-- What the assistant's model used for a person on the newest day, in UTC, on which it was asked.
create table spending (
	user_id text   collate "C" primary key,
	day     bigint not null, -- since 1970
	tokens  bigint not null
) with (fillfactor = 50);
alter table spending enable row level security;
alter table spending force row level security;
create policy own on spending
	using (user_id = (select nullif(current_setting('app.user_id', true), '')))
	with check (user_id = (select nullif(current_setting('app.user_id', true), '')));
grant select, insert, update, delete on spending to tandem_app, tandem_worker;
