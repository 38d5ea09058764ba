package crash_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"signalbox"
)

// snapshot is what the database holds, ids as the outside sees them.
type snapshot struct {
	signals    map[string]storedSignal
	events     map[string]string // signal.created: the event's id and its signal's
	deliveries []storedDelivery
	scores     []storedScore
	members    []storedMember
	hooks      int // webhooks that are subscribed to signal.created
}

type storedSignal struct {
	Serial int64 // the load's number
	Keyed  bool  // it was sent with an idempotency key
}

type storedDelivery struct {
	ID        int64
	Hook      int // its place in the receiver; -1: another webhook
	Event     string
	State     signalbox.DeliveryState
	Reason    string
	Attempts  int
	Successes int // attempts that were answered 2xx, but for those by hand
	ByHand    int // attempts that somebody asked for
}

// history is what the ledgers and the harness know.
type history struct {
	acks     []ack
	arrivals []arrival
	outages  []outage // in order
	perFault int      // repeats that one fault may cause for one webhook: requests in flight, and answered and not settled
}

// outage is the time after a kill until the next life was seen to be ready. What arrives in it was sent before and read late, or by the
// new life in its first moments.
type outage struct {
	From time.Time // the process was gone
	To   time.Time
}

// atOnce bounds what one webhook has in flight and unsettled: the sender starts no request beyond it (deliver.Limits.LaneUnsettled).
const atOnce = 64

// findings are the promises that were broken, each with examples.
type findings struct {
	counts   map[string]int
	examples map[string][]string
}

// maxExamples is how many breaches of one kind are told in full.
const maxExamples = 3

func (f *findings) add(what, format string, args ...any) {
	if f.counts == nil {
		f.counts, f.examples = map[string]int{}, map[string][]string{}
	}
	if f.counts[what]++; f.counts[what] <= maxExamples {
		f.examples[what] = append(f.examples[what], fmt.Sprintf(format, args...))
	}
}

func (f *findings) String() string {
	var b strings.Builder
	for _, what := range f.kinds() {
		fmt.Fprintf(&b, "%s: %d\n", what, f.counts[what])
		for _, e := range f.examples[what] {
			fmt.Fprintf(&b, "    %s\n", e)
		}
	}
	return b.String()
}

func (f *findings) kinds() []string {
	kinds := make([]string, 0, len(f.counts))
	for what := range f.counts {
		kinds = append(kinds, what)
	}
	sort.Strings(kinds)
	return kinds
}

// The promises that can be broken.
const (
	lostSignal      = "acknowledged and not stored"
	otherSignal     = "acknowledged under the id of another signal"
	twoAnswers      = "one idempotency key answered with two ids"
	storedTwice     = "sent once, or with one key, and stored twice"
	unknownSignal   = "stored without a serial number"
	noEvent         = "stored signal without its event"
	noDelivery      = "event without exactly one delivery for each webhook"
	neverArrived    = "settled as delivered and never received"
	stillPending    = "neither delivered nor visibly retrying, failed or skipped"
	badSignature    = "arrived with a signature that does not verify"
	unknownEvent    = "arrived and not stored"
	wrongSignal     = "arrived with the id of another signal in its body"
	needlessRepeat  = "sent again although nobody was killed after the first answer"
	tooManyRepeats  = "more repeats than were in flight at the fault"
	settledTwice    = "two successful attempts of one delivery were settled"
	neverRetryState = "retrying without a failed attempt"
	wrongMember     = "an account that is not where its signals put it"
	wrongScore      = "a score that is not what the signals add up to"
)

// tally is what was reconciled.
type tally struct {
	Acked, Stored, Events, Arrivals, Repeats int
	States                                   map[string]int
}

// reconcile holds what was promised against what is left. Promises, not implementation: a signal that was acknowledged is stored;
// each stored signal has gone to each webhook at least once, or visibly has not; what came twice was in flight when the server died.
func reconcile(st *snapshot, h *history) (*findings, tally) {
	f := &findings{}
	sum := tally{Stored: len(st.signals), Events: len(st.events), Arrivals: len(h.arrivals), States: map[string]int{}}
	sum.Acked = reconcileSignals(f, st, h.acks)
	reconcileScores(f, st)
	reconcileMembers(f, st)
	reconcileEvents(f, st)
	heard := byDelivery(f, st, h.arrivals)
	reconcileDeliveries(f, st, heard, sum.States)
	sum.Repeats = reconcileRepeats(f, st, heard, h)
	return f, sum
}

// reconcileSignals compares acknowledgements with signals and returns how many different ones were acknowledged.
func reconcileSignals(f *findings, st *snapshot, acks []ack) int {
	answered := make(map[int64]string, len(acks))
	for _, a := range acks {
		if first, ok := answered[a.Serial]; ok && first != a.ID {
			f.add(twoAnswers, "signal %d: %s and %s", a.Serial, first, a.ID)
		}
		answered[a.Serial] = a.ID
		switch s, ok := st.signals[a.ID]; {
		case !ok:
			f.add(lostSignal, "signal %d, %s, acknowledged at %s", a.Serial, a.ID, time.Unix(0, a.At).UTC().Format(time.RFC3339Nano))
		case s.Serial != a.Serial:
			f.add(otherSignal, "signal %d was answered with %s, which is signal %d", a.Serial, a.ID, s.Serial)
		}
	}
	stored := make(map[int64]string, len(st.signals))
	for id, s := range st.signals {
		if s.Serial == 0 {
			f.add(unknownSignal, "%s", id)
			continue
		}
		if other, ok := stored[s.Serial]; ok {
			f.add(storedTwice, "signal %d (with a key: %t): %s and %s", s.Serial, s.Keyed, other, id)
		}
		stored[s.Serial] = id
	}
	return len(answered)
}

