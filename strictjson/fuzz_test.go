package strictjson_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"signalbox/strictjson"
)

func seed(f *testing.F) {
	for _, c := range refused {
		f.Add([]byte(c.text))
	}
	f.Add([]byte(signal))
	f.Add([]byte(`{"a":{"é\ud83d\ude39":[1.50,-0,1e21,12345678901234567890,null,true]},"7":""}`))
}

// What we accept, two other readers accept; what they refuse, we refuse.
func FuzzCheck(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		err := strictjson.Check(data)
		if err == nil {
			if !json.Valid(data) || !jsontext.Value(data).IsValid() || !utf8.Valid(data) {
				t.Fatalf("accepted %q", data)
			}
			var v any
			if err := json.Unmarshal(data, &v); err != nil {
				t.Fatalf("accepted %q, but: %v", data, err)
			}
			return
		}
		e := err.(*strictjson.Error)
		if e.Kind == "" || e.Msg == "" {
			t.Fatalf("%q: error without kind or message: %+v", data, e)
		}
		stricter := e.Kind == strictjson.TooDeep || e.Kind == strictjson.NUL || e.Kind == strictjson.NumberRange
		if !stricter && jsontext.Value(data).IsValid() {
			t.Fatalf("refused valid %q: %v", data, err)
		}
	})
}

// The stable and the canonical form keep the value and are their own forms.
func FuzzStable(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		stable, err := strictjson.Stable(data)
		if (err == nil) != (strictjson.Check(data) == nil) {
			t.Fatalf("%q: Stable and Check disagree: %v", data, err)
		}
		if err != nil {
			return
		}
		canonical, err := strictjson.Canonical(data)
		if err != nil {
			t.Fatal(err)
		}
		var before, after, sorted any
		_ = json.Unmarshal(data, &before)
		for text, v := range map[*[]byte]*any{&stable: &after, &canonical: &sorted} {
			if err := json.Unmarshal(*text, v); err != nil || !reflect.DeepEqual(before, *v) {
				t.Fatalf("%q became %q: %v", data, *text, err)
			}
		}
		if again, err := strictjson.Stable(stable); err != nil || !bytes.Equal(again, stable) {
			t.Fatalf("%q: not stable: %q, then %q, %v", data, stable, again, err)
		}
		if again, err := strictjson.Canonical(stable); err != nil || !bytes.Equal(again, canonical) {
			t.Fatalf("%q: not canonical: %q, then %q, %v", data, canonical, again, err)
		}
	})
}
