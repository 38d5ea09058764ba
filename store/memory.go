package store

import (
	"slices"
	"sync"

	"signalbox"
)

// What a turn read and wrote of a workspace's records is remembered, so that the next one need not read it again: looking records up is
// a third of what deciding costs. Whoever writes records gives the workspace's head a new random stamp in the same transaction, so that a head which
// still has the stamp of this process's last turn says that nobody else has written since: no other node, no job, no older copy of the database that took
// this one's place. Erased records are never remembered.

// The bounds of memory.
const (
	maxRemembered = 1 << 16 // accounts and contacts, about 500 bytes each
	shyTurns      = 64      // for how many turns nothing is remembered of a workspace that somebody else has written to
)

// memory is what this process remembers of every workspace.
type memory struct {
	mu     sync.Mutex
	spaces map[signalbox.WorkspaceID]*records
	shy    map[signalbox.WorkspaceID]int // turns left without memory
	size   int
}

func newMemory() *memory {
	return &memory{spaces: map[signalbox.WorkspaceID]*records{}, shy: map[signalbox.WorkspaceID]int{}}
}

// records are those that are remembered of one workspace. One transaction has them at a time: it takes them away, and gives them back when it is
// committed.
type records struct {
	stamp    int64 // of the head when they were true; 0: never yet
	keys     map[signalbox.RecordKey]signalbox.EntityID
	accounts map[signalbox.AccountID]signalbox.Account
	contacts map[signalbox.ContactID]signalbox.Contact
	states   map[signalbox.EntityID]signalbox.EntityState
}

func newRecords() *records {
	return &records{
		keys:     map[signalbox.RecordKey]signalbox.EntityID{},
		accounts: map[signalbox.AccountID]signalbox.Account{},
		contacts: map[signalbox.ContactID]signalbox.Contact{},
		states:   map[signalbox.EntityID]signalbox.EntityState{},
	}
}

func (r *records) size() int { return len(r.accounts) + len(r.contacts) }

// take gives a transaction what is remembered of a workspace; nil: nothing is to be.
func (m *memory) take(ws signalbox.WorkspaceID) *records {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shy[ws] > 0 {
		if m.shy[ws]--; m.shy[ws] == 0 {
			delete(m.shy, ws)
		}
		return nil
	}
	r := m.spaces[ws]
	if r == nil {
		return newRecords()
	}
	delete(m.spaces, ws)
	m.size -= r.size()
	return r
}

// give remembers what a committed transaction knows of a workspace. What does not fit is forgotten, whatever comes first.
func (m *memory) give(ws signalbox.WorkspaceID, r *records) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.spaces[ws]; old != nil {
		m.size -= old.size()
	}
	m.spaces[ws] = r
	m.size += r.size()
	for other, o := range m.spaces {
		if m.size <= maxRemembered {
			return
		}
		m.size -= o.size()
		if other != ws {
			delete(m.spaces, other)
			continue
		}
		o.shrink()
		m.size += o.size()
	}
}

// shrink forgets half of the records, with their states, and half of the keys.
func (r *records) shrink() {
	half(r.accounts, func(acc signalbox.AccountID) { delete(r.states, signalbox.EntityID(acc)) })
	half(r.contacts, func(con signalbox.ContactID) { delete(r.states, signalbox.EntityID(con)) })
	half(r.keys, func(signalbox.RecordKey) {})
}

func half[K comparable, V any](m map[K]V, forgotten func(K)) {
	left := len(m) / 2
	for k := range m {
		if len(m) <= left {
			return
		}
		delete(m, k)
		forgotten(k)
	}
}

// shun has nothing remembered of a workspace for a while: somebody else writes to it too.
func (m *memory) shun(ws signalbox.WorkspaceID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shy[ws] = shyTurns
}

// knows says whether a key's record is remembered whole.
func (r *records) knows(key signalbox.RecordKey) bool {
	if r == nil {
		return false
	}
	e, ok := r.keys[key]
	if ok && key.Kind == signalbox.KeyDomain {
		_, ok = r.accounts[signalbox.AccountID(e)]
	} else if ok {
		_, ok = r.contacts[signalbox.ContactID(e)]
	}
	return ok
}

