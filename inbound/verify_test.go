package inbound_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/inbound"
	"signalbox/sign"
)

// vector is a request that a vendor published, or that its own library signed.
type vector struct {
	verify signalbox.Verification
	secret string
	at     time.Time
	timed  bool
	req    inbound.Request
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func mac(secret, content string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(content))
	return m.Sum(nil)
}

const (
	// The example request of docs.slack.dev, "Verifying requests from Slack".
	slackSecret = "8f742231b10e8888abcd99yyyzzz85a5"
	slackBody   = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"

	// The example of HubSpot's "Validating requests", with its placeholder secret.
	hubSpotSecret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
	hubSpotBody   = `[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]`

	// EVENT_PAYLOAD of Stripe's libraries' tests, as JSON.stringify(…, null, 2) prints it.
	stripeBody = "{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\"\n}"
)

func vectors() map[string]vector {
	preset := func(p signalbox.Preset) signalbox.Verification { return signalbox.Verification{Preset: p} }
	return map[string]vector{
		// docs.github.com, "Validating webhook deliveries", "Testing the webhook payload validation".
		"github": {verify: preset(signalbox.PresetGitHub), secret: "It's a Secret to Everybody", at: time.Unix(1, 0), req: inbound.Request{
			Body:   []byte("Hello, World!"),
			Header: headers("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")}},
		"slack": {verify: preset(signalbox.PresetSlack), secret: slackSecret, at: time.Unix(1531420618, 0), timed: true, req: inbound.Request{
			Body: []byte(slackBody),
			Header: headers("X-Slack-Request-Timestamp", "1531420618",
				"X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")}},
		// Signed by generateTestHeaderString of stripe 23.1.0 (npm), secret and payload of its tests.
		"stripe": {verify: preset(signalbox.PresetStripe), secret: "whsec_test_secret", at: time.Unix(1533204620, 0), timed: true, req: inbound.Request{
			Body:   []byte(stripeBody),
			Header: headers("Stripe-Signature", "t=1533204620,v1=b211a6d90b230f214d40f639a5547af1198a989ecb45d03e3db0ab7bdcfe15d6")}},
		// The vector of the Standard Webhooks specification and its libraries.
		"standard": {verify: preset(signalbox.PresetStandard), secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", at: time.Unix(1614265330, 0), timed: true, req: inbound.Request{
			Body: []byte(`{"test": 2432232314}`),
			Header: headers("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp", "1614265330",
				"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")}},
		"standard, a key pair": {verify: preset(signalbox.PresetStandard), secret: "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", at: time.Unix(1614265330, 0), timed: true, req: inbound.Request{
			Body: []byte(`{"test": 2432232314}`),
			Header: headers("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp", "1614265330",
				"webhook-signature", "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==")}},
		// Signed by Signature.getSignature of @hubspot/api-client 13.5.0 (npm), on the example of the documentation.
		"hubspot": {verify: preset(signalbox.PresetHubSpot), secret: hubSpotSecret, at: time.UnixMilli(1564113600000), timed: true, req: inbound.Request{
			Method: "POST", URL: "https://www.example.com/webhook_uri?a=b:c/d", Body: []byte(hubSpotBody),
			Header: headers("X-HubSpot-Request-Timestamp", "1564113600000", "X-HubSpot-Signature-v3", "m3WQSVmz01fYIeIXy51gLav6RTzJ9KtScZgwPSunRno=")}},
		// The three below publish no vector: computed from their documents' words by another implementation of HMAC (openssl dgst).
		"calendly": {verify: preset(signalbox.PresetCalendly), secret: "a signing key of Calendly", at: time.Unix(1492774577, 0), timed: true, req: inbound.Request{
			Body:   []byte(`{"event":"invitee.created"}`),
			Header: headers("Calendly-Webhook-Signature", "t=1492774577,v1=25e4011d07f3e00d78a1bec2a67f564b5968b3e1e3c7529b6da6c4375960430b")}},
		"shopify": {verify: preset(signalbox.PresetShopify), secret: "hush", at: time.Unix(1, 0), req: inbound.Request{
			Body:   []byte(`{"id":820982911946154508}`),
			Header: headers("X-Shopify-Hmac-SHA256", "qBvrsZF7RfB1iS6BX6IHqJTp5L911P7intnPeTPsH0I=")}},
		"stackone": {verify: preset(signalbox.PresetStackOne), secret: "a signing secret of StackOne", at: time.Unix(1, 0), req: inbound.Request{
			Body:   []byte(`{"event":"account.created"}`),
			Header: headers("x-stackone-signature", "KF7mAxSXsffoYJZl9J3lwfDjS-aK-sbb-mlnRnPh7LY")}},
		"header": {verify: signalbox.Verification{Preset: signalbox.PresetHeader, Header: "X-Api-Key"}, secret: "s3cret of a header", at: time.Unix(1, 0), req: inbound.Request{
			Header: headers("X-Api-Key", "s3cret of a header")}},
		"header with Bearer": {verify: signalbox.Verification{Preset: signalbox.PresetHeader, Header: "authorization"}, secret: "s3cret", at: time.Unix(1, 0), req: inbound.Request{
			Header: headers("Authorization", "bearer s3cret")}},
		// RFC 7617, section 2.
		"basic": {verify: signalbox.Verification{Preset: signalbox.PresetBasic, User: "Aladdin"}, secret: "open sesame", at: time.Unix(1, 0), req: inbound.Request{
			Header: headers("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")}},
	}
}

