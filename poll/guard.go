package poll

import (
	"fmt"

	"signalbox"
)

// The guard's limits (contract section 13): more than the larger of the two is a mass disappearance, which is an outage, an account whose rights were cut or a
// filter that was changed far more often than it is so many deletions at once.
const (
	guardRecords = 50
	guardShare   = 10 // the limit is a tenth of the records
)

// Verdict is what the guard says of a run: whether its deletions are held back, and why.
type Verdict struct {
	Hold   bool
	Reason string // for people; "" when nothing is held
}

// Guard judges how many records are missing. known are those of before the run, fetched those that came, missing those of known that did not.
func Guard(known, missing, fetched int64) Verdict {
	limit := max(guardRecords, known/guardShare)
	switch {
	case fetched == 0 && known > 0:
		return Verdict{true, fmt.Sprintf("the provider sent no records, and %d are known; approve to delete those that are still missing, or discard to keep them", known)}
	case missing > limit:
		return Verdict{true, fmt.Sprintf("%d of %d known records are missing, more than %d; approve to delete those that are still missing, or discard to keep them", missing, known, limit)}
	}
	return Verdict{}
}

// walk is one walk through all pages of a source, as far as it has come.
type walk struct {
	Number  uint8  `json:"number"`
	Fetched int64  `json:"fetched"` // distinct records that came in it
	Totals  bool   `json:"totals"`  // the source has told a total
	Low     int64  `json:"low"`     // the lowest total told
	High    int64  `json:"high"`    // the highest
	Empty   bool   `json:"empty"`   // the latest page held no record
	Mark    uint64 `json:"mark"`    // the hash of a checkpoint passed before, to know a circle
	Stale   int    `json:"stale"`   // pages in a row that brought nothing new
}

// page notes a page that came whole.
func (w *walk) page(p *Page) {
	w.Empty = len(p.Records) == 0
	if p.Total < 0 {
		return
	}
	total := int64(p.Total)
	if !w.Totals {
		w.Totals, w.Low, w.High = true, total, total
	}
	w.Low, w.High = min(w.Low, total), max(w.High, total)
}

// evidence is what the walks of a run say of the records that did not come.
type evidence int

const (
	lost   evidence = iota // records that there are did not come: the run proves nothing
	open                   // what did not come may be gone
	proven                 // what did not come is gone
)

// weigh judges a walk that has reached its last page. before is the walk of the same run before it, that had reached it too; union is how many distinct
// records the whole run has seen.
//
// Two walks agree when they have seen exactly the same records: as many, and both together no more. A record that moved to another page at the wrong moment
// in one of them makes them disagree.
func weigh(now walk, before *walk, union int64, shifts bool) evidence {
	steady := now.Low == now.High
	whole := now.Totals && steady && now.Fetched == now.High
	switch {
	case now.Totals && now.Fetched < now.Low:
		return lost
	case !shifts && (whole || !now.Totals && !now.Empty):
		return proven
	case now.Totals && !whole || before == nil:
		return open
	case before.Fetched == now.Fetched && union == now.Fetched && before.Totals == now.Totals && before.Low == now.Low && before.High == now.High:
		return proven
	}
	return open
}

// errLost says what is wrong with a walk that has lost records.
func errLost(w walk) error {
	return signalbox.Errorf(signalbox.Invalid, "the provider says that there are %d records and sent %d; check the stream's total and pagination", w.Low, w.Fetched)
}

// doubt says why a walk that has reached its end proves nothing.
func (w *walk) doubt() string {
	if w.Totals && w.Low == w.High && w.Fetched != w.High {
		return fmt.Sprintf("records are missing, and the provider, which says that there are %d, sent %d", w.High, w.Fetched)
	}
	return "records are missing, and the provider's pages changed while they were read"
}
