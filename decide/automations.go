package decide

import (
	"slices"
	"time"

	"signalbox"
	"signalbox/automate"
	"signalbox/expr"
	"signalbox/wire"
)

// automate finds what deciding needs of the automations beside their model.
func (c *Compiled) automate() {
	d := c.Definitions
	c.changedAt = map[signalbox.AutomationID]time.Time{}
	for i := range d.Defined {
		if one := &d.Defined[i]; one.Kind == signalbox.DefinedAutomation {
			c.changedAt[signalbox.AutomationID(one.ID)] = one.UpdatedAt
		}
	}
	c.listens = map[string]bool{}
	for _, event := range wire.EventTypes(signalbox.FormatStairoids) {
		if c.automations.Listens(event.Name) {
			c.listens[event.Name] = true
		}
	}
	for i := range d.Automations {
		sends := 0
		for _, x := range d.Automations[i].Actions {
			if d.Automations[i].Enabled && x.Type == signalbox.ActSignal {
				c.sends = append(c.sends, x.SignalType)
				sends++
			}
		}
		c.mostSends = max(c.mostSends, sends)
	}
	slices.Sort(c.sends)
	c.sends = slices.Compact(c.sends)
	for _, kind := range []signalbox.RecordKind{signalbox.AccountRecord, signalbox.ContactRecord} {
		list := slices.Concat(c.model.Thresholds(kind), c.automations.Thresholds(kind))
		slices.Sort(list)
		c.watched[kind-1] = slices.Compact(list)
	}
}

// waits says whether an automation waits for a score of a kind of records.
func (c *Compiled) waits(kind signalbox.RecordKind) bool {
	return len(c.watched[kind-1]) > len(c.model.Thresholds(kind))
}

// crosses says whether a change of a shown score goes over one that is watched.
func (c *Compiled) crosses(kind signalbox.RecordKind, from, to int) bool {
	return from != to && c.band(kind, from) != c.band(kind, to)
}

// band is how many of the watched scores a score has reached.
func (c *Compiled) band(kind signalbox.RecordKind, score int) int {
	n, found := slices.BinarySearch(c.watched[kind-1], score)
	if found {
		n++
	}
	return n
}

// runRows is about how many rows the runs take that one signal starts: three automations of all that may be, and few of many; with the signals that one of them sends,
// each of which takes so many rows.
func (c *Compiled) runRows(signalRows int) int {
	runs, actions := c.automations.Most()
	if runs == 0 {
		return 0
	}
	each := 2 + len(c.subscribed[wire.EventAutomationTriggered]) + 2*actions/runs // the run, what tells of it, and an event and a delivery for each action
	return 1 + (min(runs, 3)+runs/8)*each + c.mostSends*signalRows
}

// happened is one thing that happened while an input was decided.
type happened struct {
	automate.Happening
	at time.Time // when, which decay tells of later
}

// happens notes what is told, for automations to be started by it when the input is decided: their conditions are asked of what is so then.
func (f *fold) happens(in *Prepared, what *event) {
	if f.muted || what.quiet || !in.By.listens[what.name] {
		return
	}
	h := happened{happeningOf(what), what.at}
	if h.What == 0 {
		return
	}
	if h.at.IsZero() {
		h.at = f.env.Now
	}
	if h.What == automate.Moved {
		h.Signal = f.cause
	}
	h.Depth = in.depth
	f.completes(&h.Happening)
	f.happened = append(f.happened, h)
}

// happeningOf is what an event tells of; its What is 0 where nothing is told that is not told otherwise.
func happeningOf(what *event) automate.Happening {
	h := automate.Happening{What: automate.Named, Event: what.name, Account: what.account, Contact: what.contact, Signal: what.signal}
	of := signalbox.AccountRecord
	if what.account == nil {
		of = signalbox.ContactRecord
	}
	switch what.name {
	case wire.EventSignalCreated:
		h.What = automate.Received
	case wire.EventSignalScored, wire.EventAutomationTriggered:
		h.What = 0 // a signal is scored as it is received, and an automation that another one's run starts could start itself for ever
	case wire.EventAccountScoreChanged, wire.EventContactScoreChanged:
		h.What, h.Of, h.From, h.To = automate.Scored, of, what.change.Previous, what.change.Score
	case wire.EventAccountStageChanged, wire.EventContactStageChanged:
		h.What, h.Of, h.Left, h.Enters = automate.Staged, of, what.change.PreviousStage, what.change.Stage
	case wire.EventAudienceEntered, wire.EventAudienceLeft:
		h.What, h.Of, h.Audience, h.AudienceName, h.Entered = automate.Moved, of, what.audience.ID, what.audience.Name, what.entered
	case wire.EventSignalQualified:
		h.What, h.Fit = automate.Qualified, *what.fit
	}
	return h
}

