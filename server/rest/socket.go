package rest

import (
	"net/http"
	"sync"

	"tandem"
)

// socket answers GET /api/{user_id}/ws. Every refusal comes before the upgrade.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	if !s.takeUpgrade(r) {
		s.limited(w, r, limitUpgrades, 0)
		return
	}
	done, ok := s.open()
	if !ok {
		s.Metrics.Limited(limitOpening)
		retryAfter(w, 0)
		refusal(http.StatusServiceUnavailable, "Too many connections are being opened.").write(w, r)
		return
	}
	defer done()
	p, inHeader, err := s.Verifier.SocketFor(r, pathUser(r))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	// A browser always sends Origin and cannot set the header; a native client does the reverse.
	if from, one := originOf(r); !one || from == "" && !inHeader || from != "" && !s.ownOrigin(r, from) {
		s.fail(w, r, tandem.Forbidden("origin", "Pages of another origin may not connect."))
		return
	}
	if a, ok := w.(*answer); ok {
		a.onHijack = done
	}
	tandem.FaultPoint("http.after_auth")
	s.Socket(w, r, p)
}

// open takes one of the places for upgrades in progress; done, which may be called twice, frees it.
func (s *Server) open() (done func(), ok bool) {
	if s.opening.Add(1) > s.Limits.Opening {
		s.opening.Add(-1)
		return nil, false
	}
	return sync.OnceFunc(func() { s.opening.Add(-1) }), true
}
