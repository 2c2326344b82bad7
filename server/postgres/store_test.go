package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tandem"
	"tandem/ops/dev/stack"
	"tandem/server/store"
	"tandem/server/storetest"
)

// TestStore runs the suite with an ear at every commit, and then looks at the plan of every statement that it ran.
func TestStore(t *testing.T) {
	seen := &statements{}
	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store {
		t.Helper()
		db := openWith(t, Options{Now: now, Trace: seen})
		told := storetest.NewAudience(db, now)
		db.OnCommit = told.Hear
		t.Cleanup(func() { // runs before the store closes
			told.Check(t)
			if err := db.Resend(background(t), tandem.Outgoing{User: "ann", Topic: tandem.TopicTaskEvents, Event: json.RawMessage("{}")}); err != nil {
				t.Error(err)
			}
		})
		return db
	})
	t.Run("plans", func(t *testing.T) { checkPlans(t, seen.texts) })
	t.Run("owners", func(t *testing.T) { checkOwners(t, seen.texts) })
	t.Run("coverage", func(t *testing.T) { checkCoverage(t, seen.texts) })
}

// TestStore_WithoutItsGuardsBehindAPooler runs the suite on statements that lost their "where user_id", without prepared statements
// and through a pooler that hands out a connection for each transaction: row-level security alone keeps people apart, and nothing is
// left behind on a connection.
func TestStore_WithoutItsGuardsBehindAPooler(t *testing.T) {
	pooler := stack.PgBouncer(t, stackOf(t), "default_pool_size = 6")
	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store {
		t.Helper()
		_, name := database(t)
		dsn := pooler.DSN("tandem_worker", name) + "&default_query_exec_mode=exec&pool_max_conns=12"
		return openAt(t, dsn, Options{Now: now, Trace: &statements{rewrite: unguarded}})
	})
}

var (
	guard = regexp.MustCompile(`\b(\w+\.)?user_id = (\$\d+)`)
	// The role of the workers sees these tables whole, for the relay and for operators.
	seenWhole = regexp.MustCompile(`\b(outbox|audit|dead_letters)\b`)
)

func unguarded(text string) string {
	if seenWhole.MatchString(text) {
		return text
	}
	return guard.ReplaceAllString(text, `$2::text is not null`)
}

// statements are the texts that were run. It may change them on their way.
type statements struct {
	rewrite func(string) string

	mu    sync.Mutex
	texts map[string]bool
}

func (s *statements) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.texts == nil {
		s.texts = map[string]bool{}
	}
	s.texts[text] = true
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	s.add(q.SQL)
	return ctx
}

func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	for _, q := range b.Batch.QueuedQueries {
		if s.rewrite != nil {
			q.SQL = s.rewrite(q.SQL)
		}
		s.add(q.SQL)
	}
	return ctx
}

