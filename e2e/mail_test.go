package e2e

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"signalbox/client"
)

// postOffice is a real mail server beside the signalbox.
type postOffice struct {
	*program
	port string
}

// taken is what a mail server was sent.
type taken struct {
	From   string
	To     []string
	User   string
	Secure bool
	Raw    string
	*mail.Message
	text string
}

func openPostOffice(t *testing.T, env ...string) *postOffice {
	t.Helper()
	p := &postOffice{program: start(t, env, kit.node, filepath.Join("programs", "smtp.mjs"))}
	var started struct{ Listening json.Number }
	if err := json.Unmarshal([]byte(p.out.await(t, `"listening"`, p.exited)), &started); err != nil {
		t.Fatal(err)
	}
	p.port = started.Listening.String()
	return p
}

// to waits for the message to somebody.
func (p *postOffice) to(address string) (got taken) {
	p.t.Helper()
	line := p.out.await(p.t, `"to":["`+address+`"]`, p.exited)
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		p.t.Fatalf("%s: %v", line, err)
	}
	m, err := mail.ReadMessage(strings.NewReader(got.Raw))
	if err != nil {
		p.t.Fatalf("no message: %v\n%s", err, got.Raw)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		p.t.Fatal(err)
	}
	got.Message, got.text = m, strings.ReplaceAll(string(body), "\r\n", "\n")
	return got
}

func (m *taken) subject(t *testing.T) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// password is that of the post office's one user, as a URL holds it.
const smtpUser = "signalbox:p%40ss%3Aword@"

func TestMail_AnInvitationIsMailedAndItsLinkWorks(t *testing.T) {
	t.Parallel()
	office := openPostOffice(t)
	s := serve(t, "--dev", "--smtp-url", "smtp://"+smtpUser+"127.0.0.1:"+office.port+"?tls=none&from=Signalbox%20%3Csignalbox@example.com%3E")
	var made struct {
		Mailed    bool   `json:"mailed"`
		ID        string `json:"id"`
		InviteURL string `json:"invite_url"`
	}
	s.json(http.MethodPost, "/v1/members", map[string]any{"email": "grace@example.com", "role": "viewer"}, &made)
	got := office.to("grace@example.com")
	if !made.Mailed || got.From != "signalbox@example.com" || got.User != "signalbox" || !strings.Contains(got.text, "\n"+made.InviteURL+"\n") {
		t.Fatalf("mailed %v, to %q by %q as %q:\n%s", made.Mailed, got.To, got.From, got.User, got.text)
	}
	if h := got.Header; h.Get("Auto-Submitted") != "auto-generated" || h.Get("Message-ID") == "" || h.Get("Date") == "" || !strings.Contains(h.Get("From"), "Signalbox") || got.subject(t) != "You are invited to Signalbox" {
		t.Errorf("headers %v", h)
	}
	var link struct{ Kind string }
	s.json(http.MethodGet, "/v1/links/"+made.InviteURL[strings.LastIndex(made.InviteURL, "/")+1:], nil, &link)
	if link.Kind != "invite" {
		t.Errorf("the link is %+v", link)
	}
}

