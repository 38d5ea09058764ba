package api

import (
	"context"
	"strconv"
	"time"

	"signalbox"
	"signalbox/audience"
	"signalbox/expr"
	"signalbox/sheet"
	"signalbox/strictjson"
)

// memberOfView is a record that is in an audience: of account and contact the one that the audience holds is set.
type memberOfView struct {
	Account *accountView `json:"account"`
	Contact *contactView `json:"contact"`
	Since   stamp        `json:"since"`
}

// audienceOf reads the audience of the path.
func (a *API) audienceOf(c *call) (*signalbox.Audience, error) {
	id, err := audienceID(c)
	if err != nil {
		return nil, err
	}
	d, err := a.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return nil, err
	}
	if of := d.Audience(id); of != nil {
		return of, nil
	}
	return nil, signalbox.NoSuch("audience")
}

func (a *API) listMembersOf(c *call) (page[memberOfView], error) {
	of, err := a.audienceOf(c)
	if err != nil {
		return page[memberOfView]{}, err
	}
	p, err := c.page()
	if err != nil {
		return page[memberOfView]{}, err
	}
	items, next, err := a.membersOf(c, of, p)
	return page[memberOfView]{items: items, next: c.cursor(next)}, err
}

// membersOf answers a page of members as they stand now. One that is gone by now is left out.
func (a *API) membersOf(c *call, of *signalbox.Audience, p signalbox.Page) ([]memberOfView, int64, error) {
	rows, next, err := a.cfg.Store.AudienceMembers(c.r.Context(), c.ws(), of.ID, p)
	if err != nil {
		return nil, 0, err
	}
	if of.Of == signalbox.AccountRecord {
		items, err := membersIn(c, rows, a.cfg.Store.Account, a.accountViews, func(v *memberOfView, one *accountView) { v.Account = one })
		return items, next, err
	}
	items, err := membersIn(c, rows, a.cfg.Store.Contact, a.contactViews, func(v *memberOfView, one *contactView) { v.Contact = one })
	return items, next, err
}

func membersIn[ID ~int64, Row, View any](c *call, rows []signalbox.AudienceMember, read func(ctx context.Context, ws signalbox.WorkspaceID, id ID) (Row, error),
	views func(*call, ...Row) ([]View, error), put func(*memberOfView, *View)) ([]memberOfView, error) {
	var found []Row
	var since []stamp
	for _, m := range rows {
		row, err := read(c.r.Context(), c.ws(), ID(m.Entity))
		if signalbox.CodeOf(err) == signalbox.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		found, since = append(found, row), append(since, stamp(m.Since))
	}
	shown, err := views(c, found...)
	if err != nil {
		return nil, err
	}
	items := make([]memberOfView, len(shown))
	for i := range shown {
		items[i].Since = since[i]
		put(&items[i], &shown[i])
	}
	return items, nil
}

// The columns of an export.
var (
	accountColumns = []string{"id", "domain", "name", "status", "score", "stage", "since"}
	contactColumns = []string{"id", "email", "first_name", "last_name", "title", "linkedin_url", "account_id", "score", "stage", "since"}
)

// exportAudience writes all members as CSV, page by page: however many there are, no more than one page is held.
func (a *API) exportAudience(c *call) error {
	of, err := a.audienceOf(c)
	if err != nil {
		return err
	}
	p := signalbox.Page{Limit: signalbox.MaxPage}
	for first := true; ; first = false {
		items, next, err := a.membersOf(c, of, p)
		if err != nil {
			return err // of the first page; later it ends what was begun, and the client sees that it is cut off
		}
		var text []byte
		if first {
			h := c.Header()
			h["Content-Type"] = []string{"text/csv; charset=utf-8"}
			h["Content-Disposition"] = []string{`attachment; filename="audience-` + c.idText(signalbox.KindAudience, int64(of.ID)) + `.csv"`}
			columns := accountColumns
			if of.Of == signalbox.ContactRecord {
				columns = contactColumns
			}
			text = sheet.AppendRow(text, columns...)
		}
		for i := range items {
			text = sheet.AppendRow(text, items[i].cells()...)
		}
		if _, err := c.Write(text); err != nil || next == 0 {
			return nil // the client left, or that was all
		}
		p.Before = next
	}
}

