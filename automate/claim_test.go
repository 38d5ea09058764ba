package automate_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/automate"
)

// often is an automation with a frequency.
func often(mode signalbox.FrequencyMode, long time.Duration, per signalbox.RecordKind) signalbox.Automation {
	a := onSignal("a")
	a.Frequency = signalbox.Frequency{Mode: mode, Duration: long, Per: per}
	return a
}

func start(t testing.TB, m *automate.Model, id signalbox.AutomationID) automate.Matched {
	t.Helper()
	x, ok := m.Matched(id)
	if !ok {
		t.Fatalf("there is no automation %d", id)
	}
	return x
}

func TestClaim_EachFrequency(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	// Each try says after how long, and for which contact and account ("-": none) it is.
	type try struct {
		after            time.Duration
		contact, account string
		want             string // "" it runs; else what the reason says
	}
	for _, c := range []struct {
		name  string
		a     signalbox.Automation
		tries []try
	}{
		{"every", often("", 0, 0), []try{{0, "c", "a", ""}, {0, "c", "a", ""}, {0, "-", "-", ""}}},
		{"every, by its name", often(signalbox.Every, 0, 0), []try{{0, "c", "a", ""}, {0, "c", "a", ""}}},
		{"once per contact", often(signalbox.OncePerContact, 0, 0), []try{
			{0, "c", "a", ""}, {0, "c", "a", "once per contact: it ran at 2026-03-10T12:30:00Z"}, {400 * day, "c", "b", "once per contact"}, {0, "d", "a", ""}}},
		{"once per contact goes by the account where there is no contact", often(signalbox.OncePerContact, 0, 0), []try{
			{0, "-", "a", ""}, {0, "-", "a", "once per account"}, {0, "c", "a", ""}, {0, "-", "b", ""}}},
		{"once per contact without anybody", often(signalbox.OncePerContact, 0, 0), []try{{0, "-", "-", "neither a contact nor an account"}}},
		{"once per account", often(signalbox.OncePerAccount, 0, 0), []try{{0, "c", "a", ""}, {day, "d", "a", "once per account"}, {0, "c", "b", ""}}},
		{"once per account goes by the contact where there is no account", often(signalbox.OncePerAccount, 0, 0), []try{
			{0, "c", "-", ""}, {0, "c", "-", "once per contact"}, {0, "c", "a", ""}}},
		{"cooldown per contact", often(signalbox.Cooldown, day, contacts), []try{
			{0, "c", "a", ""}, {day - 1, "c", "a", "cooldown until 2026-03-11T12:30:00Z"}, {day - 1, "d", "a", ""}, {day, "c", "a", ""}, {day + time.Hour, "c", "a", "cooldown until 2026-03-12T12:30:00Z"}}},
		{"cooldown per account", often(signalbox.Cooldown, day, accounts), []try{
			{0, "c", "a", ""}, {time.Hour, "d", "a", "cooldown until"}, {time.Hour, "c", "b", ""}, {day, "d", "a", ""}}},
		{"a cooldown goes on when the clock goes back", often(signalbox.Cooldown, day, accounts), []try{{0, "c", "a", ""}, {-time.Hour, "c", "a", "cooldown until 2026-03-11T12:30:00Z"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, states := compile(t, c.a), map[string]*automate.State{}
			of := func(name string) []*automate.State {
				if name == "-" {
					return nil
				}
				if states[name] == nil {
					states[name] = &automate.State{}
				}
				return []*automate.State{states[name]}
			}
			for i, try := range c.tries {
				claims := automate.Claims{Contact: of(try.contact), Account: of(try.account)}
				at := now.Add(try.after)
				runs, _ := m.Why(7, signalOf("a"), factsOf(signalOf("a")), &claims, at)
				got := m.Claim(start(t, m, 7), claims, at)
				if runs != got.Runs {
					t.Errorf("try %d: asking says %t, claiming %t", i, runs, got.Runs)
				}
				if got.Throttled || got.Runs != (try.want == "") || !strings.Contains(got.Reason.Value, try.want) || got.Reason.Outcome == signalbox.Met != got.Runs {
					t.Errorf("try %d: %+v, want %q", i, got, try.want)
				}
				if wrote := got.Wrote != nil; wrote != (got.Runs && c.a.Frequency.Limits()) {
					t.Errorf("try %d: it says that a state was written: %t", i, wrote)
				}
			}
		})
	}
}

// Two signals of one turn are folded: the second one meets what the first one has claimed.
func TestClaim_TwoOfOneTurnCannotBothWin(t *testing.T) {
	t.Parallel()
	m := compile(t, often(signalbox.OncePerContact, 0, 0))
	var st automate.State
	claims := automate.Claims{Contact: []*automate.State{&st}}
	if first := m.Claim(start(t, m, 7), claims, now); !first.Runs || first.Wrote != &st {
		t.Errorf("the first one: %+v", first)
	}
	if second := m.Claim(start(t, m, 7), claims, now); second.Runs {
		t.Error("both run")
	}
}

func TestClaim_OverTheHoursLimitItIsThrottledAndClaimsNothing(t *testing.T) {
	t.Parallel()
	a := often(signalbox.OncePerContact, 0, 0)
	a.PerHour = 2
	m := compile(t, a)
	var pace automate.Pace
	claim := func(st *automate.State, at time.Time) automate.Claimed {
		return m.Claim(start(t, m, 7), automate.Claims{Contact: []*automate.State{st}, Pace: &pace}, at)
	}
	for range 2 {
		if got := claim(&automate.State{}, now); !got.Runs || got.Throttled {
			t.Fatalf("%+v", got)
		}
	}
	var third automate.State
	got := claim(&third, now)
	if !got.Runs || !got.Throttled || got.Reason.Value != "throttled: 2 runs this hour" || !third.Empty() {
		t.Errorf("%+v, claimed: %t", got, !third.Empty())
	}
	if got := claim(&third, now.Add(-2*time.Hour)); !got.Throttled {
		t.Error("a clock that goes back gives room")
	}
	if got := claim(&third, now.Truncate(time.Hour).Add(time.Hour-1)); !got.Throttled {
		t.Error("the hour is not over, and there is room")
	}
	if got := claim(&third, now.Truncate(time.Hour).Add(time.Hour)); !got.Runs || got.Throttled {
		t.Errorf("in the next hour: %+v", got)
	}
}

func TestClaim_AClockThatGoesBackForgetsNoRun(t *testing.T) {
	t.Parallel()
	a := onSignal("a")
	a.PerHour = 2
	m := compile(t, a)
	var pace automate.Pace
	for i, after := range []time.Duration{0, -2 * time.Hour, 0, -2 * time.Hour} {
		got := m.Claim(start(t, m, 7), automate.Claims{Pace: &pace}, now.Add(after))
		if want := i >= 2; got.Throttled != want {
			t.Errorf("run %d: throttled %t, want %t", i, got.Throttled, want)
		}
	}
}

func TestClaim_TheLimitIsAThousandUnlessSetAndEachHasItsOwn(t *testing.T) {
	t.Parallel()
	a, b := onSignal("a"), onSignal("a")
	a.ID, b.ID = 7, 8
	m := compile(t, a, b)
	var pace automate.Pace
	free := 0
	for range 1500 {
		if got := m.Claim(start(t, m, 7), automate.Claims{Pace: &pace}, now); got.Runs && !got.Throttled {
			free++
		} else if got.Reason.Value != "throttled: 1,000 runs this hour" {
			t.Fatalf("%+v", got)
		}
	}
	if free != 1000 {
		t.Errorf("%d runs in an hour, want 1000", free)
	}
	if got := m.Claim(start(t, m, 8), automate.Claims{Pace: &pace}, now); got.Throttled {
		t.Error("one automation throttles another")
	}
	runs, reasons := m.Why(7, signalOf("a"), factsOf(signalOf("a")), &automate.Claims{Pace: &pace}, now)
	if last := reasons[len(reasons)-1]; runs || last.Value != "throttled: 1,000 runs this hour" || last.Outcome != signalbox.Unmet {
		t.Errorf("%t, %+v", runs, last)
	}
}

// drawLimited makes automations with frequencies.
func drawLimited(t *rapid.T) []signalbox.Automation {
	var list []signalbox.Automation
	for i := range rapid.IntRange(1, 5).Draw(t, "automations") {
		a := often(rapid.SampledFrom([]signalbox.FrequencyMode{signalbox.OncePerContact, signalbox.OncePerAccount, signalbox.Cooldown}).Draw(t, "mode"), 0, 0)
		if a.ID = signalbox.AutomationID(1000 + i*i); a.Frequency.Mode == signalbox.Cooldown {
			a.Frequency.Duration = time.Duration(rapid.IntRange(1, 72).Draw(t, "hours")) * time.Hour
			a.Frequency.Per = rapid.SampledFrom([]signalbox.RecordKind{accounts, contacts}).Draw(t, "per")
		}
		list = append(list, a)
	}
	return list
}

// ledger is what a simple book of runs allows: of each automation and record the times at which it ran.
type ledger map[string][]time.Time

func (l ledger) allows(a *signalbox.Automation, who string, at time.Time) bool {
	key := fmt.Sprint(a.ID, who)
	for _, before := range l[key] {
		if a.Frequency.Mode != signalbox.Cooldown || at.Before(before.Add(a.Frequency.Duration)) {
			return false
		}
	}
	l[key] = append(l[key], at)
	return true
}

func TestClaim_NeverDoublesWhateverHappensAndHoweverItIsStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		list := drawLimited(rt)
		m, err := automate.Compile(list)
		if err != nil {
			rt.Fatal(err)
		}
		states, book, at := map[string]*automate.State{}, ledger{}, now
		for range rapid.IntRange(1, 60).Draw(rt, "happenings") {
			at = at.Add(time.Duration(rapid.IntRange(0, 40).Draw(rt, "hours")) * time.Hour)
			a := &list[rapid.IntRange(0, len(list)-1).Draw(rt, "automation")]
			contact := rapid.SampledFrom([]string{"c1", "c2", ""}).Draw(rt, "contact")
			account := rapid.SampledFrom([]string{"a1", "a2", ""}).Draw(rt, "account")
			of := func(name string) []*automate.State {
				if name == "" {
					return nil
				}
				if states[name] == nil {
					states[name] = &automate.State{}
				}
				again := stored(rt, states[name])
				states[name] = &again
				return []*automate.State{states[name]}
			}
			who := contact
			if a.Frequency.Mode == signalbox.OncePerAccount || a.Frequency.Mode == signalbox.Cooldown && a.Frequency.Per == accounts {
				who = account
			}
			if who == "" {
				who = contact + account
			}
			x, _ := m.Matched(a.ID)
			got := m.Claim(x, automate.Claims{Contact: of(contact), Account: of(account)}, at)
			if want := who != "" && book.allows(a, who, at); got.Runs != want {
				rt.Fatalf("%s for %s at %s: runs %t, want %t (%+v)", a.Frequency.Mode, who, at, got.Runs, want, got.Reason)
			}
		}
	})
}

