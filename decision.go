package signalbox

import "time"

// Need is what one turn must know before it can decide: every lookup is by key. The store answers it with a Situation.
type Need struct {
	Workspaces []WorkspaceID // whose heads the turn takes, ascending
	Keys       []RecordKey
	Accounts   []AccountID
	Contacts   []ContactID
	Types      []TypeKey
	Answered   []AnswerKey
	Meters     []MeterKey
	Imports    []ImportKey
	Captures   []AnswerKey
	Merges     []MergeID // with the records that they name
	Linked     []LinkedKey
	Syncs      []SyncKey
}

// Situation is what the store knew when the turn's heads were taken. Deciding folds its inputs into it.
type Situation struct {
	Heads    map[WorkspaceID]Head
	Busy     map[WorkspaceID]bool // somebody else has their heads: what is asked of them waits for another turn
	Keys     map[RecordKey]EntityID
	Accounts map[AccountID]*Account // also those that Keys, Contacts and Merges lead to, with all that is merged with each
	Contacts map[ContactID]*Contact
	States   map[EntityID]*EntityState
	Types    map[TypeKey]TypeID
	Answered map[AnswerKey]Answered
	Meters   map[MeterKey]Meter
	Captures map[AnswerKey]Capture
	Merges   map[MergeID]*Merge
	Imports  map[ImportKey]ImportID // those that stand
	Linked   map[LinkedKey]*LinkedState
	Syncs    map[StreamID]*SyncState
}

// Head is what serialises a workspace: whoever decides for it holds its head until the commit.
type Head struct {
	Definitions int64 // the version of the workspace's definitions in force
	LastID      int64 // the highest id the workspace has
	Types       int64 // how many signal types it has
}

// TypeKey names a signal type of a workspace.
type TypeKey struct {
	Workspace WorkspaceID
	Name      string
}

// AnswerKey names the answer kept for an idempotency key: the first 16 bytes of its SHA-256.
type AnswerKey struct {
	Workspace WorkspaceID
	Key       [16]byte
}

// Answered is an answer kept for an idempotency key for AnswerDays.
type Answered struct {
	Key       AnswerKey
	Day       int64    // UTC days since 1970 when it was given: answers are dropped by the day
	Body      [16]byte // of the request's canonical JSON
	Signal    SignalID
	Account   AccountID
	Contact   ContactID
	CreatedAt time.Time
}

// AnswerDays is how long an idempotency key is remembered (contract section 3).
const AnswerDays = 7

// CaptureMeter is the Key of the counter of a workspace's capture door.
const CaptureMeter KeyID = -1

// MeterKey names a counter of signals: of a workspace (Key 0), of one of its keys, or of its capture door (CaptureMeter).
type MeterKey struct {
	Workspace WorkspaceID
	Key       KeyID
}

// Meter counts signals in a sliding minute of one-second buckets and in a UTC day.
type Meter struct {
	Second  int64 // Unix second of the newest bucket
	Buckets [60]uint32
	Day     int64 // UTC days since 1970
	Today   uint32
}

// Decision is all that one turn causes; the store saves it whole or not at all.
type Decision struct {
	Heads      map[WorkspaceID]Head // only those that changed
	Types      []SignalType
	Keys       []NewKey
	Freed      []RecordKey // keys that an erased record gives up
	Accounts   []Written[Account]
	Contacts   []Written[Contact]
	States     []*EntityState
	Signals    []Signal
	Events     []Event
	Deliveries []NewDelivery
	Answered   []Answered
	Meters     map[MeterKey]Meter
	Jobs       []Job // long work that a manual act asked for
	Audit      []AuditEntry
	Merges     []Written[Merge]
	Imports    []Import
	Imported   []ImportedRow
	Unimported []ImportedRow // rows that were taken back
	Proposals  []Merge       // each is kept where the pair was never proposed before
	Captures   []Capture
	Qualified  []Qualification // of records whose fit is another one now
	Moves      []AudienceMove
	Stirred    []Stir // whose contacts are looked at: what their audiences read of it has changed
	Linked     []Written[LinkedAccount]
	Unlinked   []Unlinked
	Synced     []Synced
	Due        []Due // set to exactly these moments; the zero time takes a row away
	Sooner     []Due // due no later than these moments
}

// Stir is an account whose contacts are looked at.
type Stir struct {
	Workspace WorkspaceID
	Account   AccountID
	At        time.Time
}

// Written is a record to insert (New) or to replace.
type Written[T any] struct {
	Row *T
	New bool
	// FoundBy is what the record was found by before this decision; nil: that is as it was.
	FoundBy *[3]string
}

// NewKey is a key that a record is known by from now on.
type NewKey struct {
	RecordKey
	Entity EntityID
}

// NewDelivery is a delivery to insert, leased to the node when its lane had room for it.
type NewDelivery struct {
	Delivery
	Lease Lease // zero: free, claimed from the table
}

