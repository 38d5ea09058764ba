// Package filter reads and asks the structured conditions of contract section 8: {field, operator, value}, in groups all and any. A webhook's filter says
// which events it takes of those that it names.
//
// It refuses to know where a record comes from, and to do any I/O: it is handed decoded JSON.
//
// Invariants:
//   - a missing field, or values of unlike types, make a condition false, whatever its operator, never an error;
//   - a string that is a JSON number compares as a number with a number;
//   - what Parse has accepted answers within a bound that its size gives: at most MaxConditions conditions, MaxDepth groups deep.
package filter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The bounds of a filter.
const (
	MaxConditions = 50
	MaxDepth      = 4
	MaxField      = 200 // characters of a dotted path
	MaxText       = 500 // characters of a value
	MaxChoices    = 100 // values of an "in"
)

// Error says what is wrong with a filter, and where: Path is dotted, with the place in a list as [n]; "" is the whole.
type Error struct {
	Path string
	Msg  string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Msg
	}
	return e.Path + ": " + e.Msg
}

// Filter is conditions that were checked. The zero value takes everything. Safe for concurrent use.
type Filter struct{ root *node }

// node is a group or a condition.
type node struct {
	any      bool
	children []*node // of a group; nil: a condition

	field    string
	path     []string
	operator string
	value    any // as json decodes it with UseNumber
}

// operators are those that there are, with the words that a reason uses.
var operators = map[string]string{
	"equals": "equal to", "not_equals": "other than", "contains": "a text that contains", "starts_with": "a text that starts with",
	"greater_than": "greater than", "greater_or_equal": "at least", "less_than": "less than", "less_or_equal": "at most", "in": "one of",
}

// Operators lists the operators, sorted.
func Operators() []string {
	list := make([]string, 0, len(operators))
	for name := range operators {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// Parse reads a filter: a condition, or {"all": […]} or {"any": […]} of conditions and groups. fields are the paths that may be named; one that ends
// with ".*" allows whatever lies below. Its errors are *Error.
func Parse(text []byte, fields []string) (*Filter, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil || dec.More() {
		return nil, &Error{Msg: "must be one JSON object"}
	}
	p := parser{fields: fields}
	root, err := p.node(v, "", 1)
	if err != nil {
		return nil, err
	}
	return &Filter{root}, nil
}

type parser struct {
	fields     []string
	conditions int
}

func (p *parser) node(v any, path string, depth int) (*node, error) {
	o, ok := v.(map[string]any)
	switch {
	case !ok:
		return nil, &Error{path, "must be an object: a condition {field, operator, value}, or a group {all: […]} or {any: […]}"}
	case depth > MaxDepth:
		return nil, &Error{path, fmt.Sprintf("lies deeper than %d groups", MaxDepth)}
	}
	for _, kind := range []string{"all", "any"} {
		list, is := o[kind]
		if !is {
			continue
		}
		for name := range o {
			if name != kind {
				return nil, &Error{join(path, name), fmt.Sprintf("stands beside %s: a group has nothing else", kind)}
			}
		}
		return p.group(list, kind, join(path, kind), depth)
	}
	return p.condition(o, path)
}

func (p *parser) group(v any, kind, path string, depth int) (*node, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, &Error{path, "must be a list of at least one condition or group"}
	}
	n := &node{any: kind == "any", children: make([]*node, 0, len(list))}
	for i, one := range list {
		child, err := p.node(one, path+"["+strconv.Itoa(i)+"]", depth+1)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, child)
	}
	return n, nil
}

func (p *parser) condition(o map[string]any, path string) (*node, error) {
	if p.conditions++; p.conditions > MaxConditions {
		return nil, &Error{path, fmt.Sprintf("is one of more than %d conditions", MaxConditions)}
	}
	for name := range o {
		if name != "field" && name != "operator" && name != "value" {
			return nil, &Error{join(path, name), "is unknown: a condition has field, operator and value"}
		}
	}
	n := &node{}
	var ok bool
	if n.field, ok = o["field"].(string); !ok || n.field == "" {
		return nil, &Error{join(path, "field"), "is required: a dotted path such as signal.type"}
	}
	if err := p.known(n.field); err != "" {
		return nil, &Error{join(path, "field"), err}
	}
	n.path = strings.Split(n.field, ".")
	if n.operator, ok = o["operator"].(string); !ok || operators[n.operator] == "" {
		return nil, &Error{join(path, "operator"), "must be one of " + strings.Join(Operators(), ", ")}
	}
	n.value, ok = o["value"]
	if !ok {
		return nil, &Error{join(path, "value"), "is required"}
	}
	if msg := fits(n.operator, n.value); msg != "" {
		return nil, &Error{join(path, "value"), msg}
	}
	return n, nil
}

// known says what is wrong with a field; "" for nothing.
func (p *parser) known(field string) string {
	if len(field) > MaxField {
		return fmt.Sprintf("has more than %d characters", MaxField)
	}
	for _, known := range p.fields {
		below, open := strings.CutSuffix(known, "*")
		if field == known || open && strings.HasPrefix(field, below) && len(field) > len(below) {
			return ""
		}
	}
	return fmt.Sprintf("%q is none of %s", field, strings.Join(p.fields, ", "))
}

// fits says why an operator cannot compare with a value; "" when it can.
func fits(operator string, value any) string {
	switch v := value.(type) {
	case string:
		if len([]rune(v)) > MaxText {
			return fmt.Sprintf("has more than %d characters", MaxText)
		}
	case map[string]any:
		return "must not be an object"
	}
	list, isList := value.([]any)
	_, isText := value.(string)
	switch operator {
	case "in":
		if !isList || len(list) == 0 || len(list) > MaxChoices {
			return fmt.Sprintf("must be a list of 1 to %d values for in", MaxChoices)
		}
		for _, one := range list {
			if msg := fits("equals", one); msg != "" {
				return "holds one that " + msg
			}
		}
	case "contains", "starts_with":
		if !isText || value == "" {
			return "must be a text for " + operator
		}
	case "greater_than", "greater_or_equal", "less_than", "less_or_equal":
		if _, ok := number(value); !ok && !isText {
			return "must be a number, or a text such as a time, for " + operator
		}
	default:
		if isList {
			return "must not be a list for " + operator
		}
	}
	return ""
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
