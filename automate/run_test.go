package automate_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox"
	"signalbox/automate"
	"signalbox/expr"
	"signalbox/strictjson"
	"signalbox/wire"
)

// with is what runs are made with; the body of a webhook action is the one that wire freezes.
func with(h *automate.Happening, a *signalbox.Automation) automate.With {
	return automate.With{Workspace: 1, ID: 99, Text: "run_99", URL: "https://box.example/accounts/acc_12", Body: func() []byte {
		return wire.AppendAction(nil, &wire.ActionInfo{
			Codec: signalbox.NewCodec([16]byte{1}), Automation: a.ID, Name: a.Name, TriggeredAt: now, Account: h.Account, Contact: h.Contact, Signal: h.Signal,
		})
	}}
}

// run matches, claims and runs the one automation of a model.
func run(t testing.TB, a signalbox.Automation, h *automate.Happening, f *expr.Facts) signalbox.Run {
	t.Helper()
	m := compile(t, a)
	list := m.Match(h, f, nil)
	if len(list) != 1 {
		t.Fatalf("%d automations are started, want 1", len(list))
	}
	return m.Run(list[0], automate.Claimed{Runs: true}, h, f, with(h, &a))
}

// only renders one action.
func only(t testing.TB, x signalbox.Action, properties string) signalbox.Rendered {
	t.Helper()
	h, f := received("form_submit", properties)
	r := run(t, acts(onSignal("form_submit"), x), h, f)
	if len(r.Actions) != 1 {
		t.Fatalf("%d actions, want 1", len(r.Actions))
	}
	return r.Actions[0]
}

// proves S0-7, S0-8 and S0-30…S0-38 through the room: an action without a body sends what S0 shows
func TestRun_AWebhookActionWithoutABodySendsWhatS0Shows(t *testing.T) {
	t.Parallel()
	h, f := received("product_trial_started", `{"plan":"pro_trial","trial_ends_at":"2024-09-15T00:00:00Z","invited_by":"sales_outreach"}`)
	a := onSignal("product_trial_started")
	r := run(t, a, h, f)
	w := with(h, &a)
	want := []signalbox.Rendered{{Step: 1, Type: signalbox.ActWebhook, Key: "run_99/1", URL: "https://example.com/hook", Method: "POST", Body: w.Body()}}
	if diff := cmp.Diff(want, r.Actions); diff != "" {
		t.Error(diff)
	}
	var body map[string]any
	if err := json.Unmarshal(r.Actions[0].Body, &body); err != nil || body["event"] != "automation.action_triggered" || body["automation_name"] != "High-intent trial → notify sales" {
		t.Errorf("%v, %v", body, err)
	}
	got := r
	got.Actions, got.Reasons = nil, nil
	if diff := cmp.Diff(signalbox.Run{ID: 99, Workspace: 1, Automation: 7, Version: 3, Signal: 11, Account: 12, Contact: 13, Happened: "signal.created", At: now, Status: signalbox.RunDone}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]signalbox.Reason{{Clause: `signal.type == "product_trial_started"`, Value: "signal.type is product_trial_started", Outcome: signalbox.Met}}, r.Reasons); diff != "" {
		t.Error(diff)
	}
}

func TestRun_TheBodyIsFrozenOnceForAllActions(t *testing.T) {
	t.Parallel()
	h, f := received("a", `{}`)
	m := compile(t, acts(onSignal("a"), hook(), hook(), slack()))
	frozen := 0
	r := m.Run(m.Match(h, f, nil)[0], automate.Claimed{Runs: true}, h, f, automate.With{Body: func() []byte { frozen++; return []byte(`{}`) }})
	if frozen != 1 || string(r.Actions[1].Body) != `{}` || r.Actions[1].Key != "" {
		t.Errorf("frozen %d times, %+v", frozen, r.Actions[1])
	}
}

