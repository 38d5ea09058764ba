package api

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"signalbox"
	"signalbox/auth"
)

// The bounds of a workspace's settings.
const (
	maxRate    = 1_000_000_000
	maxDays    = 36_500
	maxDomains = 10_000 // mailbox providers added or removed, aliases
)

// workspaceRoutes are the doors of the workspace that the key belongs to.
func (a *API) workspaceRoutes() []route {
	const tag = "Workspace"
	return []route{
		{
			method: http.MethodGet, pattern: "/v1/workspace", id: "getWorkspace", tag: tag, need: auth.NeedRead,
			summary: "Read the workspace's settings", status: http.StatusOK, answers: asks(a.getWorkspace),
		},
		{
			method: http.MethodPatch, pattern: "/v1/workspace", id: "updateWorkspace", tag: tag, need: auth.NeedAdmin,
			summary: "Change the workspace's settings",
			detail: "Only the fields that are given change, also inside `limits`, `retention` and `mailbox_providers`; `aliases` are replaced whole. " +
				"A change is in force for every signal that is sent after its answer.",
			status:   http.StatusOK,
			also:     []signalbox.Code{signalbox.Conflict},
			examples: workspaceExamples(),
			answers:  takes(a.updateWorkspace),
		},
	}
}

func workspaceExamples() []example {
	return []example{
		{name: "identity", summary: "A name, a time zone, an alias",
			body: `{"name":"Acme marketing","timezone":"Europe/Berlin","aliases":{"acme.de":"acmecorp.com"},"mailbox_providers":{"added":["mail.example.org"]}}`},
		{name: "limits", summary: "Limits and retention",
			body: `{"require_identity":false,"limits":{"workspace":{"per_minute":6000,"per_day":1000000},"requests":{"per_minute":3000}},"retention":{"signal_days":730,"event_days":30}}`},
	}
}

// workspacePatch is the body of PATCH /v1/workspace.
type workspacePatch struct {
	Name             *string            `json:"name" maxlen:"200"`
	Timezone         *string            `json:"timezone" doc:"An IANA name, UTC unless set."`
	RequireIdentity  *bool              `json:"require_identity" doc:"True: a signal with neither account.domain nor contact.email is refused."`
	Limits           *limitsPatch       `json:"limits"`
	Retention        *retentionPatch    `json:"retention"`
	MailboxProviders *providersPatch    `json:"mailbox_providers" doc:"Edits the shipped list of domains whose e-mail addresses say nothing about a company."`
	Aliases          *map[string]string `json:"aliases" doc:"A domain, and the domain that it stands for."`
	Revision         *int64             `json:"revision" doc:"The revision that the change was made from: 409 when it is another one by now. Absent: whatever it is."`
}

type limitsPatch struct {
	Workspace *ratePatch `json:"workspace" doc:"Signals of the whole workspace."`
	Key       *ratePatch `json:"key" doc:"Signals of each key."`
	Captures  *ratePatch `json:"captures" doc:"Signals of the capture door, POST /signals, counted apart; 0 stands for the default, 500 a minute and 50,000 a day."`
	Requests  *ratePatch `json:"requests" doc:"Other requests of the whole workspace."`
}

type ratePatch struct {
	PerMinute *int `json:"per_minute" min:"0" max:"1000000000" doc:"In any 60 seconds; 0: unlimited."`
	PerDay    *int `json:"per_day" min:"0" max:"1000000000" doc:"In a day of UTC; 0: unlimited."`
}

type retentionPatch struct {
	SignalDays *int `json:"signal_days" min:"0" max:"36500" doc:"How many days signals are kept; 0: for ever."`
	EventDays  *int `json:"event_days" min:"0" max:"36500" doc:"How many days events, deliveries and attempts are kept; 0: for ever."`
}

type providersPatch struct {
	Added   *[]string `json:"added" doc:"Replaced whole."`
	Removed *[]string `json:"removed" doc:"Replaced whole."`
}

