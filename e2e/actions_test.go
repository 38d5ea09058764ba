package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/app"
	"signalbox/client"
	"signalbox/deliver"
	"signalbox/seal"
	"signalbox/store"
	"signalbox/wire"
)

// actionSecret is what the automation of these tests signs with.
const actionSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

// outgoing is something that an automation sends: it was decided, and nobody has been asked yet.
type outgoing struct {
	request signalbox.Request
	headers map[string]string // of a webhook
	body    string            // "": the one of S0-30…S0-38
}

// decided is a data directory in which an automation has decided to send something: the next start of the program sends it.
type decided struct {
	dir        string
	lane       string   // wh_…
	deliveries []string // dlv_…, as they were given
}

// decide makes one. What is sent is tried again after a second.
func decide(t *testing.T, list ...outgoing) decided {
	t.Helper()
	d := decided{dir: t.TempDir()}
	serveIn(t, d.dir, "--dev").stop() // makes the database, its workspace and its key
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(d.dir, app.DatabaseFile)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key, err := seal.LoadKeyFile(filepath.Join(d.dir, "secret.key"))
	must(err)
	box, err := seal.NewBox(key)
	must(err)
	codecKey, err := db.CodecKey(t.Context())
	must(err)
	codec, ids, now := signalbox.NewCodec(codecKey), signalbox.NewIDs(0), time.Now().UTC().Truncate(time.Microsecond)
	all, err := db.Workspaces(t.Context())
	must(err)
	ws, of := all[0].ID, signalbox.AutomationID(ids.Next(now))
	bind := func(kind string) seal.Bind { return seal.Bind{Workspace: int64(ws), Row: int64(of), Kind: kind} }

	must(db.Define(t.Context(), ws, now, func(*signalbox.Definitions) (*signalbox.Redefinition, error) {
		return &signalbox.Redefinition{
			Put: &signalbox.Definition{
				ID: int64(of), Workspace: ws, Kind: signalbox.DefinedAutomation, Code: fmt.Sprint(of), Body: []byte(`{"name":"High-intent trial → notify sales","trigger":{"type":"signal_received","signal_type":"x"}}`),
			},
			Lane: &signalbox.Webhook{
				SealedSecret: box.Seal(bind(deliver.SecretKind), []byte(actionSecret)), Enabled: true, RetrySchedule: []time.Duration{time.Second, time.Second},
			},
		}, nil
	}))
	d.lane = codec.Format(signalbox.KindWebhook, int64(of))
	var turn signalbox.Decision
	for i, one := range list {
		e := signalbox.Event{ID: signalbox.EventID(ids.Next(now)), Workspace: ws, Name: signalbox.EventActionTriggered, Request: &one.request, CreatedAt: now}
		for name, value := range one.headers {
			e.Request.Headers = append(e.Request.Headers, signalbox.Header{Name: name, Sealed: box.Seal(bind(deliver.HeadersKind), []byte(value))})
		}
		e.Request.Key = fmt.Sprintf("%s/%d", codec.Format(signalbox.KindRun, int64(e.ID)), i+1)
		if e.Bodies.Stairoids = []byte(one.body); one.body == "" {
			e.Bodies.Stairoids = wire.AppendAction(nil, &wire.ActionInfo{Codec: codec, Automation: of, Name: "High-intent trial → notify sales", TriggeredAt: now})
		}
		dlv := signalbox.Delivery{
			ID: signalbox.DeliveryID(ids.Next(now)), Workspace: ws, Webhook: signalbox.WebhookID(of), Event: e.ID, EventName: e.Name, State: signalbox.Pending, DueAt: now, CreatedAt: now,
		}
		e.CausedTo = int64(dlv.ID)
		turn.Events, turn.Deliveries = append(turn.Events, e), append(turn.Deliveries, signalbox.NewDelivery{Delivery: dlv})
		d.deliveries = append(d.deliveries, codec.Format(signalbox.KindDelivery, int64(dlv.ID)))
	}
	need := signalbox.Need{Workspaces: []signalbox.WorkspaceID{ws}}
	must(db.Decide(t.Context(), func() signalbox.Need { return need }, func(s *signalbox.Situation) (*signalbox.Decision, error) {
		head := s.Heads[ws]
		head.LastID = max(head.LastID, turn.Events[len(turn.Events)-1].CausedTo)
		turn.Heads = map[signalbox.WorkspaceID]signalbox.Head{ws: head}
		return &turn, nil
	}))
	return d
}

