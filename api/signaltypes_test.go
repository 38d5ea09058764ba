package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"signalbox"
)

// one answers the type of a name in the list.
func (b *box) typeCalled(name string) map[string]any {
	b.Helper()
	for _, one := range b.do(http.StatusOK, "GET", "/v1/signal-types?limit=200", "").at("data").([]any) {
		if y := one.(map[string]any); y["name"] == name {
			return y
		}
	}
	return nil
}

// proves S3-20 S3-21 S3-22 S3-24 S3-25
func TestSignalTypes_AreDeclaredChangedAndTakenAway(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		made := b.do(http.StatusCreated, "POST", "/v1/signal-types", `{"name":"  Custom event ","source_description":"From the app"}`)
		const as = `"name":"custom_event","label":"Custom event","source_description":"From the app","autoqualify":true,"enabled":true,"declared":true,"builtin":false,"sub_rules":[],"revision":1,`
		if !strings.Contains(string(made.body), as) || !strings.HasPrefix(made.text("data.id"), "styp_") {
			b.Fatalf("made is %s", made.body)
		}
		path := "/v1/signal-types/" + made.text("data.id")
		b.send(b.admin, "POST", "/v1/signal-types", `{"name":"CUSTOM-event"}`).refuses(http.StatusConflict, "conflict", "", "PATCH "+path)
		got := b.do(http.StatusOK, "PATCH", path, `{"name":"Another label","source_description":null,"autoqualify":false,"enabled":false,"revision":1,"sub_rules":[{"name":"a","when":"true"}]}`)
		const then = `"name":"custom_event","label":"Another label","source_description":null,"autoqualify":false,"enabled":false,"declared":true,"builtin":false,"sub_rules":[{"name":"a","when":"true"}],"revision":2,`
		if !strings.Contains(string(got.body), then) {
			b.Errorf("changed it is %s", got.body)
		}
		b.send(b.admin, "PATCH", path, `{"enabled":true,"revision":1}`).refuses(http.StatusConflict, "conflict", "", "somebody changed it")
		if got := b.do(http.StatusOK, "PATCH", path, `{"sub_rules":null}`); !strings.Contains(string(got.body), `"label":"Another label"`) || !strings.Contains(string(got.body), `"sub_rules":[]`) {
			b.Errorf("without sub-rules it is %s", got.body)
		}
		b.do(http.StatusNoContent, "DELETE", path, "")
		b.send(b.admin, "GET", path, "").refuses(http.StatusNotFound, "signal_type_not_found", "", "")
		acts := map[string]int{}
		for _, e := range b.do(http.StatusOK, "GET", "/v1/audit-log", "").at("data").([]any) {
			entry := e.(map[string]any)
			if acts[entry["action"].(string)]++; entry["subject"].(map[string]any)["id"] != made.text("data.id") {
				b.Errorf("the audit log says %v", entry)
			}
		}
		if fmt.Sprint(acts) != "map[signal_type.created:1 signal_type.deleted:1 signal_type.updated:2]" {
			b.Errorf("the audit log has %v", acts)
		}
	})
}

