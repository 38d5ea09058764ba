package inbound

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"signalbox/strictjson"
)

// hidden stands in the place of what looks secret.
const hidden = "[hidden]"

// maxNested is how many JSON texts inside strings are looked through, one in the other.
const maxNested = 3

// Hide replaces what looks secret in a JSON text, by the name that it stands under or by what it looks like, so that the text can be shown. Only leaves change: texts
// and numbers become "[hidden]"; true, false, null and empty texts tell nothing and stay. What is not JSON is hidden as [HideText] does. It is a net with
// meshes: a secret under an innocent name that looks like any word is not found.
func Hide(json []byte) []byte { return hide(json, maxNested) }

func hide(json []byte, nested int) []byte {
	options := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	var out bytes.Buffer
	h := hider{dec: jsontext.NewDecoder(bytes.NewReader(json), options...), enc: jsontext.NewEncoder(&out, options...), nested: nested}
	if err := h.value(false); err != nil {
		return []byte(HideText(string(json)))
	}
	if _, err := h.dec.ReadToken(); err == nil { // something follows
		return []byte(HideText(string(json)))
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// hider rewrites one JSON text.
type hider struct {
	dec    *jsontext.Decoder
	enc    *jsontext.Encoder
	nested int
}

// value rewrites one value; secret says that everything in it is. Depth is bounded by jsontext (10,000).
func (h *hider) value(secret bool) error {
	switch h.dec.PeekKind() {
	case '[', '{':
		return h.members(secret)
	case '"':
		token, err := h.dec.ReadToken()
		if err != nil {
			return err
		}
		return h.enc.WriteToken(jsontext.String(h.text(token.String(), secret)))
	case '0':
		number, err := h.dec.ReadValue()
		if err != nil {
			return err
		}
		if secret || secretNumber(number) {
			return h.enc.WriteToken(jsontext.String(hidden))
		}
		return h.enc.WriteValue(number)
	}
	token, err := h.dec.ReadToken()
	if err != nil {
		return err
	}
	return h.enc.WriteToken(token)
}

func (h *hider) members(secret bool) error {
	token, err := h.dec.ReadToken()
	if err != nil {
		return err
	}
	object := token.Kind() == '{'
	if err := h.enc.WriteToken(token); err != nil {
		return err
	}
	for kind := h.dec.PeekKind(); kind != '}' && kind != ']'; kind = h.dec.PeekKind() {
		below := secret
		if object {
			token, err := h.dec.ReadToken()
			if err != nil {
				return err
			}
			name := token.String() // before the decoder goes on: then the token is void
			scalar := h.dec.PeekKind() != '{' && h.dec.PeekKind() != '['
			below = secret || secretName(name) || scalar && secretScalar(name)
			if err := h.enc.WriteToken(jsontext.String(name)); err != nil {
				return err
			}
		}
		if err := h.value(below); err != nil {
			return err
		}
	}
	if token, err = h.dec.ReadToken(); err != nil {
		return err
	}
	return h.enc.WriteToken(token)
}

func (h *hider) text(s string, secret bool) string {
	switch {
	case s == "":
		return s
	case secret:
		return hidden
	case h.nested > 0 && len(s) > 1 && (s[0] == '{' || s[0] == '[') && strictjson.Check([]byte(s)) == nil:
		return string(hide([]byte(s), h.nested-1))
	case secretText(s):
		return hidden
	}
	return s
}

// HideText replaces what looks secret in a text that is no JSON, such as a body that could not be read: what looks like a key, and what stands after the name of
// one and = or a colon.
func HideText(text string) string {
	text = named.ReplaceAllStringFunc(text, func(s string) string {
		m := named.FindStringSubmatch(s)
		if secretName(m[1]) || secretScalar(m[1]) {
			return m[1] + m[2] + hidden
		}
		return s
	})
	text = looks.ReplaceAllString(text, hidden)
	return cards.ReplaceAllStringFunc(text, func(s string) string {
		if isCard(s) {
			return hidden
		}
		return s
	})
}

// named is a name, what parts it from its value, and the value: of forms, of headers, of JSON that is broken.
var named = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_.\-]{0,80})(["']?\s{0,4}[=:]\s{0,4}["']?)([^\s&"',;<>{}\[\]]+)`)

// HideHeaders replaces what looks secret in headers, or in a query: what stands under such a name, what looks like a key, and whatever also names.
func HideHeaders[M ~map[string][]string](m M, also ...string) M {
	out := make(M, len(m))
	for name, values := range m {
		secret := secretHeader(name)
		for _, one := range also {
			secret = secret || one != "" && strings.EqualFold(one, name)
		}
		list := make([]string, len(values))
		for i, value := range values {
			if list[i] = value; value != "" && (secret || secretText(value)) {
				list[i] = hidden
			}
		}
		out[name] = list
	}
	return out
}

// HideRequest is what may be shown of a request: headers and query without secrets, also without the header that this door's own secret stands in.
func (d *Door) HideRequest(req *Request) *Request {
	out := *req
	out.Header = HideHeaders(req.Header, d.in.Verify.Header)
	out.Query = HideHeaders(req.Query)
	out.URL = "" // the token of the door is in it
	out.Body = Hide(req.Body)
	return &out
}

// words cuts a name where people see its words: at capitals, dashes, dots, underscores; in lower case.
func words(name string) []string {
	var all []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			all = append(all, word.String())
			word.Reset()
		}
	}
	lower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case unicode.IsUpper(r) && lower:
			end()
			fallthrough
		default:
			word.WriteRune(unicode.ToLower(r))
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
	}
	end()
	return all
}
