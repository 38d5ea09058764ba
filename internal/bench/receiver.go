package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
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

	latency atomic.Pointer[Histogram]
}

// Received is what a receiver has counted since it was reset.
type Received struct {
	Unique     int64     `json:"unique"`
	Duplicates int64     `json:"duplicates"`
	Bad        int64     `json:"bad"` // not verified, or without the mark: never counted as received
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
	Latency    Latency   `json:"latency"` // signal sent to webhook received
}

func runReceiver(ctx context.Context, p *parent) error {
	var config struct{}
	if err := p.in.Decode(&config); err != nil {
		return err
	}
	r := &receiver{}
	r.reset(0)
	return serve(ctx, p, r, r.obey)
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
	r.note(n, now, now.Sub(at))
	w.WriteHeader(http.StatusNoContent)
}

// note counts a delivery of signal n.
func (r *receiver) note(n int64, now time.Time, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := n - r.from - 1
	if at < 0 || at >= 2*maxSignals {
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
