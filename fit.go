package signalbox

import "time"

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

// Qualification is what is stored of a record's fit.
type Qualification struct {
	Workspace WorkspaceID
	Entity    EntityID
	Fit       *Fit // nil: there is none any more
}
