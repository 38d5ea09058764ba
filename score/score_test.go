package score_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox"
	"signalbox/score"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func number(v float64) *float64 { return &v }

func life(d time.Duration) *signalbox.HalfLife {
	h := signalbox.HalfLife(d)
	return &h
}

// models are ways of scoring that differ in what matters: the shipped one, a boosted one, and one with other half-lives, caps and negative points.
func models() []*signalbox.Scoring {
	never := signalbox.NeverDecays
	return []*signalbox.Scoring{
		{},
		{Boost: 0.5, HalfLife: life(30 * day)},
		{Types: map[string]signalbox.TypeScoring{
			"complaint": {Points: number(-15), HalfLife: life(5 * day), Cap: number(60)}, "contract": {Points: number(30), HalfLife: &never},
			"page_view": {HalfLife: life(time.Hour)}, "form_submit": {Cap: number(25)},
		}, Boost: 0.2},
	}
}

var types = []string{"meeting_booked", "form_submit", "page_view", "complaint", "contract", "custom"}

type sent struct {
	typ string
	at  time.Time
}

func signals(rng *rand.Rand, n int) []sent {
	list := make([]sent, n)
	for i := range list {
		list[i] = sent{types[rng.IntN(len(types))], start.Add(-time.Duration(rng.Int64N(int64(60 * day))))}
	}
	return list
}

func add(m *score.Model, s *score.Sums, list []sent) {
	for _, g := range list {
		points, _ := m.Points(g.typ, never)
		m.Add(s, g.typ, points, g.at)
	}
}

func never(int) bool { return false }

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9 }

// direct is the formula of contract section 6, signal by signal.
func direct(s *signalbox.Scoring, list []sent, at time.Time) (points float64) {
	m := score.Compile(s)
	for _, typ := range types {
		h, limit := 14*day, 40.0
		if s.HalfLife != nil {
			h = time.Duration(*s.HalfLife)
		}
		if t, ok := s.Types[typ]; ok {
			if t.HalfLife != nil {
				h = time.Duration(*t.HalfLife)
			}
			if t.Cap != nil {
				limit = *t.Cap
			}
		}
		sum, n := 0.0, 0.0
		for _, g := range list {
			if g.typ != typ || g.at.After(at) {
				continue
			}
			left := 1.0
			if h > 0 {
				left = math.Exp2(-float64(at.Sub(g.at)) / float64(h))
			}
			worth, _ := m.Points(typ, never)
			sum += worth * left
			n += left
		}
		v := sum * (1 + s.Boost*(1-1/math.Max(1, n)))
		points += math.Max(-limit, math.Min(limit, v))
	}
	return points
}

// proves contract section 6: late, split, doubled and taken back, the points are those of the formula, to 1e-9
func TestSums_TheOrderOfArrivalDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		scoring := models()[rapid.IntRange(0, 2).Draw(rt, "model")]
		m := score.Compile(scoring)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 2))
		list := signals(rng, rapid.IntRange(0, 60).Draw(rt, "signals"))
		at := start.Add(time.Duration(rng.Int64N(int64(90 * day))))
		want := direct(scoring, list, at)

		var inOrder, shuffled, other score.Sums
		slices.SortFunc(list, func(a, b sent) int { return a.at.Compare(b.at) })
		add(m, &inOrder, list)
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		add(m, &shuffled, list)
		half := len(list) / 2
		var first, second score.Sums
		add(m, &first, list[:half])
		add(m, &second, list[half:])
		add(m, &other, append(slices.Clone(list), list...))
		for _, g := range list {
			points, _ := m.Points(g.typ, never)
			m.Remove(&other, g.typ, points, g.at)
		}
		joined := m.Join(&first, &second)
		read, err := score.Decode(m.Append(nil, &shuffled))
		if err != nil {
			rt.Fatal(err)
		}
		for name, s := range map[string]*score.Sums{"in order": &inOrder, "shuffled": &shuffled, "joined": &joined, "doubled and taken back": &other, "read again": &read} {
			if got := m.At(s, at); !near(got, want) {
				rt.Fatalf("%s: %v points, the formula gives %v", name, got, want)
			}
		}
	})
}

