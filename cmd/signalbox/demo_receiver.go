package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"time"

	"signalbox/sign"
)

// receiver is the program on the other end: it takes webhooks and believes none before it has verified the signatures.
type receiver struct {
	url      string
	listener net.Listener
	server   *http.Server
	arrivals chan arrival
	closing  chan struct{}
	done     chan struct{}
}

// arrival is one webhook that came in.
type arrival struct {
	at     time.Time
	err    error // why it was not believed
	signal arrived
}

// arrived is what the receiver reads of an event.
type arrived struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Account *struct {
		Domain string `json:"domain"`
		Name   string `json:"name"`
	} `json:"account"`
	Contact *struct {
		Email string `json:"email"`
		Name  string `json:"name"`
	} `json:"contact"`
}

// startReceiver takes a free port. It answers once serve has the secret.
func startReceiver() (*receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &receiver{
		url: "http://" + l.Addr().String() + "/webhooks", listener: l,
		arrivals: make(chan arrival), closing: make(chan struct{}), done: make(chan struct{}),
	}, nil
}

// serve answers deliveries until close.
func (r *receiver) serve(secret string) {
	r.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 2<<20))
		if err != nil {
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		}
		a := arrival{at: time.Now(), err: believe(req.Header, body, sign.Secret(secret))}
		if a.err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		} else {
			a.signal, a.err = readEvent(body)
		}
		select {
		case r.arrivals <- a:
		case <-r.closing:
		}
	})}
	go func() {
		defer close(r.done)
		_ = r.server.Serve(r.listener) // ends by close
	}()
}

// believe verifies both signatures that a delivery of the format stairoids carries.
func believe(h http.Header, body []byte, secret sign.Secret) error {
	for _, scheme := range []sign.Scheme{sign.Stairoids, sign.Standard} {
		if err := sign.Verify(scheme, h, body, []sign.Secret{secret}, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

func readEvent(body []byte) (arrived, error) {
	var event struct {
		Data struct {
			Signal arrived `json:"signal"`
		} `json:"data"`
	}
	err := json.Unmarshal(body, &event)
	return event.Data.Signal, err
}

// close stops answering and waits until nothing is answered any more.
func (r *receiver) close() {
	close(r.closing)
	if r.server == nil {
		_ = r.listener.Close() // nothing was served
		return
	}
	_ = r.server.Close() // the demo is over: nobody is left to tell
	<-r.done
}
