package api

import (
	"cmp"
	"maps"
	"slices"

	"signalbox"
)

// How much a preview reads and shows.
const (
	maxPreviewed = 100_000 // signals
	shownMoves   = 20      // records of a kind
)

// previewView says what another scoring would change.
type previewView struct {
	Signals  int       `json:"signals" doc:"How many signals were looked at."`
	Complete bool      `json:"complete" doc:"False: there are more, and older ones were left out."`
	Records  int       `json:"records" doc:"Of how many accounts and contacts they are."`
	Accounts movesView `json:"accounts"`
	Contacts movesView `json:"contacts"`
}

// movesView says who moves, of one kind of record.
type movesView struct {
	Up       int            `json:"up" doc:"How many would have a higher score."`
	Down     int            `json:"down"`
	Stages   []crossingView `json:"stages" doc:"How many would be in another stage."`
	Examples []moveView     `json:"examples" doc:"The 20 that move the most."`
}

type crossingView struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Count int    `json:"count"`
}

// moveView is a record that would stand elsewhere.
type moveView struct {
	ID     string       `json:"id"`
	Name   *string      `json:"name" doc:"The account's name or domain, or the contact's name or e-mail."`
	Before standingView `json:"before"`
	After  standingView `json:"after"`
}

type standingView struct {
	Score  int     `json:"score"`
	Stage  string  `json:"stage"`
	Points float64 `json:"points"`
}

func (a *API) previewScoring(c *call, in *scoringForm) (previewView, error) {
	to, err := in.scoring()
	if err != nil {
		return previewView{}, err
	}
	place := signalbox.Place{}
	names := map[signalbox.EntityID]string{}
	seen, ended := 0, false
	p, err := a.cfg.Scores.Preview(c.r.Context(), c.ws(), &to, c.now, func() ([]signalbox.SignalView, error) {
		for !ended && seen < maxPreviewed {
			list, next, err := a.cfg.Store.Signals(c.r.Context(), c.ws(), signalbox.SignalFilter{}, place.Page(signalbox.MaxPage))
			if err != nil {
				return nil, err
			}
			for i := range list {
				noteNames(names, &list[i])
			}
			seen, place, ended = seen+len(list), next, next.Before == 0
			if len(list) > 0 {
				return list, nil
			}
		}
		return nil, nil
	})
	if err != nil {
		return previewView{}, err
	}
	return previewView{
		Signals: p.Signals, Complete: ended, Records: p.Records,
		Accounts: c.movesView(signalbox.AccountRecord, p.Moves, names), Contacts: c.movesView(signalbox.ContactRecord, p.Moves, names),
	}, nil
}

// noteNames remembers what records are called.
func noteNames(names map[signalbox.EntityID]string, s *signalbox.SignalView) {
	if a := s.AccountRow; a != nil {
		names[signalbox.EntityID(a.ID)] = cmp.Or(a.Name, a.Domain)
	}
	if p := s.ContactRow; p != nil {
		names[signalbox.EntityID(p.ID)] = cmp.Or(p.FullName(), p.Email)
	}
}

// movesView sums up the moves of one kind of record.
func (c *call) movesView(kind signalbox.RecordKind, moves []signalbox.ScoreMove, names map[signalbox.EntityID]string) movesView {
	v := movesView{Stages: []crossingView{}, Examples: []moveView{}}
	crossings := map[crossingView]int{}
	for _, m := range moves {
		if m.Kind != kind {
			continue
		}
		if m.After.Score > m.Before.Score {
			v.Up++
		} else if m.After.Score < m.Before.Score {
			v.Down++
		}
		if m.After.Stage != m.Before.Stage {
			crossings[crossingView{From: m.Before.Stage, To: m.After.Stage}]++
		}
		if len(v.Examples) < shownMoves {
			v.Examples = append(v.Examples, moveView{
				ID: c.idText(kind.ID(), int64(m.Entity)), Name: textOrNull(names[m.Entity]), Before: shownStanding(m.Before), After: shownStanding(m.After),
			})
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(crossings), func(a, b crossingView) int {
		return cmp.Or(cmp.Compare(crossings[b], crossings[a]), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	}) {
		v.Stages = append(v.Stages, crossingView{at.From, at.To, crossings[at]})
	}
	return v
}

func shownStanding(s signalbox.Standing) standingView {
	return standingView{Score: s.Score, Stage: s.Stage, Points: s.Points}
}
