package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"tandem"
	"tandem/sync/hub"
	"tandem/sync/session"
	"tandem/sync/wire"
)

func add(mid int64, title string) wire.Mutate {
	args, err := json.Marshal(map[string]any{"title": title})
	if err != nil {
		panic(err)
	}
	return wire.Mutate{Mid: mid, Tool: "add_task", Args: args}
}

func titleOf(t *testing.T, result json.RawMessage) string {
	t.Helper()
	var r struct {
		Title string `json:"title"`
	}
	if err := json.Unmarshal(result, &r); err != nil {
		t.Fatalf("result %s: %v", result, err)
	}
	return r.Title
}

func TestR4_AckFollowsItsDelta(t *testing.T) {
	w := newWorld(t)
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	r.send(add(1, "Milk"))
	seen := tandem.Seq(0)
	for {
		f, err := r.next()
		if err != nil {
			t.Fatal(err)
		}
		switch f := f.(type) {
		case wire.Delta:
			seen = f.To
			if c := f.Changes[0]; c.Mid != 1 || c.Client == "" || c.Actor != tandem.ActorUser || c.Op != wire.OpPut {
				t.Errorf("the change says %+v, want who made it", c)
			}
		case wire.Ack:
			if f.Mid != 1 || f.Seq != 1 || f.Seq > seen {
				t.Errorf("ack %d at %d, with the device at %d", f.Mid, f.Seq, seen)
			}
			return
		}
	}
}

func TestMutate_RepeatedMidGetsItsFirstResult(t *testing.T) {
	w := newWorld(t)
	h := hello()
	r, _ := w.greet(session.Principal{User: "ann"}, h)
	r.send(add(1, "Milk"))
	first := expect[wire.Ack](r)
	r.send(add(1, "Something else"))
	if again := expect[wire.Ack](r); string(again.Result) != string(first.Result) || again.Seq != first.Seq {
		t.Errorf("the same mid got %+v, then %+v", first, again)
	}
	r.send(wire.Mutate{Mid: 2, Tool: "complete_task", Args: json.RawMessage(`{"task_id":99}`)})
	refused := expect[wire.Nack](r)
	other, ready := w.greet(session.Principal{User: "ann"}, h)
	if ready.LastMid != 2 {
		t.Fatalf("last_mid is %d after a result and a final refusal, want 2", ready.LastMid)
	}
	other.send(wire.Mutate{Mid: 2, Tool: "complete_task", Args: json.RawMessage(`{"task_id":99}`)})
	if again := expect[wire.Nack](other); again.Code != wire.CodeNotFound || again.Msg != refused.Msg || again.Mid != 2 {
		t.Errorf("the same mid was refused with %+v, then %+v", refused, again)
	}
	if n := len(w.snapshot("ann").Rows[tandem.KindTask]); n != 1 {
		t.Errorf("there are %d tasks, want 1", n)
	}
}

func TestSet_RepeatedMidGetsItsFirstResult(t *testing.T) {
	w := newWorld(t)
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	patch := wire.Set{Mid: 1, Patch: json.RawMessage(`{"locale":"de"}`)}
	r.send(patch)
	first := expect[wire.Ack](r)
	r.send(add(2, "Milk"))
	expect[wire.Ack](r)
	r.send(patch)
	if again := expect[wire.Ack](r); string(again.Result) != string(first.Result) || again.Seq != first.Seq {
		t.Errorf("the same mid got %+v, then %+v", first, again)
	}
}

func TestSet_AddressesThatAreNotPublic(t *testing.T) {
	w := newWorld(t)
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	for i, host := range []string{"127.0.0.1", "127.1", "0x7f.1", "2130706433", "10.0.0.1", "[::1]", "localhost", "a.localhost", "printer.local", "db"} {
		r.send(wire.Set{Mid: int64(i + 1), Patch: json.RawMessage(`{"channels":{"webhook":{"url":"https://` + host + `/hook"}}}`)})
		if n := expect[wire.Nack](r); n.Code != wire.CodeInvalid {
			t.Errorf("https://%s/hook was refused with %+v, want invalid", host, n)
		}
	}
}

