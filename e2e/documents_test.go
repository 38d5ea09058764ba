package e2e

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox/client"
)

// nowhere is a URL that a disabled webhook has until its receiver listens: the receivers need the secret before they start.
const nowhere = "http://127.0.0.1:9/"

// receivers are programs of others: the documents' own samples, and what the libraries' manuals show.
var receivers = []struct {
	name            string
	file            string
	path            string
	format          string
	signatureFormat string
}{
	{"the Express receiver of S0", "s0_express.mjs", "/webhook/stairoids", "stairoids", "prefixed"},
	{"the Express receiver of S1", "s1_express.mjs", "/webhooks/stairoids", "stairoids", ""},
	{"the Flask receiver of S0", "s0_flask.py", "/webhook/stairoids", "stairoids", "prefixed"},
	{"the Flask receiver of S1", "s1_flask.py", "/webhooks/stairoids", "stairoids", ""},
	{"standardwebhooks for npm, format stairoids", "standardwebhooks_express.mjs", "/webhooks", "stairoids", ""},
	{"standardwebhooks for npm, format standard", "standardwebhooks_express.mjs", "/webhooks", "standard", ""},
	{"svix for npm, format stairoids", "svix_express.mjs", "/webhooks", "stairoids", "prefixed"},
	{"svix for npm, format standard", "svix_express.mjs", "/webhooks", "standard", ""},
}

// wrongSecret has the shape of a real one.
const wrongSecret = "whsec_d3JvbmcgYnV0IHdlbGwtZm9ybWVkIHNlY3JldCAzMmI="

// proves S0-10, S0-39…S0-47, S1-18, S1-28…S1-34
func TestDelivery_ReceiversOfOthersVerifyItAndRefuseAnotherSecret(t *testing.T) {
	t.Parallel()
	for _, r := range receivers {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, "--dev")
			off := false
			order := client.WebhookInput{URL: nowhere, Format: r.format, SignatureFormat: r.signatureFormat, Enabled: &off}
			good, bad := s.hook(order), s.hook(order)
			right := receive(t, r.file, good.Secret.Reveal())
			wrong := receive(t, r.file, wrongSecret)
			s.point(good, right.base+r.path)
			s.point(bad, wrong.base+r.path)

			const n = 3
			for range n {
				s.send(trial())
			}
			s.settled(good.ID, n, "delivered")
			if diff := cmp.Diff(counts{Verified: n}, right.counts()); diff != "" {
				t.Errorf("the receiver with the secret counts (-want +got):\n%s", diff)
			}
			for _, d := range s.settled(bad.ID, n, "retrying") {
				if d.Reason != "http_401" || d.AttemptCount != 1 {
					t.Errorf("a refused delivery has reason %q after %d attempts, want http_401 after 1", d.Reason, d.AttemptCount)
				}
			}
			if diff := cmp.Diff(counts{Refused: n}, wrong.counts()); diff != "" {
				t.Errorf("the receiver with another secret counts (-want +got):\n%s", diff)
			}
		})
	}
}

// point gives a webhook its receiver's URL and enables it.
func (s *server) point(w client.Webhook, url string) {
	s.t.Helper()
	on := true
	if _, err := s.UpdateWebhook(s.t.Context(), w.ID, client.WebhookPatch{URL: &url, Enabled: &on}); err != nil {
		s.t.Fatal(err)
	}
}

// documentedCurl is the request of S0 as its readers copy it (S0-11…S0-13).
const documentedCurl = `curl -X POST https://api.stairoids.com/v1/signals \
-H "Authorization: Bearer sk_live_your_api_key_here" \
-H "Content-Type: application/json" \
-d '{
"type": "product_trial_started",
"source": "internal_app",
"account": {
"domain": "acmecorp.com",
"name": "Acme Corp"
},
"contact": {
"email": "jane.doe@acmecorp.com",
"first_name": "Jane",
"last_name": "Doe"
},
"properties": {
"plan": "pro_trial",
"trial_ends_at": "2024-09-15T00:00:00Z",
"invited_by": "sales_outreach"
}
}'`

