package deliver

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"signalbox"
	"signalbox/egress"
	"signalbox/internal/fault"
	"signalbox/retry"
)

// attempt sends one delivery and has the answer judged; it returns what to settle, and what that says of the receiver. A delivery whose lease is
// not this node's any more, or not surely so, is given back unsent.
func (s *Sender) attempt(life context.Context, l *lane, it item) (outcome, reply) {
	start, begun := s.cfg.Now(), time.Now()
	if lease, alive := s.cfg.Node.Lease(); !alive || lease != it.Lease || life.Err() != nil {
		if it.call != nil {
			return s.cutCall(l, it, start), reply{}
		}
		return outcome{lane: l, release: true, settlement: giveBack(it.Ready, start)}, reply{}
	}
	a := &signalbox.Attempt{
		ID: signalbox.AttemptID(s.cfg.IDs.Next(start)), Workspace: it.Workspace, Delivery: it.Delivery.ID,
		At: micros(start), Manual: it.Manual != nil,
	}
	x := s.exchange(life, &it, a.ID, start)
	took := time.Since(begun)
	end := start.Add(took)
	v := retry.Judge(x.outcome, it.Delivery, s.schedule(&it), end, s.cfg.Jitter())
	record(a, &x.result, took, v.Text)
	s.report(&it, a, x.outcome, v, end)
	out := outcome{lane: l, settlement: settlement(&it, v, a), release: v.Released}
	if it.call != nil {
		out.call, out.tested = it.call, tested{attempt: *a, sent: hide(x.sent, x.custom)}
	}
	return out, replyOf(x.outcome, took, end)
}

// exchange is what was sent in one attempt, and what came of it.
type exchange struct {
	sent    http.Header // nil: nothing was sent
	custom  http.Header // those of sent that are not to be shown
	result  egress.Result
	outcome retry.Outcome
}

// exchange sends one delivery to where it goes.
func (s *Sender) exchange(life context.Context, it *item, attempt signalbox.AttemptID, at time.Time) exchange {
	if it.Request != nil && it.Request.Type == signalbox.ActEmail {
		return s.mail(life, it)
	}
	req, custom, err := it.target.request(s, it, attempt, at)
	if err != nil {
		return exchange{outcome: retry.Outcome{Failure: retry.Unprepared, Detail: err.Error()}}
	}
	fault.Point("deliver.before_send")
	res := s.cfg.Egress.Do(life, req)
	fault.Point("deliver.after_send")
	o := read(&res)
	if it.Request != nil {
		o.Peer = retry.Action
		if it.Request.Type == signalbox.ActSlack {
			o.Peer, o.Said = retry.Slack, string(res.Body)
		}
	}
	return exchange{sent: req.Header, custom: custom, result: res, outcome: o}
}

// read puts what egress says into what retry judges.
func read(res *egress.Result) retry.Outcome {
	o := retry.Outcome{Status: res.Status, RetryAfter: res.Header.Get("Retry-After")}
	if res.Err == nil {
		return o
	}
	o.Detail = res.Err.Msg
	switch res.Err.Kind {
	case egress.Cancelled:
		o.Cut = true // only our own stop ends a request
	case egress.Refused:
		o.Failure = retry.RefusedTarget
	case egress.DNS:
		o.Failure = retry.DNS
	case egress.Connect:
		o.Failure = retry.Connect
	case egress.TLS:
		o.Failure = retry.TLS
	case egress.Timeout:
		o.Failure = retry.Timeout
	case egress.ConnectionLost:
		o.Failure = retry.ConnectionLost
	default:
		o.Failure = retry.ProtocolError
	}
	return o
}

// record fills the attempt's row.
func record(a *signalbox.Attempt, res *egress.Result, took time.Duration, text string) {
	a.Duration = took
	a.DNS, a.Connect, a.TLS, a.FirstByte = res.Timings.DNS, res.Timings.Connect, res.Timings.TLS, res.Timings.FirstByte
	a.RemoteAddr, a.StatusCode, a.Error = res.RemoteAddr, res.Status, text
	a.Headers, a.Body, a.Truncated = headersJSON(res.Header), res.Body, res.Truncated
}

