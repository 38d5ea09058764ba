package store

import (
	"math"
	"slices"
	"strings"
	"unicode"

	"signalbox"
)

// What a filter narrows a list by, and what a search finds, is looked up by an index of its own where it is little enough to be sorted here. Where there is more of everything
// that is asked for, the list is gone through: its pages fill quickly then.

const (
	searchMost = 10_000 // how many matches of a word are looked up and sorted here
	idsMost    = 20_000 // and how many where their ids are their order
)

const (
	// statusAccountsSQL says that there is a status, or the index of those would not be seen to serve.
	statusAccountsSQL = `
SELECT id
  FROM accounts
 WHERE workspace_id = $1 AND status = $4 AND status <> '' AND id < $2
 ORDER BY id DESC
 LIMIT $3`

	accountsInStageSQL = `
SELECT entity_id
  FROM entity_states
 WHERE workspace_id = $1 AND account_stage = $4 AND account_stage IS NOT NULL AND entity_id < $2
 ORDER BY entity_id DESC
 LIMIT $3`

	accountStageSQL = `
SELECT account_stage
  FROM entity_states
 WHERE workspace_id = $1 AND entity_id = $2`

	contactsInStageSQL = `
SELECT entity_id
  FROM entity_states
 WHERE workspace_id = $1 AND contact_stage = $4 AND contact_stage IS NOT NULL AND entity_id < $2
 ORDER BY entity_id DESC
 LIMIT $3`

	contactStageSQL = `
SELECT contact_stage
  FROM entity_states
 WHERE workspace_id = $1 AND entity_id = $2`

	isMemberSQL = `
SELECT 1
  FROM audience_members
 WHERE workspace_id = $1 AND audience_id = $2 AND entity_id = $3`

	wordSQL = `
SELECT entity_id
  FROM record_words
 WHERE workspace_id = $1 AND kind = $2 AND word >= $3 AND word < $4
 LIMIT $5`
)

// source answers the next n ids below one, the highest first, of what a filter lets through. All of them stand for themselves.
type source func(t *tx, before int64, n int) ([]int64, error)

// sources are those of the filter.
func (l *listed) sources() (list []source) {
	if l.f.Audience != 0 {
		list = append(list, func(t *tx, before int64, n int) ([]int64, error) {
			return t.ids(audienceMembersSQL, id(l.ws), id(l.f.Audience), before, n)
		})
	}
	if l.f.Stage != "" && !l.f.First { // who is in the first one was mostly told of none
		list = append(list, func(t *tx, before int64, n int) ([]int64, error) {
			return t.ids(l.inStage, id(l.ws), before, n, l.f.Stage)
		})
	}
	if l.f.Status != "" && l.kind == signalbox.AccountRecord {
		list = append(list, func(t *tx, before int64, n int) ([]int64, error) {
			return t.ids(statusAccountsSQL, id(l.ws), before, n, l.f.Status)
		})
	}
	return list
}

// ofAccounts is the source of the contacts that belong to accounts which are one.
func ofAccounts(ws signalbox.WorkspaceID, accounts []signalbox.EntityID) source {
	return func(t *tx, before int64, n int) ([]int64, error) { return t.contactIDs(ws, accounts, before, n) }
}

// looks says whether anything is to be looked up: a list in the order of ids that is narrowed by one thing is walked by that.
func (l *listed) looks() bool {
	byID := l.f.Sort == "" || l.f.Sort == signalbox.ByCreated
	return len(l.words) > 0 || len(l.by) > 1 || len(l.by) == 1 && !byID
}

// look finds what a query's rarest word, or what else the filter narrows by, lets through, when that is little enough to be sorted here.
func (l *listed) look(t *tx) error {
	l.search = true
	most := searchMost
	if l.f.Sort == "" || l.f.Sort == signalbox.ByCreated {
		most = idsMost
	}
	found, tops, err := l.fewest(t, most)
	if err != nil || found == nil {
		return err
	}
	switch {
	case l.f.Sort == signalbox.ByScore && !tops:
		found, err = l.toTops(t, found)
	case tops && l.f.Sort != signalbox.ByScore && (len(l.words) > 0 || l.f.Sort == signalbox.ByLastSignal || l.f.Sort == signalbox.ByOldSignal):
		found, err = l.withParts(t, found)
	}
	if err != nil {
		return err
	}
	if err := l.dress(t, found); err != nil {
		return err
	}
	slices.SortFunc(found, l.compare)
	l.found = found
	return nil
}

