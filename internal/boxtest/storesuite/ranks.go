package storesuite

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"signalbox"
	"signalbox/decide"
)

var rankTests = map[string]func(*Box){
	"ListsAreSortedByScore":               rankSorts,
	"AGroupStandsWhereItsScoreIs":         rankGroups,
	"AStageAndAnAudienceNarrow":           rankNarrows,
	"ContactsAreNarrowedAlike":            rankContacts,
	"WhatIsNarrowedIsFoundFarBack":        rankFarBack,
	"WhatDriftsIsRankedAgain":             rankRefreshed,
	"ManyThatDriftAreRankedInSlices":      rankSlices,
	"WhatNobodyRankedYetIsRankedOnce":     rankUpgraded,
	"ARankThatWasRefreshedIsNotForgotten": rankRemembered,
	"WhatIsSettledKeepsItsPlaces":         rankSettled,
}

// scored sends signals of types about a domain.
func (b *Box) scored(domain, email string, types ...string) (r signalbox.Receipt) {
	b.Helper()
	for _, typ := range types {
		r = b.Turn(decide.Input{Signal: &signalbox.SignalInput{
			Type: typ, Source: "s", Account: signalbox.AccountInput{Domain: domain}, Contact: signalbox.ContactInput{Email: email},
		}})[0].Receipt
	}
	return r
}

// rankSorts: contract section 16, in pages of every size: points first, then who has none, the newest first.
func rankSorts(b *Box) {
	b.NewAccount("silent1.com", "")
	b.scored("low.com", "x@low.com", "page_view")
	b.scored("high.com", "x@high.com", "meeting_booked", "deal_created")
	b.NewAccount("silent2.com", "")
	b.scored("mid.com", "x@mid.com", "form_submit")
	want := []string{"high.com", "mid.com", "low.com", "silent2.com", "silent1.com"}
	b.same(b.sorted(signalbox.RecordFilter{Sort: signalbox.ByScore}), want)
	b.same(b.sorted(signalbox.RecordFilter{Sort: signalbox.ByScore, Query: "com"}), want)
	b.same(b.sorted(signalbox.RecordFilter{Sort: signalbox.ByScore, Query: "lo"}), []string{"low.com"})
	b.Now = b.Now.AddDate(0, 0, 20) // all have decayed alike; another one passes the one that had least
	b.scored("low.com", "x@low.com", "form_submit")
	b.same(b.sorted(signalbox.RecordFilter{Sort: signalbox.ByScore}), []string{"low.com", "high.com", "mid.com", "silent2.com", "silent1.com"})
	people, _, err := b.DB.Contacts(b.Context(), b.WS, signalbox.RecordFilter{Sort: signalbox.ByScore}, signalbox.Page{})
	b.Must(err)
	var emails []string
	for _, c := range people {
		emails = append(emails, c.Email)
	}
	b.same(emails, []string{"x@low.com", "x@high.com", "x@mid.com"})
}

