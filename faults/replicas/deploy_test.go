// Package replicas attacks the distributed mode: real services, real processes, several of each.
package replicas

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tandem"
	"tandem/ops/dev/build"
	"tandem/ops/dev/product"
	"tandem/ops/dev/stack"
	"tandem/server/auth"
	"tandem/sync/client"
	"tandem/sync/wire"
)

// program is the built binary.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(build.Tests{M: stack.Tests{M: m}, Root: "../..", Program: &program}.Run())
}

func deploy(t *testing.T, o product.Options) *product.Product {
	t.Helper()
	o.Program, o.Root = program, "../.."
	return product.Start(t, o)
}

func token(tb testing.TB, p *product.Product, user tandem.UserID) string {
	tb.Helper()
	tok, err := sign(p, user)
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

func sign(p *product.Product, user tandem.UserID) (string, error) {
	now := time.Now()
	return auth.Sign([]byte(p.Secret), auth.Grant{User: user, Issued: now, Expires: now.Add(time.Hour)})
}

// device connects a client of the user to an app; it comes back after each loss and ends with the test.
func device(t *testing.T, p *product.Product, a *product.App, user tandem.UserID) *client.Client {
	t.Helper()
	return deviceOn(t, p, a, user, nil)
}

// deviceOn is a device that tells what it is sent; nil: nobody listens.
func deviceOn(t *testing.T, p *product.Product, a *product.App, user tandem.UserID, frame func(wire.ServerFrame)) *client.Client {
	t.Helper()
	c := client.New(client.Options{
		Server: a.URL, User: user, Backoff: 10 * time.Millisecond, MaxBackoff: 100 * time.Millisecond, OnFrame: frame,
		Token: func(context.Context, bool) (string, error) { return token(t, p, user), nil },
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("device of %s: %v", user, err)
		}
	})
	return c
}

// within waits for a state of the device's replica.
func within(t *testing.T, limit time.Duration, what string, d *client.Client, ok func(*client.Replica) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := d.Await(ctx, ok); err != nil {
		t.Fatalf("%s did not happen within %s: %v", what, limit, err)
	}
}

// mutate is a call of a device that must succeed.
func mutate(t *testing.T, d *client.Client, tool string, args map[string]any) tandem.TaskRow {
	t.Helper()
	answer, err := d.Mutate(t.Context(), tool, args)
	if err != nil {
		t.Fatalf("%s %v: %v", tool, args, err)
	}
	var result struct {
		Task tandem.TaskRow `json:"task"`
	}
	if err := json.Unmarshal(answer.Result, &result); err != nil {
		t.Fatalf("%s answered %s", tool, answer.Result)
	}
	return result.Task
}

// tasks gives the task rows that a device holds.
func tasks(t *testing.T, r *client.Replica) []tandem.TaskRow {
	t.Helper()
	var out []tandem.TaskRow
	for _, raw := range r.Rows[tandem.KindTask] {
		var row tandem.TaskRow
		if err := json.Unmarshal(raw, &row); err != nil {
			t.Fatal(err)
		}
		out = append(out, row)
	}
	return out
}

// titled tells whether a device holds a task of that title.
func titled(t *testing.T, title string) func(*client.Replica) bool {
	t.Helper()
	return func(r *client.Replica) bool {
		for _, row := range tasks(t, r) {
			if row.Title == title {
				return true
			}
		}
		return false
	}
}

// noticesOf gives the notices that a device shows.
func noticesOf(t *testing.T, r *client.Replica) []tandem.NoticeRow {
	t.Helper()
	var out []tandem.NoticeRow
	for _, raw := range r.Rows[tandem.KindNotice] {
		var row tandem.NoticeRow
		if err := json.Unmarshal(raw, &row); err != nil {
			t.Fatal(err)
		}
		out = append(out, row)
	}
	return out
}

// count asks the database itself for a number, past every policy of rows.
func count(t *testing.T, p *product.Product, query string, args ...any) int {
	t.Helper()
	db, err := pgx.Connect(t.Context(), p.PG.DSN("postgres", p.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.WithoutCancel(t.Context()))
	n := 0
	if err := db.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// eventually asks for a state until it is there.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(limit)
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("%s: not within %s", what, limit)
		}
	}
}

// pause waits, or ends with the test.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
