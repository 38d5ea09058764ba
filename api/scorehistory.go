package api

import (
	"cmp"
	"math"
	"slices"
	"time"

	"signalbox"
)

// What a history of a score shows.
const (
	maxMoments   = 500
	usualMoments = 120
	usualDays    = 90 // before the last moment
	maxYears     = 5  // from the first moment to the last
	aheadYears   = 1
	shownMarks   = 50 // signals
)

// scoreHistoryView is how a score stood over time.
type scoreHistoryView struct {
	From     stamp              `json:"from"`
	To       stamp              `json:"to"`
	HalfLife string             `json:"half_life" doc:"Of the types of signals that have none of their own."`
	Stages   []stageView        `json:"stages" doc:"Ascending, the first from 0."`
	Points   []historyPointView `json:"points" doc:"Evenly spaced, the first at from and the last at to."`
	Signals  []historyMarkView  `json:"signals" doc:"The signals that came in this time: when there are more than 50, those that were worth most. The earliest first."`
}

type historyPointView struct {
	At     stamp   `json:"at"`
	Score  int     `json:"score"`
	Points float64 `json:"points" doc:"The score before it is rounded."`
	Stage  *string `json:"stage"`
}

type historyMarkView struct {
	SignalID string  `json:"signal_id"`
	Type     string  `json:"type"`
	Points   float64 `json:"points" doc:"What it was worth when it came."`
	At       stamp   `json:"at" doc:"From when on it counts: when it occurred, or was received if that was earlier."`
}

// history answers how a record's score stood over time.
func (r *resource[Row, View]) history(a *API, c *call) (scoreHistoryView, error) {
	id, err := r.asked(c)
	if err != nil {
		return scoreHistoryView{}, err
	}
	if _, err := r.read(c.r.Context(), c.ws(), id); err != nil {
		return scoreHistoryView{}, err
	}
	at, err := c.moments()
	if err != nil {
		return scoreHistoryView{}, err
	}
	signals, err := a.cfg.Store.Scored(c.r.Context(), c.ws(), r.kind, id, maxExplained+1)
	if err != nil {
		return scoreHistoryView{}, err
	}
	if len(signals) > maxExplained {
		return scoreHistoryView{}, signalbox.Errorf(signalbox.Conflict, "it has more than %d signals: how its score stood over time cannot be worked out", maxExplained)
	}
	h, err := a.cfg.Scores.History(c.r.Context(), c.ws(), r.kind, signals, at)
	if err != nil {
		return scoreHistoryView{}, err
	}
	return c.scoreHistoryView(at, &h, marks(signals, at[0], at[len(at)-1])), nil
}

// moments reads the moments that a history is asked at: whole milliseconds, as they are answered, so that an explanation of one is of the same moment.
func (c *call) moments() ([]time.Time, error) {
	from, err := c.moment("from")
	if err != nil {
		return nil, err
	}
	to, err := c.moment("to")
	if err != nil {
		return nil, err
	}
	n, err := c.whole("points", 2, maxMoments, usualMoments)
	if err != nil {
		return nil, err
	}
	if to.IsZero() {
		to = c.now.Add(time.Millisecond - 1) // not before a signal of this millisecond
	}
	to = to.Truncate(time.Millisecond)
	if from.IsZero() {
		from = to.AddDate(0, 0, -usualDays)
	}
	from = from.Truncate(time.Millisecond)
	switch {
	case to.After(c.now.AddDate(aheadYears, 0, 0)):
		return nil, signalbox.InvalidField("to", "to must be at most a year ahead")
	case !from.Before(to):
		return nil, signalbox.InvalidField("from", "from must be before to, which is now unless given")
	case from.AddDate(maxYears, 0, 0).Before(to):
		return nil, signalbox.InvalidField("from", "from must be at most five years before to")
	case from.Unix() < 0:
		return nil, signalbox.InvalidField("from", "from must not be before 1970")
	}
	at := make([]time.Time, n)
	for i := range at {
		share := float64(i) / float64(n-1)
		at[i] = from.Add(time.Duration(share * float64(to.Sub(from)))).Truncate(time.Millisecond)
	}
	at[n-1] = to
	return slices.CompactFunc(at, time.Time.Equal), nil // of a few milliseconds there are not so many
}

// marks are the signals that came in a time, the most important ones, the earliest first.
func marks(signals []signalbox.Scored, from, to time.Time) []signalbox.Scored {
	var list []signalbox.Scored
	for _, g := range signals {
		if !g.At.Before(from) && !g.At.After(to) {
			list = append(list, g)
		}
	}
	slices.SortFunc(list, func(a, b signalbox.Scored) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Points.Float()), math.Abs(a.Points.Float())), b.At.Compare(a.At), cmp.Compare(b.ID, a.ID))
	})
	list = list[:min(len(list), shownMarks)]
	slices.SortFunc(list, func(a, b signalbox.Scored) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return list
}

func (c *call) scoreHistoryView(at []time.Time, h *signalbox.ScoreHistory, marks []signalbox.Scored) scoreHistoryView {
	v := scoreHistoryView{
		From: stamp(at[0]), To: stamp(at[len(at)-1]), HalfLife: h.HalfLife.String(),
		Stages: stageViews(h.Stages), Points: make([]historyPointView, len(at)), Signals: make([]historyMarkView, len(marks)),
	}
	for i, s := range h.Standings {
		v.Points[i] = historyPointView{At: stamp(at[i]), Score: s.Score, Points: s.Points, Stage: textOrNull(s.Stage)}
	}
	for i, g := range marks {
		v.Signals[i] = historyMarkView{SignalID: c.idText(signalbox.KindSignal, int64(g.ID)), Type: g.Type, Points: g.Points.Float(), At: stamp(g.At)}
	}
	return v
}
