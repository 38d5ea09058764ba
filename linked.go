package signalbox

import (
	"time"
	"unicode/utf8"
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
	Status          string
	Revision        int64 // grows with every change of what stands above
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// LinkedActive is the status of a linked account whose streams are fetched: the only one that there is.
const LinkedActive = "active"

// MaxSetup is the most bytes of a linked account's setup information: it goes with each event of the account.
const MaxSetup = 16 << 10

// Check refuses a linked account that cannot be told of.
func (l *LinkedAccount) Check() error {
	switch {
	case l.Provider == "":
		return InvalidField("provider", "provider is required: the product that the account is with, such as bamboohr")
	case l.OriginOwnerID == "":
		return InvalidField("origin_owner_id", "origin_owner_id is required: how you know the customer whose account it is")
	case len(l.Setup) > MaxSetup:
		return InvalidField("setup_information", "setup_information has %d bytes, the most is %d", len(l.Setup), MaxSetup)
	}
	for _, f := range []struct{ name, text string }{
		{"provider", l.Provider}, {"origin_owner_id", l.OriginOwnerID}, {"origin_owner_name", l.OriginOwnerName}, {"origin_username", l.OriginUsername},
	} {
		if utf8.RuneCountInString(f.text) > MaxName {
			return InvalidField(f.name, "%s is too long: at most %d characters", f.name, MaxName)
		}
	}
	return nil
}

// LinkedRecord is a record of a linked account. Nothing of its contents is known here, but for which fields have changed.
type LinkedRecord struct {
	API     string   // what kind of product it is from: "hris" or "ats"
	Type    string   // "employees"
	ID      string   // as the other product writes it
	Changed []string // the fields that differ from before; nil when it is new or gone
}
