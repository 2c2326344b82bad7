package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Images cannot be pulled everywhere. These are made from what the distribution's packages installed and from built programs, under the
// names that docker-compose.yml pins, and heed the settings that it passes.

// image is the root of a container, before it is one.
type image struct {
	t       *testing.T
	name    string
	changes []string // lines of a Dockerfile
	entries map[string]entry
}

type entry struct {
	from  string // a file of this machine; empty: text, link or folder
	text  string
	link  string
	mode  fs.FileMode
	owner int
}

func newImage(t *testing.T, name string, changes ...string) *image {
	t.Helper()
	return &image{t: t, name: name, changes: changes, entries: map[string]entry{}}
}

// program adds a program under a name, with the libraries it needs.
func (i *image) program(from, as string) {
	i.t.Helper()
	from, err := filepath.EvalSymlinks(from)
	if err != nil {
		i.t.Fatal(err)
	}
	i.entries[as] = entry{from: from, mode: 0o755}
	i.libraries(from)
}

var library = regexp.MustCompile(`(?m)(?:=> |^\s*)(/\S+) \(0x`)

func (i *image) libraries(program string) {
	i.t.Helper()
	out, err := exec.CommandContext(i.t.Context(), "ldd", program).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "not a dynamic executable") {
		i.t.Fatalf("ldd %s: %v\n%s", program, err, out)
	}
	for _, m := range library.FindAllStringSubmatch(string(out), -1) {
		dir, err := filepath.EvalSymlinks(filepath.Dir(m[1]))
		if err != nil {
			i.t.Fatal(err)
		}
		i.entries[filepath.Join(dir, filepath.Base(m[1]))] = entry{from: m[1], mode: 0o755}
		for _, dir := range []string{"bin", "lib", "lib64"} {
			i.entries["/"+dir] = entry{link: "usr/" + dir}
		}
	}
}

// commands adds programs of this machine where they are.
func (i *image) commands(names ...string) {
	i.t.Helper()
	for _, name := range names {
		found, err := exec.LookPath(name)
		if err != nil {
			i.t.Fatal(err)
		}
		i.program(found, "/usr/bin/"+name)
	}
}

// tree adds a folder of this machine, and the libraries of what it holds.
func (i *image) tree(from, as string, owner int) {
	i.t.Helper()
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		target := path.Join(as, strings.TrimPrefix(name, from))
		if real, err := filepath.EvalSymlinks(name); err == nil { // a link that leads nowhere is left out
			info, err := os.Stat(real)
			if err != nil {
				return err
			}
			if info.IsDir() {
				i.tree(real, target, owner)
				return nil
			}
			i.entries[target] = entry{from: real, mode: info.Mode().Perm(), owner: owner}
			if strings.Contains(filepath.Base(name), ".so") {
				i.libraries(real)
			}
		}
		return nil
	})
	if err != nil {
		i.t.Fatal(err)
	}
}

func (i *image) file(name, text string, mode fs.FileMode) {
	i.entries[name] = entry{text: text, mode: mode}
}

func (i *image) folder(name string, owner int) {
	i.entries[name] = entry{mode: fs.ModeDir | 0o755, owner: owner}
}

// write writes the root as tar. Parents come by themselves.
func (i *image) write(w io.Writer) error {
	out := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(i.entries)) {
		if err := i.entries[name].write(out, strings.TrimPrefix(name, "/")); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return out.Close()
}

func (e entry) write(out *tar.Writer, name string) error {
	head := &tar.Header{Name: name, Mode: int64(e.mode.Perm()), Uid: e.owner, Gid: e.owner, Typeflag: tar.TypeReg, Size: int64(len(e.text))}
	switch {
	case e.link != "":
		head.Typeflag, head.Linkname = tar.TypeSymlink, e.link
	case e.mode.IsDir():
		head.Typeflag = tar.TypeDir
	case e.from != "":
		return e.copy(out, head)
	}
	if err := out.WriteHeader(head); err != nil {
		return err
	}
	_, err := io.WriteString(out, e.text)
	return err
}

