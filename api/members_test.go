package api_test

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"signalbox"
	"signalbox/api"
	"signalbox/auth"
)

const (
	janesEmail    = "jane@acmecorp.com"
	janesPassword = "correct horse battery"
)

// signIn signs in by password, and returns the cookie.
func (b *box) signIn(email, password string, headers ...string) (answer, string) {
	b.Helper()
	a := b.send("", "POST", "/v1/session", `{"email":"`+email+`","password":"`+password+`"}`, headers...)
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return a, cookie
}

func TestSession_IsWhoIsSignedInUntilSheSignsOut(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		jane := b.password(janesEmail, janesPassword)
		a, cookie := b.signIn("Jane@AcmeCorp.com", janesPassword)
		if a.status != http.StatusCreated {
			b.Fatalf("signing in: %d %s", a.status, a.body)
		}
		set := a.header.Get("Set-Cookie")
		for _, want := range []string{"signalbox=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=2592000"} {
			if !strings.Contains(set, want) {
				b.Errorf("the cookie %s lacks %s", set, want)
			}
		}
		if strings.Contains(set, "Secure") || strings.Contains(set, "Domain") {
			b.Errorf("over plain http: %s", set)
		}
		got := b.send("", "GET", "/v1/session", "", "Cookie", cookie)
		if got.text("data.member.id") != b.codec.Format(signalbox.KindMember, int64(jane.ID)) || got.text("data.member.email") != janesEmail ||
			got.text("data.member.role") != "admin" || got.text("data.workspace.name") != "Acme" || got.text("data.can.2") != "admin" ||
			got.at("data.dev") != false || got.text("data.version") != "test" {
			b.Errorf("signed in as %s", got.body)
		}
		made := b.send("", "POST", "/v1/signals", trial, "Cookie", cookie)
		if made.status != http.StatusCreated {
			b.Errorf("a signal of a member: %d %s", made.status, made.body)
		}
		out := b.send("", "DELETE", "/v1/session", "", "Cookie", cookie)
		if out.status != http.StatusNoContent || !strings.Contains(out.header.Get("Set-Cookie"), "Max-Age=0") {
			b.Errorf("signing out: %d %s", out.status, out.header)
		}
		again := b.send("", "GET", "/v1/session", "", "Cookie", cookie)
		again.refuses(http.StatusUnauthorized, "unauthorized", "", "signed out")
		if !strings.Contains(again.header.Get("Set-Cookie"), "Max-Age=0") {
			b.Error("the cookie of a session that ended stays")
		}
	})
}

func TestSession_AKeyInTheHeaderGoesBeforeACookie(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	cookie := b.session(b.member(signalbox.RoleAdmin))
	b.send(b.key(b.ws, signalbox.ScopeRead), "GET", "/v1/members", "", "Cookie", cookie).refuses(http.StatusForbidden, "forbidden", "", "scope read")
	b.send("sk_live_nobodys_key_at_all_for_sure", "GET", "/v1/workspace", "", "Cookie", cookie).refuses(http.StatusUnauthorized, "unauthorized", "", "unknown")
}

func TestSession_AWrongSignInSaysNoMoreThanThat(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := newBox(t, func(c *api.Config) { c.Now = func() time.Time { return now } }) // however slow the machine, no wait is over
	b.password(janesEmail, janesPassword)
	for _, try := range [][2]string{{janesEmail, "wrong"}, {"eve@acmecorp.com", janesPassword}} {
		a, cookie := b.signIn(try[0], try[1])
		a.refuses(http.StatusUnauthorized, "unauthorized", "", "the e-mail or the password is wrong")
		if cookie != "" {
			t.Errorf("a refusal sets %s", cookie)
		}
	}
	b.send("", "POST", "/v1/session", `{"email":"jane","password":"x"}`).refuses(http.StatusBadRequest, "validation_error", "email", "such as jane@example.com")
	b.send("", "POST", "/v1/session", `{"email":"jane@x.com"}`).refuses(http.StatusBadRequest, "validation_error", "password", "required")
	for range 4 {
		b.signIn(janesEmail, "wrong")
	}
	a, _ := b.signIn(janesEmail, janesPassword)
	a.refuses(http.StatusTooManyRequests, "rate_limited", "", "try again in")
	if a.header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	if strings.Contains(b.log.String(), janesPassword) {
		t.Error("a password is in the log")
	}
}

