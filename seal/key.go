package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const (
	hidden    = "[hidden]"
	keySize   = 32
	idSize    = 8
	idPrefix  = "k_"
	infoKeyID = "signalbox seal key id"
	infoAES   = "signalbox seal aes-256-gcm"
)

// KeyID names a key without telling it: "k_" and 16 hex digits, derived from
// the key. It may be shown and logged.
type KeyID string

// Key is a master key of 32 bytes. It prints as [hidden]; Reveal gives its
// text. The zero Key is not usable.
type Key struct {
	secret func() []byte // a function, so that no way of printing a struct around it shows the bytes
}

var errKeyText = errors.New("a secret key is 32 bytes, written as 64 hexadecimal digits or as base64")

// NewKey makes a key from 32 bytes of random.
func NewKey(random io.Reader) (Key, error) {
	var secret [keySize]byte
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return Key{}, fmt.Errorf("read random bytes for a key: %w", err)
	}
	return newKey(secret[:])
}

// ParseKey reads a key as SIGNALBOX_SECRET_KEY holds it: 64 hexadecimal digits,
// or base64 (standard or URL alphabet, padded or not) of 32 bytes; space around
// it is ignored. The error does not repeat the text.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	if len(text) == hex.EncodedLen(keySize) {
		secret, err := hex.DecodeString(text)
		if err != nil {
			return Key{}, errKeyText
		}
		return newKey(secret)
	}
	text = strings.TrimSuffix(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	if len(text) != base64.RawStdEncoding.EncodedLen(keySize) {
		return Key{}, errKeyText
	}
	secret, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil {
		return Key{}, errKeyText
	}
	return newKey(secret)
}

func newKey(secret []byte) (Key, error) {
	if len(secret) != keySize {
		return Key{}, errKeyText
	}
	if bytes.Count(secret, secret[:1]) == keySize {
		return Key{}, errors.New("a secret key must be random; this one repeats one byte")
	}
	return Key{func() []byte { return secret }}, nil
}

// ID names the key.
func (k Key) ID() KeyID {
	id := k.rawID()
	return idText(id[:])
}

// Reveal returns the key as 64 hexadecimal digits: for its file, or for showing
// it to the operator.
func (k Key) Reveal() string { return hex.EncodeToString(k.secret()) }

// String returns [hidden].
func (k Key) String() string { return hidden }

// GoString returns [hidden].
func (k Key) GoString() string { return hidden }

// LogValue returns [hidden].
func (k Key) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText returns [hidden].
func (k Key) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format prints [hidden] for every verb, also for those that bypass String.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

func (k Key) rawID() [idSize]byte { return [idSize]byte(k.derive(infoKeyID, idSize)) }

// derive makes the subkey for one purpose.
func (k Key) derive(purpose string, size int) []byte {
	out, err := hkdf.Key(sha256.New, k.secret(), nil, purpose, size)
	if err != nil {
		panic("seal: " + err.Error()) // only for a size beyond HKDF's bound, and sizes are constants
	}
	return out
}

func idText(raw []byte) KeyID { return KeyID(idPrefix + hex.EncodeToString(raw)) }
