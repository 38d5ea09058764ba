package egress_test

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"signalbox/egress"
)

// spelling is one way to write a forbidden place, and why it is dangerous.
type spelling struct{ host, why string }

// spellings are hosts that some resolver, parser or gateway takes to loopback,
// to metadata or into the local network (reliability 2.1, 2.3).
var spellings = []spelling{
	{"127.0.0.1", "loopback itself"},
	{"127.255.255.254", "all of 127/8 is loopback"},
	{"127.0.0.1.", "a trailing dot hides the literal"},
	{"127.1", "inet_aton fills the middle with zeros"},
	{"127.0.1", "inet_aton with three parts"},
	{"0x7f.1", "hexadecimal part"},
	{"0x7f000001", "one hexadecimal number"},
	{"0X7F000001", "upper-case hexadecimal"},
	{"0x7f.0x0.0x0.0x1", "all parts hexadecimal"},
	{"2130706433", "one decimal number"},
	{"017700000001", "one octal number"},
	{"0177.0.0.1", "octal part"},
	{"0177.0x0.0.1", "mixed bases"},
	{"127.0.0.01", "leading zero, octal to some"},
	{"0", "zero is this host"},
	{"0x", "WHATWG reads it as zero"},
	{"0.0.0.0", "unspecified connects to loopback (CVE-2025-24354)"},
	{"1.2.3.4.5", "five parts: a name to some, an address to others"},
	{"4294967296", "overflow wraps to zero"},
	{"１２７.０.０.１", "full-width digits map to ASCII"},
	{"①②⑦.⓪.⓪.①", "circled digits map to ASCII"},
	{"127。0。0。1", "ideographic full stops map to dots"},
	{"ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "circled letters map to localhost"},
	{"[::1]", "IPv6 loopback"},
	{"[::]", "IPv6 unspecified (CVE-2023-24623)"},
	{"[0:0:0:0:0:0:0:1]", "loopback uncompressed"},
	{"[::ffff:127.0.0.1]", "mapped IPv4 (CVE-2026-2455)"},
	{"[::ffff:7f00:1]", "mapped IPv4 in hexadecimal"},
	{"[::127.0.0.1]", "IPv4-compatible"},
	{"[64:ff9b::7f00:1]", "NAT64 of loopback"},
	{"[64:ff9b:1::7f00:1]", "local NAT64 of loopback"},
	{"[2002:7f00:1::]", "6to4 of loopback"},
	{"[2001:0:7f00:1::]", "Teredo"},
	{"[::1%25lo]", "zone, escaped"},
	{"[::1%lo]", "zone"},
	{"[fe80::1%25eth0]", "link-local with zone"},
	{"[127.0.0.1]", "IPv4 in brackets"},
	{"[localhost]", "name in brackets"},
	{"[::1", "open bracket"},
	{"::1", "IPv6 without brackets"},
	{"[fec0::1]", "site-local"},
	{"[fd00:ec2::254]", "AWS metadata over IPv6"},
	{"169.254.169.254", "metadata"},
	{"0xa9fea9fe", "metadata in hexadecimal"},
	{"168.63.129.16", "Azure's metadata looks public"},
	{"100.100.100.200", "Alibaba's metadata"},
	{"10.0.0.1", "private"},
	{"localhost", "resolves to loopback everywhere"},
	{"LOCALHOST", "case"},
	{"localhost.", "rooted"},
	{"foo.localhost", "RFC 6761"},
	{"intranet", "single label meets search domains"},
	{"intranet.", "rooted single label"},
	{"metadata.google.internal", "metadata by name"},
	{"printer.local", "mDNS"},
	{"db.default.svc", "Kubernetes service"},
	{"db.default.svc.cluster.local", "Kubernetes service in full"},
	{"router.home.arpa", "home network"},
	{"%6c%6f%63%61%6c%68%6f%73%74", "escaped localhost"},
	{"127.0.0.1%2f.example.com", "escaped slash in the host"},
	{"127.0.0.1\\.example.com", "backslash is a slash to browsers"},
	{"127.0.0.1\t.example.com", "tabs are dropped by browsers"},
	{"user@127.0.0.1", "user-info"},
	{"example.com@127.0.0.1", "user-info that looks like a host"},
	{"@127.0.0.1", "empty user-info"},
	{"a..example.com", "empty label"},
	{"-", "no letter or digit"},
	{"", "no host"},
	{".", "only the root"},
	{"exa_mple.com", "underscore is no host name"},
	{"xn--a.example.com", "invalid punycode"},
	{strings.Repeat("a", 64) + ".example.com", "label over 63"},
	{strings.Repeat("a.", 127) + "example.com", "name over 253"},
	{"loc\u00adalhost", "soft hyphen vanishes in IDNA"},
	{"loc\u200dalhost", "zero-width joiner"},
}

func TestCheckURL_RefusesEverySpellingOfAForbiddenHost(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{})
	for _, s := range spellings {
		u, err := p.CheckURL("https://" + s.host + "/hook")
		if r := refusalOf(err); r == nil || r.Reason == "" || u != nil {
			t.Errorf("%q (%s): got %v, %v; want a refusal", s.host, s.why, u, err)
		}
	}
}

