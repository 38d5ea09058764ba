package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"signalbox"
	"signalbox/auth"
	"signalbox/expr"
	"signalbox/score"
	"signalbox/strictjson"
)

// maxSubRules is how many sub-rules a type has at most.
const maxSubRules = 50

// typeRoutes are the doors of signal types.
func (a *API) typeRoutes() []route {
	const tag = "Signal types"
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/signal-types", id: "createSignalType", tag: tag, need: auth.NeedWrite,
			summary: "Declare a signal type",
			detail: "Signals of `POST /signals` name it by the `name` of the answer: the declared name lower-cased, with one underscore for whatever is neither a letter nor a digit. " +
				"A type that signals of `POST /v1/signals` have made keeps its id. A built-in type is declared to change how it is taken.",
			status: created, also: []signalbox.Code{signalbox.Conflict},
			examples: []example{
				{name: "custom", summary: "A custom signal", body: `{"name":"Custom event"}`},
				{name: "buckets", summary: "With sub-rules, not qualified by itself",
					body: `{"name":"Product activity","source_description":"What people do in the product, sent by the app","autoqualify":false,"sub_rules":[{"name":"Invited a teammate","when":"signal.event_name == 'user_invited_teammate'"},{"name":"Large team","when":{"field":"context.team_size","operator":"greater_than","value":10}}]}`},
			},
			answers: takes(a.createType),
		},
		{
			method: http.MethodGet, pattern: "/v1/signal-types", id: "listSignalTypes", tag: tag, need: auth.NeedRead,
			summary: "List signal types",
			detail:  "Those that were declared and those that signals have made, newest first; then the built-in ones that are neither, which have no id.",
			status:  http.StatusOK, query: paging(), answers: lists(a.listTypes),
		},
		{
			method: http.MethodGet, pattern: "/v1/signal-types/{id}", id: "getSignalType", tag: tag, need: auth.NeedRead,
			summary: "Read a signal type",
			detail: fmt.Sprintf("Each sub-rule says of how many `signals` it holds. It is asked now, of the type's latest signals, at most %d: a sub-rule that was changed counts over "+
				"those that are stored. `counted` says how many signals were asked about, `complete` whether these were all.", maxCounted),
			status: http.StatusOK, answers: asks(a.getType),
		},
		{
			method: http.MethodPatch, pattern: "/v1/signal-types/{id}", id: "updateSignalType", tag: tag, need: auth.NeedWrite,
			summary: "Change how a signal type is taken",
			detail: "Another `name` changes the label alone: signals go on naming the type as before. Sub-rules take the place of all that were there. " +
				"A type that signals have made is declared by it, under the name that it has.",
			status: http.StatusOK, also: []signalbox.Code{signalbox.Conflict},
			examples: []example{
				{name: "label", summary: "Another label", body: `{"name":"Product event"}`},
				{name: "off", summary: "Refused by POST /signals", body: `{"enabled":false}`},
			},
			answers: takes(a.updateType),
		},
		{
			method: http.MethodDelete, pattern: "/v1/signal-types/{id}", id: "deleteSignalType", tag: tag, need: auth.NeedWrite,
			summary: "Take a signal type's declaration away",
			detail:  "`POST /signals` refuses it from now on, unless it is built in. It stays in the list with `declared: false` while there are signals of it.",
			status:  http.StatusNoContent, answers: asks(a.deleteType),
		},
	}
}

// newSignalType is the body of POST /v1/signal-types.
type newSignalType struct {
	Name        string        `json:"name" required:"true" maxlen:"200" doc:"What it is called where signals are shown. Signals name it by the answer's name."`
	Description *string       `json:"source_description" maxlen:"2000" doc:"Where its signals come from and what they mean."`
	Autoqualify *bool         `json:"autoqualify" doc:"True unless given. False: nobody is qualified by its signals until somebody asks."`
	Enabled     *bool         `json:"enabled" doc:"True unless given. False: POST /signals refuses it."`
	SubRules    []subRuleForm `json:"sub_rules" maxitems:"50" doc:"Named buckets of its signals."`
}

