package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// Account is a company.
type Account struct {
	ID         string          `json:"id"`
	Domain     string          `json:"domain"`
	Name       string          `json:"name"`
	Status     string          `json:"status"`
	Attributes json.RawMessage `json:"attributes"`
	Score      float64         `json:"score"`
	Stage      string          `json:"stage"`
	Revision   int64           `json:"revision"` // grows with each change
	CreatedAt  time.Time       `json:"created_at"`
	UpdatedAt  time.Time       `json:"updated_at"`
}

// Contact is a person.
type Contact struct {
	ID            string          `json:"id"`
	AccountID     string          `json:"account_id"`     // "" for none
	AccountDomain string          `json:"account_domain"` // "" for none
	Email         string          `json:"email"`
	FirstName     string          `json:"first_name"`
	LastName      string          `json:"last_name"`
	Title         string          `json:"title"`
	LinkedInURL   string          `json:"linkedin_url"`
	Attributes    json.RawMessage `json:"attributes"`
	Score         float64         `json:"score"`
	Stage         string          `json:"stage"`
	Revision      int64           `json:"revision"` // grows with each change
	CreatedAt     time.Time       `json:"created_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
}

// RecordQuery narrows a list of accounts or contacts; empty fields do not.
type RecordQuery struct {
	Search   string // a prefix of a domain, an e-mail or a name
	Status   string // accounts only
	PageSize int    // rows asked for at a time, 1 to 200; 0: the server's default
}

// AccountPatch changes an account; nil leaves a field alone, "" removes it. Attributes are merged, a null in them removes one.
type AccountPatch struct {
	Name       *string        `json:"name,omitzero"`
	Status     *string        `json:"status,omitzero"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// ContactPatch changes a contact; nil leaves a field alone, "" removes it. Attributes are merged, a null in them removes one.
type ContactPatch struct {
	FirstName  *string        `json:"first_name,omitzero"`
	LastName   *string        `json:"last_name,omitzero"`
	Title      *string        `json:"title,omitzero"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// Accounts walks the accounts, newest first.
func (c *Client) Accounts(ctx context.Context, q RecordQuery) iter.Seq2[Account, error] {
	return list[Account](ctx, c, "/v1/accounts", params{}.text("q", q.Search).text("status", q.Status).number("limit", q.PageSize).query())
}

// Account returns one account.
func (c *Client) Account(ctx context.Context, accountID string) (Account, error) {
	return one[Account](ctx, c, call{method: http.MethodGet, path: "/v1/accounts/" + id(accountID)})
}

// UpdateAccount changes an account.
func (c *Client) UpdateAccount(ctx context.Context, accountID string, patch AccountPatch) (Account, error) {
	return one[Account](ctx, c, call{method: http.MethodPatch, path: "/v1/accounts/" + id(accountID), body: patch})
}

// EraseAccount erases an account and what is known of it; the job does it in the background.
func (c *Client) EraseAccount(ctx context.Context, accountID string) (Job, error) {
	return one[Job](ctx, c, call{method: http.MethodDelete, path: "/v1/accounts/" + id(accountID)})
}

// Contacts walks the contacts, newest first.
func (c *Client) Contacts(ctx context.Context, q RecordQuery) iter.Seq2[Contact, error] {
	return list[Contact](ctx, c, "/v1/contacts", params{}.text("q", q.Search).number("limit", q.PageSize).query())
}

// Contact returns one contact.
func (c *Client) Contact(ctx context.Context, contactID string) (Contact, error) {
	return one[Contact](ctx, c, call{method: http.MethodGet, path: "/v1/contacts/" + id(contactID)})
}

// UpdateContact changes a contact; fields set here are no longer replaced by signals.
func (c *Client) UpdateContact(ctx context.Context, contactID string, patch ContactPatch) (Contact, error) {
	return one[Contact](ctx, c, call{method: http.MethodPatch, path: "/v1/contacts/" + id(contactID), body: patch})
}

// EraseContact erases a contact and what is known of it; the job does it in the background.
func (c *Client) EraseContact(ctx context.Context, contactID string) (Job, error) {
	return one[Job](ctx, c, call{method: http.MethodDelete, path: "/v1/contacts/" + id(contactID)})
}
