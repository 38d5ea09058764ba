package fit_test

import (
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/expr"
	"signalbox/fit"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// Conditions by what the facts make of them.
const (
	yes     = `account.attributes.employees > 50`
	no      = `account.attributes.industry == "Mining"`
	unknown = `account.attributes.revenue > 1000`
	despite = `!(account.attributes.revenue > 1000)` // reads what is missing, and holds without it
	dear    = `[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, a + b + c + d > 0))))`
)

// facts are those of most tests.
func facts() *expr.Facts {
	return &expr.Facts{
		Signal:  &expr.Signal{Type: "form_submitted", Source: "website", Context: []byte(`{"team_size":8,"plan":"pro"}`), OccurredAt: now.Add(-time.Hour), CreatedAt: now},
		Account: &expr.Account{Domain: "acme.com", Name: "Acme", Attributes: []byte(`{"employees":51,"industry":"SaaS","country":"DE"}`), Score: 42, Stage: "Warm"},
		Contact: &expr.Contact{Email: "ada@acme.com", FirstName: "Ada", Title: "VP Engineering"},
		Now:     now,
	}
}

func filter(when string) signalbox.Parameter {
	return signalbox.Parameter{When: when, Mode: signalbox.ModeFilter}
}

func exclude(when string) signalbox.Parameter {
	return signalbox.Parameter{When: when, Mode: signalbox.ModeExclude}
}

func scores(weight int, when string) signalbox.Parameter {
	return signalbox.Parameter{When: when, Mode: signalbox.ModeScore, Weight: weight}
}

// missing says what becomes of a parameter when its field is absent.
func missing(how signalbox.OnMissing, p signalbox.Parameter) signalbox.Parameter {
	p.OnMissing = how
	return p
}

// live is a profile with parameters that are named a, b, c and so on.
func live(code string, parameters ...signalbox.Parameter) signalbox.Profile {
	for i := range parameters {
		parameters[i].Name = string(rune('a' + i))
	}
	return signalbox.Profile{Code: code, Live: true, Version: 3, Parameters: parameters}
}

func compile(t testing.TB, icps, personas []signalbox.Profile) *fit.Model {
	t.Helper()
	m, err := fit.Compile(icps, personas)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// outcomes writes what each parameter gave as "hit miss missing not_asked".
func outcomes(v signalbox.ProfileVerdict) string {
	var list []string
	for _, a := range v.Says {
		list = append(list, a.Outcome)
	}
	return strings.Join(list, " ")
}

// verdicts are profiles with what is said of them, asked until it is settled.
var verdicts = []struct {
	name     string
	asks     []signalbox.Parameter
	score    int
	reason   string
	coverage float64
	outcomes string
}{
	{"all that scores hits", []signalbox.Parameter{scores(3, yes), scores(1, yes)}, 100, "", 1, "hit hit"},
	{"nothing that scores hits", []signalbox.Parameter{filter(yes), scores(3, no)}, 0, "no_match", 1, "hit miss"},
	{"the score is the share of the weights", []signalbox.Parameter{scores(3, yes), scores(1, no)}, 75, "", 1, "hit miss"},
	{"two thirds are rounded up", []signalbox.Parameter{scores(2, yes), scores(1, no)}, 67, "", 1, "hit miss"},
	{"a third is rounded down", []signalbox.Parameter{scores(1, yes), scores(2, no)}, 33, "", 1, "hit miss"},
	{"a half is rounded up", []signalbox.Parameter{scores(1, yes), scores(7, no)}, 13, "", 1, "hit miss"},
	{"nothing scores", []signalbox.Parameter{filter(yes), exclude(no)}, 100, "", 1, "hit miss"},
	{"a filter fails", []signalbox.Parameter{filter(no), scores(5, yes)}, 0, "filter", 0, "miss not_asked"},
	{"an exclude hits", []signalbox.Parameter{exclude(yes), scores(5, yes)}, 0, "exclude", 0, "hit not_asked"},
	{"what settles is asked first, wherever it stands", []signalbox.Parameter{scores(5, yes), filter(yes), exclude(yes), filter(no)}, 0, "exclude", 0, "not_asked hit hit not_asked"},
	{"filters and excludes give nothing to the score", []signalbox.Parameter{filter(yes), scores(1, yes), scores(1, no), exclude(no)}, 50, "", 1, "hit hit miss miss"},

	{"missing is neutral unless set", []signalbox.Parameter{scores(1, yes), scores(3, unknown)}, 100, "", 0.25, "hit missing"},
	{"missing is neutral", []signalbox.Parameter{scores(1, yes), missing(signalbox.MissingNeutral, scores(3, unknown))}, 100, "", 0.25, "hit missing"},
	{"missing fails", []signalbox.Parameter{scores(1, yes), missing(signalbox.MissingFail, scores(3, unknown))}, 25, "", 0.25, "hit missing"},
	{"missing passes", []signalbox.Parameter{scores(1, no), missing(signalbox.MissingPass, scores(3, unknown))}, 75, "", 0.25, "miss missing"},
	{"a missing filter is skipped", []signalbox.Parameter{filter(unknown), scores(1, yes)}, 100, "", 1, "missing hit"},
	{"a missing filter fails", []signalbox.Parameter{missing(signalbox.MissingFail, filter(unknown)), scores(1, yes)}, 0, "filter", 0, "missing not_asked"},
	{"a missing filter passes", []signalbox.Parameter{missing(signalbox.MissingPass, filter(unknown)), scores(1, yes)}, 100, "", 1, "missing hit"},
	{"a missing exclude is skipped", []signalbox.Parameter{exclude(unknown), scores(1, yes)}, 100, "", 1, "missing hit"},
	{"a missing exclude excludes", []signalbox.Parameter{missing(signalbox.MissingFail, exclude(unknown)), scores(1, yes)}, 0, "exclude", 0, "missing not_asked"},
	{"a missing exclude does not", []signalbox.Parameter{missing(signalbox.MissingPass, exclude(unknown)), scores(1, yes)}, 100, "", 1, "missing hit"},
	{"what holds without the missing field is a hit", []signalbox.Parameter{missing(signalbox.MissingFail, filter(despite)), missing(signalbox.MissingFail, scores(1, despite))}, 100, "", 1, "hit hit"},
	{"what holds without the missing field excludes", []signalbox.Parameter{missing(signalbox.MissingPass, exclude(despite))}, 0, "exclude", 1, "hit"},
	{"a side that is known and holds is enough", []signalbox.Parameter{scores(1, unknown+" || "+yes)}, 100, "", 1, "hit"},
	{"a field of what is not there is missing", []signalbox.Parameter{scores(1, yes), scores(1, `contact.last_name == "Lovelace"`)}, 100, "", 0.5, "hit missing"},

	{"nothing is known of what scores", []signalbox.Parameter{filter(yes), scores(1, unknown)}, 0, "not_enough_data", 0, "hit missing"},
	{"nothing is known of filters and excludes", []signalbox.Parameter{filter(unknown), exclude(unknown)}, 0, "not_enough_data", 0, "missing missing"},
	{"nothing is known, and would pass", []signalbox.Parameter{missing(signalbox.MissingPass, scores(1, unknown))}, 0, "not_enough_data", 0, "missing"},
	{"no filter is known, and each would pass", []signalbox.Parameter{missing(signalbox.MissingPass, filter(unknown))}, 0, "not_enough_data", 0, "missing"},
	{"one filter of two is known", []signalbox.Parameter{filter(yes), filter(unknown)}, 100, "", 0.5, "hit missing"},

	{"what costs too much is a miss that is not known", []signalbox.Parameter{scores(1, yes), scores(1, dear)}, 50, "", 0.5, "hit miss"},
	{"a filter that costs too much fails, and is never missing", []signalbox.Parameter{missing(signalbox.MissingPass, filter(dear)), scores(1, yes)}, 0, "filter", 0, "miss not_asked"},
	{"an exclude that costs too much does not hit", []signalbox.Parameter{missing(signalbox.MissingFail, exclude(dear)), scores(1, yes)}, 100, "", 1, "miss hit"},
	{"nothing fits on what cost too much alone", []signalbox.Parameter{exclude(dear)}, 0, "not_enough_data", 0, "miss"},
}

// proves contract section 7: modes, on_missing, the score, the coverage and the reasons
func TestJudge_OneProfile(t *testing.T) {
	t.Parallel()
	for _, c := range verdicts {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := judge(compile(t, []signalbox.Profile{live("ICP", c.asks...)}, nil), facts(), facts(), nil)
			if len(got.ICPs) != 1 {
				t.Fatalf("%d verdicts on one profile", len(got.ICPs))
			}
			v := got.ICPs[0]
			if v.Fits != (c.reason == "") || v.Score != c.score || v.Reason != c.reason || v.Coverage != c.coverage || outcomes(v) != c.outcomes {
				t.Errorf("it is %t with %d, %q, coverage %v, %s", v.Fits, v.Score, v.Reason, v.Coverage, outcomes(v))
				t.Errorf("it should be %t with %d, %q, coverage %v, %s", c.reason == "", c.score, c.reason, c.coverage, c.outcomes)
			}
			want := signalbox.Fit{At: now, ICPs: got.ICPs}
			if c.reason == "" {
				want.ICP, want.ICPScore = "ICP", c.score
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the fit differs from the verdict: %s", diff)
			}
		})
	}
}

