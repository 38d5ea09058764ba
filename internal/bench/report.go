package bench

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Report is everything that a run has measured. Scenarios that did not run are missing.
type Report struct {
	Version      string              `json:"version"`
	StartedAt    time.Time           `json:"started_at"`
	TookSeconds  float64             `json:"took_seconds"`
	System       string              `json:"system"`
	Go           string              `json:"go"`
	CPUs         int                 `json:"cpus"`
	FileSystem   string              `json:"file_system,omitempty"`
	OtherWork    float64             `json:"other_work"` // the share of the machine's CPU time that went elsewhere
	Accounts     int                 `json:"accounts"`
	Contacts     int                 `json:"contacts"`
	Rounds       int                 `json:"rounds"`
	Seconds      float64             `json:"round_seconds"`
	Preload      int                 `json:"preloaded_signals"`
	Keys         bool                `json:"idempotency_keys"`
	Database     *DatabaseInfo       `json:"database,omitempty"` // missing: the embedded one
	Idle         *IdleResult         `json:"idle,omitempty"`
	Ingest       []IngestResult      `json:"ingest,omitempty"`
	Batch        *BatchResult        `json:"batch,omitempty"`
	Delivery     *DeliveryResult     `json:"delivery,omitempty"`
	Flood        *Flow               `json:"flood,omitempty"`
	Latency      *LatencyResult      `json:"latency,omitempty"`
	Nodes        *NodesResult        `json:"nodes,omitempty"`
	Isolation    *IsolationResult    `json:"isolation,omitempty"`
	Intelligence *IntelligenceResult `json:"intelligence,omitempty"`
	Audience     *AudienceResult     `json:"audience,omitempty"`
	Growth       *GrowthResult       `json:"growth,omitempty"`
	Viewer       *ViewerResult       `json:"viewer,omitempty"`
	Targets      []Target            `json:"targets"`
}

// Sample is one round of a load. CPU is that of the processes that served it: the server, and PostgreSQL where it is counted.
type Sample struct {
	PerSecond      float64 `json:"per_second"` // signals acknowledged
	Accepted       int64   `json:"accepted"`
	Refused        int64   `json:"refused"`
	Failed         int64   `json:"failed"`
	Latency        Latency `json:"latency"` // of requests
	CPUMicros      float64 `json:"cpu_us_per_signal"`
	DatabaseMicros float64 `json:"database_cpu_us_per_signal,omitempty"` // PostgreSQL's part of it
	WALBytes       float64 `json:"wal_bytes_per_signal,omitempty"`
}

func sample(o *outcome, used usage) Sample {
	n := o.accepted.Load()
	return Sample{
		PerSecond: round3(float64(n) / o.elapsed.Seconds()), Accepted: n, Refused: o.refused.Load(), Failed: o.failed.Load(),
		Latency: o.latency.Latency(), CPUMicros: perEvent(used.cpu(), n), DatabaseMicros: perEvent(used.database, n), WALBytes: perSignal(used.wal, n),
	}
}

// IngestResult is single signals at one number of connections, beside the bare handler.
type IngestResult struct {
	Connections int      `json:"connections"`
	Held        bool     `json:"deliveries_held"`
	Median      Sample   `json:"median"`
	BareMedian  Sample   `json:"bare_median"`
	Ratio       float64  `json:"ratio"` // of the medians of the rates
	PeakMB      float64  `json:"peak_mb"`
	Server      []Sample `json:"rounds"`
	Bare        []Sample `json:"bare_rounds"`
}

// BatchResult is the batch door.
type BatchResult struct {
	Size        int      `json:"signals_per_request"`
	Connections int      `json:"connections"`
	Held        bool     `json:"deliveries_held"`
	Median      Sample   `json:"median"`
	Server      []Sample `json:"rounds"`
}

// Flow is one round of signals in and webhooks out, until all were received.
type Flow struct {
	Accepted        int64       `json:"accepted"`
	Received        int64       `json:"received"`
	Duplicates      int64       `json:"duplicates"`
	Bad             int64       `json:"bad_signatures"`
	Refused         int64       `json:"refused"`
	Failed          int64       `json:"failed"`
	InPerSecond     float64     `json:"in_per_second"`
	OutPerSecond    float64     `json:"out_per_second"` // from the first sent to the last received
	OutWhileSending float64     `json:"out_per_second_while_sending"`
	Backlog         int64       `json:"backlog"` // when sending ended
	DrainSeconds    float64     `json:"drain_seconds"`
	CPUMicros       float64     `json:"cpu_us_per_event"` // of server and PostgreSQL: ingest, delivery and settling
	DatabaseMicros  float64     `json:"database_cpu_us_per_event,omitempty"`
	WALBytes        float64     `json:"wal_bytes_per_event,omitempty"`
	GeneratorMicros float64     `json:"generator_cpu_us_per_signal"`
	PeakMB          float64     `json:"peak_mb"`
	Ingest          Latency     `json:"ingest_latency"`
	EndToEnd        Latency     `json:"end_to_end"`
	Shares          []NodeShare `json:"nodes"`
}

