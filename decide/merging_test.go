package decide_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/decide"
)

// merge decides an act about a merge in a turn of its own.
func (w *world) merge(act decide.MergeAct) (signalbox.Merge, error) {
	w.t.Helper()
	out := w.turn(decide.Input{Merge: &act})[0]
	if out.Err != nil {
		return signalbox.Merge{}, out.Err
	}
	return *out.Merge, nil
}

// must ends the test on an error.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (w *world) mergeAccounts(from, into signalbox.AccountID) (signalbox.Merge, error) {
	return w.merge(decide.MergeAct{Deed: decide.MergeNow, Kind: signalbox.AccountRecord, From: signalbox.EntityID(from), Into: signalbox.EntityID(into)})
}

func (w *world) mergeContacts(from, into signalbox.ContactID) (signalbox.Merge, error) {
	return w.merge(decide.MergeAct{Deed: decide.MergeNow, Kind: signalbox.ContactRecord, From: signalbox.EntityID(from), Into: signalbox.EntityID(into)})
}

func (w *world) undo(id signalbox.MergeID) (signalbox.Merge, error) {
	return w.merge(decide.MergeAct{Deed: decide.MergeUndo, ID: id})
}

// timeline walks a record's own chain, newest first, and tells its signals by their properties.
func (w *world) timeline(id signalbox.EntityID) (list []string) {
	at := w.states[id].LastSignal
	for at != 0 {
		i := slices.IndexFunc(w.signals, func(s signalbox.Signal) bool { return s.ID == at })
		s := w.signals[i]
		list = append(list, string(s.Properties))
		if at = s.PrevContact; signalbox.EntityID(s.Account) == id {
			at = s.PrevAccount
		}
	}
	return list
}

// facts says all there is to say of every record, told by its keys: revisions and ids aside.
func (w *world) facts() map[string]string {
	domain := func(id signalbox.AccountID) string { return w.accounts[id].Domain }
	all := map[string]string{}
	for key, id := range w.keys {
		if a, ok := w.accounts[signalbox.AccountID(id)]; ok {
			all[key.Value] = fmt.Sprintf("%q %q %q %s into %q parts %v %v", a.Domain, a.Name, a.Status, a.Attributes, domain(a.MergedInto), a.Merged, w.timeline(id))
			continue
		}
		c := w.contacts[signalbox.ContactID(id)]
		all[key.Value] = fmt.Sprintf("%q %q %q %q %q %d %q %s into %d parts %v %v", c.Email, c.FirstName, c.LastName, c.Title, c.LinkedInURL, c.ByHand,
			domain(c.Account), c.Attributes, c.MergedInto, c.Merged, w.timeline(id))
	}
	return all
}

var (
	mergedDomains = []string{"one.com", "two.com", "three.com", "four.com"}
	mergedPeople  = []string{"a@one.com", "b@one.com", "c@two.com", "d@three.com", "e@gmail.com"}
)

// drawSignal draws a signal that says something of a company and a person. Who has no company by their address names one.
func drawSignal(rt *rapid.T, n int) signalbox.SignalInput {
	in := signalbox.SignalInput{Type: "t", Source: "s", Properties: []byte(strconv.Itoa(n))}
	pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(rt, name) }
	if in.Contact.Email = pick("email", append(mergedPeople, "")...); in.Contact.Email == "" || in.Contact.Email == "e@gmail.com" {
		in.Account.Domain = pick("domain", mergedDomains...)
	}
	in.Account.Name = pick("name", "", "", "Acme "+strconv.Itoa(n))
	in.Contact.Title = pick("title", "", "", "T"+strconv.Itoa(n))
	in.Contact.FirstName = pick("first", "", "F"+strconv.Itoa(n))
	if in.Contact.Email != "" {
		in.Contact.LinkedInURL = pick("profile", "", "", "linkedin.com/in/x", "linkedin.com/in/y")
	}
	for _, target := range []*[]byte{&in.Account.Attributes, &in.Contact.Attributes} {
		if s := pick("attributes", "", "", `{"a":%d}`, `{"b":{"x":%d}}`, `{"b":{"y":%d},"a":null}`, `{"c":[%d]}`, `{"b":null,"d":%d}`); s != "" {
			*target = fmt.Appendf(nil, s, n)
		}
	}
	return in
}

