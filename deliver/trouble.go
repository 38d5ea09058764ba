package deliver

import (
	"net/http"
	"time"

	"signalbox/retry"
)

// A receiver in trouble is asked less: an answer that says "too much" (429, 502, 503, 504, or none in time) halves how many requests its lane has at the same
// time; after troubled failures in a row (no answer, or one of 5xx) there is one at a time, a probe, and a growing rest before each. A delivery that works doubles the requests
// again, and a receiver that is well has all of them back after a few. Of a dead webhook there is one timer and a probe now and then, however
// many deliveries wait. This is memory of one node: it changes when an attempt is made, never what becomes of one.

const (
	// troubled is after how many failures in a row a lane only probes.
	troubled = 5
	// shortestRest and longestRest bound the rest before a probe: the longest is lost in a schedule that waits for minutes.
	shortestRest = 100 * time.Millisecond
	longestRest  = time.Second
	// longestPause is how long a whole lane rests at most because its receiver asked for that (Retry-After): the delivery that was answered so waits as
	// long as was asked, up to a day.
	longestPause = time.Minute
)

// trouble is what a lane remembers of its last answers.
type trouble struct {
	failures int       // in a row
	slots    int       // requests at the same time; 0: as many as the webhook allows
	rest     time.Time // nothing starts before, but for somebody who waits for the answer
}

// reply is what an attempt says of its receiver.
type reply struct {
	took  time.Duration
	alive bool          // it answered, be it that it does not want this
	busy  bool          // it, or what stands before it, has too much to do
	pause time.Duration // how long it asks to be left alone
}

// replyOf reads an outcome.
func replyOf(o retry.Outcome, took time.Duration, now time.Time) reply {
	r := reply{took: took}
	switch {
	case o.Skip != "":
		r.alive = true // nobody was asked
	case o.Peer == retry.MailServer && o.Failure == "":
		r.busy = o.Status/100 == 4
		r.alive = !r.busy
	case o.Failure != "":
		r.busy = o.Failure == retry.Timeout
	case o.Status == http.StatusRequestTimeout:
		r.busy = true
	case o.Status == http.StatusTooManyRequests || o.Status == http.StatusServiceUnavailable:
		r.busy, r.pause = true, min(retry.After(o.RetryAfter, now), longestPause)
	case o.Status == http.StatusBadGateway || o.Status == http.StatusGatewayTimeout:
		r.busy = true
	default:
		r.alive = o.Status < http.StatusInternalServerError
	}
	return r
}

// learn takes what an attempt says into account. Callers hold s.mu.
func (l *lane) learn(delivered bool, r reply) {
	if delivered {
		l.trouble.failures, l.trouble.rest = 0, time.Time{}
		if l.trouble.slots *= 2; l.trouble.slots >= l.max {
			l.trouble.slots = 0
		}
		return
	}
	if r.alive { // it does not want what it was sent; the next may be welcome
		l.trouble.failures = 0
		return
	}
	l.trouble.failures++
	if r.busy {
		l.trouble.slots = max(l.most()/2, 1)
	}
	rest := r.pause
	if over := l.trouble.failures - troubled; over >= 0 {
		l.trouble.slots = 1
		rest = max(rest, min(shortestRest<<min(over, 16), longestRest))
	}
	if until := time.Now().Add(rest); rest > 0 && until.After(l.trouble.rest) {
		l.trouble.rest = until
	}
}

// most is how many requests the lane may have at the same time now.
func (l *lane) most() int {
	if l.trouble.slots > 0 {
		return min(l.trouble.slots, l.max)
	}
	return l.max
}
