package session_test

import (
	"encoding/json"
	"testing"
	"time"

	"tandem"
	"tandem/sync/session"
	"tandem/sync/wire"
)

func TestToken_WarnsThenEnds(t *testing.T) {
	w := newWorld(t, timing(session.Timing{Warn: 300 * time.Millisecond, Grace: 100 * time.Millisecond}))
	exp := time.Now().Add(400 * time.Millisecond)
	r, ready := w.greet(session.Principal{User: "ann", Expires: exp}, hello())
	if ready.Exp == nil || time.Time(*ready.Exp).Unix() != exp.Unix() {
		t.Errorf("exp is %v, want %v", ready.Exp, exp)
	}
	if f := expect[wire.AuthNotice](r); f.In != 1 {
		t.Errorf("the warning is %+v, want a second left", f)
	}
	if code := r.closes(); code != wire.CloseToken {
		t.Errorf("ended with %d, want 4401", code)
	}
	if late := time.Since(exp); late < 100*time.Millisecond {
		t.Errorf("ended %v after expiry, before the grace of 100 ms was over", late)
	}
}

func TestToken_Renewal(t *testing.T) {
	p := session.Principal{User: "ann", Issuer: "us", Expires: time.Now().Add(time.Hour)}
	for name, tc := range map[string]struct {
		next session.Principal
		want wire.Close
	}{
		"another person": {session.Principal{User: "bob", Issuer: "us"}, wire.CloseRevoked},
		"another issuer": {session.Principal{User: "ann", Issuer: "them"}, wire.CloseRevoked},
		"another kind":   {session.Principal{User: "ann", Issuer: "us", Program: true}, wire.CloseRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r, _ := w.greet(p, hello())
			r.send(wire.Auth{Token: w.token(tc.next)})
			if code := r.closes(); code != tc.want {
				t.Errorf("ended with %d, want %d", code, tc.want)
			}
		})
	}
	t.Run("the same", func(t *testing.T) {
		w := newWorld(t, timing(session.Timing{Warn: time.Millisecond, Grace: time.Millisecond, Heartbeat: 50 * time.Millisecond}))
		p.Expires = time.Now().Add(2 * time.Second)
		r, _ := w.greet(p, hello())
		r.send(wire.Auth{Token: "no such token"})
		if e := expect[wire.Err](r); e.Code != wire.CodeForbidden {
			t.Errorf("a bad token got %+v", e)
		}
		next := p
		next.Expires = time.Now().Add(time.Hour)
		r.send(wire.Auth{Token: w.token(next)})
		if f := expect[wire.AuthNotice](r); f.Exp == nil || f.In != 0 {
			t.Errorf("a renewal got %+v, want its expiry", f)
		}
		for time.Now().Before(p.Expires.Add(100 * time.Millisecond)) {
			expect[wire.Heartbeat](r)
		}
	})
}

func TestToken_RenewalOfAProgram(t *testing.T) {
	w := newWorld(t)
	first, second := w.program("ann", tandem.NewID(), nil), w.program("ann", tandem.NewID(), nil)
	narrow := w.program("ann", tandem.NewID(), []string{"tasks:write"})
	person, _ := w.greet(session.Principal{User: "ann"}, hello())
	r, _ := w.greet(first, hello())
	r.send(wire.Auth{Token: w.token(second)})
	if f := expect[wire.AuthNotice](r); f.Exp != nil || f.In != 0 {
		t.Errorf("a token that does not expire got %+v", f)
	}
	person.send(wire.Set{Mid: 1, Patch: json.RawMessage(`{"tokens":{"revoke":"` + first.TokenID + `"}}`)})
	expect[wire.Ack](person)
	r.send(add(1, "Still here"))
	expect[wire.Ack](r)
	person.send(wire.Set{Mid: 2, Patch: json.RawMessage(`{"tokens":{"revoke":"` + second.TokenID + `"}}`)})
	expect[wire.Ack](person)
	if code := r.closes(); code != wire.CloseRevoked {
		t.Errorf("revoking the token in force ended with %d, want 4403", code)
	}
	for name, next := range map[string]session.Principal{"revoked": second, "without tasks:read": narrow} {
		r, _ := w.greet(w.program("ann", tandem.NewID(), nil), hello())
		r.send(wire.Auth{Token: w.token(next)})
		if code := r.closes(); code != wire.CloseRevoked {
			t.Errorf("renewed with a token %s, it ended with %d, want 4403", name, code)
		}
	}
}

func TestToken_SigningOutEverywhereEndsEveryConnection(t *testing.T) {
	w := newWorld(t)
	a, _ := w.greet(session.Principal{User: "ann"}, hello())
	b, _ := w.greet(session.Principal{User: "ann"}, hello())
	bob, _ := w.greet(session.Principal{User: "bob"}, hello())
	a.send(wire.Set{Mid: 1, Patch: json.RawMessage(`{"revoke":true}`)})
	expect[wire.Ack](a)
	for _, r := range []*raw{a, b} {
		if code := r.closes(); code != wire.CloseRevoked {
			t.Errorf("ended with %d, want 4403", code)
		}
	}
	bob.send(add(1, "Still here"))
	expect[wire.Ack](bob)
}

func TestToken_RevokingATokenEndsItsConnections(t *testing.T) {
	w := newWorld(t)
	kept, gone := tandem.NewID(), tandem.NewID()
	a, _ := w.greet(w.program("ann", kept, nil), hello())
	b, _ := w.greet(w.program("ann", gone, nil), hello())
	person, _ := w.greet(session.Principal{User: "ann"}, hello())
	patch, err := json.Marshal(map[string]any{"tokens": map[string]any{"revoke": gone}})
	if err != nil {
		t.Fatal(err)
	}
	person.send(wire.Set{Mid: 1, Patch: patch})
	expect[wire.Ack](person)
	if code := b.closes(); code != wire.CloseRevoked {
		t.Errorf("the connection of the revoked token ended with %d, want 4403", code)
	}
	a.send(add(1, "Still here"))
	expect[wire.Ack](a)

	r := w.dial(session.Principal{User: "ann", Program: true, TokenID: gone})
	r.send(hello())
	if code := r.closes(); code != wire.CloseRevoked {
		t.Errorf("a token revoked since its verification ended with %d, want 4403", code)
	}
}
