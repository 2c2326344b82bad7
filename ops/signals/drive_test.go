package signals

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem"
	"tandem/server/auth"
	"tandem/sync/client"
)

// driver touches every path of a running product.
type driver struct {
	t      *testing.T
	url    string
	secret string
}

// settings are those of the product under test: a model that fails when it is asked to, and an issuer with keys.
func settings(t *testing.T) []string {
	t.Helper()
	return []string{
		"OPENAI_API_KEY=sk-scripted-model", "OPENAI_BASE_URL=" + scriptedModel(t) + "/v1", "OPENAI_MODEL=scripted",
		"TANDEM_AUTH_ISSUERS=" + issuer(t),
	}
}

// scriptedModel answers as any model with an OpenAI-compatible address does: by add_task, then by words; with 500 where it is told to fail.
func scriptedModel(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ask struct {
			Messages []struct {
				Role    string `json:"role"`
				Content any    `json:"content"`
			} `json:"messages"`
		}
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || len(ask.Messages) == 0 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		last := ask.Messages[len(ask.Messages)-1]
		if strings.Contains(fmt.Sprint(last.Content), "please fail") {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		delta := `{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"add_task","arguments":"{\"title\":\"Buy oat milk\",\"on_duplicate\":\"add\"}"}}]}`
		if last.Role == "tool" {
			delta = `{"content":"It is on your list."}`
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":%s}]}\n\n", delta)
		fmt.Fprint(w, "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3,\"total_tokens\":12}}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// issuer writes the file of an issuer whose keys can be loaded.
func issuer(t *testing.T) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"a","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
	}))
	t.Cleanup(srv.Close)
	path := filepath.Join(t.TempDir(), "issuers.json")
	row := fmt.Sprintf(`{"issuers":[{"iss":%q,"aud":[%q],"alg":"EdDSA","jwks_url":%q,"shared_subjects":true}]}`, srv.URL, srv.URL, srv.URL+"/keys")
	if err := os.WriteFile(path, []byte(row), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// drive walks every path once.
func (d driver) drive() {
	d.t.Helper()
	d.chat("add milk to my list")
	d.chat("please fail: add a task to buy bread")
	d.refused()
	one, stop := d.device("ann")
	d.await(one, "the list", (*client.Replica).CaughtUp)
	stop()
	two, end := d.device("ann")
	defer end()
	d.tools(two)
	d.worked(two)
	d.again(one)
}

// tools calls each tool, with an error.
func (d driver) tools(c *client.Client) {
	d.t.Helper()
	task := d.mutate(c, "add_task", map[string]any{"title": "Water the plants"})
	d.mutate(c, "update_task", map[string]any{"task_id": task.UID, "title": "Water all plants"})
	d.mutate(c, "complete_task", map[string]any{"task_id": task.UID})
	d.mutate(c, "delete_task", map[string]any{"task_id": task.UID})
	if _, err := c.Mutate(d.t.Context(), "complete_task", map[string]any{"task_id": tandem.NewID()}); err == nil {
		d.t.Error("a task that is not there was completed")
	}
}

// worked waits for what the workers do: the next occurrence, and the notice of a reminder.
func (d driver) worked(c *client.Client) {
	d.t.Helper()
	due := time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	daily := d.mutate(c, "add_task", map[string]any{"title": "Every day", "due": due, "recurrence": "FREQ=DAILY"})
	d.mutate(c, "complete_task", map[string]any{"task_id": daily.UID})
	at := time.Now().UTC().Add(2 * time.Second).Format(time.RFC3339)
	d.mutate(c, "add_task", map[string]any{"title": "Remind me", "reminders": []string{at}})
	d.await(c, "the next occurrence and the notice", func(r *client.Replica) bool {
		n := 0
		for _, raw := range r.Rows[tandem.KindTask] {
			if strings.Contains(string(raw), `"Every day"`) {
				n++
			}
		}
		return n > 1 && len(r.Rows[tandem.KindNotice]) > 0
	})
}

// again comes back with a device that knows the list as it was.
func (d driver) again(c *client.Client) {
	d.t.Helper()
	stop := d.run(c)
	defer stop()
	d.await(c, "the change since then", func(r *client.Replica) bool { return r.CaughtUp() && len(r.Rows[tandem.KindNotice]) > 0 })
}

// refused brings a wrong token, and a body that is too large.
func (d driver) refused() {
	d.t.Helper()
	if code := d.post("ann", "Bearer nonsense", "hello"); code != http.StatusUnauthorized {
		d.t.Errorf("a wrong token was answered with %d", code)
	}
	if code := d.post("ann", "Bearer "+d.token("ann"), strings.Repeat("x", 4<<20)); code < 400 || code >= 500 {
		d.t.Errorf("a message of 4 MiB was answered with %d", code)
	}
}

func (d driver) chat(text string) {
	d.t.Helper()
	if code := d.post("ann", "Bearer "+d.token("ann"), text); code != http.StatusOK {
		d.t.Errorf("%q was answered with %d", text, code)
	}
}

func (d driver) post(user tandem.UserID, credential, text string) int {
	d.t.Helper()
	body, err := json.Marshal(map[string]string{"message": text})
	if err != nil {
		d.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url+"/api/"+string(user)+"/chat", bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", credential)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode
}

func (d driver) token(user tandem.UserID) string {
	d.t.Helper()
	now := time.Now()
	tok, err := auth.Sign([]byte(d.secret), auth.Grant{User: user, Issued: now, Expires: now.Add(time.Hour)})
	if err != nil {
		d.t.Fatal(err)
	}
	return tok
}

// device connects a client until stop.
func (d driver) device(user tandem.UserID) (c *client.Client, stop func()) {
	d.t.Helper()
	c = client.New(client.Options{
		Server: d.url, User: user, Backoff: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond,
		Token: func(context.Context, bool) (string, error) { return d.token(user), nil },
	})
	return c, d.run(c)
}

func (d driver) run(c *client.Client) (stop func()) {
	ctx, cancel := context.WithCancel(d.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			d.t.Errorf("a device: %v", err)
		}
	}
}

func (d driver) await(c *client.Client, what string, ok func(*client.Replica) bool) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	if err := c.Await(ctx, ok); err != nil {
		d.t.Fatalf("%s did not come: %v", what, err)
	}
}

func (d driver) mutate(c *client.Client, tool string, args map[string]any) tandem.TaskRow {
	d.t.Helper()
	answer, err := c.Mutate(d.t.Context(), tool, args)
	if err != nil {
		d.t.Fatalf("%s %v: %v", tool, args, err)
	}
	var result struct {
		Task tandem.TaskRow `json:"task"`
	}
	if err := json.Unmarshal(answer.Result, &result); err != nil {
		d.t.Fatalf("%s answered %s", tool, answer.Result)
	}
	return result.Task
}

// get reads a URL; nil: nobody answers.
func get(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return nil
	}
	return body
}
