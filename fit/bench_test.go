package fit_test

import (
	"fmt"
	"testing"

	"signalbox"
	"signalbox/expr"
	"signalbox/fit"
)

// compileWorkspace is five ICPs and ten personas of ten parameters each, of which none is settled early.
func compileWorkspace(t testing.TB) *fit.Model {
	var icps, personas []signalbox.Profile
	forms := []string{
		`account.attributes.employees >= %d`, `account.attributes.industry in ["SaaS", "Fintech", "%d"]`, `account.attributes.country == "DE" && account.score > %d`,
		`contact.title.contains("VP") && !(properties.team_size > 1%d)`, `properties.plan != "%d"`,
	}
	for i := range 15 {
		var asks []signalbox.Parameter
		for j := range 10 {
			when := fmt.Sprintf(forms[(i+j)%len(forms)], i)
			switch {
			case j < 2:
				asks = append(asks, filter(when))
			case j == 2:
				asks = append(asks, exclude("!("+when+")"))
			default:
				asks = append(asks, scores(1+j, when))
			}
		}
		if p := live(fmt.Sprint("profile ", i), asks...); i < 5 {
			icps = append(icps, p)
		} else {
			personas = append(personas, p)
		}
	}
	return compile(t, icps, personas)
}

func BenchmarkJudge(b *testing.B) {
	m := compileWorkspace(b)
	if got := judge(m, facts(), facts(), nil); got.Persona == "" || len(got.Personas) != 10 {
		b.Fatalf("it does not ask them all: %+v", got)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Judge(facts(), facts(), expr.NewBudget(1_000_000))
	}
}

// BenchmarkJudge_Decoded is the same without reading the record's JSON.
func BenchmarkJudge_Decoded(b *testing.B) {
	m, f := compileWorkspace(b), facts()
	b.ReportAllocs()
	for b.Loop() {
		m.Judge(f, f, nil)
	}
}

// Verdicts and answers of ICPs and of personas, whatever they are: four allocations. Not parallel: it measures.
func TestJudge_AllocatesNoMoreThanItsVerdicts(t *testing.T) {
	m, f, budget := compileWorkspace(t), facts(), expr.NewBudget(1<<60)
	if n := testing.AllocsPerRun(10, func() { m.Judge(f, f, budget) }); n > 4 {
		t.Errorf("judging allocates %v times", n)
	}
}
