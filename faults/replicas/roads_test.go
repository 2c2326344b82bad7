package replicas

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tandem"
	"tandem/ops/dev/product"
	"tandem/server/postgres"
	"tandem/sync/client"
)

// quantile gives the q-th of the durations, which it sorts.
func quantile(all []time.Duration, q float64) time.Duration {
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}

func TestRoads(t *testing.T) {
	p := deploy(t, product.Options{Serve: 3})
	devices := []*client.Client{}
	for _, a := range p.Serve {
		devices = append(devices, device(t, p, a, "ann"))
	}
	for _, d := range devices {
		mutate(t, d, "list_tasks", map[string]any{})
	}

	t.Run("fast", func(t *testing.T) {
		var took []time.Duration
		for i := range 200 {
			title := fmt.Sprintf("fast %d", i)
			mutate(t, devices[i%3], "add_task", map[string]any{"title": title})
			began := time.Now()
			for _, d := range devices {
				within(t, 5*time.Second, title, d, titled(t, title))
			}
			took = append(took, time.Since(began))
		}
		t.Logf("figure: from an edit's answer to the devices of three replicas: median %s, p99 %s; bar 10 ms", quantile(took, .5), quantile(took, .99))
	})
	t.Run("slow", func(t *testing.T) { slowRoad(t, p, devices) })
	t.Run("whole", func(t *testing.T) {
		for _, d := range devices {
			if got := len(tasks(t, d.Replica())); got != 300 {
				t.Errorf("a device holds %d tasks, want 300", got)
			}
		}
	})
}

// slowRoad writes with a process that tells nobody: what reaches the devices came by outbox, relay and broker.
func slowRoad(t *testing.T, p *product.Product, devices []*client.Client) {
	t.Helper()
	db, err := postgres.Open(t.Context(), p.PG.DSN("tandem_app", p.Database), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var took []time.Duration
	for i := range 100 {
		title := fmt.Sprintf("slow %d", i)
		_, err := db.Edit(t.Context(), "ann", tandem.Edit{
			Cause: tandem.Cause{Actor: tandem.ActorUser}, Tool: "add_task",
			Decide: func(sc tandem.Scene) (tandem.Plan, error) {
				task, _, err := tandem.NewTask(sc, tandem.Draft{Title: title})
				return tandem.Plan{Tasks: []tandem.Task{task}}, err
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for _, d := range devices {
			within(t, 10*time.Second, title, d, titled(t, title))
		}
		took = append(took, time.Since(began))
	}
	t.Logf("figure: from a silent commit to the devices of three replicas: median %s, p99 %s; bar 100 ms", quantile(took, .5), quantile(took, .99))
}
