package postgres

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// calls of every function that looks among everyone, with arguments that find something.
var calls = map[string]string{
	"heads":             `heads('{user-1,user-2}')`,
	"users_after":       `users_after('user-1', 10)`,
	"long_logs":         `long_logs(1000)`,
	"device_by_hash":    `device_by_hash('h')`,
	"token_by_hash":     `token_by_hash('h')`,
	"feed_by_hash":      `feed_by_hash('h')`,
	"due_reminders":     `due_reminders(now(), 100)`,
	"untimed_reminders": `untimed_reminders(now(), 100)`,
	"overdue_reminders": `overdue_reminders(now())`,
	"timers_set":        `timers_set('{user-1}', '{r}', '{1}')`,
	"timers_forget":     `timers_forget(100)`,
	"due_deliveries":    `due_deliveries(now(), 100)`,
	"late_turns":        `late_turns(now(), 100)`,
	"expired_approvals": `expired_approvals(now(), 100)`,
	"owners_of":         `unnest(array['versions','operations','mids','clients','inbox','turns','approvals','audit','dead_letters','notices','tasks']) as k, owners_of(k, now() - interval '1 day', 100)`,
}

// TestSweeps_ReadIndexes asserts that what looks for work among everyone does not read everyone's rows: the plans within the
// functions are logged by the server itself.
func TestSweeps_ReadIndexes(t *testing.T) {
	db := open(t, nil)
	crowd(t, db)
	pg, name := stackOf(t), db.pool.Config().ConnConfig.Database
	listed := rowsOfText(t, pg.DSN("", name), `select proname from pg_proc where pronamespace = 'public'::regnamespace order by 1`)
	for _, f := range listed {
		if calls[f] == "" {
			t.Errorf("the function %s is not looked at", f)
		}
	}
	for f, call := range calls {
		if !slices.Contains(listed, f) {
			t.Errorf("there is no function %s", f)
			continue
		}
		plans := plansWithin(t, pg.DSN("", name), call)
		if len(plans) < 2 {
			t.Errorf("%s: the server logged %d plans", f, len(plans))
		}
		for _, n := range slices.Concat(plans...) {
			whole := n.Type == "Seq Scan" || n.Index != "" && n.Cond == "" && !partial.MatchString(n.Index)
			if whole && f != "long_logs" { // once a day, among one row for each person
				t.Errorf("%s reads all of %s%s", f, n.Relation, n.Index)
			}
		}
	}
}

// partial indexes hold only what is looked for.
var partial = regexp.MustCompile(`^reminders_(timed|untimed)$|^turns_by_lease$|^approvals_expiring$|^deliveries_due$`)

// plansWithin runs a call and gives the plans of all statements that it runs.
func plansWithin(t *testing.T, dsn, call string) (plans [][]planNode) {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		_, doc, found := strings.Cut(n.Message, "plan:")
		var logged struct {
			Plan map[string]any `json:"plan"`
		}
		if found && json.Unmarshal([]byte(doc), &logged) == nil {
			mu.Lock()
			defer mu.Unlock()
			plans = append(plans, flatten(logged.Plan))
		}
	}
	c, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(background(t)) }()
	if err := script(t.Context(), c, `
		load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on; set auto_explain.log_format = json;
		set client_min_messages = log; set enable_seqscan = off; select * from `+call); err != nil {
		t.Fatalf("%s: %v", call, err)
	}
	mu.Lock()
	defer mu.Unlock()
	return plans
}
