package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"signalbox/client"
)

// request asks the API as the admin key does.
func (s *server) request(method, path string, body any, status int, into any) {
	s.t.Helper()
	var text bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&text).Encode(body); err != nil {
			s.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, &text)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var whole json.RawMessage
	var answer struct {
		Data json.RawMessage `json:"data"`
	}
	err = json.NewDecoder(res.Body).Decode(&whole)
	if err == nil {
		err = json.Unmarshal(whole, &answer)
	}
	if err != nil || res.StatusCode != status {
		s.t.Fatalf("%s %s answered %d: %v", method, path, res.StatusCode, err)
	}
	if into == nil {
		return
	}
	if answer.Data == nil { // it is bare
		answer.Data = whole
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) post(path string, body, into any) {
	s.t.Helper()
	s.request(http.MethodPost, path, body, http.StatusCreated, into)
}

// count counts the rows of a list's first page.
func (s *server) count(path string) int {
	s.t.Helper()
	var rows []any
	s.request(http.MethodGet, path, nil, http.StatusOK, &rows)
	return len(rows)
}

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

// paths are the pages of a workspace in which things have happened, each a deep link.
func (s *server) paths() []string {
	s.t.Helper()
	ids := func(path string) string {
		var rows []struct {
			ID string `json:"id"`
		}
		s.request(http.MethodGet, path, nil, http.StatusOK, &rows)
		return rows[0].ID
	}
	if s.typ == "" {
		rules := []any{map[string]any{"name": attacks[2], "when": "signal.source == 'website'"}, map[string]any{"name": "plain", "when": map[string]any{"field": "context.plan", "operator": "equals", "value": attacks[3]}}}
		var made struct {
			ID string `json:"id"`
		}
		s.post("/v1/signal-types", map[string]any{"name": attacks[1], "source_description": attacks[0], "sub_rules": rules}, &made)
		s.typ = "/signals/types/" + made.ID
	}
	account, contact := "/accounts/"+ids("/v1/accounts"), "/contacts/"+ids("/v1/contacts")
	if s.count("/v1/audiences") == 0 {
		s.post("/v1/audiences", map[string]any{"name": attacks[1], "entity": "contact", "condition": "contact.score >= 0"}, nil)
	}
	audience := "/audiences/" + ids("/v1/audiences")
	return append(s.settingsPaths(),
		"/", "/signals", "/signals/"+ids("/v1/signals"), "/signals/types", "/signals/types/new", s.typ, s.typ+"/edit", "/accounts", account, account+"?tab=contacts", account+"?tab=attributes", account+"?fit=now", account+"/edit",
		"/accounts/import", "/contacts", contact, contact+"?tab=attributes", contact+"/edit", "/contacts/import", account+"/merge", "/merges", "/imports",
		"/leads", "/audiences", "/audiences/new", audience, audience+"/edit",
	)
}

// settingsPaths are the pages under Settings, with a webhook that has a delivery.
func (s *server) settingsPaths() []string {
	s.t.Helper()
	if s.delivery == "" {
		made, err := s.CreateWebhook(s.t.Context(), client.WebhookInput{URL: "http://127.0.0.1:9/", Events: []string{"*"}, Label: attacks[1], Description: attacks[0]})
		if err != nil {
			s.t.Fatal(err)
		}
		var tested struct {
			DeliveryID string `json:"delivery_id"`
		}
		s.request(http.MethodPost, "/v1/webhooks/"+made.ID+"/test", map[string]any{"data": map[string]any{attacks[2]: attacks[3]}}, http.StatusOK, &tested)
		s.webhook, s.delivery = "/settings/webhooks/"+made.ID, tested.DeliveryID
		s.icp, s.persona = s.profile("/v1/icps", attacks[4]), s.profile("/v1/personas", attacks[5])
	}
	return []string{
		"/settings/api-keys", "/settings/webhooks", "/settings/webhooks/new", "/settings/configurations", s.webhook, s.webhook + "?tab=health", s.webhook + "?tab=test", s.webhook + "?tab=settings",
		s.webhook + "/deliveries/" + s.delivery, "/settings/icps", "/settings/icps?tab=personas", "/settings/icps/new", "/settings/icps/personas/new?example=1", "/settings/icps/" + s.icp, "/settings/icps/personas/" + s.persona,
		"/settings/logs", "/settings/members", "/settings/audit-log", "/settings/signal-intelligence", "/settings/account-matching", "/settings/signal-qualification-webhook", "/settings/workspace", "/settings/profile",
	}
}

// profile makes an ICP or a persona with a text for each thing that it is called by, and gives its id.
func (s *server) profile(path, text string) string {
	s.t.Helper()
	var made struct{ ID string }
	s.post(path, map[string]any{"code": text, "parameters": []any{
		map[string]any{"name": text, "field": "account.attributes.note", "operator": "equals", "value": text, "mode": "score"},
		map[string]any{"name": "Looks around", "expression": `count(signals, "page_visit", "30d") >= 1`, "mode": "filter"},
	}}, &made)
	return made.ID
}

// TestPages_AreForEveryone looks at every page of the real program in both themes, at a desk's width and at a phone's.
func TestPages_AreForEveryone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i := range 30 {
		s.send([]string{"page_visit", "form_submitted", "demo_requested"}[i%3], fmt.Sprintf("company-%d.com", i%7), fmt.Sprintf("person%d@company-%d.com", i, i%7))
	}
	p := s.open()
	p.signIn()
	for _, v := range views {
		p.theme(v.theme)
		p.width(v.width)
		for i, path := range s.paths() {
			p.turnTo(path)
			p.settled()
			p.axe(path + " " + v.name)
			p.picture(fmt.Sprintf("page-%02d-%s", i, v.name))
		}
	}
	p.width(390)
	p.goTo("/")
	p.press("Open the menu")
	p.until("the menu is open", `document.querySelector(".side").getClientRects().length > 0`)
	p.axe("the menu on a phone")
	p.press("Signals")
	p.at("/signals")
	p.until("the menu has folded", `document.querySelector(".side").getClientRects().length === 0`)
}

// TestSignals_NothingFitsIsSaidAtTheEnd: an answer without a row that says where to look on is no end of the list.
func TestSignals_NothingFitsIsSaidAtTheEnd(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.post("/v1/signals", map[string]any{"type": "letter_opened", "source": "paper mail", "account": map[string]any{"domain": "acme.com"}}, nil)
	p := s.open()
	p.signIn()
	// The first two answers are those of a server that has looked for a while and found nothing yet; the third is the server's own.
	p.do(`{
		const real = window.fetch.bind(window);
		window.looked = 0;
		window.fetch = (path, init) => {
			const url = new URL(path, location.href);
			if (url.searchParams.get("source") !== "paper mail") return real(path, init);
			const at = url.searchParams.get("cursor");
			window.looked++;
			if (at === null || at === "1") return Promise.resolve(new Response(JSON.stringify({ data: [], meta: { next_cursor: at === null ? "1" : "2" } })));
			url.searchParams.delete("cursor");
			return real(url.pathname + url.search, init);
		};
	}`)
	p.turnTo("/signals?source=paper+mail")
	p.reads("letter_opened")
	if got := eval[int](p, "window.looked"); got != 3 {
		t.Errorf("%d questions were asked, want 3", got)
	}
}
