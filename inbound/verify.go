package inbound

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"signalbox"
	"signalbox/sign"
	"signalbox/strictjson"
)

// Request is a body as it came, with what stood around it.
type Request struct {
	Method string // as it was sent: "POST"
	URL    string // whole, as the sender called it: scheme, host, path and query (HubSpot signs it)
	Header http.Header
	Query  url.Values
	Body   []byte
}

// The headers of the schemes that package sign does not know.
const (
	headerSlack       = "X-Slack-Signature"
	headerSlackTime   = "X-Slack-Request-Timestamp"
	headerHubSpot     = "X-Hubspot-Signature-V3"
	headerHubSpotTime = "X-Hubspot-Request-Timestamp"
	headerCalendly    = "Calendly-Webhook-Signature"
	headerShopify     = "X-Shopify-Hmac-Sha256"
)

// Verify says whether one of the secrets proves that the request came from whoever has it; now judges the times that are signed. The secrets are those in
// force, several while one takes the place of another. The error's Code is Unauthorized; it says what was missing or wrong, and never what would be right.
func (d *Door) Verify(req *Request, secrets []string, now time.Time) error {
	how := d.in.Verify
	if how.Preset == signalbox.PresetNone {
		return nil
	}
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return s == "" })
	if len(secrets) == 0 {
		return refused(sign.ErrNoSecret, "no secret is set: a request cannot be verified until it has one")
	}
	switch how.Preset {
	case signalbox.PresetHeader:
		return verifyHeader(req.Header, how.Header, secrets)
	case signalbox.PresetBasic:
		return verifyBasic(req.Header, how.User, secrets)
	case signalbox.PresetStandard:
		return verifyStandard(req, secrets, now)
	case signalbox.PresetGitHub:
		return verifySigned(sign.GitHub, req.Header, req.Body, secrets, now)
	case signalbox.PresetStripe:
		return verifySigned(sign.Stripe, req.Header, req.Body, secrets, now)
	case signalbox.PresetStackOne:
		return verifySigned(sign.StackOne, req.Header, req.Body, secrets, now)
	case signalbox.PresetCalendly:
		return verifyCalendly(req, secrets, now)
	case signalbox.PresetSlack:
		return verifySlack(req, secrets, now)
	case signalbox.PresetHubSpot:
		return verifyHubSpot(req, secrets, now)
	case signalbox.PresetShopify:
		return verifyShopify(req, secrets)
	}
	return refused(nil, "the preset %q is not known", how.Preset)
}

// refused is the answer to whoever did not prove who they are.
func refused(cause error, format string, args ...any) error {
	e := signalbox.Errorf(signalbox.Unauthorized, format, args...)
	e.Err = cause
	return e
}

// verifySigned leaves a scheme to package sign.
func verifySigned(scheme sign.Scheme, header http.Header, body []byte, secrets []string, now time.Time) error {
	keys := make([]sign.Secret, len(secrets))
	for i, s := range secrets {
		keys[i] = sign.Secret(s)
	}
	if err := sign.Verify(scheme, header, body, keys, now); err != nil {
		return refused(err, "%s", err)
	}
	return nil
}

// verifyStandard takes secrets of both kinds: whsec_… of a MAC, and whpk_… of a key pair.
func verifyStandard(req *Request, secrets []string, now time.Time) error {
	public := func(s string) bool { return strings.HasPrefix(s, "whpk_") }
	shared := slices.DeleteFunc(slices.Clone(secrets), public)
	err := error(nil)
	if len(shared) > 0 {
		if err = verifySigned(sign.Standard, req.Header, req.Body, shared, now); err == nil {
			return nil
		}
	}
	if len(shared) == len(secrets) {
		return err
	}
	pairs := slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return !public(s) })
	return verifySigned(sign.StandardEd25519, req.Header, req.Body, pairs, now)
}

