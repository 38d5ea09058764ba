package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"signalbox"
	"signalbox/strictjson"
)

// The most bytes of a body that is no batch (contract section 2).
const maxBody = 1 << 20

// call is one request being answered. It is the ResponseWriter that handlers get, so that one allocation serves both.
type call struct {
	http.ResponseWriter
	api       *API
	r         *http.Request
	route     *route // nil until the path and method are known
	by        caller
	now       time.Time // when the request arrived: the one reading of the clock
	request   signalbox.RequestID
	requestID string
	query     url.Values
	ignored   []string // unknown fields of a signal
	about     about    // what the signal says, for the log
	status    int      // 0 until the answer began
	refused   *signalbox.Error
}

// Unwrap lets http.ResponseController reach the connection.
func (c *call) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// WriteHeader notes the status.
func (c *call) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write answers 200 unless something else was said before.
func (c *call) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	return c.ResponseWriter.Write(p)
}

func (c *call) ws() signalbox.WorkspaceID { return c.by.workspace() }

func (c *call) meta() meta { return meta{RequestID: c.requestID, Timestamp: stamp(c.now)} }

// write answers a JSON body. An error of writing is the client's leaving: there is nobody to tell.
func (c *call) write(status int, body []byte) {
	h := c.Header()
	h["Content-Type"] = jsonType
	if h["Cache-Control"] == nil {
		h["Cache-Control"] = noStore
	}
	c.WriteHeader(status)
	_, _ = c.Write(body)
}

// fail answers with an error, once.
func (c *call) fail(err error) {
	if c.status != 0 {
		c.refused = shown(c.r.Context(), err) // too late to say so: the log will
		return
	}
	c.refused = c.refuse(err)
}

// finish turns a panic into a 500 of this request alone, and writes the one log line.
func (c *call) finish() {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		c.fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}
	operation := "none"
	if c.route != nil {
		operation = c.route.id
	}
	took := time.Since(c.now)
	c.api.cfg.Observe(operation, c.status, took)
	c.note(took)
	level, log := slog.LevelDebug, c.api.cfg.Log
	switch {
	case c.status == http.StatusServiceUnavailable: // too many of them is when they come; the rooms that refuse say why
	case c.status >= http.StatusInternalServerError && c.r.Context().Err() == nil: // else the client left: nobody's fault
		level = slog.LevelWarn
	case c.r.Method == http.MethodGet || c.r.Method == http.MethodHead:
		return
	}
	if log.Enabled(context.Background(), level) {
		log.LogAttrs(c.r.Context(), level, "request.finished", c.attrs(operation, took)...)
	}
}

// attrs are the facts of the one log line of a request.
func (c *call) attrs(operation string, took time.Duration) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("request_id", c.requestID), slog.String("operation", operation), slog.Int("status", c.status),
		slog.Duration("took", took), slog.String("method", c.r.Method),
	}
	if ws := c.ws(); ws != 0 {
		attrs = append(attrs, slog.String("workspace_id", c.idText(signalbox.KindWorkspace, int64(ws))))
	}
	if c.by.key.ID != 0 {
		attrs = append(attrs, slog.String("key_id", c.idText(signalbox.KindKey, int64(c.by.key.ID))))
	}
	if c.by.member.ID != 0 {
		attrs = append(attrs, slog.String("member_id", c.idText(signalbox.KindMember, int64(c.by.member.ID))))
	}
	if len(c.ignored) > 0 {
		attrs = append(attrs, slog.Any("ignored", c.ignored))
	}
	if c.refused != nil {
		attrs = append(attrs, slog.String("code", wireCode(c.refused)), slog.Any("error", c.refused))
	}
	return attrs
}

// keepBuffer is the largest buffer that is used again: one large body must not be paid for ever.
const keepBuffer = 64 << 10

// body reads a request's body of at most limit bytes, after its media type was judged. The bytes are good until release.
func (c *call) body(limit int64) (body []byte, release func(), err error) {
	if err := mediaType(c.r.Header); err != nil {
		return nil, nil, err
	}
	buf, _ := c.api.buffers.Get().(*bytes.Buffer)
	if buf == nil {
		buf = new(bytes.Buffer)
	}
	buf.Reset()
	release = func() {
		if buf.Cap() <= keepBuffer {
			c.api.buffers.Put(buf)
		}
	}
	if _, err := buf.ReadFrom(http.MaxBytesReader(c.ResponseWriter, c.r.Body, limit)); err != nil {
		release()
		return nil, nil, bodyError(err, limit)
	}
	return buf.Bytes(), release, nil
}

func bodyError(err error, limit int64) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return signalbox.Errorf(signalbox.TooLarge, "the body is too large: at most %d bytes", limit)
	}
	msg := "the body did not arrive whole"
	if errors.Is(err, io.ErrUnexpectedEOF) {
		msg = "the body is shorter than its Content-Length"
	}
	return &signalbox.Error{Code: signalbox.Invalid, Msg: msg, Err: err}
}

// mediaType refuses bodies that say they are something else than JSON in UTF-8; one that says nothing counts as JSON.
func mediaType(h http.Header) error {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return signalbox.Errorf(signalbox.UnsupportedMedia, "send the body without Content-Encoding")
	}
	given := h.Get("Content-Type")
	if given == "" || given == "application/json" {
		return nil
	}
	kind, params, err := mime.ParseMediaType(given)
	if err != nil || kind != "application/json" {
		return signalbox.Errorf(signalbox.UnsupportedMedia, "send JSON, with Content-Type: application/json")
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return signalbox.Errorf(signalbox.UnsupportedMedia, "send JSON in UTF-8, not in another charset")
	}
	return nil
}

// decode reads the JSON body of a management request into v, a pointer to a struct. An operation that needs no body accepts none.
func (c *call) decode(v any) error {
	body, release, err := c.body(maxBody)
	if err != nil {
		return err
	}
	defer release()
	if len(body) == 0 && c.route.bodyOptional {
		return nil
	}
	if err := strictjson.UnmarshalKnown(body, v); err != nil {
		return err
	}
	if c.route.method == http.MethodPatch {
		return nullsRemove(body, v)
	}
	return nil
}

// parseQuery reads the query, refusing parameters that the route does not know: a filter that is ignored answers wrong rows.
func (c *call) parseQuery() error {
	c.query = url.Values{}
	if c.r.URL.RawQuery == "" {
		return nil
	}
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return signalbox.Errorf(signalbox.Invalid, "the query is malformed: write it as name=value&name=value, percent-encoded")
	}
	var unknown []string
	for name, given := range values {
		if !c.route.knows(name) {
			unknown = append(unknown, name)
		} else if len(given) > 1 {
			return signalbox.InvalidField(name, "%s is given more than once", name)
		}
	}
	if len(unknown) > 0 {
		return c.route.unknownParams(unknown)
	}
	c.query = values
	return nil
}
