package move

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"signalbox"
	"signalbox/internal/fault"
	"signalbox/store"
)

// Database is one of the two databases of a move.
type Database interface {
	// Move returns the mark of a move; nil when there is none.
	Move(ctx context.Context) (*store.Move, error)
	// MarkMove sets the mark, durably; nil takes it away.
	MarkMove(ctx context.Context, m *store.Move) error
	// NotEmpty names a table that holds rows; "" when none does.
	NotEmpty(ctx context.Context) (table string, err error)
	// LoadMoved adds rows and sets the mark, all or nothing.
	LoadMoved(ctx context.Context, table string, rows [][]byte, m *store.Move) error
	// Snapshot reads one moment.
	Snapshot(ctx context.Context, fn func(*store.Snapshot) error) error
}

// Config is one move.
type Config struct {
	From, To Database
	Target   string // To's address, without a password
	Now      time.Time
	Slice    int            // rows of a transaction; 0: signalbox.SliceRows
	Report   func(Progress) // told of every slice; nil: nobody
}

// Progress is how far a move is.
type Progress struct {
	Checking    bool   // all is carried over and is being read back
	Table       string // the one that is being worked on
	Done, Total int64  // rows of all tables
}

// Checked is a table that is the same in both databases.
type Checked struct {
	Table    string
	Rows     int64
	Checksum string
}

// The clocks of a target that is away: how often it is tried again, and how long it may be away before the move is left to a later run.
const (
	tryEvery = time.Second
	tryTimes = 30
)

// Run carries everything over, or goes on with a move that was cut short, and returns what was checked. After an error the move can be gone on with by
// running it again, unless the error says otherwise.
func Run(ctx context.Context, c Config) ([]Checked, error) {
	if c.Report == nil {
		c.Report = func(Progress) {}
	}
	c.Slice = cmp.Or(c.Slice, signalbox.SliceRows)
	for _, db := range []Database{c.From, c.To} { // what cannot be copied by this program is refused before there are marks
		if err := db.Snapshot(ctx, func(*store.Snapshot) error { return nil }); err != nil {
			return nil, err
		}
	}
	mark, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.fill(ctx, mark); err != nil {
		return nil, err
	}
	fault.Point("move.filled")
	checked, differ, err := c.check(ctx)
	if err != nil {
		return nil, err
	}
	if len(differ) > 0 {
		return nil, c.giveUp(ctx, differ)
	}
	fault.Point("move.checked")
	left := &store.Move{ID: mark.ID, State: store.MoveLeft, To: c.Target, At: c.Now}
	if err := c.From.MarkMove(ctx, left); err != nil {
		return nil, fmt.Errorf("mark the database as moved: %w", err)
	}
	fault.Point("move.left")
	if err := c.To.MarkMove(ctx, &store.Move{ID: mark.ID, State: store.MoveArrived, At: c.Now}); err != nil {
		return nil, fmt.Errorf("mark the new database as complete: %w", err)
	}
	return checked, nil
}

// begin finds out which move this is, marks both databases, and returns the mark of the one that is filled.
func (c *Config) begin(ctx context.Context) (*store.Move, error) {
	from, err := c.From.Move(ctx)
	if err != nil {
		return nil, err
	}
	to, err := c.To.Move(ctx)
	switch {
	case err != nil:
		return nil, err
	case to == nil:
		return c.beginAnew(ctx, from)
	case from == nil || from.ID != to.ID:
		if to.State == store.MoveFilling {
			return nil, fmt.Errorf("%s holds a part of another database, or of this one from a move that was given up: empty it first", c.Target)
		}
		return nil, fmt.Errorf("%s holds a database already: give an empty one", c.Target)
	case to.State == store.MoveArrived:
		return nil, moved(from)
	case from.State == store.MoveLeft: // cut short between the two last steps: the other one is not complete, so this one counts again
		from.State = store.MoveLeaving
		if err := c.From.MarkMove(ctx, from); err != nil {
			return nil, err
		}
	}
	return to, nil
}

// beginAnew marks both databases of a move into an empty one. The mark of the one that is left comes first: no other database ever has its id.
func (c *Config) beginAnew(ctx context.Context, from *store.Move) (*store.Move, error) {
	switch {
	case from != nil && from.State == store.MoveLeft:
		return nil, moved(from)
	case from != nil && from.To != c.Target:
		return nil, fmt.Errorf("a move to %s is under way: go on with that one, or give it up first with --abandon", from.To)
	}
	table, err := c.To.NotEmpty(ctx)
	if err != nil {
		return nil, err
	}
	if table != "" {
		return nil, fmt.Errorf("%s is not empty: table %s holds rows; give an empty database, or an empty schema with search_path", c.Target, table)
	}
	id := rand.Text()
	if err := c.From.MarkMove(ctx, &store.Move{ID: id, State: store.MoveLeaving, To: c.Target, At: c.Now}); err != nil {
		return nil, fmt.Errorf("mark the database as being moved: %w", err)
	}
	fault.Point("move.leaving")
	to := &store.Move{ID: id, State: store.MoveFilling, At: c.Now}
	if err := c.To.MarkMove(ctx, to); err != nil {
		return nil, fmt.Errorf("mark the new database as being filled: %w", err)
	}
	fault.Point("move.filling")
	return to, nil
}

// moved is the answer to moving what was moved.
func moved(m *store.Move) error {
	return fmt.Errorf("this database was moved to %s on %s: start with --database-url", m.To, m.At.UTC().Format(time.DateOnly))
}

