package crash_test

import (
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"signalbox/sign"
)

// mood is how a receiver behaves.
type mood string

const (
	healthy mood = "healthy" // answers at once
	slow    mood = "slow"    // takes its time
	flaky   mood = "flaky"   // sometimes 500, sometimes hangs up, sometimes never answers
)

// hook is one webhook of the receiver process: its path is its place in the list.
type hook struct {
	Mood   mood        `json:"mood"`
	Secret string      `json:"secret"`
	Scheme sign.Scheme `json:"scheme"` // of the format, verified beside Standard Webhooks'
}

// receiverConfig is what a receiver process is told.
type receiverConfig struct {
	Ledger string `json:"ledger"`
	Hooks  []hook `json:"hooks"`
}

// listening is what it says when it is ready.
type listening struct {
	Addr string `json:"addr"`
}

type receiver struct {
	cfg    receiverConfig
	ledger *ledger
	calm   chan struct{} // closed when every webhook is healthy from now on
}

// isCalm says whether every webhook is healthy.
func (r *receiver) isCalm() bool {
	select {
	case <-r.calm:
		return true
	default:
		return false
	}
}

// runReceiver is the part of a receiver process: it verifies, writes down, and answers by each webhook's mood.
func runReceiver(p *parent) error {
	r := &receiver{calm: make(chan struct{})}
	if err := p.in.Decode(&r.cfg); err != nil {
		return err
	}
	var err error
	if r.ledger, err = openLedger(r.cfg.Ledger); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for i := range r.cfg.Hooks {
		mux.HandleFunc("POST /"+strconv.Itoa(i), func(w http.ResponseWriter, req *http.Request) { r.receive(i, w, req) })
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	err = p.out.Encode(listening{l.Addr().String()})
	if err == nil {
		err = p.orders(func(o order) any {
			if o.Do == "calm" && !r.isCalm() {
				close(r.calm)
			}
			return order{}
		})
	}
	err = errors.Join(err, server.Close())
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, r.ledger.close())
}

// receive takes one delivery. What it answers is on the disk before it answers.
func (r *receiver) receive(n int, w http.ResponseWriter, req *http.Request) {
	a := arrival{Hook: n, At: time.Now().UnixNano(), Event: "-", Signal: "-", Answer: forged}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender died in the middle of it: nothing arrived
	}
	h := r.cfg.Hooks[n]
	if id := req.Header.Get(sign.HeaderID); id != "" {
		a.Event = id
	}
	var event struct {
		Data struct {
			Signal struct {
				ID string `json:"id"`
			} `json:"signal"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &event) == nil && event.Data.Signal.ID != "" {
		a.Signal = event.Data.Signal.ID
	}
	if verified(h, req.Header, body) {
		a.Answer = r.answer(h.Mood)
	}
	switch a.Answer {
	case dropped:
		<-r.ledger.arrival(a)
		panic(http.ErrAbortHandler)
	case hold:
		a.Answer = dropped
		<-r.ledger.arrival(a)
		select {
		case <-req.Context().Done():
		case <-r.calm:
		}
		panic(http.ErrAbortHandler)
	case forged:
		<-r.ledger.arrival(a)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if h.Mood == slow && !r.isCalm() {
		pause(req.Context(), rand.N(80*time.Millisecond))
	}
	<-r.ledger.arrival(a)
	w.WriteHeader(a.Answer)
}

// verified checks both signatures that a delivery carries.
func verified(h hook, header http.Header, body []byte) bool {
	for _, scheme := range []sign.Scheme{sign.Standard, h.Scheme} {
		if sign.Verify(scheme, header, body, []sign.Secret{sign.Secret(h.Secret)}, time.Now()) != nil {
			return false
		}
	}
	return true
}

// hold is an answer that never comes.
const hold = -2

func (r *receiver) answer(m mood) int {
	if m != flaky || r.isCalm() {
		return http.StatusOK
	}
	switch n := rand.IntN(2000); {
	case n < 20:
		return http.StatusInternalServerError
	case n < 26:
		return dropped
	case n < 27:
		return hold
	}
	return http.StatusNoContent
}
