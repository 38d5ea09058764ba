package connector

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"signalbox"
	"signalbox/egress"
)

// The bounds of a Config.
const (
	maxURL    = egress.MaxURLLength
	maxPaths  = 200 // fields, excluded and unordered paths, each
	maxPath   = 255 // bytes of one
	maxQuery  = 50
	maxSize   = 10_000 // records to a page
	maxColumn = 255    // bytes of a column's name
)

// Check says what is wrong with a configuration. Its errors are *signalbox.Error about "connector.…". It asks nobody: the addresses of URLs are still to be
// judged by the address guard, and a file by CheckFile.
func (c Config) Check() error {
	var err error
	switch c.Type {
	case TypeHTTP:
		err = c.checkHTTP()
	case TypeCSV:
		err = c.checkCSV()
	case "":
		err = wrong("type", "is missing; it is http_json or csv")
	default:
		err = wrong("type", "%.40q is no type of connector; it is http_json or csv", c.Type)
	}
	if err != nil {
		return err
	}
	for name, paths := range map[string][]string{"fields": c.Fields, "exclude": c.Exclude, "unordered": c.Unordered} {
		if err := checkPaths(name, paths); err != nil {
			return err
		}
	}
	if err := c.checkRequests(); err != nil {
		return err
	}
	return c.Rate.check()
}

func wrong(field, format string, args ...any) error {
	return signalbox.InvalidField("connector."+field, format, args...)
}

// notFor refuses what another type has.
func notFor(kind string, given map[string]bool) error {
	for _, name := range sortedKeys(given) {
		if given[name] {
			return wrong(name, "a connector of type %s has no %s", kind, name)
		}
	}
	return nil
}

func (c Config) checkHTTP() error {
	if err := notFor(TypeHTTP, map[string]bool{"file": c.File != "", "delimiter": c.Delimiter != "", "gzip": c.Gzip}); err != nil {
		return err
	}
	if err := checkURL("url", c.URL); err != nil {
		return err
	}
	if c.ID == "" {
		return wrong("id", `is missing; it is the path of a record's id, as in "id" or "attributes.id"`)
	}
	if err := checkPath("id", c.ID); err != nil {
		return err
	}
	if err := checkPath("records", c.Records); err != nil {
		return err
	}
	if err := checkPlace("total", c.Total); err != nil {
		return err
	}
	if c.ByID != "" {
		if !strings.Contains(c.ByID, "{id}") {
			return wrong("by_id", "must hold {id}, where the record's id is put")
		}
		if err := checkURL("by_id", strings.ReplaceAll(c.ByID, "{id}", "0")); err != nil {
			return err
		}
		if !sameOrigin(strings.ReplaceAll(c.ByID, "{id}", "0"), c.URL) {
			return wrong("by_id", "must have the scheme, host and port of url: the credentials are for those")
		}
	}
	if err := c.Pagination.check(); err != nil {
		return err
	}
	return c.UpdatedSince.check()
}

func (c Config) checkCSV() error {
	if err := notFor(TypeCSV, map[string]bool{"pagination": c.Pagination != Pagination{}, "records": c.Records != "", "total": c.Total != "", "by_id": c.ByID != "",
		"updated_since": c.UpdatedSince != nil, "unordered": len(c.Unordered) > 0}); err != nil {
		return err
	}
	switch {
	case c.URL == "" && c.File == "":
		return wrong("url", "is missing; a connector of type csv has a url, or a file below the import directory")
	case c.URL != "" && c.File != "":
		return wrong("file", "there is a url already; give one of them")
	case c.ID == "" || len(c.ID) > maxColumn:
		return wrong("id", "must be the name of the column that holds a record's id, at most %d bytes", maxColumn)
	case len(c.Delimiter) > 1 || c.Delimiter != "" && (c.Delimiter[0] >= 0x80 || strings.Contains("\"\r\n\x00", c.Delimiter)):
		return wrong("delimiter", "must be one ASCII character that is no quote and no line end, as in ; or a tab")
	}
	if c.URL != "" {
		return checkURL("url", c.URL)
	}
	if c.Auth.Type != "" && c.Auth.Type != AuthNone {
		return wrong("auth", "a file needs no credentials")
	}
	return checkFileName(c.File)
}

// checkFileName judges a name as text. What it leads to is judged when it is opened.
func checkFileName(name string) error {
	switch {
	case name == "":
		return wrong("file", "is empty; give the name of a file below the import directory")
	case len(name) > 1024 || strings.ContainsAny(name, "\x00\\"):
		return wrong("file", "is no name of a file; folders are separated by /")
	case filepath.IsAbs(name) || strings.HasPrefix(name, "/"):
		return wrong("file", "must be relative to the server's import directory, not begin with /")
	case !filepath.IsLocal(name) || slices.Contains(strings.Split(name, "/"), ".."):
		return wrong("file", "must lie below the server's import directory, without ..")
	}
	return nil
}

