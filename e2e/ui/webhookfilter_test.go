package ui

import (
	"testing"

	"signalbox/client"
)

// Whoever wants only some of the events says which, row by row, and finds the condition again.
func TestWebhook_TakesOnlyWhatFitsItsFilter(t *testing.T) {
	t.Parallel()
	s := serve(t)
	r := receive(t)
	hook, err := s.CreateWebhook(t.Context(), client.WebhookInput{URL: r.URL, Events: []string{"signal.created"}, Label: "CRM"})
	if err != nil {
		t.Fatal(err)
	}
	p := s.open()
	p.signIn()
	p.goTo("/settings/webhooks/" + hook.ID + "?tab=settings")
	p.press("Add a condition")
	p.fill("Condition 1, field", "signal.kind")
	p.fill("Condition 1, value", "demo_requested")
	p.press("Save changes")
	p.until("an unknown field is refused in words", `document.querySelector("main .error")?.innerText.includes("signal.type")`)
	p.expect("400")
	p.fill("Condition 1, field", "signal.type")
	p.axe("a filter")
	p.picture("act-filter")
	p.press("Save changes")
	p.until("it is saved", `!document.querySelector(".savebar")`)
	s.send("page_visit", "acme.com", "jane@acme.com")
	s.send("demo_requested", "acme.com", "jane@acme.com")
	p.await("what fits has arrived", func() bool { return len(s.log(hook.ID)) > 0 })
	if list := s.log(hook.ID); len(list) != 1 {
		t.Errorf("%d deliveries, want the one that fits", len(list))
	}
	p.goTo("/settings/webhooks/" + hook.ID + "?tab=settings")
	p.until("the condition is there again", `[...document.querySelectorAll("main input")].some((i) => i.value === "demo_requested")`)
}
