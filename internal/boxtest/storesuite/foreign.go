package storesuite

import (
	"signalbox"
)

var foreignTests = map[string]func(*Box){
	"AForeignIdAnswersAsAnUnknownOne": foreignGetters,
	"AForeignListIsEmpty":             foreignLists,
}

// everything is one of each thing, in one workspace.
type everything struct {
	key  signalbox.KeyID
	hook signalbox.WebhookID
	pull signalbox.WebhookID
	dlv  signalbox.DeliveryID
	sig  signalbox.SignalID
	acc  signalbox.AccountID
	con  signalbox.ContactID
	job  signalbox.JobID
}

func (b *Box) newEverything() everything {
	b.Helper()
	w := b.NewWebhook()
	e := everything{key: b.NewKey("mine").ID, hook: w.ID, pull: b.NewWebhook(Pull).ID, acc: b.NewAccount("acme.com", "").ID}
	e.con = b.NewContact(e.acc, "ann@acme.com", "", "").ID
	sent := b.Send(Sent{Account: e.acc, Contact: e.con, To: []signalbox.Webhook{w}})[0]
	e.sig, e.dlv = sent.Signal, sent.Deliveries[0]
	e.job = b.NewJob(signalbox.JobRetention, 0).ID
	return e
}

// foreignGetters calls everything that takes an id with the workspace's own, with a foreign workspace, and with an id that
// nobody has: the last two answer the same.
func foreignGetters(b *Box) {
	mine := b.newEverything()
	other := b.NewWorkspace("other")
	ctx, db := b.Context(), b.DB
	nobody := b.ID()
	unknown := everything{
		signalbox.KeyID(nobody), signalbox.WebhookID(nobody), signalbox.WebhookID(nobody), signalbox.DeliveryID(nobody), signalbox.SignalID(nobody),
		signalbox.AccountID(nobody), signalbox.ContactID(nobody), signalbox.JobID(nobody),
	}
	noWebhook := func(*signalbox.Webhook) error { return nil }
	noKey := func(*signalbox.APIKey) error { return nil }
	for _, c := range []struct {
		name, thing string
		call        func(signalbox.WorkspaceID, everything) error
	}{
		{"Key", "key", func(ws signalbox.WorkspaceID, e everything) error { _, err := db.Key(ctx, ws, e.key); return err }},
		{"UpdateKey", "key", func(ws signalbox.WorkspaceID, e everything) error {
			_, err := db.UpdateKey(ctx, ws, e.key, noKey)
			return err
		}},
		{"RevokeKey", "key", func(ws signalbox.WorkspaceID, e everything) error { return db.RevokeKey(ctx, ws, e.key, b.Now) }},
		{"Webhook", "webhook", func(ws signalbox.WorkspaceID, e everything) error { _, err := db.Webhook(ctx, ws, e.hook); return err }},
		{"UpdateWebhook", "webhook", func(ws signalbox.WorkspaceID, e everything) error {
			_, err := db.UpdateWebhook(ctx, ws, e.hook, b.Now, noWebhook)
			return err
		}},
		{"Deliveries", "webhook", func(ws signalbox.WorkspaceID, e everything) error {
			_, _, err := db.Deliveries(ctx, ws, e.hook, signalbox.DeliveryFilter{}, signalbox.Page{})
			return err
		}},
		{"Feed", "webhook", func(ws signalbox.WorkspaceID, e everything) error {
			_, err := db.Feed(ctx, ws, e.pull, 0, 10)
			return err
		}},
		{"AckFeed", "webhook", func(ws signalbox.WorkspaceID, e everything) error { return db.AckFeed(ctx, ws, e.pull, 1, b.Now) }},
		{"Caused", "signal", func(ws signalbox.WorkspaceID, e everything) error {
			_, _, err := db.Caused(ctx, ws, e.sig, signalbox.Page{})
			return err
		}},
		{"Delivery", "delivery", func(ws signalbox.WorkspaceID, e everything) error { _, err := db.Delivery(ctx, ws, e.dlv); return err }},
		{"RetryDelivery", "delivery", func(ws signalbox.WorkspaceID, e everything) error {
			_, err := db.RetryDelivery(ctx, ws, e.dlv, b.Now)
			return err
		}},
		{"Signal", "signal", func(ws signalbox.WorkspaceID, e everything) error { _, err := db.Signal(ctx, ws, e.sig); return err }},
		{"Account", "account", func(ws signalbox.WorkspaceID, e everything) error { _, err := db.Account(ctx, ws, e.acc); return err }},
		{"Contact", "contact", func(ws signalbox.WorkspaceID, e everything) error { _, err := db.Contact(ctx, ws, e.con); return err }},
		{"State", "record", func(ws signalbox.WorkspaceID, e everything) error {
			_, err := db.State(ctx, ws, signalbox.EntityID(e.acc))
			return err
		}},
		{"Job", "job", func(ws signalbox.WorkspaceID, e everything) error { _, err := db.Job(ctx, ws, e.job); return err }},
		{"RunSlice", "job", func(ws signalbox.WorkspaceID, e everything) error {
			_, err := db.RunSlice(ctx, ws, e.job, b.IDs, b.Now)
			return err
		}},
		{"CancelJob", "job", func(ws signalbox.WorkspaceID, e everything) error {
			_, err := db.CancelJob(ctx, ws, e.job, b.Now)
			return err
		}},
		{"DeleteWebhook", "webhook", func(ws signalbox.WorkspaceID, e everything) error {
			return db.DeleteWebhook(ctx, ws, e.hook, b.Now, signalbox.Job{ID: signalbox.JobID(b.ID()), CreatedAt: b.Now})
		}},
	} {
		foreign, none := c.call(other, mine), c.call(b.WS, unknown)
		b.WantNoSuch(foreign, c.thing)
		b.WantNoSuch(none, c.thing)
		if foreign.Error() != none.Error() {
			b.Errorf("%s: foreign %q, unknown %q", c.name, foreign, none)
		}
		if c.name == "CancelJob" {
			continue // RunSlice, above, has ended it
		}
		if err := c.call(b.WS, mine); err != nil {
			b.Errorf("%s of the workspace's own: %v", c.name, err)
		}
	}
}

