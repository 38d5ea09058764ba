package api

import (
	"fmt"
	"net/http"
	"time"

	"signalbox"
	"signalbox/auth"
	"signalbox/sign"
)

// Of an overlap, in which two secrets sign (contract section 12).
const (
	defaultOverlap = 24 * time.Hour
	maxOverlap     = 7 * 24 * time.Hour
)

// secretRoutes are the doors of a webhook's signing secret.
func (a *API) secretRoutes() []route {
	const tag = "Webhooks"
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/webhooks/{id}/secret/regenerate", id: "regenerateSecret", tag: tag, need: auth.NeedHooks,
			summary: "Make another signing secret",
			detail: "The answer shows the new `secret`, once. Until the overlap ends both secrets sign: `webhook-signature` carries a signature of each, and the format's own header, which has " +
				"room for one, that of the old secret, until `POST …/secret/activate` or the end. With an overlap of 0 the old secret signs nothing any more.",
			status: http.StatusOK, bare: true, bodyOptional: true,
			examples: []example{
				{name: "own", summary: "A secret of your own, at once", body: `{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","overlap":0}`},
				{name: "overlap", summary: "Both secrets sign for an hour", body: `{"overlap":3600}`},
			},
			answers: takes(a.regenerateSecret),
		},
		{
			method: http.MethodGet, pattern: "/v1/webhooks/{id}/public-key", id: "getPublicKey", tag: tag, need: auth.NeedRead,
			summary: "Read the key that receivers verify with", detail: "Of a webhook that signs with ed25519 too (`asymmetric`): the keys whose signatures `webhook-signature` carries as `v1a` now, the present one first. " +
				"None where it does not.",
			status: http.StatusOK, answers: asks(a.getPublicKey),
		},
		{
			method: http.MethodPost, pattern: "/v1/webhooks/{id}/secret/activate", id: "activateSecret", tag: tag, need: auth.NeedHooks,
			summary: "Sign the format's own header with the new secret now",
			detail:  "`webhook-signature` goes on carrying both signatures until the overlap ends. Conflict where no overlap goes on.",
			status:  http.StatusOK, bare: true, bodyOptional: true, also: []signalbox.Code{signalbox.Conflict}, answers: asks(a.activateSecret),
		},
	}
}

// newSecret is the body of POST /v1/webhooks/{id}/secret/regenerate.
type newSecret struct {
	Overlap *int    `json:"overlap" min:"0" max:"604800" doc:"For how many seconds the old secret signs too: a day unless given."`
	Secret  *string `json:"secret" minlen:"16" maxlen:"512" doc:"Your own signing secret; one is made unless given."`
}

// freshSecret is the answer that shows a secret made anew, once.
type freshSecret struct {
	Secret         string          `json:"secret" doc:"Shown this once."`
	StandardSecret string          `json:"standard_secret,omitempty" doc:"The same secret in the form that Standard Webhooks libraries take, when yours has another one. Shown this once."`
	PublicKey      *string         `json:"public_key" doc:"Of the new ed25519 key; null: there is none."`
	Previous       *previousSecret `json:"previous_secret" doc:"Null: the old secret signs nothing any more."`
}

// previousSecret tells of the secret before the present one.
type previousSecret struct {
	ValidUntil        stamp `json:"valid_until" doc:"Until when it signs beside the present one, or did."`
	Signs             bool  `json:"signs" doc:"It still does."`
	SignsFormatHeader bool  `json:"signs_format_header" doc:"The format's own header is signed with it, not with the present one."`
}

func (c *call) previousSecret(w *signalbox.Webhook) *previousSecret {
	if w.PreviousUntil.IsZero() {
		return nil
	}
	signs := w.PreviousSigns(c.now)
	return &previousSecret{ValidUntil: stamp(w.PreviousUntil), Signs: signs, SignsFormatHeader: signs && w.VendorPrevious}
}

// regenerateSecret seals another secret, and keeps the one that there was for the overlap.
func (a *API) regenerateSecret(c *call, in *newSecret) (freshSecret, error) {
	id, err := webhookID(c)
	if err != nil {
		return freshSecret{}, err
	}
	return a.regenerate(c, in, id, a.registered)
}

