package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"signalbox"
)

// The clock of nodes is the server's, so that no node's own can make it look alive or dead. serverNow is it, in microseconds; these are
// the only statements that ask for the time.
const (
	serverNow = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
	leaseUS   = `15000000`  // signalbox.LeaseFor
	numberUS  = `600000000` // how long a node number stays its owner's after the last heartbeat
)

const rejoinSQL = `
UPDATE nodes
   SET generation = generation + 1,
       heartbeat_at = ` + serverNow + `,
       lost = 0,
       holds = 0
 WHERE token = $1
RETURNING id, generation, heartbeat_at`

// freeNumberSQL finds a number that nobody has, one that nobody ever had before one that was given up.
const freeNumberSQL = `
SELECT n
  FROM generate_series(0, 1023) AS n
  LEFT JOIN nodes ON nodes.id = n
 WHERE nodes.id IS NULL
    OR nodes.heartbeat_at < ` + serverNow + ` - ` + numberUS + `
 ORDER BY nodes.id IS NOT NULL, n
 LIMIT 1`

// takeNumberSQL answers nothing when somebody else was faster.
const takeNumberSQL = `
INSERT INTO nodes (id, token, generation, heartbeat_at)
VALUES ($1, $2, 1, ` + serverNow + `)
ON CONFLICT (id) DO UPDATE
   SET token = excluded.token,
       generation = nodes.generation + 1,
       heartbeat_at = excluded.heartbeat_at,
       lost = 0,
       holds = 0
 WHERE nodes.heartbeat_at < excluded.heartbeat_at - ` + numberUS + `
RETURNING id, generation, heartbeat_at`

// join makes this program the node that token names: its own number again, or a free one.
func (t *tx) join(token string, now time.Time) (l signalbox.Lease, err error) {
	scan := func(r *row) {
		l.Node, l.Generation = int(r.int(0)), r.int(1)
		if at := r.time(2); at.Before(now) {
			now = at // the clock of a node that has no lease yet may be anything
		}
	}
	found, err := t.one(rejoinSQL, []any{token}, scan)
	for err == nil && !found {
		free := -1
		if _, err := t.one(freeNumberSQL, nil, func(r *row) { free = int(r.int(0)) }); err != nil {
			return l, err
		}
		if free < 0 {
			return l, errors.New("all 1024 node numbers are taken: stop a node, and wait 10 minutes after its last heartbeat")
		}
		found, err = t.one(takeNumberSQL, []any{free, token}, scan)
	}
	if err != nil {
		return l, err
	}
	if l.Generation == 1 {
		// A new number: nothing was ever leased to it. The first of all may find what was copied here, with lanes that nobody has made due.
		if others, err := t.count(otherNodesSQL, l.Node); err != nil || others > 0 {
			return l, err
		}
	}
	return l, t.armLanes(now)
}

const otherNodesSQL = `
SELECT count(*)
  FROM nodes
 WHERE id <> $1`

// beatSQL confirms a lease and looks around: one statement, which is all that an idle node says every few seconds. A statement does not see what it
// changes itself, so that this node counts whatever its own row said before.
const beatSQL = `
  WITH beat AS (
UPDATE nodes
   SET heartbeat_at = ` + serverNow + `,
       holds = $3
 WHERE id = $1
   AND generation = $2
   AND lost = 0
RETURNING heartbeat_at),
       others AS (
SELECT id, heartbeat_at, holds
  FROM nodes
 WHERE id <> $1
   AND lost = 0)
SELECT coalesce((SELECT heartbeat_at FROM beat), 0),
       (SELECT count(*) FROM others WHERE holds = 0 AND heartbeat_at >= ` + serverNow + ` - ` + leaseUS + `),
       (SELECT count(*) FROM others WHERE holds = 0 AND heartbeat_at >= ` + serverNow + ` - ` + leaseUS + ` AND id < $1),
       coalesce((SELECT min(heartbeat_at) FROM others), 0)`

// armLanesPostgresSQL makes every lane that has open deliveries due: step by step through the index as on SQLite, but without a trip for each.
const armLanesPostgresSQL = `
  WITH RECURSIVE lanes AS (
(SELECT workspace_id, webhook_id
   FROM deliveries
  WHERE done_at IS NULL
    AND due_at IS NOT NULL
  ORDER BY workspace_id, webhook_id
  LIMIT 1)
  UNION ALL
SELECT d.workspace_id, d.webhook_id
  FROM lanes AS l
 CROSS JOIN LATERAL (
SELECT workspace_id, webhook_id
  FROM deliveries
 WHERE done_at IS NULL
   AND due_at IS NOT NULL
   AND (workspace_id, webhook_id) > (l.workspace_id, l.webhook_id)
 ORDER BY workspace_id, webhook_id
 LIMIT 1) AS d)
INSERT INTO due (kind, subject, workspace_id, at)
SELECT $1, webhook_id, workspace_id, $2
  FROM lanes
    ON CONFLICT (workspace_id, kind, subject) DO UPDATE
   SET at = excluded.at
 WHERE excluded.at < due.at`

