package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"signalbox/egress"
	"signalbox/sign"
)

// A webhook that signs with ed25519 too shows its public key, and through an overlap both.
func TestWebhook_SignsWithAKeyThatReceiversNeedNotKeepSecret(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		var sent http.Header
		var body []byte
		b.world.mu.Lock()
		b.world.answer = func(req egress.Request) egress.Result {
			sent, body = req.Header, req.Body
			return egress.Result{Status: 200, Header: http.Header{}}
		}
		b.world.mu.Unlock()
		made := b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://hooks.example.com/x","events":["*"],"asymmetric":true}`)
		path, first := "/v1/webhooks/"+made.text("id"), made.text("public_key")
		if !strings.HasPrefix(first, "whpk_") || strings.Contains(string(made.body), "whsk_") {
			b.Fatalf("made %s", made.body)
		}
		signedBy := func(keys ...string) {
			b.Helper()
			b.do(http.StatusOK, "POST", path+"/test", "")
			for i, key := range keys {
				err := sign.Verify(sign.StandardEd25519, sent, body, []sign.Secret{sign.Secret(key)}, time.Now())
				if wrong := strings.HasPrefix(key, "!"); wrong {
					err = sign.Verify(sign.StandardEd25519, sent, body, []sign.Secret{sign.Secret(key[1:])}, time.Now())
					if err == nil {
						b.Errorf("key %d signs", i)
					}
				} else if err != nil {
					b.Errorf("key %d: %v of %v", i, err, sent["Webhook-Signature"])
				}
			}
		}
		signedBy(first)
		again := b.do(http.StatusOK, "POST", path+"/secret/regenerate", `{"overlap":3600}`)
		second := again.text("public_key")
		if second == first || !strings.HasPrefix(second, "whpk_") {
			b.Fatalf("regenerated %s", again.body)
		}
		signedBy(second, first)
		if got := b.do(http.StatusOK, "GET", path+"/public-key", ""); got.text("data.algorithm") != "ed25519" || got.text("data.public_keys.0") != second || got.text("data.public_keys.1") != first {
			b.Errorf("keys %s", got.body)
		}
		third := b.do(http.StatusOK, "POST", path+"/secret/regenerate", `{"overlap":0}`).text("public_key")
		signedBy(third, "!"+second, "!"+first)
		if got := b.do(http.StatusOK, "PATCH", path, `{"asymmetric":true}`); got.text("public_key") != third {
			b.Errorf("asked for what is so it made another key: %s", got.body)
		}
		if got := b.do(http.StatusOK, "PATCH", path, `{"asymmetric":false}`); got.at("public_key") != nil {
			b.Errorf("without a key: %s", got.body)
		}
		if got := b.do(http.StatusOK, "GET", path+"/public-key", ""); len(got.at("data.public_keys").([]any)) != 0 {
			b.Errorf("keys %s", got.body)
		}
		b.do(http.StatusOK, "POST", path+"/test", "")
		if value := sent.Get("Webhook-Signature"); strings.Contains(value, "v1a,") || !strings.HasPrefix(value, "v1,") {
			b.Errorf("signed %s", value)
		}
		if told := b.do(http.StatusOK, "GET", "/v1/audit-log", ""); strings.Contains(string(told.body), "whsk_") || !strings.Contains(string(told.body), third) {
			b.Errorf("the audit log says %s", told.body)
		}
	})
}
