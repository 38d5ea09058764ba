package decide

import (
	"time"

	"signalbox"
	"signalbox/audience"
	"signalbox/expr"
	"signalbox/fit"
	"signalbox/wire"
)

// followBudget is what all conditions may cost together that one input asks, in CEL cost units: of profiles and audiences, and again of automations.
const followBudget = 1_000_000

// follows is what is kept of a record's qualification and audiences, read once a turn.
func (f *fold) follows(r signalbox.Record) *following {
	e := r.Entity()
	if w := f.following[e]; w != nil {
		return w
	}
	w := &following{}
	if state := f.now.States[e]; state != nil {
		read, err := unpackFollowing(state.Following)
		if err != nil {
			panic(err) // costs its own waiter: nothing that cannot be read is written over
		}
		*w = read
	}
	f.following[e] = w
	return w
}

// keepFollowing has what is kept of a record saved at the end of the turn.
func (f *fold) keepFollowing(r signalbox.Record) {
	if w := f.follows(r); !w.kept {
		w.kept = true
		f.followed = append(f.followed, r)
	}
}

// packFollowings writes what was kept into the states that are saved.
func (f *fold) packFollowings() {
	for _, r := range f.followed {
		w := f.follows(r)
		f.state(r.Space(), r.Kind(), r.Entity()).Following = w.pack()
		switch {
		case w.fit != nil:
			f.out.Qualified = append(f.out.Qualified, signalbox.Qualification{
				Workspace: r.Space(), Entity: r.Entity(), At: w.fit.At(), Short: w.fit.Short(), Body: w.fit.Append(nil),
			})
		case w.unfit:
			f.out.Qualified = append(f.out.Qualified, signalbox.Qualification{Workspace: r.Space(), Entity: r.Entity()})
		}
	}
}

// group are a record's state of audiences and those of all that is merged into it.
func (f *fold) group(top signalbox.Record) []*audience.State {
	list := []*audience.State{&f.follows(top).audience}
	if parts := top.Parts(); parts != nil {
		for _, part := range parts.Records {
			list = append(list, &f.follows(f.part(part.ID)).audience)
		}
	}
	return list
}

// asked is whom conditions are asked about: facts of the company and of the person, which are those of one moment.
type asked struct {
	account *signalbox.Account // that stands for the one that was matched; nil: none
	contact *signalbox.Contact
	company *expr.Facts // its signals are the account's; those of the contact where there is no account
	person  *expr.Facts // nil: nobody
	budget  *expr.Budget
}

// ask gathers what is known of whom conditions are about. s is nil when no signal is looked at.
func (f *fold) ask(in *Prepared, s *signalbox.Signal, account *signalbox.Account, contact *signalbox.Contact) *asked {
	a := &asked{account: account, contact: contact, company: &expr.Facts{Now: f.env.Now}, budget: expr.NewBudget(followBudget)}
	if s != nil {
		a.company.Signal = f.reads(s)
	}
	if account != nil {
		st := f.stands(account)
		a.company.Account = &expr.Account{
			Domain: account.Domain, Name: account.Name, Status: account.Status, Attributes: account.Attributes, Score: st.told, Stage: st.stage,
		}
		a.company.Times = in.By.audiences.Times(f.group(account)...)
	}
	if contact != nil {
		st := f.stands(contact)
		a.company.Contact = &expr.Contact{
			Email: contact.Email, FirstName: contact.FirstName, LastName: contact.LastName, Title: contact.Title, LinkedInURL: contact.LinkedInURL,
			Attributes: contact.Attributes, Score: st.told, Stage: st.stage,
		}
		person := *a.company
		person.Times = in.By.audiences.Times(f.group(contact)...)
		a.person = &person
		if account == nil {
			a.company.Times = person.Times
		}
	}
	return a
}

// followSignal has conditions asked that a signal may have changed: the moment is noted, its record is qualified, and those of whom it is about enter and leave
// audiences. The answer is what the qualification came to; nil: it is held.
func (f *fold) followSignal(in *Prepared, s *signalbox.Signal, account *signalbox.Account, contact *signalbox.Contact) *signalbox.Qualified {
	f.land(s, account, contact)
	if !in.By.followsAny {
		if s.Held {
			return nil
		}
		return &signalbox.Qualified{}
	}
	noted := f.reads(s)
	for _, r := range about(account, contact) {
		before := f.follows(r).audience.Empty()
		if in.By.audiences.Note(&f.follows(r).audience, s.ID, noted, nil) || !before {
			f.keepFollowing(r)
		}
	}
	a := f.ask(in, s, f.topAccount(account), f.topContact(contact))
	var short *signalbox.Qualified
	if !s.Held {
		q := f.qualify(in, a)
		if short = &q; q.ICP != "" && !s.Backfill {
			f.tell(in, event{name: wire.EventSignalQualified, signal: s, account: a.account, contact: a.contact, fit: &q})
		}
	}
	changed := &audience.Changed{Signal: s.Type, Score: true, Record: f.touched(a.account, a.contact)}
	f.place(in, a, changed, s.Backfill)
	if a.account != nil && in.By.audiences.FollowsAccounts() && f.touched(a.account, nil) {
		f.stir(in, a.account.ID)
	}
	return short
}

