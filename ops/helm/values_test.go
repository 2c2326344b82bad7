package helm

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// leaf is a value that is no map of other values.
type leaf struct {
	path  string
	value any
}

func leaves(t *testing.T) []leaf {
	t.Helper()
	data, err := os.ReadFile(chart + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(data, &values); err != nil {
		t.Fatal(err)
	}
	return flatten("", values)
}

func flatten(prefix string, values map[string]any) []leaf {
	var out []leaf
	for _, key := range slices.Sorted(maps.Keys(values)) {
		path := strings.TrimPrefix(prefix+"."+key, ".")
		if m, ok := values[key].(map[string]any); ok && len(m) > 0 {
			out = append(out, flatten(path, m)...)
		} else {
			out = append(out, leaf{path, values[key]})
		}
	}
	return out
}

// others are valid values other than the defaults, where those cannot be derived. A value may need others beside it.
var others = map[string]string{
	"image.digest":                     `image.digest="sha256:` + strings.Repeat("cd", 32) + `"`,
	"image.pullPolicy":                 `image.pullPolicy="Always"`,
	"image.pullSecrets":                `image.pullSecrets=["registry"]`,
	"logLevel":                         `logLevel="debug"`,
	"trustedProxies":                   `trustedProxies=["192.0.2.0/24"]`,
	"workers.mode":                     `workers.mode="all"`,
	"model.url":                        `model.url="https://model.example.com/v1"`,
	"mail.from":                        `mail.from="a@example.com"`,
	"resources.cpu":                    `resources.cpu="123m"`,
	"resources.memory":                 `resources.memory="77Mi"`,
	"resources.memoryLimit":            `resources.memoryLimit="777Mi"`,
	"sidecar.cpu":                      `sidecar.cpu="123m"`,
	"sidecar.memory":                   `sidecar.memory="77Mi"`,
	"sidecar.memoryLimit":              `sidecar.memoryLimit="777Mi"`,
	"sidecar.goMemLimit":               `sidecar.goMemLimit="777MiB"`,
	"sidecar.logLevel":                 `sidecar.logLevel="debug"`,
	"sidecar.image":                    `sidecar.image="daprd:1"`,
	"scheduling.nodeSelector":          `scheduling.nodeSelector={"a":"b"}`,
	"scheduling.tolerations":           `scheduling.tolerations=[{"key":"a","operator":"Exists"}]`,
	"scheduling.priorityClassName":     `scheduling.priorityClassName="high"`,
	"autoscaling.provider":             `autoscaling.provider="none"`,
	"edge.kind":                        `edge.kind="none"`,
	"edge.gateway.policy":              `edge.gateway.policy="none"`,
	"edge.ingress.className":           `edge.ingress.className="x"`,
	"edge.ingress.tlsSecret":           `edge.ingress.tlsSecret="cert"`,
	"edge.ingress.annotations":         `edge.ingress.annotations={"a":"b"}`,
	"auth.url":                         `auth.url="https://elsewhere.example.com"`,
	"auth.issuers":                     `auth.issuers=[{"iss":"a","alg":"ES256","jwks_url":"https://a.example.com/keys"}]`,
	"auth.service.enabled":             `auth.service.enabled=false`,
	"auth.service.place":               `auth.service.place="beside"`,
	"auth.service.image.digest":        `auth.service.image.digest="sha256:` + strings.Repeat("cd", 32) + `"`,
	"secrets.mode":                     `secrets.mode="existing"`,
	"secrets.external.storeKind":       `secrets.external.storeKind="ClusterSecretStore"`,
	"secrets.external.refreshInterval": `secrets.external.refreshInterval="2h"`,
	"kafka.auth":                       `kafka.auth="sasl"`,
	"kafka.topics":                     `kafka.topics="none"`,
	"migration.run":                    `migration.run="job"`,
	"bundled.storage":                  `bundled.storage="7Gi"`,
	"bundled.storageClass":             `bundled.storageClass="fast"`,
	"network.edgeNamespace":            `network.edgeNamespace="edge"`,
	"network.postgres.cidr":            `network.postgres.cidr="192.0.2.1/32"`,
	"network.redis.cidr":               `network.redis.cidr="192.0.2.1/32"`,
	"network.kafka.cidr":               `network.kafka.cidr="192.0.2.1/32"`,
	"network.apiServer.cidr":           `network.apiServer.cidr="192.0.2.1/32"`,
	"network.privateRanges":            `network.privateRanges=["192.0.2.0/24"]`,
	"tracing.endpoint":                 `tracing.endpoint="otel:4317"`,
	"tracing.productEndpoint":          `tracing.productEndpoint="http://otel:4318"`,
	"tracing.ratio":                    `tracing.ratio=0.5`,
	"logs.env":                         `logs.env="staging"`,
	"logs.lokiUrl":                     `logs.lokiUrl="http://loki:3100"`,
	"model.api":                        `model.api="responses"`,
	"monitoring.labels":                `monitoring.labels={"release":"x"}`,
	"bundled.enabled":                  "", // the case minikube does not stand without it; it is what that case is
}

// other gives arguments that set the value to something else.
func (l leaf) other() string {
	if text, ok := others[l.path]; ok {
		return text
	}
	switch v := l.value.(type) {
	case bool:
		return fmt.Sprintf("%s=%t", l.path, !v)
	case float64:
		if strings.HasSuffix(l.path, ".max") {
			v -= 2 // it may be the most already
		}
		return fmt.Sprintf("%s=%d", l.path, int(v)+1)
	case string:
		return fmt.Sprintf("%s=%q", l.path, v+"x")
	}
	return ""
}

// bases are cases in which values show.
var bases = [][]string{
	{"--set-json", `autoscaling.provider="hpa",edge.kind="gateway",edge.gateway.policy="gke",auth.service.enabled=true,` +
		`auth.url="https://sign-in.example.com",monitoring.monitors=true,tracing.endpoint="o:1",tracing.productEndpoint="http://o:2"`},
	{"--set-json", `autoscaling.provider="keda",edge.kind="ingress",secrets.mode="external",migration.run="job",workers.mode="all"`},
	{"-f", "tandem/values-minikube.yaml"},
	{"--set-json", `kafka.topics="strimzi",workers.mode="all",autoscaling.provider="keda"`},
	{"--set-json", `smoke.enabled=false,auth.issuers=[{"iss":"b","alg":"ES256","jwks_url":"https://b.example.com/keys"}]`},
	nil,
}

// TestValues_EachChangesWhatIsRendered: a value that nothing reads is a promise that nobody keeps.
func TestValues_EachChangesWhatIsRendered(t *testing.T) {
	helmProgram(t)
	folders := map[string]string{"monitoring.rules": chart + "/files/rules", "monitoring.dashboards": chart + "/files/dashboards"}
	for _, l := range leaves(t) {
		t.Run(l.path, func(t *testing.T) {
			t.Parallel()
			if dir, ok := folders[l.path]; ok {
				if _, err := os.Stat(dir); err != nil {
					t.Skipf("there is no %s yet", dir)
				}
			}
			change := l.other()
			if change == "" {
				t.Skip("it is a case of its own")
			}
			for _, base := range bases {
				args := append(slices.Clone(base), "--set-json", change)
				out, err := tryTemplate(t, args...)
				if err == nil && stable(out) != stable(template(t, base...)) {
					return
				}
			}
			t.Errorf("%s changes nothing", change)
		})
	}
}

func tryTemplate(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	return exec.CommandContext(t.Context(), helmProgram(t), append([]string{"template", "tandem", chart, "--namespace", namespace}, args...)...).Output()
}

var secretDoc = regexp.MustCompile(`(?s)kind: Secret\n.*?(\n---|$)`)

// stable leaves out what is made up anew each time.
func stable(out []byte) string { return secretDoc.ReplaceAllString(string(out), "") }

// TestSchema_KnowsEveryValueAndNoOther holds the schema to values.yaml, both ways.
func TestSchema_KnowsEveryValueAndNoOther(t *testing.T) {
	data, err := os.ReadFile(chart + "/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	schemaLeaves("", schema, known)
	delete(known, "global") // Helm's own
	for _, l := range leaves(t) {
		if !known[l.path] {
			t.Errorf("the schema does not know %s", l.path)
		}
		delete(known, l.path)
	}
	delete(known, "roles.relay.max")
	for path := range known {
		t.Errorf("the schema knows %s, which values.yaml does not", path)
	}
}

func schemaLeaves(prefix string, schema map[string]any, out map[string]bool) {
	props, _ := schema["properties"].(map[string]any)
	if props == nil {
		out[prefix] = true
		return
	}
	for key, child := range props {
		schemaLeaves(strings.TrimPrefix(prefix+"."+key, "."), child.(map[string]any), out)
	}
}
