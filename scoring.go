package signalbox

import (
	"strconv"
	"strings"
	"time"
)

// Scoring is how a workspace scores (contract section 6). The zero value is the shipped way; what is nil is as shipped.
type Scoring struct {
	Types         map[string]TypeScoring `json:"types,omitempty"`          // by the name of a signal's type
	Points        *float64               `json:"points,omitempty"`         // of a type that is not named, shipped: 5
	HalfLife      *HalfLife              `json:"half_life,omitempty"`      // of a type that has none of its own, shipped: 14 days
	Cap           *float64               `json:"cap,omitempty"`            // of a type that has none of its own, shipped: 40
	Boost         float64                `json:"boost,omitempty"`          // by how much many signals of a type count more than their sum, 0 to 10
	Rules         []ScoreRule            `json:"rules,omitempty"`          // add points
	AccountStages []Stage                `json:"account_stages,omitempty"` // ascending, the first from 0; nil: the shipped ones
	ContactStages []Stage                `json:"contact_stages,omitempty"`

	// Era grows with each change of what stands already: half-lives, caps, boost, stages. 0: it was never changed.
	Era int64 `json:"era,omitempty"`
}

// TypeScoring is what one type of signal is worth; what is nil is the workspace's own, or as shipped.
type TypeScoring struct {
	Points   *float64  `json:"points,omitempty"`
	HalfLife *HalfLife `json:"half_life,omitempty"`
	Cap      *float64  `json:"cap,omitempty"` // the most that all signals of the type together count
}

// HalfLife is the time in which points become half as many: whole seconds.
type HalfLife time.Duration

// NeverDecays is the half-life of points that stay.
const NeverDecays HalfLife = -1

// String is the half-life as people write it: "14d", "90m", "never".
func (h HalfLife) String() string {
	if h == NeverDecays {
		return "never"
	}
	for _, unit := range halfLifeUnits {
		if time.Duration(h)%unit.of == 0 {
			return strconv.FormatInt(int64(time.Duration(h)/unit.of), 10) + unit.letter
		}
	}
	return time.Duration(h).String()
}

var halfLifeUnits = []struct {
	letter string
	of     time.Duration
}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

// MaxHalfLife bounds half-lives.
const MaxHalfLife = HalfLife(3650 * 24 * time.Hour)

// ParseHalfLife reads a half-life: a whole number of s, m, h or d, or "never". The error may be shown.
func ParseHalfLife(text string) (HalfLife, error) {
	if text == "never" {
		return NeverDecays, nil
	}
	for _, unit := range halfLifeUnits {
		digits, ok := strings.CutSuffix(text, unit.letter)
		n, err := strconv.ParseInt(digits, 10, 64)
		if !ok || err != nil || n < 1 || n > int64(time.Duration(MaxHalfLife)/unit.of) {
			continue
		}
		return HalfLife(time.Duration(n) * unit.of), nil
	}
	return 0, Errorf(Invalid, `%q is no half-life: write a whole number from 1 with s, m, h or d, as in 14d, at most 3650d; or never`, text)
}

// MarshalText makes a half-life the text that String gives.
func (h HalfLife) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText is ParseHalfLife.
func (h *HalfLife) UnmarshalText(text []byte) (err error) {
	*h, err = ParseHalfLife(string(text))
	return err
}

// ScoreRule adds points to signals of a type.
type ScoreRule struct {
	Name   string  `json:"name"`
	Type   string  `json:"type"`           // "*", a name, or a prefix and "*"
	When   string  `json:"when,omitempty"` // an expression that reads the signal alone; "": always
	Points float64 `json:"points"`
}

// Title is what a rule is called where a score is explained.
func (r *ScoreRule) Title() string {
	switch {
	case r.Name != "":
		return r.Name
	case r.When != "":
		return r.When
	}
	return r.Type
}

// Stage is a name for scores from a number on.
type Stage struct {
	Name string `json:"name"`
	From int    `json:"min"`
}

// Scored is a signal as far as scores go.
type Scored struct {
	ID     SignalID
	Type   string
	Points Points
	At     time.Time // from when on it counts: when it occurred, or was received if that was earlier

	OccurredAt time.Time // as it was said
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

// ScoreHistory says how a score stood over time, by the definitions in force now.
type ScoreHistory struct {
	HalfLife  HalfLife // of types without one of their own
	Stages    []Stage  // ascending, the first from 0
	Standings []Standing
}

// ShippedStages are the stages of accounts and contacts unless set (V-18).
func ShippedStages() []Stage {
	return []Stage{{"Cool", 0}, {"Warm", 40}, {"In-market", 65}, {"Hot", 85}}
}

// ScoringPreview says what another scoring would change.
type ScoringPreview struct {
	Signals int         // how many were looked at
	Records int         // of how many records
	Moves   []ScoreMove // those whose score or stage would be another one, the largest move first
}

// ScoreMove is a record that would stand elsewhere.
type ScoreMove struct {
	Kind   RecordKind
	Entity EntityID
	Before Standing
	After  Standing
}
