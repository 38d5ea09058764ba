package storesuite

import (
	"fmt"

	"signalbox"
)

// declare declares a type, or with drop takes its declaration away.
func (b *Box) declare(y signalbox.SignalType, drop bool) error {
	d := signalbox.Definition{ID: int64(y.ID), Workspace: y.Workspace, Kind: signalbox.DefinedType, Code: y.Name, Body: []byte(`{"label":"X"}`)}
	return b.DB.Define(b.Context(), y.Workspace, b.Now, func(*signalbox.Definitions) (*signalbox.Redefinition, error) {
		y.Declared = !drop
		if drop {
			return &signalbox.Redefinition{Drop: &d, Type: &y}, nil
		}
		return &signalbox.Redefinition{Put: &d, Type: &y}, nil
	})
}

func (b *Box) newType(name string) signalbox.SignalType {
	return signalbox.SignalType{ID: signalbox.TypeID(b.ID()), Workspace: b.WS, Name: name, CreatedAt: b.Now}
}

// wantTypes holds what the workspace's types are, and how many its head says.
func (b *Box) wantTypes(want ...signalbox.SignalType) {
	b.Helper()
	got, err := b.DB.Types(b.Context(), b.WS)
	b.Must(err)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.Errorf("the types are %+v, want %+v", got, want)
	}
	d, err := b.DB.Definitions(b.Context(), b.WS)
	b.Must(err)
	for _, y := range want {
		settings, ok := d.Settings[y.Name]
		if d.Types[y.Name] != y || ok != y.Declared || ok && settings.Label != "X" || (d.Find(signalbox.DefinedType, int64(y.ID)) != nil) != y.Declared {
			b.Errorf("of %+v the definitions say %+v, %+v", y, d.Types[y.Name], settings)
		}
	}
	if n := b.look(signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.WS}}).Heads[b.WS].Types; n != int64(len(want)) || len(d.Types) != len(want) {
		b.Errorf("the head counts %d types of %d", n, len(want))
	}
}

func declared(b *Box) {
	b.Send(Sent{Type: "seen"})
	types, err := b.DB.Types(b.Context(), b.WS)
	b.Must(err)
	seen, made := types[0], b.newType("made")
	b.Must(b.declare(made, false))
	b.Must(b.declare(seen, false))
	made.Declared, seen.Declared = true, true
	b.wantTypes(made, seen)
	b.WantCode(b.declare(b.newType("made"), false), signalbox.Conflict)
	b.Send(Sent{Type: "made"})
	b.wantTypes(made, seen)
	other := b.NewWorkspace("other")
	if d, err := b.DB.Definitions(b.Context(), other); err != nil || len(d.Types)+len(d.Settings) != 0 {
		b.Errorf("another workspace has %+v, %v", d.Types, err)
	}
}

func undeclared(b *Box) {
	used, unused, erased := b.newType("used"), b.newType("unused"), b.newType("erased")
	for _, y := range []signalbox.SignalType{used, unused, erased} {
		b.Must(b.declare(y, false))
	}
	b.Send(Sent{Type: "used"})
	acc := b.NewAccount("gone.com", "Gone")
	b.Send(Sent{Type: "erased", Account: acc.ID})
	b.erase(signalbox.JobEraseAccount, int64(acc.ID))
	for _, y := range []signalbox.SignalType{used, unused, erased} {
		b.Must(b.declare(y, true))
	}
	b.wantTypes(erased, used)
	b.Must(b.declare(unused, true)) // again, when it is gone
	b.wantTypes(erased, used)
	again := b.newType("unused")
	b.Must(b.declare(again, false))
	again.Declared = true
	b.wantTypes(erased, again, used)
}

func declaredTypesAreCounted(b *Box) {
	list := make([]Sent, signalbox.MaxSignalTypes-1)
	for i := range list {
		list[i].Type = fmt.Sprintf("t%04d", i)
	}
	b.Send(list...)
	last := b.newType("last")
	b.Must(b.declare(last, false))
	more := b.newType("more")
	b.WantCode(b.declare(more, false), signalbox.Conflict)
	if d, err := b.DB.Definitions(b.Context(), b.WS); err != nil || len(d.Settings) != 1 || len(d.Types) != signalbox.MaxSignalTypes {
		b.Errorf("a refused type was saved: %d types, %d settings, %v", len(d.Types), len(d.Settings), err)
	}
	b.Must(b.declare(last, true))
	b.Must(b.declare(more, false))
}

func typeSignals(b *Box) {
	const many = signalbox.SliceRows + 5
	list := make([]Sent, 0, many+1)
	for range many {
		list = append(list, Sent{Type: "mine", Properties: `{"n":1}`})
	}
	b.Send(append(list, Sent{Type: "other"})...)
	d, err := b.DB.Definitions(b.Context(), b.WS)
	b.Must(err)
	before, seen := signalbox.SignalID(0), 0
	for slices := 0; ; slices++ {
		got, err := b.DB.TypeSignals(b.Context(), b.WS, d.Types["mine"].ID, before)
		b.Must(err)
		for _, s := range got {
			if s.TypeID != d.Types["mine"].ID || before != 0 && s.ID >= before || string(s.Properties) != `{"n":1}` {
				b.Fatalf("signal %d of type %d with %s comes after %d", s.ID, s.TypeID, s.Properties, before)
			}
			before = s.ID
		}
		if seen += len(got); len(got) == 0 {
			if seen != many || slices != 2 {
				b.Errorf("read %d signals in %d slices, want %d", seen, slices, many)
			}
			break
		}
	}
	if got, err := b.DB.TypeSignals(b.Context(), b.NewWorkspace("other"), d.Types["mine"].ID, 0); err != nil || len(got) != 0 {
		b.Errorf("another workspace sees %d, %v", len(got), err)
	}
}
