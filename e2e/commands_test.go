package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"signalbox/client"
)

// proves S1-28 (contract section 15: first start; commands)
func TestCommands_ANewcomersFirstHour(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServer(t, dir, nil)
	env := credentials(t, dir)
	s.Client = client.New(s.url, env["SIGNALBOX_API_KEY"], client.WithRetries(0))
	if env["SIGNALBOX_URL"] != s.url {
		t.Errorf("the credentials name the server %s, it is %s", env["SIGNALBOX_URL"], s.url)
	}

	c := catch(t, nil)
	listening := start(t, nil, kit.signalbox, "listen", "--data-dir", dir, "--forward-to", c.URL+"/hooks", "--events", "signal.*")
	_, secret, ok := strings.Cut(listening.out.await(t, "Signing secret: ", listening.exited), "Signing secret: ")
	if !ok || !strings.HasPrefix(secret, "whsec_") {
		t.Fatalf("listen wrote no secret but %q", secret)
	}
	out := output(t, nil, kit.signalbox, "send", "--data-dir", dir, "--type", "demo_requested", "--source", "website",
		"--email", "jane@acme.com", "--property", "plan=pro", "--property", "seats=12", "--json")
	var receipt struct{ ID, Status string }
	if err := json.Unmarshal([]byte(out), &receipt); err != nil || receipt.Status != "received" {
		t.Fatalf("send printed %q: %v", out, err)
	}
	got := c.next()
	if !strings.Contains(string(got.body), receipt.ID) || !strings.Contains(string(got.body), `"properties":{"plan":"pro","seats":12}`) {
		t.Errorf("listen forwarded %s", got.body)
	}
	if line := listening.out.await(t, "signal.created", listening.exited); !strings.Contains(line, "200") {
		t.Errorf("listen reports %q, want the receiver's 200", line)
	}
	verifyCommand(t, secret, got)
	endListening(t, s, listening)
}

// credentials reads what a first start without a terminal leaves, as a shell would.
func credentials(t *testing.T, dir string) map[string]string {
	t.Helper()
	path := filepath.Join(dir, "credentials.env")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the credentials have the mode %o, want 600", mode)
	}
	out := output(t, nil, "sh", "-c", `. "$0" && echo "$SIGNALBOX_URL $SIGNALBOX_API_KEY"`, path)
	url, key, _ := strings.Cut(strings.TrimSpace(out), " ")
	if !regexp.MustCompile(`^sk_live_[0-9A-Za-z]{36}$`).MatchString(key) {
		t.Fatalf("the credentials hold no key: %q", out)
	}
	return map[string]string{"SIGNALBOX_URL": url, "SIGNALBOX_API_KEY": key}
}

// verifyCommand checks a delivery with signalbox verify, as it came and tampered with, under each of its signatures.
func verifyCommand(t *testing.T, secret string, got delivery) {
	t.Helper()
	env := []string{"SIGNALBOX_WEBHOOK_SECRET=" + secret}
	args := []string{"verify"}
	for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "X-Stairoids-Signature"} {
		args = append(args, "--header", name+": "+got.header.Get(name))
	}
	for _, scheme := range []string{"standard", "stairoids"} {
		with := append(args, "--scheme", scheme)
		if out, errs, err := try(t, env, string(got.body), kit.signalbox, with...); err != nil || !strings.Contains(out, "good") {
			t.Errorf("verify refuses a real delivery under %s: %v %s%s", scheme, err, out, errs)
		}
		if out, _, err := try(t, env, string(got.body)+" ", kit.signalbox, with...); err == nil {
			t.Errorf("verify takes a tampered delivery under %s: %s", scheme, out)
		}
	}
}

// endListening ends listen as Ctrl-C does; its temporary webhook goes with it.
func endListening(t *testing.T, s *server, p *program) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-p.exited
	if p.err != nil {
		t.Errorf("listen ended with %v", p.err)
	}
	for w, err := range s.Webhooks(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("the webhook %s (%s) is left", w.ID, w.Label)
	}
}

// Contract section 15: send a JSONL file; sending it again counts nothing twice.
func TestCommands_SendAFileTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	var lines strings.Builder
	const n = 1200
	for i := range n {
		line, err := json.Marshal(map[string]any{"type": "page_view", "source": "file", "properties": map[string]int{"line": i}})
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	path := filepath.Join(t.TempDir(), "signals.jsonl")
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"SIGNALBOX_URL=" + s.url, "SIGNALBOX_API_KEY=" + apiKey}
	for range 2 {
		output(t, env, kit.signalbox, "send", "--jsonl", path)
		if got := s.storedSignals(); got != n {
			t.Errorf("%d signals are stored, want %d", got, n)
		}
	}
}

func TestCommands_TheDemoPlaysToItsEndAndVerifiesEverything(t *testing.T) {
	t.Parallel()
	out := output(t, nil, kit.signalbox, "demo", "--once", "--speed", "500")
	end := regexp.MustCompile(`(\d+) signals sent, (\d+) webhooks verified, (\d+) refused`).FindStringSubmatch(out)
	if end == nil {
		t.Fatalf("the demo's end is missing in:\n%s", out)
	}
	if end[1] == "0" || end[2] != end[1] || end[3] != "0" {
		t.Errorf("the demo ends with %q, want as many verified as sent and none refused", end[0])
	}
}

func TestCommands_WrongUseSaysWhatIsRight(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		args []string
		says string
	}{
		{"an unknown flag", []string{"serve", "--adr", ":1"}, "--adr"},
		{"a bad address", []string{"check-config", "--addr", "nowhere"}, "--addr"},
		{"no key", []string{"send", "--type", "t", "--source", "s", "--data-dir", "/nonexistent"}, "SIGNALBOX_API_KEY"},
		{"no secret", []string{"verify"}, "SIGNALBOX_WEBHOOK_SECRET"},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, errs, err := try(t, nil, "", kit.signalbox, test.args...)
			if err == nil || !strings.Contains(errs, test.says) || strings.Contains(errs, "goroutine") {
				t.Errorf("%v: %v, and says %q; want it to fail and to name %s", test.args, err, errs, test.says)
			}
		})
	}
}
