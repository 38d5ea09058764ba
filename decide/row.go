package decide

import (
	"signalbox"
)

// accountRow decides a row of an import: the account that its domain names is changed as by a PATCH, or made.
func (f *fold) accountRow(in *Prepared, out *Outcome) {
	patch := in.Account.Row.Patch
	known := f.now.Accounts[signalbox.AccountID(f.now.Keys[in.domainKey()])]
	var have []byte
	if known != nil {
		have = known.Attributes
	}
	if out.Err = fits("attributes", have, patch.Attributes); out.Err != nil {
		return
	}
	a := known
	if known == nil {
		a = f.account(in, signalbox.AccountInput{})
	}
	changed := patchAccount(a, patch)
	switch {
	case known == nil:
		out.Change = signalbox.RowCreated
	case changed:
		out.Change = signalbox.RowUpdated
		a.Revision, a.UpdatedAt = a.Revision+1, f.env.Now
		f.writeAccount(a, false)
	default:
		out.Change = signalbox.RowUnchanged
	}
	answer := *a
	out.Account = &answer
}

// contactRow decides a row of an import: the contact that its e-mail or profile names is changed as by a PATCH, or made. What is
// accepted is in the record afterwards: a row that says otherwise than what cannot change is refused.
func (f *fold) contactRow(in *Prepared, out *Outcome) {
	patch := in.Contact.Row.Patch
	email, profile := in.contactKeys()
	c := f.matchContact(email, profile)
	var have []byte
	if c != nil {
		have = c.Attributes
	}
	if out.Err = f.agrees(in, c, profile); out.Err != nil {
		return
	}
	if out.Err = fits("attributes", have, patch.Attributes); out.Err != nil {
		return
	}
	isNew := c == nil
	if isNew {
		c = &signalbox.Contact{ID: signalbox.ContactID(f.mint(in.Workspace)), Workspace: in.Workspace, CreatedAt: f.env.Now}
	}
	changed := f.identify(c, in, email, profile)
	if f.accountOf(c) == nil {
		if account := f.account(in, signalbox.AccountInput{}); account != nil {
			c.Account, changed = account.ID, true
		}
	}
	changed = patchContact(c, patch) || changed
	out.Change = signalbox.RowUnchanged
	if isNew || changed {
		out.Change = signalbox.RowUpdated
		c.Revision, c.UpdatedAt = c.Revision+1, f.env.Now
		f.writeContact(c, isNew)
	}
	if isNew {
		out.Change = signalbox.RowCreated
	}
	answer := *c
	out.Contact = &answer
}

// agrees refuses a row that says of a contact (nil: one to be made) what an import cannot change: whose a profile is, and which
// account a contact belongs to, which is its first (contract section 5).
func (f *fold) agrees(in *Prepared, c *signalbox.Contact, profile signalbox.RecordKey) error {
	owner, taken := f.now.Keys[profile]
	switch {
	case profile.Value == "":
	case c != nil && c.LinkedInURL != "" && c.LinkedInURL != profile.Value:
		return signalbox.InvalidField("linkedin_url", "linkedin_url: this contact has the profile %s, and a profile is not replaced; leave linkedin_url out", c.LinkedInURL)
	case taken && (c == nil || owner != signalbox.EntityID(c.ID)):
		return signalbox.InvalidField("linkedin_url", "linkedin_url: a contact with another e-mail has the profile %s; leave linkedin_url out, or send that contact's e-mail", profile.Value)
	}
	if c == nil || !in.named {
		return nil
	}
	if known := f.accountOf(c); known != nil && known.Domain != in.subject.AccountDomain {
		return signalbox.InvalidField("account_domain", "account_domain: this contact belongs to %s, and a contact keeps its first account; "+
			"leave account_domain out, or make %s an alias of it in the workspace's settings", known.Domain, in.subject.AccountDomain)
	}
	return nil
}

// accountOf is the account that a contact belongs to; nil for none, and for one that was erased.
func (f *fold) accountOf(c *signalbox.Contact) *signalbox.Account {
	if a := f.now.Accounts[c.Account]; a != nil && a.ErasedAt.IsZero() {
		return a
	}
	return nil
}
