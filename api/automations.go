package api

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"signalbox"
	"signalbox/auth"
	"signalbox/automate"
	"signalbox/strictjson"
)

// How many automations a page holds (contract section 2).
const (
	maxAutomationsPage   = 100
	usualAutomationsPage = 50
)

// automationRoutes are the doors of automations.
func (a *API) automationRoutes() []route {
	const tag = "Automations"
	both := []signalbox.Code{signalbox.Conflict}
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/automations", id: "createAutomation", tag: tag, need: auth.NeedWrite,
			summary: "Make an automation",
			detail: "It does something when something happens: `trigger` says what starts it, `conditions` what must hold besides, `action` what is done. It is disabled unless it says otherwise, and " +
				"starts nothing of the past. The answer of one that sends something shows the signing `secret`, once.",
			status: created, bare: true, also: both, examples: automationExamples(),
			answers: raw[automationForm, savedAutomation](a.createAutomation),
		},
		{
			method: http.MethodGet, pattern: "/v1/automations", id: "listAutomations", tag: tag, need: auth.NeedRead,
			summary: "List automations", detail: "Newest first. Notifications are not among them.", status: http.StatusOK, bare: true,
			query: []param{
				{name: "type", kind: words, enum: []string{typeOutgoing, typeIncoming}, doc: "Only automations of this type."},
				{name: "enabled", kind: words, enum: []string{"true", "false"}, doc: "Only those that are enabled, or are not."},
				{name: "limit", kind: integer, doc: "How many rows: 1 to " + strconv.Itoa(maxAutomationsPage) + ", " + strconv.Itoa(usualAutomationsPage) + " unless given."},
				{name: "cursor", kind: text, doc: "Where to go on: `next_cursor` of the answer before, with the same filters."},
			},
			answers: asks(a.listAutomations),
		},
		{
			method: http.MethodGet, pattern: "/v1/automations/{id}", id: "getAutomation", tag: tag, need: auth.NeedRead,
			summary: "Read an automation", status: http.StatusOK, bare: true, answers: asks(a.getAutomation),
		},
		{
			method: http.MethodPatch, pattern: "/v1/automations/{id}", id: "updateAutomation", tag: tag, need: auth.NeedWrite,
			summary: "Change an automation",
			detail: "Only the fields that are given change; `trigger`, `conditions`, `frequency`, `action` and `actions` are replaced whole, and the secret is kept. Runs that wait go on by what it is when " +
				"they are due.",
			status: http.StatusOK, bare: true, also: both,
			examples: []example{{name: "slower", summary: "At most once a week for each company", body: `{"name":"High intent → sales","frequency":{"mode":"cooldown","duration":"7d","per":"account"},"delay":null}`}},
			answers:  takes(a.updateAutomation),
		},
		{
			method: http.MethodPost, pattern: "/v1/automations/{id}/disable", id: "disableAutomation", tag: tag, need: auth.NeedWrite,
			summary: "Disable an automation", detail: "Nothing starts it any more, and runs that wait end when they are due. What is on its way already is sent.",
			status: http.StatusOK, bare: true, bodyOptional: true, answers: asks(a.disableAutomation),
		},
		{
			method: http.MethodPost, pattern: "/v1/automations/{id}/enable", id: "enableAutomation", tag: tag, need: auth.NeedWrite,
			summary: "Enable an automation", detail: "It is started by what happens from now on.", status: http.StatusOK, bare: true, bodyOptional: true, also: both,
			answers: asks(a.enableAutomation),
		},
		a.automations().whyRoute(),
	}
}

// deleteAutomationRoute stands last: the examples are run in the order of the table.
func (a *API) deleteAutomationRoute() route {
	return route{
		method: http.MethodDelete, pattern: "/v1/automations/{id}", id: "deleteAutomation", tag: "Automations", need: auth.NeedWrite,
		summary: "Delete an automation", detail: "It is gone at once. What it still had to send ends as `failed`, with the reason `webhook_deleted`.",
		status: http.StatusNoContent, answers: asks(a.deleteAutomation),
	}
}

