package storesuite

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"signalbox"
)

// errNo is an error of a decision's own.
var errNo = errors.New("no")

var decideTests = map[string]func(*Box){
	"SavesAllThatItWasGiven": func(b *Box) {
		d := b.everything()
		b.Must(b.turn(signalbox.Need{}, d))
		s := b.look(needOf(d, b.WS))
		if got := s.Heads[b.WS]; got != d.Heads[b.WS] {
			b.Errorf("head %+v, want %+v", got, d.Heads[b.WS])
		}
		for _, k := range d.Keys {
			if s.Keys[k.RecordKey] != k.Entity {
				b.Errorf("key %+v names %d, want %d", k.RecordKey, s.Keys[k.RecordKey], k.Entity)
			}
		}
		for _, w := range d.Accounts {
			b.same(s.Accounts[w.Row.ID], w.Row)
		}
		for _, w := range d.Contacts {
			b.same(s.Contacts[w.Row.ID], w.Row)
		}
		for _, e := range d.States {
			b.same(s.States[e.Entity], e)
		}
		b.same(s.Answered, map[signalbox.AnswerKey]signalbox.Answered{d.Answered[0].Key: d.Answered[0]})
		b.same(s.Meters, d.Meters)
		if s.Types[signalbox.TypeKey{Workspace: b.WS, Name: "visit"}] != d.Types[0].ID {
			b.Errorf("types %+v", s.Types)
		}
		g, err := b.DB.Signal(b.Context(), b.WS, d.Signals[0].ID)
		b.Must(err)
		if g.Points != d.Signals[0].Points || !bytes.Equal(g.Rules, d.Signals[0].Rules) {
			b.Errorf("the signal has %v points by %s", g.Points.Float(), g.Rules)
		}
		states, err := b.DB.States(b.Context(), b.WS, []signalbox.EntityID{d.States[0].Entity})
		b.Must(err)
		if got := states[d.States[0].Entity].Standing; !bytes.Equal(got, d.States[0].Standing) {
			b.Errorf("the state holds %x", got)
		}
	},
	"SetsDueRowsExactly": func(b *Box) {
		row := func(subject int64, in time.Duration) signalbox.Due {
			d := signalbox.Due{Kind: signalbox.DueRecord, Subject: subject, Workspace: b.WS}
			if in != 0 {
				d.At = b.Now.Add(in)
			}
			return d
		}
		b.Must(b.turn(signalbox.Need{}, &signalbox.Decision{Due: []signalbox.Due{row(1, time.Hour), row(2, time.Hour), row(3, time.Hour)}}))
		// Later, gone, and said twice: the last word counts.
		b.Must(b.turn(signalbox.Need{}, &signalbox.Decision{Due: []signalbox.Due{row(3, time.Minute), row(1, 2*time.Hour), row(2, 0), row(3, 3*time.Hour), row(4, 0)}}))
		taken, err := b.DB.TakeDue(b.Context(), b.Lease, b.Now.Add(24*time.Hour), 10)
		b.Must(err)
		got := map[int64]time.Duration{}
		for _, d := range taken {
			if d.Kind == signalbox.DueRecord {
				got[d.Subject] = d.At.Sub(b.Now)
			}
		}
		if want := map[int64]time.Duration{1: 2 * time.Hour, 3: 3 * time.Hour}; !reflect.DeepEqual(got, want) {
			b.Errorf("due in %v, want %v", got, want)
		}
	},
	"LoadsWhatAKeyLeadsTo": func(b *Box) {
		d := b.everything()
		b.Must(b.turn(signalbox.Need{}, d))
		s := b.look(signalbox.Need{Keys: []signalbox.RecordKey{d.Keys[1].RecordKey}}) // the contact's e-mail
		con, acc := d.Contacts[0].Row, d.Accounts[0].Row
		b.same(s.Contacts[con.ID], con)
		b.same(s.Accounts[acc.ID], acc) // the contact's account comes with it
		b.same(s.States[signalbox.EntityID(con.ID)], d.States[1])
		b.same(s.States[signalbox.EntityID(acc.ID)], d.States[0])
	},
	"ReplacesRecords": func(b *Box) {
		d := b.everything()
		b.Must(b.turn(signalbox.Need{}, d))
		acc, con := *d.Accounts[0].Row, *d.Contacts[0].Row
		acc.Name, acc.Attributes, acc.Revision = "Renamed", nil, acc.Revision+1
		con.Title, con.ByHand, con.Account, con.Revision = "CTO", signalbox.ByHandTitle, 0, con.Revision+1
		b.Must(b.turn(signalbox.Need{}, &signalbox.Decision{
			Accounts: []signalbox.Written[signalbox.Account]{{Row: &acc}},
			Contacts: []signalbox.Written[signalbox.Contact]{{Row: &con}},
		}))
		s := b.look(needOf(d, b.WS))
		b.same(s.Accounts[acc.ID], &acc)
		b.same(s.Contacts[con.ID], &con)
	},
	"NeverReplacesARecordOfAnotherWorkspace": func(b *Box) {
		d := b.everything()
		b.Must(b.turn(signalbox.Need{}, d))
		acc := *d.Accounts[0].Row
		acc.Workspace, acc.Name = b.NewWorkspace("other"), "stolen"
		err := b.turn(signalbox.Need{}, &signalbox.Decision{Accounts: []signalbox.Written[signalbox.Account]{{Row: &acc}}})
		if err == nil {
			b.Fatal("a record was written under another workspace")
		}
		b.same(b.look(needOf(d, b.WS)).Accounts[acc.ID], d.Accounts[0].Row)
	},
	"AKeyNamesOneRecord": func(b *Box) {
		acc := b.NewAccount("one.example", "One")
		heir := b.NewAccount("two.example", "Two")
		second := signalbox.NewKey{RecordKey: b.DomainKey("one.example"), Entity: signalbox.EntityID(heir.ID)}
		if err := b.turn(signalbox.Need{}, &signalbox.Decision{Keys: []signalbox.NewKey{second}}); err == nil {
			b.Fatal("two records have the same key")
		}
		b.Must(b.turn(signalbox.Need{}, &signalbox.Decision{Keys: []signalbox.NewKey{second}, Freed: []signalbox.RecordKey{second.RecordKey}}))
		s := b.look(signalbox.Need{Keys: []signalbox.RecordKey{second.RecordKey}})
		if s.Keys[second.RecordKey] != second.Entity || s.Accounts[acc.ID] != nil {
			b.Fatalf("the freed key names %d, want %d", s.Keys[second.RecordKey], second.Entity)
		}
	},
	"AnErrorSavesNothing": func(b *Box) {
		d := b.everything()
		err := b.DB.Decide(b.Context(), func() signalbox.Need { return signalbox.Need{} },
			func(*signalbox.Situation) (*signalbox.Decision, error) { return d, errNo })
		if !errors.Is(err, errNo) {
			b.Fatalf("error %v, want the decision's own", err)
		}
		d.Deliveries = append(d.Deliveries, d.Deliveries[0]) // the last table that is written refuses the second one
		if err := b.turn(signalbox.Need{}, d); err == nil {
			b.Fatal("two deliveries have the same id")
		}
		s := b.look(needOf(d, b.WS))
		if len(s.Keys)+len(s.Accounts)+len(s.Contacts)+len(s.States)+len(s.Types)+len(s.Answered)+len(s.Meters) != 0 {
			b.Fatalf("something was saved: %+v", s)
		}
	},
	"NilDecidesNothing": func(b *Box) {
		b.Must(b.DB.Decide(b.Context(), func() signalbox.Need { return signalbox.Need{} },
			func(*signalbox.Situation) (*signalbox.Decision, error) { return nil, nil }))
	},
	"APanicCostsOneTurn": func(b *Box) {
		err := b.DB.Decide(b.Context(), func() signalbox.Need { return signalbox.Need{} },
			func(*signalbox.Situation) (*signalbox.Decision, error) { panic("boom") })
		b.WantCode(err, signalbox.Internal)
		b.Must(b.turn(signalbox.Need{}, b.everything()))
	},
	"TurnsAreSerial": func(b *Box) {
		const turns = 50
		var wg sync.WaitGroup
		for range turns {
			wg.Go(func() {
				err := b.DB.Decide(b.Context(),
					func() signalbox.Need { return signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.WS}} },
					func(s *signalbox.Situation) (*signalbox.Decision, error) {
						h := s.Heads[b.WS]
						h.Types++
						return &signalbox.Decision{Heads: map[signalbox.WorkspaceID]signalbox.Head{b.WS: h}}, nil
					})
				if err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		if got := b.look(signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.WS}}).Heads[b.WS].Types; got != turns {
			b.Fatalf("%d turns were counted, want %d", got, turns)
		}
	},
	"AnEndedContextRunsNothing": func(b *Box) {
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		err := b.DB.Decide(ctx, func() signalbox.Need { b.Error("it ran"); return signalbox.Need{} }, nil)
		if !errors.Is(err, context.Canceled) {
			b.Fatalf("error %v, want the context's", err)
		}
	},
	"DefinitionsAreInForceFromTheirAnswerOn": func(b *Box) {
		before, err := b.DB.Definitions(b.Context(), b.WS)
		b.Must(err)
		w := b.NewWebhook()
		head := b.look(signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.WS}}).Heads[b.WS]
		after, err := b.DB.Definitions(b.Context(), b.WS)
		b.Must(err)
		if after.Version != head.Definitions || after.Version <= before.Version {
			b.Fatalf("version %d then %d, the head says %d", before.Version, after.Version, head.Definitions)
		}
		if head.LastID < int64(w.ID) {
			b.Fatalf("the head's last id %d is below webhook %d", head.LastID, w.ID)
		}
		if len(after.Webhooks) != 1 || after.Webhooks[0].ID != w.ID || after.Workspace.ID != b.WS {
			b.Fatalf("definitions %+v", after)
		}
		b.Must(b.turn(signalbox.Need{}, &signalbox.Decision{Types: []signalbox.SignalType{{ID: signalbox.TypeID(b.ID()), Workspace: b.WS, Name: "seen", CreatedAt: b.Now}}}))
		later, err := b.DB.Definitions(b.Context(), b.WS)
		b.Must(err)
		if _, ok := later.Types["seen"]; !ok || later.Version != after.Version {
			b.Fatalf("types %+v, version %d", later.Types, later.Version)
		}
	},
	"AnswersOfTheLastDaysAreFound": func(b *Box) {
		day := b.Now.Unix() / 86400
		d := &signalbox.Decision{}
		for back := range int64(signalbox.AnswerDays + 1) {
			d.Answered = append(d.Answered, b.answer(byte(back), day-back))
		}
		b.Must(b.turn(signalbox.Need{}, d))
		var need signalbox.Need
		for _, a := range d.Answered {
			need.Answered = append(need.Answered, a.Key)
		}
		s := b.look(need)
		for _, a := range d.Answered {
			b.same(s.Answered[a.Key], a)
		}
	},
}

