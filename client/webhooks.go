package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"time"
)

// Webhook is a registered receiver.
type Webhook struct {
	ID              string    `json:"id"`
	Kind            string    `json:"kind"` // push, or pull: read by its feed
	URL             string    `json:"url"`
	Events          []string  `json:"events"`
	Label           string    `json:"label"`
	Description     string    `json:"description"`
	Format          string    `json:"format"`
	SignatureFormat string    `json:"signature_format"`
	MaxInFlight     int       `json:"max_in_flight"`
	RatePerSecond   int       `json:"rate_per_second"` // 0: as many as it takes
	RetrySchedule   []int     `json:"retry_schedule"`  // seconds to wait after each failed attempt
	RetryPreset     string    `json:"retry_preset"`    // stairoids, standard, or "" for another schedule
	Enabled         bool      `json:"enabled"`
	DisabledReason  string    `json:"disabled_reason"`
	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"`

	// Secret signs the bodies. It is there in the answer to CreateWebhook only.
	Secret Secret `json:"secret"`
}

// WebhookInput describes a webhook to make; empty fields take the server's defaults.
type WebhookInput struct {
	Kind            string            `json:"kind,omitzero"` // push unless set
	URL             string            `json:"url,omitzero"`
	Events          []string          `json:"events"` // names, "prefix.*" or "*"
	Label           string            `json:"label,omitzero"`
	Description     string            `json:"description,omitzero"`
	Format          string            `json:"format,omitzero"`
	SignatureFormat string            `json:"signature_format,omitzero"`
	Headers         map[string]string `json:"headers,omitempty"` // sent with every delivery, never shown again
	MaxInFlight     int               `json:"max_in_flight,omitzero"`
	RatePerSecond   int               `json:"rate_per_second,omitzero"`
	RetrySchedule   []int             `json:"retry_schedule,omitzero"` // seconds; empty, not nil: one attempt and no more
	RetryPreset     string            `json:"retry_preset,omitzero"`   // stairoids or standard, in place of a schedule
	Enabled         *bool             `json:"enabled,omitzero"`
	Secret          Secret            `json:"secret,omitzero"`    // the server makes one when it is empty
	Temporary       bool              `json:"temporary,omitzero"` // pull only: goes with its last reader
}

// WebhookPatch changes a webhook; nil leaves a field alone.
type WebhookPatch struct {
	URL             *string           `json:"url,omitzero"`
	Events          []string          `json:"events,omitempty"`
	Label           *string           `json:"label,omitzero"`
	Description     *string           `json:"description,omitzero"`
	SignatureFormat *string           `json:"signature_format,omitzero"`
	Headers         map[string]string `json:"headers,omitzero"` // replaces all of them
	MaxInFlight     *int              `json:"max_in_flight,omitzero"`
	RatePerSecond   *int              `json:"rate_per_second,omitzero"` // 0: as many as it takes
	RetrySchedule   []int             `json:"retry_schedule,omitzero"`  // seconds; empty, not nil: one attempt and no more
	RetryPreset     string            `json:"retry_preset,omitzero"`
	Enabled         *bool             `json:"enabled,omitzero"`
}

// CreateWebhook registers a receiver and returns it with its secret, which is shown this once.
func (c *Client) CreateWebhook(ctx context.Context, in WebhookInput) (Webhook, error) {
	return c.webhook(ctx, http.MethodPost, "/v1/webhooks", in)
}

// Webhooks walks the webhooks, newest first.
func (c *Client) Webhooks(ctx context.Context) iter.Seq2[Webhook, error] {
	return walk(ctx, c, "/v1/webhooks", nil, func(answer []byte) ([]Webhook, string, error) {
		var page struct {
			Webhooks   []Webhook `json:"webhooks"`
			NextCursor string    `json:"next_cursor"`
		}
		err := json.Unmarshal(answer, &page)
		return page.Webhooks, page.NextCursor, err
	})
}

// Webhook returns one webhook.
func (c *Client) Webhook(ctx context.Context, webhookID string) (Webhook, error) {
	return c.webhook(ctx, http.MethodGet, "/v1/webhooks/"+id(webhookID), nil)
}

