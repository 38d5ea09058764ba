package egress

import (
	"context"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// MaxURLLength is the longest URL taken, in bytes.
const MaxURLLength = 2048

// hostProfile is UTS 46, strict: letters, digits and hyphens only, checked
// lengths, joiners and directions, no transitional mapping.
var hostProfile = idna.New(
	idna.MapForLookup(), idna.StrictDomainName(true), idna.CheckHyphens(false), idna.CheckJoiners(true),
	idna.BidiRule(), idna.VerifyDNSLength(true), idna.Transitional(false),
)

// localSuffixes are names that mean something only inside a network.
var localSuffixes = []string{".internal", ".local", ".localhost", ".svc", ".cluster.local", ".home.arpa", ".localdomain"}

// target is one place to connect to, after the rules that need no network.
type target struct {
	host string     // ASCII, lower case, no trailing dot, no brackets
	port uint16     // never 0
	addr netip.Addr // valid when host is a literal address
	// named: an exception names the host, so it may resolve to local addresses.
	named bool
	// exact: an exception names host and port, so it may even be ourselves.
	exact bool
	// pending is what is wrong unless every address is covered by a CIDR
	// exception, which only resolving can tell. Nil when nothing is wrong.
	pending *Refusal
}

// CheckURL judges a URL as text: the rule at save time, without any network.
// On success it returns the URL parsed once, its host in lower-case ASCII
// without a trailing dot. A refusal is a *[Refusal].
func (p *Policy) CheckURL(raw string) (*url.URL, error) {
	u, _, refusal := p.judgeURL(raw)
	if refusal != nil {
		return nil, refusal
	}
	return u, nil
}

// CheckTarget is CheckURL and a look-up of at most two seconds: a name that
// resolves to a refused address is refused; one that does not resolve (yet) is
// accepted and judged when dialled (contract section 12). Behind a proxy
// nothing is looked up. A refusal is a *[Refusal]; the only other error is ctx's.
func (p *Policy) CheckTarget(ctx context.Context, raw string) (*url.URL, error) {
	u, t, refusal := p.judgeURL(raw)
	if refusal != nil {
		return nil, refusal
	}
	if t.addr.IsValid() || p.proxy != nil {
		return u, nil
	}
	lookup, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addrs, err := p.resolve(lookup, t)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return u, nil
	}
	if refusal := p.judgeAll(t, addrs); refusal != nil {
		return nil, refusal
	}
	return u, nil
}

func (p *Policy) judgeURL(raw string) (*url.URL, target, *Refusal) {
	if refusal := judgeText(raw); refusal != nil {
		return nil, target{}, refusal
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, target{}, refuse("not a valid URL")
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return nil, target{}, refuse("the URL must begin with https://")
	}
	if u.Opaque != "" || u.Host == "" {
		return nil, target{}, refuse("the URL has no host")
	}
	if u.User != nil {
		return nil, target{}, refuse("user-info in the URL is not allowed: send credentials in a header")
	}
	host, port, refusal := splitHostPort(u.Host)
	if refusal != nil {
		return nil, target{}, refusal
	}
	if host, refusal = asciiHost(host); refusal != nil {
		return nil, target{}, refusal
	}
	u.Host = host
	if strings.Contains(host, ":") {
		u.Host = "[" + host + "]"
	}
	if port != 0 {
		u.Host += ":" + strconv.Itoa(int(port))
	}
	t, refusal := p.judgeTarget(u.Scheme, host, port)
	return u, t, refusal
}

// judgeText refuses what parsers are known to read differently.
func judgeText(raw string) *Refusal {
	switch {
	case raw == "":
		return refuse("the URL is empty")
	case len(raw) > MaxURLLength:
		return refuse("the URL is longer than 2048 bytes")
	case !utf8.ValidString(raw):
		return refuse("the URL is not valid UTF-8")
	case strings.ContainsRune(raw, '#'):
		return refuse("a fragment in the URL is not allowed")
	case strings.ContainsRune(raw, '\\'):
		return refuse("a backslash in the URL is not allowed")
	}
	for _, r := range raw {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return refuse("spaces, control and invisible characters in the URL are not allowed")
		}
	}
	_, rest, found := strings.Cut(raw, "://")
	if !found {
		return refuse("the URL must begin with https://")
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority = rest[:end]
	}
	if strings.ContainsRune(authority, '%') {
		return refuse("percent signs (escapes, zones) in the host are not allowed")
	}
	return nil
}

