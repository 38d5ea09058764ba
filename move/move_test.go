package move_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"

	"signalbox"
	"signalbox/internal/boxtest/pgserver"
	"signalbox/internal/boxtest/storesuite"
	"signalbox/move"
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

func schema(t *testing.T) string {
	t.Helper()
	s, err := server()
	if err != nil {
		t.Fatal("a PostgreSQL server is needed: ", err)
	}
	return s.Schema(t)
}

// open opens a database as a move does, and closes it with the test.
func open(t *testing.T, cfg store.Config) *store.DB {
	t.Helper()
	cfg.Moving, cfg.Readers = true, 2
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func embedded(t *testing.T) *store.DB {
	t.Helper()
	return open(t, store.Config{Path: filepath.Join(t.TempDir(), "box.db")})
}

// filled is an embedded database with rows in every table.
func filled(t *testing.T) *store.DB {
	t.Helper()
	db := embedded(t)
	storesuite.NewBox(t, db, storesuite.Start).Fill(6)
	return db
}

const target = "postgres://signalbox@db.example/signalbox"

func config(from, to move.Database) move.Config {
	return move.Config{From: from, To: to, Target: target, Now: storesuite.Start, Slice: 5}
}

// sums are the counts and checksums of all tables.
func sums(t *testing.T, db *store.DB) (list []move.Checked) {
	t.Helper()
	err := db.Snapshot(t.Context(), func(s *store.Snapshot) error {
		for _, table := range store.Tables() {
			sum, err := s.Sum(table.Name)
			if err != nil {
				return err
			}
			list = append(list, move.Checked{Table: table.Name, Rows: sum.Rows, Checksum: sum.Checksum()})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// state says how a database is marked; "free" lets servers start.
func state(t *testing.T, db *store.DB) string {
	t.Helper()
	m, err := db.Move(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m == nil {
		return "free"
	}
	return string(m.State)
}

// TestRun_CarriesEveryRowOver from SQLite to PostgreSQL, and marks both.
func TestRun_CarriesEveryRowOver(t *testing.T) {
	t.Parallel()
	from, to := filled(t), open(t, store.Config{DatabaseURL: schema(t)})
	want := sums(t, from)
	c := config(from, to)
	var seen []move.Progress
	c.Report = func(p move.Progress) { seen = append(seen, p) }
	got, err := move.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) || !slices.Equal(sums(t, to), want) {
		t.Errorf("checked\n%v\nwant\n%v", got, want)
	}
	if a, b := state(t, from), state(t, to); a != "left" || b != "arrived" {
		t.Errorf("the old database is %s, the new one %s", a, b)
	}
	total := int64(0)
	for _, c := range want {
		total += c.Rows
	}
	half := slices.IndexFunc(seen, func(p move.Progress) bool { return p.Checking })
	for i, p := range seen {
		if p.Total != total || p.Done > total || i > 0 && i != half && p.Done < seen[i-1].Done {
			t.Errorf("progress %d: %+v", i, p)
		}
	}
	if half < 0 || seen[half-1].Done != total || seen[len(seen)-1].Done != total {
		t.Errorf("the progress ended with %+v", seen[len(seen)-1])
	}
	if _, err := move.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "this database was moved to "+target+" on 2026-11-20: start with --database-url") {
		t.Errorf("again: %v", err)
	}
}

// errCut is what a call that is cut short answers.
var errCut = errors.New("cut short")

// failing counts the calls of both databases and cuts one of them short: before it did anything, or with its answer lost.
type failing struct {
	move.Database
	calls *int
	at    int
	done  bool // it did what it was called for
	with  error
	names *[]string
}

func (f *failing) cut(name string, do func() error) error {
	*f.calls++
	if *f.calls != f.at {
		return do()
	}
	*f.names = append(*f.names, name)
	if f.done {
		if err := do(); err != nil {
			return err
		}
	}
	return f.with
}

func (f *failing) Move(ctx context.Context) (m *store.Move, err error) {
	err = f.cut("Move", func() error { m, err = f.Database.Move(ctx); return err })
	return m, err
}

func (f *failing) MarkMove(ctx context.Context, m *store.Move) error {
	return f.cut("MarkMove", func() error { return f.Database.MarkMove(ctx, m) })
}

func (f *failing) NotEmpty(ctx context.Context) (table string, err error) {
	err = f.cut("NotEmpty", func() error { table, err = f.Database.NotEmpty(ctx); return err })
	return table, err
}

func (f *failing) LoadMoved(ctx context.Context, table string, rows [][]byte, m *store.Move) error {
	return f.cut("LoadMoved", func() error { return f.Database.LoadMoved(ctx, table, rows, m) })
}

func (f *failing) Snapshot(ctx context.Context, fn func(*store.Snapshot) error) error {
	return f.cut("Snapshot", func() error { return f.Database.Snapshot(ctx, fn) })
}

// TestRun_CutShortAnywhereGoesOn cuts a move short at every one of its calls, each in a move of its own, with the call done and not done. Never do both
// databases let a server start, and running it again ends with every row there once. That databases of one kind move the same way lets it be quick.
func TestRun_CutShortAnywhereGoesOn(t *testing.T) {
	t.Parallel()
	from := filled(t)
	want := sums(t, from)
	together := []string{"free free", "leaving free", "leaving filling", "left filling", "left arrived"} // of what the two may be at once
	for _, done := range []bool{false, true} {
		names, calls := []string{}, 0
		for at := 1; calls+1 >= at; at++ {
			to := embedded(t)
			calls = 0
			cut := func(db *store.DB) *failing {
				return &failing{Database: db, calls: &calls, at: at, done: done, with: errCut, names: &names}
			}
			_, err := move.Run(t.Context(), config(cut(from), cut(to)))
			what := fmt.Sprintf("cut at call %d (done: %t) of %v", at, done, names)
			if calls >= at && !errors.Is(err, errCut) {
				t.Fatalf("%s: %v", what, err)
			}
			if both := state(t, from) + " " + state(t, to); !slices.Contains(together, both) {
				t.Fatalf("%s: the databases are %s", what, both)
			}
			if state(t, to) != "arrived" { // else only the answer was lost
				if got, err := move.Run(t.Context(), config(from, to)); err != nil || !slices.Equal(got, want) {
					t.Fatalf("%s, and gone on with: %v, %v", what, got, err)
				}
			}
			if both := state(t, from) + " " + state(t, to); both != "left arrived" || !slices.Equal(sums(t, to), want) {
				t.Fatalf("%s: at the end the databases are %s, the new one with %v", what, both, sums(t, to))
			}
			if err := from.MarkMove(t.Context(), nil); err != nil { // for the next one
				t.Fatal(err)
			}
		}
		for _, call := range []string{"Move", "MarkMove", "NotEmpty", "LoadMoved", "Snapshot"} {
			if !slices.Contains(names, call) {
				t.Errorf("no %s was cut short", call)
			}
		}
		if len(names) < 40 {
			t.Errorf("only %d calls were cut short", len(names))
		}
	}
}

// A target that is away for a moment is waited for; whether it had taken the slice whose answer was lost is asked, not guessed.
func TestRun_WaitsForATargetThatIsAway(t *testing.T) {
	t.Parallel()
	for name, done := range map[string]bool{"the slice was not saved": false, "it was saved": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := filled(t), embedded(t)
			calls, names := 0, []string{}
			away := &failing{Database: to, calls: &calls, at: 12, done: done, with: signalbox.Errorf(signalbox.Unavailable, "away"), names: &names}
			got, err := move.Run(t.Context(), config(from, away))
			if err != nil || !slices.Equal(got, sums(t, from)) || !slices.Equal(names, []string{"LoadMoved"}) {
				t.Errorf("%v: %v, %v", names, got, err)
			}
		})
	}
}

// tampered is a database that somebody changes between filling and checking.
type tampered struct {
	move.Database
	change func()
	calls  int
}

func (c *tampered) Snapshot(ctx context.Context, fn func(*store.Snapshot) error) error {
	if c.calls++; c.calls == 2 { // the first one looks whether it can be copied to
		c.change()
	}
	return c.Database.Snapshot(ctx, fn)
}

// TestRun_FindsWhatIsNotAsItWas: a row that is lost, added, doubled or changed in one value is found, nothing is switched, and the old database is free again.
func TestRun_FindsWhatIsNotAsItWas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sql, says string }{
		"a row is lost":          {"DELETE FROM signals WHERE id = (SELECT max(id) FROM signals)", "signals has 17 rows"},
		"a value is changed":     {"UPDATE accounts SET name = 'X' WHERE id = (SELECT max(id) FROM accounts)", "accounts has 10 rows"},
		"an empty text for NULL": {"UPDATE signals SET properties = '' WHERE properties IS NULL", "signals has 17 rows"},
		"two values changed places": {"UPDATE record_keys SET entity_id = CASE WHEN value = 'acme1.example' THEN (SELECT entity_id FROM record_keys WHERE value = 'acme2.example') " +
			"ELSE (SELECT entity_id FROM record_keys WHERE value = 'acme1.example') END WHERE value IN ('acme1.example', 'acme2.example')", "record_keys has 17 rows"},
		"a row too many": {"INSERT INTO settings VALUES ('x', '')", "settings has"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := schema(t)
			from, to := filled(t), open(t, store.Config{DatabaseURL: base})
			before := sums(t, from)
			_, err := move.Run(t.Context(), config(from, &tampered{Database: to, change: func() { exec(t, base, c.sql) }}))
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "Nothing was switched") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want that %s", err, c.says)
			}
			if a, b := state(t, from), state(t, to); a != "free" || b != "filling" || !slices.Equal(sums(t, from), before) {
				t.Errorf("the old database is %s, the new one %s", a, b)
			}
			if _, err := move.Run(t.Context(), config(from, to)); err == nil || !strings.Contains(err.Error(), "empty it first") {
				t.Errorf("again into the same one: %v", err)
			}
		})
	}
}

