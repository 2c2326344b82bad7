package deliver_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tandem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var notice = tandem.Notice{
	ID: "0190f3c2-0000-7000-8000-000000000001", UserID: "ann", ReminderID: "0190f3c2-1111-7000-8000-000000000002", Generation: 1,
	TaskUID: "0190f3c2-2222-7000-8000-000000000003", Number: 5, Title: "Pay rent — ünïcode\u202e", FiredAt: time.Date(2031, 5, 1, 10, 0, 0, 0, time.UTC),
	Due: &tandem.Due{Date: "2031-05-02", Time: "09:00", TimeZone: "Europe/Berlin"},
}

// outside is a server that people's addresses lead to.
func outside(t *testing.T, h http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s, pool
}

// judged gives the verdict of an attempt that failed.
func judged(t *testing.T, err error) tandem.DeliveryError {
	t.Helper()
	e, ok := errors.AsType[*tandem.DeliveryError](err)
	if !ok {
		t.Fatalf("%v is no verdict", err)
	}
	return *e
}

// mailServer speaks as much SMTP as a mail needs.
type mailServer struct {
	t      *testing.T
	addr   string
	answer func(verb, line string) string // instead of the usual answer; empty: the usual

	mu    sync.Mutex
	mails []string
	lines []string
}

// serveMail starts a server. direct: TLS from the start; else STARTTLS is offered where a certificate is given.
func serveMail(t *testing.T, cert *tls.Certificate, direct bool) *mailServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{t: t, addr: listener.Addr().String(), answer: func(string, string) string { return "" }}
	var lines sync.WaitGroup
	lines.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			lines.Go(func() { s.serve(conn, cert, direct) })
		}
	})
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		lines.Wait()
	})
	return s
}

func (s *mailServer) serve(conn net.Conn, cert *tls.Certificate, direct bool) {
	defer func() { conn.Close() }()
	secured := false
	if direct {
		conn, secured = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*cert}}), true //nolint:gosec // the default version
	}
	in := bufio.NewScanner(conn)
	say := func(text string) { fmt.Fprint(conn, text+"\r\n") }
	say("220 mail.example.com")
	for in.Scan() {
		line := in.Text()
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
		if other := s.answer(verb, line); other != "" {
			say(other)
			continue
		}
		switch verb {
		case "EHLO":
			say("250-mail.example.com")
			if cert != nil && !secured {
				say("250-STARTTLS")
			}
			say("250-AUTH PLAIN LOGIN")
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			conn, secured = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*cert}}), true //nolint:gosec // the default version
			in = bufio.NewScanner(conn)
		case "AUTH":
			say("235 welcome")
		case "DATA":
			say("354 go on")
			say(s.take(in))
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// take reads a mail to its end.
func (s *mailServer) take(in *bufio.Scanner) (answer string) {
	var text []string
	for in.Scan() && in.Text() != "." {
		text = append(text, in.Text())
	}
	if other := s.answer("END", ""); other != "" {
		return other
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, strings.Join(text, "\n"))
	return "250 taken"
}

func (s *mailServer) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.mails...)
}

func (s *mailServer) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// certificate gives one for 127.0.0.1 with the pool that trusts it.
func certificate(t *testing.T) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	s, pool := outside(t, nil)
	return &s.TLS.Certificates[0], pool
}

func unbase64(t *testing.T, text string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("%q is not base64url: %v", text, err)
	}
	return data
}
