package decide

import (
	"encoding/binary"
	"errors"
	"time"

	"signalbox"
	"signalbox/score"
)

// standing is what deciding keeps of a record between signals, unpacked (signalbox.EntityState.Standing).
type standing struct {
	told  int       // the score that was last told
	stage string    // the stage that was last told
	at    time.Time // as of when; zero: nothing was ever told
	due   time.Time // when time alone may change what is to be told, a lower bound that a due row holds; zero: never
	era   int64     // of the scoring that told and stage were judged by (signalbox.Scoring.Era)
	heed  heed      // what the next look at it does first
	sums  score.Sums
	kept  bool // to be saved at the end of the turn
}

// heed is what a job has left to do with a record: it changed what counts.
type heed byte

const (
	heedNothing heed = iota
	heedGone         // tell where it stands: signals that counted are gone
	heedHush         // take where it stands for told
	heedTell         // tell where it stands
)

// The first byte of a packed standing. One without an era and without anything to heed is as programs write it that know of neither.
const (
	standingVersion = 1
	standingOfEra   = 2 // with era and heed behind the version
)

var errStanding = errors.New("what deciding keeps of a record cannot be read: it is cut off, or of a newer program")

// pack writes a standing; nil for that of a record which nothing is known of. It is kept small: a row of these is written with every signal.
func (s *standing) pack(model *score.Model) []byte {
	if s.at.IsZero() && s.sums.Empty() {
		return nil
	}
	b := append(make([]byte, 0, 128), standingVersion)
	if s.era != 0 || s.heed != heedNothing {
		b[0] = standingOfEra
		b = append(binary.AppendVarint(b, s.era), byte(s.heed))
	}
	b = binary.AppendVarint(b, int64(s.told))
	b = binary.AppendUvarint(b, uint64(len(s.stage)))
	b = append(b, s.stage...)
	b = binary.AppendVarint(b, microOf(s.at))
	late := int64(0) // how long after at it is due, 0: never
	if !s.due.IsZero() {
		if late = s.due.Sub(s.at).Microseconds(); late >= 0 {
			late++
		}
	}
	b = binary.AppendVarint(b, late)
	return model.Append(b, &s.sums)
}

// unpack reads a packed standing; of none it is that of a record which nothing is known of.
func unpack(b []byte) (s standing, err error) {
	if len(b) == 0 {
		return s, nil
	}
	version := b[0]
	if version != standingVersion && version != standingOfEra {
		return s, errStanding
	}
	b = b[1:]
	number := func() (n int64) {
		n, size := binary.Varint(b)
		if size <= 0 {
			err = errStanding
			return 0
		}
		b = b[size:]
		return n
	}
	if version == standingOfEra {
		if s.era = number(); len(b) == 0 || b[0] > byte(heedTell) {
			return s, errStanding
		}
		s.heed, b = heed(b[0]), b[1:]
	}
	s.told = int(number())
	long, size := binary.Uvarint(b)
	if err != nil || size <= 0 || long > uint64(len(b)-size) {
		return s, errStanding
	}
	s.stage, b = string(b[size:size+int(long)]), b[size+int(long):]
	s.at = timeOf(number())
	late := number()
	if err != nil {
		return s, err
	}
	switch {
	case late > 0:
		s.due = s.at.Add(time.Duration(late-1) * time.Microsecond)
	case late < 0:
		s.due = s.at.Add(time.Duration(late) * time.Microsecond)
	}
	s.sums, err = score.Decode(b)
	return s, err
}

func microOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

// Standing is where a record stands at a moment, of its own state and those of all that is merged into it. kind says whose stages count.
func (c *Compiled) Standing(kind signalbox.RecordKind, at time.Time, states ...signalbox.EntityState) (signalbox.Standing, error) {
	sums := make([]*score.Sums, 0, len(states))
	for i := range states {
		s, err := unpack(states[i].Standing)
		if err != nil {
			return signalbox.Standing{}, err
		}
		sums = append(sums, &s.sums)
	}
	return standingOf(c.model, kind, at, sums), nil
}

// Explain says what a record's score is made of at a moment, of its signals and those of all that is merged into it: the most largest contributions and
// one rest; and where it stood then by them.
func (c *Compiled) Explain(kind signalbox.RecordKind, signals []signalbox.Scored, at time.Time, most int) (signalbox.Standing, signalbox.Explanation) {
	e := c.model.Explain(signals, at, most)
	return standingAt(c.model, kind, e.Points), e
}

// History says where a record stood at several moments, which ascend, of its signals and those of all that is merged into it.
func (c *Compiled) History(kind signalbox.RecordKind, signals []signalbox.Scored, at []time.Time) signalbox.ScoreHistory {
	h := signalbox.ScoreHistory{HalfLife: c.model.HalfLife(), Stages: c.model.Stages(kind), Standings: make([]signalbox.Standing, len(at))}
	for i, points := range c.model.History(signals, at) {
		h.Standings[i] = standingAt(c.model, kind, points)
	}
	return h
}

// standingOf is where a record stands by its sums and those of all that is merged into it.
func standingOf(m *score.Model, kind signalbox.RecordKind, at time.Time, sums []*score.Sums) signalbox.Standing {
	return standingAt(m, kind, m.At(joined(m, sums), at))
}

// standingAt is where so many points put a record.
func standingAt(m *score.Model, kind signalbox.RecordKind, points float64) signalbox.Standing {
	shown := score.Shown(points)
	return signalbox.Standing{Points: points, Score: shown, Stage: m.Stage(kind, shown)}
}

// joined are the sums of several records together.
func joined(m *score.Model, sums []*score.Sums) *score.Sums {
	if len(sums) == 1 {
		return sums[0]
	}
	all := m.Join(sums...)
	return &all
}
