package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox/client"
)

// accounts returns what a server knows of companies, oldest first.
func (s *server) accounts(t testing.TB) []client.Account {
	t.Helper()
	var all []client.Account
	for a, err := range s.client().Accounts(t.Context(), client.RecordQuery{PageSize: 200}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append([]client.Account{a}, all...)
	}
	return all
}

func (s *server) contacts(t testing.TB) []client.Contact {
	t.Helper()
	var all []client.Contact
	for c, err := range s.client().Contacts(t.Context(), client.RecordQuery{PageSize: 200}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append([]client.Contact{c}, all...)
	}
	return all
}

func (s *server) signals(t testing.TB) []client.Signal {
	t.Helper()
	var all []client.Signal
	for g, err := range s.client().Signals(t.Context(), client.SignalQuery{PageSize: 200}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append([]client.Signal{g}, all...)
	}
	return all
}

// ended checks how a command ended and what it wrote.
func (r result) ended(t testing.TB, code int, out string, says ...string) {
	t.Helper()
	if r.code != code || r.out != out {
		t.Errorf("status %d, wrote %q, want %d and %q; it said:\n%s", r.code, r.out, code, out, r.err)
	}
	for _, want := range says {
		if !strings.Contains(r.err, want) {
			t.Errorf("it does not say %q:\n%s", want, r.err)
		}
	}
}

func TestImport_KnowsColumnsByTheNamesThatOthersGiveThem(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	accounts := write(t, "companies.csv", "\ufeffCompany,Website,Account Status,Attributes.plan,attributes.address.city,ID,\r\n"+
		"\"Acme, Inc.\",https://www.acme.com/about,customer,pro,Berlin,7,\r\nGlobex,globex.com,,12,,,\r\n")
	s.cli().run(t, "import", "accounts", accounts).ended(t, exitOK, "2 created, 0 updated, 0 unchanged, 0 rejected\n",
		"Website                 → domain\n", "Account Status          → status\n", "attributes.address.city → attributes.address.city\n",
		"ID                      → (left out: the server sets it)\n", "(column 7)              → (left out: it has no name)\n")
	got := s.accounts(t)
	if len(got) != 2 || got[0].Domain != "acme.com" || got[0].Name != "Acme, Inc." || got[0].Status != "customer" ||
		string(got[0].Attributes) != `{"plan":"pro","address":{"city":"Berlin"}}` || string(got[1].Attributes) != `{"plan":12}` {
		t.Errorf("accounts %+v", got)
	}
	people := write(t, "people.csv", "E-mail;First name;Surname;Job Title;LinkedIn URL;Company Domain;Tier\n"+
		"Jane@Acme.com;Jane;Doe;CTO;https://linkedin.com/in/jane;;a\nbob@gmail.com;Bob;;;;globex.com;b\n")
	s.cli().run(t, "import", "contacts", people, "--delimiter", ";", "--map", "tier=attributes.tier").ended(t, exitOK, "2 created, 0 updated, 0 unchanged, 0 rejected\n",
		"Surname        → last_name\n", "Company Domain → account_domain\n", "Tier           → attributes.tier\n")
	jane := s.contacts(t)[0]
	if jane.Email != "Jane@Acme.com" || jane.FirstName != "Jane" || jane.LastName != "Doe" || jane.Title != "CTO" || jane.LinkedInURL != "linkedin.com/in/jane" ||
		jane.AccountDomain != "acme.com" || string(jane.Attributes) != `{"tier":"a"}` {
		t.Errorf("contact %+v", jane)
	}
	c := s.cli()
	c.stdin = "Event,Date,Email,Company,properties.seats,properties.note,account.attributes.x\ntrial_started,2024-01-02T03:04:05Z,sam@initech.com,Initech,12,007,true\n"
	c.run(t, "import", "signals", "-", "--set", "source=hubspot", "--set", "properties.by=me").ended(t, exitOK, "1 created, 0 sent before, 0 rejected\n", "standard input:\n", "Date                 → occurred_at\n")
	signal := s.signals(t)[0]
	if signal.Type != "trial_started" || signal.Source != "hubspot" || signal.Account.Domain != "initech.com" || signal.Account.Name != "Initech" ||
		signal.Contact.Email != "sam@initech.com" || string(signal.Properties) != `{"by":"me","seats":12,"note":"007"}` || signal.OccurredAt.Year() != 2024 || !signal.Backfill {
		t.Errorf("signal %+v %s", signal, signal.Properties)
	}
}