// rankGroups: one score for all of a group, found by the words of each.
func rankGroups(b *Box) {
	old, kept := b.scored("old.com", "", "meeting_booked"), b.scored("kept.com", "", "page_view")
	b.scored("third.com", "", "meeting_booked", "page_view")
	quiet := b.NewAccount("quiet.com", "")
	m := b.Merge(signalbox.AccountRecord, int64(old.Account), int64(kept.Account))
	b.Merge(signalbox.AccountRecord, int64(quiet.ID), int64(kept.Account))
	b.scored("old.com", "", "email_click")
	for f, want := range map[signalbox.RecordFilter][]string{
		{Sort: signalbox.ByScore}:                                                    {"kept.com", "third.com"},
		{Sort: signalbox.ByScore, Query: "old"}:                                      {"kept.com"},
		{Sort: signalbox.ByScore, Query: "quiet"}:                                    {"kept.com"},
		{Sort: signalbox.ByScore, Query: "com"}:                                      {"kept.com", "third.com"},
		{Sort: signalbox.ByScore, Query: "com", Stage: "Cool", First: true}:          {"kept.com", "third.com"},
		{Stage: "Cool", First: true, Query: "old", Sort: signalbox.ByName}:           {"kept.com"},
		{Stage: "Warm", Query: "old", Sort: signalbox.ByLastSignal}:                  nil,
		{Stage: "Cool", First: true, Query: "quiet", Sort: signalbox.ByLastSignal}:   {"kept.com"},
		{Stage: "Cool", First: true, Query: "kept com", Sort: signalbox.ByOldSignal}: {"kept.com"},
	} {
		if got := b.sorted(f); !reflect.DeepEqual(got, want) {
			b.Errorf("%+v: %v, want %v", f, got, want)
		}
	}
	of := b.define(signalbox.DefinedAudience, "All", `{"of":1,"condition":"account.score > 100000"}`)
	b.moves(signalbox.AudienceMove{Workspace: b.WS, Audience: signalbox.AudienceID(of.ID), Entity: signalbox.EntityID(kept.Account), Entered: true, At: b.Now})
	for _, sort := range []signalbox.RecordSort{"", signalbox.ByName, signalbox.ByScore, signalbox.ByLastSignal, signalbox.ByOldSignal} {
		for _, q := range []string{"", "old", "kept"} {
			b.same(b.sorted(signalbox.RecordFilter{Sort: sort, Query: q, Audience: signalbox.AudienceID(of.ID)}), []string{"kept.com"})
		}
	}
	b.undo(b.lastMerge(m))
	b.undo(m)
	b.same(b.sorted(signalbox.RecordFilter{Sort: signalbox.ByScore}), []string{"old.com", "third.com", "kept.com", "quiet.com"})
}

// lastMerge is the newest merge, which has to be undone before m.
func (b *Box) lastMerge(m signalbox.Merge) signalbox.Merge {
	b.Helper()
	for _, other := range b.merges(signalbox.MergeFilter{Kind: signalbox.AccountRecord, Status: signalbox.MergeDone}) {
		if other.ID > m.ID {
			return other
		}
	}
	b.Fatal("there is no later merge")
	return m
}

