package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"signalbox"
	"signalbox/audience"
	"signalbox/auth"
	"signalbox/expr"
	"signalbox/strictjson"
)

// audienceRoutes are the doors of audiences.
func (a *API) audienceRoutes() []route {
	const tag = "Audiences"
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/audiences", id: "createAudience", tag: tag, need: auth.NeedWrite,
			summary: "Make an audience",
			detail: "Accounts or contacts that a condition holds of. It is `building` until a job has filled it from what is stored, and nobody is told of those whom it begins with; from then on " +
				"membership follows every signal and every change in its own commit, and time by timers, and is told as `audience.entered` and `audience.left`.",
			status: created, also: []signalbox.Code{signalbox.Conflict},
			examples: []example{
				{name: "active", summary: "Companies that were there in the last two weeks",
					body: `{"name":"Active accounts","entity":"account","condition":"within(last(signals, 'page_view'), '14d')"}`},
				{name: "structured", summary: "People, in the structured form",
					body: `{"name":"Buyers who look","entity":"contact","condition":{"all":[{"field":"contact.score","operator":"greater_than","value":20},{"field":"account.attributes.plan","operator":"equals","value":"pro"}]}}`},
			},
			answers: takes(a.createAudience),
		},
		{
			method: http.MethodGet, pattern: "/v1/audiences", id: "listAudiences", tag: tag, need: auth.NeedRead,
			summary: "List audiences", detail: "Newest first; `total` is how many there are.", status: http.StatusOK, query: paging(), answers: lists(a.listAudiences),
		},
		{
			method: http.MethodPost, pattern: "/v1/audiences/preview", id: "previewAudience", tag: tag, need: auth.NeedRead,
			summary: "See whom a condition holds of",
			detail: "Counts the records that the condition holds of among the 2,000 that had a signal last, by at most the 1,000 latest signals of each, and names the first 20. `complete` says " +
				"whether these were all records. Nothing is saved.",
			status: http.StatusOK, examples: []example{{name: "warm", summary: "Whoever has a score", body: `{"entity":"account","condition":"account.score > 0"}`}},
			answers: takes(a.previewAudience),
		},
		{
			method: http.MethodGet, pattern: "/v1/audiences/{id}", id: "getAudience", tag: tag, need: auth.NeedRead,
			summary: "Read an audience", status: http.StatusOK, answers: asks(a.getAudience),
		},
		{
			method: http.MethodPatch, pattern: "/v1/audiences/{id}", id: "updateAudience", tag: tag, need: auth.NeedWrite,
			summary: "Change an audience",
			detail:  "Only the fields that are given change; of what it holds, accounts or contacts, it stays. Another condition is filled anew: it is `building` meanwhile, and nobody is told of who enters or leaves by the change.",
			status:  http.StatusOK, also: []signalbox.Code{signalbox.Conflict},
			examples: []example{{name: "rename", summary: "Another name", body: `{"name":"Active companies"}`}},
			answers:  takes(a.updateAudience),
		},
		{
			method: http.MethodGet, pattern: "/v1/audiences/{id}/members", id: "listAudienceMembers", tag: tag, need: auth.NeedRead,
			summary: "List the members of an audience", detail: "Those who are known last first.", status: http.StatusOK, query: paging(), answers: lists(a.listMembersOf),
		},
		{
			method: http.MethodGet, pattern: "/v1/audiences/{id}/export", id: "exportAudience", tag: tag, need: auth.NeedRead,
			summary: "Export the members of an audience as CSV",
			detail:  "A row for each: its id, what names it, its score and stage, and since when it is in the audience. Values that a spreadsheet would take for a formula are quoted with an apostrophe.",
			status:  http.StatusOK, csv: true, answers: endpoint{run: a.exportAudience},
		},
	}
}

// deleteAudienceRoute stands last of the audiences' routes: the examples are run in the order of the table.
func (a *API) deleteAudienceRoute() route {
	return route{
		method: http.MethodDelete, pattern: "/v1/audiences/{id}", id: "deleteAudience", tag: "Audiences", need: auth.NeedWrite,
		summary: "Delete an audience", detail: "It is gone at once, and nobody is told that they left it. One that starts automations or notifications cannot be deleted.", status: http.StatusNoContent,
		also: []signalbox.Code{signalbox.Conflict}, answers: asks(a.deleteAudience),
	}
}

