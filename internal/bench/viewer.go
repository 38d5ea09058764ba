package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// What the database of the scenario viewer holds beside its signals, to its number.
const (
	viewedPerContact = 2   // signals for each contact
	viewedTrouble    = 200 // signals for each one whose delivery the receiver refuses
	viewedRefused    = 120 // requests of each kind that end in the log
	viewedRecords    = 100 // records that were imported
	viewedMerges     = 12  // pairs that were merged
	viewedTests      = 55  // test calls, which the receiver refuses: more than a page
)

// viewer measures what somebody who looks at the dashboard waits for, and what that costs those who send signals: the same steady rate with nobody
// looking and with one viewer, in turn.
func (b *bench) viewer(ctx context.Context) error {
	r, err := b.newViewedRig(ctx)
	if err != nil {
		return err
	}
	out := &ViewerResult{Rate: b.Rate}
	err = r.profile(Viewer, func() error { return b.view(ctx, r, out) })
	return errors.Join(err, r.close())
}

// newViewedRig starts a server whose deliveries leave and fills it.
func (b *bench) newViewedRig(ctx context.Context) (_ *rig, err error) {
	r := &rig{b: b, contacts: max(minContacts, b.Viewed/viewedPerContact)}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if err := r.open(ctx, receiverConfig{}); err != nil {
		return nil, err
	}
	if err := r.subscribe(ctx); err != nil {
		return nil, err
	}
	return r, r.fillViewed(ctx)
}

// fillViewed stores signals until there are as many as are wanted, each delivered; some deliveries are refused and some skipped, some requests are in
// the log, some records were imported and merged. What is rare lies at the bottom, where a list comes to it last.
func (r *rig) fillViewed(ctx context.Context) error {
	b := r.b
	first := b.numbers.Load()
	stored := func() int { return int(b.numbers.Load() - first) }
	for _, part := range []func(context.Context) error{r.fillTrouble, r.fillLog, r.fillRecords} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	for stored() < b.Viewed {
		b.say("viewer: %s of %s signals stored and delivered", thousands(float64(stored())), thousands(float64(b.Viewed)))
		n := min(growthStep, b.Viewed-stored())
		var turn int // of the contacts
		if turn = r.turned; turn < r.contacts {
			n = min(n, r.contacts-turn)
		}
		if err := r.deliverAll(ctx, n, turn < r.contacts); err != nil {
			return err
		}
	}
	return r.fillLog(ctx) // the newest page of the log has something of everything
}

// deliverAll stores n signals through the batch door and waits until all of them were received.
func (r *rig) deliverAll(ctx context.Context, n int, inTurn bool) error {
	if err := r.begin(); err != nil {
		return err
	}
	if err := r.fill(ctx, n, inTurn); err != nil {
		return err
	}
	if inTurn {
		r.turned += n
	}
	_, err := r.drain(ctx, int64(n))
	return err
}

// fillTrouble makes deliveries that are retried, that failed and that were skipped.
func (r *rig) fillTrouble(ctx context.Context) error {
	n := max(1, r.b.Viewed/viewedTrouble)
	from := r.b.numbers.Load()
	var reply done
	if err := errors.Join(r.receiver.ask(order{Do: "refuse", Arg: fmt.Sprintf("%d-%d", from+1, from+int64(n))}, &reply), reply.err()); err != nil {
		return err
	}
	if err := r.fill(ctx, n, true); err != nil {
		return err
	}
	r.turned += n
	for range viewedTests {
		if err := r.call(ctx, http.MethodPost, "/v1/webhooks/"+r.hook+"/test", map[string]any{"event": "signal.created"}, nil); err != nil {
			return err
		}
	}
	if err := r.call(ctx, http.MethodPost, "/v1/webhooks/"+r.hook+"/disable", nil, nil); err != nil {
		return err
	}
	if err := r.fill(ctx, n, true); err != nil {
		return err
	}
	r.turned += n
	return r.call(ctx, http.MethodPost, "/v1/webhooks/"+r.hook+"/enable", nil, nil)
}

// fillLog sends what the log keeps of requests: refused ones, repeated ones and ones with fields that nobody knows; and a source that has no others.
func (r *rig) fillLog(ctx context.Context) error {
	for i := range viewedRefused {
		company := map[string]string{"domain": rareDomain}
		body := map[string]any{"type": rareType, "source": rareSource, "account": company, "idempotency_key": fmt.Sprintf("rare-%d", i/2)}
		for _, change := range []func(){
			func() {}, // the same key for two of them
			func() { delete(body, "idempotency_key"); body["nobody_knows"] = i },
		} {
			change()
			if err := r.call(ctx, http.MethodPost, signalPath, body, nil); err != nil {
				return err
			}
		}
		delete(body, "type")
		var refused *statusError
		if err := r.call(ctx, http.MethodPost, signalPath, body, nil); !errors.As(err, &refused) || refused.status != http.StatusBadRequest {
			return fmt.Errorf("a signal without a type: %w, want status 400", err)
		}
	}
	return nil
}

