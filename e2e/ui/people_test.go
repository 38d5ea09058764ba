package ui

import (
	"net/http"
	"strings"
	"testing"
)

func TestMembers_AreInvitedGivenRolesAndRemovedByName(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := s.open()
	p.signIn()
	p.goTo("/settings/members")
	p.reads("you")
	p.press("Invite")
	p.fill("E-mail", "grace@example.com")
	p.fill("Name", "Grace Hopper")
	p.press("Analyst")
	p.axe("an invitation")
	p.answer("Make the invitation")
	link := p.secret()
	p.picture("act-invited")
	p.answer("Done")
	p.until("she is invited", `[...document.querySelectorAll("main tr")].some((r) => r.innerText.includes("Grace Hopper") && r.innerText.includes("invited"))`)

	hers := s.open()
	hers.goTo(strings.TrimPrefix(link, s.url))
	hers.fill("Password", "several words are good")
	hers.press("Join")
	hers.at("/")
	hers.settled()

	// An analyst reads the settings, and is offered nothing that is an administrator's.
	hers.goTo("/settings/webhooks")
	hers.reads("Webhooks are added and changed by administrators.")
	if eval[bool](hers, `[...document.querySelectorAll("main a, main button")].some((e) => e.innerText === "Add Endpoint")`) {
		t.Error("an analyst is offered Add Endpoint")
	}
	for _, path := range []string{"/settings/workspace", "/settings/account-matching"} {
		hers.goTo(path)
		hers.reads("Settings are changed by administrators.")
		if n := eval[int](hers, `document.querySelectorAll("main :is(input, textarea):not(:disabled)").length`); n != 0 {
			t.Errorf("an analyst can type into %d fields of %s", n, path)
		}
	}
	for _, path := range []string{"/settings/api-keys", "/settings/members", "/settings/audit-log", "/settings/webhooks/new"} {
		hers.goTo(path)
		hers.reads("Your role does not allow this")
	}

	p.press("Acts on Grace Hopper")
	p.press("Change role")
	p.press("Viewer")
	p.answer("Change role")
	p.reads("Grace Hopper is viewer now.")
	p.closed()
	p.press("Acts on Grace Hopper")
	p.press("Link for a new password")
	p.answer("Make the link")
	p.until("the link is shown", `document.querySelector(".secret code")?.innerText.includes("/link/")`)
	p.answer("Done")
	p.press("Acts on Grace Hopper")
	p.press("Remove")
	p.refuses("Remove")
	p.fill("Type grace@example.com to confirm", "grace@example.com")
	p.answer("Remove")
	p.closed()
	p.rows("1")
	hers.goTo("/accounts")
	hers.at("/sign-in?next=%2Faccounts")
	hers.expect("401")
}

func TestProfile_NamePasswordAndSessionsAreOnesOwn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	other := s.open()
	other.signIn()
	p := s.open()
	p.signIn()
	p.goTo("/settings/profile")
	p.fill("Your name", "Ada Lovelace")
	p.press("Save the name")
	p.until("the frame has the name", `document.querySelector(".who-name").innerText === "Ada Lovelace"`)
	p.rows("2")
	p.axe("the profile")
	p.press("End")
	p.answer("End the session")
	p.closed()
	p.rows("1")
	other.goTo("/accounts")
	other.at("/sign-in?next=%2Faccounts")
	other.expect("401")

	p.fill("Password now", "not the password")
	p.fill("New password", "another few words")
	p.press("Change the password")
	p.until("a wrong password is refused in words", `document.querySelector(".field .error, .form-error")?.innerText.length > 0`)
	p.expect("40")
	p.fill("Password now", password)
	p.press("Change the password")
	p.reads("Your password is changed.")
	other.goTo("/sign-in")
	other.fill("E-mail", email)
	other.fill("Password", "another few words")
	other.press("Sign in")
	other.at("/")
	other.settled()
}

func TestAuditLog_SaysWhoChangedWhatFromWhatToWhat(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.request(http.MethodPatch, "/v1/workspace", map[string]any{"timezone": "Europe/Berlin", "limits": map[string]any{"key": map[string]any{"per_minute": 600}}}, http.StatusOK, nil)
	p := s.open()
	p.signIn()
	p.goTo("/settings/audit-log?action=workspace.updated")
	p.rows("1")
	p.do(`document.querySelector("main tbody .row-link").click()`)
	p.until("the change is shown, before and after",
		`[...document.querySelectorAll("dialog[open] .diff tr")].some((r) => r.querySelector("th")?.innerText === "timezone" && r.querySelector("del")?.innerText === "UTC" && r.querySelector("ins")?.innerText === "Europe/Berlin")`)
	p.axe("an entry of the audit log")
	p.picture("act-audit")
	p.answer("All changes of it")
	p.until("the address asks for its changes", `new URLSearchParams(location.search).get("subject")?.startsWith("ws_")`)
	p.settled()
	p.choose("What", "api_key")
	p.until("nothing of another kind is left", `!document.querySelector("main tbody")?.innerText.includes("Workspace")`)
}

func TestWorkspace_IsSavedAndTwoWhoEditAtOnceHearOfIt(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := s.open()
	p.signIn()
	p.goTo("/settings/workspace")
	p.fill("Name", "Acme marketing")
	p.fill("Signals of each key, a minute", "lots")
	p.fill("Signals of each key, a minute", "600")
	p.fill("Captured signals, a minute", "900")
	p.axe("the workspace, changed")
	p.picture("act-workspace")
	p.press("Webhooks")
	p.answer("Stay")
	p.press("Save changes")
	p.reads("Saved.")
	p.until("the frame has the name", `document.querySelector(".side .brand").innerText.includes("Acme marketing")`)

	s.request(http.MethodPatch, "/v1/workspace", map[string]any{"name": "Theirs"}, http.StatusOK, nil)
	p.fill("Timezone", "Europe/Berlin")
	p.press("Save changes")
	p.reads("Somebody else has changed these settings")
	p.expect("409")
	p.press("Keep mine and look again")
	p.until("their name is in the field", `[...document.querySelectorAll("label")].find((l) => l.innerText === "Name").control.value === "Theirs"`)
	p.press("Save changes")
	p.until("nothing is left to save", `!document.querySelector(".savebar")`)
	p.goTo("/settings/account-matching")
	p.fill("Aliases", "acme.de acmecorp.com")
	p.reads("Line 1 is not of the form")
	p.fill("Aliases", "acme.de = acmecorp.com")
	p.press("Require identity")
	p.axe("account matching, changed")
	p.picture("act-matching")
	p.press("Save changes")
	p.reads("Saved.")
	var saved struct {
		Name, Timezone  string
		RequireIdentity bool `json:"require_identity"`
		Aliases         map[string]string
		Limits          struct {
			Key, Captures struct {
				PerMinute int `json:"per_minute"`
				PerDay    int `json:"per_day"`
			}
		}
	}
	s.request(http.MethodGet, "/v1/workspace", nil, http.StatusOK, &saved)
	if saved.Name != "Theirs" || saved.Timezone != "Europe/Berlin" || !saved.RequireIdentity || saved.Aliases["acme.de"] != "acmecorp.com" || saved.Limits.Key.PerMinute != 600 ||
		saved.Limits.Captures.PerMinute != 900 || saved.Limits.Captures.PerDay != 50_000 {
		t.Errorf("the workspace was saved as %+v", saved)
	}
}
