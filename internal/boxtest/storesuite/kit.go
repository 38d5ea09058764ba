package storesuite

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/store"
)

// Start is when a Box begins.
var Start = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

// Box is a database with a workspace in it, and hands that put things there as intake would: through Decide.
type Box struct {
	*testing.T
	DB    *store.DB
	IDs   *signalbox.IDs
	Now   time.Time // the clock; tests move it forward only
	WS    signalbox.WorkspaceID
	Lease signalbox.Lease
}

// NewBox joins a database as its node and makes a workspace.
func NewBox(t *testing.T, db *store.DB, at time.Time) *Box {
	t.Helper()
	b := &Box{T: t, DB: db, IDs: signalbox.NewIDs(0), Now: at}
	var err error
	b.Lease, err = db.JoinNode(t.Context(), "suite", b.Now)
	b.Must(err)
	b.WS = b.NewWorkspace("acme")
	return b
}

// Must ends the test on an error.
func (b *Box) Must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// WantCode ends the test unless err has a code.
func (b *Box) WantCode(err error, want signalbox.Code) {
	b.Helper()
	if got := signalbox.CodeOf(err); got != want {
		b.Fatalf("error %v: code %q, want %q", err, got, want)
	}
}

// WantNoSuch ends the test unless err says that there is no such thing.
func (b *Box) WantNoSuch(err error, thing string) {
	b.Helper()
	var e *signalbox.Error
	if !errors.As(err, &e) || e.Code != signalbox.NotFound || e.Thing != thing || e.Msg != "no such "+thing {
		b.Fatalf("error %v, want: no such %s", err, thing)
	}
}

// ID makes the next id.
func (b *Box) ID() int64 { return b.IDs.Next(b.Now) }

// NewWorkspace adds a workspace.
func (b *Box) NewWorkspace(name string) signalbox.WorkspaceID {
	b.Helper()
	w := signalbox.Workspace{
		ID: signalbox.WorkspaceID(b.ID()), Name: name, Timezone: "UTC", Retention: signalbox.Retention{EventDays: signalbox.DefaultEventDays},
		CreatedAt: b.Now, UpdatedAt: b.Now,
	}
	b.Must(b.DB.CreateWorkspace(b.Context(), w))
	return w.ID
}

// NewWebhook adds a push webhook, or what edit makes of it.
func (b *Box) NewWebhook(edit ...func(*signalbox.Webhook)) signalbox.Webhook {
	b.Helper()
	w := signalbox.Webhook{
		ID: signalbox.WebhookID(b.ID()), Workspace: b.WS, Kind: signalbox.KindPush, URL: "https://example.com/hook", Events: []string{"*"},
		Format: signalbox.FormatStairoids, SealedSecret: []byte("sealed"), MaxInFlight: signalbox.DefaultMaxInFlight, Enabled: true,
		Revision: 1, CreatedAt: b.Now, UpdatedAt: b.Now,
	}
	for _, e := range edit {
		e(&w)
	}
	b.Must(b.DB.CreateWebhook(b.Context(), w))
	return w
}

// Pull makes a webhook one that is read by its feed.
func Pull(w *signalbox.Webhook) { w.Kind, w.URL = signalbox.KindPull, "" }

// NewKey adds an API key.
func (b *Box) NewKey(name string) signalbox.APIKey {
	b.Helper()
	k := signalbox.APIKey{
		ID: signalbox.KeyID(b.ID()), Workspace: b.WS, Name: name, Scope: signalbox.ScopeWrite, Hint: "abcd", Hash: sha256.Sum256([]byte(name)),
		CreatedAt: b.Now,
	}
	b.Must(b.DB.CreateKey(b.Context(), k))
	return k
}

// NewJob adds a job.
func (b *Box) NewJob(kind signalbox.JobKind, subject int64) signalbox.Job {
	b.Helper()
	j := signalbox.Job{ID: signalbox.JobID(b.ID()), Workspace: b.WS, Kind: kind, Status: signalbox.JobQueued, Subject: subject, CreatedAt: b.Now, UpdatedAt: b.Now}
	b.Must(b.DB.CreateJob(b.Context(), j))
	return j
}

// RunJob runs a job to its end and says how many slices that took.
func (b *Box) RunJob(job signalbox.JobID) (j signalbox.Job, slices int) {
	b.Helper()
	for !j.Ended() {
		var err error
		before := j.Done
		j, err = b.DB.RunSlice(b.Context(), b.WS, job, b.IDs, b.Now)
		b.Must(err)
		if n := j.Done - before; slices > 0 && n > signalbox.SliceRows {
			b.Fatalf("a slice touched %d rows, at most %d", n, signalbox.SliceRows)
		}
		if slices++; slices > 1000 {
			b.Fatalf("job does not end: %+v", j)
		}
	}
	return j, slices
}