type subRuleForm struct {
	Name string         `json:"name" required:"true" maxlen:"200" doc:"Unlike those of the type's other sub-rules."`
	When strictjson.Raw `json:"when" required:"true" doc:"Which signals it holds: an expression that reads the signal alone, or its structured form."`
}

type signalTypePatch struct {
	Name        *string        `json:"name" maxlen:"200" doc:"The label. What signals call the type stays."`
	Description *string        `json:"source_description" maxlen:"2000"`
	Autoqualify *bool          `json:"autoqualify"`
	Enabled     *bool          `json:"enabled"`
	SubRules    *[]subRuleForm `json:"sub_rules" maxitems:"50" doc:"All of them."`
	Revision    *int64         `json:"revision" doc:"The revision that the change was made from: 409 when it is another one by now. Absent: whatever it is."`
}

// change makes what a patch names of a type's settings.
func (in *signalTypePatch) change(s *signalbox.TypeSettings) error {
	if in.Name != nil {
		if s.Label = strings.TrimSpace(*in.Name); s.Label == "" {
			return signalbox.InvalidField("name", "name is required")
		}
	}
	set(&s.Description, in.Description)
	if in.Autoqualify != nil {
		s.Held = !*in.Autoqualify
	}
	if in.Enabled != nil {
		s.Disabled = !*in.Enabled
	}
	if err := checkLength("name", s.Label, signalbox.MaxName); err != nil {
		return err
	}
	if err := checkLength("source_description", s.Description, maxDescription); err != nil {
		return err
	}
	if in.SubRules == nil {
		return nil
	}
	var err error
	s.SubRules, err = subRules(*in.SubRules)
	return err
}

func subRules(list []subRuleForm) ([]signalbox.SubRule, error) {
	if len(list) > maxSubRules {
		return nil, signalbox.Errorf(signalbox.Conflict, "a signal type has at most %d sub-rules", maxSubRules)
	}
	rules := make([]signalbox.SubRule, 0, len(list))
	for i, in := range list {
		at := fmt.Sprintf("sub_rules[%d].", i)
		rule := signalbox.SubRule{Name: strings.TrimSpace(in.Name)}
		if rule.Name == "" {
			return nil, signalbox.InvalidField(at+"name", "%sname is required", at)
		}
		if err := checkLength(at+"name", rule.Name, signalbox.MaxName); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(rules, func(r signalbox.SubRule) bool { return r.Name == rule.Name }) {
			return nil, signalbox.InvalidField(at+"name", "two sub-rules are called %q: each needs a name of its own", rule.Name)
		}
		var err error
		if rule.When, err = condition(at+"when", in.When, expr.ForSignal); err != nil {
			return nil, err
		}
		if rule.When == "" {
			return nil, signalbox.InvalidField(at+"when", "%swhen is required: which signals the sub-rule holds", at)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func (a *API) createType(c *call, in *newSignalType) (signalTypeView, error) {
	var s signalbox.TypeSettings
	as := signalTypePatch{Name: &in.Name, Description: in.Description, Autoqualify: in.Autoqualify, Enabled: in.Enabled, SubRules: &in.SubRules}
	if err := as.change(&s); err != nil {
		return signalTypeView{}, err
	}
	y := signalbox.SignalType{ID: signalbox.TypeID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), Name: signalbox.TypeName(s.Label), CreatedAt: c.now}
	if y.Name == "" {
		return signalTypeView{}, signalbox.InvalidField("name", "name needs a letter or a digit: signals name the type by them")
	}
	var made kindOfSignal
	err := a.cfg.Store.Define(c.act(), c.ws(), c.now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
		if known, ok := d.Types[y.Name]; ok {
			y = known
		}
		if d.Find(signalbox.DefinedType, int64(y.ID)) != nil {
			return nil, signalbox.Errorf(signalbox.Conflict, "the signal type %s is declared already: change it with PATCH /v1/signal-types/%s", y.Name, c.idText(signalbox.KindType, int64(y.ID)))
		}
		to, err := declaration(&y, &s, "signal_type.created")
		made = kindOfSignal{SignalType: y, settings: s, revision: 1}
		return to, err
	})
	if err != nil {
		return signalTypeView{}, err
	}
	return c.typeView(&made), nil
}

// declaration puts a type's settings, and declares it.
func declaration(y *signalbox.SignalType, s *signalbox.TypeSettings, act string) (*signalbox.Redefinition, error) {
	body, err := json.Marshal(s)
	y.Declared = true
	return &signalbox.Redefinition{
		Put:  &signalbox.Definition{ID: int64(y.ID), Workspace: y.Workspace, Kind: signalbox.DefinedType, Code: y.Name, Body: body},
		Type: y, Act: act, Is: typeFacts(s),
	}, err
}

// typeFacts are what the audit log says of a declaration.
func typeFacts(s *signalbox.TypeSettings) signalbox.Facts {
	rules := make([]signalbox.Facts, len(s.SubRules))
	for i, r := range s.SubRules {
		rules[i] = signalbox.Facts{"name": r.Name, "when": r.When}
	}
	return signalbox.Facts{"label": s.Label, "source_description": s.Description, "autoqualify": !s.Held, "enabled": !s.Disabled, "sub_rules": rules}
}

func (a *API) updateType(c *call, in *signalTypePatch) (signalTypeView, error) {
	id, err := typeID(c)
	if err != nil {
		return signalTypeView{}, err
	}
	var made kindOfSignal
	err = a.cfg.Store.Define(c.act(), c.ws(), c.now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
		old, err := kindOf(d, id)
		if err != nil {
			return nil, err
		}
		if in.Revision != nil && *in.Revision != old.revision {
			return nil, signalbox.Errorf(signalbox.Conflict, "the signal type is at revision %d, not %d: somebody changed it meanwhile; read it again", old.revision, *in.Revision)
		}
		made = old
		made.revision++
		act, was := "signal_type.updated", typeFacts(&old.settings)
		if !old.Declared {
			act, was = "signal_type.created", nil
			made.settings.Disabled = false
		}
		if err := in.change(&made.settings); err != nil {
			return nil, err
		}
		to, err := declaration(&made.SignalType, &made.settings, act)
		to.Was = was
		return to, err
	})
	if err != nil {
		return signalTypeView{}, err
	}
	return c.typeView(&made), nil
}

