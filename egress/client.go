package egress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of one answer and of the pool.
const (
	// MaxBody is how much of an answer's body is read, in bytes.
	MaxBody = 16 << 10

	maxHeaderBytes = 64 << 10
	maxIdlePerHost = 64
	maxIdle        = 4096 // as many as deliver has under way at once
	idleTimeout    = 60 * time.Second
)

// Request is one request to send.
type Request struct {
	Method string // empty is POST
	// URL is as [Policy.CheckURL] returns it; parsed once, it may be shared by
	// any number of requests.
	URL    *url.URL
	Header http.Header // not changed; may be shared
	Body   []byte      // not changed; may be shared
}

// Result is what came of a request. When Err is set there was no complete
// answer, whatever Status says; the fields hold what had come until then.
type Result struct {
	Status int // 0 without an answer's head
	Header http.Header
	Body   []byte // the first [MaxBody] bytes, as they came
	// Truncated: the body was longer; its connection was closed.
	Truncated bool
	Err       *Failure
	Timings   Timings
	// RemoteAddr is ip:port of the connection, of the proxy's where there is
	// one; empty without a connection.
	RemoteAddr string
	// Reused: the answer came, or failed to, over a kept-alive connection.
	Reused bool
	// Repeated: a kept-alive connection had died before any answer, and this is
	// the outcome of the repetition on a new one (contract section 12).
	Repeated bool
}

// Timings are durations one after another. DNS, Connect and TLS are 0 on a
// kept-alive connection, DNS also for a literal address or behind a proxy.
type Timings struct {
	DNS, Connect, TLS time.Duration
	// FirstByte runs from the connection being ready to the first byte of the answer.
	FirstByte time.Duration
	// Total runs from the call of Do to its return.
	Total time.Duration
}

// Client sends requests under a policy. It is safe for concurrent use.
type Client struct {
	policy *Policy
	// pooled keeps connections alive; fresh makes one per request, for the
	// repetition, which must not meet another dead one.
	pooled, fresh *http.Transport
	bodies        sync.Pool // *[MaxBody + 1]byte
	close         context.CancelFunc
}

// NewClient makes a client; Close it when done.
func NewClient(p *Policy) *Client {
	closed, cancel := context.WithCancel(context.Background())
	d := &dialer{policy: p, closed: closed}
	c := &Client{policy: p, close: cancel, pooled: newTransport(d), fresh: newTransport(d)}
	c.fresh.DisableKeepAlives = true
	c.bodies.New = func() any { return new([MaxBody + 1]byte) }
	return c
}

// newTransport sets no timeouts of its own: dialer and exchange keep the clocks.
func newTransport(d *dialer) *http.Transport {
	t := &http.Transport{
		Proxy:                  nil, // never from the environment; dialer opens the tunnels
		DialContext:            d.plain,
		DialTLSContext:         d.secure,
		DisableCompression:     true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}

// Close ends idle connections and dials. Requests under way are ended by their
// own contexts.
func (c *Client) Close() {
	c.close()
	c.pooled.CloseIdleConnections()
	c.fresh.CloseIdleConnections()
}

// Do sends one request and reads its bounded answer. Redirects are answers like
// any other. The end of ctx gives a [Cancelled] failure.
//
// A kept-alive connection that dies before the first byte of an answer says
// nothing about the receiver: closing idle connections is its right. The
// request is then repeated once, on a new connection with a new clock.
func (c *Client) Do(ctx context.Context, req Request) Result {
	start := time.Now()
	if !sendable(req.URL) {
		return Result{Err: refusedFailure(refuse("not a URL that was checked"))}
	}
	result, unanswered := c.exchange(ctx, c.pooled, req, start)
	if unanswered {
		result, _ = c.exchange(ctx, c.fresh, req, start)
		result.Repeated = true
	}
	result.Timings.Total = time.Since(start)
	return result
}

// sendable refuses URLs that never went through CheckURL. Scheme, host and port
// are judged where a connection is made.
func sendable(u *url.URL) bool {
	return u != nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.Opaque == "" && u.User == nil
}

// exchange is one request on one connection. unanswered reports that a
// kept-alive connection died before any byte came.
func (c *Client) exchange(ctx context.Context, rt *http.Transport, req Request, start time.Time) (result Result, unanswered bool) {
	x := &exchange{start: start, timeout: c.policy.sendTimeout}
	resp, err := rt.RoundTrip(x.request(ctx, req))
	if err == nil {
		result.Status, result.Header = resp.StatusCode, resp.Header
		result.Body, result.Truncated, err = c.readBody(resp)
		if err != nil || result.Truncated {
			x.conn.Close() // first: closing the body may otherwise wait for more of it
		}
		resp.Body.Close()
	}
	x.report(&result)
	if err == nil {
		x.conn.end(x.turn)
		return result, false
	}
	var shaking *handshakeError
	if x.conn == nil && errors.As(err, &shaking) {
		c := shaking.conn
		result.RemoteAddr = c.remote
		result.Timings.DNS, result.Timings.Connect, result.Timings.TLS = c.dns, c.connect, c.tls
	}
	result.Err = x.failure(ctx, err)
	unanswered = result.Reused && !x.answered() && result.Err.Kind == ConnectionLost
	return result, unanswered
}

var errSwitched = errors.New("the receiver switched protocols")

// readBody reads to the end, so that the connection can be kept, or to the bound.
func (c *Client) readBody(resp *http.Response) (body []byte, truncated bool, err error) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, false, errSwitched // nobody asked; its "body" would be the raw connection
	}
	if resp.Body == http.NoBody {
		return nil, false, nil
	}
	buf := c.bodies.Get().(*[MaxBody + 1]byte)
	defer c.bodies.Put(buf)
	n := 0
	for n < len(buf) && err == nil {
		var more int
		more, err = resp.Body.Read(buf[n:])
		n += more
	}
	if err == io.EOF {
		err = nil
	}
	kept := min(n, MaxBody)
	return bytes.Clone(buf[:kept:kept]), n > MaxBody, err
}

