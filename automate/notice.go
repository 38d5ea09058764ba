package automate

import (
	"encoding/json"
	"fmt"
	"strings"

	"signalbox"
	"signalbox/expr"
)

// NoticeType is a type of signals that notifications are shipped for (contract section 11, V-22): what such a signal is called, and what is said of one.
type NoticeType struct {
	Name        string // of the signals' type
	Label       string // for people
	Title       string // of a notice, before " at " and the account
	Description string // of a notice, where the signal does not describe itself
}

// noticeTypes are in the order in which they are shown.
var noticeTypes = []NoticeType{
	{"account_personnel_change", "Account personnel change", "Account personnel change", "Somebody in a key role at the account has come, gone or moved."},
	{"organization_personnel_change", "Organization personnel change", "Personnel change on your side", "Somebody of your own organization who looks after the account has come, gone or moved."},
	{"commercial_discussion", "Commercial discussion", "Commercial discussion", "Prices, terms or a purchase are being talked about."},
	{"renewal", "Renewal", "Renewal", "The renewal is being talked about, or is near."},
	{"churn_notification", "Churn notification", "Churn notification", "The account has said that it will leave."},
	{"churn_risk", "Churn risk", "Churn risk", "Something that the account has done or said points to its leaving."},
	{"highly_positive_message", "Highly positive message", "Highly positive message", "The account has sent a message that is full of praise."},
	{"extremely_negative_message", "Extremely negative message", "Extremely negative message", "The account has sent a message that is full of anger or disappointment."},
	{"executive_touch_base", "Executive touch-base", "Executive touch-base", "An executive was in touch with the account."},
	{"stakeholder_title_changed", "Stakeholder title changed", "Stakeholder title changed", "A stakeholder at the account has another title."},
	{"no_reach_out", "No reach-out", "No reach-out", "Nobody has reached out to the account for a while."},
	{"roles_not_defined", "Roles not defined", "Roles not defined", "It is not said who at the account decides, pays or uses."},
	{"account_dark", "Account dark", "Account gone dark", "The account has not answered for a while."},
}

// NoticeTypes lists the types of signals that notifications are shipped for. The list is the caller's own.
func NoticeTypes() []NoticeType { return append([]NoticeType(nil), noticeTypes...) }

// The types of notifications, as the API names them, with the triggers that they stand for.
var notificationTypes = []struct {
	name string
	on   signalbox.TriggerType
}{
	{"signal", signalbox.OnSignal}, {"record_changed", signalbox.OnRecord}, {"score_threshold", signalbox.OnScore}, {"stage", signalbox.OnStage}, {"audience", signalbox.OnAudience},
}

// NotificationTrigger is the trigger that a type of notifications stands for; false: there is no such type.
func NotificationTrigger(name string) (signalbox.TriggerType, bool) {
	for _, one := range notificationTypes {
		if one.name == name {
			return one.on, true
		}
	}
	return "", false
}

// NotificationType is what the API calls a notification with a trigger; "" for one that a notification cannot have.
func NotificationType(on signalbox.TriggerType) string {
	for _, one := range notificationTypes {
		if one.on == on {
			return one.name
		}
	}
	return ""
}

// Preset is the automation that a notification stands for: it has no id, name or version yet.
func Preset(n *signalbox.Notification) signalbox.Automation {
	a := signalbox.Automation{Notification: n, Trigger: n.Trigger}
	if strings.TrimSpace(n.AccountFilter) != "" {
		a.Conditions = []string{n.AccountFilter}
	}
	for _, d := range n.Destinations {
		a.Actions = append(a.Actions, signalbox.Action{Type: d.Type, Webhook: d.Webhook, WebhookURL: d.WebhookURL, To: d.To})
	}
	return a
}

// readyNotification checks a notification and compiles what it stands for.
func readyNotification(a *signalbox.Automation) (*entry, error) {
	n := a.Notification
	if NotificationType(n.Trigger.Type) == "" {
		return nil, signalbox.InvalidField("type", "type must be signal, record_changed, score_threshold, stage or audience")
	}
	e := &entry{a: Preset(n)}
	e.a.ID, e.a.Version, e.a.Name, e.a.Enabled = a.ID, a.Version, a.Name, a.Enabled
	if err := e.trigger(""); err != nil {
		return nil, err
	}
	for _, when := range e.a.Conditions {
		p, err := expr.Compile(when, expr.Options{Use: expr.ForRecord})
		if err != nil {
			return nil, badExpression("account_filter", err)
		}
		e.when = append(e.when, p)
	}
	if k := len(n.Destinations); k < 1 || k > MaxActions {
		return nil, signalbox.InvalidField("destinations", "destinations must be 1 to %d, and there are %d", MaxActions, k)
	}
	for i := range e.a.Actions {
		if err := checkDestination(&n.Destinations[i], fmt.Sprintf("destinations[%d].", i)); err != nil {
			return nil, err
		}
		e.actions = append(e.actions, &action{Action: &e.a.Actions[i]})
	}
	e.types = e.startedBy()
	return e, nil
}

