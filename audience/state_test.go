package audience_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/audience"
	"signalbox/expr"
)

// noted is a signal with its id.
type noted struct {
	id signalbox.SignalID
	*expr.Signal
}

// pool are conditions of every form that reads signals, time, attributes or a score.
var pool = []string{
	`signals.type == "a"`, `signals.context.n > 3`, `!(signals.context.n > 4) && account.score > 20`, `signals.exists(s, s.type == "b" && s.context.n < 3)`,
	`signals.exists(s, s.type == "a" && within(s.occurred_at, "3d"))`, `signals.exists(s, within(s.occurred_at, "1d"))`, `count(signals, "a") >= 3`, `count(signals, "b") == 2`,
	`count(signals, "a", "5d") >= 2`, `count(signals, "b", "2d") < 1`, `count(signals, "a", "4d") == 1`, `count(signals, "c", "9d") > 3`, `within(last(signals, "a"), "2d")`,
	`!within(last(signals, "c"), "36h")`, `last(signals, "a") > last(signals, "b")`, `within(account.attributes.renewal, "3d")`, `account.attributes.plan == "pro"`,
	`account.stage == "Hot" || count(signals, "a", "1d") > 0`, `within(last(signals, "b"), "4d") ? within(account.attributes.renewal, "2d") : signals.type == "c"`,
	`account.score > 50`, `size(account) > 2 && signals.type in ["b", "c"]`, `within(account.attributes.renewal, "1d") || account.stage == "Hot"`,
}

func drawAudiences(t *rapid.T) []signalbox.Audience {
	return of(rapid.SliceOfNDistinct(rapid.SampledFrom(pool), 1, 8, rapid.ID).Draw(t, "conditions")...)
}

func drawModel(t *rapid.T) *audience.Model { return must(audience.Compile(drawAudiences(t), atoms())) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// atoms are those of another room's conditions.
func atoms() []expr.Atom {
	return must(expr.Compile(`count(signals, "a") > 1 && signals.exists(s, s.type == "c" && s.context.n == 1)`, expr.Options{Use: expr.ForRecord})).Atoms()
}

// drawSignal makes a signal of about a moment: late, at the same microsecond as others, up to a day ahead.
func drawSignal(t *rapid.T, id int, about time.Time) noted {
	hours := rapid.IntRange(-24*6, 24).Draw(t, "hours")
	return noted{signalbox.SignalID(1<<40 + id), signal(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "type"), about.Add(time.Duration(hours)*time.Hour),
		fmt.Sprintf(`{"n":%d}`, rapid.IntRange(0, 5).Draw(t, "n")))}
}

func drawSignals(t *rapid.T) []noted {
	list := make([]noted, rapid.IntRange(0, 30).Draw(t, "signals"))
	for i := range list {
		list[i] = drawSignal(t, i, now)
	}
	return list
}

func noteAll(m *audience.Model, st *audience.State, list []noted) {
	for _, s := range list {
		m.Note(st, s.id, s.Signal, nil)
	}
}

// decoded reads what was written again: a copy.
func decoded(st *audience.State) *audience.State {
	got := must(audience.Decode(st.Append(nil)))
	return &got
}

func equal(t *rapid.T, what string, got, want *audience.State) {
	t.Helper()
	if a, b := got.Append(nil), want.Append(nil); !bytes.Equal(a, b) {
		t.Fatalf("%s:\n%x, want\n%x", what, a, b)
	}
}

func TestNote_TheOrderOfArrivalDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m, list := drawModel(rt), drawSignals(rt)
		var straight, shuffled audience.State
		noteAll(m, &straight, list)
		noteAll(m, &shuffled, rapid.Permutation(list).Draw(rt, "order"))
		equal(rt, "in another order", &shuffled, &straight)
	})
}

func TestNote_ASignalThatIsNotedAgainCountsOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m, list := drawModel(rt), drawSignals(rt)
		var once, twice audience.State
		noteAll(m, &once, list)
		noteAll(m, &twice, list[:len(list)/2])
		twice = *decoded(&twice)
		noteAll(m, &twice, list)
		equal(rt, "noted again", &twice, &once)
	})
}

func TestNote_SignalsOfOneMomentCountEach(t *testing.T) {
	t.Parallel()
	m := compile(t, of(`count(signals, "a") >= 100`))
	var st audience.State
	for id := range signalbox.SignalID(120) {
		m.Note(&st, id, signal("a", now, ""), nil)
		m.Note(&st, id, signal("a", now, ""), nil)
		m.Note(&st, id, signal("other", now, ""), nil)
		m.Judge(accounts, &st, &expr.Facts{Now: now}, &audience.Changed{Signal: "a"}, nil)
		if got, want := st.In(1), id >= 99; got != want {
			t.Fatalf("after %d signals: %v", id+1, got)
		}
	}
	if n := len(m.Times(&st)(atomsOf(t, `count(signals, "a") >= 1`)[0].Key)); n != 100 {
		t.Errorf("%d times are kept, want the latest 100", n)
	}
}

