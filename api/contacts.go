package api

import (
	"net/http"

	"signalbox"
	"signalbox/auth"
	"signalbox/strictjson"
)

// contactRoutes are the doors of people.
func (a *API) contactRoutes() []route {
	const tag = "Contacts"
	return []route{
		{
			method: http.MethodGet, pattern: "/v1/contacts", id: "listContacts", tag: tag, need: auth.NeedRead,
			summary: "List contacts", detail: "Newest first.", status: http.StatusOK,
			query: paging(
				param{name: "q", kind: text, doc: "Only contacts whose e-mail address or name begins so."},
				param{name: "account_id", kind: text, doc: "Only contacts of this account."}),
			answers: lists(a.listContacts),
		},
		{
			method: http.MethodGet, pattern: "/v1/contacts/{id}", id: "getContact", tag: tag, need: auth.NeedRead,
			summary: "Read a contact", status: http.StatusOK, answers: asks(a.getContact),
		},
		{
			method: http.MethodPatch, pattern: "/v1/contacts/{id}", id: "updateContact", tag: tag, need: auth.NeedWrite,
			summary: "Change a contact",
			detail: "Only the fields that are given change; `null` removes one. Names and title set here are no longer replaced by signals, until they are removed. " +
				"`attributes` are merged (RFC 7396).",
			status:   http.StatusOK,
			examples: []example{{name: "title", summary: "A title, set by hand", body: `{"title":"Head of Growth","attributes":{"locale":"en-GB"}}`}},
			answers:  takes(a.updateContact),
		},
		{
			method: http.MethodPost, pattern: "/v1/contacts/batch", id: "importContacts", tag: tag, need: auth.NeedWrite,
			summary: "Make or change many contacts",
			detail: "Up to 1,000 rows and 5 MiB. The contact that a row's e-mail or LinkedIn profile names, matched as in signals, is changed as by a PATCH, or made: " +
				"names and title that a row gives are set by hand. A contact without an account gets the one of `account_domain` or of its e-mail's domain; " +
				"a row that names another account than the contact's, or another profile, is rejected. " + importDetail,
			status: http.StatusOK, also: []signalbox.Code{signalbox.Overloaded},
			examples: []example{{name: "three", summary: "Two people, and one who cannot be told from others",
				body: `{"contacts":[{"email":"bill@initech.com","first_name":"Bill","last_name":"Lumbergh","title":"VP","account_domain":"initech.com","attributes":{"locale":"en"}},{"linkedin_url":"https://www.linkedin.com/in/milton-waddams","title":null},{"first_name":"Peter"}],"dry_run":true}`}},
			answers: raw[contactsBody, importAnswer](a.importContacts),
		},
		{
			method: http.MethodDelete, pattern: "/v1/contacts/{id}", id: "eraseContact", tag: tag, need: auth.NeedAdmin,
			summary: "Erase a contact", detail: "They are out of sight at once; a job removes what is stored of them everywhere, also from signals and deliveries.",
			status: http.StatusAccepted, answers: asks(a.eraseContact),
		},
	}
}

type contactPatch struct {
	FirstName  *string        `json:"first_name" maxlen:"200"`
	LastName   *string        `json:"last_name" maxlen:"200"`
	Title      *string        `json:"title" maxlen:"200"`
	Attributes strictjson.Raw `json:"attributes" type:"object|null" doc:"A merge patch (RFC 7396): null removes a member, null for the whole removes all."`
}

func (a *API) listContacts(c *call) (page[contactView], error) {
	p, err := c.page()
	if err != nil {
		return page[contactView]{}, err
	}
	filter, err := c.recordFilter()
	if err != nil {
		return page[contactView]{}, err
	}
	if text := c.query.Get("account_id"); text != "" {
		account, ok := a.cfg.Codec.Parse(signalbox.KindAccount, text)
		if !ok {
			return page[contactView]{}, nil // an id that nobody has, has no contacts
		}
		filter.Account = signalbox.AccountID(account)
	}
	rows, next, err := a.cfg.Store.Contacts(c.r.Context(), c.ws(), filter, p)
	if err != nil {
		return page[contactView]{}, err
	}
	items, err := a.contactViews(c, rows...)
	return page[contactView]{items: items, next: c.cursor(next)}, err
}

