package connector_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox/internal/boxtest/provider"
	"signalbox/poll/connector"
)

// ways are all ways of paging, as the imitated API has them.
func ways(size int) map[string]connector.Config {
	zero := 0
	sized := func(p connector.Pagination) connector.Pagination {
		p.SizeParam, p.Size = "limit", size
		return p
	}
	perPage := connector.Pagination{Type: "page", Param: "page", SizeParam: "per_page", Size: size}
	total := generic("page", perPage)
	total.Total = "meta.total"
	counted := generic("offset", sized(connector.Pagination{Type: "offset", Param: "offset", Start: &zero}))
	counted.Total = "header:X-Total-Count"
	return map[string]connector.Config{
		"page":                     generic("page", perPage),
		"page with a total":        total,
		"offset":                   generic("offset", sized(connector.Pagination{Type: "offset", Param: "offset"})),
		"offset with a total":      counted,
		"cursor in the body":       generic("cursor", sized(connector.Pagination{Type: "cursor", Next: "next_cursor", Param: "cursor"})),
		"cursor in a header":       generic("cursor", sized(connector.Pagination{Type: "cursor", Next: "header:X-Next-Cursor", Param: "cursor"})),
		"link":                     generic("link", sized(connector.Pagination{Type: "link"})),
		"next address in the body": generic("next", sized(connector.Pagination{Type: "cursor", Next: "next"})),
		"one page":                 generic("all", connector.Pagination{Type: "none"}),
		"nothing said":             generic("all", connector.Pagination{}),
	}
}

func TestWalk_EveryWayOfPagingBringsEveryRecordOnce(t *testing.T) {
	t.Parallel()
	for _, records := range []int{0, 1, 7, 14, 15} {
		for name, c := range ways(7) {
			server := provider.Generic()
			server.Fill("items", 1, records)
			w := mustWalk(t, open(t, c, connector.Options{Client: server, Secrets: bearer}))
			if diff := cmp.Diff(numbers(1, records), w.ids()); diff != "" {
				t.Errorf("%s, %d records: %s", name, records, diff)
			}
			if w.requests != len(server.Asked()) {
				t.Errorf("%s, %d records: %d requests are told of, %d came", name, records, w.requests, len(server.Asked()))
			}
		}
	}
}

// A provider may cap pages below what was asked for: a short page is not the last one.
func TestWalk_AShortPageIsNotTheEnd(t *testing.T) {
	t.Parallel()
	server := provider.Generic()
	server.Fill("items", 1, 250)
	for name, c := range ways(500) { // the imitated API gives 100 at most
		w := mustWalk(t, open(t, c, connector.Options{Client: server, Secrets: bearer}))
		if len(w.records) != 250 {
			t.Errorf("%s: %d records, want 250", name, len(w.records))
		}
	}
}

