package egress_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"signalbox/egress"
)

func TestValidateHeaders_RefusesWhatBelongsToProtocolAndSignature(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Host", "host", "HOST", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Trailer", "Upgrade",
		"HTTP2-Settings", "Expect", "Cookie", "Set-Cookie", "Content-Type", "Content-Encoding", "User-Agent",
		"Proxy-Authorization", "Proxy-Connection", "Proxy-X", "webhook-id", "Webhook-Signature", "WEBHOOK-TIMESTAMP",
		"X-Stairoids-Signature", "x-stairoids-anything", "X-Staircase-Signature", "x-stackone-signature", ":authority",
		"", " X-A", "X-A ", "X A", "X:A", "X\tA", "X-A\r\nX-B", "X-\u212aey", "X-É", "X(A)", "X\x00", strings.Repeat("x", 257),
	} {
		if err := egress.ValidateHeaders(map[string]string{name: "v"}); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

func TestValidateHeaders_RefusesValuesThatCouldInject(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"a\r\nX-B: c", "a\nb", "a\rb", "a\x00b", "a\x0bb", "a\x1bb", "a\x7fb", "\n", strings.Repeat("v", 4097),
	} {
		err := egress.ValidateHeaders(map[string]string{"X-A": value})
		if err == nil || strings.Contains(err.Error(), "X-B") || !strings.Contains(err.Error(), "X-A") {
			t.Errorf("%.20q: got %v, want an error with the name and without the value", value, err)
		}
	}
}

func TestValidateHeaders_RefusesTooManyAndTheSameTwice(t *testing.T) {
	t.Parallel()
	if err := egress.ValidateHeaders(map[string]string{"X-A": "1", "x-a": "2"}); err == nil {
		t.Error("names that differ by case only are accepted")
	}
	many := map[string]string{}
	for i := range egress.MaxHeaders {
		many[fmt.Sprintf("X-%d", i)] = ""
	}
	if err := egress.ValidateHeaders(many); err != nil {
		t.Error(err)
	}
	many["X-One-More"] = ""
	if err := egress.ValidateHeaders(many); err == nil {
		t.Error("one too many is accepted")
	}
}

func TestValidateHeaders_WhatItAcceptsIsSent(t *testing.T) {
	t.Parallel()
	custom := map[string]string{"Authorization": "Bearer x", "X-Api-Key": strings.Repeat("k", 4096), "X-T": "a\tb", "x_odd.name~": "é", "Idempotency-Key": "k"}
	if err := egress.ValidateHeaders(custom); err != nil {
		t.Fatal(err)
	}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range custom {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s: got %.20q, want %.20q", name, got, value)
			}
		}
	}))
	t.Cleanup(receiver.Close)
	req := post(t, receiver.URL)
	for name, value := range custom {
		req.Header.Set(name, value)
	}
	if r := newClient(t, egress.Config{Dev: true}).Do(t.Context(), req); r.Err != nil || r.Status != 200 {
		t.Errorf("got %+v (%v)", r, r.Err)
	}
}
