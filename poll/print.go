package poll

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"

	"signalbox"
	"signalbox/seal"
	"signalbox/strictjson"
)

// Key is the secret that the prints of one stream are made with. Without it a print of a salary or a birthday could be found by trying them all; with one key
// for each stream, prints of two streams say nothing about each other.
type Key [32]byte

// Sealer seals a secret before it is stored; *seal.Box is one.
type Sealer interface {
	Seal(bind seal.Bind, plaintext []byte) []byte
}

// Opener opens what was sealed; *seal.Box is one.
type Opener interface {
	Open(bind seal.Bind, sealed []byte) ([]byte, error)
}

// NewKey makes the key of a stream, sealed, for Stream.Key.
func NewKey(box Sealer, ws signalbox.WorkspaceID, stream signalbox.StreamID) []byte {
	var key Key
	_, _ = rand.Read(key[:]) // never fails
	return box.Seal(keyBind(ws, stream), key[:])
}

func openKey(box Opener, s *signalbox.Stream) (Key, error) {
	plain, err := box.Open(keyBind(s.Workspace, s.ID), s.Key)
	if err != nil {
		return Key{}, &signalbox.Error{Code: signalbox.Internal, Msg: "the stream's key does not open: the program runs with another secret key than the one that it was made with", Err: err}
	}
	if len(plain) != len(Key{}) {
		return Key{}, fmt.Errorf("the key of stream %d has %d bytes, and must have %d", s.ID, len(plain), len(Key{}))
	}
	return Key(plain), nil
}

// keyBind binds a key to its stream. Its kind is written into every sealed key and must not change.
func keyBind(ws signalbox.WorkspaceID, stream signalbox.StreamID) seal.Bind {
	return seal.Bind{Workspace: int64(ws), Row: int64(stream), Kind: "stream.key"}
}

// Print is what is kept of a record's contents.
type Print struct {
	Spec   uint32       // the lower half of the Fingerprint under which it was made
	Hash   Hash         // of all of it
	Fields []FieldPrint // ascending by name
}

// Hash is a keyed hash of a record: HMAC-SHA-256, cut to 128 bits: that a change goes unseen by chance is out of the question.
type Hash [16]byte

// FieldPrint is a keyed hash of one field, cut to 64 bits. It is only asked which fields differ when the record is known to.
type FieldPrint struct {
	Name uint32 // by Names; 0: all fields that have no number, together
	MAC  uint64
}

// The bounds of fields. What lies beyond is hashed together and told as OtherFields: providers that make a name of each value (as an object by e-mail
// addresses) must not fill a database with names.
const (
	// MaxNames is how many field names a stream tells apart.
	MaxNames = 4096
	// MaxFields is how many fields of one record are told apart: a row stays below 3 KB.
	MaxFields = 256
	maxName   = 255 // bytes (contract section 2: keys)

	// OtherFields stands among the changed fields for those that are not told apart.
	OtherFields = "*"
)

// Names are the field names of a stream, each with a number, so that a print holds a byte or two for one. A name never loses its number.
type Names struct {
	list  []string
	index map[string]uint32
	saved int
}

// NewNames takes what is stored.
func NewNames(stored []string) *Names {
	n := &Names{list: slices.Clone(stored), index: make(map[string]uint32, len(stored)), saved: len(stored)}
	for i, name := range stored {
		n.index[name] = uint32(i + 1)
	}
	return n
}

// Number is that of a name, which gets one if it has none; 0 when there is none to have.
func (n *Names) Number(name string) uint32 {
	if number, have := n.index[name]; have {
		return number
	}
	if len(n.list) >= MaxNames || len(name) > maxName || !storable(name) {
		return 0
	}
	n.list = append(n.list, name)
	n.index[name] = uint32(len(n.list))
	return uint32(len(n.list))
}

// Name is the name of a number.
func (n *Names) Name(number uint32) string {
	if number == 0 || int(number) > len(n.list) {
		return OtherFields
	}
	return n.list[number-1]
}

// fresh are those that are not stored yet.
func (n *Names) fresh() []string { return n.list[n.saved:] }

// keep notes that all are.
func (n *Names) keep() { n.saved = len(n.list) }

// Fingerprint makes the print of a record.
func Fingerprint(key Key, names *Names, spec uint32, r Record) Print {
	p := newPrinter(key, names, spec)
	return p.print(r, p.hash(r))
}

// printer makes prints; one goroutine at a time.
type printer struct {
	mac   hash.Hash
	names *Names
	spec  uint32
	buf   []byte
	sum   [sha256.Size]byte
}

func newPrinter(key Key, names *Names, spec uint32) *printer {
	return &printer{mac: hmac.New(sha256.New, key[:]), names: names, spec: spec}
}

// What a keyed hash is of, so that one of a record is never one of a field.
const (
	ofRecord = 'r'
	ofField  = 'f'
	ofRest   = 'o'
)

