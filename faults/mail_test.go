package faults

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/sync/client"
)

// postOffice is a mail server that first refuses some mails for now.
type postOffice struct {
	addr string

	mu      sync.Mutex
	refuse  int
	refused chan struct{}
	mails   chan string
}

func newPostOffice(t *testing.T, refuse int) *postOffice {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{addr: ln.Addr().String(), refuse: refuse, refused: make(chan struct{}, 10), mails: make(chan string, 10)}
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
	t.Cleanup(func() {
		_ = ln.Close()
		lines.Wait()
	})
	return p
}

func (p *postOffice) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewScanner(conn)
	fmt.Fprint(conn, "220 mail\r\n")
	for in.Scan() {
		switch line := in.Text(); {
		case strings.HasPrefix(line, "RCPT") && p.busy():
			fmt.Fprint(conn, "450 later\r\n")
			p.refused <- struct{}{}
		case line == "DATA":
			fmt.Fprint(conn, "354 go on\r\n")
			var mail []string
			for in.Scan() && in.Text() != "." {
				mail = append(mail, in.Text())
			}
			fmt.Fprint(conn, "250 taken\r\n")
			p.mails <- strings.Join(mail, "\n")
		case line == "QUIT":
			return
		default:
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}

// busy reports that a mail is to be refused.
func (p *postOffice) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse--
	return p.refuse >= 0
}

func (p *postOffice) next(t *testing.T, limit time.Duration) string {
	t.Helper()
	select {
	case mail := <-p.mails:
		return mail
	case <-time.After(limit):
		t.Fatalf("no mail within %s", limit)
		return ""
	}
}

// TestReminder_IsMailedOverADeath refuses the first mail and kills the server before it can try again.
func TestReminder_IsMailedOverADeath(t *testing.T) {
	post := newPostOffice(t, 1)
	s := newServer(t)
	s.env = []string{"TANDEM_SMTP_URL=smtp://" + post.addr, "TANDEM_MAIL_FROM=Tandem <reminders@example.com>"}
	s.start()
	d := s.device("ann")
	set(t, d, map[string]any{"channels": map[string]any{"email": map[string]any{"address": "ann@example.com"}}})
	remindIn(t, d, "Pay rent", time.Second)
	select {
	case <-post.refused:
	case <-time.After(15 * time.Second):
		t.Fatal("no mail was tried")
	}
	s.kill()
	s.start()
	mail := post.next(t, time.Minute)
	id := "<" + noticesOf(t, d.Replica())[0].ID + "@example.com>"
	for _, want := range []string{"Subject: Reminder: Pay rent", "To: <ann@example.com>", "Message-ID: " + id} {
		if !strings.Contains(mail, want) {
			t.Errorf("the mail has no %q:\n%s", want, mail)
		}
	}
	select {
	case again := <-post.mails:
		t.Errorf("another mail:\n%s", again)
	case <-time.After(2 * time.Second):
	}
}

// TestReminder_InQuietHoursNothingLeaves holds a mail back, and sends one as soon as the quiet hours are gone.
func TestReminder_InQuietHoursNothingLeaves(t *testing.T) {
	post := newPostOffice(t, 0)
	s := newServer(t)
	s.env = []string{"TANDEM_SMTP_URL=smtp://" + post.addr, "TANDEM_MAIL_FROM=reminders@example.com"}
	s.start()
	d := s.device("ann")
	now := time.Now().UTC()
	set(t, d, map[string]any{
		"time_zone": "UTC", "channels": map[string]any{"email": map[string]any{"address": "ann@example.com"}},
		"quiet": map[string]any{"from": now.Add(-time.Hour).Format("15:04"), "to": now.Add(time.Hour).Format("15:04")},
	})
	remindIn(t, d, "Silent", 500*time.Millisecond)
	within(t, 10*time.Second, "the notice", d, func(r *client.Replica) bool { return len(noticesOf(t, r)) == 1 })
	if !noticesOf(t, d.Replica())[0].Silent {
		t.Error("the notice is not silent")
	}
	select {
	case mail := <-post.mails:
		t.Errorf("a mail in quiet hours:\n%s", mail)
	case <-time.After(3 * time.Second):
	}
	set(t, d, map[string]any{"quiet": nil})
	remindIn(t, d, "Loud", 500*time.Millisecond)
	if mail := post.next(t, 10*time.Second); !strings.Contains(mail, "Loud") {
		t.Errorf("mail:\n%s", mail)
	}
}

func set(t *testing.T, d *client.Client, patch any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := d.Set(ctx, patch); err != nil {
		t.Fatalf("set %v: %v", patch, err)
	}
}

func remindIn(t *testing.T, d *client.Client, title string, in time.Duration) {
	t.Helper()
	at := time.Now().Add(in).UTC().Format("2006-01-02T15:04:05.000Z")
	mutate(t, d, "add_task", map[string]any{"title": title, "reminders": []string{at}})
}
