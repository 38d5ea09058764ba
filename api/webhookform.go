package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"signalbox"
	"signalbox/filter"
	"signalbox/retry"
	"signalbox/seal"
	"signalbox/sign"
	"signalbox/strictjson"
	"signalbox/wire"
)

// The bounds of a webhook's fields.
const (
	maxDescription = 2000 // characters
	maxPatterns    = 100
	maxInFlight    = 100
	maxPerSecond   = 1000
	maxRetries     = 20
	maxRetryWait   = 7 * 24 * time.Hour
)

// newWebhook is the body of POST /v1/webhooks.
type newWebhook struct {
	URL             *string           `json:"url" maxlen:"2048" doc:"Where push deliveries go: HTTPS, a public address. A pull webhook has none."`
	Events          []string          `json:"events" maxitems:"100" doc:"Names of events, prefix.* or *. Only these are sent. Required, but for the format staircase, which gets notifications alone."`
	Label           *string           `json:"label" maxlen:"200"`
	Description     *string           `json:"description" maxlen:"2000"`
	Format          *string           `json:"format" enum:"stairoids|standard|stackone|staircase" doc:"The shape of the bodies: stairoids unless given. Fixed when the webhook is made. Stackone knows the events of linked accounts and their records alone."`
	SignatureFormat *string           `json:"signature_format" enum:"prefixed|secret_sha256" doc:"For the format stairoids, prefixed writes X-Stairoids-Signature as sha256=<hex>. For staircase, secret_sha256 sends the hash of the secret alone: weak, for receivers that compare just that."`
	Headers         map[string]string `json:"headers" doc:"Sent with every delivery. Values are stored sealed and never shown."`
	MaxInFlight     *int              `json:"max_in_flight" min:"1" max:"100" doc:"How many requests it gets at the same time, 8 unless given."`
	RatePerSecond   *int              `json:"rate_per_second" min:"0" max:"1000" doc:"How many requests it gets in a second, spread evenly; 0, the default: as many as it takes."`
	RetrySchedule   *[]int            `json:"retry_schedule" maxitems:"20" doc:"Seconds to wait after each failed attempt, each from 1 to 604,800; an empty list: one attempt and no more."`
	RetryPreset     *string           `json:"retry_preset" enum:"stairoids|standard" doc:"A schedule by name, in place of retry_schedule: stairoids, the default (1 min, 5 min, 30 min, 2 h, 8 h), or standard (ten attempts over 75 hours)."`
	Enabled         *bool             `json:"enabled" doc:"True unless given."`
	Kind            *string           `json:"kind" enum:"push|pull" doc:"push unless given."`
	Temporary       *bool             `json:"temporary" doc:"Only for pull: the webhook goes with its last reader."`
	Filter          strictjson.Raw    `json:"filter" type:"object" doc:"Which of the events that it names it takes: {field, operator, value}, or {all: […]} or {any: […]} of such. Null: all of them."`
	Asymmetric      *bool             `json:"asymmetric" doc:"Also sign with an ed25519 key (v1a of Standard Webhooks): the answer shows its public half, which receivers verify with."`
	Secret          *string           `json:"secret" minlen:"16" maxlen:"512" doc:"Your own signing secret; one is made unless given."`
}

// buildWebhook checks what was asked for and makes the webhook, all but its secret.
func (a *API) buildWebhook(c *call, in *newWebhook) (signalbox.Webhook, error) {
	w := signalbox.Webhook{
		ID: signalbox.WebhookID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), Kind: signalbox.KindPush, URL: value(in.URL), Events: append([]string{}, in.Events...),
		Label: value(in.Label), Description: value(in.Description), Format: signalbox.FormatStairoids,
		SignatureFormat: signalbox.SignatureFormat(value(in.SignatureFormat)), MaxInFlight: signalbox.DefaultMaxInFlight,
		Enabled: in.Enabled == nil || *in.Enabled, Temporary: in.Temporary != nil && *in.Temporary, CreatedAt: c.now, UpdatedAt: c.now,
	}
	if kind := value(in.Kind); kind != "" {
		w.Kind = signalbox.WebhookKind(kind)
	}
	if format := value(in.Format); format != "" {
		w.Format = signalbox.Format(format)
	}
	if in.MaxInFlight != nil {
		w.MaxInFlight = *in.MaxInFlight
	}
	set(&w.RatePerSecond, in.RatePerSecond)
	if err := setSchedule(&w, in.RetrySchedule, in.RetryPreset); err != nil {
		return w, err
	}
	if !w.Enabled {
		w.DisabledReason = disabledByHand
	}
	if err := checkWebhook(&w); err != nil {
		return w, err
	}
	if w.Kind == signalbox.KindPush {
		if err := a.checkTarget(c, w.URL); err != nil {
			return w, err
		}
	}
	if err := setFilter(&w, in.Filter); err != nil {
		return w, err
	}
	if err := a.setKey(&w, in.Asymmetric); err != nil {
		return w, err
	}
	return w, a.setHeaders(&w, in.Headers)
}

