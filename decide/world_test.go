package decide_test

import (
	"slices"
	"testing"
	"time"

	"signalbox"
	"signalbox/decide"
)

// world is a database of one workspace as deciding sees it: situations are read from it and decisions applied to it, so that a
// test can go from turn to turn. The store's suite proves that the real one does the same.
type world struct {
	t        testing.TB
	now      time.Time
	ids      *signalbox.IDs
	codec    *signalbox.Codec
	defs     signalbox.Definitions
	head     signalbox.Head
	keys     map[signalbox.RecordKey]signalbox.EntityID
	accounts map[signalbox.AccountID]signalbox.Account
	contacts map[signalbox.ContactID]signalbox.Contact
	states   map[signalbox.EntityID]signalbox.EntityState
	types    map[signalbox.TypeKey]signalbox.TypeID
	answered map[signalbox.AnswerKey]signalbox.Answered
	meters   map[signalbox.MeterKey]signalbox.Meter
	signals  []signalbox.Signal
	events   []signalbox.Event
	sent     []signalbox.NewDelivery
	jobs     []signalbox.Job
	audit    []signalbox.AuditEntry
	merges   map[signalbox.MergeID]signalbox.Merge
	due      map[signalbox.EntityID]time.Time // when a record is looked at
	captures map[signalbox.AnswerKey]signalbox.Capture
	fits     map[signalbox.EntityID]signalbox.Fit
	members  map[signalbox.AudienceID]map[signalbox.EntityID]bool
	stirred  []signalbox.AccountID
	sooner   time.Time // when places in lists by score are looked at; zero: never
	runs     map[signalbox.RunID]signalbox.Run
	waiting  map[signalbox.RunID]time.Time // when a run goes on
	pace     []byte
	compiled *decide.Compiled // of the version in force
}

const ws = signalbox.WorkspaceID(7)

func newWorld(t testing.TB) *world {
	return &world{
		t: t, now: time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC), ids: signalbox.NewIDs(0), codec: signalbox.NewCodec([16]byte{1}),
		defs:     signalbox.Definitions{Version: 1, Workspace: signalbox.Workspace{ID: ws, Name: "Acme"}},
		head:     signalbox.Head{Definitions: 1},
		keys:     map[signalbox.RecordKey]signalbox.EntityID{},
		accounts: map[signalbox.AccountID]signalbox.Account{},
		contacts: map[signalbox.ContactID]signalbox.Contact{},
		states:   map[signalbox.EntityID]signalbox.EntityState{},
		types:    map[signalbox.TypeKey]signalbox.TypeID{},
		answered: map[signalbox.AnswerKey]signalbox.Answered{},
		meters:   map[signalbox.MeterKey]signalbox.Meter{},
		merges:   map[signalbox.MergeID]signalbox.Merge{},
		due:      map[signalbox.EntityID]time.Time{},
		captures: map[signalbox.AnswerKey]signalbox.Capture{},
		fits:     map[signalbox.EntityID]signalbox.Fit{},
		members:  map[signalbox.AudienceID]map[signalbox.EntityID]bool{},
		runs:     map[signalbox.RunID]signalbox.Run{},
		waiting:  map[signalbox.RunID]time.Time{},
	}
}

// webhook adds a webhook and makes a new version of the definitions.
func (w *world) webhook(hook signalbox.Webhook) signalbox.WebhookID {
	hook.ID, hook.Workspace = signalbox.WebhookID(w.ids.Next(w.now)), ws
	w.change(func(d *signalbox.Definitions) { d.Webhooks = append(slices.Clone(d.Webhooks), hook) })
	return hook.ID
}

func (w *world) change(f func(*signalbox.Definitions)) {
	f(&w.defs)
	w.defs.Version++
	w.head.Definitions = w.defs.Version
}

func (w *world) compile() *decide.Compiled {
	w.t.Helper()
	if c := w.compiled; c != nil && c.Definitions.Version == w.defs.Version {
		return c
	}
	d := w.defs
	c, err := decide.Compile(&d)
	if err != nil {
		w.t.Fatal(err)
	}
	w.compiled = c
	return c
}

