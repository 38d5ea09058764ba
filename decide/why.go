package decide

import (
	"slices"
	"time"

	"signalbox"
	"signalbox/automate"
	"signalbox/expr"
	"signalbox/wire"
)

// Why says clause by clause why a stored signal starts an automation, or does not; fires says which. Its frequency and the hour are not asked: what was kept of
// those has gone on since. false: there is no such automation.
func (c *Compiled) Why(id signalbox.AutomationID, q *signalbox.Asked) (fires bool, reasons []signalbox.Reason, known bool) {
	x, known := c.automations.Matched(id)
	if !known {
		return false, nil, false
	}
	s := &q.Signal.Signal
	f := &expr.Facts{Now: s.CreatedAt, Signal: signalFacts(s), Times: timesOf(c.automations.Atoms(), q.Signals)}
	if a := q.Signal.AccountRow; a != nil {
		f.Account = &expr.Account{
			Domain: a.Domain, Name: a.Name, Status: a.Status, Attributes: a.Attributes, Score: q.Account.After.Score, Stage: q.Account.After.Stage,
		}
	}
	if p := q.Signal.ContactRow; p != nil {
		f.Contact = &expr.Contact{
			Email: p.Email, FirstName: p.FirstName, LastName: p.LastName, Title: p.Title, LinkedInURL: p.LinkedInURL, Attributes: p.Attributes,
			Score: q.Contact.After.Score, Stage: q.Contact.After.Stage,
		}
	}
	h := waitedFor(&x.Automation().Trigger, q)
	h.Signal, h.Account, h.Contact = s, q.Signal.AccountRow, q.Signal.ContactRow
	fires, reasons = c.automations.Why(id, h, f, nil, s.CreatedAt)
	return fires, reasons, true
}

// waitedFor is what a trigger is asked about of all that a signal made happen: that itself which it waits for, as far as it can be told, and else that the signal was
// received.
func waitedFor(t *signalbox.Trigger, q *signalbox.Asked) *automate.Happening {
	of, event := t.Of, t.Event
	what := map[signalbox.TriggerType]automate.What{signalbox.OnScore: automate.Scored, signalbox.OnStage: automate.Staged, signalbox.OnFit: automate.Qualified}[t.Type]
	for _, kind := range []signalbox.RecordKind{signalbox.AccountRecord, signalbox.ContactRecord} {
		stood := stoodOf(q, kind)
		switch event {
		case kind.String() + ".score_changed":
			if of = kind; stood.Before.Score != stood.After.Score {
				what = automate.Scored
			}
		case kind.String() + ".stage_changed":
			if of = kind; stood.Before.Stage != stood.After.Stage {
				what = automate.Staged
			}
		}
	}
	if event == wire.EventSignalQualified && q.Fit.ICP != "" {
		what = automate.Qualified
	}
	stood := stoodOf(q, of)
	switch what {
	case automate.Scored:
		return &automate.Happening{What: what, Of: of, From: stood.Before.Score, To: stood.After.Score}
	case automate.Staged:
		return &automate.Happening{What: what, Of: of, Left: stood.Before.Stage, Enters: stood.After.Stage}
	case automate.Qualified:
		return &automate.Happening{What: what, Fit: q.Fit}
	}
	return &automate.Happening{What: automate.Received}
}

// stoodOf is where a record of a kind stood that the signal is about.
func stoodOf(q *signalbox.Asked, kind signalbox.RecordKind) signalbox.Stood {
	if kind == signalbox.ContactRecord {
		return q.Contact
	}
	return q.Account
}

// timesOf answers questions on signals from a record's signals, the latest first.
func timesOf(atoms []expr.Atom, signals []signalbox.Signal) func(string) []time.Time {
	if len(atoms) == 0 || len(signals) == 0 {
		return nil
	}
	held := map[string][]time.Time{}
	for i := range signals {
		s := signalFacts(&signals[i])
		for j := range atoms {
			if a := &atoms[j]; a.Holds(s, nil) {
				held[a.Key] = append(held[a.Key], s.OccurredAt)
			}
		}
	}
	for _, a := range atoms {
		list := held[a.Key]
		slices.SortFunc(list, func(x, y time.Time) int { return y.Compare(x) })
		held[a.Key] = list[:min(len(list), a.Keep)]
	}
	return func(key string) []time.Time { return held[key] }
}
