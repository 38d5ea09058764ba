package api

import (
	"net/http"
	"slices"
	"strings"

	"signalbox"
	"signalbox/auth"
	"signalbox/strictjson"
)

// linkedTag groups the doors of linked accounts, their streams and runs.
const linkedTag = "Linked accounts"

// linkedRoutes are the doors of linked accounts; none where nobody keeps them. Deleting stands last: the examples are run in the order of the table.
func (a *API) linkedRoutes() []route {
	if a.cfg.Linked == nil {
		return nil
	}
	return slices.Concat(a.linkedAccountRoutes(), a.streamRoutes(), a.syncRoutes(), a.linkedDeletions())
}

func (a *API) linkedAccountRoutes() []route {
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/linked-accounts", id: "createLinkedAccount", tag: linkedTag, need: auth.NeedWrite,
			summary: "Link an account",
			detail:  "A customer's account with another product. `linked_account.created` is sent at once; what is fetched of it are its streams.",
			status:  created,
			examples: []example{
				{name: "bamboohr", summary: "A customer's account with BambooHR",
					body: `{"provider":"bamboohr","origin_owner_id":"customer-42","origin_owner_name":"Acme Corp","origin_username":"jane@acmecorp.com","setup_information":{"domain":"acme"}}`},
			},
			answers: takes(a.createLinkedAccount),
		},
		{
			method: http.MethodGet, pattern: "/v1/linked-accounts", id: "listLinkedAccounts", tag: linkedTag, need: auth.NeedRead,
			summary: "List linked accounts", detail: "Newest first.", status: http.StatusOK, query: paging(), answers: lists(a.listLinkedAccounts),
		},
		{
			method: http.MethodGet, pattern: "/v1/linked-accounts/{id}", id: "getLinkedAccount", tag: linkedTag, need: auth.NeedRead,
			summary: "Read a linked account", status: http.StatusOK, answers: asks(a.getLinkedAccount),
		},
		{
			method: http.MethodPatch, pattern: "/v1/linked-accounts/{id}", id: "updateLinkedAccount", tag: linkedTag, need: auth.NeedWrite,
			summary: "Change a linked account",
			detail:  "Only the fields that are given change; `null` removes one. `linked_account.updated` is sent at once, unless nothing differs.",
			status:  http.StatusOK, also: []signalbox.Code{signalbox.Conflict},
			examples: []example{{name: "rename", summary: "Another name, and nobody who connected it", body: `{"origin_owner_name":"Acme Corporation","origin_username":null}`}},
			answers:  takes(a.updateLinkedAccount),
		},
	}
}

// linkedDeletions are the doors that delete.
func (a *API) linkedDeletions() []route {
	return []route{
		{
			method: http.MethodDelete, pattern: "/v1/linked-accounts/{id}/streams/{stream}", id: "deleteStream", tag: linkedTag, need: auth.NeedWrite,
			summary: "Delete a stream", detail: "Nothing is fetched any more, and what was kept of its records is dropped; nobody is told of them.",
			status: http.StatusNoContent, answers: asks(a.deleteStream),
		},
		{
			method: http.MethodDelete, pattern: "/v1/linked-accounts/{id}", id: "deleteLinkedAccount", tag: linkedTag, need: auth.NeedWrite,
			summary: "Delete a linked account", detail: "`linked_account.deleted` is sent at once. Its streams go with it; nobody is told of their records.",
			status: http.StatusNoContent, answers: asks(a.deleteLinkedAccount),
		},
	}
}

// newLinkedAccount is the body of POST /v1/linked-accounts.
type newLinkedAccount struct {
	Provider         *string        `json:"provider" required:"true" maxlen:"200" doc:"The product that the account is with, such as bamboohr."`
	OriginOwnerID    *string        `json:"origin_owner_id" required:"true" maxlen:"200" doc:"How you know the customer or organisation whose account it is."`
	OriginOwnerName  *string        `json:"origin_owner_name" maxlen:"200" doc:"Its name, for people."`
	OriginUsername   *string        `json:"origin_username" maxlen:"200" doc:"Who connected it."`
	SetupInformation strictjson.Raw `json:"setup_information" type:"object|null" doc:"What was said when it was connected, sent along with the account's events: nothing secret. At most 16 KiB."`
}

// linkedAccountPatch is the body of PATCH /v1/linked-accounts/{id}.
type linkedAccountPatch struct {
	Provider         *string        `json:"provider" maxlen:"200"`
	OriginOwnerID    *string        `json:"origin_owner_id" maxlen:"200"`
	OriginOwnerName  *string        `json:"origin_owner_name" maxlen:"200"`
	OriginUsername   *string        `json:"origin_username" maxlen:"200"`
	SetupInformation strictjson.Raw `json:"setup_information" type:"object|null" doc:"Replaced whole."`
	Revision         *int64         `json:"revision" doc:"The revision that the change was made from: 409 when it is another one by now. Absent: whatever it is."`
}

// linkedAccountView is a linked account.
type linkedAccountView struct {
	ID               string  `json:"id"`
	Provider         string  `json:"provider"`
	OriginOwnerID    string  `json:"origin_owner_id"`
	OriginOwnerName  *string `json:"origin_owner_name"`
	OriginUsername   *string `json:"origin_username"`
	SetupInformation *object `json:"setup_information"`
	Status           string  `json:"status" enum:"active"`
	Revision         int64   `json:"revision"`
	CreatedAt        stamp   `json:"created_at"`
	UpdatedAt        stamp   `json:"updated_at"`
}

