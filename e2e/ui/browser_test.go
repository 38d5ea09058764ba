package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for something that must come; beat is how often it looks.
const (
	patience = 30 * time.Second
	beat     = 25 * time.Millisecond
)

// browser is one Chromium for all tests; each has a context of its own in it, with its own cookies.
var browser struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func startBrowser() (context.Context, error) {
	browser.once.Do(func() {
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(kit.chromium), chromedp.NoSandbox, chromedp.Flag("lang", "en-US"))
		allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, stop := chromedp.NewContext(allocator)
		browser.ctx, browser.stop = ctx, func() { stop(); stopAllocator() }
		browser.err = chromedp.Do(ctx)
	})
	return browser.ctx, browser.err
}

func stopBrowser() {
	if browser.stop != nil {
		browser.stop()
	}
}

// tab is one page of the browser, and what it complained of.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string

	mu         sync.Mutex
	complaints []string
}

// witness notes violations of the policy, and that something from outside ran: what texts that want to run call is called by nobody else.
const witness = `window.violations = []; addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective + " " + e.blockedURI + " " + e.sample));
	for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = (...given) => { window.pwned = name + "(" + given + ")"; };`

// open makes a tab that nobody is signed in to. When the test ends, whatever the console or the policy complained of fails it.
func (s *server) open() *tab {
	s.t.Helper()
	return s.openFor(s.t)
}

// openFor makes the tab of a part of a test.
func (s *server) openFor(t *testing.T) *tab {
	t.Helper()
	parent, err := startBrowser()
	if err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	ctx, stop := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	p := &tab{t: t, ctx: ctx, url: s.url}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	call(p, log.Enable, cdp.Empty{})
	call(p, runtime.Enable, cdp.Empty{})
	call(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: witness})
	p.width(1280)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the page is %s and reads:\n%s", p.text("location.href"), p.text("document.body.innerText"))
			p.picture("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		p.quiet()
		stop()
	})
	return p
}

// hear gathers what the page complains of.
func (p *tab) hear(ev any) {
	var said string
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		said = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			said += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning && e.Type != runtime.ConsoleAPICalledTypeAssert {
			return
		}
		for _, a := range e.Args {
			said += " " + string(a.Value) + a.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError && e.Entry.Level != log.EntryLevelWarning {
			return
		}
		said = e.Entry.Text + " " + e.Entry.URL
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complaints = append(p.complaints, said)
}

// expect takes complaints out that a test provokes: those with a text.
func (p *tab) expect(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var rest []string
	for _, c := range p.complaints {
		if !strings.Contains(c, text) {
			rest = append(rest, c)
		}
	}
	p.complaints = rest
}

// quiet fails the test for every complaint so far.
func (p *tab) quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.complaints {
		p.t.Errorf("the page complains: %s", c)
	}
	p.complaints = nil
	if v := p.text("JSON.stringify(window.violations ?? [])"); v != "[]" {
		p.t.Errorf("the policy was violated: %s", v)
	}
}

func (p *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// call runs a command of the browser's protocol.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, command, params); err != nil {
		p.t.Fatal(err)
	}
}

// do runs a script in the page.
func (p *tab) do(script string) {
	p.t.Helper()
	p.run(chromedp.Evaluate[chromedp.Void](script, chromedp.EvalAwaitPromise))
}

// eval runs a script in the page, and gives what it gives.
func eval[T any](p *tab, script string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// text is what a script says, or why it says nothing.
func (p *tab) text(script string) string {
	s, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return s
}

// until waits until a condition in the page holds. A page that is being left has nobody to ask.
func (p *tab) until(what, condition string) {
	p.t.Helper()
	p.await(what, func() bool {
		ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
		return err == nil && ok
	})
}

// await waits until something holds.
func (p *tab) await(what string, holds func() bool) {
	p.t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			p.t.Fatalf("%s: not so after %s", what, patience)
		}
	}
}

// find is the script of an element by what it is called: a button, link, tab, menu item or field that is shown.
// A dialog comes before the page, and the page before the navigation.
const find = `((name) => ["dialog[open]", "main", "body"].flatMap((part) => [...document.querySelectorAll(part)]).flatMap((part) => [...part.querySelectorAll("button, a, summary, [role=menuitem], [role=tab], label")])
	.filter((e) => e.getClientRects().length > 0).find((e) => (e.getAttribute("aria-label") ?? e.innerText).trim() === name))`

// press clicks what is called so, once it is there and can be pressed.
func (p *tab) press(name string) {
	p.t.Helper()
	script := find + "(" + quoted(name) + ")"
	p.until("something to press is called "+name, "(e => e && !e.disabled && e.getAttribute('aria-busy') !== 'true' && (e.click(), true))("+script+")")
}

// fill types into the field with this label, in place of what is there.
func (p *tab) fill(label, text string) {
	p.t.Helper()
	field := `[...document.querySelectorAll("label")].filter((l) => l.control && l.control.getClientRects().length > 0).find((l) => l.innerText.replace(" optional", "").trim() === ` + quoted(label) + `)?.control`
	p.until("a field is called "+label, field)
	p.do(field + ".focus(), " + field + ".select()")
	if text == "" {
		p.key("Delete")
		return
	}
	call(p, input.InsertText, input.InsertTextParams{Text: text})
}

