// Package collector holds the collector's configuration to what the product writes and to what Loki takes.
package collector

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"tandem"
	"tandem/server/telemetry"
)

type configuration struct {
	Extensions map[string]any `json:"extensions"`
	Receivers  struct {
		Filelog struct {
			Include   []string `json:"include"`
			Operators []struct {
				If        string `json:"if"`
				Timestamp struct {
					ParseFrom string `json:"parse_from"`
					Layout    string `json:"layout"`
				} `json:"timestamp"`
			} `json:"operators"`
		} `json:"filelog"`
	} `json:"receivers"`
	Processors map[string]struct {
		Keys       []string `json:"keys"`
		Statements []struct {
			Statements []string `json:"statements"`
		} `json:"log_statements"`
	} `json:"processors"`
	Exporters map[string]struct {
		Endpoint string         `json:"endpoint"`
		Queue    map[string]any `json:"sending_queue"`
		Retry    map[string]any `json:"retry_on_failure"`
	} `json:"exporters"`
	Service struct {
		Extensions []string                       `json:"extensions"`
		Pipelines  map[string]map[string][]string `json:"pipelines"`
	} `json:"service"`
}

func read[T any](t *testing.T, file string) (c T, text string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c, string(data)
}

// labels are the only ones that Loki gets, from the product itself as from the collector.
var labels = []string{"app", "component", "env", "level"}

func TestCollector_PipelinesNameWhatIsThere(t *testing.T) {
	all, _ := read[map[string]map[string]any](t, "collector.yaml")
	c, _ := read[configuration](t, "collector.yaml")
	used := map[string][]string{"extensions": c.Service.Extensions}
	for _, parts := range c.Service.Pipelines {
		for kind, names := range parts {
			used[kind] = append(used[kind], names...)
		}
	}
	for _, kind := range []string{"extensions", "receivers", "processors", "exporters"} {
		for name := range all[kind] {
			if !slices.Contains(used[kind], name) {
				t.Errorf("nothing uses %s of the %s", name, kind)
			}
		}
		for _, name := range used[kind] {
			if _, ok := all[kind][name]; !ok {
				t.Errorf("%s is none of the %s", name, kind)
			}
		}
	}
	for _, parts := range c.Service.Pipelines {
		if p := parts["processors"]; p[0] != "memory_limiter" || p[len(p)-1] != "batch" {
			t.Errorf("processors %v: the first bounds memory, the last gathers", p)
		}
	}
	for name, e := range c.Exporters {
		if e.Queue["queue_size"] == nil || e.Retry["max_elapsed_time"] == nil {
			t.Errorf("%s has no bounds", name)
		}
	}
}

func TestCollector_LokiGetsFourLabels(t *testing.T) {
	c, _ := read[configuration](t, "collector.yaml")
	grouped := slices.Sorted(slices.Values(c.Processors["groupbyattrs"].Keys))
	if !slices.Equal(grouped, labels) {
		t.Errorf("streams are told apart by %v, want %v", grouped, labels)
	}
	last := c.Processors["transform/labels"].Statements[0].Statements
	if len(last) != 1 || !slices.Equal(namesIn(last[0]), labels) {
		t.Errorf("the resource keeps %v", last)
	}
	loki, _ := read[struct {
		Limits struct {
			Retention string `json:"retention_period"`
			Metadata  bool   `json:"allow_structured_metadata"`
			Names     int    `json:"max_label_names_per_series"`
			OTLP      struct {
				Resource struct {
					IgnoreDefaults bool `json:"ignore_defaults"`
					Attributes     []struct {
						Action     string   `json:"action"`
						Attributes []string `json:"attributes"`
					} `json:"attributes_config"`
				} `json:"resource_attributes"`
			} `json:"otlp_config"`
		} `json:"limits_config"`
		Compactor struct {
			Retention bool `json:"retention_enabled"`
		} `json:"compactor"`
	}](t, filepath.Join("..", "loki", "loki.yaml"))
	l := loki.Limits
	if !l.OTLP.Resource.IgnoreDefaults || len(l.OTLP.Resource.Attributes) != 1 || !slices.Equal(slices.Sorted(slices.Values(l.OTLP.Resource.Attributes[0].Attributes)), labels) {
		t.Errorf("Loki makes labels of %+v", l.OTLP)
	}
	if l.Retention != "720h" || !loki.Compactor.Retention || !l.Metadata || l.Names < len(labels) {
		t.Errorf("Loki keeps lines for %q (compactor: %t), metadata %t, %d labels", l.Retention, loki.Compactor.Retention, l.Metadata, l.Names)
	}
}

var quoted = regexp.MustCompile(`"([a-z_]+)"`)

func namesIn(statement string) []string {
	var out []string
	for _, m := range quoted.FindAllStringSubmatch(statement, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return out
}

// TestCollector_ReadsWhatTheProductWrites takes a line of the product through what the configuration says of it.
func TestCollector_ReadsWhatTheProductWrites(t *testing.T) {
	c, _ := read[configuration](t, "collector.yaml")
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, telemetry.LogOptions{Level: slog.LevelDebug, Format: "json", Key: []byte("0123456789abcdef")})
	log.InfoContext(tandem.Trace{ID: strings.Repeat("ab", 16)}.In(t.Context()), "step", "user_id", "ann", "event_id", "e", "turn_id", "t")
	line := map[string]any{}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	parser := c.Receivers.Filelog.Operators[1]
	form := strings.Trim(strings.TrimPrefix(parser.If, "body matches "), `"`)
	if !regexp.MustCompile(form).MatchString(out.String()) {
		t.Errorf("%q does not match %s", form, out.String())
	}
	stamp, _ := line[strings.TrimPrefix(parser.Timestamp.ParseFrom, "attributes.")].(string)
	if at, err := time.Parse(parser.Timestamp.Layout, stamp); err != nil || time.Since(at) > time.Minute {
		t.Errorf("the time %q: %v, %v", stamp, at, err)
	}
	statements := c.Processors["transform/lines"].Statements[0].Statements
	kept := namesIn(statements[len(statements)-1])
	for _, name := range kept {
		if _, there := line[name]; !there && !slices.Contains(labels, name) {
			t.Errorf("the collector keeps %s, which a line does not have: %v", name, line)
		}
	}
	if level, _ := line["level"].(string); !slices.Contains([]string{"DEBUG", "INFO", "WARN", "ERROR"}, level) {
		t.Errorf("the level is %q", level)
	}
	if want := c.Receivers.Filelog.Include[0]; !strings.Contains(want, "_tandem-*/") {
		t.Errorf("it reads %s", want)
	}
}
