package api_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/api"
	"signalbox/auth"
)

// needs says once more, by hand, what each operation asks of a key: a route that is not listed here fails the tests.
var needs = map[string]auth.Need{
	"captureSignal": auth.NeedIngest, "requalifyAccount": auth.NeedWrite, "requalifyContact": auth.NeedWrite, "requalifyAll": auth.NeedWrite, "listLeads": auth.NeedRead, "qualifySignal": auth.NeedWrite, "getAccountQualification": auth.NeedRead, "getContactQualification": auth.NeedRead,
	"getScoring": auth.NeedRead, "putScoring": auth.NeedWrite, "previewScoring": auth.NeedRead, "recomputeScores": auth.NeedWrite,
	"createAudience": auth.NeedWrite, "listAudiences": auth.NeedRead, "previewAudience": auth.NeedRead, "getAudience": auth.NeedRead, "updateAudience": auth.NeedWrite,
	"listAudienceMembers": auth.NeedRead, "exportAudience": auth.NeedRead, "deleteAudience": auth.NeedWrite,
	"createSignal": auth.NeedIngest, "createSignals": auth.NeedIngest, "listSignals": auth.NeedRead, "getSignal": auth.NeedRead, "listSignalDeliveries": auth.NeedRead,
	"createSignalType": auth.NeedWrite, "listSignalTypes": auth.NeedRead, "getSignalType": auth.NeedRead, "updateSignalType": auth.NeedWrite, "deleteSignalType": auth.NeedWrite,

	"createWebhook": auth.NeedHooks, "listWebhooks": auth.NeedRead, "getWebhook": auth.NeedRead, "updateWebhook": auth.NeedHooks,
	"enableWebhook": auth.NeedHooks, "disableWebhook": auth.NeedHooks, "testWebhook": auth.NeedHooks, "regenerateSecret": auth.NeedHooks, "activateSecret": auth.NeedHooks, "getPublicKey": auth.NeedRead, "deleteWebhook": auth.NeedHooks,
	"listDeliveries": auth.NeedRead, "readFeed": auth.NeedRead, "listEventTypes": auth.NeedRead,
	"getDelivery": auth.NeedRead, "explainEvent": auth.NeedRead, "retryDelivery": auth.NeedHooks, "previewRecovery": auth.NeedRead, "recoverWebhook": auth.NeedHooks,

	"listAccounts": auth.NeedRead, "getAccount": auth.NeedRead, "updateAccount": auth.NeedWrite, "importAccounts": auth.NeedWrite, "eraseAccount": auth.NeedAdmin,
	"listContacts": auth.NeedRead, "getContact": auth.NeedRead, "updateContact": auth.NeedWrite, "importContacts": auth.NeedWrite, "eraseContact": auth.NeedAdmin,
	"listAccountTimeline": auth.NeedRead, "listContactTimeline": auth.NeedRead, "explainAccountScore": auth.NeedRead, "explainContactScore": auth.NeedRead,
	"getAccountScoreHistory": auth.NeedRead, "getContactScoreHistory": auth.NeedRead,
	"mergeAccount": auth.NeedWrite, "mergeContact": auth.NeedWrite, "listMerges": auth.NeedRead, "getMerge": auth.NeedRead, "undoMerge": auth.NeedWrite,
	"acceptMerge": auth.NeedWrite, "dismissMerge": auth.NeedWrite,
	"listImports": auth.NeedRead, "undoImport": auth.NeedWrite,
	"createLinkedAccount": auth.NeedWrite, "listLinkedAccounts": auth.NeedRead, "getLinkedAccount": auth.NeedRead, "updateLinkedAccount": auth.NeedWrite, "deleteLinkedAccount": auth.NeedWrite,
	"createStream": auth.NeedWrite, "listStreams": auth.NeedRead, "getStream": auth.NeedRead, "updateStream": auth.NeedWrite, "deleteStream": auth.NeedWrite, "syncStream": auth.NeedWrite,
	"listSyncRuns": auth.NeedRead, "getSyncRun": auth.NeedRead, "approveSyncRun": auth.NeedWrite, "discardSyncRun": auth.NeedWrite,
	"listJobs": auth.NeedRead, "getJob": auth.NeedRead, "cancelJob": auth.NeedWrite,

	"createICP": auth.NeedWrite, "listICPs": auth.NeedRead, "getICP": auth.NeedRead, "updateICP": auth.NeedWrite, "deleteICP": auth.NeedWrite,
	"testICP": auth.NeedRead, "testICPDraft": auth.NeedRead,
	"createPersona": auth.NeedWrite, "listPersonas": auth.NeedRead, "getPersona": auth.NeedRead, "updatePersona": auth.NeedWrite, "deletePersona": auth.NeedWrite,
	"testPersona": auth.NeedRead, "testPersonaDraft": auth.NeedRead,

	"createKey": auth.NeedAdmin, "listKeys": auth.NeedAdmin, "getKey": auth.NeedAdmin, "updateKey": auth.NeedAdmin, "revokeKey": auth.NeedAdmin,
	"getWorkspace": auth.NeedRead, "updateWorkspace": auth.NeedAdmin,
	"createMember": auth.NeedAdmin, "listMembers": auth.NeedAdmin, "getMember": auth.NeedAdmin, "updateMember": auth.NeedAdmin,
	"createMemberLink": auth.NeedAdmin, "deleteMember": auth.NeedAdmin, "listAuditLog": auth.NeedAdmin,

	"getOverview": auth.NeedRead, "getWebhookHealth": auth.NeedRead, "listLogs": auth.NeedRead, "stream": auth.NeedRead,

	"getSession": auth.NeedMember, "updateSession": auth.NeedMember, "listSessions": auth.NeedMember, "deleteSession": auth.NeedMember, "signOut": auth.NeedMember,
}

