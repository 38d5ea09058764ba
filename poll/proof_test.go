package poll_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"signalbox"
	"signalbox/poll"
)

// once is a stream that deletes what is missing once, so that tests are about the proof alone.
func once() signalbox.Stream {
	one := employees()
	one.Confirmations = 1
	return one
}

func TestProof_FewerRecordsThanTheTotalAreALostPage(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30), totals: true}
	r := newRig(src, once())
	r.sync(t)
	cut := 1
	src.page = func(n int, p *poll.Page) error { // half of a page is lost, and nothing says so
		if n == 1 && cut > 0 {
			cut--
			p.Records = p.Records[:5]
		}
		return nil
	}
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 30, unchanged: 30})
	cut = 2
	run := r.sync(t)
	wantRun(t, run, signalbox.SyncFailed, counts{fetched: 25, unchanged: 25})
	if want := "the provider says that there are 30 records and sent 25; check the stream's total and pagination"; run.Error != want {
		t.Errorf("failed with %q, want %q", run.Error, want)
	}
	r.want(t)
}

func TestProof_TotalThatHoldsNeedsOneWalk(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30), totals: true}
	r := newRig(src, once())
	r.sync(t)
	src.records, src.fetched = src.records[1:], 0
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 29, unchanged: 29, missing: 1, deleted: 1})
	if src.fetched != 3 || src.asked != nil {
		t.Errorf("%d pages fetched, %q asked for, want one walk of three pages", src.fetched, src.asked)
	}
}

func TestProof_TotalThatMovesNeedsAnotherWalk(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30), totals: true}
	r := newRig(src, once())
	r.sync(t)
	grow, made := 0, 0
	src.page = func(n int, _ *poll.Page) error { // a record is added while the walk goes on
		if n == 0 && grow > 0 {
			grow--
			made++
			src.records = append(src.records, person(fmt.Sprintf("q%d", made), "cook", 1))
		}
		return nil
	}
	src.records, src.fetched, grow = src.records[1:], 0, 1
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 30, created: 1, unchanged: 29, missing: 1, deleted: 1})
	if src.fetched != 6 {
		t.Errorf("%d pages fetched, want two walks of three", src.fetched)
	}
	src.records, grow = src.records[1:], 2
	run := r.sync(t)
	wantRun(t, run, signalbox.SyncComplete, counts{fetched: 31, created: 2, unchanged: 29, missing: 1, waiting: 1})
	if !strings.Contains(run.Error, "pages changed while they were read") {
		t.Errorf("%q, want why nothing was deleted", run.Error)
	}
}

func TestProof_MoreRecordsThanTheTotalProveNothing(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30)}
	r := newRig(src, once())
	r.sync(t)
	src.records = src.records[1:]
	src.page = func(_ int, p *poll.Page) error { p.Total = 12; return nil }
	run := r.sync(t)
	wantRun(t, run, signalbox.SyncComplete, counts{fetched: 29, unchanged: 29, missing: 1, waiting: 1})
	if !strings.Contains(run.Error, "says that there are 12, sent 29") {
		t.Errorf("%q, want why nothing was deleted", run.Error)
	}
	r.want(t)
}

// proves contract section 13: with page or offset pagination a missing record is deleted only after a re-walk in the same run with a stable total, or a
// by-id fetch, agrees.
func TestProof_PagesThatShiftNeedAnotherWalk(t *testing.T) {
	t.Parallel()
	for _, totals := range []bool{false, true} {
		t.Run(fmt.Sprintf("totals %t", totals), func(t *testing.T) {
			t.Parallel()
			src := &list{records: people(0, 30), totals: totals, shifts: true}
			r := newRig(src, once())
			r.sync(t)
			src.fetched = 0
			r.sync(t)
			if src.fetched != 3 {
				t.Fatalf("%d pages fetched with nothing missing, want one walk", src.fetched)
			}
			skip := func(times int) func(int, *poll.Page) error {
				return func(n int, p *poll.Page) error { // p0010 moves to the page before while one reads
					if n == 1 && times > 0 {
						times--
						p.Records = append(p.Records[1:], person("q"+fmt.Sprint(times), "cook", 1))
					}
					return nil
				}
			}
			src.page, src.fetched = skip(1), 0
			wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 31, created: 1, unchanged: 30})
			if src.fetched != 6 {
				t.Errorf("%d pages fetched, want two walks of three", src.fetched)
			}
			src.page = nil
			wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 30, unchanged: 30, missing: 1, deleted: 1})
			r.want(t, "created q0", "deleted q0")
			src.page = skip(2)
			run := r.sync(t)
			wantRun(t, run, signalbox.SyncComplete, counts{fetched: 31, created: 2, unchanged: 29, missing: 1, waiting: 1})
			if !strings.Contains(run.Error, "pages changed while they were read") {
				t.Errorf("%q, want why nothing was deleted", run.Error)
			}
			r.want(t, "created q1", "created q0")
		})
	}
}

func TestProof_RecordsAreAskedForByID(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30), shifts: true, byID: true}
	r := newRig(src, once())
	r.sync(t)
	src.records = src.records[2:]
	hidden := person("p0001", "engineer", 1000)
	src.page = func(_ int, p *poll.Page) error { // there, and not in the list
		p.Records = slices.DeleteFunc(p.Records, func(x poll.Record) bool { return x.ID == hidden.ID })
		return nil
	}
	src.records = append(src.records, hidden)
	src.fetched = 0
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 28, unchanged: 28, missing: 2, deleted: 1, waiting: 1})
	r.want(t, "deleted p0000")
	if want := []string{"p0000", "p0001"}; !slices.Equal(src.asked, want) || src.fetched != 3 {
		t.Errorf("asked for %q and fetched %d pages, want %q and one walk", src.asked, src.fetched, want)
	}
}

