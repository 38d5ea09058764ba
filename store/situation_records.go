package store

import (
	"signalbox"
)

// A record and its state are read in one statement, by key or by id: looking up is a third of what deciding costs.
const (
	accountWithState = `
SELECT a.id, a.workspace_id, a.domain, a.name, a.status, a.attributes, a.revision, a.created_at, a.updated_at, a.erased_at,
       a.merged_into, a.merged, s.entity_id, s.last_signal_id, s.last_signal_at, s.signals, coalesce(s.account_rank, s.contact_rank),
       s.standing, s.following, s.lead_rank, coalesce(s.account_score, s.contact_score), coalesce(s.account_stage, s.contact_stage), s.score_due`

	contactWithState = `
SELECT c.id, c.workspace_id, c.account_id, c.email, c.first_name, c.last_name, c.title, c.linkedin_url, c.attributes, c.by_hand,
       c.revision, c.created_at, c.updated_at, c.erased_at, c.merged_into, c.merged,
       s.entity_id, s.last_signal_id, s.last_signal_at, s.signals, coalesce(s.account_rank, s.contact_rank), s.standing,
       s.following, s.lead_rank, coalesce(s.account_score, s.contact_score), coalesce(s.account_stage, s.contact_stage), s.score_due`

	accountFields = 12 // columns before the state's
	contactFields = 16
)

const accountByKeySQL = accountWithState + `
  FROM record_keys AS k
  JOIN accounts AS a ON a.id = k.entity_id
  LEFT JOIN entity_states AS s ON s.entity_id = a.id
 WHERE k.workspace_id = $1
   AND k.kind = $2
   AND k.value = $3`

const contactByKeySQL = contactWithState + `
  FROM record_keys AS k
  JOIN contacts AS c ON c.id = k.entity_id
  LEFT JOIN entity_states AS s ON s.entity_id = c.id
 WHERE k.workspace_id = $1
   AND k.kind = $2
   AND k.value = $3`

// Records that other records lead to are read by id alone: one turn may hold several workspaces, the id is unique over all of them, and
// what leads to it was read under its workspace. Deciding compares the row's workspace with its input's.
const accountByIDSQL = accountWithState + `
  FROM accounts AS a
  LEFT JOIN entity_states AS s ON s.entity_id = a.id
 WHERE a.id = $1`

const contactByIDSQL = contactWithState + `
  FROM contacts AS c
  LEFT JOIN entity_states AS s ON s.entity_id = c.id
 WHERE c.id = $1` // by id alone: see accountByIDSQL

// keys loads the records that the turn's keys lead to.
func (l *loader) keys(n *signalbox.Need) error {
	for _, key := range n.Keys {
		if l.recall(key) {
			continue
		}
		sql := contactByKeySQL
		if key.Kind == signalbox.KeyDomain {
			sql = accountByKeySQL
		}
		st, err := l.t.stmt(sql)
		if err != nil {
			return err
		}
		st.id(int64(key.Workspace)).int(int64(key.Kind)).text(key.Value)
		_, err = st.first(func(r *row) { l.found(key, r) })
		if err != nil {
			return err
		}
	}
	return l.theirAccounts()
}

// found takes the record that a key leads to, from a row of its statement.
func (l *loader) found(key signalbox.RecordKey, r *row) {
	if key.Kind == signalbox.KeyDomain {
		l.s.Keys[key] = signalbox.EntityID(l.putAccount(r))
	} else {
		l.s.Keys[key] = signalbox.EntityID(l.putContact(r).ID)
	}
	if known := l.m.known[key.Workspace]; known != nil {
		known.keys[key] = l.s.Keys[key]
	}
}

// recall takes the record that a key leads to from memory, which the head has confirmed; false: it must be looked up.
func (l *loader) recall(key signalbox.RecordKey) bool {
	known := l.m.known[key.Workspace]
	if !known.knows(key) {
		return false
	}
	e := known.keys[key]
	l.s.Keys[key] = e
	if key.Kind == signalbox.KeyDomain {
		l.recallAccount(known, signalbox.AccountID(e))
	} else {
		l.recallContact(known, signalbox.ContactID(e))
	}
	return true
}

