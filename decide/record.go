package decide

import (
	"signalbox"
)

// account finds the company that an input names, or makes it; nil when it names none. A name is taken by a new account and by one
// that is still nameless (S0-17). It is the account of the key, also where another one stands for it.
func (f *fold) account(in *Prepared, given signalbox.AccountInput) *signalbox.Account {
	key := in.domainKey()
	if key.Value == "" {
		return nil
	}
	if id, ok := f.now.Keys[key]; ok {
		a := f.now.Accounts[signalbox.AccountID(id)]
		own, changed := signalbox.Says(a), false
		if own.Name == "" && given.Name != "" {
			own.Name, changed = given.Name, true
		}
		if merged, ok := mergeAttributes(own.Attributes, given.Attributes); ok {
			own.Attributes, changed = merged, true
		}
		if changed {
			f.say(a, own)
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
// profile: a contact with another e-mail is not matched by its profile; that they may be the same is proposed (contract section 5).
func (f *fold) contact(in *Prepared, account *signalbox.Account) *signalbox.Contact {
	email, profile := in.contactKeys()
	if email.Value == "" && profile.Value == "" {
		return nil
	}
	c := f.matchContact(email, profile)
	isNew := c == nil
	if isNew {
		c = f.newContact(in)
	}
	own := signalbox.Says(c)
	changed := f.identify(c, &own, in, email, profile)
	changed = update(&own, in.Signal.Contact) || changed
	if own.Account == 0 && account != nil {
		own.Account, changed = account.ID, true
	}
	f.keepContact(c, own, isNew, changed)
	if owner, ok := f.now.Keys[profile]; ok && profile.Value != "" && owner != signalbox.EntityID(c.ID) {
		f.propose(c, f.now.Contacts[signalbox.ContactID(owner)], signalbox.SameLinkedIn)
	}
	return c
}

func (f *fold) newContact(in *Prepared) *signalbox.Contact {
	return &signalbox.Contact{ID: signalbox.ContactID(f.mint(in.Workspace)), Workspace: in.Workspace, CreatedAt: f.env.Now}
}

// keepContact saves what a contact says now, if that is news.
func (f *fold) keepContact(c *signalbox.Contact, own signalbox.Own, isNew, changed bool) {
	switch {
	case isNew:
		c.Show(own)
		c.Changed(f.env.Now)
		f.writeContact(c, true)
	case changed:
		f.say(c, own)
	}
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
	if c != nil && email.Value != "" && signalbox.Says(c).Email != "" {
		return nil
	}
	return c
}

// identify gives a contact the e-mail and the profile of the signal where it has none and nobody else has them.
func (f *fold) identify(r *signalbox.Contact, c *signalbox.Own, in *Prepared, email, profile signalbox.RecordKey) (changed bool) {
	if _, taken := f.now.Keys[email]; !taken && email.Value != "" && c.Email == "" {
		c.Email, changed = in.subject.Email, true
		f.know(email, signalbox.EntityID(r.ID))
	}
	if _, taken := f.now.Keys[profile]; !taken && profile.Value != "" && c.LinkedInURL == "" {
		c.LinkedInURL, changed = profile.Value, true
		f.know(profile, signalbox.EntityID(r.ID))
	}
	return changed
}

// update takes what a signal says of a person: later non-empty names replace earlier ones, but not those set by hand.
func update(c *signalbox.Own, given signalbox.ContactInput) (changed bool) {
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
		var known signalbox.Record
		if id, ok := f.now.Keys[in.domainKey()]; ok {
			known = f.now.Accounts[signalbox.AccountID(id)]
		}
		if err := f.patchFits("account.attributes", known, patch); err != nil {
			return err
		}
	}
	patch := in.Signal.Contact.Attributes
	if patch == nil {
		return nil
	}
	var known signalbox.Record
	email, profile := in.contactKeys()
	if c := f.matchContact(email, profile); c != nil {
		known = c
	}
	return f.patchFits("contact.attributes", known, patch)
}

// patchFits refuses a patch that would make what a record shows too large; nil is a record to be made.
func (f *fold) patchFits(param string, r signalbox.Record, patch []byte) error {
	if r == nil {
		return fits(param, nil, patch)
	}
	own := signalbox.Says(r)
	own.Attributes, _ = mergeAttributes(own.Attributes, patch)
	return f.wouldFit(param, r, own)
}
