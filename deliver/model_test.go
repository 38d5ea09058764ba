package deliver_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"signalbox"
	"signalbox/deliver"
)

// model is the deliveries table in memory: it claims, settles and arms due rows by the rules of the store's conformance suite.
type model struct {
	wake chan struct{}    // full when a due row may have become earlier
	now  func() time.Time // the clock that is stored; set before anything runs
	poll time.Duration    // how long runDue may not look at the clock

	mu         sync.Mutex
	webhooks   map[signalbox.WebhookID]*signalbox.Webhook
	rows       map[signalbox.DeliveryID]*modelRow
	open       map[signalbox.WebhookID]map[signalbox.DeliveryID]*modelRow // those of rows that are open
	bodies     map[signalbox.EventID][]byte
	requests   map[signalbox.EventID]*signalbox.Request
	due        map[signalbox.WebhookID]time.Time
	generation int64
	attempts   []signalbox.Attempt
	claims     int
	biggest    int // settlements at once
	settleErr  func([]signalbox.Settlement) error
	claimErr   func() error
	claimed    func()
}

type modelRow struct {
	signalbox.Delivery
	lease signalbox.Lease
	done  int // how often it reached a final state
}

func newModel() *model {
	return &model{
		wake: make(chan struct{}, 1), now: time.Now, poll: time.Hour, generation: 1,
		webhooks: map[signalbox.WebhookID]*signalbox.Webhook{}, rows: map[signalbox.DeliveryID]*modelRow{},
		open:   map[signalbox.WebhookID]map[signalbox.DeliveryID]*modelRow{},
		bodies: map[signalbox.EventID][]byte{}, requests: map[signalbox.EventID]*signalbox.Request{}, due: map[signalbox.WebhookID]time.Time{},
	}
}

// Lease makes the model the node too; tests that take the heartbeat away wrap it.
func (m *model) Lease() (signalbox.Lease, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return signalbox.Lease{Generation: m.generation}, true
}

// join frees every lease and makes every lane with open deliveries due.
func (m *model) join(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.generation++
	for _, r := range m.rows {
		if r.State.Open() {
			m.arm(r.Webhook, now)
		}
	}
}

// onSettle sets what is asked before each settle; its error is the settle's.
func (m *model) onSettle(f func([]signalbox.Settlement) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settleErr = f
}

// onClaim sets what is asked before each claim; its error is the claim's.
func (m *model) onClaim(f func() error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claimErr = f
}

// afterClaim sets what happens when a claim is done and its answer on its way.
func (m *model) afterClaim(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claimed = f
}

func (m *model) free(r *modelRow) bool { return r.lease.Generation != m.generation }

func (m *model) arm(wh signalbox.WebhookID, at time.Time) {
	if have, ok := m.due[wh]; !ok || at.Before(have) {
		m.due[wh] = at
	}
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// insert saves deliveries in one transaction: those without a lease make their lane due.
func (m *model) insert(list ...signalbox.Ready) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range list {
		row := &modelRow{Delivery: r.Delivery, lease: r.Lease}
		m.rows[r.Delivery.ID] = row
		if m.open[r.Webhook] == nil {
			m.open[r.Webhook] = map[signalbox.DeliveryID]*modelRow{}
		}
		m.open[r.Webhook][r.Delivery.ID] = row
		m.bodies[r.Event], m.requests[r.Event] = r.Body, r.Request
		if r.Lease.Generation == 0 {
			m.arm(r.Webhook, r.DueAt)
		}
	}
}

// put makes or changes a webhook; enabling one makes its lane due.
func (m *model) put(wh signalbox.Webhook) *signalbox.Webhook {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.webhooks[wh.ID] != nil
	m.webhooks[wh.ID] = &wh
	if known && wh.Enabled {
		m.arm(wh.ID, m.now())
	}
	return &wh
}

