package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// order is a command to a child.
type order struct {
	Do  string `json:"do"`
	Arg string `json:"arg,omitempty"`
}

// done is the reply to an order that has nothing to tell.
type done struct {
	Error string `json:"error,omitempty"`
}

func (d done) err() error {
	if d.Error == "" {
		return nil
	}
	return errors.New(d.Error)
}

func doneWith(err error) done {
	if err == nil {
		return done{}
	}
	return done{err.Error()}
}

// Role runs a child's part: in and out are its standard input and output. It returns when in ends or ctx does.
func Role(ctx context.Context, role string, in io.Reader, out io.Writer, errOut io.Writer) error {
	p := &parent{in: json.NewDecoder(in), out: json.NewEncoder(out)}
	switch role {
	case roleServer:
		return runServer(ctx, p, errOut)
	case roleBare:
		return runBare(ctx, p)
	case roleReceiver:
		return runReceiver(ctx, p)
	}
	return fmt.Errorf("there is no role %q", role)
}

// parent is the process that started this one, as a child sees it.
type parent struct {
	in  *json.Decoder
	out *json.Encoder
}

// orders does what the parent says until its end of the pipe closes.
func (p *parent) orders(do func(order) any) error {
	for {
		var o order
		if err := p.in.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := p.out.Encode(do(o)); err != nil {
			return err
		}
	}
}

// listening is what a child that serves says when it is ready.
type listening struct {
	Addr string `json:"addr"`
}

// serve runs a handler on a loopback port of the system's choice, and at the same port of more addresses, until the parent has gone.
func serve(ctx context.Context, p *parent, h http.Handler, do func(order) any, more ...string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	if r, ok := h.(*receiver); ok {
		server.ConnState = r.accepted
	}
	listeners := []net.Listener{l}
	for _, host := range more {
		other, err := net.Listen("tcp", fmt.Sprintf("%s:%d", host, l.Addr().(*net.TCPAddr).Port))
		if err != nil {
			return err
		}
		listeners = append(listeners, other)
	}
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- server.Serve(l) }()
	}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := p.out.Encode(listening{l.Addr().String()}); err != nil {
		return err
	}
	err = p.orders(do)
	if err := errors.Join(err, server.Close()); err != nil {
		return err
	}
	for range listeners {
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
	}
	return nil
}
