package intake_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"signalbox"
	"signalbox/intake"
	"signalbox/internal/boxtest/intelligence"
	"signalbox/store"
)

// benchmarkSubmit measures signals through the whole of intake and the real store, with so many callers waiting at a time. With the intelligence of package
// intelligence, each has three events and is judged by all of it; without, it has one.
func benchmarkSubmit(b *testing.B, waiters int, defined bool) {
	db, err := store.Open(b.Context(), store.Config{Path: filepath.Join(b.TempDir(), "signalbox.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ids, now := signalbox.NewIDs(0), time.Now().UTC()
	ws := signalbox.WorkspaceID(ids.Next(now))
	if err := db.CreateWorkspace(b.Context(), signalbox.Workspace{ID: ws, Name: "Acme", Timezone: "UTC", CreatedAt: now, UpdatedAt: now}); err != nil {
		b.Fatal(err)
	}
	hook := signalbox.Webhook{ID: signalbox.WebhookID(ids.Next(now)), Workspace: ws, Kind: signalbox.KindPush, URL: "https://example.com", Events: []string{"signal.created"}, Format: signalbox.FormatStairoids, SealedSecret: []byte{1}, MaxInFlight: 8, Enabled: true, CreatedAt: now, UpdatedAt: now}
	if defined {
		hook.Events = []string{"signal.created", "signal.scored", "signal.qualified"}
		list, err := intelligence.Definitions(ws, func() int64 { return int64(ids.Next(now)) })
		if err != nil {
			b.Fatal(err)
		}
		for i := range list {
			put := func(*signalbox.Definitions) (*signalbox.Redefinition, error) {
				return &signalbox.Redefinition{Put: &list[i], Act: "defined"}, nil
			}
			if err := db.Define(b.Context(), ws, now, put); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := db.CreateWebhook(b.Context(), hook); err != nil {
		b.Fatal(err)
	}
	in := intake.New(intake.Config{Store: db, Sender: &sender{}, Waker: &news{}, IDs: ids, Codec: signalbox.NewCodec([16]byte{1}), Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	if _, err := in.Submit(ctx, ws, 0, intelligence.Signal(0, 500)); err != nil { // compiles what is defined
		b.Fatal(err)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	spent := cpu(b)
	b.ResetTimer()
	for range waiters {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if _, err := in.Submit(ctx, ws, 0, intelligence.Signal(int(n), 500)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(cpu(b)-spent)/float64(b.N)/1e3, "cpu-µs/op")
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
	if err := db.Close(); err != nil {
		b.Error(err)
	}
}

// cpu is what this process has spent so far, in nanoseconds.
func cpu(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
