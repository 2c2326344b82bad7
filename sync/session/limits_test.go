package session_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tandem"
	"tandem/sync/hub"
	"tandem/sync/session"
	"tandem/sync/wire"
)

func TestLimits_MessagesBeyondTheRate(t *testing.T) {
	w := newWorld(t, limits(session.Limits{Rate: 20, Burst: 5, Strikes: 30}))
	r, ready := w.greet(session.Principal{User: "ann"}, hello())
	if ready.Limits.Burst != 5 || ready.Limits.Frame != wire.MaxFrame {
		t.Errorf("ready tells of limits %+v", ready.Limits)
	}
	for mid := range int64(8) {
		r.send(add(mid+1, "Task"))
	}
	rates, last := 0, int64(0)
	for range 8 {
		switch f := expectAnswer(r).(type) {
		case wire.Ack:
			last = f.Mid
		case wire.Nack:
			if f.Code == wire.CodeRate && f.RetryMS > 0 && f.Mid > 0 {
				rates++
			} else if f.Code != wire.CodeMidGap {
				t.Errorf("beyond the rate came %+v", f)
			}
		}
	}
	if rates == 0 || last < 4 {
		t.Errorf("%d of 8 were refused, the last acked is %d", rates, last)
	}
	for range 200 {
		if err := r.ws.Write(t.Context(), websocket.MessageText, []byte(`{"t":"parse","id":1,"text":"x","tz":""}`)); err != nil {
			break
		}
	}
	var bye wire.Bye
	for {
		f, err := r.next()
		if err != nil {
			if code := websocket.CloseStatus(err); wire.Close(code) != wire.CloseOverload {
				t.Errorf("a flood ended with %d, want 1013", code)
			}
			break
		}
		if b, ok := f.(wire.Bye); ok {
			bye = b
		}
	}
	if bye.Code != wire.ByeLimit || bye.RetryMS == 0 {
		t.Errorf("a flood ended with %+v, want bye limit", bye)
	}
}

func TestLimits_FloodOfAClientThatDoesNotRead(t *testing.T) {
	w := newWorld(t)
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	for range 1000 {
		if err := r.ws.Write(t.Context(), websocket.MessageText, []byte(`{"t":"parse","id":1,"text":"x","tz":""}`)); err != nil {
			break
		}
	}
	if code := r.closes(); code != wire.CloseOverload {
		t.Errorf("a flood ended with %d, want 1013", code)
	}
}

// expectAnswer reads up to the next ack or nack.
func expectAnswer(r *raw) wire.ServerFrame {
	r.t.Helper()
	for {
		f, err := r.next()
		if err != nil {
			r.t.Fatal(err)
		}
		switch f.(type) {
		case wire.Ack, wire.Nack:
			return f
		}
	}
}

func TestLimits_ConnectionsOfAUser(t *testing.T) {
	w := newWorld(t, limits(session.Limits{Sockets: 3}))
	var open []*raw
	for range 3 {
		r, _ := w.greet(session.Principal{User: "ann"}, hello())
		open = append(open, r)
	}
	if code := w.dial(session.Principal{User: "ann"}).closes(); code != wire.CloseTooMany {
		t.Errorf("one too many ended with %d, want 4429", code)
	}
	w.greet(session.Principal{User: "bob"}, hello())
	_ = open[0].ws.Close(websocket.StatusNormalClosure, "")
	for {
		r := w.dial(session.Principal{User: "ann"})
		r.send(hello())
		if _, err := r.next(); err == nil {
			break // the place is free
		}
	}
}

// seats counts the connections of all worlds that share it.
type seats struct {
	mu    sync.Mutex
	taken map[tandem.UserID]int
}

func (s *seats) Take(_ context.Context, user tandem.UserID, limit int) (free func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[user] >= limit {
		return func() {}, false
	}
	s.taken[user]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.taken[user]--
	}, true
}

func TestLimits_ConnectionsOfAUserInAllProcesses(t *testing.T) {
	shared := &seats{taken: map[tandem.UserID]int{}}
	var worlds []*world
	for range 2 {
		worlds = append(worlds, newWorld(t, limits(session.Limits{Sockets: 3}), func(_ *world, _ *hub.Options, o *session.Options) { o.Seats = shared }))
	}
	ann := session.Principal{User: "ann"}
	first, _ := worlds[0].greet(ann, hello())
	worlds[0].greet(ann, hello())
	worlds[1].greet(ann, hello())
	for i, w := range worlds {
		if code := w.dial(ann).closes(); code != wire.CloseTooMany {
			t.Errorf("one too many ended with %d on process %d, want 4429", code, i)
		}
	}
	worlds[1].greet(session.Principal{User: "bob"}, hello())
	_ = first.ws.Close(websocket.StatusNormalClosure, "")
	for {
		r := worlds[1].dial(ann)
		r.send(hello())
		if _, err := r.next(); err == nil {
			break // the place is free
		}
	}
}

func TestLimits_OpeningsASecond(t *testing.T) {
	w := newWorld(t, limits(session.Limits{Opening: 1}))
	for i := range 6 {
		_, resp, err := websocket.Dial(t.Context(), w.http.URL+"/api/x/ws", &websocket.DialOptions{
			HTTPHeader: http.Header{"Authorization": {"Bearer " + w.token(session.Principal{User: "ann"})}},
		})
		if i == 5 && (err == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "") {
			t.Errorf("beyond the openings a second the answer was %v, %v, want 503 with Retry-After", resp, err)
		}
	}
}

