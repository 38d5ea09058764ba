package storesuite

import (
	"slices"
	"time"

	"signalbox"
)

var noticeTests = map[string]func(*Box){
	"AFailureHasTheWebhookLookedAtInAnHour":      noticeArmed,
	"TheFirstDeliveryAfterwardsHasItLookedAtNow": noticeHastened,
	"WhatIsKnownOfAWebhookIsHandedToTheJudge":    noticeFares,
	"AJudgementIsKeptAndTold":                    noticeJudged,
	"AWebhookThatIsGoneIsForgotten":              noticeForgotten,
	"ADisabledOneIsSentNothingAndTheLogSaysWhy":  noticeDisabled,
	"ADeliveryWithoutAnAttemptLeftIsTold":        noticeFailed,
	"AnOperationalOneIsNot":                      noticeNoLoop,
	"EachIsToldOnceWithWhatItBecomes":            noticeTold,
	"AMailStaysUntilItIsSettled":                 noticeMail,
	"WhoIsDisabledByHandOrByAnAnswerIsToldOfToo": noticeByHand,
}

// health is when a webhook is to be looked at; zero: it is not.
func (b *Box) healthDue(w signalbox.WebhookID) (at time.Time) {
	b.Helper()
	for _, d := range b.take(b.Now.Add(30*24*time.Hour), 100) {
		b.Must(b.DB.RearmDue(b.Context(), d))
		if d.Kind == signalbox.DueHealth && d.Subject == int64(w) {
			at = d.At
		}
	}
	return at
}

// attempt sends one event to a webhook and settles it.
func (b *Box) attempt(w signalbox.Webhook, ok bool, edit ...func(*signalbox.Settlement)) signalbox.DeliveryID {
	b.Helper()
	dlv := b.Send(Sent{To: []signalbox.Webhook{w}})[0].Deliveries[0]
	ready := b.Claim(w.ID, 100).Ready
	r := ready[slices.IndexFunc(ready, func(r signalbox.Ready) bool { return r.ID == dlv })]
	s := signalbox.Settlement{
		Delivery: dlv, Workspace: b.WS, Webhook: w.ID, Lease: r.Lease, State: signalbox.Delivered, Attempts: 1, EventName: r.EventName,
		Attempt: &signalbox.Attempt{ID: signalbox.AttemptID(b.ID()), Workspace: b.WS, Delivery: dlv, At: b.Now, StatusCode: 200},
	}
	if !ok {
		s.State, s.Reason, s.DueAt, s.Attempt.StatusCode = signalbox.Retrying, "http_500", b.Now.Add(240*time.Hour), 500
	}
	for _, e := range edit {
		e(&s)
	}
	settled, err := b.DB.Settle(b.Context(), []signalbox.Settlement{s})
	b.Must(err)
	if !settled[0] {
		b.Fatalf("delivery %d was not settled", dlv)
	}
	return dlv
}

func failedForGood(s *signalbox.Settlement) { s.State, s.DueAt = signalbox.Failed, time.Time{} }

// judge has a webhook judged and says what the judge was told.
func (b *Box) judge(w signalbox.WebhookID, j signalbox.Judgement) (told []signalbox.Fares) {
	b.Helper()
	_, err := b.DB.JudgeHealth(b.By("system"), b.WS, w, b.Now, b.Now, func(f signalbox.Fares) signalbox.Judgement {
		told = append(told, f)
		return j
	})
	b.Must(err)
	return told
}

// telling tells the workspace's notices and says which there were.
func (b *Box) telling(become func(n signalbox.Told, next func() int64) signalbox.Telling) (told []signalbox.Told, saved signalbox.Telling) {
	b.Helper()
	saved, more, err := b.DB.TellNotices(b.Context(), b.WS, b.IDs, b.Now, func(_ []signalbox.Webhook, n signalbox.Told, next func() int64) signalbox.Telling {
		told = append(told, n)
		return become(n, next)
	})
	b.Must(err)
	if more {
		b.Fatal("there are more than one transaction tells")
	}
	return told, saved
}

func nothing(signalbox.Told, func() int64) signalbox.Telling { return signalbox.Telling{} }

func noticeArmed(b *Box) {
	w := b.NewWebhook()
	b.attempt(w, true)
	if at := b.healthDue(w.ID); !at.IsZero() {
		b.Fatalf("after a delivery it is looked at %v", at)
	}
	b.attempt(w, false)
	want := b.Now.Add(time.Hour)
	b.Now = b.Now.Add(10 * time.Minute)
	b.attempt(w, false)
	if at := b.healthDue(w.ID); !at.Equal(want) {
		b.Fatalf("looked at %v, want an hour behind the first failure, %v", at, want)
	}
}

func noticeHastened(b *Box) {
	w := b.NewWebhook()
	b.attempt(w, false)
	b.Now = b.Now.Add(10 * time.Minute)
	b.attempt(w, true)
	if at := b.healthDue(w.ID); !at.Equal(b.Now.Add(50 * time.Minute)) {
		b.Fatalf("looked at %v", at)
	}
	b.attempt(w, true, func(s *signalbox.Settlement) { s.Recovered = true })
	if at := b.healthDue(w.ID); !at.Equal(b.Now) {
		b.Fatalf("looked at %v, want now", at)
	}
}

