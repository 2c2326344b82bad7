package signals

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"tandem"
	"tandem/server/dapr"
)

// diagrams gives the drawings of docs/deployment.md by their headings.
func diagrams(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("../../docs/deployment.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, part := range strings.Split(string(data), "\n## ")[1:] {
		title, text, _ := strings.Cut(part, "\n")
		if _, drawing, ok := strings.Cut(text, "```mermaid\n"); ok {
			out[title], _, _ = strings.Cut(drawing, "```")
		}
	}
	if got := slices.Sorted(maps.Keys(out)); !slices.Equal(got, []string{"Deployment", "Events", "Services"}) {
		t.Fatalf("the drawings are %v", got)
	}
	return out
}

// TestDiagrams_DrawTheEventsOfTheCode holds each arrow between an app and a topic to the table of the apps, both ways.
func TestDiagrams_DrawTheEventsOfTheCode(t *testing.T) {
	want := []string{"outbox[(outbox)] --> tandem-relay"}
	for _, topic := range tandem.Topics {
		want = append(want, dapr.AppRelay+" --> "+string(topic))
	}
	for _, a := range dapr.Apps {
		if a.ID == dapr.AppWorker {
			continue // in the place of the single ones
		}
		for _, topic := range a.Topics {
			want = append(want, string(topic)+" --> "+a.ID)
		}
		for _, topic := range tandem.Topics {
			if a.Dead {
				want = append(want, dapr.DeadLetters(topic)+" --> "+a.ID)
			}
		}
	}
	var got []string
	for line := range strings.SplitSeq(diagrams(t)["Events"], "\n") {
		if strings.Contains(line, "-->") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the arrows are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDiagrams_DrawEveryApp(t *testing.T) {
	drawing := diagrams(t)["Services"]
	for _, a := range dapr.Apps {
		if a.ID != dapr.AppWorker && !strings.Contains(drawing, "["+a.ID+"]") {
			t.Errorf("%s is not drawn", a.ID)
		}
	}
	for _, m := range regexp.MustCompile(`\[(tandem-[a-z]+)\]`).FindAllStringSubmatch(drawing, -1) {
		if _, ok := dapr.AppByID(m[1]); !ok {
			t.Errorf("%s is drawn and no app", m[1])
		}
	}
}

var (
	word      = regexp.MustCompile(`[a-z][a-z-]*[a-z]`)
	arrowText = regexp.MustCompile(`\|([^|]*)\|`)
	portForm  = regexp.MustCompile(`\b[0-9]{4,5}\b`)
)

// TestDiagrams_DrawTheDeploymentOfCompose holds services and ports to docker-compose.yml and what it mounts.
func TestDiagrams_DrawTheDeploymentOfCompose(t *testing.T) {
	data, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]any `json:"services"`
	}
	if err := yaml.Unmarshal(data, &compose); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/deployment.md")
	if err != nil {
		t.Fatal(err)
	}
	drawing := diagrams(t)["Deployment"]
	drawn := word.FindAllString(drawing, -1)
	for name := range compose.Services {
		if !slices.Contains(drawn, name) && !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("the service %s is not drawn", name)
		}
	}
	known := string(data) + "postgres:5432 redis:6379 loki:3100 dapr:3500" // ports that programs have by themselves
	for _, arrow := range arrowText.FindAllStringSubmatch(drawing, -1) {
		for _, port := range portForm.FindAllString(arrow[1], -1) {
			if !strings.Contains(known, port) {
				t.Errorf("the port %s is drawn, and docker-compose.yml does not know it", port)
			}
		}
	}
}
