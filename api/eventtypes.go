package api

import (
	"net/http"

	"signalbox"
	"signalbox/auth"
	"signalbox/wire"
)

func (a *API) eventTypeRoute() route {
	return route{
		method: http.MethodGet, pattern: "/v1/event-types", id: "listEventTypes", tag: "Webhooks", need: auth.NeedRead,
		summary: "List the events that a webhook can subscribe to", status: http.StatusOK,
		query: []param{{name: "format", kind: words, enum: []string{string(signalbox.FormatStairoids), string(signalbox.FormatStandard)},
			doc: "Whose bodies `schema` and `sample` show: stairoids unless given."}},
		answers: lists(a.listEventTypes),
	}
}

// listEventTypes answers every event with the schema and a sample of its body.
func (a *API) listEventTypes(c *call) (page[eventTypeView], error) {
	format := signalbox.FormatStairoids
	switch given := signalbox.Format(c.query.Get("format")); given {
	case "":
	case signalbox.FormatStairoids, signalbox.FormatStandard:
		format = given
	default:
		return page[eventTypeView]{}, signalbox.InvalidField("format", "format must be stairoids or standard")
	}
	var out page[eventTypeView]
	for _, t := range wire.EventTypes() {
		out.items = append(out.items, eventTypeView{
			Name: t.Name, Description: t.Description, Produced: t.Produced, Schema: t.Schema(format),
			Sample: wire.Sample(t.Name, format, a.cfg.Codec, c.now),
		})
	}
	return out, nil
}

type eventTypeView struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Produced    bool   `json:"produced" doc:"False: it can be subscribed to and tested, but this version never sends it by itself."`
	Schema      object `json:"schema" doc:"JSON Schema (2020-12) of the whole body."`
	Sample      object `json:"sample" doc:"An example body; its ids name nothing."`
}
