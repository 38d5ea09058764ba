package store

import (
	"encoding/binary"
	"slices"
	"sync"

	"signalbox"
)

// What a turn read and wrote of a workspace's records is remembered, so that the next one need not read it again: looking records up is
// a third of what deciding costs. Whoever writes records says in the workspace's head, in the same transaction, which ones (changes), under a random
// stamp. A process that finds the stamp of what it remembers in the head reads anew only what was changed since; one that does not find it
// forgets everything: another node has been ahead for many turns, a job has changed records, or an older copy of the database took this one's place.

// The bounds of memory.
const (
	maxRemembered = 1 << 14 // accounts and contacts, about 600 bytes each
	shyTurns      = 64      // for how many turns nothing is remembered of a workspace whose head did not know what is remembered

	maxChanges     = 8       // turns that a head tells of
	maxChangeBytes = 3 << 10 // of all of them: two versions of a head fit into a page of PostgreSQL
	everything     = 1<<16 - 1
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
	stamp    int64 // of the head's newest turn when they were true; 0: never yet
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
	if m.size <= maxRemembered {
		return
	}
	enough := maxRemembered - maxRemembered/8 // so that it is not the next turn's work again
	for other, o := range m.spaces {
		if excess := m.size - enough; other != ws && excess > 0 {
			delete(m.spaces, other)
			m.size -= o.size()
		}
	}
	if excess := m.size - enough; excess > 0 {
		r.shrink(excess)
		m.size -= excess
	}
}

// shrink forgets so many records, at random, with their states, and the keys that lead nowhere then.
func (r *records) shrink(by int) {
	before := r.size()
	drop(r.accounts, by*len(r.accounts)/before, func(acc signalbox.AccountID) { delete(r.states, signalbox.EntityID(acc)) })
	drop(r.contacts, by-(before-r.size()), func(con signalbox.ContactID) { delete(r.states, signalbox.EntityID(con)) })
	for key := range r.keys {
		if !r.knows(key) {
			delete(r.keys, key)
		}
	}
}

func drop[K comparable, V any](m map[K]V, n int, dropped func(K)) {
	for k := range m {
		if n--; n < 0 {
			return
		}
		delete(m, k)
		dropped(k)
	}
}

// shun has nothing remembered of a workspace for a while: too many write to it.
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