func (a *API) deleteType(c *call) (none, error) {
	id, err := typeID(c)
	if err != nil {
		return none{}, err
	}
	return none{}, a.cfg.Store.Define(c.act(), c.ws(), c.now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
		old, err := kindOf(d, id)
		if err != nil {
			return nil, err
		}
		to := &signalbox.Redefinition{
			Drop: &signalbox.Definition{ID: int64(old.ID), Workspace: c.ws(), Kind: signalbox.DefinedType, Code: old.Name},
			Type: &old.SignalType, Act: "signal_type.deleted", Was: signalbox.Facts{},
		}
		if old.Declared {
			to.Was = typeFacts(&old.settings)
		}
		old.Declared = false
		return to, nil
	})
}

func typeID(c *call) (signalbox.TypeID, error) {
	return id[signalbox.TypeID](c, signalbox.KindType, "signal_type")
}

func (a *API) listTypes(c *call) (page[signalTypeView], error) {
	p, err := c.page()
	if err != nil {
		return page[signalTypeView]{}, err
	}
	d, err := a.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return page[signalTypeView]{}, err
	}
	all := kindsOf(d)
	total := len(all)
	out := page[signalTypeView]{total: &total}
	for i := range all {
		if p.Before != 0 && all[i].place >= p.Before {
			continue
		}
		if len(out.items) == p.Limit {
			out.next = c.cursor(all[i-1].place)
			break
		}
		out.items = append(out.items, c.typeView(&all[i]))
	}
	return out, nil
}

func (a *API) getType(c *call) (signalTypeView, error) {
	id, err := typeID(c)
	if err != nil {
		return signalTypeView{}, err
	}
	d, err := a.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return signalTypeView{}, err
	}
	k, err := kindOf(d, id)
	if err != nil {
		return signalTypeView{}, err
	}
	v := c.typeView(&k)
	return v, a.countSubRules(c, &k, &v)
}

// kindOfSignal is a type with how its signals are taken.
type kindOfSignal struct {
	signalbox.SignalType
	settings signalbox.TypeSettings
	builtin  bool
	revision int64
	place    int64 // in the list, which descends: its id, or for one that has none a number below every id
}

