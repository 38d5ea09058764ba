package decide

import (
	"signalbox"
)

// account finds the company that an input names, or makes it; nil when it names none. A name is taken by a new account and by one
// that is still nameless (S0-17).
func (f *fold) account(in *Prepared, given signalbox.AccountInput) *signalbox.Account {
	key := in.domainKey()
	if key.Value == "" {
		return nil
	}
	if id, ok := f.now.Keys[key]; ok {
		a := f.now.Accounts[signalbox.AccountID(id)]
		changed := false
		if a.Name == "" && given.Name != "" {
			a.Name, changed = given.Name, true
		}
		if merged, ok := mergeAttributes(a.Attributes, given.Attributes); ok {
			a.Attributes, changed = merged, true
		}
		if changed {
			a.Revision, a.UpdatedAt = a.Revision+1, f.env.Now
			f.writeAccount(a, false)
		}
		return a
	}
	a := &signalbox.Account{
		ID: signalbox.AccountID(f.mint(in.Workspace)), Workspace: in.Workspace, Domain: key.Value, Name: given.Name,
		Revision: 1, CreatedAt: f.env.Now, UpdatedAt: f.env.Now,
	}
	a.Attributes, _ = mergeAttributes(nil, given.Attributes)
	f.writeAccount(a, true)
	f.know(key, signalbox.EntityID(a.ID))
	return a
}

// contact finds the person that a signal names, or makes it; nil when the signal names none. The e-mail wins over the LinkedIn
// profile: a contact with another e-mail is not matched by its profile (contract section 5).
func (f *fold) contact(in *Prepared, account *signalbox.Account) *signalbox.Contact {
	email, profile := in.contactKeys()
	if email.Value == "" && profile.Value == "" {
		return nil
	}
	c := f.matchContact(email, profile)
	isNew := c == nil
	if isNew {
		c = &signalbox.Contact{ID: signalbox.ContactID(f.mint(in.Workspace)), Workspace: in.Workspace, CreatedAt: f.env.Now}
	}
	changed := f.identify(c, in, email, profile)
	changed = update(c, in.Signal.Contact) || changed
	if c.Account == 0 && account != nil {
		c.Account, changed = account.ID, true
	}
	if isNew || changed {
		c.Revision, c.UpdatedAt = c.Revision+1, f.env.Now
		f.writeContact(c, isNew)
	}
	return c
}

// domainKey is what an input's company is recognised by; its value is "" when the input says nothing of one.
func (p *Prepared) domainKey() signalbox.RecordKey {
	return signalbox.RecordKey{Workspace: p.Workspace, Kind: signalbox.KeyDomain, Value: p.subject.AccountDomain}
}

// contactKeys are what an input's person is recognised by; their values are "" for what it does not say.
func (p *Prepared) contactKeys() (email, profile signalbox.RecordKey) {
	return signalbox.RecordKey{Workspace: p.Workspace, Kind: signalbox.KeyEmail, Value: p.subject.EmailMatch},
		signalbox.RecordKey{Workspace: p.Workspace, Kind: signalbox.KeyLinkedIn, Value: p.subject.LinkedIn}
}

// matchContact finds the contact of an e-mail or, where no contact has that e-mail, one of the profile that has no e-mail yet
// (or any, when the signal gives no e-mail).
func (f *fold) matchContact(email, profile signalbox.RecordKey) *signalbox.Contact {
	if id, ok := f.now.Keys[email]; ok && email.Value != "" {
		return f.now.Contacts[signalbox.ContactID(id)]
	}
	id, ok := f.now.Keys[profile]
	if !ok || profile.Value == "" {
		return nil
	}
	c := f.now.Contacts[signalbox.ContactID(id)]
	if c != nil && email.Value != "" && c.Email != "" {
		return nil
	}
	return c
}

// identify gives a contact the e-mail and the profile of the signal where it has none and nobody else has them.
func (f *fold) identify(c *signalbox.Contact, in *Prepared, email, profile signalbox.RecordKey) (changed bool) {
	if _, taken := f.now.Keys[email]; !taken && email.Value != "" && c.Email == "" {
		c.Email, changed = in.subject.Email, true
		f.know(email, signalbox.EntityID(c.ID))
	}
	if _, taken := f.now.Keys[profile]; !taken && profile.Value != "" && c.LinkedInURL == "" {
		c.LinkedInURL, changed = profile.Value, true
		f.know(profile, signalbox.EntityID(c.ID))
	}
	return changed
}

// update takes what a signal says of a person: later non-empty names replace earlier ones, but not those set by hand.
func update(c *signalbox.Contact, given signalbox.ContactInput) (changed bool) {
	take := func(field *string, value string, flag signalbox.ByHand) {
		if value != "" && *field != value && c.ByHand&flag == 0 {
			*field, changed = value, true
		}
	}
	take(&c.FirstName, given.FirstName, signalbox.ByHandFirstName)
	take(&c.LastName, given.LastName, signalbox.ByHandLastName)
	take(&c.Title, given.Title, signalbox.ByHandTitle)
	if merged, ok := mergeAttributes(c.Attributes, given.Attributes); ok {
		c.Attributes, changed = merged, true
	}
	return changed
}

// checkAttributes refuses attributes that would outgrow their record, before anything is changed.
func (f *fold) checkAttributes(in *Prepared) error {
	if patch := in.Signal.Account.Attributes; patch != nil {
		var have []byte
		if id, ok := f.now.Keys[in.domainKey()]; ok {
			have = f.now.Accounts[signalbox.AccountID(id)].Attributes
		}
		if err := fits("account.attributes", have, patch); err != nil {
			return err
		}
	}
	patch := in.Signal.Contact.Attributes
	if patch == nil {
		return nil
	}
	var have []byte
	email, profile := in.contactKeys()
	if c := f.matchContact(email, profile); c != nil {
		have = c.Attributes
	}
	return fits("contact.attributes", have, patch)
}
