package store

import (
	"slices"

	"signalbox"
)

const insertWordSQL = `
INSERT INTO record_words (workspace_id, kind, word, entity_id)
VALUES ($1, $2, $3, $4)
ON CONFLICT (workspace_id, kind, word, entity_id) DO NOTHING`

const deleteWordSQL = `
DELETE FROM record_words
 WHERE workspace_id = $1
   AND kind = $2
   AND word = $3
   AND entity_id = $4`

// foundWord is a word that a record is found by.
type foundWord struct {
	workspace signalbox.WorkspaceID
	kind      signalbox.RecordKind
	word      string
	entity    signalbox.EntityID
}

func bindFound(s *stmt, w *foundWord) {
	s.id(int64(w.workspace)).int(int64(w.kind)).text(w.word).id(int64(w.entity))
}

// saveWords keeps what records are found by: of new ones all words, of renamed ones what has changed.
func (t *tx) saveWords(d *signalbox.Decision) error {
	var gone, come []foundWord
	add := func(r signalbox.Record, isNew bool, before *[3]string) {
		if !isNew && before == nil {
			return
		}
		texts := r.FoundBy()
		now := wordsOf(texts[:]...)
		var had []string
		if before != nil {
			had = wordsOf(before[:]...)
		}
		for _, word := range had {
			if !slices.Contains(now, word) {
				gone = append(gone, foundWord{r.Space(), r.Kind(), word, r.Entity()})
			}
		}
		for _, word := range now {
			if !slices.Contains(had, word) {
				come = append(come, foundWord{r.Space(), r.Kind(), word, r.Entity()})
			}
		}
	}
	for i := range d.Accounts {
		add(d.Accounts[i].Row, d.Accounts[i].New, d.Accounts[i].FoundBy)
	}
	for i := range d.Contacts {
		add(d.Contacts[i].Row, d.Contacts[i].New, d.Contacts[i].FoundBy)
	}
	if err := each(t, deleteWordSQL, gone, bindFound); err != nil {
		return err
	}
	return each(t, insertWordSQL, come, bindFound)
}

// forgetWords takes away what a record is still found by: the turn that erased it has done so, but for a job that no turn asked for.
func (t *tx) forgetWords(ws signalbox.WorkspaceID, kind signalbox.RecordKind, entity signalbox.EntityID) error {
	r, err := t.record(ws, kind, entity)
	if err != nil || r == nil {
		return err
	}
	texts := r.FoundBy()
	var gone []foundWord
	for _, word := range wordsOf(texts[:]...) {
		gone = append(gone, foundWord{ws, kind, word, entity})
	}
	return each(t, deleteWordSQL, gone, bindFound)
}
