package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signalbox/client"
)

// authority signs certificates, as a company's own CA does.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key := newECKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	return authority{parse(t, template, template, key, key), key}
}

func newECKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// parse signs a certificate and reads it back.
func parse(t *testing.T, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// file writes the authority's certificate as PEM.
func (a authority) file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// certify makes a server's certificate for 127.0.0.1, which change may spoil.
func (a authority) certify(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key := newECKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "receiver"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	cert := parse(t, template, a.cert, key, a.key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// catchTLS starts an HTTPS receiver with a certificate.
func catchTLS(t *testing.T, cert tls.Certificate) *catcher {
	t.Helper()
	c := &catcher{t: t, got: make(chan delivery, 16)}
	c.Server = httptest.NewUnstartedServer(c.handler(nil))
	c.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	c.Config.ErrorLog = log.New(io.Discard, "", 0) // failed handshakes are what these tests make
	c.StartTLS()
	t.Cleanup(c.Close)
	return c
}

// proves S1-5, S1-6
func TestTLS_AReceiverOfAnAllowedTargetIsReachedWithoutDev(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "company CA")
	caFile := ca.file(t)
	c := catchTLS(t, ca.certify(t, nil))
	hostPort := strings.TrimPrefix(c.URL, "https://")
	for name, target := range map[string]string{"by its network": "127.0.0.1/32", "by its address": "127.0.0.1", "by its host and port": hostPort} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "--target-ca", caFile, "--allow-target", target)
			hook := s.hook(client.WebhookInput{URL: c.URL})
			s.send(trial())
			got := c.next()
			if got.header.Get("X-Stairoids-Signature") == "" {
				t.Error("the delivery is not signed")
			}
			done := s.settled(hook.ID, 1, "delivered")[0]
			full, err := s.Delivery(t.Context(), done.ID)
			if err != nil {
				t.Fatal(err)
			}
			if len(full.Attempts) != 1 || full.Attempts[0].TLSMS <= 0 || full.Attempts[0].RemoteAddr == "" {
				t.Errorf("the attempt tells neither the handshake's time nor the address: %+v", full.Attempts)
			}
		})
	}
}

// proves S1-6, S1-34
func TestTLS_ABadCertificateIsAFailureThatIsRetried(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t, "company CA"), newAuthority(t, "somebody's CA")
	s := serve(t, "--target-ca", ca.file(t), "--allow-target", "127.0.0.1/32")
	cases := []struct {
		name string
		cert tls.Certificate
		says string
	}{
		{"of an unknown authority", stranger.certify(t, nil), "unknown authority"},
		{"expired", ca.certify(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }), "expired"},
		{"not valid yet", ca.certify(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }), "valid"},
		{"for another host", ca.certify(t, func(c *x509.Certificate) { c.IPAddresses = nil; c.DNSNames = []string{"example.com"} }), "host"},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			c := catchTLS(t, test.cert)
			hook := s.hook(client.WebhookInput{URL: c.URL})
			s.send(trial())
			waiting := s.settled(hook.ID, 1, "retrying")[0]
			full, err := s.Delivery(t.Context(), waiting.ID)
			if err != nil {
				t.Fatal(err)
			}
			if full.Reason != "tls" || len(full.Attempts) != 1 || full.Attempts[0].StatusCode != 0 || !strings.Contains(full.Attempts[0].Error, test.says) {
				t.Errorf("the delivery has the reason %q and the attempts %+v, want tls and %q", full.Reason, full.Attempts, test.says)
			}
			if a := full.Attempts[0]; a.RemoteAddr != c.Listener.Addr().String() || a.TLSMS <= 0 {
				t.Errorf("the attempt does not tell where it got: %+v", a)
			}
			select {
			case <-c.got:
				t.Error("the receiver got the event through a connection that nobody should trust")
			default:
			}
			if err := s.DeleteWebhook(t.Context(), hook.ID); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Contract section 2: --tls-cert and --tls-key serve HTTPS.
func TestTLS_TheProgramServesItsOwnDoorsOverTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "company CA")
	cert := ca.certify(t, nil)
	dir := t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certFile, keyFile := write("cert.pem", "CERTIFICATE", cert.Certificate[0]), write("key.pem", "PRIVATE KEY", der)
	s := serve(t, "--tls-cert", certFile, "--tls-key", keyFile)

	url := strings.Replace(s.url, "http://", "https://", 1)
	body := `{"type":"t","source":"s"}`
	out := output(t, nil, "curl", "-sS", "--cacert", ca.file(t), "-w", "\n%{http_code} %{http_version}", url+"/v1/signals",
		"-H", "Authorization: Bearer "+apiKey, "-d", body, "-H", "Content-Type: application/json")
	if !strings.HasSuffix(out, "\n201 2") {
		t.Errorf("over TLS curl got %q, want 201 by HTTP/2", out)
	}
	resp, err := http.Get(s.url + "/healthz") // plain HTTP at a TLS port
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP at the TLS door answers %d, want 400", resp.StatusCode)
	}
}
