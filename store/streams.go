package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

const streamColumns = `id, workspace_id, linked_id, api, record_type, every_us, confirmations, emit_baseline, emit_signals, connector, fingerprint, sealed_secrets,
       sealed_key, paused, version, baselined, known, kept, run_id, quarantine_id, next_at, created_at, updated_at, names, last_run_id, lease_node, lease_generation`

// streamRow is a stream with what the store alone keeps of it.
type streamRow struct {
	signalbox.Stream
	names   int64               // how many field names it has
	lastRun signalbox.SyncRunID // the latest one: ids of runs grow, as rows say by them when they were last seen
	lease   signalbox.Lease
}

// scanStream reads a row of streamColumns.
func scanStream(r *row) streamRow {
	return streamRow{
		Stream: signalbox.Stream{
			ID: signalbox.StreamID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Linked: signalbox.LinkedAccountID(r.int(2)), API: r.text(3),
			RecordType: r.text(4), Interval: time.Duration(r.int(5)) * time.Microsecond, Confirmations: int(r.int(6)), EmitCreatedOnBaseline: r.bool(7),
			EmitSignals: r.bool(8), Connector: r.bytes(9), Fingerprint: uint64(r.int(10)), Secrets: r.bytes(11), Key: r.bytes(12), Paused: r.bool(13),
			Version: r.int(14), Baselined: uint64(r.int(15)), Known: r.int(16), Kept: r.int(17), Run: signalbox.SyncRunID(r.int(18)),
			Quarantine: signalbox.SyncRunID(r.int(19)), NextAt: r.time(20), CreatedAt: r.time(21), UpdatedAt: r.time(22),
		},
		names: r.int(23), lastRun: signalbox.SyncRunID(r.int(24)), lease: signalbox.Lease{Node: int(r.int(25)), Generation: r.int(26)},
	}
}

const (
	streamSQL = `
SELECT ` + streamColumns + `
  FROM streams
 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL`

	streamsSQL = `
SELECT ` + streamColumns + `
  FROM streams
 WHERE workspace_id = $1 AND linked_id = $2 AND deleted_at IS NULL
 ORDER BY id
 LIMIT $3`

	streamIDsSQL = `
SELECT id
  FROM streams
 WHERE workspace_id = $1 AND linked_id = $2 AND deleted_at IS NULL
 ORDER BY id
 LIMIT $3`
)

// Streams answers the streams of a linked account, oldest first: there are MaxStreams at most. NoSuch("linked_account") when there is none.
func (db *DB) Streams(ctx context.Context, ws signalbox.WorkspaceID, lac signalbox.LinkedAccountID) (list []signalbox.Stream, err error) {
	err = db.read(ctx, func(t *tx) error {
		if _, err := t.linked(ws, lac); err != nil {
			return err
		}
		list = []signalbox.Stream{}
		return t.query(streamsSQL, []any{id(ws), id(lac), signalbox.MaxStreams}, func(r *row) error {
			list = append(list, scanStream(r).Stream)
			return nil
		})
	})
	return list, err
}

// Stream answers a stream, or NoSuch("stream").
func (db *DB) Stream(ctx context.Context, ws signalbox.WorkspaceID, str signalbox.StreamID) (signalbox.Stream, error) {
	var s streamRow
	err := db.read(ctx, func(t *tx) (err error) {
		s, err = t.stream(ws, str)
		return err
	})
	return s.Stream, err
}

func (t *tx) stream(ws signalbox.WorkspaceID, str signalbox.StreamID) (s streamRow, err error) {
	found, err := t.one(streamSQL, []any{id(ws), id(str)}, func(r *row) { s = scanStream(r) })
	return s, foundOr(found, err, "stream")
}

const insertStreamSQL = `
INSERT INTO streams (id, workspace_id, linked_id, api, record_type, every_us, confirmations, emit_baseline, emit_signals, connector, fingerprint,
                     sealed_secrets, sealed_key, paused, version, baselined, known, kept, names, next_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, 0, 0, 0, 0, $15, $15, $15)`

// CreateStream adds a stream to a linked account: it is fetched for the first time at its CreatedAt, unless it is paused. NoSuch("linked_account") when there is
// none, Conflict when that has MaxStreams already.
func (db *DB) CreateStream(ctx context.Context, s signalbox.Stream) (signalbox.Stream, error) {
	if s.Fingerprint == 0 || s.Key == nil {
		return s, fmt.Errorf("stream %d has no fingerprint or no key", s.ID)
	}
	if err := s.Check(); err != nil {
		return s, err
	}
	err := db.write(ctx, classManage, func(t *tx) error {
		if err := t.lockHead(s.Workspace); err != nil {
			return err
		}
		linked, err := t.linked(s.Workspace, s.Linked)
		if err != nil {
			return err
		}
		ids, err := t.ids(streamIDsSQL, id(s.Workspace), id(s.Linked), signalbox.MaxStreams)
		if err != nil {
			return err
		}
		if len(ids) == signalbox.MaxStreams {
			return signalbox.Errorf(signalbox.Conflict, "a linked account has at most %d streams: delete one first", signalbox.MaxStreams)
		}
		_, err = t.exec(insertStreamSQL, id(s.ID), id(s.Workspace), id(s.Linked), s.API, s.RecordType, s.Interval.Microseconds(), s.Confirmations,
			s.EmitCreatedOnBaseline, s.EmitSignals, textBytes(s.Connector), int64(s.Fingerprint), s.Secrets, s.Key, s.Paused, s.CreatedAt)
		if err != nil {
			return fmt.Errorf("insert stream: %w", err)
		}
		s.Version, s.NextAt, s.UpdatedAt = 1, s.CreatedAt, s.CreatedAt
		if err := t.armStream(&s, s.NextAt, &linked); err != nil {
			return err
		}
		if err := t.audit(ctx, s.Workspace, "stream.created", aboutStream(&s), nil, s.Facts()); err != nil {
			return err
		}
		return t.raiseHead(s.Workspace, int64(s.ID))
	})
	return s, err
}

