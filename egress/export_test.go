package egress

import "net/netip"

// LastCheck judges address as the control hook of a dial to want does.
func (p *Policy) LastCheck(want netip.AddrPort, network, address string) error {
	t, refusal := p.judgeTarget("https", want.Addr().String(), want.Port())
	if refusal != nil {
		t = target{host: want.Addr().String(), port: want.Port()}
	}
	return p.lastCheck(t, want, network, address)
}
