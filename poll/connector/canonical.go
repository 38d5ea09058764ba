package connector

import (
	"bytes"
	"encoding/json"
	"slices"

	"signalbox/strictjson"
)

// The functions below read canonical JSON as strictjson writes it: valid, without spaces, keys sorted and once each. They check nothing.

// skipValue returns the position behind the value at i.
func skipValue(doc []byte, i int) int {
	switch doc[i] {
	case '"':
		return skipText(doc, i)
	case '{', '[':
		depth := 0
		for ; ; i++ {
			switch doc[i] {
			case '"':
				i = skipText(doc, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(doc) && doc[i] != ',' && doc[i] != '}' && doc[i] != ']' {
		i++
	}
	return i
}

// skipText returns the position behind the text at i.
func skipText(doc []byte, i int) int {
	for i++; ; i++ {
		end := bytes.IndexByte(doc[i:], '"')
		i += end
		// A quote ends the text unless an odd number of backslashes stands before it.
		back := i
		for doc[back-1] == '\\' {
			back--
		}
		if (i-back)%2 == 0 {
			return i + 1
		}
	}
}

// eachMember goes over an object's members until f has enough. name is without its quotes, as it is written.
func eachMember(object []byte, f func(name, value []byte) bool) {
	for i := 1; object[i] != '}'; {
		end := skipText(object, i)
		name := object[i+1 : end-1]
		i = end + 1 // the colon
		end = skipValue(object, i)
		if !f(name, object[i:end:end]) {
			return
		}
		if i = end; object[i] == ',' {
			i++
		}
	}
}

// eachElement goes over a list's elements until f has enough.
func eachElement(list []byte, f func(value []byte) bool) {
	for i := 1; list[i] != ']'; {
		end := skipValue(list, i)
		if !f(list[i:end:end]) {
			return
		}
		if i = end; list[i] == ',' {
			i++
		}
	}
}

// decoded says whether a name as it is written is a key.
func decoded(name []byte, key string) bool {
	if bytes.IndexByte(name, '\\') < 0 {
		return string(name) == key
	}
	return textOf(name) == key
}

// textOf decodes the inside of a text.
func textOf(written []byte) string {
	if bytes.IndexByte(written, '\\') < 0 {
		return string(written)
	}
	var s string
	quoted := append(append([]byte{'"'}, written...), '"')
	_ = json.Unmarshal(quoted, &s) // canonical: it is valid
	return s
}

// shape is what becomes of a value: nothing, or its parts that are dropped or whose order does not matter.
type shape struct {
	drop  bool // leave the value out
	sort  bool // a list's order does not count
	parts map[string]*shape
}

// shapeOf makes the tree of paths; nil when there are none.
func shapeOf(exclude, unordered []string) *shape {
	var root *shape
	at := func(text string) *shape {
		if root == nil {
			root = &shape{}
		}
		s := root
		for _, key := range mustPath(text) {
			if s.parts == nil {
				s.parts = map[string]*shape{}
			}
			if s.parts[key] == nil {
				s.parts[key] = &shape{}
			}
			s = s.parts[key]
		}
		return s
	}
	for _, text := range exclude {
		at(text).drop = true
	}
	for _, text := range unordered {
		at(text).sort = true
	}
	return root
}

func (s *shape) part(name []byte) *shape {
	if s == nil || s.parts == nil {
		return nil
	}
	if bytes.IndexByte(name, '\\') < 0 {
		return s.parts[string(name)] // without an allocation
	}
	return s.parts[textOf(name)]
}

// at is the shape of the value that a path leads to.
func (s *shape) at(p path) *shape {
	for _, key := range p {
		if s == nil || s.drop {
			return s
		}
		s = s.parts[key]
	}
	return s
}

// append writes a value in its shape. A path through a list is about each of its elements.
func (s *shape) append(dst, value []byte) []byte {
	switch {
	case s == nil || s.parts == nil && !s.sort:
		return append(dst, value...)
	case value[0] == '[':
		return s.appendList(dst, value)
	case value[0] != '{':
		return append(dst, value...)
	}
	dst = append(dst, '{')
	first := true
	eachMember(value, func(name, value []byte) bool {
		inner := s.part(name)
		if inner != nil && inner.drop {
			return true
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(dst, '"'), name...), '"', ':')
		dst = inner.append(dst, value)
		return true
	})
	return append(dst, '}')
}

func (s *shape) appendList(dst, list []byte) []byte {
	var written [][]byte
	below := &shape{parts: s.parts}
	eachElement(list, func(value []byte) bool {
		written = append(written, below.append(nil, value))
		return true
	})
	if s.sort {
		slices.SortFunc(written, bytes.Compare)
	}
	dst = append(dst, '[')
	for i, one := range written {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, one...)
	}
	return append(dst, ']')
}

// sortedAsKeys puts names into the order that canonical JSON has keys in.
func sortedAsKeys(names []string) []string {
	object := []byte{'{'}
	for i, name := range names {
		if i > 0 {
			object = append(object, ',')
		}
		object = append(strictjson.AppendString(object, name), ':', '0')
	}
	canonical, err := strictjson.Canonical(append(object, '}'))
	if err != nil {
		panic("connector: names that were not checked: " + err.Error())
	}
	var sorted []string
	eachMember(canonical, func(name, _ []byte) bool {
		sorted = append(sorted, textOf(name))
		return true
	})
	return sorted
}
