package connector

import (
	"encoding/json"

	"signalbox/expr"
	"signalbox/strictjson"
)

// recordVariable is what mappings call the record.
const recordVariable = "record"

// mappingOptions are those of all mappings.
var mappingOptions = expr.Options{Use: expr.ForTemplate, Extra: []string{recordVariable}}

// Identity is whom a record is about, as its definition maps it; "" is unknown.
type Identity struct {
	AccountDomain string `json:"account_domain"`
	AccountName   string `json:"account_name"`
	Email         string `json:"email"`
	FirstName     string `json:"first_name"`
	LastName      string `json:"last_name"`
	Title         string `json:"title"`
	LinkedInURL   string `json:"linkedin_url"`
}

// Unify maps a record to the unified fields of its type, as one JSON object; nil when the definition has no mapping. A field that the record lacks is null.
func (s *Stream) Unify(r Record) (json.RawMessage, error) { return render(s.unified, r) }

// Identify says whom a record is about. What is no text is unknown.
func (s *Stream) Identify(r Record) (Identity, error) {
	text, err := render(s.identity, r)
	if err != nil || text == nil {
		return Identity{}, err
	}
	var parts map[string]any
	if err := strictjson.Unmarshal(text, &parts); err != nil {
		return Identity{}, err
	}
	of := func(name string) string {
		value, _ := parts[name].(string)
		return value
	}
	return Identity{AccountDomain: of("account_domain"), AccountName: of("account_name"), Email: of("email"), FirstName: of("first_name"), LastName: of("last_name"),
		Title: of("title"), LinkedInURL: of("linkedin_url")}, nil
}

func render(t *expr.Template, r Record) (json.RawMessage, error) {
	if t == nil {
		return nil, nil
	}
	return t.Render(&expr.Facts{Extra: map[string]any{recordVariable: r.Raw}}, nil)
}
