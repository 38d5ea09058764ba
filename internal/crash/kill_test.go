package crash_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The load of the kills: connections, new signals per second.
const (
	killWorkers = 64
	killRate    = 800
)

// newHunt starts receivers, registers their webhooks on a first life of the server, and lets the load begin.
func newHunt(t *testing.T, webhooks int, env ...string) *hunt {
	t.Helper()
	dir := workDir(t)
	return newHuntAt(t, dir, filepath.Join(dir, "data"), webhooks, 100, env...)
}

// newHuntAt keeps its ledgers in dir and the server's data elsewhere; pad is how many bytes each signal carries.
func newHuntAt(t *testing.T, dir, data string, webhooks, pad int, env ...string) *hunt {
	t.Helper()
	h := &hunt{trial: trial{t: t, recv: startReceivers(t, dir, webhooks), begun: time.Now()}, site: newSite(t, dir)}
	h.site.data = data
	v := h.site.mustStart(env...)
	h.recv.register(h.site)
	h.load = startLoad(t, dir, loadConfig{URLs: []string{h.site.url()}, Workers: killWorkers, Rate: killRate, Pad: pad, Batch: 20, Mix: 25})
	h.acks.path = h.load.book
	h.kill(v)
	return h
}

// cycle is one kill to come: at a random moment, or at a passage of a fault point.
type cycle struct {
	point   string // "": random
	passage int
}

// plan shuffles the kills: so many at random, and each point several times, first at its first passage.
func plan(random int, points []string) []cycle {
	rounds := max(2, random/40)
	list := make([]cycle, random, random+rounds*len(points))
	for _, p := range points {
		list = append(list, cycle{p, 1})
		for range rounds - 1 {
			list = append(list, cycle{p, 2 + rand.IntN(60)})
		}
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// Most lives of a short run are short, so that it fits into the time that all tests have.
func span() time.Duration {
	u := rand.Float64()
	if *kills < 200 {
		u *= u
	}
	return time.Duration(u * float64(3*time.Second))
}

// pointWithin is how long a life waits for the passage that kills it.
const pointWithin = 3 * time.Second

// TestKill proves design's "a crash anywhere leaves nothing or everything" with SIGKILL, and acceptance row R1: what was acknowledged is stored, what is stored was
// delivered or visibly is not yet, what came twice was in flight, one signal for each idempotency key.
func TestKill(t *testing.T) {
	points := faultPoints(t)
	h := newHunt(t, 3)
	reached := filepath.Join(filepath.Dir(h.site.log), "reached")
	quiet := []string{} // points that no life under load passed
	for i, c := range plan(*kills, points) {
		env := []string{"SIGNALBOX_FAULTS_REACHED=" + reached}
		wait := span()
		if c.point != "" {
			env = append(env, fmt.Sprintf("SIGNALBOX_FAULTS=%s=kill@%d", c.point, c.passage))
			wait = pointWithin
		}
		if h.live(wait, env...) == killedByUs && c.point != "" && c.passage == 1 {
			quiet = append(quiet, c.point)
		}
		// Half of the time the next life finds exactly what the kill left; checks are never the most of a run.
		if i%2 == 0 && h.checked < time.Since(h.begun)/4 {
			if lost := h.check(); len(lost) > 0 {
				t.Fatalf("after kill %d: %d acknowledged signals are not stored, the first is %+v", len(h.outages), len(lost), lost[0])
			}
		}
	}
	killAtFirstStart(t, quiet)
	stats := h.drain()
	sum := h.settle()
	h.report(sum, stats)
	t.Logf("%d fault points, %d of them passed only at the first start: %s", len(points), len(quiet), strings.Join(quiet, ", "))
	passedAll(t, reached, points, quiet)
}

// killAtFirstStart kills at points that only the start on an empty directory passes, and expects the next start to work.
func killAtFirstStart(t *testing.T, points []string) {
	t.Helper()
	for _, p := range points {
		s := newSite(t, workDir(t))
		v := s.start("SIGNALBOX_FAULTS=" + p + "=kill")
		if v.awaitReady(pointWithin) || !v.gone() {
			t.Errorf("fault point %s was never reached", p)
			v.kill()
			continue
		}
		s.mustStart().stop()
		o, err := openFile(s.data)
		if err != nil {
			t.Errorf("after a kill at %s: %v", p, err)
			continue
		}
		if _, err := o.check(); err != nil {
			t.Errorf("after a kill at %s: %v", p, err)
		}
		o.close()
	}
}

// passedAll holds the program's own notes against the points: a harness that never reached one shows nothing for it.
func passedAll(t *testing.T, reached string, points, quiet []string) {
	t.Helper()
	text, err := os.ReadFile(reached)
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Fields(string(text))
	for _, p := range points {
		if !slices.Contains(notes, p) && !slices.Contains(quiet, p) {
			t.Errorf("fault point %s was never reached", p)
		}
	}
}

// boundedKills is how many kills a wrong program may survive unseen.
const boundedKills = 20

// TestKill_CatchesAcknowledgingBeforeTheCommit runs a program that answers 201 before the commit. The checks of TestKill must find
// the loss within a few kills: a harness that cannot fail shows nothing.
func TestKill_CatchesAcknowledgingBeforeTheCommit(t *testing.T) {
	// The disk is made a little slow, so that few kills are needed.
	const wrong = "SIGNALBOX_FAULTS=intake.ack_before_commit=error;store.before_commit=sleep:20ms"
	h := newHunt(t, 1, wrong)
	for range boundedKills {
		h.live(400*time.Millisecond+rand.N(600*time.Millisecond), wrong)
		pause(t.Context(), 100*time.Millisecond) // what the load had read by then reaches its ledger
		if lost := h.check(); len(lost) > 0 {
			t.Logf("caught after %d kills: %d signals lost", len(h.outages), len(lost))
			return
		}
	}
	t.Fatalf("%d kills of a program that acknowledges before the commit, and no loss was found", boundedKills)
}
