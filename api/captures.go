package api

import (
	"net/http"

	"signalbox"
	"signalbox/auth"
	"signalbox/strictjson"
	"signalbox/wire"
)

// captureRoutes are the capture door, and what was captured is qualified by.
func (a *API) captureRoutes() []route {
	return []route{
		{
			method: http.MethodPost, pattern: "/signals", id: "captureSignal", tag: "Signals", need: auth.NeedIngest,
			summary: "Capture a signal of a declared type",
			detail: "The door of Unstuck: `signal_type` must be declared and enabled, or one of those that are built in. The answer holds the record that the signal landed on, the contact or else " +
				"the account, and what its qualification came to; all four fields are null when the type's autoqualify is off. The same event (type, source, identity and time, as they are " +
				"normalised) sent again is captured once: `200` with the first ids and the qualification as it now stands. A unique `idempotency_key` captures it once more.",
			status: created, bare: true, anyQuery: true,
			also:     []signalbox.Code{signalbox.UnknownSignalType, signalbox.TooLarge, signalbox.UnsupportedMedia, signalbox.Overloaded},
			examples: captureExamples(),
			answers:  raw[captureBody, captureView](a.captureSignal),
		},
		{
			method: http.MethodPost, pattern: "/v1/signals/{id}/qualify", id: "qualifySignal", tag: "Signals", need: auth.NeedWrite,
			summary: "Qualify the record of a signal",
			detail:  "Judges the record now, with what the signal says: one that was held because its type's autoqualify is off, or any other one anew. A fit is told of as `signal.qualified`.",
			status:  http.StatusOK, bodyOptional: true, also: []signalbox.Code{signalbox.Conflict}, answers: asks(a.qualifySignal),
		},
	}
}

func captureExamples() []example {
	return []example{
		{name: "teammate", summary: "A user invited a teammate",
			body: `{"signal_type":"form_submit","source":"product","occurred_at":"2026-05-26T14:30:00Z","identity":{"email":"jane@acme.com","first_name":"Jane","last_name":"Doe","title":"VP Engineering"},"event_name":"user_invited_teammate","context":{"team_size":12,"plan_tier":"free"}}`},
		{name: "company", summary: "A company that nobody is known of",
			body: `{"signal_type":"page_view","source":"website","occurred_at":"2026-05-26T14:31:00Z","identity":{"company_domain":"initech.com"}}`},
	}
}

// captureBody is the body of POST /signals. It is read by wire.DecodeCapture; this is its shape.
type captureBody struct {
	Type           *string         `json:"signal_type" required:"true" maxlen:"200" doc:"The wire name of a declared type."`
	Source         *string         `json:"source" required:"true" maxlen:"200"`
	OccurredAt     *string         `json:"occurred_at" required:"true" format:"date-time" doc:"At most 24 hours ahead."`
	Identity       *captureSubject `json:"identity" required:"true" doc:"At least one of email, linkedin_url and company_domain."`
	EventName      *string         `json:"event_name" maxlen:"200" doc:"What it is within its type."`
	Context        strictjson.Raw  `json:"context" doc:"Any JSON."`
	IdempotencyKey *string         `json:"idempotency_key" maxlen:"255" doc:"Unique: captures the same event once more."`
}

type captureSubject struct {
	Email         *string `json:"email" maxlen:"254"`
	LinkedInURL   *string `json:"linkedin_url" maxlen:"512"`
	CompanyDomain *string `json:"company_domain"`
	FirstName     *string `json:"first_name" maxlen:"200"`
	LastName      *string `json:"last_name" maxlen:"200"`
	Title         *string `json:"title" maxlen:"200"`
}

// captureView is what a capture is answered with.
type captureView struct {
	SignalCaptureID string        `json:"signal_capture_id"`
	MatchedRecordID *string       `json:"matched_record_id" doc:"The contact, or the account where there is no contact; both are taken wherever their own ids are."`
	Qualification   qualifiedView `json:"qualification"`
}

// qualifiedView is a qualification in short: all null when it is held, the codes null with score 0 when nothing fits.
type qualifiedView struct {
	ICPCode      *string `json:"icp_code"`
	ICPScore     *int    `json:"icp_score"`
	PersonaCode  *string `json:"persona_code"`
	PersonaScore *int    `json:"persona_score"`
}

// captureSignal takes one capture in.
func (a *API) captureSignal(c *call) error {
	if err := a.cfg.Signals.Room(c.ws(), 1); err != nil {
		return err
	}
	body, release, err := c.body(wire.MaxBody)
	if err != nil {
		return err
	}
	defer release()
	in, ignored, err := wire.DecodeCapture(body, c.now)
	c.ignore(ignored)
	c.about = aboutSignal(&in)
	if err != nil {
		return err
	}
	key, err := idempotencyKey(c.r.Header)
	if err != nil {
		return err
	}
	if key != "" {
		in.IdempotencyKey = key
	}
	receipt, err := a.cfg.Signals.Submit(c.r.Context(), c.ws(), c.by.key.ID, in)
	if err != nil {
		return err
	}
	c.quota(receipt.Quota)
	c.about.id, c.about.replayed = receipt.ID, receipt.Replayed
	status := created
	if receipt.Replayed {
		status = http.StatusOK
		c.Header()["Idempotent-Replayed"] = replayed
	}
	var answer [512]byte
	c.write(status, wire.AppendCapture(answer[:0], a.cfg.Codec, receipt))
	return nil
}

func (a *API) qualifySignal(c *call) (captureView, error) {
	id, err := id[signalbox.SignalID](c, signalbox.KindSignal, "signal")
	if err != nil {
		return captureView{}, err
	}
	row, err := a.cfg.Store.Signal(c.r.Context(), c.ws(), id)
	if err != nil {
		return captureView{}, err
	}
	r, err := a.cfg.Acts.Qualify(c.act(), &row.Signal)
	if err != nil {
		return captureView{}, err
	}
	v := captureView{SignalCaptureID: c.captureText(r.ID), Qualification: qualifiedOf(r.Qualified)}
	switch {
	case r.Contact != 0:
		v.MatchedRecordID = textOrNull(c.leadText(signalbox.KindContact, int64(r.Contact)))
	case r.Account != 0:
		v.MatchedRecordID = textOrNull(c.leadText(signalbox.KindAccount, int64(r.Account)))
	}
	return v, nil
}

func qualifiedOf(q *signalbox.Qualified) qualifiedView {
	if q == nil {
		return qualifiedView{}
	}
	return qualifiedView{ICPCode: textOrNull(q.ICP), ICPScore: &q.ICPScore, PersonaCode: textOrNull(q.Persona), PersonaScore: &q.PersonaScore}
}

// captureText and leadText are ids as the capture door writes them.
func (c *call) captureText(id signalbox.SignalID) string {
	return signalbox.CapturePrefix + c.idText(signalbox.KindSignal, int64(id))[len(signalbox.KindSignal):]
}

func (c *call) leadText(kind signalbox.Kind, id int64) string {
	return signalbox.LeadPrefix + c.idText(kind, id)[len(kind):]
}
