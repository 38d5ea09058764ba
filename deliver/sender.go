package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"signalbox"
	"signalbox/egress"
	"signalbox/retry"
)

// Store keeps the deliveries table.
type Store interface {
	// Claim leases at most limit due deliveries of a lane, and rewrites its due row: to now + LeaseFor when more are due, to the
	// next moment when none is, away when nothing waits.
	Claim(ctx context.Context, l signalbox.Lease, ws signalbox.WorkspaceID, wh signalbox.WebhookID, limit int, now time.Time) (signalbox.Claimed, error)
	// Settle saves outcomes, each fenced by its lease, and arms due rows for what is still open. false: the delivery is not
	// leased so any more, and nothing of it was changed.
	Settle(ctx context.Context, list []signalbox.Settlement) (settled []bool, err error)
}

// Doer sends one request; *egress.Client is one. The end of ctx gives a failure of the kind egress.Cancelled.
type Doer interface {
	Do(ctx context.Context, req egress.Request) egress.Result
}

// Mailer hands e-mails to the mail server; *mail.Mailer is one.
type Mailer interface {
	// Mail returns nil when the server has taken the message, and a Reply when it has not. key is the same at every attempt.
	Mail(ctx context.Context, to, subject, text, key string) error
}

// Reply is an error that is a mail server's answer: its code, from 400 to 599, and its line.
type Reply interface {
	error
	SMTP() (code int, said string)
}

// Node is this process's right to work on leased rows.
type Node interface {
	// Lease returns the node's lease, and whether its last confirmed heartbeat is younger than SendWithin.
	Lease() (signalbox.Lease, bool)
}

// Config is what a Sender is made of. Fields without a default are required.
type Config struct {
	Store  Store
	Egress Doer
	Mail   Mailer // nil: no mail server is named, and e-mails are skipped
	Node   Node
	Box    Opener // opens the secrets of webhooks
	Codec  *signalbox.Codec
	IDs    *signalbox.IDs
	Log    *slog.Logger

	Metrics   prometheus.Registerer // nil: none are registered
	UserAgent string                // "Signalbox/<version>"
	Schedule  retry.Schedule        // nil: retry.Stairoids
	Grace     time.Duration         // how long a stop waits for requests in flight; 0: DefaultGrace
	Limits    Limits                // zero fields: DefaultLimits
	Jitter    func() float64        // 0 to 1; nil: random
	Wake      func(at time.Time)    // told of the moments that settling and claiming made due; nil: nobody
	Now       func() time.Time      // the clock that is stored and compared with what is stored; nil: time.Now
	// Share is this node's part of a webhook's MaxInFlight, which all nodes divide; nil: all of it. A webhook without a part here is sent by others.
	Share func(whole int, subject int64) int
	// Settled is told what the store has taken, and of which of it; nil: nobody is. It must not wait.
	Settled func(list []signalbox.Settlement, settled []bool)
	// Others is told of a lane that this node has deliveries of and no part in: those who have one claim it; nil: nobody.
	Others func(ws signalbox.WorkspaceID, wh signalbox.WebhookID)
}

// DefaultGrace is how long a stop waits for requests in flight, and then again for the store to take their settlements.
const DefaultGrace = 10 * time.Second

// Limits bound what a Sender holds (design, Claims).
type Limits struct {
	Lane          int // deliveries of one lane in memory: reserved, queued and in flight
	Items         int // the same over all lanes
	Bytes         int // of their bodies
	LaneUnsettled int // answered and not settled, of one lane
	Unsettled     int // the same over all lanes
	Sockets       int // requests in flight
	Claim         int // deliveries of one claim
	Settle        int // settlements saved at once
	Claimers      int // claims at the same time
	Lanes         int // lanes remembered while idle
}

// DefaultLimits are in force unless set.
func DefaultLimits() Limits {
	return Limits{
		Lane: 1024, Items: 16_384, Bytes: 64 << 20, LaneUnsettled: 64, Unsettled: 1024,
		Sockets: 4096, Claim: 512, Settle: 512, Claimers: 4, Lanes: 16_384,
	}
}

// withDefaults fills the zero fields.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct {
		have *int
		def  int
	}{
		{&l.Lane, d.Lane}, {&l.Items, d.Items}, {&l.Bytes, d.Bytes}, {&l.LaneUnsettled, d.LaneUnsettled}, {&l.Unsettled, d.Unsettled},
		{&l.Sockets, d.Sockets}, {&l.Claim, d.Claim}, {&l.Settle, d.Settle}, {&l.Claimers, d.Claimers}, {&l.Lanes, d.Lanes},
	} {
		if *f.have <= 0 {
			*f.have = f.def
		}
	}
	return l
}

