package decide_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/decide"
)

// situationOfRuns reads what a turn needs of runs.
func (w *world) situationOfRuns(s *signalbox.Situation, n *signalbox.Need) {
	s.Runs, s.Signals, s.Paces = map[signalbox.RunID]*signalbox.Run{}, map[signalbox.SignalID]*signalbox.Signal{}, map[signalbox.WorkspaceID][]byte{}
	for _, id := range n.Runs {
		r, ok := w.runs[id]
		if !ok {
			continue
		}
		s.Runs[id] = &r
		n.Accounts, n.Contacts = append(n.Accounts, r.Account), append(n.Contacts, r.Contact)
		if i := slices.IndexFunc(w.signals, func(g signalbox.Signal) bool { return g.ID == r.Signal && g.ErasedAt.IsZero() }); i >= 0 {
			g := w.signals[i]
			s.Signals[g.ID] = &g
		}
	}
	if len(n.Paces) > 0 && w.pace != nil {
		s.Paces[ws] = w.pace
	}
}

func (w *world) waits(due signalbox.Due) {
	w.waiting[signalbox.RunID(due.Subject)] = due.At
	if due.At.IsZero() {
		delete(w.waiting, signalbox.RunID(due.Subject))
	}
}

// applyRuns saves runs as the store does: as JSON, so that what is not kept is not there either.
func (w *world) applyRuns(d *signalbox.Decision) {
	w.t.Helper()
	for _, r := range d.Runs {
		if _, ok := w.runs[r.Row.ID]; ok == r.New {
			w.t.Fatalf("run %d: new is %t", r.Row.ID, r.New)
		}
		text, err := json.Marshal(r.Row)
		var kept signalbox.Run
		if err == nil {
			err = json.Unmarshal(text, &kept)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		w.runs[r.Row.ID] = kept
	}
	if pace, ok := d.Paces[ws]; ok {
		w.pace = pace
	}
}

// automation adds an automation, enabled, with its lane, and makes a new version of the definitions.
func (w *world) automation(a signalbox.Automation) signalbox.AutomationID {
	w.t.Helper()
	a.ID, a.Version, a.Enabled = signalbox.AutomationID(w.ids.Next(w.now)), 1, true
	if a.Name == "" {
		a.Name = "High-intent trial → notify sales"
	}
	w.change(func(d *signalbox.Definitions) {
		d.Automations = append(slices.Clone(d.Automations), a)
		d.Defined = append(slices.Clone(d.Defined), signalbox.Definition{ID: int64(a.ID), Workspace: ws, Kind: signalbox.DefinedAutomation, UpdatedAt: w.now})
		d.Webhooks = append(slices.Clone(d.Webhooks), signalbox.Webhook{
			ID: signalbox.WebhookID(a.ID), Workspace: ws, Kind: signalbox.KindAction, Format: signalbox.FormatStairoids, Enabled: true,
		})
	})
	return a.ID
}

// edit changes an automation as somebody does now.
func (w *world) edit(id signalbox.AutomationID, f func(*signalbox.Automation)) {
	w.change(func(d *signalbox.Definitions) {
		d.Automations, d.Defined = slices.Clone(d.Automations), slices.Clone(d.Defined)
		for i := range d.Automations {
			if d.Automations[i].ID == id {
				d.Automations[i].Version++
				f(&d.Automations[i])
			}
		}
		for i := range d.Defined {
			if d.Defined[i].ID == int64(id) {
				d.Defined[i].UpdatedAt = w.now
			}
		}
	})
}

// hook is an action that says nothing of its own.
func hook() signalbox.Action {
	return signalbox.Action{Type: signalbox.ActWebhook, URL: "https://example.com/hook"}
}

// when is an automation with a trigger and a hook.
func when(t signalbox.Trigger, conditions ...string) signalbox.Automation {
	return signalbox.Automation{Trigger: t, Conditions: conditions, Actions: []signalbox.Action{hook()}}
}

func onSignal(typ string, conditions ...string) signalbox.Automation {
	return when(signalbox.Trigger{Type: signalbox.OnSignal, SignalType: typ}, conditions...)
}

// does is an automation with other actions.
func does(a signalbox.Automation, actions ...signalbox.Action) signalbox.Automation {
	a.Actions = actions
	return a
}

// started are the runs that there are, in order.
func (w *world) started() []signalbox.Run {
	list := slices.Collect(maps.Values(w.runs))
	slices.SortFunc(list, func(a, b signalbox.Run) int { return int(a.ID - b.ID) })
	return list
}

// ran tells the runs in short, and forgets them: what happened, whose, at which depth, and where they stand.
func (w *world) ran() (list []string) {
	for _, r := range w.started() {
		line := fmt.Sprintf("%s %s", r.Happened, r.Status)
		if r.Depth > 0 {
			line += fmt.Sprint(" deep ", r.Depth)
		}
		list = append(list, line)
		if r.Status != signalbox.RunWaiting {
			delete(w.runs, r.ID)
		}
	}
	return list
}

// sentBy are the events of a run's actions, with the delivery of each.
func (w *world) sentBy(r signalbox.Run) (events []signalbox.Event) {
	w.t.Helper()
	for _, e := range w.events {
		if !slices.Contains(r.Events, e.ID) {
			continue
		}
		events = append(events, e)
		if n := slices.IndexFunc(w.sent, func(d signalbox.NewDelivery) bool { return d.Event == e.ID }); n < 0 || int64(w.sent[n].ID) > e.CausedTo {
			w.t.Errorf("event %s has no delivery of its own", e.Name)
		}
	}
	return events
}

// of is a signal of a type by Jane of Acme.
func of(typ string) signalbox.SignalInput {
	return signalbox.SignalInput{
		Type: typ, Account: signalbox.AccountInput{Domain: "acme.com", Name: "Acme Corp"}, Contact: signalbox.ContactInput{Email: "jane@acme.com", FirstName: "Jane", LastName: "Doe"},
		Properties: []byte(`{"team_size":12}`),
	}
}

// patch changes an account's attributes by hand.
func (w *world) patch(id signalbox.AccountID, attributes string) {
	w.t.Helper()
	if out := w.turn(decide.Input{Account: &decide.AccountAct{ID: id, Patch: signalbox.AccountPatch{Attributes: []byte(attributes)}}})[0]; out.Err != nil {
		w.t.Fatal(out.Err)
	}
}

// proves S0-30…S0-38, V-12 and contract section 10: a run is saved with its reasons, its action is an event of its own with one delivery, by the automation's lane,
// and automation.triggered tells of it
func TestAutomation_ASignalStartsItAndItsActionIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	told := subscriber(signalbox.FormatStandard)
	told.Events = []string{"automation.triggered"}
	w.webhook(told)
	x := hook()
	x.Headers = []signalbox.Header{{Name: "X-Key", Sealed: []byte{1}}}
	id := w.automation(does(onSignal("trial", "account.score >= 5", "count(signals, 'trial', '1d') >= 1"), x,
		signalbox.Action{Type: signalbox.ActSlack, WebhookURL: "https://hooks.slack.com/services/T/B/x", Text: "{{ account.name }}"},
		signalbox.Action{Type: signalbox.ActEmail, To: "sales@acme.com", Subject: "A trial", Text: "{{ contact.email }} has {{ properties.team_size }}"}))
	w.signal(about("other"))
	r := w.signal(of("trial"))
	list := w.started()
	if len(list) != 1 {
		t.Fatalf("%d runs, want 1", len(list))
	}
	run := list[0]
	if run.Automation != id || run.Signal != r.ID || run.Account != r.Account || run.Contact != r.Contact || run.Status != signalbox.RunDone || len(run.Reasons) != 3 || !run.At.Equal(w.now) {
		t.Errorf("the run is %+v", run)
	}
	events := w.sentBy(run)
	key := w.codec.Format(signalbox.KindRun, int64(run.ID))
	want := []*signalbox.Request{
		{Type: signalbox.ActWebhook, Method: "POST", URL: x.URL, Headers: x.Headers, Key: key + "/1"},
		{Type: signalbox.ActSlack, URL: "https://hooks.slack.com/services/T/B/x", Key: key + "/2"},
		{Type: signalbox.ActEmail, To: "sales@acme.com", Subject: "A trial", Key: key + "/3"}, nil,
	}
	var requests []*signalbox.Request
	var names []string
	for _, e := range events {
		requests, names = append(requests, e.Request), append(names, e.Name)
		if s := w.signals[len(w.signals)-1]; e.Signal != s.ID || e.CausedTo > s.CausedTo {
			t.Errorf("event %s is of signal %d, and lies outside of what that caused", e.Name, e.Signal)
		}
	}
	if diff := cmp.Diff(want, requests); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"automation.action_triggered", "automation.action_triggered", "automation.action_triggered", "automation.triggered"}, names); diff != "" {
		t.Error(diff)
	}
	if got := string(events[1].Bodies.Stairoids) + string(events[2].Bodies.Stairoids); got != `{"text":"Acme Corp"}jane@acme.com has 12` {
		t.Errorf("said: %s", got)
	}
	body := fmt.Sprintf(`{"event":"automation.action_triggered","automation_id":%q,"automation_name":"High-intent trial → notify sales","triggered_at":"2026-11-20T16:00:00Z","account":{"id":%q,"name":"Acme Corp","domain":"acme.com"},`+
		`"contact":{"id":%q,"email":"jane@acme.com","first_name":"Jane","last_name":"Doe"},"signal":{"id":%q,"type":"trial","source":"test","properties":{"team_size":12},"created_at":"2026-11-20T16:00:00Z"}}`,
		w.codec.Format(signalbox.KindAutomation, int64(id)), w.codec.Format(signalbox.KindAccount, int64(r.Account)), w.codec.Format(signalbox.KindContact, int64(r.Contact)), w.codec.Format(signalbox.KindSignal, int64(r.ID)))
	if diff := cmp.Diff(body, string(events[0].Bodies.Stairoids)); diff != "" {
		t.Error(diff)
	}
	for i, e := range events[:3] {
		if x := run.Actions[i]; x.Event != e.ID || x.Body != nil || x.Text != "" || x.Headers != nil || x.Failed != "" || x.Type == signalbox.ActSlack && x.URL != "" {
			t.Errorf("kept of action %d is %+v", i+1, x)
		}
	}
	if !strings.Contains(string(events[3].Bodies.Standard), `"run":{"id":"`+key+`"},"signal":{"id":"sig_`) {
		t.Errorf("told of it: %s", events[3].Bodies.Standard)
	}
	for _, d := range w.sent[:3] {
		if d.Webhook != signalbox.WebhookID(id) || d.State != signalbox.Pending || d.DueAt.IsZero() {
			t.Errorf("delivery %+v", d)
		}
	}
}

