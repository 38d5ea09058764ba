package poll_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/poll"
)

// counts are those of a run that a test is about.
type counts struct{ fetched, created, updated, unchanged, missing, deleted, waiting, suppressed int64 }

func countsOf(r signalbox.SyncRun) counts {
	return counts{r.Fetched, r.Created, r.Updated, r.Unchanged, r.Missing, r.Deleted, r.Waiting, r.Suppressed}
}

// wantRun checks how a run ended.
func wantRun(t testing.TB, r signalbox.SyncRun, status signalbox.SyncStatus, want counts) {
	t.Helper()
	if got := countsOf(r); r.Status != status || got != want {
		t.Errorf("run is %s with %+v (%q), want %s with %+v", r.Status, got, r.Error, status, want)
	}
	if r.Checkpoint != nil || r.Progress != nil || r.EndedAt.IsZero() {
		t.Errorf("an ended run still has a checkpoint %q, notes %q, or no end (%s)", r.Checkpoint, r.Progress, r.EndedAt)
	}
}

// proves S4-4 and S4-10: differences become created, updated and deleted.
func TestRun_DifferencesAreTold(t *testing.T) {
	t.Parallel()
	src := &list{records: []poll.Record{person("a", "cook", 1), person("b", "cook", 2), person("c", "cook", 3)}, size: 2}
	r := newRig(src, employees())
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 3, suppressed: 3})
	r.want(t)

	src.records = []poll.Record{person("a", "cook", 1), person("b", "chef", 9), person("d", "cook", 4)}
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 3, created: 1, updated: 1, unchanged: 1, missing: 1, waiting: 1})
	r.want(t, "updated b salary,title", "created d")

	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 3, unchanged: 3, missing: 1, deleted: 1})
	r.want(t, "deleted c")
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 3, unchanged: 3})
	r.want(t)
}

func TestRun_ChangeSaysWhatItIsAbout(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 1)}
	r := newRig(src, employees())
	r.sync(t)
	src.records = append(src.records, person("new", "cook", 1))
	r.sync(t)
	got := r.table.told[0]
	if got.Record.API != "hris" || got.Record.Type != "employees" || got.Kind != signalbox.ChangeCreated || !got.At.Equal(r.now) || got.Record.Changed != nil {
		t.Errorf("told %+v, want hris employees created now", got.LinkedChange)
	}
}

func TestRun_BaselineMayTellOfEveryRecord(t *testing.T) {
	t.Parallel()
	one := employees()
	one.EmitCreatedOnBaseline = true
	r := newRig(&list{records: people(0, 3)}, one)
	run := r.sync(t)
	wantRun(t, run, signalbox.SyncComplete, counts{fetched: 3, created: 3})
	if !run.Baseline || run.Silent {
		t.Errorf("%+v, want a baseline that tells", run)
	}
	r.want(t, "created p0000", "created p0001", "created p0002")
}

// A change of what is asked for is no change of records (contract section 13).
func TestRun_ChangeOfTheDefinitionIsABaselineWithoutEvents(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 4)}
	one := employees()
	one.EmitCreatedOnBaseline = true
	r := newRig(src, one)
	r.sync(t)
	r.events()
	r.stream.Fingerprint, r.stream.Version = 2, 2
	src.records = append([]poll.Record{person("p0001", "chef", 5), person("p0000", "engineer", 1000)}, people(9, 2)...)
	run := r.sync(t)
	wantRun(t, run, signalbox.SyncComplete, counts{fetched: 4, unchanged: 1, missing: 2, suppressed: 5})
	if !run.Baseline || !run.Silent {
		t.Errorf("%+v, want a silent baseline", run)
	}
	r.want(t)
	src.records = append(src.records, person("x", "cook", 1))
	src.records[1] = person("p0000", "engineer", 1001)
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 5, created: 1, updated: 1, unchanged: 3})
	r.want(t, "updated p0000 salary", "created x")
}

func TestRun_BaselineThatFailedIsMadeAgain(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30)}
	r := newRig(src, employees())
	src.page = failAt(2, errors.New("gone"))
	wantRun(t, r.sync(t), signalbox.SyncFailed, counts{fetched: 20, suppressed: 20})
	src.page = nil
	src.records = src.records[5:]
	src.records[0] = person("p0005", "chef", 1)
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 25, unchanged: 14, missing: 5, suppressed: 16})
	r.want(t)
	if r.stream.Known != 25 {
		t.Errorf("%d rows after the baseline, want those of the 25 records that there are", r.stream.Known)
	}
}

