package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// texts lists what each row of a list has at a path.
func (a answer) texts(path string) (list []string) {
	for i := 0; a.at(fmt.Sprintf("data.%d", i)) != nil; i++ {
		list = append(list, a.text(fmt.Sprintf("data.%d.%s", i, path)))
	}
	return list
}

// walk reads a list in pages of so many and returns what each row has at a path.
func (b *box) walk(path, field string, limit int) (list []string) {
	b.Helper()
	cursor := ""
	for range 50 {
		page := b.do(http.StatusOK, "GET", fmt.Sprintf("%s&limit=%d%s", path, limit, cursor), "")
		list = append(list, page.texts(field)...)
		if page.at("meta.next_cursor") == nil {
			return list
		}
		cursor = "&cursor=" + page.text("meta.next_cursor")
	}
	b.Fatalf("%s does not end", path)
	return nil
}

// proves contract section 16 (GET /v1/accounts, contacts alike) and 6: in the order of scores, narrowed by stage, status and audience, with what is shown exact
func TestLists_BySortStageStatusAndAudience(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		send := func(domain string, types ...string) (account, contact string) {
			for _, typ := range types {
				got := b.do(http.StatusCreated, "POST", "/v1/signals", fmt.Sprintf(`{"type":%q,"source":"s","account":{"domain":%q},"contact":{"email":"ann@%s"}}`, typ, domain, domain))
				account, contact = got.text("account_id"), got.text("contact_id")
			}
			return account, contact
		}
		warm, _ := send("warm.com", "meeting_booked", "deal_created")
		send("cool.com", "page_view")
		hot, person := send("hot.com", "meeting_booked", "meeting_booked", "deal_created", "deal_created", "form_submit")
		send("mild.com", "form_submit")
		b.do(http.StatusCreated, "POST", "/v1/audiences", `{"name":"People","entity":"contact","condition":"contact.score > 30"}`)
		of := b.do(http.StatusCreated, "POST", "/v1/audiences", `{"name":"Looked","entity":"account","condition":"signals.type == 'email_click'"}`).text("data.id")
		send("warm.com", "email_click") // 51
		send("cool.com", "email_click") // 8
		b.do(http.StatusOK, "PATCH", "/v1/accounts/"+warm, `{"status":"customer"}`)

		order := []string{"hot.com", "warm.com", "mild.com", "cool.com"}
		for _, limit := range []int{1, 3, 50} {
			if got := b.walk("/v1/accounts?sort=-score", "domain", limit); !slices.Equal(got, order) {
				b.Errorf("in pages of %d by score: %v", limit, got)
			}
		}
		if got := b.walk("/v1/contacts?sort=-score", "email", 50); !slices.Equal(got, []string{"ann@hot.com", "ann@warm.com", "ann@mild.com", "ann@cool.com"}) {
			b.Errorf("contacts by score: %v", got)
		}
		if got := b.do(http.StatusOK, "GET", "/v1/accounts?sort=-score&stage=Hot", ""); got.text("data.0.id") != hot || got.at("data.0.score") != json.Number("98") || got.text("data.0.stage") != "Hot" || got.at("data.1") != nil {
			b.Errorf("the hot ones are %s", got.body)
		}
		for query, want := range map[string]string{
			"stage=Warm": "warm.com", "stage=Cool": "mild.com cool.com", "stage=In-market": "", "status=customer": "warm.com", "audience_id=" + of: "cool.com warm.com",
			"audience_id=" + of + "&stage=Warm": "warm.com", "audience_id=" + of + "&sort=-score": "warm.com cool.com", "stage=Cool&q=mild": "mild.com",
			"audience_id=" + of + "&status=customer&stage=Warm&q=warm&sort=-last_signal_at": "warm.com", "stage=Hot&status=customer": "", "stage=": "mild.com hot.com cool.com warm.com",
		} {
			if got := strings.Join(b.walk("/v1/accounts?"+query, "domain", 1), " "); got != want {
				b.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		if got := b.do(http.StatusOK, "GET", "/v1/contacts?stage=Hot&account_id="+hot, ""); got.text("data.0.id") != person || got.at("data.1") != nil {
			b.Errorf("people of the hot account: %s", got.body)
		}
	})
}

