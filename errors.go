package signalbox

import (
	"errors"
	"fmt"
	"time"
)

// Code says what kind of refusal an error is; api turns it into an HTTP status and the wire's "code" (contract section 2).
type Code string

// The codes that a caller can act on. docs/errors.md explains each one under its name.
const (
	Invalid             Code = "validation_error"        // 400
	UnknownSignalType   Code = "unknown_signal_type"     // 400
	Unauthorized        Code = "unauthorized"            // 401
	Forbidden           Code = "forbidden"               // 403
	NotFound            Code = "not_found"               // 404; Error.Thing makes it <thing>_not_found
	MethodNotAllowed    Code = "method_not_allowed"      // 405
	Conflict            Code = "conflict"                // 409
	InProgress          Code = "idempotency_in_progress" // 409
	TooLarge            Code = "body_too_large"          // 413
	UnsupportedMedia    Code = "unsupported_media_type"  // 415
	IdempotencyMismatch Code = "idempotency_mismatch"    // 422
	RateLimited         Code = "rate_limited"            // 429
	Internal            Code = "internal_error"          // 500
	Overloaded          Code = "overloaded"              // 503: too much waits
	Unavailable         Code = "unavailable"             // 503: the database cannot take it now
)

// Error is a refusal that a caller can act on. Msg may be shown to anyone; Err never leaves the log.
type Error struct {
	Code       Code
	Msg        string        // what was wrong and what would be right: lower case, no full stop
	Param      string        // the field it is about, dotted; "" for none
	Thing      string        // with NotFound: what was looked for, "signal" makes signal_not_found
	RetryAfter time.Duration // with RateLimited, Overloaded, Unavailable: when to come again
	Quota      *Quota        // with RateLimited: the limit that was hit
	Err        error
}

// Quota is how much of a rate limit is left, of the window with least left (contract section 2).
type Quota struct {
	Limit     int
	Remaining int
	Reset     time.Time
}

func (e *Error) Error() string {
	msg := string(e.Code) + ": " + e.Msg
	if e.Param != "" {
		msg = string(e.Code) + ": " + e.Param + ": " + e.Msg
	}
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	return msg
}

// Unwrap returns the cause, for the log.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error whose message may be shown to anyone.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...)}
}

// InvalidField makes the refusal of one field of a request.
func InvalidField(param, format string, args ...any) *Error {
	return &Error{Code: Invalid, Param: param, Msg: fmt.Sprintf(format, args...)}
}

// NoSuch makes the answer to an id that this workspace does not have, whether or not another one has it.
func NoSuch(thing string) *Error {
	return &Error{Code: NotFound, Thing: thing, Msg: "no such " + thing}
}

// CodeOf returns the code of err: Internal for anything that is no Error, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
