package signalbox

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
}

// LinkedRecord is a record of a linked account. Nothing of its contents is known here, but for which fields have changed.
type LinkedRecord struct {
	API     string   // what kind of product it is from: "hris" or "ats"
	Type    string   // "employees"
	ID      string   // as the other product writes it
	Changed []string // the fields that differ from before; nil when it is new or gone
}
