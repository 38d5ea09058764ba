package signalbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// JobRecover sends again, or for the first time, what a webhook's receiver has missed.
const JobRecover JobKind = "recover"

// Missed is a reason to send an event to a webhook again.
type Missed string

// What a recovery can be asked for. What is still to be sent by itself is in none of them.
const (
	MissedFailed  Missed = "failed"          // no attempt was left
	MissedSkipped Missed = "skipped"         // it was never to be sent, as while the webhook was disabled
	MissedNever   Missed = "never_attempted" // the webhook takes the event now, and has no delivery of it: it was made, or came to name it, later
	MissedNothing Missed = "delivered"       // it was delivered
)

// AllMissed are the kinds in the order in which they are told.
func AllMissed() []Missed { return []Missed{MissedFailed, MissedSkipped, MissedNever, MissedNothing} }

// DefaultRecoveryRate is how many deliveries a recovery sets going in a second unless told otherwise; MaxRecoveryRate is the most.
const (
	DefaultRecoveryRate = 50
	MaxRecoveryRate     = 1000
)

// MaxRecoveryCounted is how far a preview counts: it stands for that many or more.
const MaxRecoveryCounted = 100_000

// Recovery says what of a webhook's events is to be sent again.
type Recovery struct {
	Include []Missed  `json:"include"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"` // events up to and with it
	Event   string    `json:"event,omitzero"`
	Rate    int       `json:"rate"` // deliveries set going in a second
}

// Includes says whether a kind is asked for.
func (r *Recovery) Includes(m Missed) bool { return slices.Contains(r.Include, m) }

// Text is the recovery as a job keeps it.
func (r *Recovery) Text() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic("a recovery is plain data: " + err.Error())
	}
	return string(text)
}

// ParseRecovery reads what Text wrote.
func ParseRecovery(text string) (r Recovery, err error) {
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fmt.Errorf("read a recovery: %w", err)
	}
	return r, nil
}

// Recoverable is one event that a recovery would send.
type Recoverable struct {
	Why       Missed
	Event     EventID
	EventName string
	Delivery  DeliveryID // 0: there is none yet
	CreatedAt time.Time  // of the event
}

// RecoveryPreview is what a recovery would do now.
type RecoveryPreview struct {
	Counts  map[Missed]int
	AtLeast bool          // MaxRecoveryCounted were found, or the time to look was over: there may be more
	First   []Recoverable // the oldest, at most MaxRecoveryShown
}

// MaxRecoveryShown is how many events a preview names.
const MaxRecoveryShown = 20

// Matching is how many events were found.
func (p *RecoveryPreview) Matching() (n int) {
	for _, count := range p.Counts {
		n += count
	}
	return n
}

// ReasonRecovered is why a delivery waits that a recovery has set going.
const ReasonRecovered = "recovered"

// NamesEvent says whether a pattern of a webhook names an event: its name, "prefix.*" for every event whose name begins with "prefix.", or "*"
// for all.
func NamesEvent(pattern, event string) bool {
	if pattern == "*" || pattern == event {
		return true
	}
	prefix, wild := strings.CutSuffix(pattern, "*")
	return wild && strings.HasSuffix(prefix, ".") && strings.HasPrefix(event, prefix)
}

// Takes says whether the webhook names an event, as its format calls it.
func (w *Webhook) Takes(event string) bool {
	name := w.Format.EventName(event)
	return event != EventActionTriggered && name != "" && slices.ContainsFunc(w.Events, func(pattern string) bool { return NamesEvent(pattern, name) })
}