func (e entry) copy(out *tar.Writer, head *tar.Header) error {
	f, err := os.Open(e.from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	head.Size = info.Size()
	if err := out.WriteHeader(head); err != nil {
		return err
	}
	_, err = io.Copy(out, f)
	return err
}

// install makes the image known to the engine.
func (e *engine) install(i *image) {
	e.t.Helper()
	args := []string{"import"}
	for _, c := range i.changes {
		args = append(args, "--change", c)
	}
	cmd := e.docker(append(args, "-", i.name)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		e.t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	err = errors.Join(i.write(in), in.Close(), cmd.Wait())
	if err != nil {
		e.t.Fatalf("image %s: %v\n%s", i.name, err, said.Bytes())
	}
}

// dockerfile gives what the last stage of a Dockerfile says about how it is run.
func dockerfile(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile("../image/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		switch verb, _, _ := strings.Cut(line, " "); verb {
		case "FROM":
			out = nil
		case "USER", "ENTRYPOINT", "WORKDIR":
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

const people = "root:x:0:0::/:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\nnobody:x:65532:65532::/:/bin/sh\n"

// ours are the images of the project, of the programs that were built beforehand.
func ours(t *testing.T, built string) []*image {
	t.Helper()
	setup := newImage(t, "tandem-compose:devel", dockerfile(t, "compose.Dockerfile")...)
	setup.program(built+"/compose", "/compose")
	product := newImage(t, "tandem:devel", dockerfile(t, "tandem.Dockerfile")...)
	product.program(built+"/tandem", "/tandem")
	dapr := newImage(t, "tandem-dapr:1.16.0", dockerfile(t, "daprd.Dockerfile")...)
	for _, name := range []string{"daprd", "scheduler", "sentry"} {
		dapr.program(built+"/"+name, "/"+name)
	}
	dapr.folder("/var/names", 65532)
	dapr.folder("/var/jobs", 65532)
	signIn := newImage(t, "tandem-auth:devel", append(dockerfile(t, "auth.Dockerfile"), "ENV PATH=/usr/bin")...)
	signIn.commands("node")
	signIn.file("/etc/passwd", people, 0o644)
	for _, part := range []string{"node_modules", "dist", "migrations"} {
		signIn.tree("../../web/auth/"+part, "/app/"+part, 0)
	}
	signIn.program("../../web/auth/package.json", "/app/package.json")
	return []*image{setup, product, dapr, signIn}
}

// theirs are the services under the product.
func theirs(t *testing.T, jars string) []*image {
	t.Helper()
	return []*image{postgresImage(t), redisImage(t), kafkaImage(t, jars)}
}

const postgresEntry = `#!/usr/bin/bash
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --no-sync -D "$PGDATA" -U "${POSTGRES_USER:-postgres}" --pwfile="$POSTGRES_PASSWORD_FILE" ${POSTGRES_INITDB_ARGS:-}
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  postgres --single -D "$PGDATA" postgres <<<"create database \"$POSTGRES_DB\""
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -k /tmp -c fsync=off
`

func postgresImage(t *testing.T) *image {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		t.Fatal("PostgreSQL is not installed")
	}
	home := filepath.Dir(filepath.Dir(found[len(found)-1]))
	i := newImage(t, "postgres:15.18", `ENTRYPOINT ["/entry"]`, "ENV PATH=/usr/bin:"+home+"/bin", "ENV PGDATA=/var/lib/postgresql/data")
	i.commands("bash", "sh")
	for _, name := range []string{"postgres", "initdb", "pg_isready"} {
		i.program(home+"/bin/"+name, home+"/bin/"+name)
	}
	i.tree(home+"/lib", home+"/lib", 0)
	for _, dir := range []string{"/usr/share/postgresql/" + filepath.Base(home), "/usr/share/zoneinfo", "/usr/lib/locale/C.utf8"} {
		i.tree(dir, dir, 0)
	}
	i.file("/entry", postgresEntry, 0o755)
	i.file("/etc/passwd", people, 0o644)
	i.folder("/var/lib/postgresql/data", userPostgres)
	i.entries["/var/lib/postgresql/data"] = entry{mode: fs.ModeDir | 0o700, owner: userPostgres}
	i.entries["/tmp"] = entry{mode: fs.ModeDir | 0o777}
	return i
}

func redisImage(t *testing.T) *image {
	t.Helper()
	i := newImage(t, "redis:7.0.15", "ENV PATH=/usr/bin", "WORKDIR /data")
	i.commands("bash", "sh", "cat", "grep", "redis-server", "redis-cli")
	i.file("/etc/passwd", people, 0o644)
	i.folder("/data", userRedis)
	return i
}

// kafkaEntry turns KAFKA_A_B into a.b, as the image of the project does.
const kafkaEntry = `#!/usr/bin/bash
set -euo pipefail
settings=/tmp/server.properties
for name in "${!KAFKA_@}"; do
  [ "$name" = KAFKA_HEAP_OPTS ] && continue
  key=${name#KAFKA_}
  key=${key,,}
  echo "${key//_/.}=${!name}"
done >$settings
java=(java $KAFKA_HEAP_OPTS -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '/opt/kafka/lib/*')
"${java[@]}" kafka.tools.StorageTool format --ignore-formatted -t "$CLUSTER_ID" -c $settings
exec "${java[@]}" kafka.Kafka $settings
`

func kafkaImage(t *testing.T, jars string) *image {
	t.Helper()
	java, err := exec.LookPath("java")
	if err == nil {
		java, err = filepath.EvalSymlinks(java)
	}
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Dir(filepath.Dir(java))
	i := newImage(t, "apache/kafka:4.4.0", `ENTRYPOINT ["/entry"]`, "USER 1000", "ENV PATH=/usr/bin:"+home+"/bin")
	i.commands("bash")
	i.program(java, home+"/bin/java")
	i.tree(home+"/lib", home+"/lib", 0)
	i.tree(home+"/conf", home+"/conf", 0)
	i.tree(jars, "/opt/kafka/lib", 0)
	i.file("/entry", kafkaEntry, 0o755)
	i.file("/etc/passwd", people, 0o644)
	i.folder("/var/lib/kafka/data", 1000)
	i.entries["/tmp"] = entry{mode: fs.ModeDir | 0o777}
	return i
}
