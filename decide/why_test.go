package decide_test

import (
	"fmt"
	"testing"
	"time"

	"signalbox"
)

// stages is an automation on a contact's stage, with a question on signals.
func stages(w *world) signalbox.Automation {
	return signalbox.Automation{
		ID: signalbox.AutomationID(w.ids.Next(w.now)), Name: "a", Enabled: true, Trigger: signalbox.Trigger{Type: signalbox.OnStage, Of: signalbox.ContactRecord, Stage: "Hot"},
		Conditions: []string{`count(signals, "page_view", "30d") >= 2`}, Actions: []signalbox.Action{{Type: signalbox.ActEmail, To: "a@x.com", Subject: "s", Text: "t"}},
	}
}

// proves contract section 8: what conditions of automations ask of signals is kept of each record, though nothing else asks
func TestCompile_AutomationsAloneHaveSignalsFollowed(t *testing.T) {
	t.Parallel()
	for _, conditions := range [][]string{nil, stages(newWorld(t)).Conditions} {
		w := newWorld(t)
		a := stages(w)
		a.Conditions = conditions
		w.change(func(d *signalbox.Definitions) { d.Automations = []signalbox.Automation{a} })
		r := w.signal(about("page_view"))
		first := len(w.states[signalbox.EntityID(r.Account)].Following)
		w.now = w.now.Add(time.Hour)
		w.signal(about("page_view"))
		if grows := len(w.states[signalbox.EntityID(r.Account)].Following) > first; grows != (conditions != nil) {
			t.Errorf("with the conditions %q another time is kept: %v", conditions, grows)
		}
	}
}

func TestWhy_AsksAboutWhatTheTriggerWaitsFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := stages(w)
	w.change(func(d *signalbox.Definitions) { d.Automations = []signalbox.Automation{a} })
	r := w.signal(about("page_view"))
	acc, con := w.accounts[r.Account], w.contacts[r.Contact]
	s := w.signals[0]
	stand := func(score int, stage string) signalbox.Standing {
		return signalbox.Standing{Score: score, Stage: stage}
	}
	q := signalbox.Asked{
		Signal: &signalbox.SignalView{Signal: s, AccountRow: &acc, ContactRow: &con}, Contact: signalbox.Stood{Before: stand(80, "In-market"), After: stand(90, "Hot")},
		Account: signalbox.Stood{Before: stand(3, "Cool"), After: stand(3, "Cool")}, Signals: []signalbox.Signal{s, s},
	}
	for name, c := range map[string]struct {
		change func(*signalbox.Asked)
		fires  bool
		says   string
	}{
		"it fires":                 {func(*signalbox.Asked) {}, true, "met met"},
		"too few signals":          {func(q *signalbox.Asked) { q.Signals = q.Signals[:1] }, false, "met unmet"},
		"no signals":               {func(q *signalbox.Asked) { q.Signals = nil }, false, "met unmet"},
		"another stage":            {func(q *signalbox.Asked) { q.Contact.After = stand(84, "In-market") }, false, "unmet met"},
		"the account's stage":      {func(q *signalbox.Asked) { q.Account, q.Contact = q.Contact, q.Account }, false, "unmet met"},
		"a signal of another type": {func(q *signalbox.Asked) { q.Signals[1].Type = "click" }, false, "met unmet"},
	} {
		asked := q
		asked.Signals = append([]signalbox.Signal(nil), q.Signals...)
		c.change(&asked)
		fires, reasons, known := w.compile().Why(a.ID, &asked)
		says := ""
		for _, r := range reasons {
			says += " " + string(r.Outcome)
		}
		if fires != c.fires || !known || says != " "+c.says {
			t.Errorf("%s: fires %v, %s", name, fires, fmt.Sprint(reasons))
		}
	}
	if _, _, known := w.compile().Why(a.ID+1, &q); known {
		t.Error("one that is not there is known")
	}
}
