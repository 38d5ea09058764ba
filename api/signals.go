package api

import (
	"net/http"

	"signalbox"
	"signalbox/auth"
	"signalbox/strictjson"
	"signalbox/wire"
)

// signalRoutes are the doors of signals.
func (a *API) signalRoutes() []route {
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/signals", id: "createSignal", tag: "Signals", need: auth.NeedIngest,
			summary: "Send a signal",
			detail: "Tells Signalbox one thing that happened. `201` means durable: the signal and everything that it causes is on stable storage. " +
				"Send it again with the same `Idempotency-Key` when you did not see the answer: the answer is the first one, with `Idempotent-Replayed: true`. " +
				"Unknown fields are ignored and named in `X-Signalbox-Ignored`. Idempotency keys are remembered for 7 days.",
			status: created, bare: true, anyQuery: true,
			also:     []signalbox.Code{signalbox.InProgress, signalbox.TooLarge, signalbox.UnsupportedMedia, signalbox.IdempotencyMismatch, signalbox.Overloaded},
			examples: signalExamples(),
			answers:  raw[signalBody, receiptView](a.createSignal),
		},
		a.batchRoute(),
		{
			method: http.MethodGet, pattern: "/v1/signals", id: "listSignals", tag: "Signals", need: auth.NeedRead,
			summary: "List signals", detail: "Newest first. `account_domain` and `contact_email` are matched as in signals.",
			status: http.StatusOK,
			query: paging(
				param{name: "account_domain", kind: text, doc: "Only signals of the account with this domain."},
				param{name: "contact_email", kind: text, doc: "Only signals of the contact with this e-mail address."},
				param{name: "type", kind: text, doc: "Only signals of this type."},
				param{name: "source", kind: text, doc: "Only signals from this source."},
				param{name: "from", kind: moment, doc: "Only signals that occurred at or after this time."},
				param{name: "to", kind: moment, doc: "Only signals that occurred at or before this time."}),
			answers: lists(a.listSignals),
		},
		{
			method: http.MethodGet, pattern: "/v1/signals/{id}", id: "getSignal", tag: "Signals", need: auth.NeedRead,
			summary: "Read a signal", status: http.StatusOK, answers: asks(a.getSignal),
		},
		{
			method: http.MethodGet, pattern: "/v1/signals/{id}/deliveries", id: "listSignalDeliveries", tag: "Signals", need: auth.NeedRead,
			summary: "See what a signal caused", detail: "Its deliveries to every webhook, newest first.",
			status: http.StatusOK, query: paging(), answers: lists(a.listSignalDeliveries),
		},
	}
}

// createSignal takes one signal in. It is the hot door: one pooled buffer, no reflection.
func (a *API) createSignal(c *call) error {
	if err := a.cfg.Signals.Room(c.ws(), 1); err != nil {
		return err
	}
	body, release, err := c.body(wire.MaxBody)
	if err != nil {
		return err
	}
	defer release()
	in, ignored, err := wire.DecodeSignal(body, c.now)
	c.ignore(ignored)
	c.about = aboutSignal(&in)
	if err != nil {
		return err
	}
	if err := headerKey(c.r.Header, body, &in); err != nil {
		return err
	}
	receipt, err := a.cfg.Signals.Submit(c.r.Context(), c.ws(), c.by.key.ID, in)
	if err != nil {
		return err
	}
	c.quota(receipt.Quota)
	c.about.id, c.about.replayed = receipt.ID, receipt.Replayed
	if receipt.Replayed {
		c.Header()["Idempotent-Replayed"] = replayed
	}
	var answer [512]byte
	c.write(created, wire.AppendReceipt(answer[:0], a.cfg.Codec, receipt))
	return nil
}

var replayed = []string{"true"}

// headerKey takes the idempotency key of the header, which wins over the body's.
func headerKey(h http.Header, body []byte, in *signalbox.SignalInput) error {
	key, err := idempotencyKey(h)
	if key == "" || err != nil {
		return err
	}
	in.IdempotencyKey = key
	in.BodyHash, err = wire.BodyHash(body)
	return err
}

