package ui

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"

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
	p.until("the drawer says which score it explains", `document.querySelector("dialog h2")?.innerText === "Why the score is 47"`)
	p.until("each signal is there with what is left of it", `document.querySelectorAll("dialog tbody tr").length === 4 && document.querySelector("dialog tbody tr:last-child").innerText.includes("0.18") && document.querySelector("dialog tbody tr").innerText.match(/meeting_booked.*\+25\s+25.00/s)`)
	p.axe("why a score is what it is")
	p.picture("act-why")
	p.press("meeting_booked")
	p.until("the signal's page says what it was worth", `document.querySelector("main aside")?.innerText.includes("meeting_booked +25")`)
	p.goTo("/contacts")
	p.until("the contact has the score too", `document.querySelector("main tbody tr")?.innerText.match(/47\s+Warm/)`)
}

// came is a signal of a test: what it was worth, and so many days ago.
type came struct {
	typ    string
	points float64
	days   int
}

// scoreOf is what signals are worth at a moment, as docs/scoring.md says.
func scoreOf(list []came, now, at time.Time) (points float64) {
	for _, c := range list {
		if gone := at.Sub(now.AddDate(0, 0, -c.days)); gone >= 0 {
			points += c.points * math.Exp2(-float64(gone)/float64(14*24*time.Hour))
		}
	}
	return points
}

