package api

import (
	"context"
	"net/http"

	"signalbox"
	"signalbox/auth"
	"signalbox/strictjson"
)

// accounts are the doors of companies as far as they are like others.
func (a *API) accounts() *resource[signalbox.Account, accountView] {
	return &resource[signalbox.Account, accountView]{
		kind: signalbox.AccountRecord, path: "/v1/accounts", title: "Account", tag: "Accounts",
		query: []param{
			param{name: "q", kind: text, doc: searchDoc("the domain and the name")},
			param{name: "status", kind: text, doc: "Only accounts with this status."},
		},
		listed: func(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.RecordFilter, p signalbox.Page) ([]signalbox.Account, signalbox.Place, error) {
			return a.cfg.Store.Accounts(ctx, ws, f, p)
		},
		read: func(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.EntityID) (signalbox.Account, error) {
			return a.cfg.Store.Account(ctx, ws, signalbox.AccountID(id))
		},
		erased: func(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.EntityID) (signalbox.Job, error) {
			return a.cfg.Acts.EraseAccount(ctx, ws, signalbox.AccountID(id))
		},
		views: a.accountViews,
	}
}

// accountRoutes are the doors of companies.
func (a *API) accountRoutes() []route {
	const tag = "Accounts"
	shared := a.accounts()
	return append(shared.top(a), []route{
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
				body: `{"accounts":[{"domain":"initech.com","name":"Initech","status":"customer","attributes":{"plan":"pro","seats":120}},{"domain":"https://www.globex.org/about","attributes":{"trial":null}},{"domain":"gmail.com"}],"import":"customers, June"}`}},
			answers: raw[accountsBody, importAnswer](a.importAccounts),
		},
		shared.qualificationRoute(a),
		shared.requalifyRoute(a),
		shared.erasing(),
	}...)
}

type accountPatch struct {
	Name       *string        `json:"name" maxlen:"200"`
	Status     *string        `json:"status" maxlen:"200" doc:"Free text, for instance customer."`
	Attributes strictjson.Raw `json:"attributes" type:"object|null" doc:"A merge patch (RFC 7396): null removes a member, null for the whole removes all."`
}

func accountID(c *call) (signalbox.AccountID, error) {
	return id[signalbox.AccountID](c, signalbox.KindAccount, "account")
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

// accountView is a company.
type accountView struct {
	ID           string   `json:"id"`
	Domain       *string  `json:"domain"`
	Name         *string  `json:"name"`
	Status       *string  `json:"status"`
	Attributes   object   `json:"attributes"`
	Score        int      `json:"score"`
	Stage        *string  `json:"stage"`
	Fit          *fitView `json:"qualification" doc:"Null: it was never qualified."`
	MergedIDs    []string `json:"merged_ids" doc:"The ids of what was merged into it: they lead here."`
	Revision     int64    `json:"revision" doc:"Grows with each change."`
	LastSignalAt *stamp   `json:"last_signal_at"`
	CreatedAt    stamp    `json:"created_at"`
	UpdatedAt    stamp    `json:"updated_at"`
}

func (a *API) accountViews(c *call, rows ...signalbox.Account) ([]accountView, error) {
	records := make([]signalbox.Record, len(rows))
	for i := range rows {
		records[i] = &rows[i]
	}
	beside, err := a.facts(c, records, nil)
	if err != nil {
		return nil, err
	}
	views := make([]accountView, len(rows))
	for i := range rows {
		row := &rows[i]
		views[i] = accountView{
			ID: c.idText(signalbox.KindAccount, int64(row.ID)), Domain: textOrNull(row.Domain), Name: textOrNull(row.Name),
			Status: textOrNull(row.Status), Attributes: row.Attributes, MergedIDs: c.mergedIDs(row), Revision: row.Revision, LastSignalAt: stampOrNull(beside.lastSignal(row)),
			Score: beside.standings[row.Entity()].Score, Stage: textOrNull(beside.standings[row.Entity()].Stage),
			Fit:       beside.fit(row),
			CreatedAt: stamp(row.CreatedAt), UpdatedAt: stamp(row.UpdatedAt),
		}
	}
	return views, nil
}
