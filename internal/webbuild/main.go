// Command webbuild makes the dashboard's files: it bundles web/ui with esbuild's Go API into web/dist, and writes TypeScript types of
// our OpenAPI document. It needs Go alone: the libraries of the browser are in web/ui/vendor and are held against their checksums
// first. The same sources give the same bytes on every machine, so that a test can say whether what is committed is current.
//
//	go generate ./web                     write web/ui/api-types.ts and web/dist
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root := flag.String("root", ".", "the repository's root")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "webbuild:", err)
		os.Exit(1)
	}
}

// run writes everything that is generated.
func run(root string) error {
	if err := checkVendor(filepath.Join(root, vendorDir)); err != nil {
		return err
	}
	types, err := apiTypes(filepath.Join(root, documentFile))
	if err != nil {
		return err
	}
	if err := writeIfChanged(filepath.Join(root, typesFile), types); err != nil {
		return err
	}
	files, err := bundle(filepath.Join(root, uiDir))
	if err != nil {
		return err
	}
	return replace(filepath.Join(root, distDir), files)
}

// Where things are, below the root.
const (
	uiDir        = "web/ui"
	vendorDir    = "web/ui/vendor"
	distDir      = "web/dist"
	typesFile    = "web/ui/api-types.ts"
	documentFile = "api/openapi.json"
)

// replace makes dir hold these files and no others.
func replace(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range there {
		if _, ok := files[f.Name()]; !ok {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
	}
	for name, text := range files {
		if err := writeIfChanged(filepath.Join(dir, name), text); err != nil {
			return err
		}
	}
	return nil
}

func writeIfChanged(path string, text []byte) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(text) {
		return nil
	}
	return os.WriteFile(path, text, 0o644)
}
