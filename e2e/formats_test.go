package e2e

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox/client"
)

// vendors are receivers of the formats whose events this version sends in tests alone.
var vendors = []struct {
	name, file, path        string
	format, signatureFormat string
	tests                   []test
}{
	{"the Express receiver of S4", "s4_express.mjs", "/integrations/webhook/accounts", "stackone", "", []test{
		{event: "account.created"}, {event: "account.updated"}, {event: "hris_employees.updated"}, {event: "ats_job_postings.deleted"},
		{event: "account.updated", data: `{"event": "account.updated", "text": "<b>&\u2028é\"\\", "n": 1.5e21, "zero": -0.0, "nested": {"a": [null, true, 1.50]}}`},
	}},
	{"a receiver of Staircase", "s2_express.mjs", "/staircase", "staircase", "", []test{{}, {event: "notification", data: `{"title": "Renewal Risk Escalation <>&"}`}}},
	{"a receiver of Staircase that compares the hash of the secret", "s2_express.mjs", "/staircase/hashed", "staircase", "secret_sha256", []test{{}}},
}

// test is one test call.
type test struct {
	event string
	data  string // JSON; "": the sample
}

// proves S2-15, S4-9, S4-10, S4-15, S4-30…S4-35, and C27: a receiver that parses first and prints again verifies it
func TestFormats_TheVendorsReceiversVerifyTestCallsAndRefuseAnotherSecret(t *testing.T) {
	t.Parallel()
	for _, v := range vendors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, "--dev")
			order := client.WebhookInput{URL: nowhere, Format: v.format, SignatureFormat: v.signatureFormat}
			if v.format == "stackone" {
				order.Events = []string{"*"}
			}
			hook, err := s.CreateWebhook(t.Context(), order)
			if err != nil {
				t.Fatal(err)
			}
			right := receive(t, v.file, hook.Secret.Reveal())
			wrong := receive(t, v.file, wrongSecret)
			for _, r := range []struct {
				at   *receiver
				want int
			}{{right, 200}, {wrong, 401}} {
				s.point(hook, r.at.base+v.path)
				for _, call := range v.tests {
					result, err := s.TestWebhook(t.Context(), hook.ID, call.event, json.RawMessage(call.data))
					if err != nil {
						t.Fatal(err)
					}
					if result.Response == nil || result.Response.Status != r.want {
						t.Errorf("%+v answered %+v (%s), want %d: %s", call, result.Response, result.Error, r.want, result.Request.Body)
					}
				}
			}
			if diff := cmp.Diff(counts{Verified: len(v.tests)}, right.counts()); diff != "" {
				t.Errorf("the receiver with the secret counts (-want +got):\n%s", diff)
			}
		})
	}
}
