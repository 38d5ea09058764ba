package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/maphash"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// document is a JSON text that is decoded at most once.
type document struct {
	read   bool
	dotted bool // some key holds a dot, so that a path may mean several things
	tree   any
	found  []found // what was read: many programs read the same few places
}

// found is what stands at a place of a document.
type found struct {
	key uint64
	v   val
}

// maxFound is how many places a document remembers; they are looked through one by one.
const maxFound = 24

var places = maphash.MakeSeed()

// placeOf is the key of a path.
func placeOf(path []string) uint64 { return maphash.Comparable(places, strings.Join(path, "\x00")) }

func (d *document) open(raw []byte) *document {
	if !d.read {
		d.read = true
		d.tree, d.dotted = decode(raw)
	}
	return d
}

// at reads a path, of which key is the key.
func (d *document) at(key uint64, path []string) *val {
	for i := range d.found {
		if d.found[i].key == key {
			return &d.found[i].v
		}
	}
	one := found{key, find(d.tree, path, d.dotted)}
	if len(d.found) == maxFound {
		return &one.v
	}
	if d.found == nil {
		d.found = make([]found, 0, 6)
	}
	d.found = append(d.found, one)
	return &d.found[len(d.found)-1].v
}

// decode reads a JSON text with its integers whole; nil for one that is broken.
func decode(raw []byte) (tree any, dotted bool) {
	if len(raw) == 0 {
		return nil, false
	}
	r := reader{dec: jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	tree, err := r.value(0)
	if err != nil {
		return nil, false
	}
	return tree, r.dotted
}

var errTooDeep = errors.New("lies too deep")

type reader struct {
	dec    *jsontext.Decoder
	dotted bool
}

// maxOpen is how deep a text may lie; the doors take less.
const maxOpen = 64

func (r *reader) value(depth int) (any, error) {
	token, err := r.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	if depth > maxOpen {
		return nil, errTooDeep
	}
	switch token.Kind() {
	case 't', 'f':
		return token.Bool(), nil
	case '"':
		return token.String(), nil
	case '0':
		return numberOf(token.String()), nil
	case '[':
		return r.list(depth)
	case '{':
		return r.object(depth)
	}
	return nil, nil
}

func (r *reader) list(depth int) (any, error) {
	list := []any{}
	for r.dec.PeekKind() != ']' {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := r.dec.ReadToken()
	return list, err
}

func (r *reader) object(depth int) (any, error) {
	object := map[string]any{}
	for r.dec.PeekKind() != '}' {
		key, err := r.dec.ReadToken()
		if err != nil {
			return nil, err
		}
		name := key.String()
		r.dotted = r.dotted || strings.IndexByte(name, '.') >= 0
		if object[name], err = r.value(depth + 1); err != nil {
			return nil, err
		}
	}
	_, err := r.dec.ReadToken()
	return object, err
}

// numberOf reads a JSON number: an int64, a uint64, a wide integer, or a double.
func numberOf(text string) any {
	if strings.Trim(text, "-0123456789") != "" || text == "-0" {
		f, _ := strconv.ParseFloat(text, 64)
		return f
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return u
	}
	return wide(text)
}

// plain brings a value that a caller hands in to the kinds that decode gives.
func plain(v any) (tree any, dotted bool) {
	switch v := v.(type) {
	case json.RawMessage:
		return decode(v)
	case nil, bool, string, int64, uint64, float64, time.Time, time.Duration:
		return v, false
	case int:
		return int64(v), false
	case json.Number:
		return numberOf(v.String()), false
	case []any:
		list := make([]any, len(v))
		for i, one := range v {
			var d bool
			list[i], d = plain(one)
			dotted = dotted || d
		}
		return list, dotted
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, one := range v {
			var d bool
			object[key], d = plain(one)
			dotted = dotted || d || strings.IndexByte(key, '.') >= 0
		}
		return object, dotted
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, false
	}
	return decode(raw)
}

// find walks a path below a tree; missing where it leads nowhere. As in package filter a key that holds dots itself is found as a whole.
func find(v any, path []string, dotted bool) val {
	if dotted {
		return findDotted(v, path)
	}
	for _, key := range path {
		object, ok := v.(map[string]any)
		if !ok {
			return val{}
		}
		v = object[key]
	}
	return valOf(v)
}

func findDotted(v any, path []string) val {
	if len(path) == 0 {
		return valOf(v)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return val{}
	}
	for n := len(path); n > 0; n-- {
		if child, there := object[strings.Join(path[:n], ".")]; there {
			if got := findDotted(child, path[n:]); got.kind != missing {
				return got
			}
		}
	}
	return val{}
}
