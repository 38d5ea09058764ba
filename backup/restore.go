package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"signalbox"
	"signalbox/archive"
	"signalbox/internal/fault"
	"signalbox/seal"
	"signalbox/store"
)

// Restore puts an archive into a database.
type Restore struct {
	File   io.ReadSeeker
	Size   int64        // of File
	Into   store.Config // where to
	Where  string       // Into for people
	Keys   []seal.KeyID // that are there
	Hold   bool         // what was still to be sent is not
	Force  bool         // what an unfinished restore left there goes first
	Now    time.Time
	Report func(Progress) // nil: nobody

	Prepare func() error // makes the place, once all is checked; nil: it is there
}

// Stage is a part of a restore.
type Stage string

// The stages of a restore, in their order.
const (
	Checking  Stage = "check"   // the archive is read to its end
	Loading   Stage = "restore" // its rows are loaded
	Comparing Stage = "compare" // the database is read again
)

// Progress is how far a stage of a restore is.
type Progress struct {
	Stage       Stage
	Done, Total int64 // bytes of the archive; rows while comparing
}

// Restored is what a restore has done.
type Restored struct {
	Contents archive.Contents
	Held     int64 // deliveries that were still to be sent
	Schema   int   // the database's version of the schema now
}

// loadBytes is about how many bytes of rows go into one transaction.
const loadBytes = 4 << 20

// plan is what a checked archive is to become.
type plan struct {
	contents archive.Contents
	shape    *store.Shape
	tables   []store.Table
	sums     []store.Sum // of tables as they are to be loaded
	held     int64
}

// Run checks the archive, then restores it. An error before the first row is written leaves everything as it was; after that the database is marked as
// unfinished.
func (r *Restore) Run(ctx context.Context) (Restored, error) {
	if r.Report == nil {
		r.Report = func(Progress) {}
	}
	p, err := r.check(ctx)
	if err != nil {
		return Restored{}, err
	}
	if err := CheckKeys("this backup", p.contents.Header.KeyIDs, r.Keys); err != nil {
		return Restored{}, err
	}
	if err := r.makeRoom(ctx, p); err != nil {
		return Restored{}, err
	}
	if r.Prepare != nil {
		if err := r.Prepare(); err != nil {
			return Restored{}, err
		}
	}
	mark, err := r.fill(ctx, p)
	if err != nil {
		return Restored{}, err
	}
	fault.Point("backup.compared")
	done, err := r.finish(ctx, p, mark)
	if err != nil {
		return Restored{}, r.unfinished(err)
	}
	return done, nil
}

// unfinished says what state an error has left.
func (r *Restore) unfinished(err error) error {
	return fmt.Errorf("%w (the restore is not complete: no server starts on %s; run it again with --force, or remove what is there)", err, r.Where)
}

// begin reads the archive from its beginning.
func (r *Restore) begin() (*archive.Reader, error) {
	if _, err := r.File.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	return archive.NewReader(r.File)
}

