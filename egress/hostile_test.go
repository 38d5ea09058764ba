package egress_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"signalbox/egress"
)

// hostileTimeout is the send clock of these tests.
const hostileTimeout = time.Second

// forever writes chunk until the connection ends.
func forever(c net.Conn, chunk string) {
	for {
		if _, err := io.WriteString(c, chunk); err != nil {
			return
		}
	}
}

// drip writes text and then one byte each 20 ms.
func drip(s *server, c net.Conn, text, bytes string) {
	_, _ = io.WriteString(c, text)
	for i := 0; s.after(20 * time.Millisecond); i++ {
		if _, err := io.WriteString(c, bytes[i%len(bytes):][:1]); err != nil {
			return
		}
	}
}

const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

// proves reliability S5
func TestDo_HostileAnswersAreCutInTimeAndTheirConnectionIsNotReused(t *testing.T) {
	t.Parallel()
	late := lateness(t)
	write := func(text string) func(*server, net.Conn) {
		return func(s *server, c net.Conn) { _, _ = io.WriteString(c, text); <-s.done }
	}
	for name, c := range map[string]struct {
		answer    func(*server, net.Conn)
		kind      egress.Kind // empty: an answer, truncated
		truncated bool
	}{
		"silence": {write(""), egress.Timeout, false},
		"endless body": {func(_ *server, c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n")
			forever(c, strings.Repeat("x", 4096))
		}, "", true},
		"endless chunks": {func(_ *server, c net.Conn) { _, _ = io.WriteString(c, chunked); forever(c, "5\r\nhello\r\n") }, "", true},
		"endless tiny chunks": {func(_ *server, c net.Conn) {
			_, _ = io.WriteString(c, chunked)
			forever(c, "1;"+strings.Repeat("e", 99)+"\r\nx\r\n")
		}, egress.ProtocolError, false},
		"half a body":    {write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), egress.Timeout, false},
		"drip of a head": {func(s *server, c net.Conn) { drip(s, c, "HTTP/1.1 200 OK\r\nX: ", "x") }, egress.Timeout, false},
		"drip of a body": {func(s *server, c net.Conn) { drip(s, c, "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", "x") }, egress.Timeout, false},
		"drip of chunks": {func(s *server, c net.Conn) { drip(s, c, chunked, "1\r\nx\r\n") }, egress.Timeout, false},
		"endless header": {func(_ *server, c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
			forever(c, strings.Repeat("x", 4096))
		}, egress.ProtocolError, false},
		"endless headers":     {func(_ *server, c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n"); forever(c, "X: y\r\n") }, egress.ProtocolError, false},
		"endless status line": {func(_ *server, c net.Conn) { forever(c, "HTTP/1.1 200 OK") }, egress.ProtocolError, false},
		"1xx flood":           {func(_ *server, c net.Conn) { forever(c, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n") }, egress.ProtocolError, false},
		"100-continue stall":  {write("HTTP/1.1 100 Continue\r\n\r\n"), egress.Timeout, false},
		"slow 1xx":            {func(s *server, c net.Conn) { drip(s, c, "", "HTTP/1.1 103 E\r\n\r\n") }, egress.Timeout, false},
		"switching protocols": {write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), egress.ProtocolError, false},
		"bad chunk size":      {write(chunked + "zz\r\nhello\r\n"), egress.ProtocolError, false},
		"huge chunk size":     {write(chunked + "ffffffffffffffffff\r\nhello\r\n"), egress.ProtocolError, false},
		"bad chunk end":       {write(chunked + "2\r\nhello\r\n"), egress.ProtocolError, false},
		"negative length":     {write("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), egress.ProtocolError, false},
		"two lengths":         {write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), egress.ProtocolError, false},
		"not HTTP":            {write("SSH-2.0-OpenSSH_9.9\r\n"), egress.ProtocolError, false},
		"NUL bytes":           {write(strings.Repeat("\x00", 100) + "\n"), egress.ProtocolError, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receiver := serve(t, func(s *server, n int, conn net.Conn) {
				for r := bufio.NewReader(conn); readRequest(r); {
					if n == 1 {
						c.answer(s, conn)
						return
					}
					_, _ = io.WriteString(conn, ok)
				}
			})
			client := newClient(t, egress.Config{Dev: true, SendTimeout: hostileTimeout})
			r := client.Do(t.Context(), post(t, receiver.url("http")))
			var kind egress.Kind
			if r.Err != nil {
				kind = r.Err.Kind
			}
			if kind != c.kind || r.Truncated != c.truncated || len(r.Body) > egress.MaxBody || r.Timings.Total > hostileTimeout+late() {
				t.Errorf("got %q (%v), truncated %v, %d bytes, after %v", kind, r.Err, r.Truncated, len(r.Body), r.Timings.Total)
			}
			if next := client.Do(t.Context(), post(t, receiver.url("http"))); next.Err != nil || next.Reused {
				t.Errorf("the next request: %v, reused %v; want a new connection", next.Err, next.Reused)
			}
		})
	}
}

func TestDo_GzipIsNotExpanded(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 10<<20))
	_ = z.Close()
	receiver := serve(t, func(_ *server, _ int, c net.Conn) {
		if readRequest(bufio.NewReader(c)) {
			_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
			_, _ = c.Write(bomb.Bytes())
		}
	})
	r := newClient(t, egress.Config{Dev: true}).Do(t.Context(), post(t, receiver.url("http")))
	if want := bomb.Bytes()[:min(bomb.Len(), egress.MaxBody)]; r.Err != nil || !bytes.Equal(r.Body, want) {
		t.Errorf("got %d bytes (%v), want the first %d as they came", len(r.Body), r.Err, len(want))
	}
	if r.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("headers %v, want them as they came", r.Header)
	}
}

