package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbox/egress"
)

// event is one server-sent event.
type event struct {
	name, id string
	data     map[string]any
}

// listener is a client of the stream.
type listener struct {
	*box
	events chan event
	ended  chan struct{}
	leave  context.CancelFunc
}

// listen opens the stream and returns once it has begun.
func (b *box) listen(key, query string, headers ...string) *listener {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", b.server.URL+"/v1/stream"+query, nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		body, _ := io.ReadAll(resp.Body)
		b.Fatalf("%d %s\n%s", resp.StatusCode, body, b.log.String())
	}
	l := &listener{box: b, events: make(chan event, 10_000), ended: make(chan struct{}), leave: cancel}
	lines := bufio.NewReader(resp.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "retry: 2000\n" {
		b.Fatalf("it begins with %q, %v", line, err)
	}
	go func() {
		defer close(l.ended)
		defer resp.Body.Close()
		l.read(lines)
	}()
	b.Cleanup(func() { cancel(); <-l.ended })
	return l
}

func (l *listener) read(lines *bufio.Reader) {
	var e event
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			dec := json.NewDecoder(strings.NewReader(value))
			dec.UseNumber()
			if err := dec.Decode(&e.data); err != nil {
				l.Errorf("data %q: %v", value, err)
			}
		case "":
			if e.name != "" {
				l.events <- e
			}
			e = event{}
		}
	}
}

// next waits for an event that is as wanted; others are passed over.
func (l *listener) next(what string, good func(event) bool) event {
	l.Helper()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	for {
		select {
		case e := <-l.events:
			if good(e) {
				return e
			}
		case <-l.ended:
			l.Fatalf("the stream ended before %s", what)
		case <-end.C:
			l.Fatalf("no %s", what)
		}
	}
}

func named(name, field, want string) func(event) bool {
	return func(e event) bool { return e.name == name && fmt.Sprint(e.data[field]) == want }
}

// over waits for the end of the stream.
func (l *listener) over() {
	l.Helper()
	select {
	case <-l.ended:
	case <-time.After(10 * time.Second):
		l.Fatal("the stream does not end")
	}
}

func TestStream_ShowsWhatHappensAsTheListsDo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://example.com/hook","events":["signal.created"]}`)
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"before","source":"s"}`)
		l := b.listen(b.admin, "")
		sig := b.do(http.StatusCreated, "POST", "/v1/signals", trial).text("id")
		shown := l.next("the signal", func(e event) bool {
			if e.data["type"] == "before" {
				b.Errorf("what was there before is shown: %v", e)
			}
			return e.name == "signal"
		})
		listed := b.do(http.StatusOK, "GET", "/v1/signals/"+sig, "").at("data")
		for _, whom := range []string{"account", "contact"} { // the score of now is not part of what streams by
			listed.(map[string]any)[whom].(map[string]any)["score"] = nil
		}
		if got, want := asJSON(b, shown.data), asJSON(b, listed); got != want || shown.id != sig {
			b.Errorf("shown as %s,\nlisted as %s", got, want)
		}
		l.next("its row of the log", named("log", "id", sig))
		l.next("its delivery", named("delivery", "status", "delivered"))
		b.send(b.admin, "POST", "/v1/signals", `{"source":"s"}`)
		l.next("the refusal", named("log", "param", "type"))
		stats := l.next("stats", named("stats", "signals_per_minute", "2"))
		if fmt.Sprintf("%v %v", stats.data["dropped"], stats.data["pending"]) != "0 0" {
			b.Errorf("stats %v", stats.data)
		}
	})
}

func asJSON(b *box, v any) string {
	b.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

func TestStream_ShowsTheTopicsThatWereAskedFor(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	l := b.listen(b.admin, "?topics=logs")
	b.do(http.StatusCreated, "POST", "/v1/signals", trial)
	b.send(b.admin, "POST", "/v1/signals", `{"source":"s"}`)
	l.next("the refusal", func(e event) bool {
		if e.name != "log" && e.name != "stats" {
			t.Errorf("shown: %v", e)
		}
		return e.name == "log" && e.data["status"] == "refused"
	})
	b.send(b.admin, "GET", "/v1/stream?topics=signals,news", "").refuses(http.StatusBadRequest, "validation_error", "topics", "signals, deliveries, logs")
}

func TestStream_GoesOnFromTheLastEventSeen(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		l := b.listen(b.admin, "?topics=signals")
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"seen","source":"s"}`)
		seen := l.next("the signal", named("signal", "type", "seen"))
		l.leave()
		l.over()
		for i := range 3 {
			b.do(http.StatusCreated, "POST", "/v1/signals", fmt.Sprintf(`{"type":"missed%d","source":"s"}`, i))
		}
		again := b.listen(b.admin, "?topics=signals", "Last-Event-ID", seen.id)
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"live","source":"s"}`)
		var got []string
		again.next("all of them", func(e event) bool {
			if e.name == "signal" {
				got = append(got, e.data["type"].(string))
			}
			return len(got) == 4
		})
		if want := []string{"missed0", "missed1", "missed2", "live"}; !slices.Equal(got, want) {
			b.Errorf("shown %v, want %v", got, want)
		}
	})
}

func TestStream_ShowsNothingOfAnotherWorkspace(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		_, foreign := b.workspace("Globex")
		l := b.listen(b.admin, "")
		b.send(foreign, "POST", "/v1/signals", `{"type":"theirs","source":"s"}`)
		b.send(foreign, "POST", "/v1/signals", `{"source":"theirs"}`)
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"ours","source":"s"}`)
		l.next("our signal and two beats more", func(e event) bool {
			if e.data["type"] == "theirs" || e.data["source"] == "theirs" {
				b.Errorf("shown: %v", e)
			}
			return e.data["type"] == "ours"
		})
	})
}

