package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"signalbox/internal/boxtest/pgserver"
)

// pgServer starts the PostgreSQL server that the tests of this package share, when the first of them needs it.
var pgServer = sync.OnceValues(func() (*pgserver.Server, error) {
	pgUsed = true
	return pgserver.Start()
})

// pgUsed is read after all tests have ended.
var pgUsed bool

func TestMain(m *testing.M) {
	code := m.Run()
	var errs []error
	if pgUsed {
		if s, err := pgServer(); err == nil {
			errs = append(errs, s.Stop())
		}
	}
	if faultsDir != "" {
		errs = append(errs, os.RemoveAll(faultsDir))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// postgres is the shared server; without one the test fails.
func postgres(t *testing.T) *pgserver.Server {
	t.Helper()
	s, err := pgServer()
	if err != nil {
		t.Fatal("a PostgreSQL server is needed: ", err)
	}
	return s
}

// faultsDir holds the program with fault points, once it was built.
var faultsDir string

// faultsProgram builds the program with fault points.
var faultsProgram = sync.OnceValues(func() (path string, err error) {
	if faultsDir, err = os.MkdirTemp("", "signalbox-faults-"); err != nil {
		return "", err
	}
	path = filepath.Join(faultsDir, "signalbox")
	if out, err := exec.Command("go", "build", "-tags=faults", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// runProcess runs the program with fault points as a process of its own; killed says whether SIGKILL ended it.
func runProcess(t *testing.T, environ []string, args ...string) (got result, killed bool) {
	t.Helper()
	program, err := faultsProgram()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), environ...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	killed = exit != nil && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}, killed
}

// as is a database's URL with another user and password.
func as(t *testing.T, base, user, password string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

// with is a database's URL with one parameter set.
func with(t *testing.T, base, name, value string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// schemaOf is the name of the schema that a database's URL names.
func schemaOf(base string) string { return base[strings.LastIndex(base, "=")+1:] }

// TestPostgres_WhatCannotBeIsOneLineAndTouchesNothing: every command that opens a PostgreSQL database says in one line what is wrong with it, soon, with
// status 1 and without the password; nothing was made there, and the database that was to be moved is free.
func TestPostgres_WhatCannotBeIsOneLineAndTouchesNothing(t *testing.T) {
	t.Parallel()
	s := postgres(t)
	standby, err := s.Standby()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(); err != nil {
			t.Error(err)
		}
	})
	strict, foreign, newer, ready := s.Schema(t), s.Schema(t), s.Schema(t), s.Schema(t)
	user := "strict_" + schemaOf(strict)
	s.DemandPassword(t, user, "right")
	s.Exec(t, fmt.Sprintf("GRANT USAGE ON SCHEMA %s, %s TO %s", schemaOf(strict), schemaOf(ready), user))
	s.Exec(t, "CREATE TABLE "+schemaOf(foreign)+".signals (id INT)")
	for _, base := range []string{newer, ready} {
		if got := (cli{environ: []string{"SIGNALBOX_DATABASE_URL=" + base}}).run(t, "migrate", "up"); got.code != exitOK {
			t.Fatal(got)
		}
	}
	s.Exec(t, "INSERT INTO "+schemaOf(newer)+".schema_migrations SELECT max(number) + 1, 'later', '', 0, max(number) + 1 FROM "+schemaOf(newer)+".schema_migrations")

	for name, c := range map[string]struct {
		url, says string
		status    string // what migrate status says, where that is something else: it only reads
	}{
		"no URL":           {"localhost/box", "it must read postgres://user:password@host:5432/database", ""},
		"no server":        {"postgres://a:hunter2@127.0.0.1:1/box", "refused", ""},
		"a wrong password": {as(t, strict, user, "hunter2"), "password authentication failed", ""},
		"no such user":     {as(t, strict, "nobody", "hunter2"), `role "nobody" does not exist`, ""},
		"no such database": {strings.Replace(strict, "/postgres?", "/nowhere?", 1), `database "nowhere" does not exist`, ""},
		"no such schema":   {with(t, strict, "search_path", "nowhere"), "has no schema", "pending"},
		"no right to make": {as(t, strict, user, "right"), "may not create tables in schema", "pending"},
		"no right to read": {as(t, ready, user, "right"), "may not read and write table accounts", "permission denied"},
		"a read-only one":  {with(t, strict, "default_transaction_read_only", "on"), "read-only", "pending"},
		"a standby":        {standby.Of(t, strict), "read-only standby: connect to the primary", "pending"},
		"somebody else's":  {foreign, `relation "signals" already exists`, "pending"},
		"a newer one":      {newer, "run the newer program", "run the newer program"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := moveSource(t)
			for _, args := range [][]string{{"serve", "--addr", "127.0.0.1:0"}, {"migrate", "up"}, {"migrate", "status"}, {"move", "--data-dir", dir}} {
				says := c.says
				if args[0] != "move" {
					args = append(args, "--data-dir", t.TempDir())
				}
				if args[1] == "status" && c.status != "" {
					says = c.status
				}
				before := tablesOf(t, strict, schemaOf(c.url))
				begun := time.Now()
				got := cli{environ: []string{"SIGNALBOX_DATABASE_URL=" + c.url, "SIGNALBOX_SECRET_KEY=" + moveKey}}.run(t, args...)
				took := time.Since(begun)
				if got.code != exitFailure || !strings.Contains(got.err, says) || strings.Count(got.err, "\n") != 1 || strings.Contains(got.err, "hunter2") {
					t.Errorf("%v: status %d, said %q; want one line with %q", args, got.code, got.err, says)
				}
				if took > 10*time.Second {
					t.Errorf("%v took %v", args, took)
				}
				if after := tablesOf(t, strict, schemaOf(c.url)); after != before {
					t.Errorf("%v made of %q: %q", args, before, after)
				}
			}
			if got := state(t, dir); got != "free" {
				t.Errorf("the database that was to be moved is %s", got)
			}
		})
	}
}

// tablesOf lists the tables of a schema.
func tablesOf(t *testing.T, base, schema string) (all string) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, base)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	err = c.QueryRow(ctx, "SELECT coalesce(string_agg(tablename, ' ' ORDER BY tablename), '') FROM pg_tables WHERE schemaname = $1", schema).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