// TestMerge_UndoingAllLeavesWhatWouldBeWithoutMerges: two worlds get the same signals and patches; one merges and undoes besides. While
// something is merged a patch goes to the survivor in both. After all merges are undone both say the same of everything.
func TestMerge_UndoingAllLeavesWhatWouldBeWithoutMerges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w, plain := newWorld(t), newWorld(t)
		var done []signalbox.MergeID
		for n := range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0, 1: // merge two accounts or contacts, if they can be
				m := drawMerge(rt, w)
				made, err := w.merge(m)
				if err == nil {
					done = append(done, made.ID)
				} else if signalbox.CodeOf(err) == signalbox.Internal {
					rt.Fatal(err)
				}
			case 2: // undo any: only the latest of a record can be
				if len(done) > 0 {
					i := rapid.IntRange(0, len(done)-1).Draw(rt, "undo")
					if _, err := w.undo(done[i]); err == nil {
						done = slices.Delete(done, i, i+1)
					} else if signalbox.CodeOf(err) != signalbox.Conflict {
						rt.Fatal(err)
					}
				}
			case 3:
				patchBoth(rt, w, plain, n)
			default:
				in := drawSignal(rt, n)
				a, b := w.try(in), plain.try(in)
				if (a.Err == nil) != (b.Err == nil) {
					rt.Fatalf("merged %v, plain %v", a.Err, b.Err)
				}
			}
			w.checkGroups(rt)
		}
		for _, id := range slices.Backward(done) {
			if _, err := w.undo(id); err != nil {
				rt.Fatalf("undo in the reverse order: %v", err)
			}
		}
		got, want := w.facts(), plain.facts()
		if len(got) != len(want) {
			rt.Fatalf("%d records, want %d", len(got), len(want))
		}
		for key := range want {
			if got[key] != want[key] {
				rt.Fatalf("%s:\n got %s\nwant %s", key, got[key], want[key])
			}
		}
	})
}

func drawMerge(rt *rapid.T, w *world) decide.MergeAct {
	kind, kinds, names := signalbox.AccountRecord, signalbox.KeyDomain, mergedDomains
	if rapid.Bool().Draw(rt, "contacts") {
		kind, kinds, names = signalbox.ContactRecord, signalbox.KeyEmail, []string{"a@one.com", "b@one.com", "c@two.com", "d@three.com", "e@gmail.com"}
	}
	pick := func(name string) signalbox.EntityID {
		return w.keys[signalbox.RecordKey{Workspace: ws, Kind: kinds, Value: rapid.SampledFrom(names).Draw(rt, name)}]
	}
	return decide.MergeAct{Deed: decide.MergeNow, Kind: kind, From: pick("from"), Into: pick("into")}
}

// patchBoth patches an account: in the plain world the one that survives in the other.
func patchBoth(rt *rapid.T, w, plain *world, n int) {
	key := signalbox.RecordKey{Workspace: ws, Kind: signalbox.KeyDomain, Value: rapid.SampledFrom(mergedDomains).Draw(rt, "patched")}
	id := signalbox.AccountID(w.keys[key])
	if id == 0 {
		return
	}
	patch := signalbox.AccountPatch{Attributes: []byte(rapid.SampledFrom([]string{"", `{"a":null}`, `{"b":{"x":null},"p":1}`, "null"}).Draw(rt, "patch"))}
	if len(patch.Attributes) == 0 {
		patch.Attributes = nil
	}
	if rapid.Bool().Draw(rt, "rename") {
		name := rapid.SampledFrom([]string{"", "By hand " + strconv.Itoa(n)}).Draw(rt, "name")
		patch.Name = &name
	}
	out := w.turn(decide.Input{Account: &decide.AccountAct{ID: id, Patch: patch}})[0]
	if out.Err != nil {
		rt.Fatal(out.Err)
	}
	if patch.Name != nil && out.Account.Name != *patch.Name {
		rt.Fatalf("patched the name to %q, shown is %q", *patch.Name, out.Account.Name)
	}
	if s := string(out.Account.Attributes); string(patch.Attributes) == "null" && s != "" || strings.Contains(string(patch.Attributes), `"a":null`) && strings.Contains(s, `"a":`) {
		rt.Fatalf("after %s the attributes are %s", patch.Attributes, s)
	}
	key.Value = w.accounts[out.Account.ID].Domain
	plain.turn(decide.Input{Account: &decide.AccountAct{ID: signalbox.AccountID(plain.keys[key]), Patch: patch}})
}

// checkGroups holds every merged record to what must always be so: each part knows its survivor, which knows it, and is no part itself.
func (w *world) checkGroups(rt *rapid.T) {
	parts := map[signalbox.EntityID]signalbox.EntityID{}
	see := func(r signalbox.Record) {
		if r.Into() == 0 && r.Parts() != nil {
			for _, part := range r.Parts().Records {
				parts[part.ID] = r.Entity()
			}
		}
	}
	for _, a := range w.accounts {
		see(&a)
	}
	for _, c := range w.contacts {
		see(&c)
	}
	check := func(r signalbox.Record) {
		if parts[r.Entity()] != r.Into() {
			rt.Fatalf("%d says it is part of %d, and is known by %d", r.Entity(), r.Into(), parts[r.Entity()])
		}
	}
	for _, a := range w.accounts {
		check(&a)
	}
	for _, c := range w.contacts {
		check(&c)
	}
}

