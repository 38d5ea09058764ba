package ui

import (
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
	p.until("each parameter is there with what it gave", `document.querySelectorAll("dialog tbody tr").length === 3 && document.querySelector("dialog tbody").innerText.match(/Industry.*hit.*75/s)`)
	p.axe("why a record fits")
	p.picture("act-fit")
	p.goTo("/settings/signal-qualification-webhook")
	p.press("Add webhook")
	p.until("the form has the event chosen", `[...document.querySelectorAll("main label")].find((l) => l.innerText.includes("signal.qualified"))?.control?.checked`)
}
