package api

import (
	"net/http"
	"strings"

	"signalbox"
	"signalbox/auth"
)

func (a *API) logRoute() route {
	return route{
		method: http.MethodGet, pattern: "/v1/logs", id: "listLogs", tag: "Logs", need: auth.NeedRead,
		summary: "Read the log of requests",
		detail: "Newest first: what became of every signal, and every other request that was refused. A signal that was taken whole shows what is stored of it, and " +
			"`null` for what only the request knew. Refusals and repetitions come into it within a second, kept as long as events are; of a flood of them one row stands " +
			"for many (`count`). Requests without a valid key belong to nobody's log. Bodies and secrets are never in it.",
		status: http.StatusOK,
		query: paging(
			param{name: "signal_id", kind: text, doc: "Only rows about this signal."},
			param{name: "domain", kind: text, doc: "Only rows about the company with this domain."},
			param{name: "status", kind: words, enum: []string{"accepted", "duplicate", "refused", "ignored_fields"}, doc: "Only rows with this outcome."},
			param{name: "from", kind: moment, doc: "Only requests at or after this time."},
			param{name: "to", kind: moment, doc: "Only requests at or before this time."},
			param{name: "q", kind: text, doc: "Only rows that hold this text in message, path, code, param, type, source, domain, e-mail, operation or ignored fields."}),
		answers: lists(a.listLogs),
	}
}

func (a *API) listLogs(c *call) (page[logView], error) {
	p, err := c.page()
	if err != nil {
		return page[logView]{}, err
	}
	filter, none, err := a.logFilter(c)
	if err != nil || none {
		return page[logView]{}, err
	}
	rows, next, err := a.cfg.Store.Logs(c.r.Context(), c.ws(), filter, p)
	if err != nil {
		return page[logView]{}, err
	}
	out := page[logView]{next: c.cursor(next)}
	for i := range rows {
		out.items = append(out.items, c.logView(&rows[i]))
	}
	return out, nil
}

// maxSearch bounds a text that rows are searched for.
const maxSearch = 200

// logFilter reads the filters. none says that they name a signal that there cannot be.
func (a *API) logFilter(c *call) (f signalbox.LogFilter, none bool, err error) {
	if f.From, f.To, err = c.span(); err != nil {
		return f, false, err
	}
	if word := c.query.Get("status"); word != "" {
		outcome, ok := signalbox.ParseLogOutcome(word)
		if !ok {
			return f, false, signalbox.InvalidField("status", "status must be one of accepted, duplicate, refused, ignored_fields")
		}
		f.Outcome = outcome
	}
	if f.Query = c.query.Get("q"); len(f.Query) > maxSearch {
		return f, false, signalbox.InvalidField("q", "q is too long: at most %d bytes", maxSearch)
	}
	if text := c.query.Get("signal_id"); text != "" {
		n, ok := a.cfg.Codec.Parse(signalbox.KindSignal, text)
		if !ok {
			return f, true, nil
		}
		f.Signal = signalbox.SignalID(n)
	}
	if domain := c.query.Get("domain"); domain != "" {
		if f.Domain, err = a.cfg.NormalizeDomain(domain); err != nil {
			return f, false, paramError("domain", err)
		}
		id, err := a.accountOf(c, domain)
		if err != nil {
			return f, false, err
		}
		f.Account = signalbox.AccountID(id)
	}
	return f, false, nil
}

// logView is a row of the log.
type logView struct {
	ID         string   `json:"id" doc:"The signal's id if this request made one, else the request's."`
	At         stamp    `json:"at"`
	RequestID  *string  `json:"request_id"`
	Operation  *string  `json:"operation" doc:"The operationId."`
	Method     *string  `json:"method"`
	Path       *string  `json:"path"`
	Status     string   `json:"status" enum:"accepted|duplicate|refused|ignored_fields"`
	HTTPStatus *int     `json:"http_status"`
	Code       *string  `json:"code" doc:"Of a refusal, as it was answered."`
	Message    *string  `json:"message"`
	Param      *string  `json:"param"`
	Ignored    []string `json:"ignored" doc:"Fields that nobody knows, dotted."`
	SignalID   *string  `json:"signal_id"`
	Type       *string  `json:"type"`
	Source     *string  `json:"source"`
	Domain     *string  `json:"domain"`
	Email      *string  `json:"email"`
	APIKey     *logKey  `json:"api_key"`
	TookMS     *float64 `json:"took_ms"`
	Count      int      `json:"count" doc:"How many requests this row stands for: more than one in a flood of the same refusal, told by the latest."`
}

// logKey is the key that a request was made with.
type logKey struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (c *call) logView(l *signalbox.LogRow) logView {
	v := logView{
		ID: c.idText(signalbox.KindRequest, l.ID), At: stamp(l.At), RequestID: c.idOrNull(signalbox.KindRequest, int64(l.Request)),
		Operation: textOrNull(l.Operation), Method: textOrNull(l.Method), Path: textOrNull(l.Path), Status: l.Outcome.String(),
		Code: textOrNull(l.Code), Message: textOrNull(l.Message), Param: textOrNull(l.Param), Ignored: l.Ignored,
		SignalID: c.idOrNull(signalbox.KindSignal, int64(l.Signal)), Type: textOrNull(l.Type), Source: textOrNull(l.Source),
		Domain: textOrNull(l.Domain), Email: textOrNull(l.Email), Count: l.Count,
	}
	if l.ID == int64(l.Signal) {
		v.ID = *v.SignalID
	}
	if v.Ignored == nil {
		v.Ignored = []string{}
	}
	if l.Key != 0 {
		v.APIKey = &logKey{ID: c.idText(signalbox.KindKey, int64(l.Key)), Name: l.KeyName}
	}
	if l.Status != 0 {
		took := milliseconds(l.Took)
		v.HTTPStatus, v.TookMS = &l.Status, &took
	}
	return v
}

// logText bounds what the log keeps of a text.
func logText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