// over waits until a delivery is over, and answers it with its log.
func (s *server) over(id string) client.Delivery {
	s.t.Helper()
	var d client.Delivery
	eventually(s.t, "delivery "+id+" is over", func() bool {
		var err error
		if d, err = s.Delivery(s.t.Context(), id); err != nil {
			s.t.Fatal(err)
		}
		return d.Status != "pending" && d.Status != "retrying"
	})
	return d
}

// proves S0-30, S0-39…S0-47: the documents' own receivers verify what a webhook action sends, and refuse it with another secret.
func TestAction_TheDocumentsReceiversVerifyAWebhookAction(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"s0_express.mjs", "s0_flask.py"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			right, wrong := receive(t, file, actionSecret), receive(t, file, "whsec_another")
			to := func(r *receiver) outgoing {
				return outgoing{request: signalbox.Request{Type: signalbox.ActWebhook, Method: http.MethodPost, URL: r.base + "/webhook/stairoids"}}
			}
			d := decide(t, to(right), to(wrong))
			s := serveIn(t, d.dir, "--dev")
			if got := s.over(d.deliveries[0]); got.Status != "delivered" {
				t.Errorf("with its secret: %+v", got)
			}
			if got := s.over(d.deliveries[1]); got.Status != "failed" || got.Reason != "http_401" {
				t.Errorf("with another secret: %+v", got)
			}
			if right, wrong := right.counts(), wrong.counts(); right != (counts{Verified: 1}) || wrong.Verified != 0 || wrong.Refused != 3 {
				t.Errorf("verified and refused %+v with the secret, %+v with another one", right, wrong)
			}
		})
	}
}

func TestAction_AWebhookActionHasItsMethodItsHeadersAndOneKey(t *testing.T) {
	t.Parallel()
	c := catch(t, func(n int) int { return []int{http.StatusServiceUnavailable, http.StatusOK}[min(n, 1)] })
	d := decide(t, outgoing{
		request: signalbox.Request{Type: signalbox.ActWebhook, Method: http.MethodPatch, URL: c.URL + "/leads/acmecorp.com?from=signalbox"},
		headers: map[string]string{"authorization": "Bearer t0ken", "X-Team": "sales"}, body: `{"lead":"Acme \u2028"}`,
	})
	s := serveIn(t, d.dir, "--dev")
	first, second := c.next(), c.next()
	for _, got := range []delivery{first, second} {
		h := got.header
		if h.Get("Authorization") != "Bearer t0ken" || h.Get("X-Team") != "sales" || !strings.HasPrefix(h.Get("Idempotency-Key"), "run_") || !strings.HasSuffix(h.Get("Idempotency-Key"), "/1") ||
			!strings.HasPrefix(h.Get("X-Stairoids-Signature"), "sha256=") || h.Get("X-Stairoids-Event") != "automation.action_triggered" || string(got.body) != `{"lead":"Acme \u2028"}` {
			t.Errorf("sent %v with %s", h, got.body)
		}
	}
	if first.header.Get("Idempotency-Key") != second.header.Get("Idempotency-Key") || first.header.Get("Webhook-Id") != second.header.Get("Webhook-Id") {
		t.Errorf("the same is sent again as another: %v, then %v", first.header, second.header)
	}
	if got := s.over(d.deliveries[0]); got.Status != "delivered" || len(got.Attempts) != 2 {
		t.Errorf("the log says %+v", got)
	}
	text := s.log.String()
	for _, value := range []string{"t0ken", actionSecret} {
		if strings.Contains(text, value) {
			t.Errorf("the log holds %q", value)
		}
	}
}

