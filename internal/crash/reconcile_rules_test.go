package crash_test

import (
	"slices"
	"testing"
	"time"

	"signalbox"
)

// second is a moment of a made-up history.
func second(n int) time.Time { return time.Unix(1_000_000+int64(n), 0) }

func at(n int) int64 { return second(n).UnixNano() }

// truth is a history in which every promise was kept: two signals for two webhooks; one delivery was refused and is retrying, one was
// in flight when the server died at second 10 and came twice, one was asked for once more by hand.
func truth() (*snapshot, *history) {
	st := &snapshot{
		hooks:   2,
		scores:  []storedScore{{Record: 7, Kept: 11.5, FromSignals: 11.5}},
		members: []storedMember{{Record: 7, Often: crashOften, In: true}, {Record: 8, Often: crashOften - 1}},
		signals: map[string]storedSignal{"sig_a": {Serial: 1, Keyed: true}, "sig_b": {Serial: 2}},
		events:  map[string]string{"evt_a": "sig_a", "evt_b": "sig_b"},
		deliveries: []storedDelivery{
			{Hook: 0, Event: "evt_a", State: signalbox.Delivered, Attempts: 1, Successes: 1},
			{Hook: 1, Event: "evt_a", State: signalbox.Delivered, Attempts: 1, Successes: 1},
			{Hook: 0, Event: "evt_b", State: signalbox.Delivered, Attempts: 3, Successes: 1, ByHand: 1},
			{Hook: 1, Event: "evt_b", State: signalbox.Retrying, Attempts: 1},
		},
	}
	h := &history{
		acks: []ack{{Serial: 1, ID: "sig_a", At: at(1)}, {Serial: 1, ID: "sig_a", At: at(2)}, {Serial: 2, ID: "sig_b", At: at(2)}},
		arrivals: []arrival{
			{Hook: 0, Event: "evt_a", Signal: "sig_a", At: at(9), Answer: 200},
			{Hook: 1, Event: "evt_a", Signal: "sig_a", At: at(3), Answer: 204},
			{Hook: 0, Event: "evt_a", Signal: "sig_a", At: at(12), Answer: 200},
			{Hook: 0, Event: "evt_b", Signal: "sig_b", At: at(3), Answer: 500},
			{Hook: 0, Event: "evt_b", Signal: "sig_b", At: at(63), Answer: 200},
			{Hook: 0, Event: "evt_b", Signal: "sig_b", At: at(64), Answer: 200},
			{Hook: 1, Event: "evt_b", Signal: "sig_b", At: at(3), Answer: dropped},
		},
		outages:  []outage{{From: second(10), To: second(11)}},
		perFault: 1,
	}
	return st, h
}

func TestReconcile_AHistoryThatKeptEveryPromiseHasNoFindings(t *testing.T) {
	t.Parallel()
	f, sum := reconcile(truth())
	if len(f.counts) > 0 {
		t.Errorf("findings:\n%s", f)
	}
	if sum.Acked != 2 || sum.Stored != 2 || sum.Arrivals != 7 || sum.Repeats != 1 || sum.States["delivered"] != 3 || sum.States["retrying"] != 1 {
		t.Errorf("tally %+v", sum)
	}
}

// Every way in which a program can break a promise is seen, and nothing else is said of it.
func TestReconcile_EveryBrokenPromiseIsFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		harm func(*snapshot, *history)
		want []string
	}{
		{"an acknowledged signal is gone with all it caused", func(st *snapshot, h *history) {
			delete(st.signals, "sig_b")
			delete(st.events, "evt_b")
			st.deliveries = st.deliveries[:2]
			h.arrivals = h.arrivals[:3]
		}, []string{lostSignal}},
		{"a signal did not count for its account", func(st *snapshot, _ *history) { st.scores[0].Kept -= 2 }, []string{wrongScore}},
		{"an account did not enter an audience", func(st *snapshot, _ *history) { st.members[0].In = false }, []string{wrongMember}},
		{"an account is in an audience without cause", func(st *snapshot, _ *history) { st.members[1].In = true }, []string{wrongMember}},
		{"it was sent before it was stored", func(st *snapshot, h *history) {
			h.arrivals = append(h.arrivals, arrival{Hook: 0, Event: "evt_c", Signal: "sig_c", At: at(9), Answer: 200})
		}, []string{unknownEvent}},
		{"an answer names another signal", func(_ *snapshot, h *history) { h.acks[2].ID = "sig_a" }, []string{otherSignal}},
		{"a retry got another answer", func(st *snapshot, h *history) {
			st.signals["sig_c"] = storedSignal{Serial: 1, Keyed: true}
			st.events["evt_c"] = "sig_c"
			for hook := range 2 {
				st.deliveries = append(st.deliveries, storedDelivery{Hook: hook, Event: "evt_c", State: signalbox.Failed, Attempts: 6})
			}
			h.acks[1].ID = "sig_c"
		}, []string{twoAnswers, storedTwice}},
		{"a signal without its event", func(st *snapshot, _ *history) { st.signals["sig_c"] = storedSignal{Serial: 3} }, []string{noEvent}},
		{"an event without a delivery", func(st *snapshot, h *history) {
			st.deliveries = st.deliveries[:3]
		}, []string{noDelivery}},
		{"two deliveries of one event", func(st *snapshot, _ *history) {
			st.deliveries = append(st.deliveries, st.deliveries[3])
		}, []string{noDelivery}},
		{"settled and never sent", func(_ *snapshot, h *history) { h.arrivals = slices.Delete(h.arrivals, 1, 2) }, []string{neverArrived}},
		{"settled after a refusal", func(_ *snapshot, h *history) { h.arrivals[1].Answer = 500 }, []string{neverArrived}},
		{"forgotten", func(st *snapshot, _ *history) { st.deliveries[3].State = signalbox.Pending }, []string{stillPending}},
		{"retrying out of nothing", func(st *snapshot, _ *history) { st.deliveries[3].Attempts = 0 }, []string{neverRetryState}},
		{"a forged signature", func(_ *snapshot, h *history) {
			h.arrivals = append(h.arrivals, arrival{Hook: 0, Event: "evt_a", Signal: "sig_a", At: at(4), Answer: forged})
		}, []string{badSignature}},
		{"a body about another signal", func(_ *snapshot, h *history) { h.arrivals[1].Signal = "sig_b" }, []string{wrongSignal}},
		{"sent twice in one life", func(_ *snapshot, h *history) { h.outages = nil }, []string{needlessRepeat}},
		{"sent twice after the kill", func(_ *snapshot, h *history) { h.arrivals[0].At = at(11) + 1 }, []string{needlessRepeat}},
		{"more than was in flight", func(_ *snapshot, h *history) { h.perFault = 0 }, []string{tooManyRepeats}},
		{"more than two lives had in flight", func(_ *snapshot, h *history) {
			h.perFault = 0
			h.arrivals[0].At = at(10) + 1
		}, []string{tooManyRepeats}},
		{"sent twice although by hand only once", func(st *snapshot, h *history) {
			h.outages = nil
			st.deliveries[0].ByHand = 1
			h.arrivals = append(h.arrivals, h.arrivals[0])
		}, []string{needlessRepeat}},
		{"settled and sent again", func(st *snapshot, _ *history) { st.deliveries[0].Successes = 2 }, []string{settledTwice}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			st, h := truth()
			c.harm(st, h)
			f, _ := reconcile(st, h)
			slices.Sort(c.want)
			if got := f.kinds(); !slices.Equal(got, c.want) {
				t.Errorf("found\n%s\nwant %q", f, c.want)
			}
		})
	}
}
