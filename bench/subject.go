package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
)

// The names of what is compared.
const (
	nameTandem     = "tandem"        // the hub, its signals carried by Redis
	nameAlone      = "tandem-single" // the hub in one process, without Redis
	nameCentrifuge = "centrifuge"    // Centrifuge with its Redis broker
	nameLoop       = "loop"          // sockets that are written to in a loop, and nothing else
)

// subject is a server of one kind. A user's sockets get every edit of that user.
type subject struct {
	serve   func(w http.ResponseWriter, r *http.Request, user string) // lives one socket
	publish func(user string, n int64, row []byte) error              // the n-th edit of a user, from 1; one at a time for each user
}

// open starts a subject; it lives as long as ctx.
func open(ctx context.Context, name, redis string) (subject, error) {
	switch name {
	case nameTandem:
		return openTandem(ctx, redis)
	case nameAlone:
		return openTandem(ctx, "")
	case nameCentrifuge:
		return openCentrifuge(ctx, redis)
	case nameLoop:
		return openLoop(), nil
	default:
		return subject{}, fmt.Errorf("there is no subject %q", name)
	}
}

// rowsOfUser is how many tasks the edits of one user go round.
const rowsOfUser = 50

func rowID(n int64) string { return fmt.Sprintf("00000000-0000-7000-8000-%012d", n%rowsOfUser) }

// row is a task of the usual size as its n-th edit left it at a time in nanoseconds.
func row(n, at int64) []byte {
	b := make([]byte, 0, 512)
	b = append(b, `{"uid":"`...)
	b = append(b, rowID(n)...)
	b = append(b, `","id":`...)
	b = strconv.AppendInt(b, n%rowsOfUser, 10)
	b = append(b, `,"title":"Call the dentist about the appointment, edit `...)
	b = strconv.AppendInt(b, n, 10)
	b = append(b, `","description":"Ask for a morning, and whether the X-ray of last year will do.","completed":false,`...)
	b = append(b, `"priority":"high","tags":["health","phone"],"due":"2026-03-02T09:00:00Z","recurrence":null,"version":`...)
	b = strconv.AppendInt(b, n, 10)
	b = append(b, `,"created_at":"2026-02-26T17:04:05Z","updated_at":"2026-02-26T18:30:00Z","at":`...)
	b = strconv.AppendInt(b, at, 10)
	return append(b, '}')
}
