package storesuite

import (
	"fmt"
	"reflect"
	"time"

	"signalbox"
)

var eraseTests = map[string]func(*Box){
	"AnErasedAccountAnswersAsUnknown":   eraseAccount,
	"AnErasedContactAnswersAsUnknown":   eraseContact,
	"WhatReceiversAnsweredIsTaken":      eraseAnswers,
	"OpenDeliveriesAreFailed":           eraseOpen,
	"ChainsOfOthersStayWhole":           eraseChains,
	"ALongTimelineGoesInSlices":         eraseSlices,
	"ASignalThatCameMeanwhileGoesToo":   eraseMeanwhile,
	"ItsContactsAreUnlinked":            eraseUnlink,
	"AnEventWithManyWebhooksIsFinished": eraseWide,
	"ARecordWithoutSignals":             eraseEmpty,
}

// erase runs an erasure to its end.
func (b *Box) erase(kind signalbox.JobKind, subject int64) (signalbox.Job, int) {
	b.Helper()
	j, slices := b.RunJob(b.NewJob(kind, subject).ID)
	if j.Status != signalbox.JobDone || j.Error != "" {
		b.Fatalf("job %+v", j)
	}
	return j, slices
}

func eraseAccount(b *Box) {
	acc, other := b.NewAccount("acme.com", "Acme"), b.NewAccount("other.com", "Other")
	sent := b.Send(Sent{Account: acc.ID, Source: "site"}, Sent{Account: other.ID, Source: "site"})
	j, _ := b.erase(signalbox.JobEraseAccount, int64(acc.ID))
	if j.Done != 2 || j.Matching != 2 {
		b.Fatalf("job %+v, want a signal and the account", j)
	}
	_, err := b.DB.Account(b.Context(), b.WS, acc.ID)
	b.WantNoSuch(err, "account")
	_, err = b.DB.Signal(b.Context(), b.WS, sent[0].Signal)
	b.WantNoSuch(err, "signal")
	if _, found, err := b.DB.FindRecord(b.Context(), b.DomainKey("acme.com")); found || err != nil {
		b.Fatalf("its key is still there (%v)", err)
	}
	if got := b.domains(signalbox.RecordFilter{}); !reflect.DeepEqual(got, []string{"other.com"}) {
		b.Fatalf("accounts %v", got)
	}
	if got := b.walkSignals(signalbox.SignalFilter{}, 10); !reflect.DeepEqual(got, signalsOf(sent[1])) {
		b.Fatalf("signals %v", got)
	}
	if got := b.walkSignals(signalbox.SignalFilter{Account: acc.ID}, 10); got != nil {
		b.Fatalf("its timeline %v", got)
	}
	again := b.NewAccount("acme.com", "Acme again") // the key is free
	if again.ID == acc.ID {
		b.Fatal("the same account came back")
	}
}

func eraseContact(b *Box) {
	acc := b.NewAccount("acme.com", "Acme")
	con := b.NewContact(acc.ID, "ann@acme.com", "Ann", "Lee")
	sent := b.Send(Sent{Account: acc.ID, Contact: con.ID}, Sent{Account: acc.ID})
	b.erase(signalbox.JobEraseContact, int64(con.ID))
	_, err := b.DB.Contact(b.Context(), b.WS, con.ID)
	b.WantNoSuch(err, "contact")
	if _, found, err := b.DB.FindRecord(b.Context(), b.EmailKey("ann@acme.com")); found || err != nil {
		b.Fatalf("its key is still there (%v)", err)
	}
	if got := b.walkSignals(signalbox.SignalFilter{Account: acc.ID}, 10); !reflect.DeepEqual(got, signalsOf(sent[1])) {
		b.Fatalf("the account's timeline %v, want what was not about the contact", got)
	}
	if got := b.emails(signalbox.RecordFilter{Account: acc.ID}); got != nil {
		b.Fatalf("contacts of the account: %v", got)
	}
}

func eraseAnswers(b *Box) {
	w := b.NewWebhook()
	acc := b.NewAccount("acme.com", "Acme")
	sent := b.Send(Sent{Account: acc.ID, To: []signalbox.Webhook{w}}, Sent{To: []signalbox.Webhook{w}})
	for _, r := range b.Claim(w.ID, 2).Ready {
		b.Settle(r, signalbox.Delivered, "", time.Time{}, 200, "hello acme.com")
	}
	b.erase(signalbox.JobEraseAccount, int64(acc.ID))
	v, kept := b.Delivery(sent[0].Deliveries[0]), b.Delivery(sent[1].Deliveries[0])
	if v.Body != nil || v.State != signalbox.Delivered || len(v.Log) != 1 || v.Log[0].Body != nil || v.Log[0].Headers != nil || v.Log[0].StatusCode != 200 {
		b.Fatalf("the erased event's delivery %+v", v)
	}
	if kept.Body == nil || kept.Log[0].Body == nil {
		b.Fatalf("another event's delivery was blanked: %+v", kept)
	}
}

