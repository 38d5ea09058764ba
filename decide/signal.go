package decide

import (
	"time"

	"signalbox"
	"signalbox/wire"
)

// signal decides one signal: counted, recognised as a repeat or matched, stored, told.
func (f *fold) signal(in *Prepared) (signalbox.Receipt, error) {
	if receipt, err, answered := f.repeat(in); answered {
		return receipt, err
	}
	if receipt, err, captured := f.recapture(in); captured {
		return receipt, err
	}
	if err := f.checkAttributes(in); err != nil {
		return signalbox.Receipt{}, err
	}
	typeID, isNew, err := f.typeOf(in)
	if err != nil {
		return signalbox.Receipt{}, err
	}
	quota, err := f.count(in)
	if err != nil {
		return signalbox.Receipt{}, err
	}
	if isNew {
		typeID = f.newType(in)
	}
	account := f.account(in, in.Signal.Account)
	contact := f.contact(in, account)
	if account == nil && contact != nil {
		// Nothing says which company it is but the person: it is about the company that the person is known with.
		account = f.accountOf(f.topContact(contact))
	}
	s, qualified := f.store(in, typeID, account, contact)
	f.captured(in, s)
	r := receiptOf(s)
	r.Qualified = qualified
	if account != nil {
		r.Account = f.topAccount(account).ID
	}
	if contact != nil {
		r.Contact = f.topContact(contact).ID
	}
	f.remember(in, &r)
	r.Quota = quota
	return r, nil
}

// repeat answers a signal whose idempotency key was answered before: with that answer when it says the same, as a mismatch
// when it does not (contract section 3). A repeat counts against the limits like any other accepted signal.
func (f *fold) repeat(in *Prepared) (signalbox.Receipt, error, bool) {
	key, ok := in.AnswerKey()
	if !ok {
		return signalbox.Receipt{}, nil, false
	}
	first, ok := f.now.Answered[key]
	if !ok {
		return signalbox.Receipt{}, nil, false
	}
	if first.Body != in.Signal.BodyHash {
		return signalbox.Receipt{}, &signalbox.Error{
			Code: signalbox.IdempotencyMismatch, Param: "idempotency_key",
			Msg: "this idempotency key was used with another body; use a new key for a new signal",
		}, true
	}
	quota, err := f.count(in)
	if err != nil {
		return signalbox.Receipt{}, err, true
	}
	return signalbox.Receipt{
		ID: first.Signal, Type: in.Signal.Type, Source: in.Signal.Source,
		Account: first.Account, Contact: first.Contact, CreatedAt: first.CreatedAt,
		Replayed: true, Quota: quota,
	}, nil, true
}

// remember keeps the answer for the signal's idempotency key, if it has one.
func (f *fold) remember(in *Prepared, s *signalbox.Receipt) {
	key, ok := in.AnswerKey()
	if !ok {
		return
	}
	a := signalbox.Answered{
		Key: key, Day: f.env.Now.Unix() / 86400, Body: in.Signal.BodyHash,
		Signal: s.ID, Account: s.Account, Contact: s.Contact, CreatedAt: s.CreatedAt,
	}
	f.now.Answered[key] = a
	f.out.Answered = append(f.out.Answered, a)
}

// typeOf finds the signal's type; isNew says that the workspace sees it for the first time and has room for it.
func (f *fold) typeOf(in *Prepared) (id signalbox.TypeID, isNew bool, err error) {
	if in.typeID != 0 {
		return in.typeID, false, nil
	}
	if id, ok := f.now.Types[signalbox.TypeKey{Workspace: in.Workspace, Name: in.Signal.Type}]; ok {
		return id, false, nil
	}
	if f.now.Heads[in.Workspace].Types >= signalbox.MaxSignalTypes {
		return 0, false, signalbox.InvalidField("type",
			"this workspace already has %d signal types, the most it can have: put what varies into properties and use a known type", signalbox.MaxSignalTypes)
	}
	return 0, true, nil
}

func (f *fold) newType(in *Prepared) signalbox.TypeID {
	id := signalbox.TypeID(f.mint(in.Workspace))
	f.now.Types[signalbox.TypeKey{Workspace: in.Workspace, Name: in.Signal.Type}] = id
	head := f.now.Heads[in.Workspace]
	head.Types++
	f.now.Heads[in.Workspace] = head
	f.out.Types = append(f.out.Types, signalbox.SignalType{ID: id, Workspace: in.Workspace, Name: in.Signal.Type, CreatedAt: f.env.Now})
	return id
}