func TestLists_RefuseWhatCannotBeWithWhatCan(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		people := b.do(http.StatusCreated, "POST", "/v1/audiences", `{"name":"People","entity":"contact","condition":"contact.score > 30"}`).text("data.id")
		_, other := b.workspace("other")
		foreign := b.send(other, "POST", "/v1/audiences", `{"name":"Theirs","entity":"account","condition":"account.score > 0"}`).text("data.id")
		b.do(http.StatusOK, "PUT", "/v1/scoring", `{"stages":{"contact":[{"name":"Cold","min":0},{"name":"Ready","min":50}]}}`)
		for _, c := range []struct{ path, param, says string }{
			{"/v1/accounts?sort=score", "sort", "-score"},
			{"/v1/accounts?stage=Ready", "stage", `"Cool", "Warm", "In-market", "Hot"`},
			{"/v1/accounts?stage=hot", "stage", `"Hot"`},
			{"/v1/contacts?stage=Hot", "stage", `"Cold", "Ready"`},
			{"/v1/accounts?audience_id=aud_x", "audience_id", "no such audience"},
			{"/v1/accounts?audience_id=" + foreign, "audience_id", "no such audience"},
			{"/v1/accounts?audience_id=" + people, "audience_id", "one of contacts"},
			{"/v1/audiences?limit=0", "limit", "1 to 200"},
			{"/v1/audiences?cursor=nonsense", "cursor", "cursor"},
		} {
			b.send(b.admin, "GET", c.path, "").refuses(http.StatusBadRequest, "validation_error", c.param, c.says)
		}
		b.do(http.StatusOK, "GET", "/v1/contacts?stage=Ready&audience_id="+people, "")
		first := b.do(http.StatusOK, "GET", "/v1/accounts?sort=-score&limit=1", "")
		if first.at("data.0") != nil {
			b.Errorf("nobody is %s", first.body)
		}
	})
}

// A cursor is of its list alone, with its filters.
func TestLists_ACursorBelongsToItsFilters(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		for _, domain := range []string{"one.com", "two.com"} {
			b.do(http.StatusCreated, "POST", "/v1/signals", fmt.Sprintf(`{"type":"page_view","source":"s","account":{"domain":%q}}`, domain))
		}
		cursor := b.do(http.StatusOK, "GET", "/v1/accounts?sort=-score&limit=1", "").text("meta.next_cursor")
		b.do(http.StatusOK, "GET", "/v1/accounts?sort=-score&limit=1&cursor="+cursor, "")
		b.send(b.admin, "GET", "/v1/accounts?sort=-score&stage=Cool&cursor="+cursor, "").refuses(http.StatusBadRequest, "validation_error", "cursor", "same filters")
	})
}

// proves contract section 2: pages of 1 to 200, 50 unless asked, newest first, stable while audiences are made and deleted
func TestAudiences_AreListedInPages(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		ids := make([]string, 60)
		for i := range ids {
			ids[i] = b.do(http.StatusCreated, "POST", "/v1/audiences", fmt.Sprintf(`{"name":"a%02d","entity":"account","condition":"account.score > %d"}`, i, i)).text("data.id")
		}
		first := b.do(http.StatusOK, "GET", "/v1/audiences", "")
		if got := first.texts("name"); len(got) != 50 || got[0] != "a59" || got[49] != "a10" || first.at("meta.total") != json.Number("60") {
			b.Errorf("the first page has %v of %v", got, first.at("meta.total"))
		}
		b.do(http.StatusCreated, "POST", "/v1/audiences", `{"name":"later","entity":"account","condition":"account.score > 0"}`)
		b.do(http.StatusNoContent, "DELETE", "/v1/audiences/"+ids[10], "")
		rest := b.do(http.StatusOK, "GET", "/v1/audiences?cursor="+first.text("meta.next_cursor"), "")
		if got := rest.texts("name"); len(got) != 10 || got[0] != "a09" || got[9] != "a00" || rest.at("meta.next_cursor") != nil {
			b.Errorf("the rest is %v", got)
		}
		if got := b.walk("/v1/audiences?", "name", 7); len(got) != 60 || got[0] != "later" || got[59] != "a00" {
			b.Errorf("in pages of 7: %v", got)
		}
		if got := b.do(http.StatusOK, "GET", "/v1/audiences?limit=200", "").texts("name"); len(got) != 60 {
			b.Errorf("all are %d", len(got))
		}
	})
}
