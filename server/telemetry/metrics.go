package telemetry

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Build describes the running program.
type Build struct {
	Version, Commit, Mode string
}

// Labels are the values that labelled metrics may have. What is not listed is counted as "other".
type Labels struct {
	Rejected  []string // reasons of auth
	Limits    []string
	Tools     []string
	Codes     []string // outcomes of a tool call
	Statuses  []string // of ended turns
	Engines   []string
	Topics    []string
	Consumers []string
	Channels  []string // by which notifications leave
	Outcomes  []string // of an attempt to send one
	Ops       []string // kinds of round trips to the database
}

// latency are the bounds of histograms in seconds. Every threshold of an objective is one of them.
var latency = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.3, 0.5, 1, 2.5, 5, 10, 30, 60, 120}

// values are those that a label may have. A value from outside is counted as other, so that nothing a client sends can make
// a series.
type values map[string]bool

func newValues(list []string) values {
	v := values{}
	for _, s := range list {
		v[s] = true
	}
	return v
}

func (v values) of(s string) string {
	if v[s] {
		return s
	}
	return other
}

// Metrics are the product's series.
type Metrics struct {
	registry *prometheus.Registry

	routes, methods, tools, codes, statuses, engines, topics, consumers values

	requests       *prometheus.CounterVec
	requestSeconds *prometheus.HistogramVec
	rejected       closedSet
	keysLoaded     *prometheus.GaugeVec
	limited        closedSet

	turns       *prometheus.CounterVec
	turnRunning prometheus.Gauge
	turnSeconds *prometheus.HistogramVec
	firstToken  *prometheus.HistogramVec
	tokens      closedSet
	modelErrors closedSet
	approvals   closedSet
	toolCalls   *prometheus.CounterVec
	ackSeconds  *prometheus.HistogramVec

	connections prometheus.Gauge
	queueBytes  prometheus.Gauge
	conflated   prometheus.Counter
	closed      closedSet
	delivered   prometheus.Histogram
	gaps        closedSet
	fillRows    prometheus.Histogram
	resumed     closedSet
	snapshots   closedSet

	published    closedSet
	relayFailed  prometheus.Counter
	deadLetters  *prometheus.CounterVec
	lateness     prometheus.Histogram
	rescues      prometheus.Counter
	overdue      prometheus.Gauge
	successors   prometheus.Counter
	succession   prometheus.Histogram
	outboxSize   prometheus.Gauge
	outboxAge    prometheus.Gauge
	eventAge     *prometheus.HistogramVec
	resubscribed prometheus.Counter
	missed       prometheus.Counter
	failedOpen   prometheus.Counter
	deliveries   *prometheus.CounterVec
	channels     values
	outcomes     values

	queries  *prometheus.HistogramVec
	acquired prometheus.Histogram
	pool     func() (idle, used, limit int32) // nil: there is none
	dropped  closedSet
	ops      values
}

// New registers every series, labelled ones with each combination of their values at zero.
func New(b Build, l Labels) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), routes: values{}, methods: newValues([]string{"GET", "HEAD", "POST", "DELETE"}),
		tools: newValues(l.Tools), codes: newValues(l.Codes), statuses: newValues(l.Statuses), engines: newValues(l.Engines),
		topics: newValues(l.Topics), consumers: newValues(l.Consumers),
		channels: newValues(l.Channels), outcomes: newValues(l.Outcomes), ops: newValues(l.Ops),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.gauges("tandem_build_info", "The running build.", []string{"version", "commit", "mode", "go"}).
		WithLabelValues(b.Version, b.Commit, b.Mode, runtime.Version()).Set(1)
	m.registerHTTP(l)
	m.registerTurns(l)
	m.registerSync()
	m.registerWorkers(l)
	m.registerDatabase(l)
	m.dropped = m.closedSet("tandem_log_dropped_total", "Lines that did not reach a sink of logs; standard output has them.", "sink", []string{"loki"})
	return m
}

// Handler answers a scrape in Prometheus text.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// answers are the statuses that the HTTP surface gives.
var answers = []int{101, 200, 202, 204, 304, 400, 401, 403, 404, 405, 409, 413, 415, 421, 422, 429, 499, 500, 503}

