package main

import (
	"context"
	"maps"
	"slices"
	"sync"

	"tandem/agent"
	"tandem/agent/llm"
	"tandem/server/dapr"
)

// secrets are those that the store of the sidecar may change while the program runs, each with its place in the configuration. One that is
// empty there stays as it was set at the start.
var secrets = []struct {
	name, field string
	of          func(*config) *string
}{
	{dapr.SecretModel, "api_key", func(c *config) *string { return &c.ModelKey }},
	{dapr.SecretSMTP, "url", func(c *config) *string { return &c.SMTPURL }},
	{dapr.SecretVAPID, "private_key", func(c *config) *string { return &c.VAPIDKey }},
	{dapr.SecretWebhook, "signing_key", func(c *config) *string { return &c.WebhookKey }},
}

// secretTasks follow the secrets that the app may ask for, and hand the configuration to apply whenever one has changed, one call at a time.
func (s *station) secretTasks(apply func(context.Context, config)) []task {
	var mu sync.Mutex
	now := s.cfg
	tasks := make([]task, 0, len(s.app.Secrets))
	for _, name := range s.app.Secrets {
		tasks = append(tasks, task{"secret " + name, func(ctx context.Context) error {
			return s.sidecar.WatchSecret(ctx, name, func(fields map[string]string) {
				mu.Lock()
				defer mu.Unlock()
				s.hidden.Add(slices.Collect(maps.Values(fields))...)
				if now.take(name, fields) {
					apply(ctx, now)
				}
			})
		}})
	}
	return tasks
}

// take reports whether the fields of a secret changed the configuration.
func (c *config) take(name string, fields map[string]string) (changed bool) {
	for _, row := range secrets {
		if v := fields[row.field]; row.name == name && v != "" && v != *row.of(c) {
			*row.of(c), changed = v, true
		}
	}
	return changed
}

// modelOf is the model that a key is set for; nil: none is.
func (b *base) modelOf(c config) agent.Model {
	if c.ModelKey == "" {
		return nil
	}
	o := llm.Options{Key: c.ModelKey, BaseURL: c.ModelURL, Model: c.ModelName, Log: b.log}
	if c.ModelAPI == "responses" {
		return llm.NewResponses(o)
	}
	return llm.New(o)
}

// lead has the agent ask the model whose key is in force.
func (s *server) lead(_ context.Context, c config) { s.core.agent.Lead(s.modelOf(c)) }

// refit makes the courier send with the secrets in force. Those of which no channel can be made change nothing.
func (w *crew) refit(ctx context.Context, c config) {
	ways, err := channels(c)
	if err != nil {
		w.log.WarnContext(ctx, "secret not usable", "err", err)
		return
	}
	w.courier.Use(ways)
}
