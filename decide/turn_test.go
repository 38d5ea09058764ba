package decide_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/decide"
)

func subscriber(format signalbox.Format) signalbox.Webhook {
	return signalbox.Webhook{Kind: signalbox.KindPush, URL: "https://example.com", Events: []string{"signal.created"}, Format: format, Enabled: true}
}

// proves S1-8, S1-12, S1-21
func TestSignal_MakesADeliveryForEachSubscribedWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	push := w.webhook(subscriber(signalbox.FormatStairoids))
	standard := w.webhook(subscriber(signalbox.FormatStandard))
	off := subscriber(signalbox.FormatStairoids)
	off.Enabled = false
	disabled := w.webhook(off)
	pull := subscriber(signalbox.FormatStairoids)
	pull.Kind, pull.Events = signalbox.KindPull, []string{"signal.created"}
	reader := w.webhook(pull)
	other := subscriber(signalbox.FormatStairoids)
	other.Events = []string{"account.stage_changed"}
	w.webhook(other)

	r := w.signal(person("jane@acme.com"))
	if len(w.events) != 1 || w.events[0].Signal != r.ID {
		t.Fatalf("%d events, want one about signal %d", len(w.events), r.ID)
	}
	e := w.events[0]
	type row struct {
		webhook signalbox.WebhookID
		state   signalbox.DeliveryState
		reason  string
		due     bool
	}
	want := []row{
		{push, signalbox.Pending, "", true},
		{standard, signalbox.Pending, "", true},
		{disabled, signalbox.Skipped, signalbox.ReasonDisabled, false},
		{reader, signalbox.Pending, signalbox.ReasonPull, false},
	}
	var got []row
	for _, d := range w.sent {
		got = append(got, row{d.Webhook, d.State, d.Reason, !d.DueAt.IsZero()})
		if d.Event != e.ID || int64(d.ID) <= int64(e.ID) || int64(d.ID) > e.CausedTo {
			t.Errorf("delivery %d of event %d does not lie in its range up to %d", d.ID, e.ID, e.CausedTo)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("deliveries %v\nwant %v", got, want)
	}
	if !strings.Contains(string(e.Bodies.Stairoids), `"event":"signal.created"`) || !strings.Contains(string(e.Bodies.Standard), `"type":"signal.created"`) {
		t.Errorf("bodies %s and %s", e.Bodies.Stairoids, e.Bodies.Standard)
	}
	if s := w.signals[0]; int64(e.ID) <= int64(s.ID) || s.CausedTo != e.CausedTo {
		t.Errorf("event %d does not lie in the signal's range (%d, %d]", e.ID, s.ID, s.CausedTo)
	}
}

func TestSignal_NobodySubscribedMakesNoEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signal(person("jane@acme.com"))
	if len(w.events) != 0 || len(w.sent) != 0 {
		t.Errorf("%d events and %d deliveries, want none", len(w.events), len(w.sent))
	}
}

func TestSignal_BackfillTellsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.webhook(subscriber(signalbox.FormatStairoids))
	in := person("jane@acme.com")
	in.Backfill = true
	if r := w.signal(in); r.Account == 0 {
		t.Errorf("a backfilled signal is about %+v, want it matched like any other", r)
	}
	if len(w.events) != 0 {
		t.Errorf("%d events, want none", len(w.events))
	}
}

func TestTurn_InputOfOlderDefinitionsIsHandedBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.compile()
	in := person("jane@acme.com")
	in.Type, in.Source = "t", "s"
	p, err := old.Prepare(decide.Input{Workspace: ws, Signal: &in})
	if err != nil {
		t.Fatal(err)
	}
	w.webhook(subscriber(signalbox.FormatStairoids))
	d, out, err := decide.Turn(w.situation(decide.Need([]decide.Prepared{p})), []decide.Prepared{p}, decide.Env{Now: w.now, IDs: w.ids, Codec: w.codec})
	if err != nil {
		t.Fatal(err)
	}
	if !out[0].Stale || len(d.Signals) != 0 {
		t.Errorf("outcome %+v with %d signals, want it handed back", out[0], len(d.Signals))
	}
}

