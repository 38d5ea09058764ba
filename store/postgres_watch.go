package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// A server, or a network, that has died without a word looks like one that is slow: nothing comes back. A statement may run for seconds, but
// who waits for it is to be told within about one. So a trip to the server that lasts is a reason to ask the server, on another connection,
// whether it is there at all. If it is, the trip may last (statementFor ends it); if not, every trip that lasts is given up, and so is every
// connection: all of them went the same way.

const (
	watchEvery = 100 * time.Millisecond
	suspectFor = 300 * time.Millisecond // a trip that lasts longer is a reason to ask
	askFor     = 800 * time.Millisecond // the server answers within it, or is away
	tripFor    = statementFor + time.Second
	tryEvery   = 100 * time.Millisecond // while it is away: each try costs the server a process
)

// watch knows which trips are under way, and whether the server is there.
type watch struct {
	mu     sync.Mutex
	trips  map[*session]time.Time // when each began
	away   error                  // why no connection could be had; nil: the last one could
	trying bool                   // somebody finds out whether it is still so
	next   time.Time              // when somebody may
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

// arrive ends it.
func (w *watch) arrive(s *session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.trips, s)
}

// isAway says whether the server was away when it was last tried.
func (w *watch) isAway() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.away != nil
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
	for s, began := range w.trips {
		if now.Sub(began) > suspectFor {
			s.until(now)
		}
	}
}

// try says whether a connection may be asked for: while the server is away, one caller at a time finds out whether it still is, and the others are
// told at once why not. Who may try tells what came of it (tried, gaveUp).
func (w *watch) try() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away != nil && (w.trying || time.Now().Before(w.next)) {
		return w.away
	}
	w.trying = true
	return nil
}

// tried tells what came of asking for a connection: nil, or the reason why there is none.
func (w *watch) tried(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trying, w.away, w.next = false, err, time.Now().Add(tryEvery)
}

// gaveUp tells that nothing came of it: the caller did not wait.
func (w *watch) gaveUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trying = false
}

// errSilent says that a server did not answer at all.
var errSilent = errors.New("the server gives no answer")

// keepWatch asks the server whether it is there whenever a trip lasts, until the database is closed.
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
		case p.watch.suspicious(time.Now()):
			if c = p.present(c); c == nil {
				p.watch.giveUp(time.Now(), errSilent)
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
