package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"tandem"
)

// mailTime bounds each part of a conversation with the mail server: reaching it, signing in, and the mail.
const mailTime = 10 * time.Second

// EmailOptions of an Email.
type EmailOptions struct {
	// URL names the mail server: smtps://user:password@host (TLS from the start, port 465) or smtp://user:password@host (STARTTLS,
	// port 587). STARTTLS is required unless the host is this machine; the query tls=on or tls=off says otherwise.
	URL string
	// From is the sender, such as "Tandem <reminders@example.com>".
	From string
	// PublicURL is the page that a mail leads to.
	PublicURL string
	// RootCAs sign the certificate of the server; nil: those of the system.
	RootCAs *x509.CertPool
}

// Email sends notices by mail.
type Email struct {
	host, user, password string
	port                 int
	policy               mail.TLSPolicy
	direct               bool // TLS from the start
	tls                  *tls.Config
	from                 *netmail.Address
	page                 string
}

// NewEmail makes a channel. It does not connect.
func NewEmail(o EmailOptions) (*Email, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("the mail server must be an address such as smtps://user:password@mail.example.com")
	}
	e := &Email{
		host: u.Hostname(), user: u.User.Username(), page: o.PublicURL, port: 587, policy: mail.TLSMandatory, direct: u.Scheme == "smtps",
		tls: &tls.Config{RootCAs: o.RootCAs, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12},
	}
	e.password, _ = u.User.Password()
	if e.direct {
		e.port = 465
	}
	if text := u.Port(); text != "" {
		if e.port, err = strconv.Atoi(text); err != nil {
			return nil, fmt.Errorf("%q is not a port of a mail server", text)
		}
	}
	switch {
	case u.Query().Get("tls") == "on":
	case u.Query().Get("tls") == "off":
		e.policy = mail.NoTLS
	case e.host == "localhost" || net.ParseIP(e.host).IsLoopback():
		e.policy = mail.TLSOpportunistic
	}
	if e.from, err = netmail.ParseAddress(o.From); err != nil {
		return nil, fmt.Errorf("%q is not a sender of mail such as reminders@example.com", o.From)
	}
	return e, nil
}

// Send makes one attempt.
func (e *Email) Send(ctx context.Context, n tandem.Notice, to tandem.Target) error {
	m, err := e.compose(n, to.Address)
	if err != nil {
		return &tandem.DeliveryError{Final: true, Cause: err}
	}
	err = e.send(ctx, m)
	if err == nil || m.IsDelivered() {
		return nil // once the server took it, nothing that it says afterwards matters
	}
	failed, ok := errors.AsType[*mail.SendError](err)
	refused := ok && (failed.Reason == mail.ErrSMTPRcptTo || failed.Reason == mail.ErrSMTPDataClose) && failed.ErrorCode()/100 == 5
	return &tandem.DeliveryError{Final: refused, Cause: err}
}

func (e *Email) send(ctx context.Context, m *mail.Msg) error {
	whole, cancel := context.WithCancel(ctx)
	defer cancel()
	dial := func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		dialer := net.Dialer{Timeout: mailTime}
		if e.direct {
			conn, err = (&tls.Dialer{NetDialer: &dialer, Config: e.tls}).DialContext(ctx, network, address)
		} else {
			conn, err = dialer.DialContext(ctx, network, address)
		}
		if err == nil {
			// The library heeds a context only while it dials, and leaves the line open where signing in fails.
			context.AfterFunc(whole, func() { _ = conn.Close() })
		}
		return conn, err
	}
	options := []mail.Option{
		mail.WithPort(e.port), mail.WithTimeout(mailTime), mail.WithTLSConfig(e.tls), mail.WithTLSPolicy(e.policy), mail.WithDialContextFunc(dial),
	}
	if e.direct {
		options = append(options, mail.WithSSL())
	}
	if e.user != "" {
		options = append(options, mail.WithUsername(e.user), mail.WithPassword(e.password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	client, err := mail.NewClient(e.host, options...)
	if err != nil {
		return err
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	if err := client.SendWithSMTPClient(session, m); err != nil {
		return err
	}
	return client.CloseWithSMTPClient(session)
}

// compose writes the mail. Its Message-ID is made of the notice's id, so that a repeated one is known.
func (e *Email) compose(n tandem.Notice, to string) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	m.FromMailAddress(e.from)
	if err := m.To(to); err != nil {
		return nil, errors.New("not a mail address")
	}
	domain := e.from.Address[strings.LastIndexByte(e.from.Address, '@')+1:]
	m.SetMessageIDWithValue(n.ID + "@" + domain)
	m.SetDateWithValue(n.FiredAt)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	m.Subject("Reminder: " + n.Title)
	var text strings.Builder
	text.WriteString(n.Title + "\n")
	if n.Due != nil {
		text.WriteString("Due " + dueText(*n.Due) + "\n")
	}
	if e.page != "" {
		text.WriteString("\n" + e.page + "\n")
	}
	m.SetBodyString(mail.TypeTextPlain, text.String())
	return m, nil
}

// dueText writes a due date as the person set it: by the clock on the wall.
func dueText(d tandem.Due) string {
	text := d.Date
	if day, err := time.Parse(time.DateOnly, d.Date); err == nil {
		text = day.Format("Monday, 2 January 2006")
	}
	if d.Time != "" {
		text += " at " + d.Time
	}
	if d.TimeZone != "" {
		text += " (" + d.TimeZone + ")"
	}
	return text
}
