package outside

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// badAddresses are addresses that a webhook may not reach: the well-known ones, and the first, middle and last of each range of which some
// machine or network could be inside (reliability 2.1).
func badAddresses() (all []netip.Addr) {
	for _, s := range []string{
		"127.0.0.1", "127.0.0.53", "169.254.169.254", "169.254.170.2", "169.254.169.253", "168.63.129.16", "100.100.100.200", "192.0.0.192",
		"10.0.0.1", "172.17.0.1", "192.168.0.1", "192.168.1.1", "fd00:ec2::254", "fd20:ce::254", "fe80::a9fe:a9fe", "::1", "::",
	} {
		all = append(all, netip.MustParseAddr(s))
	}
	for _, s := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
		"192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10",
		"ff00::/8", "::/96", "1::/16",
	} {
		all = append(all, corners(netip.MustParsePrefix(s))...)
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// corners are the first, a middle and the last address of a range.
func corners(p netip.Prefix) []netip.Addr {
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

// spellings are the hosts, as they stand in a URL, that some program takes for an address.
func spellings(a netip.Addr) []string {
	if a.Is4() {
		return append(spell4(a), embed4(a)...)
	}
	return spell6(a)
}

func spell4(a netip.Addr) []string {
	b, s := a.As4(), a.String()
	n := binary.BigEndian.Uint32(b[:])
	host16, host24 := n&0xffff, n&0xffffff
	full := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '０' + (r - '0')
		}
		return r
	}, s)
	circled := strings.Map(func(r rune) rune {
		switch {
		case r == '0':
			return '⓪'
		case r >= '1' && r <= '9':
			return '①' + (r - '1')
		}
		return r
	}, s)
	escaped := ""
	for _, c := range []byte(s) {
		escaped += fmt.Sprintf("%%%02x", c)
	}
	return []string{
		s, s + ".", s + "..", s + ":443", s + ":8443", s + ".:443",
		strconv.FormatUint(uint64(n), 10), strconv.FormatUint(uint64(n), 10) + ".", strconv.FormatUint(uint64(n)+1<<32, 10),
		fmt.Sprintf("0x%08x", n), fmt.Sprintf("0X%08X", n), fmt.Sprintf("0x%x.", n), fmt.Sprintf("0x00000000%08x", n),
		fmt.Sprintf("0%o", n), fmt.Sprintf("00000%o", n),
		fmt.Sprintf("0x%x.0x%x.0x%x.0x%x", b[0], b[1], b[2], b[3]), fmt.Sprintf("0X%X.0X%X.0X%X.0X%X", b[0], b[1], b[2], b[3]),
		fmt.Sprintf("0%o.0%o.0%o.0%o", b[0], b[1], b[2], b[3]), fmt.Sprintf("%04o.%04o.%04o.%04o", b[0], b[1], b[2], b[3]),
		fmt.Sprintf("%03d.%03d.%03d.%03d", b[0], b[1], b[2], b[3]),
		fmt.Sprintf("%d.%d", b[0], host24), fmt.Sprintf("%d.%d.%d", b[0], b[1], host16), fmt.Sprintf("0x%x.%d", b[0], host24),
		fmt.Sprintf("%d.0x%x", b[0], host24), fmt.Sprintf("0%o.%d.0x%x", b[0], b[1], host16), fmt.Sprintf("%d.%d.%d.0%o", b[0], b[1], b[2], b[3]),
		fmt.Sprintf("%d.%d.%d.%d", int(b[0])+256, b[1], b[2], b[3]),
		full, circled, strings.ReplaceAll(s, ".", "。"), strings.ReplaceAll(s, ".", "．"), strings.ReplaceAll(full, ".", "｡"),
		escaped, strings.Replace(s, ".", "%2e", 1), s + "%00", s + "%2f.example.com", "%00" + s,
		"[" + s + "]", "user@" + s, "pub.example.com@" + s, "pub.example.com:443@" + s, "pub.example.com%40" + s, `pub.example.com\@` + s,
		s + "%0d%0a", "\t" + s, s + "\u200b", "\u00ad" + s, s + ".nip.io", strings.ReplaceAll(s, ".", "-") + ".sslip.io",
	}
}

// embed4 are the IPv6 addresses that carry an IPv4 one.
func embed4(a netip.Addr) []string {
	b, s := a.As4(), a.String()
	high, low := fmt.Sprintf("%02x%02x", b[0], b[1]), fmt.Sprintf("%02x%02x", b[2], b[3])
	hex := high + ":" + low
	teredo := fmt.Sprintf("%02x%02x:%02x%02x", b[0]^0xff, b[1]^0xff, b[2]^0xff, b[3]^0xff)
	return []string{
		"[::ffff:" + s + "]", "[::ffff:" + hex + "]", "[::FFFF:" + s + "]", "[0:0:0:0:0:ffff:" + hex + "]", "[0000:0000:0000:0000:0000:FFFF:" + s + "]",
		"[::ffff:" + s + "%25lo]", "[::ffff:" + s + "%lo]", "[::ffff:0:" + s + "]",
		"[::" + s + "]", "[::" + hex + "]", "[64:ff9b::" + s + "]", "[64:ff9b::" + hex + "]", "[64:FF9B::" + hex + "]", "[64:ff9b:1::" + s + "]",
		"[2002:" + hex + "::]", "[2002:" + hex + "::1]", "[2002:" + strings.ToUpper(hex) + "::]", "[2001:0:0:0:0:0:" + teredo + "]", "[2001::" + teredo + "]",
	}
}

