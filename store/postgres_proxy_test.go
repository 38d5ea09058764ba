package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"signalbox"
	"signalbox/store"
)

// cutter stands between a node and its server and cuts the connection at a COMMIT.
type cutter struct {
	mode   atomic.Int32 // how the next COMMIT ends; then every connection is left alone again
	cuts   atomic.Int32
	silent atomic.Bool // what is said is swallowed, in both directions and for ever: a connection that was silent once stays it
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
			go c.answer(client, upstream, &deaf)
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
		if c.silent.Load() {
			deaf.Store(true)
		}
		if deaf.Load() {
			continue
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
func (c *cutter) answer(client, upstream net.Conn, deaf *atomic.Bool) {
	defer func() {
		if !c.silent.Load() {
			client.Close()
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := upstream.Read(buf)
		if c.silent.Load() {
			deaf.Store(true)
		}
		if err != nil || deaf.Load() {
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// A server that is silent, as behind a network that swallows everything, costs who waits for it about a second, and is found again by itself
// although the connections that went silent stay so.
func TestPostgres_ASilentServerIsGivenUpSoon(t *testing.T) {
	t.Parallel()
	var c cutter
	s := &small{ids: signalbox.NewIDs(0), now: benchTime, DB: box(t, c.between(t, postgres(t).Schema(t)))}
	s.fill(t)
	for range 3 {
		if _, _, err := s.signal([]byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		c.silent.Store(true)
		for name, call := range map[string]func() error{
			"write": func() error { _, _, err := s.signal([]byte(`{}`)); return err },
			"read":  func() error { _, err := s.Workspace(t.Context(), s.ws); return err },
		} {
			begin := time.Now()
			wantCode(t, call(), signalbox.Unavailable)
			if took := time.Since(begin); took > 2500*time.Millisecond {
				t.Errorf("a %s was refused after %s, want about a second", name, took)
			}
		}
		c.silent.Store(false)
		begin := time.Now()
		soon(t, func() bool { _, _, err := s.signal([]byte(`{}`)); return err == nil })
		if took := time.Since(begin); took > 4*time.Second {
			t.Errorf("the first write succeeded %s after the server was back", took)
		}
	}
}

// While the server is silent nobody waits for somebody else's try to end.
func TestPostgres_WhileTheServerIsSilentNobodyQueues(t *testing.T) {
	t.Parallel()
	var c cutter
	s := &small{ids: signalbox.NewIDs(0), now: benchTime, DB: box(t, c.between(t, postgres(t).Schema(t)))}
	s.fill(t)
	c.silent.Store(true)
	var wg sync.WaitGroup
	begin := time.Now()
	for range 64 {
		wg.Go(func() {
			_, err := s.Workspace(t.Context(), s.ws)
			wantCode(t, err, signalbox.Unavailable)
		})
	}
	wg.Wait()
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("64 readers through a few connections were refused within %s, want about one second", took)
	}
	begin = time.Now()
	_, err := s.Workspace(t.Context(), s.ws)
	wantCode(t, err, signalbox.Unavailable)
	if took := time.Since(begin); took > 100*time.Millisecond {
		t.Errorf("a reader that came later was refused after %s, want at once", took)
	}
}

// A server that is slow and there is waited for: the head is held by somebody else for longer than a silent server is waited for.
func TestPostgres_ASlowServerIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := postgres(t)
	s, base := newSmallPostgres(t, server)
	holder, err := pgx.Connect(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close(context.Background())
	if _, err := holder.Exec(t.Context(), "BEGIN; SELECT 1 FROM heads FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	let := make(chan struct{})
	time.AfterFunc(1500*time.Millisecond, func() {
		_, _ = holder.Exec(context.Background(), "COMMIT")
		close(let)
	})
	begin := time.Now()
	if _, _, err := s.signal([]byte(`{}`)); err != nil {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("nothing was waited for: %s", took)
	}
	<-let
}

// When a connection breaks at a COMMIT, the server is asked what became of it: what was saved is acknowledged, and what was not is run again,
// once (design, Turns).
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
		if err != nil || !s.has(t, sig) {
			t.Fatalf("not committed, and run again: %v", err)
		}
	}
	if n := c.cuts.Load(); n != 20 {
		t.Fatalf("%d connections were cut, want 20", n)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Signals != 20 {
		t.Fatalf("%d signals are stored, want 20, each once: %v", st.Signals, err)
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
