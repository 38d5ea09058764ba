package ui

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"signalbox"
	"signalbox/client"
)

// hostileLines are the lines of all lists of testdata/xss and our own attacks, each once. None is empty.
func hostileLines(t *testing.T) []string {
	t.Helper()
	lines := slices.Clone(attacks)
	files, err := filepath.Glob("testdata/xss/payloadsallthethings/*.txt")
	if err != nil || len(files) < 15 {
		t.Fatalf("the lists are %v: %v", files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for sc := bufio.NewScanner(bytes.NewReader(text)); sc.Scan(); {
			lines = append(lines, strings.ToValidUTF8(sc.Text(), "\uFFFD"))
		}
	}
	text, err := os.ReadFile("testdata/xss/blns/blns.json")
	if err != nil {
		t.Fatal(err)
	}
	var naughty []string
	if err := json.Unmarshal(text, &naughty); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{"": true}
	return slices.DeleteFunc(append(lines, naughty...), func(l string) bool {
		again := seen[strings.TrimSpace(l)]
		seen[strings.TrimSpace(l)] = true
		return again
	})
}

// hostile is a server with the lines in every field that comes from outside.
type hostile struct {
	*server
	lines []string

	vaults    []vault             // accounts whose attributes hold all lines
	timeline  string              // the account that most signals are about
	delivered map[string][]string // the lines of an answer, by delivery
	webhook   string              // that of those deliveries
	hooks     []string            // webhooks whose names are lines

	mu      sync.Mutex
	refused map[string]int // lines that the API does not take, by field
}

// vault is one account and contact that hold lines as keys and values of attributes, and the signal that brought them, as its properties.
type vault struct {
	name                     string
	lines                    []string
	signal, account, contact string
}

// fill puts the lines everywhere.
func fill(t *testing.T, s *server) *hostile {
	t.Helper()
	h := &hostile{server: s, lines: hostileLines(t), refused: map[string]int{}, delivered: map[string][]string{}}
	h.fillSignals()
	h.fillVaults()
	h.fillLogs()
	h.fillSettings()
	h.fillDeliveries()
	return h
}

// account logs what the API has refused.
func (h *hostile) account() {
	for _, field := range slices.Sorted(maps.Keys(h.refused)) {
		h.t.Logf("of %d lines the API refuses %d as %s", len(h.lines), h.refused[field], field)
	}
}

func (h *hostile) refuse(field string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused[field]++
}

type object = map[string]any

// fillSignals sends every line as what names a signal, an account and a person, and once more as what they are known by.
func (h *hostile) fillSignals() {
	h.t.Helper()
	var items []object
	for i, l := range h.lines {
		kind := h.kind(i)
		items = append(items, object{
			"type": kind, "source": l, "properties": object{l: object{l: l}},
			"account": object{"domain": fmt.Sprintf("c%d.com", i), "name": l, "attributes": object{l: l}},
			"contact": object{"email": fmt.Sprintf("p@c%d.com", i), "first_name": l, "last_name": l, "title": l, "attributes": object{l: []any{l}}},
		}, object{"type": kind, "source": l, "account": object{"domain": l}, "contact": object{"email": l, "linkedin_url": l}})
	}
	var last client.BatchResult
	for len(items) > 0 {
		n := min(len(items), 800)
		last = h.sendAll(items[:n])
		items = items[n:]
	}
	h.timeline = last.AccountID
}

// kind is the type of a line's signals: two lines where they fit, because a workspace has at most 2,000 types.
func (h *hostile) kind(i int) string {
	if two := strings.Join(h.lines[i&^1:min(i|1, len(h.lines)-1)+1], " "); len([]rune(two)) <= signalbox.MaxName {
		return two
	}
	return h.lines[i]
}

// plain stands in for what the API refuses; what is not in it is left out.
var plain = map[string]string{"type": "plain", "source": "plain", "domain": "timeline.com", "email": "all@timeline.com"}

// sendAll sends signals, and those that are refused again without the field that they were refused for, until all are taken.
func (h *hostile) sendAll(items []object) (last client.BatchResult) {
	h.t.Helper()
	for tries := 0; len(items) > 0; tries++ {
		if tries == 12 {
			h.t.Fatalf("after %d tries the API refuses %d signals yet, such as %v", tries, len(items), items[0])
		}
		raw := make([]json.RawMessage, len(items))
		for i, item := range items {
			raw[i] = json.RawMessage(encoded(item))
		}
		results, err := h.SendBatchJSON(h.t.Context(), raw, "")
		if err != nil {
			h.t.Fatal(err)
		}
		var again []object
		for i, r := range results {
			if r.Error == nil {
				last = r
				continue
			}
			path := strings.SplitN(r.Error.Param, ".", 3)
			in, field := items[i], path[0]
			if field == "account" || field == "contact" {
				in, field = in[field].(object), path[1]
			}
			h.refuse(strings.Join(path[:min(len(path), map[bool]int{true: 1, false: 2}[path[0] == "properties"])], "."))
			if delete(in, field); plain[field] != "" {
				in[field] = plain[field]
			}
			again = append(again, items[i])
		}
		items = again
	}
	return last
}

// encoded is a value as JSON, with nothing escaped that need not be.
func encoded(v any) string {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return text.String()
}

// fillVaults makes accounts and contacts that hold all lines that may be a key, as many in each as attributes have room for.
func (h *hostile) fillVaults() {
	h.t.Helper()
	for part := range parts(h.lines, 7<<10) {
		v := vault{name: fmt.Sprintf("vault%02d", len(h.vaults))}
		v.lines = slices.DeleteFunc(slices.Clone(part), func(l string) bool { return strings.ContainsRune(l, 0) })
		all := object{}
		for _, l := range v.lines {
			all[l] = l
		}
		r, err := h.SendSignal(h.t.Context(), client.SignalInput{
			Type: "plain", Source: v.name, Properties: all,
			Account: client.AccountInput{Domain: v.name + ".com", Attributes: all}, Contact: client.ContactInput{Email: v.name + "@example.org", Attributes: all},
		})
		if err != nil {
			h.t.Fatal(err)
		}
		v.signal, v.account, v.contact = r.ID, r.AccountID, r.ContactID
		h.vaults = append(h.vaults, v)
	}
}

// parts cuts lines into runs of at most so many bytes.
func parts(lines []string, most int) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		for len(lines) > 0 {
			n, size := 0, 0
			for n < len(lines) && (n == 0 || size+len(lines[n]) <= most) {
				size += len(lines[n])
				n++
			}
			if !yield(lines[:n]) {
				return
			}
			lines = lines[n:]
		}
	}
}

