package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
	_ "time/tzdata" // workspaces name IANA timezones, also where the system has no list of them

	"golang.org/x/sync/errgroup"

	"signalbox"
	"signalbox/api"
	"signalbox/auth"
	"signalbox/decide"
	"signalbox/deliver"
	"signalbox/due"
	"signalbox/egress"
	"signalbox/health"
	"signalbox/identity"
	"signalbox/intake"
	"signalbox/internal/fault"
	"signalbox/jobs"
	"signalbox/journal"
	"signalbox/mail"
	"signalbox/store"
	"signalbox/watch"
	"signalbox/web"
	"signalbox/wire"
)

// committers is how many turns are decided at once on PostgreSQL, where a commit is waited for elsewhere; the embedded database has one writer.
const committers = 3

// App is one server. Run may be called once; Close undoes a New whose Run was never called.
type App struct {
	cfg    Config
	log    *slog.Logger
	db     *store.DB
	node   *due.Node
	runner *due.Runner
	sender *deliver.Sender
	intake *intake.Intake
	keys   *auth.Keys
	people *auth.Sessions
	api    *api.API
	client *egress.Client
	wakes  *wakes
	hub    *watch.Hub
	notes  *journal.Journal
	codec  *signalbox.Codec
	ids    *signalbox.IDs
	token  string // which node this is, whatever its number
	box    sealer
	lock   io.Closer // of the node's own file; nil with the embedded database, which has one

	listener net.Listener
	server   *http.Server
	first    *FirstStart
	oidc     api.OIDC
	stalls   *stalls
	mailer   *mail.Mailer // nil: there is no mail server
}

// FirstStart is what a server has to tell, once: of its first workspace, and of its first admin. What is "" is not to be told, or known already.
type FirstStart struct {
	Workspace string // the id's text
	APIKey    string // an admin key, shown here and never again
	Email     string // of the first admin
	Password  string // shown here and never again
}

// ErrDatabaseFailed ends Run when the database can no longer be trusted: the process must be started anew.
var ErrDatabaseFailed = errors.New("the database failed and this process can no longer trust it; it must be started again")

// New opens and migrates the database, makes what the first start needs, and binds the address. Nothing is served before Run.
func New(ctx context.Context, cfg Config) (*App, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	a := &App{cfg: cfg, log: cfg.Log}
	if err := a.open(ctx); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// open builds the rooms in the order in which they need each other.
func (a *App) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(a.cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("--data-dir: %w", err)
	}
	if a.listener, err = net.Listen("tcp", a.cfg.Addr); err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	a.db, err = store.Open(ctx, store.Config{
		DatabaseURL: a.cfg.DatabaseURL, Path: filepath.Join(a.cfg.DataDir, DatabaseFile), Log: a.log, VFS: a.cfg.VFS,
		Scorer: func(d *signalbox.Definitions) (store.Scorer, error) { return decide.NewScorer(d) },
		Takes: func(w *signalbox.Webhook, body []byte) bool {
			return wire.FilterOf(w).Takes(wire.Record(w.Format, body))
		},
	})
	if err != nil {
		return err
	}
	fault.Point("app.opened")
	idKey, err := a.db.CodecKey(ctx)
	if err != nil {
		return err
	}
	a.codec = signalbox.NewCodec(idKey)
	if a.box, err = a.openBox(ctx); err != nil {
		return err
	}
	if err := a.join(ctx); err != nil {
		return err
	}
	if err := a.db.Alone(ctx, func() error { return a.firstStart(ctx) }); err != nil {
		return err
	}
	policy, err := newPolicy(a.cfg, a.listener.Addr().String())
	if err != nil {
		return err
	}
	if a.oidc, err = a.identityProvider(ctx); err != nil {
		return err
	}
	if a.cfg.SMTPURL != "" {
		if a.mailer, err = mail.New(a.cfg.SMTPURL); err != nil {
			return err
		}
		a.mailer.DialBy(egress.DialNamed)
	}
	metrics := newMetrics(a)
	a.wire(policy, metrics)
	if a.server.Handler, err = web.New(a.api, a.cfg.Dev); err != nil {
		return err
	}
	metrics.watch()
	a.warnOfDev()
	return nil
}

