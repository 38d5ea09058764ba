package ui

import (
	"net/http"
	"testing"

	"signalbox/client"
)

// Somebody whose receiver was off for a while sees what it has missed, sends it, and watches it go.
func TestRecover_IsPreviewedBegunFollowedAndCancelled(t *testing.T) {
	t.Parallel()
	s := serve(t)
	r := receive(t)
	hook, err := s.CreateWebhook(t.Context(), client.WebhookInput{URL: r.URL, Events: []string{"signal.created"}, Label: "CRM"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DisableWebhook(t.Context(), hook.ID); err != nil {
		t.Fatal(err)
	}
	for range 25 {
		s.send("page_visit", "acme.com", "jane@acme.com")
	}
	if _, err := s.EnableWebhook(t.Context(), hook.ID); err != nil {
		t.Fatal(err)
	}
	p := s.open()
	p.signIn()
	p.goTo("/settings/webhooks/" + hook.ID)
	p.press("Recover…")
	p.until("the preview counts", `document.querySelector("dialog")?.innerText.includes("25 skipped")`)
	p.axe("Recover")
	p.picture("act-recover")
	p.press("Skipped") // not these
	p.until("nothing is left to send", `document.querySelector("dialog")?.innerText.includes("Nothing was missed")`)
	p.press("Skipped")
	p.fill("How many in a second", "0")
	p.answer("Send 25 events")
	p.until("a rate of none is refused under the field", `document.querySelector("dialog .field .error")?.innerText.includes("1 to 1000")`)
	p.expect("400")
	p.fill("How many in a second", "1")
	p.answer("Send 25 events")
	p.closed()
	p.until("it is followed", `document.querySelector("main progress")`)
	p.axe("Recovering")
	p.picture("act-recovering")
	p.press("Cancel the recovery")
	p.until("it is over", `!document.querySelector("main progress")`)

	p.press("Recover…")
	p.fill("How many in a second", "1000")
	p.until("the rest is counted", `/Send \d+ events/.test(document.querySelector("dialog footer")?.innerText)`)
	p.do(`document.querySelector("dialog footer button[type=submit]").click()`)
	p.closed()
	p.await("all of them have arrived", func() bool {
		n := 0
		for _, d := range s.log(hook.ID) {
			if d.Status == "delivered" {
				n++
			}
		}
		return n == 25
	})
	s.request(http.MethodPost, "/v1/webhooks/"+hook.ID+"/disable", nil, http.StatusOK, nil)
}

// log is a webhook's delivery log.
func (s *server) log(hook string) (list []client.Delivery) {
	s.t.Helper()
	for d, err := range s.Deliveries(s.t.Context(), hook, client.DeliveryQuery{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}
