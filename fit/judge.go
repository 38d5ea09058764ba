package fit

import (
	"cmp"
	"slices"

	"signalbox"
	"signalbox/expr"
)

// What a parameter gave.
const (
	hit      = "hit"
	miss     = "miss"
	missing  = "missing"
	notAsked = "not_asked"
)

// Why a profile does not fit.
const (
	filtered      = "filter"
	excluded      = "exclude"
	notEnoughData = "not_enough_data"
	noMatch       = "no_match" // all that scores was answered with no
)

// extent is how far a profile is asked.
type extent uint8

const (
	untilSettled extent = iota
	everything
)

// Judge qualifies a record: ICPs on the company's facts, then, when one fits and there is a person, the personas that belong to the one that won on the
// person's. nil: there is none. What it costs is taken from the budget, which may be nil.
//
// A parameter that costs more than there is left is a miss that is not known: a filter fails, an exclude does not hit, and what scores counts with its
// weight and gives nothing.
func (m *Model) Judge(company, person *expr.Facts, b *expr.Budget) signalbox.Fit {
	fit := signalbox.Fit{At: company.Now}
	list, won := m.icps.judge(company, b)
	fit.ICPs = list
	if won == nil {
		return fit
	}
	fit.ICP, fit.ICPScore = list[0].Code, list[0].Score
	if person == nil {
		return fit
	}
	list, won = won.personas.judge(person, b)
	fit.Personas = list
	if won != nil {
		fit.Persona, fit.PersonaScore = list[0].Code, list[0].Score
	}
	return fit
}

// Explain judges one profile, draft or live, and asks every parameter even after it was settled: for a test on a record. Of several that speak against it
// the first filter or exclude is the reason. Its error is that of [Check].
func Explain(p *signalbox.Profile, f *expr.Facts) (signalbox.ProfileVerdict, error) {
	r, err := ready(p)
	if err != nil {
		return signalbox.ProfileVerdict{}, err
	}
	return r.judge(f, nil, slices.Clone(r.blank), everything), nil
}

// judge gives the verdicts, the best first, and the profile that won, if one fits.
func (g *group) judge(f *expr.Facts, b *expr.Budget) (list []signalbox.ProfileVerdict, won *profile) {
	if len(g.profiles) == 0 {
		return nil, nil
	}
	list = make([]signalbox.ProfileVerdict, len(g.profiles))
	answers := slices.Clone(g.blank)
	best := -1
	for i, p := range g.profiles {
		n := len(p.blank)
		list[i] = p.judge(f, b, answers[:n:n], untilSettled)
		answers = answers[n:]
		if list[i].Fits && list[i].Score > best {
			best, won = list[i].Score, p
		}
	}
	// They were asked by priority and code: those with the same score stay so.
	slices.SortStableFunc(list, func(a, b signalbox.ProfileVerdict) int {
		if a.Fits != b.Fits {
			if a.Fits {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.Score, a.Score)
	})
	return list, won
}

// judge asks the profile's questions, and writes what they gave into says, its answers before anything was asked.
func (p *profile) judge(f *expr.Facts, b *expr.Budget, says []signalbox.Answer, far extent) signalbox.ProfileVerdict {
	v := signalbox.ProfileVerdict{Code: p.code, Version: p.version, Says: says}
	known, hits, counts := 0, 0, 0
	for i := range p.questions {
		if v.Reason != "" && far == untilSettled {
			break
		}
		q := &p.questions[i]
		a := &says[q.place]
		outcome, sure := q.ask(f, b)
		a.Outcome = outcome
		if sure {
			known += q.share
		}
		holds, speaks := q.stands(outcome)
		switch {
		case !speaks:
		case q.mode == signalbox.ModeScore:
			counts += q.weight
			if holds {
				hits += q.weight
				a.Gives = float64(q.weight) // of what counts, which is not known yet
			}
		case v.Reason != "":
		case q.mode == signalbox.ModeFilter && !holds:
			v.Reason = filtered
		case q.mode == signalbox.ModeExclude && holds:
			v.Reason = excluded
		}
	}
	v.Coverage = float64(known) / float64(p.shares)
	if v.Reason == "" && known == 0 {
		v.Reason = notEnoughData
	}
	if v.Reason == "" && counts > 0 && hits == 0 {
		v.Reason = noMatch
	}
	v.Fits = v.Reason == ""
	if v.Fits {
		v.Score = percent(hits, counts)
	}
	weigh(says, v.Fits, counts)
	return v
}

// ask gives the outcome, and whether it is known. A missing field matters only when the answer is not yes without it.
func (q *question) ask(f *expr.Facts, b *expr.Budget) (outcome string, known bool) {
	v := q.program.Ask(f, b)
	switch {
	case v.Holds:
		return hit, true
	case v.Reason != "":
		return miss, false
	case len(v.Missing) > 0:
		return missing, false
	}
	return miss, true
}

// stands says what an outcome counts as: whether the condition is taken to hold, and whether it speaks for or against the profile at all.
func (q *question) stands(outcome string) (holds, speaks bool) {
	if outcome != missing {
		return outcome == hit, true
	}
	switch q.onMissing {
	case signalbox.MissingFail:
		return q.mode == signalbox.ModeExclude, true
	case signalbox.MissingPass:
		return q.mode != signalbox.ModeExclude, true
	}
	return false, false
}

// percent is hits of counts in hundredths, rounded half up; of nothing it is all.
func percent(hits, counts int) int {
	if counts == 0 {
		return 100
	}
	return (200*hits + counts) / (2 * counts)
}

// weigh turns the weights that hit into what they give of the score: nothing where the profile does not fit.
func weigh(says []signalbox.Answer, fits bool, counts int) {
	for i := range says {
		if a := &says[i]; !fits {
			a.Gives = 0
		} else if a.Gives > 0 {
			a.Gives = 100 * a.Gives / float64(counts)
		}
	}
}
