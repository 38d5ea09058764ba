package expr

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// kind is what a value is.
type kind uint8

const (
	missing kind = iota // also null
	aBool
	anInt
	aUint // only beyond the largest int64
	aFloat
	aText
	aTime
	aDuration
	aList
	aMap
	other
)

// val is one value, small enough to be passed around without an allocation.
type val struct {
	kind kind
	n    int64   // of a bool (0, 1), an int, a uint (its bits), a time (Unix microseconds), a duration (nanoseconds)
	f    float64 // of a float
	s    string  // of a text
	x    any     // of a list or a map: []any, map[string]any or what CEL has; the digits of a float that stands for a wide integer
}

// wide is an integer that 64 bits cannot hold, by its digits.
type wide string

// valOf reads a decoded JSON value.
func valOf(v any) val {
	switch v := v.(type) {
	case nil:
		return val{}
	case string:
		return val{kind: aText, s: v}
	case int64:
		return val{kind: anInt, n: v}
	case float64:
		return val{kind: aFloat, f: v}
	case bool:
		return boolVal(v)
	case uint64:
		return uintVal(v)
	case []any:
		return val{kind: aList, x: v}
	case map[string]any:
		return val{kind: aMap, x: v}
	case time.Time:
		return timeVal(v)
	case time.Duration:
		return val{kind: aDuration, n: int64(v)}
	case wide:
		f, _ := strconv.ParseFloat(string(v), 64)
		return val{kind: aFloat, f: f, x: v}
	case ref.Val:
		return fromCEL(v)
	}
	return val{kind: other}
}

func boolVal(b bool) val {
	v := val{kind: aBool}
	if b {
		v.n = 1
	}
	return v
}

func uintVal(u uint64) val {
	if u <= math.MaxInt64 {
		return val{kind: anInt, n: int64(u)}
	}
	return val{kind: aUint, n: int64(u)}
}

func textVal(s string) val {
	if s == "" {
		return val{}
	}
	return val{kind: aText, s: s}
}

func timeVal(t time.Time) val {
	if t.IsZero() {
		return val{}
	}
	return val{kind: aTime, n: t.UnixMicro()}
}

// fromCEL reads a value of the library; its errors are missing.
func fromCEL(v ref.Val) val {
	switch v := v.(type) {
	case types.String:
		return val{kind: aText, s: string(v)}
	case types.Int:
		return val{kind: anInt, n: int64(v)}
	case types.Double:
		return val{kind: aFloat, f: float64(v)}
	case types.Bool:
		return boolVal(bool(v))
	case types.Uint:
		return uintVal(uint64(v))
	case types.Null, *types.Err, *types.Unknown:
		return val{}
	case types.Timestamp:
		return val{kind: aTime, n: v.UnixMicro()}
	case types.Duration:
		return val{kind: aDuration, n: int64(v.Duration)}
	case traits.Mapper:
		return val{kind: aMap, x: v}
	case traits.Lister:
		return val{kind: aList, x: v}
	}
	return val{kind: other}
}

// native is a value as the library's adapter and templates take it.
func (v val) native() any {
	switch v.kind {
	case aBool:
		return v.n != 0
	case anInt:
		return v.n
	case aUint:
		return uint64(v.n)
	case aFloat:
		if v.x != nil {
			return v.x
		}
		return v.f
	case aText:
		return v.s
	case aTime:
		return time.UnixMicro(v.n).UTC()
	case aDuration:
		return time.Duration(v.n)
	case aList, aMap:
		return v.x
	}
	return nil
}

// each hands over a list's elements until do says false.
func (v val) each(do func(val) bool) {
	switch list := v.x.(type) {
	case []any:
		for _, one := range list {
			if !do(valOf(one)) {
				return
			}
		}
	case []val:
		for _, one := range list {
			if !do(one) {
				return
			}
		}
	case traits.Lister:
		for it := list.Iterator(); it.HasNext() == types.True; {
			if !do(fromCEL(it.Next())) {
				return
			}
		}
	}
}

func (v val) size() int {
	switch x := v.x.(type) {
	case []any:
		return len(x)
	case []val:
		return len(x)
	case map[string]any:
		return len(x)
	case traits.Sizer:
		n, _ := x.Size().(types.Int)
		return int(n)
	}
	return 0
}

// isNumber says whether a value is one, not a text that is one.
func (v *val) isNumber() bool { return v.kind >= anInt && v.kind <= aFloat }

// number reads a number, or a text that is a JSON number.
func (v *val) number() (val, bool) {
	switch v.kind {
	case anInt, aUint:
		return *v, true
	case aFloat:
		return *v, !math.IsNaN(v.f)
	case aText:
		return parseNumber(v.s)
	}
	return val{}, false
}

