package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

// embeddedNode is the number of the only node that an embedded database has.
const embeddedNode = 0

// A lease names a node and its generation. It holds while that generation is the node's newest, so that taking the next one frees every row
// of the ones before at once, however many they are: no row needs to be touched. Whoever claims, settles or takes what is due shows
// its lease, and a lease of an older generation gets nothing.

const joinNodeSQL = `
INSERT INTO nodes (id, token, generation, heartbeat_at)
VALUES ($1, $2, 1, $3)
ON CONFLICT (id) DO UPDATE
   SET token = excluded.token,
       generation = nodes.generation + 1,
       heartbeat_at = excluded.heartbeat_at
RETURNING generation`

// JoinNode makes this program a node of the database, with a generation above every one before: what older generations had leased is free,
// and every lane that has open deliveries is due at now. token says who it is: on the embedded database for people, there is only one;
// on PostgreSQL a program that comes with the same token gets its node number again, and another one a free number, or an error when all
// are taken.
func (db *DB) JoinNode(ctx context.Context, token string, now time.Time) (l signalbox.Lease, err error) {
	err = db.write(ctx, classBeat, func(t *tx) error {
		if t.pg != nil {
			l, err = t.join(token, now)
			return err
		}
		l.Node = embeddedNode
		if _, err := t.one(joinNodeSQL, []any{embeddedNode, token, now}, func(r *row) { l.Generation = r.int(0) }); err != nil {
			return err
		}
		return t.armLanes(now)
	})
	if err != nil {
		return signalbox.Lease{}, fmt.Errorf("join as a node: %w", err)
	}
	if db.pg != nil {
		db.pg.lease.Store(&l)
	}
	return l, nil
}

// nextLane finds the next webhook with open deliveries: one step in the index, however many it has. Over all workspaces: a node
// serves every one of them.
const nextLaneSQL = `
SELECT workspace_id, webhook_id
  FROM deliveries
 WHERE done_at IS NULL
   AND due_at IS NOT NULL
   AND (workspace_id, webhook_id) > ($1, $2)
 ORDER BY workspace_id, webhook_id
 LIMIT 1`

// armLanes makes every lane that has open deliveries due at now.
func (t *tx) armLanes(now time.Time) error {
	if t.pg != nil {
		_, err := t.exec(armLanesPostgresSQL, int64(signalbox.DueLane), now)
		return err
	}
	var ws, wh int64
	for {
		found, err := t.one(nextLaneSQL, []any{ws, wh}, func(r *row) { ws, wh = r.int(0), r.int(1) })
		if err != nil || !found {
			return err
		}
		lane := laneDue(signalbox.WorkspaceID(ws), signalbox.WebhookID(wh), now)
		if err := t.armDue(lane); err != nil {
			return err
		}
	}
}

const heartbeatSQL = `
UPDATE nodes
   SET heartbeat_at = $3
 WHERE id = $1
   AND generation = $2`

// Heartbeat keeps a lease alive. Beat.Holds false means that it has ended: drop what it covered and join anew.
func (db *DB) Heartbeat(ctx context.Context, h signalbox.Heartbeat) (b signalbox.Beat, err error) {
	if db.pg != nil {
		return db.pg.beat(ctx, h)
	}
	err = db.write(ctx, classBeat, func(t *tx) error {
		changed, err := t.exec(heartbeatSQL, h.Lease.Node, h.Lease.Generation, h.Now)
		b = alone(h)
		b.Holds = changed == 1
		return err
	})
	return b, err
}

// alone is what an embedded database says of its only node.
func alone(h signalbox.Heartbeat) signalbox.Beat {
	if h.Holds {
		return signalbox.Beat{Rank: -1}
	}
	return signalbox.Beat{Live: 1}
}

// LeaveNode ends a lease for good: what was leased under it is free, its lanes are due at now, and nobody counts on the node any more. A lease that
// has ended already is left alone. On the embedded database the next start does all that.
func (db *DB) LeaveNode(ctx context.Context, l signalbox.Lease, now time.Time) error {
	if db.pg == nil {
		return nil
	}
	return db.pg.leave(ctx, l, now)
}

const nodeGenerationSQL = `
SELECT generation
  FROM nodes
 WHERE id = $1`

// leaseHolds says whether a lease is of its node's newest generation. A lease of nobody never holds.
func (t *tx) leaseHolds(l signalbox.Lease) (bool, error) {
	var newest int64
	_, err := t.one(nodeGenerationSQL, []any{l.Node}, func(r *row) { newest = r.int(0) })
	return err == nil && l.Generation != 0 && l.Generation == newest, err
}

// holdsLease refuses a lease that has ended.
func (t *tx) holdsLease(l signalbox.Lease) error {
	holds, err := t.leaseHolds(l)
	if err == nil && !holds {
		return signalbox.Errorf(signalbox.Conflict, "the lease of node %d, generation %d, has ended", l.Node, l.Generation)
	}
	return err
}
