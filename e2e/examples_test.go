package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"signalbox/client"
)

// The scripts under examples/ are what readers copy: they must work as they stand.

// Running the sender of GitHub's payloads twice stores nothing twice.
func TestExamples_TheGitHubPayloadsAreSentOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	c := catch(t, nil)
	hook := s.hook(client.WebhookInput{URL: c.URL})
	here, err := os.Getwd() // where npm ci has put the payloads
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"SIGNALBOX_URL=" + s.url, "SIGNALBOX_API_KEY=" + apiKey, "EXAMPLES_DIR=" + here}
	for range 2 {
		output(t, env, "sh", "../examples/github/send.sh")
		if n := s.storedSignals(); n != published {
			t.Fatalf("%d signals are stored, want %d", n, published)
		}
	}
	s.settled(hook.ID, published, "delivered")
}

// proves S0-42, S1-28…S1-32
func TestExamples_TheReceiversTakeRealDeliveriesAndNoOthers(t *testing.T) {
	t.Parallel()
	for _, example := range []string{"express.mjs", "flask_app.py"} {
		for _, signatureFormat := range []string{"", "prefixed"} {
			t.Run(strings.TrimSpace(example+" "+signatureFormat), func(t *testing.T) {
				t.Parallel()
				s := serve(t, "--dev")
				off := false
				order := client.WebhookInput{URL: nowhere, SignatureFormat: signatureFormat, Enabled: &off}
				good, bad := s.hook(order), s.hook(order)
				right, url := exampleReceiver(t, example, good.Secret.Reveal())
				s.point(good, url)
				s.point(bad, url) // signed with another secret
				receipt := s.send(trial())
				s.settled(good.ID, 1, "delivered")
				if refused := s.settled(bad.ID, 1, "retrying")[0]; refused.Reason != "http_401" {
					t.Errorf("the forged delivery has the reason %q, want http_401", refused.Reason)
				}
				right.out.await(t, receipt.ID, right.exited)
			})
		}
	}
}

var listeningAt = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// exampleReceiver starts an example on a free port, beside the modules that it imports, and returns the URL of its webhook.
func exampleReceiver(t *testing.T, name, secret string) (*program, string) {
	t.Helper()
	modules, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "examples", "receivers", name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	interpreter := kit.node
	if strings.HasSuffix(name, ".py") {
		interpreter = kit.python
	}
	p := start(t, []string{"STAIROIDS_WEBHOOK_SECRET=" + secret, "PORT=0"}, interpreter, path)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // an example runs until it is stopped
		<-p.exited
	})
	line := p.out.await(t, "http://127.0.0.1:", p.exited)
	return p, listeningAt.FindString(line) + "/webhooks/stairoids"
}
