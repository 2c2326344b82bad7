package helm

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tandem/server/dapr"
)

// deployed gives the rows of the table whose apps are in a release.
func deployed(t *testing.T, all []object) []dapr.App {
	t.Helper()
	var out []dapr.App
	for _, d := range ofKind(all, "Deployment") {
		id := d.pod().Metadata.Annotations["dapr.io/app-id"]
		if id == "" {
			continue
		}
		app, ok := dapr.AppByID(id)
		if !ok || id != d.Metadata.Name {
			t.Fatalf("%s is the app %q, which is not in the table", d.Metadata.Name, id)
		}
		out = append(out, app)
	}
	return out
}

func TestDapr_SubscriptionsAreTheTable(t *testing.T) {
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			want, got := map[string]string{}, map[string]string{}
			for _, app := range deployed(t, all) {
				for _, topic := range app.Topics {
					want[app.ID+" "+string(topic)] = app.PubSub
				}
				for _, b := range dapr.BrokerTopics() {
					if app.Dead && strings.HasSuffix(b.Name, "-dlq") {
						want[app.ID+" "+b.Name] = app.PubSub
					}
				}
			}
			for _, s := range ofKind(all, "Subscription") {
				got[strings.Join(s.Scopes, ",")+" "+s.Spec.Topic] = s.Spec.PubSubName
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("subscriptions (-table +chart):\n%s", diff)
			}
		})
	}
}

func TestDapr_SidecarsFitTheTable(t *testing.T) {
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			configs := names(ofKind(all, "Configuration"))
			for _, app := range deployed(t, all) {
				d := all[slices.IndexFunc(all, func(o object) bool { return o.Kind == "Deployment" && o.Metadata.Name == app.ID })]
				a := d.pod().Metadata.Annotations
				if !slices.Contains(configs, a["dapr.io/config"]) || a["dapr.io/config"] != app.ID {
					t.Errorf("%s has the configuration %q of %v", app.ID, a["dapr.io/config"], configs)
				}
				called := len(app.Topics) > 0 || app.Dead || len(app.Callers) > 0
				if (a["dapr.io/app-port"] == "7000") != called || (a["dapr.io/app-protocol"] == "grpc") != called {
					t.Errorf("%s: called %v, port %q", app.ID, called, a["dapr.io/app-port"])
				}
				timers := slices.ContainsFunc(app.APIs, func(api dapr.API) bool { return api.Name == "jobs" })
				if _, away := a["dapr.io/scheduler-host-address"]; away == timers {
					t.Errorf("%s: timers %v, scheduler away %v", app.ID, timers, away)
				}
				if a["dapr.io/api-token-secret"] == "" || a["dapr.io/app-token-secret"] == "" {
					t.Errorf("%s and its sidecar do not know each other by token", app.ID)
				}
				block, err := strconv.Atoi(strings.TrimSuffix(a["dapr.io/block-shutdown-duration"], "s"))
				if grace := d.pod().Spec.TerminationGracePeriodSeconds; err != nil || grace < block+20 {
					t.Errorf("%s: a grace of %d s ends before the sidecar does (%d s and 20 s)", app.ID, grace, block)
				}
			}
		})
	}
}

// TestDapr_SidecarsReadTheSecretsOfTheirAppsOnly: those of the components in their scope, and those that the app may ask for.
func TestDapr_SidecarsReadTheSecretsOfTheirAppsOnly(t *testing.T) {
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			roles := map[string][]string{}
			for _, r := range ofKind(all, "Role") {
				roles[r.Metadata.Name] = slices.Sorted(slices.Values(r.Rules[0].ResourceNames))
			}
			for _, app := range deployed(t, all) {
				want := map[string]bool{}
				for _, s := range app.Secrets {
					want[s] = true
				}
				for _, c := range ofKind(all, "Component") {
					if slices.Contains(c.Scopes, app.ID) {
						for _, s := range findAll(c.text, `(?s)secretKeyRef:\s+key: \S+\s+name: (\S+)`) {
							want[s] = true
						}
					}
				}
				if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), roles[app.ID]); diff != "" && len(roles) > 0 {
					t.Errorf("Secrets of %s (-needed +granted):\n%s", app.ID, diff)
				}
			}
		})
	}
}

