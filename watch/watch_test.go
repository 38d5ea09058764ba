package watch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbox"
	"signalbox/internal/boxtest/storesuite"
	"signalbox/store"
	"signalbox/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const everything = signalbox.LiveSignals | signalbox.LiveDeliveries | signalbox.LiveLogs

// box is a hub on a real database.
type box struct {
	*storesuite.Box
	hub   *watch.Hub
	asked *asked
}

// asked counts what the hub asks of the database.
type asked struct {
	*store.DB
	reads atomic.Int64
}

func (a *asked) NewerSignals(ctx context.Context, ws signalbox.WorkspaceID, after int64, limit int) ([]signalbox.SignalView, int64, bool, error) {
	a.reads.Add(1)
	return a.DB.NewerSignals(ctx, ws, after, limit)
}

func newBox(t *testing.T) *box {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "box.db")})
	if err != nil {
		t.Fatal(err)
	}
	b := &box{Box: storesuite.NewBox(t, db, storesuite.Start), asked: &asked{DB: db}}
	b.hub = watch.New(watch.Config{Store: b.asked, Now: func() time.Time { return storesuite.Start }, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- b.hub.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// watch begins a view.
func (b *box) watch(topics signalbox.LiveTopics, after int64) *watch.View {
	b.Helper()
	v, err := b.hub.Watch(b.Context(), b.WS, topics, after)
	b.Must(err)
	b.Cleanup(v.Close)
	return v
}

// signals waits until a view has shown as many signals, or lost them, and answers those shown and how many were lost.
func (b *box) signals(v *watch.View, n int) (ids []signalbox.SignalID, lost int) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	for len(ids)+lost < n {
		events, stats, err := v.Next(ctx)
		if err != nil {
			b.Fatalf("%d signals, %d lost, then %v; want %d", len(ids), lost, err, n)
		}
		for _, e := range events {
			if e.Signal != nil {
				ids = append(ids, e.Signal.ID)
			}
		}
		if stats != nil {
			lost = stats.Dropped
		}
	}
	return ids, lost
}

func TestHub_AsksNothingWhileNobodyWatches(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for range 100 {
		b.Send(storesuite.Sent{})
		b.hub.Committed()
		b.hub.Logged()
		b.hub.Settled(make([]signalbox.Settlement, 10), make([]bool, 10))
	}
	v := b.watch(everything, 0)
	b.Send(storesuite.Sent{})
	b.hub.Committed()
	b.signals(v, 1)
	v.Close()
	looked := b.asked.reads.Load()
	b.hub.Committed()
	if looked > 10 || b.asked.reads.Load() > looked+1 {
		t.Errorf("it looked %d times, %d afterwards", looked, b.asked.reads.Load()-looked)
	}
}

func TestView_SignalsComeInOrderEachOnce(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	v := b.watch(signalbox.LiveSignals, 0)
	var want []signalbox.SignalID
	for range 150 {
		want = append(want, b.Send(storesuite.Sent{})[0].Signal)
		b.hub.Committed()
	}
	got, lost := b.signals(v, len(want))
	if fmt.Sprint(got) != fmt.Sprint(want) || lost != 0 {
		t.Errorf("shown %v, lost %d, want %v", got, lost, want)
	}
}

// A view that is not read loses its oldest events and is told how many; another one beside it loses none.
func TestView_ThatIsNotReadLosesItsOldest(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	slow, quick := b.watch(signalbox.LiveSignals, 0), b.watch(signalbox.LiveSignals, 0)
	var want []signalbox.SignalID
	for range 10 {
		for _, c := range b.Send(make([]storesuite.Sent, 100)...) {
			want = append(want, c.Signal)
		}
		b.hub.Committed()
		got, lost := b.signals(quick, 100)
		if len(got) != 100 || lost != 0 || got[99] != want[len(want)-1] {
			t.Fatalf("the quick one was shown %d and lost %d", len(got), lost)
		}
	}
	got, lost := b.signals(slow, len(want))
	if len(got) != watch.Ring || lost != len(want)-watch.Ring || got[watch.Ring-1] != want[len(want)-1] || got[0] != want[lost] {
		t.Errorf("shown %d, lost %d of %d", len(got), lost, len(want))
	}
}

// What comes faster than anybody reads is counted, and the latest of it is shown.
func TestView_ABurstShowsItsEndAndCountsTheRest(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	other := b.NewWorkspace("other")
	v := b.watch(signalbox.LiveSignals, 0)
	own := b.WS
	b.WS = other
	b.Send(make([]storesuite.Sent, 2000)...) // nobody's: it costs the view nothing
	b.WS = own
	sent := b.Send(make([]storesuite.Sent, 2000)...)
	b.hub.Committed()
	got, lost := b.signals(v, 2000)
	if len(got)+lost != 2000 || lost < 1000 || got[len(got)-1] != sent[1999].Signal {
		t.Errorf("shown %d, lost %d, the last %d of %d", len(got), lost, got[len(got)-1], sent[1999].Signal)
	}
}

func TestView_GoesOnFromWhatTheClientHasSeen(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	sent := b.Send(make([]storesuite.Sent, 50)...)
	v := b.watch(signalbox.LiveSignals, int64(sent[9].Signal))
	last := b.Send(storesuite.Sent{})[0].Signal
	b.hub.Committed()
	got, lost := b.signals(v, 41)
	if got[0] != sent[10].Signal || got[40] != last || lost != 0 {
		t.Errorf("shown %v", got)
	}
	far := b.watch(signalbox.LiveSignals, 1)
	if got, lost := b.signals(far, 51); len(got) != 51 || lost != 0 {
		t.Errorf("from the very first: %d, lost %d", len(got), lost)
	}
}

func TestView_ShowsADeliveryEachTimeItChanges(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	w := b.NewWebhook()
	v := b.watch(signalbox.LiveDeliveries, 0)
	b.Send(storesuite.Sent{To: []signalbox.Webhook{w}})
	b.hub.Committed()
	next := func() signalbox.DeliveryState {
		ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
		defer cancel()
		for {
			events, _, err := v.Next(ctx)
			b.Must(err)
			if len(events) > 0 {
				return events[0].Delivery.State
			}
		}
	}
	if got := next(); got != signalbox.Pending {
		t.Errorf("it is %s, want pending", got)
	}
	for _, step := range []struct {
		state  signalbox.DeliveryState
		status int
	}{{signalbox.Retrying, 500}, {signalbox.Delivered, 200}} {
		r := b.Claim(w.ID, 1).Ready[0]
		due := time.Time{}
		if step.state.Open() {
			due = b.Now
		}
		b.Settle(r, step.state, "", due, step.status, "")
		for range 3 { // told more than once, shown once
			b.hub.Settled([]signalbox.Settlement{{Workspace: b.WS, Delivery: r.ID}}, []bool{true})
		}
		if got := next(); got != step.state {
			t.Errorf("it is %s, want %s", got, step.state)
		}
	}
}

func TestView_ShowsRowsOfTheLogOnceHoweverLateTheyAreStored(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	v := b.watch(signalbox.LiveLogs, 0)
	row := func() signalbox.LogRow {
		return signalbox.LogRow{ID: b.ID(), Workspace: b.WS, Request: 1, At: b.Now, Outcome: signalbox.LogRefused, Status: 400, Count: 1}
	}
	late, first := row(), row()
	var got []int64
	for i, l := range []signalbox.LogRow{first, late} {
		b.Must(b.DB.InsertLogs(b.Context(), []signalbox.LogRow{l}))
		b.hub.Logged()
		for len(got) == i {
			events, _, err := v.Next(b.Context())
			b.Must(err)
			for _, e := range events {
				got = append(got, e.Log.ID)
			}
		}
	}
	if fmt.Sprint(got) != fmt.Sprint([]int64{first.ID, late.ID}) {
		t.Errorf("shown %v, want %d and %d", got, first.ID, late.ID)
	}
}

func TestView_EndsWithTheHub(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	hub := watch.New(watch.Config{Store: b.DB, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- hub.Run(ctx) }()
	v, err := hub.Watch(t.Context(), b.WS, everything, 0)
	b.Must(err)
	cancel()
	b.Must(<-done)
	for err == nil {
		_, _, err = v.Next(t.Context())
	}
	if !errors.Is(err, watch.ErrEnded) {
		t.Errorf("error %v", err)
	}
	if v, err = hub.Watch(t.Context(), b.WS, everything, 0); err == nil {
		_, _, err = v.Next(t.Context())
	}
	if !errors.Is(err, watch.ErrEnded) {
		t.Errorf("begun afterwards: %v", err)
	}
}

// BenchmarkCommitted is what a turn pays while nobody watches, and while somebody does.
func BenchmarkCommitted(b *testing.B) {
	hub := watch.New(watch.Config{Log: slog.New(slog.DiscardHandler)})
	for b.Loop() {
		hub.Committed()
	}
}
