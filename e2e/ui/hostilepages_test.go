package ui

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"signalbox"
	"signalbox/client"
)

// looking is what the scripts below share. wait tries every few milliseconds; turn goes to a page as a link does; markup names what only
// markup could have brought into a page, and links that lead elsewhere.
const looking = `
	const wait = async (holds) => {
		for (const end = performance.now() + 10000; performance.now() < end;) {
			await new Promise((r) => setTimeout(r, 1)); // what was turned to is drawn after this moment
			const held = holds();
			if (held) return held;
		}
	};
	const calm = () => !document.querySelector("main [aria-busy=true]") && document.querySelector("main h1, main h2");
	const turn = (path) => { history.pushState({depth: 0}, "", path); dispatchEvent(new PopStateEvent("popstate", {state: {depth: 0}})); };
	const markup = () => [...document.body.querySelectorAll("script, style, link, meta, base, iframe, object, embed, img, image, video, audio, marquee, math, foreignObject, [onload], [onerror], [onclick], [srcdoc]"),
		...[...document.querySelectorAll("a[href], area, [action], [formaction]")].filter((a) => a.origin !== location.origin)].map((e) => e.outerHTML.slice(0, 200));
	const wrong = [];
	const check = (where) => wrong.push(...markup().map((m) => where + " has " + m));
`

// visit opens pages one after the other, and says what is wrong with them. Each must have its heading, when one is wanted.
const visit = `(async (steps) => {` + looking + `
	for (const {path, want} of steps) {
		turn(path);
		const reads = () => document.querySelector("main h1")?.textContent;
		if (!await wait(() => calm() && (want === "" || reads() === want))) wrong.push(path + " reads " + reads() + ", want " + want);
		if (location.pathname !== new URL(path, location.href).pathname) wrong.push(path + " led to " + location.href);
		check(path);
	}
	return wrong;
})`

// list walks a list to its end, and gives the text of every cell.
const list = `(async (path) => {` + looking + `
	const rows = [];
	turn(path);
	for (let before = ""; ;) {
		const shown = () => [...document.querySelectorAll("main tbody tr")].map((r) => [...r.cells].map((c) => (c.querySelector("strong") ?? c).textContent));
		const at = () => document.querySelector("main .pager span")?.textContent ?? "the only page";
		const more = await wait(() => {
			if (!calm() || at() === before || shown().length === 0) return false;
			rows.push(...shown());
			before = at();
			const next = [...document.querySelectorAll("main .pager button")].find((b) => b.textContent === "Next");
			return next && !next.disabled ? next : "the end";
		});
		check(path);
		if (!more) wrong.push(path + " shows no rows after " + before);
		if (!more?.click) break;
		more.click();
	}
	return {heads: [...document.querySelectorAll("main thead th")].map((c) => c.textContent), rows, wrong};
})`

// entries opens what the first rows of a page open over it, and gives the texts of it.
const entries = `(async (path) => {` + looking + `
	const texts = [];
	turn(path);
	if (!await wait(() => calm() && document.querySelector("main tbody tr"))) wrong.push(path + " shows no rows");
	for (let i = 0; i < Math.min(15, document.querySelectorAll("main .row-link").length); i++) {
		document.querySelectorAll("main .row-link")[i].click();
		if (!await wait(() => document.querySelector("dialog[open] dl"))) { wrong.push(path + " opens nothing"); break; }
		check(path + " entry " + i);
		texts.push(document.querySelector("dialog[open]").textContent);
		[...document.querySelectorAll("dialog[open] button")].find((b) => (b.getAttribute("aria-label") ?? b.textContent) === "Close").click();
		if (!await wait(() => !document.querySelector("dialog"))) { wrong.push(path + " does not close"); break; }
	}
	return {texts, wrong};
})`

// looker is a tab that looks at hostile texts.
type looker struct {
	*tab
	asked *traffic

	mu    sync.Mutex
	acted []string // dialogs and windows that opened
	docs  int      // documents that were asked for
	opens int      // documents that the test opened
}

// look signs in and watches all that a script could do.
func (h *hostile) look(t *testing.T) *looker {
	t.Helper()
	l := &looker{tab: h.openFor(t)}
	l.asked = l.traffic()
	if err := chromedp.Listen(l.ctx, l.hear); err != nil {
		t.Fatal(err)
	}
	l.signIn()
	l.opens++
	return l
}

