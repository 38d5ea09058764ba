package storesuite

import (
	"bytes"
	"reflect"
	"time"

	"signalbox"
)

var claimTests = map[string]func(*Box){
	"LeasesWhatIsDueEarliestFirst": func(b *Box) {
		w := b.NewWebhook()
		sent := b.Send(Sent{To: []signalbox.Webhook{w}, Body: `{"n":1}`}, Sent{To: []signalbox.Webhook{w}, Body: `{"n":2}`})
		b.Now = b.Now.Add(time.Second)
		later := b.Send(Sent{To: []signalbox.Webhook{w}, Body: `{"n":3}`})
		c := b.Claim(w.ID, 10)
		b.wantReady(c, sent[0].Deliveries[0], sent[1].Deliveries[0], later[0].Deliveries[0])
		if string(c.Ready[0].Body) != `{"n":1}` || c.Ready[0].Lease != b.Lease || c.Webhook == nil || c.Webhook.ID != w.ID || c.More {
			b.Fatalf("claimed %+v", c)
		}
		b.wantReady(b.Claim(w.ID, 10)) // leased: nobody gets them twice
	},
	"NeverReturnsWhatIsNotDue": func(b *Box) {
		w := b.NewWebhook()
		b.Send(Sent{To: []signalbox.Webhook{w}})
		c, err := b.DB.Claim(b.Context(), b.Lease, b.WS, w.ID, 10, b.Now.Add(-time.Microsecond))
		b.Must(err)
		b.wantReady(c)
		if !c.NextDue.Equal(b.Now) || c.More {
			b.Fatalf("next due %v, want %v; more: %t", c.NextDue, b.Now, c.More)
		}
		b.wantLane(w.ID, b.Now)
	},
	"SaysWhenMoreIsDue": func(b *Box) {
		w := b.NewWebhook()
		b.Send(Sent{To: []signalbox.Webhook{w}}, Sent{To: []signalbox.Webhook{w}}, Sent{To: []signalbox.Webhook{w}})
		c := b.Claim(w.ID, 2)
		if len(c.Ready) != 2 || !c.More {
			b.Fatalf("claimed %d of 3, more: %t", len(c.Ready), c.More)
		}
		b.wantLane(w.ID, b.Now.Add(signalbox.LeaseFor)) // the safety net
		c = b.Claim(w.ID, 2)
		if len(c.Ready) != 1 || c.More {
			b.Fatalf("claimed %d of 1, more: %t", len(c.Ready), c.More)
		}
		b.wantLane(w.ID, time.Time{})
	},
	"BringsTheBodyInTheWebhooksFormat": func(b *Box) {
		for _, f := range signalbox.Formats() {
			w := b.NewWebhook(func(w *signalbox.Webhook) { w.Format = f })
			bodies := signalbox.Bodies{Stairoids: []byte(`{"a":1}`), Standard: []byte(`{"b":2}`), Vendor: []byte(`{"c":3}`)}
			d := b.oneDelivery(w, bodies)
			c := b.Claim(w.ID, 1)
			b.wantReady(c, d)
			if !bytes.Equal(c.Ready[0].Body, bodies.Of(f)) {
				b.Fatalf("%s: body %s", f, c.Ready[0].Body)
			}
			e, _, err := b.DB.Event(b.Context(), b.WS, c.Ready[0].Event)
			b.Must(err)
			if !reflect.DeepEqual(e.Bodies, bodies) {
				b.Fatalf("the event has %+v", e.Bodies)
			}
		}
	},
	"FailsWhatHasNoBodyAnyMore": func(b *Box) {
		w := b.NewWebhook(func(w *signalbox.Webhook) { w.Format = signalbox.FormatStandard })
		d := b.oneDelivery(w, signalbox.Bodies{Stairoids: []byte(`{"a":1}`)})
		b.wantReady(b.Claim(w.ID, 1))
		v := b.Delivery(d)
		if v.State != signalbox.Failed || v.Reason != signalbox.ReasonExpired || !v.DoneAt.Equal(b.Now) || !v.DueAt.IsZero() {
			b.Fatalf("delivery %+v", v.Delivery)
		}
		b.wantLane(w.ID, time.Time{})
	},
	"LeavesADisabledWebhookAlone": func(b *Box) {
		w := b.NewWebhook()
		b.Send(Sent{To: []signalbox.Webhook{w}})
		b.enable(w.ID, false)
		if c := b.Claim(w.ID, 1); c.Webhook != nil || len(c.Ready) != 0 {
			b.Fatalf("claimed %+v", c)
		}
		b.wantLane(w.ID, time.Time{})
		b.enable(w.ID, true)
		b.wantLane(w.ID, b.Now)
		if c := b.Claim(w.ID, 1); len(c.Ready) != 1 {
			b.Fatalf("claimed %+v", c)
		}
	},
	"LeavesADeletedWebhookAlone": func(b *Box) {
		w := b.NewWebhook()
		b.Send(Sent{To: []signalbox.Webhook{w}})
		job := signalbox.Job{ID: signalbox.JobID(b.ID()), CreatedAt: b.Now, UpdatedAt: b.Now}
		b.Must(b.DB.DeleteWebhook(b.Context(), b.WS, w.ID, b.Now, job))
		if c := b.Claim(w.ID, 1); c.Webhook != nil || len(c.Ready) != 0 {
			b.Fatalf("claimed %+v", c)
		}
	},
	"DoesNotSeeAnotherWorkspacesWebhook": func(b *Box) {
		w := b.NewWebhook()
		b.Send(Sent{To: []signalbox.Webhook{w}})
		c, err := b.DB.Claim(b.Context(), b.Lease, b.NewWorkspace("other"), w.ID, 1, b.Now)
		b.Must(err)
		if c.Webhook != nil || len(c.Ready) != 0 {
			b.Fatalf("claimed %+v", c)
		}
	},
	"AnEndedLeaseClaimsNothing": func(b *Box) {
		w := b.NewWebhook()
		b.Send(Sent{To: []signalbox.Webhook{w}})
		_, err := b.DB.JoinNode(b.Context(), "suite", b.Now)
		b.Must(err)
		_, err = b.DB.Claim(b.Context(), b.Lease, b.WS, w.ID, 1, b.Now)
		b.WantCode(err, signalbox.Conflict)
	},
	"SkipsWhatIntakeHandedOver": func(b *Box) {
		w := b.NewWebhook()
		held := b.reserved(w, b.Lease)
		b.wantLane(w.ID, time.Time{}) // leased at birth: memory has it
		free := b.Send(Sent{To: []signalbox.Webhook{w}})[0].Deliveries[0]
		b.wantReady(b.Claim(w.ID, 10), free)
		if v := b.Delivery(held); v.State != signalbox.Pending {
			b.Fatalf("delivery %+v", v.Delivery)
		}
	},
	"ABornLeaseThatHasEndedIsNone": func(b *Box) {
		w := b.NewWebhook()
		old := b.Lease
		var err error
		b.Lease, err = b.DB.JoinNode(b.Context(), "suite", b.Now)
		b.Must(err)
		d := b.reserved(w, old)
		b.wantLane(w.ID, b.Now) // or nobody would ever send it
		b.wantReady(b.Claim(w.ID, 10), d)
	},
}

