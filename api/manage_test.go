package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"signalbox"
)

// proves S0-6
func TestCreateKey_ShowsTheKeyOnceAndItWorks(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	made := b.do(http.StatusCreated, "POST", "/v1/api-keys", `{"name":"site","scope":"ingest","expires_at":"2999-01-01T00:00:00+01:00"}`)
	key, id := made.text("data.key"), made.text("data.id")
	if made.text("data.expires_at") != "2998-12-31T23:00:00.000Z" || made.text("data.hint") != key[len(key)-4:] || made.at("data.last_used_at") != nil {
		t.Errorf("answer %s", made.body)
	}
	if got := b.send(key, "POST", "/v1/signals", trial); got.status != http.StatusCreated {
		t.Errorf("the key does not work: %d %s", got.status, got.body)
	}
	for _, path := range []string{"/v1/api-keys", "/v1/api-keys/" + id} {
		if got := b.do(http.StatusOK, "GET", path, ""); strings.Contains(string(got.body), key) {
			t.Errorf("GET %s shows the key", path)
		}
	}
	if got := b.do(http.StatusOK, "PATCH", "/v1/api-keys/"+id, `{"name":"shop"}`); got.text("data.name") != "shop" || got.text("data.scope") != "ingest" {
		t.Errorf("renamed: %s", got.body)
	}
	b.send(b.admin, "PATCH", "/v1/api-keys/"+id, `{"scope":"admin"}`).refuses(http.StatusBadRequest, "validation_error", "scope", "unknown field")
	if strings.Contains(b.log.String(), key[8:]) {
		t.Error("the key is in the log")
	}
}

func TestRevokeKey_HoldsAtOnceAndForGood(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	made := b.do(http.StatusCreated, "POST", "/v1/api-keys", `{"name":"k","scope":"read"}`)
	key, path := made.text("data.key"), "/v1/api-keys/"+made.text("data.id")
	if got := b.send(key, "GET", "/v1/workspace", ""); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	b.do(http.StatusNoContent, "DELETE", path, "")
	b.send(key, "GET", "/v1/workspace", "").refuses(http.StatusUnauthorized, "unauthorized", "", "unknown, revoked or expired")
	revoked := b.do(http.StatusOK, "GET", path, "").text("data.revoked_at")
	b.do(http.StatusNoContent, "DELETE", path, "")
	if again := b.do(http.StatusOK, "GET", path, "").text("data.revoked_at"); revoked == "" || again != revoked {
		t.Errorf("revoked at %q, then at %q", revoked, again)
	}
}

func TestCreateKey_BadOnesAreRefusedByName(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for body, param := range map[string]string{
		`{"scope":"read"}`: "name", `{"name":"","scope":"read"}`: "name", `{"name":"k"}`: "scope", `{"name":"k","scope":"root"}`: "scope",
		`{"name":"k","scope":"read","expires_at":"2020-01-01T00:00:00Z"}`: "expires_at", `{"name":"k","scope":"read","expires_at":"soon"}`: "expires_at",
		`{"name":"` + strings.Repeat("x", 201) + `","scope":"read"}`: "name", `{"name":"k","scope":"read","key":"sk_live_mine"}`: "key",
	} {
		b.send(b.admin, "POST", "/v1/api-keys", body).refuses(http.StatusBadRequest, "validation_error", param, "")
	}
}

