package audience

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"signalbox"
	"signalbox/expr"
)

// Model is a workspace's audiences, made ready, and the atoms that times are kept for. It never changes and is safe for concurrent use.
type Model struct {
	atoms  []atom           // by key
	byKey  map[string]int   // atoms, by the key that programs ask with
	byType map[string][]int // atoms that may hold on signals of a type that any of them names
	other  []int            // those that may hold on signals of any other type
	sides  [2]side          // of accounts and of contacts
}

// atom is a question on one signal.
type atom struct {
	expr.Atom
	key uint64 // its key in states
}

// side is the audiences of one kind of records. Its sets are places in list.
type side struct {
	list    []entry // by id
	time    set     // those that read the time
	record  set     // those that read the record, or a contact's account
	score   set     // those that read a score or a stage
	signals set     // those that ask about signals
	byType  map[string]set
	other   set // of a type that none of them names
	account bool
}

// entry is one audience.
type entry struct {
	id    signalbox.AudienceID
	ready bool
	time  bool
	p     *expr.Program
}

// set is a set of small numbers.
type set []uint64

func (s set) add(i int)  { s[i/64] |= 1 << (i % 64) }
func (s set) drop(i int) { s[i/64] &^= 1 << (i % 64) }

func (s set) join(other set) {
	for i := range other {
		s[i] |= other[i]
	}
}

// covers says whether another set lies within this one.
func (s set) covers(other set) bool {
	for i := range other {
		if other[i]&^s[i] != 0 {
			return false
		}
	}
	return true
}

// Check says what is wrong with an audience that is to be saved.
func Check(a *signalbox.Audience) error {
	_, err := check(a)
	return err
}

func check(a *signalbox.Audience) (*expr.Program, error) {
	if n := utf8.RuneCountInString(a.Name); strings.TrimSpace(a.Name) == "" || n > signalbox.MaxName {
		return nil, signalbox.InvalidField("name", "name must have 1 to %d characters", signalbox.MaxName)
	}
	if a.Of != signalbox.AccountRecord && a.Of != signalbox.ContactRecord {
		return nil, signalbox.InvalidField("entity", "entity must be account or contact")
	}
	p, err := expr.Compile(a.Condition, expr.Options{Use: expr.ForRecord})
	if err != nil {
		return nil, signalbox.InvalidField("condition", "condition: %s", err)
	}
	for _, field := range p.Reads().Fields {
		switch root, rest, _ := strings.Cut(field, "."); {
		case root == "signal" && rest == "":
			return nil, signalbox.InvalidField("condition", `condition: signal is only known while one arrives; ask the record's signals, as in signals.type == "page_view"`)
		case root == "signal":
			return nil, signalbox.InvalidField("condition", "condition: %s is only known while a signal arrives; write signals.%s, which asks all signals of the record",
				field, rest)
		case root == "contact" && a.Of == signalbox.AccountRecord:
			return nil, signalbox.InvalidField("condition", "condition: %s cannot be read of an account, which may have many contacts; make it an audience of contacts, "+
				"or ask the account's signals, which are those of its contacts too", field)
		}
	}
	return p, nil
}

// Compile makes audiences ready. The atoms are further ones to keep times for, those of other rooms' conditions. It refuses what [Check] does, and what
// together would keep more of a record than [MaxState].
func Compile(list []signalbox.Audience, atoms []expr.Atom) (*Model, error) {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b signalbox.Audience) int { return cmp.Compare(a.ID, b.ID) })
	m := &Model{byKey: map[string]int{}}
	for i := range list {
		a := &list[i]
		p, err := check(a)
		if err != nil {
			return nil, fmt.Errorf("audience %q: %w", a.Name, err)
		}
		if a.ID <= 0 || i > 0 && list[i-1].ID == a.ID {
			return nil, fmt.Errorf("audience %q: its id is not its own", a.Name)
		}
		s := m.side(a.Of)
		s.list = append(s.list, entry{id: a.ID, ready: a.Ready, time: p.Reads().Time, p: p})
		m.keep(p.Atoms())
	}
	m.keep(atoms)
	if err := m.bounded(); err != nil {
		return nil, err
	}
	m.index()
	for i := range m.sides {
		m.sides[i].index()
	}
	return m, nil
}