var settleTests = map[string]func(*Box){
	"SavesTheOutcomeAndItsAttempt": func(b *Box) {
		w := b.NewWebhook()
		d := b.Send(Sent{To: []signalbox.Webhook{w}})[0].Deliveries[0]
		r := b.Claim(w.ID, 1).Ready[0]
		a := signalbox.Attempt{
			ID: signalbox.AttemptID(b.ID()), Workspace: b.WS, Delivery: d, At: b.Now, Duration: 5 * time.Millisecond, DNS: 1 * time.Microsecond, Connect: 2 * time.Microsecond,
			TLS: 3 * time.Microsecond, FirstByte: 4 * time.Microsecond, RemoteAddr: "[2001:db8::1]:443", StatusCode: 204, Headers: []byte(`{"A":"b"}`),
			Body: []byte{0xff, 0, 'x'}, Truncated: true,
		}
		b.settle(signalbox.Settlement{State: signalbox.Delivered, Reason: "status_204", Attempts: 1, Attempt: &a}, r, true)
		v := b.Delivery(d)
		if v.State != signalbox.Delivered || v.Reason != "status_204" || v.Attempts != 1 || !v.DueAt.IsZero() || !v.DoneAt.Equal(b.Now.Add(a.Duration)) {
			b.Errorf("delivery %+v", v.Delivery)
		}
		b.same(v.Log, []signalbox.Attempt{a})
	},
	"IsFencedByTheLease": func(b *Box) {
		w := b.NewWebhook()
		d := b.Send(Sent{To: []signalbox.Webhook{w}})[0].Deliveries[0]
		stale := b.Claim(w.ID, 1).Ready[0]
		var err error
		b.Lease, err = b.DB.JoinNode(b.Context(), "suite", b.Now)
		b.Must(err)
		b.settle(b.delivered(stale), stale, false) // nobody holds it: its lease has ended all the same
		fresh := b.Claim(w.ID, 1).Ready[0]
		b.settle(b.delivered(stale), stale, false) // someone else holds it
		if v := b.Delivery(d); v.State != signalbox.Pending || len(v.Log) != 0 {
			b.Fatalf("a stale worker wrote: %+v", v)
		}
		b.settle(b.delivered(fresh), fresh, true)
		b.settle(b.delivered(fresh), fresh, false) // once
		if v := b.Delivery(d); v.State != signalbox.Delivered || len(v.Log) != 1 {
			b.Fatalf("delivery %+v", v)
		}
	},
	"OneStaleOutcomeCostsItselfOnly": func(b *Box) {
		w := b.NewWebhook()
		b.Send(Sent{To: []signalbox.Webhook{w}}, Sent{To: []signalbox.Webhook{w}})
		c := b.Claim(w.ID, 2)
		stale := b.delivered(c.Ready[0])
		stale.Lease.Generation--
		got, err := b.DB.Settle(b.Context(), []signalbox.Settlement{stale, b.delivered(c.Ready[1])})
		b.Must(err)
		b.same(got, []bool{false, true})
	},
	"ARetryArmsItsLane": func(b *Box) {
		w := b.NewWebhook()
		b.Send(Sent{To: []signalbox.Webhook{w}}, Sent{To: []signalbox.Webhook{w}})
		c := b.Claim(w.ID, 2)
		b.wantLane(w.ID, time.Time{})
		for i, wait := range []time.Duration{time.Minute, 5 * time.Second} {
			b.Settle(c.Ready[i], signalbox.Retrying, "status_500", b.Now.Add(wait), 500, "no")
		}
		b.wantLane(w.ID, b.Now.Add(5*time.Second)) // the earliest
		b.Now = b.Now.Add(5 * time.Second)
		again := b.Claim(w.ID, 2)
		b.wantReady(again, c.Ready[1].ID)
		if again.Ready[0].Attempts != 1 || again.Ready[0].State != signalbox.Retrying || !again.NextDue.Equal(b.Now.Add(55*time.Second)) {
			b.Fatalf("claimed %+v", again)
		}
	},
	"ReleasesWithoutAnAttempt": func(b *Box) {
		w := b.NewWebhook()
		d := b.Send(Sent{To: []signalbox.Webhook{w}})[0].Deliveries[0]
		r := b.Claim(w.ID, 1).Ready[0]
		b.settle(signalbox.Settlement{State: r.State, Reason: r.Reason, Attempts: r.Attempts, DueAt: b.Now}, r, true)
		b.wantLane(w.ID, b.Now)
		b.wantReady(b.Claim(w.ID, 1), d)
		if v := b.Delivery(d); len(v.Log) != 0 || v.Attempts != 0 {
			b.Fatalf("a release counted: %+v", v)
		}
	},
	"AReleasedManualRetryStaysOne": func(b *Box) {
		w := b.NewWebhook()
		d := b.Send(Sent{To: []signalbox.Webhook{w}})[0].Deliveries[0]
		b.Settle(b.Claim(w.ID, 1).Ready[0], signalbox.Failed, "status_400", time.Time{}, 400, "no")
		_, err := b.DB.RetryDelivery(b.Context(), b.WS, d, b.Now)
		b.Must(err)
		r := b.Claim(w.ID, 1).Ready[0]
		b.settle(signalbox.Settlement{State: r.State, Reason: r.Reason, Attempts: r.Attempts, DueAt: b.Now}, r, true)
		r = b.Claim(w.ID, 1).Ready[0]
		if r.Manual == nil || r.Manual.State != signalbox.Failed || r.Manual.Reason != "status_400" {
			b.Fatalf("manual %+v", r.Manual)
		}
		b.Settle(r, signalbox.Failed, "status_400", time.Time{}, 400, "no")
		if v := b.Delivery(d); v.Manual != nil || v.DoneAt.IsZero() {
			b.Fatalf("delivery %+v", v.Delivery)
		}
	},
	"AnOpenDeliveryNeedsATime": func(b *Box) {
		w := b.NewWebhook()
		b.Send(Sent{To: []signalbox.Webhook{w}})
		r := b.Claim(w.ID, 1).Ready[0]
		s := b.delivered(r)
		s.State = signalbox.Retrying
		if _, err := b.DB.Settle(b.Context(), []signalbox.Settlement{s}); err == nil {
			b.Fatal("a delivery is open and nobody would ever send it")
		}
	},
	"GoneDisablesTheWebhook": func(b *Box) { // proves the 410 rule of contract section 12
		w := b.NewWebhook()
		before, err := b.DB.Definitions(b.Context(), b.WS)
		b.Must(err)
		b.Send(Sent{To: []signalbox.Webhook{w}})
		r := b.Claim(w.ID, 1).Ready[0]
		s := b.delivered(r)
		s.State, s.Reason, s.DisableWebhook = signalbox.Failed, "status_410", "gone"
		b.settle(s, r, true)
		got, err := b.DB.Webhook(b.Context(), b.WS, w.ID)
		b.Must(err)
		after, err := b.DB.Definitions(b.Context(), b.WS)
		b.Must(err)
		if got.Enabled || got.DisabledReason != "gone" || got.Revision != w.Revision+1 || after.Version != before.Version+1 {
			b.Fatalf("webhook %+v, version %d then %d", got, before.Version, after.Version)
		}
	},
}

