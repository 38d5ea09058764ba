package poll_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"signalbox"
	"signalbox/poll"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fleet is a node with many streams, in virtual time: a due table that is asked every second, as due asks its own.
type fleet struct {
	*testing.T
	table   *table
	node    *node
	runner  *poll.Runner
	begin   time.Time
	takes   time.Duration // what a page takes
	pages   int           // of every stream
	mu      sync.Mutex
	started []signalbox.StreamID // in the order in which their first pages were fetched
	at      map[signalbox.StreamID][]time.Duration
	working int
	most    int
	ended   []signalbox.StreamID
	saw     struct { // what there was of these after the latest wait
		at    map[signalbox.StreamID][]time.Duration
		most  int
		ended []signalbox.StreamID
	}
}

// paced is a source whose pages take time.
type paced struct {
	f      *fleet
	stream signalbox.StreamID
}

func (p paced) Next(ctx context.Context, from poll.Checkpoint) (poll.Page, error) {
	f := p.f
	f.mu.Lock()
	page := 0
	if from == nil {
		f.started = append(f.started, p.stream)
		f.at[p.stream] = append(f.at[p.stream], time.Since(f.begin))
	} else {
		page = int(from[0])
	}
	f.working++
	f.most = max(f.most, f.working)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.working--
		if page == f.pages-1 {
			f.ended = append(f.ended, p.stream)
		}
	}()
	select {
	case <-ctx.Done():
		return poll.Page{}, ctx.Err()
	case <-time.After(f.takes):
	}
	return poll.Page{Records: people(page, 1), Next: []byte{byte(page + 1)}, Last: page == f.pages-1, Total: poll.TotalUnknown}, nil
}

func (paced) Shifts() bool { return false }

func (paced) ByID(context.Context, string) (found, known bool, err error) { return false, false, nil }

// run gives test a node that works, and stops it.
func run(t *testing.T, takes time.Duration, pages int, test func(f *fleet)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{T: t, begin: time.Now(), takes: takes, pages: pages, at: map[signalbox.StreamID][]time.Duration{}}
		f.table, f.node = newTable(), &node{lease: signalbox.Lease{Node: 1, Generation: 1}}
		config := newRig(nil, employees()).config
		config.Store, config.Desk, config.Node, config.Now = f.table, f.table, f.node, time.Now
		config.Open = func(_ context.Context, s *signalbox.Stream) (poll.Source, error) { return paced{f, s.ID}, nil }
		f.runner = poll.New(config)
		ctx, cancel := context.WithCancel(t.Context())
		var services sync.WaitGroup
		services.Go(func() { _ = f.runner.Run(ctx) })
		services.Go(func() { f.due(ctx) })
		test(f)
		cancel()
		services.Wait()
	})
}