// everything is a decision with something for every table, and its ids below the head it sets.
func (b *Box) everything() *signalbox.Decision {
	acc := &signalbox.Account{
		ID: signalbox.AccountID(b.ID()), Workspace: b.WS, Domain: "acme.example", Name: "Acme", Status: "customer", Attributes: []byte(`{"n":1.10,"ü":"ß"}`),
		Revision: 3, CreatedAt: b.Now, UpdatedAt: b.Now.Add(time.Second),
	}
	con := &signalbox.Contact{
		ID: signalbox.ContactID(b.ID()), Workspace: b.WS, Account: acc.ID, Email: "Ada@Acme.example", FirstName: "Ada", LastName: "L", Title: "CEO",
		LinkedInURL: "https://linkedin.com/in/ada", Attributes: []byte(`{}`), ByHand: signalbox.ByHandTitle, Revision: 1, CreatedAt: b.Now, UpdatedAt: b.Now,
	}
	typ := signalbox.SignalType{ID: signalbox.TypeID(b.ID()), Workspace: b.WS, Name: "visit", CreatedAt: b.Now}
	sig, evt, dlv := signalbox.SignalID(b.ID()), signalbox.EventID(b.ID()), signalbox.DeliveryID(b.ID())
	return &signalbox.Decision{
		Heads:    map[signalbox.WorkspaceID]signalbox.Head{b.WS: {Definitions: 1, LastID: b.ID(), Types: 1}},
		Types:    []signalbox.SignalType{typ},
		Accounts: []signalbox.Written[signalbox.Account]{{Row: acc, New: true}},
		Contacts: []signalbox.Written[signalbox.Contact]{{Row: con, New: true}},
		Keys: []signalbox.NewKey{
			{RecordKey: b.DomainKey(acc.Domain), Entity: signalbox.EntityID(acc.ID)},
			{RecordKey: b.EmailKey(con.Email), Entity: signalbox.EntityID(con.ID)},
		},
		States: []*signalbox.EntityState{
			{Entity: signalbox.EntityID(acc.ID), Workspace: b.WS, LastSignal: sig, LastSignalAt: b.Now, Signals: 1, Standing: []byte{1, 0, 255}, New: true,
				Score: signalbox.ScoreRank{On: true, Key: -7, Due: b.Now.Add(time.Hour)}, Stage: "Hot"},
			{Entity: signalbox.EntityID(con.ID), Workspace: b.WS, LastSignal: sig, LastSignalAt: b.Now, Signals: 1, New: true},
		},
		Signals: []signalbox.Signal{{
			ID: sig, Workspace: b.WS, TypeID: typ.ID, Source: "web", Account: acc.ID, Contact: con.ID, Properties: []byte(`{"a":1}`), OccurredAt: b.Now,
			CreatedAt: b.Now, CausedTo: int64(dlv), Points: -1500000, Rules: []byte(`[{"rule":"visit","points":-1.5}]`),
		}},
		Events: []signalbox.Event{{
			ID: evt, Workspace: b.WS, Name: "signal.created", Signal: sig, Account: acc.ID, Contact: con.ID,
			Bodies: signalbox.Bodies{Standard: []byte(`{"s":1}`)}, CausedTo: int64(dlv), CreatedAt: b.Now,
		}},
		Deliveries: []signalbox.NewDelivery{{Delivery: signalbox.Delivery{
			ID: dlv, Workspace: b.WS, Webhook: 7, Event: evt, EventName: "signal.created", State: signalbox.Skipped, Reason: signalbox.ReasonDisabled,
			CreatedAt: b.Now, DoneAt: b.Now,
		}}},
		Answered: []signalbox.Answered{b.answer(1, b.Now.Unix()/86400)},
		Meters: map[signalbox.MeterKey]signalbox.Meter{
			{Workspace: b.WS}: {Second: b.Now.Unix(), Buckets: [60]uint32{3, 59: 1 << 31}, Day: 20000, Today: 9},
		},
		Jobs: []signalbox.Job{{
			ID: signalbox.JobID(b.ID()), Workspace: b.WS, Kind: signalbox.JobRetention, Status: signalbox.JobQueued, CreatedAt: b.Now, UpdatedAt: b.Now,
		}},
	}
}

