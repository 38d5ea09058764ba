package pgserver

import (
	"os"
	"path/filepath"
	"syscall"
)

// DemandTLS starts the server anew with a certificate and its key (PEM): everybody must speak TLS to it from now on, and show a certificate of clientCA
// (PEM; nil: nobody must).
func (s *Server) DemandTLS(t TB, cert, key, clientCA []byte) {
	t.Helper()
	files := map[string][]byte{"server.crt": cert, "server.key": key}
	settings := []string{"ssl=on", "ssl_cert_file=server.crt", "ssl_key_file=server.key"}
	rule := "hostssl all all 127.0.0.1/32 trust"
	if clientCA != nil {
		files["clients.crt"] = clientCA
		settings = append(settings, "ssl_ca_file=clients.crt")
		rule += " clientcert=verify-ca"
	}
	files["pg_hba.conf"] = []byte("local all all trust\n" + rule + "\n")
	if err := s.Down(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(s.data(), name)
		err := os.WriteFile(path, text, 0o600)
		if err == nil && s.cred != nil {
			err = os.Chown(path, int(s.cred.Uid), int(s.cred.Gid))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.settings, s.local = settings, true
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
}