func (l *looker) hear(ev any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e := ev.(type) {
	case *page.EventJavascriptDialogOpening:
		l.acted = append(l.acted, "a dialog: "+e.Message)
	case *page.EventWindowOpen:
		l.acted = append(l.acted, "a window: "+e.URL)
	case *network.EventRequestWillBeSent:
		if e.Type == network.ResourceTypeDocument {
			l.docs++
		}
	}
}

// open loads a page anew.
func (l *looker) open(path string) {
	l.t.Helper()
	l.calm(path)
	l.opens++
	l.goTo(path)
	l.calm(path)
}

// calm fails the test for whatever ran, opened, or was asked of another host.
func (l *looker) calm(where string) {
	l.t.Helper()
	l.innocent(where)
	l.quiet()
	for _, u := range l.asked.take() {
		if !strings.HasPrefix(u, l.url+"/") {
			l.t.Errorf("%s asks for %s", where, u)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.acted {
		l.t.Errorf("%s opens %s", where, a)
	}
	l.acted = nil
	if l.docs != l.opens {
		l.t.Errorf("%s: the tab loaded %d documents, the test opened %d", where, l.docs, l.opens)
		l.docs = l.opens
	}
}

// complain fails the test for what a script found wrong, the first few of it.
func (l *looker) complain(wrong []string) {
	l.t.Helper()
	for _, w := range wrong[:min(len(wrong), 20)] {
		l.t.Error(w)
	}
}

type step struct {
	Path string `json:"path"`
	Want string `json:"want"`
}

// visit turns to pages, each with its heading.
func (l *looker) visit(what string, steps []step) {
	l.t.Helper()
	l.complain(eval[[]string](l.tab, visit+"("+encoded(steps)+")"))
	l.calm(what)
}

// table is what a list shows.
type table struct {
	path  string
	Heads []string
	Rows  [][]string
	Wrong []string
}

// list gives all rows of a list.
func (l *looker) list(path string) table {
	l.t.Helper()
	got := eval[table](l.tab, list+"("+quoted(path)+")")
	got.path = path
	l.complain(got.Wrong)
	l.calm(path)
	return got
}

// entries gives the texts of what a list's rows open.
func (l *looker) entries(path string) []string {
	l.t.Helper()
	got := eval[struct{ Texts, Wrong []string }](l.tab, entries+"("+quoted(path)+")")
	l.complain(got.Wrong)
	l.calm(path)
	return got.Texts
}

// shows fails the test for each text that no row of a list reads in the column with this head.
func (l *looker) shows(in table, head string, want []string) {
	l.t.Helper()
	column := slices.Index(in.Heads, head)
	if column < 0 {
		l.t.Errorf("%s has no column %s, but %q", in.path, head, in.Heads)
		return
	}
	have := map[string]bool{}
	for _, r := range in.Rows {
		have[r[column]] = true
	}
	l.has(in.path+", "+head, have, want)
}

// has fails the test for each text that is not there, the first few of them.
func (l *looker) has(where string, have map[string]bool, want []string) {
	l.t.Helper()
	missing := 0
	for _, w := range want {
		if !have[w] {
			if missing++; missing <= 5 {
				l.t.Errorf("%s does not read %q", where, w)
			}
		}
	}
	if missing > 5 {
		l.t.Errorf("%s lacks %d of %d texts", where, missing, len(want))
	}
}

// contains fails the test for each line that a text does not have in it.
func (l *looker) contains(where, text string, lines []string) {
	l.t.Helper()
	for _, line := range lines {
		if line = strings.TrimSpace(line); !strings.Contains(text, line) {
			l.t.Errorf("%s does not read %q", where, line)
		}
	}
}

// TestPages_TextFromOutsideStaysText puts the hostile lines into every field that takes text, and looks at every page that shows it: nothing
// runs, nothing is asked of another host, and each line is there to read.
func TestPages_TextFromOutsideStaysText(t *testing.T) {
	t.Parallel()
	h := fill(t, serve(t))
	signals := h.all(t)
	// What changes things comes last, so that the lists hold still.
	t.Run("looked at", func(t *testing.T) {
		t.Run("headings", func(t *testing.T) { t.Parallel(); h.lookAtHeadings(t, signals) })
		t.Run("lists", func(t *testing.T) { t.Parallel(); h.lookAtLists(t, signals) })
		t.Run("settings", func(t *testing.T) { t.Parallel(); h.lookAtSettings(t) })
		t.Run("attributes", func(t *testing.T) { t.Parallel(); h.lookAtAttributes(t) })
	})
	paths := h.paths()
	t.Run("changed", func(t *testing.T) {
		t.Run("imports", func(t *testing.T) { t.Parallel(); h.look(t).importFiles(h) })
		t.Run("webhooks", func(t *testing.T) { t.Parallel(); h.look(t).webhooks(h) })
		t.Run("anew", func(t *testing.T) {
			t.Parallel()
			l := h.look(t)
			for _, path := range paths {
				l.open(path)
			}
			for _, attack := range attacks {
				l.open("/sign-in?next=" + url.QueryEscape(attack))
			}
		})
	})
	h.account()
}

// all are the signals that were taken, and with those that carry a line as their source, every line that may be one.
func (h *hostile) all(t *testing.T) []client.Signal {
	t.Helper()
	var all []client.Signal
	sources := map[string]bool{}
	for sig, err := range h.Signals(t.Context(), client.SignalQuery{PageSize: 200}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sig)
		sources[sig.Source] = true
	}
	for _, line := range h.takes() {
		if !sources[line] {
			t.Errorf("no signal has the source %q", line)
		}
	}
	return all
}

// named are the lines that a name takes; takes are the same as doors that trim store them.
func (h *hostile) named() []string {
	return slices.DeleteFunc(slices.Clone(h.lines), func(l string) bool {
		return strings.TrimSpace(l) == "" || len([]rune(l)) > signalbox.MaxName || strings.ContainsRune(l, 0)
	})
}

func (h *hostile) takes() []string {
	taken := h.named()
	for i, l := range taken {
		taken[i] = strings.TrimSpace(l)
	}
	return taken
}

// lookAtHeadings opens the pages of some signals, accounts and contacts, from all lists: their headings, tab titles and forms.
func (h *hostile) lookAtHeadings(t *testing.T, signals []client.Signal) {
	l := h.look(t)
	var steps []step
	for i, sig := range signals {
		if i%60 == 0 {
			steps = append(steps, step{"/signals/" + sig.ID, sig.Type})
		}
		if i%120 == 0 && sig.Account != nil && sig.Contact != nil && sig.Account.Name != "" && sig.Contact.Name != "" {
			steps = append(steps, step{"/accounts/" + sig.Account.ID, sig.Account.Name}, step{"/contacts/" + sig.Contact.ID, sig.Contact.Name},
				step{"/accounts/" + sig.Account.ID + "/merge", "Merge " + sig.Account.Name}, step{"/contacts/" + sig.Contact.ID + "/edit", ""})
		}
	}
	var seen []struct{ ID, Label string }
	h.request(http.MethodGet, "/v1/signal-types?limit=200", nil, http.StatusOK, &seen)
	for i, y := range seen {
		if i%10 == 0 && y.ID != "" {
			steps = append(steps, step{"/signals/types/" + y.ID, y.Label}, step{"/signals/types/" + y.ID + "/edit", "Declare " + y.Label})
		}
	}
	l.visit("a heading", steps)
}

// lookAtLists walks every list of signals, accounts and contacts to its end, and searches by some of the lines.
func (h *hostile) lookAtLists(t *testing.T, signals []client.Signal) {
	l := h.look(t)
	var types, accounts, contacts, logged []string
	timeline := map[string]bool{}
	for _, sig := range signals {
		types, logged = append(types, sig.Type), append(logged, sig.Type+sig.Source)
		if sig.Account != nil && sig.Account.Name != "" {
			accounts = append(accounts, sig.Account.Name)
		}
		if sig.Contact != nil && sig.Contact.Name != "" {
			contacts = append(contacts, sig.Contact.Name)
		}
		if sig.Account != nil && sig.Account.Domain == "timeline.com" && sig.Contact != nil {
			timeline["/accounts/"+sig.Account.ID] = true
		}
	}
	all := l.list("/signals")
	l.shows(all, "Type", types)
	l.shows(all, "Account", accounts)
	l.shows(all, "Contact", contacts)
	l.shows(all, "Source", h.takes())
	l.shows(l.list("/signals/types"), "Name", types)
	l.shows(l.list("/accounts"), "Account", accounts)
	l.shows(l.list("/leads"), "Last source", h.takes())
	l.shows(l.list("/audiences"), "Audience", h.codes())
	l.shows(l.list("/contacts"), "Contact", contacts)
	if len(timeline) != 1 {
		t.Errorf("the timelines are %v, want one", timeline)
	}
	for path := range timeline {
		if n := len(l.list(path).Rows); n < len(h.lines)/2 {
			t.Errorf("the timeline %s has %d rows, want most of %d lines", path, n, len(h.lines))
		}
	}
	l.shows(l.list("/settings/logs"), "What", logged)
	var steps []step
	for _, line := range h.sample() {
		q := url.QueryEscape(line)
		for _, path := range []string{"/signals?type=", "/signals?source=", "/accounts?q=", "/accounts?status=", "/contacts?q=", "/settings/logs?q=", "/settings/audit-log?subject="} {
			steps = append(steps, step{path + q, ""})
		}
	}
	l.complain(eval[[]string](l.tab, visit+"("+encoded(steps)+")"))
	l.expect("status of 400") // to what no filter takes, and the page says so
	l.calm("a search")
}

// lookAtSettings walks the lists under Settings, opens entries of the logs, and reads the answers of a receiver.
func (h *hostile) lookAtSettings(t *testing.T) {
	l := h.look(t)
	var made []string
	for _, line := range h.named() {
		made = append(made, "API key created"+line)
	}
	l.shows(l.list("/settings/audit-log"), "What", made)
	l.shows(l.list("/settings/api-keys"), "Name", h.named())
	l.shows(l.list("/settings/members"), "Member", names(h.named()))
	l.shows(l.list("/settings/icps"), "Code", h.codes())
	l.shows(l.list("/imports"), "Import", slices.DeleteFunc(h.takes(), func(l string) bool { return len([]rune(l)) > signalbox.MaxImportName }))
	for _, path := range []string{"/settings/logs", "/settings/logs?status=refused", "/settings/logs?status=ignored_fields", "/settings/audit-log?action=workspace.updated", "/settings/audit-log?action=api_key"} {
		if n := len(l.entries(path)); n == 0 {
			t.Errorf("%s opened no entry", path)
		}
	}
	l.list("/settings/webhooks/" + h.webhook)
	for id, lines := range h.delivered {
		lines = slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.ContainsFunc(l, unicode.IsControl) })
		path := "/settings/webhooks/" + h.webhook + "/deliveries/" + id
		l.visit(path, []step{{path, "signal.created"}})
		shown := eval[map[string]string](l.tab, `Object.fromEntries([...document.querySelectorAll("main pre")].map((e) => [e.getAttribute("aria-label"), e.textContent]))`)
		l.contains(path+", headers", shown["attempt 1, response headers"], lines)
		body := shown["attempt 1, response body"]
		var values []string
		if json.Unmarshal([]byte(body), &values) == nil {
			body = strings.Join(values, "\n")
		}
		l.contains(path+", body", body, lines)
		l.holds(path, shown["request body"], "data", lines)
	}
}