// stored reads what was written again.
func stored(t *rapid.T, s *automate.State) automate.State {
	got, err := automate.Decode(s.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestClaim_StatesOfMergedRecordsAnswerAsOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		list := drawLimited(rt)
		for i := range list {
			if list[i].Frequency.Mode == signalbox.OncePerAccount || list[i].Frequency.Per == accounts {
				list[i].Frequency = signalbox.Frequency{Mode: signalbox.OncePerContact}
			}
		}
		m, err := automate.Compile(list)
		if err != nil {
			rt.Fatal(err)
		}
		parts := []*automate.State{{}, {}, {}}
		var single automate.State
		at := now
		for range rapid.IntRange(0, 20).Draw(rt, "before") {
			at = at.Add(time.Hour)
			x, _ := m.Matched(list[rapid.IntRange(0, len(list)-1).Draw(rt, "automation")].ID)
			part := rapid.IntRange(0, 2).Draw(rt, "part")
			m.Claim(x, automate.Claims{Contact: parts[part : part+1]}, at)
		}
		var before [][]byte
		for _, part := range parts {
			single.Join(part)
			before = append(before, part.Append(nil))
		}
		var joined automate.State
		for _, i := range rapid.Permutation([]int{0, 1, 2, 1}).Draw(rt, "order") {
			joined.Join(parts[i])
		}
		if !bytes.Equal(joined.Append(nil), single.Append(nil)) {
			rt.Fatal("the order of joining matters")
		}
		for range rapid.IntRange(1, 20).Draw(rt, "after") {
			at = at.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "hours")) * time.Hour)
			x, _ := m.Matched(list[rapid.IntRange(0, len(list)-1).Draw(rt, "automation")].ID)
			got := m.Claim(x, automate.Claims{Contact: parts}, at)
			want := m.Claim(x, automate.Claims{Contact: []*automate.State{&single}}, at)
			if got.Runs != want.Runs || got.Reason != want.Reason {
				rt.Fatalf("together %+v, as one %+v", got, want)
			}
		}
		for i, part := range parts[1:] {
			if !bytes.Equal(part.Append(nil), before[i+1]) {
				rt.Fatal("the state of a part was written: it would not be as it was when the records are parted")
			}
		}
	})
}

