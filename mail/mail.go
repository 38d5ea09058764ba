// Package mail sends plain messages through one SMTP server, which whoever runs the program names.
//
// It refuses to know why anything is written, and to send anywhere else: the server's address is the operator's, so the guard of outgoing
// webhooks does not stand before it.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"signalbox"
)

// sendWithin is how long one message may take, from the connection to the server's last word.
const sendWithin = 15 * time.Second

// Mailer sends messages. The zero value sends nothing: make one with New.
type Mailer struct {
	from    string
	host    string
	options []gomail.Option
}

// New reads where mails are sent: smtp://user:password@host:587?from=signalbox@example.com, or smtps:// for TLS from the first byte (port 465). With
// smtp:// the connection is upgraded by STARTTLS, which the server must offer unless ?tls=none says otherwise. from is required: the sender
// of every mail. Passwords may be percent-encoded. The errors say what would be right and hold no password.
func New(raw string) (*Mailer, error) {
	u, err := url.Parse(raw)
	if err != nil { // the error of url.Parse holds the whole text
		return nil, errors.New("the SMTP URL cannot be read: it looks like smtp://user:password@mail.example.com:587?from=signalbox@example.com")
	}
	implicit := u.Scheme == "smtps"
	if !implicit && u.Scheme != "smtp" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("the SMTP URL must be smtp:// or smtps:// with a host: smtp://user:password@mail.example.com:587?from=signalbox@example.com")
	}
	query := u.Query()
	for name := range query {
		if name != "from" && name != "tls" {
			return nil, fmt.Errorf("the SMTP URL has the parameter %q; known are from and tls", name)
		}
	}
	from, err := mail.ParseAddress(query.Get("from"))
	if err != nil {
		return nil, errors.New("the SMTP URL must say who writes: ?from=signalbox@example.com")
	}
	m := &Mailer{from: from.String(), host: u.Hostname()}
	port := 587
	if implicit {
		port = 465
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return nil, fmt.Errorf("the SMTP URL has the port %q; it must be from 1 to 65535", u.Port())
		}
	}
	policy := gomail.TLSMandatory
	switch word := query.Get("tls"); {
	case word == "none" && !implicit:
		policy = gomail.NoTLS
	case word != "" && word != "required":
		return nil, fmt.Errorf("the SMTP URL says tls=%q; known are required and, for smtp://, none", word)
	}
	m.options = []gomail.Option{
		gomail.WithPort(port), gomail.WithTimeout(sendWithin), gomail.WithTLSPolicy(policy),
		gomail.WithTLSConfig(&tls.Config{ServerName: m.host, MinVersion: tls.VersionTLS12}), gomail.WithoutNoop(),
	}
	if implicit {
		m.options = append(m.options, gomail.WithSSL())
	}
	if u.User != nil {
		password, _ := u.User.Password()
		auth := gomail.SMTPAuthAutoDiscover
		if policy == gomail.NoTLS {
			auth = gomail.SMTPAuthPlainNoEnc
		}
		m.options = append(m.options, gomail.WithSMTPAuth(auth), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return m, nil
}

// Send hands one message to the server: it has taken it when there is no error. Permanent says of an error that another try cannot go better.
func (m *Mailer) Send(ctx context.Context, l signalbox.Mail) error {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(m.from); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	if err := msg.To(l.To); err != nil {
		return &permanent{fmt.Errorf("to %q: %w", l.To, err)}
	}
	msg.Subject(strings.Join(strings.FieldsFunc(l.Subject, func(r rune) bool { return r < ' ' || r == 0x7f }), " "))
	msg.SetDateWithValue(l.CreatedAt)
	msg.SetMessageIDWithValue(strconv.FormatInt(int64(l.ID), 36) + "@" + m.host)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answer comes back by itself
	msg.SetBodyString(gomail.TypeTextPlain, l.Body)
	client, err := gomail.NewClient(m.host, m.options...)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	err = client.DialAndSendWithContext(ctx, msg)
	var refused *gomail.SendError
	if errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 500 {
		return &permanent{err}
	}
	return err
}

// Address is where mails go, for the log: no password.
func (m *Mailer) Address() string { return net.JoinHostPort(m.host, "smtp") }

var errNoServer = errors.New("no mail server is named: start with --smtp-url")

// permanent is an error that another try cannot mend.
type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

// Permanent says whether another try cannot go better.
func Permanent(err error) bool {
	var p *permanent
	return errors.As(err, &p)
}

// Redact is an SMTP URL that may be shown: its password is hidden, and so is all of what cannot be read.
func Redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "[hidden]"
	}
	return u.Redacted()
}
