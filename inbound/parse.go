package inbound

import (
	"bytes"
	"errors"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"signalbox"
	"signalbox/strictjson"
)

// MaxBody is the largest body that a door takes, in bytes (contract section 2).
const MaxBody = 1 << 20

var byteOrderMark = []byte("\ufeff")

// Parse gives a body as one JSON text. JSON is handed back as it was sent, without a byte order mark; a form becomes an object of texts, or of lists of texts
// where a name is there several times. A missing content type counts as JSON, and so does a form that is JSON: curl -d calls everything a form.
//
// The error is a *signalbox.Error: Invalid, TooLarge or UnsupportedMedia. What is returned may share memory with the body.
func Parse(contentType string, body []byte) ([]byte, error) {
	if len(body) > MaxBody {
		return nil, signalbox.Errorf(signalbox.TooLarge, "the body is too large: %d bytes, at most %d", len(body), MaxBody)
	}
	kind, err := mediaType(contentType)
	if err != nil {
		return nil, err
	}
	body = bytes.TrimPrefix(body, byteOrderMark)
	text := bytes.TrimSpace(body)
	if len(text) == 0 {
		return nil, signalbox.Errorf(signalbox.Invalid, "the body is empty: a JSON value or a form is needed")
	}
	if kind == "application/x-www-form-urlencoded" {
		if (text[0] == '{' || text[0] == '[') && strictjson.Check(text) == nil {
			return text, nil
		}
		return parseForm(text)
	}
	if err := strictjson.Check(text); err != nil {
		return nil, notJSON(err, text)
	}
	return text, nil
}

// mediaType reads the type of a body and refuses those that are never JSON or a form.
func mediaType(contentType string) (string, error) {
	if strings.TrimSpace(contentType) == "" {
		return "application/json", nil
	}
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		kind, _, _ = strings.Cut(strings.ToLower(contentType), ";") // a slip in what follows the type is no reason to lose a body
		kind = strings.TrimSpace(kind)
	}
	family, _, _ := strings.Cut(kind, "/")
	switch {
	case family == "multipart", family == "image", family == "audio", family == "video", kind == "application/pdf", kind == "application/zip",
		kind == "application/xml", kind == "text/xml", strings.HasSuffix(kind, "+xml"), kind == "text/html", kind == "text/csv":
		return "", signalbox.Errorf(signalbox.UnsupportedMedia, "bodies of the type %q are not read: send application/json or application/x-www-form-urlencoded", shortened(kind))
	}
	return kind, nil
}

// notJSON says what is wrong with a body that should have been JSON, and how it begins where it looks like something else.
func notJSON(err error, text []byte) error {
	var bad *strictjson.Error
	if !errors.As(err, &bad) {
		return err
	}
	out := &signalbox.Error{Code: signalbox.Invalid, Param: bad.Path, Msg: bad.Msg, Err: bad}
	if bad.Kind != strictjson.Malformed || !utf8.Valid(text) {
		return out
	}
	if strings.IndexByte(`{["-0123456789tfn`, text[0]) < 0 {
		out.Msg = "the body is not JSON: it begins with " + strconv.Quote(shortened(string(text))) + "; a JSON value or a form with its content type is needed"
	}
	return out
}

// maxShown is how many characters of what came in an error repeats.
const maxShown = 40

func shortened(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxShown {
			return s[:i] + "…"
		}
	}
	return s
}

// form is the object that a form becomes, its names in the order in which they first came.
type form struct {
	names  []string
	values map[string][]string
}

// parseForm reads application/x-www-form-urlencoded (WHATWG URL, section 5.1). Only & separates; an escape that is none is refused, not guessed.
func parseForm(text []byte) ([]byte, error) {
	f := form{values: map[string][]string{}}
	for pair := range strings.SplitSeq(string(text), "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := unescape(rawName)
		if err != nil {
			return nil, err
		}
		value, err := unescape(rawValue)
		if err != nil {
			return nil, err
		}
		if _, ok := f.values[name]; !ok {
			f.names = append(f.names, name)
		}
		f.values[name] = append(f.values[name], value)
	}
	if len(f.names) == 0 {
		return nil, signalbox.Errorf(signalbox.Invalid, "the form is empty: a name and a value are needed, as in event=signed_up")
	}
	if len(f.names) == 1 && !bytes.ContainsRune(text, '=') {
		return nil, signalbox.Errorf(signalbox.Invalid, "the body is no form: it begins with %s and has no =; JSON needs the content type application/json",
			strconv.Quote(shortened(f.names[0])))
	}
	return f.json(), nil
}

func unescape(s string) (string, error) {
	text, err := url.QueryUnescape(s)
	switch {
	case err != nil:
		return "", signalbox.Errorf(signalbox.Invalid, "the form cannot be read: %s has a %% that is followed by no two hex digits", strconv.Quote(shortened(s)))
	case !utf8.ValidString(text):
		return "", signalbox.Errorf(signalbox.Invalid, "the form is not UTF-8 at %s", strconv.Quote(shortened(s)))
	case strings.IndexByte(text, 0) >= 0:
		return "", signalbox.Errorf(signalbox.Invalid, "the form holds U+0000 at %s: no text can be stored with it", strconv.Quote(shortened(s)))
	}
	return text, nil
}

// json writes the object. Slack, GitHub and others put a JSON text into the field payload: there it stands as what it is.
func (f *form) json() []byte {
	dst := []byte{'{'}
	for i, name := range f.names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(strictjson.AppendString(dst, name), ':')
		values := f.values[name]
		switch {
		case len(values) > 1:
			dst = appendList(dst, values)
		case name == "payload" && holdsJSON(values[0]):
			dst = append(dst, strings.TrimSpace(values[0])...)
		default:
			dst = strictjson.AppendString(dst, values[0])
		}
	}
	return append(dst, '}')
}

// holdsJSON says whether a text is an object or a list, shallow enough to stand in another object.
func holdsJSON(s string) bool {
	s = strings.TrimSpace(s)
	return s != "" && (s[0] == '{' || s[0] == '[') && strictjson.Limits{MaxDepth: strictjson.DefaultMaxDepth - 1}.Check([]byte(s)) == nil
}

func appendList(dst []byte, values []string) []byte {
	dst = append(dst, '[')
	for i, one := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strictjson.AppendString(dst, one)
	}
	return append(dst, ']')
}
