package store_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"

	"signalbox"
	"signalbox/store"
)

// cutter stands between a node and its server and cuts the connection at a COMMIT.
type cutter struct {
	mode atomic.Int32 // how the next COMMIT ends; then every connection is left alone again
	cuts atomic.Int32
}

// How a COMMIT ends.
const (
	cutNot    = iota
	cutBefore // it never arrives
	cutAfter  // it arrives, and its answer does not come back
)

// between returns the URL of a database that is reached through the cutter.
func (c *cutter) between(t *testing.T, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			var deaf atomic.Bool
			go c.forward(client, upstream, &deaf)
			go answer(client, upstream, &deaf)
		}
	}()
	u.Host = l.Addr().String()
	return u.String()
}

// forward carries what the node says to the server.
func (c *cutter) forward(client, upstream net.Conn, deaf *atomic.Bool) {
	defer upstream.Close()
	defer client.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		mode := c.mode.Load()
		if mode == cutNot || !bytes.Contains(buf[:n], []byte("\x00commit\x00")) || !c.mode.CompareAndSwap(mode, cutNot) {
			if _, err := upstream.Write(buf[:n]); err != nil {
				return
			}
			continue
		}
		c.cuts.Add(1)
		if mode == cutBefore {
			return
		}
		deaf.Store(true)
		_, _ = upstream.Write(buf[:n])
		_, _ = io.Copy(io.Discard, client) // until answer has seen the server's answer
		return
	}
}

// answer carries what the server says to the node, until it is to be lost.
func answer(client, upstream net.Conn, deaf *atomic.Bool) {
	defer client.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := upstream.Read(buf)
		if err != nil || deaf.Load() {
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// When the answer to a COMMIT is lost, the server is asked what became of it: an error means that nothing was saved, and what was saved
// is acknowledged (design, Turns).
func TestPostgres_ALostCommitIsResolved(t *testing.T) {
	t.Parallel()
	var c cutter
	s := &small{ids: signalbox.NewIDs(0), now: benchTime, DB: box(t, c.between(t, postgres(t).Schema(t)))}
	s.fill(t)
	for range 10 {
		c.mode.Store(cutAfter)
		sig, _, err := s.signal([]byte(`{}`))
		if err != nil || !s.has(t, sig) {
			t.Fatalf("committed, and the answer was lost: %v", err)
		}
		c.mode.Store(cutBefore)
		sig, _, err = s.signal([]byte(`{}`))
		wantCode(t, err, signalbox.Unavailable)
		if s.has(t, sig) {
			t.Fatal("the error said that nothing was saved")
		}
	}
	if n := c.cuts.Load(); n != 20 {
		t.Fatalf("%d connections were cut, want 20", n)
	}
	s.lease = signalbox.Lease{}
	_, free, err := s.signal([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.JoinNode(t.Context(), "test", s.now)
	if err != nil {
		t.Fatal(err)
	}
	c.mode.Store(cutAfter)
	claimed, err := s.Claim(t.Context(), l, s.ws, s.wh, 1000, s.now)
	if err != nil || !slices.ContainsFunc(claimed.Ready, func(r signalbox.Ready) bool { return r.ID == free }) {
		t.Fatalf("claimed %d, %v: leases that nobody knows of", len(claimed.Ready), err)
	}
	c.mode.Store(cutAfter)
	if err := s.PutSetting(t.Context(), "x", nil); !errors.Is(err, store.ErrOutcomeUnknown) {
		t.Fatalf("error %v, want one that says that the outcome is unknown", err)
	}
}
