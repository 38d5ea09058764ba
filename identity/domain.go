package identity

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"signalbox"
)

const maxLabel = 63 // bytes of one label of a domain (RFC 1035)

// Domain returns the registrable domain that a company is known by, of anything that people write for it: a domain, a host, a
// URL. It is lower-case ASCII of at most 253 bytes, one label below a public suffix of either section of the list or below a
// shared-tenant suffix. Refused are a bare public suffix, an IP address, a single label, and what is no domain at all; the
// refusal has no Param.
func Domain(raw string) (string, error) {
	host, err := asciiHost(hostOf(raw))
	if err != nil {
		return "", err
	}
	return registrable(host)
}

// hostOf strips from a URL all that is not its host.
func hostOf(raw string) string {
	s := strings.TrimSpace(raw)
	if i := strings.Index(s, "://"); i >= 0 {
		s = s[i+3:]
	}
	s = strings.TrimPrefix(s, "//")
	if i := strings.IndexAny(s, `/?#\`); i >= 0 {
		s = s[:i]
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if i := strings.LastIndexByte(s, ':'); i >= 0 && digits(s[i+1:]) && !strings.Contains(s[:i], ":") {
		s = s[:i]
	}
	return s
}

// asciiHost lower-cases a host and writes it in ASCII, without a trailing dot. It refuses what cannot be a name in the DNS.
func asciiHost(s string) (string, error) {
	if address(s) {
		return "", refuse("%q is an IP address, not a domain; send one such as acme.com", clip(s))
	}
	host := s
	if !plain(s) {
		mapped, ok := toASCII(s)
		if !ok {
			return "", refuse("%q is not a domain; send one such as acme.com", clip(s))
		}
		host = mapped
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if len(host) > signalbox.MaxDomain {
		return "", refuse("the domain is too long: at most %d bytes", signalbox.MaxDomain)
	}
	for rest := host; ; {
		label, after, more := strings.Cut(rest, ".")
		if !validLabel(label) {
			return "", refuse("%q is not a domain; send one such as acme.com", clip(s))
		}
		if !more {
			break
		}
		rest = after
	}
	if address(host) {
		return "", refuse("%q is an IP address, not a domain; send one such as acme.com", clip(s))
	}
	return host, nil
}

// toASCII maps an international name. Mapping again must change nothing: the library lets some names through, of code points
// that no name may have, whose ASCII form it then refuses.
func toASCII(s string) (string, bool) {
	once, err := idna.Lookup.ToASCII(s)
	if err != nil || !utf8.ValidString(s) {
		return "", false
	}
	twice, err := idna.Lookup.ToASCII(once)
	return once, err == nil && twice == once
}

// plain says whether a host needs no IDNA: it is ASCII and has no label that already is the ASCII form of another one.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] == '-' && i >= 3 && s[i-1] == '-' && s[i-2]|0x20 == 'n' && s[i-3]|0x20 == 'x' {
			return false
		}
	}
	return true
}

// validLabel allows letters, digits and inner hyphens, and underscores, which hosts below a registrable domain do use.
func validLabel(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		c := label[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// address says whether a host is an IP address in any of the spellings that resolvers take: 127.1, 0x7f000001 and 2130706433
// are addresses too, for no top-level domain is a number.
func address(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if digits(last) && last != "" || strings.HasPrefix(last, "0x") && strings.Trim(last[2:], "0123456789abcdefABCDEF") == "" {
		return true
	}
	if strings.IndexByte(host, ':') < 0 {
		return false
	}
	inner := strings.TrimPrefix(host, "[")
	if end := strings.IndexByte(inner, ']'); end >= 0 {
		inner = inner[:end]
	}
	_, err := netip.ParseAddr(inner)
	return err == nil
}

// registrable returns the part of a valid host that one company holds.
func registrable(host string) (string, error) {
	host = stripWWW(host)
	if !strings.Contains(host, ".") {
		return "", refuse("%q is a single label, not a domain; send one such as acme.com", clip(host))
	}
	if tenant := belowTenantSuffix(host); tenant != "" {
		suffix, www := strings.CutPrefix(tenant, "www.")
		if !www {
			return tenant, nil
		}
		host = suffix // x.www.zendesk.com: nobody's tenant
	}
	suffix, icann := publicsuffix.PublicSuffix(host)
	switch {
	case !icann && !strings.Contains(suffix, ".") && !forTests(suffix):
		return "", refuse("%q ends in .%s, which is no public suffix; send a domain such as acme.com", clip(host), clip(suffix))
	case suffix == host:
		return "", bareSuffix(host)
	}
	name := host[:len(host)-len(suffix)-1]
	name = host[strings.LastIndexByte(name, '.')+1:]
	if stripWWW(name) != name {
		return "", bareSuffix(suffix) // x.www.co.uk: nobody's, and www.co.uk alone would be refused
	}
	if strings.Contains(name, "_") {
		return "", refuse("%q is not a domain: nobody can register a name with an underscore", clip(name))
	}
	return name, nil
}

// stripWWW strips every leading "www." of a host, unless that would leave a single label: www.com is a company.
func stripWWW(host string) string {
	for {
		rest, found := strings.CutPrefix(host, "www.")
		if !found || !strings.Contains(rest, ".") {
			return host
		}
		host = rest
	}
}

// forTests says whether a top-level domain is one that RFC 2606 keeps for tests and documentation: the list of public suffixes
// does not hold them, and examples must work.
func forTests(tld string) bool { return tld == "test" || tld == "example" }

// belowTenantSuffix returns the shared-tenant suffix of host with the label below it, "" when there is none. The bare suffix is
// left to the list of public suffixes: it is the company that shares it out.
func belowTenantSuffix(host string) string {
	tenant := -1 // where the label below the suffix begins
	for i := 0; i < len(host); {
		dot := strings.IndexByte(host[i:], '.')
		if dot < 0 {
			return ""
		}
		tenant, i = i, i+dot+1
		if _, shared := sharedTenants[host[i:]]; shared {
			return host[tenant:]
		}
	}
	return ""
}

func bareSuffix(suffix string) error {
	return refuse("%q is a public suffix that many share, not a company's domain; send one such as acme.com", clip(suffix))
}

func refuse(format string, args ...any) error {
	return signalbox.Errorf(signalbox.Invalid, format, args...)
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// clip shortens what a sender wrote for a message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
