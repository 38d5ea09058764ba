package poll

import (
	"time"

	"signalbox"
)

// fold compares the records of one slice with what is kept of them. Everything that it finds goes into the slice and the counts of the run.
type fold struct {
	stream  *signalbox.Stream
	run     *signalbox.SyncRun
	walk    *walk
	printer *printer
	now     time.Time
	slice   *signalbox.SyncSlice
}

// record compares one record with its row, nil when there is none. A record that came before in the same run is counted as it was, unless it differs from
// what came then: what came last is what it is.
func (f *fold) record(r Record, row *signalbox.Snapshot) {
	h := f.printer.hash(r)
	if row == nil {
		f.add(r, h)
		return
	}
	next := signalbox.Snapshot{Record: r.ID, Seen: f.run.ID, Walk: f.walk.Number, Outcome: row.Outcome}
	again := row.Seen == f.run.ID
	if again && row.Walk == f.walk.Number {
		f.run.Duplicates++
	} else {
		f.walk.Fetched++
	}
	if row.Missed == signalbox.MissedKept {
		f.slice.Kept--
	}
	what := f.compare(r, h, row, &next)
	switch {
	case !again:
		f.run.Fetched++
		next.Outcome = what
		*f.count(what)++
	case what == signalbox.SyncUnchanged || row.Outcome == what || row.Outcome == signalbox.SyncCreated:
	case what == signalbox.SyncUpdated || row.Outcome == signalbox.SyncUnchanged:
		*f.count(row.Outcome)--
		next.Outcome = what
		*f.count(what)++
	}
	f.slice.Rows = append(f.slice.Rows, next)
}

// add takes a record that the snapshot does not have.
func (f *fold) add(r Record, h Hash) {
	what := signalbox.SyncCreated
	if f.run.Silent {
		what = signalbox.SyncSuppressed
	} else {
		f.tell(signalbox.ChangeCreated, r, nil)
	}
	f.walk.Fetched++
	f.run.Fetched++
	f.run.Added++
	f.slice.Known++
	*f.count(what)++
	p := f.printer.print(r, h)
	f.slice.Rows = append(f.slice.Rows, signalbox.Snapshot{Record: r.ID, Print: p.Append(nil), Seen: f.run.ID, Walk: f.walk.Number, Outcome: what})
}

// compare says what has become of a record since its row was written, tells it, and puts its print into next where that is another one.
func (f *fold) compare(r Record, h Hash, row, next *signalbox.Snapshot) signalbox.SyncOutcome {
	if isPrint(row.Print, f.printer.spec, h) { // nearly always
		return signalbox.SyncUnchanged
	}
	old, err := DecodePrint(row.Print) // one that another version of the program wrote is as one under another Fingerprint
	known := err == nil && old.Spec == f.printer.spec
	p := f.printer.print(r, h)
	next.Print = p.Append(nil)
	if !known && err == nil && old.Hash == h { // looked at in another way, it is still the same
		return signalbox.SyncUnchanged
	}
	if !known || f.run.Silent {
		return signalbox.SyncSuppressed
	}
	f.tell(signalbox.ChangeUpdated, r, Diff(old, p, f.printer.names))
	return signalbox.SyncUpdated
}

func (f *fold) tell(kind signalbox.ChangeKind, r Record, changed []string) {
	c := change(f.stream, kind, r.ID, changed, f.now)
	if f.stream.EmitSignals && r.About != nil {
		c.Account, c.Contact = r.About()
	}
	f.slice.Changes = append(f.slice.Changes, c)
}

func change(s *signalbox.Stream, kind signalbox.ChangeKind, id string, changed []string, now time.Time) signalbox.LinkedChange {
	return signalbox.LinkedChange{Kind: kind, At: now, Record: signalbox.LinkedRecord{API: s.API, Type: s.RecordType, ID: id, Changed: changed}}
}

// count is the run's count of an outcome.
func (f *fold) count(what signalbox.SyncOutcome) *int64 {
	switch what {
	case signalbox.SyncCreated:
		return &f.run.Created
	case signalbox.SyncUpdated:
		return &f.run.Updated
	case signalbox.SyncSuppressed:
		return &f.run.Suppressed
	}
	return &f.run.Unchanged
}

// specOf is what prints under a Fingerprint are marked with.
func specOf(s *signalbox.Stream) uint32 { return uint32(s.Fingerprint) }
