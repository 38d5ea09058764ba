package api

import (
	"net/http"
	"strings"

	"signalbox"
	"signalbox/auth"
)

// auditRoutes are the doors of the audit log.
func (a *API) auditRoutes() []route {
	return []route{{
		method: http.MethodGet, pattern: "/v1/audit-log", id: "listAuditLog", tag: "Audit log", need: auth.NeedAdmin,
		summary: "Read what was changed by whom",
		detail: "Newest first. Each change that a member, an API key or the server's owner made, kept for a year: `before` and `after` hold what changed, never a secret. " +
			"What is told of an account or a contact goes when it is erased.",
		status: http.StatusOK,
		query: paging(
			param{name: "actor", kind: text, doc: "Only changes by this member or API key."},
			param{name: "action", kind: text, doc: "Only this action, such as webhook.updated, or every action on such a thing: webhook."},
			param{name: "subject", kind: text, doc: "Only changes of the thing with this id."},
			param{name: "from", kind: moment, doc: "Only changes at or after this time."},
			param{name: "to", kind: moment, doc: "Only changes at or before this time."}),
		answers: lists(a.listAuditLog),
	}}
}

func (a *API) listAuditLog(c *call) (page[auditView], error) {
	p, err := c.page()
	if err != nil {
		return page[auditView]{}, err
	}
	f := signalbox.AuditFilter{Action: c.query.Get("action")}
	if f.Actor, err = c.anyID("actor"); err != nil {
		return page[auditView]{}, err
	}
	if f.Subject, err = c.anyID("subject"); err != nil {
		return page[auditView]{}, err
	}
	if f.From, f.To, err = c.span(); err != nil {
		return page[auditView]{}, err
	}
	rows, next, err := a.cfg.Store.AuditLog(c.r.Context(), c.ws(), f, p)
	if err != nil {
		return page[auditView]{}, err
	}
	out := page[auditView]{next: c.cursor(next)}
	for i := range rows {
		out.items = append(out.items, c.auditView(&rows[i]))
	}
	return out, nil
}

// anyID reads an id of any kind from the query; 0 when there is none.
func (c *call) anyID(name string) (int64, error) {
	given := c.query.Get(name)
	if given == "" {
		return 0, nil
	}
	prefix, _, _ := strings.Cut(given, "_")
	id, ok := c.api.cfg.Codec.Parse(signalbox.Kind(prefix), given)
	if !ok {
		return 0, signalbox.InvalidField(name, "%s must be an id such as mem_…", name)
	}
	return id, nil
}

// auditView tells of one change.
type auditView struct {
	ID        string      `json:"id"`
	At        stamp       `json:"at"`
	Actor     auditActor  `json:"actor"`
	Action    string      `json:"action" doc:"What was changed, and how: webhook.updated."`
	Subject   auditObject `json:"subject"`
	Before    *object     `json:"before" doc:"What changed, as it was. Null: it was not there, or there is nothing to tell."`
	After     *object     `json:"after" doc:"What changed, as it is. Null: it is no more, or there is nothing to tell."`
	RequestID *string     `json:"request_id"`
}

type auditActor struct {
	Type string  `json:"type" enum:"member|api_key|automation|system"`
	ID   *string `json:"id"`
	Name *string `json:"name" doc:"As it was at the time."`
}

type auditObject struct {
	Type string  `json:"type"`
	ID   *string `json:"id"`
	Name *string `json:"name" doc:"As it was at the time. Null: it has none, or was erased."`
}

func (c *call) auditView(e *signalbox.AuditEntry) auditView {
	kind := signalbox.KindMember
	switch e.Actor.Type {
	case signalbox.ActorKey:
		kind = signalbox.KindKey
	case signalbox.ActorAutomation:
		kind = signalbox.KindAutomation
	}
	return auditView{
		ID: c.idText(signalbox.KindAudit, int64(e.ID)), At: stamp(e.At), Action: e.Action,
		Actor:   auditActor{Type: string(e.Actor.Type), ID: c.idOrNull(kind, e.Actor.ID), Name: textOrNull(e.Actor.Name)},
		Subject: auditObject{Type: e.Subject.Type, ID: c.idOrNull(e.Subject.Kind(), e.Subject.ID), Name: textOrNull(e.Subject.Name)},
		Before:  objectOrNull(e.Before), After: objectOrNull(e.After), RequestID: c.idOrNull(signalbox.KindRequest, int64(e.Request)),
	}
}

func objectOrNull(text []byte) *object {
	if text == nil {
		return nil
	}
	o := object(text)
	return &o
}
