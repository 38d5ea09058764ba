package expr

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"signalbox/strictjson"
)

// The bounds of a template.
const (
	MaxTemplate = 64 << 10  // bytes of its text
	MaxRendered = 256 << 10 // bytes of what it gives
	maxHoles    = 200       // expressions
)

// Template is a JSON text whose strings may hold {{ expression }}. Safe for concurrent use, as its Facts are not.
type Template struct {
	root  *piece
	reads Reads
}

// piece is a node of a template's tree: text that stands, or what is rendered.
type piece struct {
	path    string   // in the template
	fixed   []byte   // JSON as it stands
	keys    [][]byte // of an object, as JSON
	members []*piece // of an object or a list
	parts   []part   // of a string with expressions
	alone   bool     // one expression is the whole string: its value keeps its type
}

// part is an expression in a string, and the text before it.
type part struct {
	before string
	p      *Program // nil: the end
}

// CompileTemplate checks a template. Only leaves of the tree are rendered, keys never. Its errors are *Error; line and column are those inside the string.
func CompileTemplate(raw []byte, o Options) (*Template, error) {
	return compileTemplate(raw, o, false)
}

func compileTemplate(raw []byte, o Options, slow bool) (*Template, error) {
	if len(raw) > MaxTemplate {
		return nil, &Error{Msg: fmt.Sprintf("has %d bytes, the most is %d", len(raw), MaxTemplate)}
	}
	if err := strictjson.Check(raw); err != nil {
		return nil, &Error{Msg: "must be JSON: " + err.Error()}
	}
	o.Use = ForTemplate
	r := templateReader{dec: jsontext.NewDecoder(bytes.NewBuffer(raw)), o: o, slow: slow, t: &Template{}}
	root, err := r.piece("")
	if err != nil {
		return nil, err
	}
	r.t.root = root
	return r.t, nil
}

// Reads says what the template depends on.
func (t *Template) Reads() Reads { return t.reads }

type templateReader struct {
	dec   *jsontext.Decoder
	o     Options
	slow  bool
	t     *Template
	holes int
}

func (r *templateReader) piece(path string) (*piece, error) {
	token, err := r.dec.ReadToken()
	if err != nil {
		return nil, &Error{Path: path, Msg: "must be JSON"}
	}
	p := &piece{path: path}
	switch token.Kind() {
	case '{', '[':
		return p, r.members(p, token.Kind() == '{')
	case '"':
		return p, r.text(p, token.String())
	}
	p.fixed, err = strictjson.Stable([]byte(token.String()))
	return p, err
}

// members reads an object or a list to its end.
func (r *templateReader) members(p *piece, object bool) error {
	if p.members = []*piece{}; object {
		p.keys = [][]byte{}
	}
	for i := 0; r.dec.PeekKind() != '}' && r.dec.PeekKind() != ']'; i++ {
		path := fmt.Sprintf("%s[%d]", p.path, i)
		if object {
			key, err := r.dec.ReadToken()
			if err != nil {
				return &Error{Path: p.path, Msg: "must be JSON"}
			}
			path = below(p.path, key.String())
			p.keys = append(p.keys, strictjson.AppendString(nil, key.String()))
		}
		one, err := r.piece(path)
		if err != nil {
			return err
		}
		p.members = append(p.members, one)
	}
	_, err := r.dec.ReadToken()
	return err
}

// text finds the expressions of a string.
func (r *templateReader) text(p *piece, s string) error {
	if !strings.Contains(s, "{{") {
		p.fixed = strictjson.AppendString(nil, s)
		return nil
	}
	runes := []rune(s)
	from := 0
	for i := 0; i+1 < len(runes); i++ {
		if runes[i] != '{' || runes[i+1] != '{' {
			continue
		}
		end := closing(runes, i+2)
		if end < 0 {
			e := &Error{Path: p.path, Line: 1, Column: 1, Msg: `{{ is not closed by }}; a text that has it is written {{ "{{" }}`}
			return e.moved(runes[:i])
		}
		program, err := r.compile(p.path, runes, i+2, end)
		if err != nil {
			return err
		}
		p.parts = append(p.parts, part{before: string(runes[from:i]), p: program})
		from, i = end+2, end+1
	}
	p.parts = append(p.parts, part{before: string(runes[from:])})
	p.alone = len(p.parts) == 2 && p.parts[0].before == "" && p.parts[1].before == ""
	return nil
}

// closing finds the }} that ends an expression; -1 for none. Texts in quotes and the braces of objects are passed over.
func closing(r []rune, i int) int {
	depth := 0
	for ; i < len(r); i++ {
		if j := skip(r, i); j > i {
			i = j - 1
			continue
		}
		switch {
		case r[i] == '{':
			depth++
		case r[i] == '}' && depth > 0:
			depth--
		case r[i] == '}' && i+1 < len(r) && r[i+1] == '}':
			return i
		}
	}
	return -1
}

func (r *templateReader) compile(path string, runes []rune, from, to int) (*Program, error) {
	if r.holes++; r.holes > maxHoles {
		return nil, &Error{Path: path, Msg: fmt.Sprintf("is one of more than %d expressions", maxHoles)}
	}
	p, err := compile(string(runes[from:to]), r.o, how{slow: r.slow})
	if err != nil {
		e := err.(*Error)
		e.Path = path
		return nil, e.moved(runes[:from])
	}
	for _, field := range p.reads.Fields {
		r.t.reads.add("", field)
	}
	r.t.reads.Signal = r.t.reads.Signal || p.reads.Signal
	r.t.reads.Account = r.t.reads.Account || p.reads.Account
	r.t.reads.Contact = r.t.reads.Contact || p.reads.Contact
	return p, nil
}

