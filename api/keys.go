package api

import (
	"net/http"
	"time"

	"signalbox"
	"signalbox/auth"
)

// keyRoutes are the doors of API keys.
func (a *API) keyRoutes() []route {
	const tag = "API keys"
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/api-keys", id: "createKey", tag: tag, need: auth.NeedAdmin,
			summary: "Make an API key", detail: "The answer shows the `key`, once. A key makes keys of at most its own scope.", status: created,
			examples: []example{
				{name: "ingest", summary: "A key that can only send signals", body: `{"name":"website","scope":"ingest"}`},
				{name: "expiring", summary: "A key for a contractor", body: `{"name":"report 2031","scope":"read","expires_at":"2031-01-31T00:00:00Z"}`},
			},
			answers: takes(a.createKey),
		},
		{
			method: http.MethodGet, pattern: "/v1/api-keys", id: "listKeys", tag: tag, need: auth.NeedAdmin,
			summary: "List API keys", detail: "Newest first, revoked and expired ones too. Never the keys themselves.",
			status: http.StatusOK, query: paging(), answers: lists(a.listKeys),
		},
		{
			method: http.MethodGet, pattern: "/v1/api-keys/{id}", id: "getKey", tag: tag, need: auth.NeedAdmin,
			summary: "Read an API key's facts", status: http.StatusOK, answers: asks(a.getKey),
		},
		{
			method: http.MethodPatch, pattern: "/v1/api-keys/{id}", id: "updateKey", tag: tag, need: auth.NeedAdmin,
			summary: "Rename an API key", status: http.StatusOK,
			examples: []example{{name: "rename", summary: "Another name", body: `{"name":"website (2nd)"}`}},
			answers:  takes(a.updateKey),
		},
		{
			method: http.MethodDelete, pattern: "/v1/api-keys/{id}", id: "revokeKey", tag: tag, need: auth.NeedAdmin,
			summary: "Revoke an API key", detail: "It stops working at once, on every node within a second, and for good.",
			status: http.StatusNoContent, answers: asks(a.revokeKey),
		},
	}
}

// newKey is the body of POST /v1/api-keys.
type newKey struct {
	Name      string  `json:"name" required:"true" maxlen:"200" doc:"To tell keys apart."`
	Scope     string  `json:"scope" required:"true" enum:"ingest|read|write|read_write|admin"`
	ExpiresAt *string `json:"expires_at" format:"date-time" doc:"Absent: never."`
}

type keyPatch struct {
	Name *string `json:"name" maxlen:"200"`
}

func (a *API) createKey(c *call, in *newKey) (madeKey, error) {
	key := signalbox.APIKey{
		ID: signalbox.KeyID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), Name: in.Name, Scope: signalbox.Scope(in.Scope), CreatedAt: c.now,
	}
	if err := checkName(in.Name); err != nil {
		return madeKey{}, err
	}
	if err := c.checkScope(key.Scope); err != nil {
		return madeKey{}, err
	}
	expires, err := expiry(value(in.ExpiresAt), c.now)
	if err != nil {
		return madeKey{}, err
	}
	secret, err := auth.NewKey(a.cfg.Rand)
	if err != nil {
		return madeKey{}, err
	}
	key.ExpiresAt, key.Hash, key.Hint = expires, auth.Hash(secret.Reveal()), auth.Hint(secret.Reveal())
	if err := a.cfg.Store.CreateKey(c.act(), key); err != nil {
		return madeKey{}, err
	}
	return madeKey{keyView: c.keyView(&key), Key: secret.Reveal()}, nil
}

func checkName(name string) error {
	if name == "" {
		return signalbox.InvalidField("name", "name is required")
	}
	return checkLength("name", name, signalbox.MaxName)
}

// checkScope refuses unknown scopes, and those that can do more than who asks.
func (c *call) checkScope(scope signalbox.Scope) error {
	limit := c.by.scope()
	for _, known := range auth.Scopes() {
		if scope != known {
			continue
		}
		if !auth.AtMost(scope, limit) {
			return signalbox.Errorf(signalbox.Forbidden, "%s and cannot make an API key of the scope %s", c.by.words(), scope)
		}
		return nil
	}
	return signalbox.InvalidField("scope", "scope must be one of ingest, read, write, read_write, admin")
}

func expiry(given string, now time.Time) (time.Time, error) {
	if given == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, given)
	if err != nil {
		return time.Time{}, signalbox.InvalidField("expires_at", "expires_at must be a time such as 2031-01-02T15:04:05Z")
	}
	if !at.After(now) {
		return time.Time{}, signalbox.InvalidField("expires_at", "expires_at must be in the future")
	}
	return at.UTC(), nil
}

func (a *API) listKeys(c *call) (page[keyView], error) {
	p, err := c.page()
	if err != nil {
		return page[keyView]{}, err
	}
	rows, next, err := a.cfg.Store.Keys(c.r.Context(), c.ws(), p)
	if err != nil {
		return page[keyView]{}, err
	}
	out := page[keyView]{next: c.cursor(next)}
	for i := range rows {
		out.items = append(out.items, c.keyView(&rows[i]))
	}
	return out, nil
}

func keyID(c *call) (signalbox.KeyID, error) {
	return id[signalbox.KeyID](c, signalbox.KindKey, "key")
}

func (a *API) getKey(c *call) (keyView, error) {
	id, err := keyID(c)
	if err != nil {
		return keyView{}, err
	}
	key, err := a.cfg.Store.Key(c.r.Context(), c.ws(), id)
	return c.keyView(&key), err
}

func (a *API) updateKey(c *call, in *keyPatch) (keyView, error) {
	id, err := keyID(c)
	if err != nil {
		return keyView{}, err
	}
	key, err := a.cfg.Store.UpdateKey(c.act(), c.ws(), id, func(k *signalbox.APIKey) error {
		set(&k.Name, in.Name)
		return checkName(k.Name)
	})
	return c.keyView(&key), err
}

func (a *API) revokeKey(c *call) (none, error) {
	id, err := keyID(c)
	if err != nil {
		return none{}, err
	}
	if err := a.cfg.Store.RevokeKey(c.act(), c.ws(), id, c.now); err != nil {
		return none{}, err
	}
	a.cfg.Keys.Forget()
	return none{}, nil
}

// keyView is an API key without the key.
type keyView struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Scope      string `json:"scope" enum:"ingest|read|write|read_write|admin"`
	Hint       string `json:"hint" doc:"The key's last four characters."`
	CreatedAt  stamp  `json:"created_at"`
	ExpiresAt  *stamp `json:"expires_at" doc:"Null: never."`
	LastUsedAt *stamp `json:"last_used_at" doc:"Refreshed once a minute. Null: never used."`
	RevokedAt  *stamp `json:"revoked_at" doc:"Null: it was not revoked."`
}

type madeKey struct {
	keyView
	Key string `json:"key" doc:"Shown this once."`
}

func (c *call) keyView(k *signalbox.APIKey) keyView {
	return keyView{
		ID: c.idText(signalbox.KindKey, int64(k.ID)), Name: k.Name, Scope: string(k.Scope), Hint: k.Hint, CreatedAt: stamp(k.CreatedAt),
		ExpiresAt: stampOrNull(k.ExpiresAt), LastUsedAt: stampOrNull(k.LastUsedAt), RevokedAt: stampOrNull(k.RevokedAt),
	}
}
