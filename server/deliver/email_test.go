package deliver_test

import (
	"context"
	"encoding/base64"
	"io"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"

	"tandem"
	"tandem/server/deliver"
)

var toAnn = tandem.Target{Medium: tandem.MediumEmail, Address: "ann@example.com"}

func newEmail(t *testing.T, o deliver.EmailOptions) *deliver.Email {
	t.Helper()
	if o.From == "" {
		o.From = "Tandem <reminders@example.com>"
	}
	o.PublicURL = "https://todo.example.com"
	e, err := deliver.NewEmail(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEmail_SaysWhatIsDue(t *testing.T) {
	cert, pool := certificate(t)
	for name, direct := range map[string]bool{"smtps": true, "smtp": false} {
		t.Run(name, func(t *testing.T) {
			s := serveMail(t, cert, direct)
			e := newEmail(t, deliver.EmailOptions{URL: name + "://user:canary-secret@" + s.addr, RootCAs: pool})
			for range 2 { // the second attempt is of a courier that did not hear of the first
				if err := e.Send(t.Context(), notice, toAnn); err != nil {
					t.Fatal(err)
				}
			}
			mails := s.taken()
			if len(mails) != 2 {
				t.Fatalf("%d mails arrived", len(mails))
			}
			m, err := mail.ReadMessage(strings.NewReader(strings.ReplaceAll(mails[1], "\n", "\r\n")))
			if err != nil {
				t.Fatalf("%v in\n%s", err, mails[1])
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			if err != nil || subject != "Reminder: "+notice.Title {
				t.Errorf("subject %q, err %v", subject, err)
			}
			for key, want := range map[string]string{
				"Message-Id": "<" + notice.ID + "@example.com>", "From": `"Tandem" <reminders@example.com>`, "To": "<ann@example.com>", "Auto-Submitted": "auto-generated",
			} {
				if got := m.Header.Get(key); got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
			body, err := io.ReadAll(m.Body)
			if err != nil || !strings.Contains(string(body), "Due Friday, 2 May 2031 at 09:00 (Europe/Berlin)") || !strings.Contains(string(body), "https://todo.example.com") {
				t.Errorf("body, err %v:\n%s", err, body)
			}
			login := base64.StdEncoding.EncodeToString([]byte("\x00user\x00canary-secret"))
			if said := s.said(); !strings.Contains(said, "AUTH PLAIN "+login) || !strings.Contains(said, "RCPT TO:<ann@example.com>") {
				t.Errorf("the server heard\n%s", said)
			}
		})
	}
}

func TestEmail_KnowsWhatAnotherAttemptIsWorth(t *testing.T) {
	cert, pool := certificate(t)
	for name, c := range map[string]struct {
		verb, answer string
		sent, final  bool
	}{
		"the mailbox does not exist":        {"RCPT", "550 no such user", false, true},
		"the mailbox is busy":               {"RCPT", "450 later", false, false},
		"greylisting":                       {"END", "451 later", false, false},
		"the content is refused":            {"END", "554 spam", false, true},
		"the password is refused":           {"AUTH", "535 who are you", false, false},
		"the sender is refused":             {"MAIL", "550 not you", false, false},
		"the server breaks down afterwards": {"RSET", "421 good night", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveMail(t, cert, true)
			s.answer = func(verb, _ string) string {
				if verb == c.verb {
					return c.answer
				}
				return ""
			}
			err := newEmail(t, deliver.EmailOptions{URL: "smtps://user:canary-secret@" + s.addr, RootCAs: pool}).Send(t.Context(), notice, toAnn)
			if c.sent != (err == nil) {
				t.Fatalf("the attempt says %v", err)
			}
			if c.sent {
				return
			}
			if e := judged(t, err); e.Final != c.final || e.Gone || strings.Contains(err.Error(), "canary-secret") {
				t.Errorf("verdict %+v: %v", e, err)
			}
		})
	}
}

func TestEmail_NoSecretWithoutTLS(t *testing.T) {
	s := serveMail(t, nil, false)
	e := newEmail(t, deliver.EmailOptions{URL: "smtp://user:canary-secret@" + s.addr + "?tls=on"})
	if err := e.Send(t.Context(), notice, toAnn); err == nil {
		t.Error("a mail went over an open line")
	}
	if said := s.said(); strings.Contains(said, "AUTH") || strings.Contains(said, "MAIL") {
		t.Errorf("the server heard\n%s", said)
	}
	if err := newEmail(t, deliver.EmailOptions{URL: "smtp://" + s.addr}).Send(t.Context(), notice, toAnn); err != nil {
		t.Errorf("a mail server on this machine: %v", err)
	}
	if err := newEmail(t, deliver.EmailOptions{URL: "smtp://" + s.addr + "?tls=off"}).Send(t.Context(), notice, toAnn); err != nil {
		t.Errorf("a mail server without TLS: %v", err)
	}
}

func TestEmail_ASilentServerIsLeft(t *testing.T) {
	s := serveMail(t, nil, false)
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	s.answer = func(verb, _ string) string {
		if verb == "DATA" {
			cancel()
			<-release
		}
		return ""
	}
	defer close(release)
	start := time.Now()
	err := newEmail(t, deliver.EmailOptions{URL: "smtp://" + s.addr}).Send(ctx, notice, toAnn)
	if e := judged(t, err); e.Final || time.Since(start) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}

func TestEmail_AStrangeAddressIsNoHeader(t *testing.T) {
	s := serveMail(t, nil, false)
	e := newEmail(t, deliver.EmailOptions{URL: "smtp://" + s.addr})
	for _, address := range []string{"", "ann", "ann@example.com\r\nBcc: bob@example.com", "<ann@example.com>, <bob@example.com>"} {
		if err := e.Send(t.Context(), notice, tandem.Target{Address: address}); err == nil || !judged(t, err).Final {
			t.Errorf("%q: %v", address, err)
		}
	}
	strange := notice
	strange.Title = "x\r\nBcc: bob@example.com\r\n\r\n.\r\nMAIL FROM:<x>"
	if err := e.Send(t.Context(), strange, toAnn); err != nil {
		t.Fatal(err)
	}
	mails := s.taken()
	if len(mails) != 1 || strings.Contains(strings.Split(mails[0], "\n\n")[0], "\nBcc:") {
		t.Errorf("%d mails arrived:\n%s", len(mails), mails)
	}
}

func TestNewEmail_RefusesWhatIsNoServer(t *testing.T) {
	for _, o := range []deliver.EmailOptions{
		{URL: "", From: "a@example.com"},
		{URL: "https://example.com", From: "a@example.com"},
		{URL: "smtp://", From: "a@example.com"},
		{URL: "smtps://user:canary-secret@example.com:port", From: "a@example.com"},
		{URL: "smtps://example.com", From: ""},
		{URL: "smtps://example.com", From: "nobody"},
	} {
		if _, err := deliver.NewEmail(o); err == nil || strings.Contains(err.Error(), "canary-secret") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