// TestCSRF_APageOfAnotherSiteChangesNothing: what a browser sends along with a request tells whose page made it.
func TestCSRF_APageOfAnotherSiteChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.password(janesEmail, janesPassword)
	_, cookie := b.signIn(janesEmail, janesPassword)
	foreign := [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}}
	own := [][]string{{"Sec-Fetch-Site", "same-origin"}, {"Origin", b.server.URL}, {"Origin", "http://box.test"}, nil}
	for _, r := range guarded(b) {
		if r.Method == "GET" {
			continue
		}
		path := strings.Replace(r.Pattern, "{id}", unknownID(b, kindOf(t, r.Pattern)), 1)
		for _, headers := range foreign {
			b.send("", r.Method, path, "", append([]string{"Cookie", cookie}, headers...)...).refuses(http.StatusForbidden, "forbidden", "", "a page of another site")
		}
	}
	for _, headers := range foreign {
		a, set := b.signIn(janesEmail, janesPassword, headers...)
		if a.refuses(http.StatusForbidden, "forbidden", "", "a page of another site"); set != "" {
			t.Error("another site's page signs somebody in")
		}
		if got := b.send("", "GET", "/v1/session", "", append([]string{"Cookie", cookie}, headers...)...); got.status != http.StatusOK {
			t.Errorf("reading with %v: %d", headers, got.status) // it cannot be read there: no answer allows it
		}
		if got := b.send(b.admin, "POST", "/v1/api-keys", `{"name":"k","scope":"read"}`, headers...); got.status != http.StatusCreated {
			t.Errorf("a key with %v: %d %s", headers, got.status, got.body)
		}
	}
	for _, headers := range own {
		if got := b.send("", "PATCH", "/v1/session", `{"name":"Jane"}`, append([]string{"Cookie", cookie}, headers...)...); got.status != http.StatusOK {
			t.Errorf("our own page with %v: %d %s", headers, got.status, got.body)
		}
	}
}