// The way to the mail server is encrypted, and its certificate is looked at, unless somebody says otherwise.
func TestMail_TheServersCertificateIsLookedAt(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "mail CA")
	cert := ca.certify(t, nil)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, "key": {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{"CERT=" + filepath.Join(dir, "cert"), "KEY=" + filepath.Join(dir, "key")}
	trusting := []string{"SIGNALBOX_BOOTSTRAP_API_KEY=" + apiKey, "SSL_CERT_FILE=" + ca.file(t)}
	for name, tc := range map[string]struct {
		scheme string
		office []string
		env    []string
		mailed bool
	}{
		"STARTTLS":            {"smtp", files, trusting, true},
		"TLS":                 {"smtps", append(files, "SECURE=1"), trusting, true},
		"an unknown CA":       {"smtp", files, trusting[:1], false},
		"no STARTTLS offered": {"smtp", nil, trusting, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			office := openPostOffice(t, tc.office...)
			s := startServer(t, t.TempDir(), tc.env, "--dev", "--smtp-url", tc.scheme+"://"+smtpUser+"127.0.0.1:"+office.port+"?from=signalbox@example.com")
			var made struct {
				Mailed    bool   `json:"mailed"`
				InviteURL string `json:"invite_url"`
			}
			s.json(http.MethodPost, "/v1/members", map[string]any{"email": "grace@example.com", "role": "viewer"}, &made)
			if made.Mailed != tc.mailed || made.InviteURL == "" {
				t.Fatalf("mailed %v, want %v; the link is shown either way: %q", made.Mailed, tc.mailed, made.InviteURL)
			}
			if !tc.mailed {
				s.log.await(t, `"msg":"mail.failed"`, s.exited)
				return
			}
			if got := office.to("grace@example.com"); !got.Secure || got.User != "signalbox" {
				t.Errorf("taken %+v", got)
			}
		})
	}
	if strings.Contains(output(t, bareEnv(), kit.signalbox, "check-config", "--smtp-url", "smtp://"+smtpUser+"mail.example.com?from=a@example.com"), "ss%3Aword") {
		t.Error("check-config shows the password of the mail server")
	}
}

// A receiver that answers 410 wants nothing more: the webhook is disabled, others hear of it, and so do the administrators.
func TestMail_ADisabledWebhookIsToldOfByAnEventAndAMail(t *testing.T) {
	t.Parallel()
	office := openPostOffice(t)
	env := []string{"SIGNALBOX_BOOTSTRAP_API_KEY=" + apiKey, "SIGNALBOX_ADMIN_EMAIL=ada@example.com", "SIGNALBOX_ADMIN_PASSWORD=several words are good"}
	s := startServer(t, t.TempDir(), env, "--dev", "--smtp-url", "smtp://127.0.0.1:"+office.port+"?tls=none&from=signalbox@example.com")
	gone := catch(t, func(int) int { return http.StatusGone })
	told := catch(t, nil)
	s.hook(client.WebhookInput{URL: told.URL, Events: []string{"webhook.*", "delivery.*"}, Label: "operators"})
	hook := s.hook(client.WebhookInput{URL: gone.URL, Label: "old\r\nBcc: eve@example.com CRM"})
	s.send(trial())
	events := map[string]map[string]any{}
	for range 2 {
		var body struct {
			Event string
			Data  map[string]any
		}
		if err := json.Unmarshal(told.next().body, &body); err != nil {
			t.Fatal(err)
		}
		events[body.Event] = body.Data
	}
	if d := events["webhook.disabled"]; d == nil || d["reason"] != "gone_410" || d["webhook"].(map[string]any)["id"] != hook.ID {
		t.Errorf("told %v", events)
	}
	if d := events["delivery.failed"]; d == nil || d["delivery"].(map[string]any)["reason"] != "http_410" || d["webhook"].(map[string]any)["id"] != hook.ID {
		t.Errorf("told %v", events)
	}
	got := office.to("ada@example.com")
	if subject := got.subject(t); !strings.Contains(subject, "was disabled") || !strings.Contains(got.text, "its receiver answered 410 Gone") || !strings.Contains(got.text, "/settings/webhooks/"+hook.ID) {
		t.Errorf("mailed %q\n%s", subject, got.text)
	}
	if len(got.Header["Bcc"]) != 0 {
		t.Errorf("a label became a header: %v", got.Header)
	}
}

// json asks the server and reads the data of a good answer.
func (s *server) json(method, path string, body, into any) {
	s.t.Helper()
	s.bare(method, path, body, &struct{ Data any }{into})
}

// bare asks the server and reads the whole of a good answer.
func (s *server) bare(method, path string, body, into any) {
	s.t.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, sent)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+apiKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		s.t.Fatalf("%s %s answered %d %s, %v", method, path, resp.StatusCode, answer, err)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		s.t.Fatal(err)
	}
}
