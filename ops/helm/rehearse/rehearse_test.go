package rehearse

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const chart = "../tandem"

// TestCluster deploys the chart for real. Its parts run one after the other on one control plane.
func TestCluster(t *testing.T) {
	c := start(t)
	c.kubectl(t, "apply", "--server-side", "-f", sources(t, "../../..", "github.com/dapr/dapr")+"/charts/dapr/crds")
	c.kubectl(t, "apply", "--server-side", "-f", "testdata/gcpbackendpolicies.yaml")
	c.kubectl(t, "apply", "--server-side", "-f", c.gateway(t))
	for _, profile := range []string{"defaults", "minikube", "aks", "gke", "oke"} {
		t.Run("install/"+profile, func(t *testing.T) { c.install(t, profile) })
	}
	t.Run("scaled", c.scaled)
	t.Run("rehearsals", c.rehearsals)
	t.Run("drain", c.drain)
	t.Run("account", c.account)
}

// gateway is the definition of HTTPRoute, from the sources that make the schemas of the chart's tests.
func (c *cluster) gateway(t *testing.T) string {
	t.Helper()
	out := c.run(t, "/usr/bin/env", "go", "mod", "download", "-json", "sigs.k8s.io/gateway-api@v1.5.0")
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &module); err != nil {
		t.Fatal(err)
	}
	return module.Dir + "/config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"
}

