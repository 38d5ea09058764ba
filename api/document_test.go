package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/api"
	"signalbox/auth"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// TestDocument_TheCommittedCopyIsCurrent keeps openapi.json, which other parts of the project are generated from.
func TestDocument_TheCommittedCopyIsCurrent(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	var got bytes.Buffer
	if err := json.Indent(&got, b.send("", "GET", "/openapi.json", "").body, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	if *update {
		if err := os.WriteFile("openapi.json", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("openapi.json is not what the program serves: run go test ./api -update and look at the difference")
	}
}

func TestDocument_IsServedWithAnETag(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	first := b.send("", "GET", "/openapi.json", "")
	if got := b.send("", "GET", "/openapi.json", "", "If-None-Match", first.header.Get("Etag")); got.status != http.StatusNotModified || len(got.body) != 0 {
		t.Errorf("with its own ETag: %d, %d bytes", got.status, len(got.body))
	}
}

func TestDocument_ListsEveryOperationAndNothingElse(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	paths := b.send("", "GET", "/openapi.json", "").at("paths").(map[string]any)
	listed := 0
	for _, operations := range paths {
		listed += len(operations.(map[string]any))
	}
	for _, r := range b.api.Table() {
		methods, _ := paths[r.Pattern].(map[string]any)
		operation, _ := methods[strings.ToLower(r.Method)].(map[string]any)
		if (operation == nil) != r.Unlisted {
			t.Errorf("%s %s: in the document: %v", r.Method, r.Pattern, operation != nil)
		}
		if operation == nil {
			continue
		}
		listed--
		if operation["operationId"] != r.ID || operation["summary"] == "" {
			t.Errorf("%s %s is described as %v", r.Method, r.Pattern, operation)
		}
		if text, _ := operation["description"].(string); r.Need == auth.NeedMember != strings.Contains(text, "For members who are signed in") ||
			r.Need != "" && r.Need != auth.NeedMember && !strings.Contains(text, "Scope: "+r.Need.Words()+". Role: "+r.Need.Roles()) {
			t.Errorf("%s does not say its scope: %q", r.ID, text)
		}
	}
	if listed != 0 {
		t.Errorf("the document lists %d operations more than there are", listed)
	}
}

func TestChecker_CatchesWhatIsNotInTheDocument(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	c := newChecker(t, b.send("", "GET", "/openapi.json", "").body)
	schema := c.resolve(map[string]any{"$ref": "#/components/schemas/ErrorAnswer"})
	for body, want := range map[string]int{
		`{"error":{"code":"c","message":"m"},"meta":{"request_id":"r","timestamp":"t"}}`:         0,
		`{"error":{"code":"c","message":"m","extra":1},"meta":{"request_id":"r"}}`:               2,
		`{"error":{"code":1,"message":null},"meta":{"request_id":"r","timestamp":"t"},"more":1}`: 3,
		`[]`: 1,
	} {
		var value any
		if err := json.Unmarshal([]byte(body), &value); err != nil {
			t.Fatal(err)
		}
		if got := c.check(schema, value, ""); len(got) != want {
			t.Errorf("%s: %d faults %q, want %d", body, len(got), got, want)
		}
	}
}

// answered is one recorded request and its answer.
type answered struct {
	api.Row
	method, path string // path with its query
	header       http.Header
	status       int
	body         []byte
}

// TestDocument_EveryExampleIsExecuted sends every example of the document to the real server in the order of the table, and calls
// every other operation once, with ids of the answers before. Each answer, refusals too, must be what the document says.
func TestDocument_EveryExampleIsExecuted(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	check := newChecker(t, b.send("", "GET", "/openapi.json", "").body)
	for _, r := range b.api.Table() {
		for _, body := range r.Examples {
			check.example(r, body)
		}
	}
	for _, a := range tour(b) {
		check.answer(a)
	}
	if unused := check.unusedOperations(); len(unused) > 0 {
		t.Errorf("nobody called %s", unused)
	}
}

// tour plays the whole document and returns what was answered.
func tour(b *box) []answered {
	b.Helper()
	ids := map[signalbox.Kind]string{}
	jane := b.password("jane@acmecorp.com", "correct horse battery")
	var cookie string
	var out []answered
	play := func(r api.Row, path, body string) answer {
		b.Helper()
		key, headers := b.admin, []string{}
		if r.Need == auth.NeedMember {
			key, headers = "", []string{"Cookie", cookie}
		}
		a := b.send(key, r.Method, path, body, headers...)
		if r.ID == "createSession" {
			cookie, _, _ = strings.Cut(a.header.Get("Set-Cookie"), ";")
		}
		if a.status >= 300 {
			b.Errorf("%s %s with %s: %d %s", r.Method, path, body, a.status, a.body)
		}
		out = append(out, answered{Row: r, method: r.Method, path: path, header: a.header, status: a.status, body: a.body})
		return a
	}
	for _, r := range b.api.Table() {
		if r.Unlisted {
			continue
		}
		if r.ID == "getDelivery" { // nothing was sent to the webhooks of the examples yet
			b.do(http.StatusCreated, "POST", "/v1/signals", trial)
			ids[signalbox.KindDelivery] = b.attempted(ids[signalbox.KindWebhook])
			ids[signalbox.KindEvent] = b.do(http.StatusOK, "GET", "/v1/deliveries/"+ids[signalbox.KindDelivery], "").text("data.event_id")
		}
		bodies := r.Examples
		if len(bodies) == 0 {
			bodies = []string{""}
		}
		for i, body := range bodies {
			body = mergeable(b, r, ids, body)
			path := fill(r.Pattern, ids[kindOf(b.T, r.Pattern)], ids)
			path = strings.Replace(path, "{token}", ids["token"], 1)
			if r.ID == "deleteSession" {
				path = "/v1/sessions/" + b.otherSession(jane)
			}
			if r.ID == "readFeed" {
				path = strings.Replace(r.Pattern, "{id}", ids["pull"], 1)
			}
			if r.ID == "stream" { // only how it begins: it has no end
				head := r
				head.Method = http.MethodHead
				play(head, path, body)
				out[len(out)-1].Row = r
				continue
			}
			remember(ids, r.ID, i, play(r, path, body))
		}
		out = append(out, refusals(b, r, ids)...)
	}
	return out
}

// attempted is the newest delivery of a webhook, once its attempt has ended: while it is under way a retry is refused.
func (b *box) attempted(webhook string) string {
	b.Helper()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		log := b.do(http.StatusOK, "GET", "/v1/webhooks/"+webhook+"/deliveries", "")
		if log.text("data.0.status") != "pending" {
			return log.text("data.0.id")
		}
		select {
		case <-tick.C:
		case <-end.C:
			b.Fatalf("the delivery is still pending: %s", log.body)
		}
	}
}

// sampleID is the id in an example of a merge: there is no such record.
var sampleID = regexp.MustCompile(`(acc|con)_01m3w6r2c9f4t8qk7n5jv1xhda`)

// mergeable makes what the doors of merges need: a record to merge into, a merge to undo, two proposals; and for those that judge, whom they judge.
func mergeable(b *box, r api.Row, ids map[signalbox.Kind]string, body string) string {
	b.Helper()
	signal := func(contact string) answer {
		return b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","contact":`+contact+`}`)
	}
	switch r.ID {
	case "mergeAccount", "mergeContact":
		kept := signal(`{"email":"kept@kept.com"}`)
		id := map[string]string{"mergeAccount": kept.text("account_id"), "mergeContact": kept.text("contact_id")}[r.ID]
		return sampleID.ReplaceAllString(body, id)
	case "testICP", "testICPDraft", "testPersona", "testPersonaDraft":
		return sampleID.ReplaceAllString(body, signal(`{"email":"judged@judged.com"}`).text("account_id"))
	case "approveSyncRun", "discardSyncRun":
		ids[signalbox.KindSyncRun] = b.quarantine(ids[signalbox.KindStream])
	case "acceptMerge", "dismissMerge":
		signal(`{"email":"first@profiles.com","linkedin_url":"linkedin.com/in/first"}`)
		signal(`{"email":"` + strings.ToLower(r.ID) + `@profiles.com","linkedin_url":"linkedin.com/in/first"}`)
		ids[signalbox.KindMerge] = b.do(http.StatusOK, "GET", "/v1/merges?status=proposed", "").text("data.0.id")
	}
	return body
}

// remember keeps the ids that later operations need.
func remember(ids map[signalbox.Kind]string, operation string, example int, a answer) {
	switch operation {
	case "createSignal":
		ids[signalbox.KindSignal], ids[signalbox.KindAccount], ids[signalbox.KindContact] = a.text("id"), a.text("account_id"), a.text("contact_id")
	case "createWebhook":
		ids[[]signalbox.Kind{signalbox.KindWebhook, "standard", "pull"}[example]] = a.text("id")
	case "createAudience":
		ids[signalbox.KindAudience] = a.text("data.id")
	case "createSignalType":
		ids[signalbox.KindType] = a.text("data.id")
	case "createMember":
		ids[signalbox.KindMember] = a.text("data.id")
	case "createLinkedAccount":
		ids[signalbox.KindLinked] = a.text("data.id")
	case "createStream":
		ids[signalbox.KindStream] = a.text("data.id")
	case "syncStream":
		ids[signalbox.KindSyncRun] = a.text("data.run_id")
	case "createICP":
		ids[signalbox.KindICP] = a.text("data.id")
	case "createPersona":
		ids[signalbox.KindPersona] = a.text("data.id")
	case "createMemberLink":
		ids["token"] = a.text("data.url")[strings.LastIndex(a.text("data.url"), "/")+1:]
	case "createKey":
		ids[signalbox.KindKey] = a.text("data.id")
	case "mergeAccount", "mergeContact":
		if a.status == http.StatusCreated {
			ids[signalbox.KindMerge] = a.text("data.id")
		}
	case "listImports":
		ids[signalbox.KindImport] = a.text("data.0.id")
	case "eraseAccount", "eraseContact":
		ids[signalbox.KindJob] = a.text("data.id")
	}
}

// refusals calls an operation in ways that it refuses, and returns the answers.
func refusals(b *box, r api.Row, ids map[signalbox.Kind]string) []answered {
	b.Helper()
	if r.Need == "" {
		return nil
	}
	path := fill(r.Pattern, unknownID(b, kindOf(b.T, r.Pattern)), ids)
	var out []answered
	for _, try := range []struct{ key, body, kind string }{{"", "", ""}, {b.admin, "[]", ""}, {b.admin, "x", "text/plain"}} {
		if r.Method == "GET" && try.body != "" {
			continue
		}
		a := b.send(try.key, r.Method, path, try.body, "Content-Type", try.kind)
		if a.status >= 300 {
			out = append(out, answered{Row: r, method: r.Method, path: path, header: a.header, status: a.status, body: a.body})
		}
	}
	return out
}

// checker holds answers against the document: its own small reading of JSON Schema, strict where a document may be lax (a member
// that the document does not name is an error).
type checker struct {
	*testing.T
	doc   map[string]any
	calls map[string]int
}

func newChecker(t *testing.T, document []byte) *checker {
	t.Helper()
	c := &checker{T: t, calls: map[string]int{}}
	if err := json.Unmarshal(document, &c.doc); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *checker) unusedOperations() []string {
	var out []string
	for _, operations := range c.doc["paths"].(map[string]any) {
		for _, operation := range operations.(map[string]any) {
			if id := operation.(map[string]any)["operationId"].(string); c.calls[id] == 0 {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (c *checker) answer(a answered) {
	c.Helper()
	operation := c.doc["paths"].(map[string]any)[a.Pattern].(map[string]any)[strings.ToLower(a.Method)].(map[string]any)
	if a.status < 300 {
		c.calls[a.ID]++
	}
	response, there := operation["responses"].(map[string]any)[fmt.Sprint(a.status)]
	if !there {
		c.Errorf("%s: the document does not know status %d: %s", a.ID, a.status, a.body)
		return
	}
	content, there := c.resolve(response)["content"].(map[string]any)
	if !there {
		if len(a.body) > 0 {
			c.Errorf("%s: a body that the document does not know: %s", a.ID, a.body)
		}
		return
	}
	if content["text/event-stream"] != nil {
		if a.header.Get("Content-Type") != "text/event-stream" || len(a.body) > 0 {
			c.Errorf("%s: answered %s with %q", a.ID, a.header.Get("Content-Type"), a.body)
		}
		return
	}
	if content["text/csv"] != nil {
		if a.header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.HasPrefix(string(a.body), "id,") {
			c.Errorf("%s: answered %s with %q", a.ID, a.header.Get("Content-Type"), a.body)
		}
		return
	}
	var value any
	if err := json.Unmarshal(a.body, &value); err != nil {
		c.Errorf("%s: %v in %s", a.ID, err, a.body)
		return
	}
	for _, wrong := range c.check(content["application/json"].(map[string]any)["schema"].(map[string]any), value, "") {
		c.Errorf("%s %d: %s in %s", a.ID, a.status, wrong, a.body)
	}
}

// example holds a request body of the document against its own schema.
func (c *checker) example(r api.Row, body string) {
	c.Helper()
	operation := c.doc["paths"].(map[string]any)[r.Pattern].(map[string]any)[strings.ToLower(r.Method)].(map[string]any)
	schema := operation["requestBody"].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any)
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		c.Fatalf("%s: example %s: %v", r.ID, body, err)
	}
	for _, wrong := range c.check(schema, value, "") {
		c.Errorf("%s: example %s: %s", r.ID, body, wrong)
	}
}

// resolve follows a reference.
func (c *checker) resolve(value any) map[string]any {
	m := value.(map[string]any)
	ref, ok := m["$ref"].(string)
	if !ok {
		return m
	}
	at := any(c.doc)
	for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(map[string]any)[name]
	}
	if at == nil {
		c.Fatalf("%s leads nowhere", ref)
	}
	return at.(map[string]any)
}

// check says what is wrong with a value.
func (c *checker) check(schema map[string]any, value any, at string) (wrong []string) {
	schema = c.resolve(schema)
	if choices, ok := schema["anyOf"].([]any); ok {
		for _, one := range choices {
			if len(c.check(one.(map[string]any), value, at)) == 0 {
				return nil
			}
		}
		return []string{at + " is none of those allowed"}
	}
	if kinds := schema["type"]; kinds != nil && !isKind(kinds, value) {
		return []string{fmt.Sprintf("%s is %v, not %v", at, value, kinds)}
	}
	if list, ok := schema["enum"].([]any); ok && !slices.Contains(list, value) {
		wrong = append(wrong, fmt.Sprintf("%s is %v, not one of %v", at, value, list))
	}
	switch v := value.(type) {
	case []any:
		items, some := schema["items"].(map[string]any)
		for i, item := range v {
			if !some { // a field of any shape
				break
			}
			wrong = append(wrong, c.check(items, item, fmt.Sprintf("%s.%d", at, i))...)
		}
	case map[string]any:
		wrong = append(wrong, c.members(schema, v, at)...)
	}
	return wrong
}

func (c *checker) members(schema, v map[string]any, at string) (wrong []string) {
	properties, named := schema["properties"].(map[string]any)
	rest, _ := schema["additionalProperties"].(map[string]any)
	for _, name := range asList(schema["required"]) {
		if _, there := v[name.(string)]; !there {
			wrong = append(wrong, fmt.Sprintf("%s.%s is missing", at, name))
		}
	}
	for name, member := range v {
		switch property, known := properties[name].(map[string]any); {
		case known:
			wrong = append(wrong, c.check(property, member, at+"."+name)...)
		case rest != nil:
			wrong = append(wrong, c.check(rest, member, at+"."+name)...)
		case named:
			wrong = append(wrong, fmt.Sprintf("%s.%s is not in the document", at, name))
		}
	}
	return wrong
}

func isKind(kinds, value any) bool {
	for _, kind := range asList(kinds) {
		ok := false
		switch v := value.(type) {
		case nil:
			ok = kind == "null"
		case bool:
			ok = kind == "boolean"
		case string:
			ok = kind == "string"
		case float64:
			ok = kind == "number" || kind == "integer" && v == float64(int64(v))
		case []any:
			ok = kind == "array"
		case map[string]any:
			ok = kind == "object"
		}
		if ok {
			return true
		}
	}
	return false
}

func asList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	if v == nil {
		return nil
	}
	return []any{v}
}
