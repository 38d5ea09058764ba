package decide_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/decide"
)

func (w *world) score(s signalbox.Scoring) {
	w.change(func(d *signalbox.Definitions) { d.Scoring = s })
}

// proves contract section 6: rules add points, and read the signal alone
func TestRules_AddPointsToTheSignalsTheyAreFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.score(signalbox.Scoring{Rules: []signalbox.ScoreRule{
		{Name: "Large", Type: "demo_*", When: "properties.team_size >= 100", Points: 10},
		{Type: "*", When: `signal.source == "crm"`, Points: 1},
		{Type: "demo_requested", Points: -2.5},
		{Type: "page_view", Points: 100},
	}})
	in := about("demo_requested")
	in.Source = "crm"
	for _, c := range []struct {
		properties string
		points     float64
		rules      string
	}{
		{`{"team_size":100}`, 13.5, `[{"rule":"demo_requested","points":5},{"rule":"Large","points":10},{"rule":"signal.source == \"crm\"","points":1},{"rule":"demo_requested","points":-2.5}]`},
		{`{"team_size":"99"}`, 3.5, `[{"rule":"demo_requested","points":5},{"rule":"signal.source == \"crm\"","points":1},{"rule":"demo_requested","points":-2.5}]`},
		{``, 3.5, ``},
	} {
		in.Properties = []byte(c.properties)
		w.signal(in)
		s := w.signals[len(w.signals)-1]
		if s.Points != signalbox.PointsOf(c.points) || c.rules != "" && string(s.Rules) != c.rules {
			t.Errorf("%s: %v points by %s", c.properties, s.Points.Float(), s.Rules)
		}
	}
}

// rescore does what the job does to a record: its signals are added up anew, and it is looked at.
func (w *world) rescore(e signalbox.EntityID, tell bool) {
	w.t.Helper()
	scorer, err := decide.NewScorer(&w.defs)
	if err != nil {
		w.t.Fatal(err)
	}
	var list []signalbox.Scored
	for i := range w.signals {
		s := &w.signals[i]
		if signalbox.EntityID(s.Account) == e || signalbox.EntityID(s.Contact) == e {
			s.Points, s.Rules = scorer.Points(s)
			list = append(list, signalbox.Scored{ID: s.ID, Type: s.Type, Points: s.Points, At: s.CountsFrom()})
		}
	}
	sums, err := scorer.Sum(nil, list)
	if err != nil {
		w.t.Fatal(err)
	}
	state := w.states[e]
	kept, err := scorer.Restand(signalbox.Kept{Standing: state.Standing, Following: state.Following}, sums, signalbox.Rescoring{Sums: true, Stand: true, Tell: tell})
	if err != nil {
		w.t.Fatal(err)
	}
	state.Standing, state.Following = kept.Standing, kept.Following
	w.states[e] = state
	w.due[e] = w.now
	w.fire(e)
}

// proves contract section 6: a recompute after a change of definitions sends score_changed and stage_changed only when asked
func TestRescore_TellsOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.webhook(scores())
	w.signal(about("meeting_booked"))
	acc := signalbox.EntityID(w.signals[0].Account)
	w.lines()
	sixty, hundred := 60.0, 100.0
	w.score(signalbox.Scoring{Era: 1, Cap: &hundred, Types: map[string]signalbox.TypeScoring{"meeting_booked": {Points: &sixty}}})
	w.rescore(acc, false)
	if got := w.lines(); got != nil {
		t.Errorf("quietly it told %q", got)
	}
	if s := w.standing(signalbox.AccountRecord, acc); s.Score != 60 || s.Stage != "Warm" {
		t.Errorf("it stands at %+v", s)
	}
	more := 90.0
	w.score(signalbox.Scoring{Era: 1, Cap: &hundred, Types: map[string]signalbox.TypeScoring{"meeting_booked": {Points: &more}}})
	w.rescore(acc, true)
	want := []string{"account.score_changed 60→90 Hot by recompute", "account.stage_changed Warm→Hot at 90 by recompute"}
	if diff := cmp.Diff(want, w.lines()); diff != "" {
		t.Error(diff)
	}
	if due := w.due[acc]; due.IsZero() || due.Before(w.now.Add(24*time.Hour)) || due.After(w.now.Add(48*time.Hour)) {
		t.Errorf("it is due %s: 90 points are 84 after 33 h", due)
	}
}

// What a change of stages alone moves is no news, whoever touches the record first; what a signal moves afterwards is.
func TestRescore_AChangeOfStagesIsTakenForToldAndArmedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.webhook(scores())
	w.signal(about("meeting_booked"))
	acc := signalbox.EntityID(w.signals[0].Account)
	w.lines()
	w.score(signalbox.Scoring{Era: 1, AccountStages: []signalbox.Stage{{Name: "Low", From: 0}, {Name: "Mid", From: 20}, {Name: "High", From: 30}}})
	w.signal(about("meeting_booked"))
	want := []string{"signal.scored 25", "account.score_changed 25→40 High by signal", "account.stage_changed Mid→High at 40 by signal"}
	if diff := cmp.Diff(want, w.lines()); diff != "" {
		t.Error(diff)
	}
	w.fire(acc) // what was armed before the second signal is early
	w.fire(acc)
	if got := w.lines(); len(got) != 2 || !strings.HasPrefix(got[1], "account.stage_changed High→Mid") {
		t.Errorf("when it decays it told %q", got)
	}
}

func TestPreview_SaysWhoMovesAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signal(about("meeting_booked"))
	w.signal(about("email_open"))
	in := about("email_open")
	in.Account.Domain = "other.com"
	w.signal(in)
	fifty, never := 50.0, signalbox.NeverDecays
	p, err := decide.NewPreview(&w.defs, &signalbox.Scoring{HalfLife: &never, Cap: &fifty, Types: map[string]signalbox.TypeScoring{"meeting_booked": {Points: &fifty}}})
	if err != nil {
		t.Fatal(err)
	}
	var list []signalbox.SignalView
	for _, s := range w.signals {
		a := w.accounts[s.Account]
		list = append(list, signalbox.SignalView{Signal: s, AccountRow: &a})
	}
	p.Add(list)
	got := p.Moves(w.now)
	acc := signalbox.EntityID(w.signals[0].Account)
	want := signalbox.ScoringPreview{Signals: 3, Records: 2, Moves: []signalbox.ScoreMove{{
		Kind: signalbox.AccountRecord, Entity: acc, Before: signalbox.Standing{Points: 28, Score: 28, Stage: "Cool"}, After: signalbox.Standing{Points: 53, Score: 53, Stage: "Warm"},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