// holds fails the test for each line that is not a key of the object, or of the object in it, that a text shows as JSON.
func (l *looker) holds(where, text, in string, lines []string) {
	l.t.Helper()
	var all map[string]json.RawMessage
	err := json.Unmarshal([]byte(text), &all)
	if err == nil && in != "" {
		err = json.Unmarshal(all[in], &all)
	}
	if err != nil {
		l.t.Errorf("%s: %v in %.200s", where, err, text)
	}
	have := map[string]bool{}
	for k := range all {
		have[k] = true
	}
	l.has(where, have, lines)
}

// choose opens a record's page for merging, takes what is found by a name, and gives the texts of the preview.
const choose = `(async (path, name) => {` + looking + `
	turn(path);
	await wait(() => calm() && document.querySelector("main input[type=search]"));
	const field = document.querySelector("main input[type=search]");
	field.value = name;
	field.dispatchEvent(new Event("input", {bubbles: true}));
	const only = await wait(() => { const found = [...document.querySelectorAll(".choices button")]; return calm() && found.length === 1 && found[0].textContent.includes(name) && found[0]; });
	only?.click();
	if (!await wait(() => document.querySelector("main .compare"))) wrong.push(path + " shows no preview");
	check(path);
	return {texts: [...document.querySelectorAll("main .compare :is(th, td)")].map((e) => e.textContent), wrong};
})`