// rankNarrows: each filter and all of them together, in each order.
func rankNarrows(b *Box) {
	var audience signalbox.AudienceID
	of := b.define(signalbox.DefinedAudience, "Some", `{"of":1,"condition":"account.score > 100000"}`)
	audience = signalbox.AudienceID(of.ID)
	hot := []string{"meeting_booked", "meeting_booked", "deal_created", "deal_created", "form_submit"} // 98 points
	hot1, warm := b.scored("hot1.com", "", hot...), b.scored("warm1.com", "", "meeting_booked", "deal_created")
	b.scored("hot2.com", "", hot...)
	b.NewAccount("silent.com", "")
	b.scored("cool.com", "", "page_view")
	for _, acc := range []signalbox.AccountID{hot1.Account, warm.Account} {
		b.moves(signalbox.AudienceMove{Workspace: b.WS, Audience: audience, Entity: signalbox.EntityID(acc), Entered: true, At: b.Now})
	}
	status := "customer"
	b.Turn(decide.Input{Account: &decide.AccountAct{ID: hot1.Account, Patch: signalbox.AccountPatch{Status: &status}}})
	for _, sort := range []signalbox.RecordSort{"", signalbox.ByCreated, signalbox.ByName, signalbox.ByScore, signalbox.ByLastSignal, signalbox.ByOldSignal} {
		for f, want := range map[signalbox.RecordFilter][]string{
			{Stage: "Hot"}:                      {"hot1.com", "hot2.com"},
			{Stage: "Warm"}:                     {"warm1.com"},
			{Stage: "Cool", First: true}:        {"cool.com", "silent.com"},
			{Stage: "In-market"}:                nil,
			{Audience: audience}:                {"hot1.com", "warm1.com"},
			{Audience: audience, Stage: "Warm"}: {"warm1.com"},
			{Audience: audience, Stage: "Hot", Status: "customer"}: {"hot1.com"},
			{Stage: "Hot", Query: "hot2"}:                          {"hot2.com"},
			{Stage: "Hot", Query: "com hot"}:                       {"hot1.com", "hot2.com"},
			{Audience: audience, Query: "hot2"}:                    nil,
			{Audience: audience, Stage: "Cool", First: true}:       nil,
			{Audience: audience + 1}:                               nil,
		} {
			f.Sort = sort
			got := b.sorted(f)
			slices.Sort(got)
			if !reflect.DeepEqual(got, want) {
				b.Errorf("%+v: %v, want %v", f, got, want)
			}
		}
	}
	b.Now = b.Now.AddDate(0, 0, 3) // 84.6 points: decay alone has moved both
	for _, domain := range []string{"hot1.com", "hot2.com"} {
		b.scored(domain, "", "nothing_much")
	}
	b.same(len(b.sorted(signalbox.RecordFilter{Stage: "Hot"})), 2)
	b.Now = b.Now.AddDate(0, 0, 6)
	for _, d := range b.take(b.Now, 50) {
		if d.Kind == signalbox.DueRecord {
			b.Turn(decide.Input{Due: signalbox.EntityID(d.Subject)})
		}
	}
	b.same(b.sorted(signalbox.RecordFilter{Stage: "Hot"}), []string(nil))
	b.same(b.sorted(signalbox.RecordFilter{Stage: "In-market"}), []string{"hot2.com", "hot1.com"})
	b.same(b.sorted(signalbox.RecordFilter{Stage: "Cool", First: true}), []string{"cool.com", "silent.com", "warm1.com"})
}

func rankContacts(b *Box) {
	of := b.define(signalbox.DefinedAudience, "People", `{"of":2,"condition":"contact.score > 100000"}`)
	ann, joe := b.scored("acme.com", "ann@acme.com", "meeting_booked", "deal_created"), b.scored("acme.com", "joe@acme.com", "page_view")
	b.scored("other.com", "eve@other.com", "meeting_booked", "deal_created")
	b.moves(signalbox.AudienceMove{Workspace: b.WS, Audience: signalbox.AudienceID(of.ID), Entity: signalbox.EntityID(ann.Contact), Entered: true, At: b.Now},
		signalbox.AudienceMove{Workspace: b.WS, Audience: signalbox.AudienceID(of.ID), Entity: signalbox.EntityID(joe.Contact), Entered: true, At: b.Now})
	for _, sort := range []signalbox.RecordSort{"", signalbox.ByName, signalbox.ByScore, signalbox.ByLastSignal} {
		for f, want := range map[signalbox.RecordFilter][]string{
			{Stage: "Warm"}:                                                   {"ann@acme.com", "eve@other.com"},
			{Stage: "Warm", Account: ann.Account}:                             {"ann@acme.com"},
			{Stage: "Cool", First: true, Account: ann.Account}:                {"joe@acme.com"},
			{Audience: signalbox.AudienceID(of.ID)}:                           {"ann@acme.com", "joe@acme.com"},
			{Audience: signalbox.AudienceID(of.ID), Query: "joe"}:             {"joe@acme.com"},
			{Audience: signalbox.AudienceID(of.ID), Account: ann.Account}:     {"ann@acme.com", "joe@acme.com"},
			{Account: ann.Account}:                                            {"ann@acme.com", "joe@acme.com"},
			{Account: ann.Account, Query: "acme com", Stage: "Warm"}:          {"ann@acme.com"},
			{Account: ann.Account, Audience: signalbox.AudienceID(of.ID + 1)}: nil,
		} {
			f.Sort = sort
			got := b.emails(f)
			slices.Sort(got)
			if !reflect.DeepEqual(got, want) {
				b.Errorf("%+v: %v, want %v", f, got, want)
			}
		}
	}
}

