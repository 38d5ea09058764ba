package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// refusal is what a bad request must be answered with.
type refusal struct {
	status int
	code   string // "": net/http itself answers, in text
	param  string
	says   string // part of the message
}

// badInput is one request that must be refused. raw is written to the socket as it is, after {key} and {host} are put in.
type badInput struct {
	name string
	raw  string
	half bool // the writing side is closed after it: the rest never comes
	want refusal
}

// valid is a signal's body that is fine but for one hole.
func valid(hole string) string { return `{"type":"t","source":"s",` + hole + `}` }

// post is a whole request to the signals' door.
func post(body string, headers ...string) string {
	head := append([]string{"Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body))}, headers...)
	return request(head, body)
}

func request(headers []string, body string) string {
	return "POST /v1/signals HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + body
}

// invalid is the refusal of one field.
func invalid(param, says string) refusal {
	return refusal{status: http.StatusBadRequest, code: "validation_error", param: param, says: says}
}

// badJSON are bodies that are no JSON, or JSON that two parsers could read differently.
func badJSON() []badInput {
	nested := func(n int) string {
		return valid(`"properties":` + strings.Repeat(`{"a":`, n) + `1` + strings.Repeat(`}`, n))
	}
	return []badInput{
		{name: "no JSON", raw: post(`type=t&source=s`), want: invalid("", "JSON")},
		{name: "cut off", raw: post(`{"type":"t","source":"s"`), want: invalid("", "")},
		{name: "trailing comma", raw: post(`{"type":"t","source":"s",}`), want: invalid("", "")},
		{name: "single quotes", raw: post(`{'type':'t'}`), want: invalid("", "")},
		{name: "a comment", raw: post(`{"type":"t"/* */,"source":"s"}`), want: invalid("", "")},
		{name: "NaN", raw: post(valid(`"properties":{"n":NaN}`)), want: invalid("properties.n", "")},
		{name: "a leading zero", raw: post(valid(`"properties":{"n":007}`)), want: invalid("properties", "")},
		{name: "a second document behind", raw: post(`{"type":"t","source":"s"}{}`), want: invalid("", "")},
		{name: "text behind", raw: post(`{"type":"t","source":"s"} x`), want: invalid("", "")},
		{name: "a byte order mark", raw: post("\xef\xbb\xbf" + `{"type":"t","source":"s"}`), want: invalid("", "")},
		{name: "an array", raw: post(`[]`), want: invalid("", "object")},
		{name: "a string", raw: post(`"signal"`), want: invalid("", "object")},
		{name: "null", raw: post(`null`), want: invalid("", "object")},
		{name: "empty", raw: post(``), want: invalid("", "empty")},
		{name: "only spaces", raw: post("  \n"), want: invalid("", "")},
		{name: "a duplicate key", raw: post(`{"type":"a","type":"b","source":"s"}`), want: invalid("type", "type")},
		{name: "a duplicate key, escaped", raw: post(`{"type":"a","typ\u0065":"b","source":"s"}`), want: invalid("type", "type")},
		{name: "a duplicate key deep down", raw: post(valid(`"properties":{"a":{"b":1,"b":2}}`)), want: invalid("properties.a.b", "")},
		{name: "invalid UTF-8", raw: post(valid("\"contact\":{\"first_name\":\"\xff\"}")), want: invalid("contact.first_name", "UTF-8")},
		{name: "an overlong encoding", raw: post(valid("\"account\":{\"name\":\"\xc0\xaf\"}")), want: invalid("account.name", "UTF-8")},
		{name: "invalid UTF-8 in a key", raw: post(valid("\"properties\":{\"\xff\":1}")), want: invalid("properties", "UTF-8")},
		{name: "an unpaired surrogate", raw: post(valid(`"properties":{"s":"\ud800"}`)), want: invalid("properties.s", "surrogate")},
		{name: "surrogates in the wrong order", raw: post(valid(`"properties":{"s":"\udc00\ud800"}`)), want: invalid("properties.s", "surrogate")},
		{name: "an encoded surrogate", raw: post(valid("\"properties\":{\"s\":\"\xed\xa0\x80\"}")), want: invalid("properties.s", "UTF-8")},
		{name: "U+0000", raw: post(valid(`"contact":{"last_name":"a\u0000b"}`)), want: invalid("contact.last_name", "U+0000")},
		{name: "a raw control character", raw: post(valid("\"properties\":{\"s\":\"a\tb\"}")), want: invalid("properties.s", "")},
		{name: "1e400", raw: post(valid(`"properties":{"n":1e400}`)), want: invalid("properties.n", "")},
		{name: "an integer that no double can hold", raw: post(valid(`"properties":{"n":1` + strings.Repeat("0", 400) + `}`)), want: invalid("properties.n", "")},
		{name: "33 levels", raw: post(nested(32)), want: invalid(strings.TrimSuffix("properties."+strings.Repeat("a.", 31), "."), "32")},
		{name: "a hundred thousand levels", raw: post(strings.Repeat("[", 100_000)), want: invalid("0"+strings.Repeat(".0", 31), "32 levels")},
	}
}

// badFields are JSON whose meaning is refused.
func badFields() []badInput {
	long := strings.Repeat("x", 201)
	return []badInput{
		{name: "no type", raw: post(`{"source":"s"}`), want: invalid("type", "type is required")},
		{name: "no source", raw: post(`{"type":"t"}`), want: invalid("source", "source is required")},
		{name: "an empty type", raw: post(`{"type":"","source":"s"}`), want: invalid("type", "type is required")},
		{name: "a blank source", raw: post(`{"type":"t","source":"  "}`), want: invalid("source", "source is required")},
		{name: "type is null", raw: post(`{"type":null,"source":"s"}`), want: invalid("type", "type is required")},
		{name: "type is a number", raw: post(`{"type":1,"source":"s"}`), want: invalid("type", "string")},
		{name: "type too long", raw: post(`{"type":"` + long + `","source":"s"}`), want: invalid("type", "200")},
		{name: "account is a string", raw: post(valid(`"account":"acme.com"`)), want: invalid("account", "object")},
		{name: "domain is a list", raw: post(valid(`"account":{"domain":["acme.com"]}`)), want: invalid("account.domain", "string")},
		{name: "domain is a public suffix", raw: post(valid(`"account":{"domain":"co.uk"}`)), want: invalid("account.domain", "")},
		{name: "domain is an address", raw: post(valid(`"account":{"domain":"10.0.0.1"}`)), want: invalid("account.domain", "")},
		{name: "domain is no domain", raw: post(valid(`"account":{"domain":"not a domain"}`)), want: invalid("account.domain", "")},
		{name: "email is a flag", raw: post(valid(`"contact":{"email":true}`)), want: invalid("contact.email", "string")},
		{name: "email without @", raw: post(valid(`"contact":{"email":"jane"}`)), want: invalid("contact.email", "")},
		{name: "email too long", raw: post(valid(`"contact":{"email":"` + strings.Repeat("x", 250) + `@acme.com"}`)), want: invalid("contact.email", "254")},
		{name: "name is an object", raw: post(valid(`"contact":{"first_name":{}}`)), want: invalid("contact.first_name", "string")},
		{name: "LinkedIn page of no person", raw: post(valid(`"contact":{"linkedin_url":"https://example.com/in/jane"}`)), want: invalid("contact.linkedin_url", "")},
		{name: "properties are a list", raw: post(valid(`"properties":[1]`)), want: invalid("properties", "object")},
		{name: "attributes are a number", raw: post(valid(`"account":{"attributes":7}`)), want: invalid("account.attributes", "object")},
		{name: "occurred_at is no time", raw: post(valid(`"occurred_at":"yesterday"`)), want: invalid("occurred_at", "RFC 3339")},
		{name: "occurred_at is far ahead", raw: post(valid(`"occurred_at":"2999-01-01T00:00:00Z"`)), want: invalid("occurred_at", "24 hours")},
		{name: "backfill is a string", raw: post(valid(`"backfill":"yes"`)), want: invalid("backfill", "true or false")},
		{name: "idempotency_key too long", raw: post(valid(`"idempotency_key":"` + strings.Repeat("k", 256) + `"`)), want: invalid("idempotency_key", "255")},
		{name: "the header Idempotency-Key too long", raw: post(valid(`"backfill":true`), "Idempotency-Key: "+strings.Repeat("k", 256)), want: invalid("Idempotency-Key", "255")},
	}
}

// badTransport are requests whose bytes or headers are wrong before any JSON is read.
func badTransport() []badInput {
	body := `{"type":"t","source":"s"}`
	tooLarge := refusal{status: http.StatusRequestEntityTooLarge, code: "body_too_large", says: "1048576"}
	media := refusal{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type"}
	big := valid(`"properties":{"x":"` + strings.Repeat("x", 1<<20) + `"}`)
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	chunked := func(chunks string) string {
		return request([]string{"Content-Type: application/json", "Transfer-Encoding: chunked"}, chunks)
	}
	typed := func(kind, body string) string {
		return request([]string{"Content-Type: " + kind, fmt.Sprintf("Content-Length: %d", len(body))}, body)
	}
	return []badInput{
		{name: "a megabyte and one byte", raw: post(strings.Repeat(" ", 1<<20+1-len(body)) + body), want: tooLarge},
		{name: "more than a megabyte of properties", raw: post(big), want: tooLarge},
		{name: "a form", raw: typed("application/x-www-form-urlencoded", "type=t&source=s"), want: media},
		{name: "plain text", raw: typed("text/plain", body), want: media},
		{name: "a malformed Content-Type", raw: typed(";;", body), want: media},
		{name: "another charset", raw: typed("application/json; charset=latin1", body), want: media},
		{name: "gzip", raw: post(body, "Content-Encoding: gzip"), want: media},
		{name: "chunks of no JSON", raw: chunked(chunk("{") + chunk("]") + "0\r\n\r\n"), want: invalid("", "")},
		{name: "chunks beyond a megabyte", raw: chunked(strings.Repeat(chunk(strings.Repeat(" ", 1<<16)), 17) + "0\r\n\r\n"), want: tooLarge},
		{name: "a malformed chunk", raw: chunked("zz\r\n" + body), want: invalid("", "did not arrive whole")},
		{name: "chunks that end early", raw: chunked(chunk(body)), half: true, want: invalid("", "")},
		{name: "a Content-Length beyond the body", raw: request([]string{"Content-Length: 100"}, body), half: true, want: invalid("", "Content-Length")},
		{name: "a Content-Length short of the body", raw: request([]string{"Content-Length: 10"}, body), want: invalid("type", "end of the body")},
		{name: "two Content-Lengths", raw: request([]string{"Content-Length: 25", "Content-Length: 26"}, body), want: refusal{status: 400}},
		{name: "a negative Content-Length", raw: request([]string{"Content-Length: -1"}, body), want: refusal{status: 400}},
		{name: "no HTTP at all", raw: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", want: refusal{status: 400}},
		{name: "HTTP without a Host", raw: "GET /v1/signals HTTP/1.1\r\n\r\n", want: refusal{status: 400}},
		{name: "a malformed header", raw: "GET /v1/signals HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", want: refusal{status: 400}},
		{name: "headers without end", raw: "GET /v1/signals HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 128<<10) + "\r\n\r\n", want: refusal{status: 431}},
		// The one 5xx: RFC 9112 section 6.1 asks for it, and net/http gives it before any door of ours.
		{name: "an unknown transfer coding", raw: request([]string{"Transfer-Encoding: gzip"}, body), want: refusal{status: 501}},
		{name: "a method that the door does not know", raw: "PUT /v1/signals HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nAuthorization: Bearer {key}\r\n\r\n",
			want: refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed"}},
		{name: "a path that does not exist", raw: "POST /v1/signal HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nAuthorization: Bearer {key}\r\n\r\n",
			want: refusal{status: http.StatusNotFound, code: "not_found"}},
	}
}

// badWebhooks are bodies that the management doors refuse, where a field that nobody knows is refused too.
func badWebhooks() []badInput {
	const url = `"url":"https://hooks.example.com/"`
	to := func(path, body string) string {
		return strings.Replace(post(body), "/v1/signals", path, 1)
	}
	webhook := func(body string) string { return to("/v1/webhooks", body) }
	return []badInput{
		{name: "webhook: a field that nobody knows", raw: webhook(`{"ulr":"https://hooks.example.com/","events":["*"]}`), want: invalid("ulr", "ulr")},
		{name: "webhook: a duplicate key", raw: webhook(`{` + url + `,"events":["*"],"events":["*"]}`), want: invalid("events", "")},
		{name: "webhook: no url", raw: webhook(`{"events":["*"]}`), want: invalid("url", "required")},
		{name: "webhook: url is a number", raw: webhook(`{"url":7,"events":["*"]}`), want: invalid("url", "string")},
		{name: "webhook: no events", raw: webhook(`{` + url + `}`), want: invalid("events", "")},
		{name: "webhook: an unknown event", raw: webhook(`{` + url + `,"events":["signal.creatd"]}`), want: invalid("events", "signal.creatd")},
		{name: "webhook: an unknown format", raw: webhook(`{` + url + `,"events":["*"],"format":"xml"}`), want: invalid("format", "")},
		{name: "webhook: a header of the protocol", raw: webhook(`{` + url + `,"events":["*"],"headers":{"Content-Length":"1"}}`), want: invalid("headers", "Content-Length")},
		{name: "webhook: a header of the signature", raw: webhook(`{` + url + `,"events":["*"],"headers":{"webhook-signature":"x"}}`), want: invalid("headers", "webhook-signature")},
		{name: "webhook: a header with a line break", raw: webhook(`{` + url + `,"events":["*"],"headers":{"X-A":"b\r\nX-C: d"}}`), want: invalid("headers", "X-A")},
		{name: "webhook: a short secret", raw: webhook(`{` + url + `,"events":["*"],"secret":"tooshort"}`), want: invalid("secret", "16")},
		{name: "key: an unknown scope", raw: to("/v1/api-keys", `{"name":"n","scope":"everything"}`), want: invalid("scope", "")},
		{name: "batch: no signals", raw: to("/v1/signals/batch", `{}`), want: invalid("signals", "")},
		{name: "batch: signals are an object", raw: to("/v1/signals/batch", `{"signals":{}}`), want: invalid("signals", "")},
		{name: "batch: too many", raw: to("/v1/signals/batch", `{"signals":[`+strings.Repeat(`{},`, 2500)+`{}]}`), want: invalid("signals", "2500")},
		{name: "batch: malformed", raw: to("/v1/signals/batch", `{"signals":[{]}`), want: invalid("signals.0", "")},
	}
}

// proves S0-14, S0-15 (contract sections 2 and 3: each bad input its 4xx, and nothing is stored)
func TestBadInput_IsRefusedByNameAndNothingIsStored(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	all := slices.Concat(badJSON(), badFields(), badTransport(), badWebhooks())
	for _, bad := range all {
		t.Run(bad.name, func(t *testing.T) {
			status, body := s.raw(t, bad.raw, bad.half)
			bad.want.check(t, status, body)
		})
	}
	if n := s.storedSignals(); n != 0 {
		t.Errorf("%d signals are stored, want none", n)
	}
	if log := s.log.String(); strings.Contains(log, "panic") || strings.Contains(log, `"status":5`) {
		t.Error("the log tells of a fault of ours")
	}
	if receipt := s.send(trial()); receipt.Status != "received" {
		t.Errorf("after all that a good signal is answered %+v", receipt)
	}
}

// raw writes bytes to the server's socket and reads one answer.
func (s *server) raw(t *testing.T, text string, half bool) (status int, body []byte) {
	t.Helper()
	host := strings.TrimPrefix(s.url, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	text = strings.NewReplacer("{host}", host, "{key}", apiKey).Replace(text)
	go func() {
		_, _ = io.WriteString(conn, text) // the server may refuse before it has read everything
		if tcp, ok := conn.(*net.TCPConn); ok && half {
			_ = tcp.CloseWrite()
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// check holds an answer against what it must be.
func (want refusal) check(t *testing.T, status int, body []byte) {
	t.Helper()
	if status != want.status {
		t.Fatalf("the answer is %d %s, want %d", status, body, want.status)
	}
	if want.code == "" {
		return
	}
	var got struct {
		Error struct {
			Code, Message, Param string
			RequestID            string `json:"request_id"`
		}
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("the answer is %q: %v", body, err)
	}
	e := got.Error
	if e.Code != want.code || e.Param != want.param || !strings.Contains(e.Message, want.says) || e.Message == "" || e.RequestID == "" {
		t.Errorf("the answer is %s, want code %s, param %q and a message with %q", body, want.code, want.param, want.says)
	}
	place := strings.Split(want.param, ".")[0]
	if strings.HasPrefix(e.Message, "malformed JSON") {
		place = "at line " // the surer name of where it is
	}
	if want.says == "" && !strings.Contains(e.Message, place) {
		t.Errorf("the message %q does not name the field %s", e.Message, want.param)
	}
}
