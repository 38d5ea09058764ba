package api

import (
	"net/http"
	"slices"
	"strings"

	"signalbox"
	"signalbox/auth"
	"signalbox/wire"
)

func (a *API) eventTypeRoute() route {
	return route{
		method: http.MethodGet, pattern: "/v1/event-types", id: "listEventTypes", tag: "Webhooks", need: auth.NeedRead,
		summary: "List the events that a webhook can subscribe to", status: http.StatusOK,
		query: []param{{name: "format", kind: words, enum: formatNames(),
			doc: "Whose events these are, by its names, and whose bodies `schema` and `sample` show: stairoids unless given."}},
		answers: lists(a.listEventTypes),
	}
}

// listEventTypes answers every event with the schema and a sample of its body.
func (a *API) listEventTypes(c *call) (page[eventTypeView], error) {
	format := signalbox.FormatStairoids
	if given := signalbox.Format(c.query.Get("format")); given != "" {
		format = given
	}
	if err := checkFormat(format); err != nil {
		return page[eventTypeView]{}, err
	}
	var out page[eventTypeView]
	for _, t := range wire.EventTypes(format) {
		out.items = append(out.items, eventTypeView{
			Name: t.In(format), Description: t.Description, Produced: t.Produced, Schema: t.Schema(format),
			Sample: wire.Sample(t.In(format), format, a.cfg.Codec, c.now),
		})
	}
	return out, nil
}

// formatNames are the formats of webhooks, for the document.
func formatNames() (names []string) {
	for _, f := range signalbox.Formats() {
		names = append(names, string(f))
	}
	return names
}

func checkFormat(f signalbox.Format) error {
	if !slices.Contains(signalbox.Formats(), f) {
		return signalbox.InvalidField("format", "format must be one of %s", strings.Join(formatNames(), ", "))
	}
	return nil
}

type eventTypeView struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Produced    bool   `json:"produced" doc:"False: it can be subscribed to and tested, but this version never sends it by itself."`
	Schema      object `json:"schema" doc:"JSON Schema (2020-12) of the whole body."`
	Sample      object `json:"sample" doc:"An example body; its ids name nothing."`
}
