package rest

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/go-chi/chi/v5"

	"tandem"
	"tandem/server/auth"
)

// Bounds of a calendar feed.
const (
	maxFeedTasks = 1000
	feedAhead    = 10 // later occurrences of a recurring task
)

var feedSecretForm = regexp.MustCompile(`^[A-Za-z0-9_-]{32,128}$`)

// feed answers GET /feeds/{secret}.ics: open dated tasks as a calendar. The secret alone opens it, so it is hashed at once
// and stands in no log.
func (s *Server) feed(w http.ResponseWriter, r *http.Request) {
	secret := chi.URLParam(r, "secret")
	if !feedSecretForm.MatchString(secret) {
		notFound.write(w, r)
		return
	}
	user, err := s.Calendar.FeedByHash(r.Context(), auth.Hash(secret))
	if errors.Is(err, tandem.ErrNotFound) {
		notFound.write(w, r)
		return
	}
	var body []byte
	if err == nil {
		body, err = s.calendarOf(r.Context(), user)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	newFile("tasks.ics", body).serve(w, r)
}

func (s *Server) calendarOf(ctx context.Context, user tandem.UserID) ([]byte, error) {
	settings, err := s.Calendar.Settings(ctx, user)
	if err != nil {
		return nil, err
	}
	cal := newCalendar(settings.Zone())
	epoch := time.Unix(0, 0)
	q := tandem.Query{
		Status: tandem.StatusOnlyPending, DueFrom: &epoch, Sort: tandem.SortDue, Limit: tandem.MaxLimit, Now: s.Now(),
	}
	for n := 0; n < maxFeedTasks; {
		page, err := s.Calendar.List(ctx, user, q)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Tasks {
			cal.add(t)
		}
		if n += len(page.Tasks); page.Next == nil {
			break
		}
		q.After = page.Next
	}
	return cal.end(), nil
}
