package poll

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"signalbox"
)

// The times of a run.
const (
	// turnFor is how long a run keeps its place while others wait for one.
	turnFor = 30 * time.Second
	// pageWithin ends a source that hangs; sources have shorter limits of their own.
	pageWithin = 5 * time.Minute
	// maxRestarts is how often one run begins a walk anew because its checkpoint is not taken any more.
	maxRestarts = 3
)

// progress is what a run that goes on must know beside its counts. It is saved with each slice.
type progress struct {
	Walk     walk   `json:"walk"`
	Before   *walk  `json:"before,omitempty"` // the walk before, if it came to its end
	Restarts int    `json:"restarts,omitempty"`
	Phase    phase  `json:"phase,omitempty"`
	Proof    proof  `json:"proof,omitempty"`
	Reason   string `json:"reason,omitempty"` // why nothing, or not all, is deleted
	After    string `json:"after,omitempty"`  // rows up to this record are dealt with
}

// phase is how far a run has come.
type phase string

const (
	fetching phase = ""
	judging  phase = "judging"  // the last page of a walk has come
	settling phase = "settling" // what is missing is dealt with
)

// proof is why a missing record may be deleted.
type proof string

const (
	proofNone proof = ""     // it may not
	proofWalk proof = "walk" // what the walks have seen says that it is gone
	proofByID proof = "id"   // the source was asked for it, and has said so
	proofHeld proof = "held" // the guard holds it back
)

// task is one turn of the work on one stream.
type task struct {
	cfg     *Config
	lease   signalbox.Lease
	work    *signalbox.SyncWork
	stream  *signalbox.Stream
	run     *signalbox.SyncRun
	at      progress
	names   *Names
	printer *printer
	source  Source
	gone    map[string]bool // with proofByID: what the source does not have
	log     *slog.Logger
}

func (t *task) now() time.Time { return t.cfg.Now().UTC() }

// sync goes on with a run until it ends, or until its turn does: then again is true. An error is the store's or the end of ctx, and leaves the run as the
// latest slice has it.
func (t *task) sync(ctx context.Context, crowded func() bool) (again bool, err error) {
	if t.run.Fingerprint != t.stream.Fingerprint {
		return true, t.fail(ctx, signalbox.Errorf(signalbox.Conflict, "the stream was changed while the run went on; the next one begins anew"))
	}
	if err := t.resume(); err != nil {
		return false, err
	}
	key, err := openKey(t.cfg.Box, t.stream)
	if err != nil {
		return false, t.fail(ctx, err)
	}
	t.printer = newPrinter(key, t.names, specOf(t.stream))
	if err := t.open(ctx); err != nil {
		return false, t.fail(ctx, err)
	}
	if c, ok := t.source.(io.Closer); ok {
		defer c.Close()
	}
	until := time.Now().Add(turnFor)
	for t.run.Status == signalbox.SyncRunning {
		switch t.at.Phase {
		case judging:
			err = t.judge(ctx)
		case settling:
			err = t.settle(ctx)
		default:
			err = t.page(ctx)
		}
		if err != nil {
			return false, err
		}
		if time.Now().After(until) && crowded() {
			break
		}
	}
	return t.run.Status == signalbox.SyncRunning, nil
}

// resume reads the run's own notes; a run that begins has none.
func (t *task) resume() error {
	if t.run.Progress == nil {
		t.at = progress{Walk: walk{Number: 1}}
		return nil
	}
	if err := json.Unmarshal(t.run.Progress, &t.at); err != nil {
		return fmt.Errorf("read the progress of run %d: %w", t.run.ID, err)
	}
	return nil
}

func (t *task) open(ctx context.Context) (err error) {
	defer noPanic(&err)
	source, err := t.cfg.Open(ctx, t.stream)
	if err != nil {
		return err
	}
	t.source = source
	return nil
}

// noPanic makes an error of a panic of a source: one stream never stops the others.
func noPanic(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("source panicked: %v\n%s", v, debug.Stack())
	}
}

// page fetches one page, compares and saves it.
func (t *task) page(ctx context.Context) error {
	from := Checkpoint(t.run.Checkpoint)
	p, err := t.fetch(ctx, from)
	if err == nil {
		err = p.check(from)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrCheckpoint) && from != nil && t.at.Restarts < maxRestarts:
		t.at.Restarts++
		return t.walkAnew(ctx, t.at.Before)
	case err != nil:
		return t.fail(ctx, err)
	}
	return t.take(ctx, &p)
}

func (t *task) fetch(ctx context.Context, from Checkpoint) (p Page, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageWithin)
	defer cancel()
	defer noPanic(&err)
	return t.source.Next(ctx, from)
}

// take compares the records of a page and saves them in slices; the last of these moves the checkpoint.
func (t *task) take(ctx context.Context, p *Page) error {
	records, twice := distinct(p.Records)
	t.run.Duplicates += int64(twice)
	before := t.at.Walk.Fetched
	for len(records) > signalbox.SliceRows {
		s, err := t.compare(ctx, records[:signalbox.SliceRows])
		if err != nil {
			return err
		}
		if err := t.save(ctx, s); err != nil {
			return err
		}
		records = records[signalbox.SliceRows:]
	}
	s, err := t.compare(ctx, records)
	if err != nil {
		return err
	}
	if err := t.circles(p, t.at.Walk.Fetched > before); err != nil {
		return t.failWith(ctx, s, err)
	}
	t.run.Page++
	t.at.Walk.page(p)
	if t.run.Checkpoint = p.Next; p.Last {
		t.run.Checkpoint = nil
		t.at.Phase = judging
	}
	return t.save(ctx, s)
}

