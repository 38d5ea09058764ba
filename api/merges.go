package api

import (
	"net/http"

	"signalbox"
	"signalbox/auth"
)

// mergeRoutes are the doors of merges and of what is proposed to be merged.
func (a *API) mergeRoutes() []route {
	const tag = "Merges"
	conflict := []signalbox.Code{signalbox.Conflict}
	return []route{
		a.mergeRoute(signalbox.AccountRecord, "/v1/accounts", "Account", "the domain and the contacts"),
		a.mergeRoute(signalbox.ContactRecord, "/v1/contacts", "Contact", "the e-mail address and the profile"),
		{
			method: http.MethodGet, pattern: "/v1/merges", id: "listMerges", tag: tag, need: auth.NeedRead,
			summary: "List merges and proposals", detail: "Newest first. A proposal is made when a signal gives the e-mail address of one contact with the LinkedIn profile of another, " +
				"or a domain that was made an alias while it had an account of its own.",
			status: http.StatusOK,
			query: paging(
				param{name: "status", kind: words, doc: "Only merges that stand so.", enum: []string{"proposed", "done", "undone", "dismissed"}},
				param{name: "kind", kind: words, doc: "Only merges of these records.", enum: []string{"account", "contact"}}),
			answers: lists(a.listMerges),
		},
		{
			method: http.MethodGet, pattern: "/v1/merges/{id}", id: "getMerge", tag: tag, need: auth.NeedRead,
			summary: "Read a merge", status: http.StatusOK, answers: asks(a.getMerge),
		},
		{
			method: http.MethodPost, pattern: "/v1/merges/{id}/undo", id: "undoMerge", tag: tag, need: auth.NeedWrite,
			summary: "Undo a merge",
			detail: "Both records are as they would be without it: what signals brought since stays with the record that their domain or address names; what a person changed " +
				"since stays with the survivor. Only the latest merge of a record can be undone; the refusal names the one that stands in the way.",
			status: http.StatusOK, bodyOptional: true, also: conflict, answers: asks(a.undoMerge),
		},
		{
			method: http.MethodPost, pattern: "/v1/merges/{id}/accept", id: "acceptMerge", tag: tag, need: auth.NeedWrite,
			summary: "Accept a proposal", detail: "Does the merge that is proposed.", status: http.StatusOK, bodyOptional: true, also: conflict, answers: asks(a.acceptMerge),
		},
		{
			method: http.MethodPost, pattern: "/v1/merges/{id}/dismiss", id: "dismissMerge", tag: tag, need: auth.NeedWrite,
			summary: "Dismiss a proposal", detail: "The same two are not proposed again.", status: http.StatusOK, bodyOptional: true, also: conflict, answers: asks(a.dismissMerge),
		},
	}
}

// mergeRoute is the door that merges records of a kind.
func (a *API) mergeRoute(kind signalbox.RecordKind, path, title, keys string) route {
	thing := kind.String()
	sample := string(kind.ID()) + "_01m3w6r2c9f4t8qk7n5jv1xhda"
	return route{
		method: http.MethodPost, pattern: path + "/{id}/merge", id: "merge" + title, tag: title + "s", need: auth.NeedWrite,
		summary: "Merge " + article(thing) + " into another",
		detail: "`into` stands for both from then on: it shows what both say (its own word counts, the other one fills the gaps), their timelines are read as one, and the id, " +
			keys + " of the merged " + thing + " lead to it. Nothing is moved, so that it can be undone exactly. With `dry_run` the answer is 200 and shows what would come of it.",
		status: created, dry: true, also: []signalbox.Code{signalbox.Conflict},
		examples: []example{
			{name: "preview", summary: "What would come of it", body: `{"into":"` + sample + `","dry_run":true}`},
			{name: "merge", summary: "Do it", body: `{"into":"` + sample + `"}`},
		},
		answers: raw[mergeBody, mergeView](func(c *call) error { return a.mergeRecords(c, kind) }),
	}
}

