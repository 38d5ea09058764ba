package fit_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox"
	"signalbox/expr"
	"signalbox/fit"
)

// truths are conditions on the facts, and what each is: the outcome that it must have.
var truths = map[string]string{
	yes: "hit", no: "miss", unknown: "missing", despite: "hit", dear: "miss",
	`signal.type == "form_submitted"`: "hit", `signals.type == "visit"`: "miss", `properties.seats > 1`: "missing",
}

var conditions = []string{yes, yes, no, no, unknown, unknown, despite, dear, `signal.type == "form_submitted"`, `signals.type == "visit"`, `properties.seats > 1`}

var modes = []signalbox.ParameterMode{signalbox.ModeFilter, signalbox.ModeScore, signalbox.ModeExclude, signalbox.ModeScore}

var ways = []signalbox.OnMissing{signalbox.MissingNeutral, signalbox.MissingFail, signalbox.MissingPass, ""}

// anyProfile draws a profile; three in four are live.
func anyProfile(rt *rapid.T, code string) signalbox.Profile {
	p := signalbox.Profile{Code: code, Live: rapid.IntRange(0, 3).Draw(rt, "live") > 0, Priority: rapid.IntRange(-1, 1).Draw(rt, "priority"), Version: 1}
	for i := range rapid.IntRange(1, 6).Draw(rt, "parameters") {
		q := signalbox.Parameter{Name: fmt.Sprint(i), When: rapid.SampledFrom(conditions).Draw(rt, "when")}
		q.Mode, q.OnMissing = rapid.SampledFrom(modes).Draw(rt, "mode"), rapid.SampledFrom(ways).Draw(rt, "on missing")
		if q.Mode == signalbox.ModeScore {
			q.Weight = rapid.IntRange(1, 10).Draw(rt, "weight")
		}
		p.Parameters = append(p.Parameters, q)
	}
	return p
}

func anyProfiles(rt *rapid.T, what string) []signalbox.Profile {
	var list []signalbox.Profile
	for i := range rapid.IntRange(0, 5).Draw(rt, what) {
		list = append(list, anyProfile(rt, fmt.Sprint(what, i)))
	}
	return list
}

// direct is contract section 7, parameter by parameter: whether a profile fits, and its score before it is rounded.
func direct(p *signalbox.Profile) (fits bool, score float64) {
	against, scoring, known, knownScores := false, 0, 0, 0
	hits, counts := 0.0, 0.0
	for _, q := range p.Parameters {
		speaksFor := truths[q.When] == "hit"
		if q.Mode == signalbox.ModeScore {
			scoring++
		}
		switch {
		case truths[q.When] == "missing":
			if q.OnMissing == signalbox.MissingNeutral || q.OnMissing == "" {
				continue
			}
			speaksFor = q.OnMissing == signalbox.MissingPass
		default:
			if q.Mode == signalbox.ModeExclude {
				speaksFor = !speaksFor
			}
			if q.When != dear {
				known++
			}
			if q.When != dear && q.Mode == signalbox.ModeScore {
				knownScores++
			}
		}
		if q.Mode != signalbox.ModeScore {
			against = against || !speaksFor
			continue
		}
		counts += float64(q.Weight)
		if speaksFor {
			hits += float64(q.Weight)
		}
	}
	if against || known == 0 || scoring > 0 && knownScores == 0 {
		return false, 0
	}
	switch {
	case scoring == 0:
		return true, 100
	case hits == 0 && counts > 0:
		return false, 0
	}
	return true, 100 * hits / counts
}

// checkVerdict holds a verdict to the formula and to the invariants of the room.
func checkVerdict(rt *rapid.T, p *signalbox.Profile, v signalbox.ProfileVerdict) {
	rt.Helper()
	fits, points := direct(p)
	if v.Fits != fits || v.Score != int(math.Floor(points+0.5)) || v.Score < 0 || v.Score > 100 || v.Fits != (v.Reason == "") {
		rt.Fatalf("%+v\nis %t with %d, %q; the formula gives %t with %v", p, v.Fits, v.Score, v.Reason, fits, points)
	}
	settled := v.Reason == "filter" || v.Reason == "exclude"
	if v.Coverage < 0 || v.Coverage > 1 || !settled && (v.Fits || v.Reason == "no_match") != (v.Coverage > 0) {
		rt.Fatalf("%+v\nhas coverage %v, and it fits: %t", p, v.Coverage, v.Fits)
	}
	gives, scoring := 0.0, false
	for i, a := range v.Says {
		q := p.Parameters[i]
		if a.Name != q.Name || a.Mode != q.Mode || a.Weight != q.Weight || a.Outcome != truths[q.When] && (a.Outcome != "not_asked" || !settled) {
			rt.Fatalf("%+v\nsays %+v of %+v", p, a, q)
		}
		gives += a.Gives
		scoring = scoring || q.Mode == signalbox.ModeScore
	}
	if len(v.Says) != len(p.Parameters) || !near(gives, points) && (scoring || gives != 0) {
		rt.Fatalf("%+v\ngives %v in all, of %v, by %d answers", p, gives, points, len(v.Says))
	}
}

// inOrder says whether verdicts stand as contract section 7 wants them: those that fit, the best score, then priority, then code.
func inOrder(list []signalbox.ProfileVerdict, byCode map[string]*signalbox.Profile) bool {
	return slices.IsSortedFunc(list, func(a, b signalbox.ProfileVerdict) int {
		p, q := byCode[a.Code], byCode[b.Code]
		switch {
		case a.Fits != b.Fits:
			if a.Fits {
				return -1
			}
			return 1
		case a.Score != b.Score:
			return b.Score - a.Score
		case p.Priority != q.Priority:
			return q.Priority - p.Priority
		}
		return strings.Compare(a.Code, b.Code)
	})
}

