package bench

import "fmt"

// Target is a number to reach.
type Target struct {
	Name  string  `json:"name"`
	Bound string  `json:"bound"` // "at least" or "at most"
	Want  float64 `json:"want"`
	Got   float64 `json:"got"`
	Unit  string  `json:"unit"`
	Met   bool    `json:"met"`
}

const (
	atLeast = "at least"
	atMost  = "at most"
)

// What the program is meant to reach on a small machine: 2 cores, shared with the load and the receiver.
const (
	wantRatio64         = .18
	wantRatio256        = .28
	wantBatchMicros     = 50
	wantDeliveryMicros  = 200
	wantP50             = 5
	wantP99             = 40
	wantIdleMB          = 60
	wantBinaryMB        = 45
	wantReadyMS         = 500
	wantReadyMillionMS  = 2000
	wantGrowthRatio     = .7
	wantReadyAt         = 1_000_000
	wantGrowthAt        = 2_000_000
	latencyTargetAtRate = 500
	wantPageMS          = 150
	wantViewerRatio     = 1.2
	wantViewed          = 100_000
	wantIsolationRatio  = 1.2
	wantIsolationMS     = 50
	wantThroughput      = .95
	wantReuse           = .95
	wantJudgingRatio    = 1.6
	wantCaptureP99      = 25
	wantAudienceSeconds = 90
	wantAudienceRatio   = 1.2
	wantAudienceOf      = 1_000_000
)

// What it is meant to reach on PostgreSQL, whose CPU time counts with the server's.
const (
	wantPostgresDeliveryMicros = 300
	wantNodesCPURatio          = 1.2
	wantIdleStatements         = 2
)

// targets holds what was measured against what is wanted.
func targets(r *Report) (list []Target) {
	add := func(name, bound string, want, got float64, unit string) {
		list = append(list, held(name, bound, want, got, unit))
	}
	for _, i := range r.Ingest {
		if want := map[int]float64{64: wantRatio64, 256: wantRatio256}[i.Connections]; want > 0 && i.Held {
			add(fmt.Sprintf("ingest at %d connections, sending held", i.Connections), atLeast, want, i.Ratio, "of the bare handler")
		}
	}
	if r.Database != nil {
		return append(list, postgresTargets(r)...)
	}
	if r.Batch != nil && r.Batch.Median.CPUMicros > 0 {
		add("batch door, CPU per signal", atMost, wantBatchMicros, r.Batch.Median.CPUMicros, "µs")
	}
	if r.Delivery != nil && r.Delivery.Median.CPUMicros > 0 {
		add("signal in to webhook received, CPU per event", atMost, wantDeliveryMicros, r.Delivery.Median.CPUMicros, "µs")
	}
	if r.Latency != nil && r.Latency.Rate == latencyTargetAtRate {
		add("signal to receiver at 500/s, p50", atMost, wantP50, r.Latency.Median.EndToEnd.P50, "ms")
		add("signal to receiver at 500/s, p99", atMost, wantP99, r.Latency.Median.EndToEnd.P99, "ms")
	}
	if r.Idle != nil {
		add("idle resident memory", atMost, wantIdleMB, r.Idle.ResidentMB, "MB")
		add("binary", atMost, wantBinaryMB, r.Idle.BinaryMB, "MB")
		add("ready on an empty database", atMost, wantReadyMS, r.Idle.ReadyMS, "ms")
	}
	if i := r.Isolation; i != nil {
		add("healthy webhooks beside dead ones at 70 % of capacity, p99", atMost, i.mostP99(), i.Beside.EndToEnd.P99, "ms")
		add("their throughput", atLeast, wantThroughput, i.Throughput, "of that without them")
		add("attempts over a connection that was there", atLeast, wantReuse, i.Reused, "of all")
	}
	if i := r.Intelligence; i != nil && i.CPURatio > 0 {
		add("signals judged by all that is defined, CPU", atMost, wantJudgingRatio, i.CPURatio, "of that with nothing defined")
		if i.Rate == latencyTargetAtRate {
			add("captures answered at 500/s, p99", atMost, wantCaptureP99, i.Captures.Latency.P99, "ms")
		}
	}
	if a := r.Audience; a != nil && a.Rate == latencyTargetAtRate {
		if a.Signals >= wantAudienceOf {
			add("a new audience over 1,000,000 signals", atMost, wantAudienceSeconds, a.Seconds, "s")
		}
		add("signals at 500/s while an audience is filled, p99", atMost, wantAudienceRatio, a.Ratio, "of that before")
	}
	if g := r.Growth; g != nil {
		if g.RestartedAt >= wantReadyAt {
			add("ready with 1,000,000 signals", atMost, wantReadyMillionMS, g.ReadyMS, "ms")
		}
		if last := len(g.Samples) - 1; last > 0 && g.Samples[last].Stored >= wantGrowthAt {
			add("ingest rate at 2,000,000 signals", atLeast, wantGrowthRatio, g.Ratio, "of the rate at the start")
		}
	}
	if v := r.Viewer; v != nil && v.Signals >= wantViewed && v.Rate == latencyTargetAtRate {
		at := fmt.Sprintf("with %s signals", thousands(float64(v.Signals/wantViewed*wantViewed)))
		add("the slowest page's data "+at+", p95", atMost, wantPageMS, v.slowest().Shown.P95, "ms")
		add("ingest at 500/s with a viewer "+at+", p99", atMost, wantViewerRatio, v.Ratio, "of that without")
	}
	return list
}

// postgresTargets are those of PostgreSQL alone. What counts the CPU time of both is held against its target only where both were counted.
func postgresTargets(r *Report) (list []Target) {
	if r.Delivery != nil && r.Database.CPUCounted {
		list = append(list, held("signal in to webhook received, CPU of server and PostgreSQL", atMost, wantPostgresDeliveryMicros, r.Delivery.Median.CPUMicros, "µs"))
	}
	if r.Nodes != nil && r.Database.CPUCounted {
		list = append(list, held("two nodes, CPU per event", atMost, wantNodesCPURatio, r.Nodes.CPURatio, "of one node's"))
	}
	if r.Idle != nil {
		list = append(list, held("idle node, statements to PostgreSQL", atMost, wantIdleStatements, r.Idle.StatementsPerSecond, "a second"),
			held("idle resident memory", atMost, wantIdleMB, r.Idle.ResidentMB, "MB"))
	}
	return list
}

// held holds a measured number against what is wanted.
func held(name, bound string, want, got float64, unit string) Target {
	met := got >= want
	if bound == atMost {
		met = got <= want && got > 0
	}
	return Target{name, bound, want, got, unit, met}
}
