package ui

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"signalbox/client"
	"signalbox/sign"
)

// answer presses a button of the open dialog: the page below may have one of the same name.
func (p *tab) answer(name string) {
	p.t.Helper()
	button := `[...document.querySelectorAll("dialog[open] button")].find((b) => b.innerText.trim() === ` + quoted(name) + `)`
	p.until("the dialog offers "+name, "(b => b && !b.disabled && b.getAttribute('aria-busy') !== 'true')("+button+")")
	p.do(button + ".click()")
}

// refuses fails the test when the open dialog takes this answer already.
func (p *tab) refuses(name string) {
	p.t.Helper()
	button := `[...document.querySelectorAll("dialog[open] button")].find((b) => b.innerText.trim() === ` + quoted(name) + `)`
	p.until("the dialog offers "+name, button)
	if !eval[bool](p, button+".disabled") {
		p.t.Errorf("the dialog takes %s before the name is typed", name)
	}
}

// closed waits until no dialog is open.
func (p *tab) closed() {
	p.t.Helper()
	p.until("the dialog is closed", `!document.querySelector("dialog[open]")`)
}

// rows waits until the page's table has so many rows.
func (p *tab) rows(n string) {
	p.t.Helper()
	p.until("the table has "+n+" rows", `document.querySelectorAll("main tbody tr").length === `+n)
}

// secret is what is shown this once.
func (p *tab) secret() string {
	p.t.Helper()
	p.until("the secret is shown", `document.querySelector(".secret code")`)
	return eval[string](p, `document.querySelector(".secret code").innerText.trim()`)
}

func TestAPIKeys_AreShownOnceAndRevokedByName(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := s.open()
	p.signIn()
	p.key("g")
	p.key("k")
	p.at("/settings/api-keys")
	p.press("Create API Key")
	p.answer("Create API Key")
	p.until("a key without a name is refused under the field", `document.querySelector("dialog .field .error")?.innerText.includes("ame")`)
	p.expect("400")
	p.fill("Name", "website")
	p.press("Ingest")
	p.choose("Expires", "30")
	p.axe("Create API Key")
	p.answer("Create API Key")
	key := p.secret()
	p.picture("act-key-made")
	p.answer("Done")
	p.closed()
	if strings.Contains(p.text("document.body.innerText"), key) {
		t.Error("the key is shown after the dialog has closed")
	}
	mine := client.New(s.url, key, client.WithRetries(0))
	defer mine.CloseIdle()
	signal := client.SignalInput{Type: "page_visit", Source: "website", Account: client.AccountInput{Domain: "acme.com"}}
	if _, err := mine.SendSignal(t.Context(), signal); err != nil {
		t.Fatalf("the key that was made does not work: %v", err)
	}
	p.press("Acts on website")
	p.press("Rename")
	p.fill("Name", "shop")
	p.answer("Rename")
	p.until("the new name is shown", `[...document.querySelectorAll("main td strong")].some((e) => e.innerText === "shop")`)
	p.press("Undo")
	p.until("the old name is back", `[...document.querySelectorAll("main td strong")].some((e) => e.innerText === "website")`)
	p.press("Acts on website")
	p.press("Revoke")
	p.refuses("Revoke")
	p.fill("Type website to confirm", "website")
	p.answer("Revoke")
	p.closed()
	p.until("it reads revoked", `[...document.querySelectorAll("main tr")].some((r) => r.innerText.includes("website") && r.innerText.includes("revoked"))`)
	if _, err := mine.SendSignal(t.Context(), signal); err == nil {
		t.Error("a revoked key sends signals")
	}
}

// receiver takes deliveries, and answers as it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []*http.Request
	bodies []string
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got, r.bodies = append(r.got, req), append(r.bodies, string(body))
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, `{"said":"<b>thanks</b>"}`)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// last is the newest request, and whether a secret verifies it.
func (r *receiver) last(secret string) (header http.Header, body string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.got) - 1
	return r.got[n].Header, r.bodies[n], sign.Verify(sign.Stairoids, r.got[n].Header, []byte(r.bodies[n]), []sign.Secret{sign.Secret(secret)}, time.Now())
}

func TestWebhooks_FromAddEndpointToAVerifiedDeliveryAndARetry(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := serve(t)
	p := s.open()
	p.signIn()
	p.goTo("/settings/webhooks")
	p.reads("No endpoints yet")
	p.press("Add Endpoint")
	p.at("/settings/webhooks/new")
	p.fill("URL", "ftp://example.com")
	p.press("Add Endpoint")
	p.until("a wrong address is refused under the field", `document.querySelector(".field .error")?.innerText.length > 0`)
	p.expect("400")
	p.fill("URL", r.URL)
	p.fill("Label", "CRM")
	p.press("More: headers, pace, a secret of your own")
	p.press("Add a header")
	p.fill("Header 1, name", "X-Team")
	p.fill("Header 1, value", "sales")
	p.press("Add Endpoint")
	p.reads("CRM is ready")
	secret := p.secret()
	p.picture("act-endpoint-made")

	p.press("Send a test")
	p.fill("Data", `{"signal": `)
	p.press("Send test")
	p.reads("This is no JSON")
	p.fill("Data", `{"signal": {"type": "from_the_dashboard", "n": 12345678901234567890}}`)
	p.press("Send test")
	p.reads("Delivered.")
	p.reads("12345678901234567890")
	header, body, err := r.last(secret)
	if err != nil || header.Get("X-Team") != "sales" || !strings.Contains(body, `{"signal":{"type":"from_the_dashboard","n":12345678901234567890}}`) {
		t.Errorf("the receiver got %v %s, and verifies it with: %v", header, body, err)
	}
	p.axe("a test and its answer")
	p.picture("act-test")
	p.press("In the Delivery Log")
	p.reads("Attempt 1")
	p.reads("<b>thanks</b>") // as text
	p.press("Delivery Log")
	p.rows("1")

	r.answers(http.StatusInternalServerError)
	s.send("page_visit", "acme.com", "jane@acme.com")
	p.until("the delivery has arrived by itself, and waits to be tried again", `document.querySelector("main tbody tr .badge")?.innerText === "retrying"`)
	p.rows("2")
	p.choose("Status", "failed")
	p.until("the filter is in the address", `location.search === "?status=failed"`)
	p.reads("No delivery fits these filters")
	p.press("Clear the filters")
	p.rows("2")
	p.press("signal.created")
	p.reads("The receiver answered 500.")
	p.axe("a delivery")
	p.picture("act-delivery")
	r.answers(http.StatusNoContent)
	p.press("Retry")
	p.until("the retry has delivered", `document.querySelector(".page-head .badge")?.innerText === "delivered"`)
	p.reads("by hand")
	p.goTo("/settings/webhooks")
	p.until("its health is in the list", `document.querySelector("main tbody tr")?.innerText.includes("% delivered")`)
	p.do(`document.querySelector("main tbody .row-link").click()`)
	p.press("Health")
	p.reads("Deliveries by the hour")
	p.axe("health")
	p.picture("act-health")
}