// recallAccount says whether an account is in the situation, from memory if it must.
func (l *loader) recallAccount(known *records, acc signalbox.AccountID) bool {
	if l.s.Accounts[acc] != nil {
		return true
	}
	if known == nil {
		return false
	}
	a, ok := known.accounts[acc]
	if ok {
		l.s.Accounts[acc] = &a
		l.recallState(known, signalbox.EntityID(acc))
	}
	return ok
}

func (l *loader) recallContact(known *records, con signalbox.ContactID) {
	if l.s.Contacts[con] == nil {
		c := known.contacts[con]
		l.s.Contacts[con] = &c
		l.recallState(known, signalbox.EntityID(con))
	}
}

func (l *loader) recallState(known *records, e signalbox.EntityID) {
	if s, ok := known.states[e]; ok {
		l.s.States[e] = &s
	}
}

// theirAccounts loads the accounts of the contacts that were found.
func (l *loader) theirAccounts() error {
	for _, c := range l.s.Contacts {
		if l.recallAccount(l.m.known[c.Workspace], c.Account) {
			continue
		}
		if err := l.account(c.Account); err != nil {
			return err
		}
	}
	return nil
}

// records loads the records that the turn names by id.
func (l *loader) records(n *signalbox.Need) error {
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

// account loads an account and its state once.
func (l *loader) account(acc signalbox.AccountID) error {
	if acc == 0 || l.s.Accounts[acc] != nil {
		return nil
	}
	st, err := l.t.stmt(accountByIDSQL)
	if err != nil {
		return err
	}
	_, err = st.id(int64(acc)).first(func(r *row) { l.putAccount(r) })
	return err
}

// contact loads a contact and its state once, and its account.
func (l *loader) contact(con signalbox.ContactID) error {
	if con == 0 || l.s.Contacts[con] != nil {
		return nil
	}
	st, err := l.t.stmt(contactByIDSQL)
	if err != nil {
		return err
	}
	var c *signalbox.Contact
	if _, err := st.id(int64(con)).first(func(r *row) { c = l.putContact(r) }); err != nil || c == nil {
		return err
	}
	return l.account(c.Account)
}

// putAccount takes a row of accountWithState into the situation; a record that is there already stays the one that it is.
func (l *loader) putAccount(r *row) signalbox.AccountID {
	acc := signalbox.AccountID(r.int(0))
	if l.s.Accounts[acc] == nil {
		a := scanAccount(r)
		l.s.Accounts[acc] = &a
		state := l.putState(r, accountFields, a.Workspace)
		if known := l.m.known[a.Workspace]; known != nil && a.ErasedAt.IsZero() {
			known.accounts[acc] = a
			known.remember(state)
		}
	}
	return acc
}

// putContact takes a row of contactWithState into the situation.
func (l *loader) putContact(r *row) *signalbox.Contact {
	con := signalbox.ContactID(r.int(0))
	if c := l.s.Contacts[con]; c != nil {
		return c
	}
	c := scanContact(r)
	l.s.Contacts[con] = &c
	state := l.putState(r, contactFields, c.Workspace)
	if known := l.m.known[c.Workspace]; known != nil && c.ErasedAt.IsZero() {
		known.contacts[con] = c
		known.remember(state)
	}
	return &c
}

// putState takes the state that follows a record's columns, if it has one.
func (l *loader) putState(r *row, at int, ws signalbox.WorkspaceID) *signalbox.EntityState {
	if r.null(at) {
		return nil
	}
	e := signalbox.EntityID(r.int(at))
	s := &signalbox.EntityState{
		Entity: e, Workspace: ws, LastSignal: signalbox.SignalID(r.int(at + 1)), LastSignalAt: r.time(at + 2), Signals: r.int(at + 3), Ranked: r.time(at + 4),
		Standing: r.bytes(at + 5), Following: r.bytes(at + 6), Lead: !r.null(at + 7),
		Score: scanRank(r, at+8, at+10), Stage: r.text(at + 9),
	}
	l.s.States[e] = s
	return s
}

// scanRank reads where a record stands in lists by score.
func scanRank(r *row, key, due int) signalbox.ScoreRank {
	return signalbox.ScoreRank{On: !r.null(key), Key: r.int(key), Due: r.time(due)}
}
