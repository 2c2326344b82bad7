package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"tandem"
	"tandem/server/inproc"
	"tandem/server/redis"
	"tandem/sync/hub"
	"tandem/sync/session"
)

// openTandem starts the hub with the sessions in front of it; redis is the address of the server that carries its signals,
// empty: they stay in the process.
func openTandem(ctx context.Context, address string) (subject, error) {
	store := &logs{users: map[tandem.UserID][]tandem.Change{}}
	h, err := openHub(ctx, store, address)
	if err != nil {
		return subject{}, err
	}
	go h.Run(ctx) //nolint:errcheck // it ends with the process
	s := session.New(session.Options{Hub: h, Mids: mids{}, Limits: session.Limits{Opening: 1e6}})
	return subject{
		serve: func(w http.ResponseWriter, r *http.Request, user string) {
			s.Serve(w, r, session.Principal{User: tandem.UserID(user)})
		},
		publish: func(user string, n int64, row []byte) error {
			d := store.write(tandem.UserID(user), tandem.Change{Kind: tandem.KindTask, ID: rowID(n), Version: n, Row: row})
			return h.Publish(ctx, tandem.Signal{User: d.User, Delta: &d})
		},
	}, nil
}

func openHub(ctx context.Context, store *logs, address string) (*hub.Hub, error) {
	if address == "" {
		return hub.New(hub.Options{Channel: &inproc.Channels{}, Store: store}), nil
	}
	client, err := redis.Open("redis://"+address+"/0", redis.Options{})
	if err != nil {
		return nil, fmt.Errorf("open Redis: %w", err)
	}
	channels := redis.NewChannels(client)
	h := hub.New(hub.Options{Channel: channels, Store: store})
	channels.State = h.ChannelState
	go channels.Run(ctx) //nolint:errcheck // it ends with the process
	return h, nil
}

// mids knows clients that never changed anything.
type mids struct{ session.Mids }

func (mids) LastMid(context.Context, tandem.UserID, string) (int64, error) { return 0, nil }

// logs is the change log in memory: what is compared is how edits travel, not how they are kept.
type logs struct {
	mu    sync.Mutex
	users map[tandem.UserID][]tandem.Change // of seq i+1
}

func (l *logs) write(user tandem.UserID, c tandem.Change) tandem.Delta {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users[user] = append(l.users[user], c)
	seq := tandem.Seq(len(l.users[user]))
	return tandem.Delta{User: user, From: seq, To: seq, Changes: []tandem.Change{c}}
}

func (l *logs) head(user tandem.UserID) tandem.Seq {
	l.mu.Lock()
	defer l.mu.Unlock()
	return tandem.Seq(len(l.users[user]))
}

func (l *logs) Epoch(context.Context) string { return epoch }

func (l *logs) Head(_ context.Context, user tandem.UserID) (tandem.Head, error) {
	return tandem.Head{Seq: l.head(user)}, nil
}

func (l *logs) Heads(_ context.Context, users []tandem.UserID) (map[tandem.UserID]tandem.Seq, error) {
	out := map[tandem.UserID]tandem.Seq{}
	for _, u := range users {
		out[u] = l.head(u)
	}
	return out, nil
}

func (l *logs) Log(_ context.Context, user tandem.UserID, from tandem.Seq) (tandem.Delta, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.users[user]
	if int(from) > len(all) {
		return tandem.Delta{}, false, nil
	}
	newest := map[string]int{}
	for i, c := range all[from:] {
		newest[c.ID] = i
	}
	d := tandem.Delta{User: user, From: from + 1, To: tandem.Seq(len(all))}
	for i, c := range all[from:] {
		if newest[c.ID] == i {
			d.Changes = append(d.Changes, c)
		}
	}
	return d, true, nil
}

func (l *logs) Cost(_ context.Context, user tandem.UserID, from tandem.Seq) (changes, live int, err error) {
	n := int(l.head(user))
	return min(n-int(from), rowsOfUser), min(n, rowsOfUser), nil
}

func (l *logs) Snapshot(ctx context.Context, user tandem.UserID) (tandem.Snapshot, error) {
	d, _, err := l.Log(ctx, user, 0)
	s := tandem.Snapshot{Seq: d.To, Rows: map[tandem.Kind][]json.RawMessage{}}
	for _, c := range d.Changes {
		s.Rows[c.Kind] = append(s.Rows[c.Kind], c.Row)
	}
	return s, err
}