// audienceForm is the body of POST /v1/audiences.
type audienceForm struct {
	Name      *string        `json:"name" required:"true" maxlen:"200"`
	Entity    *string        `json:"entity" required:"true" enum:"account|contact"`
	Condition strictjson.Raw `json:"condition" required:"true" doc:"An expression, or {field, operator, value} in groups {all: […]} and {any: […]}, which is answered as an expression."`
}

type audiencePatch struct {
	Name      *string        `json:"name" maxlen:"200"`
	Condition strictjson.Raw `json:"condition" doc:"As when it was made."`
	Revision  *int64         `json:"revision" doc:"The revision that the change was made from: 409 when it is another one by now. Absent: whatever it is."`
}

// audienceView is an audience.
type audienceView struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Entity    string  `json:"entity" enum:"account|contact"`
	Condition string  `json:"condition"`
	Status    string  `json:"status" enum:"building|ready" doc:"building: its members are not complete yet."`
	Members   int64   `json:"members" doc:"How many are in it."`
	JobID     *string `json:"job_id" doc:"The job that fills it, while one does."`
	Revision  int64   `json:"revision"`
	CreatedAt stamp   `json:"created_at"`
	UpdatedAt stamp   `json:"updated_at"`
}

func audienceID(c *call) (signalbox.AudienceID, error) {
	return id[signalbox.AudienceID](c, signalbox.KindAudience, "audience")
}

// audienceView shows one of a workspace's definitions.
func (a *API) audienceView(c *call, d *signalbox.Definitions, id signalbox.AudienceID) (audienceView, error) {
	of, stored := d.Audience(id), d.Find(signalbox.DefinedAudience, int64(id))
	if of == nil || stored == nil {
		return audienceView{}, signalbox.NoSuch("audience")
	}
	n, err := a.cfg.Store.CountMembers(c.r.Context(), c.ws(), id)
	if err != nil {
		return audienceView{}, err
	}
	v := audienceView{
		ID: c.idText(signalbox.KindAudience, int64(id)), Name: of.Name, Entity: of.Of.String(), Condition: of.Condition, Status: "ready", Members: n,
		Revision: stored.Revision, CreatedAt: stamp(stored.CreatedAt), UpdatedAt: stamp(stored.UpdatedAt),
	}
	if !of.Ready {
		job, err := a.cfg.Store.OpenJob(c.r.Context(), c.ws(), signalbox.JobRescore)
		if err != nil {
			return audienceView{}, err
		}
		v.Status, v.JobID = "building", c.idOrNull(signalbox.KindJob, int64(job.ID))
	}
	return v, nil
}

func (a *API) readAudience(c *call, id signalbox.AudienceID) (audienceView, error) {
	d, err := a.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return audienceView{}, err
	}
	return a.audienceView(c, d, id)
}

func (a *API) createAudience(c *call, in *audienceForm) (audienceView, error) {
	of := signalbox.Audience{ID: signalbox.AudienceID(a.cfg.IDs.Next(c.now)), Name: strings.TrimSpace(value(in.Name)), Of: entityOf(value(in.Entity))}
	err := a.setCondition(&of, in.Condition)
	if err == nil {
		err = audience.Check(&of)
	}
	if err != nil {
		return audienceView{}, err
	}
	err = a.cfg.Store.Define(c.act(), c.ws(), c.now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
		return a.redefine(c, d, &of, "audience.created", nil, true)
	})
	if err != nil {
		return audienceView{}, err
	}
	a.cfg.Wake(c.now)
	return a.readAudience(c, of.ID)
}

// setCondition reads a condition for what an audience holds.
func (a *API) setCondition(of *signalbox.Audience, given strictjson.Raw) (err error) {
	if of.Condition, err = condition("condition", given, expr.ForRecord); err == nil && of.Condition == "" {
		err = signalbox.InvalidField("condition", `condition is required: an expression such as account.score >= 40`)
	}
	return err
}

// entityOf is the kind of record that a word names; 0: it names none.
func entityOf(word string) signalbox.RecordKind {
	switch word {
	case "account":
		return signalbox.AccountRecord
	case "contact":
		return signalbox.ContactRecord
	}
	return 0
}