func doorOf(t testing.TB, v signalbox.Verification) *inbound.Door {
	t.Helper()
	d, err := inbound.Compile(&signalbox.Incoming{Verify: v, Mapping: signalbox.Mapping{Type: `"t"`, Source: `"s"`}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func eachVector(t *testing.T, test func(*testing.T, *inbound.Door, vector)) {
	t.Helper()
	for name, v := range vectors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, doorOf(t, v.verify), v)
		})
	}
}

func TestVerify_PublishedVectors(t *testing.T) {
	t.Parallel()
	eachVector(t, func(t *testing.T, d *inbound.Door, v vector) {
		if err := d.Verify(&v.req, []string{v.secret}, v.at); err != nil {
			t.Error(err)
		}
	})
	covered := map[signalbox.Preset]bool{signalbox.PresetNone: true}
	for _, v := range vectors() {
		covered[v.verify.Preset] = true
	}
	for _, p := range signalbox.Presets() {
		if !covered[p] {
			t.Errorf("no vector of the preset %s", p)
		}
	}
}

// mustRefuse also holds every refusal to what the room promises of errors.
func mustRefuse(t *testing.T, what string, d *inbound.Door, v vector, secrets []string, at time.Time) {
	t.Helper()
	err := d.Verify(&v.req, secrets, at)
	if signalbox.CodeOf(err) != signalbox.Unauthorized {
		t.Errorf("%s: got %v, want it refused as unauthorized", what, err)
		return
	}
	for _, hush := range []string{v.secret, hex.EncodeToString(mac(v.secret, string(v.req.Body))), base64.StdEncoding.EncodeToString(mac(v.secret, string(v.req.Body)))} {
		if strings.Contains(err.Error(), hush) {
			t.Errorf("%s: the refusal tells what would be right: %v", what, err)
		}
	}
}

func TestVerify_EveryChangeIsRefused(t *testing.T) {
	t.Parallel()
	eachVector(t, func(t *testing.T, d *inbound.Door, v vector) {
		secrets := []string{v.secret}
		for _, name := range slices.Collect(maps.Keys(v.req.Header)) {
			value := v.req.Header.Get(name)
			for i := range value {
				flipped := []byte(value)
				flipped[i] ^= 1
				v.req.Header.Set(name, string(flipped))
				if !strings.EqualFold(string(flipped), value) {
					mustRefuse(t, "flipped "+name+": "+string(flipped), d, v, secrets, v.at)
				}
				v.req.Header.Set(name, value[:i])
				mustRefuse(t, "cut "+name+": "+value[:i], d, v, secrets, v.at)
			}
			v.req.Header.Set(name, value+"0")
			mustRefuse(t, "longer "+name, d, v, secrets, v.at)
			v.req.Header[name] = []string{value, value}
			mustRefuse(t, name+" twice", d, v, secrets, v.at)
			delete(v.req.Header, name)
			mustRefuse(t, "without "+name, d, v, secrets, v.at)
			if err := d.Verify(&v.req, secrets, v.at); !errors.Is(err, sign.ErrMissing) || !strings.Contains(err.Error(), name) {
				t.Errorf("without %s: got %v, want it named as missing", name, err)
			}
			v.req.Header.Set(name, value)
		}
		for i := range v.req.Body {
			v.req.Body[i] ^= 1
			mustRefuse(t, "body", d, v, secrets, v.at)
			v.req.Body[i] ^= 1
		}
		if err := d.Verify(&v.req, secrets, v.at); err != nil {
			t.Fatalf("the request is no longer as it was: %v", err)
		}
	})
}

