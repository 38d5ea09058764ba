package store

import (
	"context"
	"slices"

	"signalbox"
)

const contactColumns = `id, workspace_id, account_id, email, first_name, last_name, title, linkedin_url, attributes, by_hand,
       revision, created_at, updated_at, erased_at, merged_into, merged`

const contactsOfAccountSQL = `
SELECT ` + contactColumns + `
  FROM contacts
 WHERE workspace_id = $1 AND id < $2 AND account_id = $4
 ORDER BY id DESC
 LIMIT $3`

// Contacts answers a page of the workspace's contacts, in the order that the filter asks for; without one, the newest first. Those of an account are
// found by it, also when they are searched.
func (db *DB) Contacts(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.RecordFilter, p signalbox.Page) ([]signalbox.Contact, signalbox.Place, error) {
	if f.Account != 0 && f.Stage == "" && f.Audience == 0 && (f.Sort == "" || f.Sort == signalbox.ByCreated) {
		return db.contactsOfAccount(ctx, ws, f, p)
	}
	accounts, err := db.companies(ctx, ws, f.Account)
	if err != nil {
		return nil, signalbox.Place{}, err
	}
	var by []source
	if f.Account != 0 {
		by = append(by, ofAccounts(ws, accounts))
	}
	rows, next, err := db.sortedRecords(ctx, contactShelf, ws, f, p, func(r signalbox.Record) bool {
		return f.Account == 0 || slices.Contains(accounts, signalbox.EntityID(r.(*signalbox.Contact).Account))
	}, by...)
	list := make([]signalbox.Contact, len(rows))
	for i, r := range rows {
		list[i] = *r.(*signalbox.Contact)
	}
	return list, next, err
}

// companies lists an account with all that is merged with it; none for none.
func (db *DB) companies(ctx context.Context, ws signalbox.WorkspaceID, acc signalbox.AccountID) (list []signalbox.EntityID, err error) {
	if acc == 0 {
		return nil, nil
	}
	err = db.read(ctx, func(t *tx) error {
		list, err = t.accountGroup(ws, acc)
		return err
	})
	return list, err
}

func (db *DB) contactsOfAccount(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.RecordFilter, p signalbox.Page) ([]signalbox.Contact, signalbox.Place, error) {
	accounts, err := db.companies(ctx, ws, f.Account)
	if err != nil {
		return nil, signalbox.Place{}, err
	}
	words := wordsOf(f.Query)
	list, next, err := fill(ctx, db, p, listing[signalbox.Contact]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.contactsOf(ws, accounts, before, n, each)
		},
		keep: func(r *row) bool {
			return r.null(13) && r.null(14) && (len(words) == 0 || matches(&signalbox.Contact{Email: r.text(3), FirstName: r.text(4), LastName: r.text(5)}, words))
		},
		scan: func(r *row) (signalbox.Contact, error) { return scanContact(r), nil },
	})
	return list, signalbox.Place{Before: next}, err
}

// Contact answers a contact, or NoSuch("contact") when it is unknown or erased.
func (db *DB) Contact(ctx context.Context, ws signalbox.WorkspaceID, con signalbox.ContactID) (signalbox.Contact, error) {
	var c signalbox.Contact
	err := db.read(ctx, func(t *tx) (err error) {
		c, err = t.contact(ws, con)
		return err
	})
	return c, err
}

const contactSQL = `
SELECT ` + contactColumns + `
  FROM contacts
 WHERE workspace_id = $1 AND id = $2 AND erased_at IS NULL`

// contact loads a contact that is not erased, or the one that stands for them, or NoSuch("contact").
func (t *tx) contact(ws signalbox.WorkspaceID, con signalbox.ContactID) (c signalbox.Contact, err error) {
	for next := con; next != 0; next = c.MergedInto {
		found, err := t.one(contactSQL, []any{id(ws), id(next)}, func(r *row) { c = scanContact(r) })
		if err := foundOr(found, err, "contact"); err != nil {
			return c, err
		}
	}
	return c, foundOr(c.ID != 0, nil, "contact")
}

// scanContact reads a row of contactColumns.
func scanContact(r *row) signalbox.Contact {
	return signalbox.Contact{
		ID: signalbox.ContactID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Account: signalbox.AccountID(r.int(2)),
		Email: r.text(3), FirstName: r.text(4), LastName: r.text(5), Title: r.text(6), LinkedInURL: r.text(7), Attributes: r.bytes(8),
		ByHand: signalbox.ByHand(r.int(9)), Revision: r.int(10), CreatedAt: r.time(11), UpdatedAt: r.time(12), ErasedAt: r.time(13),
		MergedInto: signalbox.ContactID(r.int(14)), Merged: r.merged(15),
	}
}
