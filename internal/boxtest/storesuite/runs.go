package storesuite

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/decide"
)

var runTests = map[string]func(*Box){
	"ARunIsKeptWholeAndReplaced": func(b *Box) {
		r := b.aRun(func(r *signalbox.Run) {
			r.Due, r.Status, r.Actions, r.Events = b.Now.Add(time.Hour), signalbox.RunWaiting, nil, nil
		})
		b.ran(r)
		got, err := b.DB.Run(b.Context(), b.WS, r.ID)
		b.Must(err)
		if diff := cmp.Diff(r, got); diff != "" {
			b.Fatal(diff)
		}
		r = b.aRun(func(next *signalbox.Run) { next.ID = r.ID })
		b.decide(b.held(), func(*signalbox.Situation) *signalbox.Decision {
			return &signalbox.Decision{Runs: []signalbox.Written[signalbox.Run]{{Row: &r}}}
		})
		if got, err = b.DB.Run(b.Context(), b.WS, r.ID); err != nil {
			b.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			b.Fatalf("replaced: %s", diff)
		}
		_, err = b.DB.Run(b.Context(), b.NewWorkspace("other"), r.ID)
		b.WantNoSuch(err, "run")
		gone := b.aRun()
		err = b.turn(b.held(), &signalbox.Decision{Runs: []signalbox.Written[signalbox.Run]{{Row: &gone}}})
		if err == nil {
			b.Fatal("a run was written over nothing")
		}
	},
	"RunsAreListedByAutomationAndBySignal": func(b *Box) {
		var want []signalbox.RunID
		for i := range 5 {
			r := b.aRun(func(r *signalbox.Run) { r.Signal = signalbox.SignalID(100 + i%2) })
			b.ran(r, b.aRun(func(r *signalbox.Run) { r.Automation, r.Signal = 8, 0 }))
			want = append([]signalbox.RunID{r.ID}, want...)
		}
		var got []signalbox.RunID
		for place := (signalbox.Page{Limit: 2}); ; {
			list, next, err := b.DB.Runs(b.Context(), b.WS, 7, place)
			b.Must(err)
			for i := range list {
				got = append(got, list[i].ID)
			}
			if place.Before = next; next == 0 {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			b.Fatal(diff)
		}
		list, err := b.DB.RunsOfSignal(b.Context(), b.WS, 101)
		if err != nil || len(list) != 2 || list[0].ID != want[3] || list[1].ID != want[1] {
			b.Fatalf("of the signal: %+v, %v", list, err)
		}
		if list, err = b.DB.RunsOfSignal(b.Context(), b.NewWorkspace("other"), 101); err != nil || len(list) != 0 {
			b.Fatalf("another workspace sees %+v, %v", list, err)
		}
	},
	"ASituationHasARunWithItsSignalAndRecords": func(b *Box) {
		r := b.signal("acme.com", "ann@acme.com")
		run := b.aRun(func(run *signalbox.Run) { run.Signal, run.Account, run.Contact = r.ID, r.Account, r.Contact })
		bare := b.aRun(func(run *signalbox.Run) { run.Signal, run.Account, run.Contact = 0, 0, 0 })
		b.ran(run, bare)
		need := b.held()
		need.Runs = []signalbox.RunID{run.ID, bare.ID, 12345}
		s := b.look(need)
		if diff := cmp.Diff(map[signalbox.RunID]*signalbox.Run{run.ID: &run, bare.ID: &bare}, s.Runs); diff != "" {
			b.Fatal(diff)
		}
		if got := s.Signals[r.ID]; len(s.Signals) != 1 || got == nil || got.Type == "" || got.Account != r.Account || s.Accounts[r.Account] == nil || s.Contacts[r.Contact] == nil || s.States[signalbox.EntityID(r.Contact)] == nil {
			b.Fatalf("with it come %+v, %+v, %+v", s.Signals, s.Accounts, s.Contacts)
		}
		b.erase(signalbox.JobEraseContact, int64(r.Contact))
		if s = b.look(need); len(s.Signals) != 0 {
			b.Fatalf("an erased signal: %+v", s.Signals)
		}
	},
	"PacesAreKeptForEachWorkspace": func(b *Box) {
		other := b.NewWorkspace("other")
		for _, packed := range []string{"one", "two"} {
			b.Must(b.turn(signalbox.Need{}, &signalbox.Decision{Paces: map[signalbox.WorkspaceID][]byte{b.WS: []byte(packed)}}))
		}
		s := b.look(signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.WS}, Paces: []signalbox.WorkspaceID{b.WS, other}})
		if diff := cmp.Diff(map[signalbox.WorkspaceID][]byte{b.WS: []byte("two")}, s.Paces); diff != "" {
			b.Fatal(diff)
		}
	},
	"ARunThatWaitedGoesOn":                      runGoesOn,
	"WhatRunsSentIsErasedWithWhomTheyAreOf":     runErased,
	"ManyRunsOfOneRecordAreErasedInSlices":      runErasedInSlices,
	"RunsStayForAsLongAsWhatTheySent":           runRetention,
	"SignalsOfAutomationsAreSavedWithTheirTurn": runSignal,
}

