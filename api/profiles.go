package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"signalbox"
	"signalbox/auth"
	"signalbox/fit"
)

// profiles are the doors of ICPs and of personas, which are the same doors over other definitions. A profile is checked under the lock that saves it: what
// it names is there when it is saved, and stays for as long as it names it.
type profiles struct {
	api    *API
	kind   signalbox.DefinitionKind
	ids    signalbox.Kind
	path   string // /v1/icps
	title  string // ICP, as the names of operations have it
	named  string // an ICP, as people say
	judges string // whom it judges
	made   []example
}

func (a *API) icps() *profiles {
	return &profiles{api: a, kind: signalbox.DefinedICP, ids: signalbox.KindICP, path: "/v1/icps", title: "ICP", named: "an ICP", judges: "companies", made: []example{
		{name: "saas", summary: "Mid-market SaaS, in both ways to write a condition",
			body: `{"code":"Mid-market SaaS","status":"live","priority":10,"parameters":[{"name":"Size","field":"account.attributes.employees","operator":"greater_than","value":50,"mode":"filter"},{"name":"Industry","expression":"account.attributes.industry == \"SaaS\"","mode":"score","weight":8,"on_missing":"neutral"},{"name":"Active","expression":"count(signals, \"page_view\", \"30d\") >= 3","mode":"score","weight":2},{"name":"Competitor","expression":"account.status == \"competitor\"","mode":"exclude"}]}`},
		{name: "draft", summary: "A draft, which judges nothing yet",
			body: `{"code":"Retail","parameters":[{"name":"Shops","expression":{"any":[{"field":"account.attributes.shops","operator":"greater_or_equal","value":5},{"field":"account.attributes.industry","operator":"equals","value":"Retail"}]},"mode":"score","on_missing":"fail"}]}`},
	}}
}

func (a *API) personas() *profiles {
	return &profiles{api: a, kind: signalbox.DefinedPersona, ids: signalbox.KindPersona, path: "/v1/personas", title: "Persona", named: "a persona", judges: "people within ICPs", made: []example{
		{name: "leader", summary: "Engineering leaders, at companies of one ICP",
			body: `{"code":"Engineering leader","icp_codes":["Mid-market SaaS"],"status":"live","parameters":[{"name":"Title","expression":"contact.title.contains(\"Engineer\") || contact.title.contains(\"CTO\")","mode":"filter"},{"name":"Senior","field":"contact.attributes.seniority","operator":"in","value":["vp","c_level"],"mode":"score","weight":6}]}`},
	}}
}

// profileRoutes are the doors of ICPs and personas. An ICP that a persona names stays: personas are deleted first.
func (a *API) profileRoutes() []route {
	icps, personas := a.icps(), a.personas()
	return slices.Concat(icps.routes(), personas.routes(), []route{personas.deletion(), icps.deletion()})
}

func (p *profiles) routes() []route {
	const tag = "ICPs and personas"
	both := []signalbox.Code{signalbox.Conflict}
	sample := `"account_id":"acc_01m3w6r2c9f4t8qk7n5jv1xhda"`
	return []route{
		{
			method: http.MethodPost, pattern: p.path, id: "create" + p.title, tag: tag, need: auth.NeedWrite,
			summary: "Make " + p.named, detail: "It judges " + p.judges + " by its parameters. A parameter is given as an `expression`, or as `field`, `operator` and `value`; it is answered as its expression. A draft judges nothing.",
			status: created, also: both, examples: p.made, answers: takes(p.create),
		},
		{
			method: http.MethodGet, pattern: p.path, id: "list" + p.title + "s", tag: tag, need: auth.NeedRead,
			summary: "List " + p.plural(), detail: "Newest first.", status: http.StatusOK, query: paging(), answers: lists(p.list),
		},
		{
			method: http.MethodPost, pattern: p.path + "/test", id: "test" + p.title + "Draft", tag: tag, need: auth.NeedRead,
			summary: "Judge a record by " + p.named + " that is not saved", detail: testDetail, status: http.StatusOK,
			examples: []example{{name: "draft", summary: "What would come of it",
				body: `{"profile":{"code":"Known companies","parameters":[{"name":"Known","expression":"account.domain != \"\"","mode":"score"}]},` + sample + `}`}},
			answers: takes(p.testDraft),
		},
		{
			method: http.MethodGet, pattern: p.path + "/{id}", id: "get" + p.title, tag: tag, need: auth.NeedRead,
			summary: "Read " + p.named, status: http.StatusOK, answers: asks(p.get),
		},
		{
			method: http.MethodPatch, pattern: p.path + "/{id}", id: "update" + p.title, tag: tag, need: auth.NeedWrite,
			summary: "Change " + p.named, detail: "Only the fields that are given change; `parameters` are replaced whole. " + p.renaming(),
			status: http.StatusOK, also: both,
			examples: []example{{name: "live", summary: "It judges from now on", body: `{"status":"live","priority":20}`}},
			answers:  takes(p.update),
		},
		{
			method: http.MethodPost, pattern: p.path + "/{id}/test", id: "test" + p.title, tag: tag, need: auth.NeedRead,
			summary: "Judge a record by " + p.named, detail: testDetail, status: http.StatusOK,
			examples: []example{{name: "account", summary: "An account", body: `{` + sample + `}`}},
			answers:  takes(p.test),
		},
	}
}

