package tandem

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	mdLink    = regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	mdEnv     = regexp.MustCompile(`\bTANDEM_[A-Z_]+\b`)
	mdCommand = regexp.MustCompile("(?m)(?:`|^    )tandem ([a-z]+)")
	mdTarget  = regexp.MustCompile("`make ([a-z-]+)`")
)

// TestDocs_NameWhatExists holds links, settings, commands and make targets of the documents to the tree.
func TestDocs_NameWhatExists(t *testing.T) {
	read := func(name string) string {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	sidecars := read("ops/dapr/components/file/secrets.yaml") + read("ops/dapr/config/standalone/names.yaml")
	config := read("cmd/tandem/config.go") + read("cmd/tandem/faults.go") + read("web/auth/src/config.ts")
	program, targets := read("cmd/tandem/main.go"), read("Makefile")
	for _, name := range documents(t) {
		text := read(name)
		for _, m := range mdLink.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(path.Join(path.Dir(name), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			}
		}
		for _, env := range mdEnv.FindAllString(text, -1) {
			if !strings.Contains(config, `"`+env+`"`) && !strings.Contains(sidecars, env) {
				t.Errorf("%s names the setting %s, which does not exist", name, env)
			}
		}
		for _, m := range mdCommand.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(program, `{"`+m[1]+`",`) {
				t.Errorf("%s names the command tandem %s, which does not exist", name, m[1])
			}
		}
		for _, m := range mdTarget.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(targets, "\n"+m[1]+":") {
				t.Errorf("%s names make %s, which does not exist", name, m[1])
			}
		}
	}
}

// documents lists the Markdown files of the project.
func documents(t *testing.T) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(name):
			return fs.SkipDir
		case strings.HasSuffix(name, ".md"):
			out = append(out, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
