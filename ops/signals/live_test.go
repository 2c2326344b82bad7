package signals

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tandem/ops/dev/product"
	"tandem/ops/dev/stack"
)

// unread are the metrics that no dashboard and no rule reads, with the reason why.
var unread = map[string]string{}

const secret = "a secret of the deployment, long enough"

// TestEmbedded_EveryMetricIsThereAndRead drives `tandem up` and holds every query of the product's own metrics against its scrape, and the other way round.
func TestEmbedded_EveryMetricIsThereAndRead(t *testing.T) {
	tool(t, "promql")
	addr := "127.0.0.1:" + strconv.Itoa(stack.Ports(t, 1)[0])
	p := stack.Prepare(t, stack.Program{
		Name: "tandem-up", Path: program, Args: []string{"up"}, Ready: "http://" + addr + "/readyz",
		Env: append(settings(t), "TANDEM_ADDR="+addr, "TANDEM_DATA_DIR="+t.TempDir(), "TANDEM_AUTH_SECRET="+secret, "TANDEM_LOG_FORMAT=json"),
	})
	p.Start()
	driver{t, "http://" + addr, secret}.drive()
	live := series{}
	live.add(get(t, "http://"+addr+"/metrics"))
	hold(t, live, func(metric string) bool {
		return strings.HasPrefix(metric, "tandem_") || strings.HasPrefix(metric, "go_") || strings.HasPrefix(metric, "process_")
	})
	checkRead(t, live)
	checkTouched(t, get(t, "http://"+addr+"/metrics"))
	p.Stop()
}

// touched are series that the script must have moved.
var touched = []string{
	`tandem_http_requests_total{code="401"`, `tandem_auth_rejected_total{reason="malformed"}`, `tandem_limited_total{limit="body"}`,
	`tandem_turn_total{engine="llm",status="ok"}`, `tandem_turn_total{engine="planner",status="ok"}`, `tandem_llm_errors_total{reason="http"}`,
	`tandem_llm_tokens_total{kind="output"}`, `tandem_tool_calls_total{code="ok",tool="delete_task"}`, `tandem_tool_calls_total{code="not_found",tool="complete_task"}`,
	`tandem_mutation_ack_seconds_count{tool="add_task"}`, `tandem_sync_commit_to_socket_seconds_count`, `tandem_sync_snapshot_total{why="new"}`,
	`tandem_sync_resume_total{mode="delta"}`, `tandem_events_published_total{topic="reminders"}`, `tandem_event_age_seconds_count{consumer="audit"}`,
	`tandem_reminder_lateness_seconds_count`, `tandem_recurrence_delay_seconds_count`, `tandem_jwks_last_success_timestamp_seconds`,
}

// checkTouched holds that the script took its ways.
func checkTouched(t *testing.T, scrape []byte) {
	t.Helper()
	for _, series := range touched {
		moved := false
		for line := range strings.Lines(string(scrape)) {
			moved = moved || strings.HasPrefix(line, series) && !strings.HasSuffix(line, " 0\n")
		}
		if !moved {
			t.Errorf("the script did not move %s", series)
		}
	}
}

// hold holds the selectors of all queries, as far as they are of those metrics, against the scrape.
func hold(t *testing.T, live series, of func(metric string) bool) {
	t.Helper()
	rules := recorded(t)
	queries := slices.Concat(panelQueries(t), ruleQueries(t), scalingQueries(t))
	type total struct{ queries, series int }
	byFile := map[string]total{}
	for i, p := range parse(t, queries) {
		q := queries[i]
		n := byFile[q.file]
		n.queries++
		switch {
		case p.Error != "":
			t.Errorf("%s: %s: %s", q, p.Error, q.text)
		case !p.Summed && strings.HasSuffix(q.file, ".json") && !strings.HasPrefix(q.at, "annotation"):
			t.Errorf("%s: a series leaves it without an aggregation: %s", q, q.text)
		}
		for _, s := range p.Selectors {
			from := live
			if rules[s.Metric] != nil {
				from = rules
			} else if !of(s.Metric) {
				continue
			}
			n.series++
			for _, lack := range from.missing(s) {
				t.Errorf("%s: no scrape has %s", q, lack)
			}
		}
		byFile[q.file] = n
	}
	for _, name := range slices.Sorted(keysOf(byFile)) {
		t.Logf("%-18s %3d queries, %3d selectors held", name, byFile[name].queries, byFile[name].series)
	}
}