func TestImport_ValuesOfAttributes(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	for cell, want := range map[string][2]string{ // typed, and with --text
		"12": {`12`, `"12"`}, "-1.50": {`-1.5`, `"-1.50"`}, "true": {`true`, `"true"`}, " false ": {`false`, `"false"`}, "007": {`"007"`, `"007"`}, "1e400": {`"1e400"`, `"1e400"`},
		"12345678901234567890": {`12345678901234567890`, `"12345678901234567890"`}, "NaN": {`"NaN"`, `"NaN"`}, "yes": {`"yes"`, `"yes"`}, "+1": {`"+1"`, `"+1"`},
		`"quoted"`: {`"\"quoted\""`, `"\"quoted\""`}, "[1]": {`"[1]"`, `"[1]"`}, "'=1": {`"=1"`, `"=1"`}, "-": {`"-"`, `"-"`},
	} {
		for i, flags := range [][]string{nil, {"--text"}} {
			domain := fmt.Sprintf("x%x%d.com", cell, i)
			file := write(t, "a.csv", "domain,attributes.v\n"+domain+`,"`+strings.ReplaceAll(cell, `"`, `""`)+"\"\n")
			s.cli().run(t, append([]string{"import", "accounts", file}, flags...)...).ended(t, exitOK, "1 created, 0 updated, 0 unchanged, 0 rejected\n")
			all := s.accounts(t)
			if got := string(all[len(all)-1].Attributes); got != `{"v":`+want[i]+`}` {
				t.Errorf("%q %v became %s, want %s", cell, flags, got, want[i])
			}
		}
	}
	file := write(t, "a.csv", "domain,name,attributes\nacme.com,Acme,\"{\"\"a\"\":1,\"\"b\"\":2}\"\nacme.com,,\"{\"\"a\"\":null}\"\n")
	s.cli().run(t, "import", "accounts", file).ended(t, exitOK, "1 created, 1 updated, 0 unchanged, 0 rejected\n")
	all := s.accounts(t)
	if got := all[len(all)-1]; string(got.Attributes) != `{"b":2}` || got.Name != "Acme" {
		t.Errorf("an empty cell leaves alone and null removes: %+v", got)
	}
	file = write(t, "a.csv", "domain,attributes.b,attributes.c\nacme.com,null,\n")
	s.cli().run(t, "import", "accounts", file).ended(t, exitOK, "0 created, 1 updated, 0 unchanged, 0 rejected\n")
	if all = s.accounts(t); string(all[len(all)-1].Attributes) != `{}` {
		t.Errorf("null left %s", all[len(all)-1].Attributes)
	}
}

