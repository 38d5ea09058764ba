package egress_test

import (
	"errors"
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

// waysOut are, by import path, the names with which a program opens a
// connection or builds what does. A type in a signature is not listed: being
// handed a client is fine, making one is not.
var waysOut = map[string][]string{
	"net":               {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "DialUnix", "Dialer{}", "Resolver{}", "DefaultResolver", "LookupHost", "LookupIP", "LookupAddr"},
	"net/http":          {"Get", "Head", "Post", "PostForm", "DefaultClient", "DefaultTransport", "Client{}", "Transport{}"},
	"net/http/httputil": {"NewSingleHostReverseProxy", "ReverseProxy{}", "NewClientConn"},
	"net/smtp":          {"Dial", "SendMail", "NewClient"},
	"net/rpc":           {"Dial", "DialHTTP"},
	"crypto/tls":        {"Dial", "DialWithDialer", "Dialer{}", "Client"},
}

// apart are the rooms that may go out by themselves (design.md, the floor plan):
// they talk to our own server (admin by its socket), or are the way out. The store reaches the
// database that whoever runs the program has named, and nothing else.
var apart = []string{"admin", "client", "cmd", "internal", "egress", "store"}

// findWaysOut lists what in a file goes around the guard, as "line: name".
func findWaysOut(fset *token.FileSet, file *ast.File) []string {
	imported := map[string]string{} // name in the file: import path
	for _, spec := range file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = path
	}
	var found []string
	report := func(e ast.Expr, suffix string) {
		s, isSelector := e.(*ast.SelectorExpr)
		if !isSelector {
			return
		}
		pkg, isName := s.X.(*ast.Ident)
		if isName && slices.Contains(waysOut[imported[pkg.Name]], s.Sel.Name+suffix) {
			found = append(found, fset.Position(s.Pos()).String()+": "+pkg.Name+"."+s.Sel.Name+suffix)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			report(n, "")
		case *ast.CompositeLit:
			report(n.Type, "{}")
		case *ast.ValueSpec: // var c http.Client
			report(n.Type, "{}")
		case *ast.CallExpr: // new(http.Client)
			if f, isName := n.Fun.(*ast.Ident); isName && f.Name == "new" && len(n.Args) == 1 {
				report(n.Args[0], "{}")
			}
		}
		return true
	})
	return found
}

// moduleRoot is the nearest directory upwards with a go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the package")
		}
		dir = parent
	}
}

// proves reliability S1: one egress package
func TestOnlyWayOut(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed while we walk
		}
		if err != nil {
			return err
		}
		if entry.IsDir() {
			hidden := path != root && strings.HasPrefix(entry.Name(), ".")
			other := filepath.Dir(path) == root && slices.Contains(apart, entry.Name())
			if hidden || other || slices.Contains([]string{"testdata", "vendor", "node_modules"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, way := range findWaysOut(fset, file) {
			t.Errorf("%s: goes around package egress", way)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestOnlyWayOut_TheScanFindsEachWay(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		`var _ = h.DefaultClient`:                               1,
		`func f() { h.Get("http://x") }`:                        1,
		`var c = &h.Client{}`:                                   1,
		`var c h.Client`:                                        1,
		`var c = new(h.Transport)`:                              1,
		`func f() { net.Dial("tcp", "x"); net.Listen("", "") }`: 1,
		`var d = net.Dialer{}`:                                  1,
		`func f(c *h.Client, d *net.Dialer) {}`:                 0,
		`func f(r *h.Request) { r.Header.Get("x") }`:            0,
		`var s = h.Server{}`:                                    0,
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "x.go", "package x\nimport (\"net\"; h \"net/http\")\n"+body, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := findWaysOut(fset, file); len(got) != want {
			t.Errorf("%s: found %v, want %d", body, got, want)
		}
	}
}
