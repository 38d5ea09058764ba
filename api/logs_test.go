package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// logged waits until the log, so filtered, has n rows, and answers it: notes are stored a moment later.
func (b *box) logged(query string, n int) answer {
	b.Helper()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		a := b.do(http.StatusOK, "GET", "/v1/logs?limit=200&"+query, "")
		if len(a.at("data").([]any)) == n {
			return a
		}
		select {
		case <-tick.C:
		case <-end.C:
			b.Fatalf("the log of %q has %s, want %d rows", query, a.body, n)
		}
	}
}

func TestLogs_SayWhyASignalWasNotTaken(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		b.send(b.admin, "POST", "/v1/signals", `{"source":"crm","account":{"domain":"https://www.Acme.com/about"},"contact":{"email":"Jane@Acme.com"}}`).
			refuses(http.StatusBadRequest, "validation_error", "type", "required")
		got := b.logged("status=refused", 1)
		for path, want := range map[string]string{
			"operation": "createSignal", "method": "POST", "path": "/v1/signals", "status": "refused", "code": "validation_error", "param": "type",
			"source": "crm", "domain": "acme.com", "email": "jane@acme.com", "api_key.name": "admin",
		} {
			if got.text("data.0."+path) != want {
				b.Errorf("%s is %v, want %q", path, got.at("data.0."+path), want)
			}
		}
		if got.at("data.0.http_status").(json.Number) != "400" || !strings.Contains(got.text("data.0.message"), "type is required") || got.at("data.0.signal_id") != nil {
			b.Errorf("row %s", got.body)
		}
		if id := got.text("data.0.id"); !strings.HasPrefix(id, "req_") || id != got.text("data.0.request_id") {
			b.Errorf("ids in %s", got.body)
		}
	})
}

func TestLogs_ASignalIsOneRowHoweverItWasTaken(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		plain := b.do(http.StatusCreated, "POST", "/v1/signals", trial).text("id")
		typo := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"a","source":"s","acount":{"domain":"x.com"},"contact":{"email":"jane@acme.com","frist_name":"J"},"idempotency_key":"k"}`)
		again := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"a","source":"s","acount":{"domain":"x.com"},"contact":{"email":"jane@acme.com","frist_name":"J"},"idempotency_key":"k"}`)
		if again.text("id") != typo.text("id") {
			b.Fatal("not the same signal")
		}
		b.logged("status=duplicate", 1)
		got := b.logged("", 3)
		for i, want := range []struct{ status, signal, ignored string }{
			{"duplicate", typo.text("id"), "[acount contact.frist_name]"}, {"ignored_fields", typo.text("id"), "[acount contact.frist_name]"}, {"accepted", plain, "[]"},
		} {
			row := fmt.Sprintf("data.%d.", i)
			if got.text(row+"status") != want.status || got.text(row+"signal_id") != want.signal || fmt.Sprint(got.at(row+"ignored")) != want.ignored {
				b.Errorf("row %d of %s, want %+v", i, got.body, want)
			}
		}
		if got.text("data.2.id") != plain || got.at("data.2.request_id") != nil || got.text("data.2.type") == "" {
			b.Errorf("the plain one: %s", got.body)
		}
		b.logged("signal_id="+typo.text("id"), 2)
		b.logged("signal_id="+plain, 1)
		b.logged("signal_id=nonsense", 0)
	})
}

func TestLogs_ShowItemsOfABatchOneByOne(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	batch := `{"signals":[{"type":"a","source":"s"},{"type":"a","source":"s","typo":1},{"source":"s"},{"type":"a","source":"s","contact":{"email":"no address"}}]}`
	b.do(http.StatusOK, "POST", "/v1/signals/batch", strings.Replace(batch, `{"signals"`, `{"dry_run":true,"signals"`, 1))
	b.do(http.StatusOK, "POST", "/v1/signals/batch", batch)
	b.logged("status=refused", 2)
	b.logged("status=ignored_fields", 1)
	got := b.logged("", 4) // none of the dry run
	if b.logged("status=accepted", 1); got.text("data.0.operation") != "createSignals" {
		b.Errorf("log %s", got.body)
	}
	if row := b.logged("q=no+address", 1); row.text("data.0.param") != "contact.email" || row.text("data.0.email") != "no address" {
		b.Errorf("row %s", row.body)
	}
}

func TestLogs_ShowRefusalsOfManaging(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.send(b.admin, "POST", "/v1/webhooks", `{"url":"https://example.com","evnts":["*"]}`)
	b.send(b.key(b.ws, "read"), "POST", "/v1/webhooks", `{}`)
	b.send(b.admin, "GET", "/v1/signals?typ=a", "")
	b.send("sk_live_nobody", "GET", "/v1/signals", "") // belongs to nobody's log
	b.do(http.StatusOK, "GET", "/v1/webhooks", "")
	got := b.logged("", 3)
	for i, want := range []string{"listSignals validation_error", "createWebhook forbidden", "createWebhook validation_error"} {
		if row := fmt.Sprintf("data.%d.", i); got.text(row+"operation")+" "+got.text(row+"code") != want {
			b.Errorf("row %d is %s, want %s", i, got.body, want)
		}
	}
	if strings.Contains(string(got.body), "example.com") {
		b.Errorf("a body is in the log: %s", got.body)
	}
}

func TestLogs_RefuseWhatTheyCannotFilterBy(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for query, c := range map[string]struct{ param, says string }{
		"status=lost":                   {"status", "accepted, duplicate, refused, ignored_fields"},
		"from=yesterday":                {"from", "must be a time"},
		"domain=no+domain":              {"domain", ""},
		"q=" + strings.Repeat("x", 201): {"q", "at most 200"},
		"cursor=x":                      {"cursor", "not of this list"},
		"typ=x":                         {"typ", "unknown query parameter"},
	} {
		b.send(b.admin, "GET", "/v1/logs?"+query, "").refuses(http.StatusBadRequest, "validation_error", c.param, c.says)
	}
}

func TestLogs_PagesOfADomainAreWhole(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for i := range 7 {
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"a","source":"s","account":{"domain":"acme.com"}}`)
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"a","source":"s","account":{"domain":"globex.org"}}`)
		b.send(b.admin, "POST", "/v1/signals", fmt.Sprintf(`{"type":"a","account":{"domain":"acme.com"},"n":%d}`, i))
	}
	b.logged("domain=acme.com", 14)
	seen := map[string]bool{}
	for cursor := ""; ; {
		a := b.do(http.StatusOK, "GET", "/v1/logs?limit=3&domain=acme.com&cursor="+cursor, "")
		for i := range a.at("data").([]any) {
			seen[a.text(fmt.Sprintf("data.%d.id", i))] = true
		}
		if cursor = a.text("meta.next_cursor"); cursor == "" {
			break
		}
	}
	if len(seen) != 14 {
		t.Errorf("%d rows in pages, want 14", len(seen))
	}
	b.logged("domain=nobody.net", 0)
}

func TestLogs_OfAnErasedContactAreGone(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	made := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"a","source":"s","contact":{"email":"jane@acme.com"}}`)
	b.send(b.admin, "POST", "/v1/signals", `{"type":"a","contact":{"email":"Jane@acme.com"}}`)
	b.logged("q=jane", 2)
	b.do(http.StatusAccepted, "DELETE", "/v1/contacts/"+made.text("contact_id"), "")
	if got := b.logged("status=refused", 0); strings.Contains(string(got.body), "jane") {
		t.Errorf("log %s", got.body)
	}
}
