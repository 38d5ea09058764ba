package automate

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"signalbox"
	"signalbox/expr"
)

// Why an action cannot be made. What is said is shown to people.
var (
	errNoSubject  = errors.New("its subject would be empty")
	errNobody     = errors.New("there is no such record: what happened is not about one")
	errNothing    = errors.New("there is nothing to set: what its expressions read is missing")
	errAttributes = fmt.Errorf("its attributes would be longer than %d bytes", signalbox.MaxAttributes)
	errLongWord   = fmt.Errorf("its status or name would be longer than %d characters", signalbox.MaxName)
	errDeep       = fmt.Errorf("it is the end of a chain of %d automations that started each other: no signal is sent and no record is changed any more", signalbox.MaxDepth)
)

// With is what a run is made with, besides what happened.
type With struct {
	Workspace signalbox.WorkspaceID
	ID        signalbox.RunID
	Text      string        // of the id: idempotency keys begin with it
	Body      func() []byte // freezes the body of a webhook action that has none of its own (S0-30…S0-38); called at most once
	URL       string        // of the account's page in the dashboard, for notifications; "": none
	Budget    *expr.Budget  // of the input; nil: none
}

// once remembers the body that was frozen.
func (w With) once() With {
	freeze, body := w.Body, []byte(nil)
	w.Body = func() []byte {
		if body == nil {
			body = freeze()
		}
		return body
	}
	return w
}

// Run makes the run that was claimed, at f.Now: done, with its actions ready; waiting, when the automation has a delay; throttled; or stopped, when none of its
// actions can be made. One that cannot be made keeps the others from nothing: it says why in Failed. What a run's signals and updates cause lies one deeper than the run.
func (m *Model) Run(x Matched, c Claimed, h *Happening, f *expr.Facts, w With) signalbox.Run {
	e := x.e
	r := signalbox.Run{
		ID: w.ID, Workspace: w.Workspace, Automation: e.a.ID, Version: e.a.Version, Happened: h.Name(), At: f.Now, Status: signalbox.RunDone, Depth: h.Depth,
		Reasons: e.reasons(h, f),
	}
	if h.Signal != nil {
		r.Signal = h.Signal.ID
	}
	if h.Account != nil {
		r.Account = h.Account.ID
	}
	if h.Contact != nil {
		r.Contact = h.Contact.ID
	}
	if e.a.Notification != nil {
		r.Notice = said(&e.a.Trigger, h, f)
	}
	if c.Throttled || e.a.Frequency.Limits() {
		r.Reasons = append(r.Reasons, c.Reason)
	}
	switch {
	case c.Throttled:
		r.Status = signalbox.RunThrottled
	case e.a.Delay > 0:
		r.Status, r.Due = signalbox.RunWaiting, f.Now.Add(e.a.Delay)
	default:
		e.perform(&r, f, w)
	}
	return r
}

// Recheck goes on with a run that waited and is due, or with one that was throttled and is let go on, at f.Now: the conditions are asked again, of the facts as they
// stand now; the trigger is not, and neither are the frequency and the hour, which had room when it was started. f.Signal is the signal that started it. It goes by the automation as it is now:
// a text that was corrected meanwhile is right, and what was disabled or deleted stops.
func (m *Model) Recheck(run signalbox.Run, f *expr.Facts, w With) signalbox.Run {
	r := run
	r.Due, r.Actions = time.Time{}, nil
	e := m.find(run.Automation)
	switch {
	case e == nil:
		return stopped(r, signalbox.Reason{Clause: "enabled", Value: "it was deleted", Outcome: signalbox.Unmet})
	case !e.a.Enabled:
		return stopped(r, signalbox.Reason{Clause: "enabled", Value: "disabled", Outcome: signalbox.Unmet})
	}
	r.Reasons = nil
	if e.a.Version != run.Version {
		r.Reasons = append(r.Reasons, signalbox.Reason{Clause: "version", Value: "it was changed while this run waited: version " + strconv.FormatInt(run.Version, 10) + " is now " +
			strconv.FormatInt(e.a.Version, 10), Outcome: signalbox.Met})
	}
	r.Reasons = append(r.Reasons, e.conditionReasons(f)...)
	if !e.holds(f, w.Budget) {
		r.Status = signalbox.RunStopped
		return r
	}
	r.Status = signalbox.RunDone
	e.perform(&r, f, w)
	return r
}

func stopped(r signalbox.Run, why signalbox.Reason) signalbox.Run {
	r.Status, r.Reasons = signalbox.RunStopped, []signalbox.Reason{why}
	return r
}

// perform makes the actions of a run ready.
func (e *entry) perform(r *signalbox.Run, f *expr.Facts, w With) {
	w = w.once()
	if e.a.Notification != nil && r.Notice == nil {
		r.Notice = &signalbox.Said{Type: r.Happened, Title: e.a.Name} // it became a notification while the run waited
	}
	made := 0
	for i, c := range e.actions {
		one := signalbox.Rendered{Step: i + 1, Type: c.Type, Key: key(w.Text, i+1)}
		var err error
		if deep := r.Depth >= signalbox.MaxDepth && (c.Type == signalbox.ActSignal || c.Type == signalbox.ActUpdate); deep {
			err = errDeep
			r.Reasons = append(r.Reasons, signalbox.Reason{Clause: "depth", Value: errDeep.Error(), Outcome: signalbox.Unmet})
		} else {
			err = c.render(&one, r, f, w)
		}
		if err != nil {
			one = signalbox.Rendered{Step: one.Step, Type: one.Type, Key: one.Key, Failed: err.Error()}
		} else {
			made++
		}
		r.Actions = append(r.Actions, one)
	}
	if made == 0 {
		r.Status = signalbox.RunStopped
	}
}