func TestCookie_IsBoundToHTTPSWhereTheBrowserSpeaksIt(t *testing.T) {
	t.Parallel()
	b := newBox(t, func(c *api.Config) {
		c.PublicURL, c.Proxies = "https://signals.example.com", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	b.password(janesEmail, janesPassword)
	for name, c := range map[string]struct {
		headers []string
		secure  bool
	}{
		"a proxy that says so":     {[]string{"X-Forwarded-Proto", "https"}, true},
		"a proxy that says http":   {[]string{"X-Forwarded-Proto", "http"}, false},
		"no proxy, and not public": {nil, false},
	} {
		a, cookie := b.signIn(janesEmail, janesPassword, c.headers...)
		set := a.header.Get("Set-Cookie")
		if strings.HasPrefix(set, "__Host-signalbox=") != c.secure || strings.Contains(set, "; Secure") != c.secure {
			t.Errorf("%s: %s", name, set)
		}
		if got := b.send("", "GET", "/v1/session", "", append([]string{"Cookie", cookie}, c.headers...)...); got.status != http.StatusOK {
			t.Errorf("%s: %d", name, got.status)
		}
		// The other name is not looked at: a page of a neighbouring host could have set it.
		other := strings.Replace(cookie, "__Host-", "", 1)
		if !c.secure {
			other = "__Host-" + cookie
		}
		if got := b.send("", "GET", "/v1/session", "", append([]string{"Cookie", other}, c.headers...)...); got.status != http.StatusUnauthorized {
			t.Errorf("%s, the cookie of the other name: %d", name, got.status)
		}
	}
	for proto, insecure := range map[string]any{"https": false, "http": false} { // plain, but to this machine
		if got := b.send("", "GET", "/v1/sign-in", "", "X-Forwarded-Proto", proto); got.at("data.insecure") != insecure || got.at("data.password") != true || got.at("data.oidc") != nil {
			t.Errorf("%s: %s", proto, got.body)
		}
	}
}

func TestSignIn_SaysWhenTheConnectionIsPlainAndGoesFurther(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for host, want := range map[string]bool{"signals.example.com": true, "192.168.1.7:8080": true, "localhost:8080": false, "127.0.0.1": false, "[::1]:8080": false, "box.localhost": false} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", b.server.URL+"/v1/sign-in", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := b.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		a := read(t, resp)
		if a.at("data.insecure") != want {
			t.Errorf("%s: %s", host, a.body)
		}
	}
}

func TestSignIn_SaysWhenTheRequestHasASession(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	cookie := b.session(b.member(signalbox.RoleViewer))
	asked := func(cookie string) any {
		return b.send("", "GET", "/v1/sign-in", "", "Cookie", cookie).at("data.signed_in")
	}
	if got := asked(cookie); got != true {
		t.Errorf("with a session signed_in is %v", got)
	}
	b.send("", "DELETE", "/v1/session", "", "Cookie", cookie)
	for name, cookie := range map[string]string{"one that has ended": cookie, "one that nobody has": "signalbox=" + auth.NewToken().Reveal(), "none": ""} {
		if got := asked(cookie); got != false {
			t.Errorf("with %s signed_in is %v", name, got)
		}
	}
}

func TestMembers_AreInvitedByALinkThatWorksOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		made := b.do(http.StatusCreated, "POST", "/v1/members", `{"email":"Max@AcmeCorp.com","role":"analyst"}`)
		id, url := made.text("data.id"), made.text("data.invite_url")
		if made.text("data.email") != "max@acmecorp.com" || made.text("data.status") != "invited" || !strings.HasPrefix(url, "http://box.test/link/") || made.at("data.invite_expires_at") == nil {
			b.Fatalf("made %s", made.body)
		}
		b.send(b.admin, "POST", "/v1/members", `{"email":"max@acmecorp.com","role":"viewer"}`).refuses(http.StatusConflict, "conflict", "email", "a member's already")
		first := "/v1/links/" + url[strings.LastIndex(url, "/")+1:]
		if got := b.send("", "GET", first, ""); got.text("data.kind") != "invite" || got.text("data.email") != "max@acmecorp.com" || got.at("data.name") != nil {
			b.Errorf("the link is for %s", got.body)
		}
		fresh := b.do(http.StatusCreated, "POST", "/v1/members/"+id+"/link", "")
		if fresh.text("data.kind") != "invite" {
			b.Errorf("a fresh link: %s", fresh.body)
		}
		b.send("", "GET", first, "").refuses(http.StatusNotFound, "link_not_found", "", "another one took its place")
		link := "/v1/links/" + fresh.text("data.url")[strings.LastIndex(fresh.text("data.url"), "/")+1:]
		b.send("", "POST", link, `{"password":"short"}`).refuses(http.StatusBadRequest, "validation_error", "password", "at least 10")
		b.send("", "POST", link, `{"password":"max@acmecorp.com"}`).refuses(http.StatusBadRequest, "validation_error", "password", "must not be the e-mail")
		joined := b.send("", "POST", link, `{"password":"staple correct horse","name":"Max Roe"}`)
		if joined.status != http.StatusCreated || joined.text("data.member.name") != "Max Roe" || joined.text("data.member.role") != "analyst" || joined.text("data.can.1") != "write" {
			b.Fatalf("joined: %d %s", joined.status, joined.body)
		}
		cookie, _, _ := strings.Cut(joined.header.Get("Set-Cookie"), ";")
		if got := b.send("", "GET", "/v1/session", "", "Cookie", cookie); got.status != http.StatusOK {
			b.Errorf("after joining: %d %s", got.status, got.body)
		}
		b.send("", "POST", link, `{"password":"staple correct horse"}`).refuses(http.StatusNotFound, "link_not_found", "", "it was used")
		if got := b.do(http.StatusOK, "GET", "/v1/members/"+id, ""); got.text("data.status") != "active" || got.at("data.last_seen_at") == nil {
			b.Errorf("afterwards: %s", got.body)
		}
		if a, _ := b.signIn("max@acmecorp.com", "staple correct horse"); a.status != http.StatusCreated {
			b.Errorf("signing in: %d %s", a.status, a.body)
		}
		reset := b.do(http.StatusCreated, "POST", "/v1/members/"+id+"/link", "")
		if reset.text("data.kind") != "reset" {
			b.Errorf("a link of one who joined: %s", reset.body)
		}
		path := "/v1/links/" + reset.text("data.url")[strings.LastIndex(reset.text("data.url"), "/")+1:]
		if got := b.send("", "POST", path, `{"password":"a third password"}`); got.status != http.StatusCreated {
			b.Errorf("resetting: %d %s", got.status, got.body)
		}
		b.send("", "GET", "/v1/session", "", "Cookie", cookie).refuses(http.StatusUnauthorized, "unauthorized", "", "signed out")
	})
}