// A threshold fires once for each time that it is crossed its way, whatever the score does in between.
func TestMatch_AThresholdRearmsByCrossingBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		trigger := signalbox.Trigger{Type: signalbox.OnScore, Of: accounts, Threshold: rapid.IntRange(1, 100).Draw(rt, "threshold"),
			Direction: rapid.SampledFrom([]signalbox.Direction{signalbox.Above, signalbox.Below}).Draw(rt, "direction")}
		m, err := automate.Compile([]signalbox.Automation{on(trigger)})
		if err != nil {
			rt.Fatal(err)
		}
		score, armed := rapid.IntRange(0, 100).Draw(rt, "score"), false
		inside := func(score int) bool { return (score >= trigger.Threshold) == (trigger.Direction == signalbox.Above) }
		armed = !inside(score)
		for _, to := range rapid.SliceOfN(rapid.IntRange(0, 100), 1, 50).Draw(rt, "scores") {
			h := scored(accounts, score, to)
			fired := len(m.Match(h, factsOf(h), nil)) == 1
			if want := armed && inside(to); fired != want {
				rt.Fatalf("from %d to %d: fired %t, want %t", score, to, fired, want)
			}
			score, armed = to, !inside(to)
		}
	})
}

func TestState_DropsWhatNoFrequencyAsksForAndStaysBounded(t *testing.T) {
	t.Parallel()
	var list []signalbox.Automation
	for i := range 500 {
		a := often(signalbox.OncePerContact, 0, 0)
		a.ID = signalbox.AutomationID(1<<62 + int64(i)<<40)
		list = append(list, a)
	}
	m, err := automate.Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	var st automate.State
	far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, a := range list {
		at := far
		if i%2 == 0 {
			at = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		if got := m.Claim(start(t, m, a.ID), automate.Claims{Contact: []*automate.State{&st}}, at); !got.Runs {
			t.Fatalf("%+v", got)
		}
	}
	if n := len(st.Append(nil)); n > automate.MaxState || n > 500*24 {
		t.Errorf("a state has %d bytes, the most is %d", n, automate.MaxState)
	}
	every := often("", 0, 0)
	every.ID = list[1].ID
	fewer, err := automate.Compile(slices.Concat(list[:1], []signalbox.Automation{every}, list[2:3]))
	if err != nil {
		t.Fatal(err)
	}
	fewer.Claim(start(t, fewer, list[2].ID), automate.Claims{Contact: []*automate.State{&st}}, far)
	one, _ := fewer.Matched(list[0].ID)
	if got := fewer.Claim(one, automate.Claims{Contact: []*automate.State{&st}}, far); got.Runs {
		t.Error("what is asked for was dropped")
	}
	if n := len(st.Append(nil)); n > 500*24 {
		t.Errorf("%d bytes", n)
	}
	deleted, err := automate.Compile(list[499:])
	if err != nil {
		t.Fatal(err)
	}
	st = automate.State{}
	other := automate.State{}
	m.Claim(start(t, m, list[0].ID), automate.Claims{Contact: []*automate.State{&st}}, far)
	deleted.Claim(start(t, deleted, list[499].ID), automate.Claims{Contact: []*automate.State{&st}}, far)
	deleted.Claim(start(t, deleted, list[499].ID), automate.Claims{Contact: []*automate.State{&other}}, far)
	if !bytes.Equal(st.Append(nil), other.Append(nil)) {
		t.Error("the run of an automation that was deleted is kept")
	}
}

func TestPace_IsTheSameAfterItWasStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, b := onSignal("a"), onSignal("a")
		a.ID, b.ID, a.PerHour, b.PerHour = 7, 1<<50, 3, 1
		m, err := automate.Compile([]signalbox.Automation{a, b})
		if err != nil {
			rt.Fatal(err)
		}
		var kept, pace automate.Pace
		at := now
		for range rapid.IntRange(1, 40).Draw(rt, "runs") {
			at = at.Add(time.Duration(rapid.IntRange(-10, 30).Draw(rt, "minutes")) * time.Minute)
			x, _ := m.Matched(rapid.SampledFrom([]signalbox.AutomationID{7, 1 << 50}).Draw(rt, "automation"))
			want := m.Claim(x, automate.Claims{Pace: &kept}, at)
			if pace, err = automate.DecodePace(pace.Append(nil)); err != nil {
				rt.Fatal(err)
			}
			if got := m.Claim(x, automate.Claims{Pace: &pace}, at); got.Throttled != want.Throttled {
				rt.Fatalf("%+v, want %+v", got, want)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	m, _ := automate.Compile([]signalbox.Automation{often(signalbox.OncePerContact, 0, 0)})
	x, _ := m.Matched(7)
	var st automate.State
	m.Claim(x, automate.Claims{Contact: []*automate.State{&st}}, now)
	f.Add(st.Append(nil))
	f.Add([]byte{1, 2, 1, 2, 1, 2})
	f.Add([]byte{1, 0})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		st, err := automate.Decode(b)
		if err != nil {
			return
		}
		if st.Empty() != (len(b) == 0) {
			t.Fatal("an empty state was written")
		}
		again, err := automate.Decode(st.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), st.Append(nil)) {
			t.Fatalf("%x is read as %x, %v", b, again.Append(nil), err)
		}
		m.Claim(x, automate.Claims{Contact: []*automate.State{&again}}, now)
	})
}

func FuzzDecodePace(f *testing.F) {
	m, _ := automate.Compile([]signalbox.Automation{onSignal("a")})
	x, _ := m.Matched(7)
	var pace automate.Pace
	m.Claim(x, automate.Claims{Pace: &pace}, now)
	f.Add(pace.Append(nil))
	f.Add([]byte{1, 1, 1, 2, 1})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		pace, err := automate.DecodePace(b)
		if err != nil {
			return
		}
		again, err := automate.DecodePace(pace.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), pace.Append(nil)) {
			t.Fatalf("%x is read as %x, %v", b, again.Append(nil), err)
		}
		m.Claim(x, automate.Claims{Pace: &again}, now)
	})
}
