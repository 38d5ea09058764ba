// Package web serves the dashboard: the app of web/ui, bundled by internal/webbuild into web/dist and embedded here. The app is a client of
// the public API like any other; this room has no data and no opinion.
//
// It refuses to be framed, to run any script or style but its own files, and to talk to another host: the headers of every
// answer say so. Pages are one file, so that each path of a page is a deep link; what a page loads has a name with a hash of its content
// and never changes.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed dist
var dist embed.FS

// page is the file that every path of a page answers.
const page = "index.html"

// policy is what the pages may do: load from here, and nothing inline. Text never becomes markup or script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// headers are those of every answer of this room.
var headers = map[string]string{
	"Content-Security-Policy":      policy,
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Embedder-Policy": "require-corp",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), publickey-credentials-get=(), usb=()",
	"Referrer-Policy":              "same-origin",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}

// apiPaths are not pages, whatever the caller accepts: each with everything below it.
var apiPaths = []string{"/v1", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"}

// file is one file of the app, ready to send.
type file struct {
	kind, etag string
	plain, zip []byte // zip is nil where gzip saves nothing
	immutable  bool
}

// Handler answers the paths of the dashboard and leaves all others to the API. Safe for concurrent use.
type Handler struct {
	api   http.Handler
	dev   bool
	files map[string]*file // by path
}

// New makes the dashboard in front of api. dev also serves the gallery of components.
func New(api http.Handler, dev bool) (*Handler, error) {
	h := &Handler{api: api, dev: dev, files: map[string]*file{}}
	entries, err := dist.ReadDir("dist")
	if err != nil {
		return nil, fmt.Errorf("the dashboard's files: %w", err)
	}
	for _, e := range entries {
		text, err := dist.ReadFile("dist/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("the dashboard's files: %w", err)
		}
		f, err := newFile(e.Name(), text)
		if err != nil {
			return nil, err
		}
		where := "/assets/" + e.Name()
		if e.Name() == page {
			where = "/"
		}
		h.files[where] = f
	}
	if h.files["/"] == nil {
		return nil, fmt.Errorf("the dashboard has no %s: run go generate ./web", page)
	}
	return h, nil
}

// newFile packs a file once, for all who take gzip.
func newFile(name string, text []byte) (*file, error) {
	sum := sha256.Sum256(text)
	f := &file{plain: text, etag: hex.EncodeToString(sum[:12]), kind: mime.TypeByExtension(path.Ext(name)), immutable: strings.Contains(name, "-")}
	switch path.Ext(name) { // the system's table may say otherwise
	case ".js":
		f.kind = "text/javascript; charset=utf-8"
	case ".css":
		f.kind = "text/css; charset=utf-8"
	case ".html":
		f.kind = "text/html; charset=utf-8"
	case ".svg":
		f.kind = "image/svg+xml"
	}
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if zipped.Len() < len(text) {
		f.zip = zipped.Bytes()
	}
	return f, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := h.find(r)
	if f == nil {
		h.api.ServeHTTP(w, r)
		return
	}
	f.serve(w, r)
}

// find is the file that a request asks for, nil when it is the API's.
func (h *Handler) find(r *http.Request) *file {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil
	}
	p := r.URL.Path
	if f := h.files[p]; f != nil {
		return f
	}
	for _, prefix := range apiPaths {
		if rest, ok := strings.CutPrefix(p, prefix); ok && (rest == "" || rest[0] == '/') {
			return nil
		}
	}
	if strings.HasPrefix(p, "/assets/") || path.Clean(p) != p || p == "/gallery" && !h.dev {
		return nil
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return nil // a program that mistyped a path wants the API's words
	}
	return h.files["/"]
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, v := range headers {
		h.Set(name, v)
	}
	h.Set("Content-Type", f.kind)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if f.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, etag := f.plain, `"`+f.etag+`"`
	if f.zip != nil && takesGzip(r) {
		body, etag = f.zip, `"`+f.etag+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", etag)
	if knows(r.Header.Get("If-None-Match"), f.etag) {
		h.Del("Content-Encoding")
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // an error is the client's leaving
	}
}

// takesGzip says whether the client takes gzip; "gzip;q=0" refuses it.
func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(name, "gzip") {
			return strings.Trim(strings.TrimPrefix(strings.TrimSpace(q), "q="), "0.") != "" || q == ""
		}
	}
	return false
}

// knows says whether If-None-Match names the file, in either encoding.
func knows(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		tag := strings.Trim(strings.TrimPrefix(strings.TrimSpace(part), "W/"), `"`)
		if tag == "*" || strings.TrimSuffix(tag, "-gzip") == etag {
			return true
		}
	}
	return false
}
