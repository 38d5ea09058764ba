package strictjson

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// typeError turns the decoder's error into one for the sender, or nil when the
// fault is the program's (a v that nothing can be decoded into).
func typeError(err error) *Error {
	var sem *json.SemanticError
	if !errors.As(err, &sem) || sem.JSONKind == 0 || sem.GoType == nil {
		return nil
	}
	e := &Error{Path: dotted(sem.JSONPointer), Kind: WrongType}
	var own *Error
	switch want := wanted(sem.GoType); {
	case errors.As(sem.Err, &own): // a type that decodes itself with this package
		e.Kind, e.Msg, e.Unknown = own.Kind, own.Msg, own.Unknown
	case errors.Is(sem.Err, strconv.ErrRange):
		e.Kind = NumberRange
		e.Msg = fmt.Sprintf("%s must be %s, and %s is outside its range", subject(e.Path), want, clip(sem.JSONValue))
	case sem.GoType == timeType && sem.JSONKind == jsontext.KindString:
		e.Msg = fmt.Sprintf("%s must be %s", subject(e.Path), want)
	case decodesItself(sem.GoType) && sem.Err != nil && !(takesText(sem.GoType) && sem.JSONKind != jsontext.KindString):
		e.Msg = fmt.Sprintf("%s is not valid: %v", subject(e.Path), sem.Err)
	case sem.JSONKind == jsontext.KindNumber && len(sem.JSONValue) > 0:
		e.Msg = fmt.Sprintf("%s must be %s, not %s", subject(e.Path), want, clip(sem.JSONValue))
	default:
		e.Msg = fmt.Sprintf("%s must be %s, not %s", subject(e.Path), want, given(sem.JSONKind))
	}
	return e
}

// dotted writes a JSON pointer the way the API names fields.
func dotted(p jsontext.Pointer) string {
	var dst []byte
	for token := range p.Tokens() {
		if len(dst) > 0 {
			dst = append(dst, '.')
		}
		dst = appendKey(dst, []byte(token))
	}
	return string(dst)
}

func clip(v jsontext.Value) string {
	if len(v) > maxShownKey {
		return string(v[:maxShownKey]) + "…"
	}
	return string(v)
}

func given(k jsontext.Kind) string {
	switch k {
	case jsontext.KindNull:
		return "null"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "true or false"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindBeginObject, jsontext.KindEndObject:
		return "an object"
	}
	return "an array"
}

// takesText reports whether t decodes itself, and only from a string.
func takesText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

var timeType = reflect.TypeFor[time.Time]()

// wanted says in words which JSON value a Go type takes.
func wanted(t reflect.Type) string {
	if t == timeType {
		return "a time such as 2026-01-02T15:04:05Z"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if takesText(t) {
		return "a string"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number from 0"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "a base64 string"
		}
		return "an array"
	}
	return "an object"
}
