package api

import (
	"context"
	"net/http"

	"signalbox"
	"signalbox/auth"
	"signalbox/strictjson"
)

// contacts are the doors of people as far as they are like others.
func (a *API) contacts() *resource[signalbox.Contact, contactView] {
	return &resource[signalbox.Contact, contactView]{
		kind: signalbox.ContactRecord, path: "/v1/contacts", title: "Contact", tag: "Contacts",
		query: []param{
			param{name: "q", kind: text, doc: searchDoc("the e-mail address and the name")},
			param{name: "account_id", kind: text, doc: "Only contacts of this account, and of all that was merged into it."},
		},
		listed: func(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.RecordFilter, p signalbox.Page) ([]signalbox.Contact, signalbox.Place, error) {
			return a.cfg.Store.Contacts(ctx, ws, f, p)
		},
		read: func(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.EntityID) (signalbox.Contact, error) {
			return a.cfg.Store.Contact(ctx, ws, signalbox.ContactID(id))
		},
		erased: func(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.EntityID) (signalbox.Job, error) {
			return a.cfg.Acts.EraseContact(ctx, ws, signalbox.ContactID(id))
		},
		views: a.contactViews,
	}
}

// contactRoutes are the doors of people.
func (a *API) contactRoutes() []route {
	const tag = "Contacts"
	shared := a.contacts()
	return append(shared.top(a), []route{
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
		shared.qualificationRoute(a),
		shared.requalifyRoute(a),
		shared.erasing(),
	}...)
}

type contactPatch struct {
	FirstName  *string        `json:"first_name" maxlen:"200"`
	LastName   *string        `json:"last_name" maxlen:"200"`
	Title      *string        `json:"title" maxlen:"200"`
	Attributes strictjson.Raw `json:"attributes" type:"object|null" doc:"A merge patch (RFC 7396): null removes a member, null for the whole removes all."`
}

func contactID(c *call) (signalbox.ContactID, error) {
	return id[signalbox.ContactID](c, signalbox.KindContact, "contact")
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

// contactView is a person.
type contactView struct {
	ID            string   `json:"id"`
	AccountID     *string  `json:"account_id"`
	AccountDomain *string  `json:"account_domain"`
	Email         *string  `json:"email"`
	FirstName     *string  `json:"first_name"`
	LastName      *string  `json:"last_name"`
	Name          *string  `json:"name"`
	Title         *string  `json:"title"`
	LinkedInURL   *string  `json:"linkedin_url"`
	Attributes    object   `json:"attributes"`
	Score         int      `json:"score"`
	Stage         *string  `json:"stage"`
	Fit           *fitView `json:"qualification" doc:"Null: it was never qualified."`
	MergedIDs     []string `json:"merged_ids" doc:"The ids of what was merged into it: they lead here."`
	Revision      int64    `json:"revision" doc:"Grows with each change."`
	LastSignalAt  *stamp   `json:"last_signal_at"`
	CreatedAt     stamp    `json:"created_at"`
	UpdatedAt     stamp    `json:"updated_at"`
}

func (a *API) contactViews(c *call, rows ...signalbox.Contact) ([]contactView, error) {
	records := make([]signalbox.Record, len(rows))
	var accounts []signalbox.AccountID
	for i := range rows {
		if records[i] = &rows[i]; rows[i].Account != 0 {
			accounts = append(accounts, rows[i].Account)
		}
	}
	beside, err := a.facts(c, records, accounts)
	if err != nil {
		return nil, err
	}
	views := make([]contactView, len(rows))
	for i := range rows {
		row := &rows[i]
		views[i] = contactView{
			ID: c.idText(signalbox.KindContact, int64(row.ID)), AccountID: c.idOrNull(signalbox.KindAccount, int64(beside.companies[row.Account].ID)),
			AccountDomain: textOrNull(beside.companies[row.Account].Domain),
			Email:         textOrNull(row.Email), FirstName: textOrNull(row.FirstName), LastName: textOrNull(row.LastName), Name: textOrNull(row.FullName()),
			Title: textOrNull(row.Title), LinkedInURL: textOrNull(row.LinkedInURL), Attributes: row.Attributes, MergedIDs: c.mergedIDs(row), Revision: row.Revision,
			LastSignalAt: stampOrNull(beside.lastSignal(row)), Score: beside.standings[row.Entity()].Score, Stage: textOrNull(beside.standings[row.Entity()].Stage),
			Fit:       beside.fit(row),
			CreatedAt: stamp(row.CreatedAt), UpdatedAt: stamp(row.UpdatedAt),
		}
	}
	return views, nil
}