// side is that of a kind.
func (m *Model) side(kind signalbox.RecordKind) *side {
	if kind == signalbox.ContactRecord {
		return &m.sides[1]
	}
	return &m.sides[0]
}

// keep adds atoms; of equal ones the one that needs most counts.
func (m *Model) keep(list []expr.Atom) {
	for _, a := range list {
		i, found := m.byKey[a.Key]
		if !found {
			i = len(m.atoms)
			m.byKey[a.Key] = i
			sum := sha256.Sum256([]byte(a.Key))
			m.atoms = append(m.atoms, atom{a, binary.BigEndian.Uint64(sum[:])})
		}
		m.atoms[i].Keep = max(m.atoms[i].Keep, a.Keep)
	}
}

// bounded refuses what a record's state has no room for.
func (m *Model) bounded() error {
	audiences := max(len(m.sides[0].list), len(m.sides[1].list))
	times, size := 0, perHead+audiences*perAudience+len(m.atoms)*perAtom
	for i := range m.atoms {
		times += m.atoms[i].Keep
	}
	if size += times * perTime; size <= MaxState {
		return nil
	}
	return signalbox.InvalidField("condition", "condition: the audiences and conditions of this workspace would keep %d times of %d questions on signals for each record, "+
		"up to %d bytes, the most is %d; compare counts with smaller numbers, ask the same question in the same words, or delete what is not needed",
		times, len(m.atoms), size, MaxState)
}

// index sorts the atoms and finds those that a type of signals may satisfy.
func (m *Model) index() {
	slices.SortFunc(m.atoms, func(a, b atom) int { return cmp.Compare(a.key, b.key) })
	m.byType = map[string][]int{}
	for i := range m.atoms {
		m.byKey[m.atoms[i].Key] = i
		for _, typ := range m.atoms[i].Reads().Types {
			m.byType[typ] = nil
		}
	}
	for i := range m.atoms {
		types := m.atoms[i].Reads().Types
		if types == nil {
			m.other = append(m.other, i)
		}
		for typ := range m.byType {
			if types == nil || slices.Contains(types, typ) {
				m.byType[typ] = append(m.byType[typ], i)
			}
		}
	}
}

// index finds what the audiences read.
func (s *side) index() {
	words := (len(s.list) + 63) / 64
	empty := func() set { return make(set, words) }
	s.time, s.record, s.score, s.signals, s.other, s.byType = empty(), empty(), empty(), empty(), empty(), map[string]set{}
	for i := range s.list {
		for _, a := range s.list[i].p.Atoms() {
			for _, typ := range a.Reads().Types {
				s.byType[typ] = empty()
			}
		}
	}
	for i := range s.list {
		e := &s.list[i]
		reads := e.p.Reads()
		s.account = s.account || reads.Account
		if e.time {
			s.time.add(i)
		}
		for _, field := range reads.Fields {
			s.reads(i, field)
		}
		for _, a := range e.p.Atoms() {
			s.asks(i, a.Reads().Types)
		}
	}
}

// reads notes a field that an audience reads.
func (s *side) reads(i int, field string) {
	switch field {
	case "account.score", "account.stage", "contact.score", "contact.stage":
		s.score.add(i)
		return
	case "account", "contact":
		s.score.add(i)
	}
	if !strings.HasPrefix(field, "signals") {
		s.record.add(i)
	}
}

// asks notes the types of signals that an audience asks about; nil: any.
func (s *side) asks(i int, types []string) {
	s.signals.add(i)
	if types == nil {
		s.other.add(i)
	}
	for typ, of := range s.byType {
		if types == nil || slices.Contains(types, typ) {
			of.add(i)
		}
	}
}

// FollowsAccounts says whether some audience of contacts reads the contact's account: then a change of an account is one of each of its contacts, and they must be
// judged too.
func (m *Model) FollowsAccounts() bool { return m.sides[1].account }