// namespace makes one whose pods must be restricted: the API server refuses others.
func (c *cluster) namespace(t *testing.T, name string) {
	t.Helper()
	c.kubectl(t, "create", "namespace", name)
	c.kubectl(t, "label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
	t.Cleanup(func() {
		if t.Context().Err() == nil {
			c.kubectl(t, "delete", "namespace", name, "--wait=false")
		}
	})
}

func (c *cluster) helm(t *testing.T, ns string, args ...string) string {
	t.Helper()
	return c.run(t, "helm", append([]string{"--namespace", ns}, args...)...)
}

// install brings a profile up, tests it, changes it, and takes it away without a rest.
func (c *cluster) install(t *testing.T, profile string) {
	t.Helper()
	ns := "install-" + profile
	c.namespace(t, ns)
	args := []string{"upgrade", "--install", "tandem", chart, "--wait", "--timeout", "60s", "--set", "image.tag=good"}
	if profile != "defaults" {
		args = append(args, "-f", chart+"/values-"+profile+".yaml")
	}
	began := time.Now()
	c.helm(t, ns, args...)
	took := time.Since(began)
	pods := c.lines(t, ns, "pods", "{.metadata.name} {.status.phase}")
	for _, pod := range pods {
		if !strings.HasSuffix(pod, "Running") && !strings.HasSuffix(pod, "Succeeded") {
			t.Errorf("pod %s", pod)
		}
	}
	c.helm(t, ns, "test", "tandem")
	secrets := c.lines(t, ns, "secrets", "{.metadata.name} {.data}")
	c.helm(t, ns, append(args, "--set", "logLevel=debug")...)
	if profile == "minikube" {
		for _, s := range c.lines(t, ns, "secrets", "{.metadata.name} {.data}") {
			if !strings.HasPrefix(s, "sh.helm.release") && !slices.Contains(secrets, s) {
				t.Errorf("an upgrade changes the Secret %.40s", s)
			}
		}
	}
	c.helm(t, ns, "uninstall", "tandem", "--wait", "--timeout", "60s")
	t.Logf("figure: %d pods ready within %s of the installation", len(pods), took.Round(100*time.Millisecond))
	c.nothingLeft(t, ns)
}

// nothingLeft holds that a namespace is as it was made.
func (c *cluster) nothingLeft(t *testing.T, ns string) {
	t.Helper()
	kinds := strings.Fields(c.kubectl(t, "api-resources", "--namespaced", "--verbs=list", "-o", "name"))
	kinds = slices.DeleteFunc(kinds, func(k string) bool { return strings.HasPrefix(k, "events") || k == "bindings" })
	c.await(t, "nothing is left", func() error {
		out, err := c.try(t, "kubectl", "get", strings.Join(kinds, ","), "--namespace", ns, "-o", "name", "--ignore-not-found")
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(strings.Fields(out), func(name string) bool {
			return name == "configmap/kube-root-ca.crt" || name == "serviceaccount/default"
		})
		if len(left) > 0 {
			return fmt.Errorf("left: %v", left)
		}
		return nil
	})
}

// scaled lets the autoscaler and Helm work on the same Deployments.
func (c *cluster) scaled(t *testing.T) {
	const ns = "scaled"
	c.namespace(t, ns)
	args := []string{"upgrade", "--install", "tandem", chart, "--wait", "--timeout", "60s", "--set", "image.tag=good,autoscaling.provider=hpa,roles.serve.replicas=3"}
	c.helm(t, ns, args...)
	replicas := func() error {
		if got := c.lines(t, ns, "deployment/tandem-serve", "{.status.readyReplicas}"); !slices.Equal(got, []string{"3"}) {
			return fmt.Errorf("ready replicas are %v, want the autoscaler's 3", got)
		}
		return nil
	}
	c.await(t, "the autoscaler's least", replicas)
	c.helm(t, ns, append(args, "--set", "logLevel=debug")...) // a conflict over replicas would fail it
	if err := replicas(); err != nil {
		t.Errorf("after an upgrade: %v", err)
	}
	c.helm(t, ns, "uninstall", "tandem", "--wait")
}

// rehearsals deploys bad releases over a good one. Each must end with the good one back, by itself.
func (c *cluster) rehearsals(t *testing.T) {
	const ns = "rehearsal"
	c.namespace(t, ns)
	deploy := func(tag string) (string, error) {
		return c.try(t, "../../deploy.sh", "tandem", ns, "--set", "image.tag="+tag+",scheduling.progressDeadlineSeconds=5,migration.deadlineSeconds=10",
			"--set", "kafka.topics=none")
	}
	c.env = append(c.env, "TIMEOUT=60s")
	if out, err := deploy("good"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, fate := range []struct{ tag, what string }{
		{"bad-notready", "an image that never gets ready"},
		{"bad-crash", "an image that crashes"},
		{"bad-pull", "an image that cannot be pulled"},
		{"bad-migrate", "a migration that fails"},
		{"bad-smoke", "an image that gets ready and fails the smoke test"},
	} {
		t.Run(fate.tag, func(t *testing.T) {
			began := time.Now()
			out, err := deploy(fate.tag)
			if err == nil || !strings.Contains(err.Error(), "exit status 1") {
				t.Fatalf("the deployment ended with %v\n%s", err, out)
			}
			images := c.lines(t, ns, "deployments", "{.spec.template.spec.containers[0].image} {.status.availableReplicas}/{.spec.replicas}")
			for _, image := range images {
				tag, count, _ := strings.Cut(image[strings.LastIndex(image, ":")+1:], " ")
				if ready, want, _ := strings.Cut(count, "/"); tag != "good" || ready != want {
					t.Errorf("a Deployment is left at %s", image)
				}
			}
			t.Logf("figure: %s: taken back after %s; %s", fate.what, time.Since(began).Round(100*time.Millisecond), c.history(t, ns))
		})
	}
	if out, err := deploy("better"); err != nil {
		t.Errorf("a good release after the bad ones: %v\n%s", err, out)
	}
	c.helm(t, ns, "uninstall", "tandem", "--wait")
}

// history gives the last revisions as an operator sees them.
func (c *cluster) history(t *testing.T, ns string) string {
	t.Helper()
	var rows []struct {
		Revision            int
		Status, Description string
	}
	if err := json.Unmarshal([]byte(c.helm(t, ns, "history", "tandem", "--max", "2", "--output", "json")), &rows); err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, r := range rows {
		what, _, _ := strings.Cut(r.Description, "\n")
		out = append(out, fmt.Sprintf("revision %d %s (%.60s)", r.Revision, r.Status, what))
	}
	return strings.Join(out, ", ")
}

// drain empties one node after the other; a role never has more than one pod away.
func (c *cluster) drain(t *testing.T) {
	const ns = "drain"
	c.namespace(t, ns)
	c.helm(t, ns, "install", "tandem", chart, "--wait", "--timeout", "60s", "--set", "image.tag=good,roles.serve.replicas=3,kafka.topics=none")
	least, stop, done := 3, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			out, err := c.try(t, "kubectl", "--namespace", ns, "get", "deployment", "tandem-serve", "-o", "jsonpath={.status.availableReplicas}")
			if n, nerr := strconv.Atoi(out); err == nil && nerr == nil {
				least = min(least, n)
			}
		}
	}()
	for _, node := range []string{"node-0", "node-1"} {
		c.kubectl(t, "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s")
		c.kubectl(t, "--namespace", ns, "rollout", "status", "deployment/tandem-serve", "--timeout=60s")
		c.kubectl(t, "uncordon", node)
	}
	close(stop)
	<-done
	t.Logf("figure: 3 replicas of serve, two nodes drained, never fewer than %d available", least)
	if least < 2 {
		t.Errorf("%d replicas were left", least)
	}
	for _, budget := range c.lines(t, ns, "poddisruptionbudgets", "{.metadata.name} {.status.disruptionsAllowed}") {
		if !strings.HasSuffix(budget, " 1") {
			t.Errorf("the budget lets go: %s", budget)
		}
	}
	c.helm(t, ns, "uninstall", "tandem", "--wait")
}