// checkWebhook holds a webhook against the rules that need nothing but itself.
func checkWebhook(w *signalbox.Webhook) error {
	switch w.Kind {
	case signalbox.KindPush:
		if w.URL == "" {
			return signalbox.InvalidField("url", "url is required for a push webhook")
		}
		if w.Temporary {
			return signalbox.InvalidField("temporary", "temporary is only for a webhook of the kind pull")
		}
	case signalbox.KindPull:
		if w.URL != "" {
			return signalbox.InvalidField("url", "url must be absent for a pull webhook: its events are read with GET /v1/webhooks/{id}/events")
		}
	default:
		return signalbox.InvalidField("kind", "kind must be push or pull")
	}
	if err := checkFormat(w.Format); err != nil {
		return err
	}
	switch {
	case w.SignatureFormat == signalbox.SignaturePrefixed && w.Format != signalbox.FormatStairoids:
		return signalbox.InvalidField("signature_format", "signature_format prefixed is only for the format stairoids")
	case w.SignatureFormat == signalbox.SignatureHashed && w.Format != signalbox.FormatStaircase:
		return signalbox.InvalidField("signature_format", "signature_format secret_sha256 is only for the format staircase")
	case w.SignatureFormat != "" && w.SignatureFormat != signalbox.SignaturePrefixed && w.SignatureFormat != signalbox.SignatureHashed:
		return signalbox.InvalidField("signature_format", "signature_format must be prefixed (stairoids) or secret_sha256 (staircase), or absent for the format's own")
	case w.MaxInFlight < 1 || w.MaxInFlight > maxInFlight:
		return signalbox.InvalidField("max_in_flight", "max_in_flight must be a whole number from 1 to %d", maxInFlight)
	case w.RatePerSecond < 0 || w.RatePerSecond > maxPerSecond:
		return signalbox.InvalidField("rate_per_second", "rate_per_second must be a whole number from 1 to %d, or 0 for no bound", maxPerSecond)
	}
	if err := checkLength("label", w.Label, signalbox.MaxName); err != nil {
		return err
	}
	if err := checkLength("description", w.Description, maxDescription); err != nil {
		return err
	}
	return checkEvents(w.Format, w.Events)
}

// setSchedule sets by which waits a webhook is tried again: those given, or those of a preset.
func setSchedule(w *signalbox.Webhook, seconds *[]int, preset *string) error {
	name := value(preset)
	switch {
	case seconds != nil && name != "":
		return signalbox.InvalidField("retry_preset", "retry_preset and retry_schedule exclude each other: give one of them")
	case name == retry.PresetStairoids:
		w.RetrySchedule = nil
	case name != "":
		schedule, ok := retry.Preset(name)
		if !ok {
			return signalbox.InvalidField("retry_preset", "retry_preset must be %s or %s", retry.PresetStairoids, retry.PresetStandard)
		}
		w.RetrySchedule = schedule
	case seconds != nil:
		if len(*seconds) > maxRetries {
			return signalbox.InvalidField("retry_schedule", "retry_schedule holds too many waits: at most %d", maxRetries)
		}
		schedule := make([]time.Duration, len(*seconds))
		for i, n := range *seconds {
			if n < 1 || n > int(maxRetryWait/time.Second) {
				return signalbox.InvalidField("retry_schedule."+strconv.Itoa(i), "each wait of retry_schedule must be from 1 to %d seconds", int(maxRetryWait/time.Second))
			}
			schedule[i] = time.Duration(n) * time.Second
		}
		w.RetrySchedule = schedule
	}
	return nil
}

