package storesuite

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"signalbox"
	"signalbox/decide"
)

var mergeTests = map[string]func(*Box){
	"AMergedRecordIsAnsweredByWhatStandsForIt": mergeResolves,
	"TimelinesOfAGroupAreReadAsOne":            mergeTimelines,
	"UndoneItIsAsBefore":                       mergeUndone,
	"AChainIsLoadedWhole":                      mergeChain,
	"APairIsProposedOnce":                      mergeProposals,
	"ErasingDropsProposals":                    mergeErased,
}

// Turn decides inputs as intake does, and saves what they cause.
func (b *Box) Turn(inputs ...decide.Input) []decide.Outcome {
	b.Helper()
	defs, err := b.DB.Definitions(b.Context(), b.WS)
	b.Must(err)
	c, err := decide.Compile(defs)
	b.Must(err)
	var list []decide.Prepared
	for _, in := range inputs {
		in.Workspace = b.WS
		p, err := c.Prepare(in)
		b.Must(err)
		list = append(list, p)
	}
	var out []decide.Outcome
	b.Must(b.DB.Decide(b.Context(), func() signalbox.Need { return decide.Need(list) }, func(s *signalbox.Situation) (*signalbox.Decision, error) {
		var d *signalbox.Decision
		d, out, err = decide.Turn(s, list, decide.Env{Now: b.Now, IDs: b.IDs, Codec: signalbox.NewCodec([16]byte{1})})
		return d, err
	}))
	for _, o := range out {
		b.Must(o.Err)
	}
	return out
}

func (b *Box) signal(domain, email string) signalbox.Receipt {
	b.Helper()
	return b.Turn(decide.Input{Signal: &signalbox.SignalInput{
		Type: "t", Source: "s", Account: signalbox.AccountInput{Domain: domain, Attributes: fmt.Appendf(nil, `{%q:"<&>"}`, domain)}, Contact: signalbox.ContactInput{Email: email},
	}})[0].Receipt
}

// Merge merges one record into another one.
func (b *Box) Merge(kind signalbox.RecordKind, from, into int64) signalbox.Merge {
	b.Helper()
	act := &decide.MergeAct{Deed: decide.MergeNow, Kind: kind, From: signalbox.EntityID(from), Into: signalbox.EntityID(into)}
	return *b.Turn(decide.Input{Merge: act})[0].Merge
}

func (b *Box) undo(m signalbox.Merge) signalbox.Merge {
	b.Helper()
	return *b.Turn(decide.Input{Merge: &decide.MergeAct{Deed: decide.MergeUndo, ID: m.ID}})[0].Merge
}

func mergeResolves(b *Box) {
	old, kept := b.signal("old.com", "a@old.com"), b.signal("kept.com", "b@kept.com")
	m := b.Merge(signalbox.AccountRecord, int64(old.Account), int64(kept.Account))
	b.Merge(signalbox.ContactRecord, int64(old.Contact), int64(kept.Contact))
	acc, err := b.DB.Account(b.Context(), b.WS, old.Account)
	b.Must(err)
	if acc.ID != kept.Account || string(acc.Attributes) != `{"kept.com":"<&>","old.com":"<&>"}` {
		b.Errorf("answered %+v with %s", acc, acc.Attributes)
	}
	con, err := b.DB.Contact(b.Context(), b.WS, old.Contact)
	b.Must(err)
	if con.ID != kept.Contact {
		b.Errorf("answered contact %d", con.ID)
	}
	if got := b.domains(signalbox.RecordFilter{}); !reflect.DeepEqual(got, []string{"kept.com"}) {
		b.Errorf("listed %v", got)
	}
	if got := b.emails(signalbox.RecordFilter{Account: old.Account}); !reflect.DeepEqual(got, []string{"b@kept.com"}) {
		b.Errorf("contacts %v", got)
	}
	list, _, err := b.DB.Signals(b.Context(), b.WS, signalbox.SignalFilter{}, signalbox.Page{})
	b.Must(err)
	for _, s := range list {
		if s.AccountRow.ID != kept.Account || s.ContactRow.ID != kept.Contact {
			b.Errorf("signal of %+v, %+v", s.AccountRow, s.ContactRow)
		}
	}
	found, err := b.DB.Companies(b.Context(), b.WS, []signalbox.AccountID{old.Account})
	b.Must(err)
	if found[old.Account].ID != kept.Account {
		b.Errorf("company %+v", found)
	}
	stored, err := b.DB.Merge(b.Context(), b.WS, m.ID)
	b.Must(err)
	b.same(stored, m)
	if n := len(b.merges(signalbox.MergeFilter{Kind: signalbox.AccountRecord, Status: signalbox.MergeDone})); n != 1 {
		b.Errorf("%d merges listed", n)
	}
}

func (b *Box) merges(f signalbox.MergeFilter) []signalbox.Merge {
	b.Helper()
	list, _, err := b.DB.Merges(b.Context(), b.WS, f, signalbox.Page{})
	b.Must(err)
	return list
}

