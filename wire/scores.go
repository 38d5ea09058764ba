package wire

import (
	"encoding/json"
	"strconv"

	"signalbox"
	"signalbox/strictjson"
)

// ScoreChange is what has changed of an account's or a contact's score or stage.
type ScoreChange struct {
	Score, Previous      int
	Stage, PreviousStage string
	Reason               string // "signal", "decay", "merge" or "removal"
}

// Reason is a rule, or the signal's type, and the points that it gave.
type Reason struct {
	Rule   string  `json:"rule"`
	Points float64 `json:"points"`
}

// Reasons writes reasons as JSON: the explanation of signal.scored, and what is stored of a signal's rules.
func Reasons(list []Reason) []byte {
	dst := []byte{'['}
	for i, r := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"rule":`...)
		dst = strictjson.AppendString(dst, r.Rule)
		dst = append(dst, `,"points":`...)
		dst = appendPoints(dst, signalbox.PointsOf(r.Points))
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// ReasonsOf says which rules gave a signal its points: its type alone, when nothing else did.
func ReasonsOf(s *signalbox.Signal) (list []Reason) {
	if s.Rules == nil || json.Unmarshal(s.Rules, &list) != nil {
		return []Reason{{s.Type, s.Points.Float()}}
	}
	return list
}

// appendPoints appends points as a number, in ECMAScript's form: they are millionths, and fewer than 10^21.
func appendPoints(dst []byte, p signalbox.Points) []byte {
	return strconv.AppendFloat(dst, p.Float(), 'f', -1, 64)
}

func appendScoredData(dst []byte, e *EventInfo) []byte {
	dst = appendSignal(append(dst, `{"signal":`...), e)
	dst = append(dst[:len(dst)-1], `,"score":`...)
	dst = appendPoints(dst, e.Signal.Points)
	dst = append(dst, `,"explanation":`...)
	if e.Signal.Rules != nil {
		dst = append(dst, e.Signal.Rules...)
	} else {
		dst = append(dst, Reasons(ReasonsOf(e.Signal))...)
	}
	return append(dst, `}}`...)
}

// appendChange ends an account or contact whose score or stage changed, in place of its brace.
func appendChange(dst []byte, c *ScoreChange, stage bool) []byte {
	dst = append(dst[:len(dst)-1], `,"score":`...)
	dst = strconv.AppendInt(dst, int64(c.Score), 10)
	dst = append(dst, `,"previous_score":`...)
	dst = strconv.AppendInt(dst, int64(c.Previous), 10)
	dst = append(dst, `,"stage":`...)
	dst = appendText(dst, c.Stage)
	if stage {
		dst = append(dst, `,"previous_stage":`...)
		dst = appendText(dst, c.PreviousStage)
	}
	return append(appendField(dst, "reason", c.Reason), `}}`...)
}

func appendAccountScoreData(dst []byte, e *EventInfo) []byte {
	return appendChange(appendAccount(append(dst, `{"account":`...), e.Codec, e.Account), e.Change, false)
}

func appendContactScoreData(dst []byte, e *EventInfo) []byte {
	return appendChange(appendContact(append(dst, `{"contact":`...), e.Codec, e.Contact), e.Change, false)
}

func appendAccountStageData(dst []byte, e *EventInfo) []byte {
	return appendChange(appendAccount(append(dst, `{"account":`...), e.Codec, e.Account), e.Change, true)
}

func appendContactStageData(dst []byte, e *EventInfo) []byte {
	return appendChange(appendContact(append(dst, `{"contact":`...), e.Codec, e.Contact), e.Change, true)
}

const (
	stageFields   = scoreFields + `,"previous_stage":` + maybeTextSchema
	stageRequired = scoreRequired + `,"previous_stage"`

	accountStageSchema = `{"type":"object","required":["account"],"properties":{"account":{"type":"object","required":[` + accountRequired +
		`,` + stageRequired + `],"properties":{` + accountFields + `,` + stageFields + `}}}}`

	contactStageSchema = `{"type":"object","required":["contact"],"properties":{"contact":{"type":"object","required":[` + contactRequired +
		`,` + stageRequired + `],"properties":{` + contactFields + `,` + stageFields + `}}}}`
)