// due hands rows out as they become due.
func (f *fleet) due(ctx context.Context) {
	for {
		for _, d := range f.table.take(time.Now(), 64) {
			if again, err := f.runner.StreamDue(ctx, d); err != nil || !again.Kept {
				f.Errorf("the owner said %+v, %v, want that it kept the row", again, err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// stream makes one of a workspace that is due.
func (f *fleet) stream(ws signalbox.WorkspaceID, id signalbox.StreamID) *stream {
	return f.table.add(signalbox.Stream{ID: id, Workspace: ws, API: "hris", RecordType: "employees", Fingerprint: 1, Key: poll.NewKey(box, ws, id), NextAt: time.Now()})
}

// after lets virtual time pass.
func (f *fleet) after(d time.Duration) {
	time.Sleep(time.Until(f.begin.Add(d)))
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saw.ended, f.saw.most, f.saw.at = slices.Clone(f.ended), f.most, map[signalbox.StreamID][]time.Duration{}
	for id, at := range f.at {
		f.saw.at[id] = slices.Clone(at)
	}
}

// proves S4-4: records are fetched every hour, each stream at its own pace.
func TestRunner_FetchesEachStreamAtItsPace(t *testing.T) {
	run(t, time.Second, 3, func(f *fleet) {
		periods := map[signalbox.StreamID]time.Duration{}
		for id := range signalbox.StreamID(5) {
			s := f.stream(1, id+1)
			periods[id+1] = s.Period()
		}
		f.after(10 * time.Hour)
		for id, period := range periods {
			times := f.saw.at[id]
			if len(times) < 9 || len(times) > 12 {
				t.Fatalf("stream %d was fetched %d times in ten hours", id, len(times))
			}
			for i := 1; i < len(times); i++ {
				if gap := times[i] - times[i-1]; gap < period || gap > period+2*time.Second {
					t.Errorf("stream %d was fetched after %s, want %s", id, gap, period)
				}
			}
		}
	})
}

func TestRunner_SyncNowIsTheRunThatGoesOn(t *testing.T) {
	run(t, 10*time.Second, 3, func(f *fleet) {
		s := f.stream(1, 1)
		f.after(5 * time.Second)
		first := s.Run
		if id, err := f.runner.SyncNow(t.Context(), 1, 1); err != nil || id != first {
			t.Errorf("run %d, %v, want the one that goes on, %d", id, err, first)
		}
		f.after(10 * time.Minute)
		if len(f.saw.at[1]) != 1 {
			t.Fatalf("fetched %d times, want once", len(f.saw.at[1]))
		}
		id, err := f.runner.SyncNow(t.Context(), 1, 1)
		if err != nil || id == first {
			t.Fatalf("run %d, %v, want a new one", id, err)
		}
		f.after(11 * time.Minute)
		if got := f.table.runs[id]; got.Status != signalbox.SyncComplete || len(f.saw.at[1]) != 2 {
			t.Errorf("the run is %s after %d fetches, want it complete at once", got.Status, len(f.saw.at[1]))
		}
		s.Paused = true
		if _, err := f.runner.SyncNow(t.Context(), 1, 1); signalbox.CodeOf(err) != signalbox.Conflict {
			t.Errorf("error %v for a paused stream, want %s", err, signalbox.Conflict)
		}
	})
}

// A thousand streams of one workspace do not hold up the stream of another one, and no more than the slots are at work.
func TestRunner_WorkspacesTakeTurns(t *testing.T) {
	run(t, time.Second, 2, func(f *fleet) {
		for id := range signalbox.StreamID(1000) {
			f.stream(1, id+1)
		}
		f.after(20 * time.Second)
		late := []signalbox.StreamID{5001, 5002, 6001}
		f.stream(2, 5001)
		f.stream(2, 5002)
		f.stream(3, 6001)
		f.after(29 * time.Second)
		for _, id := range late {
			if !slices.Contains(f.saw.ended, id) {
				t.Errorf("stream %d has not been fetched after 9 s, while %d of another workspace were", id, len(f.saw.ended))
			}
		}
		f.after(6 * time.Minute)
		if len(f.saw.ended) != 1003 || f.saw.most != poll.DefaultSlots {
			t.Errorf("%d streams were fetched, %d at the same time, want 1,003 and %d", len(f.saw.ended), f.saw.most, poll.DefaultSlots)
		}
	})
}

// Long runs give their places back while others wait, and lose nothing by it.
func TestRunner_LongRunsTakeTurns(t *testing.T) {
	run(t, 10*time.Second, 200, func(f *fleet) { // more than half an hour each
		for id := range signalbox.StreamID(poll.DefaultSlots) {
			f.stream(1, id+1)
		}
		f.after(time.Minute)
		f.stream(2, 100)
		f.after(time.Minute + poll.TurnFor + 30*time.Second)
		if len(f.saw.at[100]) != 1 {
			t.Error("a stream of another workspace did not come to its turn while long runs went on")
		}
		f.after(45 * time.Minute) // nine runs of 2,000 s in eight places take 37 and a half minutes, were they all to end together
		if len(f.saw.ended) != poll.DefaultSlots+1 {
			t.Errorf("%d runs have come to their end, want all %d, without a pause between turns", len(f.saw.ended), poll.DefaultSlots+1)
		}
		for _, r := range f.table.runs {
			if r.Status == signalbox.SyncFailed || r.Duplicates > 0 {
				t.Errorf("a run is %s: %q, %d duplicates, want that turns cost nothing", r.Status, r.Error, r.Duplicates)
			}
		}
	})
}

func TestRunner_RunWantsAnotherTurnWhenItsOwnIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &list{records: people(0, 100), page: func(int, *poll.Page) error { time.Sleep(poll.TurnFor / 3); return nil }}
		r := newRig(src, employees())
		if again, err := r.runner.Work(t.Context(), workspace, streamID); again || err != nil || src.fetched != 10 {
			t.Errorf("again %t, %v after %d pages, want all ten: nobody waits", again, err, src.fetched)
		}
		if _, err := r.runner.StreamDue(t.Context(), signalbox.Due{Workspace: 2, Subject: 2}); err != nil {
			t.Fatal(err)
		}
		r.now, src.fetched = r.now.Add(2*time.Hour), 0
		if again, err := r.runner.Work(t.Context(), workspace, streamID); !again || err != nil || src.fetched != 4 {
			t.Errorf("again %t, %v after %d pages, want a turn's four", again, err, src.fetched)
		}
	})
}

func TestRunner_StoreThatFailsIsAskedAgainWithoutSpinning(t *testing.T) {
	run(t, time.Second, 3, func(f *fleet) {
		s := f.stream(1, 1)
		f.after(500 * time.Millisecond) // the first page is under way
		f.table.mu.Lock()
		f.table.broken, f.table.calls = errors.New("the database is away"), 0
		f.table.mu.Unlock()
		f.after(time.Minute)
		f.table.mu.Lock()
		calls := f.table.calls
		f.table.broken = nil
		f.table.mu.Unlock()
		if most := int(time.Minute/poll.RetryAfter) + 2; calls > most || calls == 0 {
			t.Errorf("%d calls in a minute, want at most %d", calls, most)
		}
		f.after(2 * time.Minute)
		if s.Run != 0 || len(f.saw.ended) != 1 {
			t.Errorf("run %d goes on, %d ended, want the run ended after the database came back", s.Run, len(f.saw.ended))
		}
	})
}

// A node whose heartbeat nobody confirms saves nothing, whatever it has in memory.
func TestRunner_LostLeaseSavesNothing(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30)}
	r := newRig(src, employees())
	src.page = func(n int, _ *poll.Page) error {
		r.node.lost = n == 1
		return nil
	}
	if _, err := r.runner.Work(t.Context(), workspace, streamID); signalbox.CodeOf(err) != signalbox.Conflict {
		t.Errorf("error %v, want the lease missed", err)
	}
	saved := r.table.runs[r.stream.Run]
	if saved.Page != 1 || saved.Fetched != 10 {
		t.Errorf("%d pages saved, want the one before the lease was lost", saved.Page)
	}
	calls := r.table.calls
	if _, err := r.runner.Work(t.Context(), workspace, streamID); err == nil || r.table.calls != calls {
		t.Errorf("error %v after %d calls, want nothing asked without a lease", err, r.table.calls-calls)
	}
}

