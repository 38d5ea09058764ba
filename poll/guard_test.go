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

// proves contract section 13: more than max(50, 10 %) missing, or an empty answer where there were records.
func TestGuard_HoldsMassDisappearances(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		known, missing, fetched int64
		want                    bool
	}{
		"nothing known, nothing came":     {0, 0, 0, false},
		"nothing known":                   {0, 0, 10, false},
		"nothing missing":                 {100, 0, 100, false},
		"one known, nothing came":         {1, 1, 0, true},
		"fifty of sixty":                  {60, 50, 10, false},
		"fifty-one of sixty":              {60, 51, 9, true},
		"a tenth of a thousand":           {1000, 100, 900, false},
		"more than a tenth":               {1000, 101, 899, true},
		"all of them, others came":        {1000, 1000, 10_000, true},
		"a tenth, rounded down":           {1019, 102, 917, true},
		"few of very many":                {1_000_000, 100_000, 900_000, false},
		"all that were known, few of all": {40, 40, 5000, false},
	} {
		v := poll.Guard(c.known, c.missing, c.fetched)
		if v.Hold != c.want || v.Hold != (v.Reason != "") {
			t.Errorf("%s: %+v, want held: %t, with a reason if so", name, v, c.want)
		}
	}
}

// mass is a rig whose stream knows 200 records, of which all but so many have disappeared, and the run that found out.
func mass(t *testing.T, left int) (*rig, *list, signalbox.SyncRun) {
	t.Helper()
	src := &list{records: people(0, 200)}
	r := newRig(src, employees())
	r.sync(t)
	src.records = src.records[:left]
	run := r.sync(t)
	gone := int64(200 - left)
	wantRun(t, run, signalbox.SyncQuarantined, counts{fetched: int64(left), unchanged: int64(left), missing: gone, suppressed: gone})
	if r.stream.Quarantine != run.ID || !slices.Equal(r.table.notices, []signalbox.SyncRunID{run.ID}) || run.Error == "" {
		t.Fatalf("quarantine %d, told of %v, %q: want those of run %d", r.stream.Quarantine, r.table.notices, run.Error, run.ID)
	}
	return r, src, run
}

func TestQuarantine_ApprovingDeletesWhatIsStillMissing(t *testing.T) {
	t.Parallel()
	r, src, run := mass(t, 100)
	src.records = people(0, 120) // twenty have come back, and one is new
	src.records = append(src.records, person("new", "cook", 1))
	src.page = failAt(12, errors.New("gone")) // seen in a run that fails is seen
	r.sync(t)
	r.want(t)
	r.decide(t, run.ID, signalbox.SyncApproved)
	wantRun(t, *r.table.runs[run.ID], signalbox.SyncQuarantined, counts{fetched: 100, unchanged: 100, missing: 100, deleted: 80, suppressed: 20})
	var want []string
	for i := 120; i < 200; i++ {
		want = append(want, fmt.Sprintf("deleted p%04d", i))
	}
	r.want(t, want...)
	closed := r.table.runs[run.ID]
	if closed.Closed != string(signalbox.SyncApproved) || closed.ClosedAt.IsZero() || r.stream.Quarantine != 0 {
		t.Errorf("closed by %q at %s, quarantine %d, want it closed by the approval", closed.Closed, closed.ClosedAt, r.stream.Quarantine)
	}
	if err := r.runner.Decide(t.Context(), workspace, run.ID, signalbox.SyncApproved); signalbox.CodeOf(err) != signalbox.Conflict {
		t.Errorf("error %v for a decision on a closed quarantine, want %s", err, signalbox.Conflict)
	}
	src.page = nil
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 121, created: 1, unchanged: 120})
	r.want(t, "created new")
}

// What went missing after the quarantined run is not what somebody approved.
func TestQuarantine_ApprovingDeletesNothingThatWentMissingLater(t *testing.T) {
	t.Parallel()
	r, src, run := mass(t, 100)
	src.records = src.records[1:]
	r.sync(t)
	r.decide(t, run.ID, signalbox.SyncApproved)
	if got := r.events(); len(got) != 100 || slices.Contains(got, "deleted p0000") {
		t.Errorf("told %d events, of p0000 too: %t, want the 100 of the quarantine alone", len(got), slices.Contains(got, "deleted p0000"))
	}
}