// splitHostPort splits host[:port] or [IPv6][:port]; brackets are dropped, port
// is 0 when absent. A host in brackets must be IPv6 and nothing else may be.
func splitHostPort(s string) (host string, port uint16, refusal *Refusal) {
	rest := ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", 0, refuse("the host has an open bracket")
		}
		host, rest = s[1:end], s[end+1:]
		addr, err := netip.ParseAddr(host)
		if err != nil || addr.Zone() != "" || !addr.Is6() {
			return "", 0, refuse("only an IPv6 address may stand in brackets")
		}
	} else {
		host = s
		if colon := strings.IndexByte(s, ':'); colon >= 0 {
			host, rest = s[:colon], s[colon:]
		}
	}
	if rest == "" {
		return host, 0, nil
	}
	digits, found := strings.CutPrefix(rest, ":")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !found || err != nil || n == 0 || digits != strconv.FormatUint(n, 10) {
		return "", 0, refuse("the port must be a number from 1 to 65535")
	}
	return host, uint16(n), nil
}

// asciiHost brings a host without brackets to the one form that is judged,
// looked up and dialled. IPv6 comes out as net/netip writes it.
func asciiHost(host string) (string, *Refusal) {
	if strings.ContainsRune(host, ':') {
		addr, err := netip.ParseAddr(host)
		if err != nil || addr.Zone() != "" {
			return "", refuse("the host is not a valid IPv6 address")
		}
		return addr.String(), nil
	}
	ascii, err := hostProfile.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil || ascii == "" || strings.Trim(ascii, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return "", refuse("the host is not a valid domain name")
	}
	if endsInNumber(ascii) {
		if addr, err := netip.ParseAddr(ascii); err != nil || addr.String() != host {
			return "", refuse("the host is an odd spelling of an IP address: write four decimal numbers")
		}
	}
	return ascii, nil
}

// endsInNumber is the WHATWG URL standard's test: such a host is meant as an
// IPv4 address by some resolver (127.1, 0x7f.1, 017700000001, 2130706433).
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, found := strings.CutPrefix(last, "0x"); found {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// judgeTarget applies the rules of scheme, port and name, and judges a literal
// address at once. host is in asciiHost's form; port 0 is the scheme's own.
func (p *Policy) judgeTarget(scheme, host string, port uint16) (target, *Refusal) {
	if port == 0 {
		port = map[string]uint16{"http": 80, "https": 443}[scheme]
	}
	t := target{host: host, port: port, exact: p.exact(host, port)}
	if addr, err := netip.ParseAddr(host); err == nil {
		t.addr = addr.Unmap()
	}
	t.named = t.exact || p.hosts[host]
	if p.own.named(host, port) && !t.exact {
		return t, ownRefusal()
	}
	if !p.dev && !t.named {
		t.pending = p.judgeShape(scheme, t)
	}
	if t.addr.IsValid() {
		return t, p.judgeAddr(t, t.addr)
	}
	if t.pending != nil && (!p.byAddress() || p.proxy != nil) {
		return t, t.pending
	}
	return t, nil
}

// judgeShape is the first thing wrong with scheme, port and name.
func (p *Policy) judgeShape(scheme string, t target) *Refusal {
	if scheme == "http" {
		return &Refusal{"http is not allowed: the URL must begin with https://", flagDevOrTarget}
	}
	allowed := false
	for _, port := range p.ports {
		allowed = allowed || port == t.port
	}
	if !allowed {
		return &Refusal{"port " + strconv.Itoa(int(t.port)) + " is not allowed", flagPorts}
	}
	if t.addr.IsValid() {
		return nil
	}
	if !strings.Contains(t.host, ".") {
		return &Refusal{"a host name of a single label is not allowed", flagDevOrTarget}
	}
	for _, suffix := range localSuffixes {
		if strings.HasSuffix(t.host, suffix) {
			return &Refusal{"host names under " + suffix + " are not allowed", flagDevOrTarget}
		}
	}
	return nil
}