func TestImport_RefusesWhatItWouldHaveToGuess(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	cases := []struct {
		name, kind, file string
		flags            []string
		code             int
		says             string
	}{
		{"an unknown column", "accounts", "domain,Lead Score\na.com,1\n", nil, exitFailure, `what the column "Lead Score" is: say it with --map "Lead Score=FIELD" (for example "Lead Score=attributes.lead_score"), leave it out with --map "Lead Score=-"`},
		{"two columns for one field", "contacts", "email,Title,Job title\na@b.com,x,y\n", nil, exitFailure, `"Title" and "Job title" both are title`},
		{"a field and a part of it", "accounts", "domain,attributes,attributes.plan\na.com,{},x\n", nil, exitFailure, `both are attributes.plan`},
		{"no column that is needed", "accounts", "name\nAcme\n", nil, exitFailure, `no column is domain, which every row of accounts needs`},
		{"neither of two", "contacts", "first_name\nJane\n", nil, exitFailure, `no column is email or linkedin_url`},
		{"no source", "signals", "type\nt\n", nil, exitFailure, `--set source=…`},
		{"a column that is not there", "accounts", "domain\na.com\n", []string{"--map", "Plan=attributes.plan"}, exitFailure, `there is no column "Plan"; the columns are domain`},
		{"a field that is not there", "accounts", "domain\na.com\n", []string{"--map", "domain=web"}, exitUsage, `"web" is no field; there are domain, name, status, attributes, attributes.NAME`},
		{"a map without a field", "accounts", "domain\na.com\n", []string{"--map", "domain"}, exitUsage, `is not "column=field"`},
		{"a map twice", "accounts", "domain\na.com\n", []string{"--map", "x=domain", "--map", "x=name"}, exitUsage, `given twice`},
		{"a set without a value", "accounts", "domain\na.com\n", []string{"--set", "status="}, exitUsage, `is not field=value`},
		{"a set beside a column", "accounts", "domain,status\na.com,x\n", []string{"--set", "status=y"}, exitFailure, `"--set status" and "status" both are status`},
		{"a set of no object", "accounts", "domain\na.com\n", []string{"--set", "attributes=[]"}, exitUsage, `not a JSON object`},
		{"an empty name in a path", "accounts", "domain,attributes..x\na.com,x\n", nil, exitFailure, `"attributes..x" has an empty name in it`},
		{"another separator", "accounts", "domain;name\na.com;x\n", nil, exitFailure, `--delimiter ";"`},
		{"an empty file", "accounts", "", nil, exitFailure, "is empty"},
		{"a file of empty lines", "accounts", "\n\r\n", nil, exitFailure, "is empty: its first line must name the columns"},
		{"UTF-16", "accounts", "\xff\xfed\x00o\x00", nil, exitFailure, "f.csv:1: the file is UTF-16"},
		{"Latin-1 far below", "accounts", "domain,name\na.com,x\nb.com,M\xfcller\n", nil, exitFailure, "f.csv:3: byte 8 is not UTF-8; save the file as UTF-8; nothing was sent"},
		{"a row of another width", "accounts", "domain,name\na.com,x\nb.com,Acme, Inc.\n", nil, exitFailure, "f.csv:3: there are 3 cells, but the first row has 2; put a cell that has a comma in it between quotes; nothing was sent"},
		{"a quote that never ends", "accounts", "domain,name\na.com,x\nb.com,\"Acme\n", nil, exitFailure, "f.csv:3: a quote is opened here and never closed; nothing was sent"},
		{"JSON in place of CSV", "accounts", `{"domain":"a.com"}`, []string{"--format", "csv"}, exitFailure, "quote"},
		{"flags of CSV for JSONL", "accounts", `{"domain":"a.com"}`, []string{"--format", "jsonl", "--text"}, exitUsage, "are for CSV"},
		{"too large a batch", "accounts", "domain\na.com\n", []string{"--batch", "1001"}, exitUsage, "1 to 1000"},
		{"a folder for refused rows", "accounts", "domain\na.com\n", []string{"--errors", "."}, exitFailure, "is a directory"},
		{"a separator of two characters", "accounts", "domain\na.com\n", []string{"--delimiter", ";;"}, exitUsage, "--delimiter"},
		{"a trigger for companies", "accounts", "domain\na.com\n", []string{"--trigger"}, exitUsage, "--trigger is for signals"},
		{"another kind", "people", "domain\na.com\n", nil, exitUsage, `"people" is none of accounts, contacts, signals`},
		{"another format", "accounts", "domain\na.com\n", []string{"--format", "xls"}, exitUsage, `"xls" is neither csv nor jsonl`},
	}
	t.Run("cases", func(t *testing.T) { // a group, so that what follows comes after all of them
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				got := s.cli().run(t, append([]string{"import", c.kind, write(t, "f.csv", c.file)}, c.flags...)...)
				if got.code != c.code || !strings.Contains(got.err, c.says) || got.out != "" {
					t.Errorf("status %d: %s%s; want %d and %q", got.code, got.out, got.err, c.code, c.says)
				}
			})
		}
	})
	if all := s.accounts(t); len(all) != 0 {
		t.Errorf("what was refused left %+v", all)
	}
}