// store makes the signal's row and what it causes.
func (f *fold) store(in *Prepared, typeID signalbox.TypeID, account *signalbox.Account, contact *signalbox.Contact) (*signalbox.Signal, *signalbox.Qualified) {
	s := signalbox.Signal{
		ID: signalbox.SignalID(f.mint(in.Workspace)), Workspace: in.Workspace,
		Type: in.Signal.Type, TypeID: typeID, Source: in.Signal.Source,
		EventName: in.Signal.EventName, Properties: in.Signal.Properties, Backfill: in.Signal.Backfill, Held: in.By.holds(in.Signal.Type),
		OccurredAt: in.Signal.OccurredAt, CreatedAt: f.env.Now,
	}
	if s.OccurredAt.IsZero() {
		s.OccurredAt = f.env.Now
	}
	if account != nil {
		s.Account = account.ID
		s.PrevAccount = f.link(in.Workspace, signalbox.AccountRecord, signalbox.EntityID(account.ID), s.ID)
	}
	if contact != nil {
		s.Contact = contact.ID
		s.PrevContact = f.link(in.Workspace, signalbox.ContactRecord, signalbox.EntityID(contact.ID), s.ID)
	}
	f.scoreSignal(in, &s, about(account, contact)...)
	if !s.Backfill { // a backfilled signal is history: nobody is told (contract section 3)
		told := event{signal: &s, account: f.topAccount(account), contact: f.topContact(contact)}
		for _, told.name = range []string{wire.EventSignalCreated, wire.EventSignalScored} {
			f.tell(in, told)
		}
	}
	f.judgeAll(in, &s, about(account, contact)...)
	qualified := f.followSignal(in, &s, account, contact)
	s.CausedTo = max(int64(s.ID), f.last[in.Workspace])
	f.out.Signals = append(f.out.Signals, s)
	return &f.out.Signals[len(f.out.Signals)-1], qualified
}

// about lists whom a signal is about.
func about(account *signalbox.Account, contact *signalbox.Contact) []signalbox.Record {
	list := make([]signalbox.Record, 0, 2)
	if account != nil {
		list = append(list, account)
	}
	if contact != nil {
		list = append(list, contact)
	}
	return list
}

// event is something to tell of, and whom it is about: the records that stand for those that were matched.
type event struct {
	name     string
	signal   *signalbox.Signal // that caused it; nil: none did
	account  *signalbox.Account
	contact  *signalbox.Contact
	change   *wire.ScoreChange
	fit      *signalbox.Qualified // of signal.qualified
	audience *signalbox.Audience  // of audience.entered and audience.left
	linked   *signalbox.LinkedAccount
	record   *signalbox.LinkedRecord
	at       time.Time // when it happened; zero: now
}

// tell makes an event, with a delivery for every webhook that subscribes to it; without any there is no event.
func (f *fold) tell(in *Prepared, what event) {
	webhooks := in.By.takers(what.name)
	if len(webhooks) == 0 {
		return
	}
	e := signalbox.Event{ID: signalbox.EventID(f.mint(in.Workspace)), Workspace: in.Workspace, Name: what.name, CreatedAt: f.env.Now}
	if s := what.signal; s != nil {
		e.Signal, e.Account, e.Contact = s.ID, s.Account, s.Contact
	} else {
		for _, r := range about(what.account, what.contact) {
			if r.Kind() == signalbox.ContactRecord {
				e.Contact = signalbox.ContactID(r.Entity())
			} else {
				e.Account = signalbox.AccountID(r.Entity())
			}
		}
	}
	info := wire.EventInfo{Codec: f.env.Codec, Event: e.ID, Workspace: e.Workspace, CreatedAt: e.CreatedAt, Signal: what.signal,
		Account: what.account, Contact: what.contact, Change: what.change, Qualified: what.fit, Audience: what.audience, Linked: what.linked, Record: what.record,
		OccurredAt: what.at}
	var record map[string]any // of the filters; nil: not asked for yet
	for _, w := range webhooks {
		if e.Bodies.Of(w.Format) == nil {
			e.Bodies.Set(w.Format, wire.Freeze(w.Format, what.name, info))
		}
		if !in.By.takes(w, e.Bodies.Of(w.Format), &record) {
			continue
		}
		f.out.Deliveries = append(f.out.Deliveries, f.deliver(w, &e))
	}
	e.CausedTo = f.last[in.Workspace]
	f.out.Events = append(f.out.Events, e)
}

// takes says whether a webhook's filter lets an event through. The body is read once for all filters.
func (c *Compiled) takes(w *signalbox.Webhook, body []byte, record *map[string]any) bool {
	f := c.filters[w.ID]
	if f == nil {
		return true
	}
	if *record == nil {
		*record = wire.Record(w.Format, body)
	}
	return f.Takes(*record)
}

// deliver makes the delivery of an event to one webhook.
func (f *fold) deliver(w *signalbox.Webhook, e *signalbox.Event) signalbox.NewDelivery {
	return signalbox.NewDelivery{Delivery: signalbox.Born(w, e, signalbox.DeliveryID(f.mint(e.Workspace)), f.env.Now)}
}

func receiptOf(s *signalbox.Signal) signalbox.Receipt {
	return signalbox.Receipt{ID: s.ID, Type: s.Type, Source: s.Source, Account: s.Account, Contact: s.Contact, CreatedAt: s.CreatedAt}
}