// join makes this process a node of its database.
func (a *App) join(ctx context.Context) (err error) {
	if a.cfg.DatabaseURL != "" { // the embedded database has a lock of its own
		if a.lock, err = store.Lock(filepath.Join(a.cfg.DataDir, "node.lock")); err != nil {
			return fmt.Errorf("each node needs a --data-dir of its own: %w", err)
		}
	}
	if a.token, err = nodeToken(a.cfg.DataDir); err != nil {
		return err
	}
	a.node, err = due.Join(ctx, due.NodeConfig{
		Store: a.db, Token: a.token, Holds: a.cfg.HoldDeliveries, Log: a.log, Clock: a.cfg.Now,
		Lost: func(l signalbox.Lease) {
			a.ids.Become(l.Node)
			a.sender.LeaseLost()
		},
		Shares: func() { a.sender.SharesChanged() },
		Due:    func() { a.wakes.Due(a.node.Now()) },
	})
	if err != nil {
		return err
	}
	lease, _ := a.node.Lease()
	a.ids = signalbox.NewIDs(lease.Node)
	return nil
}

// wire makes the rooms that work and gives each what it asks for.
func (a *App) wire(policy *egress.Policy, m *metrics) {
	codec, ids := a.codec, a.ids
	a.client = egress.NewClient(policy)
	a.wakes = newWakes(m, a.node.Now, a.log)
	a.hub = watch.New(watch.Config{Store: a.db, Now: a.node.Now, Log: a.log, Watched: a.wakes.Watched})
	a.notes = journal.New(journal.Config{Store: a.db, IDs: ids, Now: a.node.Now, Log: a.log, Stored: a.hub.Logged})
	a.wakes.live = a.hub
	var node deliver.Node = a.node
	if a.cfg.HoldDeliveries {
		node = held{a.node}
	}
	agent := "Signalbox/" + a.cfg.Version
	a.sender = deliver.New(deliver.Config{
		Store: a.db, Egress: a.client, Mail: a.mailsOfActions(), Node: node, Box: a.box, Codec: codec, IDs: ids, Log: a.log,
		Metrics: m.registry, UserAgent: agent, Grace: a.cfg.DrainGrace, Wake: a.wakes.Due,
		Now: a.node.Now, Share: a.node.Share, Others: a.wakes.Others, Settled: a.wakes.Settled,
	})
	a.stalls = a.newStalls()
	turns := intake.Config{
		Store: a.db, Sender: a.sender, Waker: a.wakes, IDs: ids, Codec: codec, Now: a.node.Now, Log: a.log, Alone: a.cfg.Distributed,
		Dashboard: a.URL(),
	}
	if a.cfg.DatabaseURL != "" {
		turns.Committers, a.wakes.tell = committers, a.db.Tell
	}
	a.intake = intake.New(turns)
	a.runner = due.New(a.db, a.node, a.owners(), a.log)
	a.wakes.due, a.wakes.sender = a.runner.Wake, a.sender
	a.keys, a.people = auth.NewKeys(a.db, a.log), auth.NewSessions(a.db, a.log)
	a.api = api.New(api.Config{
		Keys: a.keys, SignIn: auth.NewSignIn(a.db, a.people, ids), PublicURL: a.URL(),
		Proxies: a.cfg.proxies(), NoPasswords: a.cfg.NoPasswords, OIDC: a.oidc, Dev: a.cfg.Dev,
		Signals: a.intake, Scores: a.intake, Acts: a.intake, Imports: a.intake, Merges: a.intake, Automations: a.intake, Blend: decide.Blend,
		Sources: decide.SourcesOf, Store: a.db, Sender: testSender{a.sender, node}, Targets: targets{policy}, Arrivals: a.wakes,
		Journal: a.notes, Live: live{a.hub},
		CheckHeaders: egress.ValidateHeaders, SlackHosts: a.cfg.AllowTargets, NormalizeDomain: identity.Domain, NormalizeEmail: normalizeEmail,
		Box: a.box, Codec: codec, IDs: ids, Ready: a.ready, Metrics: m.handler(), Observe: m.observe, Wake: a.wakes.Due, Mail: a.mails(),
		Now: a.node.Now, Share: a.shareOfRequests, UserAgent: agent, Version: a.cfg.Version, Log: a.log,
	})
	a.server = api.NewServer(a.api)
	a.server.ErrorLog = slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)
}

