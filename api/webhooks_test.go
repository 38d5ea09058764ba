package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
	"signalbox/seal"
	"signalbox/sign"
)

const push = `{"url":"https://hooks.example.com/x","events":["signal.created"]}`

// proves S1-5…S1-10
func TestCreateWebhook_ShowsTheSecretOnce(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	made := b.do(http.StatusCreated, "POST", "/v1/webhooks", push)
	id, secret := made.text("id"), made.text("secret")
	if !strings.HasPrefix(id, "wh_") || !strings.HasPrefix(secret, "whsec_") || made.text("format") != "stairoids" || made.at("enabled") != true {
		t.Errorf("answer %s", made.body)
	}
	for _, path := range []string{"/v1/webhooks", "/v1/webhooks/" + id} {
		if got := b.do(http.StatusOK, "GET", path, ""); strings.Contains(string(got.body), secret) {
			t.Errorf("GET %s shows a secret: %s", path, got.body)
		}
	}
	list := b.do(http.StatusOK, "GET", "/v1/webhooks", "")
	if list.text("webhooks.0.id") != id || list.at("total").(json.Number) != "1" || list.at("next_cursor") != nil {
		t.Errorf("list %s", list.body)
	}
	stored, err := b.db.Webhook(t.Context(), b.ws, webhookOf(b, id))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := b.sealed.Open(seal.Bind{Workspace: int64(b.ws), Row: int64(stored.ID), Kind: deliver.SecretKind}, stored.SealedSecret)
	if err != nil || string(opened) != secret || strings.Contains(string(stored.SealedSecret), secret) {
		t.Errorf("deliver cannot open what was sealed: %v", err)
	}
}

func webhookOf(b *box, id string) signalbox.WebhookID {
	b.Helper()
	n, ok := b.codec.Parse(signalbox.KindWebhook, id)
	if !ok {
		b.Fatalf("%q is no webhook's id", id)
	}
	return signalbox.WebhookID(n)
}

func TestCreateWebhook_HeadersAreSealedAndNeverShown(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	made := b.do(http.StatusCreated, "POST", "/v1/webhooks",
		`{"url":"https://hooks.example.com/x","events":["*"],"headers":{"X-B":"planted","X-A":"planted"},"secret":"sixteen chars at least","signature_format":"prefixed"}`)
	if strings.Contains(string(made.body), "planted") || made.text("header_names.0") != "X-A" || made.text("header_names.1") != "X-B" {
		t.Errorf("answer %s", made.body)
	}
	if made.text("secret") != "sixteen chars at least" {
		t.Errorf("the caller's secret is shown as %q", made.text("secret"))
	}
	id := webhookOf(b, made.text("id"))
	headers := func() string {
		w, err := b.db.Webhook(t.Context(), b.ws, id)
		if err != nil {
			t.Fatal(err)
		}
		if w.SealedHeaders == nil {
			return ""
		}
		plain, err := b.sealed.Open(seal.Bind{Workspace: int64(b.ws), Row: int64(id), Kind: deliver.HeadersKind}, w.SealedHeaders)
		if err != nil {
			t.Fatal(err)
		}
		return string(plain)
	}
	if got := headers(); got != `{"X-A":"planted","X-B":"planted"}` {
		t.Errorf("stored headers %s", got)
	}
	test := b.do(http.StatusOK, "POST", "/v1/webhooks/"+made.text("id")+"/test", "")
	if strings.Contains(string(test.body), "planted") {
		t.Errorf("the test call shows a value: %s", test.body)
	}
	if sent := b.world.requests(); len(sent) != 1 || sent[0].Header.Get("X-A") != "planted" {
		t.Errorf("sent %v", sent)
	}
	b.do(http.StatusOK, "PATCH", "/v1/webhooks/"+made.text("id"), `{"headers":null}`)
	if got := headers(); got != "" {
		t.Errorf("null left %s", got)
	}
}

