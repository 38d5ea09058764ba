package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"signalbox"
	"signalbox/api"
	"signalbox/identity"
)

// reader is a key that may read.
type reader struct{ anyKey }

func (reader) Authenticate(context.Context, string, time.Time) (signalbox.APIKey, error) {
	return signalbox.APIKey{ID: 1, Workspace: 1, Scope: signalbox.ScopeRead}, nil
}

// vacant is a store with nothing in it.
type vacant struct{ api.Store }

func (vacant) Workspace(context.Context, signalbox.WorkspaceID) (signalbox.Workspace, error) {
	return signalbox.Workspace{ID: 1}, nil
}

func (vacant) FindRecord(context.Context, signalbox.RecordKey) (signalbox.EntityID, bool, error) {
	return 1, true, nil
}

func (vacant) Signals(context.Context, signalbox.WorkspaceID, signalbox.SignalFilter, signalbox.Page) ([]signalbox.SignalView, signalbox.Place, error) {
	return nil, signalbox.Place{Before: 7, Beside: "8,9"}, nil
}

// FuzzQuery: whatever stands in a query, the answer is a page or a refusal that names what is wrong, and never a fault of ours.
func FuzzQuery(f *testing.F) {
	doors := api.New(api.Config{
		Keys: reader{}, Store: vacant{}, Codec: signalbox.NewCodec([16]byte{1}), IDs: signalbox.NewIDs(0), Log: slog.New(slog.DiscardHandler),
		NormalizeDomain: identity.Domain,
		NormalizeEmail:  func(raw string) (string, error) { _, match, _, err := identity.Email(raw); return match, err },
	})
	for _, query := range []string{
		"", "limit=1", "limit=-1", "cursor=x", "type=a&from=2024-01-02T00:00:00Z", "account_domain=acme.com&contact_email=a@b.com", "%zz", "a;b", "limit=1&limit=2",
		"cursor=0000000000000000000000000", "to=9999-99-99", "\x00", "account_domain=%ff",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := &http.Request{Method: "GET", URL: &url.URL{Path: "/v1/signals", RawQuery: query}, Header: http.Header{"Authorization": {"Bearer x"}}}
		w := httptest.NewRecorder()
		doors.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q: %d %s", query, w.Code, w.Body)
		}
	})
}

// FuzzContentType: whatever a body says it is, it is taken as JSON or refused with 415.
func FuzzContentType(f *testing.F) {
	doors := api.New(api.Config{
		Keys: anyKey{}, Signals: moody{submit: func() (signalbox.Receipt, error) { return signalbox.Receipt{ID: 1}, nil }},
		Codec: signalbox.NewCodec([16]byte{1}), IDs: signalbox.NewIDs(0), Log: slog.New(slog.DiscardHandler),
	})
	for _, kind := range []string{"", "application/json", "application/json; charset=utf-8", "text/plain", "application/json;;", "*/*", "application/json; charset"} {
		f.Add(kind)
	}
	f.Fuzz(func(t *testing.T, kind string) {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/signals", http.NoBody)
		r.Header = http.Header{"Authorization": {"Bearer x"}, "Content-Type": {kind}}
		w := httptest.NewRecorder()
		doors.ServeHTTP(w, r)
		if w.Code != http.StatusUnsupportedMediaType && w.Code != http.StatusBadRequest || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q: %d %s", kind, w.Code, w.Body)
		}
	})
}
