package store

import (
	"signalbox"
)

// syncs loads what slices are decided by.
func (l *loader) syncs(n *signalbox.Need) error {
	for _, key := range n.Syncs {
		if l.s.Busy[key.Workspace] {
			continue
		}
		if err := l.sync(key); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) sync(key signalbox.SyncKey) error {
	row, err := l.t.stream(key.Workspace, key.Stream)
	if isNoSuch(err) {
		return nil
	}
	if err != nil {
		return err
	}
	st := &signalbox.SyncState{Stream: row.Stream, Names: row.names, Leased: row.lease, Runs: map[signalbox.SyncRunID]signalbox.SyncRun{}}
	if st.Linked, err = l.t.linked(key.Workspace, row.Linked); err != nil {
		return err
	}
	if st.Holds, err = l.t.leaseHolds(key.Lease); err != nil {
		return err
	}
	for _, id := range []signalbox.SyncRunID{key.Run, key.Closes, row.Quarantine} {
		if _, have := st.Runs[id]; have || id == 0 {
			continue
		}
		run, err := l.t.syncRun(key.Workspace, id)
		if err != nil {
			return err
		}
		if run != nil {
			st.Runs[id] = *run
		}
	}
	l.s.Syncs[key.Stream] = st
	return nil
}

const (
	insertSyncRunSQL = `
INSERT INTO sync_runs (` + syncRunColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)`

	updateSyncRunSQL = `
UPDATE sync_runs
   SET linked_id = $3, stream_id = $4, status = $5, baseline = $6, silent = $7, fingerprint = $8, fetched = $9, created = $10, updated = $11, unchanged = $12,
       missing = $13, deleted = $14, waiting = $15, suppressed = $16, added = $17, duplicates = $18, page = $19, checkpoint = $20, progress = $21, step = $22,
       error = $23, started_at = $24, ended_at = $25, decision = $26, closed = $27, closed_at = $28
 WHERE id = $1
   AND workspace_id = $2`

	insertNameSQL = `
INSERT INTO stream_names (workspace_id, stream_id, number, name)
VALUES ($1, $2, $3, $4)`

	putSnapshotSQL = `
INSERT INTO snapshots (workspace_id, stream_id, record, print, seen, walk, outcome, missed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (workspace_id, stream_id, record) DO UPDATE
   SET print = excluded.print, seen = excluded.seen, walk = excluded.walk, outcome = excluded.outcome, missed = excluded.missed`

	seeSnapshotSQL = `
UPDATE snapshots
   SET print = coalesce($4, print),
       seen = $5,
       walk = $6,
       outcome = $7,
       missed = $8
 WHERE workspace_id = $1
   AND stream_id = $2
   AND record = $3`

	dropSnapshotSQL = `
DELETE FROM snapshots
 WHERE workspace_id = $1
   AND stream_id = $2
   AND record = $3`

	syncedStreamSQL = `
UPDATE streams
   SET baselined = $3,
       known = $4,
       kept = $5,
       names = $6,
       run_id = $7,
       quarantine_id = $8,
       next_at = $9,
       lease_node = CASE WHEN $10 = 1 THEN NULL ELSE lease_node END,
       lease_generation = CASE WHEN $10 = 1 THEN NULL ELSE lease_generation END
 WHERE workspace_id = $1
   AND id = $2`
)

// saveSynced saves slices.
func (t *tx) saveSynced(d *signalbox.Decision) error {
	for i := range d.Synced {
		if err := t.saveSlice(&d.Synced[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) saveSlice(s *signalbox.Synced) error {
	ws, str := s.Run.Workspace, s.Run.Stream
	err := written(t, putSnapshotSQL, seeSnapshotSQL, s.Rows, func(r *signalbox.Snapshot) bool { return r.Print != nil }, func(st *stmt, r *signalbox.Snapshot) {
		bindSnapshotKey(st, &snapshotKey{ws, str, r.Record})
		st.blob(r.Print).int(int64(r.Seen)).int(int64(r.Walk)).int(int64(r.Outcome)).int(int64(r.Missed))
	})
	if err != nil {
		return err
	}
	err = each(t, dropSnapshotSQL, s.Drop, func(st *stmt, record *string) { bindSnapshotKey(st, &snapshotKey{ws, str, *record}) })
	if err != nil {
		return err
	}
	number := s.Names
	err = each(t, insertNameSQL, s.SyncSlice.Names, func(st *stmt, name *string) {
		number++
		st.id(int64(ws)).id(int64(str)).int(number).text(*name)
	})
	if err != nil {
		return err
	}
	runs := []signalbox.SyncRun{s.Run}
	if s.Closed != nil {
		runs = append(runs, *s.Closed)
	}
	err = written(t, insertSyncRunSQL, updateSyncRunSQL, runs, func(*signalbox.SyncRun) bool { return false }, bindSyncRun)
	if err != nil {
		return err
	}
	_, err = t.exec(syncedStreamSQL, ws, str, int64(s.Stream.Baselined), s.Stream.Known, s.Stream.Kept, number, s.Stream.Run, s.Stream.Quarantine, s.Stream.NextAt,
		s.Release)
	return err
}
