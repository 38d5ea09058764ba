package storesuite

import (
	"reflect"
	"slices"
	"time"

	"signalbox"
)

var signalTests = map[string]func(*Box){
	"OneShowsItsRecordsAsTheyStand":     signalView,
	"AnAccountsTimelineIsItsOwn":        signalTimelines,
	"PagesAreStableWhileSignalsArrive":  signalPages,
	"FiltersNarrowTheList":              signalFilters,
	"AFilteredTimelineGoesOn":           signalLongTimeline,
	"AQuietWorkspaceBesideABusyOne":     signalQuiet,
	"TypesAreListedByName":              signalTypes,
	"AnUnknownTypeHasNoSignals":         signalUnknownType,
	"WhatIsSaidToComeLaterIsFoundByIt":  signalFuture,
	"WhatHappenedLongAgoIsFoundByWhen":  signalLongAgo,
	"StatsCountWhatIsStored":            statsCount,
	"AnUnattributedSignalHasNoTimeline": signalUnattributed,
}

// walkSignals collects a list page by page.
func (b *Box) walkSignals(f signalbox.SignalFilter, limit int) (ids []signalbox.SignalID) {
	b.Helper()
	for place := (signalbox.Place{}); ; {
		list, next, err := b.DB.Signals(b.Context(), b.WS, f, place.Page(limit))
		b.Must(err)
		for _, s := range list {
			ids = append(ids, s.ID)
		}
		if place = next; next.Before == 0 {
			return ids
		}
	}
}

// signalsOf are the signals of what was sent, newest first.
func signalsOf(sent ...Caused) (ids []signalbox.SignalID) {
	for _, s := range slices.Backward(sent) {
		ids = append(ids, s.Signal)
	}
	return ids
}

func signalView(b *Box) {
	acc := b.NewAccount("acme.com", "Acme")
	con := b.NewContact(acc.ID, "ann@acme.com", "Ann", "Lee")
	props := `{"z":1,"a":[1.50,"é"]}`
	sent := b.Send(Sent{Type: "form_submit", Source: "site", Account: acc.ID, Contact: con.ID, Properties: props})[0]
	got, err := b.DB.Signal(b.Context(), b.WS, sent.Signal)
	b.Must(err)
	if got.Type != "form_submit" || got.Source != "site" || string(got.Properties) != props || !got.CreatedAt.Equal(b.Now) || !got.OccurredAt.Equal(b.Now) ||
		got.AccountRow == nil || !reflect.DeepEqual(*got.AccountRow, acc) || got.ContactRow == nil || !reflect.DeepEqual(*got.ContactRow, con) {
		b.Fatalf("signal %+v, account %+v, contact %+v", got.Signal, got.AccountRow, got.ContactRow)
	}
	list, _, err := b.DB.Signals(b.Context(), b.WS, signalbox.SignalFilter{}, signalbox.Page{})
	b.Must(err)
	if len(list) != 1 || !reflect.DeepEqual(list[0], got) {
		b.Fatalf("list %+v, want what the getter answers", list)
	}
}

func signalTimelines(b *Box) {
	acme, other := b.NewAccount("acme.com", "Acme"), b.NewAccount("other.com", "")
	ann := b.NewContact(acme.ID, "ann@acme.com", "Ann", "")
	var ofAcme, ofAnn, both []Caused
	for range 4 {
		a := b.Send(Sent{Account: acme.ID}, Sent{Account: other.ID, Contact: ann.ID}, Sent{Account: acme.ID, Contact: ann.ID}, Sent{})
		ofAcme = append(ofAcme, a[0], a[2])
		ofAnn = append(ofAnn, a[1], a[2])
		both = append(both, a[2])
	}
	for name, c := range map[string]struct {
		f    signalbox.SignalFilter
		want []Caused
	}{
		"account": {signalbox.SignalFilter{Account: acme.ID}, ofAcme},
		"contact": {signalbox.SignalFilter{Contact: ann.ID}, ofAnn},
		"both":    {signalbox.SignalFilter{Account: acme.ID, Contact: ann.ID}, both},
	} {
		for _, limit := range []int{1, 3, 8, 200} {
			if got := b.walkSignals(c.f, limit); !reflect.DeepEqual(got, signalsOf(c.want...)) {
				b.Errorf("%s by %d: %v, want %v", name, limit, got, signalsOf(c.want...))
			}
		}
	}
	s, err := b.DB.State(b.Context(), b.WS, signalbox.EntityID(ann.ID))
	b.Must(err)
	if s.Signals != 8 || s.LastSignal != ofAnn[7].Signal {
		b.Fatalf("state %+v", s)
	}
}