func TestLinks_OfTwoAtOnceOneIsUsed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		url := b.do(http.StatusCreated, "POST", "/v1/members", `{"email":"max@acmecorp.com","role":"analyst"}`).text("data.invite_url")
		path := "/v1/links/" + url[strings.LastIndex(url, "/")+1:]
		var mu sync.Mutex
		var both sync.WaitGroup
		got := map[int]int{}
		for range 4 {
			both.Go(func() {
				a := b.send("", "POST", path, `{"password":"staple correct horse"}`)
				mu.Lock()
				defer mu.Unlock()
				got[a.status]++
			})
		}
		both.Wait()
		if got[http.StatusCreated] != 1 || got[http.StatusNotFound] != 3 {
			b.Errorf("answers %v", got)
		}
	})
}

func TestMembers_AChangeIsInForceAtOnce(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.password(janesEmail, janesPassword)
	m := b.member(signalbox.RoleAdmin)
	id, cookie := b.codec.Format(signalbox.KindMember, int64(m.ID)), b.session(m)
	if got := b.send("", "GET", "/v1/members", "", "Cookie", cookie); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	b.do(http.StatusOK, "PATCH", "/v1/members/"+id, `{"role":"viewer"}`)
	b.send("", "GET", "/v1/members", "", "Cookie", cookie).refuses(http.StatusForbidden, "forbidden", "", "you have the role viewer, and the operation needs admin")
	b.send(b.admin, "PATCH", "/v1/members/"+id, `{"role":"owner"}`).refuses(http.StatusBadRequest, "validation_error", "role", "admin, analyst, viewer")
	b.do(http.StatusNoContent, "DELETE", "/v1/members/"+id, "")
	b.send("", "GET", "/v1/session", "", "Cookie", cookie).refuses(http.StatusUnauthorized, "unauthorized", "", "signed out")
	list := b.do(http.StatusOK, "GET", "/v1/members", "")
	jane := list.text("data.0.id")
	b.send(b.admin, "DELETE", "/v1/members/"+jane, "").refuses(http.StatusConflict, "conflict", "", "the last admin")
	b.send(b.admin, "PATCH", "/v1/members/"+jane, `{"role":"analyst"}`).refuses(http.StatusConflict, "conflict", "", "the last admin")
}

