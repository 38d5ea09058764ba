package fit

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"signalbox"
	"signalbox/expr"
	"signalbox/strictjson"
)

// outcome is what a parameter gave.
type outcome uint8

const (
	notAsked outcome = iota // after the profile was settled
	hit
	miss
	missing
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

// Judgement is what a model says of a record: small until it is written out, as most signals change nothing of it. Empty is the zero value.
type Judgement struct {
	at       time.Time
	icps     []verdict // the best first
	personas []verdict // of the ICP that won, likewise
}

// verdict is what one profile says.
type verdict struct {
	of     *profile
	fits   bool
	score  int
	known  int       // of the profile's shares
	counts int       // the weights that spoke
	reason string    // why it does not fit
	says   []outcome // by parameter
}

// Judge qualifies a record: ICPs on the company's facts, then, when one fits and there is a person, the personas that belong to the one that won on the
// person's. nil: there is none. What it costs is taken from the budget, which may be nil.
//
// A parameter that costs more than there is left is a miss that is not known: a filter fails, an exclude does not hit, and what scores counts with its
// weight and gives nothing.
func (m *Model) Judge(company, person *expr.Facts, b *expr.Budget) Judgement {
	j := Judgement{at: company.Now, icps: m.icps.judge(company, b)}
	if person != nil && len(j.icps) > 0 && j.icps[0].fits {
		j.personas = j.icps[0].of.personas.judge(person, b)
	}
	return j
}

// At is when it was judged.
func (j *Judgement) At() time.Time { return j.at }

// Company is the judgement without what it says of the person.
func (j Judgement) Company() Judgement {
	j.personas = nil
	return j
}

// Short is the judgement without its reasons.
func (j *Judgement) Short() (q signalbox.Qualified) {
	if len(j.icps) > 0 && j.icps[0].fits {
		q.ICP, q.ICPScore = j.icps[0].of.Code, j.icps[0].score
	}
	if len(j.personas) > 0 && j.personas[0].fits {
		q.Persona, q.PersonaScore = j.personas[0].of.Code, j.personas[0].score
	}
	return q
}

// Mark tells a judgement, with its reasons, from another one. It is never 0, and stays the same from one program to the next.
func (j *Judgement) Mark() uint64 {
	said := make([]byte, 0, 1024)
	for _, list := range [2][]verdict{j.icps, j.personas} {
		said = binary.LittleEndian.AppendUint32(said, uint32(len(list)))
		for i := range list {
			v := &list[i]
			said = append(said, v.of.Code...)
			said = binary.LittleEndian.AppendUint64(said, uint64(v.of.Version))
			said = binary.LittleEndian.AppendUint32(append(said, byte(v.score)), uint32(v.known))
			said = append(said, v.reason...)
			for _, o := range v.says {
				said = append(said, byte(o))
			}
		}
	}
	h := fnv.New64a()
	_, _ = h.Write(said)
	return max(h.Sum64(), 1)
}

// Append writes a judgement out, as [signalbox.Qualification] keeps it.
func (j *Judgement) Append(b []byte) []byte {
	b = appendVerdicts(append(b, `{"icps":`...), j.icps)
	if len(j.personas) > 0 {
		b = appendVerdicts(append(b, `,"personas":`...), j.personas)
	}
	return append(b, '}')
}

func appendVerdicts(b []byte, list []verdict) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		v := &list[i]
		b = strictjson.AppendString(append(b, '['), v.of.Code)
		for _, n := range [...]int64{v.of.Version, int64(v.score), int64(v.known), int64(v.of.shares), int64(v.counts)} {
			b = strconv.AppendInt(append(b, ','), n, 10)
		}
		b = append(append(append(b, `,"`...), v.reason...), `","`...)
		for place := range v.says {
			b = append(b, v.said(place))
		}
		b = append(b, `"]`...)
	}
	return append(b, ']')
}

