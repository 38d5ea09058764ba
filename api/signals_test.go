package api_test

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

const trial = `{"type":"product_trial_started","source":"internal_app","account":{"domain":"acmecorp.com","name":"Acme Corp"},` +
	`"contact":{"email":"jane@acmecorp.com","first_name":"Jane","last_name":"Smith"},"properties":{"plan":"pro","n":12345678901234567890}}`

// proves S0-3, S0-22…S0-26, S0-50
func TestCreateSignal_AnswersExactlyTheDocumentsFields(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	a := b.do(http.StatusCreated, "POST", "/v1/signals", trial, "Content-Type", "application/json")
	want := regexp.MustCompile(`^\{"id":"sig_[0-9a-z]{26}","type":"product_trial_started","source":"internal_app","status":"received",` +
		`"account_id":"acc_[0-9a-z]{26}","contact_id":"con_[0-9a-z]{26}","created_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"\}$`)
	if !want.Match(a.body) {
		t.Errorf("answer %s", a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	if a.header.Get("X-Ratelimit-Limit") != "" || a.header.Get("Idempotent-Replayed") != "" || a.header.Get("X-Signalbox-Ignored") != "" {
		t.Errorf("headers that nothing calls for: %v", a.header)
	}
}

func TestCreateSignal_ReadsBackWhatWasSent(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	id := b.do(http.StatusCreated, "POST", "/v1/signals", trial).text("id")
	a := b.do(http.StatusOK, "GET", "/v1/signals/"+id, "")
	for path, want := range map[string]string{
		"data.id": id, "data.type": "product_trial_started", "data.account.domain": "acmecorp.com", "data.account.name": "Acme Corp",
		"data.contact.email": "jane@acmecorp.com", "data.contact.name": "Jane Smith", "data.properties.plan": "pro",
	} {
		if got := a.text(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if !strings.Contains(string(a.body), `"n":12345678901234567890`) {
		t.Errorf("a large integer lost digits: %s", a.body)
	}
}

// Contract section 3: deduplication only by the caller's key.
func TestCreateSignal_SameKeySameBodyAnswersTheFirstAnswer(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	first := b.do(http.StatusCreated, "POST", "/v1/signals", trial, "Idempotency-Key", "k1")
	spaced := " " + strings.ReplaceAll(trial, `":`, `" : `)
	again := b.do(http.StatusCreated, "POST", "/v1/signals", spaced, "Idempotency-Key", "k1")
	if string(again.body) != string(first.body) || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("got %s replayed=%q, want %s", again.body, again.header.Get("Idempotent-Replayed"), first.body)
	}
	b.send(b.admin, "POST", "/v1/signals", strings.Replace(trial, "pro", "basic", 1), "Idempotency-Key", "k1").
		refuses(http.StatusUnprocessableEntity, "idempotency_mismatch", "idempotency_key", "")
	inBody := strings.Replace(trial, `{"type"`, `{"idempotency_key":"k1","type"`, 1)
	other := b.do(http.StatusCreated, "POST", "/v1/signals", inBody, "Idempotency-Key", "k2")
	if other.text("id") == first.text("id") {
		t.Error("the body's key won over the header's")
	}
	b.send(b.admin, "POST", "/v1/signals", trial, "Idempotency-Key", strings.Repeat("k", 256)).
		refuses(http.StatusBadRequest, "validation_error", "Idempotency-Key", "255")
	b.send(b.admin, "POST", "/v1/signals", trial, "Idempotency-Key", "a", "Idempotency-Key", "b").
		refuses(http.StatusBadRequest, "validation_error", "Idempotency-Key", "more than once")
}

func TestCreateSignal_UnknownFieldsAreIgnoredAndNamed(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	a := b.do(http.StatusCreated, "POST", "/v1/signals?debug=1", `{"type":"x","source":"s","typo":1,"contact":{"email":"a@acme.com","phone":"1"}}`)
	if got := a.header.Get("X-Signalbox-Ignored"); got != "typo, contact.phone" {
		t.Errorf("X-Signalbox-Ignored: %q", got)
	}
	if line := b.line(a.header.Get("X-Request-Id")); !strings.Contains(line, "contact.phone") {
		t.Errorf("the log does not name it: %s", line)
	}
}

func TestCreateSignal_BadInputIsRefusedByName(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	type bad struct {
		body, kind  string
		status      int
		code, param string
		says        string
	}
	invalid := func(body, param, says string) bad {
		return bad{body: body, status: 400, code: "validation_error", param: param, says: says}
	}
	media := func(kind string) bad {
		return bad{body: trial, kind: kind, status: 415, code: "unsupported_media_type"}
	}
	for name, c := range map[string]bad{
		"empty":           invalid("", "", "empty"),
		"malformed":       invalid(`{"type":`, "", ""),
		"trailing":        invalid(trial+"x", "", ""),
		"duplicate":       invalid(`{"type":"a","type":"b","source":"s"}`, "type", "type"),
		"wrong type":      invalid(`{"type":7,"source":"s"}`, "type", "string"),
		"no type":         invalid(`{"source":"s"}`, "type", "type"),
		"no source":       invalid(`{"type":"t"}`, "source", "source"),
		"nested":          invalid(`{"type":"t","source":"s","contact":{"email":1}}`, "contact.email", "string"),
		"bad e-mail":      invalid(`{"type":"t","source":"s","contact":{"email":"nobody"}}`, "contact.email", ""),
		"public suffix":   invalid(`{"type":"t","source":"s","account":{"domain":"co.uk"}}`, "account.domain", ""),
		"surrogate":       invalid(`{"type":"\ud800","source":"s"}`, "type", ""),
		"NUL":             invalid(`{"type":"\u0000","source":"s"}`, "type", ""),
		"invalid UTF-8":   invalid("{\"type\":\"\xff\",\"source\":\"s\"}", "type", ""),
		"1e400":           invalid(`{"type":"t","source":"s","properties":{"n":1e400}}`, "properties.n", ""),
		"deep":            invalid(`{"type":"t","source":"s","properties":{"a":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`}}`, "", ""),
		"text":            media("text/plain"),
		"form":            media("application/x-www-form-urlencoded"),
		"other charset":   media("application/json; charset=latin1"),
		"nonsense":        media("///"),
		"too large":       {body: `{"type":"` + strings.Repeat("x", 1<<20) + `"}`, status: 413, code: "body_too_large"},
		"not an object":   invalid(`[1]`, "", ""),
		"future":          invalid(`{"type":"t","source":"s","occurred_at":"2999-01-01T00:00:00Z"}`, "occurred_at", ""),
		"properties text": invalid(`{"type":"t","source":"s","properties":"p"}`, "properties", "object"),
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if c.kind != "" {
				headers = []string{"Content-Type", c.kind}
			}
			a := b.send(b.admin, "POST", "/v1/signals", c.body, headers...)
			if a.status != c.status || a.text("error.code") != c.code || c.param != "" && a.text("error.param") != c.param ||
				!strings.Contains(a.text("error.message"), c.says) {
				t.Errorf("got %d %s, want %d %s %q %q", a.status, a.body, c.status, c.code, c.param, c.says)
			}
		})
	}
	if n := len(b.do(200, "GET", "/v1/signals", "").at("data").([]any)); n != 0 {
		t.Errorf("%d signals stored, want none", n)
	}
}

func TestCreateSignal_JSONInUTF8IsTakenHoweverItIsNamed(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for _, kind := range []string{"", "application/json", "application/json; charset=utf-8", `Application/JSON;charset="UTF-8"`} {
		b.do(http.StatusCreated, "POST", "/v1/signals", trial, "Content-Type", kind)
	}
	b.send(b.admin, "POST", "/v1/signals", trial, "Content-Encoding", "gzip").refuses(415, "unsupported_media_type", "", "Content-Encoding")
}

func TestCreateSignals_OneBadItemNeverSinksTheOthers(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	batch := `{"signals":[{"type":"a","source":"s","contact":{"email":"a@acme.com"},"extra":1},{"type":"","source":"s"},{"type":"c","source":"s","idempotency_key":"own"}],"more":1}`
	first := b.do(http.StatusOK, "POST", "/v1/signals/batch", batch, "Idempotency-Key", "K")
	for path, want := range map[string]string{
		"data.results.0.status": "created", "data.results.1.status": "rejected", "data.results.1.error.code": "validation_error",
		"data.results.1.error.param": "type", "data.results.2.status": "created",
	} {
		if got := first.text(path); got != want {
			t.Errorf("%s is %q, want %q in %s", path, got, want, first.body)
		}
	}
	if got := first.header.Get("X-Signalbox-Ignored"); got != "more, signals.0.extra" {
		t.Errorf("X-Signalbox-Ignored: %q", got)
	}
	again := b.do(http.StatusOK, "POST", "/v1/signals/batch", batch, "Idempotency-Key", "K")
	for _, i := range []string{"0", "2"} {
		if again.text("data.results."+i+".status") != "duplicate" || again.text("data.results."+i+".id") != first.text("data.results."+i+".id") {
			t.Errorf("item %s sent again: %s", i, again.body)
		}
	}
	single := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"a","source":"s","contact":{"email":"a@acme.com"},"extra":1}`, "Idempotency-Key", "K/0")
	if single.text("id") != first.text("data.results.0.id") {
		t.Error("the key of item 0 is not K/0")
	}
	b.send(b.admin, "POST", "/v1/signals/batch", `{"signals":[`+strings.Repeat(`{},`, 2500)+`{}]}`).refuses(400, "validation_error", "signals", "2500")
	b.do(http.StatusOK, "POST", "/v1/signals/batch", `{"signals":[]}`)
	b.send(b.admin, "POST", "/v1/signals/batch", `{"signals":["`+strings.Repeat("x", 5<<20)+`"]}`).refuses(413, "body_too_large", "", "5242880")
}

func TestListSignals_FiltersAndPages(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for _, body := range []string{
		`{"type":"a","source":"web","contact":{"email":"j.ane+x@gmail.com"},"account":{"domain":"one.com"},"occurred_at":"2024-01-01T00:00:00Z"}`,
		`{"type":"b","source":"web","account":{"domain":"two.com"},"occurred_at":"2024-01-02T00:00:00Z"}`,
		`{"type":"a","source":"app","account":{"domain":"one.com"},"occurred_at":"2024-01-03T00:00:00Z"}`,
	} {
		b.do(http.StatusCreated, "POST", "/v1/signals", body)
	}
	for query, want := range map[string]int{
		"": 3, "?type=a": 2, "?source=app": 1, "?account_domain=https://www.one.com/x": 2, "?contact_email=jane@googlemail.com": 1,
		"?account_domain=three.com": 0, "?contact_email=nobody@one.com": 0, "?from=2024-01-02T00:00:00Z": 2, "?to=2024-01-02T00:00:00Z": 2,
		"?from=2024-01-02T00:00:00Z&to=2024-01-02T00:00:00Z": 1, "?type=a&account_domain=one.com&source=web": 1, "?type=&limit=": 3,
	} {
		if got := len(b.do(200, "GET", "/v1/signals"+query, "").at("data").([]any)); got != want {
			t.Errorf("GET /v1/signals%s: %d signals, want %d", query, got, want)
		}
	}
	one := b.do(200, "GET", "/v1/signals?limit=2", "")
	b.do(http.StatusCreated, "POST", "/v1/signals", trial) // arrives meanwhile
	two := b.do(200, "GET", "/v1/signals?limit=2&cursor="+one.text("meta.next_cursor"), "")
	if one.text("data.0.source") != "app" || two.text("data.0.source") != "web" || two.at("data.1") != nil || two.at("meta.next_cursor") != nil {
		t.Errorf("pages %s, %s", one.body, two.body)
	}
}

func TestListSignalDeliveries_ShowsWhatThisSignalCausedAndNothingElse(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		hooks := map[string]bool{}
		for _, url := range []string{"https://example.com/a", "https://example.com/b"} {
			hooks[b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"`+url+`","events":["signal.created"]}`).text("id")] = true
		}
		var sent []string
		for range 3 {
			sent = append(sent, b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","account":{"domain":"acme.com"}}`).text("id"))
		}
		past := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","backfill":true}`).text("id")
		seen := map[string]bool{}
		for _, sig := range sent {
			at := "/v1/signals/" + sig + "/deliveries"
			rows := b.do(http.StatusOK, "GET", at, "").at("data").([]any)
			got := map[string]bool{}
			for _, r := range rows {
				d := r.(map[string]any)
				got[d["webhook_id"].(string)] = true
				seen[d["event_id"].(string)] = true
			}
			if len(rows) != 2 || !maps.Equal(got, hooks) {
				b.Errorf("%s caused %v, want one delivery to each webhook", sig, rows)
			}
			first := b.do(http.StatusOK, "GET", at+"?limit=1", "")
			rest := b.do(http.StatusOK, "GET", at+"?limit=1&cursor="+first.text("meta.next_cursor"), "")
			if first.text("data.0.id") == rest.text("data.0.id") || rest.at("meta.next_cursor") != nil {
				b.Errorf("pages of one: %s and %s", first.text("data.0.id"), rest.text("data.0.id"))
			}
		}
		if len(seen) != len(sent) {
			b.Errorf("%d signals show %d events", len(sent), len(seen))
		}
		if rows := b.do(http.StatusOK, "GET", "/v1/signals/"+past+"/deliveries", "").at("data").([]any); len(rows) != 0 {
			b.Errorf("history caused %v", rows)
		}
	})
}