// rankFarBack: what few are in is found at once, however many records stand before it, in each order.
func rankFarBack(b *Box) {
	of := b.define(signalbox.DefinedAudience, "Few", `{"of":1,"condition":"account.score > 100000"}`)
	hot := b.scored("hot.com", "", "meeting_booked", "meeting_booked", "deal_created", "deal_created", "form_submit")
	b.moves(signalbox.AudienceMove{Workspace: b.WS, Audience: signalbox.AudienceID(of.ID), Entity: signalbox.EntityID(hot.Account), Entered: true, At: b.Now})
	const many = 5_000
	for from := 0; from < many; from += signalbox.SliceRows {
		d := &signalbox.Decision{}
		for i := from; i < from+signalbox.SliceRows; i++ {
			a := signalbox.Account{ID: signalbox.AccountID(b.ID()), Workspace: b.WS, Domain: fmt.Sprintf("d%d.com", i), Revision: 1, CreatedAt: b.Now, UpdatedAt: b.Now}
			d.Accounts = append(d.Accounts, signalbox.Written[signalbox.Account]{Row: &a, New: true})
			at := b.Now.Add(time.Hour)
			d.States = append(d.States, &signalbox.EntityState{Entity: signalbox.EntityID(a.ID), Workspace: b.WS, Kind: signalbox.AccountRecord, Ranked: at, LastSignalAt: at, New: true,
				Score: signalbox.ScoreRank{On: true, Key: b.Now.AddDate(10, 0, 0).UnixMicro()}})
		}
		b.decide(signalbox.Need{}, func(*signalbox.Situation) *signalbox.Decision { return d })
	}
	for _, sort := range []signalbox.RecordSort{"", signalbox.ByName, signalbox.ByScore, signalbox.ByLastSignal} {
		for _, f := range []signalbox.RecordFilter{{Stage: "Hot"}, {Audience: signalbox.AudienceID(of.ID)}} {
			f.Sort = sort
			list, next, err := b.DB.Accounts(b.Context(), b.WS, f, signalbox.Page{Limit: 5})
			b.Must(err)
			if len(list) != 1 || list[0].Domain != "hot.com" {
				b.Errorf("%+v: %+v, and on from %+v", f, list, next)
			}
			for next.Before != 0 { // a read that took long says from where to look on
				list, next, err = b.DB.Accounts(b.Context(), b.WS, f, next.Page(5))
				if b.Must(err); len(list) != 0 {
					b.Errorf("%+v: then %+v", f, list)
				}
			}
		}
	}
	rest, next, err := b.DB.Accounts(b.Context(), b.WS, signalbox.RecordFilter{Sort: signalbox.ByScore, Stage: "Cool", First: true}, signalbox.Page{Limit: 5})
	b.Must(err)
	if len(rest) != 5 || next.Before == 0 {
		b.Errorf("of the many a page is %d, and on from %+v", len(rest), next)
	}
}

// stands has accounts with what the suite's scorer takes for standings; due: they are to be looked at.
func (b *Box) stands(due time.Time, domains ...string) (ids []signalbox.EntityID) {
	b.Helper()
	d := &signalbox.Decision{}
	if !due.IsZero() {
		d.Sooner = []signalbox.Due{{Kind: signalbox.DueRanks, Workspace: b.WS, Subject: int64(b.WS), At: due}}
	}
	for _, domain := range domains {
		a := b.NewAccount(domain, "")
		ids = append(ids, signalbox.EntityID(a.ID))
		d.States = append(d.States, &signalbox.EntityState{Entity: signalbox.EntityID(a.ID), Workspace: b.WS, Kind: signalbox.AccountRecord, Standing: []byte(domain), New: true,
			Score: signalbox.ScoreRank{On: true, Key: -int64(len(ids)), Due: due}})
	}
	b.decide(signalbox.Need{}, func(*signalbox.Situation) *signalbox.Decision { return d })
	return ids
}

