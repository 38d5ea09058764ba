package ui

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"signalbox/client"
)

// Whom signals landed on is in Leads, with where they came from, and each row leads to its record.
func TestLeads_ShowWhomSignalsLandedOnAndWhereTheyCameFrom(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := s.open()
	p.signIn()
	p.goTo("/leads")
	p.reads("No leads yet")
	p.reads(s.url + "/signals")
	p.axe("no leads")
	p.picture("act-leads-empty")
	s.lands(1, "form_submit", "website", map[string]any{"email": "jane@acme.com", "first_name": "Jane"})
	s.lands(2, "page_view", "zapier", map[string]any{"email": "jane@acme.com"})
	s.lands(3, "page_view", "zapier", map[string]any{"email": "jane@acme.com"})
	s.lands(4, "page_view", "crm", map[string]any{"company_domain": "globex.com"})
	p.goTo("/leads")
	p.until("two leads are there", `document.querySelectorAll("main tbody tr").length === 2`)
	rows := eval[[]string](p, `[...document.querySelectorAll("main tbody tr")].map((r) => [...r.cells].slice(0, 6).map((c) => c.innerText.trim().replace(/\s+/g, " ")).join(" | "))`)
	for i, want := range []string{"globex.com | ", "Jane acme.com | "} {
		if !strings.HasPrefix(rows[i], want) {
			t.Errorf("row %d reads %q, want it to begin with %q", i, rows[i], want)
		}
	}
	for i, want := range []string{" | crm | crm | crm 1", " | website | zapier | zapier 2, website 1"} {
		if !strings.HasSuffix(rows[i], want) {
			t.Errorf("row %d reads %q, want it to end with %q", i, rows[i], want)
		}
	}
	p.axe("leads")
	p.picture("act-leads")
	p.do(`document.querySelectorAll("main .row-link")[1].click()`)
	p.until("a person leads to their page", `location.pathname.startsWith("/contacts/")`)
	p.goTo("/leads")
	p.do(`document.querySelectorAll("main .row-link")[0].click()`)
	p.until("a company leads to its page", `location.pathname.startsWith("/accounts/")`)
}

// lands sends a capture at an hour that says which one it is.
func (s *server) lands(hour int, typ, source string, who map[string]any) {
	s.t.Helper()
	body := map[string]any{"signal_type": typ, "source": source, "occurred_at": fmt.Sprintf("2026-05-26T%02d:00:00Z", hour), "identity": who}
	s.request(http.MethodPost, "/signals", body, http.StatusCreated, nil)
}

