package storesuite

import (
	"maps"
	"slices"
	"strings"
	"time"

	"signalbox"
)

var recoverTests = map[string]func(*Box){
	"APreviewCountsWhatWasMissedAndNothingElse":  recoverPreview,
	"WhatWasMissedIsPendingAgainWithItsBytes":    recoverAll,
	"AnEventThatNeverWasADeliveryBecomesOneOnce": recoverNever,
	"ItKeepsItsPace":                               recoverPace,
	"WhoCancelsItKeepsBackTheRest":                 recoverCancel,
	"AWebhookThatCannotBeSentToEndsIt":             recoverDisabled,
	"WhatItMadeGoesWithItsEventByAgeAndByErasure":  recoverGone,
	"OnlyTheTimeAndTheEventThatWereAskedForAreHit": recoverFilter,
}

// missed sends four events to a webhook: one fails, one is skipped, one is delivered and one waits. before is one from before it was made.
func (b *Box) missed() (w signalbox.Webhook, before, failed, skipped, delivered, waits Caused) {
	b.Helper()
	acc := b.NewAccount("acme.com", "Acme")
	first := b.NewWebhook()
	before = b.Send(Sent{Account: acc.ID, To: []signalbox.Webhook{first}})[0]
	b.Now = b.Now.Add(time.Minute)
	w = b.NewWebhook()
	list := b.Send(Sent{Account: acc.ID, To: []signalbox.Webhook{w}}, Sent{Account: acc.ID, To: []signalbox.Webhook{w}}, Sent{Account: acc.ID, To: []signalbox.Webhook{w}})
	failed, skipped, delivered = list[0], list[1], list[2]
	for _, r := range b.Claim(w.ID, 10).Ready {
		switch r.Delivery.ID {
		case failed.Deliveries[0]:
			b.Settle(r, signalbox.Failed, "http_500", time.Time{}, 500, "no")
		case skipped.Deliveries[0]:
			b.Settle(r, signalbox.Skipped, signalbox.ReasonDisabled, time.Time{}, 0, "")
		case delivered.Deliveries[0]:
			b.Settle(r, signalbox.Delivered, "", time.Time{}, 200, "yes")
		}
	}
	e, d := b.testCall(w)
	b.Must(b.DB.InsertTest(b.Context(), e, d))
	waits = b.Send(Sent{Account: acc.ID, To: []signalbox.Webhook{w}})[0]
	return w, before, failed, skipped, delivered, waits
}

// recovery asks for everything of all times.
func (b *Box) recovery(include ...signalbox.Missed) signalbox.Recovery {
	if len(include) == 0 {
		include = signalbox.AllMissed()
	}
	return signalbox.Recovery{Include: include, From: Start, To: b.Now, Rate: signalbox.MaxRecoveryRate}
}

// startRecovery adds the job.
func (b *Box) startRecovery(w signalbox.Webhook, r signalbox.Recovery) signalbox.JobID {
	b.Helper()
	j := signalbox.Job{ID: signalbox.JobID(b.ID()), Workspace: b.WS, Subject: int64(w.ID), CreatedAt: b.Now, UpdatedAt: b.Now}
	b.Must(b.DB.CreateRecovery(b.By("ann"), j, r))
	return j.ID
}

// recover runs a recovery to its end, however long that takes.
func (b *Box) recover(w signalbox.Webhook, r signalbox.Recovery) signalbox.Job {
	b.Helper()
	job := b.startRecovery(w, r)
	for range 1000 {
		j, err := b.DB.RunSlice(b.Context(), b.WS, job, b.IDs, b.Now)
		b.Must(err)
		if j.Ended() {
			return j
		}
		b.Now = b.Now.Add(time.Second)
	}
	b.Fatal("the recovery does not end")
	return signalbox.Job{}
}

