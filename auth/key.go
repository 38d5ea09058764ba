package auth

import (
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"strings"

	"signalbox"
)

// The form of a made key (contract section 2): Prefix, randomLen base62 characters, and the CRC-32 of those in checkLen base62
// characters, so that a scanner of leaked secrets can know one without asking anybody.
const (
	Prefix    = "sk_live_" // S0-11
	randomLen = 30
	checkLen  = 6
	tailLen   = randomLen + checkLen
)

// The bounds of what follows Prefix in any key. A bootstrap key is the operator's own text (contract section 15).
const (
	minTail = 24
	maxTail = 247
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Secret is a whole key. It prints as [hidden] in every way that logs and templates print; Reveal is the one way to its text.
type Secret string

// Reveal returns the text of the key.
func (s Secret) Reveal() string { return string(s) }

func (Secret) String() string   { return "[hidden]" }
func (Secret) GoString() string { return "[hidden]" }

// LogValue hides the key from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue("[hidden]") }

// MarshalText hides the key from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte("[hidden]"), nil }

// NewKey makes a key from rand, which is crypto/rand.Reader outside tests: 178 bits that nobody can guess.
func NewKey(rand io.Reader) (Secret, error) {
	var random [randomLen]byte
	var buf [64]byte
	for n := 0; n < randomLen; {
		if _, err := io.ReadFull(rand, buf[:]); err != nil {
			return "", fmt.Errorf("make an API key: %w", err)
		}
		for _, b := range buf {
			// 248 is the highest multiple of 62 in a byte: above it, the remainder would favour some characters.
			if b < 248 && n < randomLen {
				random[n] = base62[b%62]
				n++
			}
		}
	}
	return Secret(Prefix + string(random[:]) + checksum(string(random[:]))), nil
}

// checksum is the CRC-32 (IEEE) of random in base62, most significant digit first.
func checksum(random string) string {
	sum := crc32.ChecksumIEEE([]byte(random))
	var out [checkLen]byte
	for i := checkLen - 1; i >= 0; i-- {
		out[i] = base62[sum%62]
		sum /= 62
	}
	return string(out[:])
}

// Hash is what a key is stored and looked up by.
func Hash(key string) [32]byte { return sha256.Sum256([]byte(key)) }

// Hint returns the last four characters of a key, by which its owner tells keys apart.
func Hint(key string) string { return key[max(0, len(key)-4):] }

// CheckShape refuses what can be no key, made or bootstrap, before any look-up. The error is a *signalbox.Error that says what
// is wrong with the shape and repeats nothing of the key.
func CheckShape(key string) error {
	tail, ok := strings.CutPrefix(key, Prefix)
	switch {
	case key == "":
		return unauthorized("the API key is empty")
	case !ok:
		return unauthorized("an API key begins with " + Prefix)
	case strings.ContainsFunc(tail, notKeyChar):
		return unauthorized("an API key holds only letters, digits and underscores after " + Prefix + ": check for spaces, quotes or a cut-off copy")
	case len(tail) < minTail:
		return unauthorized(fmt.Sprintf("the API key is too short: a key made here has %d characters", len(Prefix)+tailLen))
	case len(tail) > maxTail:
		return unauthorized(fmt.Sprintf("the API key is too long: a key made here has %d characters", len(Prefix)+tailLen))
	}
	return nil
}

// Refused words the refusal of a key that has the shape of one but opens nothing. The words depend on the text of the key
// alone, so they never tell whether it once existed.
func Refused(key string) error {
	if Mistyped(key) {
		return unauthorized("unknown API key: it looks mistyped, its checksum does not fit")
	}
	return unauthorized("unknown, revoked or expired API key")
}

// Mistyped says whether a text has the length and characters of a made key, but not its checksum.
func Mistyped(key string) bool {
	tail, ok := strings.CutPrefix(key, Prefix)
	return ok && len(tail) == tailLen && !strings.ContainsRune(tail, '_') && checksum(tail[:randomLen]) != tail[randomLen:]
}

func notKeyChar(r rune) bool {
	return r != '_' && !('0' <= r && r <= '9') && !('A' <= r && r <= 'Z') && !('a' <= r && r <= 'z')
}

func unauthorized(msg string) error {
	return &signalbox.Error{Code: signalbox.Unauthorized, Msg: msg}
}
