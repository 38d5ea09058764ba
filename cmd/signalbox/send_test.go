package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox/client"
)

// stored returns the types of the stored signals, oldest first.
func stored(t *testing.T, c *client.Client) []string {
	t.Helper()
	types := []string{}
	for s, err := range c.Signals(t.Context(), client.SignalQuery{PageSize: 200}) {
		if err != nil {
			t.Fatal(err)
		}
		types = append([]string{s.Type}, types...)
	}
	return types
}

func TestSend_OneSignalByFlags(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	got := s.cli().run(t, "send", "--type", "demo_requested", "--source", "website", "--domain", "acmecorp.com", "--account-name", "Acme Corp",
		"--email", "jane.doe@acmecorp.com", "--first-name", "Jane", "--last-name", "Doe", "--title", "CTO", "--occurred-at", "2026-01-02T03:04:05Z",
		"--property", "seats=12", "--property", "big=9007199254740993", "--property", "plan=pro", "--property", `tags=["a"]`, "--property", "empty=", "--json")
	var receipt client.Receipt
	if err := json.Unmarshal([]byte(got.out), &receipt); err != nil || got.code != exitOK {
		t.Fatalf("status %d, %v: %s%s", got.code, err, got.out, got.err)
	}
	signal, err := s.client().Signal(t.Context(), receipt.ID)
	if err != nil {
		t.Fatal(err)
	}
	if signal.Account.Domain != "acmecorp.com" || signal.Account.Name != "Acme Corp" || signal.Contact.Name != "Jane Doe" || signal.OccurredAt.Year() != 2026 {
		t.Errorf("stored %+v", signal)
	}
	if want := `{"big":9007199254740993,"empty":"","plan":"pro","seats":12,"tags":["a"]}`; string(signal.Properties) != want {
		t.Errorf("properties %s, want %s", signal.Properties, want)
	}
}

func TestSend_FileGoesOutAsItIsAndAKeyCountsOnce(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	c := s.cli()
	c.stdin = `{"type":"t","source":"s","tpye":"x"}`
	first := c.run(t, "send", "--file", "-", "--idempotency-key", "k")
	if first.code != exitOK || !strings.Contains(first.err, "does not know these fields: tpye") {
		t.Fatalf("status %d: %s%s", first.code, first.out, first.err)
	}
	second := c.run(t, "send", "--file", "-", "--idempotency-key", "k")
	if second.code != exitOK || !strings.Contains(second.out, "sent before") {
		t.Errorf("status %d: %s%s", second.code, second.out, second.err)
	}
	if got := stored(t, s.client()); len(got) != 1 {
		t.Errorf("stored %v, want one", got)
	}
}

func TestSend_RefusalsAreStatus1AndNameTheField(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	cases := []struct {
		name string
		cli  cli
		args []string
		says string
	}{
		{"bad e-mail", s.cli(), []string{"--type", "t", "--source", "s", "--email", "jane at acme"}, "contact.email"},
		{"bad key", cli{environ: []string{"SIGNALBOX_URL=" + s.url, "SIGNALBOX_API_KEY=sk_live_wrong"}}, []string{"--type", "t", "--source", "s"}, "unauthorized"},
		{"no key", cli{}, []string{"--type", "t", "--source", "s", "--data-dir", t.TempDir()}, "no API key"},
		{"no such file", s.cli(), []string{"--file", filepath.Join(t.TempDir(), "none")}, "no such file"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := tc.cli.run(t, append([]string{"send"}, tc.args...)...)
			if got.code != exitFailure || !strings.Contains(got.err, tc.says) || got.out != "" {
				t.Errorf("status %d: %s%s; want %q", got.code, got.out, got.err, tc.says)
			}
		})
	}
}