func eraseOpen(b *Box) {
	w, pull := b.NewWebhook(), b.NewWebhook(Pull)
	acc := b.NewAccount("acme.com", "Acme")
	sent := b.Send(Sent{Account: acc.ID, To: []signalbox.Webhook{w, pull}})[0]
	leased := b.Claim(w.ID, 1).Ready[0]
	b.erase(signalbox.JobEraseAccount, int64(acc.ID))
	for _, dlv := range sent.Deliveries {
		if v := b.Delivery(dlv); v.State != signalbox.Failed || v.Reason != signalbox.ReasonErased || !v.DueAt.IsZero() || v.DoneAt.IsZero() {
			b.Errorf("delivery %+v", v.Delivery)
		}
	}
	ok, err := b.DB.Settle(b.Context(), []signalbox.Settlement{{Delivery: leased.ID, Workspace: b.WS, Webhook: w.ID, Lease: leased.Lease, State: signalbox.Delivered}})
	b.Must(err)
	if ok[0] {
		b.Fatal("a settle after the erasure was taken")
	}
}

func eraseChains(b *Box) {
	acc := b.NewAccount("acme.com", "Acme")
	ann, bob := b.NewContact(acc.ID, "ann@acme.com", "", ""), b.NewContact(acc.ID, "bob@acme.com", "", "")
	var kept []Caused
	for range 3 {
		kept = append(kept, b.Send(Sent{Account: acc.ID, Contact: bob.ID})...)
		b.Send(Sent{Account: acc.ID, Contact: ann.ID})
	}
	b.erase(signalbox.JobEraseContact, int64(ann.ID))
	for name, f := range map[string]signalbox.SignalFilter{"account": {Account: acc.ID}, "contact": {Contact: bob.ID}, "all": {}} {
		if got := b.walkSignals(f, 1); !reflect.DeepEqual(got, signalsOf(kept...)) {
			b.Errorf("%s: %v, want %v", name, got, signalsOf(kept...))
		}
	}
}

func eraseSlices(b *Box) {
	acc := b.NewAccount("acme.com", "Acme")
	list := make([]Sent, 2500)
	for i := range list {
		list[i].Account = acc.ID
	}
	b.Send(list...)
	j, slices := b.erase(signalbox.JobEraseAccount, int64(acc.ID))
	if slices < 3 || j.Done != 2501 {
		b.Fatalf("after %d slices: %+v", slices, j)
	}
	if got := b.walkSignals(signalbox.SignalFilter{}, 200); got != nil {
		b.Fatalf("%d signals are left", len(got))
	}
}

// eraseMeanwhile: a turn that knew the record before its keys were gone may still add to its timeline.
func eraseMeanwhile(b *Box) {
	acc := b.NewAccount("acme.com", "Acme")
	list := make([]Sent, 1500)
	for i := range list {
		list[i].Account = acc.ID
	}
	b.Send(list...)
	job := b.NewJob(signalbox.JobEraseAccount, int64(acc.ID)).ID
	_, err := b.DB.RunSlice(b.Context(), b.WS, job, b.IDs, b.Now)
	b.Must(err)
	late := b.Send(Sent{Account: acc.ID, Source: "late"})[0]
	b.RunJob(job)
	_, err = b.DB.Signal(b.Context(), b.WS, late.Signal)
	b.WantNoSuch(err, "signal")
}

func eraseUnlink(b *Box) {
	acc := b.NewAccount("acme.com", "Acme")
	var cons []signalbox.Contact
	for i := range 3 {
		cons = append(cons, b.NewContact(acc.ID, fmt.Sprintf("c%d@acme.com", i), "", ""))
	}
	b.Now = b.Now.Add(time.Hour)
	b.erase(signalbox.JobEraseAccount, int64(acc.ID))
	got, err := b.DB.Contact(b.Context(), b.WS, cons[1].ID)
	b.Must(err)
	if got.Account != 0 || got.Revision != 2 || !got.UpdatedAt.Equal(b.Now) || got.Email != "c1@acme.com" {
		b.Fatalf("contact %+v", got)
	}
}

// eraseWide: what one signal caused may be more than a slice takes.
func eraseWide(b *Box) {
	acc := b.NewAccount("acme.com", "Acme")
	sent := b.wide(acc.ID, 400)
	_, slices := b.erase(signalbox.JobEraseAccount, int64(acc.ID))
	if slices < 2 {
		b.Fatalf("%d slices", slices)
	}
	for _, dlv := range sent.Deliveries {
		v := b.Delivery(dlv)
		if v.State != signalbox.Failed || v.Reason != signalbox.ReasonErased || v.Log[0].Body != nil || v.Log[2].Headers != nil {
			b.Fatalf("left over: %+v", v)
		}
	}
}

func eraseEmpty(b *Box) {
	con := b.NewContact(0, "ann@gmail.com", "Ann", "")
	j, _ := b.erase(signalbox.JobEraseContact, int64(con.ID))
	if j.Done != 1 {
		b.Fatalf("job %+v", j)
	}
	_, err := b.DB.Contact(b.Context(), b.WS, con.ID)
	b.WantNoSuch(err, "contact")
}