func signalPages(b *Box) {
	acc := b.NewAccount("acme.com", "Acme")
	var sent []Caused
	for range 6 {
		sent = append(sent, b.Send(Sent{Account: acc.ID})...)
	}
	for name, f := range map[string]signalbox.SignalFilter{"all": {}, "type": {Type: "page_visit"}, "account": {Account: acc.ID}} {
		first, next, err := b.DB.Signals(b.Context(), b.WS, f, signalbox.Page{Limit: 2})
		b.Must(err)
		newer := b.Send(Sent{Account: acc.ID})
		rest, last, err := b.DB.Signals(b.Context(), b.WS, f, next.Page(200))
		b.Must(err)
		var got []signalbox.SignalID
		for _, s := range append(first, rest...) {
			got = append(got, s.ID)
		}
		if !reflect.DeepEqual(got, signalsOf(sent...)) || last.Before != 0 {
			b.Errorf("%s: %v (next %v), want %v", name, got, last, signalsOf(sent...))
		}
		sent = append(sent, newer...)
	}
}

func signalFilters(b *Box) {
	var sent []Caused
	for i, s := range []Sent{{Type: "a", Source: "x"}, {Type: "b", Source: "x"}, {Type: "a", Source: "y"}, {Type: "b", Source: "y"}} {
		b.Now = Start.Add(time.Duration(i) * time.Hour)
		sent = append(sent, b.Send(s)...)
	}
	hour := func(n int) time.Time { return Start.Add(time.Duration(n) * time.Hour) }
	for name, c := range map[string]struct {
		f    signalbox.SignalFilter
		want []Caused
	}{
		"type":       {signalbox.SignalFilter{Type: "a"}, []Caused{sent[0], sent[2]}},
		"source":     {signalbox.SignalFilter{Source: "x"}, sent[:2]},
		"both":       {signalbox.SignalFilter{Type: "b", Source: "y"}, sent[3:]},
		"from":       {signalbox.SignalFilter{From: hour(2)}, sent[2:]},
		"to":         {signalbox.SignalFilter{To: hour(1)}, sent[:2]},
		"one moment": {signalbox.SignalFilter{From: hour(1), To: hour(1)}, sent[1:2]},
		"nothing":    {signalbox.SignalFilter{From: hour(9)}, nil},
	} {
		if got := b.walkSignals(c.f, 1); !reflect.DeepEqual(got, signalsOf(c.want...)) {
			b.Errorf("%s: %v, want %v", name, got, signalsOf(c.want...))
		}
	}
}

// signalLongTimeline: a timeline longer than a slice is walked on until the page is full.
func signalLongTimeline(b *Box) {
	acc := b.NewAccount("acme.com", "Acme")
	want := b.Send(Sent{Account: acc.ID, Source: "rare"}, Sent{Account: acc.ID, Source: "rare"})
	list := make([]Sent, 2300)
	for i := range list {
		list[i] = Sent{Account: acc.ID, Source: "often"}
	}
	b.Send(list...)
	if got := b.walkSignals(signalbox.SignalFilter{Account: acc.ID, Source: "rare"}, 1); !reflect.DeepEqual(got, signalsOf(want...)) {
		b.Fatalf("%v, want %v", got, signalsOf(want...))
	}
}