func failAt(page int, err error) func(int, *poll.Page) error {
	return func(n int, _ *poll.Page) error {
		if n == page {
			return err
		}
		return nil
	}
}

// proves contract section 13: any failure in a run emits no deletions; what came is told.
func TestRun_FailureDeletesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		page func(n int, p *poll.Page) error
		want string
	}{
		"refused":            {failAt(1, signalbox.Errorf(signalbox.Unauthorized, "the provider refused the token (401)")), "page 2: the provider refused the token (401)"},
		"unexpected":         {failAt(1, errors.New("secret detail")), "page 2: fetching did not work; the program's log says why"},
		"timeout":            {failAt(1, fmt.Errorf("get: %w", context.DeadlineExceeded)), "page 2: the provider did not answer in time"},
		"checkpoint refused": {failAt(1, poll.ErrCheckpoint), "page 2: the provider does not let the fetch go on where it stopped"},
		"panic":              {func(n int, _ *poll.Page) error { panic(n) }, "page 1: fetching did not work; the program's log says why"},
		"repeated cursor":    {func(_ int, p *poll.Page) error { p.Next = []byte("at 10"); return nil }, "page 2: the provider sends the same pages over and over; check the stream's pagination"},
		"no way on":          {func(_ int, p *poll.Page) error { p.Next = nil; return nil }, "page 1: the page says that another one follows, and not where it begins"},
		"record without id":  {func(_ int, p *poll.Page) error { p.Records[3].ID = ""; return nil }, "page 1: record 4: it has no id"},
		"long id":            {func(_ int, p *poll.Page) error { p.Records[0].ID = strings.Repeat("x", 256); return nil }, "page 1: record 1: its id has 256 bytes, the most is 255"},
		"id that is no text": {func(_ int, p *poll.Page) error { p.Records[0].ID = "a\x00"; return nil }, "page 1: record 1: its id is no text"},
		"field twice": {func(_ int, p *poll.Page) error {
			p.Records[0].Fields = append(p.Records[0].Fields, p.Records[0].Fields[2])
			return nil
		}, "page 1: record 1: its fields are out of order, or one comes twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := employees()
			one.Confirmations = 1
			src := &list{records: people(0, 30)}
			r := newRig(src, one)
			r.sync(t)
			src.records = append(src.records[:0:0], src.records[3:]...)
			src.page = c.page
			run := r.sync(t)
			if run.Status != signalbox.SyncFailed || run.Error != c.want || run.Missing != 0 {
				t.Errorf("run is %s: %q, %d missing, want failed: %q", run.Status, run.Error, run.Missing, c.want)
			}
			r.want(t)
			src.page = nil
			wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 27, unchanged: 27, missing: 3, deleted: 3})
			r.want(t, "deleted p0000", "deleted p0001", "deleted p0002")
		})
	}
}

func TestRun_WhatCameBeforeAFailureIsTold(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30)}
	r := newRig(src, employees())
	r.sync(t)
	src.records[4], src.records[25] = person("p0004", "chef", 1), person("p0025", "chef", 1)
	src.page = failAt(2, errors.New("gone"))
	wantRun(t, r.sync(t), signalbox.SyncFailed, counts{fetched: 20, updated: 1, unchanged: 19})
	r.want(t, "updated p0004 salary,title")
	src.page = nil
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 30, updated: 1, unchanged: 29})
	r.want(t, "updated p0025 salary,title")
}

func TestRun_SourceOrKeyThatDoesNotOpenFails(t *testing.T) {
	t.Parallel()
	r := newRig(&list{}, employees())
	r.opened = signalbox.Errorf(signalbox.Invalid, "no connector is named oracle")
	if run := r.sync(t); run.Status != signalbox.SyncFailed || run.Error != "no connector is named oracle" {
		t.Errorf("run is %s: %q, want failed for want of the connector", run.Status, run.Error)
	}
	r.opened = nil
	r.stream.Key = poll.NewKey(box, workspace, streamID+1) // another stream's
	if run := r.sync(t); run.Status != signalbox.SyncFailed || !strings.Contains(run.Error, "key does not open") {
		t.Errorf("run is %s: %q, want failed for want of the key", run.Status, run.Error)
	}
}

