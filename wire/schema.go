package wire

// JSON Schemas of the parts of a body, put together by EventType.Schema. They say what is always there and allow more: a body may
// gain fields, never lose them.
const (
	textSchema       = `{"type":"string"}`
	maybeTextSchema  = `{"type":["string","null"]}`
	timeSchema       = `{"type":"string","format":"date-time"}`
	wholeSchema      = `{"type":"integer"}`
	propertiesSchema = `{"type":"object"}`

	accountFields   = `"id":` + textSchema + `,"domain":` + maybeTextSchema + `,"name":` + maybeTextSchema + `,"revision":` + wholeSchema
	accountRequired = `"id","domain","name","revision"`
	contactFields   = `"id":` + textSchema + `,"email":` + maybeTextSchema + `,"name":` + maybeTextSchema + `,"revision":` + wholeSchema
	contactRequired = `"id","email","name","revision"`

	accountOrNull = `{"type":["object","null"],"required":[` + accountRequired + `],"properties":{` + accountFields + `}}`
	contactOrNull = `{"type":["object","null"],"required":[` + contactRequired + `],"properties":{` + contactFields + `}}`

	signalFields = `"id":` + textSchema + `,"type":` + textSchema + `,"source":` + textSchema + `,"created_at":` + timeSchema +
		`,"properties":` + propertiesSchema + `,"account":` + accountOrNull + `,"contact":` + contactOrNull
	signalRequired = `"id","type","source","created_at","properties","account","contact"`
	signalSchema   = `{"type":"object","required":[` + signalRequired + `],"properties":{` + signalFields + `}}`
	signalOrNull   = `{"type":["object","null"],"required":[` + signalRequired + `],"properties":{` + signalFields + `}}`

	scoreFields   = `"score":` + wholeSchema + `,"previous_score":` + wholeSchema + `,"stage":` + maybeTextSchema + `,"reason":` + textSchema
	scoreRequired = `"score","previous_score","stage","reason"`

	explanationSchema = `{"type":"array","items":{"type":"object","required":["rule","points"],"properties":{"rule":` + textSchema + `,"points":{"type":"number"}}}}`
)

// The schemas of "data", one per event type.
const (
	signalCreatedSchema = `{"type":"object","required":["signal"],"properties":{"signal":` + signalSchema + `}}`

	signalScoredSchema = `{"type":"object","required":["signal"],"properties":{"signal":{"type":"object","required":[` + signalRequired +
		`,"score","explanation"],"properties":{` + signalFields + `,"score":{"type":"number"},"explanation":` + explanationSchema + `}}}}`

	automationTriggeredSchema = `{"type":"object","required":["automation","run","signal","account","contact"],"properties":{"automation":` +
		`{"type":"object","required":["id","name"],"properties":{"id":` + textSchema + `,"name":` + textSchema + `}},"run":` +
		`{"type":"object","required":["id"],"properties":{"id":` + textSchema + `}},"signal":` + signalOrNull + `,"account":` + accountOrNull +
		`,"contact":` + contactOrNull + `}}`

	accountScoreSchema = `{"type":"object","required":["account"],"properties":{"account":{"type":"object","required":[` + accountRequired +
		`,` + scoreRequired + `],"properties":{` + accountFields + `,` + scoreFields + `}}}}`

	contactScoreSchema = `{"type":"object","required":["contact"],"properties":{"contact":{"type":"object","required":[` + contactRequired +
		`,` + scoreRequired + `],"properties":{` + contactFields + `,` + scoreFields + `}}}}`
)
