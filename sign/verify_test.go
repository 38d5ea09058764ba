package sign_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox/sign"
)

// signed is a correctly signed request of a scheme.
type signed struct {
	scheme  sign.Scheme
	header  http.Header
	body    []byte
	secrets []sign.Secret
}

func newSigned(t testing.TB, scheme sign.Scheme) signed {
	t.Helper()
	secret, verifying := vectorSecret, vectorSecret
	if scheme == sign.StandardEd25519 {
		secret, verifying = vectorSigning, vectorVerifying
	}
	name, value, err := sign.Sign(scheme, secret, vectorID, vectorTime, []byte(vectorBody))
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set(name, value)
	if name == sign.HeaderSignature {
		header.Set("webhook-id", vectorID)
		header.Set("webhook-timestamp", "1614265330")
	}
	return signed{scheme, header, []byte(vectorBody), []sign.Secret{verifying}}
}

func (s signed) verify(now time.Time) error {
	return sign.Verify(s.scheme, s.header, s.body, s.secrets, now)
}

func eachScheme(t *testing.T, test func(*testing.T, signed)) {
	t.Helper()
	for _, scheme := range sign.Schemes() {
		t.Run(string(scheme), func(t *testing.T) {
			t.Parallel()
			test(t, newSigned(t, scheme))
		})
	}
}

func TestVerify_AcceptsWhatSignMade(t *testing.T) {
	t.Parallel()
	eachScheme(t, func(t *testing.T, s signed) {
		if err := s.verify(vectorTime); err != nil {
			t.Error(err)
		}
	})
}

func TestVerify_TheSigningKeyAlsoVerifies(t *testing.T) {
	t.Parallel()
	s := newSigned(t, sign.StandardEd25519)
	s.secrets = []sign.Secret{vectorSigning}
	if err := s.verify(vectorTime); err != nil {
		t.Error(err)
	}
}

// reliability 2.2: one flipped bit or a cut anywhere in the header, the body or the
// secret, and the request is refused.
func TestVerify_EveryFlipAndEveryTruncationIsRefused(t *testing.T) {
	t.Parallel()
	eachScheme(t, func(t *testing.T, s signed) {
		for name, values := range s.header {
			value := values[0]
			for i := range value {
				for bit := range 8 {
					flipped := []byte(value)
					flipped[i] ^= 1 << bit
					s.header[name] = []string{string(flipped)}
					requireRefused(t, s, "header", name, string(flipped))
				}
				s.header[name] = []string{value[:i]}
				requireRefused(t, s, "cut header", name, value[:i])
			}
			s.header[name] = []string{value + "0"}
			requireRefused(t, s, "longer header", name, value+"0")
			s.header[name] = []string{value, value}
			requireRefused(t, s, "header twice", name)
			delete(s.header, name)
			if err := s.verify(vectorTime); !errors.Is(err, sign.ErrMissing) || !strings.Contains(err.Error(), name) {
				t.Errorf("without %s: got %v", name, err)
			}
			s.header[name] = []string{value}
		}
		if s.scheme.Weak() {
			return // by its nature it does not see the body
		}
		body := s.body
		for i := range body {
			flipped := append([]byte(nil), body...)
			flipped[i] ^= 1
			s.body = flipped
			requireRefused(t, s, "body", string(flipped))
			s.body = body[:i]
			requireRefused(t, s, "cut body", string(body[:i]))
		}
	})
}

func requireRefused(t *testing.T, s signed, what ...string) {
	t.Helper()
	if err := s.verify(vectorTime); err == nil {
		t.Errorf("%q was accepted", what)
	}
}

