package tandem

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed is the map of the module: package → the packages it may import besides the root; "x/" covers a subtree.
var allowed = map[string][]string{
	".":                {},
	"sync/wire":        {},
	"sync/hub":         {"sync/wire"},
	"sync/hub/hubtest": {"sync/hub"},
	"sync/session":     {"sync/hub", "sync/wire"},
	"sync/client":      {"sync/wire"},
	"agent":            {},
	"agent/phrase":     {},
	"agent/tools":      {"agent/phrase"},
	"agent/planner":    {"agent", "agent/phrase"},
	"agent/llm":        {"agent"},
	"workers/relay":    {},
	"workers/once":     {},
	"workers/recur":    {},
	"workers/remind":   {},
	"workers/notify":   {},
	"workers/audit":    {},
	"workers/porttest": {},
	"server/auth":      {},
	"server/dapr":      {},
	"server/deliver":   {},
	"server/inproc":    {},
	"server/intake":    {},
	"server/postgres":  {"server/store"},
	"server/redis":     {},
	"server/rest":      {"server/auth"},
	"server/sqlite":    {"server/store"},
	"server/store":     {},
	"server/storetest": {},
	"server/telemetry": {},
	"web":              {},
	"ops/compose":      {},
	"cmd/tandem":       {"agent", "agent/", "server/", "sync/", "workers/", "web"},
}

// vendors maps an import prefix to the packages that may name it.
var vendors = map[string][]string{
	"github.com/coder/websocket":     {"sync/session", "sync/client"},
	"github.com/mark3labs/mcp-go":    {"agent/tools"},
	"github.com/openai/openai-go":    {"agent/llm"},
	"github.com/go-chi/chi":          {"server/rest"},
	"github.com/go-chi/jwtauth":      {"server/auth"},
	"github.com/lestrrat-go/jwx":     {"server/auth"},
	"github.com/dapr":                {"server/dapr"},
	"go.opentelemetry.io":            {"server/dapr", "server/telemetry"},
	"github.com/grafana":             {"server/telemetry"},
	"google.golang.org/grpc":         {"server/dapr"},
	"google.golang.org/protobuf":     {"server/dapr"},
	"modernc.org/sqlite":             {"server/sqlite"},
	"github.com/jackc/pgx":           {"server/postgres", "ops/compose"},
	"github.com/twmb/franz-go":       {"ops/compose"},
	"github.com/teambition/rrule-go": {"."},
	"github.com/google/uuid":         {"."},
	"github.com/prometheus":          {"server/telemetry"},
	"golang.org/x/crypto/x509roots":  {"cmd/tandem"},
	"golang.org/x/text":              {".", "agent", "agent/phrase"},
	"golang.org/x/time":              {"agent/tools", "server/rest", "sync/session"},
	"golang.org/x/sync":              {"agent", "server/auth", "cmd/tandem"},
	"golang.org/x/sys":               {"server/sqlite"},
	"github.com/google/go-cmp":       {"server/storetest", "sync/hub/hubtest"},
	"github.com/redis/go-redis":      {"server/redis"},
	"github.com/SherClockHolmes":     {"server/deliver"},
	"github.com/wneessen/go-mail":    {"server/deliver"},
	"rsc.io/qr":                      {"cmd/tandem"},
}

func TestArchitecture_ImportsFollowTheMap(t *testing.T) {
	seen := map[string]bool{}
	for file, imports := range imports(t) {
		pkg := path.Dir(file)
		seen[pkg] = true
		if _, ok := allowed[pkg]; !ok {
			t.Errorf("%s: package %s is not on the map", file, pkg)
			continue
		}
		for _, imp := range imports {
			checkImport(t, file, pkg, imp)
		}
	}
	for pkg := range maps.Keys(allowed) {
		if !seen[pkg] {
			t.Errorf("the map names %s, which has no Go file", pkg)
		}
	}
}

func checkImport(t *testing.T, file, pkg, imp string) {
	t.Helper()
	if sibling, ok := strings.CutPrefix(imp, "tandem/"); ok {
		if strings.HasSuffix(sibling, "test") {
			t.Errorf("%s imports the test helper %s", file, imp)
		}
		if !slices.ContainsFunc(allowed[pkg], func(a string) bool {
			return a == sibling || strings.HasSuffix(a, "/") && strings.HasPrefix(sibling, a)
		}) {
			t.Errorf("%s: %s may not import %s", file, pkg, imp)
		}
		return
	}
	if !strings.Contains(strings.Split(imp, "/")[0], ".") {
		return // the standard library, or the root package
	}
	for prefix, homes := range vendors {
		if imp == prefix || strings.HasPrefix(imp, prefix+"/") {
			if !slices.Contains(homes, pkg) {
				t.Errorf("%s: %s may not import %s; its home is %v", file, pkg, imp, homes)
			}
			return
		}
	}
	t.Errorf("%s: vendor %s is not on the map", file, imp)
}

// imports reads the import lines of every non-test file. It parses in process: a child process would hide a violation
// behind the test cache.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	root := os.DirFS(".")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(name):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		out[name], err = importsOf(root, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// skipped names the folders that are no part of the module.
func skipped(dir string) bool {
	base := path.Base(dir)
	return base == "testdata" || base == "node_modules" || base == "bench" || dir == "ops/dev" || len(base) > 1 && base[0] == '.'
}

func importsOf(root fs.FS, name string) ([]string, error) {
	src, err := fs.ReadFile(root, name)
	if err != nil {
		return nil, err
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, i := range f.Imports {
		imp, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, imp)
	}
	return out, nil
}
