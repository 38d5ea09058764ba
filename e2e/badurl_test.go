package e2e

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"signalbox"
	"signalbox/client"
)

// What a refusal of a target says.
const (
	byFlag = "--allow-target"  // which would allow it, also in "--dev or --allow-target"
	noOdd  = "an odd spelling" // which nothing allows: two programs could read it differently
	noFlag = ""
)

// badURLs are webhook targets that a server without --dev refuses when they are saved.
func badURLs() []struct{ name, url, says string } {
	return []struct{ name, url, says string }{
		{"http", "http://hooks.example.com/", "--dev"},
		{"another scheme", "ftp://hooks.example.com/", noFlag},
		{"no scheme", "hooks.example.com/path", noFlag},
		{"no host", "https:///path", noFlag},
		{"user-info", "https://user:secret@hooks.example.com/", noFlag},
		{"a user without a password", "https://127.0.0.1@hooks.example.com/", noFlag},
		{"a fragment", "https://hooks.example.com/#x", noFlag},
		{"a backslash", `https://hooks.example.com\@127.0.0.1/`, noFlag},
		{"a space", "https://hooks.example.com/a b", noFlag},
		{"a line break", "https://hooks.example.com/\r\nX: y", noFlag},
		{"another port", "https://hooks.example.com:6379/", "--allow-ports"},
		{"over-long", "https://hooks.example.com/" + strings.Repeat("x", 2048), noFlag},
		{"a single label", "https://intranet/", byFlag},
		{"an internal name", "https://db.internal/", byFlag},
		{"an mDNS name", "https://printer.local/", byFlag},

		{"private 10/8", "https://10.1.2.3/", byFlag},
		{"private 172.16/12", "https://172.31.255.254/", byFlag},
		{"private 192.168/16", "https://192.168.0.1/", byFlag},
		{"carrier-grade NAT", "https://100.64.0.1/", byFlag},
		{"benchmarking", "https://198.18.0.1/", byFlag},
		{"multicast", "https://224.0.0.1/", byFlag},
		{"broadcast", "https://255.255.255.255/", byFlag},
		{"unique local IPv6", "https://[fd12:3456::1]/", byFlag},
		{"link-local IPv6", "https://[fe80::1]/", byFlag},
		{"link-local IPv6 with a zone", "https://[fe80::1%25eth0]/", noFlag},
		{"the metadata address", "https://169.254.169.254/latest/meta-data/", byFlag},
		{"the metadata address in IPv6", "https://[fd00:ec2::254]/", byFlag},
		{"the metadata name", "https://metadata.google.internal/", byFlag},
		{"the metadata address in hex", "https://0xa9fea9fe/", noOdd},

		{"loopback", "https://127.0.0.1/", byFlag},
		{"loopback, its far end", "https://127.255.255.254/", byFlag},
		{"loopback by name", "https://localhost/", byFlag},
		{"loopback by name, upper case", "https://LOCALHOST/", byFlag},
		{"loopback by name, rooted", "https://localhost./", byFlag},
		{"loopback below localhost", "https://hooks.localhost/", byFlag},
		{"loopback, rooted", "https://127.0.0.1./", noOdd},
		{"loopback, two parts", "https://127.1/", noOdd},
		{"loopback, three parts", "https://127.0.1/", noOdd},
		{"loopback, one number", "https://2130706433/", noOdd},
		{"loopback in hex", "https://0x7f000001/", noOdd},
		{"loopback in hex parts", "https://0x7f.0.0.1/", noOdd},
		{"loopback in hex, two parts", "https://0x7f.1/", noOdd},
		{"loopback in octal", "https://0177.0.0.1/", noOdd},
		{"loopback in octal, one number", "https://017700000001/", noOdd},
		{"loopback with zeros", "https://127.000.000.001/", noOdd},
		{"loopback in full width", "https://１２７.０.０.１/", noOdd},
		{"loopback in circled digits", "https://①②⑦.⓪.⓪.①/", noOdd},
		{"loopback with ideographic stops", "https://127。0。0。1/", noOdd},
		{"loopback, percent-encoded", "https://%31%32%37.0.0.1/", noFlag},
		{"loopback in IPv6", "https://[::1]/", byFlag},
		{"loopback in IPv6, long", "https://[0:0:0:0:0:0:0:1]/", byFlag},
		{"loopback mapped", "https://[::ffff:127.0.0.1]/", byFlag},
		{"loopback mapped, in hex", "https://[::ffff:7f00:1]/", byFlag},
		{"loopback compatible", "https://[::127.0.0.1]/", byFlag},
		{"loopback through NAT64", "https://[64:ff9b::127.0.0.1]/", byFlag},
		{"loopback through 6to4", "https://[2002:7f00:1::]/", byFlag},
		{"loopback through Teredo", "https://[2001::80ff:fffe]/", byFlag},
		{"unspecified", "https://0.0.0.0/", byFlag},
		{"unspecified, short", "https://0/", noOdd},
		{"unspecified in IPv6", "https://[::]/", byFlag},
	}
}

// proves S1-5, S1-6 (contract section 12: refused when saved; the refusal names the flag)
func TestBadURL_IsRefusedAtSaveAndTheFlagIsNamed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	kept := s.hook(client.WebhookInput{URL: "https://hooks.example.com/signalbox"})
	for _, bad := range badURLs() {
		t.Run(bad.name, func(t *testing.T) {
			_, err := s.CreateWebhook(t.Context(), client.WebhookInput{URL: bad.url, Events: []string{"signal.created"}})
			mustRefuseURL(t, err, bad.says)
			_, err = s.UpdateWebhook(t.Context(), kept.ID, client.WebhookPatch{URL: &bad.url})
			mustRefuseURL(t, err, bad.says)
		})
	}
	n := 0
	for w, err := range s.Webhooks(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if w.URL != kept.URL {
			t.Errorf("a webhook for %s is stored", w.URL)
		}
	}
	if n != 1 {
		t.Errorf("%d webhooks are stored, want the one good one", n)
	}
}

func mustRefuseURL(t *testing.T, err error, says string) {
	t.Helper()
	var refused *client.Error
	if !errors.As(err, &refused) {
		t.Fatalf("the answer is %v, want a refusal", err)
	}
	if refused.Status != http.StatusBadRequest || refused.Code != signalbox.Invalid || refused.Param != "url" {
		t.Errorf("the answer is %d %s of %q, want 400 validation_error of url: %s", refused.Status, refused.Code, refused.Param, refused.Message)
	}
	if !strings.Contains(refused.Message, says) {
		t.Errorf("the message %q does not say %q", refused.Message, says)
	}
}

// Contract section 12: refused when dialled too, whatever was allowed when it was saved.
func TestBadURL_IsRefusedWhenDialledToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := catch(t, nil)
	lenient := serveIn(t, dir, "--dev")
	hook := lenient.hook(client.WebhookInput{URL: c.URL})
	lenient.stop()

	strict := serveIn(t, dir)
	strict.send(trial())
	refused := strict.settled(hook.ID, 1, "retrying")[0]
	full, err := strict.Delivery(t.Context(), refused.ID)
	if err != nil {
		t.Fatal(err)
	}
	if full.Reason != "refused_target" || len(full.Attempts) != 1 || !strings.Contains(full.Attempts[0].Error, byFlag) {
		t.Errorf("the delivery is %+v, want refused_target and an attempt that names %s", full, byFlag)
	}
	select {
	case <-c.got:
		t.Error("the receiver got the event although its address is not allowed")
	default:
	}
}