// proves contract section 7: any profiles are judged as the formula says, drafts never, in whichever order they come
func TestJudge_IsWhatTheFormulaSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		icps, personas := anyProfiles(rt, "icp"), anyProfiles(rt, "persona")
		byCode, liveICPs := map[string]*signalbox.Profile{}, 0
		for i := range icps {
			byCode[icps[i].Code] = &icps[i]
			if icps[i].Live {
				liveICPs++
			}
		}
		for i := range personas {
			personas[i].ICPCodes = rapid.SliceOfN(rapid.SampledFrom([]string{"icp0", "icp1", "icp2", "icp3", "icp4"}), 0, 3).Draw(rt, "of")
			byCode[personas[i].Code] = &personas[i]
		}
		m, err := fit.Compile(icps, personas)
		if err != nil {
			rt.Fatal(err)
		}
		got := judge(m, facts(), facts(), nil)
		belong := 0
		for _, p := range personas {
			if p.Live && got.ICP != "" && (len(p.ICPCodes) == 0 || slices.Contains(p.ICPCodes, got.ICP)) {
				belong++
			}
		}
		if len(got.ICPs) != liveICPs || len(got.Personas) != belong || !inOrder(got.ICPs, byCode) || !inOrder(got.Personas, byCode) {
			rt.Fatalf("of %d live ICPs and %d personas that belong to the best: %+v", liveICPs, belong, got)
		}
		for _, v := range slices.Concat(got.ICPs, got.Personas) {
			p := byCode[v.Code]
			if !p.Live {
				rt.Fatalf("the draft %s was judged", v.Code)
			}
			checkVerdict(rt, p, v)
		}
		checkBest(rt, "ICP", got.ICPs, got.ICP, got.ICPScore)
		checkBest(rt, "persona", got.Personas, got.Persona, got.PersonaScore)

		shuffled, err := fit.Compile(rapid.Permutation(icps).Draw(rt, "icps"), rapid.Permutation(personas).Draw(rt, "personas"))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(got, judge(shuffled, facts(), facts(), nil)) + cmp.Diff(m.Reads(), shuffled.Reads()); diff != "" {
			rt.Fatalf("the order in which they come matters: %s", diff)
		}
	})
}

// A mark is the same for what is written out alike, and for nothing else: by it decide tells whether a record's fit has changed.
func TestMark_TellsFitsApart(t *testing.T) {
	t.Parallel()
	marks, fits := map[uint64]string{}, map[string]uint64{}
	version := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		version++ // as everything does that is saved
		icps, personas := anyProfiles(rt, "icp"), anyProfiles(rt, "persona")
		for i := range icps {
			icps[i].Version = version
		}
		for i := range personas {
			personas[i].Version = version
		}
		m, err := fit.Compile(icps, personas)
		if err != nil {
			rt.Fatal(err)
		}
		for _, units := range []uint64{0, 10, 1000} {
			j := m.Judge(facts(), facts(), expr.NewBudget(units))
			company := j.Company()
			for _, j := range []fit.Judgement{j, company} {
				whole := m.Fit(&j)
				text := told(whole)
				if known, ok := fits[text]; ok && known != j.Mark() {
					rt.Fatalf("marks %d and %d of %s", known, j.Mark(), text)
				}
				if known, ok := marks[j.Mark()]; ok && known != text {
					rt.Fatalf("one mark of %s and of %s", known, text)
				}
				fits[text], marks[j.Mark()] = j.Mark(), text
			}
		}
	})
}

// told writes what a fit's mark tells apart: parameters are known by their place in a version.
func told(f signalbox.Fit) string {
	var b strings.Builder
	for _, list := range [2][]signalbox.ProfileVerdict{f.ICPs, f.Personas} {
		for _, v := range list {
			fmt.Fprintf(&b, "%s %d %t %d %v %s", v.Code, v.Version, v.Fits, v.Score, v.Coverage, v.Reason)
			for _, a := range v.Says {
				b.WriteString(" " + a.Outcome)
			}
			b.WriteByte(';')
		}
		b.WriteByte('|')
	}
	return b.String()
}

// checkBest holds what a fit names to the verdict that comes first.
func checkBest(rt *rapid.T, what string, list []signalbox.ProfileVerdict, code string, score int) {
	rt.Helper()
	want, points := "", 0
	if len(list) > 0 && list[0].Fits {
		want, points = list[0].Code, list[0].Score
	}
	if code != want || score != points {
		rt.Fatalf("the %s is %q with %d, and the first of them is %q with %d", what, code, score, want, points)
	}
}

func TestExplain_AgreesWithJudge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := anyProfile(rt, "ICP")
		full, err := fit.Explain(&p, facts())
		if err != nil {
			rt.Fatal(err)
		}
		checkVerdict(rt, &p, full)
		for _, a := range full.Says {
			if a.Outcome == "not_asked" {
				rt.Fatalf("%s was not asked: %+v", a.Name, full)
			}
		}
		p.Live = true
		m, err := fit.Compile([]signalbox.Profile{p}, nil)
		if err != nil {
			rt.Fatal(err)
		}
		short := judge(m, facts(), nil, nil).ICPs[0]
		if short.Fits != full.Fits || short.Score != full.Score || short.Reason != full.Reason || short.Coverage > full.Coverage {
			rt.Fatalf("explained as %+v, judged as %+v", full, short)
		}
		if diff := cmp.Diff(full, short); short.Fits && diff != "" {
			rt.Fatalf("of one that fits they differ: %s", diff)
		}
	})
}
