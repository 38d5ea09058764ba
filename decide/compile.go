package decide

import (
	"crypto/sha256"
	"sync"

	"signalbox"
	"signalbox/audience"
	"signalbox/filter"
	"signalbox/fit"
	"signalbox/identity"
	"signalbox/score"
	"signalbox/wire"
)

// Compiled is one version of a workspace's definitions, ready to be asked. It never changes but for the signal types that it
// learns. Safe for concurrent use.
type Compiled struct {
	Definitions *signalbox.Definitions
	rules       *identity.Rules
	subscribed  map[string][]*signalbox.Webhook        // by event name, in id order
	filters     map[signalbox.WebhookID]*filter.Filter // of those that have one
	model       *score.Model
	scoring     *scoreRules
	fit         *fit.Model
	audiences   *audience.Model
	followsAny  bool            // there is anything that fit or audiences ask
	signalRows  int             // a bound of how many rows saving what a signal causes can write
	events      map[string]bool // that are known by name, whether somebody subscribes or not
	others      sync.Map        // event name → []*signalbox.Webhook, for events of records that are not
	types       sync.Map        // name → signalbox.TypeID, for types first seen after this version was made
}

// Compile makes definitions ready. It is done outside any transaction. An error is of a definition that another program has saved.
func Compile(d *signalbox.Definitions) (*Compiled, error) {
	scoring, err := compileRules(d.Scoring.Rules)
	if err != nil {
		return nil, err
	}
	profiles, err := fit.Compile(d.ICPs, d.Personas)
	if err != nil {
		return nil, err
	}
	audiences, err := audience.Compile(d.Audiences, profiles.Atoms())
	if err != nil {
		return nil, err
	}
	c := &Compiled{Definitions: d, rules: identity.NewRules(d.Workspace), subscribed: map[string][]*signalbox.Webhook{}, events: map[string]bool{},
		filters: map[signalbox.WebhookID]*filter.Filter{}, model: score.Compile(&d.Scoring), scoring: scoring, fit: profiles, audiences: audiences,
		followsAny: !profiles.Empty() || len(d.Audiences) > 0}
	for _, event := range wire.EventTypes(signalbox.FormatStairoids) { // by the names that events have here
		c.events[event.Name] = true
		for i := range d.Webhooks {
			if d.Webhooks[i].Takes(event.Name) {
				c.subscribed[event.Name] = append(c.subscribed[event.Name], &d.Webhooks[i])
			}
		}
	}
	c.signalRows = 12
	if c.followsAny {
		c.signalRows += 2 + len(d.Audiences)/8*(2+len(c.subscribed[wire.EventAudienceEntered])) // qualifications, and few audiences of many
	}
	for _, name := range []string{
		wire.EventSignalCreated, wire.EventSignalScored, wire.EventAccountScoreChanged, wire.EventAccountStageChanged, wire.EventContactScoreChanged,
		wire.EventContactStageChanged, wire.EventSignalQualified,
	} {
		c.signalRows += 1 + len(c.subscribed[name])
	}
	for i := range d.Webhooks {
		if f := wire.FilterOf(&d.Webhooks[i]); f != nil {
			c.filters[d.Webhooks[i].ID] = f
		}
	}
	for name, t := range d.Types {
		c.types.Store(name, t.ID)
	}
	return c, nil
}

// ReadsSignal says whether qualifying a record reads a signal.
func (c *Compiled) ReadsSignal() bool { return c.fit.Reads().Signal }

// holds says whether signals of a type leave their record unqualified until somebody asks (S3-24).
func (c *Compiled) holds(typ string) bool { return c.Definitions.Settings[typ].Held }

// era is that of the scoring in force.
func (c *Compiled) era() int64 { return c.Definitions.Scoring.Era }

// Learn remembers types that a committed turn has made, so that later inputs need not ask for them.
func (c *Compiled) Learn(types []signalbox.SignalType) {
	for _, t := range types {
		if t.Workspace == c.Definitions.Workspace.ID {
			c.types.Store(t.Name, t.ID)
		}
	}
}

// Webhook returns a webhook of these definitions, nil when there is none.
func (c *Compiled) Webhook(id signalbox.WebhookID) *signalbox.Webhook {
	for i := range c.Definitions.Webhooks {
		if c.Definitions.Webhooks[i].ID == id {
			return &c.Definitions.Webhooks[i]
		}
	}
	return nil
}

