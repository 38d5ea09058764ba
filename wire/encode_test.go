package wire_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox"
	"signalbox/strictjson"
	"signalbox/wire"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	codec     = signalbox.NewCodec([16]byte{1, 2, 3})
	signalAt  = time.Date(2024, 6, 15, 14, 32, 5, 987654000, time.UTC)
	createdAt = time.Date(2025, 6, 15, 14, 32, 7, 123456000, time.UTC)
)

// s1 is the sample of S1, as this server would have stored it.
func s1() wire.EventInfo {
	return wire.EventInfo{
		Codec:     codec,
		Event:     9001,
		Workspace: 9002,
		CreatedAt: createdAt,
		Signal: &signalbox.Signal{ID: 9003, Type: "page_view", Source: "segment", CreatedAt: signalAt,
			Properties: []byte(`{"url":"https://www.acme.com/pricing","referrer":"https://www.google.com"}`)},
		Account: &signalbox.Account{ID: 9004, Domain: "acme.com", Name: "Acme Corp", Revision: 3},
		Contact: &signalbox.Contact{ID: 9005, Email: "jane.doe@acme.com", FirstName: "Jane", LastName: "Doe", Revision: 7},
	}
}

// proves S1-19…S1-26, with the revision of contract section 12
func TestSignalCreated_StairoidsIsTheSampleFieldByField(t *testing.T) {
	t.Parallel()
	var got any
	if err := json.Unmarshal(wire.Freeze(signalbox.FormatStairoids, wire.EventSignalCreated, s1()), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"event":        "signal.created",
		"id":           codec.Format(signalbox.KindEvent, 9001),
		"created_at":   "2025-06-15T14:32:07Z",
		"workspace_id": codec.Format(signalbox.KindWorkspace, 9002),
		"data": map[string]any{"signal": map[string]any{
			"id":         codec.Format(signalbox.KindSignal, 9003),
			"type":       "page_view",
			"source":     "segment",
			"created_at": "2024-06-15T14:32:05Z",
			"properties": map[string]any{"url": "https://www.acme.com/pricing", "referrer": "https://www.google.com"},
			"account":    map[string]any{"id": codec.Format(signalbox.KindAccount, 9004), "domain": "acme.com", "name": "Acme Corp", "revision": 3.0},
			"contact":    map[string]any{"id": codec.Format(signalbox.KindContact, 9005), "email": "jane.doe@acme.com", "name": "Jane Doe", "revision": 7.0},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSignalCreated_StandardCarriesTheSameData(t *testing.T) {
	t.Parallel()
	var stairoids, standard map[string]json.RawMessage
	if err := json.Unmarshal(wire.Freeze(signalbox.FormatStairoids, wire.EventSignalCreated, s1()), &stairoids); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(wire.Freeze(signalbox.FormatStandard, wire.EventSignalCreated, s1()), &standard); err != nil {
		t.Fatal(err)
	}
	want := map[string]json.RawMessage{
		"type":      json.RawMessage(`"signal.created"`),
		"timestamp": json.RawMessage(`"2025-06-15T14:32:07.123Z"`),
		"data":      stairoids["data"],
	}
	if diff := cmp.Diff(want, standard); diff != "" {
		t.Error(diff)
	}
}

func TestSignalCreated_Goldens(t *testing.T) {
	t.Parallel()
	bare := s1()
	bare.Account, bare.Contact, bare.Signal.Properties = nil, nil, nil
	unknown := s1()
	unknown.Account = &signalbox.Account{ID: 9004, Revision: 1}
	unknown.Contact = &signalbox.Contact{ID: 9005, Revision: 1}
	odd := s1()
	odd.Signal.Type, odd.Signal.Source = "trial → <paid> & \"won\"", "line\u2028sep\x7f\n"
	odd.Contact.FirstName = ""
	for name, e := range map[string]wire.EventInfo{"sample": s1(), "unattributed": bare, "unknown_fields": unknown, "odd_text": odd} {
		for _, f := range []signalbox.Format{signalbox.FormatStairoids, signalbox.FormatStandard} {
			golden(t, "signal_created_"+name+"_"+string(f)+".json", wire.Freeze(f, wire.EventSignalCreated, e))
		}
	}
}

// proves C27: a receiver that parses and serialises again sees the bytes that were signed
func TestSignalCreated_BytesAreStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := s1()
		e.Signal.Type = rapid.String().Draw(t, "type")
		e.Signal.Source = rapid.String().Draw(t, "source")
		e.Account.Domain = rapid.String().Draw(t, "domain")
		e.Account.Name = rapid.String().Draw(t, "name")
		e.Contact.Email = rapid.String().Draw(t, "email")
		e.Contact.LastName = rapid.String().Draw(t, "last name")
		e.Signal.Properties = nil
		if rapid.Bool().Draw(t, "properties") {
			raw, _ := json.Marshal(rapid.MapOf(rapid.StringMatching(`[a-z\x00-\x1f<>& ]{1,8}`), rapid.Float64Range(-1e30, 1e30)).Draw(t, "values"))
			stable, err := strictjson.Stable(raw)
			if err != nil {
				t.Skip("no text that a sender could get in")
			}
			e.Signal.Properties = stable
		}
		for _, f := range []signalbox.Format{signalbox.FormatStairoids, signalbox.FormatStandard} {
			body := wire.Freeze(f, wire.EventSignalCreated, e)
			if bytes.Contains(body, []byte(`\u0000`)) {
				t.Skip("U+0000 never gets in")
			}
			again, err := strictjson.Stable(body)
			if err != nil || !bytes.Equal(again, body) {
				t.Fatalf("not stable (%v):\n%s\n%s", err, body, again)
			}
		}
	})
}

// proves S0-23, S0-24, S0-26
func TestAppendReceipt_HasExactlyTheFieldsOfTheDocument(t *testing.T) {
	t.Parallel()
	r := signalbox.Receipt{ID: 1, Type: `a "b"`, Source: "n8n", Account: 2, Contact: 3, CreatedAt: signalAt}
	got := string(wire.AppendReceipt([]byte("x"), codec, r))
	want := `x{"id":"` + codec.Format(signalbox.KindSignal, 1) + `","type":"a \"b\"","source":"n8n","status":"received","account_id":"` +
		codec.Format(signalbox.KindAccount, 2) + `","contact_id":"` + codec.Format(signalbox.KindContact, 3) + `","created_at":"2024-06-15T14:32:05Z"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r.Account, r.Contact = 0, 0
	if got := string(wire.AppendReceipt(nil, codec, r)); !strings.Contains(got, `"account_id":null,"contact_id":null,`) {
		t.Errorf("an unattributed signal answers %s", got)
	}
}

func TestAppendTimes_AreUTC(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 2, 29, 23, 59, 59, 999999000, time.FixedZone("", -3600))
	if got, want := string(wire.AppendSeconds(nil, at)), "2024-03-01T00:59:59Z"; got != want {
		t.Errorf("seconds: got %s, want %s", got, want)
	}
	if got, want := string(wire.AppendMillis(nil, at)), "2024-03-01T00:59:59.999Z"; got != want {
		t.Errorf("milliseconds: got %s, want %s", got, want)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (make it with -update)", err)
	}
	if diff := cmp.Diff(strings.TrimSuffix(string(want), "\n"), string(got)); diff != "" {
		t.Errorf("%s (refresh with -update if this is meant): %s", path, diff)
	}
}

func BenchmarkSignalCreated(b *testing.B) {
	e := s1()
	b.ReportAllocs()
	for b.Loop() {
		wire.Freeze(signalbox.FormatStairoids, wire.EventSignalCreated, e)
	}
}

func BenchmarkAppendReceipt(b *testing.B) {
	var buf []byte
	r := signalbox.Receipt{ID: 1, Type: "page_view", Source: "n8n", Account: 2, Contact: 3, CreatedAt: signalAt}
	b.ReportAllocs()
	for b.Loop() {
		buf = wire.AppendReceipt(buf[:0], codec, r)
	}
}