func (a *API) getWorkspace(c *call) (workspaceView, error) {
	ws, err := a.cfg.Store.Workspace(c.r.Context(), c.ws())
	return c.workspaceView(&ws), err
}

func (a *API) updateWorkspace(c *call, in *workspacePatch) (workspaceView, error) {
	if err := a.normalizeDomains(in); err != nil {
		return workspaceView{}, err
	}
	ws, err := a.cfg.Store.UpdateWorkspace(c.act(), c.ws(), c.now, func(ws *signalbox.Workspace) error {
		if in.Revision != nil && *in.Revision != ws.Revision {
			return signalbox.Errorf(signalbox.Conflict, "the settings are at revision %d, not %d: somebody changed them meanwhile; read them again", ws.Revision, *in.Revision)
		}
		in.apply(ws)
		return checkWorkspace(ws)
	})
	if err != nil {
		return workspaceView{}, err
	}
	a.limits.forget(c.ws())
	return c.workspaceView(&ws), nil
}

// apply changes what the patch names.
func (p *workspacePatch) apply(ws *signalbox.Workspace) {
	set(&ws.Name, p.Name)
	set(&ws.Timezone, p.Timezone)
	if ws.Timezone == "" {
		ws.Timezone = "UTC"
	}
	set(&ws.RequireIdentity, p.RequireIdentity)
	set(&ws.Aliases, p.Aliases)
	if l := p.Limits; l != nil {
		l.Workspace.apply(&ws.Limits.Workspace)
		l.Key.apply(&ws.Limits.Key)
		l.Captures.apply(&ws.Limits.Captures)
		l.Requests.apply(&ws.Limits.Requests)
	}
	if r := p.Retention; r != nil {
		set(&ws.Retention.SignalDays, r.SignalDays)
		set(&ws.Retention.EventDays, r.EventDays)
	}
	if m := p.MailboxProviders; m != nil {
		set(&ws.MailboxProviders.Added, m.Added)
		set(&ws.MailboxProviders.Removed, m.Removed)
	}
}

func (p *ratePatch) apply(r *signalbox.Rate) {
	if p != nil {
		set(&r.PerMinute, p.PerMinute)
		set(&r.PerDay, p.PerDay)
	}
}

// normalizeDomains writes every domain of the patch as records are matched by it.
func (a *API) normalizeDomains(p *workspacePatch) error {
	if p.Aliases != nil {
		if len(*p.Aliases) > maxDomains {
			return signalbox.InvalidField("aliases", "aliases holds too many: at most %d", maxDomains)
		}
		out := map[string]string{}
		for _, from := range slices.Sorted(maps.Keys(*p.Aliases)) {
			alias, err := a.cfg.NormalizeDomain(from)
			if err != nil {
				return paramError("aliases", err)
			}
			stands, err := a.cfg.NormalizeDomain((*p.Aliases)[from])
			if err != nil {
				return paramError("aliases", err)
			}
			out[alias] = stands
		}
		*p.Aliases = out
	}
	if p.MailboxProviders == nil {
		return nil
	}
	if err := a.normalizeList("mailbox_providers.added", p.MailboxProviders.Added); err != nil {
		return err
	}
	return a.normalizeList("mailbox_providers.removed", p.MailboxProviders.Removed)
}

func (a *API) normalizeList(param string, domains *[]string) error {
	if domains == nil {
		return nil
	}
	if len(*domains) > maxDomains {
		return signalbox.InvalidField(param, "%s holds too many: at most %d", param, maxDomains)
	}
	for i, d := range *domains {
		domain, err := a.cfg.NormalizeDomain(d)
		if err != nil {
			return paramError(param, err)
		}
		(*domains)[i] = domain
	}
	slices.Sort(*domains)
	*domains = slices.Compact(*domains)
	return nil
}