func TestWalk_AnotherProcessGoesOnFromACheckpoint(t *testing.T) {
	t.Parallel()
	for name, c := range ways(3) {
		server := provider.Generic()
		server.Fill("items", 1, 20)
		var at connector.Checkpoint
		var ids []string
		for {
			s := open(t, c, connector.Options{Client: server, Secrets: bearer}) // each page by a source of its own
			page, err := s.Next(t.Context(), at)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, r := range page.Records {
				ids = append(ids, r.ID)
			}
			if page.Last {
				break
			}
			at = page.Next
		}
		if diff := cmp.Diff(numbers(1, 20), ids); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWalk_ACheckpointOfAnotherConfigurationBeginsAnew(t *testing.T) {
	t.Parallel()
	server := provider.Generic()
	server.Fill("items", 1, 20)
	page, err := open(t, ways(3)["link"], connector.Options{Client: server, Secrets: bearer}).Next(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]connector.Checkpoint{
		"of another configuration": page.Next,
		"not one":                  connector.Checkpoint("x"),
		"of another program":       connector.Checkpoint(`{"version":7}`),
		"too long":                 connector.Checkpoint(strings.Repeat("1", connector.MaxCheckpoint+1)),
	} {
		_, err := open(t, ways(4)["link"], connector.Options{Client: server, Secrets: bearer}).Next(t.Context(), at)
		if f := failure(t, err, connector.ShapeFailure); name != "too long" && !f.Temporary {
			t.Errorf("%s: not temporary, so that nobody would begin anew", name)
		}
	}
}

// The contract: what was not met in a walk by page or offset may be there all the same.
func TestShifts_PagesAndOffsetsDo(t *testing.T) {
	t.Parallel()
	for name, c := range ways(3) {
		want := strings.HasPrefix(name, "page") || strings.HasPrefix(name, "offset")
		if got := open(t, c, connector.Options{Client: provider.Generic(), Secrets: bearer}).Shifts(); got != want {
			t.Errorf("%s: shifts is %v", name, got)
		}
	}
	c := ways(3)["link"]
	c.Pagination.Shifts = true
	if !open(t, c, connector.Options{Client: provider.Generic(), Secrets: bearer}).Shifts() {
		t.Error("a link that is said to shift does not")
	}
}

func TestWalk_ARecordRemovedMeanwhileShiftsOnlyWherePagesAreCounted(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"page": true, "offset": true, "cursor in the body": false, "link": false} {
		server := provider.Generic()
		server.Fill("items", 1, 12)
		server.Before(2, func() { server.Remove("items", "1") })
		w := mustWalk(t, open(t, ways(4)[name], connector.Options{Client: server, Secrets: bearer}))
		if got := !slices.Contains(w.ids(), "5"); got != lost {
			t.Errorf("%s: record 5 was lost: %v, want %v (%v)", name, got, lost, w.ids())
		}
	}
}

// An id that comes twice is given twice: package poll counts distinct ones.
func TestWalk_ARecordThatComesTwiceIsGivenTwice(t *testing.T) {
	t.Parallel()
	server := provider.Generic()
	server.Fill("items", 1, 9)
	server.Before(2, func() { server.PutFirst("items", "100", provider.Fields{"name": "new"}) })
	w := mustWalk(t, open(t, ways(4)["page"], connector.Options{Client: server, Secrets: bearer}))
	if want := []string{"1", "2", "3", "4", "4", "5", "6", "7", "8", "9"}; !slices.Equal(w.ids(), want) {
		t.Errorf("got %v, want %v", w.ids(), want)
	}
}

func TestWalk_PagingThatDoesNotMoveIsFound(t *testing.T) {
	t.Parallel()
	same := func(path string) []provider.Fault {
		return slices.Repeat([]provider.Fault{provider.Instead(path)}, 40)
	}
	for name, faults := range map[string][]provider.Fault{
		"page":                     same("/page?page=2&per_page=4"),
		"offset":                   same("/offset?offset=4&limit=4"),
		"cursor in the body":       same("/cursor?limit=4"),
		"cursor in a header":       same("/cursor?limit=4"),
		"link":                     same("/link?limit=4"),
		"next address in the body": same("/next?limit=4"),
	} {
		server := provider.Generic()
		server.Fill("items", 1, 1000)
		server.Then(faults...)
		w, err := walk(t.Context(), open(t, ways(4)[name], connector.Options{Client: server, Secrets: bearer}))
		f := failure(t, err, connector.ShapeFailure, "does not move")
		if f.Page != w.pages+1 || f.Page > 4 {
			t.Errorf("%s: found on page %d after %d", name, f.Page, w.pages)
		}
	}
}

// Cursors that lead round in a circle of any length are found without keeping all of them, also when each page is asked for by another process.
func TestWalk_ACircleOfCursorsIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		tail, circle := rapid.IntRange(0, 30).Draw(rt, "tail"), rapid.IntRange(1, 40).Draw(rt, "circle")
		page := 0
		client := doer(func(*http.Request) string {
			page++
			next := page
			if page > tail {
				next = tail + (page-tail)%circle
			}
			return `{"data":[],"next_cursor":"c` + numbers(next, next)[0] + `"}`
		})
		var at connector.Checkpoint
		for pages := 1; ; pages++ {
			if pages > 4*(tail+circle+1) {
				rt.Fatalf("not found in %d pages", pages)
			}
			s := open(t, ways(4)["cursor in the body"], connector.Options{Client: client, Secrets: bearer, Session: connector.NewSession()})
			p, err := s.Next(t.Context(), at)
			if err != nil {
				failure(t, err, connector.ShapeFailure, "does not move")
				if pages <= tail {
					rt.Fatalf("found on page %d, before the circle began", pages)
				}
				return
			}
			at = p.Next
		}
	})
}

