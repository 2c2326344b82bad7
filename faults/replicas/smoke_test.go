package replicas

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"tandem/ops/dev/product"
)

// TestSmoke runs `tandem smoke`, as a deployment does, through `tandem web` on all workers in one, as the small profiles have them.
func TestSmoke(t *testing.T) {
	p := deploy(t, product.Options{Web: true, Workers: []string{"all"}})
	smoke := func(limit string) (string, error) {
		cmd := exec.CommandContext(t.Context(), program, "smoke", p.Web.URL, "--timeout", limit)
		cmd.Env = append(os.Environ(), "TANDEM_AUTH_SECRET="+p.Secret)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := smoke("40s")
	if err != nil || strings.Count(out, "ok ") != 5 {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("figure: the smoke test of a deployment:\n%s", out)
	p.Worker("all").Stop()
	if out, err := smoke("8s"); err == nil || !strings.Contains(out, "FAIL recurrence") {
		t.Errorf("without workers: %v\n%s", err, out)
	}
}