func TestImport_RefusedRowsAreToldAndKeptAndTheRestIsTaken(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	file := write(t, "f.csv", "domain,name,attributes,attributes_note\r\na.com,A,,\r\nco.uk,\"'=B\",,\r\nc.com,C,[1],\"two\nlines\"\r\n,D,,\r\ne.com,E,{\"\"x\"\":1},\r\n")
	file = write(t, "f.csv", strings.ReplaceAll(readFile(t, file), `{""x"":1}`, `"{""x"":1}"`))
	bad := filepath.Join(t.TempDir(), "bad.csv")
	got := s.cli().run(t, "import", "accounts", file, "--map", "attributes_note=-", "--batch", "2", "--errors", bad)
	got.ended(t, exitFailure, "2 created, 0 updated, 0 unchanged, 3 rejected\n",
		`f.csv:3: domain: "co.uk" is a public suffix`, `f.csv:4: attributes: not a JSON object such as {"plan":"pro"}`, `f.csv:6: domain is required`, "what was not taken is in "+bad)
	want := "domain,name,attributes,attributes_note,import_error\r\n" +
		"co.uk,'=B,,,\"domain: \"\"co.uk\"\" is a public suffix that many share, not a company's domain; send one such as acme.com\"\r\n" +
		"c.com,C,[1],\"two\nlines\",\"attributes: not a JSON object such as {\"\"plan\"\":\"\"pro\"\"}\"\r\n" +
		",D,,,\"domain is required: accounts are known by it, such as acme.com\"\r\n"
	if diff := cmp.Diff(want, readFile(t, bad)); diff != "" {
		t.Errorf("the file of refused rows (-want +got):\n%s", diff)
	}
	corrected := write(t, "bad.csv", strings.NewReplacer("co.uk,", "b.com,", "[1]", "", "\r\n,D", "\r\nd.com,D").Replace(want))
	s.cli().run(t, "import", "accounts", corrected, "--skip-unknown", "--errors", bad).ended(t, exitOK, "3 created, 0 updated, 0 unchanged, 0 rejected\n")
	if _, err := os.Stat(bad); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file of no refused rows is left: %v", err)
	}
	names := map[string]string{}
	for _, a := range s.accounts(t) {
		names[a.Domain] = a.Name
	}
	if diff := cmp.Diff(map[string]string{"a.com": "A", "b.com": "=B", "c.com": "C", "d.com": "D", "e.com": "E"}, names); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestImport_RefusedLinesOfJSONL(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	lines := []string{
		`{"domain":"a.com","name":"A","import_error":"said before"}`, ``, `{"domain":"b.com",`, `["c.com"]`, `{"domain":"d.com","plan":"x"}`,
		`{"domain":"e.com","domain":"f.com"}`, "{\"domain\":\"g.com\",\"name\":\"\xff\"}", `{"domain":"h.com","name":7}`, `{"domain":"` + strings.Repeat("x", maxLine) + `.com"}`,
		`{"Website":"i.com","name":"I","status":null}`,
	}
	file := write(t, "f.jsonl", "\ufeff"+strings.Join(lines, "\r\n"))
	bad := filepath.Join(t.TempDir(), "bad.jsonl")
	s.cli().run(t, "import", "accounts", file, "--errors", bad).ended(t, exitFailure, "2 created, 0 updated, 0 unchanged, 7 rejected\n",
		"f.jsonl:3: not JSON", "f.jsonl:4: not a JSON object", `f.jsonl:5: nobody knows what the column "plan" is`, "f.jsonl:6: domain is given twice",
		"f.jsonl:7: the line is not UTF-8", "f.jsonl:8: name must be a string, not a number", "f.jsonl:9: the line is longer than")
	kept := strings.Split(strings.TrimSpace(readFile(t, bad)), "\n")
	if len(kept) != 7 {
		t.Fatalf("%d lines are kept, want 7: %q", len(kept), kept)
	}
	for i, want := range []string{`{"import_line":"{\"domain\":\"b.com\",","import_error":"not JSON`, `{"import_line":"[\"c.com\"]"`, `{"domain":"d.com","plan":"x","import_error":"nobody`} {
		if !strings.HasPrefix(kept[i], want) || !json.Valid([]byte(kept[i])) {
			t.Errorf("kept %s, want %s…", kept[i], want)
		}
	}
	s.cli().run(t, "import", "accounts", write(t, "bad.jsonl", kept[2]), "--map", "plan=attributes.plan").ended(t, exitOK, "1 created, 0 updated, 0 unchanged, 0 rejected\n")
	s.cli().run(t, "import", "accounts", write(t, "f.jsonl", `{"domain":"a.com","plan":1}`)).ended(t, exitFailure, "", `f.jsonl:1: nobody knows what the column "plan" is`)
}

func TestImport_TheSameFileAgainChangesNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	if got := s.cli().run(t, "send", "--type", "t", "--source", "s", "--email", "jane@acme.com", "--first-name", "J"); got.code != exitOK {
		t.Fatal(got.err)
	}
	accounts := write(t, "a.csv", "domain,name,attributes.n\nacme.com,Acme,1\nacme.com,Acme,1\nnew.com,New,2\n")
	contacts := write(t, "c.csv", "email,first_name,account_domain\njane@acme.com,Jane,acme.com\nbob@gmail.com,Bob,new.com\n")
	signals := write(t, "s.csv", "type,source,email\nt,s,jane@acme.com\nt,s,jane@acme.com\n")
	s.cli().run(t, "import", "accounts", accounts).ended(t, exitOK, "1 created, 1 updated, 1 unchanged, 0 rejected\n")
	s.cli().run(t, "import", "contacts", contacts).ended(t, exitOK, "1 created, 1 updated, 0 unchanged, 0 rejected\n")
	s.cli().run(t, "import", "signals", signals).ended(t, exitOK, "2 created, 0 sent before, 0 rejected\n")
	before := []any{s.accounts(t), s.contacts(t), s.signals(t)}
	s.cli().run(t, "import", "accounts", accounts, "--batch", "1").ended(t, exitOK, "0 created, 0 updated, 3 unchanged, 0 rejected\n")
	s.cli().run(t, "import", "contacts", contacts).ended(t, exitOK, "0 created, 0 updated, 2 unchanged, 0 rejected\n")
	s.cli().run(t, "import", "signals", write(t, "renamed.csv", readFile(t, signals)), "--batch", "1").ended(t, exitOK, "0 created, 2 sent before, 0 rejected\n")
	if diff := cmp.Diff(before, []any{s.accounts(t), s.contacts(t), s.signals(t)}); diff != "" {
		t.Errorf("the second import changed something:\n%s", diff)
	}
	// Read otherwise, the same rows are no new signals either.
	s.cli().run(t, "import", "signals", signals, "--trigger").ended(t, exitFailure, "0 created, 0 sent before, 2 rejected\n", "s.csv:2: ", "with another body")
	if n := len(s.signals(t)); n != 3 {
		t.Errorf("%d signals, want 3", n)
	}
}

func TestImport_EachSignalHasAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	lines := `{"type":"a","idempotency_key":null}` + "\n" + `{"type":"a","idempotency_key":""}` + "\n" + `{"type":"a","idempotency_key":"own"}` + "\n" + `{"type":"a","idempotency_key":"own"}`
	file := write(t, "f.jsonl", lines)
	s.cli().run(t, "import", "signals", file, "--set", "source=123").ended(t, exitOK, "3 created, 1 sent before, 0 rejected\n")
	s.cli().run(t, "import", "signals", file, "--set", "source=123").ended(t, exitOK, "0 created, 4 sent before, 0 rejected\n")
	keyed := write(t, "f.csv", "type,source,key\na,123,own\na,123,\n")
	s.cli().run(t, "import", "signals", keyed, "--map", "key=idempotency_key").ended(t, exitOK, "1 created, 1 sent before, 0 rejected\n")
}

