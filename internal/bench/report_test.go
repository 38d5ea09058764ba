package bench_test

import (
	"bytes"
	"strings"
	"testing"

	"signalbox/internal/bench"
)

func TestText_ShowsEachScenarioAndEachTarget(t *testing.T) {
	t.Parallel()
	r := &bench.Report{
		Version: "1.0", CPUs: 2, FileSystem: "tmpfs", Rounds: 3, Seconds: 5, Accounts: 10_000, Contacts: 50_000,
		Idle:     &bench.IdleResult{ReadyMS: 80, ResidentMB: 18.5, BinaryMB: 21},
		Ingest:   []bench.IngestResult{{Connections: 64, Held: true, Ratio: .215, Median: bench.Sample{PerSecond: 12345.6, CPUMicros: 81.4, Failed: 3}}},
		Batch:    &bench.BatchResult{Size: 500, Connections: 4},
		Delivery: &bench.DeliveryResult{Bound: 1000, Median: bench.Flow{OutPerSecond: 4000, Duplicates: 2}},
		Flood:    &bench.Flow{Backlog: 12000, DrainSeconds: 3.5},
		Latency:  &bench.LatencyResult{Rate: 500, Median: bench.LatencySample{EndToEnd: bench.Latency{P50: 2.35}}},
		Growth:   &bench.GrowthResult{Connections: 64, Ratio: .9, RestartedAt: 1_000_000, ReadyMS: 120},
		Viewer: &bench.ViewerResult{Signals: 1_000_324, Accounts: 100_000, Contacts: 500_000, Rate: 500, Ratio: 1.125, Pages: []bench.PageResult{
			{Name: "Contacts, Okafor 47, by -last_signal_at", Shown: bench.Latency{Count: 12, P95: 81}, Requests: []bench.RequestResult{
				{Path: "/v1/webhooks/{id}/deliveries?limit=50", Took: bench.Latency{P95: 79}}, {Path: "/v1/event-types", Took: bench.Latency{P95: 3}},
			}},
			{Name: "Overview", Shown: bench.Latency{Count: 12, P95: 4}},
		}},
		Targets: []bench.Target{
			{Name: "reached", Bound: "at least", Want: .18, Got: .215, Unit: "of it", Met: true},
			{Name: "missed", Bound: "at most", Want: 50, Got: 61, Unit: "µs"},
		},
	}
	var out bytes.Buffer
	if err := r.Text(&out, bench.Plain); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"WARNING: on tmpfs", "ready after 80 ms", "12,346", "0.215", "! 3 requests failed", "! 2 deliveries twice", "12,000", "2.35", "18.5 MB",
		"1,000,324 signals delivered", "79 /v1/webhooks/{id}/deliveries\n", "the slowest: Contacts, Okafor 47, by -last_signal_at, 81 ms", "1.125 of that without",
		"ready with 1,000,000 signals: 120 ms", "✓ reached", "≥ 0.18", "✗ missed", "≤ 50",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(line)); n > 121 {
			t.Errorf("a line has %d characters: %s", n, line)
		}
	}
}
