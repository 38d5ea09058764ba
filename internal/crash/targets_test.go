package crash_test

import (
	"sync"
	"time"
)

// targets are the nodes that take requests, in turn. One that gave no answer is left alone, as a load balancer does, but for one request a
// second that finds out whether it is back.
type targets struct {
	urls []string

	mu    sync.Mutex
	turn  int
	quiet []time.Time // of each node that gave no answer, when the next request may try it; zero: it answers
}

// shun is how long a node that gave no answer is left alone.
const shun = time.Second

func newTargets(urls []string) *targets {
	return &targets{urls: urls, quiet: make([]time.Time, len(urls))}
}

// next picks a node, another than last where there is one that answers; last < 0: none was tried.
func (t *targets) next(last int, now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, avoid := range []int{last, -1} {
		for range t.urls {
			t.turn = (t.turn + 1) % len(t.urls)
			n := t.turn
			switch {
			case n == avoid || now.Before(t.quiet[n]):
				continue
			case !t.quiet[n].IsZero():
				t.quiet[n] = now.Add(shun) // this request finds out
			}
			return n
		}
	}
	t.turn = (t.turn + 1) % len(t.urls) // nobody answers: one is as good as another
	return t.turn
}

// answered tells what became of a request to a node.
func (t *targets) answered(n int, yes bool, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if yes {
		t.quiet[n] = time.Time{}
		return
	}
	t.quiet[n] = now.Add(shun)
}
