package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"tandem"
	"tandem/sync/client"
)

func runSmoke(ctx context.Context, std stdio, args []string) error {
	var user string
	limit := 2 * time.Minute
	c, words, err := dataCommand(std, "smoke", args, func(fs *flag.FlagSet) {
		fs.StringVar(&user, "user", "smoke", "id of the user whose list is edited")
		fs.DurationVar(&limit, "timeout", limit, "how long all of it may take")
	})
	if err != nil {
		return err
	}
	if len(words) > 1 {
		return usage(std, "smoke [--user ID] [URL]")
	}
	if c.PublicURL, err = smokeTarget(ctx, c, words); err != nil {
		return err
	}
	if !tandem.UserID(user).Valid() {
		return tandem.Invalid("user", user, "%q is not a user id", user)
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	s := newSmoke(c, tandem.UserID(user), limit, std.out)
	return s.run(ctx)
}

// smokeTarget is the server that was named, or the one of the data folder.
func smokeTarget(ctx context.Context, c config, words []string) (string, error) {
	if len(words) == 1 {
		err := setURL(func(c *config) *string { return &c.PublicURL })(&c, words[0])
		return c.PublicURL, err
	}
	r, ok := findRunning(ctx, c.DataDir)
	if !ok {
		return "", errors.New("no server is running on " + c.DataDir + "; name the address of one")
	}
	return r.URL, nil
}

// smoke drives a running deployment from outside, as a person with one device: the chat, the socket, and what the workers do.
type smoke struct {
	server string
	user   tandem.UserID
	mark   string // in the title of everything that this run makes
	token  func() (string, error)
	device *client.Client
	out    io.Writer
}

func newSmoke(c config, user tandem.UserID, limit time.Duration, out io.Writer) *smoke {
	s := &smoke{
		server: c.PublicURL, user: user, mark: "smoke-" + strings.ToLower(tandem.NewID()[24:]), out: out,
		token: func() (string, error) { return signToken(c, user, limit+time.Minute) },
	}
	s.device = client.New(client.Options{
		Server: s.server, User: user, Backoff: 200 * time.Millisecond, MaxBackoff: 2 * time.Second,
		Token: func(context.Context, bool) (string, error) { return s.token() },
	})
	return s
}

// run does the steps in order and stops at the first that fails.
func (s *smoke) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	ended := make(chan error, 1)
	go func() {
		err := s.device.Run(ctx)
		stop(err)
		ended <- err
	}()
	err := s.steps(ctx)
	stop(nil)
	return errors.Join(err, <-ended)
}

func (s *smoke) steps(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"socket", s.connect},
		{"chat", s.chat},
		{"recurrence", s.recur},
		{"reminder", s.remind},
		{"cleanup", s.clean},
	} {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			fmt.Fprintf(s.out, "FAIL %-10s after %s\n", step.name, time.Since(began).Round(time.Millisecond))
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(s.out, "ok   %-10s %s\n", step.name, time.Since(began).Round(time.Millisecond))
	}
	return nil
}

// connect opens the socket and loads the list.
func (s *smoke) connect(ctx context.Context) error {
	return s.device.Await(ctx, (*client.Replica).CaughtUp)
}

// chat says one sentence by HTTP, and waits until the device shows what came of it.
func (s *smoke) chat(ctx context.Context) error {
	body, err := json.Marshal(map[string]string{"message": "Add a task to water the plants of " + s.mark})
	if err != nil {
		return fmt.Errorf("encode the message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.server+"/api/"+string(s.user)+"/chat", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	token, err := s.token()
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %d: %s", res.StatusCode, printable(string(answer)))
	}
	return s.device.Await(ctx, func(r *client.Replica) bool { return len(s.made(r)) > 0 })
}

// recur completes a repeated task, and waits for the occurrence that the recurrence worker makes.
func (s *smoke) recur(ctx context.Context) error {
	due := time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	task, err := s.edit(ctx, "add_task", map[string]any{"title": "Repeat " + s.mark, "due": due, "recurrence": "FREQ=DAILY"})
	if err != nil {
		return err
	}
	if _, err := s.edit(ctx, "complete_task", map[string]any{"task_id": task.UID}); err != nil {
		return err
	}
	return s.device.Await(ctx, func(r *client.Replica) bool {
		for _, row := range s.made(r) {
			if row.SeriesID != nil && task.SeriesID != nil && *row.SeriesID == *task.SeriesID && row.UID != task.UID && row.Status == tandem.StatusPending {
				return true
			}
		}
		return false
	})
}

// remind sets a reminder, and waits for the notice that the reminder and the notification worker make.
func (s *smoke) remind(ctx context.Context) error {
	at := time.Now().UTC().Add(3 * time.Second).Format(time.RFC3339)
	task, err := s.edit(ctx, "add_task", map[string]any{"title": "Remind " + s.mark, "reminders": []string{at}})
	if err != nil {
		return err
	}
	return s.device.Await(ctx, func(r *client.Replica) bool {
		for _, raw := range r.Rows[tandem.KindNotice] {
			var n tandem.NoticeRow
			if json.Unmarshal(raw, &n) == nil && n.TaskID == task.UID {
				return true
			}
		}
		return false
	})
}

// clean deletes what this run made.
func (s *smoke) clean(ctx context.Context) error {
	for _, row := range s.made(s.device.Replica()) {
		if _, err := s.edit(ctx, "delete_task", map[string]any{"task_id": row.UID}); err != nil {
			return err
		}
	}
	return nil
}

func (s *smoke) edit(ctx context.Context, tool string, args map[string]any) (tandem.TaskRow, error) {
	var result struct {
		Task tandem.TaskRow `json:"task"`
	}
	answer, err := s.device.Mutate(ctx, tool, args)
	if err != nil {
		return result.Task, fmt.Errorf("%s: %w", tool, err)
	}
	if err := json.Unmarshal(answer.Result, &result); err != nil {
		return result.Task, fmt.Errorf("%s: read the answer: %w", tool, err)
	}
	return result.Task, nil
}

// made gives the tasks of this run that are there.
func (s *smoke) made(r *client.Replica) []tandem.TaskRow {
	var out []tandem.TaskRow
	for _, raw := range r.Rows[tandem.KindTask] {
		var row tandem.TaskRow
		if json.Unmarshal(raw, &row) == nil && row.DeletedAt == nil && strings.Contains(row.Title, s.mark) {
			out = append(out, row)
		}
	}
	return out
}
