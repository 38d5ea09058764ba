package deliver

import (
	"context"
	"time"

	"signalbox"
)

// slowAnswer is from when on an answer makes its lane a slow one.
const slowAnswer = time.Second

// share bounds what a lane holds: an eighth of what is free. However many lanes are stuck, they leave room for another, because the
// more they hold together, the less each may.
const share = 8

// speed is how soon a lane's receiver answers, as far as that is known. It decides how many of the sockets such lanes may hold together.
type speed int

const (
	quick  speed = iota // its last answer came soon
	fresh               // it has not been answered yet
	slow                // its last answer took long
	speeds = iota
)

// load counts deliveries by where they stand, and the bytes of those that are held in memory.
type load struct {
	reserved  int // promised to a turn or a claim
	queued    int
	inFlight  int
	unsettled int // answered, not settled
	releasing int // to be given back to the table
	fresh     int // in flight on lanes that had not been answered yet
	slow      int // in flight on slow lanes
	bytes     int // of bodies: reserved, queued, in flight
}

// negated takes away what the load adds.
func (l load) negated() load {
	return load{
		reserved: -l.reserved, queued: -l.queued, inFlight: -l.inFlight, unsettled: -l.unsettled, releasing: -l.releasing,
		fresh: -l.fresh, slow: -l.slow, bytes: -l.bytes,
	}
}

// items are those that take room.
func (l *load) items() int { return l.reserved + l.queued + l.inFlight + l.releasing }

// lane is what memory knows of one webhook. Every field is guarded by Sender.mu.
type lane struct {
	id        signalbox.WebhookID
	workspace signalbox.WorkspaceID
	webhook   *signalbox.Webhook // the newest definition seen; nil when it is not known
	target    *target            // of webhook
	max       int                // requests at the same time: this node's part; 0: other nodes send
	held      load
	queue     fifo[item]
	speed     speed
	well      bool // its last attempt was delivered; false as long as none is known of

	backlogged bool // the table has, or may have, deliveries that go first
	more       bool // a claim is wanted when there is room
	claiming   bool // one is going on
	again      bool // due came during the claim
	listed     bool // in Sender.toClaim
	later      bool // to be listed after a while
	paced      bool // to be pumped when its rate allows the next request
	waiting    bool // in Sender.waiting
	refusals   int  // of reservations, so far
	changes    int  // of the definition, so far
	largest    int  // the largest body of late, in bytes
	known      bool // largest has been seen

	next    time.Time // before it the lane's rate allows no request
	trouble trouble
}

// Before a body of a lane has been seen, it is thought to be as large as guess, and a claim brings few.
const (
	guess = 16 << 10
	few   = 16
)

// item is a delivery in a lane, with what it is sent by.
type item struct {
	signalbox.Ready
	target *target
	call   *call // not nil: somebody waits for the answer
	speed  speed // of its lane when it was sent
}

// lane returns the lane of a webhook. Callers hold s.mu.
func (s *Sender) lane(ws signalbox.WorkspaceID, id signalbox.WebhookID) *lane {
	l := s.lanes[id]
	if l == nil {
		s.forgetIdle()
		l = &lane{id: id, workspace: ws, max: s.share(id, nil), largest: guess, speed: fresh}
		s.lanes[id] = l
	}
	return l
}

// forgetIdle makes room for another lane: of those met first in the map, which is a random few, the idle go. Callers hold s.mu.
func (s *Sender) forgetIdle() {
	if len(s.lanes) < s.limits.Lanes {
		return
	}
	looked := 0
	for id, l := range s.lanes {
		if l.idle() {
			delete(s.lanes, id)
		}
		if looked++; looked == 16 {
			return
		}
	}
}

// idle says whether nothing would be lost by forgetting the lane.
func (l *lane) idle() bool {
	return l.held == load{} && !l.backlogged && !l.more && !l.claiming && !l.listed && !l.waiting && !l.later && !l.paced
}

