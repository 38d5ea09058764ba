package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/api"
	"signalbox/poll"
	"signalbox/poll/connector"
)

// token is the credential of ownStream: it must be found nowhere but sealed.
const token = "t0k3n-of-acme"

// ownConnector is a connector without a definition.
const ownConnector = `{"type":"http_json","url":"https://api.example.com/v1/people","auth":{"type":"bearer","token":"` + token + `"},"records":"data","id":"id"}`

const ownStream = `{"api":"hris","record_type":"employees","connector":` + ownConnector + `}`

// linkedAccount links an account, and returns its id.
func (b *box) linkedAccount() string {
	b.Helper()
	return b.do(http.StatusCreated, "POST", "/v1/linked-accounts", `{"provider":"bamboohr","origin_owner_id":"customer-42"}`).text("data.id")
}

// stream makes a stream that must be taken.
func (b *box) stream(account, body string) answer {
	b.Helper()
	return b.do(http.StatusCreated, "POST", "/v1/linked-accounts/"+account+"/streams", body)
}

// stored is the stream as the store has it.
func (b *box) stored(stream string) signalbox.Stream {
	b.Helper()
	id, ok := b.codec.Parse(signalbox.KindStream, stream)
	if !ok {
		b.Fatalf("%q is no id of a stream", stream)
	}
	return b.linked.one(signalbox.StreamID(id))
}

// quarantine has a run of a stream end so, and returns its id.
func (b *box) quarantine(stream string) string {
	b.Helper()
	run := b.linked.quarantine(b.stored(stream).ID, time.Now().UTC())
	return b.codec.Format(signalbox.KindSyncRun, int64(run.ID))
}

// proves S4-24…S4-28: an account is known by its id, with who owns it, who connected it, and what was said then
func TestLinkedAccount_IsMadeShownChangedAndDeleted(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	made := b.do(http.StatusCreated, "POST", "/v1/linked-accounts",
		`{"provider":" bamboohr ","origin_owner_id":"customer-42","origin_owner_name":"Acme","origin_username":"jane@acme.com","setup_information":{"domain":"companytest","n":12345678901234567890}}`)
	id := made.text("data.id")
	if !strings.HasPrefix(id, "lac_") || made.text("data.status") != "active" || made.text("data.provider") != "bamboohr" || made.text("data.origin_owner_id") != "customer-42" ||
		made.text("data.origin_owner_name") != "Acme" || made.text("data.origin_username") != "jane@acme.com" || !bytes.Contains(made.body, []byte(`"setup_information":{"domain":"companytest","n":12345678901234567890}`)) {
		t.Errorf("made %s", made.body)
	}
	patched := b.do(http.StatusOK, "PATCH", "/v1/linked-accounts/"+id, `{"origin_owner_name":"Acme Corp","origin_username":null,"setup_information":null}`)
	if patched.text("data.origin_owner_name") != "Acme Corp" || patched.at("data.origin_username") != nil || patched.at("data.setup_information") != nil || patched.text("data.provider") != "bamboohr" {
		t.Errorf("changed to %s", patched.body)
	}
	if fmt.Sprint(patched.at("data.revision")) != "2" {
		t.Errorf("the revision is %v", patched.at("data.revision"))
	}
	b.send(b.admin, "PATCH", "/v1/linked-accounts/"+id, `{"provider":"x","revision":1}`).refuses(http.StatusConflict, "conflict", "", "revision 2, not 1")
	if got := b.do(http.StatusOK, "GET", "/v1/linked-accounts/"+id, ""); got.text("data.provider") != "bamboohr" {
		t.Errorf("a refused change was made: %s", got.body)
	}
	b.do(http.StatusNoContent, "DELETE", "/v1/linked-accounts/"+id, "")
	b.send(b.admin, "GET", "/v1/linked-accounts/"+id, "").refuses(http.StatusNotFound, "linked_account_not_found", "", "no such")
}

