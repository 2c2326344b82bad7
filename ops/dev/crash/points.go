// Package crash lets people use a product whose processes die at their fault points, and holds it to its promises. Tests of the embedded
// and of the distributed mode share it.
package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Point is a row of the table in specs/faults.md.
type Point struct {
	Name string
	Apps []string // the processes that pass it; up among them
}

// Names lists the points that a process passes.
func Names(points []Point, app string) (names []string) {
	for _, p := range points {
		if slices.Contains(p.Apps, app) {
			names = append(names, p.Name)
		}
	}
	return names
}

var row = regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| [^|]* \\| ([a-z]*) \\| ([a-z, ]+) \\|$")

// Points reads the table of the repository whose root is given.
func Points(tb testing.TB, root string) []Point {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(root, "specs/faults.md"))
	if err != nil {
		tb.Fatal(err)
	}
	var out []Point
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		out = append(out, Point{Name: m[1], Apps: append(strings.Split(m[3], ", "), m[2])})
	}
	if len(out) != strings.Count(string(text), "\n| `") {
		tb.Fatalf("specs/faults.md: %d rows could be read", len(out))
	}
	return out
}

// At is the wish to die at the n-th pass of a point, for the environment of a process.
func At(point string, n int) string { return fmt.Sprintf("TANDEM_FAULT=%s@%d", point, n) }

// Log is the file in which processes of one kind note what they passed.
type Log struct{ path string }

// NewLog makes a log that ends with tb.
func NewLog(tb testing.TB) Log {
	tb.Helper()
	return Log{filepath.Join(tb.TempDir(), "passes")}
}

// Env names the log, for the environment of a process.
func (l Log) Env() string { return "TANDEM_FAULT_LOG=" + l.path }

// Check demands that each point was passed, and that a process died there.
func (l Log) Check(tb testing.TB, who string, points []string) {
	tb.Helper()
	text, err := os.ReadFile(l.path)
	if err != nil {
		tb.Errorf("%s passed no fault point at all: %v", who, err)
		return
	}
	lines := strings.Split(string(text), "\n")
	for _, p := range points {
		switch {
		case !slices.Contains(lines, p):
			tb.Errorf("%s never hit %s", who, p)
		case !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, p+"@") }):
			tb.Errorf("%s never died at %s", who, p)
		}
	}
}
