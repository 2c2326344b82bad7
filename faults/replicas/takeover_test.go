package replicas

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem"
	"tandem/ops/dev/product"
	"tandem/sync/wire"
)

// takenOverWithin bounds the lease of a dead process, the next look for abandoned turns, and the rest of the work.
const takenOverWithin = 2*tandem.TurnLease + 30*time.Second

// errands are what people ask of a model that hangs once, each at another place.
var errands = map[tandem.UserID]string{"tia": "hang after the tools", "tom": "hang before the tools"}

// hangingModel speaks Chat Completions: it adds two tasks and says so, but for each errand it hangs once in the middle of a sentence.
type hangingModel struct {
	mu    sync.Mutex
	hung  map[string]bool
	hangs chan string
}

func newHangingModel(t *testing.T) (m *hangingModel, env []string) {
	t.Helper()
	m = &hangingModel{hung: map[string]bool{}, hangs: make(chan string, len(errands))}
	srv := httptest.NewServer(m)
	t.Cleanup(srv.Close)
	return m, []string{"OPENAI_API_KEY=sk-scripted", "OPENAI_BASE_URL=" + srv.URL + "/v1", "OPENAI_MODEL=scripted"}
}

func (m *hangingModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var ask struct {
		Messages []struct {
			Role string `json:"role"`
		} `json:"messages"`
	}
	if err != nil || json.Unmarshal(body, &ask) != nil || len(ask.Messages) == 0 {
		http.Error(w, "no question", http.StatusBadRequest)
		return
	}
	after := ask.Messages[len(ask.Messages)-1].Role == "tool"
	w.Header().Set("Content-Type", "text/event-stream")
	for _, errand := range errands {
		if strings.Contains(string(body), errand) && strings.Contains(errand, "after") == after && m.first(errand) {
			chunk(w, `{"content":"I was just about to"}`, "")
			m.hangs <- errand
			<-r.Context().Done()
			return
		}
	}
	if after {
		chunk(w, `{"content":"Both are on your list."}`, "stop")
		return
	}
	chunk(w, `{"tool_calls":[
		{"index":0,"id":"call_1","type":"function","function":{"name":"add_task","arguments":"{\"title\":\"Oat milk\"}"}},
		{"index":1,"id":"call_2","type":"function","function":{"name":"add_task","arguments":"{\"title\":\"Rye bread\"}"}}]}`, "tool_calls")
}

// first tells whether an errand did not hang yet.
func (m *hangingModel) first(errand string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hung[errand] {
		return false
	}
	m.hung[errand] = true
	return true
}

// chunk writes a piece of a stream; with a reason to finish it is the last one.
func chunk(w http.ResponseWriter, delta, finish string) {
	const form = "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":%s%s}]}\n\n"
	fmt.Fprintf(w, form, strings.ReplaceAll(delta, "\n", ""), "")
	if finish != "" {
		fmt.Fprintf(w, form, "{}", `,"finish_reason":"`+finish+`"`)
		fmt.Fprint(w, "data: [DONE]\n\n")
	}
	http.NewResponseController(w).Flush()
}

// takeover kills the first server in the middle of two turns: the second one brings them to their end.
func takeover(t *testing.T, p *product.Product, m *hangingModel) {
	t.Helper()
	ends := make(chan tandem.TurnEvent, 16)
	turns := map[tandem.UserID]string{}
	for user, errand := range errands {
		turns[user] = tandem.NewID()
		d := deviceOn(t, p, p.Serve[1], user, func(f wire.ServerFrame) {
			if e, ok := f.(wire.Turn); ok && e.End != nil {
				ends <- e.TurnEvent
			}
		})
		mutate(t, d, "list_tasks", map[string]any{}) // it is connected
		go ask(t.Context(), t, p, p.Serve[0].URL, user, turns[user], errand)
	}
	for range errands {
		select {
		case <-m.hangs:
		case <-time.After(takenWithin):
			t.Fatal("the model was not asked")
		}
	}
	p.Serve[0].Kill()
	died := time.Now()
	ended := map[string]tandem.TurnStatus{}
	for len(ended) < len(errands) {
		select {
		case e := <-ends:
			if before, twice := ended[e.Turn]; twice {
				t.Errorf("turn %s ended as %s and as %s", e.Turn, before, e.End.Status)
			}
			ended[e.Turn] = e.End.Status
		case <-time.After(takenOverWithin):
			t.Fatalf("of %d turns the devices saw the end of %v", len(errands), ended)
		}
	}
	t.Logf("figure: turns of a process that died ended %s later: %v", time.Since(died).Round(100*time.Millisecond), ended)
	for user, turn := range turns {
		examineTurn(t, p, user, turn, ended[turn])
	}
	p.Serve[0].Start()
}

// examineTurn holds a turn that was taken over to its one effect, and its answer to what happened.
func examineTurn(t *testing.T, p *product.Product, user tandem.UserID, turn string, status tandem.TurnStatus) {
	t.Helper()
	if status != tandem.TurnDone && status != tandem.TurnLost {
		t.Errorf("the turn of %s ended as %s", user, status)
	}
	code, body := ask(t.Context(), t, p, p.Serve[1].URL, user, turn, errands[user])
	var answer struct {
		Response  string            `json:"response"`
		ToolCalls []tandem.ToolCall `json:"tool_calls"`
	}
	if err := json.Unmarshal(body, &answer); code != http.StatusOK || err != nil {
		t.Fatalf("the turn of %s, asked for again: %d %s", user, code, body)
	}
	done := 0
	for _, c := range answer.ToolCalls {
		if c.Status == "ok" {
			done++
		}
	}
	if n := count(t, p, `select count(*) from tasks where user_id = $1`, user); n != done || status == tandem.TurnDone && n != 2 {
		t.Errorf("%s has %d tasks after %d calls: %s", user, n, done, body)
	}
	if status == tandem.TurnDone && !strings.Contains(answer.Response, "Both are on your list.") {
		t.Errorf("%s was told %q", user, answer.Response)
	}
}

// ask is a chat turn of that id over REST. Code 0: there was no answer.
func ask(ctx context.Context, t *testing.T, p *product.Product, server string, user tandem.UserID, turn, text string) (code int, body []byte) {
	t.Helper()
	question, err := json.Marshal(map[string]string{"message": text, "turn_id": turn})
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/api/"+string(user)+"/chat", strings.NewReader(string(question)))
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	req.Header.Set("Authorization", "Bearer "+token(t, p, user))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		return 0, nil
	}
	return res.StatusCode, body
}
