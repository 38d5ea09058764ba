package api

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"signalbox"
	"signalbox/auth"
	"signalbox/automate"
)

// How much of the past is read to say why.
const (
	maxWhySignals = 1_000  // that conditions on signals ask, the latest
	maxWhyScored  = 10_000 // that scores are worked out from, of a record with more those of now are taken; and that a merged timeline is searched for the former in
)

// whyRoute is the door that says why.
func (k *started) whyRoute() route {
	title, tag := map[bool]string{false: "Automation", true: "Notification"}[k.notices], map[bool]string{false: "Automations", true: "Notifications"}[k.notices]
	return route{
		method: http.MethodGet, pattern: "/v1/" + k.thing + "s/{id}/why", id: "explain" + title, tag: tag, need: auth.NeedRead,
		summary: "Say clause by clause why a signal starts " + article(k.thing) + ", or does not",
		detail: "It is judged as it is now, by what was known when the signal came, as far as that can be told: scores and stages are worked out anew, and of the record's signals those up to this one " +
			"are asked. `approximate` names what is of now. Frequency and the hour's limit are not asked.",
		status: http.StatusOK, query: []param{{name: "signal_id", kind: text, doc: "The signal. Required."}}, answers: asks(k.why),
	}
}

// whyView says why something was started, or was not.
type whyView struct {
	Fired       bool         `json:"fired" doc:"Whether the signal starts it."`
	Reasons     []clauseView `json:"reasons" doc:"Trigger and conditions, clause by clause: of several clauses the whole stands before them."`
	Approximate []string     `json:"approximate" doc:"What of it may have been otherwise when the signal came. Empty: nothing."`
}

// clauseView is one part of why.
type clauseView struct {
	Clause  string  `json:"clause"`
	Value   *string `json:"value" doc:"What was found, for people."`
	Outcome string  `json:"outcome" enum:"met|unmet"`
}

func clauseViews(list []signalbox.Reason) []clauseView {
	views := make([]clauseView, len(list))
	for i, r := range list {
		views[i] = clauseView{Clause: r.Clause, Value: textOrNull(r.Value), Outcome: string(r.Outcome)}
	}
	return views
}

func (k *started) why(c *call) (whyView, error) {
	_, one, stored, err := k.stored(c)
	if err != nil {
		return whyView{}, err
	}
	given := c.query.Get("signal_id")
	if given == "" {
		return whyView{}, signalbox.InvalidField("signal_id", "signal_id is required: the signal that is asked about, sig_…")
	}
	n, _ := c.named(&given, signalbox.KindSignal)
	s, err := k.api.cfg.Store.Signal(c.r.Context(), c.ws(), signalbox.SignalID(n))
	if err != nil {
		return whyView{}, notThere("signal_id", err)
	}
	past := past{api: k.api, call: c, asked: signalbox.Asked{Signal: &s}, notes: []string{}}
	if err := past.read(one); err != nil {
		return whyView{}, err
	}
	fires, reasons, err := k.api.cfg.Automations.Why(c.r.Context(), c.ws(), one.ID, &past.asked)
	if err != nil {
		return whyView{}, err
	}
	if s.CreatedAt.Before(stored.CreatedAt) {
		fires = false
		reasons = slices.Insert(reasons, 0, signalbox.Reason{
			Clause: "created_at", Value: fmt.Sprintf("the %s was made after the signal had come, and nothing of the past starts it", k.thing), Outcome: signalbox.Unmet,
		})
	} else if s.CreatedAt.Before(stored.UpdatedAt) {
		past.note("the %s was changed after the signal had come, and is judged as it is now", k.thing)
	}
	return whyView{Fired: fires, Reasons: clauseViews(reasons), Approximate: past.notes}, nil
}

// past is what was known when a signal came, as far as that can be told.
type past struct {
	api   *API
	call  *call
	asked signalbox.Asked
	notes []string // what is of now
}

func (p *past) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// read reads what an automation may ask.
func (p *past) read(one *signalbox.Automation) error {
	s := p.asked.Signal
	if !s.ErasedAt.IsZero() {
		p.note("the signal was erased: nothing but its type and times is left of it")
	}
	var err error
	if a := s.AccountRow; a != nil {
		p.changed("account", a.UpdatedAt)
		if p.asked.Account, err = p.stood(a); err != nil {
			return err
		}
	}
	if r := s.ContactRow; r != nil {
		p.changed("contact", r.UpdatedAt)
		if p.asked.Contact, err = p.stood(r); err != nil {
			return err
		}
	}
	if err := p.qualified(one.Starts()); err != nil {
		return err
	}
	return p.signals(one)
}

