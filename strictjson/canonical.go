package strictjson

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Canonical rewrites a JSON text so that two texts of the same value give the
// same bytes, for hashing: the stable form with the keys of every object
// sorted by UTF-16 code unit, as RFC 8785 sorts them. Integers written in
// digits keep their digits, so it is not RFC 8785 beyond 2^53: there
// 9007199254740993 is itself, while 9007199254740993.0 is the double nearest
// to it, another value. It checks like [Check] on the way.
func Canonical(data []byte) ([]byte, error) { return Limits{}.AppendCanonical(nil, data) }

// AppendCanonical is Canonical under these limits, appending to dst.
func (l Limits) AppendCanonical(dst, data []byte) ([]byte, error) {
	stable, err := l.AppendStable(make([]byte, 0, len(data)), data)
	if err != nil {
		return dst, err
	}
	c := canonizer{src: stable, out: dst}
	c.value()
	return c.out, nil
}

// canonizer rewrites a stable text, which needs no more checks.
type canonizer struct {
	src []byte
	pos int
	out []byte
}

type canonMember struct {
	key  []byte // decoded
	text []byte // "key":value, canonical
}

func (c *canonizer) value() {
	switch c.src[c.pos] {
	case '{':
		c.object()
	case '[':
		c.array()
	case '"':
		c.text()
	default:
		c.scalar()
	}
}

func (c *canonizer) object() {
	c.copy(1)
	start := len(c.out)
	var ends []int
	var keys [][]byte
	for c.src[c.pos] != '}' {
		if c.src[c.pos] == ',' {
			c.pos++
		}
		keys = append(keys, c.text())
		c.copy(1) // the colon
		c.value()
		ends = append(ends, len(c.out))
	}
	c.sortMembers(start, keys, ends)
	c.copy(1)
}

// sortMembers puts the members that lie end to end from start into order, with
// commas between them.
func (c *canonizer) sortMembers(start int, keys [][]byte, ends []int) {
	if len(keys) == 0 {
		return
	}
	written := bytes.Clone(c.out[start:])
	members := make([]canonMember, len(keys))
	from := 0
	for i, end := range ends {
		members[i] = canonMember{keys[i], written[from : end-start]}
		from = end - start
	}
	slices.SortFunc(members, func(a, b canonMember) int { return compareUnits(a.key, b.key) })
	c.out = c.out[:start]
	for i, m := range members {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = append(c.out, m.text...)
	}
}

func (c *canonizer) array() {
	c.copy(1)
	for c.src[c.pos] != ']' {
		if c.src[c.pos] == ',' {
			c.copy(1)
		}
		c.value()
	}
	c.copy(1)
}

// text copies a string and returns it decoded.
func (c *canonizer) text() []byte {
	end, escaped := c.pos+1, false
	for ; c.src[end] != '"'; end++ {
		if c.src[end] == '\\' {
			escaped = true
			end++
		}
	}
	body := c.src[c.pos+1 : end]
	c.copy(end + 1 - c.pos)
	if escaped {
		body = unescape(body)
	}
	return body
}

func (c *canonizer) scalar() {
	end := c.pos
	for end < len(c.src) && c.src[end] != ',' && c.src[end] != '}' && c.src[end] != ']' {
		end++
	}
	c.out = appendShortInteger(c.out, c.src[c.pos:end])
	c.pos = end
}

func (c *canonizer) copy(n int) {
	c.out = append(c.out, c.src[c.pos:c.pos+n]...)
	c.pos += n
}

// appendShortInteger writes an integer of 22 digits and more as 1e+21 when
// that names exactly the same integer, for so it is written when it came as
// 1e21. All other numbers have one stable form already.
func appendShortInteger(dst, num []byte) []byte {
	digits := bytes.TrimPrefix(num, []byte("-"))
	if len(digits) < 22 || bytes.ContainsAny(digits, ".e") {
		return append(dst, num...)
	}
	f, _ := strconv.ParseFloat(string(num), 64)
	short := AppendNumber(nil, f)
	mantissa, _, _ := bytes.Cut(bytes.TrimPrefix(short, []byte("-")), []byte("e"))
	mantissa = bytes.ReplaceAll(mantissa, []byte("."), nil)
	_, exp, _ := bytes.Cut(short, []byte("e+"))
	power, _ := strconv.Atoi(string(exp))
	if power == len(digits)-1 && bytes.Equal(mantissa, bytes.TrimRight(digits, "0")) {
		return append(dst, short...)
	}
	return append(dst, num...)
}

// compareUnits orders UTF-8 strings by their UTF-16 code units. It differs from
// byte order only where a character beyond U+FFFF meets one from U+E000.
func compareUnits(a, b []byte) int {
	for len(a) > 0 && len(b) > 0 {
		r, n := utf8.DecodeRune(a)
		q, m := utf8.DecodeRune(b)
		if r != q {
			if u, v := leadUnit(r), leadUnit(q); u != v {
				return int(u - v)
			}
			return int(r - q)
		}
		a, b = a[n:], b[m:]
	}
	return len(a) - len(b)
}

func leadUnit(r rune) rune {
	if r < 0x10000 {
		return r
	}
	return 0xD800 + (r-0x10000)>>10
}
