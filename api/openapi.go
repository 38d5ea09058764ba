package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	"signalbox/auth"
)

// document is the OpenAPI document, made once.
type document struct {
	body []byte
	etag string
}

const introduction = "Signalbox takes signals in, matches them to companies and people, and sends signed webhooks out.\n\n" +
	"Times are RFC 3339 in UTC, with milliseconds. Lists are newest first and stable while rows arrive: go on with `meta.next_cursor`. " +
	"Unknown fields and query parameters are refused by name, except where signals come in. `null` or `\"\"` in an optional field means absent; in a PATCH it removes. " +
	"Every answer carries `X-Request-Id`; every error has the shape of `ErrorAnswer`."

// serveDocument answers GET /openapi.json.
func (a *API) serveDocument(c *call) error {
	doc := a.document()
	c.Header()["Cache-Control"] = []string{"no-cache"}
	c.Header()["Etag"] = []string{doc.etag}
	if c.r.Header.Get("If-None-Match") == doc.etag {
		c.WriteHeader(http.StatusNotModified)
		return nil
	}
	c.write(http.StatusOK, doc.body)
	return nil
}

// buildDocument writes the document from the table of routes and the Go types in it.
func (a *API) buildDocument() document {
	s := &schemas{known: map[reflect.Type]string{}}
	paths, tags := members{}, []any{}
	for i := range a.routes {
		r := &a.routes[i]
		if r.unlisted {
			continue
		}
		if tag := (members{{"name", r.tag}}); !slices.ContainsFunc(tags, func(t any) bool { return t.(members)[0] == tag[0] }) {
			tags = append(tags, tag)
		}
		place := slices.IndexFunc(paths, func(m member) bool { return m.name == r.pattern })
		if place < 0 {
			place, paths = len(paths), append(paths, member{r.pattern, members{}})
		}
		paths[place].value = append(paths[place].value.(members), member{strings.ToLower(r.method), s.operation(r)})
	}
	s.component(reflect.TypeFor[errorAnswer](), answered)
	s.component(reflect.TypeFor[meta](), answered)
	sort.Slice(s.components, func(i, j int) bool { return s.components[i].name < s.components[j].name })
	body, err := members{
		{"openapi", "3.1.0"},
		{"info", members{{"title", "Signalbox"}, {"version", "1"}, {"description", introduction},
			{"license", members{{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
		{"servers", []any{members{{"url", "/"}}}},
		{"security", []any{members{{"key", []any{}}}, members{{"session", []any{}}}}},
		{"tags", tags},
		{"paths", paths},
		{"components", members{
			{"schemas", s.components},
			{"responses", failures()},
			{"securitySchemes", members{{"key", members{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", auth.Prefix + "…"},
				{"description", "An API key of the workspace, with the scope that the operation names."}}},
				{"session", members{{"type", "apiKey"}, {"in", "cookie"}, {"name", cookieSecure},
					{"description", "The session of a member, with a role that the operation names. Over plain http the cookie is `" + cookiePlain + "`."}}}}},
		}},
	}.MarshalJSON()
	if err != nil {
		panic(err) // not reachable: texts and numbers only
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, body); err != nil {
		panic(err) // not reachable, as above
	}
	sum := sha256.Sum256(compact.Bytes())
	return document{body: compact.Bytes(), etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// operation describes one route.
func (s *schemas) operation(r *route) members {
	out := members{{"operationId", r.id}, {"tags", []any{r.tag}}, {"summary", r.summary}}
	detail := r.detail
	switch r.need {
	case public:
		out = append(out, member{"security", []any{}})
	case auth.NeedMember:
		out = append(out, member{"security", []any{members{{"session", []any{}}}}})
		detail = strings.TrimSpace(detail + "\n\nFor members who are signed in.")
	default:
		detail = strings.TrimSpace(detail + "\n\nScope: " + r.need.Words() + ". Role: " + r.need.Roles() + ".")
	}
	if detail != "" {
		out = append(out, member{"description", detail})
	}
	if list := parameters(r); len(list) > 0 {
		out = append(out, member{"parameters", list})
	}
	if r.answers.in != nil {
		out = append(out, member{"requestBody", s.requestBody(r)})
	}
	return append(out, member{"responses", s.responses(r)})
}

// parameters describes the path, the headers and the query of a route.
func parameters(r *route) []any {
	var out []any
	for _, name := range r.places() {
		out = append(out, members{{"name", name}, {"in", "path"}, {"required", true}, {"schema", members{{"type", "string"}}}})
	}
	if r.need == auth.NeedIngest {
		out = append(out, members{{"name", "Idempotency-Key"}, {"in", "header"},
			{"description", "Names this request, so that it can be sent again without happening twice."},
			{"schema", members{{"type", "string"}, {"maxLength", 255}}}})
	}
	for _, p := range r.query {
		schema := members{{"type", "string"}}
		switch p.kind {
		case integer:
			schema = members{{"type", "integer"}}
		case moment:
			schema = append(schema, member{"format", "date-time"})
		case words:
			schema = append(schema, member{"enum", p.enum})
		}
		out = append(out, members{{"name", p.name}, {"in", "query"}, {"description", p.doc}, {"schema", schema}})
	}
	return out
}

func (s *schemas) requestBody(r *route) members {
	u := asked
	if r.need == auth.NeedIngest {
		u = relayed
	}
	content := members{{"schema", s.of(r.answers.in, u)}}
	if len(r.examples) > 0 {
		examples := members{}
		for _, e := range r.examples {
			examples = append(examples, member{e.name, members{{"summary", e.summary}, {"value", json.RawMessage(e.body)}}})
		}
		content = append(content, member{"examples", examples})
	}
	return members{{"required", !r.bodyOptional}, {"content", members{{"application/json", content}}}}
}

// responses describes the success and the refusals of a route.
func (s *schemas) responses(r *route) members {
	success := members{{"description", http.StatusText(r.status)}}
	if headers := successHeaders(r); len(headers) > 0 {
		success = append(success, member{"headers", headers})
	}
	switch {
	case r.events:
		s.of(r.answers.out, answered) // what the events hold
		success = append(success, member{"content", members{{"text/event-stream", members{{"schema", members{{"type", "string"}}}}}}})
	case r.csv:
		success = append(success, member{"content", members{{"text/csv", members{{"schema", members{{"type", "string"}}}}}}})
	case r.answers.out != nil:
		success = append(success, member{"content", members{{"application/json", members{{"schema", s.answer(r)}}}}})
	}
	out := members{{strconv.Itoa(r.status), success}}
	if r.dry {
		out = append(members{{strconv.Itoa(http.StatusOK), append(members{{"description", "With dry_run: what would come of it"}}, success[1:]...)}}, out...)
	}
	for _, status := range refusalsOf(r) {
		out = append(out, member{strconv.Itoa(status), members{{"$ref", "#/components/responses/" + failureName(status)}}})
	}
	return out
}

// answer is the schema of a success: bare, or data beside meta.
func (s *schemas) answer(r *route) members {
	inner := s.of(r.answers.out, answered)
	if r.bare {
		return inner
	}
	beside := reflect.TypeFor[meta]()
	if r.answers.list {
		inner, beside = members{{"type", "array"}, {"items", inner}}, reflect.TypeFor[listMeta]()
	}
	return members{{"type", "object"}, {"required", []any{"data", "meta"}}, {"properties", members{{"data", inner}, {"meta", s.of(beside, answered)}}}}
}

func successHeaders(r *route) members {
	text := members{{"type", "string"}}
	header := func(name, doc string) member {
		return member{name, members{{"description", doc}, {"schema", text}}}
	}
	if r.need != auth.NeedIngest {
		return nil
	}
	return members{
		header("Idempotent-Replayed", "true: this is the answer of an earlier request with the same key."),
		header("X-Signalbox-Ignored", "Unknown fields of the body, which were ignored."),
		header("X-RateLimit-Limit", "Where a limit applies: of the window with least left."),
		header("X-RateLimit-Remaining", "What is left of it."),
		header("X-RateLimit-Reset", "When it has room again, in Unix seconds."),
	}
}

// refusalsOf lists the statuses that a route can refuse with.
func refusalsOf(r *route) []int {
	var out []int
	if r.answers.in != nil || !r.anyQuery || r.bodyOptional {
		out = append(out, http.StatusBadRequest)
	}
	if r.need != public {
		out = append(out, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable)
	}
	if len(r.places()) > 0 {
		out = append(out, http.StatusNotFound)
	}
	if r.method != http.MethodGet {
		out = append(out, http.StatusForbidden) // a page of another site
	}
	if r.method == http.MethodPost || r.method == http.MethodPut || r.method == http.MethodPatch {
		out = append(out, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	for _, code := range r.also {
		out = append(out, statusOf(code))
	}
	out = append(out, http.StatusInternalServerError)
	slices.Sort(out)
	return slices.Compact(out)
}

// failures are the refusals by status, with the codes that each can carry.
func failures() members {
	var out members
	for _, r := range Refusals() {
		name := failureName(r.Status)
		if len(out) > 0 && out[len(out)-1].name == name {
			continue
		}
		var codes []string
		for _, same := range Refusals() {
			if same.Status == r.Status {
				codes = append(codes, "`"+string(same.Code)+"`")
			}
		}
		out = append(out, member{name, members{
			{"description", http.StatusText(r.Status) + ": " + strings.Join(codes, " or ") + "."},
			{"content", members{{"application/json", members{{"schema", members{{"$ref", "#/components/schemas/ErrorAnswer"}}}}}}},
		}})
	}
	return out
}

func failureName(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }
