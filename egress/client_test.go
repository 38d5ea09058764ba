package egress_test

import (
	"bufio"
	"bytes"
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

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// readRequest reads one request whole; false at the end of the connection.
func readRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

// after waits for d, false when the test ends first.
func (s *server) after(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-s.done:
		return false
	}
}

func TestDo_SendsTheBytesAndReportsTheAnswer(t *testing.T) {
	t.Parallel()
	got := make(chan string, 2)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Method + " " + r.URL.String() + " " + r.Host + " " + r.Header.Get("X-One") + " " +
			strconv.FormatInt(r.ContentLength, 10) + " " + r.Header.Get("Accept-Encoding") + " " + string(body)
		w.Header().Set("X-Two", "2")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "thanks")
	}))
	t.Cleanup(receiver.Close)
	client := newClient(t, egress.Config{Dev: true})
	req := egress.Request{URL: mustParse(t, receiver.URL+"/a?b=c"), Header: http.Header{"X-One": {"1"}}, Body: []byte(`{"x":"<é>"}`)}
	host := req.URL.Host
	for i := range 2 {
		r := client.Do(t.Context(), req)
		if r.Err != nil || r.Status != 202 || string(r.Body) != "thanks" || r.Header.Get("X-Two") != "2" || r.Truncated {
			t.Fatalf("got %+v (%v)", r, r.Err)
		}
		if want := `POST /a?b=c ` + host + ` 1 12  {"x":"<é>"}`; want != <-got {
			t.Errorf("the receiver did not get %q", want)
		}
		if r.RemoteAddr != host || r.Reused != (i == 1) || r.Repeated {
			t.Errorf("request %d: remote %s, reused %v, repeated %v", i, r.RemoteAddr, r.Reused, r.Repeated)
		}
		tm := r.Timings
		if (tm.Connect > 0) != (i == 0) || tm.TLS != 0 || tm.FirstByte <= 0 || tm.Total < tm.Connect+tm.FirstByte {
			t.Errorf("request %d: timings %+v", i, tm)
		}
	}
}

// proves contract section 12: https with a private authority (--target-ca)
func TestDo_TLSIsVerifiedAgainstTheTargetCA(t *testing.T) {
	t.Parallel()
	receiver := startTLS(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
	port := mustParse(t, receiver.URL).Port()
	ca := authorities(receiver)
	dns := names{"example.com.": {"127.0.0.1"}, "wrong.test.": {"127.0.0.1"}}
	trusting := newClient(t, egress.Config{Dev: true, TargetCA: ca, Resolver: dns})
	r := trusting.Do(t.Context(), post(t, "https://example.com:"+port+"/"))
	if r.Err != nil || r.Status != 200 || string(r.Body) != "example.com:"+port || r.Timings.TLS <= 0 {
		t.Errorf("got %+v (%v)", r, r.Err)
	}
	for name, c := range map[string]struct {
		client *egress.Client
		host   string
		msg    string
	}{
		"unknown authority": {newClient(t, egress.Config{Dev: true, Resolver: dns}), "example.com", "unknown authority"},
		"other host":        {trusting, "wrong.test", "another host name"},
	} {
		r := c.client.Do(t.Context(), post(t, "https://"+c.host+":"+port+"/"))
		if r.Err == nil || r.Err.Kind != egress.TLS || !strings.Contains(r.Err.Msg, c.msg) || r.Status != 0 {
			t.Errorf("%s: got %+v (%v)", name, r, r.Err)
		}
	}
}

func TestDo_KindsOfFailureBeforeAnyAnswer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close()
	plain := serve(t, func(_ *server, _ int, c net.Conn) {
		_, _ = c.Read(make([]byte, 100))
		_, _ = io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\n")
	})
	slow := resolverFunc(func(ctx context.Context, _ string) ([]netip.Addr, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	for name, c := range map[string]struct {
		config egress.Config
		url    string
		kind   egress.Kind
	}{
		"nobody listens": {egress.Config{Dev: true}, "http://" + closed, egress.Connect},
		"no such name":   {egress.Config{}, "https://nowhere.example/", egress.DNS},
		"slow DNS":       {egress.Config{Resolver: slow, ConnectTimeout: 50 * time.Millisecond}, "https://slow.example/", egress.Timeout},
		"guarded":        {egress.Config{}, "https://127.0.0.1/", egress.Refused},
		"guarded http":   {egress.Config{}, "http://example.com/", egress.Refused},
		"no TLS there":   {egress.Config{Dev: true}, plain.url("https"), egress.TLS},
		"user-info":      {egress.Config{Dev: true}, "http://u:p@127.0.0.1/", egress.Refused},
	} {
		r := newClient(t, c.config).Do(t.Context(), post(t, c.url))
		if r.Err == nil || r.Err.Kind != c.kind || r.Err.Msg == "" || strings.Contains(r.Err.Msg, "dial") {
			t.Errorf("%s: got %v, want %s", name, r.Err, c.kind)
		}
	}
	client := newClient(t, egress.Config{Dev: true})
	bad := post(t, plain.url("http"))
	bad.Header = http.Header{"X-A": {"1\r\nX-B: 2"}}
	if r := client.Do(t.Context(), bad); r.Err == nil || r.Err.Kind != egress.ProtocolError {
		t.Errorf("header injection: got %v", r.Err)
	}
	if r := client.Do(t.Context(), egress.Request{}); r.Err == nil || r.Err.Kind != egress.Refused {
		t.Errorf("no URL: got %v", r.Err)
	}
}

func TestDo_TheCallersCancellationIsToldApart(t *testing.T) {
	t.Parallel()
	got := make(chan struct{})
	stall := serve(t, func(s *server, _ int, c net.Conn) {
		if readRequest(bufio.NewReader(c)) {
			close(got)
			<-s.done
		}
	})
	client := newClient(t, egress.Config{Dev: true})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-got; cancel() }()
	if r := client.Do(ctx, post(t, stall.url("http"))); r.Err == nil || r.Err.Kind != egress.Cancelled || r.Repeated {
		t.Errorf("while waiting: got %+v (%v)", r, r.Err)
	}
	if r := client.Do(ctx, post(t, stall.url("http"))); r.Err == nil || r.Err.Kind != egress.Cancelled {
		t.Errorf("before it began: got %v", r.Err)
	}
}

func TestClose_EndsDialsUnderWay(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	client := egress.NewClient(newPolicy(t, egress.Config{Resolver: resolverFunc(func(ctx context.Context, _ string) ([]netip.Addr, error) {
		close(asked)
		<-ctx.Done()
		return nil, ctx.Err()
	})}))
	go func() { <-asked; client.Close() }()
	if r := client.Do(t.Context(), post(t, "https://slow.example/")); r.Err == nil || r.Err.Kind != egress.Cancelled || r.Timings.Total > 4*time.Second {
		t.Errorf("got %v after %v", r.Err, r.Timings.Total)
	}
}

// One step is within the clock, two are beyond it.
const (
	clockStep  = 600 * time.Millisecond
	clockLimit = time.Second
)

// proves S1-42, S1-43: the clock starts with the TCP connection, not with DNS
func TestDo_TheClockStartsWithTheTCPConnection(t *testing.T) {
	t.Parallel()
	receiver := serve(t, func(s *server, _ int, c net.Conn) {
		if readRequest(bufio.NewReader(c)) && s.after(clockStep) {
			_, _ = io.WriteString(c, ok)
		}
	})
	client := newClient(t, egress.Config{Dev: true, SendTimeout: clockLimit,
		Resolver: resolverFunc(func(context.Context, string) ([]netip.Addr, error) {
			receiver.after(clockStep)
			return []netip.Addr{receiver.addr.Addr()}, nil
		})})
	r := client.Do(t.Context(), post(t, "http://slow.example:"+strconv.Itoa(int(receiver.addr.Port()))))
	if r.Err != nil || r.Timings.Total < 2*clockStep || r.Timings.DNS < clockStep {
		t.Errorf("got %v, %+v", r.Err, r.Timings)
	}
}

// proves S1-43 for TLS: the handshake is on the clock
func TestDo_TheHandshakeIsOnTheClock(t *testing.T) {
	t.Parallel()
	late := lateness(t)
	receiver := startTLS(t, func(http.ResponseWriter, *http.Request) {})
	ca := authorities(receiver)
	// The front delays the handshake by one step and the answer by one step.
	front := serve(t, func(s *server, _ int, c net.Conn) {
		back, err := net.Dial("tcp", receiver.Listener.Addr().String())
		if err != nil || !s.after(clockStep) {
			return
		}
		defer back.Close()
		go func() { _, _ = io.Copy(back, c); back.Close() }()
		first := make([]byte, 4096)
		n, _ := back.Read(first)
		_, _ = c.Write(first[:n])
		if s.after(clockStep) {
			_, _ = io.Copy(c, back)
		}
	})
	client := newClient(t, egress.Config{Dev: true, TargetCA: ca, SendTimeout: clockLimit})
	r := client.Do(t.Context(), post(t, front.url("https")))
	if r.Err == nil || r.Err.Kind != egress.Timeout || r.Timings.Total > clockLimit+late() {
		t.Errorf("got %v after %v, want a timeout at the limit", r.Err, r.Timings.Total)
	}
}

// proves contract section 12: a kept-alive connection's clock starts when it
// gets the request, and an idle one is not cut by the clock of the last.
func TestDo_AKeptAliveConnectionHasAClockPerRequest(t *testing.T) {
	t.Parallel()
	receiver := serve(t, func(s *server, _ int, c net.Conn) {
		for r := bufio.NewReader(c); readRequest(r) && s.after(clockStep); {
			_, _ = io.WriteString(c, ok)
		}
	})
	client := newClient(t, egress.Config{Dev: true, SendTimeout: clockLimit})
	for i := range 3 {
		r := client.Do(t.Context(), post(t, receiver.url("http")))
		if r.Err != nil || r.Reused != (i > 0) || r.Repeated {
			t.Errorf("request %d: got %v, reused %v, repeated %v", i, r.Err, r.Reused, r.Repeated)
		}
		if i == 1 {
			receiver.after(2 * clockStep) // idle beyond the clock
		}
	}
}

// proves contract section 12: repeated once, on a new connection
func TestDo_ADeadKeptAliveConnectionRepeatsTheRequestOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secondToo bool   // the new connection dies as well
		partial   string // what comes before the old one dies
		repeated  bool
		sends     int64
		kind      egress.Kind
	}{
		"the new one answers":  {repeated: true, sends: 3},
		"the new one dies too": {secondToo: true, repeated: true, sends: 3, kind: egress.ConnectionLost},
		"a byte had come":      {partial: "H", sends: 2, kind: egress.ProtocolError},
		"a head had come":      {partial: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", sends: 2, kind: egress.ConnectionLost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sends atomic.Int64
			receiver := serve(t, func(_ *server, n int, conn net.Conn) {
				r := bufio.NewReader(conn)
				for i := 1; readRequest(r); i++ {
					sends.Add(1)
					if n == 1 && i == 2 {
						_, _ = io.WriteString(conn, c.partial)
						return
					}
					if n > 1 && c.secondToo {
						return
					}
					_, _ = io.WriteString(conn, ok)
				}
			})
			client := newClient(t, egress.Config{Dev: true})
			if r := client.Do(t.Context(), post(t, receiver.url("http"))); r.Err != nil {
				t.Fatal(r.Err)
			}
			r := client.Do(t.Context(), post(t, receiver.url("http")))
			kind := egress.Kind("")
			if r.Err != nil {
				kind = r.Err.Kind
			}
			if kind != c.kind || r.Repeated != c.repeated || sends.Load() != c.sends {
				t.Errorf("got kind %q, repeated %v, %d sends; want %q, %v, %d", kind, r.Repeated, sends.Load(), c.kind, c.repeated, c.sends)
			}
		})
	}
}

