package fit_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"

	"signalbox"
	"signalbox/expr"
	"signalbox/fit"
)

var (
	parameterRow = regexp.MustCompile("(?m)^\\| (\\w+) \\| `(.+)` \\| (filter|score|exclude) \\| (\\d*) ?\\| (\\w+) \\| (\\w+) \\| ([\\d.]+) \\|$")
	knownOf      = regexp.MustCompile("what is known of Acme: `(.+)`")
	cameTo       = regexp.MustCompile(`(?s)Of the weights (\d+) count.* fits with a score of (\d+)\. .* a coverage of ([\d.]+)\.`)
)

func number(t *testing.T, text string) float64 {
	t.Helper()
	if text == "" {
		return 0
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// docs/qualification.md works an example out: it is judged as it says.
func TestDocument_TheExampleIsWorkedOutAsItSays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/qualification.md")
	if err != nil {
		t.Fatal(err)
	}
	known, said, rows := knownOf.FindSubmatch(text), cameTo.FindStringSubmatch(string(text)), parameterRow.FindAllStringSubmatch(string(text), -1)
	if known == nil || said == nil || len(rows) != 6 {
		t.Fatalf("it is known %q, comes to %q, by %d parameters", known, said, len(rows))
	}
	p := signalbox.Profile{Code: "Mid-market SaaS"}
	for _, r := range rows {
		p.Parameters = append(p.Parameters, signalbox.Parameter{
			Name: r[1], When: r[2], Mode: signalbox.ParameterMode(r[3]), Weight: int(number(t, r[4])), OnMissing: signalbox.OnMissing(r[5]),
		})
	}
	v, err := fit.Explain(&p, &expr.Facts{Account: &expr.Account{Attributes: known[1]}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	counts := 0
	for i, a := range v.Says {
		if a.Outcome != rows[i][6] || a.Gives != number(t, rows[i][7]) {
			t.Errorf("%s is a %s and gives %v, and is said to be %s and %s", a.Name, a.Outcome, a.Gives, rows[i][6], rows[i][7])
		}
		if a.Outcome != "missing" || p.Parameters[i].OnMissing != signalbox.MissingNeutral {
			counts += a.Weight
		}
	}
	if !v.Fits || v.Score != int(number(t, said[2])) || math.Abs(v.Coverage-number(t, said[3])) > 5e-3 || counts != int(number(t, said[1])) {
		t.Errorf("it comes to %+v with weights of %d, and is said to come to %q", v, counts, said[1:])
	}
}

func TestAtoms_AreThoseOfADraftToo(t *testing.T) {
	t.Parallel()
	p := live("ICP", scores(5, `count(signals, "page_view", "30d") >= 3`), filter(`count(signals, "page_view") >= 7`), exclude(yes))
	p.Live = false
	list, err := fit.Atoms(&p)
	if err != nil || len(list) != 1 || list[0].Keep != 7 {
		t.Errorf("they are %+v, %v", list, err)
	}
	p.Parameters[0].When = "signals"
	if _, err := fit.Atoms(&p); signalbox.CodeOf(err) != signalbox.Invalid {
		t.Errorf("one that Check refuses: %v", err)
	}
}
