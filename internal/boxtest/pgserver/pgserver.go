// Package pgserver runs a private PostgreSQL server for tests and for measurements: Debian's binaries, a data directory and a port of its
// own, fsync on, gone with the program. Each test has an empty schema of its own there.
//
// It refuses to use a server that is there already, and to skip: where PostgreSQL is not installed the test fails and says so. It does not
// import testing: a program that measures may start a server too.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// minMajor is the oldest version that the program works with.
const minMajor = 15

// Server is a running server. Safe for concurrent use.
type Server struct {
	bin, dir string
	settings []string // beyond those of every server, name=value
	local    bool     // we ourselves come by its socket: others must show who they are
	port     int
	cred     *syscall.Credential // who it runs as; nil: as we do
	schemas  atomic.Int64

	mu   sync.Mutex
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process has ended
}

// Start makes a data directory and starts a server on it.
func Start() (*Server, error) { return StartIn("") }

// StartIn is Start with the data directory below parent ("": the system's directory for temporary files) and further settings, name=value.
func StartIn(parent string, settings ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, settings: settings}
	if s.dir, err = os.MkdirTemp(parent, "signalbox-pg-"); err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

func (s *Server) start() (err error) {
	if os.Geteuid() == 0 {
		if s.cred, err = ordinaryUser(); err != nil {
			return err
		}
		if err := os.Chown(s.dir, int(s.cred.Uid), int(s.cred.Gid)); err != nil {
			return err
		}
	}
	initdb := s.command("initdb", "--pgdata="+s.data(), "--username=signalbox", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	return s.Up()
}

// Standby starts a second server that follows this one and can be read only, from a copy of its data. It is stopped by whoever asked for it.
func (s *Server) Standby() (*Server, error) {
	b := &Server{bin: s.bin, cred: s.cred}
	var err error
	if b.dir, err = os.MkdirTemp("", "signalbox-pg-"); err != nil {
		return nil, err
	}
	if err := b.follow(s); err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.dir))
	}
	return b, nil
}

func (s *Server) follow(primary *Server) (err error) {
	if s.cred != nil {
		if err := os.Chown(s.dir, int(s.cred.Uid), int(s.cred.Gid)); err != nil {
			return err
		}
	}
	backup := s.command("pg_basebackup", "--pgdata="+s.data(), "--host=127.0.0.1", fmt.Sprint("--port=", primary.port), "--username=signalbox",
		"--write-recovery-conf", "--checkpoint=fast", "--no-sync")
	if out, err := backup.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, out)
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	return s.Up()
}

// binaries finds the newest installation that is new enough.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	major := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // a name that is no number is 0: too old
		return n
	}
	slices.SortFunc(found, func(a, b string) int { return major(b) - major(a) })
	if len(found) == 0 || major(found[0]) < minMajor {
		return "", fmt.Errorf("PostgreSQL %d or later is not installed under /usr/lib/postgresql: apt-get install postgresql", minMajor)
	}
	return filepath.Dir(found[0]), nil
}

// ordinaryUser is whom the server runs as when we are root: it refuses to be root.
func ordinaryUser() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("neither a user postgres nor nobody: PostgreSQL does not run as root")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// Dir is where the server keeps everything. Stop removes it; who may be killed before has somebody else do it.
func (s *Server) Dir() string { return s.dir }

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	// The kernel ends the server (SIGQUIT: at once) when the test program ends, however it does.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// KeepMemory is how the server's processes are told to keep the memory that one statement has used for the next one (docs/operations.md): by default
// glibc gives what is above 128 KiB back to the system after each.
var KeepMemory = []string{"MALLOC_TRIM_THRESHOLD_=67108864", "MALLOC_TOP_PAD_=1048576"}

// Up starts the server and waits until it takes connections. After a SIGKILL of the postmaster its children may still be leaving: it is
// tried again until they have.
func (s *Server) Up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for tries := 0; ; tries++ {
		err := s.up()
		if err == nil || tries == 50 || !strings.Contains(err.Error(), "still in use") {
			return err
		}
		<-time.After(50 * time.Millisecond)
	}
}

func (s *Server) up() error {
	if err := os.Remove(filepath.Join(s.dir, "log")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"-D", s.data()}
	for _, setting := range append([]string{
		"listen_addresses=127.0.0.1", fmt.Sprint("port=", s.port), "unix_socket_directories=" + s.dir, "fsync=on", "max_connections=200",
		"shared_buffers=128MB", "max_wal_size=4GB", "log_min_messages=warning",
	}, s.settings...) {
		args = append(args, "-c", setting)
	}
	cmd := s.command("postgres", args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), KeepMemory...)
	started, gone := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // Pdeathsig is of the thread that starts it
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // ended by us
		}
		close(gone)
	}()
	if err := <-started; err != nil {
		return err
	}
	s.cmd, s.gone = cmd, gone
	return s.ready()
}

// ready waits until the server takes connections.
func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		url := s.url("public")
		if s.local {
			url = fmt.Sprintf("postgres://signalbox@/postgres?host=%s&port=%d", s.dir, s.port)
		}
		c, err := pgx.Connect(ctx, url)
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-s.gone:
			text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("the server ended: %s", text)
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Down ends the server with a signal and waits for it: SIGINT in good order, SIGQUIT as if it crashed, SIGKILL the postmaster alone.
func (s *Server) Down(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-s.gone
	return nil
}

// Stop ends the server for good and removes what it stored.
func (s *Server) Stop() error {
	return errors.Join(s.Down(syscall.SIGQUIT), os.RemoveAll(s.dir))
}

func (s *Server) url(schema string) string {
	return fmt.Sprintf("postgres://signalbox@127.0.0.1:%d/postgres?sslmode=disable&search_path=%s", s.port, schema)
}

// Of is the URL of the same database as one of another server's URLs, on this server.
func (s *Server) Of(t TB, url string) string {
	t.Helper()
	_, schema, ok := strings.Cut(url, "search_path=")
	if !ok {
		t.Fatalf("%s is no URL of a schema", url)
	}
	return s.url(schema)
}

// URL is the server's database, in the schema that every database has.
func (s *Server) URL() string { return s.url("public") }

// TB is what a test gives: TB is one.
type TB interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Schema makes an empty schema for one test and returns the URL of a database that is nothing else.
func (s *Server) Schema(t TB) string {
	t.Helper()
	name := fmt.Sprint("box", s.schemas.Add(1))
	s.Exec(t, "CREATE SCHEMA "+name)
	return s.url(name)
}

// DemandPassword makes a role that has a password and must show it.
func (s *Server) DemandPassword(t TB, role, password string) {
	t.Helper()
	s.Exec(t, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", role, password))
	s.mu.Lock()
	defer s.mu.Unlock()
	path := filepath.Join(s.data(), "pg_hba.conf")
	rest, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := fmt.Sprintf("host all %s 127.0.0.1/32 scram-sha-256\n", role)
	if err := os.WriteFile(path, append([]byte(first), rest...), 0o600); err != nil { // keeps the file's owner
		t.Fatal(err)
	}
	s.Exec(t, "SELECT pg_reload_conf()")
}

// Exec runs statements as the server's owner.
func (s *Server) Exec(t TB, sql string) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
