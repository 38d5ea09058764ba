package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// AudienceResult is how long a new audience of accounts takes to be filled from what is stored, while signals arrive in open loop, and what these notice of it.
type AudienceResult struct {
	Signals  int      `json:"signals"` // stored before it was made
	Accounts int      `json:"accounts"`
	Members  int64    `json:"members"` // when it was ready
	Rate     int      `json:"rate"`
	Seconds  float64  `json:"seconds"` // until it was ready
	Alone    Sample   `json:"alone"`   // before it was made
	Beside   Sample   `json:"beside"`  // while it was filled
	Ratio    float64  `json:"ratio"`   // of the p99 of both
	Rounds   []Sample `json:"alone_rounds"`
	Filling  []Sample `json:"beside_rounds"`
}

// audiencePoll is how often the audience is asked after.
const audiencePoll = 250 * time.Millisecond

// audienceWithin is how long an audience may take before the bench gives up.
const audienceWithin = 30 * time.Minute

// audience measures how a new audience is filled.
func (b *bench) audience(ctx context.Context) error {
	r := &rig{b: b, hold: true, contacts: max(b.Judged/2, minContacts)}
	err := b.fillAudience(ctx, r)
	return errors.Join(err, r.close())
}

func (b *bench) fillAudience(ctx context.Context, r *rig) error {
	if err := r.open(ctx, receiverConfig{}); err != nil {
		return err
	}
	b.say("audience: storing %s signals", thousands(float64(b.Judged)))
	if err := errors.Join(r.fill(ctx, r.contacts, true), r.fill(ctx, b.Judged-r.contacts, false), r.subscribe(ctx)); err != nil {
		return err
	}
	out := &AudienceResult{Signals: b.Judged, Accounts: r.contacts / perAccount, Rate: b.Rate}
	round := func(list *[]Sample) error {
		l := r.load(sustainedConnections, b.Duration)
		l.rate = b.Rate
		s, err := b.measure(ctx, l, r.usage)
		*list = append(*list, s)
		return err
	}
	for i := range b.Rounds {
		b.say("audience: %d signals a second, round %d of %d", b.Rate, i+1, b.Rounds)
		if err := round(&out.Rounds); err != nil {
			return err
		}
	}
	err := r.profile(Audience, func() error { return b.watchAudience(ctx, r, out, round) })
	if err != nil {
		return err
	}
	out.Alone, out.Beside = median(out.Rounds), median(out.Filling)
	out.Ratio = ratio(out.Beside.Latency.P99, out.Alone.Latency.P99)
	b.report.Audience = out
	return nil
}

// watchAudience makes the audience, and measures rounds until it is ready.
func (b *bench) watchAudience(ctx context.Context, r *rig, out *AudienceResult, round func(*[]Sample) error) error {
	type audience struct {
		ID, Status string
		Members    int64
	}
	var made struct{ Data audience }
	body := map[string]any{"name": "active", "entity": "account", "condition": `count(signals, "page_view", "30d") >= 2 && account.score > 5`}
	begin := time.Now()
	if err := r.call(ctx, http.MethodPost, "/v1/audiences", body, &made); err != nil {
		return err
	}
	ready, failed := make(chan time.Duration, 1), make(chan error, 1)
	ctx, cancel := context.WithTimeout(ctx, audienceWithin)
	defer cancel()
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() {
		for {
			var now struct{ Data audience }
			if err := errors.Join(r.call(ctx, http.MethodGet, "/v1/audiences/"+made.Data.ID, nil, &now), pause(ctx, audiencePoll)); err != nil {
				failed <- fmt.Errorf("the audience after %s: %w", time.Since(begin).Round(time.Second), err)
				return
			}
			if now.Data.Status == "ready" {
				out.Members = now.Data.Members
				ready <- time.Since(begin)
				return
			}
		}
	})
	for {
		b.say("audience: %d signals a second while it is filled, %s", b.Rate, time.Since(begin).Round(time.Second))
		if err := round(&out.Filling); err != nil {
			cancel()
			return err
		}
		select {
		case took := <-ready:
			out.Seconds = round3(took.Seconds())
			return nil
		case err := <-failed:
			return err
		default:
		}
	}
}

func (p *page) audience(a *AudienceResult) {
	p.line("\nA new audience over %s signals of %s accounts, while %d signals a second arrive", thousands(float64(a.Signals)), thousands(float64(a.Accounts)), a.Rate)
	p.line("  ready after %s s with %s members", short(a.Seconds), thousands(float64(a.Members)))
	p.line("  p99 of signals: %s ms before, %s ms while it is filled (%.2f)", short(a.Alone.Latency.P99), short(a.Beside.Latency.P99), a.Ratio)
	p.problems(a.Beside.Refused, a.Beside.Failed, 0, 0)
}