// remember keeps a record's state; nil: it has none.
func (r *records) remember(s *signalbox.EntityState) {
	if s != nil {
		r.states[s.Entity] = *s
	}
}

// saved takes what a decision has written into what is remembered. What it did not write is as it was read.
func (r *records) saved(ws signalbox.WorkspaceID, d *signalbox.Decision) {
	for _, w := range d.Accounts {
		if w.Row.Workspace == ws {
			r.accounts[w.Row.ID] = *w.Row
		}
	}
	for _, w := range d.Contacts {
		if w.Row.Workspace == ws {
			r.contacts[w.Row.ID] = *w.Row
		}
	}
	for _, s := range d.States {
		if s.Workspace == ws {
			stored := *s
			stored.New = false
			r.states[s.Entity] = stored
		}
	}
	for _, k := range d.Keys {
		if k.Workspace == ws {
			r.keys[k.RecordKey] = k.Entity
		}
	}
}

// remembering is what a transaction has taken from memory, by workspace, with what it has read since.
type remembering struct {
	from    *memory
	known   map[signalbox.WorkspaceID]*records
	offered []signalbox.RecordKey // keys that were not looked up because they are remembered
}

func (m *memory) begin(workspaces []signalbox.WorkspaceID) *remembering {
	r := &remembering{from: m, known: make(map[signalbox.WorkspaceID]*records, len(workspaces))}
	for _, ws := range workspaces {
		if known := m.take(ws); known != nil {
			r.known[ws] = known
		}
	}
	return r
}

// offers says whether a key need not be looked up unless its workspace turns out to have changed.
func (r *remembering) offers(key signalbox.RecordKey) bool {
	if !r.known[key.Workspace].knows(key) {
		return false
	}
	r.offered = append(r.offered, key)
	return true
}

// confirm holds what is remembered of a workspace against its head; false: it is forgotten.
func (r *remembering) confirm(ws signalbox.WorkspaceID, stamp int64) bool {
	known := r.known[ws]
	switch {
	case known == nil:
		return false
	case known.stamp == stamp && stamp != 0:
		return true
	case known.stamp != 0:
		r.from.shun(ws)
		delete(r.known, ws)
		return false
	}
	known.stamp = stamp
	return true
}

// keep gives memory what the transaction knows, once it is committed: stamp is that of the heads it has written.
func (r *remembering) keep(d *signalbox.Decision, stamp int64) {
	if erases(d) {
		return // all of it is read anew
	}
	written := writtenIn(d)
	for ws, known := range r.known {
		if written[ws] {
			known.saved(ws, d)
			known.stamp = stamp
		}
		r.from.give(ws, known)
	}
}

// writtenIn are the workspaces that a decision counts in or writes records of: their heads get a new stamp.
func writtenIn(d *signalbox.Decision) map[signalbox.WorkspaceID]bool {
	in := map[signalbox.WorkspaceID]bool{}
	for ws := range d.Heads {
		in[ws] = true
	}
	for i := range d.Signals {
		in[d.Signals[i].Workspace] = true
	}
	for _, w := range d.Accounts {
		in[w.Row.Workspace] = true
	}
	for _, w := range d.Contacts {
		in[w.Row.Workspace] = true
	}
	for _, s := range d.States {
		in[s.Workspace] = true
	}
	for _, k := range d.Keys {
		in[k.Workspace] = true
	}
	for _, k := range d.Freed {
		in[k.Workspace] = true
	}
	return in
}

// erases says whether a decision takes a record out of sight.
func erases(d *signalbox.Decision) bool {
	return len(d.Freed) > 0 ||
		slices.ContainsFunc(d.Accounts, func(w signalbox.Written[signalbox.Account]) bool { return !w.Row.ErasedAt.IsZero() }) ||
		slices.ContainsFunc(d.Contacts, func(w signalbox.Written[signalbox.Contact]) bool { return !w.Row.ErasedAt.IsZero() })
}
