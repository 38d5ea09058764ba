package wire

import (
	"bytes"

	"signalbox/strictjson"
)

// members walks the members of an object in text that strictjson has accepted and made compact.
type members struct {
	text  []byte
	pos   int    // at the '{', ',' or '}' before the next member
	key   []byte // as written, without its quotes
	value []byte // as written
}

// walk begins before the first member; text is an object.
func walk(text []byte) members { return members{text: text} }

func (m *members) next() bool {
	m.pos++
	if m.pos >= len(m.text)-1 {
		return false // "{}", or the closing brace was reached
	}
	end := skipString(m.text, m.pos)
	m.key = m.text[m.pos+1 : end-1]
	m.pos = skipValue(m.text, end+1)
	m.value = m.text[end+1 : m.pos]
	return true
}

// skipValue returns where the value that begins at pos ends. It never reads beyond the text, so that it can also look for the
// bounds of values that nobody has checked yet.
func skipValue(text []byte, pos int) int {
	if pos >= len(text) {
		return len(text)
	}
	switch text[pos] {
	case '"':
		return skipString(text, pos)
	case '{', '[':
		return skipContainer(text, pos)
	}
	for pos < len(text) && !endsScalar[text[pos]] {
		pos++
	}
	return pos
}

var endsScalar = [256]bool{',': true, ']': true, '}': true, ' ': true, '\t': true, '\n': true, '\r': true}

func skipString(text []byte, pos int) int {
	for pos++; pos < len(text); pos++ {
		quote := bytes.IndexByte(text[pos:], '"')
		if quote < 0 {
			break
		}
		before := pos
		pos += quote
		escapes := pos
		for escapes > before && text[escapes-1] == '\\' {
			escapes--
		}
		if (pos-escapes)%2 == 0 {
			return pos + 1
		}
	}
	return len(text)
}

func skipContainer(text []byte, pos int) int {
	for open := 0; pos < len(text); pos++ {
		switch text[pos] {
		case '"':
			pos = skipString(text, pos) - 1
		case '{', '[':
			open++
		case '}', ']':
			if open--; open == 0 {
				return pos + 1
			}
		}
	}
	return len(text)
}

func skipSpace(text []byte, pos int) int {
	for pos < len(text) && (text[pos] == ' ' || text[pos] == '\t' || text[pos] == '\n' || text[pos] == '\r') {
		pos++
	}
	return pos
}

// textOf decodes a string, given with its quotes, that strictjson has accepted.
func textOf(value []byte) string {
	inside := value[1 : len(value)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return string(inside)
	}
	var s string
	_ = strictjson.Unmarshal(value, &s) // accepted before: it cannot fail
	return s
}

// absent says whether a value stands for no value: null or "" (contract section 2).
func absent(value []byte) bool {
	return string(value) == `null` || string(value) == `""`
}

// kindOf names the type of a JSON value for a refusal.
func kindOf(value []byte) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}
