package sign_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"

	"signalbox/sign"
)

const (
	vectorSecret = sign.Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	vectorID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody   = `{"test": 2432232314}`
	vectorMAC    = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

	vectorSigning   = sign.Secret("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")
	vectorVerifying = sign.Secret("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")
	vectorEd25519   = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
)

var vectorTime = time.Unix(1614265330, 0)

func hexMAC(key, body string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}

func TestSign_PublishedVectors(t *testing.T) {
	t.Parallel()
	cases := []struct {
		scheme      sign.Scheme
		secret      sign.Secret
		body        string
		name, value string
	}{
		{sign.Standard, vectorSecret, vectorBody, "Webhook-Signature", vectorMAC},
		{sign.StandardEd25519, vectorSigning, vectorBody, "Webhook-Signature", vectorEd25519},
		{sign.GitHub, "It's a Secret to Everybody", "Hello, World!", "X-Hub-Signature-256",
			"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
	}
	for _, c := range cases {
		name, value, err := sign.Sign(c.scheme, c.secret, vectorID, vectorTime, []byte(c.body))
		if err != nil || name != c.name || value != c.value {
			t.Errorf("%s: got %s: %s, %v; want %s: %s", c.scheme, name, value, err, c.name, c.value)
		}
	}
}

// proves S0-40, S0-42, S0-46, S1-28, S1-29, S2-15, S4-31, C1, C28: the value of
// each scheme, computed here from the documents' words
func TestSign_EachSchemeAsItsDocumentWritesIt(t *testing.T) {
	t.Parallel()
	secret, body := string(vectorSecret), `{"a":"é"}`
	plain := hexMAC(secret, body)
	raw, _ := hex.DecodeString(plain)
	hashed := sha256.Sum256([]byte(secret))
	cases := map[sign.Scheme][2]string{
		sign.Stairoids:         {"X-Stairoids-Signature", plain},
		sign.StairoidsPrefixed: {"X-Stairoids-Signature", "sha256=" + plain},
		sign.Staircase:         {"X-Staircase-Signature", plain},
		sign.StaircaseHashed:   {"X-Staircase-Signature", hex.EncodeToString(hashed[:])},
		sign.StackOne:          {"X-Stackone-Signature", base64.RawURLEncoding.EncodeToString(raw)},
		sign.GitHub:            {"X-Hub-Signature-256", "sha256=" + plain},
		sign.Stripe:            {"Stripe-Signature", "t=1614265330,v1=" + hexMAC(secret, "1614265330."+body)},
	}
	for scheme, want := range cases {
		name, value, err := sign.Sign(scheme, vectorSecret, vectorID, vectorTime, []byte(body))
		if diff := cmp.Diff(want, [2]string{name, value}); diff != "" || err != nil {
			t.Errorf("%s: %v %s", scheme, err, diff)
		}
		if name != scheme.Header() {
			t.Errorf("%s: header %s, want %s", scheme, name, scheme.Header())
		}
	}
}

func TestHeaders_AreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	body := []byte(`{"event":"signal.created"}`)
	oldSecret, newSecret := sign.Secret("an old secret of the caller"), vectorSecret
	common := map[string]string{
		"content-type":      "application/json",
		"user-agent":        "Signalbox/1.2.3",
		"webhook-id":        "evt_1",
		"webhook-timestamp": "1614265330",
	}
	mac := hexMAC(string(oldSecret), string(body))
	digest, _ := hex.DecodeString(mac)
	hashed := sha256.Sum256([]byte(oldSecret))
	stairoids := func(value string) map[string]string {
		return map[string]string{
			"x-stairoids-signature": value, "x-stairoids-event": "signal.created",
			"x-stairoids-delivery": "7a2b0d5e-0000-4000-8000-000000000001",
		}
	}
	cases := []struct {
		format    sign.Format
		signature string
		vendor    map[string]string
	}{
		{sign.FormatStandard, "", nil},
		{sign.FormatStairoids, "", stairoids(mac)},
		{sign.FormatStairoids, sign.SignaturePrefixed, stairoids("sha256=" + mac)},
		{sign.FormatAction, "", stairoids("sha256=" + mac)},
		{sign.FormatStaircase, "", map[string]string{"x-staircase-signature": mac}},
		{sign.FormatStaircase, sign.SignatureHashed, map[string]string{"x-staircase-signature": hex.EncodeToString(hashed[:])}},
		{sign.FormatStackOne, "", map[string]string{"x-stackone-signature": base64.RawURLEncoding.EncodeToString(digest)}},
	}
	for _, c := range cases {
		h := http.Header{}
		err := sign.Headers(h, sign.Input{
			Format: c.format, SignatureFormat: c.signature, EventID: "evt_1", EventName: "signal.created",
			AttemptUUID: "7a2b0d5e-0000-4000-8000-000000000001", Timestamp: vectorTime, Body: body,
			UserAgent: "Signalbox/1.2.3", Secrets: []sign.Secret{newSecret, oldSecret}, VendorSecret: 1,
		})
		if err != nil {
			t.Fatalf("%s: %v", c.format, err)
		}
		_, newest, _ := sign.Sign(sign.Standard, newSecret, "evt_1", vectorTime, body)
		_, older, _ := sign.Sign(sign.Standard, oldSecret, "evt_1", vectorTime, body)
		want := http.Header{}
		want.Set("webhook-signature", newest+" "+older)
		for _, set := range []map[string]string{common, c.vendor} {
			for name, value := range set {
				want.Set(name, value)
			}
		}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%s %s: %s", c.format, c.signature, diff)
		}
	}
}

