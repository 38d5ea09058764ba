package identity_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/identity"
)

// proves S0-16 and contract section 5
func TestDomain_IsTheCompanysOwnName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, raw, want string }{
		{"plain", "acme.com", "acme.com"},
		{"spaces around", " \tacme.com\n", "acme.com"},
		{"upper case", "WWW.ACME.COM", "acme.com"},
		{"a subdomain", "shop.eu.acme.com", "acme.com"},
		{"a suffix of two labels", "www.acme.co.uk", "acme.co.uk"},
		{"a wildcard suffix", "acme.foo.ck", "acme.foo.ck"},
		{"an exception to a wildcard", "www.ck", "www.ck"},
		{"a URL", "https://www.acme.com/pricing?x=1#top", "acme.com"},
		{"a URL without a path", "http://acme.com?x=a@b.com/c", "acme.com"},
		{"a URL with all parts", "HTTPS://user:pa:ss@www.Acme.com:8443/a@b", "acme.com"},
		{"no scheme but slashes", "//acme.com/x", "acme.com"},
		{"a backslash", `https:\\acme.com`, ""},
		{"a port", "acme.com:443", "acme.com"},
		{"an empty port", "acme.com:", "acme.com"},
		{"a trailing dot", "acme.com.", "acme.com"},
		{"an e-mail address", "jane@acme.com", "acme.com"},
		{"an international name", "münchen.de", "xn--mnchen-3ya.de"},
		{"an international name, decomposed and in capitals", "MU\u0308NCHEN.DE", "xn--mnchen-3ya.de"},
		{"its ASCII form", "xn--mnchen-3ya.de", "xn--mnchen-3ya.de"},
		{"its ASCII form in capitals", "WWW.XN--MNCHEN-3YA.DE", "xn--mnchen-3ya.de"},
		{"sharp s is no ss", "straße.de", "xn--strae-oqa.de"},
		{"ideographic full stops", "www。acme。com。", "acme.com"},
		{"full-width letters", "ａｃｍｅ.com", "acme.com"},
		{"an international suffix", "例え.みんな", "xn--r8jz45g.xn--q9jyb4c"},
		{"a tenant of a private suffix", "docs.acme.github.io", "acme.github.io"},
		{"a shop", "acme.myshopify.com", "acme.myshopify.com"},
		{"an app", "acme.vercel.app", "acme.vercel.app"},
		{"a tenant of Microsoft 365", "sub.acme.onmicrosoft.com", "acme.onmicrosoft.com"},
		{"another tenant", "www.acme.zendesk.com", "acme.zendesk.com"},
		{"a tenant of the longer suffix", "acme.enterprise.slack.com", "acme.enterprise.slack.com"},
		{"who runs the service", "www.zendesk.com", "zendesk.com"},
		{"no tenant, only www", "x.www.zendesk.com", "zendesk.com"},
		{"www is a company under com", "www.com", "www.com"},
		{"an underscore below", "_dmarc.acme.com", "acme.com"},
		{"a digit first", "3m.com", "3m.com"},
		{"two hyphens", "r3---sn.acme.com", "acme.com"},
		{"for documentation", "shop.acme.example", "acme.example"},
		{"for tests", "acme.test", "acme.test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := identity.Domain(c.raw)
			if c.want == "" {
				wantInvalid(t, err, "")
				return
			}
			if err != nil || got != c.want {
				t.Errorf("%q: got %q (%v), want %q", c.raw, got, err, c.want)
			}
		})
	}
}