// mergeTimelines: pages of every size miss nothing and repeat nothing, also when signals arrive meanwhile in any of the timelines.
func mergeTimelines(b *Box) {
	var accounts []signalbox.AccountID
	var want []signalbox.SignalID
	domains := []string{"a.com", "b.com", "c.com"}
	send := func(i int) signalbox.SignalID {
		r := b.signal(domains[i], "")
		if len(accounts) < 3 {
			accounts = append(accounts, r.Account)
		}
		return r.ID
	}
	for _, i := range []int{0, 1, 2, 1, 1, 0, 2, 1} {
		want = append(want, send(i))
	}
	b.Merge(signalbox.AccountRecord, int64(accounts[0]), int64(accounts[1]))
	b.Merge(signalbox.AccountRecord, int64(accounts[1]), int64(accounts[2]))
	for _, i := range []int{0, 0, 2} {
		want = append(want, send(i))
	}
	slices.Reverse(want)
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []signalbox.SignalID
		for place := (signalbox.Place{}); ; {
			list, next, err := b.DB.Signals(b.Context(), b.WS, signalbox.SignalFilter{Account: accounts[0]}, place.Page(limit))
			b.Must(err)
			for _, s := range list {
				got = append(got, s.ID)
			}
			if place = next; next.Before == 0 {
				break
			}
			if len(got) == limit && limit < 4 { // the next walk begins with these
				for i := range domains {
					want = append([]signalbox.SignalID{send(i)}, want...)
				}
			}
		}
		if from := len(want) - len(got); from < 0 || !reflect.DeepEqual(got, want[from:]) {
			b.Fatalf("pages of %d: %v, want the last of %v", limit, got, want)
		}
	}
}

func mergeUndone(b *Box) {
	old, kept := b.signal("old.com", "a@old.com"), b.signal("kept.com", "b@kept.com")
	read := func() (list [2]signalbox.Account) {
		for i, id := range []signalbox.AccountID{old.Account, kept.Account} {
			a, err := b.DB.Account(b.Context(), b.WS, id)
			b.Must(err)
			a.Revision, a.UpdatedAt = 0, time.Time{}
			list[i] = a
		}
		return list
	}
	before := read()
	m := b.Merge(signalbox.AccountRecord, int64(old.Account), int64(kept.Account))
	late := b.signal("old.com", "")
	if late.Account != kept.Account {
		b.Errorf("answered account %d", late.Account)
	}
	b.Now = b.Now.Add(time.Hour)
	if m = b.undo(m); m.Status != signalbox.MergeUndone || !m.UndoneAt.Equal(b.Now) {
		b.Errorf("undone %+v", m)
	}
	b.same(read(), before)
	if got := b.walkSignals(signalbox.SignalFilter{Account: old.Account}, 1); !reflect.DeepEqual(got, []signalbox.SignalID{late.ID, old.ID}) {
		b.Errorf("timeline %v", got)
	}
	if got := b.walkSignals(signalbox.SignalFilter{Account: kept.Account}, 1); !reflect.DeepEqual(got, []signalbox.SignalID{kept.ID}) {
		b.Errorf("timeline %v", got)
	}
}

// mergeChain: whichever of a group's keys a turn names, all of the group is there, so that what is shown is right.
func mergeChain(b *Box) {
	var ids []signalbox.AccountID
	for _, domain := range []string{"a.com", "b.com", "c.com", "d.com"} {
		ids = append(ids, b.signal(domain, "").Account)
	}
	first := b.Merge(signalbox.AccountRecord, int64(ids[0]), int64(ids[1]))
	second := b.Merge(signalbox.AccountRecord, int64(ids[2]), int64(ids[3]))
	third := b.Merge(signalbox.AccountRecord, int64(ids[1]), int64(ids[3]))
	b.Turn(decide.Input{Signal: &signalbox.SignalInput{Type: "t", Source: "s", Account: signalbox.AccountInput{Domain: "a.com", Name: "A"}}})
	shown := func(id signalbox.AccountID) signalbox.Account {
		a, err := b.DB.Account(b.Context(), b.WS, id)
		b.Must(err)
		return a
	}
	if a := shown(ids[0]); a.ID != ids[3] || a.Name != "A" || len(a.Merged.Records) != 3 {
		b.Errorf("shown %+v", a)
	}
	for _, m := range []signalbox.Merge{third, second, first} {
		b.undo(m)
	}
	for i, want := range []string{"A", "", "", ""} {
		if a := shown(ids[i]); a.ID != ids[i] || a.Name != want || a.Merged != nil {
			b.Errorf("after all were undone: %+v", a)
		}
	}
}

func mergeProposals(b *Box) {
	profile := func(email string) signalbox.ContactID {
		return b.Turn(decide.Input{Signal: &signalbox.SignalInput{
			Type: "t", Source: "s", Contact: signalbox.ContactInput{Email: email, LinkedInURL: "linkedin.com/in/ann"},
		}})[0].Receipt.Contact
	}
	ann := profile("ann@acme.com")
	for range 2 {
		profile("ann@other.com")
	}
	list := b.merges(signalbox.MergeFilter{Status: signalbox.MergeProposed})
	if len(list) != 1 || list[0].Into != signalbox.EntityID(ann) || list[0].Reason != signalbox.SameLinkedIn {
		b.Fatalf("proposed %+v", list)
	}
	m := *b.Turn(decide.Input{Merge: &decide.MergeAct{Deed: decide.MergeDismiss, ID: list[0].ID}})[0].Merge
	if profile("ann@other.com"); m.Status != signalbox.MergeDismissed || len(b.merges(signalbox.MergeFilter{})) != 1 {
		b.Errorf("dismissed %+v of %+v", m, b.merges(signalbox.MergeFilter{}))
	}
}

func mergeErased(b *Box) {
	var con signalbox.ContactID
	for _, email := range []string{"ann@acme.com", "ann@other.com", "ann@third.com"} {
		con = b.Turn(decide.Input{Signal: &signalbox.SignalInput{
			Type: "t", Source: "s", Contact: signalbox.ContactInput{Email: email, LinkedInURL: "linkedin.com/in/ann"},
		}})[0].Receipt.Contact
	}
	if n := len(b.merges(signalbox.MergeFilter{})); n != 2 {
		b.Fatalf("%d proposals", n)
	}
	b.erase(signalbox.JobEraseContact, int64(con))
	if n := len(b.merges(signalbox.MergeFilter{})); n != 1 {
		b.Errorf("%d proposals are left, want that of the others", n)
	}
}