// fillRecords imports records, merges some of them, and has merges proposed.
func (r *rig) fillRecords(ctx context.Context) error {
	var companies, people []any
	for i := range viewedRecords {
		domain := fmt.Sprintf("imported-%d.com", i)
		companies = append(companies, map[string]any{"domain": domain, "name": fmt.Sprintf("Imported %d Inc", i), "status": "customer"})
		people = append(people, map[string]any{"email": "jane@" + domain, "first_name": "Jane", "last_name": fmt.Sprintf("Imported%d", i)})
	}
	if err := r.call(ctx, http.MethodPost, "/v1/accounts/batch", map[string]any{"accounts": companies, "import": "companies"}, nil); err != nil {
		return err
	}
	if err := r.call(ctx, http.MethodPost, "/v1/contacts/batch", map[string]any{"contacts": people, "import": "people"}, nil); err != nil {
		return err
	}
	var list struct{ Data []struct{ ID string } }
	if err := r.call(ctx, http.MethodGet, fmt.Sprint("/v1/accounts?q=imported&limit=", viewedRecords), nil, &list); err != nil {
		return err
	}
	for i := range viewedMerges {
		a, b := list.Data[2*i].ID, list.Data[2*i+1].ID
		if err := r.call(ctx, http.MethodPost, "/v1/accounts/"+a+"/merge", map[string]any{"into": b}, nil); err != nil {
			return err
		}
	}
	for i := range viewedMerges { // one person's profile, and then another one's e-mail with it
		profile := fmt.Sprintf("https://www.linkedin.com/in/imported-%d", i)
		for _, who := range []map[string]any{{"linkedin_url": profile}, {"linkedin_url": profile, "email": fmt.Sprintf("jane@imported-%d.com", i)}} {
			if err := r.call(ctx, http.MethodPost, signalPath, map[string]any{"type": rareType, "source": rareSource, "contact": who}, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// view takes the measurement, without and with a viewer in turn.
func (b *bench) view(ctx context.Context, r *rig, out *ViewerResult) error {
	look, err := r.newLook(ctx)
	if err != nil {
		return err
	}
	defer look.close()
	var has struct {
		Data struct{ Signals struct{ Total int } }
	}
	if err := r.call(ctx, http.MethodGet, "/v1/overview", nil, &has); err != nil {
		return err
	}
	out.Signals, out.Accounts, out.Contacts = has.Data.Signals.Total, r.contacts/perAccount, r.contacts
	if err := pause(ctx, min(idleFor, 4*b.Duration)); err != nil {
		return err
	}
	for round := range b.Rounds {
		b.say("viewer: %d signals a second, round %d of %d", b.Rate, round+1, b.Rounds)
		alone, err := b.measure(ctx, r.steadyLoad(), r.usage)
		if err != nil {
			return err
		}
		watched, err := b.watched(ctx, r, look)
		if err != nil {
			return err
		}
		out.AloneRounds, out.WatchedRounds = append(out.AloneRounds, alone), append(out.WatchedRounds, watched)
	}
	if err := look.rest(ctx); err != nil {
		return err
	}
	out.Alone, out.Watched = median(out.AloneRounds), median(out.WatchedRounds)
	out.Ratio = ratio(out.Watched.Latency.P99, out.Alone.Latency.P99)
	out.Pages, out.Events = look.results(), look.events.Load()
	out.DatabaseMB = megabytes(r.stored(ctx))
	_, out.PeakMB = r.memory()
	b.report.Viewer = out
	return nil
}

// steadyLoad is signals at fixed moments.
func (r *rig) steadyLoad() *load {
	l := r.load(sustainedConnections, r.b.Duration)
	l.rate = r.b.Rate
	return l
}

// watched is one round with a viewer, who looks from its begin to its end; a page that the load's end finds half shown is waited for.
func (b *bench) watched(ctx context.Context, r *rig, look *look) (Sample, error) {
	looking, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- look.run(looking) }()
	s, err := b.measure(ctx, r.steadyLoad(), r.usage)
	stop()
	return s, errors.Join(err, <-ended)
}

// statusError is an answer that says no.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// decoded reads a body of the API.
func decoded[T any](body []byte) (v T, err error) {
	if err := json.Unmarshal(body, &v); err != nil {
		return v, fmt.Errorf("%w in %.300s", err, body)
	}
	return v, nil
}

// lately is how far back the time filters look, and earlier a time before everything.
func lately(now time.Time) (lately, earlier string) {
	at := func(d time.Duration) string { return now.Add(-d).UTC().Format("2006-01-02T15:04:05.000Z") }
	return at(15 * time.Minute), at(48 * time.Hour)
}
