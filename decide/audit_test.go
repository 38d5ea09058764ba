package decide_test

import (
	"testing"

	"signalbox"
	"signalbox/decide"
)

// told decides inputs in one turn and returns what it tells the audit log.
func (w *world) told(inputs ...decide.Input) []signalbox.AuditEntry {
	w.t.Helper()
	before := len(w.audit)
	w.turn(inputs...)
	return w.audit[before:]
}

func act(w *world) *signalbox.Act {
	return &signalbox.Act{
		Entry: signalbox.AuditID(w.ids.Next(w.now)), Actor: signalbox.Actor{Type: signalbox.ActorMember, ID: 7, Name: "ann"}, Request: 9, At: w.now,
	}
}

func TestAudit_TellsWhatAPatchChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.accountRow(signalbox.AccountRow{Domain: "acme.com", Patch: signalbox.AccountPatch{Attributes: []byte(`{"plan":"pro"}`)}})
	patch := func(p signalbox.AccountPatch, act *signalbox.Act) decide.Input {
		return decide.Input{Act: act, Account: &decide.AccountAct{ID: out.Account.ID, Patch: p}}
	}
	got := w.told(patch(signalbox.AccountPatch{Status: name("customer"), Attributes: []byte(`{"plan":null,"seats":3}`)}, act(w)))
	if len(got) != 1 || got[0].Action != "account.updated" || got[0].Subject != (signalbox.Subject{Type: "account", ID: int64(out.Account.ID), Name: "acme.com"}) ||
		string(got[0].Before) != `{"attributes":{"plan":"pro"},"status":""}` || string(got[0].After) != `{"attributes":{"seats":3},"status":"customer"}` ||
		got[0].Actor.Name != "ann" || got[0].Request != 9 || got[0].Workspace != ws {
		t.Fatalf("told %+v: %s to %s", got, got[0].Before, got[0].After)
	}
	if got := w.told(patch(signalbox.AccountPatch{Status: name("customer")}, act(w)), patch(signalbox.AccountPatch{Status: name("lead")}, nil)); len(got) != 0 {
		t.Errorf("told of what changed nothing, or is nobody's: %+v", got)
	}
	if got := w.told(decide.Input{Act: act(w), Account: &decide.AccountAct{ID: 1, Patch: signalbox.AccountPatch{Status: name("x")}}}); len(got) != 0 {
		t.Errorf("told of what was refused: %+v", got)
	}
}

func TestAudit_AnErasureTellsNothingOfWhomItErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.contactRow(signalbox.ContactRow{Email: "ann@acme.com"})
	got := w.told(decide.Input{Act: act(w), Contact: &decide.ContactAct{ID: out.Contact.ID, Erase: true}})
	if len(got) != 1 || got[0].Action != "contact.erased" || got[0].Subject != (signalbox.Subject{Type: "contact", ID: int64(out.Contact.ID)}) || got[0].Before != nil || got[0].After != nil {
		t.Errorf("told %+v", got)
	}
}

// The rows of one import are told of together, in each turn that decides some of them.
func TestAudit_AnImportIsToldOfOnceATurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accountRow(signalbox.AccountRow{Domain: "acme.com"})
	one, other := act(w), act(w)
	row := func(act *signalbox.Act, domain string, status *string) decide.Input {
		return decide.Input{Act: act, Account: &decide.AccountAct{Row: &signalbox.AccountRow{Domain: domain, Patch: signalbox.AccountPatch{Status: status}}}}
	}
	got := w.told(row(one, "acme.com", name("x")), row(one, "new.com", nil), row(one, "newer.com", nil), row(one, "new.com", nil), row(other, "acme.com", nil), row(nil, "third.com", nil))
	if len(got) != 1 || got[0].Action != "account.imported" || string(got[0].After) != `{"created":2,"updated":1}` || got[0].Before != nil {
		t.Fatalf("told %+v", got)
	}
	again := w.told(row(one, "newest.com", nil))
	if len(again) != 1 || again[0].ID == got[0].ID || string(again[0].After) != `{"created":1,"updated":0}` {
		t.Errorf("the rest of it: %+v", again)
	}
}
