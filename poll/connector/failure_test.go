package connector_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signalbox/egress"
	"signalbox/internal/boxtest/provider"
	"signalbox/poll/connector"
)

// Whatever is wrong with an answer is a failure that names the page and the reason: a record that is passed over would look deleted.
func TestPage_WhatIsNoPageIsAFailure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault     provider.Fault
		kind      connector.Kind
		says      string
		temporary bool
	}{
		"empty":                     {provider.Empty(), connector.ShapeFailure, "is empty", false},
		"only spaces":               {provider.Body(" \n"), connector.ShapeFailure, "is empty", false},
		"no content":                {provider.Status(204), connector.StatusFailure, "204 No Content", false},
		"a part":                    {provider.Status(206), connector.StatusFailure, "206", false},
		"HTML":                      {provider.HTML(), connector.ShapeFailure, "HTML", false},
		"cut off as if whole":       {provider.Cut(1, 2), connector.ShapeFailure, "malformed, or was cut off", false},
		"cut off":                   {provider.Truncated(1, 2), connector.NetworkFailure, "ended before it was complete", true},
		"invalid UTF-8":             {provider.Body("{\"data\":[{\"id\":1,\"name\":\"\xff\"}]}"), connector.ShapeFailure, "not UTF-8", false},
		"a key twice":               {provider.Body(`{"data":[{"id":1,"id":2}]}`), connector.ShapeFailure, "same key twice", false},
		"two texts":                 {provider.Body(`{"data":[]} {"data":[]}`), connector.ShapeFailure, "follows its end", false},
		"too deep":                  {provider.Body(`{"data":[{"id":1,"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}]}`), connector.ShapeFailure, "deeper than 32", false},
		"U+0000":                    {provider.Body(`{"data":[{"id":1,"x":"\u0000"}]}`), connector.ShapeFailure, "U+0000", false},
		"no list":                   {provider.Body(`{"items":[]}`), connector.ShapeFailure, "nothing at records", false},
		"null for a list":           {provider.Body(`{"data":null}`), connector.ShapeFailure, "nothing at records", false},
		"an object for a list":      {provider.Body(`{"data":{}}`), connector.ShapeFailure, "path of an object", false},
		"a record that is a text":   {provider.Body(`{"data":[{"id":1},"x"]}`), connector.ShapeFailure, "record 2 of the page is a text, not an object", false},
		"a record that is null":     {provider.Body(`{"data":[null]}`), connector.ShapeFailure, "record 1 of the page is null", false},
		"a record without id":       {provider.Body(`{"data":[{"id":1},{"name":"x"}]}`), connector.ShapeFailure, "record 2 of the page has no id", false},
		"an id that is empty":       {provider.Body(`{"data":[{"id":""}]}`), connector.ShapeFailure, "empty or longer than 255", false},
		"an id that is too long":    {provider.Body(`{"data":[{"id":"` + strings.Repeat("x", 256) + `"}]}`), connector.ShapeFailure, "empty or longer than 255", false},
		"an id with a fraction":     {provider.Body(`{"data":[{"id":1.5}]}`), connector.ShapeFailure, "a number with a fraction as its id", false},
		"an id that is true":        {provider.Body(`{"data":[{"id":true}]}`), connector.ShapeFailure, "true or false as its id", false},
		"a record of 1 MiB":         {provider.Body(`{"data":[{"id":1,"x":"` + strings.Repeat("x", 1<<20) + `"}]}`), connector.ShapeFailure, "more than 1 MiB", false},
		"an answer of 16 MiB":       {provider.Body(`{"data":[` + strings.Repeat(" ", 16<<20) + `]}`), connector.ShapeFailure, "more than 16 MiB", false},
		"unauthorized":              {provider.Status(401), connector.AuthFailure, "401 Unauthorized; look whether the credentials are right", false},
		"forbidden":                 {provider.Status(403), connector.AuthFailure, "may read these records", false},
		"not found":                 {provider.Status(404), connector.StatusFailure, "404 Not Found; look whether the address is right", false},
		"a redirect":                {provider.Status(301, "Location", "https://evil.example.com"), connector.StatusFailure, "redirects are not followed", false},
		"bad request":               {provider.Status(422), connector.StatusFailure, "422", false},
		"the provider is broken":    {provider.Status(500), connector.StatusFailure, "500 Internal Server Error", true},
		"the provider is away":      {provider.Status(503), connector.StatusFailure, "503", true},
		"compressed by another way": {encoded("br"), connector.ShapeFailure, "gzip is", false},
		"not compressed at all":     {encoded("gzip"), connector.NetworkFailure, "is not", true},
	} {
		server := provider.Generic()
		server.Fill("items", 1, 10)
		server.Then(nil)
		server.Then(slices.Repeat([]provider.Fault{c.fault}, 3)...)
		synctest.Test(t, func(t *testing.T) {
			w, err := walk(t.Context(), open(t, ways(4)["page"], connector.Options{Client: server, Secrets: bearer}))
			f := failure(t, err, c.kind, "page 2", c.says)
			if w.pages != 1 || f.Page != 2 || f.Temporary != c.temporary {
				t.Errorf("%s: after %d pages, on page %d, temporary %v: %s", name, w.pages, f.Page, f.Temporary, f)
			}
			if strings.Contains(f.Msg, "record 5") || strings.Contains(f.Msg, "api.example.com") {
				t.Errorf("%s: %q tells contents or addresses", name, f.Msg)
			}
		})
	}
}

