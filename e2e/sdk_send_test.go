package e2e

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sent is an SDK's answer to a send.
type sent struct {
	Result json.RawMessage
	Error  *refusedSend
}

type refusedSend struct {
	Kind       string
	Message    string
	Status     int
	Code       string
	Param      string
	RequestID  string   `json:"request_id"`
	RetryAfter *float64 `json:"retry_after"`
	Key        string   `json:"idempotency_key"`
}

// receiptOf is the answer to a single signal.
type receiptOf struct {
	ID        string
	AccountID string `json:"account_id"`
	Replayed  bool
	Ignored   []string
}

func (s sent) receipt(t *testing.T) receiptOf {
	t.Helper()
	if s.Error != nil {
		t.Fatalf("the send failed: %+v", *s.Error)
	}
	var r receiptOf
	if err := json.Unmarshal(s.Result, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// statuses are the results of a list, each by its status and the param of its error.
func (s sent) statuses(t *testing.T) (all []string) {
	t.Helper()
	if s.Error != nil {
		t.Fatalf("the send failed: %+v", *s.Error)
	}
	var results []struct {
		Status string
		Error  struct{ Param string }
	}
	if err := json.Unmarshal(s.Result, &results); err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		all = append(all, strings.TrimSpace(r.Status+" "+r.Error.Param))
	}
	return all
}

// sendCommand has an SDK send signals.
func sendCommand(url string, signals any, options map[string]any) any {
	all := map[string]any{"url": url, "api_key": apiKey}
	for name, value := range options {
		all[name] = value
	}
	return map[string]any{"op": "send", "signals": signals, "options": all}
}

func aSignal() map[string]any {
	return map[string]any{"type": "page_view", "source": "sdk", "contact": map[string]any{"email": "jané@acmecorp.com"}, "properties": map[string]any{"text": "→ \u2028"}}
}

// step is what a scripted server does with one request. No step left means 201.
type step struct {
	status int
	header map[string]string
	body   string
	reset  bool          // the connection breaks, with no answer
	cut    bool          // the connection breaks inside the answer
	silent bool          // no answer until the sender goes away
	drip   time.Duration // the headers come a byte at a time, for ever
}

// asked is a request that a scripted server got.
type asked struct {
	path   string
	header http.Header
	body   string
	at     time.Time
}

// script is a server that does what it is told, one step for each request.
type script struct {
	*httptest.Server
	mu    sync.Mutex
	steps []step
	got   []asked
}

func play(t *testing.T, steps ...step) *script {
	t.Helper()
	s := &script{steps: steps}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *script) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

const (
	receiptBody = `{"id":"sig_1","type":"page_view","source":"sdk","status":"received","account_id":null,"contact_id":null,"created_at":"2026-01-02T15:04:05Z"}`
	refusalBody = `{"error":{"code":"validation_error","message":"contact.email must be an e-mail address","param":"contact.email","request_id":"req_1"},"meta":{"request_id":"req_1"}}`
)

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.got = append(s.got, asked{r.URL.Path, r.Header.Clone(), string(body), now})
	next := step{status: http.StatusCreated, body: receiptBody}
	if n := len(s.got) - 1; n < len(s.steps) {
		next = s.steps[n]
	}
	s.mu.Unlock()
	next.answer(w, r)
}

func (s step) answer(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.silent:
		<-r.Context().Done()
		return
	case s.reset, s.cut, s.drip > 0:
		s.breakOff(w)
		return
	}
	for name, value := range s.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.body) // the sender may have gone away
}

// breakOff ends the connection in the midst of things.
func (s step) breakOff(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	switch {
	case s.cut:
		_, _ = io.WriteString(conn, "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"id\":")
	case s.drip > 0:
		_, err := io.WriteString(conn, "HTTP/1.1 201 Created\r\nX-Slow: ")
		for tick := time.NewTicker(s.drip); err == nil; <-tick.C {
			_, err = io.WriteString(conn, "x") // until the sender hangs up
		}
	case s.reset:
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, not an end
		}
	}
}

