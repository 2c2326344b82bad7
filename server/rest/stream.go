package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"tandem"
)

// Bounds of an event stream.
const (
	streamWrite = 10 * time.Second // a client that takes nothing for so long is let go
	streamPause = 15 * time.Second // a comment keeps proxies from ending a stream that is silent for so long
)

// eventStream writes server-sent events. It is safe for use by the goroutine that keeps it alive beside the one that writes.
type eventStream struct {
	w  http.ResponseWriter
	rc *http.ResponseController

	mu  sync.Mutex
	err error // of the first write that failed
}

func newEventStream(w http.ResponseWriter) *eventStream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	s := &eventStream{w: w, rc: http.NewResponseController(w)}
	s.send(": \n\n")
	return s
}

// event sends one event; an empty name sends bare data. It reports whether the client is still there.
func (s *eventStream) event(name string, v any) bool {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // events are of our own types
	}
	text := "data: " + string(data) + "\n\n" // JSON holds no line break
	if name != "" {
		text = "event: " + name + "\n" + text
	}
	return s.send(text)
}

func (s *eventStream) send(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		_ = s.rc.SetWriteDeadline(time.Now().Add(streamWrite))
		if _, s.err = s.w.Write([]byte(text)); s.err == nil {
			s.err = s.rc.Flush()
		}
		_ = s.rc.SetWriteDeadline(time.Time{}) // the connection may carry another request
	}
	return s.err == nil
}

// keepAlive sends comments until stop is called; stop waits for the last one.
func (s *eventStream) keepAlive(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(streamPause)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				s.send(": \n\n")
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// socketTurn is a turn event as the socket's frame has it.
type socketTurn struct {
	T string `json:"t"`
	tandem.TurnEvent
}

// streamTurn answers with the events of a turn and, last, the whole answer. A client that goes away leaves the turn running.
func (s *Server) streamTurn(w http.ResponseWriter, r *http.Request, user tandem.UserID, t Ticket) {
	stream := newEventStream(w)
	defer stream.keepAlive(r.Context())()
	for ev := range s.Assistant.Watch(r.Context(), user, t.TurnID) {
		if !stream.event("turn", socketTurn{"turn", ev}) {
			return
		}
	}
	answer, err := s.Assistant.Wait(r.Context(), user, t.TurnID)
	if err != nil {
		stream.event("error", s.problemOf(r, err))
		return
	}
	stream.event("done", answer)
}
