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
	"unicode"

	"signalbox"
)

// Lists of accounts and contacts: in which order records come, and what a search finds.
//
// An order is a source of ids: by the index of creation, of sorted (the name, or what stands in for it, in lower case), or of the rank of an entity state
// (when its last signal came, to the minute: a rank is rewritten when it is rankFor old, so that a busy record costs its index nothing). The rows are
// looked up by those ids, and what a filter does not let through is passed over.
//
// A search looks for words that begin with those of the query, in record_words. A word that few records have is looked up, and what it finds is sorted
// here; where every word is one that many have, the list is gone through instead: its pages fill quickly then.

// entry is a record's place in a list: its id, and what it is sorted by.
type entry struct {
	id   int64
	rank int64  // of the orders by last signal; noRank for a record that has none yet
	name string // of the order by name
}

const (
	noRank     = math.MinInt64
	searchMost = 10_000 // how many matches of a word are looked up and sorted here
	idsMost    = 20_000 // and how many where their ids are their order
)

// shelf is one kind of records with the statements that its lists are read by.
type shelf struct {
	kind                                 signalbox.RecordKind
	created, named, newest, oldest, rest string
	name, rank                           string // of one record
}

const (
	createdAccountsSQL = `
SELECT id
  FROM accounts
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

	// statusAccountsSQL says that there is a status, or the index of those would not be seen to serve.
	statusAccountsSQL = `
SELECT id
  FROM accounts
 WHERE workspace_id = $1 AND status = $4 AND status <> '' AND id < $2
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
 WHERE workspace_id = $1 AND entity_id = $2 AND account_rank IS NOT NULL`

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
 WHERE workspace_id = $1 AND entity_id = $2 AND contact_rank IS NOT NULL`

	wordSQL = `
SELECT entity_id
  FROM record_words
 WHERE workspace_id = $1 AND kind = $2 AND word >= $3 AND word < $4
 LIMIT $5`
)

var (
	accountShelf = shelf{signalbox.AccountRecord, createdAccountsSQL, namedAccountsSQL, newestAccountsSQL, oldestAccountsSQL, createdAccountsSQL, accountNameSQL, accountRankSQL}
	contactShelf = shelf{signalbox.ContactRecord, createdContactsSQL, namedContactsSQL, newestContactsSQL, oldestContactsSQL, createdContactsSQL, contactNameSQL, contactRankSQL}
)

// listed is a list being read: one page of it.
type listed struct {
	shelf
	ws     signalbox.WorkspaceID
	f      signalbox.RecordFilter
	words  []string
	keep   func(signalbox.Record) bool
	found  []entry // of a search whose matches are all here, in order
	search bool
}

