package api

import (
	"net/http"
	"time"

	"signalbox"
	"signalbox/auth"
	"signalbox/poll/connector"
)

// streamRoutes are the doors of streams, but for the one that deletes.
func (a *API) streamRoutes() []route {
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/linked-accounts/{id}/streams", id: "createStream", tag: linkedTag, need: auth.NeedWrite,
			summary: "Have a stream of records fetched",
			detail: "Its records are fetched again and again, and what differs is told as `<api>_<record_type>.created`, `.updated` and `.deleted`, without their contents. The first complete run tells " +
				"nothing, unless `emit_created_on_baseline` says so. `connector` says how the records are fetched: by itself, or by the name of a definition with settings and credentials. Credentials are " +
				"kept sealed and never shown.",
			status: created, examples: streamExamples(), answers: takes(a.createStream),
		},
		{
			method: http.MethodGet, pattern: "/v1/linked-accounts/{id}/streams", id: "listStreams", tag: linkedTag, need: auth.NeedRead,
			summary: "List the streams of a linked account", detail: "Newest first.", status: http.StatusOK, query: paging(), answers: lists(a.listStreams),
		},
		{
			method: http.MethodGet, pattern: "/v1/linked-accounts/{id}/streams/{stream}", id: "getStream", tag: linkedTag, need: auth.NeedRead,
			summary: "Read a stream", status: http.StatusOK, answers: asks(a.getStream),
		},
		{
			method: http.MethodPatch, pattern: "/v1/linked-accounts/{id}/streams/{stream}", id: "updateStream", tag: linkedTag, need: auth.NeedWrite,
			summary: "Change a stream",
			detail: "Only the fields that are given change; `api` and `record_type` were fixed when it was made. `connector` is replaced whole: its credentials may be left out as long as it signs in in the " +
				"same way and asks the same hosts. Where something else is asked for or compared from now on, the next complete run is a baseline and tells nothing. " +
				"A paused stream fetches nothing; a run that goes on waits where it is.",
			status: http.StatusOK, also: []signalbox.Code{signalbox.Conflict},
			examples: []example{
				{name: "pace", summary: "Every ten minutes, and deletions once three runs agree", body: `{"interval":"10m","deletion":{"confirmations":3}}`},
				{name: "connector", summary: "A field that changes by itself is left out; the credentials stay",
					body: `{"connector":{"type":"http_json","url":"https://api.example.com/v1/people","auth":{"type":"bearer"},"records":"data","id":"id","exclude":["last_seen_at","badge.battery"]}}`},
			},
			answers: takes(a.updateStream),
		},
	}
}

func streamExamples() []example {
	return []example{
		{name: "definition", summary: "BambooHR, as its shipped definition says",
			body: `{"record_type":"employments","connector":{"definition":"bamboohr","settings":{"domain":"acme"},"auth":{"type":"basic","username":"api-key-of-acme"}}}`},
		{name: "own", summary: "An API of your own, every field",
			body: `{"api":"hris","record_type":"employees","interval":"1h","deletion":{"confirmations":2},"emit_created_on_baseline":false,"emit_signals":false,"paused":false,` +
				`"connector":{"type":"http_json","url":"https://api.example.com/v1/people","auth":{"type":"bearer","token":"token-of-acme"},` +
				`"pagination":{"type":"page","param":"page","size_param":"per_page","size":100},"records":"data","id":"id","exclude":["last_seen_at"],"total":"meta.total","by_id":"https://api.example.com/v1/people/{id}"}}`},
	}
}

// streamView is a stream.
type linkedStreamView struct {
	ID                    string       `json:"id"`
	LinkedAccountID       string       `json:"linked_account_id"`
	API                   string       `json:"api"`
	RecordType            string       `json:"record_type"`
	Interval              string       `json:"interval"`
	Deletion              deletionView `json:"deletion"`
	EmitCreatedOnBaseline bool         `json:"emit_created_on_baseline"`
	EmitSignals           bool         `json:"emit_signals"`
	Paused                bool         `json:"paused"`
	Connector             object       `json:"connector" doc:"Without its credentials."`
	Baseline              bool         `json:"baseline" doc:"There is one: a complete run has made the state that later ones are compared with."`
	Records               int64        `json:"records" doc:"How many are known."`
	RunID                 *string      `json:"run_id" doc:"The run that goes on; null: none does."`
	QuarantinedRunID      *string      `json:"quarantined_run_id" doc:"The run that waits to be approved or discarded; null: none does."`
	NextRunAt             *stamp       `json:"next_run_at" doc:"When the next run is to begin; null: it is paused."`
	Revision              int64        `json:"revision"`
	CreatedAt             stamp        `json:"created_at"`
	UpdatedAt             stamp        `json:"updated_at"`
}

// deletionView is when a record that is missing is deleted.
type deletionView struct {
	Confirmations int `json:"confirmations" doc:"In how many complete runs in a row it must be missing."`
}

