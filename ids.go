package signalbox

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"strings"
	"sync"
	"time"
)

// Typed ids: a 64-bit integer made by the program (IDs), zero for none. Swapping two ids must not compile.
type (
	WorkspaceID int64
	KeyID       int64
	SignalID    int64
	TypeID      int64
	AccountID   int64
	ContactID   int64
	WebhookID   int64
	EventID     int64
	DeliveryID  int64
	AttemptID   int64
	JobID       int64
	RequestID   int64
	MemberID    int64
	SessionID   int64
	LinkID      int64
	AuditID     int64
	MergeID     int64
	ImportID    int64

	LinkedAccountID int64
	StreamID        int64
	SyncRunID       int64
	MailID          int64
	AudienceID      int64
	ProfileID       int64 // of an ICP or a persona
	AutomationID    int64 // of a notification too
	RunID           int64
)

// ID is any of the typed ids.
type ID interface{ ~int64 }

// Kind is what an id names: its prefix at the edges (contract section 2).
type Kind string

// The kinds of ids.
const (
	KindWorkspace Kind = "ws"
	KindKey       Kind = "key"
	KindSignal    Kind = "sig"
	KindType      Kind = "styp"
	KindAccount   Kind = "acc"
	KindContact   Kind = "con"
	KindWebhook   Kind = "wh"
	KindEvent     Kind = "evt"
	KindDelivery  Kind = "dlv"
	KindAttempt   Kind = "att"
	KindJob       Kind = "job"
	KindRequest   Kind = "req"
	KindMember    Kind = "mem"
	KindSession   Kind = "ses"
	KindLink      Kind = "lnk"
	KindAudit     Kind = "chg" // a change, as the audit log tells of it
	KindMerge     Kind = "mrg"
	KindImport    Kind = "imp"
	KindLinked    Kind = "lac" // a linked account
	KindStream    Kind = "str" // a stream of a linked account
	KindSyncRun   Kind = "sync"
	KindAudience  Kind = "aud"
	KindICP       Kind = "icp"
	KindPersona   Kind = "per"

	KindAutomation Kind = "auto" // a notification too
	KindRun        Kind = "run"
)

// The layout of an id, from the highest bit: one zero bit, 41 bits of milliseconds since idEpoch (until 2094), 10 bits of node
// number, 12 bits of sequence within the millisecond.
const (
	nodeBits = 10
	seqBits  = 12
	// MaxNode is the highest node number.
	MaxNode = 1<<nodeBits - 1
)

var idEpoch = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)

// IDs makes ids for one node: unique, and growing whatever the clock does. Safe for concurrent use.
type IDs struct {
	node int64

	mu   sync.Mutex
	last int64 // milliseconds<<seqBits | sequence
}

// NewIDs makes ids that carry the node number, 0 to MaxNode.
func NewIDs(node int) *IDs { return &IDs{node: int64(node & MaxNode)} }

// Become makes ids for another node number from now on: this node has lost its own.
func (g *IDs) Become(node int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := int64(node & MaxNode); n != g.node {
		g.node = n
		g.last = (g.last>>seqBits + 1) << seqBits // a lower number in the same millisecond would go back
	}
}

// Next returns an id above every one returned before. now only pulls ids towards the present: a clock that stands still or
// goes back never makes an id twice.
func (g *IDs) Next(now time.Time) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := now.Sub(idEpoch).Milliseconds() << seqBits; at > g.last {
		g.last = at
	} else {
		g.last++
	}
	return g.join(g.last)
}

// Above makes every later id greater than id: a workspace's ids grow in the order of its commits, whichever node made them.
func (g *IDs) Above(id int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ms, seq := id>>(nodeBits+seqBits), id&(1<<seqBits-1)
	if at := ms<<seqBits | seq; at >= g.last {
		g.last = at
		// A higher node number in id would still win at the same instant: step past its millisecond.
		if (id>>seqBits)&MaxNode > g.node {
			g.last = (ms+1)<<seqBits - 1
		}
	}
}

func (g *IDs) join(at int64) int64 {
	return at>>seqBits<<(nodeBits+seqBits) | g.node<<seqBits | at&(1<<seqBits-1)
}

// IDTime returns the moment that an id was made, to the millisecond.
func IDTime[T ID](id T) time.Time {
	return idEpoch.Add(time.Duration(int64(id)>>(nodeBits+seqBits)) * time.Millisecond)
}

// FirstIDAt returns the smallest id that can have been made at t: ids of rows before t are smaller.
func FirstIDAt(t time.Time) int64 {
	return max(0, t.Sub(idEpoch).Milliseconds()) << (nodeBits + seqBits)
}

