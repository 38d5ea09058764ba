package crash_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"signalbox"
)

// trial is a load, receivers, and what was promised to them, while servers suffer.
type trial struct {
	t     *testing.T
	recv  *receivers
	load  *traffic
	acks  follower
	begun time.Time

	outages []outage      // one for each fault
	up      time.Duration // the time in which nothing was wrong
	offered int64         // new signals in it
}

// minOffered is the load below which a run does not count, in signals per second (reliability, section 4).
const minOffered = 500

// newAcks are those that came into the load's ledger since the last call.
func (r *trial) newAcks() (acks []ack) {
	r.t.Helper()
	err := r.acks.next(func(line []byte) error {
		a, err := parseAck(line)
		acks = append(acks, a)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return acks
}

// retryByHand sends some of what waits for its next attempt again, and expects it to arrive now that every receiver is healthy. One whose time has
// come meanwhile is sent once more than it need be, or is under way and refused.
func (r *trial) retryByHand(s *site) {
	r.t.Helper()
	for i, id := range r.recv.ids {
		list := s.deliveries(id, "retrying")
		for _, d := range list {
			status, _, err := s.call(http.MethodPost, "/v1/deliveries/"+d+"/retry", nil, nil)
			if err != nil || status != http.StatusAccepted && status != http.StatusConflict {
				r.t.Fatalf("retry of %s: status %d, error %v", d, status, err)
			}
		}
		for _, d := range list {
			var got struct {
				Data struct {
					Status string `json:"status"`
				} `json:"data"`
			}
			if !eventually(r.t.Context(), 20*time.Second, 10*time.Millisecond, func() bool {
				s.mustCall(http.StatusOK, http.MethodGet, "/v1/deliveries/"+d, nil, &got)
				return got.Data.Status == signalbox.Delivered.String()
			}) {
				r.t.Errorf("webhook %d: %s is %s after a retry by hand", i, d, got.Data.Status)
			}
		}
	}
}

// reconcile holds the ledgers against the database. perFault is how many repeats a fault may cause for a webhook.
func (r *trial) reconcile(st *snapshot, perFault int) tally {
	r.t.Helper()
	acks, err := readLedger(r.load.book, parseAck)
	if err != nil {
		r.t.Fatal(err)
	}
	arrivals, err := readLedger(r.recv.book, parseArrival)
	if err != nil {
		r.t.Fatal(err)
	}
	f, sum := reconcile(st, &history{acks: acks, arrivals: arrivals, outages: r.outages, perFault: perFault})
	if len(f.counts) > 0 {
		r.t.Errorf("the ledgers and the database do not agree:\n%s", f)
	}
	return sum
}

// report prints what was seen, and fails when that does not count.
func (r *trial) report(sum tally, stats loadStats, least float64) {
	r.t.Helper()
	offered := float64(r.offered) / max(r.up.Seconds(), 0.001)
	r.t.Logf("all was well for %s, with %.0f new signals/s offered", r.up.Round(time.Second), offered)
	r.t.Logf("%d signals acknowledged, %d stored; %d requests cut, %d sent again with their key, %d of them had been taken",
		sum.Acked, sum.Stored, stats.Lost, stats.Retried, stats.Replayed)
	r.t.Logf("%d arrivals, %d of them repeats; deliveries: %s", sum.Arrivals, sum.Repeats, words(sum.States))
	if len(stats.Refused) > 0 {
		r.t.Logf("refused: %s", words(stats.Refused))
	}
	if offered < least {
		r.t.Errorf("%.0f signals/s were offered: below %.0f a run does not count", offered, least)
	}
}

// quantile of a sorted list; 0 of an empty one.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// words prints counts by name, in order.
func words(counts map[string]int) string {
	text := ""
	for i, name := range slices.Sorted(maps.Keys(counts)) {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%d %s", counts[name], name)
	}
	return text
}
