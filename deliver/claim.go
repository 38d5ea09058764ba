package deliver

import (
	"context"
	"time"

	"signalbox"
)

// claimAgain is how long a lane waits after a claim that the store refused.
const claimAgain = time.Second

// LaneDue is the owner of due rows of the kind DueLane: the lane is claimed from the table and sent. It does not wait for that:
// the claim itself rewrites the row (Kept), and a claim that does not come about leaves it to fire again.
func (s *Sender) LaneDue(_ context.Context, d signalbox.Due) (signalbox.Again, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase > running { // before Run too: the claimers find it listed
		return signalbox.Again{Kept: true}, nil
	}
	l := s.lane(d.Workspace, signalbox.WebhookID(d.Subject))
	if l.max > 0 {
		s.list(l)
	} else {
		s.handOver(l)
	}
	return signalbox.Again{Kept: true}, nil
}

// LaneTold tells that another node has deliveries of a lane and no part in it: it is claimed if this one has.
func (s *Sender) LaneTold(ws signalbox.WorkspaceID, id signalbox.WebhookID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase > running {
		return
	}
	if l := s.lane(ws, id); l.max > 0 {
		s.list(l)
	} else {
		s.forget(l)
	}
}

// list puts the lane among those that claimers turn to. Callers hold s.mu.
func (s *Sender) list(l *lane) {
	l.more = true
	switch {
	case s.phase > running || l.listed:
	case l.claiming:
		l.again = true
	default:
		l.listed = true
		s.toClaim.push(l)
		s.claim.Signal()
	}
}

// claimIfWanted lists a lane that has more in the table and has drained below half. Callers hold s.mu.
func (s *Sender) claimIfWanted(l *lane) {
	if !l.more || l.claiming || l.listed || l.held.items() > s.limits.Lane/2 {
		return
	}
	if s.claimable(l) > 0 || l.held.items() == 0 {
		s.list(l)
	}
}

// claimable is how many deliveries a claim may bring. Callers hold s.mu.
func (s *Sender) claimable(l *lane) int {
	items, bytes := s.room(l)
	most := s.limits.Claim
	if !l.known {
		most = min(most, few)
	}
	if l.speed != quick && s.waiting[fresh].len()+s.waiting[slow].len() > 0 {
		// Lanes like this one wait for sockets: each holds the next one that it will send, so that all of them find room and their turn.
		most = min(most, max(1-l.queue.len(), 0))
	}
	if n := min(items, most, bytes/l.largest); n > 0 || items == 0 {
		return n
	}
	if l.held.items() == 0 && s.held.bytes+l.largest <= s.limits.Bytes {
		return 1 // a body above its share passes when there is room for it
	}
	return 0
}

// claimLoop claims for one listed lane after the other until the Sender drains.
func (s *Sender) claimLoop() {
	for {
		s.mu.Lock()
		for s.phase == running && s.toClaim.len() == 0 {
			s.claim.Wait()
		}
		if s.phase != running {
			s.mu.Unlock()
			return
		}
		l := s.toClaim.pop()
		p, ok := s.beginClaim(l)
		s.mu.Unlock()
		if ok {
			s.claimLane(l, p)
		}
	}
}

// pledge is what a claim holds while it goes on.
type pledge struct {
	items, bytes      int
	refusals, changes int
}

// beginClaim holds room for a claim; false when there is none: then the lane claims as it drains. Callers hold s.mu.
func (s *Sender) beginClaim(l *lane) (pledge, bool) {
	l.listed = false
	items := s.claimable(l)
	if items == 0 {
		if l.held.items() == 0 { // nothing of its own will drain
			s.claimLater(l)
		}
		l.backlogged = true
		return pledge{}, false
	}
	p := pledge{items: items, bytes: items * l.largest, refusals: l.refusals, changes: l.changes}
	l.claiming = true
	s.add(l, load{reserved: p.items, bytes: p.bytes})
	return p, true
}

// claimLater lists the lane again after a while. Callers hold s.mu.
func (s *Sender) claimLater(l *lane) {
	if l.later || s.phase != running {
		return
	}
	l.later = true
	time.AfterFunc(claimAgain, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		l.later = false
		if s.lanes[l.id] == l && l.more {
			s.list(l)
		}
	})
}

// claimLane brings what is due from the table. The claim is not cut short by a stop: one that was saved and not heard of would
// leave rows leased.
func (s *Sender) claimLane(l *lane, p pledge) {
	lease, alive := s.cfg.Node.Lease()
	var got signalbox.Claimed
	var err error
	if alive {
		got, err = s.cfg.Store.Claim(context.Background(), lease, l.workspace, l.id, p.items, s.cfg.Now().UTC())
	}
	if err != nil {
		s.cfg.Log.Warn("delivery.claim", "webhook_id", s.cfg.Codec.Format(signalbox.KindWebhook, int64(l.id)), "err", err)
	}
	s.mu.Lock()
	s.add(l, load{reserved: -p.items, bytes: -p.bytes})
	l.claiming = false
	if !alive || err != nil {
		l.backlogged, l.more, l.again = true, true, false
		s.claimLater(l)
	} else {
		s.claimed(l, p, &got)
	}
	s.quieten()
	s.mu.Unlock()
	if !got.NextDue.IsZero() {
		s.cfg.Wake(got.NextDue)
	}
}

// claimed queues what a claim brought and says how the lane goes on. Callers hold s.mu.
func (s *Sender) claimed(l *lane, p pledge, got *signalbox.Claimed) {
	now := s.cfg.Now()
	if got.Webhook == nil {
		s.close(l, now)
		return
	}
	stale := p.changes != l.changes || s.phase != running
	if !stale {
		s.know(l, got.Webhook)
	}
	if len(got.Ready) > 0 {
		l.largest = guess
	}
	for _, r := range got.Ready {
		it := item{Ready: r, target: l.target}
		if stale || it.target == nil || l.max == 0 {
			s.release(l, it, now)
			continue
		}
		s.enqueue(l, it)
	}
	if l.max == 0 { // its definition says so, which was not known before
		l.again = false
		s.handOver(l)
		return
	}
	again := l.again || stale
	l.again = false
	l.more = got.More
	l.backlogged = got.More || again || l.refusals != p.refusals
	if again {
		s.list(l)
	}
	// A claim that brought nothing although more is due is not repeated at once: the due row fires again.
	if len(got.Ready) > 0 {
		s.claimIfWanted(l)
	}
	s.pump(l)
}

// close drops what memory knows of a lane whose webhook is gone or disabled; the table keeps its deliveries. Callers hold s.mu.
func (s *Sender) close(l *lane, now time.Time) {
	again := l.again
	l.webhook, l.target = nil, nil
	s.releaseQueue(l, now, func(it item) bool { return it.call == nil })
	l.backlogged, l.more, l.again = false, false, false
	if again {
		s.list(l)
	}
	s.forget(l)
}

// forget removes an idle lane that knows no webhook. Callers hold s.mu.
func (s *Sender) forget(l *lane) {
	if l.webhook == nil && l.idle() {
		delete(s.lanes, l.id)
	}
}