// checkWorkspace holds settings against their rules.
func checkWorkspace(ws *signalbox.Workspace) error {
	if err := checkName(ws.Name); err != nil {
		return err
	}
	if _, err := time.LoadLocation(ws.Timezone); err != nil || ws.Timezone == "Local" {
		return signalbox.InvalidField("timezone", "timezone must be a name of the IANA database such as Europe/Berlin")
	}
	for _, n := range []struct {
		param       string
		value, most int
	}{
		{"limits.workspace.per_minute", ws.Limits.Workspace.PerMinute, maxRate}, {"limits.workspace.per_day", ws.Limits.Workspace.PerDay, maxRate},
		{"limits.key.per_minute", ws.Limits.Key.PerMinute, maxRate}, {"limits.key.per_day", ws.Limits.Key.PerDay, maxRate},
		{"limits.captures.per_minute", ws.Limits.Captures.PerMinute, maxRate}, {"limits.captures.per_day", ws.Limits.Captures.PerDay, maxRate},
		{"limits.requests.per_minute", ws.Limits.Requests.PerMinute, maxRate}, {"limits.requests.per_day", ws.Limits.Requests.PerDay, maxRate},
		{"retention.signal_days", ws.Retention.SignalDays, maxDays}, {"retention.event_days", ws.Retention.EventDays, maxDays},
	} {
		if n.value < 0 || n.value > n.most {
			return signalbox.InvalidField(n.param, "%s must be a whole number from 0 to %d", n.param, n.most)
		}
	}
	return checkAliases(ws.Aliases)
}

// checkAliases refuses chains: an alias stands for a domain that is none itself.
func checkAliases(aliases map[string]string) error {
	for _, from := range slices.Sorted(maps.Keys(aliases)) {
		if _, chained := aliases[aliases[from]]; chained {
			return signalbox.InvalidField("aliases", "%s stands for %s, which is an alias itself", from, aliases[from])
		}
	}
	return nil
}

// workspaceView is the workspace's settings.
type workspaceView struct {
	ID               string            `json:"id"`
	Name             string            `json:"name"`
	Timezone         string            `json:"timezone"`
	RequireIdentity  bool              `json:"require_identity"`
	Limits           limitsView        `json:"limits"`
	Retention        retentionView     `json:"retention"`
	MailboxProviders providersView     `json:"mailbox_providers"`
	Aliases          map[string]string `json:"aliases"`
	Revision         int64             `json:"revision"`
	CreatedAt        stamp             `json:"created_at"`
	UpdatedAt        stamp             `json:"updated_at"`
}

type limitsView struct {
	Workspace rateView `json:"workspace"`
	Key       rateView `json:"key"`
	Captures  rateView `json:"captures" doc:"Of the capture door."`
	Requests  rateView `json:"requests"`
}

type rateView struct {
	PerMinute int `json:"per_minute" doc:"0: unlimited."`
	PerDay    int `json:"per_day" doc:"0: unlimited."`
}

type retentionView struct {
	SignalDays int `json:"signal_days" doc:"0: for ever."`
	EventDays  int `json:"event_days" doc:"0: for ever."`
}

type providersView struct {
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
}

func (c *call) workspaceView(ws *signalbox.Workspace) workspaceView {
	v := workspaceView{
		ID: c.idText(signalbox.KindWorkspace, int64(ws.ID)), Name: ws.Name, Timezone: ws.Timezone, RequireIdentity: ws.RequireIdentity,
		Limits:           limitsView{Workspace: rateView(ws.Limits.Workspace), Key: rateView(ws.Limits.Key), Captures: rateView(ws.Limits.CaptureRate()), Requests: rateView(ws.Limits.Requests)},
		Retention:        retentionView(ws.Retention),
		MailboxProviders: providersView{Added: ws.MailboxProviders.Added, Removed: ws.MailboxProviders.Removed},
		Aliases:          ws.Aliases, Revision: ws.Revision, CreatedAt: stamp(ws.CreatedAt), UpdatedAt: stamp(ws.UpdatedAt),
	}
	if v.Aliases == nil {
		v.Aliases = map[string]string{}
	}
	if v.MailboxProviders.Added == nil {
		v.MailboxProviders.Added = []string{}
	}
	if v.MailboxProviders.Removed == nil {
		v.MailboxProviders.Removed = []string{}
	}
	return v
}