// The sentinel stands on loopback, its port is allowed, and a resolver as
// helpful as the C library's takes every name there. Do is called directly, as
// if no check at save time existed.
func TestDo_NoSpellingReachesASentinelOnLoopback(t *testing.T) {
	t.Parallel()
	sentinel := serve(t, func(*server, int, net.Conn) {})
	port := sentinel.addr.Port()
	client := newClient(t, egress.Config{
		AllowPorts: []uint16{port},
		Resolver: resolverFunc(func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}),
	})
	tried := 0
	for _, s := range append(spellings, spelling{"example.com", "resolves to loopback"}) {
		for _, scheme := range []string{"https", "http"} {
			u, err := parseLoosely(scheme, s.host, port)
			if err != nil {
				continue // Go itself cannot be made to send there
			}
			tried++
			got := client.Do(t.Context(), egress.Request{URL: u})
			if got.Err == nil || got.Status != 0 || got.RemoteAddr != "" {
				t.Errorf("%q (%s): got %+v, want a failure without a connection", s.host, s.why, got)
			}
		}
	}
	if tried < 100 {
		t.Errorf("tried %d spellings, want most of them", tried)
	}
	conn, err := net.Dial("tcp", sentinel.addr.String()) // the sentinel does count
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Read(make([]byte, 1)) // ends once it was accepted, after all before it
	if got := sentinel.conns.Load(); got != 1 {
		t.Errorf("sentinel got %d connections, want only the test's own", got)
	}
}

func TestCheckURL_AcceptsAndNormalises(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{AllowPorts: []uint16{9443}})
	for raw, want := range map[string]string{
		"https://example.com":                     "https://example.com",
		"HTTPS://Example.COM/Path?q=1":            "https://example.com/Path?q=1",
		"https://example.com./x":                  "https://example.com/x",
		"https://example.com:443/":                "https://example.com:443/",
		"https://example.com:8443/":               "https://example.com:8443/",
		"https://example.com:9443/":               "https://example.com:9443/",
		"https://bücher.example/":                 "https://xn--bcher-kva.example/",
		"https://xn--bcher-kva.example/":          "https://xn--bcher-kva.example/",
		"https://r3---sn.example.com/":            "https://r3---sn.example.com/",
		"https://8.8.8.8/hook":                    "https://8.8.8.8/hook",
		"https://[2606:4700::1111]/":              "https://[2606:4700::1111]/",
		"https://[2606:4700:0:0:0:0:0:1111]/":     "https://[2606:4700::1111]/",
		"https://[::ffff:8.8.8.8]/":               "https://[::ffff:8.8.8.8]/",
		"https://127.0.0.1.nip.example/":          "https://127.0.0.1.nip.example/", // a name; judged when resolved
		"https://internal.example.com/a%2Fb":      "https://internal.example.com/a%2Fb",
		"https://hooks.example.com/a?to=http://x": "https://hooks.example.com/a?to=http://x",
	} {
		u, err := p.CheckURL(raw)
		if err != nil || u.String() != want {
			t.Errorf("%s: got %v, %v; want %s", raw, u, err, want)
		}
	}
}

func TestCheckURL_RefusesWhatIsNotAPlainHTTPSURL(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{})
	for name, raw := range map[string]string{
		"empty":               "",
		"no scheme":           "example.com/hook",
		"scheme relative":     "//example.com/hook",
		"other scheme":        "ftp://example.com/",
		"gopher":              "gopher://example.com:443/_x",
		"file":                "file:///etc/passwd",
		"opaque":              "https:example.com",
		"one slash":           "https:/example.com",
		"three slashes":       "https:///example.com",
		"user":                "https://user@example.com/",
		"user and password":   "https://user:pw@example.com/",
		"empty user":          "https://@example.com/",
		"fragment":            "https://example.com/#x",
		"empty fragment":      "https://example.com/#",
		"space":               "https://example.com/a b",
		"leading space":       " https://example.com/",
		"new line":            "https://example.com/\r\nX: y",
		"NUL":                 "https://example.com/\x00",
		"tab in scheme":       "ht\ttps://example.com/",
		"no-break space":      "https://example.com/\u00a0",
		"right-to-left mark":  "https://example.com/\u202e",
		"invalid UTF-8":       "https://example.com/\xff",
		"backslash":           "https://example.com\\@127.0.0.1/",
		"broken escape":       "https://example.com/%zz",
		"too long":            "https://example.com/" + strings.Repeat("a", egress.MaxURLLength),
		"port 0":              "https://example.com:0/",
		"port 65536":          "https://example.com:65536/",
		"empty port":          "https://example.com:/",
		"port with zero":      "https://example.com:0443/",
		"negative port":       "https://example.com:-443/",
		"port with plus":      "https://example.com:+443/",
		"two ports":           "https://example.com:443:443/",
		"text after brackets": "https://[2606:4700::1111]x/",
		"ssh port":            "https://example.com:22/",
		"port 80 with https":  "https://example.com:80/",
		"http":                "http://example.com/",
		"http, other case":    "hTTp://example.com/",
	} {
		if u, err := p.CheckURL(raw); refusalOf(err) == nil {
			t.Errorf("%s: got %v, %v; want a refusal", name, u, err)
		}
	}
}

