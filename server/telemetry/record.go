package telemetry

import (
	"strconv"
	"time"
)

// Request counts an answered request.
func (m *Metrics) Request(route, method string, code int, took time.Duration) {
	route = m.routes.of(route)
	m.requests.WithLabelValues(route, m.methods.of(method), strconv.Itoa(code)).Inc()
	m.requestSeconds.WithLabelValues(route).Observe(seconds(took))
}

// Limited counts a request over a limit.
func (m *Metrics) Limited(limit string) { m.limited.of(limit).Inc() }

// Rejected counts a credential that was not believed.
func (m *Metrics) Rejected(reason string) { m.rejected.of(reason).Inc() }

// KeysLoaded tells when the keys of an issuer were loaded.
func (m *Metrics) KeysLoaded(issuer string, at time.Time) {
	m.keysLoaded.WithLabelValues(issuer).Set(float64(at.Unix()))
}

// TurnRunning counts the turns that run.
func (m *Metrics) TurnRunning(delta int) { m.turnRunning.Add(float64(delta)) }

// TurnEnded counts an ended turn.
func (m *Metrics) TurnEnded(status, engine string, took time.Duration) {
	engine = m.engines.of(engine)
	m.turns.WithLabelValues(m.statuses.of(status), engine).Inc()
	m.turnSeconds.WithLabelValues(engine).Observe(seconds(took))
}

// FirstToken tells how long the first word of a turn took.
func (m *Metrics) FirstToken(engine string, after time.Duration) {
	m.firstToken.WithLabelValues(m.engines.of(engine)).Observe(seconds(after))
}

// Tokens counts tokens of a model.
func (m *Metrics) Tokens(kind string, n int64) {
	m.tokens.of(kind).Add(float64(n))
}

// ModelError counts a failure of a model.
func (m *Metrics) ModelError(reason string) {
	m.modelErrors.of(reason).Inc()
}

// Approval counts a question to the person and its answer.
func (m *Metrics) Approval(outcome string) {
	m.approvals.of(outcome).Inc()
}

// ToolCalled counts a tool call.
func (m *Metrics) ToolCalled(tool, code string, _ time.Duration) {
	m.toolCalls.WithLabelValues(m.tools.of(tool), m.codes.of(code)).Inc()
}

// Answered tells how long a mutation of a device took.
func (m *Metrics) Answered(tool, _ string, took time.Duration) {
	m.ackSeconds.WithLabelValues(m.tools.of(tool)).Observe(seconds(took))
}

// Connections counts open sockets.
func (m *Metrics) Connections(delta int) { m.connections.Add(float64(delta)) }

// Closed counts an ended socket.
func (m *Metrics) Closed(code int) {
	m.closed.of(strconv.Itoa(code)).Inc()
}

// Queued counts the bytes that wait for slow readers.
func (m *Metrics) Queued(delta int) { m.queueBytes.Add(float64(delta)) }

// Conflated counts a queue that was thrown away.
func (m *Metrics) Conflated() { m.conflated.Inc() }

// Delivered tells how long a change took from its signal to a socket.
func (m *Metrics) Delivered(d time.Duration) { m.delivered.Observe(seconds(d)) }

// Gap counts a hole in what a room had heard.
func (m *Metrics) Gap(src string) { m.gaps.of(src).Inc() }

// Filled tells how many rows a read of the log brought.
func (m *Metrics) Filled(rows int) { m.fillRows.Observe(float64(rows)) }

// Resumed counts how a connection caught up, and why by snapshot.
func (m *Metrics) Resumed(mode, why string) {
	m.resumed.of(mode).Inc()
	if why != "" {
		m.snapshots.of(why).Inc()
	}
}

// Published counts an event that the relay put on a topic.
func (m *Metrics) Published(topic string) { m.published.of(topic).Inc() }

// RelayFailed counts a drain that failed.
func (m *Metrics) RelayFailed() { m.relayFailed.Inc() }

// DeadLetter counts an event that no one could take.
func (m *Metrics) DeadLetter(topic, consumer string) {
	m.deadLetters.WithLabelValues(m.topics.of(topic), m.consumers.of(consumer)).Inc()
}

// ReminderFired tells how late a reminder was.
func (m *Metrics) ReminderFired(late time.Duration) { m.lateness.Observe(seconds(late)) }

// Rescued counts a reminder that the sweep fired.
func (m *Metrics) Rescued() { m.rescues.Inc() }

// Overdue tells how many reminders did not fire at their time.
func (m *Metrics) Overdue(n int) { m.overdue.Set(float64(n)) }

// Recurred tells how long after the completion a next occurrence was made.
func (m *Metrics) Recurred(delay time.Duration) {
	m.successors.Inc()
	m.succession.Observe(seconds(delay))
}

// Backlog tells what waits in the outbox.
func (m *Metrics) Backlog(pending int, oldest time.Duration) {
	m.outboxSize.Set(float64(pending))
	m.outboxAge.Set(seconds(oldest))
}

// EventTaken tells how old an event was when a consumer took it.
func (m *Metrics) EventTaken(consumer string, age time.Duration) {
	m.eventAge.WithLabelValues(m.consumers.of(consumer)).Observe(seconds(age))
}

// Resubscribed counts that the subscriptions at Redis were made anew.
func (m *Metrics) Resubscribed() { m.resubscribed.Inc() }

// SignalMissed counts a signal that was not carried to other processes or did not fit here.
func (m *Metrics) SignalMissed() { m.missed.Inc() }

// FailedOpen counts an event that was handled without an idempotency key.
func (m *Metrics) FailedOpen() { m.failedOpen.Inc() }

// Delivery counts how an attempt to send a notification ended.
func (m *Metrics) Delivery(channel, outcome string) {
	m.deliveries.WithLabelValues(m.channels.of(channel), m.outcomes.of(outcome)).Inc()
}

// Pool tells where to ask for the connections to the database. It is called once, before the first scrape.
func (m *Metrics) Pool(stat func() (idle, used, limit int32)) { m.pool = stat }

// Queried tells how long a round trip to the database took.
func (m *Metrics) Queried(op string, took time.Duration) {
	m.queries.WithLabelValues(m.ops.of(op)).Observe(seconds(took))
}

// Acquired tells how long the pool took to give a connection.
func (m *Metrics) Acquired(waited time.Duration) { m.acquired.Observe(seconds(waited)) }

// LogDropped counts lines that did not reach a sink of logs.
func (m *Metrics) LogDropped(sink string, n int) { m.dropped.of(sink).Add(float64(n)) }
