package e2e

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"signalbox/client"
	"signalbox/sign"
)

// The code in docs/webhooks.md and in the manuals of the SDKs is what readers copy: it must work as it stands.

var fenced = regexp.MustCompile("(?ms)^```\\w+\n(?://|#) ([a-z_]+\\.\\w+)\n(.*?)^```$")

// written writes the one block of a document that begins with a file's name to that file, in a folder where the SDK and Express are installed.
func written(t *testing.T, document, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", document))
	if err != nil {
		t.Fatal(err)
	}
	dir, found := t.TempDir(), 0
	path := filepath.Join(dir, name)
	for _, block := range fenced.FindAllSubmatch(text, -1) {
		if string(block[1]) != name {
			continue
		}
		found++
		if err := os.WriteFile(path, block[2], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if found != 1 {
		t.Fatalf("%s has %d blocks of code that begin with %s, want 1", document, found, name)
	}
	if err := os.Mkdir(filepath.Join(dir, "node_modules"), 0o700); err != nil {
		t.Fatal(err)
	}
	for module, at := range map[string]string{"signalbox": "../sdk/typescript", "express": "node_modules/express"} {
		target, err := filepath.Abs(at)
		if err == nil {
			err = os.Symlink(target, filepath.Join(dir, "node_modules", module))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// command is how a file of a document is run; Go's is built first.
func command(t *testing.T, path string) []string {
	t.Helper()
	if !strings.HasSuffix(path, ".go") {
		return []string{interpreter(path), path}
	}
	binary := strings.TrimSuffix(path, ".go")
	if out, err := exec.CommandContext(limited(t), "go", "build", "-o", binary, path).CombinedOutput(); err != nil {
		t.Fatalf("%s does not build: %v\n%s", path, err, out)
	}
	return []string{binary}
}

// stranded starts a program that knows no end, and kills it when the test ends.
func stranded(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	p := start(t, env, args[0], args[1:]...)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	return p
}

// documented are the receivers of our documents; all verify webhook-signature.
var documented = []struct{ document, file string }{
	{"docs/webhooks.md", "receiver.mjs"},
	{"docs/webhooks.md", "receiver.py"},
	{"docs/webhooks.md", "receiver.go"},
	{"sdk/typescript/README.md", "receiver.mjs"},
	{"sdk/python/README.md", "receiver.py"},
}

func TestDocuments_TheReceiversTakeRealDeliveriesAndNoOthers(t *testing.T) {
	t.Parallel()
	for _, d := range documented {
		t.Run(d.document+" "+d.file, func(t *testing.T) {
			t.Parallel()
			s := serve(t, "--dev")
			off := false
			order := client.WebhookInput{URL: nowhere, Enabled: &off}
			good, bad := s.hook(order), s.hook(order)
			secret := good.Secret.Reveal()
			copied := catch(t, nil)
			s.hook(client.WebhookInput{URL: copied.URL, Secret: good.Secret})
			env := append(sdkEnv(t), "SIGNALBOX_WEBHOOK_SECRET="+secret, "PORT=0")
			right := stranded(t, env, command(t, written(t, d.document, d.file))...)
			url := listeningAt.FindString(right.out.await(t, "http://127.0.0.1:", right.exited)) + "/webhooks"
			s.point(good, url)
			s.point(bad, url) // signed with another secret

			s.send(trial())
			got := copied.next()
			id := got.header.Get("Webhook-Id")
			s.settled(good.ID, 1, "delivered")
			if refused := s.settled(bad.ID, 1, "retrying")[0]; refused.Reason != "http_401" {
				t.Errorf("the forged delivery has the reason %q, want http_401", refused.Reason)
			}
			right.out.await(t, id, right.exited)
			replay(t, url, got, sign.Secret(secret))
			if n := strings.Count(right.out.String(), "signal.created"); n != 1 && d.document == "docs/webhooks.md" {
				t.Errorf("one event, sent twice, was handled %d times", n)
			}
		})
	}
}

// replay gives a receiver the same delivery again, and forged and late ones.
func replay(t *testing.T, url string, got delivery, secret sign.Secret) {
	t.Helper()
	post := func(what string, header http.Header, body []byte, want int) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header.Clone()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s is answered with %d, want %d", what, resp.StatusCode, want)
		}
	}
	post("the same delivery", got.header, got.body, http.StatusOK)
	post("a changed body", got.header, append([]byte(" "), got.body...), http.StatusUnauthorized)
	late := got.header.Clone()
	old := time.Now().Add(-time.Hour)
	if err := sign.Headers(late, sign.Input{Format: sign.FormatStandard, EventID: "evt_2", Timestamp: old, Body: got.body, Secrets: []sign.Secret{secret}}); err != nil {
		t.Fatal(err)
	}
	post("a delivery of an hour ago", late, got.body, http.StatusUnauthorized)
	bare := got.header.Clone()
	bare.Del(sign.HeaderSignature)
	post("a delivery with the format's own signature alone", bare, got.body, http.StatusUnauthorized)
}

func TestDocuments_TheSendersOfTheManualsSend(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	for _, d := range []struct{ document, file string }{{"sdk/typescript/README.md", "send.mjs"}, {"sdk/python/README.md", "send.py"}} {
		path := written(t, d.document, d.file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		const theirs = "http://127.0.0.1:8080"
		if !strings.Contains(string(text), theirs) {
			t.Fatalf("%s names another server than %s", d.file, theirs)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), theirs, s.url, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		out := output(t, append(sdkEnv(t), "SIGNALBOX_API_KEY="+apiKey), interpreter(path), path)
		if !regexp.MustCompile(`^sig_\w{26} acc_\w{26}\n$`).MatchString(out) {
			t.Errorf("%s %s printed %q", d.document, d.file, out)
		}
	}
	if n := s.storedSignals(); n != 2 {
		t.Errorf("%d signals are stored, want 2", n)
	}
}

// use is a program that uses every type which the package gives to readers of TypeScript.
const use = `import { createServer, type IncomingMessage } from "node:http";
import { send, verify, ApiError, NoAnswerError, VerificationError, type BatchResult, type Receipt, type Scheme, type Signal } from "signalbox";

const signal: Signal = { type: "t", source: "s", occurred_at: new Date(), account: { domain: "acme.com", attributes: { n: 1 } }, contact: null, properties: { a: [1] }, backfill: true };
const receipt: Receipt = await send(signal, { url: "http://127.0.0.1:8080", apiKey: process.env["KEY"], retries: 0 });
const results: BatchResult[] = await send([signal] as readonly Signal[]);
const scheme: Scheme = "stackone";
createServer((req: IncomingMessage) => verify(req.headers, Buffer.alloc(0), ["a", "b"], { scheme, tolerance: 60, now: new Date() }));
verify(new Request("http://127.0.0.1").headers, "{}", "secret");
export const all = [receipt.replayed, results[0]?.error?.code, ApiError, NoAnswerError, VerificationError];
// @ts-expect-error: a signal has a source
await send({ type: "t" });
// @ts-expect-error: no such scheme
verify({}, "", "", { scheme: "md5" });
`

func TestSDK_TheTypesAreThoseOfUse(t *testing.T) {
	t.Parallel()
	path := written(t, "sdk/typescript/README.md", "send.mjs")
	program := filepath.Join(filepath.Dir(path), "use.mts")
	if err := os.WriteFile(program, []byte(use), 0o600); err != nil {
		t.Fatal(err)
	}
	roots, err := filepath.Abs("node_modules/@types")
	if err != nil {
		t.Fatal(err)
	}
	output(t, nil, kit.node, "node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--typeRoots", roots, "--types", "node", program)
}