func automationExamples() []example {
	return []example{
		{name: "trial", summary: "Tell sales of a trial, with the signal and its contact",
			body: `{"name":"High-intent trial → notify sales","type":"outgoing","enabled":true,"trigger":{"type":"signal_received","signal_type":"product_trial_started","source":"internal_app"},"conditions":[{"field":"signal.properties.plan","operator":"equals","value":"pro"},"account.score >= 20"],"frequency":{"mode":"once_per_contact"},"action":{"type":"webhook","config":{"url":"https://hooks.example.com/sales"}}}`},
		{name: "score", summary: "Several actions, an hour after a score is reached",
			body: `{"name":"Warm account","trigger":{"type":"score_threshold","entity_type":"account","threshold":65,"direction":"above"},"conditions":["count(signals, 'page_view', '30d') >= 3"],"frequency":{"mode":"cooldown","duration":"7d","per":"account"},"delay":"1h","per_hour":100,"actions":[{"type":"webhook","config":{"url":"https://api.example.com/accounts/{{ account.domain }}","method":"PUT","headers":{"X-Api-Key":"k-123"},"body":{"score":"{{ account.score }}","text":"{{ account.name }} is warm"}}},{"type":"email","config":{"to":"sales@example.com","subject":"{{ account.name }} is warm","text":"Its score is {{ account.score }}."}},{"type":"update","config":{"entity":"account","attributes":{"warm":true}}}]}`},
		{name: "event", summary: "The form {event, conditions}",
			body: `{"name":"Demo asked for","trigger":{"event":"signal.created","conditions":["signal.type == 'demo_requested'"]},"action":{"type":"slack","config":{"webhook_url":"https://hooks.slack.com/services/T0/B0/example","text":"Demo for {{ account.name }}"}}}`},
	}
}

// automations and notifications are the two that definitions of the kind automation hold.
func (a *API) automations() *started   { return &started{api: a, thing: "automation"} }
func (a *API) notifications() *started { return &started{api: a, thing: "notification", notices: true} }

// started is what automations and notifications have in common. One is checked under the lock that saves it: what it names is there when it is saved.
type started struct {
	api     *API
	thing   string
	notices bool
}

// asked is the one that the path names.
func (k *started) asked(c *call) (signalbox.AutomationID, error) {
	return id[signalbox.AutomationID](c, signalbox.KindAutomation, k.thing)
}

// found is one of a workspace's definitions, as it is and as it is stored.
func (k *started) found(d *signalbox.Definitions, id signalbox.AutomationID) (*signalbox.Automation, *signalbox.Definition, error) {
	one, stored := d.Automation(id), d.Find(signalbox.DefinedAutomation, int64(id))
	if one == nil || stored == nil || (one.Notification != nil) != k.notices {
		return nil, nil, signalbox.NoSuch(k.thing)
	}
	return one, stored, nil
}

// stored reads the one of the path, with all that is defined.
func (k *started) stored(c *call) (d *signalbox.Definitions, one *signalbox.Automation, stored *signalbox.Definition, err error) {
	id, err := k.asked(c)
	if err != nil {
		return nil, nil, nil, err
	}
	if d, err = k.api.cfg.Store.Definitions(c.r.Context(), c.ws()); err != nil {
		return nil, nil, nil, err
	}
	one, stored, err = k.found(d, id)
	return d, one, stored, err
}

// of lists them as they are stored, newest first; which narrows them.
func (k *started) of(d *signalbox.Definitions, which func(*signalbox.Automation) bool) []*signalbox.Definition {
	var list []*signalbox.Definition
	for i := range d.Automations {
		if one := &d.Automations[i]; (one.Notification != nil) == k.notices && which(one) {
			list = append(list, d.Find(signalbox.DefinedAutomation, int64(one.ID)))
		}
	}
	slices.SortFunc(list, func(a, b *signalbox.Definition) int { return cmp.Compare(b.ID, a.ID) })
	return list
}

