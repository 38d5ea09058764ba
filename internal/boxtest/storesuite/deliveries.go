package storesuite

import (
	"reflect"
	"time"

	"signalbox"
)

var deliveryTests = map[string]func(*Box){
	"TheLogIsPagedNewestFirst":             deliveryPages,
	"FiltersNarrowTheLog":                  deliveryFilters,
	"PendingOnesAreFoundAmongOthers":       deliveryPending,
	"AFilterFindsWhatLiesFarBack":          deliveryFarBack,
	"OneShowsItsAttemptsAndBytes":          deliveryView,
	"ARetryByHandGoesNow":                  retryNow,
	"ARetryRemembersWhatToGoBackTo":        retryResume,
	"ARetryOfADeliveredOneIsSentAgain":     retryDelivered,
	"ARetryOfASkippedOneIsSent":            retrySkipped,
	"ARetryDuringAnAttemptIsRefused":       retryInFlight,
	"ALostLeaseDoesNotRefuseARetry":        retryLostLease,
	"ARetryThatCannotBeSentIsRefused":      retryRefused,
	"ARetryAfterTheEventIsErasedIsRefused": retryErased,
}

// walkLog collects a webhook's delivery log page by page.
func (b *Box) walkLog(w signalbox.WebhookID, f signalbox.DeliveryFilter, limit int) (ids []signalbox.DeliveryID) {
	b.Helper()
	for before := int64(0); ; {
		list, next, err := b.DB.Deliveries(b.Context(), b.WS, w, f, signalbox.Page{Limit: limit, Before: before})
		b.Must(err)
		for _, d := range list {
			ids = append(ids, d.ID)
		}
		if before = next; next == 0 {
			return ids
		}
	}
}

func deliveryPages(b *Box) {
	w, other := b.NewWebhook(), b.NewWebhook()
	var want []signalbox.DeliveryID
	for range 7 {
		want = append(b.Send(Sent{To: []signalbox.Webhook{w, other}})[0].Deliveries[:1:1], want...)
	}
	first, next, err := b.DB.Deliveries(b.Context(), b.WS, w.ID, signalbox.DeliveryFilter{}, signalbox.Page{Limit: 3})
	b.Must(err)
	b.Send(Sent{To: []signalbox.Webhook{w}}) // must not move what follows
	rest, last, err := b.DB.Deliveries(b.Context(), b.WS, w.ID, signalbox.DeliveryFilter{}, signalbox.Page{Limit: 4, Before: next})
	b.Must(err)
	var got []signalbox.DeliveryID
	for _, d := range append(first, rest...) {
		got = append(got, d.ID)
	}
	if !reflect.DeepEqual(got, want) || last != 0 {
		b.Fatalf("pages hold %v (next %d), want %v", got, last, want)
	}
}

