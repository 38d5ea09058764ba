package egress

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// class is what an address is for; the empty class is the public internet.
type class string

const (
	public    class = ""
	loopback  class = "a loopback address"
	private   class = "a private address"
	shared    class = "a shared (carrier-grade NAT) address"
	linkLocal class = "a link-local address"
	metadata  class = "a cloud metadata address"
	machine   class = "an address of the server itself"
	special   class = "a special-purpose address"
	multicast class = "a multicast address"
	embedding class = "an IPv6 address that carries an IPv4 one"
)

// classes is the table of reliability 2.1, first match wins. Being explicit
// matters: net/netip calls ::127.0.0.1, 64:ff9b::7f00:1 and 2002:7f00:1:: global.
var classes = []struct {
	prefix netip.Prefix
	class  class
}{
	// Metadata services stand first: some lie inside ranges that --dev opens,
	// and 168.63.129.16 (Azure) lies in none.
	{netip.MustParsePrefix("169.254.169.254/32"), metadata},
	{netip.MustParsePrefix("168.63.129.16/32"), metadata},
	{netip.MustParsePrefix("100.100.100.200/32"), metadata}, // Alibaba
	{netip.MustParsePrefix("192.0.0.192/32"), metadata},     // Oracle
	{netip.MustParsePrefix("fd00:ec2::/32"), metadata},      // AWS
	{netip.MustParsePrefix("fd20:ce::/32"), metadata},       // Google

	{netip.MustParsePrefix("0.0.0.0/8"), special},
	{netip.MustParsePrefix("10.0.0.0/8"), private},
	{netip.MustParsePrefix("100.64.0.0/10"), shared},
	{netip.MustParsePrefix("127.0.0.0/8"), loopback},
	{netip.MustParsePrefix("169.254.0.0/16"), linkLocal},
	{netip.MustParsePrefix("172.16.0.0/12"), private},
	{netip.MustParsePrefix("192.0.0.0/24"), special},
	{netip.MustParsePrefix("192.0.2.0/24"), special},
	{netip.MustParsePrefix("192.88.99.0/24"), special},
	{netip.MustParsePrefix("192.168.0.0/16"), private},
	{netip.MustParsePrefix("198.18.0.0/15"), special},
	{netip.MustParsePrefix("198.51.100.0/24"), special},
	{netip.MustParsePrefix("203.0.113.0/24"), special},
	{netip.MustParsePrefix("224.0.0.0/4"), multicast},
	{netip.MustParsePrefix("240.0.0.0/4"), special},

	{netip.MustParsePrefix("::1/128"), loopback},
	{netip.MustParsePrefix("64:ff9b::/96"), embedding},   // NAT64
	{netip.MustParsePrefix("64:ff9b:1::/48"), embedding}, // local NAT64
	{netip.MustParsePrefix("::/8"), special},             // unspecified, IPv4-compatible
	{netip.MustParsePrefix("100::/64"), special},         // discard
	{netip.MustParsePrefix("2001::/32"), embedding},      // Teredo
	{netip.MustParsePrefix("2001::/23"), special},
	{netip.MustParsePrefix("2001:db8::/32"), special},
	{netip.MustParsePrefix("2002::/16"), embedding}, // 6to4
	{netip.MustParsePrefix("3fff::/20"), special},
	{netip.MustParsePrefix("5f00::/16"), special}, // SRv6
	{netip.MustParsePrefix("fc00::/7"), private},
	{netip.MustParsePrefix("fe80::/10"), linkLocal},
	{netip.MustParsePrefix("fec0::/10"), special}, // site-local
	{netip.MustParsePrefix("ff00::/8"), multicast},
}

// classify names what an unmapped address is for. The ssrf package is a second
// opinion: what it refuses and our table does not know is special.
func (p *Policy) classify(addr netip.Addr) class {
	for _, c := range classes {
		if c.prefix.Contains(addr) {
			return c.class
		}
	}
	if p.own.has(addr) {
		return machine
	}
	if p.second.SafeAddr(addr) != nil {
		return special
	}
	return public
}

// embedded returns the IPv4 address that a transition mechanism carries in an
// IPv6 one: NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380).
func embedded(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	switch {
	case b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b:
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0:
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	}
	return netip.Addr{}, false
}

// judgeAll judges every answer of the resolver: one bad address refuses the
// name, or mixed answers would be a lottery (CVE-2026-58442).
func (p *Policy) judgeAll(t target, addrs []netip.Addr) *Refusal {
	for _, addr := range addrs {
		if refusal := p.judgeAddr(t, addr); refusal != nil {
			return refusal
		}
	}
	return nil
}