func recoverPreview(b *Box) {
	w, before, failed, skipped, delivered, _ := b.missed()
	p, err := b.DB.PreviewRecovery(b.Context(), b.WS, w.ID, b.recovery())
	b.Must(err)
	want := map[signalbox.Missed]int{signalbox.MissedFailed: 1, signalbox.MissedSkipped: 1, signalbox.MissedNever: 1, signalbox.MissedNothing: 1}
	if !maps.Equal(p.Counts, want) || p.Matching() != 4 || p.AtLeast {
		b.Fatalf("counted %+v, want %v", p, want)
	}
	var named []signalbox.EventID
	for _, one := range p.First {
		named = append(named, one.Event)
	}
	if wantNamed := []signalbox.EventID{failed.Event, skipped.Event, delivered.Event, before.Event}; !slices.Equal(named, wantNamed) {
		b.Fatalf("named %v, want %v", named, wantNamed)
	}
	if got := p.First[0]; got.Why != signalbox.MissedFailed || got.Delivery != failed.Deliveries[0] || got.EventName != "signal.created" || p.First[3].Delivery != 0 {
		b.Fatalf("named %+v", p.First)
	}
	_, err = b.DB.PreviewRecovery(b.Context(), b.WS, signalbox.WebhookID(b.ID()), b.recovery())
	b.WantNoSuch(err, "webhook")
	_, err = b.DB.PreviewRecovery(b.Context(), b.WS, b.NewWebhook(Pull).ID, b.recovery())
	b.WantCode(err, signalbox.Conflict)
}

func recoverAll(b *Box) {
	w, before, failed, skipped, delivered, waits := b.missed()
	j := b.recover(w, b.recovery(signalbox.MissedFailed, signalbox.MissedSkipped, signalbox.MissedNever))
	if j.Status != signalbox.JobDone || j.Done != 3 || j.Subject != int64(w.ID) || j.Kind != signalbox.JobRecover {
		b.Fatalf("job %+v", j)
	}
	bodies := map[signalbox.EventID]string{}
	for _, r := range b.Claim(w.ID, 10).Ready {
		bodies[r.Event] = string(r.Body)
		if r.Event != waits.Event && (r.State != signalbox.Pending || r.Reason != signalbox.ReasonRecovered || r.Attempts != 0) {
			b.Errorf("claimed %+v", r.Delivery)
		}
	}
	for _, c := range []Caused{before, failed, skipped, waits} {
		if !strings.Contains(bodies[c.Event], `"event":"signal.created"`) {
			b.Errorf("event %d is claimed with %q", c.Event, bodies[c.Event])
		}
	}
	if len(bodies) != 4 || bodies[delivered.Event] != "" {
		b.Errorf("claimed %d events", len(bodies))
	}
	_, list, err := b.DB.Event(b.Context(), b.WS, before.Event)
	b.Must(err)
	if len(list) != 2 || list[1].Webhook != w.ID {
		b.Errorf("the event from before was sent as %+v", list)
	}
	if v := b.Delivery(failed.Deliveries[0]); len(v.Log) != 1 || v.Attempts != 0 {
		b.Errorf("a recovered delivery is %+v: it keeps its log, and counts anew", v)
	}
	entry := b.told()[0]
	if entry.Action != "webhook.recovery_started" || !strings.Contains(string(entry.After), `"include"`) {
		b.Errorf("told %+v", entry)
	}
}

func recoverNever(b *Box) {
	w, before, _, _, _, _ := b.missed()
	if j := b.recover(w, b.recovery(signalbox.MissedNever)); j.Done != 1 {
		b.Fatalf("job %+v", j)
	}
	if j := b.recover(w, b.recovery(signalbox.MissedNever)); j.Done != 0 {
		b.Fatalf("again: job %+v", j)
	}
	other := b.NewWebhook(func(w *signalbox.Webhook) { w.Events = []string{"account.*"} })
	if j := b.recover(other, b.recovery()); j.Done != 0 {
		b.Fatalf("of what it does not name: job %+v", j)
	}
	standard := b.NewWebhook(func(w *signalbox.Webhook) { w.Format = signalbox.FormatStandard })
	if j := b.recover(standard, b.recovery()); j.Done != 5 {
		b.Fatalf("in another format: job %+v", j)
	}
	_, list, err := b.DB.Event(b.Context(), b.WS, before.Event)
	b.Must(err)
	if len(list) != 3 {
		b.Fatalf("the event was sent %d times", len(list))
	}
}