// verifyCalendly reads the header as Stripe's: Calendly writes and signs the same under its own name
// (developer.calendly.com, "Webhook Signatures"). Its tolerance is its own advice to receivers, three minutes; five, as everywhere here, lets its retries be late.
func verifyCalendly(req *Request, secrets []string, now time.Time) error {
	as := http.Header{sign.HeaderStripe: req.Header.Values(headerCalendly)}
	err := verifySigned(sign.Stripe, as, req.Body, secrets, now)
	if e, ok := err.(*signalbox.Error); ok {
		e.Msg = strings.ReplaceAll(e.Msg, sign.HeaderStripe, headerCalendly)
		e.Err = fmt.Errorf("read as %s: %w", sign.HeaderStripe, e.Err)
	}
	return err
}

// verifySlack checks v0=hex over v0:time:body (docs.slack.dev, "Verifying requests from Slack").
func verifySlack(req *Request, secrets []string, now time.Time) error {
	stamp, err := freshHeader(req.Header, headerSlackTime, time.Second, now)
	if err != nil {
		return err
	}
	value, err := single(req.Header, headerSlack)
	if err != nil {
		return err
	}
	text, ok := strings.CutPrefix(value, "v0=")
	got, bad := hex.DecodeString(text)
	if !ok || bad != nil || len(got) != sha256.Size || strings.ContainsAny(text, "ABCDEF") {
		return refused(sign.ErrMalformed, "%s must be v0= and 64 lower-case hex digits", headerSlack)
	}
	return match(headerSlack, got, secrets, []byte("v0:"+stamp+":"), req.Body)
}

// verifyHubSpot checks base64 over method, URL, body and time (developers.hubspot.com, "Validate the v3 request signature").
func verifyHubSpot(req *Request, secrets []string, now time.Time) error {
	stamp, err := freshHeader(req.Header, headerHubSpotTime, time.Millisecond, now)
	if err != nil {
		return err
	}
	got, err := base64Header(req.Header, headerHubSpot)
	if err != nil {
		return err
	}
	for _, address := range []string{hubSpotURL(req.URL), req.URL} {
		if err = match(headerHubSpot, got, secrets, []byte(req.Method+address), req.Body, []byte(stamp)); err == nil {
			return nil
		}
	}
	refusal := err.(*signalbox.Error)
	refusal.Msg += "; HubSpot signs the URL too: the one registered there must be this server's public one, letter by letter"
	return refusal
}

// hubSpotCodes are the characters that HubSpot signs as they are where a URL has them encoded.
var hubSpotCodes = strings.NewReplacer("%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$", "%27", "'", "%28", "(", "%29", ")",
	"%2A", "*", "%2C", ",", "%3B", ";")

func hubSpotURL(address string) string { return hubSpotCodes.Replace(address) }

// verifyShopify checks base64 over the body (shopify.dev, "Verify the webhook").
func verifyShopify(req *Request, secrets []string) error {
	got, err := base64Header(req.Header, headerShopify)
	if err != nil {
		return err
	}
	return match(headerShopify, got, secrets, req.Body)
}

// verifyHeader compares a header with the secrets, as it is and without "Bearer ". What is compared has one length, so that the time says nothing of the secret's.
func verifyHeader(header http.Header, name string, secrets []string) error {
	value, err := single(header, name)
	if err != nil {
		return err
	}
	forms := []string{value}
	if scheme, rest, ok := strings.Cut(value, " "); ok && strings.EqualFold(scheme, "Bearer") {
		forms = append(forms, strings.TrimLeft(rest, " "))
	}
	found := 0
	for _, secret := range secrets {
		for _, form := range forms {
			found |= same(form, secret)
		}
	}
	if found == 0 {
		return refused(sign.ErrMismatch, "%s does not hold the secret", http.CanonicalHeaderKey(name))
	}
	return nil
}

