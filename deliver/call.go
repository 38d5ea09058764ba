package deliver

import (
	"context"
	"maps"
	"net/http"
	"time"

	"signalbox"
	"signalbox/retry"
)

// tested is what a test call sent and what came of it.
type tested struct {
	attempt signalbox.Attempt
	sent    http.Header // nil when nothing was sent
	ok      bool        // it was settled
}

// call is somebody who waits for the answer to a test.
type call struct {
	done chan tested // holds one
}

// Test makes one attempt of a test delivery through the same guard, signer and limits as any other: it takes the next slot of the
// lane, before what is queued. It returns when the attempt is settled: the attempt, whose Error says why it failed, and the headers that
// were sent (nil for none; custom values hidden: they are write-only). The delivery must be saved under the node's Lease and needs
// no reservation. If ctx ends first, a test that was not sent yet never is.
func (s *Sender) Test(ctx context.Context, wh *signalbox.Webhook, r signalbox.Ready) (signalbox.Attempt, http.Header, error) {
	c := &call{done: make(chan tested, 1)}
	s.mu.Lock()
	if s.phase != running && s.phase != draining {
		s.mu.Unlock()
		return signalbox.Attempt{}, nil, errStopping()
	}
	l := s.lane(wh.Workspace, wh.ID)
	it := item{Ready: r, target: newTarget(wh), call: c}
	if s.phase == draining {
		s.release(l, it, s.cfg.Now())
	} else {
		l.queue.pushFront(it)
		s.add(l, load{queued: 1, bytes: it.Size()})
		s.pump(l)
	}
	s.mu.Unlock()
	select {
	case got := <-c.done:
		if !got.ok {
			return signalbox.Attempt{}, nil, signalbox.Errorf(signalbox.Conflict, "the test was overtaken: its delivery is not ours any more")
		}
		return got.attempt, got.sent, nil
	case <-ctx.Done():
		s.abandon(l, c)
		return signalbox.Attempt{}, nil, context.Cause(ctx)
	}
}

func errStopping() error {
	e := signalbox.Errorf(signalbox.Unavailable, "the server is not sending just now")
	e.RetryAfter = time.Second
	return e
}

// abandon takes a test that nobody waits for out of the queue.
func (s *Sender) abandon(l *lane, c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseQueue(l, s.cfg.Now(), func(it item) bool { return it.call == c })
}

// cutCall is the outcome of a test that was not sent: it fails, because nobody waits for it later.
func (s *Sender) cutCall(l *lane, it item, now time.Time) outcome {
	v := retry.Judge(retry.Outcome{Cut: true}, it.Delivery, s.schedule(&it), now, 0)
	a := &signalbox.Attempt{
		ID: signalbox.AttemptID(s.cfg.IDs.Next(now)), Workspace: it.Workspace, Delivery: it.Delivery.ID, At: micros(now), Error: v.Text,
	}
	return outcome{lane: l, settlement: settlement(&it, v, a), call: it.call, tested: tested{attempt: *a}}
}

// hide returns headers without the values of those that are custom.
func hide(sent, custom http.Header) http.Header {
	if sent == nil {
		return nil
	}
	shown := maps.Clone(sent)
	for name := range custom {
		shown[name] = []string{"[hidden]"}
	}
	return shown
}