func checkEvents(format signalbox.Format, patterns []string) error {
	if format == signalbox.FormatStaircase {
		if len(patterns) > 0 {
			return signalbox.InvalidField("events", "events must be empty for the format staircase: it gets the notifications that name it as where they go")
		}
		return nil
	}
	if len(patterns) == 0 {
		return signalbox.InvalidField("events", "events must name at least one event, prefix.* or *: GET /v1/event-types lists them")
	}
	if len(patterns) > maxPatterns {
		return signalbox.InvalidField("events", "events holds too many: at most %d", maxPatterns)
	}
	for i, p := range patterns {
		if err := wire.CheckPattern(format, p); err != nil {
			return err
		}
		if slices.Contains(patterns[:i], p) {
			return signalbox.InvalidField("events", "events names %s twice", p)
		}
	}
	return nil
}

func (a *API) checkTarget(c *call, url string) error {
	if len(url) > signalbox.MaxURL {
		return signalbox.InvalidField("url", "url is too long: at most %d bytes", signalbox.MaxURL)
	}
	err := a.cfg.Targets.CheckTarget(c.r.Context(), url)
	if err != nil && c.r.Context().Err() != nil {
		return err
	}
	return paramError("url", err)
}

// paramError shows the text of an error that is meant to be shown, as the refusal of one field.
func paramError(param string, err error) error {
	if err == nil {
		return nil
	}
	var e *signalbox.Error
	if errors.As(err, &e) {
		shown := *e
		shown.Param = param
		return &shown
	}
	return signalbox.InvalidField(param, "%s", err.Error())
}

// setHeaders checks and seals custom headers, of which only the names are kept readable.
func (a *API) setHeaders(w *signalbox.Webhook, headers map[string]string) error {
	w.SealedHeaders, w.HeaderNames = nil, nil
	if len(headers) == 0 {
		return nil
	}
	if err := paramError("headers", a.cfg.CheckHeaders(headers)); err != nil {
		return err
	}
	plain, err := json.Marshal(headers)
	if err != nil {
		return fmt.Errorf("encode the headers of a webhook: %w", err)
	}
	w.SealedHeaders = a.cfg.Box.Seal(headersBind(w), plain)
	w.HeaderNames = slices.Sorted(maps.Keys(headers))
	return nil
}

// setFilter checks a filter; absent leaves it, null takes it away.
func setFilter(w *signalbox.Webhook, given strictjson.Raw) error {
	switch {
	case len(given) == 0:
		return nil
	case string(given) == "null":
		w.Filter = nil
		return nil
	}
	if w.Format == signalbox.FormatStaircase {
		return signalbox.InvalidField("filter", "filter: a webhook of the format staircase has none: each notification has an account filter of its own")
	}
	_, err := filter.Parse(given, wire.FilterFields(w.Format))
	var bad *filter.Error
	if errors.As(err, &bad) {
		param := "filter"
		if bad.Path != "" {
			param += "." + bad.Path
		}
		return signalbox.InvalidField(param, "%s %s", param, bad.Msg)
	}
	w.Filter = slices.Clone(given)
	return err
}

// setKey gives a webhook a key that signs besides its secret, or takes it away; nil leaves it.
func (a *API) setKey(w *signalbox.Webhook, asymmetric *bool) error {
	switch {
	case asymmetric == nil || *asymmetric == (w.PublicKey != ""):
		return nil
	case !*asymmetric:
		w.SealedKey, w.SealedOldKey, w.PublicKey = nil, nil, ""
		return nil
	}
	return a.newKey(w)
}

// newKey makes a key and seals it.
func (a *API) newKey(w *signalbox.Webhook) error {
	private, public, err := sign.NewEd25519(a.cfg.Rand)
	if err != nil {
		return err
	}
	w.SealedKey, w.PublicKey = a.cfg.Box.Seal(keyBind(w), []byte(private.Reveal())), public
	return nil
}

func keyBind(w *signalbox.Webhook) seal.Bind {
	return seal.Bind{Workspace: int64(w.Workspace), Row: int64(w.ID), Kind: "webhook.key"}
}

// secretBind and headersBind say what a webhook's sealed values belong to, in the words that deliver opens them with.
func secretBind(w *signalbox.Webhook) seal.Bind {
	return seal.Bind{Workspace: int64(w.Workspace), Row: int64(w.ID), Kind: "webhook.secret"}
}

func headersBind(w *signalbox.Webhook) seal.Bind {
	return seal.Bind{Workspace: int64(w.Workspace), Row: int64(w.ID), Kind: "webhook.headers"}
}

