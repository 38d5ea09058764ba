package bench

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"signalbox/internal/boxtest/pgserver"
)

// Paint colours the verdict on a target; Plain leaves it alone.
type Paint func(met bool, text string) string

// Plain is for files and pipes.
func Plain(_ bool, text string) string { return text }

// Text writes the report for people: a block for each scenario, and the targets at the end.
func (r *Report) Text(w io.Writer, paint Paint) error {
	p := &page{}
	p.head(r)
	if r.Database != nil {
		p.database(r.Database)
	}
	if r.Idle != nil {
		p.idle(r.Idle)
	}
	if len(r.Ingest) > 0 {
		p.ingest(r.Ingest)
	}
	if r.Batch != nil {
		p.batch(r.Batch)
	}
	if r.Delivery != nil || r.Flood != nil {
		p.delivery(r.Delivery, r.Flood)
	}
	if r.Latency != nil {
		p.latency(r.Latency)
	}
	if r.Nodes != nil {
		p.nodes(r.Nodes)
	}
	if r.Isolation != nil {
		p.isolation(r.Isolation)
	}
	if r.Intelligence != nil {
		p.intelligence(r.Intelligence)
	}
	if r.Audience != nil {
		p.audience(r.Audience)
	}
	if r.Growth != nil {
		p.growth(r.Growth)
	}
	if r.Viewer != nil {
		p.viewer(r.Viewer)
	}
	p.targets(r.Targets, paint)
	_, err := w.Write(p.Bytes())
	return err
}

// page is the text under way.
type page struct{ bytes.Buffer }

func (p *page) line(format string, args ...any) {
	p.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	p.WriteByte('\n')
}

func (p *page) head(r *Report) {
	p.line("signalbox bench  %s · %s · %s · %d CPUs · %s", r.Version, r.Go, r.System, r.CPUs, orElse(r.FileSystem, "unknown file system"))
	p.line("Every commit synced. %s accounts (half of the traffic on %s), %s contacts, bodies of about 600 bytes.",
		thousands(float64(r.Accounts)), thousands(float64(r.Accounts/hotEvery)), thousands(float64(r.Contacts)))
	p.line("Medians of %d rounds of %s s. Load, receiver and server share the CPUs; other work on the machine: %.0f %%.", r.Rounds, short(r.Seconds), 100*r.OtherWork)
	if r.Preload > 0 {
		p.line("%s signals were stored before.", thousands(float64(r.Preload)))
	}
	if r.FileSystem == "tmpfs" {
		p.line("WARNING: on tmpfs a sync costs nothing. Give --dir on a real disk.")
	}
}

func (p *page) database(d *DatabaseInfo) {
	whose := "as it was found"
	if d.Private {
		whose = "private to this run"
	}
	p.line("PostgreSQL %s, %s · synchronous_commit %s · shared_buffers %s · max_wal_size %s · full_page_writes %s",
		d.Version, whose, d.SynchronousCommit, d.SharedBuffers, d.MaxWALSize, d.FullPageWrites)
	if d.Private {
		p.line("Its environment: %s (docs/operations.md).", strings.Join(pgserver.KeepMemory, " "))
	}
	if d.CPUCounted {
		p.line("CPU is that of the server and of PostgreSQL's processes together; in brackets PostgreSQL's part.")
		return
	}
	p.line("CPU is that of the server alone: PostgreSQL runs elsewhere, and its CPU time cannot be counted from here.")
}

func (p *page) idle(i *IdleResult) {
	p.line("\nIdle")
	p.line("  ready after %s ms on an empty database · %s MB resident · binary %s MB", short(i.ReadyMS), short(i.ResidentMB), short(i.BinaryMB))
	if i.StatementsPerSecond > 0 {
		p.line("  %s statements a second to PostgreSQL", short(i.StatementsPerSecond))
	}
}