func idempotencyKey(h http.Header) (string, error) {
	given := h["Idempotency-Key"]
	if len(given) == 0 || given[0] == "" {
		return "", nil
	}
	if len(given) > 1 {
		return "", signalbox.InvalidField("Idempotency-Key", "the header Idempotency-Key is given more than once")
	}
	if len(given[0]) > signalbox.MaxKey {
		return "", signalbox.InvalidField("Idempotency-Key", "the header Idempotency-Key is too long: at most %d bytes", signalbox.MaxKey)
	}
	return given[0], nil
}

// listSignals answers a page of the workspace's signals.
func (a *API) listSignals(c *call) (page[signalView], error) {
	filter, none, err := a.signalFilter(c)
	if err != nil || none {
		return page[signalView]{}, err
	}
	return a.signalPage(c, filter)
}

// signalPage answers a page of the signals that a filter lets through.
func (a *API) signalPage(c *call, filter signalbox.SignalFilter) (page[signalView], error) {
	p, err := c.page()
	if err != nil {
		return page[signalView]{}, err
	}
	rows, next, err := a.cfg.Store.Signals(c.r.Context(), c.ws(), filter, p)
	if err != nil {
		return page[signalView]{}, err
	}
	out := page[signalView]{next: c.cursorAt(next)}
	for i := range rows {
		out.items = append(out.items, c.signalView(&rows[i]))
	}
	return out, a.scoreHeads(c, rows, out.items)
}

// signalFilter reads the filters. none says that they name a record that nobody knows: no signal can match.
func (a *API) signalFilter(c *call) (f signalbox.SignalFilter, none bool, err error) {
	f.Type, f.Source = c.query.Get("type"), c.query.Get("source")
	if f.From, f.To, err = c.span(); err != nil {
		return f, false, err
	}
	if domain := c.query.Get("account_domain"); domain != "" {
		id, err := a.accountOf(c, domain)
		if err != nil || id == 0 {
			return f, true, err
		}
		f.Account = signalbox.AccountID(id)
	}
	if email := c.query.Get("contact_email"); email != "" {
		key, err := a.cfg.NormalizeEmail(email)
		if err != nil {
			return f, false, paramError("contact_email", err)
		}
		id, err := a.find(c, signalbox.KeyEmail, key)
		if err != nil || id == 0 {
			return f, true, err
		}
		f.Contact = signalbox.ContactID(id)
	}
	return f, false, nil
}

// accountOf finds the account that a domain names, by the workspace's aliases too; 0 when there is none.
func (a *API) accountOf(c *call, domain string) (signalbox.EntityID, error) {
	key, err := a.cfg.NormalizeDomain(domain)
	if err != nil {
		return 0, paramError("account_domain", err)
	}
	ws, err := a.cfg.Store.Workspace(c.r.Context(), c.ws())
	if err != nil {
		return 0, err
	}
	if stands, ok := ws.Aliases[key]; ok {
		key = stands
	}
	return a.find(c, signalbox.KeyDomain, key)
}

func (a *API) find(c *call, kind signalbox.KeyKind, value string) (signalbox.EntityID, error) {
	id, _, err := a.cfg.Store.FindRecord(c.r.Context(), signalbox.RecordKey{Workspace: c.ws(), Kind: kind, Value: value})
	return id, err
}

// getSignal answers one signal.
func (a *API) getSignal(c *call) (signalView, error) {
	id, err := id[signalbox.SignalID](c, signalbox.KindSignal, "signal")
	if err != nil {
		return signalView{}, err
	}
	row, err := a.cfg.Store.Signal(c.r.Context(), c.ws(), id)
	if err != nil {
		return signalView{}, err
	}
	views := []signalView{c.signalView(&row)}
	return views[0], a.scoreHeads(c, []signalbox.SignalView{row}, views)
}

// listSignalDeliveries answers what a signal caused.
func (a *API) listSignalDeliveries(c *call) (page[deliveryView], error) {
	sig, err := id[signalbox.SignalID](c, signalbox.KindSignal, "signal")
	if err != nil {
		return page[deliveryView]{}, err
	}
	p, err := c.page()
	if err != nil {
		return page[deliveryView]{}, err
	}
	rows, next, err := a.cfg.Store.Caused(c.r.Context(), c.ws(), sig, p)
	if err != nil {
		return page[deliveryView]{}, err
	}
	return c.deliveryPage(rows, next), nil
}

