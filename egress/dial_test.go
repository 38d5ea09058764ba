package egress_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"signalbox/egress"
)

// The name is public when it is saved and loopback at every other look-up: a
// guard that resolves again when it connects would be taken there.
func TestDo_DNSRebindingReachesNothing(t *testing.T) {
	t.Parallel()
	sentinel := serve(t, func(*server, int, net.Conn) {})
	port := sentinel.addr.Port()
	var lookups atomic.Int64
	flip := resolverFunc(func(_ context.Context, host string) ([]netip.Addr, error) {
		if !strings.HasSuffix(host, ".") {
			t.Errorf("%q is looked up with search domains", host)
		}
		if lookups.Add(1)%2 == 1 {
			return []netip.Addr{netip.MustParseAddr("192.0.0.9")}, nil // judged special: nothing is dialled either
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	})
	client := newClient(t, egress.Config{AllowPorts: []uint16{port}, Resolver: flip})
	for i := range int64(100) {
		r := client.Do(t.Context(), post(t, "https://rebind.example:"+strconv.Itoa(int(port))))
		if r.Err == nil || r.Err.Kind != egress.Refused || r.RemoteAddr != "" {
			t.Fatalf("got %+v (%v), want a refusal", r, r.Err)
		}
		if lookups.Load() != i+1 {
			t.Fatalf("%d look-ups for %d dials, want one each", lookups.Load(), i+1)
		}
	}
	if n := sentinel.conns.Load(); n != 0 {
		t.Errorf("the sentinel got %d connections", n)
	}
}

// proves reliability S1: names that flip, mix and turn, 10,000 times. What is allowed here is 127.0.0.2; the sentinel beside it is not.
func TestDo_WhateverNamesAnswerOnlyTheAllowedAddressIsReached(t *testing.T) {
	t.Parallel()
	allowed, inside := netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")
	sentinel := serve(t, func(*server, int, net.Conn) {})
	at := netip.AddrPortFrom(allowed, sentinel.addr.Port())
	receiver := serveAt(t, at, func(_ *server, _ int, c net.Conn) {
		if readRequest(bufio.NewReader(c)) {
			_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n")
		}
	})
	var lookups atomic.Int64
	bad := [][]netip.Addr{
		{inside}, {allowed, inside}, {inside, allowed}, {allowed, netip.IPv6Loopback()}, {netip.AddrFrom16(inside.As16())}, {allowed, netip.IPv4Unspecified()},
		{netip.MustParseAddr("169.254.169.254"), allowed}, {allowed, allowed, allowed, allowed, allowed, allowed, allowed, allowed, allowed, inside}, {netip.IPv6Unspecified()},
	}
	client := newClient(t, egress.Config{AllowTargets: []string{"127.0.0.2/32"}, Resolver: resolverFunc(func(_ context.Context, host string) ([]netip.Addr, error) {
		n := lookups.Add(1)
		if strings.HasPrefix(host, "good") {
			return []netip.Addr{allowed}, nil
		}
		return bad[n%int64(len(bad))], nil
	})})
	port := strconv.Itoa(int(at.Port()))
	const rounds = 10_000
	for i := range rounds {
		name := "bad"
		if i%10 == 0 {
			name = "good"
		}
		r := client.Do(t.Context(), post(t, "http://"+name+".example:"+port))
		if refused := r.Err != nil && r.Err.Kind == egress.Refused; refused != (name == "bad") {
			t.Fatalf("round %d, %s: %+v (%v)", i, name, r, r.Err)
		}
	}
	if n, m := sentinel.conns.Load(), receiver.conns.Load(); n != 0 || m != rounds/10 {
		t.Errorf("the sentinel got %d connections and the receiver %d, want 0 and %d", n, m, rounds/10)
	}
	if n := lookups.Load(); n != rounds {
		t.Errorf("%d look-ups for %d dials", n, rounds)
	}
}

// The allowed address is dialled although the name points elsewhere by then.
func TestDo_DialsTheAddressThatWasJudged(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	var lookups atomic.Int64
	client := newClient(t, egress.Config{AllowTargets: []string{"127.0.0.1/32"},
		Resolver: resolverFunc(func(context.Context, string) ([]netip.Addr, error) {
			if lookups.Add(1) == 1 {
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.2")}, nil
		})})
	url := "http://flip.example:" + mustParse(t, receiver.URL).Port()
	if r := client.Do(t.Context(), post(t, url)); r.Err != nil || !strings.HasPrefix(r.RemoteAddr, "127.0.0.1:") {
		t.Errorf("got %+v (%v)", r, r.Err)
	}
	// The kept-alive connection is the vetted one; no look-up happens.
	if r := client.Do(t.Context(), post(t, url)); r.Err != nil || !r.Reused || lookups.Load() != 1 {
		t.Errorf("got %+v (%v) after %d look-ups", r, r.Err, lookups.Load())
	}
}

func TestDo_OneForbiddenAnswerRefusesTheName(t *testing.T) {
	t.Parallel()
	sentinel := serve(t, func(*server, int, net.Conn) {})
	port := strconv.Itoa(int(sentinel.addr.Port()))
	for _, answers := range [][]string{
		{"127.0.0.1", "8.8.8.8"}, {"8.8.8.8", "127.0.0.1"}, {"127.0.0.1", "::1"}, {"::ffff:127.0.0.1", "127.0.0.1", "10.0.0.1"},
	} {
		client := newClient(t, egress.Config{AllowTargets: []string{"127.0.0.1/32"}, Resolver: names{"mixed.example.": answers}})
		r := client.Do(t.Context(), post(t, "http://mixed.example:"+port))
		if r.Err == nil || r.Err.Kind != egress.Refused {
			t.Errorf("%v: got %+v (%v), want a refusal", answers, r, r.Err)
		}
	}
	if n := sentinel.conns.Load(); n != 0 {
		t.Errorf("the sentinel got %d connections", n)
	}
}

func TestDo_TriesTheNextAddressWhenOneDoesNotAnswer(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	client := newClient(t, egress.Config{Dev: true, Resolver: names{"two.example.": {"127.9.9.9", "127.0.0.1"}}})
	r := client.Do(t.Context(), post(t, "http://two.example:"+mustParse(t, receiver.URL).Port()))
	if r.Err != nil || r.Status != 200 || !strings.HasPrefix(r.RemoteAddr, "127.0.0.1:") {
		t.Errorf("got %+v (%v)", r, r.Err)
	}
}

func TestDo_ReachesMappedAddressesUnderTheirIPv4Rule(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	client := newClient(t, egress.Config{AllowTargets: []string{"127.0.0.1"}})
	r := client.Do(t.Context(), post(t, "http://[::ffff:127.0.0.1]:"+mustParse(t, receiver.URL).Port()))
	if r.Err != nil || r.Status != 200 {
		t.Errorf("got %+v (%v)", r, r.Err)
	}
}

// tunnel is a CONNECT proxy that takes every name to one receiver.
func tunnel(t *testing.T, receiver string, asked chan<- string) *httptest.Server {
	t.Helper()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization")
		if strings.HasPrefix(r.Host, "denied.") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		back, err := net.Dial("tcp", receiver)
		if err != nil {
			t.Error(err)
			return
		}
		front, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(front, "HTTP/1.1 200 Connection established\r\n\r\n")
		stop := context.AfterFunc(t.Context(), func() { front.Close() })
		defer stop()
		ended := make(chan struct{})
		go func() { defer close(ended); _, _ = io.Copy(front, back) }()
		_, _ = io.Copy(back, buffered)
		back.Close()
		<-ended
		front.Close()
	})
	proxy := httptest.NewUnstartedServer(handler)
	t.Cleanup(proxy.Close)
	return proxy
}