func TestSignal_SameKeySameBodyAnswersTheFirstAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keyed := person("jane@acme.com")
	keyed.Type, keyed.Source, keyed.IdempotencyKey, keyed.BodyHash = "t", "s", "k1", [16]byte{1}
	twin := keyed
	out := w.turn(decide.Input{Signal: &keyed}, decide.Input{Signal: &twin})
	w.now = w.now.Add(time.Hour)
	later := w.signal(keyed)
	for i, r := range []signalbox.Receipt{out[1].Receipt, later} {
		if !r.Replayed || r.ID != out[0].Receipt.ID || r.CreatedAt != out[0].Receipt.CreatedAt || r.Account != out[0].Receipt.Account {
			t.Errorf("repeat %d answered %+v, want %+v", i, r, out[0].Receipt)
		}
	}
	if len(w.signals) != 1 {
		t.Errorf("%d signals stored, want one", len(w.signals))
	}
	keyed.BodyHash = [16]byte{2}
	if out := w.try(keyed); signalbox.CodeOf(out.Err) != signalbox.IdempotencyMismatch {
		t.Errorf("another body answered %v, want %s", out.Err, signalbox.IdempotencyMismatch)
	}
}

func TestSignal_RefusedLeavesNoTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.webhook(subscriber(signalbox.FormatStairoids))
	in := person("jane@acme.com")
	in.Account.Attributes = []byte(`{"big":"` + strings.Repeat("x", signalbox.MaxAttributes) + `"}`)
	in.IdempotencyKey = "k"
	if out := w.try(in); signalbox.CodeOf(out.Err) != signalbox.Invalid {
		t.Fatalf("answered %v, want %s", out.Err, signalbox.Invalid)
	}
	if n := len(w.signals) + len(w.accounts) + len(w.contacts) + len(w.types) + len(w.answered) + len(w.events) + len(w.keys); n != 0 {
		t.Errorf("%d rows are left of a refused signal", n)
	}
}

func TestSignal_TypesAreOpenUntilTheWorkspaceIsFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.head.Types = signalbox.MaxSignalTypes - 1
	w.signal(signalbox.SignalInput{Type: "last"})
	out := w.try(signalbox.SignalInput{Type: "one_more"})
	var e *signalbox.Error
	if !errors.As(out.Err, &e) || e.Param != "type" {
		t.Errorf("answered %v, want a refusal of type", out.Err)
	}
	w.signal(signalbox.SignalInput{Type: "last"})
}

func TestLimits_EachAcceptedSignalCountsOneAndRefusedNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func(d *signalbox.Definitions) { d.Workspace.Limits.Workspace = signalbox.Rate{PerMinute: 3, PerDay: 5} })
	for want := 2; want >= 0; want-- {
		if q := w.signal(person("jane@acme.com")).Quota; q == nil || q.Remaining != want || q.Limit != 3 {
			t.Fatalf("quota %+v, want %d of 3 left", q, want)
		}
		w.now = w.now.Add(10 * time.Second)
	}
	out := w.try(person("jane@acme.com"))
	var e *signalbox.Error
	if !errors.As(out.Err, &e) || e.Code != signalbox.RateLimited || e.RetryAfter != 30*time.Second || e.Quota.Remaining != 0 {
		t.Fatalf("answered %v after %s, want limited for 30 s", out.Err, e.RetryAfter)
	}
	w.now = w.now.Add(30 * time.Second) // the first of the three leaves the minute
	w.signal(person("jane@acme.com"))
	w.now = w.now.Add(2 * time.Minute)
	if q := w.signal(person("jane@acme.com")).Quota; q.Limit != 5 || q.Remaining != 0 {
		t.Fatalf("quota %+v, want that of the day, used up", q)
	}
	out = w.try(person("jane@acme.com"))
	if !errors.As(out.Err, &e) || !e.Quota.Reset.Equal(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)) {
		t.Fatalf("answered %v, want limited until the UTC day ends", out.Err)
	}
	w.now = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	w.signal(person("jane@acme.com"))
}

// A sliding minute never lets more through than its limit, wherever the 60 seconds begin.
func TestLimits_SlidingMinuteHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		limit := rapid.IntRange(1, 5).Draw(rt, "limit")
		w.change(func(d *signalbox.Definitions) { d.Workspace.Limits.Workspace.PerMinute = limit })
		var passed []int64
		for range rapid.IntRange(1, 40).Draw(rt, "signals") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 30_000).Draw(rt, "ms")) * time.Millisecond)
			if out := w.try(signalbox.SignalInput{}); out.Err == nil {
				passed = append(passed, w.now.Unix())
			}
		}
		for i := range passed {
			if i >= limit && passed[i]-passed[i-limit] < 60 {
				rt.Fatalf("signals %d and %d passed within %d s, the limit is %d", i-limit, i, passed[i]-passed[i-limit], limit)
			}
		}
	})
}

