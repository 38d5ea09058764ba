package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"signalbox"
)

// committers is how many transactions of each class run at once on PostgreSQL: every class has connections of its own, so that none
// waits for another's backlog. With the readers, one that clears up outcomes, one that listens to the other nodes and one that asks whether
// the server is there they are all that a node opens.
var committers = [classes]int{classTurn: 3, classSettle: 3, classManage: 2, classSlice: 1, classBeat: 1}

// pingAfter is how long a connection may have been idle to be used unasked: a way that broke silently meanwhile is found within connectFor.
const pingAfter = time.Second

// The clocks of a connection. A statement that waits for a lock, or runs, longer than these is ended by the server; whatever the
// server or the network between does, a transaction's connection is given up at transactFor.
const (
	connectFor   = time.Second
	closeFor     = 200 * time.Millisecond
	lockFor      = 2 * time.Second
	statementFor = 5 * time.Second
	transactFor  = 10 * time.Second
	idleFor      = 2 * time.Second // between two trips of a transaction: a node that stands still there holds up its workspace
)

// postgres is a PostgreSQL database that any number of nodes share.
type postgres struct {
	db     *DB
	pool   *pgxpool.Pool
	queues [classes]chan struct{} // places for each class's transactions
	reads  chan struct{}
	lease  atomic.Pointer[signalbox.Lease] // of this node; nil while it is none
	self   string                          // tells this program's news from the others'
	watch  watch

	statements atomic.Int64 // sent so far

	closing   chan struct{} // closed by close: nothing new begins
	unwatched chan struct{} // closed when nobody keeps watch any more
	once      sync.Once
}

// sessionSettings are those of every connection. Statements of this room find their rows by key, always: its plans
// must not depend on statistics that are missing while a table is young, so that the ways that read a whole table are closed
// (enable_…), and a plan is made once for each statement and connection, not for each call.
var sessionSettings = map[string]string{
	"application_name":                    "signalbox",
	"synchronous_commit":                  "on",
	"default_transaction_isolation":       "read committed",
	"lock_timeout":                        fmt.Sprint(lockFor.Milliseconds()),
	"statement_timeout":                   fmt.Sprint(statementFor.Milliseconds()),
	"idle_in_transaction_session_timeout": fmt.Sprint(idleFor.Milliseconds()),
	"client_encoding":                     "UTF8",
	"plan_cache_mode":                     "force_generic_plan",
	"enable_seqscan":                      "off",
	"enable_bitmapscan":                   "off",
	"enable_hashjoin":                     "off",
	"enable_mergejoin":                    "off",
	"jit":                                 "off",
}

// openPostgres connects, refuses what cannot be worked with before anything is touched, and brings the schema up to date.
func openPostgres(ctx context.Context, db *DB) (*postgres, error) {
	cfg, err := pgxpool.ParseConfig(db.cfg.DatabaseURL)
	if err != nil {
		return nil, err // names no password
	}
	p := &postgres{db: db, self: fmt.Sprintf("%08x", rand.Uint32()), closing: make(chan struct{}), reads: make(chan struct{}, db.cfg.Readers)}
	p.watch.trips, p.unwatched = map[trip]time.Time{}, make(chan struct{})
	most := db.cfg.Readers + 1
	for c, n := range committers {
		p.queues[c] = make(chan struct{}, n)
		most += n
	}
	cfg.MaxConns = int32(most)
	cfg.PingTimeout = connectFor
	cfg.ShouldPing = func(_ context.Context, c pgxpool.ShouldPingParams) bool {
		if c.IdleDuration <= pingAfter {
			return false
		}
		p.statements.Add(1)
		return true
	}
	tune(&cfg.ConnConfig.Config)
	cfg.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		s := &session{conn: c.PgConn(), owner: p, stmts: map[string]*prepared{}}
		c.PgConn().CustomData()[sessionKey] = s
		return nil
	}
	cfg.BeforeClose = func(c *pgx.Conn) { lineOf(c.PgConn().Conn()).hangUp() }
	if p.pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), cfg); err != nil {
		return nil, err
	}
	go p.keepWatch()
	if err := p.prepare(ctx); err != nil {
		_ = p.close()
		return nil, err
	}
	return p, nil
}

// tune gives a connection the clocks and settings of this room.
func tune(cfg *pgconn.Config) {
	cfg.ConnectTimeout = connectFor
	cfg.DialFunc = dialLine
	for name, value := range sessionSettings {
		cfg.RuntimeParams[name] = value
	}
}