// qualifyAct qualifies the record of a stored signal (contract section 4): one that was held, or one that is to be judged anew. A fit is told of as that of a
// signal that comes is.
func (f *fold) qualifyAct(in *Prepared, out *Outcome) {
	s := in.Qualify
	account, contact := f.topAccount(f.now.Accounts[s.Account]), f.topContact(f.now.Contacts[s.Contact])
	if account != nil && account.Gone() {
		account = nil
	}
	if contact != nil && contact.Gone() {
		contact = nil
	}
	if account == nil && contact == nil {
		out.Err = signalbox.Errorf(signalbox.Conflict, "the signal is about no record that there is: there is nobody to qualify")
		return
	}
	a := f.ask(in, s, account, contact)
	short := f.qualify(in, a)
	f.audit(in, "signal.qualified", signalbox.Subject{Type: "signal", ID: int64(s.ID), Name: s.Type}, nil, fitFacts(short))
	out.Receipt = receiptOf(s)
	out.Receipt.Qualified = &short
	if account != nil {
		out.Receipt.Account = account.ID
	}
	if contact != nil {
		out.Receipt.Contact = contact.ID
	}
	if short.ICP != "" && !s.Backfill {
		f.tell(in, event{name: wire.EventSignalQualified, signal: s, account: account, contact: contact, fit: &short})
	}
}

// land counts where a signal came from with the record that it landed on: the contact, or the account when there is no contact.
func (f *fold) land(s *signalbox.Signal, account *signalbox.Account, contact *signalbox.Contact) {
	var lead signalbox.Record
	switch {
	case contact != nil:
		lead = contact
	case account != nil:
		lead = account
		if state := f.state(account.Workspace, signalbox.AccountRecord, account.Entity()); !state.Lead {
			state.Lead, state.Settled = true, false
		}
	default:
		return
	}
	f.follows(lead).land(s.Source)
	f.keepFollowing(lead)
}

// touched says whether a turn has changed what a record shows.
func (f *fold) touched(account *signalbox.Account, contact *signalbox.Contact) bool {
	if account != nil {
		if _, ok := f.accounts[account.ID]; ok {
			return true
		}
	}
	if contact != nil {
		if _, ok := f.contacts[contact.ID]; ok {
			return true
		}
	}
	return false
}

// qualify judges whom a question is about, and keeps what that came to where it is another result than before.
func (f *fold) qualify(in *Prepared, a *asked) signalbox.Qualified {
	judged := in.By.fit.Judge(a.company, a.person, a.budget)
	if a.account != nil {
		company := judged.Company()
		f.keepFit(a.account, &company)
	}
	if a.contact != nil {
		f.keepFit(a.contact, &judged)
	}
	return judged.Short()
}

func (f *fold) keepFit(r signalbox.Record, judged *fit.Judgement) {
	w := f.follows(r)
	mark, short := judged.Mark(), judged.Short()
	if w.judged == mark && w.short == short {
		return
	}
	w.judged, w.short, w.fit = mark, short, judged
	f.keepFollowing(r)
}

// place has those of a question enter and leave audiences. changed is nil when anything may have changed; quiet: nobody is told.
func (f *fold) place(in *Prepared, a *asked, changed *audience.Changed, quiet bool) {
	if a.account != nil {
		facts := *a.company
		facts.Contact, facts.Signal = nil, nil
		f.placeOne(in, a.account, &facts, changed, a.budget, quiet)
	}
	if a.contact != nil {
		facts := *a.person
		facts.Signal = nil
		f.placeOne(in, a.contact, &facts, changed, a.budget, quiet)
	}
}

func (f *fold) placeOne(in *Prepared, r signalbox.Record, facts *expr.Facts, changed *audience.Changed, budget *expr.Budget, quiet bool) {
	w := f.follows(r)
	empty, due := w.audience.Empty(), w.audience.Next()
	moves, next := in.By.audiences.Judge(r.Kind(), &w.audience, facts, changed, budget)
	if len(moves) > 0 || !next.Equal(due) || empty != w.audience.Empty() {
		f.keepFollowing(r)
	}
	for _, m := range moves {
		f.out.Moves = append(f.out.Moves, signalbox.AudienceMove{Workspace: in.Workspace, Audience: m.Audience, Entity: r.Entity(), Entered: m.Entered, At: f.env.Now})
		if !quiet && !m.Quiet {
			f.tellMove(in, r, m)
		}
	}
	if st := f.stands(r); !next.IsZero() && (st.due.IsZero() || next.Before(st.due)) {
		f.setDue(in, r, next)
	}
}

