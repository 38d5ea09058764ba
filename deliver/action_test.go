package deliver_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
	"signalbox/seal"
	"signalbox/sign"
)

// lane makes the webhook that an automation sends through.
func (r *rig) lane(id signalbox.WebhookID) *signalbox.Webhook {
	return r.webhook(id, func(wh *signalbox.Webhook) {
		wh.Kind, wh.URL, wh.SignatureFormat, wh.Label = signalbox.KindAction, "", signalbox.SignaturePrefixed, "High-intent trial → notify sales"
	})
}

// sealed is a header of an action of a lane.
func (r *rig) sealed(lane *signalbox.Webhook, name, value string) signalbox.Header {
	bind := seal.Bind{Workspace: int64(workspace), Row: int64(lane.ID), Kind: deliver.HeadersKind}
	return signalbox.Header{Name: name, Sealed: r.box.Seal(bind, []byte(value))}
}

// act saves a delivery of an automation, as deciding does: from memory, or from the table.
func (r *rig) act(lane *signalbox.Webhook, q signalbox.Request, body string, fromTable bool) signalbox.DeliveryID {
	ready := r.ready(lane)
	ready.EventName, ready.Body, ready.Request = signalbox.EventActionTriggered, []byte(body), &q
	var reserved bool
	if !fromTable {
		ready.Lease, reserved = r.sender.Reserve(lane, 1, ready.Size())
	}
	r.model.insert(ready)
	if reserved {
		r.sender.Send(lane, []signalbox.Ready{ready})
	}
	return ready.Delivery.ID
}

// outbox is a receiver that keeps what it is sent and answers in turn, the last answer again and again.
type outbox struct {
	mu      sync.Mutex
	got     []egress.Request
	answers []egress.Result
}

func (o *outbox) Do(_ context.Context, req egress.Request) egress.Result {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, req)
	return o.answers[min(len(o.got), len(o.answers))-1]
}

func says(status int, body string, header ...string) egress.Result {
	res := answer(status)
	res.Body = []byte(body)
	for i := 0; i+1 < len(header); i += 2 {
		res.Header.Set(header[i], header[i+1])
	}
	return res
}

// proves S0-39…S0-42 and S0-30 in part: a webhook action is sent where it says, by its own method and with its own headers, and signed as the samples verify it;
// whether memory or the table brought it.
func TestAction_AWebhookIsSentWhereItSaysSignedAndWithItsHeaders(t *testing.T) {
	t.Parallel()
	for _, fromTable := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			box := &outbox{answers: []egress.Result{answer(500), answer(200)}}
			r := newRig(t, box.Do, nil)
			lane := r.lane(1)
			const body = `{"event":"automation.action_triggered","automation_name":"High-intent trial → notify sales"}`
			d := r.act(lane, signalbox.Request{
				Type: signalbox.ActWebhook, Method: http.MethodPut, URL: "https://crm.example:8443/leads/acme.com?x=1", Key: "run_x/1", Headers: []signalbox.Header{
					r.sealed(lane, "authorization", "Bearer t0ken"), r.sealed(lane, "X-Stairoids-Signature", "forged"), r.sealed(lane, "Idempotency-Key", "forged"),
				},
			}, body, fromTable)
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			r.check(d, signalbox.Delivered, "", 2)
			if len(box.got) != 2 {
				t.Fatalf("sent %d times, want 2", len(box.got))
			}
			mac := hmac.New(sha256.New, []byte(secret)) // the whole string is the key (S0-40)
			mac.Write([]byte(body))
			want := "sha256=" + hex.EncodeToString(mac.Sum(nil))
			for _, req := range box.got {
				if req.Method != http.MethodPut || req.URL.String() != "https://crm.example:8443/leads/acme.com?x=1" || string(req.Body) != body {
					t.Errorf("sent %s %s with %s", req.Method, req.URL, req.Body)
				}
				for name, value := range map[string]string{
					"X-Stairoids-Signature": want, "X-Stairoids-Event": "automation.action_triggered", "Idempotency-Key": "run_x/1", "Authorization": "Bearer t0ken",
					"Content-Type": "application/json", "User-Agent": "Signalbox/test", "Webhook-Id": r.codec.Format(signalbox.KindEvent, int64(r.model.row(d).Event)),
				} {
					if got := req.Header[name]; len(got) != 1 || got[0] != value {
						t.Errorf("%s: %q, want %q", name, got, value)
					}
				}
				if err := sign.Verify(sign.Standard, req.Header, req.Body, []sign.Secret{secret}, time.Now()); err != nil {
					t.Error(err)
				}
			}
			if a, b := box.got[0].Header.Get("X-Stairoids-Delivery"), box.got[1].Header.Get("X-Stairoids-Delivery"); a == b || a == "" {
				t.Errorf("attempts are called %q and %q", a, b)
			}
			r.nothingHeld()
		})
	}
}