// sessionKey is where a connection keeps its session.
const sessionKey = "signalbox.session"

// acquire takes a connection; it fails within about connectFor when none can be had.
func (p *postgres) acquire(ctx context.Context) (*pgxpool.Conn, *session, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if err := p.watch.gone(); err != nil {
		return nil, nil, &lost{err}
	}
	bounded, cancel := context.WithTimeout(ctx, connectFor)
	defer cancel()
	trip := &asking{}
	p.watch.begin(trip)
	c, err := p.pool.Acquire(bounded)
	p.watch.arrive(trip)
	if err != nil && ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		p.watch.refused(err)
		return nil, nil, &lost{err}
	}
	s := c.Conn().PgConn().CustomData()[sessionKey].(*session)
	s.end = time.Now().Add(transactFor)
	return c, s, nil
}

// release gives a connection back; one that is broken, or still inside a transaction, is closed by the pool.
func release(c *pgxpool.Conn, s *session) {
	s.until(time.Time{})
	c.Release()
}

// enter waits for a place, or for the end of ctx or of the database.
func (p *postgres) enter(ctx context.Context, places chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-p.closing:
		return unavailable(errClosed)
	default:
	}
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closing:
		return unavailable(errClosed)
	}
}

// read gives fn one snapshot.
func (p *postgres) read(ctx context.Context, fn func(*tx) error) error {
	if err := p.enter(ctx, p.reads); err != nil {
		return err
	}
	defer func() { <-p.reads }()
	err := p.snapshot(ctx, fn)
	for n := 0; n < 2 && errors.As(err, new(*stale)); n++ {
		err = p.snapshot(ctx, fn)
	}
	if ctx.Err() != nil && err != nil {
		return ctx.Err()
	}
	return p.answer(err)
}

func (p *postgres) snapshot(ctx context.Context, fn func(*tx) error) error {
	c, s, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer release(c, s)
	s.ctx = ctx
	defer func() { s.ctx = nil }()
	if err = s.begin(beginReadSQL); err == nil {
		err = fn(&tx{pg: s})
	}
	if endErr := s.rollback(); err == nil {
		err = endErr
	}
	return s.orStale(err)
}

// answer turns an error into what the caller gets, and remembers what it says of the database.
func (p *postgres) answer(err error) error {
	if err == nil || judgePostgres(err) == ownFault {
		return err
	}
	if p.db.sick.Swap(&err) == nil {
		p.db.log.Warn("database cannot be used", "err", err)
	}
	return unavailable(err)
}

// Statements says how many statements this program has sent to PostgreSQL, those that begin and end transactions and those
// that ask whether a connection still stands among them; 0 on the embedded database.
func (db *DB) Statements() int64 {
	if db.pg == nil {
		return 0
	}
	return db.pg.statements.Load()
}

const databaseSizeSQL = `
SELECT pg_database_size(current_database())`

// size answers the bytes that the database has on the server's disk.
func (p *postgres) size(ctx context.Context) (n int64, err error) {
	err = p.read(ctx, func(t *tx) error {
		n, err = t.count(databaseSizeSQL)
		return err
	})
	return n, err
}

// close waits for what runs, and ends every connection.
func (p *postgres) close() error {
	p.once.Do(func() {
		close(p.closing)
		for _, places := range append(p.queues[:], p.reads) {
			for range cap(places) {
				places <- struct{}{}
			}
		}
		<-p.unwatched
		p.pool.Close()
	})
	return nil
}

// lost is an error of the way to the server, not of a statement.
type lost struct{ err error }

// Error is one line, also where the driver has one for each address that it tried.
func (e *lost) Error() string {
	var lines []string
	for line := range strings.Lines(e.err.Error()) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if len(lines) > 1 && strings.HasSuffix(lines[0], ":") {
		lines = append([]string{lines[0] + " " + lines[1]}, lines[2:]...)
	}
	return "connection to the database: " + strings.Join(lines, "; ")
}

func (e *lost) Unwrap() error { return e.err }

// ErrOutcomeUnknown is the cause of an Unavailable error when the answer to a COMMIT was lost and the server could not be asked since whether
// it took it: what was to be saved may be found saved.
var ErrOutcomeUnknown = errors.New("the server's answer to COMMIT was lost, and it cannot be asked for the outcome")