// A source that wants to be left alone is, for longer than the schedule says.
func TestRun_NextOneWaitsAsLongAsTheSourceWants(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 3), page: failAt(0, &signalbox.Error{Code: signalbox.RateLimited, Msg: "too many requests", RetryAfter: 3 * time.Hour})}
	r := newRig(src, employees())
	r.sync(t)
	if want := r.now.Add(3 * time.Hour); !r.stream.NextAt.Equal(want) {
		t.Errorf("next run at %s, want %s", r.stream.NextAt, want)
	}
}

func TestRun_DuplicatesAreCountedOnceAndTheLastWins(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 20)}
	r := newRig(src, employees())
	r.sync(t)
	chef := person("p0001", "chef", 7)
	src.page = func(n int, p *poll.Page) error { // the same record once more on its page, and on the next one
		if n == 0 {
			p.Records = append(p.Records, p.Records[0], person("new", "cook", 1))
		} else {
			p.Records = append([]poll.Record{p.Records[1], chef, person("new", "cook", 2), chef}, p.Records...)
		}
		return nil
	}
	run := r.sync(t)
	wantRun(t, run, signalbox.SyncComplete, counts{fetched: 21, created: 1, updated: 1, unchanged: 19})
	if run.Duplicates != 5 {
		t.Errorf("%d duplicates, want 5", run.Duplicates)
	}
	r.want(t, "created new", "updated p0001 salary,title", "updated new salary")
}

func TestRun_PageOfManyRecordsIsSavedInSlices(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 2500), size: 5000}
	r := newRig(src, employees())
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 2500, suppressed: 2500})
	if r.table.most != signalbox.SliceRows {
		t.Errorf("the largest slice has %d rows, want %d", r.table.most, signalbox.SliceRows)
	}
	src.records = src.records[:2400]
	r.sync(t)
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 2400, unchanged: 2400, missing: 100, deleted: 100})
}

// A source that does not say that its pages repeat is found out (peers 2.7), whatever it does.
func TestRun_WalkThatNeverEndsFails(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(n int) string{
		"circle of one":       func(int) string { return "at 0" },
		"circle of three":     func(n int) string { return fmt.Sprintf("at %d", (n+1)%3*10) },
		"circle after a tail": func(n int) string { return fmt.Sprintf("at %d", min(n+1, 5+(n-4)%7)*10) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := &list{records: people(0, 1000)}
			src.page = func(n int, p *poll.Page) error { p.Next, p.Last = []byte(next(n)), false; return nil }
			r := newRig(src, employees())
			if run := r.sync(t); run.Status != signalbox.SyncFailed || !strings.Contains(run.Error, "over and over") || src.fetched > 40 {
				t.Errorf("run is %s: %q after %d pages, want failed for its circle", run.Status, run.Error, src.fetched)
			}
		})
	}
	t.Run("circle of empty pages after a tail", func(t *testing.T) {
		t.Parallel()
		src := &list{records: people(0, 1000)}
		src.page = func(n int, p *poll.Page) error {
			if p.Last, p.Next = false, fmt.Appendf(nil, "at %d", (n+1)*10); n >= 5 {
				p.Records, p.Next = nil, fmt.Appendf(nil, "at %d", (5+(n-4)%7)*10)
			}
			return nil
		}
		r := newRig(src, employees())
		if run := r.sync(t); run.Status != signalbox.SyncFailed || !strings.Contains(run.Error, "over and over") || src.fetched > 40 {
			t.Errorf("run is %s: %q after %d pages, want failed for its circle", run.Status, run.Error, src.fetched)
		}
	})
	t.Run("page number that is ignored", func(t *testing.T) {
		t.Parallel()
		first := people(0, 10)
		src := &list{records: people(0, 1000)}
		src.page = func(n int, p *poll.Page) error { p.Records = slices.Clone(first); return nil }
		r := newRig(src, employees())
		if run := r.sync(t); run.Status != signalbox.SyncFailed || src.fetched != poll.MaxStale+1 || run.Fetched != 10 {
			t.Errorf("run is %s after %d pages, %d fetched, want failed after %d", run.Status, src.fetched, run.Fetched, poll.MaxStale+1)
		}
	})
}

