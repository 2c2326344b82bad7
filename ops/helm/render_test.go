package helm

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"
)

const (
	chart     = "tandem"
	namespace = "todo"
)

// program gives a tool of `make chart`; a test without it is skipped, or fails where the tools are required.
func program(t *testing.T, path ...string) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(append([]string{dir, "tandem"}, path...)...)
	if _, err := os.Stat(file); err == nil {
		return file
	}
	if required, _ := os.LookupEnv("TANDEM_REQUIRE"); strings.Contains(required, "chart") {
		t.Fatalf("%s is missing", file)
	}
	t.Skipf("%s is missing: ops/dev/chart.sh makes it", file)
	return ""
}

func helmProgram(t *testing.T) string {
	t.Helper()
	return program(t, "kubernetes-1.37.2", "helm")
}

// object is a rendered resource, as far as the tests read it. Fields match their keys whatever the letters' case.
type object struct {
	APIVersion string
	Kind       string
	Metadata   struct {
		Name        string
		Labels      map[string]string
		Annotations map[string]string
	}
	Spec struct {
		Replicas        *int
		Selector        any
		Template        *podTemplate
		Ports           []port
		MinReplicas     int
		MaxReplicas     int
		MinReplicaCount int
		MaxReplicaCount int
		ScaleTargetRef  struct{ Name string }
		Partitions      int32
		podSpec
		daprSpec
	}
	Scopes     []string
	Rules      []struct{ ResourceNames []string }
	Data       map[string]string
	StringData map[string]string

	text string // as it was rendered
}

type port struct {
	Name          string
	Port          int
	ContainerPort int
	TargetPort    any
}

type podTemplate struct {
	Metadata struct {
		Labels      map[string]string
		Annotations map[string]string
	}
	Spec podSpec
}

type podSpec struct {
	ServiceAccountName            string
	AutomountServiceAccountToken  *bool
	TerminationGracePeriodSeconds int
	RestartPolicy                 string
	SecurityContext               struct {
		RunAsNonRoot   bool
		RunAsUser      int
		SeccompProfile struct{ Type string }
	}
	Containers []container
	Volumes    []struct {
		Secret    *struct{ SecretName string }
		ConfigMap *struct{ Name string }
	}
}

type container struct {
	Name      string
	Image     string
	Command   []string
	Args      []string
	Env       []env
	Ports     []port
	Resources struct{ Requests, Limits map[string]string }

	StartupProbe, LivenessProbe, ReadinessProbe *struct {
		HTTPGet *struct{ Path, Port string }
	}
	SecurityContext struct {
		AllowPrivilegeEscalation *bool
		ReadOnlyRootFilesystem   bool
		RunAsNonRoot             bool
		Capabilities             struct{ Drop []string }
		SeccompProfile           struct{ Type string }
	}
}

type env struct {
	Name      string
	ValueFrom struct {
		SecretKeyRef *struct {
			Name, Key string
			Optional  bool
		}
	}
}

type daprSpec struct {
	PubSubName    string
	Topic         string
	AccessControl struct {
		Policies []struct{ AppID, Namespace string }
	}
	Metadata any
}

// pods are the workloads that run containers.
func (o object) pod() *podTemplate {
	if o.Spec.Template != nil {
		return o.Spec.Template
	}
	if o.Kind != "Pod" {
		return nil
	}
	p := &podTemplate{Spec: o.Spec.podSpec}
	p.Metadata.Labels, p.Metadata.Annotations = o.Metadata.Labels, o.Metadata.Annotations
	return p
}

var (
	renderMu sync.Mutex
	rendered = map[string][]byte{}
)

// template gives what Helm renders with the arguments; it remembers it.
func template(t *testing.T, args ...string) []byte {
	t.Helper()
	key := strings.Join(args, "\x00")
	renderMu.Lock()
	out, ok := rendered[key]
	renderMu.Unlock()
	if ok {
		return out
	}
	cmd := exec.CommandContext(t.Context(), helmProgram(t), append([]string{"template", "tandem", chart, "--namespace", namespace}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("helm template %v: %v\n%s", args, err, errs.String())
	}
	renderMu.Lock()
	rendered[key] = out
	renderMu.Unlock()
	return out
}

func objects(t *testing.T, args ...string) []object {
	t.Helper()
	var out []object
	for doc := range strings.SplitSeq("\n"+string(template(t, args...)), "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		if o.Kind != "" {
			o.text = doc
			out = append(out, o)
		}
	}
	return out
}

// cases are the profiles, and every switch at least once on and off.
var cases = map[string][]string{
	"defaults": nil,
	"minikube": {"-f", "tandem/values-minikube.yaml"},
	"aks":      {"-f", "tandem/values-aks.yaml"},
	"gke":      {"-f", "tandem/values-gke.yaml"},
	"oke":      {"-f", "tandem/values-oke.yaml"},
	"hpa":      {"--set", "autoscaling.provider=hpa,edge.kind=gateway,edge.gateway.policy=gke,kafka.topics=strimzi,kafka.auth=sasl"},
	"keda":     {"--set", "autoscaling.provider=keda,workers.mode=all,edge.kind=ingress,edge.ingress.tlsSecret=cert,edge.ingress.className=x"},
	"split": {"--set", "autoscaling.provider=keda,network.policies=false,rbac.create=false,smoke.enabled=false,kafka.topics=none," +
		"auth.sharedSecret=false,auth.url=https://id.example.com,auth.issuers[0].iss=https://id.example.com,auth.issuers[0].alg=ES256," +
		"auth.issuers[0].jwks_url=https://id.example.com/keys"},
	"external": {"--set", "secrets.mode=external,migration.run=job,kafka.auth=sasl,monitoring.monitors=true,monitoring.rules=true," +
		"monitoring.dashboards=true,tracing.endpoint=otel.observability:4317,network.smtpPort=465,mail.from=a@example.com"},
	"sign-in": {"--set", "auth.service.enabled=true,auth.url=https://sign-in.example.com,edge.kind=ingress,image.digest=sha256:" + strings.Repeat("ab", 32)},
}

// renderings gives what each case renders.
func renderings(t *testing.T) map[string][]object {
	t.Helper()
	out := map[string][]object{}
	for name, args := range cases {
		out[name] = objects(t, args...)
	}
	return out
}
