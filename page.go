package signalbox

import "time"

// Page asks for a part of a list: newest first, at most Limit rows, those with ids below Before.
type Page struct {
	Limit  int
	Before int64 // 0: from the newest
	Beside string
}

// Place is where a list goes on: what to pass in the next Page, Before 0 when there is no rest. Beside is what a list needs besides an id, where
// it is not in the order of ids or goes along several timelines; it means something to the list alone.
type Place struct {
	Before int64
	Beside string
}

// Page asks for the rest of the list from a place on.
func (p Place) Page(limit int) Page { return Page{Limit: limit, Before: p.Before, Beside: p.Beside} }

// The bounds of a page's limit (contract section 2).
const (
	DefaultPage = 50
	MaxPage     = 200
)

// SignalFilter narrows a list of signals; zero fields do not. A list by account or contact walks that record's timeline.
type SignalFilter struct {
	Account  AccountID
	Contact  ContactID
	Type     string
	Source   string
	From, To time.Time // occurred_at, inclusive
}

// SignalView is a signal with the records it is about, as they stand now; nil when it has none.
type SignalView struct {
	Signal
	AccountRow *Account
	ContactRow *Contact
}

// RecordFilter narrows a list of accounts or contacts; zero fields do not, and Sort says how it is sorted.
type RecordFilter struct {
	Query   string    // a prefix of the domain, e-mail or name, without regard to case
	Status  string    // accounts only
	Account AccountID // contacts only
	Sort    RecordSort

	Stage    string     // the stage that was last told
	First    bool       // Stage is the first one: whoever was told of none is in it
	Audience AudienceID // its members
}

// RecordSort is the order of a list of accounts or contacts.
type RecordSort string

// The orders; "" is ByCreated.
const (
	ByCreated    RecordSort = "-created_at"
	ByLastSignal RecordSort = "-last_signal_at"
	ByOldSignal  RecordSort = "last_signal_at"
	ByName       RecordSort = "name"
	ByScore      RecordSort = "-score"
)

// DeliveryFilter narrows a webhook's delivery log; zero fields do not.
type DeliveryFilter struct {
	State    DeliveryState
	Event    string
	From, To time.Time // created_at, inclusive
}

// DeliveryView is a delivery with its attempts, oldest first.
type DeliveryView struct {
	Delivery
	Log     []Attempt
	URL     string // of what an automation sends: Request.Target
	Format  Format
	Body    []byte
	Request *Request // of what an automation sends; nil: it goes to the webhook, or is gone
}

// FeedItem is an event in a webhook's pull feed, in the order of commits.
type FeedItem struct {
	Delivery  DeliveryID
	Event     EventID
	EventName string
	Body      []byte
	CreatedAt time.Time
}