// know takes over a definition, unless a newer one is known.
func (s *Sender) know(l *lane, wh *signalbox.Webhook) {
	if l.webhook != nil && l.webhook.Revision >= wh.Revision {
		return
	}
	l.webhook, l.target, l.max = wh, newTarget(wh), s.share(wh.ID, wh)
}

// share is how many requests of a webhook this node may have in flight; nil: its definition is not known.
func (s *Sender) share(id signalbox.WebhookID, wh *signalbox.Webhook) int {
	whole := signalbox.DefaultMaxInFlight
	if wh != nil && wh.MaxInFlight > 0 {
		whole = wh.MaxInFlight
	}
	return s.cfg.Share(whole, int64(id))
}

// SharesChanged tells that nodes came or went, so that this one's parts are others. What is queued of a webhook that has none here any more goes back
// to the table, for those who have one.
func (s *Sender) SharesChanged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	for _, l := range s.lanes {
		before := l.max
		if l.max = s.share(l.id, l.webhook); l.max == 0 && before > 0 {
			s.releaseQueue(l, now, func(it item) bool { return it.call == nil })
			s.handOver(l)
		} else if l.max > 0 && before == 0 {
			s.list(l)
		}
		s.pump(l)
	}
}

// handOver leaves a lane to the nodes that have a part in it. Callers hold s.mu.
func (s *Sender) handOver(l *lane) {
	l.more, l.backlogged = false, false
	s.cfg.Others(l.workspace, l.id)
	s.forget(l)
}

// room is how many more deliveries the lane may hold, and bytes of their bodies. Slow lanes leave the last eighth to the others, those of which
// nothing is known yet the last sixteenth.
// Callers hold s.mu.
func (s *Sender) room(l *lane) (items, bytes int) {
	items, bytes = s.limits.Items, s.limits.Bytes
	switch l.speed {
	case fresh:
		items, bytes = items-items/(2*share), bytes-bytes/(2*share)
	case slow:
		items, bytes = items-items/share, bytes-bytes/share
	}
	items = min(s.limits.Lane, (items-s.held.items())/share) - l.held.items()
	bytes = (bytes-s.held.bytes)/share - l.held.bytes
	return max(items, 0), max(bytes, 0)
}

// add moves a lane's load and the total together. Callers hold s.mu.
func (s *Sender) add(l *lane, d load) {
	for _, to := range []*load{&l.held, &s.held} {
		to.reserved += d.reserved
		to.queued += d.queued
		to.inFlight += d.inFlight
		to.unsettled += d.unsettled
		to.releasing += d.releasing
		to.fresh += d.fresh
		to.slow += d.slow
		to.bytes += d.bytes
	}
}

// Reserve asks for room for n deliveries whose bodies have so many bytes together. true: save them under the lease, and hand
// them over with Send, or give the room back with Unreserve. false: save them free; the table has them, and the lane claims them.
func (s *Sender) Reserve(wh *signalbox.Webhook, n, bytes int) (signalbox.Lease, bool) {
	lease, alive := s.cfg.Node.Lease()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != running {
		return signalbox.Lease{}, false
	}
	l := s.lane(wh.Workspace, wh.ID)
	items, most := s.room(l)
	s.know(l, wh)
	if l.max == 0 { // saved free and due: the others' news of it comes with the due row
		s.forget(l)
		return signalbox.Lease{}, false
	}
	if !alive || l.backlogged || n > items || bytes > most {
		l.backlogged = true
		l.refusals++
		return signalbox.Lease{}, false
	}
	s.add(l, load{reserved: n, bytes: bytes})
	return lease, true
}

// Unreserve gives back what Reserve promised: the turn was not saved.
func (s *Sender) Unreserve(wh *signalbox.Webhook, n, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unreserve(s.lane(wh.Workspace, wh.ID), n, bytes)
}

func (s *Sender) unreserve(l *lane, n, bytes int) {
	s.add(l, load{reserved: -n, bytes: -bytes})
	s.quieten()
	s.claimIfWanted(l)
}

