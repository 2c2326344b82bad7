package crash

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
)

// PostOffice is a mail server that keeps what it is given.
type PostOffice struct {
	Addr string

	mu  sync.Mutex
	ids map[string]map[string]int // how often mails came, by subject and Message-ID
}

// NewPostOffice opens one that ends with tb.
func NewPostOffice(tb testing.TB) *PostOffice {
	tb.Helper()
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &PostOffice{Addr: ln.Addr().String(), ids: map[string]map[string]int{}}
	var lines sync.WaitGroup
	lines.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			lines.Go(func() { p.serve(conn) })
		}
	})
	tb.Cleanup(func() {
		_ = ln.Close()
		lines.Wait()
	})
	return p
}

// Env are the settings with which a process sends its mail here.
func (p *PostOffice) Env() []string {
	return []string{"TANDEM_SMTP_URL=smtp://" + p.Addr, "TANDEM_MAIL_FROM=reminders@example.com"}
}

func (p *PostOffice) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewScanner(conn)
	fmt.Fprint(conn, "220 mail\r\n")
	for in.Scan() {
		switch in.Text() {
		case "DATA":
			fmt.Fprint(conn, "354 go on\r\n")
			subject, id := "", ""
			for in.Scan() && in.Text() != "." {
				if s, ok := strings.CutPrefix(in.Text(), "Subject: Reminder: "); ok {
					subject = s
				}
				if s, ok := strings.CutPrefix(in.Text(), "Message-ID: "); ok {
					id = s
				}
			}
			p.keep(subject, id)
			fmt.Fprint(conn, "250 taken\r\n")
		case "QUIT":
			return
		default:
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}

func (p *PostOffice) keep(subject, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ids[subject] == nil {
		p.ids[subject] = map[string]int{}
	}
	p.ids[subject][id]++
}

// of gives how often mails of a subject came, by Message-ID.
func (p *PostOffice) of(subject string) map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.ids[subject])
}