func (p *profiles) deletion() route {
	return route{
		method: http.MethodDelete, pattern: p.path + "/{id}", id: "delete" + p.title, tag: "ICPs and personas", need: auth.NeedWrite,
		summary: "Delete " + p.named, detail: strings.TrimSpace("It judges nobody any more. " + p.renaming()),
		status: http.StatusNoContent, also: []signalbox.Code{signalbox.Conflict}, answers: asks(p.remove),
	}
}

func (p *profiles) plural() string {
	_, word, _ := strings.Cut(p.named, " ")
	return word + "s"
}

// renaming says what is named by others.
func (p *profiles) renaming() string {
	if p.kind == signalbox.DefinedICP {
		return "An ICP that personas or triggers of automations name can be neither renamed nor deleted."
	}
	return "A persona that triggers of automations name can be neither renamed nor deleted."
}

func (p *profiles) create(c *call, in *profileForm) (profileView, error) {
	put, err := in.read()
	if err != nil {
		return profileView{}, err
	}
	return p.define(c, 0, nil, put)
}

func (p *profiles) update(c *call, in *profilePatch) (profileView, error) {
	id, err := p.asked(c)
	if err != nil {
		return profileView{}, err
	}
	put, err := in.read()
	if err != nil {
		return profileView{}, err
	}
	return p.define(c, id, in.Revision, put)
}

// define changes a profile, or makes one when the id is 0. What changes nothing is no new revision.
func (p *profiles) define(c *call, id int64, revision *int64, put func(*signalbox.Profile)) (profileView, error) {
	fresh := id == 0
	if fresh {
		id = p.api.cfg.IDs.Next(c.now)
	}
	var made signalbox.Definition
	var profile signalbox.Profile
	err := p.api.cfg.Store.Define(c.act(), c.ws(), c.now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
		profile = signalbox.Profile{}
		to := &signalbox.Redefinition{Put: &made, Act: string(p.kind) + ".created"}
		made = signalbox.Definition{ID: id, Workspace: c.ws(), Kind: p.kind}
		var was []byte
		if !fresh {
			stored, err := p.found(d, id)
			if err != nil {
				return nil, err
			}
			if revision != nil && *revision != stored.Revision {
				return nil, signalbox.Errorf(signalbox.Conflict, "%q is at revision %d, not %d: somebody changed it meanwhile; read it again", clip(stored.Code), stored.Revision, *revision)
			}
			if profile, err = profileOf(stored); err != nil {
				return nil, err
			}
			made, was = *stored, stored.Body
			to.Act, to.Was = string(p.kind)+".updated", profileFacts(&profile)
		}
		old := profile
		put(&profile)
		if err := p.check(d, &profile); err != nil {
			return nil, err
		}
		if !fresh && profile.Code != old.Code {
			if err := p.namedBy(d, old.Code, "renamed"); err != nil {
				return nil, err
			}
		}
		if other := d.Called(p.kind, profile.Code); other != nil && other.ID != id {
			return nil, &signalbox.Error{Code: signalbox.Conflict, Param: "code", Msg: fmt.Sprintf("there is %s with the code %q already", p.named, clip(profile.Code))}
		}
		var err error
		if made.Body, err = json.Marshal(profile); err != nil {
			return nil, err
		}
		if bytes.Equal(made.Body, was) && profile.Code == old.Code {
			return nil, nil
		}
		made.Code, to.Is = profile.Code, profileFacts(&profile)
		to.Job, err = p.follow(c, d, &old, &profile)
		return to, err
	})
	if err != nil {
		return profileView{}, err
	}
	p.api.cfg.Wake(c.now)
	return p.view(c, &made, &profile), nil
}

