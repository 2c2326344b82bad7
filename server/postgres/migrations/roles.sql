-- The roles and what only the owner of the database can give, made where they are missing. It needs CREATEROLE the first time
-- only, and never a superuser. Roles that log in have no password: an operator sets one (alter role tandem_app password '…').
do $$
declare
	name text;
begin
	foreach name in array array['tandem_owner', 'tandem_sweep', 'tandem_migrator', 'tandem_app', 'tandem_worker'] loop
		if not exists (select from pg_roles where rolname = name) then
			begin
				execute format('create role %I %s', name, case when name in ('tandem_owner', 'tandem_sweep') then 'nologin' else 'login' end);
			exception when duplicate_object or unique_violation then
				null; -- another database of the cluster is being migrated
			end;
		end if;
	end loop;
	foreach name in array array['tandem_owner', 'tandem_sweep'] loop
		if not pg_has_role(current_user, name, 'member') then
			execute format('grant %I to %I', name, current_user);
		end if;
		if not pg_has_role('tandem_migrator', name, 'member') then
			execute format('grant %I to tandem_migrator', name);
		end if;
	end loop;
	if not has_schema_privilege('tandem_owner', 'public', 'create with grant option') then
		grant usage, create on schema public to tandem_owner with grant option;
	end if;
	foreach name in array array['tandem_sweep', 'tandem_app', 'tandem_worker'] loop
		if not has_schema_privilege(name, 'public', 'usage') then
			execute format('grant usage on schema public to %I', name);
		end if;
	end loop;
end $$;