func TestMerge_SurvivorsWordsWinAndGapsAreFilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := company("old.com", "Old Inc")
	in.Account.Attributes = []byte(`{"plan":"free","size":{"people":5,"rooms":2},"city":"Ulm"}`)
	old := w.signal(in).Account
	in = company("new.com", "")
	in.Account.Attributes = []byte(`{"plan":"pro","size":{"people":9}}`)
	survivor := w.signal(in).Account
	m := must[signalbox.Merge](t)(w.mergeAccounts(old, survivor))
	a := w.account(survivor)
	if a.Name != "Old Inc" || a.Domain != "new.com" || string(a.Attributes) != `{"plan":"pro","size":{"people":9,"rooms":2},"city":"Ulm"}` {
		t.Errorf("merged to %+v with %s", a, a.Attributes)
	}
	if w.account(old).MergedInto != survivor {
		t.Errorf("the merged record points to %d", w.account(old).MergedInto)
	}
	r := w.signal(company("old.com", ""))
	if r.Account != survivor {
		t.Errorf("a signal of the merged domain answered %d, want the survivor %d", r.Account, survivor)
	}
	if s := w.signals[len(w.signals)-1]; s.Account != old {
		t.Errorf("it is stored for %d, want %d, which its domain is of", s.Account, old)
	}
	must[signalbox.Merge](t)(w.undo(m.ID))
	if a := w.account(survivor); a.Name != "" || string(a.Attributes) != `{"plan":"pro","size":{"people":9}}` || a.Merged != nil {
		t.Errorf("undone to %+v with %s", a, a.Attributes)
	}
	if n := len(w.timeline(signalbox.EntityID(old))); n != 2 {
		t.Errorf("%d signals in its timeline, want both", n)
	}
}

// A signal that names no company, of a person who was merged, is about the company of the one who survives.
func TestMerge_APersonsSignalsGoToTheSurvivorsCompany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	private, work := w.signal(person("jane@gmail.com")), w.signal(person("jane@acme.com"))
	must[signalbox.Merge](t)(w.mergeContacts(private.Contact, work.Contact))
	r := w.signal(person("jane@gmail.com"))
	if r.Contact != work.Contact || r.Account != work.Account {
		t.Errorf("answered %+v, want contact %d of account %d", r, work.Contact, work.Account)
	}
}

func TestMerge_WhatCannotBeIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []signalbox.AccountID
	for i := range 5 {
		ids = append(ids, w.signal(company(fmt.Sprintf("c%d.com", i), "")).Account)
	}
	text := func(id signalbox.AccountID) string { return w.codec.Format(signalbox.KindAccount, int64(id)) }
	first := must[signalbox.Merge](t)(w.mergeAccounts(ids[0], ids[1]))
	second := must[signalbox.Merge](t)(w.mergeAccounts(ids[1], ids[2]))
	third := must[signalbox.Merge](t)(w.mergeAccounts(ids[3], ids[2]))
	mrg := func(m signalbox.Merge) string { return w.codec.Format(signalbox.KindMerge, int64(m.ID)) }
	undoing := func(m signalbox.Merge) func() error {
		return func() error { _, err := w.undo(m.ID); return err }
	}
	merging := func(from, into signalbox.AccountID) func() error {
		return func() error { _, err := w.mergeAccounts(from, into); return err }
	}
	for name, c := range map[string]struct {
		do   func() error
		code signalbox.Code
		says string
	}{
		"into itself":                    {merging(ids[4], ids[4]), signalbox.Invalid, text(ids[4]) + " cannot be merged into itself"},
		"one that was merged":            {merging(ids[1], ids[4]), signalbox.Conflict, text(ids[1]) + " was merged into " + text(ids[2]) + " by " + mrg(second)},
		"into one that was merged":       {merging(ids[4], ids[0]), signalbox.Conflict, text(ids[0]) + " was merged into " + text(ids[2])},
		"round in a circle":              {merging(ids[2], ids[0]), signalbox.Conflict, text(ids[0]) + " was merged into " + text(ids[2])},
		"one that nobody has":            {merging(99, ids[4]), signalbox.NotFound, "no such account"},
		"into one that nobody has":       {merging(ids[4], 99), signalbox.Invalid, "into: no such account"},
		"undo the first of a chain":      {undoing(first), signalbox.Conflict, mrg(second) + " stands"},
		"undo one before the latest":     {undoing(second), signalbox.Conflict, mrg(third) + " stands"},
		"undo what is no merge":          {undoing(signalbox.Merge{ID: 1}), signalbox.NotFound, "no such merge"},
		"accept what is no proposal":     {func() error { _, err := w.merge(decide.MergeAct{Deed: decide.MergeAccept, ID: first.ID}); return err }, signalbox.Conflict, "is done: only one that is proposed can be accepted"},
		"dismiss what is not a proposal": {func() error { _, err := w.merge(decide.MergeAct{Deed: decide.MergeDismiss, ID: first.ID}); return err }, signalbox.Conflict, "can be dismissed"},
	} {
		var e *signalbox.Error
		if err := c.do(); !errors.As(err, &e) || e.Code != c.code || !strings.Contains(e.Msg, c.says) {
			t.Errorf("%s: %v, want %s: … %s …", name, err, c.code, c.says)
		}
	}
	for _, m := range []signalbox.Merge{third, second, first} {
		if m := must[signalbox.Merge](t)(w.undo(m.ID)); m.Status != signalbox.MergeUndone || m.UndoneAt != w.now {
			t.Errorf("undone: %+v", m)
		}
	}
	if _, err := w.undo(first.ID); signalbox.CodeOf(err) != signalbox.Conflict {
		t.Errorf("undone twice: %v", err)
	}
}

