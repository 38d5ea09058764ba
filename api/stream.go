package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"signalbox"
	"signalbox/auth"
)

// The clock of a stream.
const (
	streamPause   = 50 * time.Millisecond // between two batches of events
	streamComment = 15 * time.Second      // what goes through when nothing happens, so that nobody in between gives up
	streamWrite   = 10 * time.Second      // how long a client may take to take a batch in
	streamRetry   = 2000                  // milliseconds that a client waits before it comes again
)

// topicWords are the words of topics, in the order of the document.
var topicWords = []struct {
	word  string
	topic signalbox.LiveTopics
}{{"signals", signalbox.LiveSignals}, {"deliveries", signalbox.LiveDeliveries}, {"logs", signalbox.LiveLogs}}

func (a *API) streamRoute() route {
	return route{
		method: http.MethodGet, pattern: "/v1/stream", id: "stream", tag: "Logs", need: auth.NeedRead,
		summary: "Watch what happens, live",
		detail: "Server-sent events: `signal` (a `Signal`, as it is stored), `delivery` (a `Delivery`, when it is made and whenever it changes), `log` (a `Log`, accepted " +
			"signals among them), and once a second `stats` (a `LiveStats`). `signal` and `log` events have ids: a client that comes again with `Last-Event-ID` is shown " +
			"what came meanwhile, as far as 200 rows reach. An event may come twice; what a client is too slow to take is dropped and counted in `stats`. The stream ends " +
			"when its key or session does, and when the server stops.",
		status: http.StatusOK, events: true,
		query:   []param{{name: "topics", kind: text, doc: "Of `signals`, `deliveries`, `logs`, those to show, with commas between; all unless given."}},
		answers: endpoint{out: outOf[liveStats](), run: a.stream},
	}
}

// liveStats is the data of a stats event.
type liveStats struct {
	SignalsPerMinute int64 `json:"signals_per_minute"`
	Pending          int   `json:"pending" doc:"Waiting to be sent; 10,000 stands for that or more."`
	Dropped          int   `json:"dropped" doc:"Events that this stream has not shown, since it began."`
}

// stream shows what happens until somebody has enough of it.
func (a *API) stream(c *call) error {
	topics, err := c.topics()
	if err != nil {
		return err
	}
	if a.cfg.Live == nil {
		return signalbox.Errorf(signalbox.Unavailable, "this server shows nothing live")
	}
	if c.r.Method == http.MethodHead {
		c.beginEvents()
		return nil
	}
	view, err := a.cfg.Live.Watch(c.r.Context(), c.ws(), topics, c.lastEvent())
	if err != nil {
		return err
	}
	defer view.Close()
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	defer context.AfterFunc(a.life, cancel)()
	// The request has arrived whole, and the deadline for that would end the stream.
	_ = http.NewResponseController(c.ResponseWriter).SetReadDeadline(time.Time{})
	c.beginEvents()
	s := &eventStream{call: c, ctl: http.NewResponseController(c.ResponseWriter)}
	fmt.Fprintf(&s.buf, "retry: %d\n\n", streamRetry)
	if s.flush() == nil {
		s.run(ctx, view)
	}
	return nil
}

// beginEvents begins the answer; no proxy is to hold it back.
func (c *call) beginEvents() {
	h := c.Header()
	h["Content-Type"] = []string{"text/event-stream"}
	h["Cache-Control"] = noStore
	h["X-Accel-Buffering"] = []string{"no"}
	c.WriteHeader(http.StatusOK)
}

// topics reads which topics to show.
func (c *call) topics() (topics signalbox.LiveTopics, err error) {
	given := c.query.Get("topics")
	if given == "" {
		return signalbox.LiveSignals | signalbox.LiveDeliveries | signalbox.LiveLogs, nil
	}
	for word := range strings.SplitSeq(given, ",") {
		known := false
		for _, t := range topicWords {
			if t.word == strings.TrimSpace(word) {
				topics, known = topics|t.topic, true
			}
		}
		if !known {
			return 0, signalbox.InvalidField("topics", "there is no topic %q: topics are signals, deliveries, logs, with commas between", clip(word))
		}
	}
	return topics, nil
}

// lastEvent is the id of the last event that the client has seen; 0 when it says none, or none that we know.
func (c *call) lastEvent() int64 {
	text := c.r.Header.Get("Last-Event-ID")
	for _, kind := range []signalbox.Kind{signalbox.KindSignal, signalbox.KindRequest} {
		if n, ok := c.api.cfg.Codec.Parse(kind, text); ok {
			return n
		}
	}
	return 0
}

// eventStream writes events to one client.
type eventStream struct {
	*call
	ctl *http.ResponseController
	buf bytes.Buffer
}

// run shows a view until ctx or the view ends, the client leaves, or whoever asked may not any more.
func (s *eventStream) run(ctx context.Context, view View) {
	for {
		idle, cancel := context.WithTimeout(ctx, streamComment)
		events, stats, err := view.Next(idle)
		quiet := err != nil && idle.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case quiet:
			s.buf.WriteString(": still here\n\n")
		case err != nil:
			return
		}
		if (quiet || stats != nil) && !s.stillAllowed(ctx) {
			return
		}
		for i := range events {
			s.event(&events[i])
		}
		if stats != nil {
			s.write("stats", "", liveStats{SignalsPerMinute: stats.SignalsPerMinute, Pending: stats.Pending, Dropped: stats.Dropped})
		}
		if s.flush() != nil {
			return
		}
		select {
		case <-time.After(streamPause):
		case <-ctx.Done():
			return
		}
	}
}

// stillAllowed asks once more who it is: a key may be revoked and a session ended while its stream lives. A database that cannot say so now is no
// reason to end it.
func (s *eventStream) stillAllowed(ctx context.Context) bool {
	again := *s.call
	again.now, again.r = s.api.cfg.Now().UTC(), s.r.WithContext(ctx)
	code := signalbox.CodeOf(again.authenticate())
	return !slices.Contains([]signalbox.Code{signalbox.Unauthorized, signalbox.Forbidden}, code) && ctx.Err() == nil
}

// event writes what happened.
func (s *eventStream) event(e *signalbox.LiveEvent) {
	switch {
	case e.Signal != nil:
		v := s.signalView(e.Signal)
		s.write("signal", v.ID, v)
	case e.Delivery != nil:
		s.write("delivery", "", s.deliveryView(e.Delivery))
	case e.Log != nil:
		v := s.logView(e.Log)
		s.write("log", v.ID, v)
	}
}

// write adds one event to what is sent next. JSON has no line breaks of its own.
func (s *eventStream) write(name, id string, data any) {
	s.buf.WriteString("event: " + name + "\n")
	if id != "" {
		s.buf.WriteString("id: " + id + "\n")
	}
	s.buf.WriteString("data: ")
	enc := json.NewEncoder(&s.buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(data) // views only; it ends with a line break
	s.buf.WriteByte('\n')
}

// flush sends what was written. A client that does not take it in ends its stream.
func (s *eventStream) flush() error {
	defer s.buf.Reset()
	_ = s.ctl.SetWriteDeadline(time.Now().Add(streamWrite))
	if _, err := s.Write(s.buf.Bytes()); err != nil {
		return err
	}
	return s.ctl.Flush()
}