func TestDapr_NothingIsOpenToEveryApp(t *testing.T) {
	for name, all := range renderings(t) {
		t.Run(name, func(t *testing.T) {
			for _, o := range all {
				if strings.HasPrefix(o.APIVersion, "dapr.io/") && o.Kind != "Configuration" && len(o.Scopes) == 0 {
					t.Errorf("%s %s has no scope", o.Kind, o.Metadata.Name)
				}
				for _, p := range o.Spec.AccessControl.Policies {
					if p.Namespace != namespace {
						t.Errorf("%s lets %s in from the namespace %q, not from the release's", o.Metadata.Name, p.AppID, p.Namespace)
					}
				}
			}
		})
	}
}

func TestTopics_AreTheTable(t *testing.T) {
	want := map[string]int32{}
	for _, topic := range dapr.BrokerTopics() {
		want[topic.Name] = topic.Partitions
	}
	strimzi := map[string]int32{}
	for _, o := range ofKind(objects(t, cases["hpa"]...), "KafkaTopic") {
		strimzi[o.Metadata.Name] = o.Spec.Partitions
	}
	job := map[string]int32{}
	for _, o := range ofKind(objects(t), "Job") {
		if o.Metadata.Name == "tandem-topics" {
			for line := range strings.Lines(o.pod().Spec.Containers[0].Args[0]) {
				if f := strings.Fields(line); len(f) == 3 && f[0] == "make_topic" {
					n, err := strconv.Atoi(f[2])
					if err != nil {
						t.Fatal(err)
					}
					job[f[1]] = int32(n)
				}
			}
		}
	}
	if diff := cmp.Diff(want, strimzi); diff != "" {
		t.Errorf("Strimzi's topics (-table +chart):\n%s", diff)
	}
	if diff := cmp.Diff(want, job); diff != "" {
		t.Errorf("topics of the Job (-table +chart):\n%s", diff)
	}
}

// TestPackage_HoldsTheFilesOfTheTree: the links of the chart become files.
func TestPackage_HoldsTheFilesOfTheTree(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), helmProgram(t), "package", chart, "--destination", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	packages, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("%v, %v", packages, err)
	}
	packed := untar(t, packages[0])
	count := 0
	for _, link := range links {
		err := filepath.WalkDir(link.source, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !slices.Contains(link.kinds, filepath.Ext(name)) {
				return err
			}
			data, err := os.ReadFile(name)
			rel, _ := filepath.Rel(link.source, name)
			if strings.HasPrefix(rel, "components/file/") || strings.HasPrefix(rel, "config/standalone/") {
				return err // for places without Kubernetes
			}
			count++
			if got, ok := packed["tandem/"+link.at+"/"+rel]; !ok || got != string(data) {
				t.Errorf("the package does not hold %s as it is", name)
			}
			return err
		})
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if _, err := os.Stat(link.source); err == nil {
			if target, err := os.Readlink(filepath.Join(chart, link.at)); err != nil {
				t.Errorf("%s is not in the chart: ln -s %s ops/helm/tandem/%s", link.source, target, link.at)
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d files were compared", count)
	}
	for name := range packed {
		if strings.HasSuffix(name, "_test.yaml") || strings.Contains(name, "standalone") {
			t.Errorf("the package holds %s", name)
		}
	}
}

// links are the folders of the tree that the chart holds by link.
var links = []struct {
	source, at string
	kinds      []string
}{
	{"../dapr", "files/dapr", []string{".yaml"}},
	{"../grafana/dashboards", "files/dashboards", []string{".json"}},
	{"../prometheus/rules", "files/rules", []string{".yaml"}},
}

func untar(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[h.Name] = string(data)
	}
}
