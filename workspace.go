package signalbox

import (
	"cmp"
	"time"
)

// Workspace is a tenant and its settings.
type Workspace struct {
	ID               WorkspaceID
	Name             string
	Timezone         string // an IANA name, "UTC" unless set
	RequireIdentity  bool   // a signal with neither domain nor e-mail is refused
	MailboxProviders MailboxProviders
	Aliases          map[string]string // domain → the domain it stands for, both normalised
	Limits           RateLimits
	Retention        Retention
	Revision         int64
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

// MailboxProviders edits the shipped list of mailbox providers (contract section 5): domains whose e-mail addresses say
// nothing about a company.
type MailboxProviders struct {
	Added   []string
	Removed []string
}

// RateLimits are the limits of contract section 2; zero means unlimited.
type RateLimits struct {
	Workspace Rate // signals of the whole workspace
	Captures  Rate // signals of the capture door, counted apart (S3-28, S3-29); its zero value is DefaultCaptures
	Key       Rate // signals of each key
	Requests  Rate // other requests of the whole workspace, shared between live nodes
}

// DefaultCaptures is the limit of the capture door unless set (S3-28, S3-29); a zero within what is set stands for it too.
var DefaultCaptures = Rate{PerMinute: 500, PerDay: 50_000}

// CaptureRate is the limit of the capture door.
func (l *RateLimits) CaptureRate() Rate {
	return Rate{PerMinute: cmp.Or(l.Captures.PerMinute, DefaultCaptures.PerMinute), PerDay: cmp.Or(l.Captures.PerDay, DefaultCaptures.PerDay)}
}

// Rate is a limit per sliding minute and per UTC day; zero means unlimited.
type Rate struct {
	PerMinute int
	PerDay    int
}

// Retention says how many days things are kept; zero means for ever.
type Retention struct {
	SignalDays int // signals, 0 unless set
	EventDays  int // events, deliveries and attempts together, 30 unless set
}

// DefaultEventDays is how long events, deliveries and attempts are kept unless set (contract section 15).
const DefaultEventDays = 30

// The most definitions of each kind that a workspace holds (contract section 15).
const (
	MaxWebhooks    = 500
	MaxSignalTypes = 2000
)

// Definitions are all that deciding needs to know of a workspace besides its records. A version is never changed: every change
// of a workspace's settings, webhooks or declared types makes the next one.
type Definitions struct {
	Version   int64
	Workspace Workspace
	Webhooks  []Webhook             // not deleted, by id; also those that automations send through (KindAction)
	Types     map[string]SignalType // by name; types first seen later may be missing
	Defined   []Definition          // everything else that was defined, by kind and id; the fields below are read from it
	Scoring   Scoring
	ICPs      []Profile
	Personas  []Profile
	Audiences []Audience
	Settings  map[string]TypeSettings // of declared types, by name

	Automations []Automation // notifications too
}

// Scope is what an API key may do (contract section 2).
type Scope string

// The scopes.
const (
	ScopeIngest    Scope = "ingest"     // the signal doors only
	ScopeRead      Scope = "read"       // GET
	ScopeWrite     Scope = "write"      // everything but GET
	ScopeReadWrite Scope = "read_write" // read and write
	ScopeAdmin     Scope = "admin"      // also keys, members, workspace settings, erasure
)

// APIKey is a bearer key of a workspace; the key itself is never stored.
type APIKey struct {
	ID         KeyID
	Workspace  WorkspaceID
	Name       string
	Scope      Scope
	Hint       string   // the key's last four characters, to tell keys apart
	Hash       [32]byte // SHA-256 of the whole key
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	LastUsedAt time.Time // zero: never used; refreshed at most once a minute
	RevokedAt  time.Time // zero: live
}
