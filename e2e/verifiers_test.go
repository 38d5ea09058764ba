package e2e

import (
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"signalbox/client"
	"signalbox/sign"
)

// The npm libraries verify inside their receivers, in TestDelivery_ReceiversOfOthersVerifyItAndRefuseAnotherSecret.

// proves S0-40, S1-28 (contract section 12: webhook-signature on every attempt of every format)
func TestDelivery_TheGoLibraryOfStandardWebhooksVerifiesEveryFormat(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	formats := []struct {
		name  string
		order client.WebhookInput
	}{
		{"stairoids", client.WebhookInput{Format: "stairoids"}},
		{"stairoids, prefixed", client.WebhookInput{Format: "stairoids", SignatureFormat: "prefixed"}},
		{"standard", client.WebhookInput{Format: "standard"}},
		{"standard, a secret of the caller's", client.WebhookInput{Format: "standard", Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}},
		{"standard, a secret that is no base64", client.WebhookInput{Format: "standard", Secret: "correct horse battery staple"}},
	}
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			c := catch(t, nil)
			f.order.URL = c.URL
			made := s.hook(f.order)
			s.send(trial())
			got := c.next()
			judge, err := standardwebhooks.NewWebhook(sign.Secret(made.Secret.Reveal()).Standard())
			if err != nil {
				t.Fatal(err)
			}
			if err := judge.Verify(got.body, got.header); err != nil {
				t.Errorf("the library refuses a real delivery: %v", err)
			}
			tampered := append([]byte(" "), got.body...)
			if judge.Verify(tampered, got.header) == nil {
				t.Error("the library takes a tampered delivery")
			}
		})
	}
}
