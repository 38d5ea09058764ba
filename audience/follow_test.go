package audience_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/audience"
	"signalbox/expr"
)

// life is a record with all that happened to it, and what is kept of it step by step.
type life struct {
	m       *audience.Model
	all     []*expr.Program // the conditions of the audiences from 1 on
	signals []noted
	account *expr.Account
	now     time.Time
	st      *audience.State
	told    map[signalbox.AudienceID]bool // what the moves came to
}

func newLife(t *rapid.T) *life {
	l := &life{account: account(0, "", `{"renewal":"2026-03-09T00:00:00Z"}`), now: now, st: &audience.State{}, told: map[signalbox.AudienceID]bool{}}
	list := drawAudiences(t)
	l.m = must(audience.Compile(list, atoms()))
	for _, a := range list {
		l.all = append(l.all, must(expr.Compile(a.Condition, expr.Options{Use: expr.ForRecord})))
	}
	return l
}

// facts are made anew each time, as a turn would: an account is decoded once.
func (l *life) facts() *expr.Facts {
	a := *account(l.account.Score, l.account.Stage, string(l.account.Attributes))
	return &expr.Facts{Account: &a, Now: l.now}
}

// scratch gives what asking every condition of the record's whole history at a moment comes to: the audiences, and when that can change.
func (l *life) scratch() func(at time.Time) (in ids, next time.Time) {
	times := map[string][]time.Time{}
	for _, p := range l.all {
		for _, a := range p.Atoms() {
			times[a.Key] = nil
			for _, s := range l.signals {
				if a.Holds(s.Signal, nil) {
					times[a.Key] = append(times[a.Key], s.OccurredAt)
				}
			}
			slices.SortFunc(times[a.Key], func(a, b time.Time) int { return b.Compare(a) })
		}
	}
	f := l.facts()
	f.Times = func(key string) []time.Time { return times[key] }
	return func(at time.Time) (in ids, next time.Time) {
		f.Now = at
		for i, p := range l.all {
			v := p.Ask(f, nil)
			if v.Holds {
				in = append(in, signalbox.AudienceID(i+1))
			}
			if !v.Next.IsZero() && (next.IsZero() || v.Next.Before(next)) {
				next = v.Next
			}
		}
		return in, next
	}
}

// step does something to the record and says what may have changed.
func (l *life) step(t *rapid.T) audience.Changed {
	switch rapid.IntRange(0, 7).Draw(t, "step") {
	case 0, 1, 2:
		s := drawSignal(t, len(l.signals)+1, l.now)
		l.signals = append(l.signals, s)
		l.m.Note(l.st, s.id, s.Signal, nil)
		return audience.Changed{Signal: s.Type}
	case 3:
		l.account.Attributes = []byte(rapid.SampledFrom([]string{`{"plan":"pro"}`, `{}`, `{"renewal":"2026-03-12T00:00:00Z"}`, `{"renewal":"2026-03-15T06:00:00.5Z","plan":"pro"}`}).
			Draw(t, "attributes"))
		return audience.Changed{Record: true}
	case 4:
		l.account.Score, l.account.Stage = rapid.IntRange(0, 90).Draw(t, "score"), rapid.SampledFrom([]string{"Hot", "Warm"}).Draw(t, "stage")
		return audience.Changed{Score: true}
	case 5:
		return l.forget(t)
	}
	return l.wait(t)
}

// forget takes a signal away.
func (l *life) forget(t *rapid.T) audience.Changed {
	if len(l.signals) == 0 {
		return audience.Changed{}
	}
	i := rapid.IntRange(0, len(l.signals)-1).Draw(t, "which")
	s := l.signals[i]
	l.signals = slices.Delete(l.signals, i, i+1)
	if _, short := l.m.Forget(l.st, s.id, s.OccurredAt); short {
		noteAll(l.m, l.st, l.signals)
	}
	return audience.Changed{Atoms: true}
}

// wait lets time pass: as it comes, or to the edge of the next moment.
func (l *life) wait(t *rapid.T) audience.Changed {
	next := l.st.Next()
	if next.IsZero() || !rapid.Bool().Draw(t, "to the edge") {
		l.now = l.now.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "hours")) * time.Hour)
		return audience.Changed{}
	}
	l.now = next.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "microseconds")) * time.Microsecond)
	return audience.Changed{}
}

// judge brings the record up to date and holds it against asking every condition of the whole history.
func (l *life) judge(t *rapid.T, changed *audience.Changed) {
	l.st = decoded(l.st)
	moves, next := l.m.Judge(accounts, l.st, l.facts(), changed, nil)
	for _, v := range moves {
		if l.told[v.Audience] == v.Entered {
			t.Fatalf("%+v is told twice", v)
		}
		l.told[v.Audience] = v.Entered
	}
	want, exact := l.scratch()(l.now)
	if got := l.st.Audiences(); !slices.Equal(got, want) {
		t.Fatalf("at %v after %+v: in %v, judging everything gives %v", l.now, changed, got, want)
	}
	for id, in := range l.told {
		if in != l.st.In(id) {
			t.Fatalf("audience %d: told %v", id, in)
		}
	}
	if !next.IsZero() && !next.After(l.now) || !exact.IsZero() && (next.IsZero() || next.After(exact)) {
		t.Fatalf("at %v next is %v, that of judging everything %v", l.now, next, exact)
	}
}

// proves contract section 9: membership follows signals, changes and time, and asking little comes to the same as asking all
func TestJudge_AskingWhatChangedComesToTheSameAsAskingAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := newLife(rt)
		l.judge(rt, nil)
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			changed := l.step(rt)
			l.judge(rt, &changed)
		}
	})
}

// proves contract section 9: a timer that is set for next is never late
func TestJudge_NothingChangesBeforeNext(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := newLife(rt)
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			changed := l.step(rt)
			l.judge(rt, &changed)
		}
		l.judge(rt, nil)
		was, until, scratch := l.st.Audiences(), l.st.Next(), l.scratch()
		edge := until.Add(-time.Microsecond)
		if until.IsZero() {
			until = l.now.Add(30 * day)
			edge = until
		}
		for at := l.now; at.Before(until); at = at.Add(30 * time.Minute) {
			if got, _ := scratch(at); !slices.Equal(got, was) {
				rt.Fatalf("at %v: in %v, was in %v at %v, and next is %v", at, got, was, l.now, l.st.Next())
			}
		}
		if got, _ := scratch(edge); !slices.Equal(got, was) {
			rt.Fatalf("just before next: in %v, was in %v", got, was)
		}
	})
}
