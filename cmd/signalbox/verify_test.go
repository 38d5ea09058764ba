package main

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"signalbox/sign"
)

var signedAt = time.Unix(1767225600, 0)

// signature makes the header flags of a body signed under a scheme.
func signature(t *testing.T, scheme sign.Scheme, secret sign.Secret, body string) []string {
	t.Helper()
	name, value, err := sign.Sign(scheme, secret, "evt_1", signedAt, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{"--header", name + ": " + value}
	if scheme == sign.Standard || scheme == sign.StandardEd25519 {
		flags = append(flags, "-H", "webhook-id: evt_1", "-H", "webhook-timestamp: 1767225600")
	}
	return flags
}

func TestVerify_EveryScheme(t *testing.T) {
	t.Parallel()
	const body = `{"event":"signal.created"}`
	for _, scheme := range sign.Schemes() {
		t.Run(string(scheme), func(t *testing.T) {
			t.Parallel()
			secret, public := sign.Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
			if scheme == sign.StandardEd25519 {
				var err error
				if secret, public, err = sign.NewEd25519(rand.Reader); err != nil {
					t.Fatal(err)
				}
			}
			args := append([]string{"verify", "--secret", public, "--at", "1767225600"}, signature(t, scheme, secret, body)...)
			if scheme.Weak() {
				args = append(args, "--scheme", string(scheme)) // never guessed
			}
			got := cli{stdin: body}.run(t, args...)
			if got.code != exitOK || !strings.Contains(got.out, "under the scheme "+string(scheme)+" (") {
				t.Errorf("status %d: %s%s", got.code, got.out, got.err)
			}
			if got := (cli{stdin: body + " "}).run(t, args...); scheme.Weak() == (got.code == exitFailure) {
				t.Errorf("a changed body: status %d: %s%s", got.code, got.out, got.err)
			}
			if strings.Contains(got.out+got.err, public) {
				t.Error("the secret was printed")
			}
		})
	}
}

func TestVerify_SaysPreciselyWhyNot(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	body := `{}`
	good := signature(t, sign.Standard, secret, body)
	cases := []struct {
		name  string
		stdin string
		args  []string
		says  string
	}{
		{"no header", body, nil, "the signature header is missing"},
		{"too old", body, append([]string{"--at", "2026-01-01T00:10:00Z"}, good...), "the timestamp is too old"},
		{"too new", body, append([]string{"--at", "2025-12-31T23:50:00Z"}, good...), "too far in the future"},
		{"another secret", body, append([]string{"--secret", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "--at", "1767225600"}, good...), "no signature matches"},
		{"malformed", body, []string{"-H", "X-Stairoids-Signature: zz"}, "64 lower-case hex digits"},
		{"a line break at the end", body + "\n", append([]string{"--at", "1767225600"}, good...), "ends with a line break"},
		{"another scheme", body, append([]string{"--scheme", "github", "--at", "1767225600"}, good...), "missing"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := cli{stdin: tc.stdin, environ: []string{"SIGNALBOX_WEBHOOK_SECRET=" + secret}}
			got := c.run(t, append([]string{"verify"}, tc.args...)...)
			if got.code != exitFailure || !strings.Contains(got.err, tc.says) || got.out != "" {
				t.Errorf("status %d: %s%s; want %q", got.code, got.out, got.err, tc.says)
			}
		})
	}
}

func TestVerify_ReadsAFileAndTheClock(t *testing.T) {
	t.Parallel()
	file := write(t, "body", "{}")
	args := append([]string{"verify", "--body", file, "--secret", "a secret of mine"}, signature(t, sign.Stripe, "a secret of mine", "{}")...)
	if got := (cli{now: signedAt.Add(time.Minute)}).run(t, args...); got.code != exitOK {
		t.Errorf("status %d: %s", got.code, got.err)
	}
	if got := (cli{now: signedAt.Add(time.Hour)}).run(t, args...); got.code != exitFailure {
		t.Errorf("an hour later: status %d", got.code)
	}
}
