package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"time"
)

// SignalInput is a signal to send. Type and Source are required; a signal without a domain and an e-mail is kept unattributed.
type SignalInput struct {
	Type       string         `json:"type"`
	Source     string         `json:"source"`
	Account    AccountInput   `json:"account,omitzero"`
	Contact    ContactInput   `json:"contact,omitzero"`
	Properties map[string]any `json:"properties,omitempty"`
	OccurredAt time.Time      `json:"occurred_at,omitzero"` // zero: now
	Backfill   bool           `json:"backfill,omitzero"`    // scores, never triggers

	// IdempotencyKey makes sending twice the same as sending once, for seven days (at most 255 bytes). SendSignal makes one when
	// it is empty, so that its own retries never count twice.
	IdempotencyKey string `json:"idempotency_key,omitzero"`
}

// AccountInput is what a signal says of a company.
type AccountInput struct {
	Domain     string         `json:"domain,omitzero"`
	Name       string         `json:"name,omitzero"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// IsZero keeps an account that says nothing out of the body.
func (a AccountInput) IsZero() bool { return a.Domain == "" && a.Name == "" && len(a.Attributes) == 0 }

// ContactInput is what a signal says of a person.
type ContactInput struct {
	Email       string         `json:"email,omitzero"`
	FirstName   string         `json:"first_name,omitzero"`
	LastName    string         `json:"last_name,omitzero"`
	Title       string         `json:"title,omitzero"`
	LinkedInURL string         `json:"linkedin_url,omitzero"`
	Attributes  map[string]any `json:"attributes,omitempty"`
}

// IsZero keeps a contact that says nothing out of the body.
func (c ContactInput) IsZero() bool {
	return c.Email == "" && c.FirstName == "" && c.LastName == "" && c.Title == "" && c.LinkedInURL == "" && len(c.Attributes) == 0
}

// Receipt is the answer to a signal (S0-23): it is durable, with everything that it causes.
type Receipt struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Source    string    `json:"source"`
	Status    string    `json:"status"`
	AccountID string    `json:"account_id"` // "" for none
	ContactID string    `json:"contact_id"` // "" for none
	CreatedAt time.Time `json:"created_at"`
	Replayed  bool      `json:"-"` // the stored answer of an earlier signal with the same idempotency key
	Ignored   string    `json:"-"` // fields that the server does not know, comma-separated
}

// SendSignal sends one signal. Its idempotency key makes tries after a lost answer safe.
func (c *Client) SendSignal(ctx context.Context, in SignalInput) (Receipt, error) {
	key := in.IdempotencyKey
	in.IdempotencyKey = ""
	body, err := json.Marshal(in)
	if err != nil {
		return Receipt{}, fmt.Errorf("encode the signal: %w", err)
	}
	return c.SendJSON(ctx, body, key)
}

// SendJSON sends one signal as the JSON that it already is. An empty key is made up.
func (c *Client) SendJSON(ctx context.Context, body json.RawMessage, key string) (Receipt, error) {
	var r Receipt
	header := http.Header{}
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/signals", body: body, key: orNew(key), header: header}, &r)
	r.Replayed = header.Get("Idempotent-Replayed") == "true"
	r.Ignored = header.Get("X-Signalbox-Ignored")
	return r, err
}

// What became of one item of a batch.
const (
	Created   = "created"
	Updated   = "updated"   // of a record
	Unchanged = "unchanged" // of a record that said all of it already
	Duplicate = "duplicate" // of a signal: its idempotency key was used before for the same one
	Rejected  = "rejected"  // Error says why; sending it again will not help
	NotSaved  = "failed"    // its transaction failed; send it again
)

// MaxBatch is the most signals that one batch takes.
const MaxBatch = 2500

// BatchResult is the verdict on one item of a batch.
type BatchResult struct {
	Index     int         `json:"index"`
	Status    string      `json:"status"`
	ID        string      `json:"id"` // of the signal or record; "" for none
	AccountID string      `json:"account_id"`
	ContactID string      `json:"contact_id"`
	Error     *BatchError `json:"error"` // nil unless rejected or failed
}

// BatchError says why one item of a batch was refused.
type BatchError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Param   string `json:"param"`
}

// SendBatch sends up to MaxBatch signals; one bad signal never sinks the others. Signals without an idempotency key get one from the
// batch, so that tries after a lost answer are safe.
func (c *Client) SendBatch(ctx context.Context, signals []SignalInput) ([]BatchResult, error) {
	items, err := encode(signals)
	if err != nil {
		return nil, err
	}
	return c.SendBatchJSON(ctx, items, "")
}

// SendBatchJSON sends signals that are JSON already. Item i without an idempotency_key of its own is keyed <key>/i; an empty key is
// made up.
func (c *Client) SendBatchJSON(ctx context.Context, items []json.RawMessage, key string) ([]BatchResult, error) {
	return c.batch(ctx, call{path: "/v1/signals/batch", key: orNew(key)}, "signals", items, false)
}

// TryBatchJSON says what SendBatchJSON would answer now, and stores nothing. An empty batch asks whether the server can do that: one
// that cannot would store the signals.
func (c *Client) TryBatchJSON(ctx context.Context, items []json.RawMessage, key string) ([]BatchResult, error) {
	return c.batch(ctx, call{path: "/v1/signals/batch", key: orNew(key)}, "signals", items, true)
}

// batch sends items under a name and returns the verdict on each.
func (c *Client) batch(ctx context.Context, q call, name string, items []json.RawMessage, dry bool) ([]BatchResult, error) {
	size := len(name) + 32
	for _, item := range items {
		size += len(item) + 1
	}
	body := make([]byte, 0, size)
	body = append(append(append(body, `{"`...), name...), `":[`...)
	for i, item := range items {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, item...)
	}
	body = append(body, ']')
	if dry {
		body = append(body, `,"dry_run":true`...)
	}
	q.method, q.body = http.MethodPost, json.RawMessage(append(body, '}'))
	answer, err := one[struct {
		Results []BatchResult `json:"results"`
		DryRun  bool          `json:"dry_run"`
	}](ctx, c, q)
	switch {
	case err != nil:
		return nil, err
	case len(answer.Results) != len(items):
		return nil, fmt.Errorf("POST %s: the server answered %d of %d items", q.path, len(answer.Results), len(items))
	case dry && !answer.DryRun:
		return nil, fmt.Errorf("POST %s: the server knows no dry run", q.path)
	}
	return answer.Results, nil
}

func orNew(key string) string {
	if key == "" {
		return rand.Text()
	}
	return key
}

// Signal is a stored signal with the records it is about, as they stand now.
type Signal struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Source     string          `json:"source"`
	Account    *AccountRef     `json:"account"` // nil: unattributed
	Contact    *ContactRef     `json:"contact"` // nil: none
	Score      float64         `json:"score"`
	Properties json.RawMessage `json:"properties"`
	Backfill   bool            `json:"backfill"` // it triggered nothing
	OccurredAt time.Time       `json:"occurred_at"`
	CreatedAt  time.Time       `json:"created_at"`
}

// AccountRef is the account of a signal.
type AccountRef struct {
	ID     string  `json:"id"`
	Domain string  `json:"domain"`
	Name   string  `json:"name"`
	Score  float64 `json:"score"`
}

// ContactRef is the contact of a signal.
type ContactRef struct {
	ID          string  `json:"id"`
	Email       string  `json:"email"`
	LinkedInURL string  `json:"linkedin_url"`
	Name        string  `json:"name"`
	Score       float64 `json:"score"`
}

// SignalQuery narrows a list of signals; empty fields do not.
type SignalQuery struct {
	AccountDomain string
	ContactEmail  string
	Type          string
	Source        string
	From, To      time.Time // of occurred_at, inclusive
	PageSize      int       // rows asked for at a time, 1 to 200; 0: the server's default
}

// Signals walks the stored signals, newest first.
func (c *Client) Signals(ctx context.Context, q SignalQuery) iter.Seq2[Signal, error] {
	query := params{}.text("account_domain", q.AccountDomain).text("contact_email", q.ContactEmail).text("type", q.Type).
		text("source", q.Source).time("from", q.From).time("to", q.To).number("limit", q.PageSize).query()
	return list[Signal](ctx, c, "/v1/signals", query)
}

// Signal returns one stored signal.
func (c *Client) Signal(ctx context.Context, signalID string) (Signal, error) {
	return one[Signal](ctx, c, call{method: http.MethodGet, path: "/v1/signals/" + id(signalID)})
}
