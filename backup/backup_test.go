package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"signalbox"
	"signalbox/archive"
	"signalbox/backup"
	"signalbox/internal/boxtest/pgserver"
	"signalbox/internal/boxtest/storesuite"
	"signalbox/seal"
	"signalbox/store"
)

// server is the PostgreSQL server that the tests share, started when the first of them needs it.
var server = sync.OnceValues(func() (*pgserver.Server, error) {
	serverUsed = true
	return pgserver.Start()
})

// serverUsed is read after all tests have ended.
var serverUsed bool

func TestMain(m *testing.M) {
	code := m.Run()
	if serverUsed {
		if s, err := server(); err == nil {
			if err := s.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// config is an empty place of either kind.
func config(t *testing.T, pg bool) store.Config {
	t.Helper()
	cfg := store.Config{Path: filepath.Join(t.TempDir(), "box.db"), Readers: 2}
	if pg {
		s, err := server()
		if err != nil {
			t.Fatal("a PostgreSQL server is needed: ", err)
		}
		cfg.DatabaseURL = s.Schema(t)
	}
	return cfg
}

func open(t *testing.T, cfg store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

var source = backup.Source{MadeAt: storesuite.Start, Program: "1.2.3", Kind: "embedded", Probe: "probe"}

func box(t *testing.T, first byte) *seal.Box {
	t.Helper()
	raw := bytes.Repeat([]byte{1, 2, 3, 4}, 8)
	raw[0] = first
	key, err := seal.NewKey(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	b, err := seal.NewBox(key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// written is a backup of a filled database, whose values two keys have sealed, and the sums of its tables.
func written(t *testing.T, pg bool) (file []byte, sums map[string]store.Sum, keys []seal.KeyID) {
	t.Helper()
	db := open(t, config(t, pg))
	b := storesuite.NewBox(t, db, storesuite.Start)
	b.Fill(20)
	one, two := box(t, 1), box(t, 2)
	b.NewWebhook(func(w *signalbox.Webhook) {
		w.SealedSecret = two.Seal(seal.Bind{Workspace: int64(w.Workspace), Row: int64(w.ID), Kind: "webhook.secret"}, []byte("x"))
	})
	b.Must(db.PutSetting(t.Context(), source.Probe, one.Probe()))
	var out bytes.Buffer
	b.Must(db.Snapshot(t.Context(), func(s *store.Snapshot) error {
		c, err := backup.Write(t.Context(), s, &out, source)
		if want := []string{string(one.Primary()), string(two.Primary())}; err == nil && !slices.Equal(slices.Sorted(slices.Values(want)), c.Header.KeyIDs) {
			t.Errorf("it says to need %v, want %v", c.Header.KeyIDs, want)
		}
		return err
	}))
	return out.Bytes(), sumsOf(t, db), []seal.KeyID{one.Primary(), two.Primary()}
}

func sumsOf(t *testing.T, db *store.DB) map[string]store.Sum {
	t.Helper()
	all := map[string]store.Sum{}
	err := db.Snapshot(t.Context(), func(s *store.Snapshot) (err error) {
		for _, table := range store.Tables() {
			if all[table.Name], err = s.Sum(table.Name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func restoreOf(file []byte, keys []seal.KeyID, into store.Config) *backup.Restore {
	return &backup.Restore{File: bytes.NewReader(file), Size: int64(len(file)), Into: into, Where: "the test's place", Keys: keys, Now: storesuite.Start.Add(time.Hour)}
}

// both runs a test on both kinds of database.
func both(t *testing.T, test func(t *testing.T, pg bool)) {
	for name, pg := range map[string]bool{"embedded": false, "PostgreSQL": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, pg)
		})
	}
}

// Every row is there again in a database of the other kind, and progress only grows.
func TestRestore_BringsEveryRowBack(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, pg bool) {
		file, want, keys := written(t, pg)
		into := config(t, !pg)
		r := restoreOf(file, keys, into)
		var last backup.Progress
		var stages []backup.Stage
		r.Report = func(p backup.Progress) {
			if p.Stage != last.Stage {
				stages = append(stages, p.Stage)
			} else if p.Done < last.Done {
				t.Errorf("%+v after %+v", p, last)
			}
			if last = p; p.Done > p.Total {
				t.Errorf("more than all is done: %+v", p)
			}
		}
		done, err := r.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := sumsOf(t, open(t, into)); !sameSums(got, want) {
			t.Errorf("it holds %v, want %v", got, want)
		}
		if done.Held != 0 || done.Schema != done.Contents.Header.Schema || done.Contents.Header.Program != "1.2.3" || !slices.Equal(stages, []backup.Stage{backup.Checking, backup.Loading, backup.Comparing}) {
			t.Errorf("%+v, stages %v", done, stages)
		}
	})
}

func sameSums(a, b map[string]store.Sum) bool {
	for _, t := range store.Tables() {
		if a[t.Name] != b[t.Name] || a[t.Name].Rows == 0 {
			return false
		}
	}
	return true
}

// The keys that a backup needs must be there, all of them; the error names the one that is not.
func TestRestore_NeedsEveryKey(t *testing.T) {
	t.Parallel()
	file, _, keys := written(t, false)
	for name, have := range map[string][]seal.KeyID{"none": nil, "one": keys[:1], "another": {"k_0000000000000000", keys[0]}} {
		into := config(t, false)
		var missing *backup.KeyError
		_, err := restoreOf(file, have, into).Run(t.Context())
		if !errors.As(err, &missing) || !strings.Contains(err.Error(), string(keys[1])) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(into.Path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: something was made: %v", name, err)
		}
	}
}

// A backup of a schema before this program's is restored, and then migrated; the embedded database is not copied for that.
func TestRestore_AnOlderSchemaIsMigrated(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, pg bool) {
		file, want, keys := written(t, pg)
		into := config(t, pg)
		into.Migrations = oneMore(t, pg)
		done, err := restoreOf(file, keys, into).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if done.Schema != done.Contents.Header.Schema+1 {
			t.Errorf("the schema was %d and is %d", done.Contents.Header.Schema, done.Schema)
		}
		db := open(t, into)
		if got := sumsOf(t, db); !sameSums(got, want) {
			t.Errorf("it holds %v, want %v", got, want)
		}
		if copies, err := filepath.Glob(into.Path + ".before-*"); err != nil || len(copies) > 0 {
			t.Errorf("there are %v, %v", copies, err)
		}
	})
}

// oneMore are this program's migrations and one more.
func oneMore(t *testing.T, pg bool) fstest.MapFS {
	t.Helper()
	dir := filepath.Join("..", "store", "migrations", map[bool]string{true: "postgres", false: "sqlite"}[pg])
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := fstest.MapFS{}
	for _, f := range list {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = &fstest.MapFile{Data: text}
	}
	all[fmt.Sprintf("%04d_next.sql", len(list)+1)] = &fstest.MapFile{Data: []byte("ALTER TABLE accounts ADD COLUMN tier TEXT NOT NULL DEFAULT 'none';")}
	return all
}

// A restore that ends in the middle leaves a place that is refused, until it is begun anew with force.
func TestRestore_CutShortIsUnfinished(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, pg bool) {
		file, want, keys := written(t, pg)
		for _, stage := range []backup.Stage{backup.Loading, backup.Comparing} {
			into := config(t, pg)
			ctx, cancel := context.WithCancel(t.Context())
			r := restoreOf(file, keys, into)
			r.Report = func(p backup.Progress) {
				if p.Stage == stage {
					cancel()
				}
			}
			_, err := r.Run(ctx)
			if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "run it again with --force, or remove what is there") {
				t.Errorf("%s: %v", stage, err)
			}
			if _, err := store.Open(t.Context(), into); err == nil || !strings.Contains(err.Error(), "is not complete") {
				t.Errorf("%s: a server may start: %v", stage, err)
			}
			again := restoreOf(file, keys, into)
			if _, err := again.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "give --force to begin it anew") {
				t.Errorf("%s: without force: %v", stage, err)
			}
			again.Force = true
			if _, err := again.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := sumsOf(t, open(t, into)); !sameSums(got, want) {
				t.Errorf("%s: it holds %v, want %v", stage, got, want)
			}
		}
	})
}

// Stopped while the file is read, nothing was made.
func TestRestore_StoppedWhileItChecksMakesNothing(t *testing.T) {
	t.Parallel()
	file, _, keys := written(t, false)
	into := config(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	r := restoreOf(file, keys, into)
	r.Report = func(backup.Progress) { cancel() }
	r.Prepare = func() error { return errors.New("the place was made") }
	if _, err := r.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := os.Stat(into.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
}

// turned gives another file from the second reading on.
type turned struct {
	*bytes.Reader
	next []byte
	n    int
}

func (r *turned) Seek(at int64, whence int) (int64, error) {
	if r.n++; r.n == 2 {
		r.Reader = bytes.NewReader(r.next)
	}
	return r.Reader.Seek(at, whence)
}

// A file that changes between the two times that it is read is not taken for the one that was checked.
func TestRestore_AFileThatChangesIsSeen(t *testing.T) {
	t.Parallel()
	file, _, keys := written(t, false)
	other, _, _ := written(t, true)
	for name, next := range map[string][]byte{"another backup": other, "cut off": file[:len(file)/2], "nothing": nil} {
		into := config(t, false)
		r := restoreOf(file, keys, into)
		r.File = &turned{Reader: bytes.NewReader(file), next: next}
		if _, err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "the restore is not complete") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := store.Open(t.Context(), into); err == nil {
			t.Errorf("%s: a server may start", name)
		}
	}
}

// A database that holds anything is not touched, force or not; one that has been made and holds nothing is filled.
func TestRestore_IntoAnEmptyPlaceOnly(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, pg bool) {
		file, want, keys := written(t, pg)
		full, empty := config(t, pg), config(t, pg)
		db := open(t, full)
		if _, err := db.CodecKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Close(), open(t, empty).Close()); err != nil {
			t.Fatal(err)
		}
		for _, force := range []bool{false, true} {
			r := restoreOf(file, keys, full)
			r.Force = force
			if _, err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "is not empty: it holds a database already (table settings)") {
				t.Errorf("force %v: %v", force, err)
			}
		}
		if err := store.Remove(t.Context(), full); err == nil || !strings.Contains(err.Error(), "it is not removed") {
			t.Errorf("remove: %v", err)
		}
		if _, err := restoreOf(file, keys, empty).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := sumsOf(t, open(t, empty)); !sameSums(got, want) {
			t.Errorf("it holds %v, want %v", got, want)
		}
		newer := config(t, pg)
		newer.Migrations = oneMore(t, pg)
		if err := open(t, newer).Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := restoreOf(file, keys, newer).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "give a place without a schema") {
			t.Errorf("into a newer schema: %v", err)
		}
	})
}