type mergeBody struct {
	Into   *string `json:"into" required:"true" doc:"The id of the record that stands for both from then on."`
	DryRun *bool   `json:"dry_run" doc:"True: say what would come of it, and change nothing."`
}

func (a *API) mergeRecords(c *call, kind signalbox.RecordKind) error {
	from, err := id[signalbox.EntityID](c, kind.ID(), kind.String())
	if err != nil {
		return err
	}
	var in mergeBody
	if err := c.decode(&in); err != nil {
		return err
	}
	if value(in.Into) == "" {
		return signalbox.InvalidField("into", "into is required: the id of the %s that is to stand for both", kind)
	}
	into, _ := a.cfg.Codec.Parse(kind.ID(), *in.Into) // 0 is nobody's, and is refused where from is known to be there
	dry := in.DryRun != nil && *in.DryRun
	m, err := a.cfg.Merges.MergeRecords(c.act(), c.ws(), kind, from, signalbox.EntityID(into), dry)
	if err != nil {
		return err
	}
	if dry {
		m.Status = signalbox.MergeProposed
	}
	view, err := first(a.mergeViews(c, m))
	if err != nil {
		return err
	}
	status := created
	if dry {
		status = http.StatusOK
	}
	return c.encode(status, dataAnswer{Data: view, Meta: c.meta()})
}

func (a *API) listMerges(c *call) (page[mergeView], error) {
	p, err := c.page()
	if err != nil {
		return page[mergeView]{}, err
	}
	f := signalbox.MergeFilter{Status: signalbox.MergeStatus(c.query.Get("status"))}
	switch f.Status {
	case "", signalbox.MergeProposed, signalbox.MergeDone, signalbox.MergeUndone, signalbox.MergeDismissed:
	default:
		return page[mergeView]{}, signalbox.InvalidField("status", "status must be proposed, done, undone or dismissed")
	}
	switch kind := c.query.Get("kind"); kind {
	case "":
	case "account":
		f.Kind = signalbox.AccountRecord
	case "contact":
		f.Kind = signalbox.ContactRecord
	default:
		return page[mergeView]{}, signalbox.InvalidField("kind", "kind must be account or contact")
	}
	rows, next, err := a.cfg.Store.Merges(c.r.Context(), c.ws(), f, p)
	if err != nil {
		return page[mergeView]{}, err
	}
	items, err := a.mergeViews(c, rows...)
	return page[mergeView]{items: items, next: c.cursor(next)}, err
}

func (a *API) getMerge(c *call) (mergeView, error) {
	id, err := id[signalbox.MergeID](c, signalbox.KindMerge, "merge")
	if err != nil {
		return mergeView{}, err
	}
	m, err := a.cfg.Store.Merge(c.r.Context(), c.ws(), id)
	if err != nil {
		return mergeView{}, err
	}
	return first(a.mergeViews(c, m))
}

func (a *API) undoMerge(c *call) (mergeView, error)   { return a.mergeAct(c, a.cfg.Merges.UndoMerge) }
func (a *API) acceptMerge(c *call) (mergeView, error) { return a.mergeAct(c, a.cfg.Merges.AcceptMerge) }
func (a *API) dismissMerge(c *call) (mergeView, error) {
	return a.mergeAct(c, a.cfg.Merges.DismissMerge)
}

// mergeAct does something about the merge of the path.
func (a *API) mergeAct(c *call, act mergeActFunc) (mergeView, error) {
	id, err := id[signalbox.MergeID](c, signalbox.KindMerge, "merge")
	if err != nil {
		return mergeView{}, err
	}
	m, err := act(c.act(), c.ws(), id)
	if err != nil {
		return mergeView{}, err
	}
	return first(a.mergeViews(c, m))
}