// Routes names the routes with their methods, and puts their series there at zero. It is called once, before the first
// Request.
func (m *Metrics) Routes(methods map[string][]string) {
	for route, list := range methods {
		m.routes[route] = true
		m.requestSeconds.WithLabelValues(route)
		for _, method := range list {
			for _, code := range answers {
				m.requests.WithLabelValues(route, m.methods.of(method), strconv.Itoa(code))
			}
		}
	}
}

func (m *Metrics) registerHTTP(l Labels) {
	m.requests = m.counters("tandem_http_requests_total", "Answered requests.", []string{"route", "method", "code"})
	m.requestSeconds = m.histograms("tandem_http_request_seconds", "Time to answer a request.", []string{"route"})
	m.rejected = m.closedSet("tandem_auth_rejected_total", "Credentials that were not believed.", "reason", l.Rejected)
	m.keysLoaded = m.gauges("tandem_jwks_last_success_timestamp_seconds", "When the keys of an issuer were last loaded.", []string{"issuer"})
	m.limited = m.closedSet("tandem_limited_total", "Requests over a limit.", "limit", l.Limits)
}

func (m *Metrics) registerTurns(l Labels) {
	m.turns = m.counters("tandem_turn_total", "Ended turns.", []string{"status", "engine"})
	m.turnRunning = m.gauge("tandem_turn_running", "Turns that run here.")
	m.turnSeconds = m.histograms("tandem_turn_seconds", "Time of a turn.", []string{"engine"})
	m.firstToken = m.histograms("tandem_turn_ttft_seconds", "Time to a turn's first word.", []string{"engine"})
	for _, engine := range l.Engines {
		m.turnSeconds.WithLabelValues(engine)
		m.firstToken.WithLabelValues(engine)
		for _, status := range l.Statuses {
			m.turns.WithLabelValues(status, engine)
		}
	}
	m.tokens = m.closedSet("tandem_llm_tokens_total", "Tokens of models.", "kind", []string{"input", "output"})
	m.modelErrors = m.closedSet("tandem_llm_errors_total", "Failures of models.", "reason", []string{"http", "timeout", "stall", "open"})
	m.approvals = m.closedSet("tandem_approvals_total", "Questions to the person.", "outcome", []string{"asked", "yes", "no"})
	m.toolCalls = m.counters("tandem_tool_calls_total", "Tool calls.", []string{"tool", "code"})
	m.ackSeconds = m.histograms("tandem_mutation_ack_seconds", "Time from reading a mutation to its answer.", []string{"tool"})
	for _, tool := range l.Tools {
		m.ackSeconds.WithLabelValues(tool)
		for _, code := range l.Codes {
			m.toolCalls.WithLabelValues(tool, code)
		}
	}
}

func (m *Metrics) registerSync() {
	m.connections = m.gauge("tandem_ws_connections", "Open sockets.")
	m.queueBytes = m.gauge("tandem_ws_queue_bytes", "Bytes that wait for slow readers.")
	m.conflated = m.counter("tandem_ws_conflate_total", "Queues that were thrown away for one squashed change.")
	m.closed = m.closedSet("tandem_ws_close_total", "Ended sockets.", "code",
		[]string{"1000", "1001", "1006", "1009", "1012", "1013", "4400", "4401", "4403", "4408", "4426", "4429"})
	m.delivered = m.histogram("tandem_sync_commit_to_socket_seconds", "Time from a commit to a socket.", latency)
	m.gaps = m.closedSet("tandem_sync_gap_total", "Holes that were filled from the log.", "src", []string{"signal", "head", "check", "ack"})
	m.fillRows = m.histogram("tandem_sync_fill_rows", "Rows of one read of the log.", []float64{1, 10, 100, 1000, 10000})
	m.resumed = m.closedSet("tandem_sync_resume_total", "How connections caught up.", "mode", []string{"live", "delta", "snapshot"})
	m.snapshots = m.closedSet("tandem_sync_snapshot_total", "Why snapshots were sent.", "why", []string{"new", "epoch", "ahead", "expired", "cheaper"})
}