// fillLogs sends the lines as names of fields that nobody knows: the log tells them.
func (h *hostile) fillLogs() {
	h.t.Helper()
	for part := range slices.Chunk(h.lines, 30) {
		body := object{"type": "unknown fields", "source": "list"}
		for _, l := range part {
			body[l] = true
		}
		h.try("ignored fields", "/v1/signals", body)
	}
}

// try posts what may be refused.
func (h *hostile) try(field, path string, body object) { h.ask(field, http.MethodPost, path, body) }

// ask says whether the API took something, and the id of what came of it.
func (h *hostile) ask(field, method, path string, body object) (id string, ok bool) {
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(encoded(body)))
	if err != nil {
		h.t.Error(err)
		return "", false
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Error(err)
		return "", false
	}
	defer res.Body.Close()
	var answer struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode >= 500 {
		h.t.Errorf("%s answers %d, %v to %v", path, res.StatusCode, err, body)
	}
	if res.StatusCode >= 300 {
		h.refuse(field)
	}
	return answer.ID, res.StatusCode < 300
}

// fillSettings gives every line to a key, a member and an import, as their names.
func (h *hostile) fillSettings() {
	h.t.Helper()
	var all sync.WaitGroup
	next := make(chan int)
	for range 6 {
		all.Go(func() {
			for i := range next {
				l := h.lines[i]
				h.try("name of an API key", "/v1/api-keys", object{"name": l, "scope": "read"})
				h.try("e-mail of a member", "/v1/members", object{"email": l, "role": "viewer"})
				h.try("name of an import", "/v1/accounts/batch", object{"import": l, "accounts": []object{{"domain": fmt.Sprintf("c%d.com", i), "status": l}}})
			}
		})
	}
	for i := range h.lines {
		next <- i
	}
	close(next)
	all.Wait()
	for i, name := range names(h.named()) {
		h.try("name of a member", "/v1/members", object{"email": fmt.Sprintf("p%d@example.com", i), "name": name, "role": "viewer"})
	}
	for _, name := range h.codes() {
		h.post("/v1/icps", object{"code": name, "parameters": []object{{"name": name, "field": "account.name", "operator": "equals", "value": name, "mode": "score"}}}, nil)
		h.post("/v1/audiences", object{"name": name, "entity": "account", "condition": object{"field": "account.name", "operator": "equals", "value": name}}, nil)
	}
	for _, l := range h.sample() {
		if len([]rune(l)) <= signalbox.MaxName && !strings.ContainsRune(l, 0) {
			h.request(http.MethodPatch, "/v1/workspace", object{"name": l}, http.StatusOK, nil)
		}
	}
}

