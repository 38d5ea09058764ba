package connector_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox/internal/boxtest/provider"
	"signalbox/poll/connector"
)

// harvest is how Greenhouse is signed in to.
var harvest = connector.Secrets{"client_id": provider.ClientID, "client_secret": provider.Secret}

// shippedStreams are all streams of the shipped definitions, with what the imitated product calls them.
var shippedStreams = []struct {
	product  func() *provider.Server
	name     string // of the definition
	stream   string
	called   string
	settings map[string]string
	secrets  connector.Secrets
	size     int // of a full page
}{
	{provider.BambooHR, "bamboohr", "employees", "employees", map[string]string{"domain": "acme"}, connector.Secrets{"username": provider.Secret}, 100},
	{provider.BambooHR, "bamboohr", "employments", "jobInfo", map[string]string{"domain": "acme"}, connector.Secrets{"username": provider.Secret}, 1 << 20},
	{provider.Greenhouse, "greenhouse", "applications", "applications", nil, harvest, 500},
	{provider.Greenhouse, "greenhouse", "candidates", "candidates", nil, harvest, 500},
	{provider.Greenhouse, "greenhouse", "interviews", "interviews", nil, harvest, 500},
	{provider.Greenhouse, "greenhouse", "job_postings", "job_posts", nil, harvest, 500},
	{provider.HubSpot, "hubspot", "contacts", "contacts", nil, bearer, 100},
	{provider.Generic, "rest", "widgets", "items", map[string]string{"url": "https://api.example.com/cursor"}, bearer, 10},
}

// proves S4-10 to S4-15: the streams that StackOne polls, and two more
func TestShipped_EveryStreamIsWalkedWhole(t *testing.T) {
	t.Parallel()
	for _, c := range shippedStreams {
		server := c.product()
		const records = 1203
		server.Fill(c.called, 1, records)
		synctest.Test(t, func(t *testing.T) { // pages of ten are more requests than a second has
			w := mustWalk(t, product(t, server, c.name, c.stream, "", c.settings, c.secrets))
			ids := slices.Sorted(slices.Values(w.ids()))
			want := slices.Sorted(slices.Values(numbers(1, records)))
			if diff := cmp.Diff(want, ids); diff != "" {
				t.Errorf("%s %s: %s", c.name, c.stream, diff)
			}
			if pages := (records + c.size - 1) / c.size; w.pages != pages {
				t.Errorf("%s %s: %d pages, want %d", c.name, c.stream, w.pages, pages)
			}
		})
	}
}

// Each product refuses what comes too often in its own way.
func TestShipped_ALimitIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, c := range shippedStreams {
		if c.stream == "employments" {
			continue // one page
		}
		server := c.product()
		server.Fill(c.called, 1, 40*c.size/10)
		server.Limit(2, 20*time.Second)
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			w := mustWalk(t, product(t, server, c.name, c.stream, "", c.settings, c.secrets))
			if len(w.records) != 40*c.size/10 {
				t.Errorf("%s %s: %d records", c.name, c.stream, len(w.records))
			}
			if took := time.Since(begun); took < 20*time.Second || took > 60*time.Second {
				t.Errorf("%s %s: four pages at two in 20 s took %s", c.name, c.stream, took)
			}
		})
	}
}

// byThemselves are fields that change without anything having happened.
var byThemselves = map[string][]string{
	"bamboohr employees": {"photoUrl", "_restrictedFields"}, "greenhouse applications": {"last_activity_at", "updated_at"},
	"greenhouse candidates": {"last_activity_at", "updated_at"}, "greenhouse interviews": {"updated_at"}, "greenhouse job_postings": {"updated_at"},
	"hubspot contacts": {"lastmodifieddate"},
}

func TestShipped_AChangedRecordIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range shippedStreams {
		server := c.product()
		server.Fill(c.called, 1, 3)
		s := product(t, server, c.name, c.stream, "", c.settings, c.secrets)
		before := bodies(mustWalk(t, s))
		server.Put(c.called, "2", provider.Fields{"name": "changed", "email": "x@example.com"})
		noise := provider.Fields{"name": "record 3"}
		for _, field := range byThemselves[c.name+" "+c.stream] {
			noise[field] = "something new"
		}
		server.Put(c.called, "3", noise)
		server.Remove(c.called, "1")
		after := bodies(mustWalk(t, s))
		if before["2"] == after["2"] || before["3"] != after["3"] || after["1"] != "" || len(after) != 2 {
			t.Errorf("%s %s: before %v, after %v", c.name, c.stream, before, after)
		}
	}
}