// One run of a stream at a time over all nodes; a node that has died is followed by another one, at the page after the last that it saved.
func TestRunner_OneNodeWorksOnAStream(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30)}
	r := newRig(src, employees())
	other := r.config
	other.Node = &node{lease: signalbox.Lease{Node: 2, Generation: 50}}
	other.IDs = signalbox.NewIDs(2)
	second := poll.New(other)
	var fetched []int
	src.page = func(n int, _ *poll.Page) error {
		fetched = append(fetched, n)
		if n == 1 && len(fetched) == 2 {
			before := src.fetched
			if again, err := second.Work(t.Context(), workspace, streamID); again || err != nil || src.fetched != before {
				t.Errorf("another node fetched %d pages (%t, %v), want none", src.fetched-before, again, err)
			}
			r.table.ended[1] = true // the first node is given up
		}
		return nil
	}
	if _, err := r.runner.Work(t.Context(), workspace, streamID); signalbox.CodeOf(err) != signalbox.Conflict {
		t.Fatalf("error %v, want what the dead node still had refused", err)
	}
	if again, err := second.Work(t.Context(), workspace, streamID); again || err != nil {
		t.Fatal(again, err)
	}
	if want := []int{0, 1, 1, 2}; !slices.Equal(fetched, want) {
		t.Errorf("pages %v were fetched, want %v", fetched, want)
	}
	for _, run := range r.table.runs {
		wantRun(t, *run, signalbox.SyncComplete, counts{fetched: 30, suppressed: 30})
	}
}

