package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox/app"
	"signalbox/archive"
	"signalbox/client"
	"signalbox/store"
)

// backedUp makes a backup and returns its path.
func backedUp(t *testing.T, c cli, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "box.backup")
	got := c.run(t, append([]string{"backup", "--output", path}, args...)...)
	if got.code != exitOK || got.err != "" || !regexp.MustCompile(`(?s)signals +\d+.*SHA-256 \w{64}.*k_\w{16}.*is whole.*The secret key k_\w{16} is NOT in it`).MatchString(got.out) {
		t.Fatalf("backup: %+v", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	return path
}

// keyed is an empty data directory with the secret key of another one.
func keyed(t *testing.T, from string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	key, err := os.ReadFile(filepath.Join(from, "secret.key"))
	if err == nil {
		err = errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "secret.key"), key, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// restored restores a backup.
func restored(t *testing.T, c cli, args ...string) result {
	t.Helper()
	got := c.run(t, append([]string{"restore"}, args...)...)
	if got.code != exitOK || got.err != "" || !strings.Contains(got.out, "read back and the same") {
		t.Fatalf("restore: %+v", got)
	}
	return got
}

// TestRestore_TheServerIsTheOneThatWasBackedUp fills a database through the doors, with deliveries in every state, backs it up, and restores it into either kind
// of database: a client sees the same of everything, keys work, secrets open, and what waited is sent, once.
func TestRestore_TheServerIsTheOneThatWasBackedUp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ running, throughPostgres, intoPostgres bool }{
		"stopped, embedded":                {false, false, false},
		"running, embedded":                {true, false, false},
		"running, into PostgreSQL":         {true, false, true},
		"from PostgreSQL, embedded":        {false, true, false},
		"from PostgreSQL, into PostgreSQL": {false, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := leaveBehind(t)
			stop := func() {}
			if tc.running {
				_, stop = runApp(t, app.Config{DataDir: l.dir, HoldDeliveries: true})
			}
			path := backedUp(t, cli{}, "--data-dir", l.dir)
			stop()
			secret := filepath.Join(l.dir, "secret.key")
			if tc.throughPostgres {
				base := postgres(t).Schema(t)
				restored(t, cli{}, path, "--database-url", base, "--secret-key-file", secret)
				_, stop = runApp(t, app.Config{DataDir: t.TempDir(), DatabaseURL: base, SecretKeyFile: secret, HoldDeliveries: true})
				path = backedUp(t, cli{environ: []string{"SIGNALBOX_DATABASE_URL=" + base}})
				stop()
			}
			if tc.intoPostgres {
				base := postgres(t).Schema(t)
				restored(t, cli{environ: []string{"SIGNALBOX_SECRET_KEY_FILE=" + secret}}, path, "--database-url", base)
				l.isThere(t, app.Config{DataDir: t.TempDir(), DatabaseURL: base, SecretKeyFile: secret})
				return
			}
			dir := keyed(t, l.dir)
			restored(t, cli{}, path, "--data-dir", dir)
			l.isThere(t, app.Config{DataDir: dir})
		})
	}
}

// TestRestore_HoldDeliveriesSendsNothingByItself restores beside the server that the backup is of: what was still to be sent is skipped, and can be retried by
// hand; what comes new is sent.
func TestRestore_HoldDeliveriesSendsNothingByItself(t *testing.T) {
	t.Parallel()
	l := leaveBehind(t)
	path, dir := backedUp(t, cli{}, "--data-dir", l.dir), keyed(t, l.dir)
	got := restored(t, cli{}, path, "--data-dir", dir, "--hold-deliveries")
	if !regexp.MustCompile(`[1-9]\d* deliveries that were still to be sent are not`).MatchString(got.out) {
		t.Errorf("it said %s", got.out)
	}
	a, stop := runApp(t, app.Config{DataDir: dir})
	defer stop()
	c := clientOf(a, l.key)
	counts := statuses(t, c, l.good)
	if counts["pending"]+counts["retrying"] > 0 || counts["skipped"] < l.waiting {
		t.Errorf("%d waited to be sent, and there are %v", l.waiting, counts)
	}
	if pull := statuses(t, c, l.pull); pull["pending"] == 0 {
		t.Errorf("what waits to be read does not wait any more: %v", pull)
	}
	list, err := collect(c.Deliveries(t.Context(), l.good.ID, client.DeliveryQuery{Status: "skipped"}))
	if err != nil || len(list) == 0 || list[0].Reason != "restored" {
		t.Fatalf("skipped: %+v, %v", list, err)
	}
	sendNumber(t, c, 12)
	eventually(t, func() bool { return len(l.hooks.arrived("/good")) == l.sent+1 })
	if _, err := c.RetryDelivery(t.Context(), list[0].ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return len(l.hooks.arrived("/good")) == l.sent+2 })
	if ids := l.hooks.arrived("/good"); ids[len(ids)-1] != list[0].EventID {
		t.Errorf("retried by hand %s, and %s came", list[0].EventID, ids[len(ids)-1])
	}
}

