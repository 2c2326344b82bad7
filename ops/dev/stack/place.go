package stack

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	folderPattern = "tandem-stack-"
	portsFrom     = 20000 // below the range from which the kernel takes ports for outgoing connections
	portsTo       = 32000
)

// folder makes the home of a component, belonging to user when that is not nil. It is removed when t ends.
func folder(t T, name string, user *syscall.Credential) (string, error) {
	sweep()
	dir, err := os.MkdirTemp("", folderPattern+name+"-")
	if err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	t.Cleanup(func() {
		keepLogs(t, dir)
		unlock()
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the folder of %s: %v", name, err)
		}
	})
	if user == nil {
		return dir, nil
	}
	return dir, os.Chown(dir, int(user.Uid), int(user.Gid))
}

// keepLogs saves the logs of a failed test outside the folder that is going to be removed.
func keepLogs(t T, dir string) {
	if !t.Failed() {
		return
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(logs) == 0 {
		return
	}
	kept := filepath.Join(os.TempDir(), "tandem-failed", filepath.FromSlash(t.Name()))
	if err := os.MkdirAll(kept, 0o755); err != nil {
		t.Logf("keep the logs: %v", err)
		return
	}
	for _, log := range logs {
		target := filepath.Join(kept, filepath.Base(dir)+"-"+filepath.Base(log))
		data, err := os.ReadFile(log)
		if err == nil {
			err = os.WriteFile(target, data, 0o600)
		}
		if err != nil {
			t.Logf("keep %s: %v", log, err)
			continue
		}
		t.Logf("%s ends with\n%s\nwhole log: %s", filepath.Base(log), tail(data), target)
	}
}

// sweep removes the folders of processes that were killed: nobody holds their lock. A young folder may not be locked yet.
func sweep() {
	locks, err := filepath.Glob(filepath.Join(os.TempDir(), folderPattern+"*", "lock"))
	if err != nil {
		return
	}
	for _, name := range locks {
		info, err := os.Stat(name)
		if err != nil || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		if unlock, err := lock(name); err == nil {
			os.RemoveAll(filepath.Dir(name))
			unlock()
		}
	}
}

// lock takes the file for this process, and gives what lets go of it. It does not wait.
func lock(name string) (unlock func(), err error) {
	return flock(name, syscall.LOCK_EX|syscall.LOCK_NB)
}

// lockWaiting waits for the file.
func lockWaiting(name string) (unlock func(), err error) { return flock(name, syscall.LOCK_EX) }

func flock(name string, how int) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// ports reserves n free ports for t, against every process of this user that asks in the same way.
func ports(t T, n int) ([]int, error) {
	dir := filepath.Join(os.TempDir(), "tandem-ports-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var out []int
	for try := 0; len(out) < n && try < 100*n; try++ {
		port := portsFrom + rand.IntN(portsTo-portsFrom)
		unlock, err := lock(filepath.Join(dir, strconv.Itoa(port)))
		if err != nil {
			continue
		}
		if !free(t, port) {
			unlock()
			continue
		}
		t.Cleanup(unlock)
		out = append(out, port)
	}
	if len(out) < n {
		return nil, fmt.Errorf("found %d free ports of %d between %d and %d", len(out), n, portsFrom, portsTo)
	}
	return out, nil
}

func free(t T, port int) bool {
	var cfg net.ListenConfig
	l, err := cfg.Listen(t.Context(), "tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
