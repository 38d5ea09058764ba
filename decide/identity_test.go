package decide_test

import (
	"testing"

	"signalbox"
	"signalbox/decide"
)

func person(email string) signalbox.SignalInput {
	return signalbox.SignalInput{Contact: signalbox.ContactInput{Email: email}}
}

func company(domain, name string) signalbox.SignalInput {
	return signalbox.SignalInput{Account: signalbox.AccountInput{Domain: domain, Name: name}}
}

// proves S0-16, S0-18
func TestSignal_FindsTheAccountAndContactItIsAbout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.signal(person("Jane.Doe@Acme.com"))
	second := w.signal(signalbox.SignalInput{
		Account: signalbox.AccountInput{Domain: "https://www.acme.com/pricing"},
		Contact: signalbox.ContactInput{Email: "jane.doe@acme.com"},
	})
	if first.Account == 0 || first.Account != second.Account || first.Contact == 0 || first.Contact != second.Contact {
		t.Fatalf("first about %d and %d, second about %d and %d, want the same two", first.Account, first.Contact, second.Account, second.Contact)
	}
	if got := w.account(first.Account).Domain; got != "acme.com" {
		t.Errorf("domain %q, want acme.com", got)
	}
	if c := w.contact(first.Contact); c.Email != "Jane.Doe@Acme.com" || c.Account != first.Account {
		t.Errorf("e-mail %q of account %d, want as first given, of %d", c.Email, c.Account, first.Account)
	}
}

// proves S0-17
func TestSignal_AccountNameIsTakenOnlyWhileThereIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.signal(company("acme.com", "")).Account
	w.signal(company("acme.com", "Acme Corp"))
	w.signal(company("acme.com", "Somebody Else"))
	if a := w.account(id); a.Name != "Acme Corp" || a.Revision != 2 {
		t.Errorf("named %q at revision %d, want Acme Corp at 2", a.Name, a.Revision)
	}
}

func TestSignal_MailboxProviderMakesAContactWithoutAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.signal(person("jane@gmail.com"))
	if r.Account != 0 || r.Contact == 0 {
		t.Fatalf("about account %d and contact %d, want no account and a contact", r.Account, r.Contact)
	}
	both := person("jane@gmail.com")
	both.Account.Domain = "acme.com"
	known := w.signal(both)
	if known.Account == 0 || known.Contact != r.Contact {
		t.Fatalf("about account %d and contact %d, want an account and contact %d", known.Account, known.Contact, r.Contact)
	}
	if later := w.signal(person("j.a.n.e+x@googlemail.com")); later.Contact != r.Contact || later.Account != known.Account {
		t.Errorf("a signal of the person alone is about %d and %d, want %d and the account that the person is known with, %d",
			later.Contact, later.Account, r.Contact, known.Account)
	}
}

func TestSignal_ContactKeepsItsFirstAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	home := w.signal(person("jane@acme.com"))
	in := person("jane@acme.com")
	in.Account.Domain = "customer.com"
	away := w.signal(in)
	if away.Account == home.Account || away.Contact != home.Contact {
		t.Fatalf("about %d and %d, want another account than %d and the same contact %d", away.Account, away.Contact, home.Account, home.Contact)
	}
	if got := w.contact(home.Contact).Account; got != home.Account {
		t.Errorf("the contact moved to account %d, want its first, %d", got, home.Account)
	}
}

func TestSignal_EMailWinsOverLinkedIn(t *testing.T) {
	t.Parallel()
	linked := func(email, url string) signalbox.SignalInput {
		return signalbox.SignalInput{Contact: signalbox.ContactInput{Email: email, LinkedInURL: url}}
	}
	const profile = "https://www.linkedin.com/in/Jane-Doe/"
	cases := []struct {
		name   string
		first  signalbox.SignalInput
		second signalbox.SignalInput
		same   bool
	}{
		{"the profile alone finds who has it", linked("jane@acme.com", profile), linked("", "linkedin.com/in/jane-doe"), true},
		{"an e-mail joins the profile that had none", linked("", profile), linked("jane@acme.com", profile), true},
		{"another e-mail is another person", linked("jane@acme.com", profile), linked("joe@acme.com", profile), false},
		{"the same e-mail takes a profile", linked("jane@acme.com", ""), linked("jane@acme.com", profile), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a, b := w.signal(c.first), w.signal(c.second)
			if (a.Contact == b.Contact) != c.same {
				t.Errorf("contacts %d and %d, same is %t", a.Contact, b.Contact, c.same)
			}
		})
	}
}

