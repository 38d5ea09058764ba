package storesuite

import (
	"slices"
	"time"

	"signalbox"
)

var retentionTests = map[string]func(*Box){
	"ManyEventsGoInSlices":               retentionSlices,
	"WhatIsWithinItsDaysStays":           retentionBoundary,
	"ZeroDaysKeepForEver":                retentionNever,
	"AnEventGoesWithItsDeliveries":       retentionTogether,
	"AnotherWorkspacesRowsStay":          retentionForeign,
	"ATimelineEndsWhereSignalsWereTaken": retentionTimeline,
	"IdempotencyKeysGoAfterTheirDays":    retentionAnswers,
	"AnEventWithManyDeliveriesGoesToo":   retentionWide,
}

// sendMany puts in signals with a delivery each.
func (b *Box) sendMany(w signalbox.Webhook, n int) []Caused {
	b.Helper()
	list := make([]Sent, n)
	for i := range list {
		list[i].To = []signalbox.Webhook{w}
	}
	return b.Send(list...)
}

// keep sets how many days the workspace keeps things.
func (b *Box) keep(signals, events int) {
	b.Helper()
	_, err := b.DB.UpdateWorkspace(b.Context(), b.WS, b.Now, func(w *signalbox.Workspace) error {
		w.Retention = signalbox.Retention{SignalDays: signals, EventDays: events}
		return nil
	})
	b.Must(err)
}

// 2,500 events with a delivery each: 5,000 rows in slices of 1,000.
func retentionSlices(b *Box) {
	w := b.NewWebhook()
	b.sendMany(w, 2500)
	b.Now = b.Now.AddDate(0, 0, 31)
	kept := b.sendMany(w, 1)[0]
	j, slices := b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	if slices < 3 || j.Status != signalbox.JobDone || j.Done != 5000 || j.Matching != 5000 {
		b.Fatalf("after %d slices: %+v", slices, j)
	}
	left := b.walkLog(w.ID, signalbox.DeliveryFilter{}, 200)
	if len(left) != 1 || left[0] != kept.Deliveries[0] || b.Delivery(left[0]).Body == nil {
		b.Fatalf("left: %v, want %v with its event", left, kept.Deliveries)
	}
	if got := len(b.walkSignals(signalbox.SignalFilter{}, 200)); got != 2501 {
		b.Fatalf("%d signals, want all 2501: they are kept for ever", got)
	}
}

func retentionBoundary(b *Box) {
	w := b.NewWebhook()
	gone := b.sendMany(w, 1)[0]
	b.Now = b.Now.Add(2 * time.Millisecond)
	kept := b.sendMany(w, 1)[0]
	b.Now = kept30(b.Now)
	b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	if left := b.walkLog(w.ID, signalbox.DeliveryFilter{}, 10); len(left) != 1 || left[0] != kept.Deliveries[0] {
		b.Fatalf("left %v, want %v and not %v", left, kept.Deliveries, gone.Deliveries)
	}
}

// kept30 is the last moment at which something of at is within 30 days.
func kept30(at time.Time) time.Time { return at.AddDate(0, 0, 30) }

func retentionNever(b *Box) {
	b.keep(0, 0)
	w := b.NewWebhook()
	b.sendMany(w, 3)
	b.Now = b.Now.AddDate(10, 0, 0)
	j, _ := b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	if left := b.walkLog(w.ID, signalbox.DeliveryFilter{}, 10); len(left) != 3 || j.Done != 0 {
		b.Fatalf("left %v, job %+v", left, j)
	}
}

func retentionTogether(b *Box) {
	w := b.NewWebhook()
	sent := b.sendMany(w, 2)
	r := b.Claim(w.ID, 1).Ready[0]
	b.Settle(r, signalbox.Failed, "http_500", time.Time{}, 500, "no")
	leased := b.Claim(w.ID, 1).Ready[0]
	b.Now = b.Now.AddDate(0, 0, 31)
	j, _ := b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	if j.Done != 5 { // two events, two deliveries, an attempt
		b.Fatalf("job %+v", j)
	}
	for _, s := range sent {
		_, err := b.DB.Delivery(b.Context(), b.WS, s.Deliveries[0])
		b.WantNoSuch(err, "delivery")
	}
	ok, err := b.DB.Settle(b.Context(), []signalbox.Settlement{{Delivery: leased.ID, Workspace: b.WS, Webhook: w.ID, Lease: leased.Lease, State: signalbox.Delivered}})
	b.Must(err)
	if ok[0] || len(b.Claim(w.ID, 10).Ready) != 0 {
		b.Fatal("a delivery that is gone was settled or claimed")
	}
}

