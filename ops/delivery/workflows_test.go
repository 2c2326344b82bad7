// Package delivery holds the workflows and the scripts that they call to what a delivery must be.
package delivery

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const root = "../.."

// workflow is a workflow of GitHub as far as the rules look at it.
type workflow struct {
	Name        string            `json:"name"`
	On          map[string]any    `json:"on"`
	Permissions map[string]string `json:"permissions"`
	Concurrency struct {
		Group  string `json:"group"`
		Cancel *bool  `json:"cancel-in-progress"` //nolint:tagliatelle // GitHub's name
	} `json:"concurrency"`
	Jobs map[string]struct {
		Timeout     int               `json:"timeout-minutes"` //nolint:tagliatelle // GitHub's name
		Permissions map[string]string `json:"permissions"`
		Environment string            `json:"environment"`
		Uses        string            `json:"uses"`
		Steps       []struct {
			Uses string         `json:"uses"`
			Run  string         `json:"run"`
			With map[string]any `json:"with"`
		} `json:"steps"`
	} `json:"jobs"`
	text string
}

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	out := map[string]workflow{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w := workflow{text: string(data)}
		// The key on is a truth value in YAML 1.1.
		if err := yaml.Unmarshal([]byte(strings.Replace(w.text, "\non:", "\n\"on\":", 1)), &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out[filepath.Base(file)] = w
	}
	return out
}

var (
	pinned     = regexp.MustCompile(`(?m)^\s*(?:- )?uses: [A-Za-z0-9_.-]+/[A-Za-z0-9_./-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+$`)
	anyUse     = regexp.MustCompile(`(?m)^\s*(?:- )?uses:`)
	expression = regexp.MustCompile(`\$\{\{\s*([^}]*?)\s*\}\}`)
)

// writes are the permissions that a job may have beyond reading, by the reason why one needs it.
var writes = []string{"id-token", "packages", "issues", "attestations"}

func TestWorkflows_AreThoseOfTheDelivery(t *testing.T) {
	got := slices.Sorted(maps.Keys(workflows(t)))
	if want := []string{"main.yaml", "nightly.yaml", "pr.yaml", "release.yaml", "rollback-drill.yaml"}; !slices.Equal(got, want) {
		t.Errorf("workflows %v, want %v", got, want)
	}
}

func TestWorkflows_KeepTheRules(t *testing.T) {
	for file, w := range workflows(t) {
		t.Run(file, func(t *testing.T) {
			if n, all := len(pinned.FindAllString(w.text, -1)), len(anyUse.FindAllString(w.text, -1)); n != all {
				t.Errorf("%d of %d actions are pinned to a commit with its version", n, all)
			}
			if !maps.Equal(w.Permissions, map[string]string{"contents": "read"}) {
				t.Errorf("permissions %v, want contents: read", w.Permissions)
			}
			if w.Concurrency.Group == "" || w.Concurrency.Cancel == nil {
				t.Error("runs of it may overlap")
			}
			for trigger := range w.On {
				if !slices.Contains([]string{"pull_request", "push", "schedule", "workflow_dispatch"}, trigger) {
					t.Errorf("it runs on %s", trigger)
				}
			}
			for name, job := range w.Jobs {
				if job.Timeout == 0 || job.Timeout > 120 {
					t.Errorf("%s: timeout of %d minutes", name, job.Timeout)
				}
				for what, how := range job.Permissions {
					if how != "read" && (how != "write" || !slices.Contains(writes, what)) {
						t.Errorf("%s: permission %s: %s", name, what, how)
					}
				}
				checkSteps(t, file, name, w)
			}
		})
	}
}

// checkSteps holds the steps of a job: what runs is a script or a target, and nothing that an event says becomes part of it.
func checkSteps(t *testing.T, file, name string, w workflow) {
	t.Helper()
	job := w.Jobs[name]
	for i, step := range job.Steps {
		if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
			t.Errorf("%s, step %d: the checkout leaves a token behind", name, i)
		}
		if m := expression.FindString(step.Run); m != "" {
			t.Errorf("%s, step %d: %s becomes part of the script; give it as a variable", name, i, m)
		}
		if strings.Count(strings.TrimSpace(step.Run), "\n") > 0 {
			t.Errorf("%s, step %d: more than one line; what a job does is a script that runs anywhere", name, i)
		}
		for word := range strings.FieldsSeq(step.Run) {
			if script := strings.Trim(word, `"$(`); strings.HasPrefix(script, "ops/") && strings.HasSuffix(script, ".sh") {
				if st, err := os.Stat(filepath.Join(root, script)); err != nil || st.Mode()&0o111 == 0 {
					t.Errorf("%s, step %d: %s is no program", name, i, script)
				}
			}
		}
		if target, ok := strings.CutPrefix(step.Run, "make "); ok {
			makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(makefile), "\n"+strings.Fields(target)[0]+":") {
				t.Errorf("%s, step %d: there is no target %s", name, i, target)
			}
		}
	}
	if file == "pr.yaml" && len(job.Permissions) > 0 {
		t.Errorf("%s: a job of a pull request has permissions %v", name, job.Permissions)
	}
}

// TestWorkflows_TellNoSecrets: a pull request sees none, no cloud's key is kept, and nothing an event says is used anywhere.
func TestWorkflows_TellNoSecrets(t *testing.T) {
	for file, w := range workflows(t) {
		for _, m := range expression.FindAllStringSubmatch(w.text, -1) {
			switch name := m[1]; {
			case strings.HasPrefix(name, "secrets."):
				if file == "pr.yaml" || name != "secrets.GITHUB_TOKEN" && (file != "rollback-drill.yaml" || name != "secrets.TANDEM_AUTH_SECRET") {
					t.Errorf("%s uses %s", file, name)
				}
			case strings.HasPrefix(name, "github.event"), strings.HasPrefix(name, "github.head_ref"):
				t.Errorf("%s uses %s", file, name)
			}
		}
		if regexp.MustCompile(`(?i)(aws_secret|azure_credentials|kubeconfig_data|service_account_key)`).MatchString(w.text) {
			t.Errorf("%s keeps a key of a cloud", file)
		}
	}
	for file, w := range workflows(t) {
		for name, job := range w.Jobs {
			for _, step := range job.Steps {
				if strings.Contains(step.Run, "ops/delivery/cluster.sh") && (job.Permissions["id-token"] != "write" || job.Environment == "") {
					t.Errorf("%s, %s: it reaches a cluster without an environment, or without an identity of its own", file, name)
				}
			}
		}
	}
}

// TestScripts_PassShellcheck where it is installed; `make chart` installs it.
func TestScripts_PassShellcheck(t *testing.T) {
	program, err := exec.LookPath("shellcheck")
	if err != nil {
		if _, required := os.LookupEnv("TANDEM_REQUIRE"); required {
			t.Fatal("shellcheck is missing")
		}
		t.Skip("shellcheck is not installed")
	}
	scripts, err := filepath.Glob("*.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	scripts = append(scripts, "../deploy.sh")
	if out, err := exec.CommandContext(t.Context(), program, append([]string{"-x", "-P", "SCRIPTDIR/" + root}, scripts...)...).CombinedOutput(); err != nil {
		t.Errorf("%s", out)
	}
}
