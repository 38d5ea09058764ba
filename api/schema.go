package api

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"signalbox/strictjson"
)

// members is a JSON object that keeps the order of its members.
type members []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (m members) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	for i, one := range m {
		buf.WriteByte("{,"[min(i, 1)])
		if err := enc.Encode(one.name); err != nil {
			return nil, err
		}
		buf.WriteByte(':')
		if err := enc.Encode(one.value); err != nil {
			return nil, err
		}
	}
	if len(m) == 0 {
		buf.WriteByte('{')
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// schemas turns the Go types that decode and encode into JSON Schemas (2020-12, as OpenAPI 3.1 takes them). Struct types become
// components, by their names.
//
// Tags beside json: doc, enum (a|b), minlen, maxlen, min, max, minitems, maxitems, format; required on fields of request bodies;
// type on raw JSON.
type schemas struct {
	components members
	known      map[reflect.Type]string
}

// use says what a type is used for.
type use int

const (
	answered use = iota // what we write: a field is there unless it may be left out
	asked               // what we read: unknown fields are refused
	relayed             // what the signal doors read: unknown fields are ignored
)

// of gives the schema of a type.
func (s *schemas) of(t reflect.Type, u use) members {
	switch t {
	case reflect.TypeFor[stamp]():
		return members{{"type", "string"}, {"format", "date-time"}}
	case reflect.TypeFor[object]():
		return members{{"type", "object"}}
	case reflect.TypeFor[strictjson.Raw]():
		return members{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return nullable(s.of(t.Elem(), u))
	case reflect.String:
		return members{{"type", "string"}}
	case reflect.Bool:
		return members{{"type", "boolean"}}
	case reflect.Int, reflect.Int64:
		return members{{"type", "integer"}}
	case reflect.Float64:
		return members{{"type", "number"}}
	case reflect.Slice:
		return members{{"type", "array"}, {"items", s.of(t.Elem(), u)}}
	case reflect.Map:
		if t.Elem().Kind() == reflect.Interface {
			return members{{"type", "object"}}
		}
		return members{{"type", "object"}, {"additionalProperties", s.of(t.Elem(), u)}}
	case reflect.Struct:
		return members{{"$ref", "#/components/schemas/" + s.component(t, u)}}
	}
	panic("no schema for " + t.String()) // not reachable: the golden test builds the schema of every type in the table
}

// nullable lets a schema also take null.
func nullable(m members) members {
	if len(m) > 0 && m[0].name == "type" {
		out := slices.Clone(m)
		out[0].value = []any{m[0].value, "null"}
		return out
	}
	return members{{"anyOf", []any{m, members{{"type", "null"}}}}}
}

// component makes the schema of a struct type once, and returns its name.
func (s *schemas) component(t reflect.Type, u use) string {
	if name, ok := s.known[t]; ok {
		return name
	}
	name := strings.TrimSuffix(t.Name(), "View")
	name = strings.ToUpper(name[:1]) + name[1:]
	s.known[t] = name
	place := len(s.components)
	s.components = append(s.components, member{name: name})
	var properties members
	var required []string
	s.fields(t, u, &properties, &required)
	out := members{{"type", "object"}}
	if len(required) > 0 {
		out = append(out, member{"required", required})
	}
	out = append(out, member{"properties", properties})
	if u == asked {
		out = append(out, member{"additionalProperties", false})
	}
	s.components[place].value = out
	return name
}

// fields adds the fields of a struct type, those of embedded structs where they stand.
func (s *schemas) fields(t reflect.Type, u use, properties *members, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			s.fields(f.Type, u, properties, required)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		mayBeOut := options == "omitempty" || options == "omitzero"
		if u == answered && !mayBeOut || f.Tag.Get("required") == "true" {
			*required = append(*required, name)
		}
		fieldType := f.Type
		if options == "omitempty" && fieldType.Kind() == reflect.Pointer {
			fieldType = fieldType.Elem() // left out, never null
		}
		*properties = append(*properties, member{name, tagged(s.of(fieldType, u), f.Tag)})
	}
}

// tagged adds to a field's schema what its tags say.
func tagged(m members, tag reflect.StructTag) members {
	m = slices.Clone(m)
	if kind := tag.Get("type"); kind != "" {
		m = members{{"type", oneOrAll(strings.Split(kind, "|"))}}
	}
	if list := tag.Get("enum"); list != "" {
		var all []any
		for _, word := range strings.Split(list, "|") {
			all = append(all, word)
		}
		if _, takesNull := m[0].value.([]any); takesNull {
			all = append(all, nil)
		}
		m = append(m, member{"enum", all})
	}
	if format := tag.Get("format"); format != "" {
		m = append(m, member{"format", format})
	}
	for _, bound := range [][2]string{
		{"minlen", "minLength"}, {"maxlen", "maxLength"}, {"min", "minimum"}, {"max", "maximum"}, {"minitems", "minItems"}, {"maxitems", "maxItems"},
	} {
		if n, err := strconv.Atoi(tag.Get(bound[0])); err == nil {
			m = append(m, member{bound[1], n})
		}
	}
	if doc := tag.Get("doc"); doc != "" {
		m = append(m, member{"description", doc})
	}
	return m
}

func oneOrAll(kinds []string) any {
	if len(kinds) == 1 {
		return kinds[0]
	}
	all := make([]any, len(kinds))
	for i, k := range kinds {
		all[i] = k
	}
	return all
}
