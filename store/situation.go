package store

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"signalbox"
)

// load answers a Need: every look-up is by key, in the order of the Need, so that equal needs touch equal pages. What is remembered is not
// looked up.
func (t *tx) load(n signalbox.Need, m *remembering) (*signalbox.Situation, error) {
	s := &signalbox.Situation{
		Heads:    make(map[signalbox.WorkspaceID]signalbox.Head, len(n.Workspaces)),
		Keys:     make(map[signalbox.RecordKey]signalbox.EntityID, len(n.Keys)),
		Accounts: make(map[signalbox.AccountID]*signalbox.Account, len(n.Keys)),
		Contacts: make(map[signalbox.ContactID]*signalbox.Contact, len(n.Keys)),
		States:   make(map[signalbox.EntityID]*signalbox.EntityState, 2*len(n.Keys)),
		Types:    make(map[signalbox.TypeKey]signalbox.TypeID, len(n.Types)),
		Answered: make(map[signalbox.AnswerKey]signalbox.Answered, len(n.Answered)),
		Meters:   make(map[signalbox.MeterKey]signalbox.Meter, len(n.Meters)),
		Captures: make(map[signalbox.AnswerKey]signalbox.Capture, len(n.Captures)),
		Imports:  make(map[signalbox.ImportKey]signalbox.ImportID, len(n.Imports)),
		Merges:   make(map[signalbox.MergeID]*signalbox.Merge, len(n.Merges)),
		Linked:   make(map[signalbox.LinkedKey]*signalbox.LinkedState, len(n.Linked)),
		Syncs:    make(map[signalbox.StreamID]*signalbox.SyncState, len(n.Syncs)),
	}
	l := &loader{t: t, s: s, m: m}
	if t.pg != nil {
		if err := l.batched(&n); err != nil {
			return nil, fmt.Errorf("load the situation: %w", err)
		}
		return s, nil
	}
	for _, step := range []func(*signalbox.Need) error{l.heads, l.types, l.answered, l.meters, l.captured, l.imports, l.merges, l.keys, l.records, l.groups, l.linkedStates, l.syncs} {
		if err := step(&n); err != nil {
			return nil, fmt.Errorf("load the situation: %w", err)
		}
	}
	return s, nil
}

type loader struct {
	t     *tx
	s     *signalbox.Situation
	holds bool // PostgreSQL: this node's lease does, or it is none

	m *remembering
}

const headSQL = `
SELECT definitions_version, last_id, types, changes
  FROM heads
 WHERE workspace_id = $1` // PostgreSQL has headsSQL; here the writer is the lock

func (l *loader) heads(n *signalbox.Need) error {
	for _, ws := range n.Workspaces {
		_, err := l.t.one(headSQL, []any{ws}, func(r *row) {
			l.s.Heads[ws] = signalbox.Head{Definitions: r.int(0), LastID: r.int(1), Types: r.int(2)}
			l.known(ws, r.bytes(3))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// known takes in what a head tells of its last turns, before any record is read.
func (l *loader) known(ws signalbox.WorkspaceID, told []byte) {
	l.m.heads[ws] = bytes.Clone(told)
	l.m.confirm(ws, l.m.heads[ws])
}

func (l *loader) types(n *signalbox.Need) error {
	for _, key := range n.Types {
		st, err := l.t.stmt(typeIDSQL)
		if err != nil {
			return err
		}
		_, err = st.id(int64(key.Workspace)).text(key.Name).first(func(r *row) { l.s.Types[key] = signalbox.TypeID(r.int(0)) })
		if err != nil {
			return err
		}
	}
	return nil
}

const answerDaySQL = `
SELECT max(day)
  FROM answered
 WHERE workspace_id = $1
   AND day < $2`

// answerDays returns the newest days that a workspace has answers of: AnswerDays and one at either end, whatever the clock says.
func (l *loader) answerDays(ws signalbox.WorkspaceID) (days []int64, err error) {
	before, more := int64(1)<<62, true
	for more && err == nil && len(days) < signalbox.AnswerDays+2 {
		_, err = l.t.one(answerDaySQL, []any{ws, before}, func(r *row) {
			if more = !r.null(0); more {
				before = r.int(0)
				days = append(days, before)
			}
		})
	}
	return days, err
}

const answerSQL = `
SELECT body, signal_id, account_id, contact_id, created_at
  FROM answered
 WHERE workspace_id = $1
   AND day = $2
   AND key = $3`

func (l *loader) answered(n *signalbox.Need) error {
	daysOf := map[signalbox.WorkspaceID][]int64{}
	for _, key := range n.Answered {
		days, ok := daysOf[key.Workspace]
		if !ok {
			var err error
			if days, err = l.answerDays(key.Workspace); err != nil {
				return err
			}
			daysOf[key.Workspace] = days
		}
		if err := l.answer(key, days); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) answer(key signalbox.AnswerKey, days []int64) error {
	for _, day := range days {
		st, err := l.t.stmt(answerSQL)
		if err != nil {
			return err
		}
		found, err := st.id(int64(key.Workspace)).int(day).blob(key.Key[:]).first(func(r *row) {
			l.s.Answered[key] = scanAnswer(r, key, day)
		})
		if err != nil || found {
			return err
		}
	}
	return nil
}

// scanAnswer reads a row of answerSQL.
func scanAnswer(r *row, key signalbox.AnswerKey, day int64) signalbox.Answered {
	a := signalbox.Answered{
		Key:       key,
		Day:       day,
		Signal:    signalbox.SignalID(r.int(1)),
		Account:   signalbox.AccountID(r.int(2)),
		Contact:   signalbox.ContactID(r.int(3)),
		CreatedAt: r.time(4),
	}
	copy(a.Body[:], r.bytes(0))
	return a
}

const meterSQL = `
SELECT packed
  FROM meters
 WHERE workspace_id = $1
   AND key_id = $2`

func (l *loader) meters(n *signalbox.Need) error {
	for _, key := range n.Meters {
		st, err := l.t.stmt(meterSQL)
		if err != nil {
			return err
		}
		_, err = st.id(int64(key.Workspace)).int(int64(key.Key)).first(func(r *row) {
			if m, ok := unpackMeter(r.bytes(0)); ok {
				l.s.Meters[key] = m
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// meterLen is the length of a packed meter: second, day and today, then the buckets, big-endian.
const meterLen = 8 + 8 + 4 + 4*len(signalbox.Meter{}.Buckets)

func packMeter(dst []byte, m *signalbox.Meter) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Second))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Day))
	dst = binary.BigEndian.AppendUint32(dst, m.Today)
	for _, n := range m.Buckets {
		dst = binary.BigEndian.AppendUint32(dst, n)
	}
	return dst
}

// unpackMeter is false for bytes that another version packed: that meter begins anew.
func unpackMeter(b []byte) (m signalbox.Meter, ok bool) {
	if len(b) != meterLen {
		return m, false
	}
	m.Second = int64(binary.BigEndian.Uint64(b))
	m.Day = int64(binary.BigEndian.Uint64(b[8:]))
	m.Today = binary.BigEndian.Uint32(b[16:])
	for i := range m.Buckets {
		m.Buckets[i] = binary.BigEndian.Uint32(b[20+4*i:])
	}
	return m, true
}
