package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strconv"
	"strings"
	"time"

	"signalbox"
)

// id reads the {id} of the path. What is no id of this kind answers as an id that nobody has.
func id[T signalbox.ID](c *call, kind signalbox.Kind, thing string) (T, error) {
	n, ok := c.api.cfg.Codec.Parse(kind, c.r.PathValue("id"))
	if !ok {
		return 0, signalbox.NoSuch(thing)
	}
	return T(n), nil
}

// moment reads a time of the query; zero when it is absent or empty.
func (c *call) moment(name string) (time.Time, error) {
	given := c.query.Get(name)
	if given == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, given)
	if err != nil {
		return time.Time{}, signalbox.InvalidField(name, "%s must be a time such as 2026-01-02T15:04:05Z (a + in an offset is written %%2B)", name)
	}
	return t.UTC(), nil
}

// span reads from and to.
func (c *call) span() (from, to time.Time, err error) {
	if from, err = c.moment("from"); err != nil {
		return from, to, err
	}
	to, err = c.moment("to")
	if err == nil && !from.IsZero() && !to.IsZero() && to.Before(from) {
		err = signalbox.InvalidField("to", "to must not be before from")
	}
	return from, to, err
}

// whole reads an integer of the query within bounds.
func (c *call) whole(name string, lowest, highest, otherwise int) (int, error) {
	given := c.query.Get(name)
	if given == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < lowest || n > highest {
		return 0, signalbox.InvalidField(name, "%s must be a whole number from %d to %d", name, lowest, highest)
	}
	return n, nil
}

// page reads limit and cursor.
func (c *call) page() (signalbox.Page, error) {
	limit, err := c.whole("limit", 1, signalbox.MaxPage, signalbox.DefaultPage)
	if err != nil {
		return signalbox.Page{}, err
	}
	place, err := c.placeAt()
	return place.Page(limit), err
}

// placeAt reads a cursor of cursorAt.
func (c *call) placeAt() (signalbox.Place, error) {
	cursor, beside, more := strings.Cut(c.query.Get("cursor"), ".")
	if !more {
		before, err := c.place()
		return signalbox.Place{Before: before}, err
	}
	text, err := base64.RawURLEncoding.DecodeString(beside)
	kind := besideOf(c.list(), string(text))
	before, ok := c.api.cfg.Codec.Parse(kind, string(kind)+"_"+cursor)
	if err != nil || !ok {
		return signalbox.Place{}, errCursor()
	}
	return signalbox.Place{Before: before, Beside: string(text)}, nil
}

// cursorAt writes a place in the list that the call asks for; "" where there is no rest. What stands beside the id is covered by its check.
func (c *call) cursorAt(p signalbox.Place) string {
	if p.Before == 0 || p.Beside == "" {
		return c.cursor(p.Before)
	}
	kind := besideOf(c.list(), p.Beside)
	return c.api.cfg.Codec.Format(kind, p.Before)[len(kind)+1:] + "." + base64.RawURLEncoding.EncodeToString([]byte(p.Beside))
}

// besideOf names what a cursor with something beside it belongs to.
func besideOf(list signalbox.Kind, beside string) signalbox.Kind {
	sum := sha256.Sum256([]byte(string(list) + beside))
	return signalbox.Kind(sum[:8])
}

func errCursor() error {
	return signalbox.InvalidField("cursor", "cursor is not of this list: use next_cursor of an answer with the same filters, unchanged")
}

// place reads the cursor: 0 when there is none.
func (c *call) place() (int64, error) {
	cursor := c.query.Get("cursor")
	if cursor == "" {
		return 0, nil
	}
	list := c.list()
	place, ok := c.api.cfg.Codec.Parse(list, string(list)+"_"+cursor)
	if !ok {
		return 0, errCursor()
	}
	return place, nil
}

// cursor writes a place in the list that the call asks for; "" for zero.
func (c *call) cursor(place int64) string {
	if place == 0 {
		return ""
	}
	list := c.list()
	return c.api.cfg.Codec.Format(list, place)[len(list)+1:]
}

// list names what a cursor belongs to: the workspace, the path and the filters, in eight bytes. The codec's keyed check covers
// them, so a cursor cannot be made up, nor carried to another list or workspace.
func (c *call) list() signalbox.Kind {
	filters := url.Values{}
	for name, values := range c.query {
		if name != "cursor" && name != "limit" && name != "wait" {
			filters[name] = values
		}
	}
	var ws [8]byte
	binary.BigEndian.PutUint64(ws[:], uint64(c.ws()))
	sum := sha256.Sum256([]byte(string(ws[:]) + c.r.URL.Path + "?" + filters.Encode()))
	return signalbox.Kind(sum[:8])
}