func TestSession_AnotherPasswordEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.password(janesEmail, janesPassword)
	_, here := b.signIn(janesEmail, janesPassword)
	_, there := b.signIn(janesEmail, janesPassword)
	list := b.send("", "GET", "/v1/sessions", "", "Cookie", here)
	if list.at("data.0.current") != false || list.at("data.1.current") != true || list.at("data.2") != nil || list.text("data.1.address") != "127.0.0.1" {
		t.Errorf("sessions %s", list.body)
	}
	got := b.send("", "PATCH", "/v1/session", `{"password":{"current":"`+janesPassword+`","new":"staple correct horse"},"name":"Jane"}`, "Cookie", here)
	if got.status != http.StatusOK || got.text("data.member.name") != "Jane" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := b.send("", "GET", "/v1/session", "", "Cookie", here); got.status != http.StatusOK {
		t.Errorf("the session that asked: %d", got.status)
	}
	b.send("", "GET", "/v1/session", "", "Cookie", there).refuses(http.StatusUnauthorized, "unauthorized", "", "signed out")
	b.send("", "PATCH", "/v1/session", `{"password":{"current":"nope nope nope","new":"staple correct horse"}}`, "Cookie", here).
		refuses(http.StatusBadRequest, "validation_error", "password.current", "not your present password")
	_, other := b.signIn(janesEmail, "staple correct horse")
	id := b.send("", "GET", "/v1/sessions", "", "Cookie", here).text("data.0.id")
	b.send("", "DELETE", "/v1/sessions/"+id, "", "Cookie", b.session(b.member(signalbox.RoleAdmin))).refuses(http.StatusNotFound, "session_not_found", "", "no such session")
	if got := b.send("", "DELETE", "/v1/sessions/"+id, "", "Cookie", here); got.status != http.StatusNoContent {
		t.Errorf("ending another one's own session: %d %s", got.status, got.body)
	}
	b.send("", "GET", "/v1/session", "", "Cookie", other).refuses(http.StatusUnauthorized, "unauthorized", "", "signed out")
}

