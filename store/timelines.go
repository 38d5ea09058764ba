package store

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"signalbox"
)

// A chain is one of the two ways through signals: the columns of signalColumns that name the record and its signal before.
type chain struct{ record, prev int }

var (
	accountChain = chain{record: 4, prev: 10}
	contactChain = chain{record: 5, prev: 11}
)

const signalSQL = `
SELECT ` + signalColumns + `
  FROM signals
 WHERE workspace_id = $1 AND id = $2`

// timelines are those of a record and of all that is merged with it, read as one, newest first. Each is a chain that is walked by primary key; the
// next signal is the newest of those that the chains stand at.
type timelines struct {
	ws     signalbox.WorkspaceID
	chain  chain
	of     []signalbox.EntityID // whose
	beside string               // where earlier pages ended, of chains other than the page's place is in

	at   []int64 // where each chain stands: a signal that is not read yet, 0 at its end
	seen []int64 // the last signal of each that was read, 0 for none
}

// isOf says whether a signal is of one of some records; of none: all are.
func isOf(r *row, c chain, of []signalbox.EntityID) bool {
	return len(of) == 0 || slices.Contains(of, signalbox.EntityID(r.int(c.record)))
}

// slice reads on: from the head of each chain, or from where the page before ended.
func (l *timelines) slice(t *tx, before int64, n int, each func(*row) error) error {
	if l.at == nil {
		if err := l.start(t, before); err != nil {
			return err
		}
	}
	for ; n > 0; n-- {
		newest := 0
		for i := range l.at {
			if l.at[i] > l.at[newest] {
				newest = i
			}
		}
		sig := l.at[newest]
		if sig == 0 {
			return nil
		}
		var stop error
		next := int64(0)
		err := t.query(signalSQL, []any{id(l.ws), sig}, func(r *row) error {
			next = r.int(l.chain.prev)
			stop = each(r)
			return stop
		})
		if err != nil || stop != nil {
			return err
		}
		l.at[newest], l.seen[newest] = next, sig
	}
	return nil
}

// start finds where each chain goes on.
func (l *timelines) start(t *tx, before int64) error {
	l.at, l.seen = make([]int64, len(l.of)), make([]int64, len(l.of))
	places := []int64{before}
	for text := range strings.SplitSeq(l.beside, ",") {
		if place, err := strconv.ParseInt(text, 10, 64); err == nil {
			places = append(places, place)
		}
	}
	for i, entity := range l.of {
		for _, place := range places {
			at, found, err := t.chainStart(l.ws, entity, l.chain, place)
			if err != nil {
				return err
			}
			if found {
				l.at[i] = at
				if place != math.MaxInt64 {
					l.seen[i] = place
				}
			}
			if found || len(l.of) == 1 {
				break
			}
		}
		if l.seen[i] == 0 && before != math.MaxInt64 && len(l.of) > 1 {
			if err := l.below(t, i, before); err != nil {
				return err
			}
		}
	}
	return nil
}

// below sets a chain that no page has come to to its newest signal below a place: what came since the first page is passed over.
func (l *timelines) below(t *tx, i int, before int64) error {
	at, _, err := t.chainStart(l.ws, l.of[i], l.chain, math.MaxInt64)
	for err == nil && at >= before {
		sig := at
		at = 0
		_, err = t.one(signalSQL, []any{id(l.ws), sig}, func(r *row) { at = r.int(l.chain.prev) })
	}
	l.at[i] = at
	return err
}

// places are where the chains were read to, for the next page; "" where the page's own place says it.
func (l *timelines) places() string {
	if len(l.of) < 2 {
		return ""
	}
	var list []string
	for _, sig := range l.seen {
		if sig != 0 {
			list = append(list, strconv.FormatInt(sig, 10))
		}
	}
	return strings.Join(list, ",")
}

// chainStart finds the newest signal of a record's timeline that lies before a place; found says that the place is in the timeline. A place that is
// not in it has nothing behind it: it went with retention, as all before it did.
func (t *tx) chainStart(ws signalbox.WorkspaceID, entity signalbox.EntityID, c chain, before int64) (at int64, found bool, err error) {
	if before == math.MaxInt64 {
		s, err := t.state(ws, entity)
		if isNoSuch(err) {
			return 0, true, nil
		}
		return int64(s.LastSignal), true, err
	}
	_, err = t.one(signalSQL, []any{id(ws), before}, func(r *row) {
		if found = r.int(c.record) == int64(entity); found {
			at = r.int(c.prev)
		}
	})
	return at, found, err
}

// accountGroup lists an account, or the one that stands for it, and all that is merged into that one; only itself when it is unknown or erased.
func (t *tx) accountGroup(ws signalbox.WorkspaceID, acc signalbox.AccountID) ([]signalbox.EntityID, error) {
	a, err := t.account(ws, acc)
	return groupOf(&a, signalbox.EntityID(acc), err)
}

// contactGroup does for contacts what accountGroup does for accounts.
func (t *tx) contactGroup(ws signalbox.WorkspaceID, con signalbox.ContactID) ([]signalbox.EntityID, error) {
	c, err := t.contact(ws, con)
	return groupOf(&c, signalbox.EntityID(con), err)
}

func groupOf(r signalbox.Record, asked signalbox.EntityID, err error) ([]signalbox.EntityID, error) {
	if isNoSuch(err) {
		return []signalbox.EntityID{asked}, nil
	}
	list := []signalbox.EntityID{r.Entity()}
	if parts := r.Parts(); parts != nil {
		for _, part := range parts.Records {
			list = append(list, part.ID)
		}
	}
	return list, err
}