// exchange follows one request over its connection: whose turn it is on it,
// when its clock ends, when its answer began. It is not pooled: the transport
// may call its hooks after the request is over.
type exchange struct {
	start    time.Time
	timeout  time.Duration
	trace    httptrace.ClientTrace
	conn     *trackedConn // nil until there is one
	turn     uint64
	fresh    bool      // the connection was made for this request
	ready    time.Time // the connection could take the request
	deadline time.Time
	// firstByte is nanoseconds from ready, 0 before; set by the transport's reading goroutine.
	firstByte atomic.Int64
}

// request builds the http.Request. It has no GetBody, so that the transport
// never repeats it by its own rule, which knows no "once".
func (x *exchange) request(ctx context.Context, r Request) *http.Request {
	x.trace.GotConn = x.gotConn
	x.trace.GotFirstResponseByte = x.gotFirstByte
	var blank http.Request
	req := blank.WithContext(httptrace.WithClientTrace(ctx, &x.trace))
	req.Method, req.URL, req.Host, req.Header = r.Method, r.URL, r.URL.Host, r.Header
	if req.Method == "" {
		req.Method = http.MethodPost
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if len(r.Body) > 0 {
		// A reader that the transport knows to be of memory goes out in one packet with the headers; before any other they are sent apart.
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(r.Body)), int64(len(r.Body))
	}
	return req
}

// gotConn starts the clock of contract section 12: from the TCP connection if
// it was made for this request, else from now.
func (x *exchange) gotConn(info httptrace.GotConnInfo) {
	x.conn = tracked(info.Conn)
	x.ready = time.Now()
	x.turn = x.conn.begin()
	x.firstByte.Store(0)
	x.fresh = x.turn == 1 && !x.conn.dialled.Before(x.start)
	clock := x.ready
	if x.fresh {
		clock = x.conn.established
	}
	x.deadline = clock.Add(x.timeout)
	x.conn.setDeadline(x.turn, x.deadline)
}

func (x *exchange) gotFirstByte() {
	x.firstByte.CompareAndSwap(0, max(1, int64(time.Since(x.ready))))
}

func (x *exchange) answered() bool { return x.firstByte.Load() != 0 }

// report fills in what the connection knows.
func (x *exchange) report(r *Result) {
	if x.conn == nil {
		return
	}
	r.RemoteAddr, r.Reused = x.conn.remote, !x.fresh
	if x.fresh {
		r.Timings.DNS, r.Timings.Connect, r.Timings.TLS = x.conn.dns, x.conn.connect, x.conn.tls
	}
	r.Timings.FirstByte = time.Duration(x.firstByte.Load())
}

// failure judges an error of the exchange, the certain causes first.
func (x *exchange) failure(ctx context.Context, err error) *Failure {
	f := errProtocol
	var dial *Failure
	switch {
	case ctx.Err() != nil:
		f = errCancelled
	case errors.As(err, &dial):
		return dial
	case x.conn == nil:
		f = errRequest // the transport refused to send it
	case !time.Now().Before(x.deadline):
		f = errSendTimeout
	case !x.answered() || connectionEnded(err):
		f = errLost
	}
	return &f
}