// Rows that no table of the backup can have, or tables that no database has, are refused before anything is made.
func TestRestore_RefusesRowsThatAreNone(t *testing.T) {
	t.Parallel()
	own, err := os.ReadDir("../store/migrations/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	made := func(table archive.Table, row string) []byte {
		var out bytes.Buffer
		w, err := archive.NewWriter(&out, archive.Header{Schema: len(own), Tables: []archive.Table{table}})
		if err == nil {
			err = w.Row(0, []byte(row))
		}
		if err == nil {
			_, err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	settings := archive.Table{Name: "settings", Key: 1, Columns: []string{"name text", "value blob"}}
	for name, tc := range map[string]struct {
		file []byte
		says string
	}{
		"a bad row":      {made(settings, "\x02\x01a"), "it is no row of this table"},
		"a statement":    {made(archive.Table{Name: "x; DROP TABLE y", Key: 1, Columns: []string{"a"}}, ""), "there can be no table"},
		"a bad column":   {made(archive.Table{Name: "x", Key: 1, Columns: []string{"a b c"}}, ""), "cannot have a column"},
		"tables missing": {made(settings, "\x02\x01a\x03\x01b"), "its tables are not those of its schema's version"},
	} {
		into := config(t, false)
		if tc.says == "it is no row of this table" {
			into.Migrations = oneMore(t, false) // an older schema, whose tables this program does not know
		}
		if _, err := restoreOf(tc.file, nil, into).Run(t.Context()); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, want %q", name, err, tc.says)
		}
		if _, err := os.Stat(into.Path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: something was made: %v", name, err)
		}
	}
}

// A file gets its name only when it is whole: whatever goes wrong before leaves nothing.
func TestToFile_LeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	file, _, _ := written(t, false)
	quiet := func(backup.Written) {}
	errTest := errors.New("no space left on the device")
	for name, produce := range map[string]func(io.Writer) error{
		"nothing":        func(io.Writer) error { return errTest },
		"a part":         func(w io.Writer) error { _, err := w.Write(file[:len(file)/2]); return errors.Join(err, errTest) },
		"cut off":        func(w io.Writer) error { _, err := w.Write(file[:len(file)-1]); return err },
		"something else": func(w io.Writer) error { _, err := io.WriteString(w, "hello"); return err },
	} {
		path := filepath.Join(t.TempDir(), "box.backup")
		if _, err := backup.ToFile(t.Context(), path, false, produce, quiet); err == nil {
			t.Errorf("%s: it succeeded", name)
		}
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 {
			t.Errorf("%s: there are %v, %v", name, left, err)
		}
		if err := os.WriteFile(path, []byte("the last one"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.ToFile(t.Context(), path, true, produce, quiet); err == nil {
			t.Errorf("%s, with force: it succeeded", name)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != "the last one" {
			t.Errorf("%s: the last backup is %q, %v", name, text, err)
		}
		if _, err := backup.ToStream(t.Context(), io.Discard, produce); err == nil {
			t.Errorf("%s, as a stream: it succeeded", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "box.backup")
	if _, err := backup.ToFile(ctx, path, false, func(w io.Writer) error {
		_, err := w.Write(file)
		return err
	}, func(b backup.Written) {
		if b.Checking {
			cancel()
		}
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 {
		t.Errorf("stopped: there are %v, %v", left, err)
	}
}