// open are the operations that need no key.
var open = []string{"health", "ready", "document", "metrics", "reference", "referenceScript", "referenceSetup",
	"getSignIn", "createSession", "getLink", "useLink", "beginOIDC", "finishOIDC"}

// guarded returns the operations that need a key, all of them listed in needs.
func guarded(b *box) []api.Row {
	var rows []api.Row
	seen := map[string]bool{}
	for _, r := range b.api.Table() {
		_, listed := needs[r.ID]
		switch {
		case seen[r.ID]:
			b.Fatalf("two operations are named %s", r.ID)
		case slices.Contains(open, r.ID) != (r.Need == ""):
			b.Fatalf("%s %s: needs %q, and is open: %v", r.Method, r.Pattern, r.Need, slices.Contains(open, r.ID))
		case r.Need != "" && !listed:
			b.Fatalf("%s %s (%s) is not listed in needs", r.Method, r.Pattern, r.ID)
		case r.Need != "":
			rows = append(rows, r)
		}
		seen[r.ID] = true
	}
	return rows
}

// kinds says what the {id} of a path names.
var kinds = map[string]signalbox.Kind{
	"/v1/signals/": signalbox.KindSignal, "/v1/webhooks/": signalbox.KindWebhook, "/v1/deliveries/": signalbox.KindDelivery,
	"/v1/accounts/": signalbox.KindAccount, "/v1/contacts/": signalbox.KindContact, "/v1/jobs/": signalbox.KindJob, "/v1/merges/": signalbox.KindMerge,
	"/v1/imports/": signalbox.KindImport, "/v1/events/": signalbox.KindEvent,
	"/v1/api-keys/": signalbox.KindKey, "/v1/members/": signalbox.KindMember, "/v1/sessions/": signalbox.KindSession,
	"/v1/audiences/": signalbox.KindAudience, "/v1/signal-types/": signalbox.KindType,
	"/v1/icps/": signalbox.KindICP, "/v1/personas/": signalbox.KindPersona, "/v1/linked-accounts/": signalbox.KindLinked,
}

// inner says what the other places of paths name.
var inner = map[string]signalbox.Kind{"{stream}": signalbox.KindStream, "{run}": signalbox.KindSyncRun}

