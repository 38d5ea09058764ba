package api

import (
	"net/http"
	"time"

	"signalbox"
	"signalbox/auth"
)

// overviewRoutes say how things fare.
func (a *API) overviewRoutes() []route {
	return []route{
		{
			method: http.MethodGet, pattern: "/v1/overview", id: "getOverview", tag: "Overview", need: auth.NeedRead,
			summary: "See how the workspace fares",
			detail: "Counted as it happens, to the minute. `deliveries` counts how deliveries ended: `failed_24h` are those that no attempt is left for. Test calls are not " +
				"counted. `pending` is exact up to 10,000, which stands for that or more. A webhook is `failing` when more attempts failed than delivered since " +
				"the latest hour, of the last 24, in which one failed.",
			status: http.StatusOK, answers: asks(a.getOverview),
		},
		{
			method: http.MethodGet, pattern: "/v1/webhooks/{id}/health", id: "getWebhookHealth", tag: "Webhooks", need: auth.NeedRead,
			summary: "See how a webhook's receiver fares",
			detail: "Counts of attempts by the hour: `failed` are attempts that did not deliver, so that trouble shows before a delivery runs out of attempts. Durations are " +
				"those of answers in the last 24 hours, true to an eighth. Of a pull webhook, `delivered` is what its reader has read.",
			status: http.StatusOK, answers: asks(a.getWebhookHealth),
		},
	}
}

func (a *API) getOverview(c *call) (overviewView, error) {
	o, err := a.cfg.Store.Overview(c.r.Context(), c.ws(), c.now)
	if err != nil {
		return overviewView{}, err
	}
	v := overviewView{
		Signals: overviewSignals{Total: o.Signals, LastDay: o.SignalsDay},
		Deliveries: overviewDeliveries{
			Pending: o.Pending.N, Delivered: o.DeliveredDay, Failed: o.FailedDay, Oldest: stampOrNull(o.Pending.Oldest),
		},
		Webhooks: overviewWebhooks{Enabled: o.Enabled, Disabled: o.Disabled, Failing: o.Failing},
		GettingStarted: gettingStarted{
			FirstSignal: stampOrNull(o.FirstSignal), FirstWebhook: stampOrNull(o.FirstWebhook), FirstDelivery: stampOrNull(o.FirstDelivery),
		},
	}
	for _, m := range o.PerMinute {
		v.Signals.PerMinute = append(v.Signals.PerMinute, countView{At: stamp(m.At), Count: m.N})
	}
	v.Deliveries.Rate = rateOrNull(signalbox.HealthSpan{Delivered: o.DeliveredDay, Failed: o.FailedDay})
	return v, nil
}

func (a *API) getWebhookHealth(c *call) (webhookHealth, error) {
	id, err := webhookID(c)
	if err != nil {
		return webhookHealth{}, err
	}
	h, err := a.cfg.Store.WebhookHealth(c.r.Context(), c.ws(), id, c.now)
	if err != nil {
		return webhookHealth{}, err
	}
	v := webhookHealth{
		RateDay: rateOrNull(h.Day), RateWeek: rateOrNull(h.Week), P50MS: millisecondsOrNull(h.Day.P50), P95MS: millisecondsOrNull(h.Day.P95),
		Pending: h.Pending.N, Oldest: stampOrNull(h.Pending.Oldest),
	}
	for _, hour := range h.Hours {
		v.Hours = append(v.Hours, healthHour{At: stamp(hour.At), Delivered: hour.Delivered, Failed: hour.Failed, P95MS: millisecondsOrNull(hour.P95)})
	}
	return v, nil
}

// rateOrNull is a part of a whole, null where there is nothing.
func rateOrNull(s signalbox.HealthSpan) *float64 {
	rate, ok := s.Rate()
	if !ok {
		return nil
	}
	return &rate
}

func millisecondsOrNull(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	ms := milliseconds(d)
	return &ms
}

type overviewView struct {
	Signals        overviewSignals    `json:"signals"`
	Deliveries     overviewDeliveries `json:"deliveries"`
	Webhooks       overviewWebhooks   `json:"webhooks"`
	GettingStarted gettingStarted     `json:"getting_started"`
}

type overviewSignals struct {
	Total     int64       `json:"total" doc:"Stored now."`
	LastDay   int64       `json:"last_24h"`
	PerMinute []countView `json:"per_minute" doc:"The last 60 minutes, oldest first; the last one is running."`
}

type countView struct {
	At    stamp `json:"at"`
	Count int64 `json:"count"`
}

type overviewDeliveries struct {
	Pending   int      `json:"pending" doc:"Waiting to be sent; 10,000 stands for that or more."`
	Delivered int64    `json:"delivered_24h"`
	Failed    int64    `json:"failed_24h"`
	Rate      *float64 `json:"success_rate_24h" doc:"0 to 1; null: none has ended."`
	Oldest    *stamp   `json:"oldest_pending_at"`
}

type overviewWebhooks struct {
	Enabled  int `json:"enabled"`
	Disabled int `json:"disabled"`
	Failing  int `json:"failing" doc:"Of those that are enabled."`
}

type gettingStarted struct {
	FirstSignal   *stamp `json:"first_signal_at" doc:"To the minute."`
	FirstWebhook  *stamp `json:"first_webhook_at" doc:"Of those that are there now, temporary ones aside."`
	FirstDelivery *stamp `json:"first_delivery_at" doc:"That was delivered, a test call too, to the minute."`
}

type webhookHealth struct {
	RateDay  *float64     `json:"success_rate_24h" doc:"Of attempts, 0 to 1; null: there was none."`
	RateWeek *float64     `json:"success_rate_7d"`
	P50MS    *float64     `json:"p50_ms"`
	P95MS    *float64     `json:"p95_ms"`
	Pending  int          `json:"pending" doc:"Waiting to be sent, or to be read; 10,000 stands for that or more."`
	Oldest   *stamp       `json:"oldest_pending_at"`
	Hours    []healthHour `json:"hours" doc:"The last 168 hours, oldest first; the last one is running."`
}

type healthHour struct {
	At        stamp    `json:"at"`
	Delivered int64    `json:"delivered"`
	Failed    int64    `json:"failed" doc:"Attempts that did not deliver."`
	P95MS     *float64 `json:"p95_ms"`
}