func TestCreateWebhook_BadOnesAreRefusedByName(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for name, c := range map[string]struct{ body, param, says string }{
		"no url":          {`{"events":["*"]}`, "url", "required"},
		"http":            {`{"url":"http://hooks.example.com/x","events":["*"]}`, "url", "http"},
		"loopback":        {`{"url":"https://127.0.0.1/x","events":["*"]}`, "url", ""},
		"metadata":        {`{"url":"https://169.254.169.254/x","events":["*"]}`, "url", ""},
		"user-info":       {`{"url":"https://u:p@hooks.example.com/x","events":["*"]}`, "url", ""},
		"long url":        {`{"url":"https://hooks.example.com/` + strings.Repeat("x", 2048) + `","events":["*"]}`, "url", "too long"},
		"no events":       {`{"url":"https://hooks.example.com/x"}`, "events", "at least one"},
		"unknown event":   {`{"url":"https://hooks.example.com/x","events":["signal.craeted"]}`, "events", "signal.created"},
		"event twice":     {`{"url":"https://hooks.example.com/x","events":["*","*"]}`, "events", "twice"},
		"format":          {`{"url":"https://hooks.example.com/x","events":["*"],"format":"xml"}`, "format", "stairoids, standard, stackone, staircase"},
		"hashed":          {`{"url":"https://hooks.example.com/x","events":["*"],"signature_format":"secret_sha256"}`, "signature_format", "staircase"},
		"stackone events": {`{"url":"https://hooks.example.com/x","events":["signal.created"],"format":"stackone"}`, "events", "stackone"},
		"staircase":       {`{"url":"https://hooks.example.com/x","events":["*"],"format":"staircase"}`, "events", "notifications"},
		"its filter":      {`{"url":"https://hooks.example.com/x","format":"staircase","filter":{"field":"signal.type","operator":"equals","value":"x"}}`, "filter", "account filter"},
		"another filter":  {`{"url":"https://hooks.example.com/x","events":["*"],"format":"stackone","filter":{"field":"signal.type","operator":"equals","value":"x"}}`, "filter.field", "record_type"},
		"signature":       {`{"url":"https://hooks.example.com/x","events":["*"],"format":"standard","signature_format":"prefixed"}`, "signature_format", "stairoids"},
		"too many":        {`{"url":"https://hooks.example.com/x","events":["*"],"max_in_flight":101}`, "max_in_flight", "1 to 100"},
		"none in flight":  {`{"url":"https://hooks.example.com/x","events":["*"],"max_in_flight":0}`, "max_in_flight", "1 to 100"},
		"rate":            {`{"url":"https://hooks.example.com/x","events":["*"],"rate_per_second":1001}`, "rate_per_second", "1 to 1000, or 0"},
		"negative rate":   {`{"url":"https://hooks.example.com/x","events":["*"],"rate_per_second":-1}`, "rate_per_second", "1 to 1000, or 0"},
		"preset":          {`{"url":"https://hooks.example.com/x","events":["*"],"retry_preset":"svix"}`, "retry_preset", "stairoids or standard"},
		"two schedules":   {`{"url":"https://hooks.example.com/x","events":["*"],"retry_preset":"standard","retry_schedule":[1]}`, "retry_preset", "exclude each other"},
		"no wait":         {`{"url":"https://hooks.example.com/x","events":["*"],"retry_schedule":[60,0]}`, "retry_schedule.1", "1 to 604800"},
		"long wait":       {`{"url":"https://hooks.example.com/x","events":["*"],"retry_schedule":[604801]}`, "retry_schedule.0", "1 to 604800"},
		"many waits":      {`{"url":"https://hooks.example.com/x","events":["*"],"retry_schedule":[` + strings.Repeat("1,", 20) + `1]}`, "retry_schedule", "at most 20"},
		"short secret":    {`{"url":"https://hooks.example.com/x","events":["*"],"secret":"short"}`, "secret", "16"},
		"own header":      {`{"url":"https://hooks.example.com/x","events":["*"],"headers":{"Webhook-Signature":"x"}}`, "headers", ""},
		"pull with url":   {`{"kind":"pull","url":"https://hooks.example.com/x","events":["*"]}`, "url", "absent"},
		"temporary push":  {`{"url":"https://hooks.example.com/x","events":["*"],"temporary":true}`, "temporary", "pull"},
		"kind":            {`{"kind":"poll","events":["*"]}`, "kind", "push or pull"},
		"unknown fields":  {`{"url":"https://hooks.example.com/x","events":["*"],"evnets":1,"tpyo":2}`, "evnets", "evnets, tpyo"},
		"wrong case":      {`{"URL":"https://hooks.example.com/x","events":["*"]}`, "URL", "unknown field"},
		"wrong type":      {`{"url":"https://hooks.example.com/x","events":"*"}`, "events", "array"},
		"wrong item":      {`{"url":"https://hooks.example.com/x","events":[1]}`, "events.0", "string"},
		"long label":      {`{"url":"https://hooks.example.com/x","events":["*"],"label":"` + strings.Repeat("ü", 201) + `"}`, "label", "200"},
		"empty body":      {``, "", "empty"},
		"duplicate field": {`{"url":"https://hooks.example.com/x","url":"https://hooks.example.com/y","events":["*"]}`, "url", "url"},
	} {
		t.Run(name, func(t *testing.T) {
			b.send(b.admin, "POST", "/v1/webhooks", c.body).refuses(http.StatusBadRequest, "validation_error", c.param, c.says)
		})
	}
	if got := b.do(http.StatusOK, "GET", "/v1/webhooks", ""); got.at("total").(json.Number) != "0" {
		t.Errorf("something was stored: %s", got.body)
	}
	b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://hooks.example.com/x","events":["*"],"label":"","secret":null,"format":"","kind":null,"headers":null}`)
}