// Send takes over deliveries that Reserve made room for and that are saved under its lease.
func (s *Sender) Send(wh *signalbox.Webhook, list []signalbox.Ready) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != running && s.phase != draining {
		s.cfg.Log.Error("delivery.dropped", "webhook_id", s.cfg.Codec.Format(signalbox.KindWebhook, int64(wh.ID)), "count", len(list),
			"reason", "the sender has stopped: the next start sends them")
		return
	}
	l := s.lane(wh.Workspace, wh.ID)
	now := s.cfg.Now()
	stale := s.phase == draining || l.webhook == nil // changed since, and not known yet as it is now
	for _, r := range list {
		s.add(l, load{reserved: -1, bytes: -r.Size()})
		it := item{Ready: r, target: l.target}
		if stale {
			s.release(l, it, now)
			continue
		}
		s.enqueue(l, it)
	}
	s.quieten()
	s.pump(l)
}

// enqueue puts an item at the end of its lane. Callers hold s.mu, and pump afterwards.
func (s *Sender) enqueue(l *lane, it item) {
	l.queue.push(it)
	l.largest, l.known = max(l.largest, it.Size()), true
	s.add(l, load{queued: 1, bytes: it.Size()})
}

// take takes the first item out of its lane's queue. Callers hold s.mu.
func (s *Sender) take(l *lane) item {
	it := l.queue.pop()
	s.add(l, load{queued: -1, bytes: -it.Size()})
	return it
}

// release gives a delivery back to the table as it is, due at once. Callers hold s.mu.
func (s *Sender) release(l *lane, it item, now time.Time) {
	l.backlogged = true
	if it.call != nil {
		s.add(l, load{unsettled: 1})
		s.settler.put(s.cutCall(l, it, now))
		return
	}
	s.add(l, load{releasing: 1})
	s.settler.put(outcome{lane: l, release: true, settlement: giveBack(it.Ready, now)})
}

// which chooses items of a queue.
type which func(item) bool

func everything(item) bool { return true }

// releaseQueue releases what is queued, as far as it is chosen. Callers hold s.mu.
func (s *Sender) releaseQueue(l *lane, now time.Time, chosen which) {
	for range l.queue.len() {
		it := s.take(l)
		if chosen(it) {
			s.release(l, it, now)
			continue
		}
		s.enqueue(l, it)
	}
}

// Changed tells that a webhook's definition changed, or that it is gone. What is queued goes back to the table, and a claim
// brings it again with the definition that is in force. Test calls keep the definition they were asked with.
func (s *Sender) Changed(id signalbox.WebhookID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lanes[id]; l != nil {
		s.changed(l)
	}
}

// AllChanged tells that any webhook may have changed, as when news of other nodes were missed.
func (s *Sender) AllChanged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lanes {
		s.changed(l)
	}
}

// changed forgets a lane's definition. Callers hold s.mu.
func (s *Sender) changed(l *lane) {
	l.changes++
	l.webhook, l.target = nil, nil
	l.backlogged = true
	s.releaseQueue(l, s.cfg.Now(), func(it item) bool { return it.call == nil })
	s.list(l)
}

// pump starts workers for a lane as far as the limits allow. Callers hold s.mu.
func (s *Sender) pump(l *lane) {
	for s.startable(l) {
		if !s.mayStart(l) {
			s.park(l)
			return
		}
		s.start(l)
	}
}

// startable says whether the lane itself allows another request now; one whose rate does not yet is pumped when it does. Somebody who waits for the answer to a test waits here: one request is always
// allowed for that.
func (s *Sender) startable(l *lane) bool {
	if s.phase != running || l.queue.len() == 0 || l.held.inFlight+l.held.unsettled >= s.limits.LaneUnsettled {
		return false
	}
	most := l.most()
	if (*l.queue.front()).call != nil {
		most = max(most, 1)
	}
	return l.held.inFlight < most && s.onTime(l, (*l.queue.front()).call != nil)
}