// lookAtAttributes reads every line as a key and a value: of properties, of attributes, in the form that edits them, and in the preview of a merge.
func (h *hostile) lookAtAttributes(t *testing.T) {
	l := h.look(t)
	for i, v := range h.vaults {
		l.visit("properties", []step{{"/signals/" + v.signal, "plain"}})
		l.holds("/signals/"+v.signal, eval[string](l.tab, `document.querySelector("main pre").textContent`), "", v.lines)
		next := h.vaults[(i+1)%len(h.vaults)]
		for path, other := range map[string]string{"/accounts/" + v.account: next.name + ".com", "/contacts/" + v.contact: next.name + "@example.org"} {
			l.visit("attributes", []step{{path + "?tab=attributes", ""}})
			have := map[string]bool{}
			for _, text := range eval[[]string](l.tab, `[...document.querySelectorAll("main [role=tabpanel] dd")].map((e) => e.textContent)`) {
				have[text] = true
			}
			l.has(path, have, v.lines)
			if strings.HasPrefix(path, "/accounts") != (i%2 == 0) {
				continue // the form and the preview are the same for both kinds
			}
			l.visit("the form", []step{{path + "/edit", ""}})
			l.holds(path+"/edit", eval[string](l.tab, `document.querySelector("main textarea").value`), "", v.lines)
			got := eval[struct{ Texts, Wrong []string }](l.tab, choose+"("+quoted(path+"/merge")+", "+quoted(other)+")")
			l.complain(got.Wrong)
			l.calm(path + "/merge")
			clear(have)
			for _, text := range got.Texts {
				have[text] = true
			}
			l.has(path+"/merge", have, slices.Concat(v.lines, next.lines))
		}
	}
}

