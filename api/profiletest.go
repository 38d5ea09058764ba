package api

import (
	"slices"
	"time"

	"signalbox"
	"signalbox/expr"
	"signalbox/fit"
)

// How much of a record's history a test asks.
const (
	maxAsked     = 1_000      // signals, the latest
	maxAskedCost = 10_000_000 // what asking them may cost together, in the units of expressions
)

const testDetail = "The record is an account, a contact (judged with its account), or whom a signal is about; `signal_id` also gives the signal that parameters may read. Every parameter is " +
	"asked, also after the outcome was settled. Parameters on `signals` ask the 1,000 signals of the record that came last: of the account for an ICP, of the contact for a persona. Nothing changes."

// recordForm names the record that a profile is tested on.
type recordForm struct {
	AccountID *string `json:"account_id" doc:"The contact's, or the signal's, unless given."`
	ContactID *string `json:"contact_id" doc:"The signal's unless given."`
	SignalID  *string `json:"signal_id" doc:"The signal that the record is judged with."`
}

// draftForm is the body of POST /v1/icps/test and /v1/personas/test.
type draftForm struct {
	Profile   *profileForm `json:"profile" required:"true" doc:"As it would be saved."`
	AccountID *string      `json:"account_id" doc:"The contact's, or the signal's, unless given."`
	ContactID *string      `json:"contact_id" doc:"The signal's unless given."`
	SignalID  *string      `json:"signal_id" doc:"The signal that the record is judged with."`
}

// testedView is what a profile says of a record, whose every parameter was asked.
type testedView struct {
	verdictView
	Complete bool `json:"complete" doc:"False: parameters ask for signals, and the record has more of them than were asked."`
}

func (p *profiles) test(c *call, in *recordForm) (testedView, error) {
	_, profile, err := p.stored(c)
	if err != nil {
		return testedView{}, err
	}
	return p.judge(c, &profile, in)
}

func (p *profiles) testDraft(c *call, in *draftForm) (testedView, error) {
	if in.Profile == nil {
		return testedView{}, signalbox.InvalidField("profile", "profile is required: the %s that the record is judged by", p.kind)
	}
	put, err := in.Profile.read()
	if err != nil {
		return testedView{}, within("profile", err)
	}
	var profile signalbox.Profile
	put(&profile)
	d, err := p.api.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return testedView{}, err
	}
	if err := p.check(d, &profile); err != nil {
		return testedView{}, within("profile", err)
	}
	return p.judge(c, &profile, &recordForm{AccountID: in.AccountID, ContactID: in.ContactID, SignalID: in.SignalID})
}

func (p *profiles) judge(c *call, profile *signalbox.Profile, in *recordForm) (testedView, error) {
	r, err := p.api.judged(c, in)
	if err != nil {
		return testedView{}, err
	}
	f, err := r.facts(c)
	if err != nil {
		return testedView{}, err
	}
	atoms, err := fit.Atoms(profile)
	if err != nil {
		return testedView{}, err
	}
	complete := true
	if len(atoms) > 0 {
		if f.Times, complete, err = r.times(c, p.kind, atoms); err != nil {
			return testedView{}, err
		}
	}
	verdict, err := fit.Explain(profile, f)
	if err != nil {
		return testedView{}, err
	}
	return testedView{verdictViewOf(&verdict), complete}, nil
}

// judgedRecord is a record that a profile is tested on; of the three any may be missing, but not all.
type judgedRecord struct {
	account *signalbox.Account
	contact *signalbox.Contact
	signal  *signalbox.SignalView
}