func TestSendLines_BadLinesAreToldAndTheRestIsSent(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	lines := []string{
		`{"type":"one","source":"s"}`,
		`{"type":"broken"`,
		``,
		`["no","object"]`,
		`null`,
		`{"type":"two","source":"s","idempotency_key":"own"}`,
		`{"source":"s"}`,
		`{"type":"twice","type":"twice","source":"s"}`,
		`{"type":"` + strings.Repeat("x", maxLine) + `","source":"s"}`,
		`  {"type":"three","source":"s"}  `,
		`{}`,
		`{"type":"four","source":"s"}`,
	}
	file := write(t, "signals.jsonl", strings.Join(lines, "\r\n")) // no line break at the end
	got := s.cli().run(t, "send", "--jsonl", file, "--batch-size", "2")
	if got.code != exitFailure || got.out != "4 sent, 0 sent before, 7 refused\n" {
		t.Errorf("status %d: %s%s", got.code, got.out, got.err)
	}
	for number, says := range map[int]string{2: "not JSON", 4: "not a JSON object", 5: "not a JSON object", 7: "type", 8: "type", 9: "longer than", 11: "type"} {
		if !strings.Contains(got.err, fmt.Sprintf("signals.jsonl:%d: ", number)) || !strings.Contains(lineOf(got.err, number), says) {
			t.Errorf("line %d: want %q in\n%s", number, says, got.err)
		}
	}
	if diff := cmp.Diff([]string{"one", "two", "three", "four"}, stored(t, s.client())); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// lineOf returns what was said of a line.
func lineOf(said string, number int) string {
	for text := range strings.Lines(said) {
		if strings.HasPrefix(text, fmt.Sprintf("signals.jsonl:%d: ", number)) {
			return text
		}
	}
	return ""
}

func TestSendLines_AgainCountsNothingTwiceWhateverTheBatches(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	var text strings.Builder
	for i := range 25 {
		fmt.Fprintf(&text, `{"type":"t%d","source":"s"}`+"\n", i)
	}
	file := write(t, "signals.jsonl", text.String())
	if got := s.cli().run(t, "send", "--jsonl", file, "--batch-size", "7"); got.code != exitOK || got.out != "25 sent, 0 sent before, 0 refused\n" {
		t.Fatalf("status %d: %s%s", got.code, got.out, got.err)
	}
	if got := s.cli().run(t, "send", "--jsonl", file, "--json"); got.code != exitOK || !strings.Contains(got.out, `"duplicate": 25`) {
		t.Errorf("again: status %d: %s%s", got.code, got.out, got.err)
	}
	if got := s.cli().run(t, "send", "--jsonl", file, "--key-prefix", "other"); got.out != "25 sent, 0 sent before, 0 refused\n" {
		t.Errorf("with another prefix: %s%s", got.out, got.err)
	}
	if got := len(stored(t, s.client())); got != 50 {
		t.Errorf("stored %d, want 50", got)
	}
}

func TestSendLines_OnATerminalShowsABar(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	c := s.cli()
	c.terminal = true
	file := write(t, "signals.jsonl", `{"type":"t","source":"s"}`+"\n"+`{}`+"\n")
	got := c.run(t, "send", "--jsonl", file)
	if got.code != exitFailure || got.out != "1 sent, 0 sent before, 1 refused\n" || !strings.Contains(got.err, "signals.jsonl:2:") || !strings.Contains(got.err, "%") {
		t.Errorf("status %d: %s%s", got.code, got.out, got.err)
	}
}

func TestSendLines_StopsWhereTheServerDoes(t *testing.T) {
	t.Parallel()
	file := write(t, "signals.jsonl", `{"type":"t","source":"s"}`+"\n")
	c := cli{environ: []string{"SIGNALBOX_URL=http://127.0.0.1:1", "SIGNALBOX_API_KEY=sk_live_x"}}
	got := c.run(t, "send", "--jsonl", file)
	if got.code != exitFailure || !strings.Contains(got.err, "stopped after line 0 (run it again to go on)") || got.out != "0 sent, 0 sent before, 0 refused\n" {
		t.Errorf("status %d: %s%s", got.code, got.out, got.err)
	}
}

func FuzzWithKey(f *testing.F) {
	for _, seed := range []string{`{}`, `{"type":"t"}`, `{"idempotency_key":"own"}`, `null`, `[]`, `{"a":`, " {\t} ", `{"a":1}x`, "{\"a\":\"\xff\"}", `""`, "{}\f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.TrimSpace(text)
		keyed, err := withKey([]byte(text), `file"name/1`)
		if err != nil {
			return
		}
		var before, after map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &before) != nil || json.Unmarshal(keyed, &after) != nil {
			t.Fatalf("%q became %q", text, keyed)
		}
		if before["idempotency_key"] == nil {
			if string(after["idempotency_key"]) != `"file\"name/1"` {
				t.Errorf("%q is not keyed: %q", text, keyed)
			}
			delete(after, "idempotency_key")
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%q changed:\n%s", text, diff)
		}
	})
}
