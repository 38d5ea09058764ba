package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of one load, whatever was asked for.
const (
	maxSignals   = 5_000_000
	maxFailures  = 1000 // after so many failed requests a load gives up
	answerWithin = 30 * time.Second
)

// load is signals sent for a while. The zero values of batch, rate and backlog mean: one per request, closed loop, no bound.
type load struct {
	target
	addrs       []string // of the servers: the connections are spread over them
	connections int
	duration    time.Duration
	count       int64 // at most so many signals; 0: maxSignals
	batch       int   // signals per request, through the batch door
	rate        int   // requests per second at fixed moments (open loop)
	backlog     *backlog
	population  int  // contacts that the signals are about
	turned      int  // of them that have had their turn before
	inTurn      bool // one signal about each contact in turn, not the usual mix
	numbers     *atomic.Int64
	seed        uint64
	keys        bool
	pageViews   bool // every signal is one
	tells       bool // attributes of the account and the title of the contact are sent too
	captures    bool // bodies are those of the capture door
}

// outcome is what came of a load.
type outcome struct {
	accepted atomic.Int64   // signals acknowledged
	byServer []atomic.Int64 // by each server of the load
	refused  atomic.Int64   // requests answered with 503 or 429
	failed   atomic.Int64   // requests with any other end
	latency  Histogram      // of accepted requests
	late     Histogram      // open loop: how late the generator itself was
	elapsed  time.Duration
	firstErr atomic.Pointer[error]
}

func (o *outcome) fail(err error) {
	o.failed.Add(1)
	o.firstErr.CompareAndSwap(nil, &err)
}

// err says why a load is worthless: nothing was accepted, or too much failed.
func (o *outcome) err() error {
	first := o.firstErr.Load()
	switch {
	case first != nil && (o.accepted.Load() == 0 || o.failed.Load() >= maxFailures):
		return fmt.Errorf("%d requests failed, the first: %w", o.failed.Load(), *first)
	case o.accepted.Load() == 0:
		return errors.New("no request was accepted")
	}
	return nil
}

// run sends the load and waits for all answers.
func (l *load) run(ctx context.Context) (*outcome, error) {
	if l.count == 0 || l.count > maxSignals {
		l.count = maxSignals
	}
	o := &outcome{byServer: make([]atomic.Int64, len(l.addrs))}
	outer := ctx
	ctx, cancel := context.WithTimeout(outer, l.duration)
	defer cancel()
	if l.backlog != nil {
		defer context.AfterFunc(ctx, l.backlog.wake)()
	}
	var moments chan time.Time
	if l.rate > 0 {
		moments = make(chan time.Time, int(l.duration.Seconds()*float64(l.rate))+1)
		go l.tick(ctx, moments, o)
	}
	begin, quota := time.Now(), &atomic.Int64{}
	var workers sync.WaitGroup
	for i := range l.connections {
		workers.Go(func() { l.work(ctx, uint64(i), begin, quota, moments, o) })
	}
	workers.Wait()
	o.elapsed = time.Since(begin)
	return o, errors.Join(outer.Err(), o.err())
}

// tick gives out the moments of an open loop. It never waits for an answer: what the server is slow to take waits in moments, and
// that wait counts.
func (l *load) tick(ctx context.Context, moments chan<- time.Time, o *outcome) {
	defer close(moments)
	begin := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := range int64(cap(moments)) {
		next := begin.Add(time.Duration(i) * time.Second / time.Duration(l.rate))
		if wait := time.Until(next); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		}
		now := time.Now()
		o.late.Record(now.Sub(next))
		moments <- now
	}
}

// work is one connection's share.
func (l *load) work(ctx context.Context, stream uint64, begin time.Time, quota *atomic.Int64, moments <-chan time.Time, o *outcome) {
	at := int(stream) % len(l.addrs)
	to := l.target
	to.addr = l.addrs[at]
	c := newConn(to, begin.Add(l.duration+answerWithin))
	defer c.close()
	size := max(1, l.batch)
	t := newTraffic(l.seed, stream, l.population, l.keys)
	t.pageViews, t.tells = l.pageViews, l.tells
	var body []byte
	for o.failed.Load() < maxFailures {
		moment, ok := l.next(ctx, moments)
		if !ok {
			return
		}
		mine := quota.Add(int64(size)) - int64(size)
		if mine >= l.count {
			return
		}
		n := min(int64(size), l.count-mine)
		body = l.body(body[:0], t, mine, int(n), moment)
		if l.send(c, body, n, moment, o) {
			o.byServer[at].Add(n)
		}
	}
}

// next waits until the next request may leave and says when it was meant to; ok is false when the load is over.
func (l *load) next(ctx context.Context, moments <-chan time.Time) (at time.Time, ok bool) {
	if moments != nil {
		at, ok = <-moments
		return at, ok
	}
	if l.backlog != nil && !l.backlog.enter(ctx, max(1, l.batch)) {
		return at, false
	}
	return time.Now(), ctx.Err() == nil
}

func (l *load) body(b []byte, t *traffic, mine int64, n int, at time.Time) []byte {
	item := func(b []byte, i int) []byte {
		if l.inTurn {
			return t.about(b, l.turned+int(mine)+i, l.numbers.Add(1), at)
		}
		return t.signal(b, l.numbers.Add(1), at)
	}
	if l.captures {
		return t.capture(b, l.numbers.Add(1), at)
	}
	if l.batch > 0 {
		return batch(b, n, item)
	}
	return item(b, 0)
}

var itemCreated = []byte(`"status":"created"`)

// send posts one request and counts what came of it; it says whether the signals were accepted.
func (l *load) send(c *conn, body []byte, n int64, at time.Time, o *outcome) bool {
	status, answer, err := c.post(body)
	want, taken := http.StatusCreated, n
	if l.batch > 0 {
		want, taken = http.StatusOK, int64(bytes.Count(answer, itemCreated))
	}
	switch {
	case err != nil:
		o.fail(err)
	case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
		o.refused.Add(1)
		time.Sleep(10 * time.Millisecond)
	case status != want || taken != n:
		o.fail(fmt.Errorf("answered %d, %d of %d taken: %.300s", status, taken, n, answer))
	default:
		o.latency.Record(time.Since(at))
		o.accepted.Add(n)
		return true
	}
	if l.backlog != nil {
		l.backlog.leave(n)
	}
	return false
}

// backlog bounds how much was sent in that has not come out: senders wait at the bound.
type backlog struct {
	limit int64

	mu       sync.Mutex
	changed  sync.Cond
	sent     int64
	received int64
}

func newBacklog(limit int64) *backlog {
	b := &backlog{limit: limit}
	b.changed.L = &b.mu
	return b
}

// enter waits for room for n signals; false once ctx has ended.
func (b *backlog) enter(ctx context.Context, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.sent-b.received >= b.limit && ctx.Err() == nil {
		b.changed.Wait()
	}
	if ctx.Err() != nil {
		return false
	}
	b.sent += int64(n)
	return true
}

// leave takes n signals back that were not accepted.
func (b *backlog) leave(n int64) {
	b.mu.Lock()
	b.sent -= n
	b.mu.Unlock()
	b.changed.Broadcast()
}

// came says how much has come out in all.
func (b *backlog) came(received int64) {
	b.mu.Lock()
	b.received = received
	b.mu.Unlock()
	b.changed.Broadcast()
}

func (b *backlog) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed.Broadcast()
}
