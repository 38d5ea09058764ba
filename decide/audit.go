package decide

import (
	"slices"

	"signalbox"
)

// imported counts what one act's rows did in this turn.
type imported struct {
	act              *signalbox.Act
	workspace        signalbox.WorkspaceID
	what             string
	of               signalbox.ImportID // that is undone; 0: rows come in
	created, updated int
	undone           int // rows of an import that this act took back
	left             int // and that it left alone
}

// audit tells of an input that somebody asked for, unless it changed nothing.
func (f *fold) audit(in *Prepared, action string, about signalbox.Subject, before, after signalbox.Facts) {
	if in.Act == nil {
		return
	}
	was, is := signalbox.Diff(before, after)
	if was == nil && is == nil && before != nil {
		return
	}
	f.tellOf(in.Act, in.Workspace, action, about, was, is)
}

// tellOf adds an entry with an id of this turn: an act whose inputs come into several turns has an entry in each.
func (f *fold) tellOf(act *signalbox.Act, ws signalbox.WorkspaceID, action string, about signalbox.Subject, was, is []byte) {
	f.out.Audit = append(f.out.Audit, signalbox.AuditEntry{
		ID: signalbox.AuditID(f.env.IDs.Next(f.env.Now)), Workspace: ws, At: act.At, Actor: act.Actor, Action: action, Subject: about,
		Before: was, After: is, Request: act.Request,
	})
}

// countRow notes what a row of an import did: the rows of one act are told of together.
func (f *fold) countRow(in *Prepared, what string, out *Outcome) {
	if in.Act == nil || out.Err != nil {
		return
	}
	i := f.imports[in.Act.Entry]
	if i == nil {
		if f.imports == nil {
			f.imports = map[signalbox.AuditID]*imported{}
		}
		i = &imported{act: in.Act, workspace: in.Workspace, what: what}
		f.imports[in.Act.Entry] = i
	}
	switch out.Change {
	case signalbox.RowCreated:
		i.created++
	case signalbox.RowUpdated:
		i.updated++
	}
}

// countUndone notes what became of a row of an import that is undone.
func (f *fold) countUndone(in *Prepared, out *Outcome) {
	if in.Act == nil {
		return
	}
	if f.imports == nil {
		f.imports = map[signalbox.AuditID]*imported{}
	}
	i := f.imports[in.Act.Entry]
	if i == nil {
		i = &imported{act: in.Act, workspace: in.Workspace, what: in.Undo.Kind.String(), of: in.Undo.Import}
		f.imports[in.Act.Entry] = i
	}
	if out.Left == "" {
		i.undone++
	} else {
		i.left++
	}
}

// tellImports tells of the imports that changed something, in the order in which they were asked for.
func (f *fold) tellImports() {
	list := make([]*imported, 0, len(f.imports))
	for _, i := range f.imports {
		if i.created+i.updated+i.undone+i.left > 0 {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b *imported) int { return int(a.act.Entry - b.act.Entry) })
	for _, i := range list {
		if i.of != 0 {
			_, is := signalbox.Diff(nil, signalbox.Facts{"undone": i.undone, "left": i.left})
			f.tellOf(i.act, i.workspace, "import.undone", signalbox.Subject{Type: "import", ID: int64(i.of)}, nil, is)
			continue
		}
		_, is := signalbox.Diff(nil, signalbox.Facts{"created": i.created, "updated": i.updated})
		f.tellOf(i.act, i.workspace, i.what+".imported", signalbox.Subject{Type: i.what}, nil, is)
	}
}

func aboutAccount(a *signalbox.Account) signalbox.Subject {
	name := a.Domain
	if name == "" {
		name = a.Name
	}
	return signalbox.Subject{Type: "account", ID: int64(a.ID), Name: name}
}

func aboutContact(c *signalbox.Contact) signalbox.Subject {
	name := c.Email
	if name == "" {
		name = c.FullName()
	}
	return signalbox.Subject{Type: "contact", ID: int64(c.ID), Name: name}
}
