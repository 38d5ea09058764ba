package store_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"signalbox"
	"signalbox/store"
)

// own is how many migrations this program has.
func own(t *testing.T) int {
	t.Helper()
	list, err := filepath.Glob("migrations/sqlite/*.sql")
	if err != nil || len(list) == 0 {
		t.Fatal("no migrations: ", err)
	}
	return len(list)
}

// either is a database of either kind, to be opened by programs of several versions.
type either struct {
	cfg store.Config
	dir string // of the migrations
}

func onEither(t *testing.T, test func(t *testing.T, e either)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, either{store.Config{Path: filepath.Join(t.TempDir(), "box.db")}, "migrations/sqlite"})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, either{store.Config{DatabaseURL: postgres(t).Schema(t)}, "migrations/postgres"})
	})
}

// with is the database as a program opens it that has later migrations.
func (e either) with(t *testing.T, later ...string) store.Config {
	t.Helper()
	cfg := e.cfg
	cfg.Migrations = stepsIn(t, e.dir, later...)
	return cfg
}

// opens opens the database and closes it again.
func opens(t *testing.T, cfg store.Config) error {
	t.Helper()
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		return err
	}
	return db.Close()
}

// TestUpgrade_AnOlderProgramWorksWhereEachLaterStepLetsIt: a step that says since when programs can work with it lets those work, started
// again too, and one that does not say, or says otherwise, refuses them (docs/upgrading.md).
func TestUpgrade_AnOlderProgramWorksWhereEachLaterStepLetsIt(t *testing.T) {
	t.Parallel()
	n := own(t)
	lets := func(v int) string { return fmt.Sprintf("-- oldest: %d\n", v) }
	for name, c := range map[string]struct {
		later   []string
		program int // how many of later the program has that is started then
		works   bool
	}{
		"it does not say":                         {[]string{"CREATE TABLE later1 (id BIGINT)"}, 0, false},
		"it lets the one before":                  {[]string{lets(n) + "CREATE TABLE later1 (id BIGINT)"}, 0, true},
		"it lets none before":                     {[]string{lets(n+1) + "CREATE TABLE later1 (id BIGINT)"}, 0, false},
		"two let it":                              {[]string{lets(n) + "CREATE TABLE later1 (id BIGINT)", lets(n) + "CREATE TABLE later2 (id BIGINT)"}, 0, true},
		"the second one lets only the one before": {[]string{lets(n) + "CREATE TABLE later1 (id BIGINT)", lets(n+1) + "CREATE TABLE later2 (id BIGINT)"}, 0, false},
		"the one before":                          {[]string{lets(n) + "CREATE TABLE later1 (id BIGINT)", lets(n+1) + "CREATE TABLE later2 (id BIGINT)"}, 1, true},
		"the first one does not let it":           {[]string{"CREATE TABLE later1 (id BIGINT)", lets(n) + "CREATE TABLE later2 (id BIGINT)"}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEither(t, func(t *testing.T, e either) {
				if err := opens(t, e.with(t, c.later...)); err != nil {
					t.Fatal(err)
				}
				var log bytes.Buffer
				cfg := e.with(t, c.later[:c.program]...)
				cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
				err := opens(t, cfg)
				says := fmt.Sprintf("the schema has version %d and this program knows up to %d: run the newer program", n+len(c.later), n+c.program)
				switch {
				case c.works && (err != nil || !strings.Contains(log.String(), "newer than this program")):
					t.Errorf("error %v, log %s; want it to work and to say so", err, &log)
				case !c.works && (err == nil || !strings.Contains(err.Error(), says)):
					t.Errorf("error %v, want %q", err, says)
				}
				if err := opens(t, e.with(t, c.later...)); err != nil {
					t.Errorf("the newer program afterwards: %v", err)
				}
			})
		})
	}
}

func TestUpgrade_AStepThatSaysWhatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"0", "99", "99999999999999999999"} {
		_, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "box.db"), Migrations: steps(t, "-- oldest: "+bad+"\nSELECT 1")})
		if err == nil || !strings.Contains(err.Error(), "oldest must be 1 to") {
			t.Errorf("oldest %s: %v", bad, err)
		}
	}
}

// TestMigrations_AreTheSameStepsOnBoth: the same numbers and names in both folders, and from the second one on each says since when programs work
// with it, the same in both.
func TestMigrations_AreTheSameStepsOnBoth(t *testing.T) {
	t.Parallel()
	said := func(dir string) map[string]string {
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for i, f := range list {
			text, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			oldest := string(regexp.MustCompile(`(?m)^-- oldest: \d+$`).Find(text))
			if oldest == "" && i > 0 {
				t.Errorf("%s/%s does not say since when programs work with it: -- oldest: %d, or %d for none but those that know it", dir, f.Name(), i, i+1)
			}
			all[f.Name()] = oldest
		}
		return all
	}
	lite, pg := said("migrations/sqlite"), said("migrations/postgres")
	for name, oldest := range lite {
		if other, ok := pg[name]; !ok || other != oldest {
			t.Errorf("%s: %q on SQLite, and %q on PostgreSQL", name, oldest, other)
		}
	}
	if len(pg) != len(lite) {
		t.Errorf("%d steps on PostgreSQL, %d on SQLite", len(pg), len(lite))
	}
}

