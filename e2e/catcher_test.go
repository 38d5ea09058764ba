package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// delivery is one request that a catcher got.
type delivery struct {
	header http.Header
	body   []byte
}

// catcher is a receiver in this process: it hands over what arrives and answers as it is told.
type catcher struct {
	*httptest.Server
	t   *testing.T
	got chan delivery
}

// catch starts a catcher. answer gives the status of each request by its number from 0; nil answers 200.
func catch(t *testing.T, answer func(n int) int) *catcher {
	t.Helper()
	c := &catcher{t: t, got: make(chan delivery, 4096)}
	c.Server = httptest.NewServer(c.handler(answer))
	t.Cleanup(c.Close)
	return c
}

func (c *catcher) handler(answer func(n int) int) http.Handler {
	var requests atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender went away: it will come again
		}
		n, status := int(requests.Add(1)-1), http.StatusOK
		if answer != nil {
			status = answer(n)
		}
		w.WriteHeader(status)
		c.got <- delivery{header: r.Header.Clone(), body: body}
	})
}

// next waits for a request.
func (c *catcher) next() delivery {
	c.t.Helper()
	select {
	case d := <-c.got:
		return d
	case <-time.After(patience):
		c.t.Fatalf("nothing arrived within %s", patience)
		return delivery{}
	}
}