// judged reads the record that a body names: what stands for it, where it was merged.
func (a *API) judged(c *call, in *recordForm) (r judgedRecord, err error) {
	ctx, store := c.r.Context(), a.cfg.Store
	if value(in.AccountID) == "" && value(in.ContactID) == "" && value(in.SignalID) == "" {
		return r, signalbox.InvalidField("account_id", "account_id, contact_id or signal_id is required: the record that is judged")
	}
	if n, given := c.named(in.SignalID, signalbox.KindSignal); given {
		signal, err := store.Signal(ctx, c.ws(), signalbox.SignalID(n))
		if err != nil {
			return r, notThere("signal_id", err)
		}
		r.signal, r.account, r.contact = &signal, signal.AccountRow, signal.ContactRow
	}
	if n, given := c.named(in.ContactID, signalbox.KindContact); given {
		contact, err := store.Contact(ctx, c.ws(), signalbox.ContactID(n))
		if err != nil {
			return r, notThere("contact_id", err)
		}
		r.contact = &contact
	}
	n, given := c.named(in.AccountID, signalbox.KindAccount)
	if !given {
		if r.account != nil || r.contact == nil || r.contact.Account == 0 {
			return r, nil
		}
		n = int64(r.contact.Account)
	}
	account, err := store.Account(ctx, c.ws(), signalbox.AccountID(n))
	switch {
	case err == nil:
		r.account = &account
	case given || signalbox.CodeOf(err) != signalbox.NotFound:
		return r, notThere("account_id", err)
	}
	return r, nil
}

// named reads an id of a body: 0, which nobody has, for what is no id of its kind.
func (c *call) named(text *string, kind signalbox.Kind) (id int64, given bool) {
	if value(text) == "" {
		return 0, false
	}
	id, _ = c.api.cfg.Codec.Parse(kind, *text)
	return id, true
}

// notThere is the refusal of a field that names what this workspace does not have.
func notThere(param string, err error) error {
	if signalbox.CodeOf(err) != signalbox.NotFound {
		return err
	}
	return signalbox.InvalidField(param, "%s names nothing that is there", param)
}

// facts are what expressions read of the record, as it stands now.
func (r *judgedRecord) facts(c *call) (*expr.Facts, error) {
	var records []signalbox.Record
	if r.account != nil {
		records = append(records, r.account)
	}
	if r.contact != nil {
		records = append(records, r.contact)
	}
	beside, err := c.api.facts(c, records, nil)
	if err != nil {
		return nil, err
	}
	f := &expr.Facts{Now: c.now}
	if a := r.account; a != nil {
		standing := beside.standings[a.Entity()]
		f.Account = accountFacts(a, standing.Score, standing.Stage)
	}
	if p := r.contact; p != nil {
		standing := beside.standings[p.Entity()]
		f.Contact = contactFacts(p, standing.Score, standing.Stage)
	}
	if r.signal != nil {
		f.Signal = signalFacts(&r.signal.Signal)
	}
	return f, nil
}

// times answers questions on signals from the record's latest ones. complete says that there are no others, and that all were asked.
func (r *judgedRecord) times(c *call, kind signalbox.DefinitionKind, atoms []expr.Atom) (times func(string) []time.Time, complete bool, err error) {
	var of signalbox.SignalFilter
	switch {
	case r.contact != nil && (kind == signalbox.DefinedPersona || r.account == nil):
		of.Contact = r.contact.ID
	case r.account != nil:
		of.Account = r.account.ID
	default:
		return nil, true, nil
	}
	held, budget := map[string][]time.Time{}, expr.NewBudget(maxAskedCost)
	place, ended, asked := signalbox.Place{}, false, 0
	for !ended && asked < maxAsked && budget.Left() > 0 {
		list, next, err := c.api.cfg.Store.Signals(c.r.Context(), c.ws(), of, place.Page(signalbox.MaxPage))
		if err != nil {
			return nil, false, err
		}
		for i := range list {
			s := signalFacts(&list[i].Signal)
			for j := range atoms {
				if a := &atoms[j]; a.Holds(s, budget) {
					held[a.Key] = append(held[a.Key], s.OccurredAt)
				}
			}
		}
		asked, place, ended = asked+len(list), next, next.Before == 0
	}
	for _, a := range atoms {
		list := held[a.Key]
		slices.SortFunc(list, func(x, y time.Time) int { return y.Compare(x) })
		held[a.Key] = list[:min(len(list), a.Keep)]
	}
	return func(key string) []time.Time { return held[key] }, ended && budget.Left() > 0, nil
}