// Without a method it is POST, and without a key there is no header that would say an empty one.
func TestAction_AWebhookIsPostedUnlessItSaysOtherwise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &outbox{answers: []egress.Result{answer(204)}}
		r := newRig(t, box.Do, nil)
		d := r.act(r.lane(1), signalbox.Request{Type: signalbox.ActWebhook, URL: "https://crm.example/"}, `{}`, false)
		synctest.Wait()
		r.check(d, signalbox.Delivered, "", 1)
		if _, set := box.got[0].Header["Idempotency-Key"]; set || box.got[0].Method != "" && box.got[0].Method != http.MethodPost {
			t.Errorf("sent %s with %v", box.got[0].Method, box.got[0].Header)
		}
	})
}

// A header that no key opens, or that has no value any more, is not left out: the receiver would take the request for somebody else's.
func TestAction_AHeaderThatDoesNotOpenIsNotLeftOut(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*signalbox.Header){
		"it has no value": func(h *signalbox.Header) { h.Sealed = nil },
		"it was changed":  func(h *signalbox.Header) { h.Sealed[len(h.Sealed)-1] ^= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				box := &outbox{answers: []egress.Result{answer(200)}}
				r := newRig(t, box.Do, nil)
				lane := r.lane(1)
				h := r.sealed(lane, "X-Key", "canary")
				edit(&h)
				d := r.act(lane, signalbox.Request{Type: signalbox.ActWebhook, URL: "https://crm.example/", Headers: []signalbox.Header{h}}, `{}`, false)
				synctest.Wait()
				r.check(d, signalbox.Retrying, "unprepared", 1)
				if text := r.model.attempts[0].Error; len(box.got) != 0 || !strings.Contains(text, `"X-Key"`) || strings.Contains(text, "canary") {
					t.Errorf("sent %d times, and the log says %q", len(box.got), text)
				}
			})
		})
	}
}

// Whoever has a Slack webhook's address can post there: nothing is signed, and no header of ours but what HTTP needs goes along.
func TestAction_SlackIsPostedToUnsigned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &outbox{answers: []egress.Result{says(200, "ok")}}
		r := newRig(t, box.Do, nil)
		lane := r.lane(1)
		d := r.act(lane, signalbox.Request{Type: signalbox.ActSlack, URL: "https://hooks.slack.example/services/T0/B0/X", Key: "run_x/2"}, `{"text":"Acme & Co. \u003c3"}`, true)
		synctest.Wait()
		r.check(d, signalbox.Delivered, "", 1)
		req := box.got[0]
		if req.Method != http.MethodPost || req.URL.Path != "/services/T0/B0/X" || string(req.Body) != `{"text":"Acme & Co. \u003c3"}` {
			t.Errorf("sent %s %s with %s", req.Method, req.URL, req.Body)
		}
		if len(req.Header) != 2 || req.Header.Get("Content-Type") != "application/json" || req.Header.Get("User-Agent") != "Signalbox/test" {
			t.Errorf("sent with %v", req.Header)
		}
		if a := r.model.attempts[0]; a.StatusCode != 200 || string(a.Body) != "ok" {
			t.Errorf("logged %+v", a)
		}
	})
}

