package storesuite

import (
	"encoding/json"
	"fmt"

	"signalbox"
	"signalbox/decide"
)

var definitionTests = map[string]func(*Box){
	"WhatIsDefinedIsInForceAtOnce": func(b *Box) {
		before, err := b.DB.Definitions(b.Context(), b.WS)
		b.Must(err)
		icp := b.define(signalbox.DefinedICP, "Mid-market", `{"parameters":[{"name":"a","expression":"true","mode":"score"}],"live":true}`)
		b.define(signalbox.DefinedScoring, "", `{"boost":2,"rules":[{"name":"r","type":"*","points":-1.5}]}`)
		d, err := b.DB.Definitions(b.Context(), b.WS)
		b.Must(err)
		if d.Version != before.Version+2 || len(d.ICPs) != 1 || d.ICPs[0].Code != "Mid-market" || !d.ICPs[0].Live || d.Scoring.Boost != 2 || len(d.Scoring.Rules) != 1 {
			b.Fatalf("in force is %+v", d)
		}
		icp.Code, icp.Body = "Enterprise", []byte(`{"parameters":[]}`)
		b.Must(b.put(icp))
		if d, err = b.DB.Definitions(b.Context(), b.WS); err != nil || len(d.ICPs) != 1 || d.ICPs[0].Code != "Enterprise" || d.ICPs[0].Version != 2 {
			b.Fatalf("changed it is %+v, %v", d.ICPs, err)
		}
		b.Must(b.DB.Define(b.Context(), b.WS, b.Now, func(*signalbox.Definitions) (*signalbox.Redefinition, error) {
			return &signalbox.Redefinition{Drop: &icp}, nil
		}))
		if d, err = b.DB.Definitions(b.Context(), b.WS); err != nil || len(d.ICPs) != 0 || len(d.Defined) != 1 {
			b.Fatalf("dropped it is still there: %+v, %v", d.Defined, err)
		}
	},
	"CodesAreUniqueInTheirKind": func(b *Box) {
		b.define(signalbox.DefinedICP, "Same", `{}`)
		b.define(signalbox.DefinedPersona, "Same", `{}`)
		b.WantCode(b.put(signalbox.Definition{ID: b.ID(), Workspace: b.WS, Kind: signalbox.DefinedICP, Code: "Same", Body: []byte(`{}`)}), signalbox.Conflict)
		other := b.NewWorkspace("other")
		b.Must(b.put(signalbox.Definition{ID: b.ID(), Workspace: other, Kind: signalbox.DefinedICP, Code: "Same", Body: []byte(`{}`)}))
	},
	"AWorkspaceHasOnlySoMany": func(b *Box) {
		for i := range signalbox.DefinedICP.Most() {
			b.define(signalbox.DefinedICP, fmt.Sprint(i), `{}`)
		}
		b.WantCode(b.put(signalbox.Definition{ID: b.ID(), Workspace: b.WS, Kind: signalbox.DefinedICP, Code: "one more", Body: []byte(`{}`)}), signalbox.Conflict)
	},
	"WhatIsRefusedChangesNothing": func(b *Box) {
		before, err := b.DB.Definitions(b.Context(), b.WS)
		b.Must(err)
		err = b.DB.Define(b.Context(), b.WS, b.Now, func(*signalbox.Definitions) (*signalbox.Redefinition, error) {
			return nil, signalbox.InvalidField("x", "no")
		})
		b.WantCode(err, signalbox.Invalid)
		b.Must(b.DB.Define(b.Context(), b.WS, b.Now, func(*signalbox.Definitions) (*signalbox.Redefinition, error) { return nil, nil }))
		if after, err := b.DB.Definitions(b.Context(), b.WS); err != nil || after.Version != before.Version {
			b.Fatalf("the version is %d, %v, and was %d", after.Version, err, before.Version)
		}
	},
	"DeclaringMakesATypeOrTakesTheOneThatSignalsMade": declared,
	"AnUndeclaredTypeStaysForItsSignals":              undeclared,
	"DeclaredTypesCountAgainstTheLimit":               declaredTypesAreCounted,
	"TypeSignalsAreReadInSlices":                      typeSignals,
	"ARescoringTakesThePlaceOfOneThatGoesOn": func(b *Box) {
		first := b.rescoring(signalbox.Rescoring{Points: true})
		second := b.rescoring(signalbox.Rescoring{Sums: true, Tell: true})
		if j, err := b.DB.Job(b.Context(), b.WS, first); err != nil || j.Status != signalbox.JobCancelled || j.Error == "" {
			b.Fatalf("the first is %+v, %v", j, err)
		}
		var order signalbox.Rescoring
		j, err := b.DB.OpenJob(b.Context(), b.WS, signalbox.JobRescore)
		b.Must(err)
		b.Must(json.Unmarshal([]byte(j.Params), &order))
		if j.ID != second || order != (signalbox.Rescoring{Points: true, Sums: true, Tell: true}) {
			b.Fatalf("what goes on is %+v", j)
		}
		b.RunJob(second)
		if j, err := b.DB.OpenJob(b.Context(), b.WS, signalbox.JobRescore); err != nil || j.ID != 0 {
			b.Fatalf("%+v goes on, %v", j, err)
		}
	},
	"RescoringGivesPointsAndAddsUp":                         rescored,
	"RescoringReadsALongTimelineInSlicesWhileSignalsArrive": rescoredInSlices,
}