func (c *call) linkedAccountView(l *signalbox.LinkedAccount) linkedAccountView {
	return linkedAccountView{
		ID: c.idText(signalbox.KindLinked, int64(l.ID)), Provider: l.Provider, OriginOwnerID: l.OriginOwnerID, OriginOwnerName: textOrNull(l.OriginOwnerName),
		OriginUsername: textOrNull(l.OriginUsername), SetupInformation: objectOrNull(l.Setup), Status: l.Status, Revision: l.Revision, CreatedAt: stamp(l.CreatedAt),
		UpdatedAt: stamp(l.UpdatedAt),
	}
}

func linkedID(c *call) (signalbox.LinkedAccountID, error) {
	return id[signalbox.LinkedAccountID](c, signalbox.KindLinked, "linked_account")
}

func (a *API) createLinkedAccount(c *call, in *newLinkedAccount) (linkedAccountView, error) {
	l := signalbox.LinkedAccount{
		ID: signalbox.LinkedAccountID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), Status: signalbox.LinkedActive, Revision: 1, CreatedAt: c.now, UpdatedAt: c.now,
	}
	patch := linkedAccountPatch{
		Provider: in.Provider, OriginOwnerID: in.OriginOwnerID, OriginOwnerName: in.OriginOwnerName, OriginUsername: in.OriginUsername, SetupInformation: in.SetupInformation,
	}
	change, err := patch.read()
	if err == nil {
		err = change(&l)
	}
	if err == nil {
		err = a.cfg.Linked.CreateLinkedAccount(c.act(), l)
	}
	if err != nil {
		return linkedAccountView{}, err
	}
	a.cfg.Wake(c.now)
	return c.linkedAccountView(&l), nil
}

// read reads the form into what it does to a linked account that is otherwise as it was.
func (in *linkedAccountPatch) read() (func(*signalbox.LinkedAccount) error, error) {
	setup := []byte(nil)
	if given := in.SetupInformation; len(given) > 0 && string(given) != "null" {
		if given[0] != '{' {
			return nil, signalbox.InvalidField("setup_information", `setup_information must be an object, such as {"domain": "acme"}, or null for none`)
		}
		var err error
		if setup, err = strictjson.Stable(given); err != nil {
			return nil, err
		}
	}
	return func(l *signalbox.LinkedAccount) error {
		for _, f := range []struct {
			field *string
			given *string
		}{{&l.Provider, in.Provider}, {&l.OriginOwnerID, in.OriginOwnerID}, {&l.OriginOwnerName, in.OriginOwnerName}, {&l.OriginUsername, in.OriginUsername}} {
			if f.given != nil {
				*f.field = strings.TrimSpace(*f.given)
			}
		}
		if len(in.SetupInformation) > 0 {
			l.Setup = setup
		}
		return l.Check()
	}, nil
}

func (a *API) listLinkedAccounts(c *call) (page[linkedAccountView], error) {
	p, err := c.page()
	if err != nil {
		return page[linkedAccountView]{}, err
	}
	rows, next, err := a.cfg.Linked.LinkedAccounts(c.r.Context(), c.ws(), p)
	if err != nil {
		return page[linkedAccountView]{}, err
	}
	out := page[linkedAccountView]{next: c.cursor(next)}
	for i := range rows {
		out.items = append(out.items, c.linkedAccountView(&rows[i]))
	}
	return out, nil
}

// linkedAccount reads the linked account of the path.
func (a *API) linkedAccount(c *call) (signalbox.LinkedAccount, error) {
	id, err := linkedID(c)
	if err != nil {
		return signalbox.LinkedAccount{}, err
	}
	return a.cfg.Linked.LinkedAccount(c.r.Context(), c.ws(), id)
}

func (a *API) getLinkedAccount(c *call) (linkedAccountView, error) {
	l, err := a.linkedAccount(c)
	if err != nil {
		return linkedAccountView{}, err
	}
	return c.linkedAccountView(&l), nil
}

func (a *API) updateLinkedAccount(c *call, in *linkedAccountPatch) (linkedAccountView, error) {
	id, err := linkedID(c)
	if err != nil {
		return linkedAccountView{}, err
	}
	change, err := in.read()
	if err != nil {
		return linkedAccountView{}, err
	}
	l, err := a.cfg.Linked.UpdateLinkedAccount(c.act(), c.ws(), id, c.now, func(l *signalbox.LinkedAccount) error {
		if err := stale("linked account", in.Revision, l.Revision); err != nil {
			return err
		}
		return change(l)
	})
	if err != nil {
		return linkedAccountView{}, err
	}
	a.cfg.Wake(c.now)
	return c.linkedAccountView(&l), nil
}

// stale refuses a change that was made from another revision than the present one.
func stale(thing string, from *int64, at int64) error {
	if from != nil && *from != at {
		return signalbox.Errorf(signalbox.Conflict, "the %s is at revision %d, not %d: somebody changed it meanwhile; read it again", thing, at, *from)
	}
	return nil
}

func (a *API) deleteLinkedAccount(c *call) (none, error) {
	id, err := linkedID(c)
	if err != nil {
		return none{}, err
	}
	if err := a.cfg.Linked.DeleteLinkedAccount(c.act(), c.ws(), id, c.now); err != nil {
		return none{}, err
	}
	a.cfg.Wake(c.now)
	return none{}, nil
}