// decide saves what one turn decides; its rows raise the head.
func (b *Box) decide(need signalbox.Need, fn func(*signalbox.Situation) *signalbox.Decision) {
	b.Helper()
	need.Workspaces = []signalbox.WorkspaceID{b.WS}
	b.Must(b.DB.Decide(b.Context(), func() signalbox.Need { return need }, func(s *signalbox.Situation) (*signalbox.Decision, error) {
		d := fn(s)
		head := s.Heads[b.WS]
		head.LastID = max(head.LastID, b.ID())
		head.Types += int64(len(d.Types))
		d.Heads = map[signalbox.WorkspaceID]signalbox.Head{b.WS: head}
		return d, nil
	}))
}

// NewAccount adds an account that its domain names.
func (b *Box) NewAccount(domain, name string) signalbox.Account {
	b.Helper()
	a := signalbox.Account{ID: signalbox.AccountID(b.ID()), Workspace: b.WS, Domain: domain, Name: name, Revision: 1, CreatedAt: b.Now, UpdatedAt: b.Now}
	b.decide(signalbox.Need{}, func(*signalbox.Situation) *signalbox.Decision {
		return &signalbox.Decision{
			Accounts: []signalbox.Written[signalbox.Account]{{Row: &a, New: true}},
			Keys:     []signalbox.NewKey{{RecordKey: b.DomainKey(domain), Entity: signalbox.EntityID(a.ID)}},
		}
	})
	return a
}

// DomainKey names an account of the workspace.
func (b *Box) DomainKey(domain string) signalbox.RecordKey {
	return signalbox.RecordKey{Workspace: b.WS, Kind: signalbox.KeyDomain, Value: domain}
}

// EmailKey names a contact of the workspace.
func (b *Box) EmailKey(email string) signalbox.RecordKey {
	return signalbox.RecordKey{Workspace: b.WS, Kind: signalbox.KeyEmail, Value: strings.ToLower(email)}
}

// NewContact adds a contact that its e-mail names.
func (b *Box) NewContact(acc signalbox.AccountID, email, first, last string) signalbox.Contact {
	b.Helper()
	c := signalbox.Contact{
		ID: signalbox.ContactID(b.ID()), Workspace: b.WS, Account: acc, Email: email, FirstName: first, LastName: last, Revision: 1,
		CreatedAt: b.Now, UpdatedAt: b.Now,
	}
	b.decide(signalbox.Need{}, func(*signalbox.Situation) *signalbox.Decision {
		return &signalbox.Decision{
			Contacts: []signalbox.Written[signalbox.Contact]{{Row: &c, New: true}},
			Keys:     []signalbox.NewKey{{RecordKey: b.EmailKey(email), Entity: signalbox.EntityID(c.ID)}},
		}
	})
	return c
}

// Sent is a signal to put in and whom its event goes to.
type Sent struct {
	Type, Source, Properties, Body string
	Account                        signalbox.AccountID
	Contact                        signalbox.ContactID
	To                             []signalbox.Webhook
	Request                        *signalbox.Request // of what an automation sends: its event, not the signal's
}

// Caused is what a Sent became.
type Caused struct {
	Signal     signalbox.SignalID
	Event      signalbox.EventID
	Deliveries []signalbox.DeliveryID
}

// Send puts signals in, each with the event and the free deliveries that it causes, in one turn.
func (b *Box) Send(list ...Sent) []Caused {
	b.Helper()
	var need signalbox.Need
	for i := range list {
		if list[i].Type == "" {
			list[i].Type = "page_visit"
		}
		need.Types = append(need.Types, signalbox.TypeKey{Workspace: b.WS, Name: list[i].Type})
		if list[i].Account != 0 {
			need.Accounts = append(need.Accounts, list[i].Account)
		}
		if list[i].Contact != 0 {
			need.Contacts = append(need.Contacts, list[i].Contact)
		}
	}
	var out []Caused
	b.decide(need, func(s *signalbox.Situation) *signalbox.Decision {
		d := &signalbox.Decision{}
		touched := map[signalbox.EntityID]*signalbox.EntityState{}
		for i := range list {
			out = append(out, b.fold(s, d, touched, &list[i]))
		}
		for _, st := range touched {
			d.States = append(d.States, st)
		}
		return d
	})
	return out
}