// choose picks an option of a select.
func (p *tab) choose(label, value string) {
	p.t.Helper()
	field := `[...document.querySelectorAll("label")].find((l) => l.innerText.trim() === ` + quoted(label) + `)?.control`
	p.until("a choice is called "+label, field)
	p.do("(f => { f.value = " + quoted(value) + "; f.dispatchEvent(new Event('change', {bubbles: true})); })(" + field + ")")
}

// codes are the numbers of the keys that write no character.
var codes = map[string]int64{"Enter": 13, "Escape": 27, "Delete": 46, "End": 35, "ArrowLeft": 37}

// key presses a key: a character, or a name of codes. What the page forbids a key to do, it does not do.
func (p *tab) key(name string) {
	p.t.Helper()
	down := input.DispatchKeyEventParams{Type: "keyDown", Key: name, WindowsVirtualKeyCode: codes[name]}
	switch {
	case len(name) == 1:
		down.Text = name
	case name == "Enter":
		down.Text = "\r"
	case codes[name] == 0:
		p.t.Fatalf("no key is called %s", name)
	}
	call(p, input.DispatchKeyEvent, down)
	call(p, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: "keyUp", Key: name, WindowsVirtualKeyCode: codes[name]})
}

// reads waits until the page shows a text.
func (p *tab) reads(text string) {
	p.t.Helper()
	p.until("the page reads "+text, "document.body.innerText.includes("+quoted(text)+")")
}

// at waits until the address is this path, with its query.
func (p *tab) at(path string) {
	p.t.Helper()
	p.until("the address is "+path, "location.pathname + location.search === "+quoted(path))
}

// goTo opens an address, and waits until its page is there and asks nothing any more.
func (p *tab) goTo(path string) {
	p.t.Helper()
	p.run(chromedp.Navigate(p.url + path))
	p.settled()
}

// painted waits until what has changed is painted, and changes of colour are over.
const painted = `new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(() => Promise.allSettled(document.getAnimations().filter((a) => a instanceof CSSTransition).map((a) => a.finished)).then(shown)))).then(() => 0)`

// still ends what comes and goes: colours are judged when nothing fades any more. It is ended, not waited for: a page that is given no frames finishes nothing.
const still = `document.getAnimations().filter((a) => a.effect?.getComputedTiming().endTime !== Infinity).forEach((a) => a.finish())`

// turnTo goes to another page of the program without loading it anew, as a link does.
func (p *tab) turnTo(path string) {
	p.t.Helper()
	p.do(`history.pushState({depth: 0}, "", ` + quoted(path) + `); dispatchEvent(new PopStateEvent("popstate", {state: {depth: 0}}))`)
	p.at(path)
	p.do(painted)
}

// settled waits until the page has its heading and nothing is being loaded.
func (p *tab) settled() {
	p.t.Helper()
	p.until("the page is there", `(document.querySelector("main") ?? document).querySelector("h1, h2") && !document.querySelector("main [aria-busy=true]")`)
}

// signIn signs in as the first admin.
func (p *tab) signIn() {
	p.t.Helper()
	p.goTo("/sign-in")
	p.fill("E-mail", email)
	p.fill("Password", password)
	p.press("Sign in")
	p.at("/")
	p.settled()
}

// attach gives a file to the field for one.
func (p *tab) attach(name, text string) {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.run(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{path}))
}

// theme makes the browser's system light or dark.
func (p *tab) theme(name string) {
	p.t.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	p.until("the theme is "+name, `matchMedia("(prefers-color-scheme: `+name+`)").matches`)
	p.do(painted)
}

// width makes the window as wide as a phone's or a desk's.
func (p *tab) width(n int64) {
	p.t.Helper()
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: n, Height: 860, DeviceScaleFactor: 1, Mobile: n < 600})
}

// picture keeps a picture of the page, when pictures are asked for.
func (p *tab) picture(name string) {
	if *shots == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Logf("take a picture: %v", err)
		return
	}
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o644); err != nil {
		p.t.Error(err)
	}
}

// axe asks axe-core for violations of WCAG 2.2 AA, and fails the test for each. While a dialog is open the page behind it, with its heading, is
// out of reach.
func (p *tab) axe(where string) {
	p.t.Helper()
	type violation struct {
		ID    string `json:"id"`
		Help  string `json:"help"`
		Nodes []struct {
			HTML           string `json:"html"`
			FailureSummary string `json:"failureSummary"`
		} `json:"nodes"`
	}
	if !eval[bool](p, "!!window.axe") {
		p.do(kit.axe)
	}
	p.do(still)
	found := eval[[]violation](p, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"],
		rules: {"page-has-heading-one": {enabled: !document.querySelector("dialog[open]")}}}).then((r) => r.violations)`)
	for _, v := range found {
		for _, n := range v.Nodes {
			p.t.Errorf("%s: %s (%s): %.200s\n%s", where, v.ID, v.Help, n.HTML, n.FailureSummary)
		}
	}
	if wide := eval[string](p, `document.documentElement.scrollWidth > innerWidth ? document.documentElement.scrollWidth + " of " + innerWidth : ""`); wide != "" {
		p.t.Errorf("%s scrolls sideways: %s pixels", where, wide)
	}
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a text that is none: %v", err))
	}
	return string(text)
}
