package api_test

import (
	"encoding/json"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestDocument_IsValidForSomebodyElsesReader has kin-openapi read the document, and hold every recorded answer and every example
// against it, by the rules of JSON Schema 2020-12.
func TestDocument_IsValidForSomebodyElsesReader(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	doc, err := openapi3.NewLoader().LoadFromData(b.send("", "GET", "/openapi.json", "").body)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	for _, a := range tour(b) {
		response := doc.Paths.Find(a.Pattern).GetOperation(a.Method).Responses.Status(a.status)
		if response == nil || response.Value.Content == nil {
			if len(a.body) > 0 {
				t.Errorf("%s %d: not in the document", a.ID, a.status)
			}
			continue
		}
		if response.Value.Content.Get("text/event-stream") != nil {
			continue // its events are held against the document where they are watched
		}
		if response.Value.Content.Get("text/csv") != nil {
			continue // its rows are held against the document where they are exported
		}
		var value any
		if err := json.Unmarshal(a.body, &value); err != nil {
			t.Fatalf("%s: %v", a.ID, err)
		}
		schema := response.Value.Content.Get("application/json").Schema.Value
		if err := doc.ValidateSchemaJSON(schema, value, openapi3.EnableJSONSchema2020(), openapi3.EnableFormatValidation()); err != nil {
			t.Errorf("%s %d: %v in %s", a.ID, a.status, err, a.body)
		}
	}
}
