package decide_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/decide"
)

// accountRow decides a row of an import in a turn of its own.
func (w *world) accountRow(row signalbox.AccountRow) decide.Outcome {
	w.t.Helper()
	return w.turn(decide.Input{Account: &decide.AccountAct{Row: &row}})[0]
}

func (w *world) contactRow(row signalbox.ContactRow) decide.Outcome {
	w.t.Helper()
	return w.turn(decide.Input{Contact: &decide.ContactAct{Row: &row}})[0]
}

// said checks what a row did.
func said(t *testing.T, out decide.Outcome, want signalbox.RowChange) {
	t.Helper()
	if out.Err != nil || out.Change != want {
		t.Fatalf("the row is %q, %v, want %q", out.Change, out.Err, want)
	}
}

// refusedAs checks that a row was refused for one of its fields.
func refusedAs(t *testing.T, out decide.Outcome, param, says string) {
	t.Helper()
	e, ok := out.Err.(*signalbox.Error)
	if !ok || e.Code != signalbox.Invalid || e.Param != param || !strings.Contains(e.Msg, says) || out.Change != "" {
		t.Fatalf("answered %v, %q, want a refusal of %s saying %q", out.Err, out.Change, param, says)
	}
}

func name(s string) *string { return &s }

func TestAccountRow_MakesUpdatesAndLeavesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	row := signalbox.AccountRow{
		Domain: "https://www.Acme.com/about", Patch: signalbox.AccountPatch{Name: name("Acme"), Status: name("customer"), Attributes: []byte(`{"plan":"pro","gone":null}`)},
	}
	made := w.accountRow(row)
	said(t, made, signalbox.RowCreated)
	a := w.account(made.Account.ID)
	if a.Domain != "acme.com" || a.Name != "Acme" || a.Status != "customer" || string(a.Attributes) != `{"plan":"pro"}` || a.Revision != 1 {
		t.Fatalf("made %+v %s", a, a.Attributes)
	}
	said(t, w.accountRow(row), signalbox.RowUnchanged)
	if again := w.account(a.ID); !cmp.Equal(a, again) {
		t.Errorf("a row that says nothing new changed the account: %s", cmp.Diff(a, again))
	}
	changed := w.accountRow(signalbox.AccountRow{Domain: "acme.com", Patch: signalbox.AccountPatch{Name: name(""), Attributes: []byte(`{"plan":null,"seats":12345678901234567890}`)}})
	said(t, changed, signalbox.RowUpdated)
	if got := w.account(a.ID); got.Name != "" || got.Status != "customer" || string(got.Attributes) != `{"seats":12345678901234567890}` || got.Revision != 2 {
		t.Errorf("changed to %+v %s", got, got.Attributes)
	}
	said(t, w.accountRow(signalbox.AccountRow{Domain: "acme.com", Patch: signalbox.AccountPatch{Attributes: []byte(`null`)}}), signalbox.RowUpdated)
	if got := w.account(a.ID); got.Attributes != nil {
		t.Errorf("null left %s", got.Attributes)
	}
	if len(w.accounts) != 1 || len(w.events) != 0 {
		t.Errorf("%d accounts and %d events, want one and none", len(w.accounts), len(w.events))
	}
}

func TestAccountRow_ANameThatWasImportedStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.accountRow(signalbox.AccountRow{Domain: "acme.com", Patch: signalbox.AccountPatch{Name: name("Acme")}}).Account.ID
	w.signal(company("acme.com", "Somebody Else"))
	if a := w.account(id); a.Name != "Acme" {
		t.Errorf("named %q, want the imported name", a.Name)
	}
}

func TestAccountRow_IsMatchedAsSignalsAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(func(d *signalbox.Definitions) { d.Workspace.Aliases = map[string]string{"acme.io": "acme.com"} })
	id := w.signal(company("acme.com", "")).Account
	if out := w.accountRow(signalbox.AccountRow{Domain: "acme.io", Patch: signalbox.AccountPatch{Status: name("x")}}); out.Account == nil || out.Account.ID != id {
		t.Errorf("the alias is about %+v, want account %d", out.Account, id)
	}
	refusedAs(t, w.accountRow(signalbox.AccountRow{Domain: "gmail.com"}), "domain", "mailbox provider")
	refusedAs(t, w.accountRow(signalbox.AccountRow{Domain: "co.uk"}), "domain", "public suffix")
	refusedAs(t, w.accountRow(signalbox.AccountRow{}), "domain", "required")
	if len(w.accounts) != 1 {
		t.Errorf("%d accounts, want none of those refused", len(w.accounts))
	}
}