// aRun is a run with something in each of its fields.
func (b *Box) aRun(edit ...func(*signalbox.Run)) signalbox.Run {
	r := signalbox.Run{
		ID: signalbox.RunID(b.ID()), Workspace: b.WS, Automation: 7, Version: 3, Signal: 5, Account: 11, Contact: 12, Of: signalbox.ContactRecord, Happened: "contact.score_changed", At: b.Now,
		Status: signalbox.RunDone, Depth: 2, Reasons: []signalbox.Reason{{Clause: `contact.score reaches 40 "ü"`, Value: "from 38 to 41", Outcome: signalbox.Met}},
		Actions: []signalbox.Rendered{
			{Step: 1, Type: signalbox.ActWebhook, Key: "run_1/1", Event: signalbox.EventID(b.ID()), URL: "https://example.com", Method: "POST"},
			{Step: 2, Type: signalbox.ActUpdate, Key: "run_1/2", Entity: signalbox.AccountRecord, Attributes: []byte(`{"n":1.10}`)},
		},
		Notice: &signalbox.Said{Type: "churn_risk", Title: "Churn risk", Description: "<b>"},
	}
	r.Events = []signalbox.EventID{r.Actions[0].Event}
	for _, e := range edit {
		e(&r)
	}
	return r
}

// ran saves runs that are new; those that wait are due.
func (b *Box) ran(list ...signalbox.Run) {
	b.Helper()
	b.decide(b.held(), func(*signalbox.Situation) *signalbox.Decision {
		d := &signalbox.Decision{}
		for i := range list {
			d.Runs = append(d.Runs, signalbox.Written[signalbox.Run]{Row: &list[i], New: true})
			if !list[i].Due.IsZero() {
				d.Due = append(d.Due, signalbox.Due{Kind: signalbox.DueRun, Subject: int64(list[i].ID), Workspace: b.WS, At: list[i].Due})
			}
		}
		return d
	})
}

// late is an automation that changes a record an hour after a signal of a type that a contact's condition does not keep out.
const late = `{"name":"Late","enabled":true,"trigger":{"type":"signal_received","signal_type":"demo"},"conditions":["properties.n == 1"],"frequency":{"mode":"once_per_contact"},"delay":3600000000000,` +
	`"actions":[{"type":"update","entity":1,"attributes":{"n":"{{ properties.n }}"}},{"type":"signal","signal_type":"followed"}]}`

func demo(email string) decide.Input {
	return decide.Input{Signal: &signalbox.SignalInput{Type: "demo", Source: "s", Properties: []byte(`{"n":1}`), Contact: signalbox.ContactInput{Email: email}}}
}

