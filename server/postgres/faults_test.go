package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/ops/dev/stack"
	"tandem/server/storetest"
)

// retried is an error that a caller may repeat under the same id.
func retried(t *testing.T, err error) {
	t.Helper()
	if e := tandem.AsError(err); err == nil || e.Code != tandem.CodeInternal || e.Details.RetryMS == 0 {
		t.Fatalf("got %v, want that the store is unavailable", err)
	}
}

// once adds a task of ann's under an operation's id, and tells how often the rule ran.
func once(ctx context.Context, db *DB, op string, runs *int) (tandem.Outcome, error) {
	return db.Edit(ctx, "ann", tandem.Edit{Cause: tandem.Cause{Actor: tandem.ActorUser, OpID: op}, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
		*runs++
		t, _, err := tandem.NewTask(sc, tandem.Draft{Title: op})
		return tandem.Plan{Tasks: []tandem.Task{t}}, err
	}})
}

func titles(t *testing.T, db *DB) []string {
	t.Helper()
	page, err := db.List(t.Context(), "ann", tandem.Query{Limit: 100, Sort: tandem.SortTitle})
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, task := range page.Tasks {
		out = append(out, task.Title)
	}
	return out
}

// wire is a connection to the database that can be cut around a COMMIT.
type wire struct {
	addr string
	cut  atomic.Int32 // one of the cuts; used up by the first COMMIT
}

// Where a wire is cut.
const (
	whole = iota
	beforeCommit
	afterCommit
)

func newWire(t *testing.T, to int) *wire {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{addr: ln.Addr().String()}
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = ln.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := (&net.Dialer{}).DialContext(background(t), "tcp", fmt.Sprintf("127.0.0.1:%d", to))
			if err != nil {
				_ = client.Close()
				continue
			}
			all.Go(func() { w.carry(client, server) })
		}
	})
	return w
}

// carry passes bytes on until a side ends, or the cut.
func (w *wire) carry(client, server net.Conn) {
	var dropped atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1<<16)
		for {
			n, err := server.Read(buf)
			if err != nil || dropped.Load() { // an answer came, which the client never gets
				_ = client.Close()
				return
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 1<<16)
	for {
		n, err := client.Read(buf)
		if err != nil {
			break
		}
		if bytes.Contains(buf[:n], []byte("commit\x00")) {
			if cut := w.cut.Swap(whole); cut == beforeCommit {
				break
			} else if cut == afterCommit {
				dropped.Store(true)
			}
		}
		if _, err := server.Write(buf[:n]); err != nil {
			break
		}
	}
	_ = server.Close()
	<-done
	_ = client.Close()
}

func (w *wire) dsn(t *testing.T, to string) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = w.addr
	return u.String() + "&default_query_exec_mode=exec" // the wire reads along
}