// What is shown adds up: the answers tell what each gave of the score, by name, mode and weight, in the order of the profile.
func TestJudge_AnswersSayWhatEachGave(t *testing.T) {
	t.Parallel()
	p := live("ICP", scores(3, yes), scores(2, no), exclude(no), missing(signalbox.MissingPass, scores(3, unknown)), scores(9, unknown))
	want := signalbox.ProfileVerdict{Code: "ICP", Version: 3, Fits: true, Score: 75, Coverage: 5.0 / 17, Says: []signalbox.Answer{
		{Name: "a", Mode: signalbox.ModeScore, Weight: 3, Outcome: "hit", Gives: 37.5},
		{Name: "b", Mode: signalbox.ModeScore, Weight: 2, Outcome: "miss"},
		{Name: "c", Mode: signalbox.ModeExclude, Outcome: "miss"},
		{Name: "d", Mode: signalbox.ModeScore, Weight: 3, Outcome: "missing", Gives: 37.5},
		{Name: "e", Mode: signalbox.ModeScore, Weight: 9, Outcome: "missing"},
	}}
	got := judge(compile(t, []signalbox.Profile{p}, nil), facts(), nil, nil)
	if diff := cmp.Diff([]signalbox.ProfileVerdict{want}, got.ICPs); diff != "" {
		t.Error(diff)
	}
}

