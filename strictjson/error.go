package strictjson

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind says which rule a text broke.
type Kind string

// The rules, one kind each.
const (
	Malformed    Kind = "malformed"     // not JSON as RFC 8259 writes it
	TrailingData Kind = "trailing_data" // something follows the value
	Empty        Kind = "empty"         // nothing but whitespace
	TooDeep      Kind = "too_deep"      // more containers open than the limit
	DuplicateKey Kind = "duplicate_key" // a key twice in one object
	InvalidUTF8  Kind = "invalid_utf8"  // a string is not UTF-8
	Surrogate    Kind = "surrogate"     // an escape such as \ud800 without its partner
	NUL          Kind = "nul"           // U+0000 in a string or key, raw or escaped
	NumberRange  Kind = "number_range"  // beyond what a double (or the wanted type) holds
	WrongType    Kind = "wrong_type"    // valid JSON, but not the shape wanted
	UnknownField Kind = "unknown_field" // a member that the shape does not know
)

// Error is the one error type for bad input. Msg may be shown to the sender.
type Error struct {
	Path    string   // dotted, "signals.3.contact.email"; "" means the whole body
	Msg     string   // lower-case sentence, names the path: what is wrong and what would be right
	Kind    Kind     // the rule that was broken
	Unknown []string // Kind UnknownField only: the paths of all unknown members, in order
}

// Error returns Msg.
func (e *Error) Error() string { return e.Msg }

// subject names a path at the start of a sentence.
func subject(path string) string {
	if path == "" {
		return "the body"
	}
	return path
}

func unknownError(paths []string) *Error {
	word := "unknown field"
	if len(paths) > 1 {
		word = "unknown fields"
	}
	return &Error{
		Path:    paths[0],
		Msg:     word + " " + strings.Join(paths, ", "),
		Kind:    UnknownField,
		Unknown: paths,
	}
}

// maxShownKey bounds how much of a sender's key is repeated in a path: keys may
// be as long as the body, and a path may be shown once per member below it.
const maxShownKey = 64

// appendKey appends one key to a dotted path. A key that is not plainly
// readable is quoted, so a path never carries line breaks or control
// characters into a header or a log.
func appendKey(dst, key []byte) []byte {
	cut := len(key) > maxShownKey
	if cut {
		key = key[:maxShownKey]
		for len(key) > 0 && !utf8.Valid(key) {
			key = key[:len(key)-1]
		}
	}
	text := string(key)
	if cut {
		text += "…"
	}
	if plain(text) {
		return append(dst, text...)
	}
	return strconv.AppendQuoteToGraphic(dst, text)
}

func plain(key string) bool {
	return key != "" && !strings.ContainsFunc(key, func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune(`."\,`, r)
	})
}

// position says where an offset is, as people count: from line 1, column 1.
func position(data []byte, offset int) string {
	line, start := 1, 0
	for i, c := range data[:offset] {
		if c == '\n' {
			line, start = line+1, i+1
		}
	}
	return fmt.Sprintf("line %d, column %d", line, utf8.RuneCount(data[start:offset])+1)
}
