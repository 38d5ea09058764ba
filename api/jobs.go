package api

import (
	"net/http"

	"signalbox"
	"signalbox/auth"
)

// jobRoutes are the doors of long work.
func (a *API) jobRoutes() []route {
	const tag = "Jobs"
	return []route{
		{
			method: http.MethodGet, pattern: "/v1/jobs", id: "listJobs", tag: tag, need: auth.NeedRead,
			summary: "List jobs", detail: "Newest first.", status: http.StatusOK, query: paging(), answers: lists(a.listJobs),
		},
		{
			method: http.MethodGet, pattern: "/v1/jobs/{id}", id: "getJob", tag: tag, need: auth.NeedRead,
			summary: "Read a job", status: http.StatusOK, answers: asks(a.getJob),
		},
		{
			method: http.MethodPost, pattern: "/v1/jobs/{id}/cancel", id: "cancelJob", tag: tag, need: auth.NeedWrite,
			summary: "Cancel a job", detail: "It stops after the slice that it is doing; what is done stays done.",
			status: http.StatusOK, bodyOptional: true, also: []signalbox.Code{signalbox.Conflict}, answers: asks(a.cancelJob),
		},
	}
}

func (a *API) listJobs(c *call) (page[jobView], error) {
	p, err := c.page()
	if err != nil {
		return page[jobView]{}, err
	}
	rows, next, err := a.cfg.Store.Jobs(c.r.Context(), c.ws(), p)
	if err != nil {
		return page[jobView]{}, err
	}
	out := page[jobView]{next: c.cursor(next)}
	for i := range rows {
		out.items = append(out.items, c.jobView(&rows[i]))
	}
	return out, nil
}

func jobID(c *call) (signalbox.JobID, error) {
	return id[signalbox.JobID](c, signalbox.KindJob, "job")
}

func (a *API) getJob(c *call) (jobView, error) {
	id, err := jobID(c)
	if err != nil {
		return jobView{}, err
	}
	job, err := a.cfg.Store.Job(c.r.Context(), c.ws(), id)
	return c.jobView(&job), err
}

func (a *API) cancelJob(c *call) (jobView, error) {
	id, err := jobID(c)
	if err != nil {
		return jobView{}, err
	}
	job, err := a.cfg.Store.CancelJob(c.act(), c.ws(), id, c.now)
	return c.jobView(&job), err
}

// jobView is a job.
type jobView struct {
	ID        string  `json:"id"`
	Kind      string  `json:"kind"`
	Status    string  `json:"status" enum:"queued|running|done|failed|cancelled"`
	Subject   *string `json:"subject" doc:"The id of what it is about."`
	Matching  int64   `json:"matching" doc:"How many rows it will touch, as far as known."`
	Done      int64   `json:"done" doc:"How many it has touched."`
	Error     *string `json:"error"`
	CreatedAt stamp   `json:"created_at"`
	UpdatedAt stamp   `json:"updated_at"`
	EndedAt   *stamp  `json:"ended_at"`
}

func (c *call) jobView(j *signalbox.Job) jobView {
	return jobView{
		ID: c.idText(signalbox.KindJob, int64(j.ID)), Kind: string(j.Kind), Status: string(j.Status), Subject: c.idOrNull(subjectKind(j.Kind), j.Subject),
		Matching: j.Matching, Done: j.Done, Error: textOrNull(j.Error), CreatedAt: stamp(j.CreatedAt), UpdatedAt: stamp(j.UpdatedAt),
		EndedAt: stampOrNull(j.EndedAt),
	}
}

// subjectKind says what a job's subject is.
func subjectKind(k signalbox.JobKind) signalbox.Kind {
	switch k {
	case signalbox.JobEraseAccount:
		return signalbox.KindAccount
	case signalbox.JobEraseContact:
		return signalbox.KindContact
	case signalbox.JobCloseWebhook, signalbox.JobRecover:
		return signalbox.KindWebhook
	case signalbox.JobDropStream:
		return signalbox.KindStream
	}
	return signalbox.KindWorkspace
}