// proves contract section 6: contributions and rest sum to the points, at any time under any model
func TestExplain_SumsToThePoints(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		scoring := models()[rapid.IntRange(0, 2).Draw(rt, "model")]
		m := score.Compile(scoring)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 4))
		list := signals(rng, rapid.IntRange(0, 60).Draw(rt, "signals"))
		at := start.Add(time.Duration(rng.Int64N(int64(120*day))) - 60*day)
		most := rapid.IntRange(0, 30).Draw(rt, "most")
		scored := make([]signalbox.Scored, len(list))
		for i, g := range list {
			points, _ := m.Points(g.typ, never)
			scored[i] = signalbox.Scored{ID: signalbox.SignalID(i + 1), Type: g.typ, Points: signalbox.PointsOf(points), At: g.at}
		}
		e := m.Explain(scored, at, most)
		sum := e.RestPoints
		for i, c := range e.Contributions {
			sum += c.Left
			if c.At.After(at) || i > 0 && math.Abs(c.Left) > math.Abs(e.Contributions[i-1].Left)+1e-9 {
				rt.Fatalf("contribution %d is %+v", i, c)
			}
		}
		if want := direct(scoring, list, at); !near(e.Points, want) || !near(sum, want) || len(e.Contributions) > most {
			rt.Fatalf("%d contributions and %d others sum to %v of %v points, the formula gives %v", len(e.Contributions), e.Rest, sum, e.Points, want)
		}
	})
}

// A history says at each moment what an explanation sums to there: at the moment of a signal too, before all of them, and long after.
func TestHistory_IsWhatExplainSaysAtEachMoment(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := score.Compile(models()[rapid.IntRange(0, 2).Draw(rt, "model")])
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 5))
		list := signals(rng, rapid.IntRange(0, 80).Draw(rt, "signals"))
		scored := make([]signalbox.Scored, len(list))
		at := make([]time.Time, rapid.IntRange(0, 40).Draw(rt, "moments"))
		for i := range at {
			at[i] = start.Add(time.Duration(rng.Int64N(int64(400*day))) - 90*day)
		}
		for i, g := range list {
			points, _ := m.Points(g.typ, never)
			scored[i] = signalbox.Scored{ID: signalbox.SignalID(i + 1), Type: g.typ, Points: signalbox.PointsOf(points), At: g.at}
			if i%7 == 0 {
				at = append(at, g.at, g.at.Add(-time.Microsecond))
			}
		}
		slices.SortFunc(at, time.Time.Compare)
		before := slices.Clone(scored)
		got := m.History(scored, at)
		if len(got) != len(at) || !slices.Equal(scored, before) {
			rt.Fatalf("%d points of %d moments, or the signals were moved", len(got), len(at))
		}
		for i, moment := range at {
			if want := m.Explain(scored, moment, 0).Points; !near(got[i], want) {
				rt.Fatalf("at %s it is %v points, explained %v", moment, got[i], want)
			}
		}
	})
}

func TestRemove_OfAllLeavesNothing(t *testing.T) {
	t.Parallel()
	m := score.Compile(&signalbox.Scoring{})
	var s score.Sums
	m.Remove(&s, "page_view", 2, start)
	rng := rand.New(rand.NewPCG(7, 7))
	list := signals(rng, 200)
	add(m, &s, list)
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, g := range list {
		points, _ := m.Points(g.typ, never)
		m.Remove(&s, g.typ, points, g.at)
	}
	if got := m.At(&s, start); !near(got, 0) {
		t.Errorf("%v points are left of nothing", got)
	}
}

