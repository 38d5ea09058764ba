package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"

	"signalbox"
)

// APIKey is a key of the workspace. The key itself is in the answer to CreateKey only.
type APIKey struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Scope      signalbox.Scope `json:"scope"`
	Hint       string          `json:"hint"` // its last four characters
	CreatedAt  time.Time       `json:"created_at"`
	ExpiresAt  time.Time       `json:"expires_at"`   // zero: never
	LastUsedAt time.Time       `json:"last_used_at"` // zero: never used
	RevokedAt  time.Time       `json:"revoked_at"`   // zero: live
	Key        Secret          `json:"key"`
}

// KeyInput describes a key to make.
type KeyInput struct {
	Name      string          `json:"name"`
	Scope     signalbox.Scope `json:"scope"`
	ExpiresAt time.Time       `json:"expires_at,omitzero"` // zero: never
}

// CreateKey makes a key of at most the scope of the key that asks.
func (c *Client) CreateKey(ctx context.Context, in KeyInput) (APIKey, error) {
	return one[APIKey](ctx, c, call{method: http.MethodPost, path: "/v1/api-keys", body: in})
}

// Keys walks the keys, newest first.
func (c *Client) Keys(ctx context.Context) iter.Seq2[APIKey, error] {
	return list[APIKey](ctx, c, "/v1/api-keys", nil)
}

// Key returns one key.
func (c *Client) Key(ctx context.Context, keyID string) (APIKey, error) {
	return one[APIKey](ctx, c, call{method: http.MethodGet, path: "/v1/api-keys/" + id(keyID)})
}

// RenameKey changes the name of a key.
func (c *Client) RenameKey(ctx context.Context, keyID, name string) (APIKey, error) {
	body := struct {
		Name string `json:"name"`
	}{name}
	return one[APIKey](ctx, c, call{method: http.MethodPatch, path: "/v1/api-keys/" + id(keyID), body: body})
}

// RevokeKey ends a key at once.
func (c *Client) RevokeKey(ctx context.Context, keyID string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/v1/api-keys/" + id(keyID)}, nil)
}

// Workspace is the tenant that the key belongs to, with its settings.
type Workspace struct {
	ID               string            `json:"id"`
	Name             string            `json:"name"`
	Timezone         string            `json:"timezone"`
	RequireIdentity  bool              `json:"require_identity"`
	Limits           json.RawMessage   `json:"limits"`
	Retention        json.RawMessage   `json:"retention"`
	MailboxProviders json.RawMessage   `json:"mailbox_providers"`
	Aliases          map[string]string `json:"aliases"`
	CreatedAt        time.Time         `json:"created_at"`
	UpdatedAt        time.Time         `json:"updated_at"`
}

// Workspace returns the workspace of the key.
func (c *Client) Workspace(ctx context.Context) (Workspace, error) {
	return one[Workspace](ctx, c, call{method: http.MethodGet, path: "/v1/workspace"})
}

// UpdateWorkspace changes settings: the fields of patch are those of the answer, as the API reference names them.
func (c *Client) UpdateWorkspace(ctx context.Context, patch map[string]any) (Workspace, error) {
	return one[Workspace](ctx, c, call{method: http.MethodPatch, path: "/v1/workspace", body: patch})
}

// EventType is a kind of event that webhooks can subscribe to.
type EventType struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
	Sample      json.RawMessage `json:"sample"`
}

// EventTypes returns the kinds of events.
func (c *Client) EventTypes(ctx context.Context) ([]EventType, error) {
	return one[[]EventType](ctx, c, call{method: http.MethodGet, path: "/v1/event-types"})
}

// Job is long work that goes on in the background.
type Job struct {
	ID        string              `json:"id"`
	Kind      string              `json:"kind"`
	Status    signalbox.JobStatus `json:"status"`
	Matching  int64               `json:"matching"` // rows it will touch, as far as known
	Done      int64               `json:"done"`     // rows it has touched
	Error     string              `json:"error"`
	CreatedAt time.Time           `json:"created_at"`
	UpdatedAt time.Time           `json:"updated_at"`
	EndedAt   time.Time           `json:"ended_at"` // zero while it goes on
}

// Jobs walks the jobs, newest first.
func (c *Client) Jobs(ctx context.Context) iter.Seq2[Job, error] {
	return list[Job](ctx, c, "/v1/jobs", nil)
}

// Job returns one job.
func (c *Client) Job(ctx context.Context, jobID string) (Job, error) {
	return one[Job](ctx, c, call{method: http.MethodGet, path: "/v1/jobs/" + id(jobID)})
}

// CancelJob stops a job after the slice that it is in.
func (c *Client) CancelJob(ctx context.Context, jobID string) (Job, error) {
	return one[Job](ctx, c, call{method: http.MethodPost, path: "/v1/jobs/" + id(jobID) + "/cancel"})
}
