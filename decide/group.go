package decide

import (
	"slices"

	"signalbox"
)

// Records that are merged stay what they are: each keeps its row, its keys, its timeline and what it says by itself (signalbox.Says), and a
// signal is matched to it as if nothing had been merged. The one that survives shows what all of them say together. So nothing has to be moved, and
// undoing a merge cannot lose anything.

// recordOf is the record of an id, nil when the situation has none.
func (f *fold) recordOf(kind signalbox.RecordKind, id signalbox.EntityID) signalbox.Record {
	if kind == signalbox.ContactRecord {
		if c := f.now.Contacts[signalbox.ContactID(id)]; c != nil {
			return c
		}
		return nil
	}
	if a := f.now.Accounts[signalbox.AccountID(id)]; a != nil {
		return a
	}
	return nil
}

// top is the record that stands for r: itself unless it was merged into another one.
func (f *fold) top(r signalbox.Record) signalbox.Record {
	if into := r.Into(); into != 0 {
		return f.recordOf(r.Kind(), into)
	}
	return r
}

// topAccount is top for an account, nil for nil.
func (f *fold) topAccount(a *signalbox.Account) *signalbox.Account {
	if a == nil || a.MergedInto == 0 {
		return a
	}
	return f.now.Accounts[a.MergedInto]
}

// topContact is top for a contact, nil for nil.
func (f *fold) topContact(c *signalbox.Contact) *signalbox.Contact {
	if c == nil || c.MergedInto == 0 {
		return c
	}
	return f.now.Contacts[c.MergedInto]
}

// say makes a record say something else by itself, and the one that stands for it show that.
func (f *fold) say(r signalbox.Record, own signalbox.Own) {
	top := f.top(r)
	f.note(r)
	f.note(top)
	if parts := r.Parts(); parts != nil {
		changed := *parts
		changed.Own = own
		r.Keep(&changed)
	} else {
		r.Show(own)
	}
	f.touch(r)
	if f.refresh(top) && top.Entity() != r.Entity() {
		f.touch(top)
	}
}

// refresh makes a record show what all its parts say, and says whether that is news.
func (f *fold) refresh(r signalbox.Record) bool {
	if r.Parts() == nil {
		return false
	}
	before, now := r.Shown(), f.blend(r.Parts())
	f.note(r)
	r.Show(now)
	return !now.Equal(&before)
}

// touch saves a record as its next revision.
func (f *fold) touch(r signalbox.Record) {
	r.Changed(f.env.Now)
	f.write(r)
}

func (f *fold) write(r signalbox.Record) {
	switch r := r.(type) {
	case *signalbox.Account:
		f.writeAccount(r, false)
	case *signalbox.Contact:
		f.writeContact(r, false)
	}
}

// note remembers what a record was found by before this turn changes it.
func (f *fold) note(r signalbox.Record) {
	if _, ok := f.foundBy[r.Entity()]; !ok {
		f.foundBy[r.Entity()] = r.FoundBy()
	}
}

// blend works out what a record shows: what it says itself, and where it says nothing, what its parts say, the first one first.
func (f *fold) blend(parts *signalbox.Merged) signalbox.Own {
	said := make([]signalbox.Own, 0, 1+len(parts.Records))
	said = append(said, parts.Own)
	for _, part := range parts.Records {
		said = append(said, signalbox.Says(f.part(part.ID)))
	}
	return Blend(said...)
}

// part is a record of a merged one: the store loads all of them.
func (f *fold) part(id signalbox.EntityID) signalbox.Record {
	if r := f.recordOf(signalbox.AccountRecord, id); r != nil {
		return r
	}
	return f.recordOf(signalbox.ContactRecord, id)
}

// wouldFit refuses what a record is to say by itself when what is shown in the end would be larger than it may be.
func (f *fold) wouldFit(param string, r signalbox.Record, own signalbox.Own) error {
	shown, top := own, f.top(r)
	if parts := top.Parts(); parts != nil {
		said := []signalbox.Own{parts.Own}
		if top.Entity() == r.Entity() {
			said[0] = own
		}
		for _, part := range parts.Records {
			if part.ID == r.Entity() {
				said = append(said, own)
				continue
			}
			said = append(said, signalbox.Says(f.part(part.ID)))
		}
		shown = Blend(said...)
	}
	return fitting(param, max(len(shown.Attributes), len(own.Attributes)))
}

// Blend joins what several records say: the first one's word counts, and the others fill its gaps, attribute by attribute. What a person has
// removed from one is not filled by those behind it.
func Blend(said ...signalbox.Own) signalbox.Own {
	shown := said[0]
	removed := slices.Clone(shown.Removed)
	for i := range said[1:] {
		next := &said[i+1]
		fill := func(field *string, value, name string) {
			if *field == "" && !isRemoved(removed, name) {
				*field = value
			}
		}
		fill(&shown.Domain, next.Domain, "domain")
		fill(&shown.Name, next.Name, "name")
		fill(&shown.Status, next.Status, "status")
		fill(&shown.Email, next.Email, "email")
		fill(&shown.FirstName, next.FirstName, "first_name")
		fill(&shown.LastName, next.LastName, "last_name")
		fill(&shown.Title, next.Title, "title")
		fill(&shown.LinkedInURL, next.LinkedInURL, "linkedin_url")
		if shown.Account == 0 {
			shown.Account = next.Account
		}
		if len(next.Attributes) > 0 && !isRemoved(removed, "attributes") {
			have := []byte(shown.Attributes)
			if len(have) == 0 {
				have = []byte("{}")
			}
			if shown.Attributes = fillObject(have, next.Attributes, removed, []string{"attributes"}); string(shown.Attributes) == "{}" {
				shown.Attributes = nil
			}
		}
		removed = append(removed, next.Removed...)
	}
	shown.Removed = nil
	return shown
}

func isRemoved(removed [][]string, path ...string) bool {
	return slices.ContainsFunc(removed, func(p []string) bool { return slices.Equal(p, path) })
}

// fillObject adds to an object the members of another one that it has not, however deep, but for removed ones.
func fillObject(have, from []byte, removed [][]string, path []string) []byte {
	members := membersOf(have)
	for _, m := range membersOf(from) {
		below := append(slices.Clone(path), m.name)
		if isRemoved(removed, below...) {
			continue
		}
		at := slices.IndexFunc(members, func(known member) bool { return known.name == m.name })
		switch {
		case at < 0 && m.value.Kind() == '{':
			members = append(members, member{m.name, fillObject([]byte("{}"), m.value, removed, below)})
		case at < 0:
			members = append(members, m)
		case members[at].value.Kind() == '{' && m.value.Kind() == '{':
			members[at].value = fillObject(members[at].value, m.value, removed, below)
		}
	}
	return objectOf(members)
}

// removals adds to the removed paths what a merge patch of attributes takes away.
func removals(removed [][]string, patch []byte, path []string) [][]string {
	if string(patch) == "null" {
		return addPath(removed, path)
	}
	if len(patch) == 0 || patch[0] != '{' {
		return removed
	}
	for _, m := range membersOf(patch) {
		removed = removals(removed, m.value, append(slices.Clone(path), m.name))
	}
	return removed
}

// addPath adds a path once; the caller's list is not changed.
func addPath(removed [][]string, path []string) [][]string {
	if isRemoved(removed, path...) {
		return removed
	}
	return append(slices.Clone(removed), path)
}