// What cannot be restored is refused in one line, and nothing is written.
func TestRestore_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	path := backedUp(t, cli{}, "--data-dir", s.dir)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, text []byte) string {
		p := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(p, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	flipped := bytes.Clone(text)
	flipped[len(text)/2] ^= 1
	full := postgres(t).Schema(t)
	_, stop := runApp(t, app.Config{DataDir: t.TempDir(), DatabaseURL: full, SecretKey: moveKey})
	stop()
	secret := filepath.Join(s.dir, "secret.key")
	empty := postgres(t).Schema(t)
	for name, tc := range map[string]struct {
		says    string
		environ []string
		args    []string
	}{
		"no key":            {"put its file at ", nil, []string{path}},
		"another key":       {"needs the secret key k_", []string{"SIGNALBOX_SECRET_KEY=" + moveKey}, []string{path}},
		"an open key file":  {"is open to others", nil, []string{path, "--secret-key-file", open(t, secret)}},
		"cut off":           {"is cut off: it ends after 600 bytes", nil, []string{file("x", text[:600])}},
		"damaged":           {"is damaged behind byte ", nil, []string{file("x", flipped)}},
		"no archive":        {"not a Signalbox archive", nil, []string{file("x", []byte("hello"))}},
		"a newer schema":    {"is of a newer program: its schema has version 999", nil, []string{file("x", newerBackup(t))}},
		"no file":           {"no such file", nil, []string{filepath.Join(t.TempDir(), "none")}},
		"a directory":       {"is no file", nil, []string{t.TempDir()}},
		"PostgreSQL, full":  {"is not empty: it holds a database already", nil, []string{path, "--secret-key-file", secret, "--database-url", full}},
		"PostgreSQL no key": {"set SIGNALBOX_SECRET_KEY or give --secret-key-file", nil, []string{path, "--database-url", empty}},
		"a bad URL":         {"--database-url: ", nil, []string{path, "--secret-key-file", secret, "--database-url", "mysql://x"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new")
			got := cli{environ: tc.environ}.run(t, append([]string{"restore", "--data-dir", dir}, tc.args...)...)
			if got.code != exitFailure || !strings.Contains(got.err, tc.says) || strings.Count(got.err, "\n") != 1 || got.out != "" {
				t.Errorf("%+v, want one line with %q", got, tc.says)
			}
			if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the data directory was made: %v", err)
			}
		})
	}
	if got := tablesOf(t, empty, schemaOf(empty)); got != "" {
		t.Errorf("in the empty database %s were made", got)
	}
	for _, force := range []string{"--force", "--hold-deliveries"} {
		got := cli{}.run(t, "restore", path, "--data-dir", s.dir, force)
		if got.code != exitFailure || !strings.Contains(got.err, "is not empty: it holds a database already") {
			t.Errorf("into a server's directory with %s: %+v", force, got)
		}
	}
	if got := (cli{}).run(t, "restore"); got.code != exitUsage || !strings.Contains(got.err, "FILE is missing") {
		t.Errorf("without a file: %+v", got)
	}
}

// open is a copy of a key file that others may read.
func open(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "key")
	if err := errors.Join(os.WriteFile(to, text, 0o600), os.Chmod(to, 0o644)); err != nil {
		t.Fatal(err)
	}
	return to
}

