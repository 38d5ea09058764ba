package decide

import (
	"signalbox"
	"signalbox/audience"
	"signalbox/score"
)

// Scorer works on packed standings for jobs, by one version of a workspace's definitions. Safe for concurrent use.
type Scorer struct {
	model     *score.Model
	rules     *scoreRules
	audiences *audience.Model
}

// NewScorer makes the scorer of definitions.
func NewScorer(d *signalbox.Definitions) (*Scorer, error) {
	c, err := Compile(d)
	if err != nil {
		return nil, err
	}
	return &Scorer{model: c.model, rules: c.scoring, audiences: c.audiences}, nil
}

// Points says what a signal is worth, and which rules gave it points, as both are stored.
func (s *Scorer) Points(of *signalbox.Signal) (signalbox.Points, []byte) {
	return s.rules.points(s.model, of, signalFacts(of))
}

// Unscore takes signals that are gone out of what is kept of a record, and has it looked at. short says that signals which were left out may count now: those
// of the record must be noted again.
func (s *Scorer) Unscore(kept signalbox.Kept, gone []signalbox.Scored) (left signalbox.Kept, short bool, err error) {
	st, err := unpack(kept.Standing)
	if err != nil {
		return kept, false, err
	}
	w, err := unpackFollowing(kept.Following)
	if err != nil {
		return kept, false, err
	}
	for _, one := range gone {
		s.model.Remove(&st.sums, one.Type, one.Points.Float(), one.At)
		_, less := s.audiences.Forget(&w.audience, one.ID, one.OccurredAt)
		short = short || less
	}
	st.heed = max(st.heed, heedGone)
	return signalbox.Kept{Standing: st.pack(s.model), Following: w.pack()}, short, nil
}

// Note keeps of signals what audiences and qualifications ask of them. To note one again changes nothing.
func (s *Scorer) Note(packed []byte, signals []signalbox.Signal) ([]byte, error) {
	w, err := unpackFollowing(packed)
	if err != nil {
		return nil, err
	}
	for i := range signals {
		s.audiences.Note(&w.audience, signals[i].ID, signalFacts(&signals[i]), nil)
	}
	return w.pack(), nil
}

// Rescore takes what signals counted before out of a packed standing, and adds what they count now.
func (s *Scorer) Rescore(packed []byte, was, is []signalbox.Scored) ([]byte, error) {
	st, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	for _, one := range was {
		s.model.Remove(&st.sums, one.Type, one.Points.Float(), one.At)
	}
	s.add(&st.sums, is)
	return st.pack(s.model), nil
}

// Sum adds signals to packed sums; nil are those of no signals.
func (s *Scorer) Sum(packed []byte, signals []signalbox.Scored) ([]byte, error) {
	var sums score.Sums
	if packed != nil {
		var err error
		if sums, err = score.Decode(packed); err != nil {
			return nil, err
		}
	}
	s.add(&sums, signals)
	return s.model.Append(nil, &sums), nil
}

func (s *Scorer) add(sums *score.Sums, signals []signalbox.Scored) {
	for _, one := range signals {
		s.model.Add(sums, one.Type, one.Points.Float(), one.At)
	}
}

// Restand has a record do as a job's order says the next time that it is looked at: stand where it then does, told of, or as if that had been told; be
// qualified anew. sums take the place of those that are kept when the order adds up.
func (s *Scorer) Restand(kept signalbox.Kept, sums []byte, order signalbox.Rescoring) (signalbox.Kept, error) {
	st, err := unpack(kept.Standing)
	if err != nil {
		return kept, err
	}
	if order.Sums {
		st.sums = score.Sums{}
		if sums != nil {
			if st.sums, err = score.Decode(sums); err != nil {
				return kept, err
			}
		}
	}
	if order.Stand {
		if st.heed = max(st.heed, heedHush); order.Tell {
			st.heed = heedTell
		}
	}
	kept.Standing = st.pack(s.model)
	if !order.Fit {
		return kept, nil
	}
	w, err := unpackFollowing(kept.Following)
	if err != nil {
		return kept, err
	}
	w.again = true
	kept.Following = w.pack()
	return kept, nil
}
