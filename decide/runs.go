package decide

import (
	"time"

	"signalbox"
	"signalbox/automate"
	"signalbox/expr"
	"signalbox/wire"
)

// MaxSent is how many signals automations send at most for one input, with all that those set off: a chain is at most signalbox.MaxDepth long, and may be wide.
const MaxSent = 64

// sourceAutomation is where a signal is from that an automation has sent.
const sourceAutomation = "automation"

// Why an action cannot be done. What is said is shown to people.
const (
	noLane     = "it has nowhere to be sent from: save the automation again"
	noReceiver = "there is no such webhook any more"
	manySent   = "automations have already sent the most signals that may come of one thing"
)

// with is what a run is made with.
func (f *fold) with(in *Prepared, id signalbox.RunID, a *signalbox.Automation, h *automate.Happening, b *expr.Budget) automate.With {
	return automate.With{
		Workspace: in.Workspace, ID: id, Text: f.env.Codec.Format(signalbox.KindRun, int64(id)), URL: f.page(h.Account), Budget: b,
		Body: func() []byte {
			return wire.AppendAction(nil, &wire.ActionInfo{
				Codec: f.env.Codec, Automation: a.ID, Name: a.Name, TriggeredAt: f.env.Now, Account: h.Account, Contact: h.Contact, Signal: h.Signal,
			})
		},
	}
}

// page is an account's in the dashboard; "": there is none.
func (f *fold) page(a *signalbox.Account) string {
	if a == nil || f.env.Dashboard == "" {
		return ""
	}
	return f.env.Dashboard + "/accounts/" + f.env.Codec.Format(signalbox.KindAccount, int64(a.ID))
}

// made saves a run and does what it came to.
func (f *fold) made(in *Prepared, r *signalbox.Run, h *automate.Happening, isNew bool) {
	f.out.Runs = append(f.out.Runs, signalbox.Written[signalbox.Run]{Row: r, New: isNew})
	switch r.Status {
	case signalbox.RunWaiting:
		f.runAt(in, r.ID, r.Due)
	case signalbox.RunDone:
		f.perform(in, r, h)
	}
}

// runAt has a run go on at a moment; the zero time: never.
func (f *fold) runAt(in *Prepared, id signalbox.RunID, at time.Time) {
	f.out.Due = append(f.out.Due, signalbox.Due{Kind: signalbox.DueRun, Subject: int64(id), Workspace: in.Workspace, At: at})
}

// perform does the actions of a run, and tells of it. What changes records or sends signals is done behind all else that the input makes happen.
func (f *fold) perform(in *Prepared, r *signalbox.Run, h *automate.Happening) {
	done := 0
	for i := range r.Actions {
		x := &r.Actions[i]
		if x.Failed == "" {
			f.do(in, r, x, h)
		}
		if x.Failed == "" {
			done++
		}
	}
	if done == 0 {
		r.Status = signalbox.RunStopped
		return
	}
	if told := f.tell(in, event{name: wire.EventAutomationTriggered, signal: h.Signal, account: h.Account, contact: h.Contact, run: r}); told != 0 {
		r.Events = append(r.Events, told)
	}
}

func (f *fold) do(in *Prepared, r *signalbox.Run, x *signalbox.Rendered, h *automate.Happening) {
	switch x.Type {
	case signalbox.ActNotify:
		f.notify(in, r, x, h)
	case signalbox.ActUpdate:
		f.queue = append(f.queue, derived{in: f.update(in, r, x), action: x, run: r})
	case signalbox.ActSignal:
		f.sendSignal(in, r, x, h)
	default:
		f.send(in, r, x)
	}
}

// fails says of an action why it was not done, and of its run too.
func fails(r *signalbox.Run, x *signalbox.Rendered, why string) {
	*x = signalbox.Rendered{Step: x.Step, Type: x.Type, Key: x.Key, Failed: why}
	r.Reasons = append(r.Reasons, signalbox.Reason{Clause: "actions", Value: why, Outcome: signalbox.Unmet})
}

