package signalbox_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The limits of a file and of a function, in lines.
const (
	maxFile     = 600
	maxFunction = 80
)

// rooms is the floor plan: what each room's non-test files may import of our own, "*" for anything. It is the table of
// docs/architecture.md; a room that is not in it may not exist.
var rooms = map[string][]string{
	"signalbox":                   {},
	"signalbox/strictjson":        {},
	"signalbox/identity":          {"signalbox"},
	"signalbox/sign":              {},
	"signalbox/sheet":             {},
	"signalbox/wire":              {"signalbox", "signalbox/filter", "signalbox/sign"},
	"signalbox/score":             {"signalbox"},
	"signalbox/decide":            {"signalbox", "signalbox/audience", "signalbox/expr", "signalbox/filter", "signalbox/fit", "signalbox/identity", "signalbox/score", "signalbox/wire"},
	"signalbox/filter":            {},
	"signalbox/expr":              {"signalbox/filter"},
	"signalbox/fit":               {"signalbox", "signalbox/expr"},
	"signalbox/audience":          {"signalbox", "signalbox/expr"},
	"signalbox/automate":          {"signalbox", "signalbox/expr"},
	"signalbox/retry":             {"signalbox"},
	"signalbox/intake":            {"signalbox", "signalbox/decide"},
	"signalbox/due":               {"signalbox"},
	"signalbox/jobs":              {"signalbox", "signalbox/decide"},
	"signalbox/egress":            {},
	"signalbox/health":            {"signalbox", "signalbox/wire"},
	"signalbox/mail":              {"signalbox"},
	"signalbox/poll":              {"signalbox", "signalbox/expr", "signalbox/egress", "signalbox/seal"},
	"signalbox/seal":              {},
	"signalbox/deliver":           {"signalbox", "signalbox/retry", "signalbox/sign", "signalbox/egress", "signalbox/seal"},
	"signalbox/store":             {"signalbox"},
	"signalbox/move":              {"signalbox", "signalbox/store"},
	"signalbox/archive":           {},
	"signalbox/backup":            {"signalbox", "signalbox/archive", "signalbox/seal", "signalbox/store"},
	"signalbox/admin":             {"signalbox", "signalbox/api", "signalbox/archive"},
	"signalbox/auth":              {"signalbox"},
	"signalbox/api":               {"signalbox", "signalbox/audience", "signalbox/auth", "signalbox/expr", "signalbox/filter", "signalbox/fit", "signalbox/score", "signalbox/sheet", "signalbox/wire", "signalbox/seal", "signalbox/sign", "signalbox/retry", "signalbox/poll", "signalbox/poll/connector"},
	"signalbox/web":               {"signalbox", "signalbox/auth"},
	"signalbox/client":            {"signalbox"},
	"signalbox/app":               {"*"},
	"signalbox/cmd/signalbox":     {"signalbox", "signalbox/app", "signalbox/client", "signalbox/sheet", "signalbox/sign", "signalbox/internal/bench"},
	"signalbox/internal/boxtest":  {"*"},
	"signalbox/internal/bench":    {"*"},
	"signalbox/internal/fault":    {},
	"signalbox/internal/crash":    {"*"},
	"signalbox/internal/webbuild": {},
	"signalbox/internal/testall":  {"*"},
	"signalbox/journal":           {"signalbox"},
	"signalbox/watch":             {"signalbox"},
	"signalbox/inbound":           {"signalbox", "signalbox/expr", "signalbox/sign", "signalbox/wire"},
	"signalbox/poll/connector":    {"signalbox", "signalbox/egress", "signalbox/expr", "signalbox/retry", "signalbox/sheet"},
}

// everywhere may be imported by any room: they are pure, or empty in a released program.
var everywhere = []string{"signalbox/strictjson", "signalbox/internal/fault"}

// source is one Go file of the module.
type source struct {
	path, pkg string // path below the root; import path of its folder
	test      bool
	generated bool
	file      *ast.File
	fset      *token.FileSet
	lines     int
}

func TestArchitecture_RoomsImportOnlyWhatTheFloorPlanAllows(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test || strings.HasPrefix(s.pkg, "signalbox/e2e") || strings.HasPrefix(s.pkg, "signalbox/examples") {
			continue
		}
		room, may := plan(s.pkg)
		if may == nil {
			t.Errorf("%s: the room %s is not on the floor plan", s.path, s.pkg)
			continue
		}
		for _, imp := range s.file.Imports {
			what := strings.Trim(imp.Path.Value, `"`)
			if what != "signalbox" && !strings.HasPrefix(what, "signalbox/") || strings.HasPrefix(what, room+"/") || what == room {
				continue
			}
			if !slices.Contains(may, "*") && !slices.Contains(may, what) && !slices.Contains(everywhere, what) {
				t.Errorf("%s: %s may not import %s", s.path, s.pkg, what)
			}
		}
	}
}

// plan finds the room that a package is, or lies in.
func plan(pkg string) (room string, may []string) {
	for p := pkg; p != "."; p = filepath.Dir(p) {
		if may, ok := rooms[p]; ok && (p != "signalbox" || pkg == "signalbox") {
			return p, may
		}
	}
	return "", nil
}

func TestArchitecture_RootIsStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.pkg != "signalbox" || s.test {
			continue
		}
		for _, imp := range s.file.Imports {
			if what := strings.Trim(imp.Path.Value, `"`); strings.Contains(strings.Split(what, "/")[0], ".") {
				t.Errorf("%s imports %s: the words need the standard library only", s.path, what)
			}
		}
	}
}

func TestArchitecture_EveryPackageSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	docs := map[string]int{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		docs[s.pkg] += 0
		if s.file.Doc != nil {
			docs[s.pkg]++
		}
	}
	for pkg, n := range docs {
		if n != 1 {
			t.Errorf("%s has %d package comments, want one", pkg, n)
		}
	}
}

func TestArchitecture_FilesAndFunctionsStaySmall(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.generated {
			continue
		}
		if s.lines > maxFile {
			t.Errorf("%s has %d lines, the most is %d: split it where one idea ends", s.path, s.lines, maxFile)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1; n > maxFunction {
				t.Errorf("%s: %s has %d lines, the most is %d", s.path, f.Name.Name, n, maxFunction)
			}
		}
	}
}

// sources parses every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s := source{path: path, pkg: "signalbox", test: strings.HasSuffix(path, "_test.go"), fset: token.NewFileSet(), lines: bytes.Count(text, []byte("\n"))}
		if dir := filepath.Dir(path); dir != "." {
			s.pkg = "signalbox/" + filepath.ToSlash(dir)
		}
		s.generated = bytes.Contains(text, []byte("\n// Code generated ")) || bytes.HasPrefix(text, []byte("// Code generated "))
		if s.file, err = parser.ParseFile(s.fset, path, text, parser.ParseComments); err != nil {
			return err
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("found only %d Go files: the test does not see the module", len(all))
	}
	return all
}
