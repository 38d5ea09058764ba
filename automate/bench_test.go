package automate_test

import (
	"fmt"
	"testing"

	"signalbox"
	"signalbox/automate"
	"signalbox/expr"
)

// workspace is so many enabled automations, of which three are started by a signal of the type form_submit. Those of the same type are kept out by a condition.
func workspace(t testing.TB, n, sameType int) *automate.Model {
	var list []signalbox.Automation
	for i := range n {
		a := onSignal("form_submit", `account.attributes.plan == "pro"`)
		switch {
		case i < 3:
		case i < sameType:
			a = onSignal("form_submit", fmt.Sprintf(`properties.team_size > %d`, 100+i))
		default:
			a = onSignal(fmt.Sprint("type_", i), `properties.team_size > 1`)
		}
		a.ID = signalbox.AutomationID(1 + i)
		list = append(list, a)
	}
	return compile(t, list...)
}

func benchmarkMatch(b *testing.B, m *automate.Model) {
	h, f := received("form_submit", `{"team_size":12,"plan":"pro","url":"https://acme.com/pricing"}`)
	if n := len(m.Match(h, f, nil)); n != 3 {
		b.Fatalf("%d are started, want 3", n)
	}
	b.ReportAllocs()
	for b.Loop() {
		*f.Signal = expr.Signal{Type: "form_submit", Source: "website", Context: h.Signal.Properties, OccurredAt: now, CreatedAt: now}
		m.Match(h, f, expr.NewBudget(1_000_000))
	}
}

func BenchmarkMatch_100Of3(b *testing.B)          { benchmarkMatch(b, workspace(b, 100, 3)) }
func BenchmarkMatch_500Of3(b *testing.B)          { benchmarkMatch(b, workspace(b, 500, 3)) }
func BenchmarkMatch_100OfOneTypeOf3(b *testing.B) { benchmarkMatch(b, workspace(b, 100, 100)) }

func BenchmarkClaim(b *testing.B) {
	a := often(signalbox.Cooldown, automate.MinCooldown, contacts)
	a.PerHour = automate.MaxPerHour
	m := compile(b, a)
	x := start(b, m, 7)
	var st automate.State
	var pace automate.Pace
	claims := automate.Claims{Contact: []*automate.State{&st}, Pace: &pace}
	at := now
	b.ReportAllocs()
	for b.Loop() {
		at = at.Add(automate.MinCooldown)
		if !m.Claim(x, claims, at).Runs {
			b.Fatal("it does not run")
		}
	}
}

func BenchmarkRun(b *testing.B) {
	a := acts(onSignal("form_submit", `properties.team_size > 10`), hook(), slack())
	m := compile(b, a)
	h, f := received("form_submit", `{"team_size":12}`)
	x := m.Match(h, f, nil)[0]
	w := with(h, &a)
	b.ReportAllocs()
	for b.Loop() {
		m.Run(x, automate.Claimed{Runs: true}, h, f, w)
	}
}

func BenchmarkCompile_500(b *testing.B) {
	var list []signalbox.Automation
	for i := range 500 {
		a := acts(onSignal(fmt.Sprint("type_", i%50), fmt.Sprintf(`properties.team_size > %d`, i), `account.score > 40`), hook(), slack())
		a.ID = signalbox.AutomationID(1 + i)
		list = append(list, a)
	}
	for b.Loop() {
		if _, err := automate.Compile(list); err != nil {
			b.Fatal(err)
		}
	}
}
