package wire

import (
	"bytes"
	"encoding/json"

	"signalbox"
	"signalbox/filter"
)

// FilterFields are the fields of an event that the filter of a webhook of a format may name.
func FilterFields(format signalbox.Format) []string {
	if format == signalbox.FormatStackOne {
		return []string{"event", "record_type", "record_id", "account_id", "origin_owner_id", "origin_owner_name", "origin_username", "setup_information.*"}
	}
	return []string{
		"signal.type", "signal.source", "signal.created_at", "signal.score", "signal.properties.*", "account.domain", "account.name", "contact.email", "contact.name",
		"linked_account.provider", "linked_account.origin_owner_id", "record.type", "record.id",
	}
}

// Record is what a filter is asked of a frozen body. Of stackone it is the body itself; else it is signal, account and contact, those of the signal where the event has none of its
// own; and whatever else the event's data holds.
func Record(format signalbox.Format, body []byte) map[string]any {
	var all map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(&all) != nil {
		return map[string]any{}
	}
	if format == signalbox.FormatStackOne {
		return all
	}
	record, ok := all["data"].(map[string]any)
	if !ok {
		return map[string]any{}
	}
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
	f, err := filter.Parse(w.Filter, FilterFields(w.Format))
	if err != nil {
		return nil
	}
	return f
}
