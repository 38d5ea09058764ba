package storesuite

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"signalbox"
)

var webhookTests = map[string]func(*Box){
	"AllFieldsComeBack":                webhookFields,
	"AWorkspaceHasAtMostMaxWebhooks":   webhookMost,
	"PagesAndTotal":                    webhookPages,
	"EnablingMakesItsLaneDue":          webhookEnable,
	"EachChangeIsInForceAtOnce":        webhookVersion,
	"ADeletedOneAnswersAsUnknown":      webhookDeleted,
	"ADeletedOnesDeliveriesAreFailed":  webhookClosed,
	"AnUnreadPullWebhookIsClosedToo":   webhookClosedPull,
	"ClosingCannotBeCancelled":         webhookCloseCancel,
	"ADeliveryOutlivesItsWebhook":      webhookOutlived,
	"APullWebhookIsNotMadeDueByEnable": webhookEnablePull,
	"ATestCallIsItsCallersToSend":      webhookTestCall,
	"ATestCallNeedsItsWebhook":         webhookTestCallForeign,
	"AnEventTellsWhomItWasFor":         webhookEvent,
}

func webhookFields(b *Box) {
	want := b.NewWebhook(func(w *signalbox.Webhook) {
		w.Events, w.Label, w.Description = []string{"signal.created", "account.*"}, "CRM", "to the CRM"
		w.Format, w.SignatureFormat = signalbox.FormatStandard, signalbox.SignaturePrefixed
		w.SealedSecret, w.SealedHeaders, w.HeaderNames = []byte{0, 1, 255}, []byte("sealed"), []string{"X-Team"}
		w.MaxInFlight, w.Enabled, w.DisabledReason, w.Temporary, w.LastReadAt = 3, false, "by hand", true, b.Now
		w.RatePerSecond, w.RetrySchedule = 7, []time.Duration{time.Second, time.Hour}
		w.SealedPrevious, w.PreviousUntil, w.VendorPrevious = []byte{2}, b.Now.Add(time.Hour), true
		w.SealedKey, w.SealedOldKey, w.PublicKey = []byte{3, 0}, []byte{4}, "whpk_x"
		w.Filter = []byte(`{"all":[]}`)
	})
	got, err := b.DB.Webhook(b.Context(), b.WS, want.ID)
	b.Must(err)
	if !reflect.DeepEqual(got, want) {
		b.Fatalf("read\n%+v, want\n%+v", got, want)
	}
}

func webhookMost(b *Box) {
	for i := range signalbox.MaxWebhooks {
		b.NewWebhook(func(w *signalbox.Webhook) { w.Label, w.Format = fmt.Sprint(i), signalbox.Formats()[i%4] })
	}
	extra := signalbox.Webhook{ID: signalbox.WebhookID(b.ID()), Workspace: b.WS, Kind: signalbox.KindPull, Format: signalbox.FormatStandard, CreatedAt: b.Now, UpdatedAt: b.Now}
	b.WantCode(b.DB.CreateWebhook(b.Context(), extra), signalbox.Conflict)
	of, ofTotal, _, err := b.DB.WebhooksOf(b.Context(), b.WS, signalbox.FormatStackOne, signalbox.Page{Limit: 3})
	b.Must(err)
	for _, w := range of {
		if w.Format != signalbox.FormatStackOne {
			b.Fatalf("among those of a format is %+v", w)
		}
	}
	if len(of) != 3 || ofTotal != signalbox.MaxWebhooks/4 {
		b.Fatalf("of a format there are %d, and %d of 3 are listed", ofTotal, len(of))
	}
	list, total, _, err := b.DB.Webhooks(b.Context(), b.WS, signalbox.Page{Limit: 1})
	b.Must(err)
	if len(list) != 1 || total != signalbox.MaxWebhooks {
		b.Fatalf("%d of %d, want 1 of %d", len(list), total, signalbox.MaxWebhooks)
	}
	b.Must(b.DB.DeleteWebhook(b.Context(), b.WS, list[0].ID, b.Now, signalbox.Job{ID: signalbox.JobID(b.ID()), CreatedAt: b.Now}))
	b.Must(b.DB.CreateWebhook(b.Context(), extra))
}

