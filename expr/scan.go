package expr

import (
	"fmt"
	"slices"
	"unicode"
)

// The bounds of what the parser is given: it is slow on long chains, and slower on what is no expression.
const (
	maxTokens = 2000
	maxChain  = 40 // fields, indexes and calls in a row
)

// token is a word, a number, a text in quotes, an operator or a bracket of a source.
type token struct {
	text         string
	at           int // in runes
	line, column int
	operand      bool // a value stands here: two in a row are never right
}

// scan cuts a source into tokens, and refuses those that are not worth parsing.
func scan(source string) ([]token, error) {
	r := []rune(source)
	var all []token
	s := scanner{}
	line, column := 1, 1
	for i := 0; i < len(r); {
		t := token{at: i, line: line, column: column}
		end := tokenEnd(r, i)
		t.text = string(r[i:end])
		t.operand = wordy(r[i]) || r[i] == '"' || r[i] == '\''
		for ; i < end; i++ {
			line, column = next(r[i], line, column)
		}
		if unicode.IsSpace(r[t.at]) || len(t.text) > 1 && t.text[:2] == "//" {
			continue
		}
		if all = append(all, t); len(all) > maxTokens {
			return nil, t.refuse("has more than %d words and signs", maxTokens)
		}
		if err := s.take(t); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// tokenEnd says where the token ends that begins at i.
func tokenEnd(r []rune, i int) int {
	if j := skip(r, i); j > i {
		return j
	}
	switch {
	case wordy(r[i]):
		j := i
		for j < len(r) && wordy(r[j]) {
			j++
		}
		if j < len(r) && j-i <= 2 && (r[j] == '"' || r[j] == '\'') && prefix(r[i:j]) {
			return skip(r, j) // r"…"
		}
		return j
	case sign(r[i]):
		j := i
		for j < len(r) && sign(r[j]) {
			j++
		}
		return j
	}
	return i + 1
}

func prefix(r []rune) bool {
	return !slices.ContainsFunc(r, func(c rune) bool { return c != 'r' && c != 'R' && c != 'b' && c != 'B' })
}

func sign(c rune) bool { return c == '=' || c == '!' || c == '<' || c == '>' || c == '&' || c == '|' }

func wordy(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func next(r rune, line, column int) (int, int) {
	if r == '\n' {
		return line + 1, 1
	}
	return line, column + 1
}

func (t token) refuse(format string, args ...any) *Error {
	return &Error{Line: t.line, Column: t.column, Msg: fmt.Sprintf(format, args...)}
}

// scanner counts what makes the parser slow.
type scanner struct {
	last  token
	chain []int // per open bracket: how many fields, indexes and calls are in a row
	asked int   // question marks
}

func (s *scanner) take(t token) *Error {
	last := s.last
	s.last = t
	if len(s.chain) == 0 {
		s.chain = []int{0}
	}
	top := len(s.chain) - 1
	switch t.text {
	case "(", "[", "{":
		if s.chain[top]++; !last.operand && last.text != ")" && last.text != "]" {
			s.chain[top] = 0
		}
		if s.chain = append(s.chain, 0); len(s.chain) > maxDepth+1 {
			return t.refuse("more than %d brackets are open at once", maxDepth)
		}
	case ")", "]", "}":
		s.chain = s.chain[:max(top, 1)]
	case ".":
		s.chain[top]++
	case "?":
		if s.asked++; s.asked > maxDepth {
			return t.refuse("asks more than %d times with ?", maxDepth)
		}
		s.chain[top] = 0
	default:
		if !t.operand || t.text == "in" {
			s.chain[top] = 0
		}
	}
	if s.chain[len(s.chain)-1] > maxChain {
		return t.refuse("has more than %d fields, indexes and calls in a row", maxChain)
	}
	if t.operand && last.operand && t.text != "in" && last.text != "in" {
		return s.adjacent(last, t)
	}
	return nil
}

// adjacent says what is wrong with two values in a row: mostly one of them is an operator of another language.
func (s *scanner) adjacent(last, t token) *Error {
	for _, one := range []token{t, last} {
		if right := meant(one.text); right != "" {
			return one.operator(right)
		}
	}
	return t.refuse("cannot be read: there is no operator before %s", shorten(t.text, 40))
}

// operator says what was meant by one that there is not.
func (t token) operator(right string) *Error {
	e := t.refuse("unknown operator %s; did you mean %s?", shorten(t.text, 40), right)
	e.Near = []string{right}
	return e
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