// signalView is a signal with the records it is about, as they stand now.
type signalView struct {
	ID         string       `json:"id"`
	Type       string       `json:"type"`
	Source     string       `json:"source"`
	EventName  *string      `json:"event_name" doc:"What it is within its type, when that was said."`
	Account    *accountHead `json:"account" doc:"Null: the signal belongs to no company."`
	Contact    *contactHead `json:"contact" doc:"Null: the signal belongs to no person."`
	Score      float64      `json:"score" doc:"The points that it was worth."`
	Reasons    []reasonView `json:"score_reasons" doc:"Which rules gave the points: its type first."`
	Properties object       `json:"properties"`
	Backfill   bool         `json:"backfill"`
	OccurredAt stamp        `json:"occurred_at"`
	CreatedAt  stamp        `json:"created_at"`
	ErasedAt   *stamp       `json:"erased_at" doc:"Set when the record that the signal is about was erased: then nothing but its type and times is left."`
}

// reasonView is a rule, or the signal's type, and the points that it gave.
type reasonView struct {
	Rule   string  `json:"rule"`
	Points float64 `json:"points"`
}

func reasonViews(s *signalbox.Signal) []reasonView {
	list := []reasonView{}
	for _, r := range wire.ReasonsOf(s) {
		list = append(list, reasonView(r))
	}
	return list
}

// accountHead is what a signal shows of its account.
type accountHead struct {
	ID     string  `json:"id"`
	Domain *string `json:"domain"`
	Name   *string `json:"name"`
	Score  *int    `json:"score" doc:"As it is now; null in the live stream."`
}

// contactHead is what a signal shows of its contact.
type contactHead struct {
	ID          string  `json:"id"`
	Email       *string `json:"email"`
	LinkedInURL *string `json:"linkedin_url"`
	Name        *string `json:"name"`
	Score       *int    `json:"score" doc:"As it is now; null in the live stream."`
}

func (c *call) signalView(s *signalbox.SignalView) signalView {
	v := signalView{
		ID: c.idText(signalbox.KindSignal, int64(s.ID)), Type: s.Type, Source: s.Source, Score: s.Points.Float(), Reasons: reasonViews(&s.Signal), Properties: wire.PropertiesOf(&s.Signal), EventName: textOrNull(s.EventName), Backfill: s.Backfill,
		OccurredAt: stamp(s.OccurredAt), CreatedAt: stamp(s.CreatedAt), ErasedAt: stampOrNull(s.ErasedAt),
	}
	if a := s.AccountRow; a != nil {
		v.Account = &accountHead{ID: c.idText(signalbox.KindAccount, int64(a.ID)), Domain: textOrNull(a.Domain), Name: textOrNull(a.Name)}
	}
	if p := s.ContactRow; p != nil {
		v.Contact = &contactHead{ID: c.idText(signalbox.KindContact, int64(p.ID)), Email: textOrNull(p.Email), LinkedInURL: textOrNull(p.LinkedInURL), Name: textOrNull(p.FullName())}
	}
	return v
}

// scoreHeads fills in the scores of whom signals are about, for views[i] of rows[i].
func (a *API) scoreHeads(c *call, rows []signalbox.SignalView, views []signalView) error {
	known := map[signalbox.EntityID]bool{}
	var records []signalbox.Record
	add := func(r signalbox.Record) {
		if !known[r.Entity()] {
			known[r.Entity()] = true
			records = append(records, r)
		}
	}
	for i := range rows {
		if r := rows[i].AccountRow; r != nil {
			add(r)
		}
		if r := rows[i].ContactRow; r != nil {
			add(r)
		}
	}
	if len(records) == 0 {
		return nil
	}
	beside, err := a.facts(c, records, nil)
	if err != nil {
		return err
	}
	for i := range rows {
		if r := rows[i].AccountRow; r != nil {
			score := beside.standings[r.Entity()].Score
			views[i].Account.Score = &score
		}
		if r := rows[i].ContactRow; r != nil {
			score := beside.standings[r.Entity()].Score
			views[i].Contact.Score = &score
		}
	}
	return nil
}