func TestVerify_AnotherSecretIsRefused(t *testing.T) {
	t.Parallel()
	eachScheme(t, func(t *testing.T, s signed) {
		s.secrets = []sign.Secret{"another secret of 24 bytes"}
		want := sign.ErrMismatch
		if s.scheme == sign.StandardEd25519 {
			_, public, err := sign.NewEd25519(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			s.secrets = []sign.Secret{sign.Secret(public)}
		}
		if err := s.verify(vectorTime); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	})
}

// svix-rs CVE-2024-21491: only as many bytes as given were compared.
func TestVerify_ASignatureOfAnyOtherLengthIsRefused(t *testing.T) {
	t.Parallel()
	digest, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(vectorMAC, "v1,"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSigned(t, sign.Standard)
	for n := range 65 {
		short := append(append([]byte(nil), digest...), digest...)[:n]
		s.header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(short))
		if err := s.verify(vectorTime); (err == nil) != (n == 32) {
			t.Errorf("%d bytes: got %v", n, err)
		}
	}
	for _, scheme := range []sign.Scheme{sign.Stairoids, sign.StairoidsPrefixed, sign.Staircase, sign.StackOne, sign.GitHub} {
		s := newSigned(t, scheme)
		value := s.header.Get(scheme.Header())
		for n := range 2 * len(value) {
			s.header.Set(scheme.Header(), (value + value)[:n])
			if err := s.verify(vectorTime); (err == nil) != (n == len(value)) {
				t.Errorf("%s, %d characters: got %v", scheme, n, err)
			}
		}
	}
}

// new-api CVE-2026-41432: an empty secret verified everything.
func TestVerify_AnEmptySecretIsRefused(t *testing.T) {
	t.Parallel()
	eachScheme(t, func(t *testing.T, s signed) {
		for _, secrets := range [][]sign.Secret{nil, {}, {""}, {"whsec_"}, {s.secrets[0], ""}} {
			s.secrets = secrets
			if err := s.verify(vectorTime); !errors.Is(err, sign.ErrNoSecret) {
				t.Errorf("%d secrets: got %v", len(secrets), err)
			}
		}
	})
}

func TestVerify_AReplayOutsideTheToleranceIsRefused(t *testing.T) {
	t.Parallel()
	eachScheme(t, func(t *testing.T, s signed) {
		timed := s.scheme == sign.Standard || s.scheme == sign.StandardEd25519 || s.scheme == sign.Stripe
		for offset, want := range map[time.Duration]error{
			-301: sign.ErrTooNew, -300: nil, -299: nil, 0: nil, 299: nil, 300: nil, 301: sign.ErrTooOld,
		} {
			if !timed {
				want = nil
			}
			if err := s.verify(vectorTime.Add(offset * time.Second)); !errors.Is(err, want) {
				t.Errorf("at %d s: got %v, want %v", offset, err, want)
			}
		}
	})
}

func TestVerify_ATimestampIsPlainUnixSeconds(t *testing.T) {
	t.Parallel()
	for _, stamp := range []string{"", "x", "+1614265330", "01614265330", "1614265330.0", " 1614265330", "-1", "1e9", "99999999999999999999", "2021-02-25T15:02:10Z"} {
		s := newSigned(t, sign.Standard)
		s.header.Set("webhook-timestamp", stamp)
		if err := s.verify(vectorTime); !errors.Is(err, sign.ErrMalformed) && !errors.Is(err, sign.ErrMissing) {
			t.Errorf("webhook-timestamp %q: got %v", stamp, err)
		}
		s = newSigned(t, sign.Stripe)
		s.header.Set("Stripe-Signature", strings.Replace(s.header.Get("Stripe-Signature"), "1614265330", stamp, 1))
		if err := s.verify(vectorTime); !errors.Is(err, sign.ErrMalformed) {
			t.Errorf("Stripe-Signature t=%s: got %v", stamp, err)
		}
	}
}

func TestVerify_ListsMayHoldOtherVersionsAndOneMatch(t *testing.T) {
	t.Parallel()
	wrong := "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32))
	cases := map[string]bool{
		"v2,anything " + wrong + " v1, " + vectorMAC: true,
		vectorEd25519 + " " + vectorMAC:              true,
		wrong:                                        false,
		"v1,":                                        false,
		"v1":                                         false,
		strings.Replace(vectorMAC, "v1,", "v2,", 1):             false,
		strings.TrimPrefix(vectorMAC, "v1,"):                    false,
		strings.Repeat(wrong+" ", 40) + vectorMAC:               false, // too many to try
		vectorMAC + "," + vectorMAC:                             false,
		strings.Replace(vectorMAC, "OTPJ", "OTP\nJ", 1):         false, // base64 decoders skip line breaks
		strings.TrimSuffix(vectorMAC, "E=") + "F=":              false, // stray bits
		strings.ReplaceAll(vectorMAC, "+", "-"):                 false,
		strings.TrimSuffix(vectorMAC, "="):                      false,
		" " + vectorMAC:                                         true,
		"v1,AAAA v1a,AAAA v1,= " + vectorMAC + " v1,undecoded=": true,
	}
	for value, want := range cases {
		s := newSigned(t, sign.Standard)
		s.header.Set("webhook-signature", value)
		if err := s.verify(vectorTime); (err == nil) != want {
			t.Errorf("%q: got %v", value, err)
		}
	}
	s := newSigned(t, sign.Stripe)
	value := s.header.Get("Stripe-Signature")
	s.header.Set("Stripe-Signature", strings.Replace(value, ",v1=", ",v0=abc,v1="+strings.Repeat("00", 32)+",v1=", 1))
	if err := s.verify(vectorTime); err != nil {
		t.Errorf("Stripe with several: %v", err)
	}
	s.header.Set("Stripe-Signature", value+",t=1614265330")
	if err := s.verify(vectorTime); !errors.Is(err, sign.ErrMalformed) {
		t.Errorf("Stripe with two timestamps: %v", err)
	}
}

// During an overlap a receiver with either secret verifies webhook-signature;
// the vendor's single value is the old secret's until it ends.
func TestVerify_DuringAnOverlapBothSecretsVerify(t *testing.T) {
	t.Parallel()
	current, old := vectorSecret, sign.Secret("the old secret of a caller")
	h, body := http.Header{}, []byte(vectorBody)
	in := sign.Input{
		Format: sign.FormatStairoids, EventID: vectorID, Timestamp: vectorTime, Body: body,
		Secrets: []sign.Secret{current, old}, VendorSecret: 1,
	}
	if err := sign.Headers(h, in); err != nil {
		t.Fatal(err)
	}
	check := func(scheme sign.Scheme, secret sign.Secret, want error) {
		t.Helper()
		if err := sign.Verify(scheme, h, body, []sign.Secret{secret}, vectorTime); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", scheme, err, want)
		}
	}
	check(sign.Standard, current, nil)
	check(sign.Standard, old, nil)
	check(sign.Stairoids, old, nil)
	check(sign.Stairoids, current, sign.ErrMismatch)
	if err := sign.Verify(sign.Stairoids, h, body, []sign.Secret{current, old}, vectorTime); err != nil {
		t.Errorf("a receiver that knows both: %v", err)
	}
	in.VendorSecret = 0 // …/secret/activate
	if err := sign.Headers(h, in); err != nil {
		t.Fatal(err)
	}
	check(sign.Stairoids, current, nil)
	check(sign.Stairoids, old, sign.ErrMismatch)
}

