package signals

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// query is one PromQL of a file, as the file has it.
type query struct {
	file, at, text string
}

func (q query) String() string { return q.file + ", " + q.at }

// dashboard is what the tests read of a file of Grafana.
type dashboard struct {
	UID, Title, Description string
	Panels                  []panel
	Templating              struct {
		List []struct {
			Name, Type string
		}
	}
	Annotations struct {
		List []struct{ Name, Expr string }
	}
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               source
	FieldConfig              struct{ Defaults struct{ Unit string } }
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct {
		RefID, Expr, LegendFormat string
		Datasource                source
	}
}

type source struct{ UID string }

// ruleFile is a file of rules of Prometheus.
type ruleFile struct {
	Groups []struct {
		Name, Interval string
		Rules          []rule
	}
}

type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

// files gives the files of a pattern by their base names.
func files(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: no files, %v", pattern, err)
	}
	out := map[string][]byte{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(name)] = data
	}
	return out
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	out := map[string]dashboard{}
	for name, data := range files(t, "grafana/dashboards/*.json") {
		var d dashboard
		if err := json.Unmarshal(data, &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = d
	}
	return out
}

func rules(t *testing.T) map[string]ruleFile {
	t.Helper()
	out := map[string]ruleFile{}
	for name, data := range files(t, "prometheus/rules/*.yaml") {
		var f ruleFile
		if err := yaml.Unmarshal(data, &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = f
	}
	return out
}

// alerts lists all alerts.
func alerts(t *testing.T) []rule {
	t.Helper()
	var out []rule
	for _, f := range rules(t) {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				if r.Alert != "" {
					out = append(out, r)
				}
			}
		}
	}
	return out
}

// panelQueries are the queries of dashboards.
func panelQueries(t *testing.T) []query {
	t.Helper()
	var out []query
	for name, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				out = append(out, query{name, p.Title, target.Expr})
			}
		}
		for _, a := range d.Annotations.List {
			out = append(out, query{name, "annotation " + a.Name, a.Expr})
		}
	}
	return out
}

// ruleQueries are the queries of rules.
func ruleQueries(t *testing.T) []query {
	t.Helper()
	var out []query
	for name, f := range rules(t) {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				out = append(out, query{name, r.Record + r.Alert, r.Expr})
			}
		}
	}
	return out
}

var scalingForm = regexp.MustCompile(`printf "(sum\([a-z_]+\{[a-z]+=%q\}\))"`)

// scalingQueries are those by which the chart scales.
func scalingQueries(t *testing.T) []query {
	t.Helper()
	var out []query
	for _, m := range scalingForm.FindAllSubmatch(files(t, "helm/tandem/templates/autoscale.yaml")["autoscale.yaml"], -1) {
		value := "tandem-audit"
		if strings.Contains(string(m[1]), "namespace") {
			value = "tandem"
		}
		out = append(out, query{"autoscale.yaml", "trigger", fmt.Sprintf(string(m[1]), value)})
	}
	if len(out) != 2 {
		t.Fatalf("%d queries scale, want 2", len(out))
	}
	return out
}

// variables are what Grafana puts in the place of its variables.
var variables = strings.NewReplacer("$__rate_interval", "1m", "$namespace", ".*")
