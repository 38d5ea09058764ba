package connector_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/internal/boxtest/provider"
	"signalbox/poll/connector"
)

// fileOf is a CSV file in an import directory of its own.
func fileOf(t testing.TB, text string) (connector.Config, connector.Options) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "people.csv"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return connector.Config{Type: connector.TypeCSV, File: "people.csv", ID: "id"}, connector.Options{ImportDir: dir}
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

func TestCSV_RowsBecomeRecords(t *testing.T) {
	t.Parallel()
	want := []string{`{"id":"1","name":"Ada","note":"two\nlines, and a \"quote\""}`, `{"id":"2","name":"","note":"ü"}`}
	const plain = "id,name,note\r\n1,Ada,\"two\nlines, and a \"\"quote\"\"\"\r\n\r\n2,,ü"
	for name, c := range map[string]struct {
		text string
		with func(*connector.Config)
	}{
		"plain":                  {plain, nil},
		"with a byte order mark": {"\ufeff" + plain, nil},
		"compressed":             {zipped(plain), nil},
		"compressed, as is said": {zipped(plain), func(c *connector.Config) { c.Gzip = true }},
		"semicolons":             {"id;name;note\n1;Ada;\"two\nlines, and a \"\"quote\"\"\"\n2;;ü\n", func(c *connector.Config) { c.Delimiter = ";" }},
		"tabs":                   {"note\tid\tname\n\"two\nlines, and a \"\"quote\"\"\"\t1\tAda\nü\t2\t\n", func(c *connector.Config) { c.Delimiter = "\t" }},
		"a column left out":      {"id,name,seen,note\n1,Ada,now,\"two\nlines, and a \"\"quote\"\"\"\n2,,now,ü\n", func(c *connector.Config) { c.Exclude = []string{"seen"} }},
		"chosen columns":         {"seen,note,name,id\nnow,\"two\nlines, and a \"\"quote\"\"\",Ada,1\nnow,ü,,2\n", func(c *connector.Config) { c.Fields = []string{"name", "id", "note"} }},
	} {
		config, o := fileOf(t, c.text)
		if c.with != nil {
			c.with(&config)
		}
		s := open(t, config, o)
		w := mustWalk(t, s)
		var got []string
		for _, r := range w.records {
			got = append(got, string(r.Body))
		}
		if diff := cmp.Diff(want, got); diff != "" || w.records[1].ID != "2" || s.Shifts() {
			t.Errorf("%s: %s", name, diff)
		}
		if f := w.records[0].Fields; len(f) != 3 || f[1].Name != "name" || string(f[1].Value) != `"Ada"` {
			t.Errorf("%s: fields %v", name, f)
		}
	}
}

func TestCSV_WhatIsNoSuchFileIsAFailure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, says string }{
		"empty":             {"", "is empty"},
		"HTML":              {"<html>", "HTML"},
		"no id column":      {"name,email\na,b\n", `no column "id"`},
		"a name twice":      {"id,name,name\n1,2,3\n", `"name" twice`},
		"a column unnamed":  {"id,,name\n1,2,3\n", "column 2"},
		"an empty id":       {"id,name\n1,a\n,b\n", "line 3 has an id that is empty"},
		"a long id":         {"id\n" + strings.Repeat("x", 256) + "\n", "line 2"},
		"too few cells":     {"id,name\n1\n", "line 2"},
		"an open quote":     {"id,name\n1,\"x\n", "line 2"},
		"not UTF-8":         {"id,name\n1,\xff\n", "line 2"},
		"UTF-16":            {"\xff\xfei\x00d\x00", "line 1"},
		"half of gzip":      {zipped("id\n1\n")[:20], "damaged"},
		"like gzip":         {"\x1f\x8bxx", "begins like gzip"},
		"a row of 1 MiB":    {"id,name\n1," + strings.Repeat("x", 1<<20) + "\n", "line 2 has more than 1 MiB"},
		"a bomb":            {strings.Repeat(zipped(strings.Repeat("x", 1<<20)), 65), "more than 64 MiB"},
		"a missing column":  {"id,seen\n1,2\n", `no column "other"`},
		"not gzip, as said": {"id,other\n1,2\n", "not compressed"},
	} {
		config, o := fileOf(t, c.text)
		if name == "a missing column" {
			config.Fields = []string{"id", "other"}
		}
		config.Gzip = name == "not gzip, as said"
		_, err := walk(t.Context(), open(t, config, o))
		f := failure(t, err, connector.ShapeFailure, "page 1", c.says)
		if strings.Contains(f.Msg, "xxx") {
			t.Errorf("%s: %q tells contents", name, f.Msg)
		}
	}
}

