package identity_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/identity"
)

func wantInvalid(t *testing.T, err error, param string) {
	t.Helper()
	var e *signalbox.Error
	if !errors.As(err, &e) || e.Code != signalbox.Invalid || e.Param != param || e.Msg == "" || !strings.Contains(e.Msg, param) {
		t.Fatalf("got %v, want a refusal of %q", err, param)
	}
}

// proves S0-18 and contract section 5
func TestEmail_IsKeptAsGivenAndMatchedNormalised(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, raw, given, match, domain string }{
		{"plain", "jane.doe@acmecorp.com", "jane.doe@acmecorp.com", "jane.doe@acmecorp.com", "acmecorp.com"},
		{"spaces around and capitals", " Jane.Doe@ACME.com ", "Jane.Doe@ACME.com", "jane.doe@acme.com", "acme.com"},
		{"a subdomain counts", "j@mail.acme.com", "j@mail.acme.com", "j@mail.acme.com", "mail.acme.com"},
		{"www is a host like others", "j@www.acme.com", "j@www.acme.com", "j@www.acme.com", "www.acme.com"},
		{"dots and tags count elsewhere", "j.d+x@outlook.com", "j.d+x@outlook.com", "j.d+x@outlook.com", "outlook.com"},
		{"Gmail ignores dots and tags", "J.D.oe+news+x@GMail.com", "J.D.oe+news+x@GMail.com", "jdoe@gmail.com", "gmail.com"},
		{"Gmail's other name", "jd.oe@googlemail.com", "jd.oe@googlemail.com", "jdoe@gmail.com", "googlemail.com"},
		{"not below Gmail", "j.d+x@x.gmail.com", "j.d+x@x.gmail.com", "j.d+x@x.gmail.com", "x.gmail.com"},
		{"an international domain", "j@München.de", "j@München.de", "j@xn--mnchen-3ya.de", "xn--mnchen-3ya.de"},
		{"an international name", "Jürgen@acme.com", "Jürgen@acme.com", "jürgen@acme.com", "acme.com"},
		{"odd marks", "o'neil/x=y@acme.com", "o'neil/x=y@acme.com", "o'neil/x=y@acme.com", "acme.com"},
		{"dots that Japanese carriers gave out", "a..b.@docomo.ne.jp", "a..b.@docomo.ne.jp", "a..b.@docomo.ne.jp", "docomo.ne.jp"},
		{"at the owner of a private suffix", "j@github.io", "j@github.io", "j@github.io", "github.io"},
		{"a no-reply address", "1+u@users.noreply.github.com", "1+u@users.noreply.github.com", "1+u@users.noreply.github.com", "users.noreply.github.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			given, match, domain, err := identity.Email(c.raw)
			if err != nil || given != c.given || match != c.match || domain != c.domain {
				t.Errorf("got %q, %q, %q (%v)", given, match, domain, err)
			}
		})
	}
}

func TestEmail_RefusesWhatIsNoAddress(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"empty":                       "",
		"no @":                        "jane.acme.com",
		"two @":                       "jane@doe@acme.com",
		"nothing before":              "@acme.com",
		"nothing behind":              "jane@",
		"a space":                     "jane doe@acme.com",
		"a line break":                "jane\n@acme.com",
		"an invisible character":      "ja\u200bne@acme.com",
		"with a name":                 "Jane <jane@acme.com>",
		"a list":                      "a@acme.com,b@acme.com",
		"mailto":                      "mailto:jane@acme.com",
		"a quoted name":               `"jane"@acme.com`,
		"a single label":              "jane@localhost",
		"an IP address":               "jane@192.0.2.1",
		"an IP address in brackets":   "jane@[192.0.2.1]",
		"a public suffix":             "jane@co.uk",
		"an internal name":            "jane@corp.internal",
		"an underscore in the domain": "jane@ac_me.com",
		"a port":                      "jane@acme.com:25",
		"only a tag at Gmail":         "+news@gmail.com",
		"only dots at Gmail":          "...@gmail.com",
		"a name too long":             strings.Repeat("j", 65) + "@acme.com",
		"too long":                    "j@" + strings.Repeat("a.", 124) + "acme.com",
		"too long in ASCII":           "j@" + strings.Repeat("ü.", 60) + strings.Repeat("a.", 30) + "de",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if given, match, _, err := identity.Email(raw); err == nil {
				t.Errorf("%q was taken as %q, %q", raw, given, match)
			} else {
				wantInvalid(t, err, "")
			}
		})
	}
}

