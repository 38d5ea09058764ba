package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// maxTries bounds how many addresses of a name are tried within the connect clock.
const maxTries = 8

// trackedConn is a TCP connection (through the proxy where there is one) that
// remembers how it came to be, and carries the deadline of the request it serves.
type trackedConn struct {
	net.Conn
	remote      string
	dialled     time.Time // the dial began
	established time.Time // TCP stood: the clock of S1-43 starts
	dns         time.Duration
	connect     time.Duration
	tls         time.Duration

	mu   sync.Mutex
	turn uint64 // guarded by mu: how many requests have got the connection
}

// begin takes the connection for one request; 1 is the first.
func (c *trackedConn) begin() (turn uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	return c.turn
}

// end lifts the deadline of a request that is complete, unless the pool has
// already given the connection to the next one, whose deadline must stand.
func (c *trackedConn) end(turn uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn == turn {
		_ = c.SetDeadline(time.Time{}) // fails only on a closed connection
	}
}

// setDeadline sets the deadline of the request whose turn it is.
func (c *trackedConn) setDeadline(turn uint64, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn == turn {
		_ = c.SetDeadline(at)
	}
}

// tracked finds our connection under the one that the pool holds.
func tracked(conn net.Conn) *trackedConn {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	return conn.(*trackedConn) // every pooled connection was made by dialer
}

// dialer makes connections, under the policy, until its client is closed.
type dialer struct {
	policy *Policy
	closed context.Context
}

// plain makes an http connection; it is http.Transport's DialContext.
func (d *dialer) plain(ctx context.Context, _, addr string) (net.Conn, error) {
	ctx, cancel := d.untilClosed(ctx)
	defer cancel()
	c, _, err := d.dial(ctx, "http", addr)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// secure makes an https connection, handshake done; it is http.Transport's
// DialTLSContext. The handshake is on the send clock, not the connect clock.
func (d *dialer) secure(ctx context.Context, _, addr string) (net.Conn, error) {
	ctx, cancel := d.untilClosed(ctx)
	defer cancel()
	c, t, err := d.dial(ctx, "https", addr)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(c.established.Add(d.policy.sendTimeout))
	conn, err := d.handshake(ctx, c, t.host)
	c.tls = time.Since(c.established)
	if err != nil {
		c.Close()
		return nil, &handshakeError{failure: tlsFailure(err), conn: c}
	}
	_ = c.SetDeadline(time.Time{})
	return conn, nil
}

// handshakeError is the end of a connection that never got its request. It carries the connection, whose address and timings are
// what the attempt's log can tell.
type handshakeError struct {
	failure *Failure
	conn    *trackedConn
}

func (e *handshakeError) Error() string { return e.failure.Error() }

// Unwrap is the failure.
func (e *handshakeError) Unwrap() error { return e.failure }

// untilClosed ends ctx with the client too: http.Transport lets dials outlive
// the requests that asked for them.
func (d *dialer) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(d.closed, cancel)
	return ctx, func() { stop(); cancel() }
}

func (d *dialer) handshake(ctx context.Context, c net.Conn, host string) (*tls.Conn, error) {
	conn := tls.Client(c, &tls.Config{
		ServerName: host,
		RootCAs:    d.policy.roots,
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
	})
	return conn, conn.HandshakeContext(ctx)
}

// dial judges scheme, host and port once more, resolves, judges every address
// and connects to one that was judged.
func (d *dialer) dial(ctx context.Context, scheme, addr string) (*trackedConn, target, error) {
	c := &trackedConn{dialled: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, d.policy.connectTimeout)
	defer cancel()
	t, refusal := d.policy.dialTarget(scheme, addr)
	if refusal != nil {
		return nil, t, refusedFailure(refusal)
	}
	var err error
	if d.policy.proxy != nil {
		c.Conn, err = d.throughProxy(ctx, addr)
	} else {
		c.Conn, err = d.direct(ctx, t, c)
	}
	if err != nil {
		return nil, t, connectFailure(err, errConnect)
	}
	c.established = time.Now()
	c.connect = c.established.Sub(c.dialled) - c.dns
	c.remote = c.RemoteAddr().String()
	return c, t, nil
}

