package signalbox

import (
	"math"
	"strings"
	"time"
	"unicode"
)

// The longest a signal's fields may be (contract sections 2 and 3), in characters for names and bytes for the rest.
const (
	MaxName       = 200 // type, source, names and titles
	MaxEmail      = 254
	MaxDomain     = 253
	MaxURL        = 2048
	MaxLinkedIn   = 512
	MaxKey        = 255      // idempotency keys
	MaxAttributes = 64 << 10 // an entity's attributes, as JSON
	MaxFuture     = 24 * time.Hour
)

// Signal is one event that a tool told us, as it is stored.
type Signal struct {
	ID          SignalID
	Workspace   WorkspaceID
	Type        string
	TypeID      TypeID
	Source      string
	EventName   string    // what it is within its type (S3-11), "" when that was not said
	Account     AccountID // 0: unattributed
	Contact     ContactID // 0: none
	Properties  []byte    // a JSON object, JSON.stringify-stable; nil when there is none
	Backfill    bool      // scores, never triggers
	OccurredAt  time.Time
	CreatedAt   time.Time
	PrevAccount SignalID // the account's signal before this one: its timeline is a chain
	PrevContact SignalID // the contact's signal before this one
	CausedTo    int64    // the highest id that the signal's own decision made: what it caused lies in (ID, CausedTo]
	ErasedAt    time.Time
	Points      Points // what it was worth when it was decided
	Held        bool   // its record is qualified when somebody asks (S3-24)
	Rules       []byte // the rules that gave points, as JSON; nil: its type alone did
}

// CountsFrom is from when on the signal counts for scores: when it occurred, or was received if that was earlier.
func (s *Signal) CountsFrom() time.Time {
	if s.CreatedAt.Before(s.OccurredAt) {
		return s.CreatedAt
	}
	return s.OccurredAt
}

// Points are points of a score in millionths: what is stored and what is added up are the same numbers.
type Points int64

// PointsOf rounds points to a millionth.
func PointsOf(points float64) Points { return Points(math.Round(points * 1e6)) }

// Float is the points as a number.
func (p Points) Float() float64 { return float64(p) / 1e6 }

// SignalType is a kind of signal that a workspace has seen or declared.
type SignalType struct {
	ID        TypeID
	Workspace WorkspaceID
	Name      string
	Declared  bool
	CreatedAt time.Time
}

// TypeName is what signals call a type that was declared under a label (S3-25): lower-cased, and whatever is neither a letter nor a digit is one
// underscore. "" when a label has neither.
func TypeName(label string) string {
	var name strings.Builder
	kept, parted := false, false // whether the last rune was kept, and whether something was left out before the next one
	for _, r := range strings.ToLower(label) {
		if kept = unicode.IsLetter(r) || unicode.IsDigit(r) || kept && unicode.IsMark(r); !kept {
			parted = name.Len() > 0
			continue
		}
		if parted {
			name.WriteByte('_')
			parted = false
		}
		name.WriteRune(r)
	}
	return name.String()
}

// SignalInput is a signal as a face decoded it, before it is matched: fields trimmed and within their bounds, not yet normalised.
type SignalInput struct {
	Type       string
	Source     string
	Account    AccountInput
	Contact    ContactInput
	Properties []byte    // JSON.stringify-stable JSON object, nil for none
	OccurredAt time.Time // zero: now
	Backfill   bool

	IdempotencyKey string   // "" for none
	BodyHash       [16]byte // of the canonical JSON value; set when there is a key

	EventName string // what it is within its type (S3-11)
	Capture   bool   // it came by the capture door: its type must be declared, and it is known by what it says for as long as it is kept (S3-26)
}

// AccountInput is what a signal says of a company.
type AccountInput struct {
	Domain     string
	Name       string
	Attributes []byte // a JSON object to merge (RFC 7396), nil for none
}

// ContactInput is what a signal says of a person.
type ContactInput struct {
	Email       string
	FirstName   string
	LastName    string
	Title       string
	LinkedInURL string
	Attributes  []byte // a JSON object to merge (RFC 7396), nil for none
}

// Receipt is the answer to a signal: exactly what S0-23 shows.
type Receipt struct {
	ID        SignalID
	Type      string
	Source    string
	Account   AccountID
	Contact   ContactID
	CreatedAt time.Time
	Replayed  bool   // the stored answer of an earlier signal with the same idempotency key
	Quota     *Quota // what is left of the limit that applies; nil when none does

	Qualified *Qualified // of a capture, what its record's qualification came to; nil: it is held
}

// Verdict is what became of one input of a batch: a Receipt, or the Err that refused it.
type Verdict struct {
	Receipt
	Err error
}

// Status is what the answer to a signal says of it (S0-24).
const Status = "received"
