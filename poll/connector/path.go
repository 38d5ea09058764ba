package connector

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// headerPlace begins a place that is a header of the answer, not a path in its body.
const headerPlace = "header:"

// path is the way to a value: keys of objects, and positions in lists, of which -1 is the last. Empty is the whole.
type path []string

// parsePath reads a dotted path: a.b.0.c. A dot that belongs to a key is written \. and a backslash \\.
func parsePath(text string) (path, error) {
	if text == "" {
		return nil, nil
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, errors.New("a path is UTF-8 text")
	}
	var p path
	var key strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && (text[i+1] == '.' || text[i+1] == '\\'):
			i++
			key.WriteByte(text[i])
		case c == '\\':
			return nil, errors.New(`a backslash in a path begins \. or \\`)
		case c == '.':
			p = append(p, key.String())
			key.Reset()
		default:
			key.WriteByte(c)
		}
	}
	p = append(p, key.String())
	if slices.Contains(p, "") {
		return nil, errors.New("a path is keys with dots between them, as in data.items")
	}
	return p, nil
}

// mustPath is parsePath of what Check has accepted.
func mustPath(text string) path {
	p, err := parsePath(text)
	if err != nil {
		panic("connector: " + err.Error())
	}
	return p
}

// find follows a path in canonical JSON; nil where there is nothing. null is nothing, too.
func find(doc []byte, p path) []byte {
	for _, key := range p {
		switch {
		case len(doc) == 0:
			return nil
		case doc[0] == '{':
			doc = memberOf(doc, key)
		case doc[0] == '[':
			doc = elementOf(doc, key)
		default:
			return nil
		}
	}
	if string(doc) == "null" {
		return nil
	}
	return doc
}

func memberOf(object []byte, key string) (found []byte) {
	eachMember(object, func(name, value []byte) bool {
		if decoded(name, key) {
			found = value
			return false
		}
		return true
	})
	return found
}

// elementOf is the element at a position; every element is looked at, as few lists are paths of anything.
func elementOf(list []byte, position string) (found []byte) {
	at, err := strconv.Atoi(position)
	if err != nil || at < -1 {
		return nil
	}
	i := 0
	eachElement(list, func(value []byte) bool {
		if i == at || at < 0 {
			found = value
		}
		i++
		return i <= at || at < 0
	})
	return found
}

// sortedKeys are a map's keys, in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