// dialTarget judges what http.Transport asks for by the rules of CheckURL,
// whether or not the URL ever went through it.
func (p *Policy) dialTarget(scheme, addr string) (target, *Refusal) {
	asked, port, refusal := splitHostPort(addr)
	if refusal != nil {
		return target{}, refusal
	}
	host, refusal := asciiHost(asked)
	if refusal != nil {
		return target{}, refusal
	}
	return p.judgeTarget(scheme, host, port)
}

// direct resolves and connects; it notes in c how long DNS took.
func (d *dialer) direct(ctx context.Context, t target, c *trackedConn) (net.Conn, error) {
	addrs := []netip.Addr{t.addr}
	if !t.addr.IsValid() {
		var err error
		addrs, err = d.policy.resolve(ctx, t)
		c.dns = time.Since(c.dialled)
		if err != nil {
			return nil, connectFailure(err, errDNS)
		}
	}
	if refusal := d.policy.judgeAll(t, addrs); refusal != nil {
		return nil, refusal
	}
	addrs = addrs[:min(len(addrs), maxTries)]
	var err error
	for i, addr := range addrs {
		var conn net.Conn
		conn, err = d.connect(ctx, t, addr, len(addrs)-i)
		if err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// connect dials one judged address with its share of the time that is left.
func (d *dialer) connect(ctx context.Context, t target, addr netip.Addr, left int) (net.Conn, error) {
	want := netip.AddrPortFrom(addr, t.port)
	deadline, _ := ctx.Deadline()
	nd := net.Dialer{
		Timeout: time.Until(deadline) / time.Duration(left),
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			return d.policy.lastCheck(t, want, network, address)
		},
	}
	return nd.DialContext(ctx, "tcp", want.String())
}

// lastCheck is the second judgement, of the very address that the socket is
// about to connect to. Whatever it cannot read, it refuses.
func (p *Policy) lastCheck(t target, want netip.AddrPort, network, address string) error {
	got, err := netip.ParseAddrPort(address)
	if err != nil || got != want || (network != "tcp4" && network != "tcp6") {
		return refuse("the address to connect to is not the one that was judged")
	}
	if refusal := p.judgeAddr(t, got.Addr()); refusal != nil {
		return refusal
	}
	return nil
}

// resolve looks a name up as a rooted name: search domains must not turn
// api.example into api.example.cluster.local. Localhost needs no look-up (RFC 6761).
func (p *Policy) resolve(ctx context.Context, t target) ([]netip.Addr, error) {
	if t.host == "localhost" || strings.HasSuffix(t.host, ".localhost") {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	found, err := p.resolver.LookupNetIP(ctx, "ip", t.host+".")
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &errDNS
	}
	addrs := make([]netip.Addr, 0, len(found))
	for _, addr := range found {
		if addr = addr.Unmap(); !slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs, nil
}

// throughProxy opens a tunnel to addr. The proxy's own address is the
// operator's choice and is not judged.
func (d *dialer) throughProxy(ctx context.Context, addr string) (net.Conn, error) {
	proxy := d.policy.proxy
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", proxy.Host)
	if err != nil {
		return nil, connectFailure(err, errProxy)
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	tunnel, err := d.openTunnel(ctx, conn, proxy, addr)
	if err != nil {
		conn.Close()
		return nil, connectFailure(err, errProxy)
	}
	_ = conn.SetDeadline(time.Time{})
	return tunnel, nil
}

func (d *dialer) openTunnel(ctx context.Context, conn net.Conn, proxy *url.URL, addr string) (net.Conn, error) {
	if proxy.Scheme == "https" {
		secured, err := d.handshake(ctx, conn, proxy.Hostname())
		if err != nil {
			return nil, err
		}
		conn = secured
	}
	connect := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if proxy.User != nil {
		password, _ := proxy.User.Password()
		basic := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
		connect.Header.Set("Proxy-Authorization", "Basic "+basic)
	}
	if err := connect.Write(conn); err != nil {
		return nil, err
	}
	answer := bufio.NewReader(io.LimitReader(conn, maxHeaderBytes))
	resp, err := http.ReadResponse(answer, connect)
	if err != nil {
		return nil, err
	}
	// Bytes beyond the answer would be a target that speaks first: no HTTP.
	if resp.StatusCode/100 != 2 || answer.Buffered() > 0 {
		return nil, &errProxy
	}
	return conn, nil
}

// DialNamed connects to a server that whoever runs the program has named himself, such as the mail server: the guard has no say, for it may well be where nobody
// else may have anything sent.
func DialNamed(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, address)
}
