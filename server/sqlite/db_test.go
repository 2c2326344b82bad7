package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
)

var update = flag.Bool("update", false, "write schema.sql anew")

// open makes a store that is closed with the test.
func open(tb testing.TB, now func() time.Time) *DB {
	tb.Helper()
	return openAt(tb, filepath.Join(tb.TempDir(), "tandem.db"), now)
}

func openAt(tb testing.TB, path string, now func() time.Time) *DB {
	tb.Helper()
	db, err := Open(tb.Context(), path, Options{Now: now})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return db
}

// add makes a task of ann's.
func add(ctx context.Context, db *DB, title string) (tandem.Outcome, error) {
	return db.Edit(ctx, "ann", tandem.Edit{Cause: tandem.Cause{Actor: tandem.ActorUser}, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
		t, _, err := tandem.NewTask(sc, tandem.Draft{Title: title, Description: "about " + title, Tags: []string{"tag"}})
		return tandem.Plan{Tasks: []tandem.Task{t}}, err
	}})
}

func mustAdd(tb testing.TB, db *DB, title string) tandem.Outcome {
	tb.Helper()
	out, err := add(tb.Context(), db, title)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestOpen_SecondProcessIsRefusedByName(t *testing.T) {
	db := open(t, nil)
	other, err := Open(t.Context(), db.path, Options{})
	if err == nil {
		t.Fatal("a second opening of the same file succeeded", other.Close())
	}
	if !strings.Contains(err.Error(), "another process has this store open") {
		t.Fatalf("the error does not say why: %v", err)
	}
}

func TestOpen_WhatIsNoStoreIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tandem.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("not a database\n"), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first refusal gives up the lock
		if db, err := Open(t.Context(), path, Options{}); err == nil || strings.Contains(err.Error(), "another process") {
			t.Fatalf("opened %v, err %v", db, err)
		}
	}
}

func TestOpen_PathsMayHoldAnything(t *testing.T) {
	db := openAt(t, filepath.Join(t.TempDir(), "a b?c#d%20e&f", "täst.db"), nil)
	mustAdd(t, db, "One")
	if _, err := os.Stat(db.path); err != nil {
		t.Fatalf("the file is not where it was asked for: %v", err)
	}
}

func TestOnCommit_TellsEveryWriteInOrderBeforeItReturns(t *testing.T) {
	db := open(t, nil)
	var told []tandem.Seq // OnCommit is called one after the other, so only reads need the lock
	var mu sync.Mutex
	db.OnCommit = func(d tandem.Delta) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, d.To)
		if d.From != d.To || len(d.Changes) != 1 || d.Changes[0].Row == nil {
			t.Errorf("told %+v", d)
		}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				out, err := add(t.Context(), db, "One")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if !slices.Contains(told, out.Seq) {
					t.Errorf("write %d returned before it was told", out.Seq)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(told) != 40 || !slices.IsSorted(told) {
		t.Fatalf("told %v, want 1 to 40 in order", told)
	}
}

func TestWrite_GoesToItsEndThoughItsContextEnds(t *testing.T) {
	db := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := db.Edit(ctx, "ann", tandem.Edit{Decide: func(sc tandem.Scene) (tandem.Plan, error) {
		cancel()
		t, _, err := tandem.NewTask(sc, tandem.Draft{Title: "One"})
		return tandem.Plan{Tasks: []tandem.Task{t}}, err
	}})
	if err != nil {
		t.Fatalf("a write that had begun was given up: %v", err)
	}
	c := <-db.writer
	defer func() { db.writer <- c }()
	if _, err := add(ctx, db, "Two"); err == nil {
		t.Fatal("a write whose context had ended waited for its turn and ran")
	}
}

func TestWrite_APanicLeavesTheStoreUsable(t *testing.T) {
	db := open(t, nil)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = db.Set(t.Context(), "ann", tandem.SetEdit{Decide: func(tandem.Settings) (tandem.Settings, error) { panic("boom") }})
	}()
	if out := mustAdd(t, db, "One"); out.Seq != 1 {
		t.Fatalf("the next write has number %d", out.Seq)
	}
}

func TestClose_WaitsForWhatIsGoingOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tandem.db")
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	begun, written := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := db.Edit(t.Context(), "ann", tandem.Edit{Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			close(begun)
			<-db.closed
			made, _, err := tandem.NewTask(sc, tandem.Draft{Title: "One"})
			return tandem.Plan{Tasks: []tandem.Task{made}}, err
		}})
		written <- err
	}()
	<-begun
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Fatalf("the write that was going on: %v", err)
	}
	if _, err := add(t.Context(), db, "Two"); !errors.Is(err, errClosed) {
		t.Fatalf("a write after the end: %v", err)
	}
	visitStore(t, path, func(db *DB) {
		if head, err := db.Head(t.Context(), "ann"); err != nil || head.Seq != 1 {
			t.Fatalf("head %v, err %v", head, err)
		}
	})
}

