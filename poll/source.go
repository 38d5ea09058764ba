package poll

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"signalbox"
)

// Source is where the records of one stream come from, opened for one turn of a run.
//
// A source retries by itself what is worth it: an error of Next ends the run, but for ErrCheckpoint. Errors that a person can act on are
// signalbox.Errors, whose message is shown and whose RetryAfter is honoured. A source that is an io.Closer is closed.
type Source interface {
	// Next fetches the page that begins at a checkpoint: the one of another page of the same walk, also of an earlier process; nil for the first page.
	Next(ctx context.Context, from Checkpoint) (Page, error)
	// Shifts says that records may move from one page to another while one reads them, as with numbered pages and offsets.
	Shifts() bool
	// ByID says whether there is such a record. known false: the source cannot ask.
	ByID(ctx context.Context, id string) (found, known bool, err error)
}

// Page is what came at once. It may hold any number of records; few hundred are best, as a page is fetched again when a program dies while it is saved.
type Page struct {
	Records []Record
	Next    Checkpoint // where the next one begins; not read of the last page
	Last    bool       // there is none behind it
	Total   int        // how many records there are in all, as the source says; TotalUnknown
}

// TotalUnknown is the total of a source that tells none.
const TotalUnknown = -1

// Record is one record as it came.
type Record struct {
	ID     string  // at most MaxRecordID bytes
	Fields []Field // ascending by the bytes of their names, each once
	// About says whom the record is about, for the signal that it becomes when it differs; nil: the source does not know. It is asked of no other record, and
	// what it says is not kept with the record.
	About func() (signalbox.AccountInput, signalbox.ContactInput)
}

// Field is one field of a record.
type Field struct {
	Name  string
	Value []byte // canonical JSON: the same value is the same bytes
}

// Checkpoint is where a page begins. Only its source reads it. It is kept while a run goes on, and dropped at its end.
type Checkpoint []byte

// ErrCheckpoint says that a source cannot go on from a checkpoint any more: the walk begins anew, in the same run.
var ErrCheckpoint = errors.New("the checkpoint is not taken any more")

// The bounds of what comes.
const (
	// MaxRecordID is the most bytes of a record's id (contract section 2: keys).
	MaxRecordID = 255
	// maxPages ends a walk that has no end: a million pages of one record each are as many as a stream is meant to hold.
	maxPages = 1 << 20
	// maxStale is how many pages in a row may bring nothing but records that came before in the same walk. A source that ignores where a page is to begin
	// sends the first one for ever; one whose records shift repeats a page at most.
	maxStale = 3
)

// check refuses a page that cannot be compared: leaving a record out would make it missing.
func (p *Page) check(from Checkpoint) error {
	if !p.Last && len(p.Next) == 0 {
		return signalbox.Errorf(signalbox.Invalid, "the page says that another one follows, and not where it begins")
	}
	if !p.Last && string(p.Next) == string(from) {
		return errRepeated
	}
	for i := range p.Records {
		if err := p.Records[i].check(); err != nil {
			return signalbox.Errorf(signalbox.Invalid, "record %d: %s", i+1, err)
		}
	}
	return nil
}

// errRepeated ends a walk that goes round in a circle.
var errRepeated = signalbox.Errorf(signalbox.Invalid, "the provider sends the same pages over and over; check the stream's pagination")

func (r *Record) check() error {
	switch {
	case r.ID == "":
		return errors.New("it has no id")
	case len(r.ID) > MaxRecordID:
		return fmt.Errorf("its id has %d bytes, the most is %d", len(r.ID), MaxRecordID)
	case !storable(r.ID):
		return errors.New("its id is no text")
	}
	for i := 1; i < len(r.Fields); i++ {
		if r.Fields[i-1].Name >= r.Fields[i].Name {
			return errors.New("its fields are out of order, or one comes twice")
		}
	}
	return nil
}

// storable says whether every database can hold a text: PostgreSQL takes neither U+0000 nor what is no UTF-8.
func storable(text string) bool {
	for i := range len(text) {
		if text[i] == 0 {
			return false
		}
	}
	return utf8.ValidString(text)
}

// distinct leaves of each record what came last, in the place where it came first, and says how many came twice.
func distinct(records []Record) (list []Record, twice int) {
	at := make(map[string]int, len(records))
	list = make([]Record, 0, len(records))
	for _, r := range records {
		if i, have := at[r.ID]; have {
			list[i] = r
			continue
		}
		at[r.ID] = len(list)
		list = append(list, r)
	}
	return list, len(records) - len(list)
}
