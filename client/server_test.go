package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"signalbox"
	"signalbox/app"
	"signalbox/client"
)

// serve starts the real program and returns a client with its admin key.
func serve(t *testing.T) *client.Client {
	t.Helper()
	a, err := app.New(t.Context(), app.Config{Addr: "127.0.0.1:0", DataDir: filepath.Join(t.TempDir(), "data"), Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	first, _ := a.FirstStart()
	return client.New(a.URL(), first.APIKey)
}

// checker fails the test at the first call that does not work.
type checker struct{ *testing.T }

// got returns what a call returned.
func got[T any](c checker) func(T, error) T {
	return func(v T, err error) T {
		c.Helper()
		if err != nil {
			c.Fatal(err)
		}
		return v
	}
}

func TestServer_SignalsRecordsAndErasure(t *testing.T) {
	t.Parallel()
	c, ctx, check := serve(t), t.Context(), checker{t}
	if err := c.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	in := client.SignalInput{
		Type: "t", Source: "s", IdempotencyKey: "k", Properties: map[string]any{"n": 1},
		Account: client.AccountInput{Domain: "acmecorp.com"}, Contact: client.ContactInput{Email: "jane@acmecorp.com"},
	}
	r := got[client.Receipt](check)(c.SendSignal(ctx, in))
	if again := got[client.Receipt](check)(c.SendSignal(ctx, in)); !again.Replayed || again.ID != r.ID || r.Replayed {
		t.Errorf("first %+v, again %+v", r, again)
	}
	results := got[[]client.BatchResult](check)(c.SendBatch(ctx, []client.SignalInput{{Type: "t2", Source: "s"}, {Source: "s"}}))
	if results[0].Status != client.Created || results[1].Status != client.Rejected || results[1].Error.Param == "" {
		t.Errorf("verdicts %+v", results)
	}
	s := got[client.Signal](check)(c.Signal(ctx, r.ID))
	if s.Account.ID != r.AccountID || s.Contact.Email != "jane@acmecorp.com" || string(s.Properties) != `{"n":1}` {
		t.Errorf("stored %+v", s)
	}
	name := "Acme"
	account := got[client.Account](check)(c.UpdateAccount(ctx, r.AccountID, client.AccountPatch{Name: &name, Attributes: map[string]any{"size": 3}}))
	if again := got[client.Account](check)(c.Account(ctx, r.AccountID)); again.Name != name || again.Revision != account.Revision || string(again.Attributes) != `{"size":3}` {
		t.Errorf("account %+v", again)
	}
	contact := got[client.Contact](check)(c.UpdateContact(ctx, r.ContactID, client.ContactPatch{Title: &name}))
	if again := got[client.Contact](check)(c.Contact(ctx, r.ContactID)); again.Title != name || again.AccountID != r.AccountID || contact.Email != "jane@acmecorp.com" {
		t.Errorf("contact %+v", again)
	}
	for found, err := range c.Accounts(ctx, client.RecordQuery{Search: "acme"}) {
		if err != nil || found.ID != r.AccountID {
			t.Errorf("found %+v, %v", found, err)
		}
	}
	job := got[client.Job](check)(c.EraseContact(ctx, r.ContactID))
	if again := got[client.Job](check)(c.Job(ctx, job.ID)); again.Kind != string(signalbox.JobEraseContact) {
		t.Errorf("job %+v", again)
	}
}

func TestServer_WebhooksDeliveriesAndTests(t *testing.T) {
	t.Parallel()
	c, ctx, check := serve(t), t.Context(), checker{t}
	arrived := make(chan struct{}, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		arrived <- struct{}{}
	}))
	t.Cleanup(receiver.Close)
	hook := got[client.Webhook](check)(c.CreateWebhook(ctx, client.WebhookInput{URL: receiver.URL, Events: []string{"signal.created"}, Label: "a"}))
	if len(hook.Secret.Reveal()) < 16 || !hook.Enabled || hook.Kind != "push" {
		t.Errorf("made %+v", hook)
	}
	result := got[client.TestResult](check)(c.TestWebhook(ctx, hook.ID, "", json.RawMessage(`{"a":1}`)))
	if result.Response == nil || result.Response.Status != http.StatusAccepted || result.Request.Headers["webhook-id"] == "" || result.Error != "" {
		t.Errorf("test call %+v", result)
	}
	d := got[client.Delivery](check)(c.Delivery(ctx, result.DeliveryID))
	if !d.Test || d.Status != "delivered" || len(d.Attempts) != 1 || d.Attempts[0].StatusCode != http.StatusAccepted || d.Body == "" {
		t.Errorf("delivery %+v", d)
	}
	for row, err := range c.Deliveries(ctx, hook.ID, client.DeliveryQuery{Status: "delivered"}) {
		if err != nil || row.ID != d.ID || row.Event != "signal.created" {
			t.Errorf("log %+v, %v", row, err)
		}
	}
	label := "b"
	if w := got[client.Webhook](check)(c.UpdateWebhook(ctx, hook.ID, client.WebhookPatch{Label: &label})); w.Label != label || w.Secret != "" {
		t.Errorf("patched %+v", w)
	}
	if w := got[client.Webhook](check)(c.DisableWebhook(ctx, hook.ID)); w.Enabled || w.DisabledReason == "" {
		t.Errorf("disabled %+v", w)
	}
	if w := got[client.Webhook](check)(c.EnableWebhook(ctx, hook.ID)); !w.Enabled {
		t.Errorf("enabled %+v", w)
	}
	if err := c.DeleteWebhook(ctx, hook.ID); err != nil {
		t.Error(err)
	}
	_, err := c.Webhook(ctx, hook.ID)
	if refused, ok := errors.AsType[*client.Error](err); !ok || !refused.NotFound() || refused.Code != "webhook_not_found" || refused.RequestID == "" {
		t.Errorf("after its end: %v", err)
	}
}

