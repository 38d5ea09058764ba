package api

import (
	"fmt"
	"time"

	"signalbox"
	"signalbox/strictjson"
)

// lastSignal says when a record last had a signal; zero for never.
func (a *API) lastSignal(c *call, id int64) (time.Time, error) {
	state, err := a.cfg.Store.State(c.r.Context(), c.ws(), signalbox.EntityID(id))
	if signalbox.CodeOf(err) == signalbox.NotFound {
		return time.Time{}, nil
	}
	return state.LastSignalAt, err
}

// recordFilter reads what lists of accounts and contacts share.
func (c *call) recordFilter() (f signalbox.RecordFilter, err error) {
	f.Query = c.query.Get("q")
	f.Status = c.query.Get("status")
	return f, checkLength("q", f.Query, signalbox.MaxName)
}

// attributesPatch is the merge patch (RFC 7396) of a PATCH, nil when it has none. null removes all that current says there is.
func attributesPatch(given strictjson.Raw, current func() ([]byte, error)) ([]byte, error) {
	switch {
	case len(given) == 0:
		return nil, nil
	case string(given) == "null":
		have, err := current()
		if err != nil {
			return nil, err
		}
		return removeAll(have)
	case given[0] != '{':
		return nil, signalbox.InvalidField("attributes", "attributes must be an object, or null to remove them")
	case len(given) > signalbox.MaxAttributes:
		return nil, signalbox.InvalidField("attributes", "attributes is too large: at most %d bytes", signalbox.MaxAttributes)
	}
	return strictjson.Stable(given)
}

// removeAll is the merge patch that removes every member of an object.
func removeAll(have []byte) ([]byte, error) {
	members := map[string]strictjson.Raw{}
	if len(have) > 0 {
		if err := strictjson.Unmarshal(have, &members); err != nil {
			return nil, fmt.Errorf("read stored attributes: %w", err)
		}
	}
	patch := []byte{'{'}
	for name := range members {
		if len(patch) > 1 {
			patch = append(patch, ',')
		}
		patch = append(strictjson.AppendString(patch, name), ":null"...)
	}
	return append(patch, '}'), nil
}

// checkTexts bounds the texts that a PATCH gives, in the order of pairs of name and value.
func checkTexts(names []string, values []*string) error {
	for i, name := range names {
		if err := checkLength(name, value(values[i]), signalbox.MaxName); err != nil {
			return err
		}
	}
	return nil
}