// mayStart says whether the node allows another request, of a lane as fast as this one. Slow lanes hold three quarters of the sockets at most, and
// together with those of which nothing is known yet, as after a start, seven eighths: the rest is for those that answer.
func (s *Sender) mayStart(l *lane) bool {
	most := s.limits.Sockets
	if s.held.unsettled >= s.limits.Unsettled || s.held.inFlight >= most {
		return false
	}
	if l.speed == slow && s.held.slow >= max(most*3/4, 1) {
		return false
	}
	return l.speed == quick || s.held.slow+s.held.fresh < max(most*7/8, 1)
}

// launch takes the next item and counts it as in flight; its bytes stay held. Callers hold s.mu.
func (s *Sender) launch(l *lane) item {
	s.pace(l)
	s.moved = time.Now()
	it := s.take(l)
	it.speed = l.speed
	s.add(l, it.flight())
	return it
}

// flight is what an item counts as while it is in flight.
func (it *item) flight() load {
	d := load{inFlight: 1, bytes: it.Size()}
	switch it.speed {
	case fresh:
		d.fresh = 1
	case slow:
		d.slow = 1
	}
	return d
}

// work sends one delivery, and then whatever the lane allows next.
func (s *Sender) work(life context.Context, l *lane, it item) {
	for more := true; more; {
		o, r := s.attempt(life, l, it)
		it, more = s.answered(l, it, o, r)
	}
}

// answered frees the slot of a request, hands its outcome to the settler, and returns what to send next.
func (s *Sender) answered(l *lane, it item, o outcome, r reply) (next item, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	freed := it.flight().negated()
	if o.release {
		l.backlogged = true
		freed.releasing = 1
	} else {
		freed.unsettled = 1
		if l.speed = quick; r.took > slowAnswer {
			l.speed = slow
		}
		delivered := o.settlement.State == signalbox.Delivered
		if delivered || it.call == nil { // a test that fails is of what it was sent
			l.learn(delivered, r)
		}
		if it.call == nil && o.settlement.State != signalbox.Skipped {
			o.settlement.Recovered, l.well = delivered && !l.well, delivered
		}
	}
	s.add(l, freed)
	s.settler.put(o)
	if s.nobodyWaits() && s.startable(l) && s.mayStart(l) {
		return s.launch(l), true
	}
	s.unpark()
	s.pump(l)
	return item{}, false
}

// park makes the lane wait for its turn at a socket. Callers hold s.mu.
func (s *Sender) park(l *lane) {
	if l.waiting {
		return
	}
	l.waiting = true
	s.waiting[l.speed].push(l)
}

func (s *Sender) nobodyWaits() bool {
	for i := range s.waiting {
		if s.waiting[i].len() > 0 {
			return false
		}
	}
	return true
}

// unpark lets waiting lanes start one request each in turn: slow ones last, and of the quick and the fresh now these first, now those, so that
// neither keeps the other out. Callers hold s.mu.
func (s *Sender) unpark() {
	first := quick
	if s.freshFirst = !s.freshFirst; s.freshFirst {
		first = fresh
	}
	s.unparkThose(first)
	s.unparkThose(quick + fresh - first)
	s.unparkThose(slow)
}

// unparkThose does so for the lanes that were parked with a speed.
func (s *Sender) unparkThose(with speed) {
	q := &s.waiting[with]
	for range q.len() {
		l := q.front()
		if s.startable(l) && l.speed == with && !s.mayStart(l) {
			break
		}
		q.pop()
		l.waiting = false
		if s.startable(l) && s.mayStart(l) {
			s.start(l)
		}
		if s.startable(l) {
			s.park(l)
		}
	}
}

// start sends the lane's next item by a worker of its own. Callers hold s.mu.
func (s *Sender) start(l *lane) {
	it, life := s.launch(l), s.life
	s.workers.Go(func() { s.work(life, l, it) })
}
