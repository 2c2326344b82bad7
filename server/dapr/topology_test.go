package dapr

import (
	"cmp"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"tandem"
)

// resource is a file of ops/dapr, of any kind. Fields match their keys whatever the letters' case.
type resource struct {
	Kind     string
	Metadata struct{ Name string }
	Scopes   []string
	Auth     struct{ SecretStore string }
	Spec     struct {
		Type            string
		PubSubName      string
		Topic           string
		Routes          struct{ Default string }
		DeadLetterTopic string
		BulkSubscribe   any
		Metadata        any
		MTLS            struct{ Enabled bool }
		API             struct{ Allowed []API }
		AccessControl   struct {
			DefaultAction string
			TrustDomain   string
			Policies      []policy
		}
		Policies struct {
			Retries map[string]struct {
				Policy      string
				MaxInterval string
				MaxRetries  int
			}
		}
		Targets struct {
			Apps       map[string]any
			Components map[string]struct {
				Inbound  struct{ Retry, CircuitBreaker string }
				Outbound struct{ Retry, CircuitBreaker string }
			}
		}
		Secrets struct {
			Scopes []struct {
				StoreName      string
				DefaultAccess  string
				AllowedSecrets []string
			}
		}
	}
}

// policy is what one app may call.
type policy struct {
	AppID         string
	DefaultAction string
	TrustDomain   string
	Operations    []struct{ Name, Action string }
}

// field gives a component's setting: its value, or SECRET/FIELD or $VARIABLE where it comes from elsewhere.
func (r resource) field(name string) string {
	list, _ := r.Spec.Metadata.([]any)
	for _, item := range list {
		m, _ := item.(map[string]any)
		if m["name"] != name {
			continue
		}
		if ref, ok := m["secretKeyRef"].(map[string]any); ok {
			return ref["name"].(string) + "/" + ref["key"].(string)
		}
		if env, ok := m["envRef"].(string); ok {
			return "$" + env
		}
		value, _ := m["value"].(string)
		return value
	}
	return ""
}

const files = "../../ops/dapr"

