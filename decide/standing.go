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
	sums  score.Sums
	kept  bool // to be saved at the end of the turn
}

// standingVersion is the first byte of a packed standing.
const standingVersion = 1

var errStanding = errors.New("what deciding keeps of a record cannot be read: it is cut off, or of a newer program")

// pack writes a standing; nil for that of a record which nothing is known of. It is kept small: a row of these is written with every signal.
func (s *standing) pack(model *score.Model) []byte {
	if s.at.IsZero() && s.sums.Empty() {
		return nil
	}
	b := append(make([]byte, 0, 128), standingVersion)
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
	if b[0] != standingVersion {
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
	return c.standingOf(kind, at, sums), nil
}

// Unscore makes a function that takes signals that are gone out of a record's packed standing; nil when nothing is left of it.
func Unscore(by *signalbox.Scoring) func(packed []byte, gone []signalbox.Scored) ([]byte, error) {
	model := score.Compile(by)
	return func(packed []byte, gone []signalbox.Scored) ([]byte, error) {
		s, err := unpack(packed)
		if err != nil {
			return nil, err
		}
		for _, g := range gone {
			model.Remove(&s.sums, g.Type, g.Points.Float(), g.At)
		}
		return s.pack(model), nil
	}
}

// Explain says what a record's score is made of at a moment, of its signals and those of all that is merged into it: the most largest contributions and
// one rest; and where it stood then by them.
func (c *Compiled) Explain(kind signalbox.RecordKind, signals []signalbox.Scored, at time.Time, most int) (signalbox.Standing, signalbox.Explanation) {
	e := c.model.Explain(signals, at, most)
	return c.standingAt(kind, e.Points), e
}

func (c *Compiled) standingOf(kind signalbox.RecordKind, at time.Time, sums []*score.Sums) signalbox.Standing {
	return c.standingAt(kind, c.model.At(c.joined(sums), at))
}

// standingAt is where so many points put a record.
func (c *Compiled) standingAt(kind signalbox.RecordKind, points float64) signalbox.Standing {
	shown := score.Shown(points)
	return signalbox.Standing{Points: points, Score: shown, Stage: c.model.Stage(kind, shown)}
}

// joined are the sums of several records together.
func (c *Compiled) joined(sums []*score.Sums) *score.Sums {
	if len(sums) == 1 {
		return sums[0]
	}
	all := c.model.Join(sums...)
	return &all
}