// follow refuses a profile that, beside what else is defined, would keep too much of a record. One that asks for signals is given those that are stored, by
// a job; nil: it asks for none, or asked the same before, or judges nothing. old is what it was.
func (p *profiles) follow(c *call, d *signalbox.Definitions, old, one *signalbox.Profile) (*signalbox.Job, error) {
	if !one.Live {
		return nil, nil
	}
	next := *d
	list := &next.ICPs
	if p.kind == signalbox.DefinedPersona {
		list = &next.Personas
	}
	others := slices.DeleteFunc(slices.Clone(*list), func(o signalbox.Profile) bool { return o.Code == old.Code })
	*list = append(others, *one)
	if err := p.api.cfg.Scores.Together(&next); err != nil {
		return nil, err
	}
	if old.Live && slices.Equal(old.Parameters, one.Parameters) {
		return nil, nil
	}
	atoms, err := fit.Atoms(one)
	if err != nil || len(atoms) == 0 {
		return nil, err
	}
	return p.api.rescoring(c, signalbox.Rescoring{Follow: true})
}

// namedBy refuses what would leave triggers without a profile that they name, or personas without an ICP.
func (p *profiles) namedBy(d *signalbox.Definitions, code, done string) error {
	err := namedByTrigger(d, code, done, func(t *signalbox.Trigger) bool {
		return p.kind == signalbox.DefinedICP && t.ICP == code || p.kind == signalbox.DefinedPersona && t.Persona == code
	})
	if err != nil {
		return err
	}
	if p.kind != signalbox.DefinedICP {
		return nil
	}
	var names []string
	for i := range d.Personas {
		if slices.Contains(d.Personas[i].ICPCodes, code) {
			names = append(names, fmt.Sprintf("%q", clip(d.Personas[i].Code)))
		}
	}
	const most = 5
	switch n := len(names); {
	case n == 0:
		return nil
	case n > most:
		names = append(names[:most], fmt.Sprintf("%d more", n-most))
	}
	return signalbox.Errorf(signalbox.Conflict, "%q cannot be %s while personas name it: %s. Take it out of their icp_codes first", clip(code), done, strings.Join(names, ", "))
}

func (p *profiles) list(c *call) (page[profileView], error) {
	asked, err := c.page()
	if err != nil {
		return page[profileView]{}, err
	}
	d, err := p.api.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return page[profileView]{}, err
	}
	var own []*signalbox.Definition
	for i := range d.Defined {
		if d.Defined[i].Kind == p.kind {
			own = append(own, &d.Defined[i])
		}
	}
	slices.SortFunc(own, func(a, b *signalbox.Definition) int { return cmp.Compare(b.ID, a.ID) })
	total := len(own)
	if asked.Before != 0 {
		own = slices.DeleteFunc(own, func(one *signalbox.Definition) bool { return one.ID >= asked.Before })
	}
	out := page[profileView]{total: &total}
	if len(own) > asked.Limit {
		own = own[:asked.Limit]
		out.next = c.cursor(own[asked.Limit-1].ID)
	}
	for _, one := range own {
		profile, err := profileOf(one)
		if err != nil {
			return page[profileView]{}, err
		}
		out.items = append(out.items, p.view(c, one, &profile))
	}
	return out, nil
}

func (p *profiles) get(c *call) (profileView, error) {
	one, profile, err := p.stored(c)
	if err != nil {
		return profileView{}, err
	}
	return p.view(c, one, &profile), nil
}