func TestLinkedAccount_RefusalsNameTheField(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for name, c := range map[string]struct{ body, param, says string }{
		"no provider":              {`{"origin_owner_id":"x"}`, "provider", "such as bamboohr"},
		"an empty provider":        {`{"provider":" ","origin_owner_id":"x"}`, "provider", "required"},
		"nobody's":                 {`{"provider":"p"}`, "origin_owner_id", "required"},
		"a long name":              {`{"provider":"p","origin_owner_id":"x","origin_owner_name":"` + strings.Repeat("a", 201) + `"}`, "origin_owner_name", "at most 200"},
		"a list as setup":          {`{"provider":"p","origin_owner_id":"x","setup_information":[1]}`, "setup_information", "an object"},
		"too much setup":           {`{"provider":"p","origin_owner_id":"x","setup_information":{"a":"` + strings.Repeat("a", signalbox.MaxSetup) + `"}}`, "setup_information", "16384"},
		"a field that there's not": {`{"provider":"p","origin_owner_id":"x","project":"y"}`, "project", ""},
	} {
		got := b.send(b.admin, "POST", "/v1/linked-accounts", c.body)
		if got.refuses(http.StatusBadRequest, "validation_error", c.param, c.says); got.status != http.StatusBadRequest {
			t.Errorf("%s: taken", name)
		}
	}
	id := b.linkedAccount()
	b.send(b.admin, "PATCH", "/v1/linked-accounts/"+id, `{"provider":null}`).refuses(http.StatusBadRequest, "validation_error", "provider", "required")
}

