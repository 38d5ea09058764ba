package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/client"
)

// network answers requests in place of a server, in the order of its answers.
type network struct {
	answers []answer
	seen    []seen
}

// answer is one answer, or the err of a connection that broke.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

// seen is what a request was.
type seen struct {
	Method, URL, Body, Key, Auth string
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	n.seen = append(n.seen, seen{r.Method, r.URL.String(), string(body), r.Header.Get("Idempotency-Key"), r.Header.Get("Authorization")})
	if len(n.answers) == 0 {
		return nil, errors.New("the test expected no further request")
	}
	a := n.answers[0]
	n.answers = n.answers[1:]
	if a.err != nil {
		return nil, a.err
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func dial(n *network, opts ...client.Option) *client.Client {
	return client.New("http://signalbox.test/", "sk_live_abc", append(opts, client.WithHTTPClient(&http.Client{Transport: n}))...)
}

const receipt = `{"id":"sig_1","type":"t","source":"s","status":"received","account_id":"acc_1","contact_id":null,"created_at":"2026-01-02T03:04:05Z"}`

var busy = answer{status: 503, header: http.Header{"Retry-After": {"2"}}, body: `{"error":{"code":"overloaded","message":"too much waits","request_id":"req_1"}}`}

// proves S0-11, S0-22…S0-26 from the caller's side
func TestSendSignal_SendsKeyAndReadsReceipt(t *testing.T) {
	t.Parallel()
	n := &network{answers: []answer{{status: 201, body: receipt, header: http.Header{"X-Signalbox-Ignored": {"tpye"}}}}}
	in := client.SignalInput{
		Type: "product_trial_started", Source: "internal_app", Account: client.AccountInput{Domain: "acmecorp.com"},
		Properties: map[string]any{"plan": "pro_trial"}, OccurredAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), IdempotencyKey: "k-1",
	}
	got, err := dial(n).SendSignal(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	want := client.Receipt{
		ID: "sig_1", Type: "t", Source: "s", Status: "received", AccountID: "acc_1",
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Ignored: "tpye",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("receipt (-want +got):\n%s", diff)
	}
	wantSeen := []seen{{
		Method: "POST", URL: "http://signalbox.test/v1/signals", Key: "k-1", Auth: "Bearer sk_live_abc",
		Body: `{"type":"product_trial_started","source":"internal_app","account":{"domain":"acmecorp.com"},"properties":{"plan":"pro_trial"},"occurred_at":"2026-01-02T03:04:05Z"}`,
	}}
	if diff := cmp.Diff(wantSeen, n.seen); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestSendSignal_RetriesCarryOneKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{answers: []answer{busy, {err: errors.New("connection reset")}, {status: 201, body: receipt}}}
		begin := time.Now()
		if _, err := dial(n).SendSignal(t.Context(), client.SignalInput{Type: "t", Source: "s"}); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begin); waited < 2*time.Second {
			t.Errorf("waited %v, but the server asked for 2 s", waited)
		}
		if len(n.seen) != 3 || n.seen[0].Key == "" || n.seen[1].Key != n.seen[0].Key || n.seen[2].Key != n.seen[0].Key {
			t.Errorf("want three tries with one key, got %+v", n.seen)
		}
	})
}

func TestRetry_OnlyWhatIsSafeAndMayPass(t *testing.T) {
	t.Parallel()
	broken := answer{err: errors.New("connection reset")}
	get := func(ctx context.Context, c *client.Client) error { _, err := c.Signal(ctx, "sig_1"); return err }
	post := func(ctx context.Context, c *client.Client) error {
		_, err := c.CreateWebhook(ctx, client.WebhookInput{URL: "https://x.example", Events: []string{"*"}})
		return err
	}
	batch := func(ctx context.Context, c *client.Client) error {
		_, err := c.SendBatch(ctx, []client.SignalInput{{Type: "t", Source: "s"}})
		return err
	}
	rows := func(ctx context.Context, c *client.Client) error {
		_, err := c.ImportAccounts(ctx, []client.AccountRow{{Domain: "a.com"}})
		return err
	}
	cases := []struct {
		name  string
		first answer
		call  func(context.Context, *client.Client) error
		tries int
	}{
		{"GET after 503", busy, get, 4},
		{"GET after 429", answer{status: 429, body: `{}`}, get, 4},
		{"GET after a broken connection", broken, get, 4},
		{"batch after a broken connection", broken, batch, 4},
		{"import after a broken connection", broken, rows, 4},
		{"import after 503", busy, rows, 4},
		{"GET after 404", answer{status: 404, body: `{}`}, get, 1},
		{"GET after 500", answer{status: 500, body: `{}`}, get, 1},
		{"GET told to wait an hour", answer{status: 503, header: http.Header{"Retry-After": {"3600"}}}, get, 1},
		{"POST without a key after 503", busy, post, 1},
		{"POST without a key after a broken connection", broken, post, 1},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{answers: []answer{tc.first, tc.first, tc.first, tc.first, tc.first}}
				err := tc.call(t.Context(), dial(n))
				if err == nil {
					t.Fatal("want the error of the last try")
				}
				if len(n.seen) != tc.tries {
					t.Errorf("tried %d times, want %d", len(n.seen), tc.tries)
				}
			})
		})
	}
}

