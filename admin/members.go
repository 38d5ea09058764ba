package admin

import (
	"context"
	"io"
	"net/http"
	"time"

	"signalbox"
	"signalbox/strictjson"
)

// Member is a member as this door shows one.
type Member struct {
	ID         string    `json:"id"`
	Email      string    `json:"email"`
	Name       string    `json:"name,omitempty"`
	Role       string    `json:"role"`
	Status     string    `json:"status"`
	Workspace  string    `json:"workspace"` // its name
	CreatedAt  time.Time `json:"created_at"`
	LastSeenAt time.Time `json:"last_seen_at,omitzero"`
}

// MemberLink is a one-time link by which whoever has it sets a member's password.
type MemberLink struct {
	Email     string    `json:"email"`
	Kind      string    `json:"kind"`
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (d *Door) members(w http.ResponseWriter, r *http.Request) error {
	list, err := d.acts.Members(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, data[[]Member]{list})
	return nil
}

// newLink is the body of POST /members/link.
type newLink struct {
	Email string `json:"email"`
}

func (d *Door) memberLink(w http.ResponseWriter, r *http.Request) error {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return signalbox.Errorf(signalbox.Invalid, "the body cannot be read: %v", err)
	}
	var in newLink
	if err := strictjson.UnmarshalKnown(text, &in); err != nil {
		return signalbox.Errorf(signalbox.Invalid, "the body: %v", err)
	}
	made, err := d.acts.MemberLink(r.Context(), in.Email)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, data[MemberLink]{made})
	return nil
}

// Members lists the members of all workspaces.
func (c *Client) Members(ctx context.Context) (list []Member, err error) {
	return list, c.do(ctx, http.MethodGet, "/members", nil, &list)
}

// MemberLink makes a fresh one-time link for the member of an e-mail.
func (c *Client) MemberLink(ctx context.Context, email string) (made MemberLink, err error) {
	return made, c.do(ctx, http.MethodPost, "/members/link", newLink{email}, &made)
}