func TestUpdateWebhook_ChangesOnlyWhatIsGiven(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	path := "/v1/webhooks/" + b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://hooks.example.com/x","events":["*"],"label":"L","description":"D"}`).text("id")
	got := b.do(http.StatusOK, "PATCH", path, `{"label":null,"events":["signal.created"],"format":"stairoids"}`)
	if got.at("label") != nil || got.text("description") != "D" || got.text("events.0") != "signal.created" || got.text("url") != "https://hooks.example.com/x" ||
		got.at("revision").(json.Number) != "2" {
		t.Errorf("answer %s", got.body)
	}
	for body, param := range map[string]string{
		`{"format":"standard"}`: "format", `{"kind":"pull"}`: "kind", `{"temporary":true}`: "temporary", `{"secret":"sixteen characters"}`: "secret",
		`{"url":"http://hooks.example.com"}`: "url", `{"url":null}`: "url", `{"events":null}`: "events", `{"max_in_flight":0}`: "max_in_flight",
	} {
		b.send(b.admin, "PATCH", path, body).refuses(http.StatusBadRequest, "validation_error", param, "")
	}
	if again := b.do(http.StatusOK, "GET", path, ""); string(again.body) != string(got.body) {
		t.Errorf("a refused change left %s, want %s", again.body, got.body)
	}
}

// proves S1-35…S1-40: the schedule of the documents is the one of a webhook that names none.
func TestWebhook_HasASchedule(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	path := "/v1/webhooks/" + b.do(http.StatusCreated, "POST", "/v1/webhooks", push).text("id")
	for _, c := range []struct{ change, schedule, preset string }{
		{`{}`, "[60,300,1800,7200,28800]", `"stairoids"`},
		{`{"retry_preset":"standard"}`, "[5,300,1800,7200,18000,36000,50400,72000,86400]", `"standard"`},
		{`{"label":"L"}`, "[5,300,1800,7200,18000,36000,50400,72000,86400]", `"standard"`},
		{`{"retry_schedule":[1,604800]}`, "[1,604800]", "null"},
		{`{"retry_schedule":[]}`, "[]", "null"},
		{`{"retry_schedule":[60,300,1800,7200,28800]}`, "[60,300,1800,7200,28800]", `"stairoids"`},
		{`{"retry_schedule":[]}`, "[]", "null"},
		{`{"retry_preset":"stairoids"}`, "[60,300,1800,7200,28800]", `"stairoids"`},
	} {
		b.do(http.StatusOK, "PATCH", path, c.change)
		if got := b.do(http.StatusOK, "GET", path, ""); !strings.Contains(string(got.body), `"retry_schedule":`+c.schedule+`,"retry_preset":`+c.preset+",") {
			t.Errorf("%s: %s, want the schedule %s of %s", c.change, got.body, c.schedule, c.preset)
		}
	}
	if got := b.do(http.StatusOK, "PATCH", path, `{"rate_per_second":3}`); got.at("rate_per_second").(json.Number) != "3" {
		t.Errorf("answer %s", got.body)
	}
	if got := b.do(http.StatusOK, "PATCH", path, `{"rate_per_second":0}`); got.at("rate_per_second").(json.Number) != "0" {
		t.Errorf("answer %s", got.body)
	}
}

