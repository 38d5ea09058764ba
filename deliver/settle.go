package deliver

import (
	"context"
	"slices"
	"sync"
	"time"

	"signalbox"
	"signalbox/internal/fault"
)

// The pauses between tries of a settlement that the store does not take.
const (
	settleAgain  = 50 * time.Millisecond
	settleAtMost = 2 * time.Second
)

// outcome is what is to be settled of one delivery.
type outcome struct {
	lane       *lane
	settlement signalbox.Settlement
	release    bool      // nothing was sent that counts
	call       *call     // who waits for it
	tested     tested    // what it is told
	at         time.Time // since when it waits
}

// settler holds the outcomes that wait for the store.
type settler struct {
	wake chan struct{} // full when there may be something to do

	mu       sync.Mutex
	waiting  []outcome
	finished bool // nothing more comes
}

func newSettler() *settler { return &settler{wake: make(chan struct{}, 1)} }

// put adds an outcome. It never blocks.
func (q *settler) put(o outcome) {
	o.at = time.Now()
	q.mu.Lock()
	q.waiting = append(q.waiting, o)
	q.mu.Unlock()
	q.nudge()
}

func (q *settler) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// putBack adds outcomes that the store did not take, behind the others.
func (q *settler) putBack(list []outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, list...)
}

// finish says that nothing more comes.
func (q *settler) finish() {
	q.mu.Lock()
	q.finished = true
	q.mu.Unlock()
	q.nudge()
}

// left is how many outcomes wait.
func (q *settler) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// take waits for outcomes and returns what is there, at most limit; none when ctx ended, or when nothing more comes.
func (q *settler) take(ctx context.Context, limit int) []outcome {
	for {
		q.mu.Lock()
		n, finished := min(len(q.waiting), limit), q.finished
		batch := slices.Clone(q.waiting[:n])
		q.waiting = slices.Delete(q.waiting, 0, n)
		q.mu.Unlock()
		if n > 0 || finished {
			return batch
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// settle saves outcomes until nothing more comes or ctx ends. What the store does not take is kept and tried again.
func (s *Sender) settle(ctx context.Context) {
	pause := settleAgain
	for ctx.Err() == nil {
		batch := s.settler.take(ctx, s.limits.Settle)
		if len(batch) == 0 {
			return
		}
		left := s.save(ctx, batch)
		if len(left) == 0 {
			pause = settleAgain
			continue
		}
		s.settler.putBack(left)
		if len(left) < len(batch) {
			continue
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, settleAtMost)
	}
}

// save settles a batch and returns what the store did not take. An error that is not about the moment is somebody's: the batch
// is halved until the culprit is alone, so that it holds up nobody.
func (s *Sender) save(ctx context.Context, batch []outcome) (left []outcome) {
	list := make([]signalbox.Settlement, len(batch))
	for i := range batch {
		list[i] = batch[i].settlement
	}
	settled, err := s.cfg.Store.Settle(ctx, list)
	s.metrics.batch(len(batch))
	if err == nil {
		fault.Point("deliver.after_settle")
		s.settled(batch, settled)
		if s.cfg.Settled != nil {
			s.cfg.Settled(list, settled)
		}
		return nil
	}
	if len(batch) == 1 || ctx.Err() != nil || signalbox.CodeOf(err) == signalbox.Unavailable {
		s.cfg.Log.Warn("delivery.settle", "count", len(batch), "err", err)
		return batch
	}
	half := len(batch) / 2
	return append(s.save(ctx, batch[:half:half]), s.save(ctx, batch[half:])...)
}

// settled frees what the outcomes held and lets their lanes go on.
func (s *Sender) settled(batch []outcome, settled []bool) {
	var wake time.Time
	gone := map[signalbox.WebhookID]bool{}
	s.mu.Lock()
	for i := range batch {
		o, ok := &batch[i], settled[i]
		if o.release {
			s.add(o.lane, load{releasing: -1})
		} else {
			s.add(o.lane, load{unsettled: -1})
		}
		if !ok {
			s.disowned(o)
		}
		if ok && o.settlement.DisableWebhook != "" {
			gone[o.settlement.Webhook] = true
		}
		if at := o.settlement.DueAt; ok && !at.IsZero() && (wake.IsZero() || at.Before(wake)) {
			wake = at
		}
		if o.call != nil {
			o.tested.ok = ok
			o.call.done <- o.tested
		}
		s.goOn(o.lane)
	}
	s.mu.Unlock()
	for id := range gone {
		s.Changed(id)
	}
	if !wake.IsZero() {
		s.cfg.Wake(wake)
	}
}

// goOn lets a lane, and those that wait for the node, send again. Callers hold s.mu.
func (s *Sender) goOn(l *lane) {
	s.unpark()
	s.pump(l)
	s.claimIfWanted(l)
	s.forget(l)
}

// disowned deals with an outcome whose delivery is no longer leased so: whoever has it now settles it. One that was saved under a
// lease that had ended by then is free and no due row tells of it: the lane claims it. Callers hold s.mu.
func (s *Sender) disowned(o *outcome) {
	s.cfg.Log.Warn("delivery.disowned", "delivery_id", s.cfg.Codec.Format(signalbox.KindDelivery, int64(o.settlement.Delivery)),
		"webhook_id", s.cfg.Codec.Format(signalbox.KindWebhook, int64(o.settlement.Webhook)), "sent", !o.release)
	if o.release {
		s.list(o.lane)
	}
}
