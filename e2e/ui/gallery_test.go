package ui

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// views are how every page is looked at.
var views = []struct {
	name, theme string
	width       int64
}{
	{"light", "light", 1280},
	{"dark", "dark", 1280},
	{"phone-light", "light", 390},
	{"phone-dark", "dark", 390},
}

// TestGallery_EveryPageInEveryStateIsForEveryone walks the gallery: each page empty, loading, failed and full, with hostile text in it.
func TestGallery_EveryPageInEveryStateIsForEveryone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := s.open()
	p.run(chromedp.Navigate(s.url + "/gallery"))
	p.until("the gallery lists its states", `document.querySelectorAll("a[data-state]").length > 0`)
	states := eval[[]string](p, `[...document.querySelectorAll("a[data-state]")].map((a) => a.getAttribute("href"))`)
	if len(states) < 30 {
		t.Fatalf("the gallery has %d states only: %v", len(states), states)
	}
	for _, v := range views {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			p := s.openFor(t)
			p.theme(v.theme)
			p.width(v.width)
			p.run(chromedp.Navigate(s.url + "/gallery"))
			p.until("the gallery is there", `document.querySelector("h1")`)
			for _, at := range append([]string{"/gallery"}, states...) {
				p.turnTo(at)
				p.until("it is drawn", `document.querySelector("h1, h2, table, p")`)
				name := strings.NewReplacer("/gallery?page=", "", "&state=", "-", "/gallery", "gallery").Replace(at)
				p.axe(name)
				p.picture(name + "-" + v.name)
				p.innocent(name)
			}
		})
	}
}

// innocent fails the test when text from outside has run.
func (p *tab) innocent(where string) {
	p.t.Helper()
	if ran := eval[string](p, `String(window.pwned ?? "")`); ran != "" {
		p.t.Errorf("%s ran what was text: %s", where, ran)
	}
}
