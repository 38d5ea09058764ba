package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"signalbox/client"
)

// attacks are texts that would run if anything took them for markup, an address or a template. What runs sets window.pwned.
var attacks = []string{
	`<script>window.pwned=1</script>`,
	`"><img src=x onerror=window.pwned=1>`,
	`'><svg onload=window.pwned=1>`,
	`javascript:window.pwned=1//`,
	"`-window.pwned=1-`${window.pwned=1}{{constructor.constructor('window.pwned=1')()}}",
	`</textarea></title></style></script><iframe srcdoc="<script>parent.pwned=1</script>">`,
	"\u202eevil\u0007\u2028<a href=javascript:window.pwned=1>x</a>",
	`jaVasCript:/*-/*` + "`" + `/*\` + "`" + `/*'/*"/**/(/* */oNcliCk=window.pwned=1 )//</stYle/</titLe/</teXtarEa/</scRipt/--!>\x3csVg/<sVg/oNloAd=window.pwned=1//>`,
}

// hostileLines are our own attacks and every line of the lists in testdata/xss, each once.
func hostileLines(t *testing.T) []string {
	t.Helper()
	lines := slices.Clone(attacks)
	var naughty []string
	text, err := os.ReadFile("testdata/xss/naughtystrings/blns.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &naughty); err != nil {
		t.Fatal(err)
	}
	lines = append(lines, naughty...)
	files, err := filepath.Glob("testdata/xss/payloadsallthethings/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("the lists are missing: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			lines = append(lines, strings.TrimRight(line, "\r\n"))
		}
	}
	seen := map[string]bool{}
	lines = slices.DeleteFunc(lines, func(l string) bool {
		again := seen[l] || strings.TrimSpace(l) == "" || !utf8.ValidString(l)
		seen[l] = true
		return again
	})
	if len(lines) < 2400 {
		t.Fatalf("the lists have %d lines only", len(lines))
	}
	return lines
}

// packs puts lines together, so that each pack has at most so many characters; longer lines stay alone.
func packs(lines []string, most int) []string {
	var all []string
	for _, line := range lines {
		if last := len(all) - 1; last >= 0 && utf8.RuneCountInString(all[last])+1+utf8.RuneCountInString(line) <= most {
			all[last] += " " + line
			continue
		}
		all = append(all, line)
	}
	return all
}

// chunks are lines by the hundred or so: each chunk is small enough for attributes with every line as a key and a value, and for an answer that is shown
// as a whole.
func chunks(t *testing.T, lines []string) [][]string {
	t.Helper()
	var all [][]string
	plain, escaped := 0, 0
	for _, line := range lines {
		text, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		plain, escaped = plain+len(line)+8, escaped+2*len(text)+2
		if len(all) == 0 || plain > 11<<10 || escaped > 56<<10 || len(all[len(all)-1]) == 120 {
			all, plain, escaped = append(all, nil), len(line)+8, 2*len(text)+2
		}
		all[len(all)-1] = append(all[len(all)-1], line)
	}
	return all
}

// printable is a line without the characters that names must not have.
func printable(line string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, line))
}

// hostile is a workspace in which every text from outside is hostile, and what was refused of it.
type hostile struct {
	*server
	lines   []string
	chunks  [][]string
	refused map[string]int // by field
	tests   []string       // paths of deliveries, one for each chunk
}

// plant puts every line into every field that comes from outside.
func plant(t *testing.T) *hostile {
	t.Helper()
	h := &hostile{server: serve(t), lines: hostileLines(t), refused: map[string]int{}}
	h.chunks = chunks(t, h.lines)
	h.plantRecords() // first: its signals' type is one of the 2,000 that there can be
	h.plantSignals()
	h.plantSettings()
	h.plantAnswers()
	return h
}

// signals sends signals, and counts those that are refused.
func (h *hostile) signals(field string, make func(i int, line string) client.SignalInput) {
	h.t.Helper()
	var all []client.SignalInput
	for i, line := range h.lines {
		all = append(all, make(i, line))
	}
	for batch := range slices.Chunk(all, 500) {
		results, err := h.SendBatch(h.t.Context(), batch)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, r := range results {
			if r.Status == client.Rejected {
				h.refused[field]++
			}
		}
	}
}

func (h *hostile) plantSignals() {
	h.t.Helper()
	h.signals("type", func(i int, line string) client.SignalInput {
		return client.SignalInput{Type: printable(line), Source: "website", Account: client.AccountInput{Domain: "timeline-example.com"}}
	})
	h.signals("source, names and title", func(i int, line string) client.SignalInput {
		l := printable(line)
		return client.SignalInput{
			Type: "page_visit", Source: l, Account: client.AccountInput{Domain: fmt.Sprintf("c%d-example.com", i), Name: l},
			Contact: client.ContactInput{Email: fmt.Sprintf("p@c%d-example.com", i), FirstName: l, Title: l},
		}
	})
	h.signals("domain", func(_ int, line string) client.SignalInput {
		return client.SignalInput{Type: "page_visit", Source: "website", Account: client.AccountInput{Domain: line}}
	})
	h.signals("email", func(_ int, line string) client.SignalInput {
		return client.SignalInput{Type: "page_visit", Source: "website", Contact: client.ContactInput{Email: line}}
	})
}

// object has every line of a chunk as a key and as a value.
func object(lines []string) map[string]any {
	o := map[string]any{}
	for _, l := range lines {
		o[l] = l
	}
	return o
}

