package fit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/fit"
)

// codes are the ICPs that there are.
var codes = []string{"Enterprise", "Mid-market SaaS", "Mid-market Retail", "SMB"}

// refusals are what is done to a persona that is right, and what is said of it.
var refusals = []struct {
	name  string
	spoil func(*signalbox.Profile)
	param string
	msg   string
}{
	{"no code", func(p *signalbox.Profile) { p.Code = "" }, "code", "code must have 1 to 200 characters"},
	{"a blank code", func(p *signalbox.Profile) { p.Code = " \t" }, "code", "code must have 1 to 200 characters"},
	{"a long code", func(p *signalbox.Profile) { p.Code = strings.Repeat("ä", 201) }, "code", "code must have 1 to 200 characters"},
	{"a high priority", func(p *signalbox.Profile) { p.Priority = 1001 }, "priority", "priority must be from -1000 to 1000"},
	{"a low priority", func(p *signalbox.Profile) { p.Priority = -1001 }, "priority", "priority must be from -1000 to 1000"},
	{"no parameters", func(p *signalbox.Profile) { p.Parameters = nil }, "parameters", "parameters must be 1 to 50, and there are 0"},
	{"many parameters", func(p *signalbox.Profile) { p.Parameters = make([]signalbox.Parameter, 51) }, "parameters", "parameters must be 1 to 50, and there are 51"},

	{"a parameter without a name", func(p *signalbox.Profile) { p.Parameters[1].Name = "" }, "parameters[1].name", "parameters[1].name must have 1 to 200 characters"},
	{"a parameter with a long name", func(p *signalbox.Profile) { p.Parameters[0].Name = strings.Repeat("n", 201) }, "parameters[0].name",
		"parameters[0].name must have 1 to 200 characters"},
	{"two of one name", func(p *signalbox.Profile) { p.Parameters[2].Name = "a" }, "parameters[2].name",
		`parameters[2].name: "a" is also the name of parameters[0]; give each its own`},
	{"no mode", func(p *signalbox.Profile) { p.Parameters[0].Mode = "" }, "parameters[0].mode", "parameters[0].mode must be filter, score or exclude"},
	{"an unknown mode", func(p *signalbox.Profile) { p.Parameters[0].Mode = "must" }, "parameters[0].mode", "parameters[0].mode must be filter, score or exclude"},
	{"no weight", func(p *signalbox.Profile) { p.Parameters[0].Weight = 0 }, "parameters[0].weight", "parameters[0].weight must be from 1 to 10"},
	{"a negative weight", func(p *signalbox.Profile) { p.Parameters[0].Weight = -1 }, "parameters[0].weight", "parameters[0].weight must be from 1 to 10"},
	{"a high weight", func(p *signalbox.Profile) { p.Parameters[0].Weight = 11 }, "parameters[0].weight", "parameters[0].weight must be from 1 to 10"},
	{"a filter that weighs", func(p *signalbox.Profile) { p.Parameters[1].Weight = 5 }, "parameters[1].weight",
		"parameters[1].weight: only a parameter with mode score weighs, this one has mode filter; leave it out"},
	{"an exclude that weighs", func(p *signalbox.Profile) { p.Parameters[2].Weight = -5 }, "parameters[2].weight",
		"parameters[2].weight: only a parameter with mode score weighs, this one has mode exclude; leave it out"},
	{"an unknown on_missing", func(p *signalbox.Profile) { p.Parameters[2].OnMissing = "skip" }, "parameters[2].on_missing",
		"parameters[2].on_missing must be neutral, fail or pass"},

	{"no expression", func(p *signalbox.Profile) { p.Parameters[1].When = "" }, "parameters[1].expression", "line 1, column 1: is empty"},
	{"a field that there is not", func(p *signalbox.Profile) { p.Parameters[2].When = "true &&\n  account.domian == '%d'" }, "parameters[2].expression",
		"line 2, column 11: unknown field account.domian; did you mean account.domain?"},
	{"no yes or no", func(p *signalbox.Profile) { p.Parameters[0].When = "account.score + 1" }, "parameters[0].expression",
		"line 1, column 15: gives a number where a yes or no is needed"},

	{"an ICP that there is not", func(p *signalbox.Profile) { p.ICPCodes = []string{"SMB", "Universities"} }, "icp_codes[1]",
		`icp_codes[1]: no ICP has the code "Universities"; leave icp_codes out for a persona of every ICP`},
	{"a slip in the code of an ICP", func(p *signalbox.Profile) { p.ICPCodes = []string{"enterprize"} }, "icp_codes[0]",
		`icp_codes[0]: no ICP has the code "enterprize"; did you mean "Enterprise"?`},
	{"a letter too few", func(p *signalbox.Profile) { p.ICPCodes = []string{"SM"} }, "icp_codes[0]", `icp_codes[0]: no ICP has the code "SM"; did you mean "SMB"?`},
	{"a letter too many", func(p *signalbox.Profile) { p.ICPCodes = []string{"SMBs"} }, "icp_codes[0]", `icp_codes[0]: no ICP has the code "SMBs"; did you mean "SMB"?`},
	{"a code between two ICPs", func(p *signalbox.Profile) { p.ICPCodes = []string{"Mid-market Sail"} }, "icp_codes[0]",
		`icp_codes[0]: no ICP has the code "Mid-market Sail"; did you mean "Mid-market SaaS" or "Mid-market Retail"?`},
	{"a long code of an ICP", func(p *signalbox.Profile) { p.ICPCodes = []string{strings.Repeat("x", 5000)} }, "icp_codes[0]",
		`icp_codes[0]: no ICP has the code "` + strings.Repeat("x", 60) + `…"; leave icp_codes out for a persona of every ICP`},
	{"an ICP twice", func(p *signalbox.Profile) { p.ICPCodes = []string{"SMB", "SMB"} }, "icp_codes[1]", `icp_codes[1] names "SMB" a second time; name each ICP once`},
}

