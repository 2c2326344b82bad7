package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	subprotocol = "tandem.sync.v1"
	epoch       = "bench"
)

// device is one socket of a user. It reads as little as it can of what it gets: the processor belongs to the server.
type device struct {
	conn   net.Conn
	in     *bufio.Reader
	opened string // how the answer to the first message begins
	seen   atomic.Int64
	buffer []byte
	times  *times
}

// times collects how long edits took.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

// take gives what was collected, and begins anew.
func (t *times) take() []time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.all
	t.all = nil
	return all
}

// first gives the message that opens a connection, and how its answer begins.
func first(name string) (message, opened string) {
	switch name {
	case nameCentrifuge:
		return `{"id":1,"connect":{}}`, `{"id":1,"connect"`
	case nameLoop:
		return "", "ready"
	default:
		client := fmt.Sprintf("00000000-0000-4000-8000-%012x", rand.Uint64()>>16)
		return `{"t":"hello","client":"` + client + `","ver":1,"epoch":"` + epoch + `","seq":0,"caps":[]}`, `{"t":"ready"`
	}
}

// dial opens a device and waits until it gets edits.
func dial(ctx context.Context, name, address, user string, t *times) (*device, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	d := &device{conn: conn, in: bufio.NewReaderSize(conn, 2048), times: t}
	if err := d.open(name, address, user); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return d, nil
}

func (d *device) open(name, address, user string) error {
	_ = d.conn.SetDeadline(time.Now().Add(30 * time.Second)) // a failure shows in the next write
	if _, err := fmt.Fprintf(d.conn, "GET /ws/%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", user, address, offer(name)); err != nil {
		return err
	}
	res, err := http.ReadResponse(d.in, nil)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the upgrade is answered with %s", res.Status)
	}
	message, opened := first(name)
	if d.opened = opened; message != "" {
		if err := d.write(opText, []byte(message)); err != nil {
			return err
		}
	}
	for {
		op, payload, err := d.frame()
		if err != nil {
			return err
		}
		if op == opText && bytes.HasPrefix(payload, []byte(opened)) {
			return d.conn.SetDeadline(time.Time{})
		}
	}
}

func offer(name string) string {
	if name == nameCentrifuge {
		return ""
	}
	return "Sec-WebSocket-Protocol: " + subprotocol + "\r\n"
}

const (
	opText = 1
	opPing = 9
	opPong = 10
)

// run takes frames until the connection ends.
func (d *device) run() error {
	for {
		op, payload, err := d.frame()
		switch {
		case errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case op == opPing:
			err = d.write(opPong, payload)
		case op == opText && string(payload) == "{}": // Centrifuge's own ping
			err = d.write(opText, payload)
		case op == opText:
			d.take(payload, time.Now().UnixNano())
		}
		if err != nil {
			return err
		}
	}
}

var (
	mark  = []byte(`,"at":`)
	delta = []byte(`{"t":"delta","from":`)
	to    = []byte(`,"to":`)
)

// take counts the edits of a message. A delta of Tandem may stand for several: those that were overtaken have no row in it.
func (d *device) take(payload []byte, now int64) {
	rows := int64(0)
	for rest := payload; ; rows++ {
		i := bytes.Index(rest, mark)
		if i < 0 {
			break
		}
		rest = rest[i+len(mark):]
		d.times.add(time.Duration(now - number(rest)))
	}
	if head, ok := bytes.CutPrefix(payload, delta); ok {
		_, tail, _ := bytes.Cut(head, to)
		rows = number(tail) - number(head) + 1
	}
	d.seen.Add(rows)
}

// number reads the digits that b begins with.
func number(b []byte) int64 {
	end := 0
	for end < len(b) && b[end] >= '0' && b[end] <= '9' {
		end++
	}
	n, _ := strconv.ParseInt(string(b[:end]), 10, 64) // these are digits
	return n
}

// frame reads one unfragmented frame; the payload is good until the next one.
func (d *device) frame() (op byte, payload []byte, err error) {
	var head [10]byte
	if _, err := io.ReadFull(d.in, head[:2]); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1] & 127)
	switch size {
	case 126:
		_, err = io.ReadFull(d.in, head[2:4])
		size = uint64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		_, err = io.ReadFull(d.in, head[2:10])
		size = binary.BigEndian.Uint64(head[2:])
	}
	switch {
	case err != nil:
		return 0, nil, err
	case head[0]&128 == 0 || size > 4<<20:
		return 0, nil, fmt.Errorf("a frame of %d bytes, or a part of one", size)
	case uint64(cap(d.buffer)) < size:
		d.buffer = make([]byte, size)
	}
	payload = d.buffer[:size]
	_, err = io.ReadFull(d.in, payload)
	return head[0] & 15, payload, err
}

// write sends a small frame under a mask of zeros, which is one as good as any here.
func (d *device) write(op byte, payload []byte) error {
	frame := []byte{128 | op, 128 | byte(len(payload))}
	if len(payload) > 125 {
		frame = binary.BigEndian.AppendUint16([]byte{128 | op, 128 | 126}, uint16(len(payload)))
	}
	frame = append(frame, 0, 0, 0, 0)
	_, err := d.conn.Write(append(frame, payload...))
	return err
}
