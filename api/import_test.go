package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox"
)

// results lists what became of a batch's items: the status, and the param of a refusal.
func (a answer) results() []string {
	a.Helper()
	var body struct {
		Data struct {
			Results []struct {
				Index  int
				Status string
				Error  *struct{ Param string }
			}
		}
	}
	if err := json.Unmarshal(a.body, &body); err != nil {
		a.Fatalf("%s: %v", a.body, err)
	}
	var out []string
	for i, r := range body.Data.Results {
		if r.Index != i {
			a.Errorf("result %d has the index %d", i, r.Index)
		}
		text := r.Status
		if r.Error != nil {
			text += " " + r.Error.Param
		}
		out = append(out, text)
	}
	return out
}

func (a answer) has(want ...string) {
	a.Helper()
	if diff := cmp.Diff(want, a.results()); diff != "" {
		a.Errorf("results (-want +got): %s\n%s", diff, a.body)
	}
}

// state is all that a workspace shows of its records and signals, for tests of what must not change.
func (b *box) state() string {
	b.Helper()
	var out strings.Builder
	for _, path := range []string{"/v1/accounts", "/v1/contacts", "/v1/signals"} {
		var body struct{ Data json.RawMessage }
		if err := json.Unmarshal(b.do(http.StatusOK, "GET", path+"?limit=200", "").body, &body); err != nil {
			b.Fatal(err)
		}
		out.Write(body.Data)
	}
	return out.String()
}

func TestImportAccounts_EachRowHasItsOwnResult(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		known := b.do(http.StatusCreated, "POST", "/v1/signals", trial).text("account_id")
		rows := []struct{ row, want string }{
			{`{"domain":"acmecorp.com","status":" customer ","attributes":{"plan":"pro","none":null}}`, "updated"},
			{`{"domain":"https://www.Globex.com/x","name":"Globex"}`, "created"},
			{`{"domain":"globex.com","name":"Globex"}`, "unchanged"},
			{`{"domain":"co.uk"}`, "rejected domain"},
			{`{"name":"No domain"}`, "rejected domain"},
			{`{"domain":null}`, "rejected domain"},
			{`{"domain":"gmail.com"}`, "rejected domain"},
			{`{"domain":"a.com","name":7}`, "rejected name"},
			{`{"domain":"a.com","nmae":"x"}`, "rejected nmae"},
			{`{"domain":"a.com","domain":"b.com"}`, "rejected domain"},
			{`{"domain":"a.com","attributes":[]}`, "rejected attributes"},
			{`{"domain":"a.com","name":"` + strings.Repeat("x", 201) + `"}`, "rejected name"},
			{`{"domain":"a.com","name":"` + strings.Repeat("x", 1<<20) + `"}`, "rejected "},
			{"{\"domain\":\"a.com\",\"name\":\"\xff\"}", "rejected name"},
			{`null`, "rejected domain"}, {`"x"`, "rejected "}, {`[]`, "rejected "},
			{`{"domain":"` + strings.Repeat("a", 2049) + `"}`, "rejected domain"},
			{`{"domain":"initech.com"}`, "created"},
		}
		var list, want []string
		for _, r := range rows {
			list, want = append(list, r.row), append(want, r.want)
		}
		got := b.do(http.StatusOK, "POST", "/v1/accounts/batch", `{"accounts":[`+strings.Join(list, ",")+`]}`)
		got.has(want...)
		if id := got.text("data.results.1.id"); got.text("data.results.0.id") != known || id == "" || id != got.text("data.results.2.id") || got.at("data.dry_run") != nil {
			b.Errorf("answer %s", got.body)
		}
		account := b.do(http.StatusOK, "GET", "/v1/accounts/"+known, "")
		if account.text("data.status") != "customer" || account.text("data.name") != "Acme Corp" || account.text("data.attributes.plan") != "pro" {
			b.Errorf("changed to %s", account.body)
		}
		if n := len(b.do(http.StatusOK, "GET", "/v1/accounts", "").at("data").([]any)); n != 3 {
			b.Errorf("%d accounts, want 3", n)
		}
	})
}

