package decide

import (
	"signalbox"
)

// accountAct patches or erases an account.
func (f *fold) accountAct(in *Prepared, out *Outcome) {
	a := f.now.Accounts[in.Account.ID]
	if a == nil || a.Workspace != in.Workspace || !a.ErasedAt.IsZero() {
		out.Err = signalbox.NoSuch("account")
		return
	}
	if in.Account.Erase {
		if a.Domain != "" {
			f.forget(signalbox.RecordKey{Workspace: in.Workspace, Kind: signalbox.KeyDomain, Value: a.Domain})
		}
		f.audit(in, "account.erased", signalbox.Subject{Type: "account", ID: int64(a.ID)}, nil, nil)
		*a = signalbox.Account{ID: a.ID, Workspace: a.Workspace, Revision: a.Revision + 1, CreatedAt: a.CreatedAt, UpdatedAt: f.env.Now, ErasedAt: f.env.Now}
		f.writeAccount(a, false)
		out.Job = f.job(in.Workspace, signalbox.JobEraseAccount, int64(a.ID))
		return
	}
	patch := in.Account.Patch
	if out.Err = fits("attributes", a.Attributes, patch.Attributes); out.Err != nil {
		return
	}
	before := a.Facts()
	patchAccount(a, patch)
	f.audit(in, "account.updated", aboutAccount(a), before, a.Facts())
	a.Revision, a.UpdatedAt = a.Revision+1, f.env.Now
	f.writeAccount(a, false)
	answer := *a
	out.Account = &answer
}

// contactAct patches or erases a contact.
func (f *fold) contactAct(in *Prepared, out *Outcome) {
	c := f.now.Contacts[in.Contact.ID]
	if c == nil || c.Workspace != in.Workspace || !c.ErasedAt.IsZero() {
		out.Err = signalbox.NoSuch("contact")
		return
	}
	if in.Contact.Erase {
		f.forgetContact(in, c)
		f.audit(in, "contact.erased", signalbox.Subject{Type: "contact", ID: int64(c.ID)}, nil, nil)
		*c = signalbox.Contact{ID: c.ID, Workspace: c.Workspace, Revision: c.Revision + 1, CreatedAt: c.CreatedAt, UpdatedAt: f.env.Now, ErasedAt: f.env.Now}
		f.writeContact(c, false)
		out.Job = f.job(in.Workspace, signalbox.JobEraseContact, int64(c.ID))
		return
	}
	patch := in.Contact.Patch
	if out.Err = fits("attributes", c.Attributes, patch.Attributes); out.Err != nil {
		return
	}
	before := c.Facts()
	patchContact(c, patch)
	f.audit(in, "contact.updated", aboutContact(c), before, c.Facts())
	c.Revision, c.UpdatedAt = c.Revision+1, f.env.Now
	f.writeContact(c, false)
	answer := *c
	out.Contact = &answer
}

// forgetContact gives up the keys that a contact is known by.
func (f *fold) forgetContact(in *Prepared, c *signalbox.Contact) {
	if match := matchOf(c.Email); match != "" {
		f.forget(signalbox.RecordKey{Workspace: in.Workspace, Kind: signalbox.KeyEmail, Value: match})
	}
	if c.LinkedInURL != "" {
		f.forget(signalbox.RecordKey{Workspace: in.Workspace, Kind: signalbox.KeyLinkedIn, Value: c.LinkedInURL})
	}
}

// forget gives up a key: the next signal that names it is about somebody new.
func (f *fold) forget(key signalbox.RecordKey) {
	delete(f.now.Keys, key)
	f.out.Freed = append(f.out.Freed, key)
}

func (f *fold) job(ws signalbox.WorkspaceID, kind signalbox.JobKind, subject int64) *signalbox.Job {
	j := signalbox.Job{
		ID: signalbox.JobID(f.mint(ws)), Workspace: ws, Kind: kind, Status: signalbox.JobQueued, Subject: subject,
		CreatedAt: f.env.Now, UpdatedAt: f.env.Now,
	}
	f.out.Jobs = append(f.out.Jobs, j)
	return &j
}

// patchAccount changes what a patch names, and says whether the account is another one now.
func patchAccount(a *signalbox.Account, patch signalbox.AccountPatch) (changed bool) {
	before := *a
	set(&a.Name, patch.Name)
	set(&a.Status, patch.Status)
	a.Attributes, changed = mergeAttributes(a.Attributes, patch.Attributes)
	return changed || a.Name != before.Name || a.Status != before.Status
}

// patchContact changes what a patch names, and says whether the contact is another one now.
func patchContact(c *signalbox.Contact, patch signalbox.ContactPatch) (changed bool) {
	before := *c
	setByHand(c, &c.FirstName, patch.FirstName, signalbox.ByHandFirstName)
	setByHand(c, &c.LastName, patch.LastName, signalbox.ByHandLastName)
	setByHand(c, &c.Title, patch.Title, signalbox.ByHandTitle)
	c.Attributes, changed = mergeAttributes(c.Attributes, patch.Attributes)
	return changed || c.FirstName != before.FirstName || c.LastName != before.LastName || c.Title != before.Title || c.ByHand != before.ByHand
}

// set changes a field that a patch names.
func set(field *string, value *string) {
	if value != nil {
		*field = *value
	}
}

// setByHand changes a field that a patch names and keeps signals from replacing it; removing it hands it back to them.
func setByHand(c *signalbox.Contact, field *string, value *string, flag signalbox.ByHand) {
	if value == nil {
		return
	}
	*field = *value
	c.ByHand |= flag
	if *value == "" {
		c.ByHand &^= flag
	}
}