func TestRetry_WaitsAsLongAsItIsAllowedTo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		minute := answer{status: 429, header: http.Header{"Retry-After": {"60"}}, body: `{}`}
		n := &network{answers: []answer{minute, {status: 200, body: `{"data":{}}`}}}
		begin := time.Now()
		if _, err := dial(n, client.WithLongestWait(2*time.Minute)).Signal(t.Context(), "sig_1"); err != nil || time.Since(begin) < time.Minute {
			t.Errorf("%v after %v, want an answer after a minute", err, time.Since(begin))
		}
	})
}

func TestBatch_AnswersThatDoNotFitAreErrors(t *testing.T) {
	t.Parallel()
	items := []json.RawMessage{json.RawMessage(`{}`)}
	n := &network{answers: []answer{{status: 200, body: `{"data":{"results":[]}}`}, {status: 200, body: `{"data":{"results":[{"status":"created"}]}}`}}}
	c := dial(n)
	if _, err := c.ImportAccountsJSON(t.Context(), items, false); err == nil || !strings.Contains(err.Error(), "answered 0 of 1") {
		t.Errorf("an answer of nothing: %v", err)
	}
	if _, err := c.TryBatchJSON(t.Context(), items, ""); err == nil || !strings.Contains(err.Error(), "no dry run") {
		t.Errorf("a dry run that was none: %v", err)
	}
}

func TestRetry_EndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		n := &network{answers: []answer{busy, busy}}
		_, err := dial(n).Signal(ctx, "sig_1")
		var refused *client.Error
		if !errors.As(err, &refused) || len(n.seen) != 1 {
			t.Errorf("want the refusal after one try, got %v after %d", err, len(n.seen))
		}
	})
}

func TestError_HoldsWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	n := &network{answers: []answer{{
		status: 400,
		body:   `{"error":{"code":"validation_error","message":"must be an e-mail address","param":"contact.email","request_id":"req_9"}}`,
	}}}
	_, err := dial(n).SendSignal(t.Context(), client.SignalInput{Type: "t", Source: "s"})
	var got *client.Error
	if !errors.As(err, &got) {
		t.Fatalf("want a *client.Error, got %v", err)
	}
	want := &client.Error{Status: 400, Code: signalbox.Invalid, Message: "must be an e-mail address", Param: "contact.email", RequestID: "req_9"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if text := got.Error(); text != "validation_error: contact.email: must be an e-mail address (status 400, request req_9)" {
		t.Errorf("text: %s", text)
	}
}

func TestError_OfSomethingElseThanSignalbox(t *testing.T) {
	t.Parallel()
	n := &network{answers: []answer{{status: 502, body: "<html>Bad gateway\nmore</html>"}, {status: 404}}}
	c := dial(n)
	_, err := c.Job(t.Context(), "job_1")
	if got := fmt.Sprint(err); got != "<html>Bad gateway (status 502)" {
		t.Errorf("got %s", got)
	}
	_, err = c.Job(t.Context(), "job_1")
	if got := fmt.Sprint(err); got != "not found (status 404)" {
		t.Errorf("got %s", got)
	}
}

func TestNew_BadURLIsReportedByEveryCall(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "localhost:8080", "ftp://x", "http://", "::"} {
		c := client.New(url, "k")
		if _, err := c.Workspace(t.Context()); err == nil || client.NoAnswer(err) {
			t.Errorf("%q: want a refusal before any request, got %v", url, err)
		}
		if c.Ready(t.Context()) == nil {
			t.Errorf("%q: ready", url)
		}
	}
}

