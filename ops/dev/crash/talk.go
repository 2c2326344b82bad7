package crash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem"
)

// talker says sentences over HTTP. It goes on as another person before the limit of sentences in a minute is reached.
type talker struct {
	name string
	door string

	mu   sync.Mutex
	said map[string]said // by title
}

// said is a sentence that was answered.
type said struct {
	user tandem.UserID
	done bool // the answer says that its task was added; otherwise the turn was lost
}

// perPerson is how many sentences a talker says as one person.
const perPerson = 12

// talk says sentences until the crowd ends, each under one turn id until it is answered.
func (c *Crowd) talk(t *talker, luck *rand.Rand) {
	for n := 0; c.rest(100 * time.Millisecond); n++ {
		user := tandem.UserID(fmt.Sprintf("%s-%d", t.name, n/perPerson))
		title, turn := fmt.Sprintf("Said %d", n), tandem.NewID()
		body, ok := c.say(t.door, user, turn, title)
		if !ok {
			return
		}
		t.mu.Lock()
		t.said[title] = said{user: user, done: c.judge(user, title, body)}
		t.mu.Unlock()
		if luck.IntN(4) > 0 {
			continue
		}
		if again, ok := c.say(t.door, user, turn, title); ok && !bytes.Equal(body, again) {
			c.tb.Errorf("%s: %q was answered with\n%s\nand, asked again, with\n%s", user, title, body, again)
		}
	}
}

// say asks until there is an answer; false: something else came.
func (c *Crowd) say(door string, user tandem.UserID, turn, title string) ([]byte, bool) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		code, body, err := c.post(door, user, turn, "Add a task: "+title)
		switch {
		case err == nil && code == http.StatusOK:
			return body, true
		case err == nil && code != http.StatusServiceUnavailable && code != http.StatusTooManyRequests:
			c.tb.Errorf("%s: %q was answered with %d %s", user, title, code, body)
			return nil, false
		}
		select {
		case <-tick.C:
		case <-c.tb.Context().Done():
			return nil, false
		}
	}
}

func (c *Crowd) post(door string, user tandem.UserID, turn, text string) (code int, body []byte, err error) {
	token, err := c.o.Token(user)
	if err != nil {
		return 0, nil, err
	}
	data, err := json.Marshal(map[string]string{"message": text, "turn_id": turn})
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(c.tb.Context(), http.MethodPost, door+"/api/"+string(user)+"/chat", bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// judge holds an answer to what may be: one call that added the task, or a turn that was lost and says so.
func (c *Crowd) judge(user tandem.UserID, title string, body []byte) (done bool) {
	var answer struct {
		Response  string            `json:"response"`
		ToolCalls []tandem.ToolCall `json:"tool_calls"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		c.tb.Errorf("%s: %q was answered with %s", user, title, body)
	}
	ok := slices.IndexFunc(answer.ToolCalls, func(call tandem.ToolCall) bool { return call.Tool == "add_task" && call.Status == "ok" })
	lost := strings.Contains(answer.Response, "interrupted")
	if ok < 0 && !lost || len(answer.ToolCalls) > 1 {
		c.tb.Errorf("%s: %q neither added its task by one call nor was lost: %s", user, title, body)
	}
	return ok >= 0
}