func TestDo_ManyDeadConnectionsStillMeanOneRepetition(t *testing.T) {
	t.Parallel()
	const lanes = 8
	var sends, requests atomic.Int64
	ready := make(chan struct{})
	receiver := serve(t, func(_ *server, n int, c net.Conn) {
		r := bufio.NewReader(c)
		if !readRequest(r) {
			return
		}
		if requests.Add(1) == lanes { // not connections: one that has no request yet may see it sent on another, which is free again
			close(ready)
		}
		if n <= lanes {
			<-ready // all at once, so that each has its own connection
		}
		_, _ = io.WriteString(c, ok)
		if readRequest(r) {
			sends.Add(1) // and dies
		}
	})
	client := newClient(t, egress.Config{Dev: true})
	first := make(chan egress.Result, lanes)
	for range lanes {
		go func() { first <- client.Do(t.Context(), post(t, receiver.url("http"))) }()
	}
	for range lanes {
		if r := <-first; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	r := client.Do(t.Context(), post(t, receiver.url("http")))
	if r.Err != nil || !r.Repeated || r.Reused || sends.Load() != 1 {
		t.Errorf("got %+v (%v), %d sends on dead connections; want one, then success", r, r.Err, sends.Load())
	}
}

func TestDo_ANewConnectionThatDiesIsNotRepeated(t *testing.T) {
	t.Parallel()
	receiver := serve(t, func(_ *server, _ int, c net.Conn) { readRequest(bufio.NewReader(c)) })
	r := newClient(t, egress.Config{Dev: true}).Do(t.Context(), post(t, receiver.url("http")))
	if r.Err == nil || r.Err.Kind != egress.ConnectionLost || r.Repeated || receiver.conns.Load() != 1 {
		t.Errorf("got %v, repeated %v, %d connections", r.Err, r.Repeated, receiver.conns.Load())
	}
}

// A real server that closes idle connections whenever it likes costs nothing.
func TestDo_SurvivesAServerThatClosesIdleConnections(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	receiver.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateIdle {
			c.Close() // in a race with the next request
		}
	}
	receiver.Start()
	t.Cleanup(receiver.Close)
	client := newClient(t, egress.Config{Dev: true})
	req := post(t, receiver.URL)
	for i := range 200 {
		if r := client.Do(t.Context(), req); r.Err != nil || r.Status != 200 {
			t.Fatalf("request %d: %+v (%v)", i, r, r.Err)
		}
	}
}

