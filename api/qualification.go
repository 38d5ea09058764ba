package api

import (
	"net/http"

	"signalbox"
	"signalbox/auth"
)

// fitView is what a record's qualification came to, in short.
type fitView struct {
	qualifiedView
	At stamp `json:"qualified_at"`
}

func fitOrNull(f signalbox.Fit, known bool) *fitView {
	if !known {
		return nil
	}
	short := f.Short()
	return &fitView{qualifiedOf(&short), stamp(f.At)}
}

// qualificationView is a record's qualification with what every profile said.
type qualificationView struct {
	qualifiedView
	At       *stamp        `json:"qualified_at" doc:"Null: it was never qualified."`
	ICPs     []verdictView `json:"icps" doc:"Each live ICP, the best first."`
	Personas []verdictView `json:"personas" doc:"Each live persona that belongs to the ICP that won, the best first."`
}

// verdictView is what one profile says of a record.
type verdictView struct {
	Code     string       `json:"code"`
	Version  int64        `json:"version" doc:"The profile's revision that was asked."`
	Fits     bool         `json:"fits"`
	Score    int          `json:"score" doc:"0 to 100; 0 when it does not fit."`
	Coverage float64      `json:"coverage" doc:"The share of what it weighs that was known, 0 to 1."`
	Reason   *string      `json:"reason" doc:"Why it does not fit: filter, exclude, not_enough_data or no_match."`
	Answers  []answerView `json:"answers"`
}

// answerView is what one parameter gave.
type answerView struct {
	Name    string  `json:"name"`
	Mode    string  `json:"mode" enum:"filter|score|exclude"`
	Weight  *int    `json:"weight" doc:"Null: it does not weigh."`
	Outcome string  `json:"outcome" enum:"hit|miss|missing|not_asked"`
	Gives   float64 `json:"gives" doc:"Its share of the score."`
}

func verdictViews(list []signalbox.ProfileVerdict) []verdictView {
	views := make([]verdictView, len(list))
	for i := range list {
		views[i] = verdictViewOf(&list[i])
	}
	return views
}

func verdictViewOf(v *signalbox.ProfileVerdict) verdictView {
	out := verdictView{Code: v.Code, Version: v.Version, Fits: v.Fits, Score: v.Score, Coverage: v.Coverage, Reason: textOrNull(v.Reason), Answers: make([]answerView, len(v.Says))}
	for i, a := range v.Says {
		out.Answers[i] = answerView{Name: a.Name, Mode: string(a.Mode), Outcome: a.Outcome, Gives: a.Gives}
		if a.Mode == signalbox.ModeScore {
			out.Answers[i].Weight = &a.Weight
		}
	}
	return out
}

// qualificationRoute is the door of a record's qualification.
func (r *resource[Row, View]) qualificationRoute(a *API) route {
	thing := r.kind.String()
	return route{
		method: http.MethodGet, pattern: r.path + "/{id}/qualification", id: "get" + r.title + "Qualification", tag: r.tag, need: auth.NeedRead,
		summary: "Read the qualification of " + article(thing),
		detail:  "What every live ICP and persona said of it, parameter by parameter, when that last changed.",
		status:  http.StatusOK, answers: asks(func(c *call) (qualificationView, error) { return r.qualification(a, c) }),
	}
}

func (r *resource[Row, View]) qualification(a *API, c *call) (qualificationView, error) {
	id, err := r.asked(c)
	if err != nil {
		return qualificationView{}, err
	}
	row, err := r.read(c.r.Context(), c.ws(), id)
	if err != nil {
		return qualificationView{}, err
	}
	top := any(&row).(signalbox.Record).Entity()
	found, err := a.cfg.Store.Qualifications(c.r.Context(), c.ws(), []signalbox.EntityID{top})
	if err != nil {
		return qualificationView{}, err
	}
	f, known := found[top]
	out := qualificationView{At: stampOrNull(f.At), ICPs: verdictViews(f.ICPs), Personas: verdictViews(f.Personas)}
	if known {
		short := f.Short()
		out.qualifiedView = qualifiedOf(&short)
	}
	return out, nil
}

// requalifyRoute is the door of judging a record anew.
func (r *resource[Row, View]) requalifyRoute(a *API) route {
	thing := r.kind.String()
	return route{
		method: http.MethodPost, pattern: r.path + "/{id}/requalify", id: "requalify" + r.title, tag: r.tag, need: auth.NeedWrite,
		summary: "Qualify " + article(thing) + " anew",
		detail:  "Asks every live ICP and persona again, with what its last signal says. `signal.qualified` tells of signals: nobody is told of this.",
		status:  http.StatusOK, bodyOptional: true, answers: asks(func(c *call) (qualificationView, error) { return r.requalify(a, c) }),
	}
}

func (r *resource[Row, View]) requalify(a *API, c *call) (qualificationView, error) {
	id, err := r.asked(c)
	if err != nil {
		return qualificationView{}, err
	}
	if _, err := r.read(c.r.Context(), c.ws(), id); err != nil {
		return qualificationView{}, err
	}
	if err := a.cfg.Acts.Refit(c.act(), c.ws(), id); err != nil {
		return qualificationView{}, err
	}
	return r.qualification(a, c)
}

func (a *API) requalifyAllRoute() route {
	return route{
		method: http.MethodPost, pattern: "/v1/requalify", id: "requalifyAll", tag: "Accounts", need: auth.NeedWrite,
		summary: "Qualify every record anew",
		detail:  "Begins a job that has every live ICP and persona asked of every account and contact again, as after a change of them. It goes on after a restart, and beside signals that arrive.",
		status:  http.StatusAccepted, bodyOptional: true, answers: asks(a.requalifyAll),
	}
}

func (a *API) requalifyAll(c *call) (jobView, error) {
	job, err := a.rescoring(c, signalbox.Rescoring{Fit: true})
	if err != nil {
		return jobView{}, err
	}
	if err := a.cfg.Store.ReplaceJob(c.act(), job, "qualification.recomputed"); err != nil {
		return jobView{}, err
	}
	a.cfg.Wake(c.now)
	return c.jobView(job), nil
}