// Lease says who works on a row: valid while that node's heartbeat is younger than LeaseFor.
type Lease struct {
	Node       int
	Generation int64 // 0: nobody
}

// The clock of leases (design, Claims).
const (
	HeartbeatEvery = 3 * time.Second
	LeaseFor       = 15 * time.Second // a node whose heartbeat is older has lost its leases
	SendWithin     = 8 * time.Second  // a node sends only while its own last heartbeat is younger, by the monotonic clock
)

// Heartbeat is what a node says of itself every HeartbeatEvery.
type Heartbeat struct {
	Lease Lease
	Now   time.Time // the node's clock; a database with a clock of its own does not look at it
	Holds bool      // it sends nothing: others do not count on it
}

// Beat is the answer to a heartbeat.
type Beat struct {
	Holds bool          // the lease holds: it is confirmed
	Now   time.Time     // the database's clock; zero where it has none and the node's own is the clock
	Rank  int           // the place of this node among those that are alive and send, from 0; -1: it is not one of them
	Live  int           // how many those are
	Ended int           // nodes that fell silent and whose leases ended with this heartbeat: their lanes are due now
	Watch time.Duration // in so long the leases of a node that is silent now will be to end; 0: none is
}

// NewsKind is what a node tells the others.
type NewsKind byte

// The kinds of News.
const (
	NewsDue     NewsKind = 'd' // a row has become due
	NewsLane    NewsKind = 'l' // a lane has deliveries that this node has no share of
	NewsWebhook NewsKind = 'w' // a webhook changed, or is gone: what memory knows of it is void
	NewsArrived NewsKind = 'a' // a pull webhook has something to read
	NewsMissed  NewsKind = 'm' // news may have been missed: anything may have happened

	NewsWatched NewsKind = 'v' // somebody watches the workspace live: tell what is committed and settled of it
	NewsStored  NewsKind = 's' // something was committed that somebody may watch
	NewsSettled NewsKind = 'o' // a delivery has changed that somebody may watch
)

// News is what one node tells the others. A lost one costs a poll, but for NewsWebhook, which is told in the transaction that makes it.
type News struct {
	Kind      NewsKind
	Workspace WorkspaceID
	Webhook   WebhookID
	Delivery  DeliveryID // of NewsSettled, in place of a webhook
}

// Ready is a delivery that is leased to this node, with all that sending it needs.
type Ready struct {
	Delivery
	Body    []byte
	Request *Request // nil: to the webhook's URL
	Lease   Lease
}

// Claimed is what a claim brought.
type Claimed struct {
	Ready   []Ready
	Webhook *Webhook  // as it stands now; nil when it is gone or disabled: then nothing was claimed
	More    bool      // more rows of the lane are due now
	NextDue time.Time // when the lane's next row is due; zero for none
}

// Settlement is the outcome of a leased delivery: its new state, and the attempt that led to it (nil: released untouched).
type Settlement struct {
	Delivery       DeliveryID
	Workspace      WorkspaceID
	Webhook        WebhookID
	Lease          Lease
	State          DeliveryState
	Reason         string
	Attempts       int
	DueAt          time.Time // zero: none
	Attempt        *Attempt
	DisableWebhook string // not "": disable the webhook with this reason (410 Gone)
	Test           bool   // a test call: it says nothing about how deliveries fare, and is not counted
	EventName      string
	Recovered      bool // the first delivery since an attempt failed, as far as this node knows
}

// DueKind is who owns a due row.
type DueKind uint8

// The kinds of due rows.
const (
	DueLane      DueKind = 1  // a webhook's lane has deliveries to claim; subject: the webhook
	DueRetention DueKind = 2  // a workspace's retention job is to be made; subject: the workspace
	DueWebhook   DueKind = 3  // a temporary webhook may have lost its reader; subject: the webhook
	DueJob       DueKind = 4  // a job has a slice to run; subject: the job
	DueHealth    DueKind = 5  // how a webhook fares is to be judged; subject: the webhook
	DueNotices   DueKind = 6  // there is something to tell of webhooks; subject: the workspace
	DueMail      DueKind = 7  // a message is to be sent; subject: the mail
	DueRecord    DueKind = 8  // time alone may have changed where a record stands; subject: the account or contact
	DueRanks     DueKind = 9  // decay may have moved records in lists by score; subject: the workspace
	DueStream    DueKind = 10 // a stream is to be fetched and compared, or a quarantine was decided; subject: the stream
	DueAlarm     DueKind = 12 // administrators are to be told of a quarantined run; subject: the run
)

// Due is the earliest moment that time alone can change a subject: a lower bound, rewritten only to earlier.
type Due struct {
	Kind      DueKind
	Workspace WorkspaceID
	Subject   int64
	At        time.Time
}

// Again is what the owner of a due row says of it when it was handed over.
type Again struct {
	At   time.Time // come again then
	Done bool      // nothing waits any more: remove the row
	Kept bool      // the owner has set or removed the row itself
}