// said is what a parameter said, as a letter.
func (v *verdict) said(place int) byte {
	switch v.says[place] {
	case hit:
		return signalbox.SaidYes
	case miss:
		return signalbox.SaidNo
	case missing:
		q := v.of.asked(place)
		switch holds, speaks := q.stands(missing); {
		case !speaks:
			return signalbox.SaidMissing
		case holds:
			return signalbox.SaidMissingYes
		}
		return signalbox.SaidMissingNo
	}
	return signalbox.SaidNothing
}

func (v *verdict) judged() signalbox.Judged {
	j := signalbox.Judged{Code: v.of.Code, Version: v.of.Version, Score: v.score, Known: v.known, Shares: v.of.shares, Spoke: v.counts, Reason: v.reason}
	said := make([]byte, len(v.says))
	for place := range said {
		said[place] = v.said(place)
	}
	j.Says = string(said)
	return j
}

// Explain judges one profile, draft or live, and asks every parameter even after it was settled: for a test on a record. Of several that speak against it
// the first filter or exclude is the reason. Its error is that of [Check].
func Explain(p *signalbox.Profile, f *expr.Facts) (signalbox.ProfileVerdict, error) {
	r, err := ready(p)
	if err != nil {
		return signalbox.ProfileVerdict{}, err
	}
	v := r.judge(f, nil, make([]outcome, len(r.questions)), everything)
	said := v.judged()
	return said.Verdict(p), nil
}

// judge gives the verdicts, the best first; nil when there are no profiles.
func (g *group) judge(f *expr.Facts, b *expr.Budget) []verdict {
	if len(g.profiles) == 0 {
		return nil
	}
	list, says := make([]verdict, len(g.profiles)), make([]outcome, g.questions)
	for i, p := range g.profiles {
		n := len(p.questions)
		list[i] = p.judge(f, b, says[:n:n], untilSettled)
		says = says[n:]
	}
	// They were asked by priority and code: those with the same score stay so.
	slices.SortStableFunc(list, func(a, b verdict) int {
		if a.fits != b.fits {
			if a.fits {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.score, a.score)
	})
	return list
}

// judge asks the profile's questions, and writes what they gave into says.
func (p *profile) judge(f *expr.Facts, b *expr.Budget, says []outcome, far extent) verdict {
	v := verdict{of: p, says: says}
	hits := 0
	for i := range p.questions {
		if v.reason != "" && far == untilSettled {
			break
		}
		q := &p.questions[i]
		o, sure := q.ask(f, b)
		says[q.place] = o
		if sure {
			v.known += q.share
		}
		holds, speaks := q.stands(o)
		switch {
		case !speaks:
		case q.mode == signalbox.ModeScore:
			v.counts += q.weight
			if holds {
				hits += q.weight
			}
		case v.reason != "":
		case q.mode == signalbox.ModeFilter && !holds:
			v.reason = filtered
		case q.mode == signalbox.ModeExclude && holds:
			v.reason = excluded
		}
	}
	if v.reason == "" && v.known == 0 {
		v.reason = notEnoughData
	}
	if v.reason == "" && v.counts > 0 && hits == 0 {
		v.reason = noMatch
	}
	if v.fits = v.reason == ""; v.fits {
		v.score = percent(hits, v.counts)
	}
	return v
}

// ask gives the outcome, and whether it is known. A missing field matters only when the answer is not yes without it.
func (q *question) ask(f *expr.Facts, b *expr.Budget) (o outcome, known bool) {
	holds, lacks, known := q.program.Answer(f, b)
	switch {
	case holds:
		return hit, true
	case !known:
		return miss, false
	case lacks:
		return missing, false
	}
	return miss, true
}

// stands says what an outcome counts as: whether the condition is taken to hold, and whether it speaks for or against the profile at all.
func (q *question) stands(o outcome) (holds, speaks bool) {
	switch {
	case o == notAsked:
		return false, false
	case o != missing:
		return o == hit, true
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
