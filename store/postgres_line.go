package store

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// line is a connection to the server that ends when it is to. The driver takes up to half a minute to close one that is broken: it asks the
// server to cancel what it runs, says goodbye, and reads on. A server that is gone hears none of it, and until then the pool has no place for
// another connection.
type line struct {
	net.Conn

	mu     sync.Mutex
	hungUp time.Time // no deadline may be after it; zero: it is in use
}

var lineDialer = net.Dialer{
	Timeout: connectFor, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3},
}

// dialLine connects. The driver gives every connection that is to be used connectFor at most; one that may take longer is to cancel something.
func dialLine(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := lineDialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l := &line{Conn: c}
	if end, ok := ctx.Deadline(); ok && time.Until(end) > connectFor {
		l.hangUp()
	}
	return l, nil
}

// lineOf finds the line under whatever encrypts it.
func lineOf(c net.Conn) *line {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return c.(*line)
}

// hangUp leaves closeFor to whatever the driver still has to say.
func (l *line) hangUp() {
	l.mu.Lock()
	l.hungUp = time.Now().Add(closeFor)
	l.mu.Unlock()
	_ = l.SetDeadline(time.Time{}) // a closed connection needs none
}

// within is the moment, or that of the end, whichever comes first.
func (l *line) within(t time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.hungUp.IsZero() && (t.IsZero() || l.hungUp.Before(t)) {
		return l.hungUp
	}
	return t
}

func (l *line) SetDeadline(t time.Time) error      { return l.Conn.SetDeadline(l.within(t)) }
func (l *line) SetReadDeadline(t time.Time) error  { return l.Conn.SetReadDeadline(l.within(t)) }
func (l *line) SetWriteDeadline(t time.Time) error { return l.Conn.SetWriteDeadline(l.within(t)) }