// pageOf cuts a page out of definitions, newest first.
func (c *call) pageOf(list []*signalbox.Definition, p signalbox.Page) (page []*signalbox.Definition, next string) {
	if p.Before != 0 {
		list = slices.DeleteFunc(list, func(one *signalbox.Definition) bool { return one.ID >= p.Before })
	}
	if len(list) > p.Limit {
		list = list[:p.Limit]
		next = c.cursor(list[p.Limit-1].ID)
	}
	return list, next
}

// check says what is wrong with one that is to be saved.
func (k *started) check(d *signalbox.Definitions, one *signalbox.Automation) error {
	return automate.Check(one, automate.Options{SlackHosts: k.api.cfg.SlackHosts, CheckHeaders: k.api.cfg.CheckHeaders, Definitions: d})
}

// reach asks whether what it sends to may be reached; names are looked up, so that nothing is locked meanwhile.
func (k *started) reach(c *call, one *signalbox.Automation) error {
	targets, err := automate.Targets(one)
	if err != nil {
		return err
	}
	for _, target := range targets {
		err := k.api.cfg.Targets.CheckTarget(c.r.Context(), target.URL)
		if err != nil && c.r.Context().Err() != nil {
			return err
		}
		if err := paramError(target.Param, err); err != nil {
			return err
		}
	}
	return nil
}

// change changes the one of an id; fresh, unless it is nil, is what a new one begins as. It answers the one as it is saved, and the secret where one was made.
func (k *started) change(c *call, id signalbox.AutomationID, fresh *signalbox.Automation, ch *automationChange) (one signalbox.Automation, stored signalbox.Definition, secret string, err error) {
	d, err := k.api.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return one, stored, "", err
	}
	if one, _, err = k.next(d, id, fresh, ch); err != nil {
		return one, stored, "", ch.asGiven(err)
	}
	if ch.actions {
		if err := k.reach(c, &one); err != nil {
			return one, stored, "", ch.asGiven(err)
		}
	}
	err = k.api.cfg.Store.Define(c.act(), c.ws(), c.now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
		next, was, err := k.next(d, id, fresh, ch)
		if err != nil {
			return nil, err
		}
		one = next
		to, made, err := k.redefine(c, d, was, &one, &stored)
		secret = made
		return to, err
	})
	if err != nil {
		return one, stored, "", ch.asGiven(err)
	}
	k.api.cfg.Wake(c.now)
	return one, stored, secret, nil
}

// next is what a change makes of what is stored, checked; was is that, nil for a new one.
func (k *started) next(d *signalbox.Definitions, id signalbox.AutomationID, fresh *signalbox.Automation, ch *automationChange) (one signalbox.Automation, was *signalbox.Automation, err error) {
	if fresh != nil {
		one = *fresh
	} else {
		old, stored, err := k.found(d, id)
		if err != nil {
			return one, nil, err
		}
		if ch.revision != nil && *ch.revision != stored.Revision {
			return one, nil, signalbox.Errorf(signalbox.Conflict, "the %s is at revision %d, not %d: somebody changed it meanwhile; read it again", k.thing, stored.Revision, *ch.revision)
		}
		one, was = *old, old
	}
	if err := ch.apply(&one); err != nil {
		return one, nil, err
	}
	if ch.disables {
		return one, was, nil // one can be switched off whatever has become of what it names
	}
	return one, was, k.check(d, &one)
}

