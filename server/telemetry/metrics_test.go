package telemetry_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/server/telemetry"
)

func newMetrics() *telemetry.Metrics {
	return telemetry.New(telemetry.Build{Version: "1.2.3", Commit: "abc", Mode: "test"}, telemetry.Labels{
		Rejected: []string{"expired", "signature"}, Limits: []string{"turns", "body"}, Tools: []string{"add_task", "list_tasks"}, Codes: []string{"ok", "invalid"},
		Statuses: []string{"ok", "lost"}, Engines: []string{"llm", "planner"}, Topics: []string{"task-events"}, Consumers: []string{"audit", "recurrence"},
		Channels: []string{"email"}, Outcomes: []string{"sent", "failed"}, Ops: []string{"select"},
	})
}

var sampleForm = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$`)

// scrape gives the series of a scrape by name and labels, and the type of each family. It fails on what is not Prometheus
// text.
func scrape(t *testing.T, m *telemetry.Metrics) (series map[string]float64, types map[string]string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if kind := w.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
		t.Fatalf("media type %s", kind)
	}
	series, types = map[string]float64{}, map[string]string{}
	lines := bufio.NewScanner(io.Reader(w.Body))
	for lines.Scan() {
		line := lines.Text()
		if words := strings.SplitN(line, " ", 4); words[0] == "#" {
			if words[1] == "TYPE" {
				types[words[2]] = words[3]
			}
			continue
		}
		parts := sampleForm.FindStringSubmatch(line)
		if parts == nil {
			t.Fatalf("not a sample: %q", line)
		}
		value, err := strconv.ParseFloat(parts[3], 64)
		if err != nil {
			t.Fatalf("not a value: %q", line)
		}
		series[parts[1]+parts[2]] = value
	}
	return series, types
}

func TestMetrics_EveryCombinationIsThereFromTheStart(t *testing.T) {
	m := newMetrics()
	m.Routes(map[string][]string{"/livez": {"GET"}})
	series, types := scrape(t, m)
	for _, want := range []string{
		`tandem_http_requests_total{code="200",method="GET",route="/livez"}`, `tandem_http_request_seconds_count{route="/livez"}`,
		`tandem_auth_rejected_total{reason="expired"}`, `tandem_limited_total{limit="turns"}`,
		`tandem_turn_total{engine="planner",status="lost"}`, `tandem_turn_running`, `tandem_turn_seconds_count{engine="llm"}`, `tandem_turn_ttft_seconds_count{engine="llm"}`,
		`tandem_tool_calls_total{code="invalid",tool="add_task"}`, `tandem_mutation_ack_seconds_count{tool="add_task"}`,
		`tandem_llm_tokens_total{kind="input"}`, `tandem_llm_errors_total{reason="timeout"}`, `tandem_approvals_total{outcome="yes"}`,
		`tandem_ws_connections`, `tandem_ws_queue_bytes`, `tandem_ws_conflate_total`, `tandem_ws_close_total{code="4408"}`,
		`tandem_sync_commit_to_socket_seconds_count`, `tandem_sync_gap_total{src="head"}`, `tandem_sync_fill_rows_count`,
		`tandem_sync_resume_total{mode="delta"}`, `tandem_sync_snapshot_total{why="epoch"}`,
		`tandem_events_published_total{topic="task-events"}`, `tandem_relay_failures_total`, `tandem_dead_letters_total{consumer="audit",topic="task-events"}`,
		`tandem_reminder_lateness_seconds_count`, `tandem_sweeper_rescues_total`,
		`tandem_reminders_overdue`, `tandem_recurrence_delay_seconds_count`, `tandem_outbox_pending`, `tandem_outbox_oldest_age_seconds`,
		`tandem_event_age_seconds_count{consumer="audit"}`, `tandem_once_fail_open_total`, `tandem_db_query_seconds_count{op="select"}`, `tandem_db_pool_acquire_seconds_count`,
		`tandem_db_pool_connections{state="max"}`, `tandem_log_dropped_total{sink="loki"}`, `tandem_deliveries_total{channel="email",outcome="failed"}`,
	} {
		if value, ok := series[want]; !ok || value != 0 {
			t.Errorf("%s is %v (there: %v), want 0", want, value, ok)
		}
	}
	build := slices.ContainsFunc(slices.Collect(keys(series)), func(k string) bool {
		return strings.HasPrefix(k, "tandem_build_info{") && strings.Contains(k, `version="1.2.3"`) && strings.Contains(k, `mode="test"`)
	})
	if !build {
		t.Error("no tandem_build_info of this build")
	}
	for name, kind := range types {
		if strings.HasPrefix(name, "tandem_") && (kind == "counter") != strings.HasSuffix(name, "_total") {
			t.Errorf("%s is a %s", name, kind)
		}
	}
}

func keys(m map[string]float64) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestMetrics_ObjectivesAreBucketBounds(t *testing.T) {
	series, _ := scrape(t, newMetrics())
	for name, bounds := range map[string][]string{
		"tandem_mutation_ack_seconds_bucket":          {"0.1", "0.25", "0.3", "0.5", "1", "5", "10"},
		"tandem_sync_commit_to_socket_seconds_bucket": {"0.1", "0.5"},
		"tandem_reminder_lateness_seconds_bucket":     {"1", "5", "30"},
	} {
		for _, le := range bounds {
			if !slices.ContainsFunc(slices.Collect(keys(series)), func(k string) bool {
				return strings.HasPrefix(k, name+"{") && strings.Contains(k, `le="`+le+`"`)
			}) {
				t.Errorf("%s has no bound %s", name, le)
			}
		}
	}
}

func TestMetrics_CountWhatHappens(t *testing.T) {
	m := newMetrics()
	m.Routes(map[string][]string{"/livez": {"GET"}})
	m.Request("/livez", "GET", 200, 40*time.Millisecond)
	m.Rejected("expired")
	m.Limited("turns")
	m.KeysLoaded("https://a.example", time.Unix(1700000000, 0))
	m.TurnRunning(2)
	m.TurnRunning(-1)
	m.TurnEnded("ok", "llm", time.Second)
	m.FirstToken("llm", time.Second)
	m.Tokens("input", 12)
	m.ModelError("timeout")
	m.Approval("yes")
	m.ToolCalled("add_task", "ok", time.Millisecond)
	m.Answered("add_task", "ok", time.Millisecond)
	m.Connections(1)
	m.Closed(4408)
	m.Queued(512)
	m.Conflated()
	m.Delivered(-time.Second) // two clocks
	m.Gap("head")
	m.Filled(10)
	m.Resumed("snapshot", "epoch")
	m.Resumed("live", "")
	m.Published("task-events")
	m.RelayFailed()
	m.DeadLetter("task-events", "audit")
	m.ReminderFired(2 * time.Second)
	m.Rescued()
	m.Pool(func() (idle, used, limit int32) { return 1, 2, 16 })
	m.Queried("select", 2*time.Second)
	m.Acquired(time.Second)
	m.LogDropped("loki", 3)
	series, _ := scrape(t, m)
	for name, want := range map[string]float64{
		`tandem_http_requests_total{code="200",method="GET",route="/livez"}`:     1,
		`tandem_http_request_seconds_sum{route="/livez"}`:                        0.04,
		`tandem_auth_rejected_total{reason="expired"}`:                           1,
		`tandem_limited_total{limit="turns"}`:                                    1,
		`tandem_jwks_last_success_timestamp_seconds{issuer="https://a.example"}`: 1700000000,
		`tandem_turn_running`:                                             1,
		`tandem_turn_total{engine="llm",status="ok"}`:                     1,
		`tandem_turn_ttft_seconds_count{engine="llm"}`:                    1,
		`tandem_llm_tokens_total{kind="input"}`:                           12,
		`tandem_llm_errors_total{reason="timeout"}`:                       1,
		`tandem_approvals_total{outcome="yes"}`:                           1,
		`tandem_tool_calls_total{code="ok",tool="add_task"}`:              1,
		`tandem_mutation_ack_seconds_count{tool="add_task"}`:              1,
		`tandem_ws_connections`:                                           1,
		`tandem_ws_close_total{code="4408"}`:                              1,
		`tandem_ws_queue_bytes`:                                           512,
		`tandem_ws_conflate_total`:                                        1,
		`tandem_sync_commit_to_socket_seconds_sum`:                        0,
		`tandem_sync_commit_to_socket_seconds_count`:                      1,
		`tandem_sync_gap_total{src="head"}`:                               1,
		`tandem_sync_fill_rows_sum`:                                       10,
		`tandem_sync_resume_total{mode="snapshot"}`:                       1,
		`tandem_sync_resume_total{mode="live"}`:                           1,
		`tandem_sync_snapshot_total{why="epoch"}`:                         1,
		`tandem_events_published_total{topic="task-events"}`:              1,
		`tandem_relay_failures_total`:                                     1,
		`tandem_dead_letters_total{consumer="audit",topic="task-events"}`: 1,
		`tandem_reminder_lateness_seconds_sum`:                            2,
		`tandem_sweeper_rescues_total`:                                    1,
		`tandem_db_pool_connections{state="idle"}`:                        1,
		`tandem_db_pool_connections{state="used"}`:                        2,
		`tandem_db_pool_connections{state="max"}`:                         16,
		`tandem_db_query_seconds_sum{op="select"}`:                        2,
		`tandem_db_pool_acquire_seconds_sum`:                              1,
		`tandem_log_dropped_total{sink="loki"}`:                           3,
	} {
		if got := series[name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestMetrics_LabelsAreClosed(t *testing.T) {
	m := newMetrics()
	const stranger = "canary-user-id"
	m.Rejected(stranger)
	m.Limited(stranger)
	m.Tokens(stranger, 1)
	m.ModelError(stranger)
	m.Approval(stranger)
	m.Gap(stranger)
	m.Resumed(stranger, stranger)
	m.Published(stranger)
	m.Closed(12345)
	m.ToolCalled(stranger, stranger, 0)
	m.Answered(stranger, stranger, 0)
	m.TurnEnded(stranger, stranger, 0)
	m.FirstToken(stranger, 0)
	m.DeadLetter(stranger, "")
	m.Request(stranger, stranger, 200, 0)
	m.Queried(stranger, 0)
	m.LogDropped(stranger, 1)
	series, _ := scrape(t, m)
	for name := range series {
		if strings.Contains(name, "canary") || strings.Contains(name, "12345") {
			t.Errorf("a value from outside became a label: %s", name)
		}
	}
	for _, name := range []string{`tandem_auth_rejected_total{reason="other"}`, `tandem_tool_calls_total{code="other",tool="other"}`, `tandem_turn_total{engine="other",status="other"}`} {
		if series[name] != 1 {
			t.Errorf("%s is %v, want 1", name, series[name])
		}
	}
}
