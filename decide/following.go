package decide

import (
	"encoding/binary"
	"errors"

	"signalbox"
	"signalbox/audience"
	"signalbox/automate"
	"signalbox/fit"
)

// following is what deciding keeps of a record for its qualification, its audiences and its automations, unpacked (signalbox.EntityState.Following).
type following struct {
	short    signalbox.Qualified // what its qualification came to
	judged   uint64              // tells that qualification from another one, with its reasons; 0: it was never judged
	again    bool                // it is qualified anew the next time that it is looked at
	sources  []sourced           // where its signals came from, as far as they landed on it: the first one first
	last     int                 // the place of the latest one's source
	audience audience.State
	runs     automate.State // when automations whose frequency keeps something out were last run for it
	kept     bool           // to be saved at the end of the turn
	fit      *fit.Judgement // the last one of this turn, to be written out then; nil: as it was
	unfit    bool           // what was written of it before this turn is taken away
}

// sourced is a source and how many signals came from it.
type sourced struct {
	name string
	n    int64
}

// land counts a signal that landed on the record.
func (w *following) land(source string) {
	for w.last = range w.sources {
		if w.sources[w.last].name == source {
			w.sources[w.last].n++
			return
		}
	}
	if n := len(w.sources); n > signalbox.MaxSources || n == signalbox.MaxSources && source != signalbox.OtherSources {
		source = signalbox.OtherSources
		if w.last = n - 1; w.sources[w.last].name == source {
			w.sources[w.last].n++
			return
		}
	}
	w.last = len(w.sources)
	w.sources = append(w.sources, sourced{source, 1})
}

// SourcesOf says where the signals came from that landed on a record, by its own state and those of all that is merged into it.
func SourcesOf(states ...signalbox.EntityState) (s signalbox.Sources, err error) {
	s.Counts = map[string]int64{}
	var first, last int64 // signals in whose order the records come
	for i := range states {
		w, err := unpackFollowing(states[i].Following)
		if err != nil {
			return s, err
		}
		if len(w.sources) == 0 {
			continue
		}
		if at := int64(states[i].Entity); first == 0 || at < first {
			first, s.First = at, w.sources[0].name
		}
		if at := int64(states[i].LastSignal); at > last {
			last, s.Last = at, w.sources[w.last].name
		}
		for _, one := range w.sources {
			s.Counts[one.name] += one.n
		}
	}
	return s, nil
}

// The first byte of a packed following. One that no automation was run for is as programs write it that know of none.
const (
	followingVersion = 1
	followingOfRuns  = 2 // with the runs, after their length, before the audiences
)

var errFollowing = errors.New("what deciding keeps of a record's qualification, audiences and automations cannot be read: it is cut off, or of a newer program")

// pack writes a following; nil for that of a record of which nothing is known.
func (w *following) pack() []byte {
	if w.judged == 0 && !w.again && len(w.sources) == 0 && w.audience.Empty() && w.runs.Empty() {
		return nil
	}
	b := append(make([]byte, 0, 64), followingVersion, 0)
	if !w.runs.Empty() {
		b[0] = followingOfRuns
	}
	if w.again {
		b[1] = 1
	}
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
	b = append(b, byte(len(w.sources)))
	if len(w.sources) > 0 {
		b = append(b, byte(w.last))
	}
	for i := range w.sources {
		b = binary.AppendUvarint(b, uint64(len(w.sources[i].name)))
		b = append(b, w.sources[i].name...)
		b = binary.AppendVarint(b, w.sources[i].n)
	}
	if !w.runs.Empty() {
		runs := w.runs.Append(nil)
		b = append(binary.AppendUvarint(b, uint64(len(runs))), runs...)
	}
	return w.audience.Append(b)
}

// unpackFollowing reads a packed following; of none it is that of a record of which nothing is known.
func unpackFollowing(b []byte) (w following, err error) {
	if len(b) == 0 {
		return w, nil
	}
	version := b[0]
	if version != followingVersion && version != followingOfRuns || len(b) < 2+8 {
		return w, errFollowing
	}
	w.again = b[1] == 1
	w.judged, b = binary.LittleEndian.Uint64(b[2:]), b[2+8:]
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
	if err == nil {
		b, err = w.readSources(b)
	}
	if err == nil && version == followingOfRuns {
		b, err = w.readRuns(b)
	}
	if err != nil {
		return w, err
	}
	w.audience, err = audience.Decode(b)
	return w, err
}

// readSources reads the sources and returns what follows them.
func (w *following) readSources(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, errFollowing
	}
	n := int(b[0])
	if b = b[1:]; n == 0 {
		return b, nil
	}
	if len(b) == 0 || int(b[0]) >= n {
		return nil, errFollowing
	}
	w.last, b = int(b[0]), b[1:]
	w.sources = make([]sourced, n, n+1)
	for i := range w.sources {
		long, size := binary.Uvarint(b)
		if size <= 0 || long > uint64(len(b)-size) {
			return nil, errFollowing
		}
		w.sources[i].name, b = string(b[size:size+int(long)]), b[size+int(long):]
		if w.sources[i].n, size = binary.Varint(b); size <= 0 {
			return nil, errFollowing
		}
		b = b[size:]
	}
	return b, nil
}

// readRuns reads the runs and returns what follows them.
func (w *following) readRuns(b []byte) (rest []byte, err error) {
	long, size := binary.Uvarint(b)
	if size <= 0 || long > uint64(len(b)-size) {
		return nil, errFollowing
	}
	w.runs, err = automate.Decode(b[size : size+int(long)])
	return b[size+int(long):], err
}
