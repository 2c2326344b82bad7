// Package replicas attacks the distributed mode: real services, real processes, several of each.
package replicas

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tandem"
	"tandem/ops/dev/product"
	"tandem/ops/dev/stack"
	"tandem/server/auth"
	"tandem/sync/client"
)

// program is the built binary.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tandem-replicas-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "tandem")
	cmd := exec.Command("go", "build", "-o", program, "../../cmd/tandem")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the program:", err)
		return 1
	}
	return stack.Tests{M: m}.Run()
}

func deploy(t *testing.T, o product.Options) *product.Product {
	t.Helper()
	o.Program, o.Root = program, "../.."
	return product.Start(t, o)
}

func token(tb testing.TB, p *product.Product, user tandem.UserID) string {
	tb.Helper()
	now := time.Now()
	tok, err := auth.Sign([]byte(p.Secret), auth.Grant{User: user, Issued: now, Expires: now.Add(time.Hour)})
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

// device connects a client of the user to an app; it comes back after each loss and ends with the test.
func device(t *testing.T, p *product.Product, a *product.App, user tandem.UserID) *client.Client {
	t.Helper()
	c := client.New(client.Options{
		Server: a.URL, User: user, Backoff: 10 * time.Millisecond, MaxBackoff: 100 * time.Millisecond,
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
