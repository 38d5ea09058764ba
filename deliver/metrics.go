package deliver

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what an operator sees of the lanes.
type metrics struct {
	attempts *prometheus.CounterVec
	duration prometheus.Histogram
	latency  prometheus.Histogram
	batches  prometheus.Histogram
}

// newMetrics makes the collectors and registers them, unless r is nil.
func newMetrics(r prometheus.Registerer, s *Sender) *metrics {
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signalbox_delivery_attempts_total", Help: "Attempts to deliver, by outcome.",
		}, []string{"outcome"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "signalbox_delivery_attempt_duration_seconds", Help: "From the start of an attempt to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15},
		}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "signalbox_delivery_latency_seconds", Help: "From the making of an event to the answer to its first attempt.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800},
		}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "signalbox_delivery_settle_batch_size", Help: "Settlements given to the database at once.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
	}
	if r == nil {
		return m
	}
	r.MustRegister(m.attempts, m.duration, m.latency, m.batches)
	for _, g := range []struct {
		name, help string
		read       func(Load) int
	}{
		{"in_flight", "Requests in flight.", func(l Load) int { return l.InFlight }},
		{"queued", "Deliveries queued in memory.", func(l Load) int { return l.Queued }},
		{"unsettled", "Deliveries answered and not settled yet.", func(l Load) int { return l.Unsettled }},
		{"held_bytes", "Bytes of bodies held in memory.", func(l Load) int { return l.Bytes }},
		{"lanes", "Lanes in memory.", func(l Load) int { return l.Lanes }},
	} {
		opts := prometheus.GaugeOpts{Name: "signalbox_delivery_" + g.name, Help: g.help}
		r.MustRegister(prometheus.NewGaugeFunc(opts, func() float64 { return float64(g.read(s.Load())) }))
	}
	return m
}

// attempt counts an attempt that ended at end. outcome is one of a few words.
func (m *metrics) attempt(it *item, took time.Duration, outcome string, end time.Time) {
	m.attempts.WithLabelValues(outcome).Inc()
	m.duration.Observe(took.Seconds())
	if it.Attempts == 0 && it.Manual == nil && !it.Test && outcome != outcomeCut {
		m.latency.Observe(end.Sub(it.CreatedAt).Seconds())
	}
}

func (m *metrics) batch(n int) { m.batches.Observe(float64(n)) }

// Load is what a Sender holds at one moment.
type Load struct {
	Lanes     int // webhooks in memory
	Reserved  int // promised to a turn or a claim
	Queued    int
	InFlight  int
	Unsettled int // answered, not settled
	Releasing int // to be given back to the table
	Bytes     int // of the bodies that are held
}

// Load returns what the Sender holds now.
func (s *Sender) Load() Load {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held
	return Load{
		Lanes: len(s.lanes), Reserved: h.reserved, Queued: h.queued, InFlight: h.inFlight,
		Unsettled: h.unsettled, Releasing: h.releasing, Bytes: h.bytes,
	}
}