// check reads the whole archive and says what is to be loaded.
func (r *Restore) check(ctx context.Context) (*plan, error) {
	a, err := r.begin()
	if err != nil {
		return nil, err
	}
	p := &plan{}
	for _, t := range a.Header().Tables {
		table, err := store.ParseTable(t.Name, t.Key, t.Columns)
		if err != nil {
			return nil, fmt.Errorf("this backup cannot be restored: %w", err)
		}
		p.tables = append(p.tables, table)
	}
	if p.shape, err = store.NewShape(r.Into, a.Header().Schema, p.tables); err != nil {
		return nil, fmt.Errorf("this backup cannot be restored: %w", err)
	}
	p.sums = make([]store.Sum, len(p.tables))
	for {
		table, rows, err := a.Next()
		switch {
		case errors.Is(err, io.EOF):
			p.contents = a.Contents()
			return p, nil
		case err != nil:
			return nil, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		for _, row := range rows {
			if err := p.tables[table].Check(row); err != nil {
				return nil, fmt.Errorf("this backup cannot be restored: %w", err)
			}
			held, changed, err := r.become(&p.tables[table], row)
			if err != nil {
				return nil, fmt.Errorf("this backup cannot be restored: %w", err)
			}
			if p.sums[table].Add(held); changed {
				p.held++
			}
		}
		r.Report(Progress{Checking, a.Offset(), r.Size})
	}
}

// become is what a row of the archive becomes.
func (r *Restore) become(t *store.Table, row []byte) (fresh []byte, changed bool, err error) {
	if !r.Hold || t.Name != "deliveries" {
		return row, false, nil
	}
	return t.HoldDelivery(row, r.Now)
}

// makeRoom refuses a place that is not empty, but for what an unfinished restore left there.
func (r *Restore) makeRoom(ctx context.Context, p *plan) error {
	there, err := store.Look(ctx, r.Into)
	switch {
	case err != nil:
		return err
	case there.Mark != nil && there.Mark.State == store.Restoring && r.Force:
		return store.Remove(ctx, r.Into)
	case there.Mark != nil && there.Mark.State == store.Restoring:
		return fmt.Errorf("%s holds a part of a backup, from a restore that was not completed: give --force to begin it anew, or remove what is there", r.Where)
	case there.Mark != nil || there.Holds != "":
		return fmt.Errorf("%s is not empty: it holds a database already (table %s); restore into an empty place, and nothing of this one is lost", r.Where, there.Holds)
	case there.Schema > p.contents.Header.Schema:
		return fmt.Errorf("%s is empty, but its schema has version %d already and the backup's has version %d: give a place without a schema", r.Where,
			there.Schema, p.contents.Header.Schema)
	}
	return nil
}

// fill loads the archive into the empty database and compares; the mark that it returns is still there.
func (r *Restore) fill(ctx context.Context, p *plan) (mark *store.Move, err error) {
	cfg := r.Into
	cfg.Moving, cfg.Shape = true, p.shape
	db, err := store.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	mark = &store.Move{ID: rand.Text(), State: store.Restoring, At: r.Now}
	err = db.Alone(ctx, func() error {
		has, err := db.Move(ctx)
		if err == nil && has != nil {
			err = fmt.Errorf("another restore into %s has just begun", r.Where)
		}
		if err != nil {
			return err
		}
		return db.MarkMove(ctx, mark)
	})
	if err != nil {
		return nil, err
	}
	fault.Point("backup.marked")
	if err := r.load(ctx, db, p, mark); err != nil {
		return nil, r.unfinished(err)
	}
	fault.Point("backup.loaded")
	if err := r.compare(ctx, db, p); err != nil {
		return nil, r.unfinished(err)
	}
	return mark, nil
}

// load loads every row, block by block.
func (r *Restore) load(ctx context.Context, db *store.DB, p *plan, mark *store.Move) error {
	a, err := r.begin()
	if err != nil {
		return err
	}
	for {
		table, rows, err := a.Next()
		if errors.Is(err, io.EOF) {
			if a.Contents().SHA256 != p.contents.SHA256 {
				return errChanged
			}
			return nil
		}
		if err != nil {
			return err
		}
		if table >= len(p.tables) || a.Header().Tables[table].Name != p.tables[table].Name {
			return errChanged
		}
		if err := r.loadBlock(ctx, db, &p.tables[table], rows, mark); err != nil {
			return err
		}
		r.Report(Progress{Loading, a.Offset(), r.Size})
	}
}

// loadBlock loads the rows of a block in transactions of a bounded size.
func (r *Restore) loadBlock(ctx context.Context, db *store.DB, t *store.Table, rows [][]byte, mark *store.Move) error {
	var batch [][]byte
	size := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		mark.Table, mark.Rows = t.Name, mark.Rows+int64(len(batch))
		if err := db.LoadMoved(ctx, t.Name, batch, mark); err != nil {
			return fmt.Errorf("restore %s: %w", t.Name, err)
		}
		fault.Point("backup.slice")
		batch, size = batch[:0], 0
		return nil
	}
	for _, row := range rows {
		fresh, _, err := r.become(t, row)
		if err != nil {
			return err
		}
		batch = append(batch, fresh)
		if size += len(fresh); size >= loadBytes || len(batch) >= signalbox.SliceRows {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// compare reads the database again.
func (r *Restore) compare(ctx context.Context, db *store.DB, p *plan) error {
	progress := Progress{Stage: Comparing, Total: p.contents.Rows()}
	return db.Snapshot(ctx, func(s *store.Snapshot) error {
		for i, t := range p.tables {
			var sum store.Sum
			var after []byte
			for more := true; more; more = after != nil {
				if err := ctx.Err(); err != nil {
					return err
				}
				var err error
				if after, err = s.Rows(t.Name, after, signalbox.SliceRows, func(row []byte) error {
					sum.Add(row)
					return nil
				}); err != nil {
					return err
				}
				r.Report(Progress{progress.Stage, progress.Done + sum.Rows, progress.Total})
			}
			progress.Done += sum.Rows
			if sum != p.sums[i] {
				return fmt.Errorf("table %s has %d rows (checksum %s) and the backup %d (%s)", t.Name, sum.Rows, sum.Checksum(), p.sums[i].Rows, p.sums[i].Checksum())
			}
		}
		return nil
	})
}

// finish brings the schema up to date and takes the mark away: from here on a server may start.
func (r *Restore) finish(ctx context.Context, p *plan, mark *store.Move) (done Restored, err error) {
	cfg := r.Into
	cfg.Moving = true
	db, err := store.Open(ctx, cfg)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	has, err := db.Move(ctx)
	switch {
	case err != nil:
		return done, err
	case has == nil || has.ID != mark.ID:
		return done, errors.New("somebody else works on the database")
	}
	fault.Point("backup.migrated")
	if err := db.MarkMove(ctx, nil); err != nil {
		return done, err
	}
	done = Restored{Contents: p.contents, Held: p.held}
	err = db.Snapshot(ctx, func(s *store.Snapshot) error {
		done.Schema = s.Version()
		return nil
	})
	return done, err
}
