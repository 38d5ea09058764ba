package score

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"signalbox"
)

// The bounds of a scoring (contract section 15, and what keeps sums readable).
const (
	MaxPoints = 1_000_000.0 // of a type, a rule or a cap, either way
	MaxBoost  = 10.0
	MaxRules  = 200
	MaxTypes  = signalbox.MaxSignalTypes
	MaxStages = 20
	MaxStage  = 1_000_000 // the highest score at which one begins
)

// Check says what is wrong with a scoring: a signalbox.Error that names the field as the API does. What the text of a rule means is its caller's to check.
func Check(s *signalbox.Scoring) error {
	if err := checkKind("", &signalbox.TypeScoring{Points: s.Points, HalfLife: s.HalfLife, Cap: s.Cap}, "default_"); err != nil {
		return err
	}
	if s.Boost < 0 || s.Boost > MaxBoost || math.IsNaN(s.Boost) {
		return signalbox.InvalidField("boost", "boost must be from 0 to %v", MaxBoost)
	}
	if len(s.Types) > MaxTypes {
		return signalbox.InvalidField("types", "types names %d types, the most is %d", len(s.Types), MaxTypes)
	}
	for _, name := range sorted(s.Types) {
		if strings.TrimSpace(name) == "" || len([]rune(name)) > signalbox.MaxName {
			return signalbox.InvalidField("types", "types: the name of a type must have 1 to %d characters", signalbox.MaxName)
		}
		t := s.Types[name]
		if err := checkKind("types."+name+".", &t, ""); err != nil {
			return err
		}
	}
	if err := checkRules(s.Rules); err != nil {
		return err
	}
	if err := checkStages("stages.account", s.AccountStages); err != nil {
		return err
	}
	return checkStages("stages.contact", s.ContactStages)
}

func sorted(types map[string]signalbox.TypeScoring) []string {
	list := make([]string, 0, len(types))
	for name := range types {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// checkKind judges what one type is worth; the names of fields follow before, but for the half-life those of a default begin with what.
func checkKind(before string, t *signalbox.TypeScoring, what string) error {
	if t.Points != nil && !within(*t.Points, MaxPoints) {
		return signalbox.InvalidField(before+what+"points", "%s must be a number from -%v to %v", before+what+"points", whole(MaxPoints), whole(MaxPoints))
	}
	if t.Cap != nil && (*t.Cap <= 0 || !within(*t.Cap, MaxPoints)) {
		return signalbox.InvalidField(before+what+"cap", "%s must be above 0, at most %v: it is the most that all signals of a type together count", before+what+"cap", whole(MaxPoints))
	}
	if h := t.HalfLife; h != nil && *h != signalbox.NeverDecays && (*h < 1 || *h > signalbox.MaxHalfLife) {
		return signalbox.InvalidField(before+"half_life", "%s must be from 1s to 3650d, or never", before+"half_life")
	}
	return nil
}

func within(v, most float64) bool { return v >= -most && v <= most }

// whole prints a bound without an exponent.
func whole(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func checkRules(rules []signalbox.ScoreRule) error {
	if len(rules) > MaxRules {
		return signalbox.Errorf(signalbox.Conflict, "a workspace has at most %d score rules; this would be %d", MaxRules, len(rules))
	}
	for i, r := range rules {
		at := func(field string) string { return fmt.Sprintf("rules[%d].%s", i, field) }
		switch {
		case len([]rune(r.Name)) > signalbox.MaxName:
			return signalbox.InvalidField(at("name"), "%s is too long: at most %d characters", at("name"), signalbox.MaxName)
		case strings.TrimSpace(r.Type) == "" || len([]rune(r.Type)) > signalbox.MaxName:
			return signalbox.InvalidField(at("type"), `%s must say which signals the rule is for: "*", a type, or the beginning of types and "*"`, at("type"))
		case strings.Contains(strings.TrimSuffix(r.Type, "*"), "*"):
			return signalbox.InvalidField(at("type"), `%s: "*" may only be its last character`, at("type"))
		case r.Points == 0 || !within(r.Points, MaxPoints):
			return signalbox.InvalidField(at("points"), "%s must be a number other than 0 from -%v to %v", at("points"), whole(MaxPoints), whole(MaxPoints))
		}
	}
	return nil
}

func checkStages(at string, stages []signalbox.Stage) error {
	if len(stages) > MaxStages {
		return signalbox.InvalidField(at, "%s has %d stages, the most is %d", at, len(stages), MaxStages)
	}
	for i, s := range stages {
		switch {
		case strings.TrimSpace(s.Name) == "" || len([]rune(s.Name)) > signalbox.MaxName:
			return signalbox.InvalidField(fmt.Sprintf("%s[%d].name", at, i), "%s[%d].name must have 1 to %d characters", at, i, signalbox.MaxName)
		case i == 0 && s.From != 0:
			return signalbox.InvalidField(at+"[0].min", "%s[0].min must be 0: the first stage begins there", at)
		case i > 0 && (s.From <= stages[i-1].From || s.From > MaxStage):
			return signalbox.InvalidField(fmt.Sprintf("%s[%d].min", at, i), "%s[%d].min must be above that of the stage before, %d, and at most %d", at, i, stages[i-1].From, MaxStage)
		case slices.ContainsFunc(stages[:i], func(o signalbox.Stage) bool { return o.Name == s.Name }):
			return signalbox.InvalidField(fmt.Sprintf("%s[%d].name", at, i), "%s has two stages called %q", at, s.Name)
		}
	}
	return nil
}

// Moves says whether going from one scoring to another changes where records stand already: their half-lives, caps, boost or stages. Points and rules are of
// signals to come. sums says that what is kept of records has to be added up anew for it.
func Moves(from, to *signalbox.Scoring) (stands, sums bool) {
	a, b := Compile(from), Compile(to)
	sums = a.boost != b.boost || a.others.life != b.others.life
	stands = sums || a.others.cap != b.others.cap
	names := map[string]bool{}
	for _, m := range []*Model{a, b} {
		for name := range m.types {
			names[name] = true
		}
	}
	for name := range names {
		x, y := a.of(name), b.of(name)
		sums = sums || x.life != y.life
		stands = stands || sums || x.cap != y.cap
	}
	for i := range a.stages {
		stands = stands || !slices.Equal(a.stages[i], b.stages[i])
	}
	return stands, sums
}