// redefine makes the change that saves an audience: refused when all of them together would keep too much of a record. filled says that it is filled anew.
func (a *API) redefine(c *call, d *signalbox.Definitions, of *signalbox.Audience, act string, was signalbox.Facts, filled bool) (*signalbox.Redefinition, error) {
	next := *d
	next.Audiences = append(slices.DeleteFunc(slices.Clone(d.Audiences), func(o signalbox.Audience) bool { return o.ID == of.ID }), *of)
	if err := a.cfg.Scores.Together(&next); err != nil {
		return nil, err
	}
	body, err := json.Marshal(of)
	if err != nil {
		return nil, err
	}
	to := &signalbox.Redefinition{
		Put: &signalbox.Definition{ID: int64(of.ID), Workspace: c.ws(), Kind: signalbox.DefinedAudience, Code: of.Name, Body: body}, Act: act, Was: was, Is: audienceFacts(of),
	}
	if filled {
		to.Job, err = a.rescoring(c, signalbox.Rescoring{Follow: true, Of: of.Of})
	}
	return to, err
}

func audienceFacts(of *signalbox.Audience) signalbox.Facts {
	return signalbox.Facts{"name": of.Name, "entity": of.Of.String(), "condition": of.Condition}
}

func (a *API) listAudiences(c *call) (page[audienceView], error) {
	p, err := c.page()
	if err != nil {
		return page[audienceView]{}, err
	}
	d, err := a.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return page[audienceView]{}, err
	}
	total, lastID := len(d.Audiences), int64(0)
	out := page[audienceView]{total: &total}
	for _, of := range slices.Backward(d.Audiences) { // they stand in the order of their ids
		if p.Before != 0 && int64(of.ID) >= p.Before {
			continue
		}
		if len(out.items) == p.Limit {
			out.next = c.cursor(lastID)
			break
		}
		lastID = int64(of.ID)
		v, err := a.audienceView(c, d, of.ID)
		if err != nil {
			return page[audienceView]{}, err
		}
		out.items = append(out.items, v)
	}
	return out, nil
}

func (a *API) getAudience(c *call) (audienceView, error) {
	id, err := audienceID(c)
	if err != nil {
		return audienceView{}, err
	}
	return a.readAudience(c, id)
}

func (a *API) updateAudience(c *call, in *audiencePatch) (audienceView, error) {
	id, err := audienceID(c)
	if err != nil {
		return audienceView{}, err
	}
	err = a.cfg.Store.Define(c.act(), c.ws(), c.now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
		old := d.Audience(id)
		if old == nil {
			return nil, signalbox.NoSuch("audience")
		}
		if at := d.Find(signalbox.DefinedAudience, int64(id)).Revision; in.Revision != nil && *in.Revision != at {
			return nil, signalbox.Errorf(signalbox.Conflict, "the audience is at revision %d, not %d: somebody changed it meanwhile; read it again", at, *in.Revision)
		}
		of := *old
		if in.Name != nil {
			of.Name = strings.TrimSpace(value(in.Name))
		}
		if len(in.Condition) > 0 {
			if err := a.setCondition(&of, in.Condition); err != nil {
				return nil, err
			}
		}
		if err := audience.Check(&of); err != nil {
			return nil, err
		}
		filled := of.Condition != old.Condition
		if filled {
			of.Ready = false
		}
		return a.redefine(c, d, &of, "audience.updated", audienceFacts(old), filled)
	})
	if err != nil {
		return audienceView{}, err
	}
	a.cfg.Wake(c.now)
	return a.readAudience(c, id)
}

func (a *API) deleteAudience(c *call) (none, error) {
	id, err := audienceID(c)
	if err != nil {
		return none{}, err
	}
	err = a.cfg.Store.Define(c.act(), c.ws(), c.now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
		old := d.Audience(id)
		if old == nil {
			return nil, signalbox.NoSuch("audience")
		}
		if err := namedByTrigger(d, old.Name, "deleted", func(t *signalbox.Trigger) bool { return t.Audience == id }); err != nil {
			return nil, err
		}
		return &signalbox.Redefinition{
			Drop: d.Find(signalbox.DefinedAudience, int64(id)), Act: "audience.deleted", Was: audienceFacts(old),
			Job: &signalbox.Job{
				ID: signalbox.JobID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), Kind: signalbox.JobEmptyAudience, Status: signalbox.JobQueued, Subject: int64(id),
				CreatedAt: c.now, UpdatedAt: c.now,
			},
		}, nil
	})
	if err == nil {
		a.cfg.Wake(c.now)
	}
	return none{}, err
}