// sortedRecords reads a page of records in the order and with the search of a filter.
func (db *DB) sortedRecords(ctx context.Context, s shelf, ws signalbox.WorkspaceID, f signalbox.RecordFilter, p signalbox.Page, keep func(signalbox.Record) bool) ([]signalbox.Record, signalbox.Place, error) {
	l := &listed{shelf: s, ws: ws, f: f, words: wordsOf(f.Query), keep: keep}
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
			if !l.search && (len(l.words) > 0 || l.byStatus()) {
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
	case (l.f.Sort == signalbox.ByLastSignal || l.f.Sort == signalbox.ByOldSignal) && e.rank != noRank:
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
	switch l.f.Sort {
	case signalbox.ByName:
		return l.entries(t, func(r *row) entry { return entry{id: r.int(0), name: r.text(1)} }, l.named, id(l.ws), at.name, at.id, n)
	case signalbox.ByLastSignal, signalbox.ByOldSignal:
		if at.rank == noRank {
			return l.unranked(t, at.id, n)
		}
		sql := l.newest
		if l.f.Sort == signalbox.ByOldSignal {
			sql = l.oldest
		}
		list, err := l.entries(t, func(r *row) entry { return entry{id: r.int(0), rank: r.int(1)} }, sql, id(l.ws), at.rank, at.id, n)
		if err != nil || len(list) > 0 {
			return list, err
		}
		return l.unranked(t, math.MaxInt64, n)
	}
	byID := func(r *row) entry { return entry{id: r.int(0), rank: noRank} }
	if l.f.Status != "" && l.kind == signalbox.AccountRecord {
		return l.entries(t, byID, statusAccountsSQL, id(l.ws), at.id, n, l.f.Status)
	}
	return l.entries(t, byID, l.created, id(l.ws), at.id, n)
}

func (l *listed) entries(t *tx, scan func(*row) entry, sql string, args ...any) (list []entry, err error) {
	err = t.query(sql, args, func(r *row) error {
		list = append(list, scan(r))
		return nil
	})
	return list, err
}

// unranked answers the next records below an id that never had a signal.
func (l *listed) unranked(t *tx, before int64, n int) (list []entry, err error) {
	for len(list) == 0 {
		ids, err := t.ids(l.rest, id(l.ws), before, max(n, signalbox.SliceRows))
		if err != nil || len(ids) == 0 {
			return nil, err
		}
		before = ids[len(ids)-1]
		ranks, err := l.ranks(t, ids)
		if err != nil {
			return nil, err
		}
		for _, one := range ids {
			if _, ranked := ranks[one]; !ranked {
				list = append(list, entry{id: one, rank: noRank})
			}
		}
	}
	return list, nil
}

// ranks reads the ranks of records; one without is left out.
func (l *listed) ranks(t *tx, ids []int64) (map[int64]int64, error) {
	ranks := make(map[int64]int64, len(ids))
	err := lookUp(t, l.rank, 1, ids, func(s *stmt, e *int64) { s.id(int64(l.ws)).id(*e) }, func(r *row, e *int64) { ranks[*e] = r.int(0) })
	return ranks, err
}

// rows looks the records of entries up: nil for one that is not of the list. A merged one is found by what its own row says, and stands in the list
// where the first of its group does: there the one that stands for it is answered.
func (l *listed) rows(t *tx, batch []entry) ([]signalbox.Record, error) {
	own, err := t.recordsOf(l.ws, l.kind, batch)
	if err != nil {
		return nil, err
	}
	rows := make([]signalbox.Record, len(batch))
	for i := range batch {
		r := own[batch[i].id]
		if r == nil || len(l.words) > 0 && !matches(r, l.words) {
			continue
		}
		if r.Into() != 0 || r.Parts() != nil {
			if r, err = l.leads(t, r, batch[i]); err != nil {
				return nil, err
			}
		}
		if r != nil && l.keep(r) {
			rows[i] = r
		}
	}
	return rows, nil
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
	case signalbox.ByLastSignal, signalbox.ByOldSignal:
		return lookUp(t, l.rank, 1, list, bind, func(r *row, e *entry) { e.rank = r.int(0) })
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

// look finds what a query's rarest word, or a status, lets through, when that is little enough to be sorted here.
func (l *listed) look(t *tx) error {
	l.search = true
	most := searchMost
	if l.f.Sort == "" || l.f.Sort == signalbox.ByCreated {
		most = idsMost
	}
	found, err := l.fewest(t, most)
	if err != nil || found == nil {
		return err
	}
	if err := l.dress(t, found); err != nil {
		return err
	}
	slices.SortFunc(found, l.compare)
	l.found = found
	return nil
}

// fewest answers the matches of the first word, or of the status, that has at most so many; nil when none has. Few are tried for first, so that a word
// that is rare spares the reading of those that are not.
func (l *listed) fewest(t *tx, most int) ([]entry, error) {
	for _, few := range []int{most / 100, most / 10, most} {
		for _, word := range l.words[:min(len(l.words), 5)] {
			found, err := l.atMost(t, few, wordSQL, id(l.ws), int64(l.kind), word, word+"\U0010FFFF", few+1)
			if err != nil || found != nil {
				return found, err
			}
		}
		if l.byStatus() {
			found, err := l.atMost(t, few, statusAccountsSQL, id(l.ws), int64(math.MaxInt64), few+1, l.f.Status)
			if err != nil || found != nil {
				return found, err
			}
		}
	}
	return nil, nil
}

// byStatus says whether the accounts of a status can be looked up and sorted: not by their last signals, where a merged one may stand in the place of
// one that has another status.
func (l *listed) byStatus() bool {
	return l.f.Status != "" && l.kind == signalbox.AccountRecord && l.f.Sort == signalbox.ByName
}

// atMost answers the records whose ids a statement finds, each once; nil when it finds more than so many rows.
func (l *listed) atMost(t *tx, most int, sql string, args ...any) ([]entry, error) {
	ids, err := t.ids(sql, args...)
	if err != nil || len(ids) > most {
		return nil, err
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	list := make([]entry, len(ids))
	for i, one := range ids {
		list[i] = entry{id: one, rank: noRank}
	}
	return list, nil
}

// The bounds of what is found of one record.
const (
	mostWords = 12
	longWord  = 40 // in characters
)

// wordsOf lists the words of texts, in lower case, each once: runs of letters and digits.
func wordsOf(texts ...string) (words []string) {
	for _, text := range texts {
		for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }) {
			if runes := []rune(word); len(runes) > longWord {
				word = string(runes[:longWord])
			}
			if !slices.Contains(words, word) && len(words) < mostWords {
				words = append(words, word)
			}
		}
	}
	return words
}

// matches says whether a record has, for each word, one that begins so.
func matches(r signalbox.Record, words []string) bool {
	texts := r.FoundBy()
	for _, word := range words { // most records of a list that is gone through end here
		if !slices.ContainsFunc(texts[:], func(text string) bool { return strings.Contains(strings.ToLower(text), word) }) {
			return false
		}
	}
	has := wordsOf(texts[:]...)
	for _, word := range words {
		if !slices.ContainsFunc(has, func(own string) bool { return strings.HasPrefix(own, word) }) {
			return false
		}
	}
	return true
}

// sortedBy is what a record is sorted by: its name, or what it is known by where it has none, in lower case.
func sortedBy(r signalbox.Record) string {
	texts := r.FoundBy()
	name := texts[1]
	if r.Kind() == signalbox.ContactRecord {
		name = strings.TrimSpace(texts[1] + " " + texts[2])
	}
	if name == "" {
		name = texts[0]
	}
	if runes := []rune(strings.ToLower(name)); len(runes) > 2*longWord {
		return string(runes[:2*longWord])
	}
	return strings.ToLower(name)
}
