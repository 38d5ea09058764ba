package store

import (
	"context"
	"fmt"
	"math"

	"signalbox"
)

// Scored reads at most limit signals of a record and of all that is merged with it, the latest to arrive first, as far as scores go. Erased ones are left
// out.
func (db *DB) Scored(ctx context.Context, ws signalbox.WorkspaceID, kind signalbox.RecordKind, entity signalbox.EntityID, limit int) ([]signalbox.Scored, error) {
	lines := timelines{ws: ws, chain: accountChain}
	err := db.read(ctx, func(t *tx) (err error) {
		if kind == signalbox.ContactRecord {
			lines.chain = contactChain
			lines.of, err = t.contactGroup(ws, signalbox.ContactID(entity))
			return err
		}
		lines.of, err = t.accountGroup(ws, signalbox.AccountID(entity))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what counts for a record: %w", err)
	}
	var list []signalbox.Scored
	types := map[scoped[signalbox.TypeID]]string{}
	of := []signalbox.TypeID{} // of list
	before := int64(math.MaxInt64)
	for more := true; more && len(list) < limit; {
		seen := 0
		err := db.read(ctx, func(t *tx) error {
			return lines.slice(t, before, signalbox.SliceRows, func(r *row) error {
				seen++
				s := scanSignal(r)
				if before = int64(s.ID); !s.ErasedAt.IsZero() {
					return nil
				}
				list, of = append(list, scoredOf(&s)), append(of, s.TypeID)
				types[scoped[signalbox.TypeID]{ws, s.TypeID}] = ""
				return nil
			})
		})
		if err != nil {
			return nil, fmt.Errorf("read what counts for a record: %w", err)
		}
		more = seen == signalbox.SliceRows
	}
	list = list[:min(len(list), limit)]
	err = db.read(ctx, func(t *tx) error { return t.typeNames(types) })
	for i := range list {
		list[i].Type = types[scoped[signalbox.TypeID]{ws, of[i]}]
	}
	return list, err
}
