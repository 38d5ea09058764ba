package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"signalbox/client"
	"signalbox/sign"
)

// localReceiver keeps what reaches it and answers with its status.
type localReceiver struct {
	*httptest.Server
	got chan received
}

type received struct {
	header http.Header
	body   []byte
}

func newLocalReceiver(t *testing.T, status int) *localReceiver {
	t.Helper()
	r := &localReceiver{got: make(chan received, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Errorf("read a delivery: %v", err)
		}
		r.got <- received{req.Header, body}
		w.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *localReceiver) next(t *testing.T) received {
	t.Helper()
	select {
	case got := <-r.got:
		return got
	case <-time.After(patience):
		t.Fatal("nothing reached the receiver")
		panic("unreachable")
	}
}

// secretOf reads the signing secret that listen tells.
func secretOf(t *testing.T, b *background) sign.Secret {
	t.Helper()
	_, rest, _ := strings.Cut(b.err.until(t, "Signing secret: whsec_"), "Signing secret: ")
	return sign.Secret(strings.TrimSpace(rest))
}

func sendOne(t *testing.T, c *client.Client, kind string) client.Receipt {
	t.Helper()
	receipt, err := c.SendSignal(t.Context(), client.SignalInput{Type: kind, Source: "test", Contact: client.ContactInput{Email: "jane@acmecorp.com"}})
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func webhookCount(t *testing.T, c *client.Client) (n int) {
	t.Helper()
	for _, err := range c.Webhooks(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestListen_ForwardsTheSignedBytesAndCleansUp(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), newLocalReceiver(t, http.StatusAccepted)
	b := s.cli().start(t, "listen", "--events", "signal.created", "--forward-to", r.URL+"/hook", "--print")
	secret := secretOf(t, b)
	receipt := sendOne(t, s.client(), "first")
	got := r.next(t)
	for _, scheme := range []sign.Scheme{sign.Standard, sign.Stairoids} {
		if err := sign.Verify(scheme, got.header, got.body, []sign.Secret{secret}, time.Now()); err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	if !strings.Contains(string(got.body), receipt.ID) || got.header.Get("X-Stairoids-Event") != "signal.created" {
		t.Errorf("forwarded %v %s", got.header, got.body)
	}
	shown := b.out.until(t, string(got.body))
	if !strings.Contains(shown, "signal.created") || !strings.Contains(shown, "202 in ") {
		t.Errorf("shown: %s", shown)
	}
	b.stop()
	if code := b.wait(t); code != exitOK {
		t.Errorf("status %d: %s", code, b.err)
	}
	if n := webhookCount(t, s.client()); n != 0 {
		t.Errorf("%d webhooks are left", n)
	}
}

func TestListen_KeepsTheOrderAndShowsFailures(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), newLocalReceiver(t, http.StatusTeapot)
	b := s.cli().start(t, "listen", "--events", "signal.created", "--forward-to", r.URL, "--format", "standard")
	secretOf(t, b)
	c := s.client()
	kinds := []string{"a", "b", "c", "d", "e"}
	for _, kind := range kinds {
		sendOne(t, c, kind)
	}
	for _, kind := range kinds {
		if got := r.next(t); !strings.Contains(string(got.body), `"type":"`+kind+`"`) {
			t.Errorf("want %s next, got %s", kind, got.body)
		}
	}
	b.out.until(t, "418 in ")
	r.Close()
	sendOne(t, c, "f")
	b.out.until(t, "no answer: ")
}

func TestListen_SurvivesARestartOfTheServer(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), newLocalReceiver(t, http.StatusOK)
	b := s.cli().start(t, "listen", "--events", "signal.created", "--forward-to", r.URL)
	secretOf(t, b)
	sendOne(t, s.client(), "before")
	if got := r.next(t); !strings.Contains(string(got.body), `"before"`) {
		t.Errorf("got %s", got.body)
	}
	addr := s.app.Addr()
	s.stop()
	b.err.until(t, "does not answer")
	s.start(t, addr)
	sendOne(t, s.client(), "after")
	if got := r.next(t); !strings.Contains(string(got.body), `"after"`) {
		t.Errorf("got %s", got.body)
	}
}

func TestListen_MakesItsWebhookAnewWhenItIsGone(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), newLocalReceiver(t, http.StatusOK)
	b := s.cli().start(t, "listen", "--events", "signal.created", "--forward-to", r.URL)
	secretOf(t, b)
	for w, err := range s.client().Webhooks(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if err := s.client().DeleteWebhook(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
	}
	b.err.until(t, "making a new one")
	_, rest, _ := strings.Cut(b.err.until(t, "making a new one"), "making a new one")
	if !strings.Contains(rest, "Signing secret") {
		b.err.until(t, rest+"Listening")
	}
	sendOne(t, s.client(), "later")
	if got := r.next(t); !strings.Contains(string(got.body), `"later"`) {
		t.Errorf("got %s", got.body)
	}
}

func TestListen_EndsWhenTheServerRefuses(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	got := cli{environ: []string{"SIGNALBOX_URL=" + s.url, "SIGNALBOX_API_KEY=sk_live_wrong"}}.run(t, "listen")
	if got.code != exitFailure || !strings.Contains(got.err, "unauthorized") {
		t.Errorf("status %d: %s", got.code, got.err)
	}
}