// account deploys as the account of a pipeline, which is nobody anywhere else.
func (c *cluster) account(t *testing.T) {
	const ns = "account"
	c.namespace(t, ns)
	c.namespace(t, "elsewhere")
	c.kubectl(t, "--namespace", ns, "apply", "-f", "../deployer.yaml")
	c.kubeconfig(t, "deployer", strings.TrimSpace(c.kubectl(t, "--namespace", ns, "create", "token", "tandem-deployer")))
	as := func(ns string, args ...string) error {
		_, err := c.try(t, "helm", append([]string{"--kubeconfig", c.file("deployer"), "--namespace", ns}, args...)...)
		return err
	}
	for _, profile := range []string{"gke", "minikube"} {
		if err := as(ns, "upgrade", "--install", "tandem", chart, "-f", chart+"/values-"+profile+".yaml", "--set", "image.tag=good", "--wait", "--timeout", "60s"); err != nil {
			t.Errorf("%s: %v", profile, err)
		}
		if err := as(ns, "test", "tandem"); err != nil {
			t.Errorf("%s: %v", profile, err)
		}
		if err := as(ns, "uninstall", "tandem", "--wait"); err != nil {
			t.Errorf("%s: %v", profile, err)
		}
	}
	if err := as("elsewhere", "upgrade", "--install", "tandem", chart, "--set", "image.tag=good"); err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("in another namespace: %v", err)
	}
}

// lines gives one line for each object.
func (c *cluster) lines(t *testing.T, ns, what, path string) []string {
	t.Helper()
	template := "{range .items[*]}" + path + "{\"\\n\"}{end}"
	if strings.Contains(what, "/") {
		template = path
	}
	template = strings.NewReplacer(" ", "{\" \"}", "/{.", "{\"/\"}{.").Replace(template)
	template = strings.ReplaceAll(template, "{range{\" \"}.items[*]}", "{range .items[*]}")
	return strings.FieldsFunc(c.kubectl(t, "--namespace", ns, "get", what, "-o", "jsonpath="+template), func(r rune) bool { return r == '\n' })
}

// await asks until there is no error, for half a minute at most.
func (c *cluster) await(t *testing.T, what string, ask func() error) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); ; <-tick.C {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Errorf("%s: %v", what, err)
			return
		}
	}
}