func exec(t *testing.T, url, sql string) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if tag, err := c.Exec(ctx, sql); err != nil || tag.RowsAffected() == 0 {
		t.Fatalf("%s: %v, %v", sql, tag, err)
	}
}

// A move goes into an empty database, or goes on where the same move was; anything else is refused before a mark is set.
func TestRun_RefusesAnythingElse(t *testing.T) {
	t.Parallel()
	at := storesuite.Start
	mark := func(id string, s store.MoveState, to string) *store.Move {
		return &store.Move{ID: id, State: s, To: to, At: at}
	}
	for name, c := range map[string]struct {
		from, to *store.Move
		used     bool // the target holds something
		says     string
	}{
		"a used target":                   {nil, nil, true, target + " is not empty: table "},
		"a target of another move":        {nil, mark("B", store.MoveFilling, ""), false, "empty it first"},
		"the same, with a move under way": {mark("A", store.MoveLeaving, target), mark("B", store.MoveFilling, ""), false, "empty it first"},
		"a target that was moved into":    {nil, mark("B", store.MoveArrived, ""), false, "holds a database already"},
		"a move to elsewhere":             {mark("A", store.MoveLeaving, "postgres://elsewhere/x"), nil, false, "a move to postgres://elsewhere/x is under way"},
		"moved before":                    {mark("A", store.MoveLeft, "postgres://elsewhere/x"), nil, false, "was moved to postgres://elsewhere/x on 2026-11-20: start with --database-url"},
		"moved before, to here":           {mark("A", store.MoveLeft, target), mark("A", store.MoveArrived, ""), false, "was moved to " + target},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := filled(t), embedded(t)
			if c.used {
				storesuite.NewBox(t, to, at)
			}
			if err := errors.Join(from.MarkMove(t.Context(), c.from), to.MarkMove(t.Context(), c.to)); err != nil {
				t.Fatal(err)
			}
			a, b := state(t, from), state(t, to)
			_, err := move.Run(t.Context(), config(from, to))
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %q", err, c.says)
			}
			if a2, b2 := state(t, from), state(t, to); a2 != a || b2 != b {
				t.Errorf("the marks were %s and %s, and are %s and %s", a, b, a2, b2)
			}
		})
	}
}