func TestLinkedAccounts_AreListedNewestFirstInPages(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	var want []string
	for range 5 {
		want = append([]string{b.linkedAccount()}, want...)
	}
	var got []string
	for cursor := ""; ; {
		list := b.do(http.StatusOK, "GET", "/v1/linked-accounts?limit=2&cursor="+cursor, "")
		for _, one := range list.at("data").([]any) {
			got = append(got, one.(map[string]any)["id"].(string))
		}
		if cursor = list.text("meta.next_cursor"); cursor == "" {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("listed %v, want %v", got, want)
	}
}

func TestStream_HasTheDefaultsOfTheContract(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	got := b.stream(b.linkedAccount(), ownStream)
	for path, want := range map[string]any{ // S4-4: every hour
		"data.api": "hris", "data.record_type": "employees", "data.interval": "1h", "data.deletion.confirmations": json.Number("2"), "data.emit_created_on_baseline": false,
		"data.emit_signals": false, "data.paused": false, "data.baseline": false, "data.run_id": nil, "data.quarantined_run_id": nil, "data.revision": json.Number("1"),
	} {
		if got.at(path) != want {
			t.Errorf("%s is %v, want %v", path, got.at(path), want)
		}
	}
	if got.text("data.next_run_at") != got.text("data.created_at") {
		t.Errorf("it is fetched at %s, and was made at %s", got.text("data.next_run_at"), got.text("data.created_at"))
	}
	s := b.stored(got.text("data.id"))
	if s.Fingerprint == 0 || len(s.Key) == 0 || len(b.woken) == 0 {
		t.Errorf("the stream is not ready to be fetched: %+v", s)
	}
}

func TestStream_TakesEverySettingAndChangesThem(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	account := b.linkedAccount()
	id := b.stream(account, `{"api":"crm","record_type":"deals","interval":"90m","deletion":{"confirmations":3},"emit_created_on_baseline":true,"emit_signals":true,"paused":true,"connector":`+ownConnector+`}`).text("data.id")
	path := "/v1/linked-accounts/" + account + "/streams/" + id
	got := b.do(http.StatusOK, "GET", path, "")
	if got.text("data.interval") != "90m" || fmt.Sprint(got.at("data.deletion.confirmations")) != "3" || got.at("data.emit_signals") != true || got.at("data.emit_created_on_baseline") != true ||
		got.at("data.paused") != true || got.at("data.next_run_at") != nil {
		t.Errorf("made %s", got.body)
	}
	got = b.do(http.StatusOK, "PATCH", path, `{"interval":null,"deletion":{"confirmations":1},"emit_signals":false,"paused":false}`)
	if got.text("data.interval") != "1h" || fmt.Sprint(got.at("data.deletion.confirmations")) != "1" || got.at("data.emit_signals") != false || got.at("data.emit_created_on_baseline") != true ||
		got.at("data.paused") != false || got.text("data.next_run_at") == "" {
		t.Errorf("changed to %s", got.body)
	}
	b.send(b.admin, "PATCH", path, `{"paused":true,"revision":1}`).refuses(http.StatusConflict, "conflict", "", "revision 2, not 1")
}

// A shorter interval holds at once; a longer one holds from the next run on, which is not put off.
func TestStream_AShorterIntervalBringsTheNextRunForward(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	account := b.linkedAccount()
	id := b.stream(account, ownStream).text("data.id")
	b.linked.mu.Lock()
	s := b.linked.streams[b.storedID(id)]
	later := time.Now().UTC().Add(20 * time.Hour)
	s.NextAt = later
	b.linked.streams[s.ID] = s
	b.linked.mu.Unlock()
	path := "/v1/linked-accounts/" + account + "/streams/" + id
	b.do(http.StatusOK, "PATCH", path, `{"interval":"24h"}`)
	if got := b.stored(id).NextAt; got.After(later) {
		t.Errorf("a longer interval puts the next run off to %s", got)
	}
	b.do(http.StatusOK, "PATCH", path, `{"interval":"1m"}`)
	if got := b.stored(id).NextAt; got.After(time.Now().Add(2 * time.Minute)) {
		t.Errorf("with a minute between runs the next one is at %s", got)
	}
}

func (b *box) storedID(text string) signalbox.StreamID {
	id, _ := b.codec.Parse(signalbox.KindStream, text)
	return signalbox.StreamID(id)
}

func TestStream_RefusalsNameTheField(t *testing.T) {
	t.Parallel()
	b := newBox(t, func(c *api.Config) { c.ImportDir = t.TempDir() })
	account := b.linkedAccount()
	with := func(connector string) string {
		return `{"api":"hris","record_type":"employees","connector":` + connector + `}`
	}
	setting := func(text string) string {
		return `{"api":"hris","record_type":"employees",` + text + `,"connector":` + ownConnector + `}`
	}
	for name, c := range map[string]struct{ body, param, says string }{
		"no api":                      {`{"record_type":"employees","connector":` + ownConnector + `}`, "api", "hris or ats"},
		"no record type":              {`{"api":"hris","connector":` + ownConnector + `}`, "record_type", "such as employees"},
		"no connector":                {`{"api":"hris","record_type":"employees"}`, "connector", "required"},
		"a loud name":                 {`{"api":"HRIS","record_type":"employees","connector":` + ownConnector + `}`, "api", "lower-case"},
		"too often":                   {setting(`"interval":"59s"`), "interval", "between 1m and 24h"},
		"too seldom":                  {setting(`"interval":"2d"`), "interval", "between 1m and 24h"},
		"never":                       {setting(`"interval":"0s"`), "interval", "between 1m and 24h"},
		"no duration":                 {setting(`"interval":"hourly"`), "interval", "30s"},
		"no confirmation":             {setting(`"deletion":{"confirmations":0}`), "deletion.confirmations", "between 1 and 10"},
		"many confirmations":          {setting(`"deletion":{"confirmations":11}`), "deletion.confirmations", "between 1 and 10"},
		"an unknown setting":          {setting(`"pause":true`), "pause", ""},
		"no object":                   {with(`"rest"`), "connector", ""},
		"no type":                     {with(`{"url":"https://x.example"}`), "connector.type", "connector.type: is missing"},
		"no token":                    {with(`{"type":"http_json","url":"https://x.example","id":"id","auth":{"type":"bearer"}}`), "connector.auth.token", "connector.auth.token: is missing"},
		"an address inside":           {with(`{"type":"http_json","url":"https://127.0.0.1/x","id":"id"}`), "connector.url", "connector.url: "},
		"in the clear":                {with(`{"type":"http_json","url":"http://api.example.com/x","id":"id"}`), "connector.url", "http"},
		"a token from inside":         {with(`{"type":"http_json","url":"https://api.example.com/x","id":"id","auth":{"type":"oauth2","token_url":"https://10.0.0.1/t","client_id":"i","client_secret":"s"}}`), "connector.auth.token_url", ""},
		"a file that is not there":    {with(`{"type":"csv","file":"nobody.csv","id":"id"}`), "connector.file", "import directory"},
		"a file outside":              {with(`{"type":"csv","file":"../secret.csv","id":"id"}`), "connector.file", ".."},
		"an unknown product":          {with(`{"definition":"nobody"}`), "connector.definition", "bamboohr"},
		"another api":                 {`{"api":"ats","record_type":"employees","connector":{"definition":"bamboohr","settings":{"domain":"a"},"auth":{"type":"basic","username":"k"}}}`, "api", "hris"},
		"another record type":         {`{"record_type":"badges","connector":{"definition":"bamboohr","settings":{"domain":"a"},"auth":{"type":"basic","username":"k"}}}`, "record_type", "employees"},
		"a setting is missing":        {with(`{"definition":"bamboohr","auth":{"type":"basic","username":"k"}}`), "connector.settings.domain", "is missing"},
		"a setting that leads inside": {`{"record_type":"x","connector":{"definition":"rest","settings":{"url":"https://169.254.169.254/latest"},"auth":{"type":"none"}}}`, "connector.settings", ""},
	} {
		got := b.send(b.admin, "POST", "/v1/linked-accounts/"+account+"/streams", c.body)
		if got.refuses(http.StatusBadRequest, "validation_error", c.param, c.says); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	id := b.stream(account, ownStream).text("data.id")
	for body, param := range map[string]string{`{"api":"ats"}`: "api", `{"record_type":"x"}`: "record_type", `{"connector":null}`: "connector", `{"interval":"1s"}`: "interval"} {
		b.send(b.admin, "PATCH", "/v1/linked-accounts/"+account+"/streams/"+id, body).refuses(http.StatusBadRequest, "validation_error", param, "")
	}
	b.do(http.StatusOK, "PATCH", "/v1/linked-accounts/"+account+"/streams/"+id, `{"api":"hris","record_type":"employees"}`)
}

func TestStream_AFileIsReadFromTheImportDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "people.csv"), []byte("id,name\n1,Ada\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const body = `{"api":"hris","record_type":"employees","connector":{"type":"csv","file":"people.csv","id":"id"}}`
	with := newBox(t, func(c *api.Config) { c.ImportDir = dir })
	if s := with.stored(with.stream(with.linkedAccount(), body).text("data.id")); s.Secrets != nil {
		t.Errorf("a file has credentials: %q", s.Secrets)
	}
	without := newBox(t)
	without.send(without.admin, "POST", "/v1/linked-accounts/"+without.linkedAccount()+"/streams", body).
		refuses(http.StatusBadRequest, "validation_error", "connector.file", "--import-dir")
}

// Credentials are sealed for the stream, and are in no answer, no log and nothing else that is stored.
func TestStream_CredentialsAreSealedAndNeverShown(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	account := b.linkedAccount()
	made := b.stream(account, ownStream)
	path := "/v1/linked-accounts/" + account + "/streams/" + made.text("data.id")
	answers := [][]byte{made.body, b.do(http.StatusOK, "GET", path, "").body, b.do(http.StatusOK, "GET", "/v1/linked-accounts/"+account+"/streams", "").body,
		b.do(http.StatusOK, "PATCH", path, `{"connector":`+ownConnector+`}`).body, b.send(b.admin, "PATCH", path, `{"connector":{"type":"http_json","url":"https://x.example","auth":{"type":"basic","token":"`+token+`"}}}`).body,
		b.do(http.StatusOK, "GET", "/v1/logs", "").body, []byte(b.log.String()), []byte(b.linked.kept())}
	for i, text := range answers {
		if bytes.Contains(text, []byte(token)) {
			t.Errorf("answer %d tells the token: %s", i, text)
		}
	}
	s := b.stored(made.text("data.id"))
	if got, err := poll.OpenSecrets(b.sealed, &s); err != nil || got["token"] != token {
		t.Errorf("sealed are %v, %v", got, err)
	}
}

func TestStream_CredentialsStayWithTheSameHostsAlone(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	account := b.linkedAccount()
	id := b.stream(account, ownStream).text("data.id")
	path := "/v1/linked-accounts/" + account + "/streams/" + id
	before := b.stored(id)
	bare := strings.Replace(ownConnector, `,"token":"`+token+`"`, "", 1)
	b.do(http.StatusOK, "PATCH", path, `{"connector":`+strings.Replace(bare, "/v1/people", "/v2/people", 1)+`}`)
	after := b.stored(id)
	if !bytes.Equal(after.Secrets, before.Secrets) || after.Fingerprint == before.Fingerprint {
		t.Error("another path on the same host is another baseline with the same credentials")
	}
	b.send(b.admin, "PATCH", path, `{"connector":`+strings.Replace(bare, "api.example.com", "evil.example.com", 1)+`}`).
		refuses(http.StatusBadRequest, "validation_error", "connector.auth.token", "is missing")
	b.send(b.admin, "PATCH", path, `{"connector":`+strings.Replace(bare, "bearer", "basic", 1)+`}`).
		refuses(http.StatusBadRequest, "validation_error", "connector.auth.username", "is missing")
	if got := b.stored(id); !bytes.Equal(got.Connector, after.Connector) {
		t.Error("a refused change was made")
	}
	b.do(http.StatusOK, "PATCH", path, `{"connector":`+strings.Replace(ownConnector, token, "another", 1)+`}`)
	s := b.stored(id)
	if got, err := poll.OpenSecrets(b.sealed, &s); err != nil || got["token"] != "another" {
		t.Errorf("sealed are %v, %v", got, err)
	}
	if s.Fingerprint != before.Fingerprint {
		t.Error("other credentials make another baseline")
	}
	b.do(http.StatusOK, "PATCH", path, `{"connector":{"type":"http_json","url":"https://api.example.com/v1/people","records":"data","id":"id"}}`)
	if got := b.stored(id).Secrets; got != nil {
		t.Errorf("a connector that needs no credentials has some: %q", got)
	}
}

// A connector as it is shown can be sent again as it is, with no credentials: nothing changes but the revision.
func TestStream_TheConnectorThatIsShownCanBeSentBack(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	account := b.linkedAccount()
	for _, body := range []string{ownStream, `{"record_type":"employments","connector":{"definition":"bamboohr","settings":{"domain":"acme"},"auth":{"type":"basic","username":"` + token + `"}}}`} {
		made := b.stream(account, body)
		before := b.stored(made.text("data.id"))
		shown, err := json.Marshal(made.at("data.connector"))
		if err != nil {
			t.Fatal(err)
		}
		b.do(http.StatusOK, "PATCH", "/v1/linked-accounts/"+account+"/streams/"+made.text("data.id"), `{"connector":`+string(shown)+`}`)
		after := b.stored(made.text("data.id"))
		if after.Fingerprint != before.Fingerprint || !bytes.Equal(after.Connector, before.Connector) || !bytes.Equal(after.Secrets, before.Secrets) || after.API != before.API {
			t.Errorf("%s\nbecame %s", before.Connector, after.Connector)
		}
	}
}

func TestSync_IsStartedOnceAndItsRunsAreListed(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	account := b.linkedAccount()
	id, other := b.stream(account, ownStream).text("data.id"), b.stream(account, ownStream).text("data.id")
	sync := "/v1/linked-accounts/" + account + "/streams/" + id + "/sync"
	run := b.do(http.StatusAccepted, "POST", sync, "").text("data.run_id")
	if !strings.HasPrefix(run, "sync_") {
		t.Errorf("the run is %q", run)
	}
	if again := b.do(http.StatusAccepted, "POST", sync, "{}").text("data.run_id"); again != run {
		t.Errorf("while %s goes on, %s is begun", run, again)
	}
	b.do(http.StatusAccepted, "POST", strings.Replace(sync, id, other, 1), "")
	for query, want := range map[string]int{"": 2, "?stream_id=" + id: 1, "?stream_id=" + other: 1} {
		if list := b.do(http.StatusOK, "GET", "/v1/linked-accounts/"+account+"/runs"+query, ""); len(list.at("data").([]any)) != want {
			t.Errorf("%s: %s, want %d runs", query, list.body, want)
		}
	}
	got := b.do(http.StatusOK, "GET", "/v1/linked-accounts/"+account+"/runs/"+run, "")
	if got.text("data.status") != "running" || got.text("data.stream_id") != id || got.at("data.baseline") != true || got.at("data.error") != nil || got.at("data.ended_at") != nil {
		t.Errorf("the run is %s", got.body)
	}
	b.send(b.admin, "GET", "/v1/linked-accounts/"+account+"/runs?stream_id=x", "").refuses(http.StatusBadRequest, "validation_error", "stream_id", "str_")
	b.do(http.StatusOK, "PATCH", strings.TrimSuffix(sync, "/sync"), `{"paused":true}`)
	b.send(b.admin, "POST", sync, "").refuses(http.StatusConflict, "conflict", "", "paused")
}

func TestQuarantine_IsDecidedOnce(t *testing.T) {
	t.Parallel()
	for decision, other := range map[string]string{"approve": "discard", "discard": "approve"} {
		b := newBox(t)
		account := b.linkedAccount()
		id := b.stream(account, ownStream).text("data.id")
		run := b.quarantine(id)
		if got := b.do(http.StatusOK, "GET", "/v1/linked-accounts/"+account+"/streams/"+id, ""); got.text("data.quarantined_run_id") != run {
			t.Errorf("the stream shows %s, want the quarantine %s", got.body, run)
		}
		path := "/v1/linked-accounts/" + account + "/runs/" + run + "/"
		want := map[string]string{"approve": "approved", "discard": "discarded"}[decision]
		for range 2 { // sent twice it is the same
			if got := b.do(http.StatusOK, "POST", path+decision, ""); got.text("data.decision") != want || got.text("data.status") != "quarantined" || got.at("data.closed_by") != nil {
				t.Errorf("%s: %s", decision, got.body)
			}
		}
		b.send(b.admin, "POST", path+other, "").refuses(http.StatusConflict, "conflict", "", "decision")
		running := b.do(http.StatusAccepted, "POST", "/v1/linked-accounts/"+account+"/streams/"+id+"/sync", "").text("data.run_id")
		b.send(b.admin, "POST", "/v1/linked-accounts/"+account+"/runs/"+running+"/approve", "").refuses(http.StatusConflict, "conflict", "", "")
	}
}

// A stream and a run are found under their own account alone, also within a workspace.
func TestStreams_AreFoundUnderTheirOwnAccountAlone(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	account, other := b.linkedAccount(), b.linkedAccount()
	id := b.stream(account, ownStream).text("data.id")
	run := b.quarantine(id)
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		b.send(b.admin, method, "/v1/linked-accounts/"+other+"/streams/"+id, "{}").refuses(http.StatusNotFound, "stream_not_found", "", "no such stream")
	}
	b.send(b.admin, "POST", "/v1/linked-accounts/"+other+"/streams/"+id+"/sync", "").refuses(http.StatusNotFound, "stream_not_found", "", "no such stream")
	for _, path := range []string{"", "/approve", "/discard"} {
		method := map[bool]string{true: "GET", false: "POST"}[path == ""]
		b.send(b.admin, method, "/v1/linked-accounts/"+other+"/runs/"+run+path, "").refuses(http.StatusNotFound, "run_not_found", "", "no such run")
	}
	if list := b.do(http.StatusOK, "GET", "/v1/linked-accounts/"+other+"/streams", ""); len(list.at("data").([]any)) != 0 {
		t.Errorf("another account's streams are listed: %s", list.body)
	}
	b.do(http.StatusNoContent, "DELETE", "/v1/linked-accounts/"+account, "")
	b.send(b.admin, "GET", "/v1/linked-accounts/"+account+"/streams/"+id, "").refuses(http.StatusNotFound, "stream_not_found", "", "no such stream")
}

