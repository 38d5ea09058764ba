package api

import (
	"net/http"

	"signalbox"
	"signalbox/auth"
)

// syncRoutes are the doors of runs.
func (a *API) syncRoutes() []route {
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/linked-accounts/{id}/streams/{stream}/sync", id: "syncStream", tag: linkedTag, need: auth.NeedWrite,
			summary: "Fetch a stream now", detail: "Answers the run that is begun, or the one that goes on: a stream has one at a time. Conflict when the stream is paused.",
			status: http.StatusAccepted, bodyOptional: true, also: []signalbox.Code{signalbox.Conflict}, answers: asks(a.syncStream),
		},
		{
			method: http.MethodGet, pattern: "/v1/linked-accounts/{id}/runs", id: "listSyncRuns", tag: linkedTag, need: auth.NeedRead,
			summary: "List the runs of a linked account",
			detail:  "Newest first. Each record is counted once: `fetched` + `missing` = `created` + `updated` + `unchanged` + `deleted` + `waiting` + `suppressed`.",
			status:  http.StatusOK, query: paging(param{name: "stream_id", kind: text, doc: "Only the runs of this stream."}), answers: lists(a.listSyncRuns),
		},
		{
			method: http.MethodGet, pattern: "/v1/linked-accounts/{id}/runs/{run}", id: "getSyncRun", tag: linkedTag, need: auth.NeedRead,
			summary: "Read a run", status: http.StatusOK, answers: asks(a.getSyncRun),
		},
		{
			method: http.MethodPost, pattern: "/v1/linked-accounts/{id}/runs/{run}/approve", id: "approveSyncRun", tag: linkedTag, need: auth.NeedWrite,
			summary: "Approve a quarantined run",
			detail:  "Those of the records that it missed which have not come since are deleted, and told so, a moment later. Conflict when the run waits for no decision, or has another one.",
			status:  http.StatusOK, bodyOptional: true, also: []signalbox.Code{signalbox.Conflict}, answers: asks(a.approveSyncRun),
		},
		{
			method: http.MethodPost, pattern: "/v1/linked-accounts/{id}/runs/{run}/discard", id: "discardSyncRun", tag: linkedTag, need: auth.NeedWrite,
			summary: "Discard a quarantined run",
			detail:  "The records that it missed are kept, and nobody is asked about them again until they come again. Conflict when the run waits for no decision, or has another one.",
			status:  http.StatusOK, bodyOptional: true, also: []signalbox.Code{signalbox.Conflict}, answers: asks(a.discardSyncRun),
		},
	}
}

// startedRun is the answer of POST …/sync.
type startedRun struct {
	RunID string `json:"run_id"`
}

// syncRunView is a run.
type syncRunView struct {
	ID         string  `json:"id"`
	StreamID   string  `json:"stream_id"`
	Status     string  `json:"status" enum:"running|complete|failed|quarantined"`
	Baseline   bool    `json:"baseline" doc:"It makes the state that later runs are compared with."`
	Fetched    int64   `json:"fetched" doc:"Distinct records that came."`
	Created    int64   `json:"created" doc:"Of them, told as created."`
	Updated    int64   `json:"updated" doc:"Of them, told as updated."`
	Unchanged  int64   `json:"unchanged"`
	Missing    int64   `json:"missing" doc:"Known records that did not come; counted once all the others have."`
	Deleted    int64   `json:"deleted" doc:"Of those that are missing, told as deleted."`
	Waiting    int64   `json:"waiting" doc:"Of those that are missing: not often enough yet, or not proven to be gone."`
	Suppressed int64   `json:"suppressed" doc:"Differences that were not told: those of a baseline, and deletions that a quarantine holds back."`
	Duplicates int64   `json:"duplicates" doc:"How often a record came that had come already."`
	Page       int     `json:"page" doc:"Pages fetched, of the present walk through them."`
	Error      *string `json:"error" doc:"Why it failed, was quarantined, or left deletions waiting."`
	StartedAt  stamp   `json:"started_at"`
	EndedAt    *stamp  `json:"ended_at" doc:"Null: it goes on."`
	Decision   *string `json:"decision" enum:"approved|discarded" doc:"Of a quarantined run; null: there is none."`
	ClosedBy   *string `json:"closed_by" enum:"approved|discarded|found" doc:"What ended the quarantine: a decision that was carried out, or a later run that found the records. Null: nothing has."`
	ClosedAt   *stamp  `json:"closed_at"`
}

