package api

import (
	"encoding/json"
	"errors"
	"strings"

	"signalbox"
	"signalbox/expr"
	"signalbox/strictjson"
)

// condition reads a condition of a body as its expression and checks it for its use; "" when it is absent.
func condition(param string, given strictjson.Raw, use expr.Use) (string, error) {
	var source string
	switch {
	case len(given) == 0 || string(given) == "null":
		return "", nil
	case given.Kind() == '"':
		if err := json.Unmarshal(given, &source); err != nil {
			return "", signalbox.InvalidField(param, "%s is no text that can be read", param)
		}
		if source = strings.TrimSpace(source); source == "" {
			return "", nil
		}
	case given.Kind() == '{':
		var err error
		if source, err = expr.FromStructured(given); err != nil {
			return "", conditionError(param, err)
		}
	default:
		return "", signalbox.InvalidField(param, "%s must be an expression in quotes, or an object with field, operator and value", param)
	}
	if _, err := expr.Compile(source, expr.Options{Use: use}); err != nil {
		return "", conditionError(param, err)
	}
	return source, nil
}

// conditionError says where in a field what is wrong.
func conditionError(param string, err error) error {
	var bad *expr.Error
	if !errors.As(err, &bad) {
		return err
	}
	where := *bad
	if where.Path = ""; bad.Path != "" {
		param += "." + bad.Path
	}
	return signalbox.InvalidField(param, "%s: %s", param, where.Error())
}
