package crash_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// faultPoints reads the names of all fault points out of the sources: a new one is killed at without anybody telling this harness.
func faultPoints(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(moduleRoot, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			// A move runs while no server does: cmd/signalbox kills it at its points.
			if name := d.Name(); name != ".." && strings.HasPrefix(name, ".") || name == "node_modules" || name == "crash" || name == "move" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		names = append(names, pointsOf(file)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) < 8 {
		t.Fatalf("found only %v: the harness does not see the sources", names)
	}
	return names
}

// pointsOf finds fault.Point("name") and fault.Err("name").
func pointsOf(file *ast.File) (names []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || f.Sel.Name != "Point" && f.Sel.Name != "Err" {
			return true
		}
		pkg, ok := f.X.(*ast.Ident)
		arg, isText := call.Args[0].(*ast.BasicLit)
		if ok && isText && pkg.Name == "fault" {
			if name, err := strconv.Unquote(arg.Value); err == nil {
				names = append(names, name)
			}
		}
		return true
	})
	return names
}