// endLeasesSQL ends the leases of nodes that have fallen silent: their next generation is nobody's. Who is ending them already is let.
const endLeasesSQL = `
UPDATE nodes
   SET generation = generation + 1,
       lost = 1
 WHERE id IN (SELECT id
                FROM nodes
               WHERE lost = 0
                 AND heartbeat_at < ` + serverNow + ` - ` + leaseUS + `
                 FOR UPDATE SKIP LOCKED)`

// leaveSQL ends the lease of a node that stops.
const leaveSQL = `
UPDATE nodes
   SET generation = generation + 1,
       lost = 1
 WHERE id = $1
   AND generation = $2`

// beat keeps a lease alive, and ends those of nodes that are silent for longer than signalbox.LeaseFor: what they had leased is free, and its
// lanes are due now. A node that comes back finds its generation gone, and joins anew.
func (p *postgres) beat(ctx context.Context, h signalbox.Heartbeat) (b signalbox.Beat, err error) {
	var now, oldest int64
	err = p.single(ctx, func(t *tx) error {
		_, err := t.one(beatSQL, []any{h.Lease.Node, h.Lease.Generation, h.Holds}, func(r *row) {
			now, b.Live, b.Rank, oldest = r.int(0), int(r.int(1)), int(r.int(2)), r.int(3)
		})
		return err
	})
	if err != nil || now == 0 {
		return signalbox.Beat{}, err
	}
	b.Holds, b.Now = true, time.UnixMicro(now).UTC()
	if h.Holds {
		b.Rank = -1
	} else {
		b.Live++
	}
	if oldest == 0 {
		return b, nil
	}
	silent := time.Duration(now-oldest) * time.Microsecond
	if silent <= signalbox.LeaseFor {
		b.Watch = signalbox.LeaseFor - silent + time.Millisecond
		return b, nil
	}
	if b.Ended, err = p.endLeases(ctx, b.Now); err != nil {
		return b, fmt.Errorf("end the leases of silent nodes: %w", err)
	}
	return b, nil
}

func (p *postgres) endLeases(ctx context.Context, now time.Time) (int, error) {
	var ended int64
	err := p.write(ctx, classBeat, func(t *tx) (err error) {
		if ended, err = t.exec(endLeasesSQL); err != nil || ended == 0 {
			return err
		}
		return t.armLanes(now)
	})
	if ended > 0 {
		p.db.log.Warn("nodes fell silent: their leases have ended", "nodes", ended)
	}
	return int(ended), err
}

// leave ends a lease for good.
func (p *postgres) leave(ctx context.Context, l signalbox.Lease, now time.Time) error {
	return p.write(ctx, classBeat, func(t *tx) error {
		changed, err := t.exec(leaveSQL, l.Node, l.Generation)
		if err != nil || changed == 0 {
			return err
		}
		if err := t.armLanes(now); err != nil {
			return err
		}
		return t.tell(signalbox.News{Kind: signalbox.NewsDue})
	})
}

// fenceSQL answers a row while a generation is its node's newest. The number of a node that fell silent is given to another one only after
// much longer (numberUS) than a transaction can last, so that ids made under a lease that holds now are this node's alone.
const fenceSQL = `
SELECT 1
  FROM nodes
 WHERE id = $1
   AND generation = $2`

// fence asks, with what is sent next, whether this node's lease holds; fenced says it then.
func (l *loader) fence() error {
	mine := l.t.pg.owner.lease.Load()
	if l.holds = mine == nil; l.holds {
		return nil // no node: a test, or a command
	}
	s, err := l.t.stmt(fenceSQL)
	if err != nil {
		return err
	}
	s.int(int64(mine.Node)).int(mine.Generation)
	return s.pg.later(s.err, func(*row) error {
		l.holds = true
		return nil
	})
}

// fenced refuses what follows in this transaction when this node's lease has ended.
func (l *loader) fenced(*signalbox.Need) error {
	if l.holds {
		return nil
	}
	return &signalbox.Error{Code: signalbox.Unavailable, RetryAfter: time.Second, Msg: "this node has lost its lease and joins anew; send again"}
}
