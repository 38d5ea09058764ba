package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox"
	"signalbox/strictjson"
	"signalbox/wire"
)

// s0 is the sample of S0's example 2, as this server would have made it.
func s0() wire.ActionInfo {
	return wire.ActionInfo{
		Codec: codec, Automation: 9101, Name: "High-intent trial → notify sales", TriggeredAt: time.Date(2024, 9, 1, 14, 32, 5, 999e6, time.UTC),
		Account: &signalbox.Account{ID: 9102, Name: "Acme Corp", Domain: "acmecorp.com", Revision: 4, Attributes: []byte(`{"plan":"pro"}`)},
		Contact: &signalbox.Contact{ID: 9103, Email: "jane.doe@acmecorp.com", FirstName: "Jane", LastName: "Doe", Title: "CTO", Revision: 2},
		Signal: &signalbox.Signal{ID: 9104, Type: "product_trial_started", Source: "internal_app", CreatedAt: time.Date(2024, 9, 1, 14, 32, 0, 1e6, time.UTC),
			Properties: []byte(`{"plan":"pro_trial","trial_ends_at":"2024-09-15T00:00:00Z","invited_by":"sales_outreach"}`)},
	}
}

// proves S0-30…S0-38: the fields, their order and their forms, and that there are no others
func TestAction_IsTheSampleByteForByte(t *testing.T) {
	t.Parallel()
	want := `{"event":"automation.action_triggered","automation_id":"` + codec.Format(signalbox.KindAutomation, 9101) +
		`","automation_name":"High-intent trial → notify sales","triggered_at":"2024-09-01T14:32:05Z","account":{"id":"` + codec.Format(signalbox.KindAccount, 9102) +
		`","name":"Acme Corp","domain":"acmecorp.com"},"contact":{"id":"` + codec.Format(signalbox.KindContact, 9103) +
		`","email":"jane.doe@acmecorp.com","first_name":"Jane","last_name":"Doe"},"signal":{"id":"` + codec.Format(signalbox.KindSignal, 9104) +
		`","type":"product_trial_started","source":"internal_app","properties":{"plan":"pro_trial","trial_ends_at":"2024-09-15T00:00:00Z","invited_by":"sales_outreach"},` +
		`"created_at":"2024-09-01T14:32:00Z"}}`
	a := s0()
	if diff := cmp.Diff(want, string(wire.AppendAction(nil, &a))); diff != "" {
		t.Error(diff)
	}
}

func TestAction_Goldens(t *testing.T) {
	t.Parallel()
	bare := s0()
	bare.Account, bare.Contact, bare.Signal = nil, nil, nil
	unknown := s0()
	unknown.Account, unknown.Contact = &signalbox.Account{ID: 9102}, &signalbox.Contact{ID: 9103}
	unknown.Signal.Properties = nil
	captured := s0()
	captured.Signal.Properties = []byte(`["no object"]`)
	odd := s0()
	odd.Name, odd.Contact.FirstName = "<b> & \"q\"\u2028", "J\x7f\n"
	for name, a := range map[string]wire.ActionInfo{"sample": s0(), "nobody": bare, "unknown_fields": unknown, "captured_list": captured, "odd_text": odd} {
		golden(t, "action_"+name+".json", wire.AppendAction(nil, &a))
	}
}

// proves C27 for the action's body
func TestAction_BytesAreStable(t *testing.T) {
	t.Parallel()
	stored := rapid.Map(rapid.String(), func(s string) string { return strings.ReplaceAll(s, "\x00", "") }) // no door lets U+0000 in
	rapid.Check(t, func(t *rapid.T) {
		a := s0()
		a.Name = stored.Draw(t, "name")
		a.Account.Name = stored.Draw(t, "account")
		a.Contact.LastName = stored.Draw(t, "last name")
		a.Signal.Type = stored.Draw(t, "type")
		raw, _ := json.Marshal(rapid.MapOf(rapid.StringMatching(`[a-z<>& ]{1,8}`), rapid.Float64Range(-1e30, 1e30)).Draw(t, "properties"))
		stable, err := strictjson.Stable(raw)
		if err != nil {
			t.Fatal(err)
		}
		a.Signal.Properties = stable
		body := wire.AppendAction(nil, &a)
		again, err := strictjson.Stable(body)
		if err != nil || string(again) != string(body) {
			t.Fatalf("%v\n%s\n%s", err, body, again)
		}
	})
}
