package storesuite

import (
	"fmt"
	"reflect"
	"time"

	"signalbox"
	"signalbox/decide"
)

var recordTests = map[string]func(*Box){
	"AnAccountIsFoundByAPrefix":   accountQuery,
	"AccountsByStatus":            accountStatus,
	"AContactIsFoundByAPrefix":    contactQuery,
	"ContactsOfAnAccount":         contactsOfAccount,
	"PagesAreStable":              recordPages,
	"ARecordIsFoundByItsKey":      recordByKey,
	"AnErasedOneIsNotThere":       recordErased,
	"AQueryFindsWhatLiesFarBack":  recordFarBack,
	"ARecordWithoutStateIsNoSuch": recordNoState,
	"ManyAreReadAtOnce":           recordsAtOnce,
	"ListsAreSorted":              recordSorts,
	"ASortedListIsStable":         recordSortedPages,
	"ARenamedOneIsFoundByItsName": recordRenamed,
	"AGroupIsListedOnce":          recordGroups,
	"AWordOfManyIsGoneThrough":    recordManyMatches,
}

// domains lists what a filter finds.
func (b *Box) domains(f signalbox.RecordFilter) (found []string) {
	b.Helper()
	list, _, err := b.DB.Accounts(b.Context(), b.WS, f, signalbox.Page{})
	b.Must(err)
	for _, a := range list {
		found = append(found, a.Domain)
	}
	return found
}

func accountQuery(b *Box) {
	b.NewAccount("acme.com", "Acme Inc")
	b.NewAccount("acme.org", "The other one")
	b.NewAccount("zebra.com", "ÄRZTE AG")
	b.NewAccount("long-name.co.uk", "Müller & Söhne GmbH")
	for query, want := range map[string][]string{
		"acme":     {"acme.org", "acme.com"},
		"ACME.C":   {"acme.com"},
		"acme inc": {"acme.com"},
		"the":      {"acme.org"},
		"ärzte":    {"zebra.com"},
		"other":    {"acme.org"},
		"ther":     nil,
		"one the":  {"acme.org"},
		"co.uk":    {"long-name.co.uk"},
		"SÖHNE mü": {"long-name.co.uk"},
		"com acme": {"acme.com"},
		"acme.com": {"acme.com"},
		"%":        nil,
		" zebra ":  {"zebra.com"},
	} {
		if got := b.domains(signalbox.RecordFilter{Query: query}); !reflect.DeepEqual(got, want) {
			b.Errorf("%q: %v, want %v", query, got, want)
		}
	}
}

// sorted walks a list in pages of every size, which must agree.
func (b *Box) sorted(f signalbox.RecordFilter) (found []string) {
	b.Helper()
	for limit := 4; limit > 0; limit-- {
		var walked []string
		for place := (signalbox.Place{}); ; {
			list, next, err := b.DB.Accounts(b.Context(), b.WS, f, place.Page(limit))
			b.Must(err)
			for _, a := range list {
				walked = append(walked, a.Domain)
			}
			if place = next; next.Before == 0 {
				break
			}
		}
		if found != nil && !reflect.DeepEqual(walked, found) {
			b.Errorf("%+v in pages of %d: %v, before %v", f, limit, walked, found)
		}
		found = walked
	}
	return found
}