// newerBackup is a backup of a schema that this program does not know.
func newerBackup(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := archive.NewWriter(&out, archive.Header{Schema: 999, Tables: []archive.Table{{Name: "settings", Key: 1, Columns: []string{"name text", "value blob"}}}})
	if err == nil {
		_, err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What cannot be backed up, or not there, is refused in one line; nothing half-done stays.
func TestBackup_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	dir := t.TempDir()
	there, part := filepath.Join(dir, "there"), filepath.Join(dir, "cut")
	for _, path := range []string{there, part + ".part"} {
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refuse := func(says string, args ...string) {
		t.Helper()
		got := cli{}.run(t, append([]string{"backup"}, args...)...)
		if got.code != exitFailure || !strings.Contains(got.err, says) || strings.Count(got.err, "\n") != 1 || got.out != "" {
			t.Errorf("%v: %+v, want one line with %q", args, got, says)
		}
	}
	nowhere := t.TempDir()
	refuse("there is no Signalbox database in "+nowhere, "--data-dir", nowhere, "-o", filepath.Join(dir, "a"))
	refuse("there is no Signalbox database", "--database-url", postgres(t).Schema(t), "-o", filepath.Join(dir, "b"))
	refuse("is there already: give another name, or --force", "--data-dir", s.dir, "-o", there)
	refuse("another backup is being written, or one was cut short", "--data-dir", s.dir, "-o", part)
	refuse("there is no directory", "--data-dir", s.dir, "-o", filepath.Join(dir, "none", "x"))
	refuse("is a directory", "--data-dir", s.dir, "-o", dir)
	refuse("damaged", "verify", file2(t, []byte("signalbox archive\n0123456789abcdef")))
	var left []string
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if err != nil || !slices.Equal(left, []string{"cut.part", "there"}) {
		t.Errorf("in the directory are %v, %v", left, err)
	}
	for _, path := range []string{there, part} {
		if got := (cli{}).run(t, "backup", "--data-dir", s.dir, "-o", path, "--force"); got.code != exitOK {
			t.Errorf("with --force: %+v", got)
		}
	}
	if got := (cli{terminal: true}).run(t, "backup", "--data-dir", s.dir, "-o", "-"); got.code != exitUsage || !strings.Contains(got.err, "is no text") {
		t.Errorf("to a terminal: %+v", got)
	}
	if got := (cli{}).run(t, "backup", "verfy"); got.code != exitUsage || !strings.Contains(got.err, "did you mean verify?") {
		t.Errorf("misspelled: %+v", got)
	}
}

func file2(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A backup goes to standard output too, and is checked as it passes; verify tells what is in it.
func TestBackup_ToStandardOutput(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	got := cli{}.run(t, "backup", "--data-dir", s.dir, "--output", "-")
	if got.code != exitOK || !strings.Contains(got.err, "is whole") || !strings.Contains(got.err, "is NOT in it") {
		t.Fatalf("%d: %s", got.code, got.err)
	}
	seen := cli{}.run(t, "backup", "verify", "--json", file2(t, []byte(got.out)))
	var said struct {
		Source string           `json:"source"`
		KeyIDs []string         `json:"key_ids"`
		Rows   map[string]int64 `json:"rows"`
		Bytes  int              `json:"bytes"`
	}
	if err := json.Unmarshal([]byte(seen.out), &said); err != nil || seen.code != exitOK {
		t.Fatalf("verify: %+v, %v", seen, err)
	}
	if said.Source != "embedded" || len(said.KeyIDs) != 1 || said.Rows["workspaces"] != 1 || said.Bytes != len(got.out) {
		t.Errorf("verify says %+v", said)
	}
	if piped := (cli{stdin: got.out}).run(t, "backup", "verify", "-"); piped.code != exitOK || !strings.Contains(piped.out, "It is whole.") {
		t.Errorf("verify of standard input: %+v", piped)
	}
}

// The default name tells when the backup was made.
func TestBackup_DefaultName(t *testing.T) {
	s := startServer(t)
	t.Chdir(t.TempDir())
	got := cli{now: time.Date(2026, 11, 20, 12, 30, 5, 0, time.UTC)}.run(t, "backup", "--data-dir", s.dir)
	if got.code != exitOK || !strings.Contains(got.out, "signalbox-20261120T123005Z.backup is whole") {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat("signalbox-20261120T123005Z.backup"); err != nil {
		t.Error(err)
	}
}

// TestRestore_KilledAnywhereIsUnfinished kills the process at every step of a restore: no server starts on what is there, another restore is refused without
// --force, and with it every row is there once.
func TestRestore_KilledAnywhereIsUnfinished(t *testing.T) {
	t.Parallel()
	source := moveSource(t)
	cfg := store.Config{Path: filepath.Join(source, app.DatabaseFile)}
	want := sumsOf(t, cfg)
	path := filepath.Join(t.TempDir(), "box.backup")
	if got := (cli{}).run(t, "backup", "--data-dir", source, "-o", path); got.code != exitOK || !strings.Contains(got.out, "Nothing in it is sealed") {
		t.Fatalf("%+v", got)
	}
	for _, at := range []string{
		"backup.marked=kill", "backup.slice=kill", "backup.slice=kill@12", "backup.loaded=kill", "backup.compared=kill", "backup.migrated=kill",
		"store.before_commit=kill@3", "store.after_commit=kill@9",
	} {
		for _, pg := range []bool{false, true} {
			t.Run(at+map[bool]string{true: ", PostgreSQL", false: ""}[pg], func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "new")
				where, into := []string{"--data-dir", dir}, store.Config{Path: filepath.Join(dir, app.DatabaseFile)}
				environ := []string{"SIGNALBOX_SECRET_KEY=" + moveKey}
				if pg {
					into.DatabaseURL = postgres(t).Schema(t)
					where = []string{"--data-dir", t.TempDir(), "--database-url", into.DatabaseURL}
				}
				args := append([]string{"restore", path}, where...)
				if got, killed := runProcess(t, append(environ, "SIGNALBOX_FAULTS="+at), args...); !killed {
					t.Fatalf("it was to be killed: %+v", got)
				}
				served := cli{environ: environ}.run(t, append([]string{"serve", "--addr", "127.0.0.1:0"}, where...)...)
				if served.code != exitFailure || strings.Count(served.err, "\n") != 1 || !strings.Contains(served.err, "restore of a backup into this database is not complete") {
					t.Errorf("serve: %+v", served)
				}
				if again := (cli{environ: environ}).run(t, args...); again.code != exitFailure || !strings.Contains(again.err, "--force") {
					t.Errorf("once more without --force: %+v", again)
				}
				if got, killed := runProcess(t, environ, append(args, "--force")...); killed || got.code != exitOK {
					t.Fatalf("begun anew: %+v", got)
				}
				if got := sumsOf(t, into); !cmp.Equal(want, got, cmp.AllowUnexported(store.Sum{})) {
					t.Errorf("it holds %v, want %v", got, want)
				}
			})
		}
	}
}

// TestBackup_KilledLeavesNoBackup kills the command while it writes, and the server while it is read from: there is no file that looks like a backup, the
// server goes on or starts again, and the next backup is made.
func TestBackup_KilledLeavesNoBackup(t *testing.T) {
	t.Parallel()
	t.Run("the command", func(t *testing.T) {
		t.Parallel()
		s := startServer(t)
		path := filepath.Join(t.TempDir(), "box.backup")
		args := []string{"backup", "--data-dir", s.dir, "--output", path}
		if got, killed := runProcess(t, []string{"SIGNALBOX_FAULTS=backup.written=kill"}, args...); !killed {
			t.Fatalf("it was to be killed: %+v", got)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("there is a file of that name: %v", err)
		}
		if got := (cli{}).run(t, args...); got.code != exitFailure || !strings.Contains(got.err, "one was cut short; remove it, or give --force") {
			t.Errorf("once more: %+v", got)
		}
		if got := (cli{}).run(t, append(args, "--force")...); got.code != exitOK {
			t.Errorf("with --force: %+v", got)
		}
		if left, err := filepath.Glob(path + "*"); err != nil || len(left) != 1 {
			t.Errorf("there are %v, %v", left, err)
		}
	})
	t.Run("the server", func(t *testing.T) {
		t.Parallel()
		s := startServer(t)
		if _, err := s.client().SendSignal(t.Context(), client.SignalInput{Type: "t", Source: "s"}); err != nil {
			t.Fatal(err)
		}
		s.stop()
		ended := make(chan bool)
		go func() {
			defer close(ended)
			if got, killed := runProcess(t, []string{"SIGNALBOX_FAULTS=backup.rows=kill@5"}, "serve", "--data-dir", s.dir, "--addr", "127.0.0.1:0"); !killed {
				t.Errorf("it was to be killed: %+v", got)
			}
		}()
		eventually(t, func() bool {
			_, err := os.Stat(filepath.Join(s.dir, "admin.sock"))
			return err == nil
		})
		dir := t.TempDir()
		got := cli{}.run(t, "backup", "--data-dir", s.dir, "--output", filepath.Join(dir, "box.backup"))
		<-ended
		if got.code != exitFailure || strings.Count(got.err, "\n") != 1 || got.out != "" {
			t.Errorf("the command: %+v", got)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("it left %v, %v", left, err)
		}
		if _, err := os.Stat(filepath.Join(s.dir, app.DatabaseFile+".copy")); err != nil {
			t.Errorf("the test is to leave a copy behind: %v", err)
		}
		backedUp(t, cli{}, "--data-dir", s.dir) // nobody runs: the socket that is left leads nowhere
		s.start(t, "127.0.0.1:0")
		if _, err := os.Stat(filepath.Join(s.dir, app.DatabaseFile+".copy")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the copy is still there: %v", err)
		}
		if _, err := s.client().Workspace(t.Context()); err != nil {
			t.Error(err)
		}
		backedUp(t, cli{}, "--data-dir", s.dir)
	})
}

// The secret key comes from a file that SIGNALBOX_SECRET_KEY_FILE names, as it does in containers, for every command that takes one.
func TestSecretKeyFile_FromTheEnvironment(t *testing.T) {
	t.Parallel()
	base := postgres(t).Schema(t)
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(keyA+"\n"), 0o640); err != nil { // as secrets are mounted: a group may read
		t.Fatal(err)
	}
	environ := []string{"SIGNALBOX_SECRET_KEY_FILE=" + file, "SIGNALBOX_DATABASE_URL=" + base}
	server := cli{environ: environ}.start(t, "serve", "--addr", "127.0.0.1:0", "--data-dir", t.TempDir())
	server.err.until(t, "server.started")
	server.stop()
	if code := server.wait(t); code != exitOK {
		t.Fatalf("serve ended with %d: %s", code, server.err)
	}
	owner := cli{environ: environ}
	if got := owner.run(t, "workspaces", "list"); got.code != exitOK {
		t.Errorf("workspaces: %+v", got)
	}
	path := backedUp(t, owner)
	restored(t, cli{environ: environ[:1]}, path, "--data-dir", filepath.Join(t.TempDir(), "new"))
	if got := (cli{environ: append(environ, "SIGNALBOX_SECRET_KEY="+keyB)}).run(t, "keys", "rewrap"); got.code != exitFailure || !strings.Contains(got.err, "not both") {
		t.Errorf("two keys: %+v", got)
	}
	if err := os.WriteFile(file, []byte(keyB), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := (cli{environ: environ}).run(t, "serve", "--addr", "127.0.0.1:0", "--data-dir", t.TempDir()); got.code != exitFailure || !strings.Contains(got.err, keyID(t, keyA)) {
		t.Errorf("with another key: %+v", got)
	}
	got := cli{environ: append(environ, "SIGNALBOX_OLD_SECRET_KEYS="+keyA)}.run(t, "keys", "rewrap")
	if got.code != exitOK || got.out != "1 value was sealed anew: the secret key "+keyID(t, keyB)+" alone opens everything now.\n" {
		t.Errorf("rewrap: %+v", got)
	}
	if err := os.WriteFile(file, []byte(keyB), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := (cli{environ: environ}).run(t, "serve", "--addr", "127.0.0.1:0", "--data-dir", t.TempDir()); got.code != exitFailure || !strings.Contains(got.err, "is open to others (mode 0644)") {
		t.Errorf("a file that everybody may read: %+v", got)
	}
}
