package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"signalbox"
	"signalbox/strictjson"
)

// Refusal is one code of the wire: the row that docs/errors.md explains under its name.
type Refusal struct {
	Code   signalbox.Code
	Status int
}

// Refusals is the one table of codes to HTTP statuses (contract section 2).
func Refusals() []Refusal {
	return []Refusal{
		{signalbox.Invalid, http.StatusBadRequest},
		{signalbox.UnknownSignalType, http.StatusBadRequest},
		{signalbox.Unauthorized, http.StatusUnauthorized},
		{signalbox.Forbidden, http.StatusForbidden},
		{signalbox.NotFound, http.StatusNotFound},
		{signalbox.MethodNotAllowed, http.StatusMethodNotAllowed},
		{signalbox.Conflict, http.StatusConflict},
		{signalbox.InProgress, http.StatusConflict},
		{signalbox.TooLarge, http.StatusRequestEntityTooLarge},
		{signalbox.UnsupportedMedia, http.StatusUnsupportedMediaType},
		{signalbox.IdempotencyMismatch, http.StatusUnprocessableEntity},
		{signalbox.RateLimited, http.StatusTooManyRequests},
		{signalbox.Internal, http.StatusInternalServerError},
		{signalbox.Overloaded, http.StatusServiceUnavailable},
		{signalbox.Unavailable, http.StatusServiceUnavailable},
	}
}

// statusOf looks a code up; a code that the table does not know is our fault.
func statusOf(code signalbox.Code) int {
	for _, r := range Refusals() {
		if r.Code == code {
			return r.Status
		}
	}
	return http.StatusInternalServerError
}

// internalMsg is all that anybody outside learns of a fault of ours.
const internalMsg = "something went wrong on our side; the request id leads to the cause in the server's log"

// shown turns any error into one that may be shown: what is no *signalbox.Error keeps its cause for the log only.
func shown(ctx context.Context, err error) *signalbox.Error {
	var e *signalbox.Error
	var bad *strictjson.Error
	switch {
	case errors.As(err, &e) && e.Code != signalbox.Internal:
		return e
	case errors.As(err, &bad):
		return &signalbox.Error{Code: signalbox.Invalid, Param: bad.Path, Msg: bad.Msg}
	case ctx.Err() != nil:
		return &signalbox.Error{Code: signalbox.Unavailable, Msg: "the request ended before its answer", RetryAfter: time.Second, Err: err}
	}
	return &signalbox.Error{Code: signalbox.Internal, Msg: internalMsg, Err: err}
}

// wireCode is the code as it is written: a not_found that knows what was looked for says so.
func wireCode(e *signalbox.Error) string {
	if e.Code == signalbox.NotFound && e.Thing != "" {
		return e.Thing + "_not_found"
	}
	return string(e.Code)
}

// errorObject is what is wrong, in an error answer and in a batch's results.
type errorObject struct {
	Code      string `json:"code" doc:"One of the codes of docs/errors.md; programs decide by it."`
	Message   string `json:"message" doc:"What was wrong and what would be right, for people."`
	Param     string `json:"param,omitempty" doc:"The field or query parameter that it is about, dotted."`
	RequestID string `json:"request_id,omitempty" doc:"The same as the header X-Request-Id."`
}

// errorAnswer is every refusal (contract section 2).
type errorAnswer struct {
	Error errorObject `json:"error"`
	Meta  meta        `json:"meta"`
}

// meta stands beside data, and beside an error.
type meta struct {
	RequestID string `json:"request_id" doc:"The same as the header X-Request-Id."`
	Timestamp stamp  `json:"timestamp" doc:"When the request arrived."`
}

// refuse answers with an error, and returns what it showed.
func (c *call) refuse(err error) *signalbox.Error {
	e := shown(c.r.Context(), err)
	h := c.Header()
	if e.RetryAfter > 0 {
		h["Retry-After"] = []string{strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds())))}
	}
	if e.Code == signalbox.Unauthorized {
		h["Www-Authenticate"] = []string{`Bearer realm="signalbox"`}
	}
	c.quota(e.Quota)
	body, encodeErr := json.Marshal(errorAnswer{
		Error: errorObject{Code: wireCode(e), Message: e.Msg, Param: e.Param, RequestID: c.requestID},
		Meta:  c.meta(),
	})
	if encodeErr != nil {
		body = []byte(`{"error":{"code":"internal_error"}}`) // not reachable: strings and a time
	}
	c.write(statusOf(e.Code), body)
	return e
}

// quota sets the headers of the window with least left.
func (c *call) quota(q *signalbox.Quota) {
	if q == nil {
		return
	}
	h := c.Header()
	h["X-Ratelimit-Limit"] = []string{strconv.Itoa(q.Limit)}
	h["X-Ratelimit-Remaining"] = []string{strconv.Itoa(max(0, q.Remaining))}
	h["X-Ratelimit-Reset"] = []string{strconv.FormatInt(q.Reset.Unix(), 10)}
}