// fill puts ids into the places of a path; a place without one stays as it is, which is the id of nothing.
func fill(pattern, id string, ids map[signalbox.Kind]string) string {
	path := strings.Replace(pattern, "{id}", id, 1)
	for place, kind := range inner {
		if ids[kind] != "" {
			path = strings.Replace(path, place, ids[kind], 1)
		}
	}
	return path
}

// kindOf says what the {id} of a pattern names; "" for a path without.
func kindOf(t *testing.T, pattern string) signalbox.Kind {
	t.Helper()
	if !strings.Contains(pattern, "{id}") {
		return ""
	}
	for prefix, kind := range kinds {
		if strings.HasPrefix(pattern, prefix) {
			return kind
		}
	}
	t.Fatalf("%s: nobody says what its id names", pattern)
	return ""
}

// unknownID is a well-formed id that names nothing.
func unknownID(b *box, kind signalbox.Kind) string {
	return b.codec.Format(kind, b.ids.Next(time.Now()))
}

// TestAccess_EveryOperationAllowsExactlyItsScopesAndRoles walks the whole table of routes as nobody, as each role and with each scope.
func TestAccess_EveryOperationAllowsExactlyItsScopesAndRoles(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	keys, cookies := map[signalbox.Scope]string{}, map[signalbox.Role]string{}
	for _, scope := range auth.Scopes() {
		keys[scope] = b.key(b.ws, scope)
	}
	for _, r := range guarded(b) {
		for _, role := range signalbox.Roles() { // anew for each operation: one of them signs out
			cookies[role] = b.session(b.member(role))
		}
		need, path := needs[r.ID], fill(r.Pattern, unknownID(b, kindOf(t, r.Pattern)), nil)
		if r.ID == "stream" {
			path += "?topics=none" // what is allowed is refused for this, and has an end
		}
		for scope, key := range keys {
			got := b.send(key, r.Method, path, "")
			switch {
			case auth.Allows(scope, need) && refusedAccess(got):
				t.Errorf("%s with scope %s: %d %s", r.ID, scope, got.status, got.body)
			case need == auth.NeedMember:
				got.refuses(http.StatusForbidden, "forbidden", "", "members who are signed in")
			case !auth.Allows(scope, need):
				got.refuses(http.StatusForbidden, "forbidden", "", "the scope "+string(scope)+", and the operation needs "+need.Words())
			}
		}
		for role, cookie := range cookies {
			got := b.send("", r.Method, path, "", "Cookie", cookie)
			switch {
			case auth.RoleAllows(role, need) && refusedAccess(got):
				t.Errorf("%s as %s: %d %s", r.ID, role, got.status, got.body)
			case !auth.RoleAllows(role, need):
				got.refuses(http.StatusForbidden, "forbidden", "", "the role "+string(role)+", and the operation needs "+need.Roles())
			}
		}
		got := b.send("", r.Method, path, "")
		got.refuses(http.StatusUnauthorized, "unauthorized", "", "Bearer sk_live_")
		if got.header.Get("Www-Authenticate") == "" {
			t.Errorf("%s: 401 without WWW-Authenticate", r.ID)
		}
		b.send("", r.Method, path, "", "Cookie", "signalbox="+auth.NewToken().Reveal()).refuses(http.StatusUnauthorized, "unauthorized", "", "sign in again")
	}
}

func refusedAccess(a answer) bool {
	return a.status == http.StatusUnauthorized || a.status == http.StatusForbidden
}

