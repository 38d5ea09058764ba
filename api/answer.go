package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"signalbox"
	"signalbox/strictjson"
	"signalbox/wire"
)

// stamp is a time as the management API writes it: UTC, milliseconds, Z.
type stamp time.Time

// MarshalJSON writes the time.
func (s stamp) MarshalJSON() ([]byte, error) {
	return append(wire.AppendMillis([]byte{'"'}, time.Time(s)), '"'), nil
}

// stampOrNull is a time that may be missing.
func stampOrNull(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

// textOrNull is a text that may be missing: unknown is null.
func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// object is a JSON object as it is stored; {} when there is none.
type object []byte

// MarshalJSON writes the object.
func (o object) MarshalJSON() ([]byte, error) {
	if len(o) == 0 {
		return []byte("{}"), nil
	}
	return o, nil
}

// dataAnswer wraps what is not answered bare.
type dataAnswer struct {
	Data any  `json:"data"`
	Meta meta `json:"meta"`
}

// listMeta stands beside the items of a list.
type listMeta struct {
	meta
	NextCursor *string `json:"next_cursor,omitempty"`
	Total      *int    `json:"total,omitempty"`
}

type listAnswer struct {
	Data any      `json:"data"`
	Meta listMeta `json:"meta"`
}

// answer writes the success of an operation.
func (c *call) answer(out any) error {
	switch _, empty := out.(none); {
	case empty:
		c.WriteHeader(c.route.status)
		return nil
	case c.route.bare:
		return c.encode(c.route.status, out)
	}
	return c.encode(c.route.status, dataAnswer{Data: out, Meta: c.meta()})
}

// answerList writes the success of a list.
func (c *call) answerList(items any, next string, total *int, open bool) error {
	if reflect.ValueOf(items).IsNil() {
		items = []struct{}{} // a list is never null
	}
	m := listMeta{meta: c.meta(), NextCursor: textOrNull(next), Total: total}
	if open && next == "" {
		m.NextCursor = new(string)
	}
	return c.encode(c.route.status, listAnswer{Data: items, Meta: m})
}

// encode writes a value as JSON, without escaping for HTML.
func (c *call) encode(status int, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode the answer of %s: %w", c.route.id, err)
	}
	c.write(status, bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
	return nil
}

// idText is the text of an id, "" for none.
func (c *call) idText(kind signalbox.Kind, id int64) string { return c.api.cfg.Codec.Format(kind, id) }

// idOrNull is the text of an id that may be missing.
func (c *call) idOrNull(kind signalbox.Kind, id int64) *string {
	return textOrNull(c.idText(kind, id))
}

// nullsRemove makes a null of a PATCH mean "remove", where a field that is absent means "leave alone": a pointer that null left
// nil is set to an empty value. Flags, numbers and objects of settings have no empty value: there null means absent.
func nullsRemove(body []byte, v any) error {
	var members map[string]strictjson.Raw
	if err := strictjson.Unmarshal(body, &members); err != nil {
		return err
	}
	removeNulls(members, reflect.ValueOf(v).Elem())
	return nil
}

// removeNulls does so for the fields of a struct, and of those that it embeds.
func removeNulls(members map[string]strictjson.Raw, s reflect.Value) {
	for i := range s.NumField() {
		if s.Type().Field(i).Anonymous {
			removeNulls(members, s.Field(i))
			continue
		}
		name, _, _ := strings.Cut(s.Type().Field(i).Tag.Get("json"), ",")
		field := s.Field(i)
		if string(members[name]) != "null" || field.Kind() != reflect.Pointer {
			continue
		}
		switch field.Type().Elem().Kind() {
		case reflect.String, reflect.Map, reflect.Slice:
			field.Set(reflect.New(field.Type().Elem()))
		}
	}
}

// created is the status of operations that make something (contract section 16).
const created = http.StatusCreated
