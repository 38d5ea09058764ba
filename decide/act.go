package decide

import (
	"maps"
	"slices"

	"signalbox"
)

// accountAct patches or erases an account: the one that stands for it, when it was merged.
func (f *fold) accountAct(in *Prepared, out *Outcome) {
	a := f.topAccount(f.now.Accounts[in.Account.ID])
	if a == nil || a.Workspace != in.Workspace || !a.ErasedAt.IsZero() {
		out.Err = signalbox.NoSuch("account")
		return
	}
	if in.Account.Erase {
		f.audit(in, "account.erased", signalbox.Subject{Type: "account", ID: int64(a.ID)}, nil, nil)
		out.Job = f.erase(in, a, signalbox.JobEraseAccount)
		return
	}
	own := signalbox.Says(a)
	patchAccount(&own, in.Account.Patch, a.Merged != nil)
	if out.Err = f.wouldFit("attributes", a, own); out.Err != nil {
		return
	}
	before := a.Facts()
	f.say(a, own)
	f.changed(in, a)
	f.audit(in, "account.updated", aboutAccount(a), before, a.Facts())
	answer := *a
	out.Account = &answer
}

// contactAct patches or erases a contact: the one that stands for it, when it was merged.
func (f *fold) contactAct(in *Prepared, out *Outcome) {
	c := f.topContact(f.now.Contacts[in.Contact.ID])
	if c == nil || c.Workspace != in.Workspace || !c.ErasedAt.IsZero() {
		out.Err = signalbox.NoSuch("contact")
		return
	}
	if in.Contact.Erase {
		f.audit(in, "contact.erased", signalbox.Subject{Type: "contact", ID: int64(c.ID)}, nil, nil)
		out.Job = f.erase(in, c, signalbox.JobEraseContact)
		return
	}
	own := signalbox.Says(c)
	patchContact(&own, in.Contact.Patch, c.Merged != nil)
	if out.Err = f.wouldFit("attributes", c, own); out.Err != nil {
		return
	}
	before := c.Facts()
	f.say(c, own)
	f.changed(in, c)
	f.audit(in, "contact.updated", aboutContact(c), before, c.Facts())
	answer := *c
	out.Contact = &answer
}

// erase takes a record and all that was merged into it out of sight, and gives up the keys that they are known by: the next signal that names one is
// about somebody new. A job for each takes the rest away; the answer is that of the survivor.
func (f *fold) erase(in *Prepared, r signalbox.Record, kind signalbox.JobKind) *signalbox.Job {
	list := []signalbox.Record{r}
	if parts := r.Parts(); parts != nil {
		for _, part := range parts.Records {
			list = append(list, f.part(part.ID))
		}
	}
	var first *signalbox.Job
	for _, r := range list {
		f.blank(in, r)
		if job := f.job(in.Workspace, kind, int64(r.Entity())); first == nil {
			first = job
		}
	}
	return first
}

// blank leaves a row of a record that says nothing, and gives up its keys.
func (f *fold) blank(in *Prepared, r signalbox.Record) {
	f.note(r)
	f.dissolve(in, r)
	f.forgetKeys(in.Workspace, r)
	switch r := r.(type) {
	case *signalbox.Account:
		*r = signalbox.Account{ID: r.ID, Workspace: r.Workspace, Revision: r.Revision, CreatedAt: r.CreatedAt, ErasedAt: f.env.Now, MergedInto: r.MergedInto}
	case *signalbox.Contact:
		*r = signalbox.Contact{ID: r.ID, Workspace: r.Workspace, Revision: r.Revision, CreatedAt: r.CreatedAt, ErasedAt: f.env.Now, MergedInto: r.MergedInto}
	}
	f.touch(r)
}

// forgetKeys gives up the keys that a record is known by itself.
func (f *fold) forgetKeys(ws signalbox.WorkspaceID, r signalbox.Record) {
	own := signalbox.Says(r)
	for _, key := range []signalbox.RecordKey{
		{Workspace: ws, Kind: signalbox.KeyDomain, Value: own.Domain},
		{Workspace: ws, Kind: signalbox.KeyEmail, Value: matchOf(own.Email)},
		{Workspace: ws, Kind: signalbox.KeyLinkedIn, Value: own.LinkedInURL},
	} {
		if key.Value != "" {
			f.forget(key)
		}
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

// patchAccount changes what a patch names, and says whether the account is another one now. joined: others are merged into it, and what the
// patch removes they are not to fill.
func patchAccount(own *signalbox.Own, patch signalbox.AccountPatch, joined bool) (changed bool) {
	before := *own
	set(&own.Name, patch.Name)
	set(&own.Status, patch.Status)
	own.Attributes, _ = mergeAttributes(own.Attributes, patch.Attributes)
	if joined {
		remove(own, patch.Attributes, map[string]*string{"name": patch.Name, "status": patch.Status})
	}
	return !own.Equal(&before)
}

// patchContact changes what a patch names, and says whether the contact is another one now.
func patchContact(own *signalbox.Own, patch signalbox.ContactPatch, joined bool) (changed bool) {
	before := *own
	setByHand(own, &own.FirstName, patch.FirstName, signalbox.ByHandFirstName)
	setByHand(own, &own.LastName, patch.LastName, signalbox.ByHandLastName)
	setByHand(own, &own.Title, patch.Title, signalbox.ByHandTitle)
	own.Attributes, _ = mergeAttributes(own.Attributes, patch.Attributes)
	if joined {
		remove(own, patch.Attributes, map[string]*string{"first_name": patch.FirstName, "last_name": patch.LastName, "title": patch.Title})
	}
	return !own.Equal(&before)
}

// remove remembers what a patch removes.
func remove(own *signalbox.Own, attributes []byte, texts map[string]*string) {
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if value := texts[name]; value != nil && *value == "" {
			own.Removed = addPath(own.Removed, []string{name})
		}
	}
	own.Removed = removals(own.Removed, attributes, []string{"attributes"})
}

// set changes a field that a patch names.
func set(field *string, value *string) {
	if value != nil {
		*field = *value
	}
}

// setByHand changes a field that a patch names and keeps signals from replacing it; removing it hands it back to them.
func setByHand(c *signalbox.Own, field *string, value *string, flag signalbox.ByHand) {
	if value == nil {
		return
	}
	*field = *value
	c.ByHand |= flag
	if *value == "" {
		c.ByHand &^= flag
	}
}
