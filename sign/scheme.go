package sign

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Scheme names one way of signing a body and of writing the signature.
type Scheme string

// The schemes. Those marked timed sign a timestamp, so [Verify] can refuse a
// replay; the others prove the origin only.
const (
	Standard          Scheme = "standard"                // webhook-signature: v1,<base64>; timed (Standard Webhooks 1.0.0)
	StandardEd25519   Scheme = "standard-ed25519"        // webhook-signature: v1a,<base64>; timed; keys whsk_… and whpk_…
	Stairoids         Scheme = "stairoids"               // X-Stairoids-Signature: <hex> (S1-28, S1-29)
	StairoidsPrefixed Scheme = "stairoids-prefixed"      // X-Stairoids-Signature: sha256=<hex> (S0-42, C1)
	Staircase         Scheme = "staircase"               // x-staircase-signature: <hex> (S2-15)
	StaircaseHashed   Scheme = "staircase-secret-sha256" // x-staircase-signature: <hex SHA-256 of the secret>; weak (C28)
	StackOne          Scheme = "stackone"                // x-stackone-signature: <base64url, unpadded> (S4-31)
	GitHub            Scheme = "github"                  // X-Hub-Signature-256: sha256=<hex>
	Stripe            Scheme = "stripe"                  // Stripe-Signature: t=<unix>,v1=<hex>; timed
)

// The header names in net/http's canonical spelling, which the wire does not
// distinguish from the documents' (header names ignore case).
const (
	HeaderContentType       = "Content-Type"
	HeaderUserAgent         = "User-Agent"
	HeaderID                = "Webhook-Id"
	HeaderTimestamp         = "Webhook-Timestamp"
	HeaderSignature         = "Webhook-Signature"
	HeaderStairoids         = "X-Stairoids-Signature"
	HeaderStairoidsEvent    = "X-Stairoids-Event"
	HeaderStairoidsDelivery = "X-Stairoids-Delivery"
	HeaderStaircase         = "X-Staircase-Signature"
	HeaderStackOne          = "X-Stackone-Signature"
	HeaderGitHub            = "X-Hub-Signature-256"
	HeaderStripe            = "Stripe-Signature"
)

// Schemes lists all schemes, for help texts and loops.
func Schemes() []Scheme {
	return []Scheme{Standard, StandardEd25519, Stairoids, StairoidsPrefixed, Staircase, StaircaseHashed, StackOne, GitHub, Stripe}
}

// Header names the header that carries the scheme's signature; "" for an
// unknown scheme.
func (s Scheme) Header() string {
	switch s {
	case Standard, StandardEd25519:
		return HeaderSignature
	case Stairoids, StairoidsPrefixed:
		return HeaderStairoids
	case Staircase, StaircaseHashed:
		return HeaderStaircase
	case StackOne:
		return HeaderStackOne
	case GitHub:
		return HeaderGitHub
	case Stripe:
		return HeaderStripe
	}
	return ""
}

// Weak reports a scheme whose value does not depend on the body: whoever sees
// one request can forge the next.
func (s Scheme) Weak() bool { return s == StaircaseHashed }

// prefix stands before the digest in the header's value.
func (s Scheme) prefix() string {
	switch s {
	case StairoidsPrefixed, GitHub:
		return "sha256="
	}
	return ""
}

// appendDigest writes a digest in the scheme's alphabet.
func (s Scheme) appendDigest(dst []byte, digest *[sha256.Size]byte) []byte {
	switch s {
	case Standard:
		return base64.StdEncoding.AppendEncode(dst, digest[:])
	case StackOne:
		return base64.RawURLEncoding.AppendEncode(dst, digest[:])
	}
	return hex.AppendEncode(append(dst, s.prefix()...), digest[:])
}

// decodeDigest reads what appendDigest wrote. Each digest has one accepted
// spelling: strict base64, lower-case hex (the documents' own verifiers differ
// on capitals, S0-42 and S1-31).
func (s Scheme) decodeDigest(text string) (digest [sha256.Size]byte, ok bool) {
	var got []byte
	var err error
	switch s {
	case Standard:
		got, err = strictBase64(base64.StdEncoding, text)
	case StackOne:
		got, err = strictBase64(base64.RawURLEncoding, text)
	default:
		if text, ok = strings.CutPrefix(text, s.prefix()); !ok || strings.ContainsAny(text, "ABCDEF") {
			return digest, false
		}
		got, err = hex.DecodeString(text)
	}
	if err != nil || len(got) != len(digest) {
		return digest, false
	}
	return [sha256.Size]byte(got), true
}