func encoded(coding string) provider.Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ provider.Answer) {
		w.Header().Set("Content-Encoding", coding)
		_, _ = w.Write([]byte(`{"data":[]}`))
	}
}

// What passes by itself is tried again, and the page is there.
func TestPage_WhatPassesIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]provider.Fault{
		"broken once":                         {nil, provider.Status(500)},
		"broken twice":                        {nil, provider.Status(502), provider.Status(503)},
		"cut off twice":                       {nil, provider.Truncated(1, 3), provider.Truncated(2, 3)},
		"limited":                             {nil, provider.Status(429, "Retry-After", "3"), provider.Status(503, "Retry-After", "2"), provider.Status(429)},
		"limited as GitHub does":              {provider.Status(403, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "9")},
		"limited until the next minute":       {provider.Status(429, "Retry-After", "60")},
		"limited, broken, limited and broken": {provider.Status(429), provider.Status(500), provider.Status(429), provider.Status(500)},
	} {
		server := provider.Generic()
		server.Fill("items", 1, 10)
		server.Then(faults...)
		synctest.Test(t, func(t *testing.T) {
			w := mustWalk(t, open(t, ways(4)["page"], connector.Options{Client: server, Secrets: bearer}))
			if !slices.Equal(w.ids(), numbers(1, 10)) || w.requests != len(server.Asked()) {
				t.Errorf("%s: %v in %d requests of %d", name, w.ids(), w.requests, len(server.Asked()))
			}
		})
	}
}

func TestPage_ALongerWaitIsAFailureThatSaysHowLong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault provider.Fault
		after time.Duration
	}{
		"in two minutes":  {provider.Status(429, "Retry-After", "120"), 2 * time.Minute},
		"in an hour":      {provider.Status(503, "Retry-After", "3600"), time.Hour},
		"at a time":       {provider.Status(429, "X-RateLimit-Reset", "946685000"), 200 * time.Second}, // the bubble's clock begins at 946684800
		"HTTP date":       {provider.Status(429, "Retry-After", "Sat, 01 Jan 2000 00:05:00 GMT"), 5 * time.Minute},
		"again and again": {provider.Status(429, "Retry-After", "1"), time.Second},
	} {
		server := provider.Generic()
		server.Then(slices.Repeat([]provider.Fault{c.fault}, 10)...)
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			_, err := open(t, ways(4)["page"], connector.Options{Client: server, Secrets: bearer}).Next(t.Context(), nil)
			f := failure(t, err, connector.RateFailure, "page 1", "the provider answered ", "asks to come again in")
			if f.RetryAfter != c.after || !f.Temporary || time.Since(begun) > 5*time.Second {
				t.Errorf("%s: after %s, temporary %v, told in %s", name, f.RetryAfter, f.Temporary, time.Since(begun))
			}
		})
	}
}

// A provider that says that nothing is left is not asked before it has more: the refusal is never sent.
func TestPage_NothingLeftIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := provider.Generic()
	server.Fill("items", 1, 10)
	server.Then(func(w http.ResponseWriter, r *http.Request, answer provider.Answer) {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", "7")
		answer(w, r)
	})
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		mustWalk(t, open(t, ways(4)["page"], connector.Options{Client: server, Secrets: bearer}))
		if took := time.Since(begun); took < 7*time.Second || took > 8*time.Second {
			t.Errorf("took %s, want 7 s", took)
		}
	})
}

