package main

import (
	"encoding/json"
	"errors"

	"signalbox/strictjson"
)

// tree is a JSON object under construction: values are set by their paths, in the order in which they are to stand.
type tree struct {
	members []branch
}

type branch struct {
	name  string
	value json.RawMessage // nil: below holds the members
	below *tree
}

// errTwice is a value for which there is one already, or one inside it.
var errTwice = errors.New("is given twice")

// set puts a value at a path.
func (t *tree) set(path []string, value json.RawMessage) error {
	for i := range t.members {
		m := &t.members[i]
		if m.name != path[0] {
			continue
		}
		if m.below == nil || len(path) == 1 {
			return errTwice
		}
		return m.below.set(path[1:], value)
	}
	if len(path) == 1 {
		t.members = append(t.members, branch{name: path[0], value: value})
		return nil
	}
	below := &tree{}
	t.members = append(t.members, branch{name: path[0], below: below})
	return below.set(path[1:], value)
}

// append appends the object's JSON.
func (t *tree) append(dst []byte) []byte {
	dst = append(dst, '{')
	for i, m := range t.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(strictjson.AppendString(dst, m.name), ':')
		if m.below != nil {
			dst = m.below.append(dst)
		} else {
			dst = append(dst, m.value...)
		}
	}
	return append(dst, '}')
}
