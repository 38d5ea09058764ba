package deliver

import "time"

// stallAfter is for how long work that could go on may stand still.
const stallAfter = time.Minute

// Stalled says since when work has stood still that could go on, and which; the zero time when none does. It looks at this node's memory: whether what
// is due in the table is taken is its caller's to ask. A receiver that is slow or away is no stall.
func (s *Sender) Stalled() (since time.Time, why string) {
	if oldest := s.settler.oldest(); !oldest.IsZero() && time.Since(oldest) > stallAfter {
		return oldest, "the database takes no outcomes of attempts"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != running || s.moved.IsZero() || time.Since(s.moved) <= stallAfter {
		return time.Time{}, ""
	}
	for _, l := range s.lanes {
		if l.queue.len() > 0 && s.startable(l) && s.mayStart(l) {
			return s.moved, "deliveries wait in memory and none is sent"
		}
	}
	return time.Time{}, ""
}

// oldest is since when an outcome has waited for the store; zero: none does.
func (q *settler) oldest() (at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.waiting {
		if at.IsZero() || q.waiting[i].at.Before(at) {
			at = q.waiting[i].at
		}
	}
	return at
}
