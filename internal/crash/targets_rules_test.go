package crash_test

import (
	"testing"
	"time"
)

// asks picks nodes so many times, none of them tried before, and counts.
func (t *targets) asks(times int, now time.Time) map[int]int {
	got := map[int]int{}
	for range times {
		got[t.next(-1, now)]++
	}
	return got
}

func TestTargets_AskEveryNodeInTurn(t *testing.T) {
	t.Parallel()
	nodes := newTargets([]string{"a", "b", "c"})
	if got := nodes.asks(30, second(0)); got[0] != 10 || got[1] != 10 || got[2] != 10 {
		t.Errorf("asked %v", got)
	}
}

func TestTargets_ARetryGoesToAnotherNode(t *testing.T) {
	t.Parallel()
	nodes := newTargets([]string{"a", "b"})
	for range 10 {
		if n := nodes.next(0, second(0)); n != 1 {
			t.Fatalf("asked node %d again", n)
		}
	}
	if n := newTargets([]string{"a"}).next(0, second(0)); n != 0 {
		t.Errorf("of one node, asked %d", n)
	}
}

func TestTargets_ANodeWithoutAnAnswerIsTriedOnceASecond(t *testing.T) {
	t.Parallel()
	nodes := newTargets([]string{"a", "b"})
	nodes.answered(0, false, second(0))
	if got := nodes.asks(20, second(0)); got[0] != 0 {
		t.Errorf("asked %v, want node 0 left alone", got)
	}
	if got := nodes.asks(20, second(1)); got[0] != 1 {
		t.Errorf("asked %v a second later, want node 0 tried once", got)
	}
	nodes.answered(0, true, second(1))
	if got := nodes.asks(20, second(1)); got[0] != 10 {
		t.Errorf("asked %v when it was back", got)
	}
}

func TestTargets_WhenNobodyAnswersAllAreTried(t *testing.T) {
	t.Parallel()
	nodes := newTargets([]string{"a", "b"})
	nodes.answered(0, false, second(0))
	nodes.answered(1, false, second(0))
	if got := nodes.asks(20, second(0)); got[0] != 10 || got[1] != 10 {
		t.Errorf("asked %v", got)
	}
}
