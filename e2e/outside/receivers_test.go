package outside

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hostile is a receiver that means harm: script runs once for each connection, numbered from 0.
type hostile struct {
	name   string
	scheme string
	script func(h *hostile, n int, c net.Conn)
	// ends are the reasons by which a delivery may end: "" when it counts as delivered.
	ends []string

	listener net.Listener
	running  sync.WaitGroup
	done     chan struct{}
	now      *atomic.Int64 // connections open at all hostile receivers
	most     *atomic.Int64
	conns    atomic.Int64
}

func (h *hostile) url() string { return h.scheme + "://" + h.listener.Addr().String() + "/hook" }

// start serves until the test ends.
func (h *hostile) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.listener, h.done = l, make(chan struct{})
	h.running.Go(func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				n := int(h.conns.Add(1) - 1)
				h.running.Go(func() { h.serve(n, c) })
			}
		}
	})
	t.Cleanup(func() {
		close(h.done)
		_ = l.Close()
		h.running.Wait()
	})
}

func (h *hostile) serve(n int, c net.Conn) {
	now := h.now.Add(1)
	for most := h.most.Load(); now > most && !h.most.CompareAndSwap(most, now); most = h.most.Load() {
	}
	gone := make(chan struct{})
	go func() { // the test's end closes what is still open
		select {
		case <-h.done:
		case <-gone:
		}
		_ = c.Close()
	}()
	h.script(h, n, c)
	close(gone)
	h.now.Add(-1)
}

// stall holds a connection until the other side has gone.
func stall(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// asked reads the request.
func asked(c net.Conn) bool {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

// says answers every request with a text and then repeats another, as fast as it is taken, for as long as it is.
func says(head, forever string) func(*hostile, int, net.Conn) {
	filler := bytes.Repeat([]byte(forever), max(1, 16<<10/max(1, len(forever))))
	return func(_ *hostile, _ int, c net.Conn) {
		if !asked(c) {
			return
		}
		_, err := io.WriteString(c, head)
		for err == nil && forever != "" {
			_, err = c.Write(filler)
		}
		stall(c)
	}
}

// drips answers with a head and then one byte a second.
func drips(head string) func(*hostile, int, net.Conn) {
	return func(h *hostile, _ int, c net.Conn) {
		if !asked(c) {
			return
		}
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for _, err := io.WriteString(c, head); err == nil; _, err = io.WriteString(c, "x") {
			select {
			case <-h.done:
				return
			case <-ticker.C:
			}
		}
	}
}

// bomb is 20 MB of zeros in 20 kB.
func bomb() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 20<<20))
	_ = z.Close()
	return b.String()
}

const answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello world"

// resets answers ever more of an answer, by the connection's number, and resets it.
func resets(_ *hostile, n int, c net.Conn) {
	if !asked(c) {
		return
	}
	_, _ = io.WriteString(c, answer[:n%len(answer)])
	_ = c.(*net.TCPConn).SetLinger(0) // close is a reset
}

// hostiles are the receivers of reliability S5.
func hostiles() []*hostile {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	zeros := bomb()
	timeout, protocol := []string{"timeout"}, []string{"protocol_error"}
	list := []*hostile{
		{name: "endless body", script: says("HTTP/1.0 200 OK\r\n\r\n", "x"), ends: []string{""}},
		{name: "endless chunks", script: says(chunked, "5\r\nhello\r\n"), ends: []string{""}},
		{name: "endless chunk extensions", script: says(chunked, "1;"+strings.Repeat("e", 99)+"\r\nx\r\n"), ends: protocol},
		{name: "a byte a second of a body", script: drips("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), ends: timeout},
		{name: "a byte a second of a head", script: drips("HTTP/1.1 200 OK\r\nX: "), ends: timeout},
		{name: "gzip bomb", script: says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: "+strconv.Itoa(len(zeros))+"\r\n\r\n"+zeros, ""), ends: []string{""}},
		{name: "endless header", script: says("HTTP/1.1 200 OK\r\nX: ", "x"), ends: protocol},
		{name: "endless headers", script: says("HTTP/1.1 200 OK\r\n", "X: y\r\n"), ends: protocol},
		{name: "flood of 1xx", script: says("", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), ends: protocol},
		{name: "100-continue and nothing", script: says("HTTP/1.1 100 Continue\r\n\r\n", ""), ends: timeout},
		{name: "never answers", script: says("", ""), ends: timeout},
		{name: "never reads", script: func(h *hostile, _ int, _ net.Conn) { <-h.done }, ends: timeout},
		{name: "TLS stall", scheme: "https", script: func(_ *hostile, _ int, c net.Conn) { stall(c) }, ends: []string{"timeout", "tls"}},
		{name: "TLS noise", scheme: "https", script: says("", "\x16\x03\x03\x40\x00"), ends: []string{"timeout", "tls"}},
		{name: "a reset at each byte", script: resets, ends: []string{"connection_lost", "protocol_error"}},
	}
	var now, most atomic.Int64
	for _, h := range list {
		h.now, h.most = &now, &most
		if h.scheme == "" {
			h.scheme = "http"
		}
	}
	return list
}