func TestImport_DryRunChangesNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	if got := s.cli().run(t, "send", "--type", "t", "--source", "s", "--email", "jane@acme.com"); got.code != exitOK {
		t.Fatal(got.err)
	}
	before := []any{s.accounts(t), s.contacts(t), s.signals(t)}
	for kind, c := range map[string]struct{ file, out, says string }{
		"accounts": {"domain,name\nacme.com,Acme\nnew.com,\nwww.new.com,\ncom,\n", "1 created, 1 updated, 1 unchanged, 1 rejected\n", `f.csv:5: domain: "com" is a single label`},
		"contacts": {"email,title\njane@acme.com,\nbob@new.com,\nBOB@new.com,CEO\njim,\n", "1 created, 1 updated, 1 unchanged, 1 rejected\n", `f.csv:5: email: "jim" is not an e-mail address`},
		"signals":  {"type,source,occurred_at\nt,s,\nt,s,soon\n", "1 created, 0 sent before, 1 rejected\n", `f.csv:3: occurred_at must be`},
	} {
		s.cli().run(t, "import", kind, write(t, "f.csv", c.file), "--dry-run").ended(t, exitFailure, "dry run, nothing was changed: "+c.out, c.says)
	}
	if diff := cmp.Diff(before, []any{s.accounts(t), s.contacts(t), s.signals(t)}); diff != "" {
		t.Errorf("a dry run changed something:\n%s", diff)
	}
	got := s.cli().run(t, "import", "signals", write(t, "f.jsonl", `{"type":"t","source":"s"}`), "--dry-run", "--json")
	got.ended(t, exitOK, "{\n  \"created\": 1,\n  \"updated\": 0,\n  \"unchanged\": 0,\n  \"duplicate\": 0,\n  \"rejected\": 0,\n  \"dry_run\": true\n}\n")
}

// An import of signals is history: nobody is told, unless that is asked for.
func TestImport_SignalsTriggerOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	w, err := s.client().CreateWebhook(t.Context(), client.WebhookInput{Kind: "pull", Events: []string{"signal.created"}})
	if err != nil {
		t.Fatal(err)
	}
	told := func() int {
		t.Helper()
		page, err := s.client().Feed(t.Context(), w.ID, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Events)
	}
	rows := `{"type":"a","source":"s","backfill":false,"account":{"domain":"acme.com"},"idempotency_key":"own"}` + "\n" + `{"type":"b","source":"s"}` + "\n"
	s.cli().run(t, "import", "signals", write(t, "f.jsonl", rows)).ended(t, exitOK, "2 created, 0 sent before, 0 rejected\n")
	if n := told(); n != 0 {
		t.Errorf("%d events of history", n)
	}
	rows = strings.NewReplacer(`"own"`, `"other"`, `"b"`, `"c"`).Replace(rows) + `{"type":"d","source":"s","backfill":true}` + "\n"
	s.cli().run(t, "import", "signals", write(t, "f.jsonl", rows), "--trigger").ended(t, exitOK, "3 created, 0 sent before, 0 rejected\n")
	if n := told(); n != 2 {
		t.Errorf("%d events, want those of the two that are no history", n)
	}
	for i, g := range s.signals(t) {
		if g.Backfill != (i < 2 || i == 4) {
			t.Errorf("signal %d is history: %t", i, g.Backfill)
		}
	}
}

func TestImport_ManyRefusedRowsAreCounted(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	file := write(t, "f.csv", "domain\n"+strings.Repeat("com\n", 50))
	s.cli().run(t, "import", "accounts", file, "--errors", file).ended(t, exitUsage, "", "--errors names the file itself")
	got := s.cli().run(t, "import", "accounts", file)
	got.ended(t, exitFailure, "0 created, 0 updated, 0 unchanged, 50 rejected\n", "f.csv:21: ", "f.csv: 30 more rows were refused; --errors FILE keeps them all")
	if strings.Contains(got.err, "f.csv:22: ") {
		t.Errorf("more than %d rows are told:\n%s", maxShown, got.err)
	}
}