func matchOf(raw string) (string, error) {
	_, match, _, err := identity.Email(raw)
	return match, err
}

func TestEmail_MatchIsIdempotent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		local := rapid.StringN(1, 64, 64).Draw(t, "local")
		domain := rapid.SampledFrom([]string{"gmail.com", "GoogleMail.com", "acme.com", "münchen.de", "xn--mnchen-3ya.de", "a.b.co.uk"}).Draw(t, "domain")
		idempotent(t, matchOf, local+"@"+domain)
	})
}

func FuzzEmail(f *testing.F) {
	for _, seed := range []string{"jane@acme.com", "J.D+x@Googlemail.com", "Ⱥ@münchen.de", "@", "a@b@c.com", "\u212a@acme.com"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		idempotent(t, matchOf, raw)
		_, match, domain, err := identity.Email(raw)
		if err != nil {
			wantInvalid(t, err, "")
			return
		}
		if len(match) > signalbox.MaxEmail || strings.Count(match, "@") != 1 || domain == "" {
			t.Fatalf("%q is matched as %q at %q", raw, match, domain)
		}
	})
}

func TestLinkedIn_OneProfileHasOneSpelling(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"canonical":           "linkedin.com/in/jane-doe",
		"https and www":       "https://www.linkedin.com/in/jane-doe",
		"http":                "http://linkedin.com/in/jane-doe",
		"capitals":            "HTTPS://WWW.LinkedIn.com/IN/Jane-Doe",
		"a slash":             "https://www.linkedin.com/in/jane-doe/",
		"a query":             "https://www.linkedin.com/in/jane-doe?trk=x/y",
		"a slash and a query": "https://www.linkedin.com/in/jane-doe/?originalSubdomain=de#about",
		"a country":           "https://de.linkedin.com/in/jane-doe",
		"mobile":              "https://m.linkedin.com/in/jane-doe",
		"a language":          "https://www.linkedin.com/in/jane-doe/en",
		"details":             "https://www.linkedin.com/in/jane-doe/details/experience/",
		"escapes":             "https://www.linkedin.com/in/%6Aane%2Ddoe",
		"spaces around":       "  linkedin.com/in/jane-doe ",
	} {
		if got, err := identity.LinkedIn(raw); err != nil || got != "linkedin.com/in/jane-doe" {
			t.Errorf("%s: got %q (%v)", name, got, err)
		}
	}
	for _, raw := range []string{"https://www.linkedin.com/in/J%C3%BCrgen-1a2b", "linkedin.com/in/jürgen-1a2b"} {
		if got, err := identity.LinkedIn(raw); err != nil || got != "linkedin.com/in/jürgen-1a2b" {
			t.Errorf("%s: got %q (%v)", raw, got, err)
		}
	}
}

func TestLinkedIn_RefusesWhatIsNoProfile(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"empty":               "",
		"no slug":             "https://www.linkedin.com/in/",
		"the site":            "https://www.linkedin.com",
		"a company":           "https://www.linkedin.com/company/acme",
		"another site":        "https://www.linkedln.com/in/jane",
		"a name that ends so": "https://evil-linkedin.com/in/jane",
		"as a subdomain":      "https://linkedin.com.evil.com/in/jane",
		"another scheme":      "ftp://linkedin.com/in/jane",
		"user-info":           "https://linkedin.com@evil.com/in/jane",
		"a space":             "linkedin.com/in/jane doe",
		"an escaped slash":    "linkedin.com/in/jane%2Fdoe",
		"escaped twice":       "linkedin.com/in/jane%2525",
		"a broken escape":     "linkedin.com/in/jane%zz",
		"broken UTF-8":        "linkedin.com/in/jane%ff",
		"only the slug":       "jane-doe",
		"too long":            "linkedin.com/in/" + strings.Repeat("j", 512),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := identity.LinkedIn(raw)
			if err == nil {
				t.Fatalf("%q became %q", raw, got)
			}
			wantInvalid(t, err, "")
		})
	}
}

func FuzzLinkedIn(f *testing.F) {
	for _, seed := range []string{"https://www.linkedin.com/in/jane-doe/", "linkedin.com/in/J%C3%BC", "linkedin.com/in/%2525", "linkedin.com./in/İ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if got, err := identity.LinkedIn(raw); err != nil {
			wantInvalid(t, err, "")
		} else if len(got) <= signalbox.MaxLinkedIn {
			idempotent(t, identity.LinkedIn, raw)
		}
	})
}