// cells is a row of the export. A spreadsheet runs nothing of it.
func (m *memberOfView) cells() []string {
	var cells []string
	switch {
	case m.Account != nil:
		v := m.Account
		cells = []string{v.ID, value(v.Domain), value(v.Name), value(v.Status), strconv.Itoa(v.Score), value(v.Stage)}
	case m.Contact != nil:
		v := m.Contact
		cells = []string{v.ID, value(v.Email), value(v.FirstName), value(v.LastName), value(v.Title), value(v.LinkedInURL), value(v.AccountID), strconv.Itoa(v.Score), value(v.Stage)}
	}
	for i := range cells {
		cells[i] = sheet.Defuse(cells[i])
	}
	return append(cells, time.Time(m.Since).UTC().Format(time.RFC3339))
}

// How much a preview of an audience looks at.
const (
	previewRecords = 2_000
	previewSignals = 20_000 // of all records together
	previewEach    = 1_000  // of one record
	previewNames   = 20
)

// audiencePreviewForm is the body of the preview.
type audiencePreviewForm struct {
	Entity    *string        `json:"entity" required:"true" enum:"account|contact"`
	Condition strictjson.Raw `json:"condition" required:"true" doc:"As an audience has it."`
}

// audiencePreviewView says whom a condition holds of.
type audiencePreviewView struct {
	Condition string         `json:"condition"`
	Looked    int            `json:"looked_at" doc:"How many records were asked."`
	Complete  bool           `json:"complete" doc:"False: there are more."`
	Members   int            `json:"members" doc:"Of how many it holds."`
	Examples  []memberOfView `json:"examples" doc:"The first 20 of them."`
}

func (a *API) previewAudience(c *call, in *audiencePreviewForm) (audiencePreviewView, error) {
	of := signalbox.Audience{ID: 1, Name: "preview", Of: entityOf(value(in.Entity)), Ready: true}
	err := a.setCondition(&of, in.Condition)
	if err != nil {
		return audiencePreviewView{}, err
	}
	if err := audience.Check(&of); err != nil {
		return audiencePreviewView{}, err
	}
	model, err := audience.Compile([]signalbox.Audience{of}, nil)
	if err != nil {
		return audiencePreviewView{}, err
	}
	program, err := expr.Compile(of.Condition, expr.Options{Use: expr.ForRecord})
	if err != nil {
		return audiencePreviewView{}, err
	}
	p := previewing{a: a, c: c, of: &of, model: model, signals: program.Reads().Signals}
	p.out = audiencePreviewView{Condition: of.Condition, Examples: []memberOfView{}}
	if of.Of == signalbox.AccountRecord {
		err = previewOver(&p, a.cfg.Store.Accounts, a.accountViews, p.account)
	} else {
		err = previewOver(&p, a.cfg.Store.Contacts, a.contactViews, p.contact)
	}
	return p.out, err
}

// previewing is one preview under way.
type previewing struct {
	a       *API
	c       *call
	of      *signalbox.Audience
	model   *audience.Model
	signals bool // the condition asks for signals
	read    int  // how many were
	out     audiencePreviewView
}

