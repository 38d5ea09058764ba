package expr_test

import (
	"fmt"
	"sync"
	"testing"

	"signalbox/expr"
)

// twentyAndMore are twenty rules and a hundred and fifty conditions, of the commonest forms.
func twentyAndMore(t testing.TB) []*expr.Program {
	forms := []string{
		`signal.type == "form_submitted" && properties.team_size > %d`, `properties.plan in ["pro", "team"] || properties.float < %d.5`,
		`account.attributes.employees >= %d && account.stage == "Warm"`, `contact.title.contains("VP") && !(properties.budget > %d)`,
	}
	var all []*expr.Program
	for i := range 170 {
		all = append(all, compile(t, fmt.Sprintf(forms[i%len(forms)], i), expr.Options{Use: expr.ForRecord}))
	}
	return all
}

// What deciding asks for each signal allocates nothing once its JSON is decoded. Not parallel: it measures.
func TestAsk_AllocatesNothing(t *testing.T) {
	all, f, budget := twentyAndMore(t), facts(), expr.NewBudget(1<<60)
	if n := testing.AllocsPerRun(10, func() {
		for _, p := range all {
			p.Ask(f, budget)
		}
	}); n != 0 {
		t.Errorf("asking %d conditions allocates %v times", len(all), n)
	}
}

func TestProgram_IsAskedFromManySidesAtOnce(t *testing.T) {
	t.Parallel()
	p := compile(t, `properties.tags.exists(t, t.matches("^b")) && signals.context.n > 1 && account.score > 1`, expr.Options{Use: expr.ForRecord})
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 50 {
				f := facts()
				f.Times = history(p, ago(day, "a", `{"n":2}`))
				if !p.Ask(f, expr.NewBudget(10_000)).Holds {
					t.Error("does not hold")
				}
			}
		})
	}
	wait.Wait()
}

// BenchmarkAsk is twenty rules and a hundred and fifty conditions against one signal.
func BenchmarkAsk(b *testing.B) {
	all := twentyAndMore(b)
	b.ReportAllocs()
	for b.Loop() {
		f, budget := facts(), expr.NewBudget(1_000_000)
		for _, p := range all {
			p.Ask(f, budget)
		}
	}
}

// BenchmarkAsk_Decoded is the same without reading the JSON: two comparisons in each of 170.
func BenchmarkAsk_Decoded(b *testing.B) {
	all, f := twentyAndMore(b), facts()
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range all {
			p.Ask(f, nil)
		}
	}
}

// BenchmarkAsk_Library is one condition that the library answers.
func BenchmarkAsk_Library(b *testing.B) {
	p, f := compile(b, `size(properties.tags) * 2 > 3`, expr.Options{}), facts()
	b.ReportAllocs()
	for b.Loop() {
		p.Ask(f, nil)
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		compile(b, `signal.type == "form_submitted" && properties.team_size > 10`, expr.Options{})
	}
}