func TestDo_RedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	sentinel := serve(t, func(*server, int, net.Conn) {})
	for _, status := range []int{301, 302, 303, 307, 308} {
		receiver := httptest.NewServer(http.RedirectHandler(sentinel.url("http"), status))
		r := newClient(t, egress.Config{Dev: true}).Do(t.Context(), post(t, receiver.URL))
		if r.Err != nil || r.Status != status || r.Header.Get("Location") == "" {
			t.Errorf("got %+v (%v), want %d as the answer", r, r.Err, status)
		}
		receiver.Close()
	}
	if n := sentinel.conns.Load(); n != 0 {
		t.Errorf("the sentinel got %d connections", n)
	}
}

func TestDo_BodiesUpToTheBoundKeepTheConnectionAndLongerOnesCloseIt(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		_, _ = w.Write(bytes.Repeat([]byte("x"), n))
	}))
	t.Cleanup(receiver.Close)
	for n, truncated := range map[int]bool{0: false, 1: false, egress.MaxBody - 1: false, egress.MaxBody: false, egress.MaxBody + 1: true, 1 << 20: true} {
		client := newClient(t, egress.Config{Dev: true})
		req := post(t, receiver.URL+"?n="+strconv.Itoa(n))
		r := client.Do(t.Context(), req)
		if r.Err != nil || len(r.Body) != min(n, egress.MaxBody) || r.Truncated != truncated {
			t.Errorf("%d bytes: got %d, truncated %v, %v", n, len(r.Body), r.Truncated, r.Err)
		}
		if again := client.Do(t.Context(), req); again.Err != nil || again.Reused == truncated {
			t.Errorf("%d bytes: reused %v (%v), want %v", n, again.Reused, again.Err, !truncated)
		}
	}
}

// A burst to many webhooks leaves as many connections behind as there were requests: they are kept, for the next one.
func TestDo_KeepsAConnectionToEachOfManyHosts(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	client := newClient(t, egress.Config{Dev: true, Resolver: resolverFunc(func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	})})
	const hosts = 1500
	port := mustParse(t, receiver.URL).Port()
	for round := range 2 {
		for i := range hosts {
			r := client.Do(t.Context(), post(t, "http://h"+strconv.Itoa(i)+".example:"+port))
			if r.Err != nil || r.Reused != (round == 1) {
				t.Fatalf("round %d, host %d: reused %v, %v", round, i, r.Reused, r.Err)
			}
		}
	}
}
