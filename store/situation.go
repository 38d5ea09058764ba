package store

import (
	"encoding/binary"
	"fmt"

	"signalbox"
)

// load answers a Need: every look-up is by key, in the order of the Need, so that equal needs touch equal pages.
func (t *tx) load(n signalbox.Need) (*signalbox.Situation, error) {
	s := &signalbox.Situation{
		Heads:    make(map[signalbox.WorkspaceID]signalbox.Head, len(n.Workspaces)),
		Keys:     make(map[signalbox.RecordKey]signalbox.EntityID, len(n.Keys)),
		Accounts: make(map[signalbox.AccountID]*signalbox.Account, len(n.Keys)),
		Contacts: make(map[signalbox.ContactID]*signalbox.Contact, len(n.Keys)),
		States:   make(map[signalbox.EntityID]*signalbox.EntityState, 2*len(n.Keys)),
		Types:    make(map[signalbox.TypeKey]signalbox.TypeID, len(n.Types)),
		Answered: make(map[signalbox.AnswerKey]signalbox.Answered, len(n.Answered)),
		Meters:   make(map[signalbox.MeterKey]signalbox.Meter, len(n.Meters)),
	}
	l := loader{t, s}
	for _, step := range []func(*signalbox.Need) error{l.heads, l.types, l.answered, l.meters, l.keys, l.records} {
		if err := step(&n); err != nil {
			return nil, fmt.Errorf("load the situation: %w", err)
		}
	}
	return s, nil
}

type loader struct {
	t *tx
	s *signalbox.Situation
}

const headSQL = `
SELECT definitions_version, last_id, types
  FROM heads
 WHERE workspace_id = $1` // PostgreSQL: FOR NO KEY UPDATE; here the writer is the lock

func (l loader) heads(n *signalbox.Need) error {
	for _, ws := range n.Workspaces {
		_, err := l.t.one(headSQL, []any{ws}, func(r *row) {
			l.s.Heads[ws] = signalbox.Head{Definitions: r.int(0), LastID: r.int(1), Types: r.int(2)}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l loader) types(n *signalbox.Need) error {
	for _, key := range n.Types {
		st, err := l.t.c.stmt(typeIDSQL)
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
func (l loader) answerDays(ws signalbox.WorkspaceID) (days []int64, err error) {
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

func (l loader) answered(n *signalbox.Need) error {
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

func (l loader) answer(key signalbox.AnswerKey, days []int64) error {
	for _, day := range days {
		st, err := l.t.c.stmt(answerSQL)
		if err != nil {
			return err
		}
		found, err := st.id(int64(key.Workspace)).int(day).blob(key.Key[:]).first(func(r *row) {
			a := signalbox.Answered{
				Key:       key,
				Day:       day,
				Signal:    signalbox.SignalID(r.int(1)),
				Account:   signalbox.AccountID(r.int(2)),
				Contact:   signalbox.ContactID(r.int(3)),
				CreatedAt: r.time(4),
			}
			copy(a.Body[:], r.bytes(0))
			l.s.Answered[key] = a
		})
		if err != nil || found {
			return err
		}
	}
	return nil
}

const meterSQL = `
SELECT packed
  FROM meters
 WHERE workspace_id = $1
   AND key_id = $2`

func (l loader) meters(n *signalbox.Need) error {
	for _, key := range n.Meters {
		st, err := l.t.c.stmt(meterSQL)
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

func (l loader) keys(n *signalbox.Need) error {
	for _, key := range n.Keys {
		st, err := l.t.c.stmt(findRecordSQL)
		if err != nil {
			return err
		}
		var entity int64
		found, err := st.id(int64(key.Workspace)).int(int64(key.Kind)).text(key.Value).first(func(r *row) { entity = r.int(0) })
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		l.s.Keys[key] = signalbox.EntityID(entity)
		if key.Kind == signalbox.KeyDomain {
			err = l.account(signalbox.AccountID(entity))
		} else {
			err = l.contact(signalbox.ContactID(entity))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l loader) records(n *signalbox.Need) error {
	for _, acc := range n.Accounts {
		if err := l.account(acc); err != nil {
			return err
		}
	}
	for _, con := range n.Contacts {
		if err := l.contact(con); err != nil {
			return err
		}
	}
	return nil
}

// The records of a situation are read by id alone: one turn may hold several workspaces, the id is unique over all of them, and what leads
// to it was read under its workspace. Deciding compares the row's workspace with its input's.
const accountByIDSQL = `
SELECT ` + accountColumns + `
  FROM accounts
 WHERE id = $1`

// account loads an account and its state once.
func (l loader) account(acc signalbox.AccountID) error {
	if acc == 0 || l.s.Accounts[acc] != nil {
		return nil
	}
	st, err := l.t.c.stmt(accountByIDSQL)
	if err != nil {
		return err
	}
	found, err := st.id(int64(acc)).first(func(r *row) {
		a := scanAccount(r)
		l.s.Accounts[acc] = &a
	})
	if err != nil || !found {
		return err
	}
	return l.state(signalbox.EntityID(acc))
}

const contactByIDSQL = `
SELECT ` + contactColumns + `
  FROM contacts
 WHERE id = $1` // by id alone: see accountByIDSQL

// contact loads a contact and its state once, and its account.
func (l loader) contact(con signalbox.ContactID) error {
	if con == 0 || l.s.Contacts[con] != nil {
		return nil
	}
	st, err := l.t.c.stmt(contactByIDSQL)
	if err != nil {
		return err
	}
	var account signalbox.AccountID
	found, err := st.id(int64(con)).first(func(r *row) {
		c := scanContact(r)
		l.s.Contacts[con] = &c
		account = c.Account
	})
	if err != nil || !found {
		return err
	}
	if err := l.state(signalbox.EntityID(con)); err != nil {
		return err
	}
	return l.account(account)
}

const loadStateSQL = `
SELECT workspace_id, last_signal_id, last_signal_at, signals
  FROM entity_states
 WHERE entity_id = $1` // by id alone: see accountByIDSQL

func (l loader) state(e signalbox.EntityID) error {
	st, err := l.t.c.stmt(loadStateSQL)
	if err != nil {
		return err
	}
	_, err = st.id(int64(e)).first(func(r *row) {
		l.s.States[e] = &signalbox.EntityState{
			Entity:       e,
			Workspace:    signalbox.WorkspaceID(r.int(0)),
			LastSignal:   signalbox.SignalID(r.int(1)),
			LastSignalAt: r.time(2),
			Signals:      r.int(3),
		}
	})
	return err
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