func TestHeaders_RefusesWhatNobodyCouldVerify(t *testing.T) {
	t.Parallel()
	good := sign.Input{Format: sign.FormatStairoids, EventID: "evt_1", Timestamp: vectorTime, Secrets: []sign.Secret{vectorSecret}}
	if err := sign.Headers(http.Header{}, good); err != nil {
		t.Fatal(err)
	}
	cases := map[string]func(*sign.Input){
		"no secret":                       func(in *sign.Input) { in.Secrets = nil },
		"empty secret":                    func(in *sign.Input) { in.Secrets = []sign.Secret{vectorSecret, ""} },
		"prefix only":                     func(in *sign.Input) { in.Secrets = []sign.Secret{"whsec_"} },
		"vendor secret not there":         func(in *sign.Input) { in.VendorSecret = 1 },
		"unknown format":                  func(in *sign.Input) { in.Format = "other" },
		"format of another webhook":       func(in *sign.Input) { in.SignatureFormat = sign.SignatureHashed },
		"no id":                           func(in *sign.Input) { in.EventID = "" },
		"no time":                         func(in *sign.Input) { in.Timestamp = time.Time{} },
		"unknown signature format":        func(in *sign.Input) { in.SignatureFormat = "sha1" },
		"prefixed outside its own format": func(in *sign.Input) { in.Format, in.SignatureFormat = sign.FormatStackOne, "prefixed" },
	}
	for name, spoil := range cases {
		in, h := good, http.Header{}
		spoil(&in)
		if err := sign.Headers(h, in); err == nil || len(h) > 0 {
			t.Errorf("%s: got %v with headers %v", name, err, h)
		}
	}
}

func TestSigner_OneSignerServesManyGoroutines(t *testing.T) {
	t.Parallel()
	signer, err := sign.NewSigner([]sign.Secret{vectorSecret}, 0)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 8)
	for g := range 8 {
		go func() {
			for i := range 200 {
				body := []byte(strings.Repeat(strconv.Itoa(g), i))
				h := http.Header{}
				in := sign.Input{Format: sign.FormatStairoids, EventID: "evt_1", Timestamp: vectorTime, Body: body}
				err := signer.Headers(h, in)
				for _, scheme := range []sign.Scheme{sign.Standard, sign.Stairoids} {
					err = errors.Join(err, sign.Verify(scheme, h, body, []sign.Secret{vectorSecret}, vectorTime))
				}
				if err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range 8 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// The reference library accepts what we sign, and we accept what it signs,
// with every kind of secret.
func TestStandard_AgreesWithTheReferenceLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret, err := sign.NewSecret(bytes.NewReader(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "random")))
		if rapid.Bool().Draw(t, "callers own") {
			secret, err = sign.ParseSecret(rapid.StringMatching(`(whsec_)?[ -~é]{16,80}`).Draw(t, "secret"))
		}
		if err != nil {
			t.Fatal(err)
		}
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		now := time.Now() // the library reads the clock itself
		reference, err := standardwebhooks.NewWebhook(secret.Standard())
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		other := sign.Secret("some other secret, listed first")
		in := sign.Input{Format: sign.FormatStackOne, EventID: vectorID, Timestamp: now, Body: body, Secrets: []sign.Secret{other, secret}}
		if err := sign.Headers(h, in); err != nil {
			t.Fatal(err)
		}
		if err := reference.Verify(body, h); err != nil {
			t.Fatalf("the library refuses ours: %v", err)
		}
		theirs, err := reference.Sign(vectorID, now, body)
		if err != nil {
			t.Fatal(err)
		}
		h.Set("webhook-signature", theirs)
		if err := sign.Verify(sign.Standard, h, body, []sign.Secret{secret}, now); err != nil {
			t.Fatalf("we refuse the library's: %v", err)
		}
	})
}
