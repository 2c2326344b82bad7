package main

import (
	"context"
	"net/http"
	"sync"

	"github.com/coder/websocket"
)

// loops is the floor: a goroutine for each socket writes what its channel brings.
type loops struct {
	mu    sync.RWMutex
	users map[string][]chan []byte
}

func openLoop() subject {
	l := &loops{users: map[string][]chan []byte{}}
	return subject{serve: l.serve, publish: l.publish}
}

func (l *loops) serve(w http.ResponseWriter, r *http.Request, user string) {
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, Subprotocols: []string{subprotocol}, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return
	}
	defer ws.CloseNow() //nolint:errcheck // it ends with the process
	frames := make(chan []byte, 256)
	frames <- []byte("ready")
	l.mu.Lock()
	l.users[user] = append(l.users[user], frames)
	l.mu.Unlock()
	ctx := ws.CloseRead(context.WithoutCancel(r.Context()))
	for {
		select {
		case <-ctx.Done():
			return
		case frame := <-frames:
			if ws.Write(ctx, websocket.MessageText, frame) != nil {
				return
			}
		}
	}
}

func (l *loops) publish(user string, _ int64, row []byte) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, frames := range l.users[user] {
		select {
		case frames <- row:
		default: // a socket that does not keep up: the devices see what is missing
		}
	}
	return nil
}