func TestVerify_ATimeOutsideFiveMinutesIsRefused(t *testing.T) {
	t.Parallel()
	eachVector(t, func(t *testing.T, d *inbound.Door, v vector) {
		for seconds, want := range map[int]error{-301: sign.ErrTooNew, -300: nil, 0: nil, 300: nil, 301: sign.ErrTooOld} {
			if !v.timed {
				want = nil
			}
			if err := d.Verify(&v.req, []string{v.secret}, v.at.Add(time.Duration(seconds)*time.Second)); !errors.Is(err, want) {
				t.Errorf("%d s later: got %v, want %v", seconds, err, want)
			}
		}
	})
}

func TestVerify_EachOfSeveralSecretsIsTaken(t *testing.T) {
	t.Parallel()
	eachVector(t, func(t *testing.T, d *inbound.Door, v vector) {
		other := "whsec_" + base64.StdEncoding.EncodeToString([]byte("another secret of 32 bytes, more"))
		for name, secrets := range map[string][]string{"the newer": {v.secret, other}, "the older": {other, v.secret}, "beside an empty one": {"", v.secret}} {
			if err := d.Verify(&v.req, secrets, v.at); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		mustRefuse(t, "another secret", d, v, []string{other}, v.at)
	})
}

// new-api CVE-2026-41432: an empty secret verified everything.
func TestVerify_NoSecretVerifiesNothing(t *testing.T) {
	t.Parallel()
	eachVector(t, func(t *testing.T, d *inbound.Door, v vector) {
		for _, secrets := range [][]string{nil, {""}, {"", ""}} {
			err := d.Verify(&v.req, secrets, v.at)
			if !errors.Is(err, sign.ErrNoSecret) || signalbox.CodeOf(err) != signalbox.Unauthorized {
				t.Errorf("%q: got %v", secrets, err)
			}
		}
	})
	if err := doorOf(t, signalbox.Verification{Preset: signalbox.PresetNone}).Verify(&inbound.Request{}, nil, time.Time{}); err != nil {
		t.Errorf("none: %v", err)
	}
}

func TestVerify_HubSpotSignsTheURLDecodedAndTheMethod(t *testing.T) {
	t.Parallel()
	v := vectors()["hubspot"]
	d := doorOf(t, v.verify)
	v.req.URL = "https://www.example.com/webhook_uri?a=b%3Ac%2Fd" // as it may arrive of what was signed decoded
	if err := d.Verify(&v.req, []string{v.secret}, v.at); err != nil {
		t.Error(err)
	}
	// A sender that signs the URL as it is, codes and all.
	raw := v
	raw.req.Header = headers("X-HubSpot-Request-Timestamp", "1564113600000",
		"X-HubSpot-Signature-v3", base64.StdEncoding.EncodeToString(mac(v.secret, "POST"+v.req.URL+hubSpotBody+"1564113600000")))
	if err := d.Verify(&raw.req, []string{v.secret}, v.at); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*inbound.Request){
		"another method": func(r *inbound.Request) { r.Method = "PUT" },
		"another host":   func(r *inbound.Request) { r.URL = "https://internal:8080/webhook_uri?a=b:c/d" },
		"another query":  func(r *inbound.Request) { r.URL += "&x=1" },
	} {
		changed := v
		change(&changed.req)
		mustRefuse(t, name, d, changed, []string{v.secret}, v.at)
		if err := d.Verify(&changed.req, []string{v.secret}, v.at); !strings.Contains(err.Error(), "public one") {
			t.Errorf("%s: %v does not say that the URL is signed", name, err)
		}
	}
}

