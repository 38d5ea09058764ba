package expr

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Line is a text that may hold {{ expression }} and is no JSON: an address, a subject, a message. Safe for concurrent use, as its Facts are not.
type Line struct {
	source string
	piece  *piece
	reads  Reads
}

// CompileLine checks a text. Its errors are *Error.
func CompileLine(source string, o Options) (*Line, error) {
	if len(source) > MaxTemplate {
		return nil, &Error{Msg: fmt.Sprintf("has %d bytes, the most is %d", len(source), MaxTemplate)}
	}
	if !utf8.ValidString(source) || strings.ContainsRune(source, 0) {
		return nil, &Error{Msg: "must be Unicode text without U+0000"}
	}
	o.Use = ForTemplate
	r := templateReader{o: o, t: &Template{}}
	p := &piece{}
	if err := r.text(p, source); err != nil {
		return nil, err
	}
	return &Line{source: source, piece: p, reads: r.t.reads}, nil
}

// Reads says what the text depends on.
func (l *Line) Reads() Reads { return l.reads }

// Source is the text that was compiled.
func (l *Line) Source() string { return l.source }

// Literals are the parts of the text that stand: before the first expression, between two, and behind the last. One that has no expression is one literal.
func (l *Line) Literals() []string {
	if l.piece.parts == nil {
		return []string{l.source}
	}
	all := make([]string, len(l.piece.parts))
	for i, one := range l.piece.parts {
		all[i] = one.before
	}
	return all
}

// Render gives the text. put appends a value to what is rendered so far, which it may look at; nil appends it as it is. A value that is missing is "". What the
// expressions cost is taken from the budget, which may be nil. Its errors are those of put, and *Error.
func (l *Line) Render(f *Facts, b *Budget, put func(dst []byte, value string) ([]byte, error)) (string, error) {
	if l.piece.parts == nil {
		return l.source, nil
	}
	var dst []byte
	for _, one := range l.piece.parts {
		if dst = append(dst, one.before...); one.p == nil {
			break
		}
		v, err := l.piece.ask(one.p, f, b)
		if err != nil {
			return "", err
		}
		if put == nil {
			dst = appendText(dst, v)
		} else if dst, err = put(dst, string(appendText(nil, v))); err != nil {
			return "", err
		}
		if len(dst) > MaxRendered {
			return "", l.piece.tooLong()
		}
	}
	return string(dst), nil
}