func TestAction_SlacksAnswersThroughTheLane(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		answers  []egress.Result
		state    signalbox.DeliveryState
		reason   string
		attempts int
		within   time.Duration
	}{
		{"the address was revoked", []egress.Result{says(404, "no_service")}, signalbox.Failed, "no_service", 1, 0},
		{"the channel is archived, which disables nothing", []egress.Result{says(410, "channel_is_archived")}, signalbox.Failed, "channel_is_archived", 1, 0},
		{"too many messages, then room", []egress.Result{says(429, "rate_limited", "Retry-After", "300"), says(200, "ok")}, signalbox.Delivered, "", 2, 5 * time.Minute},
		{"too many messages, and it is not asked before", []egress.Result{says(429, "rate_limited", "Retry-After", "300"), says(200, "ok")}, signalbox.Retrying, "http_429", 1, 5*time.Minute - time.Second},
		{"trouble there", []egress.Result{says(500, "rollup_error"), says(200, "ok")}, signalbox.Delivered, "", 2, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				box := &outbox{answers: c.answers}
				r := newRig(t, box.Do, nil)
				lane := r.lane(1)
				d := r.act(lane, signalbox.Request{Type: signalbox.ActSlack, URL: "https://hooks.slack.example/services/x"}, `{"text":"x"}`, false)
				time.Sleep(c.within)
				synctest.Wait()
				r.check(d, c.state, c.reason, c.attempts)
				if !r.model.webhooks[1].Enabled {
					t.Error("the lane was disabled")
				}
			})
		})
	}
}

// mailed is what a mail server was handed.
type mailed struct{ to, subject, text, key string }

// office is a mail server that answers in turn, the last answer again and again; nil takes the message.
type office struct {
	mu      sync.Mutex
	got     []mailed
	answers []error
}

func (o *office) Mail(_ context.Context, to, subject, text, key string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, mailed{to, subject, text, key})
	return o.answers[min(len(o.got), len(o.answers))-1]
}

// reply is a mail server's answer.
type reply struct {
	code int
	said string
}

func (r reply) Error() string       { return r.said }
func (r reply) SMTP() (int, string) { return r.code, r.said }

var mailRequest = signalbox.Request{Type: signalbox.ActEmail, To: "sales@acme.example", Subject: "A trial began", Key: "run_x/3"}

func TestAction_AnEmailIsHandedToTheMailServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		answers  []error
		state    signalbox.DeliveryState
		reason   string
		attempts int
		logged   []int // status codes
	}{
		{"taken", []error{nil}, signalbox.Delivered, "", 1, []int{250}},
		{"greylisted, then taken", []error{reply{450, "450 4.2.0 later"}, nil}, signalbox.Delivered, "", 2, []int{450, 250}},
		{"no such mailbox", []error{fmt.Errorf("send: %w", reply{550, "550 5.1.1 no such user"})}, signalbox.Failed, "smtp_550", 1, []int{550}},
		{"nobody answers, then taken", []error{&net.OpError{Op: "dial", Err: errors.New("refused")}, nil}, signalbox.Delivered, "", 2, []int{0, 250}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				post := &office{answers: c.answers}
				r := newRig(t, func(context.Context, egress.Request) egress.Result {
					t.Error("an e-mail went out by HTTP")
					return answer(200)
				}, func(cfg *deliver.Config) { cfg.Mail = post })
				d := r.act(r.lane(1), mailRequest, "Acme began a trial.\n", false)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				r.check(d, c.state, c.reason, c.attempts)
				for i, code := range c.logged {
					if got := r.model.attempts[i]; got.StatusCode != code || got.Delivered() != (code == 250) {
						t.Errorf("attempt %d is logged as %d %q, want %d", i+1, got.StatusCode, got.Error, code)
					}
				}
				for _, m := range post.got {
					if m != (mailed{"sales@acme.example", "A trial began", "Acme began a trial.\n", "run_x/3"}) {
						t.Errorf("handed over %+v", m)
					}
				}
				if len(post.got) != len(c.logged) || len(r.model.attempts) != len(c.logged) {
					t.Errorf("handed over %d times, logged %d attempts, want %d", len(post.got), len(r.model.attempts), len(c.logged))
				}
				r.nothingHeld()
			})
		})
	}
}

func TestAction_WhyNoMailServerTookIt(t *testing.T) {
	t.Parallel()
	for reason, err := range map[string]error{
		"dns":            fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Err: &net.DNSError{Name: "mail.secret.example", Err: "no such host"}}),
		"connect":        &net.OpError{Op: "dial", Err: errors.New("connection refused")},
		"timeout":        fmt.Errorf("send: %w", context.DeadlineExceeded),
		"protocol_error": errors.New("535 5.7.8 no: hunter2"),
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil, func(cfg *deliver.Config) { cfg.Mail = &office{answers: []error{err}} })
				d := r.act(r.lane(1), mailRequest, "", false)
				synctest.Wait()
				r.check(d, signalbox.Retrying, reason, 1)
				if text := r.model.attempts[0].Error; strings.Contains(text, "secret") || strings.Contains(text, "hunter2") || !strings.Contains(text, "mail server") {
					t.Errorf("the log says %q", text)
				}
			})
		})
	}
}

