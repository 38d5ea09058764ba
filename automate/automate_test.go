package automate_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/automate"
	"signalbox/expr"
)

var now = time.Date(2026, 3, 10, 12, 30, 0, 0, time.UTC)

const (
	accounts = signalbox.AccountRecord
	contacts = signalbox.ContactRecord
)

// hook is an action that says nothing of its own.
func hook() signalbox.Action {
	return signalbox.Action{Type: signalbox.ActWebhook, URL: "https://example.com/hook"}
}

// on is an enabled automation with one action.
func on(t signalbox.Trigger, conditions ...string) signalbox.Automation {
	return signalbox.Automation{ID: 7, Version: 3, Name: "High-intent trial → notify sales", Enabled: true, Trigger: t, Conditions: conditions, Actions: []signalbox.Action{hook()}}
}

func onSignal(typ string, conditions ...string) signalbox.Automation {
	return on(signalbox.Trigger{Type: signalbox.OnSignal, SignalType: typ}, conditions...)
}

// acts is an automation with other actions.
func acts(a signalbox.Automation, actions ...signalbox.Action) signalbox.Automation {
	a.Actions = actions
	return a
}

func compile(t testing.TB, list ...signalbox.Automation) *automate.Model {
	t.Helper()
	for i := range list {
		if i > 0 && list[i].ID == list[0].ID {
			list[i].ID = list[0].ID + signalbox.AutomationID(i)
		}
	}
	m, err := automate.Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// received is that a signal came, with what is known of it.
func received(typ, properties string) (*automate.Happening, *expr.Facts) {
	h := &automate.Happening{
		What:    automate.Received,
		Signal:  &signalbox.Signal{ID: 11, Type: typ, Source: "website", Properties: []byte(properties), OccurredAt: now, CreatedAt: now},
		Account: &signalbox.Account{ID: 12, Domain: "acme.com", Name: "Acme <Corp>"},
		Contact: &signalbox.Contact{ID: 13, Email: "jane@acme.com", FirstName: "Jane", LastName: "Doe"},
	}
	return h, factsOf(h)
}

func factsOf(h *automate.Happening) *expr.Facts {
	f := &expr.Facts{Now: now}
	if s := h.Signal; s != nil {
		f.Signal = &expr.Signal{Type: s.Type, Source: s.Source, Context: s.Properties, OccurredAt: s.OccurredAt, CreatedAt: s.CreatedAt, Score: 5}
	}
	if a := h.Account; a != nil {
		f.Account = &expr.Account{Domain: a.Domain, Name: a.Name, Status: "active", Score: 71, Stage: "In-market", Attributes: []byte(`{"plan":"pro"}`)}
	}
	if c := h.Contact; c != nil {
		f.Contact = &expr.Contact{Email: c.Email, FirstName: c.FirstName, LastName: c.LastName, Score: 20, Stage: "Cool"}
	}
	return f
}

func scored(of signalbox.RecordKind, from, to int) *automate.Happening {
	return &automate.Happening{What: automate.Scored, Of: of, From: from, To: to, Account: &signalbox.Account{ID: 12, Domain: "acme.com"}}
}

func staged(of signalbox.RecordKind, from, to string) *automate.Happening {
	return &automate.Happening{What: automate.Staged, Of: of, Left: from, Enters: to, Account: &signalbox.Account{ID: 12, Domain: "acme.com"}}
}

func moved(id signalbox.AudienceID, entered bool) *automate.Happening {
	return &automate.Happening{What: automate.Moved, Of: accounts, Audience: id, AudienceName: "Ready to talk", Entered: entered, Account: &signalbox.Account{ID: 12, Domain: "acme.com"}}
}

func signalOf(typ string) *automate.Happening {
	h, _ := received(typ, `{"plan":"pro","team_size":8}`)
	return h
}

func qualified(icp, persona string) *automate.Happening {
	h := signalOf("form_submit")
	h.What, h.Fit = automate.Qualified, signalbox.Qualified{ICP: icp, ICPScore: 73, Persona: persona}
	return h
}

func changed(typ, change string) *automate.Happening {
	return &automate.Happening{What: automate.Changed, API: "hris", RecordType: typ, Change: change, Provider: "bamboohr"}
}

func event(name string) signalbox.Trigger {
	return signalbox.Trigger{Type: signalbox.OnEvent, Event: name}
}

// T is short for what the tables name most.
type T = signalbox.Trigger

var (
	above = T{Type: signalbox.OnScore, Of: accounts, Threshold: 70, Direction: signalbox.Above}
	below = T{Type: signalbox.OnScore, Of: contacts, Threshold: 40, Direction: signalbox.Below}
)

// size is a trigger by a property.
func size(operator, value string) T {
	return T{Type: signalbox.OnProperty, PropertyKey: "team_size", Operator: operator, PropertyValue: []byte(value)}
}

// triggerCases are triggers with what happens, and whether that starts them.
var triggerCases = []struct {
	name    string
	trigger T
	h       *automate.Happening
	want    bool
}{
	{"a signal of the type", T{Type: signalbox.OnSignal, SignalType: "form_submit"}, signalOf("form_submit"), true},
	{"a signal of another type", T{Type: signalbox.OnSignal, SignalType: "form_submit"}, signalOf("page_view"), false},
	{"a signal from the source", T{Type: signalbox.OnSignal, SignalType: "form_submit", Source: "website"}, signalOf("form_submit"), true},
	{"a signal from another source", T{Type: signalbox.OnSignal, SignalType: "form_submit", Source: "zapier"}, signalOf("form_submit"), false},
	{"a score is no signal", T{Type: signalbox.OnSignal, SignalType: "form_submit"}, scored(accounts, 1, 2), false},

	{"a property that matches", size("greater_than", "7"), signalOf("any"), true},
	{"a property that does not", size("greater_than", "8"), signalOf("any"), false},
	{"a property in a list", size("in", "[8, 9]"), signalOf("any"), true},
	{"a property that is missing", T{Type: signalbox.OnProperty, PropertyKey: "no such", Operator: "not_equals", PropertyValue: []byte(`1`)}, signalOf("any"), false},
	{"a property of text", T{Type: signalbox.OnProperty, PropertyKey: "plan", Operator: "starts_with", PropertyValue: []byte(`"pr"`)}, signalOf("any"), true},

	{"a score that reaches the threshold", above, scored(accounts, 69, 70), true},
	{"a score that jumps over it", above, scored(accounts, 3, 98), true},
	{"a score that was there already", above, scored(accounts, 70, 90), false},
	{"a score that stays below", above, scored(accounts, 1, 69), false},
	{"a score that falls", above, scored(accounts, 90, 10), false},
	{"the score of a contact", above, scored(contacts, 69, 70), false},
	{"a score that falls below the threshold", below, scored(contacts, 40, 39), true},
	{"a score that falls to it", below, scored(contacts, 60, 40), false},
	{"a score that was below", below, scored(contacts, 39, 0), false},
	{"a score that rises over it", below, scored(contacts, 10, 50), false},

	{"the stage is reached", T{Type: signalbox.OnStage, Of: accounts, Stage: "Hot"}, staged(accounts, "Warm", "Hot"), true},
	{"another stage is reached", T{Type: signalbox.OnStage, Of: accounts, Stage: "Hot"}, staged(accounts, "Hot", "Warm"), false},
	{"any stage", T{Type: signalbox.OnStage, Of: accounts}, staged(accounts, "Hot", "Warm"), true},
	{"a contact's stage", T{Type: signalbox.OnStage, Of: accounts}, staged(contacts, "Hot", "Warm"), false},

	{"the audience is entered", T{Type: signalbox.OnAudience, Audience: 5, On: signalbox.Enters}, moved(5, true), true},
	{"the audience is left", T{Type: signalbox.OnAudience, Audience: 5, On: signalbox.Leaves}, moved(5, false), true},
	{"leaving is not entering", T{Type: signalbox.OnAudience, Audience: 5, On: signalbox.Enters}, moved(5, false), false},
	{"another audience", T{Type: signalbox.OnAudience, Audience: 5, On: signalbox.Enters}, moved(6, true), false},

	{"any ICP", T{Type: signalbox.OnFit}, qualified("SaaS", ""), true},
	{"no ICP", T{Type: signalbox.OnFit}, qualified("", ""), false},
	{"the ICP", T{Type: signalbox.OnFit, ICP: "SaaS"}, qualified("SaaS", "VP"), true},
	{"another ICP", T{Type: signalbox.OnFit, ICP: "Bank"}, qualified("SaaS", "VP"), false},
	{"the persona", T{Type: signalbox.OnFit, Persona: "VP"}, qualified("SaaS", "VP"), true},
	{"no persona", T{Type: signalbox.OnFit, Persona: "VP"}, qualified("SaaS", ""), false},

	{"a record changes", T{Type: signalbox.OnRecord, RecordType: "employees"}, changed("employees", "deleted"), true},
	{"a record changes so", T{Type: signalbox.OnRecord, RecordType: "employees", Change: "created"}, changed("employees", "created"), true},
	{"a record changes otherwise", T{Type: signalbox.OnRecord, RecordType: "employees", Change: "created"}, changed("employees", "updated"), false},
	{"a record of another type", T{Type: signalbox.OnRecord, RecordType: "employees"}, changed("candidates", "created"), false},

	{"event of a signal", event("signal.created"), signalOf("any"), true},
	{"event of a scored signal", event("signal.scored"), signalOf("any"), true},
	{"event of a fit", event("signal.qualified"), qualified("SaaS", ""), true},
	{"a signal is no fit", event("signal.qualified"), signalOf("any"), false},
	{"event of an account's score", event("account.score_changed"), scored(accounts, 1, 2), true},
	{"event of a contact's score", event("account.score_changed"), scored(contacts, 1, 2), false},
	{"event of a stage", event("contact.stage_changed"), staged(contacts, "Cool", "Warm"), true},
	{"event of an audience", event("audience.left"), moved(9, false), true},
	{"event of a record", event("hris_employees.updated"), changed("employees", "updated"), true},
	{"event of another record", event("hris_employees.updated"), changed("employees", "created"), false},
	{"event by its name", event("linked_account.created"), &automate.Happening{What: automate.Named, Event: "linked_account.created"}, true},
	{"another event by its name", event("linked_account.created"), &automate.Happening{What: automate.Named, Event: "linked_account.deleted"}, false},
}

// proves V-12, C20 and contract section 10: what each trigger waits for, and what it does not
func TestMatch_EachTrigger(t *testing.T) {
	t.Parallel()
	for _, c := range triggerCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := compile(t, on(c.trigger))
			if got := len(m.Match(c.h, factsOf(c.h), nil)) == 1; got != c.want {
				t.Errorf("starts: %t, want %t", got, c.want)
			}
			runs, reasons := m.Why(7, c.h, factsOf(c.h), nil, now)
			unmet := 0
			for _, r := range reasons {
				if r.Value == "" || r.Clause == "" {
					t.Errorf("a reason says nothing: %+v", r)
				}
				if r.Outcome == signalbox.Unmet {
					unmet++
				}
			}
			if runs != c.want || (unmet == 0) != c.want {
				t.Errorf("the reasons say %t and name %d unmet clauses, want %t: %+v", runs, unmet, c.want, reasons)
			}
			if c.want && !m.Listens(c.h.Name()) {
				t.Errorf("it does not listen to %s, which starts it", c.h.Name())
			}
			if m.Listens("audience.nothing") {
				t.Error("it listens to an event that there is not")
			}
		})
	}
}