// A crossing is found where a walk by the minute finds it: not a minute later, and early by a second at most.
func TestNext_IsWhereAWalkFindsIt(t *testing.T) {
	t.Parallel()
	thresholds := []int{0, 40, 65, 85}
	band := func(points float64) int {
		n := 0
		for _, at := range thresholds {
			if score.Shown(points) >= at {
				n++
			}
		}
		return n
	}
	rapid.Check(t, func(rt *rapid.T) {
		scoring := models()[rapid.IntRange(0, 2).Draw(rt, "model")]
		m := score.Compile(scoring)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 3))
		var s score.Sums
		add(m, &s, signals(rng, rapid.IntRange(1, 25).Draw(rt, "signals")))
		now, began := start, band(m.At(&s, start))
		next, ok := m.Next(&s, now, thresholds)
		for range 60 * 24 * 12 { // by five minutes, 60 days
			step := now.Add(5 * time.Minute)
			if band(m.At(&s, step)) == began {
				now = step
				continue
			}
			if !ok || next.After(step) {
				rt.Fatalf("it crosses by %s, and next is %s, %t", step, next, ok)
			}
			break
		}
		if ok && next.Before(start.Add(60*day)) && next.Add(time.Second).Before(now) && band(m.At(&s, next.Add(-time.Microsecond))) == band(m.At(&s, next.Add(time.Second))) {
			// early is allowed where points rise and fall and only touch a threshold
			if d := math.Abs(m.At(&s, next) - edge(m.At(&s, next), thresholds)); d > 0.01 {
				rt.Fatalf("next is %s, where it has %v points; it crosses after %s", next, m.At(&s, next), now)
			}
		}
	})
}

// edge is the nearest number of points at which a threshold is crossed.
func edge(points float64, thresholds []int) float64 {
	best := math.Inf(1)
	for _, t := range thresholds {
		if e := float64(t) - 0.5; math.Abs(points-e) < math.Abs(points-best) {
			best = e
		}
	}
	return best
}

func TestNext_IsExactWherePointsOnlyFall(t *testing.T) {
	t.Parallel()
	m := score.Compile(&signalbox.Scoring{})
	var s score.Sums
	m.Add(&s, "meeting_booked", 25, start)
	m.Add(&s, "deal_created", 20, start)
	next, ok := m.Next(&s, start, m.Thresholds(signalbox.AccountRecord))
	if !ok || score.Shown(m.At(&s, next)) != 39 || score.Shown(m.At(&s, next.Add(-time.Microsecond))) != 40 {
		t.Errorf("next is %s, %t: %v points then, %v before", next, ok, m.At(&s, next), m.At(&s, next.Add(-time.Microsecond)))
	}
	if _, ok := m.Next(&s, next, m.Thresholds(signalbox.AccountRecord)); ok {
		t.Error("below the lowest stage there is another crossing")
	}
	stays := signalbox.NeverDecays
	lasting := score.Compile(&signalbox.Scoring{HalfLife: &stays})
	if at, ok := lasting.Next(&s, start, m.Thresholds(signalbox.AccountRecord)); ok {
		t.Errorf("what never decays crosses at %s", at)
	}
}

// proves V-11, C17, V-18: the shipped points, cap and stages
func TestCompile_TheShippedWay(t *testing.T) {
	t.Parallel()
	m := score.Compile(&signalbox.Scoring{})
	for typ, want := range map[string]float64{
		"meeting_booked": 25, "deal_created": 20, "form_submit": 18, "crm_stage_change": 12, "linkedin_connection": 8, "email_click": 6, "email_open": 3,
		"page_visit": 2, "page_view": 2, "anything": 5,
	} {
		got, by := m.Points(typ, never)
		if diff := cmp.Diff([]score.Part{{Rule: -1, Name: typ, Points: want}}, by); got != want || diff != "" {
			t.Errorf("%s is worth %v: %s", typ, got, diff)
		}
	}
	var s score.Sums
	for range 100 {
		m.Add(&s, "form_submit", 18, start)
	}
	if got := m.At(&s, start); got != 40 {
		t.Errorf("one type alone reaches %v", got)
	}
	for shown, want := range map[int]string{0: "Cool", 39: "Cool", 40: "Warm", 64: "Warm", 65: "In-market", 84: "In-market", 85: "Hot", 1000: "Hot"} {
		if got := m.Stage(signalbox.ContactRecord, shown); got != want {
			t.Errorf("%d is %s, want %s", shown, got, want)
		}
	}
}

