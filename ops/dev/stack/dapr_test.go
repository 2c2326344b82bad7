package stack_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	runtime "github.com/dapr/dapr/pkg/proto/runtime/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"tandem"
	"tandem/ops/dev/stack"
)

// app answers its sidecar and hands on what it is sent.
type app struct {
	runtime.UnimplementedAppCallbackServer
	runtime.UnimplementedAppCallbackAlphaServer
	runtime.UnimplementedAppCallbackHealthCheckServer
	port   int
	events chan string // data
	jobs   chan string // names
}

func newApp(t *testing.T) *app {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{port: l.Addr().(*net.TCPAddr).Port, events: make(chan string, 100), jobs: make(chan string, 100)}
	s := grpc.NewServer()
	runtime.RegisterAppCallbackServer(s, a)
	runtime.RegisterAppCallbackAlphaServer(s, a)
	runtime.RegisterAppCallbackHealthCheckServer(s, a)
	go s.Serve(l) //nolint:errcheck // ends with the test
	t.Cleanup(s.Stop)
	return a
}

func (a *app) ListTopicSubscriptions(context.Context, *emptypb.Empty) (*runtime.ListTopicSubscriptionsResponse, error) {
	return &runtime.ListTopicSubscriptionsResponse{}, nil
}

func (a *app) ListInputBindings(context.Context, *emptypb.Empty) (*runtime.ListInputBindingsResponse, error) {
	return &runtime.ListInputBindingsResponse{}, nil
}

func (a *app) HealthCheck(context.Context, *emptypb.Empty) (*runtime.HealthCheckResponse, error) {
	return &runtime.HealthCheckResponse{}, nil
}

func (a *app) OnTopicEvent(_ context.Context, e *runtime.TopicEventRequest) (*runtime.TopicEventResponse, error) {
	a.events <- string(e.GetData())
	return &runtime.TopicEventResponse{}, nil
}

func (a *app) OnJobEventAlpha1(_ context.Context, e *runtime.JobEventRequest) (*runtime.JobEventResponse, error) {
	a.jobs <- e.GetName()
	return &runtime.JobEventResponse{}, nil
}

// want waits for a word. Others may come before it: after a crash the bus repeats what was not yet marked as read.
func want(t *testing.T, from <-chan string, word string) {
	t.Helper()
	var before []string
	timeout := time.After(40 * time.Second)
	for {
		select {
		case got := <-from:
			if got == word {
				return
			}
			before = append(before, got)
		case <-timeout:
			t.Fatalf("the app was not sent %q, but %q", word, before)
		}
	}
}

func dial(t *testing.T, d *stack.Daprd) runtime.DaprClient {
	t.Helper()
	conn, err := grpc.NewClient(d.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return runtime.NewDaprClient(conn)
}

// write makes a folder of one file.
func write(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

const busFile = `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: bus}
spec:
  type: pubsub.kafka
  version: v1
  metadata:
  - {name: brokers, value: "BROKERS"}
  - {name: authType, value: none}
  - {name: consumerGroup, value: "{appID}"}
  - {name: initialOffset, value: oldest}
  - {name: version, value: 3.6.0}
---
apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata: {name: events}
spec: {pubsubname: bus, topic: task-events, routes: {default: /events}}
`

func TestDaprd_DeliversEventsAndJobsBeforeAndAfterACrash(t *testing.T) {
	t.Parallel()
	bus, scheduler, a := stack.SharedKafka(t), stack.StartScheduler(t, nil), newApp(t)
	d := stack.StartDaprd(t, stack.Sidecar{
		AppID: "app", AppPort: a.port, Scheduler: scheduler,
		Resources: []string{write(t, "bus.yaml", strings.ReplaceAll(busFile, "BROKERS", bus.Addr()))},
	})
	d.AwaitApp(t, 1)
	client := dial(t, d)
	deliver := func(word string) {
		t.Helper()
		_, err := client.PublishEvent(t.Context(), &runtime.PublishEventRequest{
			PubsubName: "bus", Topic: string(tandem.TopicTaskEvents), Data: []byte(word), DataContentType: "text/plain",
		})
		if err != nil {
			t.Fatal(err)
		}
		want(t, a.events, word)
		due := time.Now().UTC().Format(time.RFC3339Nano)
		// Overwrite: a scheduler that comes back may have taken the job from a call that daprd then repeats.
		job := &runtime.Job{Name: word, DueTime: &due, Data: &anypb.Any{Value: []byte("{}")}}
		if _, err := client.ScheduleJobAlpha1(t.Context(), &runtime.ScheduleJobRequest{Job: job, Overwrite: true}); err != nil {
			t.Fatal(err)
		}
		want(t, a.jobs, word)
	}
	deliver("first")
	d.Kill()
	d.Start()
	d.AwaitApp(t, 1)
	deliver("second")
	scheduler.Stop()
	scheduler.Start()
	d.AwaitApp(t, 1)
	deliver("third")
	scheduler.Wipe()
	d.AwaitApp(t, 1)
	deliver("fourth")
}

func TestDaprd_CallsThroughMutualTLS(t *testing.T) {
	t.Parallel()
	names := filepath.Join(t.TempDir(), "names.db")
	config := filepath.Join(write(t, "config.yaml", `
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: {name: config}
spec:
  mtls: {enabled: true}
  nameResolution: {component: sqlite, version: v1, configuration: {connectionString: "`+names+`", updateInterval: 2s}}
  accessControl:
    defaultAction: deny
    trustDomain: public
    policies:
    - {appId: caller, namespace: default, trustDomain: public, defaultAction: allow}
`), "config.yaml")
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	go server.Serve(l) //nolint:errcheck // ends with the test
	t.Cleanup(func() { server.Close() })

	sentry := stack.StartSentry(t)
	stack.StartDaprd(t, stack.Sidecar{
		AppID: "callee", AppPort: l.Addr().(*net.TCPAddr).Port, Protocol: "http", Configs: []string{config}, Sentry: sentry,
		Scheduler: stack.StartScheduler(t, sentry), Args: []string{"--enable-app-health-check=false"},
	}).AwaitApp(t, 0)
	for id, status := range map[string]int{"caller": http.StatusNotFound, "stranger": http.StatusForbidden} {
		d := stack.StartDaprd(t, stack.Sidecar{AppID: id, Configs: []string{config}, Sentry: sentry, APIToken: "token"})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+d.HTTP+"/v1.0/invoke/callee/method/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("dapr-api-token", "token")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%s got %d %s, want %d", id, res.StatusCode, body, status)
		}
	}
}