// send makes an event of an action that goes out, and its delivery by the automation's own lane. What is in the event is not kept with the run.
func (f *fold) send(in *Prepared, r *signalbox.Run, x *signalbox.Rendered) {
	lane := in.By.Webhook(signalbox.WebhookID(r.Automation))
	if lane == nil || lane.Kind != signalbox.KindAction {
		fails(r, x, noLane)
		return
	}
	e := f.eventOf(in, r, wire.EventActionTriggered)
	e.Request = &signalbox.Request{Type: x.Type, URL: x.URL, Headers: x.Headers, Key: x.Key, To: x.To, Subject: x.Subject}
	body := x.Body
	switch x.Type {
	case signalbox.ActWebhook:
		e.Request.Method = x.Method
	case signalbox.ActEmail:
		body = []byte(x.Text)
		if len(body) == 0 {
			body = []byte("\n") // a body of no bytes is that of an event that was erased
		}
	}
	e.Bodies.Set(lane.Format, body)
	f.deliverAlone(in, r, x, e, lane)
	x.Body, x.Text, x.Headers = nil, "", nil
	if x.Type == signalbox.ActSlack {
		x.URL = "" // whoever has it can post
	}
}

// notify makes the event of a notification and its delivery to the webhook that it names (S2-16, S2-17).
func (f *fold) notify(in *Prepared, r *signalbox.Run, x *signalbox.Rendered, h *automate.Happening) {
	to := in.By.Webhook(x.Webhook)
	if to == nil {
		fails(r, x, noReceiver)
		return
	}
	e := f.eventOf(in, r, wire.EventNotification)
	n := &wire.Notice{ID: int64(r.Automation), URL: f.page(h.Account)}
	if a := in.By.Definitions.Automation(r.Automation); a != nil {
		n.Name = a.Name
	}
	if said := r.Notice; said != nil {
		n.Type, n.Title, n.Description = said.Type, said.Title, said.Description
	}
	if h.Account != nil {
		st := f.stands(h.Account)
		n.Status, n.Score, n.Stage = h.Account.Status, &st.told, st.stage
	}
	info := wire.EventInfo{
		Codec: f.env.Codec, Event: e.ID, Workspace: e.Workspace, CreatedAt: e.CreatedAt, OccurredAt: r.At, Signal: h.Signal, Account: h.Account, Contact: h.Contact, Notice: n,
	}
	if h.Signal != nil && h.What == automate.Received {
		info.OccurredAt = h.Signal.OccurredAt
	}
	e.Bodies.Set(to.Format, wire.Freeze(to.Format, wire.EventNotification, info))
	f.deliverAlone(in, r, x, e, to)
}

// eventOf begins an event that a run sends.
func (f *fold) eventOf(in *Prepared, r *signalbox.Run, name string) *signalbox.Event {
	return &signalbox.Event{
		ID: signalbox.EventID(f.mint(in.Workspace)), Workspace: in.Workspace, Name: name, Signal: r.Signal, Account: r.Account, Contact: r.Contact, CreatedAt: f.env.Now,
	}
}

// deliverAlone sends an event of a run to one webhook, whatever that subscribes to.
func (f *fold) deliverAlone(in *Prepared, r *signalbox.Run, x *signalbox.Rendered, e *signalbox.Event, to *signalbox.Webhook) {
	f.out.Deliveries = append(f.out.Deliveries, f.deliver(to, e))
	e.CausedTo = f.last[in.Workspace]
	f.out.Events = append(f.out.Events, *e)
	x.Event = e.ID
	r.Events = append(r.Events, e.ID)
}

// derived is an input that an action makes: it is decided when the one that the action is of, and what that set off before, is.
type derived struct {
	in      Prepared
	action  *signalbox.Rendered
	run     *signalbox.Run
	account *signalbox.Account // of a signal: whom it is about, as far as it is about anybody
	contact *signalbox.Contact
}

// update is the input that an update makes: the record is changed as by hand, and what that changes lies one deeper than the run.
func (f *fold) update(in *Prepared, r *signalbox.Run, x *signalbox.Rendered) Prepared {
	actor := signalbox.Actor{Type: signalbox.ActorAutomation, ID: int64(r.Automation)}
	if a := in.By.Definitions.Automation(r.Automation); a != nil {
		actor.Name = a.Name
	}
	p := Prepared{Input: Input{Workspace: in.Workspace, Act: &signalbox.Act{Actor: actor, At: f.env.Now}}, By: in.By, depth: r.Depth + 1}
	if x.Entity == signalbox.ContactRecord {
		p.Contact = &ContactAct{ID: r.Contact, Patch: signalbox.ContactPatch{Attributes: x.Attributes}}
		return p
	}
	p.Account = &AccountAct{ID: r.Account, Patch: signalbox.AccountPatch{Attributes: x.Attributes}}
	if x.Name != "" {
		p.Account.Patch.Name = &x.Name
	}
	if x.Status != "" {
		p.Account.Patch.Status = &x.Status
	}
	return p
}

