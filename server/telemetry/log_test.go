package telemetry_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tandem/server/telemetry"
)

func TestLogger_MasksSecretsWhereverTheyHide(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
	secrets := map[string]string{
		"JWT": jwt, "personal token": "tdm_canary0123456789", "bearer": "Bearer canary.credential", "subprotocol": "bearer.canary", "code": "http://127.0.0.1:8080/#code=canary0123",
		"model key": "sk-canary0123456789", "feed": "/feeds/canary0123.ics", "cookie": "tandem_session=canary0123; Path=/", "password": "postgres://user:canary@db/x",
		"configured": "the-configured-canary",
	}
	for name, secret := range secrets {
		for _, format := range []string{"text", "json"} {
			t.Run(name+" "+format, func(t *testing.T) {
				var out bytes.Buffer
				log := telemetry.NewLogger(&out, telemetry.LogOptions{Level: slog.LevelDebug, Format: format, Secrets: telemetry.NewSecrets("the-configured-canary", "short", "")})
				wrapped := fmt.Errorf("open %s: %w", secret, errors.New(secret))
				log.With("route", secret).WithGroup("g").Error("failed "+secret, "err", wrapped, slog.Group("h", "reason", secret), "rows", []string{secret}, "code", valuer(secret))
				if text := out.String(); strings.Contains(strings.ReplaceAll(text, jwt, "canary"), "canary") || !strings.Contains(text, "[redacted]") {
					t.Errorf("the line shows it: %s", text)
				}
			})
		}
	}
}

// valuer resolves to its text only when it is logged.
type valuer string

func (v valuer) LogValue() slog.Value { return slog.StringValue(string(v)) }

func TestLogger_LeavesTheRestAlone(t *testing.T) {
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, telemetry.LogOptions{Level: slog.LevelInfo, Format: "text", Secrets: telemetry.NewSecrets("short")})
	log.Debug("not shown")
	log.Info("turn taken over", "turn_id", "0190f3c2-0000-7000-8000-000000000001", "attempt", 2, "reason", "in short: a\nb\x1b[31m", "rows", map[string]int{"versions": 3})
	want := `level=INFO msg="turn taken over" turn_id=0190f3c2-0000-7000-8000-000000000001 attempt=2 reason="in short: a\nb\x1b[31m" rows=map[versions:3]` + "\n"
	if _, got, _ := strings.Cut(out.String(), " "); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

// TestKeys_TheWholeModuleKeepsToThem reads the log calls of every package: constant messages, and keys of the one list.
func TestKeys_TheWholeModuleKeepsToThem(t *testing.T) {
	if !slices.IsSorted(telemetry.Keys) {
		t.Error("the list is not in order")
	}
	root := filepath.Join("..", "..")
	calls := 0
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); base == "node_modules" || base == "testdata" || name == "ops/dev" || name == "bench" || len(base) > 1 && base[0] == '.' {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, filepath.Join(root, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				calls += checkLogCall(t, set, call)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls < 10 {
		t.Errorf("only %d log calls were found: the test looks at the wrong thing", calls)
	}
}

// checkLogCall looks at a call like log.WarnContext(ctx, "message", "key", value); it gives 1 for one, 0 for any other call.
func checkLogCall(t *testing.T, set *token.FileSet, call *ast.CallExpr) int {
	t.Helper()
	fn, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return 0
	}
	level, withContext := strings.CutSuffix(fn.Sel.Name, "Context")
	if !slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, level) {
		return 0
	}
	args := call.Args
	if withContext {
		args = args[min(1, len(args)):]
	}
	if len(args) == 0 {
		return 0
	}
	message, ok := literal(args[0])
	if !ok {
		if withContext {
			t.Errorf("%s: the message is not constant", set.Position(call.Pos()))
		}
		return 0
	}
	if message != strings.ToLower(message[:1])+message[1:] {
		t.Errorf("%s: the message %q begins with a capital", set.Position(call.Pos()), message)
	}
	for i := 1; i < len(args); i++ {
		key, ok := literal(args[i])
		if attr, isCall := args[i].(*ast.CallExpr); isCall && len(attr.Args) > 0 {
			if key, ok = literal(attr.Args[0]); !ok {
				continue
			}
		} else {
			i++
		}
		if !ok || !slices.Contains(telemetry.Keys, key) {
			t.Errorf("%s: the key %q is not on the list", set.Position(call.Pos()), key)
		}
	}
	return 1
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil && s != ""
}
