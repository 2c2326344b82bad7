package stack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Versions that the stack obtains by itself; the folders of the cache carry them.
const (
	KafkaVersion = "4.4.0"
	DaprVersion  = "1.16.0"
)

// components maps each name that Require knows to what looks for it.
var components = map[string]func() error{
	"postgres":  func() error { return missing(postgresProgram("postgres")) },
	"pgbouncer": func() error { return missing(program("pgbouncer")) },
	"redis":     func() error { return missing(program("redis-server")) },
	"kafka":     func() error { return missing(findJava()) },
	"dapr":      findDapr,
}

// Require skips the test when a component is missing on this machine and says how to get it. It fails instead where TANDEM_REQUIRE names the
// component or says "all", and where CI is set. TANDEM_STACK=off leaves these tests to another run.
func Require(t T, names ...string) {
	t.Helper()
	if v, _ := os.LookupEnv("TANDEM_STACK"); v == "off" {
		t.Skipf("left to make test-stack: needs %s", strings.Join(names, ", "))
	}
	for _, name := range names {
		look, ok := components[name]
		if !ok {
			t.Fatalf("no component is called %q", name)
		}
		err := look()
		switch {
		case err == nil:
		case required(name):
			t.Fatalf("%s is required and missing: %v; get it with: make stack", name, err)
		default:
			t.Skipf("NOT RUN: %s is missing: %v; get it with: make stack", name, err)
		}
	}
}

func required(name string) bool {
	if ci, _ := os.LookupEnv("CI"); ci != "" {
		return true
	}
	list, _ := os.LookupEnv("TANDEM_REQUIRE")
	names := strings.Split(list, ",")
	return slices.Contains(names, "all") || slices.Contains(names, name)
}

func missing[C any](_ C, err error) error { return err }

// program finds a command on the path or where distributions keep those of the administrator.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no program %s", name)
}

// postgresProgram finds a program of the newest PostgreSQL; Debian keeps the server's off the path.
func postgresProgram(name string) (string, error) {
	found, err := filepath.Glob(filepath.Join("/usr/lib/postgresql/*/bin", name))
	if err != nil || len(found) == 0 {
		return program(name)
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }), nil
}

// cache is the folder of what was obtained for a component, by version.
func cache(name string) (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "tandem", name), err
}