// receiptView is the answer to a signal: exactly S0-23 (wire.AppendReceipt writes it).
type receiptView struct {
	ID        string  `json:"id"`
	Type      string  `json:"type"`
	Source    string  `json:"source"`
	Status    string  `json:"status" enum:"received"`
	AccountID *string `json:"account_id" doc:"Null: the signal belongs to no company."`
	ContactID *string `json:"contact_id" doc:"Null: the signal belongs to no person."`
	CreatedAt stamp   `json:"created_at" doc:"Whole seconds."`
}

// signalBody documents the body that wire.DecodeSignal reads.
type signalBody struct {
	Type           string         `json:"type" required:"true" maxlen:"200" doc:"What happened, in your words: any text. A type need not be declared before."`
	Source         string         `json:"source" required:"true" maxlen:"200" doc:"Who tells: internal_app, zapier, n8n …"`
	Account        *signalAccount `json:"account" doc:"The company. Without account.domain, the e-mail's domain counts, unless it is a mailbox provider's."`
	Contact        *signalContact `json:"contact" doc:"The person."`
	Properties     strictjson.Raw `json:"properties" type:"object" doc:"Anything else, as a JSON object. It is kept as it is, and large integers keep their digits."`
	OccurredAt     *stamp         `json:"occurred_at" doc:"When it happened, now unless given; at most 24 h ahead."`
	Backfill       *bool          `json:"backfill" doc:"True for history: it counts for scores and never triggers anything."`
	IdempotencyKey *string        `json:"idempotency_key" maxlen:"255" doc:"As the header Idempotency-Key, which wins over it."`
}

type signalAccount struct {
	Domain     *string        `json:"domain" maxlen:"253" doc:"Recommended: accounts are matched by it."`
	Name       *string        `json:"name" maxlen:"200" doc:"Used for a new account, or one that has no name yet."`
	Attributes strictjson.Raw `json:"attributes" type:"object" doc:"Merged into the account's (RFC 7396)."`
}

type signalContact struct {
	Email       *string        `json:"email" maxlen:"254" doc:"Recommended: contacts are matched by it."`
	FirstName   *string        `json:"first_name" maxlen:"200"`
	LastName    *string        `json:"last_name" maxlen:"200"`
	Title       *string        `json:"title" maxlen:"200"`
	LinkedInURL *string        `json:"linkedin_url" maxlen:"512"`
	Attributes  strictjson.Raw `json:"attributes" type:"object" doc:"Merged into the contact's (RFC 7396)."`
}

// signalExamples are the bodies of the source documents, and one that uses every field.
func signalExamples() []example {
	return []example{
		{name: "trial", summary: "A trial was started", // S0-13
			body: `{"type":"product_trial_started","source":"internal_app","account":{"domain":"acmecorp.com","name":"Acme Corp"},"contact":{"email":"jane@acmecorp.com","first_name":"Jane","last_name":"Smith"},"properties":{"plan":"pro","trial_ends_at":"2024-09-15","invited_by":"john@acmecorp.com"}}`},
		{name: "demo", summary: "A demo was requested", // S0-49
			body: `{"type":"demo_requested","source":"website","contact":{"email":"sam@globex.org"},"properties":{"demo_type":"product_tour","requested_at":"2024-09-01T14:32:00.123Z"}}`},
		{name: "everything", summary: "Every field",
			body: `{"type":"invoice_overdue","source":"billing","account":{"domain":"https://www.initech.com/about","name":"Initech","attributes":{"employees":120}},"contact":{"email":"bill@initech.com","first_name":"Bill","last_name":"Lumbergh","title":"VP","linkedin_url":"https://www.linkedin.com/in/bill-lumbergh","attributes":{"locale":"en"}},"properties":{"amount":1200.5,"number":12345678901234567890},"occurred_at":"2024-09-01T14:32:00Z","backfill":true,"idempotency_key":"invoice-17-overdue"}`},
	}
}
