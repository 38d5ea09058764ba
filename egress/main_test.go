package egress_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbox/egress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newPolicy builds a policy that knows no interface addresses but those given,
// so that tests say the same on every machine.
func newPolicy(t testing.TB, c egress.Config) *egress.Policy {
	t.Helper()
	if c.InterfaceAddrs == nil {
		c.InterfaceAddrs = func() ([]net.Addr, error) { return nil, nil }
	}
	if c.Resolver == nil {
		c.Resolver = names{}
	}
	p, err := egress.NewPolicy(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newClient(t testing.TB, c egress.Config) *egress.Client {
	t.Helper()
	client := egress.NewClient(newPolicy(t, c))
	t.Cleanup(client.Close)
	return client
}

func mustParse(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func post(t testing.TB, raw string) egress.Request {
	t.Helper()
	return egress.Request{URL: mustParse(t, raw), Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"n":1}`)}
}

// names is a resolver that knows these rooted names only.
type names map[string][]string

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, s := range n[host] {
		addrs = append(addrs, netip.MustParseAddr(s))
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addrs, nil
}

// resolverFunc answers by a function.
type resolverFunc func(ctx context.Context, host string) ([]netip.Addr, error)

func (f resolverFunc) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	return f(ctx, host)
}

// server is a raw TCP receiver: script runs once per connection, counted from 1.
type server struct {
	addr  netip.AddrPort
	conns atomic.Int64
	done  chan struct{} // closed when the test ends, for scripts that stall
}

func (s *server) url(scheme string) string { return scheme + "://" + s.addr.String() + "/hook" }

func serve(t testing.TB, script func(s *server, n int, c net.Conn)) *server {
	t.Helper()
	return serveAt(t, netip.MustParseAddrPort("127.0.0.1:0"), script)
}

// serveAt is serve at an address of loopback's.
func serveAt(t testing.TB, at netip.AddrPort, script func(s *server, n int, c net.Conn)) *server {
	t.Helper()
	listener, err := net.Listen("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: listener.Addr().(*net.TCPAddr).AddrPort(), done: make(chan struct{})}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			n := int(s.conns.Add(1))
			running.Go(func() {
				stop := context.AfterFunc(t.Context(), func() { conn.Close() })
				defer stop()
				defer conn.Close()
				script(s, n, conn)
			})
		}
	})
	t.Cleanup(func() {
		close(s.done)
		listener.Close()
		running.Wait()
	})
	return s
}

// refusalOf is the *Refusal in err, nil if there is none.
func refusalOf(err error) *egress.Refusal {
	var r *egress.Refusal
	errors.As(err, &r)
	return r
}

// startTLS is a receiver with its own authority, quiet about failed handshakes.
func startTLS(t testing.TB, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	receiver := httptest.NewUnstartedServer(handle)
	receiver.Config.ErrorLog = log.New(io.Discard, "", 0)
	receiver.StartTLS()
	t.Cleanup(receiver.Close)
	return receiver
}

// authorities is the certificates of the TLS servers among these, as PEM.
func authorities(servers ...*httptest.Server) []byte {
	var bundle []byte
	for _, s := range servers {
		if c := s.Certificate(); c != nil {
			bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
		}
	}
	return bundle
}

// lateness is how much later than its clock an answer may be cut: the 250 ms of
// reliability S5, and what this machine itself was late meanwhile.
func lateness(t *testing.T) func() time.Duration {
	t.Helper()
	const tick = 10 * time.Millisecond
	var worst atomic.Int64
	var running sync.WaitGroup
	ctx := t.Context() // ends before the cleanups run
	running.Go(func() {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for last := time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case now := <-ticker.C:
				worst.Store(max(worst.Load(), int64(time.Since(last)-tick)))
				last = now
			}
		}
	})
	t.Cleanup(running.Wait)
	return func() time.Duration { return 250*time.Millisecond + time.Duration(worst.Load()) }
}
