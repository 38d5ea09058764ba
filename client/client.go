package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client calls one server with one API key.
type Client struct {
	base    string
	bad     error // why base cannot be called
	key     Secret
	agent   string
	http    *http.Client
	retries int
	longest time.Duration
	timeout time.Duration
}

// Option changes how a Client works.
type Option func(*Client)

// The defaults of New's options.
const (
	DefaultRetries = 3
	DefaultTimeout = 30 * time.Second
)

// The waits between tries: they double from firstWait; a server that asks for more than the longest gets no further try.
const (
	firstWait   = 200 * time.Millisecond
	longestWait = 30 * time.Second // unless WithLongestWait says otherwise
)

// maxAnswer is the most that is read of an answer.
const maxAnswer = 64 << 20

// WithHTTPClient sends requests with h, for a CA of one's own, a proxy or a test's network.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithRetries sets how often a request that is safe to repeat is tried again after a 429, a 503 or a broken connection; 0: never.
func WithRetries(n int) Option { return func(c *Client) { c.retries = n } }

// WithLongestWait sets the longest Retry-After that is waited for, 30 s unless set: a server that asks for more gets no further try.
func WithLongestWait(d time.Duration) Option { return func(c *Client) { c.longest = d } }

// WithTimeout sets how long one try may take, beside the wait that Feed asks for.
func WithTimeout(d time.Duration) Option { return func(c *Client) { c.timeout = d } }

// WithUserAgent names the program that calls.
func WithUserAgent(name string) Option { return func(c *Client) { c.agent = name } }

// New makes a client for the server at baseURL, for example http://127.0.0.1:8080, with an API key. A URL that cannot be called
// is reported by every call.
func New(baseURL, key string, opts ...Option) *Client {
	c := &Client{
		base: strings.TrimRight(baseURL, "/"), key: Secret(key), agent: "signalbox-client",
		retries: DefaultRetries, longest: longestWait, timeout: DefaultTimeout,
		http: &http.Client{
			Transport:     newTransport(),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the API never redirects: a key goes to no other place
		},
	}
	if u, err := url.Parse(baseURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		c.bad = fmt.Errorf("%q is not the URL of a server, such as http://127.0.0.1:8080", baseURL)
	}
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// newTransport keeps more idle connections to its one host than the standard one, so that a busy sender does not dial for each
// signal.
func newTransport() http.RoundTripper {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxIdleConnsPerHost = 64
		return t
	}
	return http.DefaultTransport
}

// URL returns the base URL of the server, without a final slash.
func (c *Client) URL() string { return c.base }

// CloseIdle closes the connections that nothing uses now.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// call is one request of the API.
type call struct {
	method string
	path   string
	query  url.Values
	body   any           // marshalled; a json.RawMessage goes out as it is
	key    string        // Idempotency-Key, "" for none
	again  bool          // doing it twice is as doing it once, without a key too
	wait   time.Duration // how long the server may hold the request before it answers
	header http.Header   // where the answer's headers go; nil: nobody asks
}

// safe says whether repeating the request cannot do anything twice.
func (q *call) safe() bool { return q.method == http.MethodGet || q.key != "" || q.again }

// do sends a request, again if need be, and decodes its answer into out; nil drops it.
func (c *Client) do(ctx context.Context, q call, out any) error {
	if c.bad != nil {
		return c.bad
	}
	body, err := marshal(q.body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	for try := 0; ; try++ {
		err := c.once(ctx, &q, body, out)
		wait, again := c.pause(err, try)
		if !again || !q.safe() || try >= c.retries || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

func marshal(v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		return v, nil
	}
	return json.Marshal(v)
}

// pause says whether err may pass by itself, and how long to wait for that: what the server asked for and a tenth more by chance,
// so that many clients do not come back at once.
func (c *Client) pause(err error, try int) (time.Duration, bool) {
	wait := firstWait << min(try, 7)
	var refused *Error
	switch {
	case err == nil:
		return 0, false
	case errors.As(err, &refused):
		if refused.Status != http.StatusTooManyRequests && refused.Status != http.StatusServiceUnavailable {
			return 0, false
		}
		wait = max(wait, refused.RetryAfter)
	case !errors.As(err, new(*connectionError)):
		return 0, false
	}
	return wait + rand.N(wait/10+1), wait <= c.longest
}

// once is one try.
func (c *Client) once(ctx context.Context, q *call, body []byte, out any) error {
	if c.timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, c.timeout+q.wait)
		defer cancel()
		ctx = limited
	}
	req, err := c.request(ctx, q, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return &connectionError{err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return &connectionError{fmt.Errorf("%s %s: read the answer: %w", q.method, q.path, err)}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return newError(resp, answer)
	}
	if q.header != nil {
		for name, values := range resp.Header {
			q.header[name] = values
		}
	}
	if out == nil || len(answer) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s %s: the answer is not what this client knows: %w", q.method, q.path, err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, q *call, body []byte) (*http.Request, error) {
	target := c.base + q.path
	if len(q.query) > 0 {
		target += "?" + q.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, q.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+string(c.key))
	}
	if q.key != "" {
		req.Header.Set("Idempotency-Key", q.key)
	}
	req.Header.Set("User-Agent", c.agent)
	return req, nil
}

// connectionError is a request that got no whole answer: it may or may not have taken effect.
type connectionError struct{ err error }

func (e *connectionError) Error() string { return e.err.Error() }
func (e *connectionError) Unwrap() error { return e.err }

// NoAnswer says whether err is a request that got no whole answer, so that nobody can tell whether it took effect.
func NoAnswer(err error) bool { return errors.As(err, new(*connectionError)) }

// data is the envelope of most answers (contract section 16).
type data[T any] struct {
	Data T `json:"data"`
	Meta struct {
		NextCursor string `json:"next_cursor"`
		Total      int    `json:"total"`
	} `json:"meta"`
}

// one asks for a single thing inside the envelope.
func one[T any](ctx context.Context, c *Client, q call) (T, error) {
	var answer data[T]
	err := c.do(ctx, q, &answer)
	return answer.Data, err
}

// Ready returns nil once the server takes signals, or why it does not. It is never tried again by itself.
func (c *Client) Ready(ctx context.Context) error {
	if c.bad != nil {
		return c.bad
	}
	return c.once(ctx, &call{method: http.MethodGet, path: "/readyz"}, nil, nil)
}