// proves reliability S5: memory per delivery is bounded. What is counted is
// everything ever allocated, the receiver's part too: net/http grows a 64 KiB
// header line by doubling, so that less than half of it lives at one time. Not
// parallel: the count is of the whole process.
func TestDo_HostileAnswersCostBoundedMemory(t *testing.T) {
	filler := bytes.Repeat([]byte("x"), 64<<10)
	for name, head := range map[string]string{
		"10 MiB header": "HTTP/1.1 200 OK\r\nX: ",
		"10 MiB body":   "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n",
	} {
		receiver := serve(t, func(_ *server, _ int, c net.Conn) {
			if !readRequest(bufio.NewReader(c)) {
				return
			}
			_, _ = io.WriteString(c, head)
			for range 160 {
				if _, err := c.Write(filler); err != nil {
					return
				}
			}
		})
		client := newClient(t, egress.Config{Dev: true})
		req := post(t, receiver.url("http"))
		client.Do(t.Context(), req) // warms buffers and code paths
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		const rounds = 10
		for range rounds {
			client.Do(t.Context(), req)
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / rounds; each > 512<<10 {
			t.Errorf("%s: %d KiB allocated per request", name, each>>10)
		}
	}
}

func TestDo_AResetAtEveryByteOfTheAnswerIsAFailureInTime(t *testing.T) {
	t.Parallel()
	late := lateness(t)
	answer := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
	receiver := serve(t, func(_ *server, n int, c net.Conn) {
		if readRequest(bufio.NewReader(c)) {
			_, _ = io.WriteString(c, answer[:min(n-1, len(answer))])
			_ = c.(*net.TCPConn).SetLinger(0) // close is a reset
		}
	})
	client := newClient(t, egress.Config{Dev: true, SendTimeout: hostileTimeout})
	for i := range len(answer) {
		r := client.Do(t.Context(), post(t, receiver.url("http")))
		if r.Err == nil || (r.Err.Kind != egress.ConnectionLost && r.Err.Kind != egress.ProtocolError) || r.Repeated || r.Timings.Total > late() {
			t.Errorf("reset after %d bytes: got %+v (%v)", i, r, r.Err)
		}
	}
}

// A forwarder lets through ever more bytes of a TLS receiver's side and then
// resets, or stalls.
func TestDo_ResetsAndStallsThroughoutTLSAreFailuresInTime(t *testing.T) {
	t.Parallel()
	late := lateness(t)
	receiver := startTLS(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") })
	const step = 60
	for _, stall := range []bool{false, true} {
		forwarder := serve(t, func(s *server, n int, c net.Conn) {
			back, err := net.Dial("tcp", receiver.Listener.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			up := make(chan struct{})
			go func() { defer close(up); _, _ = io.Copy(back, c); back.Close() }()
			_, _ = io.CopyN(c, back, int64(step*(n-1)))
			if stall {
				<-up // the client gives up
			} else {
				_ = c.(*net.TCPConn).SetLinger(0)
				c.Close()
			}
			back.Close()
			<-up
		})
		client := newClient(t, egress.Config{Dev: true, TargetCA: authorities(receiver), SendTimeout: 50 * time.Millisecond})
		failures := 0
		for range 200 {
			r := client.Do(t.Context(), post(t, forwarder.url("https")))
			if r.Err == nil {
				break
			}
			failures++
			if r.Timings.Total > 50*time.Millisecond+late() || r.Repeated || stall && r.Err.Kind != egress.Timeout {
				t.Errorf("stall %v after %d bytes: got %+v (%v)", stall, step*(failures-1), r, r.Err)
			}
		}
		if failures < 10 || failures == 200 {
			t.Errorf("stall %v: %d failures before an answer, want the handshake to be cut in many places", stall, failures)
		}
	}
}

// A receiver that takes the connection but never the request's bytes.
func TestDo_AReceiverThatDoesNotReadIsBoundByTheClock(t *testing.T) {
	t.Parallel()
	late := lateness(t)
	receiver := serve(t, func(s *server, _ int, _ net.Conn) { <-s.done })
	req := post(t, receiver.url("http"))
	req.Body = make([]byte, 32<<20)
	r := newClient(t, egress.Config{Dev: true, SendTimeout: hostileTimeout}).Do(t.Context(), req)
	if r.Err == nil || r.Err.Kind != egress.Timeout || r.Timings.Total > hostileTimeout+late() {
		t.Errorf("got %v after %v", r.Err, r.Timings.Total)
	}
}
