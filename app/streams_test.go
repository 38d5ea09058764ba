package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/app"
)

// linked is a server with a linked account.
type linked struct {
	*server
	account signalbox.LinkedAccount
}

func (s *server) link() *linked {
	s.Helper()
	var ws signalbox.WorkspaceID
	list, err := s.app.DB().Workspaces(s.Context())
	if err != nil || len(list) != 1 {
		s.Fatal(list, err)
	}
	ws = list[0].ID
	account, err := s.app.Intake().Link(s.Context(), ws, signalbox.LinkedAccount{Provider: "files", OriginOwnerID: "org-1", Status: signalbox.LinkedActive})
	if err != nil {
		s.Fatal(err)
	}
	return &linked{s, account}
}

// stream is a new one of the account, not stored yet.
func (l *linked) stream() signalbox.Stream {
	return signalbox.Stream{
		ID: signalbox.StreamID(l.app.NewID()), Workspace: l.account.Workspace, Linked: l.account.ID, API: "hris", RecordType: "employees",
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
}

// keep stores a stream with a connector.
func (l *linked) keep(s signalbox.Stream, connector string) signalbox.Stream {
	l.Helper()
	if err := l.app.Prepare(l.Context(), &s, []byte(connector), false); err != nil {
		l.Fatal(err)
	}
	s, err := l.app.DB().CreateStream(l.Context(), s)
	if err != nil {
		l.Fatal(err)
	}
	return s
}

// synced has a stream fetched now and waits for the end of the run.
func (l *linked) synced(s signalbox.Stream) signalbox.SyncRun {
	l.Helper()
	id, err := l.app.Streams().SyncNow(l.Context(), s.Workspace, s.ID)
	for err == nil {
		var run signalbox.SyncRun
		if run, err = l.app.DB().SyncRun(l.Context(), s.Workspace, id); err == nil && run.Status != signalbox.SyncRunning {
			return run
		}
	}
	l.Fatal(err)
	return signalbox.SyncRun{}
}

// differs is what an event of a record tells.
type differs struct {
	Event string
	Data  struct {
		Record struct {
			ID            string
			ChangedFields []string `json:"changed_fields"`
		}
		Signal struct {
			Type, Source string
			Contact      *struct{ Email string }
		}
	}
}

func (r *receiver) change(t *testing.T) (c differs) {
	t.Helper()
	_, body := r.next(t)
	if err := json.Unmarshal(body, &c); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return c
}

// proves S4-4 and S4-5: records are fetched and compared, what differs is told, and nothing of their contents is anywhere in the database.
func TestStreams_TellWhatDiffersAndKeepNothing(t *testing.T) {
	t.Parallel()
	files, data := t.TempDir(), t.TempDir()
	write := func(rows string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(files, "people.csv"), []byte("id,mail,salary\n"+rows), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rec := newReceiver(t, always(200))
	s := start(t, data, func(c *app.Config) { c.ImportDir = files })
	s.want(201, "POST", "/v1/webhooks", `{"url":"`+rec.URL+`","events":["hris_employees.*"]}`)
	l := s.link()
	write("p1,planted.one@example.com,98765001\np2,planted.two@example.com,98765002\n")
	stream := l.keep(l.stream(), `{"type":"csv","file":"people.csv","id":"id"}`)
	if run := l.synced(stream); run.Status != signalbox.SyncComplete || !run.Baseline || run.Suppressed != 2 {
		t.Fatalf("the baseline is %+v", run)
	}
	write("p1,planted.one@example.com,98765003\np2,planted.two@example.com,98765002\np3,planted.three@example.com,98765004\n")
	if run := l.synced(stream); run.Created != 1 || run.Updated != 1 || run.Unchanged != 1 {
		t.Fatalf("the second run is %+v", run)
	}
	told := map[string]string{} // deliveries come in no order
	for range 2 {
		c := rec.change(t)
		told[c.Event] = c.Data.Record.ID + " " + strings.Join(c.Data.Record.ChangedFields, ",")
	}
	if told["hris_employees.updated"] != "p1 salary" || told["hris_employees.created"] != "p3 " {
		t.Errorf("told %v", told)
	}
	write("p1,planted.one@example.com,98765003\np2,planted.two@example.com,98765002\n")
	l.synced(stream)
	if run := l.synced(stream); run.Deleted != 1 {
		t.Fatalf("after two runs without it: %+v", run)
	}
	if c := rec.change(t); c.Event != "hris_employees.deleted" || c.Data.Record.ID != "p3" {
		t.Errorf("told %+v", c)
	}
	s.stop()
	l.wantNothingOf(data, "planted", "98765")
}

// wantNothingOf looks for texts in all files of a directory.
func (l *linked) wantNothingOf(dir string, texts ...string) {
	l.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		l.Fatal(files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			l.Fatal(err)
		}
		if strings.HasSuffix(file, app.DatabaseFile) && !bytes.Contains(content, []byte("linked_accounts")) {
			l.Errorf("%s does not even have the names of tables: is it the database?", file)
		}
		for _, text := range texts {
			if bytes.Contains(content, []byte(text)) {
				l.Errorf("%s holds %q", file, text)
			}
		}
	}
}

// The shipped definition says whom a record is about, and its credentials are sealed.
func TestStreams_OfADefinitionEmitSignalsAboutWhomTheyAre(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-of-the-test"
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"data":[{"id":7,"email":"ann@acme.com","phone":"planted 0555"}]}`)
	}))
	t.Cleanup(web.Close)
	definitions, data := t.TempDir(), t.TempDir()
	const definition = `
name: own
settings: {base: {kind: url, example: "https://api.example.com"}}
auth: [{type: bearer}]
streams:
  people:
    api: crm
    url: "{base}/people"
    records: data
    id: id
    identity: {email: record.email}
    pagination: {type: none}
`
	if err := os.WriteFile(filepath.Join(definitions, "own.yaml"), []byte(definition), 0o600); err != nil {
		t.Fatal(err)
	}
	rec := newReceiver(t, always(200))
	s := start(t, data, func(c *app.Config) { c.ConnectorsDir = definitions })
	s.want(201, "POST", "/v1/webhooks", `{"url":"`+rec.URL+`","events":["crm_people.*","signal.created"]}`)
	l := s.link()
	one := l.stream()
	one.API, one.RecordType, one.EmitSignals, one.EmitCreatedOnBaseline = "crm", "people", true, true
	given := `{"definition":"own","settings":{"base":"` + web.URL + `"},"auth":{"type":"bearer","token":"` + secret + `"}}`
	stream := l.keep(one, given)
	if bytes.Contains(stream.Connector, []byte(secret)) || stream.Secrets == nil {
		t.Errorf("kept is %s, and %d bytes of secrets", stream.Connector, len(stream.Secrets))
	}
	if run := l.synced(stream); run.Status != signalbox.SyncComplete || run.Created != 1 {
		t.Fatalf("the run is %+v", run)
	}
	for range 2 {
		switch c := rec.change(t); c.Event {
		case "crm_people.created":
			if c.Data.Record.ID != "7" {
				t.Errorf("told %+v", c)
			}
		case "signal.created":
			if c.Data.Signal.Type != "crm_people.created" || c.Data.Signal.Source != "files" || c.Data.Signal.Contact == nil || c.Data.Signal.Contact.Email != "ann@acme.com" {
				t.Errorf("the signal is %+v", c.Data.Signal)
			}
		default:
			t.Errorf("told %+v", c)
		}
	}
	s.stop()
	l.wantNothingOf(data, "planted", secret)
}

// A connector is refused with the field that is wrong, and what decides which records there are is its fingerprint.
func TestStreams_ConnectorIsCheckedAndFingerprinted(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), func(c *app.Config) { c.Dev = false })
	l := s.link()
	for given, param := range map[string]string{
		`[]`:                         "connector",
		`{"definition":"bamboohrr"}`: "connector.definition",
		`{"type":"http_json","url":"http://127.0.0.1/x","id":"id"}`:   "connector.url",
		`{"type":"csv","file":"a.csv","id":"id"}`:                     "connector.file",
		`{"definition":"bamboohr","settings":{"domain":"acme"}}`:      "connector.auth.username",
		`{"definition":"bamboohr","settings":{"domain":"a","x":"y"}}`: "connector.settings.x",
	} {
		one := l.stream()
		err := l.app.Prepare(t.Context(), &one, []byte(given), false)
		if e, ok := err.(*signalbox.Error); !ok || e.Param != param {
			t.Errorf("%s: %v, want a refusal of %s", given, err, param)
		}
	}
	of := func(given string, keep bool) signalbox.Stream {
		t.Helper()
		one := l.stream()
		one.ID, one.Secrets = 5, nil
		if err := l.app.Prepare(t.Context(), &one, []byte(given), keep); err != nil {
			t.Fatal(err)
		}
		return one
	}
	first := of(`{"definition":"bamboohr","settings":{"domain":"acme"},"auth":{"type":"basic","username":"k1"}}`, false)
	if other := of(`{"definition":"bamboohr","settings":{"domain":"acme"},"auth":{"type":"basic","username":"k2"}}`, false); other.Fingerprint != first.Fingerprint {
		t.Error("other credentials ask for other records")
	}
	if other := of(`{"definition":"bamboohr","settings":{"domain":"other"},"auth":{"type":"basic","username":"k1"}}`, false); other.Fingerprint == first.Fingerprint {
		t.Error("another customer's account has the same fingerprint")
	}
	kept := first
	if err := l.app.Prepare(t.Context(), &kept, []byte(`{"definition":"bamboohr","settings":{"domain":"acme"}}`), true); err != nil {
		t.Errorf("without credentials, those that it has are kept: %v", err)
	}
	if _, err := l.app.Open(t.Context(), &kept); err != nil {
		t.Errorf("it does not open: %v", err)
	}
}
