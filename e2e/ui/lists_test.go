package ui

import (
	"net/http"
	"strings"
	"testing"
)

// The accounts are sorted by their scores, by the heading or the choice beside the filters, and narrowed by stage, status and audience; each view is an address.
func TestAccounts_AreSortedByScoreAndNarrowed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for domain, types := range map[string][]string{
		"cool.com": {"page_view"}, "mild.com": {"form_submit"}, "warm.com": {"meeting_booked", "deal_created"},
		"hot.com": {"meeting_booked", "meeting_booked", "deal_created", "deal_created", "form_submit"},
	} {
		for _, typ := range types {
			s.send(typ, domain, "ann@"+domain)
		}
	}
	var below struct{ ID string }
	s.post("/v1/audiences", map[string]any{"name": "Below ten", "entity": "account", "condition": "account.score < 10"}, &below)
	s.post("/v1/audiences", map[string]any{"name": "People", "entity": "contact", "condition": "contact.score >= 0"}, nil)
	s.send("email_open", "cool.com", "ann@cool.com")

	p := s.open()
	p.signIn()
	p.goTo("/accounts")
	p.rows("4")
	p.choose("Sort", "-score")
	p.lists("hot.com", "warm.com", "mild.com", "cool.com")
	p.until("the address says so", `new URLSearchParams(location.search).get("sort") === "-score"`)
	p.until("the heading too", `[...document.querySelectorAll("main th")].find((h) => h.innerText.startsWith("Score")).ariaSort === "descending"`)
	p.axe("accounts by score")
	p.picture("act-accounts-by-score")
	p.choose("Stage", "Cool")
	p.lists("mild.com", "cool.com")
	p.until("audiences of accounts alone are offered", `[...document.querySelectorAll("main select")].some((e) => [...e.options].map((o) => o.label).join() === "Any audience,Below ten")`)
	p.choose("Audience", below.ID)
	p.lists("cool.com")
	p.choose("Stage", "Hot")
	p.reads("No account fits")
	p.picture("act-accounts-none-fits")
	p.do(`[...document.querySelectorAll("main a")].find((a) => a.innerText === "Clear the filters").click()`)
	p.rows("4")
	p.do(`[...document.querySelectorAll("main th button")].find((h) => h.innerText.startsWith("Score")).click()`)
	p.lists("hot.com", "warm.com", "mild.com", "cool.com")
	p.choose("Sort", "")
	p.until("the newest first is the list as it is", `!new URLSearchParams(location.search).has("sort")`)

	p.goTo("/contacts?sort=-score&stage=Warm")
	p.lists("ann@warm.com")
	p.until("the choices show what the address says", `["Warm", "By score"].every((t) => [...document.querySelectorAll("main select")].some((e) => e.selectedOptions[0].label === t))`)
	p.axe("contacts of a stage")
	p.goTo("/accounts?stage=Gone")
	p.reads("have no stage")
	p.expect("400")

	// More audiences than a page: all of them can be chosen, and the list of audiences has the rest behind its pages.
	for i := range 55 {
		s.request(http.MethodPost, "/v1/audiences", map[string]any{"name": "More " + string(rune('A'+i%26)) + string(rune('a'+i/26)), "entity": "account", "condition": "account.score > 1000"}, http.StatusCreated, nil)
	}
	p.goTo("/accounts")
	p.until("all audiences are offered", `[...document.querySelectorAll("main select")].some((e) => e.options[0].label === "Any audience" && e.options.length === 57)`)
	p.goTo("/audiences")
	p.rows("50")
	p.press("Next")
	p.rows("7")
}

// lists waits until the first cells of the table read so.
func (p *tab) lists(want ...string) {
	p.t.Helper()
	text := strings.Join(want, ",")
	p.until("the list is "+text, `[...document.querySelectorAll("main tbody tr")].map((r) => [...r.cells].map((c) => c.innerText.trim()).find((t) => t.includes(".com"))).join() === `+quoted(text))
}