func TestMutate_ReadsUseUpTheirMid(t *testing.T) {
	w := newWorld(t)
	w.seed(30)
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	for mid, args := range []string{1: `{"ids":[1]}`, 2: `{"limit":100}`} {
		if mid == 0 {
			continue
		}
		m := wire.Mutate{Mid: int64(mid), Tool: "list_tasks", Args: json.RawMessage(args)}
		r.send(m)
		first := expect[wire.Ack](r)
		if first.Seq != 30 {
			t.Errorf("a read is acked at %d, want the head 30", first.Seq)
		}
		r.send(m)
		if again := expect[wire.Ack](r); string(again.Result) != string(first.Result) {
			t.Errorf("the same read gave\n%s, then\n%s", first.Result, again.Result)
		}
	}
	dry := wire.Mutate{Mid: 3, Tool: "add_task", Args: json.RawMessage(`{"title":"Dry","dry_run":true}`)}
	r.send(dry)
	if a := expect[wire.Ack](r); a.Mid != 3 {
		t.Errorf("a dry run got %+v", a)
	}
	r.send(add(4, "Wet"))
	if a := expect[wire.Ack](r); a.Mid != 4 {
		t.Errorf("the mutation behind a dry run got %+v", a)
	}
}

func TestMutate_LaterMidIsAGap(t *testing.T) {
	w := newWorld(t)
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	r.send(add(2, "Too early"))
	if n := expect[wire.Nack](r); n.Code != wire.CodeMidGap || n.Mid != 2 {
		t.Fatalf("mid 2 before 1 got %+v, want mid_gap", n)
	}
	r.send(add(1, "First"))
	expect[wire.Ack](r)
	r.send(add(2, "Second"))
	if a := expect[wire.Ack](r); titleOf(t, a.Result) != "Second" {
		t.Errorf("mid 2 after 1 got %s", a.Result)
	}
}

func TestMutate_RefusalsOfOurOwnAreNotFinal(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code wire.Code
		wait int64
	}{
		"limit":                     {tandem.Limited("writes", 3000, "Too many changes."), wire.CodeRate, 3000},
		"a fault":                   {errors.New("bug"), wire.CodeInternal, 1000},
		"a store that is not there": {fmt.Errorf("edit: %w", tandem.Unavailable(errors.New("eof"))), wire.CodeOverload, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			var fail atomic.Bool
			fail.Store(true)
			w := newWorld(t, func(_ *world, _ *hub.Options, o *session.Options) {
				o.Tools = refusing{o.Tools, func() error {
					if fail.Load() {
						return c.err
					}
					return nil
				}}
			})
			r, _ := w.greet(session.Principal{User: "ann"}, hello())
			r.send(add(1, "Milk"))
			if n := expect[wire.Nack](r); n.Code != c.code || n.RetryMS != c.wait {
				t.Fatalf("got %+v, want %s with retry_ms %d", n, c.code, c.wait)
			}
			fail.Store(false)
			r.send(add(1, "Milk"))
			if a := expect[wire.Ack](r); a.Mid != 1 {
				t.Errorf("the same mid later got %+v, want its ack", a)
			}
		})
	}
}

func TestMutate_ConflictShowsTheRow(t *testing.T) {
	w := newWorld(t)
	w.seed(1)
	w.edit("ann", "update_task", map[string]any{"task_id": 1, "title": "Changed meanwhile"})
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	r.send(wire.Mutate{Mid: 1, Tool: "complete_task", Args: json.RawMessage(`{"task_id":1}`), IfVer: 1})
	n := expect[wire.Nack](r)
	if n.Code != wire.CodeConflict || !strings.Contains(string(n.Row), "Changed meanwhile") {
		t.Errorf("a change of an old version got %+v with row %s, want conflict with the row as it is", n, n.Row)
	}
	r.send(wire.Mutate{Mid: 2, Tool: "complete_task", Args: json.RawMessage(`{"task_id":1}`), IfVer: 2})
	if a := expect[wire.Ack](r); a.Mid != 2 {
		t.Errorf("a change of the current version got %+v", a)
	}
}

func TestMutate_ProgramsMeetApprovals(t *testing.T) {
	w := newWorld(t)
	w.seed(3)
	token := tandem.NewID()
	program := w.program("ann", token, nil)
	r, _ := w.greet(program, hello())
	r.send(wire.Mutate{Mid: 1, Tool: "delete_task", Args: json.RawMessage(`{"ids":[1,2,3]}`)})
	n := expect[wire.Nack](r)
	var row tandem.ApprovalRow
	if err := json.Unmarshal(n.Approval, &row); n.Code != wire.CodeNeedsApproval || err != nil || row.ID == "" {
		t.Fatalf("a program that deletes three tasks got %+v (%v), want needs_approval with the question", n, err)
	}
	r.send(wire.Approve{Approval: row.ID, OK: true})
	if e := expect[wire.Err](r); e.Code != wire.CodeForbidden || e.Ref != row.ID {
		t.Errorf("a program that answers its own question got %+v, want forbidden", e)
	}
	r.send(wire.Set{Mid: 2, Patch: json.RawMessage(`{"tokens":{"add":{"name":"more","scopes":["tasks:delete"]}}}`)})
	if n := expect[wire.Nack](r); n.Code != wire.CodeForbidden || n.Mid != 2 {
		t.Errorf("a program that makes itself a token got %+v, want forbidden", n)
	}
}

