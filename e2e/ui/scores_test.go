package ui

import (
	"testing"
	"time"

	"signalbox/client"
)

// A score is in the list, on the page, and explained signal by signal.
func TestScores_AreShownAndExplained(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, typ := range []string{"meeting_booked", "deal_created", "page_view"} {
		s.send(typ, "acme.com", "jane@acme.com")
	}
	// What is left of an old one has as many digits as a number can have.
	old := time.Now().AddDate(0, 0, -49)
	if _, err := s.SendSignal(t.Context(), client.SignalInput{Type: "page_view", Source: "website", OccurredAt: old, Account: client.AccountInput{Domain: "acme.com"}}); err != nil {
		t.Fatal(err)
	}
	p := s.open()
	p.signIn()
	p.goTo("/accounts")
	p.until("the list shows score and stage", `document.querySelector("main tbody tr")?.innerText.match(/47\s+Warm/)`)
	p.do(`document.querySelector("main tbody .row-link").click()`)
	p.reads("Timeline")
	p.until("the page shows score and stage", `document.querySelector("main aside")?.innerText.match(/47\s+Warm/)`)
	p.press("Why?")
	p.until("the dialog says which score it explains", `document.querySelector("dialog h2")?.innerText === "Why the score is 47"`)
	p.until("each signal is there with what is left of it", `document.querySelectorAll("dialog tbody tr").length === 4 && document.querySelector("dialog tbody tr:last-child").innerText.includes("0.18") && document.querySelector("dialog tbody tr").innerText.match(/meeting_booked.*\+25\s+25.00/s)`)
	p.axe("why a score is what it is")
	p.picture("act-why")
	p.press("meeting_booked")
	p.until("the signal's page says what it was worth", `document.querySelector("main aside")?.innerText.includes("meeting_booked +25")`)
	p.goTo("/contacts")
	p.until("the contact has the score too", `document.querySelector("main tbody tr")?.innerText.match(/47\s+Warm/)`)
}
