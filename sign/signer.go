package sign

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Format is the face that a webhook speaks; it decides the vendor headers.
type Format string

// The formats of contract section 12.
const (
	FormatStairoids Format = "stairoids"
	FormatAction    Format = "action" // the webhook action of an automation (S0-39…S0-42)
	FormatStaircase Format = "staircase"
	FormatStackOne  Format = "stackone"
	FormatStandard  Format = "standard"
)

// The signature formats: a webhook's choice where documents disagree. The empty
// string is each format's default.
const (
	SignaturePrefixed = "prefixed"      // FormatStairoids: sha256=<hex> (C1)
	SignatureHashed   = "secret_sha256" // FormatStaircase: hex SHA-256 of the secret; weak (C28)
)

// Input is one delivery attempt.
type Input struct {
	Format          Format
	SignatureFormat string    // "", SignaturePrefixed or SignatureHashed
	EventID         string    // webhook-id: the same at every attempt
	EventName       string    // for X-Stairoids-Event
	AttemptUUID     string    // for X-Stairoids-Delivery: new at every attempt (C6)
	Timestamp       time.Time // of the attempt
	Body            []byte    // exactly the bytes that are sent
	UserAgent       string

	// Secrets are read by [Headers] only; a Signer has its own.
	Secrets []Secret
	// VendorSecret is the index in Secrets of the one that signs the vendor's
	// single-value header: during an overlap the old one.
	VendorSecret int
}

// VendorScheme says how a webhook of this format signs its vendor header; ""
// means that the format has none.
func VendorScheme(format Format, signatureFormat string) (Scheme, error) {
	switch {
	case format == FormatStandard && signatureFormat == "":
		return "", nil
	case format == FormatStairoids && signatureFormat == "":
		return Stairoids, nil
	case format == FormatStairoids && signatureFormat == SignaturePrefixed,
		format == FormatAction && (signatureFormat == "" || signatureFormat == SignaturePrefixed):
		return StairoidsPrefixed, nil
	case format == FormatStaircase && signatureFormat == "":
		return Staircase, nil
	case format == FormatStaircase && signatureFormat == SignatureHashed:
		return StaircaseHashed, nil
	case format == FormatStackOne && signatureFormat == "":
		return StackOne, nil
	}
	return "", fmt.Errorf("format %q has no signature format %q", format, signatureFormat)
}

// Signer signs for one webhook. It is made once per change of the secrets and
// keeps their prepared HMAC states; any number of goroutines may use it.
type Signer struct {
	standard []*macs // one per secret, current first
	vendor   *macs
	hashed   [sha256.Size]byte    // SHA-256 of the vendor's secret, for the weak scheme
	keys     []ed25519.PrivateKey // that sign besides, current first
}

// NewSigner prepares secrets, current first, the old one second during an
// overlap. vendorSecret is the index of the secret that signs single-value
// vendor headers.
func NewSigner(secrets []Secret, vendorSecret int) (*Signer, error) {
	if err := usable(secrets); err != nil {
		return nil, err
	}
	if vendorSecret < 0 || vendorSecret >= len(secrets) {
		return nil, fmt.Errorf("%w: there is no secret %d among %d", ErrNoSecret, vendorSecret, len(secrets))
	}
	vendor := secrets[vendorSecret]
	s := &Signer{vendor: newMACs(vendor.vendorKey()), hashed: sha256.Sum256([]byte(vendor))}
	for _, secret := range secrets {
		s.standard = append(s.standard, newMACs(secret.standardKey()))
	}
	return s, nil
}

// WithKeys is a Signer that signs as s does and with ed25519 keys besides
// (whsk_…, current first): webhook-signature then carries a v1a item of each.
func (s *Signer) WithKeys(keys ...Secret) (*Signer, error) {
	with := *s
	with.keys = nil
	for _, key := range keys {
		private, err := privateKey(key)
		if err != nil {
			return nil, err
		}
		with.keys = append(with.keys, private)
	}
	return &with, nil
}

// Headers sets all headers of one attempt on h: the protocol's, Standard
// Webhooks' with a signature of every secret, and the format's (contract,
// section 12). It is a shorthand for a Signer that is used once.
func Headers(h http.Header, in Input) error {
	s, err := NewSigner(in.Secrets, in.VendorSecret)
	if err != nil {
		return err
	}
	return s.Headers(h, in)
}