// chooseSecret takes the caller's secret or makes one.
func (a *API) chooseSecret(given *string) (sign.Secret, error) {
	if value(given) == "" {
		return sign.NewSecret(a.cfg.Rand)
	}
	secret, err := sign.ParseSecret(*given)
	return secret, paramError("secret", err)
}

// webhookPatch is the body of PATCH /v1/webhooks/{id}.
type webhookPatch struct {
	URL             *string            `json:"url" maxlen:"2048"`
	Events          *[]string          `json:"events" minitems:"1" maxitems:"100"`
	Label           *string            `json:"label" maxlen:"200"`
	Description     *string            `json:"description" maxlen:"2000"`
	SignatureFormat *string            `json:"signature_format" enum:"prefixed"`
	Headers         *map[string]string `json:"headers" doc:"Replaced whole."`
	MaxInFlight     *int               `json:"max_in_flight" min:"1" max:"100"`
	RatePerSecond   *int               `json:"rate_per_second" min:"0" max:"1000" doc:"0: as many as it takes."`
	RetrySchedule   *[]int             `json:"retry_schedule" maxitems:"20" doc:"Deliveries that wait already keep their time."`
	RetryPreset     *string            `json:"retry_preset" enum:"stairoids|standard"`
	Filter          strictjson.Raw     `json:"filter" type:"object" doc:"Replaced whole; null: all events."`
	Asymmetric      *bool              `json:"asymmetric" doc:"True makes a key if there is none, false takes it away; another one comes with another secret."`
	Enabled         *bool              `json:"enabled"`
	Format          *string            `json:"format" enum:"stairoids|standard|stackone|staircase" doc:"Fixed: only the value that it has is taken."`
	Kind            *string            `json:"kind" enum:"push|pull" doc:"Fixed: only the value that it has is taken."`
	Temporary       *bool              `json:"temporary" doc:"Fixed: only the value that it has is taken."`
}

// buildPatch checks a patch as far as that takes the network, and returns the change to make to the webhook as it then stands.
func (a *API) buildPatch(c *call, old *signalbox.Webhook, in *webhookPatch) (func(*signalbox.Webhook) error, error) {
	if err := checkFixed(old, in); err != nil {
		return nil, err
	}
	if url := value(in.URL); url != "" && url != old.URL && old.Kind == signalbox.KindPush {
		if err := a.checkTarget(c, url); err != nil {
			return nil, err
		}
	}
	return func(w *signalbox.Webhook) error {
		set(&w.URL, in.URL)
		set(&w.Events, in.Events)
		set(&w.Label, in.Label)
		set(&w.Description, in.Description)
		set(&w.MaxInFlight, in.MaxInFlight)
		set(&w.RatePerSecond, in.RatePerSecond)
		if err := setSchedule(w, in.RetrySchedule, in.RetryPreset); err != nil {
			return err
		}
		if in.SignatureFormat != nil {
			w.SignatureFormat = signalbox.SignatureFormat(*in.SignatureFormat)
		}
		if in.Enabled != nil {
			setEnabled(w, *in.Enabled, disabledByHand)
		}
		if err := setFilter(w, in.Filter); err != nil {
			return err
		}
		if err := a.setKey(w, in.Asymmetric); err != nil {
			return err
		}
		if in.Headers != nil {
			if err := a.setHeaders(w, *in.Headers); err != nil {
				return err
			}
		}
		return checkWebhook(w)
	}, nil
}

// checkFixed refuses a change of what was fixed when the webhook was made.
func checkFixed(old *signalbox.Webhook, in *webhookPatch) error {
	switch {
	case in.Format != nil && *in.Format != string(old.Format):
		return signalbox.InvalidField("format", "format was fixed when the webhook was made: make another webhook")
	case in.Kind != nil && *in.Kind != string(old.Kind):
		return signalbox.InvalidField("kind", "kind was fixed when the webhook was made: make another webhook")
	case in.Temporary != nil && *in.Temporary != old.Temporary:
		return signalbox.InvalidField("temporary", "temporary was fixed when the webhook was made: make another webhook")
	}
	return nil
}

// value is what an optional text says; null and "" both mean absent (contract section 2).
func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// set changes a field that a patch names.
func set[T any](field *T, given *T) {
	if given != nil {
		*field = *given
	}
}

// checkLength bounds a text in characters.
func checkLength(param, s string, most int) error {
	if utf8.RuneCountInString(s) > most {
		return signalbox.InvalidField(param, "%s is too long: at most %d characters", param, most)
	}
	return nil
}
