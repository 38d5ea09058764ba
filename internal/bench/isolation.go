package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// isolationLoad is the part of the capacity at which isolation is measured.
const isolationLoad = .7

// isolationSecret signs for every webhook of the scenario, so that one receiver can verify all of them.
const isolationSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// IsolationResult is healthy webhooks alone, and beside others that are dead or answer a byte a second, in turn, under the same open loop.
type IsolationResult struct {
	Healthy      int               `json:"healthy"`
	Dead         int               `json:"dead"`     // take the connection and answer nothing
	Dripping     int               `json:"dripping"` // answer a byte a second
	Capacity     float64           `json:"capacity"` // signals a second in closed loop, without the bad ones
	Rate         int               `json:"rate"`     // signals a second of the open loop
	Alone        IsolationSample   `json:"alone"`
	Beside       IsolationSample   `json:"beside"`
	Throughput   float64           `json:"throughput"` // of the rates of deliveries to the healthy ones
	Reused       float64           `json:"reused"`     // of the attempts to the healthy ones, over a connection that was there; while alone
	AloneRounds  []IsolationSample `json:"alone_rounds"`
	BesideRounds []IsolationSample `json:"beside_rounds"`
}

// IsolationSample is one round.
type IsolationSample struct {
	Signals     int64   `json:"signals"`
	Deliveries  int64   `json:"deliveries"` // to the healthy webhooks
	PerSecond   float64 `json:"per_second"`
	Duplicates  int64   `json:"duplicates"`
	Connections int64   `json:"connections"` // that the receiver accepted
	Reused      float64 `json:"reused"`      // of the attempts
	EndToEnd    Latency `json:"end_to_end"`
	PeakMB      float64 `json:"peak_mb"`
}

// mostP99 is what the p99 beside bad webhooks may be.
func (i *IsolationResult) mostP99() float64 {
	return round3(max(wantIsolationRatio*i.Alone.EndToEnd.P99, i.Alone.EndToEnd.P99+wantIsolationMS))
}

// isolation measures what dead webhooks cost the healthy ones.
func (b *bench) isolation(ctx context.Context) (err error) {
	out := &IsolationResult{Healthy: b.Healthy, Dead: max(b.Healthy/10, 1), Dripping: max(b.Healthy/40, 1)}
	r := &rig{b: b, webhooks: int64(b.Healthy)}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(ctx, receiverConfig{Hosts: b.Healthy}); err != nil {
		return err
	}
	if err := errors.Join(r.populate(ctx), r.subscribeMany(ctx)); err != nil {
		return err
	}
	bad, err := newBadReceivers()
	if err != nil {
		return err
	}
	defer bad.close()
	if err := b.capacity(ctx, r, out); err != nil {
		return err
	}
	for round := range b.Rounds {
		for _, beside := range []bool{false, true} {
			if err := b.isolationRound(ctx, r, bad, out, round, beside); err != nil {
				return err
			}
		}
	}
	out.Alone, out.Beside = medianIsolation(out.AloneRounds), medianIsolation(out.BesideRounds)
	out.Throughput, out.Reused = ratio(out.Beside.PerSecond, out.Alone.PerSecond), out.Alone.Reused
	b.report.Isolation = out
	return nil
}

// subscribeMany makes the healthy webhooks, each with a host of its own as in the world.
func (r *rig) subscribeMany(ctx context.Context) error {
	_, port, err := net.SplitHostPort(r.target)
	if err != nil {
		return err
	}
	for i := range r.webhooks {
		if _, err := r.hookTo(ctx, "http://"+net.JoinHostPort(hostOf(i), port)+"/"); err != nil {
			return err
		}
	}
	var reply done
	return errors.Join(r.receiver.ask(order{Do: "secret", Arg: isolationSecret}, &reply), reply.err(), r.begin())
}

// hookTo makes a webhook that takes every signal.
func (r *rig) hookTo(ctx context.Context, url string) (id string, err error) {
	var hook struct{ ID string }
	body := map[string]any{"url": url, "events": []string{"signal.created"}, "secret": isolationSecret}
	return hook.ID, r.call(ctx, http.MethodPost, "/v1/webhooks", body, &hook)
}

// capacity finds how many signals a second the healthy webhooks take when a few are always under way.
func (b *bench) capacity(ctx context.Context, r *rig, out *IsolationResult) error {
	b.say("isolation: the capacity of %d webhooks", out.Healthy)
	f, err := b.through(ctx, r, newBacklog(int64(max(b.Backlog/out.Healthy, 2))))
	if err != nil {
		return err
	}
	out.Capacity = f.InPerSecond
	out.Rate = max(int(isolationLoad*out.Capacity), 1)
	return nil
}

