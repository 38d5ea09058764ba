package wire

import (
	"bytes"
	"encoding/json"

	"signalbox"
	"signalbox/filter"
)

// FilterFields are the fields of an event that a webhook's filter may name.
func FilterFields() []string {
	return []string{
		"signal.type", "signal.source", "signal.created_at", "signal.score", "signal.properties.*", "account.domain", "account.name", "contact.email", "contact.name",
	}
}

// Record is what a filter is asked of a frozen body, whatever its format: signal, account and contact, those of the signal where the event has none of its
// own; and whatever else the event's data holds.
func Record(body []byte) map[string]any {
	var envelope struct{ Data map[string]any }
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(&envelope) != nil || envelope.Data == nil {
		return map[string]any{}
	}
	record := envelope.Data
	if signal, ok := record["signal"].(map[string]any); ok {
		for _, name := range []string{"account", "contact"} {
			if record[name] == nil {
				record[name] = signal[name]
			}
		}
	}
	return record
}

// FilterOf is a webhook's filter; nil when it has none. One that was saved was checked: what cannot be read any more keeps nothing out.
func FilterOf(w *signalbox.Webhook) *filter.Filter {
	if len(w.Filter) == 0 {
		return nil
	}
	f, err := filter.Parse(w.Filter, FilterFields())
	if err != nil {
		return nil
	}
	return f
}
