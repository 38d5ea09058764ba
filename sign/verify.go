package sign

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Tolerance is how far a signed timestamp may lie before or after now.
const Tolerance = 300 * time.Second

// maxItems bounds the signatures that one header may list.
const maxItems = 32

// Why a verification failed; errors of Verify wrap exactly one of these.
var (
	ErrMissing   = errors.New("the signature header is missing")
	ErrMalformed = errors.New("the signature header is malformed")
	ErrTooOld    = errors.New("the timestamp is too old")
	ErrTooNew    = errors.New("the timestamp is too far in the future")
	ErrMismatch  = errors.New("no signature matches")
	ErrNoSecret  = errors.New("no usable secret")
)

// Verify checks that the body was signed under scheme with one of the secrets,
// and for the timed schemes that it was signed within Tolerance of now. nil
// means yes. The error says which header was missing or what was wrong with it,
// and never what the right value would be. Call it with the raw bytes of the
// body, before parsing them.
func Verify(scheme Scheme, header http.Header, body []byte, secrets []Secret, now time.Time) error {
	if err := usable(secrets); err != nil {
		return err
	}
	switch scheme {
	case Standard, StandardEd25519:
		return verifyStandard(scheme, header, body, secrets, now)
	case Stripe:
		return verifyStripe(header, body, secrets, now)
	}
	if scheme.Header() == "" {
		return fmt.Errorf("unknown signature scheme %q", scheme)
	}
	return verifyVendor(scheme, header, body, secrets)
}

// Detect lists the schemes whose headers are there, the timed ones first. The
// weak scheme looks like its strong sister and is never detected: a receiver
// that wants it must name it.
func Detect(header http.Header) []Scheme {
	var found []Scheme
	listed := " " + header.Get(HeaderSignature)
	if strings.Contains(listed, " v1,") {
		found = append(found, Standard)
	}
	if strings.Contains(listed, " v1a,") {
		found = append(found, StandardEd25519)
	}
	for _, scheme := range []Scheme{Stripe, Stairoids, Staircase, StackOne, GitHub} {
		value := header.Get(scheme.Header())
		if scheme == Stairoids && strings.HasPrefix(value, StairoidsPrefixed.prefix()) {
			scheme = StairoidsPrefixed
		}
		if value != "" {
			found = append(found, scheme)
		}
	}
	return found
}

// VerifyAny tries the detected schemes and returns the first that verifies. It
// is for finding out what a sender does; a receiver names its scheme in Verify,
// else whoever strips the timed header may replay the body under another.
func VerifyAny(header http.Header, body []byte, secrets []Secret, now time.Time) (Scheme, error) {
	schemes := Detect(header)
	if len(schemes) == 0 {
		return "", fmt.Errorf("%w: none that is known was found", ErrMissing)
	}
	var all []error
	for _, scheme := range schemes {
		err := Verify(scheme, header, body, secrets, now)
		if err == nil {
			return scheme, nil
		}
		all = append(all, fmt.Errorf("%s: %w", scheme, err))
	}
	return "", errors.Join(all...)
}

func verifyVendor(scheme Scheme, header http.Header, body []byte, secrets []Secret) error {
	value, err := single(header, scheme.Header())
	if err != nil {
		return err
	}
	got, ok := scheme.decodeDigest(value)
	if !ok {
		return fmt.Errorf("%w: %s must be %s", ErrMalformed, scheme.Header(), spelling(scheme))
	}
	for _, secret := range secrets {
		want := sha256.Sum256([]byte(secret))
		if scheme != StaircaseHashed {
			want = newMACs(secret.vendorKey()).sum("", "", body)
		}
		if hmac.Equal(got[:], want[:]) {
			return nil
		}
	}
	return mismatch(scheme)
}

func spelling(scheme Scheme) string {
	if scheme == StackOne {
		return "43 characters of unpadded base64url"
	}
	if scheme.prefix() != "" {
		return "sha256= and 64 lower-case hex digits"
	}
	return "64 lower-case hex digits"
}

func verifyStandard(scheme Scheme, header http.Header, body []byte, secrets []Secret, now time.Time) error {
	id, err := single(header, HeaderID)
	if err != nil {
		return err
	}
	stamp, err := single(header, HeaderTimestamp)
	if err != nil {
		return err
	}
	value, err := single(header, HeaderSignature)
	if err != nil {
		return err
	}
	if err := fresh(stamp, HeaderTimestamp, now); err != nil {
		return err
	}
	items := strings.Split(value, " ")
	if len(items) > maxItems {
		return fmt.Errorf("%w: %s lists more than %d signatures", ErrMalformed, HeaderSignature, maxItems)
	}
	if scheme == StandardEd25519 {
		return matchEd25519(items, secrets, signedContent(id, stamp, body))
	}
	var got [][sha256.Size]byte
	for _, item := range items {
		text, ok := strings.CutPrefix(item, "v1,") // other versions are not ours to judge
		digest, whole := scheme.decodeDigest(text)
		if ok && whole {
			got = append(got, digest)
		}
	}
	return matchMAC(scheme, got, func(secret Secret) [sha256.Size]byte {
		return newMACs(secret.standardKey()).sum(id, stamp, body)
	}, secrets)
}

