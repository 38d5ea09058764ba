package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"signalbox"
)

// scanFor is how long a filtered list looks for rows before it answers the page it has, with where to go on from: people wait for it, and whoever wants
// more asks again. With slices of SliceRows it keeps every list bounded, however few rows its filter lets through.
const scanFor = 60 * time.Millisecond

// listing says how to read one kind of list, newest first. Every row's first column is its id.
type listing[T any] struct {
	// slice reads at most n rows with ids below before, newest first, filtered by nothing that would make it read more.
	slice func(t *tx, before int64, n int, each func(*row) error) error
	// keep says whether a row belongs to the list; nil keeps all. It reads no more columns than it must.
	keep func(r *row) bool
	scan func(r *row) (T, error)
	// floor is an id below which nothing can belong to the list: 0 for none.
	floor int64
	// skip is asked after a slice without a row to keep: from where to go on, at most before; nil goes on from before.
	skip func(t *tx, before int64) (int64, error)
}

// fill reads one page of a listing: keyset by id, so it is stable while rows arrive. next is what to pass as Page.Before for
// the rest, 0 when there is none. A page may be shorter than its limit and have a next: the scan's time was over.
func fill[T any](ctx context.Context, db *DB, p signalbox.Page, l listing[T]) (list []T, next int64, err error) {
	limit, before := bounds(p)
	list = []T{}
	rows := limit + 1
	if l.keep != nil {
		rows = signalbox.SliceRows
	}
	var last, more int64 // the last id that belongs to the page, and the first one behind it
	for start := time.Now(); ; {
		seen, kept := 0, len(list)
		err := db.read(ctx, func(t *tx) error {
			err := l.slice(t, before, rows, func(r *row) error {
				seen++
				before = r.int(0)
				switch {
				case before < l.floor:
					seen = 0
					return errStop
				case l.keep != nil && !l.keep(r):
					return nil
				case len(list) == limit:
					more = before
					return errStop
				}
				item, err := l.scan(r)
				list, last = append(list, item), before
				return err
			})
			if err == nil && l.skip != nil && seen == rows && len(list) == kept && more == 0 {
				before, err = l.skip(t, before)
			}
			return err
		})
		switch {
		case err != nil:
			return nil, 0, fmt.Errorf("read list: %w", err)
		case more != 0:
			return list, last, nil
		case seen < rows:
			return list, 0, nil
		case time.Since(start) > scanFor:
			return list, before, nil
		}
	}
}

// bounds are a page's limit, held within 1 to MaxPage, and the id it begins below.
func bounds(p signalbox.Page) (limit int, before int64) {
	limit, before = p.Limit, p.Before
	if limit <= 0 {
		limit = signalbox.DefaultPage
	}
	if before <= 0 {
		before = math.MaxInt64
	}
	return min(limit, signalbox.MaxPage), before
}

// foundOr turns the outcome of a look-up into an error: NoSuch(thing) when nothing was found.
func foundOr(found bool, err error, thing string) error {
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", thing, err)
	case !found:
		return signalbox.NoSuch(thing)
	}
	return nil
}

// isNoSuch says whether err is the answer to an unknown id.
func isNoSuch(err error) bool {
	var e *signalbox.Error
	return errors.As(err, &e) && e.Code == signalbox.NotFound
}
