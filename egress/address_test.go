package egress_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"signalbox/egress"
)

// forbidden is the prefix table of reliability 2.1, written out again so that
// an entry lost in the code is missed here.
var forbidden = []string{
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
	"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16",
	"fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "::/80", "1::/16", "80::/9", "4000::/3", "8000::/1",
}

func firstMiddleLast(p netip.Prefix) []netip.Addr {
	first := p.Masked().Addr()
	middle, last := first.AsSlice(), first.AsSlice()
	for bit := p.Bits(); bit < len(last)*8; bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
		if bit > p.Bits() {
			middle[bit/8] |= 0x80 >> (bit % 8)
		}
	}
	m, _ := netip.AddrFromSlice(middle)
	l, _ := netip.AddrFromSlice(last)
	return []netip.Addr{first, m, l}
}

func literal(a netip.Addr) string { return "https://" + netip.AddrPortFrom(a, 443).String() + "/" }

// proves reliability S1: first, middle and last address of every prefix
func TestCheckURL_RefusesFirstMiddleAndLastOfEveryPrefix(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{})
	for _, prefix := range forbidden {
		for _, addr := range firstMiddleLast(netip.MustParsePrefix(prefix)) {
			if _, err := p.CheckURL(literal(addr)); refusalOf(err) == nil {
				t.Errorf("%s of %s: got %v, want a refusal", addr, prefix, err)
			}
			if addr.Is4() {
				mapped := netip.AddrFrom16(addr.As16())
				if _, err := p.CheckURL(literal(mapped)); refusalOf(err) == nil {
					t.Errorf("%s of %s: got %v, want a refusal", mapped, prefix, err)
				}
			}
		}
	}
}

func TestCheckURL_AcceptsTheNeighboursOfForbiddenPrefixes(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{})
	for _, s := range []string{
		"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255",
		"192.169.0.0", "198.17.255.255", "198.20.0.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
		"168.63.129.15", "168.63.129.17", "2001:200::", "2003::", "2606:4700::1111",
	} {
		if _, err := p.CheckURL(literal(netip.MustParseAddr(s))); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestCheckURL_AllowTargetMakesExactlyItsException(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{AllowTargets: []string{
		"10.1.0.0/16", "192.168.1.5", "127.0.0.1:9000", "[::1]:9000", "Hooks.Corp.Internal", "build:8081", "64:ff9b::/96",
	}})
	for raw, accepted := range map[string]bool{
		"http://10.1.2.3:1234/":               true,
		"https://[::ffff:10.1.2.3]/":          true,
		"https://10.2.0.1/":                   false,
		"http://192.168.1.5/":                 true,
		"http://192.168.1.6/":                 false,
		"http://127.0.0.1:9000/":              true,
		"http://127.0.0.1:9001/":              false,
		"http://[::1]:9000/":                  true,
		"http://[::1]:9001/":                  false,
		"http://hooks.corp.internal:77/":      true,
		"https://x.hooks.corp.internal/":      true, // a CIDR may cover it: judged by its addresses
		"http://build:8081/":                  true,
		"https://[64:ff9b::808:808]/":         true,
		"https://[64:ff9b::7f00:1]/":          false, // the embedded address is judged too
		"https://[64:ff9b::10.1.2.3]/":        true,
		"https://[64:ff9b::169.254.169.254]/": false,
		"https://169.254.169.254/":            false,
	} {
		_, err := p.CheckURL(raw)
		if got := err == nil; got != accepted {
			t.Errorf("%s: got %v, want accepted %v", raw, err, accepted)
		}
	}
}

func TestCheckTarget_ANameAllowedOnlyByCIDRMustResolveIntoIt(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{AllowTargets: []string{"10.1.0.0/16", "named.internal"}, Resolver: names{
		"in.internal.":     {"10.1.2.3"},
		"half.internal.":   {"10.1.2.3", "8.8.8.8"},
		"public.example.":  {"8.8.8.8"},
		"named.internal.":  {"10.9.9.9", "100.64.0.1"},
		"rebound.example.": {"10.1.0.1"},
	}})
	for raw, accepted := range map[string]bool{
		"http://in.internal:8080/":    true,
		"http://half.internal:8080/":  false,
		"http://public.example/":      false,
		"https://public.example/":     true,
		"http://named.internal:9/":    true,
		"https://rebound.example/":    true,
		"https://unknown.internal/":   true, // no answer yet: judged when dialled
		"https://public.example:444/": false,
	} {
		_, err := p.CheckTarget(t.Context(), raw)
		if got := err == nil; got != accepted {
			t.Errorf("%s: got %v, want accepted %v", raw, err, accepted)
		}
	}
}