func TestFiles_AreTheirOwnersAlone(t *testing.T) {
	db := open(t, nil)
	mustAdd(t, db, "One")
	if err := db.Backup(t.Context(), db.path+".copy"); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(db.path + "*")
	if err != nil || len(names) < 5 {
		t.Fatalf("files %v, err %v", names, err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
}

// visitStore opens a store, works on it and closes it; it gives the epoch.
func visitStore(t *testing.T, path string, work func(*DB)) string {
	t.Helper()
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if work != nil {
		work(db)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return db.epoch
}

func TestEpoch_SurvivesRestartsAndChangesWithARestore(t *testing.T) {
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "tandem.db"), filepath.Join(dir, "backup.db")
	visit := func(work func(*DB)) string { return visitStore(t, path, work) }
	first := visit(func(db *DB) {
		mustAdd(t, db, "One")
		if err := db.Backup(t.Context(), backup); err != nil {
			t.Fatal(err)
		}
		if err := db.Backup(t.Context(), backup); err == nil {
			t.Fatal("a backup overwrote a file")
		}
	})
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if again := visit(nil); again != first {
		t.Fatalf("a restart changed the epoch from %s to %s", first, again)
	}
	seen := map[string]bool{first: true}
	put := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		epoch := visit(func(db *DB) {
			if page, err := db.List(t.Context(), "ann", tandem.Query{}); err != nil || page.Total != 1 {
				t.Fatalf("%s holds %d tasks, err %v", what, page.Total, err)
			}
		})
		if seen[epoch] {
			t.Fatalf("%s has the known epoch %s", what, epoch)
		}
		seen[epoch] = true
	}
	put("an older state of the file", raw)
	data, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	put("the backup", data)
	put("the backup again", data)
	if err := os.Remove(path + ".epoch"); err != nil {
		t.Fatal(err)
	}
	if epoch := visit(nil); seen[epoch] {
		t.Fatalf("without the file beside it the store has the known epoch %s", epoch)
	}
}

func TestRestore_TakesAStoreAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "tandem.db"), filepath.Join(dir, "backup.db")
	first := visitStore(t, path, func(db *DB) {
		mustAdd(t, db, "One")
		if err := db.Backup(t.Context(), backup); err != nil {
			t.Fatal(err)
		}
		mustAdd(t, db, "Two")
		if err := Restore(t.Context(), path, backup); err == nil {
			t.Error("an open store was replaced")
		}
	})
	total := func(db *DB) int {
		page, err := db.List(t.Context(), "ann", tandem.Query{})
		if err != nil {
			t.Fatal(err)
		}
		return page.Total
	}
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("garbage"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{garbage, filepath.Join(dir, "absent")} {
		if err := Restore(t.Context(), path, from); err == nil {
			t.Fatalf("%s was taken for a store", from)
		}
	}
	if epoch := visitStore(t, path, func(db *DB) {
		if n := total(db); n != 2 {
			t.Errorf("refused restores left %d tasks, want 2", n)
		}
	}); epoch != first {
		t.Errorf("refused restores changed the epoch")
	}
	if err := Restore(t.Context(), path, backup); err != nil {
		t.Fatal(err)
	}
	if epoch := visitStore(t, path, func(db *DB) {
		if n := total(db); n != 1 {
			t.Errorf("the restored store holds %d tasks, want 1", n)
		}
	}); epoch == first {
		t.Errorf("a restore left the epoch")
	}
}

