package store

import (
	"context"
	"strings"

	"signalbox"
)

const contactColumns = `id, workspace_id, account_id, email, first_name, last_name, title, linkedin_url, attributes, by_hand,
       revision, created_at, updated_at, erased_at, merged_into, merged`

const contactsSQL = `
SELECT ` + contactColumns + `
  FROM contacts
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

const contactsOfAccountSQL = `
SELECT ` + contactColumns + `
  FROM contacts
 WHERE workspace_id = $1 AND id < $2 AND account_id = $4
 ORDER BY id DESC
 LIMIT $3`

// Contacts answers a page of the workspace's contacts, or of an account's, newest first. Query is a prefix of the e-mail, the
// first, last or full name; it is a scan in slices for the reasons that Accounts gives.
func (db *DB) Contacts(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.RecordFilter, p signalbox.Page) ([]signalbox.Contact, signalbox.Place, error) {
	query := strings.TrimSpace(f.Query)
	var accounts []signalbox.EntityID // the account with all that is merged with it
	if f.Account != 0 {
		err := db.read(ctx, func(t *tx) (err error) {
			accounts, err = t.accountGroup(ws, f.Account)
			return err
		})
		if err != nil {
			return nil, signalbox.Place{}, err
		}
	}
	list, next, err := fill(ctx, db, p, listing[signalbox.Contact]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			if f.Account != 0 {
				return t.contactsOf(ws, accounts, before, n, each)
			}
			return t.query(contactsSQL, []any{id(ws), before, n}, each)
		},
		keep: func(r *row) bool { return r.null(13) && r.null(14) && (query == "" || contactMatches(r, query)) },
		scan: func(r *row) (signalbox.Contact, error) { return scanContact(r), nil },
	})
	return list, signalbox.Place{Before: next}, err
}

// contactMatches says whether a row of contactColumns is one that a prefix asks for.
func contactMatches(r *row, query string) bool {
	c := signalbox.Contact{FirstName: r.text(4), LastName: r.text(5)}
	return hasPrefix(r.text(3), query) || hasPrefix(c.FullName(), query) || hasPrefix(c.LastName, query)
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
