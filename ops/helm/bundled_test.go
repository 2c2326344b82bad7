package helm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tandem/ops/dev/stack"
	"tandem/server/postgres"
)

// TestBundled_PostgresTakesTheProduct runs the script of the bundled Postgres on a real one: afterwards the schema can be migrated without a superuser,
// the product accepts its role, and the cache has a place of its own.
func TestBundled_PostgresTakesTheProduct(t *testing.T) {
	stack.Require(t, "postgres")
	script := ""
	for _, o := range ofKind(objects(t, cases["minikube"]...), "ConfigMap") {
		if o.Metadata.Name == "tandem-postgres" {
			script = o.Data["roles.sh"]
		}
	}
	pg := stack.Postgres(t)
	psql := func(name string, args ...string) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		path, _ := os.LookupEnv("PATH")
		if dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin"); err == nil && len(dirs) > 0 {
			path = dirs[len(dirs)-1] + ":" + path
		}
		cmd.Env = append(os.Environ(), "PATH="+path, "PGHOST=127.0.0.1", fmt.Sprintf("PGPORT=%d", pg.Port))
		for _, role := range []string{"MIGRATOR", "APP", "WORKER", "SIGN_IN_ROLE", "CACHE"} {
			cmd.Env = append(cmd.Env, role+"_PASSWORD=of-"+role)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	psql("sh", "-c", script)
	if _, err := postgres.Migrate(t.Context(), pg.DSN("tandem_migrator", "tandem")); err != nil {
		t.Fatalf("migrate as tandem_migrator: %v", err)
	}
	for _, role := range []string{"tandem_app", "tandem_worker"} {
		db, err := postgres.Open(t.Context(), pg.DSN(role, "tandem"), postgres.Options{})
		if err != nil {
			t.Fatalf("open as %s: %v", role, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	psql("sh", "-c", `psql -v ON_ERROR_STOP=1 -U tandem_cache -d tandem -c 'create table dapr_cache_probe (id int)' -c 'select * from cache.dapr_cache_probe'`)
}