// judgeAddr says why t may not be reached at addr, nil if it may. A mapped
// IPv4 address is judged as IPv4.
func (p *Policy) judgeAddr(t target, addr netip.Addr) *Refusal {
	if !addr.IsValid() || addr.Zone() != "" {
		return refuse("addresses with a zone are not allowed")
	}
	addr = addr.Unmap()
	if p.own.listens(addr, t.port) && !t.exact && !p.pairs[netip.AddrPortFrom(addr, t.port)] {
		return ownRefusal()
	}
	if p.allowed(addr, t.port) {
		// An exception for a whole NAT64 range must not open 64:ff9b::7f00:1.
		if v4, ok := embedded(addr); ok && !p.open(t, p.classify(v4)) && !p.allowed(v4, t.port) {
			return addressRefusal(t, embedding)
		}
		return nil
	}
	if t.pending != nil {
		return t.pending
	}
	if c := p.classify(addr); !p.open(t, c) {
		return addressRefusal(t, c)
	}
	return nil
}

// open reports whether the class is reachable without an exception for the address.
func (p *Policy) open(t target, c class) bool {
	switch c {
	case public:
		return true
	case loopback, private, machine:
		return p.dev || t.named
	case shared:
		return t.named
	default:
		return false
	}
}

// addressRefusal tells the class of a literal, which its author typed, but not
// what a name resolves to: that would make us an oracle for internal DNS.
func addressRefusal(t target, c class) *Refusal {
	if !t.addr.IsValid() {
		return &Refusal{"the host name resolves to an address that is not allowed", flagTarget}
	}
	flag := flagTarget
	if c == loopback || c == private || c == machine {
		flag = flagDevOrTarget
	}
	return &Refusal{"the host is " + string(c) + ", which is not allowed", flag}
}

func ownRefusal() *Refusal {
	return &Refusal{"the target is Signalbox itself", flagTarget}
}

// interfacesFor is how long a reading of the interfaces is used: addresses come
// and go on a running machine.
const interfacesFor = 30 * time.Second

// ownAddresses knows the machine's interface addresses and the places at which
// Signalbox itself answers.
type ownAddresses struct {
	list  func() ([]net.Addr, error)
	names map[string]bool         // "host:port" of the public URL
	pairs map[netip.AddrPort]bool // listen addresses
	any   map[uint16]bool         // ports listened to on all addresses

	mu     sync.Mutex // guards the two below
	addrs  map[netip.Addr]bool
	readAt time.Time
}

func newOwnAddresses(list func() ([]net.Addr, error), own []string) (*ownAddresses, error) {
	if list == nil {
		list = net.InterfaceAddrs
	}
	o := &ownAddresses{list: list, names: map[string]bool{}, pairs: map[netip.AddrPort]bool{}, any: map[uint16]bool{}}
	for _, entry := range own {
		if err := o.add(entry); err != nil {
			return nil, fmt.Errorf("own address %q: %w", entry, err)
		}
	}
	if err := o.read(); err != nil {
		return nil, fmt.Errorf("list interface addresses: %w", err)
	}
	return o, nil
}

// add files a host:port; ":8080" and "0.0.0.0:8080" are every address.
func (o *ownAddresses) add(entry string) error {
	host, port, refusal := splitHostPort(entry)
	if refusal != nil {
		return refusal
	}
	if port == 0 {
		return refuse("has no port")
	}
	addr, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && addr.IsUnspecified():
		o.any[port] = true
	case err == nil:
		o.pairs[netip.AddrPortFrom(addr.Unmap(), port)] = true
	default:
		o.names[hostPort(strings.TrimSuffix(host, "."), port)] = true
	}
	return nil
}

func (o *ownAddresses) read() error {
	list, err := o.list()
	if err != nil {
		return err
	}
	addrs := make(map[netip.Addr]bool, len(list))
	for _, a := range list {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			addrs[prefix.Addr().Unmap()] = true
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.addrs, o.readAt = addrs, time.Now()
	return nil
}

// has reports whether addr is on an interface. A reading that fails keeps the
// one before: it never opens anything.
func (o *ownAddresses) has(addr netip.Addr) bool {
	o.mu.Lock()
	stale := time.Since(o.readAt) > interfacesFor
	o.mu.Unlock()
	if stale {
		_ = o.read()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.addrs[addr]
}

// listens reports whether Signalbox answers at addr and port.
func (o *ownAddresses) listens(addr netip.Addr, port uint16) bool {
	if o.pairs[netip.AddrPortFrom(addr, port)] {
		return true
	}
	return o.any[port] && (addr.IsLoopback() || addr.IsUnspecified() || o.has(addr))
}

func (o *ownAddresses) named(host string, port uint16) bool { return o.names[hostPort(host, port)] }
