package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"signalbox"
)

const signalColumns = `id, workspace_id, type_id, source, account_id, contact_id, occurred_at, created_at, properties, backfill,
       prev_account_signal_id, prev_contact_signal_id, caused_to, erased_at, points, rules, event_name, held`

// signalFields is how many columns signalColumns are.
const signalFields = 18

// Signals answers a page of the workspace's signals, newest first by arrival, with the records they are about. A list of an
// account or a contact walks its timeline, or those of all that is merged with it, whose place must be of it. A filter that lets little through may give a
// short page with a next: the scan's time was over. Erased signals are left out.
func (db *DB) Signals(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.SignalFilter, p signalbox.Page) ([]signalbox.SignalView, signalbox.Place, error) {
	typ, err := db.typeID(ctx, ws, f.Type)
	if err != nil || typ == 0 && f.Type != "" {
		return []signalbox.SignalView{}, signalbox.Place{}, err
	}
	var lines timelines
	var accounts, contacts []signalbox.EntityID // of the filters, with all that is merged with each
	err = db.read(ctx, func(t *tx) (err error) {
		if f.Account != 0 {
			if accounts, err = t.accountGroup(ws, f.Account); err != nil {
				return err
			}
		}
		if f.Contact != 0 {
			contacts, err = t.contactGroup(ws, f.Contact)
		}
		return err
	})
	if err != nil {
		return nil, signalbox.Place{}, fmt.Errorf("read signals: %w", err)
	}
	l := listing[signalbox.SignalView]{
		keep: func(r *row) bool {
			return r.int(1) == int64(ws) && r.null(13) && (typ == 0 || r.int(2) == int64(typ)) && isOf(r, accountChain, accounts) && isOf(r, contactChain, contacts) &&
				signalMatches(r, &f)
		},
		scan: func(r *row) (signalbox.SignalView, error) { return signalbox.SignalView{Signal: scanSignal(r)}, nil },
	}
	if !f.From.IsZero() {
		l.floor = floorAt(f.From.Add(-signalbox.MaxFuture)) // a signal may be said to occur that long after it came
	}
	switch {
	case f.Contact != 0:
		lines = timelines{ws: ws, of: contacts, chain: contactChain, beside: p.Beside}
		l.slice = lines.slice
	case f.Account != 0:
		lines = timelines{ws: ws, of: accounts, chain: accountChain, beside: p.Beside}
		l.slice = lines.slice
	case f.Type != "":
		l.slice = typeSlice(ws, typ)
	default:
		l.slice = allSlice(ws)
		l.skip = func(t *tx, before int64) (int64, error) { return t.newestSignal(ws, before) }
	}
	list, next, err := fill(ctx, db, p, l)
	place := signalbox.Place{Before: next}
	if next != 0 {
		place.Beside = lines.places()
	}
	if err != nil || len(list) == 0 {
		return list, place, err
	}
	err = db.read(ctx, func(t *tx) error { return t.dress(list) })
	if err != nil {
		return nil, signalbox.Place{}, fmt.Errorf("read signals: %w", err)
	}
	return list, place, nil
}

// Signal answers a signal with the records it is about, or NoSuch("signal") when it is unknown or erased.
func (db *DB) Signal(ctx context.Context, ws signalbox.WorkspaceID, sig signalbox.SignalID) (signalbox.SignalView, error) {
	list := make([]signalbox.SignalView, 1)
	err := db.read(ctx, func(t *tx) error {
		found, err := t.one(signalSQL, []any{id(ws), id(sig)}, func(r *row) { list[0].Signal = scanSignal(r) })
		if err := foundOr(found && list[0].ErasedAt.IsZero(), err, "signal"); err != nil {
			return err
		}
		return t.dress(list)
	})
	if err != nil {
		return signalbox.SignalView{}, err
	}
	return list[0], nil
}

// LastSignal answers the last signal of a record; nil when it has none, or that one was erased.
func (db *DB) LastSignal(ctx context.Context, ws signalbox.WorkspaceID, of signalbox.EntityID) (*signalbox.Signal, error) {
	var last *signalbox.Signal
	err := db.read(ctx, func(t *tx) error {
		last = nil
		state, err := t.state(ws, of)
		if isNoSuch(err) || err == nil && state.LastSignal == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		list := make([]signalbox.Signal, 0, 1)
		_, err = t.one(signalSQL, []any{id(ws), id(state.LastSignal)}, func(r *row) {
			if s := scanSignal(r); s.ErasedAt.IsZero() {
				list = append(list, s)
			}
		})
		if err != nil || len(list) == 0 {
			return err
		}
		last = &list[0]
		return t.nameTypes(list)
	})
	if err != nil {
		return nil, fmt.Errorf("read the last signal: %w", err)
	}
	return last, nil
}

const typeIDSQL = `
SELECT id
  FROM signal_types
 WHERE workspace_id = $1 AND name = $2`