func recordSorts(b *Box) {
	b.NewAccount("silent1.com", "Zeta")
	b.NewAccount("silent2.com", "")
	for _, domain := range []string{"b.com", "a.com", "c.com", "b.com", "a.com"} {
		b.signal(domain, "x@"+domain)
		b.Now = b.Now.Add(2 * time.Minute)
	}
	for _, c := range []struct {
		f    signalbox.RecordFilter
		want []string
	}{
		{signalbox.RecordFilter{}, []string{"c.com", "a.com", "b.com", "silent2.com", "silent1.com"}},
		{signalbox.RecordFilter{Sort: signalbox.ByCreated}, []string{"c.com", "a.com", "b.com", "silent2.com", "silent1.com"}},
		{signalbox.RecordFilter{Sort: signalbox.ByLastSignal}, []string{"a.com", "b.com", "c.com", "silent2.com", "silent1.com"}},
		{signalbox.RecordFilter{Sort: signalbox.ByOldSignal}, []string{"c.com", "b.com", "a.com", "silent2.com", "silent1.com"}},
		{signalbox.RecordFilter{Sort: signalbox.ByName}, []string{"a.com", "b.com", "c.com", "silent2.com", "silent1.com"}},
		{signalbox.RecordFilter{Sort: signalbox.ByLastSignal, Query: "com"}, []string{"a.com", "b.com", "c.com", "silent2.com", "silent1.com"}},
		{signalbox.RecordFilter{Sort: signalbox.ByName, Query: "silent"}, nil},
		{signalbox.RecordFilter{Sort: signalbox.ByName, Query: "silent2"}, []string{"silent2.com"}},
	} {
		if c.want == nil {
			c.want = []string{"silent2.com", "silent1.com"}
		}
		if got := b.sorted(c.f); !reflect.DeepEqual(got, c.want) {
			b.Errorf("%+v: %v, want %v", c.f, got, c.want)
		}
	}
	people, _, err := b.DB.Contacts(b.Context(), b.WS, signalbox.RecordFilter{Sort: signalbox.ByLastSignal}, signalbox.Page{})
	b.Must(err)
	var emails []string
	for _, c := range people {
		emails = append(emails, c.Email)
	}
	b.same(emails, []string{"x@a.com", "x@b.com", "x@c.com"})
}

// recordSortedPages: what comes or is renamed while somebody pages neither hides nor repeats anything else.
func recordSortedPages(b *Box) {
	for _, name := range []string{"alpha", "bravo", "charlie", "delta"} {
		b.NewAccount(name+".com", name)
	}
	f := signalbox.RecordFilter{Sort: signalbox.ByName}
	first, next, err := b.DB.Accounts(b.Context(), b.WS, f, signalbox.Page{Limit: 2})
	b.Must(err)
	b.NewAccount("aardvark.com", "aardvark")
	b.erase(signalbox.JobEraseAccount, int64(first[1].ID))
	rest, last, err := b.DB.Accounts(b.Context(), b.WS, f, next.Page(9))
	b.Must(err)
	if len(first) != 2 || len(rest) != 2 || last.Before != 0 || rest[0].Name != "charlie" || rest[1].Name != "delta" {
		b.Fatalf("first %+v, rest %+v", first, rest)
	}
}

func recordRenamed(b *Box) {
	id := b.signal("acme.com", "").Account
	name := "Globex Corporation"
	b.Turn(decide.Input{Account: &decide.AccountAct{ID: id, Patch: signalbox.AccountPatch{Name: &name}}})
	other := "Initech"
	b.same(b.domains(signalbox.RecordFilter{Query: "globex"}), []string{"acme.com"})
	b.Turn(decide.Input{Account: &decide.AccountAct{ID: id, Patch: signalbox.AccountPatch{Name: &other}}})
	if got := b.domains(signalbox.RecordFilter{Query: "globex"}); got != nil {
		b.Errorf("by the old name: %v", got)
	}
	b.same(b.domains(signalbox.RecordFilter{Query: "initech"}), []string{"acme.com"})
	b.Turn(decide.Input{Account: &decide.AccountAct{ID: id, Erase: true}})
	for _, word := range []string{"initech", "acme"} {
		if got := b.domains(signalbox.RecordFilter{Query: word}); got != nil {
			b.Errorf("erased, found by %q: %v", word, got)
		}
	}
}

