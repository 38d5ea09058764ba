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
	var numbers [4]int64 // told, the length of stage, at, due
	for i := range numbers {
		var size int
		if i == 1 {
			var n uint64
			n, size = binary.Uvarint(b)
			if size <= 0 || n > uint64(len(b)-size) {
				return s, errStanding
			}
			s.stage = string(b[size : size+int(n)])
			b = b[size+int(n):]
			continue
		}
		if numbers[i], size = binary.Varint(b); size <= 0 {
			return s, errStanding
		}
		b = b[size:]
	}
	s.told, s.at = int(numbers[0]), timeOf(numbers[2])
	switch late := numbers[3]; {
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

// Unscore takes signals that are gone out of a record's packed standing; nil when nothing is left of it.
func Unscore(by *signalbox.Scoring, packed []byte, gone []signalbox.Scored) ([]byte, error) {
	s, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	model := score.Compile(by)
	for _, g := range gone {
		model.Remove(&s.sums, g.Type, g.Points.Float(), g.At)
	}
	return s.pack(model), nil
}

// Explain says what a record's score is made of at a moment, of its signals and those of all that is merged into it: the most largest contributions and
// one rest; and where it stood then by them.
func (c *Compiled) Explain(kind signalbox.RecordKind, signals []signalbox.Scored, at time.Time, most int) (signalbox.Standing, signalbox.Explanation) {
	e := c.model.Explain(signals, at, most)
	shown := score.Shown(e.Points)
	return signalbox.Standing{Points: e.Points, Score: shown, Stage: c.model.Stage(kind, shown)}, e
}

func (c *Compiled) standingOf(kind signalbox.RecordKind, at time.Time, sums []*score.Sums) signalbox.Standing {
	all := sums[0]
	if len(sums) > 1 {
		joined := c.model.Join(sums...)
		all = &joined
	}
	points := c.model.At(all, at)
	shown := score.Shown(points)
	return signalbox.Standing{Points: points, Score: shown, Stage: c.model.Stage(kind, shown)}
}
