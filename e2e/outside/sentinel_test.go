package outside

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The two addresses of the world outside that everybody may be sent to.
var (
	public4 = netip.MustParseAddr("93.184.216.34")
	public6 = netip.MustParseAddr("2606:2800:220:1:248:1893:25c8:1946")
)

func isPublic(a netip.Addr) bool { return a == public4 || a == public6 }

// sentinel takes every connection to the ports that the guard leaves open, and notes which address was dialled. What dials a public
// address with TLS is answered as a receiver would.
type sentinel struct {
	authority []byte // PEM
	listeners []net.Listener
	running   sync.WaitGroup
	conns     chan net.Conn // to public addresses, for the receiver
	done      chan struct{} // closed when no more are taken
	receiver  *http.Server
	redirect  atomic.Pointer[string] // where the receiver sends whoever comes; nil: it answers 200

	mu      sync.Mutex
	reached map[netip.AddrPort]int
}

var sentinels = &sentinel{reached: map[netip.AddrPort]int{}, conns: make(chan net.Conn), done: make(chan struct{})}

var ports = []uint16{80, 443, 8443}

func (s *sentinel) listen() error {
	config, err := s.certify()
	if err != nil {
		return err
	}
	s.receiver = &http.Server{Handler: s, TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: patience}
	s.receiver.SetKeepAlivesEnabled(false) // each request is on a connection of its own, for which the name is asked anew
	for _, port := range ports {
		l, err := net.Listen("tcp", ":"+strconv.Itoa(int(port)))
		if err != nil {
			return err
		}
		s.listeners = append(s.listeners, l)
		s.running.Go(func() { s.accept(l) })
	}
	s.running.Go(func() { _ = s.receiver.ServeTLS(s, "", "") })
	return nil
}

// certify makes a certificate of the two public addresses and of every name under example.com, and the authority that signed it.
func (s *sentinel) certify() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "outside"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		DNSNames: []string{"*.example.com"}, IPAddresses: []net.IP{public4.AsSlice(), public6.AsSlice()},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	s.authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, nil
}

// accept notes every connection of a listener; those to public addresses go on to the receiver.
func (s *sentinel) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		at := c.LocalAddr().(*net.TCPAddr).AddrPort()
		at = netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
		s.mu.Lock()
		s.reached[at]++
		s.mu.Unlock()
		if !isPublic(at.Addr()) {
			_ = c.Close()
			continue
		}
		select {
		case s.conns <- c:
		case <-s.done:
			_ = c.Close()
		}
	}
}

// Accept, Addr and Close make the public connections a listener of the receiver.
func (s *sentinel) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Addr is that of the first listener.
func (s *sentinel) Addr() net.Addr { return s.listeners[0].Addr() }

// Close ends Accept; the receiver calls it once.
func (s *sentinel) Close() error {
	close(s.done)
	return nil
}

// ServeHTTP answers as a good receiver, or with a redirect.
func (s *sentinel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	if to := s.redirect.Load(); to != nil {
		w.Header().Set("Location", *to)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
}

func (s *sentinel) close() {
	for _, l := range s.listeners {
		_ = l.Close()
	}
	_ = s.receiver.Close()
	s.running.Wait()
}

// take returns how often each place was reached since the last call.
func (s *sentinel) take() map[netip.AddrPort]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.reached
	s.reached = map[netip.AddrPort]int{}
	return got
}

// onlyPublic fails for every place reached that is not a public one, and returns how often those were.
func (s *sentinel) onlyPublic(t *testing.T) (n int) {
	t.Helper()
	for at, times := range s.take() {
		if n += times; !isPublic(at.Addr()) {
			t.Errorf("the sentinel at %s got %d connections", at, times)
		}
	}
	return n
}

// dials counts the connections that this test program itself opens.
var dials atomic.Int64

func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	dials.Add(1)
	var d net.Dialer
	d.SetMultipathTCP(false)
	return d.DialContext(ctx, network, addr)
}

// opened is how many TCP connections anybody in the namespace has begun, to whatever port: one SYN each.
func opened(t *testing.T) int64 {
	t.Helper()
	file, err := os.Open("/proc/self/net/snmp")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var names []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if words[0] != "Tcp:" {
			continue
		}
		if names == nil {
			names = words
			continue
		}
		n, err := strconv.ParseInt(words[slices.Index(names, "ActiveOpens")], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Fatal("the kernel does not say how many connections were opened")
	return 0
}

// seen is how often a place was reached since the last take.
func (s *sentinel) seen(at netip.AddrPort) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reached[at]
}
