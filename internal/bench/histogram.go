package bench

import (
	"encoding/json"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// Each power of two is cut into subBuckets, so a recorded duration is known to 1/64 of itself. Durations above maxRecorded (18
// minutes) count as that.
const (
	subBits     = 6
	subBuckets  = 1 << subBits
	maxRecorded = 1<<40 - 1
	buckets     = (40 - subBits + 1) * subBuckets
)

// Histogram counts durations in logarithmic buckets. Any number of goroutines may record at once.
type Histogram struct {
	counts [buckets]atomic.Int64
	n      atomic.Int64
	max    atomic.Int64
}

// Record counts one duration; a negative one counts as zero.
func (h *Histogram) Record(d time.Duration) {
	v := min(max(int64(d), 0), maxRecorded)
	h.counts[bucketOf(uint64(v))].Add(1)
	h.n.Add(1)
	for {
		seen := h.max.Load()
		if v <= seen || h.max.CompareAndSwap(seen, v) {
			return
		}
	}
}

// bucketOf finds the bucket of a duration in nanoseconds.
func bucketOf(v uint64) int {
	shift := max(0, bits.Len64(v)-subBits-1)
	return shift*subBuckets + int(v>>shift)
}

// ceiling is the longest duration that falls into a bucket.
func ceiling(bucket int) int64 {
	if bucket < 2*subBuckets {
		return int64(bucket)
	}
	shift := bucket/subBuckets - 1
	return (int64(bucket-shift*subBuckets)+1)<<shift - 1
}

// Count is how many durations were recorded.
func (h *Histogram) Count() int64 { return h.n.Load() }

// Max is the longest one.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max.Load()) }

// Quantile returns a duration that the share q of all durations does not exceed; 0 when there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	n := h.n.Load()
	if n == 0 {
		return 0
	}
	rank := max(1, int64(math.Ceil(q*float64(n))))
	for i := range h.counts {
		if rank -= h.counts[i].Load(); rank <= 0 {
			return time.Duration(min(ceiling(i), h.max.Load()))
		}
	}
	return h.Max()
}

// Latency is a histogram as it is reported, in milliseconds.
type Latency struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
}

// Latency sums the histogram up.
func (h *Histogram) Latency() Latency {
	return Latency{
		Count: h.Count(), P50: millis(h.Quantile(.5)), P90: millis(h.Quantile(.9)), P95: millis(h.Quantile(.95)), P99: millis(h.Quantile(.99)),
		P999: millis(h.Quantile(.999)), Max: millis(h.Max()),
	}
}

// MarshalJSON writes the summary.
func (h *Histogram) MarshalJSON() ([]byte, error) { return json.Marshal(h.Latency()) }

func millis(d time.Duration) float64 { return round3(float64(d) / float64(time.Millisecond)) }