// Render gives the template's JSON, as JSON.stringify would print it. A value that is missing is null, and nothing inside a longer text. What the
// expressions cost is taken from the budget, which may be nil. Its errors are *Error: an expression that costs too much, or a result of more than MaxRendered bytes.
func (t *Template) Render(f *Facts, b *Budget) ([]byte, error) {
	return t.root.render(nil, f, b, nil)
}

// RenderWith is Render where change says what becomes of each value that is put in, by the place of its leaf: of its JSON where it stands alone in its string, which must stay
// JSON, and of its text inside a longer one. It may change value in place.
func (t *Template) RenderWith(f *Facts, b *Budget, change func(path string, value []byte) []byte) ([]byte, error) {
	return t.root.render(nil, f, b, change)
}

func (p *piece) render(dst []byte, f *Facts, b *Budget, change func(path string, value []byte) []byte) ([]byte, error) {
	var err error
	switch {
	case p.fixed != nil:
		dst = append(dst, p.fixed...)
	case p.alone:
		v, e := p.ask(p.parts[0].p, f, b)
		if e != nil {
			return nil, e
		}
		if change == nil {
			dst = appendJSON(dst, v, len(dst)+MaxRendered)
			break
		}
		dst = append(dst, change(p.path, appendJSON(nil, v, MaxRendered))...)
	case p.members != nil:
		if dst, err = p.renderMembers(dst, f, b, change); err != nil {
			return nil, err
		}
	default:
		var s []byte
		for _, one := range p.parts {
			s = append(s, one.before...)
			if one.p == nil {
				break
			}
			v, e := p.ask(one.p, f, b)
			if e != nil {
				return nil, e
			}
			if change == nil {
				s = appendText(s, v)
			} else {
				s = append(s, change(p.path, appendText(nil, v))...)
			}
			if len(s) > MaxRendered {
				return nil, p.tooLong()
			}
		}
		dst = strictjson.AppendString(dst, string(s))
	}
	if len(dst) > MaxRendered {
		return nil, p.tooLong()
	}
	return dst, nil
}

func (p *piece) renderMembers(dst []byte, f *Facts, b *Budget, change func(path string, value []byte) []byte) ([]byte, error) {
	opening, ending := byte('['), byte(']')
	if p.keys != nil {
		opening, ending = '{', '}'
	}
	dst = append(dst, opening)
	for i, one := range p.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		if p.keys != nil {
			dst = append(append(dst, p.keys[i]...), ':')
		}
		var err error
		if dst, err = one.render(dst, f, b, change); err != nil {
			return nil, err
		}
	}
	return append(dst, ending), nil
}

func (p *piece) tooLong() error {
	return &Error{Path: p.path, Msg: fmt.Sprintf("makes the result longer than %d bytes", MaxRendered)}
}

func (p *piece) ask(program *Program, f *Facts, b *Budget) (val, error) {
	f.begin(program, b)
	v, _ := program.value(f)
	over := f.run.over
	b.take(f.run.spent)
	if over {
		return val{}, &Error{Path: p.path, Msg: f.overdrawn(b)}
	}
	return v, nil
}

// appendText writes a value inside a longer text.
func appendText(dst []byte, v val) []byte {
	switch v.kind {
	case missing:
		return dst
	case aText:
		return append(dst, v.s...)
	case aTime, aDuration:
		return append(dst, timeText(v)...)
	}
	return appendJSON(dst, v, len(dst)+MaxRendered)
}

// timeText writes times in milliseconds (contract section 2) and time spans as CEL does.
func timeText(v val) string {
	if v.kind == aTime {
		return time.UnixMicro(v.n).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return strconv.FormatFloat(time.Duration(v.n).Seconds(), 'f', -1, 64) + "s"
}

// appendJSON writes a value, keys sorted. It stops after most bytes: the caller refuses what is so long.
func appendJSON(dst []byte, v val, most int) []byte {
	if len(dst) > most {
		return dst
	}
	switch v.kind {
	case aBool:
		return strconv.AppendBool(dst, v.n != 0)
	case anInt:
		return strconv.AppendInt(dst, v.n, 10)
	case aUint:
		return strconv.AppendUint(dst, uint64(v.n), 10)
	case aFloat:
		if digits, ok := v.x.(wide); ok {
			return append(dst, digits...)
		}
		if math.IsNaN(v.f) || math.IsInf(v.f, 0) {
			return append(dst, "null"...)
		}
		return strictjson.AppendNumber(dst, v.f)
	case aText:
		return strictjson.AppendString(dst, v.s)
	case aTime, aDuration:
		return strictjson.AppendString(dst, timeText(v))
	case aList:
		dst = append(dst, '[')
		first := true
		v.each(func(one val) bool {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = appendJSON(dst, one, most)
			return len(dst) <= most
		})
		return append(dst, ']')
	case aMap:
		return appendObject(dst, v, most)
	}
	return append(dst, "null"...)
}

func appendObject(dst []byte, v val, most int) []byte {
	type entry struct {
		key string
		v   val
	}
	var all []entry
	v.entries(func(key string, one val) bool { all = append(all, entry{key, one}); return true })
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	dst = append(dst, '{')
	for i, one := range all {
		if len(dst) > most {
			break
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(strictjson.AppendString(dst, one.key), ':')
		dst = appendJSON(dst, one.v, most)
	}
	return append(dst, '}')
}
