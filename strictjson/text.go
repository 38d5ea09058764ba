package strictjson

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s as JSON.stringify would quote it: only the quote, the
// backslash and controls are escaped (\b \f \n \r \t, else \u00xx in lower
// case); '/', '<', U+007F and U+2028 are printed as they are. Bytes that are
// not UTF-8 become U+FFFD, because a JSON text cannot carry them.
func AppendString(dst []byte, s string) []byte { return appendQuoted(dst, s) }

func appendQuoted[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plainByte[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := decodeRune(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[done:i]...)
				dst = utf8.AppendRune(dst, utf8.RuneError)
				done = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, s[done:i]...)
		dst = appendEscape(dst, c)
		i++
		done = i
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}

func decodeRune[T string | []byte](s T) (rune, int) {
	return utf8.DecodeRuneInString(string(s[:min(len(s), utf8.UTFMax)]))
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// unescape decodes the inside of a string that the scanner has accepted.
func unescape(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for i := 0; i < len(body); {
		c := body[i]
		if c != '\\' {
			out = append(out, c)
			i++
			continue
		}
		c = body[i+1]
		if c == 'u' {
			r, _ := hex4(body, i)
			i += 6
			if 0xD800 <= r && r <= 0xDBFF { // accepted, so its partner follows
				low, _ := hex4(body, i)
				r = 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
				i += 6
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		out = append(out, controlOf(c))
		i += 2
	}
	return out
}

func controlOf(letter byte) byte {
	switch letter {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return letter // the quote, the backslash and '/' stand for themselves
}

// AppendNumber appends f in the form of ECMAScript's Number::toString: the
// fewest digits that read back as f, decimal from 1e-6 up to 1e21, beyond it
// as 1e+21 or 1e-7; −0 is 0. NaN and infinities become null, as in
// JSON.stringify.
func AppendNumber(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	if f == 0 {
		return append(dst, '0')
	}
	if abs := math.Abs(f); 1e-6 <= abs && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); dst[n-2] == '0' && dst[n-4] == 'e' { // 1e-07 is 1e-7
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// exactDigits decimal digits survive the way into a double and back unchanged,
// and no shorter number reads as the same double (DBL_DIG).
const exactDigits = 15

// appendStableNumber rewrites a number that the scanner has accepted. Integers
// written in digits keep them, also beyond 2^53; −0 is 0.
func appendStableNumber(dst, num []byte, float, exp bool) []byte {
	if !float {
		if len(num) == 2 && num[0] == '-' && num[1] == '0' {
			return append(dst, '0')
		}
		return append(dst, num...)
	}
	if !exp {
		if short, ok := trimDecimal(num); ok {
			return append(dst, short...)
		}
	}
	f, _ := strconv.ParseFloat(string(num), 64)
	return AppendNumber(dst, f)
}

// trimDecimal gives the ECMAScript form of a short plain decimal without
// reading it as a double: the same digits without trailing zeros. It declines
// what may need rounding, an exponent, or the loss of a sign.
func trimDecimal(num []byte) ([]byte, bool) {
	unsigned := num
	if num[0] == '-' {
		unsigned = num[1:]
	}
	if len(unsigned)-1 > exactDigits || tiny(unsigned) {
		return nil, false
	}
	for num[len(num)-1] == '0' {
		num = num[:len(num)-1]
	}
	if num[len(num)-1] == '.' {
		num = num[:len(num)-1]
	}
	return num, true
}

// tiny reports whether a plain decimal may be below 1e-6, where ECMAScript
// begins to write exponents, or zero, where it drops the sign.
func tiny(unsigned []byte) bool {
	return unsigned[0] == '0' && len(bytes.Trim(unsigned[2:min(8, len(unsigned))], "0")) == 0
}