func TestDetect_NamesTheSchemesOfARequest(t *testing.T) {
	t.Parallel()
	for _, scheme := range sign.Schemes() {
		want := []sign.Scheme{scheme}
		if scheme == sign.StaircaseHashed {
			want = []sign.Scheme{sign.Staircase} // the weak one must be named
		}
		if diff := cmp.Diff(want, sign.Detect(newSigned(t, scheme).header)); diff != "" {
			t.Error(diff)
		}
	}
	if got := sign.Detect(http.Header{"X-Other": {"1"}}); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

func TestVerifyAny_FindsTheSchemeOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	for _, scheme := range sign.Schemes() {
		s := newSigned(t, scheme)
		got, err := sign.VerifyAny(s.header, s.body, s.secrets, vectorTime)
		if scheme.Weak() {
			if err == nil {
				t.Errorf("the weak scheme verified as %s without being named", got)
			}
			continue
		}
		if err != nil || got != scheme {
			t.Errorf("%s: got %s, %v", scheme, got, err)
		}
	}
	s := newSigned(t, sign.Stripe)
	if _, err := sign.VerifyAny(s.header, s.body, s.secrets, vectorTime.Add(time.Hour)); !errors.Is(err, sign.ErrTooOld) || !strings.Contains(err.Error(), "stripe") {
		t.Errorf("an hour late: %v", err)
	}
	if _, err := sign.VerifyAny(http.Header{}, s.body, s.secrets, vectorTime); !errors.Is(err, sign.ErrMissing) {
		t.Errorf("no header: %v", err)
	}
}

func TestVerify_AnUnknownSchemeIsRefused(t *testing.T) {
	t.Parallel()
	s := newSigned(t, sign.Standard)
	for _, scheme := range []sign.Scheme{"", "none", "md5"} {
		if err := sign.Verify(scheme, s.header, s.body, s.secrets, vectorTime); err == nil {
			t.Errorf("%q verified", scheme)
		}
		if _, _, err := sign.Sign(scheme, vectorSecret, "id", vectorTime, nil); err == nil {
			t.Errorf("%q signed", scheme)
		}
	}
}

// No header but the right one verifies, whatever it looks like.
func FuzzVerify(f *testing.F) {
	for _, scheme := range sign.Schemes() {
		s := newSigned(f, scheme)
		f.Add(s.header.Get(scheme.Header()), "1614265330", vectorID)
	}
	f.Add("v1, v1a, v1,=", "0", "")
	f.Add("t=,v1=,t", "-", ".")
	f.Fuzz(func(t *testing.T, value, stamp, id string) {
		for _, scheme := range sign.Schemes() {
			right := newSigned(t, scheme)
			h := http.Header{}
			h.Set("webhook-id", id)
			h.Set("webhook-timestamp", stamp)
			h.Set(scheme.Header(), value)
			if sign.Verify(scheme, h, right.body, right.secrets, vectorTime) != nil {
				continue
			}
			digest := right.header.Get(scheme.Header())
			if scheme == sign.Stripe {
				digest = digest[strings.LastIndex(digest, "=")+1:]
			}
			if !strings.Contains(value, digest) || scheme == sign.Standard && (stamp != "1614265330" || id != vectorID) {
				t.Fatalf("%s accepted %q %q %q", scheme, value, stamp, id)
			}
		}
	})
}

func BenchmarkSigner_Headers(b *testing.B) {
	signer, err := sign.NewSigner([]sign.Secret{vectorSecret}, 0)
	if err != nil {
		b.Fatal(err)
	}
	in := sign.Input{Format: sign.FormatStairoids, EventID: vectorID, EventName: "signal.created", AttemptUUID: "u", Timestamp: vectorTime, Body: make([]byte, 1024), UserAgent: "Signalbox/1"}
	h := http.Header{}
	b.ReportAllocs()
	for b.Loop() {
		if err := signer.Headers(h, in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeaders(b *testing.B) {
	in := sign.Input{Format: sign.FormatStairoids, EventID: vectorID, Timestamp: vectorTime, Body: make([]byte, 1024), Secrets: []sign.Secret{vectorSecret}}
	h := http.Header{}
	b.ReportAllocs()
	for b.Loop() {
		if err := sign.Headers(h, in); err != nil {
			b.Fatal(err)
		}
	}
}