// NodeShare is a node's part of what all did.
type NodeShare struct {
	Signals float64 `json:"signals"` // of those accepted
	CPU     float64 `json:"cpu"`     // of the servers' CPU time
}

// NodesResult is one node and two on one database, in turn, under the same load.
type NodesResult struct {
	Connections int     `json:"connections"`
	Bound       int64   `json:"backlog_bound"`
	One         Flow    `json:"one"`
	Two         Flow    `json:"two"`
	CPURatio    float64 `json:"cpu_ratio"`  // of the CPU per event of two nodes to that of one
	RateRatio   float64 `json:"rate_ratio"` // of the rates
	OneRounds   []Flow  `json:"one_rounds"`
	TwoRounds   []Flow  `json:"two_rounds"`
}

// DeliveryResult is the sustained flow.
type DeliveryResult struct {
	Connections int    `json:"connections"`
	Bound       int64  `json:"backlog_bound"`
	Median      Flow   `json:"median"`
	Rounds      []Flow `json:"rounds"`
}

// LatencySample is one round of the open loop.
type LatencySample struct {
	Accepted       int64   `json:"accepted"`
	Duplicates     int64   `json:"duplicates"`
	EndToEnd       Latency `json:"end_to_end"` // from the moment of sending to the receiver
	Ingest         Latency `json:"ingest"`     // from the moment of sending to the answer
	Late           Latency `json:"generator_late"`
	CPUMicros      float64 `json:"cpu_us_per_event"`
	DatabaseMicros float64 `json:"database_cpu_us_per_event,omitempty"`
}

// LatencyResult is the open loop.
type LatencyResult struct {
	Rate        int             `json:"rate"`
	Connections int             `json:"connections"`
	Median      LatencySample   `json:"median"`
	Rounds      []LatencySample `json:"rounds"`
}

// IdleResult is a server that has nothing to do.
type IdleResult struct {
	ReadyMS             float64   `json:"ready_ms"`
	ResidentMB          float64   `json:"resident_mb"`
	BinaryMB            float64   `json:"binary_mb"`
	StatementsPerSecond float64   `json:"statements_per_second,omitempty"` // sent to PostgreSQL
	ReadyMSRounds       []float64 `json:"ready_ms_rounds"`
	ResidentMBRounds    []float64 `json:"resident_mb_rounds"`
}

// GrowthSample is the ingest rate at one size of the database.
type GrowthSample struct {
	Stored int      `json:"stored"`
	Median Sample   `json:"median"`
	Rounds []Sample `json:"rounds"`
}

// FillStep is the batch door's rate on the way to a size.
type FillStep struct {
	Stored    int     `json:"stored"`
	PerSecond float64 `json:"per_second"`
}

// GrowthResult is what the size of the database does to the server.
type GrowthResult struct {
	Connections      int            `json:"connections"`
	Samples          []GrowthSample `json:"samples"`
	Ratio            float64        `json:"ratio"` // of the last rate to the first
	Fill             []FillStep     `json:"fill"`
	RestartedAt      int            `json:"restarted_at"` // signals stored
	ReadyMS          float64        `json:"ready_ms"`
	ReadyAfterKillMS float64        `json:"ready_after_kill_ms"`
	DatabaseMB       float64        `json:"database_mb"`
	ResidentMB       float64        `json:"resident_mb"`
	PeakMB           float64        `json:"peak_mb"`
}

// ViewerResult is signals at a steady rate with nobody looking and with a viewer, in turn, and what the viewer waited for.
type ViewerResult struct {
	Signals       int          `json:"signals"` // stored and delivered when the measurement began
	Accounts      int          `json:"accounts"`
	Contacts      int          `json:"contacts"`
	Rate          int          `json:"rate"`
	Alone         Sample       `json:"alone"`
	Watched       Sample       `json:"watched"`
	Ratio         float64      `json:"ratio"`  // of the ingest p99 with a viewer to that without
	Pages         []PageResult `json:"pages"`  // over all rounds
	Events        int64        `json:"events"` // signals that the stream showed
	DatabaseMB    float64      `json:"database_mb"`
	PeakMB        float64      `json:"peak_mb"`
	AloneRounds   []Sample     `json:"alone_rounds"`
	WatchedRounds []Sample     `json:"watched_rounds"`
}

// PageResult is a page of the dashboard in one state.
type PageResult struct {
	Name     string          `json:"name"`
	Shown    Latency         `json:"shown"` // until the last of its requests was answered
	Requests []RequestResult `json:"requests"`
}

// RequestResult is what a page asks for.
type RequestResult struct {
	Path string  `json:"path"`
	Took Latency `json:"took"`
}

// slowest is the page that was waited for longest, by the 95th percentile.
func (v *ViewerResult) slowest() PageResult {
	return slices.MaxFunc(v.Pages, func(a, b PageResult) int { return cmp.Compare(a.Shown.P95, b.Shown.P95) })
}

