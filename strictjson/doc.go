// Package strictjson reads JSON strictly and writes the two stable forms of it
// that Signalbox needs: the one JavaScript would print, and the canonical one.
//
// Reading refuses everything that two parsers could understand differently, or
// that one of the two databases could not hold: malformed or trailing data,
// duplicate keys at any depth, invalid UTF-8, unpaired surrogate escapes,
// U+0000, nesting deeper than [DefaultMaxDepth], numbers that no double can
// hold, an empty body. One scanner applies these rules everywhere; [Check],
// [Unmarshal] and [Stable] never disagree about what is valid.
//
// Writing gives bytes that are equal to JSON.stringify(JSON.parse(text)), so a
// receiver that parses and re-serialises a body before it checks a signature
// still gets the bytes that were signed. There are two documented exceptions:
// integers written in digits keep their digits beyond 2^53, and integer-like
// keys ("7") keep their place, where JavaScript would move them to the front.
//
// The package is pure: it does no I/O, keeps no state that a caller could
// observe, and imports no other room. It does not validate meaning (lengths,
// formats, required fields): that is the business of the words it decodes into.
package strictjson
