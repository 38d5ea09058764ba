package inbound_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/expr"
	"signalbox/inbound"
	"signalbox/strictjson"
	"signalbox/wire"
)

func document(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../docs/incoming.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// fences are the blocks of the document that are marked so.
func fences(t *testing.T, text, mark string, least int) []string {
	t.Helper()
	var all []string
	for _, m := range regexp.MustCompile("(?ms)^```"+mark+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	if len(all) < least {
		t.Fatalf("%d fences %q, want %d", len(all), mark, least)
	}
	return all
}

// firstCells are the names in the first column of the table that begins with a header.
func firstCells(t *testing.T, text, header string) []string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "\n| "+header+" |")
	if !ok {
		t.Fatalf("no table of %s", header)
	}
	var all []string
	for _, line := range strings.Split(rest, "\n")[2:] {
		if !strings.HasPrefix(line, "| `") {
			break
		}
		all = append(all, strings.Split(line, "`")[1])
	}
	return all
}

// docs/incoming.md shows an automation, a body and the signal that it becomes: it is that signal.
func TestDocument_ItsFirstExampleIsTrue(t *testing.T) {
	t.Parallel()
	text := document(t)
	request := regexp.MustCompile(`(?s)<<'END'\n(.*?)\nEND\n`).FindStringSubmatch(text)
	if request == nil {
		t.Fatal("no request")
	}
	var automation struct {
		Trigger struct {
			Verify struct {
				Preset signalbox.Preset `json:"preset"`
				Header string           `json:"header"`
				Secret string           `json:"secret"`
			} `json:"verify"`
			Mapping signalbox.Mapping `json:"mapping"`
		} `json:"trigger"`
	}
	if err := strictjson.Unmarshal([]byte(request[1]), &automation); err != nil {
		t.Fatal(err)
	}
	v := automation.Trigger.Verify
	d, err := inbound.Compile(&signalbox.Incoming{Verify: signalbox.Verification{Preset: v.Preset, Header: v.Header}, Mapping: automation.Trigger.Mapping})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Verify(&inbound.Request{Header: headers("X-Api-Key", v.Secret)}, []string{v.Secret}, now); err != nil {
		t.Error(err)
	}
	list, err := d.Map(&inbound.Request{}, []byte(fences(t, text, "json body", 1)[0]), now)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d signals, %v", len(list), err)
	}
	want, ignored, err := wire.DecodeSignal([]byte(fences(t, text, "json signal", 1)[0]), now)
	if err != nil || len(ignored) > 0 {
		t.Fatal(ignored, err)
	}
	if diff := cmp.Diff(want, list[0]); diff != "" {
		t.Error(diff)
	}
}

func TestDocument_ItsMappingsCompile(t *testing.T) {
	t.Parallel()
	for _, text := range fences(t, document(t), "json mapping", 3) {
		var m signalbox.Mapping
		if err := strictjson.UnmarshalKnown([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if err := inbound.Check(&signalbox.Incoming{Verify: signalbox.Verification{Preset: signalbox.PresetNone}, Mapping: m}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestDocument_ListsEveryPresetFieldAndReadyMapping(t *testing.T) {
	t.Parallel()
	text := document(t)
	var presets, names []string
	for _, p := range signalbox.Presets() {
		presets = append(presets, string(p))
	}
	for _, r := range inbound.Ready() {
		names = append(names, r.Name)
	}
	if diff := cmp.Diff(presets, firstCells(t, text, "preset")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(names, firstCells(t, text, "name | tool")); diff != "" {
		t.Error(diff)
	}
	everything := signalbox.Mapping{When: "true", Each: "body", Type: "'t'", Source: "'s'", Properties: "body", OccurredAt: "'x'", IdempotencyKey: "'x'",
		Account: signalbox.AccountMapping{Domain: "'x'", Name: "'x'", Attributes: "body"},
		Contact: signalbox.ContactMapping{Email: "'x'", FirstName: "'x'", LastName: "'x'", Title: "'x'", LinkedInURL: "'x'", Attributes: "body"}}
	fields := []string{"when", "each"}
	for _, f := range mapped(t, everything).Try(&inbound.Request{}, []byte(`{}`), now).Signals[0].Fields {
		fields = append(fields, f.Name)
	}
	if diff := cmp.Diff(fields, firstCells(t, text, "field")); diff != "" {
		t.Error(diff)
	}
}

func TestDocument_ItsLimitsAreThoseInForce(t *testing.T) {
	t.Parallel()
	text := document(t)
	for what, n := range map[string]int{"bytes of a body": inbound.MaxBody, "signals of one body": inbound.MaxSignals, "bytes of all signals of one body": inbound.MaxMapped,
		"bytes of one signal's `properties`": expr.MaxRendered, "cost of any other expression, once": expr.DefaultMaxCost, "cost of everything that one body asks": inbound.MaxCost} {
		row := fmt.Sprintf("| %s | %s |", what, thousands(n))
		if !strings.Contains(text, row) {
			t.Errorf("no row %s", row)
		}
	}
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