// A record's timeline is a chain from its state through its signals, newest first, and misses none.
func TestTimeline_ChainHoldsEverySignalOfARecord(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		people := []string{"a@one.com", "b@one.com", "c@two.com", "d@gmail.com"}
		want := map[signalbox.EntityID][]signalbox.SignalID{}
		for range rapid.IntRange(1, 10).Draw(rt, "turns") {
			var turn []decide.Input
			for range rapid.IntRange(1, 8).Draw(rt, "signals") {
				in := person(rapid.SampledFrom(people).Draw(rt, "person"))
				in.Type, in.Source = "t", "s"
				turn = append(turn, decide.Input{Signal: &in})
			}
			for _, out := range w.turn(turn...) {
				for _, e := range []signalbox.EntityID{signalbox.EntityID(out.Receipt.Account), signalbox.EntityID(out.Receipt.Contact)} {
					if e != 0 {
						want[e] = append(want[e], out.Receipt.ID)
					}
				}
			}
		}
		byID := map[signalbox.SignalID]signalbox.Signal{}
		for _, s := range w.signals {
			byID[s.ID] = s
		}
		for entity, list := range want {
			state := w.states[entity]
			if state.Signals != int64(len(list)) {
				rt.Fatalf("record %d counts %d signals, had %d", entity, state.Signals, len(list))
			}
			at := state.LastSignal
			for i := len(list) - 1; i >= 0; i-- {
				if at != list[i] {
					rt.Fatalf("record %d: chain says %d, want %d", entity, at, list[i])
				}
				if s := byID[at]; signalbox.EntityID(s.Account) == entity {
					at = s.PrevAccount
				} else {
					at = s.PrevContact
				}
			}
			if at != 0 {
				rt.Fatalf("record %d: the chain goes on to %d", entity, at)
			}
		}
	})
}

func TestAttributes_MergeAsRFC7396Says(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, have, patch, want string }{
		{"a new member follows", `{"a":1}`, `{"b":2}`, `{"a":1,"b":2}`},
		{"a member is replaced in place", `{"a":1,"b":2}`, `{"a":"x"}`, `{"a":"x","b":2}`},
		{"null removes", `{"a":1,"b":2}`, `{"a":null}`, `{"b":2}`},
		{"null of nothing is nothing", `{"a":1}`, `{"z":null}`, `{"a":1}`},
		{"objects merge", `{"a":{"x":1,"y":2}}`, `{"a":{"x":null,"z":3}}`, `{"a":{"y":2,"z":3}}`},
		{"an object replaces a scalar, without its nulls", `{"a":1}`, `{"a":{"x":null,"y":2}}`, `{"a":{"y":2}}`},
		{"arrays are replaced", `{"a":[1,2]}`, `{"a":[3]}`, `{"a":[3]}`},
		{"names are quoted again", `{}`, `{"a\"b":1}`, `{"a\"b":1}`},
		{"digits are kept", `{}`, `{"n":12345678901234567890}`, `{"n":12345678901234567890}`},
		{"nothing left is none", `{"a":1}`, `{"a":null}`, ``},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.signal(company("acme.com", "")).Account
			for _, patch := range []string{c.have, c.patch} {
				in := company("acme.com", "")
				in.Account.Attributes = []byte(patch)
				w.signal(in)
			}
			if got := string(w.account(id).Attributes); got != c.want {
				t.Errorf("merged to %s, want %s", got, c.want)
			}
		})
	}
}

func TestTurn_PanicOfOneInputNamesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := person("jane@acme.com"), person("joe@other.com")
	a.Type, a.Source, b.Type, b.Source = "t", "s", "t", "s"
	c := w.compile()
	var list []decide.Prepared
	for _, in := range []signalbox.SignalInput{a, b} {
		p, err := c.Prepare(decide.Input{Workspace: ws, Signal: &in})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	s := w.situation(decide.Need(list))
	// A key that leads to no row can only be a broken database: deciding the one input must not take the other down.
	s.Keys[signalbox.RecordKey{Workspace: ws, Kind: signalbox.KeyDomain, Value: "other.com"}] = 99
	_, _, err := decide.Turn(s, list, decide.Env{Now: w.now, IDs: w.ids, Codec: w.codec})
	var poison *decide.Poison
	if !errors.As(err, &poison) || poison.Input != 1 {
		t.Fatalf("the turn ended with %v, want the poison of input 1", err)
	}
}