// Input is one thing to decide on; exactly one of its pointers is set.
type Input struct {
	Workspace signalbox.WorkspaceID
	APIKey    signalbox.KeyID // whose limits count it; 0 for none
	Act       *signalbox.Act  // not nil: by whom it is asked; the inputs of one import share it

	Signal  *signalbox.SignalInput
	Account *AccountAct
	Contact *ContactAct
	Merge   *MergeAct
	Undo    *signalbox.ImportedRow // of an import that is undone
	Due     signalbox.EntityID     // a record that time alone may have changed
	Last    *signalbox.Signal      // of Due: the record's last signal, where qualifying it reads one
	Refit   bool                   // of Due: it is qualified anew
	Linked  *LinkedAct
	Sync    *signalbox.SyncSlice
	Qualify *signalbox.Signal // whose record is qualified now, whether it was held or not
}

// AccountAct is a person's act on an account: a patch, its erasure, or a row of an import.
type AccountAct struct {
	ID    signalbox.AccountID
	Patch signalbox.AccountPatch
	Erase bool
	Row   *signalbox.AccountRow // not nil: the account is the one that the row names, and the row says what is patched
}

// ContactAct is a person's act on a contact: a patch, its erasure, or a row of an import.
type ContactAct struct {
	ID    signalbox.ContactID
	Patch signalbox.ContactPatch
	Erase bool
	Row   *signalbox.ContactRow // not nil: the contact is the one that the row names, and the row says what is patched
}

// Prepared is an input that was checked and normalised under one version of its workspace's definitions.
type Prepared struct {
	Input
	By *Compiled

	subject identity.Subject
	named   bool             // a contact's row names its account itself
	typeID  signalbox.TypeID // 0: not seen when it was prepared
	answer  signalbox.AnswerKey
	capture signalbox.AnswerKey // by what a capture is known
	emits   []*Prepared         // of a slice: the signals of its changes
	rows    int                 // of a slice: a bound of what saving it writes
	emitted bool                // it is the signal of a change: nobody sent it
}

// Prepare checks an input and normalises what it says of people and companies. Its errors are signalbox.Errors that name the field.
func (c *Compiled) Prepare(in Input) (p Prepared, err error) {
	p = Prepared{Input: in, By: c}
	switch {
	case in.Signal != nil:
		return c.prepareSignal(p)
	case in.Account != nil && in.Account.Row != nil:
		p.subject, err = identity.ResolveAccount(c.rules, *in.Account.Row)
	case in.Contact != nil && in.Contact.Row != nil:
		p.subject, p.named, err = identity.ResolveContact(c.rules, *in.Contact.Row)
	case in.Linked != nil && in.Linked.Link != nil:
		err = in.Linked.Link.Check()
	case in.Sync != nil:
		c.prepareSync(&p)
	}
	return p, err
}

func (c *Compiled) prepareSignal(p Prepared) (Prepared, error) {
	in := p.Input
	subject, err := identity.Resolve(c.rules, *in.Signal)
	if err != nil {
		if in.Signal.Capture {
			err = asCapture(err)
		}
		return p, err
	}
	if c.Definitions.Workspace.RequireIdentity && subject.AccountDomain == "" && subject.EmailMatch == "" && subject.LinkedIn == "" {
		return p, signalbox.InvalidField("contact.email", "this workspace requires account.domain or contact.email to tell whom a signal is about")
	}
	p.subject = subject
	if id, ok := c.types.Load(in.Signal.Type); ok {
		p.typeID = id.(signalbox.TypeID)
	}
	switch {
	case in.Signal.Capture:
		if err := c.declared(in.Signal.Type); err != nil {
			return p, err
		}
		p.capture = captureKey(&p)
	case in.Signal.IdempotencyKey != "":
		p.answer = answerKey(in.Workspace, in.Signal.IdempotencyKey)
	}
	return p, nil
}

// AnswerKey names the answer kept for the input's idempotency key; false when it has none.
func (p *Prepared) AnswerKey() (signalbox.AnswerKey, bool) {
	return p.answer, p.answer != signalbox.AnswerKey{}
}

func answerKey(ws signalbox.WorkspaceID, key string) signalbox.AnswerKey {
	sum := sha256.Sum256([]byte(key))
	return signalbox.AnswerKey{Workspace: ws, Key: [16]byte(sum[:16])}
}

// Rows is a bound of how many rows saving the input's decision can write: turns are filled by it.
func (p *Prepared) Rows() int {
	if p.Merge != nil {
		return signalbox.MaxMerged + 3
	}
	switch {
	case p.Sync != nil:
		return p.rows
	case p.Linked != nil:
		return 3 + 3*signalbox.MaxStreams + len(p.By.Definitions.Webhooks) // a stream's end, its due row and its job
	}
	if p.Signal == nil {
		return 10 // a contact's row: it, its account, and the keys of both
	}
	return p.By.signalRows
}
