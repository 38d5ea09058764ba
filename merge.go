package signalbox

import (
	"encoding/json"
	"slices"
	"time"
)

// RecordKind says what a record is.
type RecordKind uint8

// The kinds of records.
const (
	AccountRecord RecordKind = 1
	ContactRecord RecordKind = 2
)

// String is the kind's word.
func (k RecordKind) String() string {
	if k == ContactRecord {
		return "contact"
	}
	return "account"
}

// ID is the kind of a record's id.
func (k RecordKind) ID() Kind {
	if k == ContactRecord {
		return KindContact
	}
	return KindAccount
}

// MergeStatus is where a merge stands.
type MergeStatus string

// The states of a merge.
const (
	MergeProposed  MergeStatus = "proposed"
	MergeDone      MergeStatus = "done"
	MergeUndone    MergeStatus = "undone"
	MergeDismissed MergeStatus = "dismissed" // a proposal that somebody turned down: it is not made again
)

// MergeReason says why identity proposed a merge; "" for one that a person asked for.
type MergeReason string

// The reasons.
const (
	SameLinkedIn MergeReason = "same_linkedin_url" // a signal gave one contact's e-mail and another one's profile
	SameDomain   MergeReason = "alias"             // a domain that has an account of its own was made an alias of another one's
)

// Merge says that two records are the same company or person: From is shown as part of Into from then on. It holds no value of either, so
// that erasing a record leaves nothing here.
type Merge struct {
	ID        MergeID
	Workspace WorkspaceID
	Kind      RecordKind
	Status    MergeStatus
	From      EntityID
	Into      EntityID
	Reason    MergeReason
	CreatedAt time.Time
	UndoneAt  time.Time // zero: it was not
}

// MaxMerged is how many records can be merged into one: whatever is done to it or read of it stays small.
const MaxMerged = 100

// Merged is what a record keeps of those that were merged into it. Nothing of theirs is moved: what the record shows is worked out from Own and
// from what each of them says, in this order, and undoing a merge is leaving one out.
type Merged struct {
	Records []MergedRecord `json:"records"`
	Own     Own            `json:"own"`
}

// MergedRecord is a record that another one stands for.
type MergedRecord struct {
	ID EntityID `json:"id"`
	By MergeID  `json:"by"` // the merge that made it a part
	// Under says that it became a part of a record that was merged later itself: it came with that one, which stands before it.
	Under bool `json:"under,omitempty"`
}

// Own is what a record says by itself, without those that were merged into it.
type Own struct {
	Domain      string          `json:"domain,omitempty"`
	Name        string          `json:"name,omitempty"`
	Status      string          `json:"status,omitempty"`
	Account     AccountID       `json:"account,omitempty"`
	Email       string          `json:"email,omitempty"`
	FirstName   string          `json:"first_name,omitempty"`
	LastName    string          `json:"last_name,omitempty"`
	Title       string          `json:"title,omitempty"`
	LinkedInURL string          `json:"linkedin_url,omitempty"`
	Attributes  json.RawMessage `json:"attributes,omitempty"`
	ByHand      ByHand          `json:"by_hand,omitempty"`
	Removed     [][]string      `json:"removed,omitempty"` // paths that a person took away from the merged record: merged ones do not fill them
}

// Equal says whether two records say the same.
func (o *Own) Equal(p *Own) bool {
	return o.Domain == p.Domain && o.Name == p.Name && o.Status == p.Status && o.Account == p.Account && o.Email == p.Email &&
		o.FirstName == p.FirstName && o.LastName == p.LastName && o.Title == p.Title && o.LinkedInURL == p.LinkedInURL &&
		string(o.Attributes) == string(p.Attributes) && o.ByHand == p.ByHand && slices.EqualFunc(o.Removed, p.Removed, slices.Equal[[]string])
}

