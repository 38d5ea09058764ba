package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"signalbox"
	"signalbox/auth"
	"signalbox/expr"
	"signalbox/score"
	"signalbox/strictjson"
)

// scoringRoutes are the doors of how signals are scored.
func (a *API) scoringRoutes() []route {
	const tag = "Scoring"
	examples := []example{
		{name: "points", summary: "Points of two types, and a rule",
			body: `{"half_life":"14d","default_points":5,"types":{"page_visit":{"points":2,"half_life":"7d"},"demo_requested":{"points":30,"cap":60}},"rules":[{"name":"Enterprise","type":"*","when":"properties.team_size >= 100","points":10}]}`},
		{name: "stages", summary: "Stages of one's own",
			body: `{"stages":{"account":[{"name":"Cold","min":0},{"name":"Working","min":30},{"name":"Hot","min":80}],"contact":[{"name":"Cold","min":0},{"name":"Hot","min":50}]},"boost":0.5}`},
	}
	return []route{
		{
			method: http.MethodGet, pattern: "/v1/scoring", id: "getScoring", tag: tag, need: auth.NeedRead,
			summary: "Read how signals are scored",
			detail:  "What a workspace never set is shown as it is shipped.",
			status:  http.StatusOK, answers: asks(a.getScoring),
		},
		{
			method: http.MethodPost, pattern: "/v1/scoring/preview", id: "previewScoring", tag: tag, need: auth.NeedRead,
			summary: "See what a scoring would change",
			detail: "Scores every record twice, as it is scored now and as it would be with the body in force and its points given to the signals that are stored, and says who moves and who crosses " +
				"into which stage. Nothing changes. At most the 100,000 signals that came last are read: `complete` says whether these were all.",
			status: http.StatusOK, examples: examples, answers: takes(a.previewScoring),
		},
		{
			method: http.MethodPut, pattern: "/v1/scoring", id: "putScoring", tag: tag, need: auth.NeedWrite,
			summary: "Set how signals are scored",
			detail: "The body takes the place of all that was set: what it leaves out is as shipped. It is in force for every signal that is sent after the answer. Points and rules are for " +
				"new signals: `POST /v1/scoring/recompute` gives them to those that are stored. Half-lives, caps, boost and stages are in force for all; a job works out where records stand by them, " +
				"and tells of who moves only with `emit_events`.",
			status: http.StatusOK, also: []signalbox.Code{signalbox.Conflict}, examples: examples, answers: takes(a.putScoring),
		},
		{
			method: http.MethodPost, pattern: "/v1/scoring/recompute", id: "recomputeScores", tag: tag, need: auth.NeedWrite,
			summary: "Work scores out anew",
			detail: "Begins a job that gives every stored signal the points of the scoring in force and adds all of them up again, while signals keep arriving. It goes on after a restart and " +
				"takes the place of one that goes on. Events of who moves are sent only with `emit_events`.",
			status: http.StatusAccepted, bodyOptional: true,
			examples: []example{{name: "quiet", summary: "Nobody is told", body: `{"emit_events":false}`}},
			answers:  takes(a.recomputeScores),
		},
	}
}

// scoringForm is the body of PUT /v1/scoring.
type scoringForm struct {
	HalfLife      *string                    `json:"half_life" doc:"In so long points become half as many: a whole number with s, m, h or d, or never. 14d unless given."`
	DefaultPoints *float64                   `json:"default_points" doc:"Of a type that is not named: 5 unless given."`
	DefaultCap    *float64                   `json:"default_cap" doc:"The most that all signals of one type count together, of a type without a cap of its own: 40 unless given."`
	Boost         *float64                   `json:"boost" min:"0" max:"10" doc:"By how much many signals of a type count more than their sum: it grows by the factor 1 + boost × (1 − 1/n). 0 unless given."`
	Types         map[string]typeScoringForm `json:"types" doc:"By the name of a type. Those that are shipped keep their points unless they are named."`
	Rules         []scoreRuleForm            `json:"rules" maxitems:"200"`
	Stages        *stagesForm                `json:"stages"`
	EmitEvents    *bool                      `json:"emit_events" doc:"True: score_changed and stage_changed are sent of who moves by a change of half-lives, caps, boost or stages."`
	Revision      *int64                     `json:"revision" doc:"The revision that the change was made from: 409 when it is another one by now. Absent: whatever it is."`
}

type typeScoringForm struct {
	Points   *float64 `json:"points" doc:"May be negative."`
	HalfLife *string  `json:"half_life" doc:"Its own; the workspace's unless given."`
	Cap      *float64 `json:"cap" doc:"Its own; the workspace's unless given."`
}

type scoreRuleForm struct {
	Name   *string        `json:"name" maxlen:"200" doc:"What it is called where a score is explained; its condition unless given."`
	Type   *string        `json:"type" maxlen:"200" doc:"Which signals it is for: \"*\", a type, or the beginning of types and \"*\". All unless given."`
	When   strictjson.Raw `json:"when" doc:"When it gives its points: an expression that reads the signal alone, or its structured form. Always unless given."`
	Points *float64       `json:"points" required:"true" doc:"Added to the points of the type; may be negative."`
}