func (b *Box) define(kind signalbox.DefinitionKind, code, body string) signalbox.Definition {
	b.Helper()
	d := signalbox.Definition{ID: b.ID(), Workspace: b.WS, Kind: kind, Code: code, Body: []byte(body)}
	b.Must(b.put(d))
	return d
}

func (b *Box) put(d signalbox.Definition) error {
	return b.DB.Define(b.Context(), d.Workspace, b.Now, func(*signalbox.Definitions) (*signalbox.Redefinition, error) {
		return &signalbox.Redefinition{Put: &d}, nil
	})
}

func (b *Box) rescoring(order signalbox.Rescoring) signalbox.JobID {
	b.Helper()
	params, err := json.Marshal(order)
	b.Must(err)
	j := signalbox.Job{ID: signalbox.JobID(b.ID()), Workspace: b.WS, Kind: signalbox.JobRescore, Status: signalbox.JobQueued, Params: string(params), CreatedAt: b.Now}
	b.Must(b.DB.ReplaceJob(b.Context(), &j, "scoring.recomputed"))
	return j.ID
}

// visit sends one signal about Acme that the suite's scorer knows.
func visit() decide.Input {
	return decide.Input{Signal: &signalbox.SignalInput{Type: "visit", Source: "s", Account: signalbox.AccountInput{Domain: "acme.com"}}}
}

// kept is what is kept of a record.
func (b *Box) kept(e signalbox.EntityID) string {
	b.Helper()
	states, err := b.DB.States(b.Context(), b.WS, []signalbox.EntityID{e})
	b.Must(err)
	return string(states[e].Standing)
}

func rescored(b *Box) {
	b.Turn(visit())
	acc := signalbox.EntityID(b.Turn(visit())[0].Receipt.Account)
	other := b.NewWorkspace("other")
	mine := b.WS
	b.WS = other
	foreign := b.Turn(visit())[0].Receipt
	theirs := b.kept(signalbox.EntityID(foreign.Account))
	b.WS = mine
	if j, _ := b.RunJob(b.rescoring(signalbox.Rescoring{Points: true, Sums: true, Tell: true})); j.Status != signalbox.JobDone {
		b.Fatalf("it ended as %+v", j)
	}
	if got := b.kept(acc); got != "sst" {
		b.Fatalf("the account's standing is %q, want both signals added up and told", got)
	}
	list, _, err := b.DB.Signals(b.Context(), b.WS, signalbox.SignalFilter{}, signalbox.Page{Limit: 10})
	b.Must(err)
	for i := range list {
		if list[i].Points != rescoredPoints || string(list[i].Rules) == "" {
			b.Fatalf("a signal has %d points by %s", list[i].Points, list[i].Rules)
		}
	}
	looked := false
	for _, d := range b.take(b.Now, 50) {
		looked = looked || d.Kind == signalbox.DueRecord && d.Subject == int64(acc)
	}
	b.WS = other
	if sig, err := b.DB.Signal(b.Context(), b.WS, foreign.ID); err != nil || sig.Points == rescoredPoints || b.kept(signalbox.EntityID(foreign.Account)) != theirs {
		b.Fatalf("another workspace's signal has %d points, %v", sig.Points, err)
	}
	if b.WS = mine; !looked {
		b.Fatal("the account is not looked at")
	}
}

// rescoredInSlices has more signals than a slice reads, and one more after each slice.
func rescoredInSlices(b *Box) {
	const many = 2*signalbox.SliceRows + 100
	list := make([]decide.Input, 700)
	for i := range list {
		list[i] = visit()
	}
	var acc signalbox.EntityID
	for range many / len(list) {
		acc = signalbox.EntityID(b.Turn(list...)[0].Receipt.Account)
	}
	job := b.rescoring(signalbox.Rescoring{Sums: true})
	want := len(list) * (many / len(list))
	for slices := 0; ; slices++ {
		j, err := b.DB.RunSlice(b.Context(), b.WS, job, b.IDs, b.Now)
		b.Must(err)
		if j.Ended() {
			if got := len(b.kept(acc)); j.Status != signalbox.JobDone || got != want || slices < 3 {
				b.Fatalf("it ended as %s after %d slices with %d signals of %d", j.Status, slices, got, want)
			}
			return
		}
		if slices > 0 { // the first slice passes the step that it is not asked for
			b.Turn(visit())
			want++
		}
	}
}
