package main

import (
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
		t.Skip("the rest needs curl, which is not installed")
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

// The real process: signals cannot be shown in-process.
func TestMain_SIGTERMDrainsAndExitsCleanly(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "signalbox")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	dir := filepath.Join(t.TempDir(), "data")
	cmd := exec.Command(binary, "serve", "--addr", "127.0.0.1:0", "--data-dir", dir)
	log := newWatched()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }() // after a clean exit there is nothing to kill
	log.until(t, "server.started")
	url, key, err := readCredentials(dir)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := client.New(url, key).SendSignal(t.Context(), client.SignalInput{Type: "t", Source: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it did not end cleanly: %v\n%s", err, log)
		}
	case <-time.After(patience):
		t.Fatalf("it did not end:\n%s", log)
	}
	s := &server{dir: dir, key: key}
	s.start(t, "127.0.0.1:0")
	if _, err := s.client().Signal(t.Context(), receipt.ID); err != nil {
		t.Errorf("after the next start: %v", err)
	}
}
