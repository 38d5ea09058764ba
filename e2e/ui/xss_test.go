package ui

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
)

// trap notes what a script from outside would do to be noticed, and gives `planted`: what stands in the page that no page of ours has.
const trap = `
for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = (...said) => { (window.ran ??= []).push(name + " " + said.join()); };
window.planted = () => [...document.querySelectorAll("*")].filter((e) =>
	["IFRAME", "OBJECT", "EMBED", "BASE", "STYLE", "MATH", "MARQUEE", "VIDEO", "AUDIO", "IMG", "FRAMESET", "TEMPLATE"].includes(e.tagName) ||
	e.tagName === "SCRIPT" && !e.src.startsWith(location.origin + "/assets/") ||
	[...e.attributes].some((a) => a.name.startsWith("on") || a.name === "srcdoc" || a.name === "formaction") ||
	e.tagName === "A" && e.hasAttribute("href") && e.origin !== location.origin).map((e) => e.outerHTML.slice(0, 200));
window.looked = [];
window.look = () => { looked.push(...planted()); };
window.frame = () => new Promise((shown) => requestAnimationFrame(shown));
window.when = async (what, holds) => { for (const end = performance.now() + 30000; !holds(); await frame()) if (performance.now() > end) throw new Error(what + ": not so after 30 s at " + location.href); };
window.turnTo = (to) => { history.pushState({depth: 0}, "", to); dispatchEvent(new PopStateEvent("popstate", {state: {depth: 0}})); };`

// openTrapped makes a tab, signed in, in which nothing from outside can run unnoticed: a dialog, a window, a request or a way to somewhere else.
func (h *hostile) openTrapped(t *testing.T) *tab {
	t.Helper()
	p := h.openFor(t)
	call(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: trap})
	call(p, page.Enable, page.EnableParams{})
	call(p, network.Enable, network.EnableParams{})
	p.signIn()
	return p
}

// heard is what the browser tells of a page that somebody else has taken over; "" is nothing.
func (p *tab) heard(ev any) string {
	switch e := ev.(type) {
	case *page.EventJavascriptDialogOpening:
		return "a dialog opens: " + e.Message
	case *page.EventWindowOpen:
		return "a window opens: " + e.URL
	case *page.EventFrameNavigated:
		if e.Frame.URL != "about:blank" && !strings.HasPrefix(e.Frame.URL, p.url+"/") {
			return "the page goes to " + e.Frame.URL
		}
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, p.url+"/") {
			return "the page asks " + e.Request.URL
		}
	}
	return ""
}

// innocent fails the test when text from outside has run, or stands in the page as more than text.
func (p *tab) innocent(where string) {
	p.t.Helper()
	if said := p.text(`[window.pwned ? "pwned" : "", ...(window.ran ?? []), ...(window.looked ?? []), ...(window.planted?.() ?? [])].filter(Boolean).slice(0, 5).join("\n")`); said != "" {
		p.t.Errorf("%s ran what was text, or took it for markup:\n%s", where, said)
	}
}

// TestPages_TextFromOutsideStaysText puts every line of the lists into every field that takes text, and looks at every page that shows it.
func TestPages_TextFromOutsideStaysText(t *testing.T) {
	t.Parallel()
	began := time.Now()
	h := plant(t)
	t.Logf("%d lines in %d chunks are planted after %s; refused are %v", len(h.lines), len(h.chunks), time.Since(began).Round(time.Millisecond), h.refused)
	t.Run("looks", func(t *testing.T) {
		for name, look := range map[string]func(*hostile, *tab){
			"lists of signals": (*hostile).looksAtSignals, "lists of records": (*hostile).looksAtRecords, "settings": (*hostile).looksAtSettings,
			"details": (*hostile).looksAtDetails, "searches": (*hostile).looksAtSearches, "imports": (*hostile).looksAtImports,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := h.openTrapped(t)
				look(h, p)
				p.innocent(name)
			})
		}
	})
	t.Logf("all of it took %s", time.Since(began).Round(time.Millisecond))
}

