package api

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sort"
	"strings"

	"signalbox"
	"signalbox/auth"
)

// public is the need of the few routes that ask for neither a key nor a session.
const public auth.Need = ""

// route is one operation: all that the mux, the document and the tests need to know of it.
type route struct {
	method, pattern string
	id              string // operationId
	summary         string // one line
	detail          string // Markdown
	tag             string
	need            auth.Need
	status          int // of success
	bare            bool
	dry             bool // with dry_run its success is 200
	query           []param
	anyQuery        bool // unknown query parameters are not looked at
	bodyOptional    bool
	unlisted        bool             // not in the document: it answers no JSON
	csv             bool             // it answers a CSV file
	events          bool             // it answers events for as long as anybody listens
	also            []signalbox.Code // refusals beside those of every operation like it
	examples        []example
	answers         endpoint
}

// example is a request body of the document; a test sends each one to the real server, in the order of the table.
type example struct {
	name, summary string
	body          string // JSON
}

// endpoint is a handler with the types that it decodes and answers, nil for none.
type endpoint struct {
	in, out reflect.Type
	list    bool // out is the item of a list
	run     func(*call) error
}

func (r *route) run(c *call) error { return r.answers.run(c) }

// none is the answer of an operation that has none: 204.
type none struct{}

// page is the answer of a list.
type page[T any] struct {
	items []T
	next  string // cursor of the rest, "" for none
	total *int
	// open: next stands also where there is no rest, as null or as the place to go on from.
	open bool
}

// takes makes the endpoint of an operation with a JSON body.
func takes[In, Out any](f func(*call, *In) (Out, error)) endpoint {
	return endpoint{in: reflect.TypeFor[In](), out: outOf[Out](), run: func(c *call) error {
		var in In
		if err := c.decode(&in); err != nil {
			return err
		}
		out, err := f(c, &in)
		if err != nil {
			return err
		}
		return c.answer(out)
	}}
}

// asks makes the endpoint of an operation without a body: a POST accepts an empty one or {}.
func asks[Out any](f func(*call) (Out, error)) endpoint {
	return endpoint{out: outOf[Out](), run: func(c *call) error {
		if c.route.method == http.MethodPost {
			if err := c.decode(&struct{}{}); err != nil {
				return err
			}
		}
		out, err := f(c)
		if err != nil {
			return err
		}
		return c.answer(out)
	}}
}

// lists makes the endpoint of a list.
func lists[T any](f func(*call) (page[T], error)) endpoint {
	return endpoint{out: reflect.TypeFor[T](), list: true, run: func(c *call) error {
		p, err := f(c)
		if err != nil {
			return err
		}
		return c.answerList(p.items, p.next, p.total, p.open)
	}}
}

// raw makes the endpoint of a handler that decodes and encodes by itself; in and out are for the document.
func raw[In, Out any](f func(*call) error) endpoint {
	return endpoint{in: reflect.TypeFor[In](), out: outOf[Out](), run: f}
}

func outOf[Out any]() reflect.Type {
	if t := reflect.TypeFor[Out](); t != reflect.TypeFor[none]() {
		return t
	}
	return nil
}

// param is a query parameter.
type param struct {
	name, doc string
	kind      paramKind
	enum      []string
}

// paramKind is how a parameter is written.
type paramKind string

const (
	text    paramKind = "string"
	moment  paramKind = "date-time"
	integer paramKind = "integer"
	words   paramKind = "enum"
)

// paging are the parameters of every list (contract section 2).
func paging(more ...param) []param {
	return append(more,
		param{name: "limit", kind: integer, doc: fmt.Sprintf("How many rows: 1 to %d, %d unless given.", signalbox.MaxPage, signalbox.DefaultPage)},
		param{name: "cursor", kind: text, doc: "Where to go on: `next_cursor` of the answer before, with the same filters."},
	)
}

// places are the names in the braces of the path.
func (r *route) places() (names []string) {
	for part := range strings.SplitSeq(r.pattern, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

func (r *route) knows(name string) bool {
	return slices.ContainsFunc(r.query, func(p param) bool { return p.name == name })
}

// unknownParams names parameters that the route does not take, and those that it does.
func (r *route) unknownParams(unknown []string) error {
	sort.Strings(unknown)
	known := "no query parameters"
	if len(r.query) > 0 {
		names := make([]string, len(r.query))
		for i, p := range r.query {
			names[i] = p.name
		}
		known = strings.Join(names, ", ")
	}
	for i, name := range unknown {
		unknown[i] = clip(name)
	}
	return signalbox.InvalidField(unknown[0], "unknown query parameter %s: this operation takes %s", strings.Join(unknown, ", "), known)
}

// clip bounds how much of a caller's own text is said back.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
