package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"signalbox"
)

// Lists of accounts and contacts: in which order records come, and what a search finds.
//
// An order is a source of ids: by the index of creation, of sorted (the name, or what stands in for it, in lower case), or of the rank of an entity state
// (when its last signal came, to the minute: a rank is rewritten when it is rankFor old, so that a busy record costs its index nothing; or by its score: ranks.go). The rows are
// looked up by those ids, and what a filter does not let through is passed over.
//
// A search looks for words that begin with those of the query, in record_words. A word that few records have is looked up, and what it finds is sorted
// here; where every word is one that many have, the list is gone through instead: its pages fill quickly then. A status, a stage, an audience or an account does the same for
// a list that is not in the order of ids (narrow.go).

// entry is a record's place in a list: its id, and what it is sorted by.
type entry struct {
	id   int64
	rank int64  // of the orders by a rank; noRank for a record that has none
	name string // of the order by name
	pass bool   // it was listed by its rank: only the place counts
}

// noRank is the rank of what has none.
const noRank = math.MinInt64

// shelf is one kind of records with the statements that its lists are read by.
type shelf struct {
	kind           signalbox.RecordKind
	created, named string
	name           string // of one record
	ranks          map[signalbox.RecordSort]ranking
	inStage, stage string // those in a stage; that of one record
	parts          string // what stands for one record, and what it stands for
}

// ranking is an order by a column of entity_states. The statement for one record does not say that there is a rank: PostgreSQL would take the index of ranks for it, and read all of a
// workspace's.
type ranking struct {
	walk string // what comes behind a place
	rank string // of one record
}

const (
	createdAccountsSQL = `
SELECT id
  FROM accounts
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

	namedAccountsSQL = `
SELECT id, sorted
  FROM accounts
 WHERE workspace_id = $1 AND erased_at IS NULL AND merged_into IS NULL AND (sorted, id) > ($2, $3)
 ORDER BY sorted, id
 LIMIT $4`

	accountNameSQL = `
SELECT sorted
  FROM accounts
 WHERE workspace_id = $1 AND id = $2`

	newestAccountsSQL = `
SELECT entity_id, account_rank
  FROM entity_states
 WHERE workspace_id = $1 AND account_rank IS NOT NULL AND (account_rank, entity_id) < ($2, $3)
 ORDER BY account_rank DESC, entity_id DESC
 LIMIT $4`

	oldestAccountsSQL = `
SELECT entity_id, account_rank
  FROM entity_states
 WHERE workspace_id = $1 AND account_rank IS NOT NULL AND (account_rank, entity_id) > ($2, $3)
 ORDER BY account_rank, entity_id
 LIMIT $4`

	accountRankSQL = `
SELECT account_rank
  FROM entity_states
 WHERE workspace_id = $1 AND entity_id = $2`

	topAccountsSQL = `
SELECT entity_id, account_score
  FROM entity_states
 WHERE workspace_id = $1 AND account_score IS NOT NULL AND (account_score, entity_id) < ($2, $3)
 ORDER BY account_score DESC, entity_id DESC
 LIMIT $4`

	accountScoreSQL = `
SELECT account_score
  FROM entity_states
 WHERE workspace_id = $1 AND entity_id = $2`

	createdContactsSQL = `
SELECT id
  FROM contacts
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

	namedContactsSQL = `
SELECT id, sorted
  FROM contacts
 WHERE workspace_id = $1 AND erased_at IS NULL AND merged_into IS NULL AND (sorted, id) > ($2, $3)
 ORDER BY sorted, id
 LIMIT $4`

	contactNameSQL = `
SELECT sorted
  FROM contacts
 WHERE workspace_id = $1 AND id = $2`

	newestContactsSQL = `
SELECT entity_id, contact_rank
  FROM entity_states
 WHERE workspace_id = $1 AND contact_rank IS NOT NULL AND (contact_rank, entity_id) < ($2, $3)
 ORDER BY contact_rank DESC, entity_id DESC
 LIMIT $4`

	oldestContactsSQL = `
SELECT entity_id, contact_rank
  FROM entity_states
 WHERE workspace_id = $1 AND contact_rank IS NOT NULL AND (contact_rank, entity_id) > ($2, $3)
 ORDER BY contact_rank, entity_id
 LIMIT $4`

	contactRankSQL = `
SELECT contact_rank
  FROM entity_states
 WHERE workspace_id = $1 AND entity_id = $2`

	topContactsSQL = `
SELECT entity_id, contact_score
  FROM entity_states
 WHERE workspace_id = $1 AND contact_score IS NOT NULL AND (contact_score, entity_id) < ($2, $3)
 ORDER BY contact_score DESC, entity_id DESC
 LIMIT $4`

	contactScoreSQL = `
SELECT contact_score
  FROM entity_states
 WHERE workspace_id = $1 AND entity_id = $2`
)

