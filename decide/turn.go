package decide

import (
	"fmt"
	"time"

	"signalbox"
)

// Env is what a turn is given beside its inputs: one clock reading for all of them, and the makers of ids and of their text.
type Env struct {
	Now   time.Time // UTC, whole microseconds
	IDs   IDs
	Codec *signalbox.Codec
}

// IDs makes ids: each above the one before, and above what Above was told.
type IDs interface {
	Next(now time.Time) int64
	Above(id int64)
}

// Outcome is what became of one input: the answer of its kind, or Err. Stale says that the input was not decided because its
// workspace's definitions have changed since it was prepared, Busy that it was not because somebody else decides for its workspace.
type Outcome struct {
	Receipt signalbox.Receipt
	Account *signalbox.Account
	Contact *signalbox.Contact
	Change  signalbox.RowChange // of a row of an import
	Job     *signalbox.Job
	Merge   *signalbox.Merge
	Linked  *signalbox.LinkedAccount
	Refused int       // of a slice: changes that became no signals
	Left    string    // why an undone import leaves this record alone
	Next    time.Time // of a record that was due: when it is again; zero: not before a signal comes
	Err     error
	Stale   bool
	Busy    bool
}

// Undecided says whether the input must be decided by another turn.
func (o *Outcome) Undecided() bool { return o.Stale || o.Busy }

// Poison is the panic of one input: the whole turn is void, and can be run again without it.
type Poison struct {
	Input int // its place among the turn's inputs
	Value any
	Stack []byte
}

func (p *Poison) Error() string {
	return fmt.Sprintf("deciding input %d panicked: %v", p.Input, p.Value)
}

// fold is one turn under way: the situation as the inputs so far have changed it, and what they cause.
type fold struct {
	env Env
	now *signalbox.Situation
	out *signalbox.Decision

	accounts  map[signalbox.AccountID]int // place in out.Accounts
	contacts  map[signalbox.ContactID]int // place in out.Contacts
	states    map[signalbox.EntityID]bool // already in out.States
	standing  map[signalbox.EntityID]*standing
	kept      []signalbox.Record // whose standing is saved
	following map[signalbox.EntityID]*following
	followed  []signalbox.Record // whose following is saved
	by        map[signalbox.WorkspaceID]*Compiled
	foundBy   map[signalbox.EntityID][3]string // before this turn, of records that it may have renamed
	last      map[signalbox.WorkspaceID]int64
	imports   map[signalbox.AuditID]*imported
}

// Turn decides prepared inputs in order. The Situation is used up: it must not be read again. The error is a *Poison.
func Turn(s *signalbox.Situation, inputs []Prepared, env Env) (*signalbox.Decision, []Outcome, error) {
	f := &fold{
		env: env, now: s,
		out: &signalbox.Decision{
			Heads:  map[signalbox.WorkspaceID]signalbox.Head{},
			Meters: map[signalbox.MeterKey]signalbox.Meter{},
		},
		accounts:  map[signalbox.AccountID]int{},
		contacts:  map[signalbox.ContactID]int{},
		states:    make(map[signalbox.EntityID]bool, 2*len(inputs)),
		standing:  make(map[signalbox.EntityID]*standing, 2*len(inputs)),
		following: map[signalbox.EntityID]*following{},
		by:        map[signalbox.WorkspaceID]*Compiled{},
		foundBy:   map[signalbox.EntityID][3]string{},
		last:      map[signalbox.WorkspaceID]int64{},
	}
	for _, head := range s.Heads {
		env.IDs.Above(head.LastID)
	}
	outcomes := make([]Outcome, len(inputs))
	for i := range inputs {
		if err := f.input(i, &inputs[i], &outcomes[i]); err != nil {
			return nil, nil, err
		}
	}
	f.packStandings()
	f.rankKept()
	f.packFollowings()
	f.close()
	f.tellImports()
	return f.out, outcomes, nil
}

