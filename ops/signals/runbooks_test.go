package signals

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tandem/server/dapr"
)

var (
	sections = []string{"Symptom", "Impact", "Verify", "Mitigate", "Root cause", "Escalate"}
	headings = regexp.MustCompile(`(?m)^## (.*)$`)
	inCode   = regexp.MustCompile("`([^`\n]+)`")
	inBlock  = regexp.MustCompile(`(?m)^ {4,}([a-z][a-z-]*) (.*)$`)
	metricOf = regexp.MustCompile("^(?:tandem|dapr|etcd|kafka|probe)_[a-z_]+$")
	psqlOf   = regexp.MustCompile(`psql "\$DATABASE" -c "([^"]*)"`)
)

// programs are what runbooks may call.
var programs = []string{"tandem", "kubectl", "helm", "psql", "redis-cli", "curl", "openssl", "amtool", "promtool", "dapr"}

func runbooks(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, data := range files(t, "../docs/runbooks/*.md") {
		out[name] = string(data)
	}
	return out
}

// TestRunbooks_OneForEachAlert holds the sections of those that alerts name, and that no other alert's is there.
func TestRunbooks_OneForEachAlert(t *testing.T) {
	named := map[string]string{"README.md": "", "restore.md": "", "rotations.md": "", "retention.md": ""}
	for _, a := range alerts(t) {
		named[filepath.Base(a.Annotations["runbook_url"])] = a.Alert
	}
	for name, text := range runbooks(t) {
		alert, ok := named[name]
		switch {
		case !ok:
			t.Errorf("%s is of no alert", name)
		case alert != "":
			checkSections(t, name, alert, text)
		}
	}
}

func checkSections(t *testing.T, name, alert, text string) {
	t.Helper()
	var got []string
	for _, m := range headings.FindAllStringSubmatch(text, -1) {
		got = append(got, m[1])
	}
	if !slices.Equal(got, sections) {
		t.Errorf("%s has the sections %v, want %v", name, got, sections)
	}
	if !strings.HasPrefix(text, "# "+alert+"\n") {
		t.Errorf("%s does not begin with its alert %s", name, alert)
	}
	if slices.Contains(strings.Split(text, "\n\n"), "") {
		t.Errorf("%s has an empty section", name)
	}
}

// TestRunbooks_NameMetricsThatAreRead: the queries of dashboards and rules are held against live scrapes, so what they read exists.
func TestRunbooks_NameMetricsThatAreRead(t *testing.T) {
	read := ""
	for _, q := range slices.Concat(panelQueries(t), ruleQueries(t)) {
		read += q.text + "\n"
	}
	roles := []string{"tandem_migrator", "tandem_app", "tandem_worker"}
	count := 0
	for name, text := range runbooks(t) {
		for _, m := range inCode.FindAllStringSubmatch(text, -1) {
			if !metricOf.MatchString(m[1]) || slices.Contains(roles, m[1]) {
				continue
			}
			count++
			if !strings.Contains(read, m[1]) {
				t.Errorf("%s names %s, which no dashboard and no rule reads", name, m[1])
			}
		}
	}
	if count < 40 {
		t.Errorf("only %d metrics are named", count)
	}
}

// TestRunbooks_NameDashboardsThatAreThere holds titles in italics to dashboards, rows and panels.
func TestRunbooks_NameDashboardsThatAreThere(t *testing.T) {
	titles := map[string]bool{}
	for _, d := range dashboards(t) {
		_, short, _ := strings.Cut(d.Title, " / ")
		titles[short] = true
		for _, p := range d.Panels {
			titles[p.Title] = true
		}
	}
	italics := regexp.MustCompile(`(?:^|[\s(])\*([A-Z][^*\n]*)\*`)
	for name, text := range runbooks(t) {
		for _, m := range italics.FindAllStringSubmatch(text, -1) {
			if !titles[m[1]] {
				t.Errorf("%s sends people to %q, which no dashboard has", name, m[1])
			}
		}
	}
}

// TestRunbooks_CommandsExist holds programs, subcommands, flags and deployments.
func TestRunbooks_CommandsExist(t *testing.T) {
	count := 0
	for name, text := range runbooks(t) {
		for _, m := range inBlock.FindAllStringSubmatch(text, -1) {
			count++
			if !slices.Contains(programs, m[1]) {
				t.Errorf("%s calls %s", name, m[1])
			}
			if m[1] == "tandem" {
				checkTandem(t, name, m[2])
			}
			checkDeployments(t, name, m[2])
		}
	}
	if count < 60 {
		t.Errorf("only %d commands", count)
	}
}

var flagsOf = map[string]string{} // by subcommand: its help

func checkTandem(t *testing.T, name, line string) {
	t.Helper()
	words := strings.Fields(line)
	help, ok := flagsOf[words[0]]
	if !ok {
		out, err := exec.CommandContext(t.Context(), program, words[0], "-h").CombinedOutput()
		if err != nil {
			t.Errorf("%s: tandem %s: %v", name, words[0], err)
		}
		help = string(out)
		flagsOf[words[0]] = help
	}
	for _, w := range words[1:] {
		if flag, ok := strings.CutPrefix(w, "--"); ok && !strings.Contains(help, "\n  -"+flag) {
			t.Errorf("%s: tandem %s has no flag --%s", name, words[0], flag)
		}
	}
}

var deployment = regexp.MustCompile(`deploy/([a-z-]+)(?: -c ([a-z]+))?`)

func checkDeployments(t *testing.T, name, line string) {
	t.Helper()
	for _, m := range deployment.FindAllStringSubmatch(line, -1) {
		_, ok := dapr.AppByID(m[1])
		if !ok || m[2] != "" && m[2] != "daprd" && m[1] != "tandem-"+m[2] {
			t.Errorf("%s: there is no %s", name, m[0])
		}
	}
}

// statements gives the SQL of runbooks.
func statements(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, text := range runbooks(t) {
		for _, m := range psqlOf.FindAllStringSubmatch(text, -1) {
			out[m[1]] = name
		}
	}
	if len(out) < 3 {
		t.Errorf("only %d statements", len(out))
	}
	return out
}