// recordGroups: what was merged is found by its own words, and listed once, where the latest signal of the group puts it.
func recordGroups(b *Box) {
	old, kept := b.signal("old.com", ""), b.signal("kept.com", "")
	b.Now = b.Now.Add(2 * time.Minute)
	b.signal("third.com", "")
	b.Now = b.Now.Add(2 * time.Minute)
	b.signal("old.com", "")
	m := b.Merge(signalbox.AccountRecord, int64(old.Account), int64(kept.Account))
	for f, want := range map[signalbox.RecordFilter][]string{
		{}:                             {"third.com", "kept.com"},
		{Sort: signalbox.ByLastSignal}: {"kept.com", "third.com"},
		{Sort: signalbox.ByOldSignal}:  {"third.com", "kept.com"},
		{Sort: signalbox.ByName}:       {"kept.com", "third.com"},
		{Query: "old"}:                 {"kept.com"},
		{Query: "kept"}:                {"kept.com"},
		{Query: "com"}:                 {"third.com", "kept.com"},
	} {
		if got := b.sorted(f); !reflect.DeepEqual(got, want) {
			b.Errorf("%+v: %v, want %v", f, got, want)
		}
	}
	b.undo(m)
	b.same(b.sorted(signalbox.RecordFilter{Sort: signalbox.ByLastSignal}), []string{"old.com", "third.com", "kept.com"})
	b.same(b.sorted(signalbox.RecordFilter{Query: "old"}), []string{"old.com"})
}

// recordManyMatches: a word that more records have than are sorted at once finds them all the same, and so does one that fewer have, in each order.
func recordManyMatches(b *Box) {
	const many = 10_500
	for from := 0; from < many; from += signalbox.SliceRows {
		d := &signalbox.Decision{}
		for i := from; i < min(many, from+signalbox.SliceRows); i++ {
			a := signalbox.Account{ID: signalbox.AccountID(b.ID()), Workspace: b.WS, Domain: fmt.Sprintf("d%d.com", i), Name: fmt.Sprintf("n%05d", many-i), Revision: 1, CreatedAt: b.Now, UpdatedAt: b.Now}
			if i == 7 || i == 8 {
				a.Status = "customer"
			}
			d.Accounts = append(d.Accounts, signalbox.Written[signalbox.Account]{Row: &a, New: true})
		}
		b.decide(signalbox.Need{}, func(*signalbox.Situation) *signalbox.Decision { return d })
	}
	for f, want := range map[signalbox.RecordFilter]string{
		{Query: "com"}:                                             "d10499.com",
		{Query: "com", Sort: signalbox.ByName}:                     "d10499.com",
		{Query: "com n10493"}:                                      "d7.com",
		{Query: "com n10493", Sort: signalbox.ByName}:              "d7.com",
		{Query: "n10", Sort: signalbox.ByName}:                     "d500.com", // some hundred
		{Query: "n0", Sort: signalbox.ByName}:                      "d10499.com",
		{Query: "n0", Sort: signalbox.ByLastSignal}:                "d10499.com", // none has had a signal: the newest first
		{Query: "d1", Sort: signalbox.ByName}:                      "d10499.com",
		{Query: "com", Sort: signalbox.ByName, Status: "customer"}: "d8.com",
		{Sort: signalbox.ByName, Status: "customer"}:               "d8.com",
	} {
		list, _, err := b.DB.Accounts(b.Context(), b.WS, f, signalbox.Page{Limit: 1})
		b.Must(err)
		if len(list) != 1 || list[0].Domain != want {
			b.Errorf("%+v: %+v, want %s", f, list, want)
		}
	}
}

func accountStatus(b *Box) {
	a := b.NewAccount("acme.com", "Acme")
	b.NewAccount("other.com", "")
	a.Status, a.Attributes, a.Revision = "customer", []byte(`{"employees":50}`), 2
	b.decide(signalbox.Need{}, func(*signalbox.Situation) *signalbox.Decision {
		return &signalbox.Decision{Accounts: []signalbox.Written[signalbox.Account]{{Row: &a}}}
	})
	if got := b.domains(signalbox.RecordFilter{Status: "customer"}); !reflect.DeepEqual(got, []string{"acme.com"}) {
		b.Fatalf("found %v", got)
	}
	stored, err := b.DB.Account(b.Context(), b.WS, a.ID)
	b.Must(err)
	if !reflect.DeepEqual(stored, a) {
		b.Fatalf("stored %+v, want %+v", stored, a)
	}
}