func TestMerge_NoMoreThanTheMostAreMergedIntoOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	survivor := w.signal(company("survivor.com", "")).Account
	for i := range signalbox.MaxMerged {
		must[signalbox.Merge](t)(w.mergeAccounts(w.signal(company(fmt.Sprintf("c%d.com", i), "")).Account, survivor))
	}
	if _, err := w.mergeAccounts(w.signal(company("more.com", "")).Account, survivor); signalbox.CodeOf(err) != signalbox.Conflict {
		t.Errorf("one more: %v", err)
	}
}

// An e-mail of one contact with the profile of another is a proposal, once, which the signal does not wait for; turned down, it does not come again.
func TestMerge_IsProposedForAProfileOfSomebodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := person("jane@acme.com")
	first.Contact.LinkedInURL = "https://www.linkedin.com/in/jane"
	jane := w.signal(first).Contact
	other := first
	other.Contact.Email = "jane.doe@acme.com"
	for range 2 {
		w.signal(other)
	}
	if len(w.merges) != 1 {
		t.Fatalf("%d proposals, want one", len(w.merges))
	}
	var m signalbox.Merge
	for _, m = range w.merges {
	}
	if m.Status != signalbox.MergeProposed || m.Into != signalbox.EntityID(jane) || m.Kind != signalbox.ContactRecord || m.Reason != signalbox.SameLinkedIn {
		t.Fatalf("proposed %+v, want into the older one, %d", m, jane)
	}
	must[signalbox.Merge](t)(w.merge(decide.MergeAct{Deed: decide.MergeAccept, ID: m.ID}))
	if w.signal(other).Contact != jane || len(w.merges) != 1 {
		t.Errorf("after it was accepted there are %d merges", len(w.merges))
	}
	must[signalbox.Merge](t)(w.undo(m.ID))
	if w.signal(other); len(w.merges) != 1 || w.merges[m.ID].Status != signalbox.MergeUndone {
		t.Errorf("after it was undone: %+v", w.merges)
	}
}

// Erasing a record reaches all that was merged into it, by any of their ids, and their keys are free.
func TestMerge_ErasingTakesAllThatWasMerged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.signal(company("a.com", "A")).Account, w.signal(company("b.com", "B")).Account
	m := must[signalbox.Merge](t)(w.mergeAccounts(a, b))
	out := w.turn(decide.Input{Account: &decide.AccountAct{ID: a, Erase: true}})[0]
	if out.Err != nil || out.Job.Subject != int64(b) || len(w.jobs) != 2 {
		t.Fatalf("%+v with %d jobs, want one for each record, the survivor's answered", out, len(w.jobs))
	}
	for _, id := range []signalbox.AccountID{a, b} {
		if got := w.account(id); got.ErasedAt.IsZero() || got.Domain != "" || got.Name != "" || got.Merged != nil {
			t.Errorf("left of %d: %+v", id, got)
		}
	}
	if len(w.keys) != 0 {
		t.Errorf("keys %v are left", w.keys)
	}
	if _, err := w.undo(m.ID); signalbox.CodeOf(err) != signalbox.Conflict {
		t.Errorf("undo: %v", err)
	}
}
