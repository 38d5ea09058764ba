package outside

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// The addresses that bad answers hold: both are metadata services, and both are reachable here.
var (
	bad4 = netip.MustParseAddr("169.254.169.254")
	bad6 = netip.MustParseAddr("fd00:ec2::254")
)

// dnsServer answers for every name there is, with no time to live. The beginning of the first label, up to a hyphen, says how:
//
//	pub      public addresses
//	flip     public at the first question, then bad and public in turn
//	late     does not exist at the first question, then bad
//	mix      a public and a bad address of the same family
//	split    a public IPv4 address, a bad IPv6 one
//	chain    three CNAMEs, and then a bad address
//	lead     three CNAMEs, of which the last is a public name with a bad address beside it
//	mapped   the bad IPv4 address, mapped into IPv6
//	turn-…   public at the first question, then as the rest says
//
// and anything else has bad addresses.
type dnsServer struct {
	conns   []net.PacketConn
	running sync.WaitGroup

	mu    sync.Mutex
	asked map[string]int // by name and type
}

var nameServer = &dnsServer{asked: map[string]int{}}

// listen takes the place of the name servers that the machine has.
func (s *dnsServer) listen() error {
	var all []string
	if file, err := os.Open("/etc/resolv.conf"); err == nil {
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			if words := strings.Fields(lines.Text()); len(words) >= 2 && words[0] == "nameserver" {
				all = append(all, words[1])
			}
		}
	}
	if len(all) == 0 {
		all = []string{"127.0.0.1", "::1"} // what Go asks then
	}
	for _, addr := range all {
		c, err := net.ListenPacket("udp", net.JoinHostPort(addr, "53"))
		if err != nil {
			return fmt.Errorf("take the place of the name server %s: %w", addr, err)
		}
		s.conns = append(s.conns, c)
		s.running.Go(func() { s.serve(c) })
	}
	return nil
}

func (s *dnsServer) close() {
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.running.Wait()
}

func (s *dnsServer) serve(c net.PacketConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := c.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if answer, err := s.answer(buf[:n]); err == nil {
			_, _ = c.WriteTo(answer, from)
		}
	}
}

func (s *dnsServer) answer(query []byte) ([]byte, error) {
	var p dnsmessage.Parser
	head, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	records, exists := s.records(q)
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: head.ID, Response: true, Authoritative: true, RecursionDesired: head.RecursionDesired, RecursionAvailable: true},
		Questions: []dnsmessage.Question{q}, Answers: records,
	}
	if !exists {
		m.RCode = dnsmessage.RCodeNameError
	}
	return m.Pack()
}

// records answers a question by the name's first label.
func (s *dnsServer) records(q dnsmessage.Question) (records []dnsmessage.Resource, exists bool) {
	name := strings.ToLower(q.Name.String())
	times := s.count(name + q.Type.String())
	kind := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '.' })
	if kind[0] == "turn" {
		if kind = kind[1:]; times == 1 {
			kind = []string{"pub"}
		}
	}
	good, bad := public4, bad4
	if q.Type == dnsmessage.TypeAAAA {
		good, bad = public6, bad6
	}
	at := func(owner dnsmessage.Name, addrs ...netip.Addr) {
		for _, a := range addrs {
			records = append(records, address(owner, q.Type, a))
		}
	}
	switch kind[0] {
	case "pub":
		at(q.Name, good)
	case "flip":
		at(q.Name, []netip.Addr{good, bad}[(times-1)%2])
	case "late":
		if times == 1 {
			return nil, false
		}
		at(q.Name, bad)
	case "mix":
		at(q.Name, good, bad)
	case "split":
		if q.Type == dnsmessage.TypeA {
			at(q.Name, public4)
		} else {
			at(q.Name, bad6)
		}
	case "chain":
		records = chain(q.Name, "pub.example.com.", "pub.example.net.", "hidden.example.org.")
		at(dnsmessage.MustNewName("hidden.example.org."), bad)
	case "lead":
		records = chain(q.Name, "a.example.com.", "b.example.net.", "pub.example.org.")
		at(dnsmessage.MustNewName("pub.example.org."), good, bad)
	case "mapped":
		if q.Type == dnsmessage.TypeAAAA {
			at(q.Name, netip.AddrFrom16(bad4.As16()))
		}
	default:
		at(q.Name, bad)
	}
	return records, true
}

func (s *dnsServer) count(question string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[question]++
	return s.asked[question]
}

// lookups is how often a name's IPv4 addresses were asked for.
func (s *dnsServer) lookups(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name+"."+dnsmessage.TypeA.String()]
}

func address(owner dnsmessage.Name, as dnsmessage.Type, a netip.Addr) dnsmessage.Resource {
	head := dnsmessage.ResourceHeader{Name: owner, Type: as, Class: dnsmessage.ClassINET}
	if as == dnsmessage.TypeAAAA {
		return dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}}
	}
	return dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}}
}

// chain leads from a name over others.
func chain(from dnsmessage.Name, over ...string) (records []dnsmessage.Resource) {
	for _, to := range over {
		next := dnsmessage.MustNewName(to)
		records = append(records, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: from, Type: dnsmessage.TypeCNAME, Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.CNAMEResource{CNAME: next},
		})
		from = next
	}
	return records
}
