package crash_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDiskFull proves the small-tmpfs part of "Bad input" and acceptance row R4: a full disk costs 503s with Retry-After and
// readiness, no acknowledged signal, no restart, and no reads; when there is room again, signals are taken again.
func TestDiskFull(t *testing.T) {
	const ballast = 20 << 20
	dir := workDir(t)
	m := mount(t, dir, "-t", "tmpfs", "-o", "size=64m", "tmpfs")
	other := filepath.Join(m.root, "other")
	if err := os.WriteFile(other, make([]byte, ballast), 0o600); err != nil {
		t.Fatal(err)
	}
	fillsAndHeals(t, dir, m.root, other, func(*site, string) {})
}

// TestDiskFull_DeliversFromTheReserve is the same on a disk of a usual size, which is large enough for the whole reserve: what is
// stored is still delivered and settled while nothing more is taken in.
func TestDiskFull_DeliversFromTheReserve(t *testing.T) {
	const left = 64<<20 + 80<<20 // the reserve, and what the server fills
	dir := workDir(t)
	d := newDisk(t, dir)
	var fs syscall.Statfs_t
	if err := syscall.Statfs(d.root, &fs); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(d.root, "other")
	if err := do([]string{"fallocate", "-l", strconv.FormatInt(int64(fs.Bavail)*fs.Bsize-left, 10), other}); err != nil {
		t.Fatal(err)
	}
	fillsAndHeals(t, dir, d.root, other, func(s *site, webhook string) {
		if !eventually(t.Context(), 30*time.Second, 50*time.Millisecond, func() bool { return len(s.deliveries(webhook, "pending")) == 0 }) {
			t.Error("what is stored is not delivered while only the reserve is left")
		}
	})
}

// fillsAndHeals runs a server on a file system until it is full, then until its last byte is taken, and then makes room by removing the
// file other. inReserve is called in between.
func fillsAndHeals(t *testing.T, dir, root, other string, inReserve func(s *site, webhook string)) {
	t.Helper()
	s := newSite(t, dir)
	s.data = filepath.Join(root, "data")
	recv := startReceivers(t, dir, 1)
	v := s.mustStart()
	recv.register(s)
	load := startLoad(t, dir, loadConfig{URLs: []string{s.url()}, Workers: killWorkers, Pad: 4000, Batch: 20, Mix: 25})

	unready := turnsUnready(t, s, load)
	reads := readsGoOn(t, s, time.Second)
	inReserve(s, recv.ids[0])
	greedy := fillUp(t, root)
	reads += readsGoOn(t, s, 2*time.Second)
	if s.isReady(t.Context()) {
		t.Error("/readyz is 200 although there is no room at all")
	}
	full := load.stats(t)
	if v.gone() {
		t.Fatalf("the server ended on a full disk: %s", v.outcome())
	}
	if err := errors.Join(os.Remove(other), os.Remove(greedy)); err != nil {
		t.Fatal(err)
	}
	healed := takesSignalsAgain(t, s, load, full.Acked)
	stats := load.finish(t)
	t.Logf("full after %d signals; unready %s after the first refusal was seen; %d reads meanwhile; taking signals %s after there was room",
		full.Acked, round(unready), reads, round(healed))
	t.Logf("%d signals acknowledged; refused: %s", stats.Acked, words(stats.Refused))
	v.stop()
	nothingLost(t, s, load)
}

// turnsUnready waits for the first refusal, and then for /readyz to say so.
func turnsUnready(t *testing.T, s *site, load *traffic) time.Duration {
	t.Helper()
	if !eventually(t.Context(), time.Minute, 20*time.Millisecond, func() bool { return refusals(load.stats(t)) > 0 }) {
		t.Fatalf("nothing was refused within a minute: %+v", load.stats(t))
	}
	refused := time.Now()
	if !eventually(t.Context(), time.Second, 5*time.Millisecond, func() bool { return !s.isReady(t.Context()) }) {
		t.Error("/readyz is 200 for a second after the first refusal")
	}
	return time.Since(refused)
}

// fillUp takes the last byte of a file system.
func fillUp(t *testing.T, dir string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "greedy")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return path
}

// takesSignalsAgain waits until the server has healed by itself.
func takesSignalsAgain(t *testing.T, s *site, load *traffic, acked int64) time.Duration {
	t.Helper()
	room := time.Now()
	if !eventually(t.Context(), 5*time.Second, 5*time.Millisecond, func() bool {
		return s.isReady(t.Context()) && load.stats(t).Acked > acked+100
	}) {
		t.Errorf("5 s after there was room again, signals are not taken: %+v", load.stats(t))
	}
	return time.Since(room)
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
	o, err := openFile(s.data)
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
