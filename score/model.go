package score

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"signalbox"
)

// The shipped way of scoring (contract section 6).
const (
	DefaultPoints   = 5.0
	DefaultHalfLife = signalbox.HalfLife(14 * 24 * time.Hour)
	DefaultCap      = 40.0
)

// shipped are the points of the types that are known from the start (V-11, C17).
var shipped = map[string]float64{
	"meeting_booked": 25, "deal_created": 20, "form_submit": 18, "crm_stage_change": 12, "linkedin_connection": 8,
	"email_click": 6, "email_open": 3, "page_visit": 2, "page_view": 2,
}

// Shipped lists the types that have points from the start.
func Shipped() map[string]float64 {
	return maps.Clone(shipped)
}

// Model is a workspace's scoring, ready to be asked.
type Model struct {
	types  map[string]kind
	others kind
	boost  float64
	rules  []signalbox.ScoreRule
	stages [2][]signalbox.Stage // of accounts, of contacts
}

// kind is how signals of one type count.
type kind struct {
	points float64
	cap    float64
	life   float64 // the half-life in microseconds; 0: they never decay
}

// Compile makes a scoring ready.
func Compile(s *signalbox.Scoring) *Model {
	m := &Model{types: map[string]kind{}, boost: s.Boost, rules: slices.Clone(s.Rules)}
	m.others = kind{points: or(s.Points, DefaultPoints), cap: or(s.Cap, DefaultCap), life: lifeOf(s.HalfLife, micros(DefaultHalfLife))}
	for name, points := range shipped {
		m.types[name] = kind{points, m.others.cap, m.others.life}
	}
	for name, t := range s.Types {
		base, ok := m.types[name]
		if !ok {
			base = m.others
		}
		m.types[name] = kind{points: or(t.Points, base.points), cap: or(t.Cap, base.cap), life: lifeOf(t.HalfLife, base.life)}
	}
	for i, stages := range [2][]signalbox.Stage{s.AccountStages, s.ContactStages} {
		if len(stages) == 0 {
			stages = signalbox.ShippedStages()
		}
		m.stages[i] = slices.Clone(stages)
	}
	return m
}

func or(v *float64, otherwise float64) float64 {
	if v == nil {
		return otherwise
	}
	return *v
}

// lifeOf is a half-life in microseconds, 0 for never; otherwise stands for nil.
func lifeOf(h *signalbox.HalfLife, otherwise float64) float64 {
	if h == nil {
		return otherwise
	}
	return micros(*h)
}

func micros(h signalbox.HalfLife) float64 {
	if h == signalbox.NeverDecays {
		return 0
	}
	return float64(time.Duration(h).Microseconds())
}

// of says how signals of a type count.
func (m *Model) of(typ string) kind {
	if k, ok := m.types[typ]; ok {
		return k
	}
	return m.others
}

// Part is a share of a signal's points.
type Part struct {
	Rule   int    // its place among the scoring's rules; -1: the type's own points
	Name   string // of the rule, or the type
	Points float64
}

// Points says what a signal of a type is worth, and what gave it the points: its type first, then each rule of which when says that it holds. when is
// asked only of rules that are about the type.
func (m *Model) Points(typ string, when func(rule int) bool) (points float64, by []Part) {
	points = m.of(typ).points
	by = []Part{{Rule: -1, Name: typ, Points: points}}
	for i, r := range m.rules {
		if matches(r.Type, typ) && when(i) {
			points += r.Points
			by = append(by, Part{Rule: i, Name: r.Title(), Points: r.Points})
		}
	}
	return points, by
}

// matches says whether a rule's pattern names a type.
func matches(pattern, typ string) bool {
	prefix, wild := strings.CutSuffix(pattern, "*")
	if wild {
		return strings.HasPrefix(typ, prefix)
	}
	return pattern == typ
}

// Shown is the whole number that is shown of points: rounded half up, never below 0.
func Shown(points float64) int {
	return max(0, int(math.Floor(points+0.5)))
}

// HalfLife is that of a type that has none of its own.
func (m *Model) HalfLife() signalbox.HalfLife {
	if m.others.life == 0 {
		return signalbox.NeverDecays
	}
	return signalbox.HalfLife(time.Duration(m.others.life) * time.Microsecond)
}

// Stages are the names of scores, ascending, the first from 0.
func (m *Model) Stages(of signalbox.RecordKind) []signalbox.Stage {
	return slices.Clone(m.stagesOf(of))
}

func (m *Model) stagesOf(of signalbox.RecordKind) []signalbox.Stage {
	if of == signalbox.ContactRecord {
		return m.stages[1]
	}
	return m.stages[0]
}

// Stage is the name of a score.
func (m *Model) Stage(of signalbox.RecordKind, score int) string {
	stages := m.stagesOf(of)
	name := stages[0].Name
	for _, s := range stages[1:] {
		if score >= s.From {
			name = s.Name
		}
	}
	return name
}

// Thresholds are the scores at which a stage begins, ascending.
func (m *Model) Thresholds(of signalbox.RecordKind) []int {
	stages := m.stagesOf(of)
	list := make([]int, len(stages))
	for i, s := range stages {
		list[i] = s.From
	}
	return list
}