func webhookPages(b *Box) {
	var want []signalbox.WebhookID
	for range 5 {
		want = append([]signalbox.WebhookID{b.NewWebhook().ID}, want...)
	}
	var got []signalbox.WebhookID
	for before, pages := int64(0), 0; pages == 0 || before != 0; pages++ {
		list, total, next, err := b.DB.Webhooks(b.Context(), b.WS, signalbox.Page{Limit: 2, Before: before})
		b.Must(err)
		if total != 5 {
			b.Fatalf("total %d, want 5", total)
		}
		for _, w := range list {
			got = append(got, w.ID)
		}
		before = next
	}
	if !reflect.DeepEqual(got, want) {
		b.Fatalf("pages hold %v, want %v", got, want)
	}
}

func webhookEnable(b *Box) {
	w := b.NewWebhook()
	sent := b.Send(Sent{To: []signalbox.Webhook{w}})[0]
	off, err := b.DB.UpdateWebhook(b.Context(), b.WS, w.ID, b.Now, func(w *signalbox.Webhook) error {
		w.Enabled, w.DisabledReason = false, "by hand"
		return nil
	})
	b.Must(err)
	if c := b.Claim(w.ID, 10); off.DisabledReason != "by hand" || c.Webhook != nil || len(c.Ready) != 0 {
		b.Fatalf("disabled: %+v claimed %+v", off, c)
	}
	b.Now = b.Now.Add(time.Hour)
	on, err := b.DB.UpdateWebhook(b.Context(), b.WS, w.ID, b.Now, func(w *signalbox.Webhook) error { w.Enabled = true; return nil })
	b.Must(err)
	due := b.dueOf(signalbox.DueLane)
	if on.DisabledReason != "" || len(due) != 1 || due[0].Kind != signalbox.DueLane || due[0].Subject != int64(w.ID) || !due[0].At.Equal(b.Now) {
		b.Fatalf("enabled: %+v, due %+v", on, due)
	}
	if c := b.Claim(w.ID, 10); len(c.Ready) != 1 || c.Ready[0].ID != sent.Deliveries[0] {
		b.Fatalf("claimed %+v, want %v", c, sent.Deliveries)
	}
}

func webhookEnablePull(b *Box) {
	w := b.NewWebhook(Pull, func(w *signalbox.Webhook) { w.Enabled = false })
	_, err := b.DB.UpdateWebhook(b.Context(), b.WS, w.ID, b.Now, func(w *signalbox.Webhook) error { w.Enabled = true; return nil })
	b.Must(err)
	due, err := b.DB.TakeDue(b.Context(), b.Lease, b.Now, 10)
	b.Must(err)
	if len(due) != 0 {
		b.Fatalf("due %+v, want nothing: nobody sends to it", due)
	}
}

func webhookVersion(b *Box) {
	version := func() int64 {
		d, err := b.DB.Definitions(b.Context(), b.WS)
		b.Must(err)
		return d.Version
	}
	v := version()
	w := b.NewWebhook()
	if got := version(); got != v+1 {
		b.Fatalf("version %d after creating, want %d", got, v+1)
	}
	got, err := b.DB.UpdateWebhook(b.Context(), b.WS, w.ID, b.Now, func(w *signalbox.Webhook) error {
		w.URL, w.Kind, w.ID = "https://example.com/new", signalbox.KindPull, 1
		return nil
	})
	b.Must(err)
	if got.ID != w.ID || got.Kind != signalbox.KindPush || got.Revision != 2 || version() != v+2 {
		b.Fatalf("updated %+v, version %d", got, version())
	}
	b.Must(b.DB.DeleteWebhook(b.Context(), b.WS, w.ID, b.Now, signalbox.Job{ID: signalbox.JobID(b.ID()), CreatedAt: b.Now}))
	d, err := b.DB.Definitions(b.Context(), b.WS)
	b.Must(err)
	if d.Version != v+3 || len(d.Webhooks) != 0 {
		b.Fatalf("after deleting: version %d, webhooks %+v", d.Version, d.Webhooks)
	}
}