// compare makes the slice of some records.
func (t *task) compare(ctx context.Context, records []Record) (*signalbox.SyncSlice, error) {
	f := fold{stream: t.stream, run: t.run, walk: &t.at.Walk, printer: t.printer, now: t.now(), slice: &signalbox.SyncSlice{}}
	rows, err := t.rows(ctx, records)
	if err != nil {
		return nil, err
	}
	f.slice.Rows = make([]signalbox.Snapshot, 0, len(records))
	for _, r := range records {
		f.record(r, rows[r.ID])
	}
	return f.slice, nil
}

// rows asks for what is kept of records.
func (t *task) rows(ctx context.Context, records []Record) (map[string]*signalbox.Snapshot, error) {
	if len(records) == 0 {
		return nil, nil
	}
	ids := make([]string, len(records))
	for i := range records {
		ids[i] = records[i].ID
	}
	list, err := t.cfg.Store.Snapshots(ctx, t.stream.Workspace, t.stream.ID, ids)
	if err != nil {
		return nil, err
	}
	rows := make(map[string]*signalbox.Snapshot, len(list))
	for i := range list {
		rows[list[i].Record] = &list[i]
	}
	return rows, nil
}

// circles finds out that a walk will not end: by a checkpoint that comes again (of which one is remembered at a time, later ones twice as long: Brent's
// algorithm finds every circle so), by pages that bring nothing new, or by their number.
func (t *task) circles(p *Page, fresh bool) error {
	w := &t.at.Walk
	if w.Stale++; fresh || len(p.Records) == 0 {
		w.Stale = 0
	}
	if p.Last {
		return nil
	}
	sum := sha256.Sum256(p.Next)
	mark := binary.BigEndian.Uint64(sum[:])
	if w.Stale >= maxStale || w.Mark == mark {
		return errRepeated
	}
	page := t.run.Page + 1
	if page >= maxPages {
		return signalbox.Errorf(signalbox.Invalid, "the provider has sent %d pages, and says that there are more; check the stream's pagination", maxPages)
	}
	if page&(page-1) == 0 {
		w.Mark = mark
	}
	return nil
}

// walkAnew begins at the first page again, in the same run. before is the walk that the new one is compared with.
func (t *task) walkAnew(ctx context.Context, before *walk) error {
	t.at.Phase = fetching
	t.at.Before = before
	t.at.Walk = walk{Number: t.at.Walk.Number + 1}
	t.run.Checkpoint, t.run.Page = nil, 0
	return t.save(ctx, &signalbox.SyncSlice{})
}

// save saves a slice.
func (t *task) save(ctx context.Context, s *signalbox.SyncSlice) error {
	if lease, ok := t.cfg.Node.Lease(); !ok || lease != t.lease {
		return signalbox.Errorf(signalbox.Conflict, "this node's lease has ended")
	}
	if t.run.Status == signalbox.SyncRunning {
		notes, err := json.Marshal(&t.at)
		if err != nil {
			return fmt.Errorf("write the progress of run %d: %w", t.run.ID, err)
		}
		t.run.Progress = notes
	}
	t.run.Step++
	s.Lease, s.Version, s.Names, s.Signals = t.lease, t.stream.Version, t.names.fresh(), t.stream.EmitSignals
	s.Run = *t.run
	if err := t.cfg.Store.SaveSync(ctx, s); err != nil {
		return err
	}
	t.names.keep()
	t.stream.Known += s.Known
	t.stream.Kept += s.Kept
	return nil
}

// fail ends the run without deletions.
func (t *task) fail(ctx context.Context, why error) error {
	return t.failWith(ctx, &signalbox.SyncSlice{}, why)
}

// failWith ends the run with what a slice holds already.
func (t *task) failWith(ctx context.Context, s *signalbox.SyncSlice, why error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t.log.WarnContext(ctx, "poll.run_failed", "page", t.run.Page+1, "err", why)
	text, wait := reason(why)
	if t.run.Error = text; t.source != nil && t.at.Phase == fetching {
		t.run.Error = fmt.Sprintf("page %d: %s", t.run.Page+1, text)
	}
	return t.end(ctx, s, signalbox.SyncFailed, wait)
}

// reason is what of an error may be shown to anyone, and how long the provider wants to be left alone.
func reason(err error) (string, time.Duration) {
	var e *signalbox.Error
	switch {
	case errors.As(err, &e):
		return e.Msg, e.RetryAfter
	case errors.Is(err, ErrCheckpoint):
		return "the provider does not let the fetch go on where it stopped", 0
	case errors.Is(err, context.DeadlineExceeded):
		return "the provider did not answer in time", 0
	}
	return "fetching did not work; the program's log says why", 0
}

// end ends the run; the next one begins after at least so long.
func (t *task) end(ctx context.Context, s *signalbox.SyncSlice, status signalbox.SyncStatus, wait time.Duration) error {
	now := t.now()
	t.run.Status, t.run.EndedAt = status, now
	t.run.Checkpoint, t.run.Progress = nil, nil
	s.Next = t.stream.NextSync(t.run.StartedAt, now)
	if later := now.Add(wait); later.After(s.Next) {
		s.Next = later
	}
	if t.run.Fingerprint != t.stream.Fingerprint {
		s.Next = now
	}
	if err := t.save(ctx, s); err != nil {
		return err
	}
	t.log.InfoContext(ctx, "poll.run_ended", "status", status, "fetched", t.run.Fetched, "created", t.run.Created, "updated", t.run.Updated, "unchanged", t.run.Unchanged,
		"missing", t.run.Missing, "deleted", t.run.Deleted, "waiting", t.run.Waiting, "suppressed", t.run.Suppressed, "duplicates", t.run.Duplicates, "next", s.Next)
	t.cfg.Wake(s.Next)
	return nil
}
