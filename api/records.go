package api

import (
	"strings"
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

// domainOf is the domain of the account that a contact belongs to, "" for none and for one that was erased. A call reads each once.
func (a *API) domainOf(c *call, id signalbox.AccountID) (string, error) {
	if id == 0 {
		return "", nil
	}
	if domain, ok := c.domains[id]; ok {
		return domain, nil
	}
	row, err := a.cfg.Store.Account(c.r.Context(), c.ws(), id)
	if err != nil && signalbox.CodeOf(err) != signalbox.NotFound {
		return "", err
	}
	if c.domains == nil {
		c.domains = map[signalbox.AccountID]string{}
	}
	c.domains[id] = row.Domain
	return row.Domain, nil
}

// recordFilter reads what lists of accounts and contacts share.
func (c *call) recordFilter() (f signalbox.RecordFilter, err error) {
	f.Query = c.query.Get("q")
	f.Status = c.query.Get("status")
	return f, checkLength("q", f.Query, signalbox.MaxName)
}

// attributesPatch is the merge patch (RFC 7396) of a PATCH, nil when it has none. null removes all there is.
func attributesPatch(given strictjson.Raw) ([]byte, error) {
	switch {
	case len(given) == 0:
		return nil, nil
	case string(given) == "null":
		return given, nil
	case given[0] != '{':
		return nil, signalbox.InvalidField("attributes", "attributes must be an object, or null to remove them")
	case len(given) > signalbox.MaxAttributes:
		return nil, signalbox.InvalidField("attributes", "attributes is too large: at most %d bytes", signalbox.MaxAttributes)
	}
	return strictjson.Stable(given)
}

// cleanTexts trims the texts that a PATCH gives, as the signal doors do, and bounds them; values stand in the order of names.
func cleanTexts(names []string, values []*string) error {
	for i, name := range names {
		if values[i] == nil {
			continue
		}
		*values[i] = strings.TrimSpace(*values[i])
		if err := checkLength(name, *values[i], signalbox.MaxName); err != nil {
			return err
		}
	}
	return nil
}