func (*statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (*statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// checkPlans asserts that no statement of a person reads more of a table than that person's rows.
func checkPlans(t *testing.T, texts map[string]bool) {
	t.Helper()
	people := tenantTables(t)
	db := open(t, nil)
	crowd(t, db)
	for text := range texts {
		if !anyStatement.MatchString(text) || excused(text) != "" {
			continue
		}
		for _, n := range planOf(t, db, text) {
			if n.Relation == "" && n.Index == "" || slices.ContainsFunc(people, n.reads) {
				checkNode(t, text, n)
			}
		}
	}
}

// planNode is a node of a plan, as far as access to tables goes.
type planNode struct{ Type, Relation, Index, Cond string }

// flatten lists the nodes of a plan as Postgres writes it.
func flatten(plan map[string]any) []planNode {
	text := func(key string) string {
		s, _ := plan[key].(string)
		return s
	}
	out := []planNode{{text("Node Type"), text("Relation Name"), text("Index Name"), text("Index Cond")}}
	below, _ := plan["Plans"].([]any)
	for _, p := range below {
		if node, ok := p.(map[string]any); ok {
			out = append(out, flatten(node)...)
		}
	}
	return out
}

// reads reports an access to the table. Only the indexes of a table begin with its name.
func (n planNode) reads(table string) bool {
	return n.Relation == table || n.Relation == "" && strings.HasPrefix(n.Index, table+"_")
}

// oneRow is a look for one row by a name that nobody else has.
var oneRow = regexp.MustCompile(`_hash_key\(hash = |_pkey\(id = `)

func checkNode(t *testing.T, text string, n planNode) {
	t.Helper()
	switch {
	case n.Type == "Seq Scan":
		t.Errorf("%s\nreads all of %s", text, n.Relation)
	case n.Index != "" && !strings.Contains(n.Cond, "user_id =") && !oneRow.MatchString(n.Index+n.Cond):
		t.Errorf("%s\nreads more of %s than one person's rows: %q", text, n.Index, n.Cond)
	}
}

// planOf explains a statement as it is planned for any arguments.
func planOf(t *testing.T, db *DB, text string) []planNode {
	t.Helper()
	var doc []byte
	err := db.asUser(t.Context(), "user-7", beginWrite, func(ctx context.Context, c *conn) error {
		c.later(nil, `set local enable_seqscan = off`)
		c.later(nil, `set local plan_cache_mode = force_generic_plan`)
		if err := c.flush(ctx); err != nil {
			return err
		}
		if err := script(ctx, c.sql.Conn(), "prepare p as "+text); err != nil {
			return err
		}
		args := ""
		if n := parameters(text); n > 0 {
			args = "(" + strings.TrimSuffix(strings.Repeat("null,", n), ",") + ")"
		}
		rows, err := c.sql.Query(ctx, "explain (format json) execute p"+args, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return err
		}
		if doc, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[[]byte]); err != nil {
			return err
		}
		if err := script(ctx, c.sql.Conn(), "deallocate p"); err != nil {
			return err
		}
		return store.ErrUndo
	})
	if err != nil {
		t.Errorf("%s\ncannot be explained: %v", text, err)
		return nil
	}
	var plans []struct {
		Plan map[string]any `json:"plan"`
	}
	if err := json.Unmarshal(doc, &plans); err != nil || plans[0].Plan == nil {
		t.Fatal("no plan", err)
	}
	return flatten(plans[0].Plan)
}

// crowd fills a store with so many rows of so many people that the planner has a choice.
func crowd(t *testing.T, db *DB) {
	t.Helper()
	for u := range 60 {
		_, err := db.Edit(t.Context(), tandem.UserID(fmt.Sprintf("user-%d", u)), tandem.Edit{Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			var p tandem.Plan
			for i := range 80 {
				task, _, err := tandem.NewTask(sc, tandem.Draft{Title: fmt.Sprintf("Task %d of many", i), Tags: []string{"tag"}})
				if err != nil {
					return p, err
				}
				p.Tasks = append(p.Tasks, task)
			}
			return p, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	superuser(t, stackOf(t), db.pool.Config().ConnConfig.Database, `
		insert into dead_letters (user_id, topic, consumer, reason, at, event)
			select 'user-' || n % 60, 'task-events', 'audit', '', now(), '' from generate_series(1, 3000) as n;
		insert into audit (user_id, event_id, topic, at, event)
			select 'user-' || n % 60, n, 'task-events', now(), '{}' from generate_series(1, 6000) as n;
		insert into inbox (user_id, consumer, event_id, at) select 'user-' || n % 60, 'audit', n, now() from generate_series(1, 6000) as n;
		insert into reminders (user_id, reminder_id, task, task_uid, generation, due_at, timed)
			select 'user-' || n % 60, n, n, n, 1, now() + n * interval '1 minute', n % 2 = 0 from generate_series(1, 20000) as n;
		analyze`)
}

var (
	anyStatement = regexp.MustCompile(`(?is)^\s*(select|insert|update|delete|with)\b`)
	numbered     = regexp.MustCompile(`\$(\d+)`)
)

// parameters counts the arguments of a statement.
func parameters(text string) int {
	count := 0
	for _, m := range numbered.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil {
			count = max(count, n)
		}
	}
	return count
}

// ownerlessTexts are about everyone, by intent. What they find is then read or written in the name of its owner, or belongs to
// nobody.
var ownerlessTexts = map[string]string{
	`select id, seq, topic, user_id, event from outbox where partition = $1`:        "the relay publishes for everyone",
	`delete from outbox where partition = $1`:                                       "the relay publishes for everyone",
	`select (select count(*) from (select from outbox limit $1)`:                    "the relay counts what waits",
	`select id, topic, user_id, at, event from audit where id > $1`:                 "operators read the trail of everyone",
	`select id, topic, consumer, reason, at, event from dead_letters where id > $1`: "operators read what was set aside",
	`delete from dead_letters where id = $1`:                                        "operators publish it again",
	`select value || '.' || 'public.meta'::regclass::oid`:                           "nobody's rows",
}

func excused(text string) string {
	flat := strings.Join(strings.Fields(text), " ")
	for part := range ownerlessTexts {
		if strings.HasPrefix(flat, part) && !strings.Contains(flat, "user_id = $") {
			return part
		}
	}
	return ""
}

var (
	withOwner = regexp.MustCompile(`\buser_id = \$\d|insert into \w+ (as \w+ )?\([^)]*user_id`)
	touches   = regexp.MustCompile(`\b(?:from|into|update|join)\s+(\w+)`)
)

// checkOwners asserts that every statement on a table of people's rows names a person.
func checkOwners(t *testing.T, texts map[string]bool) {
	t.Helper()
	people := tenantTables(t)
	used := map[string]bool{}
	for text := range texts {
		if part := excused(text); part != "" {
			used[part] = true
			continue
		}
		for _, m := range touches.FindAllStringSubmatch(text, -1) {
			if slices.Contains(people, m[1]) && !withOwner.MatchString(text) {
				t.Errorf("this statement names no owner:\n%s", text)
			}
		}
	}
	for part := range maps.Keys(ownerlessTexts) {
		if !used[part] && len(texts) > 100 {
			t.Errorf("no statement is excused by %q any more", part)
		}
	}
}

// checkCoverage finds statements that the suite never ran: their plan was not looked at.
func checkCoverage(t *testing.T, texts map[string]bool) {
	t.Helper()
	if len(texts) < 100 {
		t.Skip("only a part of the suite ran")
	}
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "migrate.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err == nil && anyStatement.MatchString(text) && !ran(texts, text) {
				t.Errorf("%s: the suite never runs\n%s", name, text)
			}
			return true
		})
	}
}

// ran reports a statement that is text, or begins with it.
func ran(texts map[string]bool, text string) bool {
	for whole := range texts {
		if strings.HasPrefix(whole, text) {
			return true
		}
	}
	return false
}
