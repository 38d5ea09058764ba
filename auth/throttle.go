package auth

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"signalbox"
)

// How failed sign-ins slow further ones. Nothing is ever locked: after so many failures in a row the next try must wait, each failure doubles
// the wait up to its most, and who waits out is tried. A try that comes too early is refused unheard and lengthens nothing.
//
// What is counted is one e-mail from one address (a person who mistypes), one e-mail from anywhere (a guess from many addresses) and one address (a guess at many
// e-mails). An address that an e-mail has signed in from before is not slowed by what others try.
const (
	freePair, mostPair       = 5, time.Minute
	freeEmail, mostEmail     = 20, 15 * time.Second
	freeAddress, mostAddress = 50, 15 * time.Second

	firstWait  = time.Second
	forgetFail = 15 * time.Minute // after so long without a failure it is forgotten
	knownFor   = 30 * 24 * time.Hour
	throttled  = 20_000 // what is remembered of each kind; beyond it the oldest is forgotten
)

// throttle remembers failures of this node, in memory: a restart forgets them.
type throttle struct {
	mu      sync.Mutex
	failed  *recent[throttleKey, failures]
	trusted *recent[throttleKey, time.Time] // pairs that signed in, and when
}

// throttleKey is an e-mail, an address, or a pair of both.
type throttleKey struct{ email, address string }

type failures struct {
	count int
	last  time.Time
}

func newThrottle() *throttle {
	return &throttle{failed: newRecent[throttleKey, failures](throttled), trusted: newRecent[throttleKey, time.Time](throttled)}
}

// rule is one thing that is counted.
type rule struct {
	key  throttleKey
	free int
	most time.Duration
}

func (t *throttle) rules(email, address string, now time.Time) []rule {
	rules := []rule{{throttleKey{email, address}, freePair, mostPair}}
	if at, ok := t.trusted.get(throttleKey{email, address}); !ok || now.Sub(at) > knownFor {
		rules = append(rules, rule{throttleKey{email: email}, freeEmail, mostEmail}, rule{throttleKey{address: address}, freeAddress, mostAddress})
	}
	return rules
}

// try refuses a try that comes too early, and counts any other one as failed until it is known better: of many at once only the free ones are heard.
func (t *throttle) try(email, address string, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	address = network(address)
	var wait time.Duration
	for _, r := range t.rules(email, address, now) {
		f, _ := t.failed.get(r.key)
		wait = max(wait, f.wait(r, now))
	}
	if wait <= 0 {
		t.count(email, address, now, 1)
		return nil
	}
	wait = wait.Truncate(time.Second) + time.Second
	return &signalbox.Error{
		Code: signalbox.RateLimited, RetryAfter: wait, Msg: "too many sign-ins failed: try again in " + wait.String(),
	}
}

// wait is how long the next try must still wait.
func (f failures) wait(r rule, now time.Time) time.Duration {
	over := f.count - r.free
	if over < 0 || now.Sub(f.last) > forgetFail {
		return 0
	}
	wait := min(firstWait<<min(over, 10), r.most)
	return f.last.Add(wait).Sub(now)
}

// count adds to what failed.
func (t *throttle) count(email, address string, now time.Time, n int) {
	for _, key := range []throttleKey{{email, address}, {email: email}, {address: address}} {
		f, _ := t.failed.get(key)
		if now.Sub(f.last) > forgetFail {
			f.count = 0
		}
		t.failed.put(key, failures{max(f.count+n, 0), now})
	}
}

// undo takes a try back that was neither right nor wrong.
func (t *throttle) undo(email, address string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(email, network(address), now, -1)
}

// succeed takes the try back, forgets what failed before of the e-mail from this address, and trusts the pair. What was counted of the address stays: one account of one's own must
// not pay for guesses at others.
func (t *throttle) succeed(email, address string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(email, network(address), now, -1)
	key := throttleKey{email, network(address)}
	t.failed.drop(key)
	t.trusted.put(key, now)
}

// network is what counts as one address: a whole /64 of IPv6, which one household has.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	prefix, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}

// recent is a map of bounded size that forgets what was put longest ago.
type recent[K comparable, V any] struct {
	most  int
	order *list.List // of K, the newest first
	known map[K]entry[V]
}

type entry[V any] struct {
	value V
	place *list.Element
}

func newRecent[K comparable, V any](most int) *recent[K, V] {
	return &recent[K, V]{most: most, order: list.New(), known: map[K]entry[V]{}}
}

func (r *recent[K, V]) get(key K) (V, bool) {
	e, ok := r.known[key]
	return e.value, ok
}

func (r *recent[K, V]) put(key K, value V) {
	e, ok := r.known[key]
	if ok {
		r.order.MoveToFront(e.place)
	} else {
		e.place = r.order.PushFront(key)
	}
	e.value = value
	r.known[key] = e
	if len(r.known) > r.most {
		r.drop(r.order.Back().Value.(K))
	}
}

func (r *recent[K, V]) drop(key K) {
	if e, ok := r.known[key]; ok {
		r.order.Remove(e.place)
		delete(r.known, key)
	}
}