// wantReady checks which deliveries a claim brought, in order.
func (b *Box) wantReady(c signalbox.Claimed, want ...signalbox.DeliveryID) {
	b.Helper()
	var got []signalbox.DeliveryID
	for _, r := range c.Ready {
		got = append(got, r.ID)
	}
	b.same(got, want)
}

// wantLane checks when a webhook's lane is due, the zero time for not at all. It takes what is due, and puts it back.
func (b *Box) wantLane(w signalbox.WebhookID, want time.Time) {
	b.Helper()
	all, err := b.DB.TakeDue(b.Context(), b.Lease, b.Now.AddDate(10, 0, 0), 1000)
	b.Must(err)
	var got time.Time
	for _, d := range all {
		b.Must(b.DB.RearmDue(b.Context(), d))
		if d.Kind == signalbox.DueLane && d.Subject == int64(w) {
			got = d.At
		}
	}
	if !got.Equal(want) {
		b.Fatalf("the lane is due at %v, want %v", got, want)
	}
}

// oneDelivery saves an event with the given bodies and its delivery.
func (b *Box) oneDelivery(w signalbox.Webhook, bodies signalbox.Bodies) signalbox.DeliveryID {
	b.Helper()
	e := signalbox.Event{ID: signalbox.EventID(b.ID()), Workspace: b.WS, Name: "test", Bodies: bodies, CreatedAt: b.Now}
	n := b.newDelivery(&e, &w)
	e.CausedTo = int64(n.ID)
	b.Must(b.turn(signalbox.Need{}, &signalbox.Decision{Events: []signalbox.Event{e}, Deliveries: []signalbox.NewDelivery{n}}))
	return n.ID
}