// importFiles imports one file whose headings and cells are lines, and one with a row for each.
func (l *looker) importFiles(h *hostile) {
	l.t.Helper()
	var wide, long strings.Builder
	w, heads := csv.NewWriter(&wide), slices.DeleteFunc(slices.Clone(h.lines), func(l string) bool { return strings.ContainsAny(l, "\r\n") || strings.TrimSpace(l) != l })
	cells := slices.Clone(heads)
	slices.Reverse(cells)
	_, _ = w.Write(append([]string{"Domain"}, heads...)), w.Write(append([]string{"wide.com"}, cells...))
	w.Flush()
	l.turnTo("/accounts/import")
	l.attach("wide.csv", wide.String())
	l.until("the columns are there", `document.querySelectorAll("main tbody tr").length === `+fmt.Sprint(len(heads)+1))
	rows := eval[[][]string](l.tab, `[...document.querySelectorAll("main tbody tr")].map((r) => [r.cells[0].textContent, r.cells[2].textContent])`)
	for i, head := range heads {
		if got := rows[i+1]; got[0] != head || got[1] != cells[i] {
			l.t.Errorf("the import shows the column %q with %q as %q", head, cells[i], got)
		}
	}
	l.press("Try it")
	l.reads("1 would be rejected") // its attributes are too many
	l.calm("an import of many columns")
	w = csv.NewWriter(&long)
	_ = w.Write([]string{"Domain", "Name", "Status", "Note"})
	for i, line := range h.lines {
		_ = w.Write([]string{fmt.Sprintf("i%d.com", i), line, line, line})
		_ = w.Write([]string{line, "", "", ""})
	}
	w.Flush()
	l.attach(`<img src=x onerror=alert(1)>.csv`, long.String())
	l.reads("<img src=x onerror=alert(1)>.csv")
	l.press("Try it")
	l.reads("would be created")
	l.until("the import may begin", `[...document.querySelectorAll("main button")].some((b) => b.textContent === "Import" && !b.disabled)`)
	l.calm("a tried import")
	l.press("Import")
	l.reads("Done. Of")
	l.calm("an import")
	l.turnTo("/imports")
	l.reads("<img src=x onerror=alert(1)>.csv")
}

// webhooks looks at webhooks in rounds, for there are more names than a workspace has webhooks.
func (l *looker) webhooks(h *hostile) {
	l.t.Helper()
	for rest := names(h.takes()); len(rest) > 0; {
		round := rest[:min(len(rest), maxHooks)]
		rest = h.fillWebhooks(rest)
		l.turnTo("/") // from a list to itself would ask for nothing
		shown := l.list("/settings/webhooks")
		for _, name := range round {
			if !slices.ContainsFunc(shown.Rows, func(cells []string) bool { return strings.HasPrefix(cells[0], name) }) {
				l.t.Errorf("no webhook is called %q", name)
			}
		}
	}
	var steps []step
	for i, id := range h.hooks {
		if i%40 == 0 {
			path := "/settings/webhooks/" + id
			steps = append(steps, step{path, ""}, step{path + "?tab=health", ""}, step{path + "?tab=test", ""}, step{path + "?tab=settings", ""})
		}
	}
	l.visit("a webhook", steps)
}
