package wire

import (
	"strconv"
	"time"

	"signalbox"
	"signalbox/strictjson"
)

// The events that tell of webhooks and deliveries themselves (contract section 12).
const (
	EventWebhookFailing   = "webhook.failing"
	EventWebhookRecovered = "webhook.recovered"
	EventWebhookDisabled  = "webhook.disabled"
	EventDeliveryFailed   = "delivery.failed"
)

// appendWebhook appends what is told of a webhook: nothing that is secret.
func appendWebhook(dst []byte, e *EventInfo) []byte {
	w := e.Webhook
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, e.Codec, signalbox.KindWebhook, int64(w.ID))
	dst = append(dst, `,"label":`...)
	dst = appendText(dst, w.Label)
	dst = append(dst, `,"url":`...)
	dst = appendText(dst, w.URL)
	dst = append(dst, `,"enabled":`...)
	dst = strconv.AppendBool(dst, w.Enabled)
	dst = append(dst, `,"disabled_reason":`...)
	dst = appendText(dst, w.DisabledReason)
	return append(dst, '}')
}

// appendSince appends a time in the envelope's own precision, null for none.
func appendSince(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, `null`...)
	}
	return append(AppendSeconds(append(dst, '"'), t), '"')
}

func appendFailingData(dst []byte, e *EventInfo) []byte {
	dst = appendWebhook(append(dst, `{"webhook":`...), e)
	dst = appendSince(append(dst, `,"failing_since":`...), e.Since)
	return append(dst, '}')
}

func appendDisabledData(dst []byte, e *EventInfo) []byte {
	dst = appendWebhook(append(dst, `{"webhook":`...), e)
	dst = append(dst, `,"reason":`...)
	dst = appendText(dst, e.Reason)
	return append(dst, '}')
}

func appendDeliveryData(dst []byte, e *EventInfo) []byte {
	d := e.Delivery
	dst = append(dst, `{"delivery":{"id":`...)
	dst = appendID(dst, e.Codec, signalbox.KindDelivery, int64(d.ID))
	dst = append(dst, `,"event_id":`...)
	dst = appendID(dst, e.Codec, signalbox.KindEvent, int64(d.Event))
	dst = append(dst, `,"event":`...)
	dst = strictjson.AppendString(dst, d.EventName)
	dst = append(dst, `,"attempts":`...)
	dst = strconv.AppendInt(dst, int64(d.Attempts), 10)
	dst = append(dst, `,"reason":`...)
	dst = appendText(dst, e.Reason)
	dst = append(dst, `,"created_at":`...)
	dst = appendSince(dst, d.CreatedAt)
	dst = appendWebhook(append(dst, `},"webhook":`...), e)
	return append(dst, '}')
}

// fillOperational puts the sample of an operational event into e.
func fillOperational(e *EventInfo, event string) {
	e.Webhook = &signalbox.Webhook{ID: signalbox.WebhookID(sampleID(e.CreatedAt, 8)), Label: "CRM", URL: "https://crm.example.com/hooks/signalbox", Enabled: true}
	e.Since = e.CreatedAt.Add(-signalbox.FailingAfter)
	switch event {
	case EventWebhookDisabled:
		e.Webhook.Enabled, e.Webhook.DisabledReason, e.Reason = false, signalbox.ReasonFailing, signalbox.ReasonFailing
	case EventDeliveryFailed:
		e.Reason = "http_503"
		e.Delivery = &signalbox.Delivery{
			ID: signalbox.DeliveryID(sampleID(e.CreatedAt, 9)), Event: signalbox.EventID(sampleID(e.CreatedAt, 10)), EventName: EventSignalCreated, Attempts: 6,
			CreatedAt: e.CreatedAt.Add(-11 * time.Hour),
		}
	}
}

const (
	webhookSchema = `{"type":"object","required":["id","label","url","enabled","disabled_reason"],"properties":{"id":` + textSchema + `,"label":` + maybeTextSchema +
		`,"url":` + maybeTextSchema + `,"enabled":{"type":"boolean"},"disabled_reason":` + maybeTextSchema + `}}`

	webhookFailingSchema = `{"type":"object","required":["webhook","failing_since"],"properties":{"webhook":` + webhookSchema + `,"failing_since":` + timeSchema + `}}`

	webhookDisabledSchema = `{"type":"object","required":["webhook","reason"],"properties":{"webhook":` + webhookSchema + `,"reason":` + textSchema + `}}`

	deliveryFailedSchema = `{"type":"object","required":["delivery","webhook"],"properties":{"delivery":{"type":"object","required":["id","event_id","event","attempts","reason","created_at"],` +
		`"properties":{"id":` + textSchema + `,"event_id":` + textSchema + `,"event":` + textSchema + `,"attempts":` + wholeSchema + `,"reason":` + textSchema + `,"created_at":` + timeSchema + `}},"webhook":` + webhookSchema + `}}`
)
