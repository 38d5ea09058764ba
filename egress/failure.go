package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Kind is what sort of failure it was, for judgement, logs and metrics.
type Kind string

const (
	Refused        Kind = "refused"         // the guard refused the target; nothing was sent
	DNS            Kind = "dns"             // the name has no address
	Connect        Kind = "connect"         // no TCP connection, or the proxy could not make one
	TLS            Kind = "tls"             // the handshake failed
	Timeout        Kind = "timeout"         // one of the two clocks ran out
	ConnectionLost Kind = "connection_lost" // the connection ended before the answer did
	ProtocolError  Kind = "protocol_error"  // the answer is not HTTP, or beyond its bounds
	Cancelled      Kind = "cancelled"       // the caller's own context ended: not the receiver's doing
)

// Failure is why there is no complete answer.
type Failure struct {
	Kind Kind
	// Msg is fixed wording, safe to show to anyone.
	Msg string
}

// Error is the kind and the message.
func (f *Failure) Error() string { return string(f.Kind) + ": " + f.Msg }

// The wordings that do not depend on the case.
var (
	errDNS            = Failure{DNS, "the host name could not be resolved"}
	errConnect        = Failure{Connect, "no connection could be made"}
	errConnectTimeout = Failure{Timeout, "no connection was made in time"}
	errProxy          = Failure{Connect, "the egress proxy could not connect to the target"}
	errTLS            = Failure{TLS, "the TLS handshake failed"}
	errSendTimeout    = Failure{Timeout, "no complete answer came in time"}
	errLost           = Failure{ConnectionLost, "the connection ended before the answer was complete"}
	errProtocol       = Failure{ProtocolError, "the answer is not valid HTTP or exceeds the limits"}
	errRequest        = Failure{ProtocolError, "the request is not valid HTTP"}
	errCancelled      = Failure{Cancelled, "the request was cancelled by the sender"}
)

func refusedFailure(r *Refusal) *Failure { return &Failure{Refused, "target refused: " + r.Error()} }

// connectFailure judges an error of DNS, connect or the proxy's CONNECT.
func connectFailure(err error, otherwise Failure) *Failure {
	var failure *Failure
	var refusal *Refusal
	switch {
	case errors.As(err, &failure):
		return failure
	case errors.As(err, &refusal):
		return refusedFailure(refusal)
	case timedOut(err):
		otherwise = errConnectTimeout
	case errors.Is(err, context.Canceled):
		otherwise = errCancelled
	}
	return &otherwise
}

// tlsFailure judges an error of the handshake; what is wrong with a
// certificate is told, because its owner can mend it.
func tlsFailure(err error) *Failure {
	f := errTLS
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var header tls.RecordHeaderError
	switch {
	case timedOut(err):
		f = errSendTimeout
	case errors.Is(err, context.Canceled):
		f = errCancelled
	case errors.As(err, &authority):
		f.Msg = "the certificate is signed by an unknown authority (the server's --target-ca adds one)"
	case errors.As(err, &host):
		f.Msg = "the certificate is for another host name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		f.Msg = "the certificate has expired or is not valid yet"
	case errors.As(err, &invalid):
		f.Msg = "the certificate is not valid"
	case errors.As(err, &header):
		f.Msg = "the target does not speak TLS on this port"
	}
	return &f
}

func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &n) && n.Timeout()
}

// connectionEnded reports whether the error is the end of the connection rather
// than of our patience with what came over it.
func connectionEnded(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