func TestImport_ABrokenStreamStopsWhereItBreaks(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	c := s.cli()
	c.stdin = "domain,name\na.com,A\nb.com,B\nc.com,\"C\n"
	c.run(t, "import", "accounts", "-").ended(t, exitFailure, "2 created, 0 updated, 0 unchanged, 0 rejected\n", "standard input:4: a quote is opened here and never closed; the rows before it were taken")
}

// started is a command with a standard input that a test writes to.
type started struct {
	in   *io.PipeWriter
	out  *watched
	err  *watched
	stop context.CancelFunc
	code chan int
}

func (c cli) startWith(t *testing.T, args ...string) *started {
	t.Helper()
	in, feed := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	r := &started{in: feed, out: newWatched(), err: newWatched(), stop: cancel, code: make(chan int, 1)}
	p := c.program(r.out, r.err)
	p.stdin = in
	go func() { r.code <- p.run(ctx, args) }()
	t.Cleanup(cancel)
	return r
}

func TestImport_InterruptedSaysHowFarItCameAndGoesOn(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	rows := "domain,name\na.com,A\nb.com,B\nc.com,C\n"
	r := s.cli().startWith(t, "import", "accounts", "-", "--batch", "1")
	if _, err := io.WriteString(r.in, rows+"d.com,\"D"); err != nil { // the last row is not whole, and the file does not end
		t.Fatal(err)
	}
	for deadline := time.After(patience); len(s.accounts(t)) < 2; {
		select {
		case <-deadline:
			t.Fatalf("the first rows are never taken; it said:\n%s", r.err)
		default:
		}
	}
	r.stop() // Ctrl-C, while it waits for what is not written
	if code := <-r.code; code != exitFailure {
		t.Errorf("status %d", code)
	}
	if said := r.err.String(); !strings.Contains(said, "standard input: stopped after line ") || !strings.Contains(said, "(the same command goes on, and takes no row twice)") {
		t.Errorf("it said:\n%s", said)
	}
	if out := r.out.String(); !strings.Contains(out, " created, 0 updated, 0 unchanged, 0 rejected\n") {
		t.Errorf("it wrote %s", out)
	}
	c := s.cli()
	c.stdin = rows + "d.com,D\n"
	if got := c.run(t, "import", "accounts", "-"); got.code != exitOK || len(s.accounts(t)) != 4 {
		t.Errorf("the same command again: status %d, %s%s", got.code, got.out, got.err)
	}
}

func TestImport_StopsWhereTheServerDoes(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	file := write(t, "f.csv", "domain\na.com\n")
	c := s.cli()
	c.environ = append(c.environ, "SIGNALBOX_API_KEY=sk_live_wrong")
	bad := filepath.Join(t.TempDir(), "bad.csv")
	c.run(t, "import", "accounts", file, "--errors", bad).ended(t, exitFailure, "", "f.csv:\n  domain → domain\nsignalbox: unauthorized: ")
	c.run(t, "import", "signals", write(t, "f.jsonl", `{"type":"t","source":"s"}`), "--dry-run").ended(t, exitFailure, "", "signalbox: unauthorized: ")
	c.environ = []string{"SIGNALBOX_URL=http://127.0.0.1:1", "SIGNALBOX_API_KEY=sk_live_x"}
	c.run(t, "import", "accounts", file, "--errors", bad).ended(t, exitFailure, "", "connection refused")
	if _, err := os.Stat(bad); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file of refused rows was made before there was a server: %v", err)
	}
	for _, args := range [][]string{{filepath.Join(t.TempDir(), "none.csv")}, {t.TempDir()}} {
		if got := s.cli().run(t, "import", "accounts", args[0]); got.code != exitFailure || got.out != "" {
			t.Errorf("%v: status %d, %s%s", args, got.code, got.out, got.err)
		}
	}
}

