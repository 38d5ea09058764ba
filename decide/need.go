package decide

import (
	"slices"

	"signalbox"
)

// Need says what the store must read for these inputs, each thing once.
func Need(inputs []Prepared) signalbox.Need {
	n := needs{seen: make(map[signalbox.RecordKey]bool, 2*len(inputs))}
	heads := map[signalbox.WorkspaceID]bool{}
	for i := range inputs {
		in := &inputs[i]
		if !heads[in.Workspace] {
			heads[in.Workspace] = true
			n.Workspaces = append(n.Workspaces, in.Workspace)
		}
		switch {
		case in.Signal != nil:
			n.signal(in)
		case in.Account != nil && in.Account.Row != nil, in.Contact != nil && in.Contact.Row != nil:
			n.subject(in)
			n.imported(in)
		case in.Undo != nil && in.Undo.Kind == signalbox.ContactRecord:
			n.Contacts = append(n.Contacts, signalbox.ContactID(in.Undo.Entity))
		case in.Undo != nil:
			n.Accounts = append(n.Accounts, signalbox.AccountID(in.Undo.Entity))
		case in.Account != nil:
			n.Accounts = append(n.Accounts, in.Account.ID)
		case in.Contact != nil:
			n.Contacts = append(n.Contacts, in.Contact.ID)
		case in.Merge != nil:
			n.merge(in.Merge)
		case in.Linked != nil:
			if in.Linked.ID != 0 {
				n.Linked = append(n.Linked, signalbox.LinkedKey{Workspace: in.Workspace, ID: in.Linked.ID})
			}
		case in.Sync != nil:
			n.Syncs = append(n.Syncs, in.Sync.Key())
			for _, p := range in.emits {
				if p != nil {
					n.signal(p)
				}
			}
		case in.Qualify != nil:
			if in.Qualify.Account != 0 {
				n.Accounts = append(n.Accounts, in.Qualify.Account)
			}
			if in.Qualify.Contact != 0 {
				n.Contacts = append(n.Contacts, in.Qualify.Contact)
			}
		case in.Due != 0: // ids are unique over both kinds
			n.Accounts = append(n.Accounts, signalbox.AccountID(in.Due))
			n.Contacts = append(n.Contacts, signalbox.ContactID(in.Due))
		}
	}
	slices.Sort(n.Workspaces)
	return n.Need
}

// needs collects a Need.
type needs struct {
	signalbox.Need
	seen map[signalbox.RecordKey]bool
}

// subject adds the keys of whom an input is about.
func (n *needs) subject(in *Prepared) {
	n.key(in.Workspace, signalbox.KeyDomain, in.subject.AccountDomain)
	n.key(in.Workspace, signalbox.KeyEmail, in.subject.EmailMatch)
	n.key(in.Workspace, signalbox.KeyLinkedIn, in.subject.LinkedIn)
}

func (n *needs) signal(in *Prepared) {
	n.subject(in)
	if in.typeID == 0 {
		n.Types = append(n.Types, signalbox.TypeKey{Workspace: in.Workspace, Name: in.Signal.Type})
	}
	if in.capture != (signalbox.AnswerKey{}) {
		n.Captures = append(n.Captures, in.capture)
	}
	if key, ok := in.AnswerKey(); ok {
		n.Answered = append(n.Answered, key)
	}
	for _, m := range meterKeys(in) {
		if !slices.Contains(n.Meters, m) {
			n.Meters = append(n.Meters, m)
		}
	}
}

// imported adds the import of a row.
func (n *needs) imported(in *Prepared) {
	if key := in.importKey(); key.Name != "" && !slices.Contains(n.Imports, key) {
		n.Imports = append(n.Imports, key)
	}
}

func (n *needs) merge(act *MergeAct) {
	switch {
	case act.Deed != MergeNow:
		n.Merges = append(n.Merges, act.ID)
	case act.Kind == signalbox.ContactRecord:
		n.Contacts = append(n.Contacts, signalbox.ContactID(act.From), signalbox.ContactID(act.Into))
	default:
		n.Accounts = append(n.Accounts, signalbox.AccountID(act.From), signalbox.AccountID(act.Into))
	}
}

func (n *needs) key(ws signalbox.WorkspaceID, kind signalbox.KeyKind, value string) {
	key := signalbox.RecordKey{Workspace: ws, Kind: kind, Value: value}
	if value == "" || n.seen[key] {
		return
	}
	n.seen[key] = true
	n.Keys = append(n.Keys, key)
}