// Contract section 12: what is never sent is skipped, with the reason; nothing was tried, so that no attempt is shown or counted.
func TestAction_AnEmailIsSkippedWhereNoMailServerIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var settled []signalbox.Settlement
		r := newRig(t, nil, func(cfg *deliver.Config) {
			cfg.Settled = func(list []signalbox.Settlement, _ []bool) { settled = append(settled, list...) }
		})
		d := r.act(r.lane(1), mailRequest, "text", false)
		synctest.Wait()
		r.check(d, signalbox.Skipped, signalbox.ReasonNoMail, 0)
		if len(r.model.attempts) != 0 || len(settled) != 1 || settled[0].DueAt.IsZero() {
			t.Errorf("settled %+v, %d attempts", settled, len(r.model.attempts))
		}
		r.nothingHeld()
	})
}

// One receiver of an automation that is down does not keep the others from being asked.
func TestAction_ADeadReceiverDoesNotEndTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		post := &office{answers: []error{nil}}
		r := newRig(t, func(ctx context.Context, req egress.Request) egress.Result {
			if req.URL.Host == "dead.example" {
				return blackHole(ctx)
			}
			return says(200, "ok")
		}, func(cfg *deliver.Config) { cfg.Mail = post })
		lane := r.lane(1)
		var fine []signalbox.DeliveryID
		for range 10 {
			r.act(lane, signalbox.Request{Type: signalbox.ActWebhook, URL: "https://dead.example/"}, `{}`, false)
			fine = append(fine, r.act(lane, signalbox.Request{Type: signalbox.ActSlack, URL: "https://hooks.slack.example/"}, `{}`, false), r.act(lane, mailRequest, "x", false))
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		for _, d := range fine {
			r.check(d, signalbox.Delivered, "", 1)
		}
	})
}

// A stop waits for a conversation with the mail server as for a request, and then ends it: the delivery is as before.
func TestAction_AStopCutsAnEmailUncounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, func(cfg *deliver.Config) { cfg.Mail = slowOffice{} })
		d := r.act(r.lane(1), mailRequest, "x", false)
		synctest.Wait()
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		r.check(d, signalbox.Pending, "", 0)
		if n := len(r.model.attempts); n != 0 {
			t.Errorf("%d attempts are logged", n)
		}
	})
}

// slowOffice never answers.
type slowOffice struct{}

func (slowOffice) Mail(ctx context.Context, _, _, _, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestAction_ATestShowsWhatWasSentAndHidesWhatIsSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, (&outbox{answers: []egress.Result{answer(200)}}).Do, func(cfg *deliver.Config) { cfg.Mail = &office{answers: []error{nil}} })
		lane := r.lane(1)
		for _, c := range []struct {
			q    signalbox.Request
			want map[string]string
			code int
		}{
			{signalbox.Request{Type: signalbox.ActWebhook, URL: "https://crm.example/", Key: "k/1", Headers: []signalbox.Header{r.sealed(lane, "X-Key", "canary")}}, map[string]string{"X-Key": "[hidden]", "Idempotency-Key": "k/1"}, 200},
			{mailRequest, map[string]string{"To": "sales@acme.example", "Subject": "A trial began"}, 250},
		} {
			ready := r.ready(lane)
			ready.Test, ready.Request = true, &c.q
			ready.Lease, _ = r.model.Lease()
			r.model.insert(ready)
			a, sent, err := r.sender.Test(t.Context(), lane, ready)
			if err != nil || a.StatusCode != c.code {
				t.Fatalf("%s: %+v, %v", c.q.Type, a, err)
			}
			for name, value := range c.want {
				if sent.Get(name) != value {
					t.Errorf("%s: %s is shown as %q, want %q", c.q.Type, name, sent.Get(name), value)
				}
			}
		}
		r.nothingHeld()
	})
}
