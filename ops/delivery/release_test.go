package delivery

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// desk is a folder with programs in the place of those that reach a cluster. Each notes how it was called; what it says and how it ends is
// up to a case.
type desk struct {
	t   *testing.T
	dir string
	env []string
}

func newDesk(t *testing.T, programs map[string]string) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir()}
	for name, body := range programs {
		script := "#!/usr/bin/env bash\necho \"" + name + " $*\" >> \"" + d.dir + "/calls\"\n" + body + "\n"
		if err := os.WriteFile(filepath.Join(d.dir, name), []byte(script), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	path, _ := os.LookupEnv("PATH")
	d.env = append(os.Environ(), "PATH="+d.dir+":"+path, "HELM=helm", "DESK="+d.dir, "CANARY_MINUTES=2", "CANARY_PAUSE=0", "GITHUB_TOKEN=")
	return d
}

// run starts a script and gives its end, what it said, and the calls of programs.
func (d *desk) run(script string, args ...string) (code int, said, calls string) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), filepath.Join(root, "ops/delivery", script), args...)
	cmd.Env = d.env
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		d.t.Fatal(err)
	}
	noted, _ := os.ReadFile(filepath.Join(d.dir, "calls"))
	return code, string(out), string(noted)
}

// helm that has a release of revision 7, unless the file first is there, and whose tests fail while the file unwell is. A rollback takes that away.
const helm = `case "$*" in
*status*) [ -e "$DESK/stuck" ] && s=failed || s=deployed; [ -e "$DESK/first" ] || echo '{"name":"tandem","info":{"status":"'$s'"},"version":7}' ;;
*" upgrade "*) [ ! -e "$DESK/unready" ] && [ ! -e "$DESK/stuck" ] && [ ! -e "$DESK/first" ] ;;
*" test "*) [ ! -e "$DESK/unwell" ] ;;
*" rollback "*) rm -f "$DESK/unwell" ;;
esac`

// prometheus answers every query with body.
func prometheus(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query().Get("query"); r.URL.Path != "/api/v1/query" || !strings.Contains(q, "tandem:slo_burn:ratio5m") || !strings.Contains(q, "14.4") ||
			!strings.Contains(q, `absent(tandem:slo_events:rate5m{namespace="tandem"})`) || strings.Count(q, `{namespace="tandem"}`) != 2 {
			status = http.StatusBadRequest
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const (
	calm    = `{"status":"success","data":{"resultType":"vector","result":[]}}`
	burning = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"31.5"]}]}}`
	unseen  = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"namespace":"tandem"},"value":[1,"1"]}]}}`
)

func TestRelease_EndsOnWhatIsWell(t *testing.T) {
	cases := map[string]struct {
		broken string // a file on the desk
		status int
		answer string
		code   int
		calls  []string
		never  []string
	}{
		"well":                            {"", 200, calm, 0, []string{"image.digest=" + digest}, []string{"rollback tandem", "gh "}},
		"it never gets ready":             {"unready", 200, calm, 1, []string{"gh issue create"}, []string{"rollback tandem"}},
		"its smoke test fails":            {"unwell", 200, calm, 1, []string{"rollback tandem 7 --wait", "gh issue create"}, nil},
		"Helm cannot take it back":        {"stuck", 200, calm, 2, []string{"gh issue create"}, []string{"rollback tandem"}},
		"the first never gets ready":      {"first", 200, calm, 2, []string{"gh issue create"}, []string{"rollback tandem"}},
		"nobody measures it":              {"", 200, unseen, 1, []string{"rollback tandem 7 --wait", "gh issue create"}, nil},
		"it burns the budget":             {"", 200, burning, 1, []string{"rollback tandem 7 --wait", "gh issue create"}, nil},
		"Prometheus is out of order":      {"", 503, "", 1, []string{"rollback tandem 7 --wait", "gh issue create"}, nil},
		"Prometheus answers with garbage": {"", 200, "<html>", 1, []string{"rollback tandem 7 --wait"}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, map[string]string{"helm": helm, "kubectl": "", "gh": ""})
			if c.broken != "" {
				if err := os.WriteFile(filepath.Join(d.dir, c.broken), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			d.env = append(d.env, "PROMETHEUS="+prometheus(t, c.status, c.answer))
			code, said, calls := d.run("release.sh", "tandem", "tandem", "ghcr.io/owner/tandem@"+digest)
			if code != c.code {
				t.Errorf("it ended with %d, want %d:\n%s\n%s", code, c.code, said, calls)
			}
			for _, want := range c.calls {
				if !strings.Contains(calls, want) {
					t.Errorf("no call has %q:\n%s\n%s", want, calls, said)
				}
			}
			for _, bad := range c.never {
				if strings.Contains(calls, bad) {
					t.Errorf("a call has %q:\n%s", bad, calls)
				}
			}
		})
	}
}