func retentionForeign(b *Box) {
	w := b.NewWebhook()
	mine := b.sendMany(w, 2)
	own := b.WS
	b.WS = b.NewWorkspace("other")
	theirs := b.NewWebhook()
	b.sendMany(theirs, 1200)
	b.WS = own
	mine = append(mine, b.sendMany(w, 2)...)
	b.Now = b.Now.AddDate(0, 0, 31)
	j, _ := b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	if j.Done != int64(2*len(mine)) {
		b.Fatalf("job %+v, want %d rows", j, 2*len(mine))
	}
	b.WS = theirs.Workspace
	if left := len(b.walkLog(theirs.ID, signalbox.DeliveryFilter{}, 200)); left != 1200 {
		b.Fatalf("%d of the other workspace's deliveries are left, want 1200", left)
	}
}

func retentionTimeline(b *Box) {
	b.keep(7, 30)
	acc := b.NewAccount("acme.com", "")
	b.Send(Sent{Account: acc.ID}, Sent{Account: acc.ID})
	b.Now = b.Now.AddDate(0, 0, 8)
	kept := b.Send(Sent{Account: acc.ID})
	b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	for name, f := range map[string]signalbox.SignalFilter{"all": {}, "account": {Account: acc.ID}} {
		if got := b.walkSignals(f, 1); len(got) != 1 || got[0] != kept[0].Signal {
			b.Errorf("%s: %v, want %v", name, got, kept[0].Signal)
		}
	}
	s, err := b.DB.Stats(b.Context())
	b.Must(err)
	if s.Signals != 1 {
		b.Fatalf("stats count %d signals, want 1", s.Signals)
	}
}

func retentionAnswers(b *Box) {
	day := func(at time.Time) int64 { return at.Unix() / 86_400 }
	key := func(n byte) signalbox.AnswerKey {
		return signalbox.AnswerKey{Workspace: b.WS, Key: [16]byte{n}}
	}
	answer := func(n byte) {
		b.decide(signalbox.Need{}, func(*signalbox.Situation) *signalbox.Decision {
			return &signalbox.Decision{Answered: []signalbox.Answered{{Key: key(n), Day: day(b.Now), Body: [16]byte{n}, Signal: 1, CreatedAt: b.Now}}}
		})
	}
	answer(1)
	b.Now = b.Now.AddDate(0, 0, 1)
	answer(2)
	b.Now = b.Now.AddDate(0, 0, signalbox.AnswerDays)
	j, _ := b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	if j.Done != 1 {
		b.Fatalf("job %+v, want one answer gone", j)
	}
	b.decide(signalbox.Need{Answered: []signalbox.AnswerKey{key(1), key(2)}}, func(s *signalbox.Situation) *signalbox.Decision {
		if _, ok := s.Answered[key(2)]; !ok || len(s.Answered) != 1 {
			b.Errorf("answers kept: %v", s.Answered)
		}
		return &signalbox.Decision{}
	})
}

// wide puts in one event with n deliveries, each with three attempts that failed.
func (b *Box) wide(acc signalbox.AccountID, n int) Caused {
	b.Helper()
	w := b.NewWebhook()
	sent := b.Send(Sent{Account: acc, To: slices.Repeat([]signalbox.Webhook{w}, n)})[0]
	for range 3 {
		var list []signalbox.Settlement
		for _, r := range b.Claim(w.ID, n).Ready {
			list = append(list, signalbox.Settlement{
				Delivery: r.ID, Workspace: b.WS, Webhook: w.ID, Lease: r.Lease, State: signalbox.Retrying, Reason: "http_500", Attempts: r.Attempts + 1, DueAt: b.Now,
				Attempt: &signalbox.Attempt{ID: signalbox.AttemptID(b.ID()), Workspace: b.WS, Delivery: r.ID, At: b.Now, StatusCode: 500, Headers: []byte(`{}`), Body: []byte("no")},
			})
		}
		settled, err := b.DB.Settle(b.Context(), list)
		b.Must(err)
		if len(settled) != n || slices.Contains(settled, false) {
			b.Fatalf("settled %d of %d: %v", len(settled), n, settled)
		}
	}
	return sent
}

// retentionWide: an event with more deliveries and attempts than a slice takes goes over several, itself last.
func retentionWide(b *Box) {
	sent := b.wide(0, 300)
	b.Now = b.Now.AddDate(0, 0, 31)
	j, slices := b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	if j.Done != 1+300+900 || slices < 2 {
		b.Fatalf("after %d slices: %+v", slices, j)
	}
	_, err := b.DB.Delivery(b.Context(), b.WS, sent.Deliveries[299])
	b.WantNoSuch(err, "delivery")
}
