package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"signalbox"
)

const mergeColumns = `id, workspace_id, kind, status, from_id, into_id, reason, created_at, undone_at`

const mergeSQL = `
SELECT ` + mergeColumns + `
  FROM merges
 WHERE workspace_id = $1 AND id = $2`

const mergeFields = 9

func scanMerge(r *row) signalbox.Merge {
	return signalbox.Merge{
		ID: signalbox.MergeID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Kind: signalbox.RecordKind(r.int(2)),
		Status: signalbox.MergeStatus(r.text(3)), From: signalbox.EntityID(r.int(4)), Into: signalbox.EntityID(r.int(5)),
		Reason: signalbox.MergeReason(r.text(6)), CreatedAt: r.time(7), UndoneAt: r.time(8),
	}
}

const mergesSQL = `
SELECT ` + mergeColumns + `
  FROM merges
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

// Merges answers a page of the workspace's merges and proposals, newest first.
func (db *DB) Merges(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.MergeFilter, p signalbox.Page) ([]signalbox.Merge, int64, error) {
	return fill(ctx, db, p, listing[signalbox.Merge]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(mergesSQL, []any{id(ws), before, n}, each)
		},
		keep: func(r *row) bool {
			return (f.Status == "" || r.text(3) == string(f.Status)) && (f.Kind == 0 || r.int(2) == int64(f.Kind))
		},
		scan: func(r *row) (signalbox.Merge, error) { return scanMerge(r), nil },
	})
}

// Merge answers a merge or a proposal, or NoSuch("merge").
func (db *DB) Merge(ctx context.Context, ws signalbox.WorkspaceID, merge signalbox.MergeID) (m signalbox.Merge, err error) {
	err = db.read(ctx, func(t *tx) error {
		found, err := t.one(mergeSQL, []any{id(ws), id(merge)}, func(r *row) { m = scanMerge(r) })
		return foundOr(found, err, "merge")
	})
	return m, err
}

const insertMergeSQL = `
INSERT INTO merges (id, workspace_id, kind, status, from_id, into_id, reason, created_at, undone_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// proposeMergeSQL passes over a pair that was proposed before, whatever became of that.
const proposeMergeSQL = insertMergeSQL + `
ON CONFLICT (workspace_id, from_id, into_id) WHERE reason <> '' DO NOTHING`

const updateMergeSQL = `
UPDATE merges
   SET kind = $3,
       status = $4,
       from_id = $5,
       into_id = $6,
       reason = $7,
       created_at = $8,
       undone_at = $9
 WHERE id = $1
   AND workspace_id = $2`

func bindMerge(s *stmt, m *signalbox.Merge) {
	s.id(int64(m.ID)).id(int64(m.Workspace)).int(int64(m.Kind)).text(string(m.Status)).id(int64(m.From)).id(int64(m.Into))
	s.text(string(m.Reason)).time(m.CreatedAt).time(m.UndoneAt)
}

func (t *tx) saveMerges(d *signalbox.Decision) error {
	err := written(t, insertMergeSQL, updateMergeSQL, d.Merges,
		func(w *signalbox.Written[signalbox.Merge]) bool { return w.New },
		func(s *stmt, w *signalbox.Written[signalbox.Merge]) { bindMerge(s, w.Row) })
	if err != nil {
		return err
	}
	return each(t, proposeMergeSQL, d.Proposals, bindMerge)
}

// Two statements: each finds its rows by an index.
const (
	dropProposalsFromSQL = `
DELETE FROM merges
 WHERE workspace_id = $1 AND from_id = $2 AND reason <> '' AND status = 'proposed'`

	dropProposalsIntoSQL = `
DELETE FROM merges
 WHERE workspace_id = $1 AND into_id = $2 AND reason <> '' AND status = 'proposed'`
)

// merged binds what was merged into a record: nil is NULL.
func (s *stmt) merged(m *signalbox.Merged) *stmt {
	if m == nil {
		return s.null()
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // attributes stay the bytes that they are
	s.bound(enc.Encode(m))
	return s.json(bytes.TrimSpace(buf.Bytes()))
}

// merged reads it; what cannot be read is a broken database.
func (r *row) merged(i int) *signalbox.Merged {
	if r.null(i) {
		return nil
	}
	m := new(signalbox.Merged)
	if err := json.Unmarshal(r.bytes(i), m); err != nil {
		panic(fmt.Errorf("column merged: %w", err))
	}
	return m
}

// merges loads the merges that the turn names, and has their records loaded.
func (l *loader) merges(n *signalbox.Need) error {
	for _, merge := range n.Merges {
		for _, ws := range n.Workspaces {
			if _, err := l.t.one(mergeSQL, []any{ws, id(merge)}, func(r *row) { l.putMerge(r, n) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// findMerges is merges for PostgreSQL.
func (l *loader) findMerges(n *signalbox.Need) error {
	var asked []scoped[signalbox.MergeID]
	for _, ws := range n.Workspaces {
		for _, merge := range n.Merges {
			asked = append(asked, scoped[signalbox.MergeID]{ws, merge})
		}
	}
	return findBatch(l.t, mergeSQL, mergeFields, asked, bindScoped, func(r *row, _ *scoped[signalbox.MergeID]) error {
		l.putMerge(r, n)
		return nil
	})
}

func (l *loader) putMerge(r *row, n *signalbox.Need) {
	m := scanMerge(r)
	l.s.Merges[m.ID] = &m
	if m.Kind == signalbox.ContactRecord {
		n.Contacts = append(n.Contacts, signalbox.ContactID(m.From), signalbox.ContactID(m.Into))
		return
	}
	n.Accounts = append(n.Accounts, signalbox.AccountID(m.From), signalbox.AccountID(m.Into))
}

// missing lists the records that loaded ones lead to and that are not loaded: what stands for one, what was merged into it, whose it is. asked are those
// that were looked for before: one that is not there is not looked for again.
func (l *loader) missing(asked map[signalbox.EntityID]bool) (n signalbox.Need) {
	account := func(id signalbox.AccountID) {
		if e := signalbox.EntityID(id); id != 0 && l.s.Accounts[id] == nil && !asked[e] {
			asked[e] = true
			n.Accounts = append(n.Accounts, id)
		}
	}
	contact := func(id signalbox.ContactID) {
		if e := signalbox.EntityID(id); id != 0 && l.s.Contacts[id] == nil && !asked[e] {
			asked[e] = true
			n.Contacts = append(n.Contacts, id)
		}
	}
	for _, a := range l.s.Accounts {
		account(a.MergedInto)
		if a.Merged != nil {
			for _, part := range a.Merged.Records {
				account(signalbox.AccountID(part.ID))
			}
		}
	}
	for _, c := range l.s.Contacts {
		contact(c.MergedInto)
		if c.Merged != nil {
			for _, part := range c.Merged.Records {
				contact(signalbox.ContactID(part.ID))
			}
		}
		if c.MergedInto != 0 || c.Merged != nil {
			account(c.Account)
		}
	}
	slices.Sort(n.Accounts)
	slices.Sort(n.Contacts)
	return n
}

// groups loads all that is merged with what is loaded.
func (l *loader) groups(*signalbox.Need) error {
	asked := map[signalbox.EntityID]bool{}
	for {
		n := l.missing(asked)
		if len(n.Accounts)+len(n.Contacts) == 0 {
			return nil
		}
		if err := l.records(&n); err != nil {
			return err
		}
	}
}

// findGroups is groups for PostgreSQL: a few trips more, for turns that have to do with merged records.
func (l *loader) findGroups(n *signalbox.Need) error {
	asked := map[signalbox.EntityID]bool{}
	for {
		more := l.missing(asked)
		if len(more.Accounts)+len(more.Contacts) == 0 {
			return nil
		}
		more.Workspaces = n.Workspaces
		for _, step := range []func(*signalbox.Need) error{l.findRecords, l.flush, l.findAccounts, l.flush} {
			if err := step(&more); err != nil {
				return err
			}
		}
	}
}

// accountsOf reads accounts, or those that stand for them; one that is unknown or erased stays nil.
func (t *tx) accountsOf(rows map[scoped[signalbox.AccountID]]*signalbox.Account) error {
	return resolve(t, accountSQL, accountFields, rows, func(r *row) *signalbox.Account {
		a := scanAccount(r)
		return &a
	}, func(a *signalbox.Account) signalbox.AccountID { return a.MergedInto })
}

// peopleOf does for contacts what accountsOf does for accounts.
func (t *tx) peopleOf(rows map[scoped[signalbox.ContactID]]*signalbox.Contact) error {
	return resolve(t, contactSQL, contactFields, rows, func(r *row) *signalbox.Contact {
		c := scanContact(r)
		return &c
	}, func(c *signalbox.Contact) signalbox.ContactID { return c.MergedInto })
}

// resolve looks records up, and then those that stand for the ones that were merged.
func resolve[T any, K signalbox.ID](t *tx, sql string, fields int, rows map[scoped[K]]*T, scan func(*row) *T, into func(*T) K) error {
	err := lookUp(t, sql, fields, slices.Collect(maps.Keys(rows)), bindScoped, func(r *row, k *scoped[K]) { rows[*k] = scan(r) })
	if err != nil {
		return err
	}
	tops := map[scoped[K]]*T{}
	for k, r := range rows {
		if r != nil && into(r) != 0 {
			tops[scoped[K]{k.workspace, into(r)}] = nil
		}
	}
	if len(tops) == 0 {
		return nil
	}
	err = lookUp(t, sql, fields, slices.Collect(maps.Keys(tops)), bindScoped, func(r *row, k *scoped[K]) { tops[*k] = scan(r) })
	for k, r := range rows {
		if r != nil && into(r) != 0 {
			rows[k] = tops[scoped[K]{k.workspace, into(r)}]
		}
	}
	return err
}

const contactIDsOfAccountSQL = `
SELECT id
  FROM contacts
 WHERE workspace_id = $1 AND id < $2 AND account_id = $4
 ORDER BY id DESC
 LIMIT $3`

// contactIDs answers the next ids of contacts of several accounts, newest first.
func (t *tx) contactIDs(ws signalbox.WorkspaceID, accounts []signalbox.EntityID, before int64, n int) (ids []int64, err error) {
	for _, account := range accounts {
		more, err := t.ids(contactIDsOfAccountSQL, id(ws), before, n, id(account))
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Compare(b, a) })
	return ids[:min(n, len(ids))], nil
}

// contactsOf reads the contacts of several accounts, newest first, as contactsOfAccountSQL does those of one.
func (t *tx) contactsOf(ws signalbox.WorkspaceID, accounts []signalbox.EntityID, before int64, n int, each func(*row) error) error {
	if len(accounts) == 1 {
		return t.query(contactsOfAccountSQL, []any{id(ws), before, n, id(accounts[0])}, each)
	}
	ids, err := t.contactIDs(ws, accounts, before, n)
	if err != nil {
		return err
	}
	for _, con := range ids {
		stopped := false
		err := t.query(anyContactSQL, []any{id(ws), con}, func(r *row) error {
			err := each(r)
			stopped = err != nil
			return err
		})
		if err != nil || stopped {
			return err
		}
	}
	return nil
}

const anyContactSQL = `
SELECT ` + contactColumns + `
  FROM contacts
 WHERE workspace_id = $1 AND id = $2`

// countedContactsSQL counts no further than a slice.
const countedContactsSQL = `
SELECT count(*)
  FROM (SELECT 1
          FROM contacts
         WHERE workspace_id = $1 AND account_id = $2
         LIMIT 1000) AS few`

// MergeViews answers merges with what their records say; blend works out what several say together.
func (db *DB) MergeViews(ctx context.Context, ws signalbox.WorkspaceID, list []signalbox.Merge, blend func(...signalbox.Own) signalbox.Own) ([]signalbox.MergeView, error) {
	views := make([]signalbox.MergeView, len(list))
	err := db.read(ctx, func(t *tx) error {
		for i := range list {
			views[i] = signalbox.MergeView{Merge: list[i]}
			if err := t.view(ws, &views[i], blend); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read merges: %w", err)
	}
	return views, nil
}

// record reads a record as it is, merged or not; nil for one that is unknown or erased.
func (t *tx) record(ws signalbox.WorkspaceID, kind signalbox.RecordKind, entity signalbox.EntityID) (found signalbox.Record, err error) {
	sql, scan := accountSQL, func(r *row) { a := scanAccount(r); found = &a }
	if kind == signalbox.ContactRecord {
		sql, scan = contactSQL, func(r *row) { c := scanContact(r); found = &c }
	}
	_, err = t.one(sql, []any{id(ws), id(entity)}, scan)
	return found, err
}

// view reads what a merge is shown with.
func (t *tx) view(ws signalbox.WorkspaceID, v *signalbox.MergeView, blend func(...signalbox.Own) signalbox.Own) error {
	from, err := t.record(ws, v.Kind, v.From)
	if err != nil {
		return err
	}
	into, err := t.record(ws, v.Kind, v.Into)
	if err != nil {
		return err
	}
	if v.Gone = from == nil || into == nil; v.Gone {
		return nil
	}
	v.FromOwn, v.IntoOwn = signalbox.Says(from), signalbox.Says(into)
	v.Result = blend(shown(into), shown(from))
	if v.Status == signalbox.MergeDone {
		top := into
		if into.Into() != 0 {
			if top, err = t.record(ws, v.Kind, into.Into()); err != nil {
				return err
			}
		}
		v.Result = top.Shown()
	}
	return t.moves(ws, v, from)
}

// shown is what a record shows, or what it says by itself where another one stands for it: then its row is not kept up.
func shown(r signalbox.Record) signalbox.Own {
	if r.Into() != 0 {
		return signalbox.Says(r)
	}
	return r.Shown()
}

// moves counts what the survivor gets.
func (t *tx) moves(ws signalbox.WorkspaceID, v *signalbox.MergeView, from signalbox.Record) error {
	group, err := groupOf(from, v.From, nil)
	if err != nil {
		return err
	}
	for _, entity := range group {
		s, err := t.state(ws, entity)
		if err != nil && !isNoSuch(err) {
			return err
		}
		v.Signals += s.Signals
		keys, err := t.count(countedKeysSQL, id(ws), id(entity))
		if err != nil {
			return err
		}
		v.Keys += int(keys)
		if v.Kind == signalbox.AccountRecord && v.Contacts < signalbox.SliceRows {
			n, err := t.count(countedContactsSQL, id(ws), id(entity))
			if err != nil {
				return err
			}
			v.Contacts = min(v.Contacts+int(n), signalbox.SliceRows)
		}
	}
	return nil
}

const countedKeysSQL = `
SELECT count(*)
  FROM record_keys
 WHERE workspace_id = $1 AND entity_id = $2`
