package api_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// teammate is S3-14's signal.
const teammate = `{"signal_type":"form_submit","source":"product","occurred_at":"2026-05-26T14:30:00Z","event_name":"user_invited_teammate",` +
	`"identity":{"email":"Jane@Acme.com","first_name":"Jane","title":"VP Engineering","company_domain":"https://www.acme.com/team"},"context":{"team_size":12,"plan_tier":"free"}}`

// proves S3-4…S3-17, S3-26, S3-27: a capture is answered as the document says, once for each event
func TestCapture_IsAnsweredAndStoredOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		first := b.do(http.StatusCreated, "POST", "/signals", teammate)
		sig, lead := first.text("signal_capture_id"), first.text("matched_record_id")
		if !strings.HasPrefix(sig, "sig_capture_") || !strings.HasPrefix(lead, "lead_") ||
			!strings.HasSuffix(string(first.body), `"qualification":{"icp_code":null,"icp_score":0,"persona_code":null,"persona_score":0}}`) {
			b.Errorf("answered %s", first.body)
		}
		again := b.do(http.StatusOK, "POST", "/signals", strings.Replace(teammate, "Jane@Acme.com", "jane@acme.com", 1))
		if again.text("signal_capture_id") != sig || again.header.Get("Idempotent-Replayed") != "true" {
			b.Errorf("again it is %s", again.body)
		}
		forced := strings.Replace(teammate, `"source"`, `"idempotency_key":"k1","source"`, 1)
		second := b.do(http.StatusCreated, "POST", "/signals", forced)
		if third := b.do(http.StatusOK, "POST", "/signals", forced); second.text("signal_capture_id") == sig || third.text("signal_capture_id") != second.text("signal_capture_id") {
			b.Errorf("with a key it is %s, and again %s", second.body, third.body)
		}
		stored := b.do(http.StatusOK, "GET", "/v1/signals/"+sig, "")
		if stored.text("data.type") != "form_submit" || stored.text("data.event_name") != "user_invited_teammate" || stored.text("data.contact.email") != "Jane@Acme.com" ||
			stored.text("data.account.domain") != "acme.com" || stored.at("data.properties.team_size") == nil {
			b.Errorf("stored is %s", stored.body)
		}
		if contact := b.do(http.StatusOK, "GET", "/v1/contacts/"+lead, ""); contact.text("data.title") != "VP Engineering" {
			b.Errorf("the lead is %s", contact.body)
		}
		company := b.do(http.StatusCreated, "POST", "/signals", `{"signal_type":"page_view","source":"site","occurred_at":"2026-05-26T14:30:00Z","identity":{"company_domain":"initech.com"},"context":[1,"two"]}`)
		if got := b.do(http.StatusOK, "GET", "/v1/accounts/"+company.text("matched_record_id"), ""); got.text("data.domain") != "initech.com" {
			b.Errorf("the lead is %s", got.body)
		}
		if got := b.do(http.StatusOK, "GET", "/v1/signals/"+company.text("signal_capture_id"), ""); !strings.Contains(string(got.body), `"properties":{"context":[1,"two"]}`) {
			b.Errorf("a context that is no object is shown as %s", got.body)
		}
	})
}

func TestCapture_RefusesWhatItCannotTake(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		ahead := time.Now().Add(25 * time.Hour).UTC().Format(time.RFC3339)
		for name, c := range map[string]struct{ old, new, code, param, says string }{
			"no type":            {`"signal_type":"form_submit",`, ``, "validation_error", "signal_type", "required"},
			"an unknown type":    {`form_submit`, `form_submt`, "unknown_signal_type", "signal_type", "did you mean form_submit?"},
			"no source":          {`"source":"product",`, ``, "validation_error", "source", "required"},
			"no time":            {`"occurred_at":"2026-05-26T14:30:00Z",`, ``, "validation_error", "occurred_at", "required"},
			"a time ahead":       {`2026-05-26T14:30:00Z`, ahead, "validation_error", "occurred_at", "24"},
			"no identity":        {`"email":"Jane@Acme.com","first_name":"Jane","title":"VP Engineering","company_domain":"https://www.acme.com/team"`, `"first_name":"Jane"`, "validation_error", "identity", "at least one"},
			"a malformed e-mail": {`Jane@Acme.com`, `jane`, "validation_error", "identity.email", "identity.email"},
			"a public suffix":    {`https://www.acme.com/team`, `co.uk`, "validation_error", "identity.company_domain", "identity.company_domain"},
		} {
			b.Log(name)
			b.send(b.admin, "POST", "/signals", strings.Replace(teammate, c.old, c.new, 1)).refuses(http.StatusBadRequest, c.code, c.param, c.says)
		}
		if got := b.do(http.StatusOK, "GET", "/v1/signals", ""); got.at("data.0") != nil {
			b.Errorf("something was stored: %s", got.body)
		}
	})
}