// previewOver asks records, those with the latest signals first.
func previewOver[Row, View any](p *previewing, list func(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.RecordFilter, page signalbox.Page) ([]Row, signalbox.Place, error),
	views func(*call, ...Row) ([]View, error), ask func(*Row, *View) (bool, *memberOfView, error)) error {
	place := signalbox.Place{}
	for p.out.Looked < previewRecords && p.read < previewSignals {
		rows, next, err := list(p.c.r.Context(), p.c.ws(), signalbox.RecordFilter{Sort: signalbox.ByLastSignal}, place.Page(signalbox.MaxPage))
		if err != nil {
			return err
		}
		shown, err := views(p.c, rows...)
		if err != nil {
			return err
		}
		for i := range rows {
			if p.read >= previewSignals {
				return nil
			}
			holds, member, err := ask(&rows[i], &shown[i])
			if err != nil {
				return err
			}
			if p.out.Looked++; !holds {
				continue
			}
			if p.out.Members++; len(p.out.Examples) < previewNames {
				p.out.Examples = append(p.out.Examples, *member)
			}
		}
		if place = next; next.Before == 0 {
			p.out.Complete = true
			return nil
		}
	}
	return nil
}

func (p *previewing) account(row *signalbox.Account, v *accountView) (bool, *memberOfView, error) {
	holds, err := p.asks(signalbox.SignalFilter{Account: row.ID}, &expr.Facts{Now: p.c.now, Account: accountFacts(row, v.Score, value(v.Stage))})
	return holds, &memberOfView{Account: v, Since: stamp(p.c.now)}, err
}

func (p *previewing) contact(row *signalbox.Contact, v *contactView) (bool, *memberOfView, error) {
	facts := &expr.Facts{Now: p.c.now, Contact: contactFacts(row, v.Score, value(v.Stage))}
	if row.Account != 0 {
		account, err := p.a.cfg.Store.Account(p.c.r.Context(), p.c.ws(), row.Account)
		if err != nil && signalbox.CodeOf(err) != signalbox.NotFound {
			return false, nil, err
		}
		if err == nil {
			views, err := p.a.accountViews(p.c, account)
			if err != nil {
				return false, nil, err
			}
			facts.Account = accountFacts(&account, views[0].Score, value(views[0].Stage))
		}
	}
	holds, err := p.asks(signalbox.SignalFilter{Contact: row.ID}, facts)
	return holds, &memberOfView{Contact: v, Since: stamp(p.c.now)}, err
}

// asks says whether the condition holds of one record, by its latest signals.
func (p *previewing) asks(of signalbox.SignalFilter, facts *expr.Facts) (bool, error) {
	var st audience.State
	place := signalbox.Place{}
	for seen := 0; p.signals && seen < previewEach; {
		list, next, err := p.a.cfg.Store.Signals(p.c.r.Context(), p.c.ws(), of, place.Page(signalbox.MaxPage))
		if err != nil {
			return false, err
		}
		for i := range list {
			p.model.Note(&st, list[i].ID, signalFacts(&list[i].Signal), nil)
		}
		seen, p.read = seen+len(list), p.read+len(list)
		if place = next; next.Before == 0 {
			break
		}
	}
	p.model.Judge(p.of.Of, &st, facts, nil, nil)
	return st.In(p.of.ID), nil
}

// signalFacts, accountFacts and contactFacts are what expressions read.
func signalFacts(s *signalbox.Signal) *expr.Signal {
	return &expr.Signal{
		Type: s.Type, Source: s.Source, EventName: s.EventName, Context: s.Properties, OccurredAt: s.OccurredAt, CreatedAt: s.CreatedAt, Score: s.Points.Float(),
	}
}

func accountFacts(r *signalbox.Account, score int, stage string) *expr.Account {
	return &expr.Account{Domain: r.Domain, Name: r.Name, Status: r.Status, Attributes: r.Attributes, Score: score, Stage: stage}
}

func contactFacts(r *signalbox.Contact, score int, stage string) *expr.Contact {
	return &expr.Contact{
		Email: r.Email, FirstName: r.FirstName, LastName: r.LastName, Title: r.Title, LinkedInURL: r.LinkedInURL, Attributes: r.Attributes, Score: score, Stage: stage,
	}
}