func TestExplain_AsksEverythingAndOfDraftsToo(t *testing.T) {
	t.Parallel()
	p := live("ICP", scores(1, yes), exclude(yes), filter(no), scores(1, unknown))
	p.Live = false
	got, err := fit.Explain(&p, facts())
	if err != nil {
		t.Fatal(err)
	}
	if got.Fits || got.Score != 0 || got.Reason != "exclude" || got.Coverage != 0.5 || outcomes(got) != "hit hit miss missing" {
		t.Errorf("got %+v", got)
	}
	for _, a := range got.Says {
		if a.Gives != 0 {
			t.Errorf("%s gives %v to a profile that does not fit", a.Name, a.Gives)
		}
	}
	p.Parameters[0].When = `account.domian == "x"`
	if _, err := fit.Explain(&p, facts()); signalbox.CodeOf(err) != signalbox.Invalid {
		t.Errorf("a profile that does not compile: %v", err)
	}
}

// proves contract section 7: best score, then priority, then code; those that do not fit come after
func TestJudge_TheBestComesFirst(t *testing.T) {
	t.Parallel()
	with := func(priority int, p signalbox.Profile) signalbox.Profile {
		p.Priority = priority
		return p
	}
	icps := []signalbox.Profile{
		with(900, live("fails", filter(no))),
		with(9, live("half, but important", scores(1, yes), scores(1, no))),
		live("full B", scores(1, yes)),
		live("full A", scores(1, yes)),
		with(1, live("full and more important", scores(1, yes))),
		live("knows nothing", scores(1, unknown)),
		with(-1, live("full and less important", filter(yes))),
	}
	want := []string{"full and more important", "full A", "full B", "full and less important", "half, but important", "fails", "knows nothing"}
	got := judge(compile(t, icps, nil), facts(), nil, nil)
	var order []string
	for _, v := range got.ICPs {
		order = append(order, v.Code)
	}
	if diff := cmp.Diff(want, order); diff != "" || got.ICP != want[0] || got.ICPScore != 100 {
		t.Errorf("won by %q with %d: %s", got.ICP, got.ICPScore, diff)
	}
}