// proves S3-28…S3-30: 500 a minute by default, counted apart from the other doors, told in the headers, and settable
func TestCapture_HasALimitOfItsOwn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		got := b.do(http.StatusCreated, "POST", "/signals", teammate)
		if got.header.Get("X-RateLimit-Limit") != "500" || got.header.Get("X-RateLimit-Remaining") != "499" {
			b.Errorf("the headers are %v", got.header)
		}
		b.do(http.StatusOK, "PATCH", "/v1/workspace", `{"limits":{"captures":{"per_minute":3}}}`)
		for i := range 2 {
			at := time.Date(2026, 5, 1, 0, 0, i, 0, time.UTC).Format(time.RFC3339)
			b.do(http.StatusCreated, "POST", "/signals", strings.Replace(teammate, "2026-05-26T14:30:00Z", at, 1))
		}
		refused := b.send(b.admin, "POST", "/signals", strings.Replace(teammate, "2026-05-26T14:30:00Z", "2026-05-02T00:00:00Z", 1))
		refused.refuses(http.StatusTooManyRequests, "rate_limited", "", "limit")
		if after, err := strconv.Atoi(refused.header.Get("Retry-After")); err != nil || after < 1 || after > 60 || refused.header.Get("X-RateLimit-Remaining") != "0" {
			b.Errorf("it may come again after %s: %v", refused.header.Get("Retry-After"), refused.header)
		}
		if other := b.do(http.StatusCreated, "POST", "/v1/signals", trial); other.header.Get("X-RateLimit-Limit") != "" {
			b.Errorf("the other door is limited to %s", other.header.Get("X-RateLimit-Limit"))
		}
	})
}