// emails lists what a filter finds.
func (b *Box) emails(f signalbox.RecordFilter) (found []string) {
	b.Helper()
	list, _, err := b.DB.Contacts(b.Context(), b.WS, f, signalbox.Page{})
	b.Must(err)
	for _, c := range list {
		found = append(found, c.Email)
	}
	return found
}

func contactQuery(b *Box) {
	b.NewContact(0, "Ann.Lee@acme.com", "Ann", "Lee")
	b.NewContact(0, "bob@acme.com", "Bob", "Leeson")
	for query, want := range map[string][]string{
		"ann.lee@": {"Ann.Lee@acme.com"},
		"ann l":    {"Ann.Lee@acme.com"},
		"leeso bo": {"bob@acme.com"},
		"LEE":      {"bob@acme.com", "Ann.Lee@acme.com"},
		"leeson":   {"bob@acme.com"},
		"acme":     {"bob@acme.com", "Ann.Lee@acme.com"},
	} {
		if got := b.emails(signalbox.RecordFilter{Query: query}); !reflect.DeepEqual(got, want) {
			b.Errorf("%q: %v, want %v", query, got, want)
		}
	}
}

func contactsOfAccount(b *Box) {
	acme, other := b.NewAccount("acme.com", ""), b.NewAccount("other.com", "")
	b.NewContact(acme.ID, "a@acme.com", "A", "")
	b.NewContact(other.ID, "b@other.com", "B", "")
	b.NewContact(acme.ID, "carl@acme.com", "C", "")
	b.NewContact(0, "d@gmail.com", "D", "")
	if got, want := b.emails(signalbox.RecordFilter{Account: acme.ID}), []string{"carl@acme.com", "a@acme.com"}; !reflect.DeepEqual(got, want) {
		b.Fatalf("found %v, want %v", got, want)
	}
	if got := b.emails(signalbox.RecordFilter{Account: acme.ID, Query: "carl@"}); !reflect.DeepEqual(got, []string{"carl@acme.com"}) {
		b.Fatalf("found %v", got)
	}
}

func recordPages(b *Box) {
	for i := range 5 {
		b.NewAccount(fmt.Sprintf("a%d.com", i), "")
	}
	first, next, err := b.DB.Accounts(b.Context(), b.WS, signalbox.RecordFilter{}, signalbox.Page{Limit: 3})
	b.Must(err)
	b.NewAccount("new.com", "")
	rest, last, err := b.DB.Accounts(b.Context(), b.WS, signalbox.RecordFilter{}, next.Page(3))
	b.Must(err)
	if len(first) != 3 || len(rest) != 2 || last.Before != 0 || first[2].Domain != "a2.com" || rest[0].Domain != "a1.com" {
		b.Fatalf("first %+v, rest %+v, next %v", first, rest, last)
	}
}

func recordByKey(b *Box) {
	acc := b.NewAccount("acme.com", "")
	got, ok, err := b.DB.FindRecord(b.Context(), b.DomainKey("acme.com"))
	b.Must(err)
	if !ok || got != signalbox.EntityID(acc.ID) {
		b.Fatalf("found %d %v, want %d", got, ok, acc.ID)
	}
	for _, key := range []signalbox.RecordKey{b.DomainKey("acme.org"), b.EmailKey("acme.com"), {Workspace: b.NewWorkspace("other"), Kind: signalbox.KeyDomain, Value: "acme.com"}} {
		if got, ok, err := b.DB.FindRecord(b.Context(), key); ok || err != nil {
			b.Errorf("%+v found %d %v", key, got, err)
		}
	}
}