var (
	accountShelf = shelf{
		kind: signalbox.AccountRecord, created: createdAccountsSQL, named: namedAccountsSQL, name: accountNameSQL, inStage: accountsInStageSQL, stage: accountStageSQL, parts: accountPartsSQL,
		ranks: map[signalbox.RecordSort]ranking{
			signalbox.ByLastSignal: {newestAccountsSQL, accountRankSQL}, signalbox.ByOldSignal: {oldestAccountsSQL, accountRankSQL}, signalbox.ByScore: {topAccountsSQL, accountScoreSQL},
		},
	}
	contactShelf = shelf{
		kind: signalbox.ContactRecord, created: createdContactsSQL, named: namedContactsSQL, name: contactNameSQL, inStage: contactsInStageSQL, stage: contactStageSQL, parts: contactPartsSQL,
		ranks: map[signalbox.RecordSort]ranking{
			signalbox.ByLastSignal: {newestContactsSQL, contactRankSQL}, signalbox.ByOldSignal: {oldestContactsSQL, contactRankSQL}, signalbox.ByScore: {topContactsSQL, contactScoreSQL},
		},
	}
)

// listed is a list being read: one page of it.
type listed struct {
	shelf
	ws     signalbox.WorkspaceID
	f      signalbox.RecordFilter
	words  []string
	keep   func(signalbox.Record) bool
	by     []source // what the filter narrows the list by that can be looked up
	found  []entry  // of a search whose matches are all here, in order
	search bool
}

// sortedRecords reads a page of records in the order and with the search of a filter.
func (db *DB) sortedRecords(ctx context.Context, s shelf, ws signalbox.WorkspaceID, f signalbox.RecordFilter, p signalbox.Page, keep func(signalbox.Record) bool, by ...source) ([]signalbox.Record, signalbox.Place, error) {
	l := &listed{shelf: s, ws: ws, f: f, words: wordsOf(f.Query), keep: keep}
	l.by = append(l.sources(), by...)
	if strings.TrimSpace(f.Query) != "" && len(l.words) == 0 {
		return nil, signalbox.Place{}, nil // signs alone are nobody's name
	}
	limit, _ := bounds(p)
	var page []signalbox.Record
	last, at := entry{}, l.entryOf(p)
	for start := time.Now(); ; {
		var batch []entry
		var rows []signalbox.Record
		err := db.read(ctx, func(t *tx) (err error) {
			if !l.search && l.looks() {
				if err = l.look(t); err != nil {
					return err
				}
			}
			if batch, err = l.after(t, at, 2*limit); err != nil {
				return err
			}
			rows, err = l.rows(t, batch)
			return err
		})
		if err != nil {
			return nil, signalbox.Place{}, fmt.Errorf("read list: %w", err)
		}
		for i, r := range rows {
			if r == nil {
				continue
			}
			if len(page) == limit {
				return page, l.placeOf(last), nil
			}
			page, last = append(page, r), batch[i]
		}
		switch {
		case len(batch) == 0:
			return page, signalbox.Place{}, nil
		case time.Since(start) > scanFor:
			return page, l.placeOf(batch[len(batch)-1]), nil
		}
		at = batch[len(batch)-1]
	}
}

// first is the place before everything.
func (l *listed) first() entry {
	switch l.f.Sort {
	case signalbox.ByName:
		return entry{}
	case signalbox.ByOldSignal:
		return entry{rank: noRank + 1}
	}
	return entry{id: math.MaxInt64, rank: math.MaxInt64}
}

// entryOf reads a page's place.
func (l *listed) entryOf(p signalbox.Page) entry {
	if p.Before == 0 {
		return l.first()
	}
	e := entry{id: p.Before, name: p.Beside, rank: noRank}
	if rank, err := strconv.ParseInt(p.Beside, 10, 64); err == nil {
		e.rank = rank
	}
	return e
}