// proves contract section 12: the refusal names the flag
func TestCheckURL_RefusalSaysWhatIsWrongAndNamesTheFlag(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{})
	for raw, want := range map[string][2]string{
		"http://example.com/":       {"http is not allowed", "--dev or --allow-target"},
		"https://127.0.0.1/":        {"loopback", "--dev or --allow-target"},
		"https://10.1.2.3/":         {"private", "--dev or --allow-target"},
		"https://[::ffff:a00:1]/":   {"private", "--dev or --allow-target"},
		"https://169.254.169.254/":  {"metadata", "--allow-target"},
		"https://169.254.1.1/":      {"link-local", "--allow-target"},
		"https://100.64.0.1/":       {"shared", "--allow-target"},
		"https://[64:ff9b::a00:1]/": {"carries an IPv4", "--allow-target"},
		"https://intranet/":         {"single label", "--dev or --allow-target"},
		"https://a.internal/":       {".internal", "--dev or --allow-target"},
		"https://example.com:9000/": {"port 9000", "--allow-ports or --allow-target"},
		"https://u:p@example.com/":  {"user-info", ""},
	} {
		_, err := p.CheckURL(raw)
		r := refusalOf(err)
		if r == nil || !strings.Contains(r.Reason, want[0]) || r.Flag != want[1] || !strings.Contains(r.Error(), r.Flag) {
			t.Errorf("%s: got %+v, want reason with %q and flag %q", raw, r, want[0], want[1])
		}
	}
}

func TestCheckURL_DevAllowsHTTPAnyPortLocalNamesAndLocalAddresses(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{Dev: true, Own: []string{"127.0.0.1:8080"}})
	for _, raw := range []string{
		"http://localhost:3000/", "http://127.0.0.1:9000/", "https://[::1]:9000/", "http://receiver:80/",
		"http://10.0.0.7/", "http://[fd12::1]/", "http://host.docker.internal:3000/", "http://example.com/",
	} {
		if _, err := p.CheckURL(raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	for _, raw := range []string{
		"http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://168.63.129.16/", "http://0.0.0.0/",
		"http://[::]/", "http://127.1/", "http://224.0.0.1/", "http://u@localhost/", "http://127.0.0.1:8080/",
		"http://[64:ff9b::7f00:1]/", "ftp://localhost/",
	} {
		if _, err := p.CheckURL(raw); refusalOf(err) == nil {
			t.Errorf("%s: accepted under dev", raw)
		}
	}
}

func TestCheckTarget_JudgesTheAnswersOfDNSAndAcceptsNamesWithoutAny(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{Resolver: names{
		"good.example.":  {"8.8.8.8", "2606:4700::1111"},
		"bad.example.":   {"127.0.0.1"},
		"mixed.example.": {"8.8.8.8", "10.0.0.1"},
		"six.example.":   {"::ffff:127.0.0.1"},
	}})
	for host, refused := range map[string]bool{
		"good.example": false, "not-yet.example": false, "bad.example": true, "mixed.example": true, "six.example": true,
	} {
		_, err := p.CheckTarget(t.Context(), "https://"+host+"/")
		if got := refusalOf(err) != nil; got != refused || (err != nil) != refused {
			t.Errorf("%s: got %v, want refused %v", host, err, refused)
		}
		if err != nil && strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: the message tells an internal address: %v", host, err)
		}
	}
}

func TestCheckTarget_ASlowResolverIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, egress.Config{Resolver: resolverFunc(func(ctx context.Context, _ string) ([]netip.Addr, error) {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 2*time.Second {
			t.Error("look-up at save time has no short deadline")
		}
		return nil, context.DeadlineExceeded
	})})
	if _, err := p.CheckTarget(t.Context(), "https://slow.example/"); err != nil {
		t.Errorf("got %v, want acceptance until the dial", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.CheckTarget(gone, "https://slow.example/"); err != context.Canceled {
		t.Errorf("got %v, want the caller's own cancellation", err)
	}
}

func TestNewPolicy_RefusesABrokenConfigurationAndNamesTheFlag(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]egress.Config{
		"allow-target": {AllowTargets: []string{"10.0.0.0/99"}},
		"not a CIDR":   {AllowTargets: []string{"http://x"}},
		"IPv4 prefix":  {AllowTargets: []string{"::ffff:10.0.0.0/104"}},
		"allow-ports":  {AllowPorts: []uint16{0}},
		"target-ca":    {TargetCA: []byte("not PEM")},
		"egress-proxy": {Proxy: "socks5://user:secret@proxy:1080"},
		"own address":  {Own: []string{"example.com"}},
	} {
		_, err := egress.NewPolicy(c)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v, want an error with %q and no password", err, want)
		}
	}
}

// parseLoosely makes the *url.URL that a careless caller would.
func parseLoosely(scheme, host string, port uint16) (*url.URL, error) {
	return url.Parse(scheme + "://" + host + ":" + strconv.Itoa(int(port)) + "/hook")
}