// sendSignal has a signal decided that an action sends, about those whom the signal is about that started its run, or whom that happened to.
func (f *fold) sendSignal(in *Prepared, r *signalbox.Run, x *signalbox.Rendered, h *automate.Happening) {
	if f.sent >= MaxSent {
		fails(r, x, manySent)
		return
	}
	f.sent++
	d := derived{run: r, action: x, account: h.Account, contact: h.Contact, in: Prepared{
		Input: Input{Workspace: in.Workspace, Signal: &signalbox.SignalInput{Type: x.SignalType, Source: sourceAutomation, Properties: x.Properties}}, By: in.By, depth: r.Depth + 1,
	}}
	if s := h.Signal; s != nil { // the very records, also where another one stands for them
		if a := f.now.Accounts[s.Account]; a != nil && f.topAccount(a) == h.Account {
			d.account = a
		}
		if c := f.now.Contacts[s.Contact]; c != nil && f.topContact(c) == h.Contact {
			d.contact = c
		}
	}
	if id, ok := in.By.types.Load(x.SignalType); ok {
		d.in.typeID = id.(signalbox.TypeID)
	}
	f.queue = append(f.queue, d)
}

// followUp decides what actions made of the input, and what that sets off, in the order in which it was asked for.
func (f *fold) followUp() {
	for len(f.queue) > 0 {
		d := f.queue[0]
		f.queue = f.queue[1:]
		var out Outcome
		if d.in.Signal != nil {
			out.Err = f.derivedSignal(&d)
		} else {
			f.decide(&d.in, &out)
		}
		if out.Err != nil {
			fails(d.run, d.action, out.Err.Error())
		}
		f.startAll(&d.in)
	}
}

// derivedSignal decides a signal that an automation has sent. It counts against no limit of the doors: how many there are is bounded by what set them off.
func (f *fold) derivedSignal(d *derived) error {
	typeID, isNew, err := f.typeOf(&d.in)
	if err != nil {
		return err
	}
	if isNew {
		typeID = f.newType(&d.in)
	}
	s, _ := f.store(&d.in, typeID, d.account, d.contact)
	d.action.Signal = s.ID
	return nil
}

// runDue goes on with a run that waited. What it was started by is what is known of it now: of a record that was erased meanwhile nothing is done.
func (f *fold) runDue(in *Prepared, out *Outcome) {
	r := f.now.Runs[in.Run]
	if r == nil || r.Workspace != in.Workspace || r.Status != signalbox.RunWaiting {
		f.runAt(in, in.Run, time.Time{})
		return
	}
	if out.Next = r.Due; f.env.Now.Before(r.Due) {
		f.runAt(in, r.ID, r.Due)
		return
	}
	out.Next = time.Time{}
	f.runAt(in, r.ID, time.Time{})
	h := automate.Happening{Signal: f.now.Signals[r.Signal], Depth: r.Depth, Of: r.Of}
	if r.Happened == wire.EventSignalCreated {
		h.What = automate.Received
	}
	if a := f.topAccount(f.now.Accounts[r.Account]); a != nil && !a.Gone() {
		h.Account = a
	}
	if c := f.topContact(f.now.Contacts[r.Contact]); c != nil && !c.Gone() {
		h.Contact = c
	}
	if r.Account != 0 && h.Account == nil || r.Contact != 0 && h.Contact == nil {
		r.Status, r.Due, r.Notice = signalbox.RunStopped, time.Time{}, nil
		r.Reasons = []signalbox.Reason{{Clause: "record", Value: "whom it is about was erased while it waited", Outcome: signalbox.Unmet}}
		f.made(in, r, &h, false)
		return
	}
	if h.Account != nil {
		r.Account = h.Account.ID
	}
	if h.Contact != nil {
		r.Contact = h.Contact.ID
	}
	q := question{budget: expr.NewBudget(followBudget)}
	a := in.By.Definitions.Automation(r.Automation)
	if a == nil {
		a = &signalbox.Automation{}
	}
	*r = in.By.automations.Recheck(*r, f.facts(in, &h, &q), f.with(in, r.ID, a, &h, q.budget))
	f.made(in, r, &h, false)
}
