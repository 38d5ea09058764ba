package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestMerges_FromPreviewToUndo: every door of a merge, on each database, and what its records answer meanwhile.
func TestMerges_FromPreviewToUndo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		signal := func(domain, email string) answer {
			return b.do(http.StatusCreated, "POST", "/v1/signals",
				`{"type":"t","source":"s","account":{"domain":"`+domain+`","attributes":{"at":"`+domain+`","`+domain+`":1}},"contact":{"email":"`+email+`"}}`)
		}
		old, kept := signal("old.com", "jane@old.com"), signal("kept.com", "jane@kept.com")
		from, into := old.text("account_id"), kept.text("account_id")
		b.do(http.StatusOK, "PATCH", "/v1/accounts/"+from, `{"name":"Old","status":"customer"}`)

		preview := b.do(http.StatusOK, "POST", "/v1/accounts/"+from+"/merge", `{"into":"`+into+`","dry_run":true}`)
		if preview.at("data.id") != nil || preview.text("data.result.name") != "Old" || preview.text("data.result.attributes.at") != "kept.com" ||
			!strings.Contains(string(preview.body), `"moves":{"contacts":1,"signals":1,"keys":1}`) {
			b.Errorf("preview %s", preview.body)
		}
		if got := b.do(http.StatusOK, "GET", "/v1/accounts/"+from, "").text("data.id"); got != from {
			b.Fatalf("the preview has merged it into %s", got)
		}

		done := b.do(http.StatusCreated, "POST", "/v1/accounts/"+from+"/merge", `{"into":"`+into+`"}`)
		id := done.text("data.id")
		if !strings.HasPrefix(id, "mrg_") || done.text("data.status") != "done" || done.text("data.from.name") != "Old" || done.at("data.into.name") != nil ||
			done.text("data.result.status") != "customer" {
			b.Errorf("merged %s", done.body)
		}
		b.mergedAnswers(from, into, kept)
		late := signal("old.com", "jane@old.com")
		if late.text("account_id") != into {
			b.Errorf("a late signal answered %s, want account %s", late.body, into)
		}
		b.do(http.StatusOK, "PATCH", "/v1/accounts/"+from, `{"status":"churned"}`)
		if again := b.send(b.admin, "POST", "/v1/accounts/"+from+"/merge", `{"into":"`+into+`"}`); again.status != http.StatusConflict || !strings.Contains(again.text("error.message"), id) {
			b.Errorf("merged twice: %d %s", again.status, again.body)
		}

		if undone := b.do(http.StatusOK, "POST", "/v1/merges/"+id+"/undo", ""); undone.text("data.status") != "undone" || undone.at("data.undone_at") == nil {
			b.Errorf("undone %s", undone.body)
		}
		a, k := b.do(http.StatusOK, "GET", "/v1/accounts/"+from, ""), b.do(http.StatusOK, "GET", "/v1/accounts/"+into, "")
		if a.text("data.id") != from || a.text("data.name") != "Old" || a.text("data.status") != "customer" || a.text("data.attributes.at") != "old.com" {
			b.Errorf("after undo the merged account is %s", a.body)
		}
		if k.at("data.name") != nil || k.text("data.status") != "churned" || len(k.at("data.attributes").(map[string]any)) != 2 {
			b.Errorf("after undo the survivor is %s", k.body)
		}
		if line := b.do(http.StatusOK, "GET", "/v1/accounts/"+from+"/timeline", ""); len(line.at("data").([]any)) != 2 || line.text("data.0.id") != late.text("id") {
			b.Errorf("its timeline %s", line.body)
		}
		if list := b.do(http.StatusOK, "GET", "/v1/merges?status=undone&kind=account", ""); list.text("data.0.id") != id {
			b.Errorf("listed %s", list.body)
		}
	})
}

// mergedAnswers asks for a merged account in every way that there is: what stands for it answers, and says so.
func (b *box) mergedAnswers(from, into string, kept answer) {
	b.Helper()
	read := b.do(http.StatusOK, "GET", "/v1/accounts/"+from, "")
	if read.text("data.id") != into || read.text("data.merged_ids.0") != from {
		b.Errorf("read %s", read.body)
	}
	if list := b.do(http.StatusOK, "GET", "/v1/accounts", ""); len(list.at("data").([]any)) != 1 {
		b.Errorf("listed %s", list.body)
	}
	people := b.do(http.StatusOK, "GET", "/v1/contacts?account_id="+from, "")
	for _, row := range people.at("data").([]any) {
		if got := row.(map[string]any); got["account_id"] != into || got["account_domain"] != "kept.com" {
			b.Errorf("contact %v", got)
		}
	}
	if n := len(people.at("data").([]any)); n != 2 {
		b.Errorf("%d contacts, want those of both", n)
	}
	for _, path := range []string{"/v1/signals?account_domain=old.com", "/v1/signals?account_domain=kept.com", "/v1/accounts/" + from + "/timeline", "/v1/accounts/" + into + "/timeline"} {
		first := b.do(http.StatusOK, "GET", path+map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]+"limit=1", "")
		cursor := first.text("meta.next_cursor")
		rest := b.do(http.StatusOK, "GET", path+map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]+"limit=1&cursor="+cursor, "")
		if first.text("data.0.id") != kept.text("id") || first.text("data.0.account.id") != into || rest.text("data.0.account.id") != into || rest.text("data.0.id") == kept.text("id") {
			b.Errorf("%s: %s, then %s", path, first.body, rest.body)
		}
	}
}

func TestTimelines_ACursorOfAnotherOneIsRefused(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	var ids []string
	for _, domain := range []string{"a.com", "b.com"} {
		for range 3 {
			ids = append(ids, b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","account":{"domain":"`+domain+`"}}`).text("account_id"))
		}
	}
	b.do(http.StatusCreated, "POST", "/v1/accounts/"+ids[0]+"/merge", `{"into":"`+ids[3]+`"}`)
	cursor := b.do(http.StatusOK, "GET", "/v1/accounts/"+ids[0]+"/timeline?limit=4", "").text("meta.next_cursor")
	if !strings.Contains(cursor, ".") {
		t.Fatalf("cursor %q", cursor)
	}
	for _, wrong := range []string{cursor[:len(cursor)-1], cursor + "A", strings.Split(cursor, ".")[0], "." + strings.Split(cursor, ".")[1]} {
		if got := b.send(b.admin, "GET", "/v1/accounts/"+ids[0]+"/timeline?limit=4&cursor="+wrong, ""); got.status != http.StatusBadRequest || got.text("error.param") != "cursor" {
			t.Errorf("%q: %d %s", wrong, got.status, got.body)
		}
	}
	if got := b.send(b.admin, "GET", "/v1/accounts/"+ids[3]+"/timeline?limit=4&cursor="+cursor, ""); got.status != http.StatusBadRequest {
		t.Errorf("of another list: %d %s", got.status, got.body)
	}
}