// sending is one scene: what the server does, and what must come of it.
type sending struct {
	name    string
	steps   []step
	signals any            // aSignal unless set
	options map[string]any // beside url and api_key
	asks    int            // how many requests the server must get
	want    refusedSend    // zero: it must succeed
	then    func(t *testing.T, got []asked, answer sent)
}

func scenes(elsewhere string) []sending {
	inAnHour := map[string]string{"Retry-After": "3600"}
	hour := 3600.0
	date := time.Now().Add(3 * time.Second).UTC().Truncate(time.Second)
	all := []sending{
		{name: "503 then 201", steps: []step{{status: 503}}, asks: 2},
		{name: "500, 502 and 504 of a proxy then 201", steps: []step{{status: 500}, {status: 502, body: "<html>"}, {status: 504}}, asks: 4},
		{name: "a reset then 201", steps: []step{{reset: true}}, asks: 2},
		{name: "an answer that breaks off then 201", steps: []step{{cut: true}}, asks: 2},
		{name: "409 of our own earlier try then 201", steps: []step{{status: 409, body: `{"error":{"code":"idempotency_in_progress","message":"wait"}}`}}, asks: 2},
		{name: "a silent server then 201", steps: []step{{silent: true}}, options: map[string]any{"timeout": 0.3}, asks: 2},
		{name: "429 with Retry-After", steps: []step{{status: 429, header: map[string]string{"Retry-After": "1"}}}, asks: 2, then: func(t *testing.T, got []asked, _ sent) {
			if gap := got[1].at.Sub(got[0].at); gap < time.Second {
				t.Errorf("it came again after %s, the server asked for a second", gap)
			}
		}},
		{name: "503 with Retry-After as a date", steps: []step{{status: 503, header: map[string]string{"Retry-After": date.Format(http.TimeFormat)}}}, asks: 2, then: func(t *testing.T, got []asked, _ sent) {
			if early := date.Sub(got[1].at); early > time.Millisecond { // what the two clocks round
				t.Errorf("it came again %s before the date", early)
			}
		}},
		{
			name: "400", steps: []step{{status: 400, body: refusalBody}}, asks: 1,
			want: refusedSend{Kind: "ApiError", Status: 400, Code: "validation_error", Message: "contact.email must be an e-mail address", Param: "contact.email", RequestID: "req_1"},
		},
		{
			name: "a redirect", steps: []step{{status: 307, header: map[string]string{"Location": elsewhere}, body: "over there\nsomewhere"}}, asks: 1,
			want: refusedSend{Kind: "ApiError", Status: 307, Message: "over there"},
		},
		{
			name: "a Retry-After past the deadline", steps: []step{{status: 503, header: inAnHour, body: "busy"}}, asks: 1,
			want: refusedSend{Kind: "ApiError", Status: 503, Message: "busy", RetryAfter: &hour},
		},
		{
			name: "no retries left", steps: []step{{status: 503, body: "busy"}, {status: 503, body: "busy"}, {status: 503, body: "busy"}}, options: map[string]any{"retries": 2}, asks: 3,
			want: refusedSend{Kind: "ApiError", Status: 503, Message: "busy"},
		},
		{name: "no answer until the deadline", steps: []step{{silent: true}}, options: map[string]any{"deadline": 0.5}, asks: 1, want: refusedSend{Kind: "NoAnswerError"}},
		{name: "headers that never end", steps: []step{{drip: 20 * time.Millisecond}}, options: map[string]any{"deadline": 0.5}, asks: 1, want: refusedSend{Kind: "NoAnswerError"}},
		{name: "a 200 of something else", steps: []step{{status: 200, body: "<html>"}}, asks: 1, want: refusedSend{Kind: "ApiError", Status: 200}},
		{name: "a key of the signal's own", signals: withKey("clé 1"), asks: 1, then: keyIs("clé 1")},
		{name: "a key of the call", signals: withKey("clé 1"), options: map[string]any{"idempotency_key": "2"}, asks: 1, then: keyIs("2")},
		partlyFailed(),
	}
	for _, status := range []int{401, 403, 404, 405, 408, 409, 413, 415, 422} {
		body := fmt.Sprintf(`{"error":{"code":"code_%d","message":"no"}}`, status)
		all = append(all, sending{
			name: fmt.Sprint(status), steps: []step{{status: status, body: body, header: map[string]string{"X-Request-Id": "req_2"}}}, asks: 1,
			want: refusedSend{Kind: "ApiError", Status: status, Code: fmt.Sprintf("code_%d", status), Message: "no", RequestID: "req_2"},
		})
	}
	return all
}

