package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"

	"signalbox"
	"signalbox/egress"
	"signalbox/retry"
	"signalbox/seal"
	"signalbox/sign"
)

// What an automation sends says itself where it goes; the webhook that it goes through gives the secret, the lane and the schedule.

// HeaderKey carries the idempotency key of an automation's webhook action: the same at every attempt, as webhook-id is.
const HeaderKey = "Idempotency-Key"

// action makes the request of an automation's action that is sent by HTTP.
func (t *target) action(s *Sender, q *signalbox.Request, in sign.Input) (egress.Request, http.Header, error) {
	u, err := url.Parse(q.URL)
	if err != nil {
		return egress.Request{}, nil, errors.New("the action's url cannot be read")
	}
	switch q.Type {
	case signalbox.ActSlack: // it verifies nothing: the address is the secret
		h := http.Header{sign.HeaderContentType: {"application/json"}, sign.HeaderUserAgent: {in.UserAgent}}
		return egress.Request{Method: http.MethodPost, URL: u, Header: h, Body: in.Body}, nil, nil
	case signalbox.ActWebhook:
	default:
		return egress.Request{}, nil, fmt.Errorf("an action of the type %s is not sent", q.Type)
	}
	if err := t.prepare(s.cfg.Box); err != nil {
		return egress.Request{}, nil, err
	}
	custom, err := openEach(s.cfg.Box, t.webhook, q.Headers)
	if err != nil {
		return egress.Request{}, nil, err
	}
	req := egress.Request{Method: q.Method, URL: u}
	if q.Key != "" {
		req.Header = http.Header{HeaderKey: {q.Key}}
	}
	in.Format, in.SignatureFormat = sign.FormatAction, sign.SignaturePrefixed
	return t.signed(req, custom, in)
}

// openEach opens the values of an action's custom headers, each sealed by itself.
func openEach(box Opener, wh *signalbox.Webhook, list []signalbox.Header) (http.Header, error) {
	if len(list) == 0 {
		return nil, nil
	}
	custom := make(http.Header, len(list))
	for _, h := range list {
		value, err := box.Open(bind(wh, HeadersKind), h.Sealed)
		switch {
		case len(h.Sealed) == 0 || errors.Is(err, seal.ErrMalformed):
			return nil, fmt.Errorf("the action's header %q has no value any more: set it again", h.Name)
		case err != nil:
			return nil, fmt.Errorf("the action's header %q cannot be opened: %w", h.Name, err)
		}
		custom.Set(h.Name, string(value))
	}
	return custom, nil
}

// mailTaken is the reply by which a mail server takes a message (RFC 5321, section 4.2.3).
const mailTaken = 250

// mail hands an e-mail to the mail server.
func (s *Sender) mail(life context.Context, it *item) exchange {
	if s.cfg.Mail == nil {
		return exchange{outcome: retry.Outcome{
			Peer: retry.MailServer, Skip: signalbox.ReasonNoMail, Detail: "no mail server is named: start the server with --smtp-url",
		}}
	}
	q := it.Request
	err := s.cfg.Mail.Mail(life, q.To, q.Subject, string(it.Body), q.Key)
	x := exchange{sent: http.Header{"To": {q.To}, "Subject": {q.Subject}}, outcome: mailOutcome(life, err)}
	x.result.Status, x.result.Body = x.outcome.Status, []byte(x.outcome.Said)
	if x.outcome.Failure != "" { // what is told of it holds no address of the server: that is the operator's
		s.cfg.Log.Warn("delivery.mail", "delivery_id", s.cfg.Codec.Format(signalbox.KindDelivery, int64(it.Delivery.ID)), "err", err)
	}
	return x
}

// mailOutcome puts what came of handing over a message into what retry judges, the certain causes first.
func mailOutcome(life context.Context, err error) retry.Outcome {
	o := retry.Outcome{Peer: retry.MailServer}
	var reply Reply
	var name *net.DNSError
	var dial *net.OpError
	switch {
	case err == nil:
		o.Status = mailTaken
	case errors.As(err, &reply):
		o.Status, o.Said = reply.SMTP()
	case life.Err() != nil:
		o.Cut = true // only our own stop ends a conversation
	case errors.As(err, &name):
		o.Failure, o.Detail = retry.DNS, "the mail server's name could not be resolved"
	case timedOut(err):
		o.Failure, o.Detail = retry.Timeout, "the mail server did not take the message in time"
	case errors.As(err, &dial) && dial.Op == "dial":
		o.Failure, o.Detail = retry.Connect, "no connection to the mail server could be made"
	case notTrusted(err):
		o.Failure, o.Detail = retry.TLS, "the mail server's certificate is not trusted, or it does not speak TLS"
	default:
		o.Failure, o.Detail = retry.ProtocolError, "the mail server took no message: whoever runs this server finds what it said in the log"
	}
	return o
}

func timedOut(err error) bool {
	var slow net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &slow) && slow.Timeout()
}

func notTrusted(err error) bool {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var plain tls.RecordHeaderError
	return errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &plain)
}