func TestSignal_LaterNamesReplaceEarlierUnlessSetByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	named := func(first, title string) signalbox.Receipt {
		in := person("jane@acme.com")
		in.Contact.FirstName, in.Contact.Title = first, title
		return w.signal(in)
	}
	id := named("Jan", "CTO").Contact
	named("Jane", "")
	if c := w.contact(id); c.FirstName != "Jane" || c.Title != "CTO" {
		t.Fatalf("named %q, title %q, want Jane, CTO", c.FirstName, c.Title)
	}
	janet, none := "Janet", ""
	out := w.turn(decide.Input{Contact: &decide.ContactAct{ID: id, Patch: signalbox.ContactPatch{FirstName: &janet}}})[0]
	if out.Err != nil || out.Contact.FirstName != "Janet" {
		t.Fatalf("patched to %+v, %v", out.Contact, out.Err)
	}
	named("Jane", "CEO")
	if c := w.contact(id); c.FirstName != "Janet" || c.Title != "CEO" {
		t.Fatalf("named %q, title %q, want the name set by hand and the new title", c.FirstName, c.Title)
	}
	w.turn(decide.Input{Contact: &decide.ContactAct{ID: id, Patch: signalbox.ContactPatch{FirstName: &none}}})
	named("Jane", "")
	if c := w.contact(id); c.FirstName != "Jane" {
		t.Errorf("named %q, want Jane: removing what was set by hand hands the field back", c.FirstName)
	}
}

func TestSignal_TwoOfOneTurnMeetEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := person("jane@acme.com"), person("jane@acme.com")
	a.Type, a.Source, b.Type, b.Source = "t", "s", "t", "s"
	out := w.turn(decide.Input{Signal: &a}, decide.Input{Signal: &b})
	if out[0].Receipt.Account != out[1].Receipt.Account || out[0].Receipt.Contact != out[1].Receipt.Contact {
		t.Errorf("one turn made two records of one person: %+v", out)
	}
	if len(w.accounts) != 1 || len(w.contacts) != 1 || len(w.types) != 1 {
		t.Errorf("%d accounts, %d contacts, %d types, want one each", len(w.accounts), len(w.contacts), len(w.types))
	}
}

func TestSignal_WithoutIdentityIsKeptUnlessTheWorkspaceRequiresIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if r := w.signal(signalbox.SignalInput{}); r.Account != 0 || r.Contact != 0 || r.ID == 0 {
		t.Errorf("about %d and %d, want stored and about nobody", r.Account, r.Contact)
	}
	w.change(func(d *signalbox.Definitions) { d.Workspace.RequireIdentity = true })
	if out := w.try(signalbox.SignalInput{}); signalbox.CodeOf(out.Err) != signalbox.Invalid {
		t.Errorf("answered %v, want %s", out.Err, signalbox.Invalid)
	}
	if len(w.signals) != 1 {
		t.Errorf("%d signals stored, want the refused one not to be", len(w.signals))
	}
}

func TestErase_FreesTheKeysAndAnswersAsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := person("jane@acme.com")
	in.Contact.LinkedInURL = "linkedin.com/in/jane"
	first := w.signal(in)
	out := w.turn(
		decide.Input{Contact: &decide.ContactAct{ID: first.Contact, Erase: true}},
		decide.Input{Account: &decide.AccountAct{ID: first.Account, Erase: true}},
		decide.Input{Account: &decide.AccountAct{ID: first.Account}},
	)
	if out[0].Err != nil || out[0].Job.Kind != signalbox.JobEraseContact || out[1].Err != nil || out[1].Job.Subject != int64(first.Account) {
		t.Fatalf("erasing answered %+v", out)
	}
	if signalbox.CodeOf(out[2].Err) != signalbox.NotFound {
		t.Errorf("a patch after it answered %v, want %s", out[2].Err, signalbox.NotFound)
	}
	if a := w.account(first.Account); a.Domain != "" || a.ErasedAt.IsZero() {
		t.Errorf("the row still says %+v", a)
	}
	if again := w.signal(in); again.Account == first.Account || again.Contact == first.Contact {
		t.Errorf("the same person came back as %+v, want new records", again)
	}
	if len(w.jobs) != 2 {
		t.Errorf("%d jobs, want one for each record", len(w.jobs))
	}
}