func noticeFares(b *Box) {
	w := b.NewWebhook()
	b.attempt(w, false)
	for range 3 {
		b.Now = b.Now.Add(24 * time.Hour)
		b.attempt(w, false)
	}
	delivered := b.Now.Add(time.Minute)
	b.Now = delivered
	b.attempt(w, true)
	b.Now = b.Now.Add(time.Minute)
	b.attempt(w, false)
	missed := b.Now
	b.Now = b.Now.Add(3 * time.Minute)
	f := b.judge(w.ID, signalbox.Judgement{})[0]
	if f.Webhook.ID != w.ID || !f.Armed.Equal(b.Now) || !f.Failing.IsZero() || !f.Delivered.Equal(delivered) || !f.Missed.Equal(missed) || f.MissedDays != 4 {
		b.Fatalf("told %+v", f)
	}
}

func noticeJudged(b *Box) {
	w := b.NewWebhook()
	b.attempt(w, false)
	since, next := b.Now.Add(-time.Hour), b.Now.Add(5*time.Minute)
	b.judge(w.ID, signalbox.Judgement{Failing: since, Tell: signalbox.NoticeFailing, Next: next})
	if at := b.healthDue(w.ID); !at.Equal(next) {
		b.Fatalf("looked at again %v, want %v", at, next)
	}
	told, _ := b.telling(nothing)
	if len(told) != 1 || told[0].Kind != signalbox.NoticeFailing || told[0].About.ID != w.ID || !told[0].Since.Equal(since) || !told[0].At.Equal(b.Now) {
		b.Fatalf("told %+v", told)
	}
	if f := b.judge(w.ID, signalbox.Judgement{Tell: signalbox.NoticeRecovered}); !f[0].Failing.Equal(since) {
		b.Fatalf("the judge was told %+v", f)
	}
	if told, _ := b.telling(nothing); len(told) != 1 || told[0].Kind != signalbox.NoticeRecovered || !told[0].Since.Equal(since) {
		b.Fatalf("told %+v", told)
	}
	if at := b.healthDue(w.ID); !at.IsZero() {
		b.Fatalf("looked at again %v", at)
	}
}

func noticeForgotten(b *Box) {
	w, off := b.NewWebhook(), b.NewWebhook()
	for _, w := range []signalbox.Webhook{w, off} {
		b.attempt(w, false)
		b.judge(w.ID, signalbox.Judgement{Failing: b.Now, Next: b.Now})
	}
	b.deleteWebhook(w.ID)
	b.enable(off.ID, false)
	for _, w := range []signalbox.Webhook{w, off} {
		if f := b.judge(w.ID, signalbox.Judgement{}); len(f) != 0 {
			b.Fatalf("judged %+v", f)
		}
		if at := b.healthDue(w.ID); !at.IsZero() {
			b.Fatalf("looked at again %v", at)
		}
	}
	b.enable(off.ID, true)
	if f := b.judge(off.ID, signalbox.Judgement{}); !f[0].Failing.IsZero() {
		b.Fatalf("it still fails: %+v", f)
	}
}

func noticeDisabled(b *Box) {
	w := b.NewWebhook()
	b.attempt(w, false)
	b.judge(w.ID, signalbox.Judgement{Failing: Start, Next: b.Now})
	b.judge(w.ID, signalbox.Judgement{Disable: true})
	got, err := b.DB.Webhook(b.Context(), b.WS, w.ID)
	b.Must(err)
	if got.Enabled || got.DisabledReason != signalbox.ReasonFailing || got.Revision != w.Revision+1 {
		b.Fatalf("webhook %+v", got)
	}
	entry := b.told()[0]
	if entry.Action != "webhook.updated" || entry.Actor.Name != "system" || string(entry.After) != `{"disabled_reason":"failing_5_days","enabled":false}` {
		b.Fatalf("the audit log says %+v %s", entry, entry.After)
	}
	told, _ := b.telling(nothing)
	if len(told) != 1 || told[0].Kind != signalbox.NoticeDisabled || told[0].Reason != signalbox.ReasonFailing || told[0].About.Enabled {
		b.Fatalf("told %+v", told)
	}
}

func noticeFailed(b *Box) {
	w := b.NewWebhook()
	dlv := b.attempt(w, false, failedForGood)
	b.attempt(w, false)
	b.attempt(w, false, failedForGood, func(s *signalbox.Settlement) { s.Attempt.Manual = true })
	b.attempt(w, false, failedForGood, func(s *signalbox.Settlement) { s.Test = true })
	told, _ := b.telling(nothing)
	if len(told) != 1 || told[0].Kind != signalbox.NoticeFailed || told[0].Delivery.ID != dlv || told[0].Reason != "http_500" || told[0].Delivery.Attempts != 1 {
		b.Fatalf("told %+v", told)
	}
}