func TestBudget_NoMoreRequestsThanTheSourceMaySend(t *testing.T) {
	t.Parallel()
	server := provider.Generic()
	server.Fill("items", 1, 400)
	server.Limit(10, time.Second) // a provider that would refuse the eleventh
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		w := mustWalk(t, open(t, ways(4)["page"], connector.Options{Client: server, Secrets: bearer}))
		if took := time.Since(begun); w.requests != 101 || took < 10*time.Second || took > 11*time.Second {
			t.Errorf("%d requests in %s, want 101 at ten a second", w.requests, took)
		}
	})
}

func TestBudget_AnHoursRequestsAreShared(t *testing.T) {
	t.Parallel()
	server := provider.Generic()
	server.Fill("items", 1, 400)
	c := ways(4)["page"]
	c.Rate = connector.RateLimit{Requests: 100, Per: connector.Duration(time.Second), Hourly: 30}
	synctest.Test(t, func(t *testing.T) {
		shared := connector.NewSession()
		o := connector.Options{Client: server, Secrets: bearer, Session: shared}
		w, err := walk(t.Context(), open(t, c, o))
		f := failure(t, err, connector.BudgetFailure, "30 requests", "in an hour are used up", "page 31")
		if w.pages != 30 || f.RetryAfter != time.Hour || !f.Temporary {
			t.Errorf("%d pages, again after %s", w.pages, f.RetryAfter)
		}
		if _, err := walk(t.Context(), open(t, c, o)); err == nil {
			t.Error("another stream of the account has a budget of its own")
		}
		time.Sleep(time.Hour)
		if _, err := open(t, c, o).Next(t.Context(), nil); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

func TestWait_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	server := provider.Generic()
	server.Then(provider.Status(429, "Retry-After", "50"))
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begun := time.Now()
		_, err := open(t, ways(4)["page"], connector.Options{Client: server, Secrets: bearer}).Next(ctx, nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 10*time.Second {
			t.Errorf("got %v after %s", err, time.Since(begun))
		}
	})
}

// The guard is egress's. Its refusals are told; nothing was sent.
func TestGuard_ItsRefusalIsAFailureOfItsKind(t *testing.T) {
	t.Parallel()
	reached := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached = true
		_, _ = w.Write([]byte(`{"data":[]}`))
	}))
	defer server.Close()
	client := func(allow ...string) connector.Doer {
		p, err := egress.NewPolicy(egress.Config{AllowTargets: allow})
		if err != nil {
			t.Fatal(err)
		}
		return egress.NewFetchClient(p, connector.MaxFileBytes+1, time.Minute)
	}
	c := generic("", connector.Pagination{})
	c.URL = server.URL + "/?tenant=" + provider.Secret
	_, err := open(t, c, connector.Options{Client: client(), Secrets: bearer}).Next(t.Context(), nil)
	f := failure(t, err, connector.GuardFailure, "refused")
	if reached || f.Temporary {
		t.Errorf("reached %v, temporary %v", reached, f.Temporary)
	}
	if strings.Contains(f.Err.Error(), provider.Secret) {
		t.Errorf("the log would hold the query: %v", f.Err)
	}
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if w := mustWalk(t, open(t, c, connector.Options{Client: client(at.Host), Secrets: bearer})); w.pages != 1 || !reached {
		t.Errorf("%d pages where the guard allows the address", w.pages)
	}
}

func TestNetwork_AFailureIsTriedAgainAndThenTold(t *testing.T) {
	t.Parallel()
	tries := 0
	client := doing(func(*http.Request) (*http.Response, error) {
		tries++
		return nil, &url.Error{Op: "Get", URL: "https://api.example.com/?key=" + provider.Secret, Err: errors.New("connection refused")}
	})
	synctest.Test(t, func(t *testing.T) {
		_, err := open(t, ways(4)["page"], connector.Options{Client: client, Secrets: bearer}).Next(t.Context(), nil)
		f := failure(t, err, connector.NetworkFailure, "no answer came")
		if tries != 3 || !f.Temporary || strings.Contains(f.Err.Error(), provider.Secret) {
			t.Errorf("%d tries, temporary %v, %v", tries, f.Temporary, f.Err)
		}
	})
}

type doing func(*http.Request) (*http.Response, error)

func (d doing) Do(r *http.Request) (*http.Response, error) { return d(r) }