func (b *Box) answer(key byte, day int64) signalbox.Answered {
	return signalbox.Answered{
		Key: signalbox.AnswerKey{Workspace: b.WS, Key: [16]byte{key, 0xff}}, Day: day, Body: [16]byte{15: key + 1}, Signal: signalbox.SignalID(b.ID()),
		CreatedAt: b.Now,
	}
}

// needOf is a need for all that a decision writes.
func needOf(d *signalbox.Decision, ws signalbox.WorkspaceID) signalbox.Need {
	n := signalbox.Need{Workspaces: []signalbox.WorkspaceID{ws}}
	for _, k := range d.Keys {
		n.Keys = append(n.Keys, k.RecordKey)
	}
	for _, y := range d.Types {
		n.Types = append(n.Types, signalbox.TypeKey{Workspace: ws, Name: y.Name})
	}
	for _, a := range d.Answered {
		n.Answered = append(n.Answered, a.Key)
	}
	for k := range d.Meters {
		n.Meters = append(n.Meters, k)
	}
	for _, w := range d.Accounts {
		n.Accounts = append(n.Accounts, w.Row.ID)
	}
	for _, w := range d.Contacts {
		n.Contacts = append(n.Contacts, w.Row.ID)
	}
	return n
}

// turn decides d whatever the situation.
func (b *Box) turn(need signalbox.Need, d *signalbox.Decision) error {
	err := b.DB.Decide(b.Context(), func() signalbox.Need { return need },
		func(*signalbox.Situation) (*signalbox.Decision, error) { return d, nil })
	for _, s := range d.States {
		s.New = s.New && err != nil // stored now
	}
	return err
}

// look reads a situation and decides nothing.
func (b *Box) look(need signalbox.Need) *signalbox.Situation {
	b.Helper()
	var seen *signalbox.Situation
	b.Must(b.DB.Decide(b.Context(), func() signalbox.Need { return need },
		func(s *signalbox.Situation) (*signalbox.Decision, error) {
			seen = s
			return nil, nil
		}))
	return seen
}

// same reports what is not equal to what is wanted.
func (b *Box) same(got, want any) {
	b.Helper()
	if !reflect.DeepEqual(got, want) {
		b.Errorf("got  %+v\nwant %+v", got, want)
	}
}