// headersJSON writes response headers as a JSON object, values of one name joined as RFC 9110 section 5.3 allows; nil for none.
// Bytes that are no UTF-8 become U+FFFD.
func headersJSON(h http.Header) []byte {
	if len(h) == 0 {
		return nil
	}
	flat := make(map[string]string, len(h))
	for name, values := range h {
		flat[name] = strings.Join(values, ", ")
	}
	text, err := json.Marshal(flat)
	if err != nil {
		return nil // not reachable: a map of strings
	}
	return text
}

// settlement is what the store is told of a verdict.
func settlement(it *item, v retry.Verdict, a *signalbox.Attempt) signalbox.Settlement {
	if v.Released {
		return giveBack(it.Ready, v.DueAt)
	}
	out := signalbox.Settlement{
		Delivery: it.Delivery.ID, Workspace: it.Workspace, Webhook: it.Webhook, Lease: it.Lease,
		State: v.State, Reason: v.Reason, Attempts: v.Attempts, DueAt: v.DueAt, Attempt: a, DisableWebhook: v.DisableWebhook, Test: it.Test,
		EventName: it.EventName,
	}
	if v.State == signalbox.Skipped { // nobody was asked: there is no attempt to show, nor one to count
		out.Attempt, out.DueAt = nil, a.At.Add(a.Duration)
	}
	return out
}

// giveBack is the settlement that leaves a delivery as it was, free and due. It keeps its place: the time it was due at.
func giveBack(r signalbox.Ready, now time.Time) signalbox.Settlement {
	due := r.DueAt
	if due.IsZero() || due.After(now) {
		due = micros(now)
	}
	return signalbox.Settlement{
		Delivery: r.Delivery.ID, Workspace: r.Workspace, Webhook: r.Webhook, Lease: r.Lease,
		State: r.State, Reason: r.Reason, Attempts: r.Attempts, DueAt: due,
	}
}

// micros is a moment as it is stored.
func micros(t time.Time) time.Time { return t.Round(0).UTC().Truncate(time.Microsecond) }

// report counts the attempt and writes its line.
func (s *Sender) report(it *item, a *signalbox.Attempt, o retry.Outcome, v retry.Verdict, end time.Time) {
	s.metrics.attempt(it, a.Duration, outcomeLabel(o), end)
	level := slog.LevelInfo
	if v.State == signalbox.Delivered && v.Text == "" {
		level = slog.LevelDebug
	}
	ctx := context.Background()
	if !s.cfg.Log.Enabled(ctx, level) {
		return
	}
	id := s.cfg.Codec.Format
	attrs := []slog.Attr{
		slog.String("delivery_id", id(signalbox.KindDelivery, int64(it.Delivery.ID))),
		slog.String("event_id", id(signalbox.KindEvent, int64(it.Event))),
		slog.String("event", it.EventName),
		slog.String("webhook_id", id(signalbox.KindWebhook, int64(it.Webhook))),
		slog.String("workspace_id", id(signalbox.KindWorkspace, int64(it.Workspace))),
		slog.String("attempt_id", id(signalbox.KindAttempt, int64(a.ID))),
		slog.String("state", v.State.String()),
		slog.Int("status_code", a.StatusCode),
		slog.Int("attempt", it.Attempts+1),
		slog.Int("of", len(s.schedule(it))+1),
		slog.Bool("manual", a.Manual),
		slog.Bool("test", it.Test),
		slog.Duration("duration", a.Duration),
	}
	if v.Text != "" {
		attrs = append(attrs, slog.String("reason", v.Text))
	}
	if !v.DueAt.IsZero() {
		attrs = append(attrs, slog.Time("next", v.DueAt))
	}
	s.cfg.Log.LogAttrs(ctx, level, "delivery.attempted", attrs...)
}

// outcomeCut is the outcome of an attempt that our own stop ended, outcomeSkipped that of one that nothing here can make.
const (
	outcomeCut     = "cut"
	outcomeSkipped = "skipped"
)

// outcomeLabel is the outcome in one of a few words, for metrics.
func outcomeLabel(o retry.Outcome) string {
	switch {
	case o.Cut:
		return outcomeCut
	case o.Skip != "":
		return outcomeSkipped
	case o.Failure != "":
		return string(o.Failure)
	case o.Peer == retry.MailServer && o.Status/100 != 2:
		return "smtp_" + strconv.Itoa(o.Status/100) + "xx"
	case o.Status >= 200 && o.Status <= 299:
		return "delivered"
	}
	return "http_" + strconv.Itoa(o.Status/100) + "xx"
}