// armStream makes a stream due, unless nothing of it is fetched.
func (t *tx) armStream(s *signalbox.Stream, at time.Time, linked *signalbox.LinkedAccount) error {
	if s.Paused || linked.Status != signalbox.LinkedActive {
		return nil
	}
	return t.armDue(streamDue(s.Workspace, s.ID, at))
}

func streamDue(ws signalbox.WorkspaceID, str signalbox.StreamID, at time.Time) signalbox.Due {
	return signalbox.Due{Kind: signalbox.DueStream, Workspace: ws, Subject: int64(str), At: at}
}

func aboutStream(s *signalbox.Stream) signalbox.Subject {
	return signalbox.Subject{Type: "stream", ID: int64(s.ID), Name: s.API + "_" + s.RecordType}
}

const updateStreamSQL = `
UPDATE streams
   SET every_us = $3, confirmations = $4, emit_baseline = $5, emit_signals = $6, connector = $7, fingerprint = $8, sealed_secrets = $9, paused = $10,
       version = $11, next_at = $12, updated_at = $13
 WHERE workspace_id = $1 AND id = $2`

// UpdateStream reads a stream, has change edit what somebody can set of it, and saves it as its next version: a run that goes on stops at its next slice and
// goes on under the new one, or ends when other records are asked for. An error of change is returned as it is and nothing is saved. Which records it is of, its
// key and what runs have made of it do not change. A shorter interval counts from now; what is asked for anew is fetched at once.
func (db *DB) UpdateStream(ctx context.Context, ws signalbox.WorkspaceID, str signalbox.StreamID, now time.Time, change func(*signalbox.Stream) error) (signalbox.Stream, error) {
	var out signalbox.Stream
	err := db.write(ctx, classManage, func(t *tx) error {
		if err := t.lockHead(ws); err != nil {
			return err
		}
		row, err := t.stream(ws, str)
		if err != nil {
			return err
		}
		linked, err := t.linked(ws, row.Linked)
		if err != nil {
			return err
		}
		old := row.Stream
		edited := old
		if err := change(&edited); err != nil {
			return err
		}
		s := old
		s.Interval, s.Confirmations, s.EmitCreatedOnBaseline, s.EmitSignals = edited.Interval, edited.Confirmations, edited.EmitCreatedOnBaseline, edited.EmitSignals
		s.Connector, s.Secrets, s.Fingerprint, s.Paused = edited.Connector, edited.Secrets, edited.Fingerprint, edited.Paused
		if err := s.Check(); err != nil {
			return err
		}
		if s.Fingerprint == 0 {
			return fmt.Errorf("stream %d has no fingerprint", str)
		}
		s.Version, s.UpdatedAt = old.Version+1, now
		if next := now.Add(s.Period()); s.Interval != old.Interval && next.Before(s.NextAt) {
			s.NextAt = next
		}
		if s.Fingerprint != old.Fingerprint && now.Before(s.NextAt) {
			s.NextAt = now
		}
		_, err = t.exec(updateStreamSQL, id(ws), id(str), s.Interval.Microseconds(), s.Confirmations, s.EmitCreatedOnBaseline, s.EmitSignals,
			textBytes(s.Connector), int64(s.Fingerprint), s.Secrets, s.Paused, s.Version, s.NextAt, now)
		if err != nil {
			return fmt.Errorf("update stream: %w", err)
		}
		at := s.NextAt
		if s.Run != 0 { // it waits where it is, or goes on
			at = now
		}
		if err := t.armStream(&s, at, &linked); err != nil {
			return err
		}
		out = s
		return t.audit(ctx, ws, "stream.updated", aboutStream(&s), old.Facts(), s.Facts())
	})
	return out, err
}

const endStreamSQL = `
UPDATE streams
   SET deleted_at = $3,
       lease_node = NULL,
       lease_generation = NULL
 WHERE workspace_id = $1 AND id = $2`

// DeleteStream takes a stream out of sight at once; a run that goes on ends without a word. job forgets what was kept of its records, and its runs: its id and times
// are the caller's.
func (db *DB) DeleteStream(ctx context.Context, ws signalbox.WorkspaceID, str signalbox.StreamID, now time.Time, job signalbox.Job) error {
	return db.write(ctx, classManage, func(t *tx) error {
		if err := t.lockHead(ws); err != nil {
			return err
		}
		s, err := t.stream(ws, str)
		if err != nil {
			return err
		}
		if _, err := t.exec(endStreamSQL, id(ws), id(str), now); err != nil {
			return fmt.Errorf("delete stream: %w", err)
		}
		if err := t.setDue(streamDue(ws, str, time.Time{})); err != nil {
			return err
		}
		job.Workspace, job.Kind, job.Subject, job.Status = ws, signalbox.JobDropStream, int64(str), signalbox.JobQueued
		if err := t.insertJob(&job); err != nil {
			return err
		}
		if err := t.audit(ctx, ws, "stream.deleted", aboutStream(&s.Stream), s.Facts(), nil); err != nil {
			return err
		}
		return t.raiseHead(ws, int64(job.ID))
	})
}
