package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"signalbox"
)

// Stats says how much the database holds, for metrics.
type Stats struct {
	Signals        int64     // stored signals of all workspaces
	OpenDeliveries int       // that a lane has to send, now or later; exact up to MaxOpenCounted, which stands for that or more
	OldestDue      time.Time // of what waits for time, the earliest; zero when nothing waits
	WALBytes       int64     // of the write-ahead log
	FileBytes      int64     // of the database file
}

// MaxOpenCounted is how far Stats counts open deliveries.
const MaxOpenCounted = 100_000

const countSignalsSQL = `
SELECT CAST(coalesce(sum(signals), 0) AS BIGINT)
  FROM heads`

// Stats reads what metrics show; it takes milliseconds whatever the database holds: signals are counted as they come, open
// deliveries by their own index and not for ever.
func (db *DB) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	err := db.read(ctx, func(t *tx) (err error) {
		s.Signals, err = t.count(countSignalsSQL)
		return err
	})
	if err != nil {
		return Stats{}, fmt.Errorf("count signals: %w", err)
	}
	if s.OldestDue, _, err = db.NextDue(ctx); err != nil {
		return Stats{}, err
	}
	if s.OpenDeliveries, err = db.countOpen(ctx); err != nil {
		return Stats{}, err
	}
	if db.pg != nil {
		s.FileBytes, err = db.pg.size(ctx)
		return s, err
	}
	if s.FileBytes, err = fileSize(db.cfg.Path); err != nil {
		return Stats{}, err
	}
	s.WALBytes, err = fileSize(db.cfg.Path + "-wal")
	return s, err
}

// openSQL walks the partial index of open deliveries, over all workspaces, a slice at a time.
const openSQL = `
SELECT workspace_id, webhook_id, due_at, id
  FROM deliveries
 WHERE done_at IS NULL AND due_at IS NOT NULL AND (workspace_id, webhook_id, due_at, id) > ($1, $2, $3, $4)
 ORDER BY workspace_id, webhook_id, due_at, id
 LIMIT $5`

func (db *DB) countOpen(ctx context.Context) (n int, err error) {
	var at [4]int64
	for n < MaxOpenCounted {
		before := n
		err := db.read(ctx, func(t *tx) error {
			return t.query(openSQL, []any{at[0], at[1], at[2], at[3], signalbox.SliceRows}, func(r *row) error {
				for i := range at {
					at[i] = r.int(i)
				}
				n++
				return nil
			})
		})
		if err != nil {
			return 0, fmt.Errorf("count open deliveries: %w", err)
		}
		if n-before < signalbox.SliceRows {
			return n, nil
		}
	}
	return n, nil
}

// fileSize answers 0 for a file that is not there: the log exists only while there is one.
func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("size of the database: %w", err)
	}
	return info.Size(), nil
}
