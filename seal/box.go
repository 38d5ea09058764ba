package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

const (
	version    = 1
	headerSize = 1 + idSize
	// HeaderSize is how many bytes a sealed value begins with that say which key
	// sealed it: the same in every value of that key.
	HeaderSize = headerSize
	// Overhead is by how many bytes a sealed value is longer than its plaintext.
	Overhead = headerSize + 12 + 16
)

// Bind says what a sealed value belongs to. It is authenticated, not stored:
// the same Bind must be given to open it.
type Bind struct {
	Workspace int64  // 0 for a value of the whole installation
	Row       int64  // the id of the row that holds the value
	Kind      string // what it is, for instance "webhook.secret"
}

// Why a value does not open, beside [UnknownKeyError].
var (
	ErrMalformed = errors.New("this is not a sealed value")
	ErrNotOpened = errors.New("the sealed value was changed, or belongs to another row")
)

// UnknownKeyError says that a value was sealed with a key that the box does not
// have.
type UnknownKeyError struct {
	Want KeyID   // the key that sealed the value
	Have []KeyID // the box's keys, primary first
}

// Error names the key that is wanted.
func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("this needs the secret key %s; the given ones are %v", e.Want, e.Have)
}

// Box seals with its primary key and opens with any of its keys. Any number of
// goroutines may use it.
type Box struct {
	primary [idSize]byte
	aeads   map[[idSize]byte]cipher.AEAD
	ids     []KeyID
}

// NewBox makes a box that seals with primary. The old keys only open: they are
// kept until every value is rewrapped.
func NewBox(primary Key, old ...Key) (*Box, error) {
	b := &Box{aeads: map[[idSize]byte]cipher.AEAD{}}
	for _, k := range append([]Key{primary}, old...) {
		if k.secret == nil {
			return nil, errors.New("a secret key is missing")
		}
		if _, twice := b.aeads[k.rawID()]; twice {
			continue
		}
		block, err := aes.NewCipher(k.derive(infoAES, keySize))
		if err != nil {
			return nil, fmt.Errorf("prepare key %s: %w", k.ID(), err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("prepare key %s: %w", k.ID(), err)
		}
		b.aeads[k.rawID()] = aead
		b.ids = append(b.ids, k.ID())
	}
	b.primary = primary.rawID()
	return b, nil
}

// Primary names the key that seals.
func (b *Box) Primary() KeyID { return b.ids[0] }

// IDs names the keys that open, the primary one first.
func (b *Box) IDs() []KeyID { return slices.Clone(b.ids) }

// Seal encrypts plaintext with the primary key; each call gives other bytes.
func (b *Box) Seal(bind Bind, plaintext []byte) []byte {
	out := make([]byte, 0, len(plaintext)+Overhead)
	out = append(append(out, version), b.primary[:]...)
	return b.aeads[b.primary].Seal(out, nil, plaintext, authenticated(out, bind))
}

// Open decrypts what Seal made with the same bind, under any key of the box.
// The error is ErrMalformed, ErrNotOpened or an [*UnknownKeyError].
func (b *Box) Open(bind Bind, sealed []byte) ([]byte, error) {
	id, err := keyOf(sealed)
	if err != nil {
		return nil, err
	}
	aead, ok := b.aeads[id]
	if !ok {
		return nil, &UnknownKeyError{Want: idText(id[:]), Have: b.ids}
	}
	header := sealed[:headerSize]
	plaintext, err := aead.Open(nil, nil, sealed[headerSize:], authenticated(header, bind))
	if err != nil {
		return nil, ErrNotOpened
	}
	return plaintext, nil
}

// NeedsRewrap reports whether a value is sealed with another key than the
// primary one.
func (b *Box) NeedsRewrap(sealed []byte) bool {
	id, err := keyOf(sealed)
	return err == nil && id != b.primary
}

// Rewrap seals a value anew with the primary key; one that is already is
// returned as it is. The errors are those of Open.
func (b *Box) Rewrap(bind Bind, sealed []byte) ([]byte, error) {
	plaintext, err := b.Open(bind, sealed)
	if err != nil {
		return nil, err
	}
	if !b.NeedsRewrap(sealed) {
		return sealed, nil
	}
	return b.Seal(bind, plaintext), nil
}

var (
	probeBind = Bind{Kind: "probe"}
	probeText = []byte("signalbox")
)

// Probe makes a value to store beside the data when the data is made, and again
// after a rotation, so that a later start can see that it has the right key.
func (b *Box) Probe() []byte { return b.Seal(probeBind, probeText) }

// CheckProbe opens a stored probe. An error means that this box cannot open the
// data it was stored with; an [*UnknownKeyError] names the key that can.
func (b *Box) CheckProbe(probe []byte) error {
	text, err := b.Open(probeBind, probe)
	if err != nil {
		return fmt.Errorf("open the stored probe: %w", err)
	}
	if !bytes.Equal(text, probeText) {
		return fmt.Errorf("open the stored probe: %w", ErrMalformed)
	}
	return nil
}

// SealedBy names the key that sealed a value.
func SealedBy(sealed []byte) (KeyID, error) {
	id, err := keyOf(sealed)
	if err != nil {
		return "", err
	}
	return idText(id[:]), nil
}

// HeaderKey names the key of values that begin with a header.
func HeaderKey(header []byte) (KeyID, error) {
	if len(header) != headerSize || header[0] != version {
		return "", ErrMalformed
	}
	return idText(header[1:]), nil
}

func keyOf(sealed []byte) (id [idSize]byte, err error) {
	if len(sealed) < Overhead || sealed[0] != version {
		return id, ErrMalformed
	}
	return [idSize]byte(sealed[1:headerSize]), nil
}

// authenticated is the additional data: the value's own header and what it is
// bound to. The lengths before Kind are fixed, so no two binds share it.
func authenticated(header []byte, bind Bind) []byte {
	out := append(make([]byte, 0, headerSize+16+len(bind.Kind)), header...)
	out = binary.BigEndian.AppendUint64(out, uint64(bind.Workspace))
	out = binary.BigEndian.AppendUint64(out, uint64(bind.Row))
	return append(out, bind.Kind...)
}