// forget takes a record out.
func (r *records) forget(e signalbox.EntityID) {
	delete(r.accounts, signalbox.AccountID(e))
	delete(r.contacts, signalbox.ContactID(e))
	delete(r.states, e)
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
		if _, known := r.accounts[w.Row.ID]; w.Row.Workspace == ws && (known || w.New) {
			r.accounts[w.Row.ID] = *w.Row
		}
	}
	for _, w := range d.Contacts {
		if _, known := r.contacts[w.Row.ID]; w.Row.Workspace == ws && (known || w.New) {
			r.contacts[w.Row.ID] = *w.Row
		}
	}
	for _, s := range d.States {
		if s.Workspace == ws && r.has(s.Entity) { // a record and its state are known together or not at all
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

// has says whether a record is remembered.
func (r *records) has(e signalbox.EntityID) bool {
	_, account := r.accounts[signalbox.AccountID(e)]
	_, contact := r.contacts[signalbox.ContactID(e)]
	return account || contact
}

// remembering is what a transaction has taken from memory, by workspace, with what it has read since.
type remembering struct {
	from    *memory
	known   map[signalbox.WorkspaceID]*records
	heads   map[signalbox.WorkspaceID]changes // what the heads told
	offered []signalbox.RecordKey             // keys that were not looked up because they are remembered
}

func (m *memory) begin(workspaces []signalbox.WorkspaceID) *remembering {
	r := &remembering{from: m, known: make(map[signalbox.WorkspaceID]*records, len(workspaces)), heads: map[signalbox.WorkspaceID]changes{}}
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

// confirm holds what is remembered of a workspace against its head, and forgets what was changed since: all of it when the head does not tell.
func (r *remembering) confirm(ws signalbox.WorkspaceID, c changes) {
	known := r.known[ws]
	if known == nil {
		return
	}
	if known.stamp != 0 {
		changed, ok := c.since(known.stamp)
		if !ok {
			r.from.shun(ws)
			delete(r.known, ws)
			return
		}
		for _, e := range changed {
			known.forget(e)
		}
	}
	known.stamp = c.stamp()
}

// keep gives memory what the transaction knows, once it is committed: stamp is that of the heads it has written.
func (r *remembering) keep(d *signalbox.Decision, stamp int64) {
	if erases(d) {
		return // all of it is read anew
	}
	written := writtenIn(d)
	for ws, known := range r.known {
		if _, ok := written[ws]; ok {
			known.saved(ws, d)
			known.stamp = stamp
		}
		if known.stamp != 0 {
			r.from.give(ws, known)
		}
	}
}

// changes is what a head tells of its last turns, the newest first: for each a stamp of eight bytes, a number of two, and so many ids of the records
// that it wrote; everything stands for all of them. No bytes: nothing is known.
type changes []byte

// stamp is the newest turn's, 0 for none.
func (c changes) stamp() int64 {
	if len(c) < 10 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(c))
}

// next is the turn behind the newest one.
func (c changes) next() changes {
	n := int(binary.BigEndian.Uint16(c[8:]))
	if n == everything {
		n = 0
	}
	return c[min(10+8*n, len(c)):]
}

// since are the records that were written after a stamp; false: the head does not tell.
func (c changes) since(stamp int64) (entities []signalbox.EntityID, ok bool) {
	for ; c.stamp() != 0; c = c.next() {
		if c.stamp() == stamp {
			return entities, true
		}
		if binary.BigEndian.Uint16(c[8:]) == everything {
			return nil, false
		}
		for ids := c[10 : len(c)-len(c.next())]; len(ids) >= 8; ids = ids[8:] {
			entities = append(entities, signalbox.EntityID(binary.BigEndian.Uint64(ids)))
		}
	}
	return nil, false
}

// with puts a turn before the others; the oldest go when there are too many.
func (c changes) with(stamp int64, entities []signalbox.EntityID, all bool) changes {
	slices.Sort(entities)
	entities = slices.Compact(entities)
	all = all || 10+8*len(entities) > maxChangeBytes/2
	out := binary.BigEndian.AppendUint64(make(changes, 0, 10+8*len(entities)+len(c)), uint64(stamp))
	if all {
		return binary.BigEndian.AppendUint16(out, everything)
	}
	out = binary.BigEndian.AppendUint16(out, uint16(len(entities)))
	for _, e := range entities {
		out = binary.BigEndian.AppendUint64(out, uint64(e))
	}
	for n := 1; n < maxChanges && c.stamp() != 0; n++ {
		one := c[:len(c)-len(c.next())]
		if len(out)+len(one) > maxChangeBytes {
			break
		}
		out, c = append(out, one...), c.next()
	}
	return out
}

// writtenIn are the records that a decision writes, some of them twice, by workspace; also of a workspace that it only counts in.
func writtenIn(d *signalbox.Decision) map[signalbox.WorkspaceID][]signalbox.EntityID {
	in := map[signalbox.WorkspaceID][]signalbox.EntityID{}
	add := func(ws signalbox.WorkspaceID, e signalbox.EntityID) { in[ws] = append(in[ws], e) }
	for ws := range d.Heads {
		in[ws] = nil
	}
	for i := range d.Signals {
		in[d.Signals[i].Workspace] = nil
	}
	for _, k := range d.Keys {
		add(k.Workspace, k.Entity)
	}
	for _, w := range d.Accounts {
		add(w.Row.Workspace, signalbox.EntityID(w.Row.ID))
	}
	for _, w := range d.Contacts {
		add(w.Row.Workspace, signalbox.EntityID(w.Row.ID))
	}
	for _, s := range d.States {
		add(s.Workspace, s.Entity)
	}
	return in
}

// erases says whether a decision takes a record out of sight.
func erases(d *signalbox.Decision) bool {
	return len(d.Freed) > 0 ||
		slices.ContainsFunc(d.Accounts, func(w signalbox.Written[signalbox.Account]) bool { return !w.Row.ErasedAt.IsZero() }) ||
		slices.ContainsFunc(d.Contacts, func(w signalbox.Written[signalbox.Contact]) bool { return !w.Row.ErasedAt.IsZero() })
}
