package strictjson

import (
	"encoding"
	stdjson "encoding/json"
	"reflect"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
)

// shape says which members a Go type knows, so that the scanner can name the
// others while it checks. A nil shape knows every member of everything below.
type shape struct {
	fields map[string]*shape // a struct's members; nil for other types
	open   bool              // the struct takes unknown members into an embedded map
	elem   *shape            // elements of a slice or values of a map
}

// member gives the shape of a member's value, and whether the member is known.
func (sh *shape) member(key []byte) (*shape, bool) {
	if sh == nil {
		return nil, true
	}
	if sh.fields == nil {
		return sh.elem, true
	}
	inner, known := sh.fields[string(key)]
	return inner, known || sh.open
}

func (sh *shape) element() *shape {
	if sh == nil {
		return nil
	}
	return sh.elem
}

// shapes remembers the shape of each Go type. It is a memo of a pure function
// over the program's finitely many types: no caller can observe it.
var shapes sync.Map // reflect.Type to *shape

func shapeOf(v any) *shape {
	t := reflect.TypeOf(v)
	if t == nil {
		return nil
	}
	if sh, ok := shapes.Load(t); ok {
		return sh.(*shape)
	}
	sh := newShape(t, map[reflect.Type]*shape{})
	shapes.Store(t, sh)
	return sh
}

var ownDecoders = []reflect.Type{
	reflect.TypeFor[json.UnmarshalerFrom](),
	reflect.TypeFor[stdjson.Unmarshaler](),
	reflect.TypeFor[encoding.TextUnmarshaler](),
}

func decodesItself(t reflect.Type) bool {
	for _, own := range ownDecoders {
		if t.Implements(own) || reflect.PointerTo(t).Implements(own) {
			return true
		}
	}
	return false
}

// newShape builds the shape of t; building holds the ones under construction,
// so that a type may contain itself.
func newShape(t reflect.Type, building map[reflect.Type]*shape) *shape {
	for t.Kind() == reflect.Pointer && !decodesItself(t) {
		t = t.Elem()
	}
	if decodesItself(t) {
		return nil
	}
	if sh, ok := building[t]; ok {
		return sh
	}
	switch t.Kind() {
	case reflect.Struct:
		sh := &shape{fields: map[string]*shape{}}
		building[t] = sh
		sh.addFields(t, building)
		return sh
	case reflect.Slice, reflect.Array, reflect.Map:
		sh := &shape{}
		building[t] = sh
		sh.elem = newShape(t.Elem(), building)
		return sh
	}
	return nil
}

// addFields follows the naming rules of encoding/json/v2: the tag's name, else
// the field's; an embedded struct without a name lends its members, and the
// outermost field of a name wins.
func (sh *shape) addFields(t reflect.Type, building map[reflect.Type]*shape) {
	lenders := []reflect.Type{t}
	for seen := map[reflect.Type]bool{}; len(lenders) > 0; lenders = lenders[1:] {
		if t = lenders[0]; seen[t] {
			continue
		}
		seen[t] = true
		for i := range t.NumField() {
			name, lender := memberOf(t.Field(i))
			if lender != nil && lender.Kind() != reflect.Struct {
				sh.open = true
			} else if lender != nil {
				lenders = append(lenders, lender)
			} else if _, outer := sh.fields[name]; name != "" && !outer {
				sh.fields[name] = newShape(t.Field(i).Type, building)
			}
		}
	}
}

// memberOf says which member a field stands for, or which type lends its
// members to the struct; neither for a field that JSON does not reach.
func memberOf(f reflect.StructField) (name string, lender reflect.Type) {
	tag := f.Tag.Get("json")
	if tag == "-" || !f.IsExported() && !f.Anonymous {
		return "", nil
	}
	name, options, _ := strings.Cut(tag, ",")
	if name == "" && f.Anonymous || strings.Contains(","+options+",", ",embed,") {
		if f.Type.Kind() == reflect.Pointer {
			return "", f.Type.Elem()
		}
		return "", f.Type
	}
	if name == "" {
		return f.Name, nil
	}
	return strings.Trim(name, "'"), nil
}