func TestStream_EndsWhenItsKeyIsRevoked(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	made := b.do(http.StatusCreated, "POST", "/v1/api-keys", `{"name":"wall","scope":"read"}`)
	l := b.listen(made.text("data.key"), "")
	b.do(http.StatusNoContent, "DELETE", "/v1/api-keys/"+made.text("data.id"), "")
	l.over()
}

func TestStream_EndsWhenTheServerStops(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	l := b.listen(b.admin, "")
	b.api.StopWaiting()
	l.over()
	if l = b.listen(b.admin, ""); l != nil {
		l.over() // begun afterwards, it ends at once
	}
}

func TestStream_NeedsAKeyThatMayRead(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.send("", "GET", "/v1/stream", "").refuses(http.StatusUnauthorized, "unauthorized", "", "no API key")
	b.send(b.key(b.ws, "ingest"), "GET", "/v1/stream", "").refuses(http.StatusForbidden, "forbidden", "", "needs read")
}

func TestStream_TooManyAreRefusedUntilOneEnds(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	var open []*listener
	for range 64 {
		open = append(open, b.listen(b.admin, "?topics=logs"))
	}
	refused := b.send(b.admin, "GET", "/v1/stream", "")
	refused.refuses(http.StatusTooManyRequests, "rate_limited", "", "too many live views")
	if refused.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	open[0].leave()
	open[0].over()
	b.until("/v1/overview", func(answer) bool {
		a := b.send(b.admin, "HEAD", "/v1/stream", "")
		return a.status == http.StatusOK
	})
}

// A client that opens the stream and never reads holds up nobody: signals are taken as ever, and the client's own stream ends.
func TestStream_ASlowReaderSlowsNobody(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.world.mu.Lock()
	b.world.answer = func(egress.Request) egress.Result { return egress.Result{Status: 204, Header: http.Header{}} }
	b.world.mu.Unlock()
	b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://example.com/hook","events":["signal.created"]}`)
	conn, err := net.Dial("tcp", b.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", b.admin)
	first := make([]byte, 12)
	if _, err := io.ReadFull(conn, first); err != nil || string(first) != "HTTP/1.1 200" {
		t.Fatalf("%q, %v", first, err)
	}
	good := b.listen(b.admin, "?topics=signals")
	filler := strings.Repeat("x", 8<<10)
	batch := `{"signals":[` + strings.Repeat(`{"type":"a","source":"s","properties":{"f":"`+filler+`"}},`, 99) + `{"type":"a","source":"s"}]}`
	for range 20 { // 16 MB: more than any buffer between the two
		start := time.Now()
		b.do(http.StatusOK, "POST", "/v1/signals/batch", batch)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("a batch took %v", took)
		}
	}
	b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"last","source":"s"}`)
	good.next("the last signal", named("signal", "type", "last"))
}
