package storesuite

import (
	"fmt"
	"time"

	"signalbox"
)

var overviewTests = map[string]func(*Box){
	"AnEmptyWorkspaceHasNothing":             overviewEmpty,
	"SignalsAreCountedByTheMinute":           overviewSignals,
	"DeliveriesAreCountedAsTheyEnd":          overviewDeliveries,
	"AWebhookFailsWhenMostAttemptsDo":        overviewFailing,
	"AnotherWorkspaceIsNotCounted":           overviewForeign,
	"WhatIsPendingIsCountedUpToItsBound":     overviewPending,
	"HealthShowsAWeekByTheHour":              healthWeek,
	"HealthSaysHowLongAnswersTake":           healthTook,
	"HealthOfAPullWebhookIsWhatWasRead":      healthPull,
	"ATestCallSaysNothing":                   healthTestCall,
	"ADeliveryAskedForByHandFailsOnlyOnce":   overviewManual,
	"WhatWasNotSettledIsNotCounted":          overviewStale,
	"OldCountsGoAndTheFirstOnesStay":         talliesRetention,
	"APulseIsWhatCameInTheLastMinute":        pulseMinute,
	"AnUnknownWebhookHasNoHealth":            healthUnknown,
	"TheRunningMinuteIsTheLastOfAnHourShown": overviewHour,
}

func (b *Box) overview() signalbox.Overview {
	b.Helper()
	o, err := b.DB.Overview(b.Context(), b.WS, b.Now)
	b.Must(err)
	return o
}

func (b *Box) health(w signalbox.Webhook) signalbox.Health {
	b.Helper()
	h, err := b.DB.WebhookHealth(b.Context(), b.WS, w.ID, b.Now)
	b.Must(err)
	return h
}

// settleAll claims what is due of a webhook and settles all of it so.
func (b *Box) settleAll(w signalbox.Webhook, state signalbox.DeliveryState, status int, took time.Duration) {
	b.Helper()
	var list []signalbox.Settlement
	for _, r := range b.Claim(w.ID, 1000).Ready {
		s := signalbox.Settlement{
			Delivery: r.ID, Workspace: b.WS, Webhook: w.ID, Lease: r.Lease, State: state, Attempts: r.Attempts + 1,
			Attempt: &signalbox.Attempt{ID: signalbox.AttemptID(b.ID()), Workspace: b.WS, Delivery: r.ID, At: b.Now, Duration: took, StatusCode: status, Manual: r.Manual != nil},
		}
		if state.Open() {
			s.DueAt = b.Now.Add(time.Minute)
		}
		if status/100 != 2 {
			s.Attempt.Error = "no"
		}
		list = append(list, s)
	}
	settled, err := b.DB.Settle(b.Context(), list)
	b.Must(err)
	for i := range settled {
		if !settled[i] {
			b.Fatalf("delivery %d was not settled", list[i].Delivery)
		}
	}
}

func overviewEmpty(b *Box) {
	o := b.overview()
	if len(o.PerMinute) != 60 || !o.FirstSignal.IsZero() || !o.FirstWebhook.IsZero() || !o.FirstDelivery.IsZero() {
		b.Errorf("overview %+v", o)
	}
	o.PerMinute = nil
	if fmt.Sprint(o) != fmt.Sprint(signalbox.Overview{}) {
		b.Errorf("overview %+v, want nothing", o)
	}
}

func overviewSignals(b *Box) {
	b.Send(Sent{})
	b.Now = b.Now.Add(25 * time.Hour)
	b.Send(Sent{}, Sent{})
	b.Now = b.Now.Add(5 * time.Minute)
	b.Send(Sent{}, Sent{}, Sent{})
	b.Send(Sent{})
	o := b.overview()
	if o.Signals != 7 || o.SignalsDay != 6 || o.PerMinute[59].N != 4 || o.PerMinute[54].N != 2 || !o.FirstSignal.Equal(Start) {
		b.Errorf("overview %+v", o)
	}
}

func overviewHour(b *Box) {
	b.Send(Sent{})
	b.Now = b.Now.Add(59*time.Minute + 59*time.Second)
	if o := b.overview(); o.PerMinute[0].N != 1 || !o.PerMinute[0].At.Equal(Start) || !o.PerMinute[59].At.Equal(Start.Add(59*time.Minute)) {
		b.Errorf("after 59 minutes: %+v", o.PerMinute)
	}
	b.Now = b.Now.Add(time.Second)
	if o := b.overview(); o.PerMinute[0].N != 0 {
		b.Errorf("after an hour: %+v", o.PerMinute)
	}
}