// typeID finds a signal type by its name: 0 for none.
func (db *DB) typeID(ctx context.Context, ws signalbox.WorkspaceID, name string) (typ signalbox.TypeID, err error) {
	if name == "" {
		return 0, nil
	}
	err = db.read(ctx, func(t *tx) error {
		_, err := t.one(typeIDSQL, []any{id(ws), name}, func(r *row) { typ = signalbox.TypeID(r.int(0)) })
		return err
	})
	return typ, err
}

// signalMatches applies the filters that a row of signalColumns can answer.
func signalMatches(r *row, f *signalbox.SignalFilter) bool {
	return (f.Source == "" || r.text(3) == f.Source) && within(r.time(6), f.From, f.To)
}

const signalsOfTypeSQL = `
SELECT ` + signalColumns + `
  FROM signals
 WHERE workspace_id = $1 AND type_id = $2 AND id < $3
 ORDER BY id DESC
 LIMIT $4`

func typeSlice(ws signalbox.WorkspaceID, typ signalbox.TypeID) func(*tx, int64, int, func(*row) error) error {
	return func(t *tx, before int64, n int, each func(*row) error) error {
		return t.query(signalsOfTypeSQL, []any{id(ws), id(typ), before, n}, each)
	}
}

// allSignalsSQL names no workspace: signals have no index by workspace alone, and a WHERE that no index serves would read
// without bound. The list's keep drops what is not the workspace's.
const allSignalsSQL = `
SELECT ` + signalColumns + `
  FROM signals
 WHERE id < $1
 ORDER BY id DESC
 LIMIT $2`

func allSlice(ws signalbox.WorkspaceID) func(*tx, int64, int, func(*row) error) error {
	return func(t *tx, before int64, n int, each func(*row) error) error {
		return t.query(allSignalsSQL, t.scoped(int64(ws), before, n), each)
	}
}

// newestSignalSQL steps once into the index for each of the workspace's types (at most MaxSignalTypes).
const newestSignalSQL = `
SELECT max((SELECT s.id
              FROM signals AS s
             WHERE s.workspace_id = $1 AND s.type_id = t.id AND s.id < $2
             ORDER BY s.id DESC
             LIMIT 1))
  FROM signal_types AS t
 WHERE t.workspace_id = $1`

// newestSignal leaps over what other workspaces have: it answers the place just above the workspace's newest signal before one.
func (t *tx) newestSignal(ws signalbox.WorkspaceID, before int64) (int64, error) {
	newest, err := t.count(newestSignalSQL, id(ws), before)
	if newest == 0 {
		return 0, err
	}
	return newest + 1, err
}

const typeNameSQL = `
SELECT name
  FROM signal_types
 WHERE workspace_id = $1 AND id = $2`

// dress gives signals of one page their types' names and the records they are about, each read once; nil for a record that is gone.
func (t *tx) dress(list []signalbox.SignalView) error {
	types := map[scoped[signalbox.TypeID]]string{}
	accounts := map[scoped[signalbox.AccountID]]*signalbox.Account{}
	contacts := map[scoped[signalbox.ContactID]]*signalbox.Contact{}
	for i := range list {
		s := &list[i]
		types[scoped[signalbox.TypeID]{s.Workspace, s.TypeID}] = ""
		if s.Account != 0 {
			accounts[scoped[signalbox.AccountID]{s.Workspace, s.Account}] = nil
		}
		if s.Contact != 0 {
			contacts[scoped[signalbox.ContactID]{s.Workspace, s.Contact}] = nil
		}
	}
	if err := t.typeNames(types); err != nil {
		return err
	}
	if err := t.accountsOf(accounts); err != nil {
		return err
	}
	err := t.peopleOf(contacts)
	for i := range list {
		s := &list[i]
		s.Type = types[scoped[signalbox.TypeID]{s.Workspace, s.TypeID}]
		s.AccountRow = accounts[scoped[signalbox.AccountID]{s.Workspace, s.Account}]
		s.ContactRow = contacts[scoped[signalbox.ContactID]{s.Workspace, s.Contact}]
	}
	return err
}

// typeNames fills in what types are called.
func (t *tx) typeNames(types map[scoped[signalbox.TypeID]]string) error {
	err := lookUp(t, typeNameSQL, 1, slices.Collect(maps.Keys(types)), bindScoped, func(r *row, k *scoped[signalbox.TypeID]) { types[*k] = r.text(0) })
	if err != nil {
		return fmt.Errorf("read types: %w", err)
	}
	return nil
}

// scanSignal reads a row of signalColumns; the type's name is not among them.
func scanSignal(r *row) signalbox.Signal {
	return signalbox.Signal{
		ID: signalbox.SignalID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), TypeID: signalbox.TypeID(r.int(2)),
		Source: r.text(3), Account: signalbox.AccountID(r.int(4)), Contact: signalbox.ContactID(r.int(5)), OccurredAt: r.time(6),
		CreatedAt: r.time(7), Properties: r.bytes(8), Backfill: r.bool(9), PrevAccount: signalbox.SignalID(r.int(10)),
		PrevContact: signalbox.SignalID(r.int(11)), CausedTo: r.int(12), ErasedAt: r.time(13),
		Points: signalbox.Points(r.int(14)), Rules: r.bytes(15), EventName: r.text(16), Held: r.bool(17),
	}
}