// placeOf writes it.
func (l *listed) placeOf(e entry) signalbox.Place {
	switch {
	case l.f.Sort == signalbox.ByName:
		return signalbox.Place{Before: e.id, Beside: e.name}
	case l.ranks[l.f.Sort].walk != "" && e.rank != noRank:
		return signalbox.Place{Before: e.id, Beside: strconv.FormatInt(e.rank, 10)}
	}
	return signalbox.Place{Before: e.id}
}

// compare is the order of the list. Who never had a signal comes last in both orders by it, the newest first.
func (l *listed) compare(a, b entry) int {
	switch l.f.Sort {
	case signalbox.ByName:
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
	case signalbox.ByOldSignal:
		if a.rank != noRank && b.rank != noRank {
			return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.id, b.id))
		}
	}
	return cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(b.id, a.id))
}

// after answers the next n entries behind a place.
func (l *listed) after(t *tx, at entry, n int) ([]entry, error) {
	if l.search && l.found != nil {
		from, _ := slices.BinarySearchFunc(l.found, at, l.compare)
		for from < len(l.found) && l.compare(l.found[from], at) <= 0 {
			from++
		}
		return l.found[from:min(from+n, len(l.found))], nil
	}
	if l.f.Sort == signalbox.ByName {
		return l.entries(t, func(r *row) entry { return entry{id: r.int(0), name: r.text(1)} }, l.named, id(l.ws), at.name, at.id, n)
	}
	if by := l.ranks[l.f.Sort]; by.walk != "" {
		if at.rank == noRank {
			return l.unranked(t, at.id, n)
		}
		list, err := l.entries(t, func(r *row) entry { return entry{id: r.int(0), rank: r.int(1)} }, by.walk, id(l.ws), at.rank, at.id, n)
		if err != nil || len(list) > 0 {
			return list, err
		}
		return l.unranked(t, math.MaxInt64, n)
	}
	if len(l.by) > 0 && len(l.words) == 0 { // a part of a group has words of its own, and is in nothing by itself
		ids, err := l.by[0](t, at.id, n)
		return unrankedEntries(ids), err
	}
	return l.entries(t, func(r *row) entry { return entry{id: r.int(0), rank: noRank} }, l.created, id(l.ws), at.id, n)
}

func (l *listed) entries(t *tx, scan func(*row) entry, sql string, args ...any) (list []entry, err error) {
	err = t.query(sql, args, func(r *row) error {
		list = append(list, scan(r))
		return nil
	})
	return list, err
}

// unranked answers the next records below an id. Those that have a rank, and so were listed, are passed over: they count as steps, so that no call is long.
func (l *listed) unranked(t *tx, before int64, n int) ([]entry, error) {
	ids, err := t.ids(l.created, id(l.ws), before, max(n, signalbox.SliceRows))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	ranks, err := l.ranksOf(t, ids)
	if err != nil {
		return nil, err
	}
	list := unrankedEntries(ids)
	for i := range list {
		_, list[i].pass = ranks[list[i].id]
	}
	return list, nil
}

// unrankedEntries are entries of ids in their order.
func unrankedEntries(ids []int64) []entry {
	list := make([]entry, len(ids))
	for i, one := range ids {
		list[i] = entry{id: one, rank: noRank}
	}
	return list
}

// ranksOf reads the ranks of records; one without is left out.
func (l *listed) ranksOf(t *tx, ids []int64) (map[int64]int64, error) {
	ranks := make(map[int64]int64, len(ids))
	err := lookUp(t, l.ranks[l.f.Sort].rank, 1, ids, func(s *stmt, e *int64) { s.id(int64(l.ws)).id(*e) }, func(r *row, e *int64) {
		if !r.null(0) {
			ranks[*e] = r.int(0)
		}
	})
	return ranks, err
}

// rows looks the records of entries up: nil for one that is not of the list. A merged one is found by what its own row says, and stands in the list
// where the first of its group does: there the one that stands for it is answered.
func (l *listed) rows(t *tx, batch []entry) ([]signalbox.Record, error) {
	own, err := t.recordsOf(l.ws, l.kind, slices.DeleteFunc(slices.Clone(batch), func(e entry) bool { return e.pass }))
	if err != nil {
		return nil, err
	}
	rows := make([]signalbox.Record, len(batch))
	for i := range batch {
		r := own[batch[i].id]
		if r == nil {
			continue
		}
		if r, err = l.listedAs(t, r, batch[i]); err != nil {
			return nil, err
		}
		if r != nil && l.keep(r) {
			rows[i] = r
		}
	}
	return rows, l.narrow(t, rows)
}