func checkDestination(d *signalbox.Destination, at string) error {
	has := map[string]bool{"webhook_id": d.Webhook != 0, "webhook_url": d.WebhookURL != "", "to": d.To != ""}
	field, ok := map[signalbox.ActionType]string{signalbox.ActNotify: "webhook_id", signalbox.ActSlack: "webhook_url", signalbox.ActEmail: "to"}[d.Type]
	if !ok {
		return signalbox.InvalidField(at+"type", "%stype must be webhook, slack or email", at)
	}
	for _, name := range []string{"webhook_id", "webhook_url", "to"} {
		switch {
		case name == field && !has[name]:
			return signalbox.InvalidField(at+name, "%s%s is required", at, name)
		case name != field && has[name]:
			return signalbox.InvalidField(at+name, "%s%s: a destination of this type has %s alone", at, name, field)
		}
	}
	if d.Type == signalbox.ActEmail {
		return checkTo(d.To, at+"to")
	}
	return nil
}

// said is what a notification says of what happened.
func said(t *signalbox.Trigger, h *Happening, f *expr.Facts) *signalbox.Said {
	whose, standing := company(h, f), 0
	switch {
	case h.Of == signalbox.ContactRecord && f.Contact != nil:
		whose, standing = person(h, f), f.Contact.Score
	case f.Account != nil:
		standing = f.Account.Score
	}
	if whose == "" {
		whose = "Somebody unknown"
	}
	n := &signalbox.Said{Type: NotificationType(t.Type)}
	switch {
	case h.What == Received && h.Signal != nil:
		return saidOfSignal(h, f)
	case h.What == Scored:
		n.Title = fmt.Sprintf("%s reached a score of %d", whose, h.To)
		if h.To < h.From {
			n.Title = fmt.Sprintf("%s fell to a score of %d", whose, h.To)
		}
		n.Description = fmt.Sprintf("The score went from %d to %d; the threshold is %d.", h.From, h.To, t.Threshold)
	case h.What == Staged:
		n.Title = fmt.Sprintf("%s is now %s", whose, h.Enters)
		n.Description = fmt.Sprintf("The stage was %s before; the score is %d.", h.Left, standing)
	case h.What == Moved:
		does := "left"
		if h.Entered {
			does = "entered"
		}
		name := h.AudienceName
		if name == "" {
			name = "an audience"
		}
		n.Title = fmt.Sprintf("%s %s %s", whose, does, name)
		n.Description = fmt.Sprintf("The score is %d.", standing)
	case h.What == Changed:
		n.Title = fmt.Sprintf("%s: a record was %s", h.RecordType, h.Change)
		if n.Description = "It is a record of a linked account."; h.Provider != "" {
			n.Description = fmt.Sprintf("It is a record of the linked account with %s.", h.Provider)
		}
	default:
		n.Title = h.Name()
	}
	return n
}

// saidOfSignal is what is said of a signal: in its own words where its properties have some.
func saidOfSignal(h *Happening, f *expr.Facts) *signalbox.Said {
	n := &signalbox.Said{Type: h.Signal.Type, Title: titleOf(h.Signal.Type)}
	for i := range noticeTypes {
		if noticeTypes[i].Name == h.Signal.Type {
			n.Title, n.Description = noticeTypes[i].Title, noticeTypes[i].Description
		}
	}
	if whose := company(h, f); whose != "" {
		n.Title += " at " + whose
	}
	if own := described(h.Signal.Properties); own != "" {
		n.Description = own
	}
	if n.Description == "" {
		n.Description = "A signal of the type " + h.Signal.Type + " was received from " + h.Signal.Source + "."
	}
	return n
}

