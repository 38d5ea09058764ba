package journal

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"signalbox"
)

// The bounds of a journal.
const (
	Burst      = 300 // rows that a workspace may add at once
	PerMinute  = 60  // and after that
	FoldEvery  = 10 * time.Second
	StoreEvery = 200 * time.Millisecond
	Chunk      = 128
	maxWaiting = 4096
	maxFolds   = 64 // of one workspace: what is beyond shares the last one
	stopGrace  = 2 * time.Second
	retryAfter = time.Second
)

// Store keeps rows.
type Store interface {
	// InsertLogs stores rows; one that is there already stays as it is.
	InsertLogs(ctx context.Context, rows []signalbox.LogRow) error
}

// Config is what a Journal works with.
type Config struct {
	Store Store
	IDs   *signalbox.IDs
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger
	// Stored is told after rows were stored; nil: nobody is.
	Stored func()
}

// Journal takes notes. Safe for concurrent use; Run must be running for them to be stored.
type Journal struct {
	cfg  Config
	kick chan struct{} // full while something waits

	mu      sync.Mutex
	waiting []signalbox.LogRow
	books   map[signalbox.WorkspaceID]*book
}

// book is what a workspace may still add, and what was folded.
type book struct {
	left  float64
	at    time.Time
	folds map[fold]*signalbox.LogRow
	since time.Time // of the oldest fold
}

// fold is what requests have in common that one row stands for.
type fold struct {
	outcome   signalbox.LogOutcome
	operation string
	status    int
	code      string
}

// New makes a journal; Run makes it work.
func New(cfg Config) *Journal {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Stored == nil {
		cfg.Stored = func() {}
	}
	return &Journal{cfg: cfg, kick: make(chan struct{}, 1), books: map[signalbox.WorkspaceID]*book{}}
}

// Note takes a note. A row without an ID gets one. It never blocks.
func (j *Journal) Note(row signalbox.LogRow) {
	row.Count = max(row.Count, 1)
	j.mu.Lock()
	defer j.mu.Unlock()
	b := j.books[row.Workspace]
	if b == nil {
		b = &book{left: Burst, at: row.At, folds: map[fold]*signalbox.LogRow{}}
		j.books[row.Workspace] = b
	}
	if b.take(row.At) && len(j.waiting) < maxWaiting {
		if row.ID == 0 {
			row.ID = j.cfg.IDs.Next(row.At)
		}
		j.waiting = append(j.waiting, row)
	} else {
		b.fold(row)
	}
	select {
	case j.kick <- struct{}{}:
	default:
	}
}

// take uses up one row of what the workspace may add.
func (b *book) take(now time.Time) bool {
	if passed := now.Sub(b.at); passed > 0 {
		b.left, b.at = min(Burst, b.left+passed.Minutes()*PerMinute), now
	}
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// fold has a row stand for one request more. What names somebody is left out.
func (b *book) fold(row signalbox.LogRow) {
	key := fold{row.Outcome, row.Operation, row.Status, row.Code}
	if b.folds[key] == nil && len(b.folds) >= maxFolds {
		key = fold{outcome: row.Outcome}
		row.Operation, row.Method, row.Path, row.Code, row.Message, row.Param = "", "", "", "", "", ""
	}
	count := row.Count
	if before := b.folds[key]; before != nil {
		count += before.Count
	}
	if len(b.folds) == 0 {
		b.since = row.At
	}
	row.ID, row.Count, row.Signal, row.Domain, row.Email, row.Type, row.Source, row.Ignored = 0, count, 0, "", "", "", "", nil
	b.folds[key] = &row
}

// Run stores notes until ctx ends, and the last of them then.
func (j *Journal) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
			defer cancel()
			j.unfold(time.Time{})
			if left := j.store(last); left > 0 {
				j.cfg.Log.Warn("journal.lost", "rows", left)
			}
			return nil
		case <-j.kick:
		}
		pause := StoreEvery
		folded := j.unfold(j.cfg.Now())
		if j.store(ctx) > 0 {
			pause = retryAfter
		}
		if folded { // comes again for what is still being folded
			j.again()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// again has Run look once more.
func (j *Journal) again() {
	select {
	case j.kick <- struct{}{}:
	default:
	}
}

// unfold has the folded rows stored whose time has come, at now; all of them when now is zero. It forgets workspaces that are quiet, and says whether
// anything is still folded.
func (j *Journal) unfold(now time.Time) (more bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for ws, b := range j.books {
		switch {
		case len(b.folds) > 0 && (now.IsZero() || now.Sub(b.since) >= FoldEvery && len(j.waiting) < maxWaiting):
			for _, row := range b.folds {
				row.ID = j.cfg.IDs.Next(row.At)
				j.waiting = append(j.waiting, *row)
			}
			clear(b.folds)
		case len(b.folds) > 0:
			more = true
		case now.Sub(b.at) > time.Minute*Burst/PerMinute:
			delete(j.books, ws)
		}
	}
	return more
}

// store stores what waits and says how much could not be. What the database refuses for its own sake is dropped: it would be refused for ever.
func (j *Journal) store(ctx context.Context) (left int) {
	for {
		j.mu.Lock()
		chunk := j.waiting[:min(len(j.waiting), Chunk)]
		j.mu.Unlock()
		if len(chunk) == 0 {
			return 0
		}
		err := j.cfg.Store.InsertLogs(ctx, chunk)
		if err != nil && (ctx.Err() != nil || signalbox.CodeOf(err) == signalbox.Unavailable) {
			j.again()
			return j.Waiting()
		}
		if err != nil {
			j.cfg.Log.Error("journal.store", "rows", len(chunk), "err", err)
		}
		j.mu.Lock()
		if j.waiting = j.waiting[len(chunk):]; len(j.waiting) == 0 {
			j.waiting = nil
		}
		j.mu.Unlock()
		j.cfg.Stored()
	}
}

// Waiting is how many rows wait to be stored.
func (j *Journal) Waiting() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.waiting)
}