func TestWebhook_IsChangedGivenANewSecretDisabledAndDeleted(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := serve(t)
	made, err := s.CreateWebhook(t.Context(), client.WebhookInput{URL: r.URL, Events: []string{"signal.created"}, Label: "CRM", Headers: map[string]string{"X-Team": "sales"}})
	if err != nil {
		t.Fatal(err)
	}
	p := s.open()
	p.signIn()
	path := "/settings/webhooks/" + made.ID
	p.goTo(path + "?tab=settings")
	p.reads("X-Team: [hidden]")
	p.fill("Label", "Warehouse")
	p.press("All events")
	p.reads("Not saved yet")
	p.press("Logs")
	p.answer("Stay")
	p.press("Save changes")
	p.until("the page has the new name", `document.querySelector("h1").innerText === "Warehouse"`)
	changed, err := s.Webhook(t.Context(), made.ID)
	if err != nil || !slices.Equal(changed.Events, []string{"*"}) {
		t.Errorf("it was saved as %+v, %v", changed, err)
	}

	p.press("More for Warehouse")
	p.press("Regenerate secret")
	p.answer("Regenerate secret")
	secret := p.secret()
	p.answer("Done")
	p.reads("The secret before signs too until")
	p.press("Activate the new secret")
	p.reads("The new secret signs every header now.")
	p.goTo(path + "?tab=test")
	p.press("Send test")
	p.reads("Delivered.")
	if header, _, err := r.last(secret); err != nil || header.Get("X-Team") != "sales" {
		t.Errorf("the new secret verifies with %v; the header that was not touched reads %q", err, header.Get("X-Team"))
	}
	if _, _, err := r.last(string(made.Secret)); err == nil {
		t.Error("the old secret still verifies")
	}

	p.press("Disable")
	p.answer("Disable")
	p.reads("Somebody disabled it.")
	p.press("Enable")
	p.until("it is enabled", `document.querySelector(".page-head .badge").innerText === "enabled"`)
	p.press("Health")
	p.at(path + "?tab=health")
	p.reads("Nothing was sent in seven days") // tests do not count
	p.press("More for Warehouse")
	p.press("Delete")
	p.refuses("Delete")
	p.fill("Type Warehouse to confirm", "Warehouse")
	p.answer("Delete")
	p.at("/settings/webhooks")
	p.reads("No endpoints yet")
}

func TestLogs_AreLiveAndFilteredByTheAddress(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := s.open()
	p.signIn()
	p.goTo("/settings/logs")
	p.reads("Nothing was sent yet")
	p.until("the stream is open", `document.querySelector(".lamp.on")`)
	id := s.send("page_visit", "acme.com", "jane@acme.com")
	p.until("the signal is shown", `document.querySelector("main tbody tr")?.innerText.includes("jane@acme.com")`)
	s.request(http.MethodPost, "/v1/signals", map[string]any{"type": "page_visit", "source": "website", "occurred_at": "yesterday"}, http.StatusBadRequest, nil)
	p.until("the refusal is on top", `document.querySelector("main tbody tr")?.innerText.includes("refused")`)
	p.choose("Status", "refused")
	p.at("/settings/logs?status=refused")
	p.rows("1")
	p.do(`document.querySelector("main tbody .row-link").click()`)
	p.until("the entry says which field", `document.querySelector("dialog[open]")?.innerText.includes("occurred_at")`)
	p.axe("an entry of the log")
	p.picture("act-log")
	p.key("Escape")
	p.closed()
	p.goTo("/settings/logs?signal_id=" + id)
	p.rows("1")
	p.press("Pause")
	p.at("/settings/logs?signal_id=" + id + "&live=off")
	p.press("Clear")
	p.until("both are shown", `document.querySelectorAll("main tbody tr").length >= 2`)
	before := eval[int](p, `document.querySelectorAll("main tbody tr").length`)
	s.send("page_visit", "globex.com", "joe@globex.com")
	p.press("Follow")
	p.until("the stream is open again", `document.querySelector(".lamp.on")`)
	s.send("page_visit", "initech.com", "bill@initech.com")
	p.until("what comes after is shown again", `document.querySelector("main tbody tr")?.innerText.includes("bill@initech.com")`)
	if now := eval[int](p, `document.querySelectorAll("main tbody tr").length`); now <= before {
		t.Errorf("%d rows after following again, %d before", now, before)
	}
}
