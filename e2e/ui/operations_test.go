package ui

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// operation is one of the API's, as its document tells it.
type operation struct {
	method, path, id string
	description      string
	public           bool
	body             string // an example; "" for none
	events           bool
}

// roleWords is how the document says which roles may.
var roleWords = regexp.MustCompile(`Role: ([a-z, ]+)\.$`)

// allows says whether a role may, as the document tells it.
func (o *operation) allows(role string) bool {
	if o.public || strings.HasSuffix(o.description, "For members who are signed in.") {
		return true
	}
	words := roleWords.FindStringSubmatch(o.description)
	return words != nil && slices.Contains(strings.Split(words[1], ", "), role)
}

// operations reads the document that the program serves, so that a new route is in the tests by itself.
func (e *estate) operations() []operation {
	e.t.Helper()
	res, err := http.Get(e.url + "/openapi.json")
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	type op struct {
		OperationID, Description string
		Security                 *[]map[string]any
		Responses                map[string]struct{ Content map[string]any }
		RequestBody              struct {
			Content map[string]struct {
				Examples map[string]struct{ Value json.RawMessage }
			}
		}
	}
	var document struct{ Paths map[string]map[string]op }
	if err := json.NewDecoder(res.Body).Decode(&document); err != nil {
		e.t.Fatal(err)
	}
	var all []operation
	for path, methods := range document.Paths {
		for method, told := range methods {
			o := operation{method: strings.ToUpper(method), path: path, id: told.OperationID, description: told.Description}
			o.public = told.Security != nil && len(*told.Security) == 0
			_, o.events = told.Responses["200"].Content["text/event-stream"]
			for _, example := range told.RequestBody.Content["application/json"].Examples {
				o.body = max(o.body, string(example.Value))
			}
			if !o.public && !o.allows("admin") {
				e.t.Errorf("%s does not say which roles may: %q", o.id, o.description)
			}
			all = append(all, o)
		}
	}
	if len(all) < 50 {
		e.t.Fatalf("the document has %d operations only", len(all))
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.id, b.id) })
	return all
}

// unknown is an id that names nothing, in the place of a known one.
var unknown = regexp.MustCompile(`_[0-9A-Za-z]+$`)

// asksForAll asks for every operation from the page, as the dashboard asks, and gives how many were refused. What the role may not is asked for with
// ids that are there and a body that would do something; what it may is asked for so that it changes nothing.
func (e *estate) asksForAll(p *tab, r role) (refused int) {
	p.t.Helper()
	for _, o := range e.operations() {
		if o.public || o.events || o.id == "signOut" {
			continue
		}
		kind := strings.Split(strings.TrimPrefix(o.path, "/v1"), "/")[1]
		id, known := e.ids[kind]
		if !known && strings.Contains(o.path, "{id}") {
			p.t.Fatalf("%s: nobody says what the id of %s names", o.id, o.path)
		}
		may, body := o.allows(r.name), o.body
		if may && o.method != http.MethodGet {
			id, body = unknown.ReplaceAllString(id, "_0000000000000"), ""
			if o.method != http.MethodDelete {
				body = "{"
			}
		}
		got := p.asks(o.method, strings.Replace(o.path, "{id}", id, 1), body)
		switch {
		case may && (got.Status == http.StatusForbidden || got.Status == http.StatusUnauthorized || got.Status >= 500):
			p.t.Errorf("%s, which %s may, answered %d %s", o.id, r.name, got.Status, got.Text)
		case may && o.method != http.MethodGet && got.Status < 400:
			p.t.Errorf("%s, asked for nothing, answered %d %s", o.id, got.Status, got.Text)
		case !may && (got.Status != http.StatusForbidden || !strings.Contains(got.Text, `"code":"forbidden"`) || !strings.Contains(got.Text, "you have the role "+r.name)):
			p.t.Errorf("%s, which %s may not, answered %d %s", o.id, r.name, got.Status, got.Text)
		case !may:
			refused++
		}
	}
	p.expect("Failed to load resource") // every refusal is told on the console
	return refused
}

type answer struct {
	Status int
	Text   string
}

// asks sends a request from the page, with what the browser sends along by itself: the session's cookie, and where the page is from.
func (p *tab) asks(method, path, body string) answer {
	p.t.Helper()
	sent := "undefined"
	if body != "" {
		sent = quoted(body)
	}
	return eval[answer](p, `fetch(`+quoted(path)+`, {method: `+quoted(method)+`, credentials: "same-origin", body: `+sent+`, headers: `+sent+` === undefined ? {} : {"Content-Type": "application/json"}})
		.then(async (r) => ({Status: r.status, Text: await r.text()}))`)
}

// restless are the fields that change by themselves: with each request, or because a delivery has gone on.
var restless = regexp.MustCompile(`"(last_used_at|last_seen_at|next_cursor|request_id|timestamp)":("[^"]*"|null),?`)

// everything is what the lists hold, the audit log of all changes among them, as an admin's key reads it.
func (e *estate) everything() map[string]string {
	e.t.Helper()
	all := map[string]string{}
	for _, path := range []string{
		"/v1/accounts", "/v1/contacts", "/v1/signals", "/v1/webhooks", "/v1/webhooks/" + e.ids["webhooks"], "/v1/api-keys", "/v1/members", "/v1/merges?status=done", "/v1/merges?status=proposed",
		"/v1/imports", "/v1/jobs", "/v1/workspace", "/v1/icps", "/v1/personas", "/v1/audit-log", "/v1/webhooks/" + e.ids["webhooks"] + "/deliveries",
	} {
		req, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, e.url+path, nil)
		if err != nil {
			e.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+apiKey)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			e.t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusOK {
			e.t.Fatalf("%s answered %d: %v", path, res.StatusCode, err)
		}
		all[path] = restless.ReplaceAllString(string(text), "")
	}
	return all
}