// proves S0-3, S0-5, S0-11…S0-13, S0-22…S0-26
func TestSignal_TheDocumentedCurlCommandWorksWithURLAndKeyChanged(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	command := strings.NewReplacer("https://api.stairoids.com", s.url, "sk_live_your_api_key_here", apiKey).Replace(documentedCurl)
	answer := output(t, nil, "sh", "-c", command)

	var got map[string]string
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatalf("curl printed %q: %v", answer, err)
	}
	shapes := map[string]string{
		"id": `sig_[0-9a-z]{26}`, "type": `product_trial_started`, "source": `internal_app`, "status": `received`,
		"account_id": `acc_[0-9a-z]{26}`, "contact_id": `con_[0-9a-z]{26}`, "created_at": `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`,
	}
	for field, shape := range shapes {
		if !regexp.MustCompile(`^` + shape + `$`).MatchString(got[field]) {
			t.Errorf("%s is %q, want it to match %s", field, got[field], shape)
		}
	}
	if len(got) != len(shapes) {
		t.Errorf("the answer is %s, want exactly the fields of S0-23", answer)
	}
	stored, err := s.Signal(t.Context(), got["id"])
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"plan":"pro_trial","trial_ends_at":"2024-09-15T00:00:00Z","invited_by":"sales_outreach"}`; string(stored.Properties) != want {
		t.Errorf("the stored properties are %s, want %s", stored.Properties, want)
	}
	if stored.Account == nil || stored.Account.Domain != "acmecorp.com" || stored.Contact == nil || stored.Contact.Name != "Jane Doe" {
		t.Errorf("the stored signal is about %+v and %+v", stored.Account, stored.Contact)
	}
}

// proves S0-48…S0-50
func TestSignal_TheDocumentedAxiosSenderPrintsTheID(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	out := output(t, []string{"SIGNALBOX_URL=" + s.url, "STAIROIDS_API_KEY=" + apiKey}, kit.node, "senders/axios.mjs")
	id, ok := strings.CutPrefix(strings.TrimSpace(out), "Signal created: ")
	if !ok || !strings.HasPrefix(id, "sig_") {
		t.Fatalf("the sender printed %q", out)
	}
	stored, err := s.Signal(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if stored.Type != "demo_requested" || !strings.Contains(string(stored.Properties), `"demo_type":"product_tour"`) {
		t.Errorf("the stored signal is %+v", stored)
	}

	out, _, err = try(t, []string{"SIGNALBOX_URL=" + s.url, "STAIROIDS_API_KEY=sk_live_nobody_knows_this_key_here"}, "", kit.node, "senders/axios.mjs")
	if want := "Refused: 401 unauthorized\n"; err == nil || out != want {
		t.Errorf("with an unknown key the sender printed %q (%v), want %q", out, err, want)
	}
	if n := s.storedSignals(); n != 1 {
		t.Errorf("%d signals are stored, want 1", n)
	}
}

// proves S1-18…S1-26
func TestDelivery_HasTheDocumentedShape(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	c := catch(t, nil)
	s.hook(client.WebhookInput{URL: c.URL})
	sent := trial()
	receipt := s.send(sent)
	got := c.next()
	if kind := got.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("the content type is %q", kind)
	}
	var body struct {
		Event, ID string
		CreatedAt string `json:"created_at"`
		Workspace string `json:"workspace_id"`
		Data      struct{ Signal map[string]any }
	}
	if err := json.Unmarshal(got.body, &body); err != nil {
		t.Fatal(err)
	}
	second := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	if body.Event != "signal.created" || body.ID != got.header.Get("Webhook-Id") || !strings.HasPrefix(body.ID, "evt_") ||
		!strings.HasPrefix(body.Workspace, "ws_") || !second.MatchString(body.CreatedAt) {
		t.Errorf("the body is %s", got.body)
	}
	want := map[string]any{
		"id": receipt.ID, "type": sent.Type, "source": sent.Source, "created_at": receipt.CreatedAt.Format("2006-01-02T15:04:05Z"),
		"properties": sent.Properties,
		"account":    map[string]any{"id": receipt.AccountID, "domain": "acmecorp.com", "name": "Acme Corp", "revision": 1.0},
		"contact":    map[string]any{"id": receipt.ContactID, "email": "jane.doe@acmecorp.com", "name": "Jane Doe", "revision": 1.0},
	}
	if diff := cmp.Diff(want, body.Data.Signal); diff != "" {
		t.Errorf("data.signal (-want +got):\n%s", diff)
	}
}