func TestDo_AnEgressProxyCarriesWhatTheNameRulesAllow(t *testing.T) {
	t.Parallel()
	receiver := startTLS(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
	for _, scheme := range []string{"http", "https"} {
		asked := make(chan string, 10)
		proxy := tunnel(t, receiver.Listener.Addr().String(), asked)
		if scheme == "https" {
			proxy.StartTLS()
		} else {
			proxy.Start()
		}
		raw := strings.Replace(proxy.URL, "://", "://user:pass@", 1)
		client := newClient(t, egress.Config{Proxy: raw, TargetCA: authorities(receiver, proxy), AllowTargets: []string{"10.0.0.0/8"}})
		r := client.Do(t.Context(), post(t, "https://example.com/hook"))
		if r.Err != nil || string(r.Body) != "example.com" || r.Timings.TLS <= 0 || r.RemoteAddr != proxy.Listener.Addr().String() {
			t.Errorf("%s: got %+v (%v)", scheme, r, r.Err)
		}
		if got, want := <-asked, "CONNECT example.com:443 Basic dXNlcjpwYXNz"; got != want {
			t.Errorf("%s: the proxy was asked %q, want %q", scheme, got, want)
		}
		if r := client.Do(t.Context(), post(t, "https://denied.example.com/")); r.Err == nil || r.Err.Kind != egress.Connect {
			t.Errorf("%s: denied by the proxy: got %v", scheme, r.Err)
		}
		<-asked
		for _, raw := range []string{
			"https://127.0.0.1/", "https://169.254.169.254/", "https://localhost/", "https://db.internal/",
			"http://name.example/", "https://2130706433/", "https://name.example:22/",
		} {
			if r := client.Do(t.Context(), post(t, raw)); r.Err == nil || r.Err.Kind != egress.Refused {
				t.Errorf("%s %s: got %v, want a refusal", scheme, raw, r.Err)
			}
		}
		if len(asked) != 0 {
			t.Errorf("%s: the proxy was asked %q", scheme, <-asked)
		}
		client.Close()
	}
}

func TestDo_AStallingProxyIsBoundByTheConnectClock(t *testing.T) {
	t.Parallel()
	late := lateness(t)
	for name, answer := range map[string]string{"silent": "", "half": "HTTP/1.1 200", "endless": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100<<10)} {
		proxy := serve(t, func(s *server, _ int, c net.Conn) {
			_, _ = io.WriteString(c, answer)
			<-s.done
		})
		client := newClient(t, egress.Config{Proxy: "http://" + proxy.addr.String(), ConnectTimeout: 200 * time.Millisecond})
		r := client.Do(t.Context(), post(t, "https://example.com/"))
		if r.Err == nil || (r.Err.Kind != egress.Timeout && r.Err.Kind != egress.Connect) || r.Timings.Total > 200*time.Millisecond+late() {
			t.Errorf("%s: got %v after %v", name, r.Err, r.Timings.Total)
		}
	}
}

func TestDo_TheEnvironmentNamesNoProxy(t *testing.T) {
	sentinel := serve(t, func(*server, int, net.Conn) {})
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://"+sentinel.addr.String()) // forbids t.Parallel
	}
	client := newClient(t, egress.Config{Resolver: names{"name.example.": {"10.0.0.1"}}})
	if r := client.Do(t.Context(), post(t, "https://name.example/")); r.Err == nil || r.Err.Kind != egress.Refused {
		t.Errorf("got %v", r.Err)
	}
	if n := sentinel.conns.Load(); n != 0 {
		t.Errorf("the sentinel got %d connections", n)
	}
}
