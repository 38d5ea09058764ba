package strictjson

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// DefaultMaxDepth is how many objects and arrays may be open at once in a text
// that comes from outside (contract, section 2).
const DefaultMaxDepth = 32

// Limits are the bounds that a caller may set. The zero value is the default.
type Limits struct {
	MaxDepth int // open objects and arrays; 0 means DefaultMaxDepth
}

// Raw is a JSON value as it was written. As a field it keeps the exact digits
// of numbers and the order of keys. Decoding into an `any` does not: numbers
// become float64 there.
type Raw = jsontext.Value

// Check reports whether data is one valid JSON text under the rules of this
// package. The error is an [*Error].
func Check(data []byte) error { return Limits{}.Check(data) }

// Unmarshal checks data and decodes it into v, a non-nil pointer. Field names
// are case-sensitive, unknown members are ignored, null leaves or sets a zero
// value; struct tags mean what they mean to encoding/json/v2 (case:ignore is
// not supported). Bad input is an [*Error]; any other error is a v that cannot
// be decoded into.
func Unmarshal(data []byte, v any) error { return Limits{}.Unmarshal(data, v) }

// UnmarshalReport is Unmarshal, and also names the members that v has no field
// for, as dotted paths in the order of the text. What lies below an unknown
// member is not listed. Keys are cut at 64 bytes and quoted where they are not
// plainly readable, so a path is safe in a header.
func UnmarshalReport(data []byte, v any) (ignored []string, err error) {
	return Limits{}.UnmarshalReport(data, v)
}

// UnmarshalKnown is Unmarshal for callers that refuse unknown members: the
// error then has Kind UnknownField and names every one of them.
func UnmarshalKnown(data []byte, v any) error { return Limits{}.UnmarshalKnown(data, v) }

// Stable rewrites a JSON text to the bytes that JavaScript's
// JSON.stringify(JSON.parse(text)) gives (ledger C27), apart from the two
// exceptions named in the package comment. It checks like [Check] on the way.
func Stable(data []byte) ([]byte, error) { return Limits{}.AppendStable(nil, data) }

// AppendStable is Stable, appending to dst; on an error dst is returned as it
// came.
func AppendStable(dst, data []byte) ([]byte, error) { return Limits{}.AppendStable(dst, data) }

// Check is the package's Check under these limits.
func (l Limits) Check(data []byte) error {
	_, err := l.scan(data, nil)
	return err
}

// Unmarshal is the package's Unmarshal under these limits.
func (l Limits) Unmarshal(data []byte, v any) error {
	if _, err := l.scan(data, nil); err != nil {
		return err
	}
	return decode(data, v)
}

// UnmarshalReport is the package's UnmarshalReport under these limits.
func (l Limits) UnmarshalReport(data []byte, v any) (ignored []string, err error) {
	ignored, err = l.scan(data, shapeOf(v))
	if err != nil {
		return nil, err
	}
	if err := decode(data, v); err != nil {
		return nil, err
	}
	return ignored, nil
}

// UnmarshalKnown is the package's UnmarshalKnown under these limits.
func (l Limits) UnmarshalKnown(data []byte, v any) error {
	unknown, err := l.scan(data, shapeOf(v))
	if err != nil {
		return err
	}
	if len(unknown) > 0 {
		return unknownError(unknown)
	}
	return decode(data, v)
}

// AppendStable is the package's AppendStable under these limits: a body that
// wraps a checked value needs a few levels more than the value.
func (l Limits) AppendStable(dst, data []byte) ([]byte, error) {
	var keys [16][]byte
	var path [8]segment
	s := scanner{data: data, max: l.depth(), keys: keys[:0], path: path[:0], emit: true, out: dst}
	if err := s.document(nil); err != nil {
		return dst, err
	}
	return s.out, nil
}

func (l Limits) depth() int {
	if l.MaxDepth > 0 {
		return l.MaxDepth
	}
	return DefaultMaxDepth
}

// scan checks data; with a shape it also names what the shape does not know.
func (l Limits) scan(data []byte, sh *shape) ([]string, error) {
	var keys [16][]byte // on the stack: most texts need no more
	var path [8]segment
	s := scanner{data: data, max: l.depth(), keys: keys[:0], path: path[:0]}
	if err := s.document(sh); err != nil {
		return nil, err
	}
	return s.ignored, nil
}

// checked is for texts that the scanner has accepted: it need not look for
// duplicates and bad UTF-8 a second time.
var checked = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

func decode(data []byte, v any) error {
	err := json.Unmarshal(data, v, checked)
	if err == nil {
		return nil
	}
	if bad := typeError(err); bad != nil {
		return bad
	}
	return fmt.Errorf("decode into %T: %w", v, err)
}