func TestRun_AddressesHoldValuesAsOnePart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, url, properties, want, failed string }{
		{"a plain value", "https://example.com/c/{{ properties.x }}/n", `{"x":"a1"}`, "https://example.com/c/a1/n", ""},
		{"a number", "https://example.com/c/{{ properties.x }}", `{"x":12}`, "https://example.com/c/12", ""},
		{"marks", "https://example.com/c/{{ properties.x }}", `{"x":"a/b?c#d e%2f&=@é"}`, "https://example.com/c/a%2Fb%3Fc%23d%20e%252f%26%3D%40%C3%A9", ""},
		{"a line end", "https://example.com/c/{{ properties.x }}", `{"x":"a\r\nHost: evil"}`, "https://example.com/c/a%0D%0AHost%3A%20evil", ""},
		{"a query", "https://example.com/?q={{ properties.x }}&r=1", `{"x":"a&r=2"}`, "https://example.com/?q=a%26r%3D2&r=1", ""},
		{"missing in the query", "https://example.com/?q={{ properties.y }}&r=1", `{}`, "https://example.com/?q=&r=1", ""},
		{"missing in the path", "https://example.com/c/{{ properties.y }}", `{}`, "", "a part of the path is missing"},
		{"a step up", "https://example.com/c/{{ properties.x }}/n", `{"x":".."}`, "", "would lead elsewhere"},
		{"a step up of two values", "https://example.com/c/{{ properties.x }}{{ properties.x }}/n", `{"x":"."}`, "", "would lead elsewhere"},
		{"dots within a part", "https://example.com/c/{{ properties.x }}.json", `{"x":".."}`, "https://example.com/c/...json", ""},
		{"a long value", "https://example.com/c/{{ properties.x }}", `{"x":"` + strings.Repeat("é", 400) + `"}`, "", "longer than 2,048 bytes"},
	} {
		x := hook()
		x.URL = c.url
		got := only(t, x, c.properties)
		if got.URL != c.want || !strings.Contains(got.Failed, c.failed) || (got.Failed == "") != (c.failed == "") {
			t.Errorf("%s: %q, %q, want %q, %q", c.name, got.URL, got.Failed, c.want, c.failed)
		}
	}
}

