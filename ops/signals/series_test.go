package signals

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// series are the metrics of scrapes: metric → label → values.
type series map[string]map[string]map[string]bool

var (
	sampleForm = regexp.MustCompile(`(?m)^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? [^ ]+$`)
	labelForm  = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"`)
)

// add takes the samples of a scrape.
func (s series) add(scrape []byte) {
	for _, m := range sampleForm.FindAllSubmatch(scrape, -1) {
		labels := s[string(m[1])]
		if labels == nil {
			labels = map[string]map[string]bool{}
			s[string(m[1])] = labels
		}
		for _, l := range labelForm.FindAllSubmatch(m[2], -1) {
			if labels[string(l[1])] == nil {
				labels[string(l[1])] = map[string]bool{}
			}
			labels[string(l[1])][string(l[2])] = true
		}
	}
}

// families gives the metrics of the product without what Prometheus adds to the names of histograms.
func (s series) families() []string {
	out := map[string]bool{}
	for name := range s {
		if strings.HasPrefix(name, "tandem_") {
			out[family(name)] = true
		}
	}
	return slices.Sorted(maps.Keys(out))
}

func family(name string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			return base
		}
	}
	return name
}

// byScraping are the labels that a scrape itself adds.
var byScraping = []string{"namespace", "pod", "instance", "job"}

// parsed is what the parser of Prometheus read in a query.
type parsed struct {
	Error     string
	Summed    bool
	Selectors []selector
}

type selector struct {
	Metric   string
	Matchers []struct{ Label, Op, Value string }
	By       []string
}

// parse reads queries with the parser of Prometheus, which make signals builds.
func parse(t *testing.T, queries []query) []parsed {
	t.Helper()
	texts := make([]string, len(queries))
	for i, q := range queries {
		texts[i] = variables.Replace(q.text)
	}
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), tool(t, "promql"))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("parse the queries: %v", err)
	}
	var out []parsed
	if err := json.Unmarshal(raw, &out); err != nil || len(out) != len(queries) {
		t.Fatalf("%d answers for %d queries: %v", len(out), len(queries), err)
	}
	return out
}

// tool finds a program that make signals gets; without it the test is skipped, or fails where it is required.
func tool(t *testing.T, name string) string {
	t.Helper()
	if v, _ := os.LookupEnv("TANDEM_STACK"); v == "off" {
		t.Skip("left to make signals")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if path := filepath.Join(cache, "tandem", "promql-0.305.0", name); exists(path) {
		return path
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if list, _ := os.LookupEnv("TANDEM_REQUIRE"); list != "" {
		t.Fatalf("%s is required and missing; get it with: make signals", name)
	}
	t.Skipf("NOT RUN: %s is missing; get it with: make signals", name)
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// missing tells what a selector names that no scrape has; empty: all of it is there.
func (s series) missing(sel selector) (out []string) {
	labels, ok := s[sel.Metric]
	if !ok {
		return []string{"the metric " + sel.Metric}
	}
	for _, by := range sel.By {
		if labels[by] == nil && !slices.Contains(byScraping, by) {
			out = append(out, fmt.Sprintf("the label %s of %s", by, sel.Metric))
		}
	}
	for _, m := range sel.Matchers {
		if slices.Contains(byScraping, m.Label) {
			continue
		}
		for _, value := range alternatives(m.Op, m.Value) {
			if !has(labels[m.Label], value) {
				out = append(out, fmt.Sprintf("%s{%s=%q}", sel.Metric, m.Label, value))
			}
		}
	}
	return out
}

// alternatives are the values of a matcher, as expressions.
func alternatives(op, value string) []string {
	if op == "=" || op == "!=" {
		return []string{regexp.QuoteMeta(value)}
	}
	return strings.Split(value, "|")
}

func has(values map[string]bool, expr string) bool {
	form, err := regexp.Compile("^(?:" + expr + ")$")
	return err == nil && slices.ContainsFunc(slices.Collect(maps.Keys(values)), form.MatchString)
}

// recorded are the series that rules make.
func recorded(t *testing.T) series {
	t.Helper()
	s := series{"ALERTS": {"alertstate": {"firing": true, "pending": true}, "severity": {}}}
	for _, a := range alerts(t) {
		s["ALERTS"]["severity"][a.Labels["severity"]] = true
	}
	slos := map[string]bool{}
	for _, f := range rules(t) {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				if r.Record != "" && s[r.Record] == nil {
					s[r.Record] = map[string]map[string]bool{"slo": slos}
				}
				if r.Record != "" && r.Labels["slo"] != "" {
					slos[r.Labels["slo"]] = true
				}
			}
		}
	}
	return s
}

// fromFaults are the series that appear only when something breaks, or that programs export which do not run here.
func fromFaults(t *testing.T) series {
	t.Helper()
	s := series{}
	for _, data := range files(t, "signals/testdata/*.prom") {
		s.add(data)
	}
	return s
}
