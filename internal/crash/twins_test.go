package crash_test

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// twins sends one request as many times at once as there are to be, each until it is answered. All must get the very same answer; what comes
// later with the same key and another body must be refused.
func (l *load) twins(r request) {
	answers := make([][]byte, l.cfg.Twins)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			if answer, done := l.deliver(r); done {
				answers[i] = answer
			}
		})
	}
	all.Wait()
	var first []byte
	for _, answer := range answers {
		switch {
		case answer == nil: // the load has ended
		case first == nil:
			first = answer
		case !bytes.Equal(first, answer):
			l.breach("one key, two answers: %.300s and %.300s", first, answer)
		default:
			l.count(func(s *loadStats) { s.Compared++ })
		}
	}
	if first != nil && rand.IntN(20) == 0 {
		l.mismatch(r)
	}
}

// mismatch sends another body with a key that was used.
func (l *load) mismatch(r request) {
	r.body = l.appendSignal(nil, -r.serials[0], true)
	for node := -1; l.life.Err() == nil; {
		node = l.nodes.next(node, time.Now())
		res, body, err := l.post(r, node)
		switch {
		case err != nil || res.StatusCode == http.StatusServiceUnavailable:
			pause(l.life, 20*time.Millisecond) // a fault: the next node is asked
			continue
		case res.StatusCode != http.StatusUnprocessableEntity:
			l.breach("another body with a key that was used: %d %.300s, want 422", res.StatusCode, body)
		default:
			l.count(func(s *loadStats) { s.Mismatched++ })
		}
		return
	}
}