// Sender takes deliveries to their receivers. New makes it, Run makes it work; everything else may be called at any time, by any
// number of goroutines.
type Sender struct {
	cfg     Config
	limits  Limits
	settler *settler
	metrics *metrics

	workers  sync.WaitGroup // one per request in flight
	claimers sync.WaitGroup

	mu         sync.Mutex // guards all below, and every field of every lane
	phase      phase
	life       context.Context // of requests: ends when a stop runs out of patience
	lanes      map[signalbox.WebhookID]*lane
	held       load          // of all lanes
	moved      time.Time     // when a request started last
	waiting    [speeds]turns // lanes with work and no socket, by their speed
	freshFirst bool          // which of them begin the next time
	toClaim    fifo[*lane]
	claim      *sync.Cond    // told when toClaim grows or the phase changes
	quiet      chan struct{} // closed when a stopping Sender has no reservation left
}

// phase is how far the life of a Sender has come.
type phase int

const (
	resting  phase = iota // not running yet: takes nothing
	running               //
	draining              // stopping: takes nothing, sends nothing new
	stopped               //
)

// New makes a Sender. It takes no work before Run.
func New(cfg Config) *Sender {
	if cfg.Schedule == nil {
		cfg.Schedule = retry.Stairoids()
	}
	if cfg.Grace <= 0 {
		cfg.Grace = DefaultGrace
	}
	if cfg.Jitter == nil {
		cfg.Jitter = rand.Float64
	}
	if cfg.Wake == nil {
		cfg.Wake = func(time.Time) {}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Share == nil {
		cfg.Share = func(whole int, _ int64) int { return whole }
	}
	if cfg.Others == nil {
		cfg.Others = func(signalbox.WorkspaceID, signalbox.WebhookID) {}
	}
	s := &Sender{cfg: cfg, limits: cfg.Limits.withDefaults(), lanes: map[signalbox.WebhookID]*lane{}}
	s.claim = sync.NewCond(&s.mu)
	s.settler = newSettler()
	s.metrics = newMetrics(cfg.Metrics, s)
	return s
}

// Run sends until ctx ends. Then it sends nothing new, gives requests in flight the grace to end before it cuts them, releases
// what was queued or cut, and returns when everything is settled: nothing stays leased. The error says that the store did
// not take the last settlements in time; those rows stay leased until the node's next generation.
func (s *Sender) Run(ctx context.Context) error {
	life, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	settling, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	s.begin(life)
	var settled sync.WaitGroup
	settled.Go(func() { s.settle(settling) })

	<-ctx.Done()
	s.drain()
	patience := time.AfterFunc(s.cfg.Grace, cut)
	defer patience.Stop()
	s.workers.Wait()
	s.claimers.Wait()
	s.awaitReservations(life)

	s.settler.finish()
	last := time.AfterFunc(s.cfg.Grace, giveUp)
	defer last.Stop()
	settled.Wait()
	return s.end()
}

// begin opens the lanes and starts the claimers.
func (s *Sender) begin(life context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.life = running, life
	for range s.limits.Claimers {
		s.claimers.Go(s.claimLoop)
	}
}

// drain closes the lanes and releases what they hold.
func (s *Sender) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.quiet = draining, make(chan struct{})
	now := s.cfg.Now()
	for _, l := range s.lanes {
		s.releaseQueue(l, now, everything)
	}
	s.quieten()
	s.claim.Broadcast()
}

// LeaseLost tells that the node has a new generation: what older ones had leased is free in the table. What is queued is forgotten,
// and every lane that held something claims.
func (s *Sender) LeaseLost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	for _, l := range s.lanes {
		s.releaseQueue(l, now, everything)
	}
}

// quieten tells a stop that no reservation is left. Callers hold s.mu.
func (s *Sender) quieten() {
	if s.quiet != nil && s.held.reserved == 0 {
		close(s.quiet)
		s.quiet = nil
	}
}

// awaitReservations gives turns that are being saved the rest of the grace to hand over or give back what they reserved.
func (s *Sender) awaitReservations(life context.Context) {
	s.mu.Lock()
	quiet := s.quiet
	s.mu.Unlock()
	if quiet == nil {
		return
	}
	select {
	case <-quiet:
	case <-life.Done():
	}
}

// errUnsettled says that the store refused to the end.
var errUnsettled = errors.New("the store did not take them in time")

func (s *Sender) end() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase = stopped
	if left := s.settler.left(); left > 0 {
		return fmt.Errorf("settle %d deliveries: %w", left, errUnsettled)
	}
	return nil
}
