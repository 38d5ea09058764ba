package store_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signalbox/internal/boxtest/pgserver"
	"signalbox/store"
)

// authority signs certificates.
type authority struct {
	*testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its certificate, PEM
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{T: t}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	a.file = a.write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
	return a
}

func (a *authority) write(name string, text []byte) string {
	a.Helper()
	path := filepath.Join(a.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		a.Fatal(err)
	}
	return path
}

// sign makes a certificate and its key, PEM.
func (a *authority) sign(change func(*x509.Certificate)) (cert, key []byte) {
	a.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "signalbox"}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	change(template)
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, &k.PublicKey, a.key)
	if err != nil {
		a.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// tlsServer is a server of its own that demands TLS.
func tlsServer(t *testing.T, cert, key, clientCA []byte) string {
	t.Helper()
	s, err := pgserver.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	base := s.Schema(t)
	s.DemandTLS(t, cert, key, clientCA)
	return base
}

// overTLS is a database's URL with other TLS parameters.
func overTLS(base string, params ...string) string {
	return strings.Replace(base, "sslmode=disable", strings.Join(params, "&"), 1)
}

// refusedInOneLine opens a database that cannot be, and wants the reason.
func refusedInOneLine(t *testing.T, url, says string) {
	t.Helper()
	db, err := store.Open(context.Background(), store.Config{DatabaseURL: url})
	if err == nil {
		t.Errorf("opened, want a refusal that says %q", says)
		db.Close()
		return
	}
	if text := err.Error(); !strings.Contains(text, says) || strings.Contains(text, "\n") {
		t.Errorf("refused with %q, want one line that says %q", text, says)
	}
}

// The way to the database is proved as the URL asks, before anything is touched.
func TestOpenPostgres_TLS(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t, "our CA"), newAuthority(t, "another CA")
	same := func(*x509.Certificate) {}
	full := func(a *authority) []string { return []string{"sslmode=verify-full", "sslrootcert=" + a.file} }

	t.Run("a server that is whom it says", func(t *testing.T) {
		t.Parallel()
		cert, key := ca.sign(same)
		base := tlsServer(t, cert, key, nil)
		db, err := store.Open(t.Context(), store.Config{DatabaseURL: overTLS(base, full(ca)...)})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		refusedInOneLine(t, overTLS(base, full(other)...), "certificate signed by unknown authority")
		refusedInOneLine(t, base, "no encryption") // sslmode=disable
		refusedInOneLine(t, overTLS(base, "sslmode=verify-full", "sslrootcert=/does/not/exist.pem"), "/does/not/exist.pem")
	})
	t.Run("another host's certificate", func(t *testing.T) {
		t.Parallel()
		cert, key := ca.sign(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"db.example.com"} })
		refusedInOneLine(t, overTLS(tlsServer(t, cert, key, nil), full(ca)...), "127.0.0.1")
	})
	t.Run("a certificate that has expired", func(t *testing.T) {
		t.Parallel()
		cert, key := ca.sign(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) })
		refusedInOneLine(t, overTLS(tlsServer(t, cert, key, nil), full(ca)...), "expired")
	})
	t.Run("a server without TLS", func(t *testing.T) {
		t.Parallel()
		refusedInOneLine(t, overTLS(postgres(t).Schema(t), "sslmode=require"), "refused TLS")
	})
	t.Run("a server that wants to know us", func(t *testing.T) {
		t.Parallel()
		cert, key := ca.sign(same)
		pemCA, err := os.ReadFile(ca.file)
		if err != nil {
			t.Fatal(err)
		}
		base := tlsServer(t, cert, key, pemCA)
		refusedInOneLine(t, overTLS(base, full(ca)...), "certificate")
		mine, myKey := ca.sign(same)
		params := append(full(ca), "sslcert="+ca.write("client.pem", mine), "sslkey="+ca.write("client.key", myKey))
		db, err := store.Open(t.Context(), store.Config{DatabaseURL: overTLS(base, params...)})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		theirs, theirKey := other.sign(same)
		params = append(full(ca), "sslcert="+ca.write("client.pem", theirs), "sslkey="+ca.write("client.key", theirKey))
		refusedInOneLine(t, overTLS(base, params...), "certificate")
	})
}