// runGoesOn takes a run through deciding and this database: from its signal, past its delay, to what it does.
func runGoesOn(b *Box) {
	of := b.define(signalbox.DefinedAutomation, "late", late)
	r := b.Turn(demo("ann@acme.com"), demo("ann@acme.com"))[0].Receipt
	list, _, err := b.DB.Runs(b.Context(), b.WS, signalbox.AutomationID(of.ID), signalbox.Page{})
	b.Must(err)
	if len(list) != 1 || list[0].Status != signalbox.RunWaiting || list[0].Signal != r.ID {
		b.Fatalf("the runs are %+v", list)
	}
	if len(b.dueOf(signalbox.DueRun)) != 0 {
		b.Fatal("it is due at once")
	}
	b.Now = b.Now.Add(time.Hour)
	due := b.dueOf(signalbox.DueRun)
	if len(due) != 1 || due[0].Subject != int64(list[0].ID) || due[0].Workspace != b.WS {
		b.Fatalf("due are %+v", due)
	}
	b.Turn(decide.Input{Run: list[0].ID})
	run, err := b.DB.Run(b.Context(), b.WS, list[0].ID)
	b.Must(err)
	if run.Status != signalbox.RunDone || !run.Due.IsZero() || len(run.Actions) != 2 || run.Actions[1].Signal == 0 {
		b.Fatalf("the run is %+v", run)
	}
	a, err := b.DB.Account(b.Context(), b.WS, r.Account)
	if err != nil || string(a.Attributes) != `{"n":1}` {
		b.Fatalf("the account is %+v, %v", a, err)
	}
	s, err := b.DB.Signal(b.Context(), b.WS, run.Actions[1].Signal)
	if err != nil || s.Type != "followed" || s.Contact != r.Contact || s.PrevContact == 0 {
		b.Fatalf("the signal is %+v, %v", s, err)
	}
	b.Now = b.Now.Add(time.Minute)
	if due := b.dueOf(signalbox.DueRun); len(due) != 0 {
		b.Fatalf("still due: %+v", due)
	}
	b.Turn(demo("ann@acme.com"), demo("joe@acme.com"))
	if list, _, err = b.DB.Runs(b.Context(), b.WS, signalbox.AutomationID(of.ID), signalbox.Page{}); err != nil || len(list) != 2 {
		b.Fatalf("once for each contact: %+v, %v", list, err)
	}
}

// sentByARun has a run send an event to a webhook, long after what it is about.
func (b *Box) sentByARun(w signalbox.Webhook, edit func(*signalbox.Run)) (signalbox.Run, signalbox.DeliveryID) {
	b.Helper()
	e := signalbox.Event{ID: signalbox.EventID(b.ID()), Workspace: b.WS, Name: "automation.action_triggered", Bodies: signalbox.Bodies{Stairoids: []byte(`{"who":"Ann"}`)}, CreatedAt: b.Now}
	n := b.newDelivery(&e, &w)
	e.CausedTo = int64(n.ID)
	r := b.aRun(edit)
	r.Events = []signalbox.EventID{e.ID}
	b.decide(b.held(), func(*signalbox.Situation) *signalbox.Decision {
		return &signalbox.Decision{Runs: []signalbox.Written[signalbox.Run]{{Row: &r, New: true}}, Events: []signalbox.Event{e}, Deliveries: []signalbox.NewDelivery{n}}
	})
	return r, n.ID
}

func runErased(b *Box) {
	w := b.NewWebhook()
	acc := b.NewAccount("acme.com", "Acme")
	con, other := b.NewContact(acc.ID, "ann@acme.com", "Ann", ""), b.NewContact(acc.ID, "bob@acme.com", "Bob", "")
	sent := b.Send(Sent{Account: acc.ID, Contact: con.ID}, Sent{Account: acc.ID, Contact: other.ID})
	b.Now = b.Now.Add(time.Hour)
	erased := map[string]func(*signalbox.Run){
		"by its signal":  func(r *signalbox.Run) { r.Signal, r.Account, r.Contact = sent[0].Signal, acc.ID, 0 },
		"by its contact": func(r *signalbox.Run) { r.Signal, r.Account, r.Contact = 0, acc.ID, con.ID },
	}
	kept := func(r *signalbox.Run) { r.Signal, r.Account, r.Contact = sent[1].Signal, acc.ID, other.ID }
	theirs, theirDelivery := b.sentByARun(w, kept)
	runs := map[string]signalbox.Run{}
	deliveries := map[string]signalbox.DeliveryID{}
	for name, edit := range erased {
		runs[name], deliveries[name] = b.sentByARun(w, edit)
	}
	waiting := b.aRun(func(r *signalbox.Run) {
		r.Signal, r.Account, r.Contact, r.Status, r.Due, r.Actions, r.Events = sent[0].Signal, acc.ID, con.ID, signalbox.RunWaiting, b.Now, nil, nil
	})
	b.ran(waiting)
	b.erase(signalbox.JobEraseContact, int64(con.ID))
	for name, r := range runs {
		got, err := b.DB.Run(b.Context(), b.WS, r.ID)
		b.Must(err)
		if got.Reasons != nil || got.Actions != nil || got.Notice != nil || got.Status != signalbox.RunDone {
			b.Errorf("%s: left is %+v", name, got)
		}
		if v := b.Delivery(deliveries[name]); v.Body != nil || v.State != signalbox.Failed || v.Reason != signalbox.ReasonErased {
			b.Errorf("%s: its delivery is %+v", name, v.Delivery)
		}
	}
	if got, err := b.DB.Run(b.Context(), b.WS, waiting.ID); err != nil || got.Status != signalbox.RunStopped || !got.Due.IsZero() || got.Reasons != nil {
		b.Errorf("one that waited: %+v, %v", got, err)
	}
	if due := b.dueOf(signalbox.DueRun); len(due) != 0 {
		b.Errorf("due is %+v", due)
	}
	if got, err := b.DB.Run(b.Context(), b.WS, theirs.ID); err != nil || cmp.Diff(theirs, got) != "" || b.Delivery(theirDelivery).Body == nil {
		b.Errorf("another contact's is %+v, %v", got, err)
	}
	b.erase(signalbox.JobEraseAccount, int64(acc.ID))
	if got, err := b.DB.Run(b.Context(), b.WS, theirs.ID); err != nil || got.Reasons != nil || b.Delivery(theirDelivery).Body != nil {
		b.Errorf("with the account: %+v, %v", got, err)
	}
}