func TestCheck_SaysWhatIsWrongAndWhatWouldBeRight(t *testing.T) {
	t.Parallel()
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := live("persona", scores(5, yes), filter(yes), exclude(no))
			c.spoil(&p)
			var e *signalbox.Error
			if err := fit.Check(&p, true, codes); !errors.As(err, &e) {
				t.Fatalf("it is accepted: %v", err)
			}
			if diff := cmp.Diff(&signalbox.Error{Code: signalbox.Invalid, Param: c.param, Msg: c.msg}, e); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheck_AnICPBelongsToNone(t *testing.T) {
	t.Parallel()
	p := live("ICP", scores(5, yes))
	p.ICPCodes = []string{"SMB"}
	err := fit.Check(&p, false, codes)
	if diff := cmp.Diff("validation_error: icp_codes: icp_codes: only a persona belongs to ICPs; leave it out", fmt.Sprint(err)); diff != "" {
		t.Error(diff)
	}
}

func TestCheck_AcceptsTheBounds(t *testing.T) {
	t.Parallel()
	p := signalbox.Profile{Code: strings.Repeat("ä", 200), Priority: -1000}
	for i := range fit.MaxParameters {
		p.Parameters = append(p.Parameters, missing([]signalbox.OnMissing{"neutral", "fail", "pass", ""}[i%4], scores(1+i%10, yes)))
		p.Parameters[i].Name = fmt.Sprint(i, strings.Repeat("ä", 198))
	}
	if err := fit.Check(&p, false, nil); err != nil {
		t.Error(err)
	}
	p.Priority, p.ICPCodes = 1000, codes
	if err := fit.Check(&p, true, codes); err != nil {
		t.Error(err)
	}
}

func TestNormalise_FillsInWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	given := signalbox.Profile{Code: " ICP\n", ICPCodes: []string{" SMB "}, Parameters: []signalbox.Parameter{
		{Name: " size ", When: " account.score > 1 ", Mode: signalbox.ModeScore}, {Name: "place", Mode: signalbox.ModeFilter, OnMissing: signalbox.MissingPass},
		{Name: "weighs", Mode: signalbox.ModeScore, Weight: 9},
	}}
	p := given
	fit.Normalise(&p)
	want := signalbox.Profile{Code: "ICP", ICPCodes: []string{"SMB"}, Parameters: []signalbox.Parameter{
		{Name: "size", When: " account.score > 1 ", Mode: signalbox.ModeScore, Weight: 5, OnMissing: signalbox.MissingNeutral},
		{Name: "place", Mode: signalbox.ModeFilter, OnMissing: signalbox.MissingPass},
		{Name: "weighs", Mode: signalbox.ModeScore, Weight: 9, OnMissing: signalbox.MissingNeutral},
	}}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	if given.Parameters[0].Name != " size " || given.ICPCodes[0] != " SMB " {
		t.Errorf("the lists that were handed in have changed: %+v", given)
	}
}

// An error names the profile; a draft may be wrong, and an ICP may have gone from under a persona.
func TestCompile_RefusesWhatCheckRefusesOfLiveProfilesOnly(t *testing.T) {
	t.Parallel()
	good, bad := live("good", scores(5, yes)), live("bad", scores(5, yes), filter("acount.score > 1"))
	for i, sides := range [][2][]signalbox.Profile{{{good, bad}, nil}, {{good}, {good, bad}}} {
		_, err := fit.Compile(sides[0], sides[1])
		var e *signalbox.Error
		if !errors.As(err, &e) || e.Param != "parameters[1].expression" || !strings.Contains(err.Error(), `"bad"`) {
			t.Errorf("side %d: %v", i, err)
		}
	}
	bad.Live, good.ICPCodes = false, []string{"gone"}
	m, err := fit.Compile([]signalbox.Profile{bad}, []signalbox.Profile{bad, good})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(m.Reads().Fields, "account.score") || m.Empty() {
		t.Errorf("it reads %v, and is empty: %t", m.Reads().Fields, m.Empty())
	}
}
