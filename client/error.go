package client

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"signalbox"
)

// Error is an answer that is no 2xx (contract section 2). Find it with errors.As.
type Error struct {
	Status     int            // the HTTP status
	Code       signalbox.Code // "validation_error", "signal_not_found" …; "" when something else than Signalbox answered
	Message    string         // for people
	Param      string         // the field it is about, dotted; "" for none
	RequestID  string         // for the server's log
	RetryAfter time.Duration  // when to come again; 0 when the server did not say
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Code != "" {
		b.WriteString(string(e.Code) + ": ")
	}
	if e.Param != "" && !strings.Contains(e.Message, e.Param) {
		b.WriteString(e.Param + ": ")
	}
	fmt.Fprintf(&b, "%s (status %d", e.Message, e.Status)
	if e.RequestID != "" {
		b.WriteString(", request " + e.RequestID)
	}
	return b.String() + ")"
}

// NotFound says whether what was asked for does not exist in this workspace.
func (e *Error) NotFound() bool { return e.Status == http.StatusNotFound }

// newError reads a refusal. What is no answer of Signalbox, say a proxy's page, keeps its status and a line of its text.
func newError(resp *http.Response, body []byte) *Error {
	e := &Error{Status: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id"), RetryAfter: retryAfter(resp.Header.Get("Retry-After"))}
	var answer struct {
		Error struct {
			Code      signalbox.Code `json:"code"`
			Message   string         `json:"message"`
			Param     string         `json:"param"`
			RequestID string         `json:"request_id"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.Error.Code != "" {
		e.Code, e.Message, e.Param = answer.Error.Code, answer.Error.Message, answer.Error.Param
		if answer.Error.RequestID != "" {
			e.RequestID = answer.Error.RequestID
		}
		return e
	}
	e.Message = firstLine(body)
	if e.Message == "" {
		e.Message = strings.ToLower(http.StatusText(e.Status))
	}
	return e
}

func firstLine(body []byte) string {
	text, _, _ := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(string(body[:min(len(body), 200)]), "")), "\n")
	return strings.TrimSpace(text)
}

// retryAfter reads whole seconds, which is all that Signalbox sends.
func retryAfter(value string) time.Duration {
	seconds, err := strconv.Atoi(value)
	if err != nil || seconds < 0 || seconds > int(24*time.Hour/time.Second) {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// Secret is an API key or a signing secret as the server shows it, once. It prints as [hidden]; Reveal is the one way to its text.
type Secret string

// Reveal returns the text of the secret.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string   { return s.hidden() }
func (s Secret) GoString() string { return s.hidden() }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.hidden()) }

// Format hides the secret for every verb, also for those that bypass String.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.hidden()) }

func (s Secret) hidden() string {
	if s == "" {
		return ""
	}
	return "[hidden]"
}
