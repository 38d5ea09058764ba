package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"signalbox"
	"signalbox/auth"
)

// recoverRoutes are the doors of sending again what a webhook has missed.
func (a *API) recoverRoutes() []route {
	const tag = "Deliveries"
	examples := []example{{name: "since", summary: "All that was missed since a time", body: `{"since":"2026-01-02T15:04:05Z"}`},
		{name: "failed", summary: "What failed in an hour, slowly", body: `{"since":"2026-01-02T15:00:00Z","until":"2026-01-02T16:00:00Z","include":["failed"],"event":"signal.created","rate_per_second":5}`}}
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/webhooks/{id}/recover/preview", id: "previewRecovery", tag: tag, need: auth.NeedRead,
			summary: "See what a recovery would send",
			detail:  "Counts by kind and names the oldest. Nothing is sent. What is still to be sent by itself is not counted.",
			status:  http.StatusOK, bare: true, also: []signalbox.Code{signalbox.Conflict}, examples: examples, answers: takes(a.previewRecovery),
		},
		{
			method: http.MethodPost, pattern: "/v1/webhooks/{id}/recover", id: "recoverWebhook", tag: tag, need: auth.NeedHooks,
			summary: "Send again what a webhook has missed",
			detail: "Begins a job that makes deliveries `pending` again at its own rate, oldest first, each with a whole schedule of attempts, the same `webhook-id` and the same bytes. " +
				"It goes on after a restart; `GET /v1/jobs/{id}` tells how far it is, `POST …/cancel` keeps back what it has not set going. It ends as `failed` when the webhook is disabled or deleted meanwhile.",
			status: http.StatusAccepted, also: []signalbox.Code{signalbox.Conflict}, examples: examples, answers: takes(a.recoverWebhook),
		},
	}
}

// recoveryOrder is the body of both doors.
type recoveryOrder struct {
	Since   *string  `json:"since" required:"true" format:"date-time" doc:"Events at or after this time."`
	Until   *string  `json:"until" format:"date-time" doc:"Events at or before this time; now unless given."`
	Include []string `json:"include" doc:"What is sent: failed (no attempt was left), skipped (as while the webhook was disabled), never_attempted (the webhook takes the event now and has no delivery of it), delivered (again). All but delivered unless given."`
	Event   *string  `json:"event" doc:"Only this event, by its exact name."`
	Rate    *int     `json:"rate_per_second" min:"1" max:"1000" doc:"Deliveries set going in a second: 50 unless given."`
}

func (a *API) recovery(c *call, in *recoveryOrder) (r signalbox.Recovery, err error) {
	if in.Since == nil {
		return r, signalbox.InvalidField("since", "since is required: from when on events are sent again, such as 2026-01-02T15:04:05Z")
	}
	if r.From, err = bodyMoment("since", *in.Since); err != nil {
		return r, err
	}
	r.To = c.now
	if in.Until != nil {
		if r.To, err = bodyMoment("until", *in.Until); err != nil {
			return r, err
		}
	}
	switch {
	case r.From.After(c.now):
		return r, signalbox.InvalidField("since", "since lies in the future")
	case r.To.Before(r.From):
		return r, signalbox.InvalidField("until", "until must not be before since")
	}
	r.Include = []signalbox.Missed{signalbox.MissedFailed, signalbox.MissedSkipped, signalbox.MissedNever}
	if in.Include != nil {
		if r.Include, err = missedWords(in.Include); err != nil {
			return r, err
		}
	}
	r.Event = strings.TrimSpace(value(in.Event))
	r.Rate = signalbox.DefaultRecoveryRate
	if in.Rate != nil {
		r.Rate = *in.Rate
	}
	if r.Rate < 1 || r.Rate > signalbox.MaxRecoveryRate {
		return r, signalbox.InvalidField("rate_per_second", "rate_per_second must be from 1 to %d", signalbox.MaxRecoveryRate)
	}
	return r, nil
}

