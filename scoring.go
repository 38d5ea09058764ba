package signalbox

import "time"

// Scoring is how a workspace scores (contract section 6). The zero value is the shipped way; what is nil is as shipped.
type Scoring struct {
	Types         map[string]TypeScoring // by the name of a signal's type
	Points        *float64               // of a type that is not named, shipped: 5
	HalfLife      *HalfLife              // of a type that has none of its own, shipped: 14 days
	Cap           *float64               // of a type that has none of its own, shipped: 40
	Boost         float64                // by how much many signals of a type count more than their sum, 0 to 10
	Rules         []ScoreRule            // add points
	AccountStages []Stage                // ascending, the first from 0; nil: the shipped ones
	ContactStages []Stage
}

// TypeScoring is what one type of signal is worth; what is nil is the workspace's own, or as shipped.
type TypeScoring struct {
	Points   *float64
	HalfLife *HalfLife
	Cap      *float64 // the most that all signals of the type together count
}

// HalfLife is the time in which points become half as many.
type HalfLife time.Duration

// NeverDecays is the half-life of points that stay.
const NeverDecays HalfLife = -1

// ScoreRule adds points to signals of a type.
type ScoreRule struct {
	Name   string
	Type   string // "*", a name, or a prefix and "*"
	When   string // an expression that reads the signal alone; "": always
	Points float64
}

// Stage is a name for scores from a number on.
type Stage struct {
	Name string
	From int
}

// Scored is a signal as far as scores go.
type Scored struct {
	ID     SignalID
	Type   string
	Points Points
	At     time.Time // from when on it counts: when it occurred, or was received if that was earlier
}

// Contribution is what one signal gives to a score.
type Contribution struct {
	Scored
	Left float64 // of its points, after decay, boost and cap
}

// Explanation says what a score is made of. The contributions and the rest add up to the points.
type Explanation struct {
	Points        float64
	Contributions []Contribution // the largest first
	Rest          int            // signals that are not listed
	RestPoints    float64
}

// ShippedStages are the stages of accounts and contacts unless set (V-18).
func ShippedStages() []Stage {
	return []Stage{{"Cool", 0}, {"Warm", 40}, {"In-market", 65}, {"Hot", 85}}
}
