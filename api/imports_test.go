package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestImports_UndoneWhereNothingElseTouchedTheRecord: what an import made goes, what it changed is as before, and what somebody else has touched since stays,
// with the reason.
func TestImports_UndoneWhereNothingElseTouchedTheRecord(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		b.do(http.StatusOK, "POST", "/v1/accounts/batch", `{"accounts":[{"domain":"known.com","name":"Known","attributes":{"a":1}},{"domain":"patched.com","name":"P"}]}`)
		for range 2 { // sending a batch again is safe, and so is a second change of the same record
			b.do(http.StatusOK, "POST", "/v1/accounts/batch", `{"import":"june","accounts":[{"domain":"known.com","name":"Renamed","attributes":{"b":2}},{"domain":"patched.com","name":"Q"},
				{"domain":"made.com","name":"Made"},{"domain":"busy.com"},{"domain":"known.com","status":"customer"}]}`)
		}
		b.do(http.StatusOK, "POST", "/v1/contacts/batch", `{"import":"june","contacts":[{"email":"a@implied.com","first_name":"A"},{"email":"b@made.com"}]}`)
		b.do(http.StatusOK, "POST", "/v1/contacts/batch", `{"contacts":[{"email":"c@made.com"}],"dry_run":true,"import":"other"}`)
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","account":{"domain":"busy.com"}}`)
		patched := b.do(http.StatusOK, "GET", "/v1/accounts?q=patched", "").text("data.0.id")
		b.do(http.StatusOK, "PATCH", "/v1/accounts/"+patched, `{"status":"mine"}`)

		list := b.do(http.StatusOK, "GET", "/v1/imports", "")
		if len(list.at("data").([]any)) != 1 || list.text("data.0.name") != "june" || !strings.Contains(string(list.body), `"records":7,`) {
			b.Fatalf("listed %s", list.body)
		}
		id := list.text("data.0.id")
		undone := b.do(http.StatusOK, "POST", "/v1/imports/"+id+"/undo", "")
		left := map[string]string{}
		for _, row := range undone.at("data.left").([]any) {
			left[row.(map[string]any)["reason"].(string)] = row.(map[string]any)["id"].(string)
		}
		if !strings.Contains(string(undone.body), `"undone":5,`) || len(left) != 2 || left["it was changed since"] != patched || left["signals came about it"] == "" {
			b.Errorf("undone %s", undone.body)
		}
		known := b.do(http.StatusOK, "GET", "/v1/accounts?q=known", "")
		if known.text("data.0.name") != "Known" || known.at("data.0.status") != nil || !strings.Contains(string(known.body), `"attributes":{"a":1}`) {
			b.Errorf("restored %s", known.body)
		}
		for path, want := range map[string]int{"/v1/accounts": 3, "/v1/contacts": 0, "/v1/accounts?q=made": 0, "/v1/accounts?q=implied": 0} {
			if got := b.do(http.StatusOK, "GET", path, ""); len(got.at("data").([]any)) != want {
				b.Errorf("%s: %s, want %d", path, got.body, want)
			}
		}
		if again := b.send(b.admin, "POST", "/v1/imports/"+id+"/undo", ""); again.status != http.StatusConflict {
			b.Errorf("undone twice: %d %s", again.status, again.body)
		}
		again := b.do(http.StatusOK, "POST", "/v1/contacts/batch", `{"import":"june","contacts":[{"email":"a@implied.com"}]}`)
		if again.text("data.results.0.status") != "created" {
			b.Errorf("the key of what was removed is not free: %s", again.body)
		}
	})
}