// stored reads the profile of the path.
func (p *profiles) stored(c *call) (one *signalbox.Definition, profile signalbox.Profile, err error) {
	id, err := p.asked(c)
	if err != nil {
		return nil, profile, err
	}
	d, err := p.api.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return nil, profile, err
	}
	if one, err = p.found(d, id); err != nil {
		return nil, profile, err
	}
	profile, err = profileOf(one)
	return one, profile, err
}

// asked is the profile that the path names.
func (p *profiles) asked(c *call) (int64, error) {
	n, err := id[signalbox.ProfileID](c, p.ids, string(p.kind))
	return int64(n), err
}

func (p *profiles) found(d *signalbox.Definitions, id int64) (*signalbox.Definition, error) {
	if one := d.Find(p.kind, id); one != nil {
		return one, nil
	}
	return nil, signalbox.NoSuch(string(p.kind))
}

func profileOf(one *signalbox.Definition) (p signalbox.Profile, err error) {
	if err = json.Unmarshal(one.Body, &p); err != nil {
		return p, fmt.Errorf("%s %q: %w", one.Kind, one.Code, err)
	}
	p.Code, p.Version = one.Code, one.Revision
	return p, nil
}

func (p *profiles) remove(c *call) (none, error) {
	id, err := p.asked(c)
	if err != nil {
		return none{}, err
	}
	return none{}, p.api.cfg.Store.Define(c.act(), c.ws(), c.now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
		old, err := p.found(d, id)
		if err != nil {
			return nil, err
		}
		if err := p.namedBy(d, old.Code, "deleted"); err != nil {
			return nil, err
		}
		profile, err := profileOf(old)
		if err != nil {
			return nil, err
		}
		return &signalbox.Redefinition{Drop: old, Act: string(p.kind) + ".deleted", Was: profileFacts(&profile)}, nil
	})
}

// profileFacts are what the audit log says of an ICP or a persona.
func profileFacts(p *signalbox.Profile) signalbox.Facts {
	var f signalbox.Facts
	text, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return signalbox.Facts{}
	}
	delete(f, "live")
	f["code"], f["status"], f["priority"] = p.Code, shownStatus(p), p.Priority
	if f["icp_codes"] == nil {
		f["icp_codes"] = []any{}
	}
	return f
}

// profileView is an ICP or a persona.
type profileView struct {
	ID         string          `json:"id"`
	Code       string          `json:"code"`
	Status     string          `json:"status" enum:"draft|live"`
	Priority   int             `json:"priority" doc:"Of two with the same score the one with the higher priority wins."`
	ICPCodes   []string        `json:"icp_codes,omitzero" doc:"Of a persona alone: the ICPs that it belongs to; none: every one."`
	Parameters []parameterView `json:"parameters"`
	Revision   int64           `json:"revision" doc:"Grows with each change."`
	CreatedAt  stamp           `json:"created_at"`
	UpdatedAt  stamp           `json:"updated_at"`
}

type parameterView struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
	Mode       string `json:"mode" enum:"filter|score|exclude"`
	Weight     *int   `json:"weight" doc:"Null: it does not score."`
	OnMissing  string `json:"on_missing" enum:"fail|pass|neutral"`
}

func (p *profiles) view(c *call, one *signalbox.Definition, profile *signalbox.Profile) profileView {
	v := profileView{
		ID: c.idText(p.ids, one.ID), Code: one.Code, Status: shownStatus(profile), Priority: profile.Priority, Parameters: make([]parameterView, len(profile.Parameters)),
		Revision: one.Revision, CreatedAt: stamp(one.CreatedAt), UpdatedAt: stamp(one.UpdatedAt),
	}
	if p.kind == signalbox.DefinedPersona {
		v.ICPCodes = append([]string{}, profile.ICPCodes...)
	}
	for i, q := range profile.Parameters {
		v.Parameters[i] = parameterView{Name: q.Name, Expression: q.When, Mode: string(q.Mode), Weight: weightOrNull(q.Weight), OnMissing: string(q.OnMissing)}
	}
	return v
}

// The two statuses.
const (
	statusDraft = "draft"
	statusLive  = "live"
)

func shownStatus(p *signalbox.Profile) string {
	if p.Live {
		return statusLive
	}
	return statusDraft
}

func weightOrNull(weight int) *int {
	if weight == 0 {
		return nil
	}
	return &weight
}
