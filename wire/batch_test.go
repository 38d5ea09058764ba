package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/strictjson"
	"signalbox/wire"
)

func TestDecodeBatch_OneBadItemNeverSinksTheOthers(t *testing.T) {
	t.Parallel()
	const good = `{"type":"t","source":"s","properties":{"a":"],}[{\"\\"}}`
	for name, bad := range map[string]struct{ item, param string }{
		"a field of the wrong type": {`{"type":1,"source":"s"}`, "type"},
		"a missing field":           {`{"type":"t"}`, "source"},
		"a duplicate key":           {`{"type":"t","source":"s","type":"u"}`, "type"},
		"invalid UTF-8":             {"{\"type\":\"t\",\"source\":\"\xff\"}", "source"},
		"an unpaired surrogate":     {`{"type":"t","source":"\udc00"}`, "source"},
		"U+0000":                    {`{"type":"t\u0000","source":"s"}`, "type"},
		"a number beyond doubles":   {`{"type":"t","source":"s","properties":{"n":-1e999}}`, "properties.n"},
		"too deep":                  {`{"type":"t","source":"s","x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, "x" + strings.Repeat(".0", 31)},
		"null":                      {`null`, ""},
		"a string":                  {`"x,]"`, ""},
		"an array":                  {`[{"type":"t","source":"s"}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.DecodeBatch([]byte(" {\"signals\" : [ "+good+" ,\n"+bad.item+"\t, "+good+"] } "), now)
			items := got.Items
			if err != nil || len(got.Ignored) > 0 || len(items) != 3 || got.DryRun {
				t.Fatalf("got %+v, err %v", got, err)
			}
			wantInvalid(t, items[1].Err, bad.param)
			want, _, _ := wire.DecodeSignal([]byte(good), now)
			for _, i := range []int{0, 2} {
				if diff := cmp.Diff(want, items[i].In); items[i].Err != nil || diff != "" {
					t.Errorf("item %d: %v %s", i, items[i].Err, diff)
				}
			}
			if got := string(items[1].Body); got != bad.item {
				t.Errorf("body of the item: got %s, want %s", got, bad.item)
			}
		})
	}
}

func TestDecodeBatch_AnItemHasTheBoundsOfABodyOfItsOwn(t *testing.T) {
	t.Parallel()
	deep := `{"type":"t","source":"s","properties":{"a":` + strings.Repeat("[", 30) + strings.Repeat("]", 30) + `}}`
	large := `{"type":"t","source":"s","properties":{"a":"` + strings.Repeat("x", wire.MaxBody) + `"}}`
	batch, err := wire.DecodeBatch([]byte(`{"signals":[`+deep+`,`+large+`]}`), now)
	items := batch.Items
	if err != nil || len(items) != 2 {
		t.Fatalf("%d items, err %v", len(items), err)
	}
	if items[0].Err != nil {
		t.Errorf("as deep as a body may be: %v", items[0].Err)
	}
	if got := signalbox.CodeOf(items[1].Err); got != signalbox.TooLarge {
		t.Errorf("larger than a body may be: %v", items[1].Err)
	}
}