func withKey(key string) map[string]any {
	signal := aSignal()
	signal["idempotency_key"] = key
	return signal
}

func keyIs(want string) func(t *testing.T, got []asked, _ sent) {
	return func(t *testing.T, got []asked, _ sent) {
		if key := got[0].header.Get("Idempotency-Key"); key != want {
			t.Errorf("the key is %q, want %q", key, want)
		}
		if strings.Contains(got[0].body, "idempotency_key") {
			t.Errorf("the body names the key as well: %s", got[0].body)
		}
	}
}

// partlyFailed is a list of which one signal is stored at the second try; those that were stored before are duplicates then.
func partlyFailed() sending {
	answer := func(statuses ...string) step {
		var items []string
		for i, status := range statuses {
			items = append(items, fmt.Sprintf(`{"index":%d,"status":%q}`, i, status))
		}
		return step{status: 200, body: `{"data":{"results":[` + strings.Join(items, ",") + `]}}`}
	}
	return sending{
		name: "a list that was stored in part", signals: []any{aSignal(), aSignal(), aSignal()}, asks: 3,
		steps: []step{answer("created", "failed", "rejected"), {status: 503}, answer("duplicate", "created", "rejected")},
		then: func(t *testing.T, _ []asked, answer sent) {
			if diff := cmp.Diff([]string{"created", "created", "rejected"}, answer.statuses(t)); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		},
	}
}

func TestSDK_TriesAgainWhatMayPassAndNothingElse(t *testing.T) {
	t.Parallel()
	eachSDK(t, func(t *testing.T, s sdk) {
		elsewhere := catch(t, nil)
		all := scenes(elsewhere.URL)
		servers, commands := make([]*script, len(all)), make([]any, len(all))
		for i, scene := range all {
			if scene.signals == nil {
				scene.signals = aSignal()
			}
			servers[i] = play(t, scene.steps...)
			commands[i] = sendCommand(servers[i].URL+"/", scene.signals, scene.options)
		}
		var answers []sent
		s.run(t, commands, &answers)
		keys := map[string]bool{}
		for i, scene := range all {
			t.Run(scene.name, func(t *testing.T) { scene.check(t, servers[i].requests(), answers[i], keys) })
		}
		if len(elsewhere.got) > 0 {
			t.Error("a redirect was followed, and the key given to another server")
		}
	})
}

// check holds one scene to what must come of it. keys are those of the scenes before.
func (scene sending) check(t *testing.T, got []asked, answer sent, keys map[string]bool) {
	t.Helper()
	if len(got) != scene.asks {
		t.Fatalf("the server got %d requests, want %d", len(got), scene.asks)
	}
	key := got[0].header.Get("Idempotency-Key")
	if key == "" || keys[key] {
		t.Errorf("the key %q is none, or that of another call", key)
	}
	keys[key] = true
	for _, r := range got {
		if r.header.Get("Idempotency-Key") != key || r.body != got[0].body || r.path != got[0].path {
			t.Errorf("a try differs from the first: %+v and %+v", got[0], r)
		}
		if r.header.Get("Authorization") != "Bearer "+apiKey || r.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(r.header.Get("User-Agent"), "signalbox-") {
			t.Errorf("the headers are %v", r.header)
		}
	}
	if scene.want.Kind == "" {
		if answer.Error != nil {
			t.Errorf("the send failed: %+v", *answer.Error)
		}
	} else {
		scene.checkError(t, key, answer.Error)
	}
	if scene.then != nil {
		scene.then(t, got, answer)
	}
}

func (scene sending) checkError(t *testing.T, key string, got *refusedSend) {
	t.Helper()
	if got == nil {
		t.Fatal("the send succeeded")
	}
	want := scene.want
	want.Key = key // so that the caller can send it again
	if want.Message == "" && got.Message != "" {
		want.Message = got.Message
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("the error (-want +got):\n%s", diff)
	}
}

