package main

import (
	"maps"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"tandem/server/dapr"
)

// compose is what these tests read of docker-compose.yml, anchors resolved.
type compose struct {
	Services map[string]service `json:"services"`
	Volumes  map[string]any     `json:"volumes"`
}

type service struct {
	Image       string            `json:"image"`
	Build       map[string]string `json:"build"`
	Command     []string          `json:"command"`
	Restart     string            `json:"restart"`
	Ports       []string          `json:"ports"`
	NetworkMode string            `json:"network_mode"`
	Memory      string            `json:"mem_limit"`
	Pids        int               `json:"pids_limit"`
	CapDrop     []string          `json:"cap_drop"`
	ReadOnly    bool              `json:"read_only"`
	Security    []string          `json:"security_opt"`
	Logging     map[string]any    `json:"logging"`
	Environment map[string]any    `json:"environment"`
	Volumes     []string          `json:"volumes"`
	Health      map[string]any    `json:"healthcheck"`
	Needs       map[string]struct {
		Condition string `json:"condition"`
	} `json:"depends_on"`
}

func load(t *testing.T) compose {
	t.Helper()
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c compose
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) < 30 {
		t.Fatalf("only %d services", len(c.Services))
	}
	return c
}

var pinned = regexp.MustCompile(`^[a-z/-]+:v?\d+\.\d+(\.\d+)?$|^tandem[a-z-]*:devel$`)

func TestFile_EveryServiceIsPinnedLimitedAndConfined(t *testing.T) {
	for name, s := range load(t).Services {
		if !pinned.MatchString(s.Image) {
			t.Errorf("%s: the image %q has no version", name, s.Image)
		}
		if s.Memory == "" || s.Pids == 0 || s.Logging == nil {
			t.Errorf("%s has no limit of memory, processes or logs", name)
		}
		if s.Restart != "unless-stopped" && !strings.HasPrefix(s.Restart, "on-failure:") {
			t.Errorf("%s restarts %q", name, s.Restart)
		}
		if len(s.CapDrop) != 1 || s.CapDrop[0] != "ALL" || len(s.Security) != 1 {
			t.Errorf("%s has capabilities", name)
		}
		own := strings.HasPrefix(s.Image, "tandem")
		if own && !s.ReadOnly {
			t.Errorf("%s writes to its root", name)
		}
	}
}

func TestFile_OnlyTheMachineItselfReachesIt(t *testing.T) {
	for name, s := range load(t).Services {
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s publishes %s to other machines", name, p)
			}
		}
		if len(s.Ports) > 0 && name != "web-pod" && name != "serve-pod" && name != "grafana" {
			t.Errorf("%s publishes %v", name, s.Ports)
		}
	}
}

// TestFile_ImagesAreBuiltOnce finds an image of the project that nobody builds, or two services would.
func TestFile_ImagesAreBuiltOnce(t *testing.T) {
	builds := map[string]int{}
	c := load(t)
	for _, s := range c.Services {
		if s.Build == nil {
			continue
		}
		builds[s.Image]++
		if _, err := os.Stat("../../" + s.Build["dockerfile"]); err != nil {
			t.Error(err)
		}
	}
	for name, s := range c.Services {
		if strings.HasPrefix(s.Image, "tandem") && builds[s.Image] != 1 {
			t.Errorf("%s: the image %s is built by %d services", name, s.Image, builds[s.Image])
		}
	}
}