// A database with more than this program knows would lose that on the way: it is refused, and stays free, on either side.
func TestRun_RefusesANewerSchema(t *testing.T) {
	t.Parallel()
	own, err := os.ReadDir("../store/migrations/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	later := fstest.MapFS{fmt.Sprintf("%04d_later.sql", len(own)+1): {Data: fmt.Appendf(nil, "-- oldest: %d\nCREATE TABLE later (id INTEGER)", len(own))}}
	for _, f := range own {
		text, err := os.ReadFile(filepath.Join("../store/migrations/sqlite", f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		later[f.Name()] = &fstest.MapFile{Data: text}
	}
	path := filepath.Join(t.TempDir(), "box.db")
	db, err := store.Open(t.Context(), store.Config{Path: path, Migrations: later})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	newer, other := open(t, store.Config{Path: path}), embedded(t)
	for _, c := range []move.Config{config(newer, other), config(other, newer)} {
		if _, err := move.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "use the newer program") {
			t.Errorf("error %v", err)
		}
		if a, b := state(t, newer), state(t, other); a != "free" || b != "free" {
			t.Errorf("the databases are %s and %s", a, b)
		}
	}
}

// Given up, a database is as it was, and what was filled is no place to move to any more.
func TestAbandon(t *testing.T) {
	t.Parallel()
	from, to := filled(t), embedded(t)
	if _, err := move.Abandon(t.Context(), from); err == nil || !strings.Contains(err.Error(), "no move of this database is under way") {
		t.Errorf("with nothing to give up: %v", err)
	}
	calls, names := 0, []string{}
	if _, err := move.Run(t.Context(), config(from, &failing{Database: to, calls: &calls, at: 20, with: errCut, names: &names})); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	if where, err := move.Abandon(t.Context(), from); err != nil || where != target || state(t, from) != "free" {
		t.Errorf("given up: %s, %v; the old database is %s", where, err, state(t, from))
	}
	if _, err := move.Run(t.Context(), config(from, to)); err == nil || !strings.Contains(err.Error(), "empty it first") {
		t.Errorf("into the one that was being filled: %v", err)
	}
	if _, err := move.Run(t.Context(), config(from, embedded(t))); err != nil {
		t.Errorf("into an empty one: %v", err)
	}
	if _, err := move.Abandon(t.Context(), from); err == nil || !strings.Contains(err.Error(), "cannot be given up") || state(t, from) != "left" {
		t.Errorf("once moved: %v; the old database is %s", err, state(t, from))
	}
}

// Somebody else's mark in the target ends the move: two never fill one database.
func TestRun_StopsWhenSomebodyElseFillsTheTarget(t *testing.T) {
	t.Parallel()
	from, to := filled(t), embedded(t)
	n := 0
	c := config(from, to)
	c.Report = func(move.Progress) {
		if n++; n == 4 {
			if err := to.MarkMove(t.Context(), &store.Move{ID: "other", State: store.MoveFilling, At: time.Now()}); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := move.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "somebody else works on it") {
		t.Errorf("error %v", err)
	}
}
