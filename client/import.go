package client

import (
	"context"
	"encoding/json"
	"fmt"
)

// MaxRows is the most rows that one import of accounts or contacts takes.
const MaxRows = 1000

// AccountRow is an account to make, or to change where its domain is known. Nil leaves a field alone, "" removes it.
type AccountRow struct {
	Domain     string         `json:"domain"`
	Name       *string        `json:"name,omitzero"`
	Status     *string        `json:"status,omitzero"`
	Attributes map[string]any `json:"attributes,omitempty"` // merged; a null removes one
}

// ContactRow is a contact to make, or to change where its e-mail or profile is known. Nil leaves a field alone, "" removes it.
type ContactRow struct {
	Email         string         `json:"email,omitzero"`
	LinkedInURL   string         `json:"linkedin_url,omitzero"`
	FirstName     *string        `json:"first_name,omitzero"`
	LastName      *string        `json:"last_name,omitzero"`
	Title         *string        `json:"title,omitzero"`
	AccountDomain string         `json:"account_domain,omitzero"`
	Attributes    map[string]any `json:"attributes,omitempty"` // merged; a null removes one
}

// ImportAccounts makes or changes up to MaxRows accounts; one bad row never sinks the others. Sending rows again is safe.
func (c *Client) ImportAccounts(ctx context.Context, rows []AccountRow) ([]BatchResult, error) {
	items, err := encode(rows)
	if err != nil {
		return nil, err
	}
	return c.ImportAccountsJSON(ctx, items, false)
}

// ImportContacts makes or changes up to MaxRows contacts, as ImportAccounts does.
func (c *Client) ImportContacts(ctx context.Context, rows []ContactRow) ([]BatchResult, error) {
	items, err := encode(rows)
	if err != nil {
		return nil, err
	}
	return c.ImportContactsJSON(ctx, items, false)
}

// ImportAccountsJSON imports rows that are JSON already. dry says what would come of them, and changes nothing.
func (c *Client) ImportAccountsJSON(ctx context.Context, items []json.RawMessage, dry bool) ([]BatchResult, error) {
	return c.batch(ctx, call{path: "/v1/accounts/batch", again: true}, "accounts", items, dry)
}

// ImportContactsJSON imports rows that are JSON already. dry says what would come of them, and changes nothing.
func (c *Client) ImportContactsJSON(ctx context.Context, items []json.RawMessage, dry bool) ([]BatchResult, error) {
	return c.batch(ctx, call{path: "/v1/contacts/batch", again: true}, "contacts", items, dry)
}

func encode[T any](rows []T) ([]json.RawMessage, error) {
	items := make([]json.RawMessage, len(rows))
	for i := range rows {
		item, err := json.Marshal(rows[i])
		if err != nil {
			return nil, fmt.Errorf("encode row %d: %w", i, err)
		}
		items[i] = item
	}
	return items, nil
}
