package sqlite

import (
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

	"tandem/server/storetest"
)

// TestStore runs the suite with an ear at every commit, and then looks at the plan of every statement that it prepared.
func TestStore(t *testing.T) {
	var seen statements
	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store {
		t.Helper()
		db := open(t, now)
		told := storetest.NewAudience(db, now)
		db.OnCommit = told.Hear
		t.Cleanup(func() { // runs before the store closes
			told.Check(t)
			seen.collect(db)
		})
		return db
	})
	t.Run("plans", func(t *testing.T) { checkPlans(t, seen.texts) })
	t.Run("owners", func(t *testing.T) { checkOwners(t, seen.texts) })
	t.Run("coverage", func(t *testing.T) { checkCoverage(t, seen.texts) })
}

// statements are the texts that were prepared.
type statements struct {
	mu    sync.Mutex
	texts map[string]bool
}

func (s *statements) collect(db *DB) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.texts == nil {
		s.texts = map[string]bool{}
	}
	for _, pool := range []chan *conn{db.readers, db.writer} {
		for range len(pool) {
			c := <-pool
			for text := range c.stmts {
				s.texts[text] = true
			}
			pool <- c
		}
	}
}

// tenant tables hold rows of people: none is ever read from end to end.
var tenant = []string{
	"tasks", "task_tags", "facets", "versions", "reminders", "changes", "outbox", "operations", "clients", "mids", "inbox", "conversations", "messages",
	"turns", "approvals", "notices", "deliveries", "tokens", "devices", "feeds", "pushes", "audit", "dead_letters",
}

// aliases of tenant tables in statements.
var aliases = map[string]string{"t": "tasks", "v": "versions", "p": "versions"}

// queues are read from their beginning, in the order of their keys, or by an index that holds just the rows that are meant.
var queues = []string{
	`select id, seq, topic, user_id, event from outbox order by id limit ?`, `select at from outbox order by id limit 1`,
	`select count(*) from (select 1 from outbox limit ?)`, forgetTimers,
}

// brief are the lists that may be read whole: the turns that run now, the events that wait.
var brief = []string{"SCAN turns USING INDEX turns_running", "SCAN outbox"}

func checkPlans(t *testing.T, texts map[string]bool) {
	t.Helper()
	db := open(t, nil)
	c := <-db.writer
	defer func() { db.writer <- c }()
	for text := range texts {
		if !anyStatement.MatchString(text) || slices.Contains(queues, text) {
			continue
		}
		plan, err := list(t.Context(), c, func(r row) (string, error) {
			var id, parent, unused int
			var detail string
			err := r.Scan(&id, &parent, &unused, &detail)
			return detail, err
		}, "explain query plan "+text, make([]any, parameters(text))...)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		for _, line := range plan {
			name, _, _ := strings.Cut(strings.TrimPrefix(line, "SCAN "), " ")
			if alias, ok := aliases[name]; ok {
				name = alias
			}
			if strings.HasPrefix(line, "SCAN ") && slices.Contains(tenant, name) && !slices.Contains(brief, line) {
				t.Errorf("%s\nreads all of %s: %s", text, name, strings.Join(plan, "; "))
			}
		}
	}
}

var (
	anyStatement = regexp.MustCompile(`(?is)^\s*(select|insert|update|delete)\b`)
	numbered     = regexp.MustCompile(`\?(\d*)`)
)

// parameters counts the arguments of a statement.
func parameters(text string) int {
	count := 0
	for _, m := range numbered.FindAllStringSubmatch(text, -1) {
		if m[1] == "" {
			count++
		} else if n, err := strconv.Atoi(m[1]); err == nil {
			count = max(count, n)
		}
	}
	return count
}

// ownerless statements are about everyone, by intent. Each gives ids and owners only, or is a key that only its owner can know;
// what it finds is then read or written in the name of its owner.
var ownerless = map[string]string{
	`select id, seq, topic, user_id, event from outbox`:     "the relay publishes for everyone",
	`select count(*) from (select 1 from outbox limit`:      "operators ask how much waits",
	`select at from outbox order by id`:                     "operators ask how much waits",
	`update reminders set timed = 0 where timed = 1`:        "a timer service that lost its data lost everyone's",
	`select count(*) from reminders where due_at`:           "operators ask how much is overdue",
	`delete from outbox where id in`:                        "the relay publishes for everyone",
	`select r.user_id, t.uid, r.reminder_id`:                "the sweep looks for due promises",
	`select user_id, id from approvals where open = 1`:      "the sweep looks for expired questions",
	`from turns where status = 'running' and lease_until`:   "the sweep looks for abandoned turns",
	`update turns set lease_until = 0 where status`:         "a new process frees the leases of the last one",
	`select user_id, id, last_seen_at from devices`:         "a secret names its owner",
	`select user_id, id from tokens where hash`:             "a secret names its owner",
	`select user_id from feeds where hash`:                  "a secret names its owner",
	`select id, topic, user_id, at, event from audit`:       "operators read the trail of everyone",
	`from dead_letters where id > ?`:                        "operators read what was set aside",
	`delete from dead_letters where id = ?`:                 "operators publish it again",
	`select user_id, event_id, channel, target`:             "the courier looks for what is to be sent",
	`select distinct user_id from`:                          "the purge looks for whom to purge",
	`delete from versions where id in (select id`:           "the purge is by age",
	`delete from operations where (user_id, op_id) in`:      "the purge is by age",
	`delete from mids where (user_id, client, mid) in`:      "the purge is by age",
	`delete from clients where (user_id, client) in`:        "the purge is by age",
	`delete from turns where (user_id, id) in`:              "the purge is by age",
	`delete from approvals where (user_id, id) in`:          "the purge is by age",
	`delete from inbox where (user_id, consumer, event_id)`: "the purge is by age",
	`delete from audit where id in (select id`:              "the purge is by age",
	`delete from dead_letters where id in (select id`:       "the purge is by age",
}

var withOwner = regexp.MustCompile(`user_id = \?|insert (or \w+ )?into \w+ \([^)]*user_id`)

func checkOwners(t *testing.T, texts map[string]bool) {
	t.Helper()
	used := map[string]bool{}
	for text := range texts {
		touches := slices.ContainsFunc(tenant, func(table string) bool {
			return regexp.MustCompile(`(from|into|update|join) ` + table + `\b`).MatchString(text)
		})
		if !touches || withOwner.MatchString(text) {
			continue
		}
		flat := strings.Join(strings.Fields(text), " ")
		excused := false
		for part := range ownerless {
			if strings.Contains(flat, part) {
				excused, used[part] = true, true
			}
		}
		if !excused {
			t.Errorf("this statement names no owner:\n%s", text)
		}
	}
	for part := range maps.Keys(ownerless) {
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
		if strings.HasSuffix(name, "_test.go") {
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
			if err == nil && anyStatement.MatchString(text) && !strings.Contains(text, " meta ") && !prepared(texts, text) {
				t.Errorf("%s: the suite never runs\n%s", name, text)
			}
			return true
		})
	}
}

// prepared reports a statement that is text, or begins with it.
func prepared(texts map[string]bool, text string) bool {
	for whole := range texts {
		if strings.HasPrefix(whole, text) {
			return true
		}
	}
	return false
}