func TestQuarantine_LaterRunsGoOnWithoutDeleting(t *testing.T) {
	t.Parallel()
	r, src, run := mass(t, 100)
	src.records[7] = person("p0007", "chef", 1)
	src.records = append(src.records, person("new", "cook", 1))
	for range 3 {
		src.records = src.records[1:]
		r.sync(t)
	}
	r.want(t, "updated p0007 salary,title", "created new")
	if r.stream.Quarantine != run.ID || len(r.table.notices) != 1 {
		t.Errorf("quarantine %d, %d notices, want the first one, told once", r.stream.Quarantine, len(r.table.notices))
	}
}

func TestQuarantine_RunThatFindsTheRecordsClosesIt(t *testing.T) {
	t.Parallel()
	r, src, run := mass(t, 0)
	src.records = people(0, 200)
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 200, unchanged: 200})
	r.want(t)
	closed := r.table.runs[run.ID]
	if closed.Closed != signalbox.SyncFound || r.stream.Quarantine != 0 {
		t.Errorf("closed by %q, quarantine %d, want it closed by the run", closed.Closed, r.stream.Quarantine)
	}
	wantRun(t, *closed, signalbox.SyncQuarantined, counts{missing: 200, suppressed: 200})
	if err := r.runner.Decide(t.Context(), workspace, run.ID, signalbox.SyncApproved); signalbox.CodeOf(err) != signalbox.Conflict {
		t.Errorf("error %v for a decision on a closed quarantine, want %s", err, signalbox.Conflict)
	}
}

func TestQuarantine_DiscardingKeepsAndAsksNoMore(t *testing.T) {
	t.Parallel()
	r, src, run := mass(t, 100)
	r.decide(t, run.ID, signalbox.SyncDiscarded)
	for range 3 {
		wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 100, unchanged: 100})
	}
	r.want(t)
	src.records = src.records[1:] // others are deleted as ever
	r.sync(t)
	r.sync(t)
	r.want(t, "deleted p0000")
	src.records = append(people(1, 99), people(150, 2)...) // what comes again is known, and counts from then on
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 101, unchanged: 101})
	src.records = people(1, 99)
	r.sync(t)
	r.sync(t)
	r.want(t, "deleted p0150", "deleted p0151")
	if r.stream.Kept != 98 || r.stream.Known != 99+98 {
		t.Errorf("%d known, %d of them kept, want 99 and the 98 that stayed away", r.stream.Known, r.stream.Kept)
	}
}

func TestQuarantine_AnotherMassDisappearanceIsAskedAbout(t *testing.T) {
	t.Parallel()
	r, src, run := mass(t, 100)
	r.decide(t, run.ID, signalbox.SyncDiscarded)
	src.records = src.records[:49]
	second := r.sync(t)
	wantRun(t, second, signalbox.SyncQuarantined, counts{fetched: 49, unchanged: 49, missing: 51, suppressed: 51})
	r.decide(t, second.ID, signalbox.SyncApproved)
	if got := r.events(); len(got) != 51 || !slices.Contains(got, "deleted p0049") || slices.Contains(got, "deleted p0100") {
		t.Errorf("told %d events, want the 51 that the second quarantine was about", len(got))
	}
}

// An empty answer is asked about whatever the size (contract section 13), and only when it came twice.
func TestQuarantine_EmptyAnswerDeletesNothing(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 1)}
	one := employees()
	one.Confirmations = 1
	r := newRig(src, one)
	r.sync(t)
	src.records = nil
	src.fetched = 0
	run := r.sync(t)
	wantRun(t, run, signalbox.SyncQuarantined, counts{missing: 1, suppressed: 1})
	if src.fetched != 2 || !strings.Contains(run.Error, "no records") {
		t.Errorf("fetched %d times, %q, want it made sure of", src.fetched, run.Error)
	}
	src.records = people(0, 1)
	r.sync(t)
	src.page = func(n int, p *poll.Page) error { // empty once
		if src.page = nil; n == 0 {
			p.Records, p.Last = nil, true
		}
		return nil
	}
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 1, unchanged: 1})
	r.want(t)
}

// A provider that gives every record another id has lost those of before, however many came.
func TestQuarantine_NewRecordsDoNotHideThatOldOnesAreMissing(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 200)}
	r := newRig(src, employees())
	r.sync(t)
	src.records = people(1000, 3000)
	wantRun(t, r.sync(t), signalbox.SyncQuarantined, counts{fetched: 3000, created: 3000, missing: 200, suppressed: 200})
}

