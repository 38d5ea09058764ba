package signalbox

import "time"

// MaxPendingCounted is how far pending deliveries are counted: it stands for that many or more.
const MaxPendingCounted = 10_000

// TallyDays is how long counts of what happened are kept.
const TallyDays = 8

// Overview is how a workspace fares.
type Overview struct {
	Signals       int64   // stored
	SignalsDay    int64   // taken in the last 24 hours
	PerMinute     []Count // the last hour, oldest first, the running minute last
	Pending       Backlog // of webhooks that are sent to
	DeliveredDay  int64
	FailedDay     int64 // deliveries that failed for good
	Enabled       int   // webhooks
	Disabled      int
	Failing       int       // enabled ones that fail more often than not
	FirstSignal   time.Time // to the minute; zero: none yet
	FirstWebhook  time.Time
	FirstDelivery time.Time // that was delivered, a test call too, to the minute
}

// Count is how often something happened in the span that begins at At.
type Count struct {
	At time.Time
	N  int64
}

// Backlog is what still waits to be sent or to be read.
type Backlog struct {
	N      int       // at most MaxPendingCounted
	Oldest time.Time // when the oldest was made; zero: nothing waits
}

// Health is how a webhook's receiver fares.
type Health struct {
	Pending Backlog
	Hours   []HealthHour // a week, oldest first, the running hour last
	Day     HealthSpan
	Week    HealthSpan
}

// HealthHour is an hour of a webhook.
type HealthHour struct {
	At time.Time
	HealthSpan
}

// HealthSpan is what happened to a webhook's attempts in a while.
type HealthSpan struct {
	Delivered int64         // attempts that delivered, and what a pull webhook's reader has read
	Failed    int64         // attempts that did not
	P50, P95  time.Duration // of answers; zero: there was none
}

// Rate is the part of attempts that delivered; false when there was none.
func (s HealthSpan) Rate() (float64, bool) {
	if s.Delivered+s.Failed == 0 {
		return 0, false
	}
	return float64(s.Delivered) / float64(s.Delivered+s.Failed), true
}

// Pulse is what a live view shows of a workspace every second.
type Pulse struct {
	SignalsPerMinute int64
	Pending          int // at most MaxPendingCounted
}