func TestDomain_RefusesWhatIsNoCompany(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"empty":                          "",
		"blank":                          "  ",
		"a scheme only":                  "https://",
		"a bare suffix":                  "com",
		"a bare suffix of two labels":    "co.uk",
		"a bare suffix with www":         "www.co.uk",
		"a bare suffix under www":        "x.www.co.uk",
		"a bare private suffix":          "github.io",
		"a bare private suffix with www": "www.www.github.io",
		"a bare wildcard suffix":         "foo.ck",
		"a single label":                 "localhost",
		"an internal name":               "foo.bar.internal",
		"an unknown top-level domain":    "acme.con",
		"an IPv4 address":                "192.0.2.1",
		"an IPv4 address with a port":    "192.0.2.1:80",
		"an IPv4 address with a dot":     "192.0.2.1.",
		"a short IPv4 address":           "127.1",
		"a hexadecimal IPv4 address":     "0x7f.0x1",
		"an IPv4 address as a number":    "2130706433",
		"an IPv4 address in wide digits": "１２７.０.０.１",
		"an IPv6 address":                "2001:db8::1",
		"an IPv6 address in brackets":    "http://[2001:db8::1]:8080/",
		"an empty label":                 "acme..com",
		"a dot first":                    ".acme.com",
		"two dots last":                  "acme.com..",
		"a space inside":                 "acme corp.com",
		"a hyphen first":                 "-acme.com",
		"a hyphen last":                  "acme-.com",
		"an underscore":                  "ac_me.com",
		"a comma":                        "acme,com.com",
		"a wildcard":                     "*.acme.com",
		"a bad port":                     "acme.com:https",
		"bad punycode":                   "xn--zz--zz.com",
		"a label too long":               strings.Repeat("a", 64) + ".com",
		"too long":                       strings.Repeat("a.", 130) + "com",
		"broken UTF-8":                   "acme\x89.com",
		"null":                           "null",
		"a control character":            "acme\x7f.com",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := identity.Domain(raw)
			if err == nil {
				t.Fatalf("%q became %q", raw, got)
			}
			wantInvalid(t, err, "")
		})
	}
}

func TestDomain_LongestNameFits(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a.", (signalbox.MaxDomain-len("acme.com"))/2) + "acme.com"
	if got, err := identity.Domain(long); err != nil || got != "acme.com" {
		t.Errorf("%d bytes: got %q (%v)", len(long), got, err)
	}
}

// labels that meet every branch: suffixes, tenants, www, international names
var oddLabels = []string{"www", "acme", "a-b", "co", "uk", "com", "github", "io", "ck", "onmicrosoft", "zendesk", "slack", "enterprise", "my",
	"salesforce", "münchen", "xn--mnchen-3ya", "straße", "İ", "x_y", "example", "test", "internal", "kawasaki", "jp", "city", "", "1", "ＡＢＣ"}

func TestDomain_IsIdempotent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := strings.Join(rapid.SliceOfN(rapid.SampledFrom(oddLabels), 1, 6).Draw(t, "labels"), ".")
		idempotent(t, identity.Domain, raw)
	})
}

// idempotent fails when normalising twice is not the same as normalising once.
func idempotent(t interface{ Fatalf(string, ...any) }, normalise func(string) (string, error), raw string) {
	once, err := normalise(raw)
	if err != nil {
		return
	}
	twice, err := normalise(once)
	if err != nil || twice != once {
		t.Fatalf("%q became %q, and that became %q (%v)", raw, once, twice, err)
	}
}

func FuzzDomain(f *testing.F) {
	for _, seed := range []string{"acme.com", "https://user@WWW.acme.co.uk:80/x", "münchen.de", "x.www.zendesk.com", "[::1]", "127.1", "xn--zz--zz.com", "a.b.c.ck", "0\x89.AC", "\u0089.ac"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		idempotent(t, identity.Domain, raw)
		got, err := identity.Domain(raw)
		if err != nil {
			wantInvalid(t, err, "")
			return
		}
		if len(got) > signalbox.MaxDomain || !strings.Contains(got, ".") || strings.Trim(got, "abcdefghijklmnopqrstuvwxyz0123456789-._") != "" {
			t.Fatalf("%q became %q", raw, got)
		}
	})
}

func BenchmarkDomain(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = identity.Domain("www.acmecorp.com")
	}
}
