package poll_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"signalbox"
	"signalbox/poll"
)

// errCrash is what a store answers when the program has died under it.
var errCrash = errors.New("the program is dead")

// told is a change with the run whose slice brought it, and the print that the record had then.
type told struct {
	signalbox.LinkedChange
	run   signalbox.SyncRunID
	print []byte // nil for a deletion
}

// stream is what a table keeps of one.
type stream struct {
	signalbox.Stream
	names  []string
	rows   map[string]signalbox.Snapshot
	sorted []string // ids of rows, ascending; nil: to be made
	lease  signalbox.Lease
	due    time.Time // of its due row; zero: there is none
}

// table is the store in memory, with the contract of poll.Store and poll.Desk: all or nothing, fenced. It can be made to die at any call.
type table struct {
	mu      sync.Mutex
	streams map[signalbox.StreamID]*stream
	runs    map[signalbox.SyncRunID]*signalbox.SyncRun
	told    []told
	ended   map[int64]bool        // generations whose leases have ended
	notices []signalbox.SyncRunID // administrators were told of these quarantines

	calls  int
	dieAt  int  // the call at which the program dies; 0: never
	answer bool // at that call a slice is saved, and only the answer is lost
	broken error
	sparse bool                                // its rows are elsewhere: they are not counted
	most   int                                 // rows in the largest slice
	check  func(*stream, *signalbox.SyncSlice) // looks at each slice before it is applied; nil: nobody does
	look   int                                 // how many rows UnseenSnapshots looks at: few, so that its answers are often empty and not the last
}

func newTable() *table {
	return &table{streams: map[signalbox.StreamID]*stream{}, runs: map[signalbox.SyncRunID]*signalbox.SyncRun{}, ended: map[int64]bool{}, look: 7}
}

// call counts a call; lost says that it is the one whose answer is lost.
func (s *table) call() (lost bool, err error) {
	s.calls++
	switch {
	case s.broken != nil:
		return false, s.broken
	case s.dieAt == 0 || s.calls < s.dieAt:
		return false, nil
	case s.calls == s.dieAt && s.answer:
		return true, nil
	}
	return false, errCrash
}

// revive starts the program again: leases of the one before have ended.
func (s *table) revive(generation int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.dieAt = 0, 0
	s.ended[generation] = true
}

func (s *table) add(one signalbox.Stream) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &stream{Stream: one, rows: map[string]signalbox.Snapshot{}, due: one.NextAt}
	s.streams[one.ID] = st
	return st
}

func (s *table) holds(l signalbox.Lease) bool { return l.Generation != 0 && !s.ended[l.Generation] }

func (s *table) BeginSync(_ context.Context, c signalbox.SyncClaim) (signalbox.SyncWork, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var none signalbox.SyncWork
	if _, err := s.call(); err != nil {
		return none, false, err
	}
	st := s.streams[c.Stream]
	if st == nil {
		return none, false, nil
	}
	if s.holds(st.lease) && st.lease != c.Lease {
		return none, false, nil
	}
	w := signalbox.SyncWork{}
	if q := s.runs[st.Quarantine]; q != nil {
		copied := *q
		w.Quarantine = &copied
	}
	if !st.Paused {
		if st.Run == 0 && !st.NextAt.After(c.Now) {
			run := st.NewRun(c.Run, c.Now)
			s.runs[run.ID], st.Run = &run, run.ID
		}
		if run := s.runs[st.Run]; run != nil {
			copied := *run
			w.Run = &copied
		}
	}
	if w.Run == nil && (w.Quarantine == nil || w.Quarantine.Decision == "") {
		if st.due = st.NextAt; st.Paused {
			st.due = time.Time{}
		}
		return none, false, nil
	}
	st.lease, st.due = c.Lease, c.Now.Add(signalbox.LeaseFor)
	w.Stream, w.Names = st.Stream, slices.Clone(st.names)
	return w, true, nil
}

func (s *table) Snapshots(_ context.Context, ws signalbox.WorkspaceID, id signalbox.StreamID, records []string) ([]signalbox.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.call(); err != nil {
		return nil, err
	}
	if len(records) > signalbox.SliceRows {
		return nil, fmt.Errorf("asked for %d rows at once", len(records))
	}
	st := s.streams[id]
	if st == nil || st.Workspace != ws {
		return nil, signalbox.NoSuch("stream")
	}
	var list []signalbox.Snapshot
	for _, r := range records {
		if row, have := st.rows[r]; have {
			list = append(list, row)
		}
	}
	return list, nil
}

func (s *table) UnseenSnapshots(_ context.Context, u signalbox.Unseen) ([]signalbox.Snapshot, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.call(); err != nil {
		return nil, "", err
	}
	st := s.streams[u.Stream]
	if st == nil || st.Workspace != u.Workspace {
		return nil, "", signalbox.NoSuch("stream")
	}
	if st.sorted == nil {
		for id := range st.rows {
			st.sorted = append(st.sorted, id)
		}
		slices.Sort(st.sorted)
	}
	at := sort.SearchStrings(st.sorted, u.After)
	if at < len(st.sorted) && st.sorted[at] == u.After {
		at++
	}
	var rows []signalbox.Snapshot
	end := min(at+s.look, len(st.sorted))
	for _, id := range st.sorted[at:end] {
		if row := st.rows[id]; row.Seen < u.Before {
			rows = append(rows, row)
		}
	}
	if end == len(st.sorted) {
		return rows, "", nil
	}
	return rows, st.sorted[end-1], nil
}

