package store

import (
	"context"
	"fmt"

	"signalbox"
)

const snapshotColumns = `record, print, seen, walk, outcome, missed`

const (
	snapshotSQL = `
SELECT ` + snapshotColumns + `
  FROM snapshots
 WHERE workspace_id = $1
   AND stream_id = $2
   AND record = $3`

	snapshotsBehindSQL = `
SELECT ` + snapshotColumns + `
  FROM snapshots
 WHERE workspace_id = $1 AND stream_id = $2 AND record > $3
 ORDER BY record
 LIMIT $4`
)

// lookSlices is how many slices of rows one call of UnseenSnapshots looks at: nearly all rows of a run that misses little are seen.
const lookSlices = 16

func scanSnapshot(r *row) signalbox.Snapshot {
	return signalbox.Snapshot{
		Record: r.text(0), Print: r.bytes(1), Seen: signalbox.SyncRunID(r.int(2)), Walk: uint8(r.int(3)), Outcome: signalbox.SyncOutcome(r.int(4)),
		Missed: int8(r.int(5)),
	}
}

// snapshotKey names a row.
type snapshotKey struct {
	workspace signalbox.WorkspaceID
	stream    signalbox.StreamID
	record    string
}

func bindSnapshotKey(s *stmt, k *snapshotKey) {
	s.id(int64(k.workspace)).id(int64(k.stream)).text(k.record)
}

// Snapshots answers what is kept of records of a stream, at most SliceRows, in any order, without those of which nothing is.
func (db *DB) Snapshots(ctx context.Context, ws signalbox.WorkspaceID, str signalbox.StreamID, records []string) (list []signalbox.Snapshot, err error) {
	if len(records) > signalbox.SliceRows {
		return nil, fmt.Errorf("read snapshots: %d asked for at once, the most is %d", len(records), signalbox.SliceRows)
	}
	err = db.read(ctx, func(t *tx) error {
		if _, err := t.stream(ws, str); err != nil {
			return err
		}
		list = make([]signalbox.Snapshot, 0, len(records))
		return t.snapshots(ws, str, records, &list)
	})
	if err != nil {
		return nil, fmt.Errorf("read snapshots: %w", err)
	}
	return list, nil
}

func (t *tx) snapshots(ws signalbox.WorkspaceID, str signalbox.StreamID, records []string, list *[]signalbox.Snapshot) error {
	if t.pg != nil {
		keys := make([]snapshotKey, len(records))
		for i, record := range records {
			keys[i] = snapshotKey{ws, str, record}
		}
		err := findBatch(t, snapshotSQL, 6, keys, bindSnapshotKey, func(r *row, _ *snapshotKey) error {
			*list = append(*list, scanSnapshot(r))
			return nil
		})
		if err != nil {
			return err
		}
		return t.pg.flush()
	}
	for _, record := range records {
		s, err := t.stmt(snapshotSQL)
		if err != nil {
			return err
		}
		bindSnapshotKey(s, &snapshotKey{ws, str, record})
		if _, err := s.first(func(r *row) { *list = append(*list, scanSnapshot(r)) }); err != nil {
			return err
		}
	}
	return nil
}

// UnseenSnapshots answers the rows behind u.After that were last seen before a run, ascending by the bytes of their records, at most SliceRows. next is the record up to
// which it has looked, "" when none is behind. Each slice is read for itself: nobody but the caller writes rows of the stream meanwhile.
func (db *DB) UnseenSnapshots(ctx context.Context, u signalbox.Unseen) (rows []signalbox.Snapshot, next string, err error) {
	after := u.After
	for range lookSlices {
		seen, full := 0, false
		err := db.read(ctx, func(t *tx) error {
			if _, err := t.stream(u.Workspace, u.Stream); err != nil {
				return err
			}
			return t.query(snapshotsBehindSQL, []any{u.Workspace, u.Stream, after, signalbox.SliceRows}, func(r *row) error {
				seen++
				after = r.text(0)
				if r.int(2) < int64(u.Before) {
					rows = append(rows, scanSnapshot(r))
				}
				if full = len(rows) == signalbox.SliceRows; full {
					return errStop
				}
				return nil
			})
		})
		switch {
		case err != nil:
			return nil, "", fmt.Errorf("read unseen snapshots: %w", err)
		case full:
			return rows, after, nil
		case seen < signalbox.SliceRows:
			return rows, "", nil
		}
	}
	return rows, after, nil
}