// redefine makes the change that saves one; nil where nothing changes. stored is as what it will be.
func (k *started) redefine(c *call, d *signalbox.Definitions, was, one *signalbox.Automation, stored *signalbox.Definition) (to *signalbox.Redefinition, secret string, err error) {
	*stored = signalbox.Definition{ID: int64(one.ID), Workspace: c.ws(), Kind: signalbox.DefinedAutomation, Code: c.idText(signalbox.KindAutomation, int64(one.ID))}
	if stored.Body, err = encodeDefinition(one); err != nil {
		return nil, "", err
	}
	to = &signalbox.Redefinition{Put: stored, Act: "automation.created", Name: one.Name}
	if was != nil {
		old := d.Find(signalbox.DefinedAutomation, int64(one.ID))
		if to.Act = "automation.updated"; bytes.Equal(old.Body, stored.Body) {
			*stored = *old
			return nil, "", nil
		}
	}
	if to.Was, to.Is, err = c.automationFacts(was, one); err != nil {
		return nil, "", err
	}
	if to.Lane, secret, err = k.api.lane(c, d, was, one); err != nil {
		return nil, "", err
	}
	to.Job, err = k.follow(c, d, was, one)
	return to, secret, err
}

// follow refuses one whose conditions, beside what else is defined, would keep too much of a record. One that asks for signals as it did not before is given those
// that are stored, by a job; nil: it does not.
func (k *started) follow(c *call, d *signalbox.Definitions, was, one *signalbox.Automation) (*signalbox.Job, error) {
	asks, err := asksAnew(was, one)
	if !asks || err != nil {
		return nil, err
	}
	next := *d
	next.Automations = append(slices.DeleteFunc(slices.Clone(d.Automations), func(o signalbox.Automation) bool { return o.ID == one.ID }), *one)
	if err := k.api.cfg.Scores.Together(&next); err != nil {
		return nil, err
	}
	return k.api.rescoring(c, signalbox.Rescoring{Follow: true})
}

// asksAnew says whether the conditions ask for signals in a way that the ones before did not.
func asksAnew(was, one *signalbox.Automation) (bool, error) {
	atoms := func(of *signalbox.Automation) (map[string]int, error) {
		keeps := map[string]int{}
		if of == nil {
			return keeps, nil
		}
		m, err := automate.Compile([]signalbox.Automation{*of})
		if err != nil {
			return nil, err
		}
		for _, atom := range m.Atoms() {
			keeps[atom.Key] = atom.Keep
		}
		return keeps, nil
	}
	before, err := atoms(was)
	if err != nil {
		before = nil // what cannot be read any more asked for nothing
	}
	after, err := atoms(one)
	for key, keep := range after {
		if keep > before[key] {
			return true, err
		}
	}
	return false, err
}

func (a *API) createAutomation(c *call) error {
	body, release, err := c.body(maxBody)
	if err != nil {
		return err
	}
	defer release()
	if isIncoming(body) {
		return unknownAutomationType(typeIncoming)
	}
	var in automationForm
	if err := strictjson.UnmarshalKnown(body, &in); err != nil {
		return err
	}
	if in.Trigger == nil {
		return signalbox.InvalidField("trigger", "trigger is required: what starts it, as in {\"type\":\"signal_received\",\"signal_type\":\"demo_requested\"}")
	}
	if in.Action == nil && in.Actions == nil {
		return signalbox.InvalidField("action", "action is required: what is done, as in {\"type\":\"webhook\",\"config\":{\"url\":\"https://…\"}}; or actions, for several")
	}
	id := signalbox.AutomationID(a.cfg.IDs.Next(c.now))
	ch, err := in.patch().read(a, c, id)
	if err != nil {
		return err
	}
	out, err := a.saveAutomation(c, id, &signalbox.Automation{ID: id}, ch)
	if err != nil {
		return err
	}
	return c.answer(out)
}

func (a *API) saveAutomation(c *call, id signalbox.AutomationID, fresh *signalbox.Automation, ch *automationChange) (savedAutomation, error) {
	one, stored, secret, err := a.automations().change(c, id, fresh, ch)
	if err != nil {
		return savedAutomation{}, err
	}
	return savedAutomation{automationView: c.automationView(&one, &stored), Secret: textOrNull(secret)}, nil
}

func (a *API) updateAutomation(c *call, in *automationPatch) (savedAutomation, error) {
	id, err := a.automations().asked(c)
	if err != nil {
		return savedAutomation{}, err
	}
	ch, err := in.read(a, c, id)
	if err != nil {
		return savedAutomation{}, err
	}
	return a.saveAutomation(c, id, nil, ch)
}

