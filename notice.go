package signalbox

import (
	"strings"
	"time"
)

// NoticeKind is what there is to tell of a webhook.
type NoticeKind int

// The kinds of notices.
const (
	NoticeFailing   NoticeKind = 1 // every attempt of an hour has failed
	NoticeRecovered NoticeKind = 2 // after that one was delivered
	NoticeDisabled  NoticeKind = 3 // it is sent nothing any more
	NoticeFailed    NoticeKind = 4 // a delivery has no attempt left
)

// Notice is something that is to be told of a webhook: an event of its own for those that subscribe to it, and for some a mail. It is written in the
// transaction that makes it true.
type Notice struct {
	Workspace WorkspaceID
	Kind      NoticeKind
	Subject   int64 // the webhook, or the delivery of NoticeFailed: what is not told yet is told once
	Webhook   WebhookID
	Reason    string    // why it is disabled, or the delivery failed
	Since     time.Time // since when every attempt has failed; zero where that is not the point
	At        time.Time
}

// Told is a notice with what telling it needs.
type Told struct {
	Notice
	About    *Webhook  // as it stands now
	Delivery *Delivery // of NoticeFailed
}

// Operational says whether an event tells of webhooks and deliveries themselves: none is made of a delivery of such a one, so that two receivers that
// fail do not tell of each other for ever.
func Operational(event string) bool {
	return strings.HasPrefix(event, "webhook.") || strings.HasPrefix(event, "delivery.")
}

// ReasonFailing is why a webhook is disabled that nothing could be delivered to for DisableAfter.
const ReasonFailing = "failing_5_days"

// The times that a webhook's health goes by (contract section 12).
const (
	FailingAfter = time.Hour // of only failures
	DisableDays  = 5         // without a 2xx and with a failed attempt in each
	DisableAfter = DisableDays * 24 * time.Hour
)

// Fares is what is known of how a webhook fares.
type Fares struct {
	Webhook    *Webhook  // as it stands
	Armed      time.Time // when it was to be looked at: FailingAfter behind the first failure since a delivery
	Failing    time.Time // since when it fails, once that has been told; zero: it does not
	Delivered  time.Time // the last one; zero: none is remembered
	Missed     time.Time // the last attempt that failed; zero: none is remembered
	MissedDays int       // of the last DisableDays spans of a day, in how many an attempt failed
}

// Judgement is what follows from how a webhook fares.
type Judgement struct {
	Failing time.Time  // since when it fails; zero: it does not
	Tell    NoticeKind // what is to be told; 0: nothing
	Disable bool       // it is sent nothing any more; NoticeDisabled is told
	Next    time.Time  // when to look again; zero: at the next failure
}

// Mail is a message to be sent; it is kept until the mail server has taken it, or no attempt is left.
type Mail struct {
	ID        MailID
	Workspace WorkspaceID
	To        string // one address
	Subject   string
	Body      string // plain text
	Attempts  int
	CreatedAt time.Time
}

// Telling is what notices become.
type Telling struct {
	Events     []Event
	Deliveries []NewDelivery
	Mails      []Mail
}