// maxDigits bounds what a text's number may cost, as in package filter.
const maxDigits = 40

// parseNumber reads a text that is a JSON number.
func parseNumber(s string) (val, bool) {
	whole, ok := jsonNumber(s)
	if !ok {
		return val{}, false
	}
	if whole {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return val{kind: anInt, n: n}, true
		}
		if u, err := strconv.ParseUint(s, 10, 64); err == nil {
			return uintVal(u), true
		}
	}
	f, _ := strconv.ParseFloat(s, 64) // out of range: an infinity, which compares as what it is
	return val{kind: aFloat, f: f}, true
}

// jsonNumber says whether a text is a JSON number of a bearable length, and whether it is written as a whole one.
func jsonNumber(s string) (whole, ok bool) {
	if len(s) == 0 || len(s) > maxDigits {
		return false, false
	}
	i := 0
	if s[0] == '-' {
		i++
	}
	start := i
	i = digits(s, i)
	if i == start || s[start] == '0' && i > start+1 {
		return false, false
	}
	if i == len(s) {
		return true, true
	}
	if s[i] == '.' {
		j := digits(s, i+1)
		if j == i+1 {
			return false, false
		}
		i = j
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		if len(s)-i > 5 {
			return false, false
		}
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		j := digits(s, i)
		if j == i {
			return false, false
		}
		i = j
	}
	return false, i == len(s)
}

