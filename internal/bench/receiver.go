package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"signalbox/sign"
)

// maxDelivery bounds the body of a delivery.
const maxDelivery = 1 << 20

// receiver is a webhook's far end: net/http, every signature verified, every signal counted once.
type receiver struct {
	secret atomic.Pointer[sign.Secret]

	mu     sync.Mutex
	refuse [2]int64 // the first and the last number that is never taken
	from   int64    // numbers below belong to an earlier measurement
	seen   []byte   // a bit for each number from there
	counts Received

	hosts   int64 // webhooks whose deliveries are counted apart: each has a host of its own
	conns   atomic.Int64
	latency atomic.Pointer[Histogram]
}

// receiverConfig is what the parent wants of a receiver.
type receiverConfig struct {
	Hosts int `json:"hosts"` // further addresses of loopback to listen at, one for each webhook; 0: the one is enough
}

// hostOf is the address of a webhook among many, numbered from 0.
func hostOf(n int64) string { return fmt.Sprintf("127.1.%d.%d", n/250, n%250+1) }

// Received is what a receiver has counted since it was reset.
type Received struct {
	Unique      int64     `json:"unique"`
	Duplicates  int64     `json:"duplicates"`
	Bad         int64     `json:"bad"` // not verified, or without the mark: never counted as received
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Connections int64     `json:"connections"` // accepted
	Latency     Latency   `json:"latency"`     // signal sent to webhook received
}

func runReceiver(ctx context.Context, p *parent) error {
	var config receiverConfig
	if err := p.in.Decode(&config); err != nil {
		return err
	}
	r := &receiver{hosts: int64(max(config.Hosts, 1))}
	r.reset(0)
	var more []string
	for i := range config.Hosts {
		more = append(more, hostOf(int64(i)))
	}
	return serve(ctx, p, r, r.obey, more...)
}

// obey does what the parent orders: take a secret, begin anew with the signals numbered above a number, tell what came.
func (r *receiver) obey(o order) any {
	switch o.Do {
	case "secret":
		s := sign.Secret(o.Arg)
		r.secret.Store(&s)
	case "reset":
		from, err := strconv.ParseInt(o.Arg, 10, 64)
		if err != nil {
			return doneWith(err)
		}
		r.reset(from)
	case "refuse":
		return doneWith(r.refuses(o.Arg))
	case "count":
		return r.received()
	case "summary":
		out := r.received()
		out.Latency = r.latency.Load().Latency()
		return out
	}
	return done{}
}

func (r *receiver) reset(from int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.from, r.seen, r.counts = from, nil, Received{}
	r.conns.Store(0)
	r.latency.Store(&Histogram{})
}

// refuses has the receiver answer 503 to a range of numbers, such as 1-100, as often as they come.
func (r *receiver) refuses(text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := fmt.Sscanf(text, "%d-%d", &r.refuse[0], &r.refuse[1])
	return err
}

func (r *receiver) refused(n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refuse[0] <= n && n <= r.refuse[1]
}

func (r *receiver) received() Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.Connections = r.conns.Load()
	return r.counts
}

// deliveryBuffers are for bodies, which are not kept.
var deliveryBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// ServeHTTP takes one delivery.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	now := time.Now()
	body := deliveryBuffers.Get().(*bytes.Buffer)
	defer deliveryBuffers.Put(body)
	body.Reset()
	if _, err := body.ReadFrom(io.LimitReader(req.Body, maxDelivery)); err != nil {
		return
	}
	n, at, ok := readMark(body.Bytes())
	if secret := r.secret.Load(); !ok || secret == nil || sign.Verify(sign.Standard, req.Header, body.Bytes(), []sign.Secret{*secret}, now) != nil {
		r.mu.Lock()
		r.counts.Bad++
		r.mu.Unlock()
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.refused(n) {
		w.WriteHeader(http.StatusUnprocessableEntity) // it is there, and does not want this one
		return
	}
	r.note(n, hostNumber(req), now, now.Sub(at))
	w.WriteHeader(http.StatusNoContent)
}

// accepted counts connections; it is http.Server's ConnState.
func (r *receiver) accepted(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		r.conns.Add(1)
	}
}

// hostNumber says which of many webhooks a delivery is for, 0 where there is one.
func hostNumber(req *http.Request) int64 {
	var high, low int64
	if _, err := fmt.Sscanf(req.Host, "127.1.%d.%d:", &high, &low); err != nil {
		return 0
	}
	return high*250 + low - 1
}

// note counts a delivery of signal n to one of the webhooks.
func (r *receiver) note(n, host int64, now time.Time, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := (n-r.from-1)*r.hosts + host
	if n <= r.from || host >= r.hosts || at >= 2*maxSignals {
		return // of an earlier measurement
	}
	if short := int(at/8) + 1 - len(r.seen); short > 0 {
		r.seen = append(r.seen, make([]byte, short)...)
	}
	if r.seen[at/8]&(1<<(at%8)) != 0 {
		r.counts.Duplicates++
		return
	}
	r.seen[at/8] |= 1 << (at % 8)
	if r.counts.Unique++; r.counts.Unique == 1 {
		r.counts.First = now
	}
	r.counts.Last = now
	r.latency.Load().Record(took)
}
