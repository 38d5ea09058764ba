package strictjson

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// scanner reads one JSON text once. It applies every rule of the package and,
// when asked, writes the stable form (emit) and collects members that a shape
// does not know (ignored) on the way.
type scanner struct {
	data []byte
	pos  int
	max  int // containers that may be open at once

	path []segment // one per open container
	keys [][]byte  // decoded keys of the open objects, innermost last

	emit bool
	out  []byte

	ignored []string
}

// segment is one step of the path to the value being read.
type segment struct {
	key   []byte // nil inside an array
	index int
}

// manyKeys is where comparing a key with each earlier one of its object gives
// way to a map: below it the loop is faster, above it the loop is quadratic.
const manyKeys = 24

// names knows the keys of one object that were seen so far.
type names struct {
	base int                 // where this object's keys begin in scanner.keys
	many map[string]struct{} // nil until there are manyKeys
}

// document reads the whole text: one value and nothing else.
func (s *scanner) document(sh *shape) *Error {
	s.space()
	if s.pos == len(s.data) {
		return &Error{Kind: Empty, Msg: "the body is empty; send a JSON value"}
	}
	if err := s.value(sh); err != nil {
		return err
	}
	s.space()
	if s.pos < len(s.data) {
		return s.fail(TrailingData, s.pos, "the body must be one JSON value, but more data follows it at %s", position(s.data, s.pos))
	}
	return nil
}

func (s *scanner) value(sh *shape) *Error {
	if s.pos == len(s.data) {
		return s.malformed("a value")
	}
	switch c := s.data[s.pos]; c {
	case '{':
		return s.object(sh)
	case '[':
		return s.array(sh)
	case '"':
		_, err := s.text(false)
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		if c == '-' || '0' <= c && c <= '9' {
			return s.number()
		}
		return s.malformed("a value")
	}
}

func (s *scanner) object(sh *shape) *Error {
	if err := s.open('{'); err != nil {
		return err
	}
	seen := names{base: len(s.keys)}
	for s.space(); !s.take('}'); s.space() {
		if len(s.keys) > seen.base || seen.many != nil {
			if !s.take(',') {
				return s.malformed("',' or '}'")
			}
			s.space()
		}
		if err := s.member(sh, &seen); err != nil {
			return err
		}
	}
	s.keys = s.keys[:seen.base]
	s.path = s.path[:len(s.path)-1]
	return nil
}

func (s *scanner) member(sh *shape, seen *names) *Error {
	if !s.next('"') {
		return s.malformed("a key in double quotes")
	}
	start := s.pos
	key, err := s.text(true)
	if err != nil {
		return err
	}
	here := &s.path[len(s.path)-1]
	here.key = key
	if !s.claim(key, seen) {
		return s.fail(DuplicateKey, start, "%s is given twice; a key may appear once in an object", s.pathText())
	}
	if s.space(); !s.take(':') {
		return s.malformed("':'")
	}
	s.space()
	inner, known := sh.member(key)
	if !known {
		s.ignored = append(s.ignored, s.pathText())
	}
	err = s.value(inner)
	s.path[len(s.path)-1].key = nil
	return err
}

// claim remembers a key of the innermost object; false means it was there.
func (s *scanner) claim(key []byte, seen *names) bool {
	if seen.many != nil {
		before := len(seen.many)
		seen.many[string(key)] = struct{}{}
		return len(seen.many) > before
	}
	mine := s.keys[seen.base:]
	for _, k := range mine {
		if string(k) == string(key) {
			return false
		}
	}
	s.keys = append(s.keys, key)
	if len(mine)+1 == manyKeys {
		seen.many = make(map[string]struct{}, 4*manyKeys)
		for _, k := range s.keys[seen.base:] {
			seen.many[string(k)] = struct{}{}
		}
	}
	return true
}

func (s *scanner) array(sh *shape) *Error {
	if err := s.open('['); err != nil {
		return err
	}
	inner := sh.element()
	for i := 0; ; i++ {
		if s.space(); s.take(']') {
			break
		}
		if i > 0 {
			if !s.take(',') {
				return s.malformed("',' or ']'")
			}
			s.space()
		}
		s.path[len(s.path)-1].index = i
		if err := s.value(inner); err != nil {
			return err
		}
	}
	s.path = s.path[:len(s.path)-1]
	return nil
}

func (s *scanner) open(bracket byte) *Error {
	if len(s.path) >= s.max {
		return s.fail(TooDeep, s.pos, "%s is nested too deeply; at most %d levels are allowed", subject(s.pathText()), s.max)
	}
	s.take(bracket)
	s.path = append(s.path, segment{index: -1})
	return nil
}

// text reads a string. It returns the decoded bytes of a key; a value is only
// decoded when it must be written again.
func (s *scanner) text(isKey bool) ([]byte, *Error) {
	start := s.pos + 1
	end, escaped, err := s.quoted(start)
	if err != nil {
		return nil, err
	}
	s.pos = end + 1
	body := s.data[start:end]
	if escaped && (isKey || s.emit) {
		body = unescape(body)
	}
	if s.emit {
		if escaped {
			s.out = appendQuoted(s.out, body)
		} else {
			s.out = append(s.out, s.data[start-1:end+1]...) // without escapes, JSON.stringify prints the same
		}
	}
	return body, nil
}

