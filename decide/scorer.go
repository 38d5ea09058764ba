package decide

import (
	"signalbox"
	"signalbox/score"
)

// Scorer works on packed standings for jobs, by one version of a workspace's definitions. Safe for concurrent use.
type Scorer struct {
	model *score.Model
	rules *scoreRules
}

// NewScorer makes the scorer of definitions.
func NewScorer(d *signalbox.Definitions) (*Scorer, error) {
	rules, err := compileRules(d.Scoring.Rules)
	if err != nil {
		return nil, err
	}
	return &Scorer{model: score.Compile(&d.Scoring), rules: rules}, nil
}

// Points says what a signal is worth, and which rules gave it points, as both are stored.
func (s *Scorer) Points(of *signalbox.Signal) (signalbox.Points, []byte) {
	return s.rules.points(s.model, of)
}

// Unscore takes signals that are gone out of a packed standing; nil when nothing is left of it.
func (s *Scorer) Unscore(packed []byte, gone []signalbox.Scored) ([]byte, error) {
	return s.Rescore(packed, gone, nil)
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

// Restand puts sums in the place of those of a packed standing when anew says so, and has the next look at the record take where it then stands for told,
// or tell of it. nil: nothing is known of the record.
func (s *Scorer) Restand(packed, sums []byte, anew, tell bool) ([]byte, error) {
	st, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	if anew {
		st.sums = score.Sums{}
		if sums != nil {
			if st.sums, err = score.Decode(sums); err != nil {
				return nil, err
			}
		}
	}
	if st.heed = heedHush; tell {
		st.heed = heedTell
	}
	return st.pack(s.model), nil
}
