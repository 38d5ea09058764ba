package sign

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

const (
	signKeyPrefix   = "whsk_" // base64 of private seed and public key
	verifyKeyPrefix = "whpk_" // base64 of the public key
)

// NewEd25519 makes a pair of Standard Webhooks keys: whsk_… signs, whpk_…
// verifies and may be published.
func NewEd25519(random io.Reader) (signing Secret, verifying string, err error) {
	var seed [ed25519.SeedSize]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return "", "", fmt.Errorf("read random bytes for a key: %w", err)
	}
	private := ed25519.NewKeyFromSeed(seed[:])
	signing = Secret(signKeyPrefix + base64.StdEncoding.EncodeToString(private))
	return signing, verifyKeyPrefix + base64.StdEncoding.EncodeToString(private[ed25519.SeedSize:]), nil
}

func signEd25519(key Secret, id, stamp string, body []byte) (string, error) {
	private, err := privateKey(key)
	if err != nil {
		return "", err
	}
	return signWith(private, id, stamp, body), nil
}

// privateKey reads a whsk_… key.
func privateKey(key Secret) (ed25519.PrivateKey, error) {
	text, ok := strings.CutPrefix(string(key), signKeyPrefix)
	private, err := strictBase64(base64.StdEncoding, text)
	if !ok || err != nil || len(private) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("%w: an ed25519 signature needs a whsk_ key of 64 bytes", ErrNoSecret)
	}
	return ed25519.NewKeyFromSeed(private[:ed25519.SeedSize]), nil
}

func signWith(key ed25519.PrivateKey, id, stamp string, body []byte) string {
	return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(key, signedContent(id, stamp, body)))
}

func signedContent(id, stamp string, body []byte) []byte {
	head := id + "." + stamp + "."
	return append(append(make([]byte, 0, len(head)+len(body)), head...), body...)
}

// publicKey takes whpk_… or the public half of whsk_….
func publicKey(key Secret) (ed25519.PublicKey, error) {
	if text, ok := strings.CutPrefix(string(key), verifyKeyPrefix); ok {
		if public, err := strictBase64(base64.StdEncoding, text); err == nil && len(public) == ed25519.PublicKeySize {
			return public, nil
		}
	}
	if text, ok := strings.CutPrefix(string(key), signKeyPrefix); ok {
		if private, err := strictBase64(base64.StdEncoding, text); err == nil && len(private) == ed25519.PrivateKeySize {
			return ed25519.NewKeyFromSeed(private[:ed25519.SeedSize]).Public().(ed25519.PublicKey), nil
		}
	}
	return nil, fmt.Errorf("%w: an ed25519 signature needs a whpk_ key of 32 bytes or a whsk_ key of 64", ErrNoSecret)
}

// PublicKey is the public half of a whsk_… key, as whpk_….
func PublicKey(signing Secret) (string, error) {
	private, err := privateKey(signing)
	if err != nil {
		return "", err
	}
	return verifyKeyPrefix + base64.StdEncoding.EncodeToString(private[ed25519.SeedSize:]), nil
}
