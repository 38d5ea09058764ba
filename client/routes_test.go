package client_test

import (
	"context"
	"encoding/json"
	"iter"
	"testing"

	"signalbox"
	"signalbox/client"
)

// drain walks a list and returns its first error.
func drain[T any](list iter.Seq2[T, error]) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// second keeps the error of a call.
func second[T any](_ T, err error) error { return err }

func TestRoutes_EachMethodAsksForItsOwn(t *testing.T) {
	t.Parallel()
	name := "x"
	play(t, `{}`, []routeCase{
		{"GET /v1/signals/i", "", func(ctx context.Context, c *client.Client) error { return second(c.Signal(ctx, "i")) }},
		{"POST /v1/webhooks", `{"kind":"pull","events":["*"],"temporary":true}`, func(ctx context.Context, c *client.Client) error {
			return second(c.CreateWebhook(ctx, client.WebhookInput{Kind: "pull", Temporary: true, Events: []string{"*"}}))
		}},
		{"GET /v1/webhooks", "", func(ctx context.Context, c *client.Client) error { return drain(c.Webhooks(ctx)) }},
		{"GET /v1/webhooks/i", "", func(ctx context.Context, c *client.Client) error { return second(c.Webhook(ctx, "i")) }},
		{"PATCH /v1/webhooks/i", `{"label":"x"}`, func(ctx context.Context, c *client.Client) error {
			return second(c.UpdateWebhook(ctx, "i", client.WebhookPatch{Label: &name}))
		}},
		{"DELETE /v1/webhooks/i", "", func(ctx context.Context, c *client.Client) error { return c.DeleteWebhook(ctx, "i") }},
		{"POST /v1/webhooks/i/enable", "", func(ctx context.Context, c *client.Client) error { return second(c.EnableWebhook(ctx, "i")) }},
		{"POST /v1/webhooks/i/disable", "", func(ctx context.Context, c *client.Client) error { return second(c.DisableWebhook(ctx, "i")) }},
		{"POST /v1/webhooks/i/test", `{"event":"signal.created","data":{"a":1}}`, func(ctx context.Context, c *client.Client) error {
			return second(c.TestWebhook(ctx, "i", "signal.created", json.RawMessage(`{"a":1}`)))
		}},
		{"POST /v1/webhooks/i/test", `{}`, func(ctx context.Context, c *client.Client) error { return second(c.TestWebhook(ctx, "i", "", nil)) }},
		{"GET /v1/webhooks/i/deliveries?status=failed", "", func(ctx context.Context, c *client.Client) error {
			return drain(c.Deliveries(ctx, "i", client.DeliveryQuery{Status: "failed"}))
		}},
		{"GET /v1/deliveries/i", "", func(ctx context.Context, c *client.Client) error { return second(c.Delivery(ctx, "i")) }},
		{"POST /v1/deliveries/i/retry", "", func(ctx context.Context, c *client.Client) error { return second(c.RetryDelivery(ctx, "i")) }},
		{"GET /v1/accounts?q=a", "", func(ctx context.Context, c *client.Client) error {
			return drain(c.Accounts(ctx, client.RecordQuery{Search: "a"}))
		}},
		{"GET /v1/accounts/i", "", func(ctx context.Context, c *client.Client) error { return second(c.Account(ctx, "i")) }},
		{"PATCH /v1/accounts/i", `{"name":"x","attributes":{"gone":null}}`, func(ctx context.Context, c *client.Client) error {
			return second(c.UpdateAccount(ctx, "i", client.AccountPatch{Name: &name, Attributes: map[string]any{"gone": nil}}))
		}},
		{"DELETE /v1/accounts/i", "", func(ctx context.Context, c *client.Client) error { return second(c.EraseAccount(ctx, "i")) }},
		{"GET /v1/contacts", "", func(ctx context.Context, c *client.Client) error { return drain(c.Contacts(ctx, client.RecordQuery{})) }},
		{"GET /v1/contacts/i", "", func(ctx context.Context, c *client.Client) error { return second(c.Contact(ctx, "i")) }},
		{"PATCH /v1/contacts/i", `{"title":"x"}`, func(ctx context.Context, c *client.Client) error {
			return second(c.UpdateContact(ctx, "i", client.ContactPatch{Title: &name}))
		}},
		{"DELETE /v1/contacts/i", "", func(ctx context.Context, c *client.Client) error { return second(c.EraseContact(ctx, "i")) }},
		{"POST /v1/api-keys", `{"name":"x","scope":"read"}`, func(ctx context.Context, c *client.Client) error {
			return second(c.CreateKey(ctx, client.KeyInput{Name: "x", Scope: signalbox.ScopeRead}))
		}},
		{"GET /v1/api-keys", "", func(ctx context.Context, c *client.Client) error { return drain(c.Keys(ctx)) }},
		{"GET /v1/api-keys/i", "", func(ctx context.Context, c *client.Client) error { return second(c.Key(ctx, "i")) }},
		{"PATCH /v1/api-keys/i", `{"name":"x"}`, func(ctx context.Context, c *client.Client) error { return second(c.RenameKey(ctx, "i", "x")) }},
		{"DELETE /v1/api-keys/i", "", func(ctx context.Context, c *client.Client) error { return c.RevokeKey(ctx, "i") }},
		{"GET /v1/workspace", "", func(ctx context.Context, c *client.Client) error { return second(c.Workspace(ctx)) }},
		{"PATCH /v1/workspace", `{"name":"x"}`, func(ctx context.Context, c *client.Client) error {
			return second(c.UpdateWorkspace(ctx, map[string]any{"name": "x"}))
		}},
		{"GET /v1/event-types", "", func(ctx context.Context, c *client.Client) error { return second(c.EventTypes(ctx)) }},
		{"GET /v1/jobs", "", func(ctx context.Context, c *client.Client) error { return drain(c.Jobs(ctx)) }},
		{"GET /v1/jobs/i", "", func(ctx context.Context, c *client.Client) error { return second(c.Job(ctx, "i")) }},
		{"POST /v1/jobs/i/cancel", "", func(ctx context.Context, c *client.Client) error { return second(c.CancelJob(ctx, "i")) }},
		{"GET /readyz", "", func(ctx context.Context, c *client.Client) error { return c.Ready(ctx) }},
	})
}

