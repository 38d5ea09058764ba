// Package health watches how webhooks fare and tells of it: webhook.failing after an hour of only failures, webhook.recovered with the first delivery after
// that, webhook.disabled, and delivery.failed for each delivery that has no attempt left; as events for those that subscribe to them, and
// some as mails to the workspace's administrators. They are written, too, when a run of a linked account's stream is quarantined.
//
// It refuses to know what an attempt is and what counts as a failure (retry does), and to hold anything: how a webhook fares is in the database, and so is
// what is still to be told.
//
// Invariants:
//   - each notice is told once: what it becomes is saved in the transaction that takes it away;
//   - no event tells of a webhook to itself, and none of a delivery of such an event (contract section 12);
//   - a webhook is disabled only after five days without a delivery, with a failed attempt in each of them: one that is asked for nothing stays.
package health

import (
	"time"

	"signalbox"
)

// lookAgain is how often a webhook that fails is looked at: its first delivery has it looked at at once, but on another node.
const lookAgain = 5 * time.Minute

// Judge says what follows from how a webhook fares at now.
func Judge(f signalbox.Fares, now time.Time) signalbox.Judgement {
	if !f.Failing.IsZero() {
		return judgeFailing(f, now)
	}
	since := f.Armed.Add(-signalbox.FailingAfter)
	switch {
	case f.Delivered.Before(since) && !now.Before(f.Armed):
		return signalbox.Judgement{Failing: since, Tell: signalbox.NoticeFailing, Next: now.Add(lookAgain)}
	case f.Missed.After(f.Delivered): // it was delivered to, and began to fail again
		return signalbox.Judgement{Next: later(f.Missed.Add(signalbox.FailingAfter), now)}
	}
	return signalbox.Judgement{}
}

// judgeFailing judges a webhook of which it has been told that it fails.
func judgeFailing(f signalbox.Fares, now time.Time) signalbox.Judgement {
	switch {
	case f.Delivered.After(f.Failing):
		j := signalbox.Judgement{Tell: signalbox.NoticeRecovered}
		if f.Missed.After(f.Delivered) {
			j.Next = later(f.Missed.Add(signalbox.FailingAfter), now)
		}
		return j
	case now.Sub(f.Failing) >= signalbox.DisableAfter && f.MissedDays == signalbox.DisableDays:
		return signalbox.Judgement{Disable: true}
	}
	return signalbox.Judgement{Failing: f.Failing, Next: now.Add(lookAgain)}
}

// later is at, but not before now: a row that is due in the past would come again and again.
func later(at, now time.Time) time.Time {
	if at.Before(now) {
		return now.Add(lookAgain)
	}
	return at
}
