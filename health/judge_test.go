package health_test

import (
	"testing"
	"time"

	"signalbox"
	"signalbox/health"
)

// receiver is a webhook's fate under a virtual clock, kept as the store keeps it.
type receiver struct {
	now     time.Time
	due     time.Time // when it is looked at; zero: it is not
	fares   signalbox.Fares
	misses  []time.Time
	told    []signalbox.NoticeKind
	toldAt  []time.Time
	enabled bool
}

func newReceiver() *receiver {
	return &receiver{now: time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC), enabled: true}
}

// pass lets time go by, and has what is due looked at.
func (r *receiver) pass(d time.Duration) {
	for end := r.now.Add(d); ; {
		if r.due.IsZero() || r.due.After(end) {
			r.now = end
			return
		}
		if r.due.After(r.now) {
			r.now = r.due
		}
		r.look()
	}
}

func (r *receiver) look() {
	f := r.fares
	f.Armed = r.due
	var days [signalbox.DisableDays]bool
	for _, at := range r.misses {
		if ago := int(r.now.Sub(at) / (24 * time.Hour)); ago < len(days) {
			days[ago] = true
		}
	}
	for _, missed := range days {
		if missed {
			f.MissedDays++
		}
	}
	j := health.Judge(f, r.now)
	r.fares.Failing, r.due = j.Failing, j.Next
	if j.Disable {
		j.Tell, r.enabled = signalbox.NoticeDisabled, false
	}
	if j.Tell != 0 {
		r.told, r.toldAt = append(r.told, j.Tell), append(r.toldAt, r.now)
	}
}

// fail is an attempt that fails.
func (r *receiver) fail() {
	r.fares.Missed, r.misses = r.now, append(r.misses, r.now)
	if at := r.now.Add(signalbox.FailingAfter); r.due.IsZero() || at.Before(r.due) {
		r.due = at
	}
}

// deliver is one that works; first says that this node knows of a failure before.
func (r *receiver) deliver(first bool) {
	r.fares.Delivered = r.now
	if first && !r.due.IsZero() {
		r.due = r.now
	}
}

func (r *receiver) wants(t *testing.T, what string, kinds ...signalbox.NoticeKind) {
	t.Helper()
	if len(r.told) != len(kinds) {
		t.Fatalf("%s: told %v at %v, want %v", what, r.told, r.toldAt, kinds)
	}
	for i := range kinds {
		if r.told[i] != kinds[i] {
			t.Fatalf("%s: told %v, want %v", what, r.told, kinds)
		}
	}
}

func TestJudge_TellsAfterAnHourOfOnlyFailuresAndOnce(t *testing.T) {
	t.Parallel()
	r := newReceiver()
	r.deliver(false)
	r.pass(time.Minute)
	begun := r.now
	for range 59 {
		r.fail()
		r.pass(time.Minute)
	}
	r.wants(t, "59 minutes of failures")
	for range 300 {
		r.fail()
		r.pass(time.Minute)
	}
	r.wants(t, "hours of failures", signalbox.NoticeFailing)
	if at := r.toldAt[0]; !at.Equal(begun.Add(time.Hour)) {
		t.Errorf("told at %s, want an hour behind the first failure at %s", at, begun)
	}
	if !r.fares.Failing.Equal(begun) {
		t.Errorf("it fails since %s, want %s", r.fares.Failing, begun)
	}
	r.deliver(true)
	r.pass(0)
	r.wants(t, "a delivery", signalbox.NoticeFailing, signalbox.NoticeRecovered)
	r.pass(24 * time.Hour)
	r.wants(t, "a quiet day", signalbox.NoticeFailing, signalbox.NoticeRecovered)
	if !r.due.IsZero() {
		t.Errorf("a healthy webhook is looked at %s", r.due)
	}
}

func TestJudge_OneThatAnswersNowAndThenIsNotFailing(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} { // false: another node delivers, which knows of no failure
		r := newReceiver()
		for range 500 {
			r.fail()
			r.pass(25 * time.Minute)
			r.fail()
			r.pass(25 * time.Minute)
			r.deliver(first)
			r.pass(5 * time.Minute)
		}
		r.wants(t, "20 days of ups and downs")
	}
}

func TestJudge_RecoveryThatAnotherNodeSawIsToldWithinMinutes(t *testing.T) {
	t.Parallel()
	r := newReceiver()
	r.fail()
	r.pass(2 * time.Hour)
	r.deliver(false)
	r.pass(5 * time.Minute)
	r.wants(t, "a delivery on another node", signalbox.NoticeFailing, signalbox.NoticeRecovered)
}

// One failure and then silence: nothing was delivered for an hour, and that is told; whoever is asked for nothing more is not disabled.
func TestJudge_IsDisabledAfterFiveDaysWithAFailureInEach(t *testing.T) {
	t.Parallel()
	quiet := newReceiver()
	quiet.fail()
	quiet.pass(60 * 24 * time.Hour)
	quiet.wants(t, "two quiet months", signalbox.NoticeFailing)
	if !quiet.enabled {
		t.Error("it was disabled although nobody asked for anything")
	}

	busy := newReceiver()
	begun := busy.now
	for busy.enabled && busy.now.Sub(begun) < 30*24*time.Hour {
		busy.fail()
		busy.pass(8 * time.Hour)
	}
	busy.wants(t, "days of failures", signalbox.NoticeFailing, signalbox.NoticeDisabled)
	if after := busy.toldAt[1].Sub(begun); after < signalbox.DisableAfter || after > signalbox.DisableAfter+24*time.Hour {
		t.Errorf("disabled %s after the first failure, want five days", after)
	}

	gaps := newReceiver()
	for range 20 { // every second day
		gaps.fail()
		gaps.pass(48 * time.Hour)
	}
	if !gaps.enabled {
		t.Error("it was disabled although there was a day without a failure")
	}
	once := newReceiver()
	for range 10 { // four days of failures, and a delivery
		for range 4 {
			once.fail()
			once.pass(24 * time.Hour)
		}
		once.deliver(true)
		once.pass(time.Minute)
	}
	if !once.enabled {
		t.Error("it was disabled although it was delivered to every fifth day")
	}
}
