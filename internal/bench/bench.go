package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"signalbox/store"
)

// The scenarios, in the order in which they run.
const (
	Idle         = "idle"         // start on an empty database: ready time, resident memory, binary size
	Ingest       = "ingest"       // single signals, closed loop, beside the bare handler
	Batch        = "batch"        // the batch door
	Delivery     = "delivery"     // signal in to webhook received: sustained, then a flood and its drain
	OpenLoop     = "latency"      // signal to receiver, in open loop
	Nodes        = "nodes"        // one node and two on one PostgreSQL database, in turn
	Growth       = "growth"       // the ingest rate and the ready time as the database grows
	Isolation    = "isolation"    // healthy webhooks alone, and beside dead and dripping ones
	Intelligence = "intelligence" // signals judged by all that a workspace can define, beside a server where nothing is defined
	Audience     = "audience"     // a new audience is filled from what is stored, while signals arrive
	Viewer       = "viewer"       // what the pages of the dashboard ask for, while signals arrive
)

// Scenarios lists all scenarios.
func Scenarios() []string {
	return []string{Idle, Ingest, Batch, Delivery, OpenLoop, Nodes, Isolation, Intelligence, Audience, Growth, Viewer}
}

// Config says what to measure. Every number has a default and a bound.
type Config struct {
	Command      []string      // what runs Role in a child process: the role's name is added to it
	Version      string        // of the program, for the report
	Dir          string        // where temporary databases lie; default: the system's directory for temporary files
	Only         []string      // scenarios; default: all
	Connections  []int         // default 64 and 256
	Contacts     int           // known before anything is measured, with a fifth as many accounts; default 50,000
	Rounds       int           // of each measurement; the median is reported; default 3
	Duration     time.Duration // of one round; default 5 s
	Rate         int           // signals per second of the open loop; default 500
	Backlog      int           // signals between the two ends of the sustained load, at most; default 200
	Batch        int           // signals per request at the batch door; default 500
	SendInIngest bool          // let deliveries leave while ingest is measured
	Preload      int           // signals stored before anything is measured
	Stored       int           // signals up to which growth fills the database; default 200,000, on PostgreSQL 100,000
	Viewed       int           // signals, each delivered, that the database has which a viewer looks at; default 100,000
	Healthy      int           // webhooks that isolation has, with a tenth as many dead ones and a fortieth dripping; default 40
	Judged       int           // signals stored before a new audience is filled, of half as many contacts; default 100,000
	Keys         bool          // give every signal an idempotency key
	Seed         uint64        // of the traffic
	DatabaseURL  string        // an empty PostgreSQL database that the own servers work on instead of the embedded one
	Postgres     bool          // the same on a private PostgreSQL server, made of the system's binaries for this run
	Server       string        // host:port of a running server on loopback to measure instead of an own one
	APIKey       string        // its key
	ServerPID    int           // its process, for CPU and memory
	Profiles     string        // directory for CPU profiles of the own server, one per scenario
	Progress     func(string)  // told what is going on
}

// The bounds of Config, and how many contacts there are unless set.
const (
	defaultContacts = 50_000
	minContacts     = 100
	maxContacts     = 1_000_000
	minViewed       = 2000
	minHealthy      = 4
	maxHealthy      = 400 // a workspace has 500 webhooks at most
	maxConnections  = 4096
	maxRounds       = 25
	maxDuration     = 10 * time.Minute
	maxRate         = 50_000
	maxBatch        = 2500
)