func TestImportContacts_AreMatchedAsInSignalsAndSetByHand(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		known := b.do(http.StatusCreated, "POST", "/v1/signals", trial).text("contact_id")
		body := `{"contacts":[
			{"email":"JANE@acmecorp.com","first_name":"Janet","title":null,"linkedin_url":"https://www.linkedin.com/in/Jane/"},
			{"linkedin_url":"linkedin.com/in/jane","first_name":"Janet"},
			{"email":"joe@gmail.com","account_domain":"globex.com","attributes":{"seats":12345678901234567890}},
			{"email":"jane@acmecorp.com","account_domain":"globex.com"},
			{"first_name":"Nobody"}]}`
		b.do(http.StatusOK, "POST", "/v1/contacts/batch", body).has("updated", "unchanged", "created", "rejected account_domain", "rejected email")
		b.do(http.StatusOK, "POST", "/v1/contacts/batch", body).has("unchanged", "unchanged", "unchanged", "rejected account_domain", "rejected email")
		b.do(http.StatusCreated, "POST", "/v1/signals", trial) // says that she is Jane
		jane := b.do(http.StatusOK, "GET", "/v1/contacts/"+known, "")
		if jane.text("data.first_name") != "Janet" || jane.text("data.last_name") != "Smith" || jane.text("data.linkedin_url") != "linkedin.com/in/jane" ||
			jane.text("data.account_domain") != "acmecorp.com" {
			b.Errorf("contact %s", jane.body)
		}
		list := b.do(http.StatusOK, "GET", "/v1/contacts", "")
		if list.text("data.0.email") != "joe@gmail.com" || list.text("data.0.account_domain") != "globex.com" || !strings.Contains(string(list.body), `{"seats":12345678901234567890}`) {
			b.Errorf("contacts %s", list.body)
		}
		signals := b.do(http.StatusOK, "GET", "/v1/signals", "")
		if signals.text("data.0.contact.linkedin_url") != "linkedin.com/in/jane" {
			b.Errorf("signals %s", signals.body)
		}
	})
}

func TestImport_DryRunSaysTheSameAndChangesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		b.do(http.StatusCreated, "POST", "/v1/signals", strings.Replace(trial, "{", `{"idempotency_key":"k",`, 1))
		before := b.state()
		for path, c := range map[string]struct {
			body string
			want []string
		}{
			"/v1/accounts/batch": {`"accounts":[{"domain":"acmecorp.com","name":"X"},{"domain":"new.com","name":"N"},{"domain":"www.new.com","name":"N"},{"domain":"com"}]`,
				[]string{"updated", "created", "unchanged", "rejected domain"}},
			"/v1/contacts/batch": {`"contacts":[{"email":"jane@acmecorp.com"},{"email":"new@new.com"},{"email":"NEW@new.com","title":"CTO"},{}]`,
				[]string{"unchanged", "created", "updated", "rejected email"}},
			"/v1/signals/batch": {`"signals":[` + strings.Replace(trial, "{", `{"idempotency_key":"k",`, 1) + `,` + trial + `,{"type":"t"}]`,
				[]string{"duplicate", "created", "rejected source"}},
		} {
			dry := b.do(http.StatusOK, "POST", path, `{"dry_run":true,`+c.body+`}`)
			dry.has(c.want...)
			if dry.at("data.dry_run") != true || dry.text("data.results.1.id") != "" || dry.text("data.results.0.id") == "" || dry.header.Get("X-Signalbox-Ignored") != "" {
				b.Errorf("%s: %s", path, dry.body)
			}
		}
		if diff := cmp.Diff(before, b.state()); diff != "" {
			b.Errorf("a dry run changed something: %s", diff)
		}
	})
}

func TestImport_WhatRefusesTheWhole(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for body, param := range map[string]string{
		``: "", `[]`: "", `{}`: "accounts", `{"accounts":null}`: "accounts", `{"accounts":{}}`: "accounts", `{"account":[]}`: "accounts",
		`{"accounts":[],"dry_rum":true}`: "dry_rum", `{"accounts":[],"dry_run":"yes"}`: "dry_run", `{"accounts":[],"accounts":[]}`: "accounts",
		`{"accounts":[{"domain":"a.com"},{"domain":}]}`: "accounts.1.domain", `{"accounts":[{"domain":"a.com"}`: "accounts.0", `{"accounts":[{"domain":"a.com"}]} x`: "",
		`{"accounts":[` + strings.Repeat(`{},`, 1000) + `{}]}`: "accounts",
	} {
		b.send(b.admin, "POST", "/v1/accounts/batch", body).refuses(http.StatusBadRequest, "validation_error", param, "")
	}
	b.send(b.admin, "POST", "/v1/accounts/batch", strings.Repeat(" ", 5<<20+1)).refuses(http.StatusRequestEntityTooLarge, "body_too_large", "", "5242880")
	if got := b.do(http.StatusOK, "POST", "/v1/contacts/batch", `{"contacts":[]}`); len(got.results()) != 0 {
		t.Errorf("of nothing: %s", got.body)
	}
	if n := len(b.do(http.StatusOK, "GET", "/v1/accounts", "").at("data").([]any)); n != 0 {
		t.Errorf("%d accounts came of what was refused", n)
	}
}