// reconcileEvents checks that each signal has its event and each event its deliveries, exactly one for each webhook.
func reconcileEvents(f *findings, st *snapshot) {
	has := make(map[string]int, len(st.events))
	for _, signal := range st.events {
		has[signal]++
	}
	for id := range st.signals {
		if has[id] != 1 {
			f.add(noEvent, "%s has %d", id, has[id])
		}
	}
	seen := make(map[string]uint64, len(st.events)) // one bit for each webhook
	for _, d := range st.deliveries {
		bit := uint64(1) << max(d.Hook, 0)
		if d.Hook < 0 || seen[d.Event]&bit != 0 {
			f.add(noDelivery, "event %s has one too many for webhook %d", d.Event, d.Hook)
		}
		seen[d.Event] |= bit
	}
	all := uint64(1)<<st.hooks - 1
	for id := range st.events {
		if seen[id] != all {
			f.add(noDelivery, "event %s has them for %b of %b", id, seen[id], all)
		}
	}
}

// deliveryKey names a delivery as a receiver knows it.
type deliveryKey struct {
	hook  int
	event string
}

// byDelivery sorts the arrivals, oldest first for each delivery.
func byDelivery(f *findings, st *snapshot, arrivals []arrival) map[deliveryKey][]arrival {
	heard := make(map[deliveryKey][]arrival, len(arrivals))
	for _, a := range arrivals {
		if a.Answer == forged {
			f.add(badSignature, "%+v", a)
			continue
		}
		switch signal, ok := st.events[a.Event]; {
		case !ok:
			f.add(unknownEvent, "%+v", a)
		case signal != a.Signal:
			f.add(wrongSignal, "%+v belongs to %s", a, signal)
		}
		k := deliveryKey{a.Hook, a.Event}
		heard[k] = append(heard[k], a)
	}
	for _, list := range heard {
		slices.SortFunc(list, func(a, b arrival) int { return int(a.At - b.At) })
	}
	return heard
}

// reconcileDeliveries checks each delivery's state against what its receiver saw.
func reconcileDeliveries(f *findings, st *snapshot, heard map[deliveryKey][]arrival, states map[string]int) {
	for _, d := range st.deliveries {
		states[d.State.String()]++
		list := heard[deliveryKey{d.Hook, d.Event}]
		switch d.State {
		case signalbox.Delivered:
			if !slices.ContainsFunc(list, welcomed) {
				f.add(neverArrived, "%+v, arrivals %+v", d, list)
			}
		case signalbox.Pending:
			f.add(stillPending, "%+v, arrivals %+v", d, list)
		case signalbox.Retrying:
			if d.Attempts == 0 {
				f.add(neverRetryState, "%+v, arrivals %+v", d, list)
			}
		}
		if d.Successes > 1 {
			f.add(settledTwice, "%+v", d)
		}
	}
}

// welcomed says whether an arrival was answered 2xx.
func welcomed(a arrival) bool { return a.Answer >= 200 && a.Answer <= 299 }

// reconcileRepeats finds what was sent again after a 2xx. Only a kill excuses it: one between the two, and no more for each kill and
// webhook than can have been in flight; and somebody who asked for it by hand. It returns how many there were. (Their share of all arrivals
// says how often we kill.)
func reconcileRepeats(f *findings, st *snapshot, heard map[deliveryKey][]arrival, h *history) (repeats int) {
	byHand := map[deliveryKey]int{}
	for _, d := range st.deliveries {
		byHand[deliveryKey{d.Hook, d.Event}] += d.ByHand
	}
	type cause struct {
		kill, hook int
		unclear    bool // whether the life before it or one after it sent the first
	}
	caused := map[cause]int{}
	for k, list := range heard {
		for i := 1; i < len(list); i++ {
			first, again := list[i-1], list[i]
			if !welcomed(first) {
				continue // a retry, as promised
			}
			if byHand[k] > 0 {
				byHand[k]--
				continue
			}
			repeats++
			n := sort.Search(len(h.outages), func(n int) bool { return h.outages[n].To.UnixNano() >= first.At })
			if n == len(h.outages) || h.outages[n].From.UnixNano() > again.At {
				f.add(needlessRepeat, "%+v and %+v", first, again)
				continue
			}
			caused[cause{n, k.hook, first.At > h.outages[n].From.UnixNano()}]++
		}
	}
	for c, n := range caused {
		most := h.perFault
		if c.unclear {
			most *= 1 + h.killsDuring(c.kill)
		}
		if n > most {
			f.add(tooManyRepeats, "fault %d, webhook %d: %d, at most %d were in flight", c.kill, c.hook, n, most)
		}
	}
	return repeats
}

// killsDuring counts the kills in an outage, its own among them: a life that was killed before it was seen to be ready. What arrives in an
// outage was sent before one of them, or by the life after it just before that was seen to be ready, and cut by the next kill.
func (h *history) killsDuring(n int) (kills int) {
	for _, o := range h.outages[n:] {
		if o.From.After(h.outages[n].To) {
			break
		}
		kills++
	}
	return kills
}
