package bench_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"signalbox/internal/bench"
)

func TestHistogram_KnowsEachQuantileToOneSixtyFourth(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 100, 10_001} {
		var h bench.Histogram
		all := make([]time.Duration, n)
		for i := range all {
			all[i] = time.Duration(rng.Int64N(1 << (1 + rng.IntN(39))))
			h.Record(all[i])
		}
		slices.Sort(all)
		for _, q := range []float64{.01, .5, .9, .99, .999, 1} {
			exact := all[max(0, ceil(q*float64(n))-1)]
			if got := h.Quantile(q); got < exact || got > exact+exact/64 {
				t.Errorf("of %d durations the quantile %g is %d, want %d and at most 1/64 more", n, q, got, exact)
			}
		}
		if h.Count() != int64(n) || h.Max() != all[n-1] {
			t.Errorf("count %d, max %s; want %d, %s", h.Count(), h.Max(), n, all[n-1])
		}
	}
}

func ceil(v float64) int {
	if n := int(v); float64(n) < v {
		return n + 1
	}
	return int(v)
}

func TestHistogram_ClampsWhatItCannotHold(t *testing.T) {
	t.Parallel()
	var h bench.Histogram
	h.Record(-time.Second)
	if got := h.Quantile(1); got != 0 {
		t.Errorf("a negative duration counts as %s, want 0", got)
	}
	h.Record(1000 * time.Hour)
	if got := h.Max(); got < 18*time.Minute || got > 19*time.Minute {
		t.Errorf("a duration beyond the last bucket counts as %s, want about 18 minutes", got)
	}
}

func TestHistogram_OfNothingIsZero(t *testing.T) {
	t.Parallel()
	var h bench.Histogram
	if got := h.Latency(); got != (bench.Latency{}) {
		t.Errorf("got %+v", got)
	}
}
