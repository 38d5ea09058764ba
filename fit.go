package signalbox

import (
	"encoding/json"
	"time"
)

// Profile is an ideal customer (ICP), which judges companies, or a persona, which judges people within ICPs (contract section 7).
type Profile struct {
	Code       string      `json:"-"`                   // names it: "Mid-market SaaS"
	Version    int64       `json:"-"`                   // grows with each change
	Live       bool        `json:"live,omitempty"`      // a draft judges nothing
	Priority   int         `json:"priority,omitempty"`  // of two with the same score the one with the higher priority wins
	ICPCodes   []string    `json:"icp_codes,omitempty"` // of a persona: the ICPs that it belongs to; none: every one
	Parameters []Parameter `json:"parameters"`          // at least one
}

// Parameter is one question that a profile asks of a record.
type Parameter struct {
	Name      string        `json:"name"`
	When      string        `json:"expression"` // on the record and on the signal that it is judged with
	Mode      ParameterMode `json:"mode"`
	Weight    int           `json:"weight,omitempty"` // of one that scores, 1 to 10
	OnMissing OnMissing     `json:"on_missing"`
}

// ParameterMode is what the answer to a parameter does.
type ParameterMode string

// The modes.
const (
	ModeFilter  ParameterMode = "filter"  // must hold, or the profile does not fit
	ModeScore   ParameterMode = "score"   // counts with its weight
	ModeExclude ParameterMode = "exclude" // must not hold
)

// OnMissing is what becomes of a parameter that reads a field which is absent.
type OnMissing string

// What can become of it.
const (
	MissingNeutral OnMissing = "neutral" // it is not asked: its weight does not count; unless set
	MissingFail    OnMissing = "fail"    // it counts as one that speaks against the profile
	MissingPass    OnMissing = "pass"    // it counts as one that speaks for it
)

// Fit is what a record's qualification came to.
type Fit struct {
	ICP          string           `json:"-"` // the code of the best ICP that fits; "": none does
	ICPScore     int              `json:"-"` // 0 to 100
	Persona      string           `json:"-"` // the code of the best persona that fits within it; "": none does
	PersonaScore int              `json:"-"`
	ICPs         []ProfileVerdict `json:"icps"`               // of each live ICP, the best first
	Personas     []ProfileVerdict `json:"personas,omitempty"` // of each live persona that belongs to the ICP, the best first
	At           time.Time        `json:"-"`
}

// ProfileVerdict is what one profile says of a record.
type ProfileVerdict struct {
	Code     string   `json:"code"`
	Version  int64    `json:"version"`
	Fits     bool     `json:"fits"`
	Score    int      `json:"score"`            // 0 to 100; of one that does not fit 0
	Coverage float64  `json:"coverage"`         // the share of its parameters' weights that was known, 0 to 1
	Reason   string   `json:"reason,omitempty"` // why it does not fit: "filter", "exclude", "not_enough_data" or "no_match"; "" when it fits
	Says     []Answer `json:"answers"`
}

// Answer is what one parameter gave.
type Answer struct {
	Name    string        `json:"name"`
	Mode    ParameterMode `json:"mode"`
	Weight  int           `json:"weight,omitempty"`
	Outcome string        `json:"outcome"` // "hit", "miss", "missing", or "not_asked" after the profile was settled
	Gives   float64       `json:"gives"`   // of the score: 100 × its weight / the weights that count, when it hit
}

// Qualified is a qualification in short: what a capture is answered with (S3-17).
type Qualified struct {
	ICP          string // "": none fits
	ICPScore     int
	Persona      string
	PersonaScore int
}

// Short is the fit without its reasons.
func (f *Fit) Short() Qualified {
	return Qualified{f.ICP, f.ICPScore, f.Persona, f.PersonaScore}
}

// Judged is what one profile said of a record, as it is kept: what the profile asks is kept once for each of its versions. As JSON it is a list of its
// fields in their order.
type Judged struct {
	Code    string
	Version int64
	Score   int    // 0 to 100
	Known   int    // of Shares: the weights of its parameters that were known
	Shares  int    // at least 1
	Spoke   int    // the weights that count in the score
	Reason  string // why it does not fit; "": it does
	Says    string // what each parameter said, a letter for each

	whole *ProfileVerdict // of one that an earlier program kept with all its words
}

// What a parameter can have said.
const (
	SaidYes        = 'h'
	SaidNo         = 'm'
	SaidMissing    = '?' // and its weight does not count
	SaidMissingYes = 'y' // and that speaks for the profile
	SaidMissingNo  = 'n' // and that speaks against it
	SaidNothing    = '-' // it was not asked
)

var outcomes = map[rune]string{SaidYes: "hit", SaidNo: "miss", SaidMissing: "missing", SaidMissingYes: "missing", SaidMissingNo: "missing", SaidNothing: "not_asked"}

// UnmarshalJSON reads what a profile said as this program keeps it, and as earlier ones did.
func (j *Judged) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		j.whole = &ProfileVerdict{}
		if err := json.Unmarshal(b, j.whole); err != nil {
			return err
		}
		j.Code, j.Version = j.whole.Code, j.whole.Version
		return nil
	}
	fields := [...]any{&j.Code, &j.Version, &j.Score, &j.Known, &j.Shares, &j.Spoke, &j.Reason, &j.Says}
	list := fields[:]
	return json.Unmarshal(b, &list)
}

// Verdict is what was said in the words of the profile's version that said it. nil is a profile that is not known any more: it has no answers.
func (j *Judged) Verdict(of *Profile) ProfileVerdict {
	if j.whole != nil {
		return *j.whole
	}
	v := ProfileVerdict{
		Code: j.Code, Version: j.Version, Fits: j.Reason == "", Score: j.Score, Coverage: float64(j.Known) / float64(max(j.Shares, 1)), Reason: j.Reason,
	}
	if of == nil || len(of.Parameters) != len(j.Says) {
		return v
	}
	v.Says = make([]Answer, len(of.Parameters))
	for i, said := range j.Says {
		p := &of.Parameters[i]
		v.Says[i] = Answer{Name: p.Name, Mode: p.Mode, Weight: p.Weight, Outcome: outcomes[said]}
		if v.Fits && p.Mode == ModeScore && (said == SaidYes || said == SaidMissingYes) {
			v.Says[i].Gives = 100 * float64(p.Weight) / float64(max(j.Spoke, 1))
		}
	}
	return v
}

// Qualification is what is stored of a record's fit.
type Qualification struct {
	Workspace WorkspaceID
	Entity    EntityID
	At        time.Time
	Short     Qualified
	Body      []byte // JSON: {"icps": […], "personas": […]} of Judged; nil: there is none any more
}
