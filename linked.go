package signalbox

import (
	"encoding/json"
	"time"
)

// LinkedAccount is a customer's account with another product, whose records become events (contract section 13).
type LinkedAccount struct {
	ID              LinkedAccountID
	Workspace       WorkspaceID
	Provider        string // the product: "bamboohr"
	OriginOwnerID   string // of the customer or organisation (S4-25); "" when unknown, as the two below
	OriginOwnerName string // S4-26
	OriginUsername  string // who connected it (S4-27)
	Setup           []byte // a JSON object that was given when it was linked (S4-28); nil when there is none
	Status          string // LinkedActive or LinkedInactive
	Revision        int64  // grows with each change
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// What a linked account can be.
const (
	LinkedActive   = "active"
	LinkedInactive = "inactive" // its streams are not fetched, as if each were paused
)

// The bounds of a linked account, in bytes (contract section 2, keys), and of its streams: each is fetched for itself, and deleting the account ends them in
// one transaction.
const (
	maxLinkedText = 255
	maxSetup      = 16 << 10
	MaxStreams    = 50
)

// Check refuses a linked account that cannot be kept.
func (l *LinkedAccount) Check() error {
	if l.Provider == "" {
		return InvalidField("provider", "provider is missing: the product that the account is with, such as bamboohr")
	}
	for _, f := range []struct{ name, value string }{
		{"provider", l.Provider}, {"origin_owner_id", l.OriginOwnerID}, {"origin_owner_name", l.OriginOwnerName}, {"origin_username", l.OriginUsername},
	} {
		if len(f.value) > maxLinkedText {
			return InvalidField(f.name, "%s must be at most %d bytes, it has %d", f.name, maxLinkedText, len(f.value))
		}
	}
	switch {
	case len(l.Setup) > maxSetup:
		return InvalidField("setup_information", "setup_information must be at most 16 KiB, it has %d bytes", len(l.Setup))
	case l.Setup != nil && (!json.Valid(l.Setup) || l.Setup[0] != '{'):
		return InvalidField("setup_information", "setup_information must be a JSON object")
	case l.Status != LinkedActive && l.Status != LinkedInactive:
		return InvalidField("status", "status is %s or %s", LinkedActive, LinkedInactive)
	}
	return nil
}

// Facts are what the audit log tells of a linked account.
func (l *LinkedAccount) Facts() Facts {
	f := Facts{
		"provider": l.Provider, "origin_owner_id": l.OriginOwnerID, "origin_owner_name": l.OriginOwnerName, "origin_username": l.OriginUsername, "status": l.Status,
	}
	if l.Setup != nil {
		f["setup_information"] = json.RawMessage(l.Setup)
	}
	return f
}

// LinkedPatch changes what it names of a linked account; nil leaves a field as it is. The product stays: another one is another account.
type LinkedPatch struct {
	OriginOwnerID   *string
	OriginOwnerName *string
	OriginUsername  *string
	Setup           *[]byte // to nil: removed
	Status          *string
}

// Apply changes what the patch names.
func (p *LinkedPatch) Apply(l *LinkedAccount) {
	for _, f := range []struct {
		to   *string
		from *string
	}{{&l.OriginOwnerID, p.OriginOwnerID}, {&l.OriginOwnerName, p.OriginOwnerName}, {&l.OriginUsername, p.OriginUsername}, {&l.Status, p.Status}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if p.Setup != nil {
		l.Setup = *p.Setup
	}
}

// LinkedKey names a linked account.
type LinkedKey struct {
	Workspace WorkspaceID
	ID        LinkedAccountID
}

// Unlinked is a linked account that is deleted, with its streams.
type Unlinked struct {
	LinkedKey
	At time.Time
}

// LinkedState is a linked account as deciding finds it.
type LinkedState struct {
	LinkedAccount
	Streams []StreamID
}

// LinkedRecord is a record of a linked account. Nothing of its contents is known here, but for which fields have changed.
type LinkedRecord struct {
	API     string   // what kind of product it is from: "hris" or "ats"
	Type    string   // "employees"
	ID      string   // as the other product writes it
	Changed []string // the fields that differ from before; nil when it is new or gone
}