// input decides one input, and turns its panic into a Poison.
func (f *fold) input(place int, in *Prepared, out *Outcome) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Poison{Input: place, Value: v, Stack: stack()}
		}
	}()
	head, ok := f.now.Heads[in.Workspace]
	if out.Busy = f.now.Busy[in.Workspace]; out.Busy {
		return nil
	}
	if !ok {
		out.Err = signalbox.NoSuch("workspace")
		return nil
	}
	if head.Definitions != in.By.Definitions.Version {
		out.Stale = true
		return nil
	}
	f.by[in.Workspace] = in.By
	switch {
	case in.Signal != nil:
		out.Receipt, out.Err = f.signal(in)
	case in.Account != nil && in.Account.Row != nil:
		f.accountRow(in, out)
		f.countRow(in, "account", out)
	case in.Account != nil:
		f.accountAct(in, out)
	case in.Contact != nil && in.Contact.Row != nil:
		f.contactRow(in, out)
		f.countRow(in, "contact", out)
	case in.Contact != nil:
		f.contactAct(in, out)
	case in.Merge != nil:
		f.mergeAct(in, out)
	case in.Undo != nil:
		f.undoRow(in, out)
	case in.Due != 0:
		f.recordDue(in, out)
	case in.Linked != nil:
		f.linkedAct(in, out)
	case in.Sync != nil:
		f.sync(in, out)
	case in.Qualify != nil:
		f.qualifyAct(in, out)
	}
	return nil
}

// close writes the heads of the workspaces that got ids, and says which records are found by something else now.
func (f *fold) close() {
	for i := range f.out.Accounts {
		f.out.Accounts[i].FoundBy = f.renamed(f.out.Accounts[i].Row)
	}
	for i := range f.out.Contacts {
		f.out.Contacts[i].FoundBy = f.renamed(f.out.Contacts[i].Row)
	}
	for ws, id := range f.last {
		head := f.now.Heads[ws]
		head.LastID = max(head.LastID, id)
		f.out.Heads[ws] = head
	}
}

// renamed is what a record was found by before this turn, nil when that has not changed.
func (f *fold) renamed(r signalbox.Record) *[3]string {
	if before, ok := f.foundBy[r.Entity()]; ok && before != r.FoundBy() {
		return &before
	}
	return nil
}

// mint makes the next id of a workspace.
func (f *fold) mint(ws signalbox.WorkspaceID) int64 {
	id := f.env.IDs.Next(f.env.Now)
	f.last[ws] = id
	return id
}

// writeAccount has the account saved as it stands at the end of the turn.
func (f *fold) writeAccount(a *signalbox.Account, isNew bool) {
	if _, ok := f.accounts[a.ID]; ok {
		return
	}
	f.accounts[a.ID] = len(f.out.Accounts)
	f.out.Accounts = append(f.out.Accounts, signalbox.Written[signalbox.Account]{Row: a, New: isNew})
	f.now.Accounts[a.ID] = a
}

// writeContact has the contact saved as it stands at the end of the turn.
func (f *fold) writeContact(c *signalbox.Contact, isNew bool) {
	if _, ok := f.contacts[c.ID]; ok {
		return
	}
	f.contacts[c.ID] = len(f.out.Contacts)
	f.out.Contacts = append(f.out.Contacts, signalbox.Written[signalbox.Contact]{Row: c, New: isNew})
	f.now.Contacts[c.ID] = c
}

// know makes a record known by a key, from this input on.
func (f *fold) know(key signalbox.RecordKey, entity signalbox.EntityID) {
	f.now.Keys[key] = entity
	f.out.Keys = append(f.out.Keys, signalbox.NewKey{RecordKey: key, Entity: entity})
}

// rankFor is how long a record stays where it is in a list by last signal while more come: an index entry is not rewritten for each.
const rankFor = time.Minute

// state is what is stored of a record between signals, to be saved at the end of the turn.
func (f *fold) state(ws signalbox.WorkspaceID, kind signalbox.RecordKind, entity signalbox.EntityID) *signalbox.EntityState {
	state, ok := f.now.States[entity]
	if !ok {
		state = &signalbox.EntityState{Entity: entity, Workspace: ws, New: true}
		f.now.States[entity] = state
	}
	if !f.states[entity] {
		f.states[entity] = true
		f.out.States = append(f.out.States, state)
	}
	state.Kind = kind
	return state
}

// link puts a signal at the head of a record's timeline and returns the one that was there.
func (f *fold) link(ws signalbox.WorkspaceID, kind signalbox.RecordKind, entity signalbox.EntityID, id signalbox.SignalID) signalbox.SignalID {
	if entity == 0 {
		return 0
	}
	state := f.state(ws, kind, entity)
	before := state.LastSignal
	state.LastSignal, state.LastSignalAt = id, f.env.Now
	if f.env.Now.Sub(state.Ranked) >= rankFor {
		state.Ranked = f.env.Now
	}
	state.Signals++
	return before
}