func TestEdit_CutOffAtItsCommitIsAnsweredOnceAndForAll(t *testing.T) {
	for name, cut := range map[string]int32{"before": beforeCommit, "after": afterCommit} {
		t.Run(name, func(t *testing.T) {
			pg, database := database(t)
			w := newWire(t, pg.Port)
			db := openAt(t, w.dsn(t, pg.DSN("tandem_app", database)), Options{})
			told := 0
			db.OnCommit = func(tandem.Delta) { told++ }
			runs := 0
			w.cut.Store(cut)
			_, err := once(t.Context(), db, "op", &runs)
			retried(t, err)
			if told > 0 {
				t.Error("an unknown commit was told of")
			}
			out, err := once(t.Context(), db, "op", &runs)
			if err != nil || out.Seq != 1 {
				t.Fatalf("repeated: %+v, %v", out, err)
			}
			if replayed := cut == afterCommit; out.Replayed != replayed || (runs == 1) != replayed {
				t.Errorf("cut %s COMMIT: replayed %v, the rule ran %d times", name, out.Replayed, runs)
			}
			if d := cmp.Diff([]string{"op"}, titles(t, db)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestEdit_ThatLostARaceIsRunAgain(t *testing.T) {
	pg, name := database(t)
	superuser(t, pg, name, `create sequence public.races`, `grant usage on sequence public.races to public`, `
		create function public.lose() returns trigger language plpgsql as $$
		begin
			if nextval('public.races') < 3 then
				raise exception 'lost' using errcode = (array['40001', '40P01'])[1 + abs(currval('public.races')) % 2];
			end if;
			return new;
		end $$`, `create trigger lose before insert on changes for each row execute function public.lose()`)
	t.Cleanup(func() { superuserAfter(t, pg, name, `drop function public.lose() cascade; drop sequence public.races`) })
	db := openAt(t, pg.DSN("tandem_app", name), Options{})
	told := storetest.NewAudience(db, time.Now)
	db.OnCommit = told.Hear
	runs := 0
	out, err := once(t.Context(), db, "op", &runs)
	if err != nil || runs != 3 || out.Seq != 1 {
		t.Fatalf("%+v after %d runs: %v", out, runs, err)
	}
	told.Check(t)
	superuser(t, pg, name, `alter sequence public.races minvalue -1000 restart with -1000`)
	runs = 0
	if _, err := once(t.Context(), db, "another", &runs); err == nil || runs != maxAttempts {
		t.Fatalf("a race that is always lost: %d runs, %v", runs, err)
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
	leave, err := db.turns.enter(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	if _, err := add(ctx, db, "Two"); !errors.Is(err, context.Canceled) {
		t.Fatalf("a write whose context had ended waited for its turn and ran: %v", err)
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
		_, _ = db.Edit(t.Context(), "ann", tandem.Edit{
			Decide: func(tandem.Scene) (tandem.Plan, error) { return tandem.Plan{}, nil },
			Result: func(tandem.Outcome) (json.RawMessage, error) { panic("boom") },
		})
	}()
	for range 20 { // as many as there are connections, and more
		mustAdd(t, db, "One")
	}
}

func TestTurnstile_LetsOneThroughAndForgets(t *testing.T) {
	var turns turnstile
	inside, passed := 0, 0
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			leave, err := turns.enter(t.Context(), "ann")
			if err != nil {
				t.Error(err)
				return
			}
			defer leave()
			inside++
			if inside != 1 {
				t.Error("two are inside")
			}
			passed++
			inside--
		})
	}
	wg.Wait()
	if passed != 50 || len(turns.gates) != 0 {
		t.Fatalf("%d passed, %d gates are left", passed, len(turns.gates))
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

func TestOnCommit_IsNotToldOfADryRun(t *testing.T) {
	db := open(t, nil)
	mustAdd(t, db, "One")
	db.OnCommit = func(d tandem.Delta) { t.Errorf("told of %+v", d) }
	runs := 0
	for _, e := range []tandem.Edit{
		{DryRun: true, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			runs++
			task, _, err := tandem.NewTask(sc, tandem.Draft{Title: "Two"})
			return tandem.Plan{Tasks: []tandem.Task{task}}, err
		}},
		{Decide: func(tandem.Scene) (tandem.Plan, error) { return tandem.Plan{}, nil }},
	} {
		if _, err := db.Edit(t.Context(), "ann", e); err != nil {
			t.Fatal(err)
		}
	}
	if runs != 1 {
		t.Fatalf("the dry run ran %d times", runs)
	}
}

// TestOutage kills the server under load: what was acknowledged is there, what was not is answered under its id, and the store
// works again without a new opening.
func TestOutage_NothingAcknowledgedIsLost(t *testing.T) {
	pg := stack.Postgres(t, "fsync=on")
	if _, err := Migrate(t.Context(), pg.DSN("", "")); err != nil {
		t.Fatal(err)
	}
	db := openAt(t, pg.DSN("tandem_app", ""), Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	started, acked := make(chan struct{}), make([][]string, 4)
	var seen atomic.Int32
	var wg sync.WaitGroup
	for i := range acked {
		wg.Go(func() {
			for n := 0; n < 12 && ctx.Err() == nil; {
				op, runs := fmt.Sprintf("%d-%02d", i, n), 0
				_, err := once(ctx, db, op, &runs)
				if err == nil {
					acked[i] = append(acked[i], op)
					n++
					if seen.Add(1) == 8 {
						close(started)
					}
				} else if e := tandem.AsError(err); e.Details.RetryMS == 0 {
					t.Errorf("%s: %v", op, err)
					return
				}
			}
		})
	}
	<-started
	pg.Kill()
	_, err := db.Head(ctx, "ann")
	retried(t, err)
	if err := db.Ping(ctx); err == nil {
		t.Error("a store without its server says that it is ready")
	}
	pg.Start()
	wg.Wait()
	if d := cmp.Diff(slices.Sorted(slices.Values(slices.Concat(acked...))), titles(t, db)); d != "" {
		t.Fatalf("acknowledged (-) and there (+):\n%s", d)
	}
	head, err := db.Head(ctx, "ann")
	if err != nil || head.Seq != 48 {
		t.Fatalf("head %+v, %v", head, err)
	}
}

func TestOpen_WithoutAServerIsUnavailable(t *testing.T) {
	_, err := Open(t.Context(), "postgres://tandem_app@127.0.0.1:1/none?sslmode=disable", Options{})
	if err == nil {
		t.Fatal("opened nothing")
	}
	retried(t, err)
}