// The wait is what the server asked for and, by chance, up to a bound that doubles.
func TestSDK_WaitsWithFullJitter(t *testing.T) {
	t.Parallel()
	eachSDK(t, func(t *testing.T, s sdk) {
		var commands []any
		var want []float64
		for tried, bound := range []float64{0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10} {
			for _, chance := range []float64{0, 0.5, 1} {
				for _, asked := range []float64{0, 7} {
					commands = append(commands, map[string]any{"op": "wait", "tried": tried, "retry_after": asked, "chance": chance})
					want = append(want, asked+chance*bound)
				}
			}
		}
		var answers []struct{ Seconds float64 }
		s.run(t, commands, &answers)
		for i := range want {
			if diff := answers[i].Seconds - want[i]; diff > 1e-9 || diff < -1e-9 {
				t.Errorf("%v: got %g s, want %g", commands[i], answers[i].Seconds, want[i])
			}
		}
	})
}

// forgetful stands before a server and loses the first answer: the request is done, and the connection breaks.
func forgetful(t *testing.T, server string) *httptest.Server {
	t.Helper()
	var once sync.Once
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		req, err := http.NewRequestWithContext(r.Context(), r.Method, server+r.URL.Path, bytes.NewReader(body))
		if err != nil {
			panic(err)
		}
		req.Header = r.Header.Clone()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			return
		}
		lost := false
		once.Do(func() { lost = true })
		if lost {
			step{reset: true}.breakOff(w)
			return
		}
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(answer)
	}))
	t.Cleanup(front.Close)
	return front
}

func TestSDK_ASendWhoseAnswerWasLostIsStoredOnce(t *testing.T) {
	t.Parallel()
	eachSDK(t, func(t *testing.T, s sdk) {
		box := serve(t, "--dev")
		commands := []any{
			sendCommand(forgetful(t, box.url).URL, aSignal(), nil),
			sendCommand(forgetful(t, box.url).URL, []any{aSignal(), withKey("own")}, nil),
		}
		var answers []sent
		s.run(t, commands, &answers)
		if r := answers[0].receipt(t); !r.Replayed || !strings.HasPrefix(r.ID, "sig_") {
			t.Errorf("the receipt is %+v, want that of the lost answer", r)
		}
		if diff := cmp.Diff([]string{"duplicate", "duplicate"}, answers[1].statuses(t)); diff != "" {
			t.Errorf("the list (-want +got):\n%s", diff)
		}
		if n := box.storedSignals(); n != 3 {
			t.Errorf("%d signals are stored, want 3", n)
		}
	})
}

func TestSDK_SendsToTheRealServer(t *testing.T) {
	t.Parallel()
	eachSDK(t, func(t *testing.T, s sdk) {
		box := serve(t, "--dev")
		odd, bad := aSignal(), aSignal()
		odd["tyep"], odd["extra"] = "typo", 1
		bad["contact"] = map[string]any{"email": "no address"}
		fromEnv := map[string]any{"op": "send", "signals": everyField(), "options": map[string]any{}}
		commands := []any{
			fromEnv, sendCommand(box.url, odd, nil), sendCommand(box.url, []any{aSignal(), bad}, nil), sendCommand(box.url, []any{}, nil),
			sendCommand(box.url, bad, nil),
			sendCommand(box.url, aSignal(), map[string]any{"api_key": "sk_live_nobody_knows_this_key_here"}),
		}
		var answers []sent
		s.run(t, commands, &answers, "SIGNALBOX_URL="+box.url, "SIGNALBOX_API_KEY="+apiKey)
		if r := answers[0].receipt(t); r.Replayed || len(r.Ignored) > 0 || !strings.HasPrefix(r.AccountID, "acc_") {
			t.Errorf("the signal with every field has the receipt %+v", r)
		}
		if r := answers[1].receipt(t); !slices.Equal(r.Ignored, []string{"extra", "tyep"}) {
			t.Errorf("the fields %v are ignored, want extra and tyep", r.Ignored)
		}
		if diff := cmp.Diff([]string{"created", "rejected contact.email"}, answers[2].statuses(t)); diff != "" {
			t.Errorf("the list (-want +got):\n%s", diff)
		}
		if n := len(answers[3].statuses(t)); n != 0 {
			t.Errorf("the empty list has %d results", n)
		}
		if e := answers[4].Error; e == nil || e.Status != 400 || e.Code != "validation_error" || e.Param != "contact.email" || !strings.HasPrefix(e.RequestID, "req_") {
			t.Errorf("the bad signal: %+v", e)
		}
		if e := answers[5].Error; e == nil || e.Status != 401 || e.Code != "unauthorized" {
			t.Errorf("the unknown key: %+v", e)
		}
		if n := box.storedSignals(); n != 3 {
			t.Errorf("%d signals are stored, want 3", n)
		}
	})
}

