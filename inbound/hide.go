package inbound

import (
	"bytes"
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
	text = hideNamed(text)
	for i := range looks {
		if looks[i].mayBeIn(text) {
			text = looks[i].re.ReplaceAllString(text, hidden)
		}
	}
	return hideCards(text)
}

// The bounds of a name and of the white space beside what parts it from its value: looking back from each = costs no more.
const (
	maxNameShown = 80
	maxGap       = 4
)

// hideNamed hides the values of forms, of headers, and of JSON that is broken.
func hideNamed(text string) string {
	var out strings.Builder
	known := map[string]bool{} // a form may repeat a name many times
	done := 0
	for i := 0; i < len(text); i++ {
		if text[i] != '=' && text[i] != ':' {
			continue
		}
		name := nameBefore(text, done, i)
		if name == "" {
			continue
		}
		secret, seen := known[name]
		if !seen {
			secret = secretName(name) || secretScalar(name)
			known[name] = secret
		}
		if !secret {
			continue
		}
		from, to := valueAfter(text, i+1)
		if from == to {
			continue
		}
		out.WriteString(text[done:from])
		out.WriteString(hidden)
		done, i = to, to-1
	}
	return out.String() + text[done:]
}

// nameBefore is the name that stands before a place, perhaps in quotes.
func nameBefore(text string, least, at int) string {
	end := at
	for gap := 0; end > least && text[end-1] == ' ' && gap < maxGap; gap++ {
		end--
	}
	if end > least && (text[end-1] == '"' || text[end-1] == '\'') {
		end--
	}
	from := end
	for from > least && end-from < maxNameShown && inName(text[from-1]) {
		from--
	}
	return text[from:end]
}

func inName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

// valueAfter is where the value after a place begins and ends.
func valueAfter(text string, from int) (int, int) {
	for gap := 0; from < len(text) && text[from] == ' ' && gap < maxGap; gap++ {
		from++
	}
	if from < len(text) && (text[from] == '"' || text[from] == '\'') {
		from++
	}
	to := from
	for to < len(text) && strings.IndexByte(" \t\r\n&\"',;<>{}[]", text[to]) < 0 {
		to++
	}
	return from, to
}

// hideCards hides the numbers of cards.
func hideCards(text string) string {
	var out strings.Builder
	done := 0
	for from, to := findCard(text, 0); from >= 0; from, to = findCard(text, to) {
		out.WriteString(text[done:from])
		out.WriteString(hidden)
		done = to
	}
	return out.String() + text[done:]
}

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