func TestVerify_CalendlysErrorsNameItsHeader(t *testing.T) {
	t.Parallel()
	v := vectors()["calendly"]
	d := doorOf(t, v.verify)
	for _, value := range []string{"", "t=1", "v1=00", "t=1492774577,v1=00"} {
		v.req.Header.Set("Calendly-Webhook-Signature", value)
		err := d.Verify(&v.req, []string{v.secret}, v.at)
		var e *signalbox.Error
		if !errors.As(err, &e) || !strings.Contains(e.Msg, "Calendly-Webhook-Signature") || strings.Contains(e.Msg, "Stripe") {
			t.Errorf("%q: got %v", value, err)
		}
	}
}

func TestVerify_SeveralStripeSignaturesWhileASecretIsRolled(t *testing.T) {
	t.Parallel()
	v := vectors()["stripe"]
	stamp := strconv.FormatInt(v.at.Unix(), 10)
	other := hex.EncodeToString(mac("another", stamp+"."+stripeBody))
	good := strings.TrimPrefix(v.req.Header.Get("Stripe-Signature"), "t="+stamp+",")
	v.req.Header.Set("Stripe-Signature", "t="+stamp+",v1="+other+","+good+",v0="+other)
	if err := doorOf(t, v.verify).Verify(&v.req, []string{v.secret}, v.at); err != nil {
		t.Error(err)
	}
}

func TestVerify_ABasicUserAndPasswordMustBothBeRight(t *testing.T) {
	t.Parallel()
	v := vectors()["basic"]
	d := doorOf(t, v.verify)
	for _, given := range []string{"Basic " + base64.StdEncoding.EncodeToString([]byte("Aladdin:open")), "Basic " + base64.StdEncoding.EncodeToString([]byte("aladdin:open sesame")),
		"Basic " + base64.StdEncoding.EncodeToString([]byte("open sesame")), "Basic !!!", "Bearer open sesame"} {
		v.req.Header.Set("Authorization", given)
		mustRefuse(t, given, d, v, []string{v.secret}, v.at)
	}
}

func TestChallenge_AnswersSlackAlone(t *testing.T) {
	t.Parallel()
	// The example of docs.slack.dev, "url_verification".
	const asked = `{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`
	slack := doorOf(t, signalbox.Verification{Preset: signalbox.PresetSlack})
	answer, ok := slack.Challenge(&inbound.Request{Body: []byte(asked)})
	if !ok || string(answer) != "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P" {
		t.Errorf("got %q, %v", answer, ok)
	}
	for name, body := range map[string]string{
		"an event": `{"type":"event_callback","challenge":"x"}`, "no challenge": `{"type":"url_verification"}`, "a form": slackBody, "nothing": "",
		"much too long": `{"type":"url_verification","challenge":"` + strings.Repeat("x", 2000) + `"}`,
	} {
		if answer, ok := slack.Challenge(&inbound.Request{Body: []byte(body)}); ok {
			t.Errorf("%s: answered %q", name, answer)
		}
	}
	if answer, ok := doorOf(t, signalbox.Verification{Preset: signalbox.PresetNone}).Challenge(&inbound.Request{Body: []byte(asked)}); ok {
		t.Errorf("a door without Slack's preset answered %q", answer)
	}
}

func FuzzVerify(f *testing.F) {
	all := vectors()
	names := slices.Sorted(maps.Keys(all))
	for i, name := range names {
		v := all[name]
		for header := range v.req.Header {
			f.Add(uint8(i), header, v.req.Header.Get(header), v.req.Body)
		}
	}
	doors := map[string]*inbound.Door{}
	for _, name := range names {
		doors[name] = doorOf(f, all[name].verify)
	}
	f.Fuzz(func(t *testing.T, which uint8, header, value string, body []byte) {
		name := names[int(which)%len(names)]
		v := all[name]
		changed := v.req
		changed.Header, changed.Body = v.req.Header.Clone(), body
		changed.Header.Set(header, value)
		err := doors[name].Verify(&changed, []string{v.secret}, v.at)
		same := string(body) == string(v.req.Body) || v.verify.Preset == signalbox.PresetHeader || v.verify.Preset == signalbox.PresetBasic
		if err == nil && !same {
			t.Fatalf("%s: another body was accepted: %q", name, body)
		}
		if err != nil && signalbox.CodeOf(err) != signalbox.Unauthorized {
			t.Fatalf("%s: %v", name, err)
		}
	})
}