func TestRun_WalkOfAMillionPagesIsTheLongest(t *testing.T) {
	t.Parallel()
	for page, want := range map[int]bool{poll.MaxPages - 2: true, poll.MaxPages - 1: false} {
		if err := poll.Circles(page, &poll.Page{Next: []byte("on")}); (err == nil) != want {
			t.Errorf("after %d pages: %v, want another one: %t", page, err, want)
		}
	}
}

func TestRun_CheckpointThatIsRefusedBeginsTheWalkAnew(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30)}
	r := newRig(src, employees())
	r.sync(t)
	src.records = src.records[1:]
	refused := 0
	src.page = func(n int, _ *poll.Page) error {
		if n == 2 && refused < poll.MaxRestarts {
			refused++
			return poll.ErrCheckpoint
		}
		return nil
	}
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 29, unchanged: 29, missing: 1, waiting: 1})
	refused = -1
	if run := r.sync(t); run.Status != signalbox.SyncFailed {
		t.Errorf("run is %s after the checkpoint was refused once too often, want failed", run.Status)
	}
	r.want(t)
}

func TestRun_FirstPageIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30), page: failAt(0, poll.ErrCheckpoint)}
	r := newRig(src, employees())
	if run := r.sync(t); run.Status != signalbox.SyncFailed || src.fetched != 1 {
		t.Errorf("run is %s after %d pages, want failed after one: there is no checkpoint to leave out", run.Status, src.fetched)
	}
}

func TestRun_DefinitionThatChangesMeanwhileEndsTheRun(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30)}
	r := newRig(src, employees())
	r.sync(t)
	src.page = func(n int, _ *poll.Page) error {
		if n == 1 {
			r.stream.Fingerprint, r.stream.Version = 2, 2
		}
		return nil
	}
	id, err := r.runner.SyncNow(t.Context(), workspace, streamID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.runner.Work(t.Context(), workspace, streamID); signalbox.CodeOf(err) != signalbox.Conflict {
		t.Fatalf("error %v, want the slice refused", err)
	}
	src.page = nil
	r.work(t)
	if run := r.table.runs[id]; run.Status != signalbox.SyncFailed || run.Fetched != 10 || !strings.Contains(run.Error, "changed while") {
		t.Errorf("the run is %s with %d fetched: %q, want it ended by the change", run.Status, run.Fetched, run.Error)
	}
	if r.stream.Baselined != 2 || len(r.table.runs) != 3 {
		t.Errorf("baseline %d after %d runs, want the next run to have made one under the new definition", r.stream.Baselined, len(r.table.runs))
	}
	r.want(t)
}

func TestRun_PausedStreamWaitsWhereItIs(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30)}
	r := newRig(src, employees())
	src.page = func(n int, _ *poll.Page) error {
		if n == 1 {
			r.stream.Paused, r.stream.Version = true, 2
		}
		return nil
	}
	id, err := r.runner.SyncNow(t.Context(), workspace, streamID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.runner.Work(t.Context(), workspace, streamID); err == nil {
		t.Fatal("a slice was saved under the stream as it was")
	}
	src.page, src.fetched = nil, 0
	r.work(t)
	if src.fetched != 0 || r.table.runs[id].Status != signalbox.SyncRunning || !r.stream.due.IsZero() {
		t.Errorf("%d pages fetched, the run is %s, due %s: want nothing while paused", src.fetched, r.table.runs[id].Status, r.stream.due)
	}
	r.stream.Paused, r.stream.Version = false, 3
	r.work(t)
	wantRun(t, *r.table.runs[id], signalbox.SyncComplete, counts{fetched: 30, suppressed: 30})
	if src.fetched != 2 {
		t.Errorf("%d pages fetched after the pause, want the two that were left", src.fetched)
	}
}

func TestRun_SourceThatCanBeClosedIs(t *testing.T) {
	t.Parallel()
	src := &closing{list: list{records: people(0, 3)}}
	newRig(src, employees()).sync(t)
	if src.closed != 1 {
		t.Errorf("closed %d times, want once", src.closed)
	}
}

type closing struct {
	list
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }
