package api

import (
	"encoding/json"
	"errors"
	"fmt"

	"signalbox"
	"signalbox/expr"
	"signalbox/fit"
	"signalbox/strictjson"
)

// profileForm is the body of POST /v1/icps and /v1/personas.
type profileForm struct {
	Code       *string          `json:"code" required:"true" maxlen:"200" doc:"What it is called: unique among those of its kind, and what qualifications name."`
	Status     *string          `json:"status" enum:"draft|live" doc:"draft, unless given: it judges nothing."`
	Priority   *int             `json:"priority" min:"-1000" max:"1000" doc:"Of two with the same score the one with the higher priority wins: 0 unless given."`
	ICPCodes   *[]string        `json:"icp_codes" doc:"Of a persona alone: the codes of the ICPs that it belongs to. None: every one."`
	Parameters *[]parameterForm `json:"parameters" required:"true" minitems:"1" maxitems:"50" doc:"What is asked of a record, in the order in which it is shown."`
}

// profilePatch is the body of PATCH /v1/icps/{id} and /v1/personas/{id}.
type profilePatch struct {
	Code       *string          `json:"code" maxlen:"200"`
	Status     *string          `json:"status" enum:"draft|live"`
	Priority   *int             `json:"priority" min:"-1000" max:"1000"`
	ICPCodes   *[]string        `json:"icp_codes" doc:"Replaced whole."`
	Parameters *[]parameterForm `json:"parameters" minitems:"1" maxitems:"50" doc:"Replaced whole."`
	Revision   *int64           `json:"revision" doc:"The revision that the change was made from: 409 when it is another one by now. Absent: whatever it is."`
}

// parameterForm is one question on a record.
type parameterForm struct {
	Name       *string        `json:"name" required:"true" maxlen:"200" doc:"What it is called where a verdict is explained."`
	Expression strictjson.Raw `json:"expression" doc:"An expression, or {field, operator, value} in groups {all: […]} and {any: […]}, which is answered as an expression. It may read the account, the contact, the signal that the record is judged with, and the record's signals."`
	Field      *string        `json:"field" doc:"In place of expression: what is compared, account.attributes.employees."`
	Operator   *string        `json:"operator" enum:"equals|not_equals|contains|starts_with|greater_than|greater_or_equal|less_than|less_or_equal|in" doc:"With field."`
	Value      strictjson.Raw `json:"value" doc:"With field: a text, a number, true or false; a list for in."`
	Mode       *string        `json:"mode" required:"true" enum:"filter|score|exclude" doc:"filter: it must hold, or the profile does not fit. score: it counts with its weight. exclude: it must not hold."`
	Weight     *int           `json:"weight" min:"1" max:"10" doc:"Of one that scores: 5 unless given. The others have none."`
	OnMissing  *string        `json:"on_missing" enum:"fail|pass|neutral" doc:"What becomes of it when a field that it reads is absent. neutral, unless given: its weight does not count. fail: it speaks against the profile, pass: for it."`
}

// read reads the form into what it does to a profile that is otherwise as it was.
func (in *profileForm) read() (func(*signalbox.Profile), error) {
	patch := profilePatch{Code: in.Code, Status: in.Status, Priority: in.Priority, ICPCodes: in.ICPCodes, Parameters: in.Parameters}
	return patch.read()
}

func (in *profilePatch) read() (func(*signalbox.Profile), error) {
	status := value(in.Status)
	if status != "" && status != statusDraft && status != statusLive {
		return nil, signalbox.InvalidField("status", "status must be draft or live")
	}
	var asked []signalbox.Parameter
	if in.Parameters != nil {
		var err error
		if asked, err = questions(*in.Parameters); err != nil {
			return nil, err
		}
	}
	return func(p *signalbox.Profile) {
		if status != "" {
			p.Live = status == statusLive
		}
		set(&p.Code, in.Code)
		set(&p.Priority, in.Priority)
		set(&p.ICPCodes, in.ICPCodes)
		if in.Parameters != nil {
			p.Parameters = asked
		}
	}, nil
}

// questions reads the parameters of a body.
func questions(list []parameterForm) ([]signalbox.Parameter, error) {
	made := make([]signalbox.Parameter, len(list))
	if len(list) > fit.MaxParameters {
		return made, nil // they are refused by fit.Check, before any is compiled
	}
	for i := range list {
		q := &list[i]
		at := fmt.Sprintf("parameters[%d]", i)
		when, err := q.when(at)
		if err != nil {
			return nil, err
		}
		one := signalbox.Parameter{Name: value(q.Name), When: when, Mode: signalbox.ParameterMode(value(q.Mode)), OnMissing: signalbox.OnMissing(value(q.OnMissing))}
		set(&one.Weight, q.Weight)
		if q.Weight != nil && one.Weight == 0 { // which fit takes for one that was left out
			return nil, signalbox.InvalidField(at+".weight", "%s.weight must be from 1 to %d", at, fit.MaxWeight)
		}
		made[i] = one
	}
	return made, nil
}

// when is the parameter's expression, whichever way it is written.
func (q *parameterForm) when(at string) (string, error) {
	flat := value(q.Field) != "" || value(q.Operator) != "" || !absent(q.Value)
	when, err := condition(at+".expression", q.Expression, expr.ForRecord)
	switch {
	case err != nil:
		return "", err
	case when != "" && flat:
		return "", signalbox.InvalidField(at+".expression", "%s: give either expression, or field, operator and value", at)
	case when != "":
		return when, nil
	case !flat:
		return "", signalbox.InvalidField(at+".expression", "%s.expression is required: what is asked of the record, as in account.attributes.employees > 50", at)
	}
	written := map[string]any{"field": value(q.Field), "operator": value(q.Operator)}
	if !absent(q.Value) {
		written["value"] = json.RawMessage(q.Value)
	}
	text, err := json.Marshal(written)
	if err != nil {
		return "", err
	}
	if when, err = expr.FromStructured(text); err != nil {
		return "", conditionError(at, err)
	}
	return when, nil
}

func absent(given strictjson.Raw) bool { return len(given) == 0 || string(given) == "null" }

// check fills in what a profile leaves out, and says what is wrong with it.
func (p *profiles) check(d *signalbox.Definitions, one *signalbox.Profile) error {
	fit.Normalise(one)
	var codes []string
	for i := range d.ICPs {
		codes = append(codes, d.ICPs[i].Code)
	}
	return fit.Check(one, p.kind == signalbox.DefinedPersona, codes)
}

// within names the field of a refusal as it stands inside another one.
func within(name string, err error) error {
	var e *signalbox.Error
	if !errors.As(err, &e) || e.Param == "" {
		return err
	}
	inside := *e
	inside.Param = name + "." + e.Param
	return &inside
}
