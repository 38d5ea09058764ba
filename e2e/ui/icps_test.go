package ui

import (
	"testing"
)

// addsAnExample fills the form of an ICP in, and meets its refusals on the way.
func (p *tab) addsAnExample() {
	p.t.Helper()
	p.press("Fill in an example")
	p.fill("Code", "")
	p.fill("Parameter 1, field", "acount.employees")
	p.press("Add ICP")
	p.until("the field is refused where it is", `document.querySelector(".parameter .field.wrong .error")?.innerText.includes("account.*")`)
	p.expect("400")
	p.axe("a wrong field")
	p.picture("act-icp-refused")
	p.fill("Parameter 1, field", "account.attributes.employees")
	p.press("Add ICP")
	p.until("the code is refused where it is", `[...document.querySelectorAll(".field.wrong")].some((f) => f.innerText.includes("Code") && f.innerText.includes("1 to 200"))`)
	p.expect("400")
	p.fill("Code", "Mid-market SaaS")
}

// Whoever sells says to whom: an ICP is added from the example, refused field by field, tested on a company before it is saved, set live, and deleted.
func TestICPs_OneIsAddedTestedSetLiveAndDeleted(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for range 3 {
		s.post("/v1/signals", map[string]any{
			"type": "page_view", "source": "website", "account": map[string]any{"domain": "acme.com", "name": "Acme", "attributes": map[string]any{"employees": 80, "industry": "SaaS"}},
			"contact": map[string]any{"email": "jane@acme.com", "first_name": "Jane", "title": "VP Sales"},
		}, nil)
	}
	s.send("page_view", "other.com", "joe@other.com")
	p := s.open()
	p.signIn()
	p.press("ICPs")
	p.at("/settings/icps")
	p.reads("No ICPs yet")
	p.axe("no ICPs")
	p.picture("act-icps-empty")
	p.press("Add ICP")
	p.addsAnExample()
	p.fill("Search a record", "acme")
	p.until("Acme is found", `document.querySelectorAll(".choices button").length === 1`)
	p.do(`document.querySelector(".choices button").click()`)
	p.reads("100 of 100")
	p.axe("a verdict")
	p.picture("act-icp-fits")
	p.fill("Parameter 1, value", "500")
	p.press("Test again")
	p.reads("Something that must hold does not.")
	p.fill("Parameter 1, value", "50")
	p.press("Add ICP")
	p.until("it has a page of its own", `document.querySelector("h1")?.innerText === "Mid-market SaaS"`)
	p.reads("It judges nothing until it is live.")

	p.until("simple conditions are fields again", `[...document.querySelectorAll("main input")].some((i) => i.value === "account.attributes.employees")`)
	p.until("others are expressions", `document.querySelector(".parameter textarea")?.value.startsWith("count(signals")`)
	p.fill("Priority", "7")
	p.press("Save changes")
	p.until("it is saved", `!document.querySelector(".savebar")`)
	p.press("Set live")
	p.reads("It judges every signal that comes.")
	p.picture("act-icp")
	p.width(390)
	p.axe("an ICP on a phone")
	p.picture("act-icp-phone")
	p.width(1280)
	var icps []struct {
		ID, Code, Status string
		Priority         int
		Parameters       []struct{ Expression string }
	}
	s.request("GET", "/v1/icps", nil, 200, &icps)
	if len(icps) != 1 || icps[0].Status != "live" || icps[0].Priority != 7 || icps[0].Parameters[0].Expression != "account.attributes.employees > 50" || len(icps[0].Parameters) != 4 {
		t.Fatalf("there is %+v", icps)
	}

	// Somebody else is faster: what was typed is not lost, and theirs is not overwritten unasked.
	s.request("PATCH", "/v1/icps/"+icps[0].ID, map[string]any{"priority": 9}, 200, nil)
	p.fill("Priority", "8")
	p.press("Save changes")
	p.reads("Somebody changed it while you did.")
	p.expect("409")
	p.press("Save mine over it")
	p.until("mine is saved", `!document.querySelector(".savebar")`)

	p.press("More for Mid-market SaaS")
	p.press("Delete")
	p.fill("Type Mid-market SaaS to confirm", "Mid-market SaaS")
	p.answer("Delete")
	p.at("/settings/icps")
	p.reads("No ICPs yet")
	if n := s.count("/v1/icps"); n != 0 {
		t.Errorf("%d ICPs are left", n)
	}
}

// A persona belongs to ICPs, which stay for as long as it names them.
func TestPersonas_BelongToICPsThatStayWhileTheyAreNamed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.post("/v1/icps", map[string]any{"code": "SaaS", "status": "live", "parameters": []any{map[string]any{"name": "Known", "expression": `account.domain != ""`, "mode": "filter"}}}, nil)
	s.post("/v1/signals", map[string]any{"type": "page_view", "source": "website", "contact": map[string]any{"email": "jane@acme.com", "first_name": "Jane", "title": "VP Sales"}}, nil)
	p := s.open()
	p.signIn()
	p.goTo("/settings/icps?tab=personas")
	p.reads("No personas yet")
	p.press("Begin with an example")
	p.at("/settings/icps/personas/new?example=1")
	p.choose("Which ICPs", "some")
	p.press("SaaS")
	p.until("Jane is there", `document.querySelectorAll(".choices button").length === 1`)
	p.do(`document.querySelector(".choices button").click()`)
	p.until("there is a verdict", `document.querySelector(".tested-verdict")`)
	p.picture("act-persona")
	p.press("Add persona")
	p.until("it has a page of its own", `document.querySelector("h1")?.innerText === "Decision maker"`)
	p.press("ICPs")
	p.at("/settings/icps")
	p.rows("1")
	p.press("Acts on SaaS")
	p.press("Delete")
	p.fill("Type SaaS to confirm", "SaaS")
	p.answer("Delete")
	p.until("the refusal names who names it", `document.querySelector("dialog .form-error")?.innerText.includes('"Decision maker"')`)
	p.expect("409")
	p.answer("Cancel")
	p.press("Personas")
	p.rows("1")
	p.press("Acts on Decision maker")
	p.press("Set live")
	p.until("it is live", `document.querySelector("main tbody tr")?.innerText.includes("live")`)
	p.reads("Decision maker is live.")
	p.press("Undo")
	p.until("it is a draft again", `document.querySelector("main tbody tr")?.innerText.includes("draft")`)
	p.picture("act-personas")
}
