package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox/app"
	"signalbox/client"
)

var update = flag.Bool("update", false, "write the golden files anew")

// patience is how long a test waits for something that must come.
const patience = 30 * time.Second

// cli runs commands in this process as the operating system would.
type cli struct {
	stdin    string
	environ  []string
	terminal bool
	now      time.Time // zero: the clock
}

// result is what a command left.
type result struct {
	code     int
	out, err string
}

func (c cli) run(t testing.TB, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := c.program(&out, &errs).run(t.Context(), args)
	return result{code, out.String(), errs.String()}
}

func (c cli) program(out, errs io.Writer) *program {
	p := &program{stdin: strings.NewReader(c.stdin), stdout: out, stderr: errs, environ: c.environ, terminal: c.terminal, now: time.Now}
	if !c.now.IsZero() {
		p.now = func() time.Time { return c.now }
	}
	return p
}

// background is a command that runs until its test stops it.
type background struct {
	out, err *watched
	stop     context.CancelFunc
	done     chan struct{}
	code     int // once done
}

func (c cli) start(t *testing.T, args ...string) *background {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b := &background{out: newWatched(), err: newWatched(), stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(b.done)
		b.code = c.program(b.out, b.err).run(ctx, args)
	}()
	t.Cleanup(func() {
		cancel()
		b.wait(t)
	})
	return b
}

// wait returns the exit status.
func (b *background) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-b.done:
		return b.code
	case <-time.After(patience):
		t.Errorf("the command does not end; it wrote:\n%s\n%s", b.out, b.err)
		return -1
	}
}

// watched is a writer that tells when something was written to it.
type watched struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newWatched() *watched { return &watched{changed: make(chan struct{})} }

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// until waits for text and returns all that was written.
func (w *watched) until(t *testing.T, text string) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		w.mu.Lock()
		all, changed := w.text.String(), w.changed
		w.mu.Unlock()
		if strings.Contains(all, text) {
			return all
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%q never came; there is:\n%s", text, all)
		}
	}
}

// server is the real program in this process.
type server struct {
	app  *app.App
	url  string
	key  string
	dir  string
	stop func()
}

// startServer starts a server on an empty data directory.
func startServer(t testing.TB) *server {
	t.Helper()
	s := &server{dir: filepath.Join(t.TempDir(), "data")}
	s.start(t, "127.0.0.1:0")
	first, ok := s.app.FirstStart()
	if !ok {
		t.Fatal("an empty data directory is a first start")
	}
	s.key = first.APIKey
	if err := s.app.FirstStartShown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs the server on its data directory; it can be stopped and started again.
func (s *server) start(t testing.TB, addr string) {
	t.Helper()
	a, err := app.New(t.Context(), app.Config{Addr: addr, DataDir: s.dir, Dev: true})
	for end := time.Now().Add(30 * time.Second); errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(end); {
		<-time.After(20 * time.Millisecond) // a connection of another test has the port for a moment
		a, err = app.New(t.Context(), app.Config{Addr: addr, DataDir: s.dir, Dev: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	s.app, s.url = a, a.URL()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop the server: %v", err)
		}
	})
	t.Cleanup(s.stop)
}

// cli is a command line that knows the server.
func (s *server) cli() cli {
	return cli{environ: []string{"SIGNALBOX_URL=" + s.url, "SIGNALBOX_API_KEY=" + s.key}}
}

func (s *server) client() *client.Client {
	// A connection of its own, so that stopping the server does not wait for another test's.
	return client.New(s.url, s.key, client.WithHTTPClient(&http.Client{Transport: &http.Transport{}}))
}

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); refresh it with -update:\n%s", path, diff)
	}
}

// write makes a file in a directory of the test.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
