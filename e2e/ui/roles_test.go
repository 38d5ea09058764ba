package ui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"signalbox/client"
)

// role is one of the three, and what the pages call what it may.
type role struct {
	name string
	can  []string
}

var roles = []role{{"admin", []string{"read", "write", "admin"}}, {"analyst", []string{"read", "write"}}, {"viewer", []string{"read"}}}

// uiPage is a row of the dashboard's table of pages.
type uiPage struct{ path, title, need string }

var (
	pageRow  = regexp.MustCompile(`\{ path: (webhooks)?(?: \+ )?(?:"([^"]*)")?, title: "([^"]*)", view: [^\n]*\}`)
	pageNeed = regexp.MustCompile(`need: "(\w+)"`)
)

// uiPages reads the tables of pages, so that a new page is in the tests by itself. Those that are open to everybody are left out.
func uiPages(t *testing.T) []uiPage {
	t.Helper()
	var pages []uiPage
	for _, name := range []string{"pages.ts", "pages/settings/pages.ts"} {
		text, err := os.ReadFile("../../web/ui/" + name)
		if err != nil {
			t.Fatal(err)
		}
		rows := pageRow.FindAllStringSubmatch(string(text), -1)
		if want := strings.Count(string(text), "title: "); len(rows) != want || want == 0 {
			t.Fatalf("%s has %d pages, and %d of them can be read", name, want, len(rows))
		}
		for _, r := range rows {
			page := uiPage{path: r[2], title: r[3]}
			if r[1] != "" {
				page.path = "/settings/webhooks" + r[2]
			}
			if need := pageNeed.FindStringSubmatch(r[0]); need != nil {
				page.need = need[1]
			}
			if !strings.Contains(r[0], "open: true") {
				pages = append(pages, page)
			}
		}
	}
	return pages
}

// estate is a workspace in which everything exists that a page or an operation names.
type estate struct {
	*server
	ids map[string]string // of one of each kind, by the first part of its path below /v1
}

func furnish(t *testing.T) *estate {
	t.Helper()
	s := serve(t)
	r := receive(t)
	hook, err := s.CreateWebhook(t.Context(), client.WebhookInput{URL: r.URL, Events: []string{"*"}, Label: "CRM"})
	if err != nil {
		t.Fatal(err)
	}
	for i, domain := range []string{"acme.com", "acme-corp.com", "globex.com"} {
		s.send("page_visit", domain, fmt.Sprintf("person%d@%s", i, domain))
	}
	s.request(http.MethodPost, "/v1/accounts/batch", map[string]any{"import": "companies", "accounts": []any{map[string]any{"domain": "initech.com", "name": "Initech"}}}, http.StatusOK, nil)
	s.post("/v1/api-keys", map[string]any{"name": "spare", "scope": "read"}, nil)
	s.post("/v1/members", map[string]any{"email": "spare@example.com", "role": "viewer"}, nil)
	s.post("/v1/signal-types", map[string]any{"name": "Custom event"}, nil)
	e := &estate{server: s, ids: map[string]string{"webhooks": hook.ID}}
	e.ids["signal-types"] = e.first("/v1/signal-types", `"declared":true`)
	e.ids["types"] = e.ids["signal-types"]
	e.request(http.MethodPost, "/v1/webhooks/"+hook.ID+"/test", nil, http.StatusOK, nil)
	e.ids["members"] = e.first("/v1/members", `"email":"spare@example.com"`)
	e.ids["api-keys"] = e.first("/v1/api-keys", `"name":"spare"`)
	e.ids["accounts"] = e.first("/v1/accounts", `"domain":"acme.com"`)
	e.ids["deliveries"] = e.first("/v1/webhooks/"+hook.ID+"/deliveries", `"test":false`)
	e.ids["events"] = e.eventOf(e.ids["deliveries"])
	other := e.first("/v1/accounts", `"domain":"acme-corp.com"`)
	e.post("/v1/accounts/"+other+"/merge", map[string]any{"into": e.first("/v1/accounts", `"domain":"globex.com"`)}, nil)
	for _, kind := range []string{"signals", "contacts", "imports"} {
		e.ids[kind] = e.first("/v1/"+kind, "")
	}
	for kind, body := range map[string]map[string]any{"icps": {"code": "Everybody"}, "personas": {"code": "Anybody"}, "audiences": {"name": "Known", "entity": "account", "condition": "account.score > 0"}} {
		if body["code"] != nil {
			body["status"], body["parameters"] = "live", []any{map[string]any{"name": "Known", "expression": `account.domain != ""`, "mode": "filter"}}
		}
		var made struct{ ID string }
		e.post("/v1/"+kind, body, &made)
		e.ids[kind] = made.ID
	}
	e.post("/v1/audiences", map[string]any{"name": "Everybody", "entity": "account", "condition": "account.score >= 0"}, nil)
	e.ids["audiences"] = e.first("/v1/audiences", "")
	for kind, body := range map[string]map[string]any{
		"automations": {"name": "Tell sales", "trigger": map[string]any{"type": "signal_received", "signal_type": "demo_requested"},
			"action": map[string]any{"type": "update", "config": map[string]any{"entity": "account", "attributes": map[string]any{"asked": true}}}},
		"notifications": {"name": "Hot account", "type": "score_threshold", "entity_type": "account", "threshold": 85, "direction": "above",
			"destinations": []any{map[string]any{"type": "email", "to": "sales@example.com"}}},
	} {
		var made struct{ ID string }
		e.post("/v1/"+kind, body, &made)
		e.ids[kind] = made.ID
	}
	e.ids["merges"] = e.first("/v1/merges?status=done", "")
	e.ids["sessions"], e.ids["jobs"] = "ses_unknown", "job_unknown" // one's own, and none is there
	return e
}