func matchEd25519(items []string, secrets []Secret, content []byte) error {
	for _, secret := range secrets {
		public, err := publicKey(secret)
		if err != nil {
			return err
		}
		for _, item := range items {
			text, ok := strings.CutPrefix(item, "v1a,")
			signature, err := strictBase64(base64.StdEncoding, text)
			if ok && err == nil && len(signature) == ed25519.SignatureSize && ed25519.Verify(public, content, signature) {
				return nil
			}
		}
	}
	return mismatch(StandardEd25519)
}

// matchMAC reports whether any digest is the MAC under any secret.
func matchMAC(scheme Scheme, got [][sha256.Size]byte, sum func(Secret) [sha256.Size]byte, secrets []Secret) error {
	for _, secret := range secrets {
		want := sum(secret)
		for _, digest := range got {
			if hmac.Equal(digest[:], want[:]) {
				return nil
			}
		}
	}
	return mismatch(scheme)
}

func verifyStripe(header http.Header, body []byte, secrets []Secret, now time.Time) error {
	value, err := single(header, HeaderStripe)
	if err != nil {
		return err
	}
	stamp, got, err := parseStripe(value)
	if err != nil {
		return err
	}
	if err := fresh(stamp, HeaderStripe, now); err != nil {
		return err
	}
	return matchMAC(Stripe, got, func(secret Secret) [sha256.Size]byte {
		return newMACs(secret.vendorKey()).sum("", stamp, body)
	}, secrets)
}

func parseStripe(value string) (stamp string, got [][sha256.Size]byte, err error) {
	items := strings.Split(value, ",")
	if len(items) > maxItems {
		return "", nil, fmt.Errorf("%w: %s has more than %d items", ErrMalformed, HeaderStripe, maxItems)
	}
	for _, item := range items {
		name, text, _ := strings.Cut(item, "=")
		switch name {
		case "t":
			if stamp != "" {
				return "", nil, fmt.Errorf("%w: %s has two timestamps", ErrMalformed, HeaderStripe)
			}
			stamp = text
		case "v1":
			if digest, ok := Stripe.decodeDigest(text); ok {
				got = append(got, digest)
			}
		}
	}
	if stamp == "" {
		return "", nil, fmt.Errorf("%w: %s has no timestamp (t=…)", ErrMalformed, HeaderStripe)
	}
	return stamp, got, nil
}

// fresh holds a timestamp in Unix seconds to the tolerance. Only plain digits
// are accepted, so the text that is signed has one meaning.
func fresh(stamp, header string, now time.Time) error {
	seconds, err := strconv.ParseUint(stamp, 10, 40) // until the year 36812
	if err != nil || len(stamp) > 1 && stamp[0] == '0' {
		return fmt.Errorf("%w: the timestamp in %s must be Unix seconds", ErrMalformed, header)
	}
	age := now.Sub(time.Unix(int64(seconds), 0))
	switch {
	case age > Tolerance:
		return fmt.Errorf("%w: %s is %d s behind, at most %d are allowed", ErrTooOld, header, int64(age/time.Second), int64(Tolerance/time.Second))
	case age < -Tolerance:
		return fmt.Errorf("%w: %s is %d s ahead, at most %d are allowed", ErrTooNew, header, int64(-age/time.Second), int64(Tolerance/time.Second))
	}
	return nil
}

// single reads a header that must be there once.
func single(header http.Header, name string) (string, error) {
	values := header.Values(name)
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", fmt.Errorf("%w: %s", ErrMissing, name)
	case len(values) > 1:
		return "", fmt.Errorf("%w: %s is there %d times", ErrMalformed, name, len(values))
	}
	return values[0], nil
}

func mismatch(scheme Scheme) error {
	return fmt.Errorf("%w: %s holds none that was made with this secret for these exact bytes", ErrMismatch, scheme.Header())
}

// strictBase64 accepts exactly one spelling: no line breaks (which the decoder
// would skip) and no stray bits at the end.
func strictBase64(enc *base64.Encoding, text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, base64.CorruptInputError(0)
	}
	return enc.Strict().DecodeString(text)
}
