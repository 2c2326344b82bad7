package stack

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Cache is a Redis server that keeps its data across restarts (append-only file, synced every second) and evicts nothing.
type Cache struct {
	*Process
	Addr string // host:port
	Port int
}

var sharedRedis shared[*Cache]

// SharedRedis is the server that all tests of this binary share: names in it must not collide.
func SharedRedis(t T) *Cache {
	t.Helper()
	Require(t, "redis")
	return sharedRedis.get(t, func(t T) (*Cache, error) { return newRedis(t) })
}

// Redis starts a server. Options are those of its command line ("--maxmemory", "2mb").
func Redis(t T, options ...string) *Cache {
	t.Helper()
	Require(t, "redis")
	r, err := newRedis(t, options...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return r
}

func newRedis(t T, options ...string) (*Cache, error) {
	dir, err := folder(t, "redis", nil)
	if err != nil {
		return nil, err
	}
	port, err := ports(t, 1)
	if err != nil {
		return nil, err
	}
	path, err := program("redis-server")
	if err != nil {
		return nil, err
	}
	r := &Cache{Port: port[0], Addr: loopback(port[0])}
	r.Process, err = launch(t, spec{
		name: "redis", path: path, dir: dir, ready: r.ping,
		args: append([]string{
			"--port", strconv.Itoa(r.Port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
			"--maxmemory-policy", "noeviction", "--daemonize", "no",
		}, options...),
	})
	return r, err
}

// ping asks by hand: a server that loads its data, or wants a password, is there but answers an error.
func (r *Cache) ping(ctx context.Context) error {
	answer, err := ask(ctx, r.Addr, "PING\r\n")
	if err == nil && !strings.HasPrefix(answer, "+PONG") && !strings.HasPrefix(answer, "-NOAUTH") {
		err = fmt.Errorf("redis answers %q", answer)
	}
	return err
}

// Do runs a command that is answered with OK.
func (r *Cache) Do(ctx context.Context, command string) error {
	answer, err := ask(ctx, r.Addr, command+"\r\n")
	if err == nil && !strings.HasPrefix(answer, "+OK") {
		err = fmt.Errorf("%s: %s", command, answer)
	}
	return err
}

// ask sends a line and reads one.
func ask(ctx context.Context, addr, line string) (string, error) {
	var d net.Dialer
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	if _, err := conn.Write([]byte(line)); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}
