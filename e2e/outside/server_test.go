package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
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

// patience is how long a test waits for something that must come; beat is how often it asks where nothing can tell it.
const (
	patience = 20 * time.Second
	beat     = 20 * time.Millisecond
)

const apiKey = "sk_live_outside_tests_bootstrap_key"

// server is the real program, as it runs without --dev.
type server struct {
	*client.Client
	t      *testing.T
	dir    string
	cmd    *exec.Cmd
	pid    int
	exited chan error
	log    *transcript
}

// serve starts the program on a data directory; the public receiver's authority is trusted. Its heap is collected when it has grown by a quarter, so
// that resident memory follows what is held and not what a busy server's collector leaves lying (app.TuneMemory).
func serve(t *testing.T, dir string, flags ...string) *server {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, sentinels.authority, 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"serve", "--addr", "127.0.0.1:0", "--data-dir", dir, "--log-format", "json", "--target-ca", ca, "--drain-grace", "1s"}, flags...)
	s := &server{t: t, dir: dir, cmd: exec.Command(program, args...), exited: make(chan error, 1), log: &transcript{started: make(chan string, 1)}}
	s.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "SIGNALBOX_BOOTSTRAP_API_KEY=" + apiKey, "GOGC=25"}
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.pid = s.cmd.Process.Pid
	go func() { s.exited <- s.cmd.Wait() }()
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("the server's log ends:\n%s", s.log.tail())
		}
	})
	select {
	case addr := <-s.log.started:
		transport := &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 32}
		s.Client = client.New("http://"+addr, apiKey, client.WithHTTPClient(&http.Client{Transport: transport}), client.WithRetries(0))
	case <-time.After(patience):
		t.Fatal("the server did not start")
	}
	return s
}

// stop ends the server, the first time.
func (s *server) stop() {
	if s.cmd == nil {
		return
	}
	if s.Client != nil {
		s.CloseIdle()
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended just now
	s.cmd = nil
	select {
	case err := <-s.exited:
		if err != nil {
			s.t.Errorf("the server ended with %v", err)
		}
	case <-time.After(patience):
		s.t.Error("the server did not end")
	}
}

// transcript keeps what the server writes, and says where it listens.
type transcript struct {
	started chan string

	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(p) {
		var entry struct{ Msg, Addr string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "server.started" {
			l.started <- entry.Addr
		}
	}
	return l.text.Write(p)
}

func (l *transcript) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	return text[max(0, len(text)-4000):]
}

// each does something with every number below n, several at a time.
func each(n int, do func(i int)) {
	var all sync.WaitGroup
	next := make(chan int)
	for range 16 {
		all.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

// hook makes a webhook that takes every signal.
func (s *server) hook(url string) (client.Webhook, error) {
	return s.CreateWebhook(s.t.Context(), client.WebhookInput{URL: url, Events: []string{"signal.created"}})
}

func (s *server) mustHook(url string) client.Webhook {
	s.t.Helper()
	made, err := s.hook(url)
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

// signal sends one signal in.
func (s *server) signal() {
	s.t.Helper()
	_, err := s.SendSignal(s.t.Context(), client.SignalInput{Type: "page_view", Source: "website", Account: client.AccountInput{Domain: "acme.example"}})
	if err != nil {
		s.t.Fatal(err)
	}
}

// newest is the newest delivery of a webhook that is no test call, as soon as it was attempted.
func (s *server) newest(webhook string) (found client.Delivery, ok bool) {
	ok = s.eventually(func(ctx context.Context) bool {
		for d, err := range s.Deliveries(ctx, webhook, client.DeliveryQuery{PageSize: 5}) {
			if err == nil && !d.Test {
				found = d
				return d.AttemptCount > 0
			}
		}
		return false
	})
	return found, ok
}

// attempted is a delivery as soon as it has so many attempts and waits for nothing but its schedule.
func (s *server) attempted(delivery string, n int) (found client.Delivery, ok bool) {
	ok = s.eventually(func(ctx context.Context) bool {
		d, err := s.Delivery(ctx, delivery)
		found = d
		return err == nil && len(d.Attempts) >= n && d.Reason != "manual_retry"
	})
	return found, ok
}

// eventually asks until the answer is yes, or for as long as there is patience.
func (s *server) eventually(ask func(ctx context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for !ask(ctx) {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
	return true
}

// short cuts a text for a message.
func short(s string) string { return strings.ToValidUTF8(s[:min(len(s), 100)], "?") }
