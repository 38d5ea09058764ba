package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"signalbox"
)

// The bounds of a password.
const (
	MinPassword = 10   // characters
	MaxPassword = 1024 // bytes
)

// The parameters of argon2id, as OWASP recommends them: 19 MiB, two passes, one lane.
const (
	argonMemory = 19 * 1024 // KiB
	argonTime   = 2
	argonLanes  = 1
	saltLen     = 16
	hashLen     = 32
)

// The bounds of hashing, so that many sign-ins at once cannot exhaust memory: so many at a time, and so many more that wait for them.
const (
	hashing       = 4
	hashesWaiting = 64
)

// hasher hashes and checks passwords, few at once.
type hasher struct {
	running chan struct{}
	waiting chan struct{}
	nobody  string // the hash of a password that nobody has: what an unknown e-mail is held against
}

func newHasher() *hasher {
	h := &hasher{running: make(chan struct{}, hashing), waiting: make(chan struct{}, hashing+hashesWaiting)}
	var salt [saltLen]byte
	rand.Read(salt[:])
	h.nobody = encode(argonMemory, argonTime, argonLanes, salt[:], make([]byte, hashLen))
	return h
}

// enter waits for a turn to hash; Overloaded at once when too many wait.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.waiting <- struct{}{}:
	default:
		return nil, &signalbox.Error{Code: signalbox.Overloaded, Msg: "too many sign in at the same time", RetryAfter: time.Second}
	}
	select {
	case h.running <- struct{}{}:
		return func() { <-h.running; <-h.waiting }, nil
	case <-ctx.Done():
		<-h.waiting
		return nil, ctx.Err()
	}
}

// hash makes the PHC string of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	var salt [saltLen]byte
	rand.Read(salt[:])
	return encode(argonMemory, argonTime, argonLanes, salt[:], argon2.IDKey([]byte(password), salt[:], argonTime, argonMemory, argonLanes, hashLen)), nil
}

// check says whether a password has this hash. Against "" it takes as long as against any other, and is never right.
func (h *hasher) check(ctx context.Context, password, phc string) (bool, error) {
	known := phc != ""
	if !known {
		phc = h.nobody
	}
	memory, passes, lanes, salt, want, err := decode(phc)
	if err != nil {
		return false, err
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	got := argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func encode(memory, passes uint32, lanes uint8, salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

// errHash is a stored hash that this program cannot have made.
var errHash = errors.New("a stored password hash is malformed")

// decode reads a PHC string. Its bounds keep a damaged one from taking the machine's memory.
func decode(phc string) (memory, passes uint32, lanes uint8, salt, sum []byte, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return 0, 0, 0, nil, nil, errHash
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil || n != 3 {
		return 0, 0, 0, nil, nil, errHash
	}
	b64 := base64.RawStdEncoding.Strict()
	salt, saltErr := b64.DecodeString(parts[4])
	sum, sumErr := b64.DecodeString(parts[5])
	if saltErr != nil || sumErr != nil || len(salt) < 8 || len(sum) < 16 || memory < 8 || memory > 1<<20 || passes < 1 || passes > 64 || lanes < 1 {
		return 0, 0, 0, nil, nil, errHash
	}
	return memory, passes, lanes, salt, sum, nil
}

// CheckPassword holds a new password against the rules: long enough, not too long, and not the e-mail.
func CheckPassword(password, email string) error {
	local, _, _ := strings.Cut(email, "@")
	plain := strings.ToLower(strings.TrimSpace(password))
	switch {
	case len(password) > MaxPassword:
		return signalbox.InvalidField("password", "password must have at most %d bytes", MaxPassword)
	case len([]rune(password)) < MinPassword:
		return signalbox.InvalidField("password", "password must have at least %d characters", MinPassword)
	case email != "" && (plain == email || plain == local):
		return signalbox.InvalidField("password", "password must not be the e-mail")
	case strings.Trim(plain, plain[:1]) == "":
		return signalbox.InvalidField("password", "password must not be one character again and again")
	}
	return nil
}

// NewPassword makes a password of 100 bits that can be read aloud and typed.
func NewPassword() string {
	const letters = "abcdefghjkmnpqrstvwxyz0123456789" // 32 that are told apart
	var raw [20]byte
	rand.Read(raw[:])
	var out []byte
	for i, b := range raw {
		if i > 0 && i%5 == 0 {
			out = append(out, '-')
		}
		out = append(out, letters[b%32])
	}
	return string(out)
}
