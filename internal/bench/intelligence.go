package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"signalbox"
	"signalbox/internal/boxtest/intelligence"
)

// intelligenceConnections is enough to fill turns.
const intelligenceConnections = 64

// IntelligenceResult is the same closed loop on a server where nothing is defined, and on one with 20 score rules, 5 ICPs of 10 parameters, 10 personas and
// 50 audiences of which every signal touches 10, and with three events of each signal recorded in place of one; in turn. Then captures in open loop on the
// second one, answered with their qualification.
type IntelligenceResult struct {
	Connections   int      `json:"connections"`
	Plain         Sample   `json:"plain"`
	Defined       Sample   `json:"defined"`
	CPURatio      float64  `json:"cpu_ratio"` // the median of the rounds' own
	Rate          int      `json:"captures_per_second"`
	Captures      Sample   `json:"captures"`
	PlainRounds   []Sample `json:"plain_rounds"`
	DefinedRounds []Sample `json:"defined_rounds"`
	CaptureRounds []Sample `json:"capture_rounds"`
}

// intelligence measures what judging signals costs.
func (b *bench) intelligence(ctx context.Context) error {
	plain, err := b.judgingRig(ctx, false)
	if err != nil {
		return err
	}
	defined, err := b.judgingRig(ctx, true)
	if err == nil {
		err = defined.profile(Intelligence, func() error { return b.compareJudging(ctx, plain, defined) })
		err = errors.Join(err, defined.close())
	}
	return errors.Join(err, plain.close())
}

// judgingRig is a server about whose accounts and contacts is known what profiles ask.
func (b *bench) judgingRig(ctx context.Context, defined bool) (_ *rig, err error) {
	r := &rig{b: b, hold: true, known: true, events: []string{"signal.created"}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if err := r.open(ctx, receiverConfig{}); err != nil {
		return nil, err
	}
	if defined {
		r.events = append(r.events, "signal.scored", "signal.qualified")
		if err := r.define(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.populate(ctx); err != nil {
		return nil, err
	}
	return r, r.subscribe(ctx)
}

// define defines the whole of package intelligence through the API, on what the signals of a bench say.
func (r *rig) define(ctx context.Context) error {
	says := func(expression string) string { return strings.ReplaceAll(expression, "team_size", "seats") }
	type object map[string]any
	post := func(method, path string, body object) error { return r.call(ctx, method, path, body, nil) }
	rules := []object{}
	for _, rule := range intelligence.Rules() {
		rules = append(rules, object{"name": rule.Name, "type": rule.Type, "points": rule.Points, "when": says(rule.When)})
	}
	captures := object{"limits": object{"captures": object{"per_minute": 1_000_000, "per_day": 1_000_000_000}}}
	if err := errors.Join(post(http.MethodPatch, "/v1/workspace", captures), post(http.MethodPut, "/v1/scoring", object{"rules": rules})); err != nil {
		return err
	}
	icps, personas := intelligence.Profiles()
	for path, list := range map[string][]signalbox.Profile{"/v1/icps": icps, "/v1/personas": personas} {
		for _, p := range list {
			asked := []object{}
			for _, q := range p.Parameters {
				one := object{"name": q.Name, "expression": says(q.When), "mode": q.Mode, "on_missing": q.OnMissing}
				if q.Weight > 0 {
					one["weight"] = q.Weight
				}
				asked = append(asked, one)
			}
			if err := post(http.MethodPost, path, object{"code": p.Code, "status": "live", "parameters": asked}); err != nil {
				return err
			}
		}
	}
	for _, a := range intelligence.Audiences() {
		if err := post(http.MethodPost, "/v1/audiences", object{"name": a.Name, "entity": a.Of.String(), "condition": says(a.Condition)}); err != nil {
			return err
		}
	}
	return r.untilFilled(ctx)
}

// untilFilled waits until every audience is ready.
func (r *rig) untilFilled(ctx context.Context) error {
	for begin := time.Now(); ; {
		var list struct{ Data []struct{ Status string } }
		if err := r.call(ctx, http.MethodGet, "/v1/audiences?limit=200", nil, &list); err != nil {
			return err
		}
		building := slices.ContainsFunc(list.Data, func(a struct{ Status string }) bool { return a.Status != "ready" })
		if !building {
			return nil
		}
		if time.Since(begin) > readyWithin {
			return fmt.Errorf("audiences are not filled after %s", readyWithin)
		}
		if err := pause(ctx, watchEvery); err != nil {
			return err
		}
	}
}

func (b *bench) compareJudging(ctx context.Context, plain, defined *rig) error {
	out := &IntelligenceResult{Connections: intelligenceConnections, Rate: b.Rate}
	var ratios []float64
	for round := range b.Rounds {
		for _, one := range []struct {
			what   string
			on     *rig
			rounds *[]Sample
		}{{"nothing defined", plain, &out.PlainRounds}, {"all defined", defined, &out.DefinedRounds}} {
			b.say("intelligence: %s, round %d of %d", one.what, round+1, b.Rounds)
			s, err := b.measure(ctx, one.on.load(intelligenceConnections, b.Duration), one.on.usage)
			if err != nil {
				return fmt.Errorf("%s: %w", one.what, err)
			}
			*one.rounds = append(*one.rounds, s)
		}
		ratios = append(ratios, ratio(out.DefinedRounds[round].CPUMicros, out.PlainRounds[round].CPUMicros))
	}
	for round := range b.Rounds {
		b.say("intelligence: %d captures a second, round %d of %d", b.Rate, round+1, b.Rounds)
		l := defined.load(sustainedConnections, b.Duration)
		l.path, l.rate, l.captures = capturePath, b.Rate, true
		s, err := b.measure(ctx, l, defined.usage)
		if err != nil {
			return fmt.Errorf("captures: %w", err)
		}
		out.CaptureRounds = append(out.CaptureRounds, s)
	}
	out.Plain, out.Defined, out.Captures, out.CPURatio = median(out.PlainRounds), median(out.DefinedRounds), median(out.CaptureRounds), medianOf(ratios)
	b.report.Intelligence = out
	return nil
}

func (p *page) intelligence(i *IntelligenceResult) {
	p.line("\nSignals judged: 20 score rules, 5 ICPs, 10 personas, 50 audiences (10 touched), 3 events of each (sending held)")
	p.line("  %-18s %11s %9s %9s %11s", "", "signals/s", "p50 ms", "p99 ms", "CPU µs")
	row := func(name string, s Sample) {
		p.line("  %-18s %11s %9s %9s %11s", name, thousands(s.PerSecond), short(s.Latency.P50), short(s.Latency.P99), cpu(s.CPUMicros, s.DatabaseMicros))
		p.problems(s.Refused, s.Failed, 0, 0)
	}
	row("nothing defined", i.Plain)
	row("all defined", i.Defined)
	row(fmt.Sprintf("captures, %d/s", i.Rate), i.Captures)
	p.line("  all defined takes %.2f of the CPU of nothing defined", i.CPURatio)
}