// median takes the median of each number by itself; counts are summed.
func median(s []Sample) (m Sample) {
	for i := range s {
		m.Accepted += s[i].Accepted
		m.Refused += s[i].Refused
		m.Failed += s[i].Failed
	}
	m.PerSecond = middle(s, func(s *Sample) float64 { return s.PerSecond })
	m.CPUMicros = middle(s, func(s *Sample) float64 { return s.CPUMicros })
	m.DatabaseMicros = middle(s, func(s *Sample) float64 { return s.DatabaseMicros })
	m.WALBytes = middle(s, func(s *Sample) float64 { return s.WALBytes })
	m.Latency = middleLatency(s, func(s *Sample) Latency { return s.Latency })
	return m
}

func medianFlow(s []Flow) (m Flow) {
	for i := range s {
		m.Accepted += s[i].Accepted
		m.Received += s[i].Received
		m.Duplicates += s[i].Duplicates
		m.Bad += s[i].Bad
		m.Refused += s[i].Refused
		m.Failed += s[i].Failed
		m.PeakMB = max(m.PeakMB, s[i].PeakMB)
	}
	m.InPerSecond = middle(s, func(f *Flow) float64 { return f.InPerSecond })
	m.OutPerSecond = middle(s, func(f *Flow) float64 { return f.OutPerSecond })
	m.OutWhileSending = middle(s, func(f *Flow) float64 { return f.OutWhileSending })
	m.Backlog = int64(middle(s, func(f *Flow) float64 { return float64(f.Backlog) }))
	m.DrainSeconds = middle(s, func(f *Flow) float64 { return f.DrainSeconds })
	m.CPUMicros = middle(s, func(f *Flow) float64 { return f.CPUMicros })
	m.DatabaseMicros = middle(s, func(f *Flow) float64 { return f.DatabaseMicros })
	m.WALBytes = middle(s, func(f *Flow) float64 { return f.WALBytes })
	for i := range s[0].Shares {
		m.Shares = append(m.Shares, NodeShare{
			Signals: middle(s, func(f *Flow) float64 { return f.Shares[i].Signals }), CPU: middle(s, func(f *Flow) float64 { return f.Shares[i].CPU }),
		})
	}
	m.GeneratorMicros = middle(s, func(f *Flow) float64 { return f.GeneratorMicros })
	m.Ingest = middleLatency(s, func(f *Flow) Latency { return f.Ingest })
	m.EndToEnd = middleLatency(s, func(f *Flow) Latency { return f.EndToEnd })
	return m
}

func medianLatency(s []LatencySample) (m LatencySample) {
	for i := range s {
		m.Accepted += s[i].Accepted
		m.Duplicates += s[i].Duplicates
	}
	m.EndToEnd = middleLatency(s, func(l *LatencySample) Latency { return l.EndToEnd })
	m.Ingest = middleLatency(s, func(l *LatencySample) Latency { return l.Ingest })
	m.Late = middleLatency(s, func(l *LatencySample) Latency { return l.Late })
	m.CPUMicros = middle(s, func(l *LatencySample) float64 { return l.CPUMicros })
	m.DatabaseMicros = middle(s, func(l *LatencySample) float64 { return l.DatabaseMicros })
	return m
}

func middleLatency[T any](s []T, of func(*T) Latency) (m Latency) {
	for i := range s {
		m.Count += of(&s[i]).Count
	}
	m.P50 = middle(s, func(t *T) float64 { return of(t).P50 })
	m.P90 = middle(s, func(t *T) float64 { return of(t).P90 })
	m.P95 = middle(s, func(t *T) float64 { return of(t).P95 })
	m.P99 = middle(s, func(t *T) float64 { return of(t).P99 })
	m.P999 = middle(s, func(t *T) float64 { return of(t).P999 })
	m.Max = middle(s, func(t *T) float64 { return of(t).Max })
	return m
}

func middle[T any](s []T, of func(*T) float64) float64 {
	values := make([]float64, len(s))
	for i := range s {
		values[i] = of(&s[i])
	}
	return medianOf(values)
}

// medianOf is the middle value, or the mean of the two in the middle.
func medianOf(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return round3((sorted[half-1] + sorted[half]) / 2)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return round3(a / b)
}

// perEvent is CPU time in microseconds per event.
func perEvent(cpu time.Duration, n int64) float64 {
	if n == 0 {
		return 0
	}
	return round3(float64(cpu.Microseconds()) / float64(n))
}

// perSignal is a number of bytes for each signal.
func perSignal(bytes, n int64) float64 {
	if n == 0 {
		return 0
	}
	return math.Round(float64(bytes) / float64(n))
}

// megabytes are of 2^20 bytes.
func megabytes(n int64) float64 { return round3(float64(n) / (1 << 20)) }

// round3 keeps three decimals: no measurement here knows more.
func round3(v float64) float64 { return math.Round(v*1000) / 1000 }
