package crash_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// powerCut lets a life of the server run under load for a while and cuts the power of its disk.
func (h *hunt) powerCut(d *disk, env ...string) {
	h.t.Helper()
	v := h.site.mustStart(env...)
	h.ready = append(h.ready, v.ready)
	before := h.load.stats(h.t)
	h.load.await(h.t, before.Acked+minOffered/2)
	pause(h.t.Context(), rand.N(3*time.Second))
	h.offered += h.load.stats(h.t).Offered - before.Offered
	v.freeze()
	// Every acknowledgement was sent before this moment, so that all the ledger will ever hold of this life must be in the copy.
	h.up += time.Since(v.born) - v.ready
	d.cut(func() { h.kill(v) })
	h.site.data = filepath.Join(d.root, "data")
	pause(h.t.Context(), 100*time.Millisecond) // what the load had read by then reaches its ledger
}

// await waits until so many signals were acknowledged.
func (l *traffic) await(t *testing.T, acked int64) {
	t.Helper()
	if !eventually(t.Context(), 20*time.Second, 20*time.Millisecond, func() bool { return l.stats(t).Acked >= acked }) {
		t.Fatalf("fewer than %d signals were acknowledged within 20 s", acked)
	}
}

// bigSignal is how many bytes a signal carries, so that the log is copied into the database file within seconds: that is synced, too.
const bigSignal = 3000

// newHuntOnDisk is a hunt whose server lives on a disk of its own. Its first life ends in order, so that all of its tables are there.
func newHuntOnDisk(t *testing.T) (*hunt, *disk) {
	t.Helper()
	dir := workDir(t)
	d := newDisk(t, dir)
	h := newHuntAt(t, dir, filepath.Join(d.root, "data"), 1, bigSignal)
	return h, d
}

// TestPowerCut proves acceptance row R2: what was acknowledged is on the disk, not in the kernel's memory. The method is the copy of
// a loop-mounted image at one instant (no device mapper is needed); commits go through ext4 as they would on any disk.
func TestPowerCut(t *testing.T) {
	holdWriteback(t)
	h, d := newHuntOnDisk(t)
	for i := range *cuts {
		h.powerCut(d)
		if i%2 == 1 { // the server finds the copy untouched
			h.site.mustStart().stop()
		}
		if lost := h.check(); len(lost) > 0 {
			t.Fatalf("power cut %d: %d acknowledged signals are gone, the first is %+v", i+1, len(lost), lost[0])
		}
	}
	stats := h.drain()
	sum := h.settle()
	h.report(sum, stats)
}

// controlCuts is how many cuts a program that never syncs may survive unseen.
const controlCuts = 5

// TestPowerCut_ShowsTheLossOfAProgramThatNeverSyncs is the control: with synchronous=OFF the same method must find a loss, or it
// shows nothing.
func TestPowerCut_ShowsTheLossOfAProgramThatNeverSyncs(t *testing.T) {
	holdWriteback(t)
	for i := range controlCuts {
		h, d := newHuntOnDisk(t)
		h.powerCut(d, "SIGNALBOX_FAULTS=store.sync_off=error")
		acks := h.newAcks()
		o, err := openFile(h.site.data)
		if err != nil {
			t.Logf("shown by cut %d: %d signals were acknowledged and the database cannot be read: %v", i+1, len(acks), err)
			return
		}
		lost, err := o.missing(acks)
		if o.close(); err != nil || len(lost) > 0 {
			t.Logf("shown by cut %d: %d of %d acknowledged signals are gone (reading the rest: %v)", i+1, len(lost), len(acks), err)
			return
		}
		h.load.finish(t)
	}
	t.Fatalf("%d power cuts of a program that never syncs lost nothing: the method is void here", controlCuts)
}