func TestTenancy_AnotherWorkspacesIdAnswersAsAnUnknownOne(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	theirs := everything(b)
	_, stranger := b.workspace("Stranger")
	for _, r := range guarded(b) {
		kind := kindOf(t, r.Pattern)
		if kind == "" || needs[r.ID] == auth.NeedMember {
			continue
		}
		answers := map[string]string{}
		for name, id := range map[string]string{
			"foreign": theirs[kind], "unknown": unknownID(b, kind), "garbage": "nonsense", "another kind": unknownID(b, signalbox.KindRequest),
			"mistyped": theirs[kind][:len(theirs[kind])-1] + "_",
		} {
			body := ""
			if len(r.Examples) > 0 {
				body = r.Examples[0]
			}
			got := b.send(stranger, r.Method, fill(r.Pattern, id, theirs), body)
			if got.status != http.StatusNotFound || !strings.HasSuffix(got.text("error.code"), "_not_found") {
				t.Errorf("%s with a %s id: %d %s", r.ID, name, got.status, got.body)
			}
			answers[requestFacts.ReplaceAllString(string(got.body), "")] = name
		}
		if len(answers) != 1 {
			t.Errorf("%s tells ids apart: %v", r.ID, slices.Collect(maps.Keys(answers)))
		}
	}
}

// requestFacts are the parts of an answer that differ between any two requests.
var requestFacts = regexp.MustCompile(`req_[0-9a-z]{26}|"timestamp":"[^"]*"`)

// everything makes one of each thing that has an id in the box's workspace.
func everything(b *box) map[signalbox.Kind]string {
	b.Helper()
	ids := map[signalbox.Kind]string{}
	defer func() {
		for _, kind := range slices.Concat(slices.Collect(maps.Values(kinds)), slices.Collect(maps.Values(inner))) {
			if ids[kind] == "" {
				b.Fatalf("no %s was made: its routes would not be tried", kind)
			}
		}
	}()
	ids[signalbox.KindWebhook] = b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://hooks.example.com/x","events":["*"]}`).text("id")
	signal := b.do(http.StatusCreated, "POST", "/v1/signals", trial)
	ids[signalbox.KindSignal], ids[signalbox.KindAccount], ids[signalbox.KindContact] = signal.text("id"), signal.text("account_id"), signal.text("contact_id")
	ids[signalbox.KindDelivery] = b.do(http.StatusOK, "GET", "/v1/webhooks/"+ids[signalbox.KindWebhook]+"/deliveries", "").text("data.0.id")
	ids[signalbox.KindEvent] = b.do(http.StatusOK, "GET", "/v1/deliveries/"+ids[signalbox.KindDelivery], "").text("data.event_id")
	ids[signalbox.KindAudience] = b.do(http.StatusCreated, "POST", "/v1/audiences", `{"name":"a","entity":"account","condition":"account.score > 0"}`).text("data.id")
	ids[signalbox.KindType] = b.do(http.StatusCreated, "POST", "/v1/signal-types", `{"name":"Custom event"}`).text("data.id")
	member := b.member(signalbox.RoleViewer)
	b.session(member)
	list, _, err := b.db.Sessions(b.Context(), b.ws, member.ID, signalbox.Page{})
	if err != nil {
		b.Fatal(err)
	}
	ids[signalbox.KindMember], ids[signalbox.KindSession] = b.codec.Format(signalbox.KindMember, int64(member.ID)), b.codec.Format(signalbox.KindSession, int64(list[0].ID))
	ids[signalbox.KindKey] = b.do(http.StatusCreated, "POST", "/v1/api-keys", `{"name":"k","scope":"read"}`).text("data.id")
	other := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","account":{"domain":"other.com"}}`).text("account_id")
	ids[signalbox.KindMerge] = b.do(http.StatusCreated, "POST", "/v1/accounts/"+other+"/merge", `{"into":"`+ids[signalbox.KindAccount]+`"}`).text("data.id")
	b.do(http.StatusOK, "POST", "/v1/accounts/batch", `{"accounts":[{"domain":"imported.com"}],"import":"mine"}`)
	ids[signalbox.KindImport] = b.do(http.StatusOK, "GET", "/v1/imports", "").text("data.0.id")
	for kind, path := range map[signalbox.Kind]string{signalbox.KindICP: "/v1/icps", signalbox.KindPersona: "/v1/personas"} {
		ids[kind] = b.do(http.StatusCreated, "POST", path, `{"code":"c","parameters":[{"name":"p","expression":"account.score > 1","mode":"filter"}]}`).text("data.id")
	}
	ids[signalbox.KindLinked] = b.linkedAccount()
	ids[signalbox.KindStream] = b.stream(ids[signalbox.KindLinked], ownStream).text("data.id")
	ids[signalbox.KindSyncRun] = b.quarantine(ids[signalbox.KindStream])
	gone := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","contact":{"email":"gone@gone.com"}}`).text("contact_id")
	ids[signalbox.KindJob] = b.do(http.StatusAccepted, "DELETE", "/v1/contacts/"+gone, "").text("data.id")
	return ids
}

