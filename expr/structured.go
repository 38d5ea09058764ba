package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"signalbox/filter"
)

// operators of the structured form, as they are written in CEL: %s is the field, then the value.
var structured = map[string]string{
	"equals": "%s == %s", "not_equals": "%s != %s", "contains": "%s.contains(%s)", "starts_with": "%s.startsWith(%s)", "greater_than": "%s > %s",
	"greater_or_equal": "%s >= %s", "less_than": "%s < %s", "less_or_equal": "%s <= %s", "in": "%s in %s",
}

// FromStructured turns the structured form, {field, operator, value} in groups {all: […]} and {any: […]}, into the expression that it is shown as and
// compiled from. Fields are named as package filter names them, and those of account, contact and signals. Its errors are *Error with a Path.
func FromStructured(raw []byte) (source string, err error) {
	if _, err := filter.Parse(raw, []string{"signal.*", "properties.*", "context.*", "account.*", "contact.*", "signals.*"}); err != nil {
		var e *filter.Error
		if errors.As(err, &e) {
			return "", &Error{Path: e.Path, Msg: e.Msg}
		}
		return "", &Error{Msg: err.Error()}
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return "", &Error{Msg: "must be one JSON object"}
	}
	source, _, err = fromNode(tree, "")
	if err != nil {
		return "", err
	}
	if _, err := measure(source); err != nil {
		return "", &Error{Msg: "is too long as an expression: it " + err.(*Error).Msg}
	}
	if _, err := Compile(source, Options{Use: ForRecord}); err != nil {
		return "", &Error{Msg: err.(*Error).Msg}
	}
	return source, nil
}

// fromNode writes a group or a condition; several says that it needs brackets inside another group.
func fromNode(v any, path string) (source string, several bool, err error) {
	object := v.(map[string]any) // filter.Parse has seen it
	for kind, between := range map[string]string{"all": " && ", "any": " || "} {
		list, ok := object[kind].([]any)
		if !ok {
			continue
		}
		var parts []string
		for i, one := range list {
			part, inner, err := fromNode(one, below(path, kind)+"["+strconv.Itoa(i)+"]")
			if err != nil {
				return "", false, err
			}
			if inner && len(list) > 1 {
				part = "(" + part + ")"
			}
			several = several || inner
			parts = append(parts, part)
		}
		return strings.Join(parts, between), several || len(list) > 1, nil
	}
	source, err = fromCondition(object, path)
	return source, false, err
}

func fromCondition(object map[string]any, path string) (string, error) {
	field, operator := object["field"].(string), object["operator"].(string)
	value, msg := constantOf(object["value"])
	if msg != "" {
		return "", &Error{Path: below(path, "value"), Msg: msg}
	}
	source := fmt.Sprintf(structured[operator], pathText(strings.Split(field, ".")), value)
	if _, err := Compile(source, Options{Use: ForRecord}); err != nil {
		e := err.(*Error)
		where := "value"
		if strings.HasPrefix(e.Msg, "unknown ") || strings.HasSuffix(e.Msg, "has no fields") {
			where = "field"
		}
		return "", &Error{Path: below(path, where), Msg: e.Msg, Near: e.Near}
	}
	return source, nil
}

// constantOf writes a JSON value as a CEL constant, or says why it cannot be one.
func constantOf(v any) (source, problem string) {
	switch v := v.(type) {
	case string:
		return quote(v), ""
	case bool:
		return strconv.FormatBool(v), ""
	case json.Number:
		switch n := numberOf(v.String()).(type) {
		case int64:
			return strconv.FormatInt(n, 10), ""
		case uint64:
			return strconv.FormatUint(n, 10) + "u", ""
		case float64:
			return double(n), tooLarge(n)
		case wide:
			f, _ := strconv.ParseFloat(string(n), 64)
			return double(f), tooLarge(f)
		}
	case []any:
		var all []string
		for _, one := range v {
			source, problem := constantOf(one)
			if problem != "" {
				return "", "holds one that " + problem
			}
			all = append(all, source)
		}
		return "[" + strings.Join(all, ", ") + "]", ""
	}
	return "", "must not be null: nothing compares with it. That a field is missing is said by the expression !has(…)"
}

func tooLarge(f float64) string {
	if math.IsInf(f, 0) {
		return "is larger than any number"
	}
	return ""
}

func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