func noticeNoLoop(b *Box) {
	w := b.NewWebhook()
	b.attempt(w, false, failedForGood, func(s *signalbox.Settlement) { s.EventName = "delivery.failed" })
	if told, _ := b.telling(nothing); len(told) != 0 {
		b.Fatalf("told %+v", told)
	}
}

func noticeTold(b *Box) {
	w, listener := b.NewWebhook(), b.NewWebhook()
	b.attempt(w, false, failedForGood)
	b.attempt(w, false, failedForGood)
	gone := b.NewWebhook()
	b.attempt(gone, false, failedForGood)
	b.deleteWebhook(gone.ID)
	told, saved := b.telling(func(n signalbox.Told, next func() int64) signalbox.Telling {
		e := signalbox.Event{ID: signalbox.EventID(next()), Workspace: b.WS, Name: "delivery.failed", Bodies: signalbox.Bodies{Stairoids: []byte(`{"n":1}`)}, CreatedAt: b.Now}
		d := signalbox.Born(&listener, &e, signalbox.DeliveryID(next()), b.Now)
		e.CausedTo = int64(d.ID)
		return signalbox.Telling{
			Events: []signalbox.Event{e}, Deliveries: []signalbox.NewDelivery{{Delivery: d}},
			Mails: []signalbox.Mail{{ID: signalbox.MailID(next()), Workspace: b.WS, To: "ada@example.com", Subject: "s", Body: "b", CreatedAt: b.Now}},
		}
	})
	if len(told) != 2 || len(saved.Events) != 2 || len(saved.Mails) != 2 {
		b.Fatalf("told %d, saved %+v; the deleted webhook's is passed over", len(told), saved)
	}
	if c := b.Claim(listener.ID, 10); len(c.Ready) != 2 || string(c.Ready[0].Body) != `{"n":1}` {
		b.Fatalf("claimed %+v", c)
	}
	if again, _ := b.telling(nothing); len(again) != 0 {
		b.Fatalf("told again: %+v", again)
	}
	b.decide(signalbox.Need{}, func(s *signalbox.Situation) *signalbox.Decision {
		if last := s.Heads[b.WS].LastID; last < int64(saved.Mails[1].ID) {
			b.Errorf("the head's last id %d is below what was saved", last)
		}
		return &signalbox.Decision{}
	})
	for _, d := range b.dueOf(signalbox.DueNotices) {
		b.Errorf("there is nothing left to tell, and %+v is due", d)
	}
}

func noticeMail(b *Box) {
	b.attempt(b.NewWebhook(), false, failedForGood)
	_, saved := b.telling(func(_ signalbox.Told, next func() int64) signalbox.Telling {
		return signalbox.Telling{Mails: []signalbox.Mail{{ID: signalbox.MailID(next()), Workspace: b.WS, To: "ada@example.com", Subject: "s", Body: "b", CreatedAt: b.Now}}}
	})
	m := saved.Mails[0]
	got, err := b.DB.Mail(b.Context(), b.WS, m.ID)
	b.Must(err)
	b.same(got, m)
	if due := b.dueOf(signalbox.DueMail); len(due) != 1 || due[0].Subject != int64(m.ID) {
		b.Fatalf("due %+v", due)
	}
	b.Must(b.DB.SettleMail(b.Context(), b.WS, m.ID, b.Now.Add(time.Minute)))
	b.Now = b.Now.Add(time.Minute)
	if got, err = b.DB.Mail(b.Context(), b.WS, m.ID); err != nil || got.Attempts != 1 || len(b.dueOf(signalbox.DueMail)) != 1 {
		b.Fatalf("after a failure %+v, %v", got, err)
	}
	b.Must(b.DB.SettleMail(b.Context(), b.WS, m.ID, time.Time{}))
	_, err = b.DB.Mail(b.Context(), b.WS, m.ID)
	b.WantNoSuch(err, "mail")
	b.Now = b.Now.Add(time.Hour)
	if due := b.dueOf(signalbox.DueMail); len(due) != 0 {
		b.Fatalf("due %+v", due)
	}
}

func noticeByHand(b *Box) {
	w, gone := b.NewWebhook(), b.NewWebhook()
	b.enable(w.ID, false)
	b.attempt(gone, false, failedForGood, func(s *signalbox.Settlement) { s.DisableWebhook = "gone_410" })
	told, _ := b.telling(nothing)
	var disabled []signalbox.WebhookID
	for _, n := range told {
		if n.Kind == signalbox.NoticeDisabled {
			disabled = append(disabled, n.Webhook)
		}
	}
	if slices.Sort(disabled); !slices.Equal(disabled, []signalbox.WebhookID{w.ID, gone.ID}) {
		b.Fatalf("told %+v", told)
	}
	if entry := b.told()[0]; entry.Actor.Type != signalbox.ActorSystem || entry.Action != "webhook.updated" {
		b.Fatalf("the audit log says %+v", entry)
	}
}
