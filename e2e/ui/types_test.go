package ui

import (
	"net/http"
	"testing"
)

// capture sends S3-14's signal of a type, at another moment each time.
func (s *server) capture(typ, at string, size int) {
	s.t.Helper()
	s.request(http.MethodPost, "/signals", map[string]any{
		"signal_type": typ, "source": "product", "occurred_at": "2026-05-26T14:30:" + at + "Z", "event_name": "user_invited_teammate",
		"identity": map[string]any{"email": "jane@acme.com"}, "context": map[string]any{"team_size": size, "plan_tier": "free"},
	}, http.StatusCreated, nil)
}

// bucket is what a type's page says of its first sub-rule.
const bucket = `document.querySelector("main table[aria-label='Sub-rules'] tbody tr")?.innerText.replace(/\s+/g, " ").trim()`

// proves S3-20, S3-21, S3-22, S3-23, S3-24, S3-25: a custom signal is declared under Signals, and what is sent by its name is counted.
func TestTypes_ACustomSignalIsDeclaredSentAndCounted(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := s.open()
	p.signIn()
	p.goTo("/signals")
	p.press("+ Add")
	p.until("the menu is open", `document.querySelector("[role=menu]")`)
	p.axe("the menu of what can be added")
	p.picture("act-type-menu")
	p.press("Custom signal")
	p.at("/signals/types/new")
	p.fill("Name", "  Custom -- Event!")
	p.until("what signals call it is shown", `document.querySelector("main .hint code")?.innerText === "custom_event"`)
	p.fill("Name", "Custom event")
	p.fill("Source description", "What people do in the product")
	p.press("Add a sub-rule")
	p.fill("Sub-rule 1, condition 1, field", "context.team_sise")
	p.choose("Sub-rule 1, condition 1, comparison", "greater_than")
	p.fill("Sub-rule 1, condition 1, value", "10")
	p.press("Create")
	p.until("a sub-rule without a name is refused beside it", `document.querySelector("main .sub-rule .error")?.innerText === "This is required."`)
	p.expect("400")
	p.axe("a custom signal that is refused")
	p.picture("act-type-refused")
	p.fill("Sub-rule 1, name", "Large team")
	p.press("Create")
	p.until("the type's page is there", `location.pathname.startsWith("/signals/types/styp_") && document.querySelector("main h1")?.innerText === "Custom event"`)
	p.settled()
	p.until("the call to copy names it", `document.querySelector("main pre")?.innerText.includes('"signal_type": "custom_event"')`)
	p.until("nothing is counted yet", bucket+`.endsWith("0")`)
	s.capture("custom_event", "01", 12)
	s.capture("custom_event", "02", 4)

	p.press("Edit")
	p.settled()
	p.fill("Sub-rule 1, expression", "context.team_sise >")
	p.press("Save")
	p.until("what cannot be read is refused beside it", `document.querySelector("main .sub-rule .error")?.innerText.startsWith("Line 1, ")`)
	p.expect("400")
	p.fill("Sub-rule 1, expression", "context.team_size > 10")
	p.fill("Name", "Product event")
	p.press("Save")
	p.until("the edit counts over what was sent before", bucket+` === "Large team context.team_size > 10 1"`)
	p.reads("all its 2 signals")
	p.reads("Product event")
	p.axe("a signal type")
	p.picture("act-type")

	p.goTo("/signals")
	p.reads("custom_event")
	p.press("Types")
	p.at("/signals/types")
	p.settled()
	p.until("it is in the table, by both names", `[...document.querySelectorAll("main tbody tr")].some((r) => r.innerText.includes("Product event") && r.innerText.includes("custom_event") && r.innerText.includes("declared"))`)
	const enabled = `document.querySelector("[aria-label='Enable Product event']")?.getAttribute("aria-checked")`
	p.until("it is enabled", enabled+` === "true"`)
	p.press("Enable Product event")
	p.until("it is not", enabled+` === "false"`)
	p.press("Autoqualify Meeting booked")
	p.until("a built-in type is declared when it is changed", `[...document.querySelectorAll("main tbody tr")].some((r) => r.innerText.includes("meeting_booked") && r.innerText.includes("declared"))`)
	var types []struct {
		Name                           string
		Enabled, Declared, Autoqualify bool
	}
	s.request(http.MethodGet, "/v1/signal-types", nil, http.StatusOK, &types)
	for _, y := range types {
		if y.Name == "custom_event" && y.Enabled || y.Name == "meeting_booked" && (y.Autoqualify || !y.Declared || !y.Enabled) {
			t.Errorf("stored is %+v", y)
		}
	}
}

// What signals made is declared as it is, and is seen again when its declaration is taken away.
func TestTypes_ASeenTypeIsDeclaredAndSeenAgain(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.send("As It Is", "acme.com", "jane@acme.com")
	p := s.open()
	p.signIn()
	p.goTo("/signals/types")
	p.do(`document.querySelector("main tbody .row-link").click()`)
	p.reads("refuses it until it is declared")
	p.press("Declare")
	p.settled()
	p.fill("Source description", "Kept as it was sent")
	p.press("Declare")
	p.until("it is declared", `document.querySelector("main aside")?.innerText.match(/declared[^]*As It Is/)`)
	p.press("Delete")
	p.axe("a declaration is taken away")
	p.picture("act-type-delete")
	p.press("Delete")
	p.at("/signals/types")
	p.until("it is seen again", `[...document.querySelectorAll("main tbody tr")].some((r) => r.innerText.includes("As It Is") && r.innerText.includes("seen"))`)
	p.until("a type that is built in is not", `[...document.querySelectorAll("main tbody tr")].every((r) => !r.innerText.includes("meeting_booked") || !r.innerText.includes("seen"))`)
}