// TestAuditLog_TellsOfEveryOperationThatChangesSomething walks the table: an operation is told of, or stands in untold with the reason.
func TestAuditLog_TellsOfEveryOperationThatChangesSomething(t *testing.T) {
	t.Parallel()
	untold := map[string]string{
		"previewRecovery": "it changes nothing", "previewAudience": "as previewRecovery", "previewScoring": "as previewRecovery",
		"testICP": "as previewRecovery", "testICPDraft": "as previewRecovery", "testPersona": "as previewRecovery", "testPersonaDraft": "as previewRecovery",
		"createSignal": "signals are what the server is for, and have a log of their own", "createSignals": "as createSignal", "captureSignal": "as createSignal",
	}
	told := map[string]string{
		"createWebhook": "webhook.created", "updateWebhook": "webhook.updated", "enableWebhook": "webhook.updated", "disableWebhook": "webhook.updated",
		"testWebhook": "webhook.tested", "regenerateSecret": "webhook.updated", "activateSecret": "webhook.updated", "deleteWebhook": "webhook.deleted", "retryDelivery": "delivery.retried",
		"recoverWebhook": "webhook.recovery_started",
		"updateAccount":  "account.updated", "importAccounts": "account.imported", "eraseAccount": "account.erased",
		"updateContact": "contact.updated", "importContacts": "contact.imported", "eraseContact": "contact.erased", "cancelJob": "job.cancelled",
		"mergeAccount": "account.merged", "mergeContact": "contact.merged", "undoMerge": "contact.unmerged", "acceptMerge": "contact.merged",
		"dismissMerge": "contact.merge_dismissed", "undoImport": "import.undone",
		"createKey": "api_key.created", "updateKey": "api_key.updated", "revokeKey": "api_key.revoked", "updateWorkspace": "workspace.updated",
		"createMember": "member.created", "updateMember": "member.updated", "createMemberLink": "member.link_made", "deleteMember": "member.deleted",
		"createSession": "member.signed_in", "updateSession": "member.password_changed", "deleteSession": "member.signed_out", "signOut": "member.signed_out",
		"useLink": "member.joined", "qualifySignal": "signal.qualified", "requalifyAll": "qualification.recomputed", "requalifyAccount": "account.requalified", "requalifyContact": "contact.requalified",
		"createAudience": "audience.created", "updateAudience": "audience.updated", "deleteAudience": "audience.deleted", "putScoring": "scoring.updated",
		"recomputeScores":  "scoring.recomputed",
		"createSignalType": "signal_type.created", "updateSignalType": "signal_type.updated", "deleteSignalType": "signal_type.deleted",
		"createICP": "icp.created", "updateICP": "icp.updated", "deleteICP": "icp.deleted",
		"createLinkedAccount": "linked_account.created", "updateLinkedAccount": "linked_account.updated", "deleteLinkedAccount": "linked_account.deleted",
		"createStream": "stream.created", "updateStream": "stream.updated", "deleteStream": "stream.deleted", "syncStream": "stream.synced",
		"approveSyncRun": "run.approved", "discardSyncRun": "run.discarded",
		"createPersona": "persona.created", "updatePersona": "persona.updated", "deletePersona": "persona.deleted",
	}
	b := newBox(t)
	requests := map[string]map[string]bool{} // actions by the id of the request
	var calls []answered
	for _, a := range tour(b) {
		if a.method != "GET" && a.status < 300 {
			calls = append(calls, a)
		}
	}
	imported := b.do(http.StatusOK, "POST", "/v1/contacts/batch", `{"contacts":[{"email":"bill@initech.com"}]}`) // the example's is a dry run, which is not told of
	calls = append(calls, answered{Row: api.Row{ID: "importContacts"}, header: imported.header})
	for cursor := ""; ; {
		list := b.do(http.StatusOK, "GET", "/v1/audit-log?limit=200&cursor="+cursor, "")
		for _, one := range list.at("data").([]any) {
			entry := one.(map[string]any)
			id, _ := entry["request_id"].(string)
			if requests[id] == nil {
				requests[id] = map[string]bool{}
			}
			requests[id][entry["action"].(string)] = true
			if actor := entry["actor"].(map[string]any); actor["type"] == "system" && id != "" || actor["type"] != "system" && actor["id"] == nil {
				t.Errorf("%v was done by %v", entry["action"], actor)
			}
		}
		if cursor = list.text("meta.next_cursor"); cursor == "" {
			break
		}
	}
	for id, action := range b.linked.acts { // whoever keeps linked accounts writes the entries
		requests[b.codec.Format(signalbox.KindRequest, int64(id))] = map[string]bool{action: true}
	}
	seen := map[string]bool{}
	for _, a := range calls {
		want := told[a.ID]
		if want != "" && requests[a.header.Get("X-Request-Id")][want] {
			seen[a.ID] = true
		}
	}
	for _, r := range b.api.Table() {
		if r.Method != "GET" && !seen[r.ID] && untold[r.ID] == "" {
			t.Errorf("nothing told of %s, want %q", r.ID, told[r.ID])
		}
	}
}

