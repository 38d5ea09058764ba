package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// Delivery is one event for one webhook.
type Delivery struct {
	ID            string    `json:"id"`
	EventID       string    `json:"event_id"`
	Event         string    `json:"event"`
	WebhookID     string    `json:"webhook_id"`
	Status        string    `json:"status"` // pending, delivered, retrying, failed or skipped
	Reason        string    `json:"reason"`
	AttemptCount  int       `json:"attempt_count"`
	NextAttemptAt time.Time `json:"next_attempt_at"` // zero: none
	Test          bool      `json:"test"`            // a test call: one attempt, never retried
	CreatedAt     time.Time `json:"created_at"`
	DoneAt        time.Time `json:"done_at"` // zero while open

	// The rest is there in the answer to Delivery only.
	URL      string    `json:"url"`
	Format   string    `json:"format"`
	Body     string    `json:"body"`
	Attempts []Attempt `json:"attempts"` // oldest first
}

// Attempt is one HTTP request of a delivery. Durations are in milliseconds.
type Attempt struct {
	ID              string          `json:"id"`
	At              time.Time       `json:"at"`
	DurationMS      float64         `json:"duration_ms"`
	DNSMS           float64         `json:"dns_ms"`
	ConnectMS       float64         `json:"connect_ms"`
	TLSMS           float64         `json:"tls_ms"`
	FirstByteMS     float64         `json:"first_byte_ms"`
	RemoteAddr      string          `json:"remote_addr"`
	StatusCode      int             `json:"status_code"` // 0: no answer
	Error           string          `json:"error"`
	ResponseHeaders json.RawMessage `json:"response_headers"`
	ResponseBody    string          `json:"response_body"` // the first 16 KiB
	Truncated       bool            `json:"response_truncated"`
	Manual          bool            `json:"manual"` // asked for by hand
}

// DeliveryQuery narrows a webhook's delivery log; empty fields do not.
type DeliveryQuery struct {
	Status   string
	Event    string
	From, To time.Time // of created_at, inclusive
	PageSize int       // rows asked for at a time, 1 to 200; 0: the server's default
}

// Deliveries walks a webhook's delivery log, newest first.
func (c *Client) Deliveries(ctx context.Context, webhookID string, q DeliveryQuery) iter.Seq2[Delivery, error] {
	query := params{}.text("status", q.Status).text("event", q.Event).time("from", q.From).time("to", q.To).number("limit", q.PageSize).query()
	return list[Delivery](ctx, c, "/v1/webhooks/"+id(webhookID)+"/deliveries", query)
}

// Delivery returns one delivery with its attempts.
func (c *Client) Delivery(ctx context.Context, deliveryID string) (Delivery, error) {
	return one[Delivery](ctx, c, call{method: http.MethodGet, path: "/v1/deliveries/" + id(deliveryID)})
}

// RetryDelivery asks for an attempt now; the schedule stays as it is if that fails.
func (c *Client) RetryDelivery(ctx context.Context, deliveryID string) (Delivery, error) {
	return one[Delivery](ctx, c, call{method: http.MethodPost, path: "/v1/deliveries/" + id(deliveryID) + "/retry"})
}

// Recovery says what of a webhook's events is to be sent again.
type Recovery struct {
	Since         time.Time `json:"since"`
	Until         time.Time `json:"until,omitzero"`           // zero: now
	Include       []string  `json:"include,omitzero"`         // failed, skipped, never_attempted, delivered; nil: all but the last
	Event         string    `json:"event,omitzero"`           // only this one
	RatePerSecond int       `json:"rate_per_second,omitzero"` // 0: the server's default
}

// RecoveryPreview is what a recovery would send.
type RecoveryPreview struct {
	Matching int  `json:"matching"`
	AtLeast  bool `json:"at_least"` // there may be more
	Counts   struct {
		Failed         int `json:"failed"`
		Skipped        int `json:"skipped"`
		NeverAttempted int `json:"never_attempted"`
		Delivered      int `json:"delivered"`
	} `json:"counts"`
}

// PreviewRecovery tells what RecoverWebhook would send; it sends nothing.
func (c *Client) PreviewRecovery(ctx context.Context, webhookID string, r Recovery) (p RecoveryPreview, err error) {
	err = c.do(ctx, call{method: http.MethodPost, path: "/v1/webhooks/" + id(webhookID) + "/recover/preview", body: r}, &p)
	return p, err
}

// RecoverWebhook begins a job that sends again what a webhook's receiver has missed.
func (c *Client) RecoverWebhook(ctx context.Context, webhookID string, r Recovery) (Job, error) {
	return one[Job](ctx, c, call{method: http.MethodPost, path: "/v1/webhooks/" + id(webhookID) + "/recover", body: r})
}