// dueRanks is when the workspace's places are looked at; zero: never.
func (b *Box) dueRanks() time.Time {
	b.Helper()
	for _, d := range b.take(b.Now.AddDate(1, 0, 0), 500) {
		if d.Kind == signalbox.DueRanks {
			b.Must(b.DB.RearmDue(b.Context(), d))
			return d.At
		}
	}
	return time.Time{}
}

func rankRefreshed(b *Box) {
	due := b.Now.Add(time.Hour)
	ids := b.stands(due, "aa", "bbbb-d", "ccc")
	b.same(b.dueRanks(), due)
	b.same(b.domains(signalbox.RecordFilter{Sort: signalbox.ByScore}), []string{"aa", "bbbb-d", "ccc"})
	next, err := b.DB.RefreshRanks(b.Context(), b.WS, b.Now, time.Minute)
	b.Must(err)
	b.same(next, due)
	b.same(b.dueRanks(), due)
	b.same(b.domains(signalbox.RecordFilter{Sort: signalbox.ByScore}), []string{"aa", "bbbb-d", "ccc"}) // none was due
	b.Now = due
	next, err = b.DB.RefreshRanks(b.Context(), b.WS, b.Now, time.Minute)
	b.Must(err)
	b.same(next, due.Add(10*time.Minute)) // one has a d in it
	b.same(b.dueRanks(), next)
	b.same(b.domains(signalbox.RecordFilter{Sort: signalbox.ByScore}), []string{"bbbb-d", "ccc", "aa"})
	b.same(b.sorted(signalbox.RecordFilter{Stage: "Hot account"}), []string{"ccc", "bbbb-d", "aa"})

	need := signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.WS}, Accounts: []signalbox.AccountID{signalbox.AccountID(ids[0]), signalbox.AccountID(ids[2])}}
	b.decide(need, func(s *signalbox.Situation) *signalbox.Decision { // is ranked by what both have
		part, top := s.Accounts[signalbox.AccountID(ids[0])], s.Accounts[signalbox.AccountID(ids[2])]
		part.MergedInto, top.Merged = top.ID, &signalbox.Merged{Records: []signalbox.MergedRecord{{ID: ids[0]}}}
		d := &signalbox.Decision{Accounts: []signalbox.Written[signalbox.Account]{{Row: part}, {Row: top}}}
		for _, id := range []signalbox.EntityID{ids[0], ids[2]} {
			state := s.States[id]
			state.Score.Due, state.Kind = b.Now, signalbox.AccountRecord
			d.States = append(d.States, state)
		}
		return d
	})
	b.Now = b.Now.Add(time.Minute)
	next, err = b.DB.RefreshRanks(b.Context(), b.WS, b.Now, time.Hour)
	b.Must(err)
	b.same(next, b.Now.Add(time.Hour)) // sooner than it rests it does not come
	b.same(b.domains(signalbox.RecordFilter{Sort: signalbox.ByScore}), []string{"bbbb-d", "ccc"})
	states := b.look(need).States
	b.same(states[ids[2]].Score, signalbox.ScoreRank{On: true, Key: 5}) // 3 of its own and 2 of what was merged into it, which stands nowhere
	b.same(states[ids[0]].Score, signalbox.ScoreRank{})
	if next, err = b.DB.RefreshRanks(b.Context(), b.NewWorkspace("empty"), b.Now, time.Hour); err != nil || !next.Equal(b.Now.AddDate(0, 0, 1)) {
		b.Errorf("of nothing it comes again %s, %v", next, err)
	}
}