// checkRequests judges what requests carry.
func (c Config) checkRequests() error {
	if len(c.Query) > maxQuery {
		return wrong("query", "has %d parameters, the most is %d", len(c.Query), maxQuery)
	}
	for _, name := range sortedKeys(c.Query) {
		if name == "" || len(name)+len(c.Query[name]) > maxURL {
			return wrong("query", "a parameter needs a name, and has at most %d bytes", maxURL)
		}
	}
	if err := egress.ValidateHeaders(c.Headers); err != nil {
		return wrong("headers", "%s", err)
	}
	for _, name := range sortedKeys(c.Headers) {
		if k := http.CanonicalHeaderKey(name); k == "Authorization" || k == "Proxy-Authorization" {
			return wrong("headers", "%s is a credential; give it as auth, which is kept encrypted", k)
		}
		if http.CanonicalHeaderKey(name) == "Accept-Encoding" {
			return wrong("headers", "Accept-Encoding is set by the connector")
		}
	}
	return c.Auth.check()
}

// checkURL judges an address as far as no guard is needed for it.
func checkURL(field, raw string) error {
	if raw == "" {
		return wrong(field, "is missing; it is the address that is asked for records")
	}
	if len(raw) > maxURL {
		return wrong(field, "has %d bytes, the most is %d", len(raw), maxURL)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "":
		return wrong(field, "is no address; write https://host/path")
	case u.Scheme != "https" && u.Scheme != "http":
		return wrong(field, "must begin with https://")
	case u.User != nil:
		return wrong(field, "holds credentials; give them as auth")
	case u.Fragment != "":
		return wrong(field, "has a # part, which is never sent; leave it out")
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return wrong(field, "has a query that cannot be read; write reserved characters as %%XX")
	}
	return nil
}

func (p Pagination) check() error {
	field := func(name string) string { return "pagination." + name }
	if p.Size < 0 || p.Size > maxSize {
		return wrong(field("size"), "is %d; it is 1 to %d", p.Size, maxSize)
	}
	if p.Size > 0 && p.SizeParam == "" && p.Type != PageNone {
		return wrong(field("size_param"), "is missing; it is the query parameter that size is sent in")
	}
	if p.SizeParam != "" && p.Size == 0 {
		return wrong(field("size"), "is missing; it is how many records to ask for at once")
	}
	counted := p.Type == PagePage || p.Type == PageOffset
	switch {
	case p.Start != nil && (!counted || *p.Start < 0 || *p.Start > 1):
		return wrong(field("start"), "must be 0 or 1, and is for pages and offsets only")
	case p.Next != "" && p.Type != PageCursor:
		return wrong(field("next"), "is for pagination of type cursor only")
	case p.More != "" && p.Type != PageCursor:
		return wrong(field("more"), "is for pagination of type cursor only")
	case p.Shifts && p.Type != PageCursor && p.Type != PageLink:
		return wrong(field("shifts"), "is for cursors and links only: pages and offsets always shift")
	}
	switch p.Type {
	case "", PageNone:
		if p.Param != "" || p.Size != 0 {
			return wrong(field("type"), "is missing; it is page, offset, cursor, link or none")
		}
		return nil
	case PagePage, PageOffset:
		if p.Param == "" {
			return wrong(field("param"), "is missing; it is the query parameter of the %s", p.Type)
		}
		return nil
	case PageCursor:
		if p.Next == "" {
			return wrong(field("next"), `is missing; it is where the answer holds the next cursor: a path as in "paging.next", or "header:X-Next-Cursor"`)
		}
		if err := checkPath(field("more"), p.More); err != nil {
			return err
		}
		return checkPlace(field("next"), p.Next)
	case PageLink:
		if p.Param != "" {
			return wrong(field("param"), "a link holds its parameters itself; leave param out")
		}
		return nil
	}
	return wrong(field("type"), "%.40q is no way of paging; it is page, offset, cursor, link or none", p.Type)
}

func (u *UpdatedSince) check() error {
	if u == nil {
		return nil
	}
	switch {
	case u.Param == "":
		return wrong("updated_since.param", "is missing; it is the query parameter of the time")
	case sinceFormats[u.Format] == nil:
		return wrong("updated_since.format", "%.40q is no format of times; it is rfc3339, rfc3339_ms, unix, unix_ms or date", u.Format)
	case u.Value != "" && !strings.Contains(u.Value, "{since}"):
		return wrong("updated_since.value", "must hold {since}, where the time is put")
	case u.Overlap < 0 || u.Overlap > maxOverlap:
		return wrong("updated_since.overlap", "must be at most 7d")
	}
	return nil
}

// checkPlace judges a path in the answer, or the name of a header of it.
func checkPlace(field, place string) error {
	if name, ok := strings.CutPrefix(place, headerPlace); ok {
		if name == "" || len(name) > egress.MaxHeaderName {
			return wrong(field, "header: is followed by the header's name")
		}
		return nil
	}
	return checkPath(field, place)
}

func checkPath(field, path string) error {
	if len(path) > maxPath {
		return wrong(field, "has %d bytes, the most is %d", len(path), maxPath)
	}
	if _, err := parsePath(path); err != nil {
		return wrong(field, "%s", err)
	}
	return nil
}

func checkPaths(field string, paths []string) error {
	if len(paths) > maxPaths {
		return wrong(field, "has %d paths, the most is %d", len(paths), maxPaths)
	}
	for i, p := range paths {
		at := fmt.Sprintf("%s.%d", field, i)
		if p == "" {
			return wrong(at, "is empty; give the path of a field")
		}
		if err := checkPath(at, p); err != nil {
			return err
		}
		if slices.Contains(paths[:i], p) {
			return wrong(at, "%.80q is given twice", p)
		}
	}
	return nil
}
