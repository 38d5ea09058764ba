package ui

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"signalbox/client"
)

// send sends a signal about somebody at a company.
func (s *server) send(kind, domain, mail string) string {
	s.t.Helper()
	receipt, err := s.SendSignal(s.t.Context(), client.SignalInput{
		Type: kind, Source: "website", Account: client.AccountInput{Domain: domain}, Contact: client.ContactInput{Email: mail},
		Properties: map[string]any{"path": "/pricing", "n": 12345678901234567},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return receipt.ID
}

func TestSignIn_LeadsBackToThePageThatWasAskedFor(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := s.open()
	p.goTo("/signals?type=page_visit")
	p.at("/sign-in?next=" + "%2Fsignals%3Ftype%3Dpage_visit")
	p.expect("401") // asked who is signed in: nobody
	p.fill("E-mail", email)
	p.fill("Password", "not the password")
	p.press("Sign in")
	p.until("a wrong password is said to be wrong", `document.querySelector("[role=alert]")?.innerText.length > 0`)
	p.expect("401")
	p.fill("Password", password)
	p.key("Enter")
	p.at("/signals?type=page_visit")
	p.reads("No signal fits these filters")
	p.press("Account of " + email)
	p.press("Sign out")
	p.at("/sign-in")
	p.goTo("/accounts")
	p.at("/sign-in?next=%2Faccounts")
	p.expect("401")
}

func TestLink_AnInvitationBecomesAMember(t *testing.T) {
	t.Parallel()
	s := serve(t)
	link := s.invite("grace@example.com", "viewer")
	p := s.open()
	p.goTo(strings.TrimPrefix(link, s.url))
	p.reads("grace@example.com")
	p.fill("Your name", "Grace Hopper")
	p.fill("Password", "short")
	p.press("Join")
	p.until("a short password is refused in words", `document.querySelector(".field .error")?.innerText.length > 0`)
	p.expect("400")
	p.fill("Password", "several words are good")
	p.press("Join")
	p.at("/")
	p.reads("Grace Hopper")
	p.settled()

	again := s.open()
	again.goTo(strings.TrimPrefix(link, s.url))
	again.reads("This link is used up")
	again.expect("404")

	// A viewer reads, and is offered nothing that the API would refuse.
	s.send("page_visit", "acme.com", "jane@acme.com")
	p.goTo("/accounts")
	p.press("acme.com")
	p.reads("Timeline")
	if eval[bool](p, `[...document.querySelectorAll("main a, main button")].some((e) => ["Edit", "Import CSV"].includes(e.innerText))`) {
		t.Error("a viewer is offered what the API refuses")
	}
	p.goTo("/accounts/import")
	p.reads("Your role does not allow this")
}

// invite makes a member and returns the link for the password.
func (s *server) invite(mail, role string) string {
	s.t.Helper()
	var made struct {
		InviteURL string `json:"invite_url"`
	}
	s.post("/v1/members", map[string]any{"email": mail, "role": role}, &made)
	return made.InviteURL
}

func TestOverview_NoticesTheFirstSignalByItself(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := s.open()
	p.signIn()
	p.reads("Send a signal")
	p.reads("Nothing has arrived yet")
	s.send("page_visit", "acme.com", "jane@acme.com")
	p.until("the step is done", `document.querySelector(".steps li")?.classList.contains("done")`)
	p.until("the signal is shown", `document.querySelector("table[aria-label='Latest signals'] .row-link")?.innerText === "page_visit"`)
}

func TestSignals_AreLiveFilteredByTheAddressAndShowWhatTheyCaused(t *testing.T) {
	t.Parallel()
	got := make(chan string, 8)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- string(body)
	}))
	t.Cleanup(receiver.Close)
	s := serve(t)
	if _, err := s.CreateWebhook(t.Context(), client.WebhookInput{URL: receiver.URL, Events: []string{"signal.created"}}); err != nil {
		t.Fatal(err)
	}
	s.send("page_visit", "acme.com", "jane@acme.com")
	p := s.open()
	p.signIn()
	p.key("g")
	p.key("s")
	p.at("/signals")
	p.until("one row", `document.querySelectorAll("tbody tr").length === 1`)
	p.until("the stream is open", `document.querySelector(".lamp.on")`)
	p.key("/")
	p.until("the search has the focus", `document.activeElement?.matches("[data-search]")`)
	p.fill("Type", "demo_requested")
	p.at("/signals?type=demo_requested")
	p.reads("No signal fits these filters")
	s.send("page_visit", "globex.com", "joe@globex.com")
	id := s.send("demo_requested", "globex.com", "joe@globex.com")
	p.until("the row that fits has arrived, and no other", `document.querySelectorAll("tbody tr").length === 1 && document.querySelector(".row-link").innerText === "demo_requested"`)
	<-got
	<-got
	<-got
	p.press("demo_requested")
	p.at("/signals/" + id)
	p.reads("12345678901234567") // every digit of it
	p.until("its delivery is shown", `document.querySelector("table .badge")?.innerText === "delivered"`)
	p.do(`document.querySelector("table .row-link").click()`)
	p.reads("Attempt 1")
	p.press("Signals")
	p.at("/signals")
}

