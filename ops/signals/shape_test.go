package signals

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestDashboards_CanBeReadAtAGlance holds what every panel has.
func TestDashboards_CanBeReadAtAGlance(t *testing.T) {
	uids := map[string]string{}
	all := dashboards(t)
	if len(all) != 6 {
		t.Errorf("%d dashboards, want 6", len(all))
	}
	for name, d := range all {
		if uids[d.UID] != "" || d.UID == "" {
			t.Errorf("%s: the uid %q is that of %s", name, d.UID, uids[d.UID])
		}
		uids[d.UID] = name
		if d.Title == "" || d.Description == "" || len(d.Templating.List) != 2 || d.Templating.List[0].Type != "datasource" {
			t.Errorf("%s: title, description and the variable of the data source are needed", name)
		}
		ids := map[int]bool{}
		for _, p := range d.Panels {
			if ids[p.ID] {
				t.Errorf("%s: two panels have the id %d", name, p.ID)
			}
			ids[p.ID] = true
			if p.Type != "row" {
				checkPanel(t, name, p)
			}
		}
		checkLayout(t, name, d.Panels)
	}
}

func checkPanel(t *testing.T, name string, p panel) {
	t.Helper()
	if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
		t.Errorf("%s, %q: title, description, unit, query and the variable data source are needed", name, p.Title)
	}
	for _, q := range p.Targets {
		if q.LegendFormat == "" || q.Datasource.UID != "${datasource}" {
			t.Errorf("%s, %q: the query %s has no legend or a data source of its own", name, p.Title, q.RefID)
		}
	}
}

// checkLayout holds that no panel lies on another or beyond the edge.
func checkLayout(t *testing.T, name string, panels []panel) {
	t.Helper()
	for i, a := range panels {
		g := a.GridPos
		if g.X < 0 || g.X+g.W > 24 || g.W == 0 || g.H == 0 {
			t.Errorf("%s, %q does not fit", name, a.Title)
		}
		for _, b := range panels[i+1:] {
			o := b.GridPos
			if g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H {
				t.Errorf("%s: %q lies on %q", name, b.Title, a.Title)
			}
		}
	}
}

// TestAlerts_SayWhoWhatAndWhere holds labels, summary and runbook of each alert.
func TestAlerts_SayWhoWhatAndWhere(t *testing.T) {
	all := alerts(t)
	if len(all) < 35 {
		t.Errorf("only %d alerts", len(all))
	}
	for _, a := range all {
		if !slices.Contains([]string{"page", "ticket", "heartbeat"}, a.Labels["severity"]) || a.Labels["slo"] == "" || a.Annotations["summary"] == "" {
			t.Errorf("%s: severity, slo and summary are needed: %v %v", a.Alert, a.Labels, a.Annotations)
		}
		if !exists(filepath.Join("..", "..", a.Annotations["runbook_url"])) {
			t.Errorf("%s: there is no runbook %q", a.Alert, a.Annotations["runbook_url"])
		}
	}
}

// TestAlerts_EachFiresAndIsSilentInATest reads the cases of promtool.
func TestAlerts_EachFiresAndIsSilentInATest(t *testing.T) {
	type key struct{ alert, severity string }
	fires, silent := map[key]bool{}, map[string]bool{}
	for name, data := range files(t, "prometheus/tests/*.yaml") {
		var f struct {
			Tests []struct {
				Cases []struct {
					Alert string `json:"alertname"`
					Want  []struct {
						Labels map[string]string `json:"exp_labels"`
					} `json:"exp_alerts"`
				} `json:"alert_rule_test"`
			} `json:"tests"`
		}
		if err := yaml.Unmarshal(data, &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, test := range f.Tests {
			for _, c := range test.Cases {
				silent[c.Alert] = silent[c.Alert] || len(c.Want) == 0
				for _, w := range c.Want {
					fires[key{c.Alert, w.Labels["severity"]}] = true
				}
			}
		}
	}
	for _, a := range alerts(t) {
		if !fires[key{a.Alert, a.Labels["severity"]}] {
			t.Errorf("%s (%s) fires in no test", a.Alert, a.Labels["severity"])
		}
		if !silent[a.Alert] && a.Labels["severity"] != "heartbeat" {
			t.Errorf("%s is silent in no test", a.Alert)
		}
	}
}

// TestFiles_ComposeMountsWhatIsThere holds the profile observability of docker-compose.yml against the tree.
func TestFiles_ComposeMountsWhatIsThere(t *testing.T) {
	data, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct {
			Profiles []string `json:"profiles"`
			Volumes  []any    `json:"volumes"`
			Command  any      `json:"command"`
		} `json:"services"`
	}
	if err := yaml.Unmarshal(data, &compose); err != nil {
		t.Fatal(err)
	}
	mounted := 0
	for name, s := range compose.Services {
		if !slices.Contains(s.Profiles, "observability") {
			continue
		}
		for _, v := range s.Volumes {
			text, _ := v.(string)
			from, _, _ := strings.Cut(text, ":")
			if strings.HasPrefix(from, "./ops/") && !strings.HasPrefix(from, "./ops/dapr") {
				mounted++
				if !exists(filepath.Join("../..", from)) {
					t.Errorf("%s mounts %s, which is not there", name, from)
				}
			}
		}
	}
	if mounted < 4 {
		t.Errorf("%d folders are mounted", mounted)
	}
	var config struct {
		ScrapeConfigs []struct {
			StaticConfigs []struct{ Targets []string } `json:"static_configs"`
		} `json:"scrape_configs"`
	}
	if err := yaml.Unmarshal(files(t, "prometheus/prometheus.yaml")["prometheus.yaml"], &config); err != nil {
		t.Fatal(err)
	}
	names := strings.Join(slices.Collect(maps.Keys(compose.Services)), " ")
	for _, c := range config.ScrapeConfigs {
		for _, s := range c.StaticConfigs {
			for _, target := range s.Targets {
				host, _, _ := strings.Cut(target, ":")
				if !strings.Contains(names, host) {
					t.Errorf("prometheus.yaml scrapes %s, which is no service", target)
				}
			}
		}
	}
}
