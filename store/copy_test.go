package store_test

import (
	"bytes"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/internal/boxtest/storesuite"
	"signalbox/store"
)

// open opens an empty database of either kind.
func open(t *testing.T, pg bool) *store.DB {
	t.Helper()
	cfg := store.Config{Path: filepath.Join(t.TempDir(), "box.db"), Readers: 2}
	if pg {
		cfg.DatabaseURL = postgres(t).Schema(t)
	}
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// filled is a database with rows in every table that a copy holds, made through its own calls.
func filled(t *testing.T, pg bool) *storesuite.Box {
	t.Helper()
	b := storesuite.NewBox(t, open(t, pg), storesuite.Start)
	b.Fill(12)
	return b
}

// dump reads every table of a copy: its encoded rows, sorted.
func dump(t *testing.T, db *store.DB, limit int) map[string][][]byte {
	t.Helper()
	all := map[string][][]byte{}
	err := db.Snapshot(t.Context(), func(s *store.Snapshot) error {
		for _, table := range store.Tables() {
			var after []byte
			for {
				var err error
				after, err = s.Rows(table.Name, after, limit, func(row []byte) error {
					all[table.Name] = append(all[table.Name], bytes.Clone(row))
					return nil
				})
				if err != nil {
					return err
				}
				if after == nil {
					break
				}
			}
			slices.SortFunc(all[table.Name], bytes.Compare)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCopy_IsTheSameInAnyDatabase copies a full database of each kind into an empty one of each kind, in slices of few rows: every row is there
// once and the same, and the sums tell so.
func TestCopy_IsTheSameInAnyDatabase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to bool }{
		"SQLite to PostgreSQL": {false, true}, "PostgreSQL to SQLite": {true, false},
		"SQLite to SQLite": {false, false}, "PostgreSQL to PostgreSQL": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := filled(t, c.from), open(t, c.to)
			want := dump(t, from.DB, 7)
			for _, table := range store.Tables() {
				if len(want[table.Name]) == 0 {
					t.Fatalf("the test fills no row of %s", table.Name)
				}
				if err := to.LoadRows(t.Context(), table.Name, want[table.Name]); err != nil {
					t.Fatal(err)
				}
			}
			got := dump(t, to, 1000)
			if !maps.EqualFunc(got, want, func(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }) {
				t.Error("the copy has other rows")
			}
			for _, table := range store.Tables() {
				if a, b := sum(t, from.DB, table.Name), sum(t, to, table.Name); a != b || a.Rows != int64(len(want[table.Name])) || a.Checksum() != b.Checksum() {
					t.Errorf("%s: %d rows %s, and in the copy %d rows %s", table.Name, a.Rows, a.Checksum(), b.Rows, b.Checksum())
				}
			}
			claimsAll(t, from, to)
		})
	}
}

// claimsAll joins a copy as its first node, which has never been one: every lane with open deliveries is due, and what a node of the other database
// had leased is free.
func claimsAll(t *testing.T, from *storesuite.Box, to *store.DB) {
	t.Helper()
	now := from.Now.Add(time.Hour)
	mine, err := to.JoinNode(t.Context(), "new", now)
	if err != nil {
		t.Fatal(err)
	}
	hooks, _, _, err := from.DB.Webhooks(t.Context(), from.WS, signalbox.Page{})
	if err != nil {
		t.Fatal(err)
	}
	taken, err := to.TakeDue(t.Context(), mine, now, 100)
	if err != nil {
		t.Fatal(err)
	}
	all := 0
	for _, w := range hooks {
		if w.Kind != signalbox.KindPush {
			continue
		}
		list, _, err := from.DB.Deliveries(t.Context(), from.WS, w.ID, signalbox.DeliveryFilter{}, signalbox.Page{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		open := 0
		for _, d := range list {
			if d.State.Open() {
				open++
			}
		}
		if open == 0 {
			continue
		}
		all += open
		if !slices.ContainsFunc(taken, func(d signalbox.Due) bool { return d.Subject == int64(w.ID) }) {
			t.Errorf("the lane of %d open deliveries is not due", open)
		}
		c, err := to.Claim(t.Context(), mine, from.WS, w.ID, 100, now)
		if err != nil || len(c.Ready) != open {
			t.Errorf("claimed %d of %d open deliveries: %v", len(c.Ready), open, err)
		}
	}
	if all < 20 {
		t.Errorf("%d open deliveries say little", all)
	}
}

func sum(t *testing.T, db *store.DB, table string) (sum store.Sum) {
	t.Helper()
	err := db.Snapshot(t.Context(), func(s *store.Snapshot) (err error) {
		sum, err = s.Sum(table)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// What is loaded is loaded whole or not at all, and what is no row is refused.
func TestLoadRows_AllOrNone(t *testing.T) {
	t.Parallel()
	for name, pg := range map[string]bool{"SQLite": false, "PostgreSQL": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := filled(t, pg), open(t, pg)
			rows := dump(t, from.DB, 100)["accounts"]
			for what, bad := range map[string][][]byte{
				"a row twice": {rows[0], rows[1], rows[0]}, "cut off": {rows[0], rows[1][:9]}, "too long": {rows[0], append(bytes.Clone(rows[1]), 0)},
				"another kind": {rows[0], append([]byte{2, 0}, rows[1]...)}, "empty": {rows[0], {}},
			} {
				if err := to.LoadRows(t.Context(), "accounts", bad); err == nil {
					t.Errorf("%s: it was loaded", what)
				}
				if n := sum(t, to, "accounts").Rows; n != 0 {
					t.Errorf("%s: %d rows stayed", what, n)
				}
			}
			if err := to.LoadRows(t.Context(), "nodes", nil); err == nil {
				t.Error("nodes are in no copy")
			}
		})
	}
}

// A snapshot is one moment: what is written while it is read is not in it. What its reader refuses comes back as it is.
func TestSnapshot_IsOneMoment(t *testing.T) {
	t.Parallel()
	for name, pg := range map[string]bool{"SQLite": false, "PostgreSQL": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := filled(t, pg)
			before := sum(t, b.DB, "accounts")
			err := b.DB.Snapshot(t.Context(), func(s *store.Snapshot) error {
				b.NewAccount("later.example", "")
				got, err := s.Sum("accounts")
				if err == nil && got != before {
					t.Errorf("%d rows, want %d", got.Rows, before.Rows)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := sum(t, b.DB, "accounts"); got.Rows != before.Rows+1 {
				t.Errorf("afterwards %d rows, want %d", got.Rows, before.Rows+1)
			}
			err = b.DB.Snapshot(t.Context(), func(s *store.Snapshot) error {
				_, err := s.Rows("accounts", nil, 10, func([]byte) error { return errTest })
				return err
			})
			if !errors.Is(err, errTest) || signalbox.CodeOf(err) == signalbox.Unavailable {
				t.Errorf("error %v, want the reader's own", err)
			}
		})
	}
}

// Text that PostgreSQL does not take, as a receiver's words may be on the embedded database, comes out as what it takes; a number that is none is refused.
func TestRows_TextIsWhatBothTake(t *testing.T) {
	t.Parallel()
	from, to := filled(t, false), open(t, true)
	if err := store.Exec(t.Context(), from.DB, "UPDATE attempts SET error = CAST(x'6100ff62' AS TEXT), body = x'00ff'"); err != nil {
		t.Fatal(err)
	}
	rows := dump(t, from.DB, 100)["attempts"]
	if err := to.LoadRows(t.Context(), "attempts", rows); err != nil {
		t.Fatal(err)
	}
	if texts, err := store.Texts(t.Context(), to, "SELECT error || encode(body, 'hex') FROM attempts ORDER BY workspace_id, id"); err != nil || texts[0] != "a\uFFFD\uFFFDb00ff" {
		t.Errorf("%q, %v", texts, err)
	}
	if !slices.EqualFunc(dump(t, to, 100)["attempts"], rows, bytes.Equal) {
		t.Error("the copy has other rows")
	}
	if err := store.Exec(t.Context(), from.DB, "UPDATE attempts SET at = 'noon'"); err != nil {
		t.Fatal(err)
	}
	err := from.DB.Snapshot(t.Context(), func(s *store.Snapshot) error { _, err := s.Sum("attempts"); return err })
	if err == nil || !strings.Contains(err.Error(), "column at of attempts") {
		t.Errorf("error %v", err)
	}
}

// Long rows come fewer at a time, and none is left out or comes twice.
func TestRows_LongOnesComeInSmallSlices(t *testing.T) {
	t.Parallel()
	for name, pg := range map[string]bool{"SQLite": false, "PostgreSQL": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := storesuite.NewBox(t, open(t, pg), storesuite.Start)
			long := `{"x":"` + strings.Repeat("x", 300<<10) + `"}`
			for range 40 {
				b.Send(storesuite.Sent{Properties: long})
			}
			var after []byte
			seen, calls := map[string]bool{}, 0
			err := b.DB.Snapshot(t.Context(), func(s *store.Snapshot) (err error) {
				for again := true; again; again = after != nil {
					size := 0
					calls++
					after, err = s.Rows("signals", after, 1000, func(row []byte) error {
						size += len(row)
						if size > 5<<20 {
							t.Errorf("a slice of %d bytes", size)
						}
						seen[string(row)] = true
						return nil
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil || len(seen) != 40 || calls < 3 {
				t.Errorf("%d rows in %d slices: %v", len(seen), calls, err)
			}
		})
	}
}

// FuzzRow: whatever is said to be a row is read or refused, of any table, and a row that can be read has a place that can be.
func FuzzRow(f *testing.F) {
	f.Add([]byte{2, 1, 'a', 3, 0})
	f.Add([]byte{1, 2, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01})
	f.Add([]byte{2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, row []byte) {
		for _, table := range store.Tables() {
			if err := store.Decode(table, row); err != nil && strings.Contains(err.Error(), "the place of a row") {
				t.Errorf("%s: %v", table.Name, err)
			}
		}
	})
}