func (p *page) ingest(list []IngestResult) {
	how := "deliveries recorded, sending held"
	if !list[0].Held {
		how = "deliveries sent meanwhile"
	}
	p.line("\nSignals in, one per request (%s)", how)
	p.line("  %11s %11s %9s %9s %11s %8s %12s %9s %7s", "connections", "signals/s", "p50 ms", "p99 ms", "CPU µs", "peak MB", "bare req/s", "CPU µs", "ratio")
	for _, i := range list {
		p.line("  %11d %11s %9s %9s %11s %8s %12s %9s %7.3f", i.Connections, thousands(i.Median.PerSecond), short(i.Median.Latency.P50), short(i.Median.Latency.P99),
			cpu(i.Median.CPUMicros, i.Median.DatabaseMicros), known(i.PeakMB), thousands(i.BareMedian.PerSecond), known(i.BareMedian.CPUMicros), i.Ratio)
		p.wal(i.Median.WALBytes)
		p.problems(i.Median.Refused, i.Median.Failed, 0, 0)
	}
}

func (p *page) batch(b *BatchResult) {
	p.line("\nSignals in, %d per request, %d connections", b.Size, b.Connections)
	p.line("  %s signals/s · request p50 %s ms, p99 %s ms · %s µs of CPU per signal", thousands(b.Median.PerSecond),
		short(b.Median.Latency.P50), short(b.Median.Latency.P99), cpu(b.Median.CPUMicros, b.Median.DatabaseMicros))
	p.wal(b.Median.WALBytes)
	p.problems(b.Median.Refused, b.Median.Failed, 0, 0)
}

func (p *page) delivery(d *DeliveryResult, flood *Flow) {
	p.line("\nSignal in to webhook received, one webhook, signatures verified")
	p.flowHead()
	if d != nil {
		p.flow(fmt.Sprintf("sustained (≤ %s)", thousands(float64(d.Bound))), d.Median)
		p.wal(d.Median.WALBytes)
	}
	if flood != nil {
		p.flow("flood, then drain", *flood)
	}
}

func (p *page) flowHead() {
	p.line("  %-22s %9s %9s %11s %9s %9s %9s %9s %8s", "", "in/s", "out/s", "CPU µs", "p50 ms", "p99 ms", "backlog", "drain s", "peak MB")
}

func (p *page) flow(name string, f Flow) {
	p.line("  %-22s %9s %9s %11s %9s %9s %9s %9s %8s", name, thousands(f.InPerSecond), thousands(f.OutPerSecond), cpu(f.CPUMicros, f.DatabaseMicros),
		short(f.EndToEnd.P50), short(f.EndToEnd.P99), thousands(float64(f.Backlog)), short(f.DrainSeconds), known(f.PeakMB))
	p.problems(f.Refused, f.Failed, f.Duplicates, f.Bad)
}

func (p *page) nodes(n *NodesResult) {
	p.line("\nOne node and two on one database, %d connections in all, sustained (≤ %s)", n.Connections, thousands(float64(n.Bound)))
	p.flowHead()
	p.flow("one node", n.One)
	p.flow("two nodes", n.Two)
	p.line("  CPU per event of two nodes is %.3f of one's, the rate %.3f", n.CPURatio, n.RateRatio)
	for i, s := range n.Two.Shares {
		p.line("  of two, node %d accepted %.1f %% of the signals and used %.1f %% of the servers' CPU", i+1, 100*s.Signals, 100*s.CPU)
	}
}

// wal says what PostgreSQL wrote to its log; nothing where that is not known.
func (p *page) wal(bytes float64) {
	if bytes > 0 {
		p.line("  %11s %s bytes of PostgreSQL's log for each", "", thousands(bytes))
	}
}