// load reads every file of a folder.
func load(t *testing.T, dir string) map[string]resource {
	t.Helper()
	out := map[string]resource{}
	root := os.DirFS(files)
	err := fs.WalkDir(root, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		var r resource
		if err := yaml.Unmarshal(data, &r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		out[name] = r
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatalf("no file in %s", dir)
	}
	return out
}

func sorted[E cmp.Ordered](list []E) []E { return slices.Sorted(slices.Values(list)) }

// appsWith lists the ids of the apps of which f is true.
func appsWith(f func(App) bool) []string {
	var out []string
	for _, a := range Apps {
		if f(a) {
			out = append(out, a.ID)
		}
	}
	return sorted(out)
}

func uses(component string) func(App) bool {
	return func(a App) bool { return a.PubSub == component || slices.Contains(a.Components, component) }
}

// subscribed lists the topics that an app takes.
func subscribed(a App) []string {
	out := names(a.Topics...)
	if a.Dead {
		out = append(out, dead(tandem.Topics...)...)
	}
	return sorted(out)
}

func TestTopology_SubscriptionFilesAreTheTable(t *testing.T) {
	want := map[string]string{}
	for _, a := range Apps {
		for _, topic := range subscribed(a) {
			want[a.ID+" "+topic] = a.PubSub
		}
	}
	got := map[string]string{}
	for name, r := range load(t, "subscriptions") {
		if len(r.Scopes) != 1 {
			t.Errorf("%s: scopes %v, want one app", name, r.Scopes)
			continue
		}
		key := r.Scopes[0] + " " + r.Spec.Topic
		if _, twice := got[key]; twice {
			t.Errorf("%s: a second file for %s is ignored by the sidecar", name, key)
		}
		got[key] = r.Spec.PubSubName
		letters := r.Spec.Topic + dlqSuffix
		if strings.HasSuffix(r.Spec.Topic, dlqSuffix) {
			letters = ""
		}
		meta, _ := r.Spec.Metadata.(map[string]any)
		if r.Spec.DeadLetterTopic != letters || r.Spec.Routes.Default == "" || r.Spec.BulkSubscribe != nil || meta["rawPayload"] != "true" {
			t.Errorf("%s: %+v; want dead letters on %q, a default route, one event at a time, bytes as they are", name, r.Spec, letters)
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("subscriptions (-table +files):\n%s", diff)
	}
}

func TestTopology_ComponentsAreScopedToTheTable(t *testing.T) {
	seen := map[string]bool{}
	for name, r := range load(t, "components") {
		seen[r.Metadata.Name] = true
		if diff := gocmp.Diff(appsWith(uses(r.Metadata.Name)), sorted(r.Scopes)); diff != "" {
			t.Errorf("%s: scopes (-table +file):\n%s", name, diff)
		}
		if len(r.Scopes) == 0 {
			t.Errorf("%s: without scopes every app has it", name)
		}
		if r.Metadata.Name != SecretStore && r.Auth.SecretStore != SecretStore {
			t.Errorf("%s: its secrets come from %q", name, r.Auth.SecretStore)
		}
		if strings.HasPrefix(r.Spec.Type, "pubsub.") {
			checkTopics(t, name, r)
		}
	}
	for _, component := range []string{PubSub, PubSubHub, KeyStore, CacheStore, SecretStore} {
		if !seen[component] {
			t.Errorf("no file declares %s", component)
		}
	}
}

// checkTopics compares who may publish and subscribe to what through a component.
func checkTopics(t *testing.T, name string, r resource) {
	t.Helper()
	var all []string
	for _, topic := range BrokerTopics() {
		all = append(all, topic.Name)
	}
	if diff := gocmp.Diff(sorted(all), sorted(strings.Split(r.field("protectedTopics"), ","))); diff != "" {
		t.Errorf("%s: protected topics (-table +file):\n%s", name, diff)
	}
	publishing, subscription := grants(r.field("publishingScopes")), grants(r.field("subscriptionScopes"))
	for _, a := range Apps {
		if a.PubSub != r.Metadata.Name {
			continue
		}
		if diff := gocmp.Diff(sorted(a.Publishes), publishing[a.ID]); diff != "" {
			t.Errorf("%s: %s publishes (-table +file):\n%s", name, a.ID, diff)
		}
		if diff := gocmp.Diff(subscribed(a), subscription[a.ID]); diff != "" {
			t.Errorf("%s: %s subscribes (-table +file):\n%s", name, a.ID, diff)
		}
		delete(publishing, a.ID)
		delete(subscription, a.ID)
	}
	if len(publishing)+len(subscription) > 0 {
		t.Errorf("%s: grants to apps that are not in the table: %v %v", name, publishing, subscription)
	}
	for key, want := range map[string]string{
		"consumerGroup": "{appID}", "version": "3.6.0", "maxMessageBytes": "1048576", "brokers": "tandem-kafka/brokers",
		"initialOffset": map[string]string{PubSub: "oldest", PubSubHub: "newest"}[r.Metadata.Name],
		// Retries that end at the component lose the event.
		"backOffMaxRetries": "",
	} {
		if got := r.field(key); got != want {
			t.Errorf("%s: %s is %q, want %q", name, key, got, want)
		}
	}
}

// grants reads "app=topic,topic;app=topic".
func grants(text string) map[string][]string {
	out := map[string][]string{}
	for row := range strings.SplitSeq(text, ";") {
		app, list, _ := strings.Cut(row, "=")
		out[app] = sorted(slices.DeleteFunc(strings.Split(list, ","), func(s string) bool { return s == "" }))
	}
	return out
}

func TestTopology_ConfigurationsGrantTheTable(t *testing.T) {
	configs := load(t, "config")
	for _, a := range Apps {
		r, ok := configs["config/"+a.ID+".yaml"]
		if !ok || r.Metadata.Name != a.ID {
			t.Errorf("config/%s.yaml is missing or has another name", a.ID)
			continue
		}
		if diff := gocmp.Diff(a.APIs, r.Spec.API.Allowed); diff != "" {
			t.Errorf("%s: allowed APIs (-table +file):\n%s", a.ID, diff)
		}
		for _, protocol := range []string{"http", "grpc"} {
			if !slices.ContainsFunc(r.Spec.API.Allowed, func(p API) bool { return p.Protocol == protocol }) {
				t.Errorf("%s: naming no API of %s leaves all of it open", a.ID, protocol)
			}
		}
		checkAccess(t, a, r)
	}
	if want := len(Apps) + 1; len(configs) != want {
		t.Errorf("%d configurations, want one for each app and one for names", len(configs))
	}
}

func checkAccess(t *testing.T, a App, r resource) {
	t.Helper()
	access, secrets := r.Spec.AccessControl, r.Spec.Secrets.Scopes
	if !r.Spec.MTLS.Enabled || access.DefaultAction != "deny" || access.TrustDomain != "public" {
		t.Errorf("%s: mTLS %v, access %+v; want mTLS and deny by default", a.ID, r.Spec.MTLS.Enabled, access)
	}
	var callers []string
	for _, p := range access.Policies {
		callers = append(callers, p.AppID)
		if p.DefaultAction != "deny" || p.TrustDomain != "public" || len(p.Operations) != 1 || p.Operations[0].Name != "/api/**/chat" {
			t.Errorf("%s: %s may %+v, want the chat alone", a.ID, p.AppID, p)
		}
	}
	if diff := gocmp.Diff(a.Callers, callers); diff != "" {
		t.Errorf("%s: callers (-table +file):\n%s", a.ID, diff)
	}
	if len(secrets) != 1 || secrets[0].StoreName != SecretStore || secrets[0].DefaultAccess != "deny" {
		t.Fatalf("%s: secrets %+v, want those of the table alone", a.ID, secrets)
	}
	if diff := gocmp.Diff(a.Secrets, secrets[0].AllowedSecrets); diff != "" {
		t.Errorf("%s: secrets (-table +file):\n%s", a.ID, diff)
	}
}

func TestTopology_ResiliencyRetriesDeliveriesWithoutEnd(t *testing.T) {
	r := load(t, "resiliency.yaml")["resiliency.yaml"]
	if diff := gocmp.Diff(appsWith(func(a App) bool { return a.PubSub != "" }), sorted(r.Scopes)); diff != "" {
		t.Errorf("scopes (-table +file):\n%s", diff)
	}
	for _, name := range []string{PubSub, PubSubHub, KeyStore, CacheStore} {
		target, ok := r.Spec.Targets.Components[name]
		if !ok || target.Inbound.CircuitBreaker+target.Outbound.CircuitBreaker != "" {
			t.Errorf("%s: %+v; an open breaker sets healthy events aside", name, target)
		}
		deliver := r.Spec.Policies.Retries[target.Inbound.Retry]
		longest, err := time.ParseDuration(deliver.MaxInterval)
		switch {
		case name == KeyStore || name == CacheStore:
			if target.Outbound.Retry != "" {
				t.Errorf("%s is retried by %q: an answer that was lost conflicts with itself", name, target.Outbound.Retry)
			}
		case deliver.MaxRetries != -1 || err != nil || longest >= recoveryPause:
			t.Errorf("%s: deliveries are retried as %+v, want without end, and more often than %s", name, deliver, recoveryPause)
		}
	}
	if len(r.Spec.Targets.Apps) > 0 {
		t.Errorf("policies on apps %v; callers repeat under their key", r.Spec.Targets.Apps)
	}
}

func TestTopology_TopicsOfTheProduct(t *testing.T) {
	got := map[string]int32{}
	for _, topic := range BrokerTopics() {
		got[topic.Name] = topic.Partitions
	}
	want := map[string]int32{
		"task-events": 12, "task-events-dlq": 1, "reminders": 12, "reminders-dlq": 1, "task-updates": 12, "task-updates-dlq": 1,
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("topics (-want +got):\n%s", diff)
	}
	if _, ok := AppByID("tandem"); ok {
		t.Error("an app that is not there was found")
	}
}