func TestDisableWebhook_SkipsEventsUntilItIsEnabled(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	path := "/v1/webhooks/" + b.do(http.StatusCreated, "POST", "/v1/webhooks", push).text("id")
	if got := b.do(http.StatusOK, "POST", path+"/disable", ""); got.at("enabled") != false || got.text("disabled_reason") != "manual" {
		t.Errorf("answer %s", got.body)
	}
	b.do(http.StatusCreated, "POST", "/v1/signals", trial)
	if got := b.do(http.StatusOK, "GET", path+"/deliveries", ""); got.text("data.0.status") != "skipped" || got.text("data.0.reason") != "webhook_disabled" {
		t.Errorf("deliveries %s", got.body)
	}
	if got := b.do(http.StatusOK, "POST", path+"/enable", "{}"); got.at("enabled") != true || got.at("disabled_reason") != nil {
		t.Errorf("answer %s", got.body)
	}
	b.send(b.admin, "POST", path+"/enable", `{"now":true}`).refuses(http.StatusBadRequest, "validation_error", "now", "unknown field")
}

func TestDeleteWebhook_ItIsGoneEverywhere(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	path := "/v1/webhooks/" + b.do(http.StatusCreated, "POST", "/v1/webhooks", push).text("id")
	if got := b.do(http.StatusNoContent, "DELETE", path, ""); len(got.body) != 0 {
		t.Errorf("204 with a body: %q", got.body)
	}
	for _, r := range []string{"GET ", "PATCH ", "DELETE ", "POST /enable", "POST /disable", "POST /test", "GET /deliveries", "GET /events"} {
		method, rest, _ := strings.Cut(r, " ")
		b.send(b.admin, method, path+rest, "{}").refuses(http.StatusNotFound, "webhook_not_found", "", "no such webhook")
	}
	jobs := b.do(http.StatusOK, "GET", "/v1/jobs", "")
	if jobs.text("data.0.kind") != "close_webhook" || !strings.HasSuffix(path, jobs.text("data.0.subject")) {
		t.Errorf("jobs %s", jobs.body)
	}
	if len(b.wakes()) == 0 {
		t.Error("nobody was woken for the job")
	}
}

func (b *box) wakes() []time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]time.Time(nil), b.woken...)
}