// isolationRound measures one of the two.
func (b *bench) isolationRound(ctx context.Context, r *rig, bad *badReceivers, out *IsolationResult, round int, beside bool) error {
	name := "alone"
	if beside {
		name = fmt.Sprintf("beside %d dead and %d dripping", out.Dead, out.Dripping)
		var ids []string
		for i := range out.Dead + out.Dripping {
			id, err := r.hookTo(ctx, bad.url(i < out.Dead))
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		defer func() {
			for _, id := range ids {
				_ = r.call(context.WithoutCancel(ctx), http.MethodDelete, "/v1/webhooks/"+id, nil, nil) // the next round would say so
			}
		}()
	}
	b.say("isolation: %d signals a second to %d webhooks %s, round %d of %d", out.Rate, out.Healthy, name, round+1, b.Rounds)
	if err := r.begin(); err != nil {
		return err
	}
	l := r.load(sustainedConnections, b.Duration)
	l.rate = out.Rate
	o, err := l.run(ctx)
	if err != nil {
		return err
	}
	got, err := r.drain(ctx, o.accepted.Load())
	if err != nil {
		return err
	}
	_, peak := r.memory()
	s := IsolationSample{
		Signals: o.accepted.Load(), Deliveries: got.Unique, Duplicates: got.Duplicates, Connections: got.Connections, EndToEnd: got.Latency, PeakMB: peak,
		PerSecond: ratio(float64(got.Unique), got.Last.Sub(got.First).Seconds()),
		Reused:    round3(1 - float64(got.Connections)/float64(max(got.Unique, 1))),
	}
	if beside {
		out.BesideRounds = append(out.BesideRounds, s)
	} else {
		out.AloneRounds = append(out.AloneRounds, s)
	}
	return nil
}

func medianIsolation(s []IsolationSample) (m IsolationSample) {
	for i := range s {
		m.Signals += s[i].Signals
		m.Deliveries += s[i].Deliveries
		m.Duplicates += s[i].Duplicates
		m.Connections += s[i].Connections
		m.PeakMB = max(m.PeakMB, s[i].PeakMB)
	}
	m.PerSecond = middle(s, func(i *IsolationSample) float64 { return i.PerSecond })
	m.Reused = middle(s, func(i *IsolationSample) float64 { return i.Reused })
	m.EndToEnd = middleLatency(s, func(i *IsolationSample) Latency { return i.EndToEnd })
	return m
}

// badReceivers are a receiver that answers nothing and one that answers a byte a second, in this process: they cost next to nothing.
type badReceivers struct {
	listeners []net.Listener // silent, dripping
	stop      context.CancelFunc
	running   sync.WaitGroup
}

func newBadReceivers() (*badReceivers, error) {
	ctx, stop := context.WithCancel(context.Background())
	bad := &badReceivers{stop: stop}
	for _, drips := range []bool{false, true} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			bad.close()
			return nil, err
		}
		bad.listeners = append(bad.listeners, l)
		bad.running.Go(func() { bad.accept(ctx, l, drips) })
	}
	return bad, nil
}

func (bad *badReceivers) url(dead bool) string {
	if dead {
		return "http://" + bad.listeners[0].Addr().String() + "/"
	}
	return "http://" + bad.listeners[1].Addr().String() + "/"
}

func (bad *badReceivers) accept(ctx context.Context, l net.Listener, drips bool) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		bad.running.Go(func() {
			defer context.AfterFunc(ctx, func() { c.Close() })()
			defer c.Close()
			if drips {
				bad.running.Go(func() { drip(ctx, c) })
			}
			_, _ = io.Copy(io.Discard, c) // until the sender gives up
		})
	}
}

// drip answers a byte a second until the connection ends.
func drip(ctx context.Context, c net.Conn) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"); err == nil; _, err = io.WriteString(c, "x") {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (bad *badReceivers) close() {
	bad.stop()
	for _, l := range bad.listeners {
		_ = l.Close()
	}
	bad.running.Wait()
}

func (p *page) isolation(i *IsolationResult) {
	p.line("\nIsolation: %d healthy webhooks, %s signals a second (70 %% of %s); beside %d dead and %d that drip", i.Healthy, thousands(float64(i.Rate)), thousands(i.Capacity), i.Dead, i.Dripping)
	p.line("  %-22s %9s %9s %9s %9s %13s %9s", "", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "deliveries/s", "peak MB")
	row := func(name string, s IsolationSample) {
		p.line("  %-22s %9s %9s %9s %9s %13s %9s", name, short(s.EndToEnd.P50), short(s.EndToEnd.P99), short(s.EndToEnd.P999), short(s.EndToEnd.Max), thousands(s.PerSecond), known(s.PeakMB))
	}
	row("alone", i.Alone)
	row("beside bad ones", i.Beside)
	p.line("  %s connections for %s deliveries alone; in the middle round %.1f %% over one that was there", thousands(float64(i.Alone.Connections)), thousands(float64(i.Alone.Deliveries)), 100*i.Reused)
	p.problems(0, 0, i.Alone.Duplicates+i.Beside.Duplicates, 0)
}
