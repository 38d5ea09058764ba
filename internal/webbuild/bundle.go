package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// The entries of the bundle, below web/ui.
const (
	entryApp   = "main.tsx"  // the program, a module
	entryBoot  = "boot.ts"   // chooses the theme before the first paint; a classic script
	entryStyle = "index.css" // every style
	pageFile   = "index.html"
	iconFile   = "icon.svg" // taken as it is
)

// engines are the oldest browsers that the bundle is written for: those with light-dark(), container queries and native dialogs.
var engines = []api.Engine{
	{Name: api.EngineChrome, Version: "123"}, {Name: api.EngineFirefox, Version: "125"}, {Name: api.EngineSafari, Version: "17.5"},
}

// bundle makes the files of web/dist by name: the page, and what it loads under names that hold a hash of the content.
func bundle(ui string) (map[string][]byte, error) {
	abs, err := filepath.Abs(ui)
	if err != nil {
		return nil, err
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: abs,
		EntryPoints:   []string{entryApp, entryBoot, entryStyle},
		Outdir:        "out",
		EntryNames:    "[name]-[hash]", ChunkNames: "[name]-[hash]",
		Bundle: true, Splitting: true, Format: api.FormatESModule, Platform: api.PlatformBrowser,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		Engines: engines, Tsconfig: "tsconfig.json", LegalComments: api.LegalCommentsNone, Charset: api.CharsetUTF8,
		LogLevel: api.LogLevelSilent, Metafile: true,
	})
	if len(result.Errors) > 0 {
		return nil, complaints(result.Errors)
	}
	if len(result.Warnings) > 0 {
		return nil, complaints(result.Warnings)
	}
	files := map[string][]byte{}
	for _, f := range result.OutputFiles {
		files[filepath.Base(f.Path)] = f.Contents
	}
	if files[iconFile], err = os.ReadFile(filepath.Join(ui, iconFile)); err != nil {
		return nil, err
	}
	first, err := preloads(result.Metafile)
	if err != nil {
		return nil, err
	}
	page, err := page(filepath.Join(ui, pageFile), files, first)
	if err != nil {
		return nil, err
	}
	files[pageFile] = page
	return files, nil
}

// complaints says what esbuild found, a line each.
func complaints(messages []api.Message) error {
	var errs []error
	for _, m := range messages {
		if m.Location == nil {
			errs = append(errs, errors.New(m.Text))
			continue
		}
		errs = append(errs, fmt.Errorf("%s:%d:%d: %s", m.Location.File, m.Location.Line, m.Location.Column+1, m.Text))
	}
	return errors.Join(errs...)
}

// preloads are the files that the program imports at once: the page names them, so that they are fetched beside it.
func preloads(metafile string) ([]string, error) {
	var meta struct {
		Outputs map[string]struct {
			EntryPoint string `json:"entryPoint"`
			Imports    []struct{ Path, Kind string }
		}
	}
	if err := json.Unmarshal([]byte(metafile), &meta); err != nil {
		return nil, err
	}
	var first []string
	for _, out := range meta.Outputs {
		if out.EntryPoint != entryApp {
			continue
		}
		for _, i := range out.Imports {
			if i.Kind == "import-statement" {
				first = append(first, "/assets/"+path.Base(i.Path))
			}
		}
	}
	slices.Sort(first)
	return first, nil
}

// page writes the names of the entries into the page.
func page(path string, files map[string][]byte, first []string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := template.New(pageFile).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, err
	}
	names := map[string]any{"First": first}
	for key, prefix := range map[string]string{"App": "main-", "Boot": "boot-", "Style": "index-"} {
		for name := range files {
			if strings.HasPrefix(name, prefix) {
				names[key] = "/assets/" + name
			}
		}
		if names[key] == nil {
			return nil, fmt.Errorf("the bundle has no %s…", prefix)
		}
	}
	var out bytes.Buffer
	if err := t.Execute(&out, names); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