// UpdateWebhook changes a webhook.
func (c *Client) UpdateWebhook(ctx context.Context, webhookID string, patch WebhookPatch) (Webhook, error) {
	return c.webhook(ctx, http.MethodPatch, "/v1/webhooks/"+id(webhookID), patch)
}

// EnableWebhook lets a webhook receive again.
func (c *Client) EnableWebhook(ctx context.Context, webhookID string) (Webhook, error) {
	return c.webhook(ctx, http.MethodPost, "/v1/webhooks/"+id(webhookID)+"/enable", nil)
}

// DisableWebhook stops a webhook; its events are kept as skipped.
func (c *Client) DisableWebhook(ctx context.Context, webhookID string) (Webhook, error) {
	return c.webhook(ctx, http.MethodPost, "/v1/webhooks/"+id(webhookID)+"/disable", nil)
}

// DeleteWebhook removes a webhook; what it still had to get is failed.
func (c *Client) DeleteWebhook(ctx context.Context, webhookID string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/v1/webhooks/" + id(webhookID)}, nil)
}

// webhook makes a call whose answer is a bare webhook (contract section 16).
func (c *Client) webhook(ctx context.Context, method, path string, body any) (Webhook, error) {
	var w Webhook
	err := c.do(ctx, call{method: method, path: path, body: body}, &w)
	return w, err
}

// TestResult is what a test call sent and what came back.
type TestResult struct {
	DeliveryID string        `json:"delivery_id"`
	Request    TestRequest   `json:"request"`
	Response   *TestResponse `json:"response"` // nil: there was no answer
	Error      string        `json:"error"`    // why it would have counted as a failure; "" when it would not
}

// TestRequest is what a test call sent; header names are in lower case, values of custom headers hidden.
type TestRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// TestResponse is what a test call got back.
type TestResponse struct {
	Status     int             `json:"status"`
	Headers    json.RawMessage `json:"headers"`
	Body       string          `json:"body"` // the first 16 KiB
	DurationMS float64         `json:"duration_ms"`
}

// TestWebhook sends a sample of an event through the real path, at once; "" is signal.created. data takes the
// place of the sample's own; nil keeps it.
func (c *Client) TestWebhook(ctx context.Context, webhookID, event string, data json.RawMessage) (TestResult, error) {
	body := struct {
		Event string          `json:"event,omitzero"`
		Data  json.RawMessage `json:"data,omitempty"`
	}{event, data}
	return one[TestResult](ctx, c, call{method: http.MethodPost, path: "/v1/webhooks/" + id(webhookID) + "/test", body: body})
}

// FeedEvent is an event in the feed of a pull webhook: the very bytes and headers that a push webhook would get.
type FeedEvent struct {
	EventID string
	Event   string // "signal.created"
	Headers map[string]string
	Body    []byte
}

// UnmarshalJSON reads an event; its body stands in the answer as text, so that its bytes are those that are signed.
func (e *FeedEvent) UnmarshalJSON(text []byte) error {
	var in struct {
		EventID string            `json:"event_id"`
		Event   string            `json:"event"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	e.EventID, e.Event, e.Headers, e.Body = in.EventID, in.Event, in.Headers, in.Body
	if len(in.Body) > 0 && in.Body[0] == '"' {
		var body string
		if err := json.Unmarshal(in.Body, &body); err != nil {
			return fmt.Errorf("body of %s: %w", in.EventID, err)
		}
		e.Body = []byte(body)
	}
	return nil
}

// FeedPage is a part of a feed, in the order of commits.
type FeedPage struct {
	Events     []FeedEvent
	NextCursor string // pass it to the next Feed; that also tells the server that these events were read
}

// Feed reads a pull webhook's events after cursor ("" for the first ones). Without any, the server holds the request up to wait for
// one to come (whole seconds, at most 30), and then answers an empty page.
func (c *Client) Feed(ctx context.Context, webhookID, cursor string, wait time.Duration) (FeedPage, error) {
	query := params{}.text("cursor", cursor)
	if seconds := int(wait / time.Second); seconds > 0 {
		query.text("wait", strconv.Itoa(seconds))
	}
	var page data[[]FeedEvent]
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/webhooks/" + id(webhookID) + "/events", query: query.query(), wait: wait}, &page)
	next := page.Meta.NextCursor
	if next == "" {
		next = cursor
	}
	return FeedPage{Events: page.Data, NextCursor: next}, err
}