func TestAccountRow_AttributesThatOutgrowLeaveNoTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	big := []byte(`{"big":"` + strings.Repeat("x", signalbox.MaxAttributes-20) + `"}`)
	said(t, w.accountRow(signalbox.AccountRow{Domain: "acme.com", Patch: signalbox.AccountPatch{Attributes: big}}), signalbox.RowCreated)
	more := []byte(`{"more":"0123456789"}`)
	refusedAs(t, w.accountRow(signalbox.AccountRow{Domain: "acme.com", Patch: signalbox.AccountPatch{Name: name("Acme"), Attributes: more}}), "attributes", "the most is")
	for _, a := range w.accounts {
		if a.Name != "" || a.Revision != 1 {
			t.Errorf("the refused row left %+v", a)
		}
	}
}

func TestContactRow_MakesUpdatesAndLeavesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	row := signalbox.ContactRow{
		Email: "Jane.Doe@mail.Acme.com", LinkedInURL: "https://www.linkedin.com/in/Jane-Doe/", AccountDomain: "globex.com",
		Patch: signalbox.ContactPatch{FirstName: name("Jane"), Title: name("CTO"), Attributes: []byte(`{"a":1}`)},
	}
	made := w.contactRow(row)
	said(t, made, signalbox.RowCreated)
	c := w.contact(made.Contact.ID)
	if c.Email != "Jane.Doe@mail.Acme.com" || c.LinkedInURL != "linkedin.com/in/jane-doe" || c.FirstName != "Jane" || c.Revision != 1 || string(c.Attributes) != `{"a":1}` {
		t.Fatalf("made %+v %s", c, c.Attributes)
	}
	if a := w.account(c.Account); a.Domain != "globex.com" || len(w.accounts) != 1 {
		t.Errorf("belongs to %q, %d accounts: the named account wins over the e-mail's domain", a.Domain, len(w.accounts))
	}
	if want := signalbox.ByHandFirstName | signalbox.ByHandTitle; c.ByHand != want {
		t.Errorf("set by hand %b, want %b", c.ByHand, want)
	}
	said(t, w.contactRow(row), signalbox.RowUnchanged)
	said(t, w.contactRow(signalbox.ContactRow{LinkedInURL: "linkedin.com/in/jane-doe"}), signalbox.RowUnchanged)
	said(t, w.contactRow(signalbox.ContactRow{Email: "jane.doe@MAIL.acme.com"}), signalbox.RowUnchanged)
	if again := w.contact(c.ID); !cmp.Equal(c, again) {
		t.Errorf("rows that say nothing new changed the contact: %s", cmp.Diff(c, again))
	}
	if len(w.accounts) != 1 {
		t.Errorf("%d accounts: an e-mail's domain made one for a contact that has one", len(w.accounts))
	}
	said(t, w.contactRow(signalbox.ContactRow{Email: "jane.doe@mail.acme.com", Patch: signalbox.ContactPatch{Title: name(""), LastName: name("Doe")}}), signalbox.RowUpdated)
	if got := w.contact(c.ID); got.Title != "" || got.LastName != "Doe" || got.Revision != 2 || got.ByHand != signalbox.ByHandFirstName|signalbox.ByHandLastName {
		t.Errorf("changed to %+v", got)
	}
}

// An import is a person's act: signals replace nothing of it, as after a PATCH.
func TestContactRow_WhatItSaysIsSetByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := person("jane@acme.com")
	in.Contact.FirstName, in.Contact.Title = "Jane", "CTO"
	id := w.signal(in).Contact
	said(t, w.contactRow(signalbox.ContactRow{Email: "jane@acme.com", Patch: signalbox.ContactPatch{FirstName: name("Jane")}}), signalbox.RowUpdated)
	in.Contact.FirstName, in.Contact.Title = "J", "CEO"
	w.signal(in)
	if c := w.contact(id); c.FirstName != "Jane" || c.Title != "CEO" {
		t.Errorf("named %q, title %q, want the imported name and the signal's title", c.FirstName, c.Title)
	}
}