func TestServer_FeedWaitsForASignal(t *testing.T) {
	t.Parallel()
	c, ctx, check := serve(t), t.Context(), checker{t}
	hook := got[client.Webhook](check)(c.CreateWebhook(ctx, client.WebhookInput{Kind: "pull", Events: []string{"signal.created"}}))
	page := got[client.FeedPage](check)(c.Feed(ctx, hook.ID, "", 0))
	if len(page.Events) != 0 || page.NextCursor == "" {
		t.Errorf("an empty feed answers %+v", page)
	}
	next := make(chan client.FeedPage, 1)
	go func() {
		p, err := c.Feed(ctx, hook.ID, page.NextCursor, 20*time.Second)
		if err != nil {
			t.Error(err)
		}
		next <- p
	}()
	r := got[client.Receipt](check)(c.SendSignal(ctx, client.SignalInput{Type: "t", Source: "s"}))
	p := <-next
	if len(p.Events) != 1 || p.Events[0].Event != "signal.created" || !json.Valid(p.Events[0].Body) {
		t.Fatalf("the feed answers %+v after %s", p, r.ID)
	}
}

func TestServer_ImportsRecords(t *testing.T) {
	t.Parallel()
	c, ctx, check := serve(t), t.Context(), checker{t}
	acme := "Acme"
	rows := []client.AccountRow{{Domain: "acme.com", Name: &acme, Attributes: map[string]any{"plan": "pro"}}, {Domain: "com"}}
	for _, want := range []string{client.Created, client.Unchanged} {
		r := got[[]client.BatchResult](check)(c.ImportAccounts(ctx, rows))
		if r[0].Status != want || r[0].ID == "" || r[1].Status != client.Rejected || r[1].Error.Param != "domain" {
			t.Errorf("accounts: %+v, want %s and rejected", r, want)
		}
	}
	people := []client.ContactRow{{Email: "jane@mail.com", AccountDomain: "acme.com", Title: &acme}}
	if r := got[[]client.BatchResult](check)(c.ImportContacts(ctx, people)); r[0].Status != client.Created {
		t.Errorf("contacts: %+v", r)
	}
	for contact, err := range c.Contacts(ctx, client.RecordQuery{}) {
		if err != nil || contact.AccountDomain != "acme.com" || contact.Title != "Acme" {
			t.Errorf("contact %+v, %v", contact, err)
		}
	}
	item := []json.RawMessage{json.RawMessage(`{"type":"t","source":"s"}`)}
	if r := got[[]client.BatchResult](check)(c.TryBatchJSON(ctx, item, "k")); r[0].Status != client.Created || r[0].ID != "" {
		t.Errorf("dry: %+v", r)
	}
	for s := range c.Signals(ctx, client.SignalQuery{}) {
		t.Errorf("a dry run stored %+v", s)
	}
}

func TestServer_WorkspaceKeysAndCatalogue(t *testing.T) {
	t.Parallel()
	c, ctx, check := serve(t), t.Context(), checker{t}
	if w := got[client.Workspace](check)(c.UpdateWorkspace(ctx, map[string]any{"name": "Sales"})); w.Name != "Sales" {
		t.Errorf("workspace %+v", w)
	}
	if w := got[client.Workspace](check)(c.Workspace(ctx)); w.Name != "Sales" || w.ID == "" {
		t.Errorf("workspace %+v", w)
	}
	key := got[client.APIKey](check)(c.CreateKey(ctx, client.KeyInput{Name: "a", Scope: signalbox.ScopeRead}))
	if k := got[client.APIKey](check)(c.RenameKey(ctx, key.ID, "b")); k.Name != "b" || k.Key != "" {
		t.Errorf("renamed %+v", k)
	}
	if _, err := client.New(c.URL(), key.Key.Reveal()).CreateKey(ctx, client.KeyInput{Name: "c", Scope: signalbox.ScopeRead}); err == nil {
		t.Error("a read key made a key")
	}
	if err := c.RevokeKey(ctx, key.ID); err != nil {
		t.Error(err)
	}
	types := got[[]client.EventType](check)(c.EventTypes(ctx))
	if len(types) == 0 || types[0].Name == "" || !json.Valid(types[0].Schema) || !json.Valid(types[0].Sample) {
		t.Errorf("event types %+v", types)
	}
}
