package egress

import (
	"context"
	"io"
	"net/http"
	"time"
)

// What bounds a request by a client of NewHTTPClient.
const (
	httpTimeout = 15 * time.Second
	maxHTTPBody = 1 << 20
)

// NewHTTPClient makes a plain client under a policy, for libraries that take one: each request on a connection of its own, an answer of at most 1 MiB, and no
// redirects, which would lead where nobody has judged that the request may go with what it carries.
func NewHTTPClient(p *Policy) *http.Client {
	t := newTransport(&dialer{policy: p, closed: context.Background()})
	t.DisableKeepAlives = true
	return &http.Client{
		Transport:     bounded{t},
		Timeout:       httpTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded ends an answer at its most bytes.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if !sendable(r.URL) {
		return nil, refuse("not a URL that may be asked")
	}
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxHTTPBody), resp.Body}
	}
	return resp, err
}
