package api

import (
	"net/http"
	"strings"
	"time"

	"signalbox"
	"signalbox/wire"
)

// about is what the log says of a signal.
type about struct {
	typ, source, domain, email string
	id                         signalbox.SignalID // that was made, or answered before
	replayed                   bool
}

func aboutSignal(in *signalbox.SignalInput) about {
	return about{typ: in.Type, source: in.Source, domain: in.Account.Domain, email: in.Contact.Email}
}

// note leaves a finished request in the log when it was refused, repeated or not understood whole. Signals that were taken whole are in it by
// themselves, so that they cost nothing here.
func (c *call) note(took time.Duration) {
	refused := c.status >= http.StatusBadRequest
	if c.api.cfg.Journal == nil || c.ws() == 0 || !refused && !c.about.replayed && (c.about.id == 0 || len(c.ignored) == 0) {
		return
	}
	row := c.row(took)
	c.api.describe(&row, &c.about)
	row.Ignored = c.namesIgnored()
	switch {
	case refused:
		row.Outcome = signalbox.LogRefused
		if c.refused != nil {
			row.Code, row.Message, row.Param = wireCode(c.refused), logText(c.refused.Msg, maxLogMessage), logText(c.refused.Param, maxLogWord)
		}
	case c.about.replayed:
		row.Outcome, row.Signal = signalbox.LogDuplicate, c.about.id
	default:
		row.ID, row.Outcome, row.Signal = int64(c.about.id), signalbox.LogIgnored, c.about.id
	}
	c.api.cfg.Journal.Note(row)
}

// The most that the log keeps of a text.
const (
	maxLogMessage = 500
	maxLogPath    = 200
	maxLogWord    = 200
)

// row is what the log says of the request itself.
func (c *call) row(took time.Duration) signalbox.LogRow {
	path := c.r.URL.Path
	if c.route == nil || strings.Contains(strings.ReplaceAll(c.route.pattern, "{id}", ""), "{") {
		path = "" // what stands in it may be a secret
	}
	row := signalbox.LogRow{
		ID: int64(c.request), Workspace: c.ws(), Request: c.request, At: c.now.Truncate(time.Microsecond), Method: c.r.Method, Path: logText(path, maxLogPath),
		Status: c.status, Key: c.by.key.ID, Took: took,
	}
	if c.route != nil {
		row.Operation = c.route.id
		if path == "" {
			row.Path = c.route.pattern
		}
	}
	return row
}

// namesIgnored are the fields that were passed over, as many as are named to the caller.
func (c *call) namesIgnored() []string {
	names := make([]string, 0, min(len(c.ignored), maxIgnoredNames))
	for _, name := range c.ignored[:cap(names)] {
		names = append(names, logText(name, maxLogWord))
	}
	return names
}

// describe adds what a signal says, in the form in which records are found.
func (a *API) describe(row *signalbox.LogRow, s *about) {
	row.Type, row.Source = logText(s.typ, maxLogWord), logText(s.source, maxLogWord)
	row.Domain, row.Email = logText(strings.ToLower(s.domain), maxLogWord), logText(strings.ToLower(s.email), maxLogWord)
	if match, err := a.cfg.NormalizeEmail(s.email); err == nil && s.email != "" {
		row.Email = match
		_, row.Domain, _ = strings.Cut(match, "@")
	}
	if domain, err := a.cfg.NormalizeDomain(s.domain); err == nil && s.domain != "" {
		row.Domain = domain
	}
}

// noteBatch leaves the items of a batch in the log that were refused, repeated or not understood whole.
func (c *call) noteBatch(batch *wire.SignalBatch, answer *batchAnswer, places []int, verdicts []signalbox.Verdict) {
	if c.api.cfg.Journal == nil {
		return
	}
	ids := make([]signalbox.SignalID, len(batch.Items))
	for n := range verdicts {
		ids[places[n]] = verdicts[n].ID
	}
	took := time.Since(c.now)
	for i := range batch.Items {
		item, result := &batch.Items[i], &answer.Results[i]
		if result.Status == itemCreated && len(item.Ignored) == 0 {
			continue
		}
		row := c.row(took)
		row.ID, row.Status = 0, http.StatusOK
		s := aboutSignal(&item.In)
		c.api.describe(&row, &s)
		for _, name := range item.Ignored {
			row.Ignored = append(row.Ignored, logText(name, maxLogWord))
		}
		switch result.Status {
		case itemCreated:
			row.ID, row.Outcome, row.Signal = int64(ids[i]), signalbox.LogIgnored, ids[i]
		case itemDuplicate:
			row.Outcome, row.Signal = signalbox.LogDuplicate, ids[i]
		default:
			row.Outcome, row.Code, row.Param = signalbox.LogRefused, result.Error.Code, logText(result.Error.Param, maxLogWord)
			row.Message = logText(result.Error.Message, maxLogMessage)
		}
		c.api.cfg.Journal.Note(row)
	}
}