func digits(s string, i int) int {
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

// compareNumbers orders two numbers exactly.
func compareNumbers(a, b val) int {
	switch {
	case a.kind == anInt && b.kind == anInt:
		return cmp.Compare(a.n, b.n)
	case a.kind == aFloat && b.kind == aFloat:
		return cmp.Compare(a.f, b.f)
	case a.kind == aFloat:
		return -compareNumbers(b, a)
	case b.kind == aFloat:
		return compareWhole(a, b.f)
	case a.kind == aUint && b.kind == aUint:
		return cmp.Compare(uint64(a.n), uint64(b.n))
	case a.kind == aUint:
		return 1
	}
	return -1
}

func compareWhole(a val, f float64) int {
	if a.kind == aUint {
		switch {
		case f >= 1<<64:
			return -1
		case f < 1<<63:
			return 1
		}
		return cmp.Compare(uint64(a.n), uint64(f)) // at this size a double is whole
	}
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	t := math.Trunc(f)
	if c := cmp.Compare(a.n, int64(t)); c != 0 {
		return c
	}
	return cmp.Compare(t, f)
}

// moment reads a time, or a text that is one by RFC 3339.
func (v *val) moment() (int64, bool) {
	switch v.kind {
	case aTime:
		return v.n, true
	case aText:
		if len(v.s) < len("2006-01-02T15:04:05Z") || len(v.s) > 40 || v.s[4] != '-' {
			return 0, false
		}
		t, err := time.Parse(time.RFC3339Nano, v.s)
		return t.UnixMicro(), err == nil
	}
	return 0, false
}

// op is a way to compare.
type op uint8

const (
	opEqual op = iota
	opNotEqual
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opIn
	opContains
	opStarts
	opEnds
)

// holds says whether a stands so to b: false when one is missing or they are unlike.
func (o op) holds(a, b *val) bool {
	if a.kind == missing || b.kind == missing {
		return false
	}
	switch o {
	case opEqual:
		return equal(a, b)
	case opNotEqual:
		return alike(a, b) && !equal(a, b)
	case opIn:
		return within(a, b)
	case opContains:
		if a.kind == aList {
			return within(b, a)
		}
		return a.kind == aText && b.kind == aText && strings.Contains(a.s, b.s)
	case opStarts:
		return a.kind == aText && b.kind == aText && strings.HasPrefix(a.s, b.s)
	case opEnds:
		return a.kind == aText && b.kind == aText && strings.HasSuffix(a.s, b.s)
	}
	c, ok := order(a, b)
	if !ok {
		return false
	}
	switch o {
	case opLess:
		return c < 0
	case opLessEqual:
		return c <= 0
	case opGreater:
		return c > 0
	}
	return c >= 0
}

// within says whether a list holds a value, or a map its key.
func within(v, list *val) bool {
	switch list.kind {
	case aList:
		for i := range list.size() {
			if one := list.at(i); equal(v, &one) {
				return true
			}
		}
		return false
	case aMap:
		return v.kind == aText && lookup(list.x, v.s).kind != missing
	}
	return false
}

// lookup reads a map's key.
func lookup(x any, key string) val {
	switch m := x.(type) {
	case map[string]any:
		return valOf(m[key])
	case traits.Mapper:
		if v, ok := m.Find(types.String(key)); ok {
			return fromCEL(v)
		}
	}
	return val{}
}

// order compares two numbers, texts, times or durations.
func order(a, b *val) (int, bool) {
	if a.kind == anInt && b.kind == anInt {
		return cmp.Compare(a.n, b.n), true
	}
	if x, ok := a.number(); ok {
		if y, ok := b.number(); ok {
			return compareNumbers(x, y), true
		}
	}
	switch {
	case a.kind == aText && b.kind == aText:
		return strings.Compare(a.s, b.s), true
	case a.kind == aDuration && b.kind == aDuration:
		return cmp.Compare(a.n, b.n), true
	case a.kind == aTime || b.kind == aTime:
		x, isTime := a.moment()
		y, wantsTime := b.moment()
		return cmp.Compare(x, y), isTime && wantsTime
	}
	return 0, false
}

// equal compares two values; inside lists and maps null equals null.
func equal(a, b *val) bool {
	switch {
	case a.kind == aText && b.kind == aText:
		return a.s == b.s
	case a.isNumber() || b.isNumber():
		x, ok := a.number()
		y, also := b.number()
		return ok && also && compareNumbers(x, y) == 0
	case a.kind == aTime || b.kind == aTime:
		x, ok := a.moment()
		y, also := b.moment()
		return ok && also && x == y
	case a.kind != b.kind:
		return false
	}
	switch a.kind {
	case aBool, aDuration:
		return a.n == b.n
	case aList:
		return equalLists(*a, *b)
	case aMap:
		return equalMaps(*a, *b)
	}
	return a.kind == missing
}

func equalLists(a, b val) bool {
	n := a.size()
	if n != b.size() {
		return false
	}
	for i := range n {
		x, y := a.at(i), b.at(i)
		if !equal(&x, &y) {
			return false
		}
	}
	return true
}

// at is a list's element.
func (v val) at(i int) val {
	switch list := v.x.(type) {
	case []any:
		return valOf(list[i])
	case []val:
		return list[i]
	case traits.Lister:
		return fromCEL(list.Get(types.Int(i)))
	}
	return val{}
}

func equalMaps(a, b val) bool {
	if a.size() != b.size() {
		return false
	}
	same := true
	a.entries(func(key string, one val) bool {
		two := lookup(b.x, key)
		same = equal(&one, &two)
		return same
	})
	return same
}

// entries hands over a map's entries until do says false; keys that are no texts are passed over.
func (v val) entries(do func(string, val) bool) {
	switch m := v.x.(type) {
	case map[string]any:
		for key, one := range m {
			if !do(key, valOf(one)) {
				return
			}
		}
	case traits.Mapper:
		for it := m.Iterator(); it.HasNext() == types.True; {
			k := it.Next()
			key, ok := k.(types.String)
			if ok && !do(string(key), fromCEL(m.Get(k))) {
				return
			}
		}
	}
}

// alike says whether two values can be equal at all.
func alike(a, b *val) bool {
	if a.kind == b.kind && a.kind != aFloat {
		return a.kind != other
	}
	_, x := a.number()
	_, y := b.number()
	if x && y {
		return true
	}
	_, x = a.moment()
	_, y = b.moment()
	return x && y
}

// maxCompared is how many values a list or a map may hold that is compared as a whole: more always cost too much.
const maxCompared = 20_000

// cost is what comparing two values so costs, in CEL cost units.
func (o op) cost(a, b *val) uint64 {
	switch {
	case o == opIn && b.kind == aMap:
		return 2
	case a.kind == aList || a.kind == aMap || b.kind == aList || b.kind == aMap:
		n := weight(*a) + weight(*b)
		if n > maxCompared {
			return HighestMaxCost + 1
		}
		return 1 + uint64(n)
	case o == opContains:
		return 1 + uint64(len(a.s))/10
	}
	return 1 + uint64(min(len(a.s), len(b.s)))/10
}

// weight is how many values a list or a map holds, those inside of it included; it stops counting past maxCompared.
func weight(v val) int {
	n := 1 + len(v.s)/100
	switch v.kind {
	case aList:
		if n = v.size(); n > maxCompared {
			return n
		}
		for i := range v.size() {
			if n += weight(v.at(i)); n > maxCompared {
				break
			}
		}
	case aMap:
		if n = v.size(); n > maxCompared {
			return n
		}
		v.entries(func(_ string, one val) bool {
			n += weight(one)
			return n <= maxCompared
		})
	}
	return n
}