func TestQuarantine_OfABaselineIsClosedWithoutEvents(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 200)}
	r := newRig(src, employees())
	r.sync(t)
	r.stream.Fingerprint, r.stream.Version = 2, 2
	src.records = people(0, 60)
	run := r.sync(t)
	wantRun(t, run, signalbox.SyncQuarantined, counts{fetched: 60, unchanged: 60, missing: 140, suppressed: 140})
	src.records[3] = person("p0003", "chef", 1) // the baseline is made: changes are told
	r.sync(t)
	r.want(t, "updated p0003 salary,title")
	r.decide(t, run.ID, signalbox.SyncApproved)
	r.want(t)
	if r.stream.Known != 60 || r.table.runs[run.ID].Suppressed != 140 {
		t.Errorf("%d known, %d suppressed, want the 60 that there are, and nothing told", r.stream.Known, r.table.runs[run.ID].Suppressed)
	}
}

// What was last seen under another definition differs because it is looked at in another way.
func TestQuarantine_OfABaselineIsClosedByRecordsThatComeAgainWithoutEvents(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 200)}
	r := newRig(src, employees())
	r.sync(t)
	r.stream.Fingerprint, r.stream.Version = 2, 2
	src.records = people(0, 60)
	run := r.sync(t)
	src.records = people(0, 200)
	for i := 100; i < 200; i++ {
		src.records[i] = person(fmt.Sprintf("p%04d", i), "cook", 1)
	}
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 200, unchanged: 100, suppressed: 100})
	src.records[150] = person("p0150", "chef", 1)
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 200, updated: 1, unchanged: 199})
	r.want(t, "updated p0150 title")
	if r.table.runs[run.ID].Closed != signalbox.SyncFound {
		t.Errorf("closed by %q, want by the run", r.table.runs[run.ID].Closed)
	}
}

// After an empty answer everything would be new, were it taken for the baseline.
func TestQuarantine_EmptyBaselineIsNone(t *testing.T) {
	t.Parallel()
	src := &list{records: people(0, 30)}
	r := newRig(src, employees())
	src.page = failAt(2, errors.New("gone"))
	r.sync(t)
	src.page = nil
	src.records = nil
	wantRun(t, r.sync(t), signalbox.SyncQuarantined, counts{missing: 20, suppressed: 20})
	src.records = people(0, 30)
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 30, unchanged: 20, suppressed: 10})
	r.want(t)
}

func TestQuarantine_DecisionWaitsForTheRunThatGoesOn(t *testing.T) {
	t.Parallel()
	r, src, run := mass(t, 100)
	src.records = people(0, 200)
	src.page = func(n int, _ *poll.Page) error {
		if n == 1 {
			return r.runner.Decide(t.Context(), workspace, run.ID, signalbox.SyncApproved)
		}
		return nil
	}
	wantRun(t, r.sync(t), signalbox.SyncComplete, counts{fetched: 200, unchanged: 200})
	src.page = nil
	r.work(t)
	r.want(t)
	if q := r.table.runs[run.ID]; q.Closed != string(signalbox.SyncApproved) || q.Deleted != 0 || r.stream.Quarantine != 0 {
		t.Errorf("closed by %q with %d deleted, want the decision carried out on what was still missing: nothing", q.Closed, q.Deleted)
	}
}

func TestQuarantine_DecisionIsCarriedOutWhilePaused(t *testing.T) {
	t.Parallel()
	r, _, run := mass(t, 100)
	r.stream.Paused, r.stream.Version = true, 2
	r.decide(t, run.ID, signalbox.SyncApproved)
	if got := r.events(); len(got) != 100 {
		t.Errorf("told %d deletions, want 100", len(got))
	}
}

func TestDecide_TakesTwoWordsAlone(t *testing.T) {
	t.Parallel()
	r, _, run := mass(t, 100)
	if err := r.runner.Decide(t.Context(), workspace, run.ID, "found"); signalbox.CodeOf(err) != signalbox.Invalid {
		t.Errorf("error %v, want %s", err, signalbox.Invalid)
	}
	if err := r.runner.Decide(t.Context(), workspace+1, run.ID, signalbox.SyncApproved); signalbox.CodeOf(err) != signalbox.NotFound {
		t.Errorf("error %v for another workspace's run, want %s", err, signalbox.NotFound)
	}
}