// tellMove makes the event of a move.
func (f *fold) tellMove(in *Prepared, r signalbox.Record, m audience.Move) {
	e := event{name: wire.EventAudienceEntered, audience: in.By.Definitions.Audience(m.Audience), entered: m.Entered}
	if !m.Entered {
		e.name = wire.EventAudienceLeft
	}
	switch r := r.(type) {
	case *signalbox.Account:
		e.account = r
	case *signalbox.Contact:
		e.contact = r
	}
	f.tell(in, e)
}

// followRecord looks at a record that somebody has changed, or that time may have: with requalify set it is judged anew, as far as that needs no signal.
func (f *fold) followRecord(in *Prepared, r signalbox.Record, changed *audience.Changed, requalify bool) {
	if !in.By.followsAny {
		return
	}
	var a *asked
	switch r := r.(type) {
	case *signalbox.Account:
		a = f.ask(in, nil, r, nil)
	case *signalbox.Contact:
		a = f.ask(in, nil, f.topAccount(f.accountOf(r)), r)
	}
	if requalify && !in.By.fit.Reads().Signal {
		f.qualify(in, a)
	}
	if r.Kind() == signalbox.ContactRecord {
		a.account = nil // its own audiences are no matter of the contact's
	}
	f.place(in, a, changed, false)
	if r.Kind() == signalbox.AccountRecord && in.By.audiences.FollowsAccounts() && (changed == nil || changed.Record) {
		f.stir(in, signalbox.AccountID(r.Entity()))
	}
}

// stir has an account's contacts looked at.
func (f *fold) stir(in *Prepared, account signalbox.AccountID) {
	f.out.Stirred = append(f.out.Stirred, signalbox.Stir{Workspace: in.Workspace, Account: account, At: f.env.Now})
}

// refit qualifies a record anew, by what its last signal says where a profile reads one. Nobody is told: no signal was captured.
func (f *fold) refit(in *Prepared, r signalbox.Record) {
	if in.By.fit.Empty() && f.follows(r).judged == 0 {
		return
	}
	switch r := r.(type) {
	case *signalbox.Account:
		f.qualify(in, f.ask(in, in.Last, r, nil))
	case *signalbox.Contact:
		a := f.ask(in, in.Last, f.topAccount(f.accountOf(r)), r)
		a.account = nil // the account's own is judged by itself
		f.qualify(in, a)
	}
}

// aboutRecord is what the audit log calls a record.
func aboutRecord(r signalbox.Record) signalbox.Subject {
	if c, ok := r.(*signalbox.Contact); ok {
		return aboutContact(c)
	}
	return aboutAccount(r.(*signalbox.Account))
}

// fitFacts are what the audit log says of a qualification.
func fitFacts(q signalbox.Qualified) signalbox.Facts {
	return signalbox.Facts{"icp_code": q.ICP, "icp_score": q.ICPScore, "persona_code": q.Persona, "persona_score": q.PersonaScore}
}

// changed looks at a record that somebody has changed.
func (f *fold) changed(in *Prepared, top signalbox.Record) {
	if in.By.followsAny {
		f.followRecord(in, top, &audience.Changed{Record: true}, true)
		f.arm(in, top, false)
	}
}

// leave takes a record out of its audiences: another one stands for it now. Nobody is told: it is there in the other one.
func (f *fold) leave(in *Prepared, r signalbox.Record) {
	w := f.follows(r)
	for _, id := range w.audience.Audiences() {
		f.out.Moves = append(f.out.Moves, signalbox.AudienceMove{Workspace: in.Workspace, Audience: id, Entity: r.Entity(), At: f.env.Now})
	}
	w.audience.Leave()
	f.keepFollowing(r)
}

// unfollow takes all that is known of a record's qualification and audiences: it was erased. Nobody is told.
func (f *fold) unfollow(in *Prepared, r signalbox.Record) {
	f.leave(in, r)
	w := f.follows(r)
	*w = following{kept: true, unfit: w.judged != 0}
}

// lookAt is when time alone may change what is to be told of a record: a lower bound, zero: never.
func (f *fold) lookAt(in *Prepared, top signalbox.Record) time.Time {
	next := in.By.next(top.Kind(), f.sums(top), f.env.Now)
	if in.By.followsAny {
		if also := f.follows(top).audience.Next(); !also.IsZero() && (next.IsZero() || also.Before(next)) {
			return also
		}
	}
	return next
}