// An audience is made with conditions, counted while they are written, filled, listed, exported, changed and deleted.
func TestAudiences_AreMadeCountedFilledExportedAndDeleted(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, domain := range []string{"acme.com", "globex.com", "initech.com"} {
		s.send("page_view", domain, "jane@"+domain)
	}
	if _, err := s.SendSignal(t.Context(), client.SignalInput{Type: "demo_request", Source: "website", Account: client.AccountInput{Domain: "acme.com"}, Properties: map[string]any{"seats": 120}}); err != nil {
		t.Fatal(err)
	}
	p := s.open()
	p.signIn()
	p.goTo("/audiences")
	p.reads("No audiences yet")
	p.press("New audience")
	p.at("/audiences/new")
	p.fill("Condition 1, value", "0")
	p.counts("3 of 3 accounts")
	p.choose("Condition 1, field", "account.domain")
	p.fill("Condition 1, value", "globex.com")
	p.counts("1 of 3 accounts")
	p.press("Add a group")
	p.choose("Group 2, condition 1, field", "signals.properties")
	p.choose("Group 2, condition 1, comparison", "greater_than")
	p.fill("Group 2, condition 1, property", "seats")
	p.fill("Group 2, condition 1, value", "100")
	p.counts("0 of 3 accounts")
	p.choose("How many groups must hold", "any")
	p.counts("2 of 3 accounts")
	p.axe("an audience is being made")
	p.picture("act-audience-new")
	p.press("Expression")
	p.until("the same condition stands there as an expression", `document.querySelector("main textarea")?.value === 'account.domain == "globex.com" || signals.properties.seats > 100'`)
	p.fill("Expression", `account.domian == "acme.com"`)
	p.until("what is wrong is said at the field", `document.querySelector(".field.wrong textarea") && document.querySelector(".field .error").innerText.includes("did you mean account.domain?")`)
	p.axe("an audience that is refused")
	p.expect("status of 400")
	p.press("Conditions")
	p.counts("2 of 3 accounts")
	p.press("Create audience")
	p.until("it needs a name", `document.querySelector(".field.wrong input") && document.querySelector(".field .error").innerText.startsWith("Name")`)
	p.expect("status of 400")
	p.fill("Name", "Worth a call")
	p.press("Create audience")
	p.until("its page is there", `location.pathname.startsWith("/audiences/aud_") && document.querySelector("h1")?.innerText === "Worth a call"`)
	p.until("it becomes ready", `document.querySelector("main aside")?.innerText.match(/2\s+State\s+ready/)`)
	p.until("its members are listed", `[...document.querySelectorAll("main tbody .row-link")].map((e) => e.innerText).sort().join() === "acme.com,globex.com"`)
	p.picture("act-audience")
	p.exports([]string{"acme.com", "globex.com"}, []string{"initech.com"})
	p.changesAndDeletes()
}

// counts waits until the live count reads so.
func (p *tab) counts(want string) {
	p.t.Helper()
	p.until("the count is "+want, `document.querySelector(".preview:not(.stale) .preview-count")?.innerText.replace(/\s+/g, " ") === `+quoted(want))
}

// exports fails the test when what the page's export holds, as the browser gets it, lacks a text or has one that it must not.
func (p *tab) exports(with, without []string) {
	p.t.Helper()
	got := eval[answer](p, `fetch([...document.querySelectorAll("main a")].find((a) => a.innerText === "Export CSV").href).then(async (r) => ({Status: r.status, Text: r.headers.get("Content-Disposition") + "\n" + await r.text()}))`)
	if got.Status != http.StatusOK || !strings.HasPrefix(got.Text, `attachment; filename="audience-aud_`) || !strings.Contains(got.Text, "\nid,domain,name,status,score,stage,since") {
		p.t.Errorf("the export answered %d %s", got.Status, got.Text)
	}
	for _, text := range with {
		if !strings.Contains(got.Text, ","+text+",") {
			p.t.Errorf("the export lacks %s:\n%s", text, got.Text)
		}
	}
	for _, text := range without {
		if strings.Contains(got.Text, text) {
			p.t.Errorf("the export has %s:\n%s", text, got.Text)
		}
	}
}

// changesAndDeletes gives the audience whose page is open another name and condition, and deletes it.
func (p *tab) changesAndDeletes() {
	p.t.Helper()
	p.press("Edit")
	p.fill("Name", "Only Acme")
	p.fill("Expression", `account.domain == "acme.com"`)
	p.counts("1 of 3 accounts")
	p.press("Save")
	p.until("its page has the new name", `document.querySelector("h1")?.innerText === "Only Acme"`)
	p.until("it is ready again", `document.querySelector("main aside")?.innerText.match(/1\s+State\s+ready/)`)
	p.until("one member is left", `[...document.querySelectorAll("main tbody .row-link")].map((e) => e.innerText).join() === "acme.com"`)
	p.press("Audiences")
	p.until("the list has it", `document.querySelector("main tbody tr")?.innerText.match(/Only Acme\s+accounts\s+1\s+ready/)`)
	p.press("Only Acme")
	p.press("More for this audience")
	p.press("Delete…")
	p.fill("Type Only Acme to confirm", "Only Acme")
	p.axe("an audience is deleted")
	p.press("Delete")
	p.at("/audiences")
	p.reads("No audiences yet")
}