// fewest answers the matches of the first word, or of what else the filter narrows by, that has at most so many; nil when none has. tops: all of them stand for themselves. Few
// are tried for first, so that a word that is rare spares the reading of those that are not.
func (l *listed) fewest(t *tx, most int) (found []entry, tops bool, err error) {
	for _, few := range []int{most / 100, most / 10, most} {
		for _, word := range l.words[:min(len(l.words), 5)] {
			ids, err := t.ids(wordSQL, id(l.ws), int64(l.kind), word, word+"\U0010FFFF", few+1)
			if err != nil || len(ids) <= few {
				return onceEach(ids), false, err
			}
		}
		for _, find := range l.by {
			ids, err := find(t, math.MaxInt64, few+1)
			if err != nil || len(ids) <= few {
				return onceEach(ids), true, err
			}
		}
	}
	return nil, false, nil
}

// onceEach are entries of ids, each once; none is not nil.
func onceEach(ids []int64) []entry {
	slices.Sort(ids)
	return unrankedEntries(slices.Compact(ids))
}

// toTops puts in the place of what was merged what stands for it, each once.
func (l *listed) toTops(t *tx, list []entry) ([]entry, error) {
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].id
	}
	ranks, err := l.ranksOf(t, ids)
	if err != nil {
		return nil, err
	}
	var parts []entry // perhaps: what was merged has no rank, nor has what has no points
	for i := range list {
		if _, ranked := ranks[list[i].id]; !ranked {
			parts = append(parts, list[i])
		}
	}
	into := map[int64]int64{}
	err = lookUp(t, l.parts, 2, parts, l.bindEntry, func(r *row, e *entry) { into[e.id] = r.int(0) })
	if err != nil {
		return nil, err
	}
	for i, one := range ids {
		if top := into[one]; top != 0 {
			ids[i] = top
		}
	}
	return onceEach(ids), nil
}

// withParts adds what was merged into records: a group stands where the first of its records does.
func (l *listed) withParts(t *tx, list []entry) ([]entry, error) {
	var ids []int64
	for i := range list {
		ids = append(ids, list[i].id)
	}
	err := lookUp(t, l.parts, 2, list, l.bindEntry, func(r *row, _ *entry) {
		if merged := r.merged(1); merged != nil {
			for _, part := range merged.Records {
				ids = append(ids, int64(part.ID))
			}
		}
	})
	return onceEach(ids), err
}

func (l *listed) bindEntry(s *stmt, e *entry) { s.id(int64(l.ws)).id(e.id) }

// narrow takes out of rows what is not in the stage or the audience that is asked for.
func (l *listed) narrow(t *tx, rows []signalbox.Record) error {
	if l.f.Stage != "" {
		told, err := l.told(t, rows)
		if err != nil {
			return err
		}
		only(rows, func(e signalbox.EntityID) bool {
			stage, any := told[e]
			return stage == l.f.Stage || !any && l.f.First
		})
	}
	if l.f.Audience == 0 {
		return nil
	}
	in := map[signalbox.EntityID]bool{}
	bind := func(s *stmt, e *signalbox.EntityID) { s.id(int64(l.ws)).id(int64(l.f.Audience)).id(int64(*e)) }
	err := lookUp(t, isMemberSQL, 1, entitiesOf(rows), bind, func(_ *row, e *signalbox.EntityID) { in[*e] = true })
	only(rows, func(e signalbox.EntityID) bool { return in[e] })
	return err
}

// told reads the stages that records were told to be in; one that was told of none, or of the first one, is left out.
func (l *listed) told(t *tx, rows []signalbox.Record) (map[signalbox.EntityID]string, error) {
	told := map[signalbox.EntityID]string{}
	bind := func(s *stmt, e *signalbox.EntityID) { s.id(int64(l.ws)).id(int64(*e)) }
	err := lookUp(t, l.stage, 1, entitiesOf(rows), bind, func(r *row, e *signalbox.EntityID) {
		if !r.null(0) {
			told[*e] = r.text(0)
		}
	})
	return told, err
}

func entitiesOf(rows []signalbox.Record) (ids []signalbox.EntityID) {
	for _, r := range rows {
		if r != nil {
			ids = append(ids, r.Entity())
		}
	}
	return ids
}

// only takes out what keep does not keep.
func only(rows []signalbox.Record, keep func(signalbox.EntityID) bool) {
	for i, r := range rows {
		if r != nil && !keep(r.Entity()) {
			rows[i] = nil
		}
	}
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