// slack answers as Slack's incoming webhooks do: the path says how it stands with the address.
func slack(t *testing.T) *httptest.Server {
	t.Helper()
	limited := make(chan struct{}, 1)
	limited <- struct{}{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		say := func(status int, word string) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			fmt.Fprint(w, word)
		}
		for _, name := range []string{"X-Stairoids-Signature", "Webhook-Signature", "Webhook-Id", "Idempotency-Key"} {
			if r.Header.Get(name) != "" {
				say(http.StatusTeapot, name)
				return
			}
		}
		var message struct{ Text string }
		switch err := json.NewDecoder(r.Body).Decode(&message); {
		case r.Header.Get("Content-Type") != "application/json" || err != nil:
			say(http.StatusBadRequest, "invalid_payload")
		case message.Text == "":
			say(http.StatusBadRequest, "no_text")
		case r.URL.Path == "/services/revoked":
			say(http.StatusNotFound, "no_service")
		case r.URL.Path == "/services/archived":
			say(http.StatusGone, "channel_is_archived")
		case r.URL.Path == "/services/busy":
			select {
			case <-limited:
				w.Header().Set("Retry-After", "2")
				say(http.StatusTooManyRequests, "rate_limited")
			default:
				say(http.StatusOK, "ok")
			}
		default:
			say(http.StatusOK, "ok")
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestAction_SlackIsPostedToAndItsAnswersAreUnderstood(t *testing.T) {
	t.Parallel()
	there := slack(t)
	to := func(path, body string) outgoing {
		return outgoing{request: signalbox.Request{Type: signalbox.ActSlack, Method: http.MethodPost, URL: there.URL + "/services/" + path}, body: body}
	}
	const text = `{"text":"Acme &amp; Co. began a trial"}`
	d := decide(t, to("T0/B0/X", text), to("T0/B0/X", `{"blocks":[]}`), to("revoked", text), to("archived", text), to("busy", text))
	s := serveIn(t, d.dir, "--dev")
	for i, want := range []struct {
		name, status, reason string
		attempts             int
	}{
		{"a good message", "delivered", "", 1}, {"a message without a text", "failed", "no_text", 1}, {"a revoked address", "failed", "no_service", 1},
		{"an archived channel", "failed", "channel_is_archived", 1}, {"a channel that is busy", "delivered", "", 2},
	} {
		got := s.over(d.deliveries[i])
		if got.Status != want.status || got.Reason != want.reason || len(got.Attempts) != want.attempts {
			t.Errorf("%s: %s %q after %+v, want %+v", want.name, got.Status, got.Reason, got.Attempts, want)
		}
	}
	busy := s.over(d.deliveries[4]).Attempts
	if wait := busy[1].At.Sub(busy[0].At); wait < 2*time.Second {
		t.Errorf("asked again after %s, and was asked to wait 2 s", wait)
	}
}

func TestAction_AnEmailIsSentByTheMailServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refuse string
		status string
		codes  []int
		reason string
	}{
		"taken":            {"", "delivered", []int{250}, ""},
		"no such mailbox":  {"550", "failed", []int{550}, "smtp_550"},
		"greylisted":       {"450", "delivered", []int{450, 250}, ""},
		"there is no mail": {"none", "skipped", nil, "no_mail_server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			office := openPostOffice(t, "REFUSE="+strings.TrimSuffix(c.refuse, "none"))
			d := decide(t, outgoing{request: signalbox.Request{Type: signalbox.ActEmail, To: "sales@acmecorp.com", Subject: "Acme → a trial"}, body: "Acme Corp began a trial.\n\n.\nhttps://box.example/accounts/x\n"})
			flags := []string{"--dev"}
			if c.refuse != "none" {
				flags = append(flags, "--smtp-url", "smtp://127.0.0.1:"+office.port+"?tls=none&from=signalbox@example.com")
			}
			s := serveIn(t, d.dir, flags...)
			if c.refuse == "450" {
				office.out.await(t, `"refused"`, office.exited)
				if _, err := office.stdin.Write([]byte("go on\n")); err != nil {
					t.Fatal(err)
				}
			}
			got := s.over(d.deliveries[0])
			var codes []int
			for _, a := range got.Attempts {
				codes = append(codes, a.StatusCode)
			}
			if got.Status != c.status || got.Reason != c.reason || fmt.Sprint(codes) != fmt.Sprint(c.codes) {
				t.Fatalf("%s %q after %v, want %+v", got.Status, got.Reason, codes, c)
			}
			if c.status != "delivered" {
				return
			}
			m := office.to("sales@acmecorp.com")
			id := m.Header.Get("Message-ID")
			if m.subject(t) != "Acme → a trial" || !strings.HasPrefix(id, "<run_") || !strings.HasSuffix(id, ".1@127.0.0.1>") || m.Header.Get("Auto-Submitted") != "auto-generated" ||
				m.text != "Acme Corp began a trial.\n\n.\nhttps://box.example/accounts/x\n" {
				t.Errorf("taken as %v\n%q", m.Header, m.text)
			}
		})
	}
}
