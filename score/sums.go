package score

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"
)

// Sums are what is kept of the signals that count for a record: by type the sum of their points and how many they are, decayed to one moment, that of
// the latest. The zero value is that of no signals.
type Sums struct {
	at   int64 // the moment, in Unix microseconds
	list []sum // by type
}

// sum is what is kept of the signals of one type.
type sum struct {
	typ string
	s   float64 // their points
	n   float64 // how many they are
}

// What is less than this is rounding, or has decayed to nothing: the type is forgotten, so that what is kept stays small.
const (
	dust      = 1e-12 // points
	dustCount = 1e-9
)

// Empty says that nothing is kept.
func (s *Sums) Empty() bool { return len(s.list) == 0 }

// decay is what is left of one point after some microseconds.
func (k kind) decay(micros int64) float64 {
	if k.life == 0 || micros <= 0 {
		return 1
	}
	return math.Exp2(-float64(micros) / k.life)
}

// find is the place of a type, or where it belongs.
func (s *Sums) find(typ string) (int, bool) {
	return slices.BinarySearchFunc(s.list, typ, func(x sum, typ string) int { return cmp.Compare(x.typ, typ) })
}

// advance decays everything to a later moment.
func (m *Model) advance(s *Sums, at int64) {
	if len(s.list) == 0 {
		s.at = at
		return
	}
	for i := range s.list {
		x := &s.list[i]
		f := m.of(x.typ).decay(at - s.at)
		x.s, x.n = x.s*f, x.n*f
	}
	s.at = at
}

// Add counts a signal that happened at a moment: the earlier of when it occurred and when it was received. The order does not matter.
func (m *Model) Add(s *Sums, typ string, points float64, at time.Time) {
	m.join(s, sum{typ, points, 1}, at.UnixMicro())
}

// Remove takes away a signal that was added: it was erased, or is past retention.
func (m *Model) Remove(s *Sums, typ string, points float64, at time.Time) {
	if _, found := s.find(typ); found {
		m.join(s, sum{typ, -points, -1}, at.UnixMicro())
	}
}

// join adds what is kept of a type at some moment.
func (m *Model) join(s *Sums, x sum, at int64) {
	if at > s.at || len(s.list) == 0 {
		m.advance(s, at)
		s.sweep()
	}
	f := m.of(x.typ).decay(s.at - at)
	i, found := s.find(x.typ)
	if !found {
		s.list = slices.Insert(s.list, i, sum{x.typ, x.s * f, x.n * f})
		return
	}
	s.list[i].s += x.s * f
	if s.list[i].n += x.n * f; x.n < 0 {
		s.sweep()
	}
}

// sweep forgets the types of which nothing is left.
func (s *Sums) sweep() {
	s.list = slices.DeleteFunc(s.list, func(x sum) bool { return math.Abs(x.s) < dust && x.n < dustCount })
}

// Join is what is kept of the signals of several records together. The parts stay as they are.
func (m *Model) Join(parts ...*Sums) Sums {
	var all Sums
	for _, p := range parts {
		for _, x := range p.list {
			m.join(&all, x, p.at)
		}
	}
	return all
}

// value is what the signals of a type count some microseconds later.
func (m *Model) value(x *sum, k kind, after int64) float64 {
	f := k.decay(after)
	v := x.s * f
	if m.boost != 0 {
		v *= 1 + m.boost*(1-1/max(1, x.n*f))
	}
	return max(-k.cap, min(k.cap, v))
}

// At is how many points the signals are worth at a moment, which is not before any of them.
func (m *Model) At(s *Sums, t time.Time) (points float64) {
	after := t.UnixMicro() - s.at
	for i := range s.list {
		x := &s.list[i]
		points += m.value(x, m.of(x.typ), after)
	}
	return points
}

// words are the types that are written as one byte, by their place. The order is part of what is stored: new ones come last.
var words = []string{
	"", "meeting_booked", "deal_created", "form_submit", "crm_stage_change", "linkedin_connection", "email_click", "email_open", "page_visit", "page_view",
	"form_submitted", "demo_requested", "product_trial_started", "custom_event",
}

// counted is the flag of sums that are written with how many signals they are of.
const counted = 1

// Append writes what is kept: flags, the moment, how many types, and of each its name and sum. How many signals they are of matters only where the model
// has a boost, and is written only there.
func (m *Model) Append(b []byte, s *Sums) []byte {
	flags := byte(0)
	if m.boost != 0 {
		flags |= counted
	}
	b = append(b, flags)
	b = binary.AppendVarint(b, s.at)
	b = binary.AppendUvarint(b, uint64(len(s.list)))
	for i := range s.list {
		x := &s.list[i]
		if word := slices.Index(words, x.typ); word > 0 {
			b = append(b, byte(word))
		} else {
			b = append(b, 0)
			b = binary.AppendUvarint(b, uint64(len(x.typ)))
			b = append(b, x.typ...)
		}
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(x.s))
		if flags&counted != 0 {
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(x.n))
		}
	}
	return b
}

var errSums = errors.New("these are no sums of signals: they are cut off, or in another order")

// reader takes what was written apart; bad says that it ended too early.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	got := r.b[:n]
	r.b = r.b[n:]
	return got
}

func (r *reader) byte() byte {
	if got := r.take(1); got != nil {
		return got[0]
	}
	return 0
}

func (r *reader) float() float64 {
	got := r.take(8)
	if got == nil {
		return 0
	}
	v := math.Float64frombits(binary.BigEndian.Uint64(got))
	r.bad = r.bad || math.IsNaN(v) || math.IsInf(v, 0)
	return v
}

func (r *reader) uvarint() uint64 {
	v, size := binary.Uvarint(r.b)
	r.take(uint64(max(size, 0)))
	r.bad = r.bad || size <= 0
	return v
}

func (r *reader) varint() int64 {
	v, size := binary.Varint(r.b)
	r.take(uint64(max(size, 0)))
	r.bad = r.bad || size <= 0
	return v
}

// typ reads a type's name.
func (r *reader) typ() string {
	word := int(r.byte())
	if word == 0 {
		return string(r.take(r.uvarint()))
	}
	if word >= len(words) {
		r.bad = true
		return ""
	}
	return words[word]
}

// Decode reads what [Model.Append] wrote, all of b.
func Decode(b []byte) (Sums, error) {
	r := reader{b: b}
	flags := r.byte()
	s := Sums{at: r.varint()}
	n := r.uvarint()
	const least = 1 + 8 // bytes of a type
	if r.bad || flags > counted || n > uint64(len(r.b)/least) {
		return Sums{}, errSums
	}
	s.list = make([]sum, 0, n+1)
	for range n {
		x := sum{typ: r.typ(), s: r.float()}
		if flags&counted != 0 {
			x.n = r.float()
		}
		if k := len(s.list); r.bad || k > 0 && s.list[k-1].typ >= x.typ {
			return Sums{}, errSums
		}
		s.list = append(s.list, x)
	}
	if len(r.b) > 0 {
		return Sums{}, errSums
	}
	return s, nil
}