func TestCheckTarget_ANamedHostNeverResolvesToMetadata(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{Dev: true, AllowTargets: []string{"named.internal"}, Resolver: names{
		"named.internal.": {"169.254.169.254"},
		"other.example.":  {"fd00:ec2::254"},
	}})
	for _, raw := range []string{"http://named.internal/", "http://other.example/"} {
		if _, err := p.CheckTarget(t.Context(), raw); refusalOf(err) == nil {
			t.Errorf("%s: got %v, want a refusal", raw, err)
		}
	}
}

func TestCheckTarget_RefusesTheServersOwnAddresses(t *testing.T) {
	t.Parallel()
	c := egress.Config{
		Own: []string{"0.0.0.0:8443", "Hub.example.com:443", "93.184.216.34:443"},
		InterfaceAddrs: func() ([]net.Addr, error) {
			return []net.Addr{&net.IPNet{IP: net.ParseIP("93.184.216.40"), Mask: net.CIDRMask(24, 32)}}, nil
		},
		Resolver: names{"alias.example.": {"93.184.216.34"}, "iface.example.": {"93.184.216.40"}, "fine.example.": {"93.184.216.41"}},
	}
	p := newPolicy(t, c)
	for raw, accepted := range map[string]bool{
		"https://93.184.216.40/": false, "https://iface.example/": false, "https://hub.example.com/": false,
		"https://alias.example/": false, "https://93.184.216.34:8443/": true, "https://fine.example/": true,
	} {
		if _, err := p.CheckTarget(t.Context(), raw); (err == nil) != accepted {
			t.Errorf("%s: got %v, want accepted %v", raw, err, accepted)
		}
	}
	c.Dev = true
	p = newPolicy(t, c)
	for _, raw := range []string{"https://127.0.0.1:8443/", "https://93.184.216.40:8443/", "https://hub.example.com/"} {
		if _, err := p.CheckTarget(t.Context(), raw); refusalOf(err) == nil {
			t.Errorf("%s: got %v, want a refusal even under dev", raw, err)
		}
	}
	c.AllowTargets = []string{"127.0.0.1:8443", "hub.example.com:443"}
	p = newPolicy(t, c)
	for _, raw := range []string{"https://127.0.0.1:8443/", "https://hub.example.com/"} {
		if _, err := p.CheckTarget(t.Context(), raw); err != nil {
			t.Errorf("%s: %v, want the exact exception to win", raw, err)
		}
	}
}

func TestNewPolicy_FailsWhenInterfacesCannotBeRead(t *testing.T) {
	t.Parallel()
	broken := errors.New("no netlink")
	_, err := egress.NewPolicy(egress.Config{InterfaceAddrs: func() ([]net.Addr, error) { return nil, broken }})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the reason", err)
	}
}

func TestLastCheck_RefusesWhateverItDidNotJudge(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{})
	good := netip.MustParseAddrPort("8.8.8.8:443")
	if err := p.LastCheck(good, "tcp4", "8.8.8.8:443"); err != nil {
		t.Errorf("the judged address: %v", err)
	}
	for name, c := range map[string]struct {
		want             netip.AddrPort
		network, address string
	}{
		"another address":   {good, "tcp4", "127.0.0.1:443"},
		"another port":      {good, "tcp4", "8.8.8.8:22"},
		"not an address":    {good, "tcp4", "localhost:443"},
		"empty":             {good, "tcp4", ""},
		"another network":   {good, "unix", "8.8.8.8:443"},
		"udp":               {good, "udp4", "8.8.8.8:443"},
		"judged but secret": {netip.MustParseAddrPort("127.0.0.1:443"), "tcp4", "127.0.0.1:443"},
	} {
		if err := p.LastCheck(c.want, c.network, c.address); refusalOf(err) == nil {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
}
