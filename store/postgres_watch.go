package store

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A server, or a network, that has died without a word looks like one that is slow: nothing comes back. A statement may run for seconds, but
// who waits for it is to be told within about one. So a trip to the server that lasts is a reason to ask the server, on another connection,
// whether it is there at all. If it is, the trip may last (statementFor ends it); if not, every trip that lasts is given up, and so is every
// connection: all of them went the same way. Until the server answers again nobody waits for it: all are told at once.

const (
	watchEvery = 100 * time.Millisecond
	suspectFor = 300 * time.Millisecond // a trip that lasts longer is a reason to ask
	askFor     = 800 * time.Millisecond // the server answers within it, or is away
	tripFor    = statementFor + time.Second
)

// watch knows which trips are under way, and whether the server is there.
type watch struct {
	mu    sync.Mutex
	trips map[trip]time.Time // when each began
	away  error              // why no connection can be had; nil: the server is there as far as anybody knows
	tell  []func(error)      // whom to tell while it is away
}

// trip is what waits for the server: a session that has sent something, or somebody who asks for a connection.
type trip interface {
	// until gives it up at a moment.
	until(at time.Time)
}

// asking is somebody who asks for a connection, for connectFor at most.
type asking struct{ _ byte }

func (*asking) until(time.Time) {}

// begin notes a trip.
func (w *watch) begin(t trip) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trips[t] = time.Now()
}

// depart begins a trip of a session.
func (w *watch) depart(s *session) {
	now := time.Now()
	until := now.Add(tripFor)
	if s.end.IsZero() || s.end.Before(until) {
		until = s.end
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trips[s] = now
	s.until(until)
}

// arrive ends a trip.
func (w *watch) arrive(t trip) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.trips, t)
}

// gone says why the server is away; nil: it is not, as far as anybody knows.
func (w *watch) gone() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.away
}

// back tells that the server has answered.
func (w *watch) back() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = nil
}

// told tells whoever wants to know that the server is away, if it is.
func (w *watch) told() {
	w.mu.Lock()
	list, away := w.tell, w.away
	w.mu.Unlock()
	for _, fn := range list {
		if away != nil {
			fn(unavailable(&lost{away}))
		}
	}
}

// WhileAway has fn called, with an Unavailable error, when PostgreSQL gives no answer any more, and about once a second until it does: who waits
// for somebody whose outcome must be found out first need not wait for that. The embedded database is never away.
func (db *DB) WhileAway(fn func(error)) {
	if db.pg == nil {
		return
	}
	w := &db.pg.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell = append(w.tell[:len(w.tell):len(w.tell)], fn)
}

// suspicious says whether a trip has lasted for so long that the server is to be asked.
func (w *watch) suspicious(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, began := range w.trips {
		if now.Sub(began) > suspectFor {
			return true
		}
	}
	return false
}

// giveUp ends every trip that lasts: what is read or written from now on fails.
func (w *watch) giveUp(now time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = err
	for t, began := range w.trips {
		if now.Sub(began) > suspectFor {
			t.until(now)
		}
	}
}

// refused tells that a connection could not be had: then the server is away, unless that says nothing of it.
func (w *watch) refused(err error) {
	if aboutOne(err) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = err
}

// aboutOne says whether an error is of one connection, and the others may be as good as ever: it came too late, others have all there are, or
// somebody ended it.
func aboutOne(err error) bool {
	var e *pgconn.PgError
	var late net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &late) && late.Timeout() ||
		errors.As(err, &e) && (e.Code == "53300" || e.Code == "57P01")
}

// errSilent says that a server did not answer at all.
var errSilent = errors.New("the server gives no answer")

// keepWatch asks the server whether it is there, whenever a trip lasts and while it is away, until the database is closed.
func (p *postgres) keepWatch() {
	defer close(p.unwatched)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var c *pgx.Conn // the one that asks, made before it is needed; nil: it broke, or could not be made
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-p.closing:
			closeConn(c)
			return
		}
		switch {
		case p.watch.gone() != nil:
			if c = p.present(c); c != nil {
				p.watch.back()
			}
			p.watch.told()
		case p.watch.suspicious(time.Now()):
			if c = p.present(c); c == nil {
				p.watch.giveUp(time.Now(), errSilent)
				p.watch.told()
				p.pool.Reset()
			}
		case c == nil && n%10 == 0:
			c = p.asker()
		}
	}
}

// present asks the server, and returns the connection that it answered on; nil: it did not.
func (p *postgres) present(c *pgx.Conn) *pgx.Conn {
	if c != nil {
		ctx, cancel := context.WithTimeout(context.Background(), askFor)
		defer cancel()
		if c.Ping(ctx) == nil {
			return c
		}
		closeConn(c)
		if ctx.Err() != nil {
			return nil
		}
	}
	return p.asker() // the old connection was broken, as by a restart: that says nothing of now
}

// asker makes the connection that asks; nil: the server does not give it.
func (p *postgres) asker() *pgx.Conn {
	ctx, cancel := context.WithTimeout(context.Background(), connectFor)
	defer cancel()
	c, err := pgx.ConnectConfig(ctx, p.pool.Config().ConnConfig)
	if err != nil {
		return nil
	}
	return c
}

// closeConn closes a connection without waiting for anybody.
func closeConn(c *pgx.Conn) {
	if c == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = c.Close(ctx) // nothing is lost with it
}