// proves contract section 9
func TestAudience_IsMadeFilledAndFollowed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		acc := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"page_view","source":"s","account":{"domain":"acme.com","name":"=Acme"},"properties":{"url":"/pricing"}}`).text("account_id")
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"other","source":"s","account":{"domain":"other.com"}}`)
		condition := `"condition":{"field":"signals.properties.url","operator":"equals","value":"/pricing"}`
		preview := b.do(http.StatusOK, "POST", "/v1/audiences/preview", `{"entity":"account",`+condition+`}`)
		if preview.text("data.examples.0.account.id") != acc || !strings.Contains(string(preview.body), `"looked_at":2,"complete":true,"members":1`) {
			b.Errorf("the preview is %s", preview.body)
		}
		made := b.do(http.StatusCreated, "POST", "/v1/audiences", `{"name":" Pricing ","entity":"account",`+condition+`}`)
		path := "/v1/audiences/" + made.text("data.id")
		if made.text("data.status") != "building" || made.text("data.job_id") == "" || made.text("data.name") != "Pricing" || made.text("data.condition") != `signals.properties.url == "/pricing"` {
			b.Errorf("made is %s", made.body)
		}
		b.send(b.admin, "POST", "/v1/audiences", `{"name":"Pricing","entity":"contact","condition":"true"}`).refuses(http.StatusConflict, "conflict", "", "another audience")
		b.send(b.admin, "PATCH", path, `{"name":"x","revision":7}`).refuses(http.StatusConflict, "conflict", "", "revision")
		later := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"page_view","source":"s","account":{"domain":"later.com"},"properties":{"url":"/pricing"}}`).text("account_id")
		members := b.do(http.StatusOK, "GET", path+"/members", "")
		if members.text("data.0.account.id") != later || members.at("data.1") != nil {
			b.Errorf("before the job has run, members are those whose signals came since: %s", members.body)
		}
		if csv := b.do(http.StatusOK, "GET", path+"/export", ""); !strings.HasPrefix(string(csv.body), "id,domain,name,status,score,stage,since\r\n"+later+",later.com,") {
			b.Errorf("exported is %q", csv.body)
		}
		if got := b.do(http.StatusOK, "PATCH", path, `{"name":"Looked at prices"}`); got.text("data.name") != "Looked at prices" || got.text("data.status") != "building" {
			b.Errorf("renamed it is %s", got.body)
		}
		b.do(http.StatusNoContent, "DELETE", path, "")
		b.send(b.admin, "GET", path, "").refuses(http.StatusNotFound, "audience_not_found", "", "")
	})
}

func TestAudience_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		for _, c := range []struct{ body, param, says string }{
			{`{"entity":"account","condition":"true"}`, "name", "1 to 200"},
			{`{"name":"a","condition":"true"}`, "entity", "account or contact"},
			{`{"name":"a","entity":"lead","condition":"true"}`, "entity", "account or contact"},
			{`{"name":"a","entity":"account"}`, "condition", "required"},
			{`{"name":"a","entity":"account","condition":"signal.type == 'x'"}`, "condition", "signals.type"},
			{`{"name":"a","entity":"account","condition":"contact.title == 'x'"}`, "condition", "contact.title"},
			{`{"name":"a","entity":"account","condition":"account.score >"}`, "condition", "line 1"},
			{`{"name":"a","entity":"account","condition":"signals.filter(s, s.type == 'x').size() > 3"}`, "condition", "signals"},
			{`{"name":"a","entity":"contact","condition":{"any":[]}}`, "condition.any", ""},
		} {
			b.send(b.admin, "POST", "/v1/audiences", c.body).refuses(http.StatusBadRequest, "validation_error", c.param, c.says)
		}
		for i := range 200 {
			b.do(http.StatusCreated, "POST", "/v1/audiences", fmt.Sprintf(`{"name":"a%d","entity":"account","condition":"account.score > %d"}`, i, i))
		}
		b.send(b.admin, "POST", "/v1/audiences", `{"name":"one more","entity":"account","condition":"true"}`).refuses(http.StatusConflict, "conflict", "", "200")
	})
}

// proves S3-1: signals land records in Leads, with where they came from
func TestLeads_AreTheRecordsThatSignalsLandedOn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		send := func(source, subject string) answer {
			return b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"form_submit","source":"`+source+`",`+subject+`}`)
		}
		const jane = `"account":{"domain":"acme.com"},"contact":{"email":"jane@acme.com","first_name":"Jane"}`
		send("site", jane)
		send("crm", jane)
		company := send("site", `"account":{"domain":"initech.com"}`).text("account_id")
		contact := send("site", jane).text("contact_id")
		got := b.do(http.StatusOK, "GET", "/v1/leads?limit=1", "")
		next := b.do(http.StatusOK, "GET", "/v1/leads?limit=1&cursor="+got.text("meta.next_cursor"), "")
		if next.at("meta.next_cursor") != nil && b.do(http.StatusOK, "GET", "/v1/leads?limit=5&cursor="+next.text("meta.next_cursor"), "").at("data.0") != nil {
			b.Errorf("there is more: %s", next.body)
		}
		all := b.do(http.StatusOK, "GET", "/v1/leads", "")
		if all.at("data.2") != nil || got.text("data.0.id") != all.text("data.0.id") || next.text("data.0.id") != all.text("data.1.id") {
			b.Errorf("the leads are %s, then %s, of %s", got.body, next.body, all.body)
		}
		of := map[string]string{}
		for _, i := range []string{"0", "1"} {
			at := "data." + i + "."
			if id := all.text(at + "contact.id"); id != "" {
				of["contact"] = id
				if all.text(at+"account.domain") != "acme.com" || all.text(at+"first_source") != "site" || all.text(at+"last_source") != "site" ||
					!strings.Contains(string(all.body), `"signals_by_source":{"crm":1,"site":2}`) || all.text(at+"stage") != "Warm" || all.text(at+"contact.name") != "Jane" {
					b.Errorf("the contact is %s", all.body)
				}
				continue
			}
			of["account"] = all.text(at + "account.id")
		}
		if of["contact"] != contact || of["account"] != company {
			b.Errorf("the leads are %v, want %s and %s", of, contact, company)
		}
		b.do(http.StatusAccepted, "DELETE", "/v1/contacts/"+contact, "")
		if left := b.do(http.StatusOK, "GET", "/v1/leads", ""); left.text("data.0.account.id") != company || left.at("data.1") != nil {
			b.Errorf("of an erased one is left %s", left.body)
		}
	})
}
