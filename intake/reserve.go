package intake

import (
	"time"

	"signalbox"
	"signalbox/decide"
)

// reservation is room that one webhook's lane has for deliveries of the turn.
type reservation struct {
	webhook *signalbox.Webhook
	ready   []signalbox.Ready
	bytes   int
}

type reservations []*reservation

// reserve asks the lanes for room: deliveries that get it are saved leased to this node and handed over after the commit, the
// others are saved free and found in the table.
func (i *Intake) reserve(turn []*waiting, outcomes []decide.Outcome, d *signalbox.Decision) reservations {
	if len(d.Deliveries) == 0 {
		return nil
	}
	bodies := make(map[signalbox.EventID]*signalbox.Event, len(d.Events))
	for n := range d.Events {
		bodies[d.Events[n].ID] = &d.Events[n]
	}
	webhooks := webhooksOf(turn, outcomes)
	var list reservations
	lanes := map[signalbox.WebhookID]*reservation{}
	full := map[signalbox.WebhookID]bool{}
	for n := range d.Deliveries {
		dlv := &d.Deliveries[n]
		if dlv.DueAt.IsZero() || full[dlv.Webhook] {
			continue
		}
		w := webhooks[dlv.Webhook]
		body := bodies[dlv.Event].Bodies.Of(w.Format)
		lease, ok := i.cfg.Sender.Reserve(w, 1, len(body))
		if !ok {
			full[dlv.Webhook] = true // whatever follows must not overtake it
			continue
		}
		dlv.Lease = lease
		r := lanes[dlv.Webhook]
		if r == nil {
			r = &reservation{webhook: w}
			lanes[dlv.Webhook] = r
			list = append(list, r)
		}
		r.ready = append(r.ready, signalbox.Ready{Delivery: dlv.Delivery, Body: body, Lease: lease})
		r.bytes += len(body)
	}
	return list
}

func (list reservations) giveBack(s Sender) {
	for _, r := range list {
		s.Unreserve(r.webhook, len(r.ready), r.bytes)
	}
}

func (list reservations) send(s Sender) {
	for _, r := range list {
		s.Send(r.webhook, r.ready)
	}
}

// webhooksOf collects the webhooks of the turn's workspaces, as the definitions that it was decided by describe them.
func webhooksOf(turn []*waiting, outcomes []decide.Outcome) map[signalbox.WebhookID]*signalbox.Webhook {
	all := map[signalbox.WebhookID]*signalbox.Webhook{}
	seen := map[signalbox.WorkspaceID]bool{}
	for n, w := range turn {
		if seen[w.Workspace] || outcomes[n].Undecided() {
			continue
		}
		seen[w.Workspace] = true
		list := w.By.Definitions.Webhooks
		for n := range list {
			all[list[n].ID] = &list[n]
		}
	}
	return all
}

// wake tells whoever waits for what the turn has made.
func (i *Intake) wake(d *signalbox.Decision, begin time.Time) {
	if d == nil {
		return
	}
	free, pulled := time.Time{}, map[signalbox.WebhookID]bool{}
	for n := range d.Deliveries {
		dlv := &d.Deliveries[n]
		switch {
		case !dlv.DueAt.IsZero() && dlv.Lease == (signalbox.Lease{}):
			free = dlv.DueAt
		case dlv.Reason == signalbox.ReasonPull && !pulled[dlv.Webhook]:
			pulled[dlv.Webhook] = true
			i.cfg.Waker.Arrived(dlv.Webhook)
		}
	}
	for n := range d.Jobs {
		free = d.Jobs[n].CreatedAt
	}
	for _, due := range [][]signalbox.Due{d.Due, d.Sooner} {
		for n := range due {
			if at := due[n].At; !at.IsZero() && (free.IsZero() || at.Before(free)) {
				free = at
			}
		}
	}
	if !free.IsZero() {
		i.cfg.Waker.Due(free)
	}
	i.cfg.Waker.Committed(len(d.Signals), time.Since(begin))
}
