package ui

import (
	"strings"
	"testing"
	"time"

	"signalbox/sign"
)

// proves S2-5, S2-8…S2-15
func TestConfigurations_AWebhookForNotificationsIsAddedTestedAndPaused(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := serve(t)
	p := s.open()
	p.signIn()
	p.press("Configurations")
	p.at("/settings/configurations")
	p.reads("No webhooks for notifications yet")
	p.press("Add webhook")
	p.fill("Label", "Support tickets")
	p.fill("Description", "Opens a ticket when a renewal is at risk.")
	p.fill("Webhook URL", "http//nowhere")
	p.answer("Add")
	p.until("a wrong address is refused under the field", `document.querySelector("dialog .field .error")?.innerText.length > 0`)
	p.expect("400")
	p.fill("Webhook URL", r.URL)
	p.axe("Add webhook")
	p.answer("Add")
	p.until("the key is in a dialog of its name", `document.querySelector("dialog h2")?.innerText === "Webhook secret key"`)
	secret := p.secret()
	p.axe("Webhook secret key")
	p.picture("act-secret-key")
	p.answer("Close")
	p.closed()
	p.rows("1")

	p.press("Acts on Support tickets")
	p.press("Test")
	p.reads("The whole body")
	p.press("Send test")
	p.reads("Delivered.")
	verify := func(secret string) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		n := len(r.got) - 1
		if !strings.Contains(r.bodies[n], `"notification":{"id":"ntf_`) {
			t.Errorf("the receiver got %s", r.bodies[n])
		}
		return sign.Verify(sign.Staircase, r.got[n].Header, []byte(r.bodies[n]), []sign.Secret{sign.Secret(secret)}, time.Now())
	}
	if err := verify(secret); err != nil {
		t.Errorf("x-staircase-signature does not prove the origin: %v", err)
	}

	p.press("Configurations")
	p.press("Acts on Support tickets")
	p.press("Regenerate secret")
	p.choose("The old secret signs too", "0")
	p.answer("Regenerate secret")
	fresh := p.secret()
	p.answer("Done")
	p.closed()
	p.press("Acts on Support tickets")
	p.press("Disable")
	p.answer("Disable")
	p.closed()
	p.until("it reads disabled", `document.querySelector("main tbody tr")?.innerText.includes("disabled")`)
	p.press("Acts on Support tickets")
	p.press("Enable")
	p.until("it reads enabled", `document.querySelector("main tbody tr")?.innerText.includes("enabled")`)
	p.picture("act-configurations")

	for w, err := range s.Webhooks(t.Context()) {
		if err != nil || w.Format != "staircase" || len(w.Events) != 0 {
			t.Fatalf("there is %+v, %v", w, err)
		}
		if _, err := s.TestWebhook(t.Context(), w.ID, "", nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := verify(fresh); err != nil {
		t.Errorf("the fresh secret does not verify: %v", err)
	}
	if err := verify(secret); err == nil {
		t.Error("the old secret still verifies")
	}
}

// proves S4-2, S4-3, S4-6: the events of StackOne by its names, with its URL and a secret
func TestAddEndpoint_TheFormatDecidesWhichEventsThereAre(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := s.open()
	p.signIn()
	p.goTo("/settings/webhooks/new")
	p.reads("signal.created")
	p.press("StackOne")
	p.reads("account.updated")
	p.picture("act-stackone")
	p.press("Staircase")
	p.reads("Nothing is subscribed to")
}
