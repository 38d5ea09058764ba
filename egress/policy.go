package egress

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

// The clocks of contract section 12 and the bound of a save-time look-up.
const (
	DefaultConnectTimeout = 5 * time.Second
	DefaultSendTimeout    = 10 * time.Second
	lookupTimeout         = 2 * time.Second
)

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	// LookupNetIP returns all addresses of host. The name it gets is rooted
	// (ends in a dot); network is always "ip".
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config is what a [Policy] is built from: instance configuration, never a
// field that a tenant or an operator can set through the API
// (GHSA-7rx3-5wx3-5v76).
type Config struct {
	// Dev allows http, any port, local names, and loopback and private
	// addresses (flag --dev).
	Dev bool
	// AllowTargets are exceptions, each a CIDR, an address, an address:port, a
	// host or a host:port (flag --allow-target). There http and any port are
	// allowed. A host may resolve to loopback, private and shared addresses;
	// link-local, metadata and the other special ones need a CIDR.
	AllowTargets []string
	// AllowPorts are allowed beside 443 and 8443 (flag --allow-ports).
	AllowPorts []uint16
	// TargetCA is PEM: authorities trusted beside the system's (flag --target-ca).
	TargetCA []byte
	// Proxy is the http or https URL of a CONNECT proxy, user-info allowed
	// (flag --egress-proxy); empty for none. With one, names are resolved by
	// the proxy; URLs, names and literal addresses are still judged here.
	Proxy string
	// Own are the host:port pairs at which Signalbox itself answers: listen
	// addresses and the public URL's. Refused even under Dev, unless
	// AllowTargets has one of them with its port.
	Own []string

	// ConnectTimeout bounds DNS, TCP connect and the proxy's CONNECT; 0 is 5 s.
	ConnectTimeout time.Duration
	// SendTimeout bounds TLS, request and answer from the TCP connection, or
	// from the moment that a kept-alive one gets the request; 0 is 10 s (S1-42, S1-43).
	SendTimeout time.Duration

	// Resolver is the look-up; nil is Go's own resolver, not the C library's,
	// which reads 0x7f.1 as an address.
	Resolver Resolver
	// InterfaceAddrs lists the machine's own addresses; nil is net.InterfaceAddrs.
	InterfaceAddrs func() ([]net.Addr, error)
}

// Policy judges targets. It never changes after [NewPolicy] and is safe for
// concurrent use.
type Policy struct {
	dev      bool
	ports    []uint16
	prefixes []netip.Prefix          // allow-target: CIDR and bare addresses
	pairs    map[netip.AddrPort]bool // allow-target: address:port
	hosts    map[string]bool         // allow-target: "host" and "host:port"
	own      *ownAddresses
	second   *ssrf.Guardian
	resolver Resolver
	roots    *x509.CertPool
	proxy    *url.URL

	connectTimeout, sendTimeout time.Duration
}

// NewPolicy checks the configuration and builds the policy; an error names the
// flag that is wrong.
func NewPolicy(c Config) (*Policy, error) {
	p := &Policy{
		dev:            c.Dev,
		ports:          append([]uint16{443, 8443}, c.AllowPorts...),
		pairs:          map[netip.AddrPort]bool{},
		hosts:          map[string]bool{},
		second:         ssrf.New(ssrf.WithAnyPort()),
		resolver:       c.Resolver,
		connectTimeout: orDefault(c.ConnectTimeout, DefaultConnectTimeout),
		sendTimeout:    orDefault(c.SendTimeout, DefaultSendTimeout),
	}
	if p.resolver == nil {
		p.resolver = &net.Resolver{PreferGo: true}
	}
	if slices.Contains(c.AllowPorts, 0) {
		return nil, errors.New("allow-ports: 0 is no port")
	}
	for _, entry := range c.AllowTargets {
		if err := p.allow(entry); err != nil {
			return nil, fmt.Errorf("allow-target %q: %w", entry, err)
		}
	}
	var err error
	if p.own, err = newOwnAddresses(c.InterfaceAddrs, c.Own); err != nil {
		return nil, err
	}
	if p.roots, err = rootsWith(c.TargetCA); err != nil {
		return nil, fmt.Errorf("target-ca: %w", err)
	}
	if p.proxy, err = parseProxy(c.Proxy); err != nil {
		return nil, fmt.Errorf("egress-proxy: %w", err)
	}
	return p, nil
}

func orDefault(d, byDefault time.Duration) time.Duration {
	if d <= 0 {
		return byDefault
	}
	return d
}

// allow files one exception under its kind.
func (p *Policy) allow(entry string) error {
	if prefix, err := netip.ParsePrefix(entry); err == nil {
		if prefix.Addr().Is4In6() {
			return errors.New("write it as an IPv4 prefix")
		}
		p.prefixes = append(p.prefixes, prefix.Masked())
		return nil
	}
	if addr, err := netip.ParseAddr(entry); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		p.prefixes = append(p.prefixes, netip.PrefixFrom(addr, addr.BitLen()))
		return nil
	}
	if pair, err := netip.ParseAddrPort(entry); err == nil && pair.Addr().Zone() == "" && pair.Port() != 0 {
		p.pairs[netip.AddrPortFrom(pair.Addr().Unmap(), pair.Port())] = true
		return nil
	}
	host, port, refusal := splitHostPort(entry)
	if refusal == nil {
		host, refusal = asciiHost(host)
	}
	if refusal != nil {
		return fmt.Errorf("not a CIDR, address or host[:port]: %w", refusal)
	}
	if port == 0 {
		p.hosts[host] = true
	} else {
		p.hosts[hostPort(host, port)] = true
	}
	return nil
}

// exact reports whether an exception names this very host and port.
func (p *Policy) exact(host string, port uint16) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return p.pairs[netip.AddrPortFrom(addr.Unmap(), port)]
	}
	return p.hosts[hostPort(host, port)]
}

// allowed reports whether an exception covers the address.
func (p *Policy) allowed(addr netip.Addr, port uint16) bool {
	if p.pairs[netip.AddrPortFrom(addr, port)] {
		return true
	}
	return slices.ContainsFunc(p.prefixes, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// byAddress reports whether exceptions exist that only a resolved address can meet.
func (p *Policy) byAddress() bool { return len(p.prefixes)+len(p.pairs) > 0 }

func rootsWith(pem []byte) (*x509.CertPool, error) {
	if len(pem) == 0 {
		return nil, nil // crypto/tls then uses the system's
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a bare container has none; the given ones still count
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in PEM form")
	}
	return roots, nil
}

// parseProxy never quotes the URL in its errors: it may hold a password.
func parseProxy(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("must be http://host:port or https://host:port")
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	return u, nil
}

func hostPort(host string, port uint16) string {
	return net.JoinHostPort(strings.ToLower(host), strconv.Itoa(int(port)))
}