// chunkDomain is that of the account whose attributes are a chunk; the two after the last are for a merge.
func chunkDomain(i int) string { return fmt.Sprintf("chunk-%d-example.com", i) }

// plantRecords fills properties and attributes, and merges two records that both have them.
func (h *hostile) plantRecords() {
	h.t.Helper()
	for i, lines := range append(h.chunks, h.chunks[:2]...) {
		domain := chunkDomain(i)
		_, err := h.SendSignal(h.t.Context(), client.SignalInput{
			Type: "chunk", Source: "website", Properties: map[string]any{"lines": object(lines), "deep": []any{object(lines)}},
			Account: client.AccountInput{Domain: domain, Attributes: object(lines)}, Contact: client.ContactInput{Email: "p@" + domain, Attributes: object(lines)},
		})
		if err != nil {
			h.t.Fatalf("chunk %d: %v", i, err)
		}
	}
	last := len(h.chunks)
	h.post("/v1/accounts/"+h.idOf("/v1/accounts", chunkDomain(last))+"/merge", map[string]any{"into": h.idOf("/v1/accounts", chunkDomain(last+1))}, nil)
}

// idOf is the id of a record by its domain or e-mail.
func (h *hostile) idOf(path, key string) string {
	h.t.Helper()
	var rows []struct{ ID, Domain, Email string }
	h.request(http.MethodGet, path+"?q="+url.QueryEscape(key), nil, http.StatusOK, &rows)
	for _, r := range rows {
		if r.Domain == key || r.Email == key {
			return r.ID
		}
	}
	h.t.Fatalf("%s knows no %s", path, key)
	return ""
}

// try asks for something that may be refused, and counts that.
func (h *hostile) try(field, method, path string, body any) bool {
	h.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, bytes.NewReader(text))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode >= 500 {
		h.t.Fatalf("%s %s answered %d to %s: %v", method, path, res.StatusCode, text, err)
	}
	if res.StatusCode >= 400 {
		h.refused[field]++
	}
	return res.StatusCode < 400
}

func (h *hostile) plantSettings() {
	h.t.Helper()
	var clean []string
	for _, l := range h.lines {
		if p := printable(l); p != "" {
			clean = append(clean, p)
		}
	}
	names, long := packs(clean, 200), packs(clean, 2000)
	for i, name := range names {
		h.try("API key's name", http.MethodPost, "/v1/api-keys", map[string]any{"name": name, "scope": "read"})
		h.try("member's name", http.MethodPost, "/v1/members", map[string]any{"email": fmt.Sprintf("p%d@example.com", i), "name": name, "role": "viewer"})
	}
	var hooks []string
	for i, name := range names {
		if i >= 450 { // a workspace has 500 webhooks: the rest are names of the same ones
			h.try("webhook's label", http.MethodPatch, "/v1/webhooks/"+hooks[i-450], map[string]any{"label": name})
			continue
		}
		in := client.WebhookInput{URL: "http://127.0.0.1:9/" + name, Events: []string{"contact.score_changed"}, Label: name, Description: long[i%len(long)]}
		made, err := h.CreateWebhook(h.t.Context(), in)
		if err != nil {
			h.refused["webhook's URL"]++
			in.URL = "http://127.0.0.1:9/" + url.PathEscape(name[:min(len(name), 300)])
			made, err = h.CreateWebhook(h.t.Context(), in)
		}
		if err != nil {
			h.refused["webhook's label"]++
			in.Label = ""
			if made, err = h.CreateWebhook(h.t.Context(), in); err != nil {
				h.t.Fatal(err)
			}
		}
		hooks = append(hooks, made.ID)
	}
	for i, name := range packs(clean, 100)[:60] {
		h.try("import's name", http.MethodPost, "/v1/accounts/batch", map[string]any{"import": name, "accounts": []any{map[string]any{"domain": fmt.Sprintf("i%d-example.com", i), "status": name}}})
	}
	h.request(http.MethodPatch, "/v1/workspace", map[string]any{"name": attacks[1]}, http.StatusOK, nil)
}

// plantAnswers has a receiver that answers with the lines, in its body and in its headers.
func (h *hostile) plantAnswers() {
	h.t.Helper()
	turn := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines := h.chunks[turn] // tests come one after the other
		for i, l := range lines {
			w.Header().Set(fmt.Sprintf("X-Line-%d", i), l)
		}
		w.Header().Set("Content-Type", "text/html")
		if turn%2 == 0 {
			_, _ = fmt.Fprint(w, strings.Join(lines, "\n"))
			return
		}
		_ = json.NewEncoder(w).Encode(object(lines)) // the other end is ours
	}))
	h.t.Cleanup(receiver.Close)
	hook, err := h.CreateWebhook(h.t.Context(), client.WebhookInput{URL: receiver.URL, Events: []string{"contact.score_changed"}, Label: "answers"})
	if err != nil {
		h.t.Fatal(err)
	}
	for turn = range h.chunks {
		data, err := json.Marshal(object(h.chunks[turn]))
		if err != nil {
			h.t.Fatal(err)
		}
		tested, err := h.TestWebhook(h.t.Context(), hook.ID, "", data)
		if err != nil || tested.Response.Status != http.StatusOK {
			h.t.Fatalf("chunk %d: %+v, %v", turn, tested, err)
		}
		h.tests = append(h.tests, "/settings/webhooks/"+hook.ID+"/deliveries/"+tested.DeliveryID)
	}
}
