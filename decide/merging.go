package decide

import (
	"fmt"
	"slices"

	"signalbox"
)

// MergeDeed is what is done about a merge.
type MergeDeed uint8

// The deeds.
const (
	MergeNow     MergeDeed = iota + 1 // From into Into
	MergeAccept                       // the proposal ID
	MergeDismiss                      // the proposal ID
	MergeUndo                         // the merge ID
)

// MergeAct is a person's act about a merge.
type MergeAct struct {
	Deed MergeDeed
	Kind signalbox.RecordKind
	From signalbox.EntityID
	Into signalbox.EntityID
	ID   signalbox.MergeID
}

// mergeAct decides an act about a merge. It touches the records that are merged and no signal, however many they have.
func (f *fold) mergeAct(in *Prepared, out *Outcome) {
	act := in.Merge
	if act.Deed == MergeNow {
		m := signalbox.Merge{
			Workspace: in.Workspace, Kind: act.Kind, Status: signalbox.MergeDone, From: act.From, Into: act.Into, CreatedAt: f.env.Now,
		}
		if out.Err = f.mayMerge(&m); out.Err != nil {
			return
		}
		m.ID = signalbox.MergeID(f.mint(in.Workspace))
		f.join(&m)
		f.restandOf(in, &m)
		f.writeMerge(&m, true)
		f.tellMerge(in, &m, "merged")
		out.Merge = &m
		return
	}
	known := f.now.Merges[act.ID]
	if known == nil || known.Workspace != in.Workspace {
		out.Err = signalbox.NoSuch("merge")
		return
	}
	m := *known
	switch act.Deed {
	case MergeAccept:
		out.Err = f.accept(&m)
	case MergeDismiss:
		if out.Err = f.still(&m, signalbox.MergeProposed, "dismissed"); out.Err == nil {
			m.Status = signalbox.MergeDismissed
		}
	case MergeUndo:
		out.Err = f.undo(&m)
	}
	if out.Err != nil {
		return
	}
	f.restandOf(in, &m)
	f.writeMerge(&m, false)
	f.tellMerge(in, &m, map[MergeDeed]string{MergeAccept: "merged", MergeUndo: "unmerged", MergeDismiss: "merge_dismissed"}[act.Deed])
	out.Merge = &m
}

// tellMerge tells the audit log what became of the record that was merged, or was to be.
func (f *fold) tellMerge(in *Prepared, m *signalbox.Merge, what string) {
	about := signalbox.Subject{Type: m.Kind.String(), ID: int64(m.From)}
	switch r := f.recordOf(m.Kind, m.From).(type) {
	case *signalbox.Account:
		about = aboutAccount(r)
	case *signalbox.Contact:
		about = aboutContact(r)
	}
	f.audit(in, m.Kind.String()+"."+what, about, nil, signalbox.Facts{"merge": f.mergeText(m.ID), "into": f.recordText(m.Kind, m.Into)})
}

// writeMerge has a merge saved.
func (f *fold) writeMerge(m *signalbox.Merge, isNew bool) {
	f.now.Merges[m.ID] = m
	if at := slices.IndexFunc(f.out.Merges, func(w signalbox.Written[signalbox.Merge]) bool { return w.Row.ID == m.ID }); at >= 0 {
		f.out.Merges[at].Row = m
		return
	}
	f.out.Merges = append(f.out.Merges, signalbox.Written[signalbox.Merge]{Row: m, New: isNew})
}

// still refuses an act on a merge that stands elsewhere than it must.
func (f *fold) still(m *signalbox.Merge, want signalbox.MergeStatus, what string) error {
	if m.Status == want {
		return nil
	}
	return signalbox.Errorf(signalbox.Conflict, "the merge %s is %s: only one that is %s can be %s", f.mergeText(m.ID), m.Status, want, what)
}

func (f *fold) mergeText(id signalbox.MergeID) string {
	return f.env.Codec.Format(signalbox.KindMerge, int64(id))
}

func (f *fold) recordText(r signalbox.RecordKind, id signalbox.EntityID) string {
	return f.env.Codec.Format(r.ID(), int64(id))
}

// accept does what was proposed. A proposal whose records have been merged meanwhile, into each other or into the same one, is settled.
func (f *fold) accept(m *signalbox.Merge) error {
	if err := f.still(m, signalbox.MergeProposed, "accepted"); err != nil {
		return err
	}
	if err := f.mayMerge(m); err != nil {
		return err
	}
	m.Status = signalbox.MergeDone
	f.join(m)
	return nil
}

// mayMerge refuses a merge that cannot be, before anything is changed.
func (f *fold) mayMerge(m *signalbox.Merge) error {
	from, into := f.recordOf(m.Kind, m.From), f.recordOf(m.Kind, m.Into)
	switch {
	case from == nil || from.Space() != m.Workspace || from.Gone():
		return signalbox.NoSuch(m.Kind.String())
	case into == nil || into.Space() != m.Workspace || into.Gone():
		return signalbox.InvalidField("into", "into: no such %s", m.Kind)
	case m.From == m.Into:
		return signalbox.InvalidField("into", "into: %s cannot be merged into itself", f.recordText(m.Kind, m.From))
	}
	for _, r := range []signalbox.Record{from, into} {
		if err := f.standsForItself(r); err != nil {
			return err
		}
	}
	if n := size(from) + size(into) + 1; n > signalbox.MaxMerged {
		return signalbox.Errorf(signalbox.Conflict, "%d records would be merged into one, the most is %d", n, signalbox.MaxMerged)
	}
	return fitting("into", len(Blend(append(f.said(into), f.said(from)...)...).Attributes))
}

