package filter

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// Takes says whether a record fits: objects as encoding/json decodes them with UseNumber.
func (f *Filter) Takes(record map[string]any) bool {
	return f == nil || f.root == nil || f.root.holds(record)
}

// Why says which condition kept a record out, in words: "signal.properties.team_size is 8, not greater than 10". "" when the record fits.
func (f *Filter) Why(record map[string]any) string {
	if f.Takes(record) {
		return ""
	}
	return f.root.why(record)
}

func (n *node) holds(record map[string]any) bool {
	if n.children == nil {
		v, ok := find(record, n.path)
		return ok && compare(v, n.operator, n.value)
	}
	for _, child := range n.children {
		if child.holds(record) == n.any {
			return n.any
		}
	}
	return !n.any
}

// why tells of the first condition that does not hold where all must, and of each where one would do.
func (n *node) why(record map[string]any) string {
	if n.children == nil {
		v, ok := find(record, n.path)
		if !ok {
			return n.field + " is missing"
		}
		return fmt.Sprintf("%s is %s, not %s %s", n.field, show(v), operators[n.operator], show(n.value))
	}
	var said []string
	for _, child := range n.children {
		if child.holds(record) {
			continue
		}
		if said = append(said, child.why(record)); !n.any {
			break
		}
	}
	return strings.Join(said, ", and ")
}

// find walks a dotted path; false where it leads nowhere. A key that holds dots itself is found as a whole.
func find(v any, path []string) (any, bool) {
	if len(path) == 0 {
		return v, v != nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	for n := len(path); n > 0; n-- {
		if child, there := o[strings.Join(path[:n], ".")]; there {
			if got, ok := find(child, path[n:]); ok {
				return got, true
			}
		}
	}
	return nil, false
}

// compare says whether a value that was found stands so to a constant.
func compare(got any, operator string, want any) bool {
	switch operator {
	case "equals":
		return equal(got, want)
	case "not_equals":
		return alike(got, want) && !equal(got, want)
	case "in":
		for _, one := range want.([]any) {
			if equal(got, one) {
				return true
			}
		}
		return false
	case "contains":
		if list, ok := got.([]any); ok {
			for _, one := range list {
				if equal(one, want) {
					return true
				}
			}
			return false
		}
		s, ok := got.(string)
		return ok && strings.Contains(s, want.(string))
	case "starts_with":
		s, ok := got.(string)
		return ok && strings.HasPrefix(s, want.(string))
	}
	return ordered(got, operator, want)
}

func ordered(got any, operator string, want any) bool {
	c := 0
	a, isNumber := number(got)
	b, wantsNumber := number(want)
	s, isText := got.(string)
	t, wantsText := want.(string)
	switch {
	case isNumber && wantsNumber:
		c = a.Cmp(b)
	case isText && wantsText:
		c = strings.Compare(s, t)
	default:
		return false
	}
	switch operator {
	case "greater_than":
		return c > 0
	case "greater_or_equal":
		return c >= 0
	case "less_than":
		return c < 0
	}
	return c <= 0
}

// equal compares two values that are no objects; a text that is a JSON number is one beside a number.
func equal(a, b any) bool {
	_, aText := a.(string)
	_, bText := b.(string)
	if aText && bText {
		return a == b
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x.Cmp(y) == 0
	}
	switch a.(type) {
	case string, bool, nil:
		return a == b
	}
	return false
}

// alike says whether two values can be compared at all.
func alike(a, b any) bool {
	_, x := number(a)
	_, y := number(b)
	if x && y {
		return true
	}
	switch a.(type) {
	case string:
		_, ok := b.(string)
		return ok
	case bool:
		_, ok := b.(bool)
		return ok
	}
	return false
}

// maxDigits bounds what a number may cost: 1e1000000 is compared by nobody.
const maxDigits = 40

// number reads a JSON number, or a text that is one, exactly.
func number(v any) (*big.Rat, bool) {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	default:
		return nil, false
	}
	if len(text) == 0 || len(text) > maxDigits || strings.Trim(text, "0123456789+-.eE") != "" || !json.Valid([]byte(text)) {
		return nil, false
	}
	if i := strings.IndexAny(text, "eE"); i >= 0 && len(text)-i > 5 {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// show writes a value for a reason, shortened.
func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	const most = 80
	if r := []rune(string(text)); len(r) > most {
		return string(r[:most]) + "…"
	}
	return string(text)
}