func TestAuditLog_SaysWhoAndWhatAndFilters(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		b.password(janesEmail, janesPassword)
		_, cookie := b.signIn(janesEmail, janesPassword)
		hook := b.send("", "POST", "/v1/webhooks", `{"url":"https://hooks.example.com/x","events":["*"],"label":"CRM","headers":{"X-Key":"hush-hush"}}`, "Cookie", cookie)
		id, secret := hook.text("id"), hook.text("secret")
		changed := b.send("", "PATCH", "/v1/webhooks/"+id, `{"label":"ERP"}`, "Cookie", cookie)
		b.send("", "PATCH", "/v1/webhooks/"+id, `{"label":"ERP"}`, "Cookie", cookie)
		list := b.do(http.StatusOK, "GET", "/v1/audit-log?subject="+id, "")
		if list.text("data.0.action") != "webhook.updated" || list.text("data.0.before.label") != "CRM" || list.text("data.0.after.label") != "ERP" ||
			list.text("data.0.actor.name") != janesEmail || list.text("data.0.actor.type") != "member" || list.text("data.0.subject.id") != id ||
			list.text("data.0.subject.name") != "ERP" || list.text("data.0.request_id") != changed.header.Get("X-Request-Id") {
			b.Errorf("told %s", list.body)
		}
		if list.text("data.1.action") != "webhook.created" || list.at("data.1.before") != nil || list.text("data.1.after.header_names.0") != "X-Key" || list.at("data.2") != nil {
			b.Errorf("told %s", list.body)
		}
		jane := list.text("data.0.actor.id")
		for query, want := range map[string]int{"actor=" + jane: 3, "actor=" + jane + "&action=webhook": 2, "action=webhook.created": 1, "from=2999-01-01T00:00:00Z": 0} {
			if got := b.do(http.StatusOK, "GET", "/v1/audit-log?"+query, ""); len(got.at("data").([]any)) != want {
				b.Errorf("%s: %s, want %d", query, got.body, want)
			}
		}
		b.send(b.admin, "GET", "/v1/audit-log?actor=jane", "").refuses(http.StatusBadRequest, "validation_error", "actor", "an id such as")
		b.do(http.StatusCreated, "POST", "/v1/api-keys", `{"name":"k","scope":"read"}`)
		all := b.do(http.StatusOK, "GET", "/v1/audit-log?limit=200", "")
		if all.text("data.0.actor.type") != "api_key" || all.text("data.0.actor.name") != "admin" {
			b.Errorf("told of a key's act: %s", all.body)
		}
		for _, hidden := range []string{secret, "hush-hush", janesPassword, "argon2", strings.TrimPrefix(cookie, "signalbox=")} {
			if strings.Contains(string(all.body), hidden) {
				b.Errorf("the audit log tells %s", hidden)
			}
		}
	})
}

func TestAuditLog_ForgetsWhatItToldOfAnErasedContact(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	id := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","contact":{"email":"gone@gone.com"}}`).text("contact_id")
	b.do(http.StatusOK, "PATCH", "/v1/contacts/"+id, `{"title":"Chief of Nothing"}`)
	if got := b.do(http.StatusOK, "GET", "/v1/audit-log", ""); !strings.Contains(string(got.body), "Chief of Nothing") || got.text("data.0.subject.name") != "gone@gone.com" {
		t.Fatalf("told %s", got.body)
	}
	job := b.do(http.StatusAccepted, "DELETE", "/v1/contacts/"+id, "").text("data.id")
	n, _ := b.codec.Parse(signalbox.KindJob, job)
	for done := false; !done; {
		j, err := b.db.RunSlice(context.Background(), b.ws, signalbox.JobID(n), nil, time.Now().UTC())
		if err != nil {
			t.Fatal(err)
		}
		done = j.Ended()
	}
	got := b.do(http.StatusOK, "GET", "/v1/audit-log", "")
	if strings.Contains(string(got.body), "gone@gone.com") || strings.Contains(string(got.body), "Chief of Nothing") || got.text("data.0.action") != "contact.erased" || got.text("data.1.action") != "contact.updated" {
		t.Errorf("told %s", got.body)
	}
}

func TestFeed_AMemberWhoLooksTakesNothingFromItsReader(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	id := b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"kind":"pull","events":["*"]}`).text("id")
	b.do(http.StatusCreated, "POST", "/v1/signals", trial)
	cookie := b.session(b.member(signalbox.RoleViewer))
	first := b.send("", "GET", "/v1/webhooks/"+id+"/events", "", "Cookie", cookie)
	if first.status != http.StatusOK || first.at("data.0.event_id") == nil {
		t.Fatalf("%d %s", first.status, first.body)
	}
	b.send("", "GET", "/v1/webhooks/"+id+"/events?cursor="+first.text("meta.next_cursor"), "", "Cookie", cookie)
	if got := b.do(http.StatusOK, "GET", "/v1/webhooks/"+id+"/deliveries", ""); got.text("data.0.status") != "pending" {
		t.Errorf("after a member's look: %s", got.body)
	}
}
