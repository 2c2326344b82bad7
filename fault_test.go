package tandem

import (
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	faultCall = regexp.MustCompile(`tandem\.FaultPoint\("([^"]*)"\)`)
	faultRow  = regexp.MustCompile("(?m)^\\| `([a-z_]+\\.[a-z_]+)` \\|")
)

// TestFaultPoints_AreThoseOfTheSpec holds the calls in the code and the table that the suites go through together.
func TestFaultPoints_AreThoseOfTheSpec(t *testing.T) {
	spec, err := os.ReadFile("specs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range faultRow.FindAllStringSubmatch(string(spec), -1) {
		listed[m[1]] = true
	}
	called := map[string]bool{}
	root := os.DirFS(".")
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(name):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		source, err := fs.ReadFile(root, name)
		for _, m := range faultCall.FindAllStringSubmatch(string(source), -1) {
			called[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got, want := slices.Sorted(maps.Keys(called)), slices.Sorted(maps.Keys(listed))
	if !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("the code has the points\n%v\nand specs/faults.md lists\n%v", got, want)
	}
}
