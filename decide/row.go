package decide

import (
	"signalbox"
)

// accountRow decides a row of an import: the account that its domain names is changed as by a PATCH, or made.
func (f *fold) accountRow(in *Prepared, out *Outcome) {
	patch := in.Account.Row.Patch
	if id, ok := f.now.Keys[in.domainKey()]; ok {
		a := f.topAccount(f.now.Accounts[signalbox.AccountID(id)])
		own, before := signalbox.Says(a), imageOf(a)
		changed := patchAccount(&own, patch, a.Merged != nil)
		if out.Err = f.wouldFit("attributes", a, own); out.Err != nil {
			return
		}
		if out.Change = signalbox.RowUnchanged; changed {
			out.Change = signalbox.RowUpdated
			f.say(a, own)
			f.changed(in, a)
		}
		f.imported(in, a, before)
		answer := *a
		out.Account = &answer
		return
	}
	if out.Err = fits("attributes", nil, patch.Attributes); out.Err != nil {
		return
	}
	a := f.account(in, signalbox.AccountInput{})
	own := a.Shown()
	patchAccount(&own, patch, false)
	a.Show(own)
	f.changed(in, a)
	f.imported(in, a, nil)
	out.Change = signalbox.RowCreated
	answer := *a
	out.Account = &answer
}

// contactRow decides a row of an import: the contact that its e-mail or profile names is changed as by a PATCH, or made. What is
// accepted is in the record afterwards: a row that says otherwise than what cannot change is refused.
func (f *fold) contactRow(in *Prepared, out *Outcome) {
	patch := in.Contact.Row.Patch
	email, profile := in.contactKeys()
	c := f.matchContact(email, profile)
	if out.Err = f.agrees(in, c, profile); out.Err != nil {
		return
	}
	isNew := c == nil
	if isNew {
		if out.Err = fits("attributes", nil, patch.Attributes); out.Err != nil {
			return
		}
		c = f.newContact(in)
		out.Change = signalbox.RowCreated
	} else {
		top := f.topContact(c)
		own := signalbox.Says(top)
		patchContact(&own, patch, top.Merged != nil)
		if out.Err = f.wouldFit("attributes", top, own); out.Err != nil {
			return
		}
		out.Change = signalbox.RowUnchanged
	}
	var before, topBefore *image
	if !isNew {
		before, topBefore = imageOf(c), imageOf(f.topContact(c))
	}
	own := signalbox.Says(c)
	changed := f.identify(c, &own, in, email, profile)
	if f.accountOf(f.topContact(c)) == nil {
		_, known := f.now.Keys[in.domainKey()]
		if account := f.account(in, signalbox.AccountInput{}); account != nil {
			own.Account, changed = account.ID, true
			if !known {
				f.imported(in, account, nil)
			}
		}
	}
	f.keepContact(c, own, isNew, changed)
	top := f.topContact(c)
	own = signalbox.Says(top)
	patched := patchContact(&own, patch, top.Merged != nil)
	switch {
	case isNew:
		top.Show(own)
	case patched:
		f.say(top, own)
	}
	if isNew || changed || patched {
		f.changed(in, top)
	}
	f.imported(in, c, before)
	if top.ID != c.ID {
		f.imported(in, top, topBefore)
	}
	if !isNew && (changed || patched) {
		out.Change = signalbox.RowUpdated
	}
	answer := *top
	out.Contact = &answer
}

// agrees refuses a row that says of a contact (nil: one to be made) what an import cannot change: whose a profile is, and which
// account a contact belongs to, which is its first (contract section 5).
func (f *fold) agrees(in *Prepared, c *signalbox.Contact, profile signalbox.RecordKey) error {
	owner, taken := f.now.Keys[profile]
	if c != nil && profile.Value != "" {
		if has := signalbox.Says(c).LinkedInURL; has != "" && has != profile.Value && (!taken || !f.same(c, owner)) {
			return signalbox.InvalidField("linkedin_url", "linkedin_url: this contact has the profile %s, and a profile is not replaced; leave linkedin_url out", has)
		}
	}
	if profile.Value != "" && taken && (c == nil || !f.same(c, owner)) {
		return signalbox.InvalidField("linkedin_url", "linkedin_url: a contact with another e-mail has the profile %s; leave linkedin_url out, or send that contact's e-mail", profile.Value)
	}
	if c == nil || !in.named {
		return nil
	}
	known := f.accountOf(f.topContact(c))
	named := f.topAccount(f.now.Accounts[signalbox.AccountID(f.now.Keys[in.domainKey()])])
	if known != nil && (named == nil || f.topAccount(known).ID != named.ID) {
		return signalbox.InvalidField("account_domain", "account_domain: this contact belongs to %s, and a contact keeps its first account; "+
			"leave account_domain out, or make %s an alias of it in the workspace's settings", known.Domain, in.subject.AccountDomain)
	}
	return nil
}

// same says whether a contact and the one of a key are the same person, merged or not.
func (f *fold) same(c *signalbox.Contact, owner signalbox.EntityID) bool {
	other := f.now.Contacts[signalbox.ContactID(owner)]
	return other != nil && f.topContact(other).ID == f.topContact(c).ID
}

// accountOf is the account that a contact belongs to; nil for none, and for one that was erased.
func (f *fold) accountOf(c *signalbox.Contact) *signalbox.Account {
	if a := f.now.Accounts[c.Account]; a != nil && a.ErasedAt.IsZero() {
		return a
	}
	return nil
}