func recoverPace(b *Box) {
	w := b.NewWebhook()
	b.sendMany(w, 30)
	for _, r := range b.Claim(w.ID, 100).Ready {
		b.Settle(r, signalbox.Failed, "http_500", time.Time{}, 500, "")
	}
	r := b.recovery()
	r.Rate = 40
	job := b.startRecovery(w, r)
	for i, want := range []struct {
		wait time.Duration
		done int64
	}{{0, 10}, {0, 10}, {249 * time.Millisecond, 10}, {time.Millisecond, 20}, {time.Second, 30}, {time.Second, 30}} {
		b.Now = b.Now.Add(want.wait)
		j, err := b.DB.RunSlice(b.Context(), b.WS, job, b.IDs, b.Now)
		b.Must(err)
		if j.Done != want.done {
			b.Fatalf("slice %d: %+v, want %d done", i, j, want.done)
		}
	}
}

func recoverCancel(b *Box) {
	w := b.NewWebhook()
	b.sendMany(w, 30)
	for _, r := range b.Claim(w.ID, 100).Ready {
		b.Settle(r, signalbox.Failed, "http_500", time.Time{}, 500, "")
	}
	r := b.recovery()
	r.Rate = 40
	job := b.startRecovery(w, r)
	_, err := b.DB.RunSlice(b.Context(), b.WS, job, b.IDs, b.Now)
	b.Must(err)
	_, err = b.DB.CancelJob(b.Context(), b.WS, job, b.Now)
	b.Must(err)
	b.Now = b.Now.Add(time.Hour)
	j, err := b.DB.RunSlice(b.Context(), b.WS, job, b.IDs, b.Now)
	b.Must(err)
	if j.Status != signalbox.JobCancelled || j.Done != 10 || len(b.walkLog(w.ID, signalbox.DeliveryFilter{State: signalbox.Failed}, 50)) != 20 {
		b.Fatalf("job %+v", j)
	}
}

func recoverDisabled(b *Box) {
	w, _, _, _, _, _ := b.missed()
	job := b.startRecovery(w, b.recovery())
	b.enable(w.ID, false)
	j, err := b.DB.RunSlice(b.Context(), b.WS, job, b.IDs, b.Now)
	b.Must(err)
	if j.Status != signalbox.JobFailed || j.Error != "the webhook is disabled: enable it first" || j.Done != 0 {
		b.Fatalf("job %+v", j)
	}
	err = b.DB.CreateRecovery(b.Context(), signalbox.Job{ID: signalbox.JobID(b.ID()), Workspace: b.WS, Subject: int64(w.ID), CreatedAt: b.Now}, b.recovery())
	b.WantCode(err, signalbox.Conflict)
}

func recoverGone(b *Box) {
	w, before, _, _, _, _ := b.missed()
	b.recover(w, b.recovery(signalbox.MissedNever))
	_, list, err := b.DB.Event(b.Context(), b.WS, before.Event)
	b.Must(err)
	made := list[1].ID
	g, err := b.DB.Signal(b.Context(), b.WS, before.Signal)
	b.Must(err)
	b.erase(signalbox.JobEraseAccount, int64(g.Account))
	if v := b.Delivery(made); v.State != signalbox.Failed || v.Reason != signalbox.ReasonErased || v.Body != nil {
		b.Fatalf("after the erasure it is %+v", v)
	}
	p, err := b.DB.PreviewRecovery(b.Context(), b.WS, w.ID, b.recovery())
	b.Must(err)
	if n := p.Counts[signalbox.MissedNever]; n != 0 {
		b.Fatalf("%d erased events would be sent", n)
	}
	b.Now = b.Now.AddDate(0, 0, signalbox.DefaultEventDays+1)
	b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	_, err = b.DB.Delivery(b.Context(), b.WS, made)
	b.WantNoSuch(err, "delivery")
}

func recoverFilter(b *Box) {
	w, _, _, _, _, _ := b.missed()
	r := b.recovery()
	r.Event = "signal.scored"
	p, err := b.DB.PreviewRecovery(b.Context(), b.WS, w.ID, r)
	b.Must(err)
	if p.Matching() != 0 {
		b.Fatalf("of another event: %+v", p)
	}
	r = b.recovery()
	r.From = b.Now
	if p, err = b.DB.PreviewRecovery(b.Context(), b.WS, w.ID, r); err != nil || p.Matching() != 3 {
		b.Fatalf("of the last minute: %+v, %v, want the three of then", p, err)
	}
	r.From, r.To = Start, Start.Add(time.Second)
	if p, err = b.DB.PreviewRecovery(b.Context(), b.WS, w.ID, r); err != nil || p.Matching() != 1 {
		b.Fatalf("of the first second: %+v, %v, want the one of then", p, err)
	}
}