// walk goes through all pages of a list, and gives the texts of what its cells hold.
func (p *tab) walk(path string) map[string]bool {
	p.t.Helper()
	p.goTo(path)
	texts := eval[[]string](p, `(async () => {
		const texts = new Set();
		for (let n = 1; ; n++) {
			await when("page " + n + " is there", () => {
				const box = document.querySelector("main .paged"), pager = box?.querySelector(".pager span");
				return box && box.getAttribute("aria-busy") !== "true" && (n === 1 || pager?.innerText.match(/^Page (\d+)/)?.[1] === String(n));
			});
			look();
			for (const e of document.querySelectorAll("main tbody td, main tbody td *")) texts.add(e.textContent);
			const next = [...document.querySelectorAll("main .pager button")].find((b) => b.innerText === "Next");
			if (!next || next.disabled) return [...texts];
			next.click();
		}
	})()`)
	p.innocent(path)
	all := map[string]bool{}
	for _, text := range texts {
		all[text] = true
	}
	return all
}

// shows walks a list, and fails the test for every text that the API has and the list does not show as it is.
func (h *hostile) shows(p *tab, path string, want []string) {
	p.t.Helper()
	shown := p.walk(path)
	missing := 0
	for _, text := range want {
		if shown[text] || text == "" {
			continue
		}
		if missing++; missing <= 3 {
			p.t.Errorf("%s does not show %q as text", path, text)
		}
	}
	p.t.Logf("%s shows %d texts; %d of %d that the API knows are missing", path, len(shown), missing, len(want))
	if len(want) < 50 {
		p.t.Errorf("%s has %d texts only", path, len(want))
	}
}

// known are the values of a field in all rows of a list of the API, "account.name" for a field in a field.
func (h *hostile) known(path, field string) []string {
	h.t.Helper()
	var texts []string
	names := strings.Split(field, ".")
	for cursor := ""; ; {
		var answer struct {
			Data, Webhooks []map[string]any
			NextCursor     string `json:"next_cursor"`
			Meta           struct {
				NextCursor string `json:"next_cursor"`
			}
		}
		joint := map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]
		req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+path+joint+"limit=200"+cursor, nil)
		if err != nil {
			h.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+apiKey)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			h.t.Fatal(err)
		}
		err = json.NewDecoder(res.Body).Decode(&answer)
		if err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusOK {
			h.t.Fatalf("%s answered %d: %v", path, res.StatusCode, err)
		}
		for _, row := range append(answer.Data, answer.Webhooks...) {
			for _, name := range names[:len(names)-1] {
				row, _ = row[name].(map[string]any)
			}
			text, _ := row[names[len(names)-1]].(string) // null is ""
			texts = append(texts, text)
		}
		next := answer.Meta.NextCursor + answer.NextCursor
		if next == "" {
			return texts
		}
		cursor = "&cursor=" + url.QueryEscape(next)
	}
}

func (h *hostile) looksAtSignals(p *tab) {
	h.shows(p, "/signals", slices.Concat(h.known("/v1/signals", "type"), h.known("/v1/signals", "source"), h.known("/v1/signals", "account.name"), h.known("/v1/signals", "contact.name")))
	timeline := "/accounts/" + h.idOf("/v1/accounts", "timeline-example.com")
	h.shows(p, timeline, h.known("/v1"+timeline+"/timeline", "type"))
}

func (h *hostile) looksAtRecords(p *tab) {
	h.shows(p, "/accounts", slices.Concat(h.known("/v1/accounts", "name"), h.known("/v1/accounts", "status")))
	h.shows(p, "/contacts", slices.Concat(h.known("/v1/contacts", "name"), h.known("/v1/contacts", "title")))
	h.shows(p, "/imports", h.known("/v1/imports", "name"))
}