func TestMutate_ScopesHold(t *testing.T) {
	w := newWorld(t)
	w.seed(1)
	r, _ := w.greet(w.program("ann", tandem.NewID(), []string{"tasks:read"}), hello())
	r.send(add(1, "Milk"))
	if n := expect[wire.Nack](r); n.Code != wire.CodeForbidden {
		t.Errorf("a token that may only read got %+v, want forbidden", n)
	}
	r.send(wire.Chat{Turn: tandem.NewID(), Text: "Delete everything"})
	if n := expect[wire.Nack](r); n.Code != wire.CodeForbidden || n.Turn == "" {
		t.Errorf("a token that may only read set the assistant to work: %+v", n)
	}
	_, resp, err := websocket.Dial(t.Context(), w.http.URL+"/api/x/ws", &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + w.token(session.Principal{User: "ann", Program: true, Scopes: []string{"tasks:write"}})}},
	})
	if err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a token that may not read was answered with %v, %v, want 403", resp, err)
	}
}

func TestMutate_BadFramesChangeNothing(t *testing.T) {
	w := newWorld(t)
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	for _, frame := range []string{
		`{"t":"mutate","mid":1,"tool":"add_task"}`, `{"t":"mutate","mid":"1","tool":"add_task","args":{}}`, `[]`, `{`, ``, `{"t":7}`,
		`{"t":"mutate","mid":1,"mid":2,"tool":"add_task","args":{}}`, strings.Repeat(`[`, 40), `{"t":"hello"}`,
		`{"t":"sync","seq":` + strings.Repeat("9", 40) + `}`,
	} {
		r.text(frame)
		if e := expect[wire.Err](r); e.Code != wire.CodeBadFrame {
			t.Errorf("%.60s got %+v, want bad_frame", frame, e)
		}
	}
	r.text(`{"t":"future","x":1}`)
	r.text(`{"t":"mutate","mid":1,"tool":"add_task","args":{"title":"Milk"},"future":1,"user_id":"bob"}`)
	if a := expect[wire.Ack](r); a.Mid != 1 {
		t.Errorf("a frame with unknown fields got %+v", a)
	}
	if n := len(w.snapshot("bob").Rows[tandem.KindTask]); n != 0 {
		t.Errorf("bob has %d tasks of a frame that named him", n)
	}
}

func TestR6_NothingOfAnotherPerson(t *testing.T) {
	w := newWorld(t)
	bob, _ := w.greet(session.Principal{User: "bob"}, hello())
	ann := w.device("ann")
	for i := range 5 {
		w.mutate(ann, "add_task", map[string]any{"title": fmt.Sprintf("Secret %d", i)})
	}
	w.edit("bob", "add_task", map[string]any{"title": "Own"})
	d := expect[wire.Delta](bob)
	if len(d.Changes) != 1 || d.From != 1 || d.To != 1 || strings.Contains(string(d.Changes[0].Row), "Secret") {
		t.Errorf("bob was told %+v", d)
	}
}

// refusing refuses calls before they reach the tools.
type refusing struct {
	session.Tools
	refusal func() error
}

func (r refusing) Call(ctx context.Context, c session.Caller, tool string, args json.RawMessage) (json.RawMessage, error) {
	if err := r.refusal(); err != nil {
		return nil, err
	}
	return r.Tools.Call(ctx, c, tool, args)
}

func TestMutate_WhatFollowsOneRefusedForNowIsNoGap(t *testing.T) {
	var refuse atomic.Bool
	refuse.Store(true)
	w := newWorld(t, func(_ *world, _ *hub.Options, o *session.Options) {
		o.Tools = refusing{o.Tools, func() error {
			if refuse.Load() {
				return tandem.Limited("writes", 50, "Too many changes.")
			}
			return nil
		}}
	})
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	for mid := range int64(3) {
		r.send(add(mid+1, "Task"))
	}
	for mid := range int64(3) {
		if n := expect[wire.Nack](r); n.Mid != mid+1 || n.Code != wire.CodeRate || n.RetryMS == 0 {
			t.Errorf("mid %d got %+v, want rate: it will have its turn", mid+1, n)
		}
	}
	refuse.Store(false)
	for mid := range int64(3) {
		r.send(add(mid+1, "Task"))
		if a := expect[wire.Ack](r); a.Mid != mid+1 {
			t.Errorf("sent again, mid %d got %+v", mid+1, a)
		}
	}
}
