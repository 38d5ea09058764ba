package api

import (
	"time"

	"signalbox"
	"signalbox/auth"
)

// Row is what the tests need of a row of the table of routes.
type Row struct {
	Method, Pattern, ID string
	Need                auth.Need
	Unlisted            bool
	Query               []string
	Examples            []string // request bodies
}

// Table returns the table of routes, in its order.
func (a *API) Table() []Row {
	var rows []Row
	for _, r := range a.routes {
		row := Row{Method: r.method, Pattern: r.pattern, ID: r.id, Need: r.need, Unlisted: r.unlisted}
		for _, p := range r.query {
			row.Query = append(row.Query, p.name)
		}
		for _, e := range r.examples {
			row.Examples = append(row.Examples, e.body)
		}
		rows = append(rows, row)
	}
	return rows
}

// Window is the count of one workspace's requests.
type Window struct{ w window }

// NewWindow makes an empty count.
func NewWindow() *Window { return &Window{} }

// Count takes one request.
func (w *Window) Count(rate signalbox.Rate, now time.Time) (signalbox.Quota, bool) {
	return w.w.count(rate, now)
}