// begin starts a text to hash. The record's id is part of each: equal values of two records give unlike prints, so that nobody sees who earns the same.
func (p *printer) begin(of byte, id string) {
	p.buf = append(p.buf[:0], of)
	p.buf = binary.AppendUvarint(p.buf, uint64(len(id)))
	p.buf = append(p.buf, id...)
}

func (p *printer) end() []byte {
	p.mac.Reset()
	p.mac.Write(p.buf)
	return p.mac.Sum(p.sum[:0])
}

// hash is that of a record's canonical JSON.
func (p *printer) hash(r Record) Hash {
	p.begin(ofRecord, r.ID)
	p.object(r.Fields)
	return Hash(p.end())
}

// object appends a JSON object.
func (p *printer) object(fields []Field) {
	p.buf = append(p.buf, '{')
	for i := range fields {
		if i > 0 {
			p.buf = append(p.buf, ',')
		}
		p.buf = append(append(strictjson.AppendString(p.buf, fields[i].Name), ':'), fields[i].Value...)
	}
	p.buf = append(p.buf, '}')
}

// print is that of a record whose hash is known.
func (p *printer) print(r Record, h Hash) Print {
	out := Print{Spec: p.spec, Hash: h, Fields: make([]FieldPrint, 0, min(len(r.Fields), MaxFields)+1)}
	var rest []Field
	for _, f := range r.Fields {
		number := uint32(0)
		if len(out.Fields) < MaxFields {
			number = p.names.Number(f.Name)
		}
		if number == 0 {
			rest = append(rest, f)
			continue
		}
		p.begin(ofField, r.ID)
		p.object([]Field{f})
		out.Fields = append(out.Fields, FieldPrint{number, binary.BigEndian.Uint64(p.end())})
	}
	if rest != nil {
		p.begin(ofRest, r.ID)
		p.object(rest)
		out.Fields = append(out.Fields, FieldPrint{0, binary.BigEndian.Uint64(p.end())})
	}
	slices.SortFunc(out.Fields, func(a, b FieldPrint) int { return int(a.Name) - int(b.Name) })
	return out
}

// printVersion is the first byte of a print.
const printVersion = 1

// printHead is how many bytes come before the fields: version, spec, hash.
const printHead = 1 + 4 + len(Hash{})

// Append writes a print: version, spec, hash, how many fields; of each its number as what lies between it and the one before, and its MAC.
func (p *Print) Append(b []byte) []byte {
	b = append(b, printVersion)
	b = binary.BigEndian.AppendUint32(b, p.Spec)
	b = append(b, p.Hash[:]...)
	b = binary.AppendUvarint(b, uint64(len(p.Fields)))
	before := uint32(0)
	for _, f := range p.Fields {
		b = binary.AppendUvarint(b, uint64(f.Name-before))
		b = binary.BigEndian.AppendUint64(b, f.MAC)
		before = f.Name
	}
	return b
}

var errPrint = errors.New("this is no print of a record: it is cut off, or in another order")

// DecodePrint reads what [Print.Append] wrote, all of b.
func DecodePrint(b []byte) (Print, error) {
	const leastField = 1 + 8
	if len(b) <= printHead || b[0] != printVersion {
		return Print{}, errPrint
	}
	p := Print{Spec: binary.BigEndian.Uint32(b[1:]), Hash: Hash(b[5:printHead])}
	b = b[printHead:]
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size)/leastField {
		return Print{}, errPrint
	}
	b = b[size:]
	p.Fields = make([]FieldPrint, n)
	before := uint64(0)
	for i := range p.Fields {
		step, size := binary.Uvarint(b)
		if size <= 0 || len(b) < size+8 || i > 0 && step == 0 || step > MaxNames || before+step > MaxNames {
			return Print{}, errPrint
		}
		before += step
		p.Fields[i] = FieldPrint{uint32(before), binary.BigEndian.Uint64(b[size:])}
		b = b[size+8:]
	}
	if len(b) > 0 {
		return Print{}, errPrint
	}
	return p, nil
}

// isPrint says whether a print is that of a hash, without reading its fields.
func isPrint(b []byte, spec uint32, h Hash) bool {
	return len(b) > printHead && b[0] == printVersion && binary.BigEndian.Uint32(b[1:]) == spec && Hash(b[5:printHead]) == h
}

// Diff names the fields that differ between two prints of a record, sorted. A field that is absent differs from one that is null.
func Diff(before, after Print, names *Names) []string {
	var changed []string
	i, j := 0, 0
	for i < len(before.Fields) || j < len(after.Fields) {
		switch {
		case j == len(after.Fields) || i < len(before.Fields) && before.Fields[i].Name < after.Fields[j].Name:
			changed = append(changed, names.Name(before.Fields[i].Name))
			i++
		case i == len(before.Fields) || before.Fields[i].Name > after.Fields[j].Name:
			changed = append(changed, names.Name(after.Fields[j].Name))
			j++
		default:
			if before.Fields[i].MAC != after.Fields[j].MAC {
				changed = append(changed, names.Name(after.Fields[j].Name))
			}
			i++
			j++
		}
	}
	slices.Sort(changed)
	return changed
}