// proves S1-11
func TestTestWebhook_SendsASampleThroughTheRealPathOnce(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	made := b.do(http.StatusCreated, "POST", "/v1/webhooks", push)
	path := "/v1/webhooks/" + made.text("id")
	got := b.do(http.StatusOK, "POST", path+"/test", `{"event":"account.score_changed","data":{"account":{"id":"acc_1","n":12345678901234567890}}}`)
	sent := b.world.requests()
	if len(sent) != 1 || string(sent[0].Body) != got.text("data.request.body") || got.text("data.request.url") != "https://hooks.example.com/x" {
		t.Fatalf("sent %v, answer %s", sent, got.body)
	}
	if err := sign.Verify(sign.Stairoids, sent[0].Header, sent[0].Body, []sign.Secret{sign.Secret(made.text("secret"))}, time.Now()); err != nil {
		t.Errorf("the receiver cannot verify it: %v", err)
	}
	if !strings.Contains(string(sent[0].Body), `"data":{"account":{"id":"acc_1","n":12345678901234567890}}`) {
		t.Errorf("body %s", sent[0].Body)
	}
	if got.at("data.response.status").(json.Number) != "200" || got.text("data.response.body") != "OK" || got.at("data.error") != nil ||
		got.text("data.request.headers.webhook-signature") == "" {
		t.Errorf("answer %s", got.body)
	}
	detail := b.do(http.StatusOK, "GET", "/v1/deliveries/"+got.text("data.delivery_id"), "")
	if detail.text("data.status") != "delivered" || detail.at("data.test") != true || detail.text("data.attempts.0.remote_addr") != "203.0.113.7:443" ||
		detail.text("data.body") != string(sent[0].Body) || detail.at("data.attempts.0.dns_ms").(json.Number) != "1" {
		t.Errorf("delivery %s", detail.body)
	}
	b.send(b.admin, "POST", path+"/test", `{"event":"signal.craeted"}`).refuses(http.StatusBadRequest, "validation_error", "event", "")
	b.send(b.admin, "POST", path+"/test", `{"data":[1]}`).refuses(http.StatusBadRequest, "validation_error", "data", "object")
	pull := b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"kind":"pull","events":["*"]}`).text("id")
	b.send(b.admin, "POST", "/v1/webhooks/"+pull+"/test", "").refuses(http.StatusConflict, "conflict", "", "pull")
}

// verifies says which of the secrets verify a scheme's signature of each request.
func verifies(requests []egress.Request, scheme sign.Scheme, secrets ...string) (rows []string) {
	for _, sent := range requests {
		row := ""
		for i, secret := range secrets {
			if sign.Verify(scheme, sent.Header, sent.Body, []sign.Secret{sign.Secret(secret)}, time.Now()) == nil {
				row += strconv.Itoa(i)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// proves S2-13, and contract section 12: during an overlap both secrets sign; a header with room for one signature keeps the old one until it ends or the new
// one is activated.
func TestRegenerateSecret_BothSignUntilTheOverlapEnds(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	made := b.do(http.StatusCreated, "POST", "/v1/webhooks", push)
	path := "/v1/webhooks/" + made.text("id")
	if made.at("previous_secret") != nil {
		t.Errorf("a new webhook has %s", made.body)
	}
	b.send(b.admin, "POST", path+"/secret/activate", "").refuses(http.StatusConflict, "conflict", "", "no overlap")
	b.do(http.StatusOK, "POST", path+"/test", "")
	first := b.do(http.StatusOK, "POST", path+"/secret/regenerate", "")
	if fresh := first.text("secret"); !strings.HasPrefix(fresh, "whsec_") || fresh == made.text("secret") || first.at("previous_secret.signs") != true {
		t.Fatalf("made %s, the old one was %q", first.body, made.text("secret"))
	}
	until, err := time.Parse(time.RFC3339, first.text("previous_secret.valid_until"))
	if left := time.Until(until); err != nil || left < 23*time.Hour || left > 24*time.Hour {
		t.Errorf("the overlap ends at %s (%v), want in a day", until, err)
	}
	b.do(http.StatusOK, "POST", path+"/test", "")
	active := b.do(http.StatusOK, "POST", path+"/secret/activate", "")
	if active.at("previous_secret.signs") != true || active.at("previous_secret.signs_format_header") != false {
		t.Errorf("activated: %s", active.body)
	}
	b.do(http.StatusOK, "POST", path+"/test", "")
	second := b.do(http.StatusOK, "POST", path+"/secret/regenerate", `{"overlap":0,"secret":"sixteen characters"}`)
	if second.text("secret") != "sixteen characters" || !strings.HasPrefix(second.text("standard_secret"), "whsec_") || second.at("previous_secret") != nil {
		t.Errorf("made %s", second.body)
	}
	b.do(http.StatusOK, "POST", path+"/test", "")
	secrets := []string{made.text("secret"), first.text("secret"), second.text("secret")}
	for scheme, want := range map[sign.Scheme][]string{sign.Stairoids: {"0", "0", "1", "2"}, sign.Standard: {"0", "01", "01", "2"}} {
		if got := verifies(b.world.requests(), scheme, secrets...); !slices.Equal(got, want) {
			t.Errorf("%s: the requests are verified by the secrets %q, want %q", scheme, got, want)
		}
	}
	got := b.do(http.StatusOK, "GET", path, "")
	for _, secret := range secrets {
		if strings.Contains(string(got.body), secret) {
			t.Errorf("afterwards the webhook reads %s", got.body)
		}
	}
	if got.at("previous_secret.signs") != false || got.at("revision").(json.Number) != "4" {
		t.Errorf("afterwards the webhook reads %s", got.body)
	}
	for body, says := range map[string]string{`{"overlap":"1h"}`: "", `{"overlap":-1}`: "0 to 604800", `{"overlap":604801}`: "0 to 604800"} {
		b.send(b.admin, "POST", path+"/secret/regenerate", body).refuses(http.StatusBadRequest, "validation_error", "overlap", says)
	}
	b.send(b.admin, "POST", path+"/secret/regenerate", `{"secret":"short"}`).refuses(http.StatusBadRequest, "validation_error", "secret", "16")
}

// Whoever asks why a webhook did not get something is answered for each webhook.
func TestExplainEvent_SaysOfEachWebhookWhy(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	make := func(label, events string) string {
		return b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://hooks.example.com/x","events":[`+events+`],"label":"`+label+`"}`).text("id")
	}
	gets, gone := make("gets it", `"signal.created"`), make("gone", `"signal.created"`)
	make("wants others", `"account.*"`)
	changed := make("changed", `"account.*"`)
	off := make("off", `"signal.created"`)
	b.do(http.StatusOK, "POST", "/v1/webhooks/"+off+"/disable", "")
	b.do(http.StatusCreated, "POST", "/v1/signals", trial)
	first := b.do(http.StatusOK, "GET", "/v1/deliveries/"+b.attempted(gets), "")
	make("later", `"signal.created"`)
	b.do(http.StatusOK, "PATCH", "/v1/webhooks/"+changed, `{"events":["signal.created"]}`)
	b.attempted(gone)
	b.do(http.StatusNoContent, "DELETE", "/v1/webhooks/"+gone, "")

	got := b.do(http.StatusOK, "GET", "/v1/events/"+first.text("data.event_id")+"/explain", "")
	verdicts := map[string]string{}
	for _, row := range got.at("data.webhooks").([]any) {
		why := row.(map[string]any)
		label, _ := why["label"].(string)
		verdicts[label] = why["verdict"].(string)
		if why["reason"] == "" || (why["delivery"] == nil) == (label == "gets it" || label == "off" || why["deleted"] == true) {
			t.Errorf("%v", why)
		}
	}
	want := map[string]string{
		"gets it": "sent", "": "sent", "wants others": "not_subscribed", "changed": "changed_later", "off": "not_sent", "later": "made_later",
	}
	if !maps.Equal(verdicts, want) {
		t.Errorf("verdicts %v, want %v in %s", verdicts, want, got.body)
	}
	if got.text("data.event") != "signal.created" || !strings.HasPrefix(got.text("data.signal_id"), "sig_") || got.at("data.test") != false {
		t.Errorf("answer %s", got.body)
	}

	test := b.do(http.StatusOK, "POST", "/v1/webhooks/"+gets+"/test", "").text("data.delivery_id")
	event := b.do(http.StatusOK, "GET", "/v1/deliveries/"+test, "").text("data.event_id")
	got = b.do(http.StatusOK, "GET", "/v1/events/"+event+"/explain", "")
	if got.at("data.test") != true || got.text("data.webhooks.0.verdict") != "sent" || got.text("data.webhooks.1.verdict") != "other_webhook" {
		t.Errorf("of a test: %s", got.body)
	}
}
