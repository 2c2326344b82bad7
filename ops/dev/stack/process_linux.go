package stack

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// attributes puts the child into a group of its own, out of reach of the terminal's Ctrl-C, and has the kernel signal it when this process is gone.
func attributes(user *syscall.Credential, orphan syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: user, Pdeathsig: orphan}
}

// children lists the direct children of a process.
func children(pid int) []int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	var out []int
	for word := range strings.FieldsSeq(string(data)) {
		if child, err := strconv.Atoi(word); err == nil {
			out = append(out, child)
		}
	}
	return out
}

// ended tells whether a process that is no child of ours is gone, or waits only for its parent.
func ended(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	return strings.HasPrefix(rest, "Z") || strings.HasPrefix(rest, "X")
}