func contactID(c *call) (signalbox.ContactID, error) {
	return id[signalbox.ContactID](c, signalbox.KindContact, "contact")
}

func (a *API) getContact(c *call) (contactView, error) {
	id, err := contactID(c)
	if err != nil {
		return contactView{}, err
	}
	row, err := a.cfg.Store.Contact(c.r.Context(), c.ws(), id)
	if err != nil {
		return contactView{}, err
	}
	return first(a.contactViews(c, row))
}

func (a *API) updateContact(c *call, in *contactPatch) (contactView, error) {
	id, err := contactID(c)
	if err != nil {
		return contactView{}, err
	}
	if err := cleanTexts([]string{"first_name", "last_name", "title"}, []*string{in.FirstName, in.LastName, in.Title}); err != nil {
		return contactView{}, err
	}
	patch := signalbox.ContactPatch{FirstName: in.FirstName, LastName: in.LastName, Title: in.Title}
	if patch.Attributes, err = attributesPatch(in.Attributes); err != nil {
		return contactView{}, err
	}
	row, err := a.cfg.Acts.PatchContact(c.act(), c.ws(), id, patch)
	if err != nil {
		return contactView{}, err
	}
	return first(a.contactViews(c, row))
}

func (a *API) eraseContact(c *call) (jobView, error) {
	id, err := contactID(c)
	if err != nil {
		return jobView{}, err
	}
	job, err := a.cfg.Acts.EraseContact(c.act(), c.ws(), id)
	if err != nil {
		return jobView{}, err
	}
	return c.jobView(&job), nil
}

// contactView is a person.
type contactView struct {
	ID            string  `json:"id"`
	AccountID     *string `json:"account_id"`
	AccountDomain *string `json:"account_domain"`
	Email         *string `json:"email"`
	FirstName     *string `json:"first_name"`
	LastName      *string `json:"last_name"`
	Name          *string `json:"name"`
	Title         *string `json:"title"`
	LinkedInURL   *string `json:"linkedin_url"`
	Attributes    object  `json:"attributes"`
	Score         int     `json:"score"`
	Stage         *string `json:"stage"`
	Revision      int64   `json:"revision" doc:"Grows with each change."`
	LastSignalAt  *stamp  `json:"last_signal_at"`
	CreatedAt     stamp   `json:"created_at"`
	UpdatedAt     stamp   `json:"updated_at"`
}

func (a *API) contactViews(c *call, rows ...signalbox.Contact) ([]contactView, error) {
	ids := make([]signalbox.EntityID, len(rows))
	var accounts []signalbox.AccountID
	for i := range rows {
		if ids[i] = signalbox.EntityID(rows[i].ID); rows[i].Account != 0 {
			accounts = append(accounts, rows[i].Account)
		}
	}
	beside, err := a.facts(c, ids, accounts)
	if err != nil {
		return nil, err
	}
	views := make([]contactView, len(rows))
	for i := range rows {
		row := &rows[i]
		views[i] = contactView{
			ID: c.idText(signalbox.KindContact, int64(row.ID)), AccountID: c.idOrNull(signalbox.KindAccount, int64(row.Account)),
			AccountDomain: textOrNull(beside.domains[row.Account]),
			Email:         textOrNull(row.Email), FirstName: textOrNull(row.FirstName), LastName: textOrNull(row.LastName), Name: textOrNull(row.FullName()),
			Title: textOrNull(row.Title), LinkedInURL: textOrNull(row.LinkedInURL), Attributes: row.Attributes, Revision: row.Revision,
			LastSignalAt: stampOrNull(beside.states[ids[i]].LastSignalAt), CreatedAt: stamp(row.CreatedAt), UpdatedAt: stamp(row.UpdatedAt),
		}
	}
	return views, nil
}