func TestAccount_IsFoundEditedAndErased(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.send("page_visit", "acme.com", "jane@acme.com")
	s.send("page_visit", "globex.com", "joe@globex.com")
	p := s.open()
	p.signIn()
	p.goTo("/accounts")
	p.until("two rows", `document.querySelectorAll("tbody tr").length === 2`)
	p.fill("Name or domain", "acme")
	p.at("/accounts?q=acme")
	p.until("one row", `document.querySelectorAll("tbody tr").length === 1`)
	p.press("acme.com")
	p.reads("page_visit")
	p.press("Contacts")
	p.reads("jane@acme.com")
	p.press("Edit")
	p.fill("Name", "Acme Corporation")
	p.press("Cancel")
	p.reads("Leave without saving?")
	p.press("Stay")
	p.fill("Attributes", `{"plan": `)
	p.reads("This is not JSON")
	p.fill("Attributes", `{"plan": "pro", "seats": 12345678901234567890}`)
	p.press("Save")
	p.reads("Saved.")
	p.until("the name is the page's", `document.querySelector("h1").innerText === "Acme Corporation"`)
	p.until("the tab of attributes counts two", `document.querySelector("[data-tab=attributes]").innerText.endsWith("2")`)
	p.press("Attributes 2")
	p.reads("12345678901234567890")
	p.press("More for this account")
	p.press("Erase…")
	p.reads("This cannot be undone")
	if !eval[bool](p, `[...document.querySelectorAll("dialog button")].find((b) => b.innerText === "Erase").disabled`) {
		t.Error("erasing needs no name")
	}
	p.fill("Type acme.com to confirm", "acme.com")
	p.press("Erase")
	p.at("/accounts")
	p.until("one row is left", `document.querySelectorAll("tbody tr").length === 1`)
}

func TestImport_IsTriedDoneAndSeen(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.send("page_visit", "acme.com", "jane@acme.com")
	p := s.open()
	p.signIn()
	p.goTo("/accounts/import")
	p.attach("accounts.csv", "Website,Company Name,Seats,Id\nacme.com,\"Acme, Inc\",12,x\nglobex.com,Globex,7,y\nno domain at all,Nobody,1,z\n")
	p.reads("accounts.csv, 3 rows")
	p.until("the columns are known by their names", `[...document.querySelectorAll("select")].map((s) => s.value).join() === "domain,name,attribute,"`)
	p.choose("What Website becomes", "")
	p.reads("Say which column holds the domain")
	p.choose("What Website becomes", "domain")
	p.press("Try it")
	p.reads("Nothing was changed yet. Of 3 rows:")
	p.reads("1 would be created")
	p.reads("1 would be updated")
	p.reads("1 would be rejected")
	if n := s.count("/v1/accounts"); n != 1 {
		t.Errorf("trying it left %d accounts, want the one that was there", n)
	}
	p.press("Import")
	p.reads("Done. Of 3 rows:")
	p.press("To the accounts")
	p.reads("Acme, Inc")
	p.reads("Globex")
	p.press("Imports")
	p.reads("2 records")
	p.press("Undo")
	p.press("Undo the import")
	p.reads("2 records taken back.")
	p.press("Accounts")
	p.until("the account that was there is as before, and the other gone", `[...document.querySelectorAll(".row-link")].map((a) => a.innerText).join() === "acme.com"`)
}

func TestMerge_IsPreviewedDoneAndUndone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.send("page_visit", "acme.com", "jane@acme.com")
	s.send("form_submitted", "acme-corp.com", "joe@acme-corp.com")
	p := s.open()
	p.signIn()
	p.goTo("/accounts?q=acme-corp")
	p.until("one row", `document.querySelectorAll("tbody tr").length === 1`)
	p.press("acme-corp.com")
	p.press("More for this account")
	p.press("Merge with another…")
	p.until("the other one is offered", `document.querySelectorAll(".choices button").length === 1`)
	p.do(`document.querySelector(".choices button").click()`)
	p.reads("acme-corp.com goes into acme.com")
	p.reads("1 signal, 1 contact, 1 key move along.")
	p.axe("the preview of a merge")
	p.press("Merge")
	p.reads("Merged.")
	p.until("the survivor has both timelines", `document.querySelector("h1").innerText === "acme.com" && document.querySelectorAll("tbody tr").length === 2`)
	if n := s.count("/v1/accounts"); n != 1 {
		t.Errorf("%d accounts after merging two", n)
	}
	p.press("Undo")
	p.reads("Undone.")
	if n := s.count("/v1/accounts"); n != 2 {
		t.Errorf("%d accounts after undoing, want both", n)
	}
	p.goTo("/merges?status=undone")
	p.press("acme-corp.com")
	p.reads("move along")
}

func TestHelp_EveryKeyIsListedAndKeysWork(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i := range 3 {
		s.send("page_visit", fmt.Sprintf("c%d.com", i), fmt.Sprintf("a@c%d.com", i))
	}
	p := s.open()
	p.signIn()
	p.key("?")
	p.reads("Keyboard shortcuts")
	p.axe("help")
	p.key("Escape")
	p.until("it is closed", `!document.querySelector("dialog")`)
	p.key("g")
	p.key("a")
	p.at("/accounts")
	p.settled()
	p.do(`document.querySelector(".row-link").focus()`)
	p.key("j")
	p.until("the second row has the focus", `[...document.querySelectorAll(".row-link")].indexOf(document.activeElement) === 1`)
	p.key("k")
	p.until("the first row has the focus", `[...document.querySelectorAll(".row-link")].indexOf(document.activeElement) === 0`)
	p.key("Enter")
	p.until("the account is open", `location.pathname.startsWith("/accounts/acc_")`)
}
