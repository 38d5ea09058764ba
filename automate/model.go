package automate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"signalbox"
	"signalbox/expr"
)

// Model is a workspace's automations and notifications, ready to be asked. It never changes and is safe for concurrent use.
type Model struct {
	list    []*entry            // by id, disabled ones too
	byType  map[string][]*entry // enabled ones that a signal may start, by the types that any of them names
	anyType []*entry            // those that one of any other type may start
	byEvent map[string][]*entry // enabled ones by the event that starts them, but for signals and records
	records []*entry            // enabled ones that a record of a linked account may start
	atoms   []expr.Atom
}

// entry is one automation that was compiled.
type entry struct {
	a        signalbox.Automation // of a notification, what it stands for
	property *expr.Program        // of OnProperty
	when     []*expr.Program      // the trigger's conditions, then its own
	types    []string             // of signals outside of which it cannot be started by one; nil: any
	actions  []*action
}

// Compile makes automations ready, disabled ones too: they can be asked about, and are never started. The error is of one that [Check] refuses.
func Compile(list []signalbox.Automation) (*Model, error) {
	m := &Model{byType: map[string][]*entry{}, byEvent: map[string][]*entry{}}
	for i := range list {
		e, err := ready(&list[i])
		if err != nil {
			return nil, fmt.Errorf("automation %q: %w", list[i].Name, err)
		}
		m.list = append(m.list, e)
	}
	slices.SortFunc(m.list, func(a, b *entry) int { return cmp.Compare(a.a.ID, b.a.ID) })
	for i, e := range m.list {
		if e.a.ID <= 0 || i > 0 && m.list[i-1].a.ID == e.a.ID {
			return nil, fmt.Errorf("automation %q: its id is not its own", e.a.Name)
		}
	}
	m.index()
	m.gather()
	return m, nil
}

// index finds what starts the enabled ones.
func (m *Model) index() {
	for _, e := range m.list {
		for _, typ := range e.types {
			if e.a.Enabled {
				m.byType[typ] = nil
			}
		}
	}
	for _, e := range m.list {
		if !e.a.Enabled {
			continue
		}
		switch t := (*triggered)(&e.a.Trigger); {
		case t.signals():
			m.startedBySignals(e)
		case t.records():
			m.records = append(m.records, e)
		default:
			m.byEvent[t.event()] = append(m.byEvent[t.event()], e)
		}
	}
}

func (m *Model) startedBySignals(e *entry) {
	if e.types == nil {
		m.anyType = append(m.anyType, e)
	}
	for typ := range m.byType {
		if e.types == nil || slices.Contains(e.types, typ) {
			m.byType[typ] = append(m.byType[typ], e)
		}
	}
}

// gather collects the questions on signals.
func (m *Model) gather() {
	atoms := map[string]expr.Atom{}
	for _, e := range m.list {
		for _, p := range e.when {
			for _, a := range p.Atoms() {
				a.Keep = max(a.Keep, atoms[a.Key].Keep)
				atoms[a.Key] = a
			}
		}
	}
	for _, a := range atoms {
		m.atoms = append(m.atoms, a)
	}
	slices.SortFunc(m.atoms, func(a, b expr.Atom) int { return strings.Compare(a.Key, b.Key) })
}

// find returns an automation, nil when there is none of that id.
func (m *Model) find(id signalbox.AutomationID) *entry {
	i, found := slices.BinarySearchFunc(m.list, id, func(e *entry, id signalbox.AutomationID) int { return cmp.Compare(e.a.ID, id) })
	if !found {
		return nil
	}
	return m.list[i]
}

// Empty says that no automation is enabled: nothing need be asked.
func (m *Model) Empty() bool {
	return len(m.byType) == 0 && len(m.anyType) == 0 && len(m.byEvent) == 0 && len(m.records) == 0
}

// Atoms are the questions on signals of all conditions, each once, and keeping as many times as the one that needs most; by key. Those of disabled automations are
// among them, so that enabling one answers at once as if it had been enabled before. Package audience keeps their times.
func (m *Model) Atoms() []expr.Atom { return slices.Clone(m.atoms) }

// Thresholds are the scores of a kind of records that enabled automations wait for, ascending, each once: whoever looks ahead for when time alone changes
// something looks for them, too, and tells of the crossing as [Scored].
func (m *Model) Thresholds(of signalbox.RecordKind) []int {
	var list []int
	for _, e := range m.byEvent[of.String()+scoreChanged] {
		if e.a.Trigger.Type == signalbox.OnScore {
			list = append(list, e.a.Trigger.Threshold)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Listens says whether an event may start an enabled automation.
func (m *Model) Listens(event string) bool {
	switch {
	case event == signalCreated || event == signalScored:
		return len(m.anyType) > 0 || len(m.byType) > 0
	case recordEvent.MatchString(event):
		recordType, change := about(event)
		return slices.ContainsFunc(m.records, func(e *entry) bool {
			t := &e.a.Trigger
			return t.Event == event || t.Type == signalbox.OnRecord && t.RecordType == recordType && (t.Change == "" || t.Change == change)
		})
	}
	return len(m.byEvent[event]) > 0
}

// Claims says whether any automation's runs are remembered by record: then deciding needs the states of those whom something happens to.
func (m *Model) Claims() bool {
	return slices.ContainsFunc(m.list, func(e *entry) bool { return e.a.Frequency.Limits() })
}

// Most bounds what one happening can cause: so many runs, and actions of all of them together.
func (m *Model) Most() (runs, actions int) {
	count := func(list []*entry) {
		n := 0
		for _, e := range list {
			n += len(e.actions)
		}
		runs, actions = max(runs, len(list)), max(actions, n)
	}
	count(m.anyType)
	count(m.records)
	for _, list := range m.byType {
		count(list)
	}
	for _, list := range m.byEvent {
		count(list)
	}
	return runs, actions
}

// Matched is an automation as if something had started it, enabled or not: for tests of it. false: there is none of that id.
func (m *Model) Matched(id signalbox.AutomationID) (Matched, bool) {
	e := m.find(id)
	return Matched{e}, e != nil
}