func TestRun_ABodyOfItsOwnIsRendered(t *testing.T) {
	t.Parallel()
	x := hook()
	x.Method, x.Headers = "PATCH", []signalbox.Header{{Name: "X-Key", Sealed: []byte{1}}}
	x.Body = []byte(`{"who":"{{ contact.email }}","n":"{{ properties.n }}","all":"{{ properties }}","none":"{{ properties.none }}","text":"<{{ account.name }}>"}`)
	got := only(t, x, `{"n":1.50,"q":"\""}`)
	want := signalbox.Rendered{Step: 1, Type: signalbox.ActWebhook, Key: "run_99/1", URL: hook().URL, Method: "PATCH", Headers: x.Headers,
		Body: []byte(`{"who":"jane@acme.com","n":1.5,"all":{"n":1.5,"q":"\""},"none":null,"text":"<Acme <Corp>>"}`)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRun_SlackMentionsNobodyThatAValueNames(t *testing.T) {
	t.Parallel()
	x := slack()
	x.Text = "<!here> *{{ account.name }}*: {{ properties.x }} <https://box.example|open>"
	x.Blocks = []byte(`[{"type":"section","text":{"type":"mrkdwn","text":"<@U1> {{ properties.x }}"},"accessory":{"type":"image","image_url":"https://e.example/?a=1&b={{ properties.u }}","alt_text":"{{ properties.x }}"}},` +
		`{"type":"context","elements":"{{ properties.list }}"},{"type":"actions","elements":[{"type":"button","url":"{{ properties.u }}"}]}]`)
	got := only(t, x, `{"x":"<!channel> & co","u":"x&y","list":[{"type":"mrkdwn","text":"<!everyone>"}]}`)
	want := `{"text":"<!here> *Acme &lt;Corp&gt;*: &lt;!channel&gt; &amp; co <https://box.example|open>","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"<@U1> &lt;!channel&gt; &amp; co"},` +
		`"accessory":{"type":"image","image_url":"https://e.example/?a=1&b=x&y","alt_text":"&lt;!channel&gt; &amp; co"}},{"type":"context","elements":[{"text":"&lt;!everyone&gt;","type":"mrkdwn"}]},` +
		`{"type":"actions","elements":[{"type":"button","url":"x&y"}]}]}`
	if diff := cmp.Diff(want, string(got.Body)); diff != "" {
		t.Error(diff)
	}
	if got.URL != x.WebhookURL || got.Method != "POST" || got.Key != "run_99/1" {
		t.Errorf("%+v", got)
	}
}

func TestRun_AnEmailsSubjectIsOneLine(t *testing.T) {
	t.Parallel()
	x := email()
	x.Subject, x.Text = "Hi {{ properties.x }}", "Dear\r\n{{ properties.x }}"
	got := only(t, x, `{"x":"a\r\nBcc: evil@example.com\u0085\u2028b"}`)
	if got.To != "sales@acme.com" || got.Subject != "Hi a Bcc: evil@example.com b" || got.Text != "Dear\r\na\r\nBcc: evil@example.com\u0085\u2028b" {
		t.Errorf("%+v", got)
	}
	long := only(t, x, `{"x":"`+strings.Repeat("é", 300)+`"}`)
	if n := len([]rune(long.Subject)); n != automate.MaxSubject || !strings.HasSuffix(long.Subject, "é…") {
		t.Errorf("%d characters", n)
	}
	x.Subject = "{{ properties.none }}"
	if empty := only(t, x, `{}`); !strings.Contains(empty.Failed, "subject would be empty") || empty.To != "" {
		t.Errorf("%+v", empty)
	}
}

func TestRun_AnUpdateLeavesAloneWhatIsMissing(t *testing.T) {
	t.Parallel()
	x := update()
	x.Attributes = []byte(`{"plan":"{{ properties.plan }}","seats":"{{ properties.seats }}","old":null,"nested":{"a":"{{ properties.none }}"},"fixed":[1]}`)
	x.Status, x.Name = " {{ properties.status }} ", "{{ properties.none }}"
	got := only(t, x, `{"plan":"pro","status":"customer"}`)
	want := signalbox.Rendered{Step: 1, Type: signalbox.ActUpdate, Key: "run_99/1", Entity: accounts, Status: "customer",
		Attributes: []byte(`{"plan":"pro","old":null,"nested":{"a":null},"fixed":[1]}`)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	x = update()
	if got := only(t, x, `{}`); !strings.Contains(got.Failed, "nothing to set") {
		t.Errorf("%+v", got)
	}
	if got := only(t, x, `{"plan":"`+strings.Repeat("x", signalbox.MaxAttributes)+`"}`); !strings.Contains(got.Failed, "longer than 65536") {
		t.Errorf("%.100v", got.Failed)
	}
	x.Name = "{{ properties.plan }}"
	if got := only(t, x, `{"plan":"`+strings.Repeat("x", signalbox.MaxName+1)+`"}`); !strings.Contains(got.Failed, "longer than 200") {
		t.Errorf("%.100v", got.Failed)
	}
	h, f := received("form_submit", `{"plan":"pro"}`)
	h.Account, f.Account = nil, nil
	r := run(t, acts(onSignal("form_submit"), update()), h, f)
	if r.Status != signalbox.RunStopped || !strings.Contains(r.Actions[0].Failed, "no such record") {
		t.Errorf("an update of nobody: %+v", r)
	}
}

func TestRun_ASignalIsAboutWhatStartedIt(t *testing.T) {
	t.Parallel()
	got := only(t, emit("lead_ready"), `{}`)
	want := signalbox.Rendered{Step: 1, Type: signalbox.ActSignal, Key: "run_99/1", SignalType: "lead_ready", Properties: []byte(`{"from":"form_submit"}`)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRun_AtTheEndOfAChainNothingMoreIsSentOrChanged(t *testing.T) {
	t.Parallel()
	for depth := range signalbox.MaxDepth + 2 {
		h, f := received("a", `{"plan":"pro"}`)
		h.Depth = depth
		r := run(t, acts(onSignal("a"), hook(), emit("b"), update()), h, f)
		ends := depth >= signalbox.MaxDepth
		if r.Depth != depth || r.Status != signalbox.RunDone || r.Actions[0].Failed != "" {
			t.Errorf("depth %d: %+v", depth, r)
		}
		for _, one := range r.Actions[1:] {
			if (one.Failed != "") != ends || ends && !strings.Contains(one.Failed, "chain of 4") {
				t.Errorf("depth %d: %+v", depth, one)
			}
		}
		if said := r.Reasons[len(r.Reasons)-1].Clause == "depth"; said != ends {
			t.Errorf("depth %d: the reasons are %+v", depth, r.Reasons)
		}
		if r := run(t, acts(onSignal("a"), emit("b")), h, f); (r.Status == signalbox.RunStopped) != ends {
			t.Errorf("depth %d: with nothing else to do it is %s", depth, r.Status)
		}
	}
}

func TestRun_OneThatCannotBeMadeKeepsTheOthersFromNothing(t *testing.T) {
	t.Parallel()
	bad := hook()
	bad.URL = "https://example.com/{{ properties.none }}"
	h, f := received("a", `{}`)
	r := run(t, acts(onSignal("a"), bad, slack()), h, f)
	if r.Status != signalbox.RunDone || r.Actions[0].Failed == "" || r.Actions[1].Failed != "" || r.Actions[1].Step != 2 || r.Actions[1].Key != "run_99/2" {
		t.Errorf("%+v", r)
	}
	if r := run(t, acts(onSignal("a"), bad), h, f); r.Status != signalbox.RunStopped {
		t.Errorf("%+v", r)
	}
}

func TestRun_ThrottledDoesNothingAndSaysWhy(t *testing.T) {
	t.Parallel()
	a := onSignal("a")
	a.PerHour, a.Delay = 1, time.Hour
	m := compile(t, a)
	h, f := received("a", `{}`)
	var pace automate.Pace
	x := m.Match(h, f, nil)[0]
	m.Claim(x, automate.Claims{Pace: &pace}, now)
	r := m.Run(x, m.Claim(x, automate.Claims{Pace: &pace}, now), h, f, with(h, &a))
	if r.Status != signalbox.RunThrottled || r.Actions != nil || !r.Due.IsZero() || r.Reasons[len(r.Reasons)-1].Value != "throttled: 1 run this hour" {
		t.Errorf("%+v", r)
	}
	if r = m.Recheck(r, f, with(h, &a)); r.Status != signalbox.RunDone || len(r.Actions) != 1 {
		t.Errorf("let go on: %+v", r)
	}
}

func TestRecheck_AWaitingRunAsksItsConditionsAgain(t *testing.T) {
	t.Parallel()
	a := onSignal("a", `account.stage == "In-market"`)
	a.Delay = 24 * time.Hour
	m := compile(t, a)
	h, f := received("a", `{"x":1}`)
	waits := m.Run(m.Match(h, f, nil)[0], automate.Claimed{Runs: true}, h, f, with(h, &a))
	if waits.Status != signalbox.RunWaiting || !waits.Due.Equal(now.Add(24*time.Hour)) || waits.Actions != nil {
		t.Fatalf("%+v", waits)
	}
	f.Now = waits.Due
	done := m.Recheck(waits, f, with(h, &a))
	if done.Status != signalbox.RunDone || !done.Due.IsZero() || len(done.Actions) != 1 || done.ID != waits.ID || !done.At.Equal(now) || len(done.Reasons) != 1 {
		t.Errorf("they hold: %+v", done)
	}
	f.Signal.Type = "another" // the trigger is not asked again
	if done := m.Recheck(waits, f, with(h, &a)); done.Status != signalbox.RunDone {
		t.Errorf("the trigger is asked again: %+v", done)
	}
	f.Account.Stage = "Cool"
	stops := m.Recheck(waits, f, with(h, &a))
	want := []signalbox.Reason{{Clause: `account.stage == "In-market"`, Value: `account.stage is "Cool", not == "In-market"`, Outcome: signalbox.Unmet}}
	if diff := cmp.Diff(want, stops.Reasons); diff != "" || stops.Status != signalbox.RunStopped || stops.Actions != nil {
		t.Errorf("they do not: %s %s", stops.Status, diff)
	}
}

func TestRecheck_GoesByTheAutomationAsItIsNow(t *testing.T) {
	t.Parallel()
	a := acts(onSignal("a"), slack())
	a.Delay = time.Hour
	h, f := received("a", `{}`)
	m := compile(t, a)
	waits := m.Run(m.Match(h, f, nil)[0], automate.Claimed{Runs: true}, h, f, with(h, &a))
	corrected := a
	corrected.Version, corrected.Actions = 4, []signalbox.Action{slack()}
	corrected.Actions[0].Text = "corrected"
	got := compile(t, corrected).Recheck(waits, f, with(h, &a))
	if string(got.Actions[0].Body) != `{"text":"corrected"}` || got.Reasons[0].Clause != "version" || !strings.Contains(got.Reasons[0].Value, "version 3 is now 4") {
		t.Errorf("%+v", got)
	}
	off := a
	off.Enabled = false
	if got := compile(t, off).Recheck(waits, f, with(h, &a)); got.Status != signalbox.RunStopped || got.Reasons[0].Value != "disabled" || got.Actions != nil {
		t.Errorf("%+v", got)
	}
	other := a
	other.ID = 8
	if got := compile(t, other).Recheck(waits, f, with(h, &a)); got.Status != signalbox.RunStopped || got.Reasons[0].Value != "it was deleted" {
		t.Errorf("%+v", got)
	}
}

func TestWhy_SaysEachClauseThatDoesNotHold(t *testing.T) {
	t.Parallel()
	a := onSignal("form_submit", `properties.team_size > 10`, `account.score > 90 || contact.score > 90`, `account.status == "active"`)
	m := compile(t, a)
	h, f := received("page_visit", `{"team_size":8}`)
	runs, got := m.Why(7, h, f, nil, now)
	want := []signalbox.Reason{
		{Clause: `signal.type == "form_submit"`, Value: "signal.type is page_visit, not form_submit", Outcome: signalbox.Unmet},
		{Clause: `properties.team_size > 10`, Value: `properties.team_size is 8, not > 10`, Outcome: signalbox.Unmet},
		{Clause: `account.score > 90 || contact.score > 90`, Outcome: signalbox.Unmet},
		{Clause: `account.score > 90`, Value: `account.score is 71, not > 90`, Outcome: signalbox.Unmet},
		{Clause: `contact.score > 90`, Value: `contact.score is 20, not > 90`, Outcome: signalbox.Unmet},
		{Clause: `account.status == "active"`, Value: `account.status is "active"`, Outcome: signalbox.Met},
	}
	if diff := cmp.Diff(want, got); diff != "" || runs {
		t.Errorf("%t %s", runs, diff)
	}
	if runs, got := m.Why(8, h, f, nil, now); runs || got != nil {
		t.Errorf("of one that there is not: %+v", got)
	}
}

func TestWhy_SaysWhatTheFrequencySays(t *testing.T) {
	t.Parallel()
	a := often(signalbox.Cooldown, 24*time.Hour, accounts)
	m := compile(t, a)
	h, f := received("a", `{}`)
	var st automate.State
	claims := automate.Claims{Account: []*automate.State{&st}, Pace: &automate.Pace{}}
	m.Claim(start(t, m, 7), claims, now)
	before := st.Append(nil)
	runs, got := m.Why(7, h, f, &claims, now.Add(time.Hour))
	want := []signalbox.Reason{
		{Clause: "frequency", Value: "cooldown until 2026-03-11T12:30:00Z", Outcome: signalbox.Unmet},
		{Clause: "per_hour", Value: "fewer than 1,000 runs this hour", Outcome: signalbox.Met},
	}
	if diff := cmp.Diff(want, got[1:]); diff != "" || runs {
		t.Errorf("%t %s", runs, diff)
	}
	if diff := cmp.Diff(before, st.Append(nil)); diff != "" {
		t.Error("asking claims something")
	}
}

// shape is a JSON value without what its leaves hold.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		all := map[string]any{}
		for key, one := range v {
			all[key] = shape(one)
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i, one := range v {
			all[i] = shape(one)
		}
		return all
	}
	return nil
}

// Whatever a signal and a record hold, what is sent has the shape, the address and the recipients that its author gave it.
func TestRun_NoValueChangesWhatIsSentWhere(t *testing.T) {
	t.Parallel()
	body := hook()
	body.URL = "https://api.example.com/c/{{ properties.a }}/n?q={{ properties.b }}"
	body.Body = []byte(`{"a":"<{{ properties.a }}>","b":["{{ signal.type }}",{"c":"{{ contact.first_name }}{{ properties.b }}"}],"n":1}`)
	block := slack()
	block.Text, block.Blocks = "{{ properties.a }} {{ account.name }}", []byte(`[{"type":"section","text":{"type":"mrkdwn","text":"x {{ properties.a }}{{ properties.b }}"}}]`)
	letter := email()
	letter.Subject = "x {{ properties.a }}{{ account.name }}"
	m := compile(t, acts(onSignal("form_submit"), body, block, letter))
	var bodyShape, blocksShape any
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"<!channel>", `"}],"x":{`, "../..", "..", "\r\nBcc: a@b.c", "{{ account.name }}", "@evil.example/", "?#", "\u2028"}))
		raw, err := json.Marshal(map[string]any{"a": "x" + text.Draw(rt, "a"), "b": text.Draw(rt, "b")})
		if err != nil {
			rt.Fatal(err)
		}
		h, f := received("form_submit", string(raw))
		f.Account.Name = text.Draw(rt, "name")
		f.Contact.FirstName = text.Draw(rt, "first name")
		r := m.Run(m.Match(h, f, nil)[0], automate.Claimed{Runs: true}, h, f, with(h, &signalbox.Automation{}))
		for _, one := range r.Actions {
			if one.Failed != "" && !strings.Contains(one.Failed, "longer than 2,048") {
				rt.Fatalf("%+v", one)
			}
		}
		if url := r.Actions[0].URL; url != "" {
			path, ok := strings.CutPrefix(url, "https://api.example.com/c/x")
			if !ok || strings.Count(url, "/") != 5 || strings.Count(url, "?") != 1 || strings.ContainsAny(url, "# \r\n<>\"") || strings.Count(path, "=") != 1 {
				rt.Fatalf("the address is %q", url)
			}
		}
		for i, want := range []*any{&bodyShape, &blocksShape} {
			if r.Actions[i].Failed != "" {
				continue
			}
			var v any
			if err := json.Unmarshal(r.Actions[i].Body, &v); err != nil {
				rt.Fatalf("%v: %s", err, r.Actions[i].Body)
			}
			if *want == nil {
				*want = shape(v)
			}
			if diff := cmp.Diff(*want, shape(v)); diff != "" {
				rt.Fatalf("another shape: %s", diff)
			}
			if stable, err := strictjson.Stable(r.Actions[i].Body); err == nil && string(stable) != string(r.Actions[i].Body) {
				rt.Fatalf("not as JSON.stringify prints it: %s", r.Actions[i].Body)
			}
		}
		if strings.ContainsAny(string(r.Actions[1].Body), "<>") {
			rt.Fatalf("a value reaches Slack unescaped: %s", r.Actions[1].Body)
		}
		if strings.ContainsAny(r.Actions[2].Subject, "\r\n\u2028") || r.Actions[2].To != "sales@acme.com" {
			rt.Fatalf("%+v", r.Actions[2])
		}
	})
}