func TestContactRow_SaysNothingThatItsRecordThenDoesNot(t *testing.T) {
	t.Parallel()
	row := func(email, profile, domain string) signalbox.ContactRow {
		return signalbox.ContactRow{Email: email, LinkedInURL: profile, AccountDomain: domain, Patch: signalbox.ContactPatch{Title: name("CEO")}}
	}
	cases := []struct {
		name        string
		row         signalbox.ContactRow
		param, says string
	}{
		{"neither e-mail nor profile", row("", "", "acme.com"), "email", "required"},
		{"a bad e-mail", row("jane at acme", "", ""), "email", "not an e-mail"},
		{"a bad profile", row("", "https://example.com/jane", ""), "linkedin_url", "LinkedIn"},
		{"a bad account", row("jane@acme.com", "", "co.uk"), "account_domain", "public suffix"},
		{"another account than its first", row("jane@acme.com", "", "globex.com"), "account_domain", "belongs to acme.com"},
		{"another profile than it has", row("jane@acme.com", "linkedin.com/in/other", ""), "linkedin_url", "has the profile linkedin.com/in/jane"},
		{"another contact's profile", row("joe@acme.com", "linkedin.com/in/bob", ""), "linkedin_url", "another e-mail"},
		{"a new contact with a profile that is taken", row("new@acme.com", "linkedin.com/in/jane", ""), "linkedin_url", "another e-mail"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for _, who := range []string{"jane", "bob"} {
				in := person(who + "@acme.com")
				in.Contact.LinkedInURL = "linkedin.com/in/" + who
				w.signal(in)
			}
			w.signal(person("joe@acme.com"))
			accounts, contacts, keys := len(w.accounts), len(w.contacts), len(w.keys)
			refusedAs(t, w.contactRow(c.row), c.param, c.says)
			if len(w.accounts) != accounts || len(w.contacts) != contacts || len(w.keys) != keys {
				t.Error("the refused row left something behind")
			}
			for _, got := range w.contacts {
				if got.Title != "" {
					t.Errorf("the refused row changed %+v", got)
				}
			}
		})
	}
}

func TestContactRow_AccountComesFromWhereASignalsDoes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		row  signalbox.ContactRow
		want string // domain, "" for none
	}{
		{"the e-mail's domain", signalbox.ContactRow{Email: "jane@acme.com"}, "acme.com"},
		{"a mailbox provider's address", signalbox.ContactRow{Email: "jane@gmail.com"}, ""},
		{"a mailbox provider's address with the account", signalbox.ContactRow{Email: "jane@gmail.com", AccountDomain: "acme.com"}, "acme.com"},
		{"a mailbox provider as the account counts as not given", signalbox.ContactRow{Email: "jane@acme.com", AccountDomain: "gmail.com"}, "acme.com"},
		{"a profile alone", signalbox.ContactRow{LinkedInURL: "linkedin.com/in/jane"}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			out := w.contactRow(c.row)
			said(t, out, signalbox.RowCreated)
			got := ""
			if out.Contact.Account != 0 {
				got = w.account(out.Contact.Account).Domain
			}
			if got != c.want {
				t.Errorf("belongs to %q, want %q", got, c.want)
			}
			said(t, w.contactRow(c.row), signalbox.RowUnchanged)
		})
	}
}

func TestContactRow_OneWithoutAccountGetsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.signal(person("jane@gmail.com")).Contact
	out := w.contactRow(signalbox.ContactRow{Email: "jane@gmail.com", AccountDomain: "acme.com"})
	said(t, out, signalbox.RowUpdated)
	first := w.contact(id).Account
	if first == 0 || w.account(first).Domain != "acme.com" {
		t.Fatalf("belongs to %d", first)
	}
	w.turn(decide.Input{Account: &decide.AccountAct{ID: first, Erase: true}})
	said(t, w.contactRow(signalbox.ContactRow{Email: "jane@gmail.com", AccountDomain: "globex.com"}), signalbox.RowUpdated)
	if got := w.account(w.contact(id).Account).Domain; got != "globex.com" {
		t.Errorf("belongs to %q, want the new account: the first one was erased", got)
	}
}

func TestRows_OfOneTurnMeetEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := signalbox.AccountRow{Domain: "acme.com", Patch: signalbox.AccountPatch{Name: name("Acme")}}
	c := signalbox.ContactRow{Email: "jane@acme.com"}
	s := person("jane@acme.com")
	s.Type, s.Source = "t", "s"
	out := w.turn(
		decide.Input{Contact: &decide.ContactAct{Row: &c}}, decide.Input{Account: &decide.AccountAct{Row: &a}}, decide.Input{Signal: &s},
		decide.Input{Account: &decide.AccountAct{Row: &a}}, decide.Input{Contact: &decide.ContactAct{Row: &c}},
	)
	for i, want := range []signalbox.RowChange{signalbox.RowCreated, signalbox.RowUpdated, "", signalbox.RowUnchanged, signalbox.RowUnchanged} {
		if out[i].Err != nil || out[i].Change != want {
			t.Errorf("row %d is %q, %v, want %q", i, out[i].Change, out[i].Err, want)
		}
	}
	if len(w.accounts) != 1 || len(w.contacts) != 1 || out[2].Receipt.Account != out[1].Account.ID || out[2].Receipt.Contact != out[0].Contact.ID {
		t.Errorf("one turn made %d accounts and %d contacts, want one each, and the signal about them", len(w.accounts), len(w.contacts))
	}
	if got := w.account(out[1].Account.ID); got.Name != "Acme" {
		t.Errorf("saved as %+v", got)
	}
}
