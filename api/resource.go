package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"signalbox"
	"signalbox/auth"
)

// resource is what accounts and contacts have in common: lists, reading, timelines, merging and erasing are the same doors, over other rows.
type resource[Row, View any] struct {
	kind  signalbox.RecordKind
	path  string // /v1/accounts
	title string // Account
	tag   string

	query  []param // of the list, beside those of every list
	listed func(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.RecordFilter, p signalbox.Page) ([]Row, signalbox.Place, error)
	read   func(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.EntityID) (Row, error)
	erased func(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.EntityID) (signalbox.Job, error)
	views  func(c *call, rows ...Row) ([]View, error)
}

// sorts are the orders of a list of records.
var sorts = []string{"-score", "-last_signal_at", "last_signal_at", "-created_at", "name"}

// top are the doors that a newcomer meets first.
func (r *resource[Row, View]) top(a *API) []route {
	thing := r.kind.String()
	return []route{
		{
			method: http.MethodGet, pattern: r.path, id: "list" + r.title + "s", tag: r.tag, need: auth.NeedRead,
			summary: "List " + thing + "s", detail: "Newest first, or as `sort` says. What was merged into another " + thing + " is not listed: that one stands for it, and is found by its names too.",
			status: http.StatusOK, query: paging(append(r.query,
				param{name: "stage", kind: text, doc: "Only " + thing + "s in this stage, by its name: as it was last told, which follows decay by timers."},
				param{name: "audience_id", kind: text, doc: "Only the members of this audience, which must be one of " + thing + "s."},
				param{name: "sort", kind: words, enum: sorts,
					doc: "The order: `-score` begins with the highest score, by points that are at most 15 minutes old, `-last_signal_at` with the latest signal, `name` with A; `-created_at` unless given."})...),
			answers: lists(r.list),
		},
		{
			method: http.MethodGet, pattern: r.path + "/{id}", id: "get" + r.title, tag: r.tag, need: auth.NeedRead,
			summary: "Read " + article(thing), detail: "The id of " + article(thing) + " that was merged into another one answers that one: its `id` is another, and `merged_ids` has the one that was asked for.",
			status: http.StatusOK, answers: asks(r.get),
		},
		{
			method: http.MethodGet, pattern: r.path + "/{id}/timeline", id: "list" + r.title + "Timeline", tag: r.tag, need: auth.NeedRead,
			summary: "Read the timeline of " + article(thing), detail: "The signals about it and about all that was merged into it, newest first.",
			status: http.StatusOK,
			query: paging(param{name: "type", kind: text, doc: "Only signals of this type."}, param{name: "source", kind: text, doc: "Only signals from this source."},
				param{name: "from", kind: moment, doc: "Only signals that occurred at or after this time."},
				param{name: "to", kind: moment, doc: "Only signals that occurred at or before this time."}),
			answers: lists(func(c *call) (page[signalView], error) { return r.timeline(a, c) }),
		},
		{
			method: http.MethodGet, pattern: r.path + "/{id}/score", id: "explain" + r.title + "Score", tag: r.tag, need: auth.NeedRead,
			summary: "Explain the score of " + article(thing),
			detail: "What its signals, and those of all that was merged into it, are worth at a time: the contributions, largest first, and one `rest` add up to the points. " +
				"Above " + strconv.Itoa(maxExplained) + " signals a time before now cannot be explained.",
			status: http.StatusOK, also: []signalbox.Code{signalbox.Conflict},
			query:   []param{{name: "at", kind: moment, doc: "The time, now unless given."}},
			answers: asks(func(c *call) (scoreView, error) { return r.score(a, c) }),
		},
		{
			method: http.MethodGet, pattern: r.path + "/{id}/score/history", id: "get" + r.title + "ScoreHistory", tag: r.tag, need: auth.NeedRead,
			summary: "Read how the score of " + article(thing) + " stood over time",
			detail: "What its signals, and those of all that was merged into it, are worth at evenly spaced moments, by the scoring in force now; moments to come show what decay leaves. " +
				"`GET " + r.path + "/{id}/score` says what the score is made of at each. Above " + strconv.Itoa(maxExplained) + " signals there is none.",
			status: http.StatusOK, also: []signalbox.Code{signalbox.Conflict},
			query: []param{
				{name: "from", kind: moment, doc: "The first moment: 90 days before the last unless given, and at most five years."},
				{name: "to", kind: moment, doc: "The last moment, now unless given; at most a year ahead."},
				{name: "points", kind: integer, doc: "How many moments: 2 to " + strconv.Itoa(maxMoments) + ", " + strconv.Itoa(usualMoments) + " unless given."},
			},
			answers: asks(func(c *call) (scoreHistoryView, error) { return r.history(a, c) }),
		},
	}
}

// erasing is the door that comes last.
func (r *resource[Row, View]) erasing() route {
	thing := r.kind.String()
	return route{
		method: http.MethodDelete, pattern: r.path + "/{id}", id: "erase" + r.title, tag: r.tag, need: auth.NeedAdmin,
		summary: "Erase " + article(thing),
		detail: "Out of sight at once, with all that was merged into it; jobs, one for each record, remove what is stored of it everywhere, also from signals and deliveries. " +
			"The answer is the job of the record itself.",
		status: http.StatusAccepted, answers: asks(r.erase),
	}
}

func article(thing string) string {
	if strings.HasPrefix(thing, "a") {
		return "an " + thing
	}
	return "a " + thing
}

// asked is the record that the path names.
func (r *resource[Row, View]) asked(c *call) (signalbox.EntityID, error) {
	return id[signalbox.EntityID](c, r.kind.ID(), r.kind.String())
}

func (r *resource[Row, View]) list(c *call) (page[View], error) {
	p, err := c.page()
	if err != nil {
		return page[View]{}, err
	}
	filter, none, err := c.recordFilter(r.kind)
	if err != nil || none {
		return page[View]{}, err
	}
	rows, next, err := r.listed(c.r.Context(), c.ws(), filter, p)
	if err != nil {
		return page[View]{}, err
	}
	items, err := r.views(c, rows...)
	return page[View]{items: items, next: c.cursorAt(next)}, err
}

func (r *resource[Row, View]) get(c *call) (View, error) {
	var none View
	id, err := r.asked(c)
	if err != nil {
		return none, err
	}
	row, err := r.read(c.r.Context(), c.ws(), id)
	if err != nil {
		return none, err
	}
	return first(r.views(c, row))
}

func (r *resource[Row, View]) erase(c *call) (jobView, error) {
	id, err := r.asked(c)
	if err != nil {
		return jobView{}, err
	}
	job, err := r.erased(c.act(), c.ws(), id)
	if err != nil {
		return jobView{}, err
	}
	return c.jobView(&job), nil
}

func (r *resource[Row, View]) timeline(a *API, c *call) (page[signalView], error) {
	id, err := r.asked(c)
	if err != nil {
		return page[signalView]{}, err
	}
	if _, err := r.read(c.r.Context(), c.ws(), id); err != nil {
		return page[signalView]{}, err
	}
	f := signalbox.SignalFilter{Type: c.query.Get("type"), Source: c.query.Get("source")}
	if f.From, f.To, err = c.span(); err != nil {
		return page[signalView]{}, err
	}
	if f.Account = signalbox.AccountID(id); r.kind == signalbox.ContactRecord {
		f.Account, f.Contact = 0, signalbox.ContactID(id)
	}
	return a.signalPage(c, f)
}
