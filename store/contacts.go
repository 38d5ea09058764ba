package store

import (
	"context"
	"strings"

	"signalbox"
)

const contactColumns = `id, workspace_id, account_id, email, first_name, last_name, title, linkedin_url, attributes, by_hand,
       revision, created_at, updated_at, erased_at`

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
func (db *DB) Contacts(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.RecordFilter, p signalbox.Page) ([]signalbox.Contact, int64, error) {
	query := strings.TrimSpace(f.Query)
	return fill(ctx, db, p, listing[signalbox.Contact]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			if f.Account != 0 {
				return t.query(contactsOfAccountSQL, []any{id(ws), before, n, id(f.Account)}, each)
			}
			return t.query(contactsSQL, []any{id(ws), before, n}, each)
		},
		keep: func(r *row) bool { return r.null(13) && (query == "" || contactMatches(r, query)) },
		scan: func(r *row) (signalbox.Contact, error) { return scanContact(r), nil },
	})
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

// contact loads a contact that is not erased, or NoSuch("contact").
func (t *tx) contact(ws signalbox.WorkspaceID, con signalbox.ContactID) (signalbox.Contact, error) {
	var c signalbox.Contact
	found, err := t.one(contactSQL, []any{id(ws), id(con)}, func(r *row) { c = scanContact(r) })
	return c, foundOr(found, err, "contact")
}

// scanContact reads a row of contactColumns.
func scanContact(r *row) signalbox.Contact {
	return signalbox.Contact{
		ID: signalbox.ContactID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Account: signalbox.AccountID(r.int(2)),
		Email: r.text(3), FirstName: r.text(4), LastName: r.text(5), Title: r.text(6), LinkedInURL: r.text(7), Attributes: r.bytes(8),
		ByHand: signalbox.ByHand(r.int(9)), Revision: r.int(10), CreatedAt: r.time(11), UpdatedAt: r.time(12), ErasedAt: r.time(13),
	}
}