func spell6(a netip.Addr) []string {
	s, long := a.String(), a.StringExpanded()
	b := a.As16()
	tail := fmt.Sprintf("%d.%d.%d.%d", b[12], b[13], b[14], b[15])
	mixed := strings.Join(strings.Split(long, ":")[:6], ":") + ":" + tail
	return []string{
		"[" + s + "]", "[" + strings.ToUpper(s) + "]", "[" + long + "]", "[" + strings.ToUpper(long) + "]", "[" + mixed + "]",
		"[" + s + "]:443", "[" + s + "]:8443", "[" + s + "].", "[" + s + ".]", "[" + s + "%25lo]", "[" + s + "%lo]", "[" + s + "%251]", "[" + s + "%25]",
		"%5B" + s + "%5D", s, s + ":443", "user@[" + s + "]", "[[" + s + "]]", "[" + s, "[ " + s + "]", "a" + strings.ReplaceAll(s, ":", "-") + "z.sslip.io",
	}
}

// badURLs are all spellings of all bad addresses, and the places at which clouds, containers and service meshes tell their secrets.
func badURLs() (all []string) {
	for _, a := range badAddresses() {
		for _, host := range spellings(a) {
			all = append(all, "https://"+host+"/hook")
		}
		host := netip.AddrPortFrom(a, 443).String()
		all = append(all, "HTTPS://"+host+"/", "http://"+host+"/", "https:\\\\"+host+"/", "https:/"+host+"/", "https:"+host+"/", "//"+host+"/", "https://"+host+"#@pub.example.com/",
			"https://"+host+"?@pub.example.com/", "https://"+host+`\@pub.example.com/`, "https://pub.example.com#@"+host+"/", `https://pub.example.com\@`+host+"/")
	}
	return append(all, metadataURLs()...)
}

func metadataURLs() (all []string) {
	for _, s := range []string{
		"169.254.169.254/latest/meta-data/iam/security-credentials/", "169.254.169.254/latest/user-data", "169.254.169.254/latest/dynamic/instance-identity/document",
		"169.254.169.254/latest/api/token", "instance-data/latest/meta-data/", "instance-data.ec2.internal/latest/meta-data/", "169.254.169.254.xip.io/",
		"[fd00:ec2::254]/latest/meta-data/", "[FD00:EC2::254]/", "169.254.170.2/v2/credentials/", "169.254.170.23/v1/credentials", "[fd00:ec2::23]/v1/credentials",
		"169.254.169.254/computeMetadata/v1/", "metadata.google.internal/computeMetadata/v1/", "metadata/computeMetadata/v1/", "metadata.google.internal./", "METADATA.google.INTERNAL/",
		"169.254.169.254/metadata/instance?api-version=2021-02-01", "168.63.129.16/machine?comp=goalstate", "169.254.169.254/metadata/v1.json", "169.254.169.254/openstack/latest/meta_data.json",
		"169.254.169.254/2009-04-04/meta-data/", "169.254.169.254/hetzner/v1/metadata", "169.254.169.254/opc/v2/instance/", "192.0.0.192/latest/meta-data/", "[fd00:c1::a9fe:a9fe]/opc/v2/",
		"100.100.100.200/latest/meta-data/", "169.254.0.23/latest/meta-data/", "metadata.tencentyun.com/latest/meta-data/", "169.254.42.42/conf?format=json", "[fd00:42::42]/conf",
		"metadata.packet.net/userdata", "169.254.169.254/v1.json", "api.metadata.cloud.ibm.com/instance_identity/v1/token", "169.254.169.254/metadata/v1/id",
		"rancher-metadata/latest/", "kubernetes.default.svc/api/v1/secrets", "kubernetes.default.svc.cluster.local/", "kubernetes/", "10.96.0.1/api/v1/secrets", "10.0.0.1/api",
		"127.0.0.1:2375/containers/json", "127.0.0.1:2379/v2/keys/", "127.0.0.1:10255/pods", "127.0.0.1:10250/run", "host.docker.internal/", "gateway.docker.internal/", "docker.for.mac.localhost/",
		"consul.service.consul:8500/v1/kv/", "vault.service.consul:8200/", "localhost/", "LOCALHOST/", "localhost./", "localhost.localdomain/", "ip6-localhost/", "ip6-loopback/",
		"a.b.localhost/", "printer.local/", "router.home.arpa/", "intranet/", "localtest.me/", "lvh.me/", "spoofed.burpcollaborator.net/", "127.0.0.1.xip.io/", "0/", "0x/", "0x0/", "00/",
	} {
		all = append(all, "https://"+s, "http://"+s)
	}
	return all
}