func TestAutomation_EachTrigger(t *testing.T) {
	t.Parallel()
	type T = signalbox.Trigger
	const audience = signalbox.AudienceID(77)
	big := func(d *signalbox.Definitions) {
		d.Audiences = []signalbox.Audience{{ID: audience, Name: "Big", Of: signalbox.AccountRecord, Ready: true, Condition: "account.attributes.employees > 50"}}
		d.ICPs = []signalbox.Profile{{Code: "Mid", Live: true, Version: 1, Parameters: []signalbox.Parameter{
			{Name: "size", When: "account.attributes.employees > 50", Mode: signalbox.ModeFilter, OnMissing: signalbox.MissingFail},
		}}}
	}
	grow := func(w *world) { w.patch(w.signal(of("visit")).Account, `{"employees":80}`) }
	for _, c := range []struct {
		name string
		a    signalbox.Automation
		do   func(*world)
		want []string
	}{
		{"a signal", onSignal("demo"), func(w *world) { w.signal(of("demo")); w.signal(of("other")) }, []string{"signal.created done"}},
		{"a capture", onSignal("demo"), func(w *world) {
			declare(w, "demo", signalbox.TypeSettings{Label: "Demo"})
			w.signal(capture("demo", w.now))
		}, []string{"signal.created done"}},
		{"a repeat of a signal", onSignal("demo"), func(w *world) {
			in := of("demo")
			in.IdempotencyKey = "once"
			w.signal(in)
			w.signal(in)
		}, []string{"signal.created done"}},
		{"a signal by the API form", when(T{Type: signalbox.OnEvent, Event: "signal.scored"}), func(w *world) { w.signal(of("demo")) }, []string{"signal.created done"}},
		{"a property", when(T{Type: signalbox.OnProperty, PropertyKey: "team_size", Operator: "greater_than", PropertyValue: []byte("10")}),
			func(w *world) { w.signal(of("any")); w.signal(about("any")) }, []string{"signal.created done"}},
		{"a score, once for each crossing", when(T{Type: signalbox.OnScore, Of: signalbox.AccountRecord, Threshold: 25, Direction: signalbox.Above}),
			func(w *world) { w.signal(about("deal_created")); w.signal(about("deal_created")) }, []string{"account.score_changed done"}},
		{"a contact's score", when(T{Type: signalbox.OnScore, Of: signalbox.ContactRecord, Threshold: 10, Direction: signalbox.Above}),
			func(w *world) { w.signal(of("deal_created")) }, []string{"contact.score_changed done"}},
		{"a stage", when(T{Type: signalbox.OnStage, Of: signalbox.AccountRecord, Stage: "Warm"}),
			func(w *world) { w.signal(about("meeting_booked")); w.signal(about("deal_created")) }, []string{"account.stage_changed done"}},
		{"an audience that is entered", when(T{Type: signalbox.OnAudience, Audience: audience, On: signalbox.Enters}), grow, []string{"audience.entered done"}},
		{"an audience that is left", when(T{Type: signalbox.OnAudience, Audience: audience, On: signalbox.Leaves}),
			func(w *world) { grow(w); w.patch(w.signal(of("visit")).Account, `{"employees":8}`) }, []string{"audience.left done"}},
		{"a fit", when(T{Type: signalbox.OnFit, ICP: "Mid"}), func(w *world) { grow(w); w.signal(of("visit")) }, []string{"signal.qualified done"}},
		{"a fit that somebody asks for", when(T{Type: signalbox.OnFit}), func(w *world) {
			declare(w, "visit", signalbox.TypeSettings{Label: "Visit", Held: true})
			grow(w)
			s := w.signals[0]
			w.turn(decide.Input{Qualify: &s})
		}, []string{"signal.qualified done"}},
		{"history", onSignal("demo"), func(w *world) {
			in := of("demo")
			in.Backfill = true
			w.signal(in)
		}, nil},
		{"history that brings into an audience", when(T{Type: signalbox.OnAudience, Audience: audience, On: signalbox.Enters}), func(w *world) {
			in := of("demo")
			in.Backfill, in.Account.Attributes = true, []byte(`{"employees":80}`)
			w.signal(in)
		}, nil},
		{"an audience that is being filled", when(T{Type: signalbox.OnAudience, Audience: audience, On: signalbox.Enters}), func(w *world) {
			w.change(func(d *signalbox.Definitions) { d.Audiences = slices.Clone(d.Audiences); d.Audiences[0].Ready = false })
			grow(w)
		}, nil},
		{"a condition that does not hold", onSignal("demo", "contact.title == 'CEO'"), func(w *world) { w.signal(of("demo")) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.change(big)
			w.automation(c.a)
			c.do(w)
			if diff := cmp.Diff(c.want, w.ran()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What befalls a company by a person's signal is about both, and conditions read what is so when the whole signal was decided.
func TestAutomation_FactsAreThoseAfterTheWholeSignal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.automation(onSignal("deal_created", "account.score == 20", "account.stage == 'Cool'", "contact.score == 20", "signal.score == 20.0", "count(signals, 'deal_created', '1d') >= 1"))
	w.automation(when(signalbox.Trigger{Type: signalbox.OnScore, Of: signalbox.AccountRecord, Threshold: 10, Direction: signalbox.Above}, "contact.email == 'jane@acme.com'", "properties.team_size == 12"))
	w.automation(when(signalbox.Trigger{Type: signalbox.OnScore, Of: signalbox.ContactRecord, Threshold: 10, Direction: signalbox.Above}, "account.name == 'Acme Corp'"))
	r := w.signal(of("deal_created"))
	list := w.started()
	if len(list) != 3 {
		t.Fatalf("%d runs, want 3", len(list))
	}
	for i, of := range []signalbox.RecordKind{0, signalbox.AccountRecord, signalbox.ContactRecord} {
		if run := list[i]; run.Account != r.Account || run.Contact != r.Contact || run.Signal != r.ID || run.Of != of {
			t.Errorf("run %d is %+v", i, run)
		}
	}
}

// proves V-12: a threshold that decay crosses is told of when it is crossed, without a signal, and fires again after it was crossed back
func TestAutomation_AScoreThatDecayCrossesIsToldOnTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.webhook(scores())
	below := signalbox.Trigger{Type: signalbox.OnScore, Of: signalbox.AccountRecord, Threshold: 12, Direction: signalbox.Below}
	w.automation(when(below))
	r := w.signal(about("deal_created")) // 20 points, halved in 14 days
	acc := signalbox.EntityID(r.Account)
	w.lines()
	w.fire(acc)
	w.events = slices.DeleteFunc(w.events, func(e signalbox.Event) bool { return e.Request != nil })
	if at := w.now.Sub(w.signals[0].CreatedAt); at < 11*24*time.Hour || at > 12*24*time.Hour {
		t.Errorf("it was looked at after %s", at)
	}
	if diff := cmp.Diff([]string{"account.score_changed 20→11 Cool by decay"}, w.lines()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"account.score_changed done"}, w.ran()); diff != "" {
		t.Error(diff)
	}
	if _, ok := w.due[acc]; ok {
		t.Error("it waits for another crossing than there is")
	}
	// Crossed back within its stage it is armed anew, though it was due at no moment.
	w.signal(about("page_view"))
	w.fire(acc)
	if diff := cmp.Diff([]string{"account.score_changed done"}, w.ran()); diff != "" {
		t.Errorf("crossed again: %s", diff)
	}
}

// proves contract section 10: nothing is done for what was already true
func TestAutomation_WhatWasCrossedBeforeItWasMadeStartsNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		after time.Duration // when the automation is made
		want  []string
	}{
		{"made after the crossing", 13 * 24 * time.Hour, nil},
		{"made before the crossing, which nobody looked for yet", 2 * 24 * time.Hour, []string{"account.score_changed done"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.signal(about("deal_created"))
			w.now = w.now.Add(c.after)
			w.automation(when(signalbox.Trigger{Type: signalbox.OnScore, Of: signalbox.AccountRecord, Threshold: 12, Direction: signalbox.Below}))
			w.now = w.now.Add(20 * 24 * time.Hour)
			w.signal(about("email_open"))
			if diff := cmp.Diff(c.want, w.ran()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A turn is folded: of two signals the first one has the only run that is allowed.
func TestAutomation_OfTwoSignalsOfATurnOneClaims(t *testing.T) {
	t.Parallel()
	for mode, later := range map[signalbox.FrequencyMode][]string{signalbox.OncePerContact: {"signal.created done"}, signalbox.OncePerAccount: nil} {
		w := newWorld(t)
		a := onSignal("demo")
		a.Frequency = signalbox.Frequency{Mode: mode}
		w.automation(a)
		one, two := of("demo"), of("demo")
		one.Source, two.Source = "test", "test"
		w.turn(decide.Input{Signal: &one}, decide.Input{Signal: &two})
		if diff := cmp.Diff([]string{"signal.created done"}, w.ran()); diff != "" {
			t.Error(diff)
		}
		w.now = w.now.Add(time.Hour)
		w.signal(of("demo"))
		other := of("demo")
		other.Contact.Email = "joe@acme.com"
		w.signal(other)
		if diff := cmp.Diff(later, w.ran()); diff != "" {
			t.Errorf("%s, an hour later, of Jane and of Joe: %s", mode, diff)
		}
	}
}

// More points within a stage may bring the next crossing nearer: between it and where the record stood lies a score that is waited for.
func TestAutomation_MorePointsMayBringTheNextCrossingNearer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, threshold := range []int{2, 10} {
		w.automation(when(signalbox.Trigger{Type: signalbox.OnScore, Of: signalbox.AccountRecord, Threshold: threshold, Direction: signalbox.Below}))
	}
	acc := signalbox.EntityID(w.signal(about("other")).Account) // 5 points
	far := w.due[acc]
	w.signal(about("linkedin_connection")) // 8 more
	if near := w.due[acc]; near.IsZero() || !near.Before(far) {
		t.Errorf("due %s, before that %s", near, far)
	}
	w.fire(acc)
	w.fire(acc)
	if diff := cmp.Diff([]string{"account.score_changed done", "account.score_changed done"}, w.ran()); diff != "" {
		t.Error(diff)
	}
}

func TestAutomation_WhatTheHourHasNoRoomForIsKeptAndDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := onSignal("demo")
	a.PerHour = 2
	w.automation(a)
	inputs := make([]decide.Input, 3)
	for i := range inputs {
		in := of("demo")
		in.Source = "test"
		inputs[i].Signal = &in
	}
	w.turn(inputs...)
	if got := len(w.sent); got != 2 {
		t.Errorf("%d are sent, want 2", got)
	}
	if diff := cmp.Diff([]string{"signal.created done", "signal.created done", "signal.created throttled"}, w.ran()); diff != "" {
		t.Error(diff)
	}
	w.now = w.now.Add(59 * time.Minute)
	w.signal(of("demo"))
	w.now = w.now.Add(time.Minute)
	w.signal(of("demo"))
	if diff := cmp.Diff([]string{"signal.created throttled", "signal.created done"}, w.ran()); diff != "" {
		t.Errorf("in the same hour, and in the next one: %s", diff)
	}
}

// wait lets the time pass until the one run that waits is due.
func (w *world) wait() signalbox.Run {
	w.t.Helper()
	for id, at := range w.waiting {
		w.now = at
		if out := w.turn(decide.Input{Run: id})[0]; out.Err != nil || !out.Next.IsZero() {
			w.t.Fatalf("%+v", out)
		}
		if _, still := w.waiting[id]; still {
			w.t.Errorf("run %d waits on", id)
		}
		return w.runs[id]
	}
	w.t.Fatal("no run waits")
	return signalbox.Run{}
}

func TestAutomation_ARunWaitsForItsDelayAndIsAskedAgain(t *testing.T) {
	t.Parallel()
	erased := func(w *world, r signalbox.Receipt) {
		w.turn(decide.Input{Contact: &decide.ContactAct{ID: r.Contact, Erase: true}})
	}
	for _, c := range []struct {
		name   string
		before func(*world, signalbox.AutomationID, signalbox.Receipt)
		want   signalbox.RunStatus
		says   string
	}{
		{"nothing has changed", func(*world, signalbox.AutomationID, signalbox.Receipt) {}, signalbox.RunDone, ""},
		{"its condition no longer holds", func(w *world, _ signalbox.AutomationID, r signalbox.Receipt) { w.patch(r.Account, `{"plan":"pro"}`) }, signalbox.RunStopped, "plan"},
		{"it was disabled", func(w *world, id signalbox.AutomationID, _ signalbox.Receipt) {
			w.edit(id, func(a *signalbox.Automation) { a.Enabled = false })
		}, signalbox.RunStopped, "disabled"},
		{"it was deleted", func(w *world, _ signalbox.AutomationID, _ signalbox.Receipt) {
			w.change(func(d *signalbox.Definitions) { d.Automations = nil })
		}, signalbox.RunStopped, "deleted"},
		{"it was changed", func(w *world, id signalbox.AutomationID, _ signalbox.Receipt) {
			w.edit(id, func(a *signalbox.Automation) { a.Name = "Another" })
		}, signalbox.RunDone, "version 1 is now 2"},
		{"its contact was erased", func(w *world, _ signalbox.AutomationID, r signalbox.Receipt) { erased(w, r) }, signalbox.RunStopped, "erased"},
		{"its signal is gone", func(w *world, _ signalbox.AutomationID, _ signalbox.Receipt) { w.signals = nil }, signalbox.RunStopped, "properties.team_size"},
		{"its account was merged", func(w *world, _ signalbox.AutomationID, r signalbox.Receipt) {
			other := w.signal(company("other.com", "Other"))
			if _, err := w.mergeAccounts(r.Account, other.Account); err != nil {
				w.t.Fatal(err)
			}
		}, signalbox.RunDone, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := onSignal("demo", "account.attributes.plan != 'pro' || !has(account.attributes.plan)", "properties.team_size > 10")
			a.Delay = time.Hour
			id := w.automation(a)
			r := w.signal(of("demo"))
			if len(w.sent) != 0 || w.started()[0].Status != signalbox.RunWaiting || !w.started()[0].Due.Equal(w.now.Add(time.Hour)) {
				t.Fatalf("%d are sent by %+v", len(w.sent), w.started()[0])
			}
			c.before(w, id, r)
			run := w.wait()
			if said := fmt.Sprint(run.Reasons); run.Status != c.want || !strings.Contains(said, c.says) || !run.Due.IsZero() {
				t.Errorf("it is %s: %s", run.Status, said)
			}
			if sent := len(w.sentBy(run)); sent > 0 != (c.want == signalbox.RunDone) {
				t.Errorf("%d are sent", sent)
			}
			if out := w.turn(decide.Input{Run: run.ID})[0]; out.Err != nil || len(w.runs[run.ID].Events) != len(run.Events) {
				t.Errorf("asked once more: %+v", out)
			}
		})
	}
}

func TestAutomation_ARunThatIsAskedEarlyWaitsOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := onSignal("demo")
	a.Delay = time.Hour
	w.automation(a)
	w.signal(of("demo"))
	id := w.started()[0].ID
	w.now = w.now.Add(time.Minute)
	if out := w.turn(decide.Input{Run: id})[0]; !out.Next.Equal(w.waiting[id]) || w.runs[id].Status != signalbox.RunWaiting || !out.Next.Equal(w.runs[id].Due) {
		t.Errorf("%+v, due %s", out, w.waiting[id])
	}
	if out := w.turn(decide.Input{Run: 12345})[0]; out.Err != nil {
		t.Errorf("one that is gone: %v", out.Err)
	}
}

// Turns are filled by how many rows saving them takes: an input that starts automations counts for more, and one that sets off signals for more again.
func TestAutomation_TurnsAreFilledByWhatTheyStart(t *testing.T) {
	t.Parallel()
	rows := func(actions ...signalbox.Action) int {
		w := newWorld(t)
		if len(actions) > 0 {
			w.automation(does(onSignal("demo"), actions...))
		}
		in := of("demo")
		p, err := w.compile().Prepare(decide.Input{Workspace: ws, Signal: &in})
		if err != nil {
			t.Fatal(err)
		}
		return p.Rows()
	}
	none, one, sent := rows(), rows(hook()), rows(sends("a", ""), sends("b", ""))
	if one < none+4 || sent < 3*none { // a run, its event, its delivery and the pace; two signals as large as the one that set them off
		t.Errorf("%d rows without, %d with one that posts, %d with one that sends two signals", none, one, sent)
	}
}