// deleteWebhook deletes a webhook and answers the job that closes it.
func (b *Box) deleteWebhook(w signalbox.WebhookID) signalbox.JobID {
	b.Helper()
	job := signalbox.JobID(b.ID())
	b.Must(b.DB.DeleteWebhook(b.Context(), b.WS, w, b.Now, signalbox.Job{ID: job, CreatedAt: b.Now}))
	return job
}

func webhookDeleted(b *Box) {
	w := b.NewWebhook()
	b.Send(Sent{To: []signalbox.Webhook{w}})
	b.deleteWebhook(w.ID)
	_, err := b.DB.Webhook(b.Context(), b.WS, w.ID)
	b.WantNoSuch(err, "webhook")
	_, err = b.DB.UpdateWebhook(b.Context(), b.WS, w.ID, b.Now, func(*signalbox.Webhook) error { return nil })
	b.WantNoSuch(err, "webhook")
	_, _, err = b.DB.Deliveries(b.Context(), b.WS, w.ID, signalbox.DeliveryFilter{}, signalbox.Page{})
	b.WantNoSuch(err, "webhook")
	_, err = b.DB.Feed(b.Context(), b.WS, w.ID, 0, 10)
	b.WantNoSuch(err, "webhook")
	b.WantNoSuch(b.DB.DeleteWebhook(b.Context(), b.WS, w.ID, b.Now, signalbox.Job{ID: signalbox.JobID(b.ID()), CreatedAt: b.Now}), "webhook")
	list, total, _, err := b.DB.Webhooks(b.Context(), b.WS, signalbox.Page{})
	b.Must(err)
	if c := b.Claim(w.ID, 10); len(list) != 0 || total != 0 || c.Webhook != nil || len(c.Ready) != 0 {
		b.Fatalf("list %+v (%d), claimed %+v: want nothing", list, total, c)
	}
}

func webhookClosed(b *Box) {
	w, other := b.NewWebhook(), b.NewWebhook()
	var list []Sent
	for range 1200 {
		list = append(list, Sent{To: []signalbox.Webhook{w}})
	}
	sent := b.Send(list...)
	kept := b.Send(Sent{To: []signalbox.Webhook{other}})[0]
	ready := b.Claim(w.ID, 2).Ready
	b.Settle(ready[0], signalbox.Delivered, "", time.Time{}, 200, "ok")
	j, slices := b.RunJob(b.deleteWebhook(w.ID))
	if j.Status != signalbox.JobDone || j.Kind != signalbox.JobCloseWebhook || j.Subject != int64(w.ID) || j.Done != 1199 || slices != 2 {
		b.Fatalf("job after %d slices: %+v", slices, j)
	}
	if v := b.Delivery(ready[0].ID); v.State != signalbox.Delivered {
		b.Fatalf("a delivered one became %s", v.State)
	}
	if v := b.Delivery(sent[1100].Deliveries[0]); v.State != signalbox.Failed || v.Reason != signalbox.ReasonDeleted || !v.DueAt.IsZero() || !v.DoneAt.Equal(b.Now) {
		b.Fatalf("an open one became %+v", v.Delivery)
	}
	if v := b.Delivery(kept.Deliveries[0]); v.State != signalbox.Pending {
		b.Fatalf("another webhook's became %+v", v.Delivery)
	}
	ok, err := b.DB.Settle(b.Context(), []signalbox.Settlement{{Delivery: ready[1].ID, Workspace: b.WS, Webhook: w.ID, Lease: ready[1].Lease, State: signalbox.Delivered}})
	b.Must(err)
	if ok[0] {
		b.Fatal("a settle after the closing was taken")
	}
}

func webhookClosedPull(b *Box) {
	w := b.NewWebhook(Pull)
	sent := b.Send(Sent{To: []signalbox.Webhook{w}})[0]
	j, _ := b.RunJob(b.deleteWebhook(w.ID))
	if v := b.Delivery(sent.Deliveries[0]); j.Done != 1 || v.State != signalbox.Failed || v.Reason != signalbox.ReasonDeleted {
		b.Fatalf("job %+v, delivery %+v", j, v.Delivery)
	}
}