func runErasedInSlices(b *Box) {
	acc := b.NewAccount("acme.com", "Acme")
	list := make([]signalbox.Run, 2100)
	for i := range list {
		list[i] = b.aRun(func(r *signalbox.Run) { r.Signal, r.Account, r.Contact, r.Events = 0, acc.ID, 0, nil })
	}
	b.ran(list...)
	if _, slices := b.erase(signalbox.JobEraseAccount, int64(acc.ID)); slices < 3 {
		b.Errorf("%d slices", slices)
	}
	for _, i := range []int{0, 1000, 2099} {
		if got, err := b.DB.Run(b.Context(), b.WS, list[i].ID); err != nil || got.Reasons != nil {
			b.Fatalf("run %d is %+v, %v", i, got, err)
		}
	}
}

func runRetention(b *Box) {
	b.keep(0, 1)
	w := b.NewWebhook()
	nobody := func(r *signalbox.Run) { r.Signal, r.Account, r.Contact = 0, 0, 0 }
	old, _ := b.sentByARun(w, nobody)
	throttled := b.aRun(func(r *signalbox.Run) { r.Status, r.Events, r.Actions = signalbox.RunThrottled, nil, nil })
	late := b.aRun() // it went on a day later
	waiting := b.aRun(func(r *signalbox.Run) {
		r.Status, r.Due, r.Events, r.Actions = signalbox.RunWaiting, b.Now.AddDate(0, 0, 30), nil, nil
	})
	b.Now = b.Now.AddDate(0, 0, 1)
	late.Events = append(late.Events, signalbox.EventID(b.ID()))
	b.ran(throttled, late, waiting)
	young, _ := b.sentByARun(w, nobody)
	b.Now = b.Now.Add(time.Hour)
	if j, _ := b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID); j.Status != signalbox.JobDone || j.Done != 4 { // an event, its delivery, two runs
		b.Errorf("the job is %+v", j)
	}
	for name, r := range map[string]struct {
		run  signalbox.Run
		kept bool
	}{"old": {old, false}, "throttled": {throttled, false}, "late": {late, true}, "waiting": {waiting, true}, "young": {young, true}} {
		_, err := b.DB.Run(b.Context(), b.WS, r.run.ID)
		if err == nil != r.kept {
			b.Errorf("%s: %v", name, err)
		}
	}
}

// runSignal: many signals of automations in one turn go through the batch forms.
func runSignal(b *Box) {
	b.define(signalbox.DefinedAutomation, "wide", `{"name":"Wide","enabled":true,"trigger":{"type":"signal_received","signal_type":"demo"},"actions":[{"type":"signal","signal_type":"followed"}]}`)
	var inputs []decide.Input
	for i := range 20 {
		inputs = append(inputs, demo(fmt.Sprintf("p%d@acme.com", i)))
	}
	b.Turn(inputs...)
	b.Turn(demo("p1@acme.com"))
	if got := len(b.walkSignals(signalbox.SignalFilter{Type: "followed"}, 10)); got != 21 {
		b.Fatalf("%d signals, want 21", got)
	}
}