// completes says whom a happening is about besides: what befalls a company by a signal is about the person too that the signal is about, and what befalls a person
// is about a company.
func (f *fold) completes(h *automate.Happening) {
	s := h.Signal
	if h.Contact == nil && s != nil {
		h.Contact = f.topContact(f.now.Contacts[s.Contact])
	}
	switch {
	case h.Account != nil:
	case s != nil:
		h.Account = f.topAccount(f.now.Accounts[s.Account])
	case h.Contact != nil:
		h.Account = f.topAccount(f.accountOf(h.Contact))
	}
	if h.Account != nil && h.Account.Gone() {
		h.Account = nil
	}
	if h.Contact != nil && h.Contact.Gone() {
		h.Contact = nil
	}
}

// startAll starts automations by what has happened. What their runs change happens later, one deeper.
func (f *fold) startAll(in *Prepared) {
	list := f.happened
	f.happened = nil
	if len(list) == 0 {
		return
	}
	q := question{budget: expr.NewBudget(followBudget)}
	for i := range list {
		if in.By.automations.Awaits(&list[i].Happening) {
			f.start(in, &list[i], &q)
		}
	}
}

// question is what conditions of automations are asked with, about all that an input made happen.
type question struct {
	asked  *asked
	signal *signalbox.Signal // that asked is about
	budget *expr.Budget
}

// facts are those that a happening's conditions are asked of: of things that happened to the same ones they are gathered once.
func (f *fold) facts(in *Prepared, h *automate.Happening, q *question) *expr.Facts {
	if q.asked == nil || q.signal != h.Signal || q.asked.account != h.Account || q.asked.contact != h.Contact {
		q.asked, q.signal = f.ask(in, h.Signal, h.Account, h.Contact), h.Signal
	}
	if h.Of == signalbox.ContactRecord && q.asked.person != nil {
		return q.asked.person
	}
	return q.asked.company
}

// start makes a run of each automation that a happening starts, as far as its frequency and the hour allow.
func (f *fold) start(in *Prepared, h *happened, q *question) {
	facts := f.facts(in, &h.Happening, q)
	for _, x := range in.By.automations.Match(&h.Happening, facts, q.budget) {
		a := x.Automation()
		if h.at.Before(in.By.changedAt[a.ID]) {
			continue // it was so before: nothing is done for what was already true
		}
		claimed := in.By.automations.Claim(x, f.claims(in, &h.Happening), f.env.Now)
		if !claimed.Runs {
			continue
		}
		f.keepClaim(in, &h.Happening, &claimed)
		run := in.By.automations.Run(x, claimed, &h.Happening, facts, f.with(in, signalbox.RunID(f.mint(in.Workspace)), a, &h.Happening, q.budget))
		run.Of = h.Of
		f.made(in, &run, &h.Happening, true)
	}
}

// claims are by what an automation's frequency and the hour are judged: what is kept of whom it happened to, and of all that is merged into them.
func (f *fold) claims(in *Prepared, h *automate.Happening) automate.Claims {
	c := automate.Claims{Pace: &f.pace(in.Workspace).Pace}
	if !in.By.automations.Claims() {
		return c
	}
	if h.Contact != nil {
		c.Contact = f.ran(h.Contact)
	}
	if h.Account != nil {
		c.Account = f.ran(h.Account)
	}
	return c
}

// ran is when automations were last run for a record, and for those that are merged into it.
func (f *fold) ran(top signalbox.Record) []*automate.State {
	list := []*automate.State{&f.follows(top).runs}
	if parts := top.Parts(); parts != nil {
		for _, part := range parts.Records {
			list = append(list, &f.follows(f.part(part.ID)).runs)
		}
	}
	return list
}

// keepClaim has what a claim changed saved at the end of the turn.
func (f *fold) keepClaim(in *Prepared, h *automate.Happening, c *automate.Claimed) {
	if !c.Throttled {
		f.pace(in.Workspace).counted = true
	}
	switch {
	case c.Wrote == nil:
	case h.Contact != nil && c.Wrote == &f.follows(h.Contact).runs:
		f.keepFollowing(h.Contact)
	default:
		f.keepFollowing(h.Account)
	}
}

// pace is how many runs each of a workspace's automations had this hour.
type pace struct {
	automate.Pace
	counted bool // in this turn
}

func (f *fold) pace(ws signalbox.WorkspaceID) *pace {
	if p := f.paces[ws]; p != nil {
		return p
	}
	p := &pace{}
	if read, err := automate.DecodePace(f.now.Paces[ws]); err == nil { // one that another version packed begins anew
		p.Pace = read
	}
	if f.paces == nil {
		f.paces = map[signalbox.WorkspaceID]*pace{}
	}
	f.paces[ws] = p
	return p
}

// packPaces writes what was counted into what is saved.
func (f *fold) packPaces() {
	for ws, p := range f.paces {
		if !p.counted {
			continue
		}
		if f.out.Paces == nil {
			f.out.Paces = map[signalbox.WorkspaceID][]byte{}
		}
		f.out.Paces[ws] = p.Append(nil)
	}
}
