package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"signalbox/internal/bench"
)

// benchFlags are what the command line of bench says.
type benchFlags struct {
	bench.Config
	server string
	key    string
	hold   bool
	full   bool
	asJSON bool
}

// What --full grows the databases of growth, viewer and audience to.
const (
	fullStored  = 2_000_000
	fullViewed  = 1_000_000
	fullJudged  = 1_000_000
	fullHealthy = 200
)

// bench makes the command that measures the program on this machine.
func (p *program) bench() *cobra.Command {
	f := &benchFlags{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the program on this machine",
		Long: `Measure the program on this machine, over loopback, every commit synced.

A server of its own runs in one process, a receiver that verifies every
signature in another, and beside it, in turn, a bare net/http handler that
decodes the same body and answers 201. Nothing but loopback is spoken to, the
PostgreSQL database of --database-url apart, and nothing is left behind.

Scenarios:
  ` + strings.Join(bench.Scenarios()[:8], ", ") + `,
  ` + strings.Join(bench.Scenarios()[8:], ", ") + `.`,
		Example: `  signalbox bench
  signalbox bench --only ingest --connections 64,256 --duration 10s
  signalbox bench --full --json > bench.json
  signalbox bench --postgres
  signalbox bench --database-url postgres://bench@127.0.0.1:5432/empty --only ingest,nodes
  signalbox bench --server http://127.0.0.1:8080 --only latency --rate 200`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runBench(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&f.Only, "only", nil, "scenarios to run (default all)")
	flags.IntSliceVar(&f.Connections, "connections", []int{64, 256}, "connections of the ingest scenario")
	flags.DurationVar(&f.Duration, "duration", 0, "length of one round (default 5s)")
	flags.IntVar(&f.Rounds, "rounds", 3, "rounds of each measurement; medians are shown")
	flags.IntVar(&f.Rate, "rate", 500, "signals per second of the latency scenario")
	flags.IntVar(&f.Batch, "batch", 500, "signals per request of the batch scenario")
	flags.IntVar(&f.Backlog, "backlog", 200, "signals sent and not yet received in the delivery scenario, at most")
	flags.BoolVar(&f.hold, "hold", true, "record deliveries but hold their sending while ingest is measured")
	flags.IntVar(&f.Preload, "preload", 0, "signals to store before anything is measured")
	flags.IntVar(&f.Stored, "stored", 0, "signals that the growth scenario stores (default 200,000; on PostgreSQL 100,000)")
	flags.IntVar(&f.Viewed, "viewed", 100_000, "signals that the viewer scenario stores and delivers")
	flags.IntVar(&f.Healthy, "healthy", 40, "healthy webhooks of the isolation scenario, beside a tenth as many dead ones")
	flags.BoolVar(&f.full, "full", false, "let growth store 2,000,000 signals, viewer and audience 1,000,000, and isolation have 200 healthy webhooks")
	flags.BoolVar(&f.Keys, "idempotency-keys", false, "give every signal an idempotency key")
	flags.Uint64Var(&f.Seed, "seed", 1, "of the traffic")
	flags.StringVar(&f.Dir, "dir", "", "where the databases lie while it runs (default the system's temporary directory)")
	flags.StringVar(&f.Profiles, "cpuprofile", "", "directory for CPU profiles of the server")
	flags.StringVar(&f.DatabaseURL, "database-url", "", "measure on this empty PostgreSQL database (better: SIGNALBOX_BENCH_DATABASE_URL)")
	flags.BoolVar(&f.Postgres, "postgres", false, "measure on a private PostgreSQL server, started from the system's binaries")
	flags.StringVar(&f.server, "server", "", "measure this running server on loopback instead (http://host:port)")
	flags.StringVar(&f.key, "api-key", "", "its API key (better: SIGNALBOX_API_KEY)")
	flags.IntVar(&f.ServerPID, "server-pid", 0, "its process, to measure CPU and memory")
	flags.BoolVar(&f.asJSON, "json", false, "write everything that was measured, as JSON")
	flags.Lookup("cpuprofile").Hidden = true
	cmd.AddCommand(p.benchRole())
	return cmd
}

// benchRole makes the hidden command that plays a part in a child process of bench.
func (p *program) benchRole() *cobra.Command {
	return &cobra.Command{
		Use: "role", Hidden: true, Args: exactly("role"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return bench.Role(cmd.Context(), args[0], p.stdin, p.stdout, p.stderr)
		},
	}
}

func (p *program) runBench(ctx context.Context, f *benchFlags) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := f.Config
	c.Command = []string{self, "bench", "role"}
	c.Version = buildVersion().Version
	c.SendInIngest = !f.hold
	c.Progress = func(text string) { fmt.Fprintln(p.stderr, p.paint(faint, text)) }
	if f.full {
		c.Stored, c.Viewed, c.Judged, c.Healthy = fullStored, fullViewed, fullJudged, fullHealthy
	}
	if c.DatabaseURL == "" && !c.Postgres && f.server == "" {
		c.DatabaseURL = p.env("SIGNALBOX_BENCH_DATABASE_URL")
	}
	if f.server != "" {
		if c.Server, c.APIKey, err = f.running(p); err != nil {
			return err
		}
	}
	if err := c.Check(); err != nil {
		return usagef("%v", err)
	}
	report, err := bench.Run(ctx, c)
	if report == nil {
		return err
	}
	if f.asJSON {
		return errors.Join(err, writeJSON(p.stdout, report))
	}
	paint := func(met bool, text string) string {
		if met {
			return p.paint(green, text)
		}
		return p.paint(red, text)
	}
	return errors.Join(err, report.Text(p.stdout, paint))
}

// running reads where the running server is, and its key.
func (f *benchFlags) running(p *program) (addr, key string, err error) {
	addr, plain := strings.CutPrefix(strings.TrimSuffix(f.server, "/"), "http://")
	if !plain || strings.Contains(addr, "/") {
		return "", "", usagef("--server: %q is not http://host:port", clean(f.server, 80))
	}
	if key = f.key; key == "" {
		key = p.env("SIGNALBOX_API_KEY")
	}
	return addr, key, nil
}
