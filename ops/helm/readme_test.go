package helm

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of values into the chart's README")

const (
	tableBegin = "<!-- values: go test ./ops/helm -run README -update -->\n"
	tableEnd   = "<!-- end of values -->\n"
)

// TestREADME_ListsEveryValue holds the table to values.yaml and its comments.
func TestREADME_ListsEveryValue(t *testing.T) {
	file := chart + "/README.md"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	want := before + tableBegin + valuesTable(t) + tableEnd + after
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatalf("%s does not list the values as they are: go test ./ops/helm -run README -update", file)
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestREADME_NamesEverySecret holds the list of Secrets to the chart.
func TestREADME_NamesEverySecret(t *testing.T) {
	readme, err := os.ReadFile(chart + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := objects(t, "--set", "secrets.mode=external,migration.run=job,kafka.auth=sasl,auth.service.enabled=true,auth.url=https://a.example.com")
	for _, o := range ofKind(all, "ExternalSecret") {
		for _, field := range findAll(o.text, `secretKey: ([a-z_-]+)`) {
			line := slices.IndexFunc(strings.Split(string(readme), "\n"), func(l string) bool {
				return strings.HasPrefix(l, "| `"+o.Metadata.Name+"` |") && strings.Contains(l, "`"+field+"`")
			})
			if line < 0 {
				t.Errorf("the README does not name %s of the Secret %s", field, o.Metadata.Name)
			}
		}
	}
}

func valuesTable(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	out.WriteString("| value | default | what |\n|---|---|---|\n")
	for _, v := range explained(t) {
		if v.comment == "" {
			t.Errorf("%s has no comment", v.path)
		}
		fmt.Fprintf(&out, "| `%s` | `%s` | %s |\n", v.path, v.def, strings.ReplaceAll(v.comment, "|", "\\|"))
	}
	return out.String()
}

type explanation struct{ path, def, comment string }

// explained reads values.yaml by lines: each value with what stands on its line and the comment above.
func explained(t *testing.T) []explanation {
	t.Helper()
	data, err := os.ReadFile(chart + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out []explanation
	path, comment := []string{}, ""
	for line := range strings.Lines(string(data)) {
		trimmed := strings.TrimSpace(line)
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		switch {
		case strings.HasPrefix(trimmed, "# "):
			comment = strings.TrimSpace(comment + " " + trimmed[2:])
		case trimmed == "":
			comment = ""
		default:
			key, def, _ := strings.Cut(trimmed, ":")
			path = append(path[:depth], key)
			if def != "" {
				out = append(out, explanation{strings.Join(path, "."), strings.TrimSpace(def), comment})
			}
			comment = ""
		}
	}
	return out
}