// fill loads what is not loaded yet. A target that goes away for a while is waited for; what it has then says where to go on.
func (c *Config) fill(ctx context.Context, mark *store.Move) error {
	for tries := 1; !mark.Full; tries++ {
		before := *mark
		err := c.From.Snapshot(ctx, func(s *store.Snapshot) error { return c.load(ctx, s, mark) })
		if err == nil {
			return nil
		}
		if before.Table != mark.Table || !bytes.Equal(before.After, mark.After) {
			tries = 1 // it came further
		}
		if signalbox.CodeOf(err) != signalbox.Unavailable || tries >= tryTimes {
			return fmt.Errorf("carry rows over (run it again to go on): %w", err)
		}
		if mark, err = c.again(ctx, mark, err); err != nil {
			return err
		}
	}
	return nil
}

// again waits a moment and reads how far the target is; while it cannot be asked the mark is as it was.
func (c *Config) again(ctx context.Context, mark *store.Move, cause error) (*store.Move, error) {
	select {
	case <-time.After(tryEvery):
	case <-ctx.Done():
		return nil, fmt.Errorf("%w (%w)", ctx.Err(), cause)
	}
	to, err := c.To.Move(ctx)
	switch {
	case signalbox.CodeOf(err) == signalbox.Unavailable:
		return mark, nil
	case err != nil:
		return nil, err
	case to == nil || to.ID != mark.ID:
		return nil, fmt.Errorf("%s is not this move's any more: somebody else works on it", c.Target)
	}
	return to, nil
}

// load carries the rows from the mark on over, slice by slice, and moves the mark with each.
func (c *Config) load(ctx context.Context, s *store.Snapshot, mark *store.Move) error {
	tables := store.Tables()
	all, err := total(s)
	if err != nil {
		return err
	}
	for i, table := range tables {
		if mark.Table != "" && mark.Table != table.Name {
			continue // loaded before
		}
		for here := true; here; {
			var rows [][]byte
			next, err := s.Rows(table.Name, mark.After, c.Slice, func(row []byte) error {
				rows = append(rows, bytes.Clone(row))
				return nil
			})
			if err != nil {
				return err
			}
			to := *mark
			to.Table, to.After, to.Rows = table.Name, next, mark.Rows+int64(len(rows))
			if here = next != nil; !here {
				to.Table = ""
				if to.Full = i == len(tables)-1; !to.Full {
					to.Table = tables[i+1].Name
				}
			}
			if err := c.To.LoadMoved(ctx, table.Name, rows, &to); err != nil {
				return err
			}
			*mark = to
			fault.Point("move.slice")
			c.Report(Progress{Table: table.Name, Done: mark.Rows, Total: all})
		}
	}
	return nil
}

// total counts the rows of all tables.
func total(s *store.Snapshot) (all int64, err error) {
	for _, table := range store.Tables() {
		n, err := s.Count(table.Name)
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

// check reads both databases from their beginnings and compares them table by table.
func (c *Config) check(ctx context.Context) (same []Checked, differ []string, err error) {
	err = c.From.Snapshot(ctx, func(from *store.Snapshot) error {
		progress := Progress{Checking: true}
		var err error
		if progress.Total, err = total(from); err != nil {
			return err
		}
		return c.To.Snapshot(ctx, func(to *store.Snapshot) error {
			for _, table := range store.Tables() {
				progress.Table = table.Name
				here, err := sum(from, table.Name, func(int) {})
				if err != nil {
					return err
				}
				there, err := sum(to, table.Name, func(n int) {
					progress.Done += int64(n)
					c.Report(progress)
				})
				if err != nil {
					return err
				}
				if here != there {
					differ = append(differ, fmt.Sprintf("%s has %d rows (checksum %s) here and %d (%s) there",
						table.Name, here.Rows, here.Checksum(), there.Rows, there.Checksum()))
				}
				same = append(same, Checked{table.Name, there.Rows, there.Checksum()})
			}
			return nil
		})
	})
	if err != nil {
		return nil, nil, fmt.Errorf("check what was carried over (run it again to go on): %w", err)
	}
	return same, differ, nil
}

// sum reads a whole table; report is told of every slice.
func sum(s *store.Snapshot, table string, report func(rows int)) (sum store.Sum, err error) {
	var after []byte
	for more := true; more; more = after != nil {
		rows := 0
		after, err = s.Rows(table, after, signalbox.SliceRows, func(row []byte) error {
			sum.Add(row)
			rows++
			return nil
		})
		if err != nil {
			return sum, err
		}
		report(rows)
	}
	return sum, nil
}

// giveUp takes the mark from the database that was to be left: carrying it over again into the same one would end the same way.
func (c *Config) giveUp(ctx context.Context, differ []string) error {
	err := fmt.Errorf("%s does not hold what was carried there: %s. Nothing was switched, and this database is as it was; empty the other one and move again",
		c.Target, strings.Join(differ, "; "))
	if markErr := c.From.MarkMove(ctx, nil); markErr != nil {
		return fmt.Errorf("%w (and its mark stays: run signalbox move --abandon): %w", err, markErr)
	}
	return err
}

// Abandon gives a move up that is not complete: the database is as it was before, and the one that was being filled is to be emptied. It returns where
// that one is.
func Abandon(ctx context.Context, from Database) (target string, err error) {
	m, err := from.Move(ctx)
	switch {
	case err != nil:
		return "", err
	case m == nil:
		return "", errors.New("no move of this database is under way")
	case m.State != store.MoveLeaving:
		return "", fmt.Errorf("this database was moved to %s on %s: what came since is there alone, so that the move cannot be given up",
			m.To, m.At.UTC().Format(time.DateOnly))
	}
	return m.To, from.MarkMove(ctx, nil)
}