// kindOf finds a type among the definitions.
func kindOf(d *signalbox.Definitions, id signalbox.TypeID) (kindOfSignal, error) {
	for _, y := range d.Types {
		if y.ID == id {
			_, builtin := score.Shipped()[y.Name]
			return kindOfType(d, y, builtin), nil
		}
	}
	return kindOfSignal{}, signalbox.NoSuch("signal_type")
}

func kindOfType(d *signalbox.Definitions, y signalbox.SignalType, builtin bool) kindOfSignal {
	k := kindOfSignal{SignalType: y, builtin: builtin, place: int64(y.ID)}
	own := d.Find(signalbox.DefinedType, int64(y.ID))
	if own == nil {
		k.settings = signalbox.TypeSettings{Label: y.Name, Disabled: !builtin}
		if builtin {
			k.settings.Label = strings.ToUpper(y.Name[:1]) + strings.ReplaceAll(y.Name[1:], "_", " ")
		}
		return k
	}
	k.settings, k.revision = d.Settings[y.Name], own.Revision
	return k
}

// kindsOf lists all types, the newest first and built-in ones without an id last.
func kindsOf(d *signalbox.Definitions) []kindOfSignal {
	shipped := score.Shipped()
	all := make([]kindOfSignal, 0, len(d.Types)+len(shipped))
	for _, y := range d.Types {
		_, builtin := shipped[y.Name]
		all = append(all, kindOfType(d, y, builtin))
	}
	names := make([]string, 0, len(shipped))
	for name := range shipped {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		if _, ok := d.Types[name]; !ok {
			k := kindOfType(d, signalbox.SignalType{Workspace: d.Workspace.ID, Name: name}, true)
			k.place = int64(len(names) - i)
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b kindOfSignal) int { return cmp.Compare(b.place, a.place) })
	return all
}

// signalTypeView is a signal type.
type signalTypeView struct {
	ID          *string       `json:"id" doc:"Null: a built-in type that was not declared yet, and has no signals."`
	Name        string        `json:"name" doc:"What signals call it."`
	Label       string        `json:"label" doc:"What it is called where signals are shown."`
	Description *string       `json:"source_description"`
	Autoqualify bool          `json:"autoqualify" doc:"False: nobody is qualified by its signals until somebody asks."`
	Enabled     bool          `json:"enabled" doc:"False: POST /signals refuses it. POST /v1/signals takes every type."`
	Declared    bool          `json:"declared" doc:"False: it is built in, or signals of POST /v1/signals have made it."`
	Builtin     bool          `json:"builtin"`
	SubRules    []subRuleView `json:"sub_rules"`
	Counted     *int          `json:"counted,omitempty" doc:"Of how many of its latest signals the sub-rules were asked. Only where one type is read."`
	Complete    *bool         `json:"complete,omitempty" doc:"True: these were all of its signals. Only where one type is read."`
	Revision    int64         `json:"revision" doc:"Grows with each change of the declaration. 0: it is not declared."`
	CreatedAt   *stamp        `json:"created_at" doc:"When it was declared, or its first signal arrived. Null where there is no id."`
}

// subRuleView is a named bucket of a type's signals.
type subRuleView struct {
	Name    string `json:"name"`
	When    string `json:"when"`
	Signals *int   `json:"signals,omitempty" doc:"Of how many of the signals that were counted it holds. Only where one type is read."`
}

func (c *call) typeView(k *kindOfSignal) signalTypeView {
	v := signalTypeView{
		ID: c.idOrNull(signalbox.KindType, int64(k.ID)), Name: k.Name, Label: k.settings.Label, Description: textOrNull(k.settings.Description),
		Autoqualify: !k.settings.Held, Enabled: !k.settings.Disabled, Declared: k.Declared, Builtin: k.builtin,
		SubRules: make([]subRuleView, len(k.settings.SubRules)), Revision: k.revision, CreatedAt: stampOrNull(k.CreatedAt),
	}
	for i, r := range k.settings.SubRules {
		v.SubRules[i] = subRuleView{Name: r.Name, When: r.When}
	}
	return v
}