// listedAs answers what a record is listed as: itself, what stands for it, or nil where it is not listed.
func (l *listed) listedAs(t *tx, r signalbox.Record, at entry) (signalbox.Record, error) {
	if l.f.Sort == signalbox.ByScore { // a group has one score, and stands where what stands for it does
		if r.Into() != 0 || len(l.words) == 0 || matches(r, l.words) {
			return orNone(r, r.Into() == 0), nil
		}
		found, err := l.partMatches(t, r)
		return orNone(r, found), err
	}
	if len(l.words) > 0 && !matches(r, l.words) {
		return nil, nil
	}
	if r.Into() != 0 || r.Parts() != nil {
		return l.leads(t, r, at)
	}
	return r, nil
}

func orNone(r signalbox.Record, listed bool) signalbox.Record {
	if listed {
		return r
	}
	return nil
}

// partMatches says whether a search finds something that was merged into a record.
func (l *listed) partMatches(t *tx, r signalbox.Record) (bool, error) {
	if r.Parts() == nil {
		return false, nil
	}
	var parts []entry
	for _, part := range r.Parts().Records {
		parts = append(parts, entry{id: int64(part.ID)})
	}
	members, err := t.recordsOf(l.ws, l.kind, parts)
	for _, m := range members {
		if matches(m, l.words) {
			return true, err
		}
	}
	return false, err
}

// leads answers what stands for a merged record when this one is the first of its group in the list, nil when another one is.
func (l *listed) leads(t *tx, r signalbox.Record, at entry) (signalbox.Record, error) {
	top := r
	if r.Into() != 0 {
		var err error
		if top, err = t.record(l.ws, l.kind, r.Into()); err != nil || top == nil {
			return nil, err
		}
	}
	byTop := l.f.Sort != signalbox.ByLastSignal && l.f.Sort != signalbox.ByOldSignal
	if byTop && len(l.words) == 0 {
		if r.Into() != 0 {
			return nil, nil
		}
		return top, nil
	}
	var group []entry
	ids := []int64{int64(top.Entity())}
	for _, part := range top.Parts().Records {
		ids = append(ids, int64(part.ID))
	}
	for _, one := range ids {
		group = append(group, entry{id: one, rank: noRank})
	}
	members, err := t.recordsOf(l.ws, l.kind, group)
	if err != nil {
		return nil, err
	}
	group = group[:0]
	for _, one := range ids {
		if m := members[one]; m != nil && (len(l.words) == 0 || matches(m, l.words)) {
			group = append(group, entry{id: one, rank: noRank})
		}
	}
	if err := l.dress(t, group); err != nil {
		return nil, err
	}
	if l.f.Sort == signalbox.ByOldSignal { // the group is as old as its latest signal
		slices.SortFunc(group, func(a, b entry) int { return cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(b.id, a.id)) })
	} else {
		slices.SortFunc(group, l.compare)
	}
	if group[0].id != at.id {
		return nil, nil
	}
	return top, nil
}

// dress gives entries what they are sorted by.
func (l *listed) dress(t *tx, list []entry) error {
	bind := func(s *stmt, e *entry) { s.id(int64(l.ws)).id(e.id) }
	switch l.f.Sort {
	case signalbox.ByName:
		return lookUp(t, l.name, 1, list, bind, func(r *row, e *entry) { e.name = r.text(0) })
	case signalbox.ByLastSignal, signalbox.ByOldSignal, signalbox.ByScore:
		return lookUp(t, l.ranks[l.f.Sort].rank, 1, list, bind, func(r *row, e *entry) {
			if !r.null(0) {
				e.rank = r.int(0)
			}
		})
	}
	return nil
}

// recordsOf reads the rows of entries, merged or not; what is erased is left out.
func (t *tx) recordsOf(ws signalbox.WorkspaceID, kind signalbox.RecordKind, list []entry) (map[int64]signalbox.Record, error) {
	found := make(map[int64]signalbox.Record, len(list))
	sql, fields, scan := accountSQL, accountFields, func(r *row) signalbox.Record { a := scanAccount(r); return &a }
	if kind == signalbox.ContactRecord {
		sql, fields, scan = contactSQL, contactFields, func(r *row) signalbox.Record { c := scanContact(r); return &c }
	}
	err := lookUp(t, sql, fields, list, func(s *stmt, e *entry) { s.id(int64(ws)).id(e.id) }, func(r *row, e *entry) { found[e.id] = scan(r) })
	return found, err
}
