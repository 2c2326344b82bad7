package postgres

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tandem"
)

// tenantTables lists the tables that have a user_id.
func tenantTables(tb testing.TB) []string {
	tb.Helper()
	pg, name := database(tb)
	return rowsOfText(tb, pg.DSN("", name), `
		select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
		where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1`)
}

func rowsOfText(tb testing.TB, dsn, query string) []string {
	tb.Helper()
	c, err := pgx.Connect(tb.Context(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = c.Close(background(tb)) }()
	rows, err := c.Query(tb.Context(), query)
	if err != nil {
		tb.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// TestCatalog walks the catalog: what holds a person's rows is guarded, and what passes the guards says little.
func TestCatalog(t *testing.T) {
	pg, name := database(t)
	dsn := pg.DSN("", name)
	if n := len(tenantTables(t)); n < 20 {
		t.Fatalf("there are %d tables with a user_id", n)
	}
	for what, query := range map[string]string{
		"tables with a user_id and without forced row security": `
			select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
			where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not (c.relrowsecurity and c.relforcerowsecurity)`,
		"tables with a user_id and without the policy": `
			select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
			where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not exists (
				select from pg_policies p where p.tablename = c.relname and p.policyname = 'own' and p.qual = p.with_check and p.cmd = 'ALL'
					and p.roles = '{public}' and p.qual like '%user_id = ( SELECT NULLIF(current_setting(''app.user_id''::text, true)%')`,
		"policies for the program's roles beside those that are named here": `
			select tablename || '.' || policyname from pg_policies where policyname <> 'own' and roles <> '{tandem_sweep}'
			and (tablename, policyname) not in (('outbox', 'relay'), ('outbox', 'relay_done'), ('audit', 'read_all'), ('dead_letters', 'operate'))`,
		"policies that give more than reading to the sweeper": `
			select tablename || '.' || policyname from pg_policies where roles = '{tandem_sweep}' and cmd <> 'SELECT' and policyname <> 'sweep_timed'`,
		"tables and functions of another owner": `
			select relname from pg_class where relnamespace = 'public'::regnamespace and relowner <> 'tandem_owner'::regrole
			union select proname from pg_proc where pronamespace = 'public'::regnamespace and proowner <> 'tandem_sweep'::regrole`,
		"functions that anyone may call or whose search path is open": `
			select proname from pg_proc where pronamespace = 'public'::regnamespace
			and (has_function_privilege('public', oid, 'execute') or not prosecdef or proconfig is null)`,
		"functions that give more than names, numbers, times and marks": `
			select p.proname || '.' || n.name from pg_proc p cross join lateral unnest(p.proargnames, p.proargmodes) as n (name, mode)
			where p.pronamespace = 'public'::regnamespace and n.mode = 't'
			and n.name not in ('user_id', 'id', 'seq', 'task_uid', 'reminder_id', 'generation', 'due_at', 'timed', 'event_id', 'channel', 'target', 'trace_id')`,
		"views without the rights of who asks": `
			select relname from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace`,
		"roles with powers": `
			select rolname from pg_roles where rolname like 'tandem\_%' and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)`,
		"program roles that are members of another": `
			select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.member where r.rolname in ('tandem_app', 'tandem_worker', 'tandem_sweep')`,
		"indexes of people's rows that begin with something else, beside the sweeps' and the unique secrets'": `
			select i.relname from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
			join pg_attribute a on a.attrelid = c.oid and a.attnum = x.indkey[0]
			where c.relnamespace = 'public'::regnamespace and a.attname <> 'user_id'
			and exists (select from pg_attribute u where u.attrelid = c.oid and u.attname = 'user_id')
			and i.relname !~ '_by_age$|_hash_key$|_trashed$|_outdated$|_expiring$|_by_lease$|_by_end$|^reminders_(due|untimed|timed)$|^(outbox|audit|dead_letters)_pkey$|^audit_by_topic$|^deliveries_due$'`,
	} {
		if found := rowsOfText(t, dsn, query); len(found) > 0 {
			t.Errorf("%s: %v", what, found)
		}
	}
}

// TestRows_AreHiddenFromEveryoneElse asks every table for everything, in the name of one person, of another, and of nobody.
func TestRows_AreHiddenFromEveryoneElse(t *testing.T) {
	pg, name := database(t)
	db := openAt(t, pg.DSN("tandem_app", name), Options{})
	mustAdd(t, db, "One")
	for _, table := range tenantTables(t) {
		for _, user := range []tandem.UserID{"ann", "bob", everyone} {
			seen := 0
			err := db.asUser(t.Context(), user, beginWrite, func(ctx context.Context, c *conn) error {
				_, err := c.one(ctx, into(&seen), `select count(*) from `+table)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if user != "ann" && seen > 0 {
				t.Errorf("%q sees %d rows of ann's in %s", user, seen, table)
			}
			if user == "ann" && seen == 0 && slices.Contains([]string{"users", "tasks", "versions", "changes", "outbox", "words"}, table) {
				t.Errorf("ann does not see her rows in %s", table)
			}
		}
	}
}

// TestRows_AreNotWrittenForSomeoneElse tries to write, move and delete across people.
func TestRows_AreNotWrittenForSomeoneElse(t *testing.T) {
	pg, name := database(t)
	for _, role := range []string{"tandem_app", "tandem_worker"} {
		db := openAt(t, pg.DSN(role, name), Options{})
		mustAdd(t, db, "One")
		for _, statement := range []string{
			`insert into users (user_id, created_at) values ('carol', now())`,
			`insert into outbox (partition, user_id, seq, topic, event, at) values (0, 'ann', 1, '', '', now())`,
			`insert into audit (user_id, event_id, topic, at, event) values ('ann', 'e', 't', now(), '{}')`,
			`update tasks set user_id = 'bob'`,
			`update tasks set title = 'x' where user_id = 'ann'`,
			`delete from tasks where user_id = 'ann'`,
			`delete from audit where user_id = 'ann'`,
			`update meta set value = 'x'`,
			`truncate tasks`,
			`alter table tasks no force row level security`,
			`set role tandem_owner`,
			`set role tandem_sweep`,
			`update reminders set timed = true where user_id = 'ann'`,
			`create table mine (x int)`,
		} {
			n := int64(0)
			err := db.asUser(t.Context(), "bob", beginWrite, func(ctx context.Context, c *conn) (err error) {
				n, err = c.exec(ctx, statement)
				return err
			})
			if err == nil && n > 0 || err == nil && strings.HasPrefix(statement, "set role") {
				t.Errorf("%s as bob: %s changed %d rows", role, statement, n)
			}
		}
		page, err := db.List(t.Context(), "ann", tandem.Query{})
		if err != nil || page.Total == 0 || page.Tasks[0].Title != "One" {
			t.Fatalf("ann sees %+v, %v", page, err)
		}
	}
}

// TestOpen_RefusesRolesThatSeeTooMuch tries every role that row-level security would not bind.
func TestOpen_RefusesRolesThatSeeTooMuch(t *testing.T) {
	pg, name := database(t)
	superuser(t, pg, name,
		`do $$ begin if not exists (select from pg_roles where rolname = 'bypasser') then create role bypasser login bypassrls; end if; end $$`,
		`grant tandem_app to bypasser`)
	for role, reason := range map[string]string{
		"": "superuser", "bypasser": "bypasses row-level security", "tandem_migrator": "member of the owner",
	} {
		db, err := Open(t.Context(), pg.DSN(role, name), Options{})
		if err == nil {
			_ = db.Close()
			t.Errorf("opened as %q", role)
		} else if !strings.Contains(err.Error(), reason) {
			t.Errorf("as %q: %v, want that the role is a %s", role, err, reason)
		}
	}
}

func TestRelay_SeesNothingAsTheApp(t *testing.T) {
	pg, name := database(t)
	db := openAt(t, pg.DSN("tandem_app", name), Options{})
	mustAdd(t, db, "One")
	for p := range db.Partitions() {
		n, err := db.Forward(t.Context(), p, 10, func(context.Context, []tandem.Outgoing) ([]int64, error) { return nil, nil })
		if n > 0 || err != nil {
			t.Errorf("list %d: %d entries, %v", p, n, err)
		}
	}
	if letters, err := db.DeadLetters(t.Context(), 0, 10); len(letters) > 0 || err != nil {
		t.Errorf("dead letters %v, %v", letters, err)
	}
}
