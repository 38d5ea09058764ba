package store_test

import (
	"testing"
	"time"

	"signalbox"
	"signalbox/internal/boxtest/storesuite"
	"signalbox/store"
)

// TestHoldDelivery_NothingIsSentByItself loads a database's rows, deliveries held: nothing can be claimed any more, what was final or is read by a feed is
// as it was, and what was skipped can be retried by hand.
func TestHoldDelivery_NothingIsSentByItself(t *testing.T) {
	t.Parallel()
	for name, pg := range map[string]bool{"SQLite": false, "PostgreSQL": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := filled(t, pg), open(t, pg)
			before := holdFrom(t, from)
			rows := dump(t, from.DB, 1000)
			now := from.Now.Add(time.Hour)
			for _, table := range store.Tables() {
				for i, row := range rows[table.Name] {
					if table.Name != "deliveries" {
						break
					}
					held, _, err := table.HoldDelivery(row, now)
					if err != nil {
						t.Fatal(err)
					}
					rows[table.Name][i] = held
				}
				if err := to.LoadRows(t.Context(), table.Name, rows[table.Name]); err != nil {
					t.Fatal(err)
				}
			}
			lease, err := to.JoinNode(t.Context(), "new", now)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]int{}
			for id, was := range before {
				d := delivery(t, to, from.WS, id)
				what := heldAs(t, was, d, now)
				seen[what]++
				if c, err := to.Claim(t.Context(), lease, from.WS, d.Webhook, 100, now.Add(time.Hour)); err != nil || len(c.Ready) > 0 {
					t.Fatalf("%d deliveries can be claimed: %v", len(c.Ready), err)
				}
			}
			for _, what := range []string{"skipped", "final", "unread", "by hand, back", "by hand, skipped", "test"} {
				if seen[what] == 0 {
					t.Errorf("the test has no delivery that is %s: %v", what, seen)
				}
			}
			for id := range before {
				if d := delivery(t, to, from.WS, id); d.Reason == signalbox.ReasonRestored {
					if _, err := to.RetryDelivery(t.Context(), from.WS, id, now); err != nil {
						t.Errorf("what was held cannot be retried: %v", err)
					}
				}
			}
		})
	}
}

// holdFrom adds the deliveries that Fill has none of, and returns all of the box.
func holdFrom(t *testing.T, b *storesuite.Box) map[signalbox.DeliveryID]signalbox.Delivery {
	t.Helper()
	hook := b.NewWebhook()
	acc := b.NewAccount("hold.example", "")
	b.Send(storesuite.Sent{Account: acc.ID, To: []signalbox.Webhook{hook}}, storesuite.Sent{Account: acc.ID, To: []signalbox.Webhook{hook}})
	ready := b.Claim(hook.ID, 2).Ready
	b.Settle(ready[0], signalbox.Failed, "http_500", time.Time{}, 500, "")
	b.Settle(ready[1], signalbox.Retrying, "http_500", b.Now.Add(time.Minute), 500, "")
	for _, r := range ready {
		if _, err := b.DB.RetryDelivery(t.Context(), b.WS, r.ID, b.Now); err != nil {
			t.Fatal(err)
		}
	}
	evt := signalbox.Event{ID: signalbox.EventID(b.ID()), Workspace: b.WS, Name: "webhook.test", Bodies: signalbox.Bodies{Stairoids: []byte("{}")}, CreatedAt: b.Now}
	b.Must(b.DB.InsertTest(t.Context(), evt, signalbox.NewDelivery{Delivery: signalbox.Delivery{
		ID: signalbox.DeliveryID(b.ID()), Workspace: b.WS, Webhook: hook.ID, EventName: evt.Name, State: signalbox.Pending, DueAt: b.Now, CreatedAt: b.Now,
	}}))
	hooks, _, _, err := b.DB.Webhooks(t.Context(), b.WS, signalbox.Page{})
	b.Must(err)
	all := map[signalbox.DeliveryID]signalbox.Delivery{}
	for _, w := range hooks {
		list, _, err := b.DB.Deliveries(t.Context(), b.WS, w.ID, signalbox.DeliveryFilter{}, signalbox.Page{Limit: 200})
		b.Must(err)
		for _, d := range list {
			all[d.ID] = d
		}
	}
	return all
}

// heldAs checks what became of a delivery, and says what it was.
func heldAs(t *testing.T, was, d signalbox.Delivery, now time.Time) string {
	t.Helper()
	want, what := was, ""
	switch {
	case !was.State.Open():
		what = "final"
	case was.DueAt.IsZero():
		what = "unread"
	case was.Test:
		what = "test"
		want.State, want.Reason = signalbox.Failed, "cut"
	case was.Manual != nil && !was.Manual.State.Open():
		what = "by hand, back"
		want.State, want.Reason = was.Manual.State, was.Manual.Reason
	case was.Manual != nil:
		what = "by hand, skipped"
		want.State, want.Reason = signalbox.Skipped, signalbox.ReasonRestored
	default:
		what = "skipped"
		want.State, want.Reason = signalbox.Skipped, signalbox.ReasonRestored
	}
	if was.State.Open() && !was.DueAt.IsZero() {
		want.Manual, want.DueAt, want.DoneAt = nil, time.Time{}, now
	}
	if d.State != want.State || d.Reason != want.Reason || !d.DueAt.Equal(want.DueAt) || !d.DoneAt.Equal(want.DoneAt) || d.Attempts != was.Attempts || (d.Manual == nil) != (want.Manual == nil) {
		t.Errorf("%s: it was %+v and is %+v", what, was, d)
	}
	return what
}

func delivery(t *testing.T, db *store.DB, ws signalbox.WorkspaceID, id signalbox.DeliveryID) signalbox.Delivery {
	t.Helper()
	v, err := db.Delivery(t.Context(), ws, id)
	if err != nil {
		t.Fatal(err)
	}
	return v.Delivery
}
