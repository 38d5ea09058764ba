package automate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/automate"
	"signalbox/expr"
)

// notify is a notification that goes everywhere.
func notify(t signalbox.Trigger, filter string) signalbox.Automation {
	return signalbox.Automation{ID: 7, Name: "Renewal Risk Escalation", Enabled: true, Notification: &signalbox.Notification{
		Trigger: t, AccountFilter: filter, Destinations: []signalbox.Destination{
			{Type: signalbox.ActNotify, Webhook: 41}, {Type: signalbox.ActSlack, WebhookURL: slack().WebhookURL}, {Type: signalbox.ActEmail, To: "cs@acme.com"},
		},
	}}
}

// proves S2-2, S2-16…S2-18: a notification is an automation with a preset
func TestPreset_IsTheAutomationThatANotificationStandsFor(t *testing.T) {
	t.Parallel()
	n := notify(signalbox.Trigger{Type: signalbox.OnSignal, SignalType: "account_personnel_change"}, `account.status == "active"`)
	got := automate.Preset(n.Notification)
	want := signalbox.Automation{Notification: n.Notification, Trigger: n.Notification.Trigger, Conditions: []string{`account.status == "active"`}, Actions: []signalbox.Action{
		{Type: signalbox.ActNotify, Webhook: 41}, {Type: signalbox.ActSlack, WebhookURL: slack().WebhookURL}, {Type: signalbox.ActEmail, To: "cs@acme.com"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	h, f := received("account_personnel_change", `{}`)
	if m := compile(t, n); len(m.Match(h, f, nil)) != 1 {
		t.Error("it is not started")
	}
	f.Account.Status = "lost"
	if m := compile(t, n); len(m.Match(h, f, nil)) != 0 {
		t.Error("the filter keeps nothing out")
	}
}

// proves S2-18 and S2-21 with the texts of contract section 11
func TestRun_ANotificationSaysWhatHappened(t *testing.T) {
	t.Parallel()

	personnel := func(typ, properties string) *automate.Happening { h, _ := received(typ, properties); return h }
	nobody := personnel("churn_risk", `{}`)
	nobody.Account, nobody.Contact = nil, nil
	ofContact := scored(contacts, 39, 42)
	ofContact.Contact = &signalbox.Contact{ID: 13, Email: "jane@acme.com", FirstName: "Jane"}
	for _, c := range []struct {
		name    string
		trigger T
		h       *automate.Happening
		want    signalbox.Said
	}{
		{"a shipped type", T{Type: signalbox.OnSignal, SignalType: "account_personnel_change"}, personnel("account_personnel_change", `{}`),
			signalbox.Said{Type: "account_personnel_change", Title: "Account personnel change at Acme <Corp>", Description: "Somebody in a key role at the account has come, gone or moved."}},
		{"a signal that describes itself", T{Type: signalbox.OnSignal, SignalType: "churn_risk"}, personnel("churn_risk", `{"description":" ","summary":"They asked for an export."}`),
			signalbox.Said{Type: "churn_risk", Title: "Churn risk at Acme <Corp>", Description: "They asked for an export."}},
		{"another type", T{Type: signalbox.OnSignal, SignalType: "demo_requested"}, personnel("demo_requested", `[1]`),
			signalbox.Said{Type: "demo_requested", Title: "Demo requested at Acme <Corp>", Description: "A signal of the type demo_requested was received from website."}},
		{"about nobody", T{Type: signalbox.OnSignal, SignalType: "churn_risk"}, nobody,
			signalbox.Said{Type: "churn_risk", Title: "Churn risk", Description: "Something that the account has done or said points to its leaving."}},
		{"a score that rises", T{Type: signalbox.OnScore, Of: accounts, Threshold: 70, Direction: signalbox.Above}, scored(accounts, 64, 71),
			signalbox.Said{Type: "score_threshold", Title: "acme.com reached a score of 71", Description: "The score went from 64 to 71; the threshold is 70."}},
		{"a score that falls", T{Type: signalbox.OnScore, Of: accounts, Threshold: 70, Direction: signalbox.Below}, scored(accounts, 71, 64),
			signalbox.Said{Type: "score_threshold", Title: "acme.com fell to a score of 64", Description: "The score went from 71 to 64; the threshold is 70."}},
		{"a contact's score", T{Type: signalbox.OnScore, Of: contacts, Threshold: 40, Direction: signalbox.Above}, ofContact,
			signalbox.Said{Type: "score_threshold", Title: "Jane reached a score of 42", Description: "The score went from 39 to 42; the threshold is 40."}},
		{"a stage", T{Type: signalbox.OnStage, Of: accounts, Stage: "Hot"}, staged(accounts, "In-market", "Hot"),
			signalbox.Said{Type: "stage", Title: "acme.com is now Hot", Description: "The stage was In-market before; the score is 71."}},
		{"an audience that is entered", T{Type: signalbox.OnAudience, Audience: 5, On: signalbox.Enters}, moved(5, true),
			signalbox.Said{Type: "audience", Title: "acme.com entered Ready to talk", Description: "The score is 71."}},
		{"an audience that is left", T{Type: signalbox.OnAudience, Audience: 5, On: signalbox.Leaves}, moved(5, false),
			signalbox.Said{Type: "audience", Title: "acme.com left Ready to talk", Description: "The score is 71."}},
		{"a record", T{Type: signalbox.OnRecord, RecordType: "employees"}, changed("employees", "deleted"),
			signalbox.Said{Type: "record_changed", Title: "employees: a record was deleted", Description: "It is a record of the linked account with bamboohr."}},
	} {
		r := run(t, notify(c.trigger, ""), c.h, factsOf(c.h))
		if diff := cmp.Diff(&c.want, r.Notice); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
			continue
		}
		if r.Actions[0].Webhook != 41 || r.Actions[0].Type != signalbox.ActNotify || r.Actions[0].Failed != "" {
			t.Errorf("%s: %+v", c.name, r.Actions[0])
		}
		escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
		var message struct{ Text string }
		if err := json.Unmarshal(r.Actions[1].Body, &message); err != nil ||
			message.Text != "*"+escape.Replace(c.want.Title)+"*\n"+escape.Replace(c.want.Description)+"\nhttps://box.example/accounts/acc_12" {
			t.Errorf("%s: Slack is told %q, %v", c.name, message.Text, err)
		}
		if x := r.Actions[2]; x.To != "cs@acme.com" || x.Subject != c.want.Title || x.Text != c.want.Description+"\n\nhttps://box.example/accounts/acc_12\n" {
			t.Errorf("%s: the email is %+v", c.name, x)
		}
	}
}

func TestRecheck_AThrottledNotificationSaysWhatHadHappened(t *testing.T) {
	t.Parallel()
	a := notify(signalbox.Trigger{Type: signalbox.OnScore, Of: accounts, Threshold: 70, Direction: signalbox.Above}, "")
	h := scored(accounts, 64, 71)
	m := compile(t, a)
	kept := m.Run(m.Match(h, factsOf(h), nil)[0], automate.Claimed{Runs: true, Throttled: true}, h, factsOf(h), with(h, &a))
	got := m.Recheck(kept, factsOf(h), with(h, &a))
	if got.Status != signalbox.RunDone || got.Actions[2].Subject != "acme.com reached a score of 71" {
		t.Errorf("%+v", got)
	}
	kept.Notice = nil
	if got := m.Recheck(kept, factsOf(h), with(h, &a)); got.Actions[2].Subject != "Renewal Risk Escalation" {
		t.Errorf("without its words: %+v", got.Actions[2])
	}
}

// proves V-22: the shipped types are those of contract section 11
func TestNoticeTypes_AreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	var names []string
	for _, n := range automate.NoticeTypes() {
		names = append(names, n.Name)
		if n.Label == "" || n.Title == "" || !strings.HasSuffix(n.Description, ".") || signalbox.TypeName(n.Label) != n.Name {
			t.Errorf("%+v", n)
		}
	}
	want := []string{"account_personnel_change", "organization_personnel_change", "commercial_discussion", "renewal", "churn_notification", "churn_risk", "highly_positive_message",
		"extremely_negative_message", "executive_touch_base", "stakeholder_title_changed", "no_reach_out", "roles_not_defined", "account_dark"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestNotificationType_GoesBothWays(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"signal", "record_changed", "score_threshold", "stage", "audience"} {
		if on, ok := automate.NotificationTrigger(name); !ok || automate.NotificationType(on) != name {
			t.Errorf("%s is %s, %t", name, on, ok)
		}
	}
	if on, ok := automate.NotificationTrigger("qualified"); ok || automate.NotificationType(signalbox.OnFit) != "" {
		t.Errorf("qualified is %s", on)
	}
}

// proves S2-20: a test is made for an account that somebody chooses, whatever the filter says
func TestRehearsal_StartsWhatItIsATestOf(t *testing.T) {
	t.Parallel()

	account := &signalbox.Account{ID: 12, Domain: "acme.com"}
	for name, a := range map[string]signalbox.Automation{
		"a signal": onSignal("churn_risk"), "any signal": on(event("signal.created")), "a signal of a condition": on(event("signal.scored"), `signal.type == "x"`),
		"a score above": on(T{Type: signalbox.OnScore, Of: accounts, Threshold: 70, Direction: signalbox.Above}), "a score below": on(T{Type: signalbox.OnScore, Of: accounts, Threshold: 1, Direction: signalbox.Below}),
		"a stage": on(T{Type: signalbox.OnStage, Of: accounts, Stage: "Hot"}), "any stage": on(T{Type: signalbox.OnStage, Of: accounts}),
		"entering": on(T{Type: signalbox.OnAudience, Audience: 5, On: signalbox.Enters}), "leaving": on(T{Type: signalbox.OnAudience, Audience: 5, On: signalbox.Leaves}),
		"a fit": on(T{Type: signalbox.OnFit, Persona: "VP"}), "a record": on(T{Type: signalbox.OnRecord, RecordType: "employees"}),
		"an event": on(event("audience.entered")), "an event of a record": on(event("hris_employees.updated")), "an event of a fit": on(event("signal.qualified")),
		"a notification": notify(T{Type: signalbox.OnSignal, SignalType: "renewal"}, `account.status == "nobody"`),
	} {
		m := compile(t, a)
		f := &expr.Facts{Now: now, Account: &expr.Account{Domain: "acme.com"}}
		x, h, ok := m.Rehearsal(7, account, nil, f)
		if !ok {
			t.Errorf("%s: there is none", name)
			continue
		}
		for _, reason := range m.Run(x, automate.Claimed{Runs: true}, h, f, with(h, &a)).Reasons {
			if reason.Outcome == signalbox.Unmet && !strings.Contains(reason.Clause, "nobody") {
				t.Errorf("%s: %+v", name, reason)
			}
		}
	}
	if _, _, ok := compile(t, onSignal("a")).Rehearsal(8, account, nil, &expr.Facts{}); ok {
		t.Error("one that there is not is tested")
	}
}
