package replicas

import (
	"context"
	"flag"
	"math/rand/v2"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"tandem"
	"tandem/ops/dev/build"
	"tandem/ops/dev/crash"
	"tandem/ops/dev/product"
	"tandem/ops/dev/stack"
	"tandem/server/postgres"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the dice of the crowd")

// lifetime bounds how long a process may live that is to die at a fault point: what another one held when it died, it waits for.
const lifetime = 45 * time.Second

// TestCrash_AtEveryFaultPoint lets each process of the distributed mode die at each of its fault points, all of them at once and under
// load, while a second server lives on. What died is started again, and nothing else.
func TestCrash_AtEveryFaultPoint(t *testing.T) {
	stack.Require(t, "postgres", "redis", "kafka", "dapr")
	office, doomed, points := crash.NewPostOffice(t), build.WithFaults(t, "../.."), crash.Points(t, "../..")
	p := product.Prepare(t, product.Options{Program: doomed, Root: "../..", Serve: 2, Env: append(office.Env(), "TANDEM_LOG_LEVEL=warn"), Durable: true})
	dieMigrating(t, p, doomed)
	p.StartApps()

	crowd := crash.Gather(t, crash.Options{
		Doors: []string{p.Serve[0].URL, p.Serve[1].URL}, Mail: office, Seed: *seed,
		Token: func(user tandem.UserID) (string, error) { return sign(p, user) },
	})
	var lanes sync.WaitGroup
	for name, a := range map[string]*product.App{
		"serve": p.Serve[0], "relay": p.Worker("relay"), "recurrence": p.Worker("recurrence"), "reminders": p.Worker("reminders"),
		"notifications": p.Worker("notifications"), "audit": p.Worker("audit"),
	} {
		lanes.Go(func() { dieEverywhere(t, name, a, crash.Names(points, name)) })
	}
	lanes.Wait()
	crowd.Disperse()
	checkStore(t, p, crowd)
}

// buildWithFaults builds the program with its fault points.
// dieMigrating kills `tandem migrate` in the middle, and lets it begin again.
func dieMigrating(t *testing.T, p *product.Product, program string) {
	t.Helper()
	passes, url := crash.NewLog(t), "TANDEM_MIGRATE_URL="+p.PG.DSN("postgres", p.PG.Database(t))
	run := func(env ...string) error {
		cmd := exec.CommandContext(t.Context(), program, "migrate")
		cmd.Env = append(append(cmd.Environ(), url), env...)
		return cmd.Run()
	}
	if err := run(passes.Env(), crash.At("migrate.mid", 1)); err == nil {
		t.Error("a migration that was to die has ended well")
	}
	if err := run(); err != nil {
		t.Errorf("the migration after the death of another: %v", err)
	}
	passes.Check(t, "tandem migrate", []string{"migrate.mid"})
}

// dieEverywhere lets an app die at each of the points, at the first pass and at a later one, and leaves it running.
func dieEverywhere(t *testing.T, name string, a *product.App, points []string) {
	t.Helper()
	passes := crash.NewLog(t)
	a.Kill()
	for _, n := range []int{1, 2 + rand.IntN(3)} {
		rand.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
		for _, point := range points {
			dieAt(t, name, a, passes, point, n)
		}
	}
	a.Start()
	passes.Check(t, name, points)
}

func dieAt(t *testing.T, name string, a *product.App, passes crash.Log, point string, n int) {
	t.Helper()
	began := time.Now()
	draining := point == "drain.mid"
	if draining {
		n = 1 // a worker passes it once
	}
	a.Launch(crash.At(point, n), passes.Env())
	if draining {
		stack.Answers(t, a.Ops+"/readyz")
		a.Signal(syscall.SIGTERM)
	}
	switch how := a.Ended(lifetime); how {
	case "signal: killed":
	case "":
		t.Errorf("%s: %s lives on", name, crash.At(point, n))
		a.Kill()
	default:
		t.Errorf("%s: %s: it ended with %s before it could die there", name, crash.At(point, n), how)
	}
	t.Logf("%s: %s after %v", name, crash.At(point, n), time.Since(began).Round(time.Millisecond))
}

// checkStore looks into the database: every event was told once, none was set aside, none is left.
func checkStore(t *testing.T, p *product.Product, crowd *crash.Crowd) {
	t.Helper()
	db, err := postgres.Open(t.Context(), p.PG.DSN("tandem_worker", p.Database), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	crowd.CheckTrail(db.Audit)
	letters, err := db.DeadLetters(t.Context(), 0, 10)
	if err != nil || len(letters) > 0 {
		t.Errorf("deaths of consumers have set events aside: %+v %v", letters, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		b, err := db.Backlog(ctx)
		if err == nil && b.Pending == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the outbox holds %+v, %v", b, err)
		}
	}
}