func TestRecords_AreReadListedAndChanged(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	signal := b.do(http.StatusCreated, "POST", "/v1/signals", strings.Replace(trial, `"domain":"acmecorp.com"`, `"domain":"acmecorp.com","attributes":{"a":1,"b":2}`, 1))
	b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","contact":{"email":"bob@globex.com"}}`)
	account, contact := "/v1/accounts/"+signal.text("account_id"), "/v1/contacts/"+signal.text("contact_id")

	got := b.do(http.StatusOK, "GET", account, "")
	if got.text("data.domain") != "acmecorp.com" || got.at("data.score").(json.Number) != "5" || got.text("data.stage") != "Cool" ||
		got.at("data.attributes.a").(json.Number) != "1" || got.text("data.last_signal_at") == "" {
		t.Errorf("account %s", got.body)
	}
	got = b.do(http.StatusOK, "GET", contact, "")
	if got.text("data.name") != "Jane Smith" || got.text("data.account_id") != signal.text("account_id") || got.at("data.title") != nil {
		t.Errorf("contact %s", got.body)
	}
	for path, want := range map[string]int{
		"/v1/accounts": 2, "/v1/accounts?q=ACME": 1, "/v1/accounts?q=x": 0, "/v1/accounts?status=customer": 0, "/v1/accounts?limit=1": 1,
		"/v1/contacts": 2, "/v1/contacts?q=jane@": 1, "/v1/contacts?account_id=" + signal.text("account_id"): 1, "/v1/contacts?account_id=acc_x": 0,
	} {
		if n := len(b.do(http.StatusOK, "GET", path, "").at("data").([]any)); n != want {
			t.Errorf("GET %s: %d, want %d", path, n, want)
		}
	}
	got = b.do(http.StatusOK, "PATCH", account, `{"status":"customer","name":null,"attributes":{"a":null,"c":[1]}}`)
	if got.text("data.status") != "customer" || got.at("data.name") != nil || !strings.Contains(string(got.body), `"attributes":{"b":2,"c":[1]}`) {
		t.Errorf("changed account %s", got.body)
	}
	got = b.do(http.StatusOK, "PATCH", account, `{"attributes":null}`)
	if !strings.Contains(string(got.body), `"attributes":{}`) || got.text("data.status") != "customer" {
		t.Errorf("without attributes %s", got.body)
	}
	b.do(http.StatusOK, "PATCH", contact, `{"title":"VP"}`)
	b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","contact":{"email":"jane@acmecorp.com","title":"Intern","last_name":"Doe"}}`)
	if got = b.do(http.StatusOK, "GET", contact, ""); got.text("data.title") != "VP" || got.text("data.last_name") != "Doe" {
		t.Errorf("what was set by hand was replaced: %s", got.body)
	}
	for path, body := range map[string]string{account: `{"domain":"x.com"}`, contact: `{"email":"x@x.com"}`} {
		b.send(b.admin, "PATCH", path, body).refuses(http.StatusBadRequest, "validation_error", body[2:strings.Index(body, `":`)], "unknown field")
	}
	b.send(b.admin, "PATCH", account, `{"attributes":[]}`).refuses(http.StatusBadRequest, "validation_error", "attributes", "object")
}

func TestErase_IsOutOfSightAtOnceAndAJobDoesTheRest(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	signal := b.do(http.StatusCreated, "POST", "/v1/signals", trial)
	for path, kind := range map[string]string{"/v1/accounts/" + signal.text("account_id"): "account", "/v1/contacts/" + signal.text("contact_id"): "contact"} {
		job := b.do(http.StatusAccepted, "DELETE", path, "")
		if job.text("data.kind") != "erase_"+kind || job.text("data.status") != "queued" || !strings.HasSuffix(path, job.text("data.subject")) {
			t.Errorf("job %s", job.body)
		}
		b.send(b.admin, "GET", path, "").refuses(http.StatusNotFound, kind+"_not_found", "", "no such")
		id := job.text("data.id")
		if got := b.do(http.StatusOK, "POST", "/v1/jobs/"+id+"/cancel", ""); got.text("data.status") != "cancelled" {
			t.Errorf("cancelled: %s", got.body)
		}
		if got := b.do(http.StatusOK, "GET", "/v1/jobs/"+id, ""); got.text("data.ended_at") == "" {
			t.Errorf("job %s", got.body)
		}
	}
	if got := b.do(http.StatusOK, "GET", "/v1/jobs?limit=1", ""); got.text("meta.next_cursor") == "" || len(got.at("data").([]any)) != 1 {
		t.Errorf("jobs %s", got.body)
	}
}

