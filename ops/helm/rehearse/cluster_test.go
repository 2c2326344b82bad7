package rehearse

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/ops/dev/stack"
)

// cluster is the real control plane of Kubernetes on loopback. Its nodes are kwok's: pods are scheduled and admitted as anywhere, and no container runs;
// the tag of an image says what becomes of it.
type cluster struct {
	dir    string
	server string
	env    []string
}

// programs is where ops/dev/kube.sh puts what it builds.
func programs(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "tandem", "kubernetes-1.37.2")
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok", "helm"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			if required, _ := os.LookupEnv("TANDEM_REQUIRE"); strings.Contains(required, "cluster") {
				t.Fatalf("%v", err)
			}
			t.Skipf("NOT RUN: %s is missing; get it with: ops/dev/kube.sh", name)
		}
	}
	return dir
}

func start(t *testing.T) *cluster {
	t.Helper()
	if v, _ := os.LookupEnv("TANDEM_STACK"); v == "off" {
		t.Skip("left to make cluster")
	}
	bin, ports := programs(t), stack.Ports(t, 6)
	addr := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	port := func(i int) string { return fmt.Sprint(ports[i]) }
	path, _ := os.LookupEnv("PATH")
	c := &cluster{dir: t.TempDir(), server: "https://" + addr(2)}
	c.env = append(os.Environ(), "PATH="+bin+":"+path, "KUBECONFIG="+c.file("admin"), "KUBECACHEDIR="+c.file("kube-cache"),
		"HELM="+bin+"/helm", "HELM_CACHE_HOME="+c.file("helm-cache"), "HELM_CONFIG_HOME="+c.file("helm-config"), "HELM_DATA_HOME="+c.file("helm-data"))
	c.keys(t)

	run := func(name string, ready string, args ...string) {
		stack.Prepare(t, stack.Program{Name: name, Path: filepath.Join(bin, name), Args: args, Asks: answers(ready)}).Start()
	}
	run("etcd", "http://"+addr(0)+"/health", "--data-dir="+c.file("etcd"), "--listen-client-urls=http://"+addr(0), "--advertise-client-urls=http://"+addr(0),
		"--listen-peer-urls=http://"+addr(1), "--initial-advertise-peer-urls=http://"+addr(1), "--initial-cluster=default=http://"+addr(1), "--unsafe-no-fsync")
	run("kube-apiserver", c.server+"/readyz", "--etcd-servers=http://"+addr(0), "--bind-address=127.0.0.1", "--secure-port="+port(2),
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--cert-dir="+c.file("pki"), "--service-cluster-ip-range=10.96.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+c.file("sa.pub"),
		"--service-account-signing-key-file="+c.file("sa.key"), "--authorization-mode=RBAC", "--token-auth-file="+c.file("tokens.csv"))
	for i, name := range []string{"kube-controller-manager", "kube-scheduler"} {
		config := c.file(name)
		args := []string{
			"--kubeconfig=" + config, "--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config, "--bind-address=127.0.0.1",
			"--secure-port=" + port(3+i), "--cert-dir=" + c.file(name+"-pki"), "--leader-elect=false",
		}
		if name == "kube-controller-manager" {
			args = append(args, "--service-account-private-key-file="+c.file("sa.key"), "--root-ca-file="+c.file("pki/apiserver.crt"),
				"--use-service-account-credentials=true", "--flex-volume-plugin-dir="+c.file("flex"))
		}
		run(name, "https://"+addr(3+i)+"/healthz", args...)
	}
	c.stages(t)
	run("kwok", "http://"+addr(5)+"/healthz", "--kubeconfig="+c.file("admin"), "--config="+c.file("stages.yaml"), "--manage-all-nodes=true",
		"--server-address="+addr(5), "--node-ip=127.0.0.1", "--node-lease-duration-seconds=40")
	c.nodes(t, 3)
	return c
}

func (c *cluster) file(name string) string { return filepath.Join(c.dir, name) }