func TestProof_RecordsAreAskedForOnlyWhenTheyWouldBeDeleted(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30), shifts: true, byID: true}
	r := newRig(src, employees())
	r.sync(t)
	src.records = src.records[1:]
	r.sync(t)
	if src.asked != nil {
		t.Errorf("asked for %q, want nothing before it is missing for the second time", src.asked)
	}
	r.sync(t)
	r.want(t, "deleted p0000")
}

func TestProof_QuestionThatFailsEndsTheRun(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30), shifts: true, byID: true}
	r := newRig(src, once())
	r.sync(t)
	src.records = src.records[3:]
	src.idFails = signalbox.Errorf(signalbox.Unauthorized, "the provider refused the token (401)")
	run := r.sync(t)
	wantRun(t, run, signalbox.SyncFailed, counts{fetched: 27, unchanged: 27})
	if run.Error != "the provider refused the token (401)" {
		t.Errorf("failed with %q", run.Error)
	}
	r.want(t)
}

// More than can be asked for one by one is found out by another walk; where that proves nothing, as many as can be asked for are.
func TestProof_ManyRecordsAreFoundOutByAnotherWalk(t *testing.T) {
	t.Parallel()
	const gone = poll.MaxByID + 200
	src := &list{records: people(0, 15*gone), size: 1000, shifts: true, byID: true}
	r := newRig(src, once())
	r.table.look = signalbox.SliceRows
	r.sync(t)
	src.records = src.records[gone:]
	all := int64(14 * gone)
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: all, unchanged: all, missing: gone, deleted: gone})
	if src.asked != nil {
		t.Errorf("asked for %d, want none", len(src.asked))
	}
	src.records = src.records[gone:]
	n := 0
	src.page = func(int, *poll.Page) error { // it never stands still
		if n++; n%5 == 0 {
			src.records = append(src.records, person(fmt.Sprintf("q%04d", n), "cook", 1))
		}
		return nil
	}
	run := r.sync(t)
	if run.Status != signalbox.SyncComplete || run.Deleted != poll.MaxByID || run.Waiting != gone-poll.MaxByID || len(src.asked) != poll.MaxByID {
		t.Errorf("run is %s, %d deleted, %d waiting after %d questions, want as many deleted as were asked for", run.Status, run.Deleted, run.Waiting, len(src.asked))
	}
}

// A run that is cut short while it deletes goes on elsewhere, and knows no more what it was told.
func TestProof_WhatIsLeftIsAskedForAgainAfterACrash(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]error{"answers": nil, "fails": errors.New("gone")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := &list{records: people(0, 40), shifts: true, byID: true}
			r := newRig(src, once())
			r.sync(t)
			src.records = src.records[20:]
			id, err := r.runner.SyncNow(t.Context(), workspace, streamID)
			if err != nil {
				t.Fatal(err)
			}
			for at := 1; r.table.runs[id].Deleted == 0; at++ { // the program dies again and again, later each time
				r.table.calls, r.table.dieAt = 0, at
				if _, err := r.runner.Work(t.Context(), workspace, streamID); !errors.Is(err, errCrash) {
					t.Fatalf("error %v, want the program dead after %d calls", err, at)
				}
				r.restart()
			}
			some := r.table.runs[id].Deleted
			src.idFails = fails
			r.work(t)
			run := *r.table.runs[id]
			want := counts{fetched: 20, unchanged: 20, missing: 20, deleted: 20}
			if fails != nil {
				want.deleted, want.waiting = some, 20-some
			}
			wantRun(t, run, signalbox.SyncComplete, want)
			if got := r.events(); len(got) != int(want.deleted) {
				t.Errorf("told %d deletions, want %d", len(got), want.deleted)
			}
		})
	}
}

// A list that ends with an empty page may have been cut off there.
func TestProof_EmptyLastPageNeedsAnotherWalk(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30)}
	r := newRig(src, once())
	r.sync(t)
	cut := 1
	src.page = func(n int, p *poll.Page) error {
		if n == 2 && cut > 0 {
			cut--
			p.Records, p.Last = nil, true
		}
		return nil
	}
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 30, unchanged: 30})
	r.want(t)
	src.records = src.records[:20]
	src.page = func(n int, p *poll.Page) error { // as a source does that always ends so
		p.Last = n == 2
		return nil
	}
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 20, unchanged: 20, missing: 10, deleted: 10})
}

// What is there although the list does not show it begins to be missing anew.
func TestProof_RecordThatIsFoundByItsIDIsNotMissing(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30), shifts: true, byID: true}
	r := newRig(src, employees())
	r.sync(t)
	src.page = func(n int, p *poll.Page) error { // p0000 is not shown
		if n == 0 {
			p.Records = p.Records[1:]
		}
		return nil
	}
	for i, asked := range []int{0, 1, 1, 2} {
		wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 29, unchanged: 29, missing: 1, waiting: 1})
		if len(src.asked) != asked {
			t.Errorf("asked %d times after %d runs, want %d", len(src.asked), i+1, asked)
		}
	}
	r.want(t)
}
