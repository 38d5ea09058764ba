package storesuite

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
)

var qualificationTests = map[string]func(*Box){
	"WhatARecordFitsIsKeptWhereItChanges": func(b *Box) {
		acc, other := signalbox.EntityID(b.NewAccount("acme.example", "Acme").ID), signalbox.EntityID(b.NewAccount("other.example", "Other").ID)
		b.follows(signalbox.AccountID(acc))
		want := b.aFit()
		got, err := b.DB.Qualifications(b.Context(), b.WS, []signalbox.EntityID{acc, other})
		b.Must(err)
		if diff := cmp.Diff(map[signalbox.EntityID]signalbox.Fit{acc: want}, got); diff != "" {
			b.Fatal(diff)
		}
		last := b.aQualification(acc)
		last.Short.ICPScore = 10
		b.qualified(signalbox.Qualification{Workspace: b.WS, Entity: acc}, last, signalbox.Qualification{Workspace: b.WS, Entity: other})
		if got, err = b.DB.Qualifications(b.Context(), b.WS, []signalbox.EntityID{acc}); err != nil || got[acc].ICPScore != 10 {
			b.Fatalf("the last word is %+v, %v", got, err)
		}
		if got, err = b.DB.Qualifications(b.Context(), b.NewWorkspace("other"), []signalbox.EntityID{acc}); err != nil || len(got) != 0 {
			b.Fatalf("another workspace sees %+v, %v", got, err)
		}
	},
	"WhatAProfileAskedIsKeptWithItsVersion": func(b *Box) {
		acc := signalbox.EntityID(b.NewAccount("acme.example", "Acme").ID)
		b.follows(signalbox.AccountID(acc))
		d, err := b.DB.Definitions(b.Context(), b.WS)
		b.Must(err)
		icp := *d.Called(signalbox.DefinedICP, "Mid-market")
		icp.Body = []byte(`{"parameters":[{"name":"another","expression":"true","mode":"filter","on_missing":"neutral"}]}`)
		b.Must(b.put(icp))
		b.Must(b.DB.Define(b.Context(), b.WS, b.Now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
			return &signalbox.Redefinition{Drop: d.Called(signalbox.DefinedPersona, "VP"), Act: "persona.deleted"}, nil
		}))
		got, err := b.DB.Qualifications(b.Context(), b.WS, []signalbox.EntityID{acc})
		b.Must(err)
		if diff := cmp.Diff(map[signalbox.EntityID]signalbox.Fit{acc: b.aFit()}, got); diff != "" {
			b.Fatalf("changed and deleted, they say of then: %s", diff)
		}
		q := b.aQualification(acc)
		q.Body = []byte(`{"icps":[{"code":"Mid-market","version":9,"fits":true,"score":75,"coverage":0.5,"answers":[{"name":"size","mode":"score","weight":3,"outcome":"hit","gives":75}]}]}`)
		b.qualified(q)
		got, err = b.DB.Qualifications(b.Context(), b.WS, []signalbox.EntityID{acc})
		b.Must(err)
		want := b.aFit()
		want.ICPs[0].Version, want.ICPs[0].Coverage, want.ICPs[0].Says, want.Personas = 9, 0.5, want.ICPs[0].Says[:1], nil
		if diff := cmp.Diff(want, got[acc]); diff != "" {
			b.Fatalf("one with all its words: %s", diff)
		}
	},
	"MembersEnterAndLeave": func(b *Box) {
		one, two := signalbox.EntityID(b.NewAccount("one.example", "").ID), signalbox.EntityID(b.NewAccount("two.example", "").ID)
		of := signalbox.AudienceID(b.ID())
		move := func(e signalbox.EntityID, in bool) signalbox.AudienceMove {
			return signalbox.AudienceMove{Workspace: b.WS, Audience: of, Entity: e, Entered: in, At: b.Now}
		}
		b.moves(move(one, true), move(two, true), move(two, false), move(two, true))
		list, next, err := b.DB.AudienceMembers(b.Context(), b.WS, of, signalbox.Page{Limit: 1})
		b.Must(err)
		if len(list) != 1 || list[0].Entity != two || !list[0].Since.Equal(b.Now) || next != int64(two) {
			b.Fatalf("the first page is %+v, and goes on at %d", list, next)
		}
		if list, next, err = b.DB.AudienceMembers(b.Context(), b.WS, of, signalbox.Page{Limit: 1, Before: next}); err != nil || len(list) != 1 || list[0].Entity != one {
			b.Fatalf("the second is %+v, %d, %v", list, next, err)
		}
		since := b.Now
		b.Now = b.Now.Add(time.Minute)
		b.moves(move(one, true), move(two, false))
		if list, _, err = b.DB.AudienceMembers(b.Context(), b.WS, of, signalbox.Page{Limit: 9}); err != nil || len(list) != 1 || !list[0].Since.Equal(since) {
			b.Fatalf("who is in it already stays since when they were: %+v, %v", list, err)
		}
		if n, err := b.DB.CountMembers(b.Context(), b.WS, of); err != nil || n != 1 {
			b.Fatalf("they are %d, %v", n, err)
		}
		if j, _ := b.RunJob(b.NewJob(signalbox.JobEmptyAudience, int64(of)).ID); j.Status != signalbox.JobDone || j.Done != 1 {
			b.Fatalf("emptied by %+v", j)
		}
		if n, err := b.DB.CountMembers(b.Context(), b.WS, of); err != nil || n != 0 {
			b.Fatalf("emptied they are %d, %v", n, err)
		}
	},
	"CapturesAreFoundUntilTheirSignalIsGone": func(b *Box) {
		d := b.everything()
		key := signalbox.AnswerKey{Workspace: b.WS, Key: [16]byte{7}}
		c := signalbox.Capture{Key: key, Signal: d.Signals[0].ID, Account: d.Signals[0].Account, Contact: d.Signals[0].Contact}
		d.Captures = []signalbox.Capture{c}
		b.Must(b.turn(signalbox.Need{}, d))
		need := signalbox.Need{Captures: []signalbox.AnswerKey{key, {Workspace: b.WS, Key: [16]byte{8}}, {Workspace: b.NewWorkspace("other"), Key: [16]byte{7}}}}
		if diff := cmp.Diff(map[signalbox.AnswerKey]signalbox.Capture{key: c}, b.look(need).Captures); diff != "" {
			b.Fatal(diff)
		}
		b.RunJob(b.NewJob(signalbox.JobEraseContact, int64(d.Contacts[0].Row.ID)).ID)
		if got := b.look(need).Captures; len(got) != 0 {
			b.Fatalf("erased it is still known: %+v", got)
		}
	},
	"TheContactsOfAStirredAccountAreLookedAt": func(b *Box) {
		acc := b.NewAccount("acme.example", "Acme")
		ann := b.NewContact(acc.ID, "ann@acme.example", "", "")
		b.NewContact(0, "joe@other.example", "", "")
		b.decide(b.held(), func(*signalbox.Situation) *signalbox.Decision {
			return &signalbox.Decision{Stirred: []signalbox.Stir{{Workspace: b.WS, Account: acc.ID, At: b.Now}, {Workspace: b.WS, Account: acc.ID, At: b.Now}}}
		})
		var looked []int64
		for _, d := range b.take(b.Now, 50) {
			if d.Kind == signalbox.DueRecord {
				looked = append(looked, d.Subject)
			}
		}
		if diff := cmp.Diff([]int64{int64(ann.ID)}, looked); diff != "" {
			b.Fatal(diff)
		}
	},
	"AnAudienceIsReadyWhenEveryRecordWasLookedAt": func(b *Box) {
		acc := signalbox.EntityID(b.Turn(visit())[0].Receipt.Account)
		of := b.define(signalbox.DefinedAudience, "All", `{"of":1,"condition":"account.score > 1000"}`)
		job := b.rescoring(signalbox.Rescoring{Follow: true})
		ready := func() bool {
			d, err := b.DB.Definitions(b.Context(), b.WS)
			b.Must(err)
			return d.Audience(signalbox.AudienceID(of.ID)).Ready
		}
		for range 4 {
			j, err := b.DB.RunSlice(b.Context(), b.WS, job, b.IDs, b.Now)
			b.Must(err)
			if j.Ended() || ready() {
				b.Fatalf("the record waits to be looked at, and the job is %+v", j)
			}
		}
		states, err := b.DB.States(b.Context(), b.WS, []signalbox.EntityID{acc})
		b.Must(err)
		if string(states[acc].Following) == "" {
			b.Fatal("its signals were not noted")
		}
		b.decide(b.held(), func(*signalbox.Situation) *signalbox.Decision {
			return &signalbox.Decision{Due: []signalbox.Due{{Kind: signalbox.DueRecord, Subject: int64(acc), Workspace: b.WS, At: b.Now.Add(time.Hour)}}}
		})
		if j, err := b.DB.RunSlice(b.Context(), b.WS, job, b.IDs, b.Now); err != nil || j.Status != signalbox.JobDone || !ready() {
			b.Fatalf("the job is %+v, %v", j, err)
		}
	},
	"LeadsAreThoseWithTheLatestSignalsFirst": func(b *Box) {
		acc := b.NewAccount("acme.example", "Acme")
		ann := b.NewContact(acc.ID, "ann@acme.example", "", "")
		quiet := b.NewAccount("quiet.example", "")
		state := func(e signalbox.EntityID, kind signalbox.RecordKind, at time.Duration, lead bool) *signalbox.EntityState {
			return &signalbox.EntityState{Entity: e, Workspace: b.WS, Kind: kind, Ranked: b.Now.Add(at), LastSignalAt: b.Now.Add(at), Signals: 1, Lead: lead, New: true}
		}
		b.decide(b.held(), func(*signalbox.Situation) *signalbox.Decision {
			return &signalbox.Decision{States: []*signalbox.EntityState{
				state(signalbox.EntityID(acc.ID), signalbox.AccountRecord, time.Minute, true), state(signalbox.EntityID(ann.ID), signalbox.ContactRecord, time.Hour, false),
				state(signalbox.EntityID(quiet.ID), signalbox.AccountRecord, 0, false),
			}}
		})
		var got []signalbox.EntityID
		place := signalbox.Place{}
		for range 5 {
			list, next, err := b.DB.Leads(b.Context(), b.WS, place.Page(1))
			b.Must(err)
			for _, l := range list {
				got = append(got, l.Entity)
			}
			if place = next; next.Before == 0 {
				break
			}
		}
		if diff := cmp.Diff([]signalbox.EntityID{signalbox.EntityID(ann.ID), signalbox.EntityID(acc.ID)}, got); diff != "" {
			b.Fatal(diff)
		}
	},
}

func (b *Box) held() signalbox.Need {
	return signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.WS}}
}

// aFit is what aQualification says, in the words of what follows defines.
func (b *Box) aFit() signalbox.Fit {
	return signalbox.Fit{
		ICP: "Mid-market", ICPScore: 75, Persona: "VP", PersonaScore: 100, At: b.Now,
		ICPs: []signalbox.ProfileVerdict{{Code: "Mid-market", Version: 1, Fits: true, Score: 75, Coverage: 0.8, Says: []signalbox.Answer{
			{Name: "size", Mode: signalbox.ModeScore, Weight: 3, Outcome: "hit", Gives: 75}, {Name: "plan", Mode: signalbox.ModeScore, Weight: 1, Outcome: "miss"},
			{Name: "country", Mode: signalbox.ModeScore, Weight: 1, Outcome: "missing"},
		}}},
		Personas: []signalbox.ProfileVerdict{{Code: "VP", Version: 1, Fits: true, Score: 100, Coverage: 1, Says: []signalbox.Answer{{Name: "title", Mode: signalbox.ModeFilter, Outcome: "hit"}}}},
	}
}

func (b *Box) aQualification(of signalbox.EntityID) signalbox.Qualification {
	return signalbox.Qualification{
		Workspace: b.WS, Entity: of, At: b.Now, Short: signalbox.Qualified{ICP: "Mid-market", ICPScore: 75, Persona: "VP", PersonaScore: 100},
		Body: []byte(`{"icps":[["Mid-market",1,75,4,5,4,"","hm?"]],"personas":[["VP",1,100,1,1,0,"","h"]]}`),
	}
}

func (b *Box) qualified(list ...signalbox.Qualification) {
	b.Helper()
	b.decide(b.held(), func(*signalbox.Situation) *signalbox.Decision { return &signalbox.Decision{Qualified: list} })
}

func (b *Box) moves(list ...signalbox.AudienceMove) {
	b.Helper()
	b.decide(b.held(), func(*signalbox.Situation) *signalbox.Decision { return &signalbox.Decision{Moves: list} })
}

// follows gives an account a qualification, an audience and a capture.
func (b *Box) follows(acc signalbox.AccountID) {
	b.Helper()
	if d, err := b.DB.Definitions(b.Context(), b.WS); err != nil || len(d.ICPs) == 0 {
		b.Must(err)
		b.define(signalbox.DefinedICP, "Mid-market", `{"parameters":[{"name":"size","expression":"true","mode":"score","weight":3,"on_missing":"neutral"},`+
			`{"name":"plan","expression":"true","mode":"score","weight":1,"on_missing":"neutral"},{"name":"country","expression":"true","mode":"score","weight":1,"on_missing":"neutral"}]}`)
		b.define(signalbox.DefinedPersona, "VP", `{"parameters":[{"name":"title","expression":"true","mode":"filter","on_missing":"neutral"}]}`)
	}
	b.decide(b.held(), func(*signalbox.Situation) *signalbox.Decision {
		return &signalbox.Decision{
			Qualified: []signalbox.Qualification{b.aQualification(signalbox.EntityID(acc))},
			Moves:     []signalbox.AudienceMove{{Workspace: b.WS, Audience: 77, Entity: signalbox.EntityID(acc), Entered: true, At: b.Now}},
			Captures:  []signalbox.Capture{{Key: signalbox.AnswerKey{Workspace: b.WS, Key: [16]byte{1, byte(acc)}}, Signal: 5, Account: acc}},
		}
	})
}
