package crash_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/retry"
)

// shifts is how far the clocks of two nodes are off.
var shifts = []string{"1h", "-1h"}

// TestNodes_WrongClocks proves acceptance row R7's clocks: one node believes that it is an hour later, the other one that it is an hour earlier.
// Nothing is different from the world in which both are right: ids grow, retries come when they are due, and receivers accept every
// signature, whose time they compare with their own.
func TestNodes_WrongClocks(t *testing.T) {
	c := newCluster(t, form{nodes: len(shifts), setup: func(n int, s *site) {
		s.env = []string{"SIGNALBOX_FAULTS=clock=shift:" + shifts[n], "SIGNALBOX_FAULTS_REACHED=" + filepath.Join(s.data, "..", "reached")}
	}})
	c.warm()
	c.steady(8 * time.Second)
	for n, s := range c.nodes {
		if text, err := os.ReadFile(filepath.Join(s.data, "..", "reached")); err != nil || !slices.Contains(strings.Fields(string(text)), "clock") {
			t.Errorf("node %d never asked for its wrong clock: %v", n, err)
		}
	}
	c.load.finish(t)
	// The one that is late is alone with the retries: nobody's haste makes up for it.
	c.lives[0].stop()
	c.recv.calmDown(t)
	c.awaitRetries()
	st := c.finish(atOnce)
	c.retriesWereDue()
	c.idsGrew(st)
}

// firstRetry is when the first retry comes at the earliest and, with all its jitter, at the latest.
func firstRetry() (earliest, latest time.Duration) {
	wait := retry.Stairoids()[0]
	return wait, wait + time.Duration(float64(wait)*retry.Spread)
}

// awaitRetries waits until everything that failed once was tried again.
func (c *cluster) awaitRetries() {
	c.t.Helper()
	_, latest := firstRetry()
	const once = "SELECT count(*) FROM deliveries WHERE done_at IS NULL AND attempts = 1"
	if c.count(once) == 0 {
		c.t.Error("nothing waits for a retry: this shows nothing")
	}
	if !eventually(c.t.Context(), latest+20*time.Second, 100*time.Millisecond, func() bool { return c.count(once) == 0 }) {
		c.t.Errorf("%d deliveries still wait for their first retry %s after it was due", c.count(once), 20*time.Second)
	}
}

// retryLate is how long after it is due a retry may arrive.
const retryLate = 3 * time.Second

// retriesWereDue checks when deliveries came again that were answered 500.
func (c *cluster) retriesWereDue() {
	c.t.Helper()
	arrivals, err := readLedger(c.recv.book, parseArrival)
	if err != nil {
		c.t.Fatal(err)
	}
	slices.SortFunc(arrivals, func(a, b arrival) int { return int(a.At - b.At) })
	earliest, latest := firstRetry()
	refused := map[deliveryKey]int64{}
	seen := 0
	for _, a := range arrivals {
		k := deliveryKey{a.Hook, a.Event}
		if at, ok := refused[k]; ok {
			if waited := time.Duration(a.At - at); waited < earliest || waited > latest+retryLate {
				c.t.Errorf("a delivery that was refused came again after %s, want %s to %s", round(waited), earliest, latest)
			}
			delete(refused, k)
			seen++
			continue
		}
		if a.Answer == http.StatusInternalServerError {
			refused[k] = a.At
		}
	}
	c.t.Logf("%d retries came when they were due", seen)
	if seen == 0 {
		c.t.Error("no retry was seen: this shows nothing")
	}
}

// idLate is how far an id's time may be from that of its acknowledgement.
const idLate = 3 * time.Second

// idsGrew checks that signals which were sent one after the other have ids that grow, and that ids tell the true time.
func (c *cluster) idsGrew(st *snapshot) {
	c.t.Helper()
	acks, err := readLedger(c.load.book, parseAck)
	if err != nil {
		c.t.Fatal(err)
	}
	ids := make(map[string]int64, len(acks))
	for _, a := range acks {
		id, _ := c.eyes.codec.Parse(signalbox.KindSignal, a.ID)
		ids[a.ID] = id
		if off := time.Unix(0, a.At).Sub(signalbox.IDTime(signalbox.SignalID(id))); off.Abs() > idLate && !st.signals[a.ID].Keyed {
			c.t.Fatalf("signal %s says that it was made %s before its answer", a.ID, off)
		}
	}
	bySent, byAnswer := slices.Clone(acks), acks
	slices.SortFunc(bySent, func(a, b ack) int { return int(a.Sent - b.Sent) })
	slices.SortFunc(byAnswer, func(a, b ack) int { return int(a.At - b.At) })
	var highest int64
	answered, compared := 0, 0
	for _, b := range bySent {
		for ; answered < len(byAnswer) && byAnswer[answered].At < b.Sent; answered++ {
			highest = max(highest, ids[byAnswer[answered].ID])
		}
		if st.signals[b.ID].Keyed {
			continue // it may have been sent before, and decided then
		}
		compared++
		if ids[b.ID] <= highest {
			c.t.Fatalf("signal %s was sent after the answer to one with a higher id", b.ID)
		}
	}
	if compared == 0 {
		c.t.Error("no ids were compared: this shows nothing")
	}
}