func TestUpdateWorkspace_ChangesOnlyWhatIsGiven(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.do(http.StatusOK, "PATCH", "/v1/workspace", `{"limits":{"key":{"per_minute":5}},"aliases":{"https://www.acme.de/x":"acmecorp.com"},"mailbox_providers":{"added":["Mail.Example.org","mail.example.org"]}}`)
	got := b.do(http.StatusOK, "PATCH", "/v1/workspace", `{"limits":{"key":{"per_day":9}},"timezone":"Europe/Berlin","require_identity":true}`)
	want := map[string]string{"data.name": "Acme", "data.timezone": "Europe/Berlin", "data.aliases": "", "data.id": b.codec.Format(signalbox.KindWorkspace, int64(b.ws))}
	for path, text := range want {
		if got.text(path) != text {
			t.Errorf("%s is %q, want %q", path, got.text(path), text)
		}
	}
	for _, part := range []string{`"key":{"per_minute":5,"per_day":9}`, `"aliases":{"acme.de":"acmecorp.com"}`, `"added":["example.org"]`, `"event_days":30`} {
		if !strings.Contains(string(got.body), part) {
			t.Errorf("no %s in %s", part, got.body)
		}
	}
	b.send(b.admin, "POST", "/v1/signals", `{"type":"t","source":"s"}`).refuses(http.StatusBadRequest, "validation_error", "contact.email", "requires")
	b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","account":{"domain":"acme.de"}}`)
	if n := len(b.do(http.StatusOK, "GET", "/v1/signals?account_domain=acme.de", "").at("data").([]any)); n != 1 {
		t.Errorf("%d signals by the alias, want 1", n)
	}
	for body, param := range map[string]string{
		`{"name":""}`: "name", `{"name":null}`: "name", `{"timezone":"Mars/Olympus"}`: "timezone", `{"timezone":"Local"}`: "timezone",
		`{"limits":{"key":{"per_minute":-1}}}`: "limits.key.per_minute", `{"limits":{"keys":{}}}`: "limits.keys", `{"retention":{"event_days":36501}}`: "retention.event_days",
		`{"aliases":{"a.com":"b.com","b.com":"c.com"}}`: "aliases", `{"aliases":{"co.uk":"b.com"}}`: "aliases", `{"mailbox_providers":{"added":["com"]}}`: "mailbox_providers.added",
		`{"require_identity":"yes"}`: "require_identity",
	} {
		b.send(b.admin, "PATCH", "/v1/workspace", body).refuses(http.StatusBadRequest, "validation_error", param, "")
	}
	if again := b.do(http.StatusOK, "GET", "/v1/workspace", ""); again.at("data.revision") != got.at("data.revision") {
		t.Error("a refused change was saved")
	}
}

func TestUpdateWorkspace_AChangeMadeFromAnOlderRevisionIsRefused(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	first := string(b.do(http.StatusOK, "GET", "/v1/workspace", "").at("data.revision").(json.Number))
	b.do(http.StatusOK, "PATCH", "/v1/workspace", `{"name":"Mine","revision":`+first+`}`)
	b.send(b.admin, "PATCH", "/v1/workspace", `{"name":"Theirs","revision":`+first+`}`).refuses(http.StatusConflict, "conflict", "", "somebody changed them")
	if got := b.do(http.StatusOK, "GET", "/v1/workspace", "").text("data.name"); got != "Mine" {
		t.Errorf("the name is %q: a refused change was saved", got)
	}
}

func TestEventTypes_EachHasASchemaAndASample(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for _, format := range []string{"", "?format=stairoids", "?format=standard"} {
		got := b.do(http.StatusOK, "GET", "/v1/event-types"+format, "")
		for _, item := range got.at("data").([]any) {
			row := item.(map[string]any)
			if row["name"] == "" || row["description"] == "" || len(row["schema"].(map[string]any)) == 0 || len(row["sample"].(map[string]any)) == 0 {
				t.Errorf("%s: %v", format, row)
			}
		}
	}
	b.send(b.admin, "GET", "/v1/event-types?format=xml", "").refuses(http.StatusBadRequest, "validation_error", "format", "standard")
}

// Contract section 2: the management API writes milliseconds.
func TestTimes_AreInMilliseconds(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	id := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","occurred_at":"2024-01-02T03:04:05.678901+02:00"}`).text("id")
	got := b.do(http.StatusOK, "GET", "/v1/signals/"+id, "")
	if at := got.text("data.occurred_at"); at != "2024-01-02T01:04:05.678Z" {
		t.Errorf("occurred_at %q", at)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", got.text("meta.timestamp")); err != nil {
		t.Error(err)
	}
}