// mails sends one message; nil: there is no mail server.
func (a *App) mails() func(context.Context, signalbox.Mail) error {
	if a.mailer == nil {
		return nil
	}
	return a.mailer.Send
}

// mailsOfActions hands over what automations mail; nil: there is no mail server.
func (a *App) mailsOfActions() deliver.Mailer {
	if a.mailer == nil {
		return nil
	}
	return a.mailer
}

// owners are those who deal with due rows, by kind.
func (a *App) owners() map[signalbox.DueKind]due.Owner {
	work := jobs.New(jobs.Config{Store: a.db, IDs: a.ids, Codec: a.codec, Log: a.log, Now: a.node.Now, Changed: a.webhookChanged, Wake: a.wakes.Due})
	keeper := health.New(health.Config{
		Store: a.db, IDs: a.ids, Codec: a.codec, Log: a.log, Now: a.node.Now, PublicURL: a.URL(), Mails: a.mailer != nil,
		Changed: a.webhookChanged, Wake: a.wakes.Due, Arrived: a.wakes.Arrived,
	})
	all := map[signalbox.DueKind]due.Owner{signalbox.DueLane: a.sender.LaneDue}
	for _, some := range []map[signalbox.DueKind]func(context.Context, signalbox.Due) (signalbox.Again, error){
		work.Owners(), keeper.Owners(), a.intake.Owners(), mail.NewQueue(a.db, a.mailer, a.log, a.node.Now).Owners(),
	} {
		for kind, owner := range some {
			all[kind] = owner
		}
	}
	return all
}

// webhookChanged has every node forget what memory holds of a webhook.
func (a *App) webhookChanged(ctx context.Context, id signalbox.WebhookID) error {
	a.sender.Changed(id)
	return a.db.Tell(ctx, signalbox.News{Kind: signalbox.NewsWebhook, Webhook: id})
}

// shareOfRequests is this node's part of a limit on requests: they are spread evenly, so that it need not be exact, only never none.
func (a *App) shareOfRequests(whole int) int {
	live := max(a.node.Live(), 1)
	return (whole + live - 1) / live
}

// Addr is the address that the server is bound to.
func (a *App) Addr() string { return a.listener.Addr().String() }

// URL is how to reach the server.
func (a *App) URL() string {
	if a.cfg.PublicURL != "" {
		return trimURL(a.cfg.PublicURL)
	}
	return a.cfg.scheme() + "://" + Reachable(a.Addr())
}

// Codec turns ids into their texts and back.
func (a *App) Codec() *signalbox.Codec { return a.codec }

// FirstStart returns what the very first start on this data directory, or the first one with members, has made; false once that was shown (FirstStartShown).
func (a *App) FirstStart() (FirstStart, bool) {
	if a.first == nil {
		return FirstStart{}, false
	}
	return *a.first, true
}

// Run serves until ctx ends, then drains: the doors close, what waits is committed, what is under way is sent or released, the
// database is closed. It returns nil after a clean stop.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	listener := a.listener
	if a.cfg.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(a.cfg.TLSCert, a.cfg.TLSKey)
		if err != nil {
			return fmt.Errorf("--tls-cert: %w", err)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	}
	// Each service has a context of its own, so that they stop in order and not all at once.
	services := newStack(context.WithoutCancel(ctx))
	services.start("node", a.node.Run)
	services.start("news", a.wakes.Run)
	services.start("listener", func(ctx context.Context) error { return a.db.Listen(ctx, a.wakes.heard) })
	services.start("keys", a.keys.Run)
	services.start("sessions", a.people.Run)
	services.start("sender", a.sender.Run)
	services.start("due", a.runner.Run)
	services.start("intake", a.intake.Run)
	services.start("journal", a.notes.Run)
	services.start("watch", a.hub.Run)
	if !a.cfg.HoldDeliveries {
		services.start("stalls", a.stalls.Run)
	}
	if door := a.openDoor(); door != nil {
		services.start("admin", door.Run)
	}
	services.start("doors", func(ctx context.Context) error { return a.serve(ctx, listener) })
	a.log.Info("server.started", "addr", a.Addr(), "data_dir", a.cfg.DataDir, "version", a.cfg.Version)
	var cause error
	select {
	case <-ctx.Done():
		a.log.Info("server.stopping", "reason", "told to")
	case <-a.db.Failed():
		cause = fmt.Errorf("%w: %w", ErrDatabaseFailed, a.db.Err())
		a.log.Error("server.stopping", "reason", "the database failed", "err", cause)
	case cause = <-services.failed:
		a.log.Error("server.stopping", "reason", "a service failed", "err", cause)
	}
	if cause != nil {
		// What cannot be saved any more need not be waited for: the sooner the process is started anew, the better.
		_ = a.server.Close()
		return errors.Join(cause, services.stopWithin(failedGrace, a.log))
	}
	return services.stop(a.log)
}