func TestNote_SaysWhetherAnyAtomHolds(t *testing.T) {
	t.Parallel()
	m := compile(t, of(`signals.context.n > 3`))
	var st audience.State
	for n, want := range map[int]bool{3: false, 4: true} {
		if got := m.Note(&st, 1, signal("a", now, fmt.Sprintf(`{"n":%d}`, n)), nil); got != want {
			t.Errorf("n is %d: %v", n, got)
		}
	}
	if m.Note(&st, 2, signal("a", now, `{"n":4}`), expr.NewBudget(0)) {
		t.Error("holds, and nothing was left to ask it with")
	}
}

func TestTimes_OfStatesJoinedAreThoseOfOne(t *testing.T) {
	t.Parallel()
	var asked []expr.Atom
	for _, condition := range pool {
		asked = append(asked, atomsOf(t, condition)...)
	}
	rapid.Check(t, func(rt *rapid.T) {
		m, list := drawModel(rt), drawSignals(rt)
		parts := []*audience.State{{}, {}, {}}
		var whole audience.State
		for _, s := range list {
			for _, i := range rapid.SliceOfN(rapid.IntRange(0, 2), 1, 2).Draw(rt, "whose") { // an account's and, by mistake, another's too
				m.Note(parts[i], s.id, s.Signal, nil)
			}
			m.Note(&whole, s.id, s.Signal, nil)
		}
		joined, alone := m.Times(parts...), m.Times(&whole)
		answers, copies := map[string][]time.Time{}, map[string][]time.Time{}
		for _, a := range asked {
			got, want := joined(a.Key), alone(a.Key)
			if !slices.Equal(got, want) {
				rt.Fatalf("%s: %v, want %v", a.Text, got, want)
			}
			answers[a.Key], copies[a.Key] = got, slices.Clone(got)
		}
		for key, was := range answers {
			if !slices.Equal(was, copies[key]) {
				rt.Fatalf("an answer changed after it was given: %v, was %v", was, copies[key])
			}
		}
	})
}

func TestTimes_KnowsNothingOfWhatIsNotKept(t *testing.T) {
	t.Parallel()
	m := compile(t, of(`signals.type == "a"`))
	if got := m.Times()(atomsOf(t, `signals.type == "a"`)[0].Key); len(got) > 0 {
		t.Errorf("of no states: %v", got)
	}
	if got := m.Times(new(audience.State))("no such key"); len(got) > 0 {
		t.Errorf("of an unknown key: %v", got)
	}
}

// retention and erasure: what is left is as if the signals had never come, once the others are noted again where that is asked for
func TestForget_LeavesWhatTheOtherSignalsGive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m, list := drawModel(rt), drawSignals(rt)
		cut := rapid.IntRange(0, len(list)).Draw(rt, "cut")
		var st, want audience.State
		noteAll(m, &st, list)
		noteAll(m, &want, list[cut:])
		again := false
		for _, s := range list[:cut] {
			gone, short := m.Forget(&st, s.id, s.OccurredAt)
			if again = again || short; short && !gone {
				rt.Fatal("misses signals, and took none away")
			}
		}
		if again {
			noteAll(m, &st, list[cut:])
		}
		equal(rt, "after forgetting", &st, &want)
	})
}

func TestForget_TakesOnlyTheSignalThatIsMeant(t *testing.T) {
	t.Parallel()
	m := compile(t, of(`count(signals, "a") >= 2`))
	var st audience.State
	m.Note(&st, 1, signal("a", now, ""), nil)
	for name, f := range map[string]func() (bool, bool){
		"another id":     func() (bool, bool) { return m.Forget(&st, 2, now) },
		"another moment": func() (bool, bool) { return m.Forget(&st, 1, now.Add(time.Microsecond)) },
	} {
		if gone, short := f(); gone || short {
			t.Errorf("%s: %v, %v", name, gone, short)
		}
	}
	if gone, short := m.Forget(&st, 1, now); !gone || short || !st.Empty() {
		t.Errorf("the same: %v, %v, left %+v", gone, short, st)
	}
}

func TestNote_DropsWhatNoProgramAsksAnyMore(t *testing.T) {
	t.Parallel()
	before := compile(t, of(`signals.type == "a"`, `count(signals, "b") >= 9`))
	after := compile(t, of(`count(signals, "b") >= 2`))
	var st, want audience.State
	for i := range 9 {
		for _, typ := range []string{"a", "b"} {
			s := signal(typ, now.Add(time.Duration(i)*time.Hour), "")
			before.Note(&st, signalbox.SignalID(i), s, nil)
			after.Note(&want, signalbox.SignalID(i), s, nil)
		}
	}
	after.Note(&st, 99, signal("z", now, ""), nil)
	if got := st.Append(nil); !bytes.Equal(got, want.Append(nil)) {
		t.Errorf("%x, want %x", got, want.Append(nil))
	}
}

