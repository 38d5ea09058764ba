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
		Transport:     bounded{t, maxHTTPBody},
		Timeout:       httpTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// NewFetchClient makes a client under a policy for whoever fetches many pages from one place: connections are kept, an answer has at most so many bytes as it
// comes and so much time, and redirects are answers. Whoever reads bounds what it takes by less: an answer that is cut off here looks complete.
func NewFetchClient(p *Policy, most int64, timeout time.Duration) *http.Client {
	return &http.Client{
		Transport:     bounded{newTransport(&dialer{policy: p, closed: context.Background()}), most},
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded ends an answer at its most bytes.
type bounded struct {
	http.RoundTripper
	most int64
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if !sendable(r.URL) {
		return nil, refuse("not a URL that may be asked")
	}
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, b.most), resp.Body}
	}
	return resp, err
}