// mergeView is a merge or the proposal of one.
type mergeView struct {
	ID        *string     `json:"id" doc:"Null in a preview."`
	Kind      string      `json:"kind" enum:"account|contact"`
	Status    string      `json:"status" enum:"proposed|done|undone|dismissed"`
	From      *mergedHead `json:"from" doc:"What the merged record says by itself; null: a record was erased."`
	Into      *mergedHead `json:"into" doc:"What the survivor says by itself."`
	Result    *mergedHead `json:"result" doc:"What the survivor shows: now, or if the merge were done."`
	Moves     mergeMoves  `json:"moves"`
	CreatedAt stamp       `json:"created_at"`
	UndoneAt  *stamp      `json:"undone_at"`
	Reason    *string     `json:"reason" doc:"Why it was proposed; null: a person asked for it."`
}

// mergedHead is a record in a merge: an account has no fields of a contact, and the other way round.
type mergedHead struct {
	ID          string  `json:"id"`
	Domain      *string `json:"domain,omitempty"`
	Name        *string `json:"name"`
	Status      *string `json:"status,omitempty"`
	AccountID   *string `json:"account_id,omitempty"`
	Email       *string `json:"email,omitempty"`
	FirstName   *string `json:"first_name,omitempty"`
	LastName    *string `json:"last_name,omitempty"`
	Title       *string `json:"title,omitempty"`
	LinkedInURL *string `json:"linkedin_url,omitempty"`
	Attributes  object  `json:"attributes"`
}

// mergeMoves counts what leads to the survivor.
type mergeMoves struct {
	Contacts int   `json:"contacts" doc:"Contacts of the merged account; at most 1000 are counted."`
	Signals  int64 `json:"signals"`
	Keys     int   `json:"keys" doc:"Domains, e-mail addresses and profiles."`
}

// whyProposed words the reasons.
var whyProposed = map[signalbox.MergeReason]string{
	signalbox.SameLinkedIn: "a signal gave the e-mail address of one and the LinkedIn profile of the other",
	signalbox.SameDomain:   "the domain of one was made an alias of the other's",
}

func (a *API) mergeViews(c *call, list ...signalbox.Merge) ([]mergeView, error) {
	rows, err := a.cfg.Store.MergeViews(c.r.Context(), c.ws(), list, a.cfg.Blend)
	if err != nil {
		return nil, err
	}
	views := make([]mergeView, len(rows))
	for i := range rows {
		m := &rows[i]
		v := mergeView{
			ID: c.idOrNull(signalbox.KindMerge, int64(m.ID)), Kind: m.Kind.String(), Status: string(m.Status),
			Moves:     mergeMoves{Contacts: m.Contacts, Signals: m.Signals, Keys: m.Keys},
			CreatedAt: stamp(m.CreatedAt), UndoneAt: stampOrNull(m.UndoneAt), Reason: textOrNull(whyProposed[m.Reason]),
		}
		if !m.Gone {
			v.From, v.Into, v.Result = c.mergedHead(m, m.From, &m.FromOwn), c.mergedHead(m, m.Into, &m.IntoOwn), c.mergedHead(m, m.Into, &m.Result)
		}
		views[i] = v
	}
	return views, nil
}

func (c *call) mergedHead(m *signalbox.MergeView, id signalbox.EntityID, own *signalbox.Own) *mergedHead {
	h := &mergedHead{ID: c.idText(m.Kind.ID(), int64(id)), Name: textOrNull(own.Name), Attributes: object(own.Attributes)}
	if m.Kind == signalbox.AccountRecord {
		h.Domain, h.Status = textOrNull(own.Domain), textOrNull(own.Status)
		return h
	}
	person := signalbox.Contact{FirstName: own.FirstName, LastName: own.LastName}
	h.Name, h.AccountID, h.Email = textOrNull(person.FullName()), c.idOrNull(signalbox.KindAccount, int64(own.Account)), textOrNull(own.Email)
	h.FirstName, h.LastName, h.Title, h.LinkedInURL = textOrNull(own.FirstName), textOrNull(own.LastName), textOrNull(own.Title), textOrNull(own.LinkedInURL)
	return h
}