// A slice whose answer is lost is not saved twice.
func TestRunner_LostAnswerCountsNothingTwice(t *testing.T) {
	t.Parallel()
	for at := 1; at < 14; at++ {
		src := &list{records: people(0, 30)}
		r := newRig(src, employees())
		r.sync(t)
		src.records[3] = person("p0003", "chef", 1)
		src.records = append(src.records[1:], person("new", "cook", 1))
		r.now = r.now.Add(time.Hour)
		id, err := r.runner.SyncNow(t.Context(), workspace, streamID)
		if err != nil {
			t.Fatal(err)
		}
		r.table.calls, r.table.dieAt, r.table.answer = 0, at, true
		if _, err := r.runner.Work(t.Context(), workspace, streamID); err != nil {
			r.restart()
		}
		r.table.dieAt = 0
		r.work(t)
		wantRun(t, *r.table.runs[id], signalbox.SyncComplete, counts{fetched: 30, created: 1, updated: 1, unchanged: 28, missing: 1, waiting: 1})
		r.want(t, "updated p0003 salary,title", "created new")
	}
}

func TestRunner_SourceThatHangsIsEnded(t *testing.T) {
	run(t, 24*time.Hour, 3, func(f *fleet) {
		s := f.stream(1, 1)
		f.after(poll.PageWithin + time.Minute)
		var failed *signalbox.SyncRun
		for _, r := range f.table.runs {
			failed = r
		}
		if failed == nil || failed.Status != signalbox.SyncFailed || failed.Error != "page 1: the provider did not answer in time" {
			t.Errorf("run %+v of stream %d, want failed in time", failed, s.ID)
		}
	})
}

// A decision that was made while a run went on is carried out when that has ended, also by another process.
func TestRunner_CarriesADecisionOutAfterTheRun(t *testing.T) {
	t.Parallel()
	r, src, run := mass(t, 100)
	src.page = failAt(1, nil)
	r.now = r.now.Add(time.Hour)
	if _, err := r.runner.SyncNow(t.Context(), workspace, streamID); err != nil {
		t.Fatal(err)
	}
	if err := r.runner.Decide(t.Context(), workspace, run.ID, signalbox.SyncApproved); err != nil {
		t.Fatal(err)
	}
	again, err := r.runner.Work(t.Context(), workspace, streamID)
	if err != nil || !again || r.table.runs[run.ID].Closed != "" {
		t.Fatalf("again %t, %v, closed by %q: want the run first, and another turn for the decision", again, err, r.table.runs[run.ID].Closed)
	}
	r.work(t)
	if got := r.events(); len(got) != 100 {
		t.Errorf("told %d deletions, want 100", len(got))
	}
}

func TestRunner_StreamThatIsGoneIsLeftAlone(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30)}
	r := newRig(src, employees())
	src.page = func(n int, _ *poll.Page) error {
		if n == 1 {
			delete(r.table.streams, streamID)
		}
		return nil
	}
	if _, err := r.runner.Work(t.Context(), workspace, streamID); signalbox.CodeOf(err) != signalbox.NotFound {
		t.Errorf("error %v, want that the stream is gone", err)
	}
	if again, err := r.runner.Work(t.Context(), workspace, streamID); again || err != nil {
		t.Errorf("again %t, %v, want nothing to do", again, err)
	}
}