// A copy by a program that does not know all of a schema would lack what is new: it is refused, however well the program works otherwise.
func TestUpgrade_AnOlderProgramCopiesNothingOfANewerSchema(t *testing.T) {
	t.Parallel()
	onEither(t, func(t *testing.T, e either) {
		if err := opens(t, e.with(t, fmt.Sprintf("-- oldest: %d\nALTER TABLE signals ADD COLUMN later TEXT", own(t)))); err != nil {
			t.Fatal(err)
		}
		db, err := store.Open(t.Context(), e.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		err = db.Snapshot(t.Context(), func(*store.Snapshot) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "use the newer program") {
			t.Errorf("snapshot: %v", err)
		}
		if err := db.LoadRows(t.Context(), "signals", nil); err == nil || !strings.Contains(err.Error(), "use the newer program") {
			t.Errorf("load: %v", err)
		}
	})
}

// status reads the schema and says what it found, a word for each step.
func status(t *testing.T, cfg store.Config) string {
	t.Helper()
	s, err := store.ReadSchema(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for i, step := range s.Steps {
		word := "applied"
		if step.AppliedAt.IsZero() {
			word = "pending"
		}
		if !step.Known {
			word += "+unknown"
		}
		if step.Number != i+1 || step.Name == "" {
			t.Errorf("step %d is %+v", i+1, step)
		}
		words = append(words, word)
	}
	if s.Refused != nil {
		words = append(words, "refused")
	}
	return strings.Join(words, " ")
}

// TestReadSchema_TellsWhatIsAppliedAndTouchesNothing, before there is a database, while it is open, after, and of another version.
func TestReadSchema_TellsWhatIsAppliedAndTouchesNothing(t *testing.T) {
	t.Parallel()
	n := own(t)
	applied := strings.TrimSpace(strings.Repeat("applied ", n))
	onEither(t, func(t *testing.T, e either) {
		want := func(what, want string, cfg store.Config) {
			t.Helper()
			before := traces(t, e)
			if got := status(t, cfg); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
			if after := traces(t, e); after != before {
				t.Errorf("%s: reading left %s where there was %s", what, after, before)
			}
		}
		want("no database", strings.TrimSpace(strings.Repeat("pending ", n)), e.cfg)
		db, err := store.Open(t.Context(), e.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.CodecKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("open", applied, e.cfg)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		want("closed", applied, e.cfg)
		want("an older schema", applied+" pending", e.with(t, "SELECT 1"))
		if err := opens(t, e.with(t, "CREATE TABLE later (id BIGINT)")); err != nil {
			t.Fatal(err)
		}
		want("a newer schema", applied+" applied+unknown refused", e.cfg)
		want("the same", applied+" applied", e.with(t, "CREATE TABLE later (id BIGINT)"))
		want("another history", applied+" applied refused", e.with(t, "CREATE TABLE later (id TEXT)"))
	})
}

// traces are what reading could leave: files and their content, or tables.
func traces(t *testing.T, e either) (all string) {
	t.Helper()
	if e.cfg.DatabaseURL != "" {
		query(t, e.cfg.DatabaseURL, "SELECT coalesce(string_agg(tablename, ' ' ORDER BY tablename), '') FROM pg_tables WHERE schemaname = current_schema()", &all)
		return all
	}
	err := fs.WalkDir(os.DirFS(filepath.Dir(e.cfg.Path)), ".", func(path string, d fs.DirEntry, err error) error {
		info, infoErr := d.Info()
		if err != nil || infoErr != nil {
			return fmt.Errorf("%w, %w", err, infoErr)
		}
		all += fmt.Sprint(path, " ", info.Size(), " ")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A server that was killed leaves a log whose content no file has yet: reading sees it, and leaves it to the next start.
func TestReadSchema_SeesWhatAKilledServerLeft(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	dir := t.TempDir()
	for _, suffix := range []string{"", "-wal"} { // as they are now, with nothing copied into the file
		text, err := os.ReadFile(s.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "box.db"+suffix), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := status(t, store.Config{Path: filepath.Join(dir, "box.db")}); !strings.HasPrefix(got, "applied") {
		t.Errorf("%s: the log was not read", got)
	}
	left, err := os.ReadFile(filepath.Join(dir, "box.db-wal"))
	if err != nil || len(left) == 0 {
		t.Errorf("%d bytes of the log are left: %v", len(left), err)
	}
}

// TestUpgrade_TwoAdjacentVersionsShareADatabase: while a node of this version works, one of the next version starts, migrates and works beside it;
// then this version's is started again. Nobody gets an error, although somebody else holds a table for longer than the migration may wait.
func TestUpgrade_TwoAdjacentVersionsShareADatabase(t *testing.T) {
	t.Parallel()
	old, base := newSmallPostgres(t, postgres(t))
	next := either{store.Config{DatabaseURL: base}, "migrations/postgres"}.with(t, fmt.Sprintf(`-- oldest: %d
ALTER TABLE signals ADD COLUMN later TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE TABLE later (id BIGINT PRIMARY KEY);
CREATE INDEX signals_later ON signals (workspace_id, later, id)`, own(t)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	traffic := func(s *small) *counter {
		c := &counter{}
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := s.deliverOne(); err != nil {
					t.Errorf("node %d: %v", s.lease.Node, err)
					return
				}
				c.add()
			}
		})
		return c
	}
	oldTraffic := traffic(old)
	soon(t, func() bool { return oldTraffic.get() > 10 })

	reader, err := pgx.Connect(ctx, base)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close(context.Background())
	if _, err := reader.Exec(ctx, "BEGIN; SELECT count(*) FROM signals"); err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	next.Log = slog.New(slog.NewTextHandler(&log, nil))
	opened := make(chan *store.DB, 1)
	go func() {
		db, err := store.Open(ctx, next)
		if err != nil {
			t.Error(err)
		}
		opened <- db
	}()
	soon(t, func() bool { return strings.Count(log.String(), "a migration waits for a table") >= 2 })
	during := oldTraffic.get()
	soon(t, func() bool { return oldTraffic.get() > during+10 })
	if _, err := reader.Exec(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	newDB := <-opened
	if newDB == nil {
		t.FailNow()
	}
	defer newDB.Close()
	newer := &small{DB: newDB, ws: old.ws, wh: old.wh, typ: old.typ, now: old.now}
	if newer.lease, err = newDB.JoinNode(ctx, "next", old.now); err != nil {
		t.Fatal(err)
	}
	newer.ids = signalbox.NewIDs(newer.lease.Node)
	newTraffic := traffic(newer)
	before := oldTraffic.get()
	soon(t, func() bool { return oldTraffic.get() > before+20 && newTraffic.get() > 20 })

	again := &small{DB: box(t, base), ws: old.ws, wh: old.wh, typ: old.typ, now: old.now}
	if again.lease, err = again.JoinNode(ctx, "again", old.now); err != nil {
		t.Fatal(err)
	}
	again.ids = signalbox.NewIDs(again.lease.Node)
	againTraffic := traffic(again)
	soon(t, func() bool { return againTraffic.get() > 20 })
	cancel()
	wg.Wait()
	st, err := newDB.Stats(t.Context())
	if want := oldTraffic.get() + newTraffic.get() + againTraffic.get(); err != nil || st.Signals != int64(want) {
		t.Errorf("%d signals are stored, %d were acknowledged: %v", st.Signals, want, err)
	}
}

// TestUpgrade_WaitsForNodesThatItWouldNotLetWork: a migration that does not let the version before work is refused, before any step, while a node of that
// version works; one that has left, or was killed and is silent, is in nobody's way.
func TestUpgrade_WaitsForNodesThatItWouldNotLetWork(t *testing.T) {
	t.Parallel()
	lets := fmt.Sprintf("-- oldest: %d\n", own(t))
	for name, end := range map[string]func(t *testing.T, s *small){
		"it leaves": func(t *testing.T, s *small) {
			if err := s.LeaveNode(t.Context(), s.lease, s.now); err != nil {
				t.Error(err)
			}
		},
		"it is silent": func(t *testing.T, s *small) {
			if err := store.Exec(t.Context(), s.DB, "UPDATE nodes SET heartbeat_at = heartbeat_at - 15100000"); err != nil {
				t.Error(err)
			}
		},
		"it goes on": func(t *testing.T, s *small) { // confirms its lease a minute from now
			if err := store.Exec(t.Context(), s.DB, "UPDATE nodes SET heartbeat_at = heartbeat_at + 60000000"); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, base := newSmallPostgres(t, postgres(t))
			end(t, s)
			next := either{store.Config{DatabaseURL: base}, "migrations/postgres"}.with(t, lets+"CREATE TABLE later (id BIGINT)", "DROP TABLE later")
			err := opens(t, next)
			if name != "it goes on" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if got := status(t, next); err == nil || !strings.Contains(err.Error(), "are working (1): stop them first") || !strings.HasSuffix(got, "applied pending pending") {
				t.Errorf("error %v, %s", err, got)
			}
		})
	}
}

// deliverOne saves a signal with its delivery and settles that.
func (s *small) deliverOne() error {
	_, dlv, err := s.signal([]byte(`{"a":1}`))
	if err != nil {
		return err
	}
	ok, err := s.Settle(context.Background(), []signalbox.Settlement{{
		Delivery: dlv, Workspace: s.ws, Webhook: s.wh, Lease: s.lease, State: signalbox.Delivered, Attempts: 1,
		Attempt: &signalbox.Attempt{ID: signalbox.AttemptID(s.id()), Workspace: s.ws, Delivery: dlv, At: s.now, StatusCode: 200},
	}})
	if err == nil && !ok[0] {
		err = fmt.Errorf("delivery %d was not settled", dlv)
	}
	return err
}

// counter counts for several goroutines.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add() {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
}

func (c *counter) get() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