// fold adds one signal to a decision.
func (b *Box) fold(s *signalbox.Situation, d *signalbox.Decision, touched map[signalbox.EntityID]*signalbox.EntityState, in *Sent) Caused {
	key := signalbox.TypeKey{Workspace: b.WS, Name: in.Type}
	if s.Types[key] == 0 {
		y := signalbox.SignalType{ID: signalbox.TypeID(b.ID()), Workspace: b.WS, Name: in.Type, CreatedAt: b.Now}
		d.Types = append(d.Types, y)
		s.Types[key] = y.ID
	}
	g := signalbox.Signal{
		ID: signalbox.SignalID(b.ID()), Workspace: b.WS, TypeID: s.Types[key], Source: in.Source, Account: in.Account, Contact: in.Contact,
		OccurredAt: b.Now, CreatedAt: b.Now,
	}
	if in.Properties != "" {
		g.Properties = []byte(in.Properties)
	}
	g.PrevAccount = b.extend(s, touched, signalbox.EntityID(in.Account), g.ID)
	g.PrevContact = b.extend(s, touched, signalbox.EntityID(in.Contact), g.ID)
	c := Caused{Signal: g.ID}
	if len(in.To) > 0 {
		body := []byte(in.Body)
		if in.Body == "" {
			body = fmt.Appendf(nil, `{"event":"signal.created","n":%d}`, g.ID)
		}
		e := signalbox.Event{
			ID: signalbox.EventID(b.ID()), Workspace: b.WS, Name: "signal.created", Signal: g.ID, Account: in.Account, Contact: in.Contact,
			Bodies: signalbox.Bodies{Stairoids: body, Standard: body}, CreatedAt: b.Now,
		}
		if c.Event = e.ID; in.Request != nil {
			e.Name, e.Request, e.Bodies = signalbox.EventActionTriggered, in.Request, signalbox.Bodies{Stairoids: []byte(in.Body)}
		}
		for _, w := range in.To {
			n := b.newDelivery(&e, &w)
			e.CausedTo = int64(n.ID)
			d.Deliveries = append(d.Deliveries, n)
			c.Deliveries = append(c.Deliveries, n.ID)
		}
		g.CausedTo = e.CausedTo
		d.Events = append(d.Events, e)
	}
	d.Signals = append(d.Signals, g)
	return c
}

// newDelivery is what deciding makes for a webhook: free and due, skipped when it is disabled, unread when it is pulled from.
func (b *Box) newDelivery(e *signalbox.Event, w *signalbox.Webhook) signalbox.NewDelivery {
	n := signalbox.NewDelivery{Delivery: signalbox.Delivery{
		ID: signalbox.DeliveryID(b.ID()), Workspace: b.WS, Webhook: w.ID, Event: e.ID, EventName: e.Name, State: signalbox.Pending, DueAt: b.Now,
		CreatedAt: b.Now,
	}}
	switch {
	case !w.Enabled:
		n.State, n.Reason, n.DueAt, n.DoneAt = signalbox.Skipped, signalbox.ReasonDisabled, time.Time{}, b.Now
	case w.Kind == signalbox.KindPull:
		n.Reason, n.DueAt = signalbox.ReasonPull, time.Time{}
	}
	return n
}

// extend puts a signal at the head of a record's timeline and answers the one before it.
func (b *Box) extend(s *signalbox.Situation, touched map[signalbox.EntityID]*signalbox.EntityState, e signalbox.EntityID, g signalbox.SignalID) signalbox.SignalID {
	if e == 0 {
		return 0
	}
	st := s.States[e]
	if st == nil {
		st = &signalbox.EntityState{Entity: e, Workspace: b.WS, New: true}
		s.States[e] = st
	}
	prev := st.LastSignal
	st.LastSignal, st.LastSignalAt = g, b.Now
	st.Signals++
	touched[e] = st
	return prev
}

// Claim leases what is due of a webhook.
func (b *Box) Claim(w signalbox.WebhookID, limit int) signalbox.Claimed {
	b.Helper()
	c, err := b.DB.Claim(b.Context(), b.Lease, b.WS, w, limit, b.Now)
	b.Must(err)
	return c
}

// Settle saves one outcome, with an attempt that got a status and an answer.
func (b *Box) Settle(r signalbox.Ready, state signalbox.DeliveryState, reason string, dueAt time.Time, status int, answer string) {
	b.Helper()
	ok, err := b.DB.Settle(b.Context(), []signalbox.Settlement{{
		Delivery: r.ID, Workspace: b.WS, Webhook: r.Webhook, Lease: r.Lease, State: state, Reason: reason, Attempts: r.Attempts + 1, DueAt: dueAt,
		Attempt: &signalbox.Attempt{
			ID: signalbox.AttemptID(b.ID()), Workspace: b.WS, Delivery: r.ID, At: b.Now, Duration: 3 * time.Millisecond, RemoteAddr: "192.0.2.1:443",
			StatusCode: status, Headers: fmt.Appendf(nil, `{"X-Answer":%q}`, answer), Body: []byte(answer), Manual: r.Manual != nil,
		},
	}})
	b.Must(err)
	if !ok[0] {
		b.Fatalf("delivery %d was not settled", r.ID)
	}
}

// Delivery reads a delivery.
func (b *Box) Delivery(dlv signalbox.DeliveryID) signalbox.DeliveryView {
	b.Helper()
	v, err := b.DB.Delivery(b.Context(), b.WS, dlv)
	b.Must(err)
	return v
}