// everyField is a signal with all that a signal may have.
func everyField() map[string]any {
	return map[string]any{
		"type": "invoice_overdue", "source": "billing", "occurred_at": "2024-09-01T14:32:00Z", "backfill": true, "idempotency_key": "invoice-17-overdue",
		"account": map[string]any{"domain": "initech.com", "name": "Initech", "attributes": map[string]any{"employees": 120}},
		"contact": map[string]any{
			"email": "bill@initech.com", "first_name": "Bill", "last_name": "Lumbergh", "title": "VP",
			"linkedin_url": "https://www.linkedin.com/in/bill-lumbergh", "attributes": map[string]any{"locale": "en"},
		},
		"properties": map[string]any{"amount": 1200.5},
	}
}

// A server's certificate is checked against the authorities of the machine.
func TestSDK_SendsOverTLSToWhomItTrusts(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(&script{})
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of those who hang up
	server.StartTLS()
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "authority.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	eachSDK(t, func(t *testing.T, s sdk) {
		commands := []any{sendCommand(server.URL, aSignal(), map[string]any{"retries": 0})}
		var answers []sent
		s.run(t, commands, &answers, "SSL_CERT_FILE="+authority, "NODE_EXTRA_CA_CERTS="+authority)
		if r := answers[0].receipt(t); r.ID != "sig_1" {
			t.Errorf("the receipt is %+v", r)
		}
		s.run(t, commands, &answers)
		if e := answers[0].Error; e == nil || e.Kind != "NoAnswerError" || !strings.Contains(e.Message, "certificate") {
			t.Errorf("a server that nobody vouches for: %+v", e)
		}
	})
}

// What cannot be sent is a mistake in the call: it is said at once, and the key is not shown.
func TestSDK_AMistakeInTheCallReachesNoServer(t *testing.T) {
	t.Parallel()
	eachSDK(t, func(t *testing.T, s sdk) {
		server := play(t)
		const secret = "sk_live_with a space"
		mistakes := []any{
			sendCommand("ftp://127.0.0.1", aSignal(), nil),
			sendCommand("127.0.0.1:8080", aSignal(), nil),
			sendCommand(server.URL, "a signal", nil),
			sendCommand(server.URL, nil, nil),
			sendCommand(server.URL, aSignal(), map[string]any{"api_key": secret}),
			sendCommand(server.URL, aSignal(), map[string]any{"api_key": ""}),
			sendCommand(server.URL, aSignal(), map[string]any{"idempotency_key": "a\nb"}),
			sendCommand(server.URL, aSignal(), map[string]any{"idempotency_key": strings.Repeat("é", 128)}),
			sendCommand(server.URL, aSignal(), map[string]any{"deadline": -1}),
			sendCommand(server.URL, aSignal(), map[string]any{"timeout": 0}),
		}
		var answers []sent
		s.run(t, mistakes, &answers)
		for i, answer := range answers {
			if answer.Error == nil || !slices.Contains([]string{"TypeError", "RangeError", "ValueError"}, answer.Error.Kind) {
				t.Errorf("%v: got %+v", mistakes[i], answer.Error)
			} else if strings.Contains(answer.Error.Message, secret) {
				t.Errorf("the error shows the key: %s", answer.Error.Message)
			}
		}
		if n := len(server.requests()); n > 0 {
			t.Errorf("the server got %d requests", n)
		}
	})
}
