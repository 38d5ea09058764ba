package identity_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/identity"
)

// proves S0-16…S0-18 and contract section 5
func TestResolve_SaysWhomASignalIsAbout(t *testing.T) {
	t.Parallel()
	rules := identity.NewRules(signalbox.Workspace{
		Aliases: map[string]string{"acme.io": "acme.dev", "acme.dev": "acme.com", "a.com": "b.com", "b.com": "a.com", "self.com": "self.com"},
		MailboxProviders: signalbox.MailboxProviders{
			Added:   []string{"students.example", "proton.me"},
			Removed: []string{"web.de", "proton.me"},
		},
	})
	for _, c := range []struct{ name, domain, email, account, match string }{
		{"nothing", "", "", "", ""},
		{"the domain", "https://www.Acme.com/", "", "acme.com", ""},
		{"the e-mail's domain", "", "Jane@mail.Acme.com", "acme.com", "jane@mail.acme.com"},
		{"the explicit domain wins", "client.com", "jane@agency.com", "client.com", "jane@agency.com"},
		{"a mailbox provider is no account", "", "j.d@gmail.com", "", "jd@gmail.com"},
		{"an explicit provider counts as not given", "gmail.com", "jane@acme.com", "acme.com", "jane@acme.com"},
		{"an explicit provider and nothing else", "https://mail.yahoo.co.uk", "", "", ""},
		{"providers twice", "gmail.com", "jane@hotmail.com", "", "jane@hotmail.com"},
		{"the domain beside a provider's address", "acme.com", "jane@hotmail.com", "acme.com", "jane@hotmail.com"},
		{"a relay", "", "x1@privaterelay.appleid.com", "", "x1@privaterelay.appleid.com"},
		{"the relay's owner", "", "tim@apple.com", "apple.com", "tim@apple.com"},
		{"a social network is a company", "", "mark@facebook.com", "facebook.com", "mark@facebook.com"},
		{"an alias", "acme.io", "", "acme.com", ""},
		{"an alias by e-mail", "", "jane@eu.acme.dev", "acme.com", "jane@eu.acme.dev"},
		{"an alias of itself", "self.com", "", "self.com", ""},
		{"aliases in a circle stand for themselves", "a.com", "", "a.com", ""},
		{"a provider that the workspace added", "", "kim@mail.students.example", "", "kim@mail.students.example"},
		{"a provider that the workspace removed", "", "kim@web.de", "web.de", "kim@web.de"},
		{"added wins over removed", "", "kim@proton.me", "", "kim@proton.me"},
		{"a tenant of Microsoft 365", "", "admin@acme.onmicrosoft.com", "acme.onmicrosoft.com", "admin@acme.onmicrosoft.com"},
		{"the owner of a private suffix", "", "jane@github.io", "", "jane@github.io"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := signalbox.SignalInput{
				Account: signalbox.AccountInput{Domain: c.domain, Name: "Acme"},
				Contact: signalbox.ContactInput{Email: c.email, FirstName: "J", LastName: "D", Title: "CTO"},
			}
			got, err := identity.Resolve(rules, in)
			want := identity.Subject{AccountDomain: c.account, AccountName: "Acme", Email: c.email, EmailMatch: c.match, FirstName: "J", LastName: "D", Title: "CTO"}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func TestResolve_RefusesByField(t *testing.T) {
	t.Parallel()
	rules := identity.NewRules(signalbox.Workspace{})
	for _, c := range []struct {
		name  string
		in    signalbox.SignalInput
		param string
	}{
		{"a public suffix", signalbox.SignalInput{Account: signalbox.AccountInput{Domain: "co.uk"}}, "account.domain"},
		{"an IP address", signalbox.SignalInput{Account: signalbox.AccountInput{Domain: "10.0.0.1"}}, "account.domain"},
		{"an e-mail", signalbox.SignalInput{Contact: signalbox.ContactInput{Email: "jane"}}, "contact.email"},
		{"an e-mail beside a good domain", signalbox.SignalInput{Account: signalbox.AccountInput{Domain: "acme.com"}, Contact: signalbox.ContactInput{Email: "jane@acme"}}, "contact.email"},
		{"a profile", signalbox.SignalInput{Contact: signalbox.ContactInput{LinkedInURL: "https://example.com/in/jane"}}, "contact.linkedin_url"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := identity.Resolve(rules, c.in)
			wantInvalid(t, err, c.param)
			if got != (identity.Subject{}) {
				t.Errorf("a refused input gave %+v", got)
			}
		})
	}
}

func TestResolve_LinkedInIsNormalised(t *testing.T) {
	t.Parallel()
	in := signalbox.SignalInput{Contact: signalbox.ContactInput{LinkedInURL: "https://uk.linkedin.com/in/Jane/"}}
	got, err := identity.Resolve(identity.NewRules(signalbox.Workspace{}), in)
	if err != nil || got.LinkedIn != "linkedin.com/in/jane" {
		t.Errorf("got %q (%v)", got.LinkedIn, err)
	}
}

func TestShippedLists_AreCleanAndNameNoCompany(t *testing.T) {
	t.Parallel()
	for file, least := range map[string]int{"data/mailbox_providers.txt": 400, "data/shared_tenants.txt": 60} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			name := strings.TrimSpace(line)
			if name == "" || strings.HasPrefix(name, "#") {
				continue
			}
			if seen[name] {
				t.Errorf("%s: %s stands twice", file, name)
			}
			seen[name] = true
			if _, match, host, err := identity.Email("x@" + name); err != nil || host != name || !strings.HasPrefix(match, "x@") {
				t.Errorf("%s: %q is not a normalised domain (%v)", file, name, err)
			}
		}
		if len(seen) < least {
			t.Errorf("%s: only %d domains", file, len(seen))
		}
	}
	shipped := identity.MailboxProviders()
	for _, company := range []string{"facebook.com", "linkedin.com", "github.com", "apple.com", "amazon.com", "yahooinc.com", "google.com", "microsoft.com"} {
		if slices.Contains(shipped, company) {
			t.Errorf("%s is a company's own domain", company)
		}
	}
	for _, provider := range []string{"gmail.com", "googlemail.com", "outlook.com", "hotmail.co.uk", "live.nl", "msn.com", "yahoo.co.jp", "icloud.com", "aol.com", "proton.me",
		"gmx.de", "web.de", "t-online.de", "orange.fr", "free.fr", "laposte.net", "mail.ru", "yandex.ru", "qq.com", "163.com", "126.com", "sina.com", "naver.com", "hanmail.net",
		"hey.com", "privaterelay.appleid.com", "fastmail.com", "zoho.com", "tutanota.com", "comcast.net", "verizon.net"} {
		if !slices.Contains(shipped, provider) {
			t.Errorf("%s is missing", provider)
		}
	}
}

func TestRules_KeepNoneOfTheWorkspacesMaps(t *testing.T) {
	t.Parallel()
	aliases := map[string]string{"acme.io": "acme.com"}
	rules := identity.NewRules(signalbox.Workspace{Aliases: aliases})
	maps.DeleteFunc(aliases, func(string, string) bool { return true })
	if got := rules.Account("acme.io"); got != "acme.com" {
		t.Errorf("got %q after the caller changed its map", got)
	}
}

func BenchmarkResolve(b *testing.B) {
	rules := identity.NewRules(signalbox.Workspace{Aliases: map[string]string{"acme.io": "acme.com"}})
	in := signalbox.SignalInput{
		Account: signalbox.AccountInput{Domain: "acmecorp.com", Name: "Acme Corp"},
		Contact: signalbox.ContactInput{Email: "jane.doe@acmecorp.com", FirstName: "Jane", LastName: "Doe"},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := identity.Resolve(rules, in); err != nil {
			b.Fatal(err)
		}
	}
}