func (p *page) latency(l *LatencyResult) {
	m := l.Median
	p.line("\nOpen loop, %s signals a second", thousands(float64(l.Rate)))
	p.line("  %-22s %9s %9s %9s %9s %9s", "", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms")
	row := func(name string, v Latency) {
		p.line("  %-22s %9s %9s %9s %9s %9s", name, short(v.P50), short(v.P90), short(v.P99), short(v.P999), short(v.Max))
	}
	row("signal to receiver", m.EndToEnd)
	row("signal to answer", m.Ingest)
	row("generator late by", m.Late)
	p.line("  %s µs of CPU per event", cpu(m.CPUMicros, m.DatabaseMicros))
	p.problems(0, 0, m.Duplicates, 0)
}

func (p *page) growth(g *GrowthResult) {
	p.line("\nGrowth, %d connections, one signal per request, sending held", g.Connections)
	p.line("  %14s %11s %9s %9s %11s", "signals stored", "signals/s", "p50 ms", "p99 ms", "CPU µs")
	for _, s := range g.Samples {
		p.line("  %14s %11s %9s %9s %11s", thousands(float64(s.Stored)), thousands(s.Median.PerSecond), short(s.Median.Latency.P50), short(s.Median.Latency.P99),
			cpu(s.Median.CPUMicros, s.Median.DatabaseMicros))
	}
	p.line("  the last rate is %.3f of the first · database %s MB · resident %s MB, peak %s MB", g.Ratio, thousands(g.DatabaseMB), short(g.ResidentMB), known(g.PeakMB))
	if g.RestartedAt > 0 {
		p.line("  ready with %s signals: %s ms after a stop, %s ms after a kill", thousands(float64(g.RestartedAt)), short(g.ReadyMS), short(g.ReadyAfterKillMS))
	}
}

func (p *page) viewer(v *ViewerResult) {
	p.line("\nViewer, %s signals a second, with %s signals delivered, %s accounts, %s contacts", thousands(float64(v.Rate)), thousands(float64(v.Signals)),
		thousands(float64(v.Accounts)), thousands(float64(v.Contacts)))
	p.line("  %-44s %7s %9s %9s %9s  %s", "page", "times", "p50 ms", "p95 ms", "max ms", "slowest of its requests, p95 ms")
	for _, page := range v.Pages {
		slow := ""
		if len(page.Requests) > 1 {
			of := slices.MaxFunc(page.Requests, func(a, b RequestResult) int { return cmp.Compare(a.Took.P95, b.Took.P95) })
			path, _, _ := strings.Cut(of.Path, "?")
			slow = short(of.Took.P95) + " " + path
		}
		p.line("  %-44s %7s %9s %9s %9s  %s", page.Name, thousands(float64(page.Shown.Count)), short(page.Shown.P50), short(page.Shown.P95), short(page.Shown.Max), slow)
	}
	slow := v.slowest()
	p.line("  the slowest: %s, %s ms p95", slow.Name, short(slow.Shown.P95))
	for _, row := range []struct {
		name string
		of   Sample
	}{{"signals in, nobody looking", v.Alone}, {"signals in, with a viewer", v.Watched}} {
		p.line("  %-28s p50 %s ms, p99 %s ms, %s µs of CPU each", row.name, short(row.of.Latency.P50), short(row.of.Latency.P99), cpu(row.of.CPUMicros, row.of.DatabaseMicros))
		p.problems(row.of.Refused, row.of.Failed, 0, 0)
	}
	p.line("  the p99 with a viewer is %.3f of that without · database %s MB · peak %s MB", v.Ratio, thousands(v.DatabaseMB), known(v.PeakMB))
}

// problems says what did not go as it should; nothing when all did.
func (p *page) problems(refused, failed, duplicates, bad int64) {
	var said []string
	for _, x := range []struct {
		n    int64
		what string
	}{{refused, "requests refused"}, {failed, "requests failed"}, {duplicates, "deliveries twice"}, {bad, "deliveries did not verify"}} {
		if x.n > 0 {
			said = append(said, thousands(float64(x.n))+" "+x.what)
		}
	}
	if len(said) > 0 {
		p.line("  ! %s", strings.Join(said, ", "))
	}
}

func (p *page) targets(list []Target, paint Paint) {
	if len(list) == 0 {
		return
	}
	p.line("\nTargets")
	for _, t := range list {
		sign, mark := "≥", "✓"
		if t.Bound == atMost {
			sign = "≤"
		}
		if !t.Met {
			mark = "✗"
		}
		p.line("  %s %-46s %s %-7s reached %-9s %s", paint(t.Met, mark), t.Name, sign, short(t.Want), short(t.Got), t.Unit)
	}
}

// short writes a number with the three digits that mean something.
func short(v float64) string {
	if v >= 100 {
		return thousands(v)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// known is short, and a dash where nothing could be measured.
func known(v float64) string {
	if v == 0 {
		return "–"
	}
	return short(v)
}

// cpu is CPU time, and in brackets PostgreSQL's part of it.
func cpu(all, database float64) string {
	if database == 0 {
		return known(all)
	}
	return short(all) + " (" + short(database) + ")"
}

// thousands writes a whole number with commas.
func thousands(v float64) string {
	digits := strconv.FormatInt(int64(v+.5), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