// alphabet is Crockford's base32 in lower case: it sorts as the numbers do.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// tailLen is the length of an id's text after "prefix_": 128 bits in 26 characters.
const tailLen = 26

// Codec turns ids into text and back: prefix, "_", and 26 characters that hold the integer and a keyed 64-bit check over it and
// its kind, so that a guessed or mistyped id fails before any look-up. Text sorts as time. Safe for concurrent use.
type Codec struct {
	block   cipher.Block
	scratch sync.Pool // of *[2][aes.BlockSize]byte: what the cipher reads and writes would else be allocated for every id
}

// NewCodec makes the codec of a database; its key is made once and never rotated (design, Storage).
func NewCodec(key [16]byte) *Codec {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // not reachable: 16 bytes are a valid AES key
	}
	return &Codec{block: block, scratch: sync.Pool{New: func() any { return new([2][aes.BlockSize]byte) }}}
}

// Format returns the text of an id; the empty string for zero.
func (c *Codec) Format(kind Kind, id int64) string {
	if id == 0 {
		return ""
	}
	return string(c.Append(make([]byte, 0, len(kind)+1+tailLen), kind, id))
}

// Append appends the text of an id to dst.
func (c *Codec) Append(dst []byte, kind Kind, id int64) []byte {
	dst = append(dst, kind...)
	dst = append(dst, '_')
	hi, lo := uint64(id), c.check(kind, id)
	// 130 bits hold 128: the first character carries the integer's top three bits.
	dst = append(dst, alphabet[hi>>61])
	hi = hi<<3 | lo>>61
	lo <<= 3
	for range tailLen - 1 {
		dst = append(dst, alphabet[hi>>59])
		hi = hi<<5 | lo>>59
		lo <<= 5
	}
	return dst
}

// Parse returns the id that text names, and false for anything that this codec did not format with that kind.
// The texts of the capture door are taken too: those of signals, and of the records that they landed on.
func (c *Codec) Parse(kind Kind, text string) (int64, bool) {
	text = ownText(kind, text)
	if len(text) != len(kind)+1+tailLen || text[:len(kind)] != string(kind) || text[len(kind)] != '_' {
		return 0, false
	}
	var hi, lo uint64
	for i, ch := range []byte(text[len(kind)+1:]) {
		v := decodeChar(ch)
		if v < 0 || i == 0 && v > 7 {
			return 0, false
		}
		hi = hi<<5 | lo>>59
		lo = lo<<5 | uint64(v)
	}
	if int64(hi) <= 0 || lo != c.check(kind, int64(hi)) {
		return 0, false
	}
	return int64(hi), true
}

// The prefixes that ids have at the capture door (contract section 2). A lead is a contact, or an account.
const (
	CapturePrefix = "sig_capture"
	LeadPrefix    = "lead"
)

// ownText gives a text of the capture door the prefix of its kind.
func ownText(kind Kind, text string) string {
	prefix := ""
	switch kind {
	case KindSignal:
		prefix = CapturePrefix
	case KindContact, KindAccount:
		prefix = LeadPrefix
	default:
		return text
	}
	if tail, ok := strings.CutPrefix(text, prefix+"_"); ok && len(tail) == tailLen {
		return string(kind) + "_" + tail
	}
	return text
}

// UUID returns an id as a version-8 UUID (RFC 9562): the same 128 bits as Format, less the six that mark the version.
func (c *Codec) UUID(kind Kind, id int64) [16]byte {
	var u [16]byte
	binary.BigEndian.PutUint64(u[:8], uint64(id))
	binary.BigEndian.PutUint64(u[8:], c.check(kind, id))
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return u
}

// check is a pseudo-random function of kind and id: one AES block.
func (c *Codec) check(kind Kind, id int64) uint64 {
	b := c.scratch.Get().(*[2][aes.BlockSize]byte)
	defer c.scratch.Put(b)
	binary.BigEndian.PutUint64(b[0][:8], uint64(id))
	clear(b[0][8:])
	copy(b[0][8:], kind)
	c.block.Encrypt(b[1][:], b[0][:])
	return binary.BigEndian.Uint64(b[1][:8])
}

func decodeChar(ch byte) int {
	switch {
	case ch >= '0' && ch <= '9':
		return int(ch - '0')
	case ch >= 'a' && ch <= 'h':
		return int(ch-'a') + 10
	case ch == 'j' || ch == 'k':
		return int(ch-'j') + 18
	case ch == 'm' || ch == 'n':
		return int(ch-'m') + 20
	case ch >= 'p' && ch <= 't':
		return int(ch-'p') + 22
	case ch >= 'v' && ch <= 'z':
		return int(ch-'v') + 27
	}
	return -1
}