// proves contract section 7: personas within the ICP that won; no icp_codes is every one; no ICP fits is no persona
func TestJudge_PersonasOfTheICPThatWon(t *testing.T) {
	t.Parallel()
	of := func(p signalbox.Profile, icps ...string) signalbox.Profile {
		p.ICPCodes = icps
		return p
	}
	personas := []signalbox.Profile{
		of(live("of the first", scores(1, yes)), "first"),
		of(live("of both", scores(3, yes), scores(1, no)), "first", "second"),
		live("of every one", scores(1, no), scores(1, yes)),
		of(live("of one that is gone", scores(1, yes)), "gone"),
		of(live("of a draft", scores(1, yes)), "draft"),
	}
	draft := live("draft", scores(1, yes))
	draft.Live = false
	first, second := live("first", scores(1, yes)), live("second", scores(1, yes), scores(1, no))
	for _, c := range []struct {
		name    string
		icps    []signalbox.Profile
		person  bool
		icp     string
		persona string
		score   int
		asked   []string
	}{
		{"the first wins", []signalbox.Profile{second, draft, first}, true, "first", "of the first", 100, []string{"of the first", "of both", "of every one"}},
		{"the second wins", []signalbox.Profile{second, draft}, true, "second", "of both", 75, []string{"of both", "of every one"}},
		{"there is no person", []signalbox.Profile{first}, false, "first", "", 0, nil},
		{"no ICP fits", []signalbox.Profile{live("first", filter(no))}, true, "", "", 0, nil},
		{"there is no live ICP", []signalbox.Profile{draft}, true, "", "", 0, nil},
		{"there is no ICP", nil, true, "", "", 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			person := facts()
			if !c.person {
				person = nil
			}
			got := judge(compile(t, c.icps, personas), facts(), person, nil)
			var asked []string
			for _, v := range got.Personas {
				asked = append(asked, v.Code)
			}
			if diff := cmp.Diff(c.asked, asked); diff != "" || got.ICP != c.icp || got.Persona != c.persona || got.PersonaScore != c.score {
				t.Errorf("ICP %q, persona %q with %d: %s", got.ICP, got.Persona, got.PersonaScore, diff)
			}
		})
	}
}

func TestJudge_APersonaThatDoesNotFitIsShownAndNotNamed(t *testing.T) {
	t.Parallel()
	got := judge(compile(t, []signalbox.Profile{live("ICP", scores(1, yes))}, []signalbox.Profile{live("persona", filter(no))}), facts(), facts(), nil)
	if got.Persona != "" || got.PersonaScore != 0 || len(got.Personas) != 1 || got.Personas[0].Reason != "filter" {
		t.Errorf("got %+v", got)
	}
}

// A budget is spent on the profiles of high priority, and on ICPs before personas; when it is used up nothing fits by accident.
func TestJudge_TheBudgetIsSpentInTheOrderOfPriority(t *testing.T) {
	t.Parallel()
	important := live("Z", scores(1, yes))
	important.Priority = 1
	m := compile(t, []signalbox.Profile{live("A", scores(1, yes)), important}, []signalbox.Profile{live("persona", scores(1, yes))})
	all := expr.NewBudget(1000)
	if got := judge(m, facts(), facts(), all); got.ICP != "Z" || got.Persona != "persona" || all.Left() == 1000 {
		t.Fatalf("with enough of it: ICP %q, persona %q, %d units are left", got.ICP, got.Persona, all.Left())
	}
	each := (1000 - all.Left()) / 3
	got := judge(m, facts(), facts(), expr.NewBudget(each))
	if got.ICP != "Z" || got.ICPs[1].Reason != "not_enough_data" || got.Persona != "" || got.Personas[0].Reason != "not_enough_data" {
		t.Errorf("with enough of it for one: %+v", got)
	}
	if got := judge(m, facts(), facts(), expr.NewBudget(0)); got.ICP != "" || len(got.ICPs) != 2 || got.Personas != nil {
		t.Errorf("with nothing: %+v", got)
	}
}