func TestListSignals_BadQueriesAreRefusedByName(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for range 3 {
		b.do(http.StatusCreated, "POST", "/v1/signals", trial)
	}
	cursor := b.do(200, "GET", "/v1/signals?limit=1&type=product_trial_started", "").text("meta.next_cursor")
	forged := strings.Map(func(r rune) rune { return map[bool]rune{true: '1', false: '0'}[r == '0'] }, cursor[len(cursor)-1:])
	_, foreign := b.workspace("Globex")
	for _, c := range []struct{ key, query, param, says string }{
		{b.admin, "limit=0", "limit", "1 to 200"}, {b.admin, "limit=201", "limit", "1 to 200"}, {b.admin, "limit=x", "limit", "1 to 200"},
		{b.admin, "kind=a", "kind", "unknown query parameter kind"}, {b.admin, "type=a&type=b", "type", "more than once"},
		{b.admin, "from=yesterday", "from", "2026-01-02T15:04:05Z"}, {b.admin, "from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z", "to", "before"},
		{b.admin, "account_domain=co.uk", "account_domain", ""}, {b.admin, "contact_email=nobody", "contact_email", ""}, {b.admin, "a%zz", "", "malformed"},
		{b.admin, "cursor=nonsense", "cursor", "not of this list"}, {b.admin, "type=other&cursor=" + cursor, "cursor", "not of this list"},
		{foreign, "type=product_trial_started&cursor=" + cursor, "cursor", "not of this list"},
		{b.admin, "type=product_trial_started&cursor=" + cursor[:len(cursor)-1] + forged, "cursor", "not of this list"},
	} {
		b.send(c.key, "GET", "/v1/signals?"+c.query, "").refuses(400, "validation_error", c.param, c.says)
	}
}
