package egress_test

import (
	"net/netip"
	"strings"
	"testing"

	"signalbox/egress"
)

// What is accepted is stable, plain, and never a forbidden literal.
func FuzzCheckURL(f *testing.F) {
	for _, s := range spellings {
		f.Add("https://" + s.host + "/hook")
	}
	for _, s := range []string{"https://example.com", "https://bücher.example:8443/?q", "https://[2606:4700::1111]/", "HTTPS://A.B./"} {
		f.Add(s)
	}
	p := newPolicy(f, egress.Config{})
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := p.CheckURL(raw)
		if err != nil {
			if refusalOf(err) == nil || u != nil {
				t.Fatalf("%q: got %v, %v; want a refusal alone", raw, u, err)
			}
			return
		}
		host := u.Hostname()
		if u.Scheme != "https" || u.User != nil || u.Fragment != "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-.:") != "" {
			t.Fatalf("%q: accepted as %s", raw, u)
		}
		if addr, err := netip.ParseAddr(host); err == nil {
			if addr = addr.Unmap(); addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || addr.IsUnspecified() || addr.IsMulticast() {
				t.Fatalf("%q: accepted %s", raw, addr)
			}
		}
		again, err := p.CheckURL(u.String())
		if len(u.String()) <= egress.MaxURLLength && (err != nil || again.String() != u.String()) {
			t.Fatalf("%q: accepted as %s, which gives %v, %v", raw, u, again, err)
		}
	})
}

// Whatever passes, net/http sends as one header line.
func FuzzValidateHeaders(f *testing.F) {
	for name, value := range map[string]string{"X-A": "b", "Host": "x", "X\r\nY": "z", "x-\u212a": "é", "Webhook-Id": "\x00"} {
		f.Add(name, value)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		if egress.ValidateHeaders(map[string]string{name: value}) != nil {
			return
		}
		if strings.ContainsAny(name+value, "\r\n\x00") || strings.ContainsAny(name, " :\t") || name == "" {
			t.Fatalf("accepted %q: %q", name, value)
		}
	})
}