func TestKeys_TheRefusalSaysWhatIsWrongWithTheShapeOnly(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	revoked := b.do(http.StatusCreated, "POST", "/v1/api-keys", `{"name":"k","scope":"read"}`)
	b.do(http.StatusNoContent, "DELETE", "/v1/api-keys/"+revoked.text("data.id"), "")
	for _, c := range []struct{ header, says string }{
		{"", "no API key"}, {"Basic eDp5", "must read Bearer"}, {"Bearer", "is empty"}, {"Bearer ", "is empty"}, {"Bearer key", "begins with sk_live_"},
		{"Bearer sk_live_abc", "too short"}, {"Bearer sk_live_" + strings.Repeat("a", 36), "mistyped"},
		{"Bearer sk_live_somebody_elses_bootstrap_key", "unknown, revoked or expired API key"},
		{"Bearer " + revoked.text("data.key"), "unknown, revoked or expired API key"},
		{"bearer " + b.admin, ""},
	} {
		got := b.send("", "GET", "/v1/workspace", "", "Authorization", c.header)
		if c.says == "" {
			if got.status != http.StatusOK {
				t.Errorf("%s…: %d %s", c.header[:10], got.status, got.body)
			}
			continue
		}
		got.refuses(http.StatusUnauthorized, "unauthorized", "", c.says)
	}
}

func TestMethods_OthersAreRefusedWithThoseThatAreAllowed(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for path, allow := range map[string]string{
		"/v1/signals": "GET, HEAD, POST", "/v1/signals/batch": "POST", "/v1/webhooks/x": "GET, HEAD, PATCH, DELETE",
		"/v1/webhooks/x/test": "POST", "/healthz": "GET, HEAD", "/openapi.json": "GET, HEAD",
	} {
		for _, method := range []string{"PUT", "OPTIONS", "TRACE", "BREW"} {
			got := b.send(b.admin, method, path, "")
			got.refuses(http.StatusMethodNotAllowed, "method_not_allowed", "", allow)
			if got.header.Get("Allow") != allow {
				t.Errorf("%s %s: Allow %q, want %q", method, path, got.header.Get("Allow"), allow)
			}
		}
	}
	if got := b.send(b.admin, "HEAD", "/v1/signals", ""); got.status != http.StatusOK || len(got.body) != 0 {
		t.Errorf("HEAD: %d %q", got.status, got.body)
	}
}

func TestPaths_UnknownOnesAre404AndNeverRedirect(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, path := range []string{"/v1", "/v1/", "/v1/signals/", "/v2/signals", "//v1/signals", "/v1//signals", "/v1/./signals", "/v1/x/../signals", "/docs/", "/v1/webhooks/x/secret"} {
		for _, method := range []string{"GET", "POST"} {
			b.send(b.admin, method, path, "{}").refuses(http.StatusNotFound, "not_found", "", "openapi.json")
		}
	}
}

func TestQueries_UnknownParametersAreRefusedByNameEverywhere(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for _, r := range guarded(b) {
		if needs[r.ID] == auth.NeedIngest {
			continue // relays add what they like
		}
		path := strings.Replace(r.Pattern, "{id}", unknownID(b, kindOf(t, r.Pattern)), 1)
		as := []string{}
		key := b.admin
		if needs[r.ID] == auth.NeedMember {
			key, as = "", []string{"Cookie", b.session(b.member(signalbox.RoleAdmin))}
		}
		b.send(key, r.Method, path+"?zzz=1", "", as...).refuses(http.StatusBadRequest, "validation_error", "zzz", "unknown query parameter zzz")
	}
}