func (c *cluster) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(c.file(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keys makes the key of service accounts, the tokens of the control plane, and a kubeconfig for each.
func (c *cluster) keys(t *testing.T) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "sa.key", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	c.write(t, "sa.pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
	tokens := ""
	for _, who := range []struct{ file, user, groups string }{
		{"admin", "admin", `"system:masters"`},
		{"kube-controller-manager", "system:kube-controller-manager", ""},
		{"kube-scheduler", "system:kube-scheduler", ""},
	} {
		token := rand.Text()
		tokens += strings.TrimSuffix(fmt.Sprintf("%s,%s,%s,%s", token, who.user, who.file, who.groups), ",") + "\n"
		c.kubeconfig(t, who.file, token)
	}
	c.write(t, "tokens.csv", tokens)
}

func (c *cluster) kubeconfig(t *testing.T, name, token string) {
	t.Helper()
	c.write(t, name, fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: it
contexts: [{name: it, context: {cluster: it, user: it}}]
clusters: [{name: it, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: it, user: {token: %q}}]
`, c.server, c.file("pki/apiserver.crt"), token))
}

// stages are kwok's own, of which ready leaves out images that cannot be pulled, and the fates of testdata.
func (c *cluster) stages(t *testing.T) {
	t.Helper()
	dir := moduleDir(t, "sigs.k8s.io/kwok") + "/kustomize/stage"
	all := []string{}
	for _, pattern := range []string{
		"node/fast/node-initialize.yaml", "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml", "pod/fast/pod-*.yaml", "volume/fast/p*.yaml",
	} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("kwok has no %s (%v)", pattern, err)
		}
		for _, file := range files {
			all = append(all, withoutBadImages(t, filepath.Base(file), read(t, file)))
		}
	}
	c.write(t, "stages.yaml", strings.Join(all, "\n---\n")+"\n---\n"+read(t, "testdata/fates.yaml"))
}

// withoutBadImages keeps pods whose image cannot be pulled from getting ready.
func withoutBadImages(t *testing.T, name, stage string) string {
	t.Helper()
	if name != "pod-ready.yaml" {
		return stage
	}
	const at = "    - key: '.metadata.deletionTimestamp'\n"
	if strings.Count(stage, at) != 1 {
		t.Fatal("kwok's stage of ready pods is another one")
	}
	return strings.Replace(stage, at, "    - key: '.spec.containers.[].image | select(test(\":bad-pull$\"))'\n      operator: 'DoesNotExist'\n"+at, 1)
}

func (c *cluster) nodes(t *testing.T, n int) {
	t.Helper()
	text := `apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: kwok-volume, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: kwok.x-k8s.io/volume
`
	for i := range n {
		text += fmt.Sprintf(`---
apiVersion: v1
kind: Node
metadata:
  name: node-%[1]d
  labels: {kubernetes.io/hostname: node-%[1]d, kubernetes.io/os: linux, kubernetes.io/arch: amd64, topology.kubernetes.io/zone: zone-%[1]d}
status:
  allocatable: {cpu: "32", memory: 256Gi, pods: "110"}
  capacity: {cpu: "32", memory: 256Gi, pods: "110"}
`, i)
	}
	c.write(t, "nodes.yaml", text)
	c.kubectl(t, "create", "-f", c.file("nodes.yaml"))
	c.kubectl(t, "wait", "node", "--all", "--for=condition=Ready", "--timeout=30s")
}

// try runs a program of the cluster.
func (c *cluster) try(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	if path := filepath.Join(programs(t), name); !strings.Contains(name, "/") {
		cmd = exec.CommandContext(t.Context(), path, args...)
	}
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = c.env, &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

func (c *cluster) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := c.try(t, name, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

func (c *cluster) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return c.run(t, "kubectl", args...)
}

// moduleDir is where the sources of a module of ops/dev/cluster are.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	return sources(t, "../../dev/cluster", module)
}

func sources(t *testing.T, dir, module string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil || len(bytes.TrimSpace(out)) == 0 {
		t.Fatalf("the sources of %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// answers asks a URL; the control plane signs itself.
func answers(url string) func(context.Context) error {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // loopback
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %d %s", url, res.StatusCode, body)
		}
		return nil
	}
}