func TestSignals_WalksEveryPage(t *testing.T) {
	t.Parallel()
	n := &network{answers: []answer{
		{status: 200, body: `{"data":[{"id":"sig_3"},{"id":"sig_2"}],"meta":{"next_cursor":"c1"}}`},
		{status: 200, body: `{"data":[{"id":"sig_1","account":{"id":"acc_1"},"contact":null}],"meta":{}}`},
	}}
	var ids []string
	for s, err := range dial(n).Signals(t.Context(), client.SignalQuery{AccountDomain: "a b.com", PageSize: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.ID)
	}
	if diff := cmp.Diff([]string{"sig_3", "sig_2", "sig_1"}, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	wantURLs := []string{
		"http://signalbox.test/v1/signals?account_domain=a+b.com&limit=2",
		"http://signalbox.test/v1/signals?account_domain=a+b.com&cursor=c1&limit=2",
	}
	if diff := cmp.Diff(wantURLs, []string{n.seen[0].URL, n.seen[1].URL}); diff != "" {
		t.Errorf("urls (-want +got):\n%s", diff)
	}
}

func TestWebhooks_ReadsTheirOwnEnvelopeAndStopsWhenAsked(t *testing.T) {
	t.Parallel()
	n := &network{answers: []answer{{status: 200, body: `{"webhooks":[{"id":"wh_2"},{"id":"wh_1"}],"total":3,"next_cursor":"c"}`}}}
	for w, err := range dial(n).Webhooks(t.Context()) {
		if err != nil || w.ID != "wh_2" {
			t.Fatalf("got %+v, %v", w, err)
		}
		break
	}
	if len(n.seen) != 1 {
		t.Errorf("asked %d times after the loop was left, want 1", len(n.seen))
	}
}

func TestList_ErrorIsItsLastElement(t *testing.T) {
	t.Parallel()
	n := &network{answers: []answer{{status: 403, body: `{"error":{"code":"forbidden","message":"no"}}`}}}
	var errs []error
	for _, err := range dial(n).Keys(t.Context()) {
		errs = append(errs, err)
	}
	if len(errs) != 1 || errs[0] == nil {
		t.Errorf("want one error, got %v", errs)
	}
}

func TestFeed_BodyKeepsItsBytesAndCursorNeverGoesBack(t *testing.T) {
	t.Parallel()
	n := &network{answers: []answer{
		{status: 200, body: `{"data":[{"event_id":"evt_1","event":"signal.created","headers":{"webhook-id":"evt_1"},"body":"{\"a\":\"<\u2028>\"}"}],"meta":{"next_cursor":"c1"}}`},
		{status: 200, body: `{"data":[],"meta":{}}`},
	}}
	c := dial(n)
	page, err := c.Feed(t.Context(), "wh_1", "", 25*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(page.Events[0].Body), "{\"a\":\"<\u2028>\"}"; got != want {
		t.Errorf("body %q, want %q", got, want)
	}
	if page, err = c.Feed(t.Context(), "wh_1", page.NextCursor, 0); err != nil || page.NextCursor != "c1" {
		t.Errorf("cursor %q, %v; want c1 again", page.NextCursor, err)
	}
	want := []string{"http://signalbox.test/v1/webhooks/wh_1/events?wait=25", "http://signalbox.test/v1/webhooks/wh_1/events?cursor=c1"}
	if diff := cmp.Diff(want, []string{n.seen[0].URL, n.seen[1].URL}); diff != "" {
		t.Errorf("urls (-want +got):\n%s", diff)
	}
}

func TestPath_NoIdNamesAnotherRoute(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", ".", "..", "a/b", "a?b", "../api-keys"} {
		n := &network{answers: []answer{{status: 404, body: `{}`}}}
		_, _ = dial(n).Webhook(t.Context(), id)
		rest, ok := strings.CutPrefix(n.seen[0].URL, "http://signalbox.test/v1/webhooks/")
		if !ok || rest == "" || strings.ContainsAny(rest, "/?") || rest == "." || rest == ".." {
			t.Errorf("id %q asks for %s", id, n.seen[0].URL)
		}
	}
}

func TestSecret_IsNeverPrinted(t *testing.T) {
	t.Parallel()
	var w client.Webhook
	if err := json.Unmarshal([]byte(`{"secret":"whsec_abc"}`), &w); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(w), fmt.Sprintf("%+v", w), fmt.Sprintf("%q", w.Secret), fmt.Sprintf("%#v", w.Secret), w.Secret.LogValue().String()} {
		if strings.Contains(text, "whsec_abc") {
			t.Errorf("printed: %s", text)
		}
	}
	if w.Secret.Reveal() != "whsec_abc" {
		t.Error("Reveal does not give the secret")
	}
	body, err := json.Marshal(client.WebhookInput{Events: []string{"*"}, Secret: w.Secret})
	if err != nil || !strings.Contains(string(body), `"secret":"whsec_abc"`) {
		t.Errorf("a chosen secret must reach the server: %s, %v", body, err)
	}
}