// first is the id of the newest row of a list that has a text in it.
func (e *estate) first(path, with string) string {
	e.t.Helper()
	var rows []json.RawMessage
	e.request(http.MethodGet, path, nil, http.StatusOK, &rows)
	for _, row := range rows {
		var named struct{ ID string }
		if err := json.Unmarshal(row, &named); err != nil {
			e.t.Fatal(err)
		}
		if strings.Contains(string(row), with) {
			return named.ID
		}
	}
	e.t.Fatalf("nothing at %s has %s", path, with)
	return ""
}

// eventOf is the id of the event that a delivery is of.
func (e *estate) eventOf(delivery string) string {
	e.t.Helper()
	var row struct {
		EventID string `json:"event_id"`
	}
	e.request(http.MethodGet, "/v1/deliveries/"+delivery, nil, http.StatusOK, &row)
	return row.EventID
}

// join invites somebody with a role, and follows the link in a browser of its own.
func (e *estate) join(t *testing.T, role string) *tab {
	t.Helper()
	link := e.invite(role+"@example.com", role)
	p := e.openFor(t)
	p.goTo(strings.TrimPrefix(link, e.url))
	p.fill("Your name", "The "+role)
	p.fill("Password", "several words are good")
	p.press("Join")
	p.at("/")
	p.settled()
	return p
}

// acts are what the pages offer to those who may, by the name of what is pressed: the way there, and the power that it needs. Before the last one
// are those to press first.
var acts = []struct{ path, name, need string }{
	{"/signals", "+ Add", "write"},
	{"/signals", "+ Add > Custom signal", "write"},
	{"/signals/types", "Custom signal", "write"},
	{"/signals/types/:id", "Edit", "write"},
	{"/signals/types/:id", "Delete", "write"},
	{"/accounts", "Import CSV", "write"},
	{"/accounts/:id", "Edit", "write"},
	{"/accounts/:id", "More for this account", "write"},
	{"/accounts/:id", "More for this account > Merge with another…", "write"},
	{"/accounts/:id", "More for this account > Erase…", "admin"},
	{"/contacts", "Import CSV", "write"},
	{"/contacts/:id", "Edit", "write"},
	{"/contacts/:id", "More for this contact > Merge with another…", "write"},
	{"/contacts/:id", "More for this contact > Erase…", "admin"},
	{"/audiences", "New audience", "write"},
	{"/audiences/:id", "Export CSV", "read"},
	{"/audiences/:id", "Edit", "write"},
	{"/audiences/:id", "More for this audience > Delete…", "write"},
	{"/imports", "Undo", "write"},
	{"/merges?status=done", "acme-corp.com > Undo", "write"},
	{"/settings/icps", "Add ICP", "write"},
	{"/settings/icps?tab=personas", "Add persona", "write"},
	{"/settings/icps", "Acts on Everybody > Make it a draft", "write"},
	{"/settings/icps", "Acts on Everybody > Delete", "write"},
	{"/settings/icps/:id", "Make it a draft", "write"},
	{"/settings/icps/:id", "Add a parameter", "write"},
	{"/settings/icps/personas/:id", "More for Anybody > Delete", "write"},
	{"/signals/:id", "Qualify", "write"},
	{"/settings/webhooks", "Add Endpoint", "admin"},
	{"/settings/signal-qualification-webhook", "Add webhook", "admin"},
	{"/settings/configurations", "Add webhook", "admin"},
	{"/settings/signal-intelligence", "Recompute stored signals", "write"},
	{"/settings/signal-intelligence", "Add a type", "write"},
	{"/settings/signal-intelligence", "Add a rule", "write"},
	{"/settings/webhooks/:id", "Test", "admin"},
	{"/settings/webhooks/:id", "Recover…", "admin"},
	{"/settings/webhooks/:id", "Disable", "admin"},
	{"/settings/webhooks/:id", "More for CRM > Regenerate secret", "admin"},
	{"/settings/webhooks/:id", "More for CRM > Delete", "admin"},
	{"/settings/webhooks/:id?tab=test", "Send test", "admin"},
	{"/settings/webhooks/:id/deliveries/:delivery", "Retry", "admin"},
}

