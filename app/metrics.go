package app

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// statsWithin bounds what a scrape may ask of the database.
const statsWithin = 2 * time.Second

// metrics are what /metrics shows, in a registry of this server's own.
type metrics struct {
	app      *App
	registry *prometheus.Registry

	requests *prometheus.HistogramVec
	signals  prometheus.Counter
	turns    prometheus.Histogram
	commit   prometheus.Histogram

	waiting, waitingBytes, stored, open, oldest, file, wal, nodes, lost, stalled *prometheus.Desc
}

func newMetrics(a *App) *metrics {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc("signalbox_"+name, help, nil, nil) }
	m := &metrics{
		app: a, registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "signalbox_http_request_duration_seconds", Help: "Requests by operation and status class.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"operation", "status"}),
		signals: prometheus.NewCounter(prometheus.CounterOpts{Name: "signalbox_signals_total", Help: "Signals committed by this process."}),
		turns: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "signalbox_turn_signals", Help: "Signals committed per turn.", Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "signalbox_turn_duration_seconds", Help: "Time from taking a turn to its commit.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
		}),
		waiting:      desc("intake_waiting_inputs", "Inputs that wait for a turn."),
		waitingBytes: desc("intake_waiting_bytes", "Bytes of inputs that wait for a turn."),
		stored:       desc("signals_stored", "Signals in the database, about."),
		open:         desc("deliveries_open", "Deliveries that still wait for an attempt."),
		oldest:       desc("deliveries_oldest_due_seconds", "How long the oldest due delivery has waited."),
		file:         desc("database_bytes", "Size of the database file."),
		wal:          desc("database_wal_bytes", "Size of the write-ahead log."),
		nodes:        desc("nodes_live", "Nodes that share the work of sending, as this one knows."),
		lost:         desc("lease_lost_total", "How often this node has lost its lease."),
		stalled:      desc("sender_stalled_seconds", "For how long sending has stood still that could go on; 0: it does not."),
	}
	return m
}

// watch registers everything once the rooms stand.
func (m *metrics) watch() {
	m.registry.MustRegister(m, m.requests, m.signals, m.turns, m.commit,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if m.app.cfg.DatabaseURL != "" {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "signalbox_database_statements_total", Help: "Statements sent to PostgreSQL, those that begin and end transactions among them.",
		}, func() float64 { return float64(m.app.db.Statements()) }))
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// observe counts a finished request.
func (m *metrics) observe(operation string, status int, took time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}

// turn counts a committed turn.
func (m *metrics) turn(signals int, took time.Duration) {
	m.signals.Add(float64(signals))
	m.turns.Observe(float64(signals))
	m.commit.Observe(took.Seconds())
}

// Describe lists what Collect reads at each scrape.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.waiting, m.waitingBytes, m.stored, m.open, m.oldest, m.file, m.wal, m.nodes, m.lost, m.stalled} {
		ch <- d
	}
}

// Collect reads the gauges.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	inputs, bytes := m.app.intake.Waiting()
	gauge(m.waiting, float64(inputs))
	gauge(m.waitingBytes, float64(bytes))
	gauge(m.nodes, float64(m.app.node.Live()))
	gauge(m.stalled, m.app.stalls.stalled().Seconds())
	ch <- prometheus.MustNewConstMetric(m.lost, prometheus.CounterValue, float64(m.app.node.LeasesLost()))
	ctx, cancel := context.WithTimeout(context.Background(), statsWithin)
	defer cancel()
	s, err := m.app.db.Stats(ctx)
	if err != nil {
		m.app.log.Warn("metrics.stats", "err", err)
		return
	}
	gauge(m.stored, float64(s.Signals))
	gauge(m.open, float64(s.OpenDeliveries))
	var age float64
	if !s.OldestDue.IsZero() {
		age = max(0, m.app.node.Now().Sub(s.OldestDue).Seconds())
	}
	gauge(m.oldest, age)
	gauge(m.file, float64(s.FileBytes))
	gauge(m.wal, float64(s.WALBytes))
}
