package api

import (
	"net/http"

	"signalbox"
	"signalbox/auth"
)

func (a *API) leadRoute() route {
	return route{
		method: http.MethodGet, pattern: "/v1/leads", id: "listLeads", tag: "Accounts", need: auth.NeedRead,
		summary: "List leads",
		detail: "The records that signals landed on: contacts, and accounts on which signals landed that name no person. Those with the latest signals first. A lead's id is taken wherever that " +
			"of the contact or account is.",
		status: http.StatusOK, query: paging(), answers: lists(a.listLeads),
	}
}

// leadView is a record that signals landed on.
type leadView struct {
	ID           string           `json:"id"`
	Account      *leadAccount     `json:"account" doc:"Null: it is known with no company."`
	Contact      *leadContact     `json:"contact" doc:"Null: it is a company of which nobody was named."`
	Score        int              `json:"score"`
	Stage        *string          `json:"stage"`
	Fit          *fitView         `json:"qualification" doc:"Null: it was never qualified."`
	FirstSource  *string          `json:"first_source"`
	LastSource   *string          `json:"last_source"`
	BySource     map[string]int64 `json:"signals_by_source" doc:"How many signals ever landed on it; beyond 32 sources the others are counted together."`
	LastSignalAt *stamp           `json:"last_signal_at"`
	CreatedAt    stamp            `json:"created_at"`
}

type leadAccount struct {
	ID     string  `json:"id"`
	Domain *string `json:"domain"`
	Name   *string `json:"name"`
}

type leadContact struct {
	ID          string  `json:"id"`
	Email       *string `json:"email"`
	LinkedInURL *string `json:"linkedin_url"`
	Name        *string `json:"name"`
	Title       *string `json:"title"`
}

func (a *API) listLeads(c *call) (page[leadView], error) {
	p, err := c.page()
	if err != nil {
		return page[leadView]{}, err
	}
	leads, next, err := a.cfg.Store.Leads(c.r.Context(), c.ws(), p)
	if err != nil {
		return page[leadView]{}, err
	}
	out := page[leadView]{next: c.cursorAt(next)}
	records, companies, err := a.leadRecords(c, leads)
	if err != nil {
		return page[leadView]{}, err
	}
	beside, err := a.facts(c, records, companies)
	if err != nil {
		return page[leadView]{}, err
	}
	for _, r := range records {
		v, err := a.leadView(c, r, &beside)
		if err != nil {
			return page[leadView]{}, err
		}
		out.items = append(out.items, v)
	}
	return out, nil
}

// leadRecords reads the rows of leads, and says which accounts the contacts among them belong to. One that is gone by now is left out.
func (a *API) leadRecords(c *call, leads []signalbox.Lead) (records []signalbox.Record, companies []signalbox.AccountID, err error) {
	for _, l := range leads {
		var r signalbox.Record
		if l.Kind == signalbox.ContactRecord {
			row, readErr := a.cfg.Store.Contact(c.r.Context(), c.ws(), signalbox.ContactID(l.Entity))
			if r, err = &row, readErr; err == nil && row.Account != 0 {
				companies = append(companies, row.Account)
			}
		} else {
			row, readErr := a.cfg.Store.Account(c.r.Context(), c.ws(), signalbox.AccountID(l.Entity))
			r, err = &row, readErr
		}
		switch {
		case signalbox.CodeOf(err) == signalbox.NotFound:
		case err != nil:
			return nil, nil, err
		default:
			records = append(records, r)
		}
	}
	return records, companies, nil
}

func (a *API) leadView(c *call, r signalbox.Record, beside *facts) (leadView, error) {
	states := make([]signalbox.EntityState, 0, 1)
	for _, id := range everyID(r) {
		states = append(states, beside.states[id])
	}
	sources, err := a.cfg.Sources(states...)
	if err != nil {
		return leadView{}, err
	}
	v := leadView{
		ID: c.leadText(r.Kind().ID(), int64(r.Entity())), Score: beside.standings[r.Entity()].Score, Stage: textOrNull(beside.standings[r.Entity()].Stage), Fit: beside.fit(r),
		FirstSource: textOrNull(sources.First), LastSource: textOrNull(sources.Last), BySource: sources.Counts, LastSignalAt: stampOrNull(beside.lastSignal(r)),
	}
	switch r := r.(type) {
	case *signalbox.Contact:
		v.CreatedAt = stamp(r.CreatedAt)
		v.Contact = &leadContact{
			ID: c.idText(signalbox.KindContact, int64(r.ID)), Email: textOrNull(r.Email), LinkedInURL: textOrNull(r.LinkedInURL), Name: textOrNull(r.FullName()), Title: textOrNull(r.Title),
		}
		if company, ok := beside.companies[r.Account]; ok {
			v.Account = c.leadAccount(&company)
		}
	case *signalbox.Account:
		v.CreatedAt = stamp(r.CreatedAt)
		v.Account = c.leadAccount(r)
	}
	return v, nil
}

func (c *call) leadAccount(r *signalbox.Account) *leadAccount {
	return &leadAccount{ID: c.idText(signalbox.KindAccount, int64(r.ID)), Domain: textOrNull(r.Domain), Name: textOrNull(r.Name)}
}
