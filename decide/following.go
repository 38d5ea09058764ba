package decide

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"math"

	"signalbox"
	"signalbox/audience"
)

// following is what deciding keeps of a record for its qualification and its audiences, unpacked (signalbox.EntityState.Following).
type following struct {
	short    signalbox.Qualified // what its qualification came to
	judged   uint64              // tells that qualification from another one, with its reasons; 0: it was never judged
	audience audience.State
	kept     bool // to be saved at the end of the turn
}

// followingVersion is the first byte of a packed following.
const followingVersion = 1

var errFollowing = errors.New("what deciding keeps of a record's qualification and audiences cannot be read: it is cut off, or of a newer program")

// pack writes a following; nil for that of a record of which nothing is known.
func (w *following) pack() []byte {
	if w.judged == 0 && w.audience.Empty() {
		return nil
	}
	b := append(make([]byte, 0, 64), followingVersion)
	b = binary.LittleEndian.AppendUint64(b, w.judged)
	if w.judged != 0 {
		for _, one := range [2]struct {
			code  string
			score int
		}{{w.short.ICP, w.short.ICPScore}, {w.short.Persona, w.short.PersonaScore}} {
			b = binary.AppendUvarint(b, uint64(len(one.code)))
			b = append(append(b, one.code...), byte(one.score))
		}
	}
	return w.audience.Append(b)
}

// unpackFollowing reads a packed following; of none it is that of a record of which nothing is known.
func unpackFollowing(b []byte) (w following, err error) {
	if len(b) == 0 {
		return w, nil
	}
	if b[0] != followingVersion || len(b) < 1+8 {
		return w, errFollowing
	}
	w.judged, b = binary.LittleEndian.Uint64(b[1:]), b[1+8:]
	if w.judged != 0 {
		read := func(code *string, score *int) {
			n, size := binary.Uvarint(b)
			if size <= 0 || n >= uint64(len(b)-size) {
				err, b = errFollowing, nil
				return
			}
			*code, *score, b = string(b[size:size+int(n)]), int(b[size+int(n)]), b[size+int(n)+1:]
		}
		read(&w.short.ICP, &w.short.ICPScore)
		read(&w.short.Persona, &w.short.PersonaScore)
	}
	if err != nil {
		return w, err
	}
	w.audience, err = audience.Decode(b)
	return w, err
}

// markOf tells a fit with its reasons from another one; never 0.
func markOf(f *signalbox.Fit) uint64 {
	h := fnv.New64a()
	number := func(n uint64) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], n)
		_, _ = h.Write(b[:])
	}
	for _, list := range [2][]signalbox.ProfileVerdict{f.ICPs, f.Personas} {
		number(uint64(len(list)))
		for i := range list {
			v := &list[i]
			_, _ = io.WriteString(h, v.Code)
			number(uint64(v.Version))
			number(uint64(v.Score))
			number(math.Float64bits(v.Coverage))
			_, _ = io.WriteString(h, v.Reason)
			for k := range v.Says {
				_, _ = io.WriteString(h, v.Says[k].Outcome)
			}
		}
	}
	return max(h.Sum64(), 1)
}
