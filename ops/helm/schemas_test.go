package helm

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestSchemas_KnowEveryField holds every case to the schemas of Kubernetes and of each kind from outside. An unknown kind is an error.
func TestSchemas_KnowEveryField(t *testing.T) {
	tool := program(t, "chart-1", "kubeconform")
	folder := filepath.Join(filepath.Dir(tool), "schemas")
	helmProgram(t)
	for name, args := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), tool, "-strict", "-summary", "-schema-location", folder+"/{{.ResourceKind}}{{.KindSuffix}}.json")
			cmd.Stdin = bytes.NewReader(template(t, args...))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			t.Logf("figure: %s", bytes.TrimSpace(out))
		})
	}
}