func TestWalk_MoreThanMaxPagesAreTheEnd(t *testing.T) {
	t.Parallel()
	page := 0
	client := doer(func(*http.Request) string {
		page++
		return `{"data":[{"id":` + numbers(page, page)[0] + `}],"next_cursor":"c` + numbers(page, page)[0] + `"}`
	})
	c := ways(4)["cursor in the body"]
	c.Rate = connector.RateLimit{Requests: 10_000, Per: connector.Duration(time.Second), Hourly: 100_000}
	w, err := walk(t.Context(), open(t, c, connector.Options{Client: client, Secrets: bearer}))
	failure(t, err, connector.ShapeFailure, "does not end", "10000")
	if w.pages != connector.MaxPages {
		t.Errorf("ended after %d pages", w.pages)
	}
}

func TestWalk_TheNextPageIsNotOnAnotherHost(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"https://evil.example.com/x", "http://api.example.com/next", "https://api.example.com:8443/next", "//evil.example.com/", "https://user@api.example.com/"} {
		client := doer(func(*http.Request) string { return `{"data":[],"next":"` + next + `"}` })
		_, err := walk(t.Context(), open(t, ways(4)["next address in the body"], connector.Options{Client: client, Secrets: bearer}))
		failure(t, err, connector.GuardFailure, "another host", "page 1")
	}
}

// Some providers repeat the key in the address of the next page. A checkpoint is stored in the clear.
func TestWalk_AKeyInTheQueryIsNotInCheckpoints(t *testing.T) {
	t.Parallel()
	server := provider.Generic()
	server.Fill("items", 1, 20)
	for _, way := range []string{"next address in the body", "link"} {
		c := ways(4)[way]
		c.Auth = connector.Auth{Type: connector.AuthAPIKey, In: "query", Name: "key"}
		s := open(t, c, connector.Options{Client: server, Secrets: connector.Secrets{"value": provider.Secret}})
		page, err := s.Next(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(page.Next), provider.Secret) {
			t.Errorf("%s: the key lies in the checkpoint", way)
		}
		if w := mustWalk(t, s); len(w.records) != 20 {
			t.Errorf("%s: %d records", way, len(w.records))
		}
	}
}

func TestUpdatedSince_AsksForWhatChangedWithItsOverlap(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		u    connector.UpdatedSince
		want string
	}{
		"plain":        {connector.UpdatedSince{Param: "since"}, "since=2026-05-01T12%3A00%3A00Z"},
		"milliseconds": {connector.UpdatedSince{Param: "since", Format: "rfc3339_ms"}, "since=2026-05-01T12%3A00%3A00.000Z"},
		"overlap":      {connector.UpdatedSince{Param: "since", Overlap: connector.Duration(10 * time.Minute)}, "since=2026-05-01T11%3A50%3A00Z"},
		"unix":         {connector.UpdatedSince{Param: "since", Format: "unix"}, "since=1777636800"},
		"unix_ms":      {connector.UpdatedSince{Param: "since", Format: "unix_ms"}, "since=1777636800000"},
		"date":         {connector.UpdatedSince{Param: "since", Format: "date"}, "since=2026-05-01"},
		"operator":     {connector.UpdatedSince{Param: "updated_at", Value: "gte|{since}"}, "updated_at=gte%7C2026-05-01T12%3A00%3A00Z"},
	} {
		server := provider.Generic()
		server.Fill("items", 1, 6)
		config := generic("page", connector.Pagination{Type: "page", Param: "page", SizeParam: "per_page", Size: 4})
		config.UpdatedSince = &c.u
		page, err := open(t, config, connector.Options{Client: server, Secrets: bearer, Since: since}).Next(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		// Whoever goes on asks for the same time, whatever it was opened with.
		if _, err := open(t, config, connector.Options{Client: server, Secrets: bearer}).Next(t.Context(), page.Next); err != nil {
			t.Fatal(err)
		}
		for i, asked := range server.Asked() {
			if !strings.Contains(asked, c.want) {
				t.Errorf("%s: request %d is %s, want %s in it", name, i+1, asked, c.want)
			}
		}
		if mustWalk(t, open(t, config, connector.Options{Client: server, Secrets: bearer})); strings.Contains(server.Asked()[2], c.u.Param+"=") {
			t.Errorf("%s: a full walk asks for changes: %s", name, server.Asked()[2])
		}
	}
}

