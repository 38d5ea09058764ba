package signalbox

import "time"

// Account is a company.
type Account struct {
	ID         AccountID
	Workspace  WorkspaceID
	Domain     string // registrable, ASCII; "" when the account has none
	Name       string // "" while nobody named it
	Status     string // free text set by hand, "" unless set
	Attributes []byte // a JSON object, nil for none
	Revision   int64  // grows with each change
	CreatedAt  time.Time
	UpdatedAt  time.Time
	ErasedAt   time.Time // zero: live
}

// Contact is a person.
type Contact struct {
	ID          ContactID
	Workspace   WorkspaceID
	Account     AccountID // the first one it was seen with; 0 for none
	Email       string    // as given
	FirstName   string
	LastName    string
	Title       string
	LinkedInURL string
	Attributes  []byte // a JSON object, nil for none
	ByHand      ByHand // fields that signals no longer replace
	Revision    int64  // grows with each change
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ErasedAt    time.Time // zero: live
}

// ByHand marks the fields of a contact that a person set: later signals leave them alone (contract section 5).
type ByHand uint8

// The fields that can be set by hand.
const (
	ByHandFirstName ByHand = 1 << iota
	ByHandLastName
	ByHandTitle
)

// FullName is first + space + last, or "" (contract section 12).
func (c *Contact) FullName() string {
	switch {
	case c.FirstName == "":
		return c.LastName
	case c.LastName == "":
		return c.FirstName
	}
	return c.FirstName + " " + c.LastName
}

// EntityID is an AccountID or a ContactID: ids are unique over both.
type EntityID int64

// EntityState is what deciding keeps of an account or a contact between signals: one row, written once per turn.
type EntityState struct {
	Entity       EntityID
	Workspace    WorkspaceID
	LastSignal   SignalID // the head of its timeline
	LastSignalAt time.Time
	Signals      int64 // how many signals it ever had
	New          bool  // not stored yet
}

// KeyKind is a way to recognise an account or a contact.
type KeyKind uint8

// The ways to recognise a record; uniqueness of (workspace, kind, value) is held by the database.
const (
	KeyDomain   KeyKind = 1 // an account's registrable domain
	KeyEmail    KeyKind = 2 // a contact's e-mail, normalised for matching
	KeyLinkedIn KeyKind = 3 // a contact's linkedin.com/in/<slug>
)

// RecordKey names an account or contact by what it is known by.
type RecordKey struct {
	Workspace WorkspaceID
	Kind      KeyKind
	Value     string
}

// AccountPatch is a PATCH of an account: nil leaves a field alone, "" removes it.
type AccountPatch struct {
	Name       *string
	Status     *string
	Attributes []byte // RFC 7396 merge patch, nil leaves them alone
}

// ContactPatch is a PATCH of a contact: nil leaves a field alone, "" removes it.
type ContactPatch struct {
	FirstName  *string
	LastName   *string
	Title      *string
	Attributes []byte // RFC 7396 merge patch, nil leaves them alone
}
