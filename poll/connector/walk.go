package connector

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/fnv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// httpSource walks an API that answers JSON.
type httpSource struct {
	c      Config
	id     uint32 // of the Config
	caller *caller
	reader *reader // made for the first page
	since  time.Time
}

// place is where a walk stands: what a checkpoint holds.
type place struct {
	Config uint32 `json:"c"`           // of which configuration it is
	Page   int    `json:"p"`           // pages behind it
	Seen   int    `json:"s,omitempty"` // records behind it: the offset
	Next   string `json:"n,omitempty"` // the cursor or the address of the next page
	Since  int64  `json:"t,omitempty"` // Unix seconds: what changed since then; 0: everything
	// Paging that runs in a circle is found by Brent's method: a mark is kept from the last page whose number is a power of two.
	Mark  uint64 `json:"m,omitempty"`
	Again int    `json:"a,omitempty"` // pages that were the marked one again
}

// maxAgain is how often a page of a counted paging may be an earlier one again. Once happens: as many records as a page has came in before it meanwhile.
const maxAgain = 2

// Shifts is true of pages and offsets, and of what says so.
func (s *httpSource) Shifts() bool {
	t := s.c.Pagination.Type
	return t == PagePage || t == PageOffset || s.c.Pagination.Shifts
}

// Next fetches a page.
func (s *httpSource) Next(ctx context.Context, from Checkpoint) (Page, error) {
	p, err := s.place(from)
	if err != nil {
		return Page{}, err
	}
	page, err := s.next(ctx, p)
	var f *Failure
	if errors.As(err, &f) {
		f.Page = p.Page + 1
	}
	return page, err
}

// place reads a checkpoint; the beginning when there is none.
func (s *httpSource) place(from Checkpoint) (place, error) {
	if len(from) == 0 {
		p := place{Config: s.id}
		if u := s.c.UpdatedSince; u != nil && !s.since.IsZero() {
			p.Since = max(s.since.Add(-time.Duration(u.Overlap)).Unix(), 1)
		}
		return p, nil
	}
	var p place
	if err := decodeCheckpoint(from, &p); err != nil {
		return place{}, err
	}
	if p.Config != s.id || p.Page < 1 || p.Seen < 0 {
		return place{}, staleCheckpoint()
	}
	return p, nil
}

// fingerprint tells configurations apart, so that a walk is not continued under another one.
func (c Config) fingerprint() uint32 {
	text, _ := json.Marshal(c)
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint32(sum[:])
}

func (s *httpSource) next(ctx context.Context, p place) (Page, error) {
	if p.Page >= MaxPages {
		return Page{}, shapeFailure("paging does not end: there are more than %d pages; ask for more records at once", MaxPages)
	}
	address, err := s.address(p)
	if err != nil {
		return Page{}, err
	}
	got, err := s.caller.get(ctx, address.String(), "application/json", MaxPageBytes)
	if err != nil {
		return Page{Requests: got.requests}, err
	}
	if s.reader == nil {
		s.reader = newReader(s.c)
	}
	a, err := s.reader.read(got.body)
	if err != nil {
		return Page{Requests: got.requests}, err
	}
	page := Page{Records: a.records, Total: s.total(a, got.header), Requests: got.requests}
	after, last, err := s.advance(p, a, got.header, address, page.Total)
	if err != nil {
		return Page{Requests: got.requests}, err
	}
	if page.Last = last; !last {
		page.Next, err = encodeCheckpoint(after)
	}
	return page, err
}

// address is that of the page that a place stands before.
func (s *httpSource) address(p place) (*url.URL, error) {
	linked := p.Next != "" && (s.c.Pagination.Type == PageLink || s.c.Pagination.Param == "")
	base := s.c.URL
	if linked {
		base = p.Next
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, &Failure{Kind: ShapeFailure, Msg: "the address of the page cannot be read", Err: err}
	}
	if linked {
		return u, nil // it holds all its parameters; some providers take no other beside it
	}
	q := u.Query()
	for name, value := range s.c.Query {
		q.Set(name, value)
	}
	pg := s.c.Pagination
	if pg.SizeParam != "" {
		q.Set(pg.SizeParam, strconv.Itoa(pg.Size))
	}
	switch pg.Type {
	case PagePage:
		q.Set(pg.Param, strconv.Itoa(pg.start(1)+p.Page))
	case PageOffset:
		q.Set(pg.Param, strconv.Itoa(pg.start(0)+p.Seen))
	case PageCursor:
		if p.Next != "" {
			q.Set(pg.Param, p.Next)
		}
	}
	if since := s.c.UpdatedSince; since != nil && p.Since != 0 {
		at := sinceFormats[since.Format](time.Unix(p.Since, 0))
		if since.Value != "" {
			at = strings.ReplaceAll(since.Value, "{since}", at)
		}
		q.Set(since.Param, at)
	}
	u.RawQuery = q.Encode()
	return u, nil
}

func (p Pagination) start(otherwise int) int {
	if p.Start == nil {
		return otherwise
	}
	return *p.Start
}