func recordErased(b *Box) {
	acc := b.NewAccount("acme.com", "")
	con := b.NewContact(acc.ID, "ann@acme.com", "Ann", "")
	acc.ErasedAt, con.ErasedAt = b.Now, b.Now
	b.decide(signalbox.Need{}, func(*signalbox.Situation) *signalbox.Decision {
		return &signalbox.Decision{
			Accounts: []signalbox.Written[signalbox.Account]{{Row: &acc}},
			Contacts: []signalbox.Written[signalbox.Contact]{{Row: &con}},
		}
	})
	_, err := b.DB.Account(b.Context(), b.WS, acc.ID)
	b.WantNoSuch(err, "account")
	_, err = b.DB.Contact(b.Context(), b.WS, con.ID)
	b.WantNoSuch(err, "contact")
	if a, c := b.domains(signalbox.RecordFilter{}), b.emails(signalbox.RecordFilter{}); a != nil || c != nil {
		b.Fatalf("lists hold %v, %v", a, c)
	}
}

func recordFarBack(b *Box) {
	b.NewAccount("needle.com", "")
	d := &signalbox.Decision{}
	for i := range 2500 {
		a := signalbox.Account{ID: signalbox.AccountID(b.ID()), Workspace: b.WS, Domain: fmt.Sprintf("hay%d.com", i), Revision: 1, CreatedAt: b.Now, UpdatedAt: b.Now}
		d.Accounts = append(d.Accounts, signalbox.Written[signalbox.Account]{Row: &a, New: true})
	}
	b.decide(signalbox.Need{}, func(*signalbox.Situation) *signalbox.Decision { return d })
	if got := b.domains(signalbox.RecordFilter{Query: "need"}); !reflect.DeepEqual(got, []string{"needle.com"}) {
		b.Fatalf("found %v", got)
	}
}

func recordNoState(b *Box) {
	acc := b.NewAccount("acme.com", "")
	_, err := b.DB.State(b.Context(), b.WS, signalbox.EntityID(acc.ID))
	b.WantNoSuch(err, "record")
}

// recordsAtOnce: what is read of many records is what is read of each, and nothing of another workspace's or of one that is erased.
func recordsAtOnce(b *Box) {
	acme, quiet, gone := b.NewAccount("acme.com", "Acme"), b.NewAccount("quiet.com", ""), b.NewAccount("gone.com", "")
	b.Send(Sent{Account: acme.ID})
	b.Send(Sent{Account: acme.ID})
	gone.Domain, gone.Revision, gone.ErasedAt = "", 2, b.Now
	b.decide(signalbox.Need{}, func(*signalbox.Situation) *signalbox.Decision {
		return &signalbox.Decision{Accounts: []signalbox.Written[signalbox.Account]{{Row: &gone}}}
	})
	want, err := b.DB.State(b.Context(), b.WS, signalbox.EntityID(acme.ID))
	b.Must(err)
	ids := []signalbox.AccountID{acme.ID, quiet.ID, gone.ID, signalbox.AccountID(b.ID())}
	entities := make([]signalbox.EntityID, len(ids))
	for i, id := range ids {
		entities[i] = signalbox.EntityID(id)
	}
	states, err := b.DB.States(b.Context(), b.WS, entities)
	b.Must(err)
	b.same(states, map[signalbox.EntityID]signalbox.EntityState{want.Entity: want})
	companies, err := b.DB.Companies(b.Context(), b.WS, ids)
	b.Must(err)
	b.same(companies, map[signalbox.AccountID]signalbox.Account{acme.ID: acme, quiet.ID: quiet})
	other := b.NewWorkspace("other")
	states, err = b.DB.States(b.Context(), other, entities)
	b.Must(err)
	companies, err2 := b.DB.Companies(b.Context(), other, ids)
	b.Must(err2)
	if len(states)+len(companies) != 0 {
		b.Errorf("another workspace reads %v, %v", states, companies)
	}
	if states, err := b.DB.States(b.Context(), b.WS, nil); err != nil || len(states) != 0 {
		b.Errorf("of nothing: %v, %v", states, err)
	}
}