// Some name the last record as the cursor, and say apart whether there is more.
func TestWalk_MoreIsSaidApart(t *testing.T) {
	t.Parallel()
	client := doer(func(r *http.Request) string {
		from, _ := strconv.Atoi(r.URL.Query().Get("starting_after"))
		ids := numbers(from+1, min(from+4, 11))
		return `{"data":[{"id":"` + strings.Join(ids, `"},{"id":"`) + `"}],"has_more":` + strconv.FormatBool(from+4 < 11) + `}`
	})
	c := generic("x", connector.Pagination{Type: "cursor", Next: "data.-1.id", Param: "starting_after", More: "has_more"})
	if w := mustWalk(t, open(t, c, connector.Options{Client: client, Secrets: bearer})); !slices.Equal(w.ids(), numbers(1, 11)) || w.pages != 3 {
		t.Errorf("%v on %d pages", w.ids(), w.pages)
	}
}

func TestByID_OnlyAClearNoIsGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault provider.Fault
		id    string
		found bool
		kind  connector.Kind // of the failure; "": none
	}{
		"there":                     {nil, "3", true, ""},
		"not there":                 {nil, "33", false, ""},
		"gone":                      {provider.Status(410), "3", false, ""},
		"an id with a slash":        {nil, "a/b", false, ""},
		"a list that holds it":      {provider.Body(`{"data":[{"id":3}]}`), "3", true, ""},
		"an empty list":             {provider.Body(`{"data":[]}`), "3", false, ""},
		"a list of others":          {provider.Body(`{"data":[{"id":4}]}`), "3", false, connector.ShapeFailure},
		"an error that looks fine":  {provider.Body(`{"error":"no such item"}`), "3", true, ""}, // in doubt it is there
		"null":                      {provider.Body(`null`), "3", false, connector.ShapeFailure},
		"HTML":                      {provider.HTML(), "3", false, connector.ShapeFailure},
		"empty":                     {provider.Empty(), "3", false, connector.ShapeFailure},
		"unauthorized":              {provider.Status(401), "3", false, connector.AuthFailure},
		"bad request":               {provider.Status(400), "3", false, connector.StatusFailure},
		"an id that leads upwards":  {nil, "..", false, connector.ShapeFailure},
		"an id that is the address": {nil, "", false, connector.ShapeFailure},
	} {
		server := provider.Generic()
		server.Fill("items", 1, 5)
		server.Then(c.fault)
		config := ways(4)["page"]
		config.ByID = "https://api.example.com/items/{id}"
		found, err := open(t, config, connector.Options{Client: server, Secrets: bearer}).(connector.Finder).ByID(t.Context(), c.id)
		if c.kind != "" {
			failure(t, err, c.kind)
			continue
		}
		if err != nil || found != c.found {
			t.Errorf("%s: found %v, %v; want %v", name, found, err, c.found)
		}
	}
	if _, ok := open(t, ways(4)["page"], connector.Options{Client: provider.Generic(), Secrets: bearer}).(connector.Finder); ok {
		t.Error("a source without by_id says that it can be asked for one record")
	}
}

func TestNext_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	server := provider.Generic()
	s := open(t, ways(4)["page"], connector.Options{Client: server, Secrets: bearer})
	ctx, cancel := contextOf(t)
	cancel()
	if _, err := s.Next(ctx, nil); err != ctx.Err() {
		t.Errorf("got %v, want the context's error", err)
	}
}