// codes are the lines that ICPs are called by: fewer than all, for a workspace has no more.
func (h *hostile) codes() []string {
	all := names(h.takes())
	return all[:min(len(all), signalbox.DefinedICP.Most()-1)]
}

// maxHooks is how many webhooks the lines have; a workspace takes 500.
const maxHooks = 480

// names puts as many lines into each name as a name has room for: there may be more lines than things to be named.
func names(lines []string) (all []string) {
	for _, l := range lines {
		if n := len(all) - 1; n >= 0 && len([]rune(all[n]+" "+l)) <= signalbox.MaxName {
			all[n] += " " + l
			continue
		}
		all = append(all, l)
	}
	return all
}

// fillWebhooks gives the next names to webhooks and returns those that are left. The first round makes the webhooks, the others change them.
func (h *hostile) fillWebhooks(names []string) (rest []string) {
	h.t.Helper()
	n := min(maxHooks, len(names))
	made := len(h.hooks)
	for i, name := range names[:n] {
		method, path := http.MethodPost, "/v1/webhooks"
		if made > 0 {
			method, path = http.MethodPatch, path+"/"+h.hooks[i%made]
		}
		hook := object{"url": "http://127.0.0.1:9/?q=" + name, "events": []string{"signal.created"}, "enabled": false, "label": name, "description": name}
		id, ok := h.ask("url of a webhook", method, path, hook)
		if !ok {
			hook["url"] = "http://127.0.0.1:9/?q=" + url.QueryEscape(name)
			id, ok = h.ask("label of a webhook", method, path, hook)
		}
		if ok && made == 0 {
			h.hooks = append(h.hooks, id)
		}
	}
	return names[n:]
}

// sample are some of the lines, from every list, and all of our own.
func (h *hostile) sample() []string {
	some := slices.Clone(attacks)
	for i := len(attacks); i < len(h.lines); i += 100 {
		some = append(some, h.lines[i])
	}
	return some
}

// fillDeliveries has a receiver answer with the lines, as text, as JSON and as headers.
func (h *hostile) fillDeliveries() {
	h.t.Helper()
	answers := make(chan []string, 1)
	n := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		lines := <-answers
		for _, l := range lines {
			if !strings.ContainsFunc(l, unicode.IsControl) {
				w.Header().Add("X-Line", l)
			}
		}
		body := strings.Join(lines, "\n")
		if n++; n%2 == 0 {
			body = encoded(lines)
		}
		_, _ = w.Write([]byte(body))
	}))
	h.t.Cleanup(receiver.Close)
	made, err := h.CreateWebhook(h.t.Context(), client.WebhookInput{URL: receiver.URL, Events: []string{"account.*"}, Label: "answers"})
	if err != nil {
		h.t.Fatal(err)
	}
	h.webhook = made.ID
	for part := range parts(h.lines, 11<<10) {
		data := object{}
		for _, l := range part {
			if !strings.ContainsRune(l, 0) {
				data[l] = l
			}
		}
		answers <- part
		var tested struct {
			DeliveryID string `json:"delivery_id"`
			Error      string `json:"error"`
		}
		h.request(http.MethodPost, "/v1/webhooks/"+made.ID+"/test", object{"data": data}, http.StatusOK, &tested)
		if tested.Error != "" {
			h.t.Fatalf("the receiver's answer is not taken: %s", tested.Error)
		}
		h.delivered[tested.DeliveryID] = part
	}
}
