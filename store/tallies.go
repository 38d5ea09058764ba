package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"signalbox"
)

// Tallies count what happens in the transaction in which it happens: exact, and nobody scans a large table to know how a workspace fares. A turn
// adds a row for each of its workspaces, a settle a handful for each webhook: measured on both databases, that is lost in the cost of a commit,
// where a job that counts afterwards would read every row once more and always be late.
//
// On PostgreSQL nodes that settle for one webhook would wait for each other's commit at the same row: each counts in rows of its own. A turn
// needs none: it holds the head.

// What is counted; from tookFrom on it is answers by how long they took.
const (
	tallySignals   = 1 // signals taken
	tallyDelivered = 2 // deliveries delivered
	tallyFailed    = 3 // deliveries that failed for good
	tallyMissed    = 4 // attempts that failed
	tallyTested    = 5 // test calls that were delivered
	tookFrom       = 100
)

// tally names one count.
type tally struct {
	workspace signalbox.WorkspaceID
	subject   int64 // a webhook, or 0 for the whole workspace
	what      int64
	at        int64 // minutes since 1970
	node      int
}

// tallied is how often something happened, and when last, in Unix microseconds.
type tallied struct{ n, last int64 }

// tallies are counts to be added.
type tallies map[tally]tallied

// count notes that something happened n times, the last time at at.
func (c tallies) count(k tally, n int64, at time.Time) {
	now := c[k]
	c[k] = tallied{now.n + n, max(now.last, at.UnixMicro())}
}

const addTallySQL = `
INSERT INTO tallies (workspace_id, subject, what, at, node, n, last)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (workspace_id, subject, what, at, node) DO UPDATE
   SET n = tallies.n + excluded.n, last = CASE WHEN excluded.last > tallies.last THEN excluded.last ELSE tallies.last END`

// add adds counts, in the order of their keys: two that add to the same ones never wait for each other in a circle. It comes last in a transaction.
func (t *tx) add(counts tallies) error {
	list := make([]tally, 0, len(counts))
	for k := range counts {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b tally) int {
		return cmp.Or(cmp.Compare(a.workspace, b.workspace), cmp.Compare(a.subject, b.subject), cmp.Compare(a.what, b.what), cmp.Compare(a.at, b.at),
			cmp.Compare(a.node, b.node))
	})
	err := t.unheard(func() error {
		return each(t, addTallySQL, list, func(s *stmt, k *tally) {
			s.int(int64(k.workspace)).int(k.subject).int(k.what).int(k.at).int(int64(k.node)).int(counts[*k].n).int(counts[*k].last)
		})
	})
	if err != nil {
		return fmt.Errorf("add tallies: %w", err)
	}
	return nil
}

// minuteOf and hourOf are the spans that a moment lies in, as tallies number them.
func minuteOf(at time.Time) int64 { return at.Unix() / 60 }
func hourOf(at time.Time) int64   { return at.Unix() / 3600 * 60 }

// minuteTime is when a span begins.
func minuteTime(at int64) time.Time { return time.Unix(at*60, 0).UTC() }

// saveTallies counts the signals of a decision.
func (t *tx) saveTallies(d *signalbox.Decision) error {
	counts := tallies{}
	for i := range d.Signals {
		at := d.Signals[i].CreatedAt
		counts.count(tally{workspace: d.Signals[i].Workspace, what: tallySignals, at: minuteOf(at)}, 1, at)
	}
	return t.add(counts)
}

// tallySettled counts the outcomes that were saved. A test call says nothing about deliveries, but that the way to a receiver was found.
func (t *tx) tallySettled(list []signalbox.Settlement, settled []bool) error {
	counts := tallies{}
	for i := range list {
		s := &list[i]
		switch {
		case !settled[i] || s.Attempt == nil:
		case !s.Test:
			counts.settled(s)
		case s.Attempt.Delivered():
			counts.count(tally{workspace: s.Workspace, what: tallyTested, at: minuteOf(doneAt(s)), node: s.Lease.Node}, 1, doneAt(s))
		}
	}
	return t.add(counts)
}