func keysOf[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// checkRead holds that every metric of the product is read.
func checkRead(t *testing.T, live series) {
	t.Helper()
	read := map[string]bool{}
	for _, p := range parse(t, slices.Concat(panelQueries(t), ruleQueries(t))) {
		for _, s := range p.Selectors {
			read[family(s.Metric)] = true
		}
	}
	families := live.families()
	if len(families) < 40 {
		t.Errorf("only %d metrics", len(families))
	}
	for _, name := range families {
		if why, listed := unread[name]; listed == read[name] {
			t.Errorf("%s is read: %v, and on the list of the unread: %v (%s)", name, read[name], listed, why)
		}
	}
	t.Logf("%d metrics of the product, %d unread with a reason", len(families), len(unread))
}

// TestDistributed_PrometheusAnswersEveryPanel deploys the product, lets a real Prometheus scrape it with the rules loaded, and asks the query of every panel.
func TestDistributed_PrometheusAnswersEveryPanel(t *testing.T) {
	stack.Require(t, "postgres", "redis", "kafka", "dapr")
	server := tool(t, "prometheus")
	tool(t, "promql")
	p := product.Start(t, product.Options{Program: program, Root: "../..", Web: true, Env: settings(t)})
	for sql := range statements(t) {
		p.PG.Exec(t, p.Database, sql)
	}
	targets := targetsOf(p)
	prom := startPrometheus(t, server, targets)
	d := driver{t, p.Serve[0].URL, p.Secret}
	d.drive()
	driver{t, p.Web.URL, p.Secret}.chat("add tea to my list")
	live := series{}
	for _, urls := range targets {
		for _, u := range urls {
			live.add(get(t, u))
		}
	}
	faults := fromFaults(t)
	for metric, labels := range faults {
		if live[metric] == nil {
			live[metric] = map[string]map[string]bool{}
		}
		for label, values := range labels {
			if live[metric][label] == nil {
				live[metric][label] = map[string]bool{}
			}
			for v := range values {
				live[metric][label][v] = true
			}
		}
	}
	hold(t, live, func(metric string) bool { return !strings.HasPrefix(metric, "tandem_") }) // those are held in the embedded mode, which has all routes
	prom.answers(d, panelQueries(t), faults)
	prom.healthy()
	poison(t, p)
	prom.await(`ALERTS{alertname="DeadLetters", alertstate="firing", topic="task-events"}`)
}

// targetsOf lists what is scraped, by the name that a pod has.
func targetsOf(p *product.Product) map[string][]string {
	out := map[string][]string{"scheduler": {p.Scheduler.Metrics}, "sentry": {p.Sentry.Metrics}}
	for _, a := range p.All() {
		out[a.ID] = append(out[a.ID], a.Ops+"/metrics", a.Sidecar.Metrics)
	}
	return out
}

// prometheus is a running server.
type prometheus struct {
	t   *testing.T
	url string
}

var intervals = regexp.MustCompile(`(?m)^  interval: .*$`)

// startPrometheus starts a real server with the rules of the product, evaluated each second.
func startPrometheus(t *testing.T, path string, targets map[string][]string) prometheus {
	t.Helper()
	dir := t.TempDir()
	config := "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\nrule_files: [" + dir + "/rules-*.yaml]\nscrape_configs:\n- job_name: tandem\n  static_configs:\n"
	for _, pod := range slices.Sorted(keysOf(targets)) {
		for _, target := range targets[pod] {
			u, err := url.Parse(target)
			if err != nil {
				t.Fatal(err)
			}
			config += fmt.Sprintf("  - {targets: [%q], labels: {pod: %s, namespace: tandem}}\n", u.Host, pod)
		}
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("prometheus.yaml", config)
	for name, data := range files(t, "prometheus/rules/*.yaml") {
		write("rules-"+name, intervals.ReplaceAllString(string(data), "  interval: 1s"))
	}
	addr := "127.0.0.1:" + strconv.Itoa(stack.Ports(t, 1)[0])
	stack.Prepare(t, stack.Program{
		Name: "prometheus", Path: path, Ready: "http://" + addr + "/-/ready",
		Args: []string{"--config.file=" + dir + "/prometheus.yaml", "--storage.tsdb.path=" + dir + "/data", "--web.listen-address=" + addr, "--log.level=warn"},
	}).Start()
	return prometheus{t, "http://" + addr}
}

// ask gives how many series answer a query, and how many of them are no number.
func (p prometheus) ask(text string) (n, nan int, err error) {
	body := get(p.t, p.url+"/api/v1/query?query="+url.QueryEscape(text))
	var answer struct {
		Status string
		Data   struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		return 0, 0, fmt.Errorf("%s: %s, %w", text, body, err)
	}
	for _, r := range answer.Data.Result {
		if r.Value[1] == "NaN" {
			nan++
		}
	}
	return len(answer.Data.Result), nan, nil
}

// answers waits until each query has an answer. One that only faults answer may be empty.
func (p prometheus) answers(d driver, queries []query, faults series) {
	p.t.Helper()
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	limit := time.Now().Add(2 * time.Minute)
	var open []query
	for {
		d.chat("add more milk to my list") // rates need movement
		open = p.empty(queries, faults)
		if len(open) == 0 || time.Now().After(limit) {
			break
		}
		<-tick.C
	}
	for _, q := range open {
		p.t.Errorf("%s: nothing answers %s", q, q.text)
	}
	p.report(queries, faults)
}

func (p prometheus) empty(queries []query, faults series) (out []query) {
	parsed := parse(p.t, queries)
	for i, q := range queries {
		if strings.HasPrefix(q.at, "annotation") || onFaults(parsed[i], faults) {
			continue
		}
		if n, _, err := p.ask(variables.Replace(q.text)); err != nil {
			p.t.Fatal(err)
		} else if n == 0 {
			out = append(out, q)
		}
	}
	return out
}

// onFaults tells whether a query asks for nothing but what appears only when something breaks.
func onFaults(p parsed, faults series) bool {
	return len(p.Selectors) > 0 && !slices.ContainsFunc(p.Selectors, func(s selector) bool { return faults[s.Metric] == nil }) &&
		slices.ContainsFunc(p.Selectors, func(s selector) bool { return s.Metric != "dapr_component_pubsub_ingress_count" })
}

// report prints, for each dashboard, what answered.
func (p prometheus) report(queries []query, faults series) {
	type line struct{ queries, series, silent, nan int }
	byFile := map[string]line{}
	parsed := parse(p.t, queries)
	for i, q := range queries {
		l := byFile[q.file]
		l.queries++
		n, nan, err := p.ask(variables.Replace(q.text))
		if err != nil {
			p.t.Fatal(err)
		}
		l.series += n
		l.nan += nan
		if n == 0 && (onFaults(parsed[i], faults) || strings.HasPrefix(q.at, "annotation")) {
			l.silent++
		}
		byFile[q.file] = l
	}
	for _, name := range slices.Sorted(keysOf(byFile)) {
		l := byFile[name]
		p.t.Logf("%-18s %3d queries, %4d series (%d without an event so far), 0 empty, %d silent until something breaks", name, l.queries, l.series, l.nan, l.silent)
	}
}

// await waits until a query has an answer.
func (p prometheus) await(text string) {
	p.t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for limit := time.Now().Add(90 * time.Second); ; <-tick.C {
		switch n, _, err := p.ask(text); {
		case err != nil:
			p.t.Fatal(err)
		case n > 0:
			p.t.Logf("after garbage on a topic: %s", text)
			return
		case time.Now().After(limit):
			p.t.Fatalf("nothing answers %s", text)
		}
	}
}

// poison puts on a topic what no consumer can take.
func poison(t *testing.T, p *product.Product) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(p.Kafka.Seeds()...))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: "task-events", Value: []byte("no event")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// healthy holds that every target answers, every rule evaluates, and a healthy product pages nobody.
func (p prometheus) healthy() {
	p.t.Helper()
	if n, _, err := p.ask("up == 0"); err != nil || n > 0 {
		p.t.Errorf("%d targets do not answer, %v", n, err)
	}
	if n, _, err := p.ask("sum(prometheus_rule_evaluation_failures_total) > 0"); err != nil || n > 0 {
		p.t.Errorf("rules fail: %v", err)
	}
	if n, _, err := p.ask(`ALERTS{alertstate="firing", alertname="Watchdog"}`); err != nil || n != 1 {
		p.t.Errorf("%d heartbeats, want 1, %v", n, err)
	}
	if n, _, err := p.ask(`ALERTS{alertstate="firing", severity="page"}`); err != nil || n > 0 {
		p.t.Errorf("%d pages for a healthy product, %v", n, err)
	}
}