// Asked of what settles alone, a profile that cannot fit costs no more than that.
func TestJudge_WhatIsSettledCostsNoMore(t *testing.T) {
	t.Parallel()
	cost := func(asks ...signalbox.Parameter) uint64 {
		b := expr.NewBudget(1_000_000)
		judge(compile(t, []signalbox.Profile{live("ICP", asks...)}, nil), facts(), facts(), b)
		return 1_000_000 - b.Left()
	}
	if alone, got := cost(filter(no)), cost(scores(1, dear), scores(1, yes), filter(no), filter(yes)); got != alone {
		t.Errorf("it costs %d units, and its filter alone %d", got, alone)
	}
}

func TestModel_KnowsWhatAllItsProfilesRead(t *testing.T) {
	t.Parallel()
	draft := live("draft", scores(1, `account.attributes.draft == 1`))
	draft.Live = false
	icps := []signalbox.Profile{draft, live("ICP", scores(1, `signal.type == "demo" && account.attributes.employees > 50`), filter(`count(signals, "visit") >= 3 || count(signals, "call") >= 5`))}
	personas := []signalbox.Profile{live("persona", scores(1, `contact.title.contains("VP") && signal.type in ["demo", "call"]`), filter(`count(signals, "visit", "30d") >= 7 || count(signals, "call") >= 2`))}
	m := compile(t, icps, personas)
	want := expr.Reads{
		Fields: []string{"account.attributes.employees", "contact.title", "signal.type", "signals.type"},
		Signal: true, Account: true, Contact: true, Signals: true, Time: true,
	}
	if diff := cmp.Diff(want, m.Reads()); diff != "" {
		t.Error(diff)
	}
	atoms := m.Atoms()
	keeps := map[string]int{}
	for _, a := range atoms {
		keeps[a.Text] = a.Keep
	}
	if diff := cmp.Diff(map[string]int{`signal.type == "visit"`: 7, `signal.type == "call"`: 5}, keeps); diff != "" || len(atoms) != 2 || atoms[0].Key > atoms[1].Key {
		t.Errorf("atoms are %+v: %s", atoms, diff)
	}
}

func TestModel_TypesAreThoseOfAllUnlessOneHoldsForAny(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		asks []signalbox.Parameter
		want []string
	}{
		{"no profile", nil, []string{}},
		{"each names its own", []signalbox.Parameter{filter(`signal.type == "b"`), filter(`signal.type in ["c", "a"]`), filter(`signal.type == "a"`)}, []string{"a", "b", "c"}},
		{"one holds for any, first", []signalbox.Parameter{filter(yes), filter(`signal.type == "a"`)}, nil},
		{"one holds for any, last", []signalbox.Parameter{filter(`signal.type == "a"`), filter(yes)}, nil},
	} {
		var icps []signalbox.Profile
		if c.asks != nil {
			icps = append(icps, live("ICP", c.asks...))
		}
		m := compile(t, icps, nil)
		if diff := cmp.Diff(c.want, m.Reads().Types); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if m.Empty() != (c.asks == nil) {
			t.Errorf("%s: empty is %t", c.name, m.Empty())
		}
	}
}

// What callers do with what they are given does not reach the model.
func TestModel_NeverChanges(t *testing.T) {
	t.Parallel()
	icps := []signalbox.Profile{live("ICP", scores(1, yes), filter(`count(signals, "visit") < 3 && signal.type == "form_submitted"`))}
	m := compile(t, icps, []signalbox.Profile{live("persona", scores(1, yes))})
	before := judge(m, facts(), facts(), nil)
	reads, types := m.Reads().Fields, m.Reads().Types
	icps[0].Code, icps[0].Parameters[0].Name, icps[0].Parameters[0].Weight = "other", "other", 9
	m.Reads().Fields[0], m.Atoms()[0] = "other", expr.Atom{}
	given := judge(m, facts(), facts(), nil)
	given.ICPs[0].Says[0].Name = "other"
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 50 {
				if diff := cmp.Diff(before, judge(m, facts(), facts(), expr.NewBudget(1000))); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
	wait.Wait()
	if diff := cmp.Diff(reads, m.Reads().Fields) + cmp.Diff(types, m.Reads().Types); diff != "" || m.Atoms()[0].Key == "" {
		t.Errorf("what it reads has changed: %s", diff)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9 }

// judge is what a model says, written out.
func judge(m *fit.Model, company, person *expr.Facts, b *expr.Budget) signalbox.Fit {
	j := m.Judge(company, person, b)
	return m.Fit(&j)
}