// said lists what a record and its parts say, its own word first.
func (f *fold) said(r signalbox.Record) []signalbox.Own {
	list := []signalbox.Own{signalbox.Says(r)}
	if parts := r.Parts(); parts != nil {
		for _, part := range parts.Records {
			list = append(list, signalbox.Says(f.part(part.ID)))
		}
	}
	return list
}

// size is how many records are merged into one.
func size(r signalbox.Record) int {
	if parts := r.Parts(); parts != nil {
		return len(parts.Records)
	}
	return 0
}

// standsForItself refuses a record that was merged into another one: who merges looks at what is there.
func (f *fold) standsForItself(r signalbox.Record) error {
	if r.Into() == 0 {
		return nil
	}
	by := f.joinedBy(f.top(r), r.Entity())
	return signalbox.Errorf(signalbox.Conflict, "%s was merged into %s by %s: merge that one, or undo the merge first",
		f.recordText(r.Kind(), r.Entity()), f.recordText(r.Kind(), r.Into()), f.mergeText(by))
}

// joinedBy is the merge that made a record a part of another one.
func (f *fold) joinedBy(top signalbox.Record, id signalbox.EntityID) signalbox.MergeID {
	for _, part := range top.Parts().Records {
		if part.ID == id {
			return part.By
		}
	}
	panic(fmt.Sprintf("record %d is merged into %d, which does not know it", id, top.Entity()))
}

// join makes one record, with all that was merged into it, a part of another one.
func (f *fold) join(m *signalbox.Merge) {
	from, into := f.recordOf(m.Kind, m.From), f.recordOf(m.Kind, m.Into)
	parts := signalbox.Merged{Own: into.Shown()}
	if have := into.Parts(); have != nil {
		parts = signalbox.Merged{Own: have.Own, Records: slices.Clone(have.Records)}
	}
	parts.Records = append(parts.Records, signalbox.MergedRecord{ID: m.From, By: m.ID})
	f.move(from, m.Into)
	if have := from.Parts(); have != nil {
		for _, part := range have.Records {
			part.Under = true
			parts.Records = append(parts.Records, part)
			f.move(f.part(part.ID), m.Into)
		}
	}
	f.note(into)
	into.Keep(&parts)
	f.refresh(into)
	f.touch(into)
}

// move has a record stand for by another one, or, with 0, for itself.
func (f *fold) move(r signalbox.Record, into signalbox.EntityID) {
	f.note(r)
	r.Join(into)
	f.touch(r)
}

// undo takes a merge back: what it joined stands for itself again, with all that its own keys brought since. Only the latest merge of a record
// can be undone, so that what is left is what was there before it.
func (f *fold) undo(m *signalbox.Merge) error {
	if err := f.still(m, signalbox.MergeDone, "undone"); err != nil {
		return err
	}
	from, into := f.recordOf(m.Kind, m.From), f.recordOf(m.Kind, m.Into)
	if from == nil || into == nil || from.Gone() || into.Gone() {
		return signalbox.Errorf(signalbox.Conflict, "the merge %s cannot be undone: its records were erased", f.mergeText(m.ID))
	}
	if later := f.laterThan(m, into); later != 0 {
		return signalbox.Errorf(signalbox.Conflict, "the merge %s cannot be undone while %s stands, a later one of the same record: undo that one first",
			f.mergeText(m.ID), f.mergeText(later))
	}
	parts := *into.Parts()
	leaves := map[signalbox.EntityID]bool{m.From: true}
	f.move(from, 0)
	if have := from.Parts(); have != nil {
		for _, part := range have.Records {
			leaves[part.ID] = true
			f.move(f.part(part.ID), m.From)
		}
		f.refresh(from)
	}
	parts.Records = slices.DeleteFunc(slices.Clone(parts.Records), func(part signalbox.MergedRecord) bool { return leaves[part.ID] })
	f.note(into)
	if into.Keep(&parts); len(parts.Records) == 0 {
		into.Keep(nil)
		into.Show(alone(parts.Own))
	}
	f.refresh(into)
	f.touch(into)
	m.Status, m.UndoneAt = signalbox.MergeUndone, f.env.Now
	return nil
}

// alone is what a record says when nothing is merged into it any more: there is nobody left whose word a removal would keep out.
func alone(own signalbox.Own) signalbox.Own {
	own.Removed = nil
	return own
}

// laterThan is the merge that stands in the way of undoing m: that of its survivor into another record, or the latest one into it; 0 for none.
func (f *fold) laterThan(m *signalbox.Merge, into signalbox.Record) (later signalbox.MergeID) {
	if into.Into() != 0 {
		return f.joinedBy(f.top(into), into.Entity())
	}
	for _, part := range into.Parts().Records { // in the order of the merges
		switch {
		case part.ID == m.From:
			later = 0
		case !part.Under:
			later = part.By
		}
	}
	return later
}

// propose notes that two records look the same. The older one would survive. Nothing is proposed of those that are merged already.
func (f *fold) propose(a, b signalbox.Record, why signalbox.MergeReason) {
	a, b = f.top(a), f.top(b)
	if a.Entity() == b.Entity() || a.Gone() || b.Gone() {
		return
	}
	into, from := a, b
	if why != signalbox.SameDomain && from.Entity() < into.Entity() {
		into, from = from, into
	}
	pair := func(m signalbox.Merge) bool { return m.From == from.Entity() && m.Into == into.Entity() }
	if slices.ContainsFunc(f.out.Proposals, pair) {
		return
	}
	f.out.Proposals = append(f.out.Proposals, signalbox.Merge{
		ID: signalbox.MergeID(f.mint(a.Space())), Workspace: a.Space(), Kind: a.Kind(), Status: signalbox.MergeProposed,
		From: from.Entity(), Into: into.Entity(), Reason: why, CreatedAt: f.env.Now,
	})
}
