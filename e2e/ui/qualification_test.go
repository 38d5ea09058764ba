package ui

import (
	"strings"
	"testing"

	"signalbox/client"
)

// An ICP judges the record of a signal; the page says what it came to, and why, parameter by parameter. Proves V-17.
func TestQualification_StandsOnTheRecordWithItsReasons(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.post("/v1/icps", map[string]any{"code": "Mid-market SaaS", "status": "live", "parameters": []any{
		map[string]any{"name": "Size", "field": "account.attributes.employees", "operator": "greater_than", "value": 50, "mode": "filter"},
		map[string]any{"name": "Industry", "expression": `account.attributes.industry == "SaaS"`, "mode": "score", "weight": 3},
		map[string]any{"name": "Plan", "expression": `account.attributes.plan == "pro"`, "mode": "score", "weight": 1},
	}}, nil)
	if _, err := s.SendSignal(t.Context(), client.SignalInput{
		Type: "form_submit", Source: "website",
		Account: client.AccountInput{Domain: "acme.com", Attributes: map[string]any{"employees": 80, "industry": "SaaS", "plan": "free"}},
	}); err != nil {
		t.Fatal(err)
	}
	p := s.open()
	p.signIn()
	p.goTo("/accounts")
	p.until("the list says whom it fits", `document.querySelector("main tbody tr")?.innerText.includes("Mid-market SaaS")`)
	p.do(`document.querySelector("main tbody .row-link").click()`)
	p.until("the page says how well", `document.querySelector("main aside")?.innerText.match(/Mid-market SaaS\s*75/)`)
	p.press("Breakdown")
	p.until("the drawer says why", `document.querySelector("dialog h2")?.innerText === "Why it fits Mid-market SaaS"`)
	p.until("each parameter is there with what it gave", `document.querySelectorAll("dialog tbody tr").length === 3 && document.querySelector("dialog tbody").innerText.match(/Industry.*holds.*75/s)`)
	p.axe("why a record fits")
	p.picture("act-fit")
	p.goTo("/settings/signal-qualification-webhook")
	p.press("Add webhook")
	p.until("the form has the event chosen", `[...document.querySelectorAll("main label")].find((l) => l.innerText.includes("signal.qualified"))?.control?.checked`)
}

// A signal's record is judged when somebody asks for it, and the page says what that came to: first that no ICP is live, then how well one fits.
func TestQualification_IsAskedForOnASignalsPage(t *testing.T) {
	t.Parallel()
	s := serve(t)
	id := s.send("form_submit", "acme.com", "jane@acme.com")
	p := s.open()
	p.signIn()
	p.goTo("/accounts")
	p.do(`document.querySelector("main tbody .row-link").click()`)
	p.reads("Never qualified")
	p.goTo("/signals/" + id)
	p.press("Qualify")
	p.reads("Qualified just now")
	s.post("/v1/icps", map[string]any{"code": "Mid-market SaaS", "status": "live", "parameters": []any{
		map[string]any{"name": "Known", "expression": `account.domain == "acme.com"`, "mode": "score", "weight": 2},
	}}, nil)
	p.press("Qualify")
	p.until("the answer has the code and the score", `document.querySelector("main .answer")?.innerText.match(/Mid-market SaaS\s*100/)`)
	p.axe("a signal's record, qualified")
	p.picture("act-qualify")
	p.press("Why?")
	p.until("the record's breakdown is open", `document.querySelector("dialog h2")?.innerText === "Why it fits Mid-market SaaS"`)
	for _, theme := range []string{"light", "dark"} {
		p.theme(theme)
		p.width(360)
		p.do(painted)
		p.axe("a breakdown on a phone, " + theme)
		p.picture("act-fit-phone-" + theme)
	}
	p.key("Escape")
	p.closed()
	p.until("closing takes it out of the address", `location.search === ""`)
}

// The place of the webhook for qualifications lists the webhooks that take them, by whichever choice, and no other.
func TestQualificationWebhook_ListsWhoIsTold(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := s.open()
	p.signIn()
	p.press("Signal qualification webhook")
	p.at("/settings/signal-qualification-webhook")
	p.reads("No webhook takes qualifications yet")
	for _, events := range [][]string{{"signal.created"}, {"*"}, {"signal.*"}} {
		if _, err := s.CreateWebhook(t.Context(), client.WebhookInput{URL: "http://127.0.0.1:9/", Events: events, Label: "takes " + events[0]}); err != nil {
			t.Fatal(err)
		}
	}
	p.press("Add webhook")
	p.fill("URL", "http://127.0.0.1:9/")
	p.fill("Label", "Routing")
	p.press("Add Endpoint")
	p.reads("Routing is ready")
	p.press("Signal qualification webhook")
	p.rows("3")
	if shown := p.text(`document.querySelector("main tbody").innerText`); strings.Contains(shown, "takes signal.created") || !strings.Contains(shown, "Routing") {
		t.Errorf("the list reads:\n%s", shown)
	}
	p.axe("webhooks for qualifications")
	p.picture("act-qualification-webhook")
}