func deliveryFilters(b *Box) {
	w := b.NewWebhook()
	var sent []signalbox.DeliveryID
	for range 4 {
		b.Now = b.Now.Add(time.Minute)
		sent = append(sent, b.Send(Sent{To: []signalbox.Webhook{w}})[0].Deliveries...)
	}
	ready := b.Claim(w.ID, 3).Ready
	b.Settle(ready[0], signalbox.Delivered, "", time.Time{}, 200, "")
	b.Settle(ready[1], signalbox.Failed, "http_500", time.Time{}, 500, "")
	b.Settle(ready[2], signalbox.Retrying, "http_500", b.Now.Add(time.Minute), 500, "")
	minute := func(n int) time.Time { return Start.Add(time.Duration(n) * time.Minute) }
	for name, c := range map[string]struct {
		f    signalbox.DeliveryFilter
		want []signalbox.DeliveryID
	}{
		"delivered":     {signalbox.DeliveryFilter{State: signalbox.Delivered}, sent[0:1]},
		"failed":        {signalbox.DeliveryFilter{State: signalbox.Failed}, sent[1:2]},
		"retrying":      {signalbox.DeliveryFilter{State: signalbox.Retrying}, sent[2:3]},
		"pending":       {signalbox.DeliveryFilter{State: signalbox.Pending}, sent[3:4]},
		"skipped":       {signalbox.DeliveryFilter{State: signalbox.Skipped}, nil},
		"event":         {signalbox.DeliveryFilter{Event: "signal.created", From: minute(4)}, sent[3:4]},
		"other event":   {signalbox.DeliveryFilter{Event: "signal.scored"}, nil},
		"from":          {signalbox.DeliveryFilter{From: minute(4)}, sent[3:4]},
		"to":            {signalbox.DeliveryFilter{To: minute(1)}, sent[0:1]},
		"between":       {signalbox.DeliveryFilter{From: minute(2), To: minute(2)}, sent[1:2]},
		"state in time": {signalbox.DeliveryFilter{State: signalbox.Failed, From: minute(3)}, nil},
	} {
		if got := b.walkLog(w.ID, c.f, 1); !reflect.DeepEqual(got, c.want) {
			b.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// deliveryPending: what waits is found page by page, be it to be sent or to be read, and however much is retried or was delivered after it.
func deliveryPending(b *Box) {
	push, pull := b.NewWebhook(), b.NewWebhook(Pull)
	for name, w := range map[string]signalbox.Webhook{"sent": push, "read": pull} {
		var want []signalbox.DeliveryID
		for range 5 {
			want = append(b.Send(Sent{To: []signalbox.Webhook{w}})[0].Deliveries[:1:1], want...)
		}
		if w.Kind == signalbox.KindPush { // the two oldest are taken
			ready := b.Claim(w.ID, 2).Ready
			b.Settle(ready[0], signalbox.Retrying, "http_500", b.Now.Add(time.Minute), 500, "")
			b.Settle(ready[1], signalbox.Delivered, "", time.Time{}, 200, "")
		} else {
			b.Must(b.DB.AckFeed(b.Context(), b.WS, w.ID, want[3], b.Now))
		}
		for limit := 1; limit <= 4; limit++ {
			if got := b.walkLog(w.ID, signalbox.DeliveryFilter{State: signalbox.Pending}, limit); !reflect.DeepEqual(got, want[:3]) {
				b.Errorf("waiting to be %s, by %d: %v, want %v", name, limit, got, want[:3])
			}
		}
	}
}

// deliveryFarBack: a filtered list reads slice after slice until it finds what it looks for.
func deliveryFarBack(b *Box) {
	w := b.NewWebhook()
	first := b.Send(Sent{To: []signalbox.Webhook{w}})[0].Deliveries
	b.Now = b.Now.Add(time.Minute)
	list := make([]Sent, 2500)
	for i := range list {
		list[i].To = []signalbox.Webhook{w}
	}
	b.Send(list...)
	if got := b.walkLog(w.ID, signalbox.DeliveryFilter{To: Start}, 10); !reflect.DeepEqual(got, first) {
		b.Fatalf("found %v, want %v", got, first)
	}
}

func deliveryView(b *Box) {
	w := b.NewWebhook(func(w *signalbox.Webhook) { w.Format = signalbox.FormatStandard })
	sent := b.Send(Sent{To: []signalbox.Webhook{w}, Body: `{"a":1}`})[0]
	r := b.Claim(w.ID, 1).Ready[0]
	again := b.Now.Add(time.Minute)
	b.Settle(r, signalbox.Retrying, "http_503", again, 503, "busy")
	b.Now = again
	r = b.Claim(w.ID, 1).Ready[0]
	b.Settle(r, signalbox.Delivered, "", time.Time{}, 200, "thanks")
	v := b.Delivery(sent.Deliveries[0])
	if v.URL != w.URL || v.Format != w.Format || string(v.Body) != `{"a":1}` || v.State != signalbox.Delivered || v.Attempts != 2 || v.DoneAt.IsZero() {
		b.Fatalf("view %+v", v)
	}
	if len(v.Log) != 2 || v.Log[0].StatusCode != 503 || string(v.Log[1].Body) != "thanks" || string(v.Log[0].Headers) != `{"X-Answer":"busy"}` ||
		v.Log[0].ID >= v.Log[1].ID || v.Log[1].Duration != 3*time.Millisecond || v.Log[1].RemoteAddr != "192.0.2.1:443" {
		b.Fatalf("attempts %+v", v.Log)
	}
}

// failed makes a delivery that has failed for good.
func (b *Box) failed(w signalbox.Webhook) signalbox.Delivery {
	b.Helper()
	sent := b.Send(Sent{To: []signalbox.Webhook{w}})[0]
	b.Settle(b.Claim(w.ID, 1).Ready[0], signalbox.Failed, "http_500", time.Time{}, 500, "no")
	return b.Delivery(sent.Deliveries[0]).Delivery
}

func retryNow(b *Box) {
	w := b.NewWebhook()
	d := b.failed(w)
	b.Now = b.Now.Add(time.Hour)
	got, err := b.DB.RetryDelivery(b.Context(), b.WS, d.ID, b.Now)
	b.Must(err)
	want := d
	want.State, want.Reason, want.DueAt, want.DoneAt = signalbox.Retrying, signalbox.ReasonManual, b.Now, time.Time{}
	want.Manual = &signalbox.Resume{State: signalbox.Failed, Reason: "http_500"}
	if stored := b.Delivery(d.ID).Delivery; !reflect.DeepEqual(got, want) || !reflect.DeepEqual(stored, want) {
		b.Fatalf("answered\n%+v, stored\n%+v, want\n%+v", got, stored, want)
	}
	due := b.dueOf(signalbox.DueLane)
	if len(due) != 1 || due[0].Subject != int64(w.ID) {
		b.Fatalf("due %+v, want the lane", due)
	}
	c := b.Claim(w.ID, 10)
	if len(c.Ready) != 1 || !reflect.DeepEqual(c.Ready[0].Delivery, want) {
		b.Fatalf("claimed %+v", c.Ready)
	}
}

// retryResume: asked for twice before it is made, the attempt goes back to what was before the first asking.
func retryResume(b *Box) {
	w := b.NewWebhook()
	sent := b.Send(Sent{To: []signalbox.Webhook{w}})[0]
	later := b.Now.Add(2 * time.Hour)
	b.Settle(b.Claim(w.ID, 1).Ready[0], signalbox.Retrying, "http_500", later, 500, "no")
	for range 2 {
		b.Now = b.Now.Add(time.Minute)
		_, err := b.DB.RetryDelivery(b.Context(), b.WS, sent.Deliveries[0], b.Now)
		b.Must(err)
	}
	r := b.Claim(w.ID, 1).Ready[0]
	if want := (signalbox.Resume{State: signalbox.Retrying, Reason: "http_500", DueAt: later}); r.Manual == nil || *r.Manual != want || !r.DueAt.Equal(b.Now) {
		b.Fatalf("claimed %+v, manual %+v, want %+v", r.Delivery, r.Manual, want)
	}
	b.Settle(r, r.Manual.State, r.Manual.Reason, r.Manual.DueAt, 500, "no")
	if v := b.Delivery(r.ID); v.Manual != nil || v.State != signalbox.Retrying || !v.DueAt.Equal(later) || !v.Log[1].Manual {
		b.Fatalf("after it failed: %+v", v)
	}
}

func retryDelivered(b *Box) {
	w := b.NewWebhook()
	sent := b.Send(Sent{To: []signalbox.Webhook{w}})[0]
	b.Settle(b.Claim(w.ID, 1).Ready[0], signalbox.Delivered, "", time.Time{}, 200, "")
	_, err := b.DB.RetryDelivery(b.Context(), b.WS, sent.Deliveries[0], b.Now)
	b.Must(err)
	if c := b.Claim(w.ID, 1); len(c.Ready) != 1 || c.Ready[0].Manual.State != signalbox.Delivered {
		b.Fatalf("claimed %+v", c.Ready)
	}
}

func retrySkipped(b *Box) {
	w := b.NewWebhook(func(w *signalbox.Webhook) { w.Enabled = false })
	sent := b.Send(Sent{To: []signalbox.Webhook{w}})[0]
	_, err := b.DB.RetryDelivery(b.Context(), b.WS, sent.Deliveries[0], b.Now)
	b.WantCode(err, signalbox.Conflict) // disabled still
	_, err = b.DB.UpdateWebhook(b.Context(), b.WS, w.ID, b.Now, func(w *signalbox.Webhook) error { w.Enabled = true; return nil })
	b.Must(err)
	if c := b.Claim(w.ID, 1); len(c.Ready) != 0 {
		b.Fatalf("enabling sent what was skipped: %+v", c.Ready)
	}
	_, err = b.DB.RetryDelivery(b.Context(), b.WS, sent.Deliveries[0], b.Now)
	b.Must(err)
	if c := b.Claim(w.ID, 1); len(c.Ready) != 1 || c.Ready[0].Manual.State != signalbox.Skipped {
		b.Fatalf("claimed %+v", c.Ready)
	}
}

func retryInFlight(b *Box) {
	w := b.NewWebhook()
	sent := b.Send(Sent{To: []signalbox.Webhook{w}})[0]
	b.Claim(w.ID, 1)
	_, err := b.DB.RetryDelivery(b.Context(), b.WS, sent.Deliveries[0], b.Now)
	b.WantCode(err, signalbox.Conflict)
}

func retryLostLease(b *Box) {
	w := b.NewWebhook()
	sent := b.Send(Sent{To: []signalbox.Webhook{w}})[0]
	b.Claim(w.ID, 1)
	var err error
	b.Lease, err = b.DB.JoinNode(b.Context(), "suite", b.Now)
	b.Must(err)
	_, err = b.DB.RetryDelivery(b.Context(), b.WS, sent.Deliveries[0], b.Now)
	b.Must(err)
	if c := b.Claim(w.ID, 1); len(c.Ready) != 1 || c.Ready[0].Manual == nil {
		b.Fatalf("claimed %+v", c.Ready)
	}
}

func retryRefused(b *Box) {
	pull := b.NewWebhook(Pull)
	unread := b.Send(Sent{To: []signalbox.Webhook{pull}})[0].Deliveries[0]
	gone := b.NewWebhook()
	lost := b.failed(gone)
	b.deleteWebhook(gone.ID)
	off := b.NewWebhook()
	waits := b.failed(off)
	_, err := b.DB.UpdateWebhook(b.Context(), b.WS, off.ID, b.Now, func(w *signalbox.Webhook) error { w.Enabled = false; return nil })
	b.Must(err)
	for name, dlv := range map[string]signalbox.DeliveryID{"pull": unread, "deleted": lost.ID, "disabled": waits.ID} {
		before := b.Delivery(dlv)
		_, err := b.DB.RetryDelivery(b.Context(), b.WS, dlv, b.Now)
		if signalbox.CodeOf(err) != signalbox.Conflict {
			b.Errorf("%s: %v, want a conflict", name, err)
		}
		if after := b.Delivery(dlv); !reflect.DeepEqual(after, before) {
			b.Errorf("%s: changed to %+v", name, after)
		}
	}
}

func retryErased(b *Box) {
	w := b.NewWebhook()
	acc := b.NewAccount("acme.com", "Acme")
	sent := b.Send(Sent{Account: acc.ID, To: []signalbox.Webhook{w}})[0]
	b.Settle(b.Claim(w.ID, 1).Ready[0], signalbox.Failed, "http_500", time.Time{}, 500, "no")
	b.RunJob(b.NewJob(signalbox.JobEraseAccount, int64(acc.ID)).ID)
	_, err := b.DB.RetryDelivery(b.Context(), b.WS, sent.Deliveries[0], b.Now)
	b.WantCode(err, signalbox.Conflict)
}
