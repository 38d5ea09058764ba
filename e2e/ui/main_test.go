// Package ui holds the tests of the dashboard in a real browser: Chromium against the real program as it is built and started. Each page's main
// act, axe-core on every page in both themes at a desk's and a phone's width, no error on the console, no violation of the policy, and text from
// outside that stays text.
//
//	go test ./e2e/ui -shots /tmp/shots      keeps a picture of every page and state, to look at
package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"signalbox/client"
)

var shots = flag.String("shots", "", "a directory to keep pictures of the pages in")

// kit is what TestMain found and built; the tests only read it.
var kit struct {
	signalbox string // the built program
	chromium  string
	axe       string // the text of axe-core
}

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "signalbox-ui-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := 1
	if err := prepare(dir); err != nil {
		fmt.Fprintf(os.Stderr, "the tests of the dashboard cannot run:\n%v\n", err)
	} else {
		code = m.Run()
	}
	stopBrowser()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// prepare builds the program and looks for every tool, so that one run names all that is missing.
func prepare(dir string) error {
	var errs []error
	kit.signalbox = filepath.Join(dir, "signalbox")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && kit.chromium == "" {
			kit.chromium = path
		}
	}
	if kit.chromium == "" {
		errs = append(errs, errors.New("- no Chromium is there to open the dashboard: apt-get install chromium"))
	}
	axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	if err != nil {
		errs = append(errs, errors.New("- the npm package axe-core is missing: npm ci --prefix e2e --ignore-scripts"))
	}
	kit.axe = string(axe)
	if *shots != "" {
		errs = append(errs, os.MkdirAll(*shots, 0o755))
	}
	if out, err := exec.Command("go", "build", "-o", kit.signalbox, "signalbox/cmd/signalbox").CombinedOutput(); err != nil {
		errs = append(errs, fmt.Errorf("- the program does not build: %w\n%s", err, out))
	}
	return errors.Join(errs...)
}

// What every server of these tests has from its first moment.
const (
	apiKey   = "sk_live_dashboard_tests_bootstrap_key"
	email    = "ada@example.com"
	password = "correct horse battery staple"
)

// server is the real program, serving.
type server struct {
	*client.Client
	t   *testing.T
	url string

	webhook, delivery, icp, persona string // those of settingsPaths
	typ                             string // that of paths
}

// serve starts the program on a data directory of its own, and stops it when the test ends.
func serve(t *testing.T) *server {
	t.Helper()
	cmd := exec.Command(kit.signalbox, "serve", "--dev", "--addr", "127.0.0.1:0", "--data-dir", t.TempDir(), "--log-format", "json")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "SIGNALBOX_BOOTSTRAP_API_KEY=" + apiKey, "SIGNALBOX_ADMIN_EMAIL=" + email, "SIGNALBOX_ADMIN_PASSWORD=" + password}
	log := &transcript{started: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	s := &server{t: t}
	t.Cleanup(func() {
		if s.Client != nil {
			s.CloseIdle()
		}
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended just now
		select {
		case err := <-exited:
			if err != nil {
				t.Errorf("the server ended with %v", err)
			}
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			<-exited
			t.Error("the server did not end after SIGTERM")
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", log.tail())
		}
	})
	select {
	case addr := <-log.started:
		s.url = "http://" + addr
	case err := <-exited:
		exited <- err
		t.Fatalf("the server ended at once: %v\n%s", err, log.tail())
	case <-time.After(patience):
		t.Fatalf("the server did not start:\n%s", log.tail())
	}
	s.Client = client.New(s.url, apiKey, client.WithRetries(0))
	return s
}

// transcript keeps what the program writes, and tells where it serves.
type transcript struct {
	mu      sync.Mutex
	text    bytes.Buffer
	told    bool
	until   string // unless "", the text that says that it serves
	started chan string
}

// Write implements io.Writer.
func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if !l.told && l.until != "" && strings.Contains(l.text.String(), l.until) {
		l.told = true
		l.started <- ""
	}
	for line := range bytes.Lines(l.text.Bytes()) {
		var said struct{ Msg, Addr string }
		if !l.told && json.Unmarshal(line, &said) == nil && said.Msg == "server.started" {
			l.told = true
			l.started <- said.Addr
		}
	}
	return len(p), nil
}

func (l *transcript) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	return text[max(0, len(text)-6000):]
}