func (c *call) syncRunView(r *signalbox.SyncRun) syncRunView {
	return syncRunView{
		ID: c.idText(signalbox.KindSyncRun, int64(r.ID)), StreamID: c.idText(signalbox.KindStream, int64(r.Stream)), Status: string(r.Status), Baseline: r.Baseline,
		Fetched: r.Fetched, Created: r.Created, Updated: r.Updated, Unchanged: r.Unchanged, Missing: r.Missing, Deleted: r.Deleted, Waiting: r.Waiting,
		Suppressed: r.Suppressed, Duplicates: r.Duplicates, Page: r.Page, Error: textOrNull(r.Error), StartedAt: stamp(r.StartedAt), EndedAt: stampOrNull(r.EndedAt),
		Decision: textOrNull(string(r.Decision)), ClosedBy: textOrNull(r.Closed), ClosedAt: stampOrNull(r.ClosedAt),
	}
}

func (a *API) syncStream(c *call) (startedRun, error) {
	of, id, err := streamID(c)
	if err != nil {
		return startedRun{}, err
	}
	if _, err := a.cfg.Linked.Stream(c.r.Context(), c.ws(), of, id); err != nil {
		return startedRun{}, err // of another account
	}
	run, err := a.cfg.Linked.StartSync(c.act(), c.ws(), id, signalbox.SyncRunID(a.cfg.IDs.Next(c.now)), c.now)
	if err != nil {
		return startedRun{}, err
	}
	a.cfg.Wake(c.now)
	return startedRun{c.idText(signalbox.KindSyncRun, int64(run))}, nil
}

func (a *API) listSyncRuns(c *call) (page[syncRunView], error) {
	p, err := c.page()
	if err != nil {
		return page[syncRunView]{}, err
	}
	var stream signalbox.StreamID
	if given := c.query.Get("stream_id"); given != "" {
		n, ok := a.cfg.Codec.Parse(signalbox.KindStream, given)
		if !ok {
			return page[syncRunView]{}, signalbox.InvalidField("stream_id", "stream_id must be the id of a stream, str_…")
		}
		stream = signalbox.StreamID(n)
	}
	of, err := a.linkedAccount(c)
	if err != nil {
		return page[syncRunView]{}, err
	}
	rows, next, err := a.cfg.Linked.SyncRuns(c.r.Context(), c.ws(), of.ID, stream, p)
	if err != nil {
		return page[syncRunView]{}, err
	}
	out := page[syncRunView]{next: c.cursor(next)}
	for i := range rows {
		out.items = append(out.items, c.syncRunView(&rows[i]))
	}
	return out, nil
}

// syncRun reads the run of the path.
func (a *API) syncRun(c *call) (signalbox.SyncRun, error) {
	of, ok := a.cfg.Codec.Parse(signalbox.KindLinked, c.r.PathValue("id"))
	run, good := a.cfg.Codec.Parse(signalbox.KindSyncRun, c.r.PathValue("run"))
	if !ok || !good {
		return signalbox.SyncRun{}, signalbox.NoSuch("run")
	}
	return a.cfg.Linked.SyncRun(c.r.Context(), c.ws(), signalbox.LinkedAccountID(of), signalbox.SyncRunID(run))
}

func (a *API) getSyncRun(c *call) (syncRunView, error) {
	run, err := a.syncRun(c)
	if err != nil {
		return syncRunView{}, err
	}
	return c.syncRunView(&run), nil
}

func (a *API) approveSyncRun(c *call) (syncRunView, error) {
	return a.decideSync(c, signalbox.SyncApproved)
}

func (a *API) discardSyncRun(c *call) (syncRunView, error) {
	return a.decideSync(c, signalbox.SyncDiscarded)
}

// decideSync notes what somebody says of a quarantined run, and answers the run as it stands then: what follows from it is carried out when no run of the
// stream goes on.
func (a *API) decideSync(c *call, d signalbox.SyncDecision) (syncRunView, error) {
	run, err := a.syncRun(c)
	if err != nil {
		return syncRunView{}, err
	}
	if err := a.cfg.Linked.DecideSync(c.act(), c.ws(), run.ID, d, c.now); err != nil {
		return syncRunView{}, err
	}
	a.cfg.Wake(c.now)
	return a.getSyncRun(c)
}