func (m *Metrics) registerWorkers(l Labels) {
	m.published = m.closedSet("tandem_events_published_total", "Events that the relay put on a topic.", "topic", l.Topics)
	m.relayFailed = m.counter("tandem_relay_failures_total", "Times that the relay could not drain the outbox.")
	m.deadLetters = m.counters("tandem_dead_letters_total", "Events that no one could take.", []string{"topic", "consumer"})
	for _, topic := range l.Topics {
		for _, consumer := range l.Consumers {
			m.deadLetters.WithLabelValues(topic, consumer)
		}
	}
	m.lateness = m.histogram("tandem_reminder_lateness_seconds", "How late reminders fired.", latency)
	m.overdue = m.gauge("tandem_reminders_overdue", "Reminders whose time has passed and that did not fire.")
	m.rescues = m.counter("tandem_sweeper_rescues_total", "Reminders that the sweep fired instead of their timer.")
	m.successors = m.counter("tandem_recurrence_successors_total", "Next occurrences that were made.")
	m.succession = m.histogram("tandem_recurrence_delay_seconds", "Time from a completion to the next occurrence.", latency)
	m.outboxSize = m.gauge("tandem_outbox_pending", "Events that wait to be published.")
	m.outboxAge = m.gauge("tandem_outbox_oldest_age_seconds", "How long the oldest event waits to be published.")
	m.eventAge = m.histograms("tandem_event_age_seconds", "Age of events when a consumer takes them.", []string{"consumer"})
	for _, consumer := range l.Consumers {
		m.eventAge.WithLabelValues(consumer)
	}
	m.resubscribed = m.counter("tandem_redis_resub_total", "Subscriptions at Redis that were made anew.")
	m.missed = m.counter("tandem_redis_missed_total", "Signals that were not carried to other processes or did not fit; the log makes up for them.")
	m.failedOpen = m.counter("tandem_once_fail_open_total", "Events that were handled without an idempotency key.")
	m.deliveries = m.counters("tandem_deliveries_total", "Attempts to send a notification to an address.", []string{"channel", "outcome"})
	for _, channel := range l.Channels {
		for _, outcome := range l.Outcomes {
			m.deliveries.WithLabelValues(channel, outcome)
		}
	}
}

func (m *Metrics) registerDatabase(l Labels) {
	m.queries = m.histograms("tandem_db_query_seconds", "Time of a round trip to the database.", []string{"op"})
	for _, op := range l.Ops {
		m.queries.WithLabelValues(op)
	}
	m.acquired = m.histogram("tandem_db_pool_acquire_seconds", "Time until the pool gave a connection.", latency)
	for state, of := range map[string]func(idle, used, limit int32) int32{
		"idle": func(idle, _, _ int32) int32 { return idle },
		"used": func(_, used, _ int32) int32 { return used },
		"max":  func(_, _, limit int32) int32 { return limit },
	} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tandem_db_pool_connections", Help: "Connections to the database.", ConstLabels: prometheus.Labels{"state": state},
		}, func() float64 {
			if m.pool == nil {
				return 0
			}
			return float64(of(m.pool()))
		}))
	}
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) counters(name, help string, labels []string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

// closedSet is a counter with one label of known values; others are counted as "other".
type closedSet map[string]prometheus.Counter

func (m *Metrics) closedSet(name, help, label string, values []string) closedSet {
	c := m.counters(name, help, []string{label})
	set := closedSet{other: c.WithLabelValues(other)}
	for _, v := range values {
		set[v] = c.WithLabelValues(v)
	}
	return set
}

const other = "other"

// of gives the counter of a value.
func (s closedSet) of(v string) prometheus.Counter {
	if c, ok := s[v]; ok {
		return c
	}
	return s[other]
}

func (m *Metrics) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	m.registry.MustRegister(g)
	return g
}

func (m *Metrics) gauges(name, help string, labels []string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(g)
	return g
}

func (m *Metrics) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return h
}

func (m *Metrics) histograms(name, help string, labels []string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: latency}, labels)
	m.registry.MustRegister(h)
	return h
}

// seconds never goes below zero: two clocks may disagree.
func seconds(d time.Duration) float64 { return max(d, 0).Seconds() }