// proves S0-29: a type is there with its first signal.
func TestSignalTypes_SeenOnesAreListedAndDeclaredUnderTheirId(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"custom_event","source":"s"}`)
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"As Is","source":"s"}`)
		seen := b.typeCalled("custom_event")
		if seen["declared"] != false || seen["enabled"] != false || seen["label"] != "custom_event" || seen["builtin"] != false {
			b.Errorf("seen is %v", seen)
		}
		made := b.do(http.StatusCreated, "POST", "/v1/signal-types", `{"name":"Custom event"}`)
		if made.text("data.id") != seen["id"] || made.text("data.created_at") != seen["created_at"] {
			b.Errorf("declared it is %s, and was %v", made.body, seen)
		}
		asIs := fmt.Sprint("/v1/signal-types/", b.typeCalled("As Is")["id"])
		if got := b.do(http.StatusOK, "PATCH", asIs, `{}`); !strings.Contains(string(got.body), `"name":"As Is","label":"As Is","source_description":null,"autoqualify":true,"enabled":true,"declared":true`) {
			b.Errorf("declared as it is, it is %s", got.body)
		}
		b.do(http.StatusNoContent, "DELETE", asIs, "")
		b.do(http.StatusNoContent, "DELETE", asIs, "")
		if got := b.do(http.StatusOK, "GET", asIs, ""); !strings.Contains(string(got.body), `"declared":false`) || !strings.Contains(string(got.body), `"revision":0`) {
			b.Errorf("with signals it stays as %s", got.body)
		}
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"As Is","source":"s"}`)
		if got := len(b.do(http.StatusOK, "GET", "/v1/signals?type=As%20Is", "").at("data").([]any)); got != 2 {
			b.Errorf("%d signals have the type, want 2", got)
		}
	})
}

func TestSignalTypes_BuiltInOnesAreListedAndCanBeDeclared(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		first := b.typeCalled("meeting_booked")
		if first["id"] != nil || first["builtin"] != true || first["declared"] != false || first["enabled"] != true || first["label"] != "Meeting booked" || first["created_at"] != nil {
			b.Errorf("built in is %v", first)
		}
		made := b.do(http.StatusCreated, "POST", "/v1/signal-types", `{"name":"Meeting booked","enabled":false}`)
		if now := b.typeCalled("meeting_booked"); now["id"] != made.text("data.id") || now["builtin"] != true || now["declared"] != true || now["enabled"] != false {
			b.Errorf("declared it is %v", now)
		}
		b.do(http.StatusNoContent, "DELETE", "/v1/signal-types/"+made.text("data.id"), "")
		if now := b.typeCalled("meeting_booked"); fmt.Sprint(now) != fmt.Sprint(first) {
			b.Errorf("undeclared it is %v", now)
		}
	})
}

func TestSignalTypes_TheListIsWalkedInPages(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for i := range 3 {
		b.do(http.StatusCreated, "POST", "/v1/signal-types", fmt.Sprintf(`{"name":"Type %d"}`, i))
	}
	var names []string
	for path := "/v1/signal-types?limit=2"; ; {
		got := b.do(http.StatusOK, "GET", path, "")
		for _, one := range got.at("data").([]any) {
			names = append(names, one.(map[string]any)["name"].(string))
		}
		next := got.text("meta.next_cursor")
		if next == "" {
			break
		}
		path = "/v1/signal-types?limit=2&cursor=" + next
	}
	const want = "type_2 type_1 type_0 crm_stage_change deal_created email_click email_open form_submit linkedin_connection meeting_booked page_view page_visit"
	if got := strings.Join(names, " "); got != want {
		b.Errorf("the list is %s, want %s", got, want)
	}
}

// proves S3-23
func TestSignalTypes_SubRulesCountStoredSignals(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		made := b.do(http.StatusCreated, "POST", "/v1/signal-types",
			`{"name":"Custom event","sub_rules":[{"name":"Large","when":"context.team_size > 10"},{"name":"Free","when":{"field":"properties.plan_tier","operator":"equals","value":"free"}}]}`)
		path := "/v1/signal-types/" + made.text("data.id")
		for i, size := range []int{4, 12, 40} {
			contact := ""
			if i == 2 {
				contact = `,"contact":{"email":"gone@gone.com"}`
			}
			sent := b.do(http.StatusCreated, "POST", "/v1/signals", fmt.Sprintf(`{"type":"custom_event","source":"s","properties":{"team_size":%d,"plan_tier":"free"}%s}`, size, contact))
			if i == 2 {
				b.do(http.StatusOK, "GET", path, "").counts("3 true Large 2 Free 3")
				b.do(http.StatusAccepted, "DELETE", "/v1/contacts/"+sent.text("contact_id"), "")
			}
		}
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"other","source":"s","properties":{"team_size":99}}`)
		if got := b.do(http.StatusOK, "PATCH", path, `{"sub_rules":[{"name":"Small","when":"context.team_size <= 4"}]}`); strings.Contains(string(got.body), `"signals"`) {
			b.Errorf("the change counts: %s", got.body)
		}
		b.do(http.StatusOK, "GET", path, "").counts("3 true Small 1")
		if y := b.typeCalled("custom_event"); y["counted"] != nil {
			b.Errorf("the list counts: %v", y)
		}
	})
}