func TestRelease_TakesADigestAlone(t *testing.T) {
	for _, image := range []string{"ghcr.io/owner/tandem:latest", "ghcr.io/owner/tandem", "ghcr.io/owner/tandem@sha256:12"} {
		d := newDesk(t, map[string]string{"helm": helm, "kubectl": "", "gh": "", "cosign": "", "go": ""})
		for _, script := range [][]string{{"release.sh", "tandem", "tandem", image}, {"verify.sh", image, "owner/tandem"}, {"sign.sh", image}} {
			if code, said, calls := d.run(script[0], script[1:]...); code == 0 || calls != "" || !strings.Contains(said, "names no image by its digest") {
				t.Errorf("%v: %d\n%s\n%s", script, code, said, calls)
			}
		}
	}
}

func TestVerify_AsksForTheIdentityOfTheMainWorkflow(t *testing.T) {
	d := newDesk(t, map[string]string{"cosign": `[ ! -e "$DESK/forged" ] || [ "$1" != verify-attestation ]`})
	image := "ghcr.io/owner/tandem@" + digest
	code, said, calls := d.run("verify.sh", image, "owner/tandem")
	if code != 0 || strings.Count(calls, "https://github.com/owner/tandem/.github/workflows/main.yaml@refs/heads/main") != 3 ||
		strings.Count(calls, image) != 3 {
		t.Errorf("%d\n%s\n%s", code, said, calls)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "forged"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said, _ := d.run("verify.sh", image, "owner/tandem"); code == 0 {
		t.Errorf("an image without attestations was taken:\n%s", said)
	}
}

// The cluster of the drill serves one digest; helm takes releases that are not ready back, and rolls those that are not well back.
const (
	drillHelm = `case "$*" in
*status*) echo '{"info":{"status":"deployed"},"version":7}' ;;
*" upgrade "*) case "$*" in *000000*) exit 1 ;; *) touch "$DESK/unwell" ;; esac ;;
*" test "*) [ ! -e "$DESK/unwell" ] ;;
*" rollback "*) [ -e "$DESK/stuck" ] || rm -f "$DESK/unwell" ;;
esac`
	drillDocker = `while [ $# -gt 0 ]; do [ "$1" = --metadata-file ] && echo '{"containerimage.digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}' > "$2"; shift; done`
	drillTandem = `[ -e "$DESK/cut" ] && echo 'FAIL socket' || printf 'ok socket\nok chat\nFAIL recurrence\n'`
)

func TestDrill_WantsBothBackUnnoticed(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		code int
		said string
	}{
		"as it should be":    {"", 0, "an image that gets ready and fails its smoke test: back at"},
		"a cut connection":   {"cut", 1, "the device was interrupted"},
		"a stuck deployment": {"stuck", 1, "ended with 2, not with the release before"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, map[string]string{
				"helm": drillHelm, "kubectl": "echo -n ghcr.io/owner/tandem@" + digest, "docker": drillDocker, "tandem": drillTandem,
			})
			d.env = append(d.env, "TANDEM="+filepath.Join(d.dir, "tandem"))
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(d.dir, c.file), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			code, said, calls := d.run("drill.sh", "tandem", "tandem", "https://staging.example.com")
			if code != c.code || !strings.Contains(said, c.said) {
				t.Errorf("%d\n%s\n%s", code, said, calls)
			}
		})
	}
}

// TestEnvironment_PassesOnNothingElse: settings come from a page that many may edit.
func TestEnvironment_PassesOnNothingElse(t *testing.T) {
	for settings, want := range map[string]bool{
		"AKS_GROUP=tandem\nAKS_CLUSTER=one": true, "": true, "PATH=/tmp": false, "LD_PRELOAD=x": false, "AKS_GROUP=$(id)": false, "AKS_GROUP=a b": false,
	} {
		d := newDesk(t, nil)
		cache := filepath.Join(d.dir, "cache/tandem/kubernetes-1.37.2")
		if err := os.MkdirAll(cache, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, program := range []string{"helm", "kubectl"} {
			if err := os.WriteFile(filepath.Join(cache, program), nil, 0o700); err != nil { //nolint:gosec // a program
				t.Fatal(err)
			}
		}
		d.env = append(d.env, "CLUSTER_SETTINGS="+settings, "GITHUB_ENV="+d.dir+"/env", "GITHUB_PATH="+d.dir+"/path", "RUNNER_TEMP="+d.dir, "XDG_CACHE_HOME="+d.dir+"/cache")
		code, said, _ := d.run("environment.sh")
		if (code == 0) != want {
			t.Errorf("%q: ended with %d: %s", settings, code, said)
		}
	}
}
