package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"signalbox/client"
)

func TestServe_FirstStartOnATerminalPrintsACurlThatWorks(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	b := cli{terminal: true, environ: []string{"NO_COLOR=1"}}.start(t, "serve", "--addr", "127.0.0.1:0", "--data-dir", dir)
	said := b.out.until(t, "Ctrl-C stops it.")
	if !strings.Contains(said, "/docs") || !strings.Contains(said, "signalbox listen") {
		t.Errorf("the first start says\n%s", said)
	}
	if _, err := os.Stat(filepath.Join(dir, credentialsFile)); !os.IsNotExist(err) {
		t.Errorf("the key was also written to a file: %v", err)
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is missing: install it, or run the tools part of internal/testall")
	}
	from := strings.Index(said, "curl ")
	command := said[from : from+strings.Index(said[from:], "\n\n")]
	out, err := exec.Command("sh", "-c", command).CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"status":"received"`) {
		t.Errorf("%s\nanswered %s, %v", command, out, err)
	}
	b.stop()
	if code := b.wait(t); code != exitOK {
		t.Errorf("status %d after a stop: %s", code, b.err)
	}
	again := cli{terminal: true}.start(t, "serve", "--addr", "127.0.0.1:0", "--data-dir", dir)
	if said := again.out.until(t, "Ctrl-C stops it."); strings.Contains(said, "sk_live_") {
		t.Errorf("the second start says\n%s", said)
	}
}

func TestServe_FirstStartWithoutATerminalLeavesAFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	b := cli{}.start(t, "serve", "--addr", "127.0.0.1:0", "--data-dir", dir)
	b.err.until(t, "server.started")
	path := filepath.Join(dir, credentialsFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v; want a file for its owner only", info, err)
	}
	if log := b.err.String(); !strings.Contains(log, path) || strings.Contains(log+b.out.String(), "sk_live_") {
		t.Errorf("the log must name the file and not the key:\n%s", log)
	}
	// Every client command finds the key there.
	got := cli{}.run(t, "send", "--type", "t", "--source", "s", "--data-dir", dir)
	if got.code != exitOK {
		t.Errorf("send: status %d: %s", got.code, got.err)
	}
}

func TestServe_DevIsLoud(t *testing.T) {
	t.Parallel()
	b := cli{}.start(t, "serve", "--dev", "--addr", "127.0.0.1:0", "--data-dir", filepath.Join(t.TempDir(), "data"))
	b.err.until(t, "server.started")
	if !regexp.MustCompile(`--dev: .*http.*loopback`).MatchString(b.err.String()) {
		t.Errorf("--dev is not said loudly in\n%s", b.err)
	}
}

func TestServe_RefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	cases := map[string][]string{
		"held by process": {"--addr", "127.0.0.1:0", "--data-dir", s.dir},
		"--addr":          {"--addr", s.app.Addr(), "--data-dir", t.TempDir()},
		"problem: --addr": {"--addr", "nowhere", "--data-dir", t.TempDir()},
	}
	for says, args := range cases {
		got := cli{}.run(t, append([]string{"serve"}, args...)...)
		if got.code != exitFailure || !strings.Contains(got.err, says) {
			t.Errorf("%v: status %d: %s; want %q", args, got.code, got.err, says)
		}
	}
}

// process is the program as a process of its own: signals cannot be shown in-process.
type process struct {
	*exec.Cmd
	dir   string
	log   *watched
	ended chan error
}

// startProcess builds the program and serves with it.
func startProcess(t *testing.T) *process {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "signalbox")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := &process{dir: filepath.Join(t.TempDir(), "data"), log: newWatched(), ended: make(chan error, 1)}
	p.Cmd = exec.Command(binary, "serve", "--addr", "127.0.0.1:0", "--data-dir", p.dir, "--drain-grace", "10m")
	p.Stderr = p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.Wait() }()
	t.Cleanup(func() { _ = p.Process.Kill() }) // after a clean exit there is nothing to kill
	p.log.until(t, "server.started")
	return p
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// end waits for the process to end.
func (p *process) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(patience):
		t.Fatalf("it did not end:\n%s", p.log)
		panic("unreachable")
	}
}

func TestMain_SIGTERMDrainsAndExitsCleanly(t *testing.T) {
	t.Parallel()
	p := startProcess(t)
	url, key, err := readCredentials(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := client.New(url, key).SendSignal(t.Context(), client.SignalInput{Type: "t", Source: "s"})
	if err != nil {
		t.Fatal(err)
	}
	p.signal(t, syscall.SIGTERM)
	if err := p.end(t); err != nil {
		t.Errorf("it did not end cleanly: %v\n%s", err, p.log)
	}
	s := &server{dir: p.dir, key: key}
	s.start(t, "127.0.0.1:0")
	if _, err := s.client().Signal(t.Context(), receipt.ID); err != nil {
		t.Errorf("after the next start: %v", err)
	}
}

func TestMain_SecondSignalEndsItAtOnce(t *testing.T) {
	t.Parallel()
	p := startProcess(t)
	url, key, err := readCredentials(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A request that is never finished keeps the drain waiting. The server's 100 Continue says that it reads the body.
	fmt.Fprintf(conn, "POST /v1/signals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", key)
	if _, err := conn.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	p.signal(t, syscall.SIGTERM)
	p.log.until(t, "server.stopping")
	p.signal(t, os.Interrupt)
	var exit *exec.ExitError
	if err := p.end(t); !errors.As(err, &exit) || exit.ExitCode() == exitOK {
		t.Errorf("want an end by the signal, got %v", err)
	}
}
