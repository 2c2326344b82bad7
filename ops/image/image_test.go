package image

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"tandem/ops/dev/stack"
)

// TestImage_Binary builds what the image holds, by the image's own command, and holds it to what the image promises.
func TestImage_Binary(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the product twice")
	}
	here, elsewhere := "../..", copyOfTree(t)
	first := build(t, here, "amd64")
	t.Run("is the same bytes from another folder", func(t *testing.T) {
		if a, b := sum(t, first), sum(t, build(t, elsewhere, "amd64")); a != b {
			t.Errorf("%s here, %s elsewhere", a, b)
		} else {
			t.Logf("figure: sha256 %s", a)
		}
	})
	t.Run("needs no library", func(t *testing.T) { static(t, first, elf.EM_X86_64) })
	t.Run("runs in an empty root as nobody", func(t *testing.T) { emptyRoot(t, first) })
	t.Run("is there for arm64", func(t *testing.T) {
		if required, _ := os.LookupEnv("TANDEM_REQUIRE"); !strings.Contains(required, "image") {
			t.Skip("a cold build takes minutes: make image does it")
		}
		static(t, build(t, here, "arm64"), elf.EM_AARCH64)
	})
}

// recipe is the build of the Dockerfile; what stands there is what is tested.
var recipe = regexp.MustCompile(`(?s)RUN CGO_ENABLED=0 GOOS=\$TARGETOS GOARCH=\$TARGETARCH \\\s+go build (.*?) -o /tandem \./cmd/tandem`)

func build(t *testing.T, dir, arch string) string {
	t.Helper()
	file, err := os.ReadFile("tandem.Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	m := recipe.FindSubmatch(file)
	if m == nil {
		t.Fatal("tandem.Dockerfile builds in another way")
	}
	out := filepath.Join(t.TempDir(), "tandem")
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "exec go build "+string(m[1])+` -o "$OUT" ./cmd/tandem`)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "VERSION=v1.2.3", "REVISION=abcdef", "OUT="+out, "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// copyOfTree gives the files that version control knows, as they are now, in another folder.
func copyOfTree(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = "../.."
	list, err := cmd.Output()
	if err != nil {
		t.Skipf("git: %v", err)
	}
	to := t.TempDir()
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join("../..", name))
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		data, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(to, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func sum(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

func static(t *testing.T, file string, machine elf.Machine) {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil || len(libraries) > 0 || f.Machine != machine {
		t.Errorf("it is for %v and needs %v (%v)", f.Machine, libraries, err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it needs a loader")
		}
	}
}

// emptyRoot runs the binary where there is nothing else: no shell, no certificates, no zones, no folder to write to.
func emptyRoot(t *testing.T, file string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("another root needs root")
	}
	root := t.TempDir()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "tandem"), data, 0o555); err != nil {
		t.Fatal(err)
	}
	for dir := root; dir != os.TempDir() && len(dir) > 1; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	inside := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "/tandem", args...)
		cmd.Path, cmd.Err, cmd.Dir = "/tandem", nil, "/"
		cmd.Env = []string{"TANDEM_DATA_DIR=/data"} // as the image sets it
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}, Pdeathsig: syscall.SIGKILL}
		return cmd
	}
	if out, err := inside("version").CombinedOutput(); err != nil || !bytes.Contains(out, []byte("v1.2.3 (abcdef")) {
		t.Errorf("version: %v\n%s", err, out)
	}
	if out, err := inside("worker", "relay").CombinedOutput(); err == nil || !bytes.Contains(out, []byte("TANDEM_DATABASE_URL is not set")) {
		t.Errorf("a worker without a database: %v\n%s", err, out)
	}
	ports := stack.Ports(t, 2)
	web := inside("web")
	address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	web.Env = append(web.Env, "TANDEM_ADDR="+address(0), "TANDEM_OPS_ADDR="+address(1), "TANDEM_SERVE_URL=http://127.0.0.1:1")
	var said bytes.Buffer
	web.Stdout, web.Stderr = &said, &said
	if err := web.Start(); err != nil {
		t.Fatal(err)
	}
	stack.Answers(t, "http://"+address(1)+"/livez")
	if page := get(t, "http://"+address(0)+"/"); !strings.Contains(page, "<html") {
		t.Errorf("the page is %.200q", page)
	}
	if err := web.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := web.Wait(); err != nil {
		t.Errorf("the end: %v\n%s", err, said.String())
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