// Headers sets all headers of one attempt on h, replacing those of the same
// names. It refuses an attempt that could not be verified.
func (s *Signer) Headers(h http.Header, in Input) error {
	scheme, err := VendorScheme(in.Format, in.SignatureFormat)
	if err != nil {
		return err
	}
	if in.EventID == "" || in.Timestamp.Unix() <= 0 {
		return errors.New("an attempt needs an event id and a time")
	}
	set := setter{h: h, values: make([]string, 0, 8)}
	stamp := strconv.FormatInt(in.Timestamp.Unix(), 10)
	set.add(HeaderContentType, "application/json")
	set.add(HeaderUserAgent, in.UserAgent)
	set.add(HeaderID, in.EventID)
	set.add(HeaderTimestamp, stamp)
	set.add(HeaderSignature, s.standardValue(in.EventID, stamp, in.Body))
	if scheme != "" {
		set.add(scheme.Header(), s.vendorValue(scheme, in.Body))
	}
	if in.Format == FormatStairoids || in.Format == FormatAction {
		set.add(HeaderStairoidsEvent, in.EventName)
		set.add(HeaderStairoidsDelivery, in.AttemptUUID)
	}
	return nil
}

// setter puts all values into one array: one allocation, not one per header.
type setter struct {
	h      http.Header
	values []string
}

func (s *setter) add(name, value string) {
	n := len(s.values)
	s.values = append(s.values, value)
	s.h[name] = s.values[n : n+1 : n+1]
}

// standardValue is webhook-signature: one item per secret, then one per key,
// space-separated.
func (s *Signer) standardValue(id, stamp string, body []byte) string {
	var buf [256]byte
	out := buf[:0]
	for i, m := range s.standard {
		if i > 0 {
			out = append(out, ' ')
		}
		digest := m.sum(id, stamp, body)
		out = Standard.appendDigest(append(out, "v1,"...), &digest)
	}
	for _, key := range s.keys {
		out = append(append(out, ' '), signWith(key, id, stamp, body)...)
	}
	return string(out)
}

func (s *Signer) vendorValue(scheme Scheme, body []byte) string {
	var buf [128]byte
	digest := s.hashed
	if !scheme.Weak() {
		digest = s.vendor.sum("", "", body)
	}
	return string(scheme.appendDigest(buf[:0], &digest))
}

// macs are the HMAC-SHA256 states of one key that rest between signatures:
// preparing a key costs as much as signing a small body.
type macs struct{ pool sync.Pool }

type mac struct {
	hash hash.Hash
	head []byte
	sum  [sha256.Size]byte
}

func newMACs(key []byte) *macs {
	m := &macs{}
	m.pool.New = func() any { return &mac{hash: hmac.New(sha256.New, key)} }
	return m
}

// sum is the HMAC of id.stamp.body, or of the body alone when there is no stamp.
func (m *macs) sum(id, stamp string, body []byte) [sha256.Size]byte {
	one := m.pool.Get().(*mac)
	defer m.pool.Put(one)
	one.hash.Reset()
	if stamp != "" {
		one.head = append(one.head[:0], id...)
		if id != "" {
			one.head = append(one.head, '.')
		}
		one.head = append(append(one.head, stamp...), '.')
		one.hash.Write(one.head)
	}
	one.hash.Write(body)
	one.hash.Sum(one.sum[:0])
	return one.sum
}

// Sign makes the signature header of any one scheme, for tools and for tests of
// receivers. id is used by the Standard Webhooks schemes only, at by the timed
// ones. The key of StandardEd25519 is a whsk_… key.
func Sign(scheme Scheme, secret Secret, id string, at time.Time, body []byte) (name, value string, err error) {
	if err := usable([]Secret{secret}); err != nil {
		return "", "", err
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	switch name = scheme.Header(); scheme {
	case Standard:
		digest := newMACs(secret.standardKey()).sum(id, stamp, body)
		value = "v1," + string(scheme.appendDigest(nil, &digest))
	case StandardEd25519:
		value, err = signEd25519(secret, id, stamp, body)
	case Stripe:
		digest := newMACs(secret.vendorKey()).sum("", stamp, body)
		value = "t=" + stamp + ",v1=" + string(scheme.appendDigest(nil, &digest))
	default:
		if name == "" {
			return "", "", fmt.Errorf("unknown signature scheme %q", scheme)
		}
		s := Signer{vendor: newMACs(secret.vendorKey()), hashed: sha256.Sum256([]byte(secret))}
		value = s.vendorValue(scheme, body)
	}
	return name, value, err
}