func TestFile_EveryAppHasItsPod(t *testing.T) {
	services := load(t).Services
	for _, app := range dapr.Apps {
		if app.ID == dapr.AppWorker {
			continue
		}
		name := strings.TrimPrefix(app.ID, "tandem-")
		pod, program, sidecar := services[name+"-pod"], services[name], services[name+"-sidecar"]
		if pod.Health == nil {
			t.Errorf("%s: nobody tells whether it is ready", name)
		}
		if at := "service:" + name + "-pod"; program.NetworkMode != at || sidecar.NetworkMode != at {
			t.Errorf("%s and its sidecar are not in one pod", name)
		}
		flags := strings.Join(sidecar.Command, " ")
		for _, want := range []string{"--app-id=" + app.ID, "--config=/dapr/config/" + app.ID + ".yaml"} {
			if !strings.Contains(flags, want) {
				t.Errorf("%s-sidecar lacks %s", name, want)
			}
		}
		listens := len(app.Topics) > 0 || app.Dead
		if strings.Contains(flags, "--app-port=") != listens {
			t.Errorf("%s-sidecar: %s", name, flags)
		}
		if sidecar.Needs["topics"].Condition != "service_completed_successfully" || sidecar.Needs["dapr-pod"].Condition != "service_healthy" {
			t.Errorf("%s-sidecar starts before the topics or Dapr", name)
		}
	}
}

func TestFile_GatesWaitForWhatIsThere(t *testing.T) {
	services := load(t).Services
	for name, s := range services {
		for other, need := range s.Needs {
			target, ok := services[other]
			switch once := strings.HasPrefix(target.Restart, "on-failure"); {
			case !ok:
				t.Errorf("%s waits for %s, which is not there", name, other)
			case once && need.Condition != "service_completed_successfully":
				t.Errorf("%s waits for the start of %s, not for its end", name, other)
			case need.Condition == "service_healthy" && target.Health == nil:
				t.Errorf("%s waits for the health of %s, which nobody asks", name, other)
			}
		}
	}
}

var setting = regexp.MustCompile(`^(TANDEM|OPENAI|DAPR_API|APP_API|BETTER_AUTH)_`)

func TestFile_NamesSettingsThatExist(t *testing.T) {
	known := ""
	for _, name := range []string{"cmd/tandem/config.go", "web/auth/src/config.ts", "ops/dapr/components/file/secrets.yaml", "ops/dapr/config/standalone/names.yaml"} {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		known += string(text)
	}
	for name, s := range load(t).Services {
		for env, value := range s.Environment {
			if setting.MatchString(env) && !strings.Contains(known, strings.TrimSuffix(env, "_FILE")) && !strings.Contains(known, env) {
				t.Errorf("%s sets %s, which nobody reads", name, env)
			}
			if secret.MatchString(env) && !strings.HasPrefix(value.(string), "/secrets/") { //nolint:forcetypeassert // secrets are texts
				t.Errorf("%s: %s is not in a file", name, env)
			}
		}
	}
}

var secret = regexp.MustCompile(`PASSWORD|SECRET|TOKEN|_KEY|DATABASE_URL|MIGRATE_URL|REDIS_URL|SMTP_URL`)

// TestFile_ReadersMountWhatTheyRead holds the paths in the environment and in commands against the volumes.
func TestFile_ReadersMountWhatTheyRead(t *testing.T) {
	c := load(t)
	made := map[string]string{} // folder → volume
	for _, m := range c.Services["secrets"].Volumes {
		volume, at, _ := strings.Cut(m, ":")
		made[at] = volume
	}
	for name, s := range c.Services {
		mounted := map[string]bool{}
		for _, m := range s.Volumes {
			parts := strings.Split(m, ":")
			if !strings.HasPrefix(parts[1], "/secrets/") {
				continue
			}
			mounted[parts[1]] = true
			if made[parts[1]] != parts[0] {
				t.Errorf("%s mounts %s, which nobody fills", name, m)
			}
			if name != "secrets" && (len(parts) != 3 || parts[2] != "ro" || parts[1] == "/secrets/vault") {
				t.Errorf("%s may write %s, or sees the vault", name, m)
			}
		}
		for env, v := range s.Environment {
			if at, ok := v.(string); ok && strings.HasPrefix(at, "/secrets/") && !mounted[path.Dir(at)] && name != "web-sidecar" {
				t.Errorf("%s: %s is in no volume of it", name, env)
			}
		}
	}
}

func TestTopics_AreTheTable(t *testing.T) {
	want := map[string]int32{}
	for _, topic := range dapr.BrokerTopics() {
		want[topic.Name] = topic.Partitions
	}
	if got := topics(); !maps.Equal(got, want) {
		t.Errorf("topics are %v, want %v", got, want)
	}
}
