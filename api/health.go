package api

import (
	"net/http"
	"time"

	"signalbox"
)

// healthRoutes are the doors that need no key, apart from the document and the page.
func (a *API) healthRoutes() []route {
	const tag = "Health"
	return []route{
		{
			method: http.MethodGet, pattern: "/healthz", id: "health", tag: tag, need: public, anyQuery: true,
			summary: "Is the process alive?", status: http.StatusOK, bare: true, answers: asks(a.health),
		},
		{
			method: http.MethodGet, pattern: "/readyz", id: "ready", tag: tag, need: public, anyQuery: true,
			summary: "Can signals be taken now?", detail: "`503` when the database cannot take a write at the moment.",
			status: http.StatusOK, bare: true, also: []signalbox.Code{signalbox.Unavailable}, answers: asks(a.ready),
		},
		{
			method: http.MethodGet, pattern: "/openapi.json", id: "document", tag: tag, need: public, anyQuery: true,
			summary: "This document", status: http.StatusOK, bare: true, answers: raw[none, map[string]any](a.serveDocument),
		},
		{
			method: http.MethodGet, pattern: "/metrics", id: "metrics", tag: tag, need: public, anyQuery: true, unlisted: true,
			summary: "Metrics for Prometheus", status: http.StatusOK, answers: raw[none, none](a.metrics),
		},
	}
}

// retryReady is when to ask again whether signals can be taken.
const retryReady = time.Second

type healthView struct {
	Status string `json:"status" enum:"ok|ready"`
}

func (a *API) health(*call) (healthView, error) { return healthView{Status: "ok"}, nil }

func (a *API) ready(c *call) (healthView, error) {
	if err := a.cfg.Ready(c.r.Context()); err != nil {
		return healthView{}, &signalbox.Error{
			Code: signalbox.Unavailable, Msg: "not ready: signals cannot be stored at the moment", RetryAfter: retryReady, Err: err,
		}
	}
	return healthView{Status: "ready"}, nil
}

func (a *API) metrics(c *call) error {
	if a.cfg.Metrics == nil {
		return signalbox.Errorf(signalbox.NotFound, "this server keeps no metrics")
	}
	a.cfg.Metrics.ServeHTTP(c, c.r)
	return nil
}
