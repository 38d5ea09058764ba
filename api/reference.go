package api

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// The reference page: reference/LICENSE.scalar says where scalar.js comes from and under which licence.
var (
	//go:embed reference/index.html
	referencePage []byte
	//go:embed reference/setup.js
	referenceSetup []byte
	//go:embed reference/scalar.js.gz
	referenceScript []byte
)

// referencePolicy lets the page load from this server only, and run no script but its two files. Styles may be inline because
// the page's program writes its own style element.
const referencePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (a *API) referenceRoutes() []route {
	return []route{
		asset("/docs", "reference", "The reference page", a.serveReference),
		asset("/docs/scalar.js", "referenceScript", "The page's program", a.serveReferenceScript),
		asset("/docs/setup.js", "referenceSetup", "The page's settings", a.serveReferenceSetup),
	}
}

// asset makes the route of a file that browsers read.
func asset(pattern, id, summary string, run func(*call) error) route {
	return route{
		method: http.MethodGet, pattern: pattern, id: id, tag: "Health", need: public, anyQuery: true, unlisted: true,
		summary: summary, status: http.StatusOK, answers: raw[none, none](run),
	}
}

func (a *API) serveReference(c *call) error {
	h := c.Header()
	h.Set("Content-Security-Policy", referencePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	return c.file("text/html; charset=utf-8", "no-cache", bytes.NewReader(referencePage))
}

func (a *API) serveReferenceSetup(c *call) error {
	return c.file("text/javascript; charset=utf-8", "no-cache", bytes.NewReader(referenceSetup))
}

// serveReferenceScript sends the program gzipped, as it is embedded; for who does not take gzip it is unpacked on the way.
func (a *API) serveReferenceScript(c *call) error {
	const kind, cache = "text/javascript; charset=utf-8", "public, max-age=86400"
	h := c.Header()
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(c.r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		return c.file(kind, cache, bytes.NewReader(referenceScript))
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(referenceScript))
	if err != nil {
		return fmt.Errorf("open the reference page's program: %w", err)
	}
	return c.file(kind, cache, unpacked)
}

// file answers a file.
func (c *call) file(kind, cache string, body io.Reader) error {
	h := c.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", cache)
	c.WriteHeader(http.StatusOK)
	_, _ = io.Copy(c, body) // an error is the client's leaving
	return nil
}
