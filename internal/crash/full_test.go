package crash_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The file system that fills up, and how much of it something else takes first and gives back later.
const (
	fullSize = "64m"
	ballast  = 20 << 20
)

// TestDiskFull proves the small-tmpfs part of "Bad input" and acceptance row R4: a full disk costs 503s with Retry-After and
// readiness, no acknowledged signal, no restart, and no reads; when there is room again, signals are taken again.
func TestDiskFull(t *testing.T) {
	dir := workDir(t)
	m := mount(t, dir, "-t", "tmpfs", "-o", "size="+fullSize, "tmpfs")
	other := filepath.Join(m.root, "other")
	if err := os.WriteFile(other, make([]byte, ballast), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, dir)
	s.data = filepath.Join(m.root, "data")
	recv := startReceivers(t, dir, 1)
	v := s.mustStart()
	recv.register(s)
	load := startLoad(t, dir, loadConfig{URL: s.url(), Workers: killWorkers, Pad: 4000, Batch: 20, Mix: 25})

	if !eventually(t.Context(), time.Minute, 20*time.Millisecond, func() bool { return refusals(load.stats(t)) > 0 }) {
		t.Fatalf("nothing was refused within a minute: %+v", load.stats(t))
	}
	filled := time.Now()
	if !eventually(t.Context(), 2*time.Second, 5*time.Millisecond, func() bool { return !s.isReady(t.Context()) }) {
		t.Error("/readyz is 200 for 2 s after the first refusal")
	}
	unready := time.Since(filled)
	reads := readsGoOn(t, s, 2*time.Second)
	before := load.stats(t)
	if v.gone() {
		t.Fatalf("the server ended on a full disk: %s", v.outcome())
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	room := time.Now()
	if !eventually(t.Context(), 5*time.Second, 5*time.Millisecond, func() bool {
		return s.isReady(t.Context()) && load.stats(t).Acked > before.Acked+100
	}) {
		t.Errorf("5 s after there was room again, signals are not taken: %+v", load.stats(t))
	}
	healed := time.Since(room)
	stats := load.finish(t)
	t.Logf("full after %d signals; unready %s after the first refusal was seen; %d reads meanwhile; taking signals %s after there was room",
		before.Acked, round(unready), reads, round(healed))
	t.Logf("%d signals acknowledged; refused: %s", stats.Acked, words(stats.Refused))
	v.stop()
	nothingLost(t, s, load)
}

// refusals counts what was answered 503.
func refusals(s loadStats) (n int) {
	for what, count := range s.Refused {
		if strings.HasPrefix(what, "503") || what == "item failed" {
			n += count
		}
	}
	return n
}

// readsGoOn reads for a while, and fails on anything but an answer.
func readsGoOn(t *testing.T, s *site, span time.Duration) (reads int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	for ; ctx.Err() == nil; reads++ {
		s.mustCall(http.StatusOK, http.MethodGet, "/v1/signals?limit=5", nil, nil)
		s.mustCall(http.StatusOK, http.MethodGet, "/healthz", nil, nil)
		pause(ctx, 10*time.Millisecond)
	}
	return reads
}

// nothingLost checks a stopped server's file, and that all that was ever acknowledged is in it.
func nothingLost(t *testing.T, s *site, load *traffic) {
	t.Helper()
	o, err := openOracle(s.data)
	if err != nil {
		t.Fatal(err)
	}
	defer o.close()
	if _, err := o.check(); err != nil {
		t.Error(err)
	}
	acks, err := readLedger(load.book, parseAck)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := o.missing(acks)
	if err != nil {
		t.Fatal(err)
	}
	if len(lost) > 0 {
		t.Errorf("%d of %d acknowledged signals are not stored, the first is %+v", len(lost), len(acks), lost[0])
	}
}
