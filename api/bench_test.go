package api_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/api"
)

// anyKey lets everybody in.
type anyKey struct{}

func (anyKey) Authenticate(context.Context, string, time.Time) (signalbox.APIKey, error) {
	return signalbox.APIKey{ID: 1, Workspace: 1, Scope: signalbox.ScopeIngest}, nil
}
func (anyKey) Forget() {}

// sink is a ResponseWriter that keeps nothing.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkCreateSignal is what the door of signals costs by itself: no network, no database, a key that is known.
func BenchmarkCreateSignal(b *testing.B) {
	receipt := signalbox.Receipt{ID: 1 << 40, Type: "product_trial_started", Source: "internal_app", Account: 2 << 40, Contact: 3 << 40, CreatedAt: time.Now()}
	doors := api.New(api.Config{
		Keys: anyKey{}, Signals: moody{submit: func() (signalbox.Receipt, error) { return receipt, nil }},
		Codec: signalbox.NewCodec([16]byte{1}), IDs: signalbox.NewIDs(0), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	body := strings.NewReader(trial)
	r, err := http.NewRequestWithContext(b.Context(), "POST", "/v1/signals", io.NopCloser(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer sk_live_"+strings.Repeat("x", 36))
	r.Header.Set("Content-Type", "application/json")
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		body.Reset(trial)
		doors.ServeHTTP(w, r)
	}
	if w.status != http.StatusCreated {
		b.Fatalf("status %d", w.status)
	}
}