func TestLinkedAccounts_HaveNoDoorsWhereNobodyKeepsThem(t *testing.T) {
	t.Parallel()
	b := newBox(t, func(c *api.Config) { c.Linked = nil })
	b.send(b.admin, "GET", "/v1/linked-accounts", "").refuses(http.StatusNotFound, "not_found", "", "openapi.json")
	if doc := b.send("", "GET", "/openapi.json", ""); bytes.Contains(doc.body, []byte("linked-accounts")) {
		t.Error("the document describes them")
	}
}

// Whatever is sent as a connector, the answer is a stream or a refusal that names the connector, never a fault of ours.
func TestStream_NoConnectorIsAFaultOfOurs(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	account := b.linkedAccount()
	keys := []string{"type", "url", "file", "id", "records", "definition", "settings", "auth", "pagination", "query", "exclude", "by_id", "rate_limit", "total", "gzip"}
	values := []string{`"http_json"`, `"csv"`, `"https://api.example.com/{id}"`, `"id"`, `{}`, `[]`, `null`, `1`, `{"type":"bearer","token":"x"}`, `{"type":"page","param":"p"}`, `"bamboohr"`, `["a.b"]`, `{"a":"b"}`, `true`, `""`}
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.MapOfN(rapid.SampledFrom(keys), rapid.SampledFrom(values), 0, 6).Draw(t, "connector")
		var parts []string
		for key, value := range members {
			parts = append(parts, fmt.Sprintf("%q:%s", key, value))
		}
		got := b.send(b.admin, "POST", "/v1/linked-accounts/"+account+"/streams", `{"api":"x","record_type":"y","connector":{`+strings.Join(parts, ",")+`}}`)
		if got.status != http.StatusCreated && (got.status != http.StatusBadRequest || !strings.HasPrefix(got.text("error.param"), "connector") && got.text("error.param") != "record_type" && got.text("error.param") != "api") {
			t.Fatalf("%v: %d %s", members, got.status, got.body)
		}
	})
}

func TestStream_IntervalsAreShownAsTheyWereGiven(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	account := b.linkedAccount()
	path := "/v1/linked-accounts/" + account + "/streams/" + b.stream(account, ownStream).text("data.id")
	for given, want := range map[string]string{"60s": "1m", "90s": "90s", "24h": "1d", "1d": "1d", "720m": "12h"} {
		if got := b.do(http.StatusOK, "PATCH", path, `{"interval":"`+given+`"}`).text("data.interval"); got != want {
			t.Errorf("%s is shown as %s, want %s", given, got, want)
		}
		var again connector.Duration
		if err := again.UnmarshalText([]byte(want)); err != nil {
			t.Error(err)
		}
	}
}
