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
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"signalbox"
)

// sendWithin is how long one message may take, from the connection to the server's last word.
const sendWithin = 15 * time.Second

// maxConversations is how many messages are handed over at the same time: what mail servers take from one client by default (Postfix's limit is 50, many a
// provider's 10) leaves room for other programs beside it.
const maxConversations = 8

// Mailer sends messages. The zero value sends nothing: make one with New.
type Mailer struct {
	from     string
	host     string
	implicit bool // TLS from the first byte
	options  []gomail.Option
	turns    chan struct{} // holds one for each conversation that goes on
	dialBy   Dial          // nil: the library dials itself
}

// Dial connects to the mail server.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// DialBy has the mail server connected to by dial, before the first message: then a message that is given up ends its conversation wherever it has come.
func (m *Mailer) DialBy(dial Dial) { m.dialBy = dial }

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
	m := &Mailer{from: from.String(), host: u.Hostname(), implicit: implicit, turns: make(chan struct{}, maxConversations)}
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
	err := m.hand(ctx, &letter{to: l.To, subject: l.Subject, body: l.Body, at: l.CreatedAt, id: strconv.FormatInt(int64(l.ID), 36)})
	var refused *Refusal
	if errors.As(err, &refused) && refused.Code >= 500 {
		return &permanent{err}
	}
	return err
}

// Mail hands one message to the server, as Send does. Its Message-ID is made of the key: a message that is handed over again, because nobody knows whether it was
// taken, has the same one, by which mail programs and people know it. A server that did not take it is a *Refusal.
func (m *Mailer) Mail(ctx context.Context, to, subject, text, key string) error {
	return m.hand(ctx, &letter{to: to, subject: subject, body: text, at: time.Now(), id: idOf(key)})
}

// idOf makes the left side of a Message-ID of a key: a dot-atom (RFC 5322, section 3.2.3), which a run's key is but for its slash.
func idOf(key string) string {
	words := strings.FieldsFunc(key, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	return strings.Join(words, ".")
}

// letter is one message.
type letter struct {
	to, subject, body string
	at                time.Time
	id                string // the left side of the Message-ID
}

func (m *Mailer) hand(ctx context.Context, l *letter) error {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(m.from); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	if err := msg.To(l.to); err != nil {
		return &permanent{fmt.Errorf("to %q: %w", l.to, err)}
	}
	msg.Subject(strings.Join(strings.FieldsFunc(l.subject, func(r rune) bool { return r < ' ' || r == 0x7f }), " "))
	msg.SetDateWithValue(l.at)
	msg.SetMessageIDWithValue(l.id + "@" + m.host)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answer comes back by itself
	msg.SetBodyString(gomail.TypeTextPlain, l.body)
	select {
	case m.turns <- struct{}{}:
		defer func() { <-m.turns }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	options := m.options[:len(m.options):len(m.options)]
	if m.dialBy != nil && !m.implicit { // with TLS from the first byte the library must dial itself, or it takes the connection for an open one; sendWithin bounds it then
		d := &dialer{ctx: ctx, by: m.dialBy}
		defer d.close()
		options = append(options, gomail.WithDialContextFunc(d.dial))
	}
	client, err := gomail.NewClient(m.host, options...)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() { // what goes wrong behind the server's yes does not take it back
		return nil
	}
	return refusal(err)
}

// dialer connects for one message: the end of its context ends the conversation, wherever it has come.
type dialer struct {
	ctx  context.Context
	by   Dial
	conn net.Conn
	stop func() bool
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.by(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.conn, d.stop = conn, context.AfterFunc(d.ctx, func() { _ = conn.Close() })
	return conn, nil
}

// close also ends a connection that the conversation gave up.
func (d *dialer) close() {
	if d.conn != nil {
		d.stop()
		_ = d.conn.Close()
	}
}

// Refusal is the reply of a server that did not take a message.
type Refusal struct {
	Code int    // 400 to 499: it may take it later; 500 to 599: it never will (RFC 5321, section 4.2.1)
	Said string // its line, with the code: "550 5.1.1 no such user"
	err  error
}

// Error says what was refused.
func (r *Refusal) Error() string { return r.err.Error() }

// Unwrap gives the error beneath.
func (r *Refusal) Unwrap() error { return r.err }

// SMTP is the code and the line.
func (r *Refusal) SMTP() (code int, said string) { return r.Code, r.Said }

// refusal makes a *Refusal of a reply about the message. What a server says before it is told of one (its greeting, that a sign-in is wrong) is about whoever
// runs the program, and stays what it is, unless it says that it is about the moment.
func refusal(err error) error {
	var sent *gomail.SendError
	if errors.As(err, &sent) && sent.ErrorCode() >= 400 {
		return &Refusal{Code: sent.ErrorCode(), Said: lineIn(sent), err: err}
	}
	var reply *textproto.Error
	if errors.As(err, &reply) && reply.Code/100 == 4 {
		return &Refusal{Code: reply.Code, Said: strconv.Itoa(reply.Code) + " " + reply.Msg, err: err}
	}
	return err
}

// lineIn is the server's line in an error of the library, which has it between the step and the recipients, quoted as textproto does.
func lineIn(sent *gomail.SendError) string {
	code := strconv.Itoa(sent.ErrorCode())
	_, line, _ := strings.Cut(sent.Error(), code+" ")
	if quoted, err := strconv.QuotedPrefix(line); err == nil {
		if line, err = strconv.Unquote(quoted); err == nil {
			return code + " " + line
		}
	}
	line, _, _ = strings.Cut(line, ", affected ")
	return code + " " + line
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