// quoted finds the closing quote of a string that begins at i.
func (s *scanner) quoted(i int) (end int, escaped bool, err *Error) {
	data := s.data
	for {
		for i < len(data) && plainByte[data[i]] {
			i++
		}
		if i == len(data) {
			s.pos = i
			return 0, false, s.malformed("a closing '\"'")
		}
		switch c := data[i]; {
		case c == '"':
			return i, escaped, nil
		case c == '\\':
			escaped = true
			if i, err = s.escape(i); err != nil {
				return 0, false, err
			}
		case c == 0:
			return 0, false, s.nul(i)
		case c < ' ':
			return 0, false, s.fail(Malformed, i, "malformed JSON at %s: the control character %U must be written as an escape such as \\n", position(data, i), c)
		default:
			r, size := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && size == 1 {
				return 0, false, s.fail(InvalidUTF8, i, "%s has a string that is not valid UTF-8 at byte %d", subject(s.pathText()), i)
			}
			i += size
		}
	}
}

// plainByte marks what needs no look inside a string: ASCII except controls,
// the quote and the backslash.
var plainByte = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// escape checks the escape at i and returns the position after it.
func (s *scanner) escape(i int) (int, *Error) {
	if i+1 < len(s.data) {
		switch s.data[i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			return i + 2, nil
		case 'u':
			return s.unicodeEscape(i)
		}
	}
	return 0, s.badEscape(i)
}

func (s *scanner) unicodeEscape(i int) (int, *Error) {
	r, ok := hex4(s.data, i)
	if !ok {
		return 0, s.badEscape(i)
	}
	switch {
	case r == 0:
		return 0, s.nul(i)
	case r < 0xD800 || r > 0xDFFF:
		return i + 6, nil
	case r < 0xDC00:
		if low, ok := hex4(s.data, i+6); ok && 0xDC00 <= low && low <= 0xDFFF {
			return i + 12, nil
		}
	}
	return 0, s.fail(Surrogate, i, "%s has the unpaired surrogate escape %s; characters beyond U+FFFF need two", subject(s.pathText()), s.data[i:i+6])
}

func (s *scanner) badEscape(i int) *Error {
	return s.fail(Malformed, i, `malformed JSON at %s: a backslash must begin one of \" \\ \/ \b \f \n \r \t \uXXXX`, position(s.data, i))
}

func (s *scanner) nul(i int) *Error {
	return s.fail(NUL, i, "%s has the character U+0000 in a string at %s; it cannot be stored", subject(s.pathText()), position(s.data, i))
}

// hex4 reads the four digits of a \uXXXX at i.
func hex4(data []byte, i int) (rune, bool) {
	if i+6 > len(data) || data[i] != '\\' || data[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range data[i+2 : i+6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (s *scanner) literal(word string) *Error {
	end := s.pos + len(word)
	if end > len(s.data) || string(s.data[s.pos:end]) != word {
		return s.malformed("a value")
	}
	s.pos = end
	if s.emit {
		s.out = append(s.out, word...)
	}
	return nil
}

// safeDigits integer digits hold no value beyond a double's range (1.8e308).
const safeDigits = 308

func (s *scanner) number() *Error {
	start := s.pos
	s.skip('-')
	whole := s.pos
	if !s.skip('0') && s.digits() == 0 {
		return s.malformed("a digit")
	}
	wholeEnd := s.pos
	float, exp := false, false
	if s.skip('.') {
		if float = true; s.digits() == 0 {
			return s.malformed("a digit after the decimal point")
		}
	}
	if s.skip('e') || s.skip('E') {
		if float, exp = true, true; !s.skip('+') {
			s.skip('-')
		}
		if s.digits() == 0 {
			return s.malformed("a digit in the exponent")
		}
	}
	num := s.data[start:s.pos]
	if exp || wholeEnd-whole > safeDigits {
		if f, err := strconv.ParseFloat(string(num), 64); err != nil || math.IsInf(f, 0) {
			return s.fail(NumberRange, start, "%s is a number that no double can hold; the largest is about 1.8e308", subject(s.pathText()))
		}
	}
	if s.emit {
		s.out = appendStableNumber(s.out, num, float, exp)
	}
	return nil
}

func (s *scanner) digits() (n int) {
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
		n++
	}
	return n
}

// skip steps over c without writing it; next only looks.
func (s *scanner) skip(c byte) bool {
	ok := s.next(c)
	if ok {
		s.pos++
	}
	return ok
}

func (s *scanner) next(c byte) bool { return s.pos < len(s.data) && s.data[s.pos] == c }

// take steps over the structural character c and writes it to the stable form.
func (s *scanner) take(c byte) bool {
	if !s.next(c) {
		return false
	}
	s.pos++
	if s.emit {
		s.out = append(s.out, c)
	}
	return true
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) malformed(want string) *Error {
	got := "the end of the body"
	if s.pos < len(s.data) {
		r, _ := utf8.DecodeRune(s.data[s.pos:])
		got = strconv.QuoteRuneToGraphic(r)
		if r == '\uFEFF' {
			got = "a byte order mark"
		}
	}
	return s.fail(Malformed, s.pos, "malformed JSON at %s: expected %s, found %s", position(s.data, s.pos), want, got)
}

func (s *scanner) fail(kind Kind, offset int, format string, args ...any) *Error {
	s.pos = offset
	return &Error{Path: s.pathText(), Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

// pathText is the dotted path of the value being read.
func (s *scanner) pathText() string {
	var dst []byte
	for _, seg := range s.path {
		if seg.key == nil && seg.index < 0 {
			break // an object between two members
		}
		if len(dst) > 0 {
			dst = append(dst, '.')
		}
		if seg.key != nil {
			dst = appendKey(dst, seg.key)
		} else {
			dst = strconv.AppendInt(dst, int64(seg.index), 10)
		}
	}
	return string(dst)
}
