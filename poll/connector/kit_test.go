package connector_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"signalbox"
	"signalbox/internal/boxtest/provider"
	"signalbox/poll/connector"
)

// walked is what a whole walk brought.
type walked struct {
	records  []connector.Record
	pages    int
	requests int
	total    int // of the last page
}

func (w walked) ids() []string {
	var ids []string
	for _, r := range w.records {
		ids = append(ids, r.ID)
	}
	return ids
}

// walk fetches every page; each checkpoint goes through memory of its own, as through a database.
func walk(ctx context.Context, s connector.Source) (w walked, err error) {
	var at connector.Checkpoint
	for {
		page, err := s.Next(ctx, slices.Clone(at))
		w.requests += page.Requests
		if err != nil {
			return w, err
		}
		w.records = append(w.records, page.Records...)
		w.total = page.Total
		w.pages++
		if page.Last {
			if page.Next != nil {
				return w, errors.New("the last page has a checkpoint")
			}
			return w, nil
		}
		if len(page.Next) == 0 || len(page.Next) > connector.MaxCheckpoint {
			return w, errors.New("a page that is not the last has no checkpoint, or too long a one")
		}
		at = page.Next
	}
}

func mustWalk(t testing.TB, s connector.Source) walked {
	t.Helper()
	w, err := walk(t.Context(), s)
	if err != nil {
		t.Fatalf("after %d pages: %v", w.pages, err)
	}
	return w
}

func open(t testing.TB, c connector.Config, o connector.Options) connector.Source {
	t.Helper()
	s, err := connector.Open(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// generic is the imitated API with ways of paging, behind a bearer token.
func generic(path string, p connector.Pagination) connector.Config {
	return connector.Config{Type: connector.TypeHTTP, URL: "https://api.example.com/" + path, Records: "data", ID: "id", Pagination: p,
		Auth: connector.Auth{Type: connector.AuthBearer}}
}

var bearer = connector.Secrets{"token": provider.Secret}

// definition is a shipped one.
func definition(t testing.TB, name string) *connector.Definition {
	t.Helper()
	all, err := connector.Definitions("")
	if err != nil {
		t.Fatal(err)
	}
	d := all[name]
	if d == nil {
		t.Fatalf("there is no definition %s", name)
	}
	return d
}

// product opens a stream of a shipped definition on an imitated product.
func product(t testing.TB, server *provider.Server, name, stream, auth string, settings map[string]string, secrets connector.Secrets) connector.Source {
	t.Helper()
	c, err := definition(t, name).Config(stream, settings, auth)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, c, connector.Options{Client: server, Secrets: secrets})
}

// failure is the *Failure of an error, of a kind.
func failure(t testing.TB, err error, kind connector.Kind, words ...string) *connector.Failure {
	t.Helper()
	var f *connector.Failure
	if !errors.As(err, &f) || f.Kind != kind {
		t.Fatalf("got %v, want a failure of the kind %s", err, kind)
	}
	for _, word := range words {
		if !strings.Contains(f.Error(), word) {
			t.Errorf("%q does not say %q", f.Error(), word)
		}
	}
	if strings.Contains(f.Error(), provider.Secret) {
		t.Errorf("%q tells the secret", f.Error())
	}
	return f
}

// invalid is a validation error about a field.
func invalid(t testing.TB, err error, param string, words ...string) {
	t.Helper()
	var e *signalbox.Error
	if !errors.As(err, &e) || e.Code != signalbox.Invalid {
		t.Errorf("got %v, want a validation error about %s", err, param)
		return
	}
	if e.Param != param {
		t.Errorf("the error is about %q, want %q: %s", e.Param, param, e.Msg)
	}
	for _, word := range words {
		if !strings.Contains(e.Msg, word) {
			t.Errorf("%s: %q does not say %q", param, e.Msg, word)
		}
	}
}

// numbers are ids, counted up.
func numbers(from, to int) []string {
	var list []string
	for ; from <= to; from++ {
		list = append(list, strconv.Itoa(from))
	}
	return list
}

// doer answers requests with a JSON text.
type doer func(*http.Request) string

func (d doer) Do(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(d(r))), ContentLength: -1}, nil
}

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}
