package crash_test

import (
	"math"
	"time"

	"signalbox"
	"signalbox/decide"
)

// storedScore is what is kept of a record's score, and what its signals add up to by the formula of contract section 6.
type storedScore struct {
	Record            int64
	Kept, FromSignals float64
}

// scores reads what is kept of each record's score, and adds its signals up again.
func (o *oracle) scores() ([]storedScore, error) {
	type key struct {
		record int64
		typ    string
	}
	sums := map[key]float64{}
	kept := map[int64]signalbox.EntityState{}
	then := time.Now().Add(time.Hour)
	const halfLife = 14 * 24 * time.Hour
	err := o.query(`
SELECT s.account_id, s.contact_id, t.name, s.points, s.occurred_at, s.created_at
  FROM signals s
  JOIN signal_types t
    ON t.workspace_id = s.workspace_id
   AND t.id = s.type_id`, func(r row) {
		at := time.UnixMicro(min(r.int(4), r.int(5)))
		left := float64(r.int(3)) / 1e6 * math.Exp2(-float64(then.Sub(at))/float64(halfLife))
		for column := range 2 {
			if record := r.int(column); record != 0 {
				sums[key{record, r.text(2)}] += left
			}
		}
	})
	if err != nil {
		return nil, err
	}
	err = o.query("SELECT entity_id, standing FROM entity_states WHERE standing IS NOT NULL", func(r row) {
		kept[r.int(0)] = signalbox.EntityState{Standing: append([]byte{}, r.bytes(1)...)}
	})
	if err != nil {
		return nil, err
	}
	points := map[int64]float64{}
	for k, sum := range sums {
		points[k.record] += max(-40, min(40, sum))
	}
	for record := range kept {
		points[record] += 0 // one that is kept of no signal is wrong too
	}
	by, err := decide.Compile(&signalbox.Definitions{})
	if err != nil {
		return nil, err
	}
	list := make([]storedScore, 0, len(points))
	for record, sum := range points {
		standing, err := by.Standing(signalbox.AccountRecord, then, kept[record])
		if err != nil {
			return nil, err
		}
		list = append(list, storedScore{record, standing.Points, sum})
	}
	return list, nil
}

// reconcileScores compares what is kept with what the signals add up to.
func reconcileScores(f *findings, st *snapshot) {
	for _, s := range st.scores {
		if math.Abs(s.Kept-s.FromSignals) > 1e-6 {
			f.add(wrongScore, "record %d has %v points, and its signals add up to %v", s.Record, s.Kept, s.FromSignals)
		}
	}
}