func TestImport_ShowsHowFarItIs(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	file := write(t, "f.csv", "domain\na.com\nb.com\ncom\n")
	c := s.cli()
	c.terminal = true
	c.run(t, "import", "accounts", file, "--batch", "1").ended(t, exitFailure, "2 created, 0 updated, 0 unchanged, 1 rejected\n", "f.csv:4: ", "100 %", " rows/s")
	var out, errs strings.Builder
	p := s.cli().program(&out, &errs)
	at := time.Now()
	p.now = func() time.Time { at = at.Add(4 * time.Second); return at }
	if code := p.run(t.Context(), []string{"import", "accounts", file, "--batch", "1"}); code != exitFailure {
		t.Errorf("status %d", code)
	}
	if n := strings.Count(errs.String(), "rows/s)\n"); n == 0 || n == 3 || !strings.Contains(errs.String(), "f.csv: ") {
		t.Errorf("%d lines say how far it is, want some, at least %v apart:\n%s", n, sayEvery, errs.String())
	}
}

// fakeKind answers batches in place of a server.
func fakeKind(answers ...[]client.BatchResult) (*recordKind, *[]int) {
	sent := &[]int{}
	return &recordKind{name: "signals", send: func(_ context.Context, _ *client.Client, items []json.RawMessage, _ bool) ([]client.BatchResult, error) {
		*sent = append(*sent, len(items))
		if len(answers) == 0 {
			return nil, errors.New("the test expected no further batch")
		}
		a := answers[0]
		answers = answers[1:]
		return a, nil
	}}, sent
}

func TestImport_SendsAgainWhatMayPass(t *testing.T) {
	t.Parallel()
	limit := client.BatchResult{Status: client.Rejected, Error: &client.BatchError{Code: "rate_limited", Message: "used up"}}
	ok, failed := client.BatchResult{Status: client.Created}, client.BatchResult{Status: client.NotSaved, Error: &client.BatchError{Code: "unavailable", Message: "later"}}
	cases := []struct {
		name     string
		answers  [][]client.BatchResult
		sent     []int
		created  int
		rejected int
		waits    time.Duration
	}{
		{"a limit of a minute", [][]client.BatchResult{{ok, limit, limit}, {ok, limit}, {ok}}, []int{3, 2, 1}, 3, 0, 2 * limitPause},
		{"a limit of a day", [][]client.BatchResult{{limit, limit, limit}, {limit, limit, limit}, {limit, limit, limit}, {limit, limit, limit}, {limit, limit, limit},
			{limit, limit, limit}, {limit, limit, limit}, {limit, limit, limit}, {limit, limit, limit}}, []int{3, 3, 3, 3, 3, 3, 3, 3, 3}, 0, 3, maxLimited * limitPause},
		{"a transaction that failed", [][]client.BatchResult{{ok, failed, ok}, {ok}}, []int{3, 1}, 3, 0, 0},
		{"one that always fails", [][]client.BatchResult{{ok, failed, ok}, {failed}, {failed}, {failed}}, []int{3, 1, 1, 1}, 2, 1, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				kind, sent := fakeKind(c.answers...)
				p := cli{}.program(io.Discard, io.Discard)
				m := &importer{p: p, flags: &importing{kind: kind}, name: "f", report: io.Discard, bad: &refusedRows{}}
				begin := time.Now()
				chunk := []fileRow{{line: 2, body: []byte(`{}`)}, {line: 3, body: []byte(`{}`)}, {line: 4, body: []byte(`{}`)}}
				if err := m.send(t.Context(), chunk); err != nil {
					t.Fatal(err)
				}
				if m.Created != c.created || m.Rejected != c.rejected || !cmp.Equal(*sent, c.sent) || m.confirmed != 4 || time.Since(begin) < c.waits {
					t.Errorf("%d created, %d rejected, sent %v, in %v; want %d, %d, %v, at least %v", m.Created, m.Rejected, *sent, time.Since(begin), c.created, c.rejected, c.sent, c.waits)
				}
			})
		})
	}
}