func TestLimits_Frames(t *testing.T) {
	for name, tc := range map[string]struct {
		kind websocket.MessageType
		data []byte
		want wire.Close
	}{
		"too big":       {websocket.MessageText, []byte(`{"t":"x","p":"` + strings.Repeat("a", wire.MaxFrame) + `"}`), wire.CloseTooBig},
		"binary":        {websocket.MessageBinary, []byte(`{"t":"sync","seq":1}`), wire.CloseProtocol},
		"invalid UTF-8": {websocket.MessageText, []byte("{\"t\":\"\xff\"}"), wire.CloseProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r, _ := w.greet(session.Principal{User: "ann"}, hello())
			if err := r.ws.Write(t.Context(), tc.kind, tc.data); err != nil {
				t.Fatal(err)
			}
			if got := r.closes(); got != tc.want {
				t.Errorf("ended with %d, want %d", got, tc.want)
			}
		})
	}
	w := newWorld(t)
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	frame := []byte(`{"t":"x","p":""}`)
	whole := bytes.Replace(frame, []byte(`""`), []byte(`"`+strings.Repeat("a", wire.MaxFrame-len(frame))+`"`), 1)
	r.text(string(whole))
	r.send(add(1, "Milk"))
	expect[wire.Ack](r)
}

func TestHello_Due(t *testing.T) {
	w := newWorld(t, timing(session.Timing{Hello: 50 * time.Millisecond}))
	if code := w.dial(session.Principal{User: "ann"}).closes(); code != wire.CloseSlow {
		t.Errorf("without hello the connection ended with %d, want 4408", code)
	}
}

func TestHello_Refused(t *testing.T) {
	w := newWorld(t)
	for frame, want := range map[string]wire.Close{
		`{"t":"hello","client":"` + tandem.NewID() + `","ver":2,"caps":[]}`:   wire.CloseVersion,
		`{"t":"hello","client":"` + tandem.NewID() + `","ver":"1","caps":[]}`: wire.CloseProtocol,
		`{"t":"hello","client":"me","ver":1,"caps":[]}`:                       wire.CloseProtocol,
		`{"t":"mutate","mid":1,"tool":"add_task","args":{}}`:                  wire.CloseProtocol,
		`nonsense`: wire.CloseProtocol,
	} {
		r := w.dial(session.Principal{User: "ann"})
		r.text(frame)
		if got := r.closes(); got != want {
			t.Errorf("%s ended with %d, want %d", frame, got, want)
		}
	}
	r := w.dial(session.Principal{User: "ann"})
	r.text(`{"t":"future"}`)
	r.send(hello())
	expect[wire.Ready](r)
}

func TestHeartbeat_TellsTheHead(t *testing.T) {
	w := newWorld(t, timing(session.Timing{Heartbeat: 20 * time.Millisecond}))
	w.seed(2)
	r, ready := w.greet(session.Principal{User: "ann"}, hello())
	if ready.HB != 20 {
		t.Errorf("hb is %d, want milliseconds", ready.HB)
	}
	for range 3 {
		if f := expect[wire.Heartbeat](r); f.Seq != 2 {
			t.Errorf("a heartbeat tells %d, want 2", f.Seq)
		}
	}
}

func TestAge_EndsWithRotate(t *testing.T) {
	w := newWorld(t, timing(session.Timing{MinAge: 30 * time.Millisecond, MaxAge: 60 * time.Millisecond}))
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	if b := expect[wire.Bye](r); b.Code != wire.ByeRotate {
		t.Errorf("bye is %+v, want rotate", b)
	}
	if code := r.closes(); code != wire.CloseRestart {
		t.Errorf("ended with %d, want 1012", code)
	}
}

func TestDrain_SaysGoodbyeToAll(t *testing.T) {
	w := newWorld(t)
	var open []*raw
	for range 4 {
		r, _ := w.greet(session.Principal{User: "ann"}, hello())
		open = append(open, r)
	}
	silent := w.dial(session.Principal{User: "bob"}) // has not said hello
	done := make(chan error, 1)
	go func() { done <- w.sessions.Drain(t.Context()) }()
	for _, r := range open {
		if b := expect[wire.Bye](r); b.Code != wire.ByeDrain || b.RetryMS < 1 {
			t.Errorf("bye is %+v, want drain with retry_ms", b)
		}
		if code := r.closes(); code != wire.CloseRestart {
			t.Errorf("ended with %d, want 1012", code)
		}
	}
	if code := silent.closes(); code != wire.CloseRestart {
		t.Errorf("a connection without hello ended with %d, want 1012", code)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	_, resp, err := websocket.Dial(t.Context(), w.http.URL+"/api/x/ws", &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + w.token(session.Principal{User: "ann"})}},
	})
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after the drain the answer was %v, %v, want 503", resp, err)
	}
}

func TestSlow_BlockedWriteEndsTheConnection(t *testing.T) {
	w := newWorld(t, timing(session.Timing{Write: 100 * time.Millisecond}))
	items := make([]map[string]any, 100)
	for i := range items {
		items[i] = map[string]any{"title": "Task", "description": strings.Repeat("x", 2000)}
	}
	for range 20 {
		w.edit("ann", "add_task", map[string]any{"items": items})
	}
	var d net.Dialer
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	hc := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, addr)
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(4096)
		}
		return c, err
	}}}
	ws, _, err := websocket.Dial(ctx, w.http.URL+"/api/x/ws", &websocket.DialOptions{
		HTTPClient: hc, HTTPHeader: http.Header{"Authorization": {"Bearer " + w.token(session.Principal{User: "ann"})}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	if err := ws.Write(ctx, websocket.MessageText, wire.EncodeClient(hello())); err != nil {
		t.Fatal(err)
	}
	select {
	case code := <-w.counts.closed:
		if code != int(wire.CloseSlow) {
			t.Errorf("a device that never reads ended with %d, want 4408", code)
		}
	case <-ctx.Done():
		t.Fatal("a device that never reads is still connected")
	}
}
