package ui

import (
	"net/http"
	"testing"

	"signalbox/client"
)

// scoreOf is the score that the first account of the list has.
func (s *server) scoreOf() int {
	s.t.Helper()
	var rows []struct{ Score int }
	s.request(http.MethodGet, "/v1/accounts", nil, http.StatusOK, &rows)
	return rows[0].Score
}

// left is the script of what the curve's words say is left after so many days.
func left(days string) string {
	return `[...document.querySelectorAll(".decay-words tbody tr")].find((r) => r.cells[0].innerText === "` + days + ` days")?.cells[1].innerText`
}

// Somebody makes page views worth more and has points fade faster: the curve follows, the preview names who moves, new signals get the new points, and
// what is stored gets them when asked.
func TestSignalIntelligence_IsEditedPreviewedSavedAndRecomputed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.send("page_view", "acme.com", "jane@acme.com")
	p := s.open()
	p.signIn()
	p.press("Signal Intelligence")
	p.at("/settings/signal-intelligence")
	p.until("the curve is that of 14 days", left("14")+` === "50 %"`)
	p.reads("Half is left after 14 days, a quarter after 28 days")
	before := p.text(`document.querySelector(".decay-box .line").getAttribute("d")`)
	p.fill("Half-life", "7")
	p.until("the words follow", left("14")+` === "25 %"`)
	p.reads("Half is left after 7 days, a quarter after 14 days")
	if p.text(`document.querySelector(".decay-box .line").getAttribute("d")`) == before {
		t.Error("the curve did not move")
	}
	p.fill("page_view, points", "30")
	p.until("what is not saved is named", `document.querySelector(".savebar [role=status]")?.innerText === "Not saved yet: half-life, points"`)
	p.axe("an edited scoring")
	for _, theme := range []string{"dark", "light"} {
		p.theme(theme)
		p.width(360)
		p.do(`scrollTo(0, document.body.scrollHeight)`) // where the bar that saves covers nothing
		p.axe("an edited scoring on a small phone, " + theme)
		p.picture("act-intelligence-phone-" + theme)
		p.width(1280)
		p.picture("act-intelligence-" + theme)
	}
	p.press("Preview")
	p.until("the account is among those who move", `document.querySelector("dialog tbody tr")?.innerText.match(/acme\.com\s+2\s+Cool\s+→\s+30\s+Cool\s+\+28/)`)
	p.axe("the preview of a scoring")
	p.picture("act-intelligence-preview")
	p.width(360)
	p.axe("the preview of a scoring on a small phone")
	p.picture("act-intelligence-preview-phone")
	p.width(1280)
	p.answer("Close")
	p.closed()
	p.press("Save changes")
	p.reads("Saved.")
	p.until("the bar is gone", `!document.querySelector(".savebar")`)
	p.until("the job that follows a half-life is followed to its end", `document.querySelector(".note.good")?.innerText.includes("Scores are worked out.")`)
	if got := s.scoreOf(); got != 2 {
		t.Errorf("the score is %d before stored signals are recomputed, want 2", got)
	}
	var got struct{ Score float64 }
	s.request(http.MethodGet, "/v1/signals/"+s.send("page_view", "globex.com", "joe@globex.com"), nil, http.StatusOK, &got)
	if got.Score != 30 {
		t.Errorf("a new signal is worth %v, want 30", got.Score)
	}
	p.press("Recompute stored signals")
	p.until("it is asked for", `document.querySelector("dialog h2")?.innerText === "Recompute stored signals"`)
	p.axe("asking to recompute")
	p.answer("Recompute")
	p.closed()
	p.until("it is followed to its end", `document.querySelector(".note.good")?.innerText.includes("looked at")`)
	p.picture("act-intelligence-recomputed")
	p.goTo("/accounts?q=acme")
	p.until("the account's score is that of the new points", `document.querySelector("main tbody tr")?.innerText.match(/\b30\s+Cool/)`)
}

// What the API refuses stands at the field that it is about, and what somebody else saved meanwhile is told.
func TestSignalIntelligence_SaysWhatIsWrongWhereItIs(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := s.open()
	p.signIn()
	p.goTo("/settings/signal-intelligence")
	p.press("Add a type")
	p.until("the new row has the focus", `document.activeElement?.labels?.[0].innerText === "New type, name"`)
	p.fill("New type, name", "page_view")
	p.reads("page_view is there twice")
	p.press("Take page_view out")
	p.until("the focus is kept", `document.activeElement?.innerText === "Add a type"`)
	p.press("Add a rule")
	p.until("the new rule has the focus", `document.activeElement?.matches(".rule input")`)
	p.fill("Points", "10")
	p.fill("When", "account.score > 10")
	p.press("Save changes")
	p.until("the condition is refused at its field", `document.querySelector(".rule textarea[aria-invalid=true]") && document.querySelector(".rule .error")?.innerText.includes("account")`)
	p.until("and has the focus", `document.activeElement?.matches(".rule textarea")`)
	p.axe("a refused condition")
	p.picture("act-intelligence-refused")
	p.expect("400")
	p.fill("When", "properties.team_size >= 100")
	p.fill("page_view, half-life", "soon")
	p.press("Preview")
	p.until("a half-life is refused in its row", `document.querySelector("[role=group][aria-label=page_view] .error")?.innerText.includes("is no half-life")`)
	p.expect("400")
	p.press("page_view as shipped")
	p.fill("Accounts, stage 3, from score", "10")
	p.press("Save changes")
	p.until("a stage that begins too early is refused in its row", `document.querySelector(".stage-list .error")?.innerText.startsWith("Must be above that of the stage before")`)
	p.expect("400")
	p.fill("Accounts, stage 3, from score", "70")
	p.press("Accounts") // leaving asks
	p.reads("Leave without saving?")
	p.press("Stay")

	s.request(http.MethodPut, "/v1/scoring", map[string]any{"default_points": 9}, http.StatusOK, nil)
	p.press("Save changes")
	p.reads("Somebody else has changed the scoring meanwhile.")
	p.expect("409")
	p.axe("a conflict of scorings")
	p.press("Keep mine")
	p.press("Save changes")
	p.reads("Saved.")
	var now struct {
		Rules []struct {
			Name, Type, When string
			Points           float64
		}
		Stages struct{ Account []struct{ Min int } }
	}
	s.request(http.MethodGet, "/v1/scoring", nil, http.StatusOK, &now)
	if len(now.Rules) != 1 || now.Rules[0].When != "properties.team_size >= 100" || now.Rules[0].Points != 10 || now.Stages.Account[2].Min != 70 {
		t.Errorf("saved is %+v", now)
	}
	receipt, err := s.SendSignal(t.Context(), client.SignalInput{Type: "page_view", Source: "website", Account: client.AccountInput{Domain: "acme.com"}, Properties: map[string]any{"team_size": 250}})
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Score float64 }
	s.request(http.MethodGet, "/v1/signals/"+receipt.ID, nil, http.StatusOK, &got)
	if got.Score != 12 {
		t.Errorf("a signal that the rule fits is worth %v, want 12", got.Score)
	}
}