func (m *model) Claim(_ context.Context, l signalbox.Lease, _ signalbox.WorkspaceID, wh signalbox.WebhookID, limit int, now time.Time) (c signalbox.Claimed, err error) {
	m.mu.Lock()
	before, after := m.claimErr, m.claimed
	m.mu.Unlock()
	if before != nil {
		if err := before(); err != nil {
			return c, err
		}
	}
	if after != nil {
		defer after()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claims++
	if l.Generation != m.generation {
		return c, signalbox.Errorf(signalbox.Conflict, "the lease has ended")
	}
	w := m.webhooks[wh]
	if w == nil || !w.Enabled {
		delete(m.due, wh)
		return c, nil
	}
	copied := *w
	c.Webhook = &copied
	delete(m.due, wh)
	for _, r := range m.lane(wh) {
		if r.DueAt.After(now) || len(c.Ready) == limit {
			c.NextDue, c.More = r.DueAt, !r.DueAt.After(now)
			break
		}
		r.lease = l
		c.Ready = append(c.Ready, signalbox.Ready{Delivery: r.Delivery, Body: m.bodies[r.Event], Request: m.requests[r.Event], Lease: l})
	}
	switch {
	case c.More:
		m.due[wh] = now.Add(signalbox.LeaseFor)
	case !c.NextDue.IsZero():
		m.arm(wh, c.NextDue)
	}
	return c, nil
}

// lane lists the free open rows of a webhook, earliest first.
func (m *model) lane(wh signalbox.WebhookID) (rows []*modelRow) {
	for _, r := range m.open[wh] {
		if m.free(r) {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b *modelRow) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.Delivery.ID, b.Delivery.ID))
	})
	return rows
}

func (m *model) Settle(_ context.Context, list []signalbox.Settlement) ([]bool, error) {
	m.mu.Lock()
	before := m.settleErr
	m.mu.Unlock()
	if before != nil {
		if err := before(list); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.biggest = max(m.biggest, len(list))
	settled := make([]bool, len(list))
	for i, s := range list {
		r := m.rows[s.Delivery]
		if s.Lease.Generation != m.generation || r.lease != s.Lease {
			continue
		}
		settled[i] = true
		r.State, r.Reason, r.Attempts, r.DueAt, r.lease = s.State, s.Reason, s.Attempts, s.DueAt, signalbox.Lease{}
		if s.Attempt != nil {
			m.attempts = append(m.attempts, *s.Attempt)
			r.Manual = nil
		}
		if s.State.Open() {
			m.arm(s.Webhook, s.DueAt)
		} else {
			r.done++
			delete(m.open[s.Webhook], s.Delivery)
		}
		if w := m.webhooks[s.Webhook]; s.DisableWebhook != "" && w.Enabled {
			changed := *w
			changed.Enabled, changed.DisabledReason, changed.Revision = false, s.DisableWebhook, w.Revision+1
			m.webhooks[w.ID] = &changed
		}
	}
	return settled, nil
}

// row returns a delivery as the table has it.
func (m *model) row(id signalbox.DeliveryID) modelRow {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *m.rows[id]
}

// count counts the rows for which is holds.
func (m *model) count(is func(*modelRow) bool) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.rows {
		if is(r) {
			n++
		}
	}
	return n
}

// leased counts the rows that are leased to the live generation.
func (m *model) leased() int {
	return m.count(func(r *modelRow) bool { return !m.free(r) })
}

// runDue hands lanes that are due to the sender until ctx ends, as the room due does.
func (m *model) runDue(ctx context.Context, s *deliver.Sender) {
	for {
		wait := m.poll
		m.mu.Lock()
		now := m.now()
		var fire []signalbox.WebhookID
		for wh, at := range m.due {
			if at.After(now) {
				wait = min(wait, at.Sub(now))
				continue
			}
			m.due[wh] = now.Add(signalbox.LeaseFor)
			fire = append(fire, wh)
		}
		m.mu.Unlock()
		slices.Sort(fire)
		for _, wh := range fire {
			if _, err := s.LaneDue(ctx, signalbox.Due{Kind: signalbox.DueLane, Workspace: workspace, Subject: int64(wh)}); err != nil {
				panic(err)
			}
		}
		if len(fire) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		case <-time.After(wait):
		}
	}
}

// dueNow makes everything open due now, as a recovery by hand does.
func (m *model) dueNow() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	for wh, rows := range m.open {
		for _, r := range rows {
			r.DueAt = now
		}
		m.arm(wh, now)
	}
}