func (s *table) SaveSync(_ context.Context, c *signalbox.SyncSlice) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	lost, err := s.call()
	if err != nil {
		return err
	}
	st := s.streams[c.Run.Stream]
	if st == nil {
		return signalbox.NoSuch("stream")
	}
	have := s.runs[c.Run.ID]
	if st.lease != c.Lease || !s.holds(c.Lease) || st.Version != c.Version || have == nil || have.Step != c.Run.Step-1 || have.Decision != c.Run.Decision {
		return signalbox.Errorf(signalbox.Conflict, "somebody else works on the stream")
	}
	if n := len(c.Rows) + len(c.Drop); n > signalbox.SliceRows {
		return fmt.Errorf("a slice of %d rows", n)
	} else if s.most = max(s.most, n); !c.Run.Balanced() {
		return fmt.Errorf("the counts do not add up: %+v", c.Run)
	}
	if s.check != nil {
		s.check(st, c)
	}
	st.rowsOf(c)
	for _, change := range c.Changes {
		s.told = append(s.told, told{change, c.Run.ID, bytes.Clone(st.rows[change.Record.ID].Print)})
	}
	run := c.Run
	s.runs[run.ID] = &run
	s.follow(st, c)
	if int(st.Known) != len(st.rows) && !s.sparse {
		return fmt.Errorf("the stream counts %d rows and has %d", st.Known, len(st.rows))
	}
	if lost {
		return errCrash
	}
	return nil
}

// rowsOf writes what a slice says of rows and names.
func (st *stream) rowsOf(c *signalbox.SyncSlice) {
	st.names = append(st.names, c.Names...)
	for _, row := range c.Rows {
		old, had := st.rows[row.Record]
		if row.Print == nil {
			row.Print = old.Print
		}
		if !had {
			st.sorted = nil
		}
		st.rows[row.Record] = row
	}
	for _, id := range c.Drop {
		delete(st.rows, id)
		st.sorted = nil
	}
	st.Known += c.Known
	st.Kept += c.Kept
}

// follow has the stream follow its run.
func (s *table) follow(st *stream, c *signalbox.SyncSlice) {
	if c.Run.Status != signalbox.SyncRunning && st.Run == c.Run.ID {
		st.Run = 0
		if c.Run.Status == signalbox.SyncQuarantined {
			st.Quarantine = c.Run.ID
			s.notices = append(s.notices, c.Run.ID)
		}
	}
	if c.Run.Closed != "" && st.Quarantine == c.Run.ID {
		st.Quarantine = 0
	}
	if q := s.runs[c.Closes]; q != nil && q.Decision == "" {
		q.Closed, q.ClosedAt = signalbox.SyncFound, c.Run.EndedAt
		if st.Quarantine == q.ID {
			st.Quarantine = 0
		}
	}
	if c.Baselined {
		st.Baselined = c.Run.Fingerprint
	}
	if !c.Next.IsZero() {
		st.lease, st.NextAt, st.due = signalbox.Lease{}, c.Next, c.Next
		if q := s.runs[st.Quarantine]; q != nil && q.Decision != "" {
			st.due = c.Run.EndedAt
		}
	}
}

func (s *table) StartSync(_ context.Context, ws signalbox.WorkspaceID, id signalbox.StreamID, run signalbox.SyncRunID, now time.Time) (signalbox.SyncRunID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.call(); err != nil {
		return 0, err
	}
	st := s.streams[id]
	switch {
	case st == nil || st.Workspace != ws:
		return 0, signalbox.NoSuch("stream")
	case st.Paused:
		return 0, signalbox.Errorf(signalbox.Conflict, "the stream is paused")
	case st.Run == 0:
		r := st.NewRun(run, now)
		s.runs[run], st.Run, st.due = &r, run, now
	}
	return st.Run, nil
}

func (s *table) DecideSync(_ context.Context, ws signalbox.WorkspaceID, id signalbox.SyncRunID, d signalbox.SyncDecision, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.call(); err != nil {
		return err
	}
	run := s.runs[id]
	if run == nil || run.Workspace != ws {
		return signalbox.NoSuch("run")
	}
	if run.Status != signalbox.SyncQuarantined || run.Closed != "" || run.Decision != "" && run.Decision != d {
		return signalbox.Errorf(signalbox.Conflict, "the run waits for no decision")
	}
	run.Decision = d
	s.streams[run.Stream].due = now
	return nil
}

// take is the due table's part: it hands out streams that are due, and moves their rows by a lease.
func (s *table) take(now time.Time, limit int) []signalbox.Due {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []signalbox.Due
	for _, st := range s.streams {
		if len(list) < limit && !st.due.IsZero() && !st.due.After(now) {
			list = append(list, signalbox.Due{Kind: signalbox.DueStream, Workspace: st.Workspace, Subject: int64(st.ID), At: st.due})
			st.due = now.Add(signalbox.LeaseFor)
		}
	}
	slices.SortFunc(list, func(a, b signalbox.Due) int { return int(a.Subject - b.Subject) })
	return list
}

var (
	_ poll.Store = (*table)(nil)
	_ poll.Desk  = (*table)(nil)
)