// regenerate gives a webhook another secret; refuse says why it must not.
func (a *API) regenerate(c *call, in *newSecret, id signalbox.WebhookID, refuse func(*signalbox.Webhook) error) (freshSecret, error) {
	overlap := defaultOverlap
	if in.Overlap != nil {
		overlap = time.Duration(*in.Overlap) * time.Second
	}
	if overlap < 0 || overlap > maxOverlap {
		return freshSecret{}, signalbox.InvalidField("overlap", "overlap must be from 0 to %d seconds", int(maxOverlap/time.Second))
	}
	secret, err := a.chooseSecret(in.Secret)
	if err != nil {
		return freshSecret{}, err
	}
	out := freshSecret{Secret: secret.Reveal(), StandardSecret: standardForm(secret)}
	w, err := a.cfg.Store.UpdateWebhook(c.act(), c.ws(), id, c.now, func(w *signalbox.Webhook) error {
		if err := refuse(w); err != nil {
			return err
		}
		w.SealedPrevious, w.PreviousUntil, w.VendorPrevious = nil, c.now, false
		if overlap > 0 {
			w.SealedPrevious, w.PreviousUntil, w.VendorPrevious = w.SealedSecret, c.now.Add(overlap), true
		}
		w.SealedSecret = a.cfg.Box.Seal(secretBind(w), []byte(secret.Reveal()))
		if w.PublicKey == "" {
			return nil
		}
		if w.SealedOldKey = nil; overlap > 0 {
			w.SealedOldKey = w.SealedKey
		}
		return a.newKey(w)
	})
	if err != nil {
		return freshSecret{}, err
	}
	a.definitionChanged(c, id)
	out.PublicKey = textOrNull(w.PublicKey)
	if out.Previous = c.previousSecret(&w); overlap == 0 {
		out.Previous = nil
	}
	return out, nil
}

// publicKeys are what receivers verify v1a signatures with.
type publicKeys struct {
	Algorithm string   `json:"algorithm" enum:"ed25519"`
	Keys      []string `json:"public_keys" doc:"whpk_…, the present one first; during an overlap the one before, too. Empty: the webhook signs with its secret alone."`
}

// getPublicKey tells the public halves of the keys that sign now.
func (a *API) getPublicKey(c *call) (publicKeys, error) {
	w, err := a.webhook(c)
	if err != nil {
		return publicKeys{}, err
	}
	out := publicKeys{Algorithm: "ed25519", Keys: []string{}}
	if w.PublicKey != "" {
		out.Keys = append(out.Keys, w.PublicKey)
	}
	if len(w.SealedOldKey) > 0 && w.PreviousSigns(c.now) {
		old, err := a.cfg.Box.Open(keyBind(&w), w.SealedOldKey)
		if err != nil {
			return publicKeys{}, fmt.Errorf("open the key before of a webhook: %w", err)
		}
		public, err := sign.PublicKey(sign.Secret(old))
		if err != nil {
			return publicKeys{}, fmt.Errorf("read the key before of a webhook: %w", err)
		}
		out.Keys = append(out.Keys, public)
	}
	return out, nil
}

// activateSecret has the format's own header signed with the present secret before the overlap ends.
func (a *API) activateSecret(c *call) (webhookView, error) {
	id, err := webhookID(c)
	if err != nil {
		return webhookView{}, err
	}
	return a.activate(c, id, a.registered)
}

// activate ends for the format's own header the overlap that goes on; refuse as in regenerate.
func (a *API) activate(c *call, id signalbox.WebhookID, refuse func(*signalbox.Webhook) error) (webhookView, error) {
	return a.saveWebhook(c, id, func(w *signalbox.Webhook) error {
		if err := refuse(w); err != nil {
			return err
		}
		if !w.PreviousSigns(c.now) {
			return signalbox.Errorf(signalbox.Conflict, "no overlap goes on: the present secret signs everything")
		}
		w.VendorPrevious = false
		return nil
	})
}

// standardForm is a secret as Standard Webhooks libraries take it; "" when it has that form itself.
func standardForm(secret sign.Secret) string {
	if standard := secret.Standard(); standard != secret.Reveal() {
		return standard
	}
	return ""
}
