package api

import (
	"time"

	"signalbox"
)

// How much an explanation reads and shows.
const (
	maxExplained = 200_000 // signals
	shownParts   = 1_000   // contributions
)

// scoreView is what a score is made of.
type scoreView struct {
	Score         int                `json:"score"`
	Stage         *string            `json:"stage"`
	Points        float64            `json:"points" doc:"The score before it is rounded."`
	At            stamp              `json:"at"`
	Contributions []contributionView `json:"contributions"`
	Rest          restView           `json:"rest" doc:"What is not listed: smaller contributions, and signals that are erased or past retention but still count."`
}

type contributionView struct {
	SignalID      string  `json:"signal_id"`
	Type          string  `json:"type"`
	Points        float64 `json:"points" doc:"What it was worth when it came."`
	OccurredAt    stamp   `json:"occurred_at" doc:"From when on it counts: when it occurred, or was received if that was earlier."`
	DecayedPoints float64 `json:"decayed_points" doc:"What is left of it at the time, after the cap of its type."`
}

type restView struct {
	Signals int     `json:"signals"`
	Points  float64 `json:"points"`
}

// score answers what a record's score is made of at a time.
func (r *resource[Row, View]) score(a *API, c *call) (scoreView, error) {
	id, err := r.asked(c)
	if err != nil {
		return scoreView{}, err
	}
	row, err := r.read(c.r.Context(), c.ws(), id)
	if err != nil {
		return scoreView{}, err
	}
	at, err := c.moment("at")
	if err != nil {
		return scoreView{}, err
	}
	past := !at.IsZero() && at.Before(c.now)
	if at.IsZero() {
		at = c.now
	}
	signals, err := a.cfg.Store.Scored(c.r.Context(), c.ws(), r.kind, id, maxExplained+1)
	if err != nil {
		return scoreView{}, err
	}
	if len(signals) > maxExplained {
		if past {
			return scoreView{}, signalbox.Errorf(signalbox.Conflict, "it has more than %d signals: only its score of now can be explained", maxExplained)
		}
		signals = signals[:maxExplained]
	}
	standing, e, err := a.cfg.Scores.Explain(c.r.Context(), c.ws(), r.kind, signals, at, shownParts)
	if err != nil {
		return scoreView{}, err
	}
	if !past {
		if standing, err = a.standsAt(c, any(&row).(signalbox.Record), at); err != nil {
			return scoreView{}, err
		}
		e.RestPoints += standing.Points - e.Points
	}
	return c.scoreView(standing, at, &e), nil
}

// standsAt is where a record stands at a time that is not past.
func (a *API) standsAt(c *call, r signalbox.Record, at time.Time) (signalbox.Standing, error) {
	states, err := a.cfg.Store.States(c.r.Context(), c.ws(), everyID(r))
	if err != nil {
		return signalbox.Standing{}, err
	}
	list, err := a.standings(c, []signalbox.Record{r}, states, at)
	return list[r.Entity()], err
}

func (c *call) scoreView(s signalbox.Standing, at time.Time, e *signalbox.Explanation) scoreView {
	v := scoreView{
		Score: s.Score, Stage: textOrNull(s.Stage), Points: s.Points, At: stamp(at), Contributions: make([]contributionView, len(e.Contributions)),
		Rest: restView{Signals: e.Rest, Points: e.RestPoints},
	}
	for i, one := range e.Contributions {
		v.Contributions[i] = contributionView{
			SignalID: c.idText(signalbox.KindSignal, int64(one.ID)), Type: one.Type, Points: one.Points.Float(), OccurredAt: stamp(one.At), DecayedPoints: one.Left,
		}
	}
	return v
}
