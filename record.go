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
	MergedInto AccountID // the account that stands for this one; 0: it stands for itself
	Merged     *Merged   // nil: nothing was merged into it
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
	MergedInto  ContactID // the contact that stands for this one; 0: they stand for themselves
	Merged      *Merged   // nil: nobody was merged into them
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
	Kind         RecordKind
	Ranked       time.Time // where it stands in lists by last signal: LastSignalAt when that was last noted there
	Standing     []byte    // what deciding keeps of it besides, packed; nil: nothing yet. Never changed in place
	Following    []byte    // what deciding keeps of it for its qualification, its audiences and its automations, packed as Standing is
	Lead         bool      // of an account: signals landed on it that name no person
	Score        ScoreRank // where it stands in lists by score; zero for one that was merged into another: that one stands there for both
	Stage        string    // the stage that was last told of it; "": the first one, or another record stands for it
	New          bool      // not stored yet
	Settled      bool      // Ranked, Lead, Score and Stage are as they are stored: no index has to be touched for it
}

// Kept is what deciding keeps of a record, packed.
type Kept struct {
	Standing  []byte // nil: nothing
	Following []byte
}

// ScoreRank is where a record stands in lists by score (score.Model.Rank). The zero value is that of one without points: behind all that have some.
type ScoreRank struct {
	On  bool      // it has points
	Key int64     // the larger, the more points; compared among records of one workspace and kind
	Due time.Time // when decay may have moved it, a lower bound; zero: decay moves it not at all
}

// Equal says whether two places are the same.
func (r ScoreRank) Equal(o ScoreRank) bool {
	return r.On == o.On && r.Key == o.Key && r.Due.Equal(o.Due)
}

// Standing is where a record stands at a moment.
type Standing struct {
	Points float64 // what its signals are worth then
	Score  int     // that in whole points, never below 0: what is shown
	Stage  string
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
	Attributes []byte // RFC 7396 merge patch; nil leaves them alone, null removes all
}

// ContactPatch is a PATCH of a contact: nil leaves a field alone, "" removes it.
type ContactPatch struct {
	FirstName  *string
	LastName   *string
	Title      *string
	Attributes []byte // RFC 7396 merge patch; nil leaves them alone, null removes all
}

// AccountRow is an account of an import: found by its domain as a signal's is, or made, and then changed as by a PATCH.
type AccountRow struct {
	Import string // the name of the import that it belongs to, "" for none
	Domain string // as it was sent
	Patch  AccountPatch
}

// ContactRow is a contact of an import: found by its e-mail or profile as a signal's is, or made, and then changed as by a PATCH.
type ContactRow struct {
	Import        string // the name of the import that it belongs to, "" for none
	Email         string // as it was sent
	LinkedInURL   string
	AccountDomain string // of the account that a contact without one gets; "": the e-mail's domain tells
	Patch         ContactPatch
}

// RowChange is what an import's row did to its record.
type RowChange string

// What a row can do.
const (
	RowCreated   RowChange = "created"
	RowUpdated   RowChange = "updated"
	RowUnchanged RowChange = "unchanged" // the record said all of it already
)

// RowVerdict is what became of one row of an import: what it did to which record, or the Err that refused it.
type RowVerdict struct {
	Change RowChange
	Entity EntityID // 0 for a record that a dry run would have made
	Err    error
}