// rankSlices: a slice is short, says that there is more, and leaves the row to its lease.
func rankSlices(b *Box) {
	var domains []string
	for i := range 300 {
		domains = append(domains, fmt.Sprintf("%0*d", 1+i%7, i))
	}
	b.stands(b.Now, domains...)
	leased := b.Now.Add(time.Minute)
	b.Must(b.DB.RearmDue(b.Context(), signalbox.Due{Kind: signalbox.DueRanks, Workspace: b.WS, Subject: int64(b.WS), At: leased}))
	slices := 1
	for ; ; slices++ {
		next, err := b.DB.RefreshRanks(b.Context(), b.WS, b.Now, time.Minute)
		b.Must(err)
		if next.After(b.Now) {
			b.same(next, b.Now.AddDate(0, 0, 1))
			break
		}
		b.same(next, b.Now)
		b.same(b.dueRanks(), leased)
	}
	if slices < 3 || slices > 10 || !b.dueRanks().Equal(b.Now.AddDate(0, 0, 1)) {
		b.Errorf("300 places took %d slices, and the next is due %s", slices, b.dueRanks())
	}
}

// rankUpgraded: rows of programs that rank nothing are due from the beginning (migration 13).
func rankUpgraded(b *Box) {
	ids := b.stands(time.Unix(0, 0).UTC(), "aa", "bbb")
	_, err := b.DB.RefreshRanks(b.Context(), b.WS, b.Now, time.Minute)
	b.Must(err)
	b.same(b.domains(signalbox.RecordFilter{Sort: signalbox.ByScore}), []string{"bbb", "aa"})
	b.same(len(ids), 2)
}

// rankRemembered: a turn that has a record in its memory goes by the place that was written besides.
func rankRemembered(b *Box) {
	ids := b.stands(b.Now, "aa", "bbb")
	need := signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.WS}, Accounts: []signalbox.AccountID{signalbox.AccountID(ids[0]), signalbox.AccountID(ids[1])}}
	for range 3 { // until both are remembered
		b.decide(need, func(*signalbox.Situation) *signalbox.Decision { return &signalbox.Decision{} })
	}
	_, err := b.DB.RefreshRanks(b.Context(), b.WS, b.Now, time.Minute)
	b.Must(err)
	b.decide(need, func(s *signalbox.Situation) *signalbox.Decision {
		for i, id := range ids {
			if got := s.States[id].Score; got.Key != int64(i)+2 || !got.Due.IsZero() {
				b.Errorf("record %d is remembered at %+v", i, got)
			}
		}
		return &signalbox.Decision{}
	})
}

// rankSettled: of a record whose places have not changed all else is written, in one decision with one whose places have.
func rankSettled(b *Box) {
	ids := b.stands(time.Time{}, "aa", "bbb")
	need := signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.WS}, Accounts: []signalbox.AccountID{signalbox.AccountID(ids[0]), signalbox.AccountID(ids[1])}}
	b.decide(need, func(s *signalbox.Situation) *signalbox.Decision {
		d := &signalbox.Decision{}
		for i, id := range ids {
			state := *s.States[id]
			state.Kind, state.Score.Key, state.Stage, state.Ranked = signalbox.AccountRecord, 77, "Hot", b.Now
			state.Standing, state.Following, state.Signals, state.LastSignal, state.LastSignalAt, state.Settled = []byte("s"), []byte("f"), 5, 6, b.Now, i == 0
			d.States = append(d.States, &state)
		}
		return d
	})
	b.decide(b.held(), func(*signalbox.Situation) *signalbox.Decision {
		return &signalbox.Decision{Freed: []signalbox.RecordKey{b.DomainKey("nobody")}}
	}) // nothing is remembered
	states := b.look(need).States
	for i, id := range ids {
		want := signalbox.EntityState{Entity: id, Workspace: b.WS, Standing: []byte("s"), Following: []byte("f"), Signals: 5, LastSignal: 6, LastSignalAt: b.Now, Score: signalbox.ScoreRank{On: true, Key: -1}}
		if i == 1 {
			want.Score.Key, want.Stage, want.Ranked = 77, "Hot", b.Now
		}
		b.same(*states[id], want)
	}
}