func TestDecode_ReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m, list := drawModel(rt), drawSignals(rt)
		var st audience.State
		noteAll(m, &st, list)
		budget := expr.NewBudget(rapid.Uint64Range(0, 40).Draw(rt, "budget")) // some audiences may stay unasked
		m.Judge(accounts, &st, &expr.Facts{Account: account(60, "Hot", `{"plan":"pro"}`), Now: now}, nil, budget)
		raw := st.Append(nil)
		got := decoded(&st)
		equal(rt, "read again", got, &st)
		if got.Empty() != st.Empty() || got.Empty() != (len(raw) == 0) || !got.Next().Equal(st.Next()) || !slices.Equal(got.Audiences(), st.Audiences()) {
			rt.Fatalf("%+v, want %+v", got, st)
		}
		key := atoms()[0].Key
		if a, b := m.Times(got)(key), m.Times(&st)(key); !slices.Equal(a, b) {
			rt.Fatalf("%v, want %v", a, b)
		}
		for n := 1; n < len(raw); n++ {
			if _, err := audience.Decode(raw[:n]); err == nil {
				rt.Fatalf("takes %d of %d bytes", n, len(raw))
			}
		}
		if _, err := audience.Decode(append(raw, 0)); err == nil && len(raw) > 0 {
			rt.Fatal("takes a byte too many")
		}
	})
}

func FuzzDecode(f *testing.F) {
	m := must(audience.Compile(of(pool...), nil))
	var st audience.State
	for i := range 12 {
		m.Note(&st, signalbox.SignalID(i), signal("a", now.Add(time.Duration(i)*time.Hour), `{"n":5}`), nil)
		f.Add(st.Append(nil))
	}
	m.Judge(accounts, &st, &expr.Facts{Now: now}, nil, expr.NewBudget(20))
	f.Add(st.Append(nil))
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		st, err := audience.Decode(raw)
		if err != nil {
			return
		}
		again, err := audience.Decode(st.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), st.Append(nil)) {
			t.Fatalf("%x is read, and then not: %v", raw, err)
		}
		m.Note(&st, 7, signal("a", now, `{"n":5}`), nil)
		m.Forget(&st, 7, now)
		m.Judge(accounts, &st, &expr.Facts{Now: now}, nil, nil)
		if _, err := audience.Decode(st.Append(nil)); err != nil {
			t.Fatalf("%x is read, and not once it was used: %v", raw, err)
		}
	})
}

func TestCompile_RefusesMoreThanARecordHasRoomFor(t *testing.T) {
	t.Parallel()
	var list []signalbox.Audience
	add := func(condition string) *audience.Model {
		list = of(append(conditionsOf(list), condition)...)
		list[len(list)-1].ID = 1<<62 + signalbox.AudienceID(len(list))
		m, err := audience.Compile(list, nil)
		if err != nil {
			var e *signalbox.Error
			if !errors.As(err, &e) || e.Param != "condition" || !strings.Contains(e.Msg, "compare counts with smaller numbers") {
				t.Fatal(err)
			}
			return nil
		}
		return m
	}
	var m *audience.Model
	for n := 0; ; n++ {
		next := add(fmt.Sprintf(`count(signals, "t%d") >= 100`, n))
		if next == nil {
			break
		}
		m = next
	}
	if len(list) < 29 {
		t.Fatalf("only %d audiences of 100 times each fit", len(list)-1)
	}
	// The worst signals: over all years, in no order, and more of them than are kept.
	var st audience.State
	rng := rand.New(rand.NewPCG(1, 2))
	first, last := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	for i := range len(list) * 150 {
		at := time.UnixMicro(first.UnixMicro() + rng.Int64N(last.UnixMicro()-first.UnixMicro()))
		m.Note(&st, signalbox.SignalID(i), signal(fmt.Sprintf("t%d", i%len(list)), at, ""), nil)
	}
	m.Judge(accounts, &st, &expr.Facts{Now: now}, nil, expr.NewBudget(uint64(len(list))))
	size := len(st.Append(nil))
	if size > audience.MaxState || size < audience.MaxState/2 {
		t.Errorf("the fullest state has %d bytes, at most %d are promised", size, audience.MaxState)
	}
}

func conditionsOf(list []signalbox.Audience) (all []string) {
	for _, a := range list {
		all = append(all, a.Condition)
	}
	return all
}
