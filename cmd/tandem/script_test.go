package main

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tandem": main})
}

// TestScript plays the stories of testdata/script with the real program.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("TANDEM_DATA_DIR", env.WorkDir+"/data")
			env.Setenv("TANDEM_ADDR", "127.0.0.1:0")
			env.Setenv("TANDEM_LOG_LEVEL", "error")
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ready": awaitServer},
	})
}

// awaitServer waits until the server of the script's data folder answers.
func awaitServer(ts *testscript.TestScript, _ bool, _ []string) {
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, ok := findRunning(ctx, ts.Getenv("TANDEM_DATA_DIR")); ok {
			return
		}
		select {
		case <-ctx.Done():
			ts.Fatalf("no server answers within 20 s")
		case <-tick.C:
		}
	}
}

func TestCommands_EachIsNamedInTheHelp(t *testing.T) {
	var out, errs writer
	if err := run(context.Background(), stdio{os.Stdin, &out, &errs}, []string{"help"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		if !out.has("  " + c.name) {
			t.Errorf("help does not name %s", c.name)
		}
	}
}
