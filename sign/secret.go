package sign

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Secret is a webhook's signing secret as its owner sees it, for instance
// `whsec_` + base64. It prints as [hidden]; Reveal gives the text. (Package fmt
// cannot ask an unexported struct field to hide itself: do not print a struct
// that holds a Secret in one.)
//
// The vendors' schemes use the whole string as their key, Standard Webhooks the
// decoded base64. A string that is no `whsec_` base64 of 24 to 64 bytes is its
// own UTF-8 bytes in both (contract, section 12).
type Secret string

const (
	hidden       = "[hidden]"
	secretPrefix = "whsec_"

	// MinSecretChars and MaxSecretBytes bound a secret that a caller chooses.
	MinSecretChars = 16
	MaxSecretBytes = 512
)

// Reveal returns the secret itself: for showing it once, and for sealing it.
func (s Secret) Reveal() string { return string(s) }

// String returns [hidden].
func (s Secret) String() string { return hidden }

// GoString returns [hidden].
func (s Secret) GoString() string { return hidden }

// LogValue returns [hidden].
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText returns [hidden]: a secret reaches JSON only through Reveal.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format prints [hidden] for every verb, also for those that bypass String.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// NewSecret makes a secret: `whsec_` + standard base64 of 32 bytes of random.
func NewSecret(random io.Reader) (Secret, error) {
	var key [32]byte
	if _, err := io.ReadFull(random, key[:]); err != nil {
		return "", fmt.Errorf("read random bytes for a secret: %w", err)
	}
	return Secret(secretPrefix + base64.StdEncoding.EncodeToString(key[:])), nil
}

// ParseSecret takes a secret that a caller chose: at least MinSecretChars
// characters of printable UTF-8, at most MaxSecretBytes bytes.
func ParseSecret(s string) (Secret, error) {
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", errors.New("a secret must be printable characters")
	case utf8.RuneCountInString(s) < MinSecretChars:
		return "", fmt.Errorf("a secret must have at least %d characters", MinSecretChars)
	case len(s) > MaxSecretBytes:
		return "", fmt.Errorf("a secret must have at most %d bytes", MaxSecretBytes)
	}
	return Secret(s), nil
}

// Standard returns the form that Standard Webhooks libraries take: the secret
// itself if it is `whsec_` base64, else `whsec_` + base64 of its UTF-8 bytes.
func (s Secret) Standard() string {
	if _, ok := s.decoded(); ok {
		return string(s)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString([]byte(s))
}

// vendorKey is the key of all schemes but Standard Webhooks (S0-40, S1-28).
func (s Secret) vendorKey() []byte { return []byte(s) }

// standardKey is the key of Standard Webhooks' v1.
func (s Secret) standardKey() []byte {
	if key, ok := s.decoded(); ok {
		return key
	}
	return []byte(s)
}

func (s Secret) decoded() ([]byte, bool) {
	text, ok := strings.CutPrefix(string(s), secretPrefix)
	if !ok || strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return nil, false
	}
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	return key, err == nil && len(key) >= 24 && len(key) <= 64
}

// usable refuses the secrets that would make a signature anyone can forge.
func usable(secrets []Secret) error {
	if len(secrets) == 0 {
		return fmt.Errorf("%w: none given", ErrNoSecret)
	}
	for _, s := range secrets {
		if strings.TrimPrefix(string(s), secretPrefix) == "" {
			return fmt.Errorf("%w: it is empty", ErrNoSecret)
		}
	}
	return nil
}
