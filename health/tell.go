package health

import (
	"fmt"
	"strings"
	"time"

	"signalbox"
	"signalbox/wire"
)

// teller makes events and mails of the notices of one workspace.
type teller struct {
	codec     *signalbox.Codec
	now       time.Time
	workspace *signalbox.Workspace
	to        []string // of mails
	url       string
}

// events are the events that notices become.
var events = map[signalbox.NoticeKind]string{
	signalbox.NoticeFailing: wire.EventWebhookFailing, signalbox.NoticeRecovered: wire.EventWebhookRecovered,
	signalbox.NoticeDisabled: wire.EventWebhookDisabled, signalbox.NoticeFailed: wire.EventDeliveryFailed,
}

// tell makes the event of a notice with a delivery for every webhook that subscribes to it, but not for the one that it is about; and a mail to each
// administrator where something must be done.
func (t *teller) tell(hooks []signalbox.Webhook, n signalbox.Told, next func() int64) (out signalbox.Telling) {
	e := signalbox.Event{Workspace: n.Workspace, Name: events[n.Kind], CreatedAt: t.now}
	info := wire.EventInfo{
		Codec: t.codec, Workspace: n.Workspace, CreatedAt: t.now, Webhook: n.About, Delivery: n.Delivery, Since: n.Since, Reason: n.Reason,
	}
	for i := range hooks {
		w := &hooks[i]
		if w.ID == n.Webhook || !w.Takes(e.Name) || w.CreatedAt.After(n.At) { // nothing is sent of the past
			continue
		}
		if e.ID == 0 {
			e.ID = signalbox.EventID(next())
			info.Event = e.ID
		}
		if e.Bodies.Of(w.Format) == nil {
			e.Bodies.Set(w.Format, wire.Freeze(w.Format, e.Name, info))
		}
		if f := wire.FilterOf(w); f != nil && !f.Takes(wire.Record(w.Format, e.Bodies.Of(w.Format))) {
			continue
		}
		d := signalbox.Born(w, &e, signalbox.DeliveryID(next()), t.now)
		e.CausedTo = int64(d.ID)
		out.Deliveries = append(out.Deliveries, signalbox.NewDelivery{Delivery: d})
	}
	if e.ID != 0 {
		out.Events = []signalbox.Event{e}
	}
	subject, body := t.letter(&n)
	for _, to := range t.to {
		if subject != "" {
			out.Mails = append(out.Mails, signalbox.Mail{ID: signalbox.MailID(next()), Workspace: n.Workspace, To: to, Subject: subject, Body: body, CreatedAt: t.now})
		}
	}
	return out
}

// letter is what administrators are written of a notice; "" for what needs nobody.
func (t *teller) letter(n *signalbox.Told) (subject, body string) {
	name := line(n.About.Title())
	if n.About.Kind == signalbox.KindAction {
		return t.actionLetter(n, name)
	}
	link := t.url + "/settings/webhooks/" + t.codec.Format(signalbox.KindWebhook, int64(n.Webhook))
	switch {
	case n.Kind == signalbox.NoticeFailing:
		return fmt.Sprintf("[%s] Webhook %s is failing", line(t.workspace.Name), name),
			fmt.Sprintf("Every delivery to the webhook %s has failed since %s.\n\nThey are tried again on its schedule, and it is disabled after %d days without a delivery. What was answered, and a test:\n%s\n",
				name, when(n.Since), signalbox.DisableDays, link)
	case n.Kind == signalbox.NoticeRecovered:
		return fmt.Sprintf("[%s] Webhook %s has recovered", line(t.workspace.Name), name),
			fmt.Sprintf("The webhook %s is delivered to again. It had failed since %s.\n\nWhat has no attempt left can be sent again under Delivery Log, Recover:\n%s\n", name, when(n.Since), link)
	case n.Kind == signalbox.NoticeDisabled && n.Reason != "manual":
		return fmt.Sprintf("[%s] Webhook %s was disabled", line(t.workspace.Name), name),
			fmt.Sprintf("The webhook %s was disabled on %s: %s.\n\nEvents that happen meanwhile are kept. Enable it when its receiver is well, then send what it missed under Delivery Log, Recover:\n%s\n",
				name, when(n.At), why(n.Reason), link)
	}
	return "", ""
}

// actionLetter is what they are written of what an automation sends.
func (t *teller) actionLetter(n *signalbox.Told, name string) (subject, body string) {
	link := t.url + "/automations/" + t.codec.Format(signalbox.KindAutomation, int64(n.Webhook)) // its webhook has its number
	workspace := line(t.workspace.Name)
	switch {
	case n.Kind == signalbox.NoticeFailing:
		return fmt.Sprintf("[%s] What automation %s sends is failing", workspace, name),
			fmt.Sprintf("Everything that the automation %s sends has failed since %s.\n\nIt is tried again on its schedule, and nothing more is sent after %d days without a success. What was answered:\n%s\n",
				name, when(n.Since), signalbox.DisableDays, link)
	case n.Kind == signalbox.NoticeRecovered:
		return fmt.Sprintf("[%s] What automation %s sends arrives again", workspace, name),
			fmt.Sprintf("What the automation %s sends arrives again. It had failed since %s.\n\nWhat has no attempt left can be sent again:\n%s\n", name, when(n.Since), link)
	case n.Kind == signalbox.NoticeDisabled && n.Reason != "manual":
		return fmt.Sprintf("[%s] Automation %s sends nothing any more", workspace, name),
			fmt.Sprintf("What the automation %s sends was disabled on %s: %s.\n\nIt goes on running, and what it would send is kept. Enable it again when its receivers are well, then send what they missed:\n%s\n",
				name, when(n.At), why(n.Reason), link)
	}
	return "", ""
}

// why puts a reason into words.
func why(reason string) string {
	switch reason {
	case signalbox.ReasonFailing:
		return fmt.Sprintf("nothing could be delivered to it for %d days", signalbox.DisableDays)
	case "gone_410":
		return "its receiver answered 410 Gone"
	}
	return strings.ReplaceAll(reason, "_", " ")
}

func when(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// line makes a text fit for one line of a mail's head.
func line(s string) string {
	const most = 80
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}