// What the index leaves out would not have been started: asking only some comes to the same as asking all.
func TestMatch_AsksAllThatMayBeStarted(t *testing.T) {
	t.Parallel()
	var list []signalbox.Automation
	for i, c := range triggerCases {
		a := on(c.trigger)
		if a.ID = signalbox.AutomationID(1 + i); i%3 == 0 {
			a.Conditions = []string{`signal.type in ["form_submit", "any"] || account.score > 0`}
		}
		a.Enabled = i%7 != 0
		list = append(list, a)
	}
	m := compile(t, list...)
	for _, c := range triggerCases {
		var got, want []signalbox.AutomationID
		for _, x := range m.Match(c.h, factsOf(c.h), nil) {
			got = append(got, x.Automation().ID)
		}
		for i := range list {
			if runs, _ := m.Why(list[i].ID, c.h, factsOf(c.h), nil, now); runs {
				want = append(want, list[i].ID)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if len(got) > 0 && !m.Listens(c.h.Name()) {
			t.Errorf("%s: it does not listen to %s", c.name, c.h.Name())
		}
	}
}

func TestModel_IsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	a := acts(onSignal("a", `properties.n > 1`, `account.score > 1`), hook(), slack())
	m := compile(t, a)
	var all sync.WaitGroup
	runs := make([]signalbox.Run, 8)
	for i := range runs {
		all.Go(func() {
			h, f := received("a", `{"n":2}`)
			x := m.Match(h, f, nil)[0]
			m.Why(7, h, f, nil, now)
			runs[i] = m.Run(x, automate.Claimed{Runs: true}, h, f, with(h, &a))
		})
	}
	all.Wait()
	for _, r := range runs[1:] {
		if diff := cmp.Diff(runs[0], r); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestMatch_AllConditionsMustHold(t *testing.T) {
	t.Parallel()
	h, f := received("form_submit", `{"team_size":12}`)
	yes, no := `properties.team_size > 10`, `account.attributes.plan == "free"`
	for _, c := range []struct {
		name       string
		trigger    []string // conditions of the API form
		conditions []string
		want       int
	}{
		{"none", nil, nil, 1}, {"one holds", nil, []string{yes}, 1}, {"one of two does not", nil, []string{yes, no}, 0},
		{"the trigger's own holds", []string{yes}, nil, 1}, {"the trigger's own does not", []string{no}, []string{yes}, 0},
		{"what is missing does not hold", nil, []string{`contact.title != "CEO"`}, 0},
	} {
		a := on(event("signal.created"), c.conditions...)
		a.Trigger.Conditions = c.trigger
		if got := compile(t, a).Match(h, f, nil); len(got) != c.want {
			t.Errorf("%s: %d start, want %d", c.name, len(got), c.want)
		}
	}
}

func TestMatch_DisabledAndHistoryStartNothing(t *testing.T) {
	t.Parallel()
	off := onSignal("form_submit")
	off.Enabled = false
	m := compile(t, off)
	h, f := received("form_submit", `{}`)
	if got := m.Match(h, f, nil); len(got) > 0 || !m.Empty() || m.Listens("signal.created") {
		t.Errorf("a disabled one is started or listens: %d", len(got))
	}
	if runs, reasons := m.Why(7, h, f, nil, now); runs || reasons[0] != (signalbox.Reason{Clause: "enabled", Value: "disabled", Outcome: signalbox.Unmet}) {
		t.Errorf("%t, %+v", runs, reasons)
	}
	h.Signal.Backfill = true
	m = compile(t, onSignal("form_submit"))
	if got := m.Match(h, f, nil); len(got) > 0 {
		t.Error("a signal of history starts an automation")
	}
	if runs, reasons := m.Why(7, h, f, nil, now); runs || reasons[0].Clause != "signal.backfill" {
		t.Errorf("%t, %+v", runs, reasons)
	}
}

func TestMatch_IsInOrderOfIdsAndAsksOnlyWhatCanMatch(t *testing.T) {
	t.Parallel()
	any9, b8, c7 := on(event("signal.created"), `signal.type in ["b", "c"]`), onSignal("b"), onSignal("c")
	any6 := on(event("signal.scored"))
	any9.ID, b8.ID, c7.ID, any6.ID = 9, 8, 7, 6
	m := compile(t, any9, b8, c7, any6)
	for typ, want := range map[string][]signalbox.AutomationID{"b": {6, 8, 9}, "c": {6, 7, 9}, "d": {6}} {
		h, f := received(typ, `{}`)
		var got []signalbox.AutomationID
		for _, x := range m.Match(h, f, nil) {
			got = append(got, x.Automation().ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", typ, diff)
		}
	}
	if runs, actions := m.Most(); runs != 3 || actions != 3 {
		t.Errorf("one happening causes up to %d runs and %d actions, want 3 and 3", runs, actions)
	}
}

func TestMatch_WhatTheBudgetDoesNotPayForDoesNotHold(t *testing.T) {
	t.Parallel()
	m := compile(t, onSignal("a", `properties.x != 1`))
	h, f := received("a", `{"x":2}`)
	if len(m.Match(h, f, expr.NewBudget(1000))) != 1 || len(m.Match(h, f, expr.NewBudget(0))) != 0 {
		t.Error("the budget is not looked at")
	}
}

func TestModel_SaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	a := on(signalbox.Trigger{Type: signalbox.OnScore, Of: accounts, Threshold: 70, Direction: signalbox.Above}, `count(signals, "page_view", "7d") >= 3`)
	b := on(signalbox.Trigger{Type: signalbox.OnScore, Of: accounts, Threshold: 30, Direction: signalbox.Below}, `count(signals, "page_view") >= 9`)
	c := on(signalbox.Trigger{Type: signalbox.OnScore, Of: accounts, Threshold: 70, Direction: signalbox.Below})
	d := on(signalbox.Trigger{Type: signalbox.OnScore, Of: contacts, Threshold: 50, Direction: signalbox.Above}, `signals.type == "demo"`)
	off := on(signalbox.Trigger{Type: signalbox.OnScore, Of: contacts, Threshold: 55, Direction: signalbox.Above}, `signals.type == "off"`)
	off.Enabled = false
	m := compile(t, a, b, c, d, off, onSignal("e", `count(signals, "page_view") >= 2`))
	if diff := cmp.Diff([]int{30, 70}, m.Thresholds(accounts)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{50}, m.Thresholds(contacts)); diff != "" {
		t.Error(diff)
	}
	keeps := map[string]int{}
	for _, atom := range m.Atoms() {
		keeps[atom.Text] = atom.Keep
	}
	want := map[string]int{`signal.type == "page_view"`: 9, `signal.type == "demo"`: 1, `signal.type == "off"`: 1}
	if diff := cmp.Diff(want, keeps); diff != "" {
		t.Error(diff)
	}
	if m.Claims() {
		t.Error("it keeps claims, and nothing has a frequency")
	}
	once := onSignal("x")
	once.Frequency.Mode = signalbox.OncePerContact
	if !compile(t, once).Claims() {
		t.Error("it keeps no claims")
	}
}

func TestCompile_RefusesWhatHasNoIDOfItsOwn(t *testing.T) {
	t.Parallel()
	zero := onSignal("a")
	zero.ID = 0
	for name, list := range map[string][]signalbox.Automation{"none": {zero}, "twice": {onSignal("a"), onSignal("b")}} {
		if _, err := automate.Compile(list); err == nil || !strings.Contains(err.Error(), "its id") {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := onSignal("a", "acount.score > 1")
	if _, err := automate.Compile([]signalbox.Automation{bad}); err == nil || !strings.Contains(err.Error(), "conditions[0]") {
		t.Errorf("%v", err)
	}
}

// Where nothing is awaited, Match finds nothing, so that nothing need be gathered for it.
func TestAwaits_WhatMayStartAnAutomation(t *testing.T) {
	t.Parallel()
	m := compile(t, onSignal("form_submit"), on(above))
	history := signalOf("form_submit")
	history.Signal.Backfill = true
	for name, c := range map[string]struct {
		h    *automate.Happening
		want bool
	}{
		"a signal of the type":         {signalOf("form_submit"), true},
		"a signal of another type":     {signalOf("page_view"), false},
		"history":                      {history, false},
		"a score that crosses":         {scored(accounts, 60, 80), true},
		"a score that does not":        {scored(accounts, 10, 20), true},
		"a score of another kind":      {scored(contacts, 60, 80), false},
		"a stage":                      {staged(accounts, "Cool", "Warm"), false},
		"a record of a linked account": {changed("employees", "created"), false},
		"a fit that nobody waits for":  {qualified("SaaS", ""), false},
		"an audience nobody waits for": {moved(7, true), false},
		"another event":                {&automate.Happening{What: automate.Named, Event: "linked_account.created"}, false},
	} {
		if got := m.Awaits(c.h); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
		if !m.Awaits(c.h) && len(m.Match(c.h, factsOf(c.h), nil)) > 0 {
			t.Errorf("%s: it is started by what it does not await", name)
		}
	}
}
