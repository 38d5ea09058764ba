package deliver

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"signalbox"
	"signalbox/egress"
	"signalbox/seal"
	"signalbox/sign"
)

// Opener opens what was sealed; *seal.Box is one.
type Opener interface {
	Open(bind seal.Bind, sealed []byte) ([]byte, error)
}

// What a webhook's sealed values are bound to, beside its workspace and id.
const (
	SecretKind  = "webhook.secret"  // Webhook.SealedSecret: the secret's text
	HeadersKind = "webhook.headers" // Webhook.SealedHeaders: a JSON object of strings
	KeyKind     = "webhook.key"     // Webhook.SealedKey and SealedOldKey: a whsk_ key's text
)

// target is what a webhook is sent to by, prepared once per revision: parsing, unsealing and keying are not paid per attempt.
type target struct {
	webhook *signalbox.Webhook

	once   sync.Once
	err    error // why it cannot be sent to
	url    *url.URL
	signer *sign.Signer // of the secret
	both   *sign.Signer // of the secret and the one before it, during an overlap; nil: there is none
	custom http.Header
}

func newTarget(wh *signalbox.Webhook) *target { return &target{webhook: wh} }

// prepare makes the target ready, once. Its error may be shown to anyone: it never holds a value.
func (t *target) prepare(box Opener) error {
	t.once.Do(func() { t.err = t.open(box) })
	return t.err
}

func (t *target) open(box Opener) error {
	wh := t.webhook
	u, err := url.Parse(wh.URL)
	if err != nil {
		return fmt.Errorf("the webhook's url cannot be read")
	}
	secret, err := box.Open(bind(wh, SecretKind), wh.SealedSecret)
	if err != nil {
		return fmt.Errorf("the webhook's secret cannot be opened: %w", err)
	}
	signer, err := sign.NewSigner([]sign.Secret{sign.Secret(secret)}, 0)
	if err != nil {
		return fmt.Errorf("the webhook's secret cannot sign: %w", err)
	}
	key, err := openKey(box, wh, wh.SealedKey)
	if err == nil && key != "" {
		signer, err = signer.WithKeys(key)
	}
	if err != nil {
		return fmt.Errorf("the webhook's key cannot sign: %w", err)
	}
	both, err := openBoth(box, wh, sign.Secret(secret), key)
	if err != nil {
		return err
	}
	custom, err := openHeaders(box, wh)
	if err != nil {
		return err
	}
	t.url, t.signer, t.both, t.custom = u, signer, both, custom
	return nil
}

// openBoth makes the signer of an overlap (contract section 12); nil when none goes on.
func openBoth(box Opener, wh *signalbox.Webhook, secret, key sign.Secret) (*sign.Signer, error) {
	if len(wh.SealedPrevious) == 0 {
		return nil, nil
	}
	previous, err := box.Open(bind(wh, SecretKind), wh.SealedPrevious)
	if err != nil {
		return nil, fmt.Errorf("the webhook's secret before cannot be opened: %w", err)
	}
	vendor := 0
	if wh.VendorPrevious {
		vendor = 1
	}
	signer, err := sign.NewSigner([]sign.Secret{secret, sign.Secret(previous)}, vendor)
	if err != nil {
		return nil, fmt.Errorf("the webhook's secret before cannot sign: %w", err)
	}
	old, err := openKey(box, wh, wh.SealedOldKey)
	if err != nil {
		return nil, err
	}
	keys := slices.DeleteFunc([]sign.Secret{key, old}, func(k sign.Secret) bool { return k == "" })
	if signer, err = signer.WithKeys(keys...); err != nil {
		return nil, fmt.Errorf("the webhook's key before cannot sign: %w", err)
	}
	return signer, nil
}

// openKey opens an ed25519 key; "" for none.
func openKey(box Opener, wh *signalbox.Webhook, sealed []byte) (sign.Secret, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	key, err := box.Open(bind(wh, KeyKind), sealed)
	if err != nil {
		return "", fmt.Errorf("the webhook's key cannot be opened: %w", err)
	}
	return sign.Secret(key), nil
}

// signerAt is what signs an attempt at a moment.
func (t *target) signerAt(at time.Time) *sign.Signer {
	if t.both != nil && t.webhook.PreviousSigns(at) {
		return t.both
	}
	return t.signer
}

func bind(wh *signalbox.Webhook, kind string) seal.Bind {
	return seal.Bind{Workspace: int64(wh.Workspace), Row: int64(wh.ID), Kind: kind}
}

func openHeaders(box Opener, wh *signalbox.Webhook) (http.Header, error) {
	if len(wh.SealedHeaders) == 0 {
		return nil, nil
	}
	text, err := box.Open(bind(wh, HeadersKind), wh.SealedHeaders)
	if err != nil {
		return nil, fmt.Errorf("the webhook's headers cannot be opened: %w", err)
	}
	var values map[string]string
	if err := json.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("the webhook's headers cannot be read")
	}
	custom := make(http.Header, len(values))
	for name, value := range values {
		custom.Set(name, value)
	}
	return custom, nil
}

// request makes the request of one attempt, and says which of its headers are custom: those first, so that they never replace the protocol's or the
// signature's (contract section 12).
func (t *target) request(s *Sender, it *item, attempt signalbox.AttemptID, at time.Time) (req egress.Request, custom http.Header, err error) {
	in := sign.Input{
		Format:          sign.Format(t.webhook.Format),
		SignatureFormat: string(t.webhook.SignatureFormat),
		EventID:         s.cfg.Codec.Format(signalbox.KindEvent, int64(it.Event)),
		EventName:       it.EventName,
		AttemptUUID:     uuidText(s.cfg.Codec.UUID(signalbox.KindAttempt, int64(attempt))),
		Timestamp:       at,
		Body:            it.Body,
		UserAgent:       s.cfg.UserAgent,
	}
	if it.Request != nil {
		return t.action(s, it.Request, in)
	}
	if err := t.prepare(s.cfg.Box); err != nil {
		return egress.Request{}, nil, err
	}
	return t.signed(egress.Request{Method: http.MethodPost, URL: t.url}, t.custom, in)
}

// signed gives a request its headers and its body.
func (t *target) signed(req egress.Request, custom http.Header, in sign.Input) (egress.Request, http.Header, error) {
	h := make(http.Header, len(custom)+9)
	for name, values := range custom {
		h[name] = values
	}
	for name, values := range req.Header {
		h[name] = values
	}
	if err := t.signerAt(in.Timestamp).Headers(h, in); err != nil {
		return egress.Request{}, nil, fmt.Errorf("the request cannot be signed: %w", err)
	}
	req.Header, req.Body = h, in.Body
	return req, custom, nil
}

// uuidText writes a UUID in its 8-4-4-4-12 form (RFC 9562).
func uuidText(u [16]byte) string {
	var out [36]byte
	hex.Encode(out[:8], u[:4])
	hex.Encode(out[9:13], u[4:6])
	hex.Encode(out[14:18], u[6:8])
	hex.Encode(out[19:23], u[8:10])
	hex.Encode(out[24:], u[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}
