package decide

import (
	"signalbox"
)

// importKey names the import that a row belongs to; its name is "" for none.
func (p *Prepared) importKey() signalbox.ImportKey {
	key := signalbox.ImportKey{Workspace: p.Workspace}
	switch {
	case p.Account != nil && p.Account.Row != nil:
		key.Name = p.Account.Row.Import
	case p.Contact != nil && p.Contact.Row != nil:
		key.Name = p.Contact.Row.Import
	}
	return key
}

// image is a record before a row of an import changed it; nil for one that is not there.
type image struct {
	own      signalbox.Own
	revision int64
}

func imageOf(r signalbox.Record) *image {
	return &image{own: signalbox.Says(r), revision: r.Rev()}
}

// imported notes what a row did to a record, so that its import can be undone: nothing when the row has no import, or changed nothing.
func (f *fold) imported(in *Prepared, r signalbox.Record, before *image) {
	key := in.importKey()
	if key.Name == "" || before != nil && before.revision == r.Rev() {
		return
	}
	id, known := f.now.Imports[key]
	if !known {
		id = signalbox.ImportID(f.mint(in.Workspace))
		f.now.Imports[key] = id
		f.out.Imports = append(f.out.Imports, signalbox.Import{ID: id, Workspace: in.Workspace, Name: key.Name, CreatedAt: f.env.Now})
	}
	row := signalbox.ImportedRow{Workspace: in.Workspace, Import: id, Kind: r.Kind(), Entity: r.Entity(), Made: before == nil, Revision: r.Rev()}
	if before != nil {
		row.Before, row.Was = &before.own, before.revision
	}
	f.out.Imported = append(f.out.Imported, row)
}

// Why undoing an import leaves a record alone.
const (
	leftGone    = "it was erased"
	leftChanged = "it was changed since"
	leftMerged  = "it was merged since"
	leftSignals = "signals came about it"
	leftUsed    = "contacts belong to it that the import did not make"
)

// undoRow takes back what an import did to a record: one that it changed says again what it said before, one that it made is removed. Where
// somebody else has touched the record since, it is left as it is.
func (f *fold) undoRow(in *Prepared, out *Outcome) {
	row := in.Undo
	r := f.recordOf(row.Kind, row.Entity)
	switch {
	case r == nil || r.Space() != in.Workspace || r.Gone():
		out.Left = leftGone
	case r.Into() != 0 || r.Parts() != nil && row.Made:
		out.Left = leftMerged
	case r.Rev() != row.Revision:
		out.Left = leftChanged
	case row.Made && f.now.States[row.Entity] != nil && f.now.States[row.Entity].Signals > 0:
		out.Left = leftSignals
	case row.Made && row.Used:
		out.Left = leftUsed
	case row.Made:
		f.blank(in, r)
		f.out.Unimported = append(f.out.Unimported, *row)
	default:
		before := *row.Before
		f.lostKeys(in, r, before)
		f.say(r, before)
		f.changed(in, f.top(r))
		f.out.Unimported = append(f.out.Unimported, *row)
	}
	f.countUndone(in, out)
	if out.Left == leftGone {
		f.out.Unimported = append(f.out.Unimported, *row)
	}
}

// lostKeys gives up the keys that an import brought to a record.
func (f *fold) lostKeys(in *Prepared, r signalbox.Record, before signalbox.Own) {
	own := signalbox.Says(r)
	if match := matchOf(own.Email); match != "" && before.Email == "" {
		f.forget(signalbox.RecordKey{Workspace: in.Workspace, Kind: signalbox.KeyEmail, Value: match})
	}
	if own.LinkedInURL != "" && before.LinkedInURL == "" {
		f.forget(signalbox.RecordKey{Workspace: in.Workspace, Kind: signalbox.KeyLinkedIn, Value: own.LinkedInURL})
	}
}
