package fit

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"signalbox"
	"signalbox/expr"
)

// The bounds of a profile.
const (
	MaxParameters = 50
	MaxWeight     = 10   // of a parameter that scores, from 1
	DefaultWeight = 5    // of one that names none
	MaxPriority   = 1000 // and no less than its negative
)

// Normalise fills in what a profile leaves out, and takes the spaces off its names: a parameter that scores and names no weight has [DefaultWeight], and
// what is missing is neutral. Lists are replaced, not changed.
func Normalise(p *signalbox.Profile) {
	p.Code = strings.TrimSpace(p.Code)
	p.ICPCodes = slices.Clone(p.ICPCodes)
	for i, code := range p.ICPCodes {
		p.ICPCodes[i] = strings.TrimSpace(code)
	}
	p.Parameters = slices.Clone(p.Parameters)
	for i := range p.Parameters {
		q := &p.Parameters[i]
		q.Name = strings.TrimSpace(q.Name)
		if q.Mode == signalbox.ModeScore && q.Weight == 0 {
			q.Weight = DefaultWeight
		}
		if q.OnMissing == "" {
			q.OnMissing = signalbox.MissingNeutral
		}
	}
}

// Check says what is wrong with a profile that was normalised, as a *signalbox.Error. icps are the codes of the ICPs that there are: a persona may name
// no other.
func Check(p *signalbox.Profile, persona bool, icps []string) error {
	if _, err := ready(p); err != nil {
		return err
	}
	if !persona {
		if len(p.ICPCodes) > 0 {
			return signalbox.InvalidField("icp_codes", "icp_codes: only a persona belongs to ICPs; leave it out")
		}
		return nil
	}
	for i, code := range p.ICPCodes {
		param := "icp_codes[" + strconv.Itoa(i) + "]"
		if !slices.Contains(icps, code) {
			return signalbox.InvalidField(param, "%s: no ICP has the code %q%s", param, clip(code), insteadOf(code, icps))
		}
		if slices.Contains(p.ICPCodes[:i], code) {
			return signalbox.InvalidField(param, "%s names %q a second time; name each ICP once", param, clip(code))
		}
	}
	return nil
}

// checkProfile is about what a profile says of itself.
func checkProfile(p *signalbox.Profile) error {
	if err := checkName("code", p.Code); err != nil {
		return err
	}
	if p.Priority < -MaxPriority || p.Priority > MaxPriority {
		return signalbox.InvalidField("priority", "priority must be from %d to %d", -MaxPriority, MaxPriority)
	}
	if n := len(p.Parameters); n < 1 || n > MaxParameters {
		return signalbox.InvalidField("parameters", "parameters must be 1 to %d, and there are %d", MaxParameters, n)
	}
	return nil
}

func checkName(param, name string) error {
	if n := utf8.RuneCountInString(name); strings.TrimSpace(name) == "" || n > signalbox.MaxName {
		return signalbox.InvalidField(param, "%s must have 1 to %d characters", param, signalbox.MaxName)
	}
	return nil
}

// checkParameter is about the parameter at a place among its profile's, all but its expression.
func checkParameter(all []signalbox.Parameter, i int) error {
	q, at := &all[i], place(i)
	if err := checkName(at+"name", q.Name); err != nil {
		return err
	}
	for j := range all[:i] {
		if all[j].Name == q.Name {
			return signalbox.InvalidField(at+"name", "%sname: %q is also the name of parameters[%d]; give each its own", at, clip(q.Name), j)
		}
	}
	switch q.Mode {
	case signalbox.ModeScore:
		if q.Weight < 1 || q.Weight > MaxWeight {
			return signalbox.InvalidField(at+"weight", "%sweight must be from 1 to %d", at, MaxWeight)
		}
	case signalbox.ModeFilter, signalbox.ModeExclude:
		if q.Weight != 0 {
			return signalbox.InvalidField(at+"weight", "%sweight: only a parameter with mode score weighs, this one has mode %s; leave it out", at, q.Mode)
		}
	default:
		return signalbox.InvalidField(at+"mode", "%smode must be filter, score or exclude", at)
	}
	switch q.OnMissing {
	case signalbox.MissingNeutral, signalbox.MissingFail, signalbox.MissingPass, "":
	default:
		return signalbox.InvalidField(at+"on_missing", "%son_missing must be neutral, fail or pass", at)
	}
	return nil
}

// compileParameter makes a parameter's expression ready.
func compileParameter(when string, i int) (*expr.Program, error) {
	program, err := expr.Compile(when, expr.Options{Use: expr.ForRecord})
	if err != nil {
		return nil, signalbox.InvalidField(place(i)+"expression", "%s", err.Error())
	}
	return program, nil
}

// place is how refusals name what belongs to a parameter: "parameters[2]."
func place(i int) string { return "parameters[" + strconv.Itoa(i) + "]." }

// clip keeps what is quoted in a refusal short.
func clip(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// insteadOf proposes what may be said in place of a code that there is not.
func insteadOf(code string, icps []string) string {
	var near []string
	for _, one := range signalbox.Near(code, icps) {
		near = append(near, strconv.Quote(one))
	}
	if len(near) == 0 {
		return "; leave icp_codes out for a persona of every ICP"
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}
