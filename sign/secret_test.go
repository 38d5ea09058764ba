package sign_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"signalbox/sign"
)

func TestSecret_PrintsHiddenEverywhere(t *testing.T) {
	t.Parallel()
	const text = "whsec_canary_canary_canary"
	secret := sign.Secret(text)
	holder := struct {
		S sign.Secret
		P *sign.Secret
		L []sign.Secret
	}{secret, &secret, []sign.Secret{secret}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", secret, "holder", holder)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", secret, "holder", holder)
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(encoded) + secret.String() + secret.GoString()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T%s", "%t"} {
		args := []any{holder, secret}
		shown += fmt.Sprintf(verb+verb, args...)
	}
	if strings.Contains(shown, "canary") || strings.Contains(shown, fmt.Sprintf("%x", "canary")) {
		t.Errorf("the secret is shown in %s", shown)
	}
	if got := fmt.Sprint(secret); got != "[hidden]" {
		t.Errorf("got %s", got)
	}
	if secret.Reveal() != text {
		t.Errorf("Reveal gives %q", secret.Reveal())
	}
}

func TestNewSecret_IsWhsecAndThirtyTwoBytes(t *testing.T) {
	t.Parallel()
	random := bytes.Repeat([]byte{0xfb}, 32)
	secret, err := sign.NewSecret(bytes.NewReader(random))
	if err != nil {
		t.Fatal(err)
	}
	if want := "whsec_" + base64.StdEncoding.EncodeToString(random); secret.Reveal() != want || secret.Standard() != want {
		t.Errorf("got %s and %s, want %s", secret.Reveal(), secret.Standard(), want)
	}
	if _, err := sign.NewSecret(bytes.NewReader(random[:31])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("too little randomness: got %v", err)
	}
}

func TestParseSecret_TakesSixteenCharactersAndMore(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "whsec_", "fifteen chars..", "sixteen \x00 charss", "sixteen\r\ncharacters", "sixteen \xff charac", strings.Repeat("x", 513)} {
		if s, err := sign.ParseSecret(bad); err == nil || s != "" {
			t.Errorf("%q was accepted", bad)
		} else if bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
	for _, good := range []string{"sixteen chars...", strings.Repeat("é", 16), strings.Repeat("x", 512), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		if s, err := sign.ParseSecret(good); err != nil || s.Reveal() != good {
			t.Errorf("%q: got %q, %v", good, s.Reveal(), err)
		}
	}
}

func TestSecret_StandardFormOfACallersOwn(t *testing.T) {
	t.Parallel()
	encode := func(s string) string { return "whsec_" + base64.StdEncoding.EncodeToString([]byte(s)) }
	asIs := []string{encode(strings.Repeat("k", 24)), encode(strings.Repeat("k", 64)), encode(strings.Repeat("k", 32))}
	for _, s := range asIs {
		if got := sign.Secret(s).Standard(); got != s {
			t.Errorf("%s: got %s, want it as it is", s, got)
		}
	}
	wrapped := []string{
		"a caller's own secret", encode(strings.Repeat("k", 23)), encode(strings.Repeat("k", 65)),
		"whsec_not-base64-at-all!", strings.TrimRight(encode(strings.Repeat("k", 32)), "="), "whsec_" + strings.Repeat("kkkk", 7) + "kkkl====",
	}
	for _, s := range wrapped {
		if got := sign.Secret(s).Standard(); got != encode(s) {
			t.Errorf("%s: got %s, want %s", s, got, encode(s))
		}
	}
}