func TestMigrate_CopiesFirstAndRefusesTheFuture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tandem.db")
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, db, "One")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	known := migrations
	defer func() { migrations = known }()
	next := len(known) + 1

	migrations = append(slices.Clone(known), `create table extra (x); insert into nowhere values (1);`)
	if db, err := Open(t.Context(), path, Options{}); err == nil {
		t.Fatal("a failing migration was taken for done", db.Close())
	}
	migrations = append(slices.Clone(known), `create table extra (x);`)
	db, err = Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatalf("the migration was not taken back as a whole: %v", err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(fmt.Sprintf("%s.before-%04d", path, next))
	if err != nil || !bytes.Contains(before, []byte("One")) {
		t.Fatalf("there is no copy from before: %v", err)
	}
	if err := db.DeleteUser(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(path + ".before-*"); len(left) != 0 {
		t.Fatalf("erasing a user left %v, which still holds them", left)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	migrations = known
	if db, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Fatalf("a file of the future: %v, err %v", db, err)
	}
}

func TestSchema_IsItsDump(t *testing.T) {
	db := open(t, nil)
	var dump strings.Builder
	err := db.read(t.Context(), func(ctx context.Context, c *conn) error {
		texts, err := list(ctx, c, single[string], `
			select sql from sqlite_schema where sql is not null and name not like 'words\_%' escape '\' and name not like 'sqlite\_%' escape '\' order by rowid`)
		for _, text := range texts {
			dump.WriteString(text + ";\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.sql", []byte(dump.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), dump.String()); d != "" {
		t.Fatalf("schema.sql is not the schema; -update writes it anew (-want +got):\n%s", d)
	}
}

func TestDeleteUser_LeavesNoByteInTheFile(t *testing.T) {
	db := open(t, nil)
	canary := "zxqcanary"
	for i := range 400 { // enough for several segments of the index, most of them another person's
		if i%50 == 0 {
			mustAdd(t, db, fmt.Sprintf("%s number %d", canary, i))
			continue
		}
		_, err := db.Edit(t.Context(), "bob", tandem.Edit{Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			made, _, err := tandem.NewTask(sc, tandem.Draft{Title: fmt.Sprintf("Something else, number %d", i)})
			return tandem.Plan{Tasks: []tandem.Task{made}}, err
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.DeleteUser(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		data, err := os.ReadFile(db.path + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, text := range []string{canary, canary[3:], `"ann"`} {
			if i := bytes.Index(data, []byte(text)); i >= 0 {
				t.Errorf("tandem.db%s still holds %q: %q", suffix, text, data[max(0, i-40):min(len(data), i+40)])
			}
		}
	}
}

// TestKill ends writers in the middle of their work, and looks for every write that they had acknowledged.
func TestKill_WhatWasAcknowledgedIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tandem.db")
	acked := tandem.Seq(0)
	for round := range 6 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMain_Writer$")
		cmd.Env = append(os.Environ(), "TANDEM_TEST_WRITER="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		acked = max(acked, readAcks(lines, 5+7*round))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		acked = max(acked, readAcks(lines, 1_000_000))
		_ = cmd.Wait() // it was killed
		examineAfterKill(t, path, acked)
	}
}

// readAcks reads up to n acknowledged numbers and gives the last.
func readAcks(lines *bufio.Scanner, n int) (last tandem.Seq) {
	for range n {
		if !lines.Scan() {
			break
		}
		seq, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			break // a line that was cut off, or the end of the test's output
		}
		last = tandem.Seq(seq)
	}
	return last
}

func examineAfterKill(t *testing.T, path string, acked tandem.Seq) {
	t.Helper()
	if acked == 0 {
		t.Fatal("the writer acknowledged nothing, so the test proves nothing")
	}
	visitStore(t, path, func(db *DB) {
		if err := db.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		head, err := db.Head(t.Context(), "ann")
		if err != nil || head.Seq < acked {
			t.Fatalf("the head is %d, err %v; %d was acknowledged", head.Seq, err, acked)
		}
		page, err := db.List(t.Context(), "ann", tandem.Query{Search: tandem.ParseSearch("task")})
		if err != nil || page.Total != int(head.Seq) {
			t.Fatalf("%d tasks at head %d, err %v: a write was torn", page.Total, head.Seq, err)
		}
		backlog, err := db.Backlog(t.Context())
		if err != nil || backlog.Pending != 2*int(head.Seq) {
			t.Fatalf("%d events of %d writes, err %v", backlog.Pending, head.Seq, err)
		}
	})
}

// TestMain_Writer is the process that TestKill ends.
func TestMain_Writer(t *testing.T) {
	path := os.Getenv("TANDEM_TEST_WRITER") //nolint:forbidigo // how the test tells its child process what to do
	if path == "" {
		t.Skip("runs as a child of TestKill")
	}
	db := openAt(t, path, nil)
	for {
		fmt.Println(mustAdd(t, db, "Task").Seq)
	}
}

func TestRead_ThatIsCutShortLeavesTheStoreUsable(t *testing.T) {
	db := open(t, nil)
	mustAdd(t, db, "One")
	var all sync.WaitGroup
	for worker := range 2 * readConns {
		all.Go(func() {
			for n := range 1500 { // each reading connection is hit many times, at any moment of a read
				ctx, cancel := context.WithCancel(t.Context())
				all.Go(func() {
					for range (n + worker) % 12 {
						runtime.Gosched()
					}
					cancel()
				})
				_, _ = db.Settings(ctx, "ann") // it may have come through
				cancel()
			}
		})
	}
	all.Wait()
	for range 2 * readConns {
		if _, err := db.Settings(t.Context(), "ann"); err != nil {
			t.Fatalf("a connection is left in a transaction: %v", err)
		}
	}
}
