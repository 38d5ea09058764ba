package api

import (
	"net/http"

	"signalbox"
	"signalbox/auth"
	"signalbox/strictjson"
)

// accountRoutes are the doors of companies.
func (a *API) accountRoutes() []route {
	const tag = "Accounts"
	return []route{
		{
			method: http.MethodGet, pattern: "/v1/accounts", id: "listAccounts", tag: tag, need: auth.NeedRead,
			summary: "List accounts", detail: "Newest first.", status: http.StatusOK,
			query: paging(
				param{name: "q", kind: text, doc: "Only accounts whose domain or name begins so."},
				param{name: "status", kind: text, doc: "Only accounts with this status."}),
			answers: lists(a.listAccounts),
		},
		{
			method: http.MethodGet, pattern: "/v1/accounts/{id}", id: "getAccount", tag: tag, need: auth.NeedRead,
			summary: "Read an account", status: http.StatusOK, answers: asks(a.getAccount),
		},
		{
			method: http.MethodPatch, pattern: "/v1/accounts/{id}", id: "updateAccount", tag: tag, need: auth.NeedWrite,
			summary: "Change an account", detail: "Only the fields that are given change; `null` removes one. `attributes` are merged (RFC 7396).",
			status:   http.StatusOK,
			examples: []example{{name: "status", summary: "A status and two attributes, one removed", body: `{"name":"Acme Corporation","status":"customer","attributes":{"plan":"pro","trial":null}}`}},
			answers:  takes(a.updateAccount),
		},
		{
			method: http.MethodPost, pattern: "/v1/accounts/batch", id: "importAccounts", tag: tag, need: auth.NeedWrite,
			summary: "Make or change many accounts",
			detail:  "Up to 1,000 rows and 5 MiB. The account that a row's domain names, matched as in signals, is changed as by a PATCH, or made. " + importDetail,
			status:  http.StatusOK, also: []signalbox.Code{signalbox.Overloaded},
			examples: []example{{name: "three", summary: "Three companies, one of them wrong",
				body: `{"accounts":[{"domain":"initech.com","name":"Initech","status":"customer","attributes":{"plan":"pro","seats":120}},{"domain":"https://www.globex.org/about","attributes":{"trial":null}},{"domain":"gmail.com"}]}`}},
			answers: raw[accountsBody, importAnswer](a.importAccounts),
		},
		{
			method: http.MethodDelete, pattern: "/v1/accounts/{id}", id: "eraseAccount", tag: tag, need: auth.NeedAdmin,
			summary: "Erase an account", detail: "It is out of sight at once; a job removes what is stored of it everywhere, also from signals and deliveries.",
			status: http.StatusAccepted, answers: asks(a.eraseAccount),
		},
	}
}

type accountPatch struct {
	Name       *string        `json:"name" maxlen:"200"`
	Status     *string        `json:"status" maxlen:"200" doc:"Free text, for instance customer."`
	Attributes strictjson.Raw `json:"attributes" type:"object|null" doc:"A merge patch (RFC 7396): null removes a member, null for the whole removes all."`
}

func (a *API) listAccounts(c *call) (page[accountView], error) {
	p, err := c.page()
	if err != nil {
		return page[accountView]{}, err
	}
	filter, err := c.recordFilter()
	if err != nil {
		return page[accountView]{}, err
	}
	rows, next, err := a.cfg.Store.Accounts(c.r.Context(), c.ws(), filter, p)
	if err != nil {
		return page[accountView]{}, err
	}
	items, err := a.accountViews(c, rows...)
	return page[accountView]{items: items, next: c.cursor(next)}, err
}

func accountID(c *call) (signalbox.AccountID, error) {
	return id[signalbox.AccountID](c, signalbox.KindAccount, "account")
}

func (a *API) getAccount(c *call) (accountView, error) {
	id, err := accountID(c)
	if err != nil {
		return accountView{}, err
	}
	row, err := a.cfg.Store.Account(c.r.Context(), c.ws(), id)
	if err != nil {
		return accountView{}, err
	}
	return first(a.accountViews(c, row))
}

func (a *API) updateAccount(c *call, in *accountPatch) (accountView, error) {
	id, err := accountID(c)
	if err != nil {
		return accountView{}, err
	}
	if err := cleanTexts([]string{"name", "status"}, []*string{in.Name, in.Status}); err != nil {
		return accountView{}, err
	}
	patch := signalbox.AccountPatch{Name: in.Name, Status: in.Status}
	if patch.Attributes, err = attributesPatch(in.Attributes); err != nil {
		return accountView{}, err
	}
	row, err := a.cfg.Acts.PatchAccount(c.act(), c.ws(), id, patch)
	if err != nil {
		return accountView{}, err
	}
	return first(a.accountViews(c, row))
}

func (a *API) eraseAccount(c *call) (jobView, error) {
	id, err := accountID(c)
	if err != nil {
		return jobView{}, err
	}
	job, err := a.cfg.Acts.EraseAccount(c.act(), c.ws(), id)
	if err != nil {
		return jobView{}, err
	}
	return c.jobView(&job), nil
}

// accountView is a company.
type accountView struct {
	ID           string  `json:"id"`
	Domain       *string `json:"domain"`
	Name         *string `json:"name"`
	Status       *string `json:"status"`
	Attributes   object  `json:"attributes"`
	Score        int     `json:"score"`
	Stage        *string `json:"stage"`
	Revision     int64   `json:"revision" doc:"Grows with each change."`
	LastSignalAt *stamp  `json:"last_signal_at"`
	CreatedAt    stamp   `json:"created_at"`
	UpdatedAt    stamp   `json:"updated_at"`
}

func (a *API) accountViews(c *call, rows ...signalbox.Account) ([]accountView, error) {
	ids := make([]signalbox.EntityID, len(rows))
	for i := range rows {
		ids[i] = signalbox.EntityID(rows[i].ID)
	}
	beside, err := a.facts(c, ids, nil)
	if err != nil {
		return nil, err
	}
	views := make([]accountView, len(rows))
	for i := range rows {
		row := &rows[i]
		views[i] = accountView{
			ID: c.idText(signalbox.KindAccount, int64(row.ID)), Domain: textOrNull(row.Domain), Name: textOrNull(row.Name),
			Status: textOrNull(row.Status), Attributes: row.Attributes, Revision: row.Revision, LastSignalAt: stampOrNull(beside.states[ids[i]].LastSignalAt),
			CreatedAt: stamp(row.CreatedAt), UpdatedAt: stamp(row.UpdatedAt),
		}
	}
	return views, nil
}
