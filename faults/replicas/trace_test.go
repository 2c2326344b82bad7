package replicas

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem"
	"tandem/ops/dev/product"
)

// lineOf is what a line of a log tells of a trace.
type lineOf struct {
	Trace    string `json:"trace_id"`
	Step     string `json:"step"`
	Consumer string `json:"consumer"`
	Message  string `json:"msg"`
	Route    string `json:"route"`
	Hash     string `json:"user_hash"`
}

// trails gives, by trace, what each app did for it, as "app step consumer". Beside it all that the logs say.
func trails(t *testing.T, p *product.Product) (byTrace map[string]map[string]bool, all []lineOf, text string) {
	t.Helper()
	byTrace = map[string]map[string]bool{}
	var whole strings.Builder
	for _, a := range p.All() {
		log, err := os.ReadFile(a.LogFile())
		if err != nil {
			t.Fatal(err)
		}
		whole.Write(log)
		for raw := range strings.Lines(string(log)) {
			var l lineOf
			if json.Unmarshal([]byte(raw), &l) != nil {
				continue
			}
			all = append(all, l)
			if l.Trace == "" || l.Step == "" {
				continue
			}
			if byTrace[l.Trace] == nil {
				byTrace[l.Trace] = map[string]bool{}
			}
			byTrace[l.Trace][strings.TrimSpace(strings.TrimPrefix(a.ID, "tandem-")+" "+l.Step+" "+l.Consumer)] = true
		}
	}
	return byTrace, all, whole.String()
}

// awaitTrail waits for one trace that did all of want, and tells what it did.
func awaitTrail(t *testing.T, p *product.Product, want ...string) string {
	t.Helper()
	var trace string
	var best []string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the best trace did %v", best)
		}
	})
	eventually(t, 40*time.Second, "one trace of all roles", func() bool {
		byTrace, _, _ := trails(t, p)
		for id, did := range byTrace {
			has := 0
			for _, w := range want {
				if did[w] {
					has++
				}
			}
			if has == len(want) {
				trace, best = id, slices.Sorted(maps.Keys(did))
				return true
			}
			if len(did) > len(best) {
				best = slices.Sorted(maps.Keys(did))
			}
		}
		return false
	})
	t.Logf("figure: trace %s: %s", trace, strings.Join(best, ", "))
	return trace
}

// TestTrace_OneIdInTheLinesOfEveryRole follows two edits through all processes that they pass.
func TestTrace_OneIdInTheLinesOfEveryRole(t *testing.T) {
	p := deploy(t, product.Options{Web: true, Serve: 2, Env: []string{"TANDEM_LOG_LEVEL=debug", "TANDEM_LOG_KEY=the key of all processes"}})
	const user = tandem.UserID("canary-user")
	device := watch(t, p, p.Serve[1], user)
	if err := device.AwaitSeq(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	say := func(words string) {
		if code, body := ask(t.Context(), t, p, p.Web.URL, user, tandem.NewID(), words); code != 200 {
			t.Fatalf("%d: %s", code, body)
		}
	}
	say("add canaryword every day")
	say("complete canaryword")
	chat := awaitTrail(t, p, "web request", "serve request", "serve turn", "serve tool", "serve transaction", "serve fan-out", "relay publish",
		"recurrence consume recurrence", "recurrence transaction", "audit consume audit", "serve consume hub")
	if _, err := device.Mutate(t.Context(), "add_task", map[string]any{
		"title": "canaryword with a reminder", "due": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		"reminders": []string{time.Now().Add(4 * time.Second).UTC().Format(time.RFC3339)},
	}); err != nil {
		t.Fatal(err)
	}
	frame := awaitTrail(t, p, "serve frame", "serve tool", "serve transaction", "serve fan-out", "relay publish", "reminders consume reminders", "reminders reminder",
		"notifications consume notifications", "audit consume audit")
	if chat == frame {
		t.Error("a turn and a frame have one id")
	}
	_, all, text := trails(t, p)
	if strings.Contains(text, "canary") || strings.Contains(text, p.Secret) || strings.Contains(text, token(t, p, user)[:20]) {
		t.Error("the logs tell a name, a word or a secret")
	}
	hashes := map[string]bool{}
	for _, l := range all {
		if l.Hash != "" {
			hashes[l.Hash] = true
		}
	}
	if len(hashes) != 1 {
		t.Errorf("one person has the hashes %v", hashes)
	}
}