// changed notes that a record has changed since.
func (p *past) changed(kind string, at time.Time) {
	if at.After(p.asked.Signal.CreatedAt) {
		p.note("the %s was changed after the signal had come: its fields and attributes are those of now", kind)
	}
}

// stood is where a record stood before the signal and after it, by the scoring in force now.
func (p *past) stood(r signalbox.Record) (stood signalbox.Stood, err error) {
	c, s := p.call, p.asked.Signal
	list, err := p.api.cfg.Store.Scored(c.r.Context(), c.ws(), r.Kind(), r.Entity(), maxWhyScored+1)
	if err != nil {
		return stood, err
	}
	if len(list) > maxWhyScored {
		p.note("the %s has more than %d signals: its score and stage are those of now", r.Kind(), maxWhyScored)
		now, err := p.api.standsAt(c, r, c.now)
		return signalbox.Stood{Before: now, After: now}, err
	}
	list = slices.DeleteFunc(list, func(one signalbox.Scored) bool { return one.ID > s.ID })
	if stood.After, err = p.standing(r.Kind(), list); err != nil {
		return stood, err
	}
	list = slices.DeleteFunc(list, func(one signalbox.Scored) bool { return one.ID == s.ID })
	stood.Before, err = p.standing(r.Kind(), list)
	return stood, err
}

// standing is where signals put a record at the moment that the signal came.
func (p *past) standing(kind signalbox.RecordKind, list []signalbox.Scored) (signalbox.Standing, error) {
	h, err := p.api.cfg.Scores.History(p.call.r.Context(), p.call.ws(), kind, list, []time.Time{p.asked.Signal.CreatedAt})
	if err != nil {
		return signalbox.Standing{}, err
	}
	return h.Standings[0], nil
}

// qualified reads what the qualification of whom the signal is about comes to, where a trigger waits for one.
func (p *past) qualified(t *signalbox.Trigger) error {
	if t.Type != signalbox.OnFit && t.Event != "signal.qualified" {
		return nil
	}
	var id signalbox.EntityID
	switch s := p.asked.Signal; {
	case s.ContactRow != nil:
		id = s.ContactRow.Entity()
	case s.AccountRow != nil:
		id = s.AccountRow.Entity()
	default:
		return nil
	}
	fits, err := p.api.cfg.Store.Qualifications(p.call.r.Context(), p.call.ws(), []signalbox.EntityID{id})
	if err != nil {
		return err
	}
	fit := fits[id]
	if p.asked.Fit = fit.Short(); fit.At.After(p.asked.Signal.CreatedAt) {
		p.note("the record was qualified again after the signal had come: its qualification is that of now")
	}
	return nil
}

// signals reads the record's signals up to the one that is asked about, where conditions ask for them.
func (p *past) signals(one *signalbox.Automation) error {
	m, err := automate.Compile([]signalbox.Automation{*one})
	if err != nil {
		return fmt.Errorf("compile what is stored: %w", err)
	}
	if len(m.Atoms()) == 0 {
		return nil
	}
	s := p.asked.Signal
	p.asked.Signals = []signalbox.Signal{s.Signal}
	switch t := one.Starts(); {
	case s.ContactRow != nil && (t.Of == signalbox.ContactRecord || s.AccountRow == nil):
		return p.earlier(s.ContactRow, signalbox.SignalFilter{Contact: s.ContactRow.ID})
	case s.AccountRow != nil:
		return p.earlier(s.AccountRow, signalbox.SignalFilter{Account: s.AccountRow.ID})
	}
	return nil
}

// earlier reads the signals of a record that came before the one that is asked about. A timeline goes on from a signal of it; one of several records that are merged
// is read from its head.
func (p *past) earlier(r signalbox.Record, of signalbox.SignalFilter) error {
	s, place, seen := p.asked.Signal, signalbox.Place{}, 0
	if len(everyID(r)) == 1 {
		place.Before = int64(s.ID)
	}
	for len(p.asked.Signals) < maxWhySignals && seen < maxWhyScored {
		list, next, err := p.api.cfg.Store.Signals(p.call.r.Context(), p.call.ws(), of, place.Page(signalbox.MaxPage))
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].ID < s.ID {
				p.asked.Signals = append(p.asked.Signals, list[i].Signal)
			}
		}
		if seen, place = seen+len(list), next; next.Before == 0 {
			return nil
		}
	}
	p.note("the %s has too many signals: conditions on signals ask the latest %d of those that came before this one", r.Kind(), len(p.asked.Signals)-1)
	return nil
}
