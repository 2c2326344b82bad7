package main

import (
	"slices"
	"time"

	"tandem"
	"tandem/agent"
	"tandem/agent/tools"
	"tandem/server/auth"
	"tandem/server/dapr"
	"tandem/server/postgres"
	"tandem/server/redis"
	"tandem/server/rest"
	"tandem/server/telemetry"
	"tandem/sync/hub"
	"tandem/sync/session"
	"tandem/workers/audit"
	"tandem/workers/notify"
	"tandem/workers/recur"
	"tandem/workers/relay"
	"tandem/workers/remind"
)

// newMetrics registers the product's series with the values that their labels may have.
func newMetrics(mode string) *telemetry.Metrics {
	tag, commit := version()
	return telemetry.New(telemetry.Build{Version: tag, Commit: commit, Mode: mode}, telemetry.Labels{
		Rejected: names(auth.Reasons),
		Limits: slices.Concat(rest.LimitNames, []string{
			session.LimitAdmission, session.LimitSockets, session.LimitMessages, session.LimitLine, "reads", "writes",
		}),
		Tools: append(slices.Clone(tools.Names), "set"),
		Codes: []string{
			"ok", "replayed", string(tandem.CodeInvalid), string(tandem.CodeNotFound), string(tandem.CodeAmbiguous), string(tandem.CodeForbidden),
			string(tandem.CodeConflict), string(tandem.CodeNeedsApproval), string(tandem.CodeLimited), string(tandem.CodeInternal),
		},
		Statuses: names([]tandem.TurnStatus{tandem.TurnDone, tandem.TurnLimit, tandem.TurnCancelled, tandem.TurnFailed, tandem.TurnLost}),
		Engines:  []string{"llm", "planner"},
		Topics:   names(tandem.Topics),
		Consumers: []string{
			recur.Consumer, remind.Consumer, notify.Consumer, audit.Consumer, hubConsumer,
		},
		Channels: names(tandem.Media), Outcomes: notify.Outcomes, Ops: postgres.Ops,
	})
}

func names[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

func authMetrics(m *telemetry.Metrics) auth.Metrics {
	return auth.Metrics{Rejected: func(r auth.Reason) { m.Rejected(string(r)) }, KeysLoaded: m.KeysLoaded}
}

func agentMetrics(m *telemetry.Metrics) agent.Metrics {
	return agent.Metrics{
		Running: m.TurnRunning, FirstToken: m.FirstToken, Tokens: m.Tokens, ModelError: m.ModelError, Approval: m.Approval,
		Ended: func(status tandem.TurnStatus, engine string, took time.Duration) {
			m.TurnEnded(string(status), engine, took)
		},
	}
}

func toolMetrics(m *telemetry.Metrics) tools.Metrics {
	return tools.Metrics{Called: m.ToolCalled, Limited: m.Limited}
}

func hubMetrics(m *telemetry.Metrics) hub.Metrics {
	return hub.Metrics{Delivered: m.Delivered, Gap: m.Gap, Filled: m.Filled, Conflated: m.Conflated, Queued: m.Queued, Resumed: m.Resumed}
}

func sessionMetrics(m *telemetry.Metrics) session.Metrics {
	return session.Metrics{Connections: m.Connections, Closed: m.Closed, Limited: m.Limited, Answered: m.Answered}
}

func restMetrics(m *telemetry.Metrics) rest.Metrics {
	return rest.Metrics{Request: m.Request, Limited: m.Limited}
}

func relayMetrics(m *telemetry.Metrics) relay.Metrics {
	return relay.Metrics{Published: func(t tandem.Topic) { m.Published(string(t)) }, Failed: m.RelayFailed, Backlog: m.Backlog}
}

func remindMetrics(m *telemetry.Metrics) remind.Metrics {
	return remind.Metrics{Fired: m.ReminderFired, Rescued: m.Rescued, Overdue: m.Overdue}
}

func databaseMetrics(m *telemetry.Metrics) postgres.Metrics {
	return postgres.Metrics{Query: m.Queried, Acquired: m.Acquired}
}

func redisMetrics(m *telemetry.Metrics) redis.Metrics {
	return redis.Metrics{Resubscribed: m.Resubscribed, Missed: m.SignalMissed}
}

func sidecarMetrics(m *telemetry.Metrics) dapr.Metrics {
	return dapr.Metrics{DeadLetter: func(t tandem.Topic, consumer string) { m.DeadLetter(string(t), consumer) }}
}

func ageOf(e tandem.Event) time.Duration { return time.Since(time.Time(e.Timestamp)) }
