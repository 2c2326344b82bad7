package main

import (
	"flag"
	"slices"
	"testing"

	"tandem/server/dapr"
)

func TestConfig_TakesSecrets(t *testing.T) {
	t.Parallel()
	c := config{ModelKey: "set at the start", SMTPURL: "smtp://set.example"}
	for _, step := range []struct {
		name    string
		fields  map[string]string
		changed bool
	}{
		{dapr.SecretModel, map[string]string{"api_key": ""}, false},
		{dapr.SecretModel, map[string]string{"api_key": "new"}, true},
		{dapr.SecretModel, map[string]string{"api_key": "new"}, false},
		{dapr.SecretSMTP, map[string]string{"api_key": "of another secret"}, false},
		{dapr.SecretVAPID, map[string]string{"public_key": "p", "private_key": "v"}, true},
		{dapr.SecretWebhook, map[string]string{"signing_key": "w"}, true},
	} {
		if changed := c.take(step.name, step.fields); changed != step.changed {
			t.Errorf("%s %v: changed %t, want %t", step.name, step.fields, changed, step.changed)
		}
	}
	if want := (config{ModelKey: "new", SMTPURL: "smtp://set.example", VAPIDKey: "v", WebhookKey: "w"}); c.ModelKey != want.ModelKey ||
		c.SMTPURL != want.SMTPURL || c.VAPIDKey != want.VAPIDKey || c.WebhookKey != want.WebhookKey {
		t.Errorf("took %+v", c)
	}
	for _, app := range dapr.Apps {
		for _, name := range app.Secrets {
			if c := (config{}); !c.take(name, map[string]string{"api_key": "x", "url": "x", "private_key": "x", "signing_key": "x"}) {
				t.Errorf("%s asks for %s, of which nothing is taken", app.ID, name)
			}
		}
	}
}

func TestConfig_HasKeysOfItsOwn(t *testing.T) {
	t.Parallel()
	c, err := config{DataDir: t.TempDir()}.withOwnKeys()
	if err != nil || c.VAPIDKey == "" || c.WebhookKey == "" {
		t.Fatalf("keys %q, %q, %v", c.VAPIDKey, c.WebhookKey, err)
	}
	again, err := config{DataDir: c.DataDir, WebhookKey: "set"}.withOwnKeys()
	if err != nil || again.VAPIDKey != c.VAPIDKey || again.WebhookKey != "set" {
		t.Errorf("the next time: %q, %q, %v", again.VAPIDKey, again.WebhookKey, err)
	}
	if none, err := (config{AuthIssuers: "issuers.json"}).withOwnKeys(); err != nil || none.VAPIDKey != "" {
		t.Errorf("without a secret: %q, %v", none.VAPIDKey, err)
	}
}

// Whatever stands in a secret setting is kept from the log.
func TestConfig_NamesWhatLogsHide(t *testing.T) {
	t.Parallel()
	n := 0
	for _, s := range settings {
		if !s.secret {
			continue
		}
		n++
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		load := bind(fs)
		value := "canary-of-sixteen-and-more-bytes"
		for _, try := range []string{value, "postgres://u:" + value + "@h/d", "redis://:" + value + "@h", "http://u:" + value + "@h"} {
			if err := fs.Parse([]string{"--" + s.flag, try}); err != nil {
				t.Fatal(err)
			}
			c, err := load()
			if err != nil {
				continue
			}
			if !slices.Contains(c.secrets, try) {
				t.Errorf("the log may show %s", s.env)
			}
		}
	}
	if n < 9 {
		t.Errorf("%d secret settings", n)
	}
}
