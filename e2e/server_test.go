package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"signalbox/client"
)

// patience is how long a test waits for something that must come; beat is how often it asks where nothing can tell it.
const (
	patience = 30 * time.Second
	beat     = 10 * time.Millisecond
)

// apiKey is the admin key that every server of these tests has from its first moment.
const apiKey = "sk_live_end_to_end_tests_bootstrap"

// server is the real program, serving.
type server struct {
	*client.Client
	t      *testing.T
	url    string
	dir    string
	cmd    *exec.Cmd
	log    *transcript
	exited chan struct{} // closed when it has ended
	err    error         // how, once exited is closed
}

// serve starts the program on a data directory of its own, and stops it when the test ends: with SIGTERM, and its exit must be 0.
func serve(t *testing.T, flags ...string) *server {
	t.Helper()
	return serveIn(t, t.TempDir(), flags...)
}

// serveIn starts the program on a data directory.
func serveIn(t *testing.T, dir string, flags ...string) *server {
	t.Helper()
	return startServer(t, dir, []string{"SIGNALBOX_BOOTSTRAP_API_KEY=" + apiKey}, flags...)
}

func startServer(t *testing.T, dir string, env []string, flags ...string) *server {
	t.Helper()
	args := append([]string{"serve", "--addr", "127.0.0.1:0", "--data-dir", dir, "--log-format", "json", "--log-level", "debug"}, flags...)
	s := &server{t: t, dir: dir, cmd: exec.Command(kit.signalbox, args...), log: newTranscript(), exited: make(chan struct{})}
	s.cmd.Env = append(bareEnv(), env...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log.tail())
		}
	})
	line := s.log.await(t, `"msg":"server.started"`, s.exited)
	var started struct{ Addr string }
	if err := json.Unmarshal([]byte(line), &started); err != nil {
		t.Fatalf("the server's start reads %q: %v", line, err)
	}
	s.url = "http://" + started.Addr
	s.Client = client.New(s.url, apiKey, client.WithRetries(0))
	return s
}

// bareEnv is an environment that names no setting of the program.
func bareEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}
}

// stop drains the server; a second call does nothing.
func (s *server) stop() {
	s.t.Helper()
	if s.Client != nil {
		s.CloseIdle()
	}
	select {
	case <-s.exited:
		return
	default:
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended just now
	s.awaitExit()
}

// awaitExit waits for the server's end, which must be a clean one.
func (s *server) awaitExit() {
	s.t.Helper()
	select {
	case <-s.exited:
		if s.err != nil {
			s.t.Errorf("the server ended with %v, want exit code 0", s.err)
		}
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		<-s.exited
		s.t.Errorf("the server did not end %s after SIGTERM", patience)
	}
}

// transcript keeps what a program writes and tells who waits for a line of it.
type transcript struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newTranscript() *transcript { return &transcript{changed: make(chan struct{})} }

// Write implements io.Writer.
func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(p)
}

// String is all that was written.
func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tail is the end of what was written, as much as anybody reads.
func (l *transcript) tail() string {
	text := l.String()
	return text[max(0, len(text)-8000):]
}

// await returns the first whole line that holds a text; ended tells that no more will be written.
func (l *transcript) await(t *testing.T, text string, ended <-chan struct{}) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		l.mu.Lock()
		line, changed := findLine(l.text.Bytes(), text), l.changed
		l.mu.Unlock()
		if line != "" {
			return line
		}
		select {
		case <-changed:
		case <-ended:
			ended = nil
			if line := findLine([]byte(l.String()), text); line != "" {
				return line
			}
			t.Fatalf("the program ended without writing %q; it wrote:\n%s", text, l.tail())
		case <-deadline:
			t.Fatalf("the program did not write %q; it wrote:\n%s", text, l.tail())
		}
	}
}

func findLine(all []byte, text string) string {
	lines := bufio.NewReader(bytes.NewReader(all))
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return "" // not whole yet
		}
		if strings.Contains(line, text) {
			return strings.TrimSuffix(line, "\n")
		}
	}
}

// eventually asks a question until it is answered with true: for conditions that nothing can signal, such as another process's state.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("%s: not so after %s", what, patience)
		}
	}
}

// send sends one signal.
func (s *server) send(in client.SignalInput) client.Receipt {
	s.t.Helper()
	receipt, err := s.SendSignal(s.t.Context(), in)
	if err != nil {
		s.t.Fatal(err)
	}
	return receipt
}

// trial is a signal like the documents' own.
func trial() client.SignalInput {
	return client.SignalInput{
		Type: "product_trial_started", Source: "internal_app",
		Account:    client.AccountInput{Domain: "acmecorp.com", Name: "Acme Corp"},
		Contact:    client.ContactInput{Email: "jane.doe@acmecorp.com", FirstName: "Jane", LastName: "Doe"},
		Properties: map[string]any{"plan": "pro_trial", "note": "trial → notify <sales> & co"},
	}
}

// hook registers a webhook for signal.created.
func (s *server) hook(in client.WebhookInput) client.Webhook {
	s.t.Helper()
	if in.Events == nil {
		in.Events = []string{"signal.created"}
	}
	made, err := s.CreateWebhook(s.t.Context(), in)
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

// deliveries reads a webhook's whole log, newest first.
func (s *server) deliveries(webhook string) []client.Delivery {
	s.t.Helper()
	var all []client.Delivery
	for d, err := range s.Deliveries(s.t.Context(), webhook, client.DeliveryQuery{PageSize: 200}) {
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// settled waits until a webhook has n deliveries that all stand at status.
func (s *server) settled(webhook string, n int, status string) []client.Delivery {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		all, there := s.deliveries(webhook), 0
		for _, d := range all {
			if d.Status == status {
				there++
			}
		}
		if len(all) == n && there == n {
			return all
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("of %d deliveries %d are %s, want all of %d; the newest: %+v", len(all), there, status, n, newest(all))
		}
		<-ticker.C
	}
}

func newest(all []client.Delivery) any {
	if len(all) == 0 {
		return "none"
	}
	return all[0]
}

// storedSignals counts what the server has stored.
func (s *server) storedSignals() int {
	s.t.Helper()
	n := 0
	for _, err := range s.Signals(s.t.Context(), client.SignalQuery{PageSize: 200}) {
		if err != nil {
			s.t.Fatal(err)
		}
		n++
	}
	return n
}

// limited is a context that ends with the test's patience.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	t.Cleanup(cancel)
	return ctx
}
