package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"signalbox"
)

const newestLeadAccountsSQL = `
SELECT entity_id, lead_rank
  FROM entity_states
 WHERE workspace_id = $1 AND lead_rank IS NOT NULL AND (lead_rank, entity_id) < ($2, $3)
 ORDER BY lead_rank DESC, entity_id DESC
 LIMIT $4`

// Leads answers a page of the records that signals landed on, those with the latest signals first. Who was erased, or merged into another one, is left out: a
// page may be shorter than it was asked for.
func (db *DB) Leads(ctx context.Context, ws signalbox.WorkspaceID, p signalbox.Page) (list []signalbox.Lead, next signalbox.Place, err error) {
	limit, _ := bounds(p)
	at, rank := int64(math.MaxInt64), int64(math.MaxInt64)
	if p.Before != 0 {
		at = p.Before
		if rank, err = strconv.ParseInt(p.Beside, 10, 64); err != nil {
			rank = 0
		}
	}
	err = db.read(ctx, func(t *tx) error {
		list, next = nil, signalbox.Place{}
		var found []signalbox.Lead
		for _, from := range []struct {
			sql  string
			kind signalbox.RecordKind
		}{{newestContactsSQL, signalbox.ContactRecord}, {newestLeadAccountsSQL, signalbox.AccountRecord}} {
			err := t.query(from.sql, []any{id(ws), rank, at, limit + 1}, func(r *row) error {
				found = append(found, signalbox.Lead{Kind: from.kind, Entity: signalbox.EntityID(r.int(0)), At: time.UnixMicro(r.int(1)).UTC()})
				return nil
			})
			if err != nil {
				return err
			}
		}
		slices.SortFunc(found, func(a, b signalbox.Lead) int {
			return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Entity, a.Entity))
		})
		if len(found) > limit {
			found = found[:limit]
			last := found[limit-1]
			next = signalbox.Place{Before: int64(last.Entity), Beside: strconv.FormatInt(last.At.UnixMicro(), 10)}
		}
		for _, kind := range []signalbox.RecordKind{signalbox.AccountRecord, signalbox.ContactRecord} {
			var batch []entry
			for _, l := range found {
				if l.Kind == kind {
					batch = append(batch, entry{id: int64(l.Entity)})
				}
			}
			rows, err := t.recordsOf(ws, kind, batch)
			if err != nil {
				return err
			}
			found = slices.DeleteFunc(found, func(l signalbox.Lead) bool {
				r := rows[int64(l.Entity)]
				return l.Kind == kind && (r == nil || r.Into() != 0)
			})
		}
		list = found
		return nil
	})
	if err != nil {
		return nil, signalbox.Place{}, fmt.Errorf("read leads: %w", err)
	}
	return list, next, nil
}