// total is how many records the provider says there are; -1 when it does not.
func (s *httpSource) total(a answer, h http.Header) int {
	if s.c.Total == "" {
		return -1
	}
	n, err := strconv.Atoi(lookUp(s.c.Total, a.doc, h))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// lookUp reads a text or an integer at a place of an answer; "" when nothing is there.
func lookUp(place string, doc []byte, h http.Header) string {
	if name, ok := strings.CutPrefix(place, headerPlace); ok {
		return strings.TrimSpace(h.Get(name))
	}
	value := find(doc, mustPath(place))
	switch {
	case value == nil:
		return ""
	case value[0] == '"':
		return textOf(value[1 : len(value)-1])
	case isInteger(value):
		return string(value)
	}
	return ""
}

// advance is the place behind a page, or that it was the last one.
func (s *httpSource) advance(p place, a answer, h http.Header, address *url.URL, total int) (after place, last bool, err error) {
	after = p
	after.Page++
	after.Seen += len(a.records)
	switch pg := s.c.Pagination; pg.Type {
	case PagePage, PageOffset:
		// A page that is not full is no end: the provider may give fewer than it was asked for.
		if len(a.records) == 0 || total >= 0 && after.Seen >= total {
			return after, true, nil
		}
		err = after.mark(markOfRecords(a.records), maxAgain)
		return after, false, err
	case PageCursor:
		after.Next = lookUp(pg.Next, a.doc, h)
	case PageLink:
		after.Next = nextLink(h.Values("Link"))
	default:
		return after, true, nil
	}
	if more := s.c.Pagination.More; after.Next == "" || more != "" && string(find(a.doc, mustPath(more))) == "false" {
		return after, true, nil
	}
	if s.c.Pagination.Type == PageLink || s.c.Pagination.Param == "" {
		if after.Next, err = s.follow(address, after.Next); err != nil {
			return after, false, err
		}
	}
	if len(after.Next) > maxCursor {
		return after, false, shapeFailure("the cursor of the next page has %d bytes, the most is %d", len(after.Next), maxCursor)
	}
	if after.Next == p.Next {
		return after, false, motionless()
	}
	err = after.mark(hashOf(after.Next), 1)
	return after, false, err
}

// follow is the address that a page names as the next one. It must be where the credentials belong. The key that is sent in the query is taken out of it: it
// is put in again when the page is asked for, and does not belong into a checkpoint.
func (s *httpSource) follow(from *url.URL, link string) (string, error) {
	u, err := from.Parse(link)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return "", shapeFailure("the address of the next page cannot be read")
	}
	if u.User != nil || originOf(u) != originOf(from) {
		return "", &Failure{Kind: GuardFailure, Msg: "the next page is said to be on another host; the credentials are sent to that of url alone"}
	}
	u.Fragment = ""
	if a := s.c.Auth; a.Type == AuthAPIKey && a.In == "query" && u.Query().Has(a.Name) {
		q := u.Query()
		q.Del(a.Name)
		u.RawQuery = q.Encode()
	}
	return u.String(), nil
}

// mark holds a page against the marked one, and marks it when its number is a power of two. A circle of any length is found before it is gone round four times.
func (p *place) mark(m uint64, most int) error {
	if m == p.Mark {
		if p.Again++; p.Again >= most {
			return motionless()
		}
	}
	if p.Page&(p.Page-1) == 0 {
		p.Mark = m
	}
	return nil
}

func motionless() *Failure {
	return shapeFailure("the pagination does not move: the provider gives the same page again; look whether the pagination's type and param are right")
}

func markOfRecords(records []Record) uint64 {
	h := fnv.New64a()
	for _, r := range records {
		_, _ = h.Write([]byte(r.ID))
		_, _ = h.Write([]byte{0})
	}
	return max(h.Sum64(), 1)
}

func hashOf(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return max(h.Sum64(), 1) // 0 is no mark
}

// findingSource is a source that can be asked for one record.
type findingSource struct{ *httpSource }

// ByID asks for one record. What is answered without a doubt counts as there: it is about what may be deleted.
func (s *findingSource) ByID(ctx context.Context, id string) (bool, error) {
	u, err := byIDAddress(s.c.ByID, id)
	if err != nil {
		return false, err
	}
	got, err := s.caller.get(ctx, u, "application/json", MaxPageBytes, http.StatusNotFound, http.StatusGone)
	if err != nil {
		return false, err
	}
	if got.status != http.StatusOK {
		return false, nil
	}
	doc, err := canonicalPage(got.body)
	if err != nil {
		return false, err
	}
	list := find(doc, mustPath(s.c.Records))
	switch {
	case len(list) > 0 && list[0] == '[':
		return hasRecord(list, mustPath(s.c.ID), id)
	case doc[0] != '{':
		return false, shapeFailure("the answer to by_id is %s, not a record", kindOf(doc))
	}
	return true, nil
}

// hasRecord looks for a record in an answer that is a list, as that of a provider which filters by id. A list of others is no answer: it may not know the filter.
func hasRecord(list []byte, idPath path, id string) (bool, error) {
	found, others := false, false
	eachElement(list, func(value []byte) bool {
		one, err := idOf(find(value, idPath))
		found = err == nil && one == id
		others = true
		return !found
	})
	if others && !found {
		return false, shapeFailure("the answer to by_id holds other records than the one that was asked for; look whether its parameter is right")
	}
	return found, nil
}

// byIDAddress puts an id into an address, escaped for the part that it lies in.
func byIDAddress(template, id string) (string, error) {
	if id == "" || len(id) > MaxIDBytes || id == "." || id == ".." { // the last two lead to another address, however they are escaped
		return "", shapeFailure("a record of such an id cannot be asked for: it has 1 to %d bytes and is not . or ..", MaxIDBytes)
	}
	base, query, asked := strings.Cut(template, "?")
	base = strings.ReplaceAll(base, "{id}", url.PathEscape(id))
	if !asked {
		return base, nil
	}
	return base + "?" + strings.ReplaceAll(query, "{id}", url.QueryEscape(id)), nil
}