func (c Config) withDefaults() Config {
	c.Dir = cmp.Or(c.Dir, os.TempDir())
	c.Contacts = cmp.Or(c.Contacts, defaultContacts)
	c.Rounds = cmp.Or(c.Rounds, 3)
	c.Duration = cmp.Or(c.Duration, 5*time.Second)
	c.Rate = cmp.Or(c.Rate, 500)
	c.Backlog = cmp.Or(c.Backlog, 200)
	c.Batch = cmp.Or(c.Batch, 500)
	if c.Stored == 0 {
		c.Stored = 200_000
		if c.onPostgres() {
			c.Stored = 100_000
		}
	}
	c.Viewed = cmp.Or(c.Viewed, 100_000)
	c.Healthy = cmp.Or(c.Healthy, 40)
	c.Judged = cmp.Or(c.Judged, 100_000)
	c.Seed = cmp.Or(c.Seed, 1)
	if len(c.Connections) == 0 {
		c.Connections = []int{64, 256}
	}
	if len(c.Only) == 0 {
		c.Only = slices.DeleteFunc(Scenarios(), func(s string) bool { return c.needs(s) != "" })
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

// onPostgres says whether the own servers work on PostgreSQL.
func (c Config) onPostgres() bool { return c.Postgres || c.DatabaseURL != "" }

// needs says why a scenario cannot be measured so; "" when it can.
func (c Config) needs(scenario string) string {
	switch {
	case c.Server != "" && (scenario == Idle || scenario == Growth || scenario == Nodes || scenario == Isolation || scenario == Intelligence || scenario == Audience || scenario == Viewer):
		return "needs a server of its own: it cannot be measured on a running one"
	case scenario == Nodes && !c.onPostgres():
		return "needs a PostgreSQL database, which several nodes can share"
	}
	return ""
}

// Check returns every problem of the configuration at once.
func (c Config) Check() error {
	c = c.withDefaults()
	var problems []error
	within := func(what string, n, low, high int) {
		if n < low || n > high {
			problems = append(problems, fmt.Errorf("%s: %d is not between %d and %d", what, n, low, high))
		}
	}
	for _, n := range c.Connections {
		within("connections", n, 1, maxConnections)
	}
	within("contacts", c.Contacts, minContacts, maxContacts)
	within("rounds", c.Rounds, 1, maxRounds)
	within("rate", c.Rate, 1, maxRate)
	within("backlog", c.Backlog, 1, maxSignals)
	within("batch", c.Batch, 1, maxBatch)
	within("preload", c.Preload, 0, maxSignals)
	within("stored", c.Stored, c.Contacts, maxSignals)
	within("healthy webhooks", c.Healthy, minHealthy, maxHealthy)
	within("viewed", c.Viewed, minViewed, maxSignals)
	if c.Duration < 100*time.Millisecond || c.Duration > maxDuration {
		problems = append(problems, fmt.Errorf("duration: %s is not between 100ms and %s", c.Duration, maxDuration))
	}
	for _, s := range c.Only {
		if !slices.Contains(Scenarios(), s) {
			problems = append(problems, fmt.Errorf("there is no scenario %q", s))
		} else if why := c.needs(s); why != "" {
			problems = append(problems, fmt.Errorf("%s %s", s, why))
		}
	}
	if c.Server != "" {
		problems = append(problems, checkServer(c))
	}
	if c.Server != "" && c.onPostgres() || c.Postgres && c.DatabaseURL != "" {
		problems = append(problems, errors.New("a running server, a PostgreSQL database and a private PostgreSQL server exclude each other: give one of them"))
	}
	if c.DatabaseURL != "" {
		if err := store.CheckURL(c.DatabaseURL); err != nil {
			problems = append(problems, fmt.Errorf("database-url: %w", err))
		}
	}
	return errors.Join(problems...)
}

// bench is one run.
type bench struct {
	Config
	report   *Report
	numbers  atomic.Int64 // of the signals of all loads
	dir      string
	database *database // nil: the embedded one
	bare     *child
	bareAt   string
	children time.Duration // the CPU time of the children that have ended
}

// Run measures. Where a scenario fails, the report holds what was measured before it.
func Run(ctx context.Context, c Config) (*Report, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	b := &bench{Config: c.withDefaults()}
	dir, err := os.MkdirTemp(b.Dir, "signalbox-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	b.report = &Report{
		Version: c.Version, StartedAt: time.Now().UTC().Truncate(time.Second),
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), CPUs: runtime.NumCPU(), FileSystem: fileSystem(dir),
		Accounts: b.Contacts / perAccount, Contacts: b.Contacts, Rounds: b.Rounds, Seconds: b.Duration.Seconds(), Preload: b.Preload, Keys: b.Keys,
	}
	if err := b.openDatabase(ctx); err != nil {
		return nil, fmt.Errorf("PostgreSQL: %w", err)
	}
	others := b.others()
	err = b.scenarios(ctx)
	err = errors.Join(err, b.stopBare())
	b.report.TookSeconds = round3(time.Since(b.report.StartedAt).Seconds())
	b.report.OtherWork = others()
	b.report.Targets = targets(b.report)
	return b.report, errors.Join(err, b.database.close())
}

func (b *bench) scenarios(ctx context.Context) error {
	run := map[string]func(context.Context) error{Idle: b.idle, Ingest: b.ingest, Batch: b.batchDoor, Delivery: b.delivery, OpenLoop: b.openLoop, Nodes: b.nodes, Isolation: b.isolation, Intelligence: b.intelligence, Audience: b.audience, Growth: b.growth, Viewer: b.viewer}
	for _, s := range Scenarios() {
		if !slices.Contains(b.Only, s) {
			continue
		}
		if err := run[s](ctx); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// others begins to watch what the machine does beside this run; the result is the share of all its CPU time, or 0 where that
// cannot be told. Rates measured beside other work are low.
func (b *bench) others() (share func() float64) {
	begin := time.Now()
	busy, err := machineTime()
	own, _ := cpuTime(os.Getpid())
	own += b.database.cpu()
	return func() float64 {
		busyNow, _ := machineTime()
		ownNow, _ := cpuTime(os.Getpid())
		if err != nil {
			return 0
		}
		rest := busyNow - busy - (ownNow + b.database.cpu() - own) - b.children
		return round3(max(0, rest.Seconds()/time.Since(begin).Seconds()/float64(runtime.NumCPU())))
	}
}

// profilePath is where a scenario's CPU profile goes, "" for nowhere.
func (b *bench) profilePath(scenario string) string {
	if b.Profiles == "" {
		return ""
	}
	return filepath.Join(b.Profiles, scenario+".pprof")
}

func (b *bench) say(format string, args ...any) { b.Progress(fmt.Sprintf(format, args...)) }
