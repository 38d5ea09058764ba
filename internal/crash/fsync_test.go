package crash_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// goodSyncs is how many syncs each thread of the server may make before they fail. strace counts by thread: when the first one fails,
// others would still succeed, which is just how a kernel lies that dropped the pages.
const goodSyncs = 150

// TestFsyncFails proves acceptance row R3's "after any fsync error" on the real program and kernel: from the first failed sync on
// nothing is acknowledged, the server is unready within a second and ends with an error, and the next start has all that was acknowledged.
func TestFsyncFails(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace (Debian package strace) makes fsync fail: ", err)
	}
	dir := workDir(t)
	s := newSite(t, dir)
	trace := filepath.Join(dir, "trace")
	s.wrap = []string{strace, "-f", "--seccomp-bpf", "-qq", "-y", "-ttt", "-o", trace, "-e", "trace=fsync,fdatasync",
		"-e", fmt.Sprintf("inject=fsync,fdatasync:error=EIO:when=%d+", goodSyncs)}
	recv := startReceivers(t, dir, 1)
	v := s.mustStart()
	recv.register(s)
	load := startLoad(t, dir, loadConfig{URLs: []string{s.url()}, Workers: killWorkers, Rate: killRate, Pad: 100, Batch: 20, Mix: 25})
	lastReady := watchReady(t, v)
	select {
	case <-v.ended:
	case <-time.After(time.Minute):
		t.Fatal("the server still runs a minute later")
	}
	stats := load.finish(t)
	failed, late := readTrace(t, trace)
	if code := v.cmd.ProcessState.ExitCode(); code <= 0 {
		t.Errorf("the server ended with %s, want an exit code that is not 0", v.outcome())
	}
	if after := lastReady().Sub(failed); after > time.Second {
		t.Errorf("/readyz said 200 for %s after the first failed sync, want 1 s at most", after)
	}
	if late > 0 {
		t.Errorf("%d syncs of the database were begun more than %s after one had failed: none may be tried again", late, syncsEnd)
	}
	answeredBefore(t, load, failed)
	t.Logf("%d signals acknowledged; unready %s and gone %s after the first failed sync (%s)",
		stats.Acked, round(max(0, lastReady().Sub(failed))), round(v.died.Sub(failed)), v.outcome())
	s.wrap = nil
	s.mustStart().stop()
	nothingLost(t, s, load)
}

// watchReady asks for readiness until the server ends, and tells when the last yes came.
func watchReady(t *testing.T, v *server) (last func() time.Time) {
	var mu sync.Mutex
	var at time.Time
	ctx, cancel := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	asking.Go(func() {
		for ctx.Err() == nil && !v.gone() {
			asked := time.Now()
			if v.site.isReady(ctx) {
				mu.Lock()
				at = asked
				mu.Unlock()
			}
			pause(ctx, 5*time.Millisecond)
		}
	})
	t.Cleanup(func() { cancel(); asking.Wait() })
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return at
	}
}

// syncsEnd is how long after a failed sync another one may still begin that had been decided on before.
const syncsEnd = 100 * time.Millisecond

// readTrace finds the first failed sync, and how many syncs of the database began later.
func readTrace(t *testing.T, path string) (failed time.Time, late int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		seconds, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			continue
		}
		at := time.UnixMicro(int64(seconds * 1e6))
		switch {
		case failed.IsZero() && strings.Contains(line, "(INJECTED)"):
			failed = at
		case !failed.IsZero() && at.Sub(failed) > syncsEnd && strings.Contains(line, "signalbox.db") && !strings.Contains(line, "resumed"):
			late++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if failed.IsZero() {
		t.Fatalf("no sync was made to fail; the server's log ends with:\n%s", endOf(path))
	}
	return failed, late
}

// answeredBefore checks that no request that began after the failed sync was acknowledged, and none at all much later.
func answeredBefore(t *testing.T, load *traffic, failed time.Time) {
	t.Helper()
	acks, err := readLedger(load.book, parseAck)
	if err != nil {
		t.Fatal(err)
	}
	if len(acks) < minOffered {
		t.Errorf("only %d signals were acknowledged before: that shows little", len(acks))
	}
	wrong := 0
	for _, a := range acks {
		if a.Sent > failed.UnixNano() || a.At > failed.Add(syncsEnd).UnixNano() {
			if wrong++; wrong == 1 {
				t.Errorf("acknowledged after a sync had failed at %d: %+v", failed.UnixNano(), a)
			}
		}
	}
	if wrong > 1 {
		t.Errorf("and %d more", wrong-1)
	}
}
