package api

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"signalbox"
	"signalbox/score"
	"signalbox/strictjson"
)

// facts are what a page of records shows beside its rows: read at once, not row by row.
type facts struct {
	states    map[signalbox.EntityID]signalbox.EntityState
	companies map[signalbox.AccountID]signalbox.Account // by the ids that contacts have, which may have been merged
	standings map[signalbox.EntityID]signalbox.Standing
	fits      map[signalbox.EntityID]signalbox.Fit
}

// fit is what a record's qualification came to.
func (f *facts) fit(r signalbox.Record) *fitView {
	fit, known := f.fits[r.Entity()]
	return fitOrNull(fit, known)
}

// facts reads what is shown beside accounts or contacts; accounts are those that contacts belong to.
func (a *API) facts(c *call, rows []signalbox.Record, accounts []signalbox.AccountID) (f facts, err error) {
	var ids []signalbox.EntityID
	for _, r := range rows {
		ids = append(ids, everyID(r)...)
	}
	if f.states, err = a.cfg.Store.States(c.r.Context(), c.ws(), ids); err != nil {
		return f, err
	}
	own := make([]signalbox.EntityID, len(rows))
	for i, r := range rows {
		own[i] = r.Entity()
	}
	if f.fits, err = a.cfg.Store.Qualifications(c.r.Context(), c.ws(), own); err != nil {
		return f, err
	}
	if f.standings, err = a.standings(c, rows, f.states, c.now); err != nil || len(accounts) == 0 {
		return f, err
	}
	f.companies, err = a.cfg.Store.Companies(c.r.Context(), c.ws(), accounts)
	return f, err
}

// standings says where records stand at a time that is not past.
func (a *API) standings(c *call, rows []signalbox.Record, states map[signalbox.EntityID]signalbox.EntityState, at time.Time) (map[signalbox.EntityID]signalbox.Standing, error) {
	list := make(map[signalbox.EntityID]signalbox.Standing, len(rows))
	for _, r := range rows {
		ids := everyID(r)
		own := make([]signalbox.EntityState, len(ids))
		for i, id := range ids {
			own[i] = states[id]
		}
		standing, err := a.cfg.Scores.Standing(c.r.Context(), c.ws(), r.Kind(), at, own...)
		if err != nil {
			return nil, err
		}
		list[r.Entity()] = standing
	}
	return list, nil
}

// everyID lists a record's id and those of all that was merged into it.
func everyID(r signalbox.Record) []signalbox.EntityID {
	ids := []signalbox.EntityID{r.Entity()}
	if parts := r.Parts(); parts != nil {
		for _, part := range parts.Records {
			ids = append(ids, part.ID)
		}
	}
	return ids
}

// lastSignal is when the latest signal came about a record, or about what was merged into it.
func (f *facts) lastSignal(r signalbox.Record) (at time.Time) {
	for _, id := range everyID(r) {
		if t := f.states[id].LastSignalAt; t.After(at) {
			at = t
		}
	}
	return at
}

// mergedIDs are the ids of what was merged into a record.
func (c *call) mergedIDs(r signalbox.Record) []string {
	list := []string{}
	for _, id := range everyID(r)[1:] {
		list = append(list, c.idText(r.Kind().ID(), int64(id)))
	}
	return list
}

// first is the view of a record that was read alone.
func first[T any](views []T, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return views[0], nil
}

// recordFilter reads what lists of accounts and contacts are narrowed and sorted by. none says that nothing can match.
func (c *call) recordFilter(kind signalbox.RecordKind) (f signalbox.RecordFilter, none bool, err error) {
	f.Query, f.Status, f.Sort = c.query.Get("q"), c.query.Get("status"), signalbox.RecordSort(c.query.Get("sort"))
	if f.Sort != "" && !slices.Contains(sorts, string(f.Sort)) {
		return f, false, signalbox.InvalidField("sort", "sort must be one of %s", strings.Join(sorts, ", "))
	}
	if given := c.query.Get("account_id"); given != "" {
		account, ok := c.api.cfg.Codec.Parse(signalbox.KindAccount, given)
		f.Account, none = signalbox.AccountID(account), !ok // an id that nobody has, has no contacts
	}
	if err := c.narrow(&f, kind); err != nil {
		return f, false, err
	}
	return f, none, checkLength("q", f.Query, signalbox.MaxName)
}

// narrow reads the stage and the audience that a list is narrowed by, which must be there.
func (c *call) narrow(f *signalbox.RecordFilter, kind signalbox.RecordKind) error {
	stage, of := c.query.Get("stage"), c.query.Get("audience_id")
	if stage == "" && of == "" {
		return nil
	}
	d, err := c.api.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return err
	}
	if stage != "" {
		stages := score.Compile(&d.Scoring).Stages(kind)
		at := slices.IndexFunc(stages, func(s signalbox.Stage) bool { return s.Name == stage })
		if at < 0 {
			return signalbox.InvalidField("stage", "stage: %ss have no stage %q, but %s", kind, stage, stageNames(stages))
		}
		f.Stage, f.First = stage, at == 0
	}
	if of == "" {
		return nil
	}
	id, _ := c.api.cfg.Codec.Parse(signalbox.KindAudience, of)
	f.Audience = signalbox.AudienceID(id)
	switch a := d.Audience(f.Audience); {
	case a == nil:
		return signalbox.InvalidField("audience_id", "audience_id: no such audience; GET /v1/audiences lists those that there are")
	case a.Of != kind:
		return signalbox.InvalidField("audience_id", "audience_id: the audience %q is one of %ss, and this is a list of %ss", a.Name, a.Of, kind)
	}
	return nil
}

// stageNames lists stages for an error.
func stageNames(stages []signalbox.Stage) string {
	names := make([]string, len(stages))
	for i := range stages {
		names[i] = strconv.Quote(stages[i].Name)
	}
	return strings.Join(names, ", ")
}

// searchDoc says what a search finds.
func searchDoc(where string) string {
	return "Only those with these words, or words that begin so, in " + where + ". Case does not matter; a word ends where a letter or digit is followed by something else."
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