// reserved saves a delivery that is leased from birth.
func (b *Box) reserved(w signalbox.Webhook, l signalbox.Lease) signalbox.DeliveryID {
	b.Helper()
	e := signalbox.Event{ID: signalbox.EventID(b.ID()), Workspace: b.WS, Name: "test", Bodies: signalbox.Bodies{Stairoids: []byte(`{}`)}, CreatedAt: b.Now}
	n := b.newDelivery(&e, &w)
	n.Lease, e.CausedTo = l, int64(n.ID)
	b.Must(b.turn(signalbox.Need{}, &signalbox.Decision{Events: []signalbox.Event{e}, Deliveries: []signalbox.NewDelivery{n}}))
	return n.ID
}

// enable switches a webhook on or off.
func (b *Box) enable(w signalbox.WebhookID, on bool) {
	b.Helper()
	_, err := b.DB.UpdateWebhook(b.Context(), b.WS, w, b.Now, func(w *signalbox.Webhook) error {
		w.Enabled = on
		return nil
	})
	b.Must(err)
}

// delivered is the outcome of an attempt that went well.
func (b *Box) delivered(r signalbox.Ready) signalbox.Settlement {
	return signalbox.Settlement{
		Delivery: r.ID, Workspace: b.WS, Webhook: r.Webhook, Lease: r.Lease, State: signalbox.Delivered, Attempts: r.Attempts + 1,
		Attempt: &signalbox.Attempt{ID: signalbox.AttemptID(b.ID()), Workspace: b.WS, Delivery: r.ID, At: b.Now, StatusCode: 200},
	}
}

// settle saves an outcome of what was claimed and checks whether it still could be.
func (b *Box) settle(s signalbox.Settlement, r signalbox.Ready, want bool) {
	b.Helper()
	s.Delivery, s.Workspace, s.Webhook, s.Lease = r.ID, b.WS, r.Webhook, r.Lease
	got, err := b.DB.Settle(b.Context(), []signalbox.Settlement{s})
	b.Must(err)
	if got[0] != want {
		b.Fatalf("settled: %t, want %t", got[0], want)
	}
}
