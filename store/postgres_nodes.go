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
       lost = 0
 WHERE token = $1
RETURNING id, generation`

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
       lost = 0
 WHERE nodes.heartbeat_at < excluded.heartbeat_at - ` + numberUS + `
RETURNING id, generation`

// join makes this program the node that token names: its own number again, or a free one.
func (t *tx) join(token string, now time.Time) (l signalbox.Lease, err error) {
	scan := func(r *row) { l.Node, l.Generation = int(r.int(0)), r.int(1) }
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

const beatSQL = `
UPDATE nodes
   SET heartbeat_at = ` + serverNow + `
 WHERE id = $1
   AND generation = $2`

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

// beat keeps a lease alive, and ends those of nodes that are silent for longer than signalbox.LeaseFor: what they had leased is free, and its lanes are due at
// now. A node that comes back finds its generation gone, and joins anew.
func (p *postgres) beat(ctx context.Context, l signalbox.Lease, now time.Time) (ok bool, err error) {
	err = p.write(ctx, classSettle, func(t *tx) error {
		changed, err := t.exec(beatSQL, l.Node, l.Generation)
		ok = changed == 1
		return err
	})
	if err != nil || !ok {
		return ok, err
	}
	var ended int64
	err = p.write(ctx, classSettle, func(t *tx) (err error) {
		if ended, err = t.exec(endLeasesSQL); err != nil || ended == 0 {
			return err
		}
		return t.armLanes(now)
	})
	if err != nil {
		return ok, fmt.Errorf("end the leases of silent nodes: %w", err)
	}
	if ended > 0 {
		p.db.log.Warn("nodes fell silent: their leases have ended", "nodes", ended)
	}
	return ok, nil
}

const liveNodesSQL = `
SELECT count(*)
  FROM nodes
 WHERE lost = 0
   AND heartbeat_at >= ` + serverNow + ` - ` + leaseUS

// LiveNodes says how many nodes share the work now, this one among them; limits that are per node are divided by it.
func (db *DB) LiveNodes(ctx context.Context) (n int, err error) {
	if db.pg == nil {
		return 1, nil
	}
	err = db.read(ctx, func(t *tx) error {
		count, err := t.count(liveNodesSQL)
		n = max(int(count), 1)
		return err
	})
	return n, err
}