// counts holds what a type says of its sub-rules.
func (a answer) counts(want string) {
	a.Helper()
	got := fmt.Sprint(a.at("data.counted"), " ", a.at("data.complete"))
	for _, one := range a.at("data.sub_rules").([]any) {
		r := one.(map[string]any)
		got += fmt.Sprint(" ", r["name"], " ", r["signals"])
	}
	if got != want {
		a.Errorf("counted is %s, want %s", got, want)
	}
}

func TestSignalTypes_CountingReadsNoMoreThanSoMany(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	made := b.do(http.StatusCreated, "POST", "/v1/signal-types", `{"name":"Busy","sub_rules":[{"name":"All","when":"signal.source == 's'"}]}`)
	list := make([]string, 2500)
	for i := range list {
		list[i] = `{"type":"busy","source":"s","backfill":true}`
	}
	batch := `{"signals":[` + strings.Join(list, ",") + `]}`
	for range 4 {
		b.do(http.StatusOK, "POST", "/v1/signals/batch", batch)
	}
	path := "/v1/signal-types/" + made.text("data.id")
	b.do(http.StatusOK, "GET", path, "").counts("10000 true All 10000")
	b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"busy","source":"s"}`)
	b.do(http.StatusOK, "GET", path, "").counts("10000 false All 10000")
}

func TestSignalTypes_BadOnesAreRefusedByName(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		kept := b.do(http.StatusCreated, "POST", "/v1/signal-types", `{"name":"Kept"}`).text("data.id")
		long := strings.Repeat("x", 201)
		for name, c := range map[string]struct{ body, param, text string }{
			"no letter":                {`{"name":" !!! "}`, "name", "letter or a digit"},
			"no text":                  {`{"name":"   "}`, "name", "required"},
			"a long name":              {`{"name":"` + long + `"}`, "name", "200"},
			"a long description":       {`{"name":"x","source_description":"` + strings.Repeat("x", 2001) + `"}`, "source_description", "2000"},
			"a switch in words":        {`{"name":"x","enabled":"yes"}`, "enabled", ""},
			"a sub-rule of no name":    {`{"name":"x","sub_rules":[{"when":"true"}]}`, "sub_rules[0].name", "required"},
			"a sub-rule of long name":  {`{"name":"x","sub_rules":[{"name":"` + long + `","when":"true"}]}`, "sub_rules[0].name", "200"},
			"a sub-rule without when":  {`{"name":"x","sub_rules":[{"name":"a"}]}`, "sub_rules[0].when", "required"},
			"an empty when":            {`{"name":"x","sub_rules":[{"name":"a","when":" "}]}`, "sub_rules[0].when", "required"},
			"a null when":              {`{"name":"x","sub_rules":[{"name":"a","when":null}]}`, "sub_rules[0].when", "required"},
			"two of one name":          {`{"name":"x","sub_rules":[{"name":"a","when":"true"},{"name":" a","when":"false"}]}`, "sub_rules[1].name", "two sub-rules"},
			"a when on the account":    {`{"name":"x","sub_rules":[{"name":"a","when":"account.domain == 'a'"}]}`, "sub_rules[0].when", "line 1, column 1"},
			"a slip":                   {`{"name":"x","sub_rules":[{"name":"a","when":"context.n = 1"}]}`, "sub_rules[0].when", "did you mean ==?"},
			"a structured field":       {`{"name":"x","sub_rules":[{"name":"a","when":{"field":"context.n","operator":"over","value":1}}]}`, "sub_rules[0].when.operator", "greater_than"},
			"a when that is a number":  {`{"name":"x","sub_rules":[{"name":"a","when":7}]}`, "sub_rules[0].when", "in quotes"},
			"a field of a sub-rule":    {`{"name":"x","sub_rules":[{"name":"a","when":"true","points":1}]}`, "sub_rules.0.points", ""},
			"a field that is not ours": {`{"name":"x","label":"y"}`, "label", "unknown field"},
		} {
			b.Log(name)
			b.send(b.admin, "POST", "/v1/signal-types", c.body).refuses(http.StatusBadRequest, "validation_error", c.param, c.text)
			if name != "no letter" { // a label alone may be anything
				b.send(b.admin, "PATCH", "/v1/signal-types/"+kept, c.body).refuses(http.StatusBadRequest, "validation_error", c.param, c.text)
			}
		}
		b.send(b.admin, "POST", "/v1/signal-types", `{}`).refuses(http.StatusBadRequest, "validation_error", "name", "required")
		b.send(b.admin, "PATCH", "/v1/signal-types/"+kept, `{"name":null}`).refuses(http.StatusBadRequest, "validation_error", "name", "required")
		many := make([]string, 51)
		for i := range many {
			many[i] = fmt.Sprintf(`{"name":"%d","when":"true"}`, i)
		}
		b.send(b.admin, "POST", "/v1/signal-types", `{"name":"x","sub_rules":[`+strings.Join(many, ",")+`]}`).refuses(http.StatusConflict, "conflict", "", "50")
		b.do(http.StatusCreated, "POST", "/v1/signal-types", `{"name":"most","sub_rules":[`+strings.Join(many[1:], ",")+`]}`)
		if b.typeCalled("x") != nil || b.typeCalled("kept")["revision"] != b.typeCalled("most")["revision"] {
			b.Error("something was saved of what was refused")
		}
	})
}

func TestSignalTypes_AWorkspaceHasOnlySoMany(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	list := make([]string, signalbox.MaxSignalTypes)
	for i := range list {
		list[i] = fmt.Sprintf(`{"type":"t%d","source":"s"}`, i)
	}
	b.do(http.StatusOK, "POST", "/v1/signals/batch", `{"signals":[`+strings.Join(list, ",")+`]}`)
	b.send(b.admin, "POST", "/v1/signal-types", `{"name":"One more"}`).refuses(http.StatusConflict, "conflict", "", "2000")
	b.do(http.StatusCreated, "POST", "/v1/signal-types", `{"name":"T7"}`)
}

// proves S3-6, S3-23: what is declared is taken from the next signal on, and counted by what the signal says of itself
func TestSignalTypes_DeclaredOnesAreCaptured(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		capture := func(at int) answer {
			return b.send(b.admin, "POST", "/signals", fmt.Sprintf(`{"signal_type":"custom_event","source":"product","occurred_at":"2026-05-26T14:30:0%dZ","event_name":"user_invited_teammate",`+
				`"identity":{"email":"jane@acme.com"},"context":{"team_size":12,"plan_tier":"free"}}`, at))
		}
		capture(1).refuses(http.StatusBadRequest, "unknown_signal_type", "signal_type", "no type")
		path := "/v1/signal-types/" + b.do(http.StatusCreated, "POST", "/v1/signal-types",
			`{"name":"Custom event","sub_rules":[{"name":"Invited","when":"signal.event_name == 'user_invited_teammate'"},{"name":"Huge","when":"context.team_size > 100"}]}`).text("data.id")
		if got := capture(1); got.status != http.StatusCreated || got.at("qualification.icp_score") == nil {
			b.Fatalf("declared it is %d %s", got.status, got.body)
		}
		b.do(http.StatusOK, "GET", path, "").counts("1 true Invited 1 Huge 0")
		b.do(http.StatusOK, "PATCH", path, `{"autoqualify":false}`)
		if got := capture(2); got.status != http.StatusCreated || got.at("qualification.icp_score") != nil {
			b.Errorf("held it is %d %s", got.status, got.body)
		}
		b.do(http.StatusOK, "PATCH", path, `{"enabled":false}`)
		capture(3).refuses(http.StatusBadRequest, "unknown_signal_type", "signal_type", "disabled")
		b.do(http.StatusOK, "PATCH", path, `{"enabled":true}`)
		if got := capture(3); got.status != http.StatusCreated {
			b.Errorf("enabled again it is %d %s", got.status, got.body)
		}
		b.do(http.StatusNoContent, "DELETE", path, "")
		capture(4).refuses(http.StatusBadRequest, "unknown_signal_type", "signal_type", "no type")
		if y := b.typeCalled("custom_event"); y["declared"] != false {
			b.Errorf("it stays as %v", y)
		}
	})
}