// titleOf writes a type of signals for people: "Demo requested".
func titleOf(typ string) string {
	words := strings.Join(strings.FieldsFunc(typ, func(r rune) bool { return r == '_' || r == '-' || r == '.' || r == ' ' }), " ")
	if words == "" {
		return typ
	}
	first := []rune(words)
	return strings.ToUpper(string(first[0])) + string(first[1:])
}

// maxDescription bounds what is taken of a signal's own description, in characters.
const maxDescription = 1000

// described is what a signal says of itself: the first text of description, summary and message among its properties; "" for none.
func described(properties []byte) string {
	var all map[string]any
	if len(properties) == 0 || json.Unmarshal(properties, &all) != nil {
		return ""
	}
	for _, name := range []string{"description", "summary", "message"} {
		if text, ok := all[name].(string); ok && strings.TrimSpace(text) != "" {
			if r := []rune(text); len(r) > maxDescription {
				return string(r[:maxDescription-1]) + "…"
			}
			return text
		}
	}
	return ""
}

// company is what an account is called, or whom there is in its place; "" where nobody is known.
func company(h *Happening, f *expr.Facts) string {
	switch {
	case f.Account != nil && f.Account.Name != "":
		return f.Account.Name
	case f.Account != nil && f.Account.Domain != "":
		return f.Account.Domain
	}
	return person(h, f)
}

// person is what a contact is called.
func person(h *Happening, f *expr.Facts) string {
	switch {
	case h.Contact != nil && h.Contact.FullName() != "":
		return h.Contact.FullName()
	case f.Contact != nil && f.Contact.Email != "":
		return f.Contact.Email
	case f.Contact != nil && f.Contact.LinkedInURL != "":
		return f.Contact.LinkedInURL
	}
	return ""
}

// slackNotice is a notice as Slack shows it.
func slackNotice(n *signalbox.Said, url string) string {
	text := "*" + escapeSlack(headline(n.Title)) + "*"
	if n.Description != "" {
		text += "\n" + escapeSlack(n.Description)
	}
	if url != "" {
		text += "\n" + url
	}
	return text
}

// Rehearsal is what a test of a notification or an automation is made with (S2-20): what would start it, as if it had happened to a record that somebody chose. The
// signal of one that waits for signals has the type that is waited for, names its source as a test, and has no id.
func (m *Model) Rehearsal(id signalbox.AutomationID, account *signalbox.Account, contact *signalbox.Contact, f *expr.Facts) (Matched, *Happening, bool) {
	e := m.find(id)
	if e == nil {
		return Matched{}, nil, false
	}
	t := &e.a.Trigger
	h := &Happening{What: Named, Event: t.Event, Account: account, Contact: contact, Of: t.Of}
	switch t.Type {
	case signalbox.OnScore:
		if h.What, h.From, h.To = Scored, t.Threshold-1, t.Threshold; t.Direction == signalbox.Below {
			h.From, h.To = h.To, h.From
		}
	case signalbox.OnStage:
		h.What, h.Left, h.Enters = Staged, "Warm", t.Stage
		if h.Enters == "" {
			h.Enters = "Hot"
		}
		if h.Enters == h.Left {
			h.Left = "Cool"
		}
	case signalbox.OnAudience:
		h.What, h.Audience, h.Entered = Moved, t.Audience, t.On == signalbox.Enters
	case signalbox.OnRecord:
		if h.What, h.API, h.RecordType, h.Change = Changed, "hris", t.RecordType, t.Change; t.Change == "" {
			h.Change = "updated"
		}
	case signalbox.OnFit:
		h.What, h.Fit = Qualified, signalbox.Qualified{ICP: t.ICP, ICPScore: 100, Persona: t.Persona}
		if t.ICP == "" {
			h.Fit.ICP = "Test"
		}
	}
	if (*triggered)(t).signals() || t.Type == signalbox.OnFit {
		e.rehearseSignal(h, f)
	}
	return Matched{e}, h, true
}

// rehearseSignal makes up a signal, and has the facts know it.
func (e *entry) rehearseSignal(h *Happening, f *expr.Facts) {
	typ := "test"
	if len(e.types) > 0 {
		typ = e.types[0]
	}
	if h.What == Named {
		h.What = Received
	}
	h.Signal = &signalbox.Signal{Type: typ, Source: "test", Properties: []byte(`{}`), OccurredAt: f.Now, CreatedAt: f.Now}
	f.Signal = &expr.Signal{Type: typ, Source: "test", Context: h.Signal.Properties, OccurredAt: f.Now, CreatedAt: f.Now}
}
