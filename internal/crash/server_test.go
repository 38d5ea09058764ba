package crash_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// apiKey is the server's from its first moment.
const apiKey = "sk_live_crash0harness0crash0harness0crash0"

// secretKey seals what the nodes of one database share.
const secretKey = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// site is where a server lives: its address stays the same over all its lives, its data may move. Several sites may share a database: each
// is a node then.
type site struct {
	t        *testing.T
	bin      string
	addr     string
	data     string
	log      string
	database string   // URL of its PostgreSQL database; "": the embedded one in data
	flags    []string // of serve, beside the usual
	env      []string // of each life, beside its own
	wrap     []string // a command that runs the server: strace and its flags
	http     *http.Client

	mu    sync.Mutex
	lives []*server
}

// newSite prepares a place for servers; nothing runs yet. What is left at the end of the test is killed.
func newSite(t *testing.T, dir string) *site {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{
		t: t, bin: bin, addr: freeAddr(t), data: filepath.Join(dir, "data"), log: filepath.Join(dir, "server.log"),
		http: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}},
	}
	t.Cleanup(func() {
		for _, v := range s.lives {
			v.kill()
		}
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", endOf(s.log))
		}
	})
	return s
}

// freeAddr finds a loopback port below those that the system gives to connections, so that nobody takes it between two lives.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		addr := "127.0.0.1:" + strconv.Itoa(20_000+rand.IntN(10_000))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port between 20000 and 30000")
	return ""
}

// endOf is the last of a file.
func endOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	var said []string
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, "msg=server.dev") { // each life's warning of --dev
			said = append(said, line)
		}
	}
	end := strings.Join(said, "")
	return end[max(0, len(end)-tailBytes):]
}

func (s *site) url() string { return "http://" + s.addr }

// server is one life of the program.
type server struct {
	site  *site
	cmd   *exec.Cmd
	born  time.Time
	ended chan struct{} // closed when the process is gone
	died  time.Time     // set before ended is closed
	ready time.Duration // from birth; 0: never
}

// start runs the program; env adds to its environment.
func (s *site) start(env ...string) *server {
	s.t.Helper()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	argv := slices.Concat(s.wrap, []string{s.bin, "serve", "--dev", "--data-dir", s.data, "--addr", s.addr, "--log-level", "warn"}, s.flags)
	shared := []string{"SIGNALBOX_BOOTSTRAP_API_KEY=" + apiKey}
	if s.database != "" {
		argv = append(argv, "--database-url", s.database)
		shared = append(shared, "SIGNALBOX_SECRET_KEY="+secretKey)
	}
	v := &server{site: s, cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	v.cmd.Env = slices.Concat(os.Environ(), shared, s.env, env)
	v.cmd.Stdout, v.cmd.Stderr = log, log
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if len(s.wrap) > 0 {
		v.cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM // a tracer that is killed lets its child run on
	}
	v.born = time.Now()
	if err := v.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = v.cmd.Wait() // how it ended is in ProcessState
		v.died = time.Now()
		close(v.ended)
	}()
	s.mu.Lock()
	s.lives = append(s.lives, v)
	s.mu.Unlock()
	return v
}

// mustStart runs the program and waits until it is ready.
func (s *site) mustStart(env ...string) *server {
	s.t.Helper()
	v := s.start(env...)
	if !v.awaitReady(20 * time.Second) {
		s.t.Fatalf("the server is not ready after 20 s, or ended: %v", v.outcome())
	}
	return v
}

// awaitReady asks until the server is ready, and notes how long that took.
func (v *server) awaitReady(within time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	yes := eventually(ctx, within, 3*time.Millisecond, func() bool {
		if v.gone() {
			cancel()
			return false
		}
		return v.site.isReady(ctx)
	})
	if yes && v.ready == 0 {
		v.ready = time.Since(v.born)
	}
	return yes
}

func (s *site) isReady(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url()+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := s.http.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func (v *server) gone() bool {
	select {
	case <-v.ended:
		return true
	default:
		return false
	}
}

// outcome says how the process ended.
func (v *server) outcome() string {
	if !v.gone() {
		return "still running"
	}
	return v.cmd.ProcessState.String()
}

// kill ends the process, and those it has started, at once. It returns when they are gone.
func (v *server) kill() {
	_ = syscall.Kill(-v.cmd.Process.Pid, syscall.SIGKILL) // gone already: nothing to do
	<-v.ended
}

// stop asks the process to end, and checks that it did so in order.
func (v *server) stop() {
	v.site.t.Helper()
	if err := v.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		v.site.t.Errorf("stop the server: %v", err)
		return
	}
	select {
	case <-v.ended:
	case <-time.After(40 * time.Second):
		v.kill()
		v.site.t.Error("the server does not end within 40 s of SIGTERM")
		return
	}
	if code := v.cmd.ProcessState.ExitCode(); code != 0 {
		v.site.t.Errorf("the server ended with %s after SIGTERM", v.outcome())
	}
}

// call makes one API request; a body that is not nil is sent as JSON, an answer decoded into out.
func (s *site) call(method, path string, body, out any) (status int, header http.Header, err error) {
	return s.callAs(apiKey, method, path, body, out)
}

// callAs is call with another key.
func (s *site) callAs(key, method, path string, body, out any) (status int, header http.Header, err error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, s.url()+path, sent)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && out != nil && res.StatusCode < 300 {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %d %.300s: %w", method, path, res.StatusCode, text, err)
	}
	return res.StatusCode, res.Header, err
}

// mustCall is call for an answer that has to be the given status.
func (s *site) mustCall(want int, method, path string, body, out any) {
	s.t.Helper()
	status, _, err := s.call(method, path, body, out)
	if err != nil {
		s.t.Fatal(err)
	}
	if status != want {
		s.t.Fatalf("%s %s: status %d, want %d", method, path, status, want)
	}
}

// webhook registers a webhook and returns its id.
func (s *site) webhook(url, format, signature, secret string, inFlight int) string {
	s.t.Helper()
	body := map[string]any{"url": url, "events": []string{"signal.created"}, "format": format, "secret": secret, "max_in_flight": inFlight}
	if signature != "" {
		body["signature_format"] = signature
	}
	var made struct {
		ID string `json:"id"`
	}
	s.mustCall(http.StatusCreated, http.MethodPost, "/v1/webhooks", body, &made)
	return made.ID
}

// deliveries lists up to 100 of a webhook's deliveries that stand so.
func (s *site) deliveries(webhook, status string) []string {
	s.t.Helper()
	var page struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	s.mustCall(http.StatusOK, http.MethodGet, "/v1/webhooks/"+webhook+"/deliveries?limit=100&status="+status, nil, &page)
	ids := make([]string, len(page.Data))
	for i, d := range page.Data {
		ids[i] = d.ID
	}
	return ids
}
