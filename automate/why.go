package automate

import (
	"fmt"
	"strconv"
	"time"

	"signalbox"
	"signalbox/expr"
)

// maxReasons bounds what is said of one run: conditions may have many clauses.
const maxReasons = 100

// Why says clause by clause why a happening starts an automation, or does not; runs says which. When c is not nil its frequency and the hour are asked too, and
// nothing is claimed. Of an automation that there is not the reasons are nil.
func (m *Model) Why(id signalbox.AutomationID, h *Happening, f *expr.Facts, c *Claims, now time.Time) (runs bool, reasons []signalbox.Reason) {
	e := m.find(id)
	if e == nil {
		return false, nil
	}
	if !e.a.Enabled {
		reasons = append(reasons, signalbox.Reason{Clause: "enabled", Value: "disabled", Outcome: signalbox.Unmet})
	}
	if h.past() {
		reasons = append(reasons, signalbox.Reason{Clause: "signal.backfill", Value: "the signal was sent as history, which starts nothing", Outcome: signalbox.Unmet})
	}
	reasons = append(reasons, e.reasons(h, f)...)
	runs = e.a.Enabled && !h.past() && e.starts(h, f, nil) && e.holds(f, nil)
	if c == nil {
		return runs, reasons
	}
	if e.a.Frequency.Limits() {
		_, reason, free := e.free(*c, now)
		runs = runs && free
		reasons = append(reasons, reason)
	}
	if c.Pace != nil {
		room := c.Pace.room(e.a.ID, e.perHour(), now)
		runs = runs && room
		reasons = append(reasons, e.throttled(outcome(room)))
	}
	return runs, reasons
}

func outcome(met bool) signalbox.Outcome {
	if met {
		return signalbox.Met
	}
	return signalbox.Unmet
}

// reasons are those of the trigger and of the conditions.
func (e *entry) reasons(h *Happening, f *expr.Facts) []signalbox.Reason {
	return append(e.triggerReasons(h, f), e.conditionReasons(f)...)
}

// conditionReasons are those of the conditions alone.
func (e *entry) conditionReasons(f *expr.Facts) []signalbox.Reason {
	var list []signalbox.Reason
	for _, p := range e.when {
		if list = append(list, explain(p, f)...); len(list) > maxReasons {
			return list[:maxReasons]
		}
	}
	return list
}

// explain takes an expression apart: a single clause speaks for itself, of several the whole stands before them.
func explain(p *expr.Program, f *expr.Facts) []signalbox.Reason {
	clauses := p.Explain(f)
	var list []signalbox.Reason
	if len(clauses) != 1 {
		v := p.Ask(f, nil)
		list = append(list, signalbox.Reason{Clause: p.Source(), Value: v.Reason, Outcome: outcome(v.Holds)})
	}
	for _, c := range clauses {
		list = append(list, signalbox.Reason{Clause: c.Source, Value: c.Says, Outcome: outcome(c.Holds)})
	}
	return list
}