func overviewDeliveries(b *Box) {
	w := b.NewWebhook()
	b.sendMany(w, 3)
	b.settleAll(w, signalbox.Delivered, 204, time.Millisecond)
	b.sendMany(w, 2)
	b.settleAll(w, signalbox.Failed, 500, time.Millisecond)
	b.Now = b.Now.Add(time.Second)
	waits := b.sendMany(w, 1)[0]
	b.settleAll(w, signalbox.Retrying, 503, time.Millisecond)
	o := b.overview()
	if o.DeliveredDay != 3 || o.FailedDay != 2 || o.Pending.N != 1 || !o.FirstDelivery.Equal(Start) || !o.FirstWebhook.Equal(Start) {
		b.Errorf("overview %+v", o)
	}
	if !o.Pending.Oldest.Equal(signalbox.IDTime(waits.Deliveries[0])) {
		b.Errorf("the oldest is of %v, want %v", o.Pending.Oldest, b.Now)
	}
	b.Now = b.Now.Add(24 * time.Hour)
	if o := b.overview(); o.DeliveredDay != 0 || o.FailedDay != 0 || !o.FirstDelivery.Equal(Start) {
		b.Errorf("a day later: %+v", o)
	}
}

func overviewFailing(b *Box) {
	good, bad, off := b.NewWebhook(), b.NewWebhook(), b.NewWebhook()
	b.Send(Sent{To: []signalbox.Webhook{good, bad, off}}, Sent{To: []signalbox.Webhook{good, bad, off}})
	b.settleAll(good, signalbox.Delivered, 200, time.Millisecond)
	b.settleAll(bad, signalbox.Retrying, 500, time.Millisecond)
	b.settleAll(off, signalbox.Retrying, 500, time.Millisecond)
	_, err := b.DB.UpdateWebhook(b.Context(), b.WS, off.ID, b.Now, func(w *signalbox.Webhook) error {
		w.Enabled, w.DisabledReason = false, "by hand"
		return nil
	})
	b.Must(err)
	if o := b.overview(); o.Enabled != 2 || o.Disabled != 1 || o.Failing != 1 {
		b.Errorf("overview %+v", o)
	}
	b.Now = b.Now.Add(time.Hour)
	b.sendMany(bad, 5)
	b.settleAll(bad, signalbox.Delivered, 200, time.Millisecond)
	if o := b.overview(); o.Failing != 0 {
		b.Errorf("it delivers again: %+v", o)
	}
}

func overviewForeign(b *Box) {
	w := b.NewWebhook()
	b.sendMany(w, 2)
	b.settleAll(w, signalbox.Delivered, 200, time.Millisecond)
	b.WS = b.NewWorkspace("other")
	overviewEmpty(b)
}

func overviewPending(b *Box) {
	w := b.NewWebhook()
	b.sendMany(w, 1500)
	if o := b.overview(); o.Pending.N != 1500 {
		b.Errorf("pending %+v", o.Pending)
	}
	if h := b.health(w); h.Pending.N != 1500 || !h.Pending.Oldest.Equal(Start) {
		b.Errorf("pending of the webhook %+v", h.Pending)
	}
}

func overviewManual(b *Box) {
	w := b.NewWebhook()
	sent := b.sendMany(w, 1)[0]
	b.settleAll(w, signalbox.Failed, 500, time.Millisecond)
	_, err := b.DB.RetryDelivery(b.Context(), b.WS, sent.Deliveries[0], b.Now)
	b.Must(err)
	b.settleAll(w, signalbox.Failed, 500, time.Millisecond)
	if o := b.overview(); o.FailedDay != 1 {
		b.Errorf("overview %+v, want one delivery that failed", o)
	}
	if h := b.health(w); h.Day.Failed != 2 {
		b.Errorf("health %+v, want two attempts that failed", h.Day)
	}
}

func overviewStale(b *Box) {
	w := b.NewWebhook()
	b.sendMany(w, 1)
	r := b.Claim(w.ID, 1).Ready[0]
	s := b.delivered(r)
	s.Lease.Generation += 7
	settled, err := b.DB.Settle(b.Context(), []signalbox.Settlement{s})
	b.Must(err)
	if h := b.health(w); settled[0] || h.Day.Delivered != 0 {
		b.Errorf("settled %v, health %+v", settled, h.Day)
	}
}

