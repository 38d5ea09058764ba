// Package seal encrypts the secrets that Signalbox stores: signing secrets,
// header values, connector credentials. It uses AES-256-GCM with a key derived
// by HKDF-SHA-256, and names the key in every sealed value, so that keys can be
// rotated.
//
// A sealed value is bound to its workspace, its row and what it is (see
// [Bind]): copied to another row, it does not open. Its bytes are
//
//	version (1) | key id (8) | nonce (12) | ciphertext and tag (plaintext + 16)
//
// The package does not say where keys or sealed values are kept, apart from the
// key file of an embedded installation; it never logs, and keys print as
// [hidden]. A key may seal 2^32 values (the bound for random nonces), far more
// than an installation has secrets.
package seal