func verifyBasic(header http.Header, user string, secrets []string) error {
	if _, err := single(header, "Authorization"); err != nil {
		return err
	}
	givenUser, password, ok := (&http.Request{Header: header}).BasicAuth()
	if !ok {
		return refused(sign.ErrMalformed, "Authorization must be Basic and base64 of user:password")
	}
	found := 0
	for _, secret := range secrets {
		found |= same(password, secret)
	}
	if found&same(givenUser, user) == 0 {
		return refused(sign.ErrMismatch, "the user or the password in Authorization is not the one that is set")
	}
	return nil
}

// same is 1 for equal texts.
func same(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// match says whether a digest is the MAC of the parts under any secret.
func match(header string, got []byte, secrets []string, parts ...[]byte) error {
	for _, secret := range secrets {
		m := hmac.New(sha256.New, []byte(secret))
		for _, part := range parts {
			m.Write(part)
		}
		if hmac.Equal(got, m.Sum(nil)) {
			return nil
		}
	}
	return refused(sign.ErrMismatch, "no signature matches: %s holds none that was made with this secret for these exact bytes", header)
}

// single reads a header that must be there once.
func single(header http.Header, name string) (string, error) {
	name = http.CanonicalHeaderKey(name)
	switch values := header.Values(name); {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", refused(sign.ErrMissing, "the header %s is missing", name)
	case len(values) > 1:
		return "", refused(sign.ErrMalformed, "the header %s is there %d times, not once", name, len(values))
	default:
		return values[0], nil
	}
}

// base64Header reads a digest that has one accepted spelling.
func base64Header(header http.Header, name string) ([]byte, error) {
	value, err := single(header, name)
	if err != nil {
		return nil, err
	}
	got, bad := base64.StdEncoding.Strict().DecodeString(value)
	if bad != nil || len(got) != sha256.Size || strings.ContainsAny(value, "\r\n") {
		return nil, refused(sign.ErrMalformed, "%s must be 44 characters of base64", name)
	}
	return got, nil
}

// freshHeader reads a time in whole units that must be near now. Only plain digits are accepted, so that the text that is signed has one meaning.
func freshHeader(header http.Header, name string, unit time.Duration, now time.Time) (string, error) {
	stamp, err := single(header, name)
	if err != nil {
		return "", err
	}
	n, bad := strconv.ParseUint(stamp, 10, 53)
	if bad != nil || len(stamp) > 1 && stamp[0] == '0' || n > uint64(1<<62/unit) {
		what := map[time.Duration]string{time.Second: "seconds", time.Millisecond: "milliseconds"}[unit]
		return "", refused(sign.ErrMalformed, "%s must be Unix %s", name, what)
	}
	age := now.Sub(time.Unix(0, 0).Add(time.Duration(n) * unit))
	most := int64(sign.Tolerance / time.Second)
	switch {
	case age > sign.Tolerance:
		return "", refused(sign.ErrTooOld, "%s is %d s behind, at most %d are allowed", name, int64(age/time.Second), most)
	case age < -sign.Tolerance:
		return "", refused(sign.ErrTooNew, "%s is %d s ahead, at most %d are allowed", name, int64(-age/time.Second), most)
	}
	return stamp, nil
}

// maxChallenge bounds what is sent back to Slack, whose challenges have about 50 characters.
const maxChallenge = 1024

// Challenge answers the question that Slack asks when a URL is registered (url_verification), as text/plain; ok says that the body was one, and is no signal.
// Ask it after Verify: Slack signs it like everything else.
func (d *Door) Challenge(req *Request) (answer []byte, ok bool) {
	if d.in.Verify.Preset != signalbox.PresetSlack {
		return nil, false
	}
	var asked struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
	}
	if strictjson.Unmarshal(req.Body, &asked) != nil || asked.Type != "url_verification" || asked.Challenge == "" || len(asked.Challenge) > maxChallenge {
		return nil, false
	}
	return []byte(asked.Challenge), true
}