func TestRoutes_Batches(t *testing.T) {
	t.Parallel()
	name := "x"
	items := []json.RawMessage{json.RawMessage(`{"a":1}`), json.RawMessage(`{"a":2}`)}
	play(t, `{"data":{"results":[{},{}],"dry_run":true}}`, []routeCase{
		{"POST /v1/signals/batch", `{"signals":[{"type":"a","source":"s"},{"type":"b","source":"s"}]}`, func(ctx context.Context, c *client.Client) error {
			return second(c.SendBatchJSON(ctx, []json.RawMessage{json.RawMessage(`{"type":"a","source":"s"}`), json.RawMessage(`{"type":"b","source":"s"}`)}, "k"))
		}},
		{"POST /v1/signals/batch", `{"signals":[{"a":1},{"a":2}],"dry_run":true}`, func(ctx context.Context, c *client.Client) error {
			return second(c.TryBatchJSON(ctx, items, "k"))
		}},
		{"POST /v1/accounts/batch", `{"accounts":[{"a":1},{"a":2}],"dry_run":true}`, func(ctx context.Context, c *client.Client) error {
			return second(c.ImportAccountsJSON(ctx, items, true))
		}},
		{"POST /v1/contacts/batch", `{"contacts":[{"a":1},{"a":2}],"dry_run":true}`, func(ctx context.Context, c *client.Client) error {
			return second(c.ImportContactsJSON(ctx, items, true))
		}},
		{"POST /v1/accounts/batch", `{"accounts":[{"domain":"a.com","name":"x"},{"domain":"b.com","attributes":{"gone":null}}]}`, func(ctx context.Context, c *client.Client) error {
			return second(c.ImportAccounts(ctx, []client.AccountRow{{Domain: "a.com", Name: &name}, {Domain: "b.com", Attributes: map[string]any{"gone": nil}}}))
		}},
		{"POST /v1/contacts/batch", `{"contacts":[{"email":"a@b.com","title":"x"},{"linkedin_url":"l"}]}`, func(ctx context.Context, c *client.Client) error {
			return second(c.ImportContacts(ctx, []client.ContactRow{{Email: "a@b.com", Title: &name}, {LinkedInURL: "l"}}))
		}},
	})
}

// routeCase is a call and the request that it must make.
type routeCase struct {
	want string
	body string
	call func(context.Context, *client.Client) error
}

// play makes each call to a server that gives one answer.
func play(t *testing.T, given string, cases []routeCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.want, func(t *testing.T) {
			t.Parallel()
			n := &network{answers: []answer{{status: 200, body: given}}}
			if err := tc.call(t.Context(), dial(n)); err != nil {
				t.Fatal(err)
			}
			got := n.seen[0].Method + " " + n.seen[0].URL[len("http://signalbox.test"):]
			if got != tc.want || n.seen[0].Body != tc.body {
				t.Errorf("asked for %s with %s,\nwant %s with %s", got, n.seen[0].Body, tc.want, tc.body)
			}
		})
	}
}