func (a *API) enableAutomation(c *call) (savedAutomation, error) {
	return a.switchAutomation(c, true)
}

func (a *API) disableAutomation(c *call) (savedAutomation, error) {
	return a.switchAutomation(c, false)
}

func (a *API) switchAutomation(c *call, enabled bool) (savedAutomation, error) {
	id, err := a.automations().asked(c)
	if err != nil {
		return savedAutomation{}, err
	}
	return a.saveAutomation(c, id, nil, switching(enabled))
}

// switching is the change that enables one, or disables it.
func switching(enabled bool) *automationChange {
	return &automationChange{disables: !enabled, apply: func(one *signalbox.Automation) error {
		one.Enabled = enabled
		return nil
	}}
}

func (a *API) getAutomation(c *call) (automationView, error) {
	_, one, stored, err := a.automations().stored(c)
	if err != nil {
		return automationView{}, err
	}
	return c.automationView(one, stored), nil
}

func (a *API) listAutomations(c *call) (automationList, error) {
	limit, err := c.whole("limit", 1, maxAutomationsPage, usualAutomationsPage)
	if err != nil {
		return automationList{}, err
	}
	before, err := c.place()
	if err != nil {
		return automationList{}, err
	}
	typ, enabled := c.query.Get("type"), c.query.Get("enabled")
	if typ != "" && typ != typeOutgoing && typ != typeIncoming {
		return automationList{}, signalbox.InvalidField("type", "type must be outgoing or incoming")
	}
	if enabled != "" && enabled != "true" && enabled != "false" {
		return automationList{}, signalbox.InvalidField("enabled", "enabled must be true or false")
	}
	d, err := a.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return automationList{}, err
	}
	all := a.automations().of(d, func(one *signalbox.Automation) bool {
		return typ != typeIncoming && (enabled == "" || one.Enabled == (enabled == "true"))
	})
	out := automationList{Automations: []automationView{}, Total: len(all)}
	rows, next := c.pageOf(all, signalbox.Page{Limit: limit, Before: before})
	out.NextCursor = textOrNull(next)
	for _, stored := range rows {
		out.Automations = append(out.Automations, c.automationView(d.Automation(signalbox.AutomationID(stored.ID)), stored))
	}
	return out, nil
}

func (a *API) deleteAutomation(c *call) (none, error) { return a.automations().remove(c) }

// remove deletes the one of the path, and then ends what it sends through: in between, nothing is left that could start it.
func (k *started) remove(c *call) (none, error) {
	id, err := k.asked(c)
	if err != nil {
		return none{}, err
	}
	err = k.api.cfg.Store.Define(c.act(), c.ws(), c.now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
		old, stored, err := k.found(d, id)
		if err != nil {
			return nil, err
		}
		was, _, err := c.automationFacts(old, nil)
		return &signalbox.Redefinition{Drop: stored, Act: "automation.deleted", Name: old.Name, Was: was}, err
	})
	if err != nil {
		return none{}, err
	}
	k.api.definitionChanged(c, signalbox.WebhookID(id)) // what it sent through is gone with it
	return none{}, nil
}

// namedByTrigger refuses what would leave automations and notifications with a trigger that names what is gone; done says what was to be done with it.
func namedByTrigger(d *signalbox.Definitions, code, done string, names func(*signalbox.Trigger) bool) error {
	var list []string
	for i := range d.Automations {
		if one := &d.Automations[i]; names(one.Starts()) {
			list = append(list, strconv.Quote(clip(one.Name)))
		}
	}
	const most = 5
	switch n := len(list); {
	case n == 0:
		return nil
	case n > most:
		list = append(list[:most], strconv.Itoa(n-most)+" more")
	}
	return signalbox.Errorf(signalbox.Conflict, "%q cannot be %s while it starts automations or notifications: %s. Give them another trigger first", clip(code), done, strings.Join(list, ", "))
}