func (h *hostile) looksAtSettings(p *tab) {
	h.shows(p, "/settings/api-keys", h.known("/v1/api-keys", "name"))
	h.shows(p, "/settings/members", h.known("/v1/members", "name"))
	h.shows(p, "/settings/webhooks", slices.Concat(h.known("/v1/webhooks", "label"), h.known("/v1/webhooks", "url")))
	h.shows(p, "/settings/audit-log", h.known("/v1/audit-log", "subject.name"))
	h.shows(p, "/settings/logs", slices.Concat(h.known("/v1/logs", "type"), h.known("/v1/logs?status=refused", "message")))
	// An entry of each kind, opened; a deep link to a webhook shows its description.
	for _, path := range []string{"/settings/audit-log", "/settings/logs", "/settings/logs?status=refused"} {
		p.goTo(path)
		p.do(`when("a row is there", () => document.querySelector("main tbody .row-link")).then(() => document.querySelector("main tbody .row-link").click())`)
		p.until("the entry is open", `document.querySelector("dialog[open]")`)
		p.innocent(path)
	}
	ids, descriptions := h.known("/v1/webhooks", "id"), h.known("/v1/webhooks", "description")
	for i := 1; i < len(descriptions); i += 5 { // the newest has none
		p.turnTo("/settings/webhooks/" + ids[i] + "?tab=settings")
		p.until("the description is text", `document.querySelector("main .lead p")?.textContent === `+quoted(descriptions[i])+` && document.querySelector("main textarea")?.value === `+quoted(descriptions[i]))
		p.innocent("a webhook")
	}
}

// headings turns to each page, and waits until its heading is what the API calls the subject.
func (p *tab) headings(paths, want []string) {
	p.t.Helper()
	text, err := json.Marshal([][]string{paths, want})
	if err != nil {
		p.t.Fatal(err)
	}
	p.do(`(async ([paths, want]) => { for (let i = 0; i < paths.length; i++) { turnTo(paths[i]); await when("the heading is " + want[i], () => document.querySelector("main h1")?.textContent === want[i]); look(); } })(` + string(text) + `)`)
	p.innocent(paths[0])
}