func bodies(w walked) map[string]string {
	all := map[string]string{}
	for _, r := range w.records {
		all[r.ID] = string(r.Body)
	}
	return all
}

// Harvest takes no parameter beside a cursor, and its tokens say when they expire as a time.
func TestShipped_GreenhouseFollowsLinksAsTheyAre(t *testing.T) {
	t.Parallel()
	server := provider.Greenhouse()
	server.Fill("candidates", 1, 1100)
	mustWalk(t, product(t, server, "greenhouse", "candidates", "", nil, harvest))
	asked := server.Asked()
	if len(asked) != 4 || !strings.HasSuffix(asked[0], "auth.greenhouse.io/token") || !strings.HasSuffix(asked[1], "/v3/candidates?per_page=500") {
		t.Errorf("asked %v", asked)
	}
	for _, one := range asked[2:] {
		if !strings.Contains(one, "?cursor=") || strings.Contains(one, "&") {
			t.Errorf("a cursor is not alone: %s", one)
		}
	}
	if server.Tokens() != 1 {
		t.Errorf("%d tokens were fetched", server.Tokens())
	}
}

func TestShipped_ByIDIsAsked(t *testing.T) {
	t.Parallel()
	for _, c := range shippedStreams {
		if c.name == "bamboohr" {
			continue // its lists are cursors; they need no proof
		}
		server := c.product()
		server.Fill(c.called, 1, 30)
		settings := maps.Clone(c.settings)
		if c.name == "rest" {
			settings["url"] = "https://api.example.com/items"
		}
		s, ok := product(t, server, c.name, c.stream, "", settings, c.secrets).(connector.Finder)
		if !ok {
			t.Errorf("%s %s: cannot be asked for one record", c.name, c.stream)
			continue
		}
		for id, want := range map[string]bool{"3": true, "99": false} {
			if found, err := s.ByID(t.Context(), id); err != nil || found != want {
				t.Errorf("%s %s: record %s: %v, %v", c.name, c.stream, id, found, err)
			}
		}
	}
}

func TestShipped_MappingsReadWhatProductsSend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		definition, stream, record string
		unified                    string
		identity                   connector.Identity
	}{
		"employee": {"bamboohr", "employees", `{"employeeId":"7","firstName":"Ada","lastName":"Lovelace","workEmail":"ada@acme.com","jobTitleName":"VP","status":"Active"}`,
			`{"display_name":null,"employment_status":"Active","first_name":"Ada","job_title":"VP","last_name":"Lovelace","work_email":"ada@acme.com","work_phone":null}`,
			connector.Identity{Email: "ada@acme.com", FirstName: "Ada", LastName: "Lovelace", Title: "VP"}},
		"candidate": {"greenhouse", "candidates", `{"id":7,"first_name":"Ada","email_addresses":[{"value":"ada@home.org","type":"personal"}],"company":"Acme","updated_at":"2026-01-02T03:04:05.000Z"}`,
			`{"company":"Acme","created_at":null,"email":"ada@home.org","first_name":"Ada","last_name":null,"name":null,"title":null,"updated_at":"2026-01-02T03:04:05.000Z"}`,
			connector.Identity{Email: "ada@home.org", FirstName: "Ada", AccountName: "Acme"}},
		"job posting": {"greenhouse", "job_postings", `{"id":7,"job_id":9007199254740993,"title":"Engineer","live":true,"internal":false}`,
			`{"created_at":null,"internal":false,"job_id":9007199254740993,"published_at":null,"status":"live","title":"Engineer","updated_at":null}`, connector.Identity{}},
		"contact without properties": {"hubspot", "contacts", `{"id":"7","createdAt":"2026-01-01T00:00:00.000Z"}`,
			`{"company":null,"created_at":"2026-01-01T00:00:00.000Z","email":null,"first_name":null,"last_name":null,"lifecycle_stage":null,"title":null}`, connector.Identity{}},
	} {
		s := definition(t, c.definition).Stream(c.stream)
		r := connector.Record{Raw: []byte(c.record)}
		got, err := s.Unify(r)
		if diff := cmp.Diff(c.unified, string(got)); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
		who, err := s.Identify(r)
		if diff := cmp.Diff(c.identity, who); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}