func TestImport_TheWorkspaceComesFromTheKey(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.do(http.StatusOK, "POST", "/v1/accounts/batch", `{"accounts":[{"domain":"acme.com","name":"Ours"}]}`)
	_, stranger := b.workspace("Stranger")
	b.send(stranger, "POST", "/v1/accounts/batch", `{"accounts":[{"domain":"acme.com","name":"Theirs"}]}`).has("created")
	if got := b.do(http.StatusOK, "GET", "/v1/accounts", ""); got.text("data.0.name") != "Ours" || len(got.at("data").([]any)) != 1 {
		t.Errorf("accounts %s", got.body)
	}
	for _, scope := range []signalbox.Scope{signalbox.ScopeIngest, signalbox.ScopeRead} {
		b.send(b.key(b.ws, scope), "POST", "/v1/accounts/batch", `{"accounts":[]}`).refuses(http.StatusForbidden, "forbidden", "", "needs write")
	}
}

// Imports and signals of the same companies and people at once, on each database: nothing is made twice and nothing is lost.
func TestImport_BesideSignals(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		const people = 40
		var wg sync.WaitGroup
		for lot := range 3 {
			wg.Go(func() {
				var rows []string
				for i := range people {
					rows = append(rows, fmt.Sprintf(`{"email":"p%d@acme%d.com","title":"Title %d","attributes":{"lot%d":true}}`, i, i%5, i, lot))
				}
				got := b.send(b.admin, "POST", "/v1/contacts/batch", `{"contacts":[`+strings.Join(rows, ",")+`]}`)
				for i, r := range got.results() {
					if r != "created" && r != "updated" {
						b.Errorf("row %d is %s", i, r)
					}
				}
			})
			wg.Go(func() {
				var list []string
				for i := range people {
					list = append(list, fmt.Sprintf(`{"type":"t","source":"s","contact":{"email":"P%d@acme%d.com","title":"Intern"}}`, i, i%5))
				}
				for i, r := range b.send(b.admin, "POST", "/v1/signals/batch", `{"signals":[`+strings.Join(list, ",")+`]}`).results() {
					if r != "created" {
						b.Errorf("signal %d is %s", i, r)
					}
				}
			})
		}
		wg.Wait()
		contacts := b.do(http.StatusOK, "GET", "/v1/contacts?limit=200", "").at("data").([]any)
		accounts := b.do(http.StatusOK, "GET", "/v1/accounts?limit=200", "").at("data").([]any)
		if len(contacts) != people || len(accounts) != 5 {
			b.Errorf("%d contacts of %d accounts, want %d of 5", len(contacts), len(accounts), people)
		}
		for _, c := range contacts {
			row := c.(map[string]any)
			if !strings.HasPrefix(row["title"].(string), "Title ") || len(row["attributes"].(map[string]any)) != 3 {
				b.Errorf("contact %v lost something", row)
			}
		}
	})
}

func TestPatch_TrimsTextsAsSignalsDo(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	signal := b.do(http.StatusCreated, "POST", "/v1/signals", trial)
	if got := b.do(http.StatusOK, "PATCH", "/v1/accounts/"+signal.text("account_id"), `{"name":" Acme ","status":"  "}`); got.text("data.name") != "Acme" || got.at("data.status") != nil {
		t.Errorf("account %s", got.body)
	}
	if got := b.do(http.StatusOK, "PATCH", "/v1/contacts/"+signal.text("contact_id"), `{"title":"\tVP\n"}`); got.text("data.title") != "VP" {
		t.Errorf("contact %s", got.body)
	}
}