// Record is an *Account or a *Contact, as far as merging is concerned.
type Record interface {
	Entity() EntityID
	Space() WorkspaceID
	Kind() RecordKind
	Gone() bool         // erased
	Into() EntityID     // the record that stands for it, 0 for none
	Parts() *Merged     // nil: nothing was merged into it
	Join(into EntityID) // 0: it stands for itself again
	Keep(parts *Merged) // nil: nothing is merged into it any more
	Shown() Own         // what its row shows
	Show(o Own)         // makes its row show that
	Rev() int64
	Changed(now time.Time) // makes it the next revision
	FoundBy() [3]string    // the texts that a search looks in
}

// Says is what a record says by itself.
func Says(r Record) Own {
	if parts := r.Parts(); parts != nil {
		return parts.Own
	}
	return r.Shown()
}

// The methods of Record.

func (a *Account) Entity() EntityID    { return EntityID(a.ID) }
func (a *Account) Space() WorkspaceID  { return a.Workspace }
func (a *Account) Kind() RecordKind    { return AccountRecord }
func (a *Account) Gone() bool          { return !a.ErasedAt.IsZero() }
func (a *Account) Into() EntityID      { return EntityID(a.MergedInto) }
func (a *Account) Parts() *Merged      { return a.Merged }
func (a *Account) Join(into EntityID)  { a.MergedInto = AccountID(into) }
func (a *Account) Rev() int64          { return a.Revision }
func (a *Account) Keep(parts *Merged)  { a.Merged = parts }
func (a *Account) FoundBy() [3]string  { return [3]string{a.Domain, a.Name} }
func (a *Account) Changed(t time.Time) { a.Revision, a.UpdatedAt = a.Revision+1, t }
func (a *Account) Shown() Own {
	return Own{Domain: a.Domain, Name: a.Name, Status: a.Status, Attributes: a.Attributes}
}
func (a *Account) Show(o Own) {
	a.Domain, a.Name, a.Status, a.Attributes = o.Domain, o.Name, o.Status, o.Attributes
}

func (c *Contact) Entity() EntityID    { return EntityID(c.ID) }
func (c *Contact) Space() WorkspaceID  { return c.Workspace }
func (c *Contact) Kind() RecordKind    { return ContactRecord }
func (c *Contact) Gone() bool          { return !c.ErasedAt.IsZero() }
func (c *Contact) Into() EntityID      { return EntityID(c.MergedInto) }
func (c *Contact) Parts() *Merged      { return c.Merged }
func (c *Contact) Join(into EntityID)  { c.MergedInto = ContactID(into) }
func (c *Contact) Rev() int64          { return c.Revision }
func (c *Contact) Keep(parts *Merged)  { c.Merged = parts }
func (c *Contact) FoundBy() [3]string  { return [3]string{c.Email, c.FirstName, c.LastName} }
func (c *Contact) Changed(t time.Time) { c.Revision, c.UpdatedAt = c.Revision+1, t }
func (c *Contact) Shown() Own {
	return Own{
		Account: c.Account, Email: c.Email, FirstName: c.FirstName, LastName: c.LastName, Title: c.Title, LinkedInURL: c.LinkedInURL,
		Attributes: c.Attributes, ByHand: c.ByHand,
	}
}
func (c *Contact) Show(o Own) {
	c.Account, c.Email, c.FirstName, c.LastName, c.Title, c.LinkedInURL = o.Account, o.Email, o.FirstName, o.LastName, o.Title, o.LinkedInURL
	c.Attributes, c.ByHand = o.Attributes, o.ByHand
}

// MergeView is a merge with what its records say.
type MergeView struct {
	Merge
	FromOwn  Own // what each says by itself
	IntoOwn  Own
	Result   Own // what the survivor shows, or would
	Contacts int // how many contacts the merged account brings, at most SliceRows are counted
	Signals  int64
	Keys     int
	Gone     bool // one of the records was erased
}

// MergeFilter narrows a list of merges; zero fields do not.
type MergeFilter struct {
	Status MergeStatus
	Kind   RecordKind
}