func (h *hostile) looksAtDetails(p *tab) {
	// Every line of a chunk stands in what shows the chunk: as a key and as a value, in JSON or as it is.
	holds := func(path, where string, want func(line string) string, lines []string) {
		p.t.Helper()
		p.goTo(path)
		p.until(where+" is there", `document.querySelector(`+quoted(where)+`)`)
		said := p.text(`[...document.querySelectorAll(` + quoted(where) + `)].map((e) => e.textContent).join("\n")`)
		for _, line := range lines {
			if !strings.Contains(said, want(line)) {
				p.t.Errorf("%s at %s does not show %q as text", where, path, line)
				break
			}
		}
		p.innocent(path)
	}
	inJSON := func(line string) string { return eval[string](p, `JSON.stringify(`+quoted(line)+`)`) }
	plain := func(line string) string { return line }
	sent := h.known("/v1/signals?type=chunk", "id") // newest first
	for i, lines := range h.chunks {
		sample := []string{lines[0], lines[len(lines)/2], lines[len(lines)-1]}
		holds("/signals/"+sent[len(sent)-1-i], ".json code", inJSON, sample)
		domain := chunkDomain(i)
		holds("/accounts/"+h.idOf("/v1/accounts", domain)+"?tab=attributes", ".tabs .facts", plain, lines)
		holds("/contacts/"+h.idOf("/v1/contacts", "p@"+domain)+"?tab=attributes", ".tabs .facts", plain, lines)
		holds(h.tests[i], ".attempt .json code", func(string) string { return "" }, lines)
		p.do(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`)
		p.innocent(h.tests[i])
	}
	p.goTo("/accounts/" + h.idOf("/v1/accounts", chunkDomain(0)) + "/edit")
	p.until("the attributes can be edited", `[...document.querySelectorAll("main textarea")].some((f) => f.value.includes("window.pwned"))`)
	p.innocent("an account's edit page")
	p.goTo("/merges?status=done")
	p.do(`when("the merge is there", () => document.querySelector("main tbody .row-link")).then(() => document.querySelector("main tbody .row-link").click())`)
	p.until("the merge is open", `document.querySelector(".compare")`)
	p.innocent("/merges")
	h.previewsMerges(p)
	for kind, name := range map[string]string{"signals": "type", "accounts": "name", "contacts": "name"} {
		var paths, want []string
		ids, names := h.known("/v1/"+kind, "id"), h.known("/v1/"+kind, name)
		for i := 0; i < len(ids); i += 17 {
			if names[i] != "" {
				paths, want = append(paths, "/"+kind+"/"+ids[i]), append(want, names[i])
			}
		}
		p.headings(paths, want)
		p.t.Logf("%d headings of %s", len(paths), kind)
	}
}

// previewsMerges looks at what a merge of two chunks would give.
func (h *hostile) previewsMerges(p *tab) {
	p.t.Helper()
	for i := 2; i+1 < len(h.chunks); i += 2 {
		p.goTo("/accounts/" + h.idOf("/v1/accounts", chunkDomain(i)) + "/merge")
		p.fill("Search", chunkDomain(i+1))
		p.do(`when("the other one is offered", () => document.querySelectorAll(".choices button").length === 1).then(() => document.querySelector(".choices button").click())`)
		p.until("the preview is there", `document.querySelector(".compare")`)
		said := eval[[]string](p, `[...document.querySelectorAll(".compare :is(th, td)")].map((e) => e.textContent)`)
		for _, line := range append(h.chunks[i], h.chunks[i+1]...) {
			if !slices.Contains(said, line) {
				p.t.Errorf("the preview of a merge does not show %q as text", line)
				break
			}
		}
		p.innocent("the preview of a merge")
	}
}

// looksAtSearches puts each line into the address of a list, and into where the sign-in leads.
func (h *hostile) looksAtSearches(p *tab) {
	var paths, lines []string
	ways := []string{"/accounts?q=", "/contacts?q=", "/signals?type=", "/settings/logs?q=", "/accounts?status=", "/signals?source="}
	for i, line := range h.lines {
		if l := printable(line); l == line && len(l) < 150 {
			paths, lines = append(paths, ways[i%len(ways)]+url.QueryEscape(l)), append(lines, l)
		}
	}
	text, err := json.Marshal([][]string{paths, lines})
	if err != nil {
		p.t.Fatal(err)
	}
	p.goTo("/settings/logs") // the code of the pages under Settings is fetched
	p.do(`(async ([paths, lines]) => {
		for (let i = 0; i < paths.length; i++) {
			turnTo(paths[i]);
			await when("a field has " + lines[i], () => [...document.querySelectorAll("main .filters input")].some((f) => f.value === lines[i]));
			look();
		}
	})(` + string(text) + `)`)
	p.innocent("a search")
	p.t.Logf("%d searches", len(paths))
	for i, line := range attacks {
		out := h.openFor(p.t)
		call(out, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: trap})
		out.goTo("/sign-in?next=" + url.QueryEscape(line))
		if i > 2 {
			out.innocent("/sign-in")
			continue
		}
		out.fill("E-mail", email)
		out.fill("Password", password)
		out.press("Sign in")
		out.at("/")
		out.innocent("the way on from /sign-in")
	}
}

// looksAtImports gives the import page files whose headings and cells are the lines.
func (h *hostile) looksAtImports(p *tab) {
	for i, lines := range h.chunks {
		kind, key := "accounts", "domain"
		if i%2 == 1 {
			kind, key = "contacts", "email"
		}
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		for _, row := range [][]string{append([]string{key}, lines...), append([]string{fmt.Sprintf("p@csv%d-example.com", i)}, lines...), append([]string{lines[0]}, lines...)} {
			if err := w.Write(row); err != nil {
				p.t.Fatal(err)
			}
		}
		w.Flush()
		p.goTo("/" + kind + "/import")
		p.attach(printable(strings.ReplaceAll(lines[0], "/", "-"))+".csv", file.String())
		p.until("the columns are listed", `document.querySelectorAll("main tbody tr").length === `+fmt.Sprint(len(lines)+1))
		said := eval[[]string](p, `[...document.querySelectorAll("main tbody td:first-child")].map((e) => e.textContent)`)
		for _, line := range lines {
			if !strings.ContainsAny(line, "\r") && !slices.Contains(said, line) {
				p.t.Errorf("the preview of an import does not show the heading %q as text", line)
				break
			}
		}
		p.innocent("the preview of an import")
		p.press("Try it")
		p.reads("Nothing was changed yet.")
		p.innocent("an import that was tried")
	}
	p.press("Import")
	p.reads("Done. Of 2 rows:")
	p.goTo("/imports")
	p.innocent("/imports")
}