// place puts the ids of what is there into a path of the table of pages.
func (e *estate) place(path string) string {
	path = strings.ReplaceAll(path, ":delivery", e.ids["deliveries"])
	before, after, found := strings.Cut(path, ":id")
	if !found {
		return path
	}
	parts := strings.Split(strings.Trim(before, "/"), "/")
	return before + e.ids[parts[len(parts)-1]] + after
}

// TestRoles_EachSeesAndIsOfferedWhatItMayAndTheAPIRefusesTheRest signs in as each role, in a browser of its own.
func TestRoles_EachSeesAndIsOfferedWhatItMayAndTheAPIRefusesTheRest(t *testing.T) {
	t.Parallel()
	e := furnish(t)
	pages := uiPages(t)
	tabs := map[string]*tab{}
	for _, r := range roles {
		tabs[r.name] = e.join(t, r.name)
	}
	for _, r := range roles {
		p := tabs[r.name]
		for _, page := range pages {
			e.visits(p, r, page, pages)
		}
		for _, act := range acts {
			e.isOffered(p, r, act.path, act.name, slices.Contains(r.can, act.need))
		}
		for path, need := range map[string]string{"/settings/workspace": "admin", "/settings/account-matching": "admin", "/settings/signal-intelligence": "write"} {
			p.turnTo(path)
			p.settled()
			p.until("the settings are there", `document.querySelector("main form input")`)
			if fixed := eval[bool](p, `[...document.querySelectorAll("main form :is(input, textarea, select)")].filter((f) => f.labels[0].innerText !== "What the curve shows").every((f) => f.disabled)`); fixed == slices.Contains(r.can, need) {
				t.Errorf("%s: the settings at %s are fixed: %v", r.name, path, fixed)
			}
			p.picture("role-" + r.name + strings.ReplaceAll(path, "/", "-"))
		}
	}
	for _, r := range roles {
		before := e.everything()
		refused := e.asksForAll(tabs[r.name], r)
		for where, now := range e.everything() {
			if now != before[where] {
				t.Errorf("%s was refused and changed %s, from\n%s\nto\n%s", r.name, where, before[where], now)
			}
		}
		if refused == 0 != (r.name == "admin") {
			t.Errorf("%s was refused %d operations", r.name, refused)
		}
		t.Logf("%s: %d pages, %d acts, %d operations refused", r.name, len(pages), len(acts), refused)
	}
}

// visits opens a page: it is there, or says in words for whom it is, and offers no way to where the role may not go.
func (e *estate) visits(p *tab, r role, page uiPage, pages []uiPage) {
	p.t.Helper()
	p.goTo(e.place(page.path))
	p.until("something is shown", `document.querySelector("main :is(h1, .empty h2)")`)
	shown := p.text(`document.querySelector("main").innerText`)
	refuses := strings.Contains(shown, "Your role does not allow this")
	if may := page.need == "" || slices.Contains(r.can, page.need); refuses == may {
		p.t.Errorf("%s at %s, which needs %q, reads:\n%s", r.name, page.path, page.need, shown)
	}
	if words := map[string]string{"admin": " is for administrators. ", "write": " is for administrators and analysts. "}[page.need]; refuses && !strings.Contains(shown, page.title+words) {
		p.t.Errorf("%s at %s is not told for whom it is:\n%s", r.name, page.path, shown)
	}
	if said := p.text(`[...document.querySelectorAll("main [role=alert]")].map((e) => e.innerText).join("\n")`); said != "" {
		p.t.Errorf("%s at %s is told: %s", r.name, page.path, said)
	}
	for _, to := range eval[[]string](p, `[...document.querySelectorAll("a[href^='/']")].map((a) => a.pathname)`) {
		if need := needOf(to, pages); need != "" && !slices.Contains(r.can, need) {
			p.t.Errorf("%s at %s is offered the way to %s, which needs %s", r.name, page.path, to, need)
		}
	}
}

// needOf is the power that the page of a path needs: the first row that fits, as in the dashboard.
func needOf(path string, pages []uiPage) string {
	for _, page := range pages {
		pattern := regexp.MustCompile(`^` + regexp.MustCompile(`:\w+`).ReplaceAllString(page.path, `[^/]+`) + `$`)
		if pattern.MatchString(path) {
			return page.need
		}
	}
	return ""
}

// isOffered says whether something to press has this name, at the end of a way of presses.
func (e *estate) isOffered(p *tab, r role, path, way string, want bool) {
	p.t.Helper()
	p.turnTo("/") // and back, so that no menu is open
	p.turnTo(e.place(path))
	p.settled()
	names := strings.Split(way, " > ")
	there := func(name string) string { return find + "(" + quoted(name) + ")" }
	if want {
		for _, name := range names[:len(names)-1] {
			p.press(name)
		}
		p.until(r.name+" is offered "+way+" at "+path, there(names[len(names)-1]))
	} else {
		for _, name := range names {
			if !eval[bool](p, "!!"+there(name)) {
				break
			}
			if name == names[len(names)-1] {
				p.t.Errorf("%s is offered %s at %s, which the API refuses", r.name, way, path)
				break
			}
			p.press(name)
			p.do(painted)
		}
	}
}