type stagesForm struct {
	Account []stageView `json:"account" doc:"Ascending, the first from 0. As shipped unless given."`
	Contact []stageView `json:"contact" doc:"As of accounts."`
}

// stageView is a name for scores from a number on.
type stageView struct {
	Name string `json:"name" maxlen:"200"`
	Min  int    `json:"min" min:"0"`
}

// scoringView is how a workspace scores.
type scoringView struct {
	HalfLife      string                     `json:"half_life"`
	DefaultPoints float64                    `json:"default_points"`
	DefaultCap    float64                    `json:"default_cap"`
	Boost         float64                    `json:"boost"`
	Types         map[string]typeScoringView `json:"types" doc:"Those that were set, and those that are shipped with points."`
	Rules         []scoreRuleView            `json:"rules"`
	Stages        stagesView                 `json:"stages"`
	Revision      int64                      `json:"revision" doc:"0: it was never set."`
	JobID         *string                    `json:"job_id" doc:"The job that works out where records stand, when the change made one or one goes on."`
}

type typeScoringView struct {
	Points   float64  `json:"points"`
	HalfLife *string  `json:"half_life" doc:"Null: the workspace's."`
	Cap      *float64 `json:"cap" doc:"Null: the workspace's."`
	Shipped  *float64 `json:"shipped" doc:"What it is worth as shipped, where it is shipped with points of its own."`
}

type scoreRuleView struct {
	Name   string  `json:"name"`
	Type   string  `json:"type"`
	When   *string `json:"when" doc:"Null: always."`
	Points float64 `json:"points"`
}

type stagesView struct {
	Account []stageView `json:"account"`
	Contact []stageView `json:"contact"`
}

// scoring reads the form.
func (in *scoringForm) scoring() (s signalbox.Scoring, err error) {
	s = signalbox.Scoring{Points: in.DefaultPoints, Cap: in.DefaultCap}
	set(&s.Boost, in.Boost)
	if s.HalfLife, err = halfLife("half_life", in.HalfLife); err != nil {
		return s, err
	}
	if len(in.Types) > 0 {
		s.Types = make(map[string]signalbox.TypeScoring, len(in.Types))
	}
	for name, t := range in.Types {
		one := signalbox.TypeScoring{Points: t.Points, Cap: t.Cap}
		if one.HalfLife, err = halfLife("types."+name+".half_life", t.HalfLife); err != nil {
			return s, err
		}
		s.Types[name] = one
	}
	if len(in.Rules) <= score.MaxRules { // more are refused by score.Check, before any is compiled
		if s.Rules, err = scoreRules(in.Rules); err != nil {
			return s, err
		}
	} else {
		s.Rules = make([]signalbox.ScoreRule, len(in.Rules))
	}
	if st := in.Stages; st != nil {
		s.AccountStages, s.ContactStages = stagesOf(st.Account), stagesOf(st.Contact)
	}
	return s, score.Check(&s)
}

func halfLife(param string, given *string) (*signalbox.HalfLife, error) {
	if given == nil || *given == "" {
		return nil, nil
	}
	h, err := signalbox.ParseHalfLife(*given)
	if err != nil {
		return nil, signalbox.InvalidField(param, "%s: %s", param, err.Error())
	}
	return &h, nil
}

func scoreRules(list []scoreRuleForm) ([]signalbox.ScoreRule, error) {
	var rules []signalbox.ScoreRule
	for i, r := range list {
		at := fmt.Sprintf("rules[%d].", i)
		if r.Points == nil {
			return nil, signalbox.InvalidField(at+"points", "%spoints is required: what the rule adds to the points of the type", at)
		}
		when, err := condition(at+"when", r.When, expr.ForSignal)
		if err != nil {
			return nil, err
		}
		rule := signalbox.ScoreRule{Name: value(r.Name), Type: value(r.Type), When: when, Points: *r.Points}
		if rule.Type == "" {
			rule.Type = "*"
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func stagesOf(list []stageView) (stages []signalbox.Stage) {
	for _, s := range list {
		stages = append(stages, signalbox.Stage{Name: s.Name, From: s.Min})
	}
	return stages
}

func (a *API) getScoring(c *call) (scoringView, error) {
	d, err := a.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return scoringView{}, err
	}
	job, err := a.cfg.Store.OpenJob(c.r.Context(), c.ws(), signalbox.JobRescore)
	if err != nil {
		return scoringView{}, err
	}
	return c.scoringView(d, job.ID), nil
}

func (c *call) scoringView(d *signalbox.Definitions, job signalbox.JobID) scoringView {
	s := &d.Scoring
	v := scoringView{
		HalfLife: score.DefaultHalfLife.String(), DefaultPoints: score.DefaultPoints, DefaultCap: score.DefaultCap, Boost: s.Boost,
		Types: map[string]typeScoringView{}, Rules: make([]scoreRuleView, len(s.Rules)),
		Stages: stagesView{Account: stageViews(s.AccountStages), Contact: stageViews(s.ContactStages)},
		JobID:  c.idOrNull(signalbox.KindJob, int64(job)),
	}
	set(&v.DefaultPoints, s.Points)
	set(&v.DefaultCap, s.Cap)
	if s.HalfLife != nil {
		v.HalfLife = s.HalfLife.String()
	}
	for name, points := range score.Shipped() {
		v.Types[name] = typeScoringView{Points: points, Shipped: &points}
	}
	for name, t := range s.Types {
		one, shipped := v.Types[name]
		if !shipped {
			one.Points = v.DefaultPoints
		}
		set(&one.Points, t.Points)
		if one.Cap = t.Cap; t.HalfLife != nil {
			one.HalfLife = textOrNull(t.HalfLife.String())
		}
		v.Types[name] = one
	}
	for i, r := range s.Rules {
		v.Rules[i] = scoreRuleView{Name: r.Title(), Type: r.Type, When: textOrNull(r.When), Points: r.Points}
	}
	if own := d.Find(signalbox.DefinedScoring, int64(c.ws())); own != nil {
		v.Revision = own.Revision
	}
	return v
}

func stageViews(stages []signalbox.Stage) []stageView {
	if len(stages) == 0 {
		stages = signalbox.ShippedStages()
	}
	list := make([]stageView, len(stages))
	for i, s := range stages {
		list[i] = stageView{s.Name, s.From}
	}
	return list
}

func (a *API) putScoring(c *call, in *scoringForm) (scoringView, error) {
	s, err := in.scoring()
	if err != nil {
		return scoringView{}, err
	}
	var after signalbox.Definitions
	err = a.cfg.Store.Define(c.act(), c.ws(), c.now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
		now := signalbox.Definition{ID: int64(c.ws()), Workspace: c.ws(), Kind: signalbox.DefinedScoring}
		if old := d.Find(now.Kind, now.ID); old != nil {
			now.Revision = old.Revision
		}
		if in.Revision != nil && *in.Revision != now.Revision {
			return nil, signalbox.Errorf(signalbox.Conflict, "the scoring is at revision %d, not %d: somebody changed it meanwhile; read it again", now.Revision, *in.Revision)
		}
		stands, sums := score.Moves(&d.Scoring, &s)
		if s.Era = d.Scoring.Era; stands {
			s.Era++
		}
		var err error
		if now.Body, err = json.Marshal(s); err != nil {
			return nil, err
		}
		to := &signalbox.Redefinition{Put: &now, Act: "scoring.updated", Was: scoringFacts(&d.Scoring), Is: scoringFacts(&s)}
		if stands {
			tell := in.EmitEvents != nil && *in.EmitEvents
			if to.Job, err = a.rescoring(c, signalbox.Rescoring{Stand: true, Sums: sums, Tell: tell}); err != nil {
				return nil, err
			}
		}
		after = signalbox.Definitions{Scoring: s, Defined: []signalbox.Definition{now}}
		after.Defined[0].Revision++
		return to, nil
	})
	if err != nil {
		return scoringView{}, err
	}
	a.cfg.Wake(c.now)
	job, err := a.cfg.Store.OpenJob(c.r.Context(), c.ws(), signalbox.JobRescore)
	return c.scoringView(&after, job.ID), err
}

// rescoring makes the job that works scores out anew.
func (a *API) rescoring(c *call, order signalbox.Rescoring) (*signalbox.Job, error) {
	params, err := json.Marshal(order)
	return &signalbox.Job{
		ID: signalbox.JobID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), Kind: signalbox.JobRescore, Status: signalbox.JobQueued, Params: string(params),
		CreatedAt: c.now, UpdatedAt: c.now,
	}, err
}

// scoringFacts are what the audit log says of a scoring.
func scoringFacts(s *signalbox.Scoring) signalbox.Facts {
	var f signalbox.Facts
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return signalbox.Facts{}
	}
	maps.DeleteFunc(f, func(name string, _ any) bool { return name == "era" })
	return f
}

// recompute is the body of POST /v1/scoring/recompute.
type recompute struct {
	EmitEvents *bool `json:"emit_events" doc:"True: score_changed and stage_changed are sent of who moves."`
}

func (a *API) recomputeScores(c *call, in *recompute) (jobView, error) {
	job, err := a.rescoring(c, signalbox.Rescoring{Points: true, Sums: true, Stand: true, Tell: in.EmitEvents != nil && *in.EmitEvents})
	if err != nil {
		return jobView{}, err
	}
	if err := a.cfg.Store.ReplaceJob(c.act(), job, "scoring.recomputed"); err != nil {
		return jobView{}, err
	}
	a.cfg.Wake(c.now)
	return c.jobView(job), nil
}