// failedGrace is how long a server that has failed waits for its services.
const failedGrace = time.Second

// serve answers requests until ctx ends, then lets those under way finish.
func (a *App) serve(ctx context.Context, l net.Listener) error {
	var g errgroup.Group
	g.Go(func() error {
		if err := a.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		a.api.StopWaiting()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.DrainGrace)
		defer cancel()
		if err := a.server.Shutdown(grace); err != nil {
			a.log.Warn("server.cut", "err", err)
			return a.server.Close()
		}
		return nil
	})
	return g.Wait()
}

// ready says whether signals can be taken now.
func (a *App) ready(ctx context.Context) error {
	if err := a.db.Err(); err != nil {
		return err
	}
	return a.db.Healthy(ctx)
}

// Close gives back what New has taken; after Run it does nothing more.
func (a *App) Close() error {
	var errs []error
	if a.listener != nil {
		if err := a.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if a.client != nil {
		a.client.Close()
		a.client = nil
	}
	if a.keys != nil {
		a.keys.Close()
		a.people.Close()
	}
	if a.db != nil {
		errs = append(errs, a.db.Close())
		a.db = nil
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
		a.lock = nil
	}
	return errors.Join(errs...)
}

// DB is the server's database, for tests that look behind the doors.
func (a *App) DB() *store.DB { return a.db }

// held is a node that may not send: deliveries are stored and wait.
type held struct{ *due.Node }

// Lease never lets anything be sent.
func (h held) Lease() (signalbox.Lease, bool) {
	l, _ := h.Node.Lease()
	return l, false
}

// stack starts services and stops them in the reverse order, each one before the next.
type stack struct {
	parent   context.Context
	services []service
	failed   chan error
}

type service struct {
	name   string
	cancel context.CancelFunc
	done   chan error
}

func newStack(ctx context.Context) *stack { return &stack{parent: ctx, failed: make(chan error, 1)} }

func (s *stack) start(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(s.parent)
	svc := service{name: name, cancel: cancel, done: make(chan error, 1)}
	s.services = append(s.services, svc)
	go func() {
		err := run(ctx)
		if err != nil && ctx.Err() == nil {
			select {
			case s.failed <- fmt.Errorf("%s: %w", name, err):
			default:
			}
		}
		svc.done <- err
	}()
}

// stopWithin is stop, given up after a while.
func (s *stack) stopWithin(grace time.Duration, log *slog.Logger) error {
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop(log) }()
	select {
	case err := <-stopped:
		return err
	case <-time.After(grace):
		for _, svc := range s.services {
			svc.cancel()
		}
		return nil
	}
}

// stop ends every service and waits for it; the errors of all come back.
func (s *stack) stop(log *slog.Logger) error {
	var errs []error
	for i := len(s.services) - 1; i >= 0; i-- {
		svc := s.services[i]
		begin := time.Now()
		svc.cancel()
		if err := <-svc.done; err != nil && !errors.Is(err, context.Canceled) {
			errs = append(errs, fmt.Errorf("stop %s: %w", svc.name, err))
		}
		log.Debug("service.stopped", "service", svc.name, "took", time.Since(begin))
	}
	return errors.Join(errs...)
}