// overTime is a server with signals of three moments, and a tab on their account.
func overTime(t *testing.T) (s *server, p *tab, list []came, now time.Time) {
	t.Helper()
	s, now = serve(t), time.Now().UTC()
	list = []came{{"meeting_booked", 25, 40}, {"form_submit", 18, 14}, {"deal_created", 20, 0}}
	for _, c := range list {
		in := client.SignalInput{Type: c.typ, Source: "website", OccurredAt: now.AddDate(0, 0, -c.days), Account: client.AccountInput{Domain: "acme.com"}}
		if _, err := s.SendSignal(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	s.request(http.MethodPatch, "/v1/workspace", map[string]any{"timezone": "America/New_York"}, http.StatusOK, nil)
	p = s.open()
	p.signIn()
	p.goTo("/accounts")
	p.do(`document.querySelector("main tbody .row-link").click()`)
	p.reads("32 now, Cool")
	return s, p, list, now
}

// The plot's table says what the formula says, at every moment, and follows the range.
func TestScores_AreShownOverTime(t *testing.T) {
	t.Parallel()
	_, p, list, now := overTime(t)
	p.press("Show as a table")
	p.until("the table has every moment", `document.querySelectorAll(".plot-table tbody tr").length === 271 + 60`)
	rows := eval[[][]string](p, `[...document.querySelectorAll(".plot-table tbody tr")].map((r) => [r.querySelector("time").dateTime, ...[...r.querySelectorAll("td")].slice(1).map((c) => c.innerText)])`)
	signals := 0
	for _, r := range rows {
		at, err := time.Parse(time.RFC3339, r[0])
		if err != nil {
			t.Fatal(err)
		}
		signals += strings.Count(r[3], "+")
		want := scoreOf(list, now, at)
		if edge := math.Abs(want - math.Floor(want) - 0.5); edge < 0.01 || at.Sub(now).Abs() < time.Minute && at.Before(now) {
			continue
		}
		if r[1] != strconv.Itoa(int(math.Floor(want+0.5))) || r[2] != "Cool" {
			t.Errorf("at %s the table says %v, the formula %v", r[0], r[1:], want)
		}
	}
	if signals != 3 || rows[0][1] != "0" || rows[270][1] != "32" || rows[270][3] != "deal_created +20" || rows[330][1] != "7" {
		t.Errorf("%d signals are marked, and the table begins, is now, and ends with %v, %v, %v", signals, rows[0], rows[270], rows[330])
	}
	p.axe("a score over time")
	p.picture("act-score")

	p.press("7 days")
	p.until("a week has its hours, and nothing ahead", `location.search === "?range=7d" && document.querySelectorAll(".plot-table tbody tr").length === 169`)
	p.press("Ahead: what decay leaves in the next 30 days")
	p.until("with what is ahead", `document.querySelectorAll(".plot-table tbody tr").length === 169 + 60`)
	p.press("90 days")
	p.until("the months are back", `document.querySelectorAll(".plot-table tbody tr").length === 271 + 60`)
	p.press("Show as a table")
	p.settled()
	for _, theme := range []string{"light", "dark"} {
		p.theme(theme)
		p.width(360)
		p.do(painted)
		p.axe("a score over time on a phone, " + theme)
		p.picture("act-score-phone-" + theme)
		p.press("Why?")
		p.until("the drawer is there", `document.querySelectorAll("dialog tbody tr").length === 3`)
		p.axe("a score's drawer on a phone, " + theme)
		p.picture("act-score-drawer-phone-" + theme)
		p.press("Close")
		p.width(1280)
		p.do(painted)
		p.picture("act-score-" + theme)
	}
}

// Each moment of the plot can be walked to and pointed at, and is explained in a drawer that adds up and follows what arrives.
func TestScores_EachMomentIsExplained(t *testing.T) {
	t.Parallel()
	s, p, _, now := overTime(t)
	there, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	p.do(`document.querySelector("[role=slider]").focus()`)
	p.key("End")
	p.until("the last moment is read out", `document.querySelector("[role=slider]").getAttribute("aria-valuetext").endsWith(": 7 Cool")`)
	p.key("ArrowLeft")
	p.until("the one before is shown", `document.querySelector(".curve-tip")?.innerText.includes("ahead") && document.querySelector("[role=slider]").getAttribute("aria-valuenow") === "329"`)
	p.picture("act-score-tip")
	p.key("Enter")
	p.until("the drawer says what it will be", `document.querySelector("dialog h2")?.innerText === "Why the score will be 8"`)
	p.sums()
	p.picture("act-score-drawer")
	then := now.AddDate(0, 0, -20).Truncate(time.Minute)
	p.do(`{ const f = document.querySelector("dialog input"); f.value = ` + quoted(then.In(there).Format("2006-01-02T15:04")) + `; f.dispatchEvent(new Event("input", {bubbles: true})); }`)
	p.until("the moment is of the workspace's clocks", `new URLSearchParams(location.search).get("why") === "`+then.Format("2006-01-02T15:04:05.000Z")+`"`)
	p.until("then one signal counted", `document.querySelector("dialog h2")?.innerText === "Why the score was 9" && document.querySelectorAll("dialog tbody tr").length === 1`)
	p.sums()
	p.press("Now")
	p.until("now all count", `document.querySelector("dialog h2")?.innerText === "Why the score is 32" && document.querySelectorAll("dialog tbody tr").length === 3`)
	p.sums()
	s.send("email_click", "acme.com", "")
	p.until("the drawer follows the record", `document.querySelector("dialog h2")?.innerText === "Why the score is 38"`)
	p.press("Close")
	p.reads("38 now, Cool")
	p.until("the page says it too", `document.querySelector("main aside").innerText.match(/38\s+Cool/) && location.search === ""`)

	middle := eval[[]float64](p, `(() => { const box = document.querySelector(".u-over").getBoundingClientRect(); return [box.left + box.width / 2, box.top + 20]; })()`)
	mouse := func(kind input.DispatchMouseEventType) {
		call(p, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: middle[0], Y: middle[1], Button: "left", ClickCount: 1})
	}
	mouse("mouseMoved")
	p.until("the pointer shows a moment", `document.querySelector(".curve-tip strong")`)
	shown := p.text(`document.querySelector(".curve-tip strong").innerText`)
	mouse("mousePressed")
	mouse("mouseReleased")
	p.until("a press explains it", `document.querySelector("dialog h2")?.innerText === "Why the score was `+shown+`"`)
	p.sums()
	p.press("Close")
}

// sums fails the test when what the drawer lists does not add up to what it says.
func (p *tab) sums() {
	p.t.Helper()
	off := eval[float64](p, `(() => {
		const numbers = (q) => [...document.querySelectorAll(q)].map((e) => parseFloat(e.innerText));
		const together = numbers("dialog .why-sum dd"), listed = numbers("dialog tbody td:last-child");
		return [...listed, ...together.slice(0, -2)].reduce((a, b) => a + b, 0) - together.at(-2);
	})()`)
	if math.Abs(off) > 0.03 {
		p.t.Errorf("the drawer is %v points off", off)
	}
}

// A record that no signal is about has no plot, and says why.
func TestScores_WithoutSignalsThereIsNothingToPlot(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.request(http.MethodPost, "/v1/accounts/batch", map[string]any{"accounts": []any{map[string]any{"domain": "silent.com"}}}, http.StatusOK, nil)
	p := s.open()
	p.signIn()
	p.goTo("/accounts")
	p.do(`document.querySelector("main tbody .row-link").click()`)
	p.reads("Nothing counted in 90 days")
	p.axe("a record without signals")
	p.press("Why?")
	p.until("the drawer says so too", `document.querySelector("dialog")?.innerText.includes("No signal counts for it yet.")`)
	p.axe("a drawer of nothing")
}
