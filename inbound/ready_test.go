package inbound_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/inbound"
)

// samples are the bodies of testdata, by "github/push.0".
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*.json")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d samples, %v", len(paths), err)
	}
	all := map[string][]byte{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(path), "testdata/"), ".json")] = raw
	}
	return all
}

func ready(t testing.TB, name string) *inbound.Door {
	t.Helper()
	for _, r := range inbound.Ready() {
		if r.Name == name {
			d, err := inbound.Compile(&r.Incoming)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
	}
	t.Fatalf("no ready mapping %s", name)
	return nil
}

// mapSample maps a sample as its door would: through Parse, and with the headers that the tool sends.
func mapSample(t *testing.T, sample string) ([]signalbox.SignalInput, error) {
	t.Helper()
	tool, file, _ := strings.Cut(sample, "/")
	event, _, _ := strings.Cut(file, ".")
	body, err := inbound.Parse("application/json", samples(t)[sample])
	if err != nil {
		t.Fatal(err)
	}
	req := &inbound.Request{Method: "POST", Header: http.Header{"X-Github-Event": {event}, "X-Github-Delivery": {"72d3162e-cc78-11e3-81ab-4c9367dc0958"}}}
	return ready(t, tool).Map(req, body, now)
}

func TestReady_EveryOneCompilesAndSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for _, r := range inbound.Ready() {
		if err := inbound.Check(&r.Incoming); err != nil || r.Name == "" || r.Label == "" || r.Description == "" || string(r.Incoming.Verify.Preset) != r.Name {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestReady_EverySampleIsMappedOrIgnored(t *testing.T) {
	t.Parallel()
	for name := range samples(t) {
		list, err := mapSample(t, name)
		if name == "github/ping.3" {
			if _, ok := err.(*inbound.Ignored); !ok {
				t.Errorf("%s: got %v, %v, want it ignored", name, list, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, in := range list {
			if in.IdempotencyKey == "" || in.Properties == nil {
				t.Errorf("%s: %+v has no key or no properties", name, in)
			}
		}
	}
}

func TestReady_GitHub(t *testing.T) {
	t.Parallel()
	types := map[string]string{
		"github/push.0": "github_push", "github/star.0": "github_star_created", "github/issues.1": "github_issues_assigned", "github/release.0": "github_release_published",
		"github/fork.0": "github_fork", "github/status.2": "github_status", "github/membership.0": "github_membership_removed", "github/pull_request.0": "github_pull_request_opened",
	}
	for name, want := range types {
		if list, err := mapSample(t, name); err != nil || list[0].Type != want || list[0].Contact.Email != "" {
			t.Errorf("%s: got %+v, %v, want %s about nobody: its addresses are GitHub's stand-ins", name, list, err, want)
		}
	}
	list, err := mapSample(t, "github/issues.1")
	want := `{"event":"issues","action":"assigned","repository":"Codertocat/Hello-World","organization":null,"sender":"Codertocat","ref":null,"title":"Spelling error in the README file",` +
		`"number":1,"url":"https://github.com/Codertocat/Hello-World/issues/1","stars":0}`
	if err != nil || string(list[0].Properties) != want || list[0].IdempotencyKey != "github:72d3162e-cc78-11e3-81ab-4c9367dc0958" {
		t.Errorf("got %s, %s, %v", list[0].Properties, list[0].IdempotencyKey, err)
	}
	push := strings.Replace(string(samples(t)["github/push.0"]), `"head_commit":null`, `"head_commit":{"author":{"name":"Ada","email":"ada@acmecorp.com"}}`, 1)
	push = strings.ReplaceAll(push, "21031067+Codertocat@users.noreply.github.com", "ada@acmecorp.com")
	list, err = ready(t, "github").Map(&inbound.Request{Header: http.Header{"X-Github-Event": {"push"}}}, []byte(push), now)
	if err != nil || list[0].Contact.Email != "ada@acmecorp.com" {
		t.Errorf("a push of somebody: got %+v, %v", list, err)
	}
}

func TestReady_HubSpot(t *testing.T) {
	t.Parallel()
	list, err := mapSample(t, "hubspot/batch")
	if err != nil || len(list) != 5 {
		t.Fatalf("%d signals, %v", len(list), err)
	}
	var got []string
	for _, in := range list {
		got = append(got, in.Type+" "+in.Account.Domain+" "+in.Contact.Email)
	}
	want := []string{"hubspot_contact_creation  ", "hubspot_contact_propertychange  ada@acmecorp.com", "hubspot_company_propertychange acmecorp.com ",
		"hubspot_object_propertychange  grace@acmecorp.com", "hubspot_deal_propertychange  "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if in := list[1]; !in.OccurredAt.Equal(time.UnixMilli(1564113601250)) || in.IdempotencyKey != "hubspot:62515:1960986:100:123:1564113601250" {
		t.Errorf("got %v, %s", in.OccurredAt, in.IdempotencyKey)
	}
	again := strings.ReplaceAll(string(samples(t)["hubspot/batch"]), `"attemptNumber":0`, `"attemptNumber":3`)
	repeated, err := ready(t, "hubspot").Map(&inbound.Request{}, []byte(again), now)
	if diff := cmp.Diff(list, repeated); err != nil || diff != "" {
		t.Errorf("sent again it is another signal: %v %s", err, diff)
	}
}

func TestReady_Calendly(t *testing.T) {
	t.Parallel()
	created, err := mapSample(t, "calendly/invitee.created")
	if err != nil {
		t.Fatal(err)
	}
	in := created[0]
	if in.Type != "calendly_invitee_created" || !in.OccurredAt.Equal(time.Date(2026, 3, 2, 18, 16, 49, 0, time.UTC)) ||
		in.Contact.Email != "test@example.com" || in.Contact.FirstName != "John" || in.Contact.LastName != "van Doe" {
		t.Errorf("got %+v", in)
	}
	want := `{"event":"invitee.created","event_name":"15 Minute Meeting","start_time":"2026-03-04T14:00:00.000000Z","status":"active","rescheduled":false,"cancel_reason":null,` +
		`"timezone":"America/New_York","answers":[{"answer":"Project planning","position":0,"question":"What is it about?"}],"utm_source":"newsletter","utm_medium":null,"utm_campaign":"spring",` +
		`"uri":"https://api.calendly.com/scheduled_events/AAAAAAAAAAAAAAAA/invitees/CCCCCCCCCCCCCCCC"}`
	if string(in.Properties) != want {
		t.Errorf("got %s", in.Properties)
	}
	canceled, err := mapSample(t, "calendly/invitee.canceled")
	if err != nil || canceled[0].Contact.LastName != "Doe" || canceled[0].IdempotencyKey == in.IdempotencyKey || !strings.Contains(string(canceled[0].Properties), `"cancel_reason":"Schedule conflict"`) {
		t.Errorf("got %+v, %v", canceled, err)
	}
	// A name of one word has no last name.
	short := strings.Replace(string(samples(t)["calendly/invitee.created"]), "John van Doe", "Cher", 1)
	list, err := ready(t, "calendly").Map(&inbound.Request{}, []byte(short), now)
	if err != nil || list[0].Contact.FirstName != "Cher" || list[0].Contact.LastName != "" {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestReady_Stripe(t *testing.T) {
	t.Parallel()
	list, err := mapSample(t, "stripe/checkout.session.completed")
	if err != nil {
		t.Fatal(err)
	}
	in := list[0]
	want := `{"event":"checkout.session.completed","livemode":true,"object":"checkout.session","object_id":"cs_live_00000000000000","customer":"cus_NffrFeUfNV2Hib",` +
		`"subscription":"sub_1MowQVLkdIwHu7ixeRlqHVzs","status":"complete","amount":25000,"currency":"usd","cancel_at_period_end":null,"metadata":{"plan":"pro"}}`
	if in.Type != "stripe_checkout_session_completed" || in.Contact.Email != "jenny.rosen@example.com" || string(in.Properties) != want ||
		!in.OccurredAt.Equal(time.Unix(1716397800, 0)) || in.IdempotencyKey != "stripe:evt_1Ozr8j2eZvKYlo2C9X1zHnGw" {
		t.Errorf("got %+v with %s", in, in.Properties)
	}
	if list, err = mapSample(t, "stripe/customer.created"); err != nil || list[0].Contact.Email != "jenny.rosen@example.com" || !strings.Contains(string(list[0].Properties), `"customer":"cus_NffrFeUfNV2Hib"`) {
		t.Errorf("got %+v, %v", list, err)
	}
	if list, err = mapSample(t, "stripe/customer.subscription.deleted"); err != nil || list[0].Type != "stripe_customer_subscription_deleted" || list[0].Contact.Email != "" {
		t.Errorf("got %+v, %v", list, err)
	}
}