func TestDecodeBatch_WhatRefusesTheWhole(t *testing.T) {
	t.Parallel()
	const good = `{"type":"t","source":"s"}`
	for _, c := range []struct{ name, body, param string }{
		{"empty", ``, ""},
		{"an array", `[` + good + `]`, ""},
		{"a signal", good, "signals"},
		{"an empty object", `{}`, "signals"},
		{"signals is null", `{"signals":null}`, "signals"},
		{"signals is an object", `{"signals":{}}`, "signals"},
		{"signals is a string that looks like an array", `{"signals":"[]"}`, "signals"},
		{"signals twice", `{"signals":[],"signals":[]}`, "signals"},
		{"a duplicate beside it", `{"a":1,"signals":[],"a":2}`, "a"},
		{"trailing data", `{"signals":[` + good + `]} {}`, ""},
		{"dry_run is a string", `{"signals":[],"dry_run":"yes"}`, "dry_run"},
		{"too many", `{"signals":[` + strings.Repeat(good+",", wire.MaxBatch) + good + `]}`, "signals"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := wire.DecodeBatch([]byte(c.body), now)
			wantInvalid(t, err, c.param)
		})
	}
	for name, body := range map[string]string{
		"an item is cut short":        `{"signals":[` + good + `,{"type":`,
		"an item is no JSON":          `{"signals":[` + good + `,{"type":},` + good + `]}`,
		"no JSON after a milder flaw": `{"signals":[{"type":"t","type":"t"},{"type"},` + good + `]}`,
		"a comma too many":            `{"signals":[` + good + `,]}`,
		"a comma too few":             `{"signals":[` + good + ` ` + good + `]}`,
		"the array is not closed":     `{"signals":[` + good + `}`,
		"brackets are mixed up":       `{"signals":[` + good + `}]`,
		"the colon is missing":        `{"signals"[` + good + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := wire.DecodeBatch([]byte(body), now); signalbox.CodeOf(err) != signalbox.Invalid {
				t.Errorf("got %v, want a refusal", err)
			}
		})
	}
}

func TestDecodeBatch_FindsSignalsWhereverItStands(t *testing.T) {
	t.Parallel()
	const item = `{"type":"t","source":"s"}`
	for _, body := range []string{
		`{"signals":[` + item + `]}`,
		`{"x":{"signals":[1,2]},"y":"]}","signals":[` + item + `],"z":null}`,
		`{"s\u0069gnals":[` + item + `]}`,
	} {
		got, err := wire.DecodeBatch([]byte(body), now)
		if err != nil || len(got.Items) != 1 || got.Items[0].Err != nil {
			t.Errorf("%s: got %+v, err %v", body, got, err)
		}
	}
	got, err := wire.DecodeBatch([]byte(`{"sent_at":1,"signals":[],"Signals":[],"dry_run":true}`), now)
	if diff := cmp.Diff([]string{"sent_at", "Signals"}, got.Ignored); err != nil || len(got.Items) != 0 || !got.DryRun || diff != "" {
		t.Errorf("got %+v, err %v, ignored %s", got, err, diff)
	}
}

func FuzzDecodeBatch(f *testing.F) {
	for _, seed := range []string{``, `{"signals":[]}`, `{"signals":[{"type":"t","source":"s"},{"type":1}],"x":2}`, `{"signals":[{]}`,
		`{"s\u0069gnals":["]",[1,{}] ]}`, `{"signals":[{"a":"\ud800"},{"a":1,"a":2}]}`, `{"signals":[1 2]}`, `{"signals"[1]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		batch, err := wire.DecodeBatch(body, now)
		items := batch.Items
		if err != nil {
			if signalbox.CodeOf(err) != signalbox.Invalid {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		// What was taken apart is JSON as a whole, and its items are what a parser sees.
		var frame struct{ Signals []strictjson.Raw }
		if strictjson.Check(body) != nil {
			return // some item is refused for what JSON itself allows
		}
		if err := strictjson.Unmarshal([]byte(strings.Replace(string(body), "signals", "Signals", 1)), &frame); err != nil || frame.Signals == nil {
			return
		}
		if len(items) != len(frame.Signals) {
			t.Fatalf("%d items, a parser sees %d", len(items), len(frame.Signals))
		}
		for i, item := range items {
			if string(item.Body) != string(frame.Signals[i]) {
				t.Fatalf("item %d is %s, a parser sees %s", i, item.Body, frame.Signals[i])
			}
		}
	})
}

func BenchmarkDecodeBatch(b *testing.B) {
	body := []byte(`{"signals":[` + strings.Repeat(s0Sample+",", 999) + s0Sample + `]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.DecodeBatch(body, now); err != nil {
			b.Fatal(err)
		}
	}
}