// triggerReasons are those of the trigger alone.
func (e *entry) triggerReasons(h *Happening, f *expr.Facts) []signalbox.Reason {
	t := &e.a.Trigger
	if wants := (*triggered)(t).waitsFor(); !e.same(h) {
		return []signalbox.Reason{{Clause: wants, Value: h.Name() + " happened, which is another event", Outcome: signalbox.Unmet}}
	}
	switch t.Type {
	case signalbox.OnSignal:
		list := []signalbox.Reason{is("signal.type", h.Signal.Type, t.SignalType)}
		if t.Source != "" {
			list = append(list, is("signal.source", h.Signal.Source, t.Source))
		}
		return list
	case signalbox.OnProperty:
		return explain(e.property, f)
	case signalbox.OnScore:
		return []signalbox.Reason{crossing(t, h)}
	case signalbox.OnStage:
		if t.Stage == "" {
			return []signalbox.Reason{{Clause: t.Of.String() + ".stage changes", Value: "from " + h.Left + " to " + h.Enters, Outcome: outcome(h.Left != h.Enters)}}
		}
		return []signalbox.Reason{is(t.Of.String()+".stage", h.Enters, t.Stage)}
	case signalbox.OnAudience:
		r := signalbox.Reason{Clause: string(t.On) + " the audience", Value: "the audience is the one that is waited for", Outcome: signalbox.Met}
		if h.Audience != t.Audience {
			r.Value, r.Outcome = "it is another audience", signalbox.Unmet
		}
		return []signalbox.Reason{r}
	case signalbox.OnFit:
		return fits(t, h)
	case signalbox.OnRecord:
		list := []signalbox.Reason{is("record_type", h.RecordType, t.RecordType)}
		if t.Change != "" {
			list = append(list, is("change", h.Change, t.Change))
		}
		return list
	}
	return []signalbox.Reason{{Clause: "event == " + strconv.Quote(t.Event), Value: "event is " + t.Event, Outcome: signalbox.Met}}
}

// same says whether a happening is of the kind that the trigger waits for.
func (e *entry) same(h *Happening) bool {
	switch t := &e.a.Trigger; t.Type {
	case signalbox.OnSignal, signalbox.OnProperty:
		return h.What == Received && h.Signal != nil
	case signalbox.OnScore:
		return h.What == Scored && h.Of == t.Of
	case signalbox.OnStage:
		return h.What == Staged && h.Of == t.Of
	case signalbox.OnAudience:
		return h.What == Moved && h.Entered == (t.On == signalbox.Enters)
	case signalbox.OnFit:
		return h.What == Qualified
	case signalbox.OnRecord:
		return h.What == Changed
	default:
		return h.is(t.Event)
	}
}

// waitsFor names the event of a trigger, for people.
func (t *triggered) waitsFor() string {
	if t.Type == signalbox.OnRecord {
		return "a record of the type " + t.RecordType + " changes"
	}
	return t.event()
}

// is compares a text with the one that is waited for.
func is(field, got, want string) signalbox.Reason {
	r := signalbox.Reason{Clause: field + " == " + strconv.Quote(want), Value: field + " is " + got, Outcome: signalbox.Met}
	if got != want {
		r.Value, r.Outcome = r.Value+", not "+want, signalbox.Unmet
	}
	return r
}

func crossing(t *signalbox.Trigger, h *Happening) signalbox.Reason {
	field, does := t.Of.String()+".score", "falls below"
	if t.Direction == signalbox.Above {
		does = "reaches"
	}
	r := signalbox.Reason{Clause: fmt.Sprintf("%s %s %d", field, does, t.Threshold), Value: fmt.Sprintf("%s went from %d to %d", field, h.From, h.To), Outcome: signalbox.Met}
	if !crosses(t, h.From, h.To) {
		r.Value, r.Outcome = r.Value+fmt.Sprintf(", which does not cross %d that way", t.Threshold), signalbox.Unmet
	}
	return r
}

func fits(t *signalbox.Trigger, h *Happening) []signalbox.Reason {
	if h.Fit.ICP == "" {
		return []signalbox.Reason{{Clause: "an ICP fits", Value: "none fits", Outcome: signalbox.Unmet}}
	}
	list := []signalbox.Reason{{Clause: "an ICP fits", Value: h.Fit.ICP + " fits with " + strconv.Itoa(h.Fit.ICPScore), Outcome: signalbox.Met}}
	if t.ICP != "" {
		list[0] = is("icp_code", h.Fit.ICP, t.ICP)
	}
	if t.Persona != "" {
		persona := h.Fit.Persona
		if persona == "" {
			persona = "none"
		}
		r := is("persona_code", persona, t.Persona)
		r.Outcome = outcome(h.Fit.Persona == t.Persona)
		list = append(list, r)
	}
	return list
}