func foreignLists(b *Box) {
	mine := b.newEverything()
	other := b.NewWorkspace("other")
	ctx, db, page := b.Context(), b.DB, signalbox.Page{}
	count := func(ws signalbox.WorkspaceID) map[string]int {
		keys, _, err := db.Keys(ctx, ws, page)
		b.Must(err)
		hooks, total, _, err := db.Webhooks(ctx, ws, page)
		b.Must(err)
		all, _, err := db.Signals(ctx, ws, signalbox.SignalFilter{}, page)
		b.Must(err)
		ofAccount, _, err := db.Signals(ctx, ws, signalbox.SignalFilter{Account: mine.acc}, page)
		b.Must(err)
		ofContact, _, err := db.Signals(ctx, ws, signalbox.SignalFilter{Contact: mine.con}, page)
		b.Must(err)
		ofType, _, err := db.Signals(ctx, ws, signalbox.SignalFilter{Type: "page_visit"}, page)
		b.Must(err)
		behind, _, err := db.Signals(ctx, ws, signalbox.SignalFilter{Account: mine.acc}, signalbox.Page{Before: int64(mine.sig) + 1})
		b.Must(err)
		accounts, _, err := db.Accounts(ctx, ws, signalbox.RecordFilter{}, page)
		b.Must(err)
		contacts, _, err := db.Contacts(ctx, ws, signalbox.RecordFilter{}, page)
		b.Must(err)
		colleagues, _, err := db.Contacts(ctx, ws, signalbox.RecordFilter{Account: mine.acc}, page)
		b.Must(err)
		types, err := db.Types(ctx, ws)
		b.Must(err)
		jobs, _, err := db.Jobs(ctx, ws, page)
		b.Must(err)
		return map[string]int{
			"keys": len(keys), "webhooks": len(hooks), "total": total, "signals": len(all), "account's": len(ofAccount), "contact's": len(ofContact),
			"type's": len(ofType), "accounts": len(accounts), "contacts": len(contacts), "colleagues": len(colleagues), "types": len(types),
			"jobs": len(jobs), "behind": len(behind),
		}
	}
	for name, n := range count(other) {
		if n != 0 {
			b.Errorf("another workspace sees %d %s", n, name)
		}
	}
	for name, n := range count(b.WS) {
		if n == 0 && name != "behind" {
			b.Errorf("the workspace does not see its own %s", name)
		}
	}
}
