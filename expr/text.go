package expr

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"cel.dev/cel-go/common/ast"
)

// reserved cannot stand after a dot, or as a variable, in every CEL.
var reserved = []string{"in", "true", "false", "null", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
	"package", "namespace", "return", "var", "void", "while"}

// plainName says whether a key can be written after a dot.
func plainName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != "" && !slices.Contains(reserved, s)
}

// pathText writes a path: a.b["c d"].
func pathText(path []string) string {
	var b strings.Builder
	b.WriteString(path[0])
	for _, key := range path[1:] {
		if plainName(key) {
			b.WriteString("." + key)
			continue
		}
		b.WriteString("[" + quote(key) + "]")
	}
	return b.String()
}

// quote writes a text as a CEL literal.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r <= 0xffff && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// skip passes over a literal text or a comment that begins at i; i itself when none does.
func skip(r []rune, i int) int {
	switch {
	case r[i] == '/' && i+1 < len(r) && r[i+1] == '/':
		for i < len(r) && r[i] != '\n' {
			i++
		}
		return i
	case r[i] != '"' && r[i] != '\'':
		return i
	}
	mark, long := r[i], i+2 < len(r) && r[i+1] == r[i] && r[i+2] == r[i]
	raw := i > 0 && (r[i-1] == 'r' || r[i-1] == 'R') || i > 1 && (r[i-2] == 'r' || r[i-2] == 'R') && (r[i-1] == 'b' || r[i-1] == 'B')
	if i++; long {
		i += 2
	}
	for ; i < len(r); i++ {
		switch {
		case r[i] == '\\' && !raw:
			i++
		case r[i] == mark && !long, r[i] == '\n' && !long:
			return i + 1
		case r[i] == mark && i+2 < len(r) && r[i+1] == mark && r[i+2] == mark:
			return i + 3
		}
	}
	return len(r)
}

// argument gives the bounds of the argument that follows the ident of a node.
func argument(r []rune, info *ast.SourceInfo, ident int64) (from, to int) {
	at, ok := info.GetOffsetRange(ident)
	if !ok || int(at.Start) >= len(r) {
		return 0, 0
	}
	i := int(at.Start)
	for i < len(r) && r[i] != ',' {
		i = max(skip(r, i), i+1)
	}
	from = min(i+1, len(r))
	depth := 0
	for i = from; i < len(r); i++ {
		if j := skip(r, i); j > i {
			i = j - 1
			continue
		}
		switch r[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return from, i
			}
		}
	}
	return from, len(r)
}

// nearest gives the names that are a slip away from another.
func nearest(name string, known []string) []string {
	most := max(1, len([]rune(name))/3)
	var near []string
	for d := 0; d <= most; d++ {
		for _, one := range known {
			if len(near) < 3 && distance(strings.ToLower(name), strings.ToLower(one)) == d && !slices.Contains(near, one) {
				near = append(near, one)
			}
		}
	}
	return near
}

// distance counts the letters that must be added, left out, changed or swapped.
func distance(a, b string) int {
	r, s := []rune(a), []rune(b)
	if len(r) > 60 || len(s) > 60 {
		return 60
	}
	rows := make([][]int, len(r)+1)
	for i := range rows {
		rows[i] = make([]int, len(s)+1)
		rows[i][0] = i
	}
	for j := range s {
		rows[0][j+1] = j + 1
	}
	for i := 1; i <= len(r); i++ {
		for j := 1; j <= len(s); j++ {
			change := 1
			if r[i-1] == s[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && r[i-1] == s[j-2] && r[i-2] == s[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(r)][len(s)]
}

func didYouMean(near []string) string {
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}
