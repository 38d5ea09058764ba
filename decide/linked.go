package decide

import (
	"bytes"

	"signalbox"
)

// LinkedAct is a person's act on a linked account; exactly one of its deeds is set.
type LinkedAct struct {
	ID     signalbox.LinkedAccountID // of Patch and Unlink
	Link   *signalbox.LinkedAccount  // to be made; its id, revision and times are given here
	Patch  *signalbox.LinkedPatch
	Unlink bool // it is deleted, with its streams and all that is kept of their records
}

// linkedAct makes, changes or deletes a linked account, and tells of it at once (S4-9).
func (f *fold) linkedAct(in *Prepared, out *Outcome) {
	if in.Linked.Link != nil {
		out.Linked = f.connect(in)
		return
	}
	key := signalbox.LinkedKey{Workspace: in.Workspace, ID: in.Linked.ID}
	state := f.now.Linked[key]
	if state == nil {
		out.Err = signalbox.NoSuch("linked_account")
		return
	}
	if in.Linked.Unlink {
		f.unlink(in, state)
		return
	}
	next := state.LinkedAccount
	in.Linked.Patch.Apply(&next)
	if out.Err = next.Check(); out.Err != nil {
		return
	}
	answer := next
	if out.Linked = &answer; sameLinked(&state.LinkedAccount, &next) {
		return
	}
	next.Revision, next.UpdatedAt = next.Revision+1, f.env.Now
	f.audit(in, "linked_account.updated", aboutLinked(&next), state.LinkedAccount.Facts(), next.Facts())
	if next.Status == signalbox.LinkedActive && state.Status != signalbox.LinkedActive {
		f.fetchAgain(state)
	}
	state.LinkedAccount, answer = next, next
	f.keepLinked(&answer, false)
	f.tell(in, event{name: "linked_account.updated", linked: &answer})
}

// connect makes a linked account.
func (f *fold) connect(in *Prepared) *signalbox.LinkedAccount {
	l := *in.Linked.Link
	l.ID, l.Workspace, l.Revision = signalbox.LinkedAccountID(f.mint(in.Workspace)), in.Workspace, 1
	l.CreatedAt, l.UpdatedAt = f.env.Now, f.env.Now
	f.now.Linked[signalbox.LinkedKey{Workspace: l.Workspace, ID: l.ID}] = &signalbox.LinkedState{LinkedAccount: l}
	f.keepLinked(&l, true)
	f.audit(in, "linked_account.created", aboutLinked(&l), nil, l.Facts())
	f.tell(in, event{name: "linked_account.created", linked: &l})
	return &l
}

// unlink deletes a linked account. Its streams are gone with it; a job for each forgets what was kept of their records.
func (f *fold) unlink(in *Prepared, state *signalbox.LinkedState) {
	l := state.LinkedAccount
	key := signalbox.LinkedKey{Workspace: l.Workspace, ID: l.ID}
	delete(f.now.Linked, key)
	f.out.Unlinked = append(f.out.Unlinked, signalbox.Unlinked{LinkedKey: key, At: f.env.Now})
	for _, stream := range state.Streams {
		delete(f.now.Syncs, stream)
		f.out.Due = append(f.out.Due, signalbox.Due{Kind: signalbox.DueStream, Workspace: l.Workspace, Subject: int64(stream)})
		f.job(in.Workspace, signalbox.JobDropStream, int64(stream))
	}
	f.audit(in, "linked_account.deleted", aboutLinked(&l), l.Facts(), nil)
	f.tell(in, event{name: "linked_account.deleted", linked: &l})
}

// fetchAgain has the streams of an account looked at that was inactive: while it was, they had no due rows.
func (f *fold) fetchAgain(state *signalbox.LinkedState) {
	for _, stream := range state.Streams {
		f.out.Sooner = append(f.out.Sooner, signalbox.Due{Kind: signalbox.DueStream, Workspace: state.Workspace, Subject: int64(stream), At: f.env.Now})
	}
}

// keepLinked has a linked account saved as it stands after the turn: the last word on one counts.
func (f *fold) keepLinked(l *signalbox.LinkedAccount, isNew bool) {
	for _, st := range f.now.Syncs { // slices behind it in this turn tell of it as it is now
		if st.Linked.ID == l.ID {
			st.Linked = *l
		}
	}
	for i := range f.out.Linked {
		if f.out.Linked[i].Row.ID == l.ID {
			f.out.Linked[i].Row = l
			return
		}
	}
	f.out.Linked = append(f.out.Linked, signalbox.Written[signalbox.LinkedAccount]{Row: l, New: isNew})
}

func sameLinked(a, b *signalbox.LinkedAccount) bool {
	return a.OriginOwnerID == b.OriginOwnerID && a.OriginOwnerName == b.OriginOwnerName && a.OriginUsername == b.OriginUsername && a.Status == b.Status &&
		bytes.Equal(a.Setup, b.Setup)
}

func aboutLinked(l *signalbox.LinkedAccount) signalbox.Subject {
	name := l.OriginOwnerName
	if name == "" {
		name = l.Provider
	}
	return signalbox.Subject{Type: "linked_account", ID: int64(l.ID), Name: name}
}