func signalQuiet(b *Box) {
	quiet, busy := b.WS, b.NewWorkspace("busy")
	list := make([]Sent, 1500)
	var want []Caused
	for range 3 {
		b.WS = quiet
		want = append(want, b.Send(Sent{})...)
		b.WS = busy
		b.Send(list...)
	}
	b.WS = quiet
	if got := b.walkSignals(signalbox.SignalFilter{}, 2); !reflect.DeepEqual(got, signalsOf(want...)) {
		b.Fatalf("%v, want %v", got, signalsOf(want...))
	}
}

func signalTypes(b *Box) {
	b.Send(Sent{Type: "page_visit"}, Sent{Type: "email_open"}, Sent{Type: "page_visit"})
	types, err := b.DB.Types(b.Context(), b.WS)
	b.Must(err)
	if len(types) != 2 || types[0].Name != "email_open" || types[1].Name != "page_visit" || types[0].Workspace != b.WS || types[0].Declared || !types[0].CreatedAt.Equal(b.Now) {
		b.Fatalf("types %+v", types)
	}
}

func signalUnknownType(b *Box) {
	b.Send(Sent{})
	if got := b.walkSignals(signalbox.SignalFilter{Type: "nobody_sent"}, 10); got != nil {
		b.Fatalf("found %v", got)
	}
}

// sendAt puts in a signal that is said to have occurred at another time.
func (b *Box) sendAt(at time.Time) signalbox.SignalID {
	b.Helper()
	var id signalbox.SignalID
	key := signalbox.TypeKey{Workspace: b.WS, Name: "page_visit"}
	b.Send(Sent{})
	b.decide(signalbox.Need{Types: []signalbox.TypeKey{key}}, func(s *signalbox.Situation) *signalbox.Decision {
		id = signalbox.SignalID(b.ID())
		return &signalbox.Decision{Signals: []signalbox.Signal{{
			ID: id, Workspace: b.WS, TypeID: s.Types[key], OccurredAt: at, CreatedAt: b.Now, CausedTo: int64(id),
		}}}
	})
	return id
}

func signalFuture(b *Box) {
	at := b.Now.Add(signalbox.MaxFuture)
	sig := b.sendAt(at)
	if got := b.walkSignals(signalbox.SignalFilter{From: at}, 10); !reflect.DeepEqual(got, []signalbox.SignalID{sig}) {
		b.Fatalf("found %v, want %d", got, sig)
	}
}

func signalLongAgo(b *Box) {
	at := b.Now.AddDate(-5, 0, 0)
	sig := b.sendAt(at)
	if got := b.walkSignals(signalbox.SignalFilter{From: at, To: at}, 10); !reflect.DeepEqual(got, []signalbox.SignalID{sig}) {
		b.Fatalf("found %v, want %d", got, sig)
	}
}

func signalUnattributed(b *Box) {
	sent := b.Send(Sent{}, Sent{})
	got, err := b.DB.Signal(b.Context(), b.WS, sent[1].Signal)
	b.Must(err)
	if got.AccountRow != nil || got.ContactRow != nil || got.PrevAccount != 0 || got.Properties != nil {
		b.Fatalf("signal %+v", got)
	}
	acc := b.NewAccount("acme.com", "")
	if list := b.walkSignals(signalbox.SignalFilter{Account: acc.ID}, 10); list != nil {
		b.Fatalf("timeline of a new account: %v", list)
	}
}

func statsCount(b *Box) {
	w := b.NewWebhook()
	b.Send(make([]Sent, 3)...)
	b.Send(Sent{To: []signalbox.Webhook{w}}, Sent{To: []signalbox.Webhook{w}})
	b.Settle(b.Claim(w.ID, 1).Ready[0], signalbox.Delivered, "", time.Time{}, 200, "")
	s, err := b.DB.Stats(b.Context())
	b.Must(err)
	if s.Signals != 5 || s.OpenDeliveries != 1 || s.OldestDue.IsZero() || s.FileBytes+s.WALBytes == 0 {
		b.Fatalf("stats %+v", s)
	}
}
