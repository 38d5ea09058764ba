package api

import (
	"strings"

	"signalbox"
	"signalbox/strictjson"
)

// facts are what a page of records shows beside its rows: read at once, not row by row.
type facts struct {
	states  map[signalbox.EntityID]signalbox.EntityState
	domains map[signalbox.AccountID]string
}

// facts reads what is shown beside accounts or contacts; accounts are those that contacts belong to.
func (a *API) facts(c *call, ids []signalbox.EntityID, accounts []signalbox.AccountID) (f facts, err error) {
	if f.states, err = a.cfg.Store.States(c.r.Context(), c.ws(), ids); err != nil || len(accounts) == 0 {
		return f, err
	}
	f.domains, err = a.cfg.Store.Domains(c.r.Context(), c.ws(), accounts)
	return f, err
}

// first is the view of a record that was read alone.
func first[T any](views []T, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return views[0], nil
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