// settled counts one attempt. A delivery that was asked for by hand and fails again has failed for good before.
func (c tallies) settled(s *signalbox.Settlement) {
	a, end := s.Attempt, doneAt(s)
	hour := tally{workspace: s.Workspace, subject: int64(s.Webhook), at: hourOf(end), node: s.Lease.Node}
	whole := tally{workspace: s.Workspace, at: minuteOf(end), node: s.Lease.Node}
	switch {
	case a.Delivered():
		hour.what, whole.what = tallyDelivered, tallyDelivered
		c.count(hour, 1, end)
		c.count(whole, 1, end)
	default:
		hour.what = tallyMissed
		c.count(hour, 1, end)
		if s.State == signalbox.Failed && !a.Manual {
			whole.what = tallyFailed
			c.count(whole, 1, end)
		}
	}
	if a.StatusCode != 0 {
		hour.what = tookFrom + tookBucket(a.Duration)
		c.count(hour, 1, end)
	}
}

// read counts what a pull webhook's reader has read.
func (c tallies) read(ws signalbox.WorkspaceID, wh signalbox.WebhookID, n int64, now time.Time) {
	c.count(tally{workspace: ws, subject: int64(wh), what: tallyDelivered, at: hourOf(now)}, n, now)
	c.count(tally{workspace: ws, what: tallyDelivered, at: minuteOf(now)}, n, now)
}

// The buckets of durations: the first ends at a millisecond, and there are three to each doubling, so that what is said of a bucket is true to an eighth.
const (
	perDoubling = 3
	maxBucket   = 20 * perDoubling // 17 minutes: longer than any attempt may take
)

// tookBucket is the bucket of a duration.
func tookBucket(d time.Duration) int64 {
	ms := float64(d) / float64(time.Millisecond)
	if ms <= 1 {
		return 0
	}
	return min(int64(math.Ceil(math.Log2(ms)*perDoubling)), maxBucket)
}

// took is a duration in the middle of a bucket.
func took(bucket int64) time.Duration {
	return time.Duration(math.Exp2((float64(bucket)-0.5)/perDoubling) * float64(time.Millisecond)).Round(10 * time.Microsecond)
}

// dropTalliesSQL takes old counts of a subject. The first of the kinds that somebody asks for as the first ever stay.
const dropTalliesSQL = `
DELETE FROM tallies
 WHERE (workspace_id, subject, what, at, node) IN (SELECT workspace_id, subject, what, at, node
                                                     FROM tallies
                                                    WHERE workspace_id = $1 AND subject = $2 AND at < $3 AND at <> $4 AND at <> $5 AND at <> $6
                                                    LIMIT $7)
   AND workspace_id = $1`

const nextTalliedSQL = `
SELECT subject
  FROM tallies
 WHERE workspace_id = $1 AND subject >= $2
 ORDER BY subject
 LIMIT 1`

// dropTallies is the step of retention that forgets counts, subject by subject: the cursor is the next one. They are no rows that anybody put in, so
// that the job does not count them.
func (t *tx) dropTallies(j *jobRow, _ *signalbox.Workspace, now time.Time, left *int) (bool, error) {
	end := minuteOf(now.AddDate(0, 0, -signalbox.TallyDays))
	for *left > 0 {
		subject := int64(-1)
		if _, err := t.one(nextTalliedSQL, []any{id(j.Workspace), j.Cursor}, func(r *row) { subject = r.int(0) }); err != nil {
			return false, fmt.Errorf("look for tallies: %w", err)
		}
		if subject < 0 {
			return true, nil
		}
		var first [3]int64
		if subject == 0 {
			for i, what := range []int64{tallySignals, tallyDelivered, tallyTested} {
				var err error
				if first[i], err = t.count(firstTallySQL, id(j.Workspace), what); err != nil {
					return false, fmt.Errorf("find the first tally: %w", err)
				}
			}
		}
		asked := *left
		n, err := t.exec(dropTalliesSQL, id(j.Workspace), subject, end, first[0], first[1], first[2], asked)
		if err != nil {
			return false, fmt.Errorf("drop tallies: %w", err)
		}
		*left -= int(n) + 1
		j.Cursor = subject
		if int(n) < asked {
			j.Cursor++
		}
	}
	return false, nil
}

const countTalliesSQL = `
SELECT count(*)
  FROM tallies
 WHERE workspace_id = $1`

// Tallies says how many counts are kept of a workspace.
func (db *DB) Tallies(ctx context.Context, ws signalbox.WorkspaceID) (n int, err error) {
	err = db.read(ctx, func(t *tx) error {
		found, err := t.count(countTalliesSQL, id(ws))
		n = int(found)
		return err
	})
	return n, err
}
