package deliver

import (
	"time"

	"signalbox/retry"
)

// paceSlack is how much too early a request may come after the one before it: what a timer fires late is made up for, and no more.
const paceSlack = 5 * time.Millisecond

// interval is the time between two requests of a lane that has a rate: this node's part of it, as large as its part of max_in_flight. 0: there is no rate.
func (s *Sender) interval(l *lane) time.Duration {
	if l.webhook == nil || l.webhook.RatePerSecond <= 0 || l.max <= 0 {
		return 0
	}
	parts := max(l.webhook.MaxInFlight, l.max)
	return time.Duration(parts) * time.Second / time.Duration(l.webhook.RatePerSecond*l.max)
}

// onTime says whether a lane's rate allows a request now, and its receiver is not to be left alone, unless somebody waits for the answer; if not, the lane
// is pumped when it is time. Callers hold s.mu.
func (s *Sender) onTime(l *lane, awaited bool) bool {
	wait := time.Until(l.next)
	if !awaited {
		wait = max(wait, time.Until(l.trouble.rest))
	}
	if wait <= 0 {
		return true
	}
	if !l.paced {
		l.paced = true
		time.AfterFunc(wait, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			l.paced = false
			s.pump(l)
			s.forget(l)
		})
	}
	return false
}

// pace notes that a request starts. Callers hold s.mu.
func (s *Sender) pace(l *lane) {
	every := s.interval(l)
	if every == 0 {
		l.next = time.Time{}
		return
	}
	if earliest := time.Now().Add(-paceSlack); l.next.Before(earliest) {
		l.next = earliest
	}
	l.next = l.next.Add(every)
}

// schedule is by which waits an item is tried again.
func (s *Sender) schedule(it *item) retry.Schedule {
	if it.target != nil && it.target.webhook.RetrySchedule != nil {
		return it.target.webhook.RetrySchedule
	}
	return s.cfg.Schedule
}