// What a type does not say for itself is the workspace's own, "never" too.
func TestCompile_ATypeFallsBackOnTheWorkspace(t *testing.T) {
	t.Parallel()
	stays := signalbox.NeverDecays
	m := score.Compile(&signalbox.Scoring{HalfLife: &stays, Cap: number(100), Types: map[string]signalbox.TypeScoring{
		"contract": {Points: number(30)}, "visit": {HalfLife: life(day)},
	}})
	var s score.Sums
	m.Add(&s, "contract", 30, start)
	m.Add(&s, "visit", 8, start)
	if got := m.At(&s, start.Add(2*day)); !near(got, 32) {
		t.Errorf("%v points are left, want the 30 that stay and a quarter of 8", got)
	}
}

func TestPoints_RulesAddToTheirTypes(t *testing.T) {
	t.Parallel()
	m := score.Compile(&signalbox.Scoring{Rules: []signalbox.ScoreRule{
		{Name: "pricing", Type: "page_*", Points: 4}, {Name: "all", Type: "*", Points: -1}, {Name: "other", Type: "form_submit", Points: 100},
	}})
	asked := []int{}
	got, by := m.Points("page_view", func(rule int) bool {
		asked = append(asked, rule)
		return true
	})
	want := []score.Part{{Rule: -1, Name: "page_view", Points: 2}, {Rule: 0, Name: "pricing", Points: 4}, {Rule: 1, Name: "all", Points: -1}}
	if diff := cmp.Diff(want, by); got != 5 || diff != "" || !slices.Equal(asked, []int{0, 1}) {
		t.Errorf("%v points, asked of rules %v: %s", got, asked, diff)
	}
}

func TestShown_IsRoundedHalfUpAndNeverBelowZero(t *testing.T) {
	t.Parallel()
	for points, want := range map[float64]int{-3: 0, -0.4: 0, 0.49: 0, 0.5: 1, 39.499999: 39, 39.5: 40, 84.5: 85} {
		if got := score.Shown(points); got != want {
			t.Errorf("%v is shown as %d, want %d", points, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	m := score.Compile(&signalbox.Scoring{})
	var s score.Sums
	f.Add(m.Append(nil, &s))
	m.Add(&s, "page_view", 2, start)
	m.Add(&s, "form_submit", 18, start)
	f.Add(m.Append(nil, &s))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := score.Decode(b)
		if err != nil {
			return
		}
		again, err := score.Decode(m.Append(nil, &s))
		if err != nil || !near(m.At(&s, start), m.At(&again, start)) && !math.IsNaN(m.At(&s, start)) && !math.IsInf(m.At(&s, start), 0) {
			t.Errorf("%x is read, and read again differently: %v", b, err)
		}
		m.Next(&s, start, m.Thresholds(signalbox.AccountRecord))
	})
}

// standing is what one account with signals of ten types has.
func standing(m *score.Model) score.Sums {
	var s score.Sums
	for i := range 10 {
		m.Add(&s, "type_"+string(rune('a'+i)), 9, start.Add(-time.Duration(i)*day))
	}
	return s
}

func BenchmarkAddAndAt(b *testing.B) {
	m := score.Compile(&signalbox.Scoring{})
	s := standing(m)
	b.ReportAllocs()
	for b.Loop() {
		points, _ := m.Points("type_c", never)
		m.Add(&s, "type_c", points, start)
		m.At(&s, start)
	}
}

func BenchmarkNext(b *testing.B) {
	m := score.Compile(&signalbox.Scoring{})
	s := standing(m)
	b.ReportAllocs()
	for b.Loop() {
		m.Next(&s, start, m.Thresholds(signalbox.AccountRecord))
	}
}

func BenchmarkDecode(b *testing.B) {
	m := score.Compile(&signalbox.Scoring{})
	s := standing(m)
	packed := m.Append(nil, &s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := score.Decode(packed); err != nil {
			b.Fatal(err)
		}
	}
}
