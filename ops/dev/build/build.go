// Package build makes the program that tests run.
package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Tests is for the TestMain of a package whose tests run the program.
type Tests struct {
	M       interface{ Run() int }
	Root    string  // of the repository
	Program *string // is set to the path of the program, which is there while the tests run
}

// Run builds the program, runs the tests and gives the exit code: os.Exit(build.Tests{…}.Run()).
func (t Tests) Run() int {
	dir, err := os.MkdirTemp("", "tandem-program-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// TestMain has no test whose end would stop the build.
	if *t.Program, err = program(context.Background(), dir, t.Root); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return t.M.Run()
}

// WithFaults builds the program with its fault points, for one test.
func WithFaults(t *testing.T, root string) string {
	t.Helper()
	path, err := program(t.Context(), t.TempDir(), root, "-tags", "faults")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func program(ctx context.Context, dir, root string, flags ...string) (string, error) {
	path := filepath.Join(dir, "tandem")
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"build", "-o", path}, flags...), "./cmd/tandem")...)
	cmd.Dir = root
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, said)
	}
	return path, nil
}