func missedWords(words []string) (list []signalbox.Missed, err error) {
	all := signalbox.AllMissed()
	for _, word := range words {
		m := signalbox.Missed(strings.TrimSpace(word))
		if !slices.Contains(all, m) {
			return nil, signalbox.InvalidField("include", "include: %q is none of failed, skipped, never_attempted, delivered", word)
		}
		if !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	if len(list) == 0 {
		return nil, signalbox.InvalidField("include", "include must name at least one of failed, skipped, never_attempted, delivered")
	}
	return list, nil
}

// bodyMoment reads a time of a body.
func bodyMoment(name, given string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(given))
	if err != nil {
		return time.Time{}, signalbox.InvalidField(name, "%s must be a time such as 2026-01-02T15:04:05Z", name)
	}
	return t.UTC(), nil
}

func (a *API) previewRecovery(c *call, in *recoveryOrder) (recoveryPreview, error) {
	id, err := webhookID(c)
	if err != nil {
		return recoveryPreview{}, err
	}
	r, err := a.recovery(c, in)
	if err != nil {
		return recoveryPreview{}, err
	}
	p, err := a.cfg.Store.PreviewRecovery(c.r.Context(), c.ws(), id, r)
	if err != nil {
		return recoveryPreview{}, err
	}
	out := recoveryPreview{Matching: p.Matching(), AtLeast: p.AtLeast, Events: []recoverable{}}
	out.Counts.Failed, out.Counts.Skipped = p.Counts[signalbox.MissedFailed], p.Counts[signalbox.MissedSkipped]
	out.Counts.NeverAttempted, out.Counts.Delivered = p.Counts[signalbox.MissedNever], p.Counts[signalbox.MissedNothing]
	for _, one := range p.First {
		out.Events = append(out.Events, recoverable{
			EventID: c.idText(signalbox.KindEvent, int64(one.Event)), Event: one.EventName, Missed: string(one.Why),
			DeliveryID: c.idOrNull(signalbox.KindDelivery, int64(one.Delivery)), CreatedAt: stamp(one.CreatedAt),
		})
	}
	return out, nil
}

func (a *API) recoverWebhook(c *call, in *recoveryOrder) (jobView, error) {
	id, err := webhookID(c)
	if err != nil {
		return jobView{}, err
	}
	r, err := a.recovery(c, in)
	if err != nil {
		return jobView{}, err
	}
	p, err := a.cfg.Store.PreviewRecovery(c.r.Context(), c.ws(), id, r)
	if err != nil {
		return jobView{}, err
	}
	j := signalbox.Job{
		ID: signalbox.JobID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), Kind: signalbox.JobRecover, Status: signalbox.JobQueued,
		Subject: int64(id), Matching: int64(p.Matching()), CreatedAt: c.now, UpdatedAt: c.now,
	}
	if err := a.cfg.Store.CreateRecovery(c.act(), j, r); err != nil {
		return jobView{}, err
	}
	a.cfg.Wake(c.now)
	return c.jobView(&j), nil
}

// recoveryPreview is what a recovery would send.
type recoveryPreview struct {
	Matching int            `json:"matching" doc:"How many events would be sent."`
	AtLeast  bool           `json:"at_least" doc:"There may be more: counting stopped at 100,000, or after a second."`
	Counts   recoveryCounts `json:"counts"`
	Events   []recoverable  `json:"events" doc:"The oldest, 20 at most."`
}

type recoveryCounts struct {
	Failed         int `json:"failed"`
	Skipped        int `json:"skipped"`
	NeverAttempted int `json:"never_attempted"`
	Delivered      int `json:"delivered"`
}

// recoverable is one event that would be sent.
type recoverable struct {
	EventID    string  `json:"event_id"`
	Event      string  `json:"event"`
	Missed     string  `json:"missed" enum:"failed|skipped|never_attempted|delivered"`
	DeliveryID *string `json:"delivery_id" doc:"Null: there is none yet."`
	CreatedAt  stamp   `json:"created_at"`
}
