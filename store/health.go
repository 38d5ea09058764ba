package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

// healthHours is how much of the past a webhook's health shows: a week.
const healthHours = 7 * 24

// healthSQL reads what was counted of a webhook since a time, the nodes' counts together: at most some dozen rows to an hour.
const healthSQL = `
SELECT what, at, CAST(sum(n) AS BIGINT)
  FROM tallies
 WHERE workspace_id = $1 AND subject = $2 AND at >= $3
 GROUP BY what, at`

// WebhookHealth answers how a webhook's receiver fares at now, or NoSuch("webhook").
func (db *DB) WebhookHealth(ctx context.Context, ws signalbox.WorkspaceID, wh signalbox.WebhookID, now time.Time) (signalbox.Health, error) {
	var h signalbox.Health
	err := db.read(ctx, func(t *tx) error {
		w, err := t.webhook(ws, wh)
		if err != nil {
			return err
		}
		sql := pendingOfWebhookSQL
		if w.Kind == signalbox.KindPull {
			sql = unreadSQL
		}
		h = signalbox.Health{}
		if h.Pending, err = t.pending(sql, id(ws), id(wh), signalbox.MaxPendingCounted); err != nil {
			return fmt.Errorf("count what is pending: %w", err)
		}
		return t.healthHours(&h, ws, wh, now)
	})
	return h, err
}

func (t *tx) healthHours(h *signalbox.Health, ws signalbox.WorkspaceID, wh signalbox.WebhookID, now time.Time) error {
	from := hourOf(now) - (healthHours-1)*60
	hours := make([]span, healthHours)
	err := t.query(healthSQL, []any{id(ws), id(wh), from}, func(r *row) error {
		if i := (r.int(1) - from) / 60; i < healthHours { // another node's clock may be ahead
			hours[i].add(r.int(0), r.int(2))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read tallies: %w", err)
	}
	var day, week span
	for i := range hours {
		h.Hours = append(h.Hours, signalbox.HealthHour{At: minuteTime(from + int64(i)*60), HealthSpan: hours[i].fares()})
		week.join(&hours[i])
		if i >= healthHours-24 {
			day.join(&hours[i])
		}
	}
	h.Day, h.Week = day.fares(), week.fares()
	return nil
}

// span is what was counted of a webhook in a while.
type span struct {
	delivered, missed int64
	took              [maxBucket + 1]int64 // answers by bucket
}

func (s *span) add(what, n int64) {
	switch {
	case what == tallyDelivered:
		s.delivered += n
	case what == tallyMissed:
		s.missed += n
	case what >= tookFrom && what <= tookFrom+maxBucket:
		s.took[what-tookFrom] += n
	}
}

func (s *span) join(o *span) {
	s.delivered += o.delivered
	s.missed += o.missed
	for i, n := range o.took {
		s.took[i] += n
	}
}

func (s *span) fares() signalbox.HealthSpan {
	return signalbox.HealthSpan{Delivered: s.delivered, Failed: s.missed, P50: s.quantile(50), P95: s.quantile(95)}
}

// quantile is the duration that so many percent of the answers took at most, in the middle of its bucket; 0 when there were none.
func (s *span) quantile(percent int64) time.Duration {
	var all, seen int64
	for _, n := range s.took {
		all += n
	}
	for i, n := range s.took {
		if seen += n; n > 0 && seen*100 >= all*percent {
			return took(int64(i))
		}
	}
	return 0
}