func TestCSV_AnotherProcessGoesOnInTheSameFileOnly(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("id,name\n")
	for i := range 2500 {
		fmt.Fprintf(&text, "%d,record\n", i+1)
	}
	config, o := fileOf(t, text.String())
	var at connector.Checkpoint
	var ids []string
	for {
		page, err := open(t, config, o).Next(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			ids = append(ids, r.ID)
		}
		if page.Last {
			break
		}
		at = page.Next
	}
	if diff := cmp.Diff(numbers(1, 2500), ids); diff != "" {
		t.Error(diff)
	}
	if w := mustWalk(t, open(t, config, o)); w.pages != 3 || len(w.records) != 2500 {
		t.Errorf("one source: %d records on %d pages", len(w.records), w.pages)
	}
	if err := os.WriteFile(filepath.Join(o.ImportDir, "people.csv"), []byte(text.String()+"9999,late\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, config, o).Next(t.Context(), at)
	if f := failure(t, err, connector.ShapeFailure, "changed while it was read"); !f.Temporary {
		t.Error("nobody would begin anew")
	}
}

// The issue: an absolute path, ../, a symlink: 400, nothing opened.
func TestCSV_NothingOutsideTheImportDirectoryIsOpened(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	dir := filepath.Join(outside, "import")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(path string) {
		if err := os.WriteFile(path, []byte("id\n1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(outside, "secret.csv"))
	write(filepath.Join(dir, "fine.csv"))
	write(filepath.Join(dir, "sub", "fine.csv"))
	for link, to := range map[string]string{"out.csv": "../secret.csv", "absolute.csv": filepath.Join(outside, "secret.csv"), "up": "..", "sub/round.csv": "../../import/fine.csv", "inside.csv": "sub/fine.csv"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := connector.Options{ImportDir: dir}
	for _, name := range []string{"/etc/passwd", filepath.Join(outside, "secret.csv"), "../secret.csv", "sub/../../secret.csv", "out.csv", "absolute.csv", "up/secret.csv",
		"sub/round.csv", ".", "", "sub", "pipe", "missing.csv", `..\secret.csv`, "a\x00b", "sub/../fine.csv"} {
		config := connector.Config{Type: connector.TypeCSV, File: name, ID: "id"}
		s, err := connector.Open(config, o)
		if err == nil {
			_, err = s.Next(t.Context(), nil)
		}
		param := "connector.file"
		if name == "" {
			param = "connector.url" // there is neither
		}
		invalid(t, err, param)
		invalid(t, connector.CheckFile(dir, name), "connector.file")
		var told *signalbox.Error
		if errors.As(err, &told) && strings.Contains(told.Msg, outside) {
			t.Errorf("%q tells where the server keeps its files", told.Msg)
		}
	}
	for _, name := range []string{"fine.csv", "sub/fine.csv", "inside.csv", "./fine.csv"} {
		config := connector.Config{Type: connector.TypeCSV, File: name, ID: "id"}
		if w := mustWalk(t, open(t, config, o)); len(w.records) != 1 {
			t.Errorf("%s: %d records", name, len(w.records))
		}
		if err := connector.CheckFile(dir, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := connector.Open(connector.Config{Type: connector.TypeCSV, File: "fine.csv", ID: "id"}, connector.Options{})
	invalid(t, err, "connector.file", "--import-dir")
}

func TestCSV_AnURLIsFetchedOnceAndSignedInTo(t *testing.T) {
	t.Parallel()
	asked := 0
	client := doer(func(r *http.Request) string {
		asked++
		if r.Header.Get("Authorization") != "Bearer "+provider.Secret || r.URL.Query().Get("kind") != "people" {
			t.Errorf("asked %s with %v", r.URL, r.Header)
		}
		return zipped("id,name\n" + strings.Repeat("1,x\n", 1500))
	})
	c := connector.Config{Type: connector.TypeCSV, URL: "https://files.example.com/people.csv.gz", Query: map[string]string{"kind": "people"}, ID: "id",
		Auth: connector.Auth{Type: connector.AuthBearer}}
	if w := mustWalk(t, open(t, c, connector.Options{Client: client, Secrets: bearer})); len(w.records) != 1500 || w.pages != 2 || asked != 1 {
		t.Errorf("%d records on %d pages by %d requests", len(w.records), w.pages, asked)
	}
	server := provider.Generic()
	server.Then(provider.Status(404))
	_, err := open(t, c, connector.Options{Client: server, Secrets: bearer}).Next(t.Context(), nil)
	failure(t, err, connector.StatusFailure, "404")
}