// turn decides inputs in one turn and applies what it caused.
func (w *world) turn(inputs ...decide.Input) []decide.Outcome {
	w.t.Helper()
	c := w.compile()
	outcomes := make([]decide.Outcome, len(inputs))
	var prepared []decide.Prepared
	var place []int
	for i, in := range inputs {
		in.Workspace = ws
		p, err := c.Prepare(in)
		if err != nil {
			outcomes[i].Err = err
			continue
		}
		prepared, place = append(prepared, p), append(place, i)
	}
	d, list, err := decide.Turn(w.situation(decide.Need(prepared)), prepared, decide.Env{Now: w.now, IDs: w.ids, Codec: w.codec, Dashboard: "https://box.example"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.apply(d)
	w.audit = append(w.audit, d.Audit...)
	for n, i := range place {
		outcomes[i] = list[n]
	}
	return outcomes
}

// signal decides one signal in a turn of its own and fails the test when it is refused.
func (w *world) signal(in signalbox.SignalInput) signalbox.Receipt {
	w.t.Helper()
	out := w.try(in)
	if out.Err != nil {
		w.t.Fatal(out.Err)
	}
	return out.Receipt
}

func (w *world) try(in signalbox.SignalInput) decide.Outcome {
	w.t.Helper()
	if in.Type == "" {
		in.Type = "page_view"
	}
	if in.Source == "" {
		in.Source = "test"
	}
	return w.turn(decide.Input{Signal: &in})[0]
}

// situation reads what a turn needs: as the store does, the records that keys lead to come with their states, and a contact with
// its account.
func (w *world) situation(n signalbox.Need) *signalbox.Situation {
	s := &signalbox.Situation{
		Heads: map[signalbox.WorkspaceID]signalbox.Head{ws: w.head}, Keys: map[signalbox.RecordKey]signalbox.EntityID{},
		Accounts: map[signalbox.AccountID]*signalbox.Account{}, Contacts: map[signalbox.ContactID]*signalbox.Contact{},
		States: map[signalbox.EntityID]*signalbox.EntityState{}, Types: map[signalbox.TypeKey]signalbox.TypeID{},
		Answered: map[signalbox.AnswerKey]signalbox.Answered{}, Meters: map[signalbox.MeterKey]signalbox.Meter{},
		Merges: map[signalbox.MergeID]*signalbox.Merge{}, Imports: map[signalbox.ImportKey]signalbox.ImportID{},
		Captures: map[signalbox.AnswerKey]signalbox.Capture{},
	}
	w.situationOfRuns(s, &n)
	for _, key := range n.Captures {
		if c, ok := w.captures[key]; ok {
			s.Captures[key] = c
		}
	}
	for _, id := range n.Merges {
		if m, ok := w.merges[id]; ok {
			s.Merges[id] = &m
			n.Accounts = append(n.Accounts, signalbox.AccountID(m.From), signalbox.AccountID(m.Into))
			n.Contacts = append(n.Contacts, signalbox.ContactID(m.From), signalbox.ContactID(m.Into))
		}
	}
	for _, key := range n.Keys {
		if id, ok := w.keys[key]; ok {
			s.Keys[key] = id
			if key.Kind == signalbox.KeyDomain {
				n.Accounts = append(n.Accounts, signalbox.AccountID(id))
			} else {
				n.Contacts = append(n.Contacts, signalbox.ContactID(id))
			}
		}
	}
	for _, id := range n.Contacts {
		w.load(s, signalbox.EntityID(id))
	}
	for _, id := range n.Accounts {
		w.load(s, signalbox.EntityID(id))
	}
	for _, key := range n.Types {
		if id, ok := w.types[key]; ok {
			s.Types[key] = id
		}
	}
	for _, key := range n.Answered {
		if a, ok := w.answered[key]; ok {
			s.Answered[key] = a
		}
	}
	for _, key := range n.Meters {
		s.Meters[key] = w.meters[key]
	}
	return s
}

// load reads a record with all that it leads to, each once.
func (w *world) load(s *signalbox.Situation, id signalbox.EntityID) {
	var r signalbox.Record
	if c, ok := w.contacts[signalbox.ContactID(id)]; ok && s.Contacts[c.ID] == nil {
		s.Contacts[c.ID], r = &c, &c
		defer w.load(s, signalbox.EntityID(c.Account))
	} else if a, ok := w.accounts[signalbox.AccountID(id)]; ok && s.Accounts[a.ID] == nil {
		s.Accounts[a.ID], r = &a, &a
	}
	if r == nil {
		return
	}
	w.state(s, id)
	w.load(s, r.Into())
	if parts := r.Parts(); parts != nil {
		for _, part := range parts.Records {
			w.load(s, part.ID)
		}
	}
}

func (w *world) state(s *signalbox.Situation, id signalbox.EntityID) {
	if st, ok := w.states[id]; ok {
		s.States[id] = &st
	}
}

// apply saves a decision, and holds it to what the database would refuse.
func (w *world) apply(d *signalbox.Decision) {
	w.t.Helper()
	for _, key := range d.Freed {
		delete(w.keys, key)
	}
	for _, k := range d.Keys {
		if taken, ok := w.keys[k.RecordKey]; ok {
			w.t.Fatalf("key %v given to %d and %d", k.RecordKey, taken, k.Entity)
		}
		w.keys[k.RecordKey] = k.Entity
	}
	for _, a := range d.Accounts {
		if _, ok := w.accounts[a.Row.ID]; ok == a.New {
			w.t.Fatalf("account %d: new is %t", a.Row.ID, a.New)
		}
		w.accounts[a.Row.ID] = *a.Row
	}
	for _, c := range d.Contacts {
		if _, ok := w.contacts[c.Row.ID]; ok == c.New {
			w.t.Fatalf("contact %d: new is %t", c.Row.ID, c.New)
		}
		w.contacts[c.Row.ID] = *c.Row
	}
	for _, s := range d.States {
		stored := *s
		stored.New = false
		w.states[s.Entity] = stored
	}
	w.applyDue(d)
	for _, t := range d.Types {
		w.types[signalbox.TypeKey{Workspace: t.Workspace, Name: t.Name}] = t.ID
	}
	for _, a := range d.Answered {
		w.answered[a.Key] = a
	}
	for key, m := range d.Meters {
		w.meters[key] = m
	}
	w.applyFollowing(d)
	w.applyRuns(d)
	if head, ok := d.Heads[ws]; ok {
		w.head = head
	}
	for _, m := range d.Merges {
		if _, ok := w.merges[m.Row.ID]; ok == m.New {
			w.t.Fatalf("merge %d: new is %t", m.Row.ID, m.New)
		}
		w.merges[m.Row.ID] = *m.Row
	}
	for _, m := range d.Proposals {
		known := false
		for _, have := range w.merges {
			known = known || have.Reason != "" && have.From == m.From && have.Into == m.Into
		}
		if !known {
			w.merges[m.ID] = m
		}
	}
	w.signals = append(w.signals, d.Signals...)
	w.events = append(w.events, d.Events...)
	w.sent = append(w.sent, d.Deliveries...)
	w.jobs = append(w.jobs, d.Jobs...)
}

// applyDue saves when a decision has records, runs and lists looked at.
func (w *world) applyDue(d *signalbox.Decision) {
	w.t.Helper()
	for _, due := range d.Due {
		if due.Kind == signalbox.DueRun && due.Workspace == ws {
			w.waits(due)
			continue
		}
		if due.Kind != signalbox.DueRecord || due.Workspace != ws {
			w.t.Fatalf("due row %+v", due)
		}
		w.due[signalbox.EntityID(due.Subject)] = due.At
		if due.At.IsZero() {
			delete(w.due, signalbox.EntityID(due.Subject))
		}
	}
	for _, due := range d.Sooner {
		if due.Kind != signalbox.DueRanks || due.Workspace != ws || due.Subject != int64(ws) {
			w.t.Fatalf("due row %+v", due)
		}
		if w.sooner.IsZero() || due.At.Before(w.sooner) {
			w.sooner = due.At
		}
	}
}

func (w *world) account(id signalbox.AccountID) signalbox.Account {
	w.t.Helper()
	a, ok := w.accounts[id]
	if !ok {
		w.t.Fatalf("no account %d", id)
	}
	return a
}

func (w *world) contact(id signalbox.ContactID) signalbox.Contact {
	w.t.Helper()
	c, ok := w.contacts[id]
	if !ok {
		w.t.Fatalf("no contact %d", id)
	}
	return c
}