func webhookCloseCancel(b *Box) {
	job := b.deleteWebhook(b.NewWebhook().ID)
	_, err := b.DB.CancelJob(b.Context(), b.WS, job, b.Now)
	b.WantCode(err, signalbox.Conflict)
}

func webhookOutlived(b *Box) {
	w := b.NewWebhook()
	sent := b.Send(Sent{To: []signalbox.Webhook{w}})[0]
	b.deleteWebhook(w.ID)
	if v := b.Delivery(sent.Deliveries[0]); v.URL != w.URL || v.Format != w.Format {
		b.Fatalf("delivery of a deleted webhook: %+v", v)
	}
}

// testCall makes what a test call inserts.
func (b *Box) testCall(w signalbox.Webhook) (signalbox.Event, signalbox.NewDelivery) {
	e := signalbox.Event{
		ID: signalbox.EventID(b.ID()), Workspace: b.WS, Name: "signal.created", Bodies: signalbox.Bodies{Stairoids: []byte(`{"test":true}`)}, Test: true, CreatedAt: b.Now,
	}
	n := b.newDelivery(&e, &w)
	n.Test, n.Lease = true, b.Lease
	return e, n
}

func webhookTestCall(b *Box) {
	w := b.NewWebhook()
	e, n := b.testCall(w)
	b.Must(b.DB.InsertTest(b.Context(), e, n))
	if c := b.Claim(w.ID, 10); len(c.Ready) != 0 {
		b.Fatalf("the lane claimed it too: %+v", c.Ready)
	}
	b.decide(signalbox.Need{}, func(s *signalbox.Situation) *signalbox.Decision {
		if last := s.Heads[b.WS].LastID; last < int64(n.ID) {
			b.Errorf("the head's last id %d is below the delivery's %d", last, n.ID)
		}
		return &signalbox.Decision{}
	})
	b.Settle(signalbox.Ready{Delivery: n.Delivery, Lease: b.Lease}, signalbox.Failed, "http_500", time.Time{}, 500, "no")
	v := b.Delivery(n.ID)
	if !v.Test || v.State != signalbox.Failed || string(v.Body) != `{"test":true}` || len(v.Log) != 1 {
		b.Fatalf("view %+v", v)
	}
	_, err := b.DB.RetryDelivery(b.Context(), b.WS, n.ID, b.Now)
	b.WantCode(err, signalbox.Conflict)
}

func webhookTestCallForeign(b *Box) {
	w := b.NewWebhook()
	b.WS = b.NewWorkspace("other")
	e, n := b.testCall(w)
	b.WantNoSuch(b.DB.InsertTest(b.Context(), e, n), "webhook")
	_, err := b.DB.Delivery(b.Context(), b.WS, n.ID)
	b.WantNoSuch(err, "delivery")
}

func webhookEvent(b *Box) {
	first, second := b.NewWebhook(), b.NewWebhook()
	all := b.Send(Sent{To: []signalbox.Webhook{first, second}}, Sent{To: []signalbox.Webhook{second}})
	for i, sent := range all {
		e, list, err := b.DB.Event(b.Context(), b.WS, sent.Event)
		b.Must(err)
		if e.ID != sent.Event || e.Signal != sent.Signal || e.Name != "signal.created" || !e.CreatedAt.Equal(b.Now) || e.Bodies.Stairoids == nil {
			b.Errorf("event %d reads %+v", i, e)
		}
		var ids []signalbox.DeliveryID
		for _, d := range list {
			ids = append(ids, d.ID)
		}
		if !slices.Equal(ids, sent.Deliveries) {
			b.Errorf("event %d has the deliveries %v, want %v", i, ids, sent.Deliveries)
		}
	}
	_, _, err := b.DB.Event(b.Context(), b.WS, signalbox.EventID(b.ID()))
	b.WantNoSuch(err, "event")
	_, _, err = b.DB.Event(b.Context(), b.NewWorkspace("other"), all[0].Event)
	b.WantNoSuch(err, "event")
}