func healthWeek(b *Box) {
	w := b.NewWebhook()
	b.sendMany(w, 2)
	b.settleAll(w, signalbox.Delivered, 200, 10*time.Millisecond)
	b.Now = b.Now.Add(2*24*time.Hour + time.Minute)
	b.sendMany(w, 3)
	b.settleAll(w, signalbox.Retrying, 500, 20*time.Millisecond)
	h := b.health(w)
	first, last := h.Hours[len(h.Hours)-1-48], h.Hours[len(h.Hours)-1]
	if len(h.Hours) != 168 || first.Delivered != 2 || first.Failed != 0 || !first.At.Equal(Start) || last.Failed != 3 || last.Delivered != 0 {
		b.Errorf("%d hours, %+v to %+v", len(h.Hours), first, last)
	}
	day, ok := h.Day.Rate()
	week, _ := h.Week.Rate()
	if !ok || day != 0 || week != 0.4 {
		b.Errorf("rates %v and %v, want 0 and 0.4", day, week)
	}
	if _, ok := h.Hours[0].Rate(); ok || h.Hours[0].P95 != 0 {
		b.Errorf("an hour in which nothing happened: %+v", h.Hours[0])
	}
}

func healthTook(b *Box) {
	w := b.NewWebhook()
	b.sendMany(w, 90)
	b.settleAll(w, signalbox.Delivered, 200, 40*time.Millisecond)
	b.sendMany(w, 10)
	b.settleAll(w, signalbox.Retrying, 500, 3*time.Second)
	near := func(got, want time.Duration) bool { return got > want*7/8 && got < want*9/8 }
	if d := b.health(w).Day; !near(d.P50, 40*time.Millisecond) || !near(d.P95, 3*time.Second) {
		b.Errorf("p50 %v and p95 %v, want about 40 ms and 3 s", d.P50, d.P95)
	}
}

func healthPull(b *Box) {
	w := b.NewWebhook(Pull)
	sent := b.sendMany(w, 3)
	if h := b.health(w); h.Pending.N != 3 || !h.Pending.Oldest.Equal(Start) {
		b.Errorf("unread: %+v", h.Pending)
	}
	b.Must(b.DB.AckFeed(b.Context(), b.WS, w.ID, sent[1].Deliveries[0], b.Now))
	h := b.health(w)
	if h.Pending.N != 1 || h.Day.Delivered != 2 || h.Day.P50 != 0 {
		b.Errorf("after reading two: %+v %+v", h.Pending, h.Day)
	}
	if o := b.overview(); o.DeliveredDay != 2 || o.Pending.N != 0 {
		b.Errorf("overview %+v", o)
	}
}

func healthTestCall(b *Box) {
	w := b.NewWebhook()
	b.sendMany(w, 1)
	r := b.Claim(w.ID, 1).Ready[0]
	s := b.delivered(r)
	s.Test = true
	_, err := b.DB.Settle(b.Context(), []signalbox.Settlement{s})
	b.Must(err)
	if h, o := b.health(w), b.overview(); h.Day.Delivered != 0 || h.Day.P50 != 0 || o.DeliveredDay != 0 || !o.FirstDelivery.Equal(Start) {
		b.Errorf("health %+v, overview %+v", h.Day, o)
	}
}

func healthUnknown(b *Box) {
	_, err := b.DB.WebhookHealth(b.Context(), b.WS, 17, b.Now)
	b.WantNoSuch(err, "webhook")
	w := b.NewWebhook()
	_, err = b.DB.WebhookHealth(b.Context(), b.NewWorkspace("other"), w.ID, b.Now)
	b.WantNoSuch(err, "webhook")
}

// talliesRetention: counts go after their days, but those that say when something was the first ever.
func talliesRetention(b *Box) {
	w := b.NewWebhook()
	for range 3 {
		b.sendMany(w, 1)
		b.settleAll(w, signalbox.Delivered, 200, time.Millisecond)
		b.Now = b.Now.Add(time.Minute)
	}
	b.Now = b.Now.AddDate(0, 0, signalbox.TallyDays).Add(-30 * time.Second) // the first two minutes are past their days
	b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	o, h := b.overview(), b.health(w)
	if !o.FirstSignal.Equal(Start) || !o.FirstDelivery.Equal(Start) || h.Week.Delivered != 0 {
		b.Errorf("overview %+v, health %+v", o, h.Week)
	}
	left, err := b.DB.Tallies(b.Context(), b.WS)
	b.Must(err)
	if want := 2 * 2; left != want { // signals and deliveries, of the first and the last minute
		b.Errorf("%d counts are left, want %d", left, want)
	}
}

func pulseMinute(b *Box) {
	b.Send(Sent{}, Sent{}, Sent{}, Sent{})
	b.Now = b.Now.Add(75 * time.Second)
	w := b.NewWebhook()
	b.sendMany(w, 2)
	p, err := b.DB.Pulse(b.Context(), b.WS, b.Now)
	b.Must(err)
	if p.SignalsPerMinute != 2+4*45/60 || p.Pending != 2 {
		b.Errorf("pulse %+v", p)
	}
}