func (c *call) linkedStreamView(s *signalbox.Stream) (linkedStreamView, error) {
	interval := s.Interval
	if interval == 0 {
		interval = signalbox.DefaultSyncInterval
	}
	every, err := connector.Duration(interval).MarshalText()
	if err != nil {
		return linkedStreamView{}, err
	}
	setup, err := connector.ParseSetup(s.Connector)
	if err != nil {
		return linkedStreamView{}, err
	}
	shown, err := setup.Shown()
	if err != nil {
		return linkedStreamView{}, err
	}
	v := linkedStreamView{
		ID: c.idText(signalbox.KindStream, int64(s.ID)), LinkedAccountID: c.idText(signalbox.KindLinked, int64(s.Linked)), API: s.API, RecordType: s.RecordType,
		Interval: string(every), Deletion: deletionView{s.Confirm()}, EmitCreatedOnBaseline: s.EmitCreatedOnBaseline, EmitSignals: s.EmitSignals, Paused: s.Paused, Connector: shown,
		Baseline: s.Baselined != 0 && s.Baselined == s.Fingerprint, Records: s.Known, RunID: c.idOrNull(signalbox.KindSyncRun, int64(s.Run)),
		QuarantinedRunID: c.idOrNull(signalbox.KindSyncRun, int64(s.Quarantine)), Revision: s.Version, CreatedAt: stamp(s.CreatedAt), UpdatedAt: stamp(s.UpdatedAt),
	}
	if !s.Paused {
		v.NextRunAt = stampOrNull(s.NextAt)
	}
	return v, nil
}

// streamID reads the {id} and the {stream} of the path. Whichever is wrong, it is the stream that there is not.
func streamID(c *call) (of signalbox.LinkedAccountID, stream signalbox.StreamID, err error) {
	account, ok := c.api.cfg.Codec.Parse(signalbox.KindLinked, c.r.PathValue("id"))
	n, good := c.api.cfg.Codec.Parse(signalbox.KindStream, c.r.PathValue("stream"))
	if !ok || !good {
		return 0, 0, signalbox.NoSuch("stream")
	}
	return signalbox.LinkedAccountID(account), signalbox.StreamID(n), nil
}

func (a *API) createStream(c *call, in *newStream) (linkedStreamView, error) {
	of, err := a.linkedAccount(c)
	if err != nil {
		return linkedStreamView{}, err
	}
	s, err := a.buildStream(c, of.ID, in)
	if err != nil {
		return linkedStreamView{}, err
	}
	if err := a.cfg.Linked.CreateStream(c.act(), s); err != nil {
		return linkedStreamView{}, err
	}
	a.cfg.Wake(c.now)
	return c.linkedStreamView(&s)
}

func (a *API) listStreams(c *call) (page[linkedStreamView], error) {
	p, err := c.page()
	if err != nil {
		return page[linkedStreamView]{}, err
	}
	of, err := a.linkedAccount(c)
	if err != nil {
		return page[linkedStreamView]{}, err
	}
	rows, next, err := a.cfg.Linked.Streams(c.r.Context(), c.ws(), of.ID, p)
	if err != nil {
		return page[linkedStreamView]{}, err
	}
	out := page[linkedStreamView]{next: c.cursor(next)}
	for i := range rows {
		v, err := c.linkedStreamView(&rows[i])
		if err != nil {
			return page[linkedStreamView]{}, err
		}
		out.items = append(out.items, v)
	}
	return out, nil
}

func (a *API) getStream(c *call) (linkedStreamView, error) {
	of, id, err := streamID(c)
	if err != nil {
		return linkedStreamView{}, err
	}
	s, err := a.cfg.Linked.Stream(c.r.Context(), c.ws(), of, id)
	if err != nil {
		return linkedStreamView{}, err
	}
	return c.linkedStreamView(&s)
}

func (a *API) updateStream(c *call, in *streamPatch) (linkedStreamView, error) {
	of, id, err := streamID(c)
	if err != nil {
		return linkedStreamView{}, err
	}
	old, err := a.cfg.Linked.Stream(c.r.Context(), c.ws(), of, id)
	if err != nil {
		return linkedStreamView{}, err
	}
	change, err := a.buildStreamPatch(c, &old, in)
	if err != nil {
		return linkedStreamView{}, err
	}
	s, err := a.cfg.Linked.UpdateStream(c.act(), c.ws(), of, id, c.now, change)
	if err != nil {
		return linkedStreamView{}, err
	}
	a.cfg.Wake(c.now)
	return c.linkedStreamView(&s)
}

func (a *API) deleteStream(c *call) (none, error) {
	of, id, err := streamID(c)
	if err != nil {
		return none{}, err
	}
	if err := a.cfg.Linked.DeleteStream(c.act(), c.ws(), of, id, c.now); err != nil {
		return none{}, err
	}
	a.cfg.Wake(c.now)
	return none{}, nil
}

// sooner has the next run of a stream begin by a moment.
func sooner(s *signalbox.Stream, by time.Time) {
	if by.Before(s.NextAt) {
		s.NextAt = by
	}
}
