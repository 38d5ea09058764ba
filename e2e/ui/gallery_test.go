package ui

import (
	"compress/gzip"
	"os"
	"path/filepath"
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

// TestScript_IsAtMost80KB counts what a browser loads of us, gzipped, the gallery aside.
func TestScript_IsAtMost80KB(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../web/dist/*.js")
	if err != nil || len(files) < 3 {
		t.Fatalf("the bundle has %v: %v", files, err)
	}
	total := 0
	for _, f := range files {
		if strings.HasPrefix(filepath.Base(f), "gallery-") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		n := &counter{}
		w, err := gzip.NewWriterLevel(n, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		total += n.n
	}
	if most := 80 << 10; total > most {
		t.Errorf("the script has %d bytes, gzipped; the most is %d", total, most)
	}
}

type counter struct{ n int }

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}
